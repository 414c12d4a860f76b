//! Where the database is, as the program's configuration hands it in.

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::{Host, SslMode};
use url::Url;

use crate::{EmbeddedConfig, StoreError};

/// Connections that a process holds at most, unless configured otherwise. A Supabase pooler has few to give.
pub const MAX_CONNECTIONS: usize = 10;

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The server to use.
#[derive(Debug, Clone)]
pub enum Server {
    /// A server somewhere, by its address (`postgres://..`, or `host=.. user=..`). `sslmode` and `sslrootcert` are
    /// understood; a server's certificate is always verified where TLS is used.
    Url(SecretString),
    /// A private server on this machine.
    Embedded(EmbeddedConfig),
}

/// The database and how much of it to use.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// The server.
    pub server: Server,
    /// The most connections at the same time.
    pub max_connections: usize,
}

impl DatabaseConfig {
    /// A server by its address, with the usual number of connections.
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self { server: Server::Url(SecretString::from(url.into())), max_connections: MAX_CONNECTIONS }
    }

    /// A private server, with the usual number of connections.
    #[must_use]
    pub fn embedded(config: EmbeddedConfig) -> Self {
        Self { server: Server::Embedded(config), max_connections: MAX_CONNECTIONS }
    }
}

/// An address taken apart.
#[derive(Debug)]
pub(crate) struct Target {
    /// What tokio-postgres needs.
    pub config: tokio_postgres::Config,
    /// A file with the certificates of the authorities that may vouch for the server.
    pub root_certificates: Option<PathBuf>,
}

impl Target {
    /// Reads an address.
    ///
    /// libpq's `sslrootcert` and the stricter values of `sslmode`, which tokio-postgres does not know, are taken out
    /// first. Every mode that uses TLS verifies the certificate, so `verify-full` is `require` here. Without `sslmode` a
    /// server on this machine is spoken to in plain text, because the certificate that Debian gives it vouches for nobody.
    pub fn read(url: &SecretString) -> Result<Self, StoreError> {
        let refuse = |why: String| StoreError::Settings(vec![format!("the database address {why}")]);
        let mut text = url.expose_secret().trim().to_owned();
        let mut root_certificates = None;
        let mut asks_for_mode = text.contains("sslmode");
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let mut parsed = Url::parse(&text).map_err(|error| refuse(format!("cannot be read: {error}")))?;
            let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
            asks_for_mode = pairs.iter().any(|(name, _)| name == "sslmode");
            let mut kept = Vec::new();
            for (name, value) in pairs {
                match (name.as_str(), value.as_str()) {
                    ("sslrootcert", path) => root_certificates = Some(PathBuf::from(path)),
                    ("sslmode", "verify-ca" | "verify-full") => kept.push((name, "require".to_owned())),
                    _ => kept.push((name, value)),
                }
            }
            parsed.set_query(None);
            if !kept.is_empty() {
                parsed.query_pairs_mut().extend_pairs(kept);
            }
            text = parsed.into();
        }
        // The parser's message may repeat what it could not read, and that may be the password.
        let mut config: tokio_postgres::Config = text
            .parse()
            .map_err(|_| refuse("is not of the form postgres://user:password@host:port/database".into()))?;
        if config.get_hosts().is_empty() {
            return Err(refuse("names no host".into()));
        }
        if !asks_for_mode && config.get_hosts().iter().all(is_local) {
            config.ssl_mode(SslMode::Disable);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("haida-hub");
        }
        Ok(Self { config, root_certificates })
    }

    /// Host and database for messages.
    pub fn name(&self) -> String {
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                #[cfg(unix)]
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or("its default database");
        format!("{}/{database}", hosts.join(","))
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1" | "[::1]"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Target, StoreError> {
        Target::read(&SecretString::from(url))
    }

    #[test]
    fn addresses_say_how_to_speak_to_the_server() {
        let cases = [
            ("postgres://hub:s3cret@db.example.com:5432/postgres", SslMode::Prefer, None),
            ("postgres://hub@db.example.com/postgres?sslmode=require", SslMode::Require, None),
            (
                "postgresql://hub@db.example.com/x?sslmode=verify-full&sslrootcert=/etc/ca.pem",
                SslMode::Require,
                Some("/etc/ca.pem"),
            ),
            ("postgres://hub@localhost/postgres", SslMode::Disable, None),
            ("postgres://hub@127.0.0.1/postgres?sslmode=require", SslMode::Require, None),
            ("host=/run/postgresql user=hub dbname=hub", SslMode::Disable, None),
        ];
        for (url, mode, roots) in cases {
            let target = read(url).unwrap();
            assert_eq!(target.config.get_ssl_mode(), mode, "{url}");
            assert_eq!(target.root_certificates, roots.map(PathBuf::from), "{url}");
            assert!(!target.name().contains("s3cret"));
        }
        assert_eq!(read("postgres://hub:p@db.example.com/x").unwrap().name(), "db.example.com/x");
    }

    #[test]
    fn a_bad_address_is_refused_without_showing_its_password() {
        for url in
            ["", "postgres://u:hunter2@h/x?sslmode=sometimes", "postgres://u:hunter2@h:99999/x", "user=hub", "nonsense"]
        {
            let error = read(url).unwrap_err();
            assert_eq!(error.code().id, "HUB-4004", "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
        }
    }
}
