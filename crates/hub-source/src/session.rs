//! One connection to a source, used for one read-only transaction at a time.
//!
//! A transaction is three messages that are sent together: begin with its limits, the statement, commit. So it costs one round
//! trip, it holds nothing at the source between two pages, and it works behind a transaction pooler, where a setting of the
//! session would stay with somebody else's connection. A statement that writes is refused by the transaction itself, whatever
//! a SELECT calls.

use std::{pin::pin, time::Duration};

use futures::{TryStreamExt as _, future::join3};
use hub_domain::settings::SourceStream;
use tokio_postgres::{
    Client, Row, SimpleQueryMessage,
    types::{ToSql, Type},
};

use crate::{Config, SourceError, Table, preset, select};

/// Beyond the limit of a statement, so that the database's own answer comes first. A network that swallows packets has none.
const GRACE: Duration = Duration::from_secs(10);

/// A parameter with its type.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// How well the source's open transactions can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The role may read everybody's activity.
    Own,
    /// The team installed `hub_private.safe_watermark`, and its owner may.
    Function,
    /// Neither, and the reason: others' transactions are invisible, and a watermark would silently be the present.
    Blind(&'static str),
}

/// A connection to a source.
#[derive(Debug)]
pub struct Session {
    client: Client,
    begin: String,
    seconds: u64,
    limit: Duration,
    pub(crate) config: Config,
    sight: Sight,
    /// The ids of the team's project in the source; none where every project is read.
    project: Option<String>,
}

impl Session {
    /// Takes a connection and finds out what can be seen with it.
    ///
    /// # Errors
    /// [`SourceError::Down`], [`SourceError::Refused`], [`SourceError::Project`].
    pub async fn open(client: Client, config: Config) -> Result<Self, SourceError> {
        let begin = format!(
            "begin transaction isolation level read committed read only; set local statement_timeout = {}; \
             set local lock_timeout = {}; set local timezone = 'UTC'; set local datestyle = 'ISO, MDY'; \
             set local standard_conforming_strings = on; set local default_transaction_read_only = on; \
             set local jit = off",
            config.statement_timeout.as_millis(),
            config.lock_timeout.as_millis(),
        );
        let mut session = Self {
            client,
            begin,
            seconds: config.statement_timeout.as_secs(),
            limit: config.statement_timeout + GRACE,
            config,
            sight: Sight::Blind("it was not asked yet"),
            project: None,
        };
        session.sight = session.look().await?;
        if session.config.settings.preset.is_some() {
            session.project = preset::project(&session).await?;
        }
        Ok(session)
    }

    /// How well open transactions can be seen.
    #[must_use]
    pub fn sight(&self) -> Sight {
        self.sight
    }

    /// The id of the team's project in the source, where one is named.
    pub(crate) fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The table of a stream as it is now; none where the source has no such stream.
    ///
    /// # Errors
    /// [`SourceError::Columns`] where the table is not as it must be, [`SourceError::Select`], and those of the connection.
    pub async fn table(&self, stream: SourceStream) -> Result<Option<Table>, SourceError> {
        match (self.config.settings.select.get(&stream), self.config.settings.preset) {
            (Some(own), _) => select::table(self, stream, own).await.map(Some),
            (None, Some(version)) => preset::table(self, version, stream).await,
            (None, None) => Ok(None),
        }
    }

    /// Whether the activity of others is visible. The database decides by the role alone, so asking for the role is the same
    /// test as opening a second connection and looking for it, which would be visible to its own role in any case.
    async fn look(&self) -> Result<Sight, SourceError> {
        let sql = "select pg_is_in_recovery(),
              current_setting('track_activities') = 'on',
              pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
              coalesce((select p.prosecdef and pg_has_role(p.proowner, 'pg_read_all_stats', 'USAGE')
                               and has_function_privilege(p.oid, 'EXECUTE') and has_schema_privilege(p.pronamespace, 'USAGE')
                          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                         where n.nspname = 'hub_private' and p.proname = 'safe_watermark'
                           and pg_get_function_identity_arguments(p.oid) = 'margin interval'), false)";
        let rows = self.rows("look at the source's open transactions", "pg_stat_activity", sql, &[]).await?;
        let Some(row) = rows.first() else { return Ok(Sight::Blind("the source did not answer")) };
        let [replica, tracked, own, function] = [0, 1, 2, 3].map(|column| row.get::<_, bool>(column));
        Ok(if replica {
            Sight::Blind("it is a replica, which does not know the primary's transactions: give the primary's address")
        } else if !tracked {
            Sight::Blind("track_activities is off")
        } else if own {
            Sight::Own
        } else if function {
            Sight::Function
        } else {
            Sight::Blind("the role may not read others' activity, and hub_private.safe_watermark is not installed")
        })
    }

    /// Sends one statement in a transaction of its own.
    pub(crate) async fn rows(
        &self,
        doing: &str,
        table: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, SourceError> {
        self.each(doing, table, sql, parameters, |row| row).await
    }

    /// The same, each row read as it comes, while the source still sends others.
    pub(crate) async fn each<T>(
        &self,
        doing: &str,
        table: &str,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(Row) -> T,
    ) -> Result<Vec<T>, SourceError> {
        let statement = async {
            let parameters = parameters.iter().map(|(value, kind)| (*value, kind.clone()));
            let mut rows = pin!(self.client.query_typed_raw(sql, parameters).await?);
            let mut all = Vec::new();
            while let Some(row) = rows.try_next().await? {
                all.push(read(row));
            }
            Ok(all)
        };
        self.within(doing, table, statement).await
    }

    /// The names of a SELECT's columns. The simple protocol tells them without asking for the types, which would need a
    /// named statement for a type of the team's own.
    pub(crate) async fn names(&self, table: &str, sql: &str) -> Result<Vec<String>, SourceError> {
        let sql = format!("select * from (\n{sql}\n) s limit 0");
        let statement = self.client.simple_query(&sql);
        let messages = self.within(&format!("look at the columns of {table}"), table, statement).await?;
        let mut names = Vec::new();
        for message in messages {
            if let SimpleQueryMessage::RowDescription(columns) = message {
                names = columns.iter().map(|column| column.name().to_owned()).collect();
            }
        }
        Ok(names)
    }

    async fn within<T>(
        &self,
        doing: &str,
        table: &str,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, SourceError> {
        let begin = self.client.batch_execute(&self.begin);
        // A commit after a refused statement is a rollback, and there is nothing to keep.
        let commit = self.client.batch_execute("commit");
        let all = join3(begin, statement, commit);
        let Ok((began, answered, _ended)) = tokio::time::timeout(self.limit, all).await else {
            return Err(SourceError::Slow { doing: doing.to_owned(), seconds: self.limit.as_secs() });
        };
        let classify = |error| SourceError::classify(error, doing, table, self.seconds);
        began.map_err(classify)?;
        answered.map_err(classify)
    }
}
