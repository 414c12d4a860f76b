//! What people do to pages in their browsers. The rules are the ones that clients meet: a taken title is refused, a
//! version counts up by one, and the author is the person.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::body;
use super::call::Call;
use super::edits::{self, Update};
use super::pages::{self, NewPage};
use super::reply::{Content, Reply};
use super::state::{Page, State, Status};
use super::tree;
use crate::auth::Account;
use crate::humans::{Action, Victim};
use crate::world::World;

/// A new text of a page.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite<'a> {
    /// Storage format, with `{old}` for the stored text; a paragraph is added where not given.
    pub body: Option<&'a str>,
    /// The version's message.
    pub message: &'a str,
    /// The number of the action.
    pub number: usize,
}

/// A call that a person makes, without anything in it.
fn call_of(by: &Account) -> Call {
    Call {
        user: by.clone(),
        now: World::now(),
        base: String::new(),
        path: String::new(),
        params: Vec::new(),
        query: Vec::new(),
        body: Vec::new(),
        content_type: String::new(),
        token: String::new(),
    }
}

fn words(reply: Reply) -> String {
    match &reply.content {
        Content::Json(value) => value["errors"][0]["title"].as_str().unwrap_or_default().to_owned(),
        Content::Html(_) | Content::Empty => reply.status.to_string(),
    }
}

fn gone() -> String {
    "the page is gone".to_owned()
}

