//! Faults: the place where a script takes part in a call, and what the faults do there.
//!
//! Before the handler a fault can answer instead of it (the write did not land). After it, a fault can replace or lose
//! the answer (the write landed and the caller does not learn it). Limits on the rate of calls stand before both.
//! Calls to the simulator itself and pages for people never meet a fault.

mod answers;
mod bulk;
mod console;
mod draw;
mod engine;
mod kinds;
mod limiters;
mod limits;
mod script;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

use self::answers::{Throttle, marked};
use self::bulk::Partial;
pub(crate) use self::console::routes;
pub(crate) use self::draw::Draw;
use self::engine::Chosen;
pub(crate) use self::engine::Engine;
pub use self::kinds::{Commit, Fault, LateAnswer, Reason};
pub use self::limits::{EndpointBurst, Limits, Pool, UserBucket};
pub(crate) use self::script::check_seconds;
use self::script::seconds;
pub use self::script::{Product, Rule, Scenario, ScriptError, When};
pub(crate) use self::wire::{Breaker, Wires, end};
use self::wire::{Cut, Ending};
use crate::auth::{ByOAuth, Principal};
use crate::log::is_api;
use crate::server::Sim;

/// The call that a script looks at.
#[derive(Debug, Clone)]
pub struct Call {
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The path with its parameters' names in place of their values, as in [`MatchedPath`].
    pub template: String,
    /// Whether the caller used OAuth.
    pub oauth: bool,
}

impl Call {
    fn of(request: &Request) -> Self {
        let path = request.uri().path().to_owned();
        let matched = request.extensions().get::<MatchedPath>();
        Self {
            method: request.method().to_string(),
            oauth: request.extensions().get::<ByOAuth>().is_some(),
            template: matched.map_or_else(|| path.clone(), |matched| matched.as_str().to_owned()),
            path,
        }
    }

    /// The product that the call speaks to.
    fn product(&self) -> Product {
        if self.path.starts_with("/wiki/") { Product::Confluence } else { Product::Jira }
    }

    /// Whether the method is one that can change something.
    fn writes(&self) -> bool {
        self.method != "GET" && self.method != "HEAD"
    }

    /// Whether the call changes something: searches and fetches by `POST` do not.
    fn changes(&self) -> bool {
        let reads = ["/search/jql", "/search/approximate-count", "/issue/bulkfetch", "/api/2/search"];
        self.writes() && !reads.iter().any(|end| self.template.ends_with(end))
    }

    /// The endpoint and method, as the counts name them.
    fn endpoint(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// The value of a parameter of the path, as sent.
    fn param(&self, name: &str) -> Option<&str> {
        let at = self.template.split('/').position(|part| {
            part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).is_some_and(|part| part == name)
        })?;
        self.path.split('/').nth(at)
    }

    fn creates_page(&self) -> bool {
        self.method == "POST" && ["/wiki/api/v2/pages", "/wiki/rest/api/content"].contains(&self.template.as_str())
    }

    /// The id of the page that the call reads.
    fn page_read(&self) -> Option<&str> {
        let reads = ["/wiki/api/v2/pages/{id}", "/wiki/rest/api/content/{id}"].contains(&self.template.as_str());
        if self.method == "GET" && reads { self.param("id") } else { None }
    }
}

/// A script of faults as code, for tests in the same process that need more than a [`Scenario`] can say.
pub trait Script: Send + Sync + std::fmt::Debug {
    /// An answer to give instead of handling the call; `None` handles it.
    fn before(&self, call: &Call) -> Option<Response>;
    /// The answer to give in place of the handler's, whose effects stay.
    fn after(&self, call: &Call, answer: Response) -> Response;
}

/// The kind of the fault that an answer met, in the answer's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Injected(pub &'static str);

tokio::task_local! {
    /// Conditions of the call that this task handles.
    static CONDITIONS: Conditions;
}

#[derive(Debug, Clone, Copy, Default)]
struct Conditions {
    search_lag: Option<Duration>,
    anonymous: bool,
    node: Option<u64>,
}

/// The node that handles the running call, on a site that has several.
pub(crate) fn node() -> Option<u64> {
    CONDITIONS.try_with(|conditions| conditions.node).ok().flatten()
}

/// 401 in the product's own words.
pub(crate) fn login_refused(request: &Request) -> Response {
    answers::unauthorized(&Call::of(request))
}

/// 200 with a login page.
pub(crate) fn login_page() -> Response {
    answers::page()
}

/// The search lag that a script gives the running call.
pub(crate) fn search_lag() -> Option<Duration> {
    CONDITIONS.try_with(|conditions| conditions.search_lag).ok().flatten()
}

/// Whether a script makes the running call's caller a silently anonymous one.
pub(crate) fn silently_anonymous() -> bool {
    CONDITIONS.try_with(|conditions| conditions.anonymous).unwrap_or(false)
}

