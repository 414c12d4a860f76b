//! A synchronisation's connection to its sites: made when the first publication is due, so that a run without work makes
//! no call. What a Jira project or a space can hold is read once and kept with the connector.

use std::{sync::Arc, time::Duration};

use hub_destination::{Gate, Transport, rates::Rates, site::Site};
use hub_domain::{Moment, facts::Destination};
use hub_store::{ConnectorKind, ConnectorRow};

use super::Context;
use crate::{
    AppError,
    budget::SharedBudget,
    credentials,
    meter::{Calls, Meter},
};

/// How long the knowledge of a project's screens or a space is kept before it is read again.
const CAPABILITIES_LAST: Duration = Duration::from_secs(24 * 3600);

/// One site with what is known of it.
pub struct Connection<C> {
    /// The connector.
    pub connector: ConnectorRow,
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
    /// anonymous user's empty answers must never lead to a create.
    pub async fn jira(
        &mut self,
        context: &Context<'_>,
        before_create: bool,
    ) -> Result<&Connection<hub_jira::Capabilities>, AppError> {
        if self.jira.is_none() {
            let (connector, transport) = connect(context, ConnectorKind::JiraCloud).await?;
            let known = known(&connector);
            let fresh = known.is_none();
            let capabilities = match known {
                Some(capabilities) => capabilities,
                None => discover_jira(context, &connector, transport.as_ref()).await?,
            };
            self.login_proven |= fresh;
            self.jira = Some(Connection { connector, transport, capabilities, fresh });
        }
        let Some(connection) = self.jira.as_ref() else {
            return Err(no_connector(context, Destination::Jira));
        };
        if before_create && !self.login_proven {
            let jira = hub_jira::Jira::new(connection.transport.as_ref(), &context.project.jira_project_key);
            let site = &connection.connector.base_url;
            jira.account().await.map_err(|outcome| AppError::stopped(site, outcome))?;
            self.login_proven = true;
        }
        Ok(connection)
    }

    /// Forgets kept knowledge of the Jira project, so that the next slice reads it again. Returns whether there was any
    /// that this session had not read itself.
    pub fn forget_jira(&mut self) -> bool {
        match &mut self.jira {
            Some(connection) if !connection.fresh => {
                connection.fresh = true;
                connection.connector.capabilities = None;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Reads the Jira project's screens again.
    pub async fn rediscover_jira(&mut self, context: &Context<'_>) -> Result<(), AppError> {
        if let Some(connection) = &mut self.jira {
            connection.capabilities =
                discover_jira(context, &connection.connector, connection.transport.as_ref()).await?;
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
            let (connector, transport) = connect(context, ConnectorKind::ConfluenceCloud).await?;
            let known = known(&connector);
            let fresh = known.is_none();
            let capabilities = match known {
                Some(capabilities) => capabilities,
                None => {
                    let space = context.project.confluence_space_key.as_str();
                    let found = hub_confluence::flow::discover(transport.as_ref(), space)
                        .await
                        .map_err(|outcome| AppError::stopped(&connector.base_url, outcome))?;
                    keep(context, &connector, &found).await?;
                    found
                }
            };
            self.confluence = Some(Connection { connector, transport, capabilities, fresh });
        }
        self.confluence.as_ref().ok_or_else(|| no_connector(context, Destination::Confluence))
    }
}

fn no_connector(context: &Context<'_>, destination: Destination) -> AppError {
    AppError::NoConnector { key: context.project.key.to_string(), kind: destination.as_str() }
}

async fn connect(context: &Context<'_>, kind: ConnectorKind) -> Result<(ConnectorRow, Arc<Meter>), AppError> {
    let destination = match kind {
        ConnectorKind::JiraCloud => Destination::Jira,
        ConnectorKind::ConfluenceCloud => Destination::Confluence,
    };
    let connectors = context.store.connectors(context.project.id).await?;
    let connector =
        connectors.into_iter().find(|c| c.kind == kind).ok_or_else(|| no_connector(context, destination))?;
    let token = credentials::resolve(&connector.credential_ref)?;
    let site = Site::new(&connector.base_url, &connector.account_email, &token)?;
    let rates = Rates::from_json(&connector.rate)?;
    let product = destination.as_str();
    let budget = SharedBudget::new(context.store.clone(), &connector.base_url, product, context.project.id, rates);
    let transport: Arc<dyn Transport> = Arc::new(Gate::new(Arc::new(site), Arc::new(budget)));
    Ok((connector, Arc::new(Meter::new(transport))))
}

/// Kept knowledge that is still young enough and readable.
fn known<C: serde::de::DeserializeOwned>(connector: &ConnectorRow) -> Option<C> {
    let at = connector.capabilities_at?;
    let age = Moment::now_utc() - at;
    let young = age.is_negative() || age < CAPABILITIES_LAST;
    young.then(|| serde_json::from_value(connector.capabilities.clone()?).ok())?
}

async fn keep(
    context: &Context<'_>,
    connector: &ConnectorRow,
    capabilities: &impl serde::Serialize,
) -> Result<(), AppError> {
    let value = serde_json::to_value(capabilities)
        .map_err(|source| AppError::Stage { stage: "keep what a site can hold", source: source.into() })?;
    context.store.save_capabilities(connector.id, &value, Moment::now_utc()).await?;
    Ok(())
}

async fn discover_jira(
    context: &Context<'_>,
    connector: &ConnectorRow,
    transport: &dyn Transport,
) -> Result<hub_jira::Capabilities, AppError> {
    let jira = hub_jira::Jira::new(transport, &context.project.jira_project_key);
    let found = jira.discover().await.map_err(|outcome| AppError::stopped(&connector.base_url, outcome))?;
    keep(context, connector, &found).await?;
    Ok(found)
}
