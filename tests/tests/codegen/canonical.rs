//! The canonical form of the pinned document.

use xtask::document::canonical;
use xtask::json::Json;

use crate::{document, generate};

const DOCUMENTS: [&str; 8] = [
    "all_of.json",
    "colliding_definitions.json",
    "colliding_operations.json",
    "directory.openapi.json",
    "directory.swagger.json",
    "docs.json",
    "odd_properties.json",
    "replies.json",
];

/// Reverses the entries of every object except `properties`.
fn reversed(json: &mut Json, key: &str) {
    match json {
        Json::Object(entries) => {
            let named = key == "properties";
            for (key, value) in entries.iter_mut() {
                reversed(value, if named { "" } else { key });
            }
            if !named {
                entries.reverse();
            }
        }
        Json::Array(elements) => elements.iter_mut().for_each(|element| reversed(element, "")),
        _ => {}
    }
}

#[test]
fn is_idempotent() {
    for name in DOCUMENTS {
        let once = canonical(&document(name)).unwrap();
        assert_eq!(once, canonical(&once).unwrap(), "{name}");
    }
}

#[test]
fn ignores_the_order_of_entries() {
    for name in DOCUMENTS {
        let mut json = Json::parse(&document(name)).unwrap();
        reversed(&mut json, "");
        let other = json.compact();
        assert_eq!(canonical(&document(name)).unwrap(), canonical(&other).unwrap(), "{name}");
    }
}

#[test]
fn generates_the_same_bindings() {
    for name in DOCUMENTS {
        let text = document(name);
        let mut json = Json::parse(&text).unwrap();
        reversed(&mut json, "");
        let first = generate(&text).unwrap();
        for other in [canonical(&text).unwrap(), json.compact()] {
            let second = generate(&other).unwrap();
            assert_eq!(first.sources, second.sources, "{name}");
            assert_eq!(first.operations, second.operations, "{name}");
            assert_eq!(first.definitions, second.definitions, "{name}");
        }
    }
}

#[test]
fn keeps_the_order_of_properties_and_shares_replies() {
    insta::assert_snapshot!(canonical(&document("replies.json")).unwrap());
}

#[test]
fn shares_replies_that_differ_only_in_key_order() {
    let text = r#"{
        "paths": { "/a": { "get": { "responses": { "400": { "schema": {}, "description": "Bad." } } } } },
        "responses": { "400": { "description": "Bad.", "schema": {} } }
    }"#;
    let once = canonical(text).unwrap();
    assert!(once.contains(r##""$ref": "#/responses/400""##), "{once}");
}
