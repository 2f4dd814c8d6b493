//! Invalid commands and failed calls: messages and exit codes. `messages.rs` has the snapshots.

use genesys_cloud_mock::{CannedResponse, MockOrg};
use tempfile::tempdir;

use crate::run;

#[tokio::test]
async fn mock_reports_a_port_in_use() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let taken = org.url().rsplit(':').next().unwrap().to_owned();
    let refused = run(None, folder.path(), &["mock", "--port", &taken]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains(&format!("--port {taken}: ")), "{}", refused.err);
    assert!(refused.err.contains("in use"), "{}", refused.err);
}

/// Including errors of the command line parser.
#[tokio::test]
async fn errors_are_json_with_log_json() {
    let folder = tempdir().unwrap();
    for arguments in [
        &["--log", "json", "exprot"][..],
        &["export", "--log=json"],
        &["export", "routing.queues", "--limit", "x", "--log", "json"],
        &["export", "routing.queus", "--log", "json"],
    ] {
        let refused = run(None, folder.path(), arguments).await;
        assert_eq!(refused.code, Some(2));
        let event: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
        assert_eq!((&event["event"], &event["exit"]), (&"error".into(), &"usage".into()));
        assert!(!event["text"].as_str().unwrap().is_empty(), "{event}");
        assert!(!event["advice"][0].as_str().unwrap().is_empty(), "{event}");
    }
}

#[tokio::test]
async fn names_the_variables_of_missing_credentials() {
    let folder = tempdir().unwrap();
    let refused = run(None, folder.path(), &["export", "routing.queues"]).await;
    assert_eq!(refused.code, Some(6), "{}", refused.err);
    for part in ["GENESYS_CLOUD_REGION", "GENESYS_CLOUD_CLIENT_ID", "--org mock"] {
        assert!(refused.err.contains(part), "{}", refused.err);
    }
}

#[tokio::test]
async fn names_invalid_settings_without_secrets() {
    let folder = tempdir().unwrap();
    for (set, code, parts) in [
        (&[("GENESYS_CLOUD_REGION", "nowhere")][..], 6, &["\"nowhere\"", "eu-central-1"][..]),
        (
            &[("GENESYS_CLOUD_REGION", "us-east-1"), ("GENESYS_CLOUD_CLIENT_SECRET", "")],
            6,
            &["set GENESYS_CLOUD_CLIENT_SECRET"],
        ),
        (&[("GENESYS_CLOUD_API_URL", "ftp://a.b")], 6, &["GENESYS_CLOUD_API_URL", "https://"]),
    ] {
        let mut command = crate::program(None, folder.path());
        command.env("GENESYS_CLOUD_CLIENT_ID", "id").env("GENESYS_CLOUD_CLIENT_SECRET", "hidden");
        let output = command.envs(set.iter().copied()).args(["whoami"]).output().await.unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(parts.iter().all(|part| err.contains(part)), "{err}");
        assert!(!err.contains("hidden"), "{err}");
    }
}

#[tokio::test]
async fn maps_api_errors_to_exit_codes() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    for (reply, code, part) in [
        (CannedResponse::error(403, "missing.permissions", "Forbidden"), 7, "routing:queue:view"),
        (CannedResponse::error(404, "not.found", "No such queue"), 7, "No such queue"),
        (CannedResponse::error(400, "bad.request", "Bad"), 7, "Bad"),
        (CannedResponse::rate_limited(100_000), 8, "the API asks to wait 100000 s"),
    ] {
        org.respond_next("getRoutingQueues", reply).unwrap();
        let arguments = ["export", "routing.queues", "--prefetch", "0"];
        let refused = run(Some(&org), folder.path(), &arguments).await;
        assert_eq!(refused.code, Some(code), "{}", refused.err);
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    org.revoke_tokens();
    let command = crate::program(Some(&org), folder.path())
        .env("GENESYS_CLOUD_CLIENT_SECRET", "wrong")
        .args(["whoami"])
        .output()
        .await
        .unwrap();
    assert_eq!(command.status.code(), Some(6));
    let err = String::from_utf8(command.stderr).unwrap();
    assert!(!err.contains("wrong\""), "no secret is shown: {err}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_size_limit_keeps_the_earlier_output() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("q.jsonl"), "of yesterday").unwrap();
    let script = "ulimit -f 1; exec \"$0\" \"$@\"";
    let refused =
        crate::program_by(&["sh", "-c", script], Some(&org), &folder.path().join("state"))
            .args(["export", "routing.queues", "--out", "q.jsonl", "--quiet"])
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
    let err = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(11), "{err}");
    assert!(err.contains("can't write .genesys-cloud/q.jsonl.part: File too large"), "{err}");
    assert_eq!(crate::read(folder.path().join("q.jsonl")), "of yesterday");
}
