//! What is read, and how, as numbers and names that the rest can use without asking again.

use std::time::Duration;

use hub_domain::settings::{SourceSettings, SourceStream};

/// How long a statement waits for a lock: the team's own work comes first, and a migration of its tables is waited out by the
/// next pull.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The configuration of one source.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the team says.
    pub settings: SourceSettings,
    /// How far below the present or the oldest open transaction reading ends.
    pub margin: Duration,
    /// The longest that one statement may take at the source.
    pub statement_timeout: Duration,
    /// The longest that a statement waits for a lock.
    pub lock_timeout: Duration,
    /// Rows of one page.
    pub page_rows: usize,
}

impl Config {
    /// The configuration that settings mean; they were checked when they were saved.
    #[must_use]
    pub fn new(settings: &SourceSettings) -> Self {
        Self {
            margin: Duration::from_millis(u64::from(settings.margin_ms)),
            statement_timeout: Duration::from_secs(u64::from(settings.timeout_s.max(1))),
            lock_timeout: LOCK_TIMEOUT,
            page_rows: usize::try_from(settings.page_rows.max(1)).unwrap_or(500),
            settings: settings.clone(),
        }
    }

    /// The streams that may be read, in their order: all of a preset's, else those with a SELECT.
    #[must_use]
    pub fn streams(&self) -> Vec<SourceStream> {
        SourceStream::ALL
            .into_iter()
            .filter(|stream| self.settings.preset.is_some() || self.settings.select.contains_key(stream))
            .collect()
    }
}
