//! Documents that nobody would write: any nesting, any text.

use hub_document::{
    Block, Children, Content, Document, Inline, IssueRef, JiraIssues, Marks, PageLink, PageProperties,
    PagePropertiesReport, PanelKind, StatusColour, Table, Toc,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Text with whatever a report may hold.
pub fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9 ]{0,12}",
        3 => prop::sample::select(vec![
            "]]>", "<script>alert(1)</script>", "&nbsp;", "&amp;", "<!--", "-->", "<![CDATA[", "{code}", "{noformat}", "[~admin]", "\"'><", "</p>", "${x}",
            "ñandú áéíóú ¿qué?", "🎉", "👩‍👩‍👧", "e\u{301}", "日本語", "\u{1b}[31m", "\u{1b}[0m", "\0", "\u{7}", "\r\n", "\n", "\t", "\u{fffe}", "\u{202e}",
            "h1. ", "# ", "* ", "||", "\\", "\\\\", " ", "\u{feff}", "\u{2028}",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn marks() -> impl Strategy<Value = Marks> {
    any::<[bool; 5]>().prop_map(|set| {
        let add: [fn(Marks) -> Marks; 5] =
            [Marks::strong, Marks::emphasis, Marks::strike, Marks::underline, Marks::code];
        add.into_iter().zip(set).filter(|(_, on)| *on).fold(Marks::default(), |marks, (add, _)| add(marks))
    })
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("https://x.example/a?b=c&d=[1]".to_owned()),
        Just("javascript:alert(1)".to_owned()),
        text().prop_map(|text| format!("https://x.example/{text}")),
        text(),
    ]
}

fn colour() -> impl Strategy<Value = StatusColour> {
    use StatusColour::{Blue, Green, Neutral, Purple, Red, Yellow};
    prop::sample::select(vec![Neutral, Green, Red, Yellow, Blue, Purple])
}

fn panel_kind() -> impl Strategy<Value = PanelKind> {
    use PanelKind::{Error, Info, Note, Success, Warning};
    prop::sample::select(vec![Info, Note, Success, Warning, Error])
}

fn inline() -> impl Strategy<Value = Inline> {
    prop_oneof![
        6 => (text(), marks()).prop_map(|(text, marks)| Inline::marked(&text, marks)),
        1 => (address(), text()).prop_map(|(address, text)| Inline::link(&address, &text)),
        1 => (address(), text()).prop_map(|(address, text)| Inline::picture(&address, &text)),
        1 => (text(), colour()).prop_map(|(text, colour)| Inline::status(&text, colour)),
        1 => "2026-(0[1-9]|1[0-3])-[0-3][0-9]".prop_map(|text| Inline::date(&text)),
        1 => Just(Inline::LineBreak),
        1 => (text(), text(), address(), any::<bool>()).prop_map(|(title, text, url, other_space)| {
            let link = PageLink::new(title).with_text(text).with_url(&url);
            if other_space { link.in_space("CTB") } else { link }.into()
        }),
        1 => (prop_oneof![Just("CTB-12".to_owned()), text()], address(), any::<bool>()).prop_map(|(key, url, live)| {
            if live { IssueRef::live(key, &url) } else { IssueRef::link(key, &url) }.into()
        }),
    ]
}

fn inlines() -> impl Strategy<Value = Vec<Inline>> {
    vec(inline(), 0..4)
}

fn code() -> impl Strategy<Value = Block> {
    (prop::option::of(prop_oneof![Just("json".to_owned()), text()]), text())
        .prop_map(|(language, text)| Block::code(language.as_deref(), &text))
}

fn leaf() -> impl Strategy<Value = Block> {
    prop_oneof![
        4 => inlines().prop_map(Block::Paragraph),
        2 => (0_u8..9, inlines()).prop_map(|(level, inlines)| Block::heading(level, inlines)),
        2 => code(),
        1 => Just(Block::Rule),
        1 => (text(), vec((text(), inlines()), 0..3)).prop_map(|(id, rows)| {
            rows.into_iter().fold(PageProperties::with_id(id), |p, (label, value)| p.row(label, value)).into()
        }),
        1 => (text(), vec(text(), 0..3)).prop_map(|(cql, headings)| {
            PagePropertiesReport::new(format!("label = {cql}")).headings(headings).sort_by("Status", true).page_size(30).into()
        }),
        1 => text().prop_map(|jql| JiraIssues::new(format!("project = {jql}")).columns(["key"]).max(5).into()),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(min, max)| Toc::levels(min, max).into()),
        1 => any::<u8>().prop_map(|depth| Children::depth(depth).into()),
    ]
}

