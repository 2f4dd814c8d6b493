//! The commands other than `export`.

use genesys_cloud_mock::{JobPace, MockOrg};
use serde_json::Value;
use tempfile::tempdir;

use crate::run;

#[tokio::test]
async fn finds_and_describes_operations() {
    let folder = tempdir().unwrap();
    let found =
        run(None, folder.path(), &["operations", "--search", "queue members", "--exportable"])
            .await;
    assert!(found.done().contains("routing.queue_members"), "{}", found.out);
    assert!(!found.out.contains("DELETE"), "{}", found.out);
    let all = run(None, folder.path(), &["operations"]).await;
    assert!(all.done().lines().count() > 3_000);
    let described = run(None, folder.path(), &["describe", "users.users"]).await;
    for part in [
        "GET /api/v2/users (getUsers)",
        "the scheme PageNumber, records at entities",
        "10000 items where state=inactive",
        "routingStatus, presence",
        "Fields of a record",
        "primaryContactInfo",
    ] {
        assert!(described.done().contains(part), "{part}: {}", described.out);
    }
    let described = run(None, folder.path(), &["describe", "postAuditsQuery"]).await;
    for part in [
        "A job (audits-query)",
        "Note: at most 31 days",
        "--interval start/end sets `interval` of the body",
        "read in windows of 31 days, the longest that the API allows",
        "drops duplicates across windows by id",
    ] {
        assert!(described.done().contains(part), "{part}: {}", described.out);
    }
}

#[tokio::test]
async fn describes_the_parameters_of_jobs() {
    let folder = tempdir().unwrap();
    let describe = async |name: &str| run(None, folder.path(), &["describe", name]).await.out;
    let details = describe("postAnalyticsConversationsDetailsJobs").await;
    assert!(
        details.contains("(--body file.json, required unless --interval is given)"),
        "{details}"
    );
    assert!(!details.contains("--results-param"), "{details}");
    let queue = describe("postRoutingQueues").await;
    assert!(queue.contains("(--body file.json, required)"), "{queue}");
    let schedules = describe("postWorkforcemanagementBusinessunitWeekSchedulesGenerate").await;
    assert!(schedules.contains("(--results-param name=value): managementUnitIds"), "{schedules}");
    let described = describe(crate::jobs::ENDS_BY_NOTIFICATION).await;
    for part in [
        "in a notification of the topic v2.workforcemanagement.users.{id}.schedules.query",
        "which an export can't read",
    ] {
        assert!(described.contains(part), "{described}");
    }
}

#[tokio::test]
async fn describes_operations_of_every_kind() {
    let folder = tempdir().unwrap();
    for name in
        ["postRoutingQueues", "getFlowsDatatableExportJob", "patchUsersBulk", "headTokensMe"]
    {
        run(None, folder.path(), &["describe", name]).await.done();
    }
}

#[tokio::test]
async fn a_call_prints_the_response() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let called =
        run(Some(&org), folder.path(), &["call", "getRoutingQueue", "-p", "queueId=abc"]).await;
    let queue: Value = serde_json::from_str(called.done()).unwrap();
    assert_eq!(queue["id"], "abc");
    std::fs::write(folder.path().join("q.json"), r#"{"name":"New"}"#).unwrap();
    let body = ["call", "routing.post_queues", "--body", "q.json"];
    run(Some(&org), folder.path(), &body).await.done();
    assert_eq!(&org.requests_for("postRoutingQueues")[0].body[..], br#"{"name":"New"}"#);
}

#[tokio::test]
async fn whoami_shows_the_org_and_the_rate_limit() {
    let org = MockOrg::builder().calls_per_minute(300).start().await.unwrap();
    let folder = tempdir().unwrap();
    let shown = run(Some(&org), folder.path(), &["whoami"]).await;
    for part in [&org.url()[..], "organization", "299 of 300 calls left"] {
        assert!(shown.done().contains(part), "{}", shown.out);
    }
}

#[tokio::test]
async fn the_embedded_org_needs_no_account() {
    let folder = tempdir().unwrap();
    let arguments =
        ["--org", "mock", "export", "routing.queues", "--mock-list", "routing.queues=250"];
    assert_eq!(run(None, folder.path(), &arguments).await.done().lines().count(), 250);
}

#[tokio::test]
async fn describes_types_and_bodies() {
    let folder = tempdir().unwrap();
    let describe =
        async |words: &[&str]| run(None, folder.path(), &[&["describe"][..], words].concat()).await;
    let queue = describe(&["QueueRequest"]).await;
    assert!(queue.done().starts_with("QueueRequest\n"), "{}", queue.out);
    assert!(queue.out.contains("name") && queue.out.contains("; required"), "{}", queue.out);
    let json = describe(&["QueueRequest", "--json"]).await;
    let json: Value = serde_json::from_str(json.done()).unwrap();
    assert_eq!(json["name"], "QueueRequest");
    let json = describe(&["routing.queues", "--json"]).await;
    let json: Value = serde_json::from_str(json.done()).unwrap();
    assert_eq!((&json["kind"], &json["list"]["scheme"]), (&"list".into(), &"PageNumber".into()));
    for (words, part) in [
        (&["QueueRequst"][..], "did you mean the type `QueueRequest`"),
        (&["routing.queues", "--body-template"], "takes no body"),
        (&["routing.queues", "--body-template", "--json"], "cannot be used with"),
    ] {
        let refused = describe(words).await;
        assert_eq!(refused.code, Some(2), "{words:?}");
        assert!(refused.err.contains(part), "{words:?}: {}", refused.err);
    }
}

#[tokio::test]
async fn a_body_template_is_a_body_that_call_accepts() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let template =
        run(None, folder.path(), &["describe", "postRoutingQueues", "--body-template"]).await;
    std::fs::write(folder.path().join("b.json"), template.done()).unwrap();
    let called =
        run(Some(&org), folder.path(), &["call", "postRoutingQueues", "--body", "b.json"]).await;
    called.done();
}

