//! Shell completion, as the scripts of the shells request it.

use std::process::Stdio;

use tempfile::tempdir;
use tokio::process::Command;

use crate::{program, run};

/// The candidates for the last word, without their descriptions.
async fn candidates(shell: &str, words: &[&str]) -> Vec<String> {
    let folder = tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[profiles.prod]\n[profiles.test]\n").unwrap();
    let output = program(None, folder.path())
        .env("GENESYS_CLOUD_COMPLETE", shell)
        .env("GENESYS_CLOUD_CONFIG", &config)
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .args(["--", "genesys-cloud"])
        .args(words)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // Descriptions follow a tab in fish, and a colon in zsh.
    let separator = if shell == "zsh" { ':' } else { '\t' };
    text.lines().map(|line| line.split(separator).next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_shell_completes_operations_and_parameters() {
    for shell in ["bash", "zsh", "fish"] {
        let found = candidates(shell, &["export", "routing.queue"]).await;
        assert!(found.contains(&"routing.queues".to_owned()), "{shell}: {found:?}");
        assert!(found.iter().all(|name| name.starts_with("routing.queue")), "{shell}: {found:?}");
        assert!(!found.contains(&"routing.queue".to_owned()), "not a list");
        let found = candidates(shell, &["call", "routing.queue"]).await;
        assert!(found.contains(&"routing.queue".to_owned()), "{shell}: {found:?}");
        let found = candidates(shell, &["describe", "getRoutingQueues"]).await;
        assert!(found.contains(&"getRoutingQueues".to_owned()), "{shell}: {found:?}");
        let found = candidates(shell, &["export", "routing.queues", "--param", "so"]).await;
        assert_eq!(found, ["sortOrder="], "{shell}");
        let found = candidates(shell, &["export", "routing.queue_members", "-p", ""]).await;
        assert_eq!(found.first().map(String::as_str), Some("queueId="), "{shell}: {found:?}");
        assert!(!found.contains(&"pageNumber=".to_owned()), "the export sets it: {found:?}");
    }
}

#[tokio::test]
async fn completes_values_types_and_profiles() {
    let found = candidates("bash", &["export", "routing.queues", "-p", "sortOrder=d"]).await;
    assert_eq!(found, ["sortOrder=desc"]);
    let found = candidates("bash", &["who"]).await;
    assert_eq!(found, ["whoami"]);
    let found = candidates("bash", &["describe", "QueueReq"]).await;
    assert!(found.contains(&"QueueRequest".to_owned()), "{found:?}");
    let found = candidates("bash", &["export", "--profile", ""]).await;
    assert_eq!(found, ["prod", "test"]);
    let found = candidates("bash", &["export", "no.such", "-p", "a"]).await;
    assert!(found.is_empty(), "{found:?}");
    let found = candidates("bash", &["export", "routing.queues", "--time-"]).await;
    assert_eq!(found, ["--time-zone"]);
}

#[tokio::test]
async fn prints_a_script_for_every_shell() {
    let folder = tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(None, folder.path(), &["completions", shell]).await;
        let script = script.done();
        assert!(script.contains("GENESYS_CLOUD_COMPLETE"), "{shell}: {script}");
    }
}

/// Runs the script in bash, as it completes a command line.
#[tokio::test]
async fn bash_completes_with_the_script() {
    const LINES: &str = r#"
        source "$1"
        COMP_WORDS=(genesys-cloud export routing.queues --param so)
        COMP_CWORD=4 COMP_TYPE=9
        _clap_complete_genesys_cloud genesys-cloud so --param 2> /dev/null
        echo "${COMPREPLY[@]}"
    "#;
    let folder = tempdir().unwrap();
    let script = folder.path().join("script");
    let printed = run(None, folder.path(), &["completions", "bash"]).await;
    std::fs::write(&script, printed.done()).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_genesys-cloud"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let output = Command::new("bash")
        .args(["--norc", "-c", LINES, "bash"])
        .arg(&script)
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.trim(), "sortOrder=", "{}", String::from_utf8_lossy(&output.stderr));
}
