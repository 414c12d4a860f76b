//! Integration tests of the readers: own fixtures against golden files, real reports against independent counts, and
//! files made to break a reader.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests panic and print as tests do")]

mod corpus;
mod fixtures;
mod hostile;
mod render;
mod stream;
mod tables;
