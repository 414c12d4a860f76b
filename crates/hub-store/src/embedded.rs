//! A private PostgreSQL server in a folder of its own, for a hub that starts with nothing installed but the server's programs.
//!
//! It listens on a Unix socket in a folder that only its user may enter, never on a port, so it needs no password. It
//! writes durably (fsync). It ends with the hub: in order when the [`EmbeddedServer`] is dropped, and through the
//! kernel when the hub is killed. A second process that starts on the same folder attaches and leaves it running.
//! `launch` says as whom it runs.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, lchown},
    path::{Path, PathBuf},
    process::Child,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use hub_domain::{
    ContentHash,
    codes::{self, Code},
};

use crate::{
    PgBinaries,
    binaries::OLDEST_SERVER,
    launch::{self, RunAs},
};

/// The name in the socket's file name; nothing listens on the port.
const PORT: u16 = 5432;
/// The longest path of a Unix socket in bytes, its closing NUL not counted.
const LONGEST_SOCKET: usize = 107;
/// How long a start may take: recovery after a crash reads the journal.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long an orderly stop may take before open connections are cut.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks at the server's state file.
const LOOK: Duration = Duration::from_millis(10);
/// Above this the log of earlier starts is put aside, once.
const LOG_LIMIT: u64 = 16 << 20;
/// How many lines of the log an error quotes.
const QUOTED_LINES: usize = 5;
/// The superuser that initdb creates.
const USER: &str = "hub";

/// How long the server lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as the [`EmbeddedServer`], and never longer than this process.
    WithOwner,
    /// Until somebody stops it. For a server that several short processes share.
    Detached,
}

/// Where the server keeps its data and how it is found.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// The folder; made if missing. It holds `pg` (the cluster), `pg.log` and, where its path is short enough, `sock`.
    pub data_dir: PathBuf,
    /// The folder of the server programs, where the user names one (HUB_PG_BIN).
    pub hub_pg_bin: Option<PathBuf>,
    /// Where a short folder for the socket can be made (TMPDIR).
    pub temp_dir: PathBuf,
    /// More settings of the server, as name and value.
    pub settings: Vec<(String, String)>,
    /// How long it lives.
    pub lifetime: Lifetime,
}

impl EmbeddedConfig {
    /// A server in a folder, with everything else as usual.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            hub_pg_bin: None,
            temp_dir: PathBuf::from("/tmp"),
            settings: Vec::new(),
            lifetime: Lifetime::WithOwner,
        }
    }
}

/// Why there is no private server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No programs, or only old ones.
    #[error("find PostgreSQL {OLDEST_SERVER} or newer in {looked}{}", .too_old.map(|v| format!(": version {v} is too old")).unwrap_or_default())]
    NoBinaries {
        /// Where was looked.
        looked: String,
        /// The newest version that was found.
        too_old: Option<u32>,
    },
    /// The hub runs as root, PostgreSQL refuses to, and no other user can be had.
    #[error("run PostgreSQL as another user than root: {}",
        .closed.as_ref().map_or("there is no user postgres or nobody".into(), |f| format!("no other user may enter {}, choose another data folder", f.display())))]
    NoUser {
        /// The folder that is closed to other users.
        closed: Option<PathBuf>,
    },
    /// A folder or file.
    #[error("{doing} {}", .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The cluster could not be made.
    #[error("create the database cluster {}: {said}", .path.display())]
    Init {
        /// Where.
        path: PathBuf,
        /// initdb's last words.
        said: String,
    },
    /// The server did not come up.
    #[error("start the private PostgreSQL server: {why} (log: {})", .log.display())]
    Start {
        /// What happened, with the log's last lines.
        why: String,
        /// The whole log.
        log: PathBuf,
    },
}

impl EmbeddedError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NoBinaries { .. } => &codes::NO_POSTGRES,
            Self::NoUser { .. } | Self::File { .. } | Self::Init { .. } | Self::Start { .. } => &codes::POSTGRES_START,
        }
    }
}

/// A running private server; dropping it stops the server if this process started it.
#[derive(Debug)]
pub struct EmbeddedServer {
    socket_dir: PathBuf,
    pid: u32,
    is_new: bool,
    owner: Option<Owner>,
}

/// The thread that started the server. The kernel's death signal is bound to that thread, so it lives as long.
#[derive(Debug)]
struct Owner {
    stop: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        if let Some(Owner { stop, thread }) = self.owner.take() {
            drop(stop);
            if thread.join().is_err() {
                tracing::warn!(pid = self.pid, "the thread of the private PostgreSQL server failed");
            }
        }
    }
}

