//! Tables of a project's settings, and random tables: whatever stands in one, each of its lines is a record, a rejected
//! row or one that is counted as left out.

use hub_domain::codes;
use hub_domain::problem::Severity;
use hub_domain::record::Record;
use hub_domain::settings::TableSettings;
use hub_formats::{Collected, Options, read_with};
use proptest::prelude::*;
use serde_json::json;

use crate::render::render;

fn table(json: serde_json::Value) -> TableSettings {
    serde_json::from_value(json).unwrap()
}

fn read(text: &[u8], tables: &[TableSettings]) -> (Option<&'static str>, Collected) {
    let mut read = Collected::default();
    let options = Options { tables: tables.to_vec() };
    let format = read_with("plan.csv", text, &options, &mut read);
    (format.map(|format| format.name), read)
}

const PLAN: &str = "Plan de regresión\nRef;Qué se prueba;Urgencia;Cómo;Zona\n\
                    P-1;\"Entrar; salir\";Alta;\"1. Abrir\n2. Cerrar\";Norte\nP-2;Pagar;;1. Pagar;Sur\nP-1;Otra;;;\n";

fn plan() -> TableSettings {
    table(json!({
        "name": "plan", "holds": "cases", "header": ["REF", "que se prueba"],
        "columns": {"Ref": "id", "Que se prueba": "title", "Urgencia": "priority", "Cómo": "steps"},
        "constants": {"component": "Tienda", "priority": "Media"}
    }))
}

#[test]
fn a_table_of_the_settings_is_read_as_they_say() {
    let (format, read) = read(PLAN.as_bytes(), &[plan()]);
    let text = render(format, &read);
    let expect = "format: csv-cases\n\
        CaseRecord {\n    id: \"P-1\"\n    title: \"Entrar; salir\"\n    component: Some(\"Tienda\")\n\
        \x20   steps: Some(\"1. Abrir\\n2. Cerrar\")\n    priority: Some(\"Alta\")\n    other: [(\"Zona\", \"Norte\")]\n    line: Some(3)\n}\n\
        CaseRecord {\n    id: \"P-2\"\n    title: \"Pagar\"\n    component: Some(\"Tienda\")\n    steps: Some(\"1. Pagar\")\n\
        \x20   priority: Some(\"Media\")\n    other: [(\"Zona\", \"Sur\")]\n    line: Some(5)\n}\n\
        Rejected HUB-1007 plan.csv:6:1: the id stands in line 3 already (P-1)\n";
    assert_eq!(text, expect);
    assert_eq!(super::tables::read(PLAN.as_bytes(), &[]).0, None, "without the settings it is no report");
}

#[test]
fn every_encoding_of_a_table_is_the_same_table() {
    let (_, plain) = read(PLAN.as_bytes(), &[plan()]);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let latin: Vec<u8> = PLAN.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let crlf = PLAN.replace('\n', "\r\n");
    for bytes in [
        [&b"\xef\xbb\xbf"[..], PLAN.as_bytes()].concat(),
        [&b"\xff\xfe"[..], &utf16(PLAN)].concat(),
        latin,
        crlf.trim_end().as_bytes().to_vec(),
    ] {
        let (format, other) = read(&bytes, &[plan()]);
        assert_eq!(format, Some("csv-cases"));
        assert_eq!(other.records, plain.records);
    }
}

#[test]
fn what_the_settings_say_counts_more_than_what_a_name_means() {
    let text = "TEST_ID|RESULTADO|ESTADO|NOTAS\nTC_1|ver abajo|PASS|x\n";
    let own = table(json!({
        "name": "odd", "holds": "results", "separator": "|", "header": ["ESTADO", "RESULTADO"],
        "columns": {"TEST_ID": "id", "ESTADO": "result", "RESULTADO": "other"}
    }));
    let (format, found) = read(text.as_bytes(), std::slice::from_ref(&own));
    assert_eq!(format, Some("csv-results"));
    let Record::Result(result) = &found.records[0] else { panic!("{found:?}") };
    assert_eq!(result.status, "PASS");
    assert_eq!(result.properties, [("RESULTADO".to_owned(), "ver abajo".to_owned())]);
    let semicolons = text.replace('|', ";");
    assert_eq!(read(semicolons.as_bytes(), &[own]).0, Some("csv-results"), "another separator is not this table");
}

