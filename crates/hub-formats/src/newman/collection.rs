//! The folders of a collection: which request stands where.

use std::collections::HashMap;

use hub_domain::record::ResultRecord;
use serde_json::Value;

use crate::json::values;
use crate::json::{Path, Want};

/// Requests and folders that are remembered; the largest collections have some thousands.
const ITEMS: usize = 100_000;

/// A request or folder.
#[derive(Debug, Default)]
struct Item {
    outer: Option<usize>,
    name: Option<String>,
}

/// The collection.
#[derive(Debug, Default)]
pub(super) struct Collection {
    name: Option<String>,
    items: Vec<Item>,
    by_id: HashMap<String, usize>,
    open: Vec<usize>,
}

/// How deep in `item[]` a path below `collection` is, and what is left of it.
fn below_items(path: &Path) -> (usize, &Path) {
    let mut rest = path.get(1..).unwrap_or_default();
    let mut depth = 0;
    while let [list, item, inner @ ..] = rest
        && list == "item"
        && item == "[]"
    {
        depth += 1;
        rest = inner;
    }
    (depth, rest)
}

/// What is wanted of a path below `collection`.
pub(super) fn want(path: &Path) -> Want {
    match below_items(path) {
        (depth, []) if depth > 0 => Want::Enter,
        (_, [key]) if key == "item" => Want::Enter,
        (depth, [key]) if depth > 0 && (key == "id" || key == "_postman_id" || key == "name") => Want::Whole,
        _ => Want::Nothing,
    }
}

impl Collection {
    /// The collection's name.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn enter(&mut self, path: &Path) {
        if let (depth @ 1.., []) = below_items(path)
            && self.items.len() < ITEMS
        {
            self.open.truncate(depth - 1);
            self.items.push(Item { outer: self.open.last().copied(), name: None });
            self.open.push(self.items.len() - 1);
        }
    }

    pub(super) fn whole(&mut self, path: &Path, value: &Value) {
        match below_items(path) {
            (0, [.., key]) if key == "name" => self.name = values::scalar(value),
            (depth, [key]) if depth == self.open.len() => {
                let Some(open) = self.open.last().copied() else { return };
                match (key.as_str(), values::scalar(value)) {
                    ("name", name) => {
                        if let Some(item) = self.items.get_mut(open) {
                            item.name = name;
                        }
                    }
                    (_, Some(id)) => drop(self.by_id.insert(id, open)),
                    (_, None) => {}
                }
            }
            _ => {}
        }
    }

    pub(super) fn leave(&mut self, path: &Path) {
        if let (depth @ 1.., []) = below_items(path) {
            self.open.truncate(depth - 1);
        }
    }

    /// Puts the collection and the folders before the request in a row's suite. The request's id is in its history id.
    pub(super) fn place(&self, record: &mut ResultRecord) {
        let mut path: Vec<String> = Vec::new();
        let known = record.history_id.take().and_then(|id| self.by_id.get(&id).copied());
        let mut outer = known.and_then(|at| self.items.get(at)).and_then(|item| item.outer);
        while let Some(item) = outer.and_then(|at| self.items.get(at)) {
            path.extend(item.name.clone().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()));
            outer = item.outer;
        }
        path.extend(self.name.clone());
        path.reverse();
        path.append(&mut record.suite);
        record.suite = path;
    }
}
