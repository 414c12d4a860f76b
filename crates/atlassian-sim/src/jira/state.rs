//! What Jira remembers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use time::OffsetDateTime;

use super::fields::Field;
use super::rich::Rich;
use super::seed;
use super::tasks::{Behaviour, Task};
use crate::auth::Account;
use crate::options::Options;

/// An issue type of the site.
#[derive(Debug, Clone)]
pub struct IssueType {
    /// The numeric id.
    pub id: u64,
    /// The name, unique on the site.
    pub name: String,
    /// The sentence shown beside the name.
    pub description: String,
    /// -1 sub-task, 0 ordinary, 1 epic.
    pub hierarchy: i8,
    /// The picture's id.
    pub avatar: u64,
}

impl IssueType {
    /// Whether issues of this type live below a parent.
    pub fn subtask(&self) -> bool {
        self.hierarchy < 0
    }
}

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    /// The numeric id.
    pub id: u64,
    /// The key, upper case.
    pub key: String,
    /// Keys that the project had before; calls and links with them still find it.
    pub former_keys: Vec<String>,
    /// The readable name.
    pub name: String,
    /// The types that issues of this project can have.
    pub type_ids: Vec<u64>,
    /// The number of the last issue created; numbers are never used again.
    pub last_number: u64,
    /// Release versions.
    pub versions: Vec<Named>,
    /// Components.
    pub components: Vec<Named>,
}

/// Something with an id and a name: a version, a component.
#[derive(Debug, Clone)]
pub struct Named {
    /// The numeric id.
    pub id: u64,
    /// The readable name.
    pub name: String,
    /// A sentence about it.
    pub description: String,
}

/// A workflow status.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// The numeric id.
    pub id: u64,
    /// The name.
    pub name: &'static str,
    /// The transition (a global one) that leads here.
    pub transition: u64,
    /// Category id, key, colour and name.
    pub category: (u64, &'static str, &'static str, &'static str),
}

/// A link type.
#[derive(Debug, Clone)]
pub struct LinkType {
    /// The numeric id.
    pub id: u64,
    /// The name, unique on the site.
    pub name: String,
    /// What the destination reads: "is blocked by".
    pub inward: String,
    /// What the source reads: "blocks".
    pub outward: String,
}

/// A link between two issues: `source` reads the outward text, `destination` the inward one.
#[derive(Debug, Clone)]
pub struct Link {
    /// The numeric id.
    pub id: u64,
    /// The link type.
    pub type_id: u64,
    /// The issue sent as `inwardIssue`.
    pub source: u64,
    /// The issue sent as `outwardIssue`.
    pub destination: u64,
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Comment {
    /// The numeric id.
    pub id: u64,
    /// The account id of the one who wrote it.
    pub author: String,
    /// The text.
    pub body: Rich,
    /// Who may read it, as sent.
    pub visibility: Option<Value>,
    /// Comment properties.
    pub properties: BTreeMap<String, Value>,
    /// When it was written.
    pub created: OffsetDateTime,
    /// When it was last changed.
    pub updated: OffsetDateTime,
}

/// A link to something outside Jira.
#[derive(Debug, Clone)]
pub struct RemoteLink {
    /// The numeric id.
    pub id: u64,
    /// The caller's identity of the target, unique per issue.
    pub global_id: Option<String>,
    /// The application that the target lives in.
    pub application: Option<Value>,
    /// The text that groups such links.
    pub relationship: Option<String>,
    /// Title, address, icon and status of the target.
    pub object: Value,
}

/// An attached file.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The numeric id.
    pub id: u64,
    /// The name as uploaded.
    pub filename: String,
    /// The content type as uploaded.
    pub mime: String,
    /// The bytes.
    pub content: Arc<[u8]>,
    /// When it was uploaded.
    pub created: OffsetDateTime,
}

