//! A database for one test: a copy of a template that was migrated once. The template's name holds the checksum of the
//! migrations, so an edited migration makes a new one.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use hub_store::{DatabaseConfig, MIGRATIONS, Store};
use tokio::{runtime, sync::OnceCell};
use tokio_postgres::{Client, NoTls};

use crate::{or_fail, server::TestServer};

/// What names of tests' databases begin with.
const PREFIX: &str = "hub_test_";
/// What names of templates begin with.
const TEMPLATE_PREFIX: &str = "hub_template_";
/// One process at a time makes the template.
const LOCK: &str = "select pg_advisory_lock(hashtextextended('hub-testkit.template', 0))";
const UNLOCK: &str = "select pg_advisory_unlock(hashtextextended('hub-testkit.template', 0))";

/// A database that only this test uses. Dropping it removes it, with whoever is still connected.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// A migrated database.
    pub async fn fresh() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(ensure_template).await;
        Self::create(Some(template)).await
    }

    /// A database with nothing in it.
    pub async fn empty() -> Self {
        Self::create(None).await
    }

    async fn create(template: Option<&str>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_micros());
        let name = format!("{PREFIX}{}_{now}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&TestServer::get().maintenance_address()).await;
        let template = template.unwrap_or("template0");
        or_fail(
            "make a test database",
            client.batch_execute(&format!("create database {name} template {template}")).await,
        );
        Self { name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, for the role that owns it, which is a superuser.
    #[must_use]
    pub fn address(&self) -> String {
        TestServer::get().address(&self.name)
    }

    /// Its address as configuration.
    #[must_use]
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig::url(self.address())
    }

    /// The store on it.
    pub async fn store(&self) -> Store {
        or_fail("connect to the test database", Store::connect(&self.config()).await)
    }

    /// A plain connection to it, for what a test looks at beside the store.
    pub async fn client(&self) -> Client {
        connect(&self.address()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (name, address) = (self.name.clone(), TestServer::get().maintenance_address());
        // A thread of its own: the test's runtime may be ending.
        let removed = std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&address, NoTls).await?;
                let remove = format!("drop database if exists {name} with (force)");
                tokio::select! {
                    removed = client.batch_execute(&remove) => removed?,
                    ended = connection => ended?,
                }
                Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
            })
        })
        .join();
        // What stays is removed when the server is started the next time.
        drop(removed);
    }
}

async fn connect(address: &str) -> Client {
    let (client, connection) = or_fail("connect to the test server", tokio_postgres::connect(address, NoTls).await);
    tokio::spawn(connection);
    client
}

async fn ensure_template() -> String {
    let mut hasher = DefaultHasher::new();
    for migration in MIGRATIONS {
        (migration.version, migration.name, migration.sql).hash(&mut hasher);
    }
    let name = format!("{TEMPLATE_PREFIX}{:016x}", hasher.finish());
    let server = TestServer::get();
    let client = connect(&server.maintenance_address()).await;
    or_fail("wait for the template", client.batch_execute(LOCK).await);
    if server.is_new {
        remove_leftovers(&client, &name).await;
    }
    if !exists(&client, &name).await {
        let unfinished = format!("{name}_unfinished");
        let run = async |sql: String| or_fail("make the template", client.batch_execute(&sql).await);
        run(format!("drop database if exists {unfinished} with (force)")).await;
        run(format!("create database {unfinished} template template0")).await;
        let store = Store::connect(&DatabaseConfig::url(server.address(&unfinished))).await;
        let store = or_fail("connect to the template", store);
        or_fail("migrate the template", store.migrate().await);
        drop(store);
        // Waits for connections that are closing. The name says that it is whole.
        run(format!("alter database {unfinished} rename to {name}")).await;
    }
    or_fail("let others use the template", client.batch_execute(UNLOCK).await);
    name
}

async fn exists(client: &Client, name: &str) -> bool {
    let rows = client
        .query_typed("select 1 from pg_database where datname = $1", &[(&name, tokio_postgres::types::Type::TEXT)])
        .await;
    !or_fail("look for the template", rows).is_empty()
}

/// Removes what earlier test runs left behind when they were killed.
async fn remove_leftovers(client: &Client, template: &str) {
    let rows = client.query_typed("select datname::text from pg_database", &[]).await;
    for row in or_fail("list the databases", rows) {
        let name: String = row.get(0);
        let is_old_template = name.starts_with(TEMPLATE_PREFIX) && name != template;
        // Another process may have started since and have made its first database already: those of this start are named
        // by processes that live.
        let is_old_test = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()).is_some_and(is_gone);
        if is_old_template || is_old_test {
            or_fail("remove an old database", client.batch_execute(&format!("drop database if exists {name}")).await);
        }
    }
}

fn is_gone(pid: &str) -> bool {
    !std::path::Path::new("/proc").join(pid).exists()
}
