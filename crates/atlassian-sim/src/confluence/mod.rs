//! Confluence Cloud: nothing is played yet.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};

use crate::server::Sim;

/// What Confluence remembers.
#[derive(Debug)]
pub struct State {
    spaces: Vec<String>,
}

impl State {
    /// The start state with these spaces.
    #[must_use]
    pub fn new(spaces: &[String]) -> Self {
        Self { spaces: spaces.to_vec() }
    }

    /// Everything remembered, as JSON.
    #[must_use]
    pub fn ground_truth(&self) -> Value {
        json!({"spaces": self.spaces})
    }
}

/// Confluence's routes.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
}
