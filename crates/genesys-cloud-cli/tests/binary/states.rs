//! States that do not belong to their output, to the command, or to the time.

use std::path::Path;

use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::resume::killed;
use crate::{Outcome, keys, program, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const EXPORT: [&str; 6] = ["export", "routing.queues", "--out", "q.jsonl", "--batch", "10"];

/// An export of a list to `q.jsonl` that was killed after 30 records, and another run of it.
async fn stopped(org: &MockOrg, folder: &Path) -> (std::path::PathBuf, Vec<&'static str>) {
    assert!(killed(org, folder, &EXPORT, "saved", 3).await);
    (folder.join(".genesys-cloud/q.jsonl.state.json"), [&EXPORT[..], &["--resume"]].concat())
}

async fn org() -> MockOrg {
    MockOrg::builder().list(QUEUES, 300).start().await.unwrap()
}

#[tokio::test]
async fn a_state_that_was_edited_is_refused_and_nothing_is_changed() {
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
        assert_eq!(refused.code, Some(2), "{edited}: {}", refused.told);
        assert!(
            refused.told.contains(".genesys-cloud/q.jsonl.state.json: the state "),
            "{}",
            refused.told
        );
        assert!(refused.told.contains("--restart discards"), "{}", refused.told);
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
async fn a_state_too_large_to_be_one_is_not_read() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let state = folder.path().join(".genesys-cloud/q.jsonl.state.json");
    std::fs::create_dir(state.parent().unwrap()).unwrap();
    std::fs::File::create(&state).unwrap().set_len((512 << 20) + 1).unwrap();
    let refused = run(Some(&org), folder.path(), &EXPORT).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    assert!(
        refused.told.contains("is not a saved state: it has 536870913 bytes"),
        "{}",
        refused.told
    );
}

#[tokio::test]
async fn the_part_of_another_run_is_not_taken_for_that_of_the_state() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (state, resume) = stopped(&org, folder.path()).await;
    let saved = read(&state);
    // Somebody else exports something else to the same file, and keeps the state elsewhere.
    let other = ["export", "users.users", "--out", "q.jsonl", "--batch", "10", "--state", "other"];
    assert!(killed(&org, folder.path(), &other, "saved", 5).await);
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    let requests = org.requests_for(QUEUES).len();
    let refused = run(Some(&org), folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    for told in
        [".genesys-cloud/q.jsonl.part is not the file that the state describes", "with --restart"]
    {
        assert!(refused.told.contains(told), "{}", refused.told);
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
async fn an_old_half_is_not_completed_with_a_new_one_where_that_is_not_wanted() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (_, resume) = stopped(&org, folder.path()).await;
    let requests = org.request_count();
    let refused =
        run(Some(&org), folder.path(), &[&resume[..], &["--max-age", "0s"]].concat()).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    for part in ["the interrupted export began 0 s ago, at 20", "--max-age allows 0s", "--restart"]
    {
        assert!(refused.told.contains(part), "{part}: {}", refused.told);
    }
    assert_eq!(org.request_count(), requests);
    let done = run(Some(&org), folder.path(), &[&resume[..], &["--max-age", "6h"]].concat()).await;
    done.done();
    let told = report(&folder.path().join("q.jsonl"));
    let [began, resumed] = [&told["began"], &told["resumed"][0]].map(|it| it.as_str().unwrap());
    assert!(began < resumed && resumed < told["ended"].as_str().unwrap(), "{told}");
    assert_eq!(told["resumed"].as_array().unwrap().len(), 1);
    let line = format!("read in two runs, which began at {began} and {resumed}");
    assert!(done.told.contains(&line), "{}", done.told);
    // What is read at once says nothing of that kind, and it takes an export to resume.
    let once = run(Some(&org), folder.path(), &EXPORT).await;
    once.done();
    assert!(!once.told.contains("two runs"), "{}", once.told);
    let alone = run(Some(&org), folder.path(), &[&EXPORT[..], &["--max-age", "6h"]].concat()).await;
    assert_eq!(alone.code, Some(2), "{}", alone.told);
}

#[tokio::test]
async fn a_limit_is_that_of_all_runs() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (_, resume) = stopped(&org, folder.path()).await;
    let part = read(folder.path().join(".genesys-cloud/q.jsonl.part"));
    let saved = 30;
    let requests = org.request_count();
    let limited = |limit: &'static str| [&resume[..], &["--limit", limit]].concat();
    let refused = run(Some(&org), folder.path(), &limited("29")).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    for told in ["30 records are written already, more than --limit 29", "leave --limit out"] {
        assert!(refused.told.contains(told), "{}", refused.told);
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
async fn a_limit_of_a_range_is_that_of_all_runs() {
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
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    assert!(refused.told.contains("70 records are written already"), "{}", refused.told);
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

/// Runs it as somebody with other credentials.
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
        told: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn an_export_of_another_org_is_not_resumed() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let (state, resume) = stopped(&org, folder.path()).await;
    let saved = read(&state);
    let another = [("GENESYS_CLOUD_CLIENT_ID", "another")];
    // A gateway in front of another org, on the same host.
    let elsewhere = format!("{}/other", org.url());
    let elsewhere = [("GENESYS_CLOUD_API_URL", elsewhere.as_str())];
    let requests = org.request_count();
    for (who, why) in
        [(&another, "but the client has OAuth client another"), (&elsewhere, "/other")]
    {
        let refused = run_as(who, &[], &org, folder.path(), &resume).await;
        assert_eq!(refused.code, Some(2), "{}", refused.told);
        for part in ["of another org, or may be: it was made", why, "--restart discards"] {
            assert!(refused.told.contains(part), "{part}: {}", refused.told);
        }
        assert_eq!(read(&state), saved);
    }
    assert_eq!(org.request_count(), requests);
    run(Some(&org), folder.path(), &resume).await.done();
}

#[tokio::test]
async fn the_org_of_an_access_token_is_asked_for() {
    let builder = || MockOrg::builder().list(QUEUES, 300);
    let org = builder().organization("one").start().await.unwrap();
    let port = org.url().rsplit(':').next().unwrap().parse().unwrap();
    let folder = tempdir().unwrap();
    let without = ["GENESYS_CLOUD_CLIENT_ID", "GENESYS_CLOUD_CLIENT_SECRET"];
    let token = org.access_token();
    let refuses = CannedResponse::error(403, "missing.permissions", "No");
    // After two records, it is stopped by an error.
    org.respond_next(QUEUES, page(2, 300)).unwrap();
    org.respond_next(QUEUES, refuses).unwrap();
    let export = [&EXPORT[..], &["--prefetch", "0"]].concat();
    let resume = [&export[..], &["--resume"]].concat();
    let who = [("GENESYS_CLOUD_ACCESS_TOKEN", token.as_str())];
    let stopped = run_as(&who, &without, &org, folder.path(), &export).await;
    assert_eq!(stopped.code, Some(7), "{}", stopped.told);
    assert_eq!(org.requests_for("getTokensMe").len(), 1);
    let state = read(folder.path().join(".genesys-cloud/q.jsonl.state.json"));
    assert!(state.contains("\"organizationId\":\"one\""), "{state}");
    org.shutdown().await;

    let other = builder().organization("two").port(port).start().await.unwrap();
    let token = other.access_token();
    let who = [("GENESYS_CLOUD_ACCESS_TOKEN", token.as_str())];
    let refused = run_as(&who, &without, &other, folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    assert!(
        refused.told.contains("organization one, but the client has organization two"),
        "{}",
        refused.told
    );
    assert_eq!(other.requests_for(QUEUES).len(), 0);
}

/// The first page of a list, with `records` of its `total`.
fn page(records: usize, total: usize) -> CannedResponse {
    let entities: Vec<Value> = (0..records).map(|n| json!({ "id": format!("q{n}") })).collect();
    let pages = total.div_ceil(records.max(1));
    let page = json!({
        "entities": entities, "pageSize": records, "pageNumber": 1, "pageCount": pages, "total": total,
    });
    CannedResponse::json(200, &page)
}

#[tokio::test]
async fn a_page_in_doubt_is_read_again() {
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
        // All that the page lacks are the last two of its records.
        let truth = org.expected(QUEUES).unwrap().records;
        let short: Vec<Value> = truth[..28].iter().map(|id| json!({ "id": id })).collect();
        let short = json!({
            "entities": short, "pageSize": 500, "pageNumber": 1, "pageCount": 1, "total": 30,
        });
        org.reset();
        // Also when the run looks at it once more.
        for _ in 0..3 {
            org.respond_next(QUEUES, CannedResponse::json(200, &short)).unwrap();
        }
        let unknown = run(Some(&org), folder.path(), &export).await;
        assert_eq!(unknown.code, Some(5), "{}", unknown.told);
        let advice = "to read the page in doubt again:\n  genesys-cloud export";
        for part in [advice, "--resume --accept unknown"] {
            assert!(unknown.told.contains(part), "{part}: {}", unknown.told);
        }
        assert!(std::fs::read(&path).unwrap() == once, "{out}: the earlier output stays");
        let resume = [&export[..], &["--resume"]].concat();
        let still = run(Some(&org), folder.path(), &resume).await;
        assert_eq!(still.code, Some(5), "{}", still.told);
        org.reset();
        let done = run(Some(&org), folder.path(), &resume).await;
        done.done();
        assert!(done.told.contains("complete: 30 records"), "{}", done.told);
        assert_eq!(org.requests_for(QUEUES).len(), 1);
        assert_eq!(report(&path)["records"], 30);
        if out != "q.parquet" {
            assert!(std::fs::read(&path).unwrap() == once, "{out}: each record once");
        }
    }
}

#[tokio::test]
async fn nulls_are_left_out_and_counted() {
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
        assert!(
            done.told.contains("complete: 1 record in 1 page, 1 call, 2 nulls"),
            "{}",
            done.told
        );
        let told = report(&folder.path().join(out));
        assert_eq!((&told["records"], &told["nulls"]), (&1.into(), &2.into()));
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
async fn the_fake_org_of_the_program_is_the_same_in_each_run() {
    let folder = tempdir().unwrap();
    let export = ["--org", "mock", "export", QUEUES, "--out", "q.jsonl", "--batch", "10"];
    let export = [&export[..], &["--mock-list", "routing.queues=300"]].concat();
    let org = MockOrg::start().await.unwrap();
    assert!(killed(&org, folder.path(), &export, "saved", 3).await);
    let resume = [&export[..], &["--resume"]].concat();
    let other = run(None, folder.path(), &[&resume[..], &["--mock-seed", "7"]].concat()).await;
    assert_eq!(other.code, Some(2), "{}", other.told);
    assert!(other.told.contains("of another org"), "{}", other.told);
    run(None, folder.path(), &resume).await.done();
    assert_eq!(read(folder.path().join("q.jsonl")).lines().count(), 300);
    assert_eq!(org.request_count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_what_is_left_and_links_are_not_followed() {
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
    // A file that is replaced passes on who may read it.
    std::fs::set_permissions(path("q.jsonl"), std::fs::Permissions::from_mode(0o640)).unwrap();
    run(Some(&org), folder.path(), &EXPORT).await.done();
    assert_eq!(mode("q.jsonl"), 0o640);
    std::os::unix::fs::symlink("victim", path(".genesys-cloud/q.jsonl.part")).unwrap();
    for export in [
        &EXPORT[..],
        &["export", "postOutboundContactlistExport", "-p", "contactListId=a", "-o", "q.jsonl"],
    ] {
        let refused = run(Some(&org), folder.path(), export).await;
        assert_eq!(refused.code, Some(11), "{}", refused.told);
        assert!(
            refused.told.contains(".genesys-cloud/q.jsonl.part: it is a symbolic link"),
            "{}",
            refused.told
        );
    }
    assert_eq!(read(path("victim")), "precious");
}
