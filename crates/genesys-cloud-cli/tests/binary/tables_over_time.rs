//! Exports to a PostgreSQL table every night: unchanged rows, new columns and the log of runs.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use genesys_cloud_mock::{CannedResponse, MockOrg, OrgTimeline};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::postgres::Database;
use crate::resume::{killed, to_the_end};
use crate::run;
use crate::servers::{Postgres, installed};

const QUEUES: &str = "getRoutingQueues";
const PATH: &str = "/api/v2/routing/queues";

/// The columns of a table and their types, in their order.
async fn columns(database: &Database, table: &str) -> String {
    let query = format!(
        "SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) FROM pg_attribute \
         WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
    );
    database.one(&query).await
}

#[tokio::test]
async fn a_night_writes_only_rows_of_records_that_changed() {
    // With the place and the version of each row.
    const ROWS: &str = "SELECT json_object_agg(id, json_build_object('version', concat(ctid, ' ', xmin, ' ', xmax), \
        'run', _run_id, 'loaded', _loaded_at, 'raw', _raw::text))::text FROM q";
    let Some(database) = Database::new("nights").await else { return };
    let timeline = OrgTimeline::new("2026-05-01T00:00Z");
    let org = MockOrg::builder().timeline(timeline).list(QUEUES, 80).start().await.unwrap();
    let folder = tempdir().unwrap();
    let records = |org: &MockOrg| {
        let records = org.expected_at(PATH, &org.now()).unwrap().into_iter();
        let records = records.map(|record| (record["id"].as_str().unwrap().to_owned(), record));
        records.collect::<BTreeMap<String, Value>>()
    };
    let options = ["--table", "q", "--create-table", "--upsert", "--with"];
    let options = [&options[..], &["_loaded_at,_run_id,_source,_raw"]].concat();
    database.export(&org, folder.path(), &options).await.done();
    let types = columns(&database, "q").await;
    let added = "_loaded_at timestamp with time zone, _run_id text, _source text, _raw json";
    assert!(types.ends_with(added), "{types}");
    let (before, old): (Value, _) =
        (serde_json::from_str(&database.one(ROWS).await).unwrap(), records(&org));
    assert_eq!(before.as_object().unwrap().len(), old.len());

    org.advance(Duration::from_hours(24));
    let new = records(&org);
    let added = new.keys().filter(|id| !old.contains_key(*id)).count();
    let changed = new.iter().filter(|(id, it)| old.get(*id).is_some_and(|old| old != *it)).count();
    let unchanged = new.len() - added - changed;
    assert!(added > 0 && changed > 0 && unchanged > 40, "{added} {changed} {unchanged}");
    let done = database.export(&org, folder.path(), &options).await;
    done.done();
    let counts = format!("rows: {added} added, {changed} updated, {unchanged} unchanged");
    assert!(done.err.contains(&counts), "{counts}: {}", done.err);
    let run = database.one("SELECT report->>'run' FROM genesys_cloud_exports").await;
    let after: Value = serde_json::from_str(&database.one(ROWS).await).unwrap();
    for (id, record) in &new {
        let (before, after) = (&before[id], &after[id]);
        let raw: Value = serde_json::from_str(after["raw"].as_str().unwrap()).unwrap();
        assert_eq!(raw, *record);
        if old.get(id) == Some(record) {
            // Not even locked: `xmax` is the same, too.
            assert_eq!(before, after, "{id}");
        } else {
            assert_eq!(after["run"], run.as_str());
            assert_ne!(before["loaded"], after["loaded"], "{id}");
            assert_ne!(before["version"], after["version"], "{id}");
        }
    }
    // Nothing has changed since.
    let done = database.export(&org, folder.path(), &options).await;
    done.done();
    let counts = format!("rows: 0 added, 0 updated, {} unchanged", new.len());
    assert!(done.err.contains(&counts), "{}", done.err);
    assert_eq!(serde_json::from_str::<Value>(&database.one(ROWS).await).unwrap(), after);
}

#[tokio::test]
async fn a_row_has_the_text_of_its_record() {
    let Some(database) = Database::new("texts").await else { return };
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let record = r#"{ "id": "a",  "b": 1.50, "name": "x\ud83d \u0000\ttab\\", "b": 2, "_raw": 7 }"#;
    let page = format!(
        r#"{{"entities":[{record}],"total":1,"pageNumber":1,"pageSize":25,"pageCount":1}}"#
    );
    let mut response = CannedResponse::json(200, &Value::Null);
    response.body = page.into();
    org.respond_next(QUEUES, response).unwrap();
    let options = ["--table", "q", "--create-table", "--fields", "id", "--with", "_raw"];
    database.export(&org, folder.path(), &options).await.done();
    assert_eq!(columns(&database, "q").await, "id text, _raw json");
    assert_eq!(database.one("SELECT _raw::text FROM q").await, record);
}

