//! Summaries of issues and titles of pages: readable, one line, within the site's limits, and for pages unique.
//!
//! A page title is unique in its space (case-insensitively, archived pages included), which makes it the server's own
//! idempotency key. Two projects may share a space, and a run may be called like a release, so the bracket at the end
//! names project, kind and id.

use hub_domain::{ContentHash, EntityKind, ExternalId, ProjectKey};

/// Jira: "Summary can't exceed 255 characters."; Confluence: a title has at most 255. Both are written in Java, which
/// counts UTF-16 units: an emoji is two.
pub const MAX_TITLE: usize = 255;

/// The longest bracket; a longer id is replaced by the first 16 hexadecimal characters of its hash.
const MAX_BRACKET: usize = 120;

/// One line of at most `max` UTF-16 units: white space is folded, control characters vanish, a cut is shown by `…`.
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    let folded = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if units(&folded) <= max {
        return folded;
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.len_utf16();
        used <= max
    };
    let mut cut: String = folded.chars().take_while(fits).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The summary of an issue: `TC_HOME_010 - title`.
#[must_use]
pub fn summary(external_id: &ExternalId, title: &str) -> String {
    let title = one_line(title, MAX_TITLE);
    if title.is_empty() || title == external_id.as_str() {
        return one_line(external_id.as_str(), MAX_TITLE);
    }
    one_line(&format!("{external_id} - {title}"), MAX_TITLE)
}

/// The title of an entity's page: `human title [project/kind/id]`.
#[must_use]
pub fn page(project: &ProjectKey, kind: EntityKind, external_id: &ExternalId, title: &str) -> String {
    let bracket = match kind {
        EntityKind::Project => format!("[{project}]"),
        EntityKind::Index => format!("[{project}/index]"),
        EntityKind::Suite
        | EntityKind::TestCase
        | EntityKind::Release
        | EntityKind::Run
        | EntityKind::Defect
        | EntityKind::Report => {
            let id = one_line(external_id.as_str(), MAX_TITLE);
            let full = format!("[{project}/{}/{id}]", kind.as_str());
            if units(&full) <= MAX_BRACKET {
                full
            } else {
                format!(
                    "[{project}/{}/{}]",
                    kind.as_str(),
                    ContentHash::of_bytes(external_id.as_str().as_bytes()).short()
                )
            }
        }
    };
    let room = MAX_TITLE.saturating_sub(units(&bracket) + 1);
    let human = one_line(title, room);
    if human.is_empty() { bracket } else { format!("{human} {bracket}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ExternalId {
        ExternalId::new(text).unwrap()
    }

    #[test]
    fn titles_fit_and_stay_unique() {
        let key = ProjectKey::new("shop").unwrap();
        assert_eq!(page(&key, EntityKind::Run, &id("r1"), "Regresión  web\n"), "Regresión web [shop/run/r1]");
        assert_eq!(page(&key, EntityKind::Project, &id("shop"), "Shop"), "Shop [shop]");
        let long = page(&key, EntityKind::Report, &id(&"é".repeat(200)), &"x".repeat(900));
        assert_eq!(units(&long), MAX_TITLE);
        assert!(long.ends_with(']'));
        let other = page(&key, EntityKind::Report, &id(&format!("{}a", "é".repeat(199))), &"x".repeat(900));
        assert_ne!(long, other, "two long ids stay two titles");
    }

    #[test]
    fn summaries_are_one_line_of_255() {
        assert_eq!(summary(&id("TC_1"), "a\tb\r\nc\u{7}"), "TC_1 - a b c");
        assert_eq!(summary(&id("TC_1"), "TC_1"), "TC_1");
        let emoji = summary(&id("TC_1"), &"😀".repeat(400));
        assert!((254..=255).contains(&units(&emoji)) && emoji.ends_with('…'), "{emoji}");
    }
}
