//! The controlled vocabulary: closed sets of words that the hub reasons about. The words that sources use for them are
//! mapped by `hub-pipeline`; the source's own word is always kept beside the canonical one.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),*
        }

        impl $name {
            /// Every word of the set, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The canonical word, as tables and JSON hold it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// Finds a canonical word. Words of sources are mapped elsewhere.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str() == word)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(
    /// What became of one execution of one test.
    ResultStatus {
        /// It ran and held.
        Passed = "passed",
        /// It ran and an expectation did not hold.
        Failed = "failed",
        /// It could not run to an answer: infrastructure or the test itself broke.
        Broken = "broken",
        /// It did not end in its time.
        Timeout = "timeout",
        /// It failed, then passed when repeated.
        Flaky = "flaky",
        /// The tool left it out.
        Skipped = "skipped",
        /// It could not be run: data or a precondition was missing.
        Blocked = "blocked",
        /// Nobody has run it yet.
        NotRun = "not_run",
    }
);

impl ResultStatus {
    /// Whether the test was executed at all, which is what coverage counts.
    #[must_use]
    pub fn executed(self) -> bool {
        match self {
            Self::Passed | Self::Failed | Self::Broken | Self::Timeout | Self::Flaky => true,
            Self::Skipped | Self::Blocked | Self::NotRun => false,
        }
    }

    /// Whether a person has to look at it.
    #[must_use]
    pub fn unsuccessful(self) -> bool {
        match self {
            Self::Failed | Self::Broken | Self::Timeout => true,
            Self::Passed | Self::Flaky | Self::Skipped | Self::Blocked | Self::NotRun => false,
        }
    }
}

words!(
    /// Why a test could not run to an answer, where its error names a cause of the infrastructure.
    FailureCause {
        /// A host's name could not be resolved.
        Dns = "dns",
        /// A host answered, and nothing listens there.
        ConnectionRefused = "connection_refused",
        /// A connection broke.
        ConnectionLost = "connection_lost",
        /// A connection was not made in its time.
        ConnectionTimeout = "connection_timeout",
        /// Another error of the network.
        Network = "network",
        /// A certificate was not accepted, or no encrypted connection was made.
        Certificate = "certificate",
        /// A gateway of the environment under test answered instead of the thing under test.
        Gateway = "gateway",
        /// The browser or its driver is not installed, or does not start.
        BrowserMissing = "browser_missing",
        /// The browser, its page or its session ended under the test.
        BrowserClosed = "browser_closed",
        /// No session of a remote browser or device was made.
        SessionNotCreated = "session_not_created",
        /// The memory of the machine or of the process was used up.
        OutOfMemory = "out_of_memory",
        /// The disk is full.
        DiskFull = "disk_full",
    }
);

words!(
    /// How urgent something is.
    Priority {
        /// Highest: stops the release.
        P0 = "p0",
        /// High.
        P1 = "p1",
        /// Medium.
        P2 = "p2",
        /// Low.
        P3 = "p3",
        /// Lowest.
        P4 = "p4",
    }
);

words!(
    /// What a failure of the thing under test would cost.
    Risk {
        /// High.
        High = "high",
        /// Medium.
        Medium = "medium",
        /// Low.
        Low = "low",
    }
);

words!(
    /// How bad a defect is for its users.
    DefectSeverity {
        /// Data loss, no way around.
        Critical = "critical",
        /// A main function fails.
        High = "high",
        /// A function fails, with a way around.
        Medium = "medium",
        /// Cosmetic.
        Low = "low",
    }
);

words!(
    /// Where a defect stands.
    DefectStatus {
        /// Reported, not yet worked on.
        Open = "open",
        /// Being worked on.
        InProgress = "in_progress",
        /// Mended, to be verified.
        Resolved = "resolved",
        /// Verified and done.
        Closed = "closed",
        /// Will not be mended, or is none.
        Rejected = "rejected",
    }
);

words!(
    /// Where a test case stands.
    CaseStatus {
        /// Written, not yet in use.
        Draft = "draft",
        /// In use.
        Active = "active",
        /// No longer run.
        Deprecated = "deprecated",
    }
);

words!(
    /// How a run as a whole came out.
    RunStatus {
        /// No test was unsuccessful and at least one was executed.
        Passed = "passed",
        /// At least one test was unsuccessful.
        Failed = "failed",
        /// Nothing was executed.
        NotExecuted = "not_executed",
    }
);

words!(
    /// The language of what the hub writes into issues and pages.
    Locale {
        /// English.
        En = "en",
        /// Spanish.
        Es = "es",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_their_own_text_only() {
        for status in ResultStatus::ALL {
            assert_eq!(ResultStatus::from_word(status.as_str()), Some(*status));
        }
        assert_eq!(ResultStatus::from_word("PASS"), None);
        assert_eq!(serde_json::to_string(&DefectStatus::InProgress).unwrap(), "\"in_progress\"");
    }
}
