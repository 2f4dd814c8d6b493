//! The tag of an operation is derived from its parameters and response.

use xtask::codegen::{self, Generated, Stages};
use xtask::exceptions::Exceptions;
use xtask::model::Tagged;
use xtask::operations;
use xtask::tags::{Cap, Interval, ParamLocation, Place, Scheme, TagKind};

use crate::generate;

/// A document with one operation: its query parameters, and the fields of its body and response. `[]` marks a
/// list.
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
    words.extend(tag.list.scheme.map(|scheme| scheme.name().to_owned()));
    words.extend(tag.list.items.clone());
    words.extend(
        tag.list.page_size.as_ref().map(|size| format!("by {} {}", size.place.as_str(), size.name)),
    );
    words.join(" ")
}

#[test]
fn recognizes_every_scheme() {
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
            "job JobSelectsPage entities by body pageSize",
        ),
        ("POST", "/x/jobs", "", "pageSize", "id", "job JobSetsPageSize by body pageSize"),
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
        ("POST", "/x/query", "", "q", "results[]", "list UnpagedPostResults results"),
        ("GET", "/x", "", "", "values[]", "list UnpagedOtherArray values"),
        (
            "GET",
            "/x",
            "continuationToken page_size",
            "",
            "items[] continuationToken",
            "paged ContinuationToken items by query page_size",
        ),
        ("GET", "/x", "cursor", "", "data[] nextToken", "paged ContinuationToken data"),
        // Changing a list returns the changed items.
        ("PUT", "/x", "pageNumber", "", "entities[] total", "single"),
        ("DELETE", "/x", "", "", "[]", "single"),
        ("POST", "/x/bulk/add", "", "ids", "results[]", "single UnpagedPostResults results"),
        ("POST", "/x", "", "name", "[]", "single UnpagedBareArray []"),
        ("POST", "/x/query/jobs", "", "q", "results[] jobId", "single UnpagedPostResults results"),
        // An entity with a list is not a list.
        ("GET", "/x", "", "", "id users[]", "single UnpagedOtherArray users"),
        // May page, but in an unknown way.
        ("GET", "/x", "pageNumber", "", "id", "single"),
    ] {
        let generated = generate(&document(method, path, query, sent, received)).unwrap();
        assert_eq!(
            tag(&generated),
            expected,
            "{method} {path} ?{query} {{{sent}}} -> {{{received}}}"
        );
    }
}

