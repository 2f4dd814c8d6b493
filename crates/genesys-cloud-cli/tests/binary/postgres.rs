//! Exports to a PostgreSQL server that the tests start.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use genesys_cloud_mock::{CannedResponse, MockOrg};
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio_postgres::Client;

use crate::resume::{killed, to_the_end};
use crate::servers::{Cut, Postgres, Proxy};
use crate::values::{Odd, is_odd, rejected};
use crate::{Outcome, program, read, run, signalled_while_waiting, slow};

const QUEUES: &str = "getRoutingQueues";

/// A separate database on the shared server.
pub(crate) struct Database {
    server: Arc<Postgres>,
    name: &'static str,
    pub(crate) client: Client,
}

impl Database {
    pub(crate) async fn new(name: &'static str) -> Option<Self> {
        let server = Postgres::shared()?;
        server.client().await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Some(Self::connect(server, name).await)
    }

    async fn connect(server: Arc<Postgres>, name: &'static str) -> Self {
        let mut config: tokio_postgres::Config = server.url().parse().unwrap();
        config.password(Postgres::PASSWORD).dbname(name);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { server, name, client }
    }

    /// The URL without the password.
    pub(crate) fn url(&self) -> String {
        let url = self.server.url();
        format!("{}/{}", url.rsplit_once('/').unwrap().0, self.name)
    }

    pub(crate) fn url_with_password(&self) -> String {
        self.url().replace("postgres@", &format!("postgres:{}@", Postgres::PASSWORD))
    }

