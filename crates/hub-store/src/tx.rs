//! A tenant's transaction. It runs as the role `hub_worker`, which does not bypass row-level security, with the tenant as a
//! setting of the transaction: both end with it, also behind a transaction pooler.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use deadpool_postgres::{Client, Object};
use futures::{FutureExt as _, future::BoxFuture};
use hub_domain::{Moment, TenantId};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use crate::{Bell, StoreError, query::Query};

pub(crate) static ENSURE_PARTITIONS: Query = Query {
    doing: "make the partitions of the coming months",
    sql: "select hub_private.ensure_partitions()",
    types: &[],
};

static NOW: Query = Query { doing: "ask the database for the time", sql: "select clock_timestamp()", types: &[] };

static CONTEXT: Query = Query {
    doing: "take the tenant's role",
    sql: "select set_config('role', 'hub_worker', true), set_config('hub.tenant_id', $1::uuid::text, true)",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] = &[&ENSURE_PARTITIONS, &NOW, &CONTEXT];

/// How many rows one statement carries at most: more gains nothing and holds locks for longer.
pub(crate) const BATCH: usize = 1_000;

/// Computes something while the database works on what was sent just before: the connection's own task may be waiting for this
/// very thread, and has to get its turn first.
pub(crate) async fn meanwhile<T>(compute: impl FnOnce() -> T) -> T {
    tokio::task::yield_now().await;
    compute()
}

/// Sends statements in their order, each by the first poll of its future, and the next one while the database works on one. The
/// first refusal is the one that is told.
async fn in_order(statements: Vec<BoxFuture<'_, Result<(), StoreError>>>) -> Result<(), StoreError> {
    let mut ahead: Option<BoxFuture<'_, Result<(), StoreError>>> = None;
    for mut next in statements {
        let sent = meanwhile(|| next.as_mut().now_or_never()).await;
        if let Some(ahead) = ahead.take() {
            ahead.await?;
        }
        match sent {
            Some(answered) => answered?,
            None => ahead = Some(next),
        }
    }
    match ahead {
        Some(last) => last.await,
        None => Ok(()),
    }
}

/// An open transaction of a tenant. Dropping it without [`WorkerTx::commit`] undoes it.
#[derive(Debug)]
pub struct WorkerTx {
    tenant: TenantId,
    /// Nothing once the transaction has ended.
    client: Option<Client>,
    /// Whether a statement was refused. PostgreSQL answers COMMIT of such a transaction with a silent ROLLBACK.
    failed: AtomicBool,
    /// What is rung by the last statement.
    pub(crate) bells: Mutex<Vec<Bell>>,
}

impl WorkerTx {
    pub(crate) async fn begin(client: Object, tenant: TenantId) -> Result<Self, StoreError> {
        let tx = Self { tenant, client: Some(client), failed: AtomicBool::new(false), bells: Mutex::default() };
        // Both are on their way at once.
        let tenant = [&tenant.0 as &(dyn ToSql + Sync)];
        let begun = futures::future::join(tx.batch("begin", "begin a transaction"), tx.rows(&CONTEXT, &tenant)).await;
        begun.0?;
        begun.1?;
        Ok(tx)
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The present by the database's clock, which every due time and every age goes by.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn now(&self) -> Result<Moment, StoreError> {
        let rows = self.rows(&NOW, &[]).await?;
        rows.first()
            .map(|row| row.get(0))
            .ok_or_else(|| StoreError::unreadable("the database's time", "there is no row"))
    }

