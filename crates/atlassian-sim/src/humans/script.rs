//! What a script says of a person: when, to what, and what is done. Read from TOML or JSON; a key that is not known is
//! refused by name.

use serde::{Deserialize, Serialize};

use crate::faults::{Product, check_seconds};

/// A person at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Human {
    /// For people: shown in the counts and in the list of what was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of the person's account, which is never the account of the API.
    #[serde(default = "somebody")]
    pub person: String,
    /// Once, so long after the script's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_seconds: Option<f64>,
    /// Again and again, so far apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<f64>,
    /// With `every_seconds`: the first time is so long and one interval after the script's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_seconds: Option<f64>,
    /// With `every_seconds`: not after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_seconds: Option<f64>,
    /// To what.
    #[serde(default, rename = "match")]
    pub victim: Victim,
    /// What is done.
    pub action: Action,
}

/// Which object. Every member restricts, an absent one does not; one of those that are left is drawn from the seed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Victim {
    /// The product; it must be the action's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// Issues of this project, by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Pages of this space, by its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// The issue of this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The issue or page of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The page with this title, in any letter case, or the issue with this summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Issues or pages that carry this label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What is done. In texts and titles `{old}` stands for the present one and `{n}` for the number of the action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Changes what an issue says.
    EditIssue {
        /// The new summary.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        /// The new description.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Labels put on it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add_labels: Vec<String>,
        /// Labels taken off it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove_labels: Vec<String>,
        /// Takes one of its labels off, whichever is drawn.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        remove_any_label: bool,
    },
    /// Writes a comment.
    CommentIssue {
        /// The text.
        text: String,
    },
    /// Moves an issue to another project: another key, the same id.
    MoveIssue {
        /// The project's key.
        to_project: String,
    },
    /// Deletes an issue with its sub-tasks.
    DeleteIssue {},
    /// Gives a project another key.
    RenameProject {
        /// The new key.
        new_key: String,
    },
    /// Writes a new version of a page.
    EditPage {
        /// The new body in storage format, where `{old}` is the stored one; a paragraph is added where not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The version's message.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// Gives a page another title.
    RenamePage {
        /// The new title.
        title: String,
    },
    /// Moves a page below another one of its space.
    MovePage {
        /// The id or the title of the new parent.
        under: String,
    },
    /// Puts a page into the trash.
    TrashPage {},
    /// Puts a page into the archive.
    ArchivePage {},
    /// Brings a page back from the trash or the archive.
    RestorePage {},
    /// Removes a page for good; one that is not in the trash goes through it.
    PurgePage {},
    /// Makes a page, and so takes its title.
    CreatePage {
        /// The title.
        title: String,
        /// The body in storage format.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        body: String,
        /// The id or the title of the parent; the space's homepage where not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        under: Option<String>,
    },
}

/// The person of whom nothing else is said.
pub fn somebody() -> String {
    "Somebody".to_owned()
}

impl Action {
    /// The name by which it is written and counted.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EditIssue { .. } => "edit-issue",
            Self::CommentIssue { .. } => "comment-issue",
            Self::MoveIssue { .. } => "move-issue",
            Self::DeleteIssue {} => "delete-issue",
            Self::RenameProject { .. } => "rename-project",
            Self::EditPage { .. } => "edit-page",
            Self::RenamePage { .. } => "rename-page",
            Self::MovePage { .. } => "move-page",
            Self::TrashPage {} => "trash-page",
            Self::ArchivePage {} => "archive-page",
            Self::RestorePage {} => "restore-page",
            Self::PurgePage {} => "purge-page",
            Self::CreatePage { .. } => "create-page",
        }
    }

    /// The product that it happens in.
    #[must_use]
    pub fn product(&self) -> Product {
        match self {
            Self::EditIssue { .. }
            | Self::CommentIssue { .. }
            | Self::MoveIssue { .. }
            | Self::DeleteIssue {}
            | Self::RenameProject { .. } => Product::Jira,
            Self::EditPage { .. }
            | Self::RenamePage { .. }
            | Self::MovePage { .. }
            | Self::TrashPage {}
            | Self::ArchivePage {}
            | Self::RestorePage {}
            | Self::PurgePage {}
            | Self::CreatePage { .. } => Product::Confluence,
        }
    }
}

