//! The story of each publication: encode, send, classify. It holds no state and repeats nothing; when to send again is
//! the caller's verdict.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hub_destination::{Call, Cause, Outcome, Remote, Transport};
use hub_domain::{
    IssueKey, Marker, codes,
    facts::{IssueLinkFacts, RemoteLinkFacts},
    marker::PROPERTY_KEY,
};
use serde_json::Value;

use crate::{
    calls,
    classify::{self, Repeat},
    encode::{self, IssueWrite},
    meta::{self, Capabilities},
};

/// An issue that Jira says it has created; [`Jira::find`] proves which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
}

/// An issue as a read by key shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its key.
    pub key: String,
    /// The marker in its property; none where it is not the hub's.
    pub marker: Option<String>,
    /// The hash in its property.
    pub hash: Option<String>,
    /// The id, in its source, of the entity that its property names.
    pub external_id: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// Issues of a range of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The issues, in the order of blocks of keys.
    pub issues: Vec<Found>,
    /// The number up to which every key was read.
    pub upto: u64,
    /// The reads of up to 100 keys that it took; one more call asked the index.
    pub reads: u64,
    /// Whether the end of the project's keys was reached.
    pub is_whole: bool,
}

/// Jira, seen through a transport.
pub struct Jira<'a> {
    transport: &'a dyn Transport,
    project_key: &'a str,
}

impl<'a> Jira<'a> {
    /// A Jira project behind a transport.
    #[must_use]
    pub fn new(transport: &'a dyn Transport, project_key: &'a str) -> Self {
        Self { transport, project_key }
    }

