//! `cargo xtask chaos`: the release mix. Real hubs, a real database and a real HTTP site, while hubs are killed, the
//! database restarts, loses its last seconds and its disk, and the site answers late, twice or not at all; then the
//! site itself says whether each entity is there exactly once (docs/chaos.md).

mod before;
mod calls;
mod cluster;
mod hubs;
mod input;
mod judge;
mod ledger;
mod random;
mod report;
mod run;
mod script;
mod site;
mod size;
mod timeline;

use std::{
    fs,
    path::Path,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{demo, prerequisites};

/// Whether a mix restores the database unless the command line says otherwise.
const RESTORES: bool = true;

/// The mix on the command line.
#[derive(clap::Args)]
pub struct Arguments {
    /// How large it is.
    #[arg(long, value_enum, default_value_t = size::Size::Small)]
    pub size: size::Size,
    /// Draws the same timeline and the same faults again; by default another each time.
    #[arg(long)]
    pub seed: Option<u64>,
    /// What the hubs run.
    #[arg(long, value_enum, default_value_t = hubs::USUAL)]
    pub hubs: hubs::HubCommand,
    /// Whether to restore the database so that its last three seconds are lost.
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = RESTORES)]
    pub restores: bool,
    /// Keep the folder with the logs also when everything holds.
    #[arg(long)]
    pub keep: bool,
}

/// Builds the programs, runs the mix and prints its table.
///
/// # Errors
/// Something that is no fault of the mix went wrong; a broken limit ends with 1 after the table.
pub fn command(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    prerequisites::check()?;
    let programs = demo::build(root, false)?;
    let seed = arguments.seed.unwrap_or_else(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| u64::from(now.subsec_nanos()) + now.as_secs() % 1_000)
    });
    let hubs = arguments.hubs.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let again = format!(
        "cargo xtask chaos --size {} --seed {seed} --hubs {hubs} --restores {}",
        arguments.size.word(),
        arguments.restores
    );
    println!("{again}");
    let folder = std::env::temp_dir().join(format!("haida-hub-chaos-{}-{seed}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut mix = arguments.size.mix();
    if !arguments.restores {
        mix.restores = 0;
    }
    let held = run::run(&run::Setting {
        hub: programs.clone(),
        site: programs.with_file_name("atlassian-sim"),
        postgres: prerequisites::server_programs()?,
        folder: folder.clone(),
        mix,
        seed,
        hubs: arguments.hubs,
    });
    let passed = matches!(held, Ok(true));
    if passed && !arguments.keep {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    } else {
        println!("logs: {}\nagain: {again}", folder.display());
    }
    held.map(|held| if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything for CI: a tenth of the mix with a seed of its own each time.
///
/// # Errors
/// As [`command`].
pub fn tenth(root: &Path) -> Result<bool> {
    let arguments =
        Arguments { size: size::Size::Tenth, seed: None, hubs: hubs::USUAL, restores: RESTORES, keep: false };
    Ok(command(root, &arguments)? == ExitCode::SUCCESS)
}
