//! The labels of pages, as Confluence takes them: by them indexes find pages, and people search.

use hub_domain::{EntityKind, Label, facts::PageFacts};

/// A label of the taxonomy. A colon is not allowed in a label of Confluence, so `project:ctb` is `project-ctb`.
#[must_use]
pub fn of_taxonomy(label: &Label) -> String {
    label.as_str().replace(':', "-")
}

/// The label by which indexes find pages of a kind. With a hyphen: a Confluence label holds no colon.
#[must_use]
pub fn of_kind(kind: EntityKind) -> Option<&'static str> {
    match kind {
        EntityKind::Release => Some("hub-release"),
        EntityKind::Run => Some("hub-run"),
        EntityKind::Report => Some("hub-report"),
        EntityKind::Project | EntityKind::Index | EntityKind::Suite | EntityKind::TestCase | EntityKind::Defect => None,
    }
}

/// The labels of a page: the taxonomy's, and the one by which indexes find its kind.
#[must_use]
pub fn of_page(facts: &PageFacts, kind: EntityKind) -> Vec<String> {
    let mut labels: Vec<String> = facts.labels.iter().map(of_taxonomy).collect();
    labels.extend(of_kind(kind).map(str::to_owned));
    labels.sort();
    labels
}
