//! Sources: a team's own tables become entities and results, as files do. A pull reads what is new or changed of each stream
//! below the safe watermark and saves each page, what follows from it and the cursor in one transaction; a killed pull has
//! skipped nothing. Whatever is wrong with a source or a stream is a state that is kept and shown, and the rest goes on.
//! docs/sources.md tells the whole.

mod fault;
mod feed;
mod remove;
mod save;
mod stream;
mod sweep;

use std::time::Duration;

use hub_domain::{
    Moment, codes,
    settings::{Follow, SourceSettings, SourceStream},
};
use hub_source::{Config, Session, Sight, SourceError, Watermark};
use hub_store::{ProjectRow, SourceState, SourceStateKind, SourceStateRow, Store, WorkerTx};
use serde::Serialize;

use crate::{AppError, plan, settings};
pub use hub_source::scripts::{OUTBOX, ROLE};

use self::fault::Fault;

/// A watermark that is older than this is worth a person's look: somebody's transaction holds it.
const HELD_AFTER: Duration = Duration::from_secs(10 * 60);
/// When a source that could not be read is tried again at the latest.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// What a pull is to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct PullOptions<'a> {
    /// Only this source.
    pub source: Option<&'a str>,
    /// Compare everything with the source, and take its columns as they are now.
    pub full: bool,
    /// Go on although much of the source would vanish.
    pub accept_shrink: bool,
    /// Only sources whose time has come.
    pub due_only: bool,
}

/// What became of a stream in a pull.
#[derive(Debug, Clone, Serialize)]
pub struct StreamReport {
    /// The stream.
    pub stream: &'static str,
    /// How it stands.
    pub state: &'static str,
    /// The code, unless it is well.
    pub code: Option<&'static str>,
    /// Why, in words.
    pub message: Option<String>,
    /// Rows that were read.
    pub rows: u64,
    /// Entities and results that are new or changed.
    pub changed: u64,
    /// Rows that the source no longer has.
    pub deleted: u64,
    /// Whether the pull ended before the stream did.
    pub more: bool,
}

/// What became of a source in a pull.
#[derive(Debug, Clone, Serialize)]
pub struct SourceReport {
    /// The source.
    pub source: String,
    /// How it stands as a whole.
    pub state: &'static str,
    /// The code, unless it is well.
    pub code: Option<&'static str>,
    /// Why, in words.
    pub message: Option<String>,
    /// Its streams.
    pub streams: Vec<StreamReport>,
}

impl SourceReport {
    /// Whether the pull ended before the source did.
    #[must_use]
    pub fn more(&self) -> bool {
        self.streams.iter().any(|stream| stream.more)
    }

    /// The code of the first thing that is not read.
    #[must_use]
    pub fn stopped(&self) -> Option<&'static str> {
        let stopped = SourceStateKind::Stopped.as_str();
        let of_streams = self.streams.iter().filter(|stream| stream.state == stopped).find_map(|stream| stream.code);
        self.code.filter(|_| self.state == stopped).or(of_streams)
    }
}

/// What one pull of one source works with.
pub(crate) struct Pull<'a> {
    store: &'a Store,
    project: &'a ProjectRow,
    settings: &'a SourceSettings,
    session: &'a Session,
    watermark: Watermark,
    options: PullOptions<'a>,
    stop: &'a (dyn Fn() -> bool + Sync),
}

impl Pull<'_> {
    /// What the hub's tables call the source where other things have names too.
    fn origin(&self) -> String {
        format!("table:{}", self.settings.name)
    }

    /// How far back every pull reads again: where the source's transactions cannot be seen, something may have appeared there.
    fn overlap(&self) -> Option<Duration> {
        match self.session.sight() {
            Sight::Own | Sight::Function => None,
            Sight::Blind(_) => Some(Duration::from_secs(u64::from(self.settings.overlap_s))),
        }
    }
}

