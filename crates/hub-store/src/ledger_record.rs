//! What happened to a publication, recorded in the ledger. Each send has a number, its fence; an answer is recorded only
//! while the row still has that number, so that a process that was thought dead cannot overwrite what came after it.

use std::time::Duration;

use hub_domain::{ContentHash, ProjectId, codes::Code, facts::PublicationKey};
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::{
    StoreError, WorkerTx,
    ledger_rows::{KeyColumns, SAME_KEY, key},
    query::Query,
    tx::BATCH,
};

/// The longest error message that is kept, in characters.
const LONGEST_MESSAGE: usize = 2_000;

/// A send that was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its number.
    pub fence: i64,
    /// What may be sent: those of the keys asked for that nobody else is sending.
    pub keys: Vec<PublicationKey>,
}

/// A publication that the site has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which one.
    pub key: PublicationKey,
    /// The fence of the send, or of the row as it was read where no send was announced.
    pub fence: i64,
    /// What was published; nothing: it was withdrawn.
    pub hash: Option<ContentHash>,
    /// The remote id; nothing keeps the one that is known.
    pub remote_id: Option<String>,
    /// The issue key; nothing keeps the one that is known.
    pub remote_key: Option<String>,
    /// The page's version; nothing keeps the one that is known.
    pub remote_version: Option<u64>,
    /// The labels as written; nothing keeps those that are known.
    pub labels: Option<Vec<String>>,
    /// The page under which a page was put; nothing keeps the one that is known.
    pub remote_parent: Option<String>,
}

/// A remote object that exists although its publication is not complete: a page whose labels are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRemote {
    /// The remote id.
    pub id: String,
    /// The issue key, or the page's address below its site.
    pub key: Option<String>,
    /// The page's version.
    pub version: Option<u64>,
    /// The page under which a page was put.
    pub parent: Option<String>,
}

/// How a failed publication goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureState {
    /// It did not happen, and is tried again.
    Waiting {
        /// Not before so much time has passed, by the database's clock.
        delay: Duration,
    },
    /// It may have happened.
    Uncertain,
    /// It did not happen, and is not tried again by itself.
    Dead,
}

/// A publication that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which one.
    pub key: PublicationKey,
    /// As in [`Published`].
    pub fence: i64,
    /// How it goes on.
    pub state: FailureState,
    /// The stable code.
    pub code: &'static Code,
    /// What a person should know; what is longer than 2,000 characters is cut.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub remote_status: Option<u16>,
    /// Whether it counts against the most attempts: what only waits for another object, or was told to wait, does not.
    pub spends_attempt: bool,
    /// The object, where it exists.
    pub remote: Option<KnownRemote>,
}

/// What was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many rows.
    pub recorded: u64,
    /// Keys whose row has another fence by now, or none: nothing was recorded of them.
    pub stale: Vec<PublicationKey>,
}

