//! What stands before the faults begin.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{
    hubs::Program,
    input::{Input, PROJECTS},
    run::ask,
    site::Site,
};

/// Adds the projects.
pub fn add_projects(program: &Program, site: &Site, folder: &Path) -> Result<()> {
    let token = folder.join("token");
    fs::write(&token, "sim-token").context("cannot write the token")?;
    let credential = format!("file://{}", token.display());
    for project in &PROJECTS {
        let url = site.url();
        let words = [
            "--tenant",
            project.tenant,
            "project",
            "add",
            "--key",
            project.key,
            "--site",
            &url,
            "--jira-project",
            project.jira,
            "--confluence-space",
            project.space,
            "--account-email",
            "qa@example.com",
            "--credential",
            &credential,
            "--locale",
            project.locale,
        ];
        ask(program, &words.map(str::to_owned), &[0])?;
    }
    Ok(())
}

/// Publishes what was there before the faults, and then lets people work: they delete issues, write issues of their own
/// and take titles.
pub fn publish_old(program: &Program, site: &Site, input: &Input) -> Result<()> {
    for one in &input.old {
        ask(program, &one.arguments, &[0])?;
    }
    for project in &PROJECTS {
        let words = ["--tenant", project.tenant, "sync", "--wait", "--project", project.key];
        ask(program, &words.map(str::to_owned), &[0])?;
    }
    let state = site.state()?;
    for (jira, id) in &input.deleted {
        let issues = state["issues"].as_array().into_iter().flatten();
        let mut keys = issues.filter_map(|issue| {
            let is_it = issue["properties"]["haida.hub"]["external_id"] == id.as_str();
            issue["key"].as_str().filter(|key| is_it && key.starts_with(&format!("{jira}-")))
        });
        let key = keys.next().with_context(|| format!("{jira} {id} was not published before the faults"))?;
        site.call("DELETE", &format!("/rest/api/3/issue/{key}"), "")?;
    }
    for project in &PROJECTS {
        for n in 1..=3 {
            let body = serde_json::json!({"fields": {
                "project": {"key": project.jira}, "issuetype": {"name": "Task"}, "summary": format!("A person's task {n}"),
            }});
            site.call("POST", "/rest/api/3/issue", &body.to_string())?;
        }
    }
    for (space, title) in &input.taken {
        let spaces = state["confluence"]["spaces"].as_array().into_iter().flatten();
        let id = spaces.filter(|found| found["key"] == space.as_str()).find_map(|found| found["id"].as_str());
        let body = serde_json::json!({
            "spaceId": id, "status": "current", "title": title,
            "body": {"representation": "storage", "value": "<p>A person's page</p>"},
        });
        site.call("POST", "/wiki/api/v2/pages", &body.to_string())?;
    }
    input.first.iter().try_for_each(|one| ask(program, &one.arguments, &[0]).map(drop))
}
