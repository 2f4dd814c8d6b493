//! A replica in PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg, OrgTimeline};
use genesys_cloud_sync::{Memory, MemoryRow, Postgres, TableReport, Target as _};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::org::{DAY, HOUR, START, run, start};
use crate::server::Server;

/// Each kind of place, with history and without, marked and removed.
const PLAN: &str = "
[tables.queues]
read = 'routing.queues'
params = { pageSize = 10 }
max_deletes = 100
history = true

[tables.codes]
read = 'routing.wrapupcodes'
deletes = 'remove'
max_deletes = 100

[tables.skills]
read = 'routing.skills'
max_deletes = 100

[tables.members]
read = 'routing.queue_members'
for_each = 'routing.queues'
max_deletes = 100
history = true

[tables.calls]
read = 'analytics.conversations_details_jobs'
since = 2026-05-01
lookback = '1 day'
";

const TABLES: [(&str, bool); 5] =
    [("queues", true), ("codes", false), ("skills", false), ("members", true), ("calls", false)];

/// The rows of a table: key, hash, times of the version, delete, run.
async fn rows(client: &Client, table: &str, history: bool) -> Vec<[String; 5]> {
    let versions = match history {
        true => "_valid_from::text, coalesce(_valid_to::text, '')",
        false => "_loaded_at::text, ''",
    };
    let query = format!(
        "SELECT _key, _source_hash, {versions}, coalesce(_deleted_at::text, '') FROM {table} ORDER BY 1, 3, 2"
    );
    let rows = client.query(&query, &[]).await.expect("rows");
    rows.iter().map(|row| [0, 1, 2, 3, 4].map(|at| row.get(at))).collect()
}

fn expected(memory: &Memory, table: &str, history: bool) -> Vec<[String; 5]> {
    let time =
        |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M:%S+00").to_string();
    let row = |row: &MemoryRow| {
        let from = time(if history { row.valid_from } else { row.loaded_at });
        let to = row.valid_to.filter(|_| history).map(time).unwrap_or_default();
        let deleted = row.deleted_at.map(time).unwrap_or_default();
        [row.row.key.clone(), format!("{:032x}", row.row.hash), from, to, deleted]
    };
    let mut rows: Vec<_> = memory.rows(table).iter().map(row).collect();
    rows.sort_by(|one, other| (&one[0], &one[2], &one[1]).cmp(&(&other[0], &other[2], &other[1])));
    rows
}

async fn client(server: &Server) -> Client {
    let client = server.client().await;
    client.batch_execute("SET TIME ZONE 'UTC'").await.expect("a setting");
    client
}

#[tokio::test]
async fn postgres_and_memory_have_the_same_rows_after_each_run() {
    let Some(server) = Server::start() else { return };
    let target = Postgres::new(&server.url(), None).expect("a target");
    let client = client(&server).await;
    let memory = Memory::new();
    let org = start(11, 12).await;
    org.advance(DAY);
    for round in 0..4 {
        let in_memory = run(&org, PLAN, &memory).await.expect("a run");
        let in_postgres = run(&org, PLAN, &target).await.expect("a run");
        for (one, other) in in_memory.tables.iter().zip(&in_postgres.tables) {
            let counts = |it: &TableReport| {
                (it.inserted, it.changed, it.deleted, it.unchanged, it.kept, it.error.clone())
            };
            assert_eq!(counts(one), counts(other), "{round} {}", one.table);
            assert_eq!(one.watermark_after, other.watermark_after);
        }
        for (table, history) in TABLES {
            let found = rows(&client, table, history).await;
            assert!(!found.is_empty(), "{table}");
            assert_eq!(found, expected(&memory, table, history), "{round} {table}");
        }
        org.advance(DAY + 5 * HOUR);
    }
    let deleted =
        |table: &str| format!("SELECT count(*) FROM {table} WHERE _deleted_at IS NOT NULL");
    for table in ["queues", "skills", "members"] {
        let count: i64 = client.query_one(&deleted(table), &[]).await.expect("a count").get(0);
        assert!(count > 0, "nothing of {table} was deleted");
    }
    let runs = "SELECT count(*), count(DISTINCT run), sum(added)::bigint FROM genesys_cloud_runs \
                WHERE whole AND report->>'verdict' = verdict";
    let row = client.query_one(runs, &[]).await.expect("reports");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (20, 4));
    assert!(row.get::<_, i64>(2) > 250);
}