    /// Rings the lanes that were asked for, and makes everything permanent.
    ///
    /// # Errors
    /// [`StoreError::Aborted`] where a statement of it failed; [`StoreError::Query`] where the connection broke, and then it is
    /// not known whether it is permanent.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(StoreError::Aborted);
        }
        let bells = std::mem::take(&mut *self.bells.lock().unwrap_or_else(PoisonError::into_inner));
        self.put_bells(&bells).await?;
        self.batch("commit", "commit").await?;
        drop(self.client.take());
        Ok(())
    }

    /// Undoes everything and gives the connection back.
    ///
    /// # Errors
    /// [`StoreError::Query`] where the connection broke, which undoes everything as well.
    pub async fn rollback(mut self) -> Result<(), StoreError> {
        self.batch("rollback", "roll back").await?;
        drop(self.client.take());
        Ok(())
    }

    pub(crate) async fn rows(&self, query: &Query, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        match &self.client {
            Some(client) => {
                query.rows(client, parameters).await.inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
            }
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn run(&self, query: &Query, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        match &self.client {
            Some(client) => {
                query.run(client, parameters).await.inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
            }
            None => Ok(0),
        }
    }

    /// Runs statements that insert what was not there a moment ago, each sent by the first poll of its future, and returns
    /// whether they did: where another transaction was faster, nothing of them has happened and the transaction goes on.
    /// Costs less than `on conflict`, which asks for each row whether it is there.
    pub(crate) async fn insert(
        &self,
        statements: Vec<BoxFuture<'_, Result<(), StoreError>>>,
    ) -> Result<bool, StoreError> {
        let begin = self.batch("savepoint hub_insert", "set a savepoint").boxed();
        let end = self.batch("release hub_insert", "release a savepoint").boxed();
        let all: Vec<_> = std::iter::once(begin).chain(statements).chain(std::iter::once(end)).collect();
        // Behind one that is refused, all are.
        let done = match in_order(all).await {
            Ok(()) => Ok(true),
            Err(taken) if taken.is_taken() => {
                self.batch("rollback to hub_insert; release hub_insert", "go back to a savepoint").await.map(|()| false)
            }
            Err(refused) => Err(refused),
        };
        done.inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
    }

    /// Sends a statement within [`WorkerTx::insert`], where a refusal is not the end of the transaction.
    pub(crate) async fn send(&self, query: &Query, parameters: &[&(dyn ToSql + Sync)]) -> Result<(), StoreError> {
        match &self.client {
            Some(client) => query.run(client, parameters).await.map(drop),
            None => Ok(()),
        }
    }

    async fn batch(&self, sql: &str, doing: &'static str) -> Result<(), StoreError> {
        match &self.client {
            Some(client) => client.batch_execute(sql).await.map_err(|source| StoreError::Query { doing, source }),
            None => Ok(()),
        }
    }
}

impl Drop for WorkerTx {
    fn drop(&mut self) {
        // Nothing can be awaited here. Closing the connection undoes the transaction; a new one is made when needed.
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt as _;

    use super::in_order;
    use crate::StoreError;

    /// What is sent and not answered is never more than two, and no later statement overtakes an earlier one, whose answer may
    /// come last.
    #[tokio::test]
    async fn statements_keep_their_order_and_the_first_refusal_is_told() {
        let log = Mutex::new(Vec::new());
        let statement = |n: usize, refused: bool| {
            let log = &log;
            async move {
                log.lock().unwrap().push(format!("send {n}"));
                for _ in 0..5 - n {
                    tokio::task::yield_now().await;
                }
                log.lock().unwrap().push(format!("answer {n}"));
                if refused { Err(StoreError::Settings(vec![n.to_string()])) } else { Ok(()) }
            }
            .boxed()
        };
        in_order((0..4).map(|n| statement(n, false)).collect()).await.unwrap();
        let whole = std::mem::take(&mut *log.lock().unwrap()).join(", ");
        assert_eq!(whole, "send 0, send 1, answer 0, send 2, answer 1, send 3, answer 2, answer 3");
        let refused = in_order((0..4).map(|n| statement(n, n > 0)).collect()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Settings(which) if which == ["1"]));
        assert!(!log.lock().unwrap().contains(&"send 3".to_owned()), "behind a refusal nothing more is sent");
    }
}
