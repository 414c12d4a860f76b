//! Redaction: card numbers, credentials, keys, cookies, e-mail addresses and telephone numbers leave a text before it is
//! hashed, stored or published. Ids are never touched: they tell one thing from another (docs/enrichment.md).
//!
//! One automaton finds where something may begin (`triggers`), and a few lines of code decide what it is and where it ends
//! (`values`, `numbers`). Every byte is looked at a bounded number of times, whatever the text holds.

mod numbers;
mod record;
mod triggers;
mod values;

use std::borrow::Cow;

pub use record::{problem, record};

/// What was found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The number of a payment card: 13 to 19 digits of a known issuer with a right check digit.
    Card,
    /// The value of an `Authorization` header, or a `Bearer` or `Basic` value.
    Authorization,
    /// Cookies.
    Cookie,
    /// The value beside a name such as `password`.
    Secret,
    /// A token that is known by its form.
    Token,
    /// A private key.
    PrivateKey,
    /// The account in an address.
    Credentials,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
}

impl Kind {
    /// Every kind, in the order in which they are counted.
    pub const ALL: [Self; 9] = [
        Self::Card,
        Self::Authorization,
        Self::Cookie,
        Self::Secret,
        Self::Token,
        Self::PrivateKey,
        Self::Credentials,
        Self::Email,
        Self::Phone,
    ];

    /// What stands in its place.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Card => "[card]",
            Self::Authorization => "[authorization]",
            Self::Cookie => "[cookie]",
            Self::Secret => "[secret]",
            Self::Token => "[token]",
            Self::PrivateKey => "[private key]",
            Self::Credentials => "[credentials]",
            Self::Email => "[email]",
            Self::Phone => "[phone]",
        }
    }

    /// What it is called in a message, for any number of them.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card numbers",
            Self::Authorization => "authorization values",
            Self::Cookie => "cookies",
            Self::Secret => "secrets",
            Self::Token => "tokens",
            Self::PrivateKey => "private keys",
            Self::Credentials => "accounts in addresses",
            Self::Email => "e-mail addresses",
            Self::Phone => "telephone numbers",
        }
    }
}

/// How many of each kind were found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found([u64; Kind::ALL.len()]);

impl Found {
    fn add(&mut self, kind: Kind) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot += 1;
        }
    }

    /// How many of a kind.
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|n| *n == 0)
    }
}

impl std::fmt::Display for Found {
    /// `card numbers: 3, e-mail addresses: 1`, without any value.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        for kind in Kind::ALL {
            let n = self.get(kind);
            if n > 0 {
                write!(f, "{}{}: {n}", if first { "" } else { ", " }, kind.name())?;
                first = false;
            }
        }
        Ok(())
    }
}

/// Passes over a text in which something was found: what stands beside a placeholder may be told better the second time. Text
/// that settles earlier costs one pass more than the findings need.
const MAX_PASSES: usize = 4;

/// The text without what must not be kept. A text without anything is handed back as it is.
#[must_use]
pub fn text<'a>(text: &'a str, found: &mut Found) -> Cow<'a, str> {
    let mut now = match pass(text, found) {
        None => return Cow::Borrowed(text),
        Some(changed) => changed,
    };
    for _ in 1..MAX_PASSES {
        match pass(&now, found) {
            None => break,
            Some(changed) => now = changed,
        }
    }
    Cow::Owned(now)
}

/// One pass; nothing where nothing was found.
fn pass(text: &str, found: &mut Found) -> Option<String> {
    let Some(automaton) = triggers::automaton() else {
        // The patterns are constants and a test builds them; without them nothing may pass.
        return (text != "[text]").then(|| "[text]".to_owned());
    };
    let mut cutter = Cutter { text, out: String::new(), copied: 0, found };
    let mut at = 0;
    while let Some(hit) = automaton.search(&regex_automata::Input::new(text).range(at..)) {
        let next = triggers::decide(&mut cutter, hit.pattern().as_usize(), hit.start(), hit.end());
        at = next.max(hit.end());
        if at >= text.len() {
            break;
        }
    }
    cutter.finish()
}

/// A text from which parts are cut, from left to right.
struct Cutter<'a, 'f> {
    text: &'a str,
    out: String,
    copied: usize,
    found: &'f mut Found,
}

impl Cutter<'_, '_> {
    fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }

    fn before(&self, at: usize) -> Option<u8> {
        self.byte(at.checked_sub(1)?)
    }

    /// Puts the placeholder into the place of a part.
    fn cut(&mut self, start: usize, end: usize, kind: Kind) {
        let start = start.max(self.copied);
        if let Some(kept) = self.text.get(self.copied..start)
            && start < end
        {
            self.out.push_str(kept);
            self.out.push_str(kind.placeholder());
            self.copied = end;
            self.found.add(kind);
        }
    }

    /// The end of the placeholder that stands at a place.
    fn placeholder_end(&self, at: usize) -> Option<usize> {
        let rest = self.bytes().get(at..)?;
        Kind::ALL.iter().map(|kind| kind.placeholder()).find(|p| rest.starts_with(p.as_bytes())).map(|p| at + p.len())
    }

    fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.out.push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.out)
    }
}

#[cfg(test)]
mod tests;
