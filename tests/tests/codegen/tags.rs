//! The tag of an operation follows from its parameters and its reply.

use xtask::codegen::{self, Generated};
use xtask::operations;

use crate::{generate, refusal};

/// A document of one operation: its query parameters, the fields of its body and of its reply. A field
/// with `[]` behind it is a list.
fn document(method: &str, path: &str, query: &str, sent: &str, received: &str) -> String {
    let field = |name: &str| match name.strip_suffix("[]") {
        Some(name) => {
            format!(
                r##""{name}": {{ "type": "array", "items": {{ "$ref": "#/definitions/Item" }} }}"##
            )
        }
        None => format!(r#""{name}": {{ "type": "integer" }}"#),
    };
    let object = |fields: &str| match fields {
        "[]" => r##"{ "type": "array", "items": { "$ref": "#/definitions/Item" } }"##.to_owned(),
        fields => {
            let fields: Vec<String> = fields.split_whitespace().map(field).collect();
            format!(r#"{{ "type": "object", "properties": {{ {} }} }}"#, fields.join(", "))
        }
    };
    let mut parameters: Vec<String> = query
        .split_whitespace()
        .map(|name| format!(r#"{{ "name": "{name}", "in": "query", "type": "integer" }}"#))
        .collect();
    if !sent.is_empty() {
        parameters
            .push(format!(r#"{{ "name": "body", "in": "body", "schema": {} }}"#, object(sent)));
    }
    format!(
        r#"{{
            "swagger": "2.0",
            "paths": {{ "{path}": {{ "{}": {{
                "operationId": "listThings",
                "parameters": [{}],
                "responses": {{ "200": {{ "schema": {} }} }}
            }} }} }},
            "definitions": {{ "Item": {{ "type": "object", "properties": {{ "id": {{ "type": "string" }} }} }} }}
        }}"#,
        method.to_lowercase(),
        parameters.join(", "),
        object(received),
    )
}

/// Kind, scheme, items and page size.
fn tag(generated: &Generated) -> String {
    let (_, bound) = generated.model.operations().next().unwrap();
    let tag = &bound.tag;
    let mut words = vec![tag.kind.as_str().to_owned()];
    words.extend(tag.scheme.map(|scheme| scheme.name()));
    words.extend(tag.items.clone());
    words.extend(tag.page_size.as_ref().map(|size| format!("by {} {}", size.place, size.name)));
    words.join(" ")
}

#[test]
fn every_scheme_has_its_evidence() {
    for (method, path, query, sent, received, expected) in [
        ("GET", "/x", "", "", "id name", "single"),
        (
            "GET",
            "/x",
            "startIndex count",
            "",
            "Resources[]",
            "paged ScimStartIndex Resources by query count",
        ),
        (
            "GET",
            "/x",
            "afterSourceId pageSize",
            "",
            "entities[] nextUri",
            "paged CompositeAfterInNextUri entities by query pageSize",
        ),
        (
            "POST",
            "/x",
            "",
            "paging",
            "conversations[] totalHits",
            "paged BodyPagingTotalHits conversations",
        ),
        (
            "POST",
            "/x",
            "",
            "pageNumber pageSize",
            "results[] total",
            "paged BodyPageNumber results by body pageSize",
        ),
        (
            "POST",
            "/x/jobs",
            "",
            "pageNumber pageSize",
            "entities[]",
            "paged JobSelectsPage entities by body pageSize",
        ),
        ("POST", "/x/jobs", "", "pageSize", "id", "paged JobSetsPageSize by body pageSize"),
        ("POST", "/x", "", "after", "entities[] after", "paged BodyAfter entities"),
        ("POST", "/x", "", "cursor", "userDetails[] cursor", "paged BodyCursor userDetails"),
        ("GET", "/x", "q64 pageNumber", "", "results[] total", "paged Q64Search results"),
        ("GET", "/x", "cursor", "", "entities[] cursor", "paged CursorField entities"),
        ("GET", "/x", "cursor", "", "entities[] cursors", "paged CursorsObject entities"),
        (
            "GET",
            "/x",
            "cursor pageNumber",
            "",
            "entities[] nextUri total",
            "paged PageNumber entities",
        ),
        ("GET", "/x", "cursor", "", "entities[] nextUri", "paged CursorInNextUri entities"),
        ("GET", "/x", "after", "", "entities[] cursors", "paged CursorsObject entities"),
        ("GET", "/x", "after", "", "entities[] after", "paged AfterField entities"),
        ("GET", "/x", "after pageNumber", "", "entities[] total", "paged PageNumber entities"),
        (
            "GET",
            "/x",
            "before after limit",
            "",
            "entities[] nextUri",
            "paged AfterInNextUri entities by query limit",
        ),
        (
            "GET",
            "/x",
            "before after limit",
            "",
            "entities[]",
            "paged IdOrDateWindow entities by query limit",
        ),
        (
            "GET",
            "/x",
            "nextPage pageSize",
            "",
            "entities[] nextUri",
            "paged NextPageInNextUri entities by query pageSize",
        ),
        (
            "GET",
            "/x",
            "pageNumber pageSize",
            "",
            "entities[] total",
            "paged PageNumber entities by query pageSize",
        ),
        ("GET", "/x", "pageNumber", "", "entities[] pageCount", "paged PageNumber entities"),
        ("GET", "/x", "pageNumber", "", "entities[] nextUri", "paged PageNumberNoTotal entities"),
        ("GET", "/x", "pageNumber", "", "[]", "paged PageNumberNoEnvelope []"),
        (
            "GET",
            "/x",
            "pageSize",
            "",
            "entities[] nextUri",
            "paged PageSizeOnlyNextUri entities by query pageSize",
        ),
        ("GET", "/x", "limit", "", "entities[]", "paged LimitOnly entities by query limit"),
        (
            "GET",
            "/x",
            "",
            "",
            "entities[] pageCount pageNumber pageSize",
            "list UnpagedWithEnvelope entities",
        ),
        ("GET", "/x", "", "", "entities[] nextUri", "list NextUriOnlyEnvelope entities"),
        ("GET", "/x", "", "", "entities[] cursors", "list CursorsOnlyEnvelope entities"),
        ("GET", "/x", "", "", "[]", "list UnpagedBareArray []"),
        ("GET", "/x", "", "", "entities[]", "list UnpagedEntities entities"),
        ("GET", "/x", "", "", "Resources[]", "list UnpagedScimEnvelope Resources"),
        ("POST", "/x", "", "q", "results[]", "list UnpagedPostResults results"),
        ("GET", "/x", "", "", "values[]", "list UnpagedOtherArray values"),
        // What changes a list answers with what it changed.
        ("PUT", "/x", "pageNumber", "", "entities[] total", "single"),
        ("DELETE", "/x", "", "", "[]", "single"),
    ] {
        let generated = generate(&document(method, path, query, sent, received)).unwrap();
        assert_eq!(
            tag(&generated),
            expected,
            "{method} {path} ?{query} {{{sent}}} -> {{{received}}}"
        );
    }
}

/// Where an operation has the evidence of several schemes, the order of the rules decides.
#[test]
fn the_first_rule_that_applies_decides() {
    for (query, sent, received, expected) in [
        ("startIndex count pageNumber", "", "Resources[] total", "paged ScimStartIndex"),
        ("afterSourceId after", "", "entities[] after", "paged CompositeAfterInNextUri"),
        ("", "paging pageNumber", "results[]", "paged BodyPagingTotalHits"),
        ("pageNumber", "pageNumber", "results[] total", "paged BodyPageNumber"),
        ("cursor after", "", "entities[] cursors after", "paged CursorsObject"),
        ("after pageNumber", "", "entities[] cursors total", "paged CursorsObject"),
        ("nextPage pageNumber", "", "entities[] nextUri", "paged NextPageInNextUri"),
        ("nextPage pageNumber", "", "entities[] nextUri pageNumber total", "paged PageNumber"),
        ("pageNumber limit", "", "entities[] total", "paged PageNumber"),
    ] {
        let generated = generate(&document("POST", "/x", query, sent, received)).unwrap();
        let tag = tag(&generated);
        assert!(
            tag.starts_with(&format!("{expected} ")),
            "?{query} {{{sent}}} -> {{{received}}}: {tag}"
        );
    }
}

/// Of two lists in a reply, the likelier holds the items.
#[test]
fn items_are_found_by_name() {
    for (received, expected) in [
        ("values[] entities[]", "list UnpagedEntities entities"),
        ("facets[] results[]", "list UnpagedOtherArray results"),
        ("facets[]", "single"),
    ] {
        let generated = generate(&document("GET", "/x", "", "", received)).unwrap();
        assert_eq!(tag(&generated), expected, "{received}");
    }
}

#[test]
fn pages_without_a_known_list_are_refused() {
    insta::assert_snapshot!(
        refusal(&document("GET", "/x", "cursor pageNumber", "", "id")),
        @"GET /x (listThings): paged by query `cursor`, but the reply has no list that is known"
    );
}

#[test]
fn operations_are_listed() {
    let (document, _) = codegen::read(&crate::document("page_number.json"), false).unwrap();
    let generated = codegen::generate(
        document,
        &xtask::exceptions::Exceptions::default(),
        false,
        &mut codegen::Stages::quiet(),
    )
    .unwrap();
    let mut table = Vec::new();
    operations::tsv(&generated.model, &mut table).unwrap();
    insta::assert_snapshot!(String::from_utf8(table).unwrap().replace('\t', " | "), @r"
method | path | operation_id | group | rust | tag | scheme | items | item_type | page_size | page_size_max | family
GET | /api/v2/routing/queues | getRoutingQueues | routing | routing.queues | paged | PageNumber | entities | Queue | pageSize integer | 500 | -
GET | /api/v2/routing/skills | getRoutingSkills | routing | routing.skills | paged | PageNumber | results.entities | String | pageSize string | - | -
");
}
