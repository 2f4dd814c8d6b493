//! Page sizes and limits, and other paths of the items.

use futures::StreamExt as _;
use genesys_cloud_core::{
    End, Error, ListSpec, Method, Operation, PageSize, Paginator, Request, Scheme,
};
use serde_json::Value;

use crate::server::Answer;
use crate::{Things, all, asked, client, end, entities, list, page, script, things};

#[tokio::test]
async fn requests_the_largest_known_page_size_or_that_of_the_caller() {
    let server = list(1, 1000).await;
    let api = Things::new(&client(&server));
    for (things, size) in [
        // The maximum of the operation.
        (api.things().paginate(), 100),
        (api.things().page_size(30).paginate(), 30),
        (api.things().page_size(30).paginate().page_size(40), 40),
        (api.things().paginate().limit(10), 10),
        (api.things().page_size(30).paginate().limit(10), 10),
        (api.things().paginate().limit(10).page_size(4), 4),
        (api.things().paginate().limit(1000), 100),
        // No maximum is known.
        (api.some().paginate(), 100),
        (api.some().paginate().page_size(3000), 3000),
    ] {
        let mut things = things;
        let _ = things.next().await;
        let target = server.received().pop().expect("a request").target;
        assert!(target.ends_with(&format!("?pageSize={size}&pageNumber=1")), "{size}: {target}");
        assert_eq!(things.report().page_size_requested, Some(size));
    }
    // Never below the minimum of the operation.
    let operation = Operation::from_static("scan", Method::Get, "/some");
    let page_size = PageSize::integer("limit").at_most(200).at_least(10);
    let spec = ListSpec::new(Scheme::PageNumber, "entities").with_page_size(page_size);
    let mut few = Paginator::<Value>::from_request(&client(&server), Request::new(operation), spec);
    few = few.limit(3);
    let _ = few.next().await;
    assert_eq!(few.report().page_size_requested, Some(10));

    // Nor above the size that it is known to grant, unless the caller sets a larger one.
    let sized = |page_size| ListSpec::new(Scheme::PageNumber, "entities").with_page_size(page_size);
    let usual = PageSize::integer("pageSize").usually(500);
    for (spec, items, size) in [
        (sized(usual.clone()), None, 500),
        (sized(usual.clone()), Some(800), 800),
        (sized(usual.at_most(300)), None, 300),
    ] {
        let request = Request::new(Operation::from_static("some", Method::Get, "/some"));
        let mut some = Paginator::<Value>::from_request(&client(&server), request, spec);
        if let Some(items) = items {
            some = some.page_size(items);
        }
        let _ = some.next().await;
        assert_eq!(some.report().page_size_requested, Some(size));
    }

    // A value that is not a number is left for the API to refuse.
    let mut things = api.some().page_size("few").paginate();
    let _ = things.next().await;
    assert_eq!(
        server.received().pop().expect("a request").target,
        "/some?pageSize=few&pageNumber=1"
    );
    assert_eq!(things.report().page_size_requested, None);
}

#[tokio::test]
async fn refuses_a_page_size_out_of_bounds_before_anything_is_sent() {
    let server = list(1, 1000).await;
    let api = Things::new(&client(&server));
    let scan = |items: Option<i64>| {
        let mut request = Request::new(Operation::from_static("scan", Method::Get, "/scan"));
        if let Some(items) = items {
            request.set_query("limit", items);
        }
        let page_size = PageSize::integer("limit").at_most(200).at_least(10);
        let spec = ListSpec::new(Scheme::PageNumber, "entities").with_page_size(page_size);
        Paginator::<Value>::from_request(&client(&server), request, spec)
    };
    for (why, advice, error) in [
        (
            "pageSize must be at most 100, not 3000",
            "at most 100",
            refused(api.things().page_size(3000).paginate()).await,
        ),
        (
            "pageSize must be at most 100, not 101",
            "at most 100",
            refused(api.things().paginate().page_size(101)).await,
        ),
        (
            "pageSize must be at least 1, not 0",
            "at least 1",
            refused(api.things().paginate().page_size(0)).await,
        ),
        ("limit must be at least 10, not 9", "at least 10", refused(scan(None).page_size(9)).await),
        ("limit must be at most 200, not 201", "at most 200", refused(scan(Some(201))).await),
    ] {
        let text = error.to_string();
        assert!(text.contains(why) && text.contains(advice), "{why}: {text}");
    }
    assert_eq!(server.received().len(), 0);
}

