//! What stands inside a line: text with marks, links, status lozenges, dates, page and issue references.
//!
//! Fields are private or checked types, so an inline that a remote side would refuse (a status without text, `code`
//! combined with bold, a `javascript:` link) cannot be built; its constructor gives the nearest thing that is accepted.

use serde::Serialize;

use crate::date::Date;
use crate::href::Href;
use crate::macros::JiraServer;
use crate::text::{CleanLine, CleanText};

/// A status lozenge longer than this becomes bold text: it is a word or two, and a sentence inside one is unreadable.
pub const MAX_STATUS_CHARS: usize = 60;

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Inline {
    /// Text with marks; line breaks inside it are honoured.
    Text(Text),
    /// A link to the web.
    Link(Link),
    /// A coloured lozenge.
    Status(Status),
    /// A day.
    Date(Date),
    /// A line break inside a paragraph.
    LineBreak,
    /// A link to a Confluence page by its title.
    PageLink(PageLink),
    /// A reference to a Jira issue.
    IssueRef(IssueRef),
}

impl Inline {
    /// Plain text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::marked(text, Marks::default())
    }

    /// Bold text.
    #[must_use]
    pub fn strong(text: &str) -> Self {
        Self::marked(text, Marks::default().strong())
    }

    /// Italic text.
    #[must_use]
    pub fn emphasis(text: &str) -> Self {
        Self::marked(text, Marks::default().emphasis())
    }

    /// Text in a fixed-width font.
    #[must_use]
    pub fn code(text: &str) -> Self {
        Self::marked(text, Marks::default().code())
    }

    /// Text with marks.
    #[must_use]
    pub fn marked(text: &str, marks: Marks) -> Self {
        Self::Text(Text { text: CleanText::new(text), marks })
    }

    /// A link, or plain text with the address in brackets when the address may not be a link (see [`Href::parse`]). An
    /// empty text shows the address.
    #[must_use]
    pub fn link(address: &str, text: &str) -> Self {
        let text = CleanLine::new(text);
        if let Some(href) = Href::parse(address) {
            let text = if text.is_empty() { CleanLine::new(href.as_str()) } else { text };
            return Self::Link(Link { href, text, is_picture: false });
        }
        let address = CleanLine::new(address);
        match (text.is_empty(), address.is_empty()) {
            (true, _) => Self::text(address.as_str()),
            (false, true) => Self::text(text.as_str()),
            (false, false) if text == address => Self::text(text.as_str()),
            (false, false) => Self::text(&format!("{text} ({address})")),
        }
    }

    /// A link to a picture, which stands small before its text where a page can show one from the web; else [`Inline::link`].
    #[must_use]
    pub fn picture(address: &str, text: &str) -> Self {
        let mut link = Self::link(address, text);
        if let Self::Link(link) = &mut link {
            link.is_picture = true;
        }
        link
    }

    /// A status lozenge; bold text when it is longer than [`MAX_STATUS_CHARS`], nothing visible when it is empty.
    #[must_use]
    pub fn status(text: &str, colour: StatusColour) -> Self {
        let text = CleanLine::new(text);
        if text.is_empty() || text.as_str().chars().count() > MAX_STATUS_CHARS {
            return Self::strong(text.as_str());
        }
        Self::Status(Status { text, colour })
    }

    /// A date lozenge from `YYYY-MM-DD`; the text as it is when it names no day.
    #[must_use]
    pub fn date(text: &str) -> Self {
        Date::parse(text.trim()).map_or_else(|| Self::text(text), Self::Date)
    }
}

impl From<&str> for Inline {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Inline {
    fn from(text: String) -> Self {
        Self::text(&text)
    }
}

/// Text with marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    pub(crate) text: CleanText,
    pub(crate) marks: Marks,
}

impl Text {
    /// The cleaned text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Its marks.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.marks
    }
}

/// How text looks. `code` excludes the others, as ADF allows it beside a link only; whichever order they are given in,
/// `code` wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "five independent marks are five booleans; any of them may be set")]
pub struct Marks {
    strong: bool,
    emphasis: bool,
    strike: bool,
    underline: bool,
    code: bool,
}

impl Marks {
    /// Bold.
    #[must_use]
    pub fn strong(self) -> Self {
        Self { strong: !self.code, ..self }
    }

    /// Italic.
    #[must_use]
    pub fn emphasis(self) -> Self {
        Self { emphasis: !self.code, ..self }
    }

    /// Struck through.
    #[must_use]
    pub fn strike(self) -> Self {
        Self { strike: !self.code, ..self }
    }

    /// Underlined.
    #[must_use]
    pub fn underline(self) -> Self {
        Self { underline: !self.code, ..self }
    }

    /// Fixed width; takes the other marks away.
    #[must_use]
    pub fn code(self) -> Self {
        Self { code: true, ..Self::default() }
    }

    /// Whether the text is bold.
    #[must_use]
    pub fn is_strong(self) -> bool {
        self.strong
    }

    /// Whether the text is italic.
    #[must_use]
    pub fn is_emphasis(self) -> bool {
        self.emphasis
    }

    /// Whether the text is struck through.
    #[must_use]
    pub fn is_strike(self) -> bool {
        self.strike
    }

    /// Whether the text is underlined.
    #[must_use]
    pub fn is_underline(self) -> bool {
        self.underline
    }

