//! One request of a run: the rows that it makes.

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::json;
use crate::json::values;

/// What is kept of an execution while it is read.
#[derive(Debug, Default)]
pub(super) struct Execution {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    iteration: Option<u64>,
    iterations: Option<u64>,
    pub(super) method: Option<String>,
    pub(super) url: Option<String>,
    pub(super) code: Option<String>,
    pub(super) status: Option<String>,
    pub(super) time: Option<u64>,
    pub(super) request_error: Option<Value>,
    pub(super) assertions: Vec<Value>,
    /// Scripts that threw, with the error.
    pub(super) scripts: Vec<(String, Value)>,
}

/// A row and what it counts as.
pub(super) struct Row {
    pub(super) record: ResultRecord,
    pub(super) is_assertion: bool,
    /// Whether the report's numbers count it as failed.
    pub(super) failed: bool,
}

impl Execution {
    pub(super) fn cursor(&mut self, value: &Value) {
        let number = |key: &str| json::at(value, &[key]).and_then(Value::as_u64);
        self.iteration = number("iteration");
        self.iterations = number("cycles");
    }

    /// The rows of the request.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.assertions.iter().map(|assertion| self.assertion(assertion)).collect();
        rows.extend(self.scripts.iter().map(|(script, error)| self.script(script, error)));
        let told = rows.iter().any(|row| row.record.status == "error");
        if rows.is_empty() || (self.request_error.is_some() && !told) {
            rows.push(self.request());
        }
        rows
    }

    fn row(&self, name: &str, status: &str) -> ResultRecord {
        let mut properties = Vec::new();
        for (key, value) in [("method", &self.method), ("url", &self.url), ("response code", &self.code)] {
            properties.extend(value.clone().map(|value| (key.to_owned(), value)));
        }
        properties.extend(self.status.clone().map(|status| ("response status".to_owned(), status)));
        let repeated = self.iterations.is_some_and(|cycles| cycles > 1) || self.iteration.is_some_and(|i| i > 0);
        let iteration = self.iteration.filter(|_| repeated).map(|iteration| iteration.saturating_add(1).to_string());
        ResultRecord {
            suite: self.name.iter().cloned().collect(),
            name: name.to_owned(),
            status: status.to_owned(),
            duration_ms: self.time,
            parameters: iteration.map(|iteration| ("iteration".to_owned(), iteration)).into_iter().collect(),
            history_id: self.id.clone(),
            properties,
            ..ResultRecord::default()
        }
    }

    fn assertion(&self, value: &Value) -> Row {
        let error = json::at(value, &["error"]).filter(|error| !error.is_null());
        let skipped = json::at(value, &["skipped"]).and_then(Value::as_bool) == Some(true);
        let status = match (error, &self.request_error) {
            (Some(_), Some(_)) => "error",
            (Some(_), None) => "failed",
            (None, _) if skipped => "skipped",
            (None, _) => "passed",
        };
        let name = json::text(value, &["assertion"]).or_else(|| json::text(value, &["error", "test"]));
        let mut record = self.row(name.unwrap_or("an assertion without a name"), status);
        if let Some(error) = error {
            take_error(&mut record, error);
            if let Some(request_error) = &self.request_error {
                // What the assertion found follows from the request's error, which is the cause.
                let found = record.message.take();
                record.details = record.details.take().or(found);
                record.error_type = json::text(request_error, &["code"]).map(str::to_owned);
                record.message = Some(cause(request_error));
            }
        }
        Row { record, is_assertion: true, failed: error.is_some() }
    }

    fn script(&self, script: &str, error: &Value) -> Row {
        let name = if script == "testScript" { "test script" } else { "pre-request script" };
        let mut record = self.row(name, "error");
        take_error(&mut record, error);
        Row { record, is_assertion: false, failed: false }
    }

    fn request(&self) -> Row {
        let name = self.name.clone().unwrap_or_else(|| "a request without a name".to_owned());
        let mut record = self.row(&name, if self.request_error.is_some() { "error" } else { "passed" });
        if let Some(error) = &self.request_error {
            record.error_type = json::text(error, &["code"]).map(str::to_owned);
            record.message = Some(cause(error));
        }
        Row { record, is_assertion: false, failed: false }
    }
}

fn take_error(record: &mut ResultRecord, error: &Value) {
    let text = |key: &str| json::text(error, &[key]).map(str::to_owned);
    record.error_type = text("name").or_else(|| text("type"));
    record.message = text("message").or_else(|| error.as_str().map(str::to_owned));
    record.details = text("stack");
}

/// What kept a request from being answered, as Node.js words it: the report keeps only the parts of its message.
fn cause(error: &Value) -> String {
    if let Some(message) = json::text(error, &["message"]).or(error.as_str()) {
        return message.to_owned();
    }
    let part = |key: &str| json::at(error, &[key]).and_then(values::scalar);
    let place = match (part("hostname").or_else(|| part("address")).or_else(|| part("host")), part("port")) {
        (Some(host), Some(port)) => Some(format!("{host}:{port}")),
        (host, port) => host.or(port),
    };
    let parts: Vec<String> = [part("syscall"), part("code"), place].into_iter().flatten().collect();
    if parts.is_empty() { "the request was not answered".to_owned() } else { parts.join(" ") }
}

/// An address without credentials, query and fragment, from Postman's parts or a text.
pub(super) fn address(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str().or_else(|| json::text(value, &["raw"])) {
        let plain = text.split(['?', '#']).next().unwrap_or(text);
        let (scheme, rest) = plain.split_once("://").map_or((None, plain), |(scheme, rest)| (Some(scheme), rest));
        let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let host = host.rsplit('@').next().unwrap_or(host);
        return Some(format!("{}{host}{path}", scheme.map(|scheme| format!("{scheme}://")).unwrap_or_default()));
    }
    let joined = |key: &str, mark: &str| match json::at(value, &[key]) {
        Some(Value::Array(parts)) => Some(parts.iter().filter_map(part_of).collect::<Vec<_>>().join(mark)),
        Some(single) => values::scalar(single),
        None => None,
    };
    let host = joined("host", ".")?;
    let scheme = json::text(value, &["protocol"]).map(|scheme| format!("{}://", scheme.trim_end_matches("://")));
    let port = json::at(value, &["port"]).and_then(values::scalar).map(|port| format!(":{port}"));
    let path = joined("path", "/").map(|path| format!("/{}", path.trim_start_matches('/')));
    Some([scheme, Some(host), port, path].into_iter().flatten().collect())
}

/// A part of a path or host: a text, or an object with its value.
fn part_of(value: &Value) -> Option<String> {
    values::scalar(value).or_else(|| json::text(value, &["value"]).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_lose_what_may_be_secret() {
        let secret = format!("{}:{}", "user", "word");
        for (value, expect) in [
            (json!(format!("https://{secret}@api.example.com/v1/a?key=1#x")), "https://api.example.com/v1/a"),
            (json!({"raw": "{{base}}/cart?token=1", "host": ["{{base}}"]}), "{{base}}/cart"),
            (
                json!({"protocol": "https", "host": ["api", "example", "com"], "port": "8443", "path": ["v1", ":id"],
                    "query": [{"key": "token", "value": "1"}], "auth": {"user": "u"}}),
                "https://api.example.com:8443/v1/:id",
            ),
            (json!({"host": "example.com", "path": "/a"}), "example.com/a"),
        ] {
            assert_eq!(address(&value).as_deref(), Some(expect));
        }
        assert_eq!(address(&json!({"query": []})), None);
    }
}
