//! Lists as streams of batches.

use std::sync::{Arc, Mutex};

use futures::TryStreamExt as _;
use genesys_cloud_arrow::{ArrowReader, OnBadValue};
use genesys_cloud_core::serde_json::json;
use genesys_cloud_core::serde_json::value::RawValue;
use genesys_cloud_core::test_util::ResponseTemplate;
use genesys_cloud_core::{Paginator, Verdict};

use crate::{json, raw, schema};

type Items = Paginator<Box<RawValue>>;

fn items(records: &[&str]) -> Items {
    Paginator::from_items(records.iter().map(|record| raw(record)))
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!(r#"{{"size":{number}}}"#)).collect()
}

#[tokio::test]
async fn a_batch_ends_by_rows_or_by_memory() {
    let records = numbers(10);
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    for (rows, bytes, expected) in [
        (4, usize::MAX, &[4, 4, 2][..]),
        (5, usize::MAX, &[5, 5]),
        (0, usize::MAX, &[1; 10]),
        (100, 0, &[1; 10]),
        (100, usize::MAX, &[10]),
    ] {
        let reader = ArrowReader::new(items(&records), schema());
        let reader = reader.batch_rows(rows).batch_bytes(bytes);
        let batches: Vec<_> = reader.try_collect().await.expect("batches");
        let counts: Vec<usize> = batches.iter().map(|batch| batch.num_rows()).collect();
        assert_eq!(counts, expected, "{rows} rows, {bytes} bytes");
        let all: Vec<_> = batches.iter().flat_map(json::rows).collect();
        assert_eq!(all, (0..10).map(|number| json!({ "size": number })).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_error_of_the_list_comes_after_the_rows_before_it() {
    let outage = ResponseTemplate::new(503).into_error("getNumbers");
    let page = |range: std::ops::Range<usize>| {
        Ok(numbers(10)[range].iter().map(|record| raw(record)).collect())
    };
    let list: Items = Paginator::from_pages([page(0..3), Err(outage), page(3..5)]);
    let mut reader = ArrowReader::new(list, schema());
    assert_eq!(reader.try_next().await.expect("a batch").expect("a batch").num_rows(), 3);
    let error = reader.try_next().await.expect_err("an outage");
    assert_eq!(error.as_list_error().and_then(|error| error.status()), Some(503));
    assert_ne!(reader.report().verdict, Verdict::Complete);
    assert_eq!(reader.try_next().await.expect("a batch").expect("a batch").num_rows(), 2);
    assert_eq!(reader.try_next().await.expect("the end"), None);
    let report = reader.report();
    assert_eq!((report.verdict, report.rows), (Verdict::Complete, 5));
}

#[tokio::test]
async fn a_bad_value_is_returned_again() {
    let records = [r#"{"id":"a"}"#, r#"{"size":"x"}"#, r#"{"id":"b"}"#];
    let mut reader = ArrowReader::new(items(&records), schema());
    let batch = reader.try_next().await.expect("a batch").expect("a batch");
    assert_eq!(json::rows(&batch), [json!({"id": "a"})]);
    for _ in 0..3 {
        let error = reader.try_next().await.expect_err("a bad value");
        assert_eq!((error.record(), error.as_list_error().is_some()), (Some(1), false));
    }
    assert_ne!(reader.report().verdict, Verdict::Complete);
}

#[tokio::test]
async fn rejected_records_are_passed_on_and_counted() {
    let records = [r#"{"id":"a"}"#, r#"{"count":[],"id":"b","size":"x"}"#, r#"{"id":"c"}"#];
    for (on_bad_value, rows) in [(OnBadValue::Skip, 2), (OnBadValue::Null, 3)] {
        let rejected = Arc::new(Mutex::new(Vec::new()));
        let known = Arc::clone(&rejected);
        let mut reader = ArrowReader::new(items(&records), schema())
            .on_bad_value(on_bad_value)
            .on_rejected(move |it| {
                let fields: Vec<_> =
                    it.faults.iter().map(|fault| fault.field.clone().unwrap_or_default()).collect();
                let record = (it.index, it.record.get().to_owned(), fields, it.is_skipped);
                known.lock().expect("a lock").push(record);
            });
        let batch = reader.try_next().await.expect("a batch").expect("a batch");
        assert_eq!(batch.num_rows(), rows);
        let is_skipped = on_bad_value == OnBadValue::Skip;
        let report = reader.report();
        let counts = (report.skipped, report.with_nulls);
        assert_eq!(counts, (u64::from(is_skipped), u64::from(!is_skipped)));
        let [(index, record, fields, skipped)] = &rejected.lock().expect("a lock")[..] else {
            panic!("one record");
        };
        assert_eq!((*index, *skipped), (1, is_skipped));
        assert!(record.contains(r#""id":"b""#), "{record}");
        let expected: &[&str] = if is_skipped { &["count"] } else { &["count", "size"] };
        assert_eq!(fields, expected);
    }
}

#[tokio::test]
async fn an_empty_list_has_no_batch() {
    let mut reader = ArrowReader::new(items(&[]), schema());
    assert_eq!(reader.try_next().await.expect("the end"), None);
    assert_eq!(reader.report().verdict, Verdict::Complete);
}
