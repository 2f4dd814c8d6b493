//! The bindings that the test `compiled` uses are up to date.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::json::Json;

use crate::{document, generate_with};

/// Documents without common paths, operationIds or definitions.
const DOCUMENTS: [&str; 25] = [
    "aliases.json",
    "all_of.json",
    "colliding_definitions.json",
    "colliding_operations.json",
    "colliding_parameters.json",
    "degraded.json",
    "directory.swagger.json",
    "docs.json",
    "group_names.json",
    "header.json",
    "jobs.json",
    "large_records.json",
    "method_names.json",
    "odd_properties.json",
    "odd_values.json",
    "page_number.json",
    "path_order.json",
    "query.json",
    "recursion.json",
    "replies.json",
    "shapes.json",
    "shared_enums.json",
    "single.json",
    "tokens.json",
    "variants.json",
];

/// Merges all documents.
fn all() -> String {
    let mut sections: BTreeMap<String, Vec<(String, Json)>> = BTreeMap::new();
    for name in DOCUMENTS {
        let json = Json::parse(&document(name)).unwrap();
        for (section, entries) in json.as_object().unwrap().iter().filter(|(_, it)| it.is_object())
        {
            sections
                .entry(section.clone())
                .or_default()
                .extend_from_slice(entries.as_object().unwrap());
        }
    }
    let version = ("swagger".to_owned(), Json::String("2.0".to_owned()));
    let sections = sections.into_iter().map(|(name, entries)| (name, Json::Object(entries)));
    Json::Object(std::iter::once(version).chain(sections).collect()).compact()
}

#[test]
fn compiled_bindings_are_up_to_date() {
    let generated = generate_with(&all(), &document("jobs.toml")).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compiled/generated");
    let mut stale: Vec<PathBuf> = Vec::new();
    for (path, source) in generated.sources {
        // All groups are enabled.
        let lines = source.lines().filter(|line| !line.trim_start().starts_with("#[cfg(feature"));
        let source = lines.map(|line| format!("{line}\n")).collect::<String>();
        let path = folder.join(path);
        if fs::read_to_string(&path).is_ok_and(|known| known == source) {
            continue;
        }
        if std::env::var_os("UPDATE_BINDINGS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, source).unwrap();
        }
        stale.push(path);
    }
    assert!(stale.is_empty(), "stale: {stale:#?}; `UPDATE_BINDINGS=1` mends them");
}
