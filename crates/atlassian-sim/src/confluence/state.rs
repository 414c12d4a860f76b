//! What Confluence remembers. The fields that an index is built on are private here, so the indexes cannot drift.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::body::Stored;
use crate::options::ProjectSpec;
use crate::world::{World, iso_millis};

/// The author of what nobody wrote: space homepages.
const SYSTEM_ACCOUNT: &str = "confluence-system";

/// Behaviours that differ between sites, or that a test wants to meet on purpose. Changed while running with
/// `PUT /_sim/confluence` or through [`State::behaviour`]; a reset restores the default.
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
    /// Raised by one with every update.
    pub number: u32,
    /// What the author said about the last update.
    pub message: String,
    /// Account that wrote the last version.
    pub author: String,
    /// When.
    pub created: OffsetDateTime,
}

/// A page. Title, parent and status are changed through [`State`], which keeps its indexes by them.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its numeric id.
    pub id: u64,
    /// The space, which never changes.
    pub space: u64,
    parent: Option<u64>,
    status: Status,
    title: String,
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

/// Everything that Confluence remembers.
#[derive(Debug)]
pub struct State {
    /// Behaviours in force.
    pub behaviour: Behaviour,
    /// Comments under pages, by id.
    pub(super) comments: BTreeMap<u64, super::comments::Comment>,
    /// Long tasks, all of them over.
    pub(super) tasks: BTreeSet<u64>,
    next_id: u64,
    spaces: BTreeMap<u64, Space>,
    pages: BTreeMap<u64, Page>,
    purged: BTreeSet<u64>,
    label_ids: BTreeMap<(String, String), u64>,
    /// Pages by space and lower-case title, whatever their status.
    titles: HashMap<(u64, String), Vec<u64>>,
    /// Pages in order under a page's id, or under the space's id for root pages; the trash is not in it.
    children: HashMap<u64, Vec<u64>>,
}

fn title_key(space: u64, title: &str) -> (u64, String) {
    (space, title.to_lowercase())
}

impl State {
    /// The start state with these spaces, each `KEY` or `KEY:Name`, each with an empty homepage.
    #[must_use]
    pub fn new(spaces: &[String]) -> Self {
        let mut state = Self {
            behaviour: Behaviour::default(),
            comments: BTreeMap::new(),
            tasks: BTreeSet::new(),
            next_id: 65_537,
            spaces: BTreeMap::new(),
            pages: BTreeMap::new(),
            purged: BTreeSet::new(),
            label_ids: BTreeMap::new(),
            titles: HashMap::new(),
            children: HashMap::new(),
        };
        let now = World::now();
        for spec in spaces.iter().map(|text| ProjectSpec::parse(text)) {
            if state.space_by_key(&spec.key).is_none() {
                state.add_space(&spec.key, &spec.name, "", SYSTEM_ACCOUNT, now);
            }
        }
        state
    }

    /// A numeric id, larger than every earlier one.
    pub(super) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The id that [`Self::take_id`] would give next.
    pub(super) fn peek_id(&self) -> u64 {
        self.next_id
    }

    /// Adds a space and its homepage.
    pub(super) fn add_space(
        &mut self,
        key: &str,
        name: &str,
        description: &str,
        author: &str,
        now: OffsetDateTime,
    ) -> u64 {
        let id = self.take_id();
        let space = Space {
            id,
            key: key.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            homepage: None,
            author: author.to_owned(),
            created: now,
        };
        self.spaces.insert(id, space);
        let title = format!("{name} Home");
        let version = Version {
            number: 1,
            title: title.clone(),
            body: Stored::empty(),
            message: String::new(),
            minor: false,
            author: author.to_owned(),
            created: now,
        };
        let homepage = self.add_page(id, None, Status::Current, version, false);
        if let Some(space) = self.spaces.get_mut(&id) {
            space.homepage = Some(homepage);
        }
        id
    }

