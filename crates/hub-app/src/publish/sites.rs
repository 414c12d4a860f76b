//! Where the publisher gets its sites from, as a trait: production reads the project's connectors and opens HTTP, a
//! simulation hands over a site in memory.

use std::sync::Arc;

use futures::future::BoxFuture;
use hub_destination::{Gate, Transport, rates::Rates, site::Site};
use hub_domain::{Moment, facts::Destination};
use hub_store::{ConnectorKind, ProjectRow, Store};
use serde_json::Value;

use crate::{AppError, budget::SharedBudget, credentials};

/// One destination, reachable.
pub struct Reached {
    /// The site's address.
    pub address: String,
    /// The way to it.
    pub transport: Arc<dyn Transport>,
    /// What is kept of what the project or space can hold, with the time when it was read.
    pub known: Option<(Value, Moment)>,
}

/// Opens destinations.
pub trait Sites: Send + Sync {
    /// Opens a destination of the project.
    fn reach(&self, destination: Destination) -> BoxFuture<'_, Result<Reached, AppError>>;

    /// Keeps what a project or space can hold.
    fn keep<'a>(&'a self, destination: Destination, capabilities: &'a Value) -> BoxFuture<'a, Result<(), AppError>>;
}

/// The sites of a project's connectors, over HTTP.
pub struct Connectors<'a> {
    store: &'a Store,
    project: &'a ProjectRow,
}

impl<'a> Connectors<'a> {
    /// The connectors of a project.
    #[must_use]
    pub fn new(store: &'a Store, project: &'a ProjectRow) -> Self {
        Self { store, project }
    }

    async fn connector(&self, destination: Destination) -> Result<hub_store::ConnectorRow, AppError> {
        let kind = match destination {
            Destination::Jira => ConnectorKind::JiraCloud,
            Destination::Confluence => ConnectorKind::ConfluenceCloud,
        };
        let connectors = self.store.connectors(self.project.id).await?;
        connectors
            .into_iter()
            .find(|connector| connector.kind == kind)
            .ok_or_else(|| AppError::NoConnector { key: self.project.key.to_string(), kind: destination.as_str() })
    }
}

impl Sites for Connectors<'_> {
    fn reach(&self, destination: Destination) -> BoxFuture<'_, Result<Reached, AppError>> {
        Box::pin(async move {
            let connector = self.connector(destination).await?;
            let token = credentials::resolve(&connector.credential_ref)?;
            let site = Site::new(&connector.base_url, &connector.account_email, &token)?;
            let rates = Rates::from_json(&connector.rate)?;
            let (store, product) = (self.store.clone(), destination.as_str());
            let budget = SharedBudget::new(store, &connector.base_url, product, self.project.id, rates);
            Ok(Reached {
                transport: Arc::new(Gate::new(Arc::new(site), Arc::new(budget))),
                known: connector.capabilities.zip(connector.capabilities_at),
                address: connector.base_url,
            })
        })
    }

    fn keep<'a>(&'a self, destination: Destination, capabilities: &'a Value) -> BoxFuture<'a, Result<(), AppError>> {
        Box::pin(async move {
            let connector = self.connector(destination).await?;
            self.store.save_capabilities(connector.id, capabilities).await?;
            Ok(())
        })
    }
}