    /// Proves the login. Only an answer with an account does: an anonymous user would get the rest of Jira's reads too.
    ///
    /// # Errors
    /// The [`Outcome`] that stops the work.
    pub async fn account(&self) -> Result<String, Outcome> {
        let body = self.read(calls::myself()).await?;
        body.get("accountId").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            Outcome::Retryable(Cause::new(&codes::AUTHENTICATION, Some(200), "the site names no account for the token"))
        })
    }

    /// Finds what the project can hold: 3 calls and one for each issue type that it has.
    ///
    /// # Errors
    /// The [`Outcome`] that stops the work: a login, a project or a type is missing.
    pub async fn discover(&self) -> Result<Capabilities, Outcome> {
        let account_id = self.account().await?;
        let project = self.read(calls::project(self.project_key)).await?;
        let project_id = project.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let types = self.pages(|start| calls::issue_types(self.project_key, start), &["issueTypes", "values"]).await?;
        let mut capabilities = Capabilities { project_id, account_id, types: BTreeMap::new() };
        let mut screens: HashMap<String, Vec<Value>> = HashMap::new();
        for (wanted, (id, name, stands_in)) in meta::choose_types(&types) {
            let fields = match screens.get(&id) {
                Some(fields) => fields.clone(),
                None => {
                    let fields =
                        self.pages(|start| calls::screen(self.project_key, &id, start), &["fields", "values"]).await?;
                    screens.insert(id.clone(), fields.clone());
                    fields
                }
            };
            capabilities.types.insert(wanted.to_owned(), meta::screen(id, name, stands_in, &fields));
        }
        if !capabilities.complete() {
            return Err(Outcome::Refused(Cause::new(
                &codes::PERMISSION,
                Some(200),
                format!("project {} offers neither the issue types nor Task for creating", self.project_key),
            )));
        }
        Ok(capabilities)
    }

    /// Creates up to 50 issues in one call. The answer names successes without saying which element each belongs to, so
    /// the caller proves them by [`Jira::find`].
    pub async fn create(&self, writes: &[IssueWrite], capabilities: &Capabilities) -> Vec<Result<Created, Outcome>> {
        let mut results: Vec<Option<Result<Created, Outcome>>> = vec![None; writes.len()];
        let mut sent = Vec::with_capacity(writes.len());
        let mut elements = Vec::with_capacity(writes.len());
        for (index, write) in writes.iter().enumerate() {
            match encode::create(write, capabilities) {
                Some(element) => {
                    sent.push(index);
                    elements.push(element);
                }
                None => results[index] = Some(Err(no_type(write))),
            }
        }
        if !sent.is_empty() {
            let call = calls::bulk_create(elements);
            let answers = bulk_answers(self.transport.send(call).await, sent.len());
            for (index, answer) in sent.into_iter().zip(answers) {
                results[index] = Some(answer);
            }
        }
        results.into_iter().map(|r| r.unwrap_or_else(|| Err(unread("an element has no answer")))).collect()
    }

    /// Reads up to 100 issues by id or key, with the marker of each. What does not exist is left out.
    ///
    /// # Errors
    /// The [`Outcome`] of the read.
    pub async fn find(&self, ids_or_keys: &[String]) -> Result<Vec<Found>, Outcome> {
        if ids_or_keys.is_empty() {
            return Ok(Vec::new());
        }
        let body = self.read(calls::bulk_fetch(ids_or_keys)).await?;
        Ok(body.get("issues").and_then(Value::as_array).into_iter().flatten().filter_map(found).collect())
    }

    /// Reads the issues with these key numbers, up to 100 a call. What does not exist is left out.
    ///
    /// # Errors
    /// The [`Outcome`] of a read that failed.
    pub async fn numbered(&self, numbers: &[u64]) -> Result<Vec<Found>, Outcome> {
        let mut all = Vec::new();
        for block in numbers.chunks(calls::MAX_BULK_FETCH) {
            let keys: Vec<String> = block.iter().map(|n| format!("{}-{n}", self.project_key)).collect();
            all.extend(self.find(&keys).await?);
        }
        Ok(all)
    }

    /// Issues that carry any of these markers as labels, wherever they are now. The search index lags behind, so an issue
    /// that is not found may still exist.
    ///
    /// # Errors
    /// The [`Outcome`] of a read that failed.
    pub async fn labelled(&self, markers: &[Marker]) -> Result<Vec<Found>, Outcome> {
        let mut all = Vec::new();
        for some in markers.chunks(calls::MAX_BULK_CREATE) {
            let labels: Vec<String> = some.iter().map(encode::marker_label).collect();
            let body = self.read(calls::labelled(&labels)).await?;
            all.extend(body.get("issues").and_then(Value::as_array).into_iter().flatten().filter_map(found));
        }
        Ok(all)
    }

    /// A number that some issue of the project has, near the highest: what is created from now on has a higher one. 0 where
    /// the index shows no issue.
    ///
    /// # Errors
    /// The [`Outcome`] of the read.
    pub async fn highest_indexed(&self) -> Result<u64, Outcome> {
        let body = self.read(calls::newest(self.project_key)).await?;
        let keys = body.get("issues").and_then(Value::as_array).into_iter().flatten();
        Ok(highest_number(keys.filter_map(|issue| issue.get("key").and_then(Value::as_str))))
    }

    /// Reads every issue of the project whose key number is above `lowest`: reads by key, so a create that landed is seen
    /// at once, whatever the search index knows. It ends with the first 100 numbers in a row that hold none above the
    /// highest one that the index shows, so deleted issues hide nothing.
    ///
    /// # Errors
    /// The [`Outcome`] of a read that failed: the scan then proves nothing.
    pub async fn scan_above(&self, lowest: u64) -> Result<Vec<Found>, Outcome> {
        Ok(self.scan(lowest, u64::MAX).await?.issues)
    }

    /// As [`Jira::scan_above`], with at most so many reads of 100 keys; the scan says where to go on.
    ///
    /// # Errors
    /// The [`Outcome`] of a read that failed: the scan then proves nothing.
    pub async fn scan(&self, lowest: u64, most_reads: u64) -> Result<Scan, Outcome> {
        let indexed = self.highest_indexed().await?;
        self.scan_past(lowest, indexed, most_reads).await
    }

    /// As [`Jira::scan_above`] without asking the index: one call fewer. It may end before the keys do, where a hundred in a row
    /// were deleted, so what it does not find may still be there.
    ///
    /// # Errors
    /// The [`Outcome`] of a read that failed.
    pub async fn glance_above(&self, lowest: u64) -> Result<Vec<Found>, Outcome> {
        Ok(self.scan_past(lowest, 0, u64::MAX).await?.issues)
    }

    async fn scan_past(&self, lowest: u64, indexed: u64, most_reads: u64) -> Result<Scan, Outcome> {
        let block = calls::MAX_BULK_FETCH as u64;
        let mut scan = Scan { issues: Vec::new(), upto: lowest, reads: 0, is_whole: false };
        while scan.reads < most_reads {
            let numbers: Vec<u64> = (scan.upto + 1..=scan.upto + block).collect();
            let found = self.numbered(&numbers).await?;
            scan.reads += 1;
            if found.is_empty() && scan.upto + block >= indexed {
                scan.is_whole = true;
                break;
            }
            scan.upto += block;
            scan.issues.extend(found);
        }
        Ok(scan)
    }

    /// Changes one issue.
    pub async fn update(
        &self,
        id: &str,
        key: Option<&str>,
        write: &IssueWrite,
        capabilities: &Capabilities,
        labels_set: &[String],
    ) -> Outcome {
        let Some(body) = encode::update(write, capabilities, labels_set) else { return no_type(write) };
        match classify::done(self.transport.send(calls::update(id, body)).await, Repeat::Harmless) {
            Ok(()) => Outcome::Applied(Remote {
                id: id.to_owned(),
                key: key.map(str::to_owned),
                version: None,
                labels: write.labels(),
            }),
            Err(outcome) => outcome,
        }
    }

    /// Links two issues. Jira reports a repeated link as created and makes no second one; it returns no id, so the pair
    /// of keys stands for it.
    pub async fn link(&self, facts: &IssueLinkFacts, from_key: &str, to_key: &str) -> Outcome {
        let call = calls::link(encode::issue_link(facts, from_key, to_key));
        match classify::done(self.transport.send(call).await, Repeat::Harmless) {
            Ok(()) => Outcome::Applied(Remote { id: format!("{from_key}:{to_key}"), ..Remote::default() }),
            Err(outcome) => outcome,
        }
    }

    /// Links an issue to a page. An upsert by `globalId`.
    pub async fn remote_link(
        &self,
        facts: &RemoteLinkFacts,
        issue_id: &str,
        page_id: &str,
        page_address: &str,
    ) -> Outcome {
        let call = calls::remote_link(issue_id, encode::remote_link(facts, page_id, page_address));
        match classify::json(self.transport.send(call).await, Repeat::Harmless) {
            Ok(body) => {
                let id = body.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
                Outcome::Applied(Remote { id: id.unwrap_or_default(), ..Remote::default() })
            }
            Err(outcome) => outcome,
        }
    }

    async fn read(&self, call: Call) -> Result<Value, Outcome> {
        classify::json(self.transport.send(call).await, Repeat::Harmless)
    }

    /// Reads all pages of a createmeta answer. `names` are the keys that hold the page: Cloud's, and an older one.
    async fn pages(&self, call: impl Fn(usize) -> Call, names: &[&str]) -> Result<Vec<Value>, Outcome> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let body = self.read(call(all.len())).await?;
            let page = names.iter().find_map(|name| body.get(*name)?.as_array()).cloned().unwrap_or_default();
            let total = body.get("total").and_then(Value::as_u64).unwrap_or(0);
            let empty = page.is_empty();
            all.extend(page);
            if empty || all.len() as u64 >= total {
                return Ok(all);
            }
        }
    }
}

