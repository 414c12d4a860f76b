//! `/search/jql` and `/search/approximate-count`, and the removed `/search`.
//!
//! Search reads an index that lags behind (when the site is started so). Ids in `reconcileIssues` are read past it.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::bulk::{check_property_keys, words};
use super::jql::{Query, parse};
use super::jql_match::Compiler;
use super::reply::{Answer, Ctx, Refusal, Sent, Version, ok};
use super::set::scalar;
use super::state::{Issue, State};
use super::view::{Selection, View};
use crate::World;
use crate::faults;
use crate::server::Sim;

/// Issues on a page unless asked otherwise.
const DEFAULT_PAGE: usize = 50;
/// The most issues on a page that shows ids only.
const ID_PAGE: usize = 5_000;
/// The most issues on a page with fields: what clients of real sites observe.
const FIELD_PAGE: usize = 100;
/// The most issues on a page of the old search.
const OLD_PAGE: usize = 1_000;
/// The most ids that can be read past the index.
const RECONCILE_LIMIT: usize = 50;
/// A token's life, in seconds.
const TOKEN_LIFE: i64 = 7 * 24 * 3_600;

const UNBOUNDED: &str = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.";
const REMOVED: &str = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full \
    migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046";

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/search/jql", get(search_get).post(search_post))
        .route("/search/approximate-count", post(count))
        .route("/search", get(old_get).post(old_post))
}

fn removed() -> Refusal {
    Refusal::new(StatusCode::GONE, REMOVED)
}

/// The search that Cloud has removed and Data Center has.
async fn old_get(ctx: Ctx) -> Answer {
    if ctx.version != Version::Server {
        return Err(removed());
    }
    let (start, most) = (ctx.number("startAt", 0)?, ctx.number("maxResults", DEFAULT_PAGE)?);
    let jql = ctx.query("jql").unwrap_or_default().to_owned();
    old(&ctx, &jql, start, most, ctx.list("fields"), &ctx.list("expand"))
}

async fn old_post(ctx: Ctx, sent: Sent) -> Answer {
    if ctx.version != Version::Server {
        return Err(removed());
    }
    let body = sent.object()?;
    let number = |name: &str, default: usize| match body.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value.as_u64().and_then(|number| usize::try_from(number).ok()).ok_or_else(Refusal::payload),
    };
    let (start, most) = (number("startAt", 0)?, number("maxResults", DEFAULT_PAGE)?);
    old(&ctx, &text(&body, "jql")?, start, most, words(&body, "fields")?, &words(&body, "expand")?)
}

fn old(ctx: &Ctx, jql: &str, start: usize, most: usize, fields: Vec<String>, expand: &[String]) -> Answer {
    ctx.account()?;
    let query = parse(jql).map_err(Refusal::bad)?;
    let world = ctx.sim.lock();
    let found = find(ctx, &world.jira, &query, &[])?;
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let selection = Selection::new(fields, "*navigable");
    let most = most.min(OLD_PAGE);
    let page = found.iter().skip(start).take(most).filter_map(|id| world.jira.issues.get(id));
    let issues: Vec<Value> = page.map(|issue| view.issue(issue, &selection, None, expand)).collect();
    Ok(ok(
        &json!({"expand": "schema,names", "startAt": start, "maxResults": most, "total": found.len(), "issues": issues}),
    ))
}

/// A search as asked for, by query string or by body.
#[derive(Debug)]
struct Asked {
    jql: String,
    token: Option<String>,
    most: Option<usize>,
    fields: Vec<String>,
    expand: Vec<String>,
    properties: Vec<String>,
    reconcile: Vec<String>,
}

async fn search_get(ctx: Ctx) -> Answer {
    let most = match ctx.query("maxResults") {
        None | Some("") => None,
        Some(_) => Some(ctx.number("maxResults", DEFAULT_PAGE)?),
    };
    let asked = Asked {
        jql: ctx.query("jql").unwrap_or_default().to_owned(),
        token: ctx.query("nextPageToken").filter(|token| !token.is_empty()).map(str::to_owned),
        most,
        fields: ctx.list("fields"),
        expand: ctx.list("expand"),
        properties: ctx.list("properties"),
        reconcile: ctx.list("reconcileIssues"),
    };
    search(&ctx, asked)
}

const BODY_KEYS: [&str; 8] =
    ["jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys", "reconcileIssues"];

async fn search_post(ctx: Ctx, sent: Sent) -> Answer {
    let body = sent.object()?;
    // startAt and the other keys of the removed search are not tolerated.
    if body.keys().any(|key| !BODY_KEYS.contains(&key.as_str())) {
        return Err(Refusal::payload());
    }
    let most = match body.get("maxResults") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
            Some(number.ok_or_else(Refusal::payload)?)
        }
    };
    let expand = match body.get("expand") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.split(',').map(|word| word.trim().to_owned()).collect(),
        Some(_) => return Err(Refusal::payload()),
    };
    let asked = Asked {
        jql: text(&body, "jql")?,
        token: Some(text(&body, "nextPageToken")?).filter(|token| !token.is_empty()),
        most,
        fields: words(&body, "fields")?,
        expand,
        properties: words(&body, "properties")?,
        reconcile: words(&body, "reconcileIssues")?,
    };
    search(&ctx, asked)
}

fn text(body: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(value) => value.as_str().map(str::to_owned).ok_or_else(Refusal::payload),
    }
}

fn refuse(messages: Vec<String>) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, messages, errors: Map::new() }
}

