//! The neutral document: blocks under each other, each holding inlines or further blocks.
//!
//! Constructors take plain strings and clean them; levels, links and languages are checked types. Blocks nest freely, and
//! the encoders make of it what the remote side can hold (`nesting`), so no caller needs Atlassian's nesting rules.

use serde::Serialize;

use crate::inline::Inline;
use crate::macros::Macro;
use crate::table::Table;
use crate::text::{CleanLine, CleanText, clean};

/// A whole description, comment or page body.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Document {
    /// The blocks, from top to bottom.
    pub blocks: Vec<Block>,
}

impl Document {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a block at the end.
    #[must_use]
    pub fn with(mut self, block: impl Into<Block>) -> Self {
        self.push(block);
        self
    }

    /// Adds a block at the end, in place.
    pub fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push(block.into());
    }
}

impl<B: Into<Block>> FromIterator<B> for Document {
    fn from_iter<I: IntoIterator<Item = B>>(blocks: I) -> Self {
        Self { blocks: blocks.into_iter().map(Into::into).collect() }
    }
}

impl<B: Into<Block>> Extend<B> for Document {
    fn extend<I: IntoIterator<Item = B>>(&mut self, blocks: I) {
        self.blocks.extend(blocks.into_iter().map(Into::into));
    }
}

/// A block of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading(Heading),
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A bullet list.
    BulletList(List),
    /// A numbered list.
    OrderedList(List),
    /// A table.
    Table(Table),
    /// Preformatted text.
    Code(Code),
    /// A coloured box.
    Panel(Panel),
    /// A horizontal line.
    Rule,
    /// Content that a reader unfolds.
    Expand(Expand),
    /// A quotation.
    Quote(Vec<Block>),
    /// A Confluence macro.
    Macro(Macro),
}

impl Block {
    /// A heading; the level is brought into 1 to 6.
    #[must_use]
    pub fn heading(level: u8, inlines: impl IntoIterator<Item = Inline>) -> Self {
        Self::Heading(Heading { level: HeadingLevel::new(level), inlines: inlines.into_iter().collect() })
    }

    /// A paragraph.
    #[must_use]
    pub fn paragraph(inlines: impl IntoIterator<Item = Inline>) -> Self {
        Self::Paragraph(inlines.into_iter().collect())
    }

    /// A paragraph of plain text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::paragraph([Inline::text(text)])
    }

    /// A bullet list.
    #[must_use]
    pub fn bullet_list<C: Into<Content>>(items: impl IntoIterator<Item = C>) -> Self {
        Self::BulletList(List::new(items))
    }

    /// A numbered list.
    #[must_use]
    pub fn ordered_list<C: Into<Content>>(items: impl IntoIterator<Item = C>) -> Self {
        Self::OrderedList(List::new(items))
    }

    /// Preformatted text; the language only chooses colours.
    #[must_use]
    pub fn code(language: Option<&str>, text: &str) -> Self {
        Self::Code(Code { language: language.and_then(Language::parse), text: CleanText::new(text) })
    }

    /// A coloured box.
    #[must_use]
    pub fn panel(kind: PanelKind, blocks: impl IntoIterator<Item = Block>) -> Self {
        Self::Panel(Panel { kind, blocks: blocks.into_iter().collect() })
    }

    /// Content that a reader unfolds.
    #[must_use]
    pub fn expand(title: impl Into<CleanLine>, blocks: impl IntoIterator<Item = Block>) -> Self {
        Self::Expand(Expand { title: title.into(), blocks: blocks.into_iter().collect() })
    }

    /// A quotation.
    #[must_use]
    pub fn quote(blocks: impl IntoIterator<Item = Block>) -> Self {
        Self::Quote(blocks.into_iter().collect())
    }
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heading {
    pub(crate) level: HeadingLevel,
    pub(crate) inlines: Vec<Inline>,
}

/// 1 (most important) to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct HeadingLevel(u8);

