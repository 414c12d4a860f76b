//! Reads how many tests passed and failed from the closing lines of the test runners, so that a number is printed only
//! when a runner said it.

/// Tests that ran, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub passed: u64,
    /// Failed, timed out, or could not be started.
    pub failed: u64,
}

/// Who wrote a line. A failing test's own output is shown by nextest and holds libtest's closing line for that one
/// test, so each runner's lines are read by its own form only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Runner {
    Nextest,
    Libtest,
}

/// Whether this line of output is the runner's closing line.
pub fn is_closing_line(runner: Runner, line: &str) -> bool {
    match runner {
        Runner::Nextest => nextest(line).is_some(),
        Runner::Libtest => libtest(line).is_some(),
    }
}

/// The counts of all closing lines, or none when no runner said anything.
pub fn total(lines: &[String]) -> Option<Counts> {
    lines.iter().filter_map(|line| nextest(line).or_else(|| libtest(line))).reduce(|sum, next| Counts {
        passed: sum.passed.saturating_add(next.passed),
        failed: sum.failed.saturating_add(next.failed),
    })
}

/// `     Summary [ 1.2s] 10 tests run: 9 passed (1 slow), 1 failed, 2 skipped`
fn nextest(line: &str) -> Option<Counts> {
    let (_, run) = line.trim().strip_prefix("Summary [")?.split_once(']')?;
    let (_, outcomes) = run.split_once(" run: ")?;
    count(&without_parentheses(outcomes), ',')
}

/// `test result: ok. 5 passed; 0 failed; 0 ignored; finished in 0.1s`
fn libtest(line: &str) -> Option<Counts> {
    let line = line.trim_end();
    let outcomes = line.strip_prefix("test result: ok. ").or_else(|| line.strip_prefix("test result: FAILED. "))?;
    count(outcomes, ';')
}

fn count(outcomes: &str, separator: char) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut said = false;
    for part in outcomes.split(separator) {
        let Some((number, word)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word {
            "passed" => counts.passed = counts.passed.saturating_add(number),
            "failed" | "timed out" | "exec failed" => counts.failed = counts.failed.saturating_add(number),
            _ => continue,
        }
        said = true;
    }
    said.then_some(counts)
}

/// `9 passed (1 slow, 1 flaky)` says in parentheses what the number before already counts.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for letter in text.chars() {
        match letter {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            other if depth == 0 => kept.push(other),
            _ => {}
        }
    }
    kept.replace(" ,", ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(runner: Runner, line: &str, expect: Option<(u64, u64)>) {
        let counts = match runner {
            Runner::Nextest => nextest(line),
            Runner::Libtest => libtest(line),
        };
        assert_eq!(counts, expect.map(|(passed, failed)| Counts { passed, failed }), "{line}");
        assert_eq!(is_closing_line(runner, line), expect.is_some(), "{line}");
    }

    #[test]
    fn nextest_lines() {
        let check = |line, expect| check(Runner::Nextest, line, expect);
        check("     Summary [   0.016s] 3 tests run: 3 passed, 0 skipped", Some((3, 0)));
        check("     Summary [   0.016s] 1 test run: 1 passed, 0 skipped", Some((1, 0)));
        check("Summary [1.2s] 9 tests run: 7 passed (1 slow, 2 flaky), 2 failed, 4 skipped", Some((7, 2)));
        check("Summary [1.2s] 9 tests run: 5 passed, 2 failed, 1 timed out, 1 exec failed, 4 skipped", Some((5, 4)));
        check("Summary [1.2s] 2/9 tests run: 1 passed, 1 failed, 0 skipped", Some((1, 1)));
        check("Summary [0.0s] 0 tests run: 0 passed, 7 skipped", Some((0, 0)));
        check("Summary of the run: 3 passed", None);
        check("Summary [0.1s] 3 tests run: lost", None);
        check("    test result: FAILED. 0 passed; 1 failed; 0 ignored", None);
    }

    #[test]
    fn libtest_lines() {
        let check = |line, expect| check(Runner::Libtest, line, expect);
        check("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; finished in 0.1s\n", Some((5, 0)));
        check("test result: FAILED. 4 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out", Some((4, 3)));
        check("    test result: ok. 5 passed; 0 failed; 1 ignored", None);
        check("12 passed, 0 failed", None);
        check("", None);
    }

    #[test]
    fn the_runners_are_added_and_silence_is_not_zero() {
        let lines = ["Summary [1s] 2 tests run: 2 passed, 0 skipped", "test result: FAILED. 4 passed; 3 failed"];
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(total(&lines), Some(Counts { passed: 6, failed: 3 }));
        assert_eq!(total(&[]), None);
    }
}
