use genesys_cloud_catalogue::Schema;

use super::*;
use crate::child_tables::ChildTables;
use crate::columns::{Column, ColumnKind};

/// A record with lists in lists, in an object, and of values.
fn schema() -> Schema {
    let list = |element: Value| serde_json::json!({ "type": "array", "items": element });
    let object =
        |properties: Value| serde_json::json!({ "type": "object", "properties": properties });
    let text = || serde_json::json!({ "type": "string" });
    let session = object(serde_json::json!({ "sessionId": text(), "n": { "type": "number" } }));
    let part = object(serde_json::json!({ "id": text(), "sessions": list(session) }));
    let inner = object(serde_json::json!({ "tags": list(text()), "x": text() }));
    let record = serde_json::json!({ "id": text(), "parts": list(part), "inner": inner });
    serde_json::from_value(object(record)).expect("a schema")
}

fn splitter(paths: &[&str]) -> Splitter {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let key = [Column { path: "id".to_owned(), kind: ColumnKind::Text }];
    ChildTables::new(&schema(), "Thing", &key, &paths).expect("tables").splitter
}

fn split(paths: &[&str], record: &str) -> Split {
    let record = RawValue::from_string(record.to_owned()).expect("a record");
    splitter(paths).split(&record).expect("rows")
}

fn rows(split: &Split) -> Vec<(usize, &str)> {
    split.rows.iter().map(|row| (row.table, row.json.get())).collect()
}

const SESSIONS: &[&str] = &["parts.sessions"];

