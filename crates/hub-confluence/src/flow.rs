//! The story of a page: create or compare-and-swap, adopt what is provably ours, then labels. When to send again is the
//! caller's verdict.

use hub_destination::{Cause, Outcome, Remote, Transport};
use hub_domain::codes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    calls,
    classify::{self, Failure},
    encode::{self, PageWrite},
    labels,
};

/// What a space is, kept between runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The account that the hub writes as.
    pub account_id: String,
    /// The space's id.
    pub space_id: String,
    /// The page under which project pages stand.
    pub homepage_id: String,
}

/// What became of a page. Where it exists already the remote reference is known even if the outcome is a failure, so
/// that the next attempt continues instead of starting again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAttempt {
    /// The outcome.
    pub outcome: Outcome,
    /// The page, as far as it is known.
    pub remote: Option<Remote>,
}

/// What the ledger knows of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The page.
    pub remote: Remote,
    /// The page it was put under when it was last written; none where that is not known.
    pub parent_id: Option<String>,
}

/// A page as a list of its space shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The number of its version.
    pub version: i64,
    /// What the version says of itself; the hub's versions name the hash of their content.
    pub message: String,
    /// Whether the hub's account wrote this version.
    pub by_us: bool,
}

/// Confluence, seen through a transport.
pub struct Confluence<'a> {
    transport: &'a dyn Transport,
    capabilities: &'a Capabilities,
}

/// Finds what a space is: 2 calls.
///
/// # Errors
/// The [`Outcome`] that stops the work: a login or the space is missing.
pub async fn discover(transport: &dyn Transport, space_key: &str) -> Result<Capabilities, Outcome> {
    let user = classify::answer(transport.send(calls::current_user()).await).map_err(Failure::into_outcome)?;
    let account_id = text(&user, "accountId").ok_or_else(|| {
        Outcome::Retryable(Cause::new(&codes::AUTHENTICATION, Some(200), "the site names no account for the token"))
    })?;
    let spaces = classify::answer(transport.send(calls::space(space_key)).await).map_err(Failure::into_outcome)?;
    let space = spaces.get("results").and_then(Value::as_array).and_then(|all| all.first()).cloned();
    let (space_id, homepage_id) =
        space.and_then(|space| Some((text(&space, "id")?, text(&space, "homepageId")?))).ok_or_else(|| {
            let message = format!("space {space_key} does not exist, has no home page, or the account cannot see it");
            Outcome::Refused(Cause::new(&codes::REMOTE_MISSING, Some(200), message))
        })?;
    Ok(Capabilities { account_id, space_id, homepage_id })
}

impl<'a> Confluence<'a> {
    /// A space behind a transport.
    #[must_use]
    pub fn new(transport: &'a dyn Transport, capabilities: &'a Capabilities) -> Self {
        Self { transport, capabilities }
    }

    /// The pages that the space shows: one call for 250.
    ///
    /// # Errors
    /// The [`Outcome`] of a read that failed: the list then proves nothing.
    pub async fn pages(&self) -> Result<Vec<Seen>, Outcome> {
        let mut all = Vec::new();
        let mut call = calls::pages_of_space(&self.capabilities.space_id);
        loop {
            let body = classify::answer(self.transport.send(call).await).map_err(Failure::into_outcome)?;
            let pages = body.get("results").and_then(Value::as_array).into_iter().flatten();
            all.extend(pages.filter_map(|page| self.seen(page)));
            // The site gives its own path, with or without its address before it.
            let next = body.pointer("/_links/next").and_then(Value::as_str);
            match next.and_then(|next| next.find("/wiki/").and_then(|at| next.get(at..))) {
                Some(path) => call = calls::next_pages(path),
                None => return Ok(all),
            }
        }
    }

