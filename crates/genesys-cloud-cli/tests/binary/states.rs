//! States that do not match their output or the command, or are too old.

use std::path::Path;

use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::resume::killed;
use crate::{Outcome, keys, program, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const EXPORT: [&str; 6] = ["export", "routing.queues", "--out", "q.jsonl", "--batch", "10"];

/// Kills an export of a list to `q.jsonl` after 30 records. Returns its state file and the arguments to resume it.
async fn stopped(org: &MockOrg, folder: &Path) -> (std::path::PathBuf, Vec<&'static str>) {
    assert!(killed(org, folder, &EXPORT, "saved", 3).await);
    (folder.join(".genesys-cloud/q.jsonl.state.json"), [&EXPORT[..], &["--resume"]].concat())
}

async fn org() -> MockOrg {
    MockOrg::builder().list(QUEUES, 300).start().await.unwrap()
}

#[tokio::test]
async fn rejects_an_edited_state_without_changing_anything() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (state, resume) = stopped(&org, folder.path()).await;
    let saved = read(&state);
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    let value: Value = serde_json::from_str(&saved).unwrap();
    let length = value["state"]["delivered"]["records"]["sink"].clone();
    let requests = org.request_count();
    for edited in [
        saved.replace(&length.to_string(), "null"),
        saved.replace(&format!("\"length\":{}", length["length"]), "\"length\":-1"),
        saved.replace(&format!("\"length\":{}", length["length"]), "\"length\":0"),
        saved[..saved.len() / 2].to_owned(),
        String::new(),
        "null".to_owned(),
        format!("{saved}{saved}"),
    ] {
        assert_ne!(edited, saved);
        std::fs::write(&state, &edited).unwrap();
        let refused = run(Some(&org), folder.path(), &resume).await;
        assert_eq!(refused.code, Some(2), "{edited}: {}", refused.err);
        assert!(
            refused.err.contains(".genesys-cloud/q.jsonl.state.json: the state "),
            "{}",
            refused.err
        );
        assert!(refused.err.contains("--restart discards"), "{}", refused.err);
        assert_eq!(read(&state), edited);
        assert_eq!(read(folder.path().join(".genesys-cloud/q.jsonl.part")), part);
    }
    assert_eq!(org.request_count(), requests, "nothing was asked for");
    std::fs::write(&state, &saved).unwrap();
    run(Some(&org), folder.path(), &resume).await.done();
    let truth = org.expected(QUEUES).unwrap().records;
    assert_eq!(keys(&read(folder.path().join("q.jsonl"))), truth);
}

#[tokio::test]
async fn does_not_read_a_state_that_is_too_large() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let state = folder.path().join(".genesys-cloud/q.jsonl.state.json");
    std::fs::create_dir(state.parent().unwrap()).unwrap();
    std::fs::File::create(&state).unwrap().set_len((512 << 20) + 1).unwrap();
    let refused = run(Some(&org), folder.path(), &EXPORT).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(
        refused.err.contains("is not a saved state: it has 536870913 bytes"),
        "{}",
        refused.err
    );
}

#[tokio::test]
async fn detects_a_staged_file_of_another_run() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (state, resume) = stopped(&org, folder.path()).await;
    let saved = read(&state);
    // Another export to the same file, with its state at another location.
    let other = ["export", "users.users", "--out", "q.jsonl", "--batch", "10", "--state", "other"];
    assert!(killed(&org, folder.path(), &other, "saved", 5).await);
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    let requests = org.requests_for(QUEUES).len();
    let refused = run(Some(&org), folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    for why in
        [".genesys-cloud/q.jsonl.part is not the file that the state describes", "with --restart"]
    {
        assert!(refused.err.contains(why), "{}", refused.err);
    }
    assert_eq!(org.requests_for(QUEUES).len(), requests);
    assert_eq!(read(&state), saved);
    assert_eq!(read(folder.path().join(".genesys-cloud/q.jsonl.part")), part);
    // The export that owns the file can still be resumed.
    run(Some(&org), folder.path(), &[&other[..], &["--resume"]].concat()).await.done();
    assert_eq!(
        keys(&read(folder.path().join("q.jsonl"))),
        org.expected("getUsers").unwrap().records
    );
}

