//! What a demo loads: the projects of a folder's `demo.toml`, or every file of a folder without one as one project.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hub_app::{ingest::RunArguments, project::AddProject};
use hub_domain::vocabulary::Locale;
use serde::Deserialize;

use crate::failure::Coded;

/// The projects of a demo.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// In the order of publishing.
    #[serde(rename = "project")]
    pub projects: Vec<PlannedProject>,
}

/// One project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedProject {
    /// Its short name.
    pub key: String,
    /// Its name.
    pub name: String,
    /// The key of its Jira project.
    pub jira_project: String,
    /// The key of its Confluence space.
    pub confluence_space: String,
    /// The language of its issues and pages.
    pub locale: Locale,
    /// Files with test cases.
    #[serde(default)]
    pub cases: Vec<PathBuf>,
    /// Files with defects.
    #[serde(default)]
    pub defects: Vec<PathBuf>,
    /// Its runs.
    #[serde(default, rename = "run")]
    pub runs: Vec<PlannedRun>,
}

/// One run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedRun {
    /// Its id.
    pub id: String,
    /// The release it tests.
    pub release: Option<String>,
    /// The environment.
    pub environment: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Files with its results.
    pub files: Vec<PathBuf>,
}

/// One ingest of the demo.
pub struct Step {
    /// The files.
    pub files: Vec<PathBuf>,
    /// The run that they belong to.
    pub run: Option<RunArguments>,
}

impl Plan {
    /// Reads the plan of a folder.
    pub fn read(folder: &Path) -> Result<Self, Coded> {
        let list = folder.join("demo.toml");
        match fs::read_to_string(&list) {
            Ok(text) => {
                let mut plan: Self = toml::from_str(&text)
                    .map_err(|error| Coded::setting(format!("read {}: {}", list.display(), error.message())))?;
                for project in &mut plan.projects {
                    let runs = project.runs.iter_mut().flat_map(|run| run.files.iter_mut());
                    for path in project.cases.iter_mut().chain(project.defects.iter_mut()).chain(runs) {
                        *path = folder.join(&path);
                    }
                }
                Ok(plan)
            }
            Err(_) if folder.is_dir() => Ok(Self::of_folder(folder)),
            Err(_) => Err(Coded::setting(format!("find the samples in {}", folder.display()))),
        }
    }

    /// Every file of a folder as one run of one project.
    fn of_folder(folder: &Path) -> Self {
        Self {
            projects: vec![PlannedProject {
                key: "ctb".to_owned(),
                name: "CTB".to_owned(),
                jira_project: "CTB".to_owned(),
                confluence_space: "CTB".to_owned(),
                locale: Locale::Es,
                cases: Vec::new(),
                defects: Vec::new(),
                runs: vec![PlannedRun {
                    id: "demo-run".to_owned(),
                    release: Some("demo".to_owned()),
                    environment: None,
                    platform: None,
                    title: Some("Demo".to_owned()),
                    files: vec![folder.to_owned()],
                }],
            }],
        }
    }

    /// The Jira projects as the simulator takes them.
    pub fn jira_projects(&self) -> Vec<String> {
        self.projects.iter().map(|p| format!("{}:{}", p.jira_project, p.name)).collect()
    }

    /// The Confluence spaces as the simulator takes them.
    pub fn spaces(&self) -> Vec<String> {
        self.projects.iter().map(|p| format!("{}:{}", p.confluence_space, p.name)).collect()
    }
}

impl PlannedProject {
    /// The project as it is added to the hub.
    pub fn add(&self, site: &str, email: &str, token: &Path) -> AddProject {
        AddProject {
            tenant: "demo".to_owned(),
            key: self.key.clone(),
            name: Some(self.name.clone()),
            locale: self.locale,
            site: site.to_owned(),
            jira_project: self.jira_project.clone(),
            confluence_space: self.confluence_space.clone(),
            account_email: email.to_owned(),
            credential: format!("file://{}", token.display()),
            label_marker: false,
            update: true,
        }
    }

    /// The ingests: cases, then defects, then each run.
    pub fn steps(&self) -> Vec<Step> {
        let documents = [&self.cases, &self.defects]
            .into_iter()
            .filter(|f| !f.is_empty())
            .map(|f| Step { files: f.clone(), run: None });
        let runs = self.runs.iter().map(|run| Step {
            files: run.files.clone(),
            run: Some(RunArguments {
                id: run.id.clone(),
                title: run.title.clone(),
                release: run.release.clone(),
                environment: run.environment.clone(),
                platform: run.platform.clone(),
            }),
        });
        documents.chain(runs).collect()
    }
}
