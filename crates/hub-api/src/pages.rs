//! The two pages that the hub shows to people who follow a link that leads to no bytes. Plain, without a script, and nothing of a
//! report gets into them unescaped.

use hub_app::evidence::link::About;

/// What evidence was or will be.
pub fn about(about: &About) -> String {
    let (title, said) = match &about.expired_at {
        Some(at) => ("This evidence has expired", format!("Its time was over on {}, by the project's rules.", day(at))),
        None => {
            ("This evidence is not stored yet", "The evidence store was away when the report was taken.".to_owned())
        }
    };
    let rows = [
        ("Name", Some(about.name.as_str())),
        ("Kind", Some(about.kind)),
        ("Run", Some(about.run.as_str())),
        ("Test case", about.test_case.as_deref()),
        ("Stored", about.stored_at.as_deref()),
        ("Expired", about.expired_at.as_deref()),
    ];
    let rows: String = rows
        .into_iter()
        .filter_map(|(label, value)| Some(format!("<tr><th>{label}</th><td>{}</td></tr>", escape(value?))))
        .collect();
    page(title, &format!("<p>{}</p><table>{rows}</table>", escape(&said)))
}

/// There is nothing.
pub fn unknown() -> String {
    page("There is no such evidence", "<p>The address is incomplete or was never one of this hub.</p>")
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:1rem/1.5 sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}\
         th{{text-align:left;padding-right:2rem}}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )
}

fn day(moment: &str) -> &str {
    moment.split('T').next().unwrap_or(moment)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_text_and_nothing_else() {
        let page = about(&About {
            name: "<script>alert('1')</script>.png".into(),
            kind: "screenshot",
            run: "a&b".into(),
            test_case: None,
            stored_at: None,
            expired_at: Some("2026-11-20T08:00:00Z".into()),
        });
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("&lt;script&gt;") && page.contains("a&amp;b") && page.contains("on 2026-11-20"),
            "{page}"
        );
    }
}
