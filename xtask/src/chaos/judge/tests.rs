//! The judge against planted faults: each is found, and a sound site has none.

use serde_json::json;

use super::*;

const HASH: &str = "aa11";

fn issue(key: &str, m: &str, id: &str) -> Value {
    json!({"id": key.replace('-', "0"), "key": key, "updated": "t", "remote_links": [],
           "properties": {"haida.hub": {"m": m, "external_id": id, "hash": HASH}}})
}

fn page(id: &str, title: &str) -> Value {
    json!({"id": id, "spaceKey": "NAPP", "title": title, "status": "current", "version": 1,
           "body": format!("text haida-hub {HASH}")})
}

fn row(object: &str, kind: &str, id: &str, remote_id: &str) -> Row {
    Row {
        tenant: "north".into(),
        project: "app".into(),
        object: object.into(),
        kind: kind.into(),
        id: id.into(),
        state: "published".into(),
        desired: HASH.into(),
        remote_id: remote_id.into(),
        ..Row::default()
    }
}

struct Sound {
    wanted: Wanted,
    state: Value,
    ledger: Vec<Row>,
    explained: BTreeSet<String>,
    foreign: BTreeMap<String, String>,
}

impl Sound {
    /// A case, a defect linked to it, a run with its page, a dead letter, and a person's issue and page.
    fn new() -> Self {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let mut wanted = Wanted::default();
        wanted.issues.extend([pair("NAPP", "TC_1"), pair("NAPP", "DEF-1"), pair("NAPP", "R-1")]);
        wanted.pages.insert(pair("NAPP", "[app/run/R-1]"));
        wanted.links.insert(("NAPP".into(), "DEF-1".into(), "TC_1".into()));
        wanted.page_links.insert(pair("NAPP", "R-1"));
        wanted.refused.insert("north/app/issue/test_case/TC_9".into());
        let mut run = issue("NAPP-3", "m3", "R-1");
        run["remote_links"] = json!([{"globalId": "haida.hub:page:77"}]);
        let state = json!({
            "issues": [
                issue("NAPP-1", "m1", "TC_1"), issue("NAPP-2", "m2", "DEF-1"), run,
                {"id": "9", "key": "NAPP-9", "updated": "t", "properties": {}, "remote_links": []},
            ],
            "links": [{"source": "NAPP-1", "destination": "NAPP-2"}],
            "confluence": {"pages": [
                page("77", "Nightly [app/run/R-1]"),
                {"id": "5", "spaceKey": "NAPP", "title": "Home", "status": "current", "version": 1, "body": ""},
            ]},
        });
        let dead = Row { state: "dead".into(), ..row("issue", "test_case", "TC_9", "") };
        let ledger = vec![
            row("issue", "test_case", "TC_1", "NAPP01"),
            row("issue", "defect", "DEF-1", "NAPP02"),
            row("issue", "run", "R-1", "NAPP03"),
            row("page", "run", "R-1", "77"),
            dead,
        ];
        let foreign = foreign(&state);
        let explained = ["NAPP-1", "NAPP-2", "NAPP-3", "/wiki/spaces/NAPP/pages/77/Nightly"].map(str::to_owned);
        Self { wanted, state, ledger, explained: explained.into(), foreign }
    }

    fn judge(&self) -> Verdict {
        judge(&Case {
            wanted: &self.wanted,
            state: &self.state,
            ledger: &self.ledger,
            explained: &self.explained,
            foreign: &self.foreign,
        })
    }

    fn add_issue(&mut self, new: Value) {
        self.state["issues"].as_array_mut().unwrap().push(new);
    }
}

#[test]
fn a_sound_site_has_no_faults() {
    assert_eq!(Sound::new().judge(), Verdict::default());
}

