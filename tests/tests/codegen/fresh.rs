//! What is committed is what codegen makes of the pinned document.

use std::fs;

use xtask::codegen::{self, Options, PINNED};
use xtask::document::canonical;

use crate::workspace;

/// Each run of the generator has other hash seeds, so that this finds an order that is left to chance as
/// well as a file that someone forgot to generate.
#[test]
fn the_bindings_are_fresh() {
    let options = Options { check: true, ..Options::default() };
    codegen::run(&workspace(), &options).unwrap();
}

#[test]
fn the_pinned_document_is_canonical() {
    let text = fs::read_to_string(workspace().join(PINNED)).unwrap();
    assert!(canonical(&text).unwrap() == text, "`cargo xtask pin {PINNED}` mends it");
}
