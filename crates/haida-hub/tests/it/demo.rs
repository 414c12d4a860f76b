//! The demo as a newcomer starts it, and its every request and answer before an independent judge.

use std::{path::Path, process::Command};

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
