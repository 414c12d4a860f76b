//! The id of a test case inside a test's title: `TC_PLP_005 - text`, `[TC_HOME_012] text`, `Suite › TC_X_001: text`,
//! `@TC_X_001`. It joins results of every tool with the cases of the team's tables.

/// A title taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Titled<'a> {
    /// The case's id, where the title has one.
    pub id: Option<&'a str>,
    /// The title without the id and what joined them.
    pub title: String,
}

/// Takes a title apart. Only its last segment behind `›` is the test's own; the segments before are suites.
///
/// A token is an id where it stands first in the segment (bare and followed by ` - `, `:` or nothing, or in brackets),
/// or anywhere where it begins with `TC_` or `TC-`. It must end in digits, so that `UTF-8 works` and `E2E - login` are
/// titles and not ids.
#[must_use]
pub fn split(title: &str) -> Titled<'_> {
    let own = title.rsplit(['›', '»']).next().unwrap_or(title).trim();
    if let Some(rest) = own.strip_prefix('[')
        && let Some((inside, after)) = rest.split_once(']')
        && is_id(inside.trim())
    {
        return Titled { id: Some(inside.trim()), title: joined(after) };
    }
    let first_end = own.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(own.len());
    let (first, after) = own.split_at(first_end);
    let trimmed = after.trim_start();
    let bare = trimmed.is_empty() || after.starts_with(':') || trimmed.starts_with(['-', '–', '—', ':']);
    if is_id(first) && (bare || is_tc(first)) {
        return Titled { id: Some(first), title: joined(after) };
    }
    for token in own.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ',' | ':' | ';')) {
        let token = token.trim_start_matches('@');
        if is_tc(token) && is_id(token) {
            return Titled { id: Some(token), title: own.to_owned() };
        }
    }
    Titled { id: None, title: own.to_owned() }
}

fn joined(after: &str) -> String {
    after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | ':')).trim().to_owned()
}

fn is_tc(token: &str) -> bool {
    token.starts_with("TC_") || token.starts_with("TC-")
}

/// `TC_AFI_AUTH_001`, `TC-001`, `UI-AUTH-003`, `HAIDA-SMOKE-002`: parts of capitals and digits joined by one kind of
/// mark, the first beginning with a letter, the last only digits (at least three, or two after `TC`).
fn is_id(token: &str) -> bool {
    if token.len() > 50 || !token.starts_with(|c: char| c.is_ascii_uppercase()) {
        return false;
    }
    let mark = if token.contains('_') { '_' } else { '-' };
    let parts: Vec<&str> = token.split(mark).collect();
    let Some((last, first)) = parts.split_last() else { return false };
    !first.is_empty()
        && first.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
        && last.bytes().all(|b| b.is_ascii_digit())
        && (last.len() >= 3 || (is_tc(token) && !last.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_where_the_teams_write_them() {
        let cases = [
            ("TC_PLP_005 - Filtro por precio", Some("TC_PLP_005"), "Filtro por precio"),
            (
                "CTB B2C - Home/Nav/Search › TC_HOME_010 - Meta tags SEO presentes",
                Some("TC_HOME_010"),
                "Meta tags SEO presentes",
            ),
            ("[TC_HOME_012] text", Some("TC_HOME_012"), "text"),
            ("[UI-AUTH-003] Login", Some("UI-AUTH-003"), "Login"),
            ("HAIDA-SMOKE-002: starts", Some("HAIDA-SMOKE-002"), "starts"),
            ("TC_AFI_AUTH_001", Some("TC_AFI_AUTH_001"), ""),
            ("TC_B2C_PERF_001 loads in 2 s", Some("TC_B2C_PERF_001"), "loads in 2 s"),
            ("login works (TC-42)", Some("TC-42"), "login works (TC-42)"),
            ("checkout @TC_CHECK_004", Some("TC_CHECK_004"), "checkout @TC_CHECK_004"),
            ("price > 10 is shown", None, "price > 10 is shown"),
        ];
        for (title, id, rest) in cases {
            assert_eq!(split(title), Titled { id, title: rest.to_owned() }, "{title}");
        }
    }

    #[test]
    fn ordinary_titles_have_no_id() {
        for title in [
            "UTF-8 works",
            "E2E - login",
            "Status < 400",
            "HTTP-404 is shown",
            "ISO-8859-1 - accents",
            "RFC-22 - two digits",
            "CTB - Home",
            "tc_home_010 lower case",
            "",
            "›",
            "[] empty",
            "TC_ - no number",
        ] {
            assert_eq!(split(title).id, None, "{title}");
        }
    }
}
