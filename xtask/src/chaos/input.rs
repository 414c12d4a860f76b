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

use super::size::{BULK, Mix, PROOF};

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

/// Cases in one file: whole bulk calls, so that the fewest calls that would do can be counted.
const CASES_IN_FILE: usize = PROOF;
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
    /// A newer file, and the place where it is put just before: a report keeps its path, and by it its name.
    pub replaces: Option<(PathBuf, PathBuf)>,
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
#[derive(Debug, Default)]
pub struct Input {
    /// Handed in and published before the faults begin.
    pub old: Vec<HandIn>,
    /// Handed in before the faults begin, and not published.
    pub first: Vec<HandIn>,
    /// Handed in while the faults last.
    pub during: Vec<HandIn>,
    /// The issues that a person deletes before the faults begin, by Jira project and external id.
    pub deleted: Vec<(String, String)>,
    /// Titles of the pages that a person makes before the faults begin, by space.
    pub taken: Vec<(String, String)>,
    pub wanted: Wanted,
    /// Issues that the hub has to create while the faults last.
    pub creates: usize,
    /// The fewest calls that create them.
    pub fewest_creates: usize,
    /// The fewest reads that prove them.
    pub fewest_proofs: usize,
}

/// How many of what each project has.
struct Shares {
    cases: usize,
    old: usize,
    defects: usize,
    runs: usize,
    /// New cases that are handed in with the runs and defects, so that all of them fill whole bulk calls.
    first: usize,
}

impl Shares {
    fn of(mix: &Mix) -> Self {
        let issues = mix.issues / PROJECTS.len();
        // Root, index and release; then a page for each run and one for its report.
        let runs = mix.pages.div_ceil(PROJECTS.len()).saturating_sub(3).div_ceil(2).max(TAKEN_TITLES + 1);
        let defects = issues / DEFECT_OF;
        let first = (defects + runs).next_multiple_of(BULK) - defects - runs;
        Self { cases: issues - defects - runs, old: mix.old / PROJECTS.len(), defects, runs, first }
    }
}

/// Writes the files of a mix into a folder.
///
/// # Errors
/// A file cannot be written.
pub fn write(mix: &Mix, folder: &Path) -> Result<Input> {
    let shares = Shares::of(mix);
    let mut input = Input::default();
    for project in &PROJECTS {
        let folder = folder.join(project.tenant).join(project.key);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write_project(&shares, project, &Folder(folder), &mut input)?;
    }
    spread(&mut input.during, mix.window * HANDED_IN / 100);
    Ok(input)
}

/// Where a project's files are.
struct Folder(PathBuf);

impl Folder {
    fn put(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

fn write_project(shares: &Shares, project: &Project, folder: &Folder, input: &mut Input) -> Result<()> {
    write_cases(shares, project, folder, input)?;
    write_defects(shares, project, folder, input)?;
    write_runs(shares, project, folder, input)?;
    let releases = [format!("[{0}]", project.key), format!("[{0}/index]", project.key)];
    let pages = releases.into_iter().chain([format!("[{}/release/{RELEASE}]", project.key)]);
    input.wanted.pages.extend(pages.map(|bracket| (project.space.to_owned(), bracket)));
    let creates = shares.cases - shares.old + shares.defects + shares.runs;
    input.creates += creates;
    input.fewest_creates += creates.div_ceil(BULK);
    let first = shares.first + shares.defects + shares.runs;
    input.fewest_proofs += first.div_ceil(PROOF) + (creates - first).div_ceil(PROOF);
    Ok(())
}

fn write_cases(shares: &Shares, project: &Project, folder: &Folder, input: &mut Input) -> Result<()> {
    let old = cases(1..=shares.old, "before the faults");
    input.old.push(hand_in(project, &folder.put("old/cases.csv", &old)?, &[]));
    for n in 1..=shares.cases {
        let name = (project.jira.to_owned(), case_id(n));
        if n <= shares.old && n % 2 == 1 {
            input.wanted.refused.insert(format!("{}/{}/issue/test_case/{}", project.tenant, project.key, case_id(n)));
            input.deleted.push(name);
        } else {
            input.wanted.issues.insert(name);
        }
    }
    let first = shares.old + shares.first;
    let text = cases(shares.old + 1..=first, "as it is now");
    if shares.first > 0 {
        input.first.push(hand_in(project, &folder.put("first/cases.csv", &text)?, &[]));
    }
    let text = cases(1..=shares.old, "as it is now");
    input.during.push(hand_in(project, &folder.put("cases-old.csv", &text)?, &[]));
    for (part, from) in (first + 1..=shares.cases).step_by(CASES_IN_FILE).enumerate() {
        let text = cases(from..=(from + CASES_IN_FILE - 1).min(shares.cases), "as it is now");
        input.during.push(hand_in(project, &folder.put(&format!("cases-{part:03}.csv"), &text)?, &[]));
    }
    Ok(())
}

fn write_defects(shares: &Shares, project: &Project, folder: &Folder, input: &mut Input) -> Result<()> {
    let mut text = DEFECTS_HEAD.to_owned();
    for n in 1..=shares.defects {
        // Cases that come in time and that nobody deletes.
        let case = case_id(shares.old + 1 + n % (shares.cases - shares.old));
        let (id, run) = (format!("DEF-{n:05}"), run_id(1 + n % shares.runs));
        let line = "High|P1|Open|It fails|1. Open 2. Pay|Paid|An error|staging|Pixel 8";
        let _ = writeln!(text, "{id}|The total of item {n} is wrong|{case}|{run}|{line}");
        input.wanted.issues.insert((project.jira.to_owned(), id.clone()));
        input.wanted.links.insert((project.jira.to_owned(), id, case));
    }
    input.first.push(hand_in(project, &folder.put("first/defects.csv", &text)?, &[]));
    Ok(())
}

/// Each report is handed in twice: while the faults last, with results that have changed since.
fn write_runs(shares: &Shares, project: &Project, folder: &Folder, input: &mut Input) -> Result<()> {
    let (jira, space) = (project.jira.to_owned(), project.space.to_owned());
    for n in 1..=shares.runs {
        let (run, name) = (run_id(n), format!("results-{n:04}.csv"));
        let title = format!("Nightly {n}");
        let words = ["--run", &run, "--title", &title, "--release", RELEASE, "--env", "staging"];
        let first = folder.put(&format!("first/{name}"), &results(shares, n, 5))?;
        let newer = folder.put(&format!("newer/{name}"), &results(shares, n, 4))?;
        let again = HandIn { replaces: Some((newer, first.clone())), ..hand_in(project, &first, &words) };
        input.first.push(hand_in(project, &first, &words));
        input.during.push(again);
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
    Ok(())
}

/// Results of cases that were published before and that nobody deletes: every `failing`th fails.
fn results(shares: &Shares, run: usize, failing: usize) -> String {
    let mut text = RESULTS_HEAD.to_owned();
    for k in 0..RESULTS {
        let case = case_id(2 * (1 + (run + k) % (shares.old / 2).max(1)));
        let outcome = if k % failing == 0 { "FAIL" } else { "PASS" };
        let _ = writeln!(text, "{case}|Device {k}|{outcome}|staging||run {run}, line {k}");
    }
    text
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
    HandIn { at: Duration::ZERO, arguments, replaces: None }
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
            let fewest = input.creates.div_ceil(BULK);
            assert_eq!((input.creates % BULK, input.fewest_creates), (0, fewest), "{size:?} wants whole bulk calls");
            assert!(input.during.is_sorted_by_key(|one| one.at) && input.during.iter().all(|o| o.at < mix.window));
        }
    }
}
