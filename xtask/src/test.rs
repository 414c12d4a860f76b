//! `cargo xtask test`: every test of the workspace, with cargo-nextest where it is installed.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::summary::{self, Runner};
use crate::{prerequisites, process};

/// What is passed on to the test runner.
#[derive(clap::Args)]
pub struct Arguments {
    /// Passed to `cargo nextest run` (or `cargo test`) as they are, for example `-p hub-formats csv`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    runner: Vec<String>,
}

/// How the tests are run.
pub struct Options<'a> {
    /// For the runner; without any, the whole workspace and its documentation examples run.
    pub runner: &'a [String],
    /// The wire contract is installed: a test that cannot reach it fails instead of skipping.
    pub require_contract: bool,
    /// Whether the first failure ends the run: at home that is quickest, in CI the whole list is wanted.
    pub fail_fast: bool,
}

/// What a run said at its end.
pub struct Ran {
    pub success: bool,
    /// The runners' closing lines as they stood.
    pub closing_lines: Vec<String>,
}

/// The command for people: the runner keeps the terminal, so that its progress bar shows.
///
/// # Errors
/// A prerequisite is missing, a build fails, or a test fails.
pub fn command(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    prepare(root)?;
    let options = Options { runner: &arguments.runner, require_contract: false, fail_fast: true };
    for (_, mut step) in steps(root, &options) {
        process::run(&mut step)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The same for CI: what the runners say at the end is kept.
///
/// # Errors
/// A prerequisite is missing, a build fails, or a runner cannot be started; a failing test is told in [`Ran`].
pub fn run(root: &Path, options: &Options<'_>) -> Result<Ran> {
    prepare(root)?;
    let mut ran = Ran { success: true, closing_lines: Vec::new() };
    for (runner, mut step) in steps(root, options) {
        let (success, lines) = process::run_and_keep(&mut step, move |line| summary::is_closing_line(runner, line))?;
        ran.closing_lines.extend(lines);
        ran.success &= success;
        if !success && options.fail_fast {
            break;
        }
    }
    if ran.success && summary::total(&ran.closing_lines).is_none_or(|counts| counts.passed == 0) {
        bail!("the test runner ended well and reported no passed test");
    }
    Ok(ran)
}

/// Tests start these programs; a runner builds a program only for the tests of its own package.
fn prepare(root: &Path) -> Result<()> {
    prerequisites::check()?;
    process::run(&mut process::cargo(root, &["build", "--package", "haida-hub", "--package", "atlassian-sim"]))
}

fn steps(root: &Path, options: &Options<'_>) -> Vec<(Runner, Command)> {
    let nextest = process::has_cargo_command(root, "nextest");
    plan(nextest, options.fail_fast, options.runner)
        .into_iter()
        .map(|(runner, words)| {
            let mut command = process::cargo(root, &[]);
            command.args(words);
            if options.require_contract {
                command.env("HUB_REQUIRE_CONTRACT", "1");
            }
            (runner, command)
        })
        .collect()
}

/// The cargo commands, without `cargo`, and who will report.
fn plan(nextest: bool, fail_fast: bool, runner: &[String]) -> Vec<(Runner, Vec<String>)> {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (who, mut first) =
        if nextest { (Runner::Nextest, words(&["nextest", "run"])) } else { (Runner::Libtest, words(&["test"])) };
    if !names_a_package(runner) {
        first.push("--workspace".to_owned());
    }
    if !fail_fast {
        first.push("--no-fail-fast".to_owned());
    }
    first.extend_from_slice(runner);
    let mut plan = vec![(who, first)];
    // nextest runs no documentation examples; a run that was narrowed down by arguments does not want all of them.
    if nextest && runner.is_empty() {
        plan.push((Runner::Libtest, words(&["test", "--doc", "--workspace"])));
    }
    plan
}

fn names_a_package(runner: &[String]) -> bool {
    runner.iter().take_while(|word| *word != "--").any(|word| word.starts_with("-p") || word.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(nextest: bool, runner: &str, expect: &[&str]) {
        let runner: Vec<String> = runner.split_whitespace().map(str::to_owned).collect();
        let plan: Vec<String> = plan(nextest, true, &runner).iter().map(|(_, words)| words.join(" ")).collect();
        assert_eq!(plan, expect);
    }

    #[test]
    fn all_tests_and_the_examples() {
        check(true, "", &["nextest run --workspace", "test --doc --workspace"]);
        check(false, "", &["test --workspace"]);
    }

    #[test]
    fn ci_wants_every_failure() {
        let plan: Vec<String> = plan(true, false, &[]).iter().map(|(_, words)| words.join(" ")).collect();
        assert_eq!(plan, ["nextest run --workspace --no-fail-fast", "test --doc --workspace"]);
    }

    #[test]
    fn arguments_narrow_the_run() {
        check(true, "-p hub-formats csv", &["nextest run -p hub-formats csv"]);
        check(true, "csv", &["nextest run --workspace csv"]);
        check(false, "--package=hub-jira", &["test --package=hub-jira"]);
        check(false, "csv -- --nocapture", &["test --workspace csv -- --nocapture"]);
    }
}
