//! Parquet files.

use bytes::Bytes;
use genesys_cloud_mock::{CannedResponse, MockOrg};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::resume::to_the_end_in;
use crate::{report, run};

/// The rows of a Parquet file as JSON.
pub(crate) fn rows(bytes: Vec<u8>) -> Vec<Value> {
    let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
    reader.get_row_iter(None).unwrap().map(|row| as_json(&row.unwrap())).collect()
}

fn as_json(row: &parquet::record::Row) -> Value {
    row.get_column_iter()
        .map(|(name, value)| (name.clone(), Value::from(value.to_string())))
        .collect()
}

pub(crate) fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap().trim_matches('"')).collect()
}

#[tokio::test]
async fn a_table_has_all_records_after_random_kills() {
    let workitems = "postTaskmanagementWorkitemsQuery";
    for (operation, body, nested) in [
        ("getRoutingQueues", None, "types"),
        ("getRoutingQueues", None, "text"),
        (workitems, Some("b.json"), "types"),
    ] {
        let org = MockOrg::builder().list(operation, 250).start().await.unwrap();
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let mut arguments = vec!["export", operation, "--batch", "7", "--page-size", "25"];
        arguments.extend(["--nested", nested]);
        if let Some(body) = body {
            arguments.extend(["--body", body]);
        }
        let once = [&arguments[..], &["--out", "once.parquet"]].concat();
        run(Some(&org), folder.path(), &once).await.done();
        let once = rows(std::fs::read(folder.path().join("once.parquet")).unwrap());
        assert_eq!(ids(&once), org.expected(operation).unwrap().records, "{operation}");

        arguments.extend(["--out", "t.parquet", "--row-group", "10", "--resume"]);
        let kills = to_the_end_in(&[], &org, folder.path(), &arguments, 5).await;
        assert!(kills > 0, "{operation}: {kills} kills");
        let table = folder.path().join("t.parquet");
        assert_eq!(rows(std::fs::read(&table).unwrap()), once, "{operation}");
        assert_eq!(report(&table)["verdict"], "complete");
    }
}

#[tokio::test]
async fn names_an_invalid_value_and_keeps_earlier_rows() {
    let org = MockOrg::builder().list("getRoutingQueues", 100).start().await.unwrap();
    let folder = tempdir().unwrap();
    let page =
        json!({"entities": [{"id": "one", "memberCount": "many"}], "pageCount": 1, "total": 1});
    org.respond_next("getRoutingQueues", CannedResponse::json(200, &page)).unwrap();
    let arguments = ["export", "routing.queues", "--out", "q.parquet"];
    let refused = run(Some(&org), folder.path(), &arguments).await;
    assert_eq!(refused.code, Some(11), "{}", refused.err);
    for part in
        ["(id one): `memberCount`: expected an integer of 64 bits, found a string", "--fields"]
    {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert!(!folder.path().join("q.parquet").exists());
}

#[tokio::test]
async fn a_table_has_nested_values_or_a_column_for_each_field() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let page = json!({ "pageCount": 1, "total": 1, "entities": [{
        "id": "q1", "dateCreated": "2024-05-01T12:30:00.123Z", "memberCount": 7,
        "division": { "id": "d1", "name": "Home" },
        "routingRules": [{ "operator": "MEETS_THRESHOLD", "threshold": 2 }, { "waitSeconds": 1.5 }],
    }]});
    let fields = "id,dateCreated,memberCount,division.name,routingRules";
    for (options, expected) in [
        (
            &[][..],
            json!({
                "id": "\"q1\"", "dateCreated": "2024-05-01 12:30:00.123000 +00:00", "memberCount": "7",
                "division": "{name: \"Home\"}",
                "routingRules": "[{operator: \"MEETS_THRESHOLD\", threshold: 2, waitSeconds: null}, \
                    {operator: null, threshold: null, waitSeconds: 1.5}]",
            }),
        ),
        (
            &["--nested", "text", "--names", "snake"],
            json!({
                "id": "\"q1\"", "date_created": "2024-05-01 12:30:00.123000 +00:00", "member_count": "7",
                "division_name": "\"Home\"",
                "routing_rules":
                    r#""[{"operator":"MEETS_THRESHOLD","threshold":2},{"waitSeconds":1.5}]""#,
            }),
        ),
    ] {
        org.respond_next("getRoutingQueues", CannedResponse::json(200, &page)).unwrap();
        let arguments = ["export", "routing.queues", "--out", "q.parquet", "--fields", fields];
        run(Some(&org), folder.path(), &[&arguments[..], options].concat()).await.done();
        let table = std::fs::read(folder.path().join("q.parquet")).unwrap();
        assert_eq!(rows(table), [expected], "{options:?}");
    }
    // A path may enter a list.
    org.respond_next("getRoutingQueues", CannedResponse::json(200, &page)).unwrap();
    let fields = ["--fields", "id,routingRules.threshold"];
    let arguments = ["export", "routing.queues", "--out", "t.parquet"];
    run(Some(&org), folder.path(), &[&arguments[..], &fields].concat()).await.done();
    let table = rows(std::fs::read(folder.path().join("t.parquet")).unwrap());
    let rules = "[{threshold: 2}, {threshold: null}]";
    assert_eq!(table, [json!({ "id": "\"q1\"", "routingRules": rules })]);
}
