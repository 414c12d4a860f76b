//! One stream: what is new or changed, what no cursor tells, and what is gone.

use hub_domain::settings::SourceStream;
use hub_source::{Order, Page, Position, SourceError, Table};
use hub_store::{Cursor, SourceState, SourceStateKind, SourceStateRow};
use time::Duration;

use super::{
    Pull, StreamReport,
    fault::Fault,
    save::{cursor_name, save},
    sweep,
};
use crate::AppError;

/// How often the last minutes are read again, for rows whose time a client or a wrong clock wrote.
const REREAD_EVERY: Duration = Duration::hours(1);
/// How far back that goes.
const REREAD: Duration = Duration::minutes(15);
/// How often a table is compared as a whole.
const WHOLE_EVERY: Duration = Duration::hours(24);

/// How far a pull of a stream came.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows that were read.
    pub rows: u64,
    /// Entities and results that are new or changed.
    pub changed: u64,
    /// Rows that are gone.
    pub deleted: u64,
    /// Whether there is more to read.
    pub more: bool,
    /// Whether the last minutes were read again.
    pub reread: bool,
    /// What of the source's columns is read.
    pub columns: Option<Vec<String>>,
}

/// Pulls a stream and records how it stands. The state, where it is one of the whole source, is returned.
pub async fn reported(
    pull: &Pull<'_>,
    stream: SourceStream,
    before: Option<&SourceStateRow>,
) -> Result<(StreamReport, Option<SourceState>), AppError> {
    let mut progress = Progress::default();
    let fault = one(pull, stream, before, &mut progress).await.err();
    finish(pull, stream, progress, fault).await
}

/// Records how a stream stands after a pull.
pub async fn finish(
    pull: &Pull<'_>,
    stream: SourceStream,
    progress: Progress,
    fault: Option<Fault>,
) -> Result<(StreamReport, Option<SourceState>), AppError> {
    let ends = fault.as_ref().is_some_and(Fault::ends_the_source);
    let overtaken = matches!(fault, Some(Fault::Overtaken));
    let state = SourceState {
        rows: progress.rows,
        lag: Some(pull.watermark.lag()),
        columns: progress.columns,
        reread: progress.reread,
        ..fault.map_or_else(|| Ok(SourceState::ok()), Fault::state)?
    };
    if !overtaken {
        let tx = pull.store.worker(pull.project.tenant_id).await?;
        tx.set_source_state(pull.project.id, &pull.settings.name, stream.as_str(), &state).await?;
        tx.commit().await?;
    }
    if let Some((code, message)) = &state.why {
        tracing::warn!(
            code = code.id, project = %pull.project.key, source = pull.settings.name, stream = stream.as_str(), "{message}"
        );
    }
    let (code, message) = state.why.clone().map(|(code, message)| (code.id, message)).unzip();
    let report = StreamReport {
        stream: stream.as_str(),
        state: state.kind.as_str(),
        code,
        message,
        rows: progress.rows,
        changed: progress.changed,
        deleted: progress.deleted,
        more: progress.more && state.kind != SourceStateKind::Stopped,
    };
    Ok((report, ends.then_some(state)))
}

/// The table of a stream, unless it has lost columns that were read before.
pub async fn table(
    pull: &Pull<'_>,
    stream: SourceStream,
    before: Option<&SourceStateRow>,
) -> Result<Option<Table>, Fault> {
    let Some(table) = pull.session.table(stream).await? else { return Ok(None) };
    let known = before.and_then(|row| row.columns.as_deref()).unwrap_or_default();
    let lost: Vec<&str> = known.iter().filter(|name| !table.reads.contains(name)).map(String::as_str).collect();
    if !lost.is_empty() && !pull.options.full {
        let reason = format!("what was read before is not there any more: {}", lost.join(", "));
        return Err(SourceError::Columns { table: table.name, reason }.into());
    }
    Ok(Some(table))
}

