//! Values that fit.

use genesys_cloud_arrow::{Decoder, OnBadValue, RecordSchema, SchemaOptions};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::serde_json::{Value, json};

use crate::{DEFINITIONS, decoder, json, raw, rows, schema};

#[test]
fn reads_values_in_every_form() {
    let time = "2024-05-01T12:30:00+00:00";
    for (record, expected) in [
        (r#"{"id":"a"}"#, json!({"id": "a"})),
        (r#"{"id":"a\n\u00fc\ud83d\ude00"}"#, json!({"id": "a\nü😀"})),
        (r#"{"id":25.50}"#, json!({"id": "25.50"})),
        (r#"{"id":{"a": [1]}}"#, json!({"id": r#"{"a": [1]}"#})),
        (r#"{"count":25}"#, json!({"count": 25})),
        (r#"{"count":-25}"#, json!({"count": -25})),
        (r#"{"count":25.0}"#, json!({"count": 25})),
        (r#"{"count":1e3}"#, json!({"count": 1000})),
        (r#"{"count":"25"}"#, json!({"count": 25})),
        (r#"{"count":-2147483648}"#, json!({"count": i32::MIN})),
        (r#"{"size":9223372036854775807}"#, json!({"size": i64::MAX})),
        (r#"{"size":9007199254740993.0}"#, json!({"size": 9_007_199_254_740_993_i64})),
        (r#"{"ratio":31.245270191439438}"#, json!({"ratio": 31.245_270_191_439_438})),
        (r#"{"ratio":"1.5"}"#, json!({"ratio": 1.5})),
        (r#"{"ratio":3}"#, json!({"ratio": 3.0})),
        (r#"{"isOpen":true}"#, json!({"isOpen": true})),
        (r#"{"isOpen":"FALSE"}"#, json!({"isOpen": false})),
        (r#"{"time":"2024-05-01T12:30:00.000Z"}"#, json!({"time": time})),
        (r#"{"time":"2024-05-01T14:30:00+0200"}"#, json!({"time": time})),
        (r#"{"time":"2024-05-01 12:30"}"#, json!({"time": time})),
        (r#"{"time":1714566600000}"#, json!({"time": time})),
        (r#"{"time":"2024\u002d05-01T12:30:00.000Z"}"#, json!({"time": time})),
        (r#"{"local":"2024-05-01T12:30:00"}"#, json!({"local": time})),
        (r#"{"local":"2024-05-01T12:30:00-07:00"}"#, json!({"local": time})),
        (r#"{"day":"2024-05-01"}"#, json!({"day": "2024-05-01"})),
        (r#"{"day":"2024-05-01T23:30:00-07:00"}"#, json!({"day": "2024-05-01"})),
        (r#"{"day":"1969-12-31"}"#, json!({"day": "1969-12-31"})),
        (r#"{"any":{"a": [1.50, null]}}"#, json!({"any": {"a": [1.5, null]}})),
        (r#"{"any":[]}"#, json!({"any": []})),
        (r#"{"tags":[]}"#, json!({"tags": []})),
        (r#"{"tags":["a",null,"b"]}"#, json!({"tags": ["a", null, "b"]})),
        (r#"{"sizes":[1,"2",3.0]}"#, json!({"sizes": [1, 2, 3]})),
        (r#"{"inner":{}}"#, json!({"inner": {}})),
        (r#"{"inner":{"id":null,"count":7}}"#, json!({"inner": {"count": 7}})),
        (
            r#"{"list":[{"id":"a"},null,{"list":[{"x":1},{"y":2}]}]}"#,
            json!({"list": [{"id": "a"}, null, {"list": [{"x": 1}, {"y": 2}]}]}),
        ),
        (r#"{"map":{}}"#, json!({"map": {}})),
        (
            r#"{"map":{"k":{"id":"a"},"\u006e":null,"":{"count":1}}}"#,
            json!({"map": {"k": {"id": "a"}, "n": null, "": {"count": 1}}}),
        ),
        (r#"{"node":{"id":"a","node":{}}}"#, json!({"node": {"id": "a", "node": {}}})),
        (r#"{"unknown":{"id":[1,{"id":"}"}]},"id":"a","next":"\""}"#, json!({"id": "a"})),
        ("{}", json!({})),
        (r#"{"id":null,"list":null,"inner":null,"map":null,"count":null}"#, json!({})),
        (
            " { \"id\" : \"a\" ,\n\t\"tags\" : [ \"b\" , \"c\" ] , \"inner\" : { } } ",
            json!({"id": "a", "tags": ["b", "c"], "inner": {}}),
        ),
    ] {
        let all = rows(&[r#"{"id":"before","list":[{}]}"#, record, r#"{"tags":["after"]}"#]);
        let before = json!({"id": "before", "list": [{}]});
        assert_eq!(all, [before, expected, json!({"tags": ["after"]})], "{record}");
    }
}

#[test]
fn the_last_of_duplicate_fields_counts() {
    for (record, expected) in [
        (r#"{"id":"a","count":1,"id":"b"}"#, json!({"id": "b", "count": 1})),
        (r#"{"id":"a","id":null}"#, json!({})),
        (r#"{"inner":{"id":"a"},"inner":{"count":1}}"#, json!({"inner": {"count": 1}})),
        (
            r#"{"list":[{"id":"a"},{"id":"b"}],"list":[{"count":1}]}"#,
            json!({"list": [{"count": 1}]}),
        ),
        (
            r#"{"map":{"a":{"id":"1"},"b":{"id":"2"},"a":{"count":3}}}"#,
            json!({"map": {"b": {"id": "2"}, "a": {"count": 3}}}),
        ),
        (r#"{"counts":{"a":1,"\u0061":2}}"#, json!({"counts": {"a": 2}})),
        (
            r#"{"counts":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"a":2}}"#,
            json!({"counts": {"a": 2, "b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}}),
        ),
        (
            r#"{"isOpen":true,"ratio":1.5,"isOpen":false,"ratio":2.5}"#,
            json!({"isOpen": false, "ratio": 2.5}),
        ),
    ] {
        let all = rows(&[r#"{"map":{"z":{}}}"#, record, r#"{"id":"after"}"#]);
        let before = json!({"map": {"z": {}}});
        assert_eq!(all, [before, expected, json!({"id": "after"})], "{record}");
    }
}

#[test]
fn only_selected_fields_are_read() {
    let schema = schema().project(["list.list.y", "inner.count", "any"]).expect("fields");
    let mut decoder = Decoder::new(schema);
    // The other fields have bad values.
    let record = r#"{"count":"x","list":[{"count":[],"list":[{"x":"bad","y":1},{"x":[]}]}],
        "inner":{"id":"a","count":2,"node":1},"any":{"kept": true},"map":7}"#;
    assert_eq!(decoder.push(&raw(record)).expect("a row"), None);
    let batch = decoder.finish().expect("a batch");
    let expected =
        json!({"list": [{"list": [{"y": 1}, {}]}], "inner": {"count": 2}, "any": {"kept": true}});
    assert_eq!(json::rows(&batch), [expected]);
    let names: Vec<_> = batch.schema().fields().iter().map(|it| it.name().clone()).collect();
    assert_eq!(names, ["list", "inner", "any"]);
}

#[test]
fn a_decoder_is_empty_after_each_batch() {
    let mut decoder = decoder(OnBadValue::Fail);
    let records = [r#"{"id":"a","list":[{"list":[{"x":1}]}],"map":{"k":{}}}"#, r#"{"tags":["b"]}"#];
    let mut batches = Vec::new();
    for _ in 0..3 {
        for record in records {
            decoder.push(&raw(record)).expect("a row");
        }
        assert_eq!(decoder.rows(), 2);
        batches.push(decoder.finish().expect("a batch"));
        assert_eq!((decoder.rows(), decoder.size()), (0, 0));
    }
    assert_eq!(batches[0].num_rows(), 2);
    assert!(batches.iter().all(|batch| *batch == batches[0]));
    assert_eq!(decoder.finish().expect("a batch").num_rows(), 0);
}

#[test]
fn reads_records_other_than_objects_as_values() {
    let catalogue = Catalogue::from_jsonl("", DEFINITIONS).expect("a catalogue");
    let list = catalogue.definition("Node").and_then(|node| node.property("sizes"));
    for (record, values) in [
        (list, [r#"[1,2]"#, r#""x""#]),
        (list.and_then(|list| list.items.as_deref()), ["7", r#""x""#]),
    ] {
        let schema = RecordSchema::of_records(&catalogue, record, &SchemaOptions::new());
        let mut decoder = Decoder::new(schema).on_bad_value(OnBadValue::Skip);
        assert_eq!(decoder.push(&raw(values[0])).expect("a row"), None);
        let rejection = decoder.push(&raw(values[1])).expect("skipped").expect("a fault");
        assert_eq!(
            (rejection.is_skipped, rejection.faults[0].field.as_deref()),
            (true, Some("value"))
        );
        let value: Value = values[0].parse().expect("JSON");
        assert_eq!(json::rows(&decoder.finish().expect("a batch")), [json!({"value": value})]);
    }
    let unknown = RecordSchema::of_records(&catalogue, None, &SchemaOptions::new());
    let mut decoder = Decoder::new(unknown);
    decoder.push(&raw(r#"{"any": 1}"#)).expect("a row");
    let batch = decoder.finish().expect("a batch");
    assert_eq!(json::rows(&batch), [json!({"value": {"any": 1}})]);
}

#[test]
fn changed_values_are_counted() {
    let mut decoder = decoder(OnBadValue::Skip);
    for record in [
        r#"{"id":"x\ud83d"}"#,
        r#"{"any":{"\ud83d":1}}"#,
        r#"{"counts":{"\udc00":1}}"#,
        r#"{"time":"2024-05-01T12:30:00.123456789Z"}"#,
        r#"{"time":"+292278994-08-17T07:12:55.807Z","day":"-292275055-05-16"}"#,
        r#"{"local":"2024-05-01T12:30:00.1234567Z"}"#,
        // Skipped, so it does not count.
        r#"{"id":"x\ud83d","count":"x"}"#,
    ] {
        decoder.push(&raw(record)).expect("decoded");
    }
    let by_field = decoder.changed_fields();
    let by_field: Vec<_> =
        by_field.map(|(path, it)| (path, it.replaced, it.truncated, it.clamped)).collect();
    let expected = [
        ("any", 1, 0, 0),
        ("counts", 1, 0, 0),
        ("day", 0, 0, 1),
        ("id", 1, 0, 0),
        ("local", 0, 1, 0),
        ("time", 0, 1, 1),
    ];
    assert_eq!(by_field, expected);
    let changes = decoder.changes();
    assert_eq!((changes.replaced, changes.truncated, changes.clamped), (3, 2, 2));
    let rows = json::rows(&decoder.finish().expect("a batch"));
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0], json!({"id": "x\u{fffd}"}));
}

#[test]
fn a_value_that_becomes_null_does_not_count_as_changed() {
    let mut decoder = decoder(OnBadValue::Null);
    decoder.push(&raw(r#"{"inner":{"id":"x\ud83d","list":[1]}}"#)).expect("a row");
    decoder.push(&raw(r#"{"inner":{"id":"x\ud83d","list":7}}"#)).expect("a row");
    decoder.push(&raw(r#"{"inner":{"id":"x"},"tags":["\ud83d",{}]}"#)).expect("a row");
    let counts: Vec<_> = decoder.changed_fields().map(|(path, it)| (path, it.replaced)).collect();
    assert_eq!(counts, [("inner.id", 2), ("tags", 1)]);
}

#[test]
fn unknown_fields_are_named_once() {
    let mut decoder = decoder(OnBadValue::Fail);
    for _ in 0..3 {
        let long = "x".repeat(200);
        let record =
            format!(r#"{{"id":"a","shoe":1,"h\u0061t":{{"id":2}},"inner":{{"x":1}},"{long}":1}}"#);
        decoder.push(&raw(&record)).expect("a row");
    }
    let names: Vec<String> = decoder.unknown_fields().into_iter().collect();
    assert_eq!(names, ["hat", "shoe", &*"x".repeat(128)]);
    for number in 0..1_000 {
        decoder.push(&raw(&format!(r#"{{"n{number}":1}}"#))).expect("a row");
    }
    assert_eq!(decoder.unknown_fields().len(), 20);
}

#[test]
fn a_record_can_be_added_by_its_values() {
    let catalogue = Catalogue::from_jsonl("", DEFINITIONS).expect("a catalogue");
    let options = SchemaOptions::new();
    let schema = RecordSchema::of_records(&catalogue, catalogue.definition("Node"), &options);
    let schema = schema.project(["count", "inner.id", "tags"]).expect("a schema");
    let mut decoder = Decoder::new(schema).on_bad_value(OnBadValue::Skip);
    let [count, inner, tags] = ["7", r#"{"id":"a","count":1}"#, "null"].map(raw);
    assert_eq!(
        decoder.push_values(&[Some(&count), Some(&inner), Some(&tags)]).expect("a row"),
        None
    );
    let rejection = decoder.push_values(&[Some(&inner), None, None]).expect("skipped");
    let rejection = rejection.expect("a fault");
    assert!(rejection.is_skipped && rejection.faults[0].field.as_deref() == Some("count"));
    assert_eq!(decoder.push_values(&[None, None, None]).expect("a row"), None);
    decoder.push(&raw(r#"{"tags":["b"]}"#)).expect("a row");
    let rows = json::rows(&decoder.finish().expect("a batch"));
    assert_eq!(
        rows,
        [json!({"count": 7, "inner": {"id": "a"}}), json!({}), json!({"tags": ["b"]})]
    );
}