static FENCE: Query = Query { doing: "number the send", sql: "select nextval('hub.publication_fence')", types: &[] };
static SENDING: Query = Query {
    doing: "announce the send",
    sql: concat!(
        "update hub.publication p set state = 'sending', fence = $7, sent_at = clock_timestamp(), lowest_key = $8,
                 next_attempt_at = null, updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            u (object, entity_type, external_id, target_type, target_id)
           where ",
        SAME_KEY!(),
        "
             and p.state in ('pending', 'waiting') and ($9 is false or p.remote_id is null)
          returning p.object, p.entity_type, p.external_id, p.target_type, p.target_id"
    ),
    types: &[
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8,
        Type::INT8,
        Type::BOOL,
    ],
};
static RECORD_PUBLISHED: Query = Query {
    doing: "record what was published",
    sql: concat!(
        "update hub.publication p set published_hash = u.hash, remote_id = coalesce(u.remote_id, p.remote_id),
                 remote_key = coalesce(u.remote_key, p.remote_key),
                 remote_version = coalesce(u.remote_version, p.remote_version),
                 remote_labels = case when jsonb_typeof(u.labels) = 'array'
                                      then array(select jsonb_array_elements_text(u.labels)) else p.remote_labels end,
                 remote_parent = coalesce(u.remote_parent, p.remote_parent),
                 state = case when p.desired_hash is not distinct from u.hash then 'published' else 'pending' end,
                 attempts = 0, next_attempt_at = null, sent_at = null, lowest_key = null,
                 error_code = null, error_message = null, remote_status = null, published_at = now(), updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::bytea[], $9::text[],
                        $10::text[], $11::int8[], $12::jsonb[], $13::text[])
            u (object, entity_type, external_id, target_type, target_id, fence, hash, remote_id, remote_key,
               remote_version, labels, remote_parent)
           where ",
        SAME_KEY!(),
        "
             and p.fence = u.fence
          returning p.object, p.entity_type, p.external_id, p.target_type, p.target_id"
    ),
    types: &[
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::JSONB_ARRAY,
        Type::TEXT_ARRAY,
    ],
};
static RECORD_FAILURE: Query = Query {
    doing: "record what failed",
    // Only a send that was announced can be uncertain. An update that may have happened leaves a content that nobody knows.
    // A row that by now is wanted as it is published has nothing to wait for.
    sql: concat!(
        "update hub.publication p set
                 state = case when u.state = 'uncertain' then 'uncertain'
                              when p.desired_hash is not distinct from p.published_hash then 'published'
                              else u.state end,
                 published_hash = case when u.state = 'uncertain' and p.remote_id is not null
                                       then decode(repeat('00', 32), 'hex') else p.published_hash end,
                 next_attempt_at = case when u.state = 'waiting' and p.desired_hash is distinct from p.published_hash
                                        then clock_timestamp() + make_interval(secs => u.delay) end,
                 sent_at = case when u.state = 'uncertain' then p.sent_at end,
                 lowest_key = case when u.state = 'uncertain' then p.lowest_key end,
                 attempts = p.attempts + u.spent, error_code = u.code, error_message = u.message,
                 remote_status = u.remote_status, remote_id = coalesce(u.remote_id, p.remote_id),
                 remote_key = coalesce(u.remote_key, p.remote_key),
                 remote_version = coalesce(u.remote_version, p.remote_version),
                 remote_parent = coalesce(u.remote_parent, p.remote_parent), updated_at = now()
            from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::text[],
                        $9::float8[], $10::text[], $11::text[], $12::int4[], $13::int4[], $14::text[], $15::text[],
                        $16::int8[], $17::text[])
            u (object, entity_type, external_id, target_type, target_id, fence, state, delay, code, message,
               remote_status, spent, remote_id, remote_key, remote_version, remote_parent)
           where ",
        SAME_KEY!(),
        "
             and p.fence = u.fence and p.state <> 'published'
             and (u.state <> 'uncertain' or p.state in ('sending', 'uncertain'))
          returning p.object, p.entity_type, p.external_id, p.target_type, p.target_id"
    ),
    types: &[
        Type::UUID,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::FLOAT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT4_ARRAY,
        Type::INT4_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
    ],
};

pub(crate) static QUERIES: &[&Query] = &[&FENCE, &SENDING, &RECORD_PUBLISHED, &RECORD_FAILURE];

