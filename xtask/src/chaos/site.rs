//! The simulated site as a process, and the few calls that the harness makes to it itself.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::input::Project;

/// `qa@example.com:sim-token`, the simulator's only account, for Basic authentication.
const AUTHORIZATION: &str = "Basic cWFAZXhhbXBsZS5jb206c2ltLXRva2Vu";
/// The longest wait for an answer: the whole state of a large site is some ten megabytes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Milliseconds that each call takes at least, so that a kill can fall into one.
const LATENCY_MS: &str = "30";

/// A running site; it ends when this value is dropped.
pub struct Site {
    child: Child,
    address: String,
}

impl Site {
    /// Starts the site with the projects' Jira projects and spaces.
    pub fn start(program: &Path, projects: &[Project], folder: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["serve", "--exit-with-parent", "--latency-ms", LATENCY_MS, "--log"]);
        command.arg(folder.join("site.jsonl"));
        for project in projects {
            command.args(["--project", project.jira, "--space", project.space]);
        }
        let log = std::fs::File::create(folder.join("site.log")).context("cannot make the site's log")?;
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut child = child.context("cannot start the simulated site")?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).context("cannot hear the simulated site")?;
        }
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            bail!("the simulated site said {line:?} instead of its address");
        };
        Ok(Self { address: address.to_owned(), child })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that it holds.
    pub fn state(&self) -> Result<Value> {
        self.call("GET", "/_sim/state", "")
    }

    /// Calls by endpoint and status.
    pub fn stats(&self) -> Result<Value> {
        self.call("GET", "/_sim/stats", "")
    }

    /// Plays a script of faults; an empty one ends them.
    pub fn play(&self, script: &str) -> Result<()> {
        self.call("PUT", "/_sim/faults", script).map(drop)
    }

    /// One call with its JSON answer, null where there is none.
    ///
    /// # Errors
    /// The site cannot be reached or refuses the call.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let (status, answer) = exchange(&self.address, method, path, body)
            .with_context(|| format!("the simulated site does not answer {method} {path}"))?;
        if !(200..300).contains(&status) {
            bail!("the simulated site answered {method} {path} with {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A call of HTTP/1.0, which needs no client library: the answer ends with the connection.
fn exchange(address: &str, method: &str, path: &str, body: &str) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let kind = if body.starts_with(['{', '[']) { "application/json" } else { "text/plain" };
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nhost: {address}\r\nauthorization: {AUTHORIZATION}\r\ncontent-type: {kind}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("the answer has no head")?;
    let (head, rest) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).context("the answer has no status")?;
    Ok((status, rest.get(4..).unwrap_or_default().to_vec()))
}
