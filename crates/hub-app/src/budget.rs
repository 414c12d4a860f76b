//! The rate budget that all processes share: `hub_destination`'s `Budget` over the rows of `hub_store::rate`.
//!
//! Permits come in blocks of up to a tenth of a second, and the next block is fetched while the present one is used, so that
//! no gap comes between them. The database says in milliseconds when a block begins; the wait for its answer is counted to
//! our loss on both sides, so a permit is never used before it is due nor later than it may be. One reservation is under way
//! at a time for each endpoint and method, and only while callers wait: an idle project costs nothing.
//!
//! Without the database nothing is permitted: callers wait until it is back, and are refused after a minute.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use hub_destination::{
    Answer, Method, Throttle,
    budget::{Budget, NoPermit, PATIENCE, SLOW_BY, SLOW_EVERY},
    jitter::Jitter,
    pause::Pause,
    rates::Rates,
    reaction::{LEARNED_LASTS, LONGEST_BACKOFF, Reaction, STREAK, Wait, reactions},
};
use hub_domain::{ContentHash, ProjectId};
use hub_store::{Block, Paused, RateKey, RateWait, Store, StoreError, Taken};
use tokio::{task::JoinHandle, time::Instant};

/// How long callers wait for a database that does not answer before they are refused.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(60);

/// The first and the longest wait between two attempts to reach the database.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A pause may be made longer by another process meanwhile: it is asked for again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What does not change is told to the other processes again after so long.
const TELL_AGAIN: Duration = Duration::from_secs(3600);

/// The pace of a quota changes with every answer, and is told at most so often.
const PACE_EVERY: Duration = Duration::from_secs(1);

