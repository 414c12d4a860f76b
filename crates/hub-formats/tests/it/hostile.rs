//! Files made to break a reader: they end soon, need bounded memory, and cost only what they hold.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::time::Duration;

use hub_domain::codes;
use hub_domain::problem::Severity;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::{Collected, limits};
use proptest::prelude::*;

use crate::fixtures::{bytes_of, fixture_files};
use crate::fuzz::on_processor;

fn read(text: &str) -> Collected {
    let mut read = Collected::default();
    hub_formats::read("file.xml", text.as_bytes(), &mut read);
    read
}

fn results(read: &Collected) -> Vec<&ResultRecord> {
    fn result(record: &Record) -> Option<&ResultRecord> {
        match record {
            Record::Result(result) => Some(result),
            Record::Suite(_) | Record::Case(_) | Record::Defect(_) => None,
        }
    }
    read.records.iter().filter_map(result).collect()
}

/// Does the work and says how long it was on a processor: the machine is shared.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = on_processor();
    let done = work();
    (done, on_processor().saturating_sub(before))
}

#[test]
fn forty_thousand_attributes_end_soon() {
    let mut tag = String::from("<testsuite name=\"s\"><testcase name=\"t\"");
    for index in 0..40_000 {
        let _ = write!(tag, " a{index}=\"v\"");
    }
    tag.push_str("/><testcase name=\"next\"/></testsuite>");
    let (read, took) = timed(|| read(&tag));
    assert_eq!(results(&read).iter().map(|result| result.name.as_str()).collect::<Vec<_>>(), ["t", "next"]);
    assert_eq!(read.problems[0].code, &codes::TOO_MUCH_MARKUP);
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[test]
fn a_hundred_thousand_nested_suites_are_refused_at_the_limit() {
    let text = "<testsuite name=\"s\">".repeat(100_000);
    let read = read(&text);
    let last = read.problems.last().unwrap();
    assert_eq!((last.code, last.severity), (&codes::TOO_MUCH_MARKUP, Severity::Fatal));
    assert_eq!(last.position.column, Some(limits::DEPTH as u64 * 20 + 1));
}

#[test]
fn a_tag_without_end_stops_at_its_limit() {
    let endless = "<testsuites><testcase name=\"whole\"/><testcase name=\"".as_bytes().chain(io::repeat(b'x'));
    let mut read = Collected::default();
    hub_formats::read("file", endless, &mut read);
    assert_eq!(results(&read).len(), 1);
    assert_eq!(read.problems.last().unwrap().code, &codes::TOO_MUCH_MARKUP);
    assert_eq!(read.problems.last().unwrap().position.column, Some(37));
}

#[test]
fn a_long_text_is_cut_once_per_field_and_the_rest_is_read() {
    let long = "é<![CDATA[\n".to_owned() + &"x".repeat(3_000_000) + "]]>";
    let case = format!(
        "<testcase name=\"t\"><failure message=\"{}\">{long}</failure><system-out>{long}[[ATTACHMENT|late.png]]</system-out></testcase>",
        "m".repeat(9_000)
    );
    let read = read(&format!("<testsuite name=\"s\" tests=\"2\" failures=\"2\">{case}{case}</testsuite>"));
    for result in results(&read) {
        let chars = |text: &Option<String>| text.as_ref().unwrap().chars().count();
        assert_eq!(chars(&result.message), limits::MESSAGE_CHARS);
        assert_eq!(chars(&result.details), limits::DETAILS_CHARS);
        assert_eq!(chars(&result.output), limits::OUTPUT_CHARS);
        assert!(result.details.as_ref().unwrap().starts_with("é\nxxx"));
        assert!(result.details.as_ref().unwrap().ends_with(limits::CUT_MARK));
        assert_eq!(result.attachments[0].path, "late.png");
    }
    let messages: Vec<&str> = read.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "message: 2 texts cut to 8192 characters",
            "details: 2 texts cut to 32768 characters",
            "output: 2 texts cut to 8192 characters"
        ]
    );
    assert!(read.problems.iter().all(|problem| problem.code == &codes::TOO_LONG));
    let lines: Vec<_> = read.problems.iter().map(|problem| problem.position.line).collect();
    assert_eq!(lines, [Some(1), Some(1), Some(2)], "where the first text that was cut begins");
}