/// Pulls the sources of a project. `stop` is asked between pages; what was read is kept.
///
/// # Errors
/// The hub's own database's, and [`AppError::Argument`] where there is no such source. What is wrong with a source is in the report.
pub async fn pull(
    store: &Store,
    project: &ProjectRow,
    options: PullOptions<'_>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<SourceReport>, AppError> {
    let settings = settings::load(store, project).await?;
    let named = |source: &&SourceSettings| options.source.is_none_or(|name| source.name == name);
    let sources: Vec<&SourceSettings> = settings.sources.iter().filter(named).collect();
    if let (Some(name), true) = (options.source, sources.is_empty()) {
        let what = format!("--source {name:?}");
        return Err(AppError::Argument { what, rule: "the project's settings name no such source".into() });
    }
    let mut reports = Vec::with_capacity(sources.len());
    for source in sources {
        if stop() {
            break;
        }
        let tx = store.worker(project.tenant_id).await?;
        let states: Vec<SourceStateRow> =
            tx.source_states(project.id).await?.into_iter().filter(|row| row.source == source.name).collect();
        let now = tx.now().await?;
        tx.commit().await?;
        let due = states.iter().find(|row| row.stream.is_empty()).and_then(|row| row.due_at);
        if options.due_only && due.is_some_and(|due| due > now) {
            continue;
        }
        reports.push(one(store, project, source, options, stop, &states).await?);
    }
    // What stands for the project as a whole is planned once anything of it was read.
    if reports.iter().any(|report| report.streams.iter().any(|stream| stream.changed + stream.deleted > 0)) {
        plan::touched(store, project, &std::collections::BTreeSet::new()).await?;
    }
    Ok(reports)
}

async fn one(
    store: &Store,
    project: &ProjectRow,
    settings: &SourceSettings,
    options: PullOptions<'_>,
    stop: &(dyn Fn() -> bool + Sync),
    states: &[SourceStateRow],
) -> Result<SourceReport, AppError> {
    let every = Duration::from_secs(u64::from(settings.every_s));
    let opened = async {
        let session = open(settings).await?;
        let watermark = session.watermark().await.map_err(Fault::from)?;
        Ok::<_, Fault>((session, watermark))
    };
    let (session, watermark) = match opened.await {
        Ok(opened) => opened,
        Err(fault) => {
            let state = SourceState { due_in: Some(every.min(TRY_AGAIN)), ..fault.state()? };
            return record(store, project, settings, state, Vec::new()).await;
        }
    };
    let mut state = standing(session.sight(), &watermark);
    let pull = Pull { store, project, settings, session: &session, watermark, options, stop };
    let mut streams = Vec::new();
    if settings.follow == Follow::Outbox {
        match feed::pull(&pull, states).await {
            Ok(fed) => {
                streams = fed.streams;
                state = fed.state.unwrap_or(state);
            }
            Err(fault) => {
                let stopped = fault.state()?;
                state = SourceState { due_in: Some(every.min(TRY_AGAIN)), ..stopped };
                return record(store, project, settings, state, Vec::new()).await;
            }
        }
    } else {
        for stream in pull.session_streams() {
            let before = states.iter().find(|row| row.stream == stream.as_str());
            let (report, ends) = stream::reported(&pull, stream, before).await?;
            streams.push(report);
            if let Some(stopped) = ends {
                state = stopped;
                break;
            }
        }
    }
    let more = streams.iter().any(|stream| stream.more);
    let wait = if state.kind == SourceStateKind::Stopped { every.min(TRY_AGAIN) } else { every };
    state.due_in = Some(if more { Duration::ZERO } else { wait });
    state.lag = Some(pull.watermark.lag());
    record(store, project, settings, state, streams).await
}

impl Pull<'_> {
    fn session_streams(&self) -> Vec<SourceStream> {
        Config::new(self.settings).streams()
    }
}

/// Connects. The address is in memory for as long as that takes.
async fn open(settings: &SourceSettings) -> Result<Session, Fault> {
    let address = crate::credentials::resolve(&settings.connection)?;
    let client = hub_store::dial(&address).await.map_err(Fault::of_dial)?;
    Ok(Session::open(client, Config::new(settings)).await?)
}

/// How a source stands that can be read.
fn standing(sight: Sight, watermark: &Watermark) -> SourceState {
    if let Sight::Blind(why) = sight {
        let message = format!(
            "{why}; every pull reads the last minutes again, and what a longer transaction wrote is found by the daily comparison"
        );
        return SourceState::of(SourceStateKind::Degraded, &codes::SOURCE_BLIND, message);
    }
    match &watermark.oldest {
        Some((pid, doing)) if watermark.lag() > HELD_AFTER => {
            let minutes = watermark.lag().as_secs() / 60;
            let message = format!(
                "a transaction of process {pid} ({doing}) is open for {minutes} minutes; what is newer is read when it ends"
            );
            SourceState::of(SourceStateKind::Held, &codes::SOURCE_HELD, message)
        }
        Some(_) | None => SourceState::ok(),
    }
}

