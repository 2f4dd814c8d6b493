//! Documents that codegen supports in full: bindings without a note.

use insta::assert_snapshot;
use xtask::codegen;

use crate::{generate, rendered};

/// The bindings of a document without notes.
fn taken(text: &str) -> String {
    let (_, notes) = codegen::read(text, false).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(notes.is_empty(), "{}", notes.summary());
    let generated = generate(text).unwrap_or_else(|error| panic!("{error:#}"));
    assert!(generated.notes.is_empty(), "{}", generated.notes.summary());
    rendered(text)
}

#[test]
fn swagger_2_0() {
    assert_snapshot!(taken(
        r##"{
        "swagger": "2.0",
        "basePath": "/api/v2/",
        "x-origin": "a test",
        "paths": {
            "x-paths": { "/not/this": {} },
            "/things/{thingId}": { "$ref": "#/x-shared/~1things", "put": {
                "operationId": "putThing", "consumes": ["application/json; charset=utf-8", "text/csv"],
                "parameters": [
                    { "name": "body", "in": "body", "required": true, "schema": { "$ref": "#/definitions/A%20thing~1or~02" } },
                    { "name": "If-Match", "in": "header", "required": true, "type": "string" },
                    { "name": "X-Trace", "in": "header", "type": "integer" }
                ],
                "responses": { "200": { "$ref": "#/responses/one" } }
            } }
        },
        "x-shared": { "/things": {
            "parameters": [{ "$ref": "#/parameters/one" }],
            "get": { "operationId": "getThing", "produces": ["image/png"], "responses": { "200": { "schema": { "type": "string" } } } }
        } },
        "parameters": {
            "one": { "$ref": "#/parameters/two" },
            "two": { "name": "thingId", "in": "path", "required": true, "type": "string" }
        },
        "responses": {
            "one": { "$ref": "#/responses/two" }, "two": { "$ref": "#/responses/three" },
            "three": { "schema": { "$ref": "#/definitions/A%20thing~1or~02" } }
        },
        "definitions": {
            "A thing/or~2": { "type": "object", "properties": {
                "part": { "$ref": "#/definitions/Whole/properties/part" },
                "number": { "type": "integer", "enum": [1, 2, 3], "description": "How many." },
                "odd": { "type": "string", "description": "Right\u202eto left\u2066." }
            } },
            "Whole": { "type": "object", "properties": {
                "part": { "type": "object", "properties": { "whole": { "$ref": "#/definitions/Whole" } } }
            } }
        }
    }"##
    ));
}

#[test]
fn openapi_3_0() {
    assert_snapshot!(taken(
        r##"{
        "openapi": "3.0.3",
        "servers": [
            { "url": "https://{region}.example.com/{base}/", "variables": { "region": { "default": "eu" }, "base": { "default": "api/v2" } } },
            { "url": "https://us.example.com/api/v2" }
        ],
        "paths": {
            "/things": { "post": {
                "operationId": "postThings",
                "parameters": [
                    { "name": "filter", "in": "query", "schema": { "$ref": "#/components/schemas/Filter" } },
                    { "name": "deep", "in": "query", "style": "deepObject", "required": true, "schema": { "$ref": "#/components/schemas/Filter" } },
                    { "name": "limit", "in": "query", "schema": { "type": "integer", "maximum": 101, "exclusiveMaximum": true } }
                ],
                "requestBody": { "$ref": "#/components/requestBodies/one" },
                "responses": { "200": { "$ref": "#/components/responses/one" }, "2xx": {} }
            } }
        },
        "components": {
            "requestBodies": {
                "one": { "$ref": "#/components/requestBodies/two" },
                "two": { "required": true, "content": { "application/json-seq": {}, "application/JSON ; charset=utf-8": { "schema": { "$ref": "#/components/schemas/Thing" } } } }
            },
            "responses": {
                "one": { "$ref": "#/components/responses/two" },
                "two": { "content": { "application/json; charset=utf-8": { "schema": { "$ref": "#/components/schemas/Thing" } } } }
            },
            "schemas": {
                "Filter": { "type": "object", "required": ["state"], "properties": {
                    "state": { "type": "string", "enum": ["on", "off"] }, "since": { "type": "string", "format": "date" }
                } },
                "Base": { "type": "object", "properties": { "id": { "type": "string" } } },
                "Thing": {
                    "allOf": [
                        { "$ref": "#/components/schemas/Base" }, { "description": "Only a description." },
                        { "oneOf": [
                            { "type": "object", "properties": { "left": { "type": "string" } } },
                            { "type": "object", "properties": { "right": { "type": "integer" } } }
                        ], "properties": { "both": { "type": "boolean" } } }
                    ],
                    "anyOf": [{ "required": ["left"] }, { "required": ["right"] }],
                    "properties": { "parent": { "allOf": [{ "$ref": "#/components/schemas/Thing" }], "nullable": true } }
                }
            }
        }
    }"##
    ));
}

