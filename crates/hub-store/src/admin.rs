//! Projects and their connectors, as an operator adds and lists them. These statements run as the role that owns the tables,
//! across tenants; everything else runs in a [`crate::WorkerTx`].

use hub_domain::{ProjectId, ProjectKey, SpaceKey, TenantId, entity::ProjectFacts, vocabulary::Locale};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::{Row, types::Type};
use url::{Host, Url};
use uuid::Uuid;

use crate::{Store, StoreError, credential, query::Query};

/// What an operator says about a project. Both destinations are one site with one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// The tenant's short name; the tenant is made when it is new.
    pub tenant_slug: String,
    /// The project's short name.
    pub key: ProjectKey,
    /// Its name for people.
    pub name: String,
    /// The language of its issues and pages.
    pub locale: Locale,
    /// The key of its Jira project.
    pub jira_project_key: String,
    /// The key of its Confluence space.
    pub confluence_space_key: SpaceKey,
    /// The site's address: `https://..`, or `http://..` on this machine only. The same for Jira and Confluence, without
    /// `/wiki`.
    pub site_url: String,
    /// The account that writes.
    pub account_email: String,
    /// Where its token is: `env://NAME`, `file:///PATH` or `vault://NAME`.
    pub credential_ref: String,
    /// Whether an issue's marker is a label too.
    pub label_marker: bool,
    /// Whether an existing project is changed to this.
    pub update: bool,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRow {
    /// Its number.
    pub id: ProjectId,
    /// Its tenant's number.
    pub tenant_id: TenantId,
    /// Its tenant's short name.
    pub tenant_slug: String,
    /// Its short name.
    pub key: ProjectKey,
    /// Its name.
    pub name: String,
    /// Its language.
    pub locale: Locale,
    /// Its Jira project.
    pub jira_project_key: String,
    /// Its Confluence space.
    pub confluence_space_key: SpaceKey,
    /// Whether an issue's marker is a label too, as a second witness.
    pub label_marker: bool,
    /// Since when it is archived: nothing of it is published.
    pub archived_at: Option<OffsetDateTime>,
}

impl ProjectRow {
    /// The project as the pipeline needs it.
    #[must_use]
    pub fn facts(&self) -> ProjectFacts {
        ProjectFacts {
            id: self.id,
            key: self.key.clone(),
            name: self.name.clone(),
            locale: self.locale,
            jira_project: self.jira_project_key.clone(),
            confluence_space: self.confluence_space_key.clone(),
        }
    }
}

/// What a connector speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectorKind {
    /// Jira Cloud.
    JiraCloud,
    /// Confluence Cloud.
    ConfluenceCloud,
}

impl ConnectorKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::JiraCloud, Self::ConfluenceCloud];

    /// The kind as the table holds it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JiraCloud => "jira_cloud",
            Self::ConfluenceCloud => "confluence_cloud",
        }
    }
}

/// One destination of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorRow {
    /// Its number.
    pub id: Uuid,
    /// What it speaks to.
    pub kind: ConnectorKind,
    /// The site's address, without a slash at its end and without `/wiki`.
    pub base_url: String,
    /// The account.
    pub account_email: String,
    /// Where its token is.
    pub credential_ref: String,
    /// What the site was found to offer, in the destination's own form.
    pub capabilities: Option<Value>,
    /// When that was found.
    pub capabilities_at: Option<OffsetDateTime>,
    /// How fast calls may go out, as an operator set it: `{}` for the documented limits.
    pub rate: Value,
}

