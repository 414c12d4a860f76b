//! The verdict: what the site really holds, against what was wanted and what the ledger says. Pure.
//!
//! The hub's own view counts only where it claims something about the site; what exists, and how often, the site says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    input::{PROJECTS, Wanted},
    ledger::Row,
};

/// The issue property that says whose an issue is.
const PROPERTY: &str = "haida.hub";

/// What is judged.
pub struct Case<'a> {
    pub wanted: &'a Wanted,
    /// `/_sim/state`.
    pub state: &'a Value,
    pub ledger: &'a [Row],
    /// Objects that the audit trail names as written or adopted.
    pub explained: &'a BTreeSet<String>,
    /// What people made, as [`foreign`] saw it before the faults.
    pub foreign: &'a BTreeMap<String, String>,
}

/// What is wrong, by kind; each entry names one object.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub duplicates: Vec<String>,
    pub lost: Vec<String>,
    /// The site's content is not what the ledger wants.
    pub stale: Vec<String>,
    pub links: Vec<String>,
    /// Dead letters that the site did not refuse, and refusals that are no dead letter.
    pub dead: Vec<String>,
    /// Publications that are neither published nor dead.
    pub unsettled: Vec<String>,
    /// Objects of people that were changed.
    pub foreign: Vec<String>,
    /// Objects of the hub that no line of the audit trail explains.
    pub unexplained: Vec<String>,
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// `NAPP` of `NAPP-12`.
fn project_of(key: &str) -> String {
    key.rsplit_once('-').map_or(key, |(project, _)| project).to_owned()
}

/// `[app/run/nightly-1]` of a title that ends in it.
fn bracket(title: &str) -> Option<String> {
    let at = title.rfind('[')?;
    title.ends_with(']').then(|| title.get(at..).map(str::to_owned))?
}

fn marker(issue: &Value) -> Option<&Value> {
    issue.get("properties")?.get(PROPERTY)
}

/// Whether a page holds the hidden table by which the hub knows its own.
fn is_ours(page: &Value) -> bool {
    text(page, "/body").contains("haida-hub")
}

/// What people made, with a text that changes when somebody writes to it: issues without the hub's property, and
/// pages without its table, empty homepages included.
pub fn foreign(state: &Value) -> BTreeMap<String, String> {
    let issues = list(state, "/issues").filter(|issue| marker(issue).is_none()).map(|issue| {
        let links = list(issue, "/remote_links").count();
        (text(issue, "/key").to_owned(), format!("{} {links}", text(issue, "/updated")))
    });
    let pages = list(state, "/confluence/pages").filter(|page| !is_ours(page)).map(|page| {
        let version = page.get("version").map(ToString::to_string).unwrap_or_default();
        (format!("page {}", text(page, "/id")), format!("{version} {} {}", text(page, "/title"), text(page, "/status")))
    });
    issues.chain(pages).collect()
}

/// Judges.
pub fn judge(case: &Case<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut issues: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    let mut markers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for issue in list(case.state, "/issues") {
        let Some(property) = marker(issue) else { continue };
        markers.entry(text(property, "/m")).or_default().push(text(issue, "/key"));
        let name = (project_of(text(issue, "/key")), text(property, "/external_id").to_owned());
        issues.entry(name).or_default().push(issue);
    }
    let mut pages: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for page in list(case.state, "/confluence/pages").filter(|page| is_ours(page) && text(page, "/status") == "current")
    {
        let name = bracket(text(page, "/title")).unwrap_or_else(|| text(page, "/title").to_owned());
        pages.entry((text(page, "/spaceKey").to_owned(), name)).or_default().push(page);
    }
    for (m, keys) in markers.iter().filter(|(_, keys)| keys.len() > 1) {
        verdict.duplicates.push(format!("marker {m} on {}", keys.join(", ")));
    }
    once(&case.wanted.issues, &issues, "/key", &mut verdict);
    once(&case.wanted.pages, &pages, "/id", &mut verdict);
    contents(case, &issues, &pages, &mut verdict);
    links(case, &issues, &mut verdict);
    states(case, &mut verdict);
    let now = foreign(case.state);
    for (name, before) in case.foreign {
        match now.get(name) {
            Some(after) if after == before => {}
            after => verdict.foreign.push(format!("{name}: {before} is now {}", after.map_or("gone", String::as_str))),
        }
    }
    explain(case, &issues, &pages, &mut verdict);
    verdict
}

/// Each wanted object exists exactly once, and nothing of the hub's exists that is not wanted.
fn once(
    wanted: &BTreeSet<(String, String)>,
    found: &BTreeMap<(String, String), Vec<&Value>>,
    name: &str,
    verdict: &mut Verdict,
) {
    for key in wanted.iter().filter(|key| !found.contains_key(*key)) {
        verdict.lost.push(format!("{} {}", key.0, key.1));
    }
    for ((place, id), objects) in found {
        let names: Vec<&str> = objects.iter().map(|object| text(object, name)).collect();
        let mut markers: Vec<&str> = objects.iter().filter_map(|object| Some(text(marker(object)?, "/m"))).collect();
        markers.dedup();
        if objects.len() > 1 && markers.len() == 1 {
            // Named by its marker already.
        } else if objects.len() > 1 {
            verdict.duplicates.push(format!("{place} {id}: {}", names.join(", ")));
        } else if !wanted.contains(&(place.clone(), id.clone())) {
            verdict.duplicates.push(format!("{place} {id}: {} is wanted by nobody", names.join(", ")));
        }
    }
}

