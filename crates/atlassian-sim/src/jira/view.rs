//! What is remembered, as the API shows it. Every object is as complete as in recorded answers, because clients that
//! were never written for a simulator read it.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::fields::{Field, Kind};
use super::reply::{Site, Version};
use super::rich::Rich;
use super::state::{Attachment, Comment, CustomValue, Issue, IssueType, Link, LinkType, Project, RemoteLink, State};
use super::{adf_html, seed};
use crate::auth::Account;

/// The expansions that a single issue names.
const ISSUE_EXPAND: &str = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations";

/// `2022-01-15T21:23:41.634+0000`, the form of every moment in Jira's API.
pub fn stamp(at: OffsetDateTime) -> String {
    let form = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3][offset_hour sign:mandatory][offset_minute]"
    );
    at.format(form).unwrap_or_default()
}

/// Which fields a caller asked for.
#[derive(Debug, Clone)]
pub struct Selection {
    words: Vec<String>,
}

impl Selection {
    /// From a list as sent; `default` stands for an empty one.
    pub fn new(words: Vec<String>, default: &str) -> Self {
        if words.is_empty() { Self { words: vec![default.to_owned()] } } else { Self { words } }
    }

    /// Whether a field is in it. Unknown names are dropped without a word, as on Cloud.
    pub fn wants(&self, field: &Field) -> bool {
        let named = |word: &str| word == field.id || (field.custom && word.eq_ignore_ascii_case(&field.name));
        if self.words.iter().any(|word| word.strip_prefix('-').is_some_and(named)) {
            return false;
        }
        let only_exclusions = self.words.iter().all(|word| word.starts_with('-'));
        only_exclusions
            || self.words.iter().any(|word| match word.as_str() {
                "*all" => true,
                "*navigable" => field.navigable,
                word => named(word),
            })
    }

    /// Whether nothing but the id was asked for.
    pub fn only_id(&self) -> bool {
        self.words.iter().all(|word| word == "id")
    }
}

/// Shows the state to one caller.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// What is shown.
    pub state: &'a State,
    /// The address for `self` links and the version.
    pub site: Site<'a>,
    /// The only account.
    pub account: &'a Account,
}