impl State {
    /// Pages that an action can fall on, by id; for a new page the spaces. Homepages only where they are named.
    pub fn victims(&self, victim: &Victim, action: &Action) -> Vec<u64> {
        let in_space = |space: u64| {
            let key = self.space(space).map(|space| space.key.as_str()).unwrap_or_default();
            victim.space.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(key))
        };
        if matches!(action, Action::CreatePage { .. }) {
            return self.spaces().map(|space| space.id).filter(|id| in_space(*id)).collect();
        }
        let named = victim.id.is_some() || victim.title.is_some();
        let fits = |page: &Page| match action {
            Action::RestorePage {} => matches!(page.status(), Status::Trashed | Status::Archived),
            Action::PurgePage {} => page.status() != Status::Draft,
            Action::TrashPage {} => matches!(page.status(), Status::Current | Status::Archived),
            Action::EditPage { .. }
            | Action::RenamePage { .. }
            | Action::MovePage { .. }
            | Action::ArchivePage {}
            | Action::CreatePage { .. }
            | Action::EditIssue { .. }
            | Action::CommentIssue { .. }
            | Action::MoveIssue { .. }
            | Action::DeleteIssue {}
            | Action::RenameProject { .. } => page.status() == Status::Current,
        };
        self.pages()
            .filter(|page| {
                fits(page)
                    && in_space(page.space)
                    && (named || self.space(page.space).is_none_or(|space| space.homepage != Some(page.id)))
                    && victim.id.as_ref().is_none_or(|id| *id == page.id.to_string())
                    && victim.title.as_ref().is_none_or(|title| title.to_lowercase() == page.title().to_lowercase())
                    && victim.label.as_ref().is_none_or(|name| page.labels.iter().any(|label| label.name == *name))
            })
            .map(|page| page.id)
            .collect()
    }

    /// What a page or a space is before something is done to it, and its title.
    pub fn victim(&self, id: u64) -> Option<(Value, String)> {
        if let Some(space) = self.space(id) {
            return Some((json!({"id": id.to_string(), "space": space.key}), String::new()));
        }
        let page = self.page(id)?;
        let shown = json!({
            "id": id.to_string(),
            "space": self.space(page.space).map(|space| space.key.as_str()),
            "title": page.title(),
            "status": page.status().word(),
            "version": page.number(),
            "parentId": page.parent().map(|parent| parent.to_string()),
        });
        Some((shown, page.title().to_owned()))
    }

    fn shown(&self, id: u64) -> Value {
        self.victim(id).map(|(shown, _)| shown).unwrap_or_default()
    }

    fn next(&self, id: u64) -> Result<Update, String> {
        let page = self.page(id).ok_or_else(gone)?;
        Ok(Update {
            status: Status::Current,
            title: page.title().to_owned(),
            parent: None,
            body: None,
            number: page.number() + 1,
            message: String::new(),
            minor: false,
        })
    }

    /// A page by its id or its title, in the space of another one or in a space.
    fn named(&self, space: u64, name: &str) -> Result<u64, String> {
        let by_id = name.parse::<u64>().ok().filter(|id| self.page(*id).is_some());
        let by_title = || self.titled(space, name).iter().copied().find(|id| self.page(*id).is_some_and(is_current));
        by_id.or_else(by_title).ok_or_else(|| format!("there is no page '{name}' in the space"))
    }

    /// Writes a new version of a page.
    ///
    /// # Errors
    /// What the site says against it.
    pub fn rewritten_by(&mut self, by: &Account, id: u64, rewrite: Rewrite<'_>) -> Result<Value, String> {
        let mut update = self.next(id)?;
        let old = self.page(id).and_then(Page::current).map(|version| version.body.storage.clone()).unwrap_or_default();
        let value = match rewrite.body {
            Some(text) => text.replace("{n}", &rewrite.number.to_string()).replace("{old}", &old),
            None => format!("{old}<p>Edited by hand, {}.</p>", rewrite.number),
        };
        update.body = Some(body::Sent { representation: body::Representation::Storage, value });
        rewrite.message.clone_into(&mut update.message);
        edits::apply(self, &call_of(by), id, update).map_err(words)?;
        Ok(self.shown(id))
    }

    /// Gives a page another title.
    ///
    /// # Errors
    /// What the site says against it.
    pub fn renamed_by(&mut self, by: &Account, id: u64, title: &str) -> Result<Value, String> {
        let title = pages::title_of(title).map_err(words)?;
        let update = Update { title, ..self.next(id)? };
        edits::apply(self, &call_of(by), id, update).map_err(words)?;
        Ok(self.shown(id))
    }

    /// Moves a page below another one, which makes no version.
    ///
    /// # Errors
    /// When the other one is not there, or below the page.
    pub fn put_under_by(&mut self, _: &Account, id: u64, under: &str) -> Result<Value, String> {
        let space = self.page(id).ok_or_else(gone)?.space;
        let parent = self.named(space, under)?;
        if self.page(parent).is_some_and(|page| page.space != space) {
            return Err("the new parent is in another space".to_owned());
        }
        if tree::is_below(self, parent, id) {
            return Err("a page cannot be below itself".to_owned());
        }
        self.reparent(id, Some(parent), None);
        Ok(self.shown(id))
    }

    /// Puts a page into the trash.
    pub fn trashed_by(&mut self, id: u64) -> Value {
        self.put_away(id, Status::Trashed)
    }

    /// Puts a page into the archive.
    pub fn archived_by(&mut self, id: u64) -> Value {
        self.put_away(id, Status::Archived)
    }

    fn put_away(&mut self, id: u64, status: Status) -> Value {
        let now: OffsetDateTime = World::now();
        self.set_status(id, status, now);
        self.shown(id)
    }

    /// Brings a page back from the trash or the archive.
    ///
    /// # Errors
    /// When its title is taken by now.
    pub fn restored_by(&mut self, by: &Account, id: u64) -> Result<Value, String> {
        let page = self.page(id).ok_or_else(gone)?;
        let update = self.next(id)?;
        match page.status() {
            Status::Trashed => edits::apply(self, &call_of(by), id, update).map_err(words)?,
            Status::Archived => self.set_status(id, Status::Current, World::now()),
            Status::Current | Status::Draft => return Err("the page is not put away".to_owned()),
        }
        Ok(self.shown(id))
    }

    /// Removes a page for good, through the trash.
    pub fn purged_by(&mut self, id: u64) -> Value {
        self.put_away(id, Status::Trashed);
        self.purge(id);
        json!({"purged": true})
    }

    /// Makes a page.
    ///
    /// # Errors
    /// What the site says against it.
    pub fn created_by(
        &mut self,
        by: &Account,
        space: u64,
        title: &str,
        text: &str,
        under: Option<&str>,
    ) -> Result<Value, String> {
        let parent = match under {
            Some(name) => Some(self.named(space, name)?),
            None => self.space(space).and_then(|space| space.homepage),
        };
        let title = pages::title_of(title).map_err(words)?;
        let sent = body::Sent { representation: body::Representation::Storage, value: text.to_owned() };
        let new = NewPage { space, parent, status: Status::Current, title, body: Some(sent), live: false };
        let id = pages::insert(self, &call_of(by), new).map_err(words)?;
        Ok(self.shown(id))
    }
}

fn is_current(page: &Page) -> bool {
    page.status() == Status::Current
}
