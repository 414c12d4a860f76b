//! What a page cannot tell. A row that is gone is in no page, and a change that moved no time is behind the cursor. So now and
//! then both sides add up their rows in 256 buckets by key; only where the sums differ are keys and versions compared.

use hub_domain::settings::SourceStream;
use tokio_postgres::types::Type;

use crate::{Session, SourceError, Table};

/// How many buckets there are.
pub const BUCKETS: usize = 256;

/// The sum of a bucket's rows. Two sides with equal sums hold the same keys in the same versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bucket {
    /// How many rows.
    pub rows: u64,
    /// The sum of 60 bits of each row's digest, as a decimal text: it may have more than 64 bits.
    pub sum: String,
}

/// The sum of an execution's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDigest {
    /// The execution's key in the results table.
    pub run: String,
    /// The sum.
    pub bucket: Bucket,
}

/// The bucket of a key, and 60 bits of a row's digest, over columns `k` and `v`. hub-store computes the same of what it has;
/// the bytes of UTF-8 count, whatever the source's encoding is.
const BUCKET: &str = "get_byte(decode(md5(convert_to(k, 'UTF8')), 'hex'), 0)";
const SUM: &str = "sum(('x' || left(md5(convert_to(k || ':' || v, 'UTF8')), 15))::bit(60)::int8)::text";

impl Session {
    /// The sums of a table's rows by bucket, [`BUCKETS`] of them.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn buckets(&self, table: &Table) -> Result<Vec<Bucket>, SourceError> {
        let sql = format!("select {BUCKET}, count(*), {SUM} from ({}) d group by 1", table.versions());
        let mut buckets = vec![Bucket::default(); BUCKETS];
        for row in self.rows(&format!("add up {}", table.name), &table.name, &sql, &[]).await? {
            let index = usize::try_from(row.get::<_, i32>(0)).unwrap_or_default();
            if let Some(bucket) = buckets.get_mut(index) {
                *bucket = Bucket { rows: count(row.get(1)), sum: row.get(2) };
            }
        }
        Ok(buckets)
    }

    /// Key and version of the rows in some buckets.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn versions(&self, table: &Table, buckets: &[i32]) -> Result<Vec<(String, String)>, SourceError> {
        let sql = format!("select k, v from ({}) d where {BUCKET} = any($1::int4[])", table.versions());
        let doing = format!("compare {}", table.name);
        let rows = self.rows(&doing, &table.name, &sql, &[(&buckets, Type::INT4_ARRAY)]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The sums of the results of some executions; one without results is left out.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn run_digests(&self, table: &Table, runs: &[String]) -> Result<Vec<RunDigest>, SourceError> {
        if table.stream != SourceStream::TestResults || runs.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("select r, count(*), {SUM} from ({}) d group by 1", table.versions_of_runs());
        let doing = format!("add up the executions of {}", table.name);
        let rows = self.rows(&doing, &table.name, &sql, &[(&runs, Type::TEXT_ARRAY)]).await?;
        Ok(rows
            .iter()
            .map(|row| RunDigest { run: row.get(0), bucket: Bucket { rows: count(row.get(1)), sum: row.get(2) } })
            .collect())
    }
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
