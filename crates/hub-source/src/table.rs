//! A table as a source has it now: a SELECT with canonical columns, their types, and the statements that read it.

use hub_domain::settings::SourceStream;

use crate::{columns, rows::Places};

/// The words by which an execution says that it is not over.
const OPEN: &str = "'pending', 'running', 'queued', 'created', 'scheduled', 'started', 'in_progress', 'in progress'";

/// The most characters that are read of a list or a JSON value.
const LONGEST_JSON: u32 = 500_000;

/// The order in which changes of a table can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By the time of change.
    Updated,
    /// By the time of creation: a change of an older row does not show.
    Created,
    /// There is no time at all.
    None,
}

/// A column as the source describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its type, as the database writes it.
    pub kind: String,
}

/// A table, ready to be read.
#[derive(Debug, Clone)]
pub struct Table {
    /// What it holds.
    pub stream: SourceStream,
    /// What messages call it.
    pub name: String,
    /// The order in which changes are found.
    pub order: Order,
    /// What is read from the source, sorted: a change of it means that the table was changed.
    pub reads: Vec<String>,
    /// Where the values of a row are, behind key, position and version.
    pub(crate) places: Places,
    /// The table of the outbox's triggers, as `schema.name`.
    pub(crate) feed_table: Option<String>,
    from: String,
    key: String,
    key_type: Option<String>,
    time: Option<(String, bool)>,
    started: bool,
    select: String,
    version: String,
}

/// Which rows a page may hold, beside those behind its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// With a time below the watermark, in the order of that time.
    Below,
    /// The same from a time on.
    From,
    /// With a time that no watermark will pass soon, or none: from the future, at the ends of time, or empty.
    Odd,
    /// Every row.
    All,
    /// Executions that are not over, or began within two days.
    Open,
    /// Results of some executions.
    OfRuns,
    /// With some keys.
    OfKeys,
}

impl Table {
    /// A table from a SELECT and its columns, where these suffice; else what is missing.
    pub(crate) fn new(
        stream: SourceStream,
        name: String,
        sql: &str,
        described: &[Described],
        reads: Vec<String>,
    ) -> Result<Self, String> {
        let kind = |name: &str| described.iter().find(|column| column.name == name).map(|column| column.kind.as_str());
        let missing: Vec<&str> = columns::of(stream)
            .iter()
            .filter(|column| column.required && kind(column.name).is_none())
            .map(|column| column.name)
            .collect();
        if !missing.is_empty() {
            return Err(format!("the column {} is missing", missing.join(", ")));
        }
        let key = if kind("key").is_some() { "s.\"key\"" } else { "s.\"id\"" };
        let key_kind = kind("key").or_else(|| kind("id")).unwrap_or("text");
        // Compared in its own type, the source's index is used; as text, any type has an order.
        let sortable = ["uuid", "smallint", "integer", "bigint", "text", "character varying"].contains(&key_kind);
        let key = if sortable { key.to_owned() } else { format!("({key}::text)") };
        let (order, time) = match (kind("updated_at"), kind("created_at")) {
            (Some(kind), _) => (Order::Updated, Some(time_of("updated_at", kind)?)),
            (None, Some(kind)) => (Order::Created, Some(time_of("created_at", kind)?)),
            (None, None) => (Order::None, None),
        };
        let (mut values, mut select) = (Vec::new(), Vec::new());
        for column in described {
            if column.name == "key" || columns::COMMON.iter().skip(1).any(|common| common.name == column.name) {
                continue;
            }
            let canonical = columns::find(stream, &column.name);
            if canonical.is_none() && !columns::keeps_others(stream) {
                continue;
            }
            select.push(expression(&column.name, &column.kind, canonical.map_or(2_000, |c| c.longest)));
            values.push(column.name.clone());
        }
        let instant = time.as_ref().map_or_else(
            || "null::timestamptz".to_owned(),
            |(time, zoned)| match zoned {
                true => time.clone(),
                false => format!("({time} at time zone 'UTC')"),
            },
        );
        // A page leaves the version of a row that has a time to its reader: here it takes longer than the row itself.
        let (version, read) = match (&time, order) {
            (Some((time, _)), Order::Updated) => (micros(time), "null::text".to_owned()),
            (Some(_) | None, _) => ("md5(s::text)".to_owned(), "md5(s::text)".to_owned()),
        };
        Ok(Self {
            stream,
            name,
            order,
            reads,
            places: Places::of(stream, values),
            feed_table: None,
            from: format!("from (\n{}\n) s", sql.trim()),
            select: [vec![format!("{key}::text"), instant, read], select].concat().join(", "),
            key,
            key_type: sortable.then(|| key_kind.to_owned()),
            time,
            started: kind("started_at").is_some_and(|kind| kind.starts_with("timestamp")),
            version,
        })
    }