#[tokio::test]
async fn operations_are_listed_as_json_lines() {
    let folder = tempdir().unwrap();
    let text = run(None, folder.path(), &["operations", "--exportable"]).await;
    let json = run(None, folder.path(), &["operations", "--exportable", "--json"]).await;
    let names = json.done().lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["permissions"].is_array() && line["path"].is_string(), "{line}");
        line["name"].as_str().unwrap().to_owned()
    });
    let listed = text.done().lines().map(|line| line.split(' ').next().unwrap().to_owned());
    assert_eq!(names.collect::<Vec<_>>(), listed.collect::<Vec<_>>());
}

#[tokio::test]
async fn waits_for_and_cancels_a_saved_job() {
    let submit = "postAnalyticsConversationsDetailsJobs";
    let org = MockOrg::start().await.unwrap();
    org.job_pace(submit, JobPace::Polls(1)).unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    // The results are refused, so the job stays saved.
    for _ in 0..2 {
        let reply = genesys_cloud_mock::CannedResponse::error(403, "missing.permissions", "No");
        org.respond_next("getAnalyticsConversationsDetailsJobResults", reply).unwrap();
    }
    let arguments = ["export", submit, "--body", "b.json", "--out", "c.jsonl"];
    assert_eq!(run(Some(&org), folder.path(), &arguments).await.code, Some(7));
    let listed = run(Some(&org), folder.path(), &["jobs"]).await;
    let id = listed.done().split_whitespace().next().unwrap().to_owned();
    for _ in 0..10 {
        let state = serde_json::json!({ "state": "PENDING" });
        let runs = genesys_cloud_mock::CannedResponse::json(200, &state);
        org.respond_next("getAnalyticsConversationsDetailsJob", runs).unwrap();
    }
    let arguments = ["jobs", "wait", &id, "--deadline", "1s"];
    let waited = run(Some(&org), folder.path(), &arguments).await;
    assert_eq!(waited.code, Some(12), "{}", waited.err);
    assert!(waited.err.contains("(it is PENDING)"), "{}", waited.err);
    assert_eq!(waited.err.lines().filter(|line| *line == "PENDING").count(), 1, "{}", waited.err);
    let waited = run(Some(&org), folder.path(), &["jobs", "wait", &id[..8]]).await;
    waited.done();
    assert!(waited.err.ends_with("FULFILLED: done\n"), "{}", waited.err);
    run(Some(&org), folder.path(), &["jobs", "cancel", &id]).await.done();
    assert_eq!(org.requests_for("deleteAnalyticsConversationsDetailsJob").len(), 1);
    assert_eq!(run(Some(&org), folder.path(), &["jobs"]).await.done(), "");
}

#[tokio::test]
async fn an_export_waits_for_its_job_until_the_deadline() {
    for submit in ["postAnalyticsConversationsDetailsJobs", "postOutboundContactlistExport"] {
        let org = MockOrg::start().await.unwrap();
        org.job_pace(submit, JobPace::Polls(10_000)).unwrap();
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let mut arguments = vec!["export", submit, "--out", "c", "--deadline", "1s"];
        match submit {
            "postOutboundContactlistExport" => arguments.extend(["-p", "contactListId=a"]),
            _ => arguments.extend(["--body", "b.json"]),
        }
        let waited = run(Some(&org), folder.path(), &arguments).await;
        assert_eq!(waited.code, Some(12), "{}", waited.err);
        assert!(waited.err.contains("did not finish within 1s"), "{}", waited.err);
        assert!(waited.err.contains("--resume"), "{}", waited.err);
    }
}
