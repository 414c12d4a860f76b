//! What the environment says, read once. Everything else of the program gets values.

use std::{env, path::PathBuf};

/// The settings of the process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `DATABASE_URL`: a server instead of the private one.
    pub database_url: Option<String>,
    /// `HUB_PG_BIN`: the folder with the server's programs.
    pub pg_bin: Option<PathBuf>,
    /// Where the private server keeps its data.
    pub data_dir: PathBuf,
    /// Where short-lived files can be made.
    pub temp_dir: PathBuf,
    /// The tenant that the command line names.
    pub tenant: Option<String>,
    /// `HUB_SIM_BIN`: the simulator's program, for `demo`.
    pub simulator: Option<PathBuf>,
}

impl Settings {
    /// Reads the environment; `data_dir` and `tenant` are the command line's choice.
    pub fn read(data_dir: Option<PathBuf>, tenant: Option<String>) -> Self {
        let text = |name: &str| env::var(name).ok().filter(|v| !v.trim().is_empty());
        Self {
            database_url: text("DATABASE_URL"),
            pg_bin: text("HUB_PG_BIN").map(PathBuf::from),
            data_dir: data_dir.unwrap_or_else(default_data_dir),
            tenant,
            temp_dir: env::temp_dir(),
            simulator: text("HUB_SIM_BIN").map(PathBuf::from),
        }
    }
}

/// `$XDG_DATA_HOME/haida-hub`, else `~/.local/share/haida-hub`, else `.haida-hub` in the current folder.
fn default_data_dir() -> PathBuf {
    let base = env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    base.map_or_else(|| PathBuf::from(".haida-hub"), |base| base.join("haida-hub"))
}
