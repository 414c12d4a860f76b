//! What a query means on this site: names become ids, comparisons become tests of an issue, and what does not exist is
//! refused with Jira's words.

use std::cmp::Ordering;

use time::OffsetDateTime;
use time::macros::format_description;

use super::fields::{Field, Kind};
use super::jql::{Clause, Condition, Operand, Operator, Query};
use super::jql_time::moment;
use super::jql_words::{WordField, texts, words};
use super::seed;
use super::state::{CustomValue, Issue, Named, Project, State};
use crate::auth::Account;

/// A compiled condition.
pub type Test<'a> = Box<dyn Fn(&Issue) -> bool + 'a>;

/// A compiled order.
pub type Order<'a> = Box<dyn Fn(&Issue, &Issue) -> Ordering + 'a>;

/// The most fields in an `ORDER BY`.
const ORDER_LIMIT: usize = 7;

/// The site that queries are compiled for.
#[derive(Debug, Clone, Copy)]
pub struct Compiler<'a> {
    /// What exists.
    pub state: &'a State,
    /// The caller, whom `currentUser()` names.
    pub account: &'a Account,
    /// The moment of the search.
    pub now: OffsetDateTime,
}

/// How a field is searched.
#[derive(Debug, Clone)]
enum Aspect {
    /// Ids or words, of which an issue holds any number.
    Set(SetField),
    /// The key or id, which can also be compared.
    Identity { by_id: bool },
    /// A moment.
    Time(TimeField),
    /// Words in texts.
    Words(WordField),
    /// A number in a custom field.
    Number(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum SetField {
    Project,
    Labels,
    IssueType,
    Status,
    StatusCategory,
    Priority,
    Resolution,
    Reporter,
    Assignee,
    Creator,
    Parent,
    Components,
    FixVersions,
    Versions,
    CustomLabels(String),
    CustomUser(String),
    CustomUrl(String),
    /// A property's key, and a path inside its value.
    Property(String, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TimeField {
    Created,
    Updated,
    Resolved,
    Due,
    CategoryChanged,
    Custom(String),
}

fn custom_aspect(field: &Field) -> Option<Aspect> {
    let id = field.id.clone();
    match field.kind {
        Kind::Text | Kind::Rich => Some(Aspect::Words(WordField::Custom(id))),
        Kind::Labels => Some(Aspect::Set(SetField::CustomLabels(id))),
        Kind::User => Some(Aspect::Set(SetField::CustomUser(id))),
        Kind::Url => Some(Aspect::Set(SetField::CustomUrl(id))),
        Kind::Number => Some(Aspect::Number(id)),
        Kind::Date | Kind::DateTime => Some(Aspect::Time(TimeField::Custom(id))),
        Kind::Summary
        | Kind::Priority
        | Kind::Resolution
        | Kind::Parent
        | Kind::Project
        | Kind::IssueType
        | Kind::Versions
        | Kind::Components
        | Kind::IssueLinks
        | Kind::Comment
        | Kind::Choice
        | Kind::ReadOnly => None,
    }
}

impl<'a> Compiler<'a> {
    fn aspect(&self, name: &str) -> Option<Aspect> {
        let set = |field| Some(Aspect::Set(field));
        match name.to_ascii_lowercase().as_str() {
            "project" => set(SetField::Project),
            "key" | "issue" | "issuekey" => Some(Aspect::Identity { by_id: false }),
            "id" => Some(Aspect::Identity { by_id: true }),
            "labels" => set(SetField::Labels),
            "issuetype" | "type" => set(SetField::IssueType),
            "status" => set(SetField::Status),
            "statuscategory" => set(SetField::StatusCategory),
            "priority" => set(SetField::Priority),
            "resolution" => set(SetField::Resolution),
            "reporter" => set(SetField::Reporter),
            "assignee" => set(SetField::Assignee),
            "creator" => set(SetField::Creator),
            "parent" => set(SetField::Parent),
            "component" => set(SetField::Components),
            "fixversion" => set(SetField::FixVersions),
            "affectedversion" => set(SetField::Versions),
            "created" | "createddate" => Some(Aspect::Time(TimeField::Created)),
            "updated" | "updateddate" => Some(Aspect::Time(TimeField::Updated)),
            "resolved" | "resolutiondate" => Some(Aspect::Time(TimeField::Resolved)),
            "due" | "duedate" => Some(Aspect::Time(TimeField::Due)),
            "statuscategorychangeddate" => Some(Aspect::Time(TimeField::CategoryChanged)),
            "summary" => Some(Aspect::Words(WordField::Summary)),
            "description" => Some(Aspect::Words(WordField::Description)),
            "environment" => Some(Aspect::Words(WordField::Environment)),
            "comment" => Some(Aspect::Words(WordField::Comment)),
            "text" => Some(Aspect::Words(WordField::Everything)),
            _ if name.to_ascii_lowercase().starts_with("issue.property[") => {
                let (key, path) = name.split_once('[')?.1.split_once("].")?;
                let known = |(a, b): &&(String, String)| a == key && b == path;
                // Without an app that declares an index, a property can be read and not searched.
                self.state.indexed_properties.iter().find(known)?;
                set(SetField::Property(key.to_owned(), path.to_owned()))
            }
            _ => {
                let named = |field: &&Field| {
                    field.custom
                        && field.searchable
                        && (field.id.eq_ignore_ascii_case(name)
                            || field.clauses.iter().any(|clause| clause.eq_ignore_ascii_case(name)))
                };
                self.state.fields.iter().find(named).and_then(custom_aspect)
            }
        }
    }

    /// Compiles a whole condition.
    ///
    /// # Errors
    /// Everything in it that does not exist or is not supported.
    pub fn condition(&self, condition: &Condition) -> Result<Test<'a>, Vec<String>> {
        let parts = |parts: &[Condition]| -> Result<Vec<Test<'a>>, Vec<String>> {
            let mut tests = Vec::new();
            let mut errors = Vec::new();
            for part in parts {
                match self.condition(part) {
                    Ok(test) => tests.push(test),
                    Err(more) => errors.extend(more),
                }
            }
            if errors.is_empty() { Ok(tests) } else { Err(errors) }
        };
        match condition {
            Condition::All(inner) => {
                let tests = parts(inner)?;
                Ok(Box::new(move |issue| tests.iter().all(|test| test(issue))))
            }
            Condition::Any(inner) => {
                let tests = parts(inner)?;
                Ok(Box::new(move |issue| tests.iter().any(|test| test(issue))))
            }
            Condition::Not(inner) => {
                let test = self.condition(inner)?;
                Ok(Box::new(move |issue| !test(issue)))
            }
            Condition::Clause(clause) => self.clause(clause).map_err(|error| vec![error]),
        }
    }

    fn clause(&self, clause: &Clause) -> Result<Test<'a>, String> {
        let aspect = self.aspect(&clause.field).ok_or_else(|| {
            format!("Field '{}' does not exist or you do not have permission to view it.", clause.field)
        })?;
        match aspect {
            Aspect::Set(field) => self.set(clause, field),
            Aspect::Identity { by_id } => self.identity(clause, by_id),
            Aspect::Time(field) => self.time(clause, field),
            Aspect::Words(field) => words(clause, field),
            Aspect::Number(field) => number(clause, field),
        }
    }

    fn set(&self, clause: &Clause, field: SetField) -> Result<Test<'a>, String> {
        let negated = match clause.operator {
            Operator::Equal | Operator::In => false,
            Operator::NotEqual | Operator::NotIn => true,
            Operator::Is | Operator::IsNot => {
                only_empty(clause)?;
                clause.operator == Operator::IsNot
            }
            Operator::Greater
            | Operator::AtLeast
            | Operator::Less
            | Operator::AtMost
            | Operator::Like
            | Operator::NotLike => return Err(unsupported(clause)),
        };
        let mut wanted = Vec::new();
        let mut empty = false;
        for operand in &clause.operands {
            match operand {
                Operand::Empty => empty = true,
                Operand::Text(_) | Operand::Function(..) => wanted.push(self.value(clause, &field, operand)?),
            }
        }
        let state = self.state;
        Ok(Box::new(move |issue| {
            let held = held(state, issue, &field);
            let found = held.iter().any(|value| wanted.contains(value)) || (empty && held.is_empty());
            // A negation does not find issues without a value, unless emptiness itself is negated.
            if negated { !found && (empty || !held.is_empty()) } else { found }
        }))
    }

