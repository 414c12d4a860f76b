//! The tables of the ledger in memory, with the very semantics of the statements in hub-store: what they change, in which
//! order they list, which CHECKs hold afterwards. `conformance` compares them with Postgres, operation by operation.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use hub_domain::{
    EntityKind, Moment,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{
    Claim, Failure, FailureState, KeyScan, KeysRead, LedgerRow, OpenCreate, PublicationState, Published, Recorded,
    Recovery, Stray, Wanted,
};

/// A broken constraint: Postgres would refuse the statement and undo the transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// The key in the order of the table's primary key: by texts.
type Position = (&'static str, &'static str, String, &'static str, String);

fn position(key: &PublicationKey) -> Position {
    let target = key.target.as_ref();
    (
        key.object.as_str(),
        key.entity.kind.as_str(),
        key.entity.external_id.as_str().to_owned(),
        target.map_or("", |t| t.kind.as_str()),
        target.map_or_else(String::new, |t| t.external_id.as_str().to_owned()),
    )
}

/// A row of which nothing is known.
fn blank(key: &PublicationKey, now: Moment) -> LedgerRow {
    LedgerRow {
        key: key.clone(),
        rank: 0,
        desired_hash: None,
        published_hash: None,
        remote_id: None,
        remote_key: None,
        remote_version: None,
        remote_labels: None,
        remote_parent: None,
        state: PublicationState::Pending,
        attempts: 0,
        fence: 0,
        next_attempt_at: None,
        sent_at: None,
        lowest_key: None,
        error_code: None,
        error_message: None,
        remote_status: None,
        published_at: None,
        updated_at: now,
    }
}

/// A loss of commits that holds creates, or held them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holding {
    began_at: Moment,
    done_at: Option<Moment>,
    floor: u64,
}

/// One project's part of the database. A clone of it is a backup.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    rows: BTreeMap<Position, LedgerRow>,
    last_fence: i64,
    holdings: Vec<Holding>,
    /// The timeline that the database names as its own.
    known_timeline: Option<i64>,
    scan: Option<KeyScan>,
    jira_project: String,
}

impl Rows {
    pub fn new(jira_project: &str) -> Self {
        Self { jira_project: jira_project.to_owned(), ..Self::default() }
    }

    /// Every row, in the order of keys.
    pub fn all(&self) -> impl Iterator<Item = &LedgerRow> {
        self.rows.values()
    }

    fn row(&mut self, key: &PublicationKey) -> Option<&mut LedgerRow> {
        self.rows.get_mut(&position(key))
    }

    /// `hub_private.check_server`, and then whether the project's creates are held.
    pub fn recovery(&mut self, timeline: i64, went_back: bool, now: Moment) -> Option<Recovery> {
        let known = *self.known_timeline.get_or_insert(timeline);
        if known != timeline || went_back {
            self.known_timeline = Some(timeline);
            let highest = self.highest_key().unwrap_or(0);
            match self.holdings.iter_mut().find(|holding| holding.done_at.is_none()) {
                Some(open) => (open.began_at, open.floor) = (now, open.floor.min(highest)),
                None => self.holdings.push(Holding { began_at: now, done_at: None, floor: highest }),
            }
            self.last_fence += 1_000_001;
        }
        let open = self.holdings.iter().find(|holding| holding.done_at.is_none())?;
        let age = Duration::try_from(now - open.began_at).unwrap_or_default();
        Some(Recovery { began_at: open.began_at, age, floor: open.floor })
    }

    pub fn recovered(&mut self, recovery: &Recovery, now: Moment) -> bool {
        let open = self.holdings.iter_mut().find(|h| h.done_at.is_none() && h.began_at == recovery.began_at);
        open.map(|holding| holding.done_at = Some(now)).is_some()
    }

    pub fn take_in(&mut self, strays: &[Stray], now: Moment) -> u64 {
        let mut taken = 0;
        for stray in strays {
            let is_there = |row: &LedgerRow| {
                row.key == stray.key
                    || (row.key.object == stray.key.object && row.remote_id.as_ref() == Some(&stray.remote_id))
            };
            if self.rows.values().any(is_there) {
                continue;
            }
            let row = LedgerRow {
                desired_hash: Some(stray.hash),
                published_hash: Some(stray.hash),
                remote_id: Some(stray.remote_id.clone()),
                remote_key: Some(stray.remote_key.clone()),
                remote_labels: Some(stray.labels.clone()),
                state: PublicationState::Published,
                published_at: Some(now),
                ..blank(&stray.key, now)
            };
            self.rows.insert(position(&stray.key), row);
            taken += 1;
        }
        taken
    }

