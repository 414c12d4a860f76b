//! What must hold when a world has come to rest, judged by the site's own records.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use hub_domain::{
    Marker, codes,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{LedgerRow, PublicationState};

use super::{
    hub::{self, Surroundings},
    memory_ledger::State,
    process::{Event, Process},
    site::{Deed, Products},
};
use crate::publish::Session;

/// Whether a row needs nothing more by itself: a link of a refused issue waits for a person.
pub fn is_settled(row: &LedgerRow) -> bool {
    match row.state {
        PublicationState::Published | PublicationState::Dead => true,
        PublicationState::Waiting => row.error_code.as_deref() == Some(codes::WAITS_FOR_PARENT.id),
        PublicationState::Pending | PublicationState::Sending | PublicationState::Uncertain => false,
    }
}

/// Whether every row is settled and nothing is on its way.
pub fn is_at_rest(surroundings: &Surroundings) -> bool {
    if surroundings.site.products().calls.in_flight > 0 {
        return false;
    }
    let now = surroundings.database.now();
    let mut state = surroundings.database.state();
    let dead: HashSet<_> =
        state.rows.all().filter(|r| r.state == PublicationState::Dead).map(|r| r.key.entity.clone()).collect();
    let waits_for_dead = |row: &LedgerRow| {
        dead.contains(&row.key.entity) || row.key.target.as_ref().is_some_and(|target| dead.contains(target))
    };
    let settled =
        state.rows.all().all(|r| is_settled(r) && (r.state != PublicationState::Waiting || waits_for_dead(r)));
    settled && !state.is_held(now)
}

/// Revives what was given up because of faults and not because it was refused. Returns how many.
pub fn revive_exhausted(surroundings: &Surroundings) -> u64 {
    let now = surroundings.database.now();
    let mut state = surroundings.database.state();
    let State { rows, truth, .. } = &mut *state;
    rows.revive(|row| !truth.is_refused(&row.key), now).unwrap()
}

fn marker(surroundings: &Surroundings, key: &PublicationKey) -> String {
    let project = &surroundings.project;
    let entity = &key.entity;
    let destination = key.object.destination();
    Marker::of(&project.tenant_slug, &project.key, destination, entity.kind, &entity.external_id).as_str().to_owned()
}

/// I1: no marker on two live objects.
pub fn no_duplicates(surroundings: &Surroundings, broken: &mut Vec<String>) {
    let products = surroundings.site.products();
    let mut issues: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for issue in products.jira.by_id.values() {
        if let Some(marker) = &issue.marker {
            issues.entry(marker).or_default().push(issue.number);
        }
    }
    for (marker, numbers) in issues.iter().filter(|(_, numbers)| numbers.len() > 1) {
        broken.push(format!("duplicate: issues {numbers:?} carry {marker}"));
    }
}

/// Checks everything. Returns how many contents an older write has overtaken.
pub fn check(surroundings: &Surroundings, lives: &[Process], broken: &mut Vec<String>) -> u64 {
    no_duplicates(surroundings, broken);
    let mut overtaken = 0;
    let products = surroundings.site.products();
    let state = surroundings.database.state();
    broken.extend(state.violations.iter().map(|what| format!("refused by Postgres: {what}")));
    let rows: HashMap<&PublicationKey, &LedgerRow> = state.rows.all().map(|row| (&row.key, row)).collect();
    let issues: HashMap<&str, u64> =
        products.jira.by_id.iter().filter_map(|(id, issue)| Some((issue.marker.as_deref()?, *id))).collect();
    for (key, hash) in state.truth.all() {
        let Some(row) = rows.get(key) else {
            broken.push(format!("{key} is wanted and has no row"));
            continue;
        };
        // I8: given up is what is refused, and what waits for it.
        let refused = state.truth.is_refused(key);
        if refused != (row.state == PublicationState::Dead) {
            broken.push(format!("{key} is {:?}, refused: {refused}, {:?}", row.state, row.error_message));
        }
        if row.state != PublicationState::Published {
            continue;
        }
        let own = marker(surroundings, key);
        match key.object {
            ObjectKind::Issue => {
                let Some(id) = issues.get(own.as_str()) else {
                    broken.push(format!("lost: {key} has no issue"));
                    continue;
                };
                if row.remote_id.as_deref() != Some(id.to_string().as_str()) {
                    broken.push(format!("{key} is issue {id}, the ledger says {:?}", row.remote_id));
                }
                let hashes = &products.jira.by_id[id].hashes;
                if hashes.last() != Some(&hash.to_hex()) {
                    // Jira's writes have no version: one that was held up may land on a newer one.
                    if hashes.contains(&hash.to_hex()) {
                        overtaken += 1;
                    } else {
                        broken.push(format!("{key} was never given its content"));
                    }
                }
            }
            ObjectKind::Page => {
                let pages: Vec<_> = products.confluence.by_id.values().filter(|p| p.body.contains(&own)).collect();
                match pages.as_slice() {
                    [page] if page.body.contains(&hash.to_hex()) => {
                        if page.labels.is_empty() {
                            broken.push(format!("{key} has no labels"));
                        }
                    }
                    [_] => broken.push(format!("{key} has another content")),
                    many => broken.push(format!("{key} has {} pages", many.len())),
                }
            }
            ObjectKind::IssueLink | ObjectKind::RemoteLink => link(surroundings, &products, key, &issues, broken),
        }
    }
    audited(&products, &state.witness, lives, broken);
    overtaken
}

