//! The start state of a simulated Jira: types, statuses, fields and screens as a new Cloud site has them.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::fields::{Field, Kind};
use super::state::{IssueType, LinkType, Project, Status};
use crate::options::{Options, ProjectSpec};

/// The workflow of every project: each status is reached by a global transition.
pub const STATUSES: [Status; 3] = [
    Status { id: 10_000, name: "To Do", transition: 11, category: (2, "new", "blue-gray", "To Do") },
    Status { id: 10_001, name: "In Progress", transition: 21, category: (4, "indeterminate", "yellow", "In Progress") },
    Status { id: 10_002, name: "Done", transition: 31, category: (3, "done", "green", "Done") },
];

/// Priorities by id.
pub const PRIORITIES: [(u64, &str, &str); 5] = [
    (1, "Highest", "This problem will block progress."),
    (2, "High", "Serious problem that could block progress."),
    (3, "Medium", "Has the potential to affect progress."),
    (4, "Low", "Minor problem or easily worked around."),
    (5, "Lowest", "Trivial problem with little or no impact on progress."),
];

/// The priority of an issue created without one.
pub const DEFAULT_PRIORITY: u64 = 3;

/// Resolutions by id.
pub const RESOLUTIONS: [(u64, &str, &str); 4] = [
    (10_000, "Done", "Work has been completed on this issue."),
    (10_001, "Won't Do", "This issue won't be actioned."),
    (10_002, "Duplicate", "The problem is a duplicate of an existing issue."),
    (10_003, "Cannot Reproduce", "All attempts at reproducing this issue failed."),
];

/// The status of a new issue.
pub const FIRST_STATUS: &Status = &STATUSES[0];

/// The status with an id; the first where the id is unknown, which no stored issue has.
pub fn status(id: u64) -> &'static Status {
    STATUSES.iter().find(|status| status.id == id).unwrap_or(FIRST_STATUS)
}

/// The types of a new site, and the two that test management adds.
pub fn issue_types() -> Vec<IssueType> {
    let kind = |id, name: &str, description: &str, hierarchy, avatar| IssueType {
        id,
        name: name.to_owned(),
        description: description.to_owned(),
        hierarchy,
        avatar,
    };
    vec![
        kind(10_000, "Epic", "A big user story that needs to be broken down.", 1, 10_307),
        kind(10_001, "Story", "Functionality or a feature expressed as a user goal.", 0, 10_315),
        kind(10_002, "Task", "A small, distinct piece of work.", 0, 10_318),
        kind(10_003, "Sub-task", "A small piece of work that's part of a larger task.", -1, 10_316),
        kind(10_004, "Bug", "A problem or error.", 0, 10_303),
        kind(10_005, "Test Case", "Steps and an expected result.", 0, 10_311),
        kind(10_006, "Test Execution", "One run of a set of test cases.", 0, 10_310),
    ]
}

/// The types whose screens carry the custom fields.
const TYPES_WITH_CUSTOM_FIELDS: [&str; 4] = ["Task", "Bug", "Test Case", "Test Execution"];

/// The projects that the options ask for.
pub fn projects(options: &Options, types: &[IssueType]) -> Vec<Project> {
    let missing = |key: &str, name: &str| {
        options.missing_issue_types.iter().any(|entry| match entry.split_once(':') {
            Some((project, kind)) => project.eq_ignore_ascii_case(key) && kind.eq_ignore_ascii_case(name),
            None => entry.eq_ignore_ascii_case(name),
        })
    };
    options
        .projects
        .iter()
        .zip(10_000..)
        .map(|(text, id)| {
            let spec = ProjectSpec::parse(text);
            let key = spec.key.to_ascii_uppercase();
            let type_ids = types.iter().filter(|kind| !missing(&key, &kind.name)).map(|kind| kind.id).collect();
            Project {
                id,
                key,
                former_keys: Vec::new(),
                name: spec.name,
                type_ids,
                last_number: 0,
                versions: Vec::new(),
                components: Vec::new(),
            }
        })
        .collect()
}

