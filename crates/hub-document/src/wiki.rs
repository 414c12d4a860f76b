//! Wiki markup, for Jira Data Center, whose REST API takes text fields as strings only.
//!
//! Jira's renderer knows no info or expand macro and no status lozenge: a panel is a coloured `{panel}`, an expand its
//! title and content, a status bold coloured text. Blocks in cells and list items are what the markup can hold there:
//! lines, nested lists and preformatted text.

use crate::href::{Href, push_percent};
use crate::inline::{Inline, Status, StatusColour, Text};
use crate::model::{Block, Code, Content, Document, List, Panel, PanelKind};
use crate::nesting::{Place, settle, settled};
use crate::table::Table;
use crate::wiki_escape::escape;

/// Languages that Jira colours; for another it prints an error into the text, so another is written without one.
const JIRA_LANGUAGES: [&str; 32] = [
    "actionscript",
    "ada",
    "applescript",
    "bash",
    "c",
    "c#",
    "c++",
    "cpp",
    "css",
    "erlang",
    "go",
    "groovy",
    "haskell",
    "html",
    "java",
    "javascript",
    "js",
    "json",
    "lua",
    "objc",
    "perl",
    "php",
    "python",
    "r",
    "ruby",
    "scala",
    "sh",
    "sql",
    "swift",
    "visualbasic",
    "xml",
    "yaml",
];

/// The document as Jira wiki markup.
#[must_use]
pub fn to_wiki(document: &Document) -> String {
    render(&settled(document))
}

/// Blocks under each other, a blank line between them.
fn render(blocks: &[Block]) -> String {
    blocks.iter().map(block).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(heading) => format!("h{}. {}", heading.level.get(), line(&heading.inlines, Break::Inline)),
        Block::Paragraph(inlines) => line(inlines, Break::Newline),
        Block::BulletList(items) => list(items, "*"),
        Block::OrderedList(items) => list(items, "#"),
        Block::Table(rows) => table(rows),
        Block::Code(text) => code(text),
        Block::Panel(content) => panel(content),
        Block::Rule => "----".to_owned(),
        Block::Expand(expand) => {
            let mut blocks = expand.blocks.clone();
            if !expand.title.is_empty() {
                blocks.insert(0, Block::paragraph([Inline::strong(expand.title.as_str())]));
            }
            render(&blocks)
        }
        Block::Quote(blocks) => format!("{{quote}}\n{}\n{{quote}}", render(blocks)),
        Block::Macro(macro_) => render(&macro_.portable()),
    }
}

fn panel(panel: &Panel) -> String {
    let background = match panel.kind {
        PanelKind::Info => "#DEEBFF",
        PanelKind::Note => "#EAE6FF",
        PanelKind::Success => "#E3FCEF",
        PanelKind::Warning => "#FFFAE6",
        PanelKind::Error => "#FFEBE6",
    };
    format!("{{panel:bgColor={background}}}\n{}\n{{panel}}", render(&panel.blocks))
}

/// Preformatted text. A closing tag inside the text cannot be escaped, so the tag that the text does not hold is used;
/// a text with both gets an invisible word joiner into the one.
fn code(code: &Code) -> String {
    let text = code.text.as_str();
    let known = code.language.as_ref().map(|language| language.as_str()).filter(|name| JIRA_LANGUAGES.contains(name));
    match known {
        Some(language) if !text.contains("{code") => format!("{{code:{language}}}\n{text}\n{{code}}"),
        Some(_) | None => {
            let text = text.replace("{noformat", "{\u{2060}noformat");
            format!("{{noformat}}\n{text}\n{{noformat}}")
        }
    }
}

fn list(list: &List, marker: &str) -> String {
    list.items.iter().map(|item| format!("{marker} {}", flow(item, marker))).collect::<Vec<_>>().join("\n")
}

fn table(table: &Table) -> String {
    let row = |cells: &Vec<Content>, all_headers: bool| {
        let mut out = String::new();
        let mut bar = "|";
        for (index, cell) in cells.iter().enumerate() {
            bar = if all_headers || (table.header_column && index == 0) { "||" } else { "|" };
            // The blanks keep two bars of empty cells from being a header's.
            out.push_str(&format!("{bar} {} ", flow(cell, "")));
        }
        out.push_str(if all_headers { bar } else { "|" });
        out
    };
    let header = table.header.iter().map(|cells| row(cells, true));
    header.chain(table.rows.iter().map(|cells| row(cells, false))).collect::<Vec<_>>().join("\n")
}