#[tokio::test]
async fn missing_columns_are_added_with_the_records() {
    let Some(database) = Database::new("widened").await else { return };
    let org = MockOrg::builder().list(QUEUES, 120).start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "CREATE TABLE q (id text PRIMARY KEY, name text, note text DEFAULT 'mine'); \
             INSERT INTO q VALUES ('foreign', 'f', 'own')",
        )
        .await;
    let fields = ["--table", "q", "--upsert", "--fields"];
    let first = [&fields[..], &["id,name"]].concat();
    database.export(&org, folder.path(), &first).await.done();
    let before = columns(&database, "q").await;
    assert_eq!(before, "id text, name text, note text");

    // A later document has more fields.
    org.reset();
    let wider = [&fields[..], &["id,memberCount,division.name,name", "--with", "_run_id"]].concat();
    let refused = database.export(&org, folder.path(), &wider).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    let why =
        "table public.q has no column for memberCount, division.name, _run_id; add --add-columns";
    assert!(refused.err.contains(why), "{}", refused.err);
    assert_eq!(org.request_count(), 0, "it is refused before any call");

    let url = database.url_with_password();
    let export = ["export", QUEUES, "--out", &url, "--batch", "9", "--page-size", "25"];
    let export = [&export[..], &wider, &["--add-columns", "--resume"]].concat();
    assert!(killed(&org, folder.path(), &export, "saved", 1).await);
    assert_eq!(columns(&database, "q").await, before, "a part of a list changes nothing");
    to_the_end(&org, folder.path(), &export, 2).await;
    let added = "member_count bigint, division_name text, _run_id text";
    assert_eq!(columns(&database, "q").await, format!("{before}, {added}"));
    let note = "SELECT report->>'notes' FROM genesys_cloud_exports";
    let note = database.one(note).await;
    assert!(
        note.contains("added to table public.q: member_count, division_name, _run_id"),
        "{note}"
    );
    let mut rows = database.rows("q", "id").await;
    assert_eq!(
        rows.remove("foreign").unwrap(),
        json!({"id": "foreign", "name": "f", "note": "own", "member_count": null,
               "division_name": null, "_run_id": null})
    );
    let truth = run(Some(&org), folder.path(), &["export", QUEUES]).await;
    assert_eq!(truth.done().lines().count(), rows.len());
    for record in truth.out.lines() {
        let record: Value = serde_json::from_str(record).unwrap();
        let row = &rows[record["id"].as_str().unwrap()];
        assert_eq!(row["member_count"], record["memberCount"]);
        assert_eq!(row["division_name"], record["division"]["name"]);
        assert_eq!(row["note"], "mine");
    }

    // A table with all columns stays as it is, also if the option is given.
    let again = [&wider[..], &["--add-columns"]].concat();
    let done = database.export(&org, folder.path(), &again).await;
    done.done();
    assert!(done.err.contains("0 added, 0 updated, 120 unchanged"), "{}", done.err);
    assert!(!done.err.contains("added to table"), "{}", done.err);
    assert_eq!(columns(&database, "q").await, format!("{before}, {added}"));
}

