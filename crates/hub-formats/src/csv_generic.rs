//! Results in a table whose header nobody knows: read by its look, which is said, so that a person can put it right.

use crate::formats::{Format, Holds};
use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::{csv_results, table};

pub(crate) const FORMAT: Format = Format {
    name: "csv-generic",
    title: "Results in any table (CSV)",
    holds: Holds::Results,
    spread: false,
    sniff,
    read,
};

fn sniff(head: &Head<'_>) -> bool {
    table::look::look(head).is_some()
}

fn read(input: &mut Input<'_>, reporter: &mut Reporter<'_>) {
    table::look::read(input, reporter, &csv_results::READING);
}
