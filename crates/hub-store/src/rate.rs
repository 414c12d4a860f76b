//! The rate budget that processes share: permits taken in blocks from one row per site, product, endpoint and method, by the
//! database's clock. What the numbers mean is told beside the functions in `migrations/20261124000300_hub_rate.sql`.
//!
//! These are single statements without a tenant: two tenants that publish to one site share its limits.

use std::time::Duration;

use hub_domain::ProjectId;
use tokio_postgres::types::Type;

use crate::{Store, StoreError, query::Query};

/// A row of the budget.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RateKey<'a> {
    /// The site; not its address, of which nothing but a digest is kept.
    pub site: &'a str,
    /// The product at the site: each counts for itself.
    pub product: &'a str,
    /// The endpoint, and empty for the whole site.
    pub endpoint: &'a str,
    /// The method, and empty for the whole site.
    pub method: &'a str,
}

/// Permits, one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// How many.
    pub permits: u32,
    /// When the first is due, counted from the moment of the database's answer; nothing where it is due already.
    pub first_after: Duration,
    /// How long before that moment it was due; nothing where it is not due yet.
    pub first_before: Duration,
    /// The time between two.
    pub step: Duration,
    /// How late each may be used.
    pub keep: Duration,
}

/// What a pause stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paused {
    /// Everything of the product at the site.
    Site,
    /// The endpoint and method.
    Endpoint,
}

/// The answer to a request for permits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Taken {
    /// They are reserved.
    Block(Block),
    /// It is not the caller's turn: come back then.
    Later(Duration),
    /// The site asked for a pause of this length from now on.
    Paused(Paused, Duration),
}

/// How long to stand still.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RateWait {
    /// The site said so: at least this long.
    Told(Duration),
    /// Without a hint.
    Backoff {
        /// The first wait.
        first: Duration,
        /// No wait is longer.
        longest: Duration,
        /// It is doubled when the next refusal comes within this time after the pause.
        streak: Duration,
        /// The wait is multiplied with this.
        factor: f64,
    },
}

static TAKE: Query = Query {
    doing: "take permits from the rate budget",
    sql: "select granted, first_ms, step_ms, keep_ms, wait_ms, paused
            from hub_private.rate_take($1, $2, $3, $4, $5, $6, $7)",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::UUID, Type::FLOAT8, Type::INT4],
};
static PAUSE: Query = Query {
    doing: "pause the rate budget",
    sql: "select hub_private.rate_pause($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    types: &[
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::FLOAT8,
        Type::BOOL,
        Type::FLOAT8,
        Type::FLOAT8,
        Type::FLOAT8,
    ],
};
static LIMIT: Query = Query {
    doing: "keep a limit that the site told",
    sql: "select hub_private.rate_limit($1, $2, $3, $4, $5, $6)",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::FLOAT8, Type::FLOAT8],
};
static SLOW: Query = Query {
    doing: "slow the rate budget",
    sql: "select hub_private.rate_slow($1, $2, $3, $4, $5, $6)",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::FLOAT8, Type::FLOAT8],
};

pub(crate) static QUERIES: &[&Query] = &[&TAKE, &PAUSE, &LIMIT, &SLOW];

impl Store {
    /// Reserves up to `want` permits for a project at `rps` calls a second, fewer where the block would be longer than a
    /// tenth of a second.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`]; then nothing may be sent.
    pub async fn rate_take(
        &self,
        key: &RateKey<'_>,
        project: ProjectId,
        rps: f64,
        want: u32,
    ) -> Result<Taken, StoreError> {
        let want = i32::try_from(want).unwrap_or(i32::MAX);
        let client = self.client().await?;
        let rows =
            TAKE.rows(&client, &[&key.site, &key.product, &key.endpoint, &key.method, &project.0, &rps, &want]).await?;
        let row = rows.first().ok_or_else(|| StoreError::unreadable("the rate budget's answer", "no row came"))?;
        let number = |column: usize| row.get::<_, Option<f64>>(column).unwrap_or_default();
        let permits = u32::try_from(row.get::<_, i32>(0)).unwrap_or_default();
        let paused = row.get::<_, Option<&str>>(5);
        Ok(match (permits, paused) {
            (0, None) => Taken::Later(millis(number(4))),
            (0, Some("site")) => Taken::Paused(Paused::Site, millis(number(4))),
            (0, Some(_)) => Taken::Paused(Paused::Endpoint, millis(number(4))),
            (permits, _) => Taken::Block(Block {
                permits,
                first_after: millis(number(1)),
                first_before: millis(-number(1)),
                step: millis(number(2)),
                keep: millis(number(3)),
            }),
        })
    }

    /// Pauses a row, or a whole site, for every process, and returns for how long from now on.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn rate_pause(&self, key: &RateKey<'_>, wait: RateWait) -> Result<Duration, StoreError> {
        let (wait, told, factor, longest, streak) = match wait {
            RateWait::Told(wait) => (wait, true, 1.0, wait, Duration::ZERO),
            RateWait::Backoff { first, longest, streak, factor } => (first, false, factor, longest, streak),
        };
        let ms = |span: Duration| span.as_secs_f64() * 1e3;
        let (wait, longest, streak) = (ms(wait), ms(longest), ms(streak));
        let client = self.client().await?;
        let rows = PAUSE
            .rows(
                &client,
                &[&key.site, &key.product, &key.endpoint, &key.method, &wait, &told, &factor, &longest, &streak],
            )
            .await?;
        Ok(rows.first().map_or(Duration::ZERO, |row| millis(row.get(0))))
    }

    /// Believes for a while that the site takes no more than this: of an endpoint and method, or, for the key of a whole site,
    /// of all of them together.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn rate_limit(&self, key: &RateKey<'_>, rps: f64, lasts: Duration) -> Result<(), StoreError> {
        let lasts = lasts.as_secs_f64() * 1e3;
        let client = self.client().await?;
        LIMIT.rows(&client, &[&key.site, &key.product, &key.endpoint, &key.method, &rps, &lasts]).await?;
        Ok(())
    }

    /// Takes a little time from a row, at most once in `every` whoever asks.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn rate_slow(&self, key: &RateKey<'_>, by: Duration, every: Duration) -> Result<(), StoreError> {
        let (by, every) = (by.as_secs_f64() * 1e3, every.as_secs_f64() * 1e3);
        let client = self.client().await?;
        SLOW.rows(&client, &[&key.site, &key.product, &key.endpoint, &key.method, &by, &every]).await?;
        Ok(())
    }
}

/// Milliseconds of the database; nothing where they are negative or nonsense.
fn millis(number: f64) -> Duration {
    Duration::try_from_secs_f64(number.max(0.0) / 1e3).unwrap_or(Duration::ZERO)
}
