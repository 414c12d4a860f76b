//! The whole hub from outside: the built program, a real Postgres, a simulated site over real HTTP.

mod bad_input;
mod demo;
mod environment;
mod journey;
mod killed;
mod support;
