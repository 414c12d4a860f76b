//! Evaluation of CQL over the pages, as an index sees them, and v1's search answers.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::call::{Call, encode};
use super::cql::{self, Condition, Field, Operator, Query};
use super::reply::{Answer, Reply, v1_bad_request};
use super::state::{Page, State, Status, Version};
use super::storage::text_of;
use super::{tree, v1_content, wire};
use crate::world::iso_millis;

/// A page as the index knew it at a moment.
struct Indexed<'a> {
    page: &'a Page,
    version: &'a Version,
    /// Labels added later are not in it yet.
    until: Option<OffsetDateTime>,
}

fn indexed(page: &Page, until: Option<OffsetDateTime>) -> Option<Indexed<'_>> {
    let mut status = page.status();
    let mut version = page.current()?;
    if let Some(until) = until {
        if let Some((before, _)) = page.before.filter(|(_, changed)| *changed > until) {
            status = before;
        }
        version = page.versions.iter().rev().find(|version| version.created <= until)?;
    }
    // Archived pages are never found, whatever is asked.
    (status == Status::Current).then_some(Indexed { page, version, until })
}

fn contains_words(text: &str, query: &str) -> bool {
    let fold = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let have = fold(text);
    let mut wanted = query.split_whitespace().filter(|word| *word != "AND");
    wanted.all(|word| match word.strip_suffix('*') {
        Some(start) => fold(start).iter().all(|part| have.iter().any(|word| word.starts_with(part))),
        None => fold(word).iter().all(|part| have.contains(part)),
    })
}

impl Indexed<'_> {
    fn text(&self) -> String {
        format!("{} {}", self.version.title, text_of(&self.version.body.nodes()))
    }

    fn is(&self, state: &State, field: Field, value: &str, here: Here) -> bool {
        let page = self.page;
        let current = value.eq_ignore_ascii_case("currentContent()");
        let number = if current { here.page } else { value.parse::<u64>().ok() };
        match field {
            Field::Type => value.eq_ignore_ascii_case("page"),
            Field::Space if value.eq_ignore_ascii_case("currentSpace()") => here.space == Some(page.space),
            Field::Space => state.space(page.space).is_some_and(|space| space.key.eq_ignore_ascii_case(value)),
            Field::Label => page.labels.iter().any(|label| {
                label.name.eq_ignore_ascii_case(value) && self.until.is_none_or(|until| label.added <= until)
            }),
            Field::Title => self.version.title.to_lowercase() == value.to_lowercase(),
            Field::Text => contains_words(&self.text(), value),
            Field::Ancestor => number.is_some_and(|id| tree::ancestors_of(state, page.id).contains(&id)),
            Field::Parent => number.is_some() && page.parent() == number,
            Field::Id => number == Some(page.id),
            Field::Creator => page.author == value,
            Field::Created => day(page.created) == value,
            Field::Modified => day(self.version.created) == value,
        }
    }

    fn compare(&self, state: &State, field: Field, operator: Operator, values: &[String], here: Here) -> bool {
        let any = |holds: &dyn Fn(&str) -> bool| values.iter().any(|value| holds(value));
        let contains = |value: &str| match field {
            Field::Title => contains_words(&self.version.title, value),
            Field::Type
            | Field::Space
            | Field::Label
            | Field::Text
            | Field::Ancestor
            | Field::Parent
            | Field::Id
            | Field::Creator
            | Field::Created
            | Field::Modified => self.is(state, field, value, here),
        };
        let at = if field == Field::Created { self.page.created } else { self.version.created };
        match operator {
            Operator::Is => any(&|value| self.is(state, field, value, here)),
            Operator::IsNot => !any(&|value| self.is(state, field, value, here)),
            Operator::Contains => any(&contains),
            Operator::ContainsNot => !any(&contains),
            Operator::After => any(&|value| iso_millis(at).as_str() > value.replace(['/', ' '], "-").as_str()),
            Operator::Before => any(&|value| iso_millis(at).as_str() < value.replace(['/', ' '], "-").as_str()),
        }
    }

    fn holds(&self, state: &State, condition: &Condition, here: Here) -> bool {
        match condition {
            Condition::And(left, right) => self.holds(state, left, here) && self.holds(state, right, here),
            Condition::Or(left, right) => self.holds(state, left, here) || self.holds(state, right, here),
            Condition::Not(inner) => !self.holds(state, inner, here),
            Condition::Compare(field, operator, values) => self.compare(state, *field, *operator, values, here),
        }
    }

    fn key(&self, field: Field) -> String {
        match field {
            Field::Title | Field::Text | Field::Label => self.version.title.to_lowercase(),
            Field::Created => iso_millis(self.page.created),
            Field::Modified => iso_millis(self.version.created),
            Field::Creator => self.page.author.clone(),
            Field::Type | Field::Space | Field::Ancestor | Field::Parent | Field::Id => format!("{:020}", self.page.id),
        }
    }
}

fn day(at: OffsetDateTime) -> String {
    at.date().to_string()
}

/// The page that holds the macro whose query is evaluated: what `currentSpace()` and `currentContent()` mean.
#[derive(Debug, Clone, Copy, Default)]
pub struct Here {
    /// Its space.
    pub space: Option<u64>,
    /// The page itself.
    pub page: Option<u64>,
}

