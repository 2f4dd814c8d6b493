//! States that do not belong to their output, to the command, or to the time.

use std::path::Path;

use genesys_cloud_mock::MockOrg;
use serde_json::Value;
use tempfile::tempdir;

use crate::resume::killed;
use crate::{keys, read, report, run};

const QUEUES: &str = "getRoutingQueues";
const EXPORT: [&str; 6] = ["export", "routing.queues", "--out", "q.jsonl", "--batch", "10"];

/// An export of a list to `q.jsonl` that was killed after 30 records, and another run of it.
async fn stopped(org: &MockOrg, folder: &Path) -> (std::path::PathBuf, Vec<&'static str>) {
    assert!(killed(org, folder, &EXPORT, "saved", 3).await);
    (folder.join("q.jsonl.state.json"), [&EXPORT[..], &["--resume"]].concat())
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
    let part = read(folder.path().join("q.jsonl.part"));
    let length = serde_json::from_str::<Value>(&saved).unwrap()["state"]["sink"].clone();
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
        assert!(refused.told.contains("q.jsonl.state.json: the state "), "{}", refused.told);
        assert!(refused.told.contains("--restart discards"), "{}", refused.told);
        assert_eq!(read(&state), edited);
        assert_eq!(read(folder.path().join("q.jsonl.part")), part);
    }
    assert_eq!(org.request_count(), requests, "nothing was asked for");
    std::fs::write(&state, &saved).unwrap();
    run(Some(&org), folder.path(), &resume).await.done();
    let truth = org.truth(QUEUES).unwrap().records;
    assert_eq!(keys(&read(folder.path().join("q.jsonl"))), truth);
}

#[tokio::test]
async fn a_state_too_large_to_be_one_is_not_read() {
    let org = org().await;
    let folder = tempdir().unwrap();
    let state = folder.path().join("q.jsonl.state.json");
    std::fs::File::create(&state).unwrap().set_len((512 << 20) + 1).unwrap();
    let refused = run(Some(&org), folder.path(), &EXPORT).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    assert!(refused.told.contains("is not the state of an export"), "{}", refused.told);
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
    let part = read(folder.path().join("q.jsonl.part"));
    let requests = org.requests_for(QUEUES).len();
    let refused = run(Some(&org), folder.path(), &resume).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    for told in ["q.jsonl.part is not the file that the state describes", "with --restart"] {
        assert!(refused.told.contains(told), "{}", refused.told);
    }
    assert_eq!(org.requests_for(QUEUES).len(), requests);
    assert_eq!(read(&state), saved);
    assert_eq!(read(folder.path().join("q.jsonl.part")), part);
    // The export that owns the file can still be resumed.
    run(Some(&org), folder.path(), &[&other[..], &["--resume"]].concat()).await.done();
    assert_eq!(keys(&read(folder.path().join("q.jsonl"))), org.truth("getUsers").unwrap().records);
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
    for part in
        ["the export that was stopped began 0 s ago, at 20", "--max-age allows 0s", "--restart"]
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
    let part = read(folder.path().join("q.jsonl.part"));
    let saved = 30;
    let requests = org.request_count();
    let limited = |limit: &'static str| [&resume[..], &["--limit", limit]].concat();
    let refused = run(Some(&org), folder.path(), &limited("29")).await;
    assert_eq!(refused.code, Some(2), "{}", refused.told);
    for told in ["30 records are written already, more than --limit 29", "leave --limit out"] {
        assert!(refused.told.contains(told), "{}", refused.told);
    }
    assert_eq!(org.request_count(), requests);
    assert_eq!(read(folder.path().join("q.jsonl.part")), part);
    let truth = org.truth(QUEUES).unwrap().records;
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
    run(Some(&org), folder.path(), &limited("101")).await.done();
    let truth = org.truth_within(query, "2024-05-01T00:00Z/2024-06-01T00:00Z").unwrap();
    assert_eq!(keys(&read(folder.path().join("c.jsonl"))), truth[..101]);
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
    for link in ["q.jsonl.state.json.new", "q.jsonl.report.json.new", "q.jsonl.new"] {
        std::os::unix::fs::symlink("victim", path(link)).unwrap();
    }
    let (_, resume) = stopped(&org, folder.path()).await;
    assert_eq!([mode("q.jsonl.part"), mode("q.jsonl.state.json")], [0o600; 2]);
    run(Some(&org), folder.path(), &resume).await.done();
    assert_eq!((mode("q.jsonl"), mode("q.jsonl.report.json")), (usual, 0o600));
    // A file that is replaced passes on who may read it.
    std::fs::set_permissions(path("q.jsonl"), std::fs::Permissions::from_mode(0o640)).unwrap();
    run(Some(&org), folder.path(), &EXPORT).await.done();
    assert_eq!(mode("q.jsonl"), 0o640);
    std::os::unix::fs::symlink("victim", path("q.jsonl.part")).unwrap();
    for export in [
        &EXPORT[..],
        &["export", "postOutboundContactlistExport", "-p", "contactListId=a", "-o", "q.jsonl"],
    ] {
        let refused = run(Some(&org), folder.path(), export).await;
        assert_eq!(refused.code, Some(9), "{}", refused.told);
        assert!(refused.told.contains("q.jsonl.part: it is a symbolic link"), "{}", refused.told);
    }
    assert_eq!(read(path("victim")), "precious");
}
