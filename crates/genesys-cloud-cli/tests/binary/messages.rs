//! Snapshots of all help texts and error messages, so that a reviewer sees them in one place.

use std::path::Path;

use genesys_cloud_mock::{CannedResponse, JobScenario, MockOrg, Scenario};
use serde_json::json;
use tempfile::tempdir;

use crate::{Outcome, program, run, run_in};

const QUEUES: &str = "getRoutingQueues";
const JOBS: &str = "postAnalyticsConversationsDetailsJobs";

/// Commands that are invalid, by subject. `MAY` is a month and `DETAILS` an operation with an interval.
const INVALID: [(&str, &[&str]); 14] = [
    (
        "Operations",
        &[
            "export routing.queus",
            "export nothing.like.this.at.all",
            "export queues",
            "export 'GET /api/v2/routing/queues/abc/members'",
            "export https://api.mypurecloud.de/api/v2/routing/queues?pageSize=5",
            "describe routing.queus",
            "call routing.queus",
            "operations --search zzzz",
            "export routing.queue",
            "export postAnalyticsReportingExports --body object.json",
        ],
    ),
    (
        "Parameters",
        &[
            "export routing.queues -p nme=x",
            "export routing.queues -p zzzzzz=x",
            "export routing.queues -p pageSize=ten",
            "export routing.queues -p sortOrder=up",
            "export routing.queues -p name",
            "call routing.queue -p queueId=",
            "export routing.queue_members",
            "export routing.queue_members -p queueId=a -p queueId=b",
            "export routing.queue_members -p pageSize=x -p by=y",
            "export routing.queues --results-param expand=x",
            "export postAnalyticsConversationsDetailsJobs --body object.json --results-param jobId=a",
        ],
    ),
    (
        "Parameters that the export sets",
        &[
            "export routing.queues -p pageNumber=2",
            "export external_contacts.scan_contacts -p cursor=x",
            "export routing.queues -p before=x --unchecked",
            "export getChatsRoomMessages -p roomJid=a -p before=b",
            "export getUsersSearch -p q64=H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMq4FALZItUIQAAAA",
            "export DETAILS --body page.json",
            "export routing.queues --page-size 9 -p pageSize=7",
            "export DETAILS --interval MAY --body interval.json",
        ],
    ),
    (
        "Bodies",
        &[
            "export DETAILS --body list.json",
            "export DETAILS --body odd.json",
            "export DETAILS --body bad.json",
            "export DETAILS --body none.json",
            "export DETAILS --body -",
            "export DETAILS --body '{\"interval\":\"SECRET\"}'",
            "call routing.queues --body odd.json",
            "call DETAILS",
            "export postAnalyticsConversationsDetailsJobs",
        ],
    ),
    (
        "Time ranges",
        &[
            "export routing.queues --interval MAY",
            "export DETAILS --interval 2024-05-01",
            "export DETAILS --interval 2024-06-01/2024-05-01",
            "export DETAILS --interval 2024-05-01/2024-05-32",
            "export DETAILS --interval tomorrow",
            "export DETAILS --interval -7x/now",
            "export DETAILS --interval 2024-05-01/P1",
            "export DETAILS --interval MAY --time-zone Europe/Brelin",
            "export DETAILS --interval 2026-03-29T02:30/P1D --time-zone Europe/Berlin",
            "export DETAILS --time-zone Europe/Berlin",
            "export DETAILS --interval MAY --window 0d",
            "export DETAILS --interval MAY --window 1month",
            "export DETAILS --interval MAY --window 500ms",
            "export DETAILS --interval MAY --window 40d",
            "export DETAILS --interval MAY --window 1h --overlap 1h",
            "export analytics.users_details_query --interval MAY --overlap 1h",
            "export DETAILS --interval MAY --unique conversationid",
            "export DETAILS --interval MAY --concurrency 0",
            "export routing.queues --window 1d",
        ],
    ),
    (
        "Folders",
        &[
            "export routing.queues --out lake/",
            "export DETAILS --out lake/",
            "export DETAILS --out s3://bucket/lake/",
            "export DETAILS --out lake/ --interval MAY --limit 5",
            "export DETAILS --out lake/ --interval MAY --state state.json",
            "export DETAILS --out lake/ --interval MAY --window 6h --overlap 1h",
            "export DETAILS --out lake/ --interval MAY --rejects r.jsonl",
            "export DETAILS --out s3://bucket/lake/ --interval MAY --on-bad-value skip",
            "export DETAILS --out lake/ --interval MAY --window 7d",
            "export DETAILS --out lake/ --interval MAY --window 90m",
            "export DETAILS --out lake/ --interval MAY --window 1h --time-zone Europe/Berlin",
            "export DETAILS --out lake/ --interval 2024-05-01T06:00/2024-05-03",
            "export DETAILS --out lake/ --interval 2024-05-01T06:30/2024-05-03T07:00 --window 1h",
            "export DETAILS --out lake/ --interval 2999-05-01/P1D",
            "export DETAILS --out lake/ --interval MAY --partition a-b",
            "export DETAILS --out lake/ --interval MAY --partition conversation_start",
            "export DETAILS --out c.jsonl --interval MAY --partition day",
            "export DETAILS --out lake/ --partition day",
            "export DETAILS --out lake/ --interval MAY --table t",
            "export postAnalyticsReportingExports --body object.json --out lake/",
        ],
    ),
    (
        "Files of records",
        &[
            "export getConversationRecordings -p conversationId=a --download mediaUri",
            "export getConversationRecordings -p conversationId=a --to media",
            "export getConversationRecordings -p conversationId=a --download mediaUrl --to media",
            "export getConversationRecordings -p conversationId=a --download mediaUris --to media",
            "export getConversationRecordings -p conversationId=a --download mediaUris.S.uri --to media",
            "export getConversationRecordings -p conversationId=a --download media.uri --to media",
            "export routing.queues --download name.url --to media",
            "export routing.queues --download anything --to media",
            "export getConversationRecordings -p conversationId=a --download mediaUri --to -",
            "export getConversationRecordings -p conversationId=a --download mediaUri --to postgres://me:SECRET@host/db",
            "export getConversationRecordings -p conversationId=a --download mediaUri --to s3://me:SECRET@bucket/a",
            "export getConversationRecordings -p conversationId=a --download mediaUri --to media --download-key idd",
            "export getConversationRecordings -p conversationId=a --download mediaUri --to media --max-file-size 0",
            "export DETAILS --interval MAY --out lake/ --download conversationId --to media",
            "export postAnalyticsReportingExports --body object.json --download url --to media --out f.csv",
            "export routing.queues --download-key id",
        ],
    ),
    (
        "Numbers and times",
        &[
            "export routing.queues --page-size 0",
            "export routing.queue_members -p queueId=a --page-size 101",
            "export external_contacts.scan_contacts --page-size 9",
            "export quality.evaluations_search --body large.json",
            "export routing.queues --limit 0",
            "export routing.queues --limit 1 --limit 2",
            "export routing.queues --batch 0",
            "export routing.queues --deadline 5m",
            "export routing.queues --wait-for-data 1h",
        ],
    ),
    (
        "Fields and formats",
        &[
            "export routing.queues --fields id,naem",
            "export routing.queues --fields id,division.zzzzzzzz",
            "export routing.queues --fields id,id",
            "export routing.queues --fields id,",
            "export users.users --fields id,skills.name",
            "export routing.queues --format xlsx",
            "export routing.queues --format parquet.gz",
            "export routing.queues --out q.xlsx",
            "export routing.queues --out q.gz",
            "export routing.queues --out q.csv --format jsonl",
            "export routing.queues --out q.csv --row-group 10",
            "export routing.queues --out q.csv --nested text",
            "export routing.queues --names snake",
            "export routing.queues --out q.parquet --names camel",
            "export routing.queues --out q.parquet --nested json",
            "export routing.queues --out q.parquet --nested types --fields id --unchecked",
            "export routing.queues --out q.parquet --fields id,naem",
            "export users.users --out u.parquet --fields id,skills.nam",
            "export users.users --out u.parquet --fields id.x",
            "export routing.queues --out q.csv --part-size 10",
            "export routing.queues --with _loaded,_raw",
            "export routing.queues --with _raw,_run_id,_raw",
            "export routing.queues --fields id,_run_id",
            "export postOutboundContactlistExport -p contactListId=a --with _run_id",
            "export routing.queues --rejects r.jsonl",
            "export routing.queues --on-bad-value skip",
            "export routing.queues --on-bad-value skip --out q.csv --rejects q.csv",
            "export routing.queues --on-bad-value drop",
        ],
    ),
    (
        "Child tables",
        &[
            "export routing.queues --explode memberGroups",
            "export routing.queues --out - --explode memberGroups",
            "export routing.queues --out q.jsonl --explode ''",
            "export routing.queues --out q.jsonl --explode memberGroups.",
            "export routing.queues --out q.jsonl --explode memberGruops",
            "export routing.queues --out q.jsonl --explode zzzzzz",
            "export routing.queues --out q.jsonl --explode division",
            "export routing.queues --out q.jsonl --explode memberGroups.name",
            "export DETAILS --out c.jsonl --explode participants.sessions.zzzz",
            "export routing.queues --out q.jsonl --explode mediaSettings",
            "export routing.queues --out q.jsonl --explode-key id",
            "export routing.queues --out q.jsonl --explode memberGroups --explode-key naem",
            "export routing.queues --out q.jsonl --explode memberGroups --explode-key division",
            "export routing.queues --out q.jsonl --explode memberGroups --fields id,memberGroups.naem",
            "export routing.queues --out postgres://me@host/db --explode memberGroups --explode-key id --upsert",
            "export postOutboundContactlistExport -p contactListId=a --explode a --out a.csv",
        ],
    ),
    (
        "Outputs",
        &[
            "export routing.queues --out ''",
            "export routing.queues --out /dev/null",
            "export routing.queues --out none/q.jsonl",
            "export routing.queues --out folder.jsonl",
            "export routing.queues --out ftp://me:SECRET@host/q.jsonl",
            "export routing.queues --out s3://bucket",
            "export routing.queues --out s3://me:SECRET@bucket/q.jsonl",
            "export routing.queues --out postgres:/me:SECRET@host/db",
            "export routing.queues --out 'host=a password=SECRET'",
            "export routing.queues --out postgres://me:SECRET@host:port/db",
            "export routing.queues --out 'postgres://me:SEC@RET@host/db'",
            "export routing.queues --out postgres://me@host/db --table a.b.c",
            "export routing.queues --out postgres://me@host/db --format csv",
            "export routing.queues --out postgres://me@host/db --nested text",
            "export routing.queues --out postgres://me@host/db --fields name --upsert",
            "export routing.queues --out q.csv --upsert",
            "export routing.queues --out q.csv --add-columns",
            "export routing.queues --add-columns",
            "runs",
            "runs --out -",
            "runs --out q.csv --table q",
            "runs --out postgres://me@host/db --table a.b.c",
            "runs --out q.csv --limit 0",
            "export postOutboundContactlistExport -p contactListId=a",
            "export postOutboundContactlistExport -p contactListId=a --fields id",
            "export routing.queues --report s3://bucket/r.json",
        ],
    ),
    (
        "State and resuming",
        &[
            "export routing.queues --resume",
            "export routing.queues --out q --resume --restart",
            "export routing.queues --out q --resume --resume-or-restart",
            "export routing.queues --out q --restart --max-age 6h",
            "export routing.queues --state s.json",
            "export routing.queues --out - --state s.json",
            "export routing.queues --out q --state redis:me:SECRET@host",
            "export routing.queues --out q --state redis://me:SECRET@host/x",
            "export routing.queues --out q --state http://me:SECRET@host/x",
            "export routing.queues --out q --state none/s.json",
        ],
    ),
    (
        "Jobs",
        &["jobs forget abc", "jobs cancel ''", "jobs cancel abc", "jobs wait abc --deadline soon"],
    ),
    (
        "Fake org",
        &[
            "whoami --mock-list routing.queues=1",
            "--org mock whoami --mock-list routing.queues=many",
            "--org mock whoami --mock-list routing.queues",
            "--org mock whoami --mock-list routing.queues=1 --mock-list routing.queues=2",
            "mock --mock-list routing.queue=5",
            "whoami --mock-timeline 2026-05-01T00:00Z",
            "whoami --mock-latency-ms 5",
            "--org mock whoami --mock-timeline May",
            "--org mock whoami --mock-at 2026-05-02T00:00Z",
            "--org mock whoami --mock-timeline 2026-05-01T00:00Z --mock-at 2026-04-30T00:00Z",
            "--org mock whoami --mock-timeline 2026-05-01T00:00Z --mock-at 2026-05-02T00:00Z --mock-speed 60",
            "--org mock whoami --mock-timeline 2026-05-01T00:00Z --mock-speed=-1",
            "--org mock whoami --mock-fault Flood=0.1",
            "mock --timeline 2026-05-01T00:00Z --at 2026-04-30T00:00Z",
        ],
    ),
];

