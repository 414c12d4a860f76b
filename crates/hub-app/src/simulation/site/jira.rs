//! Jira as far as the hub calls it: what it stores, how its index and its reads lag, and its forms of answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hub_destination::{Call, Method};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ACCOUNT, Deed, Products, Reply};
use crate::simulation::{random::Random, truth::POISON};

/// How far a read by key may lag behind.
const STALE: u64 = 5_000;

/// An issue.
pub struct Issue {
    pub number: u64,
    /// The marker in its property; none on a person's issue.
    pub marker: Option<String>,
    /// The entity that its property names.
    pub external_id: Option<String>,
    /// The hashes of what was written, the oldest first.
    pub hashes: Vec<String>,
    labels: BTreeSet<String>,
    property: Value,
    created: Instant,
    indexed: Instant,
}

/// The project's issues by their ids.
#[derive(Default)]
pub struct Issues {
    pub by_id: BTreeMap<u64, Issue>,
    numbers: BTreeMap<u64, u64>,
    last_number: u64,
    /// Pairs of numbers.
    pub links: BTreeSet<(u64, u64)>,
    /// The issue's id and the global id.
    pub remote_links: BTreeMap<(u64, String), u64>,
}

const FIRST_ID: u64 = 10_000;

impl Issues {
    fn add(&mut self, property: Value, labels: BTreeSet<String>, now: Instant, random: &Random) -> u64 {
        self.last_number += 1;
        let id = FIRST_ID + self.last_number * 3;
        let text = |key: &str| property.get(key).and_then(Value::as_str).map(str::to_owned);
        // Most are found in seconds, some much later.
        let lag = if random.chance(100) { random.millis(0, 180_000) } else { random.millis(0, 8_000) };
        let issue = Issue {
            number: self.last_number,
            marker: text("m"),
            external_id: text("external_id"),
            hashes: text("hash").into_iter().collect(),
            labels,
            property,
            created: now,
            indexed: now + lag,
        };
        self.numbers.insert(self.last_number, id);
        self.by_id.insert(id, issue);
        id
    }

    pub fn human(&mut self, now: Instant, random: &Random) {
        self.add(Value::Null, BTreeSet::new(), now, random);
    }

    fn find(&self, id_or_key: &str) -> Option<u64> {
        match id_or_key.strip_prefix("CTB-") {
            Some(number) => self.numbers.get(&number.parse().ok()?).copied(),
            None => id_or_key.parse().ok().filter(|id| self.by_id.contains_key(id)),
        }
    }
}

fn problem(status: u16, words: &str) -> Reply {
    Reply::new(status, json!({ "errorMessages": [words], "errors": {} }))
}

fn property(element: &Value) -> Value {
    let mut all = element.get("properties").and_then(Value::as_array).into_iter().flatten();
    all.find(|p| p.get("key").and_then(Value::as_str) == Some("haida.hub"))
        .and_then(|p| p.get("value"))
        .cloned()
        .unwrap_or(Value::Null)
}

fn words(value: Option<&Value>) -> impl Iterator<Item = String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned))
}

/// Does what a call asks for.
pub fn answer(products: &mut Products, call: &Call, number: usize, now: Instant, random: &Random) -> Reply {
    let path = call.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_start_matches("/rest/api/3/").split('/').collect();
    let null = Value::Null;
    let body = call.body.as_ref().unwrap_or(&null);
    match (call.method, parts.as_slice()) {
        (Method::Get, ["myself"]) => Reply::new(200, json!({ "accountId": ACCOUNT })),
        (Method::Get, ["project", "CTB"]) => Reply::new(200, json!({ "id": "77", "key": "CTB" })),
        (Method::Get, ["issue", "createmeta", "CTB", "issuetypes"]) => {
            let types = json!([{ "id": "1", "name": "Task" }, { "id": "2", "name": "Bug" }]);
            Reply::new(200, json!({ "issueTypes": types, "total": 2 }))
        }
        (Method::Get, ["issue", "createmeta", "CTB", "issuetypes", _]) => {
            let fields = json!([{ "fieldId": "labels" }, { "fieldId": "summary" }]);
            Reply::new(200, json!({ "fields": fields, "total": 2 }))
        }
        (Method::Post, ["search", "jql"]) => newest(&products.jira, now),
        (Method::Post, ["issue", "bulkfetch"]) => bulk_fetch(&products.jira, body, now, random),
        (Method::Post, ["issue", "bulk"]) => bulk_create(products, body, number, now, random),
        (Method::Put, ["issue", id]) => update(products, id, body, number),
        (Method::Post, ["issueLink"]) => link(products, body, number),
        (Method::Post, ["issue", id, "remotelink"]) => remote_link(products, id, body, number),
        _ => panic!("the simulated Jira knows no {} {}", call.method.as_str(), call.path),
    }
}