    pub fn want(&mut self, wanted: &[Wanted], now: Moment) -> Result<u64, Violation> {
        let mut seen = HashSet::new();
        let mut changed = 0;
        for Wanted { key, rank, desired_hash } in wanted.iter().rev() {
            if !seen.insert(key) {
                continue;
            }
            let Some(row) = self.row(key) else {
                if desired_hash.is_some() {
                    let row = LedgerRow { rank: *rank, desired_hash: *desired_hash, ..blank(key, now) };
                    self.rows.insert(position(key), row);
                    changed += 1;
                }
                continue;
            };
            if row.desired_hash == *desired_hash && row.rank == *rank {
                continue;
            }
            row.rank = *rank;
            row.updated_at = now;
            if row.desired_hash != *desired_hash {
                row.desired_hash = *desired_hash;
                row.attempts = 0;
                row.next_attempt_at = None;
                if !is_open(row) {
                    row.state = settled(row);
                    clear_error(row);
                }
            }
            check(row)?;
            changed += 1;
        }
        Ok(changed)
    }

    pub fn due(
        &self,
        object: ObjectKind,
        entities: &[EntityKind],
        exists: Option<bool>,
        limit: usize,
        now: Moment,
    ) -> Vec<LedgerRow> {
        let is_due = |row: &&LedgerRow| {
            row.key.object == object
                && (row.state == PublicationState::Pending
                    || row.state == PublicationState::Waiting && row.next_attempt_at.is_some_and(|at| at <= now))
                && (entities.is_empty() || entities.contains(&row.key.entity.kind))
                && exists.is_none_or(|exists| exists == row.remote_id.is_some())
        };
        self.by_rank(is_due).into_iter().take(limit).cloned().collect()
    }

    /// Rows in the order of publishing. The map has the rest of that order.
    fn by_rank(&self, which: impl FnMut(&&LedgerRow) -> bool) -> Vec<&LedgerRow> {
        let mut rows: Vec<&LedgerRow> = self.rows.values().filter(which).collect();
        rows.sort_by_key(|row| row.rank);
        rows
    }

    pub fn by_keys(&self, keys: &[PublicationKey]) -> Vec<LedgerRow> {
        keys.iter().filter_map(|key| self.rows.get(&position(key))).cloned().collect()
    }

    /// Begins a search for lost creates, where none began within `spacing`.
    pub fn claim_scan(&mut self, spacing: Duration, now: Moment) -> Option<KeyScan> {
        match &mut self.scan {
            Some(scan) if scan.began_at > now - spacing => return None,
            Some(scan) => scan.began_at = now,
            None => self.scan = Some(KeyScan { began_at: now, read: KeysRead::default() }),
        }
        self.scan.clone()
    }

    pub fn keep_scan(&mut self, scan: &KeyScan) -> bool {
        let kept = self.scan.as_mut().filter(|kept| kept.began_at == scan.began_at);
        kept.map(|kept| kept.read = scan.read.clone()).is_some()
    }

    pub fn highest_key(&self) -> Option<u64> {
        let issues = self.rows.values().filter(|row| row.key.object == ObjectKind::Issue);
        let keys = issues.filter_map(|row| row.remote_key.as_deref()?.strip_prefix(&self.jira_project));
        keys.filter_map(|rest| rest.strip_prefix('-')?.parse().ok()).max()
    }

    pub fn open_creates(
        &mut self,
        object: ObjectKind,
        sent_since: Duration,
        now: Moment,
    ) -> Result<Vec<OpenCreate>, Violation> {
        self.expire(object, sent_since, now)?;
        let is_open_create = |row: &&LedgerRow| {
            row.key.object == object && row.state == PublicationState::Uncertain && row.remote_id.is_none()
        };
        let open = self.by_rank(is_open_create).into_iter().map(|row| {
            let age = row.sent_at.and_then(|at| Duration::try_from(now - at).ok()).unwrap_or_default();
            OpenCreate { row: row.clone(), age }
        });
        Ok(open.collect())
    }