impl EmbeddedServer {
    /// Starts the server, or attaches to the one that runs in the folder. Blocks for about a second the first time, else
    /// for some 50 ms.
    ///
    /// # Errors
    /// [`EmbeddedError`]; the log's last lines are in the message and its path is named.
    pub fn start(config: &EmbeddedConfig) -> Result<Self, EmbeddedError> {
        let made = make_folder(&config.data_dir, 0o755);
        made.map_err(|source| EmbeddedError::File { doing: "make", path: config.data_dir.clone(), source })?;
        let data_dir = fs::canonicalize(&config.data_dir).map_err(file("find", &config.data_dir))?;
        // Two processes that start at once: the second waits here and then finds the server running.
        let lock_path = data_dir.join("start.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(file("open", &lock_path))?;
        lock.lock().map_err(file("lock", &lock_path))?;

        let home = Home { pg: data_dir.join("pg"), log: data_dir.join("pg.log"), data_dir };
        if let Some((socket_dir, pid)) = home.running(START_LIMIT)? {
            return Ok(Self { socket_dir, pid, is_new: false, owner: None });
        }
        let binaries = PgBinaries::find_for(config.hub_pg_bin.as_deref(), home.version())?;
        let run_as = RunAs::choose(&[&home.data_dir, &binaries.bin])?;
        let socket_dir = home.socket_dir(&config.temp_dir, run_as)?;
        home.ensure_cluster(&binaries, run_as)?;
        home.launch(config, &binaries, run_as, socket_dir)
    }

    /// Whether this call started the server; otherwise it ran already, and goes on when this value is dropped.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The number of the server's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The folder of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The address of a database of the server, as libpq and tokio-postgres read it.
    #[must_use]
    pub fn address(&self, database: &str) -> String {
        let quote = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        format!(
            "host='{}' port={PORT} user={USER} dbname='{}'",
            quote(&self.socket_dir.display().to_string()),
            quote(database)
        )
    }
}

/// The paths of one server.
struct Home {
    data_dir: PathBuf,
    pg: PathBuf,
    log: PathBuf,
}

impl Home {
    /// The major version that wrote the cluster.
    fn version(&self) -> Option<u32> {
        fs::read_to_string(self.pg.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// The server that runs here, waited for while it starts or stops: its socket folder and first process.
    fn running(&self, limit: Duration) -> Result<Option<(PathBuf, u32)>, EmbeddedError> {
        let deadline = Instant::now() + limit;
        loop {
            let Some(state) = ServerState::read(&self.pg) else { return Ok(None) };
            if !state.is_alive(&self.pg) {
                return Ok(None);
            }
            if state.is_ready {
                return Ok(Some((state.socket_dir, state.pid)));
            }
            if Instant::now() >= deadline {
                return Err(self.failed("the server that runs there neither gets ready nor ends"));
            }
            thread::sleep(LOOK);
        }
    }

    /// A folder whose path leaves room for the socket's name.
    fn socket_dir(&self, temp_dir: &Path, run_as: RunAs) -> Result<PathBuf, EmbeddedError> {
        let short = format!("hub-pg-{}", ContentHash::of_bytes(self.data_dir.as_os_str().as_encoded_bytes()).short());
        let candidates = [self.data_dir.join("sock"), temp_dir.join(&short), Path::new("/tmp").join(&short)];
        let fits = |dir: &&PathBuf| dir.as_os_str().len() + format!("/.s.PGSQL.{PORT}").len() <= LONGEST_SOCKET;
        let dir = candidates.iter().find(fits).unwrap_or(&candidates[2]).clone();
        make_folder(&dir, 0o700).map_err(file("make", &dir))?;
        give(&dir, run_as)?;
        // In a folder for everybody, somebody else may have made one of this name before.
        let meta = fs::symlink_metadata(&dir).map_err(file("look at", &dir))?;
        let owner = run_as.owner().map_or_else(|| fs::metadata(&self.data_dir).map(|m| m.uid()), |(uid, _)| Ok(uid));
        let is_ours = meta.is_dir() && meta.mode() & 0o077 == 0 && owner.is_ok_and(|uid| uid == meta.uid());
        if is_ours {
            Ok(dir)
        } else {
            let source =
                io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to another user or is open to others");
            Err(EmbeddedError::File { doing: "use the socket folder", path: dir, source })
        }
    }

    /// Makes the cluster beside its place and moves it there, so that one that was interrupted is never taken for whole.
    fn ensure_cluster(&self, binaries: &PgBinaries, run_as: RunAs) -> Result<(), EmbeddedError> {
        if let Some(version) = self.version() {
            if version != binaries.major {
                let why = format!("the data is of PostgreSQL {version}, the programs are of {}", binaries.major);
                return Err(self.failed(&why));
            }
            return give(&self.pg, run_as);
        }
        let new = self.data_dir.join("pg.new");
        if new.exists() {
            fs::remove_dir_all(&new).map_err(file("remove", &new))?;
        }
        make_folder(&new, 0o700).map_err(file("make", &new))?;
        give(&new, run_as)?;
        let mut command = run_as.command(&binaries.program("initdb"), true);
        command.arg("-D").arg(&new).args(["-U", USER, "-A", "trust", "-E", "UTF8", "--no-instructions"]);
        command.arg(if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" });
        let answer = command.output().map_err(file("run", &binaries.program("initdb")))?;
        if !answer.status.success() {
            let said = last_lines(&String::from_utf8_lossy(&answer.stderr));
            return Err(EmbeddedError::Init { path: new, said });
        }
        fs::rename(&new, &self.pg).map_err(file("put in place", &self.pg))
    }

    fn launch(
        &self,
        config: &EmbeddedConfig,
        binaries: &PgBinaries,
        run_as: RunAs,
        socket_dir: PathBuf,
    ) -> Result<EmbeddedServer, EmbeddedError> {
        if fs::metadata(&self.log).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
            fs::rename(&self.log, self.log.with_extension("log.1")).map_err(file("put aside", &self.log))?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log).map_err(file("open", &self.log))?;
        let from = log.metadata().map_or(0, |meta| meta.len());
        let owned = config.lifetime == Lifetime::WithOwner;
        let mut command = run_as.command(&binaries.program("postgres"), owned);
        command.arg("-D").arg(&self.pg).arg("-k").arg(&socket_dir);
        let fixed = [
            ("listen_addresses", ""),
            ("port", "5432"),
            ("unix_socket_permissions", "0700"),
            ("max_connections", "100"),
            ("fsync", "on"),
            ("logging_collector", "off"),
            ("log_line_prefix", "%m [%p] "),
        ];
        for (name, value) in fixed {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in &config.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(log.try_clone().map_err(file("open", &self.log))?).stderr(log);

        let (tell, told) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let (pg, program) = (self.pg.clone(), binaries.program("postgres"));
        let thread = thread::Builder::new().name("hub-postgres".into()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return drop(tell.send(Err(format!("{}: {error}", program.display())))),
            };
            let ready = wait_until_ready(&mut child, &pg);
            let failed = ready.is_err();
            let told = tell.send(ready.map(|()| child.id())).is_ok();
            if failed || !told {
                return end(&mut child);
            }
            if owned {
                // Returns when the handle is dropped.
                let _ = stopped.recv();
                end(&mut child);
            }
        });
        let thread = thread.map_err(file("start a thread for", &self.pg))?;
        match told.recv().unwrap_or_else(|_| Err("its thread failed".into())) {
            Ok(pid) => {
                tracing::debug!(pid, ?run_as, "the private PostgreSQL server runs");
                Ok(EmbeddedServer { socket_dir, pid, is_new: true, owner: owned.then_some(Owner { stop, thread }) })
            }
            Err(why) => Err(self.failed(&format!("{why}; {}", last_lines(&read_from(&self.log, from))))),
        }
    }

    fn failed(&self, why: &str) -> EmbeddedError {
        EmbeddedError::Start { why: why.to_owned(), log: self.log.clone() }
    }
}

/// What `postmaster.pid` says, line by line.
struct ServerState {
    pid: u32,
    socket_dir: PathBuf,
    is_ready: bool,
}

impl ServerState {
    fn read(pg: &Path) -> Option<Self> {
        let text = fs::read_to_string(pg.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let pid = lines.first()?.trim().parse().ok()?;
        let socket_dir = PathBuf::from(lines.get(4).copied().unwrap_or_default());
        let is_ready = lines.get(7).is_some_and(|line| line.trim() == "ready");
        Some(Self { pid, socket_dir, is_ready })
    }

    /// The number may have been given to another process since: its command line must be that of our server.
    fn is_alive(&self, pg: &Path) -> bool {
        launch::command_line(self.pid)
            .is_some_and(|line| line.contains("postgres") && line.contains(&*pg.to_string_lossy()))
    }
}

fn wait_until_ready(child: &mut Child, pg: &Path) -> Result<(), String> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("it ended with {status}"));
        }
        // The file of a server that crashed may still be there: it must name our process.
        if ServerState::read(pg).is_some_and(|state| state.is_ready && state.pid == child.id()) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(format!("it was not ready after {} s", START_LIMIT.as_secs()));
        }
        thread::sleep(LOOK);
    }
}

