//! Connections to sites between the jobs of one process: a session that has proven its login and knows its project's screens
//! is taken by the next job of the project and given back after it. One that met an error is dropped.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hub_domain::ProjectId;
use hub_store::ProjectRow;

use crate::publish::Session;

/// How long a session is used: within this time a changed token or a lost permission is noticed.
const OLDEST: Duration = Duration::from_secs(300);

struct Kept {
    session: Session,
    made: Instant,
    project: ProjectRow,
}

/// The sessions that nobody uses at the moment.
#[derive(Default)]
pub struct Sessions {
    kept: Mutex<HashMap<ProjectId, Vec<Kept>>>,
}

/// A session in use.
pub struct Taken {
    /// The session.
    pub session: Session,
    made: Instant,
}

impl Sessions {
    /// Takes a session of the project, or makes one without connections.
    #[must_use]
    pub fn take(&self, project: &ProjectRow) -> Taken {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(of_project) = kept.get_mut(&project.id) else {
            return Taken { session: Session::new(), made: Instant::now() };
        };
        of_project.retain(|kept| kept.made.elapsed() < OLDEST && kept.project == *project);
        match of_project.pop() {
            Some(Kept { session, made, .. }) => Taken { session, made },
            None => Taken { session: Session::new(), made: Instant::now() },
        }
    }

    /// Gives a session back for the next job.
    pub fn give(&self, project: &ProjectRow, taken: Taken) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Taken { session, made } = taken;
        kept.entry(project.id).or_default().push(Kept { session, made, project: project.clone() });
        // Projects come and go; what is too old is not kept for them.
        kept.retain(|_, of_project| {
            of_project.retain(|kept| kept.made.elapsed() < OLDEST);
            !of_project.is_empty()
        });
    }
}
