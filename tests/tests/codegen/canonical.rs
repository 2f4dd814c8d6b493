//! The form in which the pinned document is kept.

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

/// The document with the entries of every object but `properties` in the opposite order.
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
fn it_is_the_canonical_form_of_itself() {
    for name in DOCUMENTS {
        let once = canonical(&document(name)).unwrap();
        assert_eq!(once, canonical(&once).unwrap(), "{name}");
    }
}

#[test]
fn the_order_of_the_text_does_not_matter() {
    for name in DOCUMENTS {
        let mut json = Json::parse(&document(name)).unwrap();
        reversed(&mut json, "");
        let other = json.compact();
        assert_eq!(canonical(&document(name)).unwrap(), canonical(&other).unwrap(), "{name}");
    }
}

#[test]
fn it_gives_the_same_bindings() {
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
fn it_keeps_the_order_of_properties_and_shares_replies() {
    insta::assert_snapshot!(canonical(&document("replies.json")).unwrap());
}

#[test]
fn equal_replies_are_shared_whatever_the_order_of_their_keys() {
    let text = r#"{
        "paths": { "/a": { "get": { "responses": { "400": { "schema": {}, "description": "Bad." } } } } },
        "responses": { "400": { "description": "Bad.", "schema": {} } }
    }"#;
    let once = canonical(text).unwrap();
    assert!(once.contains(r##""$ref": "#/responses/400""##), "{once}");
}
