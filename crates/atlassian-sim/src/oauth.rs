//! OAuth 2.0 as `auth.atlassian.com` gives it: access tokens for an hour, and refresh tokens that are good for one use.
//!
//! Each refresh gives another refresh token and ends the one that was sent. For a short while, the leeway, the old one is
//! taken again, so that a lost answer can be asked for once more; after it, a second use counts as theft and ends every
//! refresh token of the consent. The consent itself, which needs a person and a browser, is `POST /_sim/oauth`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::gateway::CLOUD_ID;
use crate::server::Sim;

/// How long things live, in seconds; `PUT /_sim/oauth` shortens them for tests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lives {
    /// An access token.
    pub access_seconds: f64,
    /// A refresh token after its use.
    pub leeway_seconds: f64,
    /// A refresh token that nobody uses: 90 days.
    pub idle_seconds: f64,
    /// A consent, however often it is refreshed: 365 days.
    pub absolute_seconds: f64,
}

impl Default for Lives {
    fn default() -> Self {
        Self {
            access_seconds: 3_600.0,
            leeway_seconds: 600.0,
            idle_seconds: 90.0 * 86_400.0,
            absolute_seconds: 365.0 * 86_400.0,
        }
    }
}

/// What one consent gave.
#[derive(Debug)]
struct Family {
    began: Instant,
    revoked: bool,
}

/// A refresh token that was given out.
#[derive(Debug)]
struct Refresh {
    family: usize,
    given: Instant,
    used: Option<Instant>,
}

/// Everything that was given out.
#[derive(Debug, Default)]
pub struct Grants {
    lives: Lives,
    families: Vec<Family>,
    refresh: HashMap<String, Refresh>,
    /// Access tokens and when they end.
    access: HashMap<String, Instant>,
    given: u64,
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

impl Grants {
    fn token(&mut self, kind: &str) -> String {
        self.given += 1;
        // Not a secret: it has to differ from every other one, and nothing more.
        format!("sim-{kind}-{:016x}", self.given.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn access(&mut self) -> String {
        let token = self.token("access");
        let now = Instant::now();
        self.access.retain(|_, end| *end > now);
        if let Some(end) = now.checked_add(span(self.lives.access_seconds)) {
            self.access.insert(token.clone(), end);
        }
        token
    }

    fn pair(&mut self, family: usize) -> Value {
        let refresh = self.token("refresh");
        self.refresh.insert(refresh.clone(), Refresh { family, given: Instant::now(), used: None });
        let mut out = self.alone();
        out["refresh_token"] = json!(refresh);
        out
    }

    fn alone(&mut self) -> Value {
        let access = self.access();
        json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lives.access_seconds,
            "scope": "read:jira-work write:jira-work offline_access",
        })
    }

    /// A person consents.
    fn consent(&mut self) -> Value {
        self.families.push(Family { began: Instant::now(), revoked: false });
        self.pair(self.families.len() - 1)
    }

    /// Another pair for a refresh token, or nothing.
    fn refreshed(&mut self, token: &str) -> Option<Value> {
        let now = Instant::now();
        let lives = self.lives;
        let sent = self.refresh.get_mut(token)?;
        let family = self.families.get_mut(sent.family)?;
        let old = now.duration_since(family.began) > span(lives.absolute_seconds);
        let idle = now.duration_since(sent.given) > span(lives.idle_seconds);
        if family.revoked || old || idle {
            return None;
        }
        match sent.used {
            Some(used) if now.duration_since(used) > span(lives.leeway_seconds) => {
                family.revoked = true;
                return None;
            }
            Some(_) => {}
            None => sent.used = Some(now),
        }
        let family = sent.family;
        Some(self.pair(family))
    }

    /// Whether an access token is good.
    pub fn good(&self, access: &str) -> bool {
        self.access.get(access).is_some_and(|end| *end > Instant::now())
    }
}

pub fn routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/oauth/token", post(token))
        .route("/oauth/token/accessible-resources", get(resources))
        .route("/_edge/tenant_info", get(tenant))
        .route("/_sim/oauth", get(lives).put(set_lives).post(consent))
}

/// No login: this is how a client learns the id.
async fn tenant() -> Json<Value> {
    Json(json!({"cloudId": CLOUD_ID}))
}

async fn resources(State(sim): State<Arc<Sim>>) -> Json<Value> {
    let url = sim.base_url();
    let scopes = ["read:jira-work", "write:jira-work"];
    Json(
        json!([{"id": CLOUD_ID, "url": url, "name": "sim", "scopes": scopes, "avatarUrl": format!("{url}/avatar.png")}]),
    )
}

async fn lives(State(sim): State<Arc<Sim>>) -> Json<Lives> {
    Json(sim.grants().lives)
}

async fn set_lives(State(sim): State<Arc<Sim>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Lives>(&body) {
        Ok(lives) => {
            sim.grants().lives = lives;
            Json(lives).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))).into_response(),
    }
}

async fn consent(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(sim.grants().consent())
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": description}))).into_response()
}

/// The sent members, as JSON or as a form.
fn members(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let form = format!("/?{}", String::from_utf8_lossy(body));
        let read = form.parse().ok().map(|uri| crate::confluence::query_of(&uri)).unwrap_or_default();
        read.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
    })
}

async fn token(State(sim): State<Arc<Sim>>, body: Bytes) -> Response {
    let sent = members(&body);
    let options = sim.options();
    if sent["client_id"] != options.oauth_client.as_str() || sent["client_secret"] != options.oauth_secret.as_str() {
        return refused(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized");
    }
    let given = match sent["grant_type"].as_str() {
        Some("refresh_token") => sim.grants().refreshed(sent["refresh_token"].as_str().unwrap_or_default()),
        Some("client_credentials") => Some(sim.grants().alone()),
        _ => {
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "The grant type is not supported here.");
        }
    };
    match given {
        Some(given) => Json(given).into_response(),
        None => refused(StatusCode::FORBIDDEN, "invalid_grant", "Unknown or invalid refresh token."),
    }
}
