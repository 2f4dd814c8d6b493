//! Exports whose nested lists become tables of a PostgreSQL database.

use std::collections::BTreeMap;
use std::path::Path;

use genesys_cloud_mock::{CannedResponse, JobPace, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::child_tables::{JOBS, SEGMENTS, conversations, expected};
use crate::postgres::{Database, same, snake};
use crate::resume::{killed, to_the_end};
use crate::{Outcome, run};

const QUEUES: &str = "getRoutingQueues";

/// The tables of conversations, with the columns that identify a row.
const TABLES: [(&str, &[&str]); 4] = [
    ("c", &["conversation_id"]),
    ("c_participants", &["conversation_id", "participant_index"]),
    ("c_participants_sessions", &["conversation_id", "participant_index", "session_index"]),
    (
        "c_participants_sessions_segments",
        &["conversation_id", "participant_index", "session_index", "segment_index"],
    ),
];

/// The rows of a table as JSON, by the values of these columns.
async fn rows(database: &Database, table: &str, key: &[&str]) -> BTreeMap<String, Value> {
    let query = format!("SELECT to_json(t)::text FROM {table} t");
    let found = database.client.query(&query, &[]).await.unwrap();
    let count = found.len();
    let by_key = |row: Value| (key.iter().map(|it| format!("{} ", row[*it])).collect(), row);
    let found: BTreeMap<String, Value> =
        found.iter().map(|row| by_key(serde_json::from_str(row.get(0)).unwrap())).collect();
    assert_eq!(found.len(), count, "each key of {table} occurs once");
    found
}

/// Compares every value of every row.
fn assert_same(rows: &BTreeMap<String, Value>, key: &[&str], expected: &[Value]) {
    let mut values = 0;
    for record in expected {
        let fields: BTreeMap<String, &Value> =
            record.as_object().unwrap().iter().map(|(name, value)| (snake(name), value)).collect();
        let key: String = key.iter().map(|it| format!("{} ", fields[*it])).collect();
        let row = rows.get(&key).unwrap_or_else(|| panic!("no row {key}"));
        for (name, value) in fields {
            assert!(same(&row[&name], value), "{key} {name}: {} is not {value}", row[&name]);
            values += 1;
        }
    }
    assert_eq!(rows.len(), expected.len());
    assert!(values > 2 * expected.len());
}

#[tokio::test]
async fn all_tables_equal_the_org_after_random_kills() {
    let Some(database) = Database::new("exploded").await else { return };
    let results = "getAnalyticsConversationsDetailsJobResults";
    let org = MockOrg::builder().list(results, 150).start().await.unwrap();
    org.job_pace(JOBS, JobPace::Polls(0)).unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let source = ["export", JOBS, "--body", "b.json"];
    let expected = expected(&conversations(&org, folder.path(), &source).await);
    let url = database.url_with_password();
    let output = ["--out", &url, "--table", "c", "--create-table", "--explode", SEGMENTS];
    for options in [&[][..], &["--upsert"]] {
        let arguments = [&source[..], &output, options, &["--batch", "11", "--resume"]].concat();
        let kills = to_the_end(&org, folder.path(), &arguments, 9).await;
        assert!(kills > 0, "{kills} kills");
        for ((table, key), expected) in TABLES.iter().zip(&expected) {
            assert_same(&rows(&database, table, key).await, key, expected);
        }
        let joined = "SELECT count(*)::text FROM c JOIN c_participants USING (conversation_id) \
            JOIN c_participants_sessions USING (conversation_id, participant_index) \
            JOIN c_participants_sessions_segments USING \
            (conversation_id, participant_index, session_index)";
        assert_eq!(database.one(joined).await, expected[3].len().to_string());
        let tables = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables \
            WHERE schemaname = 'public' AND tablename LIKE 'c%'";
        let names: Vec<&str> = TABLES.iter().map(|(name, _)| *name).collect();
        assert_eq!(database.one(tables).await, names.join(" "), "no staging table is left");
        let report = "SELECT report->'tables'->2->>'rows' FROM genesys_cloud_exports";
        assert_eq!(database.one(report).await, expected[3].len().to_string());
        database
            .do_("DROP TABLE c, c_participants, c_participants_sessions, c_participants_sessions_segments")
            .await;
    }
}

fn group(id: &str, count: u64) -> Value {
    json!({ "id": id, "memberCount": count })
}

/// Lets the next export of queues have these records.
fn respond(org: &MockOrg, queues: &[Value]) {
    let page =
        json!({ "entities": queues, "pageCount": 1, "total": queues.len(), "pageSize": 100 });
    org.respond_next(QUEUES, CannedResponse::json(200, &page)).unwrap();
}

async fn export(database: &Database, org: &MockOrg, folder: &Path, options: &[&str]) -> Outcome {
    let url = database.url_with_password();
    let arguments = ["export", QUEUES, "--out", &url, "--table", "q", "--explode", "memberGroups"];
    let fields = ["--fields", "id,name,memberGroups.id,memberGroups.memberCount"];
    run(Some(org), folder, &[&arguments[..], &fields, options].concat()).await
}

const GROUPS: &str = "SELECT coalesce(string_agg(concat_ws(':', queue_id, member_group_index, id, member_count), ' ' \
    ORDER BY queue_id, member_group_index), '') FROM q_member_groups";

#[tokio::test]
async fn an_upsert_replaces_the_rows_of_changed_records_only() {
    let Some(database) = Database::new("replaced").await else { return };
    let org = MockOrg::builder().list(QUEUES, 1).start().await.unwrap();
    let folder = tempdir().unwrap();
    let options = ["--create-table", "--upsert"];
    let queue = |id: &str, groups: &[Value]| json!({ "id": id, "memberGroups": groups });
    let (g0, g1, g2) = (group("g0", 1), group("g1", 1), group("g2", 1));
    let all = [
        queue("a", &[g0.clone(), g1.clone(), g2]),
        queue("b", &[g0.clone(), g1.clone()]),
        queue("gone", std::slice::from_ref(&g1)),
    ];
    respond(&org, &all);
    export(&database, &org, folder.path(), &options).await.done();
    let first = "a:0:g0:1 a:1:g1:1 a:2:g2:1 b:0:g0:1 b:1:g1:1 gone:0:g1:1";
    assert_eq!(database.one(GROUPS).await, first);
    database.do_("INSERT INTO q_member_groups VALUES ('foreign', 0, 'f', 1)").await;
    let versions = "SELECT string_agg(xmin::text, ' ' ORDER BY queue_id, member_group_index) \
        FROM q_member_groups WHERE queue_id IN ('b', 'foreign', 'gone') OR (queue_id, id) = ('a', 'g0')";
    let before = database.one(versions).await;
    // Of the versions of a record, the last one counts, also if it has no elements.
    let changed = [
        queue("c", &[g0.clone(), g1.clone()]),
        queue("a", &[group("wrong", 9), group("wrong", 9), group("wrong", 9), group("wrong", 9)]),
        queue("a", &[g0.clone(), group("g1", 7)]),
        queue("b", &[g0, g1]),
        queue("c", &[]),
    ];
    respond(&org, &changed);
    export(&database, &org, folder.path(), &options).await.done();
    let second = "a:0:g0:1 a:1:g1:7 b:0:g0:1 b:1:g1:1 foreign:0:f:1 gone:0:g1:1";
    assert_eq!(database.one(GROUPS).await, second);
    assert_eq!(database.one(versions).await, before, "other rows are not written");
    let key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint \
        WHERE conrelid = 'q_member_groups'::regclass AND contype = 'p'";
    assert_eq!(database.one(key).await, "PRIMARY KEY (queue_id, member_group_index)");
}

#[tokio::test]
async fn a_failing_child_table_keeps_all_tables_unchanged() {
    let Some(database) = Database::new("aborted").await else { return };
    let org = MockOrg::builder().list(QUEUES, 1).start().await.unwrap();
    let folder = tempdir().unwrap();
    let queue = |id: &str, groups: &[Value]| json!({ "id": id, "memberGroups": groups });
    let missing = export(&database, &org, folder.path(), &["--create-table"]);
    missing.await.done();
    database.do_("DROP TABLE q_member_groups; TRUNCATE q").await;
    let refused = export(&database, &org, folder.path(), &[]).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    let why = "table public.q_member_groups does not exist; --create-table creates it";
    assert!(refused.err.contains(why), "{}", refused.err);
    // Refused as the last row is moved, when the records are in place.
    database
        .do_(
            "CREATE TABLE q_member_groups (queue_id text, member_group_index int, id text, member_count int); \
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN IF NEW.id = ''bad'' THEN RAISE EXCEPTION ''no bad groups''; END IF; RETURN NEW; END'; \
             CREATE TRIGGER refuse BEFORE INSERT ON q_member_groups FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let queues = [queue("a", &[group("g0", 1)]), queue("b", &[group("bad", 1)])];
    respond(&org, &queues);
    let failed = export(&database, &org, folder.path(), &["--prefetch", "0"]).await;
    assert_eq!(failed.code, Some(11), "{}", failed.err);
    assert!(failed.err.contains("no bad groups"), "{}", failed.err);
    let counts = "SELECT concat_ws(' ', (SELECT count(*) FROM q), (SELECT count(*) FROM q_member_groups), \
        (SELECT count(*) FROM q_staging), (SELECT count(*) FROM q_member_groups_staging))";
    assert_eq!(database.one(counts).await, "0 0 2 2");
    database.do_("DROP TRIGGER refuse ON q_member_groups").await;
    // Everything is read: nothing is requested again.
    export(&database, &org, folder.path(), &["--resume"]).await.done();
    assert_eq!(database.one("SELECT concat_ws(' ', (SELECT count(*) FROM q), (SELECT count(*) FROM q_member_groups))").await, "2 2");
    // A row that does not fit is named with its table.
    respond(&org, &[queue("c", &[json!({ "id": "g", "memberCount": "many" })])]);
    let failed = export(&database, &org, folder.path(), &[]).await;
    assert_eq!(failed.code, Some(11), "{}", failed.err);
    let why = "child table memberGroups: row 1 (id g) does not fit column member_count of public.q_member_groups_staging";
    assert!(failed.err.contains(why), "{}", failed.err);
    respond(&org, &[queue("c", &[json!({ "id": "g", "memberCount": "many" }), group("h", 2)])]);
    let skip = ["--restart", "--on-bad-value", "skip", "--rejects", "r.jsonl"];
    export(&database, &org, folder.path(), &skip).await.done();
    let (ids, lines) = crate::values::rejected(&folder.path().join("r.jsonl"));
    assert_eq!((ids, &lines[0]["table"]), (vec!["g".to_owned()], &"memberGroups".into()));
    let of_c = "SELECT string_agg(concat_ws(':', member_group_index, id), ' ') FROM q_member_groups WHERE queue_id = 'c'";
    assert_eq!(database.one(of_c).await, "1:h");
}

#[tokio::test]
async fn starting_over_drops_the_staging_tables_of_all_tables() {
    let Some(database) = Database::new("restarted").await else { return };
    let org = MockOrg::builder().list(QUEUES, 200).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = database.url_with_password();
    let alone =
        ["export", QUEUES, "--out", &url, "--table", "q", "--create-table", "--batch", "10"];
    let exploded = [&alone[..], &["--explode", "memberGroups"]].concat();
    let staging = "SELECT count(*)::text FROM pg_tables WHERE tablename LIKE '%staging'";
    assert!(killed(&org, folder.path(), &exploded, "saved", 1).await);
    assert_eq!(database.one(staging).await, "2");
    let restart = [&alone[..], &["--restart"]].concat();
    assert!(killed(&org, folder.path(), &restart, "saved", 1).await);
    assert_eq!(database.one(staging).await, "1");
    let restart = [&exploded[..], &["--restart"]].concat();
    run(Some(&org), folder.path(), &restart).await.done();
    assert_eq!(database.one(staging).await, "0");
    assert_eq!(database.one("SELECT count(*)::text FROM q").await, "200");
    // Found before any call.
    let long = "x".repeat(60);
    let mut too_long = exploded.clone();
    too_long[5] = &long;
    let refused = run(Some(&org), folder.path(), &too_long).await;
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(
        refused.err.contains("is longer than 63 bytes; set a shorter one with --table"),
        "{}",
        refused.err
    );
}
