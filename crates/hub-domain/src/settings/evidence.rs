//! `[evidence]`: where evidence is kept and how long.

use serde::{Deserialize, Serialize};

use crate::{evidence::EvidenceKind, vocabulary::ResultStatus};

/// How long evidence of tests that a person has to look at is kept, where no rule says otherwise.
pub const FAILED_DAYS: u32 = 180;
/// How long evidence of all other tests is kept, where no rule says otherwise.
pub const PASSED_DAYS: u32 = 30;
/// The longest time that a rule may name: a hundred years.
const MAX_DAYS: u32 = 36_500;
/// The largest file that can be asked for: one terabyte.
const MAX_BYTES: u64 = 1 << 40;

/// Where evidence is kept and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvidenceSettings {
    /// `s3://bucket` or `s3://bucket/prefix`, or the absolute path of a folder; empty for the hub's own data folder.
    pub store: String,
    /// The address of an S3 interface that is not Amazon's (`https://REF.storage.supabase.co/storage/v1/s3`).
    pub endpoint: String,
    /// The store's region.
    pub region: String,
    /// Where the access key is: `env://NAME` or `file:///PATH`.
    pub access_key: String,
    /// Where the secret key is.
    pub secret_key: String,
    /// Where a session token is, for stores that want one.
    pub session_token: String,
    /// The address under which people reach `haida-hub serve`. Without it issues and pages name evidence and do not link it.
    pub public_url: String,
    /// How many seconds a signed address lives: 300 to 900.
    pub link_seconds: u32,
    /// The largest file that is taken, in bytes.
    pub max_bytes: u64,
    /// Whether everything of the project is kept, whatever the rules say.
    pub legal_hold: bool,
    /// How long what is kept: the first rule that fits counts.
    pub retention: Vec<RetentionRule>,
}

impl Default for EvidenceSettings {
    fn default() -> Self {
        Self {
            store: String::new(),
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            access_key: String::new(),
            secret_key: String::new(),
            session_token: String::new(),
            public_url: String::new(),
            link_seconds: 600,
            max_bytes: 1 << 30,
            legal_hold: false,
            retention: Vec::new(),
        }
    }
}

/// How long evidence of a kind and a result is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// The kind; every kind where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EvidenceKind>,
    /// The result's status; every result where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Days.
    pub days: u32,
}

impl EvidenceSettings {
    /// How many days evidence of a kind and a result is kept.
    #[must_use]
    pub fn days(&self, kind: EvidenceKind, result: ResultStatus) -> u32 {
        let fits = |rule: &&RetentionRule| {
            rule.kind.is_none_or(|wanted| wanted == kind)
                && rule.result.as_deref().is_none_or(|wanted| wanted == result.as_str())
        };
        let otherwise = if result.unsuccessful() { FAILED_DAYS } else { PASSED_DAYS };
        self.retention.iter().find(fits).map_or(otherwise, |rule| rule.days)
    }

    /// The fewest days that anything is kept: what is younger needs no look.
    #[must_use]
    pub fn fewest_days(&self) -> u32 {
        self.retention.iter().map(|rule| rule.days).min().unwrap_or(PASSED_DAYS).min(PASSED_DAYS)
    }

    pub(super) fn check(&self, mistakes: &mut Vec<String>) {
        let mut say = |what: String| mistakes.push(format!("evidence: {what}"));
        let is_s3 = self.store.starts_with("s3://");
        if let Some(rest) = self.store.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if !is_bucket(bucket) {
                say(format!("store: {bucket:?} is no bucket's name (a-z, 0-9, '.', '_' and '-', 3 to 100 characters)"));
            }
            if !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b)) || prefix.contains("..") {
                say(format!("store: the prefix {prefix:?} may hold letters, digits, '-', '_', '.' and '/' only"));
            }
            if self.access_key.is_empty() != self.secret_key.is_empty() {
                say("access_key and secret_key belong together".to_owned());
            }
        } else if !self.store.is_empty() && !self.store.starts_with('/') {
            say(format!("store: {:?} is neither s3://BUCKET/PREFIX nor an absolute path", self.store));
        }
        let for_s3 = [&self.endpoint, &self.access_key, &self.secret_key];
        if !is_s3 && for_s3.iter().any(|value| !value.is_empty()) {
            say("endpoint and keys belong to a store s3://..".to_owned());
        }
        let keys = [
            ("access_key", &self.access_key),
            ("secret_key", &self.secret_key),
            ("session_token", &self.session_token),
        ];
        for (name, reference) in keys {
            let known = ["env://", "file:///", "vault://"].iter().any(|scheme| reference.starts_with(scheme));
            if !reference.is_empty() && !known {
                // The value is not repeated: it may be the key itself.
                say(format!("{name}: name where the key is, env://NAME or file:///PATH; a key itself is refused"));
            }
        }
        for (name, address) in [("endpoint", &self.endpoint), ("public_url", &self.public_url)] {
            if !address.is_empty() && !is_address(address) {
                say(format!("{name}: {address:?} is no address https://HOST/.. (http:// on this machine only)"));
            }
        }
        if !(300..=900).contains(&self.link_seconds) {
            say(format!("link_seconds: {} is not within 300 to 900", self.link_seconds));
        }
        if !(1..=MAX_BYTES).contains(&self.max_bytes) {
            say(format!("max_bytes: {} is not within 1 to {MAX_BYTES}", self.max_bytes));
        }
        for rule in &self.retention {
            if !(1..=MAX_DAYS).contains(&rule.days) {
                say(format!("retention: {} days are not within 1 to {MAX_DAYS}", rule.days));
            }
            if let Some(word) = rule.result.as_deref().filter(|word| ResultStatus::from_word(word).is_none()) {
                say(format!(
                    "retention: {word:?} is no result (passed, failed, broken, timeout, flaky, skipped, blocked, not_run)"
                ));
            }
        }
    }
}

