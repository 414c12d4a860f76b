//! Everything that the simulated site remembers. One lock holds it: a request sees one consistent moment.

use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::options::Options;
use crate::{confluence, jira};

/// The whole state of one site.
#[derive(Debug)]
pub struct World {
    /// Jira: projects, fields, issues, links.
    pub jira: jira::State,
    /// Confluence: spaces, pages, labels, properties.
    pub confluence: confluence::State,
    /// The next numeric id that [`World::take_id`] gives out. Cloud ids are numeric and grow.
    pub next_id: u64,
    /// What people of the site did, in the order done.
    pub human_actions: Vec<Value>,
}

impl World {
    /// The start state that the options describe.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            jira: jira::State::new(options),
            confluence: confluence::State::new(options),
            next_id: 10_000_000,
            human_actions: Vec::new(),
        }
    }

    /// A numeric id which was never given out before, and which is larger than every earlier one.
    pub fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The site's clock: UTC, in milliseconds as Atlassian writes it.
    #[must_use]
    pub fn now() -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }
}

/// `2026-01-31T08:15:30.123Z`, the form used by Confluence v2 and in the log.
#[must_use]
pub fn iso_millis(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    at.format(form).unwrap_or_default()
}
