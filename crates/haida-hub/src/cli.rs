//! The command line: what can be said to the program.

use std::{num::NonZeroU8, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Publishes QA truth from Postgres to Jira and Confluence, effectively once.
#[derive(Debug, Parser)]
#[command(
    name = "haida-hub",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 unexpected, 2 command line or setting, \
3 input, 4 remote site, 5 database, 6 a team's own database, 7 evidence store or API (docs/errors/README.md)."
)]
pub struct Cli {
    /// Print the result as one JSON document on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice for everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Where the private Postgres keeps its data, where DATABASE_URL is not set.
    #[arg(long, global = true, env = "HUB_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The tenant's short name, where more than one has a project of the same key.
    #[arg(long, global = true, env = "HUB_TENANT")]
    pub tenant: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The tasks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole way on sample data: private Postgres, simulated Jira and Confluence, two projects.
    Demo(DemoArgs),
    /// Bring the database to this version's schema.
    Migrate,
    /// Manage projects.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// Take test cases, defects and results from files.
    Ingest(IngestArgs),
    /// Read the team's own databases: pull them now, show how they stand, print the SQL that they need.
    #[command(subcommand)]
    Source(SourceCommand),
    /// Publish what differs from what is published.
    Sync(SyncArgs),
    /// Compare the sites with what was published: deleted, moved, doubled or edited objects.
    Audit(AuditArgs),
    /// Publish whatever becomes due, of all projects, until asked to end; any number of workers share a database.
    Work(WorkArgs),
    /// Show projects, what is published, what waits and why.
    Status(StatusArgs),
    /// Look at what the site refused, try it again or give it up.
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Look at failures across runs, and decide which are defects.
    #[command(subcommand)]
    Failures(FailuresCommand),
    /// Look at what of the files could not be taken or does not count, and say what became of it.
    #[command(subcommand)]
    Rejects(RejectsCommand),
    /// Look at what tests left behind, and at its end.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
    /// Serve the HTTP API: take reports, follow evidence links.
    Serve(ServeArgs),
    /// Manage the tokens of the HTTP API.
    #[command(subcommand)]
    Token(TokenCommand),
    /// List the formats that `ingest` reads.
    Formats,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// End after publishing; otherwise stay up until Ctrl-C.
    #[arg(long)]
    pub once: bool,
    /// The folder to load: with a demo.toml as it says, otherwise every file of it as one project.
    #[arg(long, value_name = "DIR", default_value = "sample")]
    pub samples: PathBuf,
    /// The port of the simulated site; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Keep every request and answer of the simulated site in this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// `project` subcommands.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Add a project, or change one with --update.
    Add(ProjectAddArgs),
    /// Stop publishing a project; what is taken and planned meanwhile is kept.
    Archive {
        /// The project's key.
        #[arg(long, short)]
        project: String,
    },
    /// Set what the team decides about its project, from a TOML file; without a file, show it.
    Configure {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The file; `-` is standard input.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Take an archived project up again.
    Unarchive {
        /// The project's key.
        #[arg(long, short)]
        project: String,
    },
}

/// The language of what is written into issues and pages.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LocaleArg {
    /// English.
    En,
    /// Spanish.
    Es,
}

/// Arguments of `project add`.
#[derive(Debug, Args)]
pub struct ProjectAddArgs {
    /// The project's short name: a-z, 0-9 and '-'.
    #[arg(long)]
    pub key: String,
    /// The project's name for people; the key where it is not given.
    #[arg(long)]
    pub name: Option<String>,
    /// The address of the Atlassian site: `https://NAME.atlassian.net`
    #[arg(long, value_name = "URL")]
    pub site: String,
    /// The key of the Jira project.
    #[arg(long, value_name = "KEY")]
    pub jira_project: String,
    /// The key of the Confluence space.
    #[arg(long, value_name = "KEY")]
    pub confluence_space: String,
    /// The account's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    pub account_email: String,
    /// Where the API token is: env://NAME or file:///PATH. A token itself is refused.
    #[arg(long, value_name = "REFERENCE")]
    pub credential: String,
    /// The language of issues and pages.
    #[arg(long, value_enum, default_value_t = LocaleArg::En)]
    pub locale: LocaleArg,
    /// Put the marker of an issue into a label too, which finds an issue wherever people move it.
    #[arg(long)]
    pub label_marker: bool,
    /// Change the project where it exists.
    #[arg(long)]
    pub update: bool,
}

/// Arguments of `ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Files, folders, patterns, ZIP archives, files packed with gzip; `-` is standard input.
    #[arg(required = true, value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// The project's key.
    #[arg(long, short)]
    pub project: String,
    /// The run that results belong to; not needed for test cases and defects.
    #[arg(long, short, value_name = "ID")]
    pub run: Option<String>,
    /// The run's title.
    #[arg(long)]
    pub title: Option<String>,
    /// The release that the run tests.
    #[arg(long)]
    pub release: Option<String>,
    /// The environment that the run tests.
    #[arg(long)]
    pub env: Option<String>,
    /// The platform that the run tests.
    #[arg(long)]
    pub platform: Option<String>,
    /// Read files again whose content was taken before.
    #[arg(long)]
    pub again: bool,
}

/// `source` subcommands.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Read what is new or changed of a project's sources.
    Pull(SourcePullArgs),
    /// Show how a project's sources stand, stream by stream.
    Status {
        /// The project's key.
        #[arg(long, short)]
        project: String,
    },
    /// Print SQL for the team's own database; the hub never applies it.
    Sql(SourceSqlArgs),
}

