//! Large files of TRX, Robot Framework and Allure 1: no test is lost, what does not fit is told, and what stands at the
//! end of a large test still counts.

use std::fmt::Write as _;

use hub_domain::codes;
use hub_domain::problem::Severity;
use hub_domain::record::{Record, ResultRecord};
use hub_formats::{Collected, limits};

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

/// A TRX file of `count` results; `detail` makes each of them large.
fn trx(count: usize, detail: usize, definitions_first: bool) -> String {
    let (mut rows, mut definitions) = (String::new(), String::new());
    let trace = "t".repeat(detail);
    for index in 0..count {
        let _ = write!(
            rows,
            "<UnitTestResult testId=\"{index}\" testName=\"Shop.T.m{index}\" outcome=\"Failed\"><Output><ErrorInfo>\
             <StackTrace>{trace}</StackTrace></ErrorInfo></Output></UnitTestResult>"
        );
        let _ = write!(
            definitions,
            "<UnitTest id=\"{index}\" name=\"m\"><TestMethod className=\"Shop.T\" name=\"m{index}\"/></UnitTest>"
        );
    }
    let (rows, definitions) =
        (format!("<Results>{rows}</Results>"), format!("<TestDefinitions>{definitions}</TestDefinitions>"));
    let body = if definitions_first { definitions + &rows } else { rows + &definitions };
    format!("<TestRun xmlns=\"http://microsoft.com/schemas/VisualStudio/TeamTest/2010\">{body}</TestRun>")
}

#[test]
fn results_of_a_usual_trx_file_all_find_their_definition_wherever_it_stands() {
    for definitions_first in [false, true] {
        let read = read(&trx(8_000, 0, definitions_first));
        let rows = results(&read);
        assert_eq!(rows.len(), 8_000);
        assert!(rows.iter().enumerate().all(|(index, row)| row.name == format!("m{index}")));
        assert!(rows.iter().all(|row| row.class_name.as_deref() == Some("Shop.T")));
        assert_eq!(read.problems, []);
    }
}

#[test]
fn results_beyond_the_bound_are_handed_on_without_their_definition_and_told() {
    let read = read(&trx(2_300, 20_000, false));
    let rows = results(&read);
    assert_eq!(rows.len(), 2_300);
    let joined = rows.iter().filter(|row| row.class_name.is_some()).count();
    assert!(joined > 1_000 && joined <= limits::HELD_BYTES / 20_000, "{joined}");
    let [problem] = read.problems.as_slice() else { panic!("{:?}", read.problems) };
    assert_eq!((problem.code, problem.severity), (&codes::UNKNOWN_REFERENCE, Severity::Repaired));
    assert!(problem.message.contains(&format!("{} results", 2_300 - joined)), "{}", problem.message);
    let mut names: Vec<&str> = rows.iter().map(|row| row.name.rsplit('.').next().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 2_300);
}

#[test]
fn a_data_driven_test_of_thousands_of_rows_loses_none() {
    let rows: String = (0..6_000)
        .map(|row| format!("<UnitTestResult testId=\"1\" testName=\"m\" outcome=\"Passed\" dataRowInfo=\"{row}\"/>"))
        .collect();
    let read = read(&format!(
        "<TestRun xmlns=\"http://microsoft.com/schemas/VisualStudio/TeamTest/2010\"><Results><UnitTestResult testId=\"1\" \
         testName=\"m\" outcome=\"Passed\"><InnerResults>{rows}</InnerResults></UnitTestResult></Results></TestRun>"
    ));
    let rows = results(&read);
    assert_eq!(rows.len(), 6_000);
    assert!(rows.iter().all(|row| row.suite == ["m"] && row.attempt == 0));
    assert_eq!(read.problems, []);
}