static TENANT: Query = Query {
    doing: "make the tenant",
    sql: "insert into hub.tenants (slug, name) values ($1, $1) on conflict (slug) do nothing",
    types: &[Type::TEXT],
};
static FIND_IN_TENANT: Query = Query {
    doing: "find the project",
    sql: "select p.id, p.tenant_id, t.slug, p.key, p.name, p.locale, p.jira_project_key, p.confluence_space_key,
                 p.label_marker, p.archived_at
            from hub.projects p join hub.tenants t on t.id = p.tenant_id
           where t.slug = $1 and p.key = $2",
    types: &[Type::TEXT, Type::TEXT],
};
static FIND: Query = Query {
    doing: "find the project",
    sql: "select p.id, p.tenant_id, t.slug, p.key, p.name, p.locale, p.jira_project_key, p.confluence_space_key,
                 p.label_marker, p.archived_at
            from hub.projects p join hub.tenants t on t.id = p.tenant_id
           where p.key = $1 order by t.slug",
    types: &[Type::TEXT],
};
static LIST: Query = Query {
    doing: "list the projects",
    sql: "select p.id, p.tenant_id, t.slug, p.key, p.name, p.locale, p.jira_project_key, p.confluence_space_key,
                 p.label_marker, p.archived_at
            from hub.projects p join hub.tenants t on t.id = p.tenant_id order by t.slug, p.key",
    types: &[],
};
static FIND_BY_ID: Query = Query {
    doing: "find the project",
    sql: "select p.id, p.tenant_id, t.slug, p.key, p.name, p.locale, p.jira_project_key, p.confluence_space_key,
                 p.label_marker, p.archived_at
            from hub.projects p join hub.tenants t on t.id = p.tenant_id where p.id = $1",
    types: &[Type::UUID],
};
static ARCHIVE: Query = Query {
    doing: "archive the project",
    sql: "update hub.projects set archived_at = case when $2 then coalesce(archived_at, now()) end, updated_at = now()
           where id = $1 and (archived_at is not null) <> $2",
    types: &[Type::UUID, Type::BOOL],
};
static SAVE_PROJECT: Query = Query {
    doing: "save the project",
    sql: "insert into hub.projects as p (tenant_id, key, name, locale, jira_project_key, confluence_space_key, label_marker)
          select t.id, $2, $3, $4, $5, $6, $7 from hub.tenants t where t.slug = $1
          on conflict (tenant_id, key) do update set name = excluded.name, locale = excluded.locale,
            jira_project_key = excluded.jira_project_key, confluence_space_key = excluded.confluence_space_key,
            label_marker = excluded.label_marker, updated_at = now()
          returning id, tenant_id",
    types: &[Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::BOOL],
};
static SAVE_CONNECTOR: Query = Query {
    doing: "save the connector",
    // Another site or account may offer something else: what was found of the old one is forgotten.
    sql: "insert into hub.connectors as c (tenant_id, project_id, kind, base_url, account_email, credential_ref)
          values ($1, $2, $3, $4, $5, $6)
          on conflict (project_id, kind) do update set base_url = excluded.base_url,
            account_email = excluded.account_email, credential_ref = excluded.credential_ref,
            capabilities = null, capabilities_at = null, updated_at = now()
          where (c.base_url, c.account_email, c.credential_ref)
            is distinct from (excluded.base_url, excluded.account_email, excluded.credential_ref)",
    types: &[Type::UUID, Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT],
};
static FORGET_CAPABILITIES: Query = Query {
    doing: "forget what the destinations were found to offer",
    sql: "update hub.connectors set capabilities = null, capabilities_at = null, updated_at = now() where project_id = $1",
    types: &[Type::UUID],
};
static CONNECTORS: Query = Query {
    doing: "list the connectors",
    sql: "select id, kind, base_url, account_email, credential_ref, capabilities, capabilities_at, rate
            from hub.connectors where project_id = $1 order by kind desc",
    types: &[Type::UUID],
};
static SAVE_CAPABILITIES: Query = Query {
    doing: "save what the destination was found to offer",
    sql: "update hub.connectors set capabilities = $2, capabilities_at = clock_timestamp(), updated_at = now() where id = $1",
    types: &[Type::UUID, Type::JSONB],
};

pub(crate) static QUERIES: &[&Query] = &[
    &TENANT,
    &FIND_IN_TENANT,
    &FIND,
    &LIST,
    &FIND_BY_ID,
    &ARCHIVE,
    &SAVE_PROJECT,
    &SAVE_CONNECTOR,
    &FORGET_CAPABILITIES,
    &CONNECTORS,
    &SAVE_CAPABILITIES,
];

