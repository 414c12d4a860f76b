//! What becomes of a call on its way: faults by chance, and times in which everything fails.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use hub_destination::{Answer, Call, SendFailure};
use tokio::time::Instant;

use crate::simulation::random::Random;

/// How often each fault comes, in so many of a thousand calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct WeatherState {
    /// A 5xx without effect.
    pub failed_before: u64,
    /// A 5xx after the effect.
    pub failed_after: u64,
    /// A broken connection, before or after the effect.
    pub resets: u64,
    /// No answer at all; the effect comes within `late_effect` of the send, or never.
    pub timeouts: u64,
    /// The longest time between a send and an effect that nobody heard of.
    pub late_effect: Duration,
    /// An answer that is no JSON, or cut short.
    pub unreadable: u64,
    /// 429.
    pub throttled: u64,
    /// An answer as to an anonymous user.
    pub anonymous: u64,
    /// No connection.
    pub not_sent: u64,
    /// An answer that takes up to 25 s.
    pub slow: u64,
    /// A wait of up to 12 s for the rate budget.
    pub long_waits: u64,
    /// The caller is stopped for up to 400 s when it has heard the answer to a create.
    pub stops_after_answer: u64,
    /// Until when nobody is let in.
    pub login_fails_until: Option<Instant>,
    /// Until when nothing is answered but 503.
    pub down_until: Option<Instant>,
    /// Until when nearly everything is answered by 429.
    pub storm_until: Option<Instant>,
}

impl WeatherState {
    /// Faults of every kind; 3 is the usual measure.
    pub fn rough(measure: u64) -> Self {
        Self {
            failed_before: 25 * measure,
            failed_after: 15 * measure,
            resets: 10 * measure,
            timeouts: 20 * measure,
            late_effect: Duration::from_secs(90),
            unreadable: 8 * measure,
            throttled: 15 * measure,
            anonymous: 2 * measure,
            not_sent: 4 * measure,
            slow: 15 * measure,
            long_waits: 15 * measure,
            ..Self::default()
        }
    }
}

/// The present weather.
pub struct Weather(Mutex<WeatherState>);

impl Weather {
    pub fn new(state: WeatherState) -> Self {
        Self(Mutex::new(state))
    }

    pub fn now(&self) -> WeatherState {
        *self.0.lock().unwrap()
    }

    pub fn change(&self) -> MutexGuard<'_, WeatherState> {
        self.0.lock().unwrap()
    }
}

/// What becomes of one call.
#[derive(Debug)]
pub struct Fate {
    pub arrives_after: Duration,
    pub takes_effect: bool,
    pub answers_after: Duration,
    pub heard: Heard,
}

/// What the caller hears.
#[derive(Debug)]
pub enum Heard {
    /// The site's own answer.
    Answer,
    /// Nothing, and no byte was written.
    NotSent,
    /// A connection that breaks.
    Reset,
    /// Nothing.
    Nothing,
    /// Another answer than the site's.
    Instead(Box<Answer>),
    /// The first half of the site's answer.
    Half,
}

impl Heard {
    /// The answer as the caller hears it; nothing where it hears nothing.
    pub fn of(self, reply: Option<Answer>) -> Option<Result<Answer, SendFailure>> {
        let broken = || Some(Err(SendFailure::NoAnswer { reason: "the connection broke".into() }));
        match self {
            Self::Answer => reply.map(Ok),
            Self::Instead(answer) => Some(Ok(*answer)),
            Self::Half => reply.map(|mut answer| {
                answer.body.truncate(answer.body.len() / 2);
                Ok(answer)
            }),
            Self::Nothing => None,
            Self::Reset | Self::NotSent => broken(),
        }
    }
}

fn html(status: u16) -> Answer {
    Answer {
        status,
        content_type: Some("text/html".into()),
        body: "<html>We will be right back</html>".into(),
        ..Answer::default()
    }
}

fn too_many(random: &Random) -> Answer {
    let mut answer = html(429);
    if random.chance(700) {
        answer.retry_after = Some(Duration::from_secs(*random.pick(&[0, 1, 5, 20])));
    }
    if random.chance(700) {
        let reason = *random.pick(&["jira-burst-based", "jira-quota-global-based", "jira-per-issue-on-write"]);
        answer.rate_limit_reason = Some(reason.into());
    }
    answer
}

fn stranger(random: &Random) -> Answer {
    let mut answer = if random.chance(500) { html(401) } else { Answer { status: 200, ..Answer::default() } };
    if answer.status == 200 {
        answer.body = r#"{"issues":[],"results":[],"errors":[]}"#.into();
        answer.content_type = Some("application/json".into());
    }
    answer.login_failed = true;
    answer
}

impl WeatherState {
    /// Draws what becomes of a call.
    pub fn fate(&self, _call: &Call, random: &Random) -> Fate {
        let now = Instant::now();
        let during = |until: Option<Instant>| until.is_some_and(|until| now < until);
        let fate = |takes_effect, heard| Fate {
            arrives_after: random.millis(1, 60),
            takes_effect,
            answers_after: random.millis(1, 40),
            heard,
        };
        if during(self.login_fails_until) {
            return fate(false, Heard::Instead(Box::new(stranger(random))));
        }
        if during(self.down_until) {
            return fate(false, Heard::Instead(Box::new(html(503))));
        }
        if during(self.storm_until) && random.chance(800) {
            return fate(false, Heard::Instead(Box::new(too_many(random))));
        }
        let mut drawn = random.below(1_000);
        let mut falls = |per_mille: u64| {
            let hit = drawn < per_mille;
            drawn = if hit { u64::MAX } else { drawn - per_mille };
            hit
        };
        let status = *random.pick(&[500, 502, 503, 504]);
        let either = random.chance(500);
        if falls(self.failed_before) {
            fate(false, Heard::Instead(Box::new(html(status))))
        } else if falls(self.failed_after) {
            fate(true, Heard::Instead(Box::new(html(status))))
        } else if falls(self.resets) {
            fate(either, Heard::Reset)
        } else if falls(self.timeouts) {
            let late = u64::try_from(self.late_effect.as_millis()).unwrap();
            Fate { arrives_after: random.millis(0, late), ..fate(random.chance(800), Heard::Nothing) }
        } else if falls(self.unreadable) {
            if either { fate(true, Heard::Half) } else { fate(random.chance(700), Heard::Instead(Box::new(html(200)))) }
        } else if falls(self.throttled) {
            fate(false, Heard::Instead(Box::new(too_many(random))))
        } else if falls(self.anonymous) {
            fate(false, Heard::Instead(Box::new(stranger(random))))
        } else if falls(self.not_sent) {
            fate(false, Heard::NotSent)
        } else if falls(self.slow) {
            Fate {
                arrives_after: random.millis(1, 12_000),
                answers_after: random.millis(1, 12_000),
                ..fate(true, Heard::Answer)
            }
        } else {
            fate(true, Heard::Answer)
        }
    }
}
