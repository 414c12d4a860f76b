//! The groups of a suite, which stand before its tests and name their methods.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use hub_domain::codes;
use hub_domain::record::ResultRecord;

use crate::record::facts;
use crate::reporter::{At, Reporter};
use crate::xml::element::Element;
use crate::xml::parts;

/// Groups of one suite that are kept.
const GROUPS: usize = 1_000;

/// Memberships of one suite that are kept: a suite of 10,000 methods in five groups each.
const MEMBERSHIPS: usize = 50_000;

/// The groups of the open suite by method. A method is known by a hash: names may be long and are there twice.
#[derive(Debug, Default)]
pub(super) struct Groups {
    names: Vec<String>,
    of_method: HashMap<u64, Vec<usize>>,
    memberships: usize,
    full: bool,
}

impl Groups {
    /// A `group` begins.
    pub(super) fn begin(&mut self, group: &Element, reporter: &mut Reporter<'_>) {
        if self.names.len() >= GROUPS {
            self.leave_out(group.at, reporter);
        } else {
            let name = parts::name(group.attribute("name").unwrap_or_default(), group.at, reporter);
            self.names.push(name.unwrap_or_default());
        }
    }

    /// Takes a `method` of the group that began last.
    pub(super) fn member(&mut self, method: &Element, reporter: &mut Reporter<'_>) {
        let Some(group) = self.names.len().checked_sub(1) else { return };
        if self.full || self.memberships >= MEMBERSHIPS {
            return self.leave_out(method.at, reporter);
        }
        self.memberships += 1;
        let key = key(method.attribute("class").unwrap_or_default(), method);
        self.of_method.entry(key).or_default().push(group);
    }

    /// Gives a record the groups of its method.
    pub(super) fn tag(&self, record: &mut ResultRecord, method: &Element) {
        let key = key(record.class_name.as_deref().unwrap_or_default(), method);
        for name in self.of_method.get(&key).into_iter().flatten().filter_map(|index| self.names.get(*index)) {
            facts::tag(record, name);
        }
    }

    /// Forgets the groups: the suite ends.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn leave_out(&mut self, at: At, reporter: &mut Reporter<'_>) {
        if !std::mem::replace(&mut self.full, true) {
            let message =
                format!("groups beyond {GROUPS} and members of them beyond {MEMBERSHIPS} of one suite were left out");
            reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(at), &message);
        }
    }
}

/// A method by its class, its name and the types of its parameters: methods of one name may be in different groups.
fn key(class: &str, method: &Element) -> u64 {
    let signature = method.attribute("signature").unwrap_or_default();
    let types = signature.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(types, _)| types);
    let mut hasher = DefaultHasher::new();
    (class, method.attribute("name").unwrap_or_default(), types).hash(&mut hasher);
    hasher.finish()
}
