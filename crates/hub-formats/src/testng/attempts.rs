//! Methods that were repeated, held until the result comes that they led to.

use hub_domain::record::ResultRecord;

use crate::record::hygiene;
use crate::reporter::{At, Field, Reporter};

/// Attempts of one class that are held at a time, so that a class without end needs bounded memory. TestNG repeats a
/// method at once, so only as many wait as there are threads.
const HELD: usize = 1_000;

/// Bytes of text in them.
const HELD_BYTES: usize = 16 << 20;

/// The attempts of the open class.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    held: Vec<(String, Box<ResultRecord>)>,
    bytes: usize,
}

/// What a method has in common with its repetitions and with no other method of its class.
pub(super) fn key(record: &ResultRecord, signature: &str) -> String {
    let mut key = format!("{}\u{1f}{signature}", record.name);
    for (_, value) in &record.parameters {
        key.push('\u{1f}');
        key.push_str(without_address(value));
    }
    key
}

/// An object without a text of its own is written as its class and its address, `org.example.Row@1b6d3586`, and each
/// repetition may get another one.
fn without_address(value: &str) -> &str {
    match value.rsplit_once('@') {
        Some((class, address)) if !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit()) => class,
        Some(_) | None => value,
    }
}

impl Attempts {
    /// Holds an attempt. Where there are too many it is given back.
    pub(super) fn hold(&mut self, key: String, record: Box<ResultRecord>) -> Option<Box<ResultRecord>> {
        if self.held.len() >= HELD || self.bytes >= HELD_BYTES {
            return Some(record);
        }
        self.bytes += key.len() + bytes(&record);
        self.held.push((key, record));
        None
    }

    /// Joins the attempts with this key to the result that followed them.
    pub(super) fn join(&mut self, key: &str, record: &mut ResultRecord, at: At, reporter: &mut Reporter<'_>) {
        let mut others = String::new();
        let (mut count, mut freed) = (0_u32, 0);
        self.held.retain(|(known, attempt)| {
            if known != key {
                return true;
            }
            count += 1;
            freed += known.len() + bytes(attempt);
            let heading = [&attempt.error_type, &attempt.message].map(|text| text.as_deref().unwrap_or_default());
            let heading = heading.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
            for part in ["\n\n[retried] ", &heading, "\n", attempt.details.as_deref().unwrap_or_default()] {
                others.push_str(part);
            }
            false
        });
        self.bytes = self.bytes.saturating_sub(freed);
        if count == 0 {
            return;
        }
        record.attempt = count;
        // Only a failure is repeated.
        record.flaky = record.status.eq_ignore_ascii_case("PASS");
        let mut details = record.details.take().unwrap_or_default();
        details.push_str(&others);
        let mut details = details.trim().to_owned();
        if hygiene::cut(&mut details, Field::Details.limit()) {
            reporter.cut(Field::Details, at);
        }
        record.details = Some(details);
    }

    /// The attempts that no result followed.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Box<ResultRecord>> + use<> {
        std::mem::take(self).held.into_iter().map(|(_, record)| record)
    }
}

/// The bytes of an attempt's texts, as far as they can be long.
fn bytes(record: &ResultRecord) -> usize {
    let texts = [&record.message, &record.details, &record.output].into_iter().flatten().map(String::len);
    let pairs = record.parameters.iter().chain(&record.properties).map(|(name, value)| name.len() + value.len());
    texts.sum::<usize>() + pairs.sum::<usize>()
}
