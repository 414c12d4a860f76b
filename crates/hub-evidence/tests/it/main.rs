//! The store against a real S3 server in this process, over HTTP, and against a folder: the same cases for both.

mod both;
mod faults;
mod server;
