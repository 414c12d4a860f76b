//! What a run defines before it runs: features, pickles, hooks and test cases, kept until the test case has ended.

use std::collections::HashMap;

use hub_domain::codes;
use hub_domain::record::{ResultRecord, SuiteRecord};
use serde_json::Value;

use crate::family::gherkin;
use crate::json;
use crate::json::fill;
use crate::limits;
use crate::reporter::{At, Field, Reporter};

/// What a step of a test case is.
#[derive(Debug, Clone)]
pub(super) struct StepOf {
    pub(super) name: String,
    pub(super) is_hook: bool,
}

#[derive(Debug)]
struct Feature {
    name: String,
    line: u64,
    /// Whether its suite was handed on.
    announced: bool,
}

/// A part of a feature that pickles refer to by its id.
#[derive(Debug)]
enum Node {
    /// A scenario, with the name of the rule around it.
    Scenario(Option<String>),
    /// A step, with its keyword.
    Step(String),
    /// A row of examples, with the header's names.
    Row(Vec<(String, String)>),
}

#[derive(Debug)]
struct Pickle {
    uri: String,
    name: String,
    tags: Vec<String>,
    nodes: Vec<String>,
    /// Id, text with what stands below it, and the id of the step it was made of.
    steps: Vec<(String, String, Option<String>)>,
    bytes: usize,
}

#[derive(Debug)]
struct Case {
    pickle: String,
    /// Id, and the id of a pickle's step or, where the flag is set, of a hook.
    steps: Vec<(String, String, bool)>,
    bytes: usize,
}

/// All that is defined and not done.
#[derive(Debug, Default)]
pub(super) struct Defined {
    features: HashMap<String, Feature>,
    nodes: HashMap<String, Node>,
    pickles: HashMap<String, Pickle>,
    cases: HashMap<String, Case>,
    hooks: HashMap<String, String>,
    bytes: usize,
    told: bool,
}

impl Defined {
    /// Whether there is room for more; tells once that there is none.
    fn take(&mut self, bytes: usize, at: At, reporter: &mut Reporter<'_>) -> bool {
        if self.bytes + bytes <= limits::DEFINED_BYTES {
            self.bytes += bytes;
            return true;
        }
        if !self.told {
            self.told = true;
            let message = format!("the run defines more than {} bytes of scenarios at a time", limits::DEFINED_BYTES);
            reporter.rejected(&codes::TOO_MUCH_MARKUP, Some(at), &message, None);
        }
        false
    }

    pub(super) fn document(&mut self, document: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(feature) = json::at(document, &["feature"]) else { return };
        let uri = json::text(document, &["uri"]).unwrap_or_default();
        let name = json::text(feature, &["name"]).and_then(|name| fill::text(name, Field::Name, at, reporter));
        let name = name.unwrap_or_default();
        if self.take(uri.len() + name.len() + 128, at, reporter) {
            self.features.insert(uri.to_owned(), Feature { name, line: at.line, announced: false });
        }
        self.children(json::items(feature, &["children"]), None, at, reporter);
    }

    fn children(&mut self, children: &[Value], rule: Option<&str>, at: At, reporter: &mut Reporter<'_>) {
        for child in children {
            if let Some(inner) = json::at(child, &["rule"]) {
                let name = json::text(inner, &["name"]).and_then(|name| fill::text(name, Field::Name, at, reporter));
                self.children(json::items(inner, &["children"]), name.as_deref(), at, reporter);
            }
            for kind in ["scenario", "background"] {
                let Some(scenario) = json::at(child, &[kind]) else { continue };
                self.node(scenario, Node::Scenario(rule.map(str::to_owned)), at, reporter);
                for step in json::items(scenario, &["steps"]) {
                    let keyword = json::text(step, &["keyword"]).unwrap_or_default().trim().to_owned();
                    self.node(step, Node::Step(keyword), at, reporter);
                }
                for examples in json::items(scenario, &["examples"]) {
                    let header = cells(json::at(examples, &["tableHeader"]));
                    for row in json::items(examples, &["tableBody"]) {
                        let pairs = header.iter().cloned().zip(cells(Some(row))).take(limits::PROPERTIES).collect();
                        self.node(row, Node::Row(pairs), at, reporter);
                    }
                }
            }
        }
    }