fn table(cell: impl Strategy<Value = Content> + Clone) -> impl Strategy<Value = Block> {
    let row = vec(cell, 0..4);
    (prop::option::of(row.clone()), vec(row, 0..4), any::<bool>()).prop_map(|(header, rows, header_column)| {
        let mut table = Table::new();
        if let Some(header) = header {
            table = table.header(header);
        }
        for row in rows {
            table.push_row(row);
        }
        if header_column { table.with_header_column() } else { table }.into()
    })
}

/// Any block in any other, several levels deep.
pub fn document() -> impl Strategy<Value = Document> {
    let block = leaf().prop_recursive(4, 40, 4, |inner| {
        let content = vec(inner.clone(), 0..3).prop_map(Content::from);
        prop_oneof![
            vec(content.clone(), 0..4).prop_map(Block::bullet_list),
            vec(content.clone(), 0..4).prop_map(Block::ordered_list),
            table(content),
            (panel_kind(), vec(inner.clone(), 0..3)).prop_map(|(kind, blocks)| Block::panel(kind, blocks)),
            (text(), vec(inner.clone(), 0..3)).prop_map(|(title, blocks)| Block::expand(title, blocks)),
            vec(inner, 0..3).prop_map(Block::quote),
        ]
    });
    vec(block, 0..6).prop_map(|blocks| Document { blocks })
}

/// Only nestings that every place can hold: nothing is replaced, so the text must come out exactly as it went in.
pub fn plain_document() -> impl Strategy<Value = Document> {
    let paragraph = || inlines().prop_map(Block::Paragraph);
    let flow = || vec(prop_oneof![paragraph(), code()], 0..3);
    let content = flow().prop_map(Content::from).boxed();
    let block = prop_oneof![
        paragraph(),
        code(),
        (1_u8..7, inlines()).prop_map(|(level, inlines)| Block::heading(level, inlines)),
        vec(content.clone(), 0..4).prop_map(Block::bullet_list),
        vec(content.clone(), 0..4).prop_map(Block::ordered_list),
        table(content),
        (panel_kind(), flow()).prop_map(|(kind, blocks)| Block::panel(kind, blocks)),
        (text(), flow()).prop_map(|(title, blocks)| Block::expand(title, blocks)),
        flow().prop_map(Block::quote),
    ];
    vec(block, 0..6).prop_map(|blocks| Document { blocks })
}

/// Documents beyond Jira's limit in one of the ways there are: many blocks, long texts, long tables.
pub fn long_document() -> impl Strategy<Value = Document> {
    let long = (text(), 1_usize..4000)
        .prop_map(|(text, times)| text.repeat(times).chars().take(60_000).collect::<String>())
        .boxed();
    let block = prop_oneof![
        long.clone().prop_map(|text| Block::text(&text)),
        long.clone().prop_map(|text| Block::code(None, &text)),
        (vec(text(), 1..4), 1_usize..600)
            .prop_map(|(cells, times)| { (0..times).fold(Table::new(), |table, _| table.row(cells.clone())).into() }),
        (text(), 1_usize..600).prop_map(|(item, times)| Block::bullet_list(vec![item; times])),
        (long, text()).prop_map(|(long, short)| {
            Block::expand(
                short.clone(),
                [Table::new().header([short.clone(), short.clone()]).row([short, long]).into()],
            )
        }),
    ];
    (document(), vec(block, 1..4), document()).prop_map(|(before, blocks, after)| Document {
        blocks: before.blocks.into_iter().chain(blocks).chain(after.blocks).collect(),
    })
}
