//! Workers as processes, and what the database says of their lanes.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Hub, cases};

/// A running `haida-hub work`. Dropping it kills it.
pub struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    /// Starts a worker on the hub's database; its log is JSON lines in the test's folder.
    pub fn start(hub: &Hub, name: &str, arguments: &[&str]) -> Self {
        Self::spawn(hub.command(&["work"]), hub.folder.path().join(format!("{name}.log")), arguments)
    }

    /// Starts a worker by a command that ends in `work`.
    pub fn spawn(mut command: Command, log: PathBuf, arguments: &[&str]) -> Self {
        command.args(arguments).stdout(Stdio::null()).stderr(File::create(&log).expect("a log"));
        Self { child: command.spawn().expect("the program starts"), log }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it can take lanes.
    pub async fn until_ready(&self) {
        Hub::until_logged(self, "the worker is ready", Duration::from_secs(20)).await;
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Kills it with a signal that it cannot see.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end and returns its exit code with the time it took.
    pub fn terminate(&mut self, signal: &str) -> (Option<i32>, Duration) {
        let began = Instant::now();
        self.signal(signal);
        (self.ends_within(Duration::from_secs(60)), began.elapsed())
    }

    /// The exit code of a worker that ends by itself.
    pub fn ends_within(&mut self, patience: Duration) -> Option<i32> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the worker did not end within {patience:?}: {}", self.log());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            println!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}

impl Hub {
    /// One number that the database says.
    pub async fn number(&self, sql: &str) -> i64 {
        let rows = self.database.client().await.query_typed(sql, &[]).await.expect("a number");
        rows[0].get(0)
    }

    /// Waits until the database says zero.
    pub async fn until_zero(&self, sql: &str, patience: Duration) -> Duration {
        let client = self.database.client().await;
        let began = Instant::now();
        loop {
            let left: i64 = client.query_typed(sql, &[]).await.expect("a number")[0].get(0);
            if left == 0 {
                return began.elapsed();
            }
            assert!(began.elapsed() < patience, "after {patience:?} {left} are left of: {sql}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until everything that is wanted is published.
    pub async fn until_published(&self, patience: Duration) -> Duration {
        self.until_zero(NOT_PUBLISHED, patience).await
    }

    /// Waits until a file's content says something.
    pub async fn until_logged(worker: &Worker, text: &str, patience: Duration) {
        let began = Instant::now();
        while !worker.log().contains(text) {
            assert!(began.elapsed() < patience, "the worker does not say {text:?}: {}", worker.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes so many test cases into a project.
    pub fn take_cases(&self, project: &str, count: usize) {
        let table = self.write(&format!("{project}-{count}.csv"), cases(count, |n| format!("Case {n}")));
        self.hub(&["ingest", table.to_str().expect("a path"), "--project", project]).json(0);
    }

    /// How many objects exist twice at the site, by their markers.
    pub async fn duplicates(&self) -> usize {
        let truth = self.truth().await;
        truth["markers"].as_object().expect("markers").values().filter(|count| **count != 1).count()
    }
}

/// Publications that are wanted otherwise than they are published.
pub const NOT_PUBLISHED: &str =
    "select count(*) from hub.publication where desired_hash is distinct from published_hash";
