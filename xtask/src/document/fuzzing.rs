//! The fuzz target for API documents.

use super::{canonical, read};

/// Reads a document, checks it and writes its canonical form, or rejects it.
pub fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok((document, _)) = read(text) else { return };
    let _ = canonical(text);
    // Unsupported constructs have become notes, so the check must succeed.
    document.check().expect("a document that was read");
    for operation in &document.operations {
        let _ = (operation.place(), operation.route(), operation.reply_schema());
        for schema in operation.schemas() {
            let _ = document.resolve(schema).properties();
        }
    }
    let _ = document.reached(&document.operations);
}
