//! What the demo and the tests need besides Rust: the PostgreSQL server programs, or a database of the user's own.
//!
//! Where this machine is Debian or Ubuntu and we may install (root, or sudo that asks for no password), the package is
//! installed; everywhere else one line says what is missing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process;

/// The oldest server that the migrations are written for.
const OLDEST_SERVER: u32 = 15;
/// Where Debian and Ubuntu put the server programs, a folder per major version.
const DEBIAN_SERVERS: &str = "/usr/lib/postgresql";
const PACKAGE: &str = "postgresql";

/// Sees to it that a PostgreSQL server can be started or reached.
///
/// # Errors
/// Nothing fitting is here and nothing may be installed, or the installation failed. The message is one line and says
/// what to do.
pub fn check() -> Result<()> {
    if std::env::var_os("DATABASE_URL").is_some_and(|url| !url.is_empty()) {
        return Ok(());
    }
    let places = Places::of_this_machine();
    if let Server::Missing(_) = find(&places, &major_version)? {
        install()?;
        if let Server::Missing(too_old) = find(&places, &major_version)? {
            bail!("{}", explain(too_old));
        }
    }
    Ok(())
}

/// The folder of the newest server's programs.
///
/// # Errors
/// There is none, though a database of the user's own may be reached.
pub fn server_programs() -> Result<PathBuf> {
    let places = Places::of_this_machine();
    let newest = places.folders().into_iter().filter_map(|folder| Some((major_version(&folder)?, folder))).max();
    match newest {
        Some((version, folder)) if version >= OLDEST_SERVER => Ok(folder),
        too_old => bail!("{}", explain(too_old.map(|(version, _)| version))),
    }
}

/// Where to look, in the order in which it counts.
struct Places {
    /// `HUB_PG_BIN`: when it is set, nothing else is looked at.
    chosen: Option<PathBuf>,
    /// A folder with a folder per major version, each with `bin`.
    versions: PathBuf,
    /// What `pg_config --bindir` answers, for servers that were built or installed elsewhere.
    configured: Option<PathBuf>,
}

impl Places {
    fn of_this_machine() -> Self {
        Self {
            chosen: std::env::var_os("HUB_PG_BIN").filter(|value: &OsString| !value.is_empty()).map(PathBuf::from),
            versions: PathBuf::from(DEBIAN_SERVERS),
            configured: answer("pg_config", &["--bindir"]).map(PathBuf::from),
        }
    }
}

impl Places {
    /// The folders that may hold a server.
    fn folders(&self) -> Vec<PathBuf> {
        if let Some(chosen) = &self.chosen {
            return vec![chosen.clone()];
        }
        let installed = std::fs::read_dir(&self.versions).into_iter().flatten().flatten();
        installed.map(|entry| entry.path().join("bin")).chain(self.configured.clone()).collect()
    }
}

#[derive(Debug, PartialEq)]
enum Server {
    Found,
    /// Nothing fits; the newest version that is too old, if there is one.
    Missing(Option<u32>),
}

fn find(places: &Places, major_version: &dyn Fn(&Path) -> Option<u32>) -> Result<Server> {
    if let Some(chosen) = &places.chosen {
        return match major_version(chosen) {
            Some(version) if version >= OLDEST_SERVER => Ok(Server::Found),
            Some(version) => bail!(
                "HUB_PG_BIN={} holds PostgreSQL {version}, which is older than {OLDEST_SERVER}: name the bin folder of a newer server",
                chosen.display()
            ),
            None => bail!(
                "HUB_PG_BIN={} holds no `postgres` and `initdb` that can be started: name the bin folder of a PostgreSQL server",
                chosen.display()
            ),
        };
    }
    let installed = std::fs::read_dir(&places.versions).into_iter().flatten().flatten();
    let newest = installed
        .map(|entry| entry.path().join("bin"))
        .chain(places.configured.clone())
        .filter_map(|folder| major_version(&folder))
        .max();
    Ok(match newest {
        Some(version) if version >= OLDEST_SERVER => Server::Found,
        too_old => Server::Missing(too_old),
    })
}

/// The major version of the server in this folder, asked from the program itself: a folder's name proves nothing.
fn major_version(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    parse_version(&answer(folder.join("postgres"), &["--version"])?)
}

