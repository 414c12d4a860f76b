//! Where a page stands: people may move it, and the plan may.

use hub_confluence::flow::Known;
use hub_domain::vocabulary::Locale;
use serde_json::json;

use crate::{
    played::{applied, play},
    sample,
};

#[tokio::test]
async fn a_page_that_people_moved_stays_where_they_put_it() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        let theirs = site.persons_page("Our favourites", "<p>x</p>").await;
        site.persons_edit(&first.remote.id, json!({"parentId": theirs})).await;
        let attempt = site.publish(&sample::changed_run(), &site.space.homepage_id, Some(&first)).await;
        applied(&attempt);
        assert_eq!(site.page(&first.remote.id).await["parentId"], theirs);
    })
    .await;
}

#[tokio::test]
async fn a_new_parent_in_the_plan_moves_the_page_by_the_same_call() {
    play(async |site| {
        let release = site.first(&sample::release(Locale::En)).await;
        let first = site.first(&sample::run(Locale::En)).await;
        let before = site.calls().await;
        let attempt = site.publish(&sample::changed_run(), &release.remote.id, Some(&first)).await;
        assert_eq!(site.calls().await - before, 1);
        assert_eq!(applied(&attempt).version, Some(2));
        assert_eq!(site.page(&first.remote.id).await["parentId"], release.remote.id.as_str());
    })
    .await;
}

#[tokio::test]
async fn a_page_whose_place_is_not_known_is_not_moved() {
    play(async |site| {
        let first = site.first(&sample::run(Locale::En)).await;
        let release = site.first(&sample::release(Locale::En)).await;
        let unplaced = Known { parent_id: None, ..first.clone() };
        applied(&site.publish(&sample::changed_run(), &release.remote.id, Some(&unplaced)).await);
        assert_eq!(site.page(&first.remote.id).await["parentId"], site.space.homepage_id.as_str());
    })
    .await;
}

#[tokio::test]
async fn a_conflict_does_not_lose_the_move() {
    play(async |site| {
        let release = site.first(&sample::release(Locale::En)).await;
        let first = site.first(&sample::run(Locale::En)).await;
        site.persons_edit(&first.remote.id, json!({})).await;
        let attempt = site.publish(&sample::changed_run(), &release.remote.id, Some(&first)).await;
        assert_eq!(applied(&attempt).version, Some(3));
        assert_eq!(site.page(&first.remote.id).await["parentId"], release.remote.id.as_str());
    })
    .await;
}
