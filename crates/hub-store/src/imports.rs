//! The record of what was handed over: one row per file name and run with what its latest content was, and the problems
//! that its reader found.

use hub_domain::{ContentHash, ExternalId, Problem, ProjectId, Severity};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use crate::{
    StoreError, WorkerTx,
    entities::{count, hash},
    query::Query,
    tx::BATCH,
};

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The run that it belongs to, if any.
    pub run: Option<ExternalId>,
    /// Its name within the run.
    pub file_name: String,
    /// Where it lay: another path is another file, whatever it is called.
    pub path: String,
    /// The digest of its bytes.
    pub digest: ContentHash,
    /// The format's name.
    pub format: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What was taken from it, as numbers by name.
    pub counts: Value,
    /// How many problems, as numbers by code.
    pub problems: Value,
}

/// A file that was read, as it is on record.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRow {
    /// The file.
    pub import: Import,
    /// How often it was read, in whatever version.
    pub times: u32,
    /// When it was read last.
    pub imported_at: OffsetDateTime,
}

static RECORD: Query = Query {
    doing: "record the import",
    sql: "insert into hub.import_files as f
            (project_id, tenant_id, run_id, file_name, digest, format, bytes, counts, problems, path)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
          on conflict (project_id, run_id, file_name) do update set path = excluded.path, digest = excluded.digest, format = excluded.format,
            bytes = excluded.bytes, counts = excluded.counts, problems = excluded.problems, times = f.times + 1,
            imported_at = now()",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::BYTEA,
        Type::TEXT,
        Type::INT8,
        Type::JSONB,
        Type::JSONB,
        Type::TEXT,
    ],
};
static NAMES: Query = Query {
    doing: "list the files that a run has",
    sql: "select path, file_name from hub.import_files where project_id = $1 and run_id = $2",
    types: &[Type::UUID, Type::TEXT],
};
static FIND: Query = Query {
    doing: "look for an import of the same content",
    sql: "select run_id, file_name, digest, format, bytes, counts, problems, times, imported_at, path from hub.import_files
           where project_id = $1 and run_id = $2 and digest = $3 order by file_name collate \"C\"",
    types: &[Type::UUID, Type::TEXT, Type::BYTEA],
};
static ADD_REJECTS: Query = Query {
    doing: "record the file's problems",
    sql: "insert into hub.import_rejects as r (tenant_id, project_id, run_id, file_name, code, severity, message, line, col,
            subject, content_hash)
          select $1, $2, $3, $4, u.* from unnest($5::text[], $6::text[], $7::text[], $8::int8[], $9::int8[], $10::text[],
            $11::bytea[]) u
          on conflict (project_id, run_id, file_name, content_hash) do update set resolved_at = null, resolved_by = null
          where r.resolved_at is not null and r.resolved_by is distinct from 'person'",
    types: &[
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::BYTEA_ARRAY,
    ],
};
static RESOLVE_REJECTS: Query = Query {
    doing: "mark problems that the file no longer has",
    // What a person resolved and the file no longer has is resolved by the file: if it comes back, it is open again.
    sql: "update hub.import_rejects r set resolved_at = coalesce(r.resolved_at, now()), resolved_by = 'hub'
           where r.project_id = $1 and r.run_id = $2 and r.file_name = $3 and r.facts is null
             and (r.resolved_at is null or r.resolved_by = 'person')
             and not exists (select from unnest($4::bytea[]) k (hash) where k.hash = r.content_hash)",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::BYTEA_ARRAY],
};
static RESOLVE_SUBJECTS: Query = Query {
    doing: "mark problems that rows no longer have",
    sql: "update hub.import_rejects r set resolved_at = now()
           where r.project_id = $1 and r.run_id = $2 and r.file_name = $3 and r.resolved_at is null and r.subject = any($4)
             and not exists (select from unnest($5::bytea[]) k (hash) where k.hash = r.content_hash)",
    types: &[Type::UUID, Type::TEXT, Type::TEXT, Type::TEXT_ARRAY, Type::BYTEA_ARRAY],
};
static OPEN_REJECTS: Query = Query {
    doing: "count the open problems",
    sql: "select code, count(*) from hub.import_rejects where project_id = $1 and resolved_at is null
           group by code order by code",
    types: &[Type::UUID],
};

pub(crate) static QUERIES: &[&Query] =
    &[&RECORD, &NAMES, &FIND, &ADD_REJECTS, &RESOLVE_REJECTS, &RESOLVE_SUBJECTS, &OPEN_REJECTS];

