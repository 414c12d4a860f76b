//! The database of a simulated project, and a hub's connection to it. Every question takes time on its way there and back,
//! so a process can be stopped or killed before its commit and between the commit and the answer.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use hub_domain::{
    Moment,
    facts::{ObjectKind, PublicationKey},
};
use hub_store::{
    AuditRow, Claim, KeyScan, LedgerRow, OpenCreate, Recorded, Recovery, RemoteRef, StoreError, Stray, Wanted,
};
use tokio::time::{Instant, sleep};

use super::{
    process::{Event, Process},
    random::Random,
    rows::{Rows, Violation},
    trace::trace,
    truth::Truth,
};
use crate::{
    AppError,
    plan::Due,
    publish::{
        Share,
        ledger::{Announcement, Ledger, Recording, Reply},
    },
};

/// What goes wrong at the database, each in so many of a thousand cases.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatabaseFaults {
    /// The connection breaks before the commit.
    pub lost_before: u64,
    /// The connection breaks after it.
    pub lost_after: u64,
    /// The process is stopped for long just after it has announced creates.
    pub stop_after_announcement: u64,
}

/// The database.
pub struct Database {
    state: Mutex<State>,
    began: Instant,
    random: Random,
}

/// What the database is and holds.
pub struct State {
    pub rows: Rows,
    /// Kept apart from what a restore brings back, as reports that are read again are.
    pub truth: Truth,
    timeline: i64,
    backup: Option<Rows>,
    down_until: Option<Instant>,
    pub faults: DatabaseFaults,
    /// Every line of the audit trail that was ever committed, also those that a restore lost.
    pub witness: Vec<AuditRow>,
    /// Statements that Postgres would have refused.
    pub violations: Vec<String>,
}

impl Database {
    pub fn new(truth: Truth, faults: DatabaseFaults, random: Random) -> Arc<Self> {
        let mut rows = Rows::new("CTB");
        rows.want(&truth.wanted(), START).unwrap();
        // The migration's last statement: from here on every backup names its server.
        rows.recovery(1, false, START);
        let state = State {
            rows,
            truth,
            timeline: 1,
            backup: None,
            down_until: None,
            faults,
            witness: Vec::new(),
            violations: Vec::new(),
        };
        Arc::new(Self { state: Mutex::new(state), began: Instant::now(), random })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The database's clock.
    pub fn now(&self) -> Moment {
        START + self.began.elapsed()
    }

    /// Changes the truth and tells the ledger of all of it, as an import does.
    pub fn import(&self, change: impl FnOnce(&mut Truth)) {
        let now = self.now();
        let mut state = self.state();
        change(&mut state.truth);
        let wanted: Vec<Wanted> = state.truth.wanted();
        state.rows.want(&wanted, now).unwrap();
    }

    /// Keeps what is committed now, for [`Database::restore`].
    pub fn back_up(&self) {
        let mut state = self.state();
        state.backup = Some(state.rows.clone());
    }

    /// Loses every commit since the backup. Postgres then is on another timeline.
    pub fn restore(&self) {
        let mut state = self.state();
        if let Some(backup) = state.backup.take() {
            state.rows = backup;
            state.timeline += 1;
        }
    }

    /// The faults end.
    pub fn mend(&self) {
        let mut state = self.state();
        state.faults = DatabaseFaults::default();
        state.down_until = None;
    }

    pub fn go_down(&self, length: Duration) {
        self.state().down_until = Some(Instant::now() + length);
    }
}

impl State {
    /// Whether creates are held.
    pub fn is_held(&mut self, now: Moment) -> bool {
        let timeline = self.timeline;
        self.rows.recovery(timeline, false, now).is_some()
    }
}

/// The first moment of every simulation, by the database's clock.
pub const START: Moment = Moment::UNIX_EPOCH;

/// A hub's connection.
pub struct MemoryLedger {
    pub database: Arc<Database>,
    pub process: Process,
    /// Off where a simulation shows what recovery mode prevents.
    pub notices_restores: bool,
}

impl MemoryLedger {
    /// One transaction. `changes` ones also take time to answer.
    async fn ask<T>(
        &self,
        changes: bool,
        question: impl FnOnce(&mut State, Moment) -> Result<T, Violation>,
    ) -> Result<T, AppError> {
        let random = &self.database.random;
        sleep(random.millis(1, 4)).await;
        let (answer, faults) = {
            let now = self.database.now();
            let mut state = self.database.state();
            let faults = state.faults;
            let is_down = state.down_until.is_some_and(|until| Instant::now() < until);
            if is_down || random.chance(faults.lost_before) {
                return Err(lost());
            }
            let answer = question(&mut state, now);
            if let Err(Violation(what)) = &answer {
                state.violations.push(what.clone());
            }
            (answer, faults)
        };
        if changes {
            sleep(random.millis(1, 4)).await;
            if random.chance(faults.lost_after) {
                return Err(lost());
            }
        }
        answer.map_err(|_| lost())
    }

    fn recovery_of(&self, state: &mut State, now: Moment) -> Option<Recovery> {
        let timeline = state.timeline;
        let held = state.rows.recovery(timeline, false, now);
        held.filter(|_| self.notices_restores)
    }
}

fn names(keys: &[PublicationKey]) -> String {
    keys.iter().map(|key| key.entity.external_id.as_str()).collect::<Vec<_>>().join(" ")
}

fn told(recording: &Recording, recorded: &Recorded) -> String {
    let published = recording.published.iter().map(|p| format!("{}@{}={:?}", p.key, p.fence, p.remote_key));
    let failures = recording.failures.iter().map(|f| format!("{}@{} {:?} {}", f.key, f.fence, f.state, f.message));
    format!("recorded {:#?} stale {:?}", published.chain(failures).collect::<Vec<_>>(), names(&recorded.stale))
}

fn lost() -> AppError {
    AppError::Store(StoreError::Aborted)
}

impl Ledger for MemoryLedger {
    fn now(&self) -> Reply<'_, Moment> {
        Box::pin(self.ask(false, |_, now| Ok(now)))
    }

