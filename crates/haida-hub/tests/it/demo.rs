//! The demo as a newcomer starts it, and its every request and answer before an independent judge.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{program, run, shared};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(Path::parent).unwrap()
}

fn demo(samples: &Path, log: &Path) -> Value {
    let simulator = Path::new(env!("CARGO_BIN_EXE_haida-hub")).with_file_name("atlassian-sim");
    assert!(simulator.is_file(), "build the simulator first: cargo build -p atlassian-sim (cargo xtask test does)");
    let ran = run(program()
        .env("HUB_SIM_BIN", simulator)
        .args(["--json", "demo", "--once", "--samples"])
        .arg(samples)
        .arg("--log")
        .arg(log));
    ran.json(0)
}

fn calls(report: &Value) -> u64 {
    report["calls"]["reads"].as_u64().unwrap() + report["calls"]["writes"].as_u64().unwrap()
}

/// Lets the wire contract's judge read a log.
fn judge(log: &Path) {
    let Some(validator) = shared("contract/validate_log.py") else {
        println!("skipped the judge: ../shared/contract is not on this machine");
        return;
    };
    let contract = std::env::var_os("CONTRACT_DIR").map_or_else(|| root().join(".contract"), std::path::PathBuf::from);
    let python = contract.join(".venv/bin/python");
    if !python.exists() {
        assert!(std::env::var_os("HUB_REQUIRE_CONTRACT").is_none(), "{} is missing", python.display());
        println!("skipped the judge: its packages are not installed (.ci/contract-tools)");
        return;
    }
    let output = Command::new(python).arg(validator).arg(log).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(" 0 errors"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", said.lines().last().unwrap_or_default());
}

fn check(samples: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let summary = demo(samples, &log);
    for project in summary["projects"].as_array().unwrap() {
        let published = project["issues"].as_u64().unwrap();
        assert!(published > 0 && project["pages"].as_u64().unwrap() >= 5, "{project}");
        assert_eq!(project["issue_addresses"].as_array().unwrap().len() as u64, published);
        assert_eq!(project["first_sync"]["dead"], 0, "{project}");
        assert_eq!(calls(&project["second_sync"]), 0, "{project}");
    }
    let lines = std::fs::read_to_string(&log).unwrap().lines().count() as u64;
    let counted: u64 = summary["projects"].as_array().unwrap().iter().map(|p| calls(&p["first_sync"])).sum();
    assert_eq!(lines, counted, "the site's log and the hub's own count agree");
    judge(&log);
}

#[test]
fn the_demo_publishes_the_sample_and_its_wire_passes_the_judge() {
    check(&root().join("sample"));
}

#[test]
fn the_demo_publishes_the_first_teams_files() {
    match shared("samples") {
        Some(samples) => check(&samples),
        None => println!("skipped: ../shared/samples is not on this machine"),
    }
}

#[test]
fn a_taken_port_is_one_clear_message() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let simulator = Path::new(env!("CARGO_BIN_EXE_haida-hub")).with_file_name("atlassian-sim");
    let ran = run(program()
        .env("HUB_SIM_BIN", simulator)
        .args(["--json", "demo", "--once", "--port", &port, "--samples"])
        .arg(root().join("sample")));
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4006"), "{} {}", ran.stdout, ran.stderr);
}

#[test]
fn a_missing_simulator_is_named() {
    let ran = run(program()
        .env("HUB_SIM_BIN", "/nonexistent/atlassian-sim")
        .args(["--json", "demo", "--once", "--samples"])
        .arg(root().join("sample")));
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4007"), "{}", ran.stdout);
}

/// Waits until a process has said a line on its standard error.
fn until_said(child: &mut std::process::Child, words: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains(words)), "{words:?} was never said");
    // Read on, so that the process can say more.
    std::thread::spawn(move || lines.count());
}

#[cfg(target_os = "linux")]
#[test]
fn a_demo_that_is_ended_leaves_neither_processes_nor_folders() {
    let simulator = Path::new(env!("CARGO_BIN_EXE_haida-hub")).with_file_name("atlassian-sim");
    for (signal, said, whole) in
        [("TERM", "stays up", true), ("INT", "publishing", true), ("KILL", "publishing", false)]
    {
        let folder = tempfile::tempdir().unwrap();
        // The server's user has to enter it.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut child = program()
            .env("HUB_SIM_BIN", &simulator)
            .env("TMPDIR", folder.path())
            .args(["--json", "demo", "--samples"])
            .arg(root().join("sample"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until_said(&mut child, said);
        let pid = child.id().to_string();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let postgres = running(folder.path());
        assert!(!postgres.is_empty(), "the private server runs in the folder for temporary files");
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.success(), whole, "{signal}: {status}");
        let gone = |pid: &&str| !Path::new("/proc").join(pid).exists();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !(children.split_whitespace().all(|pid| gone(&pid)) && running(folder.path()).is_empty()) {
            assert!(Instant::now() < deadline, "{signal}: {children} {:?} still run", running(folder.path()));
            std::thread::sleep(Duration::from_millis(20));
        }
        if whole {
            let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
            assert!(left.is_empty(), "{signal}: {left:?}");
        }
    }
}

/// The processes whose command line names a folder.
fn running(folder: &Path) -> Vec<String> {
    let named = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        (line.contains("postgres -D") && line.contains(folder.to_str()?)).then_some(line)
    };
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| named(entry.ok()?)).collect()
}

#[test]
fn a_folder_for_temporary_files_that_is_not_there_is_one_clear_message() {
    let ran = run(program()
        .env("TMPDIR", "/nonexistent/folder")
        .args(["--json", "demo", "--once", "--samples"])
        .arg(root().join("sample")));
    assert_eq!((ran.code, ran.error_code().as_str()), (2, "HUB-4004"), "{}", ran.stdout);
}
