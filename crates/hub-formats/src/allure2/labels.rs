//! What Allure calls labels, links, parameters and attachments.

use hub_domain::record::{AttachmentRecord, ResultRecord};
use serde_json::Value;

use crate::json;
use crate::json::fill;
use crate::limits;
use crate::record::case_id;
use crate::reporter::{At, Field, Reporter};

/// What stands for a masked value, as Allure shows it.
const MASK: &str = "******";

/// The labels that make up a suite's path.
#[derive(Debug, Default)]
pub(super) struct Labels {
    parent: Option<String>,
    suite: Option<String>,
    sub: Option<String>,
    package: Option<String>,
    title_path: Vec<String>,
}

impl Labels {
    pub(super) fn take(&mut self, record: &mut ResultRecord, labels: &Value, at: At, reporter: &mut Reporter<'_>) {
        let labels = labels.as_array().map(Vec::as_slice).unwrap_or_default();
        for label in labels {
            let Some(name) = json::text(label, &["name"]) else { continue };
            let value = json::at(label, &["value"]).and_then(json::scalar).unwrap_or_default();
            let text = fill::text(&value, Field::Name, at, reporter);
            match name {
                "parentSuite" => set(&mut self.parent, text),
                "suite" => set(&mut self.suite, text),
                "subSuite" => set(&mut self.sub, text),
                "package" => set(&mut self.package, text),
                "testClass" | "class" => set(&mut record.class_name, text),
                "browser" => set(&mut record.browser, text),
                "device" => set(&mut record.device, text),
                "os" | "platform" => set(&mut record.platform, text),
                "environment" | "env" => set(&mut record.environment, text),
                "tag" => fill::tag(record, &value, at, reporter),
                _ => fill::property(record, name, &value, at, reporter),
            }
        }
    }

    pub(super) fn title_path(&mut self, value: &Value, at: At, reporter: &mut Reporter<'_>) {
        let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let parts = parts.iter().filter_map(Value::as_str).take(limits::DEPTH);
        self.title_path = parts.filter_map(|part| fill::text(part, Field::Name, at, reporter)).collect();
    }

    /// Puts the path into a record: the suites, else where the test stands, else its package.
    pub(super) fn put_into(&mut self, record: &mut ResultRecord) {
        record.suite = [self.parent.take(), self.suite.take(), self.sub.take()].into_iter().flatten().collect();
        if record.suite.is_empty() {
            record.suite = std::mem::take(&mut self.title_path);
        }
        if record.suite.is_empty() {
            record.suite = self.package.take().into_iter().collect();
        }
    }
}

fn set(to: &mut Option<String>, value: Option<String>) {
    if to.is_none() {
        *to = value;
    }
}

/// Takes links: one to a test management system names the case.
pub(super) fn links(record: &mut ResultRecord, links: &Value, at: At, reporter: &mut Reporter<'_>) {
    for link in links.as_array().map(Vec::as_slice).unwrap_or_default() {
        let kind = json::text(link, &["type"]).unwrap_or("link");
        let (name, url) = (json::text(link, &["name"]), json::text(link, &["url"]));
        // A case's link often has a name that is the case's id; elsewhere the address says more.
        let value = if case_id::is_name(kind) { name.or(url) } else { url.or(name) };
        fill::property(record, kind, value.unwrap_or_default(), at, reporter);
    }
}

/// Takes parameters; nothing of a hidden value, and only the name of a masked one, is kept.
pub(super) fn parameters(record: &mut ResultRecord, parameters: &Value, at: At, reporter: &mut Reporter<'_>) {
    for parameter in parameters.as_array().map(Vec::as_slice).unwrap_or_default() {
        let mode = json::text(parameter, &["mode"]).unwrap_or_default();
        let Some(name) = json::text(parameter, &["name"]).and_then(|name| fill::text(name, Field::Name, at, reporter))
        else {
            continue;
        };
        if mode.eq_ignore_ascii_case("hidden") {
            continue;
        }
        let value = if mode.eq_ignore_ascii_case("masked") {
            MASK.to_owned()
        } else {
            let value = json::at(parameter, &["value"]).and_then(json::scalar).unwrap_or_default();
            fill::text(&value, Field::Property, at, reporter).unwrap_or_default()
        };
        // The adapters for Playwright and Cypress write the browser project as a parameter.
        if name.eq_ignore_ascii_case("project") && record.device.is_none() && value != MASK {
            record.device = Some(value.clone());
        }
        let excluded = json::at(parameter, &["excluded"]).and_then(Value::as_bool).unwrap_or_default();
        let pairs = if excluded { &mut record.properties } else { &mut record.parameters };
        if pairs.len() < limits::PROPERTIES && !pairs.contains(&(name.clone(), value.clone())) {
            pairs.push((name, value));
        }
    }
}

/// An attachment: `source` is a file beside the result.
pub(super) fn attachment(value: &Value, at: At, reporter: &mut Reporter<'_>) -> AttachmentRecord {
    let text = |key: &str, reporter: &mut Reporter<'_>| {
        json::text(value, &[key]).and_then(|text| fill::text(text, Field::Name, at, reporter))
    };
    AttachmentRecord {
        name: text("name", reporter),
        path: text("source", reporter).unwrap_or_default(),
        content_type: text("type", reporter),
        body: None,
    }
}