/// The query, which must restrict something.
fn read(jql: &str) -> Result<Query, Refusal> {
    let query = parse(jql).map_err(Refusal::bad)?;
    if query.condition.is_none() {
        return Err(Refusal::bad(UNBOUNDED));
    }
    Ok(query)
}

/// The ids of the issues that a query finds, in its order.
fn find(ctx: &Ctx, state: &State, query: &Query, reconcile: &[u64]) -> Result<Vec<u64>, Refusal> {
    let index = state.index(faults::node());
    let compiler = Compiler { state, account: ctx.sim.account(), now: World::now() };
    let test = match &query.condition {
        Some(condition) => compiler.condition(condition).map_err(refuse)?,
        // Only Data Center lets a query restrict nothing.
        None => Box::new(|_: &Issue| true),
    };
    let order = compiler.order(query).map_err(refuse)?;
    let mut found: Vec<&Issue> = index
        .iter()
        .filter(|(id, _)| !reconcile.contains(id))
        .map(|(_, issue)| issue.as_ref())
        // The index may still hold what was deleted; its rows are read from the database and are gone there.
        .filter(|issue| test(issue) && state.issues.contains_key(&issue.id))
        .collect();
    found.extend(reconcile.iter().filter_map(|id| state.issues.get(id)).map(AsRef::as_ref).filter(|issue| test(issue)));
    found.sort_by(|a, b| order(a, b));
    Ok(found.iter().map(|issue| issue.id).collect())
}

/// A page token: after which issue, at which place, for which query, and when.
#[derive(Debug)]
struct Token {
    after: u64,
    place: usize,
}

fn fingerprint(jql: &str) -> u64 {
    jql.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl Token {
    fn write(&self, jql: &str) -> String {
        let now = World::now().unix_timestamp();
        URL_SAFE_NO_PAD.encode(format!("{}:{}:{:x}:{now}", self.after, self.place, fingerprint(jql)))
    }

    fn read(text: &str, jql: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = plain.split(':');
        let after = parts.next()?.parse().ok()?;
        let place = parts.next()?.parse().ok()?;
        let same = u64::from_str_radix(parts.next()?, 16).ok()? == fingerprint(jql);
        let age = World::now().unix_timestamp() - parts.next()?.parse::<i64>().ok()?;
        (same && age <= TOKEN_LIFE).then_some(Self { after, place })
    }
}

fn search(ctx: &Ctx, asked: Asked) -> Answer {
    check_property_keys(&asked.properties)?;
    if asked.reconcile.len() > RECONCILE_LIMIT {
        return Err(Refusal::bad(format!("The number of issues to reconcile must not exceed {RECONCILE_LIMIT}.")));
    }
    let reconcile: Vec<u64> =
        asked.reconcile.iter().map(|id| id.parse().map_err(|_| Refusal::payload())).collect::<Result<_, _>>()?;
    if asked.most == Some(0) {
        return Err(Refusal::bad("The value for 'maxResults' must be at least 1."));
    }
    let query = read(&asked.jql)?;
    let token = match &asked.token {
        None => None,
        Some(text) => Some(
            Token::read(text, &asked.jql)
                .ok_or_else(|| Refusal::bad("The provided next page token is invalid or expired."))?,
        ),
    };
    // An unauthenticated caller is told nothing, not even that a project exists.
    if ctx.anonymous() {
        return Ok(ok(&json!({"issues": [], "isLast": true})));
    }
    let selection = Selection::new(asked.fields, "id");
    let limit = if selection.only_id() { ID_PAGE } else { FIELD_PAGE };
    let most = asked.most.unwrap_or(DEFAULT_PAGE).min(limit);
    let world = ctx.sim.lock();
    let found = find(ctx, &world.jira, &query, &reconcile)?;
    let start = match &token {
        None => 0,
        Some(token) => match found.iter().position(|id| *id == token.after) {
            Some(place) => place + 1,
            None => token.place.min(found.len()),
        },
    };
    let page = found.iter().skip(start).take(most);
    let view = View { state: &world.jira, site: ctx.site(), account: ctx.sim.account() };
    let properties = (!asked.properties.is_empty()).then_some(asked.properties);
    let issues: Vec<Value> = page
        .clone()
        .filter_map(|id| world.jira.issues.get(id))
        .map(|issue| {
            if selection.only_id() && properties.is_none() {
                json!({"id": issue.id.to_string()})
            } else {
                view.issue(issue, &selection, properties.as_deref(), &asked.expand)
            }
        })
        .collect();
    let end = start + page.len();
    let last = end >= found.len();
    let mut out = json!({"issues": issues, "isLast": last});
    if let (false, Some(after)) = (last, found.get(end.saturating_sub(1))) {
        out["nextPageToken"] = json!(Token { after: *after, place: end }.write(&asked.jql));
    }
    for word in ["names", "schema"] {
        if asked.expand.iter().any(|wanted| wanted == word) {
            out[word] = view.legend(&selection, word);
        }
    }
    Ok(ok(&out))
}

async fn count(ctx: Ctx, sent: Sent) -> Answer {
    let body = sent.object()?;
    let jql = body.get("jql").and_then(scalar).unwrap_or_default();
    let query = read(&jql)?;
    if ctx.anonymous() {
        return Ok(ok(&json!({"count": 0})));
    }
    let world = ctx.sim.lock();
    let found = find(&ctx, &world.jira, &query, &[])?;
    Ok(ok(&json!({"count": found.len()})))
}
