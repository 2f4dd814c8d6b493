//! Large documents take time in proportion to their size, and little stack.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use xtask::document::Kind;
use xtask::flatten::flatten;
use xtask::{codegen, document};

use crate::generate;

/// Generous, because other tests run concurrently. Code that is not linear takes minutes to hours.
const TIME: Duration = Duration::from_secs(120);

/// Enough for a hundred levels of recursion, but not for a thousand.
const STACK: usize = 1 << 20;

/// Runs in a thread with a small stack.
fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let begin = Instant::now();
    let thread = thread::Builder::new().stack_size(STACK).spawn(run).unwrap();
    let result = thread.join().unwrap();
    let took = begin.elapsed();
    assert!(took < TIME, "{took:?}");
    result
}

/// A document whose only operation returns the definition `first`.
fn document_of(first: &str, definitions: &str) -> String {
    format!(
        r##"{{ "swagger": "2.0", "paths": {{ "/thing": {{ "get": {{ "operationId": "getThing", "responses": {{
            "200": {{ "schema": {{ "$ref": "#/definitions/{first}" }} }}
        }} }} }} }}, "definitions": {{ {} }} }}"##,
        definitions.trim_end_matches(','),
    )
}

#[test]
fn reads_a_chain_of_records() {
    let records = 20_000;
    let mut definitions = String::new();
    for at in 0..records {
        let next = (at + 1) % records;
        write!(
            definitions,
            r##""Record{at}": {{ "type": "object", "properties": {{ "next": {{ "$ref": "#/definitions/Record{next}" }} }} }},"##
        )
        .unwrap();
    }
    let text = document_of("Record0", &definitions);
    let types = in_time(move || generate(&text).unwrap().model.groups["thing"].types.len());
    assert_eq!(types, records);
}

#[test]
fn reads_a_chain_of_parts() {
    let mut definitions =
        r#""Part0": { "type": "object", "properties": { "id": { "type": "string" } } },"#
            .to_owned();
    for at in 1..1_600 {
        write!(
            definitions,
            r##""Part{at}": {{ "allOf": [{{ "$ref": "#/definitions/Part{}" }}, {{ "properties": {{ "a": {{ "type": "string" }} }} }}] }},"##,
            at - 1
        )
        .unwrap();
    }
    let text = document_of("Part1599", &definitions);
    let source = in_time(move || generate(&text).unwrap().sources["thing/types.rs"].clone());
    assert!(source.contains("pub id: Option<String>") && source.contains("pub a: Option<String>"));
}

/// Each part occurs twice, so the number of paths doubles at every level.
#[test]
fn reads_diamonds_of_parts() {
    let mut definitions =
        r#""Part0": { "type": "object", "properties": { "id": { "type": "string" } } },"#
            .to_owned();
    for at in 1..1_000 {
        let below = format!(r##"{{ "$ref": "#/definitions/Part{}" }}"##, at - 1);
        write!(
            definitions,
            r#""Part{at}": {{ "allOf": [{below}, {below}, {{ "oneOf": [{below}, {below}] }}] }},"#
        )
        .unwrap();
    }
    let text = document_of("Part999", &definitions);
    let source = in_time(move || generate(&text).unwrap().sources["thing/types.rs"].clone());
    assert!(source.contains("pub id: Option<String>"));
}

/// The same with lists of records that are not types.
#[test]
fn reads_diamonds_of_aliases() {
    let mut definitions = String::new();
    for at in 0..500 {
        let next = format!(r##"{{ "$ref": "#/definitions/List{}" }}"##, at + 1);
        write!(
            definitions,
            r#""List{at}": {{ "type": "array", "items": {{ "type": "object", "properties": {{ "a": {next}, "b": {next} }} }} }},"#
        )
        .unwrap();
    }
    definitions.push_str(r#""List500": { "type": "string" }"#);
    let text = document_of("List0", &definitions);
    let types = in_time(move || generate(&text).unwrap().model.groups["thing"].types.len());
    assert_eq!(types, 500);
}

#[test]
fn reads_chains_of_aliases() {
    let mut definitions = String::new();
    for at in 0..20_000 {
        let next = format!(r##"{{ "$ref": "#/definitions/Alias{}" }}"##, at + 1);
        // In the second half, each alias is a list of the next.
        let alias = match at < 10_000 {
            true => next,
            false => format!(r#"{{ "type": "array", "items": {next} }}"#),
        };
        write!(definitions, r#""Alias{at}": {alias},"#).unwrap();
    }
    definitions.push_str(r#""Alias20000": { "type": "string" }"#);
    let text = document_of("Alias0", &definitions);
    let (document, notes) = in_time(move || {
        let (mut document, _) = codegen::read(&text, false).unwrap();
        let notes = flatten(&mut document);
        (document, notes)
    });
    assert!(document.definitions.is_empty() && !notes.is_empty());
    let mut levels = 0;
    let mut schema = document.operations[0].reply_schema().unwrap();
    while let Kind::List(inner) = &schema.kind {
        (levels, schema) = (levels + 1, inner);
    }
    assert_eq!((levels, &schema.kind), (32, &Kind::Any));
}

#[test]
fn renames_many_colliding_names() {
    let values: Vec<String> = (0..10_000)
        .map(|at| format!("\"a{}b\"", "-".repeat(at % 100 + 1) + &"_".repeat(at / 100)))
        .collect();
    let text = document_of(
        "Enum",
        &format!(r#""Enum": {{ "type": "string", "enum": [{}] }}"#, values.join(",")),
    );
    let source = in_time(move || generate(&text).unwrap().sources["thing/types.rs"].clone());
    assert_eq!(source.matches(" = \"a").count(), 10_000);
}

/// A document with circular references can be read.
#[test]
fn reads_circular_references() {
    let text = r##"{ "openapi": "3.1.0", "paths": { "/a": { "$ref": "#/paths/~1b" }, "/b": { "$ref": "#/paths/~1a" } },
        "components": { "schemas": {
            "A": { "allOf": [{ "$ref": "#/components/schemas/B" }, { "$ref": "#/components/schemas/A/allOf/1" }] },
            "B": { "oneOf": [{ "$ref": "#/components/schemas/A" }, { "$ref": "#/components/schemas/B" }] },
            "C": { "$ref": "#/components/schemas/C" },
            "D": { "properties": { "d": { "allOf": [{ "$ref": "#/components/schemas/E" }, { "properties": { "x": {} } }] } } },
            "E": { "allOf": [{ "$ref": "#/components/schemas/D" }, { "properties": { "y": {} } }] },
            "F": { "$ref": "#" }, "G": { "$ref": "#/components" },
            "H": { "discriminator": { "propertyName": "h" }, "oneOf": [{ "$ref": "#/components/schemas/H" }, { "$ref": "#/components/schemas/I" }] },
            "I": { "discriminator": { "propertyName": "h" }, "allOf": [{ "$ref": "#/components/schemas/H" }] }
        } } }"##;
    let (document, notes) = in_time(move || document::read(text).unwrap());
    document.check().unwrap();
    assert!(!notes.is_empty());
    // Nested parts of a record are not a cycle.
    let property = document.definitions["D"].property("d").unwrap();
    assert!(document.resolve(property).property("x").is_some());
    assert!(document.definitions["E"].property("d").is_some());
}
