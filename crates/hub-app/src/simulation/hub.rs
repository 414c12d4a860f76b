//! A hub: the publisher's own code in the worker's loop, over the database and the sites in memory.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::BoxFuture;
use hub_destination::Gate;
use hub_domain::{
    CorrelationId, Moment,
    facts::{Destination, ObjectKind},
};
use hub_store::ProjectRow;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    memory_ledger::{Database, MemoryLedger},
    process::{Event, Process},
    random::Random,
    site::{Permits, Site, Wire},
};
use crate::{
    AppError,
    progress::Silent,
    publish::{
        Context, Guard, Session, settle,
        sites::{Reached, Sites},
        slice,
    },
};

/// What hubs share.
pub struct Surroundings {
    pub project: ProjectRow,
    pub database: Arc<Database>,
    pub site: Arc<Site>,
    pub random: Random,
    /// What is kept of what the sites can hold.
    pub known: Mutex<[Option<(Value, Moment)>; 2]>,
    /// The guard that is off.
    pub off: Option<Guard>,
}

struct Doors {
    surroundings: Arc<Surroundings>,
    process: Process,
}

fn place(destination: Destination) -> usize {
    match destination {
        Destination::Jira => 0,
        Destination::Confluence => 1,
    }
}

impl Sites for Doors {
    fn reach(&self, destination: Destination) -> BoxFuture<'_, Result<Reached, AppError>> {
        Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            let wire = Wire { site: self.surroundings.site.clone(), process: self.process.clone() };
            Ok(Reached {
                address: "https://sim.invalid".into(),
                transport: Arc::new(Gate::new(Arc::new(wire), Arc::new(Permits::new(self.surroundings.site.clone())))),
                known: self.surroundings.known.lock().unwrap()[place(destination)].clone(),
            })
        })
    }

    fn keep<'a>(&'a self, destination: Destination, capabilities: &'a Value) -> BoxFuture<'a, Result<(), AppError>> {
        Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            let now = self.surroundings.database.now();
            self.surroundings.known.lock().unwrap()[place(destination)] = Some((capabilities.clone(), now));
            Ok(())
        })
    }
}

/// A hub's connections for one life.
pub fn context(surroundings: &Arc<Surroundings>, process: Process) -> Context<'_> {
    let ledger = MemoryLedger {
        database: surroundings.database.clone(),
        process: process.clone(),
        notices_restores: surroundings.off != Some(Guard::Recovery),
    };
    let doors = Doors { surroundings: surroundings.clone(), process };
    let correlation = CorrelationId(uuid::Uuid::from_u128(3));
    Context::over(&surroundings.project, correlation, &Silent, ledger, doors).without(surroundings.off)
}

/// Works until it is killed, as the worker does: settles what is open, does slices of each kind, and rests.
pub async fn work(surroundings: Arc<Surroundings>, process: Process) {
    let random = surroundings.random.clone();
    let context = context(&surroundings, process.clone());
    loop {
        let mut session = Session::new();
        for _ in 0..random.between(2, 12) {
            match round(&context, &mut session).await {
                Ok(0) => sleep(random.millis(500, 6_000)).await,
                Ok(_) => sleep(random.millis(10, 500)).await,
                Err(_) => {
                    process.note(Event::Broke);
                    sleep(random.millis(500, 8_000)).await;
                    break;
                }
            }
        }
    }
}

/// One round of all kinds. Returns what was handled.
pub async fn round(context: &Context<'_>, session: &mut Session) -> Result<u64, AppError> {
    let (found, released) = settle(context, session).await?;
    let now = context.ledger.now().await?;
    let mut handled = found.handled() + released;
    for object in ObjectKind::ALL {
        for _ in 0..3 {
            match slice(context, session, object, now).await? {
                Some(tally) => handled += tally.created + tally.updated,
                None => break,
            }
        }
    }
    Ok(handled)
}
