//! What every destination shares. `outcome` is the closed set of answers to a publication and the verdict on each;
//! `call` is a request and its answer as plain values; `transport` is the seam between a destination and the network.
//!
//! A call's way out: `gate` waits for the rate budget (`budget`), a place among those in flight and the call's own time, and
//! lets the budget hear the answer; `site` sends it over HTTP. What answers say about limits is read in `limits` and
//! becomes a `reaction`; `rates` is what holds where the site says nothing.

pub mod budget;
pub mod call;
pub mod gate;
pub mod jitter;
pub mod limits;
pub mod outcome;
pub mod pause;
pub mod rates;
pub mod reaction;
pub mod site;
pub mod transport;

pub use call::{Answer, Call, Effect, Method};
pub use gate::Gate;
pub use outcome::{Cause, Outcome, Remote, Throttle, Verdict, verdict};
pub use transport::{SendFailure, Transport};
