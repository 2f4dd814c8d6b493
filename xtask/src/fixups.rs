//! Errors of the API document, each fixed by a named function.

use anyhow::{Result, bail};

use crate::document::{Document, Kind, Method};
use crate::json::Json;
use crate::notes::{Notes, Rule};

struct Fixup {
    name: &'static str,
    /// Whether the pinned document has the error. Other documents may have more.
    pinned: bool,
    /// Fixes the document and returns the number of places.
    apply: fn(&mut Document) -> usize,
}

const FIXUPS: &[Fixup] = &[
    Fixup { name: "defaults_outside_their_enum", pinned: true, apply: defaults_outside_their_enum },
    Fixup { name: "chat_messages_of_a_user", pinned: true, apply: chat_messages_of_a_user },
    Fixup { name: "json_as_a_java_class", pinned: false, apply: json_as_a_java_class },
];

/// Applies all fixups and notes what they changed. With `strict`, a fixup that finds nothing to fix is an error: the
/// document has been corrected, and the fixup should be removed.
pub fn apply(document: &mut Document, strict: bool, notes: &mut Notes) -> Result<()> {
    for fixup in FIXUPS {
        match (fixup.apply)(document) {
            0 if strict && fixup.pinned => bail!(
                "fixup `{}` finds nothing to fix in this document; remove it from xtask/src/fixups.rs",
                fixup.name,
            ),
            0 => {}
            places => notes.add(Rule::Fixup, "", format!("{}: {places} places", fixup.name)),
        }
    }
    Ok(())
}

/// Some parameters have a default that is not among their allowed values (`state`: default `ACTIVE`, values `active`,
/// ..). The service applies its own default, so this one is removed.
fn defaults_outside_their_enum(document: &mut Document) -> usize {
    drop_defaults(document, |kind, default| match (kind, default) {
        (Kind::Enum(values), Json::String(default)) => !values.contains(default),
        _ => false,
    })
}

/// The document gives the messages of a chat with a user as a single message. The parameters page a list, and rooms and
/// threads have such a list, so the response becomes that of a room.
fn chat_messages_of_a_user(document: &mut Document) -> usize {
    let reply_of = |document: &Document, path: &str| {
        let operation = document.operations.iter().find(|it| it.path == path)?;
        operation.reply_schema().cloned()
    };
    let Some(list) = reply_of(document, "/api/v2/chats/rooms/{roomJid}/messages") else { return 0 };
    let mut mended = 0;
    for operation in &mut document.operations {
        if operation.path == "/api/v2/chats/users/{userId}/messages"
            && operation.method == Method::Get
        {
            let replies = operation.replies.iter_mut().filter(|reply| reply.is_success());
            for schema in replies.filter_map(|reply| reply.schema.as_mut()) {
                if *schema != list {
                    *schema = list.clone();
                    mended += 1;
                }
            }
        }
    }
    mended
}

/// Free-form JSON is described by the getters of its Java class (`nodeType`, `isArray`, ..), which are never sent.
fn json_as_a_java_class(document: &mut Document) -> usize {
    let mut mended = 0;
    for definition in document.definitions.values_mut() {
        if ["nodeType", "pojo", "floatingPointNumber"]
            .iter()
            .all(|it| definition.property(it).is_some())
        {
            definition.kind = Kind::Any;
            mended += 1;
        }
    }
    mended
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
