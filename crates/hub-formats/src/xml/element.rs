//! One XML element with all that it holds, in memory: for a single test, whose size is bounded, and never for a suite.
//! [`walk`] goes through a file and hands a format the elements it asks for.

use std::ops::ControlFlow;

use hub_domain::codes;

use crate::limits;
use crate::reporter::{At, Field, Reporter};
use crate::xml::text::Text;
use crate::xml::{Fault, Start, Tag, Xml};

/// An element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    /// The name without its namespace prefix.
    pub(crate) name: String,
    /// Attributes as name without prefix and value, at most 8,192 characters each.
    pub(crate) attributes: Vec<(String, String)>,
    /// Its own text, cleaned, at most 32,768 characters; as written and up to 11 MB where [`Visit::embeds`] says so.
    pub(crate) text: String,
    /// What stands inside.
    pub(crate) children: Vec<Element>,
    /// Where it begins.
    pub(crate) at: At,
}

impl Element {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute that says something.
    pub(crate) fn filled(&self, name: &str) -> Option<String> {
        self.attribute(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// The first child of a name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of a name.
    pub(crate) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of a name, where it says something.
    pub(crate) fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The element with its attributes, before anything inside is read.
    ///
    /// # Errors
    /// The tag is damaged.
    pub(crate) fn head(start: &Start<'_>, reporter: &mut Reporter<'_>) -> Result<Self, Fault> {
        let mut attributes = Vec::new();
        start.attributes(reporter, |key, raw, reporter| {
            let name = key.rsplit_once(':').map_or(key, |(_, local)| local);
            attributes.push((name.to_owned(), start.value(raw, Field::Message, reporter)));
        })?;
        let name = start.name().to_owned();
        Ok(Self { name, attributes, text: String::new(), children: Vec::new(), at: start.at })
    }

    fn bytes(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + self.text.len()
    }
}

/// What a format wants of an element that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Go into it: a suite.
    Enter,
    /// Read all of it: a test.
    Whole,
    /// Pass over it with all that it holds.
    Nothing,
}

/// A format's part of [`walk`].
pub(crate) trait Visit {
    /// What is wanted of the element `name` inside of `parents`, outermost first.
    fn want(&self, name: &str, parents: &[String]) -> Want;

    /// Whether the text of an element `name` may embed a file, as base64 or in HTML, and is kept as it is written.
    fn embeds(&self, _name: &str) -> bool {
        false
    }

