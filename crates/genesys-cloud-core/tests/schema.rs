//! JSON Schemas of records and enums, as generated code makes them.

#![allow(missing_docs, unreachable_pub, reason = "the types are made as generated code makes them")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

genesys_cloud_core::open_enum! {
    pub enum Weather {
        Fair = "fair",
        Foul = "foul",
    }
}

genesys_cloud_core::record! {
    pub struct Lobby {
        pub name: Option<String> = "name",
        pub seat_count: Option<i64> = "seatCount",
        pub weather: Option<Weather> = "weather",
        pub opened: Option<DateTime<Utc>> = "opened",
        pub closed_on: Option<NaiveDate> = "closedOn",
        pub scores: Option<Vec<Vec<f64>>> = "scores",
        pub doors: Option<BTreeMap<String, bool>> = "doors",
        pub anything: Option<Value> = "anything",
        pub annex: Option<Box<Lobby>> = "annex",
    }
}

fn schema() -> Value {
    schemars::schema_for!(Lobby).to_value()
}

fn property(name: &str) -> Value {
    schema()["properties"][name].clone()
}

#[test]
fn a_record_has_its_fields_by_their_names_on_the_wire() {
    let schema = schema();
    assert_eq!((&schema["title"], &schema["type"]), (&json!("Lobby"), &json!("object")));
    let properties = schema["properties"].as_object().expect("properties");
    let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
    let mut fields = <Lobby as genesys_cloud_core::Record>::FIELDS.to_vec();
    names.sort_unstable();
    fields.sort_unstable();
    assert_eq!(names, fields);
}

#[test]
fn no_field_is_required_and_each_may_be_null() {
    assert_eq!(schema().get("required"), None);
    assert_eq!(property("name"), json!({ "type": ["string", "null"] }));
    assert_eq!(property("seatCount"), json!({ "type": ["integer", "null"], "format": "int64" }));
}

#[test]
fn dates_lists_and_maps() {
    assert_eq!(property("opened"), json!({ "type": ["string", "null"], "format": "date-time" }));
    assert_eq!(property("closedOn"), json!({ "type": ["string", "null"], "format": "date" }));
    let numbers = json!({ "type": "array", "items": { "type": "number", "format": "double" } });
    assert_eq!(property("scores"), json!({ "type": ["array", "null"], "items": numbers }));
    assert_eq!(
        property("doors"),
        json!({ "type": ["object", "null"], "additionalProperties": { "type": "boolean" } })
    );
    assert_eq!(property("anything"), json!(true));
}

#[test]
fn a_record_within_is_a_reference_even_to_itself() {
    assert_eq!(property("annex"), json!({ "anyOf": [{ "$ref": "#" }, { "type": "null" }] }));
}

#[test]
fn an_enum_lists_its_values_and_allows_others() {
    assert_eq!(
        property("weather"),
        json!({ "anyOf": [{ "$ref": "#/$defs/Weather" }, { "type": "null" }] })
    );
    assert_eq!(
        schema()["$defs"]["Weather"],
        json!({ "type": "string", "examples": ["fair", "foul"] })
    );
}
