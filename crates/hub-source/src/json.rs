//! Lists and steps that a column holds as JSON, in whatever shape, as texts.

use serde_json::Value;

/// The most parts that are taken of one list.
const MOST: usize = 1_000;

/// A list: a JSON array of texts or numbers, a Postgres array's text, or words between commas or line ends.
pub fn list(text: &str) -> Vec<String> {
    let text = text.trim();
    if let Some(Value::Array(values)) = array(text) {
        return values.iter().filter_map(word).take(MOST).collect();
    }
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    let parts = inner.split([',', ';', '\n']).map(|part| part.trim().trim_matches('"').trim());
    parts.filter(|part| !part.is_empty()).map(str::to_owned).take(MOST).collect()
}

/// Steps as one text, a numbered line each: a JSON array of texts, or of objects whose words are joined (`action`, `expected`).
/// Any other text is taken as it is.
pub fn steps(text: &str) -> String {
    let Some(Value::Array(values)) = array(text.trim()) else { return text.to_owned() };
    let step = |value: &Value| match value {
        Value::Object(fields) => {
            let is_number = |name: &str| ["step", "number", "order", "index", "id"].contains(&name);
            let words = fields.iter().filter(|(name, value)| !(is_number(name) && value.is_number()));
            Some(words.filter_map(|(_, value)| word(value)).collect::<Vec<_>>().join(" → "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => word(value),
    };
    let lines = values.iter().filter_map(step).filter(|line| !line.is_empty()).take(MOST);
    lines.enumerate().map(|(n, line)| format!("{}. {line}", n + 1)).collect::<Vec<_>>().join("\n")
}

/// A text that may be a JSON array. Most are no JSON at all.
fn array(text: &str) -> Option<Value> {
    if text.starts_with('[') { serde_json::from_str(text).ok() } else { None }
}

fn word(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Number(number) => number.to_string(),
        Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_every_shape_and_never_half() {
        for text in [r#"["REQ-1", "REQ-2"]"#, "{REQ-1,REQ-2}", "REQ-1, REQ-2", "REQ-1\nREQ-2", r#"{"REQ-1","REQ-2"}"#] {
            assert_eq!(list(text), ["REQ-1", "REQ-2"], "{text}");
        }
        assert_eq!(list(""), Vec::<String>::new());
        assert_eq!(list("[]"), Vec::<String>::new());
    }

    #[test]
    fn steps_are_lines_whether_they_are_texts_or_objects() {
        assert_eq!(steps(r#"["Open", "Pay"]"#), "1. Open\n2. Pay");
        assert_eq!(steps(r#"[{"step": 1, "action": "Open", "expected": "A page"}]"#), "1. Open → A page");
        assert_eq!(steps("1. Open 2. Pay"), "1. Open 2. Pay");
        assert_eq!(steps("{broken"), "{broken");
    }
}
