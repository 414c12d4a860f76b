//! The store against a real S3 server in this process, over HTTP, and against a folder: the same cases for both.
#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod both;
mod faults;
mod server;
