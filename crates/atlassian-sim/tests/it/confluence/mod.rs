//! Confluence over real HTTP: a small client and the site it talks to.

mod bad_input;
mod behaviours;
mod content_v1;
mod html;
mod labels_properties;
mod lists;
mod pages;
mod search;
mod spaces_comments;
mod wire;

use atlassian_sim::{Options, Running, start};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A running site and a client with the right credentials.
pub struct Site {
    pub running: Running,
    client: reqwest::Client,
    pub space: String,
    pub home: String,
}

/// What came back.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub link: Option<String>,
    pub login_reason: Option<String>,
    pub text: String,
}

impl Got {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of a success.
    pub fn good(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.json()
    }

    /// The status and the title of a v2 refusal, whose envelope is checked.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let error = &body["errors"][0];
        assert_eq!(error["status"], self.status.as_u16(), "{body}");
        assert!(error["code"].is_string() && error.get("detail").is_some(), "{body}");
        (self.status.as_u16(), error["title"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned())
    }

    /// The status and the message of a v1 refusal, whose envelope is checked.
    pub fn v1_refusal(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["statusCode"], self.status.as_u16(), "{body}");
        assert!(body["data"]["successful"] == false && body["reason"].is_string(), "{body}");
        (self.status.as_u16(), body["message"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned())
    }
}

/// A client; the first one installs the TLS provider that the library insists on.
fn client() -> reqwest::Client {
    // An error only means that another test was first.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Site {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        let running = start(options).await.unwrap();
        let mut site = Self { running, client: client(), space: String::new(), home: String::new() };
        let space = site.get("/wiki/api/v2/spaces?keys=CTB").await.good()["results"][0].clone();
        site.space = space["id"].as_str().unwrap().to_owned();
        site.home = space["homepageId"].as_str().unwrap().to_owned();
        site
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Got {
        self.send_as(Some("sim-token"), method, path, body).await
    }

    pub async fn send_as(&self, token: Option<&str>, method: Method, path: &str, body: Option<Value>) -> Got {
        let mut request = self.client.request(method, format!("{}{path}", self.running.url));
        if let Some(token) = token {
            request = request.basic_auth("qa@example.com", Some(token));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        Got {
            status: response.status(),
            link: header("link"),
            login_reason: header("x-seraph-loginreason"),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn send_raw(&self, method: Method, path: &str, body: &str) -> Got {
        let request = self.client.request(method, format!("{}{path}", self.running.url));
        let request = request.basic_auth("qa@example.com", Some("sim-token"));
        let response = request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
        Got { status: response.status(), link: None, login_reason: None, text: response.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Got {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Got {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Got {
        self.send(Method::DELETE, path, None).await
    }

    /// Tries to create a page.
    pub async fn try_page(&self, title: &str, storage: &str, more: Value) -> Got {
        let mut body = json!({
            "spaceId": self.space,
            "status": "current",
            "title": title,
            "body": {"representation": "storage", "value": storage},
        });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.post("/wiki/api/v2/pages", body).await
    }

    /// Creates a page and gives its id.
    pub async fn page(&self, title: &str, storage: &str) -> String {
        self.try_page(title, storage, json!({})).await.good()["id"].as_str().unwrap().to_owned()
    }

    /// Creates a page under another one.
    pub async fn page_under(&self, parent: &str, title: &str) -> String {
        let made = self.try_page(title, "<p>x</p>", json!({"parentId": parent})).await.good();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Tries to update a page.
    pub async fn try_update(&self, id: &str, number: u32, title: &str, storage: &str) -> Got {
        self.put(&format!("/wiki/api/v2/pages/{id}"), update(id, number, title, storage)).await
    }

    /// Changes the site's behaviour.
    pub async fn behave(&self, change: Value) {
        self.put("/_sim/confluence", change).await.good();
    }

    /// The ground truth about a page.
    pub async fn truth(&self, id: &str) -> Value {
        let state = self.get("/_sim/state").await.good();
        let pages = state["confluence"]["pages"].as_array().unwrap().clone();
        pages.into_iter().find(|page| page["id"] == id).unwrap_or(Value::Null)
    }

    /// Puts labels on a page.
    pub async fn label(&self, id: &str, names: &[&str]) {
        let labels: Vec<Value> = names.iter().map(|name| json!({"prefix": "global", "name": name})).collect();
        self.post(&format!("/wiki/rest/api/content/{id}/label"), json!(labels)).await.good();
    }
}

/// An update's body.
pub fn update(id: &str, number: u32, title: &str, storage: &str) -> Value {
    json!({
        "id": id,
        "status": "current",
        "title": title,
        "body": {"representation": "storage", "value": storage},
        "version": {"number": number, "message": format!("v{number}")},
    })
}

/// A field of every row.
pub fn column(list: &Value, field: &str) -> Vec<String> {
    let rows = list["results"].as_array().unwrap_or_else(|| panic!("no results: {list}"));
    rows.iter().map(|row| row[field].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()).collect()
}
