//! When something began and how long it took, as the versions of Robot Framework write it: `start` and `elapsed` in
//! seconds since 7.0, `starttime` and `endtime` before.

use crate::record::clock;
use crate::xml::element::Element;

/// The times of a `status`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// RFC 3339 without a zone.
    pub(super) started_at: Option<String>,
    pub(super) duration_ms: Option<u64>,
    /// Why the duration was not taken.
    pub(super) odd: Option<&'static str>,
}

/// Reads the times of a `status`.
pub(super) fn of(status: &Element) -> Times {
    let start = status.filled("start").or_else(|| status.filled("starttime")).filter(|text| text != "N/A");
    let started_at = start.as_deref().map(written);
    match status.filled("elapsed") {
        Some(elapsed) => match clock::seconds(&elapsed) {
            Ok(duration_ms) => Times { started_at, duration_ms, odd: None },
            Err(what) => Times { started_at, duration_ms: None, odd: Some(what) },
        },
        None => {
            let end = status.filled("endtime").as_deref().and_then(clock::local);
            let start = start.as_deref().and_then(clock::local);
            let duration_ms = end.zip(start).and_then(|(end, start)| u64::try_from(end - start).ok());
            Times { started_at, duration_ms, odd: None }
        }
    }
}

/// `20240102 03:04:05.678` as `2024-01-02T03:04:05.678`; what is written otherwise stays.
fn written(text: &str) -> String {
    let Some((date, time)) = text.split_once(' ') else { return text.to_owned() };
    match (date.get(..4), date.get(4..6), date.get(6..)) {
        (Some(year), Some(month), Some(day)) if day.len() == 2 && date.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{year}-{month}-{day}T{time}")
        }
        (_, _, _) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::At;

    fn status(attributes: &[(&str, &str)]) -> Times {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        of(&Element {
            name: "status".to_owned(),
            attributes,
            text: String::new(),
            children: Vec::new(),
            at: At { line: 1, column: 1 },
        })
    }

    #[test]
    fn both_forms_are_read() {
        let expect =
            |started_at: &str, duration_ms| Times { started_at: Some(started_at.to_owned()), duration_ms, odd: None };
        let old = [("starttime", "20240102 03:04:59.900"), ("endtime", "20240102 03:05:00.105")];
        assert_eq!(status(&old), expect("2024-01-02T03:04:59.900", Some(205)));
        let new = [("start", "2024-01-02T03:04:05.678901"), ("elapsed", "0.205500")];
        assert_eq!(status(&new), expect("2024-01-02T03:04:05.678901", Some(206)));
        let none = [("starttime", "N/A"), ("endtime", "N/A")];
        assert_eq!(status(&none), Times::default());
        let odd = [("start", "ayer"), ("elapsed", "mucho")];
        let times = status(&odd);
        assert_eq!((times.started_at.as_deref(), times.odd.is_some()), (Some("ayer"), true));
    }
}
