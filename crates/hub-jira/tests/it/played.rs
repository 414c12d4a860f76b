//! A simulated site for one test: the hub's way to it, which remembers what was sent and can lose an answer, and a
//! person's way to it, which is what a colleague does with the same API in the meantime.

use std::sync::{Arc, Mutex};

use atlassian_sim::{Options, Running};
use futures::future::BoxFuture;
use hub_destination::{Answer, Call, Gate, Method, SendFailure, Transport, budget::LocalBudget, site::Site};
use hub_jira::{Capabilities, Jira};
use secrecy::SecretString;
use serde_json::Value;

use crate::judge;

/// The project of every test.
pub const PROJECT: &str = "CTB";

/// The hub's transport: real HTTP with a memory.
pub struct Hub {
    site: Gate,
    sent: Mutex<Vec<Call>>,
    /// The endpoint whose next answer does not come.
    lose: Mutex<Option<&'static str>>,
}

impl Hub {
    /// A transport to an address with the simulator's account and a token.
    pub fn new(address: &str, token: &str) -> Self {
        let budget = Arc::new(LocalBudget::default());
        let site = Site::new(address, &Options::default().email, &SecretString::from(token)).unwrap();
        let site = Gate::new(Arc::new(site), budget);
        Self { site, sent: Mutex::default(), lose: Mutex::default() }
    }

    /// The next answer of this endpoint is lost after the site has done what was asked.
    pub fn lose_next_answer(&self, endpoint: &'static str) {
        *self.lose.lock().unwrap() = Some(endpoint);
    }
}

impl Transport for Hub {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        Box::pin(async move {
            self.sent.lock().unwrap().push(call.clone());
            let endpoint = call.endpoint;
            let answer = self.site.send(call).await;
            let lost = self.lose.lock().unwrap().take_if(|lost| *lost == endpoint).is_some();
            if lost { Err(SendFailure::NoAnswer { reason: "the connection broke".to_owned() }) } else { answer }
        })
    }
}

/// A site in play.
pub struct Played {
    /// The simulator.
    pub running: Running,
    /// The hub's way to it.
    pub hub: Hub,
    person: Gate,
}

/// Plays a test on a site of its own, then lets the judges read every document that the hub sent.
pub async fn play(options: Options, test: impl AsyncFnOnce(&Played)) {
    let token = options.token.clone();
    let running = atlassian_sim::start(options).await.unwrap();
    let hub = Hub::new(&running.url, &token);
    let person = Hub::new(&running.url, &token).site;
    let played = Played { running, hub, person };
    test(&played).await;
    let mut documents = Vec::new();
    for call in played.hub.sent.lock().unwrap().iter() {
        judge::documents(call.body.as_ref().unwrap_or(&Value::Null), &mut documents);
    }
    // A bulk call of like issues holds like documents: the judges read each once.
    documents.sort_by_key(Value::to_string);
    documents.dedup();
    judge::accept(&documents);
}

impl Played {
    /// The hub's Jira.
    pub fn jira(&self) -> Jira<'_> {
        Jira::new(&self.hub, PROJECT)
    }

    /// What the project can hold, found as the hub finds it.
    pub async fn capabilities(&self) -> Capabilities {
        self.jira().discover().await.unwrap()
    }

    /// A call that a person makes, with its status and JSON.
    pub async fn person(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let call = Call::write(method, "a person's call", path);
        let call = if let Some(body) = body { call.with_body(body) } else { call };
        let answer = self.person.send(call).await.unwrap();
        (answer.status, answer.json().unwrap_or_default())
    }

    /// A page for people, as HTML.
    pub async fn html(&self, path: &str) -> String {
        let answer = self.person.send(Call::read(Method::Get, "a page", path)).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    /// The simulator's ground truth.
    pub async fn truth(&self) -> Value {
        self.person(Method::Get, "/_sim/state", None).await.1
    }

    /// The truth about one issue.
    pub async fn issue(&self, key: &str) -> Value {
        let truth = self.truth().await;
        let issues = truth["issues"].as_array().unwrap();
        issues.iter().find(|issue| issue["key"] == key).unwrap_or_else(|| panic!("no issue {key}")).clone()
    }

    /// How many calls the site has answered: of one endpoint (`POST /rest/api/3/issue/bulk`), with each status.
    pub async fn answered(&self, endpoint: &str) -> Value {
        self.person(Method::Get, "/_sim/stats", None).await.1["endpoints"][endpoint]["by_status"].clone()
    }

    /// How many calls the site has answered in all.
    pub async fn calls(&self) -> u64 {
        self.person(Method::Get, "/_sim/stats", None).await.1["total"].as_u64().unwrap()
    }
}
