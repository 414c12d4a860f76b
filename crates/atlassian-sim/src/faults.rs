//! The place where a script of faults takes part in a call: once before the handler, once after it.
//!
//! Before, a script can answer instead of the handler (the write did not land). After, it can replace the answer (the
//! write landed and the caller does not learn it). Without a script both are skipped.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

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
}

/// A script of faults.
pub trait Script: Send + Sync + std::fmt::Debug {
    /// An answer to give instead of handling the call; `None` handles it.
    fn before(&self, call: &Call) -> Option<Response>;
    /// The answer to give in place of the handler's, whose effects stay.
    fn after(&self, call: &Call, answer: Response) -> Response;
}

/// The middleware that asks the script, if there is one.
pub async fn interfere(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    let Some(script) = sim.script() else {
        return next.run(request).await;
    };
    let call = Call {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        template: request
            .extensions()
            .get::<MatchedPath>()
            .map_or_else(|| request.uri().path().to_owned(), |matched| matched.as_str().to_owned()),
    };
    if let Some(answer) = script.before(&call) {
        return answer;
    }
    let answer = next.run(request).await;
    script.after(&call, answer)
}
