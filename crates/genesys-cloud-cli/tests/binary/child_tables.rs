//! Exports whose nested lists become child tables.

use std::path::Path;

use genesys_cloud_mock::{CannedResponse, JobPace, MockOrg, Timeline};
use serde_json::{Map, Value, json};
use tempfile::tempdir;

use crate::resume::to_the_end;
use crate::values::rejected;
use crate::{read, report, run};

pub(crate) const JOBS: &str = "postAnalyticsConversationsDetailsJobs";
pub(crate) const QUERY: &str = "postAnalyticsConversationsDetailsQuery";
const RESULTS: &str = "getAnalyticsConversationsDetailsJobResults";
pub(crate) const SEGMENTS: &str = "participants.sessions.segments";

/// The tables of an export of conversations: the lists of their path, and how their elements are named.
const LEVELS: [(&str, &str, Option<&str>); 3] = [
    ("participants", "participantIndex", Some("participantId")),
    ("sessions", "sessionIndex", Some("sessionId")),
    ("segments", "segmentIndex", None),
];

/// The rows that conversations must have in each table, from their text.
pub(crate) fn expected(text: &str) -> Vec<Vec<Value>> {
    let mut tables = vec![Vec::new(); LEVELS.len() + 1];
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let keys =
            Map::from_iter([("conversationId".to_owned(), record["conversationId"].clone())]);
        let own = add(&mut tables, 0, &keys, record);
        tables[0].push(own);
    }
    tables
}

/// Adds the rows of the lists of an element, and returns the element without them.
fn add(tables: &mut [Vec<Value>], level: usize, keys: &Map<String, Value>, mut of: Value) -> Value {
    let Some((list, index, id)) = LEVELS.get(level) else { return of };
    let elements = of.as_object_mut().unwrap().remove(*list);
    for (at, element) in elements.iter().filter_map(Value::as_array).flatten().enumerate() {
        let mut keys = keys.clone();
        keys.insert((*index).to_owned(), at.into());
        let mut of_children = keys.clone();
        if let Some(id) = id {
            of_children.insert((*id).to_owned(), element.get(*id).cloned().unwrap_or_default());
        }
        let own = add(tables, level + 1, &of_children, element.clone());
        keys.extend(own.as_object().unwrap().clone());
        tables[level + 1].push(Value::Object(keys));
    }
    of
}

fn lines(path: impl AsRef<Path>) -> Vec<Value> {
    read(path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Rows in the order of their text: jobs may be read concurrently.
fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_cached_key(Value::to_string);
    rows
}

/// The conversations of an org as the API sends them, from an export without child tables.
pub(crate) async fn conversations(org: &MockOrg, folder: &Path, arguments: &[&str]) -> String {
    let arguments = [arguments, &["--out", "truth.jsonl", "--report", "none"]].concat();
    run(Some(org), folder, &arguments).await.done();
    read(folder.join("truth.jsonl"))
}

const FILES: [&str; 4] =
    ["c", "c.participants", "c.participants.sessions", "c.participants.sessions.segments"];

#[tokio::test]
async fn all_tables_have_each_row_once_after_random_kills() {
    let org = MockOrg::builder().list(RESULTS, 200).list(QUERY, 200).start().await.unwrap();
    let timeline = || Timeline::new("2024-05-01T00:00Z", "2024-05-31T00:00Z");
    org.timeline(JOBS, timeline()).unwrap();
    org.timeline(QUERY, timeline()).unwrap();
    org.job_pace(JOBS, JobPace::Polls(0)).unwrap();
    let folder = tempdir().unwrap();
    for (operation, format, options) in [
        (JOBS, "jsonl", &["--concurrency", "3"][..]),
        (QUERY, "jsonl.gz", &[]),
        (QUERY, "csv", &[]),
    ] {
        let range = ["--interval", "2024-05-01/2024-06-01", "--window", "5d"];
        let source = [&["export", operation][..], &range, options].concat();
        let expected = expected(&conversations(&org, folder.path(), &source).await);
        assert!(expected.iter().all(|rows| rows.len() >= 200), "lists have elements");
        let out = format!("c.{format}");
        let output = ["--explode", SEGMENTS, "--out", &out, "--batch", "11", "--resume"];
        let kills = to_the_end(&org, folder.path(), &[&source[..], &output].concat(), 5).await;
        assert!(kills > 0, "{operation} {format}: {kills} kills");
        let report = report(&folder.path().join(&out));
        for (at, (name, expected)) in FILES.iter().zip(expected).enumerate() {
            let path = folder.path().join(format!("{name}.{format}"));
            let rows = match format {
                "jsonl" => lines(&path),
                "csv" => {
                    let rows = table(&read(&path));
                    let keys = rows.iter().map(keys_of).collect::<Vec<_>>();
                    assert_eq!(
                        sorted(keys),
                        sorted(expected.iter().map(keys_of).collect()),
                        "{name}"
                    );
                    continue;
                }
                _ => {
                    let bytes = std::fs::read(&path).unwrap();
                    let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
                    let mut text = String::new();
                    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
                    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
                }
            };
            if at > 0 {
                let fact = &report["tables"][at - 1];
                assert_eq!(fact["rows"].as_u64(), Some(rows.len() as u64), "{fact}");
            }
            assert!(sorted(rows) == sorted(expected), "{operation} {name}");
        }
    }
    let left = std::fs::read_dir(folder.path().join(".genesys-cloud")).unwrap();
    let left = left.map(|it| it.unwrap().file_name().into_string().unwrap());
    let is_kept = |name: &String| name.contains("report") || name.ends_with(".runs");
    let parts: Vec<String> = left.filter(|name| !is_kept(name)).collect();
    assert!(parts.is_empty(), "{parts:?}");
}

/// The rows of a CSV file without quoted line breaks.
fn table(text: &str) -> Vec<Value> {
    let mut lines = text.lines().map(cells);
    let header = lines.next().unwrap();
    lines
        .map(|cells| {
            Value::Object(header.iter().cloned().zip(cells.into_iter().map(Value::from)).collect())
        })
        .collect()
}

fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells
}

