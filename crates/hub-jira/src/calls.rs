//! The endpoints of Jira Cloud REST v3 that the hub uses, each once.
//! Source: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/>.

use hub_destination::{Call, Method};
use hub_domain::marker::PROPERTY_KEY;
use serde_json::{Value, json};

/// The most issues in one bulk create.
pub const MAX_BULK_CREATE: usize = 50;

/// The most issues in one bulk fetch.
pub const MAX_BULK_FETCH: usize = 100;

/// The largest page of createmeta; more is answered by 400.
const META_PAGE: usize = 200;

/// Who we are. The only read that an anonymous user is refused, so it proves the login.
#[must_use]
pub fn myself() -> Call {
    Call::read(Method::Get, "/rest/api/3/myself", "/rest/api/3/myself")
}

/// The issue types that this account can create in a project.
#[must_use]
pub fn issue_types(project: &str, start_at: usize) -> Call {
    Call::read(
        Method::Get,
        "/rest/api/3/issue/createmeta/{projectIdOrKey}/issuetypes",
        format!("/rest/api/3/issue/createmeta/{project}/issuetypes?startAt={start_at}&maxResults={META_PAGE}"),
    )
}

/// The create screen of an issue type.
#[must_use]
pub fn screen(project: &str, issue_type: &str, start_at: usize) -> Call {
    Call::read(
        Method::Get,
        "/rest/api/3/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}",
        format!(
            "/rest/api/3/issue/createmeta/{project}/issuetypes/{issue_type}?startAt={start_at}&maxResults={META_PAGE}"
        ),
    )
}

/// A project.
#[must_use]
pub fn project(key: &str) -> Call {
    Call::read(Method::Get, "/rest/api/3/project/{projectIdOrKey}", format!("/rest/api/3/project/{key}"))
}

/// Creates up to [`MAX_BULK_CREATE`] issues.
#[must_use]
pub fn bulk_create(elements: Vec<Value>) -> Call {
    Call::write(Method::Post, "/rest/api/3/issue/bulk", "/rest/api/3/issue/bulk")
        .with_body(json!({ "issueUpdates": elements }))
}

/// Changes one issue without telling its watchers.
#[must_use]
pub fn update(id: &str, body: Value) -> Call {
    Call::write(Method::Put, "/rest/api/3/issue/{issueIdOrKey}", format!("/rest/api/3/issue/{id}")).with_body(body)
}

/// Reads up to [`MAX_BULK_FETCH`] issues with the hub's property, by id or key. Reads by key, not by the search index,
/// so it sees an issue at once.
#[must_use]
pub fn bulk_fetch(ids_or_keys: &[String]) -> Call {
    Call::read(Method::Post, "/rest/api/3/issue/bulkfetch", "/rest/api/3/issue/bulkfetch").with_body(json!({
        "issueIdsOrKeys": ids_or_keys,
        "fields": ["labels"],
        "properties": [PROPERTY_KEY],
    }))
}

/// The issue of a project with the highest key that the search index knows. The index lags, so there may be higher ones,
/// but never is the highest lower than the answer. The key is one of a parsed project key's form, so it needs no quoting
/// beyond the quotes.
#[must_use]
pub fn newest(project: &str) -> Call {
    Call::read(Method::Post, "/rest/api/3/search/jql", "/rest/api/3/search/jql").with_body(json!({
        "jql": format!("project = \"{project}\" ORDER BY key DESC"),
        "maxResults": 1,
        "fields": ["created"],
    }))
}

/// Issues with any of these labels, in any project, with the hub's property.
#[must_use]
pub fn labelled(labels: &[String]) -> Call {
    let labels: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
    Call::read(Method::Post, "/rest/api/3/search/jql", "/rest/api/3/search/jql").with_body(json!({
        "jql": format!("labels in ({}) ORDER BY key ASC", labels.join(", ")),
        "maxResults": MAX_BULK_FETCH,
        "fields": ["labels"],
        "properties": [PROPERTY_KEY],
    }))
}

/// Links two issues.
#[must_use]
pub fn link(body: Value) -> Call {
    Call::write(Method::Post, "/rest/api/3/issueLink", "/rest/api/3/issueLink").with_body(body)
}

/// Links an issue to a page.
#[must_use]
pub fn remote_link(issue_id: &str, body: Value) -> Call {
    Call::write(
        Method::Post,
        "/rest/api/3/issue/{issueIdOrKey}/remotelink",
        format!("/rest/api/3/issue/{issue_id}/remotelink"),
    )
    .with_body(body)
}
