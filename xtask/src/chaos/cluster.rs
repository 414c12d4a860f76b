//! A PostgreSQL server of the mix's own, which can lose its connections, its last seconds and its disk.
//!
//! Its data lies on a small file system of its own where one may be mounted, so that "the disk is full" is the real
//! error. Its journal is archived beside it; a restore takes an earlier copy, replays the journal up to three seconds
//! ago and goes on from there on a new timeline, as a standby does that is promoted after it has lost the rest.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// The superuser that initdb creates.
const USER: &str = "hub";
/// How long a start may take: recovery reads the journal.
const START: Duration = Duration::from_secs(90);
/// What a restore loses, as PostgreSQL's interval.
const LOST: &str = "3 seconds";
/// The size of the small file system. A journal of 256 MB and the data of a full mix fit.
const DISK: &str = "size=700m,mode=0755";

/// A server; it ends when this value is dropped, and its file system goes.
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    /// Who the server runs as, where this process is root, which PostgreSQL refuses.
    user: Option<(u32, u32)>,
    server: Option<Child>,
    mounted: bool,
    backups: usize,
    /// Cleans up when its standard input ends, however this process does.
    watchdog: Option<Child>,
}

/// Waits for the end of its input, then ends the server and lets the file system go. A terminal's Ctrl-C does not reach it.
const WATCHDOG: &str = r#"trap '' INT TERM HUP
read -r _
pid=$(head -n 1 "$1/pg/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
umount -l "$1" 2>/dev/null"#;

/// What a restore did.
pub struct Restored {
    pub timeline: String,
    /// Lines of the audit trail before and after.
    pub audit: (u64, u64),
    pub took: Duration,
}

impl Cluster {
    /// Makes a cluster in a folder and starts it.
    pub fn start(bin: &Path, folder: &Path) -> Result<Self> {
        let user = if is_root()? { Some(unprivileged()?) } else { None };
        let mut cluster = Self {
            bin: bin.to_owned(),
            folder: folder.to_owned(),
            user,
            server: None,
            mounted: false,
            backups: 0,
            watchdog: None,
        };
        for name in ["disk", "archive", "sock"] {
            cluster.make(&cluster.folder.join(name))?;
        }
        cluster.mounted = cluster.mount();
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "haida-hub-chaos-watchdog"]).arg(cluster.folder.join("disk"));
        cluster.watchdog = Some(watchdog.stdin(Stdio::piped()).spawn().context("cannot start the watchdog")?);
        cluster.make(&cluster.data())?;
        let mut init = cluster.command("initdb");
        init.arg("-D").arg(cluster.data()).args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        finish(&mut init, "initdb")?;
        cluster.launch(&[])?;
        Ok(cluster)
    }

    /// The address of its database, as the hub takes it.
    pub fn address(&self) -> String {
        format!("host={} port=5432 user={USER} dbname=postgres", self.folder.join("sock").display())
    }

    /// Whether its disk can be filled.
    pub fn can_be_filled(&self) -> bool {
        self.mounted
    }

    fn data(&self) -> PathBuf {
        self.folder.join("disk/pg")
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("disk/ballast")
    }

    fn make(&self, path: &Path) -> Result<()> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        self.give(path)
    }

    fn give(&self, path: &Path) -> Result<()> {
        let Some((uid, gid)) = self.user else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(uid), Some(gid)).with_context(|| format!("cannot give {}", path.display()))
    }

    fn mount(&self) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", DISK, "haida-hub-chaos"]).arg(self.folder.join("disk"));
        mount.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    }

    /// One of the server's programs, as the user that it accepts.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8");
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    fn launch(&mut self, recovery: &[String]) -> Result<()> {
        let path = self.folder.join("postgres.log");
        let log: File = OpenOptions::new().create(true).append(true).open(&path).context("cannot open postgres.log")?;
        let archive = self.folder.join("archive").display().to_string();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.join("sock"));
        let settings = [
            "listen_addresses=".to_owned(),
            "max_connections=100".to_owned(),
            "max_wal_size=256MB".to_owned(),
            "log_line_prefix=%m [%p] ".to_owned(),
            "archive_mode=on".to_owned(),
            format!("archive_command=cp %p '{archive}/%f.part' && mv '{archive}/%f.part' '{archive}/%f'"),
            // Nobody may read before a restore has ended: the hub would take it for a server that refuses to write.
            "hot_standby=off".to_owned(),
        ];
        for setting in settings.iter().chain(recovery) {
            command.arg("-c").arg(setting);
        }
        let child = command.stdout(log.try_clone().context("cannot share a log")?).stderr(log).spawn();
        self.server = Some(child.context("cannot start PostgreSQL")?);
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if !self.is_running() {
                bail!("PostgreSQL ended while it started, see postgres.log");
            }
            if self.ask("select 1").is_ok_and(|answer| answer == "1") {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("PostgreSQL was not ready within {} s, see postgres.log", START.as_secs())
    }

    fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(|server| matches!(server.try_wait(), Ok(None)))
    }

    /// Ends the server without a checkpoint, as a crash does.
    fn crash(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            if matches!(server.try_wait(), Ok(None)) {
                finish(Command::new("kill").args(["-QUIT", &server.id().to_string()]), "kill")?;
            }
            server.wait().context("cannot wait for PostgreSQL")?;
        }
        Ok(())
    }

    /// Ends without a checkpoint and starts again.
    pub fn restart(&mut self) -> Result<Duration> {
        let started = Instant::now();
        self.crash()?;
        self.launch(&[])?;
        Ok(started.elapsed())
    }

    /// Takes the copy that restores begin with.
    pub fn back_up(&mut self) -> Result<()> {
        self.backups += 1;
        let target = self.backup();
        let mut command = self.command("pg_basebackup");
        self.make(&target)?;
        // The copy becomes the data folder, which the server wants for itself.
        fs::set_permissions(&target, fs::Permissions::from_mode(0o700)).context("cannot close the backup")?;
        command
            .arg("-h")
            .arg(self.folder.join("sock"))
            .args(["-U", USER, "-X", "none", "-c", "fast", "-D"])
            .arg(target);
        finish(&mut command, "pg_basebackup")
    }

    fn backup(&self) -> PathBuf {
        self.folder.join(format!("backup-{}", self.backups))
    }

    /// Brings the server back without its last seconds, on a new timeline; where more restores follow, with a new copy.
    pub fn restore(&mut self, more_follow: bool) -> Result<Restored> {
        let started = Instant::now();
        let audit = |cluster: &Self| -> Result<u64> {
            cluster.ask("select count(*) from hub.audit_log")?.parse().context("no count of the audit trail")
        };
        let before = audit(self)?;
        let until = self.ask(&format!("select clock_timestamp() - interval '{LOST}'"))?;
        // Recovery must see that the moment has passed: a transaction after it.
        self.ask("select txid_current()")?;
        self.crash()?;
        self.archive_the_rest()?;
        fs::remove_dir_all(self.data()).context("cannot remove the old data")?;
        finish(Command::new("cp").arg("-a").arg(self.backup()).arg(self.data()), "cp")?;
        let signal = self.data().join("recovery.signal");
        File::create(&signal).context("cannot ask for recovery")?;
        self.give(&signal)?;
        self.launch(&[
            format!("restore_command=cp '{}/%f' %p", self.folder.join("archive").display()),
            format!("recovery_target_time={until}"),
            "recovery_target_action=promote".to_owned(),
        ])?;
        let after = audit(self)?;
        let timeline = self.ask("select timeline_id from pg_control_checkpoint()")?;
        if more_follow {
            self.back_up()?;
        }
        Ok(Restored { timeline, audit: (before, after), took: started.elapsed() })
    }

    /// Segments of the journal that the server had not archived when it ended.
    fn archive_the_rest(&self) -> Result<()> {
        let journal = self.data().join("pg_wal");
        for entry in fs::read_dir(&journal).context("cannot read the journal")? {
            let entry = entry.context("cannot read the journal")?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_segment = name.len() == 24 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            let target = self.folder.join("archive").join(&name);
            if (is_segment || name.ends_with(".history")) && !target.exists() {
                fs::copy(entry.path(), &target).context("cannot archive the journal")?;
                self.give(&target)?;
            }
        }
        Ok(())
    }

    /// Takes all that is left of the disk. Returns how much that was, in bytes.
    pub fn fill_disk(&self) -> Result<u64> {
        let mut ballast = File::create(self.ballast()).context("cannot make the ballast")?;
        for block in [vec![0u8; 1 << 20], vec![0u8; 4096]] {
            while ballast.write_all(&block).is_ok() {}
        }
        Ok(fs::metadata(self.ballast()).context("the ballast is gone")?.len())
    }

    /// Gives it back, and starts the server where it did not survive.
    pub fn free_disk(&mut self) -> Result<bool> {
        fs::remove_file(self.ballast()).context("cannot remove the ballast")?;
        // A server that just dies of it needs a moment to be gone.
        thread::sleep(Duration::from_millis(300));
        let survived = self.is_running();
        if !survived {
            self.launch(&[])?;
        }
        Ok(survived)
    }

    /// The answer to a statement, as text.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses the statement.
    pub fn ask(&self, sql: &str) -> Result<String> {
        let mut command = self.command("psql");
        command.arg("-h").arg(self.folder.join("sock")).args(["-U", USER, "-d", "postgres", "-XAtq", "-c", sql]);
        let output = command.output().context("cannot start psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.crash().is_err() {
            eprintln!("PostgreSQL in {} could not be ended", self.folder.display());
        }
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.stdin.take());
            // It has nothing to say; what it could not do is still mounted and shows.
            let _ = watchdog.wait();
        }
    }
}

fn finish(command: &mut Command, name: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self").context("cannot tell who this is")?.uid() == 0)
}

/// The user `postgres`, else `nobody`.
fn unprivileged() -> Result<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd").context("cannot read the users")?;
    let find = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).context("there is no user postgres or nobody to run PostgreSQL as")
}