    /// The id or word that an operand names in a field.
    fn value(&self, clause: &Clause, field: &SetField, operand: &Operand) -> Result<String, String> {
        let text = match operand {
            Operand::Text(text) => text.as_str(),
            Operand::Function(name, _)
                if name.eq_ignore_ascii_case("currentUser")
                    && matches!(
                        field,
                        SetField::Reporter | SetField::Assignee | SetField::Creator | SetField::CustomUser(_)
                    ) =>
            {
                return Ok(self.account.account_id.clone());
            }
            Operand::Function(name, _) => return Err(format!("Unable to find JQL function '{name}()'.")),
            Operand::Empty => return Ok(String::new()),
        };
        let missing = || format!("The value '{text}' does not exist for the field '{}'.", clause.field);
        let same = |candidate: &str| candidate.eq_ignore_ascii_case(text);
        let id = |found: Option<u64>| found.map(|id| id.to_string()).ok_or_else(missing);
        match field {
            SetField::Project => {
                let project = self.state.project(text).map(|project| project.id);
                id(project.or_else(|| self.state.projects.iter().find(|project| same(&project.name)).map(|p| p.id)))
            }
            SetField::Labels | SetField::CustomLabels(_) => {
                if text.contains(char::is_whitespace) {
                    return Err(format!("The label '{text}' can't contain spaces."));
                }
                Ok(text.to_lowercase())
            }
            SetField::IssueType => {
                let kind = self.state.types.iter().find(|kind| same(&kind.name) || same(&kind.id.to_string()));
                id(kind.map(|kind| kind.id))
            }
            SetField::Status => {
                let status = seed::STATUSES.iter().find(|status| same(status.name) || same(&status.id.to_string()));
                id(status.map(|status| status.id))
            }
            SetField::StatusCategory => {
                let categories = seed::STATUSES.iter().map(|status| status.category);
                id(categories.into_iter().find(|row| same(row.1) || same(row.3)).map(|row| row.0))
            }
            SetField::Priority => {
                id(seed::PRIORITIES.iter().find(|row| same(row.1) || same(&row.0.to_string())).map(|row| row.0))
            }
            SetField::Resolution => {
                id(seed::RESOLUTIONS.iter().find(|row| same(row.1) || same(&row.0.to_string())).map(|row| row.0))
            }
            SetField::Reporter | SetField::Assignee | SetField::Creator | SetField::CustomUser(_) => {
                let account = self.account;
                let known = [&account.account_id, &account.email, &account.display_name];
                if known.into_iter().any(|name| same(name)) { Ok(account.account_id.clone()) } else { Err(missing()) }
            }
            SetField::Parent => id(self.state.issue(text).map(|issue| issue.id)),
            SetField::Components | SetField::FixVersions | SetField::Versions => {
                let list = |project: &'a Project| -> &'a [Named] {
                    if *field == SetField::Components { &project.components } else { &project.versions }
                };
                let mut entries = self.state.projects.iter().flat_map(list);
                id(entries.find(|entry| same(&entry.name) || same(&entry.id.to_string())).map(|entry| entry.id))
            }
            SetField::CustomUrl(_) | SetField::Property(..) => Ok(text.to_lowercase()),
        }
    }