/// The keys of a row as text.
fn keys_of(row: &Value) -> Value {
    let names = LEVELS.iter().flat_map(|(_, index, id)| [Some(*index), *id]).flatten();
    let text = |value: &Value| match value {
        Value::Null => Value::from(""),
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    };
    let of = |name: &str| (name.to_owned(), text(row.get(name).unwrap_or(&Value::Null)));
    Value::Object(std::iter::once("conversationId").chain(names).map(of).collect())
}

#[tokio::test]
async fn rows_of_a_tree_have_the_keys_of_its_parents() {
    let grants = "getAuthorizationRoleSubjectgrants";
    let org =
        MockOrg::builder().list("getAuthorizationRoles", 9).list(grants, 12).start().await.unwrap();
    let folder = tempdir().unwrap();
    let source = ["export", grants, "--for-each", "authorization.roles"];
    let whole = [&source[..], &["--out", "whole.jsonl"]].concat();
    run(Some(&org), folder.path(), &whole).await.done();
    let whole = lines(folder.path().join("whole.jsonl"));
    let fields = ["--fields", "roleId,id,name,divisions.id,divisions.name"];
    let output = ["--out", "g.csv", "--explode", "divisions", "--batch", "3", "--resume"];
    let arguments = [&source[..], &fields, &output].concat();
    assert!(to_the_end(&org, folder.path(), &arguments, 3).await > 0);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut expected = Vec::new();
    for record in &whole {
        for (at, division) in record["divisions"].as_array().into_iter().flatten().enumerate() {
            let index = at.to_string();
            let row = [
                &record["roleId"],
                &record["id"],
                &index.into(),
                &division["id"],
                &division["name"],
            ];
            expected.push(row.map(text));
        }
    }
    assert!(expected.len() > whole.len() / 2, "{} divisions", expected.len());
    let rows = |name: &str| -> Vec<Vec<String>> {
        read(folder.path().join(name)).lines().map(cells).collect()
    };
    assert_eq!(rows("g.csv")[0], ["roleId", "id", "name"]);
    assert_eq!(rows("g.csv").len(), 1 + whole.len());
    let mut found = rows("g.divisions.csv");
    let keys = ["roleId", "subjectDivisionGrantsId", "divisionIndex", "id", "name"];
    assert_eq!(found.remove(0), keys);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_rejected_row_names_its_table() {
    let org = MockOrg::builder().list("getRoutingQueues", 1).start().await.unwrap();
    let folder = tempdir().unwrap();
    let queues = json!([
        { "id": "a", "memberGroups": [{ "id": "g0", "memberCount": 1 }, { "id": "g1", "memberCount": "many" }] },
        { "id": "b", "memberGroups": "none" },
        { "id": "c", "memberGroups": [] },
    ]);
    for (action, rows, odd) in [("null", 2, vec!["a", "b", "c"]), ("skip", 1, vec!["a", "c"])] {
        let page = json!({ "entities": queues, "pageCount": 1, "total": 3, "pageSize": 100 });
        org.respond_next("getRoutingQueues", CannedResponse::json(200, &page)).unwrap();
        let out = format!("{action}.parquet");
        let arguments = ["export", "routing.queues", "--out", &out, "--explode", "memberGroups"];
        let rejects = ["--on-bad-value", action, "--rejects", "r.jsonl"];
        let done = run(Some(&org), folder.path(), &[&arguments[..], &rejects].concat()).await;
        done.done();
        let (ids, lines) = rejected(&folder.path().join("r.jsonl"));
        assert_eq!(ids, ["b", "g1"]);
        assert_eq!(
            (&lines[0]["table"], &lines[0]["field"]),
            (&Value::Null, &"memberGroups".into())
        );
        assert_eq!(
            (&lines[1]["table"], &lines[1]["field"]),
            (&"memberGroups".into(), &"memberCount".into())
        );
        assert_eq!(lines[1]["record"]["queueId"], "a");
        let report = report(&folder.path().join(&out));
        assert_eq!(report["tables"][0]["rows"], rows, "{report}");
        #[cfg(feature = "parquet")]
        {
            let written = crate::tables::rows(std::fs::read(folder.path().join(&out)).unwrap());
            assert_eq!(crate::tables::ids(&written), odd);
        }
        let _ = odd;
    }
    let page = json!({ "entities": queues, "pageCount": 1, "total": 3, "pageSize": 100 });
    org.respond_next("getRoutingQueues", CannedResponse::json(200, &page)).unwrap();
    let arguments = ["export", "routing.queues", "--out", "q.jsonl", "--explode", "memberGroups"];
    let failed = run(Some(&org), folder.path(), &arguments).await;
    assert_eq!(failed.code, Some(11), "{}", failed.err);
    let why = "record 2 (id b): `memberGroups` is not a list; add --on-bad-value null or skip";
    assert!(failed.err.contains(why), "{}", failed.err);
}

#[tokio::test]
async fn does_not_resume_with_other_child_tables() {
    let org = MockOrg::builder().list(QUERY, 100).start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let export = ["export", QUERY, "--body", "b.json", "--out", "c.jsonl", "--batch", "10"];
    let explode = [&export[..], &["--explode", "participants"]].concat();
    assert!(crate::resume::killed(&org, folder.path(), &explode, "saved", 1).await);
    for options in [
        &["--explode", SEGMENTS][..],
        &[],
        &["--explode", "participants", "--fields", "participants.purpose"],
    ] {
        let arguments = [&export[..], options, &["--resume"]].concat();
        let refused = run(Some(&org), folder.path(), &arguments).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("the interrupted export has"), "{}", refused.err);
    }
    run(Some(&org), folder.path(), &[&explode[..], &["--resume"]].concat()).await.done();
    assert_eq!(lines(folder.path().join("c.jsonl")).len(), 100);
}