impl Store {
    /// Adds a project with its connectors. Adding the same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::RawCredential`] and [`StoreError::Settings`] before any statement is sent;
    /// [`StoreError::ProjectExists`] where it exists with other settings and `update` is not asked for.
    pub async fn add_project(&self, new: &NewProject) -> Result<ProjectRow, StoreError> {
        let site = check(new)?;
        let mut client = self.client().await?;
        let tx =
            client.transaction().await.map_err(|source| StoreError::Query { doing: "begin a transaction", source })?;
        TENANT.run(tx.client(), &[&new.tenant_slug]).await?;
        let (slug, key) = (new.tenant_slug.as_str(), new.key.as_str());
        let existing = FIND_IN_TENANT.rows(tx.client(), &[&slug, &key]).await?;
        if let Some(row) = existing.first() {
            let existing = project(row)?;
            let connectors = connectors(&CONNECTORS.rows(tx.client(), &[&existing.id.0]).await?)?;
            let different = differences(new, &site, &existing, &connectors);
            if different.is_empty() {
                return Ok(existing);
            }
            if !new.update {
                return Err(StoreError::ProjectExists { key: key.to_owned(), different });
            }
            if different.contains(&"Jira project") || different.contains(&"Confluence space") {
                FORGET_CAPABILITIES.run(tx.client(), &[&existing.id.0]).await?;
            }
        }
        let (locale, space) = (new.locale.as_str(), new.confluence_space_key.as_str());
        let saved = SAVE_PROJECT
            .rows(tx.client(), &[&slug, &key, &new.name, &locale, &new.jira_project_key, &space, &new.label_marker])
            .await?;
        for row in &saved {
            let (id, tenant): (Uuid, Uuid) = (row.get(0), row.get(1));
            for kind in ConnectorKind::ALL {
                SAVE_CONNECTOR
                    .run(tx.client(), &[&tenant, &id, &kind.as_str(), &site, &new.account_email, &new.credential_ref])
                    .await?;
            }
        }
        let rows = FIND_IN_TENANT.rows(tx.client(), &[&slug, &key]).await?;
        let row = rows.first().ok_or_else(|| StoreError::unreadable("the project", "it is gone"))?;
        let saved = project(row)?;
        tx.commit().await.map_err(|source| StoreError::Query { doing: "commit", source })?;
        Ok(saved)
    }

    /// A project by its key, whichever tenant has it.
    ///
    /// # Errors
    /// [`StoreError::ProjectKeyShared`] where several tenants use the key.
    pub async fn project(&self, key: &ProjectKey) -> Result<Option<ProjectRow>, StoreError> {
        let rows = FIND.rows(&*self.client().await?, &[&key.as_str()]).await?;
        let mut found = rows.iter().map(project).collect::<Result<Vec<_>, _>>()?;
        if found.len() > 1 {
            let tenants = found.into_iter().map(|project| project.tenant_slug).collect();
            return Err(StoreError::ProjectKeyShared { key: key.to_string(), tenants });
        }
        Ok(found.pop())
    }

    /// A tenant's project by its key.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn project_of(&self, tenant_slug: &str, key: &ProjectKey) -> Result<Option<ProjectRow>, StoreError> {
        let rows = FIND_IN_TENANT.rows(&*self.client().await?, &[&tenant_slug, &key.as_str()]).await?;
        rows.first().map(project).transpose()
    }

    /// A project by its number.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn project_by_id(&self, id: ProjectId) -> Result<Option<ProjectRow>, StoreError> {
        FIND_BY_ID.rows(&*self.client().await?, &[&id.0]).await?.first().map(project).transpose()
    }

    /// Archives a project, or takes that back. Returns whether it was otherwise before.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn archive(&self, id: ProjectId, archived: bool) -> Result<bool, StoreError> {
        Ok(ARCHIVE.run(&*self.client().await?, &[&id.0, &archived]).await? == 1)
    }

    /// Every project, by tenant and key.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn projects(&self) -> Result<Vec<ProjectRow>, StoreError> {
        LIST.rows(&*self.client().await?, &[]).await?.iter().map(project).collect()
    }

    /// The connectors of a project, Jira first.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn connectors(&self, project: ProjectId) -> Result<Vec<ConnectorRow>, StoreError> {
        connectors(&CONNECTORS.rows(&*self.client().await?, &[&project.0]).await?)
    }

    /// Keeps what a destination was found to offer, and when, by the database's clock.
    ///
    /// # Errors
    /// [`StoreError::Connect`] or [`StoreError::Query`].
    pub async fn save_capabilities(&self, connector: Uuid, capabilities: &Value) -> Result<(), StoreError> {
        SAVE_CAPABILITIES.run(&*self.client().await?, &[&connector, capabilities]).await?;
        Ok(())
    }
}