    /// Whether the text is fixed width.
    #[must_use]
    pub fn is_code(self) -> bool {
        self.code
    }
}

/// A link to the web; built by [`Inline::link`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub(crate) href: Href,
    pub(crate) text: CleanLine,
    /// Whether a picture is behind it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_picture: bool,
}

/// A coloured lozenge with 1 to [`MAX_STATUS_CHARS`] characters; built by [`Inline::status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub(crate) text: CleanLine,
    pub(crate) colour: StatusColour,
}

/// The colours that both products draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusColour {
    /// No judgement: unknown, not run.
    Neutral,
    /// Good: passed, done.
    Green,
    /// Bad: failed.
    Red,
    /// Attention: flaky, blocked.
    Yellow,
    /// In progress.
    Blue,
    /// Special.
    Purple,
}

/// A link to a Confluence page by its title, which is what a page has before it exists. Outside Confluence it is a link
/// where an address is known, and text otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageLink {
    pub(crate) title: CleanLine,
    pub(crate) space_key: Option<CleanLine>,
    pub(crate) text: CleanLine,
    pub(crate) url: Option<Href>,
}

impl PageLink {
    /// A link to the page with this title in the space of the page that holds the link.
    #[must_use]
    pub fn new(title: impl Into<CleanLine>) -> Self {
        let title = title.into();
        Self { text: title.clone(), title, space_key: None, url: None }
    }

    /// The page is in another space.
    #[must_use]
    pub fn in_space(self, space_key: impl Into<CleanLine>) -> Self {
        Self { space_key: Some(space_key.into()).filter(|key| !key.is_empty()), ..self }
    }

    /// What the reader sees, instead of the title.
    #[must_use]
    pub fn with_text(self, text: impl Into<CleanLine>) -> Self {
        let text = text.into();
        if text.is_empty() { self } else { Self { text, ..self } }
    }

    /// The page's address, for Jira; one that may not be a link is left out.
    #[must_use]
    pub fn with_url(self, address: &str) -> Self {
        Self { url: Href::parse(address), ..self }
    }
}

impl From<PageLink> for Inline {
    fn from(link: PageLink) -> Self {
        Self::PageLink(link)
    }
}

/// A reference to a Jira issue: a link, or in Confluence the Jira macro, which shows the issue's present state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssueRef {
    pub(crate) key: CleanLine,
    pub(crate) url: Option<Href>,
    pub(crate) live: bool,
    pub(crate) server: Option<JiraServer>,
}

impl IssueRef {
    /// Shows the key, linked where the address may be a link.
    #[must_use]
    pub fn link(key: impl Into<CleanLine>, address: &str) -> Self {
        Self { key: key.into(), url: Href::parse(address), live: false, server: None }
    }

    /// In Confluence the Jira macro, elsewhere as [`IssueRef::link`]. Needs a Jira that this Confluence is linked with;
    /// a key that Jira could not have issued stays text.
    #[must_use]
    pub fn live(key: impl Into<CleanLine>, address: &str) -> Self {
        Self { live: true, ..Self::link(key, address) }
    }

    /// Which linked Jira, where Confluence knows several.
    #[must_use]
    pub fn on_server(self, server: JiraServer) -> Self {
        Self { server: Some(server), ..self }
    }

    /// Whether the key looks like one: an upper-case project key, a hyphen, a number.
    pub(crate) fn has_issue_key(&self) -> bool {
        let Some((project, number)) = self.key.as_str().split_once('-') else { return false };
        project.starts_with(|c: char| c.is_ascii_uppercase())
            && project.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
    }
}

impl From<IssueRef> for Inline {
    fn from(reference: IssueRef) -> Self {
        Self::IssueRef(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_excludes_the_other_marks_in_any_order() {
        assert_eq!(Marks::default().strong().underline().code(), Marks::default().code());
        assert_eq!(Marks::default().code().strong().emphasis().strike().underline(), Marks::default().code());
        assert!(Marks::default().strong().emphasis().is_strong());
    }

    #[test]
    fn what_cannot_be_a_link_or_status_is_text() {
        assert_eq!(Inline::link("javascript:alert(1)", "run"), Inline::text("run (javascript:alert(1))"));
        assert_eq!(Inline::link("/relative", "/relative"), Inline::text("/relative"));
        assert_eq!(Inline::link("", "only text"), Inline::text("only text"));
        assert!(
            matches!(Inline::link("https://x.example", ""), Inline::Link(link) if link.text.as_str() == "https://x.example")
        );
        assert_eq!(Inline::status(" \n", StatusColour::Red), Inline::strong(""));
        assert_eq!(Inline::status(&"x".repeat(61), StatusColour::Red), Inline::strong(&"x".repeat(61)));
        assert_eq!(Inline::date("tomorrow"), Inline::text("tomorrow"));
    }

    #[test]
    fn issue_keys() {
        for (key, good) in [
            ("CTB-12", true),
            ("A_1-9", true),
            ("ctb-1", false),
            ("CTB-", false),
            ("CTB", false),
            ("1A-2", false),
            ("CTB-1x", false),
            ("A B-1", false),
        ] {
            assert_eq!(IssueRef::link(key, "").has_issue_key(), good, "{key}");
        }
    }
}