fn no_type(write: &IssueWrite) -> Outcome {
    let name = write.facts.kind.type_name();
    Outcome::Refused(Cause::new(&codes::REFUSED, None, format!("the project has no issue type {name:?} and no Task")))
}

fn unread(what: &str) -> Outcome {
    Outcome::Unknown(Cause::new(&codes::REMOTE_FAILED, Some(201), what))
}

/// Takes a bulk answer apart: 201 where any element succeeded, 400 where all failed, with the same body; `issues` holds
/// the successes only, `failedElementNumber` counts from 0.
fn bulk_answers(
    result: Result<hub_destination::Answer, hub_destination::SendFailure>,
    count: usize,
) -> Vec<Result<Created, Outcome>> {
    let body = match result {
        Ok(answer) if answer.status == 400 && answer.json().is_some_and(|b| b.get("issues").is_some()) => {
            answer.json().unwrap_or_default()
        }
        other => match classify::json(other, Repeat::Duplicates) {
            Ok(body) => body,
            Err(outcome) => return vec![Err(outcome); count],
        },
    };
    let mut results: Vec<Option<Result<Created, Outcome>>> = vec![None; count];
    let failed = body.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
    for failure in &failed {
        let number = failure.get("failedElementNumber").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let Some(slot) = number.and_then(|n| results.get_mut(n)) else { continue };
        let status = failure.get("status").and_then(Value::as_u64).and_then(|s| u16::try_from(s).ok());
        let words = failure.get("elementErrors").map(classify::words).unwrap_or_default();
        *slot = Some(Err(Outcome::Refused(Cause::new(&codes::REFUSED, status, words))));
    }
    let mut issues = body.get("issues").and_then(Value::as_array).into_iter().flatten();
    for slot in results.iter_mut().filter(|slot| slot.is_none()) {
        let created = issues.next().and_then(|issue| {
            let text = |key: &str| issue.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Created { id: text("id")?, key: text("key")? })
        });
        *slot = Some(created.ok_or_else(|| unread("the answer names fewer issues than it created")));
    }
    results.into_iter().map(|r| r.unwrap_or_else(|| Err(unread("an element has no answer")))).collect()
}

