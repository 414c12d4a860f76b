//! Deterministic simulation of the publisher: its own code over a clock, a database and sites in memory. Every world follows
//! from one seed. docs/simulation.md says what is simulated, and how to run more of it.

mod conformance;
mod hub;
mod invariants;
mod memory_ledger;
mod mutations;
mod process;
mod random;
mod rows;
mod seeds;
mod site;
mod stories;
mod trace;
mod truth;
mod world;