/// One entry of an issue's history.
#[derive(Debug, Clone)]
pub struct Change {
    /// When.
    pub at: OffsetDateTime,
    /// The account id of the one who did it.
    pub author: String,
    /// What changed: the field, and where it is short, from what to what.
    pub items: Vec<(&'static str, String, String)>,
}

/// An issue that was deleted, for the ground truth.
#[derive(Debug, Clone)]
pub struct Grave {
    /// As it was.
    pub issue: Arc<Issue>,
    /// When it was deleted.
    pub at: OffsetDateTime,
    /// The account id of the one who deleted it.
    pub by: String,
}

/// An issue.
#[derive(Debug, Clone)]
pub struct Issue {
    /// The numeric id: unique, growing, never used again.
    pub id: u64,
    /// `CTB-17`
    pub key: String,
    /// Keys that it had before it was moved or its project got another key; they still find it.
    pub former_keys: Vec<String>,
    /// Who changed what, oldest first.
    pub history: Vec<Change>,
    /// The project's id.
    pub project: u64,
    /// The type's id.
    pub type_id: u64,
    /// The summary: one line.
    pub summary: String,
    /// The description.
    pub description: Option<Rich>,
    /// Jira's own environment field.
    pub environment: Option<Rich>,
    /// Labels, sorted and unique.
    pub labels: Vec<String>,
    /// The priority's id.
    pub priority: u64,
    /// The status' id.
    pub status: u64,
    /// The resolution's id, once resolved.
    pub resolution: Option<u64>,
    /// When it was resolved.
    pub resolved: Option<OffsetDateTime>,
    /// The parent's id.
    pub parent: Option<u64>,
    /// The assignee's account id.
    pub assignee: Option<String>,
    /// The reporter's account id.
    pub reporter: Option<String>,
    /// The account id of the one who created it.
    pub creator: String,
    /// The due date, `2026-01-31`.
    pub due: Option<String>,
    /// Ids of affected versions.
    pub versions: Vec<u64>,
    /// Ids of fix versions.
    pub fix_versions: Vec<u64>,
    /// Ids of components.
    pub components: Vec<u64>,
    /// Custom field values that are not null.
    pub custom: BTreeMap<String, CustomValue>,
    /// Issue properties.
    pub properties: BTreeMap<String, Value>,
    /// Comments in the order written. Every write copies an issue, so what can be many is shared.
    pub comments: Vec<Arc<Comment>>,
    /// Remote links in the order made.
    pub remote_links: Vec<Arc<RemoteLink>>,
    /// Attachments in the order uploaded.
    pub attachments: Vec<Attachment>,
    /// When it was created.
    pub created: OffsetDateTime,
    /// When it was last changed.
    pub updated: OffsetDateTime,
    /// When its status category last changed.
    pub category_changed: OffsetDateTime,
}

/// The value of a custom field.
#[derive(Debug, Clone)]
pub enum CustomValue {
    /// A value that travels as it is.
    Plain(Value),
    /// A rich text, in the form of the version that is asked.
    Rich(Rich),
}

/// The state of one simulated Jira. A clone shares the issues and is cheap.
#[derive(Debug, Clone)]
pub struct State {
    /// Issue types.
    pub types: Vec<IssueType>,
    /// Projects.
    pub projects: Vec<Project>,
    /// Fields, system and custom.
    pub fields: Vec<Field>,
    /// Link types.
    pub link_types: Vec<LinkType>,
    /// Create screens: the settable custom fields by (project id, type id). System fields are on every screen.
    pub screens: HashMap<(u64, u64), HashSet<String>>,
    /// Issues by id.
    pub issues: BTreeMap<u64, Arc<Issue>>,
    /// Issue ids by upper-case key, former keys included.
    pub keys: HashMap<String, u64>,
    /// Issues that were deleted, by id.
    pub graves: BTreeMap<u64, Grave>,
    /// Accounts of people who wrote something, by account id.
    pub people: BTreeMap<String, Account>,
    /// Properties that JQL can search: key and path.
    pub indexed_properties: Vec<(String, String)>,
    /// How tasks behave.
    pub behaviour: Behaviour,
    /// Bulk writes that go on after their answer, by id.
    pub tasks: BTreeMap<u64, Task>,
    /// Links by id.
    pub links: BTreeMap<u64, Link>,
    /// Ids of an issue's links, as source or destination.
    pub links_of: HashMap<u64, Vec<u64>>,
    /// Ids of the issues below a parent.
    pub children_of: HashMap<u64, BTreeSet<u64>>,
    /// The ids of what is not an issue: fields, links, comments.
    pub next_id: u64,
    next_issue_id: u64,
    lag: Duration,
    /// What search still sees of recently changed issues, oldest change first. Empty without a lag.
    stale: VecDeque<Stale>,
}

/// The version of an issue that search sees until a moment: `None` hides a new issue.
#[derive(Debug, Clone)]
struct Stale {
    until: Instant,
    id: u64,
    seen: Option<Arc<Issue>>,
    /// The node that made the change, on a site that has several.
    node: Option<u64>,
}

impl State {
    /// The start state.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let types = seed::issue_types();
        let projects = seed::projects(options, &types);
        let (fields, mut next_id) = seed::fields(&options.custom_fields);
        next_id += 1_000;
        let screens = seed::screens(&projects, &types, &fields);
        Self {
            types,
            projects,
            fields,
            link_types: seed::link_types(),
            screens,
            issues: BTreeMap::new(),
            keys: HashMap::new(),
            graves: BTreeMap::new(),
            people: BTreeMap::new(),
            behaviour: Behaviour::default(),
            tasks: BTreeMap::new(),
            indexed_properties: options
                .indexed_properties
                .iter()
                .filter_map(|text| text.split_once(':'))
                .map(|(key, path)| (key.to_owned(), path.to_owned()))
                .collect(),
            links: BTreeMap::new(),
            links_of: HashMap::new(),
            children_of: HashMap::new(),
            next_id,
            next_issue_id: 10_000,
            lag: options.search_lag,
            stale: VecDeque::new(),
        }
    }

