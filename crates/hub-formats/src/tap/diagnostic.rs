//! The YAML block behind a test point: its plain values are facts, all of it is the details.

use hub_domain::record::ResultRecord;

use crate::json;

/// Characters of the block that are kept, as bytes: more than the details can hold.
const BLOCK_BYTES: usize = 256 * 1024;

/// A block while it is read.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Where its `---` stands.
    pub(super) indent: usize,
    text: String,
}

impl Block {
    pub(super) fn new(indent: usize) -> Self {
        Self { indent, text: String::new() }
    }

    /// Adds a line without the block's own indentation.
    pub(super) fn line(&mut self, line: &str) {
        let spaces = line.chars().take(self.indent).take_while(|c| *c == ' ').count();
        let line = line.get(spaces..).unwrap_or_default();
        if self.text.len() < BLOCK_BYTES {
            self.text.push_str(line.get(..line.floor_char_boundary(BLOCK_BYTES)).unwrap_or_default());
            self.text.push('\n');
        }
    }

    /// Puts what the block says into its row.
    pub(super) fn into_row(self, record: &mut ResultRecord) {
        // testem indents its values once more.
        let text = dedented(&self.text);
        let values = values(&text);
        let of = |keys: &[&str]| {
            keys.iter().find_map(|key| values.iter().find(|(name, _)| name == key)).map(|(_, value)| value.clone())
        };
        record.message = record.message.take().or_else(|| of(&["message", "error"]));
        let ms = of(&["duration_ms"]).and_then(|value| value.parse().ok()).and_then(json::milliseconds);
        record.duration_ms = record.duration_ms.or(ms);
        let failed = record.status == "not ok" || record.status == "todo";
        if failed {
            let class = of(&["name", "type"]).filter(|class| class != "test" && class != "suite");
            record.error_type = record.error_type.take().or(class);
        }
        for key in
            ["severity", "at", "location", "file", "failureType", "operator", "test_id", "test_key", "testcase_id"]
        {
            record.properties.extend(of(&[key]).map(|value| (key.to_owned(), value)));
        }
        // A block that holds only the time says nothing more.
        let says = values.is_empty() || values.iter().any(|(key, _)| key != "duration_ms" && key != "type");
        let details = [record.details.take(), Some(text).filter(|text| says && !text.trim().is_empty())];
        record.details = Some(details.into_iter().flatten().collect::<Vec<_>>().join("\n"));
    }
}

/// A text without the spaces that all its lines begin with.
fn dedented(text: &str) -> String {
    let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let least = text.lines().filter(|line| !line.trim().is_empty()).map(spaces).min().unwrap_or(0);
    text.lines().flat_map(|line| [line.get(least..).unwrap_or_default(), "\n"]).collect()
}

/// The values at the outermost level that are texts or numbers, block texts (`|`) included.
fn values(text: &str) -> Vec<(String, String)> {
    let mut values: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if !plain {
            continue;
        }
        let value = value.trim();
        if value.starts_with(['|', '>']) && value.len() <= 3 {
            let inner = |line: &&str| line.starts_with(' ') || line.is_empty();
            let mut block = String::new();
            while let Some(line) = lines.next_if(inner) {
                block.push_str(line);
                block.push('\n');
            }
            values.push((key.to_owned(), dedented(&block)));
        } else if !value.is_empty() {
            values.push((key.to_owned(), unquoted(value)));
        }
    }
    values
}

fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.replace("''", "'");
    }
    if let Some(text) = value.starts_with('"').then(|| serde_json::from_str::<String>(value).ok()).flatten() {
        return text;
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_block_values_are_read() {
        let text =
            "message: 'it''s \"x\"'\nat:\n  line: 3\nerror: |-\n  two\n\n  lines\nn: 1.5\nq: \"a\\nb\"\n- x: y\n";
        let expect = [("message", "it's \"x\""), ("error", "two\n\nlines\n"), ("n", "1.5"), ("q", "a\nb")];
        let found = values(text);
        assert_eq!(found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(), expect);
    }
}
