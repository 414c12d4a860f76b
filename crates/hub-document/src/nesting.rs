//! Which block may stand where, and what replaces it where it may not.
//!
//! The rules are ADF's (JSON schema of `@atlaskit/adf-schema` 57.7.22), and all encoders follow them: Confluence
//! stores other nestings, but its editor opens them as legacy content, and one document should read the same everywhere.
//! A replacement keeps every word; what gets lost is a frame, a line or a heading's size.

use crate::inline::{Inline, Marks, Text};
use crate::macros::Macro;
use crate::model::{Block, Code, Content, Document, Expand, Heading, List, Panel};
use crate::table::Table;
use crate::text::CleanText;

/// A place that holds blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Document,
    /// An expand directly in the document.
    Expand,
    /// An expand inside a table cell or another expand.
    NestedExpand,
    Cell,
    Panel,
    ListItem,
    Quote,
}

impl Place {
    /// Where the content of an expand stands, if this place may hold an expand.
    fn inside_expand(self) -> Option<Self> {
        match self {
            Self::Document => Some(Self::Expand),
            Self::Expand | Self::Cell => Some(Self::NestedExpand),
            Self::NestedExpand | Self::Panel | Self::ListItem | Self::Quote => None,
        }
    }

    fn holds_tables(self) -> bool {
        match self {
            Self::Document | Self::Expand => true,
            Self::NestedExpand | Self::Cell | Self::Panel | Self::ListItem | Self::Quote => false,
        }
    }

    fn holds_headings_and_rules(self) -> bool {
        match self {
            Self::Document | Self::Expand | Self::NestedExpand | Self::Cell | Self::Panel => true,
            Self::ListItem | Self::Quote => false,
        }
    }

    fn holds_panels_and_quotes(self) -> bool {
        match self {
            Self::Document | Self::Expand | Self::NestedExpand | Self::Cell => true,
            Self::Panel | Self::ListItem | Self::Quote => false,
        }
    }
}

/// The document with every block in a place that can hold it and every line tidied: what the encoders start from.
pub(crate) fn settled(document: &Document) -> Vec<Block> {
    settle(&document.blocks, Place::Document)
}

/// The blocks as the place can hold them.
pub(crate) fn settle(blocks: &[Block], place: Place) -> Vec<Block> {
    let mut out = Vec::with_capacity(blocks.len());
    for block in blocks {
        settle_block(block, place, &mut out);
    }
    out
}

fn settle_block(block: &Block, place: Place, out: &mut Vec<Block>) {
    match block {
        Block::Paragraph(inlines) => out.push(Block::Paragraph(tidy(inlines))),
        Block::Heading(heading) => settle_heading(heading, place, out),
        Block::BulletList(list) => out.extend(settle_list(list).map(Block::BulletList)),
        Block::OrderedList(list) => out.extend(settle_list(list).map(Block::OrderedList)),
        Block::Table(table) if place.holds_tables() => {
            out.extend(table.filled(|cell| settle(&cell.blocks, Place::Cell).into()).map(Block::Table));
        }
        Block::Table(table) => out.extend(table.filled(Content::clone).and_then(|t| table_as_list(&t))),
        Block::Code(Code { language, text }) => {
            out.push(Block::Code(Code { language: language.clone(), text: text.clone() }));
        }
        Block::Panel(Panel { kind, blocks }) if place.holds_panels_and_quotes() => {
            let blocks = settle(blocks, Place::Panel);
            if !blocks.is_empty() {
                out.push(Block::Panel(Panel { kind: *kind, blocks }));
            }
        }
        Block::Panel(Panel { blocks, .. }) => out.extend(settle(blocks, place)),
        Block::Quote(blocks) if place.holds_panels_and_quotes() => {
            let blocks = settle(blocks, Place::Quote);
            if !blocks.is_empty() {
                out.push(Block::Quote(blocks));
            }
        }
        Block::Quote(blocks) => out.extend(settle(blocks, place)),
        Block::Rule if place.holds_headings_and_rules() => out.push(Block::Rule),
        Block::Rule => {}
        Block::Expand(expand) => settle_expand(expand, place, out),
        Block::Macro(Macro::PageProperties(properties)) if place == Place::Document => {
            let mut properties = properties.clone();
            for (_, value) in &mut properties.rows {
                *value = tidy(value);
            }
            if !properties.rows.is_empty() {
                out.push(properties.into());
            }
        }
        // Confluence keeps page properties at the top of a page only.
        Block::Macro(macro_ @ Macro::PageProperties(_)) => out.extend(settle(&macro_.portable(), place)),
        Block::Macro(_) => out.push(block.clone()),
    }
}

