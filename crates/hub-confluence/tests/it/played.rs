//! A simulated site for one test: the hub's way to it, which remembers what was sent and can lose an answer or a call,
//! and a person's way to it, which is what a colleague does with the same API in the meantime.

use std::sync::{Arc, Mutex};

use atlassian_sim::{Options, Running};
use futures::future::BoxFuture;
use hub_confluence::{Capabilities, Confluence, PageAttempt, encode::PageWrite, flow::Known};
use hub_destination::{
    Answer, Call, Gate, Method, Outcome, Remote, SendFailure, Transport, budget::LocalBudget, site::Site,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::judge;

/// What becomes of the next call to an endpoint.
#[derive(Clone, Copy)]
pub enum Mishap {
    /// The site does what was asked, and its answer is lost.
    AnswerLost,
    /// The call never leaves.
    NotSent,
}

/// The hub's transport: real HTTP with a memory.
pub struct Hub {
    site: Gate,
    sent: Mutex<Vec<Call>>,
    mishap: Mutex<Option<(&'static str, Method, Mishap)>>,
}

impl Hub {
    /// A transport to an address with the simulator's account and a token.
    pub fn new(address: &str, token: &str) -> Self {
        let budget = Arc::new(LocalBudget::default());
        let site = Site::new(address, &Options::default().email, &SecretString::from(token)).unwrap();
        let site = Gate::new(Arc::new(site), budget);
        Self { site, sent: Mutex::default(), mishap: Mutex::default() }
    }

    /// The next call of this endpoint and method goes wrong.
    pub fn arrange(&self, endpoint: &'static str, method: Method, mishap: Mishap) {
        *self.mishap.lock().unwrap() = Some((endpoint, method, mishap));
    }
}

impl Transport for Hub {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        Box::pin(async move {
            let due =
                |planned: &mut (&'static str, Method, Mishap)| (planned.0, planned.1) == (call.endpoint, call.method);
            let mishap = self.mishap.lock().unwrap().take_if(due).map(|planned| planned.2);
            if let Some(Mishap::NotSent) = mishap {
                return Err(SendFailure::NotSent { reason: "no connection could be made".to_owned() });
            }
            self.sent.lock().unwrap().push(call.clone());
            let answer = self.site.send(call).await;
            match mishap {
                Some(Mishap::AnswerLost) => Err(SendFailure::NoAnswer { reason: "the connection broke".to_owned() }),
                Some(Mishap::NotSent) | None => answer,
            }
        })
    }
}

/// A site in play.
pub struct Played {
    /// The simulator.
    pub running: Running,
    /// The hub's way to it.
    pub hub: Hub,
    /// What the hub has found out about the space.
    pub space: Capabilities,
    person: Gate,
}

/// Plays a test on a site of its own, then lets the judge read every body that the hub sent.
pub async fn play(test: impl AsyncFnOnce(&Played)) {
    let options = Options::default();
    let token = options.token.clone();
    let running = atlassian_sim::start(options).await.unwrap();
    let hub = Hub::new(&running.url, &token);
    let person = Hub::new(&running.url, &token).site;
    let space = hub_confluence::flow::discover(&hub, "CTB").await.unwrap();
    let played = Played { running, hub, space, person };
    test(&played).await;
    let sent = played.hub.sent.lock().unwrap();
    judge::accept(&sent.iter().filter_map(|call| judge::body(call.body.as_ref())).collect::<Vec<_>>());
}

/// What the ledger would know after an attempt.
pub fn known(attempt: &PageAttempt, parent: &str) -> Known {
    Known { remote: attempt.remote.clone().unwrap(), parent_id: Some(parent.to_owned()) }
}

/// The page of an attempt that came about.
pub fn applied(attempt: &PageAttempt) -> &Remote {
    let Outcome::Applied(remote) = &attempt.outcome else { panic!("{attempt:?}") };
    remote
}

impl Played {
    /// Publishes below a parent.
    pub async fn publish(&self, write: &PageWrite, parent: &str, known: Option<&Known>) -> PageAttempt {
        Confluence::new(&self.hub, &self.space).publish(write, parent, known).await
    }

    /// Publishes below the space's home page for the first time, which succeeds.
    pub async fn first(&self, write: &PageWrite) -> Known {
        let attempt = self.publish(write, &self.space.homepage_id, None).await;
        applied(&attempt);
        known(&attempt, &self.space.homepage_id)
    }

    /// A call that a person makes, with its status and JSON.
    pub async fn person(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let call = Call::write(method, "a person's call", path);
        let call = if let Some(body) = body { call.with_body(body) } else { call };
        let answer = self.person.send(call).await.unwrap();
        (answer.status, answer.json().unwrap_or_default())
    }

    /// A person's page below the home page; its id.
    pub async fn persons_page(&self, title: &str, storage: &str) -> String {
        let page = json!({
            "spaceId": self.space.space_id,
            "status": "current",
            "title": title,
            "parentId": self.space.homepage_id,
            "body": {"representation": "storage", "value": storage},
        });
        let (status, made) = self.person(Method::Post, "/wiki/api/v2/pages", Some(page)).await;
        assert_eq!(status, 200, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// A person's edit of a page, to the version after the present one.
    pub async fn persons_edit(&self, id: &str, change: Value) {
        let now = self.page(id).await;
        let mut edit = json!({
            "id": id,
            "status": "current",
            "title": now["title"],
            "body": {"representation": "storage", "value": now["body"]},
            "version": {"number": now["version"].as_u64().unwrap() + 1, "message": "a person's edit"},
        });
        for (name, value) in change.as_object().unwrap() {
            edit[name] = value.clone();
        }
        let (status, answer) = self.person(Method::Put, &format!("/wiki/api/v2/pages/{id}"), Some(edit)).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// A person throws a page away.
    pub async fn persons_delete(&self, id: &str) {
        let (status, _) = self.person(Method::Delete, &format!("/wiki/api/v2/pages/{id}"), None).await;
        assert_eq!(status, 204);
    }

    /// Changes how the site behaves.
    pub async fn behave(&self, change: Value) {
        let (status, answer) = self.person(Method::Put, "/_sim/confluence", Some(change)).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// A page for people, as HTML.
    pub async fn html(&self, path: &str) -> String {
        let answer = self.person.send(Call::read(Method::Get, "a page", path)).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    /// All pages, by the simulator's ground truth, without the home page.
    pub async fn pages(&self) -> Vec<Value> {
        let truth = self.person(Method::Get, "/_sim/state", None).await.1;
        let pages = truth["confluence"]["pages"].as_array().unwrap();
        pages.iter().filter(|page| page["id"] != self.space.homepage_id.as_str()).cloned().collect()
    }

    /// The truth about one page.
    pub async fn page(&self, id: &str) -> Value {
        self.pages().await.into_iter().find(|page| page["id"] == id).unwrap_or_else(|| panic!("no page {id}"))
    }

    /// How many calls the site has answered.
    pub async fn calls(&self) -> u64 {
        self.person(Method::Get, "/_sim/stats", None).await.1["total"].as_u64().unwrap()
    }

    /// The calls of an endpoint that the site has answered, by status.
    pub async fn answered(&self, endpoint: &str) -> Value {
        self.person(Method::Get, "/_sim/stats", None).await.1["endpoints"][endpoint]["by_status"].clone()
    }
}
