//! Fields by which a response is recognized as a page.

use genesys_cloud_catalogue::tags::{ListTag, PageResponse};

use super::evidence::item_schema;
use crate::document::{Document, Kind, Operation, Schema};

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

/// How to recognize a page of this list; empty if the response has no list.
pub fn page_reply(document: &Document, operation: &Operation, list: &ListTag) -> PageResponse {
    let Some(items) = &list.items else { return PageResponse::default() };
    let reply = operation.reply_schema().map(|schema| document.resolve(schema));
    let is_object =
        |schema: &Schema| matches!(document.resolve(schema).kind, Kind::Object(_) | Kind::Map(_));
    let is_bare = items == "[]";
    PageResponse {
        fields: reply
            .filter(|_| !is_bare)
            .map_or(Vec::new(), |reply| fields(document, reply, list, items)),
        values: !item_schema(document, operation, items).is_some_and(is_object),
        no_content: operation.replies.iter().any(|reply| reply.status == Some(204)),
    }
}

/// The names of the fields next to the list, on each level of its path.
fn fields(document: &Document, reply: &Schema, list: &ListTag, items: &str) -> Vec<String> {
    let token = list.token_out.as_ref().and_then(|out| out.path.split('.').next());
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
    fn the_usual_fields_match_those_of_the_core() {
        let runtime = include_str!("../../../crates/genesys-cloud-core/src/paging/list_spec.rs");
        let (_, fields) = runtime.split_once("const PAGE_FIELDS").expect("the list");
        let (fields, _) = fields.split_once("];").expect("its end");
        let mut fields: Vec<&str> = fields.split('"').skip(1).step_by(2).collect();
        let mut usual = USUAL.to_vec();
        fields.sort_unstable();
        usual.sort_unstable();
        assert_eq!(usual, fields);
    }
}
