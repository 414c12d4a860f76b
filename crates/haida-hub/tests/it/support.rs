//! A hub for one test: its own database, its own site, and the program as a process.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use atlassian_sim::{Options, Running, start};
use hub_testkit::TestDatabase;
use serde_json::Value;
use tempfile::TempDir;

/// The hub, its database and its site.
pub struct Hub {
    pub database: TestDatabase,
    pub site: Running,
    pub folder: TempDir,
}

/// What a run of the program left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Standard output as JSON, after a run that must have ended with `code`.
    #[track_caller]
    pub fn json(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }

    /// The code of the error that the run reported.
    #[track_caller]
    pub fn error_code(&self) -> String {
        let value: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout));
        value["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// The program, without a database.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haida-hub"));
    command.env_remove("DATABASE_URL").env_remove("HUB_PG_BIN").env_remove("HUB_TENANT").stdin(Stdio::null());
    command
}

pub fn run(command: &mut Command) -> Ran {
    Ran::of(command.output().expect("the program starts"))
}

/// The folder above the workspace's, where material for reading and testing lies on some machines.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    found.exists().then_some(found)
}

impl Hub {
    pub async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        Self::with_projects(options, &["SHOP"]).await
    }

    /// A site with these Jira projects, each with a space of the same key.
    pub async fn with_projects(options: Options, keys: &[&str]) -> Self {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let options = Options { projects: keys.clone(), spaces: keys, ..options };
        let hub = Self {
            database: TestDatabase::fresh().await,
            site: start(options).await.expect("the site starts"),
            folder: tempfile::tempdir().expect("a folder"),
        };
        hub.write("token", "sim-token");
        hub
    }

    /// Writes a file into the test's folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.env("DATABASE_URL", self.database.address()).env("HUB_DATA_DIR", self.folder.path().join("data"));
        command.arg("--json").args(arguments);
        command
    }

    pub fn hub(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Runs the program, which must end by itself within so many seconds.
    #[track_caller]
    pub fn hub_within(&self, seconds: u64, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while child.try_wait().expect("a child").is_none() {
            if Instant::now() > deadline {
                child.kill().expect("it is killed");
                let ran = Ran::of(child.wait_with_output().expect("its output"));
                panic!("{arguments:?} did not end within {seconds} s: {}", ran.stderr);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ran::of(child.wait_with_output().expect("its output"))
    }

    /// Starts the program and lets it run.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    /// Adds the project `shop`.
    pub fn add_project(&self, site: &str, credential: &str) -> Ran {
        self.add_project_named("SHOP", site, credential)
    }

    /// Adds a project whose key is a Jira project's in lower case.
    pub fn add_project_named(&self, jira_project: &str, site: &str, credential: &str) -> Ran {
        let words = self.add_command(jira_project, site, credential);
        self.hub(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The arguments that add such a project.
    pub fn add_command(&self, jira_project: &str, site: &str, credential: &str) -> Vec<String> {
        let key = jira_project.to_lowercase();
        let words =
            ["project", "add", "--key", &key, "--jira-project", jira_project, "--confluence-space", jira_project];
        let account = ["--account-email", "qa@example.com", "--site", site, "--credential", credential];
        words.into_iter().chain(account).map(str::to_owned).collect()
    }

    pub fn credential(&self) -> String {
        format!("file://{}", self.folder.path().join("token").display())
    }

    /// Adds the project at the test's site with the right token.
    pub fn ready(&self) {
        self.add_project(&self.site.url, &self.credential()).json(0);
    }

    pub async fn get(&self, path: &str) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::get(format!("{}{path}", self.site.url)).await.expect("the site answers");
        answer.json().await.expect("JSON")
    }

    /// What a person deletes at the site.
    pub async fn delete(&self, path: &str) {
        self.person(reqwest::Method::DELETE, path, None).await;
    }

    /// What a person does at the site, and its answer.
    pub async fn person(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.site.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.basic_auth("qa@example.com", Some("sim-token")).send().await.expect("the site answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    pub async fn page(&self, path: &str) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::get(format!("{}{path}", self.site.url)).await.expect("the site answers").text().await.expect("text")
    }

    /// What really exists at the site.
    pub async fn truth(&self) -> Value {
        self.get("/_sim/state").await
    }

    /// Issues at the site.
    pub async fn issues(&self) -> Vec<Value> {
        self.truth().await["issues"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the site holds so many issues.
    pub async fn until_issues_exist(&self, count: usize) {
        for _ in 0..1_000 {
            if self.issues().await.len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{count} issues did not appear within 20 s");
    }
}

/// A pipe-separated table of test cases with ids `TC_X_001`..
pub fn cases(count: usize, title: impl Fn(usize) -> String) -> String {
    let mut text = "TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS|\
                    RESULTADO_ESPERADO|PRIORIDAD|RIESGO|ETIQUETA_AUTOMATIZACION|ESTADO\n"
        .to_owned();
    for n in 1..=count {
        text.push_str(&format!(
            "TC_X_{n:03}|E2E|Cart|Prices|REQ-{n}|{}|A cart|1. Open 2. Pay|Paid|P1|Alto|@cart @ios|Generado\n",
            title(n)
        ));
    }
    text
}
