//! Lines to rows. With quotes: RFC 4180, and a quote inside a quoted cell that neither ends it nor is doubled is text
//! (people write `"Press "Save""`). A quote that is never closed costs its own row and not the rest of the file.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use crate::input::Input;
use crate::limits;

/// How often the lines behind an unclosed quote are looked at again as rows of several lines. Beyond it each of them
/// must be a row by itself, so that a file of unclosed quotes is not read once per line.
const UNCLOSED_QUOTES: u32 = 16;

/// How cells are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    delimiter: char,
    quotes: bool,
}

impl Dialect {
    /// Every dialect, the likelier first where two fit.
    pub(super) const ALL: [Self; 4] = [
        Self { delimiter: '\t', quotes: true },
        Self { delimiter: ',', quotes: true },
        Self { delimiter: ';', quotes: true },
        Self { delimiter: '|', quotes: false },
    ];
}

impl Dialect {
    /// The character between cells.
    pub(super) fn delimiter(self) -> char {
        self.delimiter
    }
}

/// The cells of a line that is a row by itself.
pub(super) fn split_line(dialect: Dialect, line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut splitter = Splitter::new(dialect, Strictness::Lenient);
    splitter.line(line.trim_end_matches(['\r', '\n']), &mut cells);
    splitter.end(&mut cells);
    cells
}

/// Whether a lone quote inside a quoted cell is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// It is text, as people mean it.
    Lenient,
    /// It ends the quoting, as most programs read it: what follows up to the delimiter belongs to the cell.
    Strict,
}

/// Splits one row, line by line.
struct Splitter {
    dialect: Dialect,
    strictness: Strictness,
    cell: String,
    quoted: bool,
    /// A lone quote was taken as text.
    doubtful: bool,
}

impl Splitter {
    fn new(dialect: Dialect, strictness: Strictness) -> Self {
        Self { dialect, strictness, cell: String::new(), quoted: false, doubtful: false }
    }

    /// Takes a line without its end. The row goes on where a quote is open afterwards.
    fn line(&mut self, line: &str, cells: &mut Vec<String>) {
        let delimiter = self.dialect.delimiter;
        let mut chars = line.chars().peekable();
        let mut fresh = !self.quoted;
        while let Some(c) = chars.next() {
            if self.quoted {
                if c != '"' {
                    self.cell.push(c);
                } else if chars.next_if_eq(&'"').is_some() {
                    self.cell.push('"');
                } else {
                    let mut ahead = chars.clone();
                    while ahead.next_if_eq(&' ').is_some() {}
                    if self.strictness == Strictness::Strict || ahead.next().is_none_or(|next| next == delimiter) {
                        self.quoted = false;
                    } else {
                        self.doubtful = true;
                        self.cell.push('"');
                    }
                }
            } else if c == delimiter {
                cells.push(std::mem::take(&mut self.cell));
                fresh = true;
                continue;
            } else if c == '"' && fresh && self.dialect.quotes {
                self.quoted = true;
            } else if c == '\\' && !self.dialect.quotes && chars.next_if_eq(&delimiter).is_some() {
                self.cell.push(delimiter);
            } else {
                self.cell.push(c);
            }
            fresh = false;
        }
    }

    fn end(&mut self, cells: &mut Vec<String>) {
        cells.push(std::mem::take(&mut self.cell));
        self.quoted = false;
    }
}

/// What comes next in a table.
pub(super) enum Next {
    /// A row.
    Row,
    /// A row that cannot be split, and why; the cells found so far are there.
    Unreadable(&'static str),
    /// The end of the file.
    End,
    /// The source failed.
    Failed(io::Error),
}

/// The rows of one file.
pub(super) struct Rows<'i, 'r> {
    input: &'i mut Input<'r>,
    dialect: Dialect,
    /// Lines to be read again, after a quote before them was never closed.
    again: VecDeque<(u64, String)>,
    unclosed: u32,
}

impl<'i, 'r> Rows<'i, 'r> {
    pub(super) fn new(input: &'i mut Input<'r>) -> Self {
        let [dialect, ..] = Dialect::ALL;
        Self { input, dialect, again: VecDeque::new(), unclosed: 0 }
    }

    pub(super) fn set_dialect(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// The next line and its number, without its end. A line beyond the limit is cut there.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(u64, String)>> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let number = self.input.at().line;
        let mut bytes = Vec::new();
        self.input.by_ref().take(limits::ROW_BYTES as u64 + 1).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let whole = bytes.ends_with(b"\n");
        if !whole && bytes.len() > limits::ROW_BYTES {
            self.input.skip_until(b'\n')?;
        }
        // The limit may have cut a character; what is left of it is no text.
        let mut text = String::from_utf8(bytes).unwrap_or_else(|error| {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            String::from_utf8(bytes).unwrap_or_default()
        });
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        Ok(Some((number, text)))
    }

