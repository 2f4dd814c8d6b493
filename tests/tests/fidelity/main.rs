//! Checks that bindings and catalogue match the document, independently of codegen: the document is read only
//! with `serde_json`, and the generated sources as text.

#![allow(clippy::unwrap_used, missing_docs)]

mod bindings;
mod catalogue;
mod compare;
mod document;
mod faults;
mod lexer;
mod mutations;
mod oddities;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bindings::Bindings;
use compare::{Counts, compare};
use document::Document;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn pinned() -> Document {
    Document::read(&read("openapi/genesys-cloud.json"))
}

/// The generated sources by path.
fn sources() -> BTreeMap<String, String> {
    let root = workspace().join("crates/genesys-cloud-api/src/generated");
    let mut sources = BTreeMap::new();
    let mut ahead = vec![root.clone()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                sources.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

/// Document bugs that a fixup of this name repairs, and the locations where that shows.
const FIXUPS: [(&str, &[&str]); 2] = [
    ("chat_messages_of_a_user", &["getChatsUserMessages, reply", "getChatsUserMessages, items"]),
    ("chat_messages_of_a_user in the catalogue", &["getChatsUserMessages, replies"]),
];

/// The differences that no fixup explains. Each fixup must explain one.
fn unexplained(differences: Vec<String>, fixups: &[(&str, &[&str])]) -> Vec<String> {
    let mut left = differences;
    for (fixup, places) in fixups {
        for place in *places {
            let count = left.len();
            left.retain(|difference| !difference.starts_with(place));
            if left.len() == count {
                left.push(format!("{fixup}: {place} is as in the document"));
            }
        }
    }
    left
}

fn assert_none(differences: &[String]) {
    let first: Vec<&str> = differences.iter().take(50).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), first.join("\n"));
}

#[test]
fn the_bindings_match_the_document() {
    let document = pinned();
    let bindings = Bindings::read(&sources()).unwrap();
    let (counts, differences) = compare(&document, &bindings);
    assert_none(&unexplained(differences, &FIXUPS[..1]));
    let expected = Counts {
        operations: 3_355,
        parameters: 6_053,
        bodies: 1_350,
        replies: 3_651,
        // Excludes the nine of 5,001 definitions without fields.
        records: 4_992,
        fields: 27_108,
        values: 21_041,
        lists: 815,
        submits: 199,
        conversions: 131,
    };
    assert_eq!(counts, expected);
    assert_eq!(document.reached.len(), 5_001);
}

#[test]
fn the_catalogue_matches_the_document() {
    let document = pinned();
    let data = "crates/genesys-cloud-catalogue/data";
    let operations = read(&format!("{data}/operations.jsonl"));
    let differences =
        catalogue::compare(&document, &operations, &read(&format!("{data}/definitions.jsonl")));
    // The fixup `defaults_outside_their_enum` removes these from the catalogue.
    let (defaults, others): (Vec<String>, Vec<String>) =
        differences.into_iter().partition(|it| it.contains("].default: null for "));
    assert_none(&unexplained(others, &FIXUPS[1..]));
    assert_eq!(defaults.len(), 31, "{defaults:#?}");
    assert_eq!(catalogue::tagged(&operations, &["list", "paged"]), 815);
    assert_eq!(catalogue::tagged(&operations, &["job"]), 199);
}
