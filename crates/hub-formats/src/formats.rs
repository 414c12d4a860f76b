//! The formats the hub reads: one visible list. A new format is a file of its own, its `mod` line and its line here.

use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;
use crate::{csv_cases, csv_defects, csv_generic, csv_results, junit};

/// What a file of a format holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holds {
    /// Results of tests.
    Results,
    /// Test cases as documents.
    Cases,
    /// Defects.
    Defects,
}

/// One format of report files.
#[derive(Debug)]
pub struct Format {
    /// The name in commands and addresses: `junit`.
    pub name: &'static str,
    /// What it is, for a person.
    pub title: &'static str,
    /// What its files hold.
    pub holds: Holds,
    /// Whether a file is of this format, by its content.
    pub sniff: fn(&Head<'_>) -> bool,
    /// Reads a file of this format. Everything that is wrong goes to the reporter.
    pub read: fn(&mut Input<'_>, &mut Reporter<'_>),
}

/// Every format. At most one recognises a file; the order is that of documents.
pub static FORMATS: &[Format] =
    &[junit::FORMAT, csv_cases::FORMAT, csv_results::FORMAT, csv_defects::FORMAT, csv_generic::FORMAT];

/// The format of a file that begins with `head`.
#[must_use]
pub fn recognise(head: &Head<'_>) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.sniff)(head))
}

/// The format with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