/// Ends the server: in order, then by cutting its connections, then by force.
fn end(child: &mut Child) {
    for (name, limit) in [("INT", STOP_LIMIT), ("QUIT", STOP_LIMIT)] {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        launch::signal(child.id(), name);
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK);
        }
    }
    if child.kill().and_then(|()| child.wait()).is_err() {
        tracing::warn!(pid = child.id(), "the private PostgreSQL server could not be ended");
    }
}

fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Hands a folder and what is in it to the server's user, where it has another.
fn give(path: &Path, run_as: RunAs) -> Result<(), EmbeddedError> {
    let Some((uid, gid)) = run_as.owner() else { return Ok(()) };
    let meta = fs::symlink_metadata(path).map_err(file("look at", path))?;
    if meta.uid() == uid {
        return Ok(());
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).map_err(file("read", path))? {
            give(&entry.map_err(file("read", path))?.path(), run_as)?;
        }
    }
    // Last the folder itself: when this is interrupted, the next start goes on.
    lchown(path, Some(uid), Some(gid)).map_err(file("give to the server's user", path))
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::File { doing, path, source }
}

fn read_from(path: &Path, from: u64) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut log| {
        log.seek(SeekFrom::Start(from))?;
        log.take(LOG_LIMIT).read_to_end(&mut bytes)
    });
    read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join(" / ")
}
