//! Labels: ours follow the facts, people's stay.

use hub_destination::Method;
use hub_domain::{EntityKind, label::Dimension, vocabulary::Locale};
use serde_json::{Value, json};

use crate::{
    played::{applied, play},
    sample,
};

#[tokio::test]
async fn a_changed_label_is_added_and_the_old_one_removed_and_peoples_stay() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        let path = format!("/wiki/rest/api/content/{}/label", first.remote.id);
        let theirs = json!([{"prefix": "global", "name": "keep"}]);
        assert_eq!(site.person(Method::Post, &path, Some(theirs)).await.0, 200);

        let mut facts = sample::changed_run().facts;
        facts.labels = vec![sample::label(Dimension::Env, "staging"), sample::label(Dimension::Project, "shop")];
        let before = site.calls().await;
        let attempt = site.publish(&sample::write(EntityKind::Run, facts), &site.space.homepage_id, Some(&first)).await;
        assert_eq!(site.calls().await - before, 3, "the page, one label more, one label less");
        assert_eq!(applied(&attempt).labels, ["env-staging", "hub-run", "project-shop"]);
        let page = site.page(&first.remote.id).await;
        let mut labels: Vec<&str> = page["labels"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        labels.sort_unstable();
        assert_eq!(labels, ["env-staging", "hub-run", "keep", "project-shop"]);
    })
    .await;
}

#[tokio::test]
async fn a_label_that_people_removed_is_not_fought_over() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        let path = format!("/wiki/rest/api/content/{}/label?name=env-production", first.remote.id);
        assert_eq!(site.person(Method::Delete, &path, None).await.0, 204);
        let before = site.calls().await;
        applied(&site.publish(&sample::changed_run(), &site.space.homepage_id, Some(&first)).await);
        assert_eq!(site.calls().await - before, 1);
        assert_eq!(site.page(&first.remote.id).await["labels"], json!(["hub-run", "project-shop"]));
    })
    .await;
}
