//! The mix's input: files as teams write them, when they are handed in, and what the sites must hold in the end.
//!
//! Two tenants have projects of the same keys, with cases, defects and runs of the same ids: only who they belong to
//! tells them apart. Some entities the site will refuse whatever the hub does: cases whose issue a person has deleted
//! since it was published, and reports whose page title a person has taken. They are the whole refused set.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};

use super::size::Mix;

/// A project of the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Project {
    pub tenant: &'static str,
    pub key: &'static str,
    pub jira: &'static str,
    pub space: &'static str,
    pub locale: &'static str,
}

/// The projects.
pub const PROJECTS: [Project; 4] = [
    Project { tenant: "north", key: "app", jira: "NAPP", space: "NAPP", locale: "en" },
    Project { tenant: "north", key: "api", jira: "NAPI", space: "NAPI", locale: "es" },
    Project { tenant: "south", key: "app", jira: "SAPP", space: "SAPP", locale: "es" },
    Project { tenant: "south", key: "api", jira: "SAPI", space: "SAPI", locale: "en" },
];

/// Cases in one file: a few full bulk calls.
const CASES_IN_FILE: usize = 150;
/// One case of so many was published before the faults begin; every second of those a person deletes.
const OLD_OF: usize = 20;
/// A defect for so many issues.
const DEFECT_OF: usize = 10;
/// Reports of each project whose title is taken.
const TAKEN_TITLES: usize = 2;
/// Results in one report.
const RESULTS: usize = 12;
/// The share of the window in which files are handed in, in hundredths.
const HANDED_IN: u32 = 75;

const CASES_HEAD: &str = "TEST_ID|TIPO_PRUEBA|COMPONENTE|MODULO|REQUISITO_ID|DESCRIPCION|PRECONDICIONES|PASOS|\
                          RESULTADO_ESPERADO|PRIORIDAD|RIESGO|ETIQUETA_AUTOMATIZACION|ESTADO\n";
const DEFECTS_HEAD: &str = "DEFECTO_ID|TITULO|TEST_ID|RUN_ID|SEVERIDAD|PRIORIDAD|ESTADO|DESCRIPCION|PASOS|\
                            RESULTADO_ESPERADO|RESULTADO_OBTENIDO|ENTORNO|DISPOSITIVO\n";
const RESULTS_HEAD: &str = "TEST_ID|DISPOSITIVO|RESULTADO|ENTORNO|EVIDENCIA|NOTAS\n";
const RELEASE: &str = "2026.11";

/// One `haida-hub ingest`.
#[derive(Debug, Clone)]
pub struct HandIn {
    /// How long after the beginning of the faults.
    pub at: Duration,
    /// Its arguments, the global ones included.
    pub arguments: Vec<String>,
}

/// What the sites must hold in the end. An issue is named by its Jira project and external id, a page by its space and
/// the bracket in its title.
#[derive(Debug, Default)]
pub struct Wanted {
    pub issues: BTreeSet<(String, String)>,
    pub pages: BTreeSet<(String, String)>,
    /// Jira project, the defect's id, the case's id.
    pub links: BTreeSet<(String, String, String)>,
    /// The runs whose issue has a link to their page.
    pub page_links: BTreeSet<(String, String)>,
    /// `tenant/project/object/kind/id` of each publication that the site refuses.
    pub refused: BTreeSet<String>,
}

/// The files of a mix and what follows from them.
#[derive(Debug)]
pub struct Input {
    /// Handed in before the faults begin, and published.
    pub before: Vec<HandIn>,
    /// Handed in while the faults last.
    pub during: Vec<HandIn>,
    /// Summaries of the issues that a person deletes in between, by Jira project and external id.
    pub deleted: Vec<(String, String)>,
    /// Titles of the pages that a person makes in between, by space.
    pub taken: Vec<(String, String)>,
    pub wanted: Wanted,
    /// Issues that the hub has to create while the faults last.
    pub creates: usize,
}

