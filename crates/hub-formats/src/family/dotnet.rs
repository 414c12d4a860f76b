//! How .NET tools name a test: a display name that repeats the class and ends in the arguments of a data row.

use crate::limits;

/// A display name without the class before it: `Shop.CartTests.Adds(count: 1)` of `Shop.CartTests` is `Adds(count: 1)`.
pub(crate) fn without_class<'n>(name: &'n str, class: &str) -> &'n str {
    let rest = name.strip_prefix(class).and_then(|rest| rest.strip_prefix('.'));
    rest.filter(|rest| !class.is_empty() && !rest.is_empty()).unwrap_or(name)
}

/// A class without the assembly behind it: `Shop.CartTests, Shop, Version=1.0.0.0`.
pub(crate) fn class_only(class: &str) -> &str {
    class.split_once(',').map_or(class, |(class, _)| class).trim()
}

/// The last part of a path of either kind: an assembly lies elsewhere on every machine.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

/// The arguments of a data row in a display name: `Adds(count: 1, name: "a, b")`, `Adds (1,2)`. What stands before them is
/// the method, or a title that a team gave it where every argument has its name; `logs in (mobile)` has none. An argument
/// without a name is called by its place.
pub(crate) fn arguments(name: &str, method: &str) -> Vec<(String, String)> {
    let method = without_generics(method.rsplit('.').next().unwrap_or(method));
    let Some((before, inside)) = name.strip_suffix(')').and_then(|name| name.split_once('(')) else {
        return Vec::new();
    };
    if inside.trim().is_empty() {
        return Vec::new();
    }
    let parts = split(inside);
    let called = without_generics(before.trim_end());
    let is_method = !method.is_empty() && called.rsplit('.').next().unwrap_or(called) == method;
    let titled = !before.ends_with(char::is_whitespace) && parts.iter().all(|part| named(part).is_some());
    if !is_method && !titled {
        return Vec::new();
    }
    let argument = |(place, part): (usize, &str)| match named(part) {
        Some((name, value)) => (name.to_owned(), value.trim().to_owned()),
        None => ((place + 1).to_string(), part.to_owned()),
    };
    parts.into_iter().take(limits::PROPERTIES).enumerate().map(argument).collect()
}

/// An argument with its name.
fn named(part: &str) -> Option<(&str, &str)> {
    part.split_once(": ").filter(|(name, _)| is_name(name))
}

fn without_generics(name: &str) -> &str {
    name.split_once('<').map_or(name, |(name, _)| name)
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '@')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// The parts between commas that stand in no quotes and no brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote, mut escaped) = (Vec::new(), 0, 0_u32, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(name: &str, method: &str) -> String {
        arguments(name, method).iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn arguments_are_taken_from_data_rows_and_not_from_titles() {
        for (name, method, expect) in [
            ("Adds(count: 1, name: \"a, \\\"b\\\"\")", "Adds", "count=1 | name=\"a, \\\"b\\\"\""),
            ("Adds (1,[2, 3])", "Adds", "1=1 | 2=[2, 3]"),
            ("Adds<System.Int32>(value: (1, 2))", "Adds", "value=(1, 2)"),
            ("Shop.Cart.Adds(at: 10:30)", "Shop.Cart.Adds", "at=10:30"),
            ("Adds(https://example.com)", "Adds", "1=https://example.com"),
            ("Adds()", "Adds", ""),
            ("Adds", "Adds", ""),
            ("Adds one(count: 1)", "Adds", "count=1"),
            ("adds to the cart (mobile)", "Adds", ""),
            ("adds to the cart (on: mobile)", "Adds", ""),
            ("adds(mobile)", "Adds", ""),
            ("Adds(\"open", "Adds", ""),
        ] {
            assert_eq!(pairs(name, method), expect, "{name}");
        }
    }

    #[test]
    fn classes_and_paths_are_shortened() {
        assert_eq!(without_class("Shop.Cart.Adds", "Shop.Cart"), "Adds");
        assert_eq!(without_class("Shop.Carting.Adds", "Shop.Cart"), "Shop.Carting.Adds");
        assert_eq!(without_class("adds", ""), "adds");
        assert_eq!(class_only("Shop.Cart, Shop, Version=1.0.0.0"), "Shop.Cart");
        assert_eq!(file_name("C:\\build\\Shop.dll"), "Shop.dll");
        assert_eq!(file_name("/srv/build/Shop.dll"), "Shop.dll");
    }
}
