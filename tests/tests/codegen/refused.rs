//! Documents that codegen rejects: one message each, with the location.

use insta::assert_snapshot;

use crate::{generate, refusal};

/// A Swagger document with one operation that returns the definition `Thing`.
fn with_definitions(definitions: &str) -> String {
    format!(
        r##"{{
            "swagger": "2.0",
            "paths": {{ "/thing": {{ "get": {{
                "operationId": "getThing",
                "responses": {{ "200": {{ "schema": {{ "$ref": "#/definitions/Thing" }} }} }}
            }} }} }},
            "definitions": {{ {definitions} }}
        }}"##
    )
}

#[test]
fn rejects_invalid_json() {
    assert_snapshot!(refusal("swagger: '2.0'"), @"not valid JSON: expected value at line 1 column 1");
    assert_snapshot!(refusal(""), @"not valid JSON: EOF while parsing a value at line 1 column 0");
    assert_snapshot!(refusal("{ \"swagger\": \"2.0\",\n  \"paths\": }"), @"not valid JSON: expected value at line 2 column 12");
}

#[test]
fn rejects_duplicate_keys() {
    assert_snapshot!(refusal("{ \"swagger\": \"2.0\",\n  \"paths\": {},\n  \"paths\": {} }"), @"not valid JSON: duplicate key `paths` at line 3 column 9");
    assert_snapshot!(
        refusal(&with_definitions(r#""Thing": { "type": "object" }, "Thing": { "type": "string" }"#)),
        @"not valid JSON: duplicate key `Thing` at line 7 column 67"
    );
}

#[test]
fn rejects_json_that_is_not_an_api_document() {
    assert_snapshot!(refusal("[1, 2]"), @"not an API document: expected an object, found a list");
    assert_snapshot!(refusal(r#"{ "name": "package", "version": "1.0" }"#), @"not an API document: it has neither `swagger` nor `openapi`");
    assert_snapshot!(refusal(r#"{ "swagger": "2.0" }"#), @"not an API document: it has no `paths`");
    assert_snapshot!(refusal(r#"{ "swagger": "2.0", "paths": [] }"#), @"not an API document: `paths`: expected an object, found a list");
    assert_snapshot!(refusal(r#"{ "swagger": "2.0", "openapi": "3.0.0", "paths": {} }"#), @"the document has both `swagger` and `openapi`");
}

#[test]
fn rejects_other_versions() {
    assert_snapshot!(refusal(r#"{ "swagger": "1.2", "paths": {} }"#), @r#"`swagger`: unsupported version "1.2"; expected Swagger 2.0, OpenAPI 3.0 or 3.1"#);
    assert_snapshot!(refusal(r#"{ "openapi": "2.0", "paths": {} }"#), @r#"`openapi`: unsupported version "2.0"; expected Swagger 2.0, OpenAPI 3.0 or 3.1"#);
    assert_snapshot!(refusal(r#"{ "openapi": "3.00", "paths": {} }"#), @r#"`openapi`: unsupported version "3.00"; expected Swagger 2.0, OpenAPI 3.0 or 3.1"#);
}

#[test]
fn rejects_deeply_nested_schemas() {
    let deep = format!(
        r#""Thing": {}{{ "type": "string" }}{}"#,
        r#"{ "type": "array", "items": "#.repeat(500),
        "}".repeat(500),
    );
    assert_snapshot!(refusal(&with_definitions(&deep)), @"the JSON is nested more than 127 levels deep, at line 7 column 3539");
}

/// Records in records do not count, however long the chain.
#[test]
fn accepts_long_chains_of_records() {
    let records: String = (0..1000)
        .map(|depth| {
            let name = if depth == 0 { "Thing".to_owned() } else { format!("Record{depth}") };
            format!(
                r##""{name}": {{ "properties": {{ "next": {{ "$ref": "#/definitions/Record{}" }} }} }},"##,
                depth + 1,
            )
        })
        .collect();
    let text = with_definitions(&format!(r#"{records} "Record1000": {{ "type": "string" }}"#));
    assert_eq!(generate(&text).unwrap().model.groups["thing"].types.len(), 1000);
}