/// The error of a list that is refused on every poll.
async fn refused<T>(mut list: Paginator<T>) -> Error {
    assert!(matches!(list.next().await, Some(Err(_))));
    list.next().await.expect("an item").map(drop).expect_err("an error")
}

#[tokio::test]
async fn a_limit_does_not_change_where_the_list_begins() {
    let server = list(60, 100).await;
    let call = Things::new(&client(&server)).things().page_number(3).page_size(20);
    let mut things = call.paginate().limit(5);
    assert_eq!(all(&mut things).await, [41, 42, 43, 44, 45]);
    assert_eq!(asked(&server), ["pageSize=20&pageNumber=3"]);
}

#[tokio::test]
async fn ends_at_the_item_or_page_limit() {
    // Limit, maximum pages; items read, last request, number of requests, end.
    #[rustfmt::skip]
    let table = [
        (Some(10), None, 10, "pageSize=10&pageNumber=1", 1, End::Limit),
        // All pages have the same size: another one would shift items between them.
        (Some(120), None, 120, "pageSize=100&pageNumber=2", 2, End::Limit),
        (Some(200), None, 200, "pageSize=100&pageNumber=2", 2, End::Limit),
        (Some(250), None, 250, "pageSize=100&pageNumber=3", 3, End::LastPage),
        (Some(999), None, 250, "pageSize=100&pageNumber=3", 3, End::LastPage),
        (None, Some(1), 100, "pageSize=100&pageNumber=1", 1, End::MaxPages),
        (None, Some(3), 250, "pageSize=100&pageNumber=3", 3, End::LastPage),
        (Some(150), Some(1), 100, "pageSize=100&pageNumber=1", 1, End::MaxPages),
        (Some(50), Some(2), 50, "pageSize=50&pageNumber=1", 1, End::Limit),
    ];
    for (limit, max_pages, items, last, requests, ended) in table {
        let server = list(250, 100).await;
        let mut things = things(&server);
        if let Some(limit) = limit {
            things = things.limit(limit);
        }
        if let Some(pages) = max_pages {
            things = things.max_pages(pages);
        }
        let case = format!("{limit:?} {max_pages:?}");
        assert_eq!(all(&mut things).await, (1..=items).collect::<Vec<_>>(), "{case}");
        let asked = asked(&server);
        assert_eq!(
            (asked.len(), asked.last().map(String::as_str)),
            (requests, Some(last)),
            "{case}"
        );
        assert_eq!(end(&things), Some(ended), "{case}");
        assert_eq!(things.report().items, items, "{case}");
    }
}

#[tokio::test]
async fn sends_nothing_for_a_limit_of_zero() {
    let server = list(250, 100).await;
    let mut none = things(&server).limit(0);
    assert!(none.next().await.is_none());
    assert_eq!(end(&none), Some(End::Limit));
    let mut none = things(&server).max_pages(0);
    assert!(none.next().await.is_none());
    assert_eq!(end(&none), Some(End::MaxPages));
    assert_eq!(asked(&server), [""; 0]);
}

#[tokio::test]
async fn truncates_a_page_larger_than_the_limit() {
    // The API ignores the page size.
    let server = script([page(1..=25, r#","pageNumber":1,"pageCount":1"#)]).await;
    let mut things = things(&server).limit(3);
    assert_eq!(all(&mut things).await, [1, 2, 3]);
    assert_eq!(end(&things), Some(End::Limit));
}

#[tokio::test]
async fn reads_nested_items() {
    let body = |things: std::ops::RangeInclusive<u64>, number| {
        let items = entities(things);
        let results = format!(r#"{{"entities":[{items}],"pageNumber":{number},"pageCount":2}}"#);
        Answer::json(200, &format!(r#"{{"results":{results}}}"#))
    };
    let server = script([body(1..=2, 1), body(3..=3, 2)]).await;
    let mut things = Things::new(&client(&server)).some().paginate();
    assert_eq!(all(&mut things).await, [1, 2, 3]);
}

#[tokio::test]
async fn reads_a_response_that_is_the_list_itself() {
    let server = script([
        Answer::json(200, r#"["a","b"]"#),
        Answer::json(200, r#"["c"]"#),
        Answer::json(200, "[]"),
    ])
    .await;
    let mut names = Things::new(&client(&server)).names().paginate();
    let mut found = Vec::new();
    while let Some(name) = names.try_next().await.expect("a name") {
        found.push(name);
    }
    assert_eq!(found, ["a", "b", "c"]);
    assert_eq!(server.received()[0].target, "/names?pageNumber=1");
    assert_eq!(names.report().page_size_requested, None);
}