    fn due(&self, share: Share, exists: Option<bool>, limit: usize, now: Moment) -> Reply<'_, Vec<LedgerRow>> {
        Box::pin(self.ask(false, move |state, _| Ok(state.rows.due(share.object, share.entities, exists, limit, now))))
    }

    fn current(&self, rows: Vec<LedgerRow>) -> Reply<'_, Vec<Due>> {
        // As `plan::current` does it with the tables.
        Box::pin(self.ask(false, move |state, now| {
            let (mut wanted, mut current) = (Vec::new(), Vec::new());
            for mut row in rows {
                let desired = state.truth.of(&row.key).cloned();
                let goal = desired.as_ref().map(|(_, hash)| *hash).or(row.published_hash);
                if goal != row.desired_hash {
                    wanted.push(Wanted { key: row.key.clone(), rank: row.rank, desired_hash: goal });
                    row.desired_hash = goal;
                    row.attempts = 0;
                }
                if let Some((desired, hash)) = desired
                    && goal != row.published_hash
                {
                    current.push(Due { row, desired, hash });
                }
            }
            state.rows.want(&wanted, now)?;
            Ok(current)
        }))
    }

    fn remote<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Vec<RemoteRef>> {
        Box::pin(self.ask(false, |state, _| {
            Ok(state.rows.by_keys(keys).into_iter().filter_map(LedgerRow::into_remote).collect())
        }))
    }

    fn announce<'a>(&'a self, keys: &'a [PublicationKey], floor: Option<u64>) -> Reply<'a, Announcement> {
        Box::pin(self.ask(true, move |state, now| {
            if self.recovery_of(state, now).is_some() {
                return Ok(Announcement::Held);
            }
            let lowest = state.rows.highest_key().max(floor);
            let claim = state.rows.mark(keys, lowest, true, now)?;
            if self.database.random.chance(state.faults.stop_after_announcement) {
                self.process.stop(self.database.random.millis(1_000, 400_000));
            }
            trace(|| format!("announced {} from {lowest:?}: {}", claim.fence, names(&claim.keys)));
            Ok(Announcement::Claimed(claim))
        }))
    }

    fn record<'a>(&'a self, recording: &'a Recording) -> Reply<'a, Recorded> {
        Box::pin(async move {
            let process = self.process.clone();
            self.ask(true, move |state, now| {
                self.recovery_of(state, now);
                let before = state.rows.clone();
                let recorded = state.rows.record_published(&recording.published, now).and_then(|mut recorded| {
                    let failed = state.rows.record_failure(&recording.failures, now)?;
                    recorded.recorded += failed.recorded;
                    recorded.stale.extend(failed.stale);
                    Ok(recorded)
                });
                // A statement that is refused undoes the whole transaction.
                let recorded = recorded.inspect_err(|_| state.rows = before)?;
                state.witness.extend(recording.audit.iter().cloned());
                process.note(Event::Recorded);
                trace(|| told(recording, &recorded));
                Ok(recorded)
            })
            .await
        })
    }

    fn rows<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Vec<LedgerRow>> {
        Box::pin(self.ask(false, |state, _| Ok(state.rows.by_keys(keys))))
    }

    fn announce_changes<'a>(&'a self, keys: &'a [PublicationKey]) -> Reply<'a, Claim> {
        Box::pin(self.ask(true, move |state, now| state.rows.mark(keys, None, false, now)))
    }

    fn lost_changes(&self, object: ObjectKind, answered_within: Duration) -> Reply<'_, Vec<LedgerRow>> {
        Box::pin(self.ask(false, move |state, now| state.rows.lost_changes(object, answered_within, now)))
    }

    fn open_creates(&self, answered_within: Duration) -> Reply<'_, Vec<OpenCreate>> {
        Box::pin(self.ask(false, move |state, now| state.rows.open_creates(ObjectKind::Issue, answered_within, now)))
    }

    fn release<'a>(&'a self, absent: &'a [(PublicationKey, i64)]) -> Reply<'a, u64> {
        Box::pin(self.ask(true, |state, now| {
            trace(|| {
                format!("released {:?}", absent.iter().map(|(key, fence)| format!("{key}@{fence}")).collect::<Vec<_>>())
            });
            state.rows.release(absent, now)
        }))
    }

    fn recovery(&self) -> Reply<'_, Option<Recovery>> {
        Box::pin(self.ask(false, |state, now| Ok(self.recovery_of(state, now))))
    }

    fn claim_scan(&self, spacing: Duration) -> Reply<'_, Option<KeyScan>> {
        Box::pin(self.ask(true, move |state, now| Ok(state.rows.claim_scan(spacing, now))))
    }

    fn keep_scan<'a>(&'a self, scan: &'a KeyScan) -> Reply<'a, bool> {
        Box::pin(self.ask(true, |state, _| Ok(state.rows.keep_scan(scan))))
    }

    fn highest_key(&self) -> Reply<'_, Option<u64>> {
        Box::pin(self.ask(false, |state, _| Ok(state.rows.highest_key())))
    }

    fn take_in<'a>(&'a self, strays: &'a [Stray]) -> Reply<'a, u64> {
        Box::pin(self.ask(true, |state, now| Ok(state.rows.take_in(strays, now))))
    }

    fn recovered<'a>(&'a self, recovery: &'a Recovery, _adopted: u64) -> Reply<'a, bool> {
        Box::pin(self.ask(true, |state, now| Ok(state.rows.recovered(recovery, now))))
    }
}
