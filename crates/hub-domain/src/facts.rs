//! What shall be published: the plan's answer for one object at one destination, complete enough that the destination's
//! encoder needs nothing else. Its hash, together with the encoder's template revision, is the ledger's desired hash.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    ContentHash, EntityKind, ExternalId, Label,
    entity::{Counts, Coverage, Defect, Identity, Report, Run, TestCase},
    evidence::EvidenceKind,
    hash::NotCanonical,
    insight::Traceability,
    vocabulary::{Locale, Priority, ResultStatus},
};

/// Where things are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// Issues, links and comments.
    Jira,
    /// Pages.
    Confluence,
}

impl Destination {
    /// Every destination.
    pub const ALL: [Self; 2] = [Self::Jira, Self::Confluence];

    /// The destination as tables hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::Confluence => "confluence",
        }
    }

    /// Finds a destination by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == word)
    }
}

/// What kind of object a publication is. The order is the order of publishing: what others point to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// A Jira issue.
    Issue,
    /// A Confluence page.
    Page,
    /// A link between two issues.
    IssueLink,
    /// A link from an issue to a page.
    RemoteLink,
}

impl ObjectKind {
    /// Every kind, in the order of publishing.
    pub const ALL: [Self; 4] = [Self::Issue, Self::Page, Self::IssueLink, Self::RemoteLink];

    /// The kind as tables hold it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Page => "page",
            Self::IssueLink => "issue_link",
            Self::RemoteLink => "remote_link",
        }
    }

    /// Finds a kind by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == word)
    }

    /// The destination that holds such objects.
    #[must_use]
    pub fn destination(self) -> Destination {
        match self {
            Self::Issue | Self::IssueLink | Self::RemoteLink => Destination::Jira,
            Self::Page => Destination::Confluence,
        }
    }
}

/// The key of a publication within its project: one row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublicationKey {
    /// What is published.
    pub object: ObjectKind,
    /// The entity it is published for; for a link, the entity it starts at.
    pub entity: Identity,
    /// For a link, the entity it ends at.
    pub target: Option<Identity>,
}

impl PublicationKey {
    /// The key of an entity's issue.
    #[must_use]
    pub fn issue(kind: EntityKind, external_id: ExternalId) -> Self {
        Self { object: ObjectKind::Issue, entity: Identity { kind, external_id }, target: None }
    }

    /// The key of an entity's page.
    #[must_use]
    pub fn page(kind: EntityKind, external_id: ExternalId) -> Self {
        Self { object: ObjectKind::Page, entity: Identity { kind, external_id }, target: None }
    }

    /// The key of a link between two entities.
    #[must_use]
    pub fn link(object: ObjectKind, from: Identity, to: Identity) -> Self {
        Self { object, entity: from, target: Some(to) }
    }
}

impl fmt::Display for PublicationKey {
    /// `issue/test_case/TC_1`; a link with its end: `issue_link/defect/DEF-1->test_case/TC_1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { kind, external_id } = &self.entity;
        write!(f, "{}/{}/{external_id}", self.object.as_str(), kind.as_str())?;
        match &self.target {
            Some(Identity { kind, external_id }) => write!(f, "->{}/{external_id}", kind.as_str()),
            None => Ok(()),
        }
    }
}

/// A text that is no publication's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read a publication from {0:?}: write it as `haida-hub dlq list` does, object/kind/id")]
pub struct InvalidKey(String);

impl FromStr for PublicationKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey(text.chars().take(200).collect());
        let identity = |text: &str| {
            let (kind, id) = text.split_once('/')?;
            Some(Identity { kind: EntityKind::from_word(kind)?, external_id: ExternalId::new(id).ok()? })
        };
        let (object, rest) = text.split_once('/').ok_or_else(invalid)?;
        let object = ObjectKind::from_word(object).ok_or_else(invalid)?;
        let links = matches!(object, ObjectKind::IssueLink | ObjectKind::RemoteLink);
        let (entity, target) = match rest.rsplit_once("->").filter(|_| links) {
            Some((entity, target)) => (entity, Some(identity(target).ok_or_else(invalid)?)),
            None => (rest, None),
        };
        Ok(Self { object, entity: identity(entity).ok_or_else(invalid)?, target })
    }
}

/// What one publication shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "object", rename_all = "snake_case")]
pub enum Desired {
    /// An issue.
    Issue(Box<IssueFacts>),
    /// A page.
    Page(Box<PageFacts>),
    /// A link between two issues.
    IssueLink(IssueLinkFacts),
    /// A link from an issue to a page.
    RemoteLink(RemoteLinkFacts),
}