fn is_bucket(name: &str) -> bool {
    (3..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
}

/// `https://` anywhere, `http://` on this machine only; no blank, no quote, no account, no query.
fn is_address(address: &str) -> bool {
    let local = ["127.0.0.1", "localhost", "[::1]"];
    let rest = match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (None, Some(rest)) if local.iter().any(|host| is_host(rest, host)) => rest,
        (None, _) => return false,
    };
    !rest.is_empty()
        && !rest.starts_with(['/', ':'])
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b))
}

fn is_host(rest: &str, host: &str) -> bool {
    rest.strip_prefix(host).is_some_and(|after| after.is_empty() || after.starts_with([':', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(settings: &EvidenceSettings) -> Vec<String> {
        let mut mistakes = Vec::new();
        settings.check(&mut mistakes);
        mistakes
    }

    fn s3() -> EvidenceSettings {
        EvidenceSettings {
            store: "s3://evidence/qa".into(),
            endpoint: "https://ref.storage.example.com/storage/v1/s3".into(),
            access_key: "env://EVIDENCE_ACCESS_KEY".into(),
            secret_key: "file:///run/secrets/evidence".into(),
            public_url: "https://hub.example.com".into(),
            ..EvidenceSettings::default()
        }
    }

    #[test]
    fn what_most_teams_write_is_accepted() {
        for good in [
            EvidenceSettings::default(),
            s3(),
            EvidenceSettings { store: "/srv/evidence".into(), ..EvidenceSettings::default() },
        ] {
            assert_eq!(mistakes(&good), Vec::<String>::new());
        }
        let local = EvidenceSettings { endpoint: "http://127.0.0.1:9000".into(), ..s3() };
        assert_eq!(mistakes(&local), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_named_and_a_raw_key_is_not_repeated() {
        let raw = ["AKIA", "RAWKEYVALUE"].concat();
        let rule = |days| RetentionRule { kind: None, result: Some("green".into()), days };
        let cases = [
            (EvidenceSettings { store: "evidence".into(), ..EvidenceSettings::default() }, "absolute path"),
            (EvidenceSettings { store: "s3://Ä".into(), ..s3() }, "bucket"),
            (EvidenceSettings { store: "s3://evidence/../x".into(), ..s3() }, "prefix"),
            (EvidenceSettings { access_key: raw.clone(), ..s3() }, "a key itself is refused"),
            (EvidenceSettings { secret_key: String::new(), ..s3() }, "belong together"),
            (EvidenceSettings { endpoint: "http://store.example.com".into(), ..s3() }, "endpoint"),
            (EvidenceSettings { public_url: "https://u:p@hub.example.com".into(), ..s3() }, "public_url"),
            (EvidenceSettings { public_url: "http://127.0.0.1.example.com".into(), ..s3() }, "public_url"),
            (EvidenceSettings { link_seconds: 901, ..s3() }, "link_seconds"),
            (EvidenceSettings { max_bytes: 0, ..s3() }, "max_bytes"),
            (EvidenceSettings { retention: vec![rule(0)], ..s3() }, "0 days"),
            (EvidenceSettings { retention: vec![rule(1)], ..s3() }, "green"),
        ];
        for (settings, part) in cases {
            let said = mistakes(&settings).join("; ");
            assert!(said.contains(part), "{part}: {said}");
            assert!(!said.contains(&raw), "{said}");
        }
    }
}
