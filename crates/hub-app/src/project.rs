//! Projects: who publishes where, in which language, with whose account.

use hub_domain::{ProjectKey, SpaceKey, vocabulary::Locale};
use hub_store::{NewProject, ProjectRow, Store};

use crate::{AppError, plan};

/// What `project add` says.
#[derive(Debug, Clone)]
pub struct AddProject {
    /// The tenant's short name.
    pub tenant: String,
    /// The project's short name.
    pub key: String,
    /// The project's name for people.
    pub name: Option<String>,
    /// The language of its issues and pages.
    pub locale: Locale,
    /// The site's address.
    pub site: String,
    /// The key of its Jira project.
    pub jira_project: String,
    /// The key of its Confluence space.
    pub confluence_space: String,
    /// The account's e-mail address.
    pub account_email: String,
    /// Where the API token is.
    pub credential: String,
    /// Make the marker of an issue a label too.
    pub label_marker: bool,
    /// Change the project where it exists.
    pub update: bool,
}

/// Checks everything about a new project that can be told without a database.
///
/// # Errors
/// A raw token, a bad key or address.
pub fn check(add: &AddProject) -> Result<(), AppError> {
    parse(add).map(|_| ())
}

fn parse(add: &AddProject) -> Result<NewProject, AppError> {
    let argument = |what: String, rule: String| AppError::Argument { what, rule };
    // The credential first: a token must not travel any further than this line.
    hub_store::credential::check(&add.credential)?;
    let key = ProjectKey::new(add.key.clone()).map_err(|e| argument(format!("--key {:?}", add.key), e.rule.into()))?;
    let space = SpaceKey::new(add.confluence_space.clone())
        .map_err(|e| argument(format!("--confluence-space {:?}", add.confluence_space), e.rule.into()))?;
    let jira = &add.jira_project;
    let jira_fits = (2..=10).contains(&jira.len())
        && jira.starts_with(|c: char| c.is_ascii_uppercase())
        && jira.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !jira_fits {
        let rule = "a Jira project key has 2 to 10 characters of A-Z, 0-9 and '_', the first a letter";
        return Err(argument(format!("--jira-project {jira:?}"), rule.into()));
    }
    if !add.account_email.contains('@') || add.account_email.chars().any(char::is_whitespace) {
        return Err(argument(format!("--account-email {:?}", add.account_email), "it is no e-mail address".into()));
    }
    let site = hub_destination::site::check_address(&add.site)?;
    Ok(NewProject {
        tenant_slug: add.tenant.clone(),
        name: add.name.clone().unwrap_or_else(|| key.as_str().to_owned()),
        key,
        locale: add.locale,
        jira_project_key: add.jira_project.clone(),
        confluence_space_key: space,
        site_url: site.as_str().trim_end_matches('/').to_owned(),
        account_email: add.account_email.clone(),
        credential_ref: add.credential.clone(),
        label_marker: add.label_marker,
        update: add.update,
    })
}

/// Adds a project, or changes it where `update` says so, and plans what follows from the change. The same command twice
/// changes nothing.
///
/// # Errors
/// A raw token, a bad key or address, or a project that exists with other settings.
pub async fn add(store: &Store, add: &AddProject) -> Result<ProjectRow, AppError> {
    let row = store.add_project(&parse(add)?).await?;
    if add.update {
        plan::everything(store, &row).await?;
        // What stopped the lanes may be what was changed.
        wake(store, &row).await?;
    }
    Ok(row)
}

/// Archives a project: nothing of it is published until [`unarchive`]. Returns whether it was not archived before.
///
/// # Errors
/// The database's.
pub async fn archive(store: &Store, row: &ProjectRow) -> Result<bool, AppError> {
    Ok(store.archive(row.id, true).await?)
}

/// Takes an archived project up again and wakes its lanes. Returns whether it was archived.
///
/// # Errors
/// The database's.
pub async fn unarchive(store: &Store, row: &ProjectRow) -> Result<bool, AppError> {
    let changed = store.archive(row.id, false).await?;
    wake(store, row).await?;
    Ok(changed)
}

/// Refuses what may not be done for an archived project.
///
/// # Errors
/// [`AppError::Archived`].
pub fn refuse_archived(row: &ProjectRow) -> Result<(), AppError> {
    match row.archived_at {
        Some(_) => Err(AppError::Archived { key: row.key.to_string() }),
        None => Ok(()),
    }
}

async fn wake(store: &Store, row: &ProjectRow) -> Result<(), AppError> {
    let tx = store.worker(row.tenant_id).await?;
    tx.wake_lanes(row.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Every project.
///
/// # Errors
/// The database's.
pub async fn all(store: &Store) -> Result<Vec<ProjectRow>, AppError> {
    Ok(store.projects().await?)
}

/// Finds a project by its key, and by its tenant where more than one has such a project.
///
/// # Errors
/// [`AppError::UnknownProject`], also where the text is no key; the store's where the tenant must be named.
pub async fn find(store: &Store, tenant: Option<&str>, key: &str) -> Result<ProjectRow, AppError> {
    let unknown = || AppError::UnknownProject { key: key.chars().take(80).collect() };
    let parsed = ProjectKey::new(key).map_err(|_| unknown())?;
    let found = match tenant {
        Some(tenant) => store.project_of(tenant, &parsed).await?,
        None => store.project(&parsed).await?,
    };
    found.ok_or_else(unknown)
}