    /// An element is entered; `head` has its attributes only.
    fn enter(&mut self, head: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()>;

    /// An element was read. Its parent is the one that was entered last and not left.
    fn whole(&mut self, element: Element, reporter: &mut Reporter<'_>) -> ControlFlow<()>;

    /// The entered element `name` ends.
    fn leave(&mut self, name: &str, reporter: &mut Reporter<'_>) -> ControlFlow<()>;

    /// The file ends as it should, or is damaged from here on: what is held back is handed on.
    fn finish(&mut self, complete: bool, reporter: &mut Reporter<'_>) -> ControlFlow<()>;
}

/// Goes through a file. A damage ends it with a fatal problem; what was complete before it is at the sink.
pub(crate) fn walk(xml: &mut Xml<'_, '_>, reporter: &mut Reporter<'_>, visit: &mut dyn Visit) -> ControlFlow<()> {
    match steps(xml, reporter, visit) {
        Ok(ControlFlow::Continue(())) => visit.finish(true, reporter),
        Ok(ControlFlow::Break(())) => ControlFlow::Break(()),
        Err(fault) => {
            visit.finish(false, reporter)?;
            reporter.fatal(fault.code, Some(fault.at), &fault.message, None)
        }
    }
}

fn steps(xml: &mut Xml<'_, '_>, reporter: &mut Reporter<'_>, visit: &mut dyn Visit) -> Result<ControlFlow<()>, Fault> {
    let mut parents: Vec<String> = Vec::new();
    loop {
        xml.text(None)?;
        let flow = match xml.tag()? {
            Tag::Eof => return Ok(ControlFlow::Continue(())),
            Tag::Other => ControlFlow::Continue(()),
            Tag::End => match parents.pop() {
                Some(name) => visit.leave(&name, reporter),
                None => ControlFlow::Continue(()),
            },
            Tag::Start(start) => {
                let want = visit.want(start.name(), &parents);
                let empty = start.empty;
                match want {
                    Want::Enter => {
                        let head = Element::head(&start, reporter)?;
                        let name = head.name.clone();
                        let entered = visit.enter(head, reporter);
                        match (entered, empty) {
                            (ControlFlow::Continue(()), true) => visit.leave(&name, reporter),
                            (flow, true) => flow,
                            (flow, false) => {
                                parents.push(name);
                                flow
                            }
                        }
                    }
                    Want::Whole => {
                        let mut element = Element::head(&start, reporter)?;
                        if !empty {
                            rest(xml, &mut element, reporter, visit)?;
                        }
                        visit.whole(element, reporter)
                    }
                    Want::Nothing => {
                        if !empty {
                            pass_over(xml)?;
                        }
                        ControlFlow::Continue(())
                    }
                }
            }
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
}

/// Reads up to the end of the element that was opened last.
fn pass_over(xml: &mut Xml<'_, '_>) -> Result<(), Fault> {
    let mut open = 1_u32;
    while open > 0 {
        xml.text(None)?;
        match xml.tag()? {
            Tag::Start(start) => open += u32::from(!start.empty),
            Tag::End => open -= 1,
            Tag::Other => {}
            Tag::Eof => return Ok(()),
        }
    }
    Ok(())
}

/// Reads what stands inside `top`, whose start tag was read. Beyond the limits of one element what follows is passed over
/// and reported once.
fn rest(xml: &mut Xml<'_, '_>, top: &mut Element, reporter: &mut Reporter<'_>, visit: &dyn Visit) -> Result<(), Fault> {
    let mut open: Vec<Element> = Vec::new();
    let mut text = Text::default();
    let (mut nodes, mut bytes, mut embedded) = (0_usize, top.bytes(), 0_usize);
    let mut full = false;
    loop {
        let into = open.last_mut().unwrap_or(&mut *top);
        let embeds = visit.embeds(&into.name);
        if embeds {
            text.begin_embedding(into.at);
        } else {
            text.begin(into.at);
        }
        xml.text((!full).then_some(&mut text))?;
        let before = into.text.len();
        if embeds {
            text.append_raw(&mut into.text);
            embedded += into.text.len().saturating_sub(before);
        } else {
            text.append_to(&mut into.text, Field::Details, reporter);
            bytes += into.text.len().saturating_sub(before);
        }
        match xml.tag()? {
            Tag::Start(start) => {
                nodes += 1;
                let over = bytes > limits::TEXT_PER_ELEMENT || embedded > limits::EMBEDDED_BYTES_PER_TEST / 3 * 4;
                if !full && (nodes > limits::NODES_PER_ELEMENT || over) {
                    full = true;
                    let message = format!("<{}> holds more than can be kept; the rest was passed over", top.name);
                    reporter.repaired(&codes::TOO_MUCH_MARKUP, Some(start.at), &message);
                }
                let empty = start.empty;
                if full {
                    if !empty {
                        pass_over(xml)?;
                    }
                    continue;
                }
                let element = Element::head(&start, reporter)?;
                bytes += element.bytes();
                nodes += element.attributes.len();
                if empty {
                    open.last_mut().unwrap_or(&mut *top).children.push(element);
                } else {
                    open.push(element);
                }
            }
            Tag::End => match open.pop() {
                Some(element) => open.last_mut().unwrap_or(&mut *top).children.push(element),
                None => return Ok(()),
            },
            Tag::Other => {}
            Tag::Eof => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;
    use crate::sink::Collected;

    #[derive(Default)]
    struct Seen {
        whole: Vec<Element>,
        steps: Vec<String>,
        complete: Option<bool>,
    }

    impl Visit for Seen {
        fn embeds(&self, name: &str) -> bool {
            name == "file"
        }

        fn want(&self, name: &str, parents: &[String]) -> Want {
            match (name, parents.len()) {
                ("test", _) => Want::Whole,
                ("skip", _) => Want::Nothing,
                (_, _) => Want::Enter,
            }
        }

        fn enter(&mut self, head: Element, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.steps.push(format!("+{}", head.name));
            ControlFlow::Continue(())
        }

        fn whole(&mut self, element: Element, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.whole.push(element);
            ControlFlow::Continue(())
        }

        fn leave(&mut self, name: &str, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.steps.push(format!("-{name}"));
            ControlFlow::Continue(())
        }

        fn finish(&mut self, complete: bool, _: &mut Reporter<'_>) -> ControlFlow<()> {
            self.complete = Some(complete);
            ControlFlow::Continue(())
        }
    }

    fn walked(text: &str) -> (Seen, Collected) {
        let (mut seen, mut sink) = (Seen::default(), Collected::default());
        let mut source = text.as_bytes();
        let mut input = Input::open(&mut source).unwrap();
        let mut reporter = Reporter::new("f", &mut sink);
        let _ = walk(&mut Xml::new(&mut input), &mut reporter, &mut seen);
        reporter.close();
        (seen, sink)
    }

    #[test]
    fn tests_are_trees_and_suites_are_walked() {
        let (seen, sink) =
            walked("<a><skip><test/><x>y</x></skip><b/><n:test n:id='1'> one <m>in<![CDATA[ner]]></m>two</n:test></a>");
        assert_eq!(seen.steps, ["+a", "+b", "-b", "-a"]);
        let [test] = seen.whole.as_slice() else { panic!("{:?}", seen.whole) };
        assert_eq!((test.attribute("id"), test.text_of("m").as_deref()), (Some("1"), Some("inner")));
        assert_eq!(test.text.trim(), "one\ntwo");
        assert_eq!((seen.complete, sink), (Some(true), Collected::default()));
    }

    #[test]
    fn a_damage_ends_the_walk_behind_what_was_complete() {
        let (seen, sink) = walked("<a>\n<test/><test><b></test>");
        assert_eq!((seen.whole.len(), seen.complete), (1, Some(false)));
        assert_eq!(sink.problems[0].position.line, Some(2));
    }

    #[test]
    fn an_embedded_file_is_kept_whole_and_up_to_its_limit() {
        let long = "A".repeat(300_000);
        let (seen, sink) = walked(&format!("<a><test><file> {long}&amp;</file><x>{long}</x></test></a>"));
        assert_eq!(seen.whole[0].children[0].text, format!(" {long}&"));
        assert_eq!(seen.whole[0].children[1].text.len(), limits::DETAILS_CHARS);
        assert_eq!(sink.problems.len(), 1, "the other text was cut");
        let much = "A".repeat(limits::JSON_STRING_BYTES + 5);
        let (seen, _) = walked(&format!("<a><test><file>{much}</file><file>{much}</file><file>x</file></test></a>"));
        let lengths: Vec<usize> = seen.whole[0].children.iter().map(|file| file.text.len()).collect();
        assert_eq!(lengths, [limits::JSON_STRING_BYTES; 2], "the third is beyond the limit of one test");
    }

    #[test]
    fn an_element_without_end_stays_in_its_bounds() {
        let many = format!("<a><test>{}</test><test id='2'/></a>", "<s a='1'>x</s>".repeat(30_000));
        let (seen, sink) = walked(&many);
        assert!(seen.whole[0].children.len() <= limits::NODES_PER_ELEMENT);
        assert_eq!((seen.whole.len(), seen.complete), (2, Some(true)));
        assert_eq!(sink.problems[0].code.id, "HUB-1005");
    }
}
