//! Who asks: a token as `Authorization: Bearer ..`, judged before a byte of the body is read.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use hub_app::{AppError, ProjectRow, Store, api_tokens};

/// The project of a key, where the request's token opens it.
///
/// # Errors
/// [`AppError::Token`] without a token that is good, [`AppError::UnknownProject`] also where the token opens another.
pub async fn project(store: &Store, headers: &HeaderMap, key: &str) -> Result<ProjectRow, AppError> {
    let token = bearer(headers).ok_or(AppError::Token)?;
    let access = api_tokens::judge(store, token).await?;
    access.project(store, key).await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    // Two of them are an attempt to be judged by one and used by the other.
    let is_one = values.next().is_none();
    (is_one && scheme.eq_ignore_ascii_case("bearer")).then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_token_counts_and_nothing_else() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            headers
        };
        assert_eq!(bearer(&with(&["Bearer abc"])), Some("abc"));
        assert_eq!(bearer(&with(&["bearer  abc "])), Some("abc"));
        for bad in [&[][..], &["Basic abc"], &["abc"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&with(bad)), None, "{bad:?}");
        }
    }
}
