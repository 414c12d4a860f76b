//! A writer of XML fragments that cannot write one that is not well-formed: elements close themselves, and text reaches
//! the output through one of three escapes only.

use crate::text::is_forbidden;

/// An XML fragment under construction.
#[derive(Default)]
pub(crate) struct Xml {
    out: String,
}

impl Xml {
    /// An element with attributes and whatever `body` writes; `<name/>` when it writes nothing.
    pub fn element(&mut self, name: &'static str, attributes: &[(&'static str, &str)], body: impl FnOnce(&mut Self)) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            self.text(value);
            self.out.push('"');
        }
        let opened = self.out.len();
        self.out.push('>');
        let start = self.out.len();
        body(self);
        if self.out.len() == start {
            self.out.truncate(opened);
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    /// An element that holds nothing.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.element(name, attributes, |_| {});
    }

    /// Character data. Only entities that XML itself defines: Confluence does not know the names of HTML.
    pub fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c if is_forbidden(c) => self.out.push('\u{FFFD}'),
                c => self.out.push(c),
            }
        }
    }

    /// A CDATA section; a `]]>` inside it is split over two.
    pub fn cdata(&mut self, text: &str) {
        self.out.push_str("<![CDATA[");
        let text: String = text.chars().map(|c| if is_forbidden(c) { '\u{FFFD}' } else { c }).collect();
        self.out.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
        self.out.push_str("]]>");
    }

    /// The fragment.
    pub fn finish(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        let mut xml = Xml::default();
        xml.element("a", &[("href", "\"><b x='")], |xml| xml.text("<script>&nbsp;\u{0}</script>"));
        xml.element("c", &[], |xml| xml.cdata("x]]>y]]]>\u{1b}"));
        xml.empty("hr", &[]);
        assert_eq!(
            xml.finish(),
            "<a href=\"&quot;&gt;&lt;b x=&#39;\">&lt;script&gt;&amp;nbsp;\u{fffd}&lt;/script&gt;</a>\
             <c><![CDATA[x]]]]><![CDATA[>y]]]]]><![CDATA[>\u{fffd}]]></c><hr/>"
        );
    }
}
