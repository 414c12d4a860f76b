//! `cargo xtask ci`: everything that has to hold before a change lands, in the order in which a mistake is found soonest.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::summary::{self, Counts};
use crate::{chaos, prerequisites, process, test, tidy};

/// Where the independent judges of the wire format are, beside the workspace; not part of the project.
const CONTRACT: &str = "../shared/contract";

/// How a step ended well.
enum Ended {
    Passed,
    /// With what is missing and how to get it.
    Skipped(&'static str),
}

/// What the steps share.
struct Run<'a> {
    root: &'a Path,
    /// The test runners' own closing lines, printed last: who reads only the end of the output sees them.
    closing_lines: Vec<String>,
}

struct Step {
    name: &'static str,
    run: fn(&mut Run<'_>) -> Result<Ended>,
}

const STEPS: &[Step] = &[
    Step { name: "prerequisites", run: prerequisites },
    Step { name: "format", run: format },
    Step { name: "tidy", run: check_tidy },
    Step { name: "clippy", run: clippy },
    Step { name: "contract tools", run: contract_tools },
    Step { name: "test", run: tests },
    Step { name: "chaos", run: a_tenth_of_the_mix },
    Step { name: "rustdoc", run: rustdoc },
    Step { name: "licences", run: licences },
    Step { name: "unused dependencies", run: unused_dependencies },
];

/// Runs the steps up to the first that fails, and ends with a table of them.
///
/// The first failing step is named below the table. The last lines are the test runners' own, failed or not, and are
/// followed by nothing.
pub fn run(root: &Path) -> ExitCode {
    let mut shared = Run { root, closing_lines: Vec::new() };
    let mut rows = Vec::new();
    let mut failure = None;
    for step in STEPS {
        println!("== {}", step.name);
        let started = Instant::now();
        let result = (step.run)(&mut shared);
        let outcome = match &result {
            Ok(Ended::Passed) => "passed".to_owned(),
            Ok(Ended::Skipped(why)) => {
                println!("skipped: {why}");
                format!("skipped: {why}")
            }
            Err(_) => "FAILED".to_owned(),
        };
        rows.push((step.name, started.elapsed(), outcome));
        if let Err(problem) = result {
            failure = Some(problem.context(format!("step `{}` failed", step.name)));
            break;
        }
    }
    println!("\n{}", table(&rows));
    if let Some(problem) = &failure {
        println!("{problem:#}");
    }
    for line in &shared.closing_lines {
        println!("{line}");
    }
    if let Some(line) = summary::total(&shared.closing_lines).map(closing_line) {
        println!("{line}");
    }
    if failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn closing_line(counts: Counts) -> String {
    format!("{} passed, {} failed", counts.passed, counts.failed)
}

fn table(rows: &[(&str, Duration, String)]) -> String {
    let mut text = String::new();
    for (name, time, outcome) in rows {
        text.push_str(&format!("{name:<20} {:>8.1} s  {outcome}\n", time.as_secs_f64()));
    }
    text
}

/// First, so that a machine that lacks something says so before it has built for minutes.
fn prerequisites(_: &mut Run<'_>) -> Result<Ended> {
    prerequisites::check()?;
    prerequisites::wrong_clock()?;
    Ok(Ended::Passed)
}

fn format(shared: &mut Run<'_>) -> Result<Ended> {
    cargo(shared, &["fmt", "--all", "--check"])
}

fn check_tidy(shared: &mut Run<'_>) -> Result<Ended> {
    let findings = tidy::check(shared.root)?;
    tidy::print(&findings);
    if !findings.is_empty() {
        bail!("tidy found {}", findings.len());
    }
    Ok(Ended::Passed)
}

fn clippy(shared: &mut Run<'_>) -> Result<Ended> {
    cargo(shared, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn contract_tools(shared: &mut Run<'_>) -> Result<Ended> {
    if !has_contract(shared.root) {
        return Ok(Ended::Skipped("the wire contract is not beside this checkout, so nothing is judged by it"));
    }
    process::run(Command::new(shared.root.join(".ci/contract-tools")).arg(".contract").current_dir(shared.root))?;
    Ok(Ended::Passed)
}

fn tests(shared: &mut Run<'_>) -> Result<Ended> {
    let options = test::Options { runner: &[], require_contract: has_contract(shared.root), fail_fast: false };
    let ran = test::run(shared.root, &options)?;
    shared.closing_lines = ran.closing_lines;
    if !ran.success {
        bail!("a test failed or could not be built");
    }
    Ok(Ended::Passed)
}

/// The programs are those that the tests have built.
fn a_tenth_of_the_mix(shared: &mut Run<'_>) -> Result<Ended> {
    if !chaos::tenth(shared.root)? {
        bail!("the release mix broke a limit, see its table");
    }
    Ok(Ended::Passed)
}

fn rustdoc(shared: &mut Run<'_>) -> Result<Ended> {
    let mut command = process::cargo(shared.root, &["doc", "--no-deps", "--workspace"]);
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Ended::Passed)
}

fn licences(shared: &mut Run<'_>) -> Result<Ended> {
    if !process::has_cargo_command(shared.root, "deny") {
        return Ok(Ended::Skipped("cargo-deny is not installed (cargo install --locked cargo-deny)"));
    }
    cargo(shared, &["deny", "check", "licenses", "bans", "sources"])
}

fn unused_dependencies(shared: &mut Run<'_>) -> Result<Ended> {
    if !process::has_cargo_command(shared.root, "machete") {
        return Ok(Ended::Skipped("cargo-machete is not installed (cargo install --locked cargo-machete)"));
    }
    cargo(shared, &["machete"])
}

fn cargo(shared: &Run<'_>, arguments: &[&str]) -> Result<Ended> {
    process::run(&mut process::cargo(shared.root, arguments))?;
    Ok(Ended::Passed)
}

fn has_contract(root: &Path) -> bool {
    root.join(CONTRACT).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_step() {
        let rows = [
            ("format", Duration::from_millis(1_240), "passed".to_owned()),
            ("unused dependencies", Duration::from_secs(100), "skipped: not installed".to_owned()),
        ];
        let expect = "format                    1.2 s  passed\n\
                      unused dependencies     100.0 s  skipped: not installed\n";
        assert_eq!(table(&rows), expect);
    }

    #[test]
    fn the_closing_line_says_both_numbers() {
        assert_eq!(closing_line(Counts { passed: 12, failed: 0 }), "12 passed, 0 failed");
    }

    #[test]
    fn without_the_contract_its_tools_are_skipped_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("checkout");
        std::fs::create_dir(&root).unwrap();
        let mut shared = Run { root: &root, closing_lines: Vec::new() };
        assert!(matches!(contract_tools(&mut shared).unwrap(), Ended::Skipped(why) if why.contains("contract")));
    }

    #[test]
    fn with_the_contract_a_missing_script_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("shared/contract")).unwrap();
        let root = folder.path().join("checkout");
        std::fs::create_dir(&root).unwrap();
        let mut shared = Run { root: &root, closing_lines: Vec::new() };
        assert!(contract_tools(&mut shared).is_err());
    }
}