impl HeadingLevel {
    /// Brings the number into 1 to 6.
    #[must_use]
    pub fn new(level: u8) -> Self {
        Self(level.clamp(1, 6))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

/// The items of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List {
    pub(crate) items: Vec<Content>,
}

impl List {
    /// A list of these items; a list without items is not drawn, an item without content is an empty line.
    #[must_use]
    pub fn new<C: Into<Content>>(items: impl IntoIterator<Item = C>) -> Self {
        Self { items: items.into_iter().map(Into::into).collect() }
    }
}

/// What a list item or a table cell holds. Made from a string, an inline, inlines, a block or blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Content {
    pub(crate) blocks: Vec<Block>,
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Inline::text(text).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Inline::text(&text).into()
    }
}

impl From<Inline> for Content {
    fn from(inline: Inline) -> Self {
        vec![inline].into()
    }
}

impl From<Vec<Inline>> for Content {
    fn from(inlines: Vec<Inline>) -> Self {
        Self { blocks: vec![Block::Paragraph(inlines)] }
    }
}

impl From<Block> for Content {
    fn from(block: Block) -> Self {
        Self { blocks: vec![block] }
    }
}

impl From<Vec<Block>> for Content {
    fn from(blocks: Vec<Block>) -> Self {
        Self { blocks }
    }
}

/// Preformatted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Code {
    pub(crate) language: Option<Language>,
    pub(crate) text: CleanText,
}

/// The name of a language to colour by, such as `json`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Language(String);

impl Language {
    /// Accepts up to 30 letters, digits and `+ # . - _`, in lower case; anything else is no language.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '.' | '-' | '_');
        (!name.is_empty() && name.len() <= 30 && name.chars().all(plain)).then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A coloured box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Panel {
    pub(crate) kind: PanelKind,
    pub(crate) blocks: Vec<Block>,
}

/// The kind of a panel, named as in ADF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelKind {
    /// Information.
    Info,
    /// A remark.
    Note,
    /// Good news.
    Success,
    /// Care is needed.
    Warning,
    /// Something failed.
    Error,
}

/// Content that a reader unfolds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expand {
    pub(crate) title: CleanLine,
    pub(crate) blocks: Vec<Block>,
}

/// Plain text as paragraphs: a blank line separates paragraphs, a line end becomes a line break. Nothing in the text is
/// read as markup.
#[must_use]
pub fn paragraphs_from_text(text: &str) -> Vec<Block> {
    let text = clean(text);
    let mut paragraphs: Vec<Vec<Inline>> = Vec::new();
    let mut open = false;
    for line in text.split('\n') {
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        match paragraphs.last_mut().filter(|_| open) {
            Some(lines) => lines.extend([Inline::LineBreak, Inline::text(line)]),
            None => paragraphs.push(vec![Inline::text(line)]),
        }
        open = true;
    }
    paragraphs.into_iter().map(Block::Paragraph).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_paragraphs_and_line_breaks() {
        let expect = vec![
            Block::paragraph([Inline::text("Given a user"), Inline::LineBreak, Inline::text("  and a cart")]),
            Block::text("# Then *nothing*"),
        ];
        assert_eq!(paragraphs_from_text("\n\nGiven a user\r\n  and a cart\n \t\n\n# Then *nothing*\n"), expect);
        assert_eq!(paragraphs_from_text(" \n\n"), Vec::new());
    }

    #[test]
    fn levels_and_languages_are_brought_into_range() {
        assert_eq!([0, 1, 6, 9].map(|level| HeadingLevel::new(level).get()), [1, 1, 6, 6]);
        assert_eq!(Language::parse(" C# ").unwrap().as_str(), "c#");
        for bad in ["", "a b", "x|y", "}", "<b>", "ñ", &"x".repeat(31)] {
            assert_eq!(Language::parse(bad), None, "{bad}");
        }
    }
}
