//! A synchronisation's connection to its sites: made when the first publication is due, so that a run without work makes
//! no call. What a Jira project or a space can hold is read once and kept with the connector.

use std::{sync::Arc, time::Duration};

use hub_destination::Transport;
use hub_domain::{Moment, facts::Destination};
use serde_json::Value;

use super::Context;
use crate::{
    AppError,
    meter::{Calls, Meter},
};

/// How long the knowledge of a project's screens or a space is kept before it is read again.
const CAPABILITIES_LAST: Duration = Duration::from_secs(24 * 3600);

/// One site with what is known of it.
pub struct Connection<C> {
    /// The site's address.
    pub address: String,
    /// The way to the site.
    pub transport: Arc<Meter>,
    /// What the project or space can hold.
    pub capabilities: C,
    /// Whether this session has read them, which proves the login too.
    pub fresh: bool,
}

/// The connections of one synchronisation.
#[derive(Default)]
pub struct Session {
    jira: Option<Connection<hub_jira::Capabilities>>,
    confluence: Option<Connection<hub_confluence::Capabilities>>,
    login_proven: bool,
    /// An issue number that exists, above which everything new lies, where the ledger knows none of the project.
    floor: Option<u64>,
}

impl Session {
    /// A session without connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The calls of all connections.
    #[must_use]
    pub fn calls(&self) -> Calls {
        let mut total = Calls::default();
        let jira = self.jira.as_ref().map(|c| c.transport.calls());
        let confluence = self.confluence.as_ref().map(|c| c.transport.calls());
        for calls in jira.into_iter().chain(confluence) {
            total.reads += calls.reads;
            total.writes += calls.writes;
            total.throttled += calls.throttled;
            for (endpoint, n) in calls.by_endpoint {
                *total.by_endpoint.entry(endpoint).or_default() += n;
            }
        }
        total
    }

    /// The Jira connection. Kept knowledge is used as it is; `before_create` proves the login first, because an
    /// anonymous user's empty answers must never lead to a create, and finds the number above which new issues lie.
    pub async fn jira(
        &mut self,
        context: &Context<'_>,
        before_create: bool,
    ) -> Result<&Connection<hub_jira::Capabilities>, AppError> {
        if self.jira.is_none() {
            let (address, transport, known) = connect(context, Destination::Jira).await?;
            let fresh = known.is_none();
            let capabilities = match known {
                Some(capabilities) => capabilities,
                None => discover_jira(context, &address, transport.as_ref()).await?,
            };
            self.login_proven |= fresh;
            self.jira = Some(Connection { address, transport, capabilities, fresh });
        }
        let Some(connection) = self.jira.as_ref() else {
            return Err(no_connector(context, Destination::Jira));
        };
        if before_create {
            if context.project.label_marker && !connection.capabilities.types.values().all(|screen| screen.labels) {
                return Err(AppError::Argument {
                    what: "the marker as a label".to_owned(),
                    rule: "the create screen of an issue type of the Jira project has no field for labels".to_owned(),
                });
            }
            let jira = hub_jira::Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
            let stopped = |outcome| AppError::stopped(&connection.address, outcome);
            if !self.login_proven {
                jira.account().await.map_err(stopped)?;
                self.login_proven = true;
            }
            if self.floor.is_none() && context.ledger.highest_key().await?.is_none() {
                self.floor = Some(jira.highest_indexed().await.map_err(stopped)?);
            }
        }
        Ok(connection)
    }

    /// An issue number that existed before this session's first create, where the ledger knew none.
    #[must_use]
    pub fn floor(&self) -> Option<u64> {
        self.floor
    }

    /// Forgets kept knowledge of the Jira project, so that the next slice reads it again. Returns whether there was any
    /// that this session had not read itself.
    pub fn forget_jira(&mut self) -> bool {
        match &mut self.jira {
            Some(connection) if !connection.fresh => {
                connection.fresh = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Reads the Jira project's screens again.
    pub async fn rediscover_jira(&mut self, context: &Context<'_>) -> Result<(), AppError> {
        if let Some(connection) = &mut self.jira {
            connection.capabilities =
                discover_jira(context, &connection.address, connection.transport.as_ref()).await?;
            connection.fresh = true;
        }
        Ok(())
    }

    /// The Confluence connection.
    pub async fn confluence(
        &mut self,
        context: &Context<'_>,
    ) -> Result<&Connection<hub_confluence::Capabilities>, AppError> {
        if self.confluence.is_none() {
            let (address, transport, known) = connect(context, Destination::Confluence).await?;
            let fresh = known.is_none();
            let capabilities = match known {
                Some(capabilities) => capabilities,
                None => {
                    let space = context.project.confluence_space_key.as_str();
                    let found = hub_confluence::flow::discover(transport.as_ref(), space)
                        .await
                        .map_err(|outcome| AppError::stopped(&address, outcome))?;
                    keep(context, Destination::Confluence, &found).await?;
                    found
                }
            };
            self.confluence = Some(Connection { address, transport, capabilities, fresh });
        }
        self.confluence.as_ref().ok_or_else(|| no_connector(context, Destination::Confluence))
    }
}

fn no_connector(context: &Context<'_>, destination: Destination) -> AppError {
    AppError::NoConnector { key: context.project.key.to_string(), kind: destination.as_str() }
}

/// A site's address, the way to it, and what is known of it.
type Connected<C> = (String, Arc<Meter>, Option<C>);

async fn connect<C: serde::de::DeserializeOwned>(
    context: &Context<'_>,
    destination: Destination,
) -> Result<Connected<C>, AppError> {
    let reached = context.sites.reach(destination).await?;
    let now = context.ledger.now().await?;
    let known = reached.known.and_then(|(value, at)| young(at, now).then(|| serde_json::from_value(value).ok())?);
    Ok((reached.address, Arc::new(Meter::new(reached.transport)), known))
}

/// Whether knowledge that was read at a moment still counts.
fn young(at: Moment, now: Moment) -> bool {
    let age = now - at;
    age.is_negative() || age < CAPABILITIES_LAST
}

async fn keep(
    context: &Context<'_>,
    destination: Destination,
    capabilities: &impl serde::Serialize,
) -> Result<(), AppError> {
    let value: Value = serde_json::to_value(capabilities)
        .map_err(|source| AppError::Stage { stage: "keep what a site can hold", source: source.into() })?;
    context.sites.keep(destination, &value).await
}

async fn discover_jira(
    context: &Context<'_>,
    address: &str,
    transport: &dyn Transport,
) -> Result<hub_jira::Capabilities, AppError> {
    let jira = hub_jira::Jira::new(transport, &context.project.jira_project_key);
    let found = jira.discover().await.map_err(|outcome| AppError::stopped(address, outcome))?;
    keep(context, Destination::Jira, &found).await?;
    Ok(found)
}