fn parse_version(answer: &str) -> Option<u32> {
    let (_, number) = answer.split_once("(PostgreSQL) ")?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn install() -> Result<()> {
    let Some(prefix) = installer() else { bail!("{}", explain(None)) };
    eprintln!("installing the Debian package {PACKAGE} (the embedded database uses its server programs)");
    apt(prefix, PACKAGE)
}

/// Installs the program that gives a process a wrong clock, which one test of the hub wants, where it is missing and may be
/// installed. Elsewhere that test says why it is skipped.
///
/// # Errors
/// The installation failed.
pub fn wrong_clock() -> Result<()> {
    if Path::new("/usr/bin/faketime").exists() {
        return Ok(());
    }
    installer().map_or(Ok(()), |prefix| apt(prefix, "faketime"))
}

fn apt(prefix: &[&str], package: &str) -> Result<()> {
    for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends", package][..]] {
        // `env` and not `Command::env`: sudo does not pass our environment on.
        let mut words: Vec<&str> = prefix.to_vec();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]);
        words.extend(arguments);
        let Some((program, rest)) = words.split_first() else { continue };
        // apt writes to standard output, which belongs to the answer of `demo --json`.
        process::run(Command::new(program).args(rest).stdin(Stdio::null()).stdout(std::io::stderr()))?;
    }
    Ok(())
}

/// How to become root, or none when this machine is not a Debian or we may not.
fn installer() -> Option<&'static [&'static str]> {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !is_debian(&release) {
        return None;
    }
    if answer("id", &["-u"]).as_deref() == Some("0") {
        return Some(&[]);
    }
    answer("sudo", &["-n", "true"]).map(|_| &["sudo", "-n"][..])
}

fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|name| name == "debian" || name == "ubuntu")
}

fn explain(too_old: Option<u32>) -> String {
    let found = too_old.map_or_else(String::new, |version| format!(" (found {version}, which is too old)"));
    format!(
        "PostgreSQL {OLDEST_SERVER} or newer is needed{found}: install its server package (Debian: apt-get install {PACKAGE}), \
         or set HUB_PG_BIN to the folder of `postgres` and `initdb`, or DATABASE_URL to a database"
    )
}

/// The trimmed standard output of a program that ends well.
fn answer(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Servers whose version is their folder's name, so that no program has to be started.
    fn by_name(folder: &Path) -> Option<u32> {
        folder.components().rev().nth(1)?.as_os_str().to_str()?.parse().ok()
    }

    fn places(versions: &[&str]) -> (tempfile::TempDir, Places) {
        let folder = tempfile::tempdir().unwrap();
        for version in versions {
            std::fs::create_dir_all(folder.path().join(version).join("bin")).unwrap();
        }
        let places = Places { chosen: None, versions: folder.path().to_path_buf(), configured: None };
        (folder, places)
    }

    #[test]
    fn the_newest_server_counts_by_number() {
        let (_folder, all) = places(&["9", "14", "16"]);
        assert_eq!(find(&all, &by_name).unwrap(), Server::Found);
        let (_folder, old) = places(&["9", "14"]);
        assert_eq!(find(&old, &by_name).unwrap(), Server::Missing(Some(14)));
        let (_folder, none) = places(&[]);
        assert_eq!(find(&none, &by_name).unwrap(), Server::Missing(None));
    }

    #[test]
    fn pg_config_answers_where_the_usual_place_is_empty() {
        let (_folder, mut none) = places(&[]);
        none.configured = Some(PathBuf::from("/opt/pg/17/bin"));
        assert_eq!(find(&none, &by_name).unwrap(), Server::Found);
    }

    #[test]
    fn a_wrong_choice_is_an_error_even_where_another_server_would_serve() {
        let (_folder, mut all) = places(&["16"]);
        all.chosen = Some(PathBuf::from("/opt/pg/14/bin"));
        let problem = find(&all, &by_name).unwrap_err().to_string();
        assert!(problem.contains("HUB_PG_BIN=/opt/pg/14/bin holds PostgreSQL 14"), "{problem}");
        all.chosen = Some(PathBuf::from("/opt/nothing/here"));
        let problem = find(&all, &by_name).unwrap_err().to_string();
        assert!(problem.contains("no `postgres` and `initdb`"), "{problem}");
    }

    #[test]
    fn a_folder_without_initdb_is_no_server() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(major_version(folder.path()), None);
    }

    #[test]
    fn versions_are_read_from_what_the_server_says() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(parse_version("postgres 15"), None);
    }

    #[test]
    fn debian_and_what_calls_itself_like_it() {
        assert!(is_debian("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nID_LIKE=\"rhel\"\nNAME=debian\n"));
    }

    #[test]
    fn what_is_missing_is_said_in_one_line() {
        for text in [explain(None), explain(Some(14))] {
            assert!(!text.contains('\n'));
            assert!(text.contains("apt-get install postgresql") && text.contains("HUB_PG_BIN"), "{text}");
        }
    }
}
