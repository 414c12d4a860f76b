//! The files that a team keeps by hand: its own tables, sources that disagree, and what a person says of what was rejected.

use serde_json::Value;

use crate::support::{Hub, Ran};

fn configure(hub: &Hub, toml: &str) {
    let path = hub.write("project.toml", toml).display().to_string();
    hub.hub(&["project", "configure", "--project", "shop", &path]).json(0);
}

fn ingest(hub: &Hub, name: &str, content: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    let path = hub.write(name, content).display().to_string();
    hub.hub(&[&["ingest", &path, "--project", "shop"], more].concat())
}

fn rejects(hub: &Hub, arguments: &[&str]) -> Value {
    hub.hub(&[&["rejects"], arguments, &["--project", "shop"]].concat()).json(0)
}

fn open(hub: &Hub) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let listed = rejects(hub, &["list"]);
    let rows = listed.as_array().unwrap().iter();
    rows.map(|row| (text(&row["code"]), text(&row["file"]), text(&row["subject"]))).collect()
}

fn id_of(hub: &Hub, code: &str) -> String {
    rejects(hub, &["list", "--code", code])[0]["id"].to_string()
}

/// The summaries of the issues at the site, after a synchronisation.
async fn summaries(hub: &Hub) -> Vec<String> {
    hub.hub(&["sync", "--project", "shop", "--wait"]).json(0);
    let mut all: Vec<String> =
        hub.issues().await.iter().map(|issue| issue["fields"]["summary"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

const MASTER: &str = "TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS|RESULTADO_ESPERADO|PRIORIDAD|RIESGO|ETIQUETA_AUTOMATIZACION|ESTADO\n\
    TC_NAV_001|E2E|Nav|Menu|REQ-1|Menu principal visible|Ninguna|1. Abrir|El menu se ve|P1|Alto|@nav|Generado\n\
    TC_NAV_002|E2E|Nav|Menu|REQ-2|Cambiar de idioma|Ninguna|1. Elegir|Otro idioma|P2|Medio|@nav|Generado\n";

const SAMPLE: &str = "ID,TestName,Module,Type,Requirement,Steps,ExpectedResult,Priority,Platform,Status,Evidence,BugID,ExecutedBy,ExecutionDate\n\
    TC_NAV_001,Buscar producto,NAV,Funcional,REQ-9,1) Buscar,Resultados,ALTA,Desktop,PENDING,,-,ana,2025-12-16\n\
    TC_NAV_002,Cambiar de idioma,Menu,e2e,REQ-2,1. Elegir,Otro idioma,MEDIA,Desktop,PENDING,,-,ana,2025-12-16\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_project_is_read_as_its_settings_say() {
    let hub = Hub::start().await;
    hub.ready();
    let plan = "Ref;Qué se prueba;Urgencia;Zona\nP-1;Entrar y salir;Alta;Norte\nP-2;Pagar;Baja;Sur\n";
    let report = ingest(&hub, "plan.csv", plan, &[]).json(3);
    let problem = &report["files"][0]["problems"][0];
    assert_eq!(problem["code"], "HUB-1001");
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("Ref;Qué se prueba") && message.contains("[[tables]]"), "{message}");
    configure(
        &hub,
        "[[tables]]\nname = \"plan\"\nholds = \"cases\"\n\
         columns = { Ref = \"id\", \"Que se prueba\" = \"title\", Urgencia = \"priority\" }\n\
         constants = { component = \"Tienda\" }\n",
    );
    let report = ingest(&hub, "plan.csv", plan, &[]).json(0);
    assert_eq!((&report["files"][0]["format"], &report["files"][0]["cases"]), (&"csv-cases".into(), &2.into()));
    assert_eq!(summaries(&hub).await, ["P-1 - Entrar y salir", "P-2 - Pagar"]);
    let issues = hub.issues().await;
    let one = issues.iter().find(|issue| issue["fields"]["summary"].as_str().unwrap().starts_with("P-1")).unwrap();
    let text = one["fields"]["description"].to_string();
    assert!(text.contains("Tienda") && text.contains("Zona") && text.contains("Norte"), "{text}");
    assert_eq!(open(&hub), [], "the file that could not be read before is read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_a_case_its_result_and_its_defect_gives_all_three_and_their_link() {
    let hub = Hub::start().await;
    hub.ready();
    let failed = SAMPLE
        .replace("Desktop,PENDING,,-,ana", "Desktop,FAILED,shot.png,DEF-7,ana")
        .replace("2025-12-16\n    ", "16/12/2025 10:30\n");
    configure(&hub, "time_zone = \"Europe/Madrid\"\n");
    let report = ingest(&hub, "sample.csv", &failed, &["--run", "r1"]).json(0);
    assert_eq!((&report["files"][0]["cases"], &report["files"][0]["results"]["failed"]), (&2.into(), &2.into()));
    let all = summaries(&hub).await;
    assert_eq!(
        all,
        ["DEF-7 - Buscar producto", "TC_NAV_001 - Buscar producto", "TC_NAV_002 - Cambiar de idioma", "r1"]
    );
    let links = |truth: &Value| truth["links"].as_array().map_or(0, Vec::len);
    assert_eq!(links(&hub.truth().await), 2, "{:#}", hub.truth().await["links"]);
    // The list of defects tells more of it, and its cases stay.
    let list = "ID,Severidad,Componente,Titulo,Descripcion,Test_que_fallo,Estado\nDEF-7,HIGH,Nav,El buscador no responde,Texto,,Open\n";
    ingest(&hub, "defects.csv", list, &[]).json(0);
    assert_eq!(summaries(&hub).await[0], "DEF-7 - El buscador no responde");
    assert_eq!(links(&hub.truth().await), 2);
    // Whoever reads the first file again adds nothing to the defect, and takes nothing from it.
    let report = hub
        .hub(&[
            "ingest",
            hub.folder.path().join("sample.csv").to_str().unwrap(),
            "--project",
            "shop",
            "--run",
            "r1",
            "--again",
        ])
        .json(0);
    assert_eq!((&report["entities_changed"], &report["publications_due"]), (&0.into(), &0.into()), "{report}");
    // Without a run there is nowhere for results to be, but a table of cases that nobody executed needs none.
    ingest(&hub, "plain.csv", SAMPLE.replace("TC_NAV", "TC_OTHER"), &[]).json(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_declared_source_counts_and_the_other_is_rejected_with_its_reason() {
    for master_first in [true, false] {
        let hub = Hub::start().await;
        hub.ready();
        configure(&hub, "precedence = [\"*master*.csv\"]\n");
        if master_first {
            ingest(&hub, "ctb-master.csv", MASTER, &[]).json(0);
            let report = ingest(&hub, "sample.csv", SAMPLE, &[]).json(3);
            assert_eq!(report["files"][0]["rejected"], 1, "{report}");
            assert_eq!(report["files"][0]["problems"][0]["code"], "HUB-1017");
            assert_eq!(report["files"][0]["problems"][0]["position"]["line"], 2);
        } else {
            ingest(&hub, "sample.csv", SAMPLE, &[]).json(0);
            let report = ingest(&hub, "ctb-master.csv", MASTER, &[]).json(0);
            assert_eq!(report["files"][0]["repaired"], 1, "{report}");
        }
        let lost = ("HUB-1017".to_owned(), "sample.csv".to_owned(), "TC_NAV_001".to_owned());
        assert_eq!(open(&hub), [lost], "only what really differs: {master_first}");
        assert_eq!(summaries(&hub).await, ["TC_NAV_001 - Menu principal visible", "TC_NAV_002 - Cambiar de idioma"]);
        let shown = rejects(&hub, &["show", &id_of(&hub, "HUB-1017")]);
        assert_eq!(shown["versions"]["counts"]["source"], "ctb-master.csv");
        assert_eq!(shown["versions"]["counts"]["facts"]["title"], "Menu principal visible");
        assert_eq!(shown["versions"]["rejected"]["facts"]["title"], "Buscar producto");
        let message = shown["message"].as_str().unwrap();
        assert!(message.contains("title") && message.contains("ctb-master.csv, which counts more"), "{message}");
        // The team puts its sample right: the conflict is over by itself.
        ingest(&hub, "sample.csv", SAMPLE.replace("TC_NAV_001,Buscar", "TC_NAV_009,Buscar"), &[]).json(0);
        assert_eq!(open(&hub), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_sources_the_later_counts_and_another_title_is_told() {
    let hub = Hub::start().await;
    hub.ready();
    ingest(&hub, "one.csv", SAMPLE, &[]).json(0);
    // Another file says other things of the same tests: one of them is another test.
    let other = SAMPLE.replace("Buscar producto", "Ver el pie").replace("MEDIA", "BAJA");
    let report = ingest(&hub, "two.csv", other, &[]).json(0);
    assert_eq!(report["files"][0]["problems"][0]["code"], "HUB-1017", "{report}");
    assert_eq!(open(&hub), [("HUB-1017".to_owned(), "one.csv".to_owned(), "TC_NAV_001".to_owned())]);
    assert_eq!(summaries(&hub).await[0], "TC_NAV_001 - Ver el pie");
    // A later version of the same file is no other source.
    ingest(&hub, "two.csv", SAMPLE.replace("Buscar producto", "Ver el pie de pagina"), &[]).json(0);
    assert_eq!(open(&hub).len(), 1);
    // The first file agrees by now.
    ingest(&hub, "one.csv", SAMPLE.replace("Buscar producto", "Ver el pie de pagina"), &[]).json(0);
    assert_eq!(open(&hub), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_lets_the_other_source_count_and_it_stays_so() {
    let hub = Hub::start().await;
    hub.ready();
    configure(&hub, "precedence = [\"*master*.csv\"]\n");
    ingest(&hub, "ctb-master.csv", MASTER, &[]).json(0);
    ingest(&hub, "sample.csv", SAMPLE, &[]).json(3);
    assert_eq!(summaries(&hub).await[0], "TC_NAV_001 - Menu principal visible");
    let id = id_of(&hub, "HUB-1017");
    let done = rejects(&hub, &["resolve", &id, "--take"]);
    assert_eq!((&done["resolved"], &done["taken"], &done["publications_due"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!(summaries(&hub).await[0], "TC_NAV_001 - Buscar producto");
    assert_eq!(open(&hub), []);
    // The other way round is on record, decided.
    let all = rejects(&hub, &["list", "--all"]);
    let states: Vec<(&str, &str)> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["file"].as_str().unwrap(), row["resolved_by"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("ctb-master.csv", "person"), ("sample.csv", "person")]);
    // The master is written again, with a new row: what was decided stays, and nobody is asked again.
    let more = format!("{MASTER}TC_NAV_003|E2E|Nav|Menu|REQ-3|Otro|Ninguna|1. Abrir|Bien|P1|Alto|@nav|Generado\n");
    ingest(&hub, "ctb-master.csv", more, &[]).json(0);
    assert_eq!(open(&hub), []);
    assert_eq!(summaries(&hub).await[0], "TC_NAV_001 - Buscar producto");
    // The source that counts tells something new, and it counts.
    ingest(&hub, "sample.csv", SAMPLE.replace("Buscar producto", "Buscar un producto"), &[]).json(0);
    assert_eq!(summaries(&hub).await[0], "TC_NAV_001 - Buscar un producto");
    // What the master says of it now is another thing again: that is worth a look.
    ingest(&hub, "ctb-master.csv", MASTER.replace("Menu principal", "Menu lateral"), &[]).json(3);
    assert_eq!(open(&hub), [("HUB-1017".to_owned(), "ctb-master.csv".to_owned(), "TC_NAV_001".to_owned())]);
    // A reject that is no disagreement has nothing to take, and a number that is none is told.
    ingest(&hub, "bad.csv", format!("{MASTER}|E2E|||||||||||\n"), &[]).json(3);
    let id = id_of(&hub, "HUB-1006");
    for arguments in [["resolve", &id, "--take"], ["resolve", "999999", "--take"]] {
        let ran = hub.hub(&[&["rejects"], &arguments[..], &["--project", "shop"]].concat());
        assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4004"), "{}", ran.stdout);
    }
    assert_eq!(open(&hub).iter().filter(|(code, ..)| code == "HUB-1006").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_has_seen_stays_seen_until_it_comes_back() {
    let hub = Hub::start().await;
    hub.ready();
    let bad = format!("{MASTER}|E2E|||||||||||\n<TC_ID>|E2E|||||||||||\n");
    let path = hub.write("cases.csv", &bad).display().to_string();
    let again = |code: i32| hub.hub(&["ingest", &path, "--project", "shop", "--again"]).json(code);
    again(3);
    let codes = |hub: &Hub| open(hub).into_iter().map(|(code, ..)| code).collect::<Vec<_>>();
    assert_eq!(codes(&hub), ["HUB-1006", "HUB-1018"], "worst first");
    assert_eq!(rejects(&hub, &["list", "--file", "other.csv"]).as_array().unwrap().len(), 0);
    assert_eq!(rejects(&hub, &["resolve", &id_of(&hub, "HUB-1006")])["resolved"], 1);
    again(3);
    assert_eq!(codes(&hub), ["HUB-1018"], "the file is read again unchanged");
    hub.write("cases.csv", format!("{bad}TC_NAV_004|E2E|Nav|Menu|REQ-4|Otro|||Bien|P1|Alto|@nav|Generado\n"));
    again(3);
    assert_eq!(codes(&hub), ["HUB-1018"], "a change elsewhere does not bring it back");
    hub.write("cases.csv", MASTER);
    again(0);
    assert_eq!(codes(&hub), Vec::<String>::new(), "the file was mended");
    hub.write("cases.csv", &bad);
    again(3);
    assert_eq!(codes(&hub), ["HUB-1006", "HUB-1018"], "it is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_values_and_dates_are_told_and_the_rest_is_taken() {
    let hub = Hub::start().await;
    hub.ready();
    let results = "TEST_ID;DISPOSITIVO;RESULTADO;ENTORNO;FECHA\nTC_A_001;iOS;PASS;mcprod;++34600000000\n\
                   TC_A_002;iOS;PASS;mcprod;01/01/1970\nTC_A_003;iOS;FAIL;mcprod;31/12/2098 10:00\n\
                   TC_A_004;iOS;PASS;mcprod;05/01/2026 9:30\n\nTotal casos: 4\n";
    let report = ingest(&hub, "results.csv", results, &["--run", "r1"]).json(0);
    let file = &report["files"][0];
    let messages: Vec<&str> =
        file["problems"].as_array().unwrap().iter().map(|p| p["message"].as_str().unwrap()).collect();
    assert_eq!(messages.len(), 5, "{messages:?}");
    for (message, expect) in
        messages.iter().zip(["telephone number", "before 2015", "in the future", "left out", "1 were removed"])
    {
        assert!(messages.iter().any(|message| message.contains(expect)), "{message}: {messages:?}");
    }
    assert_eq!(
        (&file["results"]["passed"], &file["results"]["failed"], &file["rejected"]),
        (&3.into(), &1.into(), &0.into())
    );
    let generic =
        ingest(&hub, "scenarios.csv", "Escenario,Veredicto\nEntrar,PASS\nSalir,KO\n", &["--run", "r2"]).json(0);
    assert_eq!(generic["files"][0]["format"], "csv-generic");
    assert_eq!(generic["files"][0]["problems"][0]["code"], "HUB-1019");
    assert_eq!(generic["files"][0]["results"]["failed"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_results_without_a_run_is_a_run_of_its_own() {
    let hub = Hub::start().await;
    hub.ready();
    let results = "TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS\nTC_A_001|iOS|PASS|mcprod||\nTC_A_001|Android|BLOQUEADO|mcprod||sin datos\n";
    let report = ingest(&hub, "results.csv", results, &[]).json(0);
    assert_eq!(report["files"][0]["results"]["passed"], 1, "{report}");
    let again = ingest(&hub, "results.csv", results, &[]).json(0);
    assert_eq!(again["files"][0]["already_taken"], true, "{again}");
    ingest(&hub, "results.csv", results.replace("PASS", "FAIL"), &[]).json(0);
    let runs: Vec<String> = summaries(&hub).await.into_iter().filter(|summary| summary.starts_with("csv-")).collect();
    assert_eq!(runs.len(), 2, "another content is another run: {runs:?}");
    assert!(runs.iter().all(|run| run.ends_with(" - results.csv")), "{runs:?}");
    // A report of a tool says nothing of its run, and nothing is made up.
    let junit = "<testsuites><testsuite name=\"s\"><testcase name=\"TC_X_001 - a\"/></testsuite></testsuites>";
    assert_eq!(ingest(&hub, "junit.xml", junit, &[]).json(3)["files"][0]["problems"][0]["code"], "HUB-4004");
}