/// Checks what the tables would refuse, so that every mistake is told at once, and returns the site's address.
fn check(new: &NewProject) -> Result<String, StoreError> {
    credential::check(&new.credential_ref)?;
    let mut wrong = Vec::new();
    if ProjectKey::new(new.tenant_slug.as_str()).is_err() {
        wrong.push(format!("the tenant {:?} is not 1 to 63 characters of a-z, 0-9 and '-'", new.tenant_slug));
    }
    if !(1..=200).contains(&new.name.chars().count()) || new.name.trim().is_empty() {
        wrong.push("the project's name is not 1 to 200 characters".to_owned());
    }
    let jira = new.jira_project_key.as_str();
    let is_jira_key = (2..=10).contains(&jira.len())
        && jira.starts_with(|c: char| c.is_ascii_uppercase())
        && jira.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if !is_jira_key {
        wrong.push(format!("the Jira project {jira:?} is not 2 to 10 characters of A-Z, 0-9 and '_', a letter first"));
    }
    let site = site(&new.site_url);
    if site.is_none() {
        wrong.push(format!("the site {:?} is not https://HOST, or http://HOST on this machine", new.site_url));
    }
    let mail = new.account_email.as_str();
    let is_mail = mail.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !host.contains('@') && !mail.chars().any(char::is_whitespace)
    });
    if !is_mail || mail.chars().count() > 254 {
        wrong.push(format!("the account {mail:?} is not an e-mail address"));
    }
    match site {
        Some(site) if wrong.is_empty() => Ok(site),
        Some(_) | None => Err(StoreError::Settings(wrong)),
    }
}

/// The address without a slash at its end; nothing where it is not one that tokens may be sent to.
fn site(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let is_plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let host = url.host()?;
    let is_here = match &host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.octets() == [127, 0, 0, 1],
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    (is_plain && is_safe).then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn differences(new: &NewProject, site: &str, old: &ProjectRow, connectors: &[ConnectorRow]) -> Vec<&'static str> {
    let connector = |same: &dyn Fn(&ConnectorRow) -> bool| connectors.len() == 2 && connectors.iter().all(same);
    [
        ("name", old.name == new.name),
        ("locale", old.locale == new.locale),
        ("Jira project", old.jira_project_key == new.jira_project_key),
        ("Confluence space", old.confluence_space_key == new.confluence_space_key),
        ("marker as a label", old.label_marker == new.label_marker),
        ("site", connector(&|c| c.base_url == site)),
        ("account", connector(&|c| c.account_email == new.account_email)),
        ("credential reference", connector(&|c| c.credential_ref == new.credential_ref)),
    ]
    .into_iter()
    .filter_map(|(what, is_same)| (!is_same).then_some(what))
    .collect()
}

fn project(row: &Row) -> Result<ProjectRow, StoreError> {
    let locale: String = row.get(5);
    Ok(ProjectRow {
        id: ProjectId(row.get(0)),
        tenant_id: TenantId(row.get(1)),
        tenant_slug: row.get(2),
        key: ProjectKey::new(row.get::<_, String>(3)).map_err(|e| StoreError::unreadable("a project's key", e))?,
        name: row.get(4),
        locale: Locale::from_word(&locale).ok_or_else(|| StoreError::unreadable("a project's locale", locale))?,
        jira_project_key: row.get(6),
        confluence_space_key: SpaceKey::new(row.get::<_, String>(7))
            .map_err(|e| StoreError::unreadable("a project's space", e))?,
        label_marker: row.get(8),
        archived_at: row.get(9),
    })
}

fn connectors(rows: &[Row]) -> Result<Vec<ConnectorRow>, StoreError> {
    rows.iter()
        .map(|row| {
            let word: String = row.get(1);
            let kind = ConnectorKind::ALL.into_iter().find(|kind| kind.as_str() == word);
            Ok(ConnectorRow {
                id: row.get(0),
                kind: kind.ok_or_else(|| StoreError::unreadable("a connector's kind", word))?,
                base_url: row.get(2),
                account_email: row.get(3),
                credential_ref: row.get(4),
                capabilities: row.get(5),
                capabilities_at: row.get(6),
                rate: row.get(7),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_sent_over_https_or_to_this_machine() {
        let cases = [
            ("https://acme.atlassian.net", Some("https://acme.atlassian.net")),
            (" https://acme.atlassian.net/ ", Some("https://acme.atlassian.net")),
            ("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080")),
            ("http://localhost:8080/jira", Some("http://localhost:8080/jira")),
            ("http://[::1]:9", Some("http://[::1]:9")),
            ("http://acme.atlassian.net", None),
            ("http://127.0.0.1.evil.example", None),
            ("https://user:secret@acme.atlassian.net", None),
            ("https://acme.atlassian.net/?x=1", None),
            ("ftp://acme.atlassian.net", None),
            ("acme.atlassian.net", None),
        ];
        for (text, expected) in cases {
            assert_eq!(site(text).as_deref(), expected, "{text}");
        }
    }
}