fn settle_heading(heading: &Heading, place: Place, out: &mut Vec<Block>) {
    let inlines = tidy(&heading.inlines);
    if inlines.is_empty() {
        return; // an empty heading is an empty line in a table of contents
    }
    if place.holds_headings_and_rules() {
        out.push(Block::Heading(Heading { level: heading.level, inlines }));
    } else {
        out.push(Block::Paragraph(strengthen(inlines)));
    }
}

fn settle_list(list: &List) -> Option<List> {
    let items: Vec<Content> = list.items.iter().map(|item| settle(&item.blocks, Place::ListItem).into()).collect();
    (!items.is_empty()).then_some(List { items })
}

fn settle_expand(expand: &Expand, place: Place, out: &mut Vec<Block>) {
    if let Some(inside) = place.inside_expand() {
        let blocks = settle(&expand.blocks, inside);
        if !blocks.is_empty() || !expand.title.is_empty() {
            out.push(Block::Expand(Expand { title: expand.title.clone(), blocks }));
        }
        return;
    }
    if !expand.title.is_empty() {
        out.push(Block::paragraph([Inline::strong(expand.title.as_str())]));
    }
    out.extend(settle(&expand.blocks, place));
}

/// A table where none may stand: a list with an item per row, each cell led by the heading of its column.
fn table_as_list(table: &Table) -> Option<Block> {
    let mut items: Vec<Content> = Vec::new();
    let header = table.header.as_deref().unwrap_or_default();
    let mut labels: Vec<String> = header.iter().map_while(label).collect();
    if table.rows.is_empty() || labels.len() < header.len() {
        // Headings that do not fit in front of a cell, or have none, get an item of their own.
        labels.clear();
        items.push(row_as_blocks(header, &[]).into());
    }
    for cells in &table.rows {
        let blocks = match cells.split_first() {
            // Label and values: the first cell names the row, so it leads its neighbour.
            Some((first, rest)) if table.header_column && labels.is_empty() => match label(first) {
                Some(label) => row_as_blocks(rest, &[label]),
                None => row_as_blocks(cells, &[]),
            },
            Some(_) | None => row_as_blocks(cells, &labels),
        };
        items.push(blocks.into());
    }
    settle_list(&List { items }).map(Block::BulletList)
}

fn row_as_blocks(cells: &[Content], labels: &[String]) -> Vec<Block> {
    let mut out = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let mut blocks = settle(&cell.blocks, Place::ListItem);
        if let Some(label) = labels.get(index).filter(|label| !label.is_empty()) {
            let mut line = vec![Inline::strong(&format!("{label}:")), Inline::text(" ")];
            if let Some(Block::Paragraph(inlines)) = blocks.first_mut() {
                line.append(inlines);
                blocks.remove(0);
            }
            out.push(Block::Paragraph(tidy(&line)));
        }
        blocks.retain(|block| !is_blank(block));
        out.append(&mut blocks);
    }
    out
}

fn is_blank(block: &Block) -> bool {
    matches!(block, Block::Paragraph(inlines) if inlines.is_empty())
}

/// The words of a cell on one line; `None` for a cell that is more than words (a list, a link): as a label it would lose
/// something.
fn label(cell: &Content) -> Option<String> {
    let mut out = String::new();
    for block in settle(&cell.blocks, Place::ListItem) {
        let Block::Paragraph(inlines) = block else { return None };
        for inline in &inlines {
            match inline {
                Inline::Text(text) => out.push_str(text.as_str()),
                Inline::Status(status) => out.push_str(status.text.as_str()),
                Inline::Date(date) => out.push_str(&date.to_string()),
                Inline::LineBreak => out.push(' '),
                Inline::Link(_) | Inline::PageLink(_) | Inline::IssueRef(_) => return None,
            }
        }
        out.push(' ');
    }
    Some(out.trim().to_owned())
}

fn strengthen(inlines: Vec<Inline>) -> Vec<Inline> {
    let strong = |inline| match inline {
        Inline::Text(Text { text, marks }) => Inline::Text(Text { text, marks: marks.strong() }),
        Inline::Link(_)
        | Inline::Status(_)
        | Inline::Date(_)
        | Inline::LineBreak
        | Inline::PageLink(_)
        | Inline::IssueRef(_) => inline,
    };
    inlines.into_iter().map(strong).collect()
}

