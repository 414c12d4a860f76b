//! The numbers in a report's header against its rows: rows are the truth, and a header that says otherwise is told once.

use hub_domain::codes;

use crate::reporter::{At, Reporter};

/// Tells what does not agree of `name, said, counted`, or that there is no test; for the end of a whole file.
pub(crate) fn compare(at: Option<At>, rows: u64, pairs: &[(&str, Option<u64>, u64)], reporter: &mut Reporter<'_>) {
    let differing: Vec<String> = pairs
        .iter()
        .filter_map(|(what, said, counted)| {
            said.filter(|said| said != counted).map(|said| format!("{what} {said} (counted {counted})"))
        })
        .collect();
    if !differing.is_empty() {
        let message = format!("the header says {}", differing.join(", "));
        reporter.repaired(&codes::COUNTS_DISAGREE, at, &message);
    } else if rows == 0 {
        reporter.repaired(&codes::EMPTY_REPORT, at, "the file holds no test");
    }
}