fn words(command: &str) -> Vec<String> {
    let command = command
        .replace("DETAILS", "analytics.conversations_details_query")
        .replace("MAY", "2024-05-01/2024-06-01");
    shlex::split(&command).unwrap()
}

/// Appends a command, its standard error and its exit code.
fn append(text: &mut String, org: Option<&MockOrg>, command: &str, outcome: &Outcome) {
    let mut err = outcome.err.clone();
    if let Some(org) = org {
        err = err.replace(org.url().trim_start_matches("http://"), "org.example");
    }
    let code = outcome.code.unwrap_or(-1);
    *text += &format!("$ genesys-cloud {command}\n{}\n[exit code {code}]\n\n", err.trim_end());
}

#[tokio::test]
async fn invalid_commands() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    for (name, body) in [
        ("bad.json", "{\"a\":"),
        ("list.json", "[1]"),
        ("interval.json", r#"{"interval":"2024-05-01/2024-05-02"}"#),
        ("odd.json", r#"{"intreval":"a/b"}"#),
        ("page.json", r#"{"paging":{"pageNumber":3,"pageSize":50}}"#),
        ("large.json", r#"{"pageSize":101}"#),
        ("object.json", "{}"),
    ] {
        std::fs::write(folder.path().join(name), body).unwrap();
    }
    std::fs::create_dir(folder.path().join("folder.jsonl")).unwrap();
    let mut text = String::new();
    for (subject, commands) in INVALID {
        text += &format!("# {subject}\n\n");
        for command in commands {
            let words = words(command);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let refused = run(Some(&org), folder.path(), &words).await;
            assert!(matches!(refused.code, Some(2 | 11)), "{command}: {}", refused.err);
            assert_eq!(refused.out, "", "{command}");
            for secret in ["SECRET", "SEC@", "RET@"] {
                assert!(!refused.err.contains(secret), "{command}: {}", refused.err);
            }
            append(&mut text, Some(&org), command, &refused);
        }
    }
    assert_eq!(org.request_count(), 0, "an invalid command makes no call");
    insta::assert_snapshot!("invalid_commands", text.trim_end());
}

#[tokio::test]
async fn invalid_settings() {
    let folder = tempdir().unwrap();
    let mut text = String::new();
    let secret = ("GENESYS_CLOUD_CLIENT_SECRET", "hidden");
    for variables in [
        &[][..],
        &[("GENESYS_CLOUD_REGION", "nowhere"), ("GENESYS_CLOUD_CLIENT_ID", "id"), secret],
        &[("GENESYS_CLOUD_REGION", "us-east-1"), ("GENESYS_CLOUD_CLIENT_ID", "id")],
        &[("GENESYS_CLOUD_API_URL", "ftp://a.b"), ("GENESYS_CLOUD_CLIENT_ID", "id"), secret],
    ] {
        let environment: Vec<_> =
            variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let refused = run_in(&environment, None, folder.path(), &["whoami"]).await;
        assert_eq!(refused.code, Some(6), "{variables:?}: {}", refused.err);
        assert!(!refused.err.contains("hidden"), "{}", refused.err);
        for (name, value) in variables {
            text += &format!("{name}={value}\n");
        }
        append(&mut text, None, "whoami", &refused);
    }
    insta::assert_snapshot!("invalid_settings", text.trim_end());
}

/// Exports that fail or end incomplete, each in a new folder.
#[tokio::test]
async fn failed_exports() {
    let org = MockOrg::builder().list(QUEUES, 150).start().await.unwrap();
    let mut text = String::new();
    let error = |status, code: &str, message: &str| CannedResponse::error(status, code, message);
    for (title, reply, code) in [
        ("Missing permission", error(403, "missing.permissions", "Forbidden"), 7),
        ("Not found", error(404, "not.found", "No such queue"), 7),
        ("Bad request", error(400, "bad.request", "Invalid sort order"), 7),
        ("Rate limit", CannedResponse::rate_limited(100_000), 8),
        ("Not a page", CannedResponse::json(200, &json!([])), 1),
    ] {
        for _ in 0..10 {
            org.respond_next(QUEUES, reply.clone()).unwrap();
        }
        let folder = tempdir().unwrap();
        let command = "export routing.queues --out q.jsonl --prefetch 0 --report none";
        let failed = at(&org, folder.path(), command).await;
        assert_eq!(failed.code, Some(code), "{title}: {}", failed.err);
        text += &format!("# {title}\n\n");
        append(&mut text, Some(&org), command, &failed);
        org.reset();
    }
    let list = "export routing.queues --out q.jsonl --page-size 10 --report none";
    let job =
        "export postAnalyticsConversationsDetailsJobs --body b.json --out c.jsonl --report none";
    for (title, command, code) in [
        ("The list changed", list, 4),
        ("The job failed", job, 10),
        ("The job is still running", &format!("{job} --deadline 1s")[..], 12),
        ("The earlier run does not match", "export routing.queues --out q.jsonl --resume", 2),
        ("The earlier run would be overwritten", "export routing.queues --out q.jsonl", 2),
    ] {
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        org.reset();
        match code {
            4 => org.scenario(QUEUES, Scenario::RecordAdded).unwrap(),
            10 => org.job_scenario(JOBS, JobScenario::FailsWithMessage).unwrap(),
            12 => {
                org.job_scenario(JOBS, JobScenario::Quick).unwrap();
                org.job_pace(JOBS, genesys_cloud_mock::JobPace::Polls(10_000)).unwrap();
            }
            _ => {
                org.scenario(QUEUES, Scenario::RecordAdded).unwrap();
                let earlier = at(&org, folder.path(), &format!("{list} --fields id")).await;
                assert_eq!(earlier.code, Some(4), "{}", earlier.err);
            }
        }
        let failed = at(&org, folder.path(), command).await;
        assert_eq!(failed.code, Some(code), "{title}: {}", failed.err);
        text += &format!("# {title}\n\n");
        append(&mut text, Some(&org), command, &failed);
    }
    insta::assert_snapshot!("failed_exports", stable(&text).trim_end());
}

/// Replaces durations and IDs, which differ in each run.
fn stable(text: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let is_duration = |word: &str| word.contains('.') && word.parse::<f64>().is_ok();
    let stable = |line: &str| {
        let words =
            line.split(' ').map(|word| match word.trim_matches(['(', ')', ':', ';', ',']) {
                plain if is_id(plain) => word.replace(plain, "[id]"),
                plain if is_duration(plain) => word.replace(plain, "[time]"),
                _ => word.to_owned(),
            });
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(stable).collect::<Vec<_>>().join("\n")
}

async fn at(org: &MockOrg, folder: &Path, command: &str) -> Outcome {
    let words = words(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(Some(org), folder, &words).await
}

#[tokio::test]
async fn help() {
    let folder = tempdir().unwrap();
    let mut text = String::new();
    for command in [
        "",
        "export",
        "sync",
        "sync init",
        "operations",
        "describe",
        "call",
        "jobs",
        "jobs list",
        "jobs wait",
        "jobs cancel",
        "jobs forget",
        "runs",
        "whoami",
        "mock",
        "completions",
        "schema",
    ] {
        let command = format!("{command} --help").trim_start().to_owned();
        let words: Vec<&str> = command.split(' ').collect();
        let output = program(None, folder.path()).args(&words).output().await.unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{command}");
        let help = String::from_utf8(output.stdout).unwrap();
        text += &format!("$ genesys-cloud {command}\n{}\n\n", help.trim_end());
    }
    insta::assert_snapshot!("help", text.trim_end());
}

#[tokio::test]
async fn short_help() {
    let folder = tempdir().unwrap();
    let help = run(None, folder.path(), &["export", "-h"]).await;
    insta::assert_snapshot!("short_help_of_export", help.done().trim_end());
}