#[cfg(feature = "buckets")]
#[tokio::test]
async fn objects_of_all_tables_appear_together() {
    let org = MockOrg::builder().list(QUERY, 400).start().await.unwrap();
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("b.json"), "{}").unwrap();
    let source = ["export", QUERY, "--body", "b.json"];
    let expected = expected(&conversations(&org, folder.path(), &source).await);
    let s3 = crate::s3::S3::start().await;
    let output = ["--out", "s3://bucket/a/c.jsonl", "--explode", SEGMENTS, "--part-size", "5"];
    let arguments = [&source[..], &output, &["--batch", "20", "--resume"]].concat();
    // The state is saved with the last records at the latest.
    let mut kills = 0;
    while crate::resume::killed_in(&s3.environment(), &org, folder.path(), &arguments, "saved", 1)
        .await
    {
        kills += 1;
        assert!(s3.object("a/c.jsonl").is_none(), "it is not complete");
        assert_eq!(s3.uploads(), 4);
        assert!(kills < 100, "it never ends");
    }
    for (name, expected) in FILES.iter().zip(expected) {
        let object = s3.object(&format!("a/{name}.jsonl")).unwrap();
        let text = String::from_utf8(object).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
        assert!(sorted(rows.collect()) == sorted(expected), "{name}");
    }
    assert_eq!(s3.uploads(), 0);
}
