//! Documents that codegen refuses: one message each, with the place.

use insta::assert_snapshot;

use crate::{generate, refusal};

/// A Swagger document with one operation of these parameters.
fn with_parameters(path: &str, parameters: &str) -> String {
    format!(
        r##"{{
            "swagger": "2.0",
            "paths": {{ "{path}": {{ "get": {{
                "operationId": "getThing",
                "parameters": [{parameters}],
                "responses": {{ "204": {{}} }}
            }} }} }},
            "definitions": {{ "Thing": {{ "type": "object", "properties": {{ "id": {{ "type": "string" }} }} }} }}
        }}"##
    )
}

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

/// An OpenAPI 3 document with one operation.
fn openapi(operation: &str) -> String {
    format!(
        r#"{{ "openapi": "3.0.1", "paths": {{ "/thing": {{ "post": {{
            "operationId": "postThing", {operation}
        }} }} }} }}"#
    )
}

#[test]
fn what_is_no_json() {
    assert_snapshot!(refusal("swagger: '2.0'"), @"not valid JSON: expected value at line 1 column 1");
    assert_snapshot!(refusal(""), @"not valid JSON: EOF while parsing a value at line 1 column 0");
    assert_snapshot!(refusal("{ \"swagger\": \"2.0\",\n  \"paths\": }"), @"not valid JSON: expected value at line 2 column 12");
}