async fn one(
    pull: &Pull<'_>,
    stream: SourceStream,
    before: Option<&SourceStateRow>,
    progress: &mut Progress,
) -> Result<(), Fault> {
    let Some(table) = table(pull, stream, before).await? else { return Ok(()) };
    progress.columns = Some(table.reads.clone());
    let (store, project, source) = (pull.store, pull.project, cursor_name(pull));
    let tx = store.worker(project.tenant_id).await?;
    let mut cursor = tx.cursor(project.id, &source, stream.as_str()).await?;
    let now = tx.now().await?;
    tx.commit().await?;
    let first = cursor.whole_at.is_none();
    let finished = match table.order {
        Order::Updated | Order::Created => {
            let hourly = before.and_then(|row| row.reread_at).is_none_or(|at| now - at > REREAD_EVERY);
            let reread = (hourly && !first).then_some(REREAD);
            let timeless = stream == SourceStream::TestExecutions && table.order == Order::Created && !first;
            let finished = forward(pull, &table, &mut cursor, progress).await?
                && odd(pull, &table, hourly || pull.options.full, progress).await?
                && again(pull, &table, reread, progress).await?
                && (!timeless || open_executions(pull, &table, progress).await?);
            progress.reread = hourly && finished;
            finished
        }
        Order::None if first => by_key(pull, &table, &mut cursor, progress).await?,
        Order::None if stream == SourceStream::TestExecutions => open_executions(pull, &table, progress).await?,
        Order::None => true,
    };
    if !finished {
        progress.more = true;
        return Ok(());
    }
    if stream == SourceStream::TestResults {
        sweep::open_runs(pull, &table, progress).await?;
    }
    let due = pull.options.full || cursor.whole_at.is_none_or(|at| now - at > WHOLE_EVERY);
    let compared_always = table.order == Order::None && stream != SourceStream::TestExecutions;
    // A first reading has read everything: there is nothing yet that could be gone.
    let compares = (due || compared_always) && (!first || pull.options.full);
    if compares && !sweep::whole(pull, &table, progress).await? {
        progress.more = true;
    } else if compares || first {
        let tx = store.worker(project.tenant_id).await?;
        tx.read_whole(project.id, &source, stream.as_str()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Saves a page that moves no cursor.
async fn keep(pull: &Pull<'_>, table: &Table, page: Page, progress: &mut Progress) -> Result<(), Fault> {
    progress.rows += page.rows.len() as u64;
    if !page.rows.is_empty() {
        progress.changed += save(pull, table.stream, page.rows, None).await?.changed;
    }
    Ok(())
}

/// Reads from the cursor up to the watermark. False where the pull's time was over before.
async fn forward(pull: &Pull<'_>, table: &Table, cursor: &mut Cursor, progress: &mut Progress) -> Result<bool, Fault> {
    let mut behind = position(cursor);
    if let (Some(overlap), Some(from)) = (pull.overlap(), &behind) {
        let at = from.at - Duration::try_from(overlap).unwrap_or(REREAD);
        return overlapping(pull, table, cursor, at, progress).await;
    }
    loop {
        let page = pull.session.page(table, behind.as_ref(), pull.watermark.safe).await?;
        let more = page.more;
        if let Some(end) = page.end() {
            let to = Cursor { at: Some(end.at), id: Some(end.key.clone()), ..Cursor::default() };
            progress.rows += page.rows.len() as u64;
            progress.changed += save(pull, table.stream, page.rows, Some((cursor, &to))).await?.changed;
            *cursor = Cursor { whole_at: cursor.whole_at, ..to };
            behind = Some(end);
        }
        if !more {
            return Ok(true);
        }
        if (pull.stop)() {
            return Ok(false);
        }
    }
}

/// Reads from some time before the cursor: what was read already is read again and found equal.
async fn overlapping(
    pull: &Pull<'_>,
    table: &Table,
    cursor: &mut Cursor,
    from: time::OffsetDateTime,
    progress: &mut Progress,
) -> Result<bool, Fault> {
    let mut behind = Start::At(from);
    loop {
        let page = behind.page(pull, table).await?;
        let (more, end) = (page.more, page.end());
        progress.rows += page.rows.len() as u64;
        if let Some(end) = end {
            let is_further = position(cursor).is_none_or(|known| known < end);
            let to = Cursor { at: Some(end.at), id: Some(end.key.clone()), ..Cursor::default() };
            let advance = is_further.then_some((&*cursor, &to));
            progress.changed += save(pull, table.stream, page.rows, advance).await?.changed;
            if is_further {
                *cursor = Cursor { whole_at: cursor.whole_at, ..to };
            }
            behind = Start::Behind(end);
        }
        if !more {
            return Ok(true);
        }
        if (pull.stop)() {
            return Ok(false);
        }
    }
}

/// Where reading begins: with a time, or behind a row.
enum Start {
    At(time::OffsetDateTime),
    Behind(Position),
}

impl Start {
    async fn page(&self, pull: &Pull<'_>, table: &Table) -> Result<Page, Fault> {
        let safe = pull.watermark.safe;
        Ok(match self {
            Self::At(at) => pull.session.page_from(table, *at, safe).await?,
            Self::Behind(position) => pull.session.page(table, Some(position), safe).await?,
        })
    }
}

/// Reads rows that no cursor meets: a page of them at every pull, all of them now and then.
async fn odd(pull: &Pull<'_>, table: &Table, all: bool, progress: &mut Progress) -> Result<bool, Fault> {
    let mut behind: Option<String> = None;
    loop {
        let page = pull.session.odd(table, behind.as_deref(), pull.watermark.now).await?;
        behind = page.last_key().map(str::to_owned);
        let more = page.more && all;
        keep(pull, table, page, progress).await?;
        if !more {
            return Ok(true);
        }
        if (pull.stop)() {
            return Ok(false);
        }
    }
}

/// Reads the last minutes again.
async fn again(pull: &Pull<'_>, table: &Table, back: Option<Duration>, progress: &mut Progress) -> Result<bool, Fault> {
    let Some(back) = back else { return Ok(true) };
    let mut behind = Start::At(pull.watermark.safe - back);
    loop {
        let page = behind.page(pull, table).await?;
        let (more, end) = (page.more, page.end());
        keep(pull, table, page, progress).await?;
        match end {
            Some(end) if more => behind = Start::Behind(end),
            Some(_) | None => return Ok(true),
        }
        if (pull.stop)() {
            return Ok(false);
        }
    }
}

/// Reads a table without any time for the first time.
async fn by_key(pull: &Pull<'_>, table: &Table, cursor: &mut Cursor, progress: &mut Progress) -> Result<bool, Fault> {
    loop {
        let page = pull.session.all(table, cursor.id.as_deref()).await?;
        let more = page.more;
        if let Some(key) = page.last_key().map(str::to_owned) {
            let to = Cursor { id: Some(key), ..Cursor::default() };
            progress.rows += page.rows.len() as u64;
            progress.changed += save(pull, table.stream, page.rows, Some((cursor, &to))).await?.changed;
            *cursor = Cursor { whole_at: cursor.whole_at, ..to };
        }
        if !more {
            return Ok(true);
        }
        if (pull.stop)() {
            return Ok(false);
        }
    }
}

/// Reads executions that may still change, where they have no time of change.
async fn open_executions(pull: &Pull<'_>, table: &Table, progress: &mut Progress) -> Result<bool, Fault> {
    let mut behind: Option<String> = None;
    loop {
        let page = pull.session.open_executions(table, behind.as_deref()).await?;
        behind = page.last_key().map(str::to_owned);
        let more = page.more;
        keep(pull, table, page, progress).await?;
        if !more {
            return Ok(true);
        }
        if (pull.stop)() {
            return Ok(false);
        }
    }
}

fn position(cursor: &Cursor) -> Option<Position> {
    Some(Position { at: cursor.at?, key: cursor.id.clone()? })
}