    /// A numeric id that was never given out before.
    pub fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A project by id or key, or by a key that it had before.
    pub fn project(&self, id_or_key: &str) -> Option<&Project> {
        let same = |key: &String| key.eq_ignore_ascii_case(id_or_key);
        self.projects.iter().find(|project| {
            same(&project.key) || project.former_keys.iter().any(same) || project.id.to_string() == id_or_key
        })
    }

    /// A project by id.
    pub fn project_by_id(&self, id: u64) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    /// An issue type by id.
    pub fn issue_type(&self, id: u64) -> Option<&IssueType> {
        self.types.iter().find(|kind| kind.id == id)
    }

    /// A field by id.
    pub fn field(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// An issue by id or key.
    pub fn issue(&self, id_or_key: &str) -> Option<&Arc<Issue>> {
        let id = match id_or_key.parse::<u64>() {
            Ok(id) => id,
            Err(_) => *self.keys.get(&id_or_key.to_ascii_uppercase())?,
        };
        self.issues.get(&id)
    }

    /// The number and id for a new issue of a project.
    pub fn allot(&mut self, project: u64) -> Option<(u64, String)> {
        let key = self.next_key(project)?;
        self.next_issue_id += 1;
        Some((self.next_issue_id, key))
    }

    /// The next key of a project.
    pub fn next_key(&mut self, project: u64) -> Option<String> {
        let project = self.projects.iter_mut().find(|candidate| candidate.id == project)?;
        project.last_number += 1;
        Some(format!("{}-{}", project.key, project.last_number))
    }

    /// Stores a new or changed issue; search sees it after the lag.
    pub fn store(&mut self, issue: Issue) {
        let id = issue.id;
        self.keys.insert(issue.key.to_ascii_uppercase(), id);
        if let Some(parent) = issue.parent {
            self.children_of.entry(parent).or_default().insert(id);
        }
        let parent = issue.parent;
        let before = self.issues.insert(id, Arc::new(issue));
        if let Some(old) = before.as_ref().and_then(|before| before.parent)
            && parent != Some(old)
            && let Some(children) = self.children_of.get_mut(&old)
        {
            children.remove(&id);
        }
        self.hide(id, before);
    }

    /// Removes an issue with its links; search sees it until the lag is over.
    pub fn remove(&mut self, id: u64, by: &Account) {
        if let Some(before) = self.issues.remove(&id) {
            for key in before.former_keys.iter().chain([&before.key]) {
                self.keys.remove(&key.to_ascii_uppercase());
            }
            let at = crate::World::now();
            self.graves.insert(id, Grave { issue: before.clone(), at, by: by.account_id.clone() });
            if let Some(children) = before.parent.and_then(|parent| self.children_of.get_mut(&parent)) {
                children.remove(&id);
            }
            for link in self.links_of.remove(&id).unwrap_or_default() {
                self.unlink(link);
            }
            self.hide(id, Some(before));
        }
    }

    /// Ids of an issue's sub-tasks.
    pub fn subtasks(&self, id: u64) -> Vec<u64> {
        let below = self.children_of.get(&id).into_iter().flatten().copied();
        below.filter(|child| self.issues.get(child).is_some_and(|issue| self.is_subtask(issue))).collect()
    }

    /// Whether an issue is a sub-task.
    pub fn is_subtask(&self, issue: &Issue) -> bool {
        self.issue_type(issue.type_id).is_some_and(IssueType::subtask)
    }

    /// Removes a link.
    pub fn unlink(&mut self, link: u64) -> Option<Link> {
        let removed = self.links.remove(&link)?;
        for end in [removed.source, removed.destination] {
            if let Some(ids) = self.links_of.get_mut(&end) {
                ids.retain(|id| *id != link);
            }
        }
        Some(removed)
    }

    fn hide(&mut self, id: u64, seen: Option<Arc<Issue>>) {
        let lag = crate::faults::search_lag().unwrap_or(self.lag);
        if !lag.is_zero() {
            let now = Instant::now();
            while self.stale.front().is_some_and(|stale| stale.until <= now) {
                self.stale.pop_front();
            }
            // Lags differ where a script draws them: behind a long one, shorter ones end and would pile up.
            if self.stale.len() % 1_024 == 1_023 {
                self.stale.retain(|stale| stale.until > now);
            }
            self.stale.push_back(Stale { until: now + lag, id, seen, node: crate::faults::node() });
        }
    }

    /// What the search index holds now: of every issue that changed within the lag, the version before the change. The
    /// node that made the change has it in its own index at once.
    pub fn index(&self, node: Option<u64>) -> Cow<'_, BTreeMap<u64, Arc<Issue>>> {
        if self.stale.is_empty() {
            return Cow::Borrowed(&self.issues);
        }
        let now = Instant::now();
        let mut view = self.issues.clone();
        // Newest first, so that the oldest version within the lag is the one that stays.
        let hidden = |stale: &&Stale| stale.until > now && (node.is_none() || stale.node != node);
        for stale in self.stale.iter().rev().filter(hidden) {
            match &stale.seen {
                Some(issue) => {
                    view.insert(stale.id, issue.clone());
                }
                None => {
                    view.remove(&stale.id);
                }
            }
        }
        Cow::Owned(view)
    }
}
