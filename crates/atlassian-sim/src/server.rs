//! The running simulator: shared state, routes, and the two ways to start it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::auth::{self, Account};
use crate::faults::{self, Breaker, Engine, Limits, Scenario, Script, Wires};
use crate::log::{self, Log, Stats};
use crate::oauth::Grants;
use crate::options::{Dialect, Options};
use crate::world::World;
use crate::{confluence, console, gateway, humans, jira, oauth};

/// The shared state of one simulator: `Arc<Sim>` is what handlers receive.
#[derive(Debug)]
pub struct Sim {
    /// Everything remembered. Prefer [`Sim::lock`].
    pub world: Mutex<World>,
    options: Options,
    account: Account,
    base_url: String,
    log: Option<Log>,
    stats: Mutex<Stats>,
    script: Mutex<Option<Arc<dyn Script>>>,
    faults: Engine,
    trace: AtomicU64,
    grants: Mutex<Grants>,
    calls: AtomicU64,
}

/// Failed to start or to go on serving.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not allowed.
    #[error("listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The log file cannot be opened.
    #[error("open the log {path}")]
    Log {
        /// The file asked for.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The listener failed while serving.
    #[error("serve requests")]
    Serve(#[source] std::io::Error),
}

impl Sim {
    /// A site in its start state.
    ///
    /// # Errors
    /// When the log file cannot be opened.
    pub fn new(options: Options, address: SocketAddr) -> Result<Self, ServeError> {
        let log = match &options.log {
            Some(path) => Some(Log::open(path).map_err(|source| ServeError::Log { path: path.clone(), source })?),
            None => None,
        };
        let base_url = match &options.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        let limits = Limits {
            burst_per_second: options.burst_per_second,
            per_issue_writes: options.per_issue_writes,
            points_per_hour: options.points_per_hour,
            ..Limits::default()
        };
        Ok(Self {
            world: Mutex::new(World::new(&options)),
            account: Account::of(&options.email),
            base_url,
            log,
            stats: Mutex::new(Stats::default()),
            script: Mutex::new(None),
            faults: Engine::new(limits, options.faults.clone()),
            trace: AtomicU64::new(1),
            grants: Mutex::default(),
            calls: AtomicU64::new(0),
            options,
        })
    }

    /// The state, locked. Never held over an await.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the site was started with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The account that the credentials belong to.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The site's address without a trailing slash, as used in `self` links.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn script(&self) -> Option<Arc<dyn Script>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets a script take part in every call from now on; `None` ends it. A reset does not.
    pub fn set_script(&self, script: Option<Arc<dyn Script>>) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    pub(crate) fn faults(&self) -> &Engine {
        &self.faults
    }

    /// Starts a script of faults, in place of the one in force; its clock and its counts begin at zero.
    /// Commits that an earlier script put off still come.
    pub fn play(&self, scenario: Scenario) {
        self.faults.play(scenario);
    }

    pub(crate) fn next_trace(&self) -> u64 {
        self.trace.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node that takes the next call: they take turns. Cloud shows none.
    pub(crate) fn next_node(&self) -> Option<u64> {
        match self.options.dialect {
            Dialect::Cloud => None,
            Dialect::DataCenter => {
                Some(self.calls.fetch_add(1, Ordering::Relaxed) % u64::from(self.options.nodes.max(1)))
            }
        }
    }

    /// Back to the start state, counters included. A script of faults stays and starts again.
    pub fn reset(&self) {
        self.faults.restart(|| *self.lock() = World::new(&self.options));
        *self.stats() = Stats::default();
    }
}

/// All routes, with their middleware. Outermost first: broken connections, log, authentication, faults, handler.
fn router(sim: Arc<Sim>) -> Router {
    // A layer on a fallback runs before the routes inside it are chosen.
    Router::new().fallback_service(inside(sim.clone())).layer(from_fn_with_state(sim, gateway::enter))
}

fn inside(sim: Arc<Sim>) -> Router {
    Router::new()
        .merge(jira::routes())
        .merge(confluence::routes())
        .merge(console::routes())
        .merge(oauth::routes())
        .layer(from_fn_with_state(sim.clone(), faults::interfere))
        .layer(from_fn_with_state(sim.clone(), auth::identify))
        .layer(from_fn_with_state(sim.clone(), log::record))
        .layer(from_fn(faults::end))
        // The log has read the body already, within a limit of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(sim)
}

/// Serves on a listener until the task is dropped.
///
/// # Errors
/// When the log cannot be opened or the listener fails.
pub async fn serve(listener: TcpListener, options: Options) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Serve)?;
    serve_site(listener, Arc::new(Sim::new(options, address)?)).await
}

/// Serves a site that is made already, so that what can be wrong with its options is known before it is announced.
///
/// # Errors
/// When the listener fails.
pub async fn serve_site(listener: TcpListener, sim: Arc<Sim>) -> Result<(), ServeError> {
    let routes = router(sim.clone()).into_make_service_with_connect_info::<Breaker>();
    tokio::select! {
        ended = axum::serve(Wires(listener), routes) => ended.map_err(ServeError::Serve),
        () = humans::live(sim) => Ok(()),
    }
}

/// A simulator inside the calling process, on a free local port. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// The state, for tests that look at it directly.
    pub sim: Arc<Sim>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// Stops accepting and waits until the open requests are answered.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            drop(stop);
        }
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the simulator ended abnormally");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Dropping the sender ends the server's wait: it answers what is open and ends.
        drop(self.stop.take());
    }
}

/// Starts a simulator on a free port of 127.0.0.1.
///
/// # Errors
/// When no port can be had or the log cannot be opened.
pub async fn start(options: Options) -> Result<Running, ServeError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any).await.map_err(|source| ServeError::Listen { address: any, source })?;
    let address = listener.local_addr().map_err(ServeError::Serve)?;
    let sim = Arc::new(Sim::new(options, address)?);
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = router(sim.clone()).into_make_service_with_connect_info::<Breaker>();
    let people = humans::live(sim.clone());
    let task = tokio::spawn(async move {
        let ended = axum::serve(Wires(listener), routes).with_graceful_shutdown(async move {
            // An error means that the sender was dropped, which is how a stop is asked for.
            drop(stopped.await);
        });
        tokio::select! {
            ended = ended => if let Err(error) = ended {
                tracing::error!(%error, "the simulator stopped serving");
            },
            () = people => {}
        }
    });
    Ok(Running { url: format!("http://{address}"), sim, stop: Some(stop), task: Some(task) })
}