fn newest(jira: &Issues, now: Instant) -> Reply {
    let newest = jira.by_id.values().filter(|issue| issue.indexed <= now).map(|issue| issue.number).max();
    let issues: Vec<Value> = newest.into_iter().map(|n| json!({ "id": "1", "key": format!("CTB-{n}") })).collect();
    Reply::new(200, json!({ "issues": issues }))
}

fn bulk_fetch(jira: &Issues, body: &Value, now: Instant, random: &Random) -> Reply {
    let lag = if random.chance(200) { random.millis(0, STALE) } else { Duration::ZERO };
    let shown = |id: u64| {
        let issue = jira.by_id.get(&id)?;
        let fields = json!({ "labels": issue.labels });
        let properties = json!({ "haida.hub": issue.property });
        (issue.created + lag <= now).then(
            || json!({ "id": id.to_string(), "key": format!("CTB-{}", issue.number), "fields": fields, "properties": properties }),
        )
    };
    let issues: Vec<Value> = words(body.get("issueIdsOrKeys")).filter_map(|id| shown(jira.find(&id)?)).collect();
    Reply::new(200, json!({ "issues": issues }))
}

fn bulk_create(products: &mut Products, body: &Value, number: usize, now: Instant, random: &Random) -> Reply {
    let (mut made, mut failed) = (Vec::new(), Vec::new());
    for (index, element) in body.get("issueUpdates").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let summary = element.pointer("/fields/summary").and_then(Value::as_str).unwrap_or_default();
        if summary.contains(POISON) {
            let errors = json!({ "errorMessages": [], "errors": { "summary": "this cannot be stored" } });
            failed.push(json!({ "status": 400, "elementErrors": errors, "failedElementNumber": index }));
            continue;
        }
        let labels = words(element.pointer("/fields/labels")).collect();
        let property = property(element);
        let hash = property.get("hash").and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = products.jira.add(property, labels, now, random);
        products.deeds.push((number, Deed::Issue { id, hash }));
        let key = format!("CTB-{}", products.jira.by_id[&id].number);
        made.push(json!({ "id": id.to_string(), "key": key, "self": "" }));
    }
    let status = if made.is_empty() { 400 } else { 201 };
    // The order of the answer is promised by nobody.
    random.shuffle(&mut made);
    Reply::new(status, json!({ "issues": made, "errors": failed }))
}

fn update(products: &mut Products, id: &str, body: &Value, number: usize) -> Reply {
    let Some(id) = products.jira.find(id) else { return problem(404, "Issue does not exist") };
    let Some(issue) = products.jira.by_id.get_mut(&id) else { return problem(404, "Issue does not exist") };
    let summary = body.pointer("/fields/summary").and_then(Value::as_str).unwrap_or_default();
    if summary.contains(POISON) {
        return problem(400, "this cannot be stored");
    }
    for verb in body.pointer("/update/labels").and_then(Value::as_array).into_iter().flatten() {
        if let Some(label) = verb.get("add").and_then(Value::as_str) {
            issue.labels.insert(label.to_owned());
        } else if let Some(label) = verb.get("remove").and_then(Value::as_str) {
            issue.labels.remove(label);
        }
    }
    let property = property(body);
    let hash = property.get("hash").and_then(Value::as_str).unwrap_or_default().to_owned();
    issue.hashes.push(hash.clone());
    issue.property = property;
    products.deeds.push((number, Deed::Issue { id, hash }));
    Reply::new(204, Value::Null)
}

fn link(products: &mut Products, body: &Value, number: usize) -> Reply {
    let end = |name: &str| {
        let id = products.jira.find(body.pointer(&format!("/{name}/key"))?.as_str()?)?;
        products.jira.by_id.get(&id).map(|issue| issue.number)
    };
    let (Some(from), Some(to)) = (end("inwardIssue"), end("outwardIssue")) else {
        return problem(404, "No issue link could be created");
    };
    products.jira.links.insert((from, to));
    products.deeds.push((number, Deed::Link { from, to }));
    Reply::new(201, Value::Null)
}

fn remote_link(products: &mut Products, id: &str, body: &Value, number: usize) -> Reply {
    let Some(id) = products.jira.find(id) else { return problem(404, "Issue does not exist") };
    let global = body.get("globalId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let next = products.jira.remote_links.len() as u64 + 500;
    let link = *products.jira.remote_links.entry((id, global)).or_insert(next);
    products.deeds.push((number, Deed::RemoteLink { id }));
    Reply::new(201, json!({ "id": link, "self": "" }))
}
