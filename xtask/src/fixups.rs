//! Bugs of the API document, each mended by a named function.

use anyhow::{Result, bail};

use crate::document::{Document, Kind, Method};
use crate::json::Json;
use crate::notes::{Notes, Rule};

struct Fixup {
    name: &'static str,
    /// Whether the pinned document has the bug. Documents that others generate from may have more.
    pinned: bool,
    /// Mends the document and says how many places needed it.
    apply: fn(&mut Document) -> usize,
}

const FIXUPS: &[Fixup] = &[
    Fixup { name: "defaults_outside_their_enum", pinned: true, apply: defaults_outside_their_enum },
    Fixup { name: "chat_messages_of_a_user", pinned: true, apply: chat_messages_of_a_user },
    Fixup { name: "json_as_a_java_class", pinned: false, apply: json_as_a_java_class },
];

/// Applies all fixups and notes what was mended. With `strict`, one that finds nothing to mend is an
/// error: the bug is gone from the document, and the fixup should go too.
pub fn apply(document: &mut Document, strict: bool, notes: &mut Notes) -> Result<()> {
    for fixup in FIXUPS {
        match (fixup.apply)(document) {
            0 if strict && fixup.pinned => bail!(
                "fixup `{}` finds nothing to mend in this document; remove it from xtask/src/fixups.rs",
                fixup.name,
            ),
            0 => {}
            places => notes.add(Rule::Fixup, "", format!("{}: {places} places", fixup.name)),
        }
    }
    Ok(())
}

/// Some parameters state a default that is not among the values that they allow (`state`, default
/// `ACTIVE`, values `active`, ..). The service applies its default by itself, so the statement goes.
fn defaults_outside_their_enum(document: &mut Document) -> usize {
    drop_defaults(document, |kind, default| match (kind, default) {
        (Kind::Enum(values), Json::String(default)) => !values.contains(default),
        _ => false,
    })
}

/// The messages of a chat with a user are given as one message, although the parameters page a list and
/// the same lists of rooms and threads say so. The reply is the list that a room's messages are.
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

/// JSON of any kind is described by the getters of the Java class that holds it (`nodeType`, `isArray`,
/// ..), none of which is ever sent.
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
