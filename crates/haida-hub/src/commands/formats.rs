//! `haida-hub formats`.

use std::process::ExitCode;

use serde_json::json;

use crate::output::{Output, table};

/// Lists the formats that `ingest` reads.
pub fn run(output: &Output) -> ExitCode {
    let formats = hub_app::ingest::formats();
    let value: Vec<_> = formats.iter().map(|(name, title)| json!({ "name": name, "title": title })).collect();
    output.result(&value, || {
        table(["format", "what it is"], formats.iter().map(|(name, title)| [(*name).to_owned(), (*title).to_owned()]))
    });
    ExitCode::SUCCESS
}