/// When the first of a project's sources is due; nothing where it has none.
pub(crate) async fn next_due(tx: &WorkerTx, project: &ProjectRow) -> Result<Option<Moment>, AppError> {
    let names = tx.settings(project.id).await?.map(settings::read).transpose()?;
    let names: Vec<String> = names.into_iter().flat_map(|s| s.sources).map(|source| source.name).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let now = tx.now().await?;
    let states = tx.source_states(project.id).await?;
    let of = |name: &String| states.iter().find(|row| row.stream.is_empty() && row.source == *name);
    // A second at least: a source that could not be read at all does not spin.
    let soonest = now + Duration::from_secs(1);
    Ok(names.iter().map(|name| of(name).and_then(|row| row.due_at).unwrap_or(soonest).max(soonest)).min())
}

async fn record(
    store: &Store,
    project: &ProjectRow,
    settings: &SourceSettings,
    state: SourceState,
    streams: Vec<StreamReport>,
) -> Result<SourceReport, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    tx.set_source_state(project.id, &settings.name, "", &state).await?;
    tx.commit().await?;
    if let Some((code, message)) = &state.why {
        tracing::warn!(code = code.id, project = %project.key, source = settings.name, "{message}");
    }
    let (code, message) = state.why.map(|(code, message)| (code.id, message)).unzip();
    Ok(SourceReport { source: settings.name.clone(), state: state.kind.as_str(), code, message, streams })
}

/// How a source or a stream of it stands.
#[derive(Debug, Clone, Serialize)]
pub struct SourceLine {
    /// The source.
    pub source: String,
    /// The stream; empty for the source as a whole.
    pub stream: String,
    /// The state: `ok`, `degraded`, `held`, `stopped`, or `new` before the first pull.
    pub state: String,
    /// The code, unless it is well.
    pub code: Option<String>,
    /// Why, in words.
    pub message: Option<String>,
    /// What to do.
    pub hint: Option<&'static str>,
    /// Since when it stands so.
    #[serde(with = "time::serde::rfc3339::option")]
    pub since: Option<time::OffsetDateTime>,
    /// When it was read last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_ok: Option<time::OffsetDateTime>,
    /// Rows that were read, all in all.
    pub rows: u64,
    /// How far reading is behind the source's present, in milliseconds.
    pub lag_ms: Option<i64>,
    /// When the source is due.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<time::OffsetDateTime>,
}

/// How the sources of a project stand: those that its settings name.
///
/// # Errors
/// The database's.
pub async fn status(store: &Store, project: &ProjectRow) -> Result<Vec<SourceLine>, AppError> {
    let settings = settings::load(store, project).await?;
    let tx = store.worker(project.tenant_id).await?;
    let states = tx.source_states(project.id).await?;
    tx.commit().await?;
    let mut lines = Vec::new();
    for source in &settings.sources {
        // A stream that is read no more stands no more.
        let streams = Config::new(source).streams();
        let is_read = |name: &str| name.is_empty() || streams.iter().any(|stream| stream.as_str() == name);
        let mut of_source = states.iter().filter(|row| row.source == source.name && is_read(&row.stream)).peekable();
        if of_source.peek().is_none() {
            lines.push(SourceLine::new(&source.name));
        }
        lines.extend(of_source.map(SourceLine::of));
    }
    Ok(lines)
}

impl SourceLine {
    fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            stream: String::new(),
            state: "new".to_owned(),
            code: None,
            message: None,
            hint: None,
            since: None,
            last_ok: None,
            rows: 0,
            lag_ms: None,
            due_at: None,
        }
    }

    fn of(row: &SourceStateRow) -> Self {
        Self {
            source: row.source.clone(),
            stream: row.stream.clone(),
            state: row.state.clone(),
            code: row.code.clone(),
            message: row.message.clone(),
            hint: row.code.as_deref().and_then(codes::find).map(|code| code.hint),
            since: Some(row.since),
            last_ok: row.last_ok,
            rows: row.rows,
            lag_ms: row.lag_ms,
            due_at: row.due_at,
        }
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_that_somebody_holds_for_ten_minutes_is_shown_with_the_process() {
        let now = time::macros::datetime!(2026-01-02 03:04 UTC);
        let behind = |minutes: i64| Watermark {
            now,
            safe: now - time::Duration::minutes(minutes),
            oldest: Some((4711, "idle in transaction".to_owned())),
        };
        assert_eq!(standing(Sight::Own, &behind(9)).kind, SourceStateKind::Ok);
        let held = standing(Sight::Function, &behind(12));
        assert_eq!(held.kind, SourceStateKind::Held);
        let (code, message) = held.why.unwrap();
        assert_eq!(code.id, "HUB-5006");
        assert!(message.contains("4711 (idle in transaction)") && message.contains("12 minutes"), "{message}");
        let blind = standing(Sight::Blind("nothing is visible"), &behind(0));
        assert_eq!((blind.kind, blind.why.unwrap().0.id), (SourceStateKind::Degraded, "HUB-5008"));
    }
}
