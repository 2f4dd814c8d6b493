use bytes::Bytes;
use parquet::basic::ConvertedType;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, RowAccessor as _};

use super::*;
use crate::body::Body;
use crate::{Format, OnBadValue};

fn columns() -> Columns {
    let catalogue = genesys_cloud_catalogue::Catalogue::embedded();
    Columns::of(catalogue.definition("Queue"))
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("JSON")
}

fn queue(n: usize) -> Box<RawValue> {
    raw(match n % 3 {
        0 => {
            format!(r#"{{"id":"q{n}","memberCount":{n},"dateCreated":"2024-05-01T12:30:00.000Z"}}"#)
        }
        1 => format!(
            r#"{{"id":"q{n}","division":{{"name":"üñ \"{n}\""}},"routingRules":[1, {{}}]}}"#
        ),
        _ => format!(r#"{{"id":"q{n}","memberCount":null,"callingPartyName":""}}"#),
    })
}

fn body() -> Body {
    let format: Format = "parquet".parse().expect("a format");
    Body::new(format.row_group(10))
}

fn records(body: &mut Body, batch: &[Box<RawValue>]) -> Result<Vec<u8>, SinkError> {
    let mut bytes = Vec::new();
    body.records(batch, |part| {
        bytes.extend_from_slice(part);
        Ok(())
    })?;
    Ok(bytes)
}

fn read(bytes: Vec<u8>) -> SerializedFileReader<Bytes> {
    SerializedFileReader::new(Bytes::from(bytes)).expect("a table")
}

fn ids(reader: &SerializedFileReader<Bytes>) -> Vec<String> {
    let at = columns().all().iter().position(|column| column.path == "id").expect("an id");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| row.expect("a row").get_string(at).expect("an id").clone()).collect()
}

#[test]
fn resuming_at_any_commit_gives_the_same_file() {
    let columns = columns();
    let batches: Vec<Vec<Box<RawValue>>> =
        (0..12).map(|batch| (batch * 4..batch * 4 + 4).map(queue).collect()).collect();
    let mut once: Option<Vec<u8>> = None;
    // The first time, without an interruption.
    for stops in [usize::MAX].into_iter().chain(1..12) {
        let (mut file, mut at, mut saved) = (Vec::new(), 0, None::<(usize, usize, Value)>);
        let mut stopped = false;
        loop {
            let mut body = body();
            match &saved {
                None => file = body.begin(&columns).expect("a beginning"),
                Some((length, batch, form)) => {
                    file.truncate(*length);
                    at = *batch;
                    body.resume(&columns, form).expect("a continuation");
                }
            }
            while at < batches.len() {
                if at == stops && !std::mem::replace(&mut stopped, true) {
                    // The resume discards everything after the last commit.
                    file.extend_from_slice(b"not committed");
                    break;
                }
                file.extend(records(&mut body, &batches[at]).expect("rows"));
                at += 1;
                let (bytes, form) = body.commit(at == batches.len()).expect("a commit");
                file.extend(bytes);
                if let Some(form) = form {
                    saved = Some((file.len(), at, form));
                }
            }
            if at == batches.len() {
                file.extend(body.end().expect("an end"));
                break;
            }
            if saved.is_none() {
                at = 0;
            }
        }
        assert_eq!(stopped, stops < 12);
        assert!(once.get_or_insert_with(|| file.clone()) == &file, "stopped at {stops}");
        let reader = read(file);
        let expected: Vec<String> = (0..48).map(|n| format!("q{n}")).collect();
        assert_eq!(ids(&reader), expected, "{stops}");
        assert_eq!(reader.metadata().num_row_groups(), 4);
        assert_eq!(reader.metadata().file_metadata().num_rows(), 48);
    }
}

#[test]
fn writes_values_with_the_types_of_the_document() {
    let columns = columns();
    let mut body = body();
    let mut file = body.begin(&columns).expect("a beginning");
    let batch: Vec<_> = (0..3).map(queue).collect();
    file.extend(records(&mut body, &batch).expect("rows"));
    assert!(body.commit(false).expect("no error").1.is_none(), "too early");
    let (bytes, _) = body.commit(true).expect("no error");
    file.extend(bytes);
    file.extend(body.end().expect("an end"));
    let reader = read(file);
    let rows: Vec<_> =
        reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect();
    let value = |row: usize, path: &str| {
        let found = rows[row].get_column_iter().find(|(name, _)| *name == path);
        found.expect(path).1.clone()
    };
    assert_eq!(value(0, "memberCount"), Field::Long(0));
    assert_eq!(value(0, "dateCreated"), Field::TimestampMicros(1_714_566_600_000_000));
    assert_eq!(value(0, "division.name"), Field::Null);
    assert_eq!(value(1, "division.name"), Field::Str("üñ \"1\"".to_owned()));
    assert_eq!(value(1, "routingRules"), Field::Str("[1, {}]".to_owned()));
    assert_eq!(value(2, "memberCount"), Field::Null);
    assert_eq!(value(2, "callingPartyName"), Field::Str(String::new()));
    let schema = reader.metadata().file_metadata().schema_descr();
    let at = columns.all().iter().position(|column| column.path == "routingRules");
    assert_eq!(schema.column(at.expect("a column")).converted_type(), ConvertedType::JSON);
}

#[test]
fn an_empty_list_is_a_table_without_rows() {
    let mut body = body();
    let mut file = body.begin(&columns()).expect("a beginning");
    let (bytes, _) = body.commit(true).expect("no error");
    file.extend(bytes);
    file.extend(body.end().expect("an end"));
    assert_eq!(ids(&read(file)), Vec::<String>::new());
}

#[test]
fn an_error_names_record_and_field() {
    let mut body = body();
    body.begin(&columns()).expect("a beginning");
    records(&mut body, &[queue(0)]).expect("a row");
    for (json, parts) in [
        (
            r#"{"id":"q1","memberCount":"secret"}"#,
            &["record 2 of this run (id q1): `memberCount` is a string", "--fields"][..],
        ),
        (r#"{"dateCreated":"secret"}"#, &["`dateCreated` is a string that is not a valid time"]),
        (r#"["secret"]"#, &["is not an object"]),
    ] {
        let error = records(&mut body, &[raw(json.to_owned())]).expect_err(json).to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn writes_invalid_records_with_null_or_skips_them() {
    let bad = r#"{"id":"q1","memberCount":"x","dateCreated":"soon","joinedMemberCount":3}"#;
    for (on_bad_value, expected) in
        [(OnBadValue::Null, &["q0", "q1", "q2"][..]), (OnBadValue::Skip, &["q0", "q2"])]
    {
        let mut body = body();
        body.on_bad_value(on_bad_value);
        let mut file = body.begin(&columns()).expect("a beginning");
        let batch = [queue(0), raw(bad.to_owned()), raw("[1]".to_owned()), queue(2)];
        file.extend(records(&mut body, &batch).expect("rows"));
        let rejected = body.rejected();
        assert_eq!(rejected.len(), 2);
        assert_eq!(rejected[0].record.get(), bad);
        assert_eq!(rejected[0].is_skipped, on_bad_value == OnBadValue::Skip);
        let fields: Vec<_> =
            rejected[0].faults.iter().filter_map(|it| it.field.as_deref()).collect();
        let all = ["memberCount", "dateCreated"];
        let in_order = columns().all().iter().filter(|it| all.contains(&it.path.as_str())).count();
        assert_eq!(in_order, 2);
        assert_eq!(fields.len(), if on_bad_value == OnBadValue::Null { 2 } else { 1 });
        assert!(fields.iter().all(|field| all.contains(field)), "{fields:?}");
        assert!(rejected[1].is_skipped && rejected[1].faults[0].field.is_none());
        assert!(body.rejected().is_empty(), "they are returned once");
        let (bytes, _) = body.commit(true).expect("no error");
        file.extend(bytes);
        file.extend(body.end().expect("an end"));
        let reader = read(file);
        assert_eq!(ids(&reader), expected);
        let rows: Vec<_> =
            reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row")).collect();
        let at = columns().all().iter().position(|column| column.path == "memberCount");
        let value = rows[1].get_column_iter().nth(at.expect("a column")).expect("a value").1;
        let is_null = *value == Field::Null;
        assert!(is_null, "{value:?}");
    }
}

#[test]
fn counts_of_changed_values_continue_after_a_resume() {
    let mut begun = body();
    begun.begin(&columns()).expect("a beginning");
    let record = r#"{"name":"x\ud83d","dateCreated":"2024-05-01T12:30:00.123456789Z"}"#;
    records(&mut begun, &[raw(record.to_owned())]).expect("a row");
    let form = begun.commit(true).expect("no error").1.expect("a commit");
    let mut resumed = body();
    resumed.resume(&columns(), &form).expect("resumed");
    records(&mut resumed, &[raw(record.to_owned())]).expect("a row");
    let notes = resumed.notes();
    assert!(notes.iter().any(|it| it.ends_with("(name 2)")), "{notes:?}");
    assert!(notes.iter().any(|it| it.ends_with("(dateCreated 2)")), "{notes:?}");
}

#[test]
fn does_not_resume_a_table_with_other_columns() {
    let mut begun = body();
    begun.begin(&columns()).expect("a beginning");
    let form = begun.commit(true).expect("no error").1.expect("a commit");
    let other = Columns::chosen(&["id".to_owned()], None, false).expect("columns");
    let error = body().resume(&other, &form).expect_err("other columns");
    assert!(error.to_string().contains("--restart"), "{error}");
    for form in [
        json!({}),
        json!({ "position": 4, "footer": "AAAA", "losses": {} }),
        json!({ "position": 4, "footer": "?", "losses": {} }),
    ] {
        assert!(body().resume(&columns(), &form).is_err());
    }
}
