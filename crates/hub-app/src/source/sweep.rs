//! Comparing both sides: as a whole, by sums in buckets, once a day or where it is asked for; and the results of runs that are
//! not over, at every pull.

use std::collections::{HashMap, HashSet};

use hub_source::{Bucket, Table};
use hub_store::RowSum;

use super::{
    Pull,
    fault::{Fault, guard},
    remove,
    save::save,
    stream::Progress,
};

/// Rows of buckets that are compared at once.
const AT_ONCE: u64 = 50_000;
/// Runs whose sums are asked for at once.
const RUNS: usize = 100;

/// Compares a table as a whole. False where the pull's time was over before the end.
pub async fn whole(pull: &Pull<'_>, table: &Table, progress: &mut Progress) -> Result<bool, Fault> {
    let (store, project, source) = (pull.store, pull.project, pull.settings.name.as_str());
    let stream = table.stream.as_str();
    let theirs = pull.session.buckets(table).await?;
    let tx = store.worker(project.tenant_id).await?;
    let ours = tx.source_buckets(project.id, source, stream).await?;
    tx.commit().await?;
    let total: u64 = ours.iter().map(|bucket| bucket.rows).sum();
    let there: u64 = theirs.iter().map(|bucket| bucket.rows).sum();
    let accept = pull.options.accept_shrink;
    guard(total.saturating_sub(there), total, accept)?;
    let mut gone = Vec::new();
    for group in groups(&theirs, &ours) {
        if (pull.stop)() {
            return Ok(false);
        }
        let now = pull.session.versions(table, &group).await?;
        let tx = store.worker(project.tenant_id).await?;
        let had: HashMap<String, String> =
            tx.source_versions(project.id, source, stream, &group).await?.into_iter().collect();
        tx.commit().await?;
        let there: HashSet<&str> = now.iter().map(|(key, _)| key.as_str()).collect();
        gone.extend(had.keys().filter(|key| !there.contains(key.as_str())).cloned());
        let differs = |(key, version): &&(String, String)| had.get(key) != Some(version);
        let changed: Vec<String> = now.iter().filter(differs).map(|(key, _)| key.clone()).collect();
        for keys in changed.chunks(usize::try_from(pull.settings.page_rows.max(1)).unwrap_or(500)) {
            let rows = pull.session.of_keys(table, keys).await?;
            progress.rows += rows.len() as u64;
            progress.changed += save(pull, table.stream, rows, None).await?.changed;
            if (pull.stop)() {
                return Ok(false);
            }
        }
    }
    guard(gone.len() as u64, total, accept)?;
    progress.deleted += remove::rows(pull, table.stream, &gone).await?;
    Ok(true)
}

/// The buckets that differ, in groups of a bounded number of rows.
fn groups(theirs: &[Bucket], ours: &[RowSum]) -> Vec<Vec<i32>> {
    let mut groups: Vec<Vec<i32>> = Vec::new();
    let mut rows = AT_ONCE;
    for ((index, theirs), ours) in (0..).zip(theirs).zip(ours) {
        if theirs.rows == ours.rows && (theirs.rows == 0 || theirs.sum == ours.sum) {
            continue;
        }
        let size = theirs.rows.max(ours.rows);
        if rows + size > AT_ONCE {
            groups.push(Vec::new());
            rows = 0;
        }
        rows += size;
        if let Some(group) = groups.last_mut() {
            group.push(index);
        }
    }
    groups
}

/// Compares the results of runs that are not over, or were not a day ago: their table does not tell of changes.
pub async fn open_runs(pull: &Pull<'_>, table: &Table, progress: &mut Progress) -> Result<(), Fault> {
    let (store, project, source) = (pull.store, pull.project, pull.settings.name.as_str());
    let tx = store.worker(project.tenant_id).await?;
    let open = tx.source_open_runs(project.id, source).await?;
    let total = tx.count_source_rows(project.id, source, table.stream.as_str()).await?;
    tx.commit().await?;
    let (mut gone, mut fewer) = (Vec::new(), 0);
    for runs in open.chunks(RUNS) {
        if (pull.stop)() {
            return Ok(());
        }
        let theirs: HashMap<String, Bucket> = pull
            .session
            .run_digests(table, runs)
            .await?
            .into_iter()
            .map(|digest| (digest.run, digest.bucket))
            .collect();
        let tx = store.worker(project.tenant_id).await?;
        let ours: HashMap<String, RowSum> = tx.source_run_sums(project.id, source, runs).await?.into_iter().collect();
        tx.commit().await?;
        for run in runs {
            let equal = match (theirs.get(run), ours.get(run)) {
                (None, None) => true,
                (Some(theirs), Some(ours)) => (theirs.rows, &theirs.sum) == (ours.rows, &ours.sum),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !equal {
                let (of_run, loss) = one_run(pull, table, run, progress).await?;
                gone.extend(of_run);
                fewer += loss;
            }
        }
    }
    // A run that is run again has other rows and not fewer.
    guard(fewer, total, pull.options.accept_shrink)?;
    progress.deleted += remove::rows(pull, table.stream, &gone).await?;
    Ok(())
}

/// Reads the results of one run again. Returns the keys of those that are gone, and how many fewer there are.
async fn one_run(
    pull: &Pull<'_>,
    table: &Table,
    run: &str,
    progress: &mut Progress,
) -> Result<(Vec<String>, u64), Fault> {
    let tx = pull.store.worker(pull.project.tenant_id).await?;
    let had = tx.source_keys_of_run(pull.project.id, &pull.settings.name, run).await?;
    tx.commit().await?;
    let mut there = HashSet::new();
    let mut behind = None;
    loop {
        let page = pull.session.of_runs(table, &[run.to_owned()], behind.as_deref()).await?;
        behind = page.last_key().map(str::to_owned);
        let more = page.more;
        there.extend(page.rows.iter().map(|row| row.key.clone()));
        progress.rows += page.rows.len() as u64;
        if !page.rows.is_empty() {
            progress.changed += save(pull, table.stream, page.rows, None).await?.changed;
        }
        if !more {
            let fewer = had.len().saturating_sub(there.len()) as u64;
            return Ok((had.into_iter().filter(|key| !there.contains(key)).collect(), fewer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_that_differ_are_compared_and_few_at_once() {
        let theirs: Vec<Bucket> = (0..256).map(|n| Bucket { rows: 30_000, sum: n.to_string() }).collect();
        let mut ours: Vec<RowSum> = (0..256).map(|n| RowSum { rows: 30_000, sum: n.to_string() }).collect();
        assert!(groups(&theirs, &ours).is_empty());
        ours[3].sum = "other".into();
        ours[7].rows = 1;
        ours[9].rows = 0;
        assert_eq!(groups(&theirs, &ours), [[3], [7], [9]]);
    }
}
