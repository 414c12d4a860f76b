//! The story of one mix: what is published before, the faults, the wait until everything is as it shall be, the verdict.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    before, calls,
    cluster::Cluster,
    hubs::{self, HubCommand, Hubs, Program},
    input::{self, HandIn, PROJECTS},
    judge, ledger,
    report::{self, Line},
    script,
    site::Site,
    size::{CONVERGES, DOUBT, Mix},
    timeline::{self, Event, Moment},
};

/// Between two looks at what runs.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks at what is settled.
const ASK: Duration = Duration::from_secs(2);
/// How much longer than the limit the wait goes on, so that the table can say by how much it was missed.
const OVERTIME: Duration = Duration::from_secs(120);
/// How often a file is handed in again while the database is away.
const TRIES: usize = 200;

/// What a mix needs.
pub struct Setting {
    pub hub: PathBuf,
    pub site: PathBuf,
    /// The folder of PostgreSQL's programs.
    pub postgres: PathBuf,
    pub folder: PathBuf,
    pub mix: Mix,
    pub seed: u64,
    pub hubs: HubCommand,
}

/// Runs a mix. Returns whether every limit held.
///
/// # Errors
/// The harness itself could not go on.
pub fn run(setting: &Setting) -> Result<bool> {
    let started = Instant::now();
    let say = |text: &str| println!("{:>7.1} s  {text}", started.elapsed().as_secs_f64());
    let mut cluster = Cluster::start(&setting.postgres, &setting.folder)?;
    let site = Site::start(&setting.site, &PROJECTS, &setting.folder)?;
    let program = Program { path: setting.hub.clone(), database: cluster.address() };
    let input = input::write(&setting.mix, &setting.folder.join("input"))?;
    ask(&program, &["migrate".to_owned()], &[0])?;
    before::add_projects(&program, &site, &setting.folder)?;
    before::publish_old(&program, &site, &input)?;
    let foreign = judge::foreign(&site.state()?);
    say(&format!("{} objects of people; {} publications will be refused", foreign.len(), input.wanted.refused.len()));
    if setting.mix.restores > 0 {
        cluster.back_up()?;
    }

    let counted = calls::count(&site.stats()?);
    let mut hubs = Hubs::new(&program, setting.hubs, &PROJECTS, &setting.folder);
    let moments = timeline::draw(setting.seed, &setting.mix);
    tell_plan(&moments, setting.mix.window);
    site.play(&script::faults(setting.seed))?;
    say("faults begin");
    let overtaken = AtomicBool::new(false);
    thread::scope(|scope| -> Result<()> {
        let handing = scope.spawn(|| hand_in_all(&program, &input.during, &overtaken));
        let played = play(&mut cluster, &mut hubs, &moments, setting.mix.window, &say);
        if played.is_err() {
            overtaken.store(true, Ordering::Relaxed);
        }
        played?;
        handing.join().map_err(|_| anyhow::anyhow!("the thread that hands files in broke off"))?
    })?;
    if setting.mix.restores > 0 {
        // What a restore lost was never handed in as far as the database knows; a sender without an answer sends again.
        for one in &input.during {
            ask(&program, &one.arguments, &[0])?;
            hubs.tend()?;
        }
    }
    site.play("")?;
    let last_fault = Instant::now();
    say(&format!("faults end: {} kills, {} starts of a hub", hubs.kills, hubs.starts));
    let converged = converge(&program, &mut hubs, &say)?;
    say(&format!(
        "everything is settled: {}",
        converged.map_or("no".to_owned(), |at| format!("{:.1} s", (at - last_fault).as_secs_f64()))
    ));
    let (kills, starts) = (hubs.kills, hubs.starts);
    drop(hubs);

    let after = calls::count(&site.stats()?);
    let state = site.state()?;
    fs::write(setting.folder.join("state.json"), state.to_string()).context("cannot keep the site's state")?;
    let rows = ledger::rows(&cluster)?;
    let explained = ledger::explained(&cluster)?;
    let verdict = judge::judge(&judge::Case {
        wanted: &input.wanted,
        state: &state,
        ledger: &rows,
        explained: &explained,
        foreign: &foreign,
    });
    let second = second_sync(&program)?;

    let mut lines = report::of_verdict(&verdict);
    let limit = (DOUBT + CONVERGES).as_secs_f64();
    let took = converged.map_or((DOUBT + CONVERGES + OVERTIME).as_secs_f64(), |at| (at - last_fault).as_secs_f64());
    lines.push(Line::at_most("settled after the last fault", took, limit, " s"));
    lines.extend(calls::lines(&input, counted, after));
    lines.push(Line::at_most("calls of a second, unchanged sync", second, 0.0, ""));
    lines.push(Line::none("panics of a hub or of the site", &hubs::panics(&setting.folder)?));
    lines.push(Line::told("kill -9 of a hub", kills));
    lines.push(Line::told("starts of a hub", starts));
    lines.push(Line::told("dead letters", rows.iter().filter(|row| row.state == "dead").count()));
    println!("\n{}", report::table(&lines));
    print!("{}", report::details(&verdict));
    Ok(lines.iter().all(|line| line.holds))
}

