//! One simulated world: hubs, their database, their sites, and what goes wrong with all of them, from one seed. When the
//! faults end, the world must come to rest in time, and then everything must be as it shall be.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime,
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use super::{
    hub::{self, Surroundings},
    invariants,
    memory_ledger::{Database, DatabaseFaults},
    process::{Event, Process},
    random::Random,
    site::{Site, WeatherState},
    trace::{self, trace},
    truth::{Truth, project},
};
use crate::publish::{DOUBT, Guard};

/// What a world is like.
#[derive(Debug, Clone)]
pub struct Settings {
    pub hubs: u64,
    pub cases: u64,
    pub pages: bool,
    /// Entities that Jira refuses, of a thousand.
    pub poison: u64,
    /// How long faults last.
    pub faulty: Duration,
    pub weather: WeatherState,
    pub database: DatabaseFaults,
    /// What happens, each kind with its weight.
    pub events: Vec<(Happening, u64)>,
    /// The mean time between two happenings, in milliseconds.
    pub every: u64,
    pub off: Option<Guard>,
}

/// What happens to a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    Kill,
    Stop,
    Change,
    Grow,
    DatabaseGoesDown,
    Restore,
    /// A restore with creates announced before the backup and after it, from which every process comes through.
    RestoreUnderLoad,
    LoginFails,
    SiteGoesDown,
    Storm,
    HumanCreates,
}

impl Settings {
    /// A world of everyday faults, drawn from the seed.
    pub fn of(random: &Random) -> Self {
        use Happening::{
            Change, DatabaseGoesDown, Grow, HumanCreates, Kill, LoginFails, Restore, SiteGoesDown, Stop, Storm,
        };
        let measure = random.below(5);
        Self {
            hubs: random.between(2, 3),
            cases: random.between(10, 36),
            pages: random.chance(600),
            poison: *random.pick(&[0, 0, 60]),
            faulty: random.millis(30_000, 240_000),
            weather: WeatherState { stops_after_answer: *random.pick(&[0, 10, 60]), ..WeatherState::rough(measure) },
            database: DatabaseFaults {
                lost_before: *random.pick(&[0, 2, 10]),
                lost_after: *random.pick(&[0, 2, 10]),
                stop_after_announcement: *random.pick(&[0, 20, 150]),
            },
            events: vec![
                (Kill, *random.pick(&[1, 5, 20])),
                (Stop, *random.pick(&[1, 5])),
                (Change, 4),
                (Grow, 1),
                (DatabaseGoesDown, 1),
                (Restore, *random.pick(&[0, 1, 2])),
                (LoginFails, 1),
                (SiteGoesDown, 1),
                (Storm, 1),
                (HumanCreates, 1),
            ],
            every: *random.pick(&[2_000, 5_000, 10_000]),
            off: None,
        }
    }
}

impl Settings {
    /// A world in which the database loses commits again and again while creates are on their way.
    pub fn restored(random: &Random) -> Self {
        Self {
            hubs: random.between(2, 4),
            cases: random.between(4, 16),
            pages: false,
            weather: WeatherState {
                slow: *random.pick(&[0, 200, 600]),
                timeouts: *random.pick(&[0, 100, 300]),
                late_effect: Duration::from_secs(*random.pick(&[20, 90])),
                stops_after_answer: *random.pick(&[0, 100]),
                ..WeatherState::rough(random.below(2))
            },
            events: vec![
                (Happening::Grow, 4),
                (Happening::Restore, *random.pick(&[0, 2])),
                (Happening::RestoreUnderLoad, *random.pick(&[1, 3])),
                (Happening::Kill, *random.pick(&[0, 1])),
                (Happening::HumanCreates, 1),
            ],
            every: *random.pick(&[1_000, 4_000, 20_000]),
            ..Self::of(random)
        }
    }

    /// The world of a seed: of every four, one that is restored.
    pub fn of_seed(seed: u64) -> fn(&Random) -> Self {
        if seed % 4 == 3 { Self::restored } else { Self::of }
    }
}

