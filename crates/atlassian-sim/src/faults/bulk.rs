//! A bulk create of which some elements fail and whose created issues come back in another order.
//!
//! The refused elements are taken out before the handler sees them, so that they really do not exist afterwards.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::answers::json_answer;
use super::draw::Draw;

/// What to do to a bulk create.
#[derive(Debug, Clone, Copy)]
pub struct Partial<'a> {
    /// The refused elements, counted from 0.
    pub elements: &'a [usize],
    /// The status of each.
    pub status: u16,
    /// The message of each.
    pub message: &'a str,
    /// Whether the order of the created issues is shuffled.
    pub shuffle: bool,
}

impl Partial<'_> {
    /// Hands the other elements to the handler and answers as if it had seen them all. A request that is no bulk
    /// create, and an answer that is none, pass as they are.
    pub async fn play<F>(self, request: Request, draw: Draw, handle: impl FnOnce(Request) -> F) -> Response
    where
        F: Future<Output = Response>,
    {
        let (mut head, body) = request.into_parts();
        // The log has read the body already, within a limit of its own.
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let mut sent: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let Some(elements) = sent.get_mut("issueUpdates").and_then(Value::as_array_mut) else {
            return handle(Request::from_parts(head, Body::from(bytes))).await;
        };
        let numbered = std::mem::take(elements).into_iter().enumerate();
        let (refused, kept): (Vec<_>, Vec<_>) = numbered.partition(|(number, _)| self.elements.contains(number));
        let (places, rest): (Vec<usize>, Vec<Value>) = kept.into_iter().unzip();
        let refused: Vec<usize> = refused.into_iter().map(|(number, _)| number).collect();
        if rest.is_empty() && !refused.is_empty() {
            let body = self.complete(json!({"issues": [], "errors": []}), &places, &refused, draw);
            return json_answer(StatusCode::BAD_REQUEST, &body);
        }
        *elements = rest;
        let text = sent.to_string();
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        let answer = handle(Request::from_parts(head, Body::from(text))).await;
        let (head, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(read) if read["issues"].is_array() && read["errors"].is_array() => {
                json_answer(head.status, &self.complete(read, &places, &refused, draw))
            }
            Ok(_) | Err(_) => Response::from_parts(head, Body::from(bytes)),
        }
    }

    /// Numbers the handler's errors as the caller did, adds the refused elements, and shuffles.
    fn complete(self, mut body: Value, places: &[usize], refused: &[usize], mut draw: Draw) -> Value {
        if let Some(errors) = body["errors"].as_array_mut() {
            for error in errors.iter_mut() {
                let number = error["failedElementNumber"].as_u64().and_then(|number| usize::try_from(number).ok());
                if let Some(original) = number.and_then(|number| places.get(number)) {
                    error["failedElementNumber"] = json!(original);
                }
            }
            errors.extend(refused.iter().map(|number| {
                json!({
                    "status": self.status,
                    "elementErrors": {"errorMessages": [self.message], "errors": {}},
                    "failedElementNumber": number,
                })
            }));
            errors.sort_by_key(|error| error["failedElementNumber"].as_u64());
        }
        if self.shuffle
            && let Some(issues) = body["issues"].as_array_mut()
        {
            draw.shuffle(issues);
        }
        body
    }
}
