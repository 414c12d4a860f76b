//! The server that all tests of this checkout share, whichever process they run in (nextest gives each its own).
//!
//! The first process starts it, below the target folder and detached; others attach. Each holds a shared lock on
//! `users.lock` until it ends, in whatever way. A small shell process waits for that lock to be free, and stops the server
//! when nobody has used it for some seconds; a test that comes while it stops waits for the lock and then starts it anew.
//! HUB_TEST_DATABASE_URL names another server instead.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use hub_store::{EmbeddedConfig, EmbeddedServer, Lifetime};

use crate::or_fail;

const WATCHDOG: &str = include_str!("watchdog.sh");
/// Tests need no durability. Without autovacuum nothing else works on a test's tables.
const SETTINGS: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("max_wal_size", "4GB"),
];

/// A server for tests.
#[derive(Debug)]
pub(crate) struct TestServer {
    /// The address of a database, by its name.
    address: Address,
    /// Whether this process started it, so that what earlier runs left behind can be removed.
    pub is_new: bool,
    /// Held until the process ends.
    _users: Option<File>,
}

#[derive(Debug)]
enum Address {
    Embedded(EmbeddedServer),
    Url(String),
}

impl TestServer {
    /// The server, started at the first call in this process.
    pub fn get() -> &'static Self {
        static SERVER: OnceLock<TestServer> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        if let Ok(url) = std::env::var("HUB_TEST_DATABASE_URL")
            && !url.is_empty()
        {
            return Self { address: Address::Url(url), is_new: false, _users: None };
        }
        let dir = target_folder().join("tmp/testkit-pg");
        or_fail("make the folder of the test server", fs::create_dir_all(&dir));
        let users = or_fail("open users.lock", open(&dir.join("users.lock")));
        or_fail("wait until the test server has stopped", users.lock_shared());
        let mut config = EmbeddedConfig::new(dir.join("server"));
        config.lifetime = Lifetime::Detached;
        config.hub_pg_bin = std::env::var_os("HUB_PG_BIN").filter(|value| !value.is_empty()).map(PathBuf::from);
        config.settings = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let server = or_fail("start the test server", EmbeddedServer::start(&config));
        watch(&dir);
        Self { is_new: server.is_new(), address: Address::Embedded(server), _users: Some(users) }
    }

    /// The address of a database of the server.
    pub fn address(&self, database: &str) -> String {
        match &self.address {
            Address::Embedded(server) => server.address(database),
            Address::Url(url) => with_database(url, database),
        }
    }

    /// The database from which others are made.
    pub fn maintenance_address(&self) -> String {
        match &self.address {
            Address::Embedded(server) => server.address("postgres"),
            Address::Url(url) => url.clone(),
        }
    }
}

/// Starts the process that stops the server; where one runs already, the new one ends at once.
fn watch(dir: &Path) {
    // In the background of a shell that ends at once: nobody has to wait for it, and it survives this process.
    let mut command = Command::new("sh");
    command.args(["-c", "sh -c \"$0\" hub-testkit-watchdog \"$1\" &", WATCHDOG]).arg(dir).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    or_fail("start the test server's watchdog", command.status());
    let has_flock = Command::new("flock").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    assert!(has_flock, "the test server needs the program `flock` (Debian: util-linux), or HUB_TEST_DATABASE_URL");
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// The target folder, from the test program's own path: `target/debug/deps/it-0123`.
fn target_folder() -> PathBuf {
    let program = or_fail("find the test program", std::env::current_exe());
    let deps = program.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "deps"));
    deps.and_then(|deps| deps.ancestors().nth(2)).map_or_else(std::env::temp_dir, Path::to_owned)
}

/// The address with another database.
fn with_database(url: &str, database: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return format!("{url} dbname={database}") };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{authority}/{database}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_an_address_changes() {
        let cases = [
            ("postgres://u:p@h:5432/x?sslmode=require", "postgres://u:p@h:5432/t?sslmode=require"),
            ("postgres://u@h", "postgres://u@h/t"),
            ("host=/run/pg user=u", "host=/run/pg user=u dbname=t"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "t"), expected);
        }
    }
}