    fn identity(&self, clause: &Clause, by_id: bool) -> Result<Test<'a>, String> {
        let mut ids = Vec::new();
        for operand in &clause.operands {
            match operand {
                Operand::Text(text) => {
                    let issue = self.state.issue(text).ok_or_else(|| {
                        if by_id {
                            format!("An issue with the ID '{text}' does not exist for field '{}'.", clause.field)
                        } else {
                            format!("An issue with key '{text}' does not exist for field '{}'.", clause.field)
                        }
                    })?;
                    ids.push((issue.id, issue.project));
                }
                Operand::Function(name, _) => return Err(format!("Unable to find JQL function '{name}()'.")),
                Operand::Empty => return Err(no_empty(clause)),
            }
        }
        let (bound, project) = ids.first().copied().unwrap_or_default();
        let within = move |issue: &Issue, test: fn(&u64, &u64) -> bool| {
            (by_id || issue.project == project) && test(&issue.id, &bound)
        };
        Ok(match clause.operator {
            Operator::Equal | Operator::In => Box::new(move |issue| ids.iter().any(|(id, _)| *id == issue.id)),
            Operator::NotEqual | Operator::NotIn => Box::new(move |issue| ids.iter().all(|(id, _)| *id != issue.id)),
            Operator::Greater => Box::new(move |issue| within(issue, u64::gt)),
            Operator::AtLeast => Box::new(move |issue| within(issue, u64::ge)),
            Operator::Less => Box::new(move |issue| within(issue, u64::lt)),
            Operator::AtMost => Box::new(move |issue| within(issue, u64::le)),
            Operator::Like | Operator::NotLike | Operator::Is | Operator::IsNot => return Err(unsupported(clause)),
        })
    }

    fn time(&self, clause: &Clause, field: TimeField) -> Result<Test<'a>, String> {
        let empty = clause.operands.contains(&Operand::Empty);
        if matches!(clause.operator, Operator::Is | Operator::IsNot) || empty {
            if !matches!(clause.operator, Operator::Is | Operator::IsNot | Operator::Equal | Operator::NotEqual) {
                return Err(no_empty(clause));
            }
            only_empty(clause)?;
            let wanted = matches!(clause.operator, Operator::Is | Operator::Equal);
            return Ok(Box::new(move |issue| time_of(issue, &field).is_none() == wanted));
        }
        let mut moments = Vec::new();
        for operand in &clause.operands {
            moments.push(moment(&clause.field, operand, self.now)?);
        }
        let bound = moments.first().copied().unwrap_or(self.now);
        let compare = move |issue: &Issue, test: fn(&OffsetDateTime, &OffsetDateTime) -> bool| {
            time_of(issue, &field).is_some_and(|at| test(&at, &bound))
        };
        Ok(match clause.operator {
            Operator::Equal => Box::new(move |issue| compare(issue, OffsetDateTime::eq)),
            Operator::NotEqual => Box::new(move |issue| compare(issue, OffsetDateTime::ne)),
            Operator::Greater => Box::new(move |issue| compare(issue, OffsetDateTime::gt)),
            Operator::AtLeast => Box::new(move |issue| compare(issue, OffsetDateTime::ge)),
            Operator::Less => Box::new(move |issue| compare(issue, OffsetDateTime::lt)),
            Operator::AtMost => Box::new(move |issue| compare(issue, OffsetDateTime::le)),
            Operator::In | Operator::NotIn | Operator::Like | Operator::NotLike | Operator::Is | Operator::IsNot => {
                return Err(unsupported(clause));
            }
        })
    }

    /// Compiles the order; without one the newest issue comes first.
    ///
    /// # Errors
    /// A field that cannot be sorted by, and too many of them.
    pub fn order(&self, query: &Query) -> Result<Order<'a>, Vec<String>> {
        if query.order.len() > ORDER_LIMIT {
            return Err(vec![format!("The maximum number of fields in an ORDER BY clause is {ORDER_LIMIT}.")]);
        }
        let mut keys: Vec<(Aspect, bool)> = Vec::new();
        for (name, down) in &query.order {
            match self.aspect(name) {
                Some(Aspect::Words(WordField::Everything | WordField::Comment)) | None => {
                    return Err(vec![format!("Not able to sort using field '{name}'.")]);
                }
                Some(aspect) => keys.push((aspect, *down)),
            }
        }
        let state = self.state;
        Ok(Box::new(move |a, b| {
            for (aspect, down) in &keys {
                let order = compare(state, aspect, a, b);
                if order != Ordering::Equal {
                    return if *down { order.reverse() } else { order };
                }
            }
            b.id.cmp(&a.id)
        }))
    }
}