    /// Adds a page as the last child of `parent`.
    pub(super) fn add_page(
        &mut self,
        space: u64,
        parent: Option<u64>,
        status: Status,
        version: Version,
        live: bool,
    ) -> u64 {
        let id = self.take_id();
        let page = Page {
            id,
            space,
            parent,
            status,
            title: version.title.clone(),
            position: 0,
            author: version.author.clone(),
            created: version.created,
            before: None,
            versions: vec![version],
            draft: None,
            labels: Vec::new(),
            properties: Vec::new(),
            live,
        };
        self.titles.entry(title_key(space, &page.title)).or_default().push(id);
        self.pages.insert(id, page);
        self.attach(id, parent.unwrap_or(space), None);
        id
    }

    /// A space by id.
    pub(super) fn space(&self, id: u64) -> Option<&Space> {
        self.spaces.get(&id)
    }

    /// A space by key; keys are case-insensitive.
    pub(super) fn space_by_key(&self, key: &str) -> Option<&Space> {
        self.spaces.values().find(|space| space.key.eq_ignore_ascii_case(key))
    }

    /// All spaces, by id.
    pub(super) fn spaces(&self) -> impl Iterator<Item = &Space> {
        self.spaces.values()
    }

    /// A page by id, whatever its status.
    pub(super) fn page(&self, id: u64) -> Option<&Page> {
        self.pages.get(&id)
    }

    /// A page by id, to change what no index depends on.
    pub(super) fn page_mut(&mut self, id: u64) -> Option<&mut Page> {
        self.pages.get_mut(&id)
    }