/// How many of what each project has.
struct Shares {
    cases: usize,
    old: usize,
    defects: usize,
    runs: usize,
}

impl Shares {
    fn of(mix: &Mix) -> Self {
        let issues = mix.issues.div_ceil(PROJECTS.len());
        // Root, index and release; then a page for each run and one for its report.
        let runs = mix.pages.div_ceil(PROJECTS.len()).saturating_sub(3).div_ceil(2).max(TAKEN_TITLES + 1);
        let defects = issues / DEFECT_OF;
        let cases = issues.saturating_sub(defects + runs).max(2 * OLD_OF);
        Self { cases, old: cases / OLD_OF, defects, runs }
    }
}

/// Writes the files of a mix into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn write(mix: &Mix, folder: &Path) -> Result<Input> {
    let shares = Shares::of(mix);
    let mut input = Input {
        before: Vec::new(),
        during: Vec::new(),
        deleted: Vec::new(),
        taken: Vec::new(),
        wanted: Wanted::default(),
        creates: 0,
    };
    for project in &PROJECTS {
        let folder = folder.join(project.tenant).join(project.key);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write_project(&shares, project, &folder, &mut input)?;
    }
    spread(&mut input.during, mix.window * HANDED_IN / 100);
    Ok(input)
}

fn write_project(shares: &Shares, project: &Project, folder: &Path, input: &mut Input) -> Result<()> {
    let (jira, space) = (project.jira.to_owned(), project.space.to_owned());
    let put = |name: &str, text: &str| -> Result<PathBuf> {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };

    let old = cases(1..=shares.old, "before the faults");
    input.before.push(hand_in(project, &put("cases-old.csv", &old)?, &[]));
    let is_deleted = |n: usize| n <= shares.old && n % 2 == 1;
    for n in 1..=shares.cases {
        if is_deleted(n) {
            input.deleted.push((jira.clone(), case_id(n)));
            input.wanted.refused.insert(format!("{}/{}/issue/test_case/{}", project.tenant, project.key, case_id(n)));
        } else {
            input.wanted.issues.insert((jira.clone(), case_id(n)));
        }
    }
    for (part, from) in (1..=shares.cases).step_by(CASES_IN_FILE).enumerate() {
        let text = cases(from..=(from + CASES_IN_FILE - 1).min(shares.cases), "as it is now");
        input.during.push(hand_in(project, &put(&format!("cases-{part:03}.csv"), &text)?, &[]));
    }

    let mut text = DEFECTS_HEAD.to_owned();
    for n in 1..=shares.defects {
        // Cases that exist; the first ones may be deleted.
        let case = case_id(shares.old + 1 + n % (shares.cases - shares.old));
        let (id, run) = (format!("DEF-{n:05}"), run_id(1 + n % shares.runs));
        let line = "High|P1|Open|It fails|1. Open 2. Pay|Paid|An error|staging|Pixel 8";
        let _ = writeln!(text, "{id}|The total of item {n} is wrong|{case}|{run}|{line}");
        input.wanted.issues.insert((jira.clone(), id.clone()));
        input.wanted.links.insert((jira.clone(), id, case));
    }
    input.during.push(hand_in(project, &put("defects.csv", &text)?, &[]));

    for n in 1..=shares.runs {
        let mut text = RESULTS_HEAD.to_owned();
        for k in 0..RESULTS {
            let case = case_id(shares.old + 1 + (n * RESULTS + k) % (shares.cases - shares.old));
            let outcome = if k % 5 == 0 { "FAIL" } else { "PASS" };
            let _ = writeln!(text, "{case}|Pixel 8|{outcome}|staging||run {n}, line {k}");
        }
        let (run, name) = (run_id(n), format!("results-{n:04}.csv"));
        let title = format!("Nightly {n}");
        let words = ["--run", &run, "--title", &title, "--release", RELEASE, "--env", "staging"];
        input.during.push(hand_in(project, &put(&name, &text)?, &words));
        let report = format!("[{}/report/{run}/{name}]", project.key);
        if n <= TAKEN_TITLES {
            input.taken.push((space.clone(), format!("{name} {report}")));
            input.wanted.refused.insert(format!("{}/{}/page/report/{run}/{name}", project.tenant, project.key));
        } else {
            input.wanted.pages.insert((space.clone(), report));
        }
        input.wanted.pages.insert((space.clone(), format!("[{}/run/{run}]", project.key)));
        input.wanted.issues.insert((jira.clone(), run.clone()));
        input.wanted.page_links.insert((jira.clone(), run));
    }
    for bracket in [
        format!("[{}]", project.key),
        format!("[{0}/index]", project.key),
        format!("[{}/release/{RELEASE}]", project.key),
    ] {
        input.wanted.pages.insert((space.clone(), bracket));
    }
    input.creates += shares.cases - shares.old + shares.defects + shares.runs;
    Ok(())
}

