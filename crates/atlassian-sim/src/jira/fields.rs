//! Fields: what exists, of which kind, and how the API describes them.

use serde_json::{Value, json};

/// The prefix of Jira's own custom field types.
pub const TYPE_PREFIX: &str = "com.atlassian.jira.plugin.system.customfieldtypes:";

/// How a field takes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line of at most 255 characters.
    Summary,
    /// Rich text: an Atlassian Document in version 3, wiki markup in version 2.
    Rich,
    /// A set of words.
    Labels,
    /// One line of text.
    Text,
    /// An address.
    Url,
    /// A number.
    Number,
    /// A day.
    Date,
    /// A moment.
    DateTime,
    /// A priority.
    Priority,
    /// A resolution.
    Resolution,
    /// An account.
    User,
    /// The issue above.
    Parent,
    /// The project.
    Project,
    /// The type.
    IssueType,
    /// Versions of the project.
    Versions,
    /// Components of the project.
    Components,
    /// Links to other issues; only through `update`.
    IssueLinks,
    /// Comments; only through `update`.
    Comment,
    /// A choice from options. A new field has none, so every value is refused.
    Choice,
    /// Set by Jira itself.
    ReadOnly,
}

/// A field of the site.
#[derive(Debug, Clone)]
pub struct Field {
    /// `summary`, `customfield_10101`
    pub id: String,
    /// The readable name, not unique.
    pub name: String,
    /// Whether it is a custom field.
    pub custom: bool,
    /// Whether it can stand on a screen.
    pub orderable: bool,
    /// Whether `*navigable` includes it.
    pub navigable: bool,
    /// Whether JQL knows it.
    pub searchable: bool,
    /// Its names in JQL.
    pub clauses: Vec<String>,
    /// The type as the API describes it.
    pub schema: Option<Value>,
    /// How it takes values.
    pub kind: Kind,
}

/// Custom field types by the part behind [`TYPE_PREFIX`]: kind, schema type, schema items, JQL suffix.
const CUSTOM: [(&str, Kind, &str, Option<&str>, &str); 15] = [
    ("textfield", Kind::Text, "string", None, "Short text"),
    ("textarea", Kind::Rich, "string", None, "Paragraph"),
    ("readonlyfield", Kind::Text, "string", None, "Text Field (read only)"),
    ("url", Kind::Url, "string", None, "URL Field"),
    ("float", Kind::Number, "number", None, "Number"),
    ("datepicker", Kind::Date, "date", None, "Date"),
    ("datetime", Kind::DateTime, "datetime", None, "Time stamp"),
    ("labels", Kind::Labels, "array", Some("string"), "Labels"),
    ("userpicker", Kind::User, "user", None, "People"),
    ("select", Kind::Choice, "option", None, "Dropdown"),
    ("radiobuttons", Kind::Choice, "option", None, "Radio Buttons"),
    ("multiselect", Kind::Choice, "array", Some("option"), "Dropdown"),
    ("multicheckboxes", Kind::Choice, "array", Some("option"), "Checkboxes"),
    ("cascadingselect", Kind::Choice, "option-with-child", None, "Dropdown"),
    ("project", Kind::Choice, "project", None, "Project picker"),
];

/// Whether the site has this custom field type.
pub fn known_type(full: &str) -> bool {
    full.strip_prefix(TYPE_PREFIX).is_some_and(|name| CUSTOM.iter().any(|row| row.0 == name))
}

impl Field {
    /// A custom field with a number and a full type such as `com.atlassian...:textfield`. Types of other apps are listed
    /// and shown but cannot be set.
    pub fn custom(number: u64, name: &str, full_type: &str) -> Self {
        let row = full_type.strip_prefix(TYPE_PREFIX).and_then(|short| CUSTOM.iter().find(|row| row.0 == short));
        let (kind, schema_type, items, suffix) =
            row.map_or((Kind::ReadOnly, "any", None, None), |row| (row.1, row.2, row.3, Some(row.4)));
        let mut schema = json!({"type": schema_type, "custom": full_type, "customId": number});
        if let Some(items) = items {
            schema["items"] = json!(items);
        }
        let mut clauses = vec![format!("cf[{number}]"), name.to_owned()];
        clauses.extend(suffix.map(|suffix| format!("{name}[{suffix}]")));
        Self {
            id: format!("customfield_{number}"),
            name: name.to_owned(),
            custom: true,
            orderable: true,
            navigable: true,
            searchable: true,
            clauses,
            schema: Some(schema),
            kind,
        }
    }

    /// The number of a custom field.
    pub fn number(&self) -> Option<u64> {
        self.id.strip_prefix("customfield_")?.parse().ok()
    }

    /// The entry in `GET /field`.
    pub fn to_json(&self) -> Value {
        let mut out = json!({
            "id": self.id,
            "key": self.id,
            "name": self.name,
        });
        if self.custom {
            out["untranslatedName"] = json!(self.name);
        }
        out["custom"] = json!(self.custom);
        out["orderable"] = json!(self.orderable);
        out["navigable"] = json!(self.navigable);
        out["searchable"] = json!(self.searchable);
        out["clauseNames"] = json!(self.clauses);
        if let Some(schema) = &self.schema {
            out["schema"] = schema.clone();
        }
        out
    }

    /// Whether a create screen that shows every settable system field shows this one.
    pub fn on_every_create_screen(&self) -> bool {
        !self.custom
            && match self.kind {
                Kind::Summary
                | Kind::Rich
                | Kind::Labels
                | Kind::Text
                | Kind::Url
                | Kind::Number
                | Kind::Date
                | Kind::DateTime
                | Kind::Priority
                | Kind::User
                | Kind::Parent
                | Kind::Project
                | Kind::IssueType
                | Kind::Versions
                | Kind::Components
                | Kind::IssueLinks => true,
                Kind::Resolution | Kind::Comment | Kind::Choice | Kind::ReadOnly => self.id == "attachment",
            }
    }

    /// The verbs that `update` takes for this field.
    pub fn operations(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Labels | Kind::Versions | Kind::Components => &["add", "set", "remove"],
            Kind::IssueLinks => &["add", "copy"],
            Kind::Comment => &["add", "edit", "remove"],
            Kind::Summary
            | Kind::Rich
            | Kind::Text
            | Kind::Url
            | Kind::Number
            | Kind::Date
            | Kind::DateTime
            | Kind::Priority
            | Kind::Resolution
            | Kind::User
            | Kind::Parent
            | Kind::Project
            | Kind::IssueType
            | Kind::Choice => &["set"],
            Kind::ReadOnly => &[],
        }
    }

    /// The entry in create and edit metadata; `allowed` are the values of a field that has a closed list.
    pub fn meta(&self, required: bool, allowed: Option<Value>) -> Value {
        let schema = match (&self.schema, self.kind) {
            (Some(schema), _) => schema.clone(),
            (None, Kind::Parent) => json!({"type": "issuelink", "system": "parent"}),
            (None, _) => json!({"type": "any", "system": self.id}),
        };
        let mut out = json!({
            "required": required,
            "schema": schema,
            "name": self.name,
            "key": self.id,
            "fieldId": self.id,
            "hasDefaultValue": self.kind == Kind::Priority,
            "operations": self.operations(),
        });
        if let Some(allowed) = allowed {
            out["allowedValues"] = allowed;
        }
        out
    }
}
