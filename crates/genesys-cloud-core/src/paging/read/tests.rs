use super::*;
use crate::operation::{Method, Operation};
use crate::paging::scheme::Scheme;
use crate::response::{Problem, ResponseHead};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

crate::record! {
    pub struct Queue {
        pub id: Option<String> = "id",
        pub member_count: Option<i64> = "memberCount",
    }
}

fn response(status: StatusCode, body: &str) -> RawResponse {
    RawResponse {
        operation: Operation::from_static(
            "getRoutingQueues",
            Method::Get,
            "/api/v2/routing/queues",
        ),
        head: ResponseHead::new(status, HeaderMap::new()),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn list(path: &str) -> ListSpec {
    ListSpec::new(Scheme::PageNumber, path.to_owned())
}

fn read(path: &str, body: &str) -> Result<(Vec<String>, PageInfo), String> {
    read_as(&list(path), body)
}

fn read_as(spec: &ListSpec, body: &str) -> Result<(Vec<String>, PageInfo), String> {
    let queues = wire::<Queue>(&response(StatusCode::OK, body), spec, usize::MAX);
    let (queues, info) = queues.map_err(|error| error.to_string())?;
    Ok((queues.into_iter().map(|queue| queue.id.unwrap_or_default()).collect(), info))
}

fn ids(path: &str, body: &str) -> Vec<String> {
    read(path, body).expect("a page").0
}

fn info(body: &str) -> PageInfo {
    read("entities", body).expect("a page").1
}

#[test]
fn reads_a_page_as_the_api_sends_it() {
    let body = r#"{
        "entities": [
            {"id": "q1", "name": "Support", "division": {"id": "d", "total": 9}, "memberCount": 3.0},
            {"id": "q2", "name": null, "pageNumber": 8}
        ],
        "pageSize": 2, "pageNumber": 3, "total": 12, "pageCount": 6,
        "firstUri": "/api/v2/routing/queues?pageNumber=1",
        "nextUri": "/api/v2/routing/queues?pageNumber=4",
        "facets": [{"entities": []}], "partialResults": false
    }"#;
    let (ids, info) = read("entities", body).expect("a page");
    assert_eq!(ids, ["q1", "q2"]);
    assert!(info.fingerprint.is_some());
    let expected = PageInfo {
        items: 2,
        has_list: true,
        page_number: Some(3),
        page_count: Some(6),
        page_size: Some(2),
        total: Some(12),
        token: Some(Token::Text("/api/v2/routing/queues?pageNumber=4".to_owned())),
        ..PageInfo::default()
    };
    assert_eq!(PageInfo { fingerprint: None, edges: None, ..info }, expected);
}

#[test]
fn skips_a_byte_order_mark() {
    assert_eq!(ids("entities", "\u{feff}{\"entities\":[{\"id\":\"a\"}]}"), ["a"]);
    assert_eq!(ids("[]", "\u{feff} [{\"id\":\"a\"}]"), ["a"]);
    assert!(read("entities", "\u{feff}").is_err());
}

/// Services that truncate strings by their UTF-16 length write unpaired surrogates.
#[test]
fn reads_a_page_with_unpaired_surrogates() {
    let body = r#"{"x\ud83d":1,"entities":[{"id":"a\ud83d","\udc00":1},{"id":"b\ud83d\ude00","memberCount":3}]}"#;
    let (items, info) = read("entities", body).expect("a page");
    assert_eq!((items, info.items), (vec!["a\u{fffd}".to_owned(), "b\u{1f600}".to_owned()], 2));
    // Raw items keep them.
    let response = response(StatusCode::OK, &body.replacen(r"x\ud83d", "x", 1));
    let (raw, _) = serde::<Box<RawValue>>(&response, &list("entities"), 9).expect("a page");
    assert_eq!(raw[0].get(), r#"{"id":"a\ud83d","\udc00":1}"#);
    let (values, _) = serde::<Value>(&response, &list("entities"), 9).expect("a page");
    assert_eq!(values[0]["id"], "a\u{fffd}");
    assert!(read("entities", r#"{"entities":[{"id":"a\ud83d","memberCount":[]}]}"#).is_err());
}

#[test]
fn finds_items_at_any_path() {
    assert_eq!(ids("[]", r#"[{"id":"a"},{"id":"b"}]"#), ["a", "b"]);
    assert_eq!(ids("results", r#"{"total":1,"results":[{"id":"a"}]}"#), ["a"]);
    let nested = r#"{"results":{"pageCount":4,"entities":[{"id":"a"}],"total":7},"types":["x"]}"#;
    let (items, info) = read("results.entities", nested).expect("a page");
    assert_eq!(items, ["a"]);
    assert_eq!((info.page_count, info.total), (Some(4), Some(7)));
    // Field names may contain escapes.
    assert_eq!(ids("entities", r#"{"\u0065ntities":[{"id":"a"}],"p\u0061geSize":1}"#), ["a"]);
}

#[test]
fn drops_and_counts_nulls_among_the_items() {
    let body = r#"{"entities":[null,{"id":"a"},null],"total":3}"#;
    let (items, info) = read("entities", body).expect("a page");
    assert_eq!(items, ["a"]);
    assert_eq!((info.items, info.nulls, info.records()), (3, 2, 1));
    let response = response(StatusCode::OK, body);
    let (raw, info) = serde::<Box<RawValue>>(&response, &list("entities"), 3).expect("a page");
    assert_eq!((raw.len(), info.nulls), (1, 2));
    assert_eq!(serde::<Value>(&response, &list("entities"), 3).expect("a page").0.len(), 1);
    // They count toward the maximum.
    assert!(serde::<Value>(&response, &list("entities"), 2).is_err());
}

#[test]
fn refuses_other_values_where_items_must_be_objects() {
    for item in ["5", r#""a""#, "[1]", "true"] {
        let response =
            response(StatusCode::OK, &format!(r#"{{"entities":[{{"id":"a"}},{item}]}}"#));
        let objects = list("entities").with_objects();
        let why = |error: DecodeError| error.to_string();
        let raw = serde::<Box<RawValue>>(&response, &objects, 9).map(|_| ()).map_err(why);
        assert_eq!(raw, Err("item 2 is not a JSON object".to_owned()), "{item}");
        let value = serde::<Value>(&response, &objects, 9).map(|_| ()).map_err(why);
        assert_eq!(value, raw, "{item}");
        assert!(wire::<Queue>(&response, &objects, 9).is_err(), "{item}");
        assert!(serde::<Value>(&response, &list("entities"), 9).is_ok(), "{item}");
    }
}

#[test]
fn a_page_without_items_is_empty() {
    for body in [
        r#"{"entities":null}"#,
        r#"{"entities":[]}"#,
        r#"{"pageNumber":2}"#,
        r#"{"nextUri":"/next"}"#,
        r#"{"selfUri":"/self"}"#,
    ] {
        let (items, info) = read("entities", body).expect(body);
        assert!(items.is_empty(), "{body}");
        assert_eq!((info.items, info.fingerprint), (0, None), "{body}");
        assert_eq!(info.has_list, body.contains("entities"), "{body}");
    }
    assert!(ids("results.entities", r#"{"results":{"pageCount":0}}"#).is_empty());
    assert!(ids("[]", "[]").is_empty());
    let details = ListSpec::new(Scheme::BodyPagingTotalHits, "conversations");
    assert!(read_as(&details, "{ }").expect("past the end").0.is_empty());
    let none = response(StatusCode::NO_CONTENT, "");
    let spec = list("entities").with_no_content();
    let read = Read::Paths(wire::<Queue>).page(&none, &spec, 0);
    assert!(read.expect("a page").0.is_empty());
}

#[test]
fn an_object_without_page_fields_is_not_an_empty_page() {
    let why = |spec: &ListSpec, status: StatusCode, body: &str| {
        let error = Read::Paths(wire::<Queue>).page(&response(status, body), spec, 9);
        let error = error.map(|_| ()).expect_err(body);
        assert_eq!(error.problem(), Problem::NotAPage, "{body}");
        error.to_string()
    };
    let known = list("entities").with_fields(["facets"]);
    assert!(read_as(&known, r#"{"facets":[]}"#).is_ok());
    for (path, body, expected) in [
        ("entities", "{}", "an object without fields, but a page with `entities` was expected"),
        ("entities", "null", "`null`"),
        ("[]", "null", "`null`"),
        ("[]", r#"{"message":"a"}"#, "an object with `message`, but a list was expected"),
        ("results.entities", r#"{"results":null}"#, "an object with `results`"),
        ("results.entities", r#"{"results":{"message":"a"}}"#, "an object with `results`"),
        ("entities", r#"{"facets":[]}"#, "an object with `facets`"),
        ("entities", r#"{"errorMessage":"Task timed out"}"#, "an object with `errorMessage`"),
        (
            "entities",
            r#"{"message":"Jane","code":"c","status":429,"errors":[],"entityId":"1"}"#,
            "an object with `code`, `entityId`, `errors`, `message`, `status`",
        ),
    ] {
        let text = why(&list(path), StatusCode::OK, body);
        assert!(text.contains(expected) && !text.contains("Jane"), "{body}: {text}");
    }
    let details = ListSpec::new(Scheme::BodyPagingTotalHits, "conversations");
    why(&details, StatusCode::OK, r#"{"message":"a","status":500}"#);
    assert!(why(&list("entities"), StatusCode::NO_CONTENT, "").contains("204"));
    // Field names come from the server and are escaped.
    let odd = why(&list("entities"), StatusCode::OK, r#"{"a\u001b[31m":1}"#);
    assert!(odd.contains(r"a\u{1b}[31m"), "{odd}");
}

#[test]
fn refuses_a_page_with_two_lists_or_tokens() {
    let list = "the list `entities` occurs twice";
    for (path, body, expected) in [
        ("entities", r#"{"entities":[{"id":"a"}],"entities":[]}"#, list),
        ("entities", r#"{"entities":null,"entities":[{"id":"a"}]}"#, list),
        ("r.e", r#"{"r":{"e":[]},"r":{"e":[]}}"#, "the list `r.e` occurs twice"),
        ("entities", r#"{"nextUri":"/a","nextUri":null}"#, "the token `nextUri` occurs twice"),
    ] {
        assert_eq!(read(path, body).expect_err(body), expected);
    }
}

#[test]
fn reads_the_date_up_to_which_data_is_available() {
    let body = r#"{"entities":[],"dataAvailabilityDate":"2026-05-01T10:00:00Z"}"#;
    let date = info(body).available_until.expect("a date");
    assert_eq!(date.to_rfc3339(), "2026-05-01T10:00:00+00:00");
    assert_eq!(info(r#"{"entities":[],"dataAvailabilityDate":"soon"}"#).available_until, None);
}

#[test]
fn reads_counts_in_any_format_and_ignores_malformed_ones() {
    for (json, count) in [
        ("25", Some(25)),
        ("25.0", Some(25)),
        ("2.5e1", Some(25)),
        (r#""25""#, Some(25)),
        ("0", Some(0)),
        ("null", None),
        ("-1", None),
        ("2.5", None),
        ("1e300", None),
        (r#""many""#, None),
        (r#""""#, None),
        ("true", None),
        (r#"{"value":25}"#, None),
        ("[25]", None),
    ] {
        let body = format!(r#"{{"total":{json},"entities":[{{"id":"a"}}]}}"#);
        let (items, info) = read("entities", &body).expect("a page");
        assert_eq!((items.len(), info.total), (1, count), "{json}");
    }
    for (json, linked) in [(r#""/next""#, true), ("null", false), (r#""""#, false), ("{}", false)] {
        let token = info(&format!(r#"{{"nextUri":{json},"total":0}}"#)).token;
        assert_eq!(token.is_some(), linked, "{json}");
    }
}

#[test]
fn errors_do_not_quote_the_body() {
    for (body, expected) in [
        ("", "the response is empty"),
        (" ", "the response is empty"),
        ("<html>", "expected value at line 1 column 1"),
        (r#"{"entities":[{"id":"a"}"#, "EOF while parsing"),
        (r#"{"entities":[]} {}"#, "trailing characters"),
        (r#"[{"id":"a"}]"#, "expected an object with `entities`"),
        (r#""Jane Roe""#, "expected an object with `entities`"),
        (r#"{"entities":[{"memberCount":"Jane Roe"}]}"#, "expected a 64-bit integer"),
        (r#"{"entities":{"id":"Jane Roe"}}"#, "expected a list"),
    ] {
        let error = read("entities", body).expect_err(body);
        assert!(error.contains(expected), "{body}: {error}");
        assert!(!error.contains("Jane"), "{body}: {error}");
    }
}

#[test]
fn limits_the_number_of_items() {
    for (path, body) in [("entities", r#"{"entities":[{},{},{}],"total":3}"#), ("[]", "[{},{},{}]")]
    {
        let response = response(StatusCode::OK, body);
        assert_eq!(wire::<Queue>(&response, &list(path), 3).expect("a page").1.items, 3);
        for error in [
            wire::<Queue>(&response, &list(path), 2).expect_err("too many"),
            serde::<Box<RawValue>>(&response, &list(path), 2).map(|_| ()).expect_err("too many"),
        ] {
            assert_eq!(error.problem(), Problem::TooManyItems);
            assert_eq!(error.to_string(), "the list has more than 2 items");
        }
    }
}

#[test]
fn limits_the_depth_of_nesting() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (depth, fits) in [(100, true), (100_000, false)] {
        let response = response(StatusCode::OK, &format!(r#"{{"entities":[{}]}}"#, nested(depth)));
        let read = serde::<serde_json::Value>(&response, &list("entities"), 1);
        assert_eq!(read.map(|_| ()).map_err(|error| error.problem()).is_ok(), fits, "{depth}");
    }
    // Skipped values may have any depth.
    let body = format!(r#"{{"entities":[{{"id":"a","x":{0}}}],"y":{0}}}"#, nested(100_000));
    assert_eq!(ids("entities", &body), ["a"]);
}

#[test]
fn reads_items_of_any_deserializable_type() {
    let response = response(StatusCode::OK, r#"{"entities":[{"id": 1,  "more":[ ]},2]}"#);
    let (raw, info) = serde::<Box<RawValue>>(&response, &list("entities"), 2).expect("a page");
    let texts: Vec<&str> = raw.iter().map(|item| item.get()).collect();
    assert_eq!(texts, [r#"{"id": 1,  "more":[ ]}"#, "2"]);
    assert_eq!(info.items, 2);
    let (values, _) = serde::<serde_json::Value>(&response, &list("entities"), 2).expect("a page");
    assert_eq!(values[1], 2);
}

#[test]
fn the_fingerprint_depends_only_on_the_items() {
    let print = |body| info(body).fingerprint.expect("a fingerprint");
    let page = print(r#"{"entities":[{"id":"a"}],"pageNumber":1,"nextUri":"/2"}"#);
    for same in [
        r#"{"entities":[{"id":"a"}],"pageNumber":2}"#,
        r#"{"pageNumber":2,"entities":[{"id":"a"}]}"#,
        r#"{"entities":[{"id":"a"}]}"#,
        r#"{"entities":[{"id":"a"}] , "total":3, "facets":[]}"#,
    ] {
        assert_eq!(print(same), page, "{same}");
    }
    for other in [
        r#"{"entities":[{"id":"b"}],"pageNumber":1,"nextUri":"/2"}"#,
        r#"{"entities":[{"id":"a"},{"id":"b"}],"pageNumber":1,"nextUri":"/2"}"#,
    ] {
        assert_ne!(print(other), page, "{other}");
    }
    let nested = |body| read("a.b", body).expect("a page").1.fingerprint.expect("a fingerprint");
    let inner = nested(r#"{"a":{"b":[{"id":"a"}]},"n":1,"x":[1]}"#);
    assert_eq!(nested(r#"{"a":{"b":[{"id":"a"}]},"n":2,"x":[2]}"#), inner);
    assert_eq!(nested(r#"{"a":{"b":[{"id":"a"}],"x":[3]},"n":2}"#), inner);
    assert_eq!(nested(r#"{"n":[2],"a":{"n":3,"b":[{"id":"a"}]}}"#), inner);
    // A page has no fingerprint if the field name of the items contains escapes.
    assert_eq!(info(r#"{"\u0065ntities":[{"id":"a"}]}"#).fingerprint, None);
}

#[test]
fn finds_the_token_at_any_path() {
    let spec = |items: &'static str, path: &'static str| {
        ListSpec::new(Scheme::ContinuationToken, items).with_token_out(NextToken::field(path))
    };
    for (items, path, body, token, total) in [
        ("items", "next", r#"{"items":[{"id":"a"}],"next":"t"}"#, Some("t"), None),
        ("items", "next", r#"{"next":"t","items":[{"id":"a"}]}"#, Some("t"), None),
        (
            "items",
            "next",
            r#"{"next":12345678901234567890,"items":[{"id":"a"}]}"#,
            Some("12345678901234567890"),
            None,
        ),
        (
            "items",
            "p.next",
            r#"{"items":[{"id":"a"}],"p":{"total":7,"next":"t"}}"#,
            Some("t"),
            Some(7),
        ),
        ("items", "p.q.next", r#"{"p":{"q":{"next":"t"}},"items":[{"id":"a"}]}"#, Some("t"), None),
        (
            "p.items",
            "p.next",
            r#"{"p":{"items":[{"id":"a"}],"next":"t"},"next":"u"}"#,
            Some("t"),
            None,
        ),
        (
            "p.items",
            "next",
            r#"{"p":{"items":[{"id":"a"}],"next":"t"},"next":"u"}"#,
            Some("u"),
            None,
        ),
        // Missing or empty.
        ("items", "p.next", r#"{"items":[{"id":"a"}]}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":{"next":""}}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":{"next":null}}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":null}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":{}}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":[]}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":""}"#, None, None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":false}"#, None, None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":{}}"#, None, None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":[]}"#, None, None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":false}"#, None, None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":-1}"#, Some("-1"), None),
        // Something else in its place, shown as an empty token here.
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":"x"}"#, Some(""), None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":7}"#, Some(""), None),
        ("items", "p.next", r#"{"items":[{"id":"a"}],"p":[{"next":"t"}]}"#, Some(""), None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":{"next":"t"}}"#, Some(""), None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":["t"]}"#, Some(""), None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":true}"#, Some(""), None),
        ("items", "next", r#"{"items":[{"id":"a"}],"next":1e30}"#, Some(""), None),
    ] {
        let (ids, info) = read_as(&spec(items, path), body).expect(body);
        assert_eq!(
            (ids.len(), info.token.as_ref().map(Token::text).as_deref(), info.total),
            (1, token, total),
            "{body}"
        );
    }
}

#[test]
fn the_token_of_a_window_is_a_field_of_the_last_item() {
    let spec = ListSpec::new(Scheme::IdOrDateWindow, "entities");
    for (body, key) in [
        (r#"{"entities":[{"id":"a"},{"x":["]"],"id":"b"}],"id":"c"}"#, Some("b")),
        (r#"{"entities":[{"id":"a"},{"name":"b"}]}"#, None),
        (r#"{"entities":[]}"#, None),
    ] {
        let token = read_as(&spec, body).expect(body).1.token;
        assert_eq!(token.as_ref().map(Token::text).as_deref(), key, "{body}");
    }
    let deeper = spec.with_token_out(NextToken::field("user.id"));
    let body = r#"{"entities":[{"id":"a","user":{"id":"u"}}]}"#;
    let token = read_as(&deeper, body).expect(body).1.token;
    assert_eq!(token, Some(Token::Text("u".to_owned())));
}

#[test]
fn distinguishes_long_lists() {
    let list = |ids: std::ops::Range<u32>| {
        let items: Vec<String> = ids.map(|id| format!(r#"{{"id":"{id:08}"}}"#)).collect();
        info(&format!(r#"{{"entities":[{}]}}"#, items.join(",")))
    };
    let page = list(0..5000);
    assert_eq!(page.fingerprint, list(0..5000).fingerprint);
    assert_ne!(page.fingerprint, list(5000..10_000).fingerprint);
    assert_ne!(page.fingerprint, list(0..5001).fingerprint);
    let shared = |next: PageInfo| {
        page.edges.as_ref().zip(next.edges.as_ref()).map(|(page, next)| page.shared_with(next))
    };
    assert_eq!(shared(list(4997..9997)), Some(3));
    assert_eq!(shared(list(5000..9997)), Some(0));
    // More items than are remembered.
    assert_eq!(shared(list(1000..6000)), Some(0));
}

#[test]
fn finds_items_that_moved_to_the_next_page() {
    let page = |items: &str| info(&format!(r#"{{"entities":[{items}],"total":9}}"#));
    for (before, after, shared) in [
        (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"c"}"#, 0),
        (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"b"},{"id":"c"}"#, 1),
        (r#"{"id":"a"},{"id":"b"} , {"id":"c"}"#, r#"{"id":"b"},{"id":"c"}"#, 2),
        (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"a"},{"id":"b"},{"id":"c"}"#, 2),
        // Nothing else on the page.
        (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"a"}"#, 1),
        // Only the first item is equal.
        (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"a"},{"id":"c"}"#, 0),
        (r#"{"id":"a"},{"id":"b"}"#, r#"{"id":"a"},{"id":"c"},{"id":"b"}"#, 0),
        (r#"{"id":"a"},{"id":"a"},{"id":"b"}"#, r#"{"id":"a"},{"id":"b"},{"id":"c"}"#, 2),
        // A nested object is not an item.
        (r#"{"id":"a","memberCount":1,"of":{"id":"b"}}"#, r#"{"id":"b"}"#, 0),
        (r#"{"id":"a","of":[{"id":"b"}]}"#, r#"{"id":"b"}"#, 0),
        (r#"{"id":"a","of":"{\"id\":1}"},{"id":"]"}"#, r#"{"id":"]"}"#, 1),
    ] {
        let (before, after) =
            (page(before).edges.expect("items"), page(after).edges.expect("items"));
        assert_eq!(before.shared_with(&after), shared, "{before:?} {after:?}");
    }
}
