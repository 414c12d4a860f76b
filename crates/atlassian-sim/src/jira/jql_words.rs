//! Searching texts by their words.

use super::jql::{Clause, Operand, Operator};
use super::jql_match::{Test, no_empty, only_empty, unsupported};
use super::state::{CustomValue, Issue};

/// A field that is searched by words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordField {
    /// The summary.
    Summary,
    /// The description.
    Description,
    /// Jira's own environment.
    Environment,
    /// Any comment.
    Comment,
    /// Every text of the issue.
    Everything,
    /// A custom field, by id.
    Custom(String),
}

/// The texts of a field.
pub fn texts(issue: &Issue, field: &WordField) -> Vec<String> {
    let custom = |value: &CustomValue| match value {
        CustomValue::Rich(text) => text.plain(),
        CustomValue::Plain(serde_json::Value::String(text)) => text.clone(),
        CustomValue::Plain(_) => String::new(),
    };
    let rich = |text: &Option<super::rich::Rich>| text.iter().map(super::rich::Rich::plain).collect::<Vec<_>>();
    let comments = || issue.comments.iter().map(|comment| comment.body.plain());
    match field {
        WordField::Summary => vec![issue.summary.clone()],
        WordField::Description => rich(&issue.description),
        WordField::Environment => rich(&issue.environment),
        WordField::Comment => comments().collect(),
        WordField::Custom(id) => issue.custom.get(id).map(custom).into_iter().collect(),
        WordField::Everything => {
            let mut all = vec![issue.summary.clone()];
            all.extend(rich(&issue.description));
            all.extend(rich(&issue.environment));
            all.extend(comments());
            all.extend(issue.custom.values().map(custom));
            all
        }
    }
}

/// Compiles `~`, `!~` and emptiness of a text.
///
/// # Errors
/// The text that Jira answers to another operator or an empty search.
pub fn words(clause: &Clause, field: WordField) -> Result<Test<'static>, String> {
    match clause.operator {
        Operator::Is | Operator::IsNot => {
            if field == WordField::Everything {
                return Err(unsupported(clause));
            }
            only_empty(clause)?;
            let wanted = clause.operator == Operator::Is;
            return Ok(Box::new(move |issue| texts(issue, &field).iter().all(|text| text.trim().is_empty()) == wanted));
        }
        Operator::Like | Operator::NotLike => {}
        Operator::Equal
        | Operator::NotEqual
        | Operator::Greater
        | Operator::AtLeast
        | Operator::Less
        | Operator::AtMost
        | Operator::In
        | Operator::NotIn => return Err(unsupported(clause)),
    }
    let Some(Operand::Text(text)) = clause.operands.first() else {
        return Err(no_empty(clause));
    };
    let phrase = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(str::to_owned);
    let wanted = stems(phrase.as_deref().unwrap_or(text));
    if wanted.is_empty() {
        return Err(format!("The text query '{text}' for the field '{}' is not valid.", clause.field));
    }
    let negated = clause.operator == Operator::NotLike;
    Ok(Box::new(move |issue| {
        let found = texts(issue, &field).iter().any(|text| {
            let held = stems(text);
            if phrase.is_some() {
                held.windows(wanted.len()).any(|run| run == wanted)
            } else {
                wanted.iter().all(|word| match word.strip_suffix('*') {
                    Some(start) => held.iter().any(|candidate| candidate.starts_with(start)),
                    None => held.contains(word),
                })
            }
        });
        found != negated
    }))
}

/// The words of a text, lower case, without common endings: the index stems, so `~` is never a test of identity.
fn stems(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*'))
        .filter(|word| !word.is_empty())
        .map(|word| {
            let lower = word.to_lowercase();
            let long_enough = |stem: &&str| stem.chars().count() >= 3;
            if let Some(stem) = lower.strip_suffix("ing").or_else(|| lower.strip_suffix("ed")).filter(long_enough) {
                // "logging" is "log": the doubled letter belongs to the ending.
                let mut letters = stem.chars().rev();
                let (last, before) = (letters.next(), letters.next());
                let doubled = last == before && last.is_some_and(|letter| !"lsz".contains(letter));
                return stem.chars().take(stem.chars().count() - usize::from(doubled)).collect();
            }
            lower.strip_suffix('s').filter(long_enough).map(str::to_owned).unwrap_or(lower)
        })
        .collect()
}
