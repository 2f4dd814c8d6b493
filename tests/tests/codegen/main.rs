//! Codegen on small documents, one behavior each (`tests/documents`), and on bad ones.
//!
//! `cargo insta review`, or `INSTA_UPDATE=always cargo test -p genesys-cloud-tests`, accepts changed snapshots.

#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod bindings;
mod canonical;
mod compiled;
mod forms;
mod fresh;
mod jobs;
mod large;
mod parents;
mod refused;
mod rules;
mod tags;

use std::fs;
use std::path::{Path, PathBuf};

use xtask::codegen::{self, Generated, Stages};
use xtask::exceptions::Exceptions;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The text of a small document.
fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("documents").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn generate(text: &str) -> anyhow::Result<Generated> {
    generate_with(text, "")
}

/// Generates bindings, with stated job families.
fn generate_with(text: &str, jobs: &str) -> anyhow::Result<Generated> {
    let (document, _) = codegen::read(text, false)?;
    let exceptions = Exceptions::parse(jobs, "", "")?;
    codegen::generate(document, &exceptions, false, &mut Stages::quiet())
}

/// The generated files of a small document, concatenated with their paths.
fn bindings(name: &str) -> String {
    rendered(&document(name))
}

/// The generated files of a document, without the common header and empty files.
fn rendered(text: &str) -> String {
    let generated = generate(text).unwrap_or_else(|error| panic!("{error:#}"));
    let mut all = String::new();
    for (path, source) in &generated.sources {
        let facts = [
            "record! {",
            "convert! {",
            "open_enum! {",
            "operation! {",
            "replies! {",
            "variants! {",
            "pub type ",
        ];
        let begin = facts.iter().filter_map(|fact| source.find(&format!("\n{fact}"))).min();
        if let Some(begin) = begin {
            all.push_str(&format!("==> {path} <==\n{}\n", &source[begin + 1..]));
        }
    }
    all
}

/// The error of a document, as shown to the user.
fn refusal(text: &str) -> String {
    match generate(text) {
        Ok(_) => panic!("expected an error:\n{text}"),
        Err(error) => format!("{error:#}"),
    }
}