impl View<'_> {
    fn avatars(&self, kind: &str, id: u64) -> Value {
        let url = format!("{}/rest/api/3/universal_avatar/view/type/{kind}/avatar/{id}", self.site.base);
        json!({
            "48x48": url,
            "24x24": format!("{url}?size=small"),
            "16x16": format!("{url}?size=xsmall"),
            "32x32": format!("{url}?size=medium"),
        })
    }

    /// The account that calls come from.
    pub fn user(&self) -> Value {
        self.person(self.account)
    }

    /// Who wrote something: a person of the site, or the account that calls come from.
    pub fn author(&self, account_id: &str) -> Value {
        self.person(self.state.people.get(account_id).unwrap_or(self.account))
    }

    fn person(&self, account: &Account) -> Value {
        if self.site.version == Version::Server {
            let name = &account.display_name;
            return json!({
                "self": self.site.api(&format!("user?username={name}")),
                "name": name,
                "key": name,
                "emailAddress": account.email,
                "avatarUrls": self.avatars("user", 10_336),
                "displayName": name,
                "active": true,
                "timeZone": "Etc/UTC",
            });
        }
        json!({
            "self": self.site.api(&format!("user?accountId={}", account.account_id)),
            "accountId": account.account_id,
            "emailAddress": account.email,
            "avatarUrls": self.avatars("user", 10_336),
            "displayName": account.display_name,
            "active": true,
            "timeZone": "Etc/UTC",
            "accountType": "atlassian",
        })
    }

    /// A project inside an issue.
    pub fn project_brief(&self, project: &Project) -> Value {
        json!({
            "self": self.site.api(&format!("project/{}", project.id)),
            "id": project.id.to_string(),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "simplified": false,
            "avatarUrls": self.avatars("project", 10_421),
        })
    }

    /// An issue type.
    pub fn issue_type(&self, kind: &IssueType) -> Value {
        json!({
            "self": self.site.api(&format!("issuetype/{}", kind.id)),
            "id": kind.id.to_string(),
            "description": kind.description,
            "iconUrl": format!(
                "{}/rest/api/2/universal_avatar/view/type/issuetype/avatar/{}?size=medium",
                self.site.base, kind.avatar
            ),
            "name": kind.name,
            "subtask": kind.subtask(),
            "avatarId": kind.avatar,
            "hierarchyLevel": kind.hierarchy,
        })
    }

    /// A status with its category.
    pub fn status(&self, id: u64) -> Value {
        let status = seed::status(id);
        let (category, key, colour, name) = status.category;
        json!({
            "self": self.site.api(&format!("status/{}", status.id)),
            "description": "",
            "iconUrl": format!("{}/", self.site.base),
            "name": status.name,
            "id": status.id.to_string(),
            "statusCategory": {
                "self": self.site.api(&format!("statuscategory/{category}")),
                "id": category,
                "key": key,
                "colorName": colour,
                "name": name,
            },
        })
    }

    /// A priority as issues show it.
    pub fn priority(&self, id: u64) -> Value {
        let name = seed::PRIORITIES.iter().find(|row| row.0 == id).map_or("Medium", |row| row.1);
        json!({
            "self": self.site.api(&format!("priority/{id}")),
            "iconUrl": format!("{}/images/icons/priorities/{}.svg", self.site.base, name.to_ascii_lowercase()),
            "name": name,
            "id": id.to_string(),
        })
    }

    /// A resolution.
    pub fn resolution(&self, id: u64) -> Value {
        let (name, description) =
            seed::RESOLUTIONS.iter().find(|row| row.0 == id).map_or(("Done", ""), |row| (row.1, row.2));
        json!({
            "self": self.site.api(&format!("resolution/{id}")),
            "id": id.to_string(),
            "description": description,
            "name": name,
        })
    }

    /// The transitions that an issue can take: all, because every one is global.
    pub fn transitions(&self) -> Value {
        seed::STATUSES
            .iter()
            .map(|status| {
                json!({
                    "id": status.transition.to_string(),
                    "name": status.name,
                    "to": self.status(status.id),
                    "hasScreen": false,
                    "isGlobal": true,
                    "isInitial": false,
                    "isAvailable": true,
                    "isConditional": false,
                    "isLooped": false,
                })
            })
            .collect()
    }

    /// A link type.
    pub fn link_type(&self, kind: &LinkType) -> Value {
        json!({
            "id": kind.id.to_string(),
            "name": kind.name,
            "inward": kind.inward,
            "outward": kind.outward,
            "self": self.site.api(&format!("issueLinkType/{}", kind.id)),
        })
    }

    /// The little that is shown of an issue at the other end of a link, above or below.
    pub fn issue_brief(&self, id: u64) -> Value {
        let Some(issue) = self.state.issues.get(&id) else {
            return Value::Null;
        };
        let kind = self.state.issue_type(issue.type_id).map_or(Value::Null, |kind| self.issue_type(kind));
        json!({
            "id": issue.id.to_string(),
            "key": issue.key,
            "self": self.site.api(&format!("issue/{}", issue.id)),
            "fields": {
                "summary": issue.summary,
                "status": self.status(issue.status),
                "priority": self.priority(issue.priority),
                "issuetype": kind,
            },
        })
    }

    /// A link as one of its ends shows it, or with both ends.
    pub fn link(&self, link: &Link, seen_from: Option<u64>) -> Value {
        let kind = self.state.link_types.iter().find(|kind| kind.id == link.type_id);
        let mut out = json!({
            "id": link.id.to_string(),
            "self": self.site.api(&format!("issueLink/{}", link.id)),
            "type": kind.map_or(Value::Null, |kind| self.link_type(kind)),
        });
        if seen_from != Some(link.source) {
            out["inwardIssue"] = self.issue_brief(link.source);
        }
        if seen_from != Some(link.destination) {
            out["outwardIssue"] = self.issue_brief(link.destination);
        }
        out
    }

    /// A rich text in the form of the version.
    pub fn rich(&self, text: &Rich) -> Value {
        match self.site.version {
            Version::V3 => text.adf.clone(),
            Version::V2 | Version::Server => Value::String(text.wiki()),
        }
    }

    /// A comment.
    pub fn comment(&self, issue: u64, comment: &Comment, expand: &[String]) -> Value {
        let mut out = json!({
            "self": self.site.api(&format!("issue/{issue}/comment/{}", comment.id)),
            "id": comment.id.to_string(),
            "author": self.author(&comment.author),
            "body": self.rich(&comment.body),
            "updateAuthor": self.author(&comment.author),
            "created": stamp(comment.created),
            "updated": stamp(comment.updated),
            "jsdPublic": true,
        });
        if let Some(visibility) = &comment.visibility {
            out["visibility"] = visibility.clone();
        }
        if expand.iter().any(|word| word == "renderedBody") {
            out["renderedBody"] = json!(adf_html::render(&comment.body.adf));
        }
        if expand.iter().any(|word| word == "properties") {
            out["properties"] =
                comment.properties.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        }
        out
    }

    /// A remote link. What the caller left out is not shown.
    pub fn remote_link(&self, issue: &Issue, link: &RemoteLink) -> Value {
        let mut out = json!({
            "id": link.id,
            "self": self.site.api(&format!("issue/{}/remotelink/{}", issue.id, link.id)),
        });
        if let Some(id) = &link.global_id {
            out["globalId"] = json!(id);
        }
        out["application"] = link.application.clone().unwrap_or_else(|| json!({}));
        if let Some(relationship) = &link.relationship {
            out["relationship"] = json!(relationship);
        }
        out["object"] = link.object.clone();
        out
    }

    /// An attachment.
    pub fn attachment(&self, attachment: &Attachment) -> Value {
        json!({
            "self": self.site.api(&format!("attachment/{}", attachment.id)),
            "id": attachment.id.to_string(),
            "filename": attachment.filename,
            "author": self.user(),
            "created": stamp(attachment.created),
            "size": attachment.content.len(),
            "mimeType": attachment.mime,
            "content": self.site.api(&format!("attachment/content/{}", attachment.id)),
        })
    }

    /// The value of one field; `None` where the API leaves the key out.
    pub fn field(&self, issue: &Issue, field: &Field) -> Option<Value> {
        let or_null = |value: Option<Value>| Some(value.unwrap_or(Value::Null));
        if field.custom {
            return or_null(issue.custom.get(&field.id).map(|value| match value {
                CustomValue::Plain(value) if field.kind == Kind::User && value.is_string() => self.user(),
                CustomValue::Plain(value) => value.clone(),
                CustomValue::Rich(text) => self.rich(text),
            }));
        }
        let address = |tail: &str| self.site.api(&format!("issue/{}/{tail}", issue.key));
        let named = |ids: &[u64], components: bool| -> Value {
            let project = self.state.project_by_id(issue.project);
            let list =
                project.map_or(&[] as &[_], |project| if components { &project.components } else { &project.versions });
            list.iter()
                .filter(|entry| ids.contains(&entry.id))
                .map(|entry| super::meta::named_json(self.site, entry, components))
                .collect()
        };
        let progress = || json!({"progress": 0, "total": 0});
        match field.id.as_str() {
            "summary" => Some(json!(issue.summary)),
            "description" => or_null(issue.description.as_ref().map(|text| self.rich(text))),
            "environment" => or_null(issue.environment.as_ref().map(|text| self.rich(text))),
            "labels" => Some(json!(issue.labels)),
            "issuetype" => or_null(self.state.issue_type(issue.type_id).map(|kind| self.issue_type(kind))),
            "project" => or_null(self.state.project_by_id(issue.project).map(|project| self.project_brief(project))),
            "priority" => Some(self.priority(issue.priority)),
            "status" => Some(self.status(issue.status)),
            "resolution" => or_null(issue.resolution.map(|id| self.resolution(id))),
            "resolutiondate" => or_null(issue.resolved.map(|at| json!(stamp(at)))),
            "created" => Some(json!(stamp(issue.created))),
            "updated" => Some(json!(stamp(issue.updated))),
            "statuscategorychangedate" => Some(json!(stamp(issue.category_changed))),
            "assignee" => or_null(issue.assignee.as_ref().map(|_| self.user())),
            "reporter" => or_null(issue.reporter.as_ref().map(|_| self.user())),
            "creator" => Some(self.user()),
            "duedate" => Some(json!(issue.due)),
            "parent" => issue.parent.map(|parent| self.issue_brief(parent)),
            "subtasks" => Some(self.subtasks(issue.id)),
            "issuelinks" => Some(self.links(issue.id)),
            "versions" => Some(named(&issue.versions, false)),
            "fixVersions" => Some(named(&issue.fix_versions, false)),
            "components" => Some(named(&issue.components, true)),
            "attachment" => Some(issue.attachments.iter().map(|attachment| self.attachment(attachment)).collect()),
            "comment" => {
                let comments: Vec<Value> =
                    issue.comments.iter().map(|comment| self.comment(issue.id, comment, &[])).collect();
                Some(json!({
                    "comments": comments,
                    "self": self.site.api(&format!("issue/{}/comment", issue.id)),
                    "maxResults": comments.len(),
                    "total": comments.len(),
                    "startAt": 0,
                }))
            }
            "worklog" => Some(json!({"startAt": 0, "maxResults": 20, "total": 0, "worklogs": []})),
            "watches" => Some(json!({"self": address("watchers"), "watchCount": 1, "isWatching": true})),
            "votes" => Some(json!({"self": address("votes"), "votes": 0, "hasVoted": false})),
            "workratio" => Some(json!(-1)),
            "timetracking" => Some(json!({})),
            "progress" | "aggregateprogress" => Some(progress()),
            "issuerestriction" => Some(json!({"issuerestrictions": {}, "shouldDisplay": false})),
            "thumbnail" | "issuekey" | "statusCategory" => None,
            // Estimates, security and last view: the site has them and no issue carries a value.
            _ => Some(Value::Null),
        }
    }

    fn subtasks(&self, id: u64) -> Value {
        let children = self.state.children_of.get(&id).into_iter().flatten();
        children
            .filter(|child| {
                self.state
                    .issues
                    .get(child)
                    .and_then(|issue| self.state.issue_type(issue.type_id))
                    .is_some_and(IssueType::subtask)
            })
            .map(|child| self.issue_brief(*child))
            .collect()
    }

    fn links(&self, id: u64) -> Value {
        let ids = self.state.links_of.get(&id).into_iter().flatten();
        ids.filter_map(|link| self.state.links.get(link)).map(|link| self.link(link, Some(id))).collect()
    }

    /// The names or the types of the selected fields.
    pub fn legend(&self, selection: &Selection, word: &str) -> Value {
        let fields = self.state.fields.iter().filter(|field| selection.wants(field));
        fields
            .filter_map(|field| {
                let entry = if word == "names" { json!(field.name) } else { field.schema.clone()? };
                Some((field.id.clone(), entry))
            })
            .collect::<Map<_, _>>()
            .into()
    }

    /// An issue with the selected fields, properties and expansions.
    pub fn issue(
        &self,
        issue: &Issue,
        selection: &Selection,
        properties: Option<&[String]>,
        expand: &[String],
    ) -> Value {
        let expands = |word: &str| expand.iter().any(|wanted| wanted == word);
        let mut out = json!({
            "expand": ISSUE_EXPAND,
            "id": issue.id.to_string(),
            "self": self.site.api(&format!("issue/{}", issue.id)),
            "key": issue.key,
        });
        if let Some(wanted) = properties {
            out["properties"] = selected_properties(issue, wanted);
        }
        for word in ["names", "schema"] {
            if expands(word) {
                out[word] = self.legend(selection, word);
            }
        }
        let fields: Vec<&Field> = self.state.fields.iter().filter(|field| selection.wants(field)).collect();
        if expands("transitions") {
            out["transitions"] = self.transitions();
        }
        if expands("editmeta") {
            out["editmeta"] = super::createmeta::edit_meta(self, issue);
        }
        if expands("renderedFields") {
            out["renderedFields"] = fields
                .iter()
                .filter_map(|field| {
                    let text = match field.id.as_str() {
                        "description" => issue.description.as_ref(),
                        "environment" => issue.environment.as_ref(),
                        id => match issue.custom.get(id) {
                            Some(CustomValue::Rich(text)) => Some(text),
                            Some(CustomValue::Plain(_)) | None => return None,
                        },
                    };
                    let html = text.map(|text| adf_html::render(&text.adf)).unwrap_or_default();
                    Some((field.id.clone(), Value::String(html)))
                })
                .collect::<Map<_, _>>()
                .into();
        }
        let values: Map<String, Value> =
            fields.iter().filter_map(|field| Some((field.id.clone(), self.field(issue, field)?))).collect();
        out["fields"] = Value::Object(values);
        out
    }
}

/// The properties of an issue that a caller named; `*all` names every one.
pub fn selected_properties(issue: &Issue, wanted: &[String]) -> Value {
    let all = wanted.iter().any(|word| word == "*all");
    let excluded = |key: &str| wanted.iter().any(|word| word.strip_prefix('-') == Some(key));
    issue
        .properties
        .iter()
        .filter(|(key, _)| !excluded(key) && (all || wanted.iter().any(|word| word == *key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}
