//! Records without what must not be kept: every free text of them, and never an id, which tells one thing from another.

use hub_domain::{
    Problem,
    record::{CaseRecord, DefectRecord, Record, ResultRecord, SuiteRecord},
};

use super::{Found, Kind, text};

/// Redacts a record before anything is derived from it.
pub fn record(record: &mut Record, found: &mut Found) {
    match record {
        Record::Suite(suite) => of_suite(suite, found),
        Record::Result(result) => of_result(result, found),
        Record::Case(case) => of_case(case, found),
        Record::Defect(defect) => of_defect(defect, found),
    }
}

/// Redacts what a reader says of a problem.
pub fn problem(problem: &mut Problem, found: &mut Found) {
    one(&mut problem.message, found);
    maybe(&mut problem.subject, found);
}

fn one(value: &mut String, found: &mut Found) {
    if let std::borrow::Cow::Owned(redacted) = text(value, found) {
        *value = redacted;
    }
}

fn maybe(value: &mut Option<String>, found: &mut Found) {
    if let Some(value) = value {
        one(value, found);
    }
}

fn all(values: &mut [String], found: &mut Found) {
    for value in values {
        one(value, found);
    }
}

/// Names of parameters, properties and columns whose whole value is a secret.
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "contrasena",
    "passphrase",
];

/// Names and values: the name says whether the value is a secret as a whole, and announces a telephone number.
fn pairs(pairs: &mut [(String, String)], found: &mut Found) {
    for (name, value) in pairs {
        let key: String = crate::words::key(name).replace('_', "");
        if SECRET_NAMES.iter().any(|secret| key.ends_with(secret)) && !value.trim().is_empty() {
            if !Kind::ALL.iter().any(|kind| kind.placeholder() == value) {
                Kind::Secret.placeholder().clone_into(value);
                found.add(Kind::Secret);
            }
            continue;
        }
        one(value, found);
        let said = format!("{name}: {value}");
        let prefix = name.len() + 2;
        if let std::borrow::Cow::Owned(redacted) = text(&said, found)
            && let Some(rest) = redacted.get(prefix..)
        {
            rest.clone_into(value);
        }
    }
}

fn of_suite(suite: &mut SuiteRecord, found: &mut Found) {
    all(&mut suite.path, found);
    maybe(&mut suite.file, found);
    maybe(&mut suite.host, found);
    pairs(&mut suite.properties, found);
}

fn of_result(result: &mut ResultRecord, found: &mut Found) {
    let ResultRecord {
        suite,
        class_name,
        file,
        name,
        case_id,
        status: _,
        attempt: _,
        flaky: _,
        duration_ms: _,
        started_at: _,
        device,
        browser,
        platform,
        environment,
        history_id: _,
        parameters,
        tags,
        steps,
        error_type,
        message,
        details,
        output,
        notes,
        attachments,
        properties,
        line: _,
    } = result;
    all(suite, found);
    // A row that only names a case has the case's id as its name.
    if case_id.as_ref() != Some(name) {
        one(name, found);
    }
    for value in [class_name, file, device, browser, platform, environment, error_type, message, details, output, notes]
    {
        maybe(value, found);
    }
    pairs(parameters, found);
    pairs(properties, found);
    all(tags, found);
    for step in steps {
        one(&mut step.name, found);
        maybe(&mut step.message, found);
    }
    for attachment in attachments {
        one(&mut attachment.path, found);
        maybe(&mut attachment.name, found);
    }
}

fn of_case(case: &mut CaseRecord, found: &mut Found) {
    let CaseRecord {
        id: _,
        title,
        test_type,
        component,
        module,
        requirements: _,
        preconditions,
        steps,
        expected_result,
        priority: _,
        risk: _,
        tags,
        status: _,
        other,
        line: _,
    } = case;
    one(title, found);
    for value in [test_type, component, module, preconditions, steps, expected_result] {
        maybe(value, found);
    }
    all(tags, found);
    pairs(other, found);
}

fn of_defect(defect: &mut DefectRecord, found: &mut Found) {
    let DefectRecord {
        id: _,
        title,
        case_ids: _,
        run_id: _,
        severity: _,
        priority: _,
        status: _,
        description,
        steps,
        expected_result,
        actual_result,
        environment,
        device,
        other,
        derived: _,
        line: _,
    } = defect;
    one(title, found);
    for value in [description, steps, expected_result, actual_result, environment, device] {
        maybe(value, found);
    }
    pairs(other, found);
}
