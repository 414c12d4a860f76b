//! A team's own SELECT: its parameters filled in, its columns described by the source. It is not taken apart; that it is one
//! statement and reads only is the business of the protocol and of the transaction.

use hub_domain::settings::{SelectSettings, SourceSettings, SourceStream};

use crate::{
    Session, SourceError, Table,
    table::{Described, identifier, literal},
};

/// The SELECT with the source's parameters as quoted texts.
#[must_use]
pub fn filled(sql: &str, settings: &SourceSettings) -> String {
    let mut sql = sql.to_owned();
    for (name, value) in [("{project}", &settings.project), ("{tenant}", &settings.tenant)] {
        if let Some(value) = value {
            sql = sql.replace(name, &literal(value));
        }
    }
    sql
}

/// The table behind a team's SELECT.
pub(crate) async fn table(session: &Session, stream: SourceStream, own: &SelectSettings) -> Result<Table, SourceError> {
    let name = format!("the SELECT of {}", stream.as_str());
    let sql = filled(&own.sql, &session.config.settings);
    let described = describe(session, &name, &sql).await?;
    let mut reads: Vec<String> = described.iter().map(|column| column.name.clone()).collect();
    reads.sort();
    let refuse = |reason| SourceError::Columns { table: name.clone(), reason };
    let mut table = Table::new(stream, name.clone(), &sql, &described, reads).map_err(refuse)?;
    table.feed_table.clone_from(&own.table);
    Ok(table)
}

/// The columns of a SELECT with their types as words, so that a type of the team's own needs no lookup.
pub(crate) async fn describe(session: &Session, name: &str, sql: &str) -> Result<Vec<Described>, SourceError> {
    let names = session.names(name, sql).await?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let types: Vec<String> = names.iter().map(|name| format!("pg_typeof(s.{})::text", identifier(name))).collect();
    let sql = format!(
        "select {} from (select 1) one left join (select * from (\n{sql}\n) q limit 0) s on true",
        types.join(", ")
    );
    let rows = session.rows(&format!("look at the columns of {name}"), name, &sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    Ok(names.into_iter().enumerate().map(|(index, name)| Described { name, kind: row.get(index) }).collect())
}
