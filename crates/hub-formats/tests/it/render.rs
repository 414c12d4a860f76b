//! Records and problems as short text for golden files: one block per record, only the fields that say something.

use std::fmt::Write as _;

use hub_domain::record::Record;
use hub_formats::Collected;

/// The golden text of what was read.
pub fn render(format: Option<&str>, read: &Collected) -> String {
    let mut out = format!("format: {}\n", format.unwrap_or("none"));
    for record in &read.records {
        let debug = match record {
            Record::Suite(suite) => format!("{suite:#?}"),
            Record::Result(result) => format!("{result:#?}"),
            Record::Case(case) => format!("{case:#?}"),
            Record::Defect(defect) => format!("{defect:#?}"),
        };
        out.push_str(&compact(&debug));
    }
    for problem in &read.problems {
        let _ = writeln!(out, "{:?} {problem}", problem.severity);
    }
    out
}

/// Debug output without fields that are empty, and with `Some(..)` and lists on one line.
fn compact(debug: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in debug.lines() {
        let indent = line.len() - line.trim_start().len();
        if indent <= 4 && !(indent == 4 && line.trim_start().starts_with(['}', ']', ')'])) {
            lines.push(line.to_owned());
        } else if let Some(last) = lines.last_mut() {
            last.push_str(line.trim_start());
            if line.ends_with(',') {
                last.push(' ');
            }
        }
    }
    let says = |line: &&String| {
        let silent = [": None,", ": [],", ": false,", ": \"\",", ": 0,"];
        !silent.iter().any(|end| line.trim_end().ends_with(end))
            && !line.contains("tests: None, failures: None, errors: None, skipped: None")
    };
    let mut out = String::new();
    for line in lines.iter().filter(says) {
        let mut line = line.clone();
        for silent in ["name: None, ", "content_type: None, ", "body: None, ", "status: None, ", "duration_ms: None, "]
        {
            line = line.replace(silent, "");
        }
        let tight = line.replace(", )", ")").replace(", ]", "]").replace(", }", "}");
        out.push_str(tight.trim_end().trim_end_matches(','));
        out.push('\n');
    }
    out
}
