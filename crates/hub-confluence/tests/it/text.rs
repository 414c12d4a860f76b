//! Text that looks like markup, or that XML cannot hold, arrives as text.

use hub_domain::{EntityKind, facts::PageBody, vocabulary::Locale};

use crate::{
    played::{applied, play},
    sample,
};

/// What a report may bring along, and what of it must be readable afterwards.
const HOSTILE: [(&str, &str); 7] = [
    ("<script>alert(1)</script><img src=x onerror=a>", "<script>alert(1)</script><img src=x onerror=a>"),
    ("a ]]> b <![CDATA[ c", "a ]]> b <![CDATA[ c"),
    ("&lt; &amp; &nbsp; &#0; &bogus;", "&lt; &amp; &nbsp; &#0; &bogus;"),
    ("</p></td></ac:structured-macro><ac:link/>", "</p></td></ac:structured-macro><ac:link/>"),
    ("👩‍👩‍👧 😀 Ñandú ¿qué? 漢字 שלום", "👩‍👩‍👧 😀 Ñandú ¿qué? 漢字 שלום"),
    ("nul\u{0} bell\u{7} \u{1b}[31mred\u{1b}[0m \u{fffe}", "nul\u{fffd} bell\u{fffd} red \u{fffd}"),
    ("\" ' \\ / %s ${x} {{y}} {code}", "\" ' \\ / %s ${x} {{y}} {code}"),
];

/// The text as XML writes it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[tokio::test]
async fn hostile_text_arrives_as_text_in_every_place_of_a_page() {
    play(async |site| {
        for (number, (input, expected)) in (1..).zip(HOSTILE) {
            let mut facts = sample::run_page(Locale::Es);
            facts.external_id = sample::id(&format!("run-{number}"));
            facts.title = format!("{} [shop/run/run-{number}]", input.replace(|c: char| c.is_control(), ""));
            facts.properties.run_id = Some(input.to_owned());
            facts.properties.env = Some(input.to_owned());
            let PageBody::Run { run, suites, failures, .. } = &mut facts.body else { panic!("not a run") };
            run.devices = vec![input.to_owned()];
            suites[0].name = input.to_owned();
            failures[0].device = Some(input.to_owned());
            failures[0].message = Some(input.to_owned());
            failures[0].name = input.to_owned();
            let attempt = site.publish(&sample::write(EntityKind::Run, facts), &site.space.homepage_id, None).await;
            let remote = applied(&attempt);
            let page = site.page(&remote.id).await;
            let body = page["body"].as_str().unwrap();
            assert_eq!(body.matches(&escaped(expected)).count(), 7, "{input:?}: {body}");
            let html = site.html(remote.key.as_deref().unwrap()).await;
            for active in ["<script>alert", "<img src=x"] {
                assert!(!html.contains(active), "{input:?} shows {active}");
            }
        }
        assert_eq!(site.pages().await.len(), HOSTILE.len());
    })
    .await;
}

#[tokio::test]
async fn hostile_file_names_and_formats_arrive_as_text() {
    play(async |site| {
        for (number, (input, expected)) in (1..).zip(HOSTILE) {
            let mut facts = sample::report_page(Locale::En);
            facts.title = format!("report [shop/report/{number}]");
            let PageBody::Report { report, results, .. } = &mut facts.body else { panic!("not a report") };
            report.file_name = input.to_owned();
            report.format = input.to_owned();
            results[1].name = input.to_owned();
            let attempt = site.publish(&sample::write(EntityKind::Report, facts), &site.space.homepage_id, None).await;
            let page = site.page(&applied(&attempt).id).await;
            let body = page["body"].as_str().unwrap();
            assert_eq!(body.matches(&escaped(expected)).count(), 3, "{input:?}: {body}");
        }
    })
    .await;
}
