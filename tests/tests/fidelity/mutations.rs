//! Randomly broken documents: codegen never panics, and never loses an operation, parameter, body or response
//! without a note. `MUTATIONS=0..5000` uses other seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};
use xtask::codegen::{self, Stages};
use xtask::exceptions::Exceptions;

use crate::bindings::Bindings;
use crate::document::{list, referred};
use crate::read;

/// The seeds of a normal run.
const SEEDS: Range<u64> = 0..400;

/// The number of tests that share the seeds and run in parallel.
const PARTS: u64 = 2;

/// The operations of a mutated document, and the most definitions that they use.
const OPERATIONS: usize = 4;
const DEFINITIONS: usize = 40;

#[test]
fn mutated_documents_lose_nothing_without_a_note() {
    run(0);
}

#[test]
fn other_mutated_documents_lose_nothing_without_a_note() {
    run(1);
}

/// Without notes, losses are found; the same for an operation removed from catalogue or bindings.
#[test]
fn finds_losses() {
    let pinned: Value = serde_json::from_str(&read("openapi/genesys-cloud.json")).unwrap();
    let small = Small::of(&pinned);
    let (mut tally, mut silent) = (Tally::default(), 0);
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let mut document = small.document(&pinned, &mut rng);
        for _ in 0..3 {
            mutate(&mut document, &mut rng);
        }
        let Ok(made) = make(&document, &mut tally) else { continue };
        let silenced = Made { notes: Vec::new(), ..made };
        silent += usize::from(!faults(&document, &silenced, &mut tally).is_empty());
        let mut lines: Vec<&str> = silenced.operations.lines().collect();
        if lines.pop().is_some() {
            let operations = lines.iter().map(|line| format!("{line}\n")).collect();
            let shortened = Made { operations, ..silenced };
            assert!(!faults(&document, &shortened, &mut tally).is_empty(), "seed {seed}");
        }
    }
    assert!(silent >= 5, "{silent} of 40 documents lose something that only notes mention");
}

fn seeds() -> Range<u64> {
    let Ok(seeds) = std::env::var("MUTATIONS") else { return SEEDS };
    let range =
        seeds.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range.unwrap_or_else(|| panic!("MUTATIONS={seeds}: expected a range such as 0..5000"))
}

#[allow(clippy::print_stdout)] // Statistics.
fn run(part: u64) {
    let pinned: Value = serde_json::from_str(&read("openapi/genesys-cloud.json")).unwrap();
    let small = Small::of(&pinned);
    let mut tally = Tally::default();
    for seed in seeds().filter(|seed| seed % PARTS == part) {
        let mut rng = Rng(seed);
        let mut document = small.document(&pinned, &mut rng);
        let changes: Vec<String> =
            (0..1 + rng.below(4)).map(|_| mutate(&mut document, &mut rng)).collect();
        tally.mutations += changes.len();
        let found = match make(&document, &mut tally) {
            Ok(made) => faults(&document, &made, &mut tally),
            Err(fault) => fault.into_iter().collect(),
        };
        for fault in found {
            tally.faults.push(format!("seed {seed}: {fault}\n    after {}", changes.join("; ")));
        }
    }
    println!("{tally:?}");
    assert!(tally.faults.is_empty(), "{} faults:\n{}", tally.faults.len(), tally.faults.join("\n"));
}

#[derive(Debug, Default)]
struct Tally {
    documents: usize,
    mutations: usize,
    errors: usize,
    noted: usize,
    notes: usize,
    operations: usize,
    faults: Vec<String>,
}

/// Random numbers from a seed (SplitMix64).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// The operations of a document that use few definitions.
struct Small(Vec<(String, String, BTreeSet<String>)>);

impl Small {
    fn of(document: &Value) -> Self {
        let mut small = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let mut reached = BTreeSet::new();
                if reach(document, operation, &mut reached) {
                    small.push((path.clone(), method.clone(), reached));
                }
            }
        }
        Self(small)
    }

    /// A document with a few of them.
    fn document(&self, document: &Value, rng: &mut Rng) -> Value {
        let mut paths: Map<String, Value> = Map::new();
        let mut definitions = Map::new();
        for _ in 0..OPERATIONS {
            let (path, method, reached) = rng.one(&self.0);
            let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
            item[method] = document["paths"][path][method].clone();
            for name in reached {
                definitions.insert(name.clone(), document["definitions"][name].clone());
            }
        }
        json!({
            "swagger": "2.0",
            "info": document["info"],
            "consumes": ["application/json"],
            "responses": document["responses"],
            "paths": paths,
            "definitions": definitions,
        })
    }
}

