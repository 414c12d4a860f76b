//! What a TRX file says of its run: when it began, where, its counters, and what went wrong outside of tests.

use hub_domain::record::{DeclaredCounts, SuiteRecord};

use super::result;
use crate::limits;
use crate::record::counts::{number, sum};
use crate::reporter::{Field, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// The run of a file.
#[derive(Debug, Default)]
pub(super) struct Run {
    record: Option<SuiteRecord>,
    /// The numbers in its counters.
    pub(super) declared: DeclaredCounts,
    folder: Option<String>,
}

impl Run {
    /// The run begins.
    pub(super) fn open(&mut self, head: &Element) {
        let name = head.filled("name").map(|name| ("name".to_owned(), name));
        let properties = name.into_iter().collect();
        self.record = Some(SuiteRecord { properties, line: Some(head.at.line), ..SuiteRecord::default() });
    }

    /// A result names the machine.
    pub(super) fn ran_at(&mut self, head: &Element) {
        if let Some(record) = &mut self.record
            && record.host.is_none()
        {
            record.host = head.filled("computerName");
        }
    }

    /// The folder of its files, beside the report.
    pub(super) fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// Takes `TestSettings`.
    pub(super) fn settings(&mut self, element: &Element) {
        self.folder = element.child("Deployment").and_then(|deployment| deployment.filled("runDeploymentRoot"));
    }

    /// Takes `Times`.
    pub(super) fn times(&mut self, element: &Element) {
        if let Some(record) = &mut self.record {
            record.started_at = element.filled("start");
        }
    }

    /// Takes `ResultSummary`.
    pub(super) fn summary(&mut self, element: &Element, reporter: &mut Reporter<'_>) {
        if let Some(outcome) = element.filled("outcome") {
            self.property("outcome", outcome);
        }
        if let Some(counters) = element.child("Counters") {
            self.declared = declared(counters);
        }
        let infos = element.child("RunInfos").into_iter().flat_map(|infos| infos.all("RunInfo"));
        for info in infos {
            let text = info.text_of("Text").unwrap_or_default();
            let text = format!("[{}] {text}", info.filled("outcome").unwrap_or_default());
            self.property("runInfo", parts::within(text, Field::Property, info.at, reporter));
        }
        let files = element.child("ResultFiles").into_iter().flat_map(|files| files.all("ResultFile"));
        let files = files.filter_map(|file| file.filled("path"));
        let collected = element.child("CollectorDataEntries").map(result::collected).unwrap_or_default();
        for path in files.chain(collected.into_iter().map(|(_, path)| path)).collect::<Vec<_>>() {
            let path = result::located(&path, self.folder(), None);
            self.property("attachment", path);
        }
    }

    fn property(&mut self, name: &str, value: String) {
        if let Some(record) = &mut self.record
            && record.properties.len() < limits::PROPERTIES
        {
            record.properties.push((name.to_owned(), value));
        }
    }

    /// The run as a suite with an empty path.
    pub(super) fn record(&mut self) -> Option<SuiteRecord> {
        self.record.take().map(|record| SuiteRecord { declared: self.declared, ..record })
    }
}

fn declared(counters: &Element) -> DeclaredCounts {
    let number = |name: &str| number(counters.attribute(name));
    let not_executed = match (number("total"), number("executed")) {
        (Some(total), Some(executed)) => Some(total.saturating_sub(executed)),
        (_, _) => number("notExecuted"),
    };
    let errors = ["error", "timeout", "aborted", "disconnected"].into_iter().map(number).fold(None, sum);
    DeclaredCounts {
        tests: number("total"),
        failures: number("failed"),
        errors,
        skipped: sum(not_executed, number("inconclusive")),
    }
}
