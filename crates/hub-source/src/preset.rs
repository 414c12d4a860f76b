//! The schemas that the hub knows. A preset is a list of canonical columns with the names that a table may give them; which of
//! them it has is asked of the source each time, so one list serves the variants that teams really have, and a table that was
//! changed is refused by the names of what is missing.

use std::collections::BTreeSet;

use hub_domain::settings::{Preset, SourceStream};
use tokio_postgres::types::Type;

use crate::{
    Session, SourceError, Table, select,
    session::Parameter,
    table::{identifier, literal},
};

/// A canonical column and the names that it may have in a table, the best first.
struct Wanted {
    canonical: &'static str,
    names: &'static [&'static str],
    required: bool,
}

const fn must(canonical: &'static str, names: &'static [&'static str]) -> Wanted {
    Wanted { canonical, names, required: true }
}

const fn may(canonical: &'static str, names: &'static [&'static str]) -> Wanted {
    Wanted { canonical, names, required: false }
}

const CREATED: Wanted = may("created_at", &["created_at"]);
const UPDATED: Wanted = may("updated_at", &["updated_at"]);

const SUITES: &[Wanted] = &[must("key", &["id"]), must("id", &["name"]), must("title", &["name"]), CREATED, UPDATED];
const CASES: &[Wanted] = &[
    must("key", &["id"]),
    must("id", &["test_id"]),
    must("title", &["name", "title"]),
    may("type", &["test_type", "type"]),
    may("component", &["component"]),
    may("module", &["module"]),
    may("requirements", &["requirement_ids", "requirements"]),
    may("preconditions", &["preconditions"]),
    may("steps", &["test_steps", "steps"]),
    may("expected_result", &["expected_result", "expected_results"]),
    may("priority", &["priority"]),
    may("risk", &["risk_level", "risk"]),
    may("tags", &["tags"]),
    may("status", &["status"]),
    may("automation_framework", &["automation_framework"]),
    may("automation_script_path", &["automation_script_path"]),
    CREATED,
    UPDATED,
];
const EXECUTIONS: &[Wanted] = &[
    must("key", &["id"]),
    must("id", &["id"]),
    must("status", &["status"]),
    may("environment", &["environment"]),
    may("platform", &["platform"]),
    may("trigger", &["execution_type", "trigger_source"]),
    may("started_at", &["started_at"]),
    may("completed_at", &["completed_at"]),
    CREATED,
    UPDATED,
];
const RESULTS: &[Wanted] = &[
    must("key", &["id"]),
    must("id", &["id"]),
    must("run", &["test_execution_id", "execution_id"]),
    must("title", &["test_name", "name"]),
    must("status", &["status"]),
    may("file", &["test_file"]),
    may("message", &["error_message"]),
    may("details", &["error_stack", "stack_trace"]),
    may("duration_ms", &["duration_ms"]),
    may("retries", &["retries", "retry_count"]),
    may("browser", &["browser"]),
    may("platform", &["platform"]),
    may("output", &["logs"]),
    may("started_at", &["started_at"]),
    may("screenshot", &["screenshot_url"]),
    may("video", &["video_url"]),
    may("trace", &["trace_url"]),
    CREATED,
    UPDATED,
];
const DEFECTS: &[Wanted] = &[
    must("key", &["id"]),
    must("id", &["id"]),
    must("title", &["title"]),
    may("run", &["test_execution_id", "execution_id"]),
    may("severity", &["severity"]),
    may("priority", &["priority"]),
    may("status", &["status"]),
    may("description", &["description"]),
    may("steps", &["steps_to_reproduce", "steps"]),
    may("expected_result", &["expected_result", "expected_behavior", "expected"]),
    may("actual_result", &["actual_result", "actual_behavior", "actual"]),
    may("environment", &["environment"]),
    may("device", &["browser"]),
    may("os_version", &["os_version"]),
    may("external_issue_id", &["external_issue_id"]),
    CREATED,
    UPDATED,
];

/// The columns that point to other tables.
const SUITE_LINK: &[&str] = &["test_suite_id", "suite_id"];
const CASE_LINK: &[&str] = &["test_case_id", "case_id"];
const RESULT_LINK: &[&str] = &["test_result_id", "result_id"];

/// Looks a session's project up in the source.
pub(crate) async fn project(session: &Session) -> Result<Option<String>, SourceError> {
    let settings = &session.config.settings;
    let Some(project) = &settings.project else { return Ok(None) };
    let (schema, tenant) = (identifier(&settings.schema), settings.tenant.as_deref());
    let of_tenant = match tenant {
        Some(_) => {
            format!(" and p.tenant_id in (select t.id from {schema}.tenants t where t.id::text = $2 or t.slug = $2)")
        }
        None => String::new(),
    };
    let sql =
        format!("select p.id::text from {schema}.projects p where (p.id::text = $1 or p.slug = $1){of_tenant} limit 2");
    let mut parameters: Vec<Parameter<'_>> = vec![(project, Type::TEXT)];
    if tenant.is_some() {
        parameters.push((&tenant, Type::TEXT));
    }
    let rows = session.rows("look for the project", "projects", &sql, &parameters).await?;
    let refuse = |reason| SourceError::Project { project: project.clone(), reason };
    match rows.as_slice() {
        [] => Err(refuse("there is none with this id or slug that the reader may see")),
        [row] => Ok(Some(row.get(0))),
        _ => Err(refuse("there is more than one: name the tenant too")),
    }
}

/// The table of a stream as the source has it now; none where it has no such table and need not.
pub(crate) async fn table(
    session: &Session,
    version: Preset,
    stream: SourceStream,
) -> Result<Option<Table>, SourceError> {
    let (name, wanted) = match stream {
        SourceStream::TestSuites => ("test_suites", SUITES),
        SourceStream::TestCases => ("test_cases", CASES),
        SourceStream::TestExecutions => ("test_executions", EXECUTIONS),
        SourceStream::TestResults => ("test_results", RESULTS),
        SourceStream::Defects => ("defects", DEFECTS),
    };
    let schema = &session.config.settings.schema;
    let full = format!("{schema}.{name}");
    let refuse = |reason: String| SourceError::Columns { table: full.clone(), reason };
    let has = columns(session, name).await?;
    if has.is_empty() {
        return match exists(session, name).await? {
            true => Err(SourceError::Refused { reason: format!("the role may not read {full}") }),
            // Few teams have one.
            false if stream == SourceStream::Defects => Ok(None),
            false => Err(refuse("the table is not there".into())),
        };
    }
    let mut missing = Vec::new();
    let mut reads = BTreeSet::new();
    let mut selected = Vec::new();
    let mut pick = |names: &[&'static str], required: bool| {
        let found = names.iter().copied().find(|name| has.contains(*name));
        match found {
            Some(name) => drop(reads.insert(format!("{full}.{name}"))),
            None if required => missing.push(names.join(" or ")),
            None => {}
        }
        found
    };
    for column in wanted {
        if let Some(name) = pick(column.names, column.required) {
            selected.push(format!("t.{} as {}", identifier(name), identifier(column.canonical)));
        }
    }
    // With tenants every execution has its times: without them this is the other schema, or a damaged one.
    let timed = matches!(stream, SourceStream::TestCases | SourceStream::TestExecutions) && version == Preset::V2;
    pick(&["updated_at"], timed);
    pick(&["created_at"], stream == SourceStream::TestResults);
    let own = session.project().map(literal);
    let mut joins = String::new();
    let mut condition = String::new();
    let of = |table: &str| format!("{}.{}", identifier(schema), identifier(table));
    match stream {
        SourceStream::TestSuites => {
            pick(&["project_id"], own.is_some());
            condition = own.map(|id| format!("where t.project_id = {id}")).unwrap_or_default();
        }
        SourceStream::TestCases => {
            if let Some(link) = pick(SUITE_LINK, own.is_some()) {
                joins = format!("left join {} u on u.id = t.{link}", of("test_suites"));
                selected.push("u.name as \"suite\"".to_owned());
                condition = own.map(|id| format!("where u.project_id = {id}")).unwrap_or_default();
            }
        }
        SourceStream::TestExecutions => {
            pick(&["project_id"], own.is_some());
            if let Some(link) = pick(SUITE_LINK, false) {
                joins = format!("left join {} u on u.id = t.{link}", of("test_suites"));
                selected.push("u.name as \"suite\"".to_owned());
            }
            condition = own.map(|id| format!("where t.project_id = {id}")).unwrap_or_default();
        }
        SourceStream::TestResults => {
            let named = pick(&["test_id_ref"], false);
            let case = match (pick(CASE_LINK, false), named) {
                (Some(link), named) => {
                    joins = format!("left join {} c on c.id = t.{link}", of("test_cases"));
                    Some(named.map_or("c.test_id".to_owned(), |named| format!("coalesce(c.test_id, t.{named})")))
                }
                (None, named) => named.map(|named| format!("t.{named}")),
            };
            selected.extend(case.map(|case| format!("{case} as \"case_id\"")));
            if let (Some(id), Some(run)) = (own, pick(&["test_execution_id", "execution_id"], true)) {
                joins.push_str(&format!(" join {} e on e.id = t.{run}", of("test_executions")));
                condition = format!("where e.project_id = {id}");
            }
        }
        SourceStream::Defects => {
            if let Some(link) = pick(RESULT_LINK, false) {
                joins = format!(
                    "left join {} r on r.id = t.{link} left join {} c on c.id = r.test_case_id",
                    of("test_results"),
                    of("test_cases")
                );
                selected.push("c.test_id as \"case_ids\"".to_owned());
            }
            pick(&["project_id"], own.is_some());
            condition = own.map(|id| format!("where t.project_id = {id}")).unwrap_or_default();
        }
    }
    if !missing.is_empty() {
        return Err(refuse(format!("the column {} is missing", missing.join(", "))));
    }
    let sql = format!("select {} from {} t {joins} {condition}", selected.join(", "), of(name));
    let described = select::describe(session, &full, &sql).await?;
    let mut table = Table::new(stream, full.clone(), &sql, &described, reads.into_iter().collect()).map_err(refuse)?;
    table.feed_table = Some(full);
    Ok(Some(table))
}

/// The columns of a table that the role may read.
async fn columns(session: &Session, table: &str) -> Result<BTreeSet<String>, SourceError> {
    let schema = &session.config.settings.schema;
    let sql =
        "select c.column_name::text from information_schema.columns c where c.table_schema = $1 and c.table_name = $2
                  and has_column_privilege(format('%I.%I', c.table_schema, c.table_name), c.column_name, 'SELECT')";
    let parameters: [Parameter<'_>; 2] = [(schema, Type::TEXT), (&table, Type::TEXT)];
    let rows = session.rows(&format!("look at the columns of {table}"), table, sql, &parameters).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn exists(session: &Session, table: &str) -> Result<bool, SourceError> {
    let schema = &session.config.settings.schema;
    let sql = "select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                               where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f'))";
    let parameters: [Parameter<'_>; 2] = [(schema, Type::TEXT), (&table, Type::TEXT)];
    let rows = session.rows(&format!("look for {table}"), table, sql, &parameters).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

impl Table {
    /// Whether entries of the outbox about a table are about this one.
    #[must_use]
    pub fn is_fed_by(&self, table: &str) -> bool {
        self.feed_table.as_deref() == Some(table)
    }
}
