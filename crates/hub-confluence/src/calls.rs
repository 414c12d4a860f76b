//! The endpoints of Confluence Cloud that the hub uses, each once.
//! Sources: <https://developer.atlassian.com/cloud/confluence/rest/v2/>, and v1 for labels and the account.

use hub_destination::{Call, Method};
use serde_json::{Value, json};

/// Who we are.
#[must_use]
pub fn current_user() -> Call {
    Call::read(Method::Get, "/wiki/rest/api/user/current", "/wiki/rest/api/user/current")
}

/// The space with a key.
#[must_use]
pub fn space(key: &str) -> Call {
    Call::read(Method::Get, "/wiki/api/v2/spaces", format!("/wiki/api/v2/spaces?keys={}", encoded(key)))
}

/// Creates a page.
#[must_use]
pub fn create(body: Value) -> Call {
    Call::write(Method::Post, "/wiki/api/v2/pages", "/wiki/api/v2/pages").with_body(body)
}

/// Replaces a page.
#[must_use]
pub fn update(id: &str, body: Value) -> Call {
    Call::write(Method::Put, "/wiki/api/v2/pages/{id}", format!("/wiki/api/v2/pages/{id}")).with_body(body)
}

/// Reads a page.
#[must_use]
pub fn page(id: &str) -> Call {
    Call::read(Method::Get, "/wiki/api/v2/pages/{id}", format!("/wiki/api/v2/pages/{id}?body-format=storage"))
}

/// Finds the page that holds a title in a space, in whatever state.
#[must_use]
pub fn by_title(space_id: &str, title: &str) -> Call {
    let title = encoded(title);
    Call::read(
        Method::Get,
        "/wiki/api/v2/pages",
        format!(
            "/wiki/api/v2/pages?space-id={space_id}&title={title}&status=current&status=archived&status=trashed\
             &body-format=storage&limit=25"
        ),
    )
}

/// The largest page of a list.
pub const LIST_PAGE: usize = 250;

/// The pages that a space shows, without their texts. The address of the next page of the list is in the answer.
#[must_use]
pub fn pages_of_space(space_id: &str) -> Call {
    next_pages(&format!("/wiki/api/v2/spaces/{space_id}/pages?limit={LIST_PAGE}&status=current"))
}

/// The next part of a list of a space's pages, at the address that the last part gave.
#[must_use]
pub fn next_pages(path: &str) -> Call {
    Call::read(Method::Get, "/wiki/api/v2/spaces/{id}/pages", path)
}

/// Adds labels to a page. Additive: a label that is there stays.
#[must_use]
pub fn add_labels(id: &str, labels: &[&str]) -> Call {
    let body: Vec<Value> = labels.iter().map(|name| json!({ "prefix": "global", "name": name })).collect();
    Call::write(Method::Post, "/wiki/rest/api/content/{id}/label", format!("/wiki/rest/api/content/{id}/label"))
        .with_body(Value::Array(body))
}

/// Removes a label from a page.
#[must_use]
pub fn remove_label(id: &str, label: &str) -> Call {
    Call::write(
        Method::Delete,
        "/wiki/rest/api/content/{id}/label",
        format!("/wiki/rest/api/content/{id}/label?name={}", encoded(label)),
    )
}

/// Percent-encodes a query value: everything but RFC 3986's unreserved characters.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn titles_travel_whole() {
        assert_eq!(super::encoded("Añil & más [a/b]"), "A%C3%B1il%20%26%20m%C3%A1s%20%5Ba%2Fb%5D");
    }
}