    pub fn lost_changes(
        &mut self,
        object: ObjectKind,
        sent_since: Duration,
        now: Moment,
    ) -> Result<Vec<LedgerRow>, Violation> {
        self.expire(object, sent_since, now)?;
        let is_lost = |row: &&LedgerRow| {
            row.key.object == object
                && row.state == PublicationState::Uncertain
                && (object != ObjectKind::Issue || row.remote_id.is_some())
        };
        Ok(self.by_rank(is_lost).into_iter().cloned().collect())
    }

    fn expire(&mut self, object: ObjectKind, sent_since: Duration, now: Moment) -> Result<(), Violation> {
        for row in self.rows.values_mut().filter(|row| row.key.object == object) {
            if row.state == PublicationState::Sending && row.sent_at.is_some_and(|at| at <= now - sent_since) {
                row.state = PublicationState::Uncertain;
                row.attempts += 1;
                row.error_code = Some("HUB-2007".to_owned());
                row.error_message = Some("the hub ended before the answer came".to_owned());
                if row.remote_id.is_some() {
                    row.published_hash = Some(LedgerRow::UNKNOWN_CONTENT);
                }
                row.updated_at = now;
                check(row)?;
            }
        }
        Ok(())
    }

    pub fn release(&mut self, absent: &[(PublicationKey, i64)], now: Moment) -> Result<u64, Violation> {
        let mut released = 0;
        for (key, fence) in absent {
            let Some(row) = self.row(key) else { continue };
            if row.fence != *fence || row.state != PublicationState::Uncertain {
                continue;
            }
            row.state = settled(row);
            row.sent_at = None;
            row.lowest_key = None;
            clear_error(row);
            row.updated_at = now;
            check(row)?;
            released += 1;
        }
        Ok(released)
    }

    /// Announces sends: with `creates`, of what does not exist only.
    pub fn mark(
        &mut self,
        keys: &[PublicationKey],
        lowest_key: Option<u64>,
        creates: bool,
        now: Moment,
    ) -> Result<Claim, Violation> {
        self.last_fence += 1;
        let mut claim = Claim { fence: self.last_fence, keys: Vec::new() };
        for key in keys {
            let fence = claim.fence;
            let Some(row) = self.row(key) else { continue };
            let is_due = matches!(row.state, PublicationState::Pending | PublicationState::Waiting);
            if !is_due || (creates && row.remote_id.is_some()) {
                continue;
            }
            row.state = PublicationState::Sending;
            row.fence = fence;
            row.sent_at = Some(now);
            row.lowest_key = lowest_key;
            row.next_attempt_at = None;
            row.updated_at = now;
            check(row)?;
            claim.keys.push(key.clone());
        }
        Ok(claim)
    }

    pub fn record_published(&mut self, published: &[Published], now: Moment) -> Result<Recorded, Violation> {
        let mut recorded = Recorded::default();
        for p in published {
            let Some(row) = self.row(&p.key).filter(|row| row.fence == p.fence) else {
                recorded.stale.push(p.key.clone());
                continue;
            };
            row.published_hash = p.hash;
            merge(&mut row.remote_id, &p.remote_id);
            merge(&mut row.remote_key, &p.remote_key);
            merge(&mut row.remote_version, &p.remote_version);
            merge(&mut row.remote_labels, &p.labels);
            merge(&mut row.remote_parent, &p.remote_parent);
            row.state = settled(row);
            row.attempts = 0;
            row.next_attempt_at = None;
            row.sent_at = None;
            row.lowest_key = None;
            clear_error(row);
            row.published_at = Some(now);
            row.updated_at = now;
            check(row)?;
            recorded.recorded += 1;
        }
        self.remote_ids_are_unique()?;
        Ok(recorded)
    }