    fn seen(&self, page: &Value) -> Option<Seen> {
        let author = page.pointer("/version/authorId").and_then(Value::as_str);
        Some(Seen {
            id: text(page, "id")?,
            title: text(page, "title").unwrap_or_default(),
            version: page.pointer("/version/number").and_then(Value::as_i64)?,
            message: page.pointer("/version/message").and_then(Value::as_str).unwrap_or_default().to_owned(),
            by_us: author == Some(self.capabilities.account_id.as_str()),
        })
    }

    /// Publishes a page: 2 calls for a new one (page, labels), 1 for a changed one.
    pub async fn publish(&self, write: &PageWrite, parent_id: &str, known: Option<&Known>) -> PageAttempt {
        let page = match known {
            Some(known) => self.update(write, parent_id, known).await,
            None => self.create(write, parent_id).await,
        };
        let mut remote = match page {
            Ok(remote) => remote,
            Err(outcome) => return PageAttempt { outcome, remote: known.map(|k| k.remote.clone()) },
        };
        match self.labels(&labels::of_page(&write.facts, write.kind), &mut remote).await {
            Ok(()) => PageAttempt { outcome: Outcome::Applied(remote.clone()), remote: Some(remote) },
            Err(outcome) => PageAttempt { outcome, remote: Some(remote) },
        }
    }

    async fn create(&self, write: &PageWrite, parent_id: &str) -> Result<Remote, Outcome> {
        let body = encode::create(write, &self.capabilities.space_id, parent_id);
        match classify::answer(self.transport.send(calls::create(body)).await) {
            Ok(page) => remote(&page).ok_or_else(|| unreadable("the site names no id for the page")),
            Err(Failure::TitleTaken) => self.adopt(write).await,
            Err(failure) => Err(failure.into_outcome()),
        }
    }

    /// The title is taken: by our own page, whose create landed without an answer, or by another's.
    async fn adopt(&self, write: &PageWrite) -> Result<Remote, Outcome> {
        let call = calls::by_title(&self.capabilities.space_id, &write.facts.title);
        let found = classify::answer(self.transport.send(call).await).map_err(Failure::into_outcome)?;
        let holders = found.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        // A page in the trash may stand beside the one that holds the title.
        let in_trash = |page: &Value| text(page, "status").as_deref() == Some("trashed");
        // Reads lag behind writes: the page that the server has just told us of may not be readable yet.
        let Some(holder) = holders.iter().find(|page| !in_trash(page)).or(holders.first()) else {
            return Err(unreadable("the page that holds the title cannot be read yet"));
        };
        if !self.is_ours(holder, write) {
            let message = format!("the title is held by page {}", text(holder, "id").unwrap_or_default());
            return Err(Outcome::Refused(Cause::new(&codes::TITLE_TAKEN, Some(400), message)));
        }
        let remote = remote(holder).ok_or_else(|| unreadable("the page has no id"))?;
        self.put(write, &remote, None).await.map_err(Failure::into_outcome)
    }

    /// Ours is what our account wrote and what carries this page's own marker.
    fn is_ours(&self, page: &Value, write: &PageWrite) -> bool {
        let author = text(page, "authorId");
        let body = page.pointer("/body/storage/value").and_then(Value::as_str).unwrap_or_default();
        author.as_deref() == Some(self.capabilities.account_id.as_str()) && body.contains(write.marker.as_str())
    }

    async fn update(&self, write: &PageWrite, parent_id: &str, known: &Known) -> Result<Remote, Outcome> {
        let moves = known.parent_id.as_deref().is_some_and(|old| old != parent_id);
        let move_to = moves.then_some(parent_id);
        match self.put(write, &known.remote, move_to).await {
            Ok(remote) => Ok(remote),
            Err(Failure::Conflict) => self.resolve_conflict(write, &known.remote, move_to).await,
            Err(Failure::Missing(cause)) => Err(Outcome::Refused(Cause::new(
                &codes::REMOTE_MISSING,
                cause.status,
                format!("the page was deleted or moved out of reach: {}", cause.message),
            ))),
            Err(failure) => Err(failure.into_outcome()),
        }
    }

