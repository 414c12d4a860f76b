//! What the results of a TRX file are tests of, joined by `testId`, whichever of the two stands first.

use std::collections::HashMap;

use hub_domain::codes;
use hub_domain::record::ResultRecord;

use crate::family::dotnet;
use crate::limits;
use crate::record::facts;
use crate::record::held::Held;
use crate::reporter::{At, Reporter};
use crate::xml::element::Element;

/// The definition of a test.
#[derive(Debug, Default)]
struct Definition {
    class: String,
    method: String,
    categories: Vec<String>,
    properties: Vec<(String, String)>,
}

impl Definition {
    fn of(element: &Element) -> Self {
        let method = element.child("TestMethod");
        let attribute = |name| method.and_then(|method| method.filled(name)).unwrap_or_default();
        let mut properties: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|_| properties.len() < limits::PROPERTIES) {
                properties.push((name.to_owned(), value));
            }
        };
        for property in element.child("Properties").into_iter().flat_map(|all| all.all("Property")) {
            let key = property.text_of("Key").unwrap_or_default();
            add(&key, property.text_of("Value"));
        }
        // The path of an assembly differs between machines, and its case between operating systems.
        add("storage", element.filled("storage").map(|path| dotnet::file_name(&path).to_owned()));
        add("priority", element.filled("priority"));
        add("description", element.text_of("Description"));
        for owner in element.child("Owners").into_iter().flat_map(|owners| owners.all("Owner")) {
            add("owner", owner.filled("name"));
        }
        for item in items_of(element, "Workitems") {
            let text = item.text.trim();
            add("workitem", item.filled("id").or_else(|| (!text.is_empty()).then(|| text.to_owned())));
        }
        let categories = items_of(element, "TestCategory").filter_map(|item| item.filled("TestCategory"));
        let categories = categories.take(limits::PROPERTIES).collect();
        let class = dotnet::class_only(&attribute("className")).to_owned();
        Self { class, method: attribute("name"), categories, properties }
    }

    fn bytes(&self) -> usize {
        let properties: usize = self.properties.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        let categories: usize = self.categories.iter().map(|category| category.len() + 24).sum();
        200 + self.class.len() + self.method.len() + properties + categories
    }

    fn complete(&self, record: &mut ResultRecord) {
        let name = dotnet::without_class(&record.name, &self.class).to_owned();
        let arguments = dotnet::arguments(&name, &self.method);
        if !arguments.is_empty() {
            record.parameters = arguments;
        }
        record.name = name;
        record.class_name = (!self.class.is_empty()).then(|| self.class.clone());
        for category in &self.categories {
            facts::tag(record, category);
        }
        for (name, value) in &self.properties {
            facts::property(record, name, value);
        }
    }
}

/// What the lists of a name hold; Visual Studio and vstest differ in the case of `WorkItems`.
fn items_of<'e>(element: &'e Element, name: &str) -> impl Iterator<Item = &'e Element> {
    let name = name.to_owned();
    element.children.iter().filter(move |child| child.name.eq_ignore_ascii_case(&name)).flat_map(|list| &list.children)
}

/// The definitions of a file, and the results that wait for theirs.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// Those that stand before their results.
    known: HashMap<String, Definition>,
    bytes: usize,
    /// Definitions that did not fit.
    left_out: u64,
    first_left_out: Option<At>,
    /// Whether the definitions were read.
    read: bool,
    held: Held,
    /// The places of held results by the id of their test.
    waiting: HashMap<String, Vec<usize>>,
    /// Results whose definition is not in the file, and the first of them.
    missing: u64,
    first_missing: Option<At>,
    first_refused: Option<At>,
}

impl Definitions {
    /// The definitions begin.
    pub(super) fn begin(&mut self) {
        for (place, row) in self.held.rows().iter().enumerate() {
            self.waiting.entry(row.history_id.clone().unwrap_or_default()).or_default().push(place);
        }
    }

    /// Takes one.
    pub(super) fn take(&mut self, element: &Element) {
        let Some(id) = element.filled("id").map(|id| id.to_ascii_lowercase()) else { return };
        let definition = Definition::of(element);
        for place in self.waiting.remove(&id).unwrap_or_default() {
            if let Some(row) = self.held.rows().get_mut(place) {
                definition.complete(row);
            }
        }
        // Where results stand first, every one that can be completed is held; only their own ids matter.
        if self.results_first() {
            return;
        }
        let bytes = definition.bytes() + id.len();
        // Half of the bound: a map takes about twice the bytes of what it holds.
        if self.bytes + bytes > limits::HELD_BYTES / 2 {
            self.left_out += 1;
            self.first_left_out.get_or_insert(element.at);
            return;
        }
        self.bytes += bytes;
        self.known.insert(id, definition);
    }

    fn results_first(&mut self) -> bool {
        !self.held.rows().is_empty() || self.held.refused > 0
    }

    /// Completes a result, or holds it until the definitions come.
    pub(super) fn join(&mut self, mut row: Box<ResultRecord>, at: At) -> Option<Box<ResultRecord>> {
        if !self.read {
            let row = self.held.push(row);
            if row.is_some() {
                self.first_refused.get_or_insert(at);
            }
            return row;
        }
        match self.known.get(row.history_id.as_deref().unwrap_or_default()) {
            Some(definition) => definition.complete(&mut row),
            None => self.miss(1, Some(at)),
        }
        Some(row)
    }

    fn miss(&mut self, count: u64, at: Option<At>) {
        self.missing += count;
        self.first_missing = self.first_missing.or(at);
    }

    /// The definitions were read, or the file ends: what was held, complete as far as it can be.
    pub(super) fn end(&mut self) -> Vec<ResultRecord> {
        let waiting = std::mem::take(&mut self.waiting);
        let places = waiting.values().flatten();
        let (count, first) = places.fold((0, None::<usize>), |(count, first), place| {
            (count + 1, Some(first.map_or(*place, |first| first.min(*place))))
        });
        let line = first.and_then(|place| self.held.rows().get(place)?.line);
        self.miss(count, line.map(|line| At { line, column: 1 }));
        self.read = true;
        self.held.take()
    }

    /// Tells which results were taken without a definition, at the end of the file.
    pub(super) fn report(&mut self, complete: bool, reporter: &mut Reporter<'_>) {
        if self.held.refused > 0 {
            let message = format!(
                "the definitions stand behind more results than can be held; {} results were taken without class and \
                 categories",
                self.held.refused
            );
            reporter.repaired(&codes::UNKNOWN_REFERENCE, self.first_refused, &message);
        }
        if self.left_out > 0 {
            let message = format!("{} definitions beyond those that can be held were left out", self.left_out);
            reporter.repaired(&codes::UNKNOWN_REFERENCE, self.first_left_out, &message);
        } else if self.missing > 0 && complete {
            let message = match self.missing {
                1 => "1 result names no definition that the file holds".to_owned(),
                count => format!("{count} results name no definition that the file holds"),
            };
            reporter.repaired(&codes::UNKNOWN_REFERENCE, self.first_missing, &message);
        }
    }
}
