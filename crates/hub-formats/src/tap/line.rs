//! The lines of TAP, one by one.

/// What a line is.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'l> {
    /// `TAP version 14`.
    Version(u64),
    /// `1..5`, with a directive: `1..0 # SKIP no network`.
    Plan { count: u64, skip: Option<&'l str> },
    /// `ok` or `not ok`.
    Point(Point<'l>),
    /// `Bail out!` and why.
    BailOut(&'l str),
    /// `# Subtest: name`.
    Subtest(&'l str),
    /// A comment without its mark.
    Comment(&'l str),
    /// `pragma +strict`.
    Nothing,
    /// The `}` behind subtests in braces.
    Close,
    /// Anything else.
    Other(&'l str),
}

/// A test point.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Point<'l> {
    pub(super) ok: bool,
    pub(super) number: Option<u64>,
    pub(super) description: String,
    pub(super) directive: Option<(Directive, &'l str)>,
    /// Milliseconds behind `time=`.
    pub(super) time: Option<f64>,
    /// Whether subtests follow in braces.
    pub(super) opens: bool,
}

/// What a point says besides its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Skip,
    Todo,
}

/// A line's indentation in spaces (a tab counts as four) and what it is.
pub(super) fn parse(line: &str) -> (usize, Line<'_>) {
    let text = line.trim_end();
    let rest = text.trim_start_matches([' ', '\t']);
    let indent = text.chars().take_while(|c| matches!(c, ' ' | '\t')).map(|c| if c == '\t' { 4 } else { 1 }).sum();
    (indent, kind(rest))
}

fn kind(text: &str) -> Line<'_> {
    if let Some(version) = text.strip_prefix("TAP version ") {
        return version.trim().parse().map_or(Line::Other(text), Line::Version);
    }
    if let Some(comment) = text.strip_prefix('#') {
        let comment = comment.trim();
        return comment.strip_prefix("Subtest:").map_or(Line::Comment(comment), |name| Line::Subtest(name.trim()));
    }
    if let Some(head) = text.get(..9).filter(|head| head.eq_ignore_ascii_case("bail out!")) {
        return Line::BailOut(text.get(head.len()..).unwrap_or_default().trim());
    }
    if text == "}" {
        return Line::Close;
    }
    if text.starts_with("pragma +") || text.starts_with("pragma -") {
        return Line::Nothing;
    }
    plan(text).or_else(|| point(text)).unwrap_or(Line::Other(text))
}

fn plan(text: &str) -> Option<Line<'_>> {
    let rest = text.strip_prefix("1..")?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, rest) = rest.split_at(digits);
    let count = count.parse().ok()?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Some(Line::Plan { count, skip: None });
    }
    let comment = rest.strip_prefix('#')?.trim();
    let skip = directive(comment).filter(|(kind, _)| *kind == Directive::Skip).map(|(_, why)| why);
    Some(Line::Plan { count, skip: skip.or(Some(comment).filter(|_| count == 0)) })
}

fn point(text: &str) -> Option<Line<'_>> {
    if let Some(point) = testem(text) {
        return Some(Line::Point(point));
    }
    let (ok, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    let ends = |text: &str| text.is_empty() || text.starts_with([' ', '\t', '-', '#']);
    if !ends(rest) {
        return None;
    }
    let spaced = rest.trim_start();
    let digits = spaced.len() - spaced.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, after) = spaced.split_at(digits);
    // `ok 2nd` has no number.
    let numbered = digits > 0 && ends(after);
    let (number, rest) = if numbered { (number.parse().ok(), after) } else { (None, rest) };
    // A dash at once behind the word or the number is not part of the description, nor is one that stands alone.
    let rest = rest.strip_prefix('-').unwrap_or_else(|| {
        let rest = rest.trim_start();
        rest.strip_prefix("- ").or_else(|| (rest == "-").then_some("")).unwrap_or(rest)
    });
    let mut point = Point { ok, number, ..Point::default() };
    let mut description = rest;
    for (at, _) in rest.match_indices('#') {
        let before = rest.get(..at).unwrap_or_default();
        if !(before.is_empty() || before.ends_with([' ', '\t'])) {
            continue;
        }
        let behind = rest.get(at + 1..).unwrap_or_default().trim();
        if let Some(found) = directive(behind) {
            point.directive = Some(found);
        } else if let Some(time) = time(behind) {
            point.time = Some(time);
        } else {
            continue;
        }
        description = before;
        break;
    }
    let mut description = description.trim();
    if let Some(before) = description.strip_suffix('{')
        && (before.is_empty() || before.ends_with(' '))
    {
        point.opens = true;
        description = before.trim();
    }
    point.description = unescaped(description);
    Some(Line::Point(point))
}

/// `skip 3 Chrome - a`, `todo 4 Chrome - a`: testem has words of its own for a directive.
fn testem(text: &str) -> Option<Point<'_>> {
    let skipped = text.strip_prefix("skip ").map(|rest| (Directive::Skip, rest));
    let (directive, rest) = skipped.or_else(|| text.strip_prefix("todo ").map(|rest| (Directive::Todo, rest)))?;
    let (number, description) = rest.split_once(' ')?;
    let number = Some(number.parse().ok()?);
    let description = unescaped(description.trim());
    // What is to do is expected to fail.
    let ok = directive == Directive::Skip;
    Some(Point { ok, number, description, directive: Some((directive, "")), ..Point::default() })
}

