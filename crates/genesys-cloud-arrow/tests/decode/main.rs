//! Records decoded into batches.

mod bad_values;
mod hostile;
mod json;
mod lists;
mod reader;
mod values;

use genesys_cloud_arrow::arrow_array::RecordBatch;
use genesys_cloud_arrow::{Decoder, OnBadValue, RecordSchema, SchemaOptions};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::serde_json::Value;
use genesys_cloud_core::serde_json::value::RawValue;

/// A list of records with every kind of field.
const DEFINITIONS: &str = r#"{"name":"Node","type":"object","properties":{"id":{"type":"string"},"time":{"type":"string","format":"date-time"},"local":{"type":"string","format":"local-date-time"},"day":{"type":"string","format":"date"},"count":{"type":"integer","format":"int32"},"size":{"type":"integer","format":"int64"},"ratio":{"type":"number"},"isOpen":{"type":"boolean"},"any":{"type":"object"},"tags":{"type":"array","items":{"type":"string"}},"sizes":{"type":"array","items":{"type":"integer"}},"inner":{"$ref":"Inner"},"list":{"type":"array","items":{"$ref":"Inner"}},"map":{"type":"object","additionalProperties":{"$ref":"Inner"}},"counts":{"type":"object","additionalProperties":{"type":"integer"}},"node":{"$ref":"Node"}}}
{"name":"Inner","type":"object","properties":{"id":{"type":"string"},"count":{"type":"integer"},"node":{"$ref":"Node"},"list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer"},"y":{"type":"integer"}}}}}}"#;

fn schema() -> RecordSchema {
    let catalogue = Catalogue::from_jsonl("", DEFINITIONS).expect("a catalogue");
    RecordSchema::of_records(&catalogue, catalogue.definition("Node"), &SchemaOptions::new())
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn decoder(on_bad_value: OnBadValue) -> Decoder {
    Decoder::new(schema()).on_bad_value(on_bad_value)
}

/// Decodes records without a bad value.
fn decoded(records: &[&str]) -> RecordBatch {
    let mut decoder = decoder(OnBadValue::Fail);
    for record in records {
        let rejection =
            decoder.push(&raw(record)).unwrap_or_else(|error| panic!("{record}: {error}"));
        assert_eq!(rejection, None, "{record}");
    }
    decoder.finish().expect("a batch")
}

fn rows(records: &[&str]) -> Vec<Value> {
    json::rows(&decoded(records))
}
