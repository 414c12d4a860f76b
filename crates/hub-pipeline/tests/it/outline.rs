//! Facts and plans as lines that a person can review: a fact to a line, and of it only what it says.

use std::fmt::Write as _;

use hub_domain::{
    Label,
    entity::Identity,
    facts::{Desired, Publication},
};
use hub_pipeline::normalise::Fact;
use serde::Serialize;
use serde_json::Value;

use crate::case::Case;

/// JSON without members that say nothing.
fn said(value: &impl Serialize) -> String {
    fn prune(value: &mut Value) -> bool {
        match value {
            Value::Null => false,
            Value::Number(number) => number.as_u64() != Some(0),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => {
                members.retain(|_, member| prune(member));
                !members.is_empty()
            }
            Value::Bool(_) | Value::String(_) => true,
        }
    }
    let mut value = serde_json::to_value(value).unwrap();
    prune(&mut value);
    value.to_string()
}

fn name(identity: &Identity) -> String {
    format!("{}/{}", identity.kind.as_str(), identity.external_id)
}

fn joined(labels: &[Label]) -> String {
    labels.iter().map(Label::as_str).collect::<Vec<_>>().join(" ")
}

/// What normalising made of each file.
pub fn facts(case: &Case) -> String {
    let mut text = String::new();
    for file in &case.files {
        let read = case.read(file);
        writeln!(text, "# {} ({})", file.name, file.format).unwrap();
        for fact in &read.facts {
            match fact {
                Fact::Entity(entity) => {
                    let origin = &entity.origin;
                    let who = name(&entity.identity());
                    writeln!(text, "{who} by {} at {} {}", origin.source, origin.precedence, said(&entity.facts))
                        .unwrap();
                }
                Fact::Result(result) => {
                    let mut rest = serde_json::to_value(result).unwrap();
                    rest.as_object_mut().unwrap().retain(|key, _| key != "result_key");
                    writeln!(text, "result {} {}", result.result_key, said(&rest)).unwrap();
                }
                // Its paths are among the result's facts.
                Fact::Evidence(_) => {}
                Fact::Problem(problem) => {
                    let severity = said(&problem.severity);
                    writeln!(text, "problem {problem} {severity}").unwrap();
                }
            }
        }
        let summary = &read.summary;
        let rows = format!("{} cases, {} defects, counted {}", summary.cases, summary.defects, said(&summary.counts));
        let environment = summary.environment.as_deref().unwrap_or("none");
        writeln!(text, "summary {rows}, declared {}, environment {environment}\n", said(&summary.declared)).unwrap();
    }
    text
}

/// What shall be published, in order.
pub fn plan(publications: &[Publication]) -> String {
    let mut text = String::new();
    for Publication { key, rank, desired } in publications {
        let what = format!("{} {} rank {rank}", key.object.as_str(), name(&key.entity));
        match desired {
            Desired::Issue(issue) => {
                let kind = issue.kind.type_name();
                writeln!(text, "{what}: {kind} {:?}", issue.summary).unwrap();
                writeln!(text, "  labels {} priority {}", joined(&issue.labels), said(&issue.priority)).unwrap();
                writeln!(text, "  fields {}", said(&issue.fields)).unwrap();
            }
            Desired::Page(page) => {
                let parent = page.parent.as_ref().map_or_else(|| "the home page".to_owned(), name);
                writeln!(text, "{what}: {:?}", page.title).unwrap();
                writeln!(text, "  below {parent} labels {}", joined(&page.labels)).unwrap();
                writeln!(text, "  properties {}", said(&page.properties)).unwrap();
            }
            Desired::IssueLink(link) => writeln!(text, "{what}: to {}", name(&link.to)).unwrap(),
            Desired::RemoteLink(link) => writeln!(text, "{what}: to {} {:?}", name(&link.page), link.title).unwrap(),
        }
    }
    text
}
