//! The one place that prints: results on standard output, everything else on standard error; JSON where it was asked for.
//!
//! A reader that has gone away (`haida-hub status | head -1`) is no failure: what it does not want is not written.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::failure::Failure;

/// How the program speaks.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Results as one JSON document.
    pub json: bool,
    /// Whether standard error is a terminal, which can show bars and colours.
    pub terminal: bool,
}

impl Output {
    /// Speaks to the process's own standard streams.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, terminal: std::io::stderr().is_terminal() }
    }

    /// A result: as JSON, or as the text that `human` makes.
    pub fn result(&self, value: &impl Serialize, human: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(text) => say(std::io::stdout(), &text),
                Err(error) => self.note(format!("the result has no JSON form: {error}")),
            }
        } else {
            say(std::io::stdout(), &human());
        }
    }

    /// A line for people who watch.
    pub fn note(&self, text: impl AsRef<str>) {
        say(std::io::stderr(), text.as_ref());
    }

    /// A failure, with the exit code that it means.
    pub fn unexpected(&self, error: &anyhow::Error) -> ExitCode {
        let failure = Failure::of(error);
        let code = failure.exit();
        if self.json {
            say(std::io::stdout(), &format!("{:#}", failure.json()));
        } else {
            say(std::io::stderr(), &format!("{:?}", miette::Report::new(failure)));
        }
        code
    }
}

fn say(mut stream: impl Write, text: &str) {
    if let Err(error) = writeln!(stream, "{text}").and_then(|()| stream.flush()) {
        tracing::debug!(%error, "nobody reads what is said");
    }
}

/// A table with a header, without more lines than needed.
#[must_use]
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}
