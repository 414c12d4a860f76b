//! A test, or the setup or teardown of a suite, while it is read: keywords and control structures become steps, messages
//! become output.

use hub_domain::codes;
use hub_domain::record::ResultRecord;

use super::message::{self, Shown};
use super::names::{self, SEPARATOR};
use super::times;
use crate::limits;
use crate::record::counts::Group;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};
use crate::xml::element::{Element, Want};
use crate::xml::parts;
use crate::xml::steps::Steps;

/// An element inside that was entered.
#[derive(Debug, PartialEq, Eq)]
enum Node {
    Keyword,
    /// A `for`, with what stands between its variables and its values until these come: `IN`, `IN RANGE`.
    Loop(Option<String>),
    Step,
    /// It groups what is inside and is no step of its own: `if` and `try` around their branches, `arguments`, `tags`.
    Around,
}

/// What is being read.
#[derive(Debug)]
pub(super) struct Body {
    record: Box<ResultRecord>,
    pub(super) at: At,
    pub(super) is_test: bool,
    has_status: bool,
    steps: Steps,
    open: Vec<Node>,
    output: String,
    output_cut: bool,
}

impl Body {
    /// What is wanted of an element inside.
    pub(super) fn want(name: &str) -> Want {
        match name {
            "kw" | "for" | "while" | "if" | "try" | "group" | "iter" | "branch" | "variable" | "return" | "break"
            | "continue" | "error" | "arguments" | "tags" | "assign" | "metadata" => Want::Enter,
            "msg" | "status" | "doc" | "tag" | "arg" | "var" | "value" | "timeout" | "meta" | "item" | "pattern" => {
                Want::Whole
            }
            _ => Want::Nothing,
        }
    }

    /// Begins with a `test`, or with a `kw` of a suite.
    pub(super) fn new(head: &Element, suite: Vec<String>, file: Option<String>, reporter: &mut Reporter<'_>) -> Self {
        let is_test = head.name == "test";
        let mut record = Box::new(ResultRecord { suite, file, line: Some(head.at.line), ..ResultRecord::default() });
        let name = if is_test { head.filled("name").unwrap_or_default() } else { names::keyword(head) };
        record.name = parts::one_line(&name, head.at, reporter);
        if is_test {
            for (attribute, property) in [("critical", "critical"), ("line", "line"), ("timeout", "timeout")] {
                if let Some(value) = head.filled(attribute) {
                    facts::property(&mut record, property, &value);
                }
            }
        } else {
            let kind = head.filled("type").unwrap_or_else(|| "keyword".to_owned()).to_ascii_lowercase();
            record.name = format!("[suite {kind}] {}", record.name);
            record.properties.push(("fixture".to_owned(), format!("suite {kind}")));
        }
        Self {
            record,
            at: head.at,
            is_test,
            has_status: false,
            steps: Steps::default(),
            open: Vec::new(),
            output: String::new(),
            output_cut: false,
        }
    }

    /// An element inside begins.
    pub(super) fn enter(&mut self, head: &Element) {
        if matches!(head.name.as_str(), "if" | "try" | "arguments" | "tags" | "assign" | "metadata") {
            self.open.push(Node::Around);
            return;
        }
        self.open.push(match head.name.as_str() {
            "kw" => Node::Keyword,
            "for" => Node::Loop(head.filled("flavor")),
            _ => Node::Step,
        });
        self.steps.open(&names::step(head));
    }

    /// An element inside ends, or, where this returns true, the body itself.
    pub(super) fn leave(&mut self) -> bool {
        match self.open.pop() {
            Some(Node::Keyword | Node::Loop(_) | Node::Step) => {
                self.steps.close();
                false
            }
            Some(Node::Around) => false,
            None => true,
        }
    }

    /// Takes an element that stands inside.
    pub(super) fn take(&mut self, element: Element, reporter: &mut Reporter<'_>) {
        if element.name == "msg" {
            self.message(&element, reporter);
        } else if element.name == "status" && self.open.last() == Some(&Node::Around) {
            // Of an `if` or `try`, whose branches have their own.
        } else if self.steps.depth() > 0 {
            self.of_step(&element);
        } else if element.name == "status" {
            self.status(element, reporter);
        } else {
            self.of_body(&element, reporter);
        }
    }

    /// What an element says of the innermost open step.
    fn of_step(&mut self, element: &Element) {
        let text = element.text.trim();
        match element.name.as_str() {
            "status" => {
                let times = times::of(element);
                if let Some(step) = self.steps.innermost() {
                    step.status = element.filled("status");
                    step.duration_ms = times.duration_ms;
                }
                if element.filled("status").is_some_and(|status| !status.eq_ignore_ascii_case("PASS")) {
                    self.steps.message(&message::without_markup(text));
                }
            }
            "arg" | "pattern" => self.steps.name(SEPARATOR, text),
            "value" => {
                if let Some(Node::Loop(flavor)) = self.open.last_mut()
                    && let Some(flavor) = flavor.take()
                {
                    self.steps.name(SEPARATOR, &flavor);
                }
                self.steps.name(SEPARATOR, text);
            }
            "var" => match (element.filled("name"), self.innermost()) {
                (Some(name), _) => self.steps.name(SEPARATOR, &format!("{name} = {text}")),
                (None, Some(Node::Keyword)) => self.steps.assigned(text),
                (None, _) => self.steps.name(SEPARATOR, text),
            },
            _ => {}
        }
    }