impl WorkerTx {
    /// Records that a file was read. An earlier version of the same name in the same run is replaced.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn record_import(&self, project: ProjectId, import: &Import) -> Result<(), StoreError> {
        let run = import.run.as_ref().map_or("", ExternalId::as_str);
        let bytes = i64::try_from(import.bytes).unwrap_or(i64::MAX);
        self.run(
            &RECORD,
            &[
                &project.0,
                &self.tenant().0,
                &run,
                &import.file_name,
                &import.digest.0.as_slice(),
                &import.format,
                &bytes,
                &import.counts,
                &import.problems,
                &import.path,
            ],
        )
        .await?;
        Ok(())
    }

    /// The files on record of a run, as path and name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn imported_files(
        &self,
        project: ProjectId,
        run: Option<&ExternalId>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let run = run.map_or("", ExternalId::as_str);
        let rows = self.rows(&NAMES, &[&project.0, &run]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The files of a run whose latest content is this, by name. A content that another version has replaced since is not
    /// found: reading it again has an effect.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Unreadable`].
    pub async fn find_import(
        &self,
        project: ProjectId,
        run: Option<&ExternalId>,
        digest: &ContentHash,
    ) -> Result<Vec<ImportRow>, StoreError> {
        let run = run.map_or("", ExternalId::as_str);
        let rows = self.rows(&FIND, &[&project.0, &run, &digest.0.as_slice()]).await?;
        rows.iter()
            .map(|row| {
                let run: String = row.get(0);
                let run = (!run.is_empty()).then(|| ExternalId::new(run)).transpose();
                Ok(ImportRow {
                    import: Import {
                        run: run.map_err(|e| StoreError::unreadable("an import's run", e))?,
                        file_name: row.get(1),
                        path: row.get(9),
                        digest: hash(row, 2)?,
                        format: row.get(3),
                        bytes: count(row, 4),
                        counts: row.get(5),
                        problems: row.get(6),
                    },
                    times: u32::try_from(row.get::<_, i32>(7)).unwrap_or(0),
                    imported_at: row.get(8),
                })
            })
            .collect()
    }

    /// Records the problems of a file, all of its latest version: those that an earlier version had and this one has not
    /// are marked as resolved. What a person resolved stays so for as long as each version has it. Returns how many are new
    /// or back.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::NotCanonical`].
    pub async fn add_rejects(
        &self,
        project: ProjectId,
        run: Option<&ExternalId>,
        file_name: &str,
        problems: &[Problem],
    ) -> Result<u64, StoreError> {
        let run = run.map_or("", ExternalId::as_str);
        let (added, hashes) = self.insert_rejects(project, run, file_name, problems).await?;
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
        self.run(&RESOLVE_REJECTS, &[&project.0, &run, &file_name, &hashes]).await?;
        Ok(added)
    }

    /// Records the problems of some rows of a table that is read bit by bit: what other rows have stays, and what these rows
    /// (by their subjects) no longer have is marked as resolved.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::NotCanonical`].
    pub async fn add_rejects_of(
        &self,
        project: ProjectId,
        run: Option<&ExternalId>,
        file_name: &str,
        subjects: &[&str],
        problems: &[Problem],
    ) -> Result<u64, StoreError> {
        let run = run.map_or("", ExternalId::as_str);
        let (added, hashes) = self.insert_rejects(project, run, file_name, problems).await?;
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.0.as_slice()).collect();
        self.run(&RESOLVE_SUBJECTS, &[&project.0, &run, &file_name, &subjects, &hashes]).await?;
        Ok(added)
    }

    async fn insert_rejects(
        &self,
        project: ProjectId,
        run: &str,
        file_name: &str,
        problems: &[Problem],
    ) -> Result<(u64, Vec<ContentHash>), StoreError> {
        let mut seen = std::collections::HashSet::with_capacity(problems.len());
        let mut hashed = Vec::with_capacity(problems.len());
        for problem in problems {
            let hash = identity(problem)?;
            if seen.insert(hash) {
                hashed.push((problem, hash));
            }
        }
        let mut added = 0;
        for batch in hashed.chunks(BATCH) {
            let codes: Vec<&str> = batch.iter().map(|(problem, _)| problem.code.id).collect();
            let severities: Vec<&str> = batch.iter().map(|(problem, _)| severity(problem.severity)).collect();
            let messages: Vec<&str> = batch.iter().map(|(problem, _)| problem.message.as_str()).collect();
            let number = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok());
            let lines: Vec<Option<i64>> = batch.iter().map(|(problem, _)| number(problem.position.line)).collect();
            let columns: Vec<Option<i64>> = batch.iter().map(|(problem, _)| number(problem.position.column)).collect();
            let subjects: Vec<Option<&str>> = batch.iter().map(|(problem, _)| problem.subject.as_deref()).collect();
            let hashes: Vec<&[u8]> = batch.iter().map(|(_, hash)| hash.0.as_slice()).collect();
            added += self
                .run(
                    &ADD_REJECTS,
                    &[
                        &self.tenant().0,
                        &project.0,
                        &run,
                        &file_name,
                        &codes,
                        &severities,
                        &messages,
                        &lines,
                        &columns,
                        &subjects,
                        &hashes,
                    ],
                )
                .await?;
        }
        Ok((added, hashed.into_iter().map(|(_, hash)| hash).collect()))
    }

    /// How many problems of a project's files are open, by code.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn open_rejects(&self, project: ProjectId) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.rows(&OPEN_REJECTS, &[&project.0]).await?;
        Ok(rows.iter().map(|row| (row.get(0), count(row, 1))).collect())
    }
}

/// What makes a problem of a file the same problem when the file is read again, by whatever path.
fn identity(problem: &Problem) -> Result<ContentHash, StoreError> {
    let place = (problem.position.line, problem.position.column);
    Ok(ContentHash::of(&(problem.code.id, &problem.message, place, &problem.subject, problem.severity))?)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Repaired => "repaired",
        Severity::Rejected => "rejected",
        Severity::Fatal => "fatal",
    }
}