#[tokio::test]
async fn does_not_resume_an_export_older_than_max_age() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (_, resume) = stopped(&org, folder.path()).await;
    let requests = org.request_count();
    let refused =
        run(Some(&org), folder.path(), &[&resume[..], &["--max-age", "0s"]].concat()).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    for part in ["the interrupted export started ", " s ago, at 20", "--max-age is 0s", "--restart"]
    {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert_eq!(org.request_count(), requests);
    let done = run(Some(&org), folder.path(), &[&resume[..], &["--max-age", "6h"]].concat()).await;
    done.done();
    let summary = report(&folder.path().join("q.jsonl"));
    let [began, resumed] =
        [&summary["began"], &summary["resumed"][0]].map(|it| it.as_str().unwrap());
    assert!(began < resumed && resumed < summary["ended"].as_str().unwrap(), "{summary}");
    assert_eq!(summary["resumed"].as_array().unwrap().len(), 1);
    let line = format!("read in two runs, started at {began} and {resumed}");
    assert!(done.err.contains(&line), "{}", done.err);
    // A report of one run has no such line, and --max-age needs a resume option.
    let once = run(Some(&org), folder.path(), &EXPORT).await;
    once.done();
    assert!(!once.err.contains("two runs"), "{}", once.err);
    let alone = run(Some(&org), folder.path(), &[&EXPORT[..], &["--max-age", "6h"]].concat()).await;
    assert_eq!(alone.code, Some(2), "{}", alone.err);
}

#[tokio::test]
async fn the_limit_counts_all_runs() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (_, resume) = stopped(&org, folder.path()).await;
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    let saved = 30;
    let requests = org.request_count();
    let limited = |limit: &'static str| [&resume[..], &["--limit", limit]].concat();
    let refused = run(Some(&org), folder.path(), &limited("29")).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    for part in ["30 records are already written, more than --limit 29", "raise or omit --limit"] {
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    assert_eq!(org.request_count(), requests);
    assert_eq!(read(folder.path().join(".genesys-cloud/q.jsonl.part")), part);
    let truth = org.expected(QUEUES).unwrap().records;
    for limit in ["30", "137"] {
        run(Some(&org), folder.path(), &limited(limit)).await.done();
        let written = keys(&read(folder.path().join("q.jsonl")));
        let limit: usize = limit.parse().unwrap();
        assert_eq!(written, truth[..limit], "{limit} after {saved}");
        assert_eq!(report(&folder.path().join("q.jsonl"))["records"], limit);
        assert!(killed(&org, folder.path(), &EXPORT, "saved", 3).await);
    }
}

#[tokio::test]
async fn the_limit_of_a_range_counts_all_runs() {
    let query = "postAnalyticsConversationsDetailsQuery";
    let org = MockOrg::builder().list(query, 200).start().await.unwrap();
    let timeline = genesys_cloud_mock::Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z");
    org.timeline(query, timeline).unwrap();
    let folder = tempdir().unwrap();
    let range = ["--interval", "2024-05-01/2024-06-01", "--window", "5d", "--batch", "10"];
    let export = [&["export", query, "--out", "c.jsonl"][..], &range].concat();
    assert!(killed(&org, folder.path(), &export, "saved", 7).await);
    let limited = |limit: &'static str| [&export[..], &["--resume", "--limit", limit]].concat();
    let refused = run(Some(&org), folder.path(), &limited("69")).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("70 records are already written"), "{}", refused.err);
    let state = read(folder.path().join(".genesys-cloud/c.jsonl.state.json"));
    let part = read(folder.path().join(".genesys-cloud/c.jsonl.part"));
    run(Some(&org), folder.path(), &limited("70")).await.done();
    assert_eq!(read(folder.path().join("c.jsonl")).lines().count(), 70);
    std::fs::write(folder.path().join(".genesys-cloud/c.jsonl.state.json"), state).unwrap();
    std::fs::write(folder.path().join(".genesys-cloud/c.jsonl.part"), part).unwrap();
    run(Some(&org), folder.path(), &limited("101")).await.done();
    let truth = org.expected_within(query, "2024-05-01T00:00Z/2024-06-01T00:00Z").unwrap();
    assert_eq!(keys(&read(folder.path().join("c.jsonl"))), truth[..101]);
}

/// Runs the program with other credentials.
async fn run_as(
    who: &[(&str, &str)],
    without: &[&str],
    org: &MockOrg,
    folder: &Path,
    arguments: &[&str],
) -> Outcome {
    let mut command = program(Some(org), &folder.join("state"));
    command.envs(who.iter().copied());
    for name in without {
        command.env_remove(name);
    }
    let output = command.args(arguments).current_dir(folder).output().await.unwrap();
    Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn does_not_resume_an_export_of_another_org() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (state, resume) = stopped(&org, folder.path()).await;
    let saved = read(&state);
    let another = [("GENESYS_CLOUD_CLIENT_ID", "another")];
    // A gateway for another org on the same host.
    let elsewhere = format!("{}/other", org.url());
    let elsewhere = [("GENESYS_CLOUD_API_URL", elsewhere.as_str())];
    let requests = org.request_count();
    for (who, why) in
        [(&another, "but the client has OAuth client another"), (&elsewhere, "/other")]
    {
        let refused = run_as(who, &[], &org, folder.path(), &resume).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        for part in ["may be of another org: ", why, "--restart discards"] {
            assert!(refused.err.contains(part), "{part}: {}", refused.err);
        }
        assert_eq!(read(&state), saved);
    }
    assert_eq!(org.request_count(), requests);
    run(Some(&org), folder.path(), &resume).await.done();
}