#[test]
fn a_robot_test_of_twenty_thousand_keywords_keeps_its_status_and_tags() {
    let keyword =
        "<kw name=\"Log\" owner=\"BuiltIn\"><msg level=\"INFO\">hello</msg><arg>x</arg><status status=\"PASS\"/></kw>";
    let body = keyword.repeat(20_000);
    let test =
        format!("<test name=\"t\">{body}<tag>last</tag><status status=\"FAIL\" elapsed=\"1\">no</status></test>");
    let read = read(&format!("<robot generator=\"Robot\"><suite name=\"s\">{test}{test}</suite></robot>"));
    let rows = results(&read);
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!((row.status.as_str(), row.message.as_deref()), ("FAIL", Some("no")));
        assert_eq!(row.tags, ["last"]);
        assert_eq!(row.steps.len(), limits::STEPS);
        assert_eq!(row.steps[0].status.as_deref(), Some("PASS"));
        assert_eq!(row.output.as_ref().unwrap().chars().count(), limits::OUTPUT_CHARS);
    }
    let steps = format!("{} steps of one test beyond 512 were left out", 20_000 - limits::STEPS);
    assert_eq!(read.problems.iter().filter(|problem| problem.message == steps).count(), 2);
}

#[test]
fn keywords_nested_to_the_limit_are_steps_and_beyond_it_the_file_ends() {
    let nested = |depth: usize| {
        let (open, close) = ("<kw name=\"k\">".repeat(depth), "</kw>".repeat(depth));
        format!(
            "<robot generator=\"Robot\"><suite name=\"s\"><test name=\"t\">{open}{close}<status status=\"PASS\"/></test></suite></robot>"
        )
    };
    let read_whole = read(&nested(limits::DEPTH - 3));
    assert_eq!(results(&read_whole)[0].steps.last().unwrap().depth, 252);
    let refused = read(&nested(limits::DEPTH));
    assert_eq!(refused.problems.last().unwrap().code, &codes::TOO_MUCH_MARKUP);
}

#[test]
fn labels_behind_the_tests_of_a_large_allure_suite_reach_those_that_are_held() {
    let trace = "t".repeat(30_000);
    let test = format!(
        "<test-case status=\"failed\"><name>t</name><failure><message>m</message><stack-trace>{trace}</stack-trace></failure></test-case>"
    );
    let read = read(&format!(
        "<a:test-suite xmlns:a=\"urn:model.allure.qatools.yandex.ru\"><name>s</name><test-cases>{}</test-cases><labels>\
         <label name=\"feature\" value=\"f\"/></labels></a:test-suite>",
        test.repeat(1_500)
    ));
    let rows = results(&read);
    assert_eq!(rows.len(), 1_500);
    let labelled = rows.iter().filter(|row| !row.properties.is_empty()).count();
    assert!(labelled > 500 && labelled < 1_500, "{labelled}");
    assert!(rows.iter().all(|row| row.suite == ["s"]));
    let [problem] = read.problems.as_slice() else { panic!("{:?}", read.problems) };
    assert!(problem.message.contains(&format!("{} tests", 1_500 - labelled)), "{}", problem.message);
}

#[test]
fn a_step_of_an_allure_test_beyond_the_limit_does_not_cost_its_labels() {
    let steps = "<step status=\"passed\" start=\"1\" stop=\"2\"><name>s</name></step>".repeat(40_000);
    let read = read(&format!(
        "<a:test-suite xmlns:a=\"urn:model.allure.qatools.yandex.ru\"><name>s</name><test-cases><test-case status=\"passed\">\
         <name>t</name><steps>{steps}</steps><labels><label name=\"testId\" value=\"TC_1\"/></labels></test-case></test-cases>\
         </a:test-suite>"
    ));
    assert_eq!(results(&read)[0].case_id.as_deref(), Some("TC_1"));
    assert_eq!(results(&read)[0].steps.len(), limits::STEPS);
}

#[test]
fn an_embedded_picture_of_a_megabyte_is_kept_whole() {
    let picture = "QUJD".repeat(350_000);
    let robot = format!(
        "<robot generator=\"Robot\"><suite name=\"s\"><test name=\"t\"><kw name=\"k\"><msg level=\"INFO\" html=\"true\">\
         &lt;img src=\"data:image/png;base64,{picture}\"&gt;</msg></kw><status status=\"PASS\"/></test></suite></robot>"
    );
    let xunit = format!(
        "<assemblies><assembly><collection><test name=\"t\" result=\"Pass\"><attachments><attachment name=\"a.png\" \
         media-type=\"image/png\">{picture}</attachment></attachments></test></collection></assembly></assemblies>"
    );
    for text in [robot, xunit] {
        let read = read(&text);
        let rows = results(&read);
        let body = rows[0].attachments[0].body.as_ref().unwrap();
        assert_eq!(body.0.len(), 350_000 * 3);
        assert!(body.0.starts_with(b"ABC"));
    }
}