/// Ids of the pages that a query finds; `here` is where the query stands, `until` the index's age.
///
/// # Errors
/// The server's words for a query that it refuses.
pub fn find(state: &State, text: &str, here: Here, until: Option<OffsetDateTime>) -> Result<Vec<u64>, String> {
    let Query { condition, order } = cql::parse(text).map_err(|error| error.0)?;
    let mut found: Vec<Indexed<'_>> = state
        .pages()
        .filter_map(|page| indexed(page, until))
        .filter(|page| page.holds(state, &condition, here))
        .collect();
    // The last key first: later sorts are stable.
    for (field, backwards) in order.into_iter().rev() {
        found.sort_by_key(|page| page.key(field));
        if backwards {
            found.reverse();
        }
    }
    Ok(found.into_iter().map(|page| page.page.id).collect())
}

struct Found {
    ids: Vec<u64>,
    limit: usize,
    total: usize,
    cql: String,
    next: Option<String>,
}

/// v1 search pages by cursor only; `start` is accepted and ignored, as observed.
fn asked(state: &State, call: &Call, path: &str) -> Result<Found, Reply> {
    let Some(cql) = call.one("cql") else { return Err(v1_bad_request("Required parameter 'cql' is not present")) };
    let limit = call.one("limit").and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(25).clamp(1, 250);
    let offset = match call.one("cursor") {
        None => 0,
        Some(cursor) => match cursor.strip_prefix("_f_").and_then(|rest| rest.parse::<usize>().ok()) {
            Some(offset) => offset,
            None => return Err(v1_bad_request("Invalid cursor")),
        },
    };
    let here = call.one("cqlcontext").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let here = here.map_or_else(Here::default, |context| Here {
        space: context["spaceKey"].as_str().and_then(|key| Some(state.space_by_key(key)?.id)),
        page: context["contentId"].as_str().and_then(|id| id.parse().ok()),
    });
    let lag = match crate::faults::search_lag() {
        Some(lag) => Duration::try_from(lag).unwrap_or(Duration::MAX),
        None => Duration::milliseconds(i64::try_from(state.behaviour.search_lag_ms).unwrap_or(i64::MAX)),
    };
    let until = (!lag.is_zero()).then(|| call.now.checked_sub(lag)).flatten();
    let all = find(state, cql, here, until).map_err(|why| v1_bad_request(&why))?;
    let ids: Vec<u64> = all.iter().skip(offset).take(limit).copied().collect();
    let end = offset + ids.len();
    // Without `/wiki`, unlike v2.
    let next = (end < all.len())
        .then(|| format!("/rest/api/{path}?next=true&cursor=_f_{end}&limit={limit}&start={end}&cql={}", encode(cql)));
    Ok(Found { ids, limit, total: all.len(), cql: cql.to_owned(), next })
}

fn links(call: &Call, path: &str, found: &Found) -> Value {
    let mut links = json!({
        "base": call.base,
        "context": "/wiki",
        "self": format!("{}/rest/api/{path}?cql={}", call.base, encode(&found.cql)),
    });
    if let Some(next) = &found.next {
        links["next"] = json!(next);
    }
    links
}

/// `GET /wiki/rest/api/search`.
pub fn search(state: &mut State, call: &Call) -> Answer {
    let found = asked(state, call, "search")?;
    let pages = found.ids.iter().filter_map(|id| state.page(*id));
    let results: Vec<Value> = pages.map(|page| result(state, call, page)).collect();
    Ok(Reply::ok(json!({
        "results": results,
        "start": 0,
        "limit": found.limit,
        "size": results.len(),
        "totalSize": found.total,
        "cqlQuery": found.cql,
        "searchDuration": 1,
        "archivedResultCount": 0,
        "_links": links(call, "search", &found),
    })))
}

fn result(state: &State, call: &Call, page: &Page) -> Value {
    let space = state.space(page.space);
    let modified = page.current().map(|version| iso_millis(version.created)).unwrap_or_default();
    let excerpt: String = page.current().map(|version| text_of(&version.body.nodes())).unwrap_or_default();
    json!({
        "content": v1_content::json_of(state, call, page, &[]),
        "title": page.title(),
        "excerpt": excerpt.chars().take(200).collect::<String>(),
        "url": wire::webui(state, page),
        "resultGlobalContainer": {
            "title": space.map_or("", |space| space.name.as_str()),
            "displayUrl": space.map_or_else(String::new, |space| format!("/spaces/{}", space.key)),
        },
        "breadcrumbs": [],
        "entityType": "content",
        "iconCssClass": "aui-icon content-type-page",
        "lastModified": modified,
        "friendlyLastModified": modified,
        "score": 0.0,
    })
}

/// `GET /wiki/rest/api/content/search`.
pub fn search_content(state: &mut State, call: &Call) -> Answer {
    let found = asked(state, call, "content/search")?;
    let expand = call.many("expand");
    let pages = found.ids.iter().filter_map(|id| state.page(*id));
    let results: Vec<Value> = pages.map(|page| v1_content::json_of(state, call, page, &expand)).collect();
    Ok(Reply::ok(json!({
        "results": results,
        "start": 0,
        "limit": found.limit,
        "size": results.len(),
        "_links": links(call, "content/search", &found),
    })))
}