/// `SKIP why`, `skipped: why`, `TODO why`.
fn directive(text: &str) -> Option<(Directive, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(text.len());
    let (word, why) = text.split_at(end);
    let why = why.trim_start_matches(|c: char| c.is_whitespace() || c == ':').trim();
    let begins = |with: &str| word.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if begins("skip") {
        Some((Directive::Skip, why))
    } else {
        word.eq_ignore_ascii_case("todo").then_some((Directive::Todo, why))
    }
}

/// `time=12.5ms`, `time=1.2s`.
fn time(text: &str) -> Option<f64> {
    let value = text.strip_prefix("time=")?.split_whitespace().next()?;
    match value.strip_suffix("ms") {
        Some(ms) => ms.parse().ok(),
        None => value.strip_suffix('s')?.parse().ok().map(|seconds: f64| seconds * 1_000.0),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next_if(|next| matches!(next, '#' | '\\')).unwrap_or(c)),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Point<'_> {
        let (_, line) = parse(text);
        let Line::Point(point) = line else { panic!("{text:?} is {line:?}") };
        point
    }

    #[test]
    fn points_are_read_as_harnesses_read_them() {
        for (text, ok, number, description) in [
            ("ok", true, None, ""),
            ("not ok", false, None, ""),
            ("ok 1", true, Some(1), ""),
            ("ok 12 - a name", true, Some(12), "a name"),
            ("not ok 2 a name", false, Some(2), "a name"),
            ("ok - no number", true, None, "no number"),
            ("ok 2nd try", true, None, "2nd try"),
            ("ok 3 - issue #12 is fixed", true, Some(3), "issue #12 is fixed"),
            ("ok 3 - issue # 12", true, Some(3), "issue # 12"),
            ("ok-no number", true, None, "no number"),
            ("not ok 2-a name", false, Some(2), "a name"),
            ("ok 3 -5 is less", true, Some(3), "-5 is less"),
            ("ok -5 is less", true, None, "-5 is less"),
            ("ok 3 - a \\# SKIP b", true, Some(3), "a # SKIP b"),
            ("ok 3 - c\\\\d \\x", true, Some(3), "c\\d \\x"),
        ] {
            let point = of(text);
            assert_eq!((point.ok, point.number, point.description.as_str()), (ok, number, description), "{text}");
            assert_eq!(point.directive, None, "{text}");
        }
    }

    #[test]
    fn directives_and_times_are_taken_off_the_description() {
        for (text, directive, description) in [
            ("ok 1 # SKIP", (Directive::Skip, ""), ""),
            ("ok 1 - a # skip no network", (Directive::Skip, "no network"), "a"),
            ("ok 1 - a # Skipped: why", (Directive::Skip, "why"), "a"),
            ("not ok 1 - a #TODO later", (Directive::Todo, "later"), "a"),
            ("not ok 1 - a #1 # todo", (Directive::Todo, ""), "a #1"),
            ("ok 1-# skip why", (Directive::Skip, "why"), ""),
            ("ok# skip why", (Directive::Skip, "why"), ""),
            ("skip 1 Chrome 1.0 - [2 ms] - a", (Directive::Skip, ""), "Chrome 1.0 - [2 ms] - a"),
            ("todo 2 Chrome 1.0 - a", (Directive::Todo, ""), "Chrome 1.0 - a"),
        ] {
            let point = of(text);
            assert_eq!((point.directive, point.description.as_str()), (Some(directive), description), "{text}");
        }
        assert_eq!(of("ok 1 - a # time=12.5ms").time, Some(12.5));
        assert_eq!(of("ok 1 - a # time=2s {").time, Some(2_000.0));
        assert!(of("ok 1 - a {").opens);
        assert_eq!(of("ok 1 - a # TODOs").directive, None);
    }

    #[test]
    fn other_lines_are_told_apart() {
        for (text, indent, line) in [
            ("TAP version 14\r", 0, Line::Version(14)),
            ("    1..3", 4, Line::Plan { count: 3, skip: None }),
            ("1..0 # SKIP why", 0, Line::Plan { count: 0, skip: Some("why") }),
            ("1..3 of them", 0, Line::Other("1..3 of them")),
            ("Bail out! disk full", 0, Line::BailOut("disk full")),
            ("bail out!", 0, Line::BailOut("")),
            ("\t# Subtest: inner", 4, Line::Subtest("inner")),
            ("#hello", 0, Line::Comment("hello")),
            ("pragma +strict", 0, Line::Nothing),
            ("okay", 0, Line::Other("okay")),
            ("skip to the end", 0, Line::Other("skip to the end")),
            ("ok\tx", 0, Line::Point(Point { ok: true, description: "x".to_owned(), ..Point::default() })),
            ("", 0, Line::Other("")),
        ] {
            assert_eq!(parse(text), (indent, line), "{text:?}");
        }
    }
}
