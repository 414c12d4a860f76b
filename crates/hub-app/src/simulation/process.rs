//! A process that can be stopped and killed at every point where it waits, as an operating system can.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// What a process did that the audit trail has to account for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It handed the site's write with this number over.
    Wrote(usize),
    /// Its answers were recorded.
    Recorded,
    /// An error or a kill ended what it was doing.
    Broke,
}

/// One life of a hub. Clones share it.
#[derive(Clone, Default)]
pub struct Process(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    stopped_until: Option<Instant>,
    /// No stop lasts longer: the end of all faults.
    stops_end: Option<Instant>,
    stops: u64,
    events: Vec<Event>,
}

impl Process {
    pub fn new(stops_end: Instant) -> Self {
        let process = Self::default();
        process.0.lock().unwrap().stops_end = Some(stops_end);
        process
    }

    /// Stops the process where it waits next, while time goes on.
    pub fn stop(&self, length: Duration) {
        let mut inner = self.0.lock().unwrap();
        let until = Instant::now() + length;
        let until = inner.stops_end.map_or(until, |end| until.min(end));
        if until > Instant::now() {
            inner.stopped_until = inner.stopped_until.max(Some(until));
            inner.stops += 1;
        }
    }

    pub fn note(&self, event: Event) {
        self.0.lock().unwrap().events.push(event);
    }

    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }

    pub fn stops(&self) -> u64 {
        self.0.lock().unwrap().stops
    }

    /// Runs a future as the process.
    pub fn run<F: Future>(self, future: F) -> Stoppable<F> {
        Stoppable { inner: Box::pin(future), process: self, timer: None }
    }
}

/// A future that is not polled while its process is stopped.
pub struct Stoppable<F> {
    inner: Pin<Box<F>>,
    process: Process,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Stoppable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        loop {
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(cx));
                self.timer = None;
            }
            let until = self.process.0.lock().unwrap().stopped_until.take();
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => self.timer = Some(Box::pin(sleep_until(until))),
                None => return self.inner.as_mut().poll(cx),
            }
        }
    }
}
