//! What Cucumber's two formats share: the order of step statuses, step names with their tables, embedded contents.

use hub_domain::record::{AttachmentRecord, ResultRecord};

use crate::json::fill::{self, ErrorText};
use crate::limits;
use crate::record::contents::Room;
use crate::record::facts;
use crate::reporter::{At, Field, Reporter};

/// The media type of what a step logged, which is output and no attachment.
const LOG: &str = "text/x.cucumber.log+plain";

/// How grave a step's status is; the gravest is the scenario's. Words that Cucumber does not know are as grave as a
/// failure: they are not a pass.
pub(crate) fn gravity(status: &str) -> u8 {
    match status.to_ascii_lowercase().as_str() {
        "passed" => 1,
        "skipped" | "untested" | "untested_pending" | "untested_undefined" => 2,
        "unknown" => 3,
        "pending" | "pending_warn" => 4,
        "undefined" => 5,
        "ambiguous" => 6,
        _ => 7,
    }
}

/// A scenario while its steps are read.
#[derive(Debug, Default)]
pub(crate) struct Worst {
    /// The status of the gravest step so far, in the source's word.
    pub(crate) status: Option<String>,
}

impl Worst {
    /// Takes a status; whether it is graver than those before.
    pub(crate) fn take(&mut self, status: &str) -> bool {
        let graver = self.status.as_deref().is_none_or(|worst| gravity(status) > gravity(worst));
        if graver {
            self.status = Some(status.to_owned());
        }
        graver
    }

    /// Takes a step's status and error; those of the gravest are the record's, the others follow in its details.
    pub(crate) fn step(
        &mut self,
        record: &mut ResultRecord,
        status: &str,
        name: &str,
        error: Option<ErrorText>,
        at: At,
        reporter: &mut Reporter<'_>,
    ) {
        let graver = self.take(status);
        if gravity(status) <= gravity("skipped") {
            return;
        }
        let word = status.to_ascii_lowercase();
        let error = error.unwrap_or_else(|| {
            let message = fill::text(&format!("{word}: {name}"), Field::Message, at, reporter);
            ErrorText { message, ..ErrorText::default() }
        });
        if graver {
            let before = (record.details.take(), record.message.take());
            error.put_into(record);
            if let (Some(before), _) | (None, Some(before)) = before {
                fill::add_details(record, &before, at, reporter);
            }
        } else {
            fill::add_details(record, &error.block(&format!("{word}, {name}")), at, reporter);
        }
    }
}

/// A step's text with the rows or the text below it.
pub(crate) fn step_name(keyword: &str, text: &str, below: &str, at: At, reporter: &mut Reporter<'_>) -> String {
    let mut name = format!("{} {}", keyword.trim(), text.trim()).trim().to_owned();
    if !below.is_empty() {
        name.push('\n');
        name.push_str(below.trim_end());
    }
    fill::text(&name, Field::Name, at, reporter).unwrap_or_default()
}

/// One row of a table, as Gherkin writes it.
pub(crate) fn row<'c>(cells: impl Iterator<Item = &'c str>, out: &mut String) {
    if out.len() > limits::NAME_CHARS {
        return;
    }
    out.push('|');
    for cell in cells {
        out.push(' ');
        out.push_str(cell);
        out.push_str(" |");
    }
    out.push('\n');
}

/// A content that a step embedded.
#[derive(Debug, Default)]
pub(crate) struct Embedding<'e> {
    pub(crate) data: &'e str,
    /// Whether it is certain that `data` is base64, or that it is not.
    pub(crate) is_base64: Option<bool>,
    pub(crate) media_type: &'e str,
    pub(crate) name: Option<&'e str>,
    pub(crate) url: Option<&'e str>,
}

/// Keeps an embedded content: what was logged as output, the rest as an attachment.
pub(crate) fn embed(
    record: &mut ResultRecord,
    output: &mut String,
    room: &mut Room,
    embedding: &Embedding<'_>,
    at: At,
    reporter: &mut Reporter<'_>,
) {
    let is_text = embedding.media_type.starts_with("text/") || embedding.media_type.contains("json");
    // Older tools embed a text as it is, newer ones in base64, and none says which.
    let is_base64 = embedding.is_base64.unwrap_or_else(|| !is_text || holds_text(embedding.data));
    if embedding.media_type == LOG {
        let decoded = if is_base64 { Room::default().base64(embedding.data, at, reporter) } else { None };
        let text = decoded.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
        if output.len() < limits::RAW_TEXT_BYTES {
            output.push_str(text.as_deref().unwrap_or(embedding.data));
            output.push('\n');
        }
        return;
    }
    let named = embedding.url.or_else(|| Some(embedding.data).filter(|data| is_base64 && is_path(data)));
    let body = if embedding.data.is_empty() || named.is_some() {
        None
    } else if is_base64 {
        room.base64(embedding.data, at, reporter)
    } else {
        room.plain(embedding.data, at, reporter)
    };
    let text = |text: Option<&str>, reporter: &mut Reporter<'_>| {
        text.and_then(|text| fill::text(text, Field::Name, at, reporter))
    };
    let attachment = AttachmentRecord {
        name: text(embedding.name, reporter),
        path: text(named, reporter).unwrap_or_default(),
        content_type: text(Some(embedding.media_type), reporter),
        body,
    };
    facts::attach(record, attachment);
}

/// Whether what should be a content is the path of a file or an address: a dot stands in no base64.
fn is_path(data: &str) -> bool {
    let dotted = data.rsplit_once('.').is_some_and(|(name, ending)| !name.is_empty() && !ending.is_empty());
    dotted && data.len() <= limits::NAME_CHARS && !data.starts_with("data:") && !data.contains(char::is_whitespace)
}

/// Whether a text is base64 of a text: by its alphabet and length, and by what comes out of it.
fn holds_text(data: &str) -> bool {
    use base64::Engine as _;
    let data = data.trim();
    data.len().is_multiple_of(4)
        && base64::engine::general_purpose::STANDARD
            .decode(data)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .is_some_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_step_decides() {
        let mut worst = Worst::default();
        for (status, graver) in [
            ("passed", true),
            ("SKIPPED", true),
            ("passed", false),
            ("failed", true),
            ("undefined", false),
            ("failed", false),
        ] {
            assert_eq!(worst.take(status), graver, "{status}");
        }
        assert_eq!(worst.status.as_deref(), Some("failed"));
        assert!(gravity("made up") > gravity("passed"));
    }

    #[test]
    fn a_text_in_base64_is_told_from_a_text() {
        assert!(holds_text("bG9nZ2Vk"));
        assert!(!holds_text("plain text"));
        assert!(!holds_text("test"), "decodes to bytes that are no text");
    }
}
