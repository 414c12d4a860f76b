//! Tokens of the HTTP API: made, listed, revoked and judged. A token is `hub_<public half>_<secret half>`; it is shown once, and the
//! database keeps the SHA-256 of its secret half only.

use hub_domain::{ProjectId, TenantId};
use hub_store::{ApiTokenRow, ProjectRow, Store};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{AppError, evidence::random_text};

/// Characters of the secret half: 240 random bits.
const SECRET: usize = 48;
/// The longest life of a token in days: ten years.
const MAX_DAYS: u32 = 3_650;

/// A token that was just made.
#[derive(Debug, Clone, Serialize)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// The token. It is not kept anywhere.
    pub token: String,
    /// The project that it opens; nothing for every project of the tenant.
    pub project: Option<String>,
}

/// A token as a list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct TokenOut {
    /// Its name.
    pub name: String,
    /// Its public half.
    pub id: String,
    /// The project that it opens; nothing for every project of the tenant.
    pub project: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// Until when it is good.
    pub expires_at: Option<String>,
    /// When it was last used.
    pub last_used_at: Option<String>,
    /// Since when it is revoked.
    pub revoked_at: Option<String>,
}

/// What a token opens.
#[derive(Debug, Clone)]
pub struct Access {
    tenant: TenantId,
    project: Option<ProjectId>,
    /// Its name, for logs.
    pub name: String,
}

/// Makes a token for a project, or for every project of its tenant.
///
/// # Errors
/// A bad or taken name, a life that is too long, the database's.
pub async fn add(
    store: &Store,
    project: &ProjectRow,
    whole_tenant: bool,
    name: &str,
    days: Option<u32>,
) -> Result<NewToken, AppError> {
    let refuse = |what: String, rule: &str| Err(AppError::Argument { what, rule: rule.to_owned() });
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) && name.trim() == name;
    if !fits {
        return refuse(
            format!("--name {name:?}"),
            "a token's name has 1 to 100 characters, without blanks at its ends",
        );
    }
    if days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        return refuse(format!("--days {}", days.unwrap_or(0)), "a token lives 1 to 3,650 days");
    }
    let (id, secret) = (Uuid::new_v4(), random_text(SECRET));
    let scope = (!whole_tenant).then_some(project.id);
    let tx = store.worker(project.tenant_id).await?;
    let days = days.and_then(|days| i32::try_from(days).ok());
    let added = tx.add_api_token(id, scope, name, &Sha256::digest(secret.as_bytes()).into(), days).await?;
    tx.commit().await?;
    if !added {
        return refuse(format!("--name {name:?}"), "the tenant has a token of this name; revoke it first");
    }
    Ok(NewToken {
        name: name.to_owned(),
        token: format!("hub_{}_{secret}", id.simple()),
        project: (!whole_tenant).then(|| project.key.to_string()),
    })
}

/// The tokens of a project's tenant.
///
/// # Errors
/// The database's.
pub async fn list(store: &Store, project: &ProjectRow) -> Result<Vec<TokenOut>, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let rows = tx.api_tokens().await?;
    tx.commit().await?;
    let projects = store.projects().await?;
    let key = |id: ProjectId| projects.iter().find(|p| p.id == id).map(|p| p.key.to_string());
    let out = |row: ApiTokenRow| TokenOut {
        name: row.name,
        id: row.id.simple().to_string(),
        project: row.project.and_then(key),
        created_at: crate::evidence::list::moment(row.created_at),
        expires_at: row.expires_at.map(crate::evidence::list::moment),
        last_used_at: row.last_used_at.map(crate::evidence::list::moment),
        revoked_at: row.revoked_at.map(crate::evidence::list::moment),
    };
    Ok(rows.into_iter().map(out).collect())
}

/// Revokes the token of a name. Returns whether there was one.
///
/// # Errors
/// The database's.
pub async fn revoke(store: &Store, project: &ProjectRow, name: &str) -> Result<bool, AppError> {
    let tx = store.worker(project.tenant_id).await?;
    let revoked = tx.revoke_api_token(name).await?;
    tx.commit().await?;
    Ok(revoked)
}

/// Judges a token.
///
/// # Errors
/// [`AppError::Token`] for anything but a token that is good now; the database's.
pub async fn judge(store: &Store, token: &str) -> Result<Access, AppError> {
    let (id, secret) = parts(token).ok_or(AppError::Token)?;
    let Some(row) = store.api_token(id).await? else { return Err(AppError::Token) };
    let sum: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    if !same(&sum, &row.secret_sha256) {
        return Err(AppError::Token);
    }
    store.api_token_used(id).await?;
    Ok(Access { tenant: row.tenant, project: row.project, name: row.name })
}

impl Access {
    /// The project of a key, where the token opens it. Another's project is no project.
    ///
    /// # Errors
    /// [`AppError::UnknownProject`]; the database's.
    pub async fn project(&self, store: &Store, key: &str) -> Result<ProjectRow, AppError> {
        let opens = |row: &ProjectRow| {
            row.tenant_id == self.tenant && row.key.as_str() == key && self.project.is_none_or(|id| id == row.id)
        };
        let found = store.projects().await?.into_iter().find(opens);
        found.ok_or_else(|| AppError::UnknownProject { key: key.chars().take(80).collect() })
    }
}

fn parts(token: &str) -> Option<(Uuid, &str)> {
    let (id, secret) = token.strip_prefix("hub_")?.split_once('_')?;
    let fits = id.len() == 32 && secret.len() == SECRET;
    fits.then(|| Uuid::try_parse(id).ok()).flatten().map(|id| (id, secret))
}

/// Compares in the same time whatever differs.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_two_halves_and_anything_else_is_none() {
        let (id, secret) = (Uuid::from_u128(7), "a".repeat(SECRET));
        let token = format!("hub_{}_{secret}", id.simple());
        assert_eq!(parts(&token), Some((id, secret.as_str())));
        for bad in [
            "",
            "hub_",
            "hub__",
            "hub_7_x",
            token.trim_start_matches('h'),
            &format!("{token}x"),
            &token.replace("hub_", "hub-"),
        ] {
            assert_eq!(parts(bad), None, "{bad:?}");
        }
        assert!(same(&[1; 32], &[1; 32]));
        let mut other = [1; 32];
        other[31] = 0;
        assert!(!same(&[1; 32], &other));
    }
}
