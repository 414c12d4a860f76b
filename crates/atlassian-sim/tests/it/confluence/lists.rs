//! Collections: filters, orders, paging; the page tree and moves in it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, column};

/// Follows `next` links to the end.
async fn walk(site: &Site, first: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let got = site.get(&path).await;
        let list = got.good();
        ids.extend(column(&list, "id"));
        pages += 1;
        next = list["_links"]["next"].as_str().map(str::to_owned);
        let link = got.link.unwrap();
        match &next {
            Some(next) => assert!(link.starts_with(&format!("<{next}>; rel=\"next\", <http")), "{link}"),
            None => assert!(!link.contains("next"), "{link}"),
        }
        assert_eq!(list["_links"]["base"], format!("{}/wiki", site.running.url));
    }
    (ids, pages)
}

#[tokio::test]
async fn next_links_are_relative_keep_the_filters_and_end() {
    let site = Site::new().await;
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(site.page_under(&site.home, &format!("Page & {n}")).await);
    }
    let first = format!("/wiki/api/v2/pages?space-id={}&limit=3&sort=-id&status=current", site.space);
    let list = site.get(&first).await.good();
    let next = list["_links"]["next"].as_str().unwrap();
    assert!(
        next.starts_with(&format!(
            "/wiki/api/v2/pages?space-id={}&limit=3&sort=-id&status=current&cursor=",
            site.space
        )),
        "{next}"
    );
    assert!(list["results"][0]["_links"].get("base").is_none());
    let (ids, pages) = walk(&site, &first).await;
    made.reverse();
    made.push(site.home.clone());
    assert_eq!((ids, pages), (made.clone(), 3));
    // Exactly full pages have no empty page behind them.
    let (_, pages) = walk(&site, &format!("/wiki/api/v2/spaces/{}/pages?limit=4", site.space)).await;
    assert_eq!(pages, 2);
    // A row deleted between two pages neither repeats nor hides another one.
    let list = site.get(&first).await.good();
    site.delete(&format!("/wiki/api/v2/pages/{}", made[0])).await;
    let rest = site.get(list["_links"]["next"].as_str().unwrap()).await.good();
    assert_eq!(column(&rest, "id"), made[3..6]);
}

#[tokio::test]
async fn pages_are_found_by_title_id_status_and_space() {
    let site = Site::new().await;
    let id = site.page("Strategy & Insights [2018/04]", "<p>x</p>").await;
    let gone = site.page("Gone", "<p/>").await;
    site.delete(&format!("/wiki/api/v2/pages/{gone}")).await;
    let kept = site.page("Kept", "<p/>").await;
    site.post("/wiki/rest/api/content/archive", json!({"pages": [{"id": kept.parse::<u64>().unwrap()}]})).await;
    let title = "Strategy+%26+Insights+%5B2018%2F04%5D";
    for (query, expected) in [
        (format!("title={title}"), vec![id.clone()]),
        (format!("title={}", title.to_lowercase().replace("%5b", "%5B")), vec![id.clone()]),
        ("title=STRATEGY+%26+INSIGHTS+%5B2018%2F04%5D".to_owned(), vec![id.clone()]),
        ("title=Strateg".to_owned(), vec![]),
        ("title=".to_owned(), vec![]),
        (format!("title={title}&space-id=999"), vec![]),
        (format!("id={id}&id={}", site.home), vec![site.home.clone(), id.clone()]),
        (format!("id={id},{}", site.home), vec![site.home.clone(), id.clone()]),
        ("title=gone".to_owned(), vec![]),
        ("title=gone&status=trashed".to_owned(), vec![gone.clone()]),
        ("title=kept".to_owned(), vec![kept.clone()]),
        ("title=kept&status=current".to_owned(), vec![]),
        ("status=archived&status=trashed".to_owned(), vec![gone.clone(), kept.clone()]),
        ("status=deleted".to_owned(), vec![]),
    ] {
        let list = site.get(&format!("/wiki/api/v2/pages?{query}")).await.good();
        assert_eq!(column(&list, "id"), expected, "{query}");
    }
    let with_body = site.get(&format!("/wiki/api/v2/pages?id={id}&body-format=storage")).await.good();
    assert!(with_body["results"][0]["body"]["storage"]["value"].as_str().unwrap().contains('x'));
    let roots = site.get(&format!("/wiki/api/v2/spaces/{}/pages?depth=root", site.space)).await.good();
    assert_eq!(column(&roots, "id"), std::slice::from_ref(&site.home));
    assert_eq!(site.get("/wiki/api/v2/spaces/999999/pages").await.refusal().0, 404);
}

#[tokio::test]
async fn lists_are_sorted_as_asked() {
    let site = Site::new().await;
    let (b, a) = (site.page("b", "<p/>").await, site.page("A", "<p/>").await);
    // The site's clock counts milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    site.try_update(&b, 2, "b", "<p>later</p>").await.good();
    for (sort, expected) in [
        ("title", vec![&a, &b, &site.home]),
        ("-title", vec![&site.home, &b, &a]),
        ("created-date", vec![&site.home, &b, &a]),
        ("-modified-date", vec![&b, &a, &site.home]),
    ] {
        let list = site.get(&format!("/wiki/api/v2/pages?sort={sort}")).await.good();
        assert_eq!(column(&list, "id").iter().collect::<Vec<_>>(), expected, "{sort}");
    }
}

