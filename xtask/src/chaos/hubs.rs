//! The hub's processes: started, killed, and started again at once, as a supervisor of services would.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::input::Project;

/// What the hubs run unless the command line says otherwise.
pub const USUAL: HubCommand = HubCommand::Work;

/// The pause before a process that ended by itself is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// How the hub serves its projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HubCommand {
    /// `sync --wait`, a process for each project.
    Sync,
    /// `work`, two processes for all projects.
    Work,
}

impl HubCommand {
    /// The name and arguments of each process.
    fn processes(self, projects: &[Project]) -> Vec<(String, Vec<String>)> {
        match self {
            Self::Sync => projects
                .iter()
                .map(|project| {
                    let words = ["--tenant", project.tenant, "sync", "--wait", "--project", project.key];
                    (format!("hub-{}-{}", project.tenant, project.key), words.map(str::to_owned).to_vec())
                })
                .collect(),
            Self::Work => ["hub-a", "hub-b"].map(|name| (name.to_owned(), vec!["work".to_owned()])).to_vec(),
        }
    }
}

/// How to run the hub's program: where it is and which database it uses.
pub struct Program {
    pub path: PathBuf,
    pub database: String,
}

impl Program {
    /// A command that hears nothing of this process's own settings.
    pub fn command(&self) -> Command {
        self.dress(Command::new(&self.path))
    }

    /// The same, which the kernel ends with this process, however that ends; where the machine cannot, the plain one.
    fn bound_command(&self) -> Command {
        let words = ["--pdeathsig", "KILL"];
        let mut probe = Command::new("setpriv");
        probe.args(words).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
        if !probe.status().is_ok_and(|status| status.success()) {
            return self.command();
        }
        let mut command = Command::new("setpriv");
        command.args(words).arg(&self.path);
        self.dress(command)
    }

    fn dress(&self, mut command: Command) -> Command {
        for name in ["HUB_TENANT", "HUB_PG_BIN", "HUB_DATA_DIR"] {
            command.env_remove(name);
        }
        command.env("DATABASE_URL", &self.database).arg("--json").stdin(Stdio::null());
        command
    }
}

struct Slot {
    name: String,
    arguments: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
    start_at: Instant,
}

/// All of them; dropping it kills them.
pub struct Hubs<'a> {
    program: &'a Program,
    slots: Vec<Slot>,
    /// How often a process was started.
    pub starts: usize,
    /// How often one was killed.
    pub kills: usize,
}

impl<'a> Hubs<'a> {
    /// Prepares the processes; [`Hubs::tend`] starts them.
    pub fn new(program: &'a Program, command: HubCommand, projects: &[Project], folder: &Path) -> Self {
        let slots = command.processes(projects).into_iter().map(|(name, arguments)| Slot {
            log: folder.join(format!("{name}.log")),
            name,
            arguments,
            child: None,
            start_at: Instant::now(),
        });
        Self { program, slots: slots.collect(), starts: 0, kills: 0 }
    }

    /// Starts what does not run and may be started again.
    pub fn tend(&mut self) -> Result<()> {
        for slot in &mut self.slots {
            if let Some(child) = &mut slot.child
                && child.try_wait().with_context(|| format!("cannot watch {}", slot.name))?.is_some()
            {
                slot.child = None;
                slot.start_at = Instant::now() + PAUSE;
            }
            if slot.child.is_none() && Instant::now() >= slot.start_at {
                slot.child = Some(start(self.program, slot)?);
                self.starts += 1;
            }
        }
        Ok(())
    }

    /// Kills one that runs, the `number`th counted around, and starts it at once. Returns its name; nothing where none
    /// runs.
    pub fn kill(&mut self, number: usize) -> Result<Option<String>> {
        let running: Vec<&mut Slot> = self.slots.iter_mut().filter(|slot| slot.child.is_some()).collect();
        let count = running.len();
        let Some(slot) = running.into_iter().nth(number.checked_rem(count).unwrap_or(0)) else { return Ok(None) };
        let Some(mut child) = slot.child.take() else { return Ok(None) };
        child.kill().with_context(|| format!("cannot kill {}", slot.name))?;
        child.wait().with_context(|| format!("cannot wait for {}", slot.name))?;
        slot.child = Some(start(self.program, slot)?);
        self.starts += 1;
        self.kills += 1;
        Ok(Some(slot.name.clone()))
    }
}

/// Panics that the logs of hubs in a folder tell of: none is a way to end.
///
/// # Errors
/// A log cannot be read.
pub fn panics(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).context("cannot read the folder")? {
        let path = entry.context("cannot read the folder")?.path();
        if path.extension().is_some_and(|end| end == "log") {
            let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text);
            found.extend(text.lines().filter(|line| line.contains("panicked at")).map(str::to_owned));
        }
    }
    Ok(found)
}

impl Drop for Hubs<'_> {
    fn drop(&mut self) {
        for child in self.slots.iter_mut().filter_map(|slot| slot.child.as_mut()) {
            // It may have ended already, which is as well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(program: &Program, slot: &Slot) -> Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(&slot.log);
    let log: File = log.with_context(|| format!("cannot open {}", slot.log.display()))?;
    let out = log.try_clone().context("cannot share a log")?;
    let mut command = program.bound_command();
    command.args(&slot.arguments).stdout(out).stderr(log);
    command.spawn().with_context(|| format!("cannot start {}", slot.name))
}
