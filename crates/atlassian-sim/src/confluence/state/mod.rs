//! What Confluence remembers. The fields that an index is built on are private here, so the indexes cannot drift.

mod model;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::body::Stored;
use super::comments::Comment;
use crate::options::{Dialect, Options, ProjectSpec};
use crate::world::{World, iso_millis};

pub use self::model::{Behaviour, File, Label, Page, Property, Space, Status, Version};

/// The author of what nobody wrote: space homepages.
const SYSTEM_ACCOUNT: &str = "confluence-system";

/// Everything that Confluence remembers. A clone shares the pages and is cheap.
#[derive(Debug, Clone)]
pub struct State {
    /// Behaviours in force.
    pub behaviour: Behaviour,
    /// Comments under pages, by id.
    pub(in crate::confluence) comments: BTreeMap<u64, Comment>,
    /// Long tasks, all of them over.
    pub(in crate::confluence) tasks: BTreeSet<u64>,
    next_id: u64,
    spaces: BTreeMap<u64, Space>,
    pages: BTreeMap<u64, Arc<Page>>,
    /// What was purged, by id, as it last stood in the ground truth.
    purged: BTreeMap<u64, Value>,
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
    pub fn new(options: &Options) -> Self {
        let old = options.dialect == Dialect::DataCenter;
        let mut state = Self {
            behaviour: Behaviour { v1_content: old, ..Behaviour::default() },
            comments: BTreeMap::new(),
            tasks: BTreeSet::new(),
            next_id: 65_537,
            spaces: BTreeMap::new(),
            pages: BTreeMap::new(),
            purged: BTreeMap::new(),
            label_ids: BTreeMap::new(),
            titles: HashMap::new(),
            children: HashMap::new(),
        };
        let now = World::now();
        for spec in options.spaces.iter().map(|text| ProjectSpec::parse(text)) {
            if state.space_by_key(&spec.key).is_none() {
                state.add_space(&spec.key, &spec.name, "", SYSTEM_ACCOUNT, now);
            }
        }
        state
    }

    /// A numeric id, larger than every earlier one.
    pub(in crate::confluence) fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// The id that [`Self::take_id`] would give next.
    pub(in crate::confluence) fn peek_id(&self) -> u64 {
        self.next_id
    }

    /// Adds a space and its homepage.
    pub(in crate::confluence) fn add_space(
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
    pub(in crate::confluence) fn add_page(
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
            files: Vec::new(),
        };
        self.titles.entry(title_key(space, &page.title)).or_default().push(id);
        self.pages.insert(id, Arc::new(page));
        self.attach(id, parent.unwrap_or(space), None);
        id
    }

    /// A space by id.
    pub(in crate::confluence) fn space(&self, id: u64) -> Option<&Space> {
        self.spaces.get(&id)
    }

    /// A space by key; keys are case-insensitive.
    pub(in crate::confluence) fn space_by_key(&self, key: &str) -> Option<&Space> {
        self.spaces.values().find(|space| space.key.eq_ignore_ascii_case(key))
    }

    /// All spaces, by id.
    pub(in crate::confluence) fn spaces(&self) -> impl Iterator<Item = &Space> {
        self.spaces.values()
    }

    /// A page by id, whatever its status.
    pub(in crate::confluence) fn page(&self, id: u64) -> Option<&Page> {
        self.pages.get(&id).map(AsRef::as_ref)
    }

    /// A page by id, to change what no index depends on.
    pub(in crate::confluence) fn page_mut(&mut self, id: u64) -> Option<&mut Page> {
        self.pages.get_mut(&id).map(Arc::make_mut)
    }

