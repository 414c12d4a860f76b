//! Results that wait for what their file says of them further down: a definition, the labels of their suite. What is held
//! is bounded; a result beyond the bound is handed on as it is, and the reader says so.

use std::mem::size_of;

use hub_domain::record::ResultRecord;

use crate::limits;

/// Results in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct Held {
    rows: Vec<ResultRecord>,
    bytes: usize,
    /// How many did not fit.
    pub(crate) refused: u64,
}

impl Held {
    /// Holds a result, or gives it back where the bound is reached.
    pub(crate) fn push(&mut self, row: Box<ResultRecord>) -> Option<Box<ResultRecord>> {
        let bytes = weight(&row);
        if self.bytes + bytes > limits::HELD_BYTES {
            self.refused += 1;
            return Some(row);
        }
        self.bytes += bytes;
        self.rows.push(*row);
        None
    }

    /// The results that are held.
    pub(crate) fn rows(&mut self) -> &mut [ResultRecord] {
        &mut self.rows
    }

    /// Takes the results out.
    pub(crate) fn take(&mut self) -> Vec<ResultRecord> {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}

/// About how many bytes of memory a result takes.
pub(crate) fn weight(row: &ResultRecord) -> usize {
    let texts = [&row.class_name, &row.file, &row.message, &row.details, &row.output, &row.error_type, &row.history_id];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let pairs = |pairs: &[(String, String)]| -> usize { pairs.iter().map(|(a, b)| a.len() + b.len() + 48).sum() };
    let steps: usize = row.steps.iter().map(|s| s.name.len() + s.message.as_ref().map_or(0, String::len) + 96).sum();
    let names: usize = row.suite.iter().chain(&row.tags).map(|name| name.len() + 24).sum();
    let files: usize =
        row.attachments.iter().map(|a| a.path.len() + a.body.as_ref().map_or(0, |body| body.0.len()) + 96).sum();
    // 64 for the short texts: name, status, start.
    size_of::<ResultRecord>()
        + 64
        + row.name.len()
        + texts
        + pairs(&row.properties)
        + pairs(&row.parameters)
        + steps
        + names
        + files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_comes_back() {
        let mut held = Held::default();
        let row = || Box::new(ResultRecord { details: Some("x".repeat(1 << 20)), ..ResultRecord::default() });
        let kept = (0..100).filter(|_| held.push(row()).is_none()).count();
        assert!(kept < limits::HELD_BYTES >> 20 && kept > 10, "{kept}");
        assert_eq!((held.take().len(), held.refused), (kept, 100 - kept as u64));
        assert!(held.push(row()).is_none());
    }
}
