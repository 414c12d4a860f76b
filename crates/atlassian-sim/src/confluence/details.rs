//! The facts of a Page Properties macro: the rows of its table, each a heading and a value.

use super::state::Page;
use super::storage::{Element, Node, text_of};

/// A heading and its value.
pub type Fact = (String, Vec<Node>);

/// A page's facts, in order; `wanted` restricts them to the macros with that id.
pub fn of(page: &Page, wanted: Option<&str>) -> Vec<Fact> {
    let Some(version) = page.current() else { return Vec::new() };
    // Most pages have none: they need not be parsed to know it.
    if !version.body.storage.contains("ac:name=\"details\"") {
        return Vec::new();
    }
    let mut facts = Vec::new();
    collect(&version.body.nodes(), wanted, &mut facts);
    facts
}

fn collect(nodes: &[Node], wanted: Option<&str>, facts: &mut Vec<Fact>) {
    for element in nodes.iter().filter_map(Node::element) {
        let ours = element.macro_name() == Some("details")
            && wanted.is_none_or(|wanted| element.parameter("id").as_deref() == Some(wanted));
        if ours {
            rows(&element.children, facts);
        } else {
            collect(&element.children, wanted, facts);
        }
    }
}

/// Both layouts count: a heading and its value in a row, or a row of headings above a row of values.
fn rows(nodes: &[Node], facts: &mut Vec<Fact>) {
    for element in nodes.iter().filter_map(Node::element) {
        if !matches!(element.name.as_str(), "tbody" | "thead") {
            rows(&element.children, facts);
            continue;
        }
        let rows: Vec<Vec<&Element>> = element
            .elements()
            .filter(|row| row.name == "tr")
            .map(|row| row.elements().filter(|cell| matches!(cell.name.as_str(), "th" | "td")).collect())
            .collect();
        let across = |row: &Vec<&Element>| row.len() > 1 && row.iter().all(|cell| cell.name == "th");
        match rows.as_slice() {
            [heads, values] if across(heads) => {
                for (head, value) in heads.iter().zip(values) {
                    facts.push((heading(head), value.children.clone()));
                }
            }
            _ => {
                for row in &rows {
                    if let [head, value, ..] = row.as_slice() {
                        facts.push((heading(head), value.children.clone()));
                    }
                }
            }
        }
    }
}

fn heading(cell: &Element) -> String {
    text_of(&cell.children).trim().to_owned()
}

/// The value under a heading, compared without letter case.
pub fn fact<'a>(facts: &'a [Fact], heading: &str) -> Option<&'a [Node]> {
    let found = facts.iter().find(|(name, _)| name.to_lowercase() == heading.to_lowercase());
    found.map(|(_, value)| value.as_slice())
}

/// All headings in the order in which they are first met.
pub fn headings<'a>(rows: impl Iterator<Item = &'a [Fact]>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (name, _) in rows.flatten() {
        if !found.iter().any(|other| other.to_lowercase() == name.to_lowercase()) {
            found.push(name.clone());
        }
    }
    found
}
