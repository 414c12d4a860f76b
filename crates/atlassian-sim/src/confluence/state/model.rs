//! The things that Confluence remembers, and the behaviours that a site can be given.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::super::body::Stored;

/// Behaviours that differ between sites, or that a test wants to meet on purpose. Changed while running with
/// `PUT /_sim/confluence` or through `State::behaviour`; a reset restores the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// A page in the trash still holds its title. Observers disagree; the stricter reading is the default.
    pub trashed_holds_title: bool,
    /// Serve v1 `/wiki/rest/api/content` and its properties, which newer Cloud sites answer with 410.
    pub v1_content: bool,
    /// A new page gets the content property `content-appearance-published`, which its create answer does not show.
    pub implicit_property: bool,
    /// A caller without an account gets 404 from v2 and 403 from v1, as observed, in place of the documented 401.
    pub hidden_from_strangers: bool,
    /// Collections are open to anonymous callers, and empty for them, as on a site with public access.
    pub anonymous_reads: bool,
    /// A new property is doubled in the site's database, which nothing shows: updating it is a 400 until it is deleted and
    /// created again.
    pub doubled_properties: bool,
    /// `GET` of a page answers 404 for this long after its creation, milliseconds.
    pub missing_after_create_ms: u64,
    /// `PUT` of a page answers 409 for this long after its creation, milliseconds.
    pub conflict_after_create_ms: u64,
    /// Writes show up in CQL search after this long, milliseconds.
    pub search_lag_ms: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            trashed_holds_title: true,
            v1_content: false,
            implicit_property: true,
            hidden_from_strangers: false,
            anonymous_reads: false,
            doubled_properties: false,
            missing_after_create_ms: 0,
            conflict_after_create_ms: 0,
            search_lag_ms: 0,
        }
    }
}

/// A space.
#[derive(Debug, Clone)]
pub struct Space {
    /// Its numeric id.
    pub id: u64,
    /// Its key, as it is written in addresses.
    pub key: String,
    /// The readable name.
    pub name: String,
    /// Plain text under the name.
    pub description: String,
    /// The page shown at `/overview`.
    pub homepage: Option<u64>,
    /// Account that created it.
    pub author: String,
    /// When it was created.
    pub created: OffsetDateTime,
}

/// Where a page is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Visible.
    Current,
    /// Never published.
    Draft,
    /// Put away, still holding its title.
    Archived,
    /// Deleted, to be restored or purged.
    Trashed,
}

impl Status {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Draft => "draft",
            Self::Archived => "archived",
            Self::Trashed => "trashed",
        }
    }
}

/// One version of a page.
#[derive(Debug, Clone)]
pub struct Version {
    /// 1 for the first.
    pub number: u32,
    /// The title it had.
    pub title: String,
    /// The body, as sent and as stored.
    pub body: Stored,
    /// What the author said about it.
    pub message: String,
    /// Whether watchers were spared.
    pub minor: bool,
    /// Account that wrote it.
    pub author: String,
    /// When.
    pub created: OffsetDateTime,
}

/// A label on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The label's own id, the same on every page.
    pub id: u64,
    /// `global`, `my`, `team` or `system`.
    pub prefix: String,
    /// Lower case.
    pub name: String,
    /// When it was put on the page.
    pub added: OffsetDateTime,
}

/// A content property.
#[derive(Debug, Clone)]
pub struct Property {
    /// Its numeric id.
    pub id: u64,
    /// Its key, case-sensitive, unique on the page.
    pub key: String,
    /// Any JSON.
    pub value: Value,
    /// Whether the site's database has it twice.
    pub doubled: bool,
    /// Raised by one with every update.
    pub number: u32,
    /// What the author said about the last update.
    pub message: String,
    /// Account that wrote the last version.
    pub author: String,
    /// When.
    pub created: OffsetDateTime,
}

/// An attached file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its numeric id.
    pub id: u64,
    /// The name as uploaded, unique on the page.
    pub name: String,
    /// The content type as uploaded.
    pub mime: String,
    /// How many bytes.
    pub size: usize,
    /// Raised by one with every upload.
    pub number: u32,
    /// When it was last uploaded.
    pub created: OffsetDateTime,
}

/// A page. Title, parent and status are changed through [`State`], which keeps its indexes by them.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its numeric id.
    pub id: u64,
    /// The space, which never changes.
    pub space: u64,
    pub(super) parent: Option<u64>,
    pub(super) status: Status,
    pub(super) title: String,
    /// The order among its siblings.
    pub position: u32,
    /// Account that created it.
    pub author: String,
    /// When it was created.
    pub created: OffsetDateTime,
    /// The status before the present one, and when it ended: what a lagging index still believes.
    pub before: Option<(Status, OffsetDateTime)>,
    /// Oldest first, never empty.
    pub versions: Vec<Version>,
    /// A draft of a published page.
    pub draft: Option<Version>,
    /// In the order they were added.
    pub labels: Vec<Label>,
    /// In the order they were created.
    pub properties: Vec<Property>,
    /// Whether it is a live document.
    pub live: bool,
    /// Attached files, in the order of their first upload.
    pub files: Vec<File>,
}

impl Page {
    /// The parent page; `None` at the root of the space and in the trash.
    pub fn parent(&self) -> Option<u64> {
        if self.status == Status::Trashed { None } else { self.parent }
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The title, as typed.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The newest version. A page without versions cannot be built.
    pub fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The newest version's number.
    pub fn number(&self) -> u32 {
        self.current().map_or(0, |version| version.number)
    }
}
