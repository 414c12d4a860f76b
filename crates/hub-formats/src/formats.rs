//! The formats the hub reads: one visible list. A new format is a file of its own, its `mod` line and its line here.

use crate::head::Head;
use crate::input::Input;
use crate::reporter::Reporter;

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
    /// Whether the files of one folder are one report: the tool writes a file for each suite or test.
    pub spread: bool,
    /// Whether a file is of this format, by its content.
    pub sniff: fn(&Head<'_>) -> bool,
    /// Reads a file of this format. Everything that is wrong goes to the reporter.
    pub read: fn(&mut Input<'_>, &mut Reporter<'_>),
}

/// Every format. At most one recognises a file; the order is that of documents.
pub static FORMATS: &[Format] = &[
    crate::junit::FORMAT,
    crate::testng::FORMAT,
    crate::nunit2::FORMAT,
    crate::nunit3::FORMAT,
    crate::cunit::FORMAT,
    crate::xunitnet::FORMAT,
    crate::trx::FORMAT,
    crate::robot::FORMAT,
    crate::allure1::FORMAT,
    crate::allure2::FORMAT,
    crate::playwright::FORMAT,
    crate::cucumber_json::FORMAT,
    crate::cucumber_messages::FORMAT,
    crate::mocha::FORMAT,
    crate::mochawesome::FORMAT,
    crate::jest::FORMAT,
    crate::pytest_json::FORMAT,
    crate::newman::FORMAT,
    crate::ctrf::FORMAT,
    crate::gotest::FORMAT,
    crate::dart::FORMAT,
    crate::tap::FORMAT,
    crate::k6::FORMAT,
    crate::csv_cases::FORMAT,
    crate::csv_results::FORMAT,
    crate::csv_defects::FORMAT,
    crate::csv_generic::FORMAT,
];

/// The format of a file that begins with `head`, and how many bytes stand before its report: lines that a tool printed
/// before its JSON.
#[must_use]
pub fn recognise(head: &Head<'_>) -> Option<(&'static Format, usize)> {
    let of = |head: &Head<'_>| FORMATS.iter().find(|format| (format.sniff)(head));
    if let Some(format) = of(head) {
        return Some((format, 0));
    }
    let behind = head.behind_printed_lines()?;
    of(&behind).map(|format| (format, head.text.len() - behind.text.len()))
}

/// The format with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
