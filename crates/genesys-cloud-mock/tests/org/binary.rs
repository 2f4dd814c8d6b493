use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn the_binary_prints_the_environment_of_a_client() {
    let mut org = Command::new(env!("CARGO_BIN_EXE_genesys-cloud-mock"))
        .args(["--list", "getRoutingQueues=3", "--seed", "42"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let output = BufReader::new(org.stdout.take().expect("a pipe"));
    let lines: Vec<_> = output.lines().take(4).map(|line| line.expect("text")).collect();
    org.kill().expect("a process to end");
    org.wait().expect("an ended process");
    let names = ["API_URL", "LOGIN_URL", "CLIENT_ID", "CLIENT_SECRET"];
    for (line, name) in lines.iter().zip(names) {
        assert!(line.starts_with(&format!("export GENESYS_CLOUD_{name}=")), "{line}");
    }
    assert!(lines[0].contains("=http://127.0.0.1:"), "{}", lines[0]);
}

#[test]
fn the_binary_rejects_an_unknown_list() {
    for list in ["getNothing=3", "getRoutingQueues", "getRoutingQueues=many"] {
        let output = Command::new(env!("CARGO_BIN_EXE_genesys-cloud-mock"))
            .args(["--list", list])
            .output()
            .expect("a process");
        assert!(!output.status.success(), "{list}");
    }
}

#[test]
fn the_binary_changes_over_time_and_fails_as_told() {
    let options = ["--timeline", "2026-05-01T00:00Z", "--speed", "60", "--changes-per-day", "9"];
    let faults = ["--fault", "ServiceUnavailable=0.5", "--fault-seed", "3", "--latency-ms", "1"];
    let mut org = Command::new(env!("CARGO_BIN_EXE_genesys-cloud-mock"))
        .args(options.iter().chain(&faults))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut line = String::new();
    let output = org.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("text");
    org.kill().expect("a process to end");
    org.wait().expect("an ended process");
    assert!(line.starts_with("export GENESYS_CLOUD_API_URL="), "{line}");
}

#[test]
fn the_binary_rejects_invalid_behavior() {
    let wrong: [&[&str]; 5] = [
        &["--timeline", "soon"],
        &["--timeline", "2026-05-01T00:00Z", "--speed=-1"],
        &["--speed", "60"],
        &["--fault", "Nothing=0.1"],
        &["--fault", "ServiceUnavailable=2"],
    ];
    for options in wrong {
        let output = Command::new(env!("CARGO_BIN_EXE_genesys-cloud-mock"))
            .args(options)
            .output()
            .expect("a process");
        assert!(!output.status.success(), "{options:?}");
    }
}
