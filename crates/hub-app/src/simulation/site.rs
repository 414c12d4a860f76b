//! The simulated site and the way to it. What arrives takes effect whatever becomes of its sender; what the sender hears is
//! another matter. It reads the JSON that it gets and shares nothing with the code that wrote it.

mod confluence;
mod jira;
mod weather;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::future::BoxFuture;
use hub_destination::{
    Answer, Call, Effect, Method, SendFailure, Transport,
    budget::{Budget, LocalBudget, NoPermit},
    jitter::Jitter,
    rates::Rates,
};
use serde_json::Value;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

pub use self::{
    confluence::Pages,
    jira::Issues,
    weather::{Weather, WeatherState},
};
use super::{
    process::{Event, Process},
    random::Random,
    trace::trace,
};
use weather::{Fate, Heard};

/// The account that the hub writes as.
pub const ACCOUNT: &str = "hub-account";

/// The longest that a caller waits.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What the site did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// An issue was created or changed, with the content of this hash.
    Issue { id: u64, hash: String },
    /// A page was created or changed, or its labels were.
    Page { id: u64 },
    /// Two issues were linked, by their numbers.
    Link { from: u64, to: u64 },
    /// An issue was linked to a page.
    RemoteLink { id: u64 },
}

/// Both products.
#[derive(Default)]
pub struct Products {
    pub jira: Issues,
    pub confluence: Pages,
    /// What was done, with the number of the call that did it.
    pub deeds: Vec<(usize, Deed)>,
    pub calls: Traffic,
}

/// Calls as the site counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub all: usize,
    pub creates: u64,
    /// Reads that look for lost creates.
    pub extra_reads: u64,
    /// On their way now.
    pub in_flight: u64,
}

/// One site.
pub struct Site {
    products: Mutex<Products>,
    pub weather: Weather,
    random: Random,
}

impl Site {
    pub fn new(weather: WeatherState, random: Random) -> Arc<Self> {
        let mut products = Products::default();
        products.confluence.home();
        Arc::new(Self { products: Mutex::new(products), weather: Weather::new(weather), random })
    }

    pub fn products(&self) -> MutexGuard<'_, Products> {
        self.products.lock().unwrap()
    }

    /// A person creates an issue in the project.
    pub fn human_creates(&self) {
        self.products().jira.human(Instant::now(), &self.random);
    }
}

/// A reply before the network has its way with it.
pub struct Reply {
    status: u16,
    body: Value,
}

impl Reply {
    fn new(status: u16, body: Value) -> Self {
        Self { status, body }
    }

    fn into_answer(self) -> Answer {
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        Answer {
            status: self.status,
            content_type: Some("application/json".into()),
            body: body.into(),
            ..Answer::default()
        }
    }
}

/// A hub's way to the site, behind the gate.
pub struct Wire {
    pub site: Arc<Site>,
    pub process: Process,
}

impl Wire {
    async fn exchange(&self, call: Call) -> Result<Answer, SendFailure> {
        let site = self.site.clone();
        let weather = site.weather.now();
        let number = {
            let mut products = site.products();
            products.calls.all += 1;
            count(&mut products.calls, &call);
            products.calls.all
        };
        // From here on nothing that happens to the process holds the request back.
        let started = Instant::now();
        let creates = call.endpoint == "/rest/api/3/issue/bulk";
        if call.effect == Effect::Write {
            self.process.note(Event::Wrote(number));
        }
        let fate = weather.fate(&call, &site.random);
        trace(|| format!("#{number} sent: {} {fate:?}", call.endpoint));
        if matches!(fate.heard, Heard::NotSent) {
            return Err(SendFailure::NotSent { reason: "no connection could be made".into() });
        }
        let (tell, heard) = oneshot::channel();
        site.products().calls.in_flight += 1;
        tokio::spawn(deliver(site.clone(), call, number, fate, tell));
        let answer = timeout_at(started + CALL_TIMEOUT, heard).await;
        if creates && site.random.chance(weather.stops_after_answer) {
            self.process.stop(site.random.millis(1_000, 400_000));
        }
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SendFailure::NoAnswer { reason: "the connection broke".into() }),
            Err(_) => Err(SendFailure::NoAnswer { reason: "no answer within 30 s".into() }),
        }
    }
}

impl Transport for Wire {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        Box::pin(self.exchange(call))
    }
}

fn count(calls: &mut Traffic, call: &Call) {
    let looks_by_key = || call.body.as_ref().and_then(|b| b.pointer("/issueIdsOrKeys/0")?.as_str()).is_some_and(is_key);
    match call.endpoint {
        "/rest/api/3/issue/bulk" => calls.creates += 1,
        "/rest/api/3/search/jql" => calls.extra_reads += 1,
        "/rest/api/3/issue/bulkfetch" if looks_by_key() => calls.extra_reads += 1,
        _ => {}
    }
}

fn is_key(text: &str) -> bool {
    text.contains('-')
}

/// The rate budget of a process, whose place in the queue may come late.
pub struct Permits {
    site: Arc<Site>,
    local: LocalBudget,
}

impl Permits {
    pub fn new(site: Arc<Site>) -> Self {
        let local = LocalBudget::new(Rates::default(), Jitter::seeded(site.random.number()));
        Self { site, local }
    }
}

impl Budget for Permits {
    fn permit(&self, endpoint: &'static str, method: Method) -> BoxFuture<'_, Result<(), NoPermit>> {
        Box::pin(async move {
            let random = &self.site.random;
            let long = random.chance(self.site.weather.now().long_waits);
            sleep(random.millis(1, if long { 12_000 } else { 5 })).await;
            self.local.permit(endpoint, method).await
        })
    }

    fn heard(&self, endpoint: &'static str, method: Method, answer: &Answer) {
        self.local.heard(endpoint, method, answer);
    }
}

/// The request on its way, without its sender.
async fn deliver(
    site: Arc<Site>,
    call: Call,
    number: usize,
    fate: Fate,
    tell: oneshot::Sender<Result<Answer, SendFailure>>,
) {
    sleep(fate.arrives_after).await;
    let reply = if fate.takes_effect {
        let mut products = site.products();
        let now = Instant::now();
        let before = products.deeds.len();
        let done = if call.path.starts_with("/wiki/") {
            confluence::answer(&mut products, &call, number, now, &site.random)
        } else {
            jira::answer(&mut products, &call, number, now, &site.random)
        };
        trace(|| format!("#{number} {} answers {} {:?}", call.endpoint, done.status, &products.deeds[before..]));
        Some(done.into_answer())
    } else {
        None
    };
    site.products().calls.in_flight -= 1;
    sleep(fate.answers_after).await;
    if let Some(answer) = fate.heard.of(reply) {
        // The sender may be gone.
        let _ = tell.send(answer);
    } else {
        // It is never heard; the caller's own timeout ends its wait.
        sleep(CALL_TIMEOUT).await;
    }
}