/// The content of a list item (below its marker) or a cell: never a blank line, which would end the list or table.
fn flow(content: &Content, marker: &str) -> String {
    let mut out = String::new();
    let mut previous_is_line = false;
    for block in &settle(&content.blocks, Place::ListItem) {
        let (text, is_line) = match block {
            Block::BulletList(items) => (list(items, &format!("{marker}*")), false),
            Block::OrderedList(items) => (list(items, &format!("{marker}#")), false),
            Block::Code(text) => (code(text), false),
            Block::Paragraph(inlines) => (line(inlines, Break::Inline), true),
            Block::Macro(macro_) => {
                let lines = settle(&macro_.portable(), Place::ListItem);
                (flow(&lines.into(), marker), true)
            }
            // A list item holds none of these after `settle`.
            Block::Heading(_)
            | Block::Table(_)
            | Block::Panel(_)
            | Block::Rule
            | Block::Expand(_)
            | Block::Quote(_) => continue,
        };
        if text.is_empty() {
            continue;
        }
        if !is_line {
            out.push('\n');
        } else if previous_is_line {
            Break::Inline.write(&mut out);
        } else if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&text);
        previous_is_line = is_line;
    }
    out
}

/// How a line break is written: a new line in a paragraph, the forced form where a new line would end the block.
#[derive(Clone, Copy)]
enum Break {
    Newline,
    Inline,
}

impl Break {
    fn write(self, out: &mut String) {
        match self {
            Self::Newline if out.is_empty() => {}
            // An empty line would be the end of the paragraph.
            Self::Newline if out.ends_with('\n') => out.push_str("\\\\\n"),
            Self::Newline => out.push('\n'),
            Self::Inline => out.push_str(" \\\\ "),
        }
    }
}

fn line(inlines: &[Inline], line_break: Break) -> String {
    let mut out = String::new();
    for (index, inline) in inlines.iter().enumerate() {
        let next_is_space = match inlines.get(index + 1) {
            Some(Inline::Text(next)) => next.as_str().starts_with(char::is_whitespace),
            Some(Inline::LineBreak) | None => true,
            Some(Inline::Link(_) | Inline::Status(_) | Inline::Date(_) | Inline::PageLink(_) | Inline::IssueRef(_)) => {
                false
            }
        };
        match inline {
            Inline::Text(value) => text(&mut out, value, next_is_space),
            Inline::Link(value) => link(&mut out, value.text.as_str(), Some(&value.href)),
            Inline::Status(value) => out.push_str(&status(value)),
            Inline::Date(date) => out.push_str(&date.to_string()),
            Inline::LineBreak => line_break.write(&mut out),
            Inline::PageLink(value) => link(&mut out, value.text.as_str(), value.url.as_ref()),
            // Jira links a bare key of its own.
            Inline::IssueRef(value) if value.url.is_none() && value.has_issue_key() => out.push_str(value.key.as_str()),
            Inline::IssueRef(value) => link(&mut out, value.key.as_str(), value.url.as_ref()),
        }
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// Text in its marks. A mark next to a letter must stand in braces, and one next to a blank inside is no mark at all.
fn text(out: &mut String, text: &Text, next_is_space: bool) {
    let value = text.as_str();
    let marks = text.marks();
    let core = value.trim();
    let names =
        [(marks.is_strong(), "*"), (marks.is_emphasis(), "_"), (marks.is_strike(), "-"), (marks.is_underline(), "+")];
    if core.is_empty() || (!marks.is_code() && names.iter().all(|(set, _)| !set)) {
        out.push_str(&escape(value));
        return;
    }
    let (lead, tail) = value.split_once(core).unwrap_or_default();
    out.push_str(lead);
    if marks.is_code() {
        out.push_str(&format!("{{{{{}}}}}", escape(core)));
    } else {
        let free = out.chars().next_back().is_none_or(char::is_whitespace) && (next_is_space || !tail.is_empty());
        let markup = |mark: &str| if free { mark.to_owned() } else { format!("{{{mark}}}") };
        let opening: Vec<String> = names.iter().filter(|(set, _)| *set).map(|(_, mark)| markup(mark)).collect();
        out.extend(opening.iter().map(String::as_str));
        out.push_str(&escape(core));
        out.extend(opening.iter().rev().map(String::as_str));
    }
    out.push_str(tail);
}

fn link(out: &mut String, text: &str, href: Option<&Href>) {
    let Some(href) = href else {
        out.push_str(&escape(text));
        return;
    };
    let mut target = String::new();
    for c in href.as_str().chars() {
        match c {
            '[' | ']' | '!' | '*' => push_percent(&mut target, c),
            c => target.push(c),
        }
    }
    if text == href.as_str() {
        out.push_str(&format!("[{target}]"));
    } else {
        out.push_str(&format!("[{}|{target}]", escape(text)));
    }
}

fn status(status: &Status) -> String {
    let colour = match status.colour {
        StatusColour::Neutral => "#42526E",
        StatusColour::Green => "#006644",
        StatusColour::Red => "#BF2600",
        StatusColour::Yellow => "#974F0C",
        StatusColour::Blue => "#0747A6",
        StatusColour::Purple => "#403294",
    };
    format!("{{color:{colour}}}*{}*{{color}}", escape(status.text.as_str()))
}
