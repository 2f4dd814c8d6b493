//! Unknown fields: kept, written back, and carried over to request types.

use genesys_cloud::types::{
    Division, Queue, QueueRequest, SmsPhoneNumber, SmsPhoneNumberPatchRequest, User,
    UserEntityListing, WritableDivision,
};
use genesys_cloud::{Json, UnknownFields};
use serde_json::{Value, json};

use crate::{read, there_and_back};

/// More digits than a double has, and fields out of alphabetical order.
const NEW: &str = r#"{"z":12345678901234567890123,"a":[1.50,null]}"#;

#[test]
fn keeps_unknown_fields_at_every_level() {
    let queue = format!(
        r#"{{"id":"q","division":{{"id":"d","new":{NEW}}},"routingRules":[{{"threshold":1,"new":{NEW}}}],"defaultScripts":{{"CALL":{{"id":"s","new":{NEW}}}}},"new":{NEW}}}"#
    );
    let read: Queue = read(&queue);
    assert_eq!(serde_json::to_string(&read).expect("JSON"), queue);
    assert_eq!(serde_json::to_string(&read.clone()).expect("JSON"), queue);
}

#[test]
fn keeps_unknown_fields_in_any_position() {
    let json =
        json!({ "new1": 1, "name": "n", "new2": [2], "id": "q", "selfUri": "/", "new3": null });
    for json in [json, json!({ "new": 1 })] {
        assert_eq!(there_and_back::<Queue>(&json.to_string()), json);
        // From a value, which has no text.
        let queue: Queue = serde_json::from_value(json.clone()).expect("a queue");
        assert_eq!(serde_json::to_value(&queue).expect("JSON"), json);
    }
}

#[test]
fn the_last_of_duplicate_fields_counts() {
    let queue: Queue = read(r#"{"new":1,"name":"a","new":2,"name":"b"}"#);
    assert_eq!(serde_json::to_string(&queue).expect("JSON"), r#"{"name":"b","new":2}"#);
}

#[test]
fn has_no_unknown_fields_by_default() {
    let queue: Queue = read(r#"{"id":"q","division":{"id":"d"},"name":null}"#);
    assert!(queue.unknown_fields.is_empty());
    assert_eq!(queue.unknown_fields, UnknownFields::new());
    assert_eq!(size_of::<UnknownFields>(), size_of::<usize>());
}

#[test]
fn the_caller_can_change_unknown_fields() {
    let mut queue: Queue = read(r#"{"id":"q","old":1,"new":2}"#);
    let fields = &mut queue.unknown_fields;
    assert_eq!(fields.remove("old"), Some(Json::from(json!(1))));
    assert_eq!(fields.insert("new", json!([3]).into()), Some(json!(2).into()));
    assert_eq!((fields.len(), fields.remove("other")), (1, None));
    assert_eq!(serde_json::to_string(&queue).expect("JSON"), r#"{"id":"q","new":[3]}"#);
    queue.unknown_fields.remove("new");
    assert!(queue.unknown_fields.is_empty());
}

#[test]
fn invalid_json_in_an_unknown_field_is_an_error() {
    let error =
        serde_json::from_str::<Queue>(r#"{"id":"q","new":{"a":tru}}"#).expect_err("no JSON");
    assert!(error.to_string().contains("line 1 column"), "{error}");
}

#[test]
fn records_compare_by_all_fields() {
    let json =
        r#"{"entities":[{"id":"u","manager":{"id":"m"},"version":1,"new":{"a":1}}],"total":1}"#;
    let one: UserEntityListing = read(json);
    assert_eq!(one, read(json));
    assert_eq!(one, one.clone());
    for other in [
        json.replace("\"m\"", "\"n\""),
        json.replace(r#""version":1,"#, ""),
        json.replace(r#"{"a":1}"#, r#"{"a":2}"#),
        json.replace(r#","new":{"a":1}"#, ""),
        json.replace("\"total\":1", "\"total\":2"),
    ] {
        assert_ne!(other, json);
        assert_ne!(one, read(&other), "{other}");
    }
    assert_eq!(User::default(), read("{}"));
}

#[test]
fn converts_a_response_type_to_its_request_type() {
    let queue: Queue = read(&format!(
        r#"{{
            "id": "q", "name": "Support", "memberCount": 7, "scoringMethod": "New",
            "division": {{ "id": "d", "name": "Home", "selfUri": "/d", "new": {NEW} }},
            "acwSettings": {{ "timeoutMs": 5, "new": {NEW} }}, "new": {NEW}
        }}"#
    ));
    let mut request = QueueRequest::from(queue);
    request.name = Some("Sales".to_owned());
    let new: Value = read(NEW);
    let sent = serde_json::to_value(&request).expect("JSON");
    assert_eq!(sent["name"], "Sales");
    assert_eq!(sent["scoringMethod"], "New");
    assert_eq!(sent["acwSettings"], json!({ "timeoutMs": 5, "new": new }));
    assert_eq!((&sent["division"]["new"], &sent["new"]), (&new, &new));
    assert_eq!(sent["memberCount"], 7);
    // Fields missing from the request are read-only.
    let number: SmsPhoneNumber = read(r#"{"id":"n","phoneNumber":"+49","new":1}"#);
    let number = SmsPhoneNumberPatchRequest::from(number);
    assert_eq!(serde_json::to_string(&number).expect("JSON"), r#"{"id":"n","new":1}"#);
    let division = Division { id: Some("d".to_owned()), ..Default::default() };
    let taken = WritableDivision { id: Some("d".to_owned()), ..Default::default() };
    assert_eq!(WritableDivision::from(division), taken);
}
