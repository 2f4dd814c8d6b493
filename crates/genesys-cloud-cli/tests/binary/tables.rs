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
    for (operation, body) in
        [("getRoutingQueues", None), ("postTaskmanagementWorkitemsQuery", Some("b.json"))]
    {
        let org = MockOrg::builder().list(operation, 250).start().await.unwrap();
        let folder = tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let mut arguments = vec!["export", operation, "--batch", "7", "--page-size", "25"];
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
    for part in ["(id one): `memberCount` is a string", "--fields"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert!(!folder.path().join("q.parquet").exists());
}
