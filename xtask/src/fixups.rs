//! Bugs of the API document, each mended by a named function.

use anyhow::{Result, bail};

use crate::document::{Document, Kind};
use crate::json::Json;

struct Fixup {
    name: &'static str,
    /// Mends the document and says how many places needed it.
    apply: fn(&mut Document) -> usize,
}

const FIXUPS: &[Fixup] =
    &[Fixup { name: "defaults_outside_their_enum", apply: defaults_outside_their_enum }];

/// Applies all fixups and says what was mended. With `strict`, one that finds nothing to mend is an
/// error: the bug is gone from the document, and the fixup should go too.
pub fn apply(document: &mut Document, strict: bool) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for fixup in FIXUPS {
        match (fixup.apply)(document) {
            0 if strict => bail!(
                "fixup `{}` finds nothing to mend in this document; remove it from xtask/src/fixups.rs",
                fixup.name,
            ),
            0 => {}
            places => notes.push(format!("fixup {}: {places} places", fixup.name)),
        }
    }
    Ok(notes)
}

/// Some parameters state a default that is not among the values that they allow (`state`, default
/// `ACTIVE`, values `active`, ..). The service applies its default by itself, so the statement goes.
fn defaults_outside_their_enum(document: &mut Document) -> usize {
    drop_defaults(document, |kind, default| match (kind, default) {
        (Kind::Enum(values), Json::String(default)) => !values.contains(default),
        _ => false,
    })
}

fn drop_defaults(document: &mut Document, wrong: fn(&Kind, &Json) -> bool) -> usize {
    let mut dropped = 0;
    for operation in &mut document.operations {
        for parameter in &mut operation.parameters {
            let kind = &parameter.schema.kind;
            if parameter.default.take_if(|default| wrong(kind, default)).is_some() {
                dropped += 1;
            }
        }
    }
    dropped
}
