//! What keywords and control structures of Robot Framework are called as steps.

use crate::xml::element::Element;

/// What separates a keyword's name from its arguments in a test's own source.
pub(super) const SEPARATOR: &str = "    ";

/// A keyword by its full name; its library stands apart since 4.0.
pub(super) fn keyword(head: &Element) -> String {
    let name = head.filled("name").unwrap_or_default();
    let owner = head.filled("owner").or_else(|| head.filled("library"));
    owner.map_or_else(|| name.clone(), |owner| format!("{owner}.{name}"))
}

/// What begins as a step: a keyword or a control structure, in the words of a test's source.
pub(super) fn step(head: &Element) -> String {
    let attribute = |name| head.attribute(name).unwrap_or_default();
    match head.name.as_str() {
        "kw" => typed(head),
        "branch" => words(&[attribute("type"), attribute("condition")]),
        "iter" => "ITERATION".to_owned(),
        "while" => words(&["WHILE", attribute("condition")]),
        "variable" => words(&["VAR", attribute("name")]),
        "group" => words(&["GROUP", attribute("name")]),
        other => other.to_ascii_uppercase(),
    }
}

/// A keyword of a type. Before 4.0 loops were keywords of their own types.
fn typed(head: &Element) -> String {
    let name = keyword(head);
    match head.filled("type").unwrap_or_default().to_ascii_uppercase().as_str() {
        "SETUP" => words(&["SETUP", &name]),
        "TEARDOWN" => words(&["TEARDOWN", &name]),
        "FOR" => words(&["FOR", &name]),
        "FORITEM" | "ITERATION" => words(&["ITERATION", &name]),
        _ => name,
    }
}

fn words(words: &[&str]) -> String {
    words.iter().copied().map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(SEPARATOR)
}