impl Desired {
    /// The desired hash under a template revision: a changed template publishes everything again, once.
    ///
    /// # Errors
    /// [`NotCanonical`], which facts made of texts and whole numbers never cause.
    pub fn hash(&self, template_revision: u32) -> Result<ContentHash, NotCanonical> {
        #[derive(Serialize)]
        struct Hashed<'a> {
            template_revision: u32,
            desired: &'a Desired,
        }
        ContentHash::of(&Hashed { template_revision, desired: self })
    }
}

/// One publication that the plan wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Which one.
    pub key: PublicationKey,
    /// The order within its kind: parents before children (0 first), defects before bulk cases.
    pub rank: u8,
    /// What it shall be.
    pub desired: Desired,
}

/// What kind of issue. Where a Jira project lacks the type, `Task` stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueKind {
    /// A test case.
    TestCase,
    /// One run.
    TestExecution,
    /// A defect.
    Bug,
}

impl IssueKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TestCase, Self::TestExecution, Self::Bug];

    /// The issue type's name in Jira.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::TestCase => "Test Case",
            Self::TestExecution => "Test Execution",
            Self::Bug => "Bug",
        }
    }
}

/// The structured fields of an issue: custom fields where the create screen has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueFields {
    /// The test case's id.
    pub test_case_id: Option<String>,
    /// The suite's id.
    pub suite_id: Option<String>,
    /// The run's id.
    pub run_id: Option<String>,
    /// The canonical environment.
    pub environment: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The device.
    pub device: Option<String>,
}

impl IssueFields {
    /// The fields by the names that Jira's screens carry, in a fixed order.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("test_case_id", self.test_case_id.as_deref()),
            ("suite_id", self.suite_id.as_deref()),
            ("run_id", self.run_id.as_deref()),
            ("environment", self.environment.as_deref()),
            ("platform", self.platform.as_deref()),
            ("device", self.device.as_deref()),
        ]
    }
}

/// One result as a table on an issue or a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultLine {
    /// The test case's id.
    pub test_case: Option<ExternalId>,
    /// The test's name.
    pub name: String,
    /// The device.
    pub device: Option<String>,
    /// What became of it.
    pub status: ResultStatus,
    /// The duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// The first line of the error or note.
    pub message: Option<String>,
    /// What the test left behind, where a person has to look at the result; at most [`MAX_EVIDENCE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceLine>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_evidence: u64,
}

/// The most pieces of evidence that one line names: a link takes about 150 of the characters that an issue may have.
pub const MAX_EVIDENCE: usize = 5;

/// One piece of evidence as a line names it. Its state is left out on purpose, but for what no link leads to: a page does
/// not change because a file was stored or its time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: EvidenceKind,
    /// The hub's stable link, or an address that the report names; never a signed address, never a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether the report names a file that was not handed over, or may not be taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// Whether a screenshot is behind the hub's own link. One at a foreign address is never fetched, by no reader's browser either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shown: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Results by suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteLine {
    /// The suite's name.
    pub name: String,
    /// Its counts.
    pub counts: Counts,
}

/// The body of an issue, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "body", rename_all = "snake_case")]
pub enum IssueBody {
    /// A test case.
    TestCase(TestCase),
    /// A run with its results.
    TestExecution {
        /// The run.
        run: Run,
        /// Its results, unsuccessful ones first, at most [`MAX_RESULT_LINES`].
        results: Vec<ResultLine>,
        /// How many results are not in `results`.
        more: u64,
    },
    /// A defect.
    Bug(Defect),
}

/// The most result lines that one body shows; the rest is counted, and the report pages hold them.
pub const MAX_RESULT_LINES: usize = 200;

/// The most result lines that one report page shows (Confluence refuses a body above 5 MB).
pub const MAX_REPORT_LINES: usize = 2_000;

/// What an issue shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IssueFacts {
    /// What kind of issue.
    pub kind: IssueKind,
    /// The entity's id in its source.
    pub external_id: ExternalId,
    /// The format or table that the facts came from.
    pub source: String,
    /// The language of the body.
    pub locale: Locale,
    /// The summary line: one line, at most 255 characters.
    pub summary: String,
    /// Labels, sorted.
    pub labels: Vec<Label>,
    /// The priority.
    pub priority: Option<Priority>,
    /// The structured fields.
    pub fields: IssueFields,
    /// The body.
    pub body: IssueBody,
}