#[test]
fn rows_have_the_keys_of_their_parents_and_their_position() {
    // The key comes after the list.
    let record = r#"{ "a" : 1.50, "parts": [ {"sessions":[{"sessionId":"s","n":1e400},{}],"id":"p"}, {"id":null},
        {"sessions":null}, {"sessions":[]} ], "id": "x\u0041", "b": [1, 2] }"#;
    let split = split(SESSIONS, record);
    assert_eq!(split.record.get(), r#"{"a" : 1.50,"id": "x\u0041","b": [1, 2]}"#);
    let expected = [
        (1, r#"{"thingId":"x\u0041","partIndex":0,"id":"p"}"#),
        (
            2,
            r#"{"thingId":"x\u0041","partId":"p","partIndex":0,"sessionIndex":0,"sessionId":"s","n":1e400}"#,
        ),
        (2, r#"{"thingId":"x\u0041","partId":"p","partIndex":0,"sessionIndex":1}"#),
        (1, r#"{"thingId":"x\u0041","partIndex":1,"id":null}"#),
        (1, r#"{"thingId":"x\u0041","partIndex":2}"#),
        (1, r#"{"thingId":"x\u0041","partIndex":3}"#),
    ];
    assert_eq!(rows(&split), expected);
    let parents: Vec<Option<usize>> = split.rows.iter().map(|row| row.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(0), None, None, None]);
    assert!(split.faults.is_empty());
}

#[test]
fn a_list_in_an_object_leaves_the_rest_of_the_object() {
    for (record, rest) in [
        (
            r#"{"id":1,"inner":{"tags":["a",null,{"b":[2]}],"x":"y"}}"#,
            r#"{"id":1,"inner":{"x":"y"}}"#,
        ),
        (
            r#"{"id":1,"inner":{"x":"y","tags":["a",null,{"b":[2]}]}}"#,
            r#"{"id":1,"inner":{"x":"y"}}"#,
        ),
        (r#"{"inner":{"tags":["a",null,{"b":[2]}]},"id":1}"#, r#"{"inner":{},"id":1}"#),
    ] {
        let split = split(&["inner.tags"], record);
        assert_eq!(split.record.get(), rest);
        let expected = [
            (1, r#"{"thingId":1,"tagIndex":0,"value":"a"}"#),
            (1, r#"{"thingId":1,"tagIndex":1,"value":null}"#),
            (1, r#"{"thingId":1,"tagIndex":2,"b":[2]}"#),
        ];
        assert_eq!(rows(&split), expected, "{record}");
    }
    let split = split(&["inner.tags"], r#"{"id":1,"inner":"text"}"#);
    assert_eq!(split.record.get(), r#"{"id":1,"inner":"text"}"#);
}

#[test]
fn the_last_of_duplicate_fields_counts() {
    let record = r#"{"id":"a","parts":[{"sessions":[{"n":1}]}],"parts":[{"sessions":[{"n":2}],"sessions":[{"n":3}]}],"id":"b"}"#;
    let split = split(SESSIONS, record);
    let expected = [
        (1, r#"{"thingId":"b","partIndex":0}"#),
        (2, r#"{"thingId":"b","partId":null,"partIndex":0,"sessionIndex":0,"n":3}"#),
    ];
    assert_eq!(rows(&split), expected);
    assert_eq!(split.rows[1].parent, Some(0));
    let split = split_tags(r#"{"id":1,"inner":{"tags":["a"]},"inner":{}}"#);
    assert!(rows(&split).is_empty(), "the list is in the object that is replaced");
}

fn split_tags(record: &str) -> Split {
    split(&["inner.tags"], record)
}

#[test]
fn names_are_found_however_they_are_written() {
    let record =
        r#"{"\u0069d":"a","p\u0061rts":[{"thing\u0049d":"forged","partIndex":7,"x\ud83d":1}]}"#;
    let split = split(SESSIONS, record);
    assert_eq!(split.record.get(), r#"{"\u0069d":"a"}"#);
    // A field with the name of a key does not replace the key.
    assert_eq!(rows(&split), [(1, r#"{"thingId":"a","partIndex":0,"x\ud83d":1}"#)]);
}

#[test]
fn reports_values_that_rows_can_not_represent() {
    let long = format!(r#"{{"id":"{}","parts":[{{}}]}}"#, "x".repeat(2_000));
    for (record, field, reason, count) in [
        (r#"{"id":"a","parts":{"id":1}}"#, "parts", "not a list", 0),
        (r#"{"id":"a","parts":"text"}"#, "parts", "not a list", 0),
        (r#"{"id":"a","parts":[{"sessions":7}]}"#, "parts.sessions", "not a list", 1),
        (r#"{"parts":[{}]}"#, "thingId", "missing, and rows of child tables need it", 1),
        (r#"{"id":null,"parts":[{}]}"#, "thingId", "missing, and rows of child tables need it", 1),
        (r#"{"id":{"a":1},"parts":[{}]}"#, "thingId", "not a scalar", 1),
        (r#"{"id":"a","parts":[{"id":[],"sessions":[{}]}]}"#, "partId", "not a scalar", 2),
        (&long, "thingId", "too long for a key", 1),
    ] {
        let split = split(SESSIONS, record);
        let [fault] = &split.faults[..] else { panic!("{record}: {:?}", split.faults) };
        assert_eq!((fault.field.as_deref(), &*fault.reason), (Some(field), reason), "{record}");
        assert_eq!(split.rows.len(), count, "{record}");
        assert!(split.rows.iter().all(|row| row.json.get().len() < 200));
    }
    // A record without rows needs no key.
    assert!(split(SESSIONS, r#"{"parts":[]}"#).faults.is_empty());
    assert!(split(SESSIONS, "7").rows.is_empty());
}

#[test]
fn the_rows_of_a_record_are_bounded() {
    let record = |count: usize| {
        let text = format!(r#"{{"id":"a","parts":[{}]}}"#, vec!["1"; count].join(","));
        RawValue::from_string(text).expect("a record")
    };
    let splitter = splitter(SESSIONS);
    assert_eq!(splitter.split(&record(MOST_ROWS)).expect("rows").rows.len(), MOST_ROWS);
    let error = splitter.split(&record(MOST_ROWS + 1)).expect_err("too many");
    assert!(matches!(error, Unsplit::TooManyRows));
    let deep = format!(r#"{{"id":1,"parts":[{}{}]}}"#, "[".repeat(100), "]".repeat(100));
    let split = split(SESSIONS, &deep);
    assert_eq!(split.rows.len(), 1);
}

/// Joining the rows gives the record again.
#[test]
fn no_field_is_lost_in_random_records() {
    let mut seed = 1_u64;
    let mut chance = move |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % most
    };
    let splitter = splitter(&["parts.sessions", "inner.tags"]);
    for _ in 0..500 {
        let mut sessions = 0;
        let parts: Vec<Value> = (0..chance(4))
            .map(|n| {
                let list: Vec<Value> =
                    (0..chance(4)).map(|n| serde_json::json!({ "n": n, "\"\\": [{}] })).collect();
                sessions += list.len();
                serde_json::json!({ "id": format!("p{n}"), "sessions": list, "more": { "a": n } })
            })
            .collect();
        let tags: Vec<Value> = (0..chance(3)).map(Value::from).collect();
        let mut record = serde_json::json!({ "id": chance(9), "inner": { "x": 1, "tags": tags }, "parts": parts });
        let text = match chance(2) {
            0 => record.to_string(),
            _ => format!("{record:#}"),
        };
        let raw = RawValue::from_string(text).expect("a record");
        let split = splitter.split(&raw).expect("rows");
        let mut joined: Value = serde_json::from_str(split.record.get()).expect("JSON");
        joined["parts"] = Value::Array(Vec::new());
        joined["inner"]["tags"] = Value::Array(Vec::new());
        let mut found = 0;
        for row in &split.rows {
            let mut fields: Value = serde_json::from_str(row.json.get()).expect("JSON");
            let of = |fields: &mut Value, key: &str| {
                fields.as_object_mut().expect("an object").remove(key)
            };
            assert_eq!(of(&mut fields, "thingId").expect("a key"), record["id"]);
            let index =
                |it: Option<Value>| it.and_then(|it| it.as_u64()).expect("a position") as usize;
            match row.table {
                1 => {
                    assert_eq!(
                        index(of(&mut fields, "partIndex")),
                        joined["parts"].as_array().expect("a list").len()
                    );
                    fields["sessions"] = Value::Array(Vec::new());
                    joined["parts"].as_array_mut().expect("a list").push(fields);
                }
                2 => {
                    let part = index(of(&mut fields, "partIndex"));
                    assert_eq!(
                        of(&mut fields, "partId").expect("a key"),
                        joined["parts"][part]["id"]
                    );
                    let list = joined["parts"][part]["sessions"].as_array_mut().expect("a list");
                    assert_eq!(index(of(&mut fields, "sessionIndex")), list.len());
                    list.push(fields);
                    found += 1;
                }
                _ => joined["inner"]["tags"]
                    .as_array_mut()
                    .expect("a list")
                    .push(fields["value"].take()),
            }
        }
        assert_eq!(found, sessions);
        assert_eq!(joined, std::mem::take(&mut record));
    }
}