    /// The version moved on. Our own message on it means that our write landed, unless it has only brought the page back
    /// from the trash, which the text shows. Another's edit is replaced, because the database is the truth, and stays in
    /// the page's history.
    async fn resolve_conflict(
        &self,
        write: &PageWrite,
        known: &Remote,
        move_to: Option<&str>,
    ) -> Result<Remote, Outcome> {
        let page =
            classify::answer(self.transport.send(calls::page(&known.id)).await).map_err(Failure::into_outcome)?;
        let mut current = remote(&page).ok_or_else(|| unreadable("the page has no id"))?;
        current.labels.clone_from(&known.labels);
        let message = page.pointer("/version/message").and_then(Value::as_str).unwrap_or_default();
        if message == encode::version_message(&write.hash) && holds(&page, write) != Some(false) {
            return Ok(current);
        }
        self.put(write, &current, move_to).await.map_err(Failure::into_outcome)
    }

    /// Writes a page's next version. A page in the trash only comes back by it, as it was, and that counts as a version:
    /// then the text is written by a second one.
    async fn put(&self, write: &PageWrite, known: &Remote, move_to: Option<&str>) -> Result<Remote, Failure> {
        let page = self.put_once(write, known, move_to).await?;
        if holds(&page, write) == Some(false) {
            let restored = written(&page, known)?;
            let page = self.put_once(write, &restored, move_to).await?;
            return written(&page, known);
        }
        written(&page, known)
    }

    async fn put_once(&self, write: &PageWrite, known: &Remote, move_to: Option<&str>) -> Result<Value, Failure> {
        let body = encode::update(write, &known.id, known.version.unwrap_or(1), move_to);
        classify::answer(self.transport.send(calls::update(&known.id, body)).await)
    }

    /// Adds the labels that are missing and removes those that the hub had set and no longer wants.
    async fn labels(&self, wanted: &[String], remote: &mut Remote) -> Result<(), Outcome> {
        let missing: Vec<&str> = wanted.iter().filter(|l| !remote.labels.contains(l)).map(String::as_str).collect();
        if !missing.is_empty() {
            classify::answer(self.transport.send(calls::add_labels(&remote.id, &missing)).await)
                .map_err(Failure::into_outcome)?;
        }
        let surplus: Vec<String> = remote.labels.iter().filter(|l| !wanted.contains(l)).cloned().collect();
        for label in &surplus {
            classify::answer(self.transport.send(calls::remove_label(&remote.id, label)).await)
                .map_err(Failure::into_outcome)?;
        }
        remote.labels = wanted.to_vec();
        Ok(())
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether the text in an answer is the one that was written; nothing where the answer shows no text.
fn holds(page: &Value, write: &PageWrite) -> Option<bool> {
    let body = page.pointer("/body/storage/value").and_then(Value::as_str)?;
    Some(body.contains(&write.hash.to_hex()))
}

/// The page as an answer to a write shows it, with the labels that were known.
fn written(page: &Value, known: &Remote) -> Result<Remote, Failure> {
    let mut written = remote(page).ok_or_else(|| Failure::Other(unreadable("the site names no version")))?;
    written.labels.clone_from(&known.labels);
    Ok(written)
}

fn unreadable(what: &str) -> Outcome {
    Outcome::Retryable(Cause::new(&codes::REMOTE_FAILED, Some(200), what))
}

/// The page of an answer. Its address below the site is `/wiki` and `_links.webui`.
fn remote(page: &Value) -> Option<Remote> {
    let webui = page.pointer("/_links/webui").and_then(Value::as_str);
    Some(Remote {
        id: text(page, "id")?,
        key: webui.map(|path| format!("/wiki{path}")),
        version: page.pointer("/version/number").and_then(Value::as_i64),
        labels: Vec::new(),
    })
}