#[tokio::test]
async fn a_failed_export_adds_no_column() {
    let Some(database) = Database::new("unwidened").await else { return };
    let org = MockOrg::builder().list(QUEUES, 20).start().await.unwrap();
    let folder = tempdir().unwrap();
    // Refuses the rows in the end, after the columns are added.
    database
        .do_(
            "CREATE TABLE q (id text); \
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN RAISE EXCEPTION ''not today''; END'; \
             CREATE TRIGGER refuses BEFORE INSERT ON q FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let options = ["--table", "q", "--fields", "id,name", "--add-columns"];
    let refused = database.export(&org, folder.path(), &options).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    assert!(refused.err.contains("not today"), "{}", refused.err);
    assert_eq!(columns(&database, "q").await, "id text");
    database.do_("DROP TRIGGER refuses ON q").await;
    // Someone has added a column of the same type meanwhile.
    database.do_("ALTER TABLE q ADD name text").await;
    let resume = [&options[..], &["--resume"]].concat();
    database.export(&org, folder.path(), &resume).await.done();
    assert_eq!(database.one("SELECT count(name)::text FROM q").await, "20");
}

#[tokio::test]
async fn a_column_is_never_changed() {
    let Some(database) = Database::new("unchanged").await else { return };
    let org = MockOrg::builder().list(QUEUES, 5).start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "CREATE TABLE q (id text, name bigint, member_count int, date_created date); \
             CREATE USER porter PASSWORD 'pw'; GRANT CREATE ON SCHEMA public TO porter; \
             GRANT SELECT, INSERT ON q TO porter",
        )
        .await;
    let porter = database.url().replace("postgres@", "porter:pw@");
    let url = database.url_with_password();
    for (url, fields, why) in [
        (
            &url,
            "id,name",
            "column name of table public.q has the type int8, but the field name now needs text",
        ),
        (
            &url,
            "id,name",
            "ALTER TABLE \"public\".\"q\" ALTER \"name\" TYPE text USING \"name\"::text",
        ),
        (&porter, "id,joined", "records have no field `joined`"),
        (&porter, "id,description", "user porter can't add columns to table public.q"),
    ] {
        let options = ["--table", "q", "--add-columns", "--fields", fields];
        let refused = database.export_to(url, &org, folder.path(), &options).await;
        assert!(matches!(refused.code, Some(2 | 11)), "{}", refused.err);
        assert!(refused.err.contains(why), "{why}: {}", refused.err);
    }
    assert_eq!(org.request_count(), 0);
    // Narrower types that the user has chosen are fine while the values fit.
    let options = ["--table", "q", "--add-columns", "--fields", "id,memberCount,dateCreated"];
    database.export(&org, folder.path(), &options).await.done();
    let types = "id text, name bigint, member_count integer, date_created date";
    assert_eq!(columns(&database, "q").await, types);
}

#[tokio::test]
async fn keeps_every_run_of_every_table() {
    let Some(psql) = installed("psql", "psql") else { return };
    let Some(database) = Database::new("runs").await else { return };
    let org = MockOrg::builder().list(QUEUES, 120).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = database.url_with_password();
    let none = run(None, folder.path(), &["runs", "--out", &url]).await;
    assert_eq!(none.done(), "");
    let options = ["--create-table", "--upsert", "--batch", "10", "--page-size", "25"];
    database.export(&org, folder.path(), &options).await.done();
    org.respond_next(QUEUES, CannedResponse::error(403, "missing.permissions", "No")).unwrap();
    let failed = database.export(&org, folder.path(), &options).await;
    assert_eq!(failed.code, Some(7), "{}", failed.err);
    let export = [&["export", QUEUES, "--out", &url][..], &options].concat();
    assert!(killed(&org, folder.path(), &export, "saved", 1).await);
    let resume = [&options[..], &["--resume"]].concat();
    database.export(&org, folder.path(), &resume).await.done();
    let other = ["--create-table", "--table", "other", "--fields", "id", "--limit", "3"];
    database.export(&org, folder.path(), &other).await.done();

    // Independent of this program.
    let query = "SELECT table_name, operation, exit, verdict, whole, records, added, updated, unchanged, \
                 ended >= started, report->>'exit' = exit FROM genesys_cloud_runs ORDER BY started";
    let rows = Command::new(&psql)
        .env("PGPASSWORD", Postgres::PASSWORD)
        .args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", &database.url()])
        .args(["--command", query])
        .output()
        .unwrap();
    let rows = String::from_utf8(rows.stdout).unwrap();
    insta::assert_snapshot!(rows.trim_end(), @"
    routing_queues|getRoutingQueues|complete|complete|t|120|120|0|0|t|t
    routing_queues|getRoutingQueues|refused|unknown|f|0||||t|t
    routing_queues|getRoutingQueues|||||||||
    routing_queues|getRoutingQueues|complete|complete|t|120|0|0|120|t|t
    other|getRoutingQueues|complete|truncated|t|3|3|0|0|t|t
    ");
    let runs = "SELECT concat(count(*), ' ', count(DISTINCT run)) FROM genesys_cloud_runs";
    assert_eq!(database.one(runs).await, "5 4", "a resumed export has two runs");

    let table = run(None, folder.path(), &["runs", "--out", &url]).await;
    assert_eq!(table.done().lines().count(), 6);
    assert!(table.out.lines().nth(1).unwrap().contains("table other of"), "{}", table.out);
    let one = ["runs", "--out", &url, "--table", "routing_queues", "--limit", "2", "--json"];
    let one = run(None, folder.path(), &one).await;
    let one: Vec<Value> =
        one.done().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (one.len(), one[0]["exit"].as_str(), &one[1]["exit"]),
        (2, Some("complete"), &Value::Null)
    );
}
