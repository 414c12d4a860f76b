//! The content model of Atlassian Documents: which node may stand where, with which attributes and marks.
//!
//! Written down from the published description of the format. A node that its parents take in several forms (a paragraph
//! with an alignment, without marks, ...) appears once per form in the parent's list.

use super::adf_model::{Attr, Attrs, Child, Content, Form, Node, any_marks, bare, marked, may, must, unmarked};

const LOCAL: Attr = may("localId", Form::Text);
const LOCAL_NON_EMPTY: Attr = may("localId", Form::NonEmpty);
const NO_ATTRS: Attrs = Attrs { required: false, forms: &[] };
const ONLY_LOCAL: Attrs = Attrs { required: false, forms: &[&[LOCAL]] };
const DATA_MARKS: &[&str] = &["dataConsumer", "fragment"];
const MEDIA_MARKS: &[&str] = &["dataConsumer", "link", "annotation", "border"];
const CARD_LAYOUT: Form =
    Form::OneOf(&["wide", "full-width", "center", "wrap-right", "wrap-left", "align-end", "align-start"]);

const ALIGNED: &[&str] = &["fontSize", "alignment"];
const INDENTED: &[&str] = &["fontSize", "indentation"];
const EXTENSION: Child = marked("extension", DATA_MARKS);
const MEDIA_SINGLE: Child = marked("mediaSingle", &["link"]);
const MEDIA: Child = marked("media", MEDIA_MARKS);

const FORMATTED: Child = marked(
    "text",
    &["link", "em", "strong", "strike", "subsup", "underline", "textColor", "annotation", "backgroundColor"],
);
const CODE: Child = marked("text", &["code", "link", "annotation"]);

const INLINE: &[Child] = &[
    FORMATTED,
    CODE,
    bare("date"),
    bare("emoji"),
    bare("hardBreak"),
    bare("inlineCard"),
    bare("mention"),
    bare("placeholder"),
    bare("status"),
    marked("inlineExtension", DATA_MARKS),
    marked("mediaInline", MEDIA_MARKS),
];

const CAPTION: &[Child] = &[
    bare("hardBreak"),
    bare("mention"),
    bare("emoji"),
    bare("date"),
    bare("placeholder"),
    bare("inlineCard"),
    bare("status"),
    FORMATTED,
    CODE,
];

/// What stands at the top of a document.
pub const DOC: &[Child] = &[
    bare("blockCard"),
    unmarked("codeBlock"),
    marked("codeBlock", &["breakout"]),
    MEDIA_SINGLE,
    marked("paragraph", ALIGNED),
    marked("paragraph", INDENTED),
    bare("taskList"),
    bare("orderedList"),
    bare("bulletList"),
    bare("blockquote"),
    bare("decisionList"),
    bare("embedCard"),
    EXTENSION,
    marked("heading", &["indentation"]),
    marked("heading", &["alignment"]),
    bare("mediaGroup"),
    bare("rule"),
    bare("panel"),
    marked("table", &["fragment"]),
    marked("bodiedExtension", DATA_MARKS),
    unmarked("expand"),
    marked("expand", &["breakout"]),
    marked("layoutSection", &["breakout"]),
    marked("syncBlock", &["breakout"]),
    marked("bodiedSyncBlock", &["breakout"]),
];

/// What stands in a column of a layout.
const BLOCK: &[Child] = &[
    bare("blockCard"),
    marked("paragraph", ALIGNED),
    marked("paragraph", INDENTED),
    MEDIA_SINGLE,
    unmarked("codeBlock"),
    bare("taskList"),
    bare("bulletList"),
    bare("orderedList"),
    marked("heading", &["alignment"]),
    marked("heading", &["indentation"]),
    bare("mediaGroup"),
    bare("decisionList"),
    bare("rule"),
    bare("panel"),
    bare("blockquote"),
    EXTENSION,
    bare("embedCard"),
    marked("table", &["fragment"]),
    unmarked("expand"),
    marked("bodiedExtension", DATA_MARKS),
];

/// What stands in an expand or in an extension with a body.
const NON_NESTABLE: &[Child] = &[
    marked("paragraph", &["fontSize"]),
    bare("panel"),
    bare("blockquote"),
    bare("orderedList"),
    bare("bulletList"),
    bare("rule"),
    unmarked("heading"),
    unmarked("codeBlock"),
    bare("mediaGroup"),
    MEDIA_SINGLE,
    bare("decisionList"),
    bare("taskList"),
    marked("table", &["fragment"]),
    bare("blockCard"),
    bare("embedCard"),
    EXTENSION,
];

