//! The private server: started, attached to, stopped, and gone with a hub that is killed.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use hub_store::{DatabaseConfig, EmbeddedConfig, EmbeddedServer, Store};
use tokio_postgres::{Client, NoTls};

/// Tells the test program, started again as a child, where to hold a server.
const HOLD: &str = "HUB_STORE_TEST_HOLD";

async fn connect(server: &EmbeddedServer) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.address("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn ask(server: &EmbeddedServer, sql: &str) -> String {
    connect(server).await.query_typed(sql, &[]).await.unwrap()[0].get(0)
}

fn is_alive(pid: u32) -> bool {
    // A process that has ended but was not waited for has no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// Waits for a condition; how soon it holds is no part of the test.
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn it_starts_is_attached_to_stops_and_keeps_its_data() {
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig::new(dir.path().join("data/postgres"));
    let owner = EmbeddedServer::start(&config).unwrap();
    assert!(owner.is_new());
    assert_eq!(ask(&owner, "select current_setting('fsync') || current_setting('listen_addresses') || current_setting('max_connections')").await, "on100");
    assert_eq!(fs::metadata(owner.socket_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    connect(&owner).await.batch_execute("create table kept as select 1 as n").await.unwrap();

    let guest = EmbeddedServer::start(&config).unwrap();
    assert!(!guest.is_new());
    assert_eq!((guest.pid(), guest.socket_dir()), (owner.pid(), owner.socket_dir()));
    drop(guest);
    assert_eq!(ask(&owner, "select n::text from kept").await, "1");
    let pid = owner.pid();
    drop(owner);
    assert!(!is_alive(pid));
    assert!(!config.data_dir.join("pg/postmaster.pid").exists());

    let again = EmbeddedServer::start(&config).unwrap();
    assert!(again.is_new());
    assert_eq!(ask(&again, "select n::text from kept").await, "1");
}

#[test]
fn of_two_starts_at_once_one_starts_and_one_attaches() {
    let dir = tempfile::tempdir().unwrap();
    let config = EmbeddedConfig::new(dir.path().join("server"));
    let start = || EmbeddedServer::start(&config).unwrap();
    let (one, two) = std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(start), scope.spawn(start));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(one.pid(), two.pid());
    assert!(one.is_new() != two.is_new());
    // The thread that asked for it has ended; the server has not.
    assert!(is_alive(one.pid()));
}

/// Not a test of its own: the child process of the test below.
#[test]
#[ignore = "the test below starts this as a child process, to kill it"]
fn hold_a_server() {
    let Some(dir) = std::env::var_os(HOLD) else { return };
    let server = EmbeddedServer::start(&EmbeddedConfig::new(PathBuf::from(dir))).unwrap();
    println!("\nheld {}", server.pid());
    // Until killed.
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn a_killed_hub_takes_its_server_with_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("server");
    let mut hub = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::hold_a_server", "--ignored", "--nocapture"])
        .env(HOLD, &data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(hub.stdout.take().unwrap()).lines();
    let held = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("held ").map(str::to_owned));
    let pid: u32 = held.expect("the child holds a server").parse().unwrap();
    assert!(is_alive(pid));
    hub.kill().unwrap();
    hub.wait().unwrap();
    wait_until("the server ends", || !is_alive(pid));
    let log = fs::read_to_string(data_dir.join("pg.log")).unwrap();
    assert!(log.contains("received fast shutdown request") && log.contains("database system is shut down"), "{log}");
    let server = EmbeddedServer::start(&EmbeddedConfig::new(&data_dir)).unwrap();
    assert!(server.is_new());
    let log = fs::read_to_string(data_dir.join("pg.log")).unwrap();
    assert!(!log.contains("automatic recovery in progress"), "{log}");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let dir = tempfile::tempdir().unwrap();
    let temp_dir = tempfile::tempdir().unwrap();
    let mut config = EmbeddedConfig::new(dir.path().join("long folder name with spaces ".repeat(5).trim()));
    config.temp_dir = temp_dir.path().to_owned();
    fs::set_permissions(temp_dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let server = EmbeddedServer::start(&config).unwrap();
    assert!(server.socket_dir().starts_with(temp_dir.path()));
    assert!(server.socket_dir().join(".s.PGSQL.5432").as_os_str().len() <= 107);
    assert_eq!(ask(&server, "select 'here'").await, "here");
    let guest = EmbeddedServer::start(&config).unwrap();
    assert_eq!(ask(&guest, "select 'here'").await, "here");
}

/// As root this needs a user namespace; as another user it is a folder like any other.
#[tokio::test]
async fn a_folder_that_only_its_owner_may_enter_does() {
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let config = EmbeddedConfig::new(closed.join("server"));
    let server = match EmbeddedServer::start(&config) {
        Ok(server) => server,
        Err(error) => {
            assert!(error.to_string().contains(&*closed.to_string_lossy()), "{error}");
            println!("skipped: this kernel gives root no user namespace ({error})");
            return;
        }
    };
    assert_eq!(ask(&server, "select 'here'").await, "here");
    drop(server);
    // Opened later, the same data is used by whichever user the server then runs as, and back.
    for mode in [0o755, 0o700] {
        fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
        let server = EmbeddedServer::start(&config).unwrap();
        assert_eq!(ask(&server, "select 'here'").await, "here");
    }
}

#[test]
fn without_programs_the_code_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = EmbeddedConfig::new(dir.path().join("server"));
    config.hub_pg_bin = Some(dir.path().to_owned());
    let error = EmbeddedServer::start(&config).unwrap_err();
    assert_eq!(error.code().id, "HUB-3001");
    assert!(error.to_string().contains("HUB_PG_BIN"), "{error}");
}

#[test]
fn a_server_that_does_not_start_names_its_log_and_what_it_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = EmbeddedConfig::new(dir.path().join("server"));
    config.settings = vec![("shared_buffers".into(), "several".into())];
    let error = EmbeddedServer::start(&config).unwrap_err();
    assert_eq!(error.code().id, "HUB-3002");
    let text = error.to_string();
    assert!(text.contains("shared_buffers") && text.contains("pg.log"), "{text}");
    // Nothing of it stands in the way of the next start.
    config.settings.clear();
    fs::create_dir(config.data_dir.join("pg.new")).unwrap();
    assert!(EmbeddedServer::start(&config).unwrap().is_new());
}

#[test]
fn data_of_another_major_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let pg = dir.path().join("server/pg");
    fs::create_dir_all(&pg).unwrap();
    fs::write(pg.join("PG_VERSION"), "9\n").unwrap();
    let error = EmbeddedServer::start(&EmbeddedConfig::new(dir.path().join("server"))).unwrap_err();
    assert!(error.to_string().contains("the data is of PostgreSQL 9"), "{error}");
    assert!(Path::new(&pg).join("PG_VERSION").exists());
}

#[tokio::test]
async fn a_store_on_a_private_server_stops_it_with_its_last_clone() {
    let dir = tempfile::tempdir().unwrap();
    let config = DatabaseConfig::embedded(EmbeddedConfig::new(dir.path().join("server")));
    let store = Store::connect(&config).await.unwrap();
    store.migrate().await.unwrap();
    let pid = store.embedded().unwrap().pid();
    let clone = store.clone();
    drop(store);
    assert!(is_alive(pid));
    clone.ensure_current().await.unwrap();
    drop(clone);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn an_address_where_nobody_answers_is_told() {
    let error =
        Store::connect(&DatabaseConfig::url("postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=2")).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-3003");
    assert!(error.to_string().contains("127.0.0.1/x") && !format!("{error:?}").contains("hunter2"), "{error:?}");
}