    fn node(&mut self, value: &Value, node: Node, at: At, reporter: &mut Reporter<'_>) {
        let Some(id) = json::text(value, &["id"]) else { return };
        let inner = match &node {
            Node::Scenario(rule) => rule.as_ref().map_or(0, String::len),
            Node::Step(keyword) => keyword.len(),
            Node::Row(pairs) => pairs.iter().map(|(name, value)| 64 + name.len() + value.len()).sum(),
        };
        if self.take(id.len() + inner + 96, at, reporter) {
            self.nodes.insert(id.to_owned(), node);
        }
    }

    pub(super) fn pickle(&mut self, pickle: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(id) = json::text(pickle, &["id"]) else { return };
        let owned = |value: &Value, key: &str| json::text(value, &[key]).map(str::to_owned);
        let ids = |value: &Value| -> Vec<String> {
            json::items(value, &["astNodeIds"]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let steps: Vec<_> = json::items(pickle, &["steps"])
            .iter()
            .filter_map(|step| {
                let text = json::text(step, &["text"]).unwrap_or_default();
                let below = below(step);
                let text = if below.is_empty() { text.to_owned() } else { format!("{text}\n{below}") };
                Some((owned(step, "id")?, text, ids(step).into_iter().next()))
            })
            .collect();
        let mut pickle = Pickle {
            uri: owned(pickle, "uri").unwrap_or_default(),
            name: owned(pickle, "name").unwrap_or_default(),
            tags: json::items(pickle, &["tags"]).iter().filter_map(|tag| owned(tag, "name")).collect(),
            nodes: ids(pickle),
            steps,
            bytes: 0,
        };
        let steps: usize = pickle.steps.iter().map(|(id, text, _)| 160 + id.len() + text.len()).sum();
        pickle.bytes = 256 + id.len() + pickle.uri.len() + pickle.name.len() + 64 * pickle.tags.len() + steps;
        if self.take(pickle.bytes, at, reporter) {
            self.pickles.insert(id.to_owned(), pickle);
        }
    }

    pub(super) fn hook(&mut self, hook: &Value, at: At, reporter: &mut Reporter<'_>) {
        let Some(id) = json::text(hook, &["id"]) else { return };
        let kind = match json::text(hook, &["type"]) {
            Some("BEFORE_TEST_RUN") => "BeforeAll hook",
            Some("AFTER_TEST_RUN") => "AfterAll hook",
            Some("BEFORE_TEST_CASE") => "Before hook",
            Some("AFTER_TEST_CASE") => "After hook",
            Some("BEFORE_TEST_STEP") => "BeforeStep hook",
            Some("AFTER_TEST_STEP") => "AfterStep hook",
            Some(_) | None => "hook",
        };
        let name = json::text(hook, &["name"]).and_then(|name| fill::text(name, Field::Name, at, reporter));
        let place = json::text(hook, &["sourceReference", "uri"]);
        let name = name.as_deref().or(place).map_or_else(|| kind.to_owned(), |name| format!("{kind}: {name}"));
        if self.take(id.len() + name.len() + 96, at, reporter) {
            self.hooks.insert(id.to_owned(), name);
        }
    }

    /// What a hook is called.
    pub(super) fn hook_name(&self, id: &str) -> Option<String> {
        self.hooks.get(id).cloned()
    }

    pub(super) fn case(&mut self, case: &Value, at: At, reporter: &mut Reporter<'_>) {
        let (Some(id), Some(pickle)) = (json::text(case, &["id"]), json::text(case, &["pickleId"])) else { return };
        let steps: Vec<_> = json::items(case, &["testSteps"])
            .iter()
            .filter_map(|step| {
                let of = |key: &str| json::text(step, &[key]).map(str::to_owned);
                let hook = of("hookId");
                let is_hook = hook.is_some();
                Some((of("id")?, hook.or_else(|| of("pickleStepId"))?, is_hook))
            })
            .collect();
        let bytes = 192 + id.len() + steps.iter().map(|(id, of, _)| 96 + id.len() + of.len()).sum::<usize>();
        if self.take(bytes, at, reporter) {
            self.cases.insert(id.to_owned(), Case { pickle: pickle.to_owned(), steps, bytes });
        }
    }

    /// What a step of a test case is.
    pub(super) fn step(&self, case: &str, step: &str) -> Option<StepOf> {
        let case = self.cases.get(case)?;
        let (_, of, is_hook) = case.steps.iter().find(|(id, _, _)| id == step)?;
        if *is_hook {
            let name = self.hook_name(of).unwrap_or_else(|| "hook".to_owned());
            return Some(StepOf { name, is_hook: true });
        }
        let (_, text, node) = self.pickles.get(&case.pickle)?.steps.iter().find(|(id, _, _)| id == of)?;
        let keyword = match node.as_ref().and_then(|node| self.nodes.get(node)) {
            Some(Node::Step(keyword)) => keyword.as_str(),
            Some(Node::Scenario(_) | Node::Row(_)) | None => "",
        };
        Some(StepOf { name: format!("{keyword} {text}").trim().to_owned(), is_hook: false })
    }

    /// Adds to a record what defines its test case, which is done with it, and returns the suite where it is the first of
    /// its feature. Nothing where the test case or its pickle is not known.
    pub(super) fn describe(
        &mut self,
        case: &str,
        record: &mut ResultRecord,
        at: At,
        reporter: &mut Reporter<'_>,
    ) -> Option<Option<SuiteRecord>> {
        let case = self.cases.remove(case)?;
        let pickle = self.pickles.remove(&case.pickle)?;
        self.bytes = self.bytes.saturating_sub(case.bytes + pickle.bytes);
        let name = fill::text(&pickle.name, Field::Name, at, reporter);
        record.name = name.unwrap_or_else(|| "Scenario".to_owned());
        record.file = fill::text(&pickle.uri, Field::Name, at, reporter);
        for step in &mut record.steps {
            step.name = fill::text(&step.name, Field::Name, at, reporter).unwrap_or_default();
        }
        for tag in &pickle.tags {
            fill::tag(record, tag, at, reporter);
        }
        let mut suite = None;
        if let Some(feature) = self.features.get_mut(&pickle.uri).filter(|feature| !feature.name.is_empty()) {
            record.suite.push(feature.name.clone());
            if !feature.announced {
                feature.announced = true;
                suite = Some(SuiteRecord {
                    path: record.suite.clone(),
                    file: record.file.clone(),
                    line: Some(feature.line),
                    ..SuiteRecord::default()
                });
            }
        }
        for node in pickle.nodes.iter().filter_map(|id| self.nodes.get(id)) {
            match node {
                Node::Scenario(rule) => record.suite.extend(rule.clone()),
                Node::Row(pairs) => {
                    for (name, value) in pairs {
                        let name = fill::text(name, Field::Name, at, reporter).unwrap_or_default();
                        let value = fill::text(value, Field::Property, at, reporter).unwrap_or_default();
                        record.parameters.push((name, value));
                    }
                }
                Node::Step(_) => {}
            }
        }
        Some(suite)
    }
}

fn cells(row: Option<&Value>) -> Vec<String> {
    let cells = row.map(|row| json::items(row, &["cells"])).unwrap_or_default();
    cells.iter().map(|cell| json::text(cell, &["value"]).unwrap_or_default().to_owned()).collect()
}

/// The table or text below a pickle's step.
fn below(step: &Value) -> String {
    let mut out = json::text(step, &["argument", "docString", "content"]).unwrap_or_default().to_owned();
    for row in json::items(step, &["argument", "dataTable", "rows"]) {
        let cells = cells(Some(row));
        gherkin::row(cells.iter().map(String::as_str), &mut out);
    }
    out
}
