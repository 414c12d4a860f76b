//! The walk through a document: a format goes into suites and takes whole tests.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::ops::ControlFlow;

use hub_domain::codes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::Path;
use super::filter::Filter;
use super::tree::{Budget, Tree};
use crate::limits;
use crate::reporter::{At, Reporter};

/// What a format wants of the value at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Go into an object or array: a suite, a list of tests. Anything else at this path is handed over whole.
    Enter,
    /// Read all of it: a test, a title.
    Whole,
    /// Pass over it.
    Nothing,
}

/// A format's part of [`super::walk`].
pub(crate) trait Visit {
    /// What is wanted of the value at `path`.
    fn want(&self, path: &Path) -> Want;

    /// An object or array is entered.
    fn enter(&mut self, path: &Path, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()>;

    /// A value was read; `at` is the place behind its key.
    fn whole(&mut self, path: &Path, value: Value, at: At, reporter: &mut Reporter<'_>) -> ControlFlow<()>;

    /// An entered object or array ends.
    fn leave(&mut self, path: &Path, reporter: &mut Reporter<'_>) -> ControlFlow<()>;

    /// The file ends as it should, or is damaged from here on: what is held back is handed on.
    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()>;
}

/// Walks through the document that `filter` gives.
pub(super) fn document<'v>(
    filter: &'v mut Filter<'_, '_>,
    place: &'v Cell<At>,
    reporter: &'v mut Reporter<'_>,
    visit: &'v mut dyn Visit,
) -> Result<ControlFlow<()>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(&mut *filter);
    let mut state = State { path: Vec::new(), place, reporter: &mut *reporter, visit, stopped: false };
    let outcome = Step(&mut state).deserialize(&mut json);
    if state.stopped {
        return Ok(ControlFlow::Break(()));
    }
    outcome?;
    // The document is complete and its last bracket the last byte that was taken.
    drop(json);
    let at = place.get();
    match behind(filter).map_err(serde_json::Error::io)? {
        Behind::Nothing => {}
        Behind::Text => {
            reporter.repaired(&codes::NOT_WELL_FORMED, Some(at), "text behind the report was passed over");
        }
        Behind::Json => {
            place.set(at);
            return Err(serde::de::Error::custom("more JSON stands behind the report"));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// What stands behind a document.
enum Behind {
    /// Space.
    Nothing,
    /// What a tool printed after its report.
    Text,
    /// More JSON: another document, or a bracket too many.
    Json,
}

fn behind(rest: &mut impl Read) -> std::io::Result<Behind> {
    let mut buffer = [0; 4_096];
    let (mut found, mut begins) = (Behind::Nothing, false);
    loop {
        let count = rest.read(&mut buffer)?;
        if count == 0 {
            return Ok(found);
        }
        for byte in buffer.iter().take(count) {
            let first = matches!(found, Behind::Nothing);
            match byte {
                b'\n' => begins = true,
                byte if byte.is_ascii_whitespace() => {}
                b'{' if first || begins => return Ok(Behind::Json),
                b'[' | b'}' | b']' | b',' | b'"' if first => return Ok(Behind::Json),
                _ => (found, begins) = (Behind::Text, false),
            }
        }
    }
}

struct State<'v, 'r> {
    path: Vec<String>,
    place: &'v Cell<At>,
    reporter: &'v mut Reporter<'r>,
    visit: &'v mut dyn Visit,
    stopped: bool,
}

impl State<'_, '_> {
    /// Turns a `Break` into an error, which is how reading ends early.
    fn go_on<E: serde::de::Error>(&mut self, flow: ControlFlow<()>) -> Result<(), E> {
        match flow {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.stopped = true;
                Err(E::custom("stopped"))
            }
        }
    }

    fn scalar<E: serde::de::Error>(&mut self, value: Value) -> Result<(), E> {
        let at = self.place.get();
        let flow = self.visit.whole(&self.path, value, at, self.reporter);
        self.go_on(flow)
    }

    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        if self.path.len() > limits::DEPTH {
            return Err(E::custom("recursion limit exceeded"));
        }
        let at = self.place.get();
        let flow = self.visit.enter(&self.path, at, self.reporter);
        self.go_on(flow)
    }

    fn leave<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let flow = self.visit.leave(&self.path, self.reporter);
        self.go_on(flow)
    }
}

struct Step<'s, 'v, 'r>(&'s mut State<'v, 'r>);

impl<'de> DeserializeSeed<'de> for Step<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.visit.want(&self.0.path) {
            Want::Nothing => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            Want::Enter => deserializer.deserialize_any(self),
            Want::Whole => {
                let at = self.0.place.get();
                let mut budget = Budget::of_a_test();
                let value = Tree(&mut budget).deserialize(deserializer)?;
                if budget.exceeded {
                    let message = "a value holds more than can be kept; the rest was passed over";
                    self.0.reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(at), message);
                }
                let flow = self.0.visit.whole(&self.0.path, value, at, self.0.reporter);
                self.0.go_on(flow)
            }
        }
    }
}

