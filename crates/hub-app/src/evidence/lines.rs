//! What issues and pages say of evidence: names and stable links, for results that a person has to look at.

use std::collections::HashMap;

use hub_domain::{
    ExternalId,
    evidence::{self, EvidenceKind, EvidenceState},
    facts::{EvidenceLine, MAX_EVIDENCE, ResultLine},
    settings::EvidenceSettings,
};
use hub_store::{EvidenceRow, ProjectRow, ResultFilter, WorkerTx};

use crate::AppError;

/// The settings that links depend on.
///
/// # Errors
/// The database's. Settings that cannot be read make no links: whoever changes them is told.
pub async fn settings(tx: &WorkerTx, project: &ProjectRow) -> Result<EvidenceSettings, AppError> {
    let saved = tx.settings(project.id).await?;
    let read = saved.and_then(|mut saved| serde_json::from_value(saved.get_mut("evidence")?.take()).ok());
    Ok(read.unwrap_or_default())
}

/// Results of a run as lines, with what the unsuccessful ones left behind.
///
/// # Errors
/// The database's.
pub async fn results(
    tx: &WorkerTx,
    project: &ProjectRow,
    run: &ExternalId,
    filter: &ResultFilter,
    limit: usize,
    settings: &EvidenceSettings,
) -> Result<Vec<ResultLine>, AppError> {
    let keyed = tx.keyed_result_lines(project.id, run, filter, limit).await?;
    let looked_at: Vec<&str> =
        keyed.iter().filter(|(_, line)| line.status.unsuccessful()).map(|(key, _)| key.as_str()).collect();
    let mut by_result: HashMap<String, Vec<EvidenceRow>> = HashMap::new();
    if !looked_at.is_empty() {
        for row in tx.evidence_of_results(project.id, run, &looked_at).await? {
            by_result.entry(row.result_key.clone()).or_default().push(row);
        }
    }
    let with = |(key, mut line): (String, ResultLine)| {
        let rows = by_result.remove(&key).unwrap_or_default();
        let named: Vec<&EvidenceRow> = rows.iter().filter(|row| row.superseded_at.is_none()).collect();
        line.more_evidence = named.len().saturating_sub(MAX_EVIDENCE) as u64;
        line.evidence = named.into_iter().take(MAX_EVIDENCE).map(|row| piece(row, settings)).collect();
        line
    };
    Ok(keyed.into_iter().map(with).collect())
}

fn piece(row: &EvidenceRow, settings: &EvidenceSettings) -> EvidenceLine {
    let (link, absent) = match row.state {
        EvidenceState::Linked => (address(&row.source_path), false),
        EvidenceState::MissingSource | EvidenceState::Refused => (None, true),
        EvidenceState::Pending | EvidenceState::Stored | EvidenceState::Expired | EvidenceState::Deleted => {
            (evidence::link(settings, &row.token), false)
        }
    };
    let is_ours = link.is_some() && row.state != EvidenceState::Linked;
    let shown = is_ours && row.kind == EvidenceKind::Screenshot;
    EvidenceLine { name: row.name.clone(), kind: row.kind, link, absent, shown }
}

/// An address of a report that may become a link: of the web, and without an account or a signature in it, which whoever reads the
/// issue is not to have.
fn address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let lower = rest.to_ascii_lowercase();
    let secret =
        ["signature=", "token=", "sig=", "password=", "secret=", "key="].iter().any(|word| lower.contains(word));
    (!host.is_empty() && !host.contains('@') && !secret && text.len() <= 2_000).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_of_the_web_are_linked_and_those_with_a_secret_are_not() {
        for good in ["https://ci.example.com/runs/1/x.png", "http://ci.example.com:8080/a?build=7"] {
            assert_eq!(address(good).as_deref(), Some(good));
        }
        for bad in [
            "ftp://ci.example.com/x",
            "https://user:word@ci.example.com/x.png",
            "https://s3.example.com/x.png?X-Amz-Signature=0a",
            "https://ci.example.com/x.png?token=0a",
            "https://",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