/// The link types of a new site.
pub fn link_types() -> Vec<LinkType> {
    let kind = |id, name: &str, inward: &str, outward: &str| LinkType {
        id,
        name: name.to_owned(),
        inward: inward.to_owned(),
        outward: outward.to_owned(),
    };
    vec![
        kind(10_000, "Blocks", "is blocked by", "blocks"),
        kind(10_001, "Cloners", "is cloned by", "clones"),
        kind(10_002, "Duplicate", "is duplicated by", "duplicates"),
        kind(10_003, "Relates", "relates to", "relates to"),
    ]
}

/// The custom fields on each create screen.
pub fn screens(projects: &[Project], types: &[IssueType], fields: &[Field]) -> HashMap<(u64, u64), HashSet<String>> {
    let settable: HashSet<String> = fields
        .iter()
        .filter(|field| field.custom && !matches!(field.kind, Kind::ReadOnly))
        .map(|field| field.id.clone())
        .collect();
    let mut screens = HashMap::new();
    for project in projects {
        for kind in types.iter().filter(|kind| project.type_ids.contains(&kind.id)) {
            let fields =
                if TYPES_WITH_CUSTOM_FIELDS.contains(&kind.name.as_str()) { settable.clone() } else { HashSet::new() };
            screens.insert((project.id, kind.id), fields);
        }
    }
    screens
}

/// One row of the field list: id, name, orderable, navigable, searchable, clause names, (type, items), kind.
type Row = (
    &'static str,
    &'static str,
    bool,
    bool,
    bool,
    &'static [&'static str],
    Option<(&'static str, Option<&'static str>)>,
    Kind,
);