#[test]
fn a_second_issue_or_page_of_an_entity_is_a_duplicate_by_marker_and_by_name() {
    let mut sound = Sound::new();
    sound.add_issue(issue("NAPP-4", "m1", "TC_1"));
    sound.state["confluence"]["pages"].as_array_mut().unwrap().push(page("78", "Other [app/run/R-1]"));
    let verdict = sound.judge();
    assert_eq!(verdict.duplicates, ["marker m1 on NAPP-1, NAPP-4", "NAPP [app/run/R-1]: 77, 78"]);
    assert_eq!(verdict.unexplained, ["NAPP-4", "page 78 Other [app/run/R-1]"]);
    let mut sound = Sound::new();
    sound.add_issue(issue("NAPP-4", "other", "TC_1"));
    assert_eq!(sound.judge().duplicates, ["NAPP TC_1: NAPP-1, NAPP-4"]);
    // The same marker at another name is one too, and so is what nobody wants.
    let mut sound = Sound::new();
    sound.add_issue(issue("NAPP-4", "m1", "TC_X"));
    assert_eq!(sound.judge().duplicates, ["marker m1 on NAPP-1, NAPP-4", "NAPP TC_X: NAPP-4 is wanted by nobody"]);
}

#[test]
fn what_is_missing_is_lost_whatever_the_ledger_says() {
    let mut sound = Sound::new();
    sound.state["issues"].as_array_mut().unwrap().remove(0);
    sound.state["confluence"]["pages"][0]["status"] = json!("trashed");
    let lost = sound.judge().lost;
    assert!(lost.contains(&"NAPP TC_1".to_owned()) && lost.contains(&"NAPP [app/run/R-1]".to_owned()), "{lost:?}");
    assert!(lost.contains(&"north/app/issue/test_case/TC_1: the ledger says it is published".to_owned()), "{lost:?}");
}

#[test]
fn another_content_or_another_object_than_the_ledgers_is_stale() {
    let mut sound = Sound::new();
    sound.state["issues"][0]["properties"]["haida.hub"]["hash"] = json!("bb22");
    sound.state["confluence"]["pages"][0]["body"] = json!("text haida-hub bb22");
    sound.ledger[1].remote_id = "somewhere else".into();
    let names: Vec<String> = sound.judge().stale.iter().map(|name| name.replace(" ()", "")).collect();
    assert_eq!(names, ["north/app/issue/test_case/TC_1", "north/app/issue/defect/DEF-1", "north/app/page/run/R-1"]);
}

#[test]
fn links_exist_once_and_only_where_they_are_wanted() {
    let mut sound = Sound::new();
    let twice = sound.state["links"][0].clone();
    sound.state["links"].as_array_mut().unwrap().push(twice);
    sound.state["issues"][2]["remote_links"] = json!([{}, {}]);
    assert_eq!(
        sound.judge().links,
        ["NAPP DEF-1 to TC_1 exists 2 times", "NAPP R-1 has 2 links to pages instead of 1"]
    );
    sound.state["links"] = json!([{"source": "NAPP-1", "destination": "NAPP-3"}]);
    sound.state["issues"][2]["remote_links"] = json!([{}]);
    assert_eq!(sound.judge().links, ["NAPP DEF-1 to TC_1 is missing", "NAPP R-1 to TC_1 exists 1 times"]);
}

#[test]
fn dead_letters_are_exactly_the_refused_set() {
    let mut sound = Sound::new();
    sound.ledger[4].state = "waiting".into();
    sound.ledger[0].state = "dead".into();
    sound.ledger[0].failure = "HUB-2001 x".into();
    let verdict = sound.judge();
    assert_eq!(
        verdict.dead,
        [
            "north/app/issue/test_case/TC_1 is dead: HUB-2001 x",
            "north/app/issue/test_case/TC_9 is refused and no dead letter"
        ]
    );
    assert_eq!(verdict.unsettled, ["north/app/issue/test_case/TC_9  is waiting: "]);
}

#[test]
fn what_people_made_stays_as_it_was() {
    let mut sound = Sound::new();
    sound.state["issues"][3]["updated"] = json!("later");
    sound.state["confluence"]["pages"][1]["version"] = json!(2);
    assert_eq!(sound.judge().foreign, ["NAPP-9: t 0 is now later 0", "page 5: 1 Home current is now 2 Home current"]);
}