fn found(issue: &Value) -> Option<Found> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let property = issue.get("properties").and_then(|p| p.get(PROPERTY_KEY));
    let labels = issue.pointer("/fields/labels").and_then(Value::as_array).into_iter().flatten();
    Some(Found {
        id: text(issue.get("id"))?,
        key: text(issue.get("key"))?,
        marker: text(property.and_then(|p| p.get("m"))),
        hash: text(property.and_then(|p| p.get("hash"))),
        external_id: text(property.and_then(|p| p.get("external_id"))),
        labels: labels.filter_map(|l| l.as_str().map(str::to_owned)).collect(),
    })
}

/// The highest key number among issues, for the frontier that the ledger remembers.
#[must_use]
pub fn highest_number<'k>(keys: impl IntoIterator<Item = &'k str>) -> u64 {
    let numbers: BTreeSet<u64> =
        keys.into_iter().filter_map(|key| IssueKey::new(key).ok()).map(|key| key.number()).collect();
    numbers.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use hub_destination::Answer;

    use super::*;

    fn reply(status: u16, body: &str) -> Result<Answer, hub_destination::SendFailure> {
        Ok(Answer { status, body: body.to_owned().into(), ..Answer::default() })
    }

    #[test]
    fn partial_failure_is_mapped_around_the_failed_elements() {
        let body = r#"{"issues":[{"id":"1","key":"C-1","self":""},{"id":"2","key":"C-2","self":""}],
            "errors":[{"status":400,"elementErrors":{"errorMessages":[],"errors":{"summary":"too long"}},"failedElementNumber":1}]}"#;
        let results = bulk_answers(reply(201, body), 3);
        assert_eq!(results[0].as_ref().unwrap().key, "C-1");
        assert!(matches!(&results[1], Err(Outcome::Refused(c)) if c.message == "summary: too long"));
        assert_eq!(results[2].as_ref().unwrap().key, "C-2");
    }

    #[test]
    fn all_failed_refuses_each_and_a_lost_answer_doubts_each() {
        let body = r#"{"issues":[],"errors":[
            {"status":400,"elementErrors":{"errorMessages":["a"],"errors":{}},"failedElementNumber":0},
            {"status":400,"elementErrors":{"errorMessages":["b"],"errors":{}},"failedElementNumber":1}]}"#;
        assert!(bulk_answers(reply(400, body), 2).iter().all(|r| matches!(r, Err(Outcome::Refused(_)))));
        assert!(bulk_answers(reply(504, ""), 2).iter().all(|r| matches!(r, Err(Outcome::Unknown(_)))));
        let short = bulk_answers(reply(201, r#"{"issues":[{"id":"1","key":"C-1"}],"errors":[]}"#), 2);
        assert!(short[0].is_ok() && matches!(short[1], Err(Outcome::Unknown(_))));
    }
}