#[tokio::test]
async fn the_tree_is_read_from_above_and_below() {
    let site = Site::new().await;
    let mut chain = vec![site.home.clone()];
    for n in 0..4 {
        let parent = chain.last().unwrap().clone();
        chain.push(site.page_under(&parent, &format!("Level {n}")).await);
    }
    let path = format!("/wiki/api/v2/pages/{}", site.home);
    let children = site.get(&format!("{path}/children")).await.good();
    assert_eq!(column(&children, "id"), chain[1..2]);
    assert_eq!(children["results"][0]["spaceId"], site.space);
    assert_eq!(column(&site.get(&format!("{path}/direct-children")).await.good(), "type"), ["page"]);
    // Two levels unless more are asked for, and not a word about the rest.
    assert_eq!(column(&site.get(&format!("{path}/descendants")).await.good(), "id"), chain[1..3]);
    let all = site.get(&format!("{path}/descendants?depth=10")).await.good();
    assert_eq!(column(&all, "id"), chain[1..]);
    assert_eq!(column(&all, "parentId"), chain[..4]);
    assert_eq!(all["results"][3]["depth"], 4);
    assert_eq!(site.get(&format!("{path}/descendants?depth=11")).await.refusal().0, 400);
    let above = site.get(&format!("/wiki/api/v2/pages/{}/ancestors", chain[4])).await.good();
    assert_eq!(column(&above, "id"), chain[..4]);
    for part in ["children", "direct-children", "descendants", "ancestors", "versions", "labels", "properties"] {
        assert_eq!(site.get(&format!("/wiki/api/v2/pages/999999/{part}")).await.refusal().0, 404, "{part}");
    }
    let (walked, pages) = walk(&site, &format!("{path}/descendants?depth=10&limit=1")).await;
    assert_eq!((walked.as_slice(), pages), (&chain[1..], 4));
}

#[tokio::test]
async fn moves_place_a_page_beside_or_below_another() {
    let site = Site::new().await;
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(site.page_under(&site.home, &format!("P{n}")).await);
    }
    let order = async || column(&site.get(&format!("/wiki/api/v2/pages/{}/children", site.home)).await.good(), "title");
    let go = async |id: &str, how: &str, to: &str| {
        site.send(Method::PUT, &format!("/wiki/rest/api/content/{id}/move/{how}/{to}"), None).await
    };
    assert_eq!(go(&ids[3], "before", &ids[0]).await.good()["pageId"], ids[3].as_str());
    assert_eq!(order().await, ["P3", "P0", "P1", "P2"]);
    go(&ids[0], "after", &ids[2]).await.good();
    assert_eq!(order().await, ["P3", "P1", "P2", "P0"]);
    go(&ids[2], "append", &ids[1]).await.good();
    assert_eq!(order().await, ["P3", "P1", "P0"]);
    assert_eq!(site.truth(&ids[2]).await["parentId"], ids[1].as_str());
    assert_eq!(site.truth(&ids[2]).await["version"], 1);
    for (id, how, to, expected) in [
        (ids[1].as_str(), "append", ids[2].as_str(), 400),
        (ids[1].as_str(), "append", ids[1].as_str(), 400),
        (ids[1].as_str(), "under", ids[3].as_str(), 400),
        ("999999", "append", ids[3].as_str(), 404),
        (ids[1].as_str(), "append", "999999", 404),
    ] {
        assert_eq!(go(id, how, to).await.v1_refusal().0, expected, "{id} {how} {to}");
    }
}

#[tokio::test]
async fn a_whole_tree_goes_to_the_trash_at_once() {
    let site = Site::new().await;
    let top = site.page("Top", "<p/>").await;
    let below = site.page_under(&top, "Below").await;
    assert_eq!(site.delete(&format!("/wiki/rest/api/content/{top}/pageTree")).await.status, 202);
    for id in [&top, &below] {
        assert_eq!(site.truth(id).await["status"], "trashed");
    }
    assert_eq!(site.delete(&format!("/wiki/rest/api/content/{top}/pageTree")).await.v1_refusal().0, 404);
    assert_eq!(site.get("/wiki/rest/api/longtask/5").await.v1_refusal().0, 404);
    let bad = [
        json!({}),
        json!({"pages": []}),
        json!({"pages": [{"id": 5}]}),
        json!({"pages": [{"id": top.parse::<u64>().unwrap()}]}),
    ];
    for body in bad {
        assert_eq!(site.post("/wiki/rest/api/content/archive", body).await.v1_refusal().0, 400);
    }
    assert_eq!(site.get("/_sim/state").await.good()["confluence"]["pages"].as_array().map(Vec::len), Some(3));
    assert!(site.truth(&below).await["parentId"] == Value::Null);
}