#[tokio::test]
async fn columns_have_the_values_of_the_records() {
    let Some(server) = Server::start() else { return };
    let target = Postgres::new(&server.url(), None).expect("a target");
    let org = start(12, 0).await;
    run(&org, PLAN, &target).await.expect("a run");
    let client = client(&server).await;
    let queues = org.expected_at("/api/v2/routing/queues", &org.now()).expect("records");
    let rows = client.query("SELECT id, name, division_id FROM queues WHERE _is_current", &[]);
    let rows = rows.await.expect("rows");
    let found: BTreeMap<String, (String, String)> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let wanted = queues
        .iter()
        .map(|queue| (text(&queue["id"]), (text(&queue["name"]), text(&queue["division"]["id"]))));
    assert_eq!(found, wanted.collect());
    let members = "SELECT count(*) FROM members m JOIN queues q ON q.id = m.queue_id";
    assert_eq!(client.query_one(members, &[]).await.expect("a count").get::<_, i64>(0), 210);
}

#[tokio::test]
async fn a_second_sync_of_the_same_schema_is_rejected() {
    let Some(server) = Server::start() else { return };
    let target = Postgres::new(&server.url(), None).expect("a target");
    let session = target.open("one").await.expect("a session");
    let error = target.open("two").await.err().expect("locked");
    assert!(error.is_taken(), "{error}");
    let client = client(&server).await;
    client.batch_execute("CREATE SCHEMA other").await.expect("a schema");
    let other = Postgres::new(&server.url(), Some("other")).expect("a target");
    other.open("three").await.expect("another schema").close().await.expect("closed");
    session.close().await.expect("closed");
    target.open("four").await.expect("a session");
}

#[tokio::test]
async fn a_table_of_something_else_is_not_touched() {
    let Some(server) = Server::start() else { return };
    let target = Postgres::new(&server.url(), None).expect("a target");
    let client = client(&server).await;
    client.batch_execute("CREATE TABLE queues (id text)").await.expect("a table");
    let org = start(13, 0).await;
    let plan = "[tables.queues]\nread = 'routing.queues'\n";
    let report = run(&org, plan, &target).await.expect("a run");
    let error = report.tables[0].error.as_deref().expect("an error");
    assert!(error.contains("has no column _key, so it is not of a sync"), "{error}");
    assert_eq!(org.requests_for("getRoutingQueues").len(), 0);
}

#[tokio::test]
async fn new_fields_widen_the_table_and_are_filled() {
    let Some(server) = Server::start() else { return };
    let target = Postgres::new(&server.url(), None).expect("a target");
    let client = client(&server).await;
    let org = start(14, 0).await;
    let plan = "[tables.queues]\nread = 'routing.queues'\n";
    run(&org, plan, &target).await.expect("a run");
    client.batch_execute("ALTER TABLE queues DROP COLUMN name").await.expect("an older table");
    let report = run(&org, plan, &target).await.expect("a run");
    assert_eq!((report.tables[0].changed, report.tables[0].unchanged), (30, 0));
    let named = "SELECT count(*) FROM queues WHERE name IS NOT NULL";
    assert_eq!(client.query_one(named, &[]).await.expect("a count").get::<_, i64>(0), 30);
    let report = run(&org, plan, &target).await.expect("a run");
    assert_eq!((report.tables[0].changed, report.tables[0].unchanged), (0, 30));
}

/// Sends an integer that no column holds, and a date that is none, once it is switched on.
#[derive(Clone, Default)]
struct Odd(Arc<AtomicBool>);

impl Fault for Odd {
    fn after(&self, call: &Call<'_>, response: CannedResponse) -> CannedResponse {
        if call.operation.id != "getRoutingQueues" {
            return response;
        }
        let mut page: Value = serde_json::from_slice(&response.body).expect("JSON");
        if self.0.load(Ordering::Relaxed) {
            page["entities"][1]["memberCount"] = json!(2.5);
            page["entities"][3]["dateCreated"] = json!("soon");
        }
        CannedResponse::json(200, &page)
    }
}

#[tokio::test]
async fn records_that_do_not_fit_are_counted_and_their_rows_kept() {
    let Some(server) = Server::start() else { return };
    let target = Postgres::new(&server.url(), None).expect("a target");
    let client = client(&server).await;
    let timeline = OrgTimeline::new(START).changes_per_day(0);
    let odd = Odd::default();
    let org = MockOrg::builder().seed(15).timeline(timeline).default_count(30).fault(odd.clone());
    let org = org.start().await.expect("an org");
    let plan = "[tables.queues]\nread = 'routing.queues'\n";
    run(&org, plan, &target).await.expect("a run");
    odd.0.store(true, Ordering::Relaxed);
    let report = run(&org, plan, &target).await.expect("a run");
    let table = &report.tables[0];
    assert_eq!((table.rejected, table.unchanged, table.deleted, table.changed), (2, 28, 0, 0));
    assert!(!report.is_complete());
    let live = "SELECT count(*) FROM queues WHERE _deleted_at IS NULL";
    assert_eq!(client.query_one(live, &[]).await.expect("a count").get::<_, i64>(0), 30);
}
