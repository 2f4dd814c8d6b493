//! By what a reply is known to be a page of a list.

use serde::Serialize;

use super::Tag;
use super::evidence::item_schema;
use crate::document::{Document, Kind, Operation, Schema};

/// What the document says of a reply that holds a page, beyond what is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PageReply {
    /// Fields that a page may have, beside those that the runtime knows anyway.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Whether items need not be JSON objects.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub values: bool,
    /// Whether a 204 is documented.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_content: bool,
}

/// Fields by which the runtime recognizes a page of any list (`PAGE_FIELDS` in the core).
const USUAL: [&str; 19] = [
    "pageNumber",
    "pageCount",
    "pageSize",
    "total",
    "nextUri",
    "previousUri",
    "firstUri",
    "lastUri",
    "selfUri",
    "cursor",
    "cursors",
    "after",
    "before",
    "nextPage",
    "previousPage",
    "totalHits",
    "totalResults",
    "itemsPerPage",
    "startIndex",
];

/// Fields of error objects: those of the document's `ErrorBody`, and those of gateways and functions.
const OF_ERRORS: [&str; 15] = [
    "code",
    "contextId",
    "details",
    "entityId",
    "entityName",
    "error",
    "errorCode",
    "errorDetails",
    "errorMessage",
    "errorMessageParams",
    "errors",
    "limit",
    "message",
    "messageParams",
    "messageWithParams",
];

impl PageReply {
    /// Of the reply of an operation with this tag. Nothing where it has no list.
    pub fn of(document: &Document, operation: &Operation, tag: &Tag) -> Self {
        let Some(items) = &tag.items else { return Self::default() };
        let reply = operation.reply_schema().map(|schema| document.resolve(schema));
        let is_object = |schema: &Schema| {
            matches!(document.resolve(schema).kind, Kind::Object(_) | Kind::Map(_))
        };
        let is_bare = items == "[]";
        Self {
            fields: reply
                .filter(|_| !is_bare)
                .map_or(Vec::new(), |reply| fields(document, reply, tag, items)),
            values: !item_schema(document, operation, items).is_some_and(is_object),
            no_content: operation.replies.iter().any(|reply| reply.status == Some(204)),
        }
    }
}

/// The names of the fields beside the list, on each level down to it.
fn fields(document: &Document, reply: &Schema, tag: &Tag, items: &str) -> Vec<String> {
    let token = tag.token_out.as_ref().and_then(|out| out.path.split('.').next());
    let mut names = Vec::new();
    let mut level = reply;
    for step in items.split('.') {
        let known = |name: &str| {
            name == step
                || Some(name) == token
                || name == "status"
                || USUAL.contains(&name)
                || OF_ERRORS.contains(&name)
        };
        names.extend(
            level.properties().iter().map(|(name, _)| name).filter(|name| !known(name)).cloned(),
        );
        let Some(next) = level.property(step) else { break };
        level = document.resolve(next);
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_fields_are_those_that_the_runtime_knows() {
        let runtime = include_str!("../../../crates/genesys-cloud-core/src/paging/listing.rs");
        let (_, fields) = runtime.split_once("const PAGE_FIELDS").expect("the list");
        let (fields, _) = fields.split_once("];").expect("its end");
        let mut fields: Vec<&str> = fields.split('"').skip(1).step_by(2).collect();
        let mut usual = USUAL.to_vec();
        fields.sort_unstable();
        usual.sort_unstable();
        assert_eq!(usual, fields);
    }
}