impl WorkerTx {
    /// Announces a send. To be committed before the call: when the answer is lost, the row still says that there may be one.
    /// `lowest_key` is the highest issue number known in the Jira project, where issues are created.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn mark_sending(
        &self,
        project: ProjectId,
        keys: &[PublicationKey],
        lowest_key: Option<u64>,
    ) -> Result<Claim, StoreError> {
        self.announce(project, keys, lowest_key, false).await
    }

    /// Announces creates, as [`WorkerTx::mark_sending`]. What exists by now is not claimed: the caller may have read the row
    /// before its object was found and adopted.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn mark_creating(
        &self,
        project: ProjectId,
        keys: &[PublicationKey],
        lowest_key: Option<u64>,
    ) -> Result<Claim, StoreError> {
        self.announce(project, keys, lowest_key, true).await
    }

    async fn announce(
        &self,
        project: ProjectId,
        keys: &[PublicationKey],
        lowest_key: Option<u64>,
        creates: bool,
    ) -> Result<Claim, StoreError> {
        let rows = self.rows(&FENCE, &[]).await?;
        let fence: i64 = rows.first().map_or(0, |row| row.get(0));
        let lowest_key = lowest_key.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let mut claim = Claim { fence, keys: Vec::with_capacity(keys.len()) };
        for batch in keys.chunks(BATCH) {
            let c = KeyColumns::of(batch);
            let rows = self
                .rows(
                    &SENDING,
                    &[
                        &project.0,
                        &c.objects,
                        &c.entity_types,
                        &c.external_ids,
                        &c.target_types,
                        &c.target_ids,
                        &fence,
                        &lowest_key,
                        &creates,
                    ],
                )
                .await?;
            for row in &rows {
                claim.keys.push(key(row, 0)?);
            }
        }
        // In the order asked for: the caller's batches are built in the order of publishing.
        let claimed: std::collections::HashSet<&PublicationKey> = claim.keys.iter().collect();
        let ordered = keys.iter().filter(|key| claimed.contains(key)).cloned().collect();
        Ok(Claim { fence, keys: ordered })
    }

    /// Records what the site confirmed. Where the plan has wanted something else meanwhile, the row is pending again.
    ///
    /// # Errors
    /// [`StoreError::Query`], also where a remote object already belongs to another entity; [`StoreError::Unreadable`].
    pub async fn record_published(&self, project: ProjectId, published: &[Published]) -> Result<Recorded, StoreError> {
        let mut recorded = Recorded::default();
        for batch in published.chunks(BATCH) {
            let c = KeyColumns::of(batch.iter().map(|published| &published.key));
            let fences: Vec<i64> = batch.iter().map(|published| published.fence).collect();
            let hashes: Vec<Option<&[u8]>> =
                batch.iter().map(|published| published.hash.as_ref().map(|hash| hash.0.as_slice())).collect();
            let ids: Vec<Option<&str>> = batch.iter().map(|published| published.remote_id.as_deref()).collect();
            let keys: Vec<Option<&str>> = batch.iter().map(|published| published.remote_key.as_deref()).collect();
            let versions: Vec<Option<i64>> =
                batch.iter().map(|published| published.remote_version.and_then(|v| i64::try_from(v).ok())).collect();
            let labels: Vec<Option<Value>> =
                batch.iter().map(|published| published.labels.clone().map(Value::from)).collect();
            let parents: Vec<Option<&str>> = batch.iter().map(|published| published.remote_parent.as_deref()).collect();
            let rows = self
                .rows(
                    &RECORD_PUBLISHED,
                    &[
                        &project.0,
                        &c.objects,
                        &c.entity_types,
                        &c.external_ids,
                        &c.target_types,
                        &c.target_ids,
                        &fences,
                        &hashes,
                        &ids,
                        &keys,
                        &versions,
                        &labels,
                        &parents,
                    ],
                )
                .await?;
            recorded.add(&rows, batch.iter().map(|published| &published.key))?;
        }
        Ok(recorded)
    }

    /// Records what failed. [`FailureState::Uncertain`] is accepted for announced sends only.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn record_failure(&self, project: ProjectId, failures: &[Failure]) -> Result<Recorded, StoreError> {
        let mut recorded = Recorded::default();
        for batch in failures.chunks(BATCH) {
            let c = KeyColumns::of(batch.iter().map(|failure| &failure.key));
            let fences: Vec<i64> = batch.iter().map(|failure| failure.fence).collect();
            let states: Vec<(&str, Option<f64>)> = batch
                .iter()
                .map(|failure| match failure.state {
                    FailureState::Waiting { delay } => ("waiting", Some(delay.as_secs_f64())),
                    FailureState::Uncertain => ("uncertain", None),
                    FailureState::Dead => ("dead", None),
                })
                .collect();
            let (states, delays): (Vec<&str>, Vec<Option<f64>>) = states.into_iter().unzip();
            let codes: Vec<&str> = batch.iter().map(|failure| failure.code.id).collect();
            let messages: Vec<String> =
                batch.iter().map(|failure| failure.message.chars().take(LONGEST_MESSAGE).collect()).collect();
            let statuses: Vec<Option<i32>> = batch.iter().map(|failure| failure.remote_status.map(i32::from)).collect();
            let spent: Vec<i32> = batch.iter().map(|failure| i32::from(failure.spends_attempt)).collect();
            let remote = |get: fn(&KnownRemote) -> Option<&str>| -> Vec<Option<&str>> {
                batch.iter().map(|failure| failure.remote.as_ref().and_then(get)).collect()
            };
            let (ids, keys) = (remote(|r| Some(&r.id)), remote(|r| r.key.as_deref()));
            let parents = remote(|r| r.parent.as_deref());
            let versions: Vec<Option<i64>> = batch
                .iter()
                .map(|failure| failure.remote.as_ref().and_then(|r| i64::try_from(r.version?).ok()))
                .collect();
            let rows = self
                .rows(
                    &RECORD_FAILURE,
                    &[
                        &project.0,
                        &c.objects,
                        &c.entity_types,
                        &c.external_ids,
                        &c.target_types,
                        &c.target_ids,
                        &fences,
                        &states,
                        &delays,
                        &codes,
                        &messages,
                        &statuses,
                        &spent,
                        &ids,
                        &keys,
                        &versions,
                        &parents,
                    ],
                )
                .await?;
            recorded.add(&rows, batch.iter().map(|failure| &failure.key))?;
        }
        Ok(recorded)
    }
}

impl Recorded {
    fn add<'a>(
        &mut self,
        rows: &[tokio_postgres::Row],
        asked: impl Iterator<Item = &'a PublicationKey>,
    ) -> Result<(), StoreError> {
        let found = rows.iter().map(|row| key(row, 0)).collect::<Result<std::collections::HashSet<_>, _>>()?;
        self.recorded += u64::try_from(found.len()).unwrap_or(u64::MAX);
        self.stale.extend(asked.filter(|key| !found.contains(*key)).cloned());
        Ok(())
    }
}
