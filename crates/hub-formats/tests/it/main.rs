//! Integration tests of the readers: own fixtures against golden files, real reports against independent counts, and
//! files made to break a reader.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests panic and print as tests do")]

mod bounds_xml_b;
mod by_format;
mod corpus;
mod corpus_json_a;
mod corpus_json_b;
mod corpus_xml_a;
mod corpus_xml_b;
mod fixtures;
mod fuzz;
mod hostile;
mod render;
mod stream;
mod tables;