    /// All pages, by id, whatever their status.
    pub(super) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.values()
    }

    /// Pages directly under a page, or under a space's root by the space's id; in order, without the trash.
    pub(super) fn children(&self, container: u64) -> &[u64] {
        self.children.get(&container).map_or(&[], Vec::as_slice)
    }

    /// Pages with this title in any letter case, whatever their status.
    pub(super) fn titled(&self, space: u64, title: &str) -> &[u64] {
        self.titles.get(&title_key(space, title)).map_or(&[], Vec::as_slice)
    }

    /// The page that keeps another one from having this title.
    pub(super) fn title_holder(&self, space: u64, title: &str, except: Option<u64>) -> Option<u64> {
        let held = |page: &Page| match page.status {
            Status::Current | Status::Archived => true,
            Status::Trashed => self.behaviour.trashed_holds_title,
            Status::Draft => false,
        };
        let mut same = self.titled(space, title).iter().copied().filter(|id| Some(*id) != except);
        same.find(|id| self.pages.get(id).is_some_and(held))
    }

    /// Whether a page of this id once existed and was purged.
    pub(super) fn was_purged(&self, id: u64) -> bool {
        self.purged.contains(&id)
    }

    /// Gives a page another title.
    pub(super) fn retitle(&mut self, id: u64, title: &str) {
        let Some(page) = self.pages.get_mut(&id) else { return };
        let old = title_key(page.space, &page.title);
        page.title = title.to_owned();
        let new = title_key(page.space, title);
        if let Some(ids) = self.titles.get_mut(&old) {
            ids.retain(|other| *other != id);
        }
        self.titles.entry(new).or_default().push(id);
    }

    /// Puts a page under a page, or at the root of its space; `at` is its place among the siblings, the end by default.
    pub(super) fn reparent(&mut self, id: u64, parent: Option<u64>, at: Option<usize>) {
        self.detach(id);
        let Some(page) = self.pages.get_mut(&id) else { return };
        page.parent = parent;
        let container = parent.unwrap_or(page.space);
        self.attach(id, container, at);
    }

    /// Changes a page's status. In the trash it is nobody's child; its own children move up to its parent.
    pub(super) fn set_status(&mut self, id: u64, status: Status, now: OffsetDateTime) {
        let Some(page) = self.pages.get_mut(&id) else { return };
        let (was, parent, space) = (page.status, page.parent, page.space);
        page.before = Some((was, now));
        page.status = status;
        if status == Status::Trashed && was != Status::Trashed {
            self.detach(id);
            for child in self.children.remove(&id).unwrap_or_default() {
                if let Some(page) = self.pages.get_mut(&child) {
                    page.parent = parent;
                }
                self.attach(child, parent.unwrap_or(space), None);
            }
        }
        if was == Status::Trashed && status != Status::Trashed {
            let alive = parent.filter(|parent| self.page(*parent).is_some_and(|page| page.status != Status::Trashed));
            let home = self.space(space).and_then(|space| space.homepage).filter(|home| *home != id);
            self.reparent(id, alive.or(home), None);
        }
    }

    /// Removes a page for good, with its comments.
    pub(super) fn purge(&mut self, id: u64) {
        self.detach(id);
        if let Some(page) = self.pages.remove(&id)
            && let Some(ids) = self.titles.get_mut(&title_key(page.space, &page.title))
        {
            ids.retain(|other| *other != id);
        }
        self.comments.retain(|_, comment| comment.page != id);
        self.purged.insert(id);
    }

    /// Removes a space with all its pages.
    pub(super) fn remove_space(&mut self, id: u64) {
        let pages: Vec<u64> = self.pages().filter(|page| page.space == id).map(|page| page.id).collect();
        for page in pages {
            self.purge(page);
        }
        self.spaces.remove(&id);
    }

    /// The id of a label, the same for every page that carries it.
    pub(super) fn label_id(&mut self, prefix: &str, name: &str) -> u64 {
        let key = (prefix.to_owned(), name.to_owned());
        match self.label_ids.get(&key) {
            Some(id) => *id,
            None => {
                let id = self.take_id();
                self.label_ids.insert(key, id);
                id
            }
        }
    }

    /// All labels that were ever used: prefix, name, id.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.label_ids.iter().map(|((prefix, name), id)| (prefix.as_str(), name.as_str(), *id))
    }

    fn detach(&mut self, id: u64) {
        let Some(page) = self.pages.get(&id) else { return };
        let container = page.parent.unwrap_or(page.space);
        if let Some(siblings) = self.children.get_mut(&container) {
            siblings.retain(|other| *other != id);
        }
    }

    fn attach(&mut self, id: u64, container: u64, at: Option<usize>) {
        let siblings = self.children.entry(container).or_default();
        match at.filter(|at| *at < siblings.len()) {
            // In the middle: everyone behind moves on by one.
            Some(at) => {
                siblings.insert(at, id);
                let order: Vec<u64> = siblings.clone();
                for (position, sibling) in (0_u32..).zip(order) {
                    if let Some(page) = self.pages.get_mut(&sibling) {
                        page.position = position;
                    }
                }
            }
            None => {
                let last = siblings.last().copied();
                siblings.push(id);
                let position = last.and_then(|last| self.pages.get(&last)).map_or(0, |page| page.position + 1);
                if let Some(page) = self.pages.get_mut(&id) {
                    page.position = position;
                }
            }
        }
    }

    /// Everything remembered, as JSON: spaces, and pages with the body as it was sent.
    #[must_use]
    pub fn ground_truth(&self) -> Value {
        let spaces: Vec<Value> = self
            .spaces()
            .map(|space| {
                json!({
                    "id": space.id.to_string(),
                    "key": space.key,
                    "name": space.name,
                    "homepageId": space.homepage.map(|id| id.to_string()),
                })
            })
            .collect();
        let pages: Vec<Value> = self.pages().map(|page| self.page_truth(page)).collect();
        let comments: Vec<Value> = self.comments.values().map(super::comments::Comment::truth).collect();
        json!({"spaces": spaces, "pages": pages, "comments": comments, "behaviour": self.behaviour})
    }

    fn page_truth(&self, page: &Page) -> Value {
        let version = page.current();
        let properties: serde_json::Map<String, Value> =
            page.properties.iter().map(|property| (property.key.clone(), property.value.clone())).collect();
        json!({
            "id": page.id.to_string(),
            "spaceKey": self.space(page.space).map(|space| space.key.as_str()),
            "parentId": page.parent().map(|id| id.to_string()),
            "title": page.title,
            "status": page.status.word(),
            "version": page.number(),
            "versionMessage": version.map(|version| version.message.as_str()),
            "labels": page.labels.iter().map(|label| label.name.as_str()).collect::<Vec<_>>(),
            "properties": properties,
            "representation": version.map(|version| version.body.representation.word()),
            "body": version.map(|version| version.body.sent.as_str()),
            "authorId": page.author,
            "createdAt": iso_millis(page.created),
        })
    }
}