    /// The statement that reads rows. Its parameters are, in this order and only where they are used: `$1` the key behind
    /// which the page begins (nothing: from the first), `$2` what `rows` needs (keys, runs, or a time), `$3` how many at most,
    /// `$4` the time behind which it begins.
    pub(crate) fn page(&self, rows: Rows, from_start: bool) -> String {
        let (select, from, key) = (&self.select, &self.from, &self.key);
        let typed = |parameter: &str| self.typed(parameter);
        let behind_key = if from_start { "$1::text is null".to_owned() } else { format!("{key} > {}", typed("$1")) };
        let by_key = format!("order by {key} limit $3");
        let time = self.time.as_ref().map(|(time, zoned)| {
            let at = |parameter: &str| match zoned {
                true => format!("{parameter}::timestamptz"),
                false => format!("({parameter}::timestamptz at time zone 'UTC')"),
            };
            (time.as_str(), at("$2"), at("$4"))
        });
        let (condition, order) = match (rows, time) {
            (Rows::Below, Some((time, until, behind))) => {
                // Row comparison is what an index on both columns answers with one descent, the last page as the first.
                let behind = match from_start {
                    true => format!("$1::text is null and $4::timestamptz is null and {time} > '-infinity'"),
                    false => format!("({time}, {key}) > ({behind}, {})", typed("$1")),
                };
                (format!("{behind} and {time} < {until}"), format!("order by {time}, {key} limit $3"))
            }
            (Rows::From, Some((time, until, from))) => {
                (format!("{time} >= {from} and {time} < {until}"), format!("order by {time}, {key} limit $3"))
            }
            (Rows::Odd, Some((time, now, _))) => {
                // Not one `or`: each part is then an index's range of its own.
                (format!("{behind_key} and ({time} is null or {time} > {now} or {time} = '-infinity')"), by_key)
            }
            (Rows::Below | Rows::From | Rows::Odd | Rows::All, _) => (behind_key, by_key),
            (Rows::Open, _) => {
                let recent = if self.started {
                    " or s.\"started_at\" is null or s.\"started_at\" > now() - interval '48 hours'"
                } else {
                    ""
                };
                (format!("{behind_key} and (lower(s.\"status\"::text) in ({OPEN}){recent})"), by_key)
            }
            (Rows::OfRuns, _) => (format!("{behind_key} and s.\"run\"::text = any($2::text[])"), by_key),
            (Rows::OfKeys, _) => {
                let keys =
                    self.key_type.as_deref().map_or("$2::text[]".to_owned(), |kind| format!("$2::text[]::{kind}[]"));
                (format!("{behind_key} and {key} = any({keys})"), by_key)
            }
        };
        // A row without a key could not be told from others, nor found again.
        format!("select {select} {from} where {key} is not null and {condition} {order}")
    }

    /// Key and version of every row, as the source tells them.
    pub(crate) fn versions(&self) -> String {
        format!("select {0}::text as k, {1} as v {2} where {0} is not null", self.key, self.version, self.from)
    }