impl<'de> Visitor<'de> for Step<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.0.scalar(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.0.scalar(Value::Number(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.0.scalar(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.0.scalar(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.0.scalar(Value::String(value.to_owned()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.scalar(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.enter()?;
        self.0.path.push("[]".to_owned());
        while items.next_element_seed(Step(&mut *self.0))?.is_some() {}
        self.0.path.pop();
        self.0.leave()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.0.enter()?;
        while let Some(mut key) = entries.next_key::<String>()? {
            if key.len() > limits::NAME_CHARS {
                key.truncate(key.floor_char_boundary(limits::NAME_CHARS));
            }
            self.0.path.push(key);
            entries.next_value_seed(Step(&mut *self.0))?;
            self.0.path.pop();
        }
        self.0.leave()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_domain::problem::Severity;

    use crate::input::Input;
    use crate::json;
    use crate::sink::Collected;

    #[derive(Default)]
    struct Seen(Vec<String>, Option<bool>);

    impl Visit for Seen {
        fn want(&self, path: &Path) -> Want {
            match path.last().map(String::as_str) {
                Some("skip") => Want::Nothing,
                Some("test") => Want::Whole,
                Some(_) | None => Want::Enter,
            }
        }

        fn enter(&mut self, path: &Path, _: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.0.push(format!("+{}", path.join("/")));
            ControlFlow::Continue(())
        }

        fn whole(&mut self, path: &Path, value: Value, at: At, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.0.push(format!("{} {value} {}", path.join("/"), at.line));
            ControlFlow::Continue(())
        }

        fn leave(&mut self, path: &Path, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.0.push(format!("-{}", path.join("/")));
            ControlFlow::Continue(())
        }

        fn finish(&mut self, complete: bool, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.1 = Some(complete);
            ControlFlow::Continue(())
        }
    }

    fn walked(text: &str) -> (Seen, Collected) {
        let (mut seen, mut sink) = (Seen::default(), Collected::default());
        let mut source = text.as_bytes();
        let mut input = Input::open(&mut source).unwrap();
        let mut reporter = Reporter::new("f", &mut sink);
        let _ = json::walk(&mut input, &mut reporter, &mut seen);
        reporter.close();
        (seen, sink)
    }

    #[test]
    fn suites_are_entered_and_tests_taken_whole() {
        let (seen, sink) = walked("{\"skip\": [1], \"s\": [\n{\"test\": {\"a\": [1, {\"b\": null}]}}], \"t\": \"x\"}");
        assert_eq!(
            seen.0,
            ["+", "+s", "+s/[]", "s/[]/test {\"a\":[1,{\"b\":null}]} 2", "-s/[]", "-s", "t \"x\" 2", "-"]
        );
        assert_eq!((seen.1, sink), (Some(true), Collected::default()));
    }

    #[test]
    fn damage_keeps_what_stands_before_it_and_names_its_place() {
        for (text, code, line) in [
            ("{\"test\": 1,\n\"t\": [", "HUB-1002", 2),
            ("{\"test\": 1,\n\n nonsense}", "HUB-1002", 3),
            ("{\"test\": 1}\n{\"test\": 2}", "HUB-1002", 1),
            ("{\"test\": 1}, {\"test\": 2}", "HUB-1002", 1),
            ("{\"test\": 1}\nprinted\n {\"test\": 2}", "HUB-1002", 1),
        ] {
            let (seen, sink) = walked(text);
            assert_eq!((seen.0[1].as_str(), seen.1), ("test 1 1", Some(false)), "{text}");
            let problem = &sink.problems[0];
            assert_eq!((problem.code.id, problem.position.line), (code, Some(line)), "{text}");
            assert!(!problem.message.contains(" at line "), "{}", problem.message);
        }
    }

    #[test]
    fn what_a_tool_prints_after_its_report_costs_nothing_of_it() {
        for text in ["{\"test\": 1}\n\n", "{\"test\": 1}\n1 passed, {\"a\": 2}\n[INFO] done\n"] {
            let (seen, sink) = walked(text);
            assert_eq!((seen.0[1].as_str(), seen.1), ("test 1 1", Some(true)), "{text}");
            let said: Vec<_> = sink.problems.iter().map(|p| (p.severity, p.position.line)).collect();
            let expect = text.contains("passed").then_some((Severity::Repaired, Some(1)));
            assert_eq!(said, expect.into_iter().collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn a_million_levels_and_a_value_without_end_stay_in_their_bounds() {
        for open in ["[", "{\"a\":", "{\"test\":["] {
            let (seen, sink) = walked(&open.repeat(1_000_000));
            assert_eq!((seen.1, sink.problems[0].code.id), (Some(false), "HUB-1005"), "{open}");
        }
        let (seen, sink) = walked(&format!("{{\"test\": [{}1], \"t\": 2}}", "1,".repeat(200_000)));
        assert_eq!((seen.1, sink.problems[0].code.id), (Some(true), "HUB-1005"));
        assert!(seen.0[1].len() < 100_000);
        assert_eq!(seen.0[2], "t 2 1");
    }
}
