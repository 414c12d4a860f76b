//! A transport that counts what passes: the calls of a synchronisation by endpoint, for its summary and for the audit.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;
use hub_destination::{Answer, Call, Effect, SendFailure, Transport};

/// Calls by what they were.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Calls {
    /// Calls that read.
    pub reads: u64,
    /// Calls that wrote.
    pub writes: u64,
    /// Answers with status 429.
    pub throttled: u64,
    /// By method and endpoint.
    pub by_endpoint: BTreeMap<String, u64>,
}

/// Counts calls on their way.
pub struct Meter {
    inner: Arc<dyn Transport>,
    calls: Mutex<Calls>,
}

impl Meter {
    /// Counts what passes to `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, calls: Mutex::default() }
    }

    /// What has passed so far.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Transport for Meter {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, SendFailure>> {
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            match call.effect {
                Effect::Read => calls.reads += 1,
                Effect::Write => calls.writes += 1,
            }
            *calls.by_endpoint.entry(format!("{} {}", call.method.as_str(), call.endpoint)).or_default() += 1;
        }
        Box::pin(async move {
            let answer = self.inner.send(call).await;
            if answer.as_ref().is_ok_and(|a| a.status == 429) {
                self.calls.lock().unwrap_or_else(PoisonError::into_inner).throttled += 1;
            }
            answer
        })
    }
}