/// Where an operation matches several schemes, the order of the rules decides.
#[test]
fn the_first_matching_rule_decides() {
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

/// Of two lists in a response, the more likely one has the items.
#[test]
fn finds_items_by_name() {
    for (received, expected) in [
        ("values[] entities[]", "list UnpagedEntities entities"),
        ("facets[] results[]", "list UnpagedOtherArray results"),
        ("facets[]", "single"),
    ] {
        let generated = generate(&document("GET", "/x", "", "", received)).unwrap();
        assert_eq!(tag(&generated), expected, "{received}");
    }
}

/// Codegen of the pinned document does not guess.
#[test]
fn rejects_lists_without_a_rule() {
    let refusal = |query, received| {
        let text = document("GET", "/x", query, "", received);
        let (document, _) = codegen::read(&text, false).unwrap();
        let exceptions = Exceptions::default();
        let refused = codegen::generate(document, &exceptions, true, &mut Stages::quiet());
        refused.err().unwrap().to_string()
    };
    insta::assert_snapshot!(
        refusal("cursor pageNumber", "id"),
        @"GET /x (listThings): paged by query `cursor`, but no known field of the response is a list; add [tags.listThings] to openapi/operations.toml (scheme and items, or `single = true`), with a reason"
    );
    insta::assert_snapshot!(
        refusal("pageNumber", "id"),
        @"GET /x (listThings): no rule covers it: it takes `pageNumber`, but no known field of the response is a list; add [tags.listThings] to openapi/operations.toml (scheme and items, or `single = true`), with a reason"
    );
}

/// Exceptions state what rules can't derive.
#[test]
fn exceptions_change_a_tag() {
    let text = document("GET", "/x", "pageNumber status", "", "things[]");
    let (document, _) = codegen::read(&text, false).unwrap();
    let tag = |toml: &str| {
        let exceptions = Exceptions::parse(toml, "method\tpath\tmaximum\n", "").unwrap();
        exceptions.check_used(&document).unwrap();
        exceptions.tag(&document, &document.operations[0]).unwrap()
    };
    let paged = tag(
        "[tags.listThings]\nscheme = 'PageNumber'\nitems = 'things'\nreason = 'It is.'\n\
         [caps.listThings]\nitems = 1000\nwhere = ['status', 'old']\nreason = 'The API refuses more.'",
    );
    let list = &paged.list;
    assert_eq!((paged.kind, list.scheme), (TagKind::Paged, Some(Scheme::PageNumber)));
    assert_eq!(list.items.as_deref(), Some("things"));
    assert_eq!(list.token_in, [ParamLocation::query("pageNumber")]);
    let condition = Some(("status".to_owned(), "old".to_owned()));
    let cap = Cap { pages: None, items: Some(1000), condition };
    assert_eq!(list.cap, Some(cap));

    let token = tag(
        "[tags.listThings]\nscheme = 'ContinuationToken'\nitems = 'things'\nreason = 'It is.'\n\
         token_in = [{ name = 'page', place = 'body' }]\n\
         token_out = { path = 'meta.next', form = 'link' }",
    );
    assert_eq!(token.list.token_in, [ParamLocation::body("page")]);
    assert_eq!(token.list.token_out.as_ref().map(|out| out.path.as_str()), Some("meta.next"));

    let single = tag("[tags.listThings]\nsingle = true\nreason = 'It is not.'");
    assert_eq!((single.kind, single.list.scheme), (TagKind::Single, None));
}

/// A list with a text interval can be read in windows.
#[test]
fn finds_intervals() {
    let text = |query: &str, sent: &str| {
        document("POST", "/x/query", query, sent, "results[]")
            .replace(
                r#""name": "interval", "in": "query", "type": "integer""#,
                r#""name": "interval", "in": "query", "type": "string""#,
            )
            .replace(r#""interval": { "type": "integer" }"#, r#""interval": { "type": "string" }"#)
    };
    let tag = |text: &str, toml: &str| {
        let (document, _) = codegen::read(text, false).unwrap();
        let exceptions = Exceptions::parse(toml, "method\tpath\tmaximum\n", "").unwrap();
        exceptions.check_used(&document).unwrap();
        exceptions.tag(&document, &document.operations[0]).unwrap().tag.interval
    };
    let found = |place| Some(Interval { place, name: "interval".to_owned(), days: None, id: None });
    assert_eq!(tag(&text("", "interval"), ""), found(Place::Body));
    assert_eq!(tag(&text("interval", ""), ""), found(Place::Query));
    assert_eq!(tag(&text("intervals", "intervalLength"), ""), None);
    // This could be a number of minutes.
    assert_eq!(tag(&document("POST", "/x/query", "interval", "", "results[]"), ""), None);
    let stated = "[windows.listThings]\ndays = 7\nid = 'id'\nreason = 'A longer one is refused.'";
    let interval = tag(&text("", "interval"), stated).unwrap();
    assert_eq!((interval.days, interval.id.as_deref()), (Some(7), Some("id")));
    let generated = generate(&text("", "interval")).unwrap();
    assert!(generated.sources.values().any(|file| file.contains("interval: body \"interval\"")));
    // An operation that does not list has no windows.
    let single = generate(&text("", "interval").replace("/x/query", "/x")).unwrap();
    assert!(!single.sources.values().any(|file| file.contains("interval: body \"interval\"")));
}

/// Bindings omit the defaults of a scheme.
#[test]
fn bindings_state_only_deviations_from_the_scheme() {
    let text = crate::document("tokens.json");
    insta::assert_snapshot!(crate::rendered(&text));
}

#[test]
fn explains_an_operation() {
    let (document, _) = codegen::read(&crate::document("page_number.json"), false).unwrap();
    let tagged = Tagged::of(&document, &Exceptions::default(), false).unwrap();
    let explained = |name: &str| {
        let mut text = Vec::new();
        match operations::explain(&document, &tagged, name, &mut text) {
            Ok(()) => String::from_utf8(text).unwrap(),
            Err(error) => error.to_string(),
        }
    };
    insta::assert_snapshot!(explained("getRoutingQueues"), @r"
operation   GET /api/v2/routing/queues (getRoutingQueues)
rust        routing.queues
tag         paged, PageNumber
rule        query `pageNumber`
evidence    query: pageNumber, pageSize
evidence    response: pageCount, total
evidence    response: list in entities
repeatable  yes, read-only
items       entities: Queue
page size   query pageSize (integer, at most 500)
token in    query pageNumber
");
    assert_eq!(explained("routing.queues"), explained("getRoutingQueues"));
    assert_eq!(explained("GET /api/v2/routing/queues"), explained("getRoutingQueues"));
    insta::assert_snapshot!(explained("getRoutingQueue"), @"the document has no operation `getRoutingQueue`; did you mean `getRoutingQueues` or `GET /api/v2/routing/queues` or `getRoutingSkills`?");
    insta::assert_snapshot!(explained("x"), @"the document has no operation `x`; use an operationId, a method and path, or a Rust name");
}

#[test]
fn counts_schemes() {
    let (document, _) = codegen::read(&crate::document("page_number.json"), false).unwrap();
    let tagged = Tagged::of(&document, &Exceptions::default(), false).unwrap();
    let mut text = Vec::new();
    operations::summary(&tagged, &mut text).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r"
scheme                    operations  paginate()  items
PageNumber                         2           2  entities 1, results.entities 1
all                                2           2

2 operations: 2 paged
");
}

#[test]
fn compares_documents() {
    let old = document("GET", "/x", "pageNumber pageSize", "", "entities[] total nextUri");
    let differences = |new: &str| {
        let read = |text: &str| codegen::read(text, false).unwrap().0;
        let (old, new) = (read(&old), read(new));
        let exceptions = Exceptions::default();
        let tagged = |document| Tagged::of(document, &exceptions, false).unwrap();
        let mut text = Vec::new();
        operations::diff((&old, &tagged(&old)), (&new, &tagged(&new)), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    insta::assert_snapshot!(differences(&old), @"no operations were added or removed, and none pages differently");
    insta::assert_snapshot!(differences(&old.replace("/x", "/y")), @r"
added (1)
  GET /y: paged PageNumber of Item
removed (1)
  GET /x: paged PageNumber
");
    insta::assert_snapshot!(differences(&old.replace("nextUri", "otherUri")), @r"
lost nextUri (1)
  GET /x: paged PageNumber
changed token (1)
  GET /x: mark nextUri -> none
");
    insta::assert_snapshot!(differences(&old.replace("pageNumber", "after")), @r"
changed tag or scheme (1)
  GET /x: paged PageNumber -> paged AfterInNextUri
changed token (2)
  GET /x: query pageNumber -> query after
  GET /x: mark nextUri -> in_link nextUri
");
    insta::assert_snapshot!(differences(&old.replace("Item", "Thing")), @r"
changed item type (1)
  GET /x: Item -> Thing
");
}

#[test]
fn lists_operations() {
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
method | path | operation_id | group | rust | tag | scheme | items | item_type | token_in | token_out | page_size | page_size_type | page_size_max | cap | interval | jobs | reads | family | parents
GET | /api/v2/routing/queues | getRoutingQueues | routing | routing.queues | paged | PageNumber | entities | Queue | query pageNumber | - | query pageSize | integer | 500 | - | - | - | yes | - | -
GET | /api/v2/routing/skills | getRoutingSkills | routing | routing.skills | paged | PageNumber | results.entities | String | query pageNumber | - | query pageSize | string | - | - | - | - | yes | - | -
");
}

#[test]
fn reads_page_size_bounds_of_query_and_body() {
    for (field, expected) in [
        (r#""type": "integer", "minimum": 10, "maximum": 200"#, (None, Some(10), Some(200))),
        (r#""type": "string", "maximum": 200"#, (None, None, Some(200))),
        // A page has at least one item.
        (r#""type": "integer", "minimum": 0, "maximum": 100"#, (None, None, Some(100))),
        (r#""type": "integer", "minimum": -1, "maximum": 0"#, (None, None, None)),
        (r#""type": "integer", "minimum": 50, "maximum": 10"#, (None, Some(50), None)),
        // A default page size is also allowed explicitly.
        (r#""type": "integer", "default": 300"#, (Some(300), None, None)),
        (r#""type": "integer", "default": 25"#, (None, None, None)),
        (r#""type": "integer", "default": 300, "maximum": 500"#, (None, None, Some(500))),
    ] {
        let reply = r#""responses": { "200": { "schema": { "type": "object", "properties": {
            "pageCount": { "type": "integer" },
            "entities": { "type": "array", "items": { "type": "string" } } } } } }"#;
        let text = format!(
            r##"{{ "swagger": "2.0", "paths": {{ "/q/things": {{
                "get": {{ "operationId": "byQuery", {reply}, "parameters": [
                    {{ "name": "pageNumber", "in": "query", "type": "integer" }},
                    {{ "name": "pageSize", "in": "query", {field} }}] }},
                "post": {{ "operationId": "byBody", {reply}, "parameters": [
                    {{ "name": "body", "in": "body", "schema": {{ "type": "object", "properties": {{
                        "pageNumber": {{ "type": "integer" }}, "pageSize": {{ {field} }} }} }} }}] }}
            }} }}, "definitions": {{}} }}"##
        );
        let generated = generate(&text).unwrap();
        for (_, bound) in generated.model.operations() {
            let size = bound.tag.list.page_size.as_ref().unwrap();
            let (usual, minimum, maximum) = expected;
            // Defaults in bodies are ignored.
            let usual = usual.filter(|_| size.place == Place::Query);
            assert_eq!(
                (size.usual, size.minimum, size.maximum),
                (usual, minimum, maximum),
                "{field}"
            );
        }
    }
}
