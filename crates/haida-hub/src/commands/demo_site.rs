//! The simulated site of the demo: a process of its own, over real HTTP, that ends with this one.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use crate::{failure::Coded, settings::Settings};

/// The account that the simulated site knows.
pub const EMAIL: &str = "qa@example.com";
/// Its token, which opens nothing but the simulator on this machine.
pub const TOKEN: &str = "sim-token";

/// How long the simulator may take to start.
const START: Duration = Duration::from_secs(20);

/// A running simulated site.
pub struct Site {
    child: Child,
    /// Its address.
    pub url: String,
}

/// Finds the simulator: where the settings say, else beside this program.
fn program(settings: &Settings) -> Result<PathBuf, Coded> {
    let candidate = settings.simulator.clone().or_else(|| {
        let beside = std::env::current_exe().ok()?.with_file_name("atlassian-sim");
        Some(beside)
    });
    match candidate {
        Some(path) if path.is_file() => Ok(path),
        Some(path) => Err(Coded::helper_missing(format!("find the simulator atlassian-sim at {}", path.display()))),
        None => Err(Coded::helper_missing("find the simulator atlassian-sim")),
    }
}

impl Site {
    /// Starts a site with Jira projects and Confluence spaces (`KEY:Name`).
    pub async fn start(
        settings: &Settings,
        port: u16,
        log: Option<&Path>,
        projects: &[String],
        spaces: &[String],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program(settings)?);
        command.args(["serve", "--port", &port.to_string(), "--email", EMAIL, "--token", TOKEN, "--exit-with-parent"]);
        for project in projects {
            command.args(["--project", project]);
        }
        for space in spaces {
            command.args(["--space", space]);
        }
        if let Some(log) = log {
            command.arg("--log").arg(log);
        }
        // Its standard input is our end of a pipe: when this process dies, however, the simulator reads the end and goes.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let Some(stdout) = child.stdout.take() else { return Err(Coded::helper_missing("hear the simulator").into()) };
        let mut lines = BufReader::new(stdout).lines();
        let first = tokio::time::timeout(START, lines.next_line()).await;
        let address = match first {
            Ok(Ok(Some(line))) => line.rsplit_once("listening on ").map(|(_, url)| url.trim().to_owned()),
            Ok(Ok(None) | Err(_)) | Err(_) => None,
        };
        let Some(url) = address else {
            let mut said = String::new();
            if let Some(stderr) = child.stderr.as_mut() {
                // What it said on its way out is the reason; without a word the start itself is.
                let _ = tokio::time::timeout(Duration::from_secs(1), stderr.read_to_string(&mut said)).await;
            }
            let code = if said.contains("in use") || said.contains("taken") {
                &hub_domain::codes::PORT_TAKEN
            } else {
                &hub_domain::codes::HELPER_MISSING
            };
            return Err(Coded { code, message: format!("start the simulated site: {}", said.trim()) }.into());
        };
        Ok(Self { child, url })
    }

    /// Ends the site.
    pub async fn stop(mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(Duration::from_secs(3), self.child.wait()).await.is_err()
            && let Err(error) = self.child.kill().await
        {
            tracing::warn!(%error, "the simulated site could not be ended");
        }
    }
}
