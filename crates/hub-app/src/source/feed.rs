//! Following the team's triggers. The feed says which rows changed; they are read as they are now, and those that are not there
//! are gone. Its cursor moves behind what it told: a killed pull takes the same entries again, which changes nothing.

use std::collections::BTreeSet;

use hub_domain::{codes, settings::SourceStream};
use hub_source::{FeedChange, FeedOperation, FeedPosition, Session, Table};
use hub_store::{Cursor, SourceState, SourceStateKind, SourceStateRow};
use time::Duration;

use super::{
    Pull, StreamReport,
    fault::{Fault, guard},
    remove,
    save::{cursor_name, save},
    stream::{self, Progress},
    sweep,
};

/// The name of the feed among a source's cursors.
const FEED: &str = "outbox";
/// How often everything is compared although the feed tells.
const WHOLE_EVERY: Duration = Duration::hours(24);

/// A stream in this pull.
struct Followed {
    stream: SourceStream,
    table: Option<Table>,
    progress: Progress,
    fault: Option<Fault>,
    /// Whether it has to be compared as a whole: it was not, it was stopped, or its table was emptied.
    whole: bool,
}

/// What a pull by the feed came to.
pub struct Fed {
    /// The streams.
    pub streams: Vec<StreamReport>,
    /// The state of the source, where the feed was not the one that was known, or a stream's fault is the source's.
    pub state: Option<SourceState>,
}

/// Pulls all streams of a source.
pub async fn pull(pull: &Pull<'_>, states: &[SourceStateRow]) -> Result<Fed, Fault> {
    let (store, project, source) = (pull.store, pull.project, cursor_name(pull));
    let tx = store.worker(project.tenant_id).await?;
    let mut cursor = tx.cursor(project.id, &source, FEED).await?;
    let now = tx.now().await?;
    tx.commit().await?;
    let due = pull.options.full || cursor.whole_at.is_none_or(|at| now - at > WHOLE_EVERY);
    let known = position(&cursor);
    // Asked before anything is read: what is told later than this is behind it.
    let start = pull.session.feed_now().await?;
    let first = match &known {
        Some(known) => pull.session.changes(known).await?,
        None => None,
    };
    let restored = known.is_some() && first.is_none();
    let mut followed = Vec::new();
    for stream in pull.session_streams() {
        let before = states.iter().find(|row| row.stream == stream.as_str());
        let stopped = before.is_none_or(|row| row.state == SourceStateKind::Stopped.as_str());
        let mut one = Followed {
            stream,
            table: None,
            progress: Progress::default(),
            fault: None,
            whole: due || stopped || first.is_none(),
        };
        match stream::table(pull, stream, before).await {
            Ok(table) => {
                one.progress.columns = table.as_ref().map(|table| table.reads.clone());
                one.table = table;
            }
            Err(fault) => one.fault = Some(fault),
        }
        followed.push(one);
    }
    let mut told = known.clone();
    if let (Some(mut behind), Some(mut changes)) = (known, first) {
        loop {
            apply(pull, &changes, &mut followed).await?;
            let full = Session::feed_was_full(changes.len());
            if let Some(last) = changes.last() {
                behind = last.position.clone();
                advance(pull, &mut cursor, &behind).await?;
            }
            if !full || (pull.stop)() {
                followed.iter_mut().for_each(|one| one.progress.more |= full);
                break;
            }
            match pull.session.changes(&behind).await? {
                Some(next) => changes = next,
                None => break,
            }
        }
        told = Some(behind);
    }
    compare(pull, &mut followed).await?;
    let whole = followed.iter().all(|one| !one.whole && !one.progress.more);
    if told.is_none() || restored {
        // Only when everything was compared is the new feed's beginning known to be enough.
        if whole {
            advance(pull, &mut cursor, &start).await?;
        }
    }
    if whole && due {
        let tx = store.worker(project.tenant_id).await?;
        tx.read_whole(project.id, &source, FEED).await?;
        tx.commit().await?;
    }
    let mut fed = Fed { streams: Vec::new(), state: None };
    if restored {
        let message = "the outbox is not the one that was read before; everything was compared".to_owned();
        fed.state = Some(SourceState::of(SourceStateKind::Degraded, &codes::SOURCE_RESTORED, message));
    }
    for one in followed {
        let (report, ends) = stream::finish(pull, one.stream, one.progress, one.fault).await?;
        fed.streams.push(report);
        fed.state = ends.or(fed.state);
    }
    Ok(fed)
}