#[test]
fn openapi_3_1() {
    assert_snapshot!(taken(
        r##"{
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": { "/things": { "get": {
            "operationId": "getThings",
            "parameters": [
                { "name": "limit", "in": "query", "schema": { "type": ["integer", "null"], "exclusiveMaximum": 101, "minimum": 1 } }
            ],
            "responses": {
                "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } }
            }
        } } },
        "components": { "schemas": {
            "Thing": { "type": "object", "$defs": { "Inner": { "type": "object", "properties": { "a": { "type": "string" } } } },
                "properties": {
                    "text": { "type": ["string", "null"], "examples": ["a"] },
                    "always": { "const": "thing" },
                    "version": { "const": 3 },
                    "inner": { "$ref": "#/components/schemas/Thing/$defs/Inner" },
                    "next": { "anyOf": [{ "$ref": "#/components/schemas/Thing" }, { "type": "null" }] },
                    "state": { "oneOf": [{ "const": "on", "title": "On" }, { "const": "off" }, { "type": "null" }] },
                    "open": { "anyOf": [{ "type": "string", "enum": ["x"] }, { "type": "string" }] },
                    "described": { "$ref": "#/components/schemas/Other", "description": "Another.", "deprecated": true },
                    "wider": { "$ref": "#/components/schemas/Other", "properties": { "more": { "type": "number" } } },
                    "file": { "type": "string", "contentEncoding": "base64", "contentMediaType": "image/png" },
                    "anything": true,
                    "list": { "type": "array" },
                    "bounded": { "type": "integer", "exclusiveMinimum": 0 },
                    "keyed": { "type": "object", "patternProperties": { "^x": { "type": "integer" } } }
                } },
            "Other": { "type": "object", "properties": { "id": { "type": "string" } } }
        } }
    }"##
    ));
}

/// Without paths, like a document of webhooks.
#[test]
fn openapi_3_1_without_paths() {
    let (document, notes) =
        codegen::read(r#"{ "openapi": "3.1.0", "components": {} }"#, false).unwrap();
    assert!(document.operations.is_empty() && notes.is_empty());
}

#[test]
fn a_byte_order_mark() {
    let text = crate::document("single.json");
    assert_eq!(taken(&format!("\u{feff}{text}")), taken(&text));
}

#[test]
fn long_chains_of_aliases() {
    let aliases: String = (0..500)
        .map(|at| format!(r##""Alias{at}": {{ "$ref": "#/definitions/Alias{}" }},"##, at + 1))
        .collect();
    let bindings = taken(&format!(
        r##"{{ "swagger": "2.0", "paths": {{ "/a": {{ "get": {{ "operationId": "getA", "responses": {{
            "200": {{ "schema": {{ "$ref": "#/definitions/Alias0" }} }}
        }} }} }} }}, "definitions": {{ {aliases} "Alias500": {{ "type": "string", "format": "date" }} }} }}"##
    ));
    assert!(bindings.contains("A.a -> Date;"), "{bindings}");
}

/// The two formats describe the types in different ways.
#[test]
fn discriminators() {
    assert_snapshot!(taken(&crate::document("variants.json")));
    let listed = r##"{
        "openapi": "3.0.3",
        "paths": { "/pets": { "get": { "operationId": "getPets", "responses": { "200": { "content": { "application/json": {
            "schema": { "type": "object", "properties": { "entities": { "type": "array", "items": {
                "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
                "discriminator": { "propertyName": "kind", "mapping": {
                    "cat": "#/components/schemas/Cat", "kitten": "Cat"
                } }
            } } } }
        } } } } } } },
        "components": { "schemas": {
            "Pet": {
                "type": "object", "properties": { "kind": { "type": "string" } },
                "oneOf": [{ "$ref": "#/components/schemas/Cat" }, { "$ref": "#/components/schemas/Dog" }],
                "discriminator": { "propertyName": "kind" }
            },
            "Cat": { "allOf": [
                { "$ref": "#/components/schemas/Pet" },
                { "type": "object", "properties": { "lives": { "type": "integer" }, "friend": { "$ref": "#/components/schemas/Pet" } } }
            ] },
            "Dog": { "allOf": [{ "$ref": "#/components/schemas/Pet" }], "properties": { "name": { "type": "string" } } }
        } }
    }"##;
    assert_snapshot!(taken(listed));
}