/// One project's part of a site's budget, in this process.
pub struct SharedBudget {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    site: String,
    product: &'static str,
    project: ProjectId,
    rates: Rates,
    jitter: Jitter,
    lines: Mutex<HashMap<(&'static str, Method), Arc<Line>>>,
    site_pause: Mutex<Pause>,
    paced: Mutex<Option<Instant>>,
    /// Since when the database has not been reached.
    lost_since: Mutex<Option<Instant>>,
}

/// The callers of one endpoint and method.
struct Line {
    endpoint: &'static str,
    method: Method,
    /// Held by the caller whose turn it is; the others wait in the order in which they came.
    held: tokio::sync::Mutex<Held>,
    waiting: AtomicU32,
    /// Permits that are reserved and not used yet.
    in_hand: AtomicU32,
    pause: Mutex<Pause>,
    /// The limit that was told to the others, and when.
    told: Mutex<Option<(f64, Instant)>>,
    slowed: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Held {
    slots: VecDeque<Slot>,
    next: Option<JoinHandle<Result<Vec<Slot>, NoPermit>>>,
}

/// One permit and the time in which it may be used.
struct Slot {
    from: Instant,
    until: Instant,
}

impl SharedBudget {
    /// The budget of a project at a site. `product` separates the products of one site, whose limits are their own.
    #[must_use]
    pub fn new(store: Store, site: &str, product: &'static str, project: ProjectId, rates: Rates) -> Self {
        let inner = Inner {
            store,
            // A digest: the row tells nobody which sites there are.
            site: ContentHash::of_bytes(site.trim_end_matches('/').to_ascii_lowercase().as_bytes()).to_string(),
            product,
            project,
            rates,
            jitter: Jitter::random(),
            lines: Mutex::default(),
            site_pause: Mutex::default(),
            paced: Mutex::default(),
            lost_since: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Budget for SharedBudget {
    fn permit(&self, endpoint: &'static str, method: Method) -> BoxFuture<'_, Result<(), NoPermit>> {
        Box::pin(async move {
            let line = self.inner.line(endpoint, method);
            let _waiting = Waiting::begin(&line);
            let mut held = line.held.lock().await;
            self.inner.next(&line, &mut held).await
        })
    }

    fn heard(&self, endpoint: &'static str, method: Method, answer: &Answer) {
        let asked = reactions(answer);
        if asked.is_empty() {
            return;
        }
        let line = self.inner.line(endpoint, method);
        let told: Vec<Reaction> = asked.into_iter().filter(|reaction| self.inner.react(&line, *reaction)).collect();
        if !told.is_empty() {
            tokio::spawn(tell(Arc::clone(&self.inner), line, told));
        }
    }
}

impl Inner {
    fn line(&self, endpoint: &'static str, method: Method) -> Arc<Line> {
        let make = || Line {
            endpoint,
            method,
            held: tokio::sync::Mutex::default(),
            waiting: AtomicU32::new(0),
            in_hand: AtomicU32::new(0),
            pause: Mutex::default(),
            told: Mutex::default(),
            slowed: Mutex::default(),
        };
        Arc::clone(lock(&self.lines).entry((endpoint, method)).or_insert_with(|| Arc::new(make())))
    }

    fn key<'a>(&'a self, line: &Line) -> RateKey<'a> {
        RateKey { site: &self.site, product: self.product, endpoint: line.endpoint, method: line.method.as_str() }
    }

    fn site_key(&self) -> RateKey<'_> {
        RateKey { site: &self.site, product: self.product, endpoint: "", method: "" }
    }

    /// The pause that holds the line up, where one is known here.
    fn paused(&self, line: &Line, now: Instant) -> Option<(Throttle, Instant)> {
        let site = lock(&self.site_pause).until(now).map(|until| (Throttle::Site, until));
        let endpoint = lock(&line.pause).until(now).map(|until| (Throttle::Endpoint, until));
        site.into_iter().chain(endpoint).max_by_key(|(_, until)| *until)
    }

    /// Waits for the next permit and takes it. Dropped before, it has taken nothing.
    async fn next(self: &Arc<Self>, line: &Arc<Line>, held: &mut Held) -> Result<(), NoPermit> {
        loop {
            let now = Instant::now();
            if let Some((throttle, until)) = self.paused(line, now) {
                let wait = until.duration_since(now);
                if wait > PATIENCE {
                    return Err(NoPermit::Paused { throttle, wait });
                }
                tokio::time::sleep_until(until).await;
                continue;
            }
            while held.slots.pop_front_if(|slot| slot.until < now).is_some() {}
            line.in_hand.store(u32::try_from(held.slots.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
            if held.next.is_none() && line.wanted() > 0 {
                held.next = Some(tokio::spawn(reserve(Arc::clone(self), Arc::clone(line))));
            }
            if let Some(slot) = held.slots.front() {
                if slot.from > now {
                    tokio::time::sleep_until(slot.from).await;
                    // A pause may have come meanwhile.
                    continue;
                }
                held.slots.pop_front();
                line.in_hand.fetch_sub(1, Ordering::Relaxed);
                return Ok(());
            }
            if let Some(next) = held.next.as_mut() {
                let reserved = next.await;
                held.next = None;
                held.slots.extend(reserved.unwrap_or(Err(NoPermit::Unreachable))?);
            }
        }
    }

    /// Does here what an answer asks for, and says whether the other processes have to hear of it now.
    fn react(&self, line: &Line, reaction: Reaction) -> bool {
        let now = Instant::now();
        let is_due = |last: &mut Option<Instant>, every: Duration| {
            let due = last.is_none_or(|last| now.duration_since(last) >= every);
            if due {
                *last = Some(now);
            }
            due
        };
        match reaction {
            Reaction::PauseEndpoint(wait) => {
                lock(&line.pause).begin(now, wait, &self.jitter);
                true
            }
            Reaction::PauseSite(wait) => {
                lock(&self.site_pause).begin(now, wait, &self.jitter);
                true
            }
            Reaction::SlowEndpoint => is_due(&mut lock(&line.slowed), SLOW_EVERY),
            Reaction::PaceSite { .. } => is_due(&mut lock(&self.paced), PACE_EVERY),
            Reaction::LimitEndpoint { per_second } => {
                let mut told = lock(&line.told);
                let known = told.is_some_and(|(rate, at)| rate == per_second && now.duration_since(at) < TELL_AGAIN);
                // What allows as much as we take anyway changes nothing.
                let stricter = per_second < self.rates.per_second(line.endpoint, line.method);
                if known || (!stricter && told.is_none()) {
                    return false;
                }
                *told = Some((per_second, now));
                true
            }
        }
    }

    /// Waits before the next attempt to reach the database.
    async fn retry(&self, attempt: u32, error: &StoreError) {
        if attempt == 0 {
            tracing::warn!(error = %chain(error), "the rate budget cannot be reached; nothing is sent without it");
        }
        let (first, longest) = RETRY;
        tokio::time::sleep(self.jitter.of(first.saturating_mul(1 << attempt.min(8)).min(longest))).await;
    }
}

impl Line {
    /// How many wait for whom no permit is reserved.
    fn wanted(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed).saturating_sub(self.in_hand.load(Ordering::Relaxed))
    }
}

/// Reserves the next block. Ends without one where nobody waits any more.
async fn reserve(inner: Arc<Inner>, line: Arc<Line>) -> Result<Vec<Slot>, NoPermit> {
    let rps = inner.rates.per_second(line.endpoint, line.method);
    let mut attempt = 0;
    loop {
        let wanted = line.wanted();
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let asked = Instant::now();
        let taken = inner.store.rate_take(&inner.key(&line), inner.project, rps, wanted).await;
        if taken.is_ok() {
            *lock(&inner.lost_since) = None;
            attempt = 0;
        }
        match taken {
            Ok(Taken::Block(block)) => return Ok(slots(&block, asked, Instant::now())),
            Ok(Taken::Later(wait)) => tokio::time::sleep(wait).await,
            Ok(Taken::Paused(paused, wait)) => {
                let now = Instant::now();
                let pause = match paused {
                    Paused::Site => &inner.site_pause,
                    Paused::Endpoint => &line.pause,
                };
                lock(pause).begin(now, Wait::Told(wait), &inner.jitter);
                if wait > PATIENCE {
                    // Whoever's turn it is sees the pause and tells it.
                    return Ok(Vec::new());
                }
                tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
            }
            Err(error) => {
                let since = *lock(&inner.lost_since).get_or_insert(asked);
                if since.elapsed() >= UNREACHABLE_AFTER {
                    return Err(NoPermit::Unreachable);
                }
                inner.retry(attempt, &error).await;
                attempt += 1;
            }
        }
    }
}

/// The permits of a block. The database read its clock at some moment between the question and the answer: counted from the
/// answer none is used too early, and counted from the question none too late. The first one only has no end, so that a
/// database that answers slowly slows the line and does not stop it.
fn slots(block: &Block, asked: Instant, answered: Instant) -> Vec<Slot> {
    let due = |from: Instant| {
        let first = from + block.first_after;
        first.checked_sub(block.first_before).unwrap_or(first)
    };
    let slot = |number: u32| {
        let offset = block.step.saturating_mul(number);
        let last = due(asked) + offset + block.keep;
        let from = due(answered) + offset;
        Slot { from, until: if number == 0 { last.max(from + block.keep) } else { last } }
    };
    (0..block.permits).map(slot).collect()
}

/// Tells the other processes what an answer asks for. Where the database cannot be reached nobody gets a permit anyway.
async fn tell(inner: Arc<Inner>, line: Arc<Line>, told: Vec<Reaction>) {
    for reaction in told {
        for attempt in 0..4 {
            match tell_one(&inner, &line, reaction).await {
                Ok(()) => break,
                Err(error) => inner.retry(attempt, &error).await,
            }
        }
    }
}

async fn tell_one(inner: &Inner, line: &Line, reaction: Reaction) -> Result<(), StoreError> {
    let rate_wait = |wait: Wait| match wait {
        Wait::Told(wait) => RateWait::Told(wait),
        Wait::Backoff(first) => {
            RateWait::Backoff { first, longest: LONGEST_BACKOFF, streak: STREAK, factor: inner.jitter.factor() }
        }
    };
    match reaction {
        Reaction::PauseEndpoint(wait) => {
            let wait = inner.store.rate_pause(&inner.key(line), rate_wait(wait)).await?;
            lock(&line.pause).begin(Instant::now(), Wait::Told(wait), &inner.jitter);
        }
        Reaction::PauseSite(wait) => {
            let wait = inner.store.rate_pause(&inner.site_key(), rate_wait(wait)).await?;
            lock(&inner.site_pause).begin(Instant::now(), Wait::Told(wait), &inner.jitter);
        }
        Reaction::SlowEndpoint => inner.store.rate_slow(&inner.key(line), SLOW_BY, SLOW_EVERY).await?,
        Reaction::PaceSite { per_second, lasts } => {
            inner.store.rate_limit(&inner.site_key(), per_second, lasts).await?;
        }
        Reaction::LimitEndpoint { per_second } => {
            inner.store.rate_limit(&inner.key(line), per_second, LEARNED_LASTS).await?;
        }
    }
    Ok(())
}

/// A caller that waits, for as long as it does.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn begin(line: &'a Line) -> Self {
        line.waiting.fetch_add(1, Ordering::Relaxed);
        Self(&line.waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
