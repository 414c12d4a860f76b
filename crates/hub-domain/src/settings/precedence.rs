//! `precedence`: whose word counts when two of a team's documents tell of the same thing.

use serde::{Deserialize, Serialize};

/// The most sources that can be put in an order; more would be another way to say nothing.
const MOST: usize = 40;

/// The precedence of the first; each that follows is one less, so that the last of [`MOST`] still stands above what is not named.
const FIRST: u8 = 90;

/// Sources in the order in which they count, the first most: `ctb-master*.csv` or `file:...` for files by their names,
/// `table:NAME` for a table of the settings, `format:csv-cases` for a format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Precedence(pub Vec<String>);

impl Precedence {
    /// The precedence of a source that the order names; nothing for one that it does not.
    #[must_use]
    pub fn of_source(&self, file: &str, format: &str, table: Option<&str>) -> Option<u8> {
        let own_name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let place = self.0.iter().take(MOST).position(|source| match source.split_once(':') {
            Some(("table", name)) => table == Some(name.trim()),
            Some(("format", name)) => format == name.trim(),
            Some(("file", pattern)) => matches(pattern.trim(), file) || matches(pattern.trim(), own_name),
            Some(_) | None => matches(source.trim(), file) || matches(source.trim(), own_name),
        })?;
        u8::try_from(place).ok().and_then(|place| FIRST.checked_sub(place))
    }

    pub(super) fn check(&self, tables: &[super::TableSettings], mistakes: &mut Vec<String>) {
        if self.0.len() > MOST {
            mistakes.push(format!("precedence: it names {} sources, at most {MOST} can be ordered", self.0.len()));
        }
        for (index, source) in self.0.iter().enumerate() {
            let name = source.split_once(':').map_or(source.as_str(), |(_, name)| name);
            if name.trim().is_empty() {
                mistakes.push(format!("precedence: {source:?} names nothing"));
            }
            if self.0.iter().take(index).any(|earlier| earlier == source) {
                mistakes.push(format!("precedence: {source:?} stands in it twice"));
            }
            if let Some(("table", name)) = source.split_once(':')
                && !tables.iter().any(|table| table.name == name.trim())
            {
                mistakes.push(format!("precedence: there is no table {:?}", name.trim()));
            }
        }
    }
}

/// Whether a name fits a pattern: `*` is any text, also none, and everything else is itself.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_counts_most_and_what_is_not_named_has_none() {
        let order = Precedence(vec!["master*.csv".into(), "table:plan".into(), "format:csv-cases".into()]);
        assert_eq!(order.of_source("2026/master-v2.csv", "csv-cases", None), Some(90));
        assert_eq!(order.of_source("x.csv", "csv-cases", Some("plan")), Some(89));
        assert_eq!(order.of_source("x.csv", "csv-cases", None), Some(88));
        assert_eq!(order.of_source("x.csv", "csv-defects", None), None);
    }

    #[test]
    fn patterns_are_names_with_stars() {
        for (pattern, name, expect) in [
            ("a.csv", "a.csv", true),
            ("a.csv", "xa.csv", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*.csv", "ñ.csv", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let mut mistakes = Vec::new();
        Precedence(vec!["a".into(), "a".into(), "table:none".into(), "file: ".into()]).check(&[], &mut mistakes);
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        let mut mistakes = Vec::new();
        Precedence((0..41).map(|n| n.to_string()).collect()).check(&[], &mut mistakes);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }
}
