//! Streams of pages and batches, and items of other types.

use futures::{Stream, StreamExt as _, TryStreamExt as _};
use genesys_cloud_core::{
    Batches, ListSpec, Method, Operation, PageSize, Pages, Paginator, Request, Scheme,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::server::Answer;
use crate::{Thing, asked, client, ids, list, page, script, things};

fn is_a_stream_for_tasks<S: Stream + Send + Unpin>() {}

#[test]
fn paginators_pages_and_batches_are_send_and_unpin() {
    is_a_stream_for_tasks::<Paginator<Thing>>();
    is_a_stream_for_tasks::<Pages<Thing>>();
    is_a_stream_for_tasks::<Batches<Thing>>();
}

/// With the extension traits in scope, the paginator's own methods take precedence.
#[tokio::test]
async fn works_with_the_combinators_of_futures() {
    let server = list(250, 100).await;
    let found: Vec<Thing> = things(&server).try_collect().await.expect("all things");
    assert_eq!(ids(found), (1..=250).collect::<Vec<_>>());

    let mut some = things(&server);
    let first: Option<Thing> = some.try_next().await.expect("a thing");
    let second: Thing = some.next().await.expect("a thing").expect("no error");
    assert_eq!(ids([first.expect("a thing"), second]), [1, 2]);
    let batches: Vec<Vec<Thing>> = some.batches(300).try_collect().await.expect("a batch");
    assert_eq!(batches.into_iter().map(ids).collect::<Vec<_>>(), [(3..=250).collect::<Vec<_>>()]);
}

#[tokio::test]
async fn pages_have_status_headers_and_counts() {
    let server = script([
        page(1..=2, r#","pageNumber":1,"pageCount":2,"pageSize":2,"total":3"#)
            .header("ININ-Correlation-Id", "abc"),
        page(3..=3, r#","pageNumber":2,"pageCount":2,"pageSize":2,"total":3"#),
    ])
    .await;
    let mut pages = things(&server).pages();
    let first = pages.try_next().await.expect("a page").expect("no end");
    assert_eq!((first.number(), first.status(), first.correlation_id()), (1, 200, Some("abc")));
    assert_eq!((first.page_count(), first.page_size(), first.total()), (Some(2), Some(2), Some(3)));
    assert_eq!(first.headers()["content-type"], "application/json");
    assert_eq!(format!("{first:?}").matches("id").count(), 1, "items are not shown");
    assert_eq!(ids(first), [1, 2]);
    let second = pages.try_next().await.expect("a page").expect("no end");
    assert_eq!(ids(second.into_items()), [3]);
    assert!(pages.next().await.is_none());
    assert_eq!(pages.report().items, 3);
}

#[tokio::test]
async fn pages_respect_the_limit() {
    let server = list(250, 100).await;
    let pages: Vec<_> = things(&server).limit(120).pages().try_collect().await.expect("pages");
    assert_eq!(pages.iter().map(|page| page.items().len()).collect::<Vec<_>>(), [100, 20]);
}

#[tokio::test]
async fn pages_continue_where_items_were_taken() {
    let server = list(5, 2).await;
    let mut things = things(&server);
    for _ in 0..3 {
        things.next().await.expect("a thing").expect("no error");
    }
    let mut pages = things.pages();
    assert_eq!(pages.size_hint(), (1, None));
    let mut found = Vec::new();
    while let Some(page) = pages.try_next().await.expect("a page") {
        found.push((page.number(), ids(page)));
    }
    assert_eq!(found, [(2, vec![4]), (3, vec![5])]);
    assert_eq!(pages.report().items, 5);
}

#[tokio::test]
async fn batches_have_the_requested_size() {
    // Batch size, limit; expected sizes.
    for (size, limit, sizes) in [
        (100, 999, vec![100, 100, 50]),
        (70, 999, vec![70, 70, 70, 40]),
        (1000, 999, vec![250]),
        (125, 999, vec![125, 125]),
        (70, 120, vec![70, 50]),
        (60, 120, vec![60, 60]),
        (0, 2, vec![1, 1]),
    ] {
        let server = list(250, 100).await;
        let batches: Vec<Vec<Thing>> =
            things(&server).limit(limit).batches(size).try_collect().await.expect("batches");
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "{size} {limit}");
        let found = ids(batches.into_iter().flatten());
        assert_eq!(found, (1..=limit.min(250) as u64).collect::<Vec<_>>(), "{size} {limit}");
    }
}

#[tokio::test]
async fn items_read_before_an_error_come_first() {
    let server = script([
        page(1..=5, r#","pageNumber":1,"pageCount":2"#),
        Answer::json(400, "{}"),
        Answer::json(400, "{}"),
        page(6..=9, r#","pageNumber":2,"pageCount":2"#),
    ])
    .await;
    let batches = things(&server).batches(3);
    let seen: Vec<_> =
        batches.map(|batch| batch.map(ids).map_err(|error| error.status())).collect().await;
    let batch = |things: &[u64]| Ok(things.to_vec());
    assert_eq!(
        seen,
        [
            batch(&[1, 2, 3]),
            batch(&[4, 5]),
            Err(Some(400)),
            Err(Some(400)),
            batch(&[6, 7, 8]),
            batch(&[9])
        ]
    );
    assert_eq!(asked(&server).len(), 4);
}

#[tokio::test]
async fn size_hints_count_the_items_that_are_ready() {
    let server = list(5, 3).await;
    let mut items = things(&server);
    let mut hints = vec![items.size_hint()];
    while items.next().await.is_some() {
        hints.push(items.size_hint());
    }
    let none = None;
    assert_eq!(hints, [(0, none), (2, none), (1, none), (0, none), (1, Some(1)), (0, Some(0))]);

    let mut batches = things(&server).batches(2);
    batches.next().await.expect("a batch").expect("no error");
    assert_eq!(batches.size_hint(), (1, None));
}

#[tokio::test]
async fn reads_items_as_another_type_from_the_beginning() {
    let server = list(3, 2).await;
    let mut begun = things(&server);
    begun.next().await.expect("a thing").expect("no error");

    let raw: Vec<Box<RawValue>> =
        begun.items_as::<Box<RawValue>>().limit(2).try_collect().await.expect("texts");
    assert_eq!(
        raw.iter().map(|item| item.get()).collect::<Vec<_>>(),
        [r#"{"id":"1"}"#, r#"{"id":"2"}"#]
    );
    assert_eq!(asked(&server)[1], "pageSize=2&pageNumber=1");
}

#[tokio::test]
async fn keeps_its_options_for_items_of_another_type() {
    let server = list(9, 4).await;
    let mut begun = things(&server).page_size(3);
    for _ in 0..3 {
        begun.try_next().await.expect("a thing").expect("no end");
    }
    let rest = things(&server).page_size(3).limit(5).resume(&begun.checkpoint());
    let rest: Vec<Box<RawValue>> =
        rest.items_as::<Box<RawValue>>().try_collect().await.expect("texts");
    let rest: Vec<&str> = rest.iter().map(|item| item.get()).collect();
    assert_eq!(rest, [r#"{"id":"4"}"#, r#"{"id":"5"}"#]);

    let page = things(&server).page_size(2).max_pages(1);
    let page: Vec<Value> = page.items_as::<Value>().try_collect().await.expect("values");
    assert_eq!(page.len(), 2);
}

#[tokio::test]
async fn lists_an_operation_defined_at_run_time() {
    let server = list(3, 2).await;
    let operation = Operation::new("listThings".to_owned(), Method::Get, "/things".to_owned());
    let spec = ListSpec::new(Scheme::PageNumber, "entities".to_owned())
        .with_page_size(PageSize::new("pageSize".to_owned(), false));
    let things = Paginator::<Value>::from_request(&client(&server), Request::new(operation), spec);
    let found: Vec<Value> = things.try_collect().await.expect("values");
    assert_eq!(found.len(), 3);
    assert_eq!(found[2]["id"], "3");
}
