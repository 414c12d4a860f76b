//! Evidence for people: what there is, where it stands, until when.

use hub_domain::{ExternalId, evidence};
use hub_store::{EvidenceRow, ProjectRow, Store};
use serde::Serialize;

use crate::AppError;

/// One piece of evidence as a list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceOut {
    /// The token of its link.
    pub token: String,
    /// The link, where the hub has a public address.
    pub link: Option<String>,
    /// The run.
    pub run: String,
    /// The test case.
    pub test_case: Option<String>,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// The outcome of its test.
    pub result: &'static str,
    /// Where it stands.
    pub state: &'static str,
    /// As its report names it.
    pub source_path: String,
    /// The media type.
    pub content_type: Option<String>,
    /// Its size in bytes.
    pub bytes: Option<u64>,
    /// Its SHA-256, in hexadecimal.
    pub sha256: Option<String>,
    /// The key of its object.
    pub key: Option<String>,
    /// Why it is not stored: the code.
    pub error_code: Option<String>,
    /// The same in words.
    pub error: Option<String>,
    /// Whether it is held.
    pub legal_hold: bool,
    /// Since when it is known.
    pub created_at: String,
    /// Since when it is stored.
    pub stored_at: Option<String>,
    /// When the rules let it go.
    pub expires_at: Option<String>,
    /// When its time was over.
    pub expired_at: Option<String>,
}

/// A list, with how much there is.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceList {
    /// The first pieces, at most as many as asked for.
    pub evidence: Vec<EvidenceOut>,
    /// The whole project: state, number, bytes.
    pub totals: Vec<(String, u64, u64)>,
}

/// Lists evidence of a project, or of a run of it.
///
/// # Errors
/// The database's, or a bad run's id.
pub async fn list(
    store: &Store,
    project: &ProjectRow,
    run: Option<&str>,
    limit: usize,
) -> Result<EvidenceList, AppError> {
    let run = run.map(|run| run_id("--run", run)).transpose()?;
    let settings = crate::settings::load(store, project).await?.evidence;
    let tx = store.worker(project.tenant_id).await?;
    let mut rows = tx.evidence(project.id, run.as_ref(), "", limit).await?;
    let totals = tx.evidence_counts(project.id).await?;
    tx.commit().await?;
    rows.sort_by(|a, b| (&a.run, &a.test_case, &a.name, &a.token).cmp(&(&b.run, &b.test_case, &b.name, &b.token)));
    let evidence = rows.into_iter().map(|row| {
        let link = row.state.has_link().then(|| evidence::link(&settings, &row.token)).flatten();
        out(row, link)
    });
    Ok(EvidenceList { evidence: evidence.collect(), totals })
}

/// Holds the evidence of a run, also what is taken for it later, or releases it. Returns how many pieces changed.
///
/// # Errors
/// The database's, or a bad run's id.
pub async fn hold(store: &Store, project: &ProjectRow, run: &str, hold: bool) -> Result<u64, AppError> {
    let run = run_id("the run", run)?;
    let tx = store.worker(project.tenant_id).await?;
    let changed = tx.hold_evidence(project.id, &run, hold).await?;
    tx.commit().await?;
    Ok(changed)
}

fn run_id(argument: &str, text: &str) -> Result<ExternalId, AppError> {
    ExternalId::new(text)
        .map_err(|e| AppError::Argument { what: format!("{argument} {text:?}"), rule: e.rule.to_owned() })
}

fn out(row: EvidenceRow, link: Option<String>) -> EvidenceOut {
    EvidenceOut {
        token: row.token,
        link,
        run: row.run.as_str().to_owned(),
        test_case: row.test_case.map(|case| case.as_str().to_owned()),
        name: row.name,
        kind: row.kind.as_str(),
        result: row.result.as_str(),
        state: row.state.as_str(),
        source_path: row.source_path,
        content_type: row.content_type,
        bytes: row.bytes,
        sha256: row.sha256.map(|sum| sum.iter().map(|byte| format!("{byte:02x}")).collect()),
        key: row.key,
        error_code: row.error_code,
        error: row.error,
        legal_hold: row.legal_hold,
        created_at: moment(row.created_at),
        stored_at: row.stored_at.map(moment),
        expires_at: row.expires_at.map(moment),
        expired_at: row.expired_at.map(moment),
    }
}

/// A moment as RFC 3339.
pub(crate) fn moment(at: hub_domain::Moment) -> String {
    at.format(&time::format_description::well_known::Rfc3339).unwrap_or_else(|_| at.to_string())
}
