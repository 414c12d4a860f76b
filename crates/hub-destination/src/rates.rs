//! How fast calls may go out where the site does not say: the documented limits, or what a connector's row sets.

use std::collections::BTreeMap;

use hub_domain::codes::{self, Code};
use serde_json::{Map, Value};

use crate::Method;

/// The fastest that can be set: ten times the fastest documented limit.
const FASTEST: f64 = 5_000.0;

/// The slowest that can be set: one call in a hundred seconds.
const SLOWEST: f64 = 0.01;

/// The form of the setting, for messages.
const FORM: &str =
    "an object such as {\"rps\": 20, \"methods\": {\"GET\": 50}, \"endpoints\": {\"POST /rest/api/3/issue/bulk\": 5}}";

/// A rate that cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use the connector's rate: {}", .0.join("; "))]
pub struct RateError(pub Vec<String>);

impl RateError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        &codes::BAD_SETTING
    }
}

/// Calls a second by endpoint and method.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rates {
    all: Option<f64>,
    methods: BTreeMap<Method, f64>,
    endpoints: BTreeMap<(Method, String), f64>,
}

/// The burst limits that Jira Cloud publishes, in calls a second; Confluence publishes none and gets the same.
/// Source: <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.
fn documented(method: Method) -> f64 {
    match method {
        Method::Get | Method::Post => 100.0,
        Method::Put | Method::Delete => 50.0,
    }
}

impl Rates {
    /// The same rate for every endpoint and method.
    #[must_use]
    pub fn uniform(per_second: f64) -> Self {
        Self { all: Some(per_second.clamp(SLOWEST, FASTEST)), ..Self::default() }
    }

    /// Calls a second of one endpoint and method: what is set for it, for the method, for all, or the documented limit.
    #[must_use]
    pub fn per_second(&self, endpoint: &str, method: Method) -> f64 {
        let named = self.endpoints.get(&(method, endpoint.to_owned())).or_else(|| self.methods.get(&method));
        named.copied().or(self.all).unwrap_or_else(|| documented(method))
    }

    /// Reads a connector's `rate`: `rps` for all, `methods` by name, `endpoints` by `METHOD /path`; `{}` sets nothing.
    ///
    /// # Errors
    /// [`RateError`] with every mistake: an unknown key, a number outside of 0.01 to 5,000 calls a second.
    pub fn from_json(value: &Value) -> Result<Self, RateError> {
        let mut rates = Self::default();
        let mut wrong = Vec::new();
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    rates.member(key, value, &mut wrong);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                wrong.push(format!("expected {FORM}"));
            }
        }
        if wrong.is_empty() { Ok(rates) } else { Err(RateError(wrong)) }
    }

    fn member(&mut self, key: &str, value: &Value, wrong: &mut Vec<String>) {
        match key {
            "rps" => self.all = number("rps", value, wrong),
            "methods" => {
                for (name, value) in object(key, value, wrong) {
                    match Method::from_word(name) {
                        Some(method) => {
                            self.methods.extend(number(name, value, wrong).map(|rate| (method, rate)));
                        }
                        None => wrong.push(format!("{name:?} is not GET, POST, PUT or DELETE")),
                    }
                }
            }
            "endpoints" => {
                for (name, value) in object(key, value, wrong) {
                    let named = name.split_once(' ').filter(|(_, path)| path.starts_with('/'));
                    match named.and_then(|(word, path)| Some((Method::from_word(word)?, path.to_owned()))) {
                        Some(endpoint) => {
                            self.endpoints.extend(number(name, value, wrong).map(|rate| (endpoint, rate)))
                        }
                        None => wrong.push(format!("{name:?} is not METHOD /path")),
                    }
                }
            }
            _ => wrong.push(format!("{key:?} is not rps, methods or endpoints")),
        }
    }
}

fn object<'a>(
    key: &str,
    value: &'a Value,
    wrong: &mut Vec<String>,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    if !value.is_object() {
        wrong.push(format!("{key} is not an object"));
    }
    value.as_object().into_iter().flat_map(Map::iter)
}

fn number(name: &str, value: &Value, wrong: &mut Vec<String>) -> Option<f64> {
    let number = value.as_f64().filter(|number| (SLOWEST..=FASTEST).contains(number));
    if number.is_none() {
        wrong.push(format!("{name} is not a number of calls a second from {SLOWEST} to {FASTEST}"));
    }
    number
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_nearest_to_the_endpoint_holds() {
        let rates = Rates::from_json(&json!({
            "rps": 20, "methods": {"GET": 50.5}, "endpoints": {"POST /rest/api/3/issue/bulk": 0.5}
        }))
        .unwrap();
        assert_eq!(rates.per_second("/rest/api/3/issue/bulk", Method::Post), 0.5);
        assert_eq!(rates.per_second("/rest/api/3/issue/bulk", Method::Get), 50.5);
        assert_eq!(rates.per_second("/other", Method::Put), 20.0);
        let rates = Rates::from_json(&json!({})).unwrap();
        assert_eq!(rates.per_second("/x", Method::Post), 100.0);
        assert_eq!(rates.per_second("/x", Method::Delete), 50.0);
    }

    #[test]
    fn nonsense_is_told_all_at_once() {
        let cases = [
            (json!({"rps": 0}), "rps is not a number of calls a second from 0.01 to 5000"),
            (json!({"rps": "20"}), "rps is not a number"),
            (json!({"rps": -1}), "rps is not a number"),
            (json!({"rps": null}), "rps is not a number"),
            (json!({"rate": 5}), "\"rate\" is not rps, methods or endpoints"),
            (json!({"methods": {"PATCH": 5}}), "\"PATCH\" is not GET"),
            (json!({"methods": 5}), "methods is not an object"),
            (json!({"endpoints": {"/rest": 5}}), "\"/rest\" is not METHOD /path"),
            (json!([]), "expected an object such as"),
            (json!(20), "expected an object such as"),
        ];
        for (value, expected) in cases {
            let error = Rates::from_json(&value).unwrap_err();
            assert!(error.to_string().contains(expected), "{value}: {error}");
        }
        let both = Rates::from_json(&json!({"rps": 0, "x": 1})).unwrap_err();
        assert_eq!(both.0.len(), 2);
    }
}
