//! What the output of a Go test says of its failure.

/// The output without the lines by which `go test` marks where tests begin, wait and end.
pub(super) fn without_frames(output: &str) -> String {
    let is_frame = |line: &str| {
        let line = line.trim_start();
        let marks = ["=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME ", "=== ATTR ", "=== ARTIFACTS "];
        let ends = ["--- PASS: ", "--- FAIL: ", "--- SKIP: ", "--- BENCH: "];
        marks.iter().chain(&ends).any(|mark| line.starts_with(mark))
    };
    output.split_inclusive('\n').filter(|line| !is_frame(line)).collect()
}

/// Whether the output holds a panic.
pub(super) fn is_panic(output: &str) -> bool {
    output.lines().any(|line| line.starts_with("panic: ") || line.starts_with("fatal error: "))
}

/// What the output says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kind: Option<String>,
    pub(super) message: Option<String>,
}

impl Said {
    /// A panic or a data race says it best, else the first line behind a place in the source (`a_test.go:12: `), else
    /// the first line.
    pub(super) fn of(output: &str) -> Self {
        let grave = output.lines().find_map(|line| {
            let line = line.trim();
            let timed_out = line.starts_with("panic: test timed out");
            let kind = match line {
                _ if timed_out => "test timed out",
                _ if line.starts_with("panic: ") => "panic",
                _ if line.starts_with("fatal error: ") => "fatal error",
                "WARNING: DATA RACE" => "data race",
                _ => return None,
            };
            Some(Self { kind: Some(kind.to_owned()), message: Some(line.to_owned()) })
        });
        grave.unwrap_or_else(|| Self { kind: None, message: message(output) })
    }
}

fn message(output: &str) -> Option<String> {
    let mut first = None;
    let mut lines = output.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        // `# package` stands above what its compiler says.
        if line.is_empty() || line.starts_with("# ") || line == "FAIL" || line == "PASS" {
            continue;
        }
        let Some(said) = behind_place(line) else {
            first.get_or_insert(line);
            continue;
        };
        if !said.is_empty() {
            return Some(said.to_owned());
        }
        // Testify writes a table below an empty line.
        let rest = lines.clone().map(str::trim);
        if let Some(error) = rest.take(20).find_map(|line| line.strip_prefix("Error:")) {
            return Some(error.trim().to_owned());
        }
    }
    first.map(str::to_owned)
}

/// What follows `file.go:12: ` or `file.go:12:3: `.
fn behind_place(line: &str) -> Option<&str> {
    let (file, rest) = line.split_once(".go:")?;
    if file.contains(' ') {
        return None;
    }
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_why_is_found() {
        for (output, kind, message) in [
            ("    a_test.go:12: want 1, got 2\n        more\n", None, Some("want 1, got 2")),
            ("log\n    a_test.go:3: \n\tError Trace:\tx\n\tError:      \tNot equal: \n", None, Some("Not equal:")),
            ("x\npanic: boom\n\ngoroutine 7 [running]:\n", Some("panic"), Some("panic: boom")),
            ("panic: test timed out after 1s\n", Some("test timed out"), Some("panic: test timed out after 1s")),
            ("==\nWARNING: DATA RACE\nRead\n", Some("data race"), Some("WARNING: DATA RACE")),
            ("# example.com/a\n./a.go:3:5: undefined: x\n", None, Some("undefined: x")),
            ("plain words\n", None, Some("plain words")),
            ("\n", None, None),
        ] {
            let said = Said::of(output);
            assert_eq!((said.kind.as_deref(), said.message.as_deref()), (kind, message), "{output:?}");
        }
        assert_eq!(without_frames("=== RUN   TestA\nx\n    --- FAIL: TestA/b (0.0s)\n"), "x\n");
    }
}