/// Whether a schema uses no more definitions than allowed.
fn reach(document: &Value, value: &Value, reached: &mut BTreeSet<String>) -> bool {
    if let Some(name) = referred(value)
        && reached.insert(name.to_owned())
        && (reached.len() > DEFINITIONS
            || !reach(document, &document["definitions"][name], reached))
    {
        return false;
    }
    match value {
        Value::Object(entries) => entries.values().all(|value| reach(document, value, reached)),
        Value::Array(elements) => elements.iter().all(|value| reach(document, value, reached)),
        _ => true,
    }
}

/// Collects the pointers of all values of a document.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    let mut child = |key: &str, value: &Value| {
        pointers(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
    };
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| child(key, value)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, value)| child(&index.to_string(), value));
        }
        _ => {}
    }
}

const ODD_NAMES: [&str; 16] = [
    "", " ", "$ref", "x-odd", "self", "type", "1", "a b", "a/b~c", "Ünï", "имя", "\u{202e}",
    "a\nb", "{id}", "#", "Option",
];

/// Changes a document at a random location, and describes the change.
fn mutate(document: &mut Value, rng: &mut Rng) -> String {
    let mut all = Vec::new();
    for section in ["paths", "definitions", "responses"] {
        if let Some(value) = document.get(section) {
            pointers(value, &format!("/{section}"), &mut all);
        }
    }
    // Every document needs its paths.
    all.retain(|pointer| pointer != "/paths");
    if all.is_empty() {
        return "nothing".to_owned();
    }
    let of = |key: &str, all: &[String]| -> Vec<String> {
        all.iter().filter(|it| it.ends_with(&format!("/{key}"))).cloned().collect()
    };
    let kind = rng.below(14);
    let chosen = match kind {
        5 => of("$ref", &all),
        6 => of("operationId", &all),
        7 | 8 => of("schema", &all).into_iter().chain(of("items", &all)).collect(),
        9 => of("enum", &all),
        10 => of("type", &all),
        11 => of("parameters", &all)
            .into_iter()
            .chain(of("responses", &all))
            .chain(of("properties", &all))
            .collect(),
        12 => of("in", &all)
            .into_iter()
            .chain(of("collectionFormat", &all))
            .chain(of("required", &all))
            .collect(),
        _ => Vec::new(),
    };
    let pointer = rng.one(if chosen.is_empty() { &all } else { &chosen }).clone();
    let (above, key) = pointer.rsplit_once('/').unwrap_or(("", ""));
    let key = key.replace("~1", "/").replace("~0", "~");
    let ids: Vec<Value> =
        of("operationId", &all).iter().filter_map(|it| document.pointer(it).cloned()).collect();
    let names: Vec<String> =
        document["definitions"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    let other = rng.one(&all).clone();
    let other = document.pointer(&other).cloned().unwrap_or_default();
    let old = document.pointer(&pointer).cloned().unwrap_or_default();
    let what = match kind {
        0 | 1 => {
            match document.pointer_mut(above) {
                Some(Value::Object(entries)) => drop(entries.remove(&key)),
                Some(Value::Array(elements)) => {
                    if let Ok(index) = key.parse::<usize>()
                        && index < elements.len()
                    {
                        elements.remove(index);
                    }
                }
                _ => {}
            }
            return format!("{pointer} is gone");
        }
        2 => {
            let name = (*rng.one(&ODD_NAMES)).to_owned();
            let name = if rng.below(8) == 0 { "n".repeat(3_000) } else { name };
            if let Some(Value::Object(entries)) = document.pointer_mut(above)
                && let Some(value) = entries.remove(&key)
            {
                entries.insert(name.clone(), value);
            }
            return format!("{pointer} is called {name:.20?}");
        }
        3 => json!([null, true, 0, -1.5, 1e300, "", "text", [], {}, [[]], { "": null }])
            .as_array()
            .map(|values| rng.one(values).clone())
            .unwrap_or_default(),
        4 => other,
        5 => match rng.below(6) {
            0 => json!("#/definitions/Missing"),
            1 => json!("other.json#/definitions/Thing"),
            2 => json!("#"),
            3 => json!(format!("#{pointer}")),
            4 => json!("#/definitions/%20~1"),
            _ => names
                .first()
                .map_or(Value::Null, |_| json!(format!("#/definitions/{}", rng.one(&names)))),
        },
        6 => match rng.below(3) {
            0 => rng.one(&ids).clone(),
            1 => json!(*rng.one(&ODD_NAMES)),
            _ => Value::Null,
        },
        7 => (0..*rng.one(&[2, 40, 400])).fold(old, |inner, level| match level % 3 {
            0 => json!({ "type": "object", "additionalProperties": inner }),
            _ => json!({ "type": "array", "items": inner }),
        }),
        8 => match rng.below(4) {
            0 => {
                json!({ "allOf": [old, { "type": "object", "properties": { "more": { "type": "string" } } }] })
            }
            1 => json!({ "oneOf": [old, { "type": "string" }] }),
            2 => {
                json!({ "type": "object", "properties": { "odd": old }, "additionalProperties": true })
            }
            _ => json!({ "type": "object", "additionalProperties": old, "discriminator": "kind" }),
        },
        9 => json!([null, 1, "a", "a", "A", "a ", { "b": 1 }, true, "", "Unrecognized"]),
        10 => json!([
            "any",
            "null",
            "file",
            "Object",
            ["string", "null"],
            ["string", "integer"],
            7,
            "array",
            "string"
        ])
        .as_array()
        .map(|values| rng.one(values).clone())
        .unwrap_or_default(),
        11 => match old {
            Value::Object(entries) => {
                Value::Array(entries.into_iter().map(|(_, value)| value).collect())
            }
            Value::Array(elements) => {
                let entries = elements.into_iter().enumerate();
                Value::Object(entries.map(|(index, value)| (format!("k{index}"), value)).collect())
            }
            _ => Value::Null,
        },
        12 => json!([
            "formData",
            "cookie",
            "body",
            "header",
            "query",
            "path",
            "csv",
            "weird",
            true,
            "yes",
            ["id"]
        ])
        .as_array()
        .map(|values| rng.one(values).clone())
        .unwrap_or_default(),
        _ => match old {
            Value::Array(mut elements) => {
                elements.extend(elements.first().cloned());
                Value::Array(elements)
            }
            old => json!({ "x-wrapped": old }),
        },
    };
    let shown = what.to_string();
    if let Some(place) = document.pointer_mut(&pointer) {
        *place = what;
    }
    format!("{pointer} = {shown:.60}")
}

/// The output of codegen: sources, catalogue, and the pointers of the notes.
struct Made {
    sources: BTreeMap<String, String>,
    operations: String,
    notes: Vec<String>,
}

/// `Err`: the problem, or `None` if the document is rejected for a good reason.
fn make(document: &Value, tally: &mut Tally) -> Result<Made, Option<String>> {
    tally.documents += 1;
    let text = document.to_string();
    let made = catch_unwind(AssertUnwindSafe(|| {
        let (read, notes) = codegen::read(&text, false)?;
        let exceptions = Exceptions::default();
        let generated = codegen::generate(read, &exceptions, false, &mut Stages::quiet())?;
        let notes = notes.iter().chain(generated.notes.iter());
        let notes = notes.map(|note| note.pointer.clone()).collect();
        anyhow::Ok(Made { sources: generated.sources, operations: generated.operations, notes })
    }));
    match made {
        Err(_) => Err(Some("codegen panics".to_owned())),
        Ok(Err(error)) => {
            tally.errors += 1;
            // No other error is allowed for an API document.
            let error = format!("{error:#}");
            let is_clear = error.starts_with("the JSON is nested more than 127 levels deep");
            Err((!is_clear).then(|| format!("codegen refuses it: {error}")))
        }
        Ok(Ok(made)) => {
            tally.notes += made.notes.len();
            tally.noted += usize::from(!made.notes.is_empty());
            Ok(made)
        }
    }
}

/// The problems in the output of codegen.
fn faults(document: &Value, made: &Made, tally: &mut Tally) -> Vec<String> {
    let Made { sources, operations, notes } = made;
    let mut faults = Vec::new();
    let made: BTreeMap<(String, String), Value> = operations
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            ((text("method"), text("path")), line)
        })
        .collect();
    match Bindings::read(sources) {
        Err(why) => faults.push(format!("the bindings are not understood: {why}")),
        Ok(bindings) => {
            let known: BTreeSet<(String, String)> = bindings
                .operations
                .values()
                .map(|it| (it.verb.to_uppercase(), it.path.clone()))
                .collect();
            if known != made.keys().cloned().collect() {
                faults.push("bindings and catalogue have different operations".to_owned());
            }
        }
    }
    let is_noted = |places: &[String]| {
        notes.iter().any(|pointer| {
            let within = |one: &str, other: &str| {
                one == other || one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
            };
            places.iter().any(|place| {
                within(pointer, place) || !pointer.is_empty() && within(place, pointer)
            })
        })
    };
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        if path.starts_with("x-") {
            continue;
        }
        let at = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
        let Some(item) = item.as_object() else {
            if !is_noted(&[at]) {
                faults.push(format!("{path} is lost without a note"));
            }
            continue;
        };
        for (method, operation) in item {
            let is_method =
                ["get", "head", "post", "put", "patch", "delete"].contains(&method.as_str());
            if !is_method {
                continue;
            }
            tally.operations += 1;
            let place = format!("{at}/{method}");
            let slash = if path.starts_with('/') { "" } else { "/" };
            match made.get(&(method.to_uppercase(), format!("{slash}{path}"))) {
                Some(line) => {
                    let lost = lost(document, item, operation, line);
                    faults.extend(
                        lost.into_iter()
                            .filter(|(_, places)| {
                                let below = places.iter().map(|it| {
                                    if it.starts_with('/') {
                                        it.clone()
                                    } else {
                                        format!("{place}/{it}")
                                    }
                                });
                                let shared = std::iter::once(format!("{at}/parameters"));
                                !is_noted(&below.chain(shared).collect::<Vec<_>>())
                            })
                            .map(|(what, _)| {
                                format!("{what} of {method} {path} is lost without a note")
                            }),
                    );
                }
                None if is_noted(std::slice::from_ref(&place)) => {}
                None => faults.push(format!("{method} {path} is lost without a note")),
            }
        }
    }
    faults
}

