//! What a team decides about its project: handed over as TOML, checked as a whole, shown again.

use crate::support::Hub;

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_checked_kept_and_shown() {
    let hub = Hub::start().await;
    hub.ready();
    let path = hub
        .write("project.toml", "[[tables]]\nname = \"ours\"\nholds = \"cases\"\ncolumns = { Ref = \"id\" }\n")
        .display()
        .to_string();
    let configure = ["project", "configure", "--project", "shop"];
    assert_eq!(hub.hub(&[&configure[..], &[&path]].concat()).json(0)["changed"], true);
    assert_eq!(hub.hub(&[&configure[..], &[&path]].concat()).json(0)["changed"], false);
    assert_eq!(hub.hub(&configure).json(0)["tables"][0]["name"], "ours");
    let bad = hub.write("bad.toml", "[[tables]]\nname = \"Our Table\"\n[[sources]]\nname = \"-\"\n");
    let ran = hub.hub(&[&configure[..], &[&bad.display().to_string()]].concat()).json(2);
    assert_eq!(ran["error"]["code"], "HUB-4004");
    let message = ran["error"]["message"].as_str().unwrap();
    assert!(message.contains("Our Table") && message.contains("sources"), "every mistake at once: {message}");
    assert_eq!(hub.hub(&configure).json(0)["tables"][0]["name"], "ours", "a mistake changes nothing");
}
