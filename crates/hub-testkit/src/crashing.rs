//! A server of a test's own, which the test may crash and start again. The shared one must not be: others use it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use hub_store::{DatabaseConfig, EmbeddedConfig, EmbeddedServer, Store};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::or_fail;

/// A private server with a migrated database. It keeps what it committed through a crash.
#[derive(Debug)]
pub struct CrashingServer {
    config: EmbeddedConfig,
    server: Option<EmbeddedServer>,
    address: String,
    /// Behind the server, so that it is removed when nobody writes there any more.
    _folder: TempDir,
}

impl CrashingServer {
    /// Starts a server and migrates its database.
    pub async fn start() -> Self {
        let folder = or_fail("make a folder", tempfile::Builder::new().prefix("hub-crash-").tempdir());
        // Postgres runs as another user where the tests run as root.
        let open = fs::Permissions::from_mode(0o755);
        or_fail("open the folder", fs::set_permissions(folder.path(), open));
        let mut config = EmbeddedConfig::new(folder.path().join("pg"));
        config.hub_pg_bin = std::env::var_os("HUB_PG_BIN").filter(|value| !value.is_empty()).map(PathBuf::from);
        let server = or_fail("start the server", EmbeddedServer::start(&config));
        let address = server.address("postgres");
        let this = Self { config, server: Some(server), address, _folder: folder };
        let store = or_fail("connect", Store::connect(&DatabaseConfig::url(this.address())).await);
        or_fail("migrate", store.migrate().await);
        this
    }

    /// The address of its database, the same after every start.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends the server as a crash does (`pg_ctl stop -m immediate`): nothing is flushed, every connection breaks.
    pub fn crash(&mut self) {
        if let Some(server) = self.server.take() {
            let pid = server.pid().to_string();
            let sent = Command::new("kill").args(["-QUIT", &pid]).stderr(Stdio::null()).status();
            or_fail("crash the server", sent);
            // Waits until it is gone.
            drop(server);
        }
    }

    /// Starts it again; when this returns it accepts connections.
    pub fn start_again(&mut self) {
        self.server = Some(or_fail("start the server again", EmbeddedServer::start(&self.config)));
    }

    /// A plain connection; nothing while none can be had.
    pub async fn client(&self) -> Option<Client> {
        let (client, connection) = tokio_postgres::connect(&self.address, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }
}
