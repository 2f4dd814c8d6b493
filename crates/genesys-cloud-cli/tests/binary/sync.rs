//! `sync`.

use genesys_cloud_mock::MockOrg;
use serde_json::Value;
use tempfile::tempdir;

use crate::servers::Postgres;
use crate::{run, run_in};

const TABLES: &str = "\n[tables.queues]\nread = 'routing.queues'\nhistory = true\n\
                      \n[tables.skills]\nread = 'routing.skills'\n";

#[tokio::test]
async fn wrong_plans_are_refused_before_any_call() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("typo.toml", "[tables.queues]\nread = 'routing.queus'\nhstory = true\n");
    write("bare.toml", TABLES);
    write("secret.toml", &format!("target = 'postgres://a:SECRET@localhost:x/db'{TABLES}"));
    for (arguments, expected) in [
        (&["sync"][..], "the following required arguments were not provided"),
        (&["sync", "none.toml"], "can't read none.toml"),
        (&["sync", "typo.toml"], "typo.toml:2:8: unknown operation `routing.queus`; did you mean"),
        (&["sync", "typo.toml"], "typo.toml:3:1: unknown key `hstory`; did you mean `history`?"),
        (&["sync", "bare.toml"], "bare.toml has no `target`"),
        (&["sync", "bare.toml", "--table", "queue"], "--table: bare.toml has no table `queue`"),
        (&["sync", "secret.toml"], "`target`: "),
        (&["sync", "bare.toml", "--plan", "--allow-deletes"], "cannot be used with"),
    ] {
        let refused = run(Some(&org), folder.path(), arguments).await;
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains(expected), "{arguments:?}: {}", refused.err);
        assert!(!refused.err.contains("SECRET"), "{}", refused.err);
    }
    assert_eq!(org.request_count(), 0);
}

#[tokio::test]
async fn a_plan_shows_methods_and_calls_without_a_database() {
    let org =
        MockOrg::builder().list("getRoutingQueues", 1_200).calls_per_minute(300).start().await;
    let (org, folder) = (org.unwrap(), tempdir().unwrap());
    std::fs::write(folder.path().join("plan.toml"), TABLES).unwrap();
    let shown = run(Some(&org), folder.path(), &["sync", "plan.toml", "--plan"]).await;
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    for part in [
        "queues\n  changes   by comparison: routing.queues reports no changes; it is read completely\n",
        "  records   1,200\n  full run  3 calls, 1 min by the rate limit\n",
    ] {
        assert!(shown.out.contains(part), "{}", shown.out);
    }
    assert_eq!(org.requests_for("getRoutingQueues").len(), 1);
}

#[tokio::test]
async fn a_database_is_kept_up_to_date() {
    let Some(server) = Postgres::shared() else { return };
    let org = MockOrg::builder().list("getRoutingQueues", 40).start().await.unwrap();
    let folder = tempdir().unwrap();
    server.client().await.batch_execute("CREATE SCHEMA kept").await.unwrap();
    let plan = format!("target = '{}'\nschema = 'kept'\n{TABLES}", server.url());
    std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let password = [("PGPASSWORD", Postgres::PASSWORD.to_owned())];
    let sync = ["sync", "plan.toml"];
    let first = run_in(&password, Some(&org), folder.path(), &sync).await;
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.err.contains("queues: 40 inserted, 0 changed, 0 deleted, 0 unchanged; "));
    let report: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!(report["tables"][0]["inserted"], 40);
    assert_eq!(org.logins(), 1);
    let json = ["sync", "plan.toml", "--table", "queues", "--log", "json"];
    let again = run_in(&password, Some(&org), folder.path(), &json).await;
    assert_eq!(again.code, Some(0), "{}", again.err);
    let events = again.err.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let tables: Vec<Value> = events.filter(|event| event["event"] == "table").collect();
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0]["report"]["unchanged"], 40);
    let count = "SELECT count(*) FROM kept.queues WHERE _is_current";
    let rows = server.client().await.query_one(count, &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 40);
}

#[tokio::test]
async fn the_printed_plan_is_valid() {
    let folder = tempdir().unwrap();
    let printed = run(None, folder.path(), &["sync", "init"]).await;
    assert_eq!(printed.code, Some(0));
    std::fs::write(folder.path().join("plan.toml"), &printed.out).unwrap();
    let table = ["sync", "plan.toml", "--table", "none"];
    let refused = run(None, folder.path(), &table).await;
    assert!(
        refused.err.contains("expected one of queues, queue_members, users"),
        "{}",
        refused.err
    );
}