    /// The innermost step, through what only groups.
    fn innermost(&self) -> Option<&Node> {
        self.open.iter().rev().find(|node| **node != Node::Around)
    }

    /// What an element says of the test itself.
    fn of_body(&mut self, element: &Element, reporter: &mut Reporter<'_>) {
        let text = element.text.trim();
        match element.name.as_str() {
            "tag" if self.is_test => facts::tag(&mut self.record, text),
            "doc" if self.is_test && !text.is_empty() => {
                let text = parts::within(text.to_owned(), Field::Property, element.at, reporter);
                facts::property(&mut self.record, "doc", &text);
            }
            "timeout" if self.is_test => {
                facts::property(&mut self.record, "timeout", element.attribute("value").unwrap_or_default());
            }
            "meta" | "item" => {
                facts::property(&mut self.record, element.attribute("name").unwrap_or_default(), text);
            }
            "arg" if !self.is_test && self.record.name.len() + text.len() < limits::MESSAGE_CHARS => {
                self.record.name.push_str(SEPARATOR);
                self.record.name.push_str(text);
            }
            _ => {}
        }
    }

    /// The outcome of the test itself.
    fn status(&mut self, element: Element, reporter: &mut Reporter<'_>) {
        let times = times::of(&element);
        self.has_status = true;
        self.record.status = element.filled("status").unwrap_or_else(|| "FAIL".to_owned());
        self.record.started_at = times.started_at;
        self.record.duration_ms = times.duration_ms;
        if let Some(what) = times.odd {
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(element.at), &format!("the elapsed time {what}"));
        }
        if let Some(critical) = element.filled("critical") {
            facts::property(&mut self.record, "critical", &critical);
        }
        let (attempt, failed_before) = message::earlier(element.text.trim());
        self.record.attempt = attempt;
        self.record.flaky = failed_before && self.record.status.eq_ignore_ascii_case("PASS");
        let text = message::without_markup(element.text.trim());
        if !text.is_empty() {
            self.record.message = Some(parts::within(text, Field::Message, element.at, reporter));
        }
    }

    /// Takes what was logged.
    fn message(&mut self, element: &Element, reporter: &mut Reporter<'_>) {
        let level = element.filled("level").unwrap_or_else(|| "INFO".to_owned());
        if message::is_html(element) {
            for shown in message::shown(&element.text) {
                match shown {
                    Shown::File(file) => facts::attach(&mut self.record, file),
                    Shown::Lost(what) => {
                        let message = format!("a picture in a message {what}; it was left out");
                        reporter.repaired(&codes::UNREADABLE_VALUE, Some(element.at), &message);
                    }
                }
            }
        }
        let text = message::plain(element);
        if text.is_empty() {
            return;
        }
        if matches!(level.as_str(), "FAIL" | "ERROR") && self.steps.depth() > 0 {
            self.steps.message(&text);
        }
        // At the level DEBUG a keyword that fails logs where; the last one is the test's.
        if level == "DEBUG" && text.starts_with("Traceback (most recent call last)") {
            self.record.details = Some(parts::within(text.clone(), Field::Details, element.at, reporter));
        }
        if self.output_cut {
            return;
        }
        if !self.output.is_empty() {
            self.output.push('\n');
        }
        self.output.push_str(&format!("[{level}] {text}"));
        if crate::record::hygiene::cut(&mut self.output, Field::Output.limit()) {
            reporter.cut(Field::Output, element.at);
            self.output_cut = true;
        }
    }

    /// Whether it failed.
    pub(super) fn failed(&self) -> bool {
        self.record.status.eq_ignore_ascii_case("FAIL")
    }

    /// The record.
    pub(super) fn close(self, reporter: &mut Reporter<'_>) -> Box<ResultRecord> {
        let mut record = self.record;
        if !self.has_status {
            reporter.repaired(&codes::UNREADABLE_VALUE, Some(self.at), "a test says no status; it counts as not run");
        }
        record.steps = self.steps.take(self.at, reporter);
        record.output = (!self.output.is_empty()).then_some(self.output);
        if record.status.eq_ignore_ascii_case("PASS") {
            record.details = None;
        }
        record
    }
}

/// What a status counts as in the totals.
pub(super) fn group(status: &str) -> Group {
    if status.eq_ignore_ascii_case("PASS") {
        Group::Passed
    } else if status.eq_ignore_ascii_case("FAIL") {
        Group::Failed
    } else {
        Group::LeftOut
    }
}
