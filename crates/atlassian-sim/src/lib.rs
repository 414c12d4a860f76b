//! Jira Cloud (REST v3, and v2 for clients that still speak it) and Confluence Cloud (v2, and v1 for labels) over real
//! HTTP, with state.
//!
//! It exists so that a client can be tested against the behaviour that Atlassian documents, including the unpleasant
//! part: strict documents, create screens, partial bulk failure, a lagging search index. It is written from the
//! documentation and from recorded answers only, and it shares no type with any client, so that a misreading in a client
//! cannot hide here. What it does not play is answered with 404, never with an invented success.
//!
//! [`start`] runs it inside a test; the program `atlassian-sim` runs it beside one.

pub mod auth;
pub mod confluence;
mod console;
pub mod faults;
mod gateway;
pub mod html;
pub mod humans;
pub mod jira;
mod log;
mod oauth;
mod options;
mod server;
mod world;

pub use gateway::CLOUD_ID;
pub use options::{Dialect, Options, ProjectSpec};
pub use server::{Running, ServeError, Sim, serve, serve_site, start};
pub use world::{World, iso_millis};
