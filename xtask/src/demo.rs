//! `cargo xtask demo`: from a fresh machine with Rust to published issues and pages, in one command.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::{prerequisites, process};

/// The flags of `haida-hub demo`, which does the work; this command prepares the machine and builds.
#[derive(clap::Args)]
pub struct Arguments {
    /// End after publishing instead of staying up until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Print the summary as JSON on standard output, everything else on standard error.
    #[arg(long)]
    json: bool,
    /// Load the files of this folder instead of `sample/`.
    #[arg(long, value_name = "DIR")]
    samples: Option<PathBuf>,
    /// Passed to `haida-hub demo` as they are.
    #[arg(last = true, value_name = "EXTRA")]
    extra: Vec<String>,
}

/// Prepares, builds, and becomes the demo.
///
/// # Errors
/// A prerequisite is missing, the build fails, or the program cannot be started. The demo's own exit code is passed on.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    prerequisites::check()?;
    let hub = build(root, arguments.json)?;
    // Not `current_dir(root)`: a relative folder after `--samples` means the user's.
    let mut command = Command::new(hub);
    command.args(hub_arguments(arguments));
    become_program(command)
}

fn hub_arguments(arguments: &Arguments) -> Vec<std::ffi::OsString> {
    let mut words = vec!["demo".into()];
    if arguments.once {
        words.push("--once".into());
    }
    if arguments.json {
        words.push("--json".into());
    }
    if let Some(folder) = &arguments.samples {
        words.push("--samples".into());
        words.push(folder.into());
    }
    words.extend(arguments.extra.iter().map(Into::into));
    words
}

/// Builds both programs and returns where cargo put the hub: a user's own target folder is respected.
pub fn build(root: &Path, quiet: bool) -> Result<PathBuf> {
    let mut command = process::cargo(root, &["build", "--package", "haida-hub", "--package", "atlassian-sim"]);
    command.arg("--message-format=json-render-diagnostics");
    if quiet {
        command.arg("--quiet");
    }
    // Messages for people go to standard error; standard output carries one JSON message per artifact, for us.
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the build failed, see above");
    }
    executable(&String::from_utf8_lossy(&output.stdout), "haida-hub").context("cargo named no program haida-hub")
}

fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message.pointer("/target/name")? == name;
        is_it.then(|| message.get("executable")?.as_str().map(PathBuf::from))?
    })
}

/// On Unix this process becomes the demo: Ctrl-C, signals and the exit code are the demo's own, and no process stands
/// between it and the terminal that could be left behind.
#[cfg(unix)]
fn become_program(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let problem = command.exec();
    Err(problem).with_context(|| format!("cannot start {}", Path::new(command.get_program()).display()))
}

#[cfg(not(unix))]
fn become_program(mut command: Command) -> Result<ExitCode> {
    let status =
        command.status().with_context(|| format!("cannot start {}", Path::new(command.get_program()).display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_passed_on() {
        let all = Arguments { once: true, json: true, samples: Some("../data".into()), extra: vec!["--port=0".into()] };
        assert_eq!(hub_arguments(&all), ["demo", "--once", "--json", "--samples", "../data", "--port=0"]);
        let none = Arguments { once: false, json: false, samples: None, extra: Vec::new() };
        assert_eq!(hub_arguments(&none), ["demo"]);
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"hub-domain\"},\"executable\":null}\n",
            "not JSON\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"haida-hub\"},\"executable\":null}\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"haida-hub\"},\"executable\":\"/t/debug/haida-hub\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n"
        );
        assert_eq!(executable(messages, "haida-hub"), Some(PathBuf::from("/t/debug/haida-hub")));
        assert_eq!(executable(messages, "atlassian-sim"), None);
    }
}