/// What a world came to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub entities: u64,
    pub calls: u64,
    pub creates: u64,
    pub extra_reads: u64,
    pub kills: u64,
    pub stops: u64,
    pub restores: u64,
    /// Rows whose attempts were used up by faults and that were revived, as an operator does.
    pub exhausted: u64,
    /// Contents that an older write has overwritten.
    pub overtaken: u64,
    pub simulated: Duration,
    /// From the end of the faults.
    pub converged_in: Duration,
    /// What is not as it shall be.
    pub broken: Vec<String>,
}

/// The longest that a world may take to come to rest: the doubt, and three minutes.
const REST_WITHIN: Duration = Duration::from_secs(DOUBT.as_secs() + 180);

/// Runs a world to its end.
pub fn run(seed: u64, settings: impl FnOnce(&Random) -> Settings) -> Outcome {
    let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let random = Random::new(seed);
        let settings = settings(&random);
        World::new(settings, random).run().await
    })
}

struct Hub {
    process: Process,
    task: AbortHandle,
}

pub struct World {
    pub settings: Settings,
    pub surroundings: Arc<Surroundings>,
    /// Every life of every hub.
    pub lives: Vec<Process>,
    random: Random,
    hubs: Vec<Hub>,
    tasks: JoinSet<()>,
    began: Instant,
    faults_end: Instant,
    outcome: Outcome,
}

impl World {
    pub fn new(settings: Settings, random: Random) -> Self {
        let mut truth = Truth::new();
        truth.grow(settings.cases, settings.pages, settings.poison, &random);
        let began = Instant::now();
        trace::begin(began);
        let surroundings = Surroundings {
            project: project(),
            database: Database::new(truth, settings.database, random.clone()),
            site: Site::new(settings.weather, random.clone()),
            random: random.clone(),
            known: Default::default(),
            off: settings.off,
        };
        Self {
            surroundings: Arc::new(surroundings),
            lives: Vec::new(),
            random,
            hubs: Vec::new(),
            tasks: JoinSet::new(),
            faults_end: began + settings.faulty,
            began,
            settings,
            outcome: Outcome::default(),
        }
    }

    fn spawn(&mut self) -> Hub {
        let process = Process::new(self.faults_end);
        self.lives.push(process.clone());
        let work = process.clone().run(hub::work(self.surroundings.clone(), process.clone()));
        Hub { task: self.tasks.spawn(work), process }
    }

    async fn run(mut self) -> Outcome {
        for _ in 0..self.settings.hubs {
            let hub = self.spawn();
            self.hubs.push(hub);
        }
        while Instant::now() < self.faults_end {
            let pause = self.random.millis(1, 2 * self.settings.every);
            sleep_until((Instant::now() + pause).min(self.faults_end)).await;
            self.happen().await;
        }
        self.mend();
        let rested = self.rest().await;
        self.outcome.converged_in = Instant::now() - self.faults_end;
        if !rested {
            let open: Vec<String> = self
                .surroundings
                .database
                .state()
                .rows
                .all()
                .filter(|r| !invariants::is_settled(r))
                .map(|r| {
                    format!(
                        "{} {:?} attempts {} fence {} error {:?} {:?}",
                        r.key, r.state, r.attempts, r.fence, r.error_code, r.error_message
                    )
                })
                .collect();
            self.outcome.broken.push(format!("not at rest {REST_WITHIN:?} after the faults: {open:#?}"));
        }
        self.finish().await
    }

