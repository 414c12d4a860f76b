//! What the templates say, in both languages. A changed snapshot is a changed template: it publishes every page once
//! again, and raises `TEMPLATE_REVISION`.

use hub_confluence::{
    encode::{PageWrite, storage},
    labels,
};
use hub_domain::{
    EntityKind,
    entity::Counts,
    facts::{PageBody, ProjectRequirements},
    vocabulary::Locale,
};

use crate::{judge, sample};

/// The body with a row, a parameter or a block to a line, without the hash, which every new fact changes.
fn laid_out(write: &PageWrite) -> String {
    let mut text = storage(write).replace(&write.hash.to_hex(), "[hash]");
    for tag in ["table", "tr", "h2", "ac:structured-macro", "ac:parameter", "ac:rich-text-body"] {
        text = text.replace(&format!("><{tag}"), &format!(">\n<{tag}"));
    }
    for tag in ["table", "ac:structured-macro", "ac:rich-text-body"] {
        text = text.replace(&format!("></{tag}"), &format!(">\n</{tag}"));
    }
    text
}

fn check(locale: Locale, language: &str) {
    let pages = sample::every_kind(locale);
    let bodies: Vec<String> = pages.iter().map(|(_, write)| storage(write)).collect();
    judge::accept(&bodies);
    for (kind, write) in &pages {
        insta::assert_snapshot!(format!("{kind}_{language}"), laid_out(write));
    }
}

#[test]
fn each_kind_in_english() {
    check(Locale::En, "en");
}

#[test]
fn each_kind_in_spanish() {
    check(Locale::Es, "es");
}

#[test]
fn what_is_concluded_of_a_run() {
    for (locale, language) in [(Locale::En, "en"), (Locale::Es, "es")] {
        let mut facts = sample::run_page(locale);
        let PageBody::Run { run, .. } = &mut facts.body else { panic!("not a run") };
        run.insight = sample::insight();
        let write = sample::write(EntityKind::Run, facts);
        judge::accept(&[storage(&write)]);
        insta::assert_snapshot!(format!("run_insight_{language}"), laid_out(&write));
    }
    let mut write = sample::project(Locale::En);
    let PageBody::Project { requirements, .. } = &mut write.facts.body else { panic!("not a project") };
    let traceability = *sample::insight().requirements.unwrap();
    *requirements = Some(ProjectRequirements { run: sample::id("run-1"), traceability });
    judge::accept(&[storage(&write)]);
    insta::assert_snapshot!("project_requirements", laid_out(&write));
}

#[test]
fn a_run_without_anything_to_show() {
    let mut facts = sample::run_page(Locale::En);
    facts.properties.env = None;
    facts.properties.status = Some("not_executed".to_owned());
    facts.properties.coverage = None;
    facts.properties.date = None;
    let PageBody::Run { run, suites, failures, more } = &mut facts.body else { panic!("not a run") };
    run.devices.clear();
    run.release = None;
    run.counts = Counts::default();
    run.duration_ms = 0;
    suites.clear();
    failures.clear();
    *more = 0;
    let write = sample::write(EntityKind::Run, facts);
    judge::accept(&[storage(&write)]);
    insta::assert_snapshot!("run_bare", laid_out(&write));
}

#[test]
fn two_versions_differ_only_where_the_facts_differ() {
    let (before, after) = (laid_out(&sample::run(Locale::En)), laid_out(&sample::changed_run()));
    let different: Vec<(&str, &str)> = before.lines().zip(after.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(before.lines().count(), after.lines().count());
    let [(old, new)] = different[..] else { panic!("more than the duration: {different:?}") };
    assert!(old.contains("2 h 03 min") && new.contains("1 min 05 s"), "{different:?}");
}

#[test]
fn labels_are_ones_that_confluence_takes() {
    for (kind, write) in sample::every_kind(Locale::En) {
        for label in labels::of_page(&write.facts, write.kind) {
            assert!(
                label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{kind}: {label}"
            );
        }
    }
}
