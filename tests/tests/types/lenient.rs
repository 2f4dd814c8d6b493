//! Where the API is looser than its document.

use genesys_cloud::types::{
    Callheader, CsvUploadPreviewResponse, Division, Group, Location, Queue, User, UserEntityListing,
};
use serde_json::{Value, json};

use crate::{read, refused, there_and_back};

#[test]
fn every_field_may_be_missing_or_null() {
    for json in [
        "{}",
        " {\n} ",
        r#"{"id":null,"memberCount":null,"division":null,"routingRules":null,"defaultScripts":null}"#,
    ] {
        let queue: Queue = read(json);
        assert!(queue.id.is_none() && queue.member_count.is_none() && queue.division.is_none());
        assert!(queue.routing_rules.is_none() && queue.default_scripts.is_none());
        assert_eq!(there_and_back::<Queue>(json), json!({}));
    }
}

#[test]
fn keeps_unknown_fields_of_any_type() {
    let json = r#"{"new":{"id":"x","more":[{"id":"y"},[[]]]},"id":"q","neu":[1,2.5e3,"\"}"],"ID":"z","":null}"#;
    let queue: Queue = read(json);
    assert_eq!(queue.id.as_deref(), Some("q"));
    let unknown = ["", "ID", "neu", "new"];
    assert_eq!(queue.unknown_fields.iter().map(|(name, _)| name).collect::<Vec<_>>(), unknown);
    assert_eq!(queue.unknown_fields.get("neu").map(|it| it.as_str()), Some(r#"[1,2.5e3,"\"}"]"#));
    assert_eq!(there_and_back::<Queue>(json), read::<Value>(json));
}

#[test]
fn reads_fields_in_any_order() {
    let forward = [
        r#""id":"q""#,
        r#""name":"Support""#,
        r#""division":{"name":"Home","id":"d"}"#,
        r#""memberCount":3"#,
        r#""routingRules":[{"waitSeconds":5.5,"threshold":1}]"#,
        r#""selfUri":"/api/v2/routing/queues/q""#,
    ];
    let backward: Vec<_> = forward.iter().rev().copied().collect();
    let shuffled = [3, 0, 5, 2, 4, 1].map(|index| forward[index]);
    let expected: Value = read(&format!("{{{}}}", forward.join(",")));
    for order in [forward.as_slice(), &backward, &shuffled] {
        assert_eq!(there_and_back::<Queue>(&format!("{{{}}}", order.join(","))), expected);
    }
}

#[test]
fn the_last_of_duplicate_fields_counts() {
    let queue: Queue =
        read(r#"{"name":"a","memberCount":1,"name":"b","division":{"id":"d"},"name":"c"}"#);
    assert_eq!((queue.name.as_deref(), queue.member_count), (Some("c"), Some(1)));
    let queue: Queue = read(r#"{"name":"a","name":null}"#);
    assert_eq!(queue.name, None);
    let queue: Queue = read(r#"{"division":{"id":"d","name":"Home"},"division":{"id":"e"}}"#);
    assert_eq!(queue.division.expect("a division").name, None, "not a mix of the two");
}

#[test]
fn field_names_may_have_escapes() {
    let queue: Queue = read(r#"{"n\u0061me":"S\u00fc\u0064 \ud83d\ude00","member\u0043ount":3}"#);
    assert_eq!((queue.name.as_deref(), queue.member_count), (Some("Süd 😀"), Some(3)));
}

#[test]
fn a_null_in_a_list_is_an_empty_element() {
    let page: UserEntityListing = read(r#"{"entities":[null,{"id":"u"},null]}"#);
    let ids = page.entities.expect("users").into_iter().map(|user| user.id);
    assert_eq!(ids.collect::<Vec<_>>(), [None, Some("u".to_owned()), None]);
    let user: User = read(r#"{"profileSkills":["Rust",null]}"#);
    assert_eq!(user.profile_skills, Some(vec!["Rust".to_owned(), String::new()]));
}

/// No number or date means "none".
#[test]
fn a_null_in_a_list_of_numbers_is_an_error() {
    let error = refused::<Location>(r#"{"coordinates":{"x":null}}"#);
    assert!(error.starts_with("coordinates: invalid type: null, expected a number"), "{error}");
}

#[test]
fn reads_lists_of_lists() {
    let preview: CsvUploadPreviewResponse = read(r#"{"entries":[["a","b"],[],null,[null]]}"#);
    let entries = preview.entries.expect("rows");
    assert_eq!(entries, [vec!["a", "b"], vec![], vec![], vec![""]]);
}

#[test]
fn reads_maps() {
    let location: Location = read(r#"{"coordinates":{"y":2,"x":0.5,"x":1.5}}"#);
    let coordinates = location.coordinates.expect("coordinates");
    assert_eq!(Vec::from_iter(coordinates), [("x".to_owned(), 1.5), ("y".to_owned(), 2.0)]);

    let headers: Callheader = read(r#"{"headers":{"Via":["a","b"],"To":[],"From":null}}"#);
    let headers = headers.headers.expect("headers");
    assert_eq!((headers["Via"].len(), headers["To"].len(), headers["From"].len()), (2, 0, 0));

    let queue: Queue = read(r#"{"defaultScripts":{"CALL":{"id":"s"},"CHAT":null}}"#);
    let scripts = queue.default_scripts.expect("scripts");
    assert_eq!(scripts["CALL"].id.as_deref(), Some("s"));
    assert!(scripts["CHAT"].id.is_none());
}

#[test]
fn keeps_undocumented_json_unchanged() {
    let json = json!({ "defaultScripts": { "CALL": { "features": { "a": [1, null, "x"] }, "variables": [] } } });
    assert_eq!(there_and_back::<Queue>(&json.to_string()), json);
}

#[test]
fn reads_recursive_records() {
    let json = json!({
        "id": "a",
        "manager": { "id": "b", "manager": { "id": "c", "groups": [{ "owners": [{ "id": "d" }] }] } },
    });
    let user: User = read(&json.to_string());
    let boss = user.manager.as_ref().and_then(|it| it.manager.as_ref()).expect("two managers");
    assert_eq!(boss.groups.as_ref().map(Vec::len), Some(1));
    assert_eq!(serde_json::to_value(&user).expect("JSON"), json);
}

/// On the smallest usual thread stack, without optimization.
#[test]
fn nested_records_need_little_stack() {
    let nested = |levels: usize| {
        let json = format!("{}{{}}{}", r#"{"manager":"#.repeat(levels), "}".repeat(levels));
        serde_json::from_str::<User>(&json).map_err(|error| error.to_string())
    };
    assert!(nested(100).is_ok());
    let error = nested(10_000).expect_err("too deep");
    assert!(error.contains("recursion limit exceeded"), "{error}");
}

#[test]
fn a_type_error_names_the_field() {
    for (json, message) in [
        (r#"{"id":7}"#, "id: invalid type: integer `7`, expected a string at line 1 column 7"),
        (
            r#"{"memberCount":"x"}"#,
            "memberCount: invalid value: string \"x\", expected a 64-bit integer",
        ),
        (
            r#"{"memberCount":true}"#,
            "memberCount: invalid type: boolean `true`, expected a 64-bit integer",
        ),
        (
            r#"{"autoAnswerOnly":1}"#,
            "autoAnswerOnly: invalid type: integer `1`, expected a boolean",
        ),
        (r#"{"division":[]}"#, "division: invalid type: sequence, expected an object (Division)"),
        (r#"{"division":{"name":{}}}"#, "division: name: invalid type: map, expected a string"),
        (r#"{"routingRules":{}}"#, "routingRules: invalid type: map, expected a list"),
        (
            r#"{"routingRules":[{"threshold":"x"}]}"#,
            "routingRules: threshold: invalid value: string",
        ),
        (r#"{"defaultScripts":[]}"#, "defaultScripts: invalid type: sequence, expected an object"),
        (r#"{"scoringMethod":{}}"#, "scoringMethod: invalid type: map, expected a text value"),
        (
            r#"{"dateCreated":[]}"#,
            "dateCreated: invalid type: sequence, expected a date-time such as",
        ),
        // Errors outside of fields.
        ("[]", "invalid type: sequence, expected an object (Queue)"),
        (r#"{"name":"a" "id":"b"}"#, "expected `,` or `}` at line 1 column 13"),
        (r#"{"name":"a""#, "EOF while parsing an object at line 1 column 11"),
        (r#"{"new":[}"#, "expected value at line 1 column 9"),
    ] {
        let error = refused::<Queue>(json);
        assert!(error.starts_with(message), "{json}: {error}");
        assert!(error.contains(" at line 1 column "), "{json}: {error}");
    }
}

#[test]
fn reads_types_from_any_serde_format() {
    let json =
        json!({ "id": "g", "memberCount": 3, "owners": [{ "id": "u" }], "dateModified": null });
    let group: Group = serde_json::from_value(json).expect("a group");
    assert_eq!((group.member_count, group.owners.map(|owners| owners.len())), (Some(3), Some(1)));
    let bytes: Division = serde_json::from_reader(br#"{"id":"d"}"#.as_slice()).expect("a division");
    assert_eq!(bytes.id.as_deref(), Some("d"));
}