/// A line without empty texts, with line ends as line breaks, and with neighbours of equal marks joined: two ways to
/// build the same line give the same bytes.
pub(crate) fn tidy(inlines: &[Inline]) -> Vec<Inline> {
    let mut out: Vec<Inline> = Vec::with_capacity(inlines.len());
    for inline in inlines {
        match inline {
            Inline::Text(Text { text, marks }) => {
                for (index, line) in text.as_str().split('\n').enumerate() {
                    if index > 0 {
                        out.push(Inline::LineBreak);
                    }
                    push_text(&mut out, line, *marks);
                }
            }
            Inline::Link(_)
            | Inline::Status(_)
            | Inline::Date(_)
            | Inline::LineBreak
            | Inline::PageLink(_)
            | Inline::IssueRef(_) => out.push(inline.clone()),
        }
    }
    out
}

fn push_text(out: &mut Vec<Inline>, line: &str, marks: Marks) {
    if line.is_empty() {
        return;
    }
    let text = CleanText::new(line);
    match out.last_mut() {
        Some(Inline::Text(last)) if last.marks == marks => last.text.append(&text),
        Some(_) | None => out.push(Inline::Text(Text { text, marks })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::macros::PageProperties;
    use crate::model::PanelKind;

    fn in_item(block: Block) -> Vec<Block> {
        settle(&[block], Place::ListItem)
    }

    #[test]
    fn a_list_item_holds_paragraphs_lists_and_code_only() {
        assert_eq!(
            in_item(Block::heading(2, [Inline::text("H"), Inline::code("x")])),
            vec![Block::paragraph([Inline::strong("H"), Inline::code("x")])]
        );
        assert_eq!(in_item(Block::panel(PanelKind::Info, [Block::text("p")])), vec![Block::text("p")]);
        assert_eq!(in_item(Block::quote([Block::text("q"), Block::Rule])), vec![Block::text("q")]);
        assert_eq!(
            in_item(Block::expand("T", [Block::text("e")])),
            vec![Block::paragraph([Inline::strong("T")]), Block::text("e")]
        );
        assert_eq!(in_item(Block::code(None, "c")), vec![Block::code(None, "c")]);
    }

    #[test]
    fn a_table_becomes_a_list_that_keeps_headings_and_cells() {
        let table = Table::new().header(["Case", "Result"]).row(["TC_1", "passed"]).row(["TC_2"]);
        let expect = Block::bullet_list([
            vec![
                Block::paragraph([Inline::strong("Case:"), Inline::text(" TC_1")]),
                Block::paragraph([Inline::strong("Result:"), Inline::text(" passed")]),
            ],
            vec![
                Block::paragraph([Inline::strong("Case:"), Inline::text(" TC_2")]),
                Block::paragraph([Inline::strong("Result:"), Inline::text(" ")]),
            ],
        ]);
        assert_eq!(settle(&[table.into()], Place::Panel), vec![expect]);
    }

    #[test]
    fn page_properties_below_the_top_are_a_table_and_in_a_list_a_list() {
        let properties = PageProperties::with_id("run").row("Env", [Inline::text("staging")]).row("Owner", []);
        assert!(matches!(settle(&[properties.clone().into()], Place::Document)[..], [Block::Macro(_)]));
        assert!(matches!(settle(&[properties.clone().into()], Place::Expand)[..], [Block::Table(_)]));
        let expect = Block::bullet_list([
            Block::paragraph([Inline::strong("Env:"), Inline::text(" staging")]),
            Block::paragraph([Inline::strong("Owner:"), Inline::text(" ")]),
        ]);
        assert_eq!(settle(&[properties.into()], Place::Quote), vec![expect]);
    }

    #[test]
    fn empty_frames_are_not_drawn() {
        let blocks = [
            Block::bullet_list(Vec::<Content>::new()),
            Table::new().into(),
            Table::new().row(Vec::<Content>::new()).into(),
            Block::panel(PanelKind::Error, []),
            Block::quote([]),
            Block::heading(1, [Inline::text("")]),
            Block::expand("", []),
            PageProperties::new().into(),
        ];
        assert_eq!(settle(&blocks, Place::Document), Vec::new());
    }

    #[test]
    fn lines_are_tidy() {
        let line = tidy(&[Inline::text("a"), Inline::text(""), Inline::text("b\nc"), Inline::strong("d")]);
        assert_eq!(line, vec![Inline::text("ab"), Inline::LineBreak, Inline::text("c"), Inline::strong("d")]);
    }
}