fn link(
    surroundings: &Surroundings,
    products: &Products,
    key: &PublicationKey,
    issues: &HashMap<&str, u64>,
    broken: &mut Vec<String>,
) {
    let end = |entity: &hub_domain::entity::Identity| {
        let key = PublicationKey { object: ObjectKind::Issue, entity: entity.clone(), target: None };
        let id = *issues.get(marker(surroundings, &key).as_str())?;
        Some((id, products.jira.by_id[&id].number))
    };
    let exists = match (key.object, end(&key.entity), key.target.as_ref().and_then(end)) {
        (ObjectKind::IssueLink, Some((_, from)), Some((_, to))) => products.jira.links.contains(&(from, to)),
        (ObjectKind::RemoteLink, Some((id, _)), _) => products.jira.remote_links.keys().any(|(issue, _)| *issue == id),
        _ => false,
    };
    if !exists {
        broken.push(format!("lost: {key} does not exist"));
    }
}

/// I5: every write that had an effect is in the trail, or its process ended before it could record the answer.
fn audited(products: &Products, trail: &[hub_store::AuditRow], lives: &[Process], broken: &mut Vec<String>) {
    let told: HashSet<(ObjectKind, String, Option<String>)> = trail
        .iter()
        .filter_map(|line| {
            let external_id = line.entity.as_ref()?.external_id.as_str().to_owned();
            Some((line.object?, external_id, line.after.map(|hash| hash.to_hex())))
        })
        .collect();
    let mut excused = HashSet::new();
    for events in lives.iter().map(Process::events) {
        let mut open = Vec::new();
        for event in events {
            match event {
                Event::Wrote(call) => open.push(call),
                Event::Recorded => open.clear(),
                Event::Broke => excused.extend(open.drain(..)),
            }
        }
        // Killed at the end of the world, or the write of a process that is still at it.
        excused.extend(open);
    }
    for (call, deed) in &products.deeds {
        let Deed::Issue { id, hash } = deed else { continue };
        let issue = &products.jira.by_id[id];
        let Some(external_id) = &issue.external_id else { continue };
        let line = (ObjectKind::Issue, external_id.clone(), Some(hash.clone()));
        if !told.contains(&line) && !excused.contains(call) {
            broken.push(format!("the write {call} of {external_id} is not in the audit trail"));
        }
    }
}

/// I9: another round finds nothing to do and makes no call.
pub async fn another_round_is_silent(surroundings: &Arc<Surroundings>, broken: &mut Vec<String>) {
    let before = surroundings.site.products().calls.all;
    let context = hub::context(surroundings, Process::default());
    for _ in 0..2 {
        if let Err(error) = hub::round(&context, &mut Session::new()).await {
            broken.push(format!("another round fails: {error}"));
        }
    }
    let calls = surroundings.site.products().calls.all - before;
    if calls > 0 {
        broken.push(format!("another round made {calls} calls"));
    }
}
