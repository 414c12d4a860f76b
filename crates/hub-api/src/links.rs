//! `GET /e/{token}`: where an evidence link leads. No token of the API is needed: the link's own has 130 random bits.

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_app::evidence::link::{self, Answer, Here};
use hub_domain::codes;

use crate::{Api, Correlation, pages, problem::Problem};

/// What is read out may show itself and nothing else: it runs nothing, loads nothing and is of no origin, least of all the hub's.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'";

/// Follows a link.
pub async fn follow(
    State(api): State<Api>,
    Extension(correlation): Extension<Correlation>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let as_page = !headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    match link::follow(&api.store, &api.options.home, &token).await {
        Ok(Answer::Elsewhere(url)) => elsewhere(&url),
        Ok(Answer::Here(here)) => read_out(here),
        Ok(Answer::Not(about)) => {
            let status = if about.expired_at.is_some() { StatusCode::GONE } else { StatusCode::NOT_FOUND };
            if as_page {
                return page(status, pages::about(&about));
            }
            let what = format!("{} {:?} of run {:?}", about.kind, about.name, about.run);
            let said = match (&about.stored_at, &about.expired_at) {
                (Some(stored), Some(expired)) => format!("{what} was stored at {stored} and expired at {expired}"),
                (None, Some(expired)) => format!("{what} expired at {expired}"),
                (_, None) => format!("{what} is not stored yet"),
            };
            Problem::new(status, &codes::EVIDENCE_GONE, said).answer(correlation)
        }
        Ok(Answer::Unknown) if as_page => page(StatusCode::NOT_FOUND, pages::unknown()),
        Ok(Answer::Unknown) => {
            Problem::new(StatusCode::NOT_FOUND, &codes::EVIDENCE_GONE, "there is no such evidence").answer(correlation)
        }
        Err(error) => Problem::of(&error, correlation).answer(correlation),
    }
}

fn elsewhere(url: &str) -> Response {
    let mut answer = StatusCode::FOUND.into_response();
    if let Ok(url) = HeaderValue::from_str(url) {
        answer.headers_mut().insert(header::LOCATION, url);
    }
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

fn read_out(here: Here) -> Response {
    let how = if here.passive { "inline" } else { "attachment" };
    let disposition = format!("{how}; filename=\"{}\"; filename*=UTF-8''{}", plain(&here.name), encoded(&here.name));
    let mut answer = Body::from_stream(here.content).into_response();
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, here.content_type.as_str()),
        (header::CONTENT_LENGTH, &here.bytes.to_string()),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::CONTENT_SECURITY_POLICY, SANDBOX),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ETAG, &format!("\"{}\"", here.sha256)),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    answer
}

fn page(status: StatusCode, text: String) -> Response {
    let mut answer = (status, text).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// A name for old readers: letters, digits and a few marks.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    name.chars().map(|c| if fits(c) { c } else { '_' }).take(100).collect()
}

/// A name as RFC 5987 writes it.
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_header() {
        let name = "a\"; filename=x\r\nSet-Cookie: y=1;ñ.png";
        assert!(plain(name).chars().all(|c| c.is_ascii_alphanumeric() || ".-_ ".contains(c)), "{}", plain(name));
        assert_eq!(encoded("ñ \".png"), "%C3%B1%20%22.png");
    }
}
