//! What a row takes from a JSON value: texts that say something, moments, pairs; a value that cannot be read is told.

use hub_domain::codes;
use serde_json::Value;

use crate::limits;
use crate::record::clock;
use crate::reporter::{At, Reporter};

/// A string, number or truth value as text; nothing where it says nothing.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What was read of a value; told where it is there and says nothing that can be: `-5`, `1e300`, a date in 1970.
pub(crate) fn told<T>(
    value: Option<&Value>,
    read: Option<T>,
    what: &str,
    at: At,
    reporter: &mut Reporter<'_>,
) -> Option<T> {
    if let (Some(value), None) = (value.filter(|value| !value.is_null()), &read) {
        let message = format!("{what}: {value} cannot be read and was left empty");
        reporter.repaired(&codes::UNREADABLE_VALUE, Some(at), &message);
    }
    read
}

/// A moment: a number of milliseconds since 1970 as text, a text as it is written.
pub(crate) fn moment(value: Option<&Value>) -> Option<String> {
    let value = value?;
    let whole = || {
        let ms = value.as_f64().filter(|ms| (0.0..1e14).contains(ms))?;
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        Some(ms as i64)
    };
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => number.as_i64().or_else(whole).and_then(clock::from_epoch_ms),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The entries of an object as name and text; what is itself an object or array stays JSON.
pub(crate) fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(Value::Object(entries)) = value else { return Vec::new() };
    let text = |value: &Value| match value {
        Value::Array(items) if items.is_empty() => None,
        Value::Object(inner) if inner.is_empty() => None,
        Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value),
    };
    entries.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).take(limits::PROPERTIES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_texts_where_they_say_something() {
        for (value, text) in [
            (json!("x"), Some("x")),
            (json!(" "), None),
            (json!(1.5), Some("1.5")),
            (json!(false), Some("false")),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(scalar(&value).as_deref(), text, "{value}");
        }
        let entries = json!({ "a": "1", "b": [], "c": { "d": 2 }, "e": null });
        let expect = [("a", "1"), ("c", "{\"d\":2}")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(pairs(Some(&entries)), expect);
    }

    #[test]
    fn moments_are_numbers_within_bounds_or_text() {
        for (value, text) in [
            (json!(1_412_949_539_363_u64), Some("2014-10-10T13:58:59.363Z")),
            (json!(1_412_949_539_363.5), Some("2014-10-10T13:58:59.363Z")),
            (json!("yesterday"), Some("yesterday")),
            (json!(5), None),
            (json!(1e300), None),
            (json!(true), None),
        ] {
            assert_eq!(moment(Some(&value)).as_deref(), text, "{value}");
        }
    }
}
