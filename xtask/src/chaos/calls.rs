//! How many calls the hubs made, by the site's own count.

use serde_json::Value;

use super::{
    input::{Input, PROJECTS},
    report::Line,
    size::{CREATE_CALLS, ENOUGH_CALLS, EXTRA_READS},
};

/// Calls at the site so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    creates: u64,
    /// Creates that the site answered with 503, which in the mix's script means that it did nothing.
    failed_creates: u64,
    fetches: u64,
    others: u64,
}

/// Counts the calls of `/_sim/stats`.
pub fn count(stats: &Value) -> Calls {
    let mut calls = Calls::default();
    for (name, counts) in stats["endpoints"].as_object().into_iter().flatten() {
        // A call that was refused for the rate has cost the site nothing.
        let throttled = counts["by_status"]["429"].as_u64().unwrap_or_default();
        let count = counts["total"].as_u64().unwrap_or_default().saturating_sub(throttled);
        match name.as_str() {
            "POST /rest/api/3/issue/bulk" => {
                calls.creates += count;
                calls.failed_creates += counts["by_status"]["503"].as_u64().unwrap_or_default();
            }
            "POST /rest/api/3/issue/bulkfetch" | "POST /rest/api/3/search/jql" => calls.fetches += count,
            name if name.starts_with("GET /rest/") => calls.others += count,
            _ => {}
        }
    }
    calls
}

/// What was called between two counts, beside the fewest calls that would do.
pub fn lines(input: &Input, before: Calls, after: Calls) -> Vec<Line> {
    let creates = (after.creates - before.creates) as f64;
    let failed = (after.failed_creates - before.failed_creates) as f64;
    let fetches = (after.fetches - before.fetches) as f64;
    let fewest = input.fewest_creates as f64;
    let extra = (fetches - input.fewest_proofs as f64).max(0.0) / input.creates.max(1) as f64;
    let all = creates / fewest;
    // Of a few calls each interrupted one weighs much: then every project's last call may be partly filled once more.
    let few =
        if input.fewest_creates >= ENOUGH_CALLS { CREATE_CALLS } else { CREATE_CALLS + PROJECTS.len() as f64 / fewest };
    // Of a hundred calls one can say that 13 % fail before their effect; of fewer, chance decides.
    let every = if input.fewest_creates >= ENOUGH_CALLS {
        Line::at_most("create calls, in times of the fewest", all, CREATE_CALLS, "")
    } else {
        Line::told("create calls, in times of the fewest", format!("{all:.3}"))
    };
    vec![
        every,
        Line::at_most("  without those that the site failed (503)", (creates - failed) / fewest, few, ""),
        Line::at_most("extra reads an entity", extra, EXTRA_READS, ""),
        Line::told("create calls, the fewest", format!("{creates}, {fewest}")),
        Line::told("reads of issues and searches, the fewest", format!("{fetches}, {}", input.fewest_proofs)),
        Line::told("other reads of Jira", after.others - before.others),
    ]
}
