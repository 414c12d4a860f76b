//! `/search/jql`: not played yet.

use std::sync::Arc;

use axum::Router;

use crate::server::Sim;

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
}
