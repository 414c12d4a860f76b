//! What a test printed, line by line and without knowing how much will come: the beginning, and the end, where a panic
//! and its stack stand.

/// Bytes of the beginning.
const HEAD_BYTES: usize = 20_000;

/// Bytes of the end.
const TAIL_BYTES: usize = 10_000;

/// A text whose middle is left out where it is long.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    head: String,
    tail: String,
    left_out: bool,
}

impl Printed {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &str) {
        let room = HEAD_BYTES.saturating_sub(self.head.len());
        let rest = if self.tail.is_empty() && room > 0 {
            let (first, rest) = piece.split_at(piece.floor_char_boundary(room));
            self.head.push_str(first);
            rest
        } else {
            piece
        };
        let rest = rest.get(rest.ceil_char_boundary(rest.len().saturating_sub(TAIL_BYTES))..).unwrap_or_default();
        self.tail.push_str(rest);
        if self.tail.len() > 2 * TAIL_BYTES {
            let start = self.tail.ceil_char_boundary(self.tail.len() - TAIL_BYTES);
            self.tail.drain(..start);
            self.left_out = true;
        }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.push(line.trim_end_matches(['\n', '\r']));
        self.push("\n");
    }

    /// Whether the text holds something, as far as it is kept.
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.head.contains(text) || self.tail.contains(text)
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        let mark = if self.left_out { "\n[... left out here]\n" } else { "" };
        format!("{}{mark}{}", self.head, self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_whole_and_long_ones_keep_their_ends() {
        let mut printed = Printed::default();
        for line in ["a", "b\r\n"] {
            printed.line(line);
        }
        assert_eq!(printed.into_text(), "a\nb\n");
        for piece in ["é".repeat(7), "x".repeat(50_000)] {
            let mut printed = Printed::default();
            printed.push("begin ");
            for _ in 0..20_000 {
                printed.push(&piece);
            }
            printed.push(" end");
            let text = printed.into_text();
            assert!(text.starts_with("begin ") && text.ends_with(" end") && text.contains("left out"));
            assert!(text.len() < 50_000, "{}", text.len());
        }
    }
}