/// The ledger's row of an issue or page, the object that it names, and its content.
fn contents(
    case: &Case<'_>,
    issues: &BTreeMap<(String, String), Vec<&Value>>,
    pages: &BTreeMap<(String, String), Vec<&Value>>,
    verdict: &mut Verdict,
) {
    for row in case.ledger.iter().filter(|row| row.state == "published") {
        let Some(project) = PROJECTS.iter().find(|p| p.tenant == row.tenant && p.key == row.project) else { continue };
        let at_site = match row.object.as_str() {
            "issue" => issues.get(&(project.jira.to_owned(), row.id.clone())).map(|all| {
                all.iter().any(|issue| {
                    text(issue, "/id") == row.remote_id
                        && marker(issue).is_some_and(|property| text(property, "/hash") == row.desired)
                })
            }),
            "page" => {
                let bracket = match row.kind.as_str() {
                    "project" => format!("[{}]", row.project),
                    "index" => format!("[{}/index]", row.project),
                    kind => format!("[{}/{kind}/{}]", row.project, row.id),
                };
                pages.get(&(project.space.to_owned(), bracket)).map(|all| {
                    all.iter()
                        .any(|page| text(page, "/id") == row.remote_id && text(page, "/body").contains(&row.desired))
                })
            }
            _ => continue,
        };
        match at_site {
            Some(true) => {}
            Some(false) => verdict.stale.push(format!("{} ({})", row.name(), row.remote_key)),
            None => verdict.lost.push(format!("{}: the ledger says it is published", row.name())),
        }
    }
}

fn links(case: &Case<'_>, issues: &BTreeMap<(String, String), Vec<&Value>>, verdict: &mut Verdict) {
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for ((_, id), objects) in issues {
        ids.extend(objects.iter().map(|issue| (text(issue, "/key"), id.as_str())));
    }
    let mut found: BTreeMap<(String, String, String), usize> = BTreeMap::new();
    for link in list(case.state, "/links") {
        let (one, other) = (text(link, "/source"), text(link, "/destination"));
        let name = |key: &str| ids.get(key).copied().unwrap_or(key).to_owned();
        let (mut from, mut to) = (name(one), name(other));
        // The relation reads the same both ways; the wanted ones are named by their defect first.
        if !case.wanted.links.contains(&(project_of(one), from.clone(), to.clone())) {
            std::mem::swap(&mut from, &mut to);
        }
        *found.entry((project_of(one), from, to)).or_default() += 1;
    }
    for link in case.wanted.links.iter().filter(|link| !found.contains_key(*link)) {
        verdict.links.push(format!("{} {} to {} is missing", link.0, link.1, link.2));
    }
    for (link, count) in found {
        if count > 1 || !case.wanted.links.contains(&link) {
            verdict.links.push(format!("{} {} to {} exists {count} times", link.0, link.1, link.2));
        }
    }
    for ((project, id), objects) in issues {
        let count: usize = objects.iter().map(|issue| list(issue, "/remote_links").count()).sum();
        let wanted = usize::from(case.wanted.page_links.contains(&(project.clone(), id.clone())));
        if count != wanted {
            verdict.links.push(format!("{project} {id} has {count} links to pages instead of {wanted}"));
        }
    }
}

fn states(case: &Case<'_>, verdict: &mut Verdict) {
    let mut dead = BTreeSet::new();
    for row in case.ledger {
        match row.state.as_str() {
            "published" => {}
            "dead" => {
                if !case.wanted.refused.contains(&row.name()) {
                    verdict.dead.push(format!("{} is dead: {}", row.name(), row.failure));
                }
                dead.insert(row.name());
            }
            state => verdict.unsettled.push(format!("{} {} is {state}: {}", row.name(), row.target, row.failure)),
        }
    }
    for name in case.wanted.refused.difference(&dead) {
        verdict.dead.push(format!("{name} is refused and no dead letter"));
    }
}

fn explain(
    case: &Case<'_>,
    issues: &BTreeMap<(String, String), Vec<&Value>>,
    pages: &BTreeMap<(String, String), Vec<&Value>>,
    verdict: &mut Verdict,
) {
    // A page is named by its address, which holds its id.
    let page_ids: BTreeSet<&str> = case
        .explained
        .iter()
        .filter_map(|reference| reference.split_once("/pages/").map(|(_, rest)| rest.split('/').next().unwrap_or(rest)))
        .collect();
    for issue in issues.values().flatten().filter(|issue| !case.explained.contains(text(issue, "/key"))) {
        verdict.unexplained.push(text(issue, "/key").to_owned());
    }
    for page in pages.values().flatten().filter(|page| !page_ids.contains(text(page, "/id"))) {
        verdict.unexplained.push(format!("page {} {}", text(page, "/id"), text(page, "/title")));
    }
}

#[cfg(test)]
mod tests;
