//! The search for lost creates by their keys: what was read once is not read again, but for keys that were empty, in which
//! an issue may still appear. Whatever carries a marker of ours is handed over, whether anybody waits for it or not, so
//! that a key that was read has nothing left to tell.

use std::{collections::HashSet, time::Duration};

use hub_destination::Outcome;
use hub_domain::{
    EntityKind, ExternalId, IssueKey, Moment,
    entity::Identity,
    facts::{Destination, ObjectKind, PublicationKey},
};
use hub_jira::{Found, Jira};
use hub_store::{KeyGap, KeysRead};

use super::{Context, issues::marker};

/// The kinds of entities that have issues.
const KINDS: [EntityKind; 3] = [EntityKind::TestCase, EntityKind::Run, EntityKind::Defect];

/// How thorough a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// It looks for what is there, to adopt it.
    Glance,
    /// It also proves that what it does not find is not there.
    Proof,
}

/// Reads what is not known yet of the keys above `lowest`. `settled` is how long an issue may take to appear in an empty
/// key.
///
/// # Errors
/// The [`Outcome`] of a read that failed: the search then proves nothing.
pub async fn read(
    jira: &Jira<'_>,
    read: &KeysRead,
    lowest: u64,
    search: Search,
    began_at: Moment,
    settled: Duration,
) -> Result<(Vec<Found>, KeysRead), Outcome> {
    let missing = to_read(read, lowest);
    let mut found = jira.numbered(&missing.again).await?;
    found.extend(match search {
        Search::Glance => jira.glance_above(missing.above).await?,
        Search::Proof => jira.scan_above(missing.above).await?,
    });
    let read = after(read, lowest, &missing, &found, began_at, settled);
    Ok((found, read))
}

/// What a search has to read.
#[derive(Debug, Default, PartialEq, Eq)]
struct ToRead {
    /// Single keys: the gaps, and those below what was read before.
    again: Vec<u64>,
    /// Every key above this one.
    above: u64,
}

fn to_read(read: &KeysRead, lowest: u64) -> ToRead {
    // Nothing is known of the keys between what was read and what is asked for: begin anew.
    if lowest > read.upto || read.upto == read.from {
        return ToRead { again: Vec::new(), above: lowest };
    }
    let mut again: Vec<u64> = (lowest + 1..=read.from).collect();
    again.extend(read.gaps.iter().map(|gap| gap.number));
    ToRead { again, above: read.upto }
}

fn after(
    before: &KeysRead,
    lowest: u64,
    missing: &ToRead,
    found: &[Found],
    began_at: Moment,
    settled: Duration,
) -> KeysRead {
    let held: HashSet<u64> = found.iter().filter_map(number).collect();
    let upto = held.iter().copied().max().unwrap_or(0).max(missing.above);
    let from = if missing.above == before.upto { before.from.min(lowest) } else { lowest };
    let now = began_at.unix_timestamp();
    let since = |number: u64| {
        let known = before.gaps.iter().find(|gap| gap.number == number);
        known.map_or(now, |gap| gap.since)
    };
    let settled = i64::try_from(settled.as_secs()).unwrap_or(i64::MAX);
    let gaps = missing
        .again
        .iter()
        .copied()
        .chain(missing.above + 1..=upto)
        .filter(|number| !held.contains(number))
        .map(|number| KeyGap { number, since: since(number) })
        .filter(|gap| now - gap.since <= settled)
        .collect();
    KeysRead { from, upto, gaps }
}

fn number(issue: &Found) -> Option<u64> {
    IssueKey::new(&issue.key).ok().map(|key| key.number())
}

/// The publication whose marker an issue carries, where it is one of this project.
pub fn ours(context: &Context<'_>, found: &Found) -> Option<PublicationKey> {
    let id = ExternalId::new(found.external_id.as_deref()?).ok()?;
    let carried = found.marker.as_deref()?;
    KINDS
        .into_iter()
        .map(|kind| PublicationKey {
            object: ObjectKind::Issue,
            entity: Identity { kind, external_id: id.clone() },
            target: None,
        })
        .find(|key| marker(context, Destination::Jira, key).as_str() == carried)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: Moment = datetime!(2026-11-24 12:00 UTC);
    const D: Duration = Duration::from_secs(120);

    fn issue(number: u64) -> Found {
        Found {
            id: number.to_string(),
            key: format!("CTB-{number}"),
            marker: None,
            hash: None,
            external_id: None,
            labels: Vec::new(),
        }
    }

    fn gap(number: u64, since: i64) -> KeyGap {
        KeyGap { number, since }
    }

    #[test]
    fn the_first_search_reads_everything_above_and_remembers_the_holes() {
        let nothing = KeysRead::default();
        let missing = to_read(&nothing, 10);
        assert_eq!(missing, ToRead { again: vec![], above: 10 });
        let read = after(&nothing, 10, &missing, &[issue(11), issue(14)], NOW, D);
        let now = NOW.unix_timestamp();
        assert_eq!(read, KeysRead { from: 10, upto: 14, gaps: vec![gap(12, now), gap(13, now)] });
    }

    #[test]
    fn the_next_one_reads_the_holes_and_what_is_new_until_nothing_can_appear_in_a_hole() {
        let now = NOW.unix_timestamp();
        let before = KeysRead { from: 10, upto: 14, gaps: vec![gap(12, now - 121), gap(13, now - 60)] };
        let missing = to_read(&before, 12);
        assert_eq!(missing, ToRead { again: vec![12, 13], above: 14 });
        let read = after(&before, 12, &missing, &[issue(16)], NOW, D);
        assert_eq!(read, KeysRead { from: 10, upto: 16, gaps: vec![gap(13, now - 60), gap(15, now)] });
        // An issue appeared in a hole: there is no hole any more.
        let read = after(&before, 12, &missing, &[issue(13), issue(15)], NOW, D);
        assert_eq!(read, KeysRead { from: 10, upto: 15, gaps: vec![] });
    }

    #[test]
    fn an_older_create_that_turns_up_late_has_the_keys_below_read_too() {
        let before = KeysRead { from: 10, upto: 14, gaps: vec![] };
        let missing = to_read(&before, 7);
        assert_eq!(missing, ToRead { again: vec![8, 9, 10], above: 14 });
        let read = after(&before, 7, &missing, &[issue(9)], NOW, D);
        let now = NOW.unix_timestamp();
        assert_eq!(read, KeysRead { from: 7, upto: 14, gaps: vec![gap(8, now), gap(10, now)] });
    }

    #[test]
    fn what_lies_between_was_never_read_and_makes_a_new_beginning() {
        let before = KeysRead { from: 10, upto: 14, gaps: vec![gap(12, 0)] };
        let missing = to_read(&before, 50);
        assert_eq!(missing, ToRead { again: vec![], above: 50 });
        assert_eq!(after(&before, 50, &missing, &[], NOW, D), KeysRead { from: 50, upto: 50, gaps: vec![] });
    }
}
