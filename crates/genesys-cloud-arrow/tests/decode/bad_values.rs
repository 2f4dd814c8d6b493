//! Values that do not fit their column.

use genesys_cloud_arrow::OnBadValue;
use genesys_cloud_core::serde_json::json;

use crate::{decoder, json, raw};

const BAD: &[(&str, &str, &str)] = &[
    (r#"{"count":1.5}"#, "count", "expected an integer of 32 bits, found another number"),
    (r#"{"count":2147483648}"#, "count", "expected an integer of 32 bits, found another number"),
    (r#"{"size":1e400}"#, "size", "expected an integer of 64 bits, found another number"),
    (r#"{"size":"x"}"#, "size", "expected an integer of 64 bits, found a string"),
    (r#"{"ratio":[]}"#, "ratio", "expected a number that a double can hold, found a list"),
    (
        r#"{"ratio":9007199254740993}"#,
        "ratio",
        "expected a number that a double can hold, found another number",
    ),
    (r#"{"isOpen":1}"#, "isOpen", "expected true or false, found another number"),
    (r#"{"time":"soon"}"#, "time", "expected a date-time, found a string"),
    (r#"{"time":true}"#, "time", "expected a date-time, found true or false"),
    (r#"{"local":{}}"#, "local", "expected a local date-time, found an object"),
    (r#"{"day":"2024-02-30"}"#, "day", "expected a date, found a string"),
    (r#"{"tags":"a"}"#, "tags", "expected a list, found a string"),
    (r#"{"inner":[1]}"#, "inner", "expected an object, found a list"),
    (r#"{"map":"a"}"#, "map", "expected an object, found a string"),
];

#[test]
fn a_bad_value_fails_with_the_record_and_the_field() {
    for (record, field, reason) in BAD {
        let mut decoder = decoder(OnBadValue::Fail);
        decoder.push(&raw(r#"{"id":"a","list":[{"id":"b"}]}"#)).expect("a row");
        // It can be tried again, with the same result.
        for _ in 0..2 {
            let error = decoder.push(&raw(record)).expect_err(record);
            assert_eq!(error.to_string(), format!("record 1: `{field}`: {reason}"));
            assert_eq!(error.record(), Some(1));
            assert_eq!(error.fault().and_then(|fault| fault.field.as_deref()), Some(*field));
        }
        decoder.push(&raw(r#"{"id":"c"}"#)).expect("a row");
        let rows = json::rows(&decoder.finish().expect("a batch"));
        assert_eq!(rows, [json!({"id": "a", "list": [{"id": "b"}]}), json!({"id": "c"})]);
    }
}

#[test]
fn a_bad_value_becomes_null() {
    for (bad, field, reason) in BAD {
        let mut decoder = decoder(OnBadValue::Null);
        let record = format!(r#"{{"id":"a",{},"tags":["b"]}}"#, &bad[1..bad.len() - 1]);
        let record = record.replace(r#""tags":"a","tags":["b"]"#, r#""tags":"a""#);
        let rejection = decoder.push(&raw(&record)).expect(bad).expect("a fault");
        assert!(!rejection.is_skipped && rejection.faults.len() == 1, "{rejection:?}");
        let fault = &rejection.faults[0];
        assert_eq!((fault.field.as_deref(), &*fault.reason), (Some(*field), *reason));
        let rows = json::rows(&decoder.finish().expect("a batch"));
        let whole = match *field {
            "tags" => json!({"id": "a"}),
            _ => json!({"id": "a", "tags": ["b"]}),
        };
        assert_eq!(rows, [whole], "{bad}");
    }
}

#[test]
fn only_the_bad_value_becomes_null() {
    let mut decoder = decoder(OnBadValue::Null);
    let record = r#"{"id":"a","list":[{"id":"b","count":"x"},7,{"list":[{"x":1},{"x":{},"y":2}]}],
        "map":{"k":{"count":[]},"n":3},"inner":{"count":1,"count":"x"},"sizes":[1,"x",3]}"#;
    let rejection = decoder.push(&raw(record)).expect("a row").expect("faults");
    let fields: Vec<&str> =
        rejection.faults.iter().map(|fault| fault.field.as_deref().unwrap_or_default()).collect();
    let expected =
        ["list.count", "list", "list.list.x", "map.count", "map", "inner.count", "sizes"];
    assert_eq!(fields, expected);
    let expected = json!({
        "id": "a",
        "list": [{"id": "b"}, null, {"list": [{"x": 1}, {"y": 2}]}],
        "map": {"k": {}, "n": null},
        "inner": {},
        "sizes": [1, null, 3],
    });
    assert_eq!(json::rows(&decoder.finish().expect("a batch")), [expected]);
}

#[test]
fn a_record_with_a_bad_value_is_skipped() {
    let mut decoder = decoder(OnBadValue::Skip);
    for (number, (bad, field, _)) in BAD.iter().enumerate() {
        decoder.push(&raw(&format!(r#"{{"id":"{number}","map":{{"k":{{}}}}}}"#))).expect("a row");
        // The columns before the bad value have parts of the record.
        let record = format!(
            r#"{{"id":"x","list":[{{"list":[{{"x":1}}]}}],"counts":{{"a":1}},{},"tags":["x"]}}"#,
            &bad[1..bad.len() - 1],
        );
        let rejection = decoder.push(&raw(&record)).expect(bad).expect("a fault");
        assert!(
            rejection.is_skipped && rejection.faults[0].field.as_deref() == Some(*field),
            "{rejection:?}"
        );
    }
    let rows = json::rows(&decoder.finish().expect("a batch"));
    let expected = (0..BAD.len()).map(|number| json!({"id": number.to_string(), "map": {"k": {}}}));
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

#[test]
fn a_record_that_is_not_an_object_is_skipped_or_fails() {
    for record in ["7", "\"x\"", "[]", "null", "true"] {
        for on_bad_value in [OnBadValue::Null, OnBadValue::Skip] {
            let mut decoder = decoder(on_bad_value);
            let rejection = decoder.push(&raw(record)).expect(record).expect("a fault");
            assert!(rejection.is_skipped && rejection.faults.len() == 1, "{record}: {rejection:?}");
            assert_eq!(rejection.faults[0].field, None);
            decoder.push(&raw("{}")).expect("a row");
            assert_eq!(json::rows(&decoder.finish().expect("a batch")), [json!({})]);
        }
        decoder(OnBadValue::Fail).push(&raw(record)).expect_err(record);
    }
}

#[test]
fn errors_and_faults_have_no_values() {
    let mut decoder = decoder(OnBadValue::Fail);
    for record in [r#"{"count":"secret"}"#, r#"{"list":[{"count":{"secret":"secret"}}]}"#] {
        let error = decoder.push(&raw(record)).expect_err(record);
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}
