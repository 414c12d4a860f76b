//! The queue's own connections. The engine (`graphile_worker`) listens for bells and claims jobs on them; every other statement
//! about lanes goes through the store's pool.
//!
//! The engine keeps a session open to listen and prepares its statements, so the database's address must be a direct one or a
//! session pooler's.

use std::{any::Any, sync::Arc};

use deadpool_postgres::{Manager, Pool};
use graphile_worker::{
    BoxFuture, Database, DatabaseDriver, DbError, DbExecutor, DbParams, DbRow, DbTransaction, NotificationStream,
    WorkerUtils, tokio_postgres::TokioPostgresDatabase,
};
use tokio::sync::watch;
use tokio_postgres::config::SslMode;

use crate::{Store, StoreError, tls};

/// The queue's schema.
pub const QUEUE_SCHEMA: &str = "hub_queue";

/// The queue's connections, and word of when one breaks.
#[derive(Debug, Clone)]
pub struct QueueConnection {
    /// What the engine works with.
    pub database: Database,
    /// Counts statements that found no connection, or lost it.
    pub lost: watch::Receiver<u64>,
}

/// Passes statements on and counts those whose connection broke: the engine itself only logs some of them.
#[derive(Debug)]
struct Watched {
    inner: TokioPostgresDatabase,
    lost: Arc<watch::Sender<u64>>,
}

impl Watched {
    fn look<T>(&self, result: Result<T, DbError>) -> Result<T, DbError> {
        // Without a code the server did not answer; class 57P is a server that goes down.
        if let Err(error) = &result
            && error.code().is_none_or(|code| code.starts_with("57P"))
        {
            self.lost.send_modify(|count| *count += 1);
        }
        result
    }
}

impl DbExecutor for Watched {
    fn execute<'a>(&'a self, sql: &'a str, params: DbParams) -> BoxFuture<'a, Result<u64, DbError>> {
        Box::pin(async move { self.look(self.inner.execute(sql, params).await) })
    }

    fn fetch_all<'a>(&'a self, sql: &'a str, params: DbParams) -> BoxFuture<'a, Result<Vec<DbRow>, DbError>> {
        Box::pin(async move { self.look(self.inner.fetch_all(sql, params).await) })
    }
}

impl DatabaseDriver for Watched {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn begin<'a>(&'a self) -> BoxFuture<'a, Result<DbTransaction, DbError>> {
        Box::pin(async move { self.look(self.inner.begin().await) })
    }

    fn listen<'a>(&'a self, channel: &'a str) -> BoxFuture<'a, Result<Option<NotificationStream>, DbError>> {
        Box::pin(async move { self.look(self.inner.listen(channel).await) })
    }
}

impl Store {
    /// Connections for the queue, at most `size` and one to listen; made when they are needed. Where the server's
    /// certificate needs an authority of its own (`sslrootcert`) there is none to listen, and bells are found by asking
    /// every second.
    ///
    /// # Errors
    /// [`StoreError::Queue`], [`StoreError::Settings`].
    pub fn queue(&self, size: usize) -> Result<QueueConnection, StoreError> {
        let refused = |reason: String| StoreError::Queue { doing: "prepare the queue's connections", reason };
        let mut config = self.target.config.clone();
        config.application_name("haida-hub queue");
        let inner = match &self.target.root_certificates {
            Some(roots) if config.get_ssl_mode() != SslMode::Disable => {
                let manager = Manager::new(config, tls::connector(Some(roots))?);
                let pool = Pool::builder(manager).max_size(size).build().map_err(|e| refused(e.to_string()))?;
                TokioPostgresDatabase::new(pool)
            }
            Some(_) | None => TokioPostgresDatabase::from_config(config, size).map_err(|e| refused(e.to_string()))?,
        };
        let (sender, lost) = watch::channel(0);
        Ok(QueueConnection { database: Database::new(Watched { inner, lost: Arc::new(sender) }), lost })
    }

    /// Brings the queue's schema to the engine's version.
    pub(crate) async fn migrate_queue(&self) -> Result<(), StoreError> {
        let queue = self.queue(1)?;
        WorkerUtils::new(queue.database, QUEUE_SCHEMA)
            .migrate()
            .await
            .map_err(|error| StoreError::Queue { doing: "make the queue's schema", reason: error.to_string() })
    }
}