#[test]
fn a_key_that_stands_twice() {
    assert_snapshot!(refusal("{ \"swagger\": \"2.0\",\n  \"paths\": {},\n  \"paths\": {} }"), @"not valid JSON: key `paths` stands here twice at line 3 column 9");
    assert_snapshot!(
        refusal(&with_definitions(r#""Thing": { "type": "object" }, "Thing": { "type": "string" }"#)),
        @"not valid JSON: key `Thing` stands here twice at line 7 column 67"
    );
}

#[test]
fn json_that_is_no_api_document() {
    assert_snapshot!(refusal("[1, 2]"), @"not an API document: the text holds a list, where an object is due");
    assert_snapshot!(refusal(r#"{ "name": "package", "version": "1.0" }"#), @"not an API document: neither `swagger` nor `openapi` says which format it has");
    assert_snapshot!(refusal(r#"{ "swagger": "2.0" }"#), @"not an API document: it has no `paths`");
    assert_snapshot!(refusal(r#"{ "swagger": "2.0", "openapi": "3.0.0", "paths": {} }"#), @"the document claims to be both `swagger` and `openapi`");
}

#[test]
fn other_versions() {
    assert_snapshot!(refusal(r#"{ "swagger": "1.2", "paths": {} }"#), @r#"`swagger`: version "1.2" is not known; Swagger 2.0 and OpenAPI 3.0 are"#);
    assert_snapshot!(refusal(r#"{ "swagger": 2.0, "paths": {} }"#), @"`swagger`: version 2.0 is not known; Swagger 2.0 and OpenAPI 3.0 are");
    assert_snapshot!(refusal(r#"{ "openapi": "3.1.0", "paths": {} }"#), @r#"`openapi`: version "3.1.0" is not known; Swagger 2.0 and OpenAPI 3.0 are"#);
    assert_snapshot!(refusal(r#"{ "openapi": "3.00", "paths": {} }"#), @r#"`openapi`: version "3.00" is not known; Swagger 2.0 and OpenAPI 3.0 are"#);
}

#[test]
fn places_of_parameters() {
    for place in ["formData", "cookie", "elsewhere"] {
        let text = with_parameters(
            "/thing",
            &format!(r#"{{ "name": "a", "in": "{place}", "type": "string" }}"#),
        );
        assert_snapshot!(format!("in_{place}"), refusal(&text));
    }
    assert_snapshot!(refusal(&with_parameters("/thing", r#"{ "name": "a" }"#)), @"GET /thing, parameter `a`: it does not say where the parameter goes (`in`)");
    assert_snapshot!(refusal(&with_parameters("/thing", r#"{ "in": "query" }"#)), @"GET /thing: a parameter has no name");
}

#[test]
fn parameters_that_the_path_lacks() {
    assert_snapshot!(refusal(&with_parameters("/thing/{id}", "")), @"GET /thing/{id} (getThing): the path names `{id}`, which is not among the parameters");
}

#[test]
fn forms_of_parameters() {
    let list = r#""type": "array", "items": { "type": "string" }"#;
    assert_snapshot!(
        refusal(&with_parameters("/thing", &format!(r#"{{ "name": "a", "in": "header", {list} }}"#))),
        @"GET /thing (getThing), parameter `a`: a list in a header is not supported"
    );
    assert_snapshot!(
        refusal(&with_parameters("/thing/{a}", &format!(r#"{{ "name": "a", "in": "path", {list} }}"#))),
        @"GET /thing/{a} (getThing), parameter `a`: a list in a path is not supported"
    );
    assert_snapshot!(
        refusal(&with_parameters(
            "/thing",
            &format!(r#"{{ "name": "a", "in": "query", "type": "array", "items": {{ {list} }} }}"#),
        )),
        @"GET /thing (getThing), parameter `a`: a list of lists can't be written into a URL"
    );
    assert_snapshot!(
        refusal(&with_parameters(
            "/thing",
            r#"{ "name": "a", "in": "query", "type": "array", "collectionFormat": "json" }"#,
        )),
        @"GET /thing, parameter `a`: collectionFormat `json` is not known"
    );
    assert_snapshot!(
        refusal(&openapi(
            r#""parameters": [
                { "name": "a", "in": "query", "style": "deepObject", "schema": { "type": "object" } }
            ], "responses": {}"#,
        )),
        @"POST /thing, parameter `a`: style `deepObject` is not supported"
    );
    assert_snapshot!(
        refusal(&openapi(
            r#""parameters": [{
                "name": "a", "in": "query",
                "schema": { "type": "object", "properties": { "b": { "type": "string" } } }
            }], "responses": {}"#,
        )),
        @"POST /thing (postThing), parameter `a`: an object can't be written into a URL"
    );
}

#[test]
fn bodies_that_are_not_json() {
    for media in
        ["multipart/form-data", "application/x-www-form-urlencoded", "image/png", "text/plain"]
    {
        let text = openapi(&format!(
            r#""requestBody": {{ "content": {{ "{media}": {{ "schema": {{ "type": "string" }} }} }} }},
            "responses": {{ "204": {{}} }}"#
        ));
        assert_eq!(
            refusal(&text),
            format!(
                "POST /thing, request body: a body of type `{media}` is not supported, only JSON is"
            ),
        );
    }
    assert_snapshot!(
        refusal(&with_parameters("/thing", r#"{ "name": "a", "in": "body", "schema": { "type": "file" } }"#)),
        @"GET /thing, parameter `a`: a body that is not JSON is not supported"
    );
}

#[test]
fn references_to_nothing() {
    assert_snapshot!(refusal(&with_definitions("")), @"GET /thing (getThing), reply 200: `$ref` to `Thing`, which the document does not define");
    assert_snapshot!(
        refusal(&with_definitions(
            r##""Thing": { "type": "object", "properties": {
                "list": { "type": "array", "items": { "$ref": "#/definitions/Gone" } }
            } }"##,
        )),
        @"definition `Thing`, property `list`: `$ref` to `Gone`, which the document does not define"
    );
    assert_snapshot!(
        refusal(&with_definitions(r##""Thing": { "$ref": "other.json#/definitions/Thing" }"##)),
        @"definition `Thing`: `$ref` to `other.json#/definitions/Thing`, which the document does not define"
    );
    assert_snapshot!(
        refusal(&with_parameters("/thing", r##"{ "$ref": "#/parameters/gone" }"##)),
        @"GET /thing: `$ref` to `#/parameters/gone`, which the document does not define"
    );
}

#[test]
fn circles() {
    // A list of itself, and an alias of itself.
    assert_snapshot!(
        refusal(&with_definitions(
            r##""Thing": { "type": "array", "items": { "$ref": "#/definitions/Thing" } }"##,
        )),
        @"definition `Thing` is made of nothing but itself"
    );
    assert_snapshot!(
        refusal(&with_definitions(
            r##""Thing": { "$ref": "#/definitions/Other" }, "Other": { "$ref": "#/definitions/Thing" }"##,
        )),
        @"definition `Thing` is made of nothing but itself"
    );
    // Parts of itself, directly and through another.
    assert_snapshot!(
        refusal(&with_definitions(
            r##""Thing": { "allOf": [{ "$ref": "#/definitions/Thing" }], "properties": {} }"##,
        )),
        @"definition `Thing`: the `allOf` of `Thing` leads back to itself"
    );
    assert_snapshot!(
        refusal(&with_definitions(
            r##""Thing": { "allOf": [{ "$ref": "#/definitions/Other" }, { "type": "object" }] },
            "Other": { "allOf": [{ "$ref": "#/definitions/Thing" }, { "type": "object" }] }"##,
        )),
        @"definition `Thing`: the `allOf` of `Other` leads back to itself"
    );
}

#[test]
fn schemas_that_are_too_deep() {
    let deep = format!(
        r#""Thing": {}{{ "type": "string" }}{}"#,
        r#"{ "type": "array", "items": "#.repeat(500),
        "}".repeat(500),
    );
    assert_snapshot!(refusal(&with_definitions(&deep)), @"not valid JSON: recursion limit exceeded at line 7 column 3539");
    // The same depth in many definitions.
    let lists: String = (0..500)
        .map(|depth| {
            let name = if depth == 0 { "Thing".to_owned() } else { format!("List{depth}") };
            format!(
                r##""{name}": {{ "type": "array", "items": {{ "$ref": "#/definitions/List{}" }} }},"##,
                depth + 1,
            )
        })
        .collect();
    assert_snapshot!(
        refusal(&with_definitions(&format!(r#"{lists} "List500": {{ "type": "string" }}"#))),
        @"definition `List32`: lists and maps are stated more than 32 deep"
    );
}

/// Records within records are no such chain, however long.
#[test]
fn long_chains_of_records_are_fine() {
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

#[test]
fn schemas_of_no_known_type() {
    assert_snapshot!(refusal(&with_definitions(r#""Thing": { "type": "tuple" }"#)), @"definition `Thing`: `type` is `tuple`, which is not known");
    assert_snapshot!(refusal(&with_definitions(r#""Thing": { "type": ["string", "null"] }"#)), @"definition `Thing`: `type` is a list, where a text is due");
    assert_snapshot!(refusal(&with_definitions(r#""Thing": { "type": "array" }"#)), @"definition `Thing`: an array that does not say what its items are");
    assert_snapshot!(refusal(&with_definitions(r#""Thing": true"#)), @"definition `Thing`: a schema is an object, this is a boolean");
}

#[test]
fn operations_without_a_name_of_their_own() {
    let text = r#"{ "swagger": "2.0", "paths": {
        "/a": { "get": { "operationId": "getA", "responses": {} } },
        "/b": { "get": { "operationId": "getA", "responses": {} } }
    } }"#;
    assert_snapshot!(refusal(text), @"two operations have the id `getA`: GET /a and GET /b");
    let text = r#"{ "swagger": "2.0", "paths": { "/a": { "get": { "responses": {} } } } }"#;
    assert_snapshot!(refusal(text), @"GET /a: the operation has no operationId");
    let text = r#"{ "swagger": "2.0", "paths": { "/a": { "get": { "operationId": "--", "responses": {} } } } }"#;
    assert_snapshot!(refusal(text), @"GET /a (--): the operationId has no letter to name it by");
}

#[test]
fn other_parts_of_an_operation() {
    let text = r#"{ "swagger": "2.0", "paths": { "/a": { "trace": { "operationId": "a", "responses": {} } } } }"#;
    assert_snapshot!(refusal(text), @"TRACE /a: this method is not supported");
    let text = r#"{ "swagger": "2.0", "paths": { "a": {} } }"#;
    assert_snapshot!(refusal(text), @"paths: `a` does not start with `/`");
    let text = r#"{ "swagger": "2.0", "paths": { "/a": { "get": { "operationId": "a" } } } }"#;
    assert_snapshot!(refusal(text), @"GET /a: the operation has no `responses`");
    let text = r#"{ "swagger": "2.0", "paths": { "/a": { "get": { "operationId": "a", "responses": { "20": {} } } } } }"#;
    assert_snapshot!(refusal(text), @"GET /a: `20` is not an HTTP status");
}

/// Progenitor itself names no place, and sometimes panics.
#[test]
fn what_progenitor_stops_at_is_named() {
    let text = r#"{ "swagger": "2.0", "paths": {
        "/fine": { "get": { "operationId": "getFine", "responses": { "204": {} } } },
        "/a}/b": { "get": { "operationId": "getOdd", "responses": { "204": {} } } }
    } }"#;
    assert_snapshot!(refusal(text), @"GET /a}/b (getOdd): progenitor can't generate this: invalid operation path unexpected }");
}