const EXPAND: &[Child] = &[
    marked("paragraph", &["fontSize"]),
    bare("panel"),
    bare("blockquote"),
    bare("orderedList"),
    bare("bulletList"),
    bare("rule"),
    unmarked("heading"),
    unmarked("codeBlock"),
    bare("mediaGroup"),
    MEDIA_SINGLE,
    bare("decisionList"),
    bare("taskList"),
    marked("table", &["fragment"]),
    bare("blockCard"),
    bare("embedCard"),
    EXTENSION,
    bare("nestedExpand"),
];

const NESTED_EXPAND: &[Child] = &[
    marked("paragraph", &["fontSize"]),
    unmarked("heading"),
    MEDIA_SINGLE,
    bare("mediaGroup"),
    unmarked("codeBlock"),
    bare("bulletList"),
    bare("orderedList"),
    bare("taskList"),
    bare("decisionList"),
    bare("rule"),
    bare("panel"),
    bare("blockquote"),
    EXTENSION,
];

const CELL: &[Child] = &[
    marked("paragraph", ALIGNED),
    bare("panel"),
    bare("blockquote"),
    bare("orderedList"),
    bare("bulletList"),
    bare("rule"),
    marked("heading", &["alignment"]),
    marked("heading", &["indentation"]),
    unmarked("codeBlock"),
    MEDIA_SINGLE,
    bare("mediaGroup"),
    bare("decisionList"),
    bare("taskList"),
    bare("blockCard"),
    bare("embedCard"),
    EXTENSION,
    bare("nestedExpand"),
];

const PANEL: &[Child] = &[
    marked("paragraph", &["fontSize"]),
    unmarked("heading"),
    bare("bulletList"),
    bare("orderedList"),
    bare("blockCard"),
    bare("mediaGroup"),
    MEDIA_SINGLE,
    unmarked("codeBlock"),
    bare("taskList"),
    bare("rule"),
    bare("decisionList"),
    EXTENSION,
];

const BLOCKQUOTE: &[Child] = &[
    unmarked("paragraph"),
    bare("orderedList"),
    bare("bulletList"),
    unmarked("codeBlock"),
    MEDIA_SINGLE,
    bare("mediaGroup"),
    EXTENSION,
];

const LIST_ITEM: &[Child] = &[
    marked("paragraph", &["fontSize"]),
    bare("bulletList"),
    bare("orderedList"),
    bare("taskList"),
    MEDIA_SINGLE,
    unmarked("codeBlock"),
    EXTENSION,
];

const SYNC_BODY: &[Child] = &[
    any_marks("paragraph"),
    bare("blockCard"),
    bare("blockquote"),
    bare("bulletList"),
    unmarked("codeBlock"),
    bare("decisionList"),
    bare("embedCard"),
    unmarked("expand"),
    any_marks("heading"),
    marked("layoutSection/loose", &["breakout"]),
    bare("mediaGroup"),
    marked("mediaSingle/loose", &["link"]),
    bare("orderedList"),
    bare("panel"),
    bare("rule"),
    marked("table", &["fragment"]),
    bare("taskList"),
];

const fn node(name: &'static str, attrs: Attrs, content: Content) -> Node {
    Node { name, attrs, content, open: false }
}

const fn given(forms: &'static [&'static [Attr]]) -> Attrs {
    Attrs { required: true, forms }
}

const fn perhaps(forms: &'static [&'static [Attr]]) -> Attrs {
    Attrs { required: false, forms }
}

const CELL_ATTRS: Attrs = perhaps(&[&[
    may("colspan", Form::Number),
    may("rowspan", Form::Number),
    may("colwidth", Form::Numbers),
    may("background", Form::Text),
    LOCAL,
    may("valign", Form::OneOf(&["top", "middle", "bottom"])),
]]);

const MEDIA_SINGLE_ATTRS: Attrs = perhaps(&[
    &[
        LOCAL,
        may("width", Form::Within(0.0, 100.0)),
        must("layout", CARD_LAYOUT),
        may("widthType", Form::OneOf(&["percentage"])),
    ],
    &[
        LOCAL,
        must("width", Form::AtLeast(0.0)),
        must("widthType", Form::OneOf(&["pixel"])),
        must("layout", CARD_LAYOUT),
    ],
]);