fn compare(state: &State, aspect: &Aspect, a: &Issue, b: &Issue) -> Ordering {
    match aspect {
        Aspect::Identity { by_id: true } => a.id.cmp(&b.id),
        Aspect::Identity { by_id: false } => {
            let key = |issue: &Issue| {
                let project = state.project_by_id(issue.project).map_or("", |project| project.key.as_str());
                (project.to_owned(), issue.id)
            };
            key(a).cmp(&key(b))
        }
        Aspect::Time(field) => time_of(a, field).cmp(&time_of(b, field)),
        Aspect::Words(field) => texts(a, field).join(" ").to_lowercase().cmp(&texts(b, field).join(" ").to_lowercase()),
        Aspect::Number(field) => number_of(a, field).partial_cmp(&number_of(b, field)).unwrap_or(Ordering::Equal),
        // The first priority is the highest: upwards means from the least important one.
        Aspect::Set(SetField::Priority) => b.priority.cmp(&a.priority),
        Aspect::Set(field) => held(state, a, field).cmp(&held(state, b, field)),
    }
}

/// The text for an operator that a field does not have.
pub(super) fn unsupported(clause: &Clause) -> String {
    format!("The operator '{}' is not supported by the '{}' field.", clause.operator.text(), clause.field)
}

/// The text for `EMPTY` where a field cannot be empty.
pub(super) fn no_empty(clause: &Clause) -> String {
    format!("The field '{}' does not support searching for EMPTY values.", clause.field)
}

/// Refuses any other operand than `EMPTY`.
pub(super) fn only_empty(clause: &Clause) -> Result<(), String> {
    if clause.operands.iter().all(|operand| *operand == Operand::Empty) {
        return Ok(());
    }
    Err(format!("The operator '{}' on the field '{}' only supports EMPTY.", clause.operator.text(), clause.field))
}