    pub fn record_failure(&mut self, failures: &[Failure], now: Moment) -> Result<Recorded, Violation> {
        let mut recorded = Recorded::default();
        for f in failures {
            let accepts = |row: &LedgerRow| {
                row.fence == f.fence
                    && row.state != PublicationState::Published
                    && (f.state != FailureState::Uncertain || is_open(row))
            };
            let Some(row) = self.row(&f.key).filter(|row| accepts(row)) else {
                recorded.stale.push(f.key.clone());
                continue;
            };
            let differs = row.desired_hash != row.published_hash;
            (row.state, row.next_attempt_at) = match f.state {
                FailureState::Uncertain => (PublicationState::Uncertain, None),
                FailureState::Waiting { .. } | FailureState::Dead if !differs => (PublicationState::Published, None),
                FailureState::Waiting { delay } => (PublicationState::Waiting, Some(now + delay)),
                FailureState::Dead => (PublicationState::Dead, None),
            };
            if f.state == FailureState::Uncertain {
                if row.remote_id.is_some() {
                    row.published_hash = Some(LedgerRow::UNKNOWN_CONTENT);
                }
            } else {
                row.sent_at = None;
                row.lowest_key = None;
            }
            row.attempts += u32::from(f.spends_attempt);
            row.error_code = Some(f.code.id.to_owned());
            row.error_message = Some(f.message.chars().take(2_000).collect());
            row.remote_status = f.remote_status;
            if let Some(remote) = &f.remote {
                row.remote_id = Some(remote.id.clone());
                merge(&mut row.remote_key, &remote.key);
                merge(&mut row.remote_version, &remote.version);
                merge(&mut row.remote_parent, &remote.parent);
            }
            row.updated_at = now;
            check(row)?;
            recorded.recorded += 1;
        }
        self.remote_ids_are_unique()?;
        Ok(recorded)
    }

    /// Makes dead letters due again, of the codes that `which` takes.
    pub fn revive(&mut self, which: impl Fn(&LedgerRow) -> bool, now: Moment) -> Result<u64, Violation> {
        let mut revived = 0;
        for row in self.rows.values_mut().filter(|row| row.state == PublicationState::Dead) {
            if which(row) {
                row.attempts = 0;
                clear_error(row);
                row.state = settled(row);
                row.updated_at = now;
                check(row)?;
                revived += 1;
            }
        }
        Ok(revived)
    }

    /// The unique index `publication_remote`.
    fn remote_ids_are_unique(&self) -> Result<(), Violation> {
        let mut seen = HashSet::new();
        for row in self.rows.values() {
            if let (ObjectKind::Issue | ObjectKind::Page, Some(id)) = (row.key.object, &row.remote_id)
                && !seen.insert((row.key.object, id))
            {
                return Err(Violation(format!("publication_remote: {id} belongs to two, one is {}", row.key)));
            }
        }
        Ok(())
    }
}

fn is_open(row: &LedgerRow) -> bool {
    matches!(row.state, PublicationState::Sending | PublicationState::Uncertain)
}

/// The state of a row that nothing is known against.
fn settled(row: &LedgerRow) -> PublicationState {
    if row.desired_hash == row.published_hash { PublicationState::Published } else { PublicationState::Pending }
}

fn clear_error(row: &mut LedgerRow) {
    row.error_code = None;
    row.error_message = None;
    row.remote_status = None;
}

fn merge<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
    if new.is_some() {
        old.clone_from(new);
    }
}

/// The CHECKs of the table.
fn check(row: &LedgerRow) -> Result<(), Violation> {
    let differs = row.desired_hash != row.published_hash;
    let is_link = matches!(row.key.object, ObjectKind::IssueLink | ObjectKind::RemoteLink);
    let fails = matches!(row.state, PublicationState::Waiting | PublicationState::Uncertain | PublicationState::Dead);
    let is_due = matches!(row.state, PublicationState::Pending | PublicationState::Waiting);
    let broken = [
        ("publication_target", is_link != row.key.target.is_some()),
        ("publication_published", row.state == PublicationState::Published && differs),
        ("publication_due", is_due && !differs),
        ("publication_sent", is_open(row) != row.sent_at.is_some()),
        ("publication_fenced", is_open(row) && row.fence <= 0),
        ("publication_waits", (row.state == PublicationState::Waiting) != row.next_attempt_at.is_some()),
        ("publication_failed", fails && row.error_code.is_none()),
        ("publication_identified", row.published_hash.is_some() && row.remote_id.is_none() && !is_link),
        ("remote_id", row.remote_id.as_deref() == Some("")),
    ];
    match broken.iter().find(|(_, is_broken)| *is_broken) {
        Some((name, _)) => Err(Violation(format!("{name}: {row:?}"))),
        None => Ok(()),
    }
}
