//! Jira over real HTTP: a small client and the site it talks to.

mod adf;
mod bad_input;
mod bulk;
mod create;
mod edit;
mod links;
mod meta;
mod pages;
mod search;
mod texts;
mod wire;

use atlassian_sim::{Options, Running, start};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// What an issue of the default project needs; tests add to it.
pub fn fields(kind: &str, summary: &str) -> Value {
    json!({"project": {"key": "CTB"}, "issuetype": {"name": kind}, "summary": summary})
}

/// A document of one paragraph.
pub fn doc(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

/// A running site and a client with the right credentials.
pub struct Site {
    pub running: Running,
    pub client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Got {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of an answer with this status.
    pub fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The messages of a refusal with this status, whose envelope is checked.
    pub fn messages(&self, status: u16) -> Vec<String> {
        let body = self.with(status);
        assert!(body["errors"].is_object(), "{body}");
        let messages = body["errorMessages"].as_array().unwrap_or_else(|| panic!("{body}"));
        messages.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// The refusal of one field.
    pub fn field_error(&self, field: &str) -> String {
        assert!(self.messages(400).is_empty(), "{}", self.text);
        self.json()["errors"][field].as_str().unwrap_or_else(|| panic!("no {field}: {}", self.text)).to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Site {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        // An error only means that another test was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running: start(options).await.unwrap(), client }
    }

    /// A call with any credentials; a path without a leading slash is below `/rest/api/3/`.
    pub async fn call(&self, token: Option<&str>, method: Method, path: &str, body: Option<&Value>) -> Got {
        let base = &self.running.url;
        let url = if path.starts_with('/') { format!("{base}{path}") } else { format!("{base}/rest/api/3/{path}") };
        let mut request = self.client.request(method, url);
        if let Some(token) = token {
            request = request.basic_auth("qa@example.com", Some(token));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::received(request).await
    }

    pub async fn received(request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.unwrap();
        Got {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.call(Some("sim-token"), Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.call(Some("sim-token"), Method::POST, path, Some(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Got {
        self.call(Some("sim-token"), Method::PUT, path, Some(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.call(Some("sim-token"), Method::DELETE, path, None).await
    }

    /// Tries to create an issue: the default fields with `more` over them.
    pub async fn try_create(&self, kind: &str, summary: &str, more: Value) -> Got {
        self.post("issue", json!({"fields": merged(fields(kind, summary), more)})).await
    }

    /// Creates an issue and gives its key.
    pub async fn create(&self, kind: &str, summary: &str, more: Value) -> String {
        self.try_create(kind, summary, more).await.with(201)["key"].as_str().unwrap().to_owned()
    }

    /// The ground truth.
    pub async fn truth(&self) -> Value {
        self.get("/_sim/state").await.with(200)
    }

    /// The number of issues that exist.
    pub async fn count(&self) -> usize {
        self.truth().await["issues"].as_array().unwrap().len()
    }

    /// The keys that a query finds.
    pub async fn found(&self, jql: &str) -> Vec<String> {
        let body = self.post("search/jql", json!({"jql": jql, "fields": ["summary"]})).await.with(200);
        body["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap().to_owned()).collect()
    }
}

/// An object with another one's members over its own.
pub fn merged(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}
