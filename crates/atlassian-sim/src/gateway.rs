//! The addresses that a site answers to, besides its own paths, before anything is routed.
//!
//! On Cloud: `api.atlassian.com/ex/{product}/{cloudId}/...`, where scoped tokens and OAuth belong; its host name is the
//! simulator's own here. On Data Center: Confluence without `/wiki`, and none of what only Cloud has.

use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::options::Dialect;
use crate::server::Sim;

/// The site's id on Cloud.
pub const CLOUD_ID: &str = "5f0c1d7a-51d0-4e9c-8b0a-51a551a5e1ab";

/// Marks a request that came through the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Gateway;

/// What Data Center has of Confluence's v1; everything else below `/rest/api/` is Jira's.
const CONFLUENCE_DC: [&str; 7] = ["content", "contentbody", "space", "search", "user", "longtask", "settings"];

/// Rewrites the address of a request to the path that the routes know.
pub async fn enter(State(sim): State<Arc<Sim>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let inner = match sim.options().dialect {
        Dialect::Cloud => through_gateway(&path),
        Dialect::DataCenter => match data_center(&path) {
            Ok(inner) => inner,
            Err(answer) => return *answer,
        },
    };
    if let Some(inner) = inner {
        if path.starts_with("/ex/") {
            request.extensions_mut().insert(Gateway);
        }
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("{inner}{query}").parse::<Uri>() {
            *request.uri_mut() = uri.clone();
            // Handlers read the address from here, and it was noted before it was rewritten.
            request.extensions_mut().insert(OriginalUri(uri));
        }
    }
    next.run(request).await
}

fn through_gateway(path: &str) -> Option<String> {
    let (product, rest) = path.strip_prefix("/ex/")?.split_once('/')?;
    let inner = rest.strip_prefix(CLOUD_ID)?;
    let belongs = match product {
        "jira" => inner.starts_with("/rest/"),
        "confluence" => inner.starts_with("/wiki/api/v2/") || inner.starts_with("/wiki/rest/"),
        _ => false,
    };
    belongs.then(|| inner.to_owned())
}

fn missing(path: &str) -> Box<Response> {
    let body = json!({"errorMessages": [format!("No endpoint {path}.")], "errors": {}}).to_string();
    Box::new((StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response())
}

fn data_center(path: &str) -> Result<Option<String>, Box<Response>> {
    if path.starts_with("/rest/api/3/") || path.starts_with("/wiki/api/v2/") || path.starts_with("/ex/") {
        return Err(missing(path));
    }
    let Some(rest) = path.strip_prefix("/rest/api/") else { return Ok(None) };
    let (first, below) = rest.split_once('/').unwrap_or((rest, ""));
    if CONFLUENCE_DC.contains(&first) {
        return Ok(Some(format!("/wiki{path}")));
    }
    let only_cloud = ["search/jql", "search/approximate-count", "issue/bulkfetch", "issue/createmeta"].contains(&below)
        || ["bulk/", "task/", "issue/properties"].iter().any(|start| below.starts_with(start));
    if only_cloud { Err(missing(path)) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::{CLOUD_ID, data_center, through_gateway};

    #[test]
    fn the_gateway_leads_to_the_product_and_nowhere_else() {
        let inner = |path: &str| through_gateway(&path.replace("ID", CLOUD_ID));
        assert_eq!(inner("/ex/jira/ID/rest/api/3/myself").as_deref(), Some("/rest/api/3/myself"));
        assert_eq!(inner("/ex/confluence/ID/wiki/api/v2/pages").as_deref(), Some("/wiki/api/v2/pages"));
        for path in [
            "/ex/jira/ID/wiki/api/v2/pages",
            "/ex/jira/other/rest/api/3/myself",
            "/ex/jira/ID/_sim/state",
            "/rest/api/3/myself",
        ] {
            assert_eq!(inner(path), None, "{path}");
        }
    }

    #[test]
    fn data_center_has_no_endpoint_of_cloud() {
        assert_eq!(data_center("/rest/api/2/issue/CTB-1").ok(), Some(None));
        assert_eq!(data_center("/rest/api/content/1").ok().flatten().as_deref(), Some("/wiki/rest/api/content/1"));
        for path in [
            "/rest/api/3/myself",
            "/rest/api/2/search/jql",
            "/rest/api/2/bulk/issues/fields",
            "/rest/api/latest/issue/properties/multi",
            "/rest/api/2/issue/createmeta",
        ] {
            assert!(data_center(path).is_err(), "{path}");
        }
    }
}
