//! The committed files are what codegen generates from the pinned document.

use std::fs;

use xtask::codegen::{self, Options, PINNED};
use xtask::document::canonical;

use crate::workspace;

/// Every run of the generator has different hash seeds, so this also detects output that depends on hash order.
#[test]
fn the_bindings_are_up_to_date() {
    let options = Options { check: true, ..Options::default() };
    codegen::run(&workspace(), &options).unwrap();
}

#[test]
fn the_pinned_document_is_canonical() {
    let text = fs::read_to_string(workspace().join(PINNED)).unwrap();
    assert!(canonical(&text).unwrap() == text, "`cargo xtask pin {PINNED}` mends it");
}
