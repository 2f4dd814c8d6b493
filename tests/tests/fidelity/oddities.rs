//! A small document with one of each oddity of real documents, which bindings and catalogue keep in full.

use xtask::codegen::{self, Stages};
use xtask::exceptions::Exceptions;

use crate::bindings::Bindings;
use crate::compare::compare;
use crate::document::Document;
use crate::{assert_none, catalogue, read};

fn generate(text: &str) -> codegen::Generated {
    let (document, notes) = codegen::read(text, false).unwrap();
    let generated =
        codegen::generate(document, &Exceptions::default(), false, &mut Stages::quiet()).unwrap();
    let losses = notes.iter().chain(generated.notes.iter()).filter(|note| !note.rule.is_harmless());
    let losses: Vec<String> = losses.map(ToString::to_string).collect();
    assert!(losses.is_empty(), "{losses:#?}");
    generated
}

#[test]
fn loses_nothing_of_an_odd_document() {
    let text = format!("\u{feff}{}", read("tests/documents/oddities.json"));
    let document = Document::read(text.trim_start_matches('\u{feff}'));
    let generated = generate(&text);
    let bindings = Bindings::read(&generated.sources).unwrap();
    let (counts, differences) = compare(&document, &bindings);
    assert_none(&differences);
    assert_none(&catalogue::compare(&document, &generated.operations, &generated.definitions));
    assert_eq!((counts.operations, counts.parameters, counts.bodies), (6, 14, 2));
}

#[test]
fn finds_every_line_removed_from_the_bindings() {
    let text = read("tests/documents/oddities.json");
    let document = Document::read(&text);
    let generated = generate(&text);
    // Each line with a fact is removed in turn.
    for (path, source) in &generated.sources {
        for (index, line) in source.lines().enumerate() {
            let is_fact = line.contains(" = \"") && line.ends_with(',');
            if !is_fact || path.ends_with("mod.rs") {
                continue;
            }
            let kept = source.lines().enumerate().filter(|(other, _)| *other != index);
            let changed: String = kept.map(|(_, line)| format!("{line}\n")).collect();
            let mut sources = generated.sources.clone();
            sources.insert(path.clone(), changed);
            let differences = match Bindings::read(&sources) {
                Ok(bindings) => compare(&document, &bindings).1,
                Err(why) => vec![why],
            };
            assert!(!differences.is_empty(), "{path}: not missed: {line}");
        }
    }
}