fn case_id(n: usize) -> String {
    format!("TC_MIX_{n:05}")
}

fn run_id(n: usize) -> String {
    format!("nightly-{n:04}")
}

fn cases(numbers: impl Iterator<Item = usize>, when: &str) -> String {
    let mut text = CASES_HEAD.to_owned();
    for n in numbers {
        let _ = writeln!(
            text,
            "{}|E2E|Cart|Prices|REQ-{n}|The price of item {n} is right, {when}|A cart|1. Open the cart 2. Read the price|\
             The price is right|P1|Alto|@cart @ios @android|Implementado",
            case_id(n)
        );
    }
    text
}

fn hand_in(project: &Project, path: &Path, more: &[&str]) -> HandIn {
    let words = ["--tenant", project.tenant, "ingest", "--project", project.key];
    let mut arguments: Vec<String> = words.iter().chain(more).map(ToString::to_string).collect();
    arguments.push(path.display().to_string());
    HandIn { at: Duration::ZERO, arguments }
}

/// Takes turns between the projects and spreads the files over the time.
fn spread(all: &mut Vec<HandIn>, over: Duration) {
    let mut turns: Vec<(usize, HandIn)> = Vec::with_capacity(all.len());
    let mut counts = std::collections::BTreeMap::<(String, String), usize>::new();
    for one in all.drain(..) {
        let whose =
            (one.arguments.get(1).cloned().unwrap_or_default(), one.arguments.get(4).cloned().unwrap_or_default());
        let turn = counts.entry(whose).or_default();
        turns.push((*turn, one));
        *turn += 1;
    }
    turns.sort_by_key(|(turn, _)| *turn);
    let count = u32::try_from(turns.len()).unwrap_or(u32::MAX).max(1);
    all.extend(turns.into_iter().zip(0u32..).map(|((_, one), index)| HandIn { at: over * index / count, ..one }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::size::Size;

    #[test]
    fn a_mix_wants_as_many_as_it_says() {
        for size in [Size::Full, Size::Tenth, Size::Small] {
            let (mix, folder) = (size.mix(), tempfile::tempdir().unwrap());
            let input = write(&mix, folder.path()).unwrap();
            let refused = |object: &str| input.wanted.refused.iter().filter(|key| key.contains(object)).count();
            assert_eq!(input.wanted.issues.len() + refused("/issue/"), mix.issues);
            assert!(input.wanted.pages.len() + refused("/page/") >= mix.pages, "{size:?}");
            assert!(refused("/page/") == PROJECTS.len() * TAKEN_TITLES && refused("/issue/") >= PROJECTS.len());
            assert_eq!((input.taken.len(), input.deleted.len()), (refused("/page/"), refused("/issue/")));
            let linked: BTreeSet<&String> = input.wanted.links.iter().map(|(_, _, case)| case).collect();
            assert!(input.deleted.iter().all(|(_, case)| !linked.contains(case)), "a link to a deleted issue");
            assert!(input.during.is_sorted_by_key(|one| one.at) && input.during.iter().all(|o| o.at < mix.window));
        }
    }
}
