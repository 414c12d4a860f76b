//! The script of faults that the site plays, in the simulator's language (docs/simulator.md).

/// The faults of the mix: 20 % 5xx, a third of them after the commit, 10 % timeouts after the commit, storms of 429, a
/// search index with a tail. Of the rules that decide an answer the first counts, so a later share is one of what is left.
pub fn faults(seed: u64) -> String {
    format!(
        r#"seed = {seed}

[[rule]]
name = "a storm of five seconds in each half minute"
match = {{ product = "jira", share = 0.8, from_seconds = 12, until_seconds = 17, repeat_seconds = 30 }}
fault = {{ kind = "too-many-requests", reason = "jira-burst-based", retry_after_seconds = 2 }}

[[rule]]
name = "Confluence says 429 and no more"
match = {{ product = "confluence", share = 0.8, from_seconds = 22, until_seconds = 25, repeat_seconds = 40 }}
fault = {{ kind = "too-many-requests" }}

[[rule]]
name = "5xx after the commit: 6.7 %"
match = {{ share = 0.0667 }}
fault = {{ kind = "server-error", commit = "after", status = 502 }}

[[rule]]
name = "5xx before the commit: 13.3 %"
match = {{ share = 0.1429 }}
fault = {{ kind = "server-error", commit = "before" }}

[[rule]]
name = "no answer after the commit, the connection closed: 9 %"
match = {{ share = 0.1125 }}
fault = {{ kind = "timeout", commit = "after", hang_seconds = 2 }}

[[rule]]
name = "no answer after the commit for longer than anybody waits: 1 %"
match = {{ share = 0.0141 }}
fault = {{ kind = "timeout", commit = "after", hang_seconds = 40 }}

[[rule]]
name = "an index with a tail"
match = {{ product = "jira" }}
fault = {{ kind = "search-lag", seconds = 2.7, sigma = 1.5, cap_seconds = 180 }}
"#
    )
}

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    /// The shares of all calls that the rules without a time take, by kind and commit.
    #[test]
    fn the_shares_are_those_of_the_mix() {
        let script: Table = super::faults(7).parse().unwrap();
        let (mut left, mut errors_before, mut errors_after, mut timeouts) = (1.0, 0.0, 0.0, 0.0);
        for rule in script["rule"].as_array().unwrap() {
            let (matched, fault) = (&rule["match"], &rule["fault"]);
            if matched.get("repeat_seconds").is_some() {
                continue;
            }
            let taken = matched.get("share").and_then(Value::as_float).unwrap_or(0.0) * left;
            left -= taken;
            match (fault["kind"].as_str().unwrap(), fault.get("commit").and_then(Value::as_str)) {
                ("server-error", Some("before")) => errors_before += taken,
                ("server-error", Some("after")) => errors_after += taken,
                ("timeout", Some("after")) => timeouts += taken,
                _ => {}
            }
        }
        let near = |value: f64, wanted: f64| (value - wanted).abs() < 0.001;
        assert!(near(errors_before + errors_after, 0.20), "{errors_before} {errors_after}");
        assert!(near(errors_after, 0.20 / 3.0), "{errors_after}");
        assert!(near(timeouts, 0.10), "{timeouts}");
    }
}
