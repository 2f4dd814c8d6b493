//! JSON Schemas of records and enums, as in generated code.

#![allow(missing_docs, unreachable_pub, reason = "the types look like generated code")]

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
fn the_properties_are_the_json_names_of_the_fields() {
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
fn fields_are_optional_and_nullable() {
    assert_eq!(schema().get("required"), None);
    assert_eq!(property("name"), json!({ "type": ["string", "null"] }));
    assert_eq!(property("seatCount"), json!({ "type": ["integer", "null"], "format": "int64" }));
}

#[test]
fn dates_lists_and_maps_have_types() {
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
fn a_nested_record_is_a_reference() {
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
