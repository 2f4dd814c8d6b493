//! Constructs that codegen degrades: a document per rule, its notes, and the bindings.

use insta::assert_snapshot;
use xtask::codegen;
use xtask::notes::Rule;

use crate::{document, generate, rendered};

/// A Swagger 2.0 document with these paths and definitions.
fn swagger(paths: &str, definitions: &str) -> String {
    format!(r#"{{ "swagger": "2.0", "paths": {{ {paths} }}, "definitions": {{ {definitions} }} }}"#)
}

/// A Swagger 2.0 document with one operation of these parameters.
fn parameters(path: &str, parameters: &str) -> String {
    swagger(
        &format!(
            r#""{path}": {{ "get": {{
                "operationId": "getThing",
                "parameters": [{parameters}],
                "responses": {{ "204": {{}} }}
            }} }}"#
        ),
        "",
    )
}

/// A Swagger 2.0 document whose only operation returns the definition `Thing`.
fn definitions(definitions: &str) -> String {
    swagger(&returns("definitions"), definitions)
}

fn returns(section: &str) -> String {
    let schema = format!(r##"{{ "$ref": "#/{section}/Thing" }}"##);
    let reply = match section {
        "definitions" => format!(r#"{{ "schema": {schema} }}"#),
        _ => format!(r#"{{ "content": {{ "application/json": {{ "schema": {schema} }} }} }}"#),
    };
    format!(
        r#""/thing": {{ "get": {{ "operationId": "getThing", "responses": {{ "200": {reply} }} }} }}"#
    )
}

/// An OpenAPI 3 document whose only operation returns the schema `Thing`.
fn schemas(version: &str, schemas: &str) -> String {
    let paths = returns("components/schemas");
    format!(
        r#"{{ "openapi": "{version}", "paths": {{ {paths} }}, "components": {{ "schemas": {{ {schemas} }} }} }}"#
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

/// The notes on a document, one per line.
fn notes(text: &str) -> String {
    let (_, notes) = codegen::read(text, false).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
    let generated = generate(text).unwrap_or_else(|error| panic!("{error:#}\n{text}"));
    let notes = notes.iter().chain(generated.notes.iter());
    notes.map(|note| format!("{} {note}\n", note.rule.name())).collect()
}

/// Documents that a rule applies to.
fn documents(rule: Rule) -> Vec<String> {
    let string = r#""type": "string""#;
    match rule {
        Rule::Version => vec![schemas("3.2.0", r#""Thing": { "type": "string" }"#)],
        Rule::WrongKind => vec![
            // The sections of an operation, and their elements.
            r#"{ "swagger": "2.0", "paths": {
                "/a": { "get": { "operationId": "getA", "parameters": { "name": "a" }, "responses": [] } },
                "/b": { "get": { "operationId": "getB", "parameters": ["a"], "responses": { "200": 1 }, "tags": "B" } },
                "/c": { "parameters": {}, "get": { "operationId": "getC", "responses": {}, "summary": [], "deprecated": "yes" } },
                "/d": [], "/e": { "get": null }
            } }"#.to_owned(),
            // The parts of a schema.
            definitions(
                r#""Thing": { "type": "object", "required": true, "properties": {
                    "list": { "type": "array", "items": "string" },
                    "number": { "type": 5 },
                    "enum": { "type": "string", "enum": { "a": 1 } },
                    "record": { "type": "object", "properties": [] },
                    "map": { "type": "object", "additionalProperties": 1 },
                    "text": { "type": "string", "description": {}, "format": 1, "readOnly": "true" }
                } }"#,
            ),
            r#"{ "swagger": 2.0, "paths": {}, "definitions": [] }"#.to_owned(),
            r#"{ "openapi": "3.0.0", "paths": {}, "components": [] }"#.to_owned(),
        ],
        Rule::Reference => vec![
            definitions(
                r##""Thing": { "type": "object", "properties": {
                    "gone": { "$ref": "#/definitions/Gone" },
                    "file": { "$ref": "other.json#/definitions/Thing" },
                    "anchor": { "$ref": "#thing" }
                } }"##,
            ),
            parameters("/thing", r##"{ "$ref": "#/parameters/gone" }"##),
            // A cycle of two references.
            r##"{ "swagger": "2.0", "paths": { "/a": { "get": {
                "operationId": "getA", "responses": { "200": { "$ref": "#/responses/one" } }
            } } }, "responses": { "one": { "$ref": "#/responses/two" }, "two": { "$ref": "#/responses/one" } } }"##
                .to_owned(),
        ],
        Rule::BesideRef => vec![definitions(
            r##""Thing": { "type": "object", "properties": {
                "other": { "$ref": "#/definitions/Other", "description": "Kept.", "type": "string" }
            } }, "Other": { "type": "object", "properties": { "id": { "type": "string" } } }"##,
        )],
        Rule::Servers => vec![
            r#"{ "openapi": "3.0.0",
                "servers": [{ "url": "https://api.example.com/v2/" }, { "url": "/v3" }],
                "paths": { "/a": {
                    "get": { "operationId": "getA", "responses": {} },
                    "put": { "operationId": "putA", "responses": {}, "servers": [{ "url": "https://files.example.com/up" }] }
                } } }"#.to_owned(),
        ],
        Rule::Path => vec![swagger(
            r#""thing": { "get": { "operationId": "getThing", "responses": {} } },
            "/a}/b": { "get": { "operationId": "getA", "responses": {} } },
            "/{}/b": { "get": { "operationId": "getB", "responses": {} } }"#,
            "",
        )],
        Rule::PathParameter => vec![
            parameters("/thing/{id}/{other}", r#"{ "name": "other", "in": "Path", "type": "integer" }"#),
            parameters("/thing", r#"{ "name": "id", "in": "path", "type": "string" }"#),
        ],
        Rule::Method => vec![swagger(
            r#""/thing": {
                "get": { "operationId": "getThing", "responses": {} },
                "GET": { "operationId": "getThing2", "responses": {} },
                "options": { "operationId": "optionsThing", "responses": {} },
                "fetch": {}
            }"#,
            "",
        )],
        Rule::Webhook => vec![
            r#"{ "openapi": "3.1.0", "webhooks": { "newThing": { "post": {} } }, "paths": { "/a": { "post": {
                "operationId": "postA", "responses": {}, "callbacks": { "done": {} }
            } } } }"#.to_owned(),
        ],
        Rule::OperationId => vec![swagger(
            r#""/api/v2/things/{thingId}": {
                "get": { "operationId": "get", "responses": {} },
                "put": { "responses": {} },
                "delete": { "operationId": "--", "responses": {} },
                "patch": { "operationId": "изменить", "responses": {} }
            },
            "/api/v2/things": {
                "get": { "operationId": "get", "responses": {} },
                "post": { "operationId": "putThingsThingId", "responses": {} }
            }"#,
            "",
        )],
        Rule::Replies => vec![swagger(
            r#""/a": { "get": { "operationId": "getA" } },
            "/b": { "get": { "operationId": "getB", "responses": { "20": {}, "ok": {}, "204": {} } } }"#,
            "",
        )],
        Rule::LeftOut => vec![
            parameters("/thing", r#"{ "name": "file", "in": "formData", "type": "file", "required": true }"#),
            openapi(
                r#""requestBody": { "required": true, "content": { "multipart/form-data": {} } }, "responses": {}"#,
            ),
        ],
        Rule::Parameter => vec![
            parameters(
                "/thing",
                r#"{ "name": "a", "in": "cookie" }, { "name": "b", "in": "formData" }, { "name": "c", "in": "elsewhere" },
                { "name": "d" }, { "in": "query" }, { "name": "a b", "in": "header", "type": "string" }"#,
            ),
            openapi(
                r#""parameters": [{ "name": "filter", "in": "query", "schema": {
                    "type": "object", "additionalProperties": { "type": "string" }
                } }], "responses": {}"#,
            ),
        ],
        Rule::ParameterText => vec![
            parameters(
                "/thing/{path}",
                r#"{ "name": "a", "in": "query" },
                { "name": "b", "in": "query", "type": "array", "items": { "type": "array", "items": { "type": "string" } } },
                { "name": "c", "in": "header", "type": "array", "items": { "type": "string" } },
                { "name": "path", "in": "path", "type": "array", "items": { "type": "string" } }"#,
            ),
            openapi(
                r#""parameters": [
                    { "name": "a", "in": "query", "content": { "application/json": { "schema": { "type": "object" } } } },
                    { "name": "b", "in": "query" },
                    { "name": "c", "in": "query", "explode": false, "schema": {
                        "type": "object", "properties": { "d": { "type": "string" } }
                    } }
                ], "responses": {}"#,
            ),
        ],
        Rule::ParameterStyle => vec![parameters(
            "/thing",
            r#"{ "name": "a", "in": "query", "type": "array", "collectionFormat": "json", "items": { "type": "string" } }"#,
        )],
        Rule::Repeated => vec![
            parameters(
                "/thing",
                r#"{ "name": "a", "in": "query", "type": "string" }, { "name": "a", "in": "query", "type": "integer" }"#,
            ),
            swagger(
                r#""/a": { "post": { "operationId": "postA", "responses": {}, "parameters": [
                    { "name": "one", "in": "body", "schema": { "type": "string" } },
                    { "name": "two", "in": "body", "schema": { "type": "integer" } }
                ] } }"#,
                "",
            ),
        ],
        Rule::ClientHeader => vec![parameters(
            "/thing",
            &["Authorization", "content-type", "Accept", "Host"]
                .map(|name| format!(r#"{{ "name": "{name}", "in": "header", "required": true, {string} }}"#))
                .join(", "),
        )],
        Rule::BodyMedia => vec![
            swagger(
                r#""/a": { "post": {
                    "operationId": "postA", "responses": {}, "consumes": ["text/csv"],
                    "parameters": [{ "name": "body", "in": "body", "schema": { "type": "string" } }]
                } }"#,
                "",
            ),
            openapi(r#""requestBody": { "content": { "image/png": {} } }, "responses": {}"#),
            openapi(r#""requestBody": {}, "responses": {}"#),
        ],
        Rule::ReplyMedia => vec![openapi(
            r#""responses": { "200": { "content": {
                "application/json-seq": { "schema": { "type": "string" } },
                "application/json; charset=utf-8": { "schema": { "type": "boolean" } },
                "application/json": { "schema": { "type": "boolean" } }
            } } }"#,
        )],
        Rule::UnknownType => vec![definitions(
            r#""Thing": { "type": "object", "properties": {
                "any": { "type": "any" },
                "tuple": { "type": "tuple" },
                "record": { "type": "Object", "properties": { "a": { "type": "integer" } } },
                "list": { "type": "array" },
                "never": false
            } }"#,
        )],
        Rule::Alternatives => vec![schemas(
            "3.1.0",
            r##""Thing": { "type": "object", "properties": {
                "records": { "oneOf": [{ "$ref": "#/components/schemas/One" }, { "$ref": "#/components/schemas/Two" }] },
                "mixed": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                "types": { "type": ["string", "integer", "null"] },
                "beside": { "properties": { "own": { "type": "string" } }, "oneOf": [{ "type": "string" }, { "type": "object" }] }
            } },
            "One": { "type": "object", "properties": { "a": { "type": "string" } } },
            "Two": { "type": "object", "properties": { "b": { "type": "string" } } }"##,
        )],
        Rule::Field => vec![definitions(
            r#""Thing": { "type": "object", "properties": { "own": { "type": "string" } }, "oneOf": [
                { "properties": { "a": { "type": "string" }, "b": { "type": "string", "enum": ["x"] } } },
                { "properties": { "a": { "type": "integer" }, "b": { "type": "string", "enum": ["y"] } } }
            ] }"#,
        )],
        Rule::AllOf => vec![
            definitions(r##""Thing": { "allOf": [{ "$ref": "#/definitions/Thing" }], "properties": { "a": {} } }"##),
            definitions(
                r##""Thing": { "allOf": [{ "$ref": "#/definitions/Other" }, { "type": "object", "properties": { "a": {} } }] },
                "Other": { "allOf": [{ "$ref": "#/definitions/Thing" }, { "properties": { "b": {} } }] }"##,
            ),
            definitions(
                r#""Thing": { "allOf": [
                    { "type": "string" }, { "type": "integer" }, { "properties": { "a": { "type": "string" } } }
                ] }"#,
            ),
        ],
        Rule::MapPart => vec![definitions(
            r#""Thing": {
                "type": "object", "properties": { "a": { "type": "string" } },
                "additionalProperties": { "type": "string" }
            }"#,
        )],
        Rule::Conditional => vec![schemas(
            "3.1.0",
            r#""Thing": { "type": "object", "properties": { "a": { "type": "string" } },
                "if": { "properties": { "a": { "const": "x" } } }, "then": { "properties": { "b": { "type": "string" } } },
                "dependentSchemas": { "a": { "properties": { "c": { "type": "string" } } } } }"#,
        )],
        Rule::Tuple => vec![schemas(
            "3.1.0",
            r#""Thing": { "type": "object", "properties": {
                "point": { "type": "array", "prefixItems": [{ "type": "number" }, { "type": "string" }] },
                "old": { "type": "array", "items": [{ "type": "number" }] }
            } }"#,
        )],
        Rule::EnumValue => vec![definitions(
            r#""Thing": { "type": "object", "properties": {
                "texts": { "type": "string", "enum": ["a", 1, null] },
                "mixed": { "enum": ["a", 1] }
            } }"#,
        )],
        Rule::Circle => vec![
            definitions(r##""Thing": { "type": "array", "items": { "$ref": "#/definitions/Thing" } }"##),
            definitions(
                r##""Thing": { "$ref": "#/definitions/Other" }, "Other": { "$ref": "#/definitions/Thing" }"##,
            ),
        ],
        Rule::Depth => vec![definitions(&format!(
            r#""Thing": {}{{ "type": "string" }}{}"#,
            r#"{ "type": "array", "items": "#.repeat(40),
            "}".repeat(40),
        ))],
        Rule::Discriminator => vec![
            definitions(
                r#""Thing": { "type": "object", "discriminator": "kind", "properties": { "kind": { "type": "string" } } }"#,
            ),
            schemas(
                "3.0.0",
                r##""Thing": {
                    "discriminator": { "propertyName": "kind", "mapping": { "gone": "#/components/schemas/Gone" } },
                    "oneOf": [{ "$ref": "#/components/schemas/One" }, { "$ref": "#/components/schemas/Text" }, { "type": "object" }]
                },
                "One": { "type": "object", "properties": { "a": { "type": "string" } } },
                "Text": { "type": "string" }"##,
            ),
        ],
        Rule::Keyword => vec![definitions(
            r#""Thing": { "type": "object", "properties": {
                "text": { "type": "string", "properties": { "a": { "type": "string" } } }
            } }"#,
        )],
        Rule::Tag => vec![parameters(
            "/thing",
            r#"{ "name": "pageNumber", "in": "query", "type": "integer" }"#,
        )],
        Rule::Job => vec![swagger(
            r##""/things/jobs": { "post": { "operationId": "postThingsJobs", "responses": {
                "202": { "schema": { "$ref": "#/definitions/Job" } }
            } } },
            "/things/jobs/{jobId}": { "get": { "operationId": "getThingsJob",
                "parameters": [{ "name": "jobId", "in": "path", "required": true, "type": "string" }],
                "responses": { "200": { "schema": { "$ref": "#/definitions/Job" } } }
            } },
            "/things/jobs/{jobId}/results": { "get": { "operationId": "getThingsJobResults",
                "parameters": [{ "name": "jobId", "in": "path", "required": true, "type": "string" }],
                "responses": { "200": { "schema": { "type": "array", "items": { "type": "string" } } } }
            } }"##,
            r#""Job": { "type": "object", "properties": { "id": { "type": "string" }, "colour": { "type": "string" } } }"#,
        )],
        // No known document triggers this rule.
        Rule::Name => Vec::new(),
        Rule::Fixup => vec![document("mended.json")],
        Rule::Renamed => vec![document("colliding_definitions.json")],
    }
}

#[test]
fn each_rule_degrades_its_documents_with_a_note() {
    let mut all = String::new();
    for rule in Rule::ALL {
        all.push_str(&format!("# {}: {}\n", rule.name(), rule.does()));
        for text in documents(*rule) {
            let notes = notes(&text);
            let applies = notes.lines().any(|line| line.starts_with(&format!("{} ", rule.name())));
            assert!(applies, "{}:\n{notes}\n{text}", rule.name());
            all.push_str(&notes);
            // Other tests cover longer documents.
            if text.len() < 2000 {
                all.push_str(&rendered(&text));
            }
            all.push('\n');
        }
    }
    assert_snapshot!(all);
}
