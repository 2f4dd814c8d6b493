//! An API document, whatever it holds, for the fuzz target of this name.

#![allow(clippy::expect_used)]

use super::{canonical, read};

/// The text of a document.
pub fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(document) = read(text) else { return };
    let canonical_text = canonical(text).expect("it was read");
    let again = canonical(&canonical_text).expect("it was written");
    assert_eq!(again, canonical_text, "the canonical form has that of its own");
    let canonical = read(&canonical_text).expect("it says the same");
    assert_eq!(format!("{canonical:?}"), format!("{document:?}"), "it says the same");
    let is_checked = document.check().is_ok();
    for operation in &document.operations {
        let _ = (operation.place(), operation.route(), operation.reply_schema());
        for schema in operation.schemas() {
            let _ = document.resolve(schema).properties();
        }
    }
    let reached = document.reached(&document.operations);
    assert!(!is_checked || reached.iter().all(|name| document.definitions.contains_key(*name)));
}
