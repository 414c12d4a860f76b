//! A case: the records of a few files in the order in which a team loads them, and the run that its results belong to.

use std::path::{Path, PathBuf};

use hub_domain::{ExternalId, record::Record, vocabulary::Locale};
use hub_pipeline::{
    normalise::{Context, Fact, Normaliser, ReportRef, Summary},
    words,
};
use serde::Deserialize;

/// What a `case.json` holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows, in a sentence.
    pub about: String,
    /// The language of the project.
    #[serde(default = "english")]
    pub locale: Locale,
    /// The run of the results.
    pub run: Option<RunArguments>,
    /// The files.
    pub files: Vec<File>,
}

/// What a person says about a run when loading its reports.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunArguments {
    pub id: ExternalId,
    pub title: Option<String>,
    pub release: Option<ExternalId>,
    pub environment: Option<String>,
    pub platform: Option<String>,
}

/// A file as its reader found it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub name: String,
    pub format: String,
    pub records: Vec<Record>,
}

/// A file as the normaliser left it.
#[derive(Debug, PartialEq)]
pub struct Read {
    pub facts: Vec<Fact>,
    pub summary: Summary,
}

fn english() -> Locale {
    Locale::En
}

/// The folder of a case.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases").join(name)
}

/// The names of all cases, sorted.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder("")).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    names
}

/// Reads a case.
pub fn load(name: &str) -> Case {
    let text = std::fs::read_to_string(folder(name).join("case.json")).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl File {
    /// Whether its rows are results of the run.
    pub fn is_report(&self) -> bool {
        matches!(self.format.as_str(), "junit" | "csv-results")
    }
}

impl Case {
    /// The id of a file's report.
    pub fn report_id(&self, file: &File) -> Option<ExternalId> {
        let run = self.run.as_ref().filter(|_| file.is_report())?;
        let plain = format!("{}/{}", run.id, file.name);
        Some(ExternalId::new(plain).unwrap_or_else(|_| ExternalId::new("report-of-a-long-run").unwrap()))
    }

    /// Normalises one file.
    pub fn read(&self, file: &File) -> Read {
        let report = self.run.as_ref().zip(self.report_id(file)).map(|(run, report)| ReportRef {
            run: run.id.clone(),
            report,
            platform: run.platform.as_deref().map(words::key),
        });
        let mut normaliser = Normaliser::new(Context { file: file.name.clone(), report });
        // Formats are named by constants; a test may keep the few names that it reads.
        normaliser.read_as(Box::leak(file.format.clone().into_boxed_str()));
        let mut facts = Vec::new();
        for record in &file.records {
            normaliser.accept(record.clone(), &mut facts);
        }
        normaliser.close(&mut facts);
        Read { facts, summary: normaliser.finish() }
    }
}
