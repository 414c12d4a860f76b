//! A connector's rate on its way to the calls of a synchronisation.

use atlassian_sim::Options;
use hub_app::{
    evidence::Home,
    ingest,
    progress::Silent,
    project::{self, AddProject},
    publish::{self, Context},
};
use hub_domain::vocabulary::Locale;
use hub_testkit::TestDatabase;

const CASES: &str = "TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS|\
    RESULTADO_ESPERADO|PRIORIDAD|RIESGO|ETIQUETA_AUTOMATIZACION|ESTADO\n\
    TC_1|E2E|Cart|Prices|REQ-1|The price is right|A cart|1. Open the cart|The price is right|P1|Alto|@cart|Generado\n";

#[tokio::test]
async fn a_synchronisation_takes_its_permits_at_the_connectors_rate_and_refuses_nonsense() {
    let database = TestDatabase::fresh().await;
    let (store, client) = (database.store().await, database.client().await);
    let site = atlassian_sim::start(Options::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (token, cases) = (folder.path().join("token"), folder.path().join("cases.csv"));
    std::fs::write(&token, "sim-token").unwrap();
    std::fs::write(&cases, CASES).unwrap();
    let add = AddProject {
        tenant: "acme".into(),
        key: "ctb".into(),
        name: None,
        locale: Locale::En,
        site: site.url.clone(),
        jira_project: "CTB".into(),
        confluence_space: "CTB".into(),
        account_email: "qa@example.com".into(),
        credential: format!("file://{}", token.display()),
        label_marker: false,
        update: false,
    };
    let row = project::add(&store, &add).await.unwrap();
    ingest::ingest(&store, &row, &[cases], None, false, &Home::below(&std::env::temp_dir()), &Silent).await.unwrap();
    let context = Context::new(&store, &row, hub_app::new_correlation(), &Silent);

    client.batch_execute("update hub.connectors set rate = '{\"rps\": 0, \"speed\": 9}'").await.unwrap();
    let error = publish::sync(&context, &store, true).await.unwrap_err();
    assert_eq!(error.code().id, "HUB-4004");
    let text = error.to_string();
    assert!(text.contains("rps is not a number of calls a second") && text.contains("\"speed\" is not"), "{text}");

    client.batch_execute("update hub.connectors set rate = '{\"rps\": 40}'").await.unwrap();
    publish::sync(&context, &store, true).await.unwrap();
    let sql = "select distinct product from hub_private.rate
                where site !~ '127' and tat > '-infinity' and method = 'POST' order by 1";
    let products: Vec<String> = client.query_typed(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(products, ["confluence", "jira"]);
}
