//! The output that the README shows is that of the demo.

#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Replaces the port and the seconds, which vary.
fn stable(line: &str) -> String {
    let line = line.trim_end();
    match line.rsplit_once([':', ' ']) {
        Some((rest, _)) if line.contains("://127.0.0.1:") => format!("{rest}:PORT"),
        Some((rest, "s")) => format!("{} TIME", rest.rsplit_once(' ').unwrap().0),
        _ => line.to_owned(),
    }
}

#[test]
fn the_readme_shows_the_output_of_the_demo() {
    let output = Command::new(env!("CARGO_BIN_EXE_genesys-cloud-demo")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).unwrap();

    let readme = include_str!("../../../README.md").replace("\r\n", "\n");
    let shown = readme.split("```text\n").find(|it| it.starts_with("A fake Genesys Cloud org"));
    let shown: Vec<&str> = shown.unwrap().split("\n```").next().unwrap().lines().collect();
    assert_eq!(shown.len(), 6);
    for (shown, line) in shown.into_iter().zip(output.lines()) {
        match shown.strip_suffix("...") {
            Some(start) => assert!(line.starts_with(start), "{shown}\n{line}"),
            None => assert_eq!(stable(shown), stable(line)),
        }
    }
}
