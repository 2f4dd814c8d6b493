//! An API document, whatever it holds, for the fuzz target of this name.

use super::{canonical, read};

/// The text of a document: it is read, checked and brought into canonical form, or refused.
pub fn document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok((document, _)) = read(text) else { return };
    let _ = canonical(text);
    // What can't be taken as it stands is noted, so that nothing is left to refuse.
    document.check().expect("a document that was read");
    for operation in &document.operations {
        let _ = (operation.place(), operation.route(), operation.reply_schema());
        for schema in operation.schemas() {
            let _ = document.resolve(schema).properties();
        }
    }
    let _ = document.reached(&document.operations);
}