/// The ids or words that an issue holds in a field.
fn held(state: &State, issue: &Issue, field: &SetField) -> Vec<String> {
    let ids = |ids: &[u64]| ids.iter().map(u64::to_string).collect::<Vec<_>>();
    let custom = |id: &str| match issue.custom.get(id) {
        Some(CustomValue::Plain(serde_json::Value::Array(items))) => {
            items.iter().filter_map(|item| item.as_str()).map(str::to_lowercase).collect()
        }
        Some(CustomValue::Plain(serde_json::Value::String(text))) => vec![text.to_lowercase()],
        Some(CustomValue::Plain(_) | CustomValue::Rich(_)) | None => Vec::new(),
    };
    match field {
        SetField::Project => ids(&[issue.project]),
        SetField::Labels => issue.labels.iter().map(|label| label.to_lowercase()).collect(),
        SetField::IssueType => ids(&[issue.type_id]),
        SetField::Status => ids(&[issue.status]),
        SetField::StatusCategory => ids(&[seed::status(issue.status).category.0]),
        SetField::Priority => ids(&[issue.priority]),
        SetField::Resolution => ids(issue.resolution.as_slice()),
        SetField::Reporter => issue.reporter.iter().cloned().collect(),
        SetField::Assignee => issue.assignee.iter().cloned().collect(),
        SetField::Creator => vec![issue.creator.clone()],
        SetField::Parent => ids(issue.parent.filter(|parent| state.issues.contains_key(parent)).as_slice()),
        SetField::Components => ids(&issue.components),
        SetField::FixVersions => ids(&issue.fix_versions),
        SetField::Versions => ids(&issue.versions),
        SetField::CustomLabels(id) | SetField::CustomUser(id) | SetField::CustomUrl(id) => custom(id),
        SetField::Property(key, path) => {
            let whole = issue.properties.get(key);
            let found = whole.and_then(|whole| path.split('.').try_fold(whole, |value, part| value.get(part)));
            let many = found.and_then(serde_json::Value::as_array);
            many.map_or_else(|| found.into_iter().collect(), |items| items.iter().collect::<Vec<_>>())
                .into_iter()
                .filter_map(super::set::scalar)
                .map(|text| text.to_lowercase())
                .collect()
        }
    }
}

fn time_of(issue: &Issue, field: &TimeField) -> Option<OffsetDateTime> {
    let day = |text: &str| {
        let day = time::Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(day.midnight().assume_utc())
    };
    match field {
        TimeField::Created => Some(issue.created),
        TimeField::Updated => Some(issue.updated),
        TimeField::Resolved => issue.resolved,
        TimeField::CategoryChanged => Some(issue.category_changed),
        TimeField::Due => issue.due.as_deref().and_then(day),
        TimeField::Custom(id) => match issue.custom.get(id) {
            Some(CustomValue::Plain(serde_json::Value::String(text))) => {
                super::set::parse_moment(text).or_else(|| day(text))
            }
            Some(CustomValue::Plain(_) | CustomValue::Rich(_)) | None => None,
        },
    }
}

fn number_of(issue: &Issue, field: &str) -> Option<f64> {
    match issue.custom.get(field) {
        Some(CustomValue::Plain(value)) => value.as_f64(),
        Some(CustomValue::Rich(_)) | None => None,
    }
}

fn number(clause: &Clause, field: String) -> Result<Test<'static>, String> {
    if matches!(clause.operator, Operator::Is | Operator::IsNot) {
        only_empty(clause)?;
        let wanted = clause.operator == Operator::Is;
        return Ok(Box::new(move |issue| number_of(issue, &field).is_none() == wanted));
    }
    let mut values = Vec::new();
    for operand in &clause.operands {
        let parsed = match operand {
            Operand::Text(text) => text.parse::<f64>().ok(),
            Operand::Empty | Operand::Function(..) => None,
        };
        values.push(parsed.ok_or_else(|| format!("The value for the field '{}' must be a number.", clause.field))?);
    }
    let operator = clause.operator;
    if matches!(operator, Operator::Like | Operator::NotLike) {
        return Err(unsupported(clause));
    }
    Ok(Box::new(move |issue| {
        let Some(held) = number_of(issue, &field) else { return false };
        let bound = values.first().copied().unwrap_or(f64::NAN);
        let among = || values.iter().any(|value| held.total_cmp(value).is_eq());
        match operator {
            Operator::Equal | Operator::In => among(),
            Operator::NotEqual | Operator::NotIn => !among(),
            Operator::Greater => held > bound,
            Operator::AtLeast => held >= bound,
            Operator::Less => held < bound,
            Operator::AtMost => held <= bound,
            Operator::Like | Operator::NotLike | Operator::Is | Operator::IsNot => false,
        }
    }))
}