    /// One thing happens.
    async fn happen(&mut self) {
        let random = self.random.clone();
        let total: u64 = self.settings.events.iter().map(|(_, weight)| weight).sum();
        let mut drawn = random.below(total.max(1));
        let mut what = None;
        for (happening, weight) in &self.settings.events {
            if drawn < *weight {
                what = Some(*happening);
                break;
            }
            drawn -= weight;
        }
        let index = random.index(self.hubs.len());
        trace(|| format!("-- {what:?} (hub {index})"));
        let database = self.surroundings.database.clone();
        let soon = |most: u64| Some((Instant::now() + random.millis(1_000, most)).min(self.faults_end));
        match what {
            None => {}
            Some(Happening::Kill) => {
                self.outcome.kills += 1;
                self.hubs[index].process.note(Event::Broke);
                self.hubs[index].task.abort();
                sleep(random.millis(1, 3_000)).await;
                self.hubs[index] = self.spawn();
            }
            Some(Happening::Stop) => self.hubs[index].process.stop(random.millis(1_000, 400_000)),
            Some(Happening::Change) => database.import(|truth| truth.change(&random)),
            Some(Happening::Grow) => {
                let (cases, poison) = (random.between(1, 8), self.settings.poison);
                database.import(|truth| truth.grow(cases, false, poison, &random));
            }
            Some(Happening::DatabaseGoesDown) => database.go_down(random.millis(500, 8_000)),
            Some(Happening::Restore) => {
                database.back_up();
                sleep(random.millis(100, 4_000)).await;
                database.restore();
                self.outcome.restores += 1;
                database.go_down(random.millis(100, 3_000));
                sleep(random.millis(1, 20_000)).await;
                // The reports are read again.
                database.import(|_| {});
            }
            Some(Happening::RestoreUnderLoad) => {
                let grow = || database.import(|truth| truth.grow(random.between(1, 4), false, 0, &random));
                grow();
                sleep(random.millis(200, 7_000)).await;
                database.back_up();
                grow();
                sleep(random.millis(1_000, 9_000)).await;
                database.restore();
                self.outcome.restores += 1;
                sleep(random.millis(1, 20_000)).await;
                database.import(|_| {});
            }
            Some(Happening::LoginFails) => self.surroundings.site.weather.change().login_fails_until = soon(40_000),
            Some(Happening::SiteGoesDown) => self.surroundings.site.weather.change().down_until = soon(20_000),
            Some(Happening::Storm) => self.surroundings.site.weather.change().storm_until = soon(15_000),
            Some(Happening::HumanCreates) => self.surroundings.site.human_creates(),
        }
    }

    /// The faults end. Whoever is stopped goes on by now, and what faults used up is revived.
    fn mend(&mut self) {
        self.faults_end = Instant::now();
        trace(|| "-- the faults end".into());
        *self.surroundings.site.weather.change() = WeatherState::default();
        let database = self.surroundings.database.clone();
        database.mend();
        database.import(|_| {});
    }

    async fn rest(&mut self) -> bool {
        let until = self.faults_end + REST_WITHIN;
        while Instant::now() < until {
            sleep(Duration::from_secs(2)).await;
            while let Some(ended) = self.tasks.try_join_next() {
                if let Err(error) = ended
                    && error.is_panic()
                {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
            self.outcome.exhausted += invariants::revive_exhausted(&self.surroundings);
            if invariants::is_at_rest(&self.surroundings) {
                return true;
            }
        }
        false
    }

    async fn finish(mut self) -> Outcome {
        self.tasks.abort_all();
        let mut outcome = self.outcome;
        let traffic = self.surroundings.site.products().calls;
        outcome.simulated = Instant::now() - self.began;
        outcome.calls = traffic.all as u64;
        outcome.creates = traffic.creates;
        outcome.extra_reads = traffic.extra_reads;
        outcome.stops = self.lives.iter().map(Process::stops).sum();
        outcome.entities = self.surroundings.database.state().truth.all().count() as u64;
        if outcome.broken.is_empty() {
            outcome.overtaken = invariants::check(&self.surroundings, &self.lives, &mut outcome.broken);
            if self.settings.off.is_none() {
                invariants::another_round_is_silent(&self.surroundings, &mut outcome.broken).await;
            }
        } else {
            invariants::no_duplicates(&self.surroundings, &mut outcome.broken);
        }
        outcome
    }
}
