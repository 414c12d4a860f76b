//! Between connections and operations: who may call, how a request becomes a [`Call`], how an answer leaves.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequestParts as _, OriginalUri, RawPathParams, Request, State as FromState};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::call::{Call, query_of};
use super::reply::{Answer, Reply, not_found, v1, v2};
use super::state::{Behaviour, State};
use crate::auth::Principal;
use crate::faults;
use crate::server::Sim;
use crate::world::World;

/// Larger requests are cut off before they are read.
const REQUEST_MAX: usize = 64 * 1024 * 1024;

/// One operation on the state.
pub type Operation = fn(&mut State, &Call) -> Answer;

/// Who is spoken to: it decides how a caller without an account is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Clients of v2.
    V2,
    /// Clients of v1.
    V1,
    /// People with a browser: no login.
    People,
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A route's handler for an operation.
pub fn on(
    audience: Audience,
    operation: Operation,
) -> impl Fn(FromState<Arc<Sim>>, Request) -> Answering + Clone + Send + Sync + 'static {
    move |FromState(sim): FromState<Arc<Sim>>, request: Request| {
        Box::pin(async move { handle(&sim, audience, operation, request).await.into_response() })
    }
}

async fn handle(sim: &Sim, audience: Audience, operation: Operation, request: Request) -> Reply {
    let (mut parts, body) = request.into_parts();
    let principal = parts.extensions.get::<Principal>().cloned().unwrap_or(Principal::Anonymous { failed: false });
    // Nested routes see a shortened address; links need the one that was sent.
    let uri = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.clone(), |original| original.0.clone());
    let user = match (principal.account(), audience) {
        (Some(account), _) => account.clone(),
        (None, Audience::People) => sim.account().clone(),
        (None, Audience::V1 | Audience::V2) => {
            let mut behaviour = sim.lock().confluence.behaviour.clone();
            behaviour.anonymous_reads |= faults::silently_anonymous();
            return stranger(&behaviour, audience, &parts.method, uri.path());
        }
    };
    let params = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(params) => params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        Err(_) => Vec::new(),
    };
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (content_type, token) = (header("content-type"), header("x-atlassian-token"));
    let Ok(body) = to_bytes(body, REQUEST_MAX).await else { return super::reply::too_large() };
    let call = Call {
        user,
        now: World::now(),
        base: format!("{}/wiki", sim.base_url()),
        path: uri.path().to_owned(),
        params,
        query: query_of(&uri),
        body: body.to_vec(),
        content_type,
        token,
    };
    let mut world = sim.lock();
    operation(&mut world.confluence, &call).unwrap_or_else(|refusal| refusal)
}

/// The answer to a caller without an account. The description says 401; sites were observed to hide everything instead,
/// or to answer collections with nothing in them, which [`Behaviour`] can ask for.
fn stranger(behaviour: &Behaviour, audience: Audience, method: &Method, path: &str) -> Reply {
    // Ids are numbers and nothing else in a v2 path is.
    let one_thing = path.split('/').any(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if behaviour.anonymous_reads && audience == Audience::V2 && method == Method::GET {
        return if one_thing { not_found("Not Found") } else { Reply::ok(json!({"results": [], "_links": {}})) };
    }
    match (audience, behaviour.hidden_from_strangers) {
        (Audience::V2, true) => not_found("Not Found"),
        (Audience::V2, false) => v2(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Unauthorized"),
        (Audience::V1 | Audience::People, true) if path.ends_with("/user/current") => v1(
            StatusCode::FORBIDDEN,
            "com.atlassian.confluence.mvc.rest.common.exception.StacklessResponseStatusException: 403 FORBIDDEN \
             \"Request rejected because caller cannot access Confluence\"",
        ),
        (Audience::V1 | Audience::People, true) => {
            v1(StatusCode::FORBIDDEN, "Current user not permitted to use Confluence")
        }
        (Audience::V1 | Audience::People, false) => {
            v1(StatusCode::UNAUTHORIZED, "Client must be authenticated to access this resource.")
        }
    }
}

/// `GET /_sim/confluence`: the behaviours in force.
pub fn behaviour(state: &mut State, _: &Call) -> Answer {
    Ok(Reply::ok(json!(state.behaviour)))
}

/// `PUT /_sim/confluence`: changes the behaviours that are named.
pub fn set_behaviour(state: &mut State, call: &Call) -> Answer {
    let sent = call.json()?;
    let mut merged = json!(state.behaviour);
    for (name, value) in sent.as_object().into_iter().flatten() {
        merged[name.as_str()] = value.clone();
    }
    let refuse = |error: serde_json::Error| Reply::json(StatusCode::BAD_REQUEST, json!({"error": error.to_string()}));
    state.behaviour = serde_json::from_value::<Behaviour>(merged).map_err(refuse)?;
    Ok(Reply::ok(json!(state.behaviour)))
}