/// Checks what is done together with the selector.
pub fn check(victim: &Victim, action: &Action) -> Result<(), String> {
    let (kind, product) = (action.kind(), action.product());
    if victim.product.is_some_and(|named| named != product) {
        return Err(format!("'{kind}' does not happen in the product named"));
    }
    let of_jira = [("project", &victim.project), ("key", &victim.key)];
    let of_confluence = [("space", &victim.space)];
    let wrong: &[(&str, &Option<String>)] = match product {
        Product::Jira => &of_confluence,
        Product::Confluence => &of_jira,
    };
    if let Some((name, _)) = wrong.iter().find(|(_, value)| value.is_some()) {
        return Err(format!("'{kind}' cannot be matched by {name}"));
    }
    match action {
        Action::EditIssue { summary: None, description: None, add_labels, remove_labels, remove_any_label: false }
            if add_labels.is_empty() && remove_labels.is_empty() =>
        {
            Err("edit-issue changes nothing: give summary, description, add_labels, remove_labels or remove_any_label"
                .to_owned())
        }
        Action::RenameProject { .. } if victim.key.is_some() || victim.title.is_some() || victim.label.is_some() => {
            Err("rename-project is matched by project or id only".to_owned())
        }
        Action::CreatePage { .. } if victim.id.is_some() || victim.title.is_some() || victim.label.is_some() => {
            Err("create-page is matched by space only".to_owned())
        }
        Action::EditIssue { .. }
        | Action::CommentIssue { .. }
        | Action::MoveIssue { .. }
        | Action::DeleteIssue {}
        | Action::RenameProject { .. }
        | Action::EditPage { .. }
        | Action::RenamePage { .. }
        | Action::MovePage { .. }
        | Action::TrashPage {}
        | Action::ArchivePage {}
        | Action::RestorePage {}
        | Action::PurgePage {}
        | Action::CreatePage { .. } => Ok(()),
    }
}

impl Human {
    pub(crate) fn check(&self) -> Result<(), String> {
        for (name, value) in [
            ("at_seconds", self.at_seconds),
            ("every_seconds", self.every_seconds),
            ("from_seconds", self.from_seconds),
            ("until_seconds", self.until_seconds),
        ] {
            check_seconds(name, value.unwrap_or_default())?;
        }
        if self.person.trim().is_empty() {
            return Err("person is empty".to_owned());
        }
        match (self.at_seconds, self.every_seconds) {
            (None, None) => return Err("give at_seconds or every_seconds".to_owned()),
            (Some(_), Some(_)) => return Err("give one of at_seconds and every_seconds".to_owned()),
            (Some(_), None) if self.from_seconds.is_some() || self.until_seconds.is_some() => {
                return Err("from_seconds and until_seconds belong to every_seconds".to_owned());
            }
            // Shorter, and the person would do nothing but hold up everyone else.
            (None, Some(every)) if every < 0.01 => return Err("every_seconds is less than 0.01".to_owned()),
            (Some(_), None) | (None, Some(_)) => {}
        }
        if self.until_seconds.is_some_and(|until| until < self.first()) {
            return Err("until_seconds is before the first time: it would never happen".to_owned());
        }
        check(&self.victim, &self.action)
    }

    /// The first time, in seconds after the script's start.
    fn first(&self) -> f64 {
        match (self.at_seconds, self.every_seconds) {
            (Some(at), _) => at,
            (None, every) => self.from_seconds.unwrap_or_default() + every.unwrap_or_default(),
        }
    }

    /// When it happens after having happened so often; `None` for never again.
    pub(crate) fn due(&self, happened: u32) -> Option<f64> {
        let at = match self.every_seconds {
            None => return (happened == 0).then(|| self.first()),
            Some(every) => self.first() + every * f64::from(happened),
        };
        (at <= self.until_seconds.unwrap_or(f64::MAX)).then_some(at)
    }
}
