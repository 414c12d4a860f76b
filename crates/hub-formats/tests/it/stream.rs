//! Reading streams: records come before the file's end, and a sink may stop it.

use std::io::{self, Read};
use std::ops::ControlFlow;

use hub_domain::problem::Problem;
use hub_domain::record::Record;
use hub_formats::{Collected, Sink};

/// Takes `limit` records and says stop.
struct Few {
    limit: usize,
    records: usize,
    problems: Vec<Problem>,
}

impl Sink for Few {
    fn record(&mut self, _: Record) -> ControlFlow<()> {
        self.records += 1;
        if self.records == self.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

/// Repeats a text for ever.
struct Endless {
    text: &'static [u8],
    next: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in buffer.iter_mut() {
            *byte = self.text[self.next % self.text.len()];
            self.next += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn a_sink_stops_an_endless_file_without_a_problem() {
    for (head, text) in [
        (&b"<testsuite name='s' tests='1'>"[..], &b"<testcase name='t'><failure>x</failure></testcase>\n"[..]),
        (b"TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO\n", b"TC_1|iOS|PASS|qa\n"),
        (
            b"<testng-results><suite name='s'><test name='t'><class name='c'>",
            b"<test-method name='m' status='PASS'><params><param index='0'/></params></test-method>\n",
        ),
        (
            b"<test-results total='1'><test-suite name='s'><results>",
            b"<test-case name='A.b' executed='True' time='1'/>\n",
        ),
        (b"<test-run total='1'><test-suite name='s'>", b"<test-case name='b' result='Failed'><failure/></test-case>\n"),
        (
            b"<!DOCTYPE CUNIT_TEST_RUN_REPORT SYSTEM 'CUnit-Run.dtd'><CUNIT_TEST_RUN_REPORT>",
            b"<CUNIT_RUN_TEST_RECORD><CUNIT_RUN_TEST_SUCCESS><TEST_NAME> t </TEST_NAME></CUNIT_RUN_TEST_SUCCESS>\
              </CUNIT_RUN_TEST_RECORD>\n",
        ),
        (
            b"<assemblies><assembly name='a.dll'><collection name='c'>",
            b"<test name='T.m' type='T' method='m' result='Pass'><traits/></test>\n",
        ),
        (
            b"<robot generator='Robot'><suite name='s'>",
            b"<test name='t'><kw name='k'><status status='PASS'/></kw><status status='PASS'/></test>\n",
        ),
        (
            b"{\"config\":{\"forbidOnly\":true},\"suites\":[{\"title\":\"a.spec.ts\",\"specs\":[",
            b"{\"title\":\"t\",\"tests\":[{\"status\":\"expected\",\"results\":[{\"status\":\"passed\"}]}]},",
        ),
        (
            b"[",
            b"{\"keyword\":\"Feature\",\"uri\":\"a\",\"elements\":[{\"type\":\"scenario\",\"name\":\"s\"}],\"name\":\"f\"},",
        ),
        (
            b"{\"meta\":{\"protocolVersion\":\"27.0.0\"}}\n",
            b"{\"pickle\":{\"id\":\"p\",\"name\":\"s\"}}\n{\"testCase\":{\"id\":\"c\",\"pickleId\":\"p\"}}\n\
              {\"testCaseStarted\":{\"id\":\"r\",\"testCaseId\":\"c\"}}\n{\"testCaseFinished\":{\"testCaseStartedId\":\"r\"}}\n",
        ),
    ] {
        let mut few = Few { limit: 20_000, records: 0, problems: Vec::new() };
        let format = hub_formats::read("file", head.chain(Endless { text, next: 0 }), &mut few);
        assert!(format.is_some());
        assert_eq!(few.records, 20_000);
        assert_eq!(few.problems, []);
    }
}

#[test]
fn a_suite_comes_before_its_tests_and_with_its_properties() {
    let xml = "<testsuites name='all' tests='1'><testsuite name='a'><properties><property name='k' value='v'/></properties>\
               <testsuite name='b'><testcase name='t'/></testsuite></testsuite></testsuites>";
    let mut read = Collected::default();
    hub_formats::read("file", xml.as_bytes(), &mut read);
    let shape: Vec<String> = read
        .records
        .iter()
        .map(|record| match record {
            Record::Suite(suite) => format!("{:?} {:?}", suite.path, suite.properties),
            Record::Result(result) => format!("{:?} {}", result.suite, result.name),
            Record::Case(_) | Record::Defect(_) => String::new(),
        })
        .collect();
    assert_eq!(
        shape,
        ["[] [(\"name\", \"all\")]", "[\"a\"] [(\"k\", \"v\")]", "[\"a\", \"b\"] []", "[\"a\", \"b\"] t",]
    );
}
