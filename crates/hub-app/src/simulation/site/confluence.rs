//! Confluence as far as the hub calls it: one title per space, versions as compare-and-swap, reads that lag behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hub_destination::{Call, Method};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ACCOUNT, Deed, Products, Reply};
use crate::simulation::random::Random;

/// A page.
pub struct Page {
    pub title: String,
    pub body: String,
    pub labels: BTreeSet<String>,
    parent: u64,
    version: u64,
    message: String,
    created: Instant,
}

/// The space's pages by their ids.
#[derive(Default)]
pub struct Pages {
    pub by_id: BTreeMap<u64, Page>,
}

const HOME: u64 = 900;

impl Pages {
    /// Makes the space's home page.
    pub fn home(&mut self) {
        let home = Page {
            title: "Home".into(),
            body: String::new(),
            labels: BTreeSet::new(),
            parent: 0,
            version: 1,
            message: String::new(),
            created: Instant::now(),
        };
        self.by_id.insert(HOME, home);
    }

    fn holder(&self, title: &str, but: u64) -> Option<u64> {
        let same = |page: &Page| page.title.eq_ignore_ascii_case(title);
        self.by_id.iter().find(|(id, page)| **id != but && same(page)).map(|(id, _)| *id)
    }

    fn shown(&self, id: u64) -> Value {
        let page = &self.by_id[&id];
        json!({
            "id": id.to_string(),
            "status": "current",
            "title": page.title,
            "authorId": ACCOUNT,
            "parentId": page.parent.to_string(),
            "version": { "number": page.version, "message": page.message },
            "body": { "storage": { "value": page.body } },
            "_links": { "webui": format!("/spaces/CTB/pages/{id}") },
        })
    }
}

fn problem(status: u16, title: &str) -> Reply {
    Reply::new(status, json!({ "errors": [{ "status": status, "code": "X", "title": title, "detail": null }] }))
}

const TAKEN: &str = "A page with this title already exists: A page already exists with the same TITLE in this space";

/// Does what a call asks for.
pub fn answer(products: &mut Products, call: &Call, number: usize, now: Instant, random: &Random) -> Reply {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let parts: Vec<&str> = path.trim_start_matches("/wiki/").split('/').collect();
    let null = Value::Null;
    let body = call.body.as_ref().unwrap_or(&null);
    let id = |text: &str| text.parse::<u64>().unwrap_or_default();
    match (call.method, parts.as_slice()) {
        (Method::Get, ["rest", "api", "user", "current"]) => Reply::new(200, json!({ "accountId": ACCOUNT })),
        (Method::Get, ["api", "v2", "spaces"]) => {
            Reply::new(200, json!({ "results": [{ "id": "55", "homepageId": HOME.to_string() }] }))
        }
        (Method::Get, ["api", "v2", "pages"]) => by_title(&products.confluence, query, now, random),
        (Method::Get, ["api", "v2", "pages", page]) => match products.confluence.by_id.contains_key(&id(page)) {
            true => Reply::new(200, products.confluence.shown(id(page))),
            false => problem(404, "Not found"),
        },
        (Method::Post, ["api", "v2", "pages"]) => create(products, body, number, now),
        (Method::Put, ["api", "v2", "pages", page]) => update(products, id(page), body, number),
        (Method::Post, ["rest", "api", "content", page, "label"]) => {
            let names = body.as_array().into_iter().flatten().filter_map(|l| l.get("name")?.as_str());
            let names: Vec<String> = names.map(str::to_owned).collect();
            label(products, id(page), number, |labels| labels.extend(names))
        }
        (Method::Delete, ["rest", "api", "content", page, "label"]) => {
            let name = decoded(parameter(query, "name"));
            label(products, id(page), number, |labels| {
                labels.remove(&name);
            })
        }
        _ => panic!("the simulated Confluence knows no {} {}", call.method.as_str(), call.path),
    }
}

fn parameter<'q>(query: &'q str, name: &str) -> &'q str {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex: String = rest.by_ref().take(2).map(char::from).collect();
            bytes.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn by_title(pages: &Pages, query: &str, now: Instant, random: &Random) -> Reply {
    let lag = if random.chance(300) { random.millis(0, 5_000) } else { Duration::ZERO };
    let title = decoded(parameter(query, "title"));
    let found = pages.holder(&title, 0).filter(|id| pages.by_id[id].created + lag <= now);
    let results: Vec<Value> = found.into_iter().map(|id| pages.shown(id)).collect();
    Reply::new(200, json!({ "results": results }))
}

fn text(body: &Value, pointer: &str) -> String {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn create(products: &mut Products, body: &Value, number: usize, now: Instant) -> Reply {
    let pages = &mut products.confluence;
    let title = text(body, "/title");
    if pages.holder(&title, 0).is_some() {
        return problem(400, TAKEN);
    }
    let parent = text(body, "/parentId").parse().unwrap_or_default();
    if !pages.by_id.contains_key(&parent) {
        return problem(400, "The parent does not exist");
    }
    let id = pages.by_id.keys().last().copied().unwrap_or(HOME) + 7;
    let page = Page {
        title,
        body: text(body, "/body/value"),
        labels: BTreeSet::new(),
        parent,
        version: 1,
        message: String::new(),
        created: now,
    };
    pages.by_id.insert(id, page);
    let shown = pages.shown(id);
    products.deeds.push((number, Deed::Page { id }));
    Reply::new(200, shown)
}

fn update(products: &mut Products, id: u64, body: &Value, number: usize) -> Reply {
    let pages = &mut products.confluence;
    let title = text(body, "/title");
    if pages.holder(&title, id).is_some() {
        return problem(400, TAKEN);
    }
    let Some(page) = pages.by_id.get_mut(&id) else { return problem(404, "Not found") };
    let version = body.pointer("/version/number").and_then(Value::as_u64).unwrap_or_default();
    if version != page.version + 1 {
        return problem(409, "Version must be incremented on update");
    }
    page.version = version;
    page.message = text(body, "/version/message");
    page.title = title;
    page.body = text(body, "/body/value");
    if let Some(parent) = body.get("parentId").and_then(Value::as_str).and_then(|p| p.parse().ok()) {
        page.parent = parent;
    }
    let shown = pages.shown(id);
    products.deeds.push((number, Deed::Page { id }));
    Reply::new(200, shown)
}

fn label(products: &mut Products, id: u64, number: usize, change: impl FnOnce(&mut BTreeSet<String>)) -> Reply {
    let Some(page) = products.confluence.by_id.get_mut(&id) else { return problem(404, "Not found") };
    change(&mut page.labels);
    products.deeds.push((number, Deed::Page { id }));
    Reply::new(200, json!({ "results": [] }))
}