/// The middleware that asks the limits and the scripts.
pub async fn interfere(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    if !is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let call = Call::of(&request);
    let issue = call
        .param("issue")
        .filter(|_| sim.faults().asks_for_issue())
        .and_then(|issue| Some(sim.lock().jira.issue(issue)?.id));
    if let Err(throttle) = sim.faults().admit(&call, issue) {
        return marked(throttle.answer(&call), "limit");
    }
    if !sim.faults().settles() {
        return scripted(&sim, &call, request, next).await;
    }
    let (request, sent) = counted(request).await;
    let answer = scripted(&sim, &call, request, next).await;
    let (mut head, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let received = serde_json::from_slice(&bytes).unwrap_or_default();
    if head.status != StatusCode::TOO_MANY_REQUESTS {
        sim.faults().settle(&call, sent, &received, &mut head.headers);
    }
    Response::from_parts(head, Body::from(bytes))
}

/// The request again, and the number of elements in a bulk create.
async fn counted(request: Request) -> (Request, usize) {
    let (head, body) = request.into_parts();
    // The log has read the body already, within a limit of its own.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let sent: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let elements = sent["issueUpdates"].as_array().map_or(0, Vec::len);
    (Request::from_parts(head, Body::from(bytes)), elements)
}

async fn scripted(sim: &Arc<Sim>, call: &Call, request: Request, next: Next) -> Response {
    let Some(script) = sim.script() else {
        return played(sim, call, request, next).await;
    };
    if let Some(answer) = script.before(call) {
        return answer;
    }
    let answer = played(sim, call, request, next).await;
    script.after(call, answer)
}

/// A call and everything that is needed to handle it, perhaps later.
struct Handling {
    sim: Arc<Sim>,
    call: Call,
    conditions: Conditions,
    page_missing: Option<Duration>,
    next: Next,
}

impl Handling {
    async fn run(self, mut request: Request) -> Response {
        if self.conditions.anonymous {
            request.extensions_mut().insert(Principal::Anonymous { failed: true });
        }
        let node = self.conditions.node;
        let mut answer = CONDITIONS.scope(self.conditions, self.next.run(request)).await;
        if let Some(node) = node {
            answer.headers_mut().insert("x-anodeid", HeaderValue::from(node + 1));
        }
        let Some(time) = self.page_missing.filter(|_| answer.status().is_success()) else {
            return answer;
        };
        let (head, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let made: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if let Some(id) = made["id"].as_str() {
            self.sim.faults().hide_page(id.to_owned(), time);
        }
        Response::from_parts(head, Body::from(bytes))
    }
}

async fn played(sim: &Arc<Sim>, call: &Call, request: Request, next: Next) -> Response {
    let Chosen { answer, search_lag, page_missing } = sim.faults().choose(call);
    let anonymous = matches!(answer, Some((Fault::Anonymous {}, _)));
    let conditions = Conditions { search_lag, anonymous, node: sim.next_node() };
    let handling = Handling { sim: sim.clone(), call: call.clone(), conditions, page_missing, next };
    match answer {
        Some((fault, draw)) => {
            let kind = fault.kind();
            marked(faulty(fault, draw, handling, request).await, kind)
        }
        None => match call.page_read().filter(|id| sim.faults().page_hidden(id)) {
            Some(id) => {
                let words = format!("Cannot find a page with id [{id}]");
                marked(answers::refusal(call, StatusCode::NOT_FOUND, &words), "page-missing")
            }
            None => handling.run(request).await,
        },
    }
}

async fn faulty(fault: Fault, mut draw: Draw, handling: Handling, request: Request) -> Response {
    match fault {
        Fault::ServerError { commit, status, retry_after_seconds } => {
            if commit == Commit::After {
                handling.run(request).await;
            }
            answers::server_error(status, retry_after_seconds)
        }
        Fault::Timeout { commit, hang_seconds } => {
            let answer = match commit {
                Commit::Before => answers::server_error(504, None),
                Commit::After => handling.run(request).await,
            };
            ending(answer, seconds(hang_seconds), Some(Cut::Everything))
        }
        Fault::LateCommit { within_seconds, at_least_seconds, answer, answer_after_seconds } => {
            let left = seconds(answer_after_seconds);
            let lateness = at_least_seconds + (within_seconds - at_least_seconds) * draw.unit();
            let (sim, delay) = (handling.sim.clone(), left + seconds(lateness));
            let task = tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                handling.run(request).await;
            });
            sim.faults().expect_late(task.abort_handle());
            let cut = match answer {
                LateAnswer::Drop => Some(Cut::Everything),
                LateAnswer::GatewayTimeout => None,
            };
            ending(answers::server_error(504, None), left, cut)
        }
        Fault::Reset { after_bytes } => {
            ending(handling.run(request).await, Duration::ZERO, Some(Cut::Body(after_bytes)))
        }
        Fault::Html { commit } => {
            if commit == Commit::After {
                handling.run(request).await;
            }
            answers::page()
        }
        Fault::TruncatedJson { keep_bytes } => truncated(handling.run(request).await, keep_bytes).await,
        Fault::TooManyRequests { reason, retry_after_seconds } => {
            Throttle::scripted(reason, retry_after_seconds).answer(&handling.call)
        }
        Fault::BulkPartial { elements, status, message, shuffle } => {
            let partial = Partial { elements: &elements, status, message: &message, shuffle };
            partial.play(request, draw, |request| handling.run(request)).await
        }
        Fault::Anonymous {} => {
            let mut answer = handling.run(request).await;
            let told = HeaderValue::from_static("AUTHENTICATED_FAILED");
            answer.headers_mut().insert("x-seraph-loginreason", told);
            answer
        }
        Fault::Unauthorized {} => answers::unauthorized(&handling.call),
        // Conditions, which the engine does not give as answers: the call goes its usual way.
        Fault::SearchLag { .. } | Fault::PageMissing { .. } => handling.run(request).await,
    }
}

fn ending(mut answer: Response, hold: Duration, cut: Option<Cut>) -> Response {
    answer.extensions_mut().insert(Ending { hold, cut });
    answer
}

/// The answer with its body ended early, and otherwise complete.
async fn truncated(answer: Response, keep: Option<usize>) -> Response {
    let (mut head, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let kept = bytes.slice(..keep.unwrap_or(bytes.len() / 2).min(bytes.len()));
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(kept.len()));
    Response::from_parts(head, Body::from(kept))
}
