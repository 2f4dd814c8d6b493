use std::sync::Arc;

use bytes::Bytes;
use genesys_cloud_arrow::arrow_array::cast::AsArray as _;
use genesys_cloud_arrow::arrow_schema::{DataType, TimeUnit};
use genesys_cloud_arrow::{Integers, RecordSchema, SchemaOptions};
use genesys_cloud_catalogue::Catalogue;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::basic::{Compression, ConvertedType};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::*;
use crate::Format;
use crate::body::Body;

/// A column for each path.
fn columns() -> Columns {
    Columns::of(Catalogue::embedded().definition("Queue"))
}

fn schema(options: &SchemaOptions) -> RecordSchema {
    let catalogue = Catalogue::embedded();
    RecordSchema::of_records(catalogue, catalogue.definition("Queue"), options)
}

/// Columns with nested types.
fn nested() -> Columns {
    columns().with_types(schema(&SchemaOptions::new().integers(Integers::Long)))
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
            r#"{{"id":"q{n}","division":{{"name":"üñ \"{n}\""}},"routingRules":[{{"threshold": 1}}, {{}}]}}"#
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

fn column(reader: &SerializedFileReader<Bytes>, name: &str) -> Vec<Field> {
    let rows = reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row"));
    let value = |row: parquet::record::Row| {
        let found = row.into_columns().into_iter().find(|(known, _)| known == name);
        found.expect(name).1
    };
    rows.map(value).collect()
}

fn ids(reader: &SerializedFileReader<Bytes>) -> Vec<String> {
    let text = |field| match field {
        Field::Str(id) => id,
        other => panic!("no id: {other}"),
    };
    column(reader, "id").into_iter().map(text).collect()
}

/// Writes a file without an interruption.
fn file(mut body: Body, columns: &Columns, batches: &[Vec<Box<RawValue>>]) -> Vec<u8> {
    let mut file = body.begin(columns).expect("a beginning");
    for batch in batches {
        file.extend(records(&mut body, batch).expect("rows"));
        file.extend(body.commit(false).expect("a commit").0);
    }
    file.extend(body.commit(true).expect("a commit").0);
    file.extend(body.end().expect("an end"));
    file
}

#[test]
fn resuming_at_any_commit_gives_the_same_file() {
    for columns in [columns(), nested()] {
        resumes_at_any_commit(&columns);
    }
}

fn resumes_at_any_commit(columns: &Columns) {
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
                None => file = body.begin(columns).expect("a beginning"),
                Some((length, batch, form)) => {
                    file.truncate(*length);
                    at = *batch;
                    body.resume(columns, form).expect("a continuation");
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
fn writes_a_column_for_each_path() {
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
    assert_eq!(value(1, "routingRules"), Field::Str(r#"[{"threshold": 1}, {}]"#.to_owned()));
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
    for columns in [columns(), nested()] {
        names_record_and_field(&columns);
    }
}

fn names_record_and_field(columns: &Columns) {
    let mut body = body();
    body.begin(columns).expect("a beginning");
    records(&mut body, &[queue(0)]).expect("a row");
    for (json, parts) in [
        (
            r#"{"id":"q1","memberCount":"secret"}"#,
            &[
                "record 2 of this run (id q1): `memberCount`: expected an integer of 64 bits, found a string",
                "--fields",
            ][..],
        ),
        (r#"{"dateCreated":"secret"}"#, &["`dateCreated`: expected a date-time, found a string"]),
        (r#"["secret"]"#, &["expected an object, found a list; use --on-bad-value skip"]),
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
    for columns in [columns(), nested()] {
        let mut begun = body();
        begun.begin(&columns).expect("a beginning");
        let record = r#"{"name":"x\ud83d","division":{"name":"\ud83d"},
            "dateCreated":"2024-05-01T12:30:00.123456789Z","shoe":1}"#;
        records(&mut begun, &[raw(record.to_owned())]).expect("a row");
        let form = begun.commit(true).expect("no error").1.expect("a commit");
        let mut resumed = body();
        resumed.resume(&columns, &form).expect("resumed");
        records(&mut resumed, &[raw(record.to_owned())]).expect("a row");
        let notes = resumed.notes();
        assert!(notes.iter().any(|it| it.contains("no column: shoe;")), "{notes:?}");
        assert!(notes.iter().any(|it| it.contains("4 values with invalid")), "{notes:?}");
        assert!(notes.iter().any(|it| it.contains("division.name 2")), "{notes:?}");
        assert!(notes.iter().any(|it| it.contains("name 2")), "{notes:?}");
        assert!(notes.iter().any(|it| it.ends_with("(dateCreated 2)")), "{notes:?}");
    }
}

#[test]
fn does_not_resume_a_table_with_other_columns() {
    let mut begun = body();
    begun.begin(&columns()).expect("a beginning");
    records(&mut begun, &[queue(0)]).expect("a row");
    let form = begun.commit(true).expect("no error").1.expect("a commit");
    let chosen = Columns::chosen(&["id".to_owned()], None, false).expect("columns");
    for other in [chosen, nested()] {
        let error = body().resume(&other, &form).expect_err("other columns");
        assert!(error.to_string().contains("--restart"), "{error}");
    }
    body().resume(&columns(), &form).expect("resumed");
    for (field, value) in [
        ("position", json!(-1)),
        ("position", json!(null)),
        ("schema", json!(null)),
        ("metadata", json!("")),
        ("metadata", json!([1])),
        ("metadata", json!(["?"])),
        ("metadata", json!(["AAAA"])),
    ] {
        let mut odd = form.clone();
        odd["groups"][field] = value;
        let error = body().resume(&columns(), &odd).expect_err("no state");
        assert!(error.is_mismatch(), "{odd}: {error}");
    }
    for odd in [json!({}), json!({ "groups": {}, "losses": {} }), json!(null)] {
        assert!(body().resume(&columns(), &odd).expect_err("no state").is_mismatch());
    }
}

#[test]
fn nested_values_have_the_types_of_the_document() {
    let record = r#"{"id":"q1","division":{"id":"d","name":null},"memberCount":7,
        "dateCreated":"2024-05-01T12:30:00.000Z","bullseye":{"rings":[
            {"expansionCriteria":[{"type":"TIMEOUT_SECONDS","threshold":2.5}]},{},null]},
        "mediaSettings":{"call":{"alertingTimeoutSeconds":30.0}}}"#;
    let written = file(body(), &nested(), &[vec![raw(record.to_owned()), raw("{}".to_owned())]]);
    let reader = read(written.clone());
    let row = |name: &str| column(&reader, name)[0].to_string();
    assert_eq!(row("division").split(',').next(), Some("{id: \"d\""));
    assert!(row("division").contains("name: null"));
    assert!(row("bullseye").contains("threshold: 2.5"), "{}", row("bullseye"));
    assert!(row("mediaSettings").contains("alertingTimeoutSeconds: 30"));
    assert_eq!(column(&reader, "bullseye")[1], Field::Null);
    let arrow = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(written)).expect("a table");
    let types = |name: &str| arrow.schema().field_with_name(name).expect(name).data_type().clone();
    assert_eq!(types("memberCount"), DataType::Int64);
    let utc: Option<Arc<str>> = Some("UTC".into());
    assert_eq!(types("dateCreated"), DataType::Timestamp(TimeUnit::Microsecond, utc));
    assert!(matches!(types("division"), DataType::Struct(_)));
    // Names within lists are those of the specification.
    let rings = arrow.parquet_schema().columns().iter().map(|column| column.path().string());
    assert!(rings.into_iter().any(|path| path.starts_with("bullseye.rings.list.element.")));
}

#[test]
fn columns_can_have_names_in_snake_case() {
    let format: Format = "parquet".parse().expect("a format");
    let body = Body::new(format.names(Names::Snake));
    let flat = read(file(body, &columns(), &[vec![queue(1)]]));
    assert_eq!(column(&flat, "division_name"), [Field::Str("üñ \"1\"".to_owned())]);
    let snake = columns().with_types(schema(&SchemaOptions::new().names(Names::Snake)));
    let nested = read(file(Body::new(format), &snake, &[vec![queue(0)]]));
    assert_eq!(column(&nested, "member_count"), [Field::Int(0)]);
}

#[test]
fn pages_are_found_by_their_index() {
    let fields = schema(&SchemaOptions::new()).project(["id", "division.name"]).expect("fields");
    let columns = columns().with_types(fields);
    let batches: Vec<Vec<Box<RawValue>>> =
        (0..50).map(|batch| (batch * 1000..batch * 1000 + 1000).map(queue).collect()).collect();
    let format: Format = "parquet".parse().expect("a format");
    let bytes = Bytes::from(file(Body::new(format.row_group(25_000)), &columns, &batches));
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options);
    let reader = reader.expect("a table");
    let metadata = Arc::clone(reader.metadata());
    assert_eq!(metadata.num_row_groups(), 2);
    for group in 0..2 {
        for column in 0..2 {
            let pages = &metadata.offset_index().expect("an index")[group][column].page_locations;
            assert_eq!(pages.len(), 2);
            let index = &metadata.column_index().expect("an index")[group][column];
            assert_eq!(index.num_pages(), 2);
            let column = metadata.row_group(group).column(column);
            assert!(matches!(column.compression(), Compression::ZSTD(_)));
            assert!(column.statistics().is_some_and(|it| it.min_bytes_opt().is_some()));
        }
    }
    // In the last page of the second row group.
    let rows = [RowSelector::skip(48_123), RowSelector::select(2), RowSelector::skip(1_875)];
    let ids = ProjectionMask::columns(reader.parquet_schema(), ["id"]);
    let mut reader = reader
        .with_projection(ids)
        .with_row_selection(RowSelection::from(rows.to_vec()))
        .build()
        .expect("rows");
    let batch = reader.next().expect("a batch").expect("a batch");
    let found: Vec<&str> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(found, ["q48123", "q48124"]);
}

#[test]
fn a_row_group_ends_by_its_encoded_size() {
    let columns = Columns::chosen(&["id".to_owned()], None, false).expect("columns");
    // Hardly compressible, and wide.
    let mut state = 1_u64;
    let mut wide = || {
        let mut text = String::new();
        while text.len() < 256 << 10 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(&format!("{state:016x}"));
        }
        raw(format!(r#"{{"id":"{text}"}}"#))
    };
    let batches: Vec<Vec<Box<RawValue>>> = (0..24).map(|_| vec![wide(), wide()]).collect();
    let reader = read(file(Body::new("parquet".parse().expect("a format")), &columns, &batches));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 48);
    let sizes = reader.metadata().row_groups().iter().map(|group| group.compressed_size());
    let sizes: Vec<i64> = sizes.collect();
    assert!(sizes.len() > 1 && sizes.iter().all(|size| *size < 6 << 20), "{sizes:?}");
}
