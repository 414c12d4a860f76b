//! Jira Cloud: REST version 3, and version 2 for the clients that still write wiki markup.

use std::sync::Arc;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::Method;

use crate::server::Sim;

pub mod adf;
mod adf_html;
mod adf_model;
mod adf_nodes;
mod attachments;
mod browse;
mod bulk;
mod comments;
mod create;
mod createmeta;
mod fields;
mod issues;
mod jql;
mod jql_match;
mod jql_time;
mod jql_words;
mod limits;
mod links;
mod meta;
mod people;
mod properties;
mod remote;
mod reply;
mod rich;
mod search;
mod seed;
mod set;
mod state;
mod tasks;
mod transitions;
mod truth;
mod view;

pub(crate) use attachments::files;
pub use people::Edit;
pub use state::State;
pub use tasks::{Behaviour, End};

/// The API below a version.
fn api() -> Router<Arc<Sim>> {
    Router::new()
        .merge(meta::routes())
        .merge(createmeta::routes())
        .merge(issues::routes())
        .merge(bulk::routes())
        .merge(tasks::routes())
        .merge(properties::routes())
        .merge(links::routes())
        .merge(remote::routes())
        .merge(comments::routes())
        .merge(attachments::routes())
        .merge(transitions::routes())
        .merge(search::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
}

/// What a path or method that Jira does not have is answered.
async fn unknown(method: Method, OriginalUri(uri): OriginalUri) -> reply::Refusal {
    reply::Refusal::missing(format!("No endpoint {method} {}.", uri.path()))
}

/// Jira's routes: the API in each version, and pages for people.
pub fn routes() -> Router<Arc<Sim>> {
    let versions = ["2", "3", "latest"]
        .into_iter()
        .fold(Router::new(), |router, version| router.nest(&format!("/rest/api/{version}"), api()));
    versions.merge(browse::routes()).merge(tasks::console())
}