fn tell_plan(moments: &[Moment], window: Duration) {
    let kills = moments.iter().filter(|moment| matches!(moment.event, Event::Kill(_))).count();
    println!("over {} s: {kills} kills, and", window.as_secs());
    for moment in moments.iter().filter(|moment| !matches!(moment.event, Event::Kill(_))) {
        println!("{:>7.1} s  {:?}", moment.at.as_secs_f64(), moment.event);
    }
}

/// Plays the timeline. What Postgres needs to come back does not count as time, so that kills are not bunched behind it.
fn play(
    cluster: &mut Cluster,
    hubs: &mut Hubs<'_>,
    moments: &[Moment],
    window: Duration,
    say: &dyn Fn(&str),
) -> Result<()> {
    let mut away = Duration::ZERO;
    let started = Instant::now();
    let mut restores = moments.iter().filter(|moment| moment.event == Event::Restore).count();
    let mut moments = moments.iter().copied().peekable();
    loop {
        let now = started.elapsed().saturating_sub(away);
        while let Some(moment) = moments.peek().copied().filter(|moment| moment.at <= now) {
            let from = Instant::now();
            match moment.event {
                // Nobody runs at this moment, for the database was away: the kill waits for somebody.
                Event::Kill(number) if hubs.kill(number)?.is_none() => break,
                Event::Kill(_) => {}
                Event::Restart => say(&format!("Postgres is back after {:.1} s", cluster.restart()?.as_secs_f64())),
                Event::Restore => {
                    restores -= 1;
                    let done = cluster.restore(restores > 0)?;
                    let (before, after) = done.audit;
                    say(&format!(
                        "Postgres is back on timeline {} after {:.1} s, {} lines of the audit trail lost",
                        done.timeline,
                        done.took.as_secs_f64(),
                        before.saturating_sub(after)
                    ));
                }
                Event::FillDisk if !cluster.can_be_filled() => {
                    say("the disk cannot be filled here: no file system may be mounted");
                }
                Event::FillDisk => say(&format!("the disk is full: {} MB taken", cluster.fill_disk()? >> 20)),
                Event::FreeDisk if !cluster.can_be_filled() => {}
                Event::FreeDisk => {
                    let survived = cluster.free_disk()?;
                    say(if survived { "the disk is free again" } else { "the disk is free again, Postgres had ended" });
                }
            }
            moments.next();
            if !matches!(moment.event, Event::Kill(_)) {
                away += from.elapsed();
            }
            hubs.tend()?;
        }
        if now >= window && moments.peek().is_none() {
            return Ok(());
        }
        hubs.tend()?;
        thread::sleep(LOOK);
    }
}