    /// The same with the execution that a result belongs to.
    pub(crate) fn versions_of_runs(&self) -> String {
        format!(
            "select s.\"run\"::text as r, {0}::text as k, {1} as v {2} where {0} is not null and s.\"run\"::text = any($1::text[])",
            self.key, self.version, self.from
        )
    }

    fn typed(&self, parameter: &str) -> String {
        self.key_type
            .as_deref()
            .map_or_else(|| format!("{parameter}::text"), |kind| format!("{parameter}::text::{kind}"))
    }
}

/// A name as SQL quotes it.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL quotes it; the transaction has `standard_conforming_strings` on.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A time column as it is compared, and whether it knows its zone. One without a zone is taken as UTC.
fn time_of(name: &str, kind: &str) -> Result<(String, bool), String> {
    match kind {
        "timestamp with time zone" => Ok((format!("s.{}", identifier(name)), true)),
        "timestamp without time zone" => Ok((format!("s.{}", identifier(name)), false)),
        other => Err(format!("{name} is {other}: cast it to timestamptz")),
    }
}

/// The version that a time of change is: microseconds since 1970, as [`crate::rows`] writes them; empty where there is none.
fn micros(time: &str) -> String {
    format!("case when isfinite({time}) then ((extract(epoch from {time}) * 1000000)::int8)::text else '' end")
}

/// A column as text.
fn expression(name: &str, kind: &str, longest: u32) -> String {
    let column = format!("s.{}", identifier(name));
    match kind {
        "timestamp with time zone" => {
            format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        "timestamp without time zone" => format!("to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"),
        "uuid" | "boolean" | "smallint" | "integer" | "bigint" | "date" => format!("{column}::text"),
        // Half of a JSON text is none, so it may be longer; what is longer than that is taken as a text.
        array if array.ends_with("[]") => format!("left(to_json({column})::text, {LONGEST_JSON})"),
        "json" | "jsonb" => format!("left({column}::text, {LONGEST_JSON})"),
        // Asked in bytes, which costs nothing; only what is long is counted through.
        "text" | "character varying" => {
            format!(
                "case when octet_length({column}) > {longest} then left({column}, {longest}) else {column}::text end"
            )
        }
        _ => format!("left({column}::text, {longest})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(columns: &[(&str, &str)]) -> Vec<Described> {
        columns.iter().map(|(name, kind)| Described { name: (*name).into(), kind: (*kind).into() }).collect()
    }

    fn table(columns: &[(&str, &str)]) -> Result<Table, String> {
        Table::new(SourceStream::TestCases, "t".into(), "select 1", &described(columns), Vec::new())
    }

    #[test]
    fn the_order_follows_from_the_times_that_are_there() {
        let base = [("id", "uuid"), ("title", "text")];
        assert_eq!(table(&base).unwrap().order, Order::None);
        let created = [&base[..], &[("created_at", "timestamp with time zone")]].concat();
        assert_eq!(table(&created).unwrap().order, Order::Created);
        let both = [&created[..], &[("updated_at", "timestamp without time zone")]].concat();
        let both = table(&both).unwrap();
        assert_eq!(both.order, Order::Updated);
        let page = both.page(Rows::Below, false);
        assert!(page.contains("(s.\"updated_at\", s.\"id\") > (($4::timestamptz at time zone 'UTC'), $1::text::uuid)"));
        assert!(
            table(&[("id", "uuid"), ("title", "text"), ("updated_at", "text")]).unwrap_err().contains("timestamptz")
        );
    }

    #[test]
    fn what_is_missing_is_named_and_names_are_quoted() {
        assert!(table(&[("title", "text")]).unwrap_err().contains("id"));
        let odd = table(&[("id", "integer"), ("title", "text"), ("a\"; drop", "text")]).unwrap();
        assert!(odd.page(Rows::All, true).contains("s.\"a\"\"; drop\""));
        assert_eq!(literal("O'Brien"), "'O''Brien'");
    }
}