    /// All pages, by id, whatever their status.
    pub(in crate::confluence) fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.values().map(AsRef::as_ref)
    }

    /// Pages directly under a page, or under a space's root by the space's id; in order, without the trash.
    pub(in crate::confluence) fn children(&self, container: u64) -> &[u64] {
        self.children.get(&container).map_or(&[], Vec::as_slice)
    }

    /// Pages with this title in any letter case, whatever their status.
    pub(in crate::confluence) fn titled(&self, space: u64, title: &str) -> &[u64] {
        self.titles.get(&title_key(space, title)).map_or(&[], Vec::as_slice)
    }

    /// The page that keeps another one from having this title.
    pub(in crate::confluence) fn title_holder(&self, space: u64, title: &str, except: Option<u64>) -> Option<u64> {
        let held = |page: &Page| match page.status {
            Status::Current | Status::Archived => true,
            Status::Trashed => self.behaviour.trashed_holds_title,
            Status::Draft => false,
        };
        let mut same = self.titled(space, title).iter().copied().filter(|id| Some(*id) != except);
        same.find(|id| self.pages.get(id).is_some_and(|page| held(page)))
    }

    /// Whether a page of this id once existed and was purged.
    pub(in crate::confluence) fn was_purged(&self, id: u64) -> bool {
        self.purged.contains_key(&id)
    }

    /// Gives a page another title.
    pub(in crate::confluence) fn retitle(&mut self, id: u64, title: &str) {
        let Some(page) = self.pages.get_mut(&id).map(Arc::make_mut) else { return };
        let old = title_key(page.space, &page.title);
        page.title = title.to_owned();
        let new = title_key(page.space, title);
        if let Some(ids) = self.titles.get_mut(&old) {
            ids.retain(|other| *other != id);
        }
        self.titles.entry(new).or_default().push(id);
    }

    /// Puts a page under a page, or at the root of its space; `at` is its place among the siblings, the end by default.
    pub(in crate::confluence) fn reparent(&mut self, id: u64, parent: Option<u64>, at: Option<usize>) {
        self.detach(id);
        let Some(page) = self.pages.get_mut(&id).map(Arc::make_mut) else { return };
        page.parent = parent;
        let container = parent.unwrap_or(page.space);
        self.attach(id, container, at);
    }

    /// Changes a page's status. In the trash it is nobody's child; its own children move up to its parent.
    pub(in crate::confluence) fn set_status(&mut self, id: u64, status: Status, now: OffsetDateTime) {
        let Some(page) = self.pages.get_mut(&id).map(Arc::make_mut) else { return };
        let (was, parent, space) = (page.status, page.parent, page.space);
        page.before = Some((was, now));
        page.status = status;
        if status == Status::Trashed && was != Status::Trashed {
            self.detach(id);
            for child in self.children.remove(&id).unwrap_or_default() {
                if let Some(page) = self.pages.get_mut(&child).map(Arc::make_mut) {
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
    pub(in crate::confluence) fn purge(&mut self, id: u64) {
        let mut grave = self.pages.get(&id).map(|page| self.page_truth(page)).unwrap_or_default();
        grave["status"] = json!("purged");
        self.detach(id);
        if let Some(page) = self.pages.remove(&id)
            && let Some(ids) = self.titles.get_mut(&title_key(page.space, &page.title))
        {
            ids.retain(|other| *other != id);
        }
        self.comments.retain(|_, comment| comment.page != id);
        self.purged.insert(id, grave);
    }

    /// Removes a space with all its pages.
    pub(in crate::confluence) fn remove_space(&mut self, id: u64) {
        let pages: Vec<u64> = self.pages().filter(|page| page.space == id).map(|page| page.id).collect();
        for page in pages {
            self.purge(page);
        }
        self.spaces.remove(&id);
    }

    /// The id of a label, the same for every page that carries it.
    pub(in crate::confluence) fn label_id(&mut self, prefix: &str, name: &str) -> u64 {
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
    pub(in crate::confluence) fn labels(&self) -> impl Iterator<Item = (&str, &str, u64)> {
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
                    if let Some(page) = self.pages.get_mut(&sibling).map(Arc::make_mut) {
                        page.position = position;
                    }
                }
            }
            None => {
                let last = siblings.last().copied();
                siblings.push(id);
                let position = last.and_then(|last| self.pages.get(&last)).map_or(0, |page| page.position + 1);
                if let Some(page) = self.pages.get_mut(&id).map(Arc::make_mut) {
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
        let comments: Vec<Value> = self.comments.values().map(Comment::truth).collect();
        let purged: Vec<&Value> = self.purged.values().collect();
        json!({
            "spaces": spaces,
            "pages": pages,
            "purged_pages": purged,
            "comments": comments,
            "behaviour": self.behaviour,
        })
    }

    fn page_truth(&self, page: &Page) -> Value {
        let version = page.current();
        let properties: serde_json::Map<String, Value> =
            page.properties.iter().map(|property| (property.key.clone(), property.value.clone())).collect();
        json!({
            "id": page.id.to_string(),
            "spaceId": page.space.to_string(),
            "spaceKey": self.space(page.space).map(|space| space.key.as_str()),
            "parentId": page.parent().map(|id| id.to_string()),
            "title": page.title,
            "status": page.status.word(),
            "version": page.number(),
            "versionMessage": version.map(|version| version.message.as_str()),
            "versionAuthorId": version.map(|version| version.author.as_str()),
            "versions": page.versions.iter().map(|version| json!({
                "number": version.number,
                "authorId": version.author,
                "title": version.title,
                "message": version.message,
                "createdAt": iso_millis(version.created),
            })).collect::<Vec<_>>(),
            "labels": page.labels.iter().map(|label| label.name.as_str()).collect::<Vec<_>>(),
            "properties": properties,
            "attachments": page.files.iter().map(|file| json!({
                "id": file.id.to_string(),
                "filename": file.name,
                "size": file.size,
                "version": file.number,
            })).collect::<Vec<_>>(),
            "representation": version.map(|version| version.body.representation.word()),
            "body": version.map(|version| version.body.sent.as_str()),
            "authorId": page.author,
            "createdAt": iso_millis(page.created),
        })
    }
}
