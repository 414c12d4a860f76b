//! Confluence Cloud: v2, and the part of v1 that v2 does not replace.
//!
//! Operations are plain functions from the state and a `call::Call` to an answer; `http` connects them to routes.
//! Where the official description and observations of real sites differ, the observation is played and its place says so.

mod adf;
mod attachments;
mod body;
mod call;
mod comments;
mod cql;
mod details;
mod edits;
mod entities;
mod html;
mod http;
mod labels;
mod macros;
mod normalise;
mod pages;
mod people;
mod properties;
mod render;
mod reply;
mod search;
mod spaces;
mod state;
mod storage;
mod tree;
mod v1_content;
mod v1_site;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};

pub(crate) use self::call::query_of;
use self::http::{Audience, Operation, on};
pub use self::people::Rewrite;
pub use self::state::{Behaviour, State};
use crate::server::Sim;

/// Levels of a page tree that pages for people show.
fn render_depth() -> usize {
    30
}

/// Confluence's routes.
pub fn routes() -> Router<Arc<Sim>> {
    Router::new().merge(v2()).merge(v1()).merge(people())
}

fn v2() -> Router<Arc<Sim>> {
    let on = |operation: Operation| on(Audience::V2, operation);
    let pages = Router::new()
        .route("/pages", get(on(pages::list)).post(on(pages::create)))
        .route("/pages/{id}", get(on(pages::read)).put(on(edits::update)).delete(on(edits::delete)))
        .route("/pages/{id}/title", put(on(edits::update_title)))
        .route("/pages/{id}/children", get(on(tree::children)))
        .route("/pages/{id}/direct-children", get(on(tree::direct_children)))
        .route("/pages/{id}/descendants", get(on(tree::descendants)))
        .route("/pages/{id}/ancestors", get(on(tree::ancestors)))
        .route("/pages/{id}/versions", get(on(tree::versions)))
        .route("/pages/{id}/versions/{version-number}", get(on(tree::version)))
        .route("/pages/{id}/labels", get(on(labels::list)))
        .route("/pages/{id}/attachments", get(on(attachments::list)))
        .route("/pages/{id}/footer-comments", get(on(comments::list_of_page)))
        .route("/pages/{id}/properties", get(on(properties::list)).post(on(properties::create)))
        .route(
            "/pages/{id}/properties/{property-id}",
            get(on(properties::read)).put(on(properties::update)).delete(on(properties::delete)),
        );
    let others = Router::new()
        .route("/spaces", get(on(spaces::list)).post(on(spaces::create)))
        .route("/spaces/{id}", get(on(spaces::read)))
        .route("/spaces/{id}/pages", get(on(pages::list_in_space)))
        .route("/spaces/{id}/labels", get(on(labels::of_space)))
        .route("/spaces/{id}/content/labels", get(on(labels::of_space)))
        .route("/labels", get(on(labels::list_all)))
        .route("/labels/{id}/pages", get(on(labels::pages_with)))
        .route("/footer-comments", get(on(comments::list)).post(on(comments::create)))
        .route("/footer-comments/{id}", get(on(comments::read)).put(on(comments::update)).delete(on(comments::delete)))
        .route("/footer-comments/{id}/children", get(on(comments::children)));
    Router::new().nest("/wiki/api/v2", pages.merge(others))
}

fn v1() -> Router<Arc<Sim>> {
    let on = |operation: Operation| on(Audience::V1, operation);
    let content = Router::new()
        .route("/content", get(on(v1_content::list)).post(on(v1_content::create)))
        .route("/content/{id}", get(on(v1_content::read)).put(on(v1_content::update)).delete(on(v1_content::delete)))
        .route("/content/search", get(on(search::search_content)))
        .route("/content/archive", post(on(tree::archive)))
        .route(
            "/content/{id}/label",
            get(on(labels::v1_list)).post(on(labels::v1_add)).delete(on(labels::v1_remove_by_query)),
        )
        .route("/content/{id}/label/{label}", delete(on(labels::v1_remove_by_path)))
        .route("/content/{id}/child/attachment", post(on(attachments::add)).put(on(attachments::put)))
        .route("/content/{id}/move/{position}/{targetId}", put(on(tree::move_page)))
        .route("/content/{id}/pageTree", delete(on(tree::delete_tree)))
        .route("/content/{id}/child/page", get(on(v1_content::child_pages)))
        .route("/content/{id}/descendant/page", get(on(v1_content::descendant_pages)))
        .route("/content/{id}/property", get(on(v1_content::property_list)).post(on(v1_content::property_create)))
        .route(
            "/content/{id}/property/{key}",
            get(on(v1_content::property_read))
                .post(on(v1_content::property_create))
                .put(on(v1_content::property_update))
                .delete(on(v1_content::property_delete)),
        );
    let others = Router::new()
        .route("/search", get(on(search::search)))
        .route("/contentbody/convert/{to}", post(on(v1_content::convert)))
        .route("/longtask/{id}", get(on(tree::task)))
        .route("/user", get(on(v1_site::user)))
        .route("/user/current", get(on(v1_site::current_user)))
        .route("/settings/systemInfo", get(on(v1_site::system_info)))
        .route("/space", get(on(v1_site::list_spaces)).post(on(v1_site::create_space)))
        .route("/space/{key}", get(on(v1_site::read_space)).delete(on(v1_site::delete_space)))
        .route("/space/{key}/content/page", get(on(v1_site::space_pages)));
    Router::new().nest("/wiki/rest/api", content.merge(others))
}

fn people() -> Router<Arc<Sim>> {
    let on = |operation: Operation| on(Audience::People, operation);
    Router::new()
        .route("/wiki", get(on(html::spaces)))
        .route("/wiki/spaces", get(on(html::spaces)))
        .route("/wiki/spaces/{key}", get(on(html::space_tree)))
        .route("/wiki/spaces/{key}/overview", get(on(html::overview)))
        .route("/wiki/spaces/{key}/pages/{id}", get(on(html::page)))
        .route("/wiki/spaces/{key}/pages/{id}/{*title}", get(on(html::page)))
        .route("/_sim/confluence", get(on(http::behaviour)).put(on(http::set_behaviour)))
}