#[test]
fn a_table_of_results_is_told_from_any_other_by_its_words() {
    let results = |last: &str| format!("Scenario,Verdict\nLogin,PASS\nLogout,{last}\n");
    assert_eq!(read(results("fail").as_bytes(), &[]).0, Some("csv-generic"));
    for text in
        ["Scenario,Verdict\n", "Scenario,Verdict\nLogin,sunny\nLogout,PASS\n", "a,b\nLogin,PASS\n", "Verdict\nPASS\n"]
    {
        let (format, found) = read(text.as_bytes(), &[]);
        assert_eq!(format, None, "{text}");
        assert_eq!(found.problems[0].code, &codes::NOT_A_REPORT);
    }
    assert_eq!(read(b"name,status\norder 1,pending\norder 2,pending\n", &[]).0, None, "nothing ran");
}

/// The lines that the report says were left out.
fn left_out(read: &Collected) -> usize {
    let problem = read.problems.iter().find(|problem| problem.code == &codes::LEFT_OUT);
    problem.map_or(0, |problem| problem.message.split(' ').next().unwrap().parse().unwrap())
}

/// A line of a pipe file.
fn line() -> impl Strategy<Value = String> {
    let cell = "[a-zñÑ0-9 \"\\\\<>+:.,;X#-]{0,12}";
    let row = prop::collection::vec(cell, 1..9).prop_map(|cells| cells.join("|"));
    prop_oneof![
        6 => row,
        2 => prop::collection::vec(cell, 6..=6).prop_map(|cells| cells.join("|")),
        1 => prop::sample::select(vec![
            "", "   ", "|||||", "TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS", "<TC_ID>|iOS|PASS|qa||",
            "TC_[MOD]_###|iOS|PASS|qa||", "Total test cases: 4", "Cobertura ISTQB: 80%", "```",
        ]).prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_of_a_table_is_lost(lines in prop::collection::vec(line(), 0..30), end in "TC_END\\|iOS\\|(PASS|x)\\|qa\\|\\|") {
        // The last line is a row, because blank lines at the end of a file are no lines of the table.
        let all: Vec<&str> = lines.iter().map(String::as_str).chain([end.as_str()]).collect();
        let text = format!("TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS\n{}\n", all.join("\n"));
        let (format, found) = read(text.as_bytes(), &[]);
        prop_assert_eq!(format, Some("csv-results"));
        let rejected = found.problems.iter().filter(|problem| problem.severity == Severity::Rejected).count();
        prop_assert_eq!(found.records.len() + rejected + left_out(&found), all.len(), "{:?}", found.problems);
    }

    #[test]
    fn a_random_table_and_random_settings_never_end_the_program(
        text in "[a-cñ|;,\"\n\t\\\\ ]{0,200}",
        names in prop::collection::vec("[a-cñ ]{1,3}", 1..4),
        holds in prop::sample::select(vec!["cases", "results", "defects"]),
        fields in prop::collection::vec(prop::sample::select(vec!["id", "title", "result", "date", "tags", "other"]), 4),
    ) {
        let columns: serde_json::Map<String, serde_json::Value> =
            names.iter().zip(&fields).map(|(name, field)| (name.clone(), json!(field))).collect();
        let own = table(json!({"name": "own", "holds": holds, "columns": columns}));
        let (format, found) = read(text.as_bytes(), &[own]);
        prop_assert!(format.is_some() || found.problems.len() == 1);
        let fatal = found.problems.iter().filter(|problem| problem.severity == Severity::Fatal).count();
        prop_assert!(fatal <= 1);
    }
}
