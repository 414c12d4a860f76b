//! Up to where reading is safe. Triggers and defaults write the time at which a transaction began, and a transaction that
//! commits late appears behind whoever read past it. What began before the oldest transaction that is still open can appear
//! no more; so reading ends there, and a later statement, with a later snapshot, reads up to it.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{Session, Sight, SourceError};

/// Up to where reading is safe, by the source's own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The present.
    pub now: OffsetDateTime,
    /// Rows older than this are all there. Where the source's transactions are not visible it is no more than the present
    /// less the margin, and an overlap has to make good for it.
    pub safe: OffsetDateTime,
    /// The process at the source whose transaction is the oldest, and what it does (`idle in transaction`).
    pub oldest: Option<(i32, String)>,
}

impl Watermark {
    /// How far it is behind the present.
    #[must_use]
    pub fn lag(&self) -> Duration {
        Duration::try_from(self.now - self.safe).unwrap_or_default()
    }
}

/// Which transactions count: those of this database, whether or not they have written yet, because one that has not may
/// still do so with the time at which it began. Vacuum and replication write no rows.
const OWN: &str = "with open as (
    select a.pid, a.xact_start, coalesce(a.state, 'busy') as state from pg_stat_activity a
     where a.xact_start is not null and a.pid <> pg_backend_pid() and a.datname = current_database()
       and a.backend_type not in ('autovacuum worker', 'walsender')
    union all
    select 0, p.prepared, 'prepared as ' || p.gid from pg_prepared_xacts p where p.database = current_database()),
  oldest as (select pid, xact_start, state from open order by xact_start limit 1)
  select clock_timestamp(),
         least(clock_timestamp(), (select xact_start from oldest)) - $1::float8 * interval '1 second',
         (select pid from oldest), (select state from oldest)";
const FUNCTION: &str = "select now_at, safe_at, oldest_pid, oldest_state
    from hub_private.safe_watermark($1::float8 * interval '1 second')";
const BLIND: &str =
    "select clock_timestamp(), clock_timestamp() - $1::float8 * interval '1 second', null::int4, null::text";

impl Session {
    /// Up to where reading is safe from now on. Ask for it before the pages of a pull: it stays true, only it grows old.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn watermark(&self) -> Result<Watermark, SourceError> {
        let sql = match self.sight() {
            Sight::Own => OWN,
            Sight::Function => FUNCTION,
            Sight::Blind(_) => BLIND,
        };
        let margin = self.config.margin.as_secs_f64();
        let doing = "ask for the oldest open transaction";
        let rows = self.rows(doing, "pg_stat_activity", sql, &[(&margin, Type::FLOAT8)]).await?;
        let missing = || SourceError::Select { doing: doing.to_owned(), reason: "there is no row".to_owned() };
        let row = rows.first().ok_or_else(missing)?;
        let state: Option<String> = row.get(3);
        Ok(Watermark {
            now: row.get(0),
            safe: row.get(1),
            oldest: row.get::<_, Option<i32>>(2).map(|pid| (pid, state.unwrap_or_default())),
        })
    }
}
