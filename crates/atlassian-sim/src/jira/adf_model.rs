//! The vocabulary in which [`super::adf_nodes`] writes down the content model of Atlassian Documents, and the marks.

/// One form in which a parent takes a child.
#[derive(Debug, Clone, Copy)]
pub struct Child {
    /// A name in the list of nodes.
    pub node: &'static str,
    /// The marks that the node may carry in this form.
    pub marks: Marks,
}

impl Child {
    /// The `type` that the node has in a document: a variant is named `type/variant`.
    pub fn kind(&self) -> &'static str {
        self.node.split('/').next().unwrap_or(self.node)
    }
}

/// The marks of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// The key `marks` may not be present.
    Absent,
    /// The list may be present and must be empty.
    Empty,
    /// Any list.
    Any,
    /// A list of these.
    Of(&'static [&'static str]),
}

/// What stands inside a node.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    /// The key `content` may not be present.
    None,
    /// Any number of these, and the key may be absent.
    Optional(&'static [Child]),
    /// Any number of these.
    Any(&'static [Child]),
    /// One or more of these.
    AtLeastOne(&'static [Child]),
    /// This many of these.
    Between(usize, usize, &'static [Child]),
    /// One or more, of which the first two are of these.
    FirstTwo(&'static [Child]),
    /// A medium, and perhaps a caption.
    MediaAndCaption(&'static [Child], &'static [Child]),
}

/// The attributes of a node: one of these forms.
#[derive(Debug, Clone, Copy)]
pub struct Attrs {
    /// Whether the key `attrs` must be present.
    pub required: bool,
    /// The forms; none means that the key may not be present.
    pub forms: &'static [&'static [Attr]],
}

/// One attribute.
#[derive(Debug, Clone, Copy)]
pub struct Attr {
    /// The key.
    pub name: &'static str,
    /// Whether it must be present.
    pub required: bool,
    /// What the value must look like.
    pub form: Form,
}

/// What a value must look like.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// A string that is not empty.
    NonEmpty,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A number.
    Number,
    /// A number not below this.
    AtLeast(f64),
    /// A number within these bounds, both included.
    Within(f64, f64),
    /// A boolean.
    Bool,
    /// A list of numbers.
    Numbers,
    /// A list of strings that is not empty.
    Texts,
    /// `#` and this many hexadecimal digits.
    Colour(&'static [usize]),
    /// One of these names, or `#` and six hexadecimal digits.
    NamedColour(&'static [&'static str]),
    /// An object with these attributes.
    Shape(&'static [Attr]),
    /// A list, not empty, of objects with these attributes.
    Shapes(&'static [Attr]),
}

/// A node.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// The type, or `type/variant`.
    pub name: &'static str,
    /// Its attributes.
    pub attrs: Attrs,
    /// What stands inside.
    pub content: Content,
    /// Whether keys outside the model are tolerated.
    pub open: bool,
}

/// An attribute that must be present.
pub(super) const fn must(name: &'static str, form: Form) -> Attr {
    Attr { name, required: true, form }
}

/// An attribute that may be present.
pub(super) const fn may(name: &'static str, form: Form) -> Attr {
    Attr { name, required: false, form }
}

/// A child without the key `marks`.
pub(super) const fn bare(node: &'static str) -> Child {
    Child { node, marks: Marks::Absent }
}

/// A child without marks.
pub(super) const fn unmarked(node: &'static str) -> Child {
    Child { node, marks: Marks::Empty }
}

/// A child with some of these marks.
pub(super) const fn marked(node: &'static str, marks: &'static [&'static str]) -> Child {
    Child { node, marks: Marks::Of(marks) }
}

/// A child with any marks.
pub(super) const fn any_marks(node: &'static str) -> Child {
    Child { node, marks: Marks::Any }
}

/// Marks and their attributes; `None` for a mark that carries none.
pub const MARKS: &[(&str, Option<&[Attr]>)] = &[
    ("alignment", Some(&[must("align", Form::OneOf(&["center", "end"]))])),
    ("annotation", Some(&[must("id", Form::Text), must("annotationType", Form::OneOf(&["inlineComment"]))])),
    ("backgroundColor", Some(&[must("color", Form::Colour(&[6]))])),
    ("border", Some(&[must("size", Form::Within(1.0, 3.0)), must("color", Form::Colour(&[6, 8]))])),
    ("breakout", Some(&[must("mode", Form::OneOf(&["wide", "full-width"])), may("width", Form::Number)])),
    ("code", None),
    ("dataConsumer", Some(&[must("sources", Form::Texts)])),
    ("em", None),
    ("fontSize", Some(&[must("fontSize", Form::OneOf(&["small"]))])),
    ("fragment", Some(&[must("localId", Form::NonEmpty), may("name", Form::Text)])),
    ("indentation", Some(&[must("level", Form::Within(1.0, 6.0))])),
    (
        "link",
        Some(&[
            must("href", Form::Text),
            may("title", Form::Text),
            may("id", Form::Text),
            may("collection", Form::Text),
            may("occurrenceKey", Form::Text),
        ]),
    ),
    ("strike", None),
    ("strong", None),
    ("subsup", Some(&[must("type", Form::OneOf(&["sub", "sup"]))])),
    ("textColor", Some(&[must("color", Form::Colour(&[6]))])),
    ("underline", None),
];
