//! Text that is made to do harm.

use genesys_cloud_arrow::OnBadValue;
use genesys_cloud_core::serde_json::json;

use crate::{decoder, json, raw, rows, schema};

#[test]
fn deep_nesting_needs_no_stack() {
    let depth = 500_000;
    let deep = "[".repeat(depth) + &"]".repeat(depth);
    let all = rows(&[&format!(r#"{{"unknown":{deep},"id":"a"}}"#)]);
    assert_eq!(all, [json!({"id": "a"})]);
    for field in ["list", "inner", "map", "count", "time"] {
        let mut decoder = decoder(OnBadValue::Null);
        let record = format!(r#"{{"{field}":{deep},"id":"a"}}"#);
        let rejection = decoder.push(&raw(&record)).expect("a row").expect("a fault");
        assert_eq!(rejection.faults.len(), 1, "{field}");
        assert_eq!(decoder.finish().expect("a batch").num_rows(), 1);
    }
    // Text and JSON columns have it as text.
    let mut decoder = decoder(OnBadValue::Fail);
    decoder.push(&raw(&format!(r#"{{"id":{deep},"any":{deep}}}"#))).expect("a row");
    decoder.finish().expect("a batch");
}

#[test]
fn huge_numbers_do_not_fit() {
    let digits = "9".repeat(1_000_000);
    for (field, number) in [
        ("count", digits.clone()),
        ("size", format!("{digits}.0")),
        ("size", "1e999999999999".to_owned()),
        ("ratio", "1e999".to_owned()),
        ("ratio", digits.clone()),
        ("isOpen", digits),
    ] {
        let mut decoder = decoder(OnBadValue::Null);
        let record = format!(r#"{{"{field}":{number}}}"#);
        let rejection = decoder.push(&raw(&record)).expect("a row").expect("a fault");
        assert_eq!(rejection.faults[0].field.as_deref(), Some(field));
    }
}

#[test]
fn nul_and_odd_names_are_kept() {
    let all = rows(&[r#"{"id":"a\u0000b","counts":{"\u0000":1,"a.b":2,"\"":3}}"#]);
    assert_eq!(all, [json!({"id": "a\0b", "counts": {"\0": 1, "a.b": 2, "\"": 3}})]);
}

#[test]
fn a_record_with_too_many_elements_does_not_fit() {
    // Each empty object has as many values as its struct has columns.
    let columns = schema().columns();
    let record = format!(r#"{{"list":[{}{{}}]}}"#, "{},".repeat((1 << 24) / 4));
    let error = decoder(OnBadValue::Fail).push(&raw(&record)).expect_err("refused");
    assert_eq!(error.to_string(), "record 0: `list`: too many elements");
    let mut decoder = decoder(OnBadValue::Null);
    for _ in 0..3 {
        decoder.push(&raw(&record)).expect("a row").expect("a fault");
    }
    let size = decoder.size();
    assert!(size < 3 * (record.len() + 8 * columns + 1), "{size}");
    assert_eq!(json::rows(&decoder.finish().expect("a batch")), [json!({}), json!({}), json!({})]);
}

#[test]
fn many_bad_values_have_few_faults() {
    let mut decoder = decoder(OnBadValue::Null);
    let record = format!(r#"{{"sizes":[{}"x"]}}"#, r#""x","#.repeat(100_000));
    let rejection = decoder.push(&raw(&record)).expect("a row").expect("a fault");
    assert_eq!(rejection.faults.len(), 1);
    decoder.finish().expect("a batch");
}

#[test]
fn rejects_bytes_that_are_not_json() {
    let whole = r#"{"id":"ü\n","list":[{"id":"a","list":[{"x":1}]}],"map":{"k":{}},"count":1}"#;
    for end in 0..whole.len() {
        let mut decoder = decoder(OnBadValue::Skip);
        let part = &whole.as_bytes()[..end];
        let rejection = decoder.push_slice(part).expect("skipped").expect("a fault");
        assert!(rejection.is_skipped, "{end}");
        assert_eq!(decoder.push_slice(whole.as_bytes()).expect("a row"), None);
        assert_eq!(decoder.finish().expect("a batch").num_rows(), 1);
    }
    for bytes in [&b"\xff"[..], b"{\"id\":\"\xff\"}", b"{} {}", b"{\"id\" \"a\"}", b"{,}", b"[{]}"]
    {
        decoder(OnBadValue::Fail).push_slice(bytes).expect_err("no record");
    }
}