/// What is refused is refused before anything in it is read, and what is passed over names files that are never opened.
#[test]
fn a_doctype_that_declares_nothing_is_passed_over_and_any_other_is_refused() {
    let rest = "<testsuites><testsuite name=\"s\"><testcase name=\"&x;\"/></testsuite></testsuites>";
    for doctype in [
        "<!DOCTYPE testsuites>",
        "<!doctype testsuites SYSTEM 'file:///etc/passwd' >",
        "<?xml version=\"1.0\" ?>\n<!DOCTYPE testsuites SYSTEM \"http://example.org/run.dtd\"> \n",
        "<!-- a --><!DOCTYPE testsuites PUBLIC \"-//E//[x] > %y; &z;\" \"e.dtd\"><?pi?>",
    ] {
        let read = read(&format!("{doctype}{rest}"));
        assert_eq!(results(&read).len(), 1, "{doctype}: {:?}", read.problems);
        assert_eq!(results(&read)[0].name, "&x;", "an entity is text");
        assert!(read.problems.iter().all(|problem| problem.severity == Severity::Repaired), "{:?}", read.problems);
    }
    let long = format!("<!DOCTYPE testsuites SYSTEM \"{}\">", "x".repeat(limits::DOCTYPE_BYTES));
    for doctype in [
        "<!DOCTYPE testsuites []>",
        "<!DOCTYPE testsuites [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE testsuites SYSTEM \"a\" [<!ENTITY x 'y'>]>",
        "<!DOCTYPE testsuites SYSTEM '\" [<!ENTITY x \"y\">]>'>",
        "<!DOCTYPE testsuites [<!ENTITY % p SYSTEM \"http://example.org/p\"> %p;]>",
        "<!DOCTYPE testsuites %p;>",
        "<!DOCTYPE testsuites <!ENTITY x 'y'> >",
        "<!DOCTYPE testsuites",
        "<!DOCTYPE testsuites SYSTEM \"",
        long.as_str(),
    ] {
        let read = read(&format!("{doctype}{rest}"));
        assert!(read.records.is_empty(), "{doctype}");
        assert_eq!(read.problems.len(), 1, "{doctype}: {:?}", read.problems);
        assert_eq!((read.problems[0].code, read.problems[0].severity), (&codes::DOCTYPE_REFUSED, Severity::Fatal));
        assert_eq!((read.problems[0].position.line, read.problems[0].position.column), (Some(1), Some(1)));
    }
}

#[test]
fn attempts_and_groups_without_end_stay_in_their_bounds_and_no_attempt_is_lost() {
    let exception = format!("<exception class=\"E\"><message>{}</message></exception>", "m".repeat(8_000));
    let mut text = String::from("<testng-results><suite name=\"s\"><groups>");
    for group in 0..3 {
        let _ = write!(text, "<group name=\"g{group}\">");
        for method in 0..19_000 {
            let _ = write!(text, "<method name=\"t{method}\" class=\"c\" signature=\"t()\"/>");
        }
        text.push_str("</group>");
    }
    text.push_str("</groups><test name=\"t\"><class name=\"c\">");
    for attempt in 0..3_000 {
        let _ =
            write!(text, "<test-method name=\"t{attempt}\" status=\"SKIP\" retried=\"true\">{exception}</test-method>");
    }
    text.push_str(
        "<test-method name=\"t0\" signature=\"t()\" status=\"PASS\"/></class></test></suite></testng-results>",
    );
    let read = read(&text);
    let rows = results(&read);
    assert_eq!(rows.len(), 3_001);
    let passed = rows.iter().find(|row| row.status == "PASS").unwrap();
    assert_eq!(passed.tags, ["g0", "g1", "g2"]);
    assert!(rows.iter().all(|row| row.attempt == 0), "another signature is another method");
    let codes: Vec<&str> = read.problems.iter().map(|problem| problem.code.id).collect();
    assert_eq!(codes, ["HUB-1005"]);
}

#[test]
fn problems_are_listed_up_to_the_limit_and_then_counted() {
    let text = format!("<testsuite name=\"s\">{}</testsuite>", "<testcase/>".repeat(2_500));
    let read = read(&text);
    assert_eq!(read.problems.len(), limits::PROBLEMS_PER_FILE + 1);
    let last = read.problems.last().unwrap();
    assert_eq!(last.message, "1500 more problems of this file are not listed");
    assert_eq!((last.code, last.severity), (&codes::NO_NAME, Severity::Rejected));
}

#[test]
fn positions_are_right_far_into_a_file_with_long_lines() {
    let mut text = String::from("<testsuite name=\"s\">\r\n");
    for index in 0..3_000 {
        let _ = write!(text, "<testcase name=\"ñ {index}\">\n<failure>é\n&lt;\n</failure></testcase>\n");
    }
    let line = text.matches('\n').count() + 1;
    text.push_str("ñandú <testcase name=\"a<b\"/></testsuite>");
    let read = read(&text);
    let rows = results(&read);
    assert_eq!(rows.len(), 3_000);
    assert!(rows.iter().zip(0..).all(|(row, index)| row.line == Some(2 + 4 * index)));
    let fatal = read.problems.last().unwrap();
    assert_eq!(fatal.position.line, Some(line as u64));
    assert_eq!(fatal.position.column, Some(7 + "<testcase name=\"a".len() as u64));
    assert_eq!(fatal.subject, None);
}

