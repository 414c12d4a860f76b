//! The shell of the pages for people, and the escaping that keeps every fact text and never markup.

/// Escapes text for element content and for double-quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// An address for `href` or `src`: only http, https and site-relative ones, anything else becomes `#`.
#[must_use]
pub fn safe_url(url: &str) -> String {
    let lower = url.trim().to_ascii_lowercase();
    if lower.starts_with("http://")
        || lower.starts_with("https://")
        || (lower.starts_with('/') && !lower.starts_with("//"))
    {
        escape(url.trim())
    } else {
        "#".to_owned()
    }
}

const STYLE: &str = "
:root{--ink:#172b4d;--soft:#5e6c84;--line:#dfe1e6;--back:#f7f8f9;--blue:#0c66e4}
*{box-sizing:border-box}
body{margin:0;font:15px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:var(--ink);background:var(--back)}
header.site{background:#fff;border-bottom:1px solid var(--line);padding:10px 24px;display:flex;gap:20px;align-items:baseline}
header.site b{font-size:16px}header.site a{color:var(--soft)}
main{max-width:1080px;margin:24px auto;background:#fff;border:1px solid var(--line);border-radius:8px;padding:24px 32px}
a{color:var(--blue);text-decoration:none}a:hover{text-decoration:underline}
h1{font-size:24px;line-height:1.25;margin:0 0 12px}h2{font-size:18px;margin:28px 0 8px}h3{font-size:16px;margin:20px 0 6px}
table{border-collapse:collapse;margin:10px 0;max-width:100%}
th,td{border:1px solid var(--line);padding:5px 10px;text-align:left;vertical-align:top}
th{background:var(--back);font-weight:600}td>p:only-child,th>p:only-child{margin:0}
code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;background:var(--back);border-radius:4px}
code{padding:1px 4px}pre code{padding:0;background:none}pre{padding:10px 12px;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.meta{color:var(--soft)}.crumbs{color:var(--soft);margin-bottom:10px}
.lozenge{display:inline-block;padding:0 6px;border-radius:3px;font-size:12px;font-weight:700;text-transform:uppercase;background:#dfe1e6}
.lozenge.green{background:#baf3db;color:#164b35}.lozenge.red{background:#ffd5d2;color:#5d1f1a}
.lozenge.yellow{background:#f8e6a0;color:#533f04}.lozenge.blue{background:#cce0ff;color:#09326c}.lozenge.purple{background:#dfd8fd;color:#352c63}
.label{display:inline-block;background:#eef0f3;border-radius:3px;padding:0 6px;margin:0 4px 4px 0}
.panel{border-left:4px solid var(--blue);background:#e9f2ff;padding:8px 14px;margin:10px 0;border-radius:4px}
.panel>p:first-child{margin-top:0}.panel>p:last-child{margin-bottom:0}
.panel.warning,.panel.note{border-color:#e2b203;background:#fff7d6}.panel.error{border-color:#c9372c;background:#ffeceb}
.panel.success,.panel.tip{border-color:#22a06b;background:#dcfff1}
details{border:1px solid var(--line);border-radius:4px;padding:6px 12px;margin:10px 0}summary{cursor:pointer;font-weight:600}
blockquote{border-left:3px solid var(--line);margin:10px 0;padding:0 14px;color:var(--soft)}
.comment{border-top:1px solid var(--line);padding:10px 0}
";

/// A whole page. `title` is escaped here; `body` is markup that the caller has escaped.
#[must_use]
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body>\
         <header class=\"site\"><b>Simulated site</b><a href=\"/browse\">Issues</a><a href=\"/wiki/spaces\">Pages</a>\
         </header><main>{body}</main></body></html>\n",
        title = escape(title),
    )
}