fn position(cursor: &Cursor) -> Option<FeedPosition> {
    Some(FeedPosition { xid: cursor.xid.as_deref()?.parse().ok()?, seq: cursor.id.as_deref()?.parse().ok()? })
}

async fn advance(pull: &Pull<'_>, cursor: &mut Cursor, to: &FeedPosition) -> Result<(), Fault> {
    let to = Cursor {
        xid: Some(to.xid.to_string()),
        id: Some(to.seq.to_string()),
        whole_at: cursor.whole_at,
        ..Cursor::default()
    };
    let tx = pull.store.worker(pull.project.tenant_id).await?;
    if !tx.advance_cursor(pull.project.id, &cursor_name(pull), FEED, cursor, &to).await? {
        tx.rollback().await?;
        return Err(Fault::Overtaken);
    }
    tx.commit().await?;
    *cursor = to;
    Ok(())
}

/// Takes some entries. A stream whose turn fails is compared as a whole when it can be read again, so its entries may pass.
async fn apply(pull: &Pull<'_>, changes: &[FeedChange], followed: &mut [Followed]) -> Result<(), Fault> {
    for one in followed {
        let Some(table) = one.table.clone() else { continue };
        let ours = changes.iter().filter(|change| table.is_fed_by(&change.table));
        let mut keys = BTreeSet::new();
        for change in ours {
            match change.operation {
                FeedOperation::Truncate => one.whole = true,
                FeedOperation::Row => drop(keys.insert(change.key.clone())),
            }
        }
        if one.fault.is_some() || one.whole || keys.is_empty() {
            continue;
        }
        let keys: Vec<String> = keys.into_iter().collect();
        match rows(pull, &table, &keys, &mut one.progress).await {
            Ok(()) => {}
            Err(Fault::Hub(error)) => return Err(Fault::Hub(error)),
            Err(fault) => one.fault = Some(fault),
        }
    }
    Ok(())
}

async fn rows(pull: &Pull<'_>, table: &Table, keys: &[String], progress: &mut Progress) -> Result<(), Fault> {
    let rows = pull.session.of_keys(table, keys).await?;
    let there: BTreeSet<String> = rows.iter().map(|row| row.key.clone()).collect();
    progress.rows += rows.len() as u64;
    if !rows.is_empty() {
        progress.changed += save(pull, table.stream, rows, None).await?.changed;
    }
    let missing: Vec<&str> = keys.iter().filter(|key| !there.contains(*key)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    // Another project's rows are told as well; what the hub never had is not gone.
    let (project, source, stream) = (pull.project, pull.settings.name.as_str(), table.stream.as_str());
    let tx = pull.store.worker(project.tenant_id).await?;
    let gone = tx.source_rows(project.id, source, stream, &missing).await?;
    let total = tx.count_source_rows(project.id, source, stream).await?;
    tx.commit().await?;
    guard(gone.len() as u64, total, pull.options.accept_shrink)?;
    let gone: Vec<String> = gone.into_iter().map(|row| row.key).collect();
    progress.deleted += remove::rows(pull, table.stream, &gone).await?;
    Ok(())
}

/// Compares as a whole what has to be.
async fn compare(pull: &Pull<'_>, followed: &mut [Followed]) -> Result<(), Fault> {
    for one in followed {
        let Some(table) = one.table.as_ref().filter(|_| one.whole && one.fault.is_none()) else {
            one.whole = one.whole && one.fault.is_none() && one.table.is_some();
            continue;
        };
        match sweep::whole(pull, table, &mut one.progress).await {
            Ok(done) => {
                one.whole = !done;
                one.progress.more |= !done;
            }
            Err(Fault::Hub(error)) => return Err(Fault::Hub(error)),
            Err(fault) => {
                one.fault = Some(fault);
                one.whole = false;
            }
        }
    }
    Ok(())
}
