//! What every destination shares. `outcome` is the closed set of answers to a publication and the verdict on each;
//! `call` is a request and its answer as plain values; `transport` is the seam between a destination and the network;
//! `site` is the one real implementation: gate, rate budget, concurrency limit, timeouts, send, in this order and
//! without a retry inside.

pub mod budget;
pub mod call;
pub mod outcome;
pub mod site;
pub mod transport;

pub use call::{Answer, Call, Effect, Method};
pub use outcome::{Cause, Outcome, Remote, Throttle, Verdict, verdict};
pub use transport::{SendFailure, Transport};