    /// The rows of a table as JSON, by the value of a column.
    pub(crate) async fn rows(&self, table: &str, key: &str) -> BTreeMap<String, Value> {
        let query = format!("SELECT \"{key}\"::text, to_json(t)::text FROM {table} t");
        let rows = self.client.query(&query, &[]).await.unwrap();
        let found: BTreeMap<String, Value> = rows
            .iter()
            .map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap()))
            .collect();
        assert_eq!(found.len(), rows.len(), "each key occurs once");
        found
    }

    pub(crate) async fn one(&self, query: &str) -> String {
        self.client.query_one(query, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn do_(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap();
    }

    pub(crate) async fn export(&self, org: &MockOrg, folder: &Path, arguments: &[&str]) -> Outcome {
        self.export_to(&self.url(), org, folder, arguments).await
    }

    /// Exports to this URL of the database.
    pub(crate) async fn export_to(
        &self,
        url: &str,
        org: &MockOrg,
        folder: &Path,
        arguments: &[&str],
    ) -> Outcome {
        let output = program(Some(org), &folder.join("state"))
            .args(["export", QUEUES, "--out", url])
            .args(arguments)
            .env("PGPASSWORD", Postgres::PASSWORD)
            .current_dir(folder)
            .output()
            .await
            .unwrap();
        Outcome {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The records of the org.
async fn truth(org: &MockOrg, folder: &Path) -> BTreeMap<String, Value> {
    run(Some(org), folder, &["export", QUEUES, "--out", "truth.jsonl"]).await.done();
    let text = read(folder.join("truth.jsonl"));
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records: BTreeMap<String, Value> =
        records.map(|record| (record["id"].as_str().unwrap().to_owned(), record)).collect();
    assert_eq!(records.len(), org.expected(QUEUES).unwrap().records.len());
    records
}

pub(crate) fn snake(name: &str) -> String {
    name.chars()
        .flat_map(|it| match it.is_uppercase() {
            true => vec!['_', it.to_ascii_lowercase()],
            false => vec![it],
        })
        .collect()
}

/// Whether two values are equal. A time may have different formats.
pub(crate) fn same(column: &Value, field: &Value) -> bool {
    let instant =
        |value: &Value| value.as_str().and_then(|it| chrono::DateTime::parse_from_rfc3339(it).ok());
    let number = |value: &Value| value.as_f64();
    column == field
        || instant(column).is_some() && instant(column) == instant(field)
        || number(column).is_some() && number(column) == number(field)
}

/// Compares every value of every row with the record.
pub(crate) fn assert_same(rows: &BTreeMap<String, Value>, records: &BTreeMap<String, Value>) {
    assert_eq!(rows.keys().collect::<Vec<_>>(), records.keys().collect::<Vec<_>>());
    for (id, record) in records {
        let row = &rows[id];
        let mut values = 0;
        let mut check = |name: &str, value: &Value| {
            assert!(same(&row[name], value), "{id} {name}: {} is not {value}", row[name]);
            values += usize::from(!value.is_null());
        };
        for (name, value) in record.as_object().unwrap() {
            let name = snake(name);
            match value.as_object() {
                Some(inner) if row.get(&name).is_none() => {
                    for (field, value) in inner {
                        check(&format!("{name}_{}", snake(field)), value);
                    }
                }
                _ => check(&name, value),
            }
        }
        let there = row.as_object().unwrap().values().filter(|it| !it.is_null()).count();
        assert_eq!(there, values, "{id} has no other values");
        assert!(values > 5);
    }
}

#[tokio::test]
async fn a_table_has_each_record_once_after_random_kills() {
    let Some(database) = Database::new("killed").await else { return };
    let org = MockOrg::builder().list(QUEUES, 250).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = database.url_with_password();
    let arguments = [
        "export",
        QUEUES,
        "--out",
        &url,
        "--create-table",
        "--batch",
        "13",
        "--page-size",
        "25",
        "--resume",
    ];
    let kills = to_the_end(&org, folder.path(), &arguments, 7).await;
    assert!(kills > 0, "{kills} kills");
    assert_same(&database.rows("routing_queues", "id").await, &truth(&org, folder.path()).await);
    let tables =
        database.one("SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(tables, "3", "the part is gone");
    // Killed after the move and before the state is removed.
    database
        .do_(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN NEW.state := coalesce(NEW.state, OLD.state); RETURN NEW; END'; \
             DROP TABLE routing_queues, genesys_cloud_exports",
        )
        .await;
    assert!(killed(&org, folder.path(), &arguments, "saved", 2).await);
    database
        .do_(
            "CREATE TRIGGER keep BEFORE UPDATE ON genesys_cloud_exports FOR EACH ROW \
             EXECUTE FUNCTION keep()",
        )
        .await;
    assert!(!killed(&org, folder.path(), &arguments, "saved", 1_000).await);
    let left = "SELECT concat(whole, state IS NULL) FROM genesys_cloud_exports";
    assert_eq!(database.one(left).await, "tf");
    database.do_("DROP TRIGGER keep ON genesys_cloud_exports").await;
    assert!(!killed(&org, folder.path(), &arguments, "saved", 1_000).await);
    assert_eq!(database.rows("routing_queues", "id").await.len(), 250);
    let ended = "SELECT concat(whole, state IS NULL, report->>'verdict', report->>'records', \
                 strpos(report::text, 'pw-of-the-test')) FROM genesys_cloud_exports";
    assert_eq!(database.one(ended).await, "ttcomplete2500");
}

#[tokio::test]
async fn a_killed_upsert_updates_and_keeps_rows() {
    let Some(database) = Database::new("upserts").await else { return };
    let org = MockOrg::builder().list(QUEUES, 200).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = database.url_with_password();
    let table = ["--table", "public.queues", "--create-table", "--upsert"];
    // Older rows, and one that is not in the list.
    let older = [&table[..], &["--limit", "50"]].concat();
    database.export(&org, folder.path(), &older).await.done();
    assert_eq!(database.rows("queues", "id").await.len(), 50);
    database
        .do_("UPDATE queues SET name = 'stale'; INSERT INTO queues (id, name) VALUES ('foreign', 'f')")
        .await;
    let arguments =
        [&["export", QUEUES, "--out", &url, "--batch", "11", "--resume"], &table[..]].concat();
    assert!(killed(&org, folder.path(), &arguments, "saved", 4).await);
    // An incomplete export does not change the table.
    let stale = "SELECT concat(count(*), min(name)) FROM queues WHERE id <> 'foreign'";
    assert_eq!(database.one(stale).await, "50stale");
    assert_eq!(database.one("SELECT concat(whole) FROM genesys_cloud_exports").await, "f");
    assert!(to_the_end(&org, folder.path(), &arguments, 5).await > 0);
    let mut rows = database.rows("queues", "id").await;
    assert_eq!(rows.remove("foreign").unwrap()["name"], "f");
    assert_same(&rows, &truth(&org, folder.path()).await);
    // Running the command again changes nothing.
    database.export(&org, folder.path(), &table).await.done();
    assert_eq!(database.rows("queues", "id").await.len(), 201);
}

#[tokio::test]
async fn writes_to_a_table_of_the_user_by_column_type() {
    let Some(database) = Database::new("own").await else { return };
    let org = MockOrg::builder().list(QUEUES, 120).start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "CREATE SCHEMA crm; CREATE TABLE crm.q (n serial PRIMARY KEY, id uuid NOT NULL, \
             name varchar(200), \"memberCount\" text, \"division.name\" text, date_created date)",
        )
        .await;
    let fields = ["--table", "crm.q", "--fields", "id,name,memberCount,division.name,dateCreated"];
    let done = database.export(&org, folder.path(), &fields).await;
    done.done();
    let err = "table crm.q, report in table crm.genesys_cloud_exports";
    assert!(done.err.contains(err), "{}", done.err);
    let truth = truth(&org, folder.path()).await;
    let rows = database.rows("crm.q", "id").await;
    for (id, record) in &truth {
        let row = &rows[id];
        assert_eq!(row["name"], record["name"]);
        let count = record["memberCount"].as_i64().map(|count| count.to_string());
        assert_eq!(row["memberCount"].as_str(), count.as_deref());
        assert_eq!(row["division.name"], record["division"]["name"]);
        let day = record["dateCreated"].as_str().map(|instant| &instant[..10]);
        assert_eq!(row["date_created"].as_str(), day);
    }
    // Without --upsert, records are added.
    database.export(&org, folder.path(), &fields).await.done();
    assert_eq!(database.one("SELECT count(*)::text FROM crm.q").await, "240");
}

#[tokio::test]
async fn names_an_invalid_value_and_resumes() {
    let Some(database) = Database::new("unfit").await else { return };
    let org = MockOrg::builder().list(QUEUES, 300).start().await.unwrap();
    let folder = tempdir().unwrap();
    let truth = org.expected(QUEUES).unwrap().records;
    database
        .do_(&format!(
            "CREATE TABLE q (id text CHECK (id <> '{}'), name text, \"memberCount\" bigint)",
            truth[217]
        ))
        .await;
    let options = ["--table", "q", "--fields", "id,name,memberCount", "--batch", "100"];
    let options = [&options[..], &["--page-size", "100"]].concat();
    let refused = database.export(&org, folder.path(), &options).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    for part in
        [&format!("record 218 (id {})", truth[217])[..], "violates check constraint", "--resume"]
    {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert_eq!(database.one("SELECT count(*)::text FROM q_staging").await, "200");
    assert_eq!(database.one("SELECT count(*)::text FROM q").await, "0");
    let again = database.export(&org, folder.path(), &options).await;
    assert_eq!(again.code, Some(2), "it is not overwritten: {}", again.err);
    database.do_("ALTER TABLE q DROP CONSTRAINT q_id_check; ALTER TABLE q_staging DROP CONSTRAINT q_id_check").await;
    org.reset();
    let resumed = [&options[..], &["--resume"]].concat();
    database.export(&org, folder.path(), &resumed).await.done();
    assert_eq!(database.rows("q", "id").await.len(), 300);
    // Only the last page is read again.
    assert_eq!(org.requests_for(QUEUES).len(), 2);

    // A string for a number, in a batch of several megabytes.
    let long = "x".repeat(100_000);
    let mut records: Vec<Value> =
        (0..60).map(|n| json!({"id": format!("r{n}"), "name": long, "memberCount": n})).collect();
    records[37]["memberCount"] = "many".into();
    respond(&org, &records);
    let restart = [&options[..], &["--restart", "--prefetch", "0"]].concat();
    let refused = database.export(&org, folder.path(), &restart).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    let fault = "record 38 (id r37) does not fit column memberCount of public.q_staging (field memberCount)";
    assert!(refused.err.contains(fault), "{}", refused.err);
    assert!(refused.err.contains("\"many\""), "{}", refused.err);

    // Characters that PostgreSQL does not support.
    let records = [json!({"id": "a", "name": "nul \0 and \u{1F600}", "memberCount": 25.0})];
    respond(&org, &records);
    database.do_("TRUNCATE q").await;
    let done = database.export(&org, folder.path(), &restart).await;
    done.done();
    assert!(done.err.contains("1 value with invalid characters"), "{}", done.err);
    let rows = database.rows("q", "id").await;
    assert_eq!(
        rows["a"],
        json!({"id": "a", "name": "nul \u{fffd} and \u{1F600}", "memberCount": 25})
    );
}

#[tokio::test]
async fn an_upsert_can_be_added_on_resume() {
    let Some(database) = Database::new("forgotten").await else { return };
    let org = MockOrg::builder().list(QUEUES, 120).start().await.unwrap();
    let folder = tempdir().unwrap();
    let truth = truth(&org, folder.path()).await;
    let there = truth.keys().nth(60).unwrap();
    database
        .do_(&format!(
            "CREATE TABLE q (id text PRIMARY KEY, name text UNIQUE, \"memberCount\" bigint); \
             INSERT INTO q VALUES ('{there}', 'stale', 7), ('foreign', 'f', 1)"
        ))
        .await;
    let options = ["--table", "q", "--fields", "id,name,memberCount", "--batch", "50"];
    org.reset();
    let refused = database.export(&org, folder.path(), &options).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    for part in ["duplicate key", "no record was added; --resume --upsert updates"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert!(!refused.err.contains("25P02"), "{}", refused.err);
    let read = org.requests_for(QUEUES).len();
    let report = "SELECT concat(whole, report->>'records', report->>'exit') \
                  FROM genesys_cloud_exports";
    assert_eq!(database.one(report).await, "f120output-refused");
    let resumed = |upsert: &'static [&'static str]| [&options[..], &["--resume"], upsert].concat();
    // Again without --upsert, and by a field without an index.
    for (upsert, why) in
        [(&[][..], "duplicate key"), (&["--upsert", "memberCount"], "no unique index")]
    {
        let again = database.export(&org, folder.path(), &resumed(upsert)).await;
        assert_eq!(again.code, Some(11), "{}", again.err);
        assert!(again.err.contains(why), "{}", again.err);
    }
    // The later record of a key wins, even if it was written before --upsert was given.
    database
        .do_(&format!(
            "INSERT INTO q_staging (id, name, \"memberCount\") VALUES ('{there}', 'later', 99)"
        ))
        .await;
    database.export(&org, folder.path(), &resumed(&["--upsert"])).await.done();
    assert_eq!(org.requests_for(QUEUES).len(), read, "nothing was read again");
    let rows = database.rows("q", "id").await;
    assert_eq!(rows.len(), 121);
    assert_eq!(rows[there], json!({"id": there, "name": "later", "memberCount": 99}));
    assert_eq!(rows["foreign"]["name"], "f");
    for (id, record) in truth.iter().filter(|(id, _)| *id != there) {
        assert_eq!(rows[id]["name"], record["name"]);
    }

    // A warning shows at the start, also after an interruption.
    database.do_("ALTER TABLE q ADD CHECK (id <> 'r1')").await;
    respond(&org, &[json!({"id": "r1", "name": "x", "memberCount": 1})]);
    let stopped = database.export(&org, folder.path(), &options).await;
    assert_eq!(stopped.code, Some(11), "{}", stopped.err);
    let doubt = "note: table public.q has rows and a unique index on id: without --upsert";
    assert!(stopped.err.contains(doubt), "{}", stopped.err);
    // A new table does not have the order column.
    let new = ["--table", "new", "--create-table", "--fields", "id,name"];
    let records = [("a", "x"), ("b", "x"), ("a", "y")];
    respond(&org, &records.map(|(id, name)| json!({"id": id, "name": name})));
    database.export(&org, folder.path(), &new).await.done();
    let columns = "SELECT string_agg(column_name, ',' ORDER BY ordinal_position) \
                   FROM information_schema.columns WHERE table_name = 'new'";
    assert_eq!(database.one(columns).await, "id,name");
    assert_eq!(database.one("SELECT count(*)::text FROM new").await, "3");
    // With another upsert field than before.
    let url = database.url_with_password();
    let begun = ["export", QUEUES, "--out", &url, "--batch", "40", "--upsert", "name"];
    let made = ["--table", "made", "--create-table"];
    assert!(killed(&org, folder.path(), &[&begun[..], &made].concat(), "saved", 1).await);
    let resumed = [&made[..], &["--resume", "--upsert"]].concat();
    database.export(&org, folder.path(), &resumed).await.done();
    assert_same(&database.rows("made", "id").await, &truth);
    let needed = "SELECT string_agg(column_name, ',') FROM information_schema.columns \
                  WHERE table_name = 'made' AND is_nullable = 'NO'";
    assert_eq!(database.one(needed).await, "id");
}

#[tokio::test]
async fn does_not_blame_a_record_for_a_database_failure() {
    let Some(database) = Database::new("befallen").await else { return };
    let org = MockOrg::builder().list(QUEUES, 60).start().await.unwrap();
    let folder = tempdir().unwrap();
    let id = &org.expected(QUEUES).unwrap().records[30];
    for (table, code, fault, parts) in [
        (
            "full",
            11,
            "RAISE 'could not extend file' USING ERRCODE = '53100'",
            ["could not extend file (53100)", "database befallen at 127.0.0.1"],
        ),
        (
            "ended",
            9,
            "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(0)",
            ["the connection to database befallen", "was lost"],
        ),
    ] {
        database
            .do_(&format!(
                "CREATE FUNCTION {table}(id text) RETURNS boolean LANGUAGE plpgsql AS \
                 $$BEGIN IF id = '{id}' THEN {fault}; END IF; RETURN true; END$$; \
                 CREATE TABLE t_{table} (id text CHECK ({table}(id)))"
            ))
            .await;
        let table = format!("t_{table}");
        let options = ["--table", &table, "--fields", "id", "--batch", "25"];
        let lost = database.export(&org, folder.path(), &options).await;
        assert_eq!(lost.code, Some(code), "{}", lost.err);
        for part in parts {
            assert!(lost.err.contains(part), "{part}: {}", lost.err);
        }
        assert!(!lost.err.contains("does not fit"), "{}", lost.err);
        let mend = format!(
            "ALTER TABLE {table}_staging DROP CONSTRAINT {table}_id_check; ALTER TABLE {table} DROP CONSTRAINT {table}_id_check"
        );
        database.do_(&mend).await;
        let resumed = [&options[..], &["--resume"]].concat();
        database.export(&org, folder.path(), &resumed).await.done();
        assert_eq!(database.rows(&table, "id").await.len(), 60);
    }
}

/// Makes the org respond with these records.
fn respond(org: &MockOrg, records: &[Value]) {
    let page = json!({
        "entities": records, "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": records.len(),
    });
    org.respond_next(QUEUES, CannedResponse::json(200, &page)).unwrap();
}

/// One of three queues is invalid: by its column type, or by a constraint without a column.
#[tokio::test]
async fn rejects_each_invalid_record_once_across_kills() {
    let Some(database) = Database::new("rejects").await else { return };
    let latency = std::time::Duration::from_millis(10);
    let org = MockOrg::builder().list(QUEUES, 500).latency(latency).fault(Odd);
    let org = org.start().await.unwrap();
    let folder = tempdir().unwrap();
    let all = org.expected(QUEUES).unwrap().records;
    let bad = all.iter().filter(|id| !is_odd(id)).nth(17).unwrap();
    database
        .do_(&format!(
            "CREATE TABLE s (id text CHECK (id <> '{bad}'), \"memberCount\" bigint); CREATE TABLE n (LIKE s INCLUDING ALL)"
        ))
        .await;
    let url = database.url_with_password();
    for (what, table) in [("skip", "s"), ("null", "n")] {
        let rejects = format!("{what}.jsonl");
        let arguments = [
            "export",
            QUEUES,
            "--out",
            &url,
            "--table",
            table,
            "--fields",
            "id,memberCount",
            "--batch",
            "13",
            "--page-size",
            "25",
            "--resume",
            "--on-bad-value",
            what,
            "--rejects",
            &rejects,
        ];
        let kills = to_the_end(&org, folder.path(), &arguments, 7).await;
        assert!(kills > 0, "{kills} kills");
        let rows = database.rows(table, "id").await;
        let is_written = |id: &&String| *id != bad && (what == "null" || !is_odd(id));
        let expected: Vec<&String> = all.iter().filter(is_written).collect();
        assert_eq!(rows.len(), expected.len(), "{what}");
        assert!(expected.iter().all(|id| rows.contains_key(*id)), "{what}");
        let mut odd_rows = rows.iter().filter(|(id, _)| is_odd(id));
        assert!(odd_rows.all(|(_, row)| row["memberCount"].is_null()), "{what}");
        let (found, lines) = rejected(&folder.path().join(&rejects));
        let expected: Vec<&String> = all.iter().filter(|id| *id == bad || is_odd(id)).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{what}: each of them once");
        let of_bad = lines.iter().find(|line| line["record"]["id"] == **bad).unwrap();
        assert_eq!((&of_bad["action"], &of_bad["field"]), (&"skip".into(), &Value::Null));
        let others = lines.iter().filter(|line| line["record"]["id"] != **bad);
        let fields = others.map(|line| (line["action"].as_str(), line["field"].as_str()));
        assert!(fields.clone().all(|it| it == (Some(what), Some("memberCount"))), "{fields:?}");
    }
}

#[tokio::test]
async fn names_record_and_column_of_an_unsupported_character() {
    let Some(server) = Postgres::shared() else { return };
    let create =
        "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    server.client().await.batch_execute(create).await.unwrap();
    let database = Database::connect(server, "latin").await;
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    database.do_("CREATE TABLE q (id text, name text, description text)").await;
    let mut records: Vec<Value> = (0..300)
        .map(|n| json!({"id": format!("r{n}"), "name": "ü", "description": "é".repeat(100)}))
        .collect();
    records[137]["description"] = "costs 5 €".into();
    records[212]["name"] = "half\u{1F600}".into();
    let options = ["--table", "q", "--fields", "id,name,description", "--prefetch", "0"];
    respond(&org, &records);
    let refused = database.export(&org, folder.path(), &options).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    let fault = "record 138 (id r137) does not fit column description of public.q_staging";
    assert!(refused.err.contains(fault), "{}", refused.err);
    for (what, rows) in [("null", 300), ("skip", 298)] {
        respond(&org, &records);
        let rest = ["--restart", "--on-bad-value", what, "--rejects", "r.jsonl"];
        let done = database.export(&org, folder.path(), &[&options[..], &rest].concat()).await;
        done.done();
        let (found, lines) = rejected(&folder.path().join("r.jsonl"));
        assert_eq!(found, ["r137", "r212"]);
        assert_eq!(
            (&lines[0]["field"], &lines[1]["field"]),
            (&"description".into(), &"name".into())
        );
        let there = database.rows("q", "id").await;
        assert_eq!(there.len(), rows, "{what}");
        assert_eq!(there["r0"]["name"], "ü");
        if what == "null" {
            assert_eq!(there["r137"]["description"], Value::Null);
            assert_eq!(there["r212"]["name"], Value::Null);
        }
        database.do_("TRUNCATE q").await;
    }
    // This encoding does not have U+FFFD.
    let body =
        r#"{"entities":[{"id":"a","name":"x\ud83d"}],"pageNumber":1,"pageCount":1,"total":1}"#;
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let reply = CannedResponse { status: 200, headers, body: body.into() };
    org.respond_next(QUEUES, reply).unwrap();
    let done = database.export(&org, folder.path(), &[&options[..], &["--restart"]].concat()).await;
    done.done();
    assert_eq!(database.rows("q", "id").await["a"]["name"], "x?");
}

#[tokio::test]
async fn bad_input() {
    let Some(database) = Database::new("refusals").await else { return };
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "CREATE TABLE narrow (id text, name text); CREATE TABLE foreign_staging (x text); \
             CREATE USER weak PASSWORD 'weak-password'; CREATE TABLE closed (id text)",
        )
        .await;
    let url = database.url();
    let weak = url.replace("postgres@", "weak:weak-password@");
    let nowhere = format!("postgres://me@127.0.0.1:1/{}", database.name);
    let missing = url.replace("/refusals", "/nothing");
    let wrong = url.replace("postgres@", "postgres:not-the-password@");
    let fields = ["--fields", "id"];
    let mut faults = Vec::new();
    for (out, options, code, parts) in [
        (
            &nowhere,
            &["--create-table"][..],
            9,
            &["can't connect to database refusals at 127.0.0.1:1", "refused"][..],
        ),
        (&wrong, &["--create-table"], 11, &["does not accept the password of user postgres"]),
        (&missing, &["--create-table"], 11, &["database nothing at 127.0.0.1"]),
        (
            &weak,
            &["--create-table"],
            11,
            &["user weak lacks a privilege", "CREATE on schema public"],
        ),
        (&url, &[], 11, &["table public.routing_queues does not exist; --create-table creates it"]),
        (
            &url,
            &["--table", "narrow", "--fields", "id,memberCount,division.name"],
            11,
            &[
                "has no column for memberCount, division.name",
                "ADD \"member_count\" bigint, ADD \"division_name\" text",
            ],
        ),
        (
            &url,
            &["--table", "narrow"],
            11,
            &[
                "has no column for ",
                " fields (",
                "create another table with --table and --create-table",
            ],
        ),
        (
            &url,
            &["--table", "narrow", "--fields", "id,name", "--upsert"],
            11,
            &["no unique index", "CREATE UNIQUE INDEX ON \"public\".\"narrow\" (\"id\")"],
        ),
        (
            &url,
            &["--create-table", "--fields", "name", "--upsert"],
            2,
            &["the output has no field `id`"],
        ),
        (
            &url,
            &["--table", "foreign", "--create-table"],
            11,
            &["public.foreign_staging exists but is not of an export to public.foreign"],
        ),
        (&url, &["--table", "none.q", "--create-table"], 11, &["schema \"none\" does not exist"]),
        (&url, &["--table", "a.b.c"], 2, &["name or schema.name"]),
        (&url, &["--format", "csv"], 2, &["`--format` can't be used with a database table"]),
        (
            &url,
            &["--state", "redis://127.0.0.1/0"],
            2,
            &["the state of an export to PostgreSQL is in the database"],
        ),
        (&wrong.replacen("postgres:", "mysql:", 1), &[], 2, &["a URL with the scheme `mysql`"]),
        (&format!("{wrong}?shoe=7"), &[], 2, &["unknown option `shoe`"]),
        (&format!("{wrong}?sslmode=maybe"), &[], 2, &["sslmode must be"]),
        (
            &format!("{url}?sslmode=require"),
            &["--create-table"],
            11,
            &["server does not support TLS"],
        ),
        (&"q.jsonl".to_owned(), &["--upsert"], 2, &["need a database"]),
    ] {
        let output = program(Some(&org), &folder.path().join("state"))
            .args(["export", QUEUES, "--out", out])
            .args(options)
            .args(fields.iter().filter(|_| options.is_empty()))
            .env("PGPASSWORD", Postgres::PASSWORD)
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let is_named = parts.iter().all(|part| text.contains(part));
        let is_secret = !["not-the-password", "weak-password", Postgres::PASSWORD]
            .iter()
            .any(|password| text.contains(password));
        if output.status.code() != Some(code) || !is_named || !is_secret {
            faults.push(format!("{out} {options:?}: {:?} {text}", output.status.code()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(org.request_count(), 0);
}

#[tokio::test]
async fn resumes_after_a_lost_database() {
    let Some(server) = Postgres::start() else { return };
    let org = slow().await;
    let folder = tempdir().unwrap();
    let url = server.url().replace("postgres@", &format!("postgres:{}@", Postgres::PASSWORD));
    let options = ["--create-table", "--batch", "20", "--page-size", "25", "--log", "json"];
    let arguments = [&["export", QUEUES, "--out", &url], &options[..]].concat();
    let lost = crashed(&server, false, &org, folder.path(), &arguments).await;
    assert_eq!(lost.code, Some(9), "{}", lost.err);
    for part in ["was lost: ", "PGPASSWORD=.. genesys-cloud export", "--resume"] {
        assert!(lost.err.contains(part), "{part}: {}", lost.err);
    }
    assert!(!lost.err.contains(Postgres::PASSWORD), "{}", lost.err);
    server.resume();
    let resumed = [&arguments[..], &["--resume"]].concat();
    run(Some(&org), folder.path(), &resumed).await.done();
    let client = server.client().await;
    let rows = client.query("SELECT id FROM routing_queues", &[]).await.unwrap();
    let mut found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut truth = org.expected(QUEUES).unwrap().records;
    found.sort();
    truth.sort();
    assert_eq!(found, truth);
}

#[tokio::test]
async fn reconnects_after_a_lost_connection() {
    let Some(server) = Postgres::start() else { return };
    let org = slow().await;
    let folder = tempdir().unwrap();
    let url = server.url().replace("postgres@", &format!("postgres:{}@", Postgres::PASSWORD));
    let options = ["--create-table", "--batch", "20", "--page-size", "25", "--log", "json"];
    let arguments = [&["export", QUEUES, "--out", &url], &options[..]].concat();
    // The server crashes and restarts.
    let done = crashed(&server, true, &org, folder.path(), &arguments).await;
    done.done();
    assert!(done.err.contains("reconnecting"), "{}", done.err);
    // The COMMIT or its response is lost.
    for (table, cut) in [("answer", Cut::Answer), ("request", Cut::Request)] {
        let proxy = Proxy::once(&server, cut, STORES).await;
        let by_proxy = proxy.url(&url);
        let options = ["--create-table", "--batch", "20", "--table", table];
        let arguments = [&["export", QUEUES, "--limit", "200", "--out", &by_proxy], &options[..]];
        let done = run(Some(&org), folder.path(), &arguments.concat()).await;
        done.done();
        assert!(done.err.contains("reconnecting"), "{cut:?}: {}", done.err);
    }
    let client = server.client().await;
    let truth = org.expected(QUEUES).unwrap().records;
    for (table, count) in [("routing_queues", truth.len()), ("answer", 200), ("request", 200)] {
        let rows = client.query(&format!("SELECT id FROM {table} ORDER BY 1"), &[]).await.unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let mut expected = truth[..count].to_vec();
        expected.sort();
        assert_eq!(found, expected, "{table}");
    }
}

/// Runs an export and crashes the server during it. `comes_back`: restarts the server.
async fn crashed(
    server: &Postgres,
    comes_back: bool,
    org: &MockOrg,
    folder: &Path,
    arguments: &[&str],
) -> Outcome {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut child = program(Some(org), &folder.join("state"))
        .args(arguments)
        .current_dir(folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut err, mut saved) = (String::new(), 0);
    while let Some(line) = lines.next_line().await.unwrap() {
        saved += u32::from(line.contains("\"event\":\"saved\""));
        if saved == 3 {
            server.crash();
            if comes_back {
                server.resume();
            }
            saved += 1;
        }
        err += &line;
        err.push('\n');
    }
    Outcome { code: child.wait().await.unwrap().code(), out: String::new(), err }
}

#[tokio::test]
async fn uses_tls_as_in_the_url() {
    let Some((server, certificate)) = Postgres::with_tls() else { return };
    let org = MockOrg::builder().list(QUEUES, 5).start().await.unwrap();
    let folder = tempdir().unwrap();
    let certificate = certificate.display();
    let url = server.url().replace("127.0.0.1", "localhost");
    let file = format!("verify-full&sslrootcert={certificate}");
    for (mode, url, refused) in [
        ("prefer", &url, None),
        ("require", &url, None),
        ("disable", &url, None),
        (&file, &url, None),
        (&file, &server.url(), Some("not valid for name \"127.0.0.1\"")),
        ("verify-full", &url, Some("invalid peer certificate")),
        ("verify-full&sslrootcert=none.pem", &url, Some("can't read certificates from none.pem")),
    ] {
        let done = program(Some(&org), folder.path())
            .args(["export", QUEUES, "--create-table", "--upsert"])
            .args(["--out", &format!("{url}?sslmode={mode}")])
            .env("PGPASSWORD", Postgres::PASSWORD)
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        match refused {
            None => assert!(done.status.success(), "{mode}: {err}"),
            Some(part) => {
                assert_eq!(done.status.code(), Some(11), "{mode}: {err}");
                assert!(err.contains(part), "{mode}: {err}");
            }
        }
    }
}

#[tokio::test]
async fn rejects_a_second_export_to_the_same_table() {
    let Some(database) = Database::new("twice").await else { return };
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let lock =
        "SELECT pg_advisory_lock(hashtextextended('genesys-cloud public.routing_queues', 0))";
    database.do_(lock).await;
    let refused = database.export(&org, folder.path(), &["--create-table"]).await;
    assert_eq!(refused.code, Some(9), "{}", refused.err);
    assert!(
        refused.err.contains("another export is writing to table public.routing_queues"),
        "{}",
        refused.err
    );
    database.export(&org, folder.path(), &["--create-table", "--table", "other"]).await.done();
}

/// Statements of the transaction that stores a batch, and of the one that moves the records.
const STORES: &str = "COPY ";
const MOVES: &str = "SET whole = true";

#[tokio::test]
async fn a_resume_resolves_the_outcome_of_a_lost_commit() {
    let Some(database) = Database::new("batches").await else { return };
    let org = MockOrg::builder().list(QUEUES, 300).start().await.unwrap();
    let folder = tempdir().unwrap();
    for (table, cut, stored) in [("answer", Cut::Answer, "100"), ("request", Cut::Request, "0")] {
        let proxy = Proxy::before(&database.server, cut, STORES).await;
        let url = proxy.url(&database.url());
        let options = ["--table", table, "--create-table", "--batch", "100"];
        let lost = database.export_to(&url, &org, folder.path(), &options).await;
        assert_eq!(lost.code, Some(9), "{}", lost.err);
        for part in [
            "the connection to database batches at 127.0.0.1:",
            "was lost",
            "unknown whether the last batch was stored; --resume finds out",
        ] {
            assert!(lost.err.contains(part), "{part}: {}", lost.err);
        }
        let there = format!("SELECT count(*)::text FROM {table}_staging");
        assert_eq!(database.one(&there).await, stored, "{cut:?}");
        let resumed = [&options[..], &["--resume"]].concat();
        database.export(&org, folder.path(), &resumed).await.done();
        assert_eq!(database.rows(table, "id").await.len(), 300, "{cut:?}");
    }
}

#[tokio::test]
async fn does_not_add_records_twice_after_a_lost_move() {
    let Some(database) = Database::new("moves").await else { return };
    let org = MockOrg::builder().list(QUEUES, 120).start().await.unwrap();
    let folder = tempdir().unwrap();
    for (table, cut, moved) in [("answer", Cut::Answer, "120"), ("request", Cut::Request, "0")] {
        database.do_(&format!("CREATE TABLE {table} (id text, name text)")).await;
        let proxy = Proxy::before(&database.server, cut, MOVES).await;
        let url = proxy.url(&database.url());
        let options = ["--table", table, "--fields", "id,name", "--batch", "50"];
        let with = |more: &[&'static str]| [&options[..], more].concat();
        let lost = database.export_to(&url, &org, folder.path(), &options).await;
        assert_eq!(lost.code, Some(9), "{}", lost.err);
        let place = format!(
            "table public.{table} if the COMMIT succeeded, else table public.{table}_staging"
        );
        let unknown = format!("unknown whether the records were moved to table public.{table};");
        for part in
            [&place[..], &unknown, "to resume: PGPASSWORD=.. genesys-cloud export", "--resume"]
        {
            // The command does not contain the password.
            let part = part.replace("PGPASSWORD=.. ", "");
            assert!(lost.err.contains(&part), "{part}: {}", lost.err);
        }
        assert!(!lost.err.contains("complete"), "{}", lost.err);
        let rows = format!("SELECT count(*)::text FROM {table}");
        assert_eq!(database.one(&rows).await, moved, "{cut:?}");
        let read = org.requests_for(QUEUES).len();
        let again = database.export(&org, folder.path(), &options).await;
        assert_eq!(again.code, Some(2), "{}", again.err);
        if let Cut::Answer = cut {
            let refused = database.export(&org, folder.path(), &with(&["--restart"])).await;
            assert_eq!(refused.code, Some(2), "{}", refused.err);
            for part in ["has already moved its records to table public.answer", "with --resume"] {
                assert!(refused.err.contains(part), "{part}: {}", refused.err);
            }
        }
        let old = ["--resume", "--max-age", "0s", "--limit", "5"];
        let old = if let Cut::Answer = cut { &old[..] } else { &old[..1] };
        let done = database.export(&org, folder.path(), &with(old)).await;
        done.done();
        assert!(done.err.contains("complete: 120 records"), "{}", done.err);
        assert_eq!(org.requests_for(QUEUES).len(), read, "{cut:?}: nothing was read again");
        assert_eq!(database.rows(table, "id").await.len(), 120, "{cut:?}");
        let left = format!(
            "SELECT concat(whole, state IS NULL, report->>'verdict', report->>'records') \
             FROM genesys_cloud_exports WHERE table_name = '{table}'"
        );
        assert_eq!(database.one(&left).await, "ttcomplete120", "{cut:?}");
        // After that, exports work as usual.
        database.export(&org, folder.path(), &options).await.done();
        assert_eq!(database.one(&rows).await, "240", "{cut:?}");
    }
    // An upsert does not add rows twice, so --restart is allowed.
    database.do_("TRUNCATE answer; CREATE UNIQUE INDEX ON answer (id)").await;
    let proxy = Proxy::before(&database.server, Cut::Answer, MOVES).await;
    let url = proxy.url(&database.url());
    let upsert = ["--table", "answer", "--fields", "id,name", "--upsert"];
    assert_eq!(database.export_to(&url, &org, folder.path(), &upsert).await.code, Some(9));
    let restart = [&upsert[..], &["--restart"]].concat();
    database.export(&org, folder.path(), &restart).await.done();
    assert_eq!(database.rows("answer", "id").await.len(), 120);
}

#[tokio::test]
async fn rejects_the_state_and_staging_table_of_another_export() {
    let Some(database) = Database::new("mixed").await else { return };
    let org = MockOrg::builder().list(QUEUES, 300).start().await.unwrap();
    let folder = tempdir().unwrap();
    let url = database.url_with_password();
    let export = ["export", QUEUES, "--out", &url, "--create-table", "--batch", "20"];
    let resume = [&export[..], &["--resume"]].concat();
    let stopped = async || assert!(killed(&org, folder.path(), &export, "saved", 3).await);
    stopped().await;
    for (meddle, why) in [
        ("UPDATE genesys_cloud_exports SET run = 'another'", "does not match its row"),
        (
            "UPDATE genesys_cloud_exports SET state = replace(state, '\"rows\":60', '\"rows\":-1')",
            "wrong checksum",
        ),
        ("UPDATE genesys_cloud_exports SET state = left(state, 300)", "the state is damaged"),
        (
            "COMMENT ON TABLE routing_queues_staging IS 'genesys-cloud run another'",
            "routing_queues_staging is not the staging table of the export",
        ),
        ("ALTER TABLE routing_queues_staging RENAME TO away", "routing_queues_staging is missing"),
    ] {
        database.do_(meddle).await;
        let requests = org.requests_for(QUEUES).len();
        let refused = run(Some(&org), folder.path(), &resume).await;
        assert_eq!(refused.code, Some(2), "{meddle}: {}", refused.err);
        assert!(refused.err.contains(why), "{meddle}: {}", refused.err);
        assert_eq!(org.requests_for(QUEUES).len(), requests);
        database
            .do_(
                "DROP TABLE IF EXISTS away, routing_queues_staging, genesys_cloud_exports; \
                 DROP TABLE IF EXISTS routing_queues",
            )
            .await;
        stopped().await;
    }
    // A staging table of another export is not dropped.
    database.do_("COMMENT ON TABLE routing_queues_staging IS 'genesys-cloud run another'").await;
    let restart = [&export[..], &["--restart"]].concat();
    let refused = run(Some(&org), folder.path(), &restart).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    assert!(
        refused.err.contains("has the records of another unfinished export"),
        "{}",
        refused.err
    );
    assert_eq!(database.one("SELECT count(*)::text FROM routing_queues_staging").await, "60");
}

#[tokio::test]
async fn a_table_stays_until_a_list_is_complete() {
    let Some(database) = Database::new("earlier").await else { return };
    let folder = tempdir().unwrap();
    let mut output = crate::earlier::Output::new(&database.url(), folder.path());
    output.options = vec!["--create-table", "--fields", "id,name"];
    output.environment = vec![("PGPASSWORD", Postgres::PASSWORD.to_owned())];
    let look = async || {
        let rows = "SELECT string_agg(concat(id, name), ',' ORDER BY id) FROM routing_queues";
        database.one(rows).await.into_bytes()
    };
    crate::earlier::stays_until_a_list_is_complete(&output, look).await;
}

#[tokio::test]
async fn skips_nulls_and_reads_a_page_in_doubt_again() {
    let Some(database) = Database::new("doubt").await else { return };
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    let folder = tempdir().unwrap();
    let list = json!({
        "entities": [null, { "id": "q1" }, null],
        "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": 3,
    });
    org.respond_next(QUEUES, CannedResponse::json(200, &list)).unwrap();
    let options = ["--create-table", "--fields", "id", "--prefetch", "0", "--table"];
    let nulls = [&options[..], &["nulls"]].concat();
    let done = database.export(&org, folder.path(), &nulls).await;
    done.done();
    assert!(done.err.contains("1 record in 1 page, 1 call, 2 nulls"), "{}", done.err);
    assert_eq!(database.one("SELECT concat(count(*), min(id)) FROM nulls").await, "1q1");

    let truth = org.expected(QUEUES).unwrap().records;
    let short: Vec<Value> = truth[..28].iter().map(|id| json!({ "id": id })).collect();
    let short = json!({
        "entities": short, "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": 30,
    });
    for _ in 0..3 {
        org.respond_next(QUEUES, CannedResponse::json(200, &short)).unwrap();
    }
    let doubt = [&options[..], &["doubt"]].concat();
    let unknown = database.export(&org, folder.path(), &doubt).await;
    assert_eq!(unknown.code, Some(5), "{}", unknown.err);
    org.reset();
    let resumed = database.export(&org, folder.path(), &[&doubt[..], &["--resume"]].concat()).await;
    resumed.done();
    let rows = database.rows("doubt", "id").await;
    assert_eq!(rows.len(), 30);
    assert!(truth.iter().all(|id| rows.contains_key(id)));
}

#[tokio::test]
async fn two_tables_with_long_names_do_not_share_a_staging_table() {
    let Some(database) = Database::new("long").await else { return };
    let org = MockOrg::builder().list(QUEUES, 100).start().await.unwrap();
    let folder = tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|end| format!("{}{end}", "t".repeat(60)));
    let url = database.url_with_password();
    let export = ["export", QUEUES, "--out", &url, "--create-table", "--batch", "10", "--table"];
    let [one, two] = [&one, &two].map(|table| [&export[..], &[table]].concat());
    for table in [&one, &two] {
        assert!(killed(&org, folder.path(), table, "saved", 3).await);
    }
    for table in [&one, &two] {
        run(Some(&org), folder.path(), &[&table[..], &["--resume"]].concat()).await.done();
    }
    for table in [one, two] {
        assert_eq!(database.rows(table.last().unwrap(), "id").await.len(), 100);
    }
}

#[tokio::test]
async fn rejects_at_the_start_what_would_fail_in_the_end() {
    let Some(database) = Database::new("early").await else { return };
    let org = MockOrg::builder().list(QUEUES, 10).start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "CREATE TABLE t (id text PRIMARY KEY, name text); CREATE INDEX an_index ON t (name); \
             CREATE VIEW a_view AS SELECT * FROM t; CREATE MATERIALIZED VIEW stored AS SELECT * FROM t; \
             CREATE SEQUENCE counter; CREATE TYPE mood AS ENUM ('fine'); \
             CREATE TABLE computed (id text, name text GENERATED ALWAYS AS (upper(id)) STORED); \
             CREATE TABLE identity (id bigint GENERATED ALWAYS AS IDENTITY, name text); \
             CREATE TABLE needy (id text, name text, region text NOT NULL); \
             CREATE TABLE ruled (id text PRIMARY KEY, name text); \
             CREATE RULE nothing AS ON INSERT TO ruled DO INSTEAD NOTHING; \
             CREATE TABLE secured (id text PRIMARY KEY, name text); \
             ALTER TABLE secured ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY looks ON secured FOR SELECT USING (true); \
             CREATE TABLE own (id text PRIMARY KEY, name text); CREATE TABLE shut (id text, name text); \
             CREATE USER clerk PASSWORD 'pw'; GRANT CREATE ON SCHEMA public TO clerk; \
             GRANT SELECT ON t, secured, own TO clerk; GRANT INSERT ON secured, own TO clerk; \
             CREATE USER reader PASSWORD 'pw'; ALTER USER reader SET default_transaction_read_only = on",
        )
        .await;
    let url = database.url_with_password();
    let clerk = database.url().replace("postgres@", "clerk:pw@");
    let reader = database.url().replace("postgres@", "reader:pw@");
    let mut wrong = Vec::new();
    for (url, table, more, why) in [
        (&url, "an_index", &[][..], "public.an_index is an index"),
        (&url, "a_view", &[], "public.a_view is a view"),
        (&url, "stored", &[], "public.stored is a materialized view"),
        (&url, "counter", &[], "public.counter is a sequence"),
        (&url, "mood", &["--create-table"], "a type is named public.mood"),
        (&url, "computed", &[], "column name of table public.computed is GENERATED ALWAYS"),
        (&url, "identity", &[], "column id of table public.identity is GENERATED ALWAYS"),
        (&url, "needy", &[], "column region of table public.needy is NOT NULL without a default"),
        (&url, "ruled", &["--upsert"], "table public.ruled has rules"),
        (&clerk, "secured", &[], "no policy allows user clerk to INSERT"),
        (&clerk, "t", &[], "user clerk lacks a privilege in database early at 127.0.0.1:"),
        (&clerk, "t", &[], "INSERT on public.t (column id)"),
        (&clerk, "own", &["--upsert"], "UPDATE on public.own (column name)"),
        (&clerk, "shut", &[], "SELECT on public.shut"),
        (&reader, "t", &[], "read-only for user reader"),
    ] {
        let options = [&["--table", table, "--fields", "id,name"][..], more].concat();
        let refused = database.export_to(url, &org, folder.path(), &options).await;
        if refused.code != Some(11) || !refused.err.contains(why) {
            wrong.push(format!("{table:?} {more:?}: {:?} {}", refused.code, refused.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(org.requests_for(QUEUES).len(), 0);
    let parts = "SELECT count(*)::text FROM pg_tables WHERE tablename LIKE '%part'";
    assert_eq!(database.one(parts).await, "0");
}

#[tokio::test]
async fn counts_rows_before_the_commit() {
    let Some(database) = Database::new("counted").await else { return };
    let org = MockOrg::builder().list(QUEUES, 10).start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TABLE q (id text PRIMARY KEY, name text); \
             CREATE TRIGGER drops BEFORE INSERT ON q FOR EACH ROW EXECUTE FUNCTION drops()",
        )
        .await;
    for upsert in [&[][..], &["--upsert"]] {
        let options = [&["--table", "q", "--fields", "id,name"][..], upsert].concat();
        database.do_("ALTER TABLE q ENABLE TRIGGER drops; TRUNCATE q").await;
        org.reset();
        let refused = database.export(&org, folder.path(), &options).await;
        assert_eq!(refused.code, Some(11), "{}", refused.err);
        for part in ["0 of 10 rows arrived in table public.q", "--resume"] {
            assert!(refused.err.contains(part), "{part}: {}", refused.err);
        }
        assert_eq!(database.one("SELECT count(*)::text FROM q_staging").await, "10");
        database.do_("ALTER TABLE q DISABLE TRIGGER drops").await;
        let read = org.requests_for(QUEUES).len();
        let resumed = [&options[..], &["--resume"]].concat();
        database.export(&org, folder.path(), &resumed).await.done();
        assert_eq!(org.requests_for(QUEUES).len(), read, "nothing was read again");
        assert_eq!(database.rows("q", "id").await.len(), 10);
    }
}

#[tokio::test]
async fn an_upsert_does_not_write_unchanged_rows() {
    let Some(database) = Database::new("same").await else { return };
    let org = MockOrg::builder().list(QUEUES, 50).start().await.unwrap();
    let folder = tempdir().unwrap();
    // Also for a type without equality.
    database
        .do_("CREATE TABLE q (id text PRIMARY KEY, name text, \"memberCount\" json, seen int)")
        .await;
    let options = ["--table", "q", "--fields", "id,name,memberCount", "--upsert"];
    let counts = "SELECT (report->'rows')::text FROM genesys_cloud_exports";
    let done = database.export(&org, folder.path(), &options).await;
    done.done();
    assert!(done.err.contains("rows: 50 added, 0 updated, 0 unchanged"), "{}", done.err);
    database
        .do_("UPDATE q SET name = 'old' WHERE id IN (SELECT id FROM q LIMIT 3); DELETE FROM q WHERE id = (SELECT max(id) FROM q WHERE name <> 'old')")
        .await;
    let versions = "SELECT string_agg(xmin::text, ',' ORDER BY id) FROM q WHERE name <> 'old' AND id <> \
        (SELECT max(id) FROM q)";
    let ids = "SELECT count(*)::text FROM q WHERE xmin::text::bigint > ";
    let before = database.one("SELECT max(xmin::text::bigint)::text FROM q").await;
    assert!(!database.one(versions).await.is_empty());
    database.export(&org, folder.path(), &options).await.done();
    let found: Value = serde_json::from_str(&database.one(counts).await).unwrap();
    assert_eq!(found, json!({"added": 1, "updated": 3, "unchanged": 46}));
    assert_eq!(database.one(&format!("{ids}{before}")).await, "4");
    assert_eq!(database.rows("q", "id").await.len(), 50);
}

#[tokio::test]
async fn session_timeouts_do_not_end_an_export() {
    let Some(database) = Database::new("limits").await else { return };
    let latency = std::time::Duration::from_millis(600);
    let org = MockOrg::builder().list(QUEUES, 60).latency(latency).start().await.unwrap();
    let folder = tempdir().unwrap();
    database
        .do_(
            "ALTER DATABASE limits SET idle_session_timeout = '300ms'; \
             ALTER DATABASE limits SET idle_in_transaction_session_timeout = '300ms'; \
             ALTER DATABASE limits SET statement_timeout = '1s'",
        )
        .await;
    let options = ["--create-table", "--page-size", "25", "--batch", "10", "--prefetch", "0"];
    database.export(&org, folder.path(), &options).await.done();
    database.do_("SET statement_timeout = 0").await;
    assert_eq!(database.rows("routing_queues", "id").await.len(), 60);
}

#[cfg(unix)]
#[tokio::test]
async fn shows_a_lock_wait_that_can_be_interrupted() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let Some(database) = Database::new("locked").await else { return };
    let org = MockOrg::builder().list(QUEUES, 30).start().await.unwrap();
    let folder = tempdir().unwrap();
    database.do_("CREATE TABLE q (id text, name text)").await;
    database.do_("BEGIN; LOCK TABLE q IN SHARE MODE").await;
    let pid = database.one("SELECT pg_backend_pid()::text").await;
    let url = database.url();
    let export = ["export", QUEUES, "--out", &url, "--table", "q", "--fields", "id,name"];
    let mut child = program(Some(&org), &folder.path().join("state"))
        .args(export)
        .env("PGPASSWORD", Postgres::PASSWORD)
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut err, mut is_stopped) = (String::new(), false);
    while let Some(line) = lines.next_line().await.unwrap() {
        let waits = format!("waiting for a lock on public.q held by pid {pid}");
        if line.contains(&waits) && !std::mem::replace(&mut is_stopped, true) {
            let id = child.id().unwrap().to_string();
            let kill = tokio::process::Command::new("kill").args(["-TERM", &id]).status().await;
            assert!(kill.unwrap().success());
        }
        err += &line;
        err.push('\n');
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(130), "{err}");
    assert!(is_stopped && err.contains("--resume"), "{err}");
    database.do_("ROLLBACK").await;
    let read = org.requests_for(QUEUES).len();
    let options = ["--table", "q", "--fields", "id,name", "--resume"];
    database.export(&org, folder.path(), &options).await.done();
    assert_eq!(org.requests_for(QUEUES).len(), read, "nothing was read again");
    assert_eq!(database.rows("q", "id").await.len(), 30);
}

#[tokio::test]
async fn a_signal_ends_the_wait_for_an_unresponsive_database() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://me@{}/crm", silent.local_addr().unwrap());
    let err = signalled_while_waiting(&silent, &[], &["--out", &url, "--create-table"]).await;
    assert!(err.contains("stopped while connecting to database crm at 127.0.0.1:"), "{err}");
}
