//! Starting other programs: cargo and what CI needs besides. Each failure names the program and what it ended with.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// A cargo command in the workspace, with the cargo that started this program.
pub fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    command
}

/// Whether `cargo NAME` exists here, asked by its version.
pub fn has_cargo_command(root: &Path, name: &str) -> bool {
    cargo(root, &[name, "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command to its end with the terminal that this program has.
///
/// # Errors
/// The program cannot be started, or it ends with anything but 0.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end, passes both of its streams on line by line, and returns the lines that `keep` wants,
/// together with whether it ended with 0. A failing test run still has a summary worth reading.
///
/// # Errors
/// The program cannot be started, or its streams cannot be read.
pub fn run_and_keep(
    command: &mut Command,
    keep: impl Fn(&str) -> bool + Copy + Send + 'static,
) -> Result<(bool, Vec<String>)> {
    let shown = show(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("`{shown}` has no streams to read");
    };
    // Both pipes are emptied at the same time: a child that fills the one nobody reads would wait for ever.
    let errors = thread::spawn(move || forward(err, &mut std::io::stderr(), keep));
    let mut kept = forward(out, &mut std::io::stdout(), keep)?;
    match errors.join() {
        Ok(lines) => kept.extend(lines?),
        Err(_) => bail!("the reader of `{shown}` broke off"),
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{shown}`"))?;
    Ok((status.success(), kept))
}

fn forward(from: impl Read, to: &mut impl Write, keep: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut kept = Vec::new();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    // Bytes, not `lines()`: a test may print what is no UTF-8, and that must not end the run.
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        let text = String::from_utf8_lossy(&line);
        if keep(&text) {
            kept.push(text.trim_end().to_owned());
        }
        line.clear();
    }
    to.flush()?;
    Ok(kept)
}

/// The command as one would type it, for messages.
fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(command.get_program()).to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_kept_and_a_failure_is_told() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo keep out; echo drop; echo keep err >&2; printf 'keep \\377\\n'; exit 3"]);
        let (success, kept) = run_and_keep(&mut command, |line| line.starts_with("keep")).unwrap();
        assert!(!success);
        assert_eq!(kept, ["keep out", "keep \u{fffd}", "keep err"]);
    }

    #[test]
    fn a_failing_program_is_named_with_its_arguments() {
        let problem = run(Command::new("sh").args(["-c", "exit 7"])).unwrap_err().to_string();
        assert!(problem.contains("sh -c exit 7"), "{problem}");
        assert!(problem.contains('7'), "{problem}");
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let problem = run(&mut Command::new("no-such-program-here")).unwrap_err().to_string();
        assert_eq!(problem, "cannot start `no-such-program-here`");
    }
}