const EXTENSION_LAYOUT: Attr = may("layout", Form::OneOf(&["wide", "full-width", "default"]));
const EXTENSION_ATTRS: Attrs = given(&[&[
    must("extensionKey", Form::NonEmpty),
    must("extensionType", Form::NonEmpty),
    may("parameters", Form::Any),
    may("text", Form::Text),
    EXTENSION_LAYOUT,
    LOCAL_NON_EMPTY,
]]);

const DATASOURCE: Form = Form::Shape(&[
    must("id", Form::Text),
    must("parameters", Form::Any),
    must("views", Form::Shapes(&[may("properties", Form::Any), must("type", Form::Text)])),
]);

/// Every node but the document itself.
pub const NODES: &[Node] = &[
    node(
        "blockCard",
        given(&[
            &[
                LOCAL,
                may("url", Form::Text),
                must("datasource", DATASOURCE),
                may("width", Form::Number),
                may("layout", CARD_LAYOUT),
            ],
            &[must("url", Form::Text), LOCAL],
            &[must("data", Form::Any), LOCAL],
        ]),
        Content::None,
    ),
    node("blockquote", ONLY_LOCAL, Content::AtLeastOne(BLOCKQUOTE)),
    node(
        "blockTaskItem",
        given(&[&[must("localId", Form::Text), must("state", Form::OneOf(&["TODO", "DONE"]))]]),
        Content::FirstTwo(&[marked("paragraph", &["fontSize"]), EXTENSION]),
    ),
    node("bodiedExtension", EXTENSION_ATTRS, Content::AtLeastOne(NON_NESTABLE)),
    node(
        "bodiedSyncBlock",
        given(&[&[must("resourceId", Form::Text), must("localId", Form::Text)]]),
        Content::AtLeastOne(SYNC_BODY),
    ),
    node("bulletList", ONLY_LOCAL, Content::AtLeastOne(&[bare("listItem")])),
    node("caption", ONLY_LOCAL, Content::Optional(CAPTION)),
    node(
        "codeBlock",
        perhaps(&[&[
            may("language", Form::Text),
            may("uniqueId", Form::Text),
            LOCAL,
            may("wrap", Form::Bool),
            may("hideLineNumbers", Form::Bool),
        ]]),
        Content::Optional(&[unmarked("text")]),
    ),
    node("date", given(&[&[must("timestamp", Form::NonEmpty), LOCAL]]), Content::None),
    node(
        "decisionItem",
        given(&[&[must("localId", Form::Text), must("state", Form::Text)]]),
        Content::Optional(INLINE),
    ),
    node("decisionList", given(&[&[must("localId", Form::Text)]]), Content::AtLeastOne(&[bare("decisionItem")])),
    node(
        "embedCard",
        given(&[&[
            must("url", Form::Text),
            must("layout", CARD_LAYOUT),
            may("width", Form::Within(0.0, 100.0)),
            may("originalHeight", Form::Number),
            may("originalWidth", Form::Number),
            LOCAL,
        ]]),
        Content::None,
    ),
    node(
        "emoji",
        given(&[&[must("shortName", Form::Text), may("id", Form::Text), may("text", Form::Text), LOCAL]]),
        Content::None,
    ),
    node("expand", perhaps(&[&[may("title", Form::Text), LOCAL]]), Content::AtLeastOne(EXPAND)),
    node("extension", EXTENSION_ATTRS, Content::None),
    node("hardBreak", perhaps(&[&[may("text", Form::OneOf(&["\n"])), LOCAL]]), Content::None),
    node("heading", given(&[&[must("level", Form::Within(1.0, 6.0)), LOCAL]]), Content::Optional(INLINE)),
    node("inlineCard", given(&[&[must("url", Form::Text), LOCAL], &[must("data", Form::Any), LOCAL]]), Content::None),
    node(
        "inlineExtension",
        given(&[&[
            must("extensionKey", Form::NonEmpty),
            must("extensionType", Form::NonEmpty),
            may("parameters", Form::Any),
            may("text", Form::Text),
            LOCAL_NON_EMPTY,
        ]]),
        Content::None,
    ),
    node(
        "layoutColumn",
        given(&[&[
            must("width", Form::Within(0.0, 100.0)),
            LOCAL,
            may("valign", Form::OneOf(&["top", "middle", "bottom"])),
        ]]),
        Content::AtLeastOne(BLOCK),
    ),
    node("layoutSection", ONLY_LOCAL, Content::Between(2, 3, &[bare("layoutColumn")])),
    node("layoutSection/loose", ONLY_LOCAL, Content::Any(&[bare("layoutColumn")])),
    node("listItem", ONLY_LOCAL, Content::AtLeastOne(LIST_ITEM)),
    node(
        "media",
        given(&[
            &[
                must("type", Form::OneOf(&["link", "file"])),
                LOCAL,
                must("id", Form::NonEmpty),
                may("alt", Form::Text),
                must("collection", Form::Text),
                may("height", Form::Number),
                may("occurrenceKey", Form::NonEmpty),
                may("width", Form::Number),
            ],
            &[
                must("type", Form::OneOf(&["external"])),
                LOCAL,
                may("alt", Form::Text),
                may("height", Form::Number),
                may("width", Form::Number),
                must("url", Form::Text),
            ],
        ]),
        Content::None,
    ),
    node("mediaGroup", NO_ATTRS, Content::AtLeastOne(&[MEDIA])),
    node(
        "mediaInline",
        given(&[&[
            may("type", Form::OneOf(&["link", "file", "image"])),
            LOCAL,
            must("id", Form::NonEmpty),
            may("alt", Form::Text),
            must("collection", Form::Text),
            may("occurrenceKey", Form::NonEmpty),
            may("width", Form::Number),
            may("height", Form::Number),
            may("data", Form::Any),
        ]]),
        Content::None,
    ),
    Node {
        name: "mediaSingle",
        attrs: MEDIA_SINGLE_ATTRS,
        content: Content::MediaAndCaption(&[MEDIA], &[bare("caption")]),
        open: true,
    },
    Node { name: "mediaSingle/loose", attrs: MEDIA_SINGLE_ATTRS, content: Content::None, open: true },
    node(
        "mention",
        given(&[&[
            must("id", Form::Text),
            LOCAL,
            may("text", Form::Text),
            may("accessLevel", Form::Text),
            may("userType", Form::OneOf(&["DEFAULT", "SPECIAL", "APP"])),
        ]]),
        Content::None,
    ),
    node("nestedExpand", given(&[&[may("title", Form::Text), LOCAL]]), Content::AtLeastOne(NESTED_EXPAND)),
    node(
        "orderedList",
        perhaps(&[&[may("order", Form::AtLeast(0.0)), LOCAL]]),
        Content::AtLeastOne(&[bare("listItem")]),
    ),
    node(
        "panel",
        given(&[&[
            must("panelType", Form::OneOf(&["info", "note", "tip", "warning", "error", "success", "custom"])),
            may("panelIcon", Form::Text),
            may("panelIconId", Form::Text),
            may("panelIconText", Form::Text),
            may("panelColor", Form::Text),
            LOCAL,
        ]]),
        Content::AtLeastOne(PANEL),
    ),
    node("paragraph", ONLY_LOCAL, Content::Optional(INLINE)),
    node("placeholder", given(&[&[must("text", Form::Text), LOCAL]]), Content::None),
    node("rule", ONLY_LOCAL, Content::None),
    node(
        "status",
        given(&[&[
            must("text", Form::NonEmpty),
            must("color", Form::NamedColour(&["neutral", "purple", "blue", "red", "yellow", "green"])),
            LOCAL,
            may("style", Form::Text),
        ]]),
        Content::None,
    ),
    node("syncBlock", given(&[&[must("resourceId", Form::Text), must("localId", Form::Text)]]), Content::None),
    node(
        "table",
        perhaps(&[&[
            may("displayMode", Form::OneOf(&["default", "fixed"])),
            may("isNumberColumnEnabled", Form::Bool),
            may("layout", Form::OneOf(&["wide", "full-width", "center", "align-end", "align-start", "default"])),
            LOCAL_NON_EMPTY,
            may("width", Form::Number),
        ]]),
        Content::AtLeastOne(&[bare("tableRow")]),
    ),
    node("tableCell", CELL_ATTRS, Content::AtLeastOne(CELL)),
    node("tableHeader", CELL_ATTRS, Content::AtLeastOne(CELL)),
    node("tableRow", ONLY_LOCAL, Content::Any(&[bare("tableCell"), bare("tableHeader")])),
    node(
        "taskItem",
        given(&[&[must("localId", Form::Text), must("state", Form::OneOf(&["TODO", "DONE"]))]]),
        Content::Optional(INLINE),
    ),
    node(
        "taskList",
        given(&[&[must("localId", Form::Text)]]),
        Content::AtLeastOne(&[bare("taskItem"), bare("taskList"), bare("blockTaskItem")]),
    ),
    node("text", NO_ATTRS, Content::None),
];
