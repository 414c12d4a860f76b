//! Between Atlassian documents and the storage format: Confluence keeps one page and shows it in either form.
//!
//! The nodes that a report uses are translated both ways. What has no counterpart keeps its text: nothing is dropped
//! silently, but layout may be.

mod from_storage;
mod to_storage;

pub use from_storage::from_storage;
pub use to_storage::to_storage;

/// ADF status colours and the storage format's.
const COLOURS: [(&str, &str); 6] = [
    ("neutral", "Grey"),
    ("purple", "Purple"),
    ("blue", "Blue"),
    ("red", "Red"),
    ("yellow", "Yellow"),
    ("green", "Green"),
];

/// ADF panel types and the macros that store them.
const PANELS: [(&str, &str); 4] = [("info", "info"), ("note", "note"), ("warning", "warning"), ("success", "tip")];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::normalise::{Site, stored};
    use super::super::storage::{parse, text_of};
    use super::*;

    fn written(document: &Value) -> String {
        let nodes = to_storage(&document.to_string()).unwrap();
        let mut fresh = || 1;
        stored(&nodes, &mut Site { fresh: &mut fresh, version_of: &|_, _| None })
    }

    #[test]
    fn a_document_becomes_well_formed_storage() {
        let document = json!({"version": 1, "type": "doc", "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "A & <B>"}]},
            {"type": "paragraph", "content": [
                {"type": "text", "text": "bold", "marks": [{"type": "strong"}]},
                {"type": "hardBreak"},
                {"type": "status", "attrs": {"text": "PASSED", "color": "green"}},
                {"type": "text", "text": "x", "marks": [{"type": "link", "attrs": {"href": "https://e.test/?a=1&b=2"}}]}]},
            {"type": "table", "content": [{"type": "tableRow", "content": [
                {"type": "tableHeader", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "H"}]}]},
                {"type": "tableCell", "attrs": {"colspan": 2}, "content": [{"type": "paragraph"}]}]}]},
            {"type": "codeBlock", "attrs": {"language": "rust"}, "content": [{"type": "text", "text": "a ]]> b"}]},
            {"type": "panel", "attrs": {"panelType": "success"}, "content": [{"type": "paragraph"}]}]});
        let text = written(&document);
        let nodes = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(text.contains("A &amp; &lt;B&gt;</h2>"), "{text}");
        assert!(text.contains("<strong>bold</strong><br />"), "{text}");
        assert!(text.contains("<ac:parameter ac:name=\"colour\">Green</ac:parameter>"), "{text}");
        assert!(text.contains("href=\"https://e.test/?a=1&amp;b=2\""), "{text}");
        assert!(text.contains("<td colspan=\"2\"><p local-id="), "{text}");
        assert!(text.contains("ac:name=\"tip\""), "{text}");
        assert!(text_of(&nodes).contains("a ]]> b"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for bad in ["", "<p>x</p>", "[]", "{\"type\":\"paragraph\"}", "{\"type\":\"doc\",\"version\":1}"] {
            assert!(to_storage(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn storage_becomes_a_document_within_the_schema_rules() {
        let storage = "<h1>T</h1><p>a <strong><code>b</code></strong> <em>c</em></p><p/>\
            <ul><li>one<ul><li><p>two</p></li></ul></li><li><h2>not a heading here</h2></li></ul>\
            <table><tbody><tr><th>H</th><td/><td><table><tbody><tr><td>inner</td></tr></tbody></table></td></tr></tbody></table>\
            <ac:structured-macro ac:name=\"details\"><ac:rich-text-body><table><tbody><tr><th>k</th><td>v</td></tr></tbody>\
            </table></ac:rich-text-body></ac:structured-macro>\
            <ac:structured-macro ac:name=\"info\"><ac:rich-text-body><table><tbody><tr><td>t</td></tr></tbody></table>\
            </ac:rich-text-body></ac:structured-macro>\
            <p><ac:structured-macro ac:name=\"status\"><ac:parameter ac:name=\"title\">OK</ac:parameter>\
            <ac:parameter ac:name=\"colour\">Red</ac:parameter></ac:structured-macro></p>";
        let document = from_storage(&parse(storage).unwrap());
        assert_eq!(document["content"][0]["type"], "heading");
        // The mark `code` goes with no other mark than a link.
        assert_eq!(document["content"][1]["content"][1]["marks"], json!([{"type": "code"}]));
        let list = &document["content"][3];
        assert_eq!(list["content"][0]["content"][1]["type"], "bulletList");
        assert_eq!(list["content"][1]["content"][0]["type"], "paragraph");
        let row = &document["content"][4]["content"][0]["content"];
        assert_eq!(row[1]["content"][0], json!({"type": "paragraph"}));
        assert_eq!(row[2]["content"][0]["type"], "paragraph");
        assert_eq!(document["content"][5]["type"], "bodiedExtension");
        assert_eq!(document["content"][6]["content"][0]["type"], "paragraph");
        assert_eq!(document["content"][7]["content"][0]["attrs"]["color"], "red");
        assert_eq!(from_storage(&[])["content"], json!([]));
    }
}
