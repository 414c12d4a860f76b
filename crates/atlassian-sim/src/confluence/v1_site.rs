//! What v1 still offers beside content: people, spaces, the site itself.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, Reply, as_v1, v1, v1_bad_request};
use super::spaces::new_key;
use super::state::{Page, Space, State, Status};
use super::v1_content;

/// `GET /wiki/rest/api/user/current`.
pub fn current_user(_: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(v1_content::user(&call.user.account_id, &call.user.display_name, &call.user.email)))
}

/// `GET /wiki/rest/api/user?accountId=`.
pub fn user(_: &mut State, call: &Call) -> Answer {
    match call.one("accountId") {
        Some(id) if id == call.user.account_id => {
            Ok(Reply::ok(v1_content::user(id, &call.user.display_name, &call.user.email)))
        }
        Some(id) => Err(v1(StatusCode::NOT_FOUND, &format!("No user found with account id: {id}"))),
        None => Err(v1_bad_request("Required parameter 'accountId' is not present")),
    }
}

/// `GET /wiki/rest/api/settings/systemInfo`.
pub fn system_info(_: &mut State, call: &Call) -> Answer {
    Ok(Reply::ok(json!({
        "cloudId": "00000000-0000-4000-8000-000000000000",
        "commitHash": "simulated",
        "baseUrl": call.base,
        "edition": "standard",
        "siteTitle": "Simulated site",
        "defaultLocale": "en_US",
        "defaultTimeZone": "Etc/UTC",
    })))
}

fn known<'a>(state: &'a State, call: &Call) -> Result<&'a Space, Reply> {
    let key = call.param("key");
    let missing = || {
        v1(
            StatusCode::NOT_FOUND,
            &format!(
                "org.springframework.web.server.ResponseStatusException: 404 NOT_FOUND \"No space found with key : {key}\""
            ),
        )
    };
    state.space_by_key(key).ok_or_else(missing)
}

/// `GET /wiki/rest/api/space`.
pub fn list_spaces(state: &mut State, call: &Call) -> Answer {
    let keys = call.many("spaceKey");
    let keep = |space: &&Space| keys.is_empty() || keys.iter().any(|key| space.key.eq_ignore_ascii_case(key));
    let ids: Vec<u64> = state.spaces().filter(keep).map(|space| space.id).collect();
    Ok(v1_content::listed(call, "space", &ids, &|id| Some(v1_content::space(call, state.space(id)?))))
}

/// `GET /wiki/rest/api/space/{key}`.
pub fn read_space(state: &mut State, call: &Call) -> Answer {
    let space = known(state, call)?;
    let mut value = v1_content::space(call, space);
    if call.many("expand").contains(&"homepage")
        && let Some(home) = space.homepage.and_then(|id| state.page(id))
    {
        value["homepage"] = v1_content::json_of(state, call, home, &[]);
    }
    value["_links"]["base"] = json!(call.base);
    Ok(Reply::ok(value))
}

/// `GET /wiki/rest/api/space/{key}/content/page`.
pub fn space_pages(state: &mut State, call: &Call) -> Answer {
    let space = known(state, call)?;
    let (id, key) = (space.id, space.key.clone());
    let roots = call.one("depth") == Some("root");
    let keep =
        |page: &&Page| page.space == id && page.status() == Status::Current && (!roots || page.parent().is_none());
    let ids: Vec<u64> = state.pages().filter(keep).map(|page| page.id).collect();
    let expand = call.many("expand");
    let row = |id| Some(v1_content::json_of(state, call, state.page(id)?, &expand));
    Ok(v1_content::listed(call, &format!("space/{key}/content/page"), &ids, &row))
}

/// `POST /wiki/rest/api/space`.
pub fn create_space(state: &mut State, call: &Call) -> Answer {
    let sent = call.json().map_err(as_v1)?;
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(name) = text(&sent["name"]) else { return Err(v1_bad_request("A space name is required")) };
    let Some(key) = text(&sent["key"]).or_else(|| text(&sent["alias"])) else {
        return Err(v1_bad_request("A space key or an alias is required"));
    };
    new_key(state, &key).map_err(as_v1)?;
    let description = sent["description"]["plain"]["value"].as_str().unwrap_or("");
    let id = state.add_space(&key, &name, description, &call.user.account_id, call.now);
    match state.space(id) {
        Some(space) => Ok(Reply::ok(v1_content::space(call, space))),
        None => Err(v1(StatusCode::INTERNAL_SERVER_ERROR, "The space was not created")),
    }
}

/// `DELETE /wiki/rest/api/space/{key}`: a long task, over at once.
pub fn delete_space(state: &mut State, call: &Call) -> Answer {
    let id = known(state, call)?.id;
    state.remove_space(id);
    Ok(super::tree::started(state))
}
