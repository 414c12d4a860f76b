//! One connection to a database that is not the hub's own. Addresses and TLS are read as the hub's are; what is asked there is
//! the caller's business.

use secrecy::SecretString;
use tokio_postgres::{Client, NoTls, config::SslMode};

use crate::{StoreError, config::Target, tls};

/// What the other database's list of sessions calls the hub.
const APPLICATION_NAME: &str = "haida-hub source";

/// Why no connection could be had.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] StoreError),
    /// The database refused, or did not answer.
    #[error("connect to {target}")]
    Connect {
        /// Host and database, never the password.
        target: String,
        /// What the client says.
        #[source]
        source: tokio_postgres::Error,
    },
}

/// Connects by an address. The connection ends when the client is dropped.
///
/// # Errors
/// [`DialError`].
pub async fn dial(address: &SecretString) -> Result<Client, DialError> {
    let mut target = Target::read(address)?;
    target.config.application_name(APPLICATION_NAME);
    let name = target.name();
    let failed = |source| DialError::Connect { target: name.clone(), source };
    if target.config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = target.config.connect(NoTls).await.map_err(failed)?;
        drop(tokio::spawn(connection));
        Ok(client)
    } else {
        let connector = tls::connector(target.root_certificates.as_deref())?;
        let (client, connection) = target.config.connect(connector).await.map_err(failed)?;
        drop(tokio::spawn(connection));
        Ok(client)
    }
}