#[test]
fn a_source_that_fails_keeps_what_came_before() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let whole = format!("<testsuite name=\"s\">{}", "<testcase name=\"t\"/>".repeat(10_000));
    let mut read = Collected::default();
    hub_formats::read("file", whole.as_bytes().chain(Fails), &mut read);
    assert_eq!(results(&read).len(), 10_000);
    let last = read.problems.last().unwrap();
    assert_eq!((last.code, last.severity), (&codes::UNREADABLE_FILE, Severity::Fatal));
    assert!(last.message.contains("the disk is gone"));
}

#[test]
fn a_table_of_a_hundred_thousand_bad_rows_is_bounded() {
    let text = "TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS\n".to_owned() + &"a|b\n".repeat(100_000);
    let read = read(&text);
    assert_eq!(read.problems.len(), limits::PROBLEMS_PER_FILE + 1);
    assert_eq!(read.problems[0].position.line, Some(2));
}

/// A change to a file: bytes overwritten, cut out, or put in.
fn mutate(bytes: &[u8], changes: &[(u8, usize, Vec<u8>)]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (kind, place, with) in changes {
        let at = if out.is_empty() { 0 } else { place % out.len() };
        match kind {
            0 => out.splice(at..(at + with.len()).min(out.len()), with.iter().copied()).for_each(drop),
            1 => out.drain(at..(at + with.len() * 7).min(out.len())).for_each(drop),
            2 => out.truncate(at),
            _ => out.splice(at..at, with.iter().copied()).for_each(drop),
        }
    }
    out
}

fn changes() -> impl Strategy<Value = Vec<(u8, usize, Vec<u8>)>> {
    let markup = prop::sample::select(vec![
        &b"<"[..],
        b">",
        b"&",
        b"\"",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"<!DOCTYPE",
        b"\0",
        b"\xff",
        b"\r\n",
        b"|",
        b";",
        b"</testcase>",
        b"<testcase name='x'>",
        b"<failure>",
        b"&#27;[",
        b"[[ATTACHMENT|",
        b"{",
        b"}",
        b"[",
        b"]",
        b"\\u",
        b"++34600000000",
        b"not ok 1",
        b"    ",
        b"\xef\xbb\xbf",
        b"\xc3",
    ]);
    let piece = prop_oneof![markup.prop_map(<[u8]>::to_vec), prop::collection::vec(any::<u8>(), 1..6)];
    prop::collection::vec((0_u8..4, any::<usize>(), piece), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_is_read_or_told_and_never_ends_the_program(which in any::<usize>(), changes in changes()) {
        let files = fixture_files();
        let path = &files[which % files.len()];
        let bytes = mutate(&bytes_of(path), &changes);
        let mut read = Collected::default();
        let format = hub_formats::read("file", bytes.as_slice(), &mut read);
        prop_assert!(format.is_some() || !read.problems.is_empty());
        let fatal = read.problems.iter().filter(|problem| problem.severity == Severity::Fatal).count();
        prop_assert!(fatal <= 1);
        for result in results(&read) {
            prop_assert!(!result.name.trim().is_empty());
            let texts = [Some(&result.name), result.message.as_ref(), result.details.as_ref(), result.output.as_ref()];
            for text in texts.into_iter().flatten() {
                let odd = text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
                prop_assert!(!odd, "{text:?}");
            }
        }
    }

    #[test]
    fn any_text_survives_the_way_through_xml(
        name in "[^\\p{C}]{1,40}",
        text in "[^\\p{C}]{0,200}",
    ) {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let xml = format!(
            "<testsuite name=\"s\"><testcase name=\"x{}\"><failure>x{}</failure></testcase></testsuite>",
            escaped(&name), escaped(&text)
        );
        let read = read(&xml);
        let rows = results(&read);
        prop_assert_eq!(&rows[0].name, &format!("x{name}"));
        let details = format!("x{text}");
        prop_assert_eq!(rows[0].details.as_deref(), Some(details.trim_end()));
    }

    #[test]
    fn a_table_in_rfc_4180_reads_as_the_csv_crate_reads_it(
        rows in prop::collection::vec(prop::collection::vec("[a-z\",;|\n ñ]{0,12}", 6), 1..12),
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
        writer.write_record(["TEST_ID", "DISPOSITIVO", "RESULTADO", "ENTORNO", "EVIDENCIA", "OTRO"]).unwrap();
        for (index, row) in rows.iter().enumerate() {
            let id = format!("TC_{index}");
            writer.write_record(std::iter::once(&id).chain(&row[1..])).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let read = read(std::str::from_utf8(&bytes).unwrap());
        let mut other = csv::ReaderBuilder::new().delimiter(b';').from_reader(bytes.as_slice());
        let expected: Vec<csv::StringRecord> = other.records().map(Result::unwrap).collect();
        let found = results(&read);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert_eq!(found.case_id.as_deref(), expected.get(0));
            prop_assert_eq!(found.device.as_deref().unwrap_or_default(), expected[1].trim());
            prop_assert_eq!(&found.status, expected[2].trim());
        }
    }
}