fn hand_in_all(program: &Program, all: &[HandIn], stop: &AtomicBool) -> Result<()> {
    let started = Instant::now();
    for one in all {
        while started.elapsed() < one.at && !stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
        if let Some((newer, place)) = &one.replaces {
            fs::copy(newer, place).with_context(|| format!("cannot replace {}", place.display()))?;
        }
        for attempt in 1.. {
            match ask(program, &one.arguments, &[0]) {
                Ok(_) => break,
                Err(problem) if attempt >= TRIES || stop.load(Ordering::Relaxed) => return Err(problem),
                // The database is away; whoever hands files in tries again.
                Err(_) => thread::sleep(Duration::from_millis(500)),
            }
        }
    }
    Ok(())
}

/// Waits until nothing is left to do. Returns when that was; nothing where it was not within the limit and some time.
fn converge(program: &Program, hubs: &mut Hubs<'_>, say: &dyn Fn(&str)) -> Result<Option<Instant>> {
    let started = Instant::now();
    let mut asked = Instant::now();
    let mut told = String::new();
    while started.elapsed() < DOUBT + CONVERGES + OVERTIME {
        hubs.tend()?;
        if asked.elapsed() >= ASK {
            asked = Instant::now();
            let status = ask(program, &["status".to_owned()], &[0])?;
            let open = open_states(&status);
            if open.is_empty() {
                return Ok(Some(Instant::now()));
            }
            if open != told {
                say(&open);
                told = open;
            }
        }
        thread::sleep(LOOK);
    }
    Ok(None)
}

/// What is neither published nor dead, as `issue waiting 3, issue uncertain 50`, and projects that still look for what a
/// loss of commits left at the site; empty where everything is settled.
fn open_states(status: &Value) -> String {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    let held =
        status.as_array().into_iter().flatten().filter(|project| project["creates_held_since"].is_string()).count();
    if held > 0 {
        counts.insert("projects with held creates".to_owned(), held as u64);
    }
    for line in status.as_array().into_iter().flatten().flat_map(|project| project["publications"].as_array()).flatten()
    {
        let state = line["state"].as_str().unwrap_or_default();
        if !matches!(state, "published" | "dead") {
            let name = format!("{} {state}", line["object"].as_str().unwrap_or_default());
            *counts.entry(name).or_default() += line["count"].as_u64().unwrap_or_default();
        }
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Calls that a second run makes, which has nothing to do.
fn second_sync(program: &Program) -> Result<f64> {
    let mut total = 0;
    for project in &PROJECTS {
        let words = ["--tenant", project.tenant, "sync", "--project", project.key].map(str::to_owned);
        // 4: dead letters, which the mix has.
        let report = ask(program, &words, &[0, 4])?;
        let count = |name: &str| report["calls"][name].as_u64().unwrap_or_default();
        total += count("reads") + count("writes");
    }
    Ok(total as f64)
}

/// Runs the hub's program to its end and returns its JSON.
pub fn ask(program: &Program, arguments: &[String], codes: &[i32]) -> Result<Value> {
    let mut command: Command = program.command();
    command.args(arguments).stderr(Stdio::piped());
    let output = command.output().context("cannot start the hub")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.code().is_some_and(|code| codes.contains(&code)) {
        let words = arguments.join(" ");
        bail!("haida-hub {words} ended with {}: {}{}", output.status, said, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_str(&said).with_context(|| format!("haida-hub {} printed no JSON", arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::open_states;

    #[test]
    fn a_project_that_still_looks_for_lost_commits_is_not_settled() {
        let publications = json!([{ "object": "issue", "state": "published", "count": 3 }, { "object": "page", "state": "dead", "count": 1 }]);
        let settled = json!([{ "publications": publications, "creates_held_since": null }]);
        assert_eq!(open_states(&settled), "");
        let held = json!([{ "publications": publications, "creates_held_since": "2026-01-02T03:04:05Z" }]);
        assert_eq!(open_states(&held), "projects with held creates 1");
        let waiting = json!([{ "publications": [{ "object": "issue", "state": "waiting", "count": 2 }] }]);
        assert_eq!(open_states(&waiting), "issue waiting 2");
    }
}