/// How two issues are related.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// A defect was found by a test case.
    DefectOfCase,
}

/// What a link between two issues shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueLinkFacts {
    /// The issue it starts at.
    pub from: Identity,
    /// The issue it ends at.
    pub to: Identity,
    /// What it says.
    pub relation: Relation,
}

/// What a link from an issue to a page shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteLinkFacts {
    /// The entity whose issue carries the link.
    pub issue: Identity,
    /// The entity whose page it opens.
    pub page: Identity,
    /// The text of the link.
    pub title: String,
}

/// The rows of a page's Page Properties. Every page of a kind has the same rows, so that indexes and versions compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageProperties {
    /// The project's key.
    pub project: String,
    /// The run's id.
    pub run_id: Option<String>,
    /// The canonical environment.
    pub env: Option<String>,
    /// How it came out, or where it stands.
    pub status: Option<String>,
    /// How much of the project was executed.
    pub coverage: Option<Coverage>,
    /// The date as YYYY-MM-DD, UTC.
    pub date: Option<String>,
}

/// How the requirements of a project stand after a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRequirements {
    /// The run that says so: the latest of the project.
    pub run: ExternalId,
    /// What it says.
    pub traceability: Traceability,
}

/// The body of a page, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "body", rename_all = "snake_case")]
pub enum PageBody {
    /// The project's root page.
    Project {
        /// Its name.
        name: String,
        /// Its Jira project.
        jira_project: String,
        /// How its requirements stand after its latest run; none where no case names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requirements: Option<ProjectRequirements>,
    },
    /// The index of all report pages.
    ReportIndex,
    /// A release.
    Release {
        /// Its name.
        name: String,
    },
    /// A run.
    Run {
        /// The run.
        run: Run,
        /// Its results by suite, in the order of names.
        suites: Vec<SuiteLine>,
        /// Its unsuccessful results, at most [`MAX_RESULT_LINES`].
        failures: Vec<ResultLine>,
        /// How many unsuccessful results are not in `failures`.
        more: u64,
    },
    /// A report.
    Report {
        /// The report.
        report: Report,
        /// Its results, at most [`MAX_REPORT_LINES`].
        results: Vec<ResultLine>,
        /// How many results are not in `results`.
        more: u64,
    },
}

/// What a page shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageFacts {
    /// The entity's id in its source.
    pub external_id: ExternalId,
    /// The language of the page.
    pub locale: Locale,
    /// The title: unique in its space by the id in brackets at its end, at most 255 characters.
    pub title: String,
    /// The page above it; none for the project's root page, which stands below the space's home page.
    pub parent: Option<Identity>,
    /// Labels, sorted.
    pub labels: Vec<Label>,
    /// The Page Properties.
    pub properties: PageProperties,
    /// The Jira project, for addresses of issues.
    pub jira_project: String,
    /// The body.
    pub body: PageBody,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let id = |text: &str| ExternalId::new(text).unwrap();
        let defect = Identity { kind: EntityKind::Defect, external_id: id("DEF->1/x") };
        let case = Identity { kind: EntityKind::TestCase, external_id: id("TC_1") };
        for key in [
            PublicationKey::issue(EntityKind::TestCase, id("a/b->c")),
            PublicationKey::page(EntityKind::Report, id("r1/dir/x.xml")),
            PublicationKey::link(ObjectKind::IssueLink, defect, case),
        ] {
            assert_eq!(key.to_string().parse::<PublicationKey>().unwrap(), key);
        }
        for bad in ["", "issue", "issue/test_case", "issue/nothing/x", "cloud/test_case/x"] {
            assert!(bad.parse::<PublicationKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_new_template_or_a_new_fact_is_a_new_hash() {
        let desired = Desired::RemoteLink(RemoteLinkFacts {
            issue: Identity { kind: EntityKind::Run, external_id: ExternalId::new("r1").unwrap() },
            page: Identity { kind: EntityKind::Run, external_id: ExternalId::new("r1").unwrap() },
            title: "Run r1".into(),
        });
        assert_eq!(desired.hash(1).unwrap(), desired.clone().hash(1).unwrap());
        assert_ne!(desired.hash(1).unwrap(), desired.hash(2).unwrap());
        for kind in ObjectKind::ALL {
            assert_eq!(ObjectKind::from_word(kind.as_str()), Some(kind));
        }
    }
}