#[tokio::test]
async fn identifies_the_org_of_an_access_token() {
    let builder = || MockOrg::builder().list(QUEUES, 300);
    let org = builder().organization("one").start().await.unwrap();
    let port = org.url().rsplit(':').next().unwrap().parse().unwrap();
    let folder = tempdir().unwrap();
    let without = ["GENESYS_CLOUD_CLIENT_ID", "GENESYS_CLOUD_CLIENT_SECRET"];
    let token = org.access_token();
    let refuses = CannedResponse::error(403, "missing.permissions", "No");
    // An error ends the export after two records.
    org.respond_next(QUEUES, page(2, 300)).unwrap();
    org.respond_next(QUEUES, refuses).unwrap();
    let export = [&EXPORT[..], &["--prefetch", "0"]].concat();
    let resume = [&export[..], &["--resume"]].concat();
    let who = [("GENESYS_CLOUD_ACCESS_TOKEN", token.as_str())];
    let stopped = run_as(&who, &without, &org, folder.path(), &export).await;
    assert_eq!(stopped.code, Some(7), "{}", stopped.err);
    assert_eq!(org.requests_for("getTokensMe").len(), 1);
    let state = read(folder.path().join(".genesys-cloud/q.jsonl.state.json"));
    assert!(state.contains("\"organizationId\":\"one\""), "{state}");
    org.shutdown().await;

    let other = builder().organization("two").port(port).start().await.unwrap();
    let token = other.access_token();
    let who = [("GENESYS_CLOUD_ACCESS_TOKEN", token.as_str())];
    let refused = run_as(&who, &without, &other, folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(
        refused.err.contains("organization one, but the client has organization two"),
        "{}",
        refused.err
    );
    assert_eq!(other.requests_for(QUEUES).len(), 0);
}

/// The first page of a list, with `records` of `total` records.
fn page(records: usize, total: usize) -> CannedResponse {
    let entities: Vec<Value> = (0..records).map(|n| json!({ "id": format!("q{n}") })).collect();
    let pages = total.div_ceil(records.max(1));
    let page = json!({
        "entities": entities, "pageSize": records, "pageNumber": 1, "pageCount": pages, "total": total,
    });
    CannedResponse::json(200, &page)
}

#[tokio::test]
async fn reads_a_page_in_doubt_again() {
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    for out in [
        "q.jsonl",
        "q.csv",
        #[cfg(feature = "parquet")]
        "q.parquet",
    ] {
        let folder = tempdir().unwrap();
        let path = folder.path().join(out);
        let export = ["export", QUEUES, "--out", out, "--fields", "id", "--prefetch", "0"];
        run(Some(&org), folder.path(), &export).await.done();
        let once = std::fs::read(&path).unwrap();
        // The page lacks its last two records.
        let truth = org.expected(QUEUES).unwrap().records;
        let short: Vec<Value> = truth[..28].iter().map(|id| json!({ "id": id })).collect();
        let short = json!({
            "entities": short, "pageSize": 500, "pageNumber": 1, "pageCount": 1, "total": 30,
        });
        org.reset();
        // Also when the next run reads it again.
        for _ in 0..3 {
            org.respond_next(QUEUES, CannedResponse::json(200, &short)).unwrap();
        }
        let unknown = run(Some(&org), folder.path(), &export).await;
        assert_eq!(unknown.code, Some(5), "{}", unknown.err);
        let advice = "to read the page in doubt again:\n  genesys-cloud export";
        for part in [advice, "--resume --accept unknown"] {
            assert!(unknown.err.contains(part), "{part}: {}", unknown.err);
        }
        assert!(std::fs::read(&path).unwrap() == once, "{out}: the earlier output stays");
        let resume = [&export[..], &["--resume"]].concat();
        let still = run(Some(&org), folder.path(), &resume).await;
        assert_eq!(still.code, Some(5), "{}", still.err);
        org.reset();
        let done = run(Some(&org), folder.path(), &resume).await;
        done.done();
        assert!(done.err.contains("complete: 30 records"), "{}", done.err);
        assert_eq!(org.requests_for(QUEUES).len(), 1);
        assert_eq!(report(&path)["records"], 30);
        if out != "q.parquet" {
            assert!(std::fs::read(&path).unwrap() == once, "{out}: each record once");
        }
    }
}

#[tokio::test]
async fn skips_and_counts_nulls() {
    let org = MockOrg::start().await.unwrap();
    let list = json!({
        "entities": [null, { "id": "q1" }, null],
        "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": 3,
    });
    for (out, expected) in
        [("q.jsonl", "{\"id\":\"q1\"}\n"), ("q.csv", "id\r\nq1\r\n"), ("q.parquet", "")]
    {
        if out == "q.parquet" && !cfg!(feature = "parquet") {
            continue;
        }
        let folder = tempdir().unwrap();
        org.respond_next(QUEUES, CannedResponse::json(200, &list)).unwrap();
        let export = ["export", QUEUES, "--out", out, "--fields", "id"];
        let done = run(Some(&org), folder.path(), &export).await;
        done.done();
        assert!(done.err.contains("complete: 1 record in 1 page, 1 call, 2 nulls"), "{}", done.err);
        let summary = report(&folder.path().join(out));
        assert_eq!((&summary["records"], &summary["nulls"]), (&1.into(), &2.into()));
        match out {
            #[cfg(feature = "parquet")]
            "q.parquet" => {
                let rows = crate::tables::rows(std::fs::read(folder.path().join(out)).unwrap());
                assert_eq!(crate::tables::ids(&rows), ["q1"]);
            }
            _ => assert_eq!(read(folder.path().join(out)), expected),
        }
    }
}

#[tokio::test]
async fn the_embedded_fake_org_is_the_same_in_each_run() {
    let folder = tempdir().unwrap();
    let export = ["--org", "mock", "export", QUEUES, "--out", "q.jsonl", "--batch", "10"];
    let export = [&export[..], &["--mock-list", "routing.queues=300"]].concat();
    let org = MockOrg::start().await.unwrap();
    assert!(killed(&org, folder.path(), &export, "saved", 3).await);
    let resume = [&export[..], &["--resume"]].concat();
    let other = run(None, folder.path(), &[&resume[..], &["--mock-seed", "7"]].concat()).await;
    assert_eq!(other.code, Some(2), "{}", other.err);
    assert!(other.err.contains("of another org"), "{}", other.err);
    run(None, folder.path(), &resume).await.done();
    assert_eq!(read(folder.path().join("q.jsonl")).lines().count(), 300);
    assert_eq!(org.request_count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_staged_files_and_links_are_not_followed() {
    use std::os::unix::fs::PermissionsExt as _;
    let org = org().await;
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mode = |name: &str| std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    std::fs::write(path("victim"), "precious").unwrap();
    let usual = mode("victim");
    std::fs::create_dir(path(".genesys-cloud")).unwrap();
    for link in [
        ".genesys-cloud/q.jsonl.state.json.new",
        ".genesys-cloud/q.jsonl.report.json.new",
        "q.jsonl.new",
    ] {
        std::os::unix::fs::symlink("victim", path(link)).unwrap();
    }
    let (_, resume) = stopped(&org, folder.path()).await;
    assert_eq!(
        [mode(".genesys-cloud/q.jsonl.part"), mode(".genesys-cloud/q.jsonl.state.json")],
        [0o600; 2]
    );
    run(Some(&org), folder.path(), &resume).await.done();
    assert_eq!((mode("q.jsonl"), mode(".genesys-cloud/q.jsonl.report.json")), (usual, 0o600));
    // The new file has the mode of the replaced one.
    std::fs::set_permissions(path("q.jsonl"), std::fs::Permissions::from_mode(0o640)).unwrap();
    run(Some(&org), folder.path(), &EXPORT).await.done();
    assert_eq!(mode("q.jsonl"), 0o640);
    std::os::unix::fs::symlink("victim", path(".genesys-cloud/q.jsonl.part")).unwrap();
    for export in [
        &EXPORT[..],
        &["export", "postOutboundContactlistExport", "-p", "contactListId=a", "-o", "q.jsonl"],
    ] {
        let refused = run(Some(&org), folder.path(), export).await;
        assert_eq!(refused.code, Some(11), "{}", refused.err);
        assert!(
            refused.err.contains(".genesys-cloud/q.jsonl.part: it is a symbolic link"),
            "{}",
            refused.err
        );
    }
    assert_eq!(read(path("victim")), "precious");
}
