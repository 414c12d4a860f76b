//! The pool of connections, and the private server behind it where there is one.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Manager, Object, Pool, Runtime};
use hub_domain::TenantId;
use secrecy::SecretString;
use tokio_postgres::{NoTls, config::SslMode};

use crate::{
    DatabaseConfig, EmbeddedServer, Server, ServerSeen, StoreError, WorkerTx, config::Target, embedded::EmbeddedError,
    tls,
};

/// How long a caller waits for a connection of the pool before it is told that none came free.
const WAIT_LIMIT: Duration = Duration::from_secs(30);
/// The database of a private server.
const EMBEDDED_DATABASE: &str = "postgres";

/// The database. Clones share the pool; with the last one a private server that this process started is stopped.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    name: Arc<str>,
    /// Where the server is, for the queue's own connections.
    pub(crate) target: Arc<Target>,
    /// Behind the pool, so that connections are closed before the server is.
    server: Option<Arc<EmbeddedServer>>,
    seen: ServerSeen,
}

impl Store {
    /// Starts or attaches to the private server where one is asked for, and connects once, so that a wrong address shows
    /// at once.
    ///
    /// # Errors
    /// [`StoreError::Embedded`], [`StoreError::Settings`] or [`StoreError::Connect`].
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, StoreError> {
        let (url, server) = match &config.server {
            Server::Url(url) => (url.clone(), None),
            Server::Embedded(embedded) => {
                let embedded = embedded.clone();
                // Blocks for up to a second; the server's own thread goes on.
                let started = tokio::task::spawn_blocking(move || EmbeddedServer::start(&embedded)).await;
                let server = started.map_err(|error| EmbeddedError::File {
                    doing: "start the private PostgreSQL server in",
                    path: std::path::PathBuf::new(),
                    source: std::io::Error::other(error),
                })??;
                (SecretString::from(server.address(EMBEDDED_DATABASE)), Some(Arc::new(server)))
            }
        };
        let target = Target::read(&url)?;
        let name = target.name();
        let manager = if target.config.get_ssl_mode() == SslMode::Disable {
            Manager::new(target.config.clone(), NoTls)
        } else {
            Manager::new(target.config.clone(), tls::connector(target.root_certificates.as_deref())?)
        };
        let pool = Pool::builder(manager)
            .max_size(config.max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_LIMIT))
            .build()
            .map_err(|error| StoreError::Settings(vec![format!("the pool of connections: {error}")]))?;
        let store = Self { pool, name: name.into(), target: Arc::new(target), server, seen: ServerSeen::default() };
        drop(store.client().await?);
        Ok(store)
    }

    /// The private server, where there is one.
    #[must_use]
    pub fn embedded(&self) -> Option<&EmbeddedServer> {
        self.server.as_deref()
    }

    /// Host and database, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What this process has seen of the server's log, by which a restore is noticed.
    #[must_use]
    pub fn server_seen(&self) -> &ServerSeen {
        &self.seen
    }

    /// A transaction on behalf of a tenant: row-level security shows and accepts its rows only.
    ///
    /// # Errors
    /// [`StoreError::Connect`], or [`StoreError::Query`] where the connection's role may not become `hub_worker`.
    pub async fn worker(&self, tenant: TenantId) -> Result<WorkerTx, StoreError> {
        WorkerTx::begin(self.client().await?, tenant).await
    }

    pub(crate) async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|source| StoreError::Connect { target: self.name.to_string(), source })
    }
}
