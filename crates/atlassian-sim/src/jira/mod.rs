//! Jira Cloud.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};

use crate::options::Options;
use crate::server::Sim;

/// What Jira remembers.
#[derive(Debug)]
pub struct State {
    projects: Vec<String>,
}

impl State {
    /// The start state.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { projects: options.projects.clone() }
    }

    /// Everything remembered, as JSON.
    #[must_use]
    pub fn ground_truth(&self) -> Value {
        json!({"projects": self.projects})
    }
}

/// Jira's routes.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
}
