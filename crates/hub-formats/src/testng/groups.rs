//! The groups of a suite, which stand before its tests and name their methods.

use std::collections::HashMap;

use hub_domain::codes;
use hub_domain::record::ResultRecord;

use crate::element::Element;
use crate::parts;
use crate::reporter::Reporter;

/// Memberships of one suite that are kept: a suite of 10,000 methods in five groups each.
const MEMBERSHIPS: usize = 50_000;

/// The groups of the open suite by method.
#[derive(Debug, Default)]
pub(super) struct Groups {
    of_method: HashMap<String, Vec<String>>,
    memberships: usize,
}

impl Groups {
    /// Takes a `group` with its methods.
    pub(super) fn take(&mut self, group: &Element, reporter: &mut Reporter<'_>) {
        let Some(name) = group.filled("name") else { return };
        for method in group.all("method") {
            self.memberships += 1;
            if self.memberships > MEMBERSHIPS {
                if self.memberships == MEMBERSHIPS + 1 {
                    let message = format!("memberships of groups beyond {MEMBERSHIPS} of one suite were left out");
                    reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(method.at), &message);
                }
                return;
            }
            let key = key(method.attribute("class").unwrap_or_default(), method);
            self.of_method.entry(key).or_default().push(name.clone());
        }
    }

    /// Gives a record the groups of its method.
    pub(super) fn tag(&self, record: &mut ResultRecord, method: &Element) {
        let key = key(record.class_name.as_deref().unwrap_or_default(), method);
        for group in self.of_method.get(&key).into_iter().flatten() {
            parts::tag(&mut record.tags, group);
        }
    }

    /// Forgets the groups: the suite ends.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A method by its class, its name and the types of its parameters: methods of one name may be in different groups.
fn key(class: &str, method: &Element) -> String {
    let signature = method.attribute("signature").unwrap_or_default();
    let types = signature.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(types, _)| types);
    format!("{class}\u{1f}{}\u{1f}{types}", method.attribute("name").unwrap_or_default())
}