    /// Reads the next row into `cells`; with the line at which it begins.
    pub(super) fn next_row(&mut self, cells: &mut Vec<String>) -> (Next, u64) {
        cells.clear();
        let (number, first) = match self.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => return (Next::End, self.input.at().line),
            Err(error) => return (Next::Failed(error), self.input.at().line),
        };
        if first.len() >= limits::ROW_BYTES {
            cells.push(first.chars().take(limits::PROBLEM_CHARS).collect());
            return (Next::Unreadable("the row is larger than 1 MiB"), number);
        }
        let mut splitter = Splitter::new(self.dialect, Strictness::Lenient);
        splitter.line(&first, cells);
        if splitter.quoted && splitter.doubtful {
            let mut strict = Splitter::new(self.dialect, Strictness::Strict);
            let mut strict_cells = Vec::new();
            strict.line(&first, &mut strict_cells);
            if !strict.quoted {
                strict.end(&mut strict_cells);
                *cells = strict_cells;
                return (Next::Row, number);
            }
        }
        let mut behind = Vec::new();
        let mut bytes = first.len();
        while splitter.quoted {
            let single = self.unclosed >= UNCLOSED_QUOTES && !self.again.is_empty();
            let line = if single { Ok(None) } else { self.next_line() };
            match line {
                Ok(Some(line)) if bytes + line.1.len() < limits::ROW_BYTES && cells.len() < limits::COLUMNS => {
                    bytes += line.1.len() + 1;
                    splitter.cell.push('\n');
                    splitter.line(&line.1, cells);
                    behind.push(line);
                }
                Ok(line) => {
                    self.unclosed = self.unclosed.saturating_add(1);
                    for line in behind.into_iter().chain(line).rev() {
                        self.again.push_front(line);
                    }
                    cells.clear();
                    cells.extend(split_line(self.dialect, &first));
                    return (Next::Unreadable("a quote is not closed"), number);
                }
                Err(error) => return (Next::Failed(error), number),
            }
        }
        splitter.end(cells);
        (Next::Row, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, dialect: Dialect) -> Vec<(u64, Result<Vec<String>, &'static str>)> {
        let mut source = text.as_bytes();
        let mut input = Input::open(&mut source).unwrap();
        let mut rows = Rows::new(&mut input);
        rows.set_dialect(dialect);
        let (mut found, mut cells) = (Vec::new(), Vec::new());
        loop {
            match rows.next_row(&mut cells) {
                (Next::Row, line) => found.push((line, Ok(cells.clone()))),
                (Next::Unreadable(what), line) => found.push((line, Err(what))),
                (Next::End, _) => return found,
                (Next::Failed(error), _) => panic!("{error}"),
            }
        }
    }

    const COMMA: Dialect = Dialect { delimiter: ',', quotes: true };
    const PIPE: Dialect = Dialect { delimiter: '|', quotes: false };

    fn check(text: &str, dialect: Dialect, expect: &[(u64, &[&str])]) {
        let expect: Vec<_> = expect
            .iter()
            .map(|(line, cells)| (*line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())))
            .collect();
        assert_eq!(rows(text, dialect), expect, "{text:?}");
    }

    #[test]
    fn quotes_line_breaks_and_their_abuses() {
        check(
            "a,b\r\n\"x\ny, z\",\"say \"\"hi\"\"\"\nc,d",
            COMMA,
            &[(1, &["a", "b"]), (2, &["x\ny, z", "say \"hi\""]), (4, &["c", "d"])],
        );
        check("\"Press \"Save\" now\",b \"c\"", COMMA, &[(1, &["Press \"Save\" now", "b \"c\""])]);
        check("\"a\" ,b\n\"a\"x,b\n", COMMA, &[(1, &["a ", "b"]), (2, &["ax", "b"])]);
        check(",\n\n\"\"", COMMA, &[(1, &["", ""]), (2, &[""]), (3, &[""])]);
    }

    #[test]
    fn a_pipe_file_has_no_quotes() {
        check("a|\"b|c\\|d|e\\f\\\n|", PIPE, &[(1, &["a", "\"b", "c|d", "e\\f\\"]), (2, &["", ""])]);
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_row() {
        let found = rows("a,\"b\nc,d\n\"e\nf\",g\nh,i", COMMA);
        let cells = |cells: &[&str]| Ok(cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
        assert_eq!(found, [(1, cells(&["a", "b\nc,d\n\"e\nf", "g"])), (5, cells(&["h", "i"])),]);
        let found = rows("a,\"b\nc,d\ne,f", COMMA);
        assert_eq!(found, [(1, Err("a quote is not closed")), (2, cells(&["c", "d"])), (3, cells(&["e", "f"]))]);
    }

    #[test]
    fn a_file_of_unclosed_quotes_ends_soon_and_loses_no_line() {
        let text = "\"a,\n".repeat(100_000);
        let found = rows(&text, COMMA);
        assert_eq!(found.len(), 100_000);
        assert!(found.iter().all(|(_, row)| row.is_err()));
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_and_the_next_is_read() {
        let text = format!("a|{}é\nb|c\n", "x".repeat(limits::ROW_BYTES - 2));
        let found = rows(&text, PIPE);
        assert_eq!(found[0], (1, Err("the row is larger than 1 MiB")));
        assert_eq!(found[1], (2, Ok(vec!["b".to_owned(), "c".to_owned()])));
    }
}