/// The parts of an operation that the catalogue lacks, and the locations of notes that explain it:
/// in the operation, or in the document as a whole.
fn lost(
    document: &Value,
    item: &Map<String, Value>,
    operation: &Value,
    made: &Value,
) -> Vec<(String, Vec<String>)> {
    let mut lost = Vec::new();
    let follow = |value: &Value| {
        let (mut value, mut through) = (value.clone(), Vec::new());
        for _ in 0..16 {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { break };
            let Some(target) = reference.strip_prefix('#') else { break };
            through.push(target.to_owned());
            value = document.pointer(target).cloned().unwrap_or_default();
        }
        (value, through)
    };
    let shared = item.get("parameters").unwrap_or(&Value::Null);
    for (index, parameter) in list(&operation["parameters"]).iter().chain(list(shared)).enumerate()
    {
        let (parameter, mut places) = follow(parameter);
        places.push(format!("parameters/{index}"));
        if parameter["in"] == "body" {
            if made["body"].is_null() {
                places.push("parameters".to_owned());
                lost.push(("the body".to_owned(), places));
            }
            continue;
        }
        let same = |it: &&Value| it["name"] == parameter["name"] && it["in"] == parameter["in"];
        if list(&made["parameters"]).iter().find(same).is_none() {
            lost.push((format!("the parameter {}", parameter["name"]), places));
        }
    }
    if operation["parameters"].is_object() {
        lost.push(("a section of parameters".to_owned(), vec!["parameters".to_owned()]));
    }
    for (status, reply) in operation["responses"].as_object().into_iter().flatten() {
        let is_success = status.parse::<u16>().is_ok_and(|status| (200..400).contains(&status));
        let (reply, mut places) = follow(reply);
        places.push(format!("responses/{status}"));
        if is_success && made["replies"].get(status).is_none() {
            lost.push((format!("the reply {status}"), places));
        } else if is_success && reply.get("schema").is_some() && made["replies"][status].is_null() {
            lost.push((format!("the schema of the reply {status}"), places));
        }
    }
    lost
}
