//! The table at the end: each figure beside its limit.

use super::judge::Verdict;

/// How many entries of a kind are shown.
const SHOWN: usize = 12;

/// One line of the table.
pub struct Line {
    pub what: &'static str,
    pub figure: String,
    pub limit: String,
    pub holds: bool,
}

impl Line {
    /// A figure that must not pass its limit.
    pub fn at_most(what: &'static str, figure: f64, limit: f64, unit: &str) -> Self {
        let show = |value: f64| {
            let digits = if value.fract().abs() < 1e-9 { 0 } else { 3 };
            format!("{value:.digits$}{unit}")
        };
        Self { what, figure: show(figure), limit: format!("at most {}", show(limit)), holds: figure <= limit }
    }

    /// A count that must be nothing.
    pub fn none(what: &'static str, found: &[String]) -> Self {
        Self { what, figure: found.len().to_string(), limit: "0".to_owned(), holds: found.is_empty() }
    }

    /// A figure without a limit, to be read beside the others.
    pub fn told(what: &'static str, figure: impl ToString) -> Self {
        Self { what, figure: figure.to_string(), limit: String::new(), holds: true }
    }
}

/// The lines of a verdict.
pub fn of_verdict(verdict: &Verdict) -> Vec<Line> {
    kinds(verdict).into_iter().map(|(what, found)| Line::none(what, found)).collect()
}

fn kinds(verdict: &Verdict) -> [(&'static str, &Vec<String>); 8] {
    [
        ("duplicates", &verdict.duplicates),
        ("lost", &verdict.lost),
        ("stale contents", &verdict.stale),
        ("wrong links", &verdict.links),
        ("dead letters that are not the refused set", &verdict.dead),
        ("publications that are not settled", &verdict.unsettled),
        ("writes to what people made", &verdict.foreign),
        ("objects without a line of the audit trail", &verdict.unexplained),
    ]
}

/// The first entries of each kind that has any.
pub fn details(verdict: &Verdict) -> String {
    let mut text = String::new();
    for (what, found) in kinds(verdict).into_iter().filter(|(_, found)| !found.is_empty()) {
        text.push_str(&format!("\n{what}:\n"));
        for entry in found.iter().take(SHOWN) {
            text.push_str(&format!("    {entry}\n"));
        }
        if found.len() > SHOWN {
            text.push_str(&format!("    and {} more\n", found.len() - SHOWN));
        }
    }
    text
}

/// The table as text.
pub fn table(lines: &[Line]) -> String {
    let width = |value: fn(&Line) -> &str| lines.iter().map(|line| value(line).chars().count()).max().unwrap_or(0);
    let (what, figure, limit) = (width(|l| l.what), width(|l| &l.figure), width(|l| &l.limit));
    let mut text = String::new();
    for line in lines {
        let verdict = if line.holds { "" } else { "BROKEN" };
        let row = format!("{:<what$}  {:>figure$}  {:<limit$}  {verdict}", line.what, line.figure, line.limit);
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_limit_is_said_in_its_line() {
        let lines = [Line::at_most("calls", 30.0, 25.0, ""), Line::none("lost", &[]), Line::told("kills", 7)];
        let expect = "calls  30  at most 25  BROKEN\nlost    0  0\nkills   7\n";
        assert_eq!(table(&lines), expect);
        assert_eq!(Line::at_most("x", 0.05, 0.05, " s").limit, "at most 0.050 s");
    }

    #[test]
    fn a_long_list_is_cut() {
        let verdict = Verdict { lost: (0..20).map(|n| format!("e{n}")).collect(), ..Verdict::default() };
        let text = details(&verdict);
        assert!(text.contains("lost:\n    e0\n") && text.contains("and 8 more") && !text.contains("e12"), "{text}");
    }
}
