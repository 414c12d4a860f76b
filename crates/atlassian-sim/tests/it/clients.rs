//! Unmodified public clients against the simulator, and independent judges over everything they exchanged.
//!
//! The scripts in `tests/clients` use the packages as their authors published them and know nothing of this project. So a
//! misreading of Atlassian's interface by the simulator shows here, and not first on a real site. `.ci/contract-tools`
//! installs the packages in `.contract` (another folder: `CONTRACT_DIR`); without them a test says so and ends, except
//! where `HUB_REQUIRE_CONTRACT=1` demands them, as CI does.

#![expect(clippy::print_stdout, reason = "a test that is skipped, or judged with warnings, has to say so")]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use atlassian_sim::{Options, start};
use tokio::process::Command;
use tokio::time::timeout;

/// Longest run of one script. They take a few seconds; only a request that hangs takes longer.
const SCRIPT_LIMIT: Duration = Duration::from_secs(120);

/// The folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the clients are installed.
struct Contract {
    folder: PathBuf,
}

impl Contract {
    /// The installed clients, or the reason why there are none.
    fn find() -> Result<Self, String> {
        let folder = std::env::var_os("CONTRACT_DIR").map_or_else(|| workspace().join(".contract"), PathBuf::from);
        let contract = Self { folder };
        for needed in [contract.python(), contract.folder.join("node_modules/jira.js/package.json")] {
            if !needed.exists() {
                return Err(format!("{} is missing; .ci/contract-tools installs it", needed.display()));
            }
        }
        Ok(contract)
    }

    /// The clients, or `None` after saying why the test ends here.
    ///
    /// # Panics
    /// When they are missing although `HUB_REQUIRE_CONTRACT=1` demands them.
    fn or_skip(test: &str) -> Option<Self> {
        match Self::find() {
            Ok(contract) => Some(contract),
            Err(reason) => {
                let demanded = std::env::var("HUB_REQUIRE_CONTRACT").is_ok_and(|value| value == "1");
                assert!(!demanded, "{reason}");
                println!("skipped {test}: {reason}");
                None
            }
        }
    }

    fn python(&self) -> PathBuf {
        self.folder.join(".venv/bin/python")
    }

    /// The Node that came with the clients where the machine's own is too old for them.
    fn node(&self) -> PathBuf {
        let own = self.folder.join("node_modules/.bin/node");
        if own.exists() { own } else { PathBuf::from("node") }
    }

    /// The program that runs a script, by the script's name.
    fn interpreter(&self, script: &str) -> PathBuf {
        if script.ends_with(".py") { self.python() } else { self.node() }
    }
}

/// Runs a program to its end and returns what it printed.
async fn run(command: &mut Command, what: &str) -> Output {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    match timeout(SCRIPT_LIMIT, output).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => panic!("{what} cannot be started: {error}"),
        Err(_) => panic!("{what} did not end within {SCRIPT_LIMIT:?}"),
    }
}

/// Everything that a program printed, for a failure message.
fn printed(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs one script against a fresh simulator, then the judges over the recorded exchange.
///
/// `at_least` is the number of checks known to be in the script, so that a run which lost some does not pass.
async fn prove(script: &str, at_least: usize) {
    let Some(contract) = Contract::or_skip(script) else { return };
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("no folder for the log: {error}"),
    };
    let log = folder.path().join("calls.jsonl");
    let options = Options { log: Some(log.clone()), ..Options::default() };
    let account = (options.email.clone(), options.token.clone());
    let running = match start(options).await {
        Ok(running) => running,
        Err(error) => panic!("the simulator does not start: {error}"),
    };

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let output = run(
        Command::new(contract.interpreter(script))
            .arg(path)
            .args([running.url.as_str(), &account.0, &account.1])
            .env("CONTRACT_DIR", &contract.folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1"),
        script,
    )
    .await;
    running.stop().await;

    let text = String::from_utf8_lossy(&output.stdout);
    let passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(output.status.success(), "{script} failed:\n{}", printed(&output));
    assert_eq!(text.lines().last(), Some(format!("{passed} passed, 0 failed").as_str()), "{}", printed(&output));
    assert!(passed >= at_least, "{script} made only {passed} of {at_least} checks:\n{}", printed(&output));

    judge(&contract, script, &log).await;
}

/// Every exchange must satisfy Atlassian's own descriptions of its interface.
async fn judge(contract: &Contract, script: &str, log: &Path) {
    let judge = workspace().join("../shared/contract/validate_log.py");
    if !judge.exists() {
        println!("the exchange of {script} is not judged: {} is missing", judge.display());
        return;
    }
    let output = run(
        Command::new(contract.python()).arg(&judge).arg(log).env("PYTHONDONTWRITEBYTECODE", "1"),
        "the judge of the exchange",
    )
    .await;
    let text = String::from_utf8_lossy(&output.stdout);
    let verdict = text.lines().last().unwrap_or_default();
    assert!(output.status.success() && verdict.contains(": 0 errors,"), "{script}:\n{}", printed(&output));
    println!("{script}: {verdict}");
}

#[tokio::test]
async fn the_python_package_jira_works_unmodified() {
    prove("jira_python.py", 33).await;
}

#[tokio::test]
async fn the_python_package_atlassian_python_api_works_unmodified() {
    prove("atlassian_python.py", 35).await;
}

#[tokio::test]
async fn the_npm_package_jira_js_works_unmodified() {
    prove("jira_js.mjs", 21).await;
}

#[tokio::test]
async fn the_npm_package_confluence_js_works_unmodified() {
    prove("confluence_js.mjs", 15).await;
}
