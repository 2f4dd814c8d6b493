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
