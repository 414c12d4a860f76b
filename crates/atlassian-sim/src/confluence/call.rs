//! One request as the operations see it, so that every rule can be tried without a connection, and the paging that all
//! v2 collections share.

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::reply::{Reply, bad_request, invalid, wrong_type};
use crate::auth::Account;

/// The most that a v2 collection gives at once.
const LIMIT_MAX: usize = 250;
/// What it gives when nothing is asked for.
const LIMIT_DEFAULT: usize = 25;

/// A request by an authenticated account.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub user: Account,
    /// The site's clock.
    pub now: OffsetDateTime,
    /// `https://site/wiki`, the `_links.base` of every answer.
    pub base: String,
    /// The path as sent, still percent-encoded.
    pub path: String,
    /// The path's parameters, decoded.
    pub params: Vec<(String, String)>,
    /// The query, decoded, in the order sent.
    pub query: Vec<(String, String)>,
    /// The body as sent.
    pub body: Vec<u8>,
    /// The body's content type, empty where absent.
    pub content_type: String,
    /// `X-Atlassian-Token`, empty where absent.
    pub token: String,
}

/// Reads a query string; what cannot be decoded counts as absent.
pub fn query_of(uri: &Uri) -> Vec<(String, String)> {
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).map(|query| query.0).unwrap_or_default()
}

/// Percent-encodes everything but unreserved characters; a space becomes `+`, as Confluence writes its links.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                for half in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
    out
}

impl Call {
    /// A path parameter; empty where the route has none of that name.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A query parameter given once.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter given several times, or once with commas.
    pub fn many(&self, name: &str) -> Vec<&str> {
        let given = self.query.iter().filter(|(key, _)| key == name);
        given.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// A query parameter that is `true` or not.
    pub fn flag(&self, name: &str) -> bool {
        self.one(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Numeric ids of a query parameter.
    ///
    /// # Errors
    /// 400 when one is not a number.
    pub fn ids(&self, name: &str) -> Result<Vec<u64>, Reply> {
        self.many(name).into_iter().map(|text| text.parse().map_err(|_| wrong_type(text, name, "Long"))).collect()
    }

    /// The numeric id in the path.
    ///
    /// # Errors
    /// 400 when it is not a number, as v2 answers to a space key or a word.
    pub fn id(&self, name: &str) -> Result<u64, Reply> {
        let text = self.param(name);
        text.parse().map_err(|_| wrong_type(text, name, "ContentId"))
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// 400 when it is not one.
    pub fn json(&self) -> Result<Value, Reply> {
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err(bad_request("Request body must be a JSON object")),
            Err(error) => Err(bad_request(&format!("Could not parse the request body as JSON: {error}"))),
        }
    }

    /// Cuts the asked page out of `all` and links the next one.
    ///
    /// # Errors
    /// 400 for a limit out of range or a cursor that was not given out.
    pub fn page(&self, all: &[u64]) -> Result<Paged, Reply> {
        let limit = match self.one("limit") {
            None => LIMIT_DEFAULT,
            Some(text) => match text.parse::<usize>() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => limit,
                Ok(_) => {
                    return Err(invalid(&format!("Provided value {{{text}}} for 'limit' must be between 1 and 250")));
                }
                Err(_) => return Err(wrong_type(text, "limit", "Integer")),
            },
        };
        let start = match self.one("cursor") {
            None => 0,
            Some(cursor) => {
                let (offset, last) = read_cursor(cursor)
                    .ok_or_else(|| invalid(&format!("Provided value {{{cursor}}} for 'cursor' is not valid")))?;
                // The row after the last one seen, wherever it is by now; where that row is gone, the old offset.
                all.iter().position(|id| *id == last).map_or(offset, |at| at + 1)
            }
        };
        let ids: Vec<u64> = all.iter().skip(start).take(limit).copied().collect();
        let next = match ids.last() {
            Some(last) if start + ids.len() < all.len() => {
                Some(self.next_link(&write_cursor(start + ids.len(), *last)))
            }
            Some(_) | None => None,
        };
        Ok(Paged { ids, next, base: self.base.clone() })
    }

    /// The same request with another cursor: site-relative, with `/wiki`.
    fn next_link(&self, cursor: &str) -> String {
        let mut link = self.path.clone();
        let kept = self.query.iter().filter(|(key, _)| key != "cursor");
        let pairs = kept.map(|(key, value)| (key.as_str(), value.as_str())).chain([("cursor", cursor)]);
        for (at, (key, value)) in pairs.enumerate() {
            link.push(if at == 0 { '?' } else { '&' });
            link.push_str(&format!("{}={}", encode(key), encode(value)));
        }
        link
    }
}

fn write_cursor(offset: usize, last: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{offset}:{last}"))
}

fn read_cursor(cursor: &str) -> Option<(usize, u64)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor.trim_end_matches('=')).ok()?).ok()?;
    let (offset, last) = text.split_once(':')?;
    Some((offset.parse().ok()?, last.parse().ok()?))
}

/// One page of a collection.
#[derive(Debug)]
pub struct Paged {
    /// The rows.
    pub ids: Vec<u64>,
    next: Option<String>,
    base: String,
}

impl Paged {
    /// The collection's answer, with `_links` and the `Link` header.
    pub fn reply(self, results: Vec<Value>) -> Reply {
        let mut links = json!({"base": self.base});
        let mut header = format!("<{}>; rel=\"base\"", self.base);
        if let Some(next) = self.next {
            header = format!("<{next}>; rel=\"next\", {header}");
            links["next"] = Value::String(next);
        }
        let mut reply = Reply::ok(json!({"results": results, "_links": links}));
        reply.link = Some(header);
        reply
    }
}
