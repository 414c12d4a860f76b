//! Finds the PostgreSQL server programs of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::embedded::EmbeddedError;

/// The oldest server that the migrations are written for.
pub const OLDEST_SERVER: u32 = 15;
/// Where Debian and Ubuntu put a folder per major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A folder with `postgres` and `initdb`, and their major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgBinaries {
    /// The folder.
    pub bin: PathBuf,
    /// The major version.
    pub major: u32,
}

impl PgBinaries {
    /// Finds the programs: in the folder that is handed in (the user's HUB_PG_BIN), else the newest of Debian's, else where
    /// `pg_config --bindir` points.
    ///
    /// # Errors
    /// [`EmbeddedError::NoBinaries`] says where was looked and what was too old.
    pub fn find(hub_pg_bin: Option<&Path>) -> Result<Self, EmbeddedError> {
        Self::find_for(hub_pg_bin, None)
    }

    /// As [`PgBinaries::find`], with preference for the version that wrote an existing data directory: another major
    /// version cannot open it.
    ///
    /// # Errors
    /// As [`PgBinaries::find`].
    pub fn find_for(hub_pg_bin: Option<&Path>, data_version: Option<u32>) -> Result<Self, EmbeddedError> {
        find_in(hub_pg_bin, Path::new(DEBIAN), configured, data_version)
    }

    /// The path of one program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

fn find_in(
    chosen: Option<&Path>,
    versions: &Path,
    configured: impl FnOnce() -> Option<PathBuf>,
    data_version: Option<u32>,
) -> Result<PgBinaries, EmbeddedError> {
    if let Some(bin) = chosen {
        let looked = format!("HUB_PG_BIN={}", bin.display());
        return match major_version(bin) {
            Some(major) if major >= OLDEST_SERVER => Ok(PgBinaries { bin: bin.to_owned(), major }),
            Some(major) => Err(EmbeddedError::NoBinaries { looked, too_old: Some(major) }),
            None => Err(EmbeddedError::NoBinaries { looked, too_old: None }),
        };
    }
    let mut found: Vec<PgBinaries> = fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter_map(|bin| Some(PgBinaries { major: major_version(&bin)?, bin }))
        .collect();
    if found.iter().all(|binaries| binaries.major < OLDEST_SERVER)
        && let Some(bin) = configured()
        && let Some(major) = major_version(&bin)
    {
        found.push(PgBinaries { bin, major });
    }
    found.sort_by_key(|binaries| binaries.major);
    let fitting = found.iter().rfind(|binaries| Some(binaries.major) == data_version).or(found.last());
    match fitting {
        Some(binaries) if binaries.major >= OLDEST_SERVER => Ok(binaries.clone()),
        other => Err(EmbeddedError::NoBinaries {
            looked: format!("{} and `pg_config --bindir`", versions.display()),
            too_old: other.map(|binaries| binaries.major),
        }),
    }
}

/// Asks the program itself; a folder without both programs has no version.
fn major_version(bin: &Path) -> Option<u32> {
    if !bin.join("initdb").is_file() {
        return None;
    }
    let answer = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "postgres (PostgreSQL) 18beta1"
    let number = text.split_whitespace().nth(2)?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn configured() -> Option<PathBuf> {
    let answer = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    answer.status.success().then(|| PathBuf::from(text.trim()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with programs that only tell their version.
    fn fake(folder: &Path, version: &str) -> PathBuf {
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).unwrap();
        for name in ["postgres", "initdb"] {
            fs::write(bin.join(name), format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        bin
    }

    #[test]
    fn the_newest_is_taken_and_a_data_directory_keeps_its_version() {
        let dir = tempfile::tempdir().unwrap();
        let versions = dir.path().join("versions");
        for version in ["9.6.24", "15.3 (Debian 15.3-1)", "17.2"] {
            let major = version.split(['.', ' ']).next().unwrap();
            fake(&versions.join(major), version);
        }
        let found = |data| find_in(None, &versions, || None, data).unwrap().major;
        assert_eq!(found(None), 17);
        assert_eq!(found(Some(15)), 15);
        assert_eq!(found(Some(16)), 17);
    }

    #[test]
    fn what_was_looked_at_and_what_is_too_old_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let versions = dir.path().join("versions");
        let missing = find_in(None, &versions, || None, None).unwrap_err();
        assert_eq!(missing.code().id, "HUB-3001");
        fake(&versions.join("14"), "14.9");
        let old = find_in(None, &versions, || None, None).unwrap_err();
        assert!(old.to_string().contains("14"), "{old}");
        let elsewhere = fake(&dir.path().join("elsewhere"), "16.1");
        assert_eq!(find_in(None, &versions, || Some(elsewhere.clone()), None).unwrap().bin, elsewhere);
        // A folder that the user names counts alone, also when others would fit.
        let empty = dir.path().join("empty");
        let chosen = find_in(Some(&empty), &versions, || Some(elsewhere.clone()), None).unwrap_err();
        assert!(chosen.to_string().contains("empty"), "{chosen}");
    }
}
