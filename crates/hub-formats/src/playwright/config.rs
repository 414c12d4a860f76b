//! What a Playwright report's `config` says of all its tests.

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::json;
use crate::json::fill;
use crate::limits;
use crate::reporter::{At, Field, Reporter};

/// The settings of a run that say something about its results.
#[derive(Debug, Default)]
pub(super) struct Config {
    properties: Vec<(String, String)>,
    environment: Option<String>,
    /// Browsers by project, where the project's `use` is written.
    browsers: Vec<(String, String)>,
}

impl Config {
    /// Takes the whole `config`.
    pub(super) fn take(&mut self, config: &Value, at: At, reporter: &mut Reporter<'_>) {
        let mut property = |name: &str, value: String, reporter: &mut Reporter<'_>| {
            if let Some(value) = fill::text(&value, Field::Property, at, reporter)
                && self.properties.len() < limits::PROPERTIES
            {
                self.properties.push((name.to_owned(), value));
            }
        };
        if let Some(version) = json::text(config, &["version"]) {
            property("playwright", version.to_owned(), reporter);
        }
        let part = |key| json::at(config, &["shard", key]).and_then(Value::as_u64);
        if let (Some(current), Some(total)) = (part("current"), part("total")) {
            property("shard", format!("{current}/{total}"), reporter);
        }
        for (key, value) in json::at(config, &["metadata"]).and_then(Value::as_object).into_iter().flatten() {
            let Some(name) = fill::text(key, Field::Name, at, reporter) else { continue };
            if let Some(value) = json::scalar(value) {
                if matches!(name.to_ascii_lowercase().as_str(), "environment" | "env") {
                    self.environment = fill::text(&value, Field::Name, at, reporter);
                }
                property(&name, value, reporter);
            }
        }
        let lists = [json::items(config, &["projects"]), json::items(config, &["filteredProjects"])];
        for project in lists.into_iter().flatten().take(limits::PROPERTIES) {
            let browser = ["browserName", "channel", "defaultBrowserType"];
            let browser = browser.into_iter().find_map(|key| json::text(project, &["use", key]));
            if let (Some(name), Some(browser)) = (json::text(project, &["name"]), browser) {
                self.browsers.push((name.to_owned(), browser.to_owned()));
            }
        }
    }

    /// Adds to a result what its project and the run say.
    pub(super) fn complete(&self, record: &mut ResultRecord) {
        record.environment.clone_from(&self.environment);
        let browser = self.browsers.iter().find(|(project, _)| record.device.as_ref() == Some(project));
        record.browser = browser.map(|(_, browser)| browser.clone());
    }

    /// The properties of the run.
    pub(super) fn properties(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.properties)
    }
}