/// Arguments of `source pull`.
#[derive(Debug, Args)]
pub struct SourcePullArgs {
    /// The project's key.
    #[arg(long, short)]
    pub project: String,
    /// Only this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Compare everything with the source, and take its columns as they are now.
    #[arg(long)]
    pub full: bool,
    /// Go on although more than a fifth of the source's rows would vanish.
    #[arg(long)]
    pub accept_shrink: bool,
}

/// Arguments of `source sql`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct SourceSqlArgs {
    /// The reader role, its grants and policies, the function behind the watermark, the advised indexes.
    #[arg(long)]
    pub role: bool,
    /// The opt-in outbox: triggers that tell of every change.
    #[arg(long)]
    pub outbox: bool,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The project's key.
    #[arg(long, short)]
    pub project: String,
    /// Wait for what is throttled, to be repeated or uncertain, until nothing is left to do.
    #[arg(long)]
    pub wait: bool,
}

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The project's key.
    #[arg(long, short)]
    pub project: String,
}

/// Arguments of `work`.
#[derive(Debug, Args)]
pub struct WorkArgs {
    /// Lanes to drain at the same time.
    #[arg(long, value_name = "N", default_value = "16")]
    pub concurrency: NonZeroU8,
    /// End when nothing is due and no lane is busy.
    #[arg(long)]
    pub until_idle: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this project.
    #[arg(long, short)]
    pub project: Option<String>,
}

/// `dlq` subcommands.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List dead letters in the order of their causes.
    List {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Only those with this code (HUB-2003).
        #[arg(long, value_name = "CODE")]
        cause: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one dead letter with what to do.
    Show {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The publication, as `list` names it.
        publication: String,
    },
    /// Make dead letters due again.
    Retry(DlqSelection),
    /// Give dead letters up until their content changes.
    Discard(DlqSelection),
}

/// `evidence` subcommands.
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// List evidence with its links, and how much there is.
    List {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Only of this run.
        #[arg(long, short, value_name = "ID")]
        run: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 1_000)]
        limit: usize,
    },
    /// Let go what the project's rules let go; workers do it once a day.
    Expire {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Only tell what would go.
        #[arg(long)]
        dry_run: bool,
    },
    /// Keep the evidence of a run whatever the rules say.
    Hold {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The run's id.
        run: String,
    },
    /// Let the rules decide about a run's evidence again.
    Release {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The run's id.
        run: String,
    },
    /// Compare the store with what is on record: objects that nothing names, and rows whose object is not there.
    Check {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Delete objects that nothing names.
        #[arg(long)]
        delete_orphans: bool,
    },
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes a free one. Put a proxy with TLS before any address but this machine's.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// The largest body that is taken, in bytes.
    #[arg(long, value_name = "N", default_value_t = 2 << 30)]
    pub max_body_bytes: u64,
}

/// `token` subcommands.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and show it, once.
    Add {
        /// The project that it opens.
        #[arg(long, short)]
        project: String,
        /// What to call it.
        #[arg(long)]
        name: String,
        /// Let it open every project of the tenant.
        #[arg(long)]
        whole_tenant: bool,
        /// Let it end after so many days.
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
    /// List the tokens of a project's tenant.
    List {
        /// The project's key.
        #[arg(long, short)]
        project: String,
    },
    /// End a token.
    Revoke {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The token's name.
        name: String,
    },
}

/// Which dead letters: the publications named, those of a cause, or all of them.
#[derive(Debug, Args)]
pub struct DlqSelection {
    /// The project's key.
    #[arg(long, short)]
    pub project: String,
    /// Those with this code (HUB-2003).
    #[arg(long, value_name = "CODE", conflicts_with = "publications")]
    pub cause: Option<String>,
    /// Publications as `list` names them.
    #[arg(value_name = "PUBLICATION")]
    pub publications: Vec<String>,
}

/// `failures` subcommands.
#[derive(Debug, Subcommand)]
pub enum FailuresCommand {
    /// List failures: proposals first, then the latest.
    List {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Only those in this state: new, proposed, defect or ignored.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show one failure with its error.
    Show {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The fingerprint, as `list` shows it, or the id of its defect.
        fingerprint: String,
    },
    /// Make a failure a defect.
    Accept {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The fingerprint, as `list` shows it.
        fingerprint: String,
    },
    /// Want no defect of a failure, whatever run shows it; reject the one that the hub made of it.
    Ignore {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// The fingerprint, as `list` shows it, or the id of its defect.
        fingerprint: String,
    },
}

/// `rejects` subcommands.
#[derive(Debug, Subcommand)]
pub enum RejectsCommand {
    /// List what is open, worst first.
    List(RejectsListArgs),
    /// Show one reject with what to do; of two sources that disagree, what both say.
    Show {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Its number, as `list` names it.
        id: i64,
    },
    /// Mark rejects as seen by a person: what counts now goes on to count.
    Resolve {
        /// The project's key.
        #[arg(long, short)]
        project: String,
        /// Their numbers, as `list` names them.
        #[arg(required = true)]
        ids: Vec<i64>,
        /// Of two sources that disagree, let the other one count.
        #[arg(long)]
        take: bool,
    },
}

/// Arguments of `rejects list`.
#[derive(Debug, Args)]
pub struct RejectsListArgs {
    /// The project's key.
    #[arg(long, short)]
    pub project: String,
    /// Only those with this code (HUB-1017).
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only those of this file, by its name in the list.
    #[arg(long, value_name = "NAME")]
    pub file: Option<String>,
    /// Only what is open; this is what happens where nothing is said.
    #[arg(long, conflicts_with = "all")]
    pub open: bool,
    /// What is resolved as well.
    #[arg(long)]
    pub all: bool,
    /// At most so many.
    #[arg(long, default_value_t = 200)]
    pub limit: usize,
}
