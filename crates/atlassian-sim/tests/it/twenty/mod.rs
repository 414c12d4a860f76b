//! The twenty behaviours that a simulator of Atlassian must have to be of any use, worst first, each with the test that
//! carries its number. What Cloud and Data Center do to writes, search and limits is in `jira`, pages are in `confluence`,
//! and who may call, and how, is in `access`.

mod access;
mod confluence;
mod jira;

use atlassian_sim::{Dialect, Options};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::jira::{Got, Site};

/// A call with a bearer token, answered.
async fn bearer(site: &Site, token: &str, method: Method, path: &str, body: Option<&Value>) -> Got {
    let mut request = site.client.request(method, format!("{}{path}", site.running.url)).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    Site::received(request).await
}

/// A Data Center site, whose only token is a personal access token.
async fn data_center(options: Options) -> Site {
    Site::with(Options { dialect: Dialect::DataCenter, ..options }).await
}

/// A create call as a client sends it, not sent yet.
fn sending(site: &Site, path: &str, body: &Value) -> RequestBuilder {
    let request = site.client.post(format!("{}{path}", site.running.url));
    request.basic_auth("qa@example.com", Some("sim-token")).json(body)
}

/// The default space's id.
async fn space(site: &Site) -> Value {
    site.get("/wiki/api/v2/spaces?keys=CTB").await.with(200)["results"][0]["id"].clone()
}

/// The body of a page.
async fn page_body(site: &Site, title: &str, storage: &str) -> Value {
    json!({
        "spaceId": space(site).await,
        "status": "current",
        "title": title,
        "body": {"representation": "storage", "value": storage},
    })
}

/// Makes a page and gives its id.
async fn page(site: &Site, title: &str, storage: &str) -> String {
    let body = page_body(site, title, storage).await;
    site.post("/wiki/api/v2/pages", body).await.with(200)["id"].as_str().unwrap().to_owned()
}

/// The update of a page to a version.
fn update(id: &str, title: &str, number: u32) -> Value {
    json!({
        "id": id,
        "status": "current",
        "title": title,
        "body": {"representation": "storage", "value": "<p>new</p>"},
        "version": {"number": number},
    })
}
