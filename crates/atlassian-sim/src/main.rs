//! The program `atlassian-sim`: one simulated site on a local port.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use atlassian_sim::faults::Scenario;
use atlassian_sim::{Dialect, Options, Sim, serve_site};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;

/// Jira Cloud and Confluence Cloud over real HTTP, for tests and demonstrations.
#[derive(Debug, Parser)]
#[command(name = "atlassian-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve one site on 127.0.0.1.
    Serve(Serve),
}

/// The values of `--dialect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DialectName {
    Cloud,
    DataCenter,
}

#[derive(Debug, Args)]
struct Serve {
    /// Port to listen on; 0 takes a free one and prints it.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Append every API exchange to this file, one JSON object per line.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// A Jira project, `KEY` or `KEY:Name`; repeatable.
    #[arg(long = "project", value_name = "KEY[:NAME]", default_value = "CTB")]
    projects: Vec<String>,
    /// A Confluence space, `KEY` or `KEY:Name`; repeatable.
    #[arg(long = "space", value_name = "KEY[:NAME]", default_value = "CTB")]
    spaces: Vec<String>,
    /// The account's e-mail address.
    #[arg(long, default_value = "qa@example.com")]
    email: String,
    /// The account's API token.
    #[arg(long, default_value = "sim-token")]
    token: String,
    /// Milliseconds added to every API call.
    #[arg(long, value_name = "N", default_value_t = 0)]
    latency_ms: u64,
    /// Milliseconds until a Jira write shows up in search.
    #[arg(long, value_name = "N", default_value_t = 0)]
    search_lag_ms: u64,
    /// An issue type to leave out, `NAME` everywhere or `KEY:NAME` in one project; repeatable.
    #[arg(long = "issue-type-missing", value_name = "NAME")]
    missing_issue_types: Vec<String>,
    /// A text custom field on the test screens, replacing the default six; repeatable.
    #[arg(long = "custom-field", value_name = "NAME")]
    custom_fields: Vec<String>,
    /// The address used in answers, where it differs from the one listened on.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Enforce Jira's caps per issue (413).
    #[arg(long)]
    per_issue_caps: bool,
    /// Requests a second per endpoint and method before 429.
    #[arg(long, alias = "burst", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    burst_per_second: Option<u32>,
    /// Enforce Jira's limits on writes to one issue: 20 in 2 seconds, 100 in 30 (429).
    #[arg(long)]
    per_issue_writes: bool,
    /// Points an hour before 429: a write costs one, a read one and one for each object returned.
    #[arg(long, value_name = "N")]
    points_per_hour: Option<u64>,
    /// Which Atlassian: Cloud, or a site on somebody's own machines.
    #[arg(long, value_enum, default_value_t = DialectName::Cloud)]
    dialect: DialectName,
    /// Nodes of a Data Center site, each with an index of its own.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    nodes: u32,
    /// A scoped API token, good at /ex/jira and /ex/confluence only.
    #[arg(long, value_name = "TOKEN")]
    scoped_token: Option<String>,
    /// The OAuth client's id and secret.
    #[arg(long, value_name = "ID:SECRET", default_value = "sim-client:sim-secret")]
    oauth_client: String,
    /// An issue property that JQL can search, as an installed app declares it; repeatable.
    #[arg(long = "indexed-property", value_name = "KEY:PATH")]
    indexed_properties: Vec<String>,
    /// A script of faults in TOML; `PUT /_sim/faults` replaces it at run time.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Exit when standard input closes: the site then never outlives the program that started it.
    #[arg(long)]
    exit_with_parent: bool,
}

impl Serve {
    fn options(&self) -> Result<Options, String> {
        let defaults = Options::default();
        let (client, secret) =
            self.oauth_client.split_once(':').ok_or("cannot use --oauth-client: give it as ID:SECRET")?;
        let faults = self.faults.as_deref().map(read_script).transpose()?.unwrap_or_default();
        Ok(Options {
            projects: self.projects.clone(),
            spaces: self.spaces.clone(),
            email: self.email.clone(),
            token: self.token.clone(),
            log: self.log.clone(),
            latency: Duration::from_millis(self.latency_ms),
            search_lag: Duration::from_millis(self.search_lag_ms),
            missing_issue_types: self.missing_issue_types.clone(),
            custom_fields: if self.custom_fields.is_empty() {
                defaults.custom_fields
            } else {
                self.custom_fields.clone()
            },
            base_url: self.base_url.clone(),
            per_issue_caps: self.per_issue_caps,
            burst_per_second: self.burst_per_second,
            per_issue_writes: self.per_issue_writes,
            points_per_hour: self.points_per_hour,
            faults,
            dialect: match self.dialect {
                DialectName::Cloud => Dialect::Cloud,
                DialectName::DataCenter => Dialect::DataCenter,
            },
            nodes: self.nodes,
            scoped_token: self.scoped_token.clone(),
            oauth_client: client.to_owned(),
            oauth_secret: secret.to_owned(),
            indexed_properties: self.indexed_properties.clone(),
        })
    }
}

fn read_script(path: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the script of faults {}: {error}", path.display()))?;
    Scenario::from_toml(&text).map_err(|error| format!("cannot use the script of faults {}: {error}", path.display()))
}

/// Writes one line to standard output; a reader that went away is not a failure.
fn say(line: &str) {
    let mut out = std::io::stdout();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads standard output");
    }
}

/// Writes one line to standard error.
fn complain(line: &str) {
    if writeln!(std::io::stderr(), "atlassian-sim: {line}").is_err() {
        tracing::debug!("nobody reads standard error");
    }
}

/// Ends when standard input does.
async fn parent_gone() {
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    // A plain thread: a blocking read on the runtime would keep it from shutting down.
    std::thread::spawn(move || {
        let mut sink = [0_u8; 256];
        let mut input = std::io::stdin();
        while matches!(input.read(&mut sink), Ok(read) if read > 0) {}
        drop(sender);
    });
    drop(receiver.await);
}

/// One message with every cause, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

async fn run(arguments: Serve) -> Result<(), String> {
    // Before the port is taken: a script that cannot be used is no reason to hold one.
    let options = arguments.options()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen on {address}: {error}; choose another --port, or 0 for any free one")
    })?;
    let bound = listener.local_addr().map_err(|error| format!("cannot read the bound address: {error}"))?;
    let sim = Sim::new(options, bound).map_err(|error| format!("cannot {}", chain(&error)))?;
    say(&format!("listening on http://{bound}"));
    let served = serve_site(listener, Arc::new(sim));
    tokio::select! {
        ended = served => ended.map_err(|error| format!("cannot {}", chain(&error))),
        _ = tokio::signal::ctrl_c() => Ok(()),
        () = parent_gone(), if arguments.exit_with_parent => Ok(()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Serve(arguments) = Cli::parse().command;
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}