/// System fields in the order in which Cloud lists them; order and flags as recorded from a real site.
const SYSTEM: [Row; 44] = [
    (
        "statuscategorychangedate",
        "Status Category Changed",
        false,
        true,
        true,
        &["statusCategoryChangedDate"],
        Some(("datetime", None)),
        Kind::ReadOnly,
    ),
    ("issuetype", "Issue Type", true, true, true, &["issuetype", "type"], Some(("issuetype", None)), Kind::IssueType),
    ("parent", "Parent", false, true, false, &["parent"], None, Kind::Parent),
    ("timespent", "Time Spent", false, true, false, &["timespent"], Some(("number", None)), Kind::ReadOnly),
    ("project", "Project", false, true, true, &["project"], Some(("project", None)), Kind::Project),
    (
        "fixVersions",
        "Fix versions",
        true,
        true,
        true,
        &["fixVersion"],
        Some(("array", Some("version"))),
        Kind::Versions,
    ),
    ("aggregatetimespent", "Σ Time Spent", false, true, false, &[], Some(("number", None)), Kind::ReadOnly),
    ("statusCategory", "Status Category", false, true, true, &["statusCategory"], None, Kind::ReadOnly),
    ("resolution", "Resolution", true, true, true, &["resolution"], Some(("resolution", None)), Kind::Resolution),
    (
        "resolutiondate",
        "Resolved",
        false,
        true,
        true,
        &["resolutiondate", "resolved"],
        Some(("datetime", None)),
        Kind::ReadOnly,
    ),
    ("workratio", "Work Ratio", false, true, true, &["workratio"], Some(("number", None)), Kind::ReadOnly),
    ("issuerestriction", "Restrict to", true, false, true, &[], Some(("issuerestriction", None)), Kind::ReadOnly),
    ("lastViewed", "Last Viewed", false, true, false, &["lastViewed"], Some(("datetime", None)), Kind::ReadOnly),
    ("watches", "Watchers", false, true, false, &["watchers"], Some(("watches", None)), Kind::ReadOnly),
    ("thumbnail", "Images", false, true, false, &[], None, Kind::ReadOnly),
    ("created", "Created", false, true, true, &["created", "createdDate"], Some(("datetime", None)), Kind::ReadOnly),
    ("priority", "Priority", true, true, true, &["priority"], Some(("priority", None)), Kind::Priority),
    ("labels", "Labels", true, true, true, &["labels"], Some(("array", Some("string"))), Kind::Labels),
    (
        "timeestimate",
        "Remaining Estimate",
        false,
        true,
        false,
        &["remainingEstimate", "timeestimate"],
        Some(("number", None)),
        Kind::ReadOnly,
    ),
    (
        "aggregatetimeoriginalestimate",
        "Σ Original Estimate",
        false,
        true,
        false,
        &[],
        Some(("number", None)),
        Kind::ReadOnly,
    ),
    (
        "versions",
        "Affects versions",
        true,
        true,
        true,
        &["affectedVersion"],
        Some(("array", Some("version"))),
        Kind::Versions,
    ),
    (
        "issuelinks",
        "Linked Issues",
        true,
        true,
        true,
        &["issueLink"],
        Some(("array", Some("issuelinks"))),
        Kind::IssueLinks,
    ),
    ("assignee", "Assignee", true, true, true, &["assignee"], Some(("user", None)), Kind::User),
    ("updated", "Updated", false, true, true, &["updated", "updatedDate"], Some(("datetime", None)), Kind::ReadOnly),
    ("status", "Status", false, true, true, &["status"], Some(("status", None)), Kind::ReadOnly),
    (
        "components",
        "Components",
        true,
        true,
        true,
        &["component"],
        Some(("array", Some("component"))),
        Kind::Components,
    ),
    ("issuekey", "Key", false, true, false, &["id", "issue", "issuekey", "key"], None, Kind::ReadOnly),
    (
        "timeoriginalestimate",
        "Original estimate",
        false,
        true,
        false,
        &["originalEstimate", "timeoriginalestimate"],
        Some(("number", None)),
        Kind::ReadOnly,
    ),
    ("description", "Description", true, true, true, &["description"], Some(("string", None)), Kind::Rich),
    ("timetracking", "Time tracking", true, false, true, &[], Some(("timetracking", None)), Kind::ReadOnly),
    ("security", "Security Level", true, true, true, &["level"], Some(("securitylevel", None)), Kind::ReadOnly),
    (
        "attachment",
        "Attachment",
        true,
        false,
        true,
        &["attachments"],
        Some(("array", Some("attachment"))),
        Kind::ReadOnly,
    ),
    ("aggregatetimeestimate", "Σ Remaining Estimate", false, true, false, &[], Some(("number", None)), Kind::ReadOnly),
    ("summary", "Summary", true, true, true, &["summary"], Some(("string", None)), Kind::Summary),
    ("creator", "Creator", false, true, true, &["creator"], Some(("user", None)), Kind::ReadOnly),
    ("subtasks", "Sub-tasks", false, true, false, &["subtasks"], Some(("array", Some("issuelinks"))), Kind::ReadOnly),
    ("reporter", "Reporter", true, true, true, &["reporter"], Some(("user", None)), Kind::User),
    ("aggregateprogress", "Σ Progress", false, true, false, &[], Some(("progress", None)), Kind::ReadOnly),
    ("environment", "Environment", true, true, true, &["environment"], Some(("string", None)), Kind::Rich),
    ("duedate", "Due date", true, true, true, &["due", "duedate"], Some(("date", None)), Kind::Date),
    ("progress", "Progress", false, true, false, &["progress"], Some(("progress", None)), Kind::ReadOnly),
    ("comment", "Comment", true, false, true, &["comment"], Some(("comments-page", None)), Kind::Comment),
    ("votes", "Votes", false, true, false, &["votes"], Some(("votes", None)), Kind::ReadOnly),
    ("worklog", "Log Work", true, false, true, &[], Some(("array", Some("worklog"))), Kind::ReadOnly),
];

/// The fields of a new site, and the last custom field number used.
pub fn fields(custom: &[String]) -> (Vec<Field>, u64) {
    let mut fields: Vec<Field> = SYSTEM
        .iter()
        .map(|(id, name, orderable, navigable, searchable, clauses, schema, kind)| Field {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            custom: false,
            orderable: *orderable,
            navigable: *navigable,
            searchable: *searchable,
            clauses: clauses.iter().map(|clause| (*clause).to_owned()).collect(),
            schema: schema.map(|(kind, items)| match items {
                Some(items) => json!({"type": kind, "items": items, "system": id}),
                None => json!({"type": kind, "system": id}),
            }),
            kind: *kind,
        })
        .collect();
    fields.push(Field::custom(10_019, "Rank", "com.pyxis.greenhopper.jira:gh-lexo-rank"));
    let mut last = 10_100;
    for name in custom {
        last += 1;
        fields.push(Field::custom(last, name, "com.atlassian.jira.plugin.system.customfieldtypes:textfield"));
    }
    (fields, last)
}
