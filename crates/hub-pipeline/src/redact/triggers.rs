//! Where something that must not be kept may begin: one automaton over all patterns, in the order of the list. A pattern is
//! short and bounded; how far the value behind it reaches is decided by code.

use std::sync::LazyLock;

use regex_automata::meta::{BuildError, Regex};

use super::{Cutter, numbers, values};

/// What joins a name to its value: `name=`, `name: `, `"name":`, `'name' =>`, `["name"] =`, and the pair
/// `"key":"name","value":` in which some tools write headers.
macro_rules! joined {
    ($names:literal) => {
        concat!(
            "(?i-u:", $names, ")",
            r#"(?-u:\\{0,3}["'\]]{0,2}\s{0,4}(?:=>|:|=)\s{0,4}|\\{0,3}["']\s{0,4},\s{0,8}\\{0,3}["']value\\{0,3}["']\s{0,4}:\s{0,4})"#
        )
    };
}

/// The patterns, each with what decides about it. Where two begin at one place, the earlier one counts.
type Decide = fn(&mut Cutter<'_, '_>, usize, usize) -> usize;
const TRIGGERS: &[(&str, Decide)] = &[
    (r"-----BEGIN (?-u:[A-Z ]{0,40})PRIVATE KEY(?: BLOCK)?-----", values::private_key),
    (joined!("authorization"), values::authorization),
    (joined!("(?:set-)?cookies?2?"), values::cookie),
    (r"(?i-u:\bbearer[ \t]{1,4})", values::bearer),
    (r"(?i-u:\bbasic[ \t]{1,4})", values::basic),
    (
        joined!(
            "api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?(?:access[_-]?)?key|private[_-]?key|account[_-]?key|\
             (?:access|refresh|id|auth|session|security|csrf|xsrf|api|bot|bearer)[_-]?token|client[_-]?secret|\
             shared[_-]?secret|passw(?:or)?d|passphrase|passcode|contrasena|x-amz-(?:signature|credential|security-token)"
        ),
        values::strong_name,
    ),
    (r"(?i-u:contrase)[ñÑ](?i-u:a\\{0,3}[\x22']{0,2}\s{0,4}[:=]\s{0,4})", values::strong_name),
    (joined!("pwd|secret|token|jsessionid|phpsessid|session[_-]?id"), values::weak_name),
    (r"(?i-u:--(?:password|passwd|token|api-?key|secret|client-secret|access-token)[ \t]{1,4})", values::flag),
    (r"(?i-u:[?&;](?:sig|signature|key|auth|jwt|session|sid|code|credential|sv|se|hmac)=)", values::parameter),
    (r"(?-u:(?:AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{16})", values::token),
    (
        r"(?-u:gh[pousr]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20}|glpat-[A-Za-z0-9_-]{16}|A[TC]{1,2}[A-Z]TT3[A-Za-z0-9_-]{16}|ATATT[A-Za-z0-9_-]{16}|ATCTT[A-Za-z0-9_-]{16}|xox[abeoprs]-[A-Za-z0-9-]{10}|xapp-[A-Za-z0-9-]{10}|[srp]k_(?:live|test)_[A-Za-z0-9]{10}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{10}|sbp_[A-Za-z0-9]{20}|AIza[A-Za-z0-9_-]{30}|npm_[A-Za-z0-9]{30}|pypi-[A-Za-z0-9_-]{30}|SG\.[A-Za-z0-9_-]{16}|dop_v1_[a-f0-9]{30})",
        values::token,
    ),
    (r"(?-u:eyJ[A-Za-z0-9_-]{8})", values::web_token),
    (r"://", values::userinfo),
    (r"@|%40", values::email),
    (
        r"(?-u:\+{0,2}\(?[0-9])(?:[ \-.()\u{a0}\u{2011}\u{2013}]{0,2}(?-u:[0-9])){7}(?:[ \-.()\u{a0}\u{2011}\u{2013}]{0,2}(?-u:[0-9]))*",
        numbers::digits,
    ),
];

static AUTOMATON: LazyLock<Result<Regex, Box<BuildError>>> = LazyLock::new(|| {
    let patterns: Vec<&str> = TRIGGERS.iter().map(|(pattern, _)| *pattern).collect();
    Regex::new_many(&patterns).map_err(Box::new)
});

/// The automaton of all patterns.
pub(super) fn automaton() -> Option<&'static Regex> {
    AUTOMATON.as_ref().ok()
}

/// Cuts what a pattern found, if it is what it looks like. Returns where to go on.
pub(super) fn decide(cutter: &mut Cutter<'_, '_>, pattern: usize, start: usize, end: usize) -> usize {
    TRIGGERS.get(pattern).map_or(end, |(_, decide)| decide(cutter, start, end))
}
