//! Starts a PostgreSQL program as a user that PostgreSQL accepts (it refuses root) and so that it ends when the thread that
//! started it ends, without unsafe code: both are done by programs of util-linux that become the server by `exec`.
//!
//! Root becomes the user `postgres`, else `nobody`, where that user can enter the folders; below a folder that only root
//! may enter the server runs in a user namespace of its own, in which root has another number. Where the kernel forbids
//! that, starting fails and says which folder is closed: the data never moves to a place that nobody chose.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::embedded::EmbeddedError;

/// Where util-linux is. The server gets no other part of the hub's environment: no secret, and no `PG..` variable.
const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin";
/// The number that root has inside the namespace; any but 0 does.
const INNER_ID: u32 = 1000;

/// Who the server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// The user who runs the hub.
    Same,
    /// Another user, because the hub runs as root.
    User { uid: u32, gid: u32 },
    /// Root under another number.
    Namespace,
}

impl RunAs {
    /// Decides for a server that has to enter these folders.
    pub fn choose(folders: &[&Path]) -> Result<Self, EmbeddedError> {
        if !is_root() {
            return Ok(Self::Same);
        }
        let user = fs::read_to_string("/etc/passwd").ok().and_then(|passwd| unprivileged_user(&passwd));
        let closed = match user {
            Some((uid, gid)) => match folders.iter().find_map(|folder| closed_folder(folder, uid, gid)) {
                None => return Ok(Self::User { uid, gid }),
                closed => closed,
            },
            None => None,
        };
        if succeeds(&mut namespace("true")) { Ok(Self::Namespace) } else { Err(EmbeddedError::NoUser { closed }) }
    }

    /// The number that files of the server must belong to; nothing where they need not change hands.
    pub fn owner(self) -> Option<(u32, u32)> {
        match self {
            Self::Same => None,
            Self::User { uid, gid } => Some((uid, gid)),
            Self::Namespace => Some((0, 0)),
        }
    }

    /// The command that becomes `program`. With `ends_with_thread` the kernel sends it SIGINT, an orderly end, when the
    /// thread that starts it is gone for whatever reason (Linux only).
    pub fn command(self, program: &Path, ends_with_thread: bool) -> Command {
        let bound = ends_with_thread && has_death_signal();
        let mut command = match self {
            Self::Namespace if bound => {
                let mut command = namespace("setpriv");
                command.args(["--pdeathsig", "INT"]).arg(program);
                command
            }
            Self::Namespace => namespace(program),
            Self::User { uid, gid } if bound => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
                command.args(["--clear-groups", "--pdeathsig", "INT"]).arg(program);
                command
            }
            Self::User { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(uid).gid(gid);
                command
            }
            Self::Same if bound => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "INT"]).arg(program);
                command
            }
            Self::Same => Command::new(program),
        };
        plain_environment(&mut command);
        // The server must not get the terminal's Ctrl-C: the hub stops it when it has no use for it any more.
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        command
    }
}

/// Sends a signal by its short name (`INT`).
pub(crate) fn signal(pid: u32, name: &str) -> bool {
    succeeds(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]))
}

/// The command line of a process; nothing where there is none.
pub(crate) fn command_line(pid: u32) -> Option<String> {
    if let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let answer = Command::new("ps").args(["-p", &pid.to_string(), "-o", "command="]).output().ok()?;
    answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).into_owned())
}

fn namespace(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user".to_owned(), format!("--map-user={INNER_ID}"), format!("--map-group={INNER_ID}")]);
    command.arg(program);
    command
}

fn has_death_signal() -> bool {
    cfg!(target_os = "linux") && succeeds(Command::new("setpriv").args(["--pdeathsig", "INT", "true"]))
}

fn succeeds(command: &mut Command) -> bool {
    plain_environment(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn plain_environment(command: &mut Command) {
    command.env_clear().env("PATH", SEARCH_PATH).env("LC_ALL", if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" });
}

fn is_root() -> bool {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        // "Uid:  real effective saved filesystem"
        let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        return uids.and_then(|line| line.split_whitespace().nth(1)) == Some("0");
    }
    Command::new("id").arg("-u").output().is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

fn unprivileged_user(passwd: &str) -> Option<(u32, u32)> {
    let find = |name: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(name)).then_some(())?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some((uid, fields.next()?.parse().ok()?))
        })
    };
    find("postgres").or_else(|| find("nobody"))
}

/// The first folder on the way, from the root, that the user cannot enter.
fn closed_folder(folder: &Path, uid: u32, gid: u32) -> Option<PathBuf> {
    let mut way: Vec<&Path> = folder.ancestors().collect();
    way.reverse();
    way.into_iter()
        .find(|step| {
            // What does not exist yet is made by us, and open.
            fs::metadata(step).is_ok_and(|meta| {
                let who = if meta.uid() == uid {
                    6
                } else if meta.gid() == gid {
                    3
                } else {
                    0
                };
                (meta.mode() >> who) & 1 == 0
            })
        })
        .map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_postgres_user_comes_before_nobody() {
        let nobody = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(unprivileged_user(nobody), Some((65534, 65533)));
        assert_eq!(unprivileged_user(&format!("{nobody}postgres:x:101:104::/:/bin/sh\n")), Some((101, 104)));
        assert_eq!(unprivileged_user("postgresql:x:1:1::/:\nbroken\npostgres:x:no:1::/:\n"), None);
    }

    #[test]
    fn the_first_closed_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path().join("outer"), dir.path().join("outer/inner"));
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&outer, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(closed_folder(&inner, 4_000_001, 4_000_001), Some(outer.clone()));
        fs::set_permissions(&outer, fs::Permissions::from_mode(0o711)).unwrap();
        assert_eq!(closed_folder(&inner, 4_000_001, 4_000_001), None);
        assert_eq!(closed_folder(&inner.join("not/yet/there"), 4_000_001, 4_000_001), None);
    }

    #[test]
    fn the_server_sees_nothing_of_our_environment() {
        let answer = RunAs::Same.command(Path::new("/usr/bin/env"), true).output().unwrap();
        let text = String::from_utf8(answer.stdout).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        assert!(
            names.contains(&"PATH") && !names.contains(&"CARGO_MANIFEST_DIR") && !names.contains(&"HOME"),
            "{names:?}"
        );
    }
}
