//! What a user gets wrong: each is told with its cause and an exit code, before anything is sent.

use genesys_cloud_mock::{CannedResponse, MockOrg};
use tempfile::tempdir;

use crate::run;

const DETAILS: &str = "analytics.conversations_details_query";
const MAY: &str = "2024-05-01/2024-06-01";

#[tokio::test]
async fn bad_input() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("bad.json"), "{\"a\":").unwrap();
    for (name, body) in [
        ("list.json", "[1]"),
        ("interval.json", r#"{"interval":"2024-05-01/2024-05-02"}"#),
        ("odd.json", r#"{"intreval":"a/b"}"#),
        ("page.json", r#"{"paging":{"pageNumber":3,"pageSize":50}}"#),
        ("large.json", r#"{"pageSize":101}"#),
    ] {
        std::fs::write(folder.path().join(name), body).unwrap();
    }
    std::fs::create_dir(folder.path().join("folder.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for (arguments, code, parts) in [
        (
            &["export", "routing.queus"][..],
            2,
            &["no operation `routing.queus`", "or `routing.queues`"][..],
        ),
        (
            &["export", "nothing.like.this.at.all"],
            2,
            &["operations --search \"nothing like this at all\""],
        ),
        (&["export", "queues"], 2, &["did you mean `routing.queues`"]),
        (
            &["export", "GET /api/v2/routing/queues/abc/members"],
            2,
            &["write it as `routing.queue_members --param queueId=abc`"],
        ),
        (
            &["export", "https://api.mypurecloud.de/api/v2/routing/queues?pageSize=5"],
            2,
            &["write it as `routing.queues`"],
        ),
        (&["describe", "routing.queus"], 2, &["did you mean"]),
        (&["call", "routing.queus"], 2, &["did you mean"]),
        (&["operations", "--search", "zzzz"], 2, &["no operation has the words"]),
        (
            &["export", "routing.queue"],
            2,
            &["routing.queue does not return a list", "genesys-cloud call routing.queue"],
        ),
        (
            &["export", "routing.queues", "-p", "nme=x"],
            2,
            &["no parameter `nme`; did you mean `name`?"],
        ),
        (
            &["export", "routing.queues", "-p", "pageSize=ten"],
            2,
            &["`pageSize` takes an integer, not `ten`"],
        ),
        (
            &["export", "routing.queues", "-p", "sortOrder=up"],
            2,
            &["no value `up`; expected one of asc, desc"],
        ),
        (&["export", "routing.queues", "-p", "name"], 2, &["write it as name=value"]),
        (
            &["export", "routing.queues", "-p", "pageNumber=2"],
            2,
            &["`pageNumber` is set by the export", "--page-size"],
        ),
        (
            &["export", "external_contacts.scan_contacts", "-p", "cursor=x"],
            2,
            &["`cursor` is set by the export"],
        ),
        // Also where the document is not asked, and where a list takes a date to begin with.
        (
            &["export", "routing.queues", "-p", "pageNumber=2", "--unchecked"],
            2,
            &["`pageNumber` is set by the export"],
        ),
        (
            &["export", "routing.queues", "-p", "before=x", "--unchecked"],
            2,
            &["`before` is set by the export"],
        ),
        (
            &["export", "getChatsRoomMessages", "-p", "roomJid=a", "-p", "before=b"],
            2,
            &["`before` is set by the export"],
        ),
        (
            &["export", "getChatsRoomMessages", "-p", "roomJid=a", "-p", "after=1"],
            2,
            &["`after` is set by the export"],
        ),
        // A search has the number of its page in it: `{"pageNumber":3}`.
        (
            &[
                "export",
                "getUsersSearch",
                "-p",
                "q64=H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMq4FALZItUIQAAAA",
            ],
            2,
            &["`q64` asks for a later page"],
        ),
        (&["export", DETAILS, "--body", "page.json"], 2, &["`paging.pageNumber` is set by"]),
        (&["export", DETAILS, "--body", "list.json"], 2, &["the body is an object, not a list"]),
        (
            &["export", DETAILS, "--body", "odd.json"],
            2,
            &["no field `intreval`; did you mean `interval`?", "--unchecked skips this validation"],
        ),
        (&["call", "routing.queue", "-p", "queueId="], 2, &["`queueId` must not be empty"]),
        (&["call", "routing.queues", "--body", "odd.json"], 2, &["takes no body"]),
        (
            &["export", "routing.queue_members"],
            2,
            &["the path requires `queueId`: --param queueId=.."],
        ),
        (
            &["export", "analytics.conversations_details_jobs"],
            2,
            &["requires a body: --body file.json"],
        ),
        (
            &["export", "analytics.conversations_details_jobs", "--body", "none.json"],
            2,
            &["can't read none.json"],
        ),
        (
            &["export", "analytics.conversations_details_jobs", "--body", "bad.json"],
            2,
            &["bad.json is not JSON", "line 1"],
        ),
        (&["export", "routing.queues", "--body", "-"], 2, &["standard input is not JSON"]),
        (
            &["export", "routing.queues", "--fields", "id,naem"],
            2,
            &["no field `naem`", "did you mean `name`?"],
        ),
        (
            &["export", "routing.queues", "--interval", "2024-05-01/2024-06-01"],
            2,
            &["takes no interval"],
        ),
        (&["export", "routing.queues", "--interval", "2024-05-01"], 2, &["write it as start/end"]),
        (
            &["export", DETAILS, "--interval", "2024-06-01/2024-05-01"],
            2,
            &["does not end after it begins"],
        ),
        (
            &["export", DETAILS, "--interval", "2024-05-01/2024-05-32"],
            2,
            &["\"2024-05-32\" is no date or date-time, such as"],
        ),
        (
            &["export", DETAILS, "--interval", MAY, "--window", "0d"],
            2,
            &["--window must be longer than 0s"],
        ),
        (
            &["export", DETAILS, "--interval", MAY, "--window", "1month"],
            2,
            &["write it as 30s, 15m"],
        ),
        (
            &["export", DETAILS, "--interval", MAY, "--window", "40d"],
            2,
            &["takes intervals of at most 31 days"],
        ),
        (
            &["export", DETAILS, "--interval", MAY, "--window", "1h", "--overlap", "1h"],
            2,
            &["--overlap 1h must be shorter than a window, 1h"],
        ),
        (
            &["export", "analytics.users_details_query", "--interval", MAY, "--overlap", "1h"],
            2,
            &["would be written twice", "--unique FIELD", "--keep-duplicates"],
        ),
        (
            &["export", DETAILS, "--interval", MAY, "--unique", "conversationid"],
            2,
            &["--unique: records have no field `conversationid`", "did you mean `conversationId`"],
        ),
        (&["export", "routing.queues", "--window", "1d"], 2, &["--interval"]),
        (
            &["export", "routing.queues", "--out", "q.xlsx"],
            2,
            &["not written as .xlsx", "q.jsonl says it"],
        ),
        (&["export", "routing.queues", "--out", "q.gz"], 2, &["q.jsonl.gz says it"]),
        (
            &["export", "routing.queues", "--fields", "id,"],
            2,
            &["--fields", "a name is empty; separate names with commas"],
        ),
        (
            &["export", "postOutboundContactlistExport", "-p", "contactListId=a"],
            2,
            &["result in files; name a file on this machine with --out"],
        ),
        (
            &[
                "export",
                "postOutboundContactlistExport",
                "-p",
                "contactListId=a",
                "-o",
                "none/c.csv",
            ],
            11,
            &["there is no folder none"],
        ),
        (
            &["export", "postOutboundContactlistExport", "-p", "contactListId=a", "--fields", "id"],
            2,
            &["--fields: the jobs of this operation result in files"],
        ),
        (
            &["export", "routing.queues", "--results-param", "expand=x"],
            2,
            &["is not a job whose results another operation lists"],
        ),
        // What contradicts itself, or is given twice.
        (
            &["export", "routing.queue_members", "-p", "queueId=a", "-p", "queueId=b"],
            2,
            &["`queueId` is given twice"],
        ),
        (
            &["call", "routing.queue", "-p", "queueId=a", "-p", "queueId=b"],
            2,
            &["`queueId` is given twice"],
        ),
        (
            &["export", "routing.queues", "--page-size", "9", "-p", "pageSize=7"],
            2,
            &["--page-size sets `pageSize`, which is given already"],
        ),
        (
            &["export", DETAILS, "--interval", MAY, "--body", "interval.json"],
            2,
            &["--interval sets `interval`, which is given already"],
        ),
        (
            &["export", "routing.queues", "--out", "q.csv", "--format", "jsonl"],
            2,
            &["--format jsonl: the name of --out q.csv says csv"],
        ),
        (
            &["export", "routing.queues", "--out", "q.csv", "--row-group", "10"],
            2,
            &["--row-group is for Parquet"],
        ),
        #[cfg(feature = "buckets")]
        (
            &["export", "routing.queues", "--out", "q.csv", "--part-size", "10"],
            2,
            &["--part-size is for an object in a bucket"],
        ),
        (&["export", "routing.queues", "-o", "q", "--resume", "--restart"], 2, &["--restart"]),
        (
            &["export", "routing.queues", "-o", "q", "--resume", "--resume-or-restart"],
            2,
            &["--resume-or-restart"],
        ),
        (
            &["export", "routing.queues", "-o", "q", "--restart", "--max-age", "6h"],
            2,
            &["--resume"],
        ),
        (&["export", "routing.queues", "--limit", "1", "--limit", "2"], 2, &["--limit"]),
        (&["export", "routing.queues", "--fields", "id,id"], 2, &["`id` is there twice"]),
        (&["whoami", "--mock-list", "routing.queues=1"], 2, &["--mock-list is for the fake org"]),
        (
            &[
                "--org",
                "mock",
                "whoami",
                "--mock-list",
                "routing.queues=1",
                "--mock-list",
                "routing.queues=2",
            ],
            2,
            &["--mock-list routing.queues is given twice"],
        ),
        // A call takes no --interval, and a file of a job is of one interval alone.
        (&["call", DETAILS], 2, &["--body file.json, or - for standard input\n"]),
        (&["export", "routing.queues", "--page-size", "0"], 2, &["--page-size"]),
        (
            &["export", "routing.queues", "--deadline", "5m"],
            2,
            &["--deadline: getRoutingQueues is not a job"],
        ),
        (
            &["export", "routing.queue_members", "-p", "queueId=a", "--page-size", "101"],
            2,
            &["--page-size must be at most 100 for this operation, not 101"],
        ),
        (
            &["export", "routing.queue_members", "-p", "queueId=a", "-p", "pageSize=101"],
            2,
            &["pageSize must be at most 100 for this operation, not 101"],
        ),
        (
            &["export", "external_contacts.scan_contacts", "--page-size", "9"],
            2,
            &["--page-size must be at least 10 for this operation, not 9"],
        ),
        (
            &["export", "quality.evaluations_search", "--body", "large.json"],
            2,
            &["pageSize must be at most 100 for this operation, not 101"],
        ),
        (
            &[
                "export",
                "audit.audits_query",
                "--interval",
                "2026-01-01/2026-01-02",
                "--page-size",
                "501",
            ],
            2,
            &["--page-size must be at most 500 for this operation, not 501"],
        ),
        (&["export", "routing.queues", "--limit", "0"], 2, &["--limit"]),
        (&["export", "routing.queues", "--format", "xlsx"], 2, &["it is one of jsonl"]),
        (&["export", "routing.queues", "--batch", "0"], 2, &["--batch"]),
        (&["export", "routing.queues", "--resume"], 2, &["--out"]),
        (&["export", "routing.queues", "--out", "ftp://host/q.jsonl"], 2, &["the scheme `ftp`"]),
        #[cfg(feature = "buckets")]
        (&["export", "routing.queues", "--out", "s3://bucket"], 2, &["no object in it"]),
        #[cfg(feature = "parquet")]
        (&["export", "routing.queues", "-f", "parquet.gz"], 2, &["compressed within"]),
        (&["export", "routing.queues", "--state", "q.json"], 2, &["--out"]),
        (&["export", "routing.queues", "--state", "q.json", "-o", "-"], 2, &["can't be resumed"]),
        (&["export", "routing.queues", "--out", "/dev/null"], 11, &["not a regular file"]),
        (&["export", "routing.queues", "--out", ""], 2, &["--out: it is empty"]),
        (
            &["export", "routing.queues", "--out", "postgres:/me:SECRET@host/db"],
            2,
            &["write it as postgres://"],
        ),
        (
            &["export", "routing.queues", "--out", "q.jsonl", "--state", "redis:me:SECRET@host"],
            2,
            &["--state: write it as redis://"],
        ),
        (
            &["export", "routing.queues", "--out", "q.jsonl", "--state", "none/s.json"],
            11,
            &["--state: there is no folder none"],
        ),
        (
            &["export", "users.users", "--fields", "id,skills.name"],
            2,
            &["`skills` is a list", "take it whole, as `skills`"],
        ),
        (
            &["export", "analytics.conversations_details_jobs"],
            2,
            &["requires a body", "or --interval start/end"],
        ),
        (&["export", "routing.queues", "--out", "none/q.jsonl"], 11, &["there is no folder none"]),
        (&["export", "routing.queues", "--out", "folder.jsonl"], 11, &["it is a folder"]),
        (
            &["export", DETAILS, "--body", r#"{"interval":"SECRET"}"#],
            2,
            &["--body: name a file, or - for standard input", "--body - <<< '{}'"],
        ),
        (&["export", "routing.queues", "--concurrency", "2"], 2, &["--interval"]),
        (
            &["export", DETAILS, "--interval", MAY, "--concurrency", "0"],
            2,
            &["'--concurrency <WINDOWS>'"],
        ),
        (&["jobs", "forget", "abc"], 2, &["no saved job has an ID that begins with `abc`"]),
        (&["jobs", "cancel", ""], 2, &["<ID>"]),
        (&["jobs", "cancel", "abc"], 2, &["no saved job has an ID that begins with `abc`"]),
        (
            &["--org", "mock", "whoami", "--mock-list", "routing.queues=many"],
            2,
            &["not a whole number"],
        ),
    ] {
        let refused = run(Some(&org), folder.path(), arguments).await;
        let tells = parts.iter().all(|part| refused.told.contains(part));
        let tells = tells && !refused.told.contains("SECRET");
        if refused.code != Some(code) || !tells || !refused.out.is_empty() {
            wrong.push(format!("{arguments:?}: {:?} {}", refused.code, refused.told));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(org.request_count(), 0);
    let taken = org.url().rsplit(':').next().unwrap().to_owned();
    let refused = run(None, folder.path(), &["mock", "--port", &taken]).await;
    assert_eq!(refused.code, Some(2));
    assert!(refused.told.contains(&format!("--port {taken}: ")), "{}", refused.told);
    assert!(refused.told.contains("in use"), "{}", refused.told);
    let listed = ["mock", "--port", &taken, "--mock-list", "routing.queue=5"];
    let refused = run(None, folder.path(), &listed).await;
    assert_eq!(refused.code, Some(2));
    assert!(!refused.told.contains("--port"), "{}", refused.told);
    assert!(
        refused.told.contains("getRoutingQueue does not answer with a list"),
        "{}",
        refused.told
    );
}

/// Also what the command line itself gets wrong.
#[tokio::test]
async fn a_program_is_told_in_its_own_form() {
    let folder = tempdir().unwrap();
    for arguments in [
        &["--log", "json", "exprot"][..],
        &["export", "--log=json"],
        &["export", "routing.queues", "--limit", "x", "--log", "json"],
        &["export", "routing.queus", "--log", "json"],
    ] {
        let refused = run(None, folder.path(), arguments).await;
        assert_eq!(refused.code, Some(2));
        let event: serde_json::Value = serde_json::from_str(&refused.told).unwrap();
        assert_eq!((&event["event"], &event["exit"]), (&"error".into(), &"usage".into()));
        assert!(!event["text"].as_str().unwrap().is_empty(), "{event}");
        assert!(!event["advice"][0].as_str().unwrap().is_empty(), "{event}");
    }
}

#[tokio::test]
async fn without_credentials_the_variables_are_named() {
    let folder = tempdir().unwrap();
    let refused = run(None, folder.path(), &["export", "routing.queues"]).await;
    assert_eq!(refused.code, Some(6), "{}", refused.told);
    for part in ["GENESYS_CLOUD_REGION", "GENESYS_CLOUD_CLIENT_ID", "--org mock"] {
        assert!(refused.told.contains(part), "{}", refused.told);
    }
}

#[tokio::test]
async fn settings_that_are_wrong_are_named_and_no_secret_is() {
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
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        assert!(!told.contains("hidden"), "{told}");
    }
}

#[tokio::test]
async fn what_the_api_refuses_has_a_code_of_its_own() {
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
        assert_eq!(refused.code, Some(code), "{}", refused.told);
        assert!(refused.told.contains(part), "{}", refused.told);
    }
    org.revoke_tokens();
    let command = crate::program(Some(&org), folder.path())
        .env("GENESYS_CLOUD_CLIENT_SECRET", "wrong")
        .args(["whoami"])
        .output()
        .await
        .unwrap();
    assert_eq!(command.status.code(), Some(6));
    let told = String::from_utf8(command.stderr).unwrap();
    assert!(!told.contains("wrong\""), "no secret is told: {told}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_can_not_grow_is_an_error_and_the_earlier_output_stays() {
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
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(11), "{told}");
    assert!(told.contains("can't write .genesys-cloud/q.jsonl.part: File too large"), "{told}");
    assert_eq!(crate::read(folder.path().join("q.jsonl")), "of yesterday");
}
