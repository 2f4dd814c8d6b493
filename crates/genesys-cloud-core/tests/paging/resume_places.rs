//! Resuming between two pages, in a page that is read again, and after items have moved.

use genesys_cloud_core::{
    Checkpoint, ErrorKind, ListSpec, Method, OnStale, Operation, PageSize, Paginator, Request,
    Scheme, Verdict,
};

use crate::server::{Answer, Gate, Server};
use crate::{Thing, all, asked, client, page, script, things};

fn kept(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    serde_json::from_str(&text).expect("a checkpoint")
}

async fn some(things: &mut Paginator<Thing>, most: usize) -> Vec<u64> {
    let mut found = Vec::new();
    for _ in 0..most {
        found.push(things.try_next().await.expect("a thing").expect("no end"));
    }
    crate::ids(found)
}

fn after(server: &Server) -> Paginator<Thing> {
    let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    let spec = ListSpec::new(Scheme::AfterField, "entities")
        .with_page_size(PageSize::integer("pageSize").at_most(100));
    Paginator::from_request(&client(server), request, spec)
}

/// A page of a numbered list.
fn numbered(number: u64, total: u64, things: &[u64]) -> Answer {
    let count = total.div_ceil(4);
    let counts =
        format!(r#","pageNumber":{number},"pageCount":{count},"total":{total},"pageSize":4"#);
    page(things.iter().copied(), &counts)
}

#[tokio::test]
async fn a_checkpoint_while_the_previous_page_is_read_again_repeats_nothing() {
    let gate = Gate::new();
    let server = script([
        numbered(1, 12, &[1, 2, 3, 4]),
        // 1 and 2 are gone by now.
        numbered(2, 10, &[7, 8, 9, 10]),
        numbered(1, 10, &[3, 4, 5, 6]).behind(&gate),
        numbered(2, 10, &[7, 8, 9, 10]),
        numbered(1, 10, &[3, 4, 5, 6]),
        numbered(2, 10, &[7, 8, 9, 10]),
        numbered(3, 10, &[11, 12]),
    ])
    .await;
    let mut list = things(&server);
    assert_eq!(some(&mut list, 4).await, [1, 2, 3, 4]);
    tokio::select! {
        _ = list.try_next() => panic!("a thing came through a closed gate"),
        () = server.has_received(3) => {}
    }
    let checkpoint = kept(&list.checkpoint());
    drop(list);
    gate.open();
    let mut again = things(&server).resume(&checkpoint);
    let rest = all(&mut again).await;
    assert_eq!(rest, [5, 6, 7, 8, 9, 10, 11, 12]);
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn a_batch_that_begins_in_a_page_read_again_repeats_nothing() {
    let gate = Gate::new();
    let (first, second) = ([20, 3, 21, 4], [5, 6, 7, 8]);
    let server = script([
        numbered(1, 12, &[1, 2, 3, 4]),
        numbered(2, 10, &second),
        numbered(1, 10, &first),
        numbered(2, 10, &second).behind(&gate),
        numbered(1, 10, &first),
        numbered(2, 10, &second),
        numbered(3, 10, &[9, 10]),
    ])
    .await;
    let mut batches = things(&server).batches(4);
    let batch = batches.try_next().await.expect("a batch").expect("items");
    assert_eq!(crate::ids(batch), [1, 2, 3, 4]);
    // The next batch has 20 and 21, and waits for more.
    tokio::select! {
        _ = batches.try_next() => panic!("a batch came through a closed gate"),
        () = server.has_received(4) => {}
    }
    let checkpoint = kept(&batches.checkpoint());
    assert_eq!(checkpoint.items(), 4);
    drop(batches);
    gate.open();
    let mut again = things(&server).resume(&checkpoint);
    assert_eq!(all(&mut again).await, [20, 21, 5, 6, 7, 8, 9, 10]);
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn does_not_read_an_empty_page_before_the_place_again() {
    let counts = |number: u64| format!(r#","pageNumber":{number},"nextUri":"/things?x""#);
    let server = script([
        page(1..=2, &counts(1)),
        page([], &counts(2)),
        Answer::json(500, "{}"),
        page(3..=3, r#","pageNumber":3"#),
    ])
    .await;
    let mut list = things(&server).page_size(2);
    assert_eq!(some(&mut list, 2).await, [1, 2]);
    list.try_next().await.expect_err("a 500");
    let mut again = things(&server).page_size(2).resume(&kept(&list.checkpoint()));
    assert_eq!(all(&mut again).await, [3]);
    let pages = ["1", "2", "3", "3"].map(|number| format!("pageSize=2&pageNumber={number}"));
    assert_eq!(asked(&server), pages);
    assert_eq!(again.report().pages, 3);
}

#[tokio::test]
async fn a_new_page_size_applies_from_the_next_page_on() {
    for (read, next, size) in [
        // Within a page: the old size, for the rest of it.
        (2, page(1..=4, r#","after":"a""#), "pageSize=4"),
        (4, page(5..=5, ""), "pageSize=9"),
    ] {
        let server = script([page(1..=4, r#","after":"a""#), next]).await;
        let mut first = after(&server).page_size(4);
        some(&mut first, read).await;
        let mut again = after(&server).page_size(9).resume(&kept(&first.checkpoint()));
        again.try_next().await.expect("a thing");
        let last = asked(&server).pop().unwrap_or_default();
        assert!(last.contains(size), "after {read}: {last}");
    }
}

#[tokio::test]
async fn a_token_refused_after_starting_over_is_an_error_of_its_page() {
    let server = script([
        page(1..=2, r#","after":"a""#),
        page(3..=4, r#","after":"b""#),
        page(5..=6, r#","after":"c""#),
        Answer::json(400, "{}"),
        page(1..=2, r#","after":"d""#),
        Answer::json(404, "{}"),
    ])
    .await;
    let mut first = after(&server);
    assert_eq!(some(&mut first, 5).await, [1, 2, 3, 4, 5]);
    let checkpoint = kept(&first.checkpoint());
    let mut restarted = after(&server).on_stale(OnStale::Restart).resume(&checkpoint);
    let error = restarted.try_next().await.expect_err("a 404");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_page_read_again_may_be_unchanged() {
    let server = script([
        numbered(1, 12, &[1, 2, 3, 4]),
        numbered(2, 12, &[5, 6, 7, 8]),
        // 5 to 9 are gone, and the first page is as it was.
        numbered(2, 7, &[10, 11, 12]),
        numbered(1, 7, &[1, 2, 3, 4]),
        numbered(2, 7, &[10, 11, 12]),
    ])
    .await;
    let mut list = things(&server);
    assert_eq!(some(&mut list, 8).await, [1, 2, 3, 4, 5, 6, 7, 8]);
    let mut again = things(&server).resume(&kept(&list.checkpoint()));
    let rest = all(&mut again).await;
    assert!(rest.ends_with(&[10, 11, 12]), "{rest:?}");
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
    assert_eq!(again.report().read_again, 1);
}

#[tokio::test]
async fn finds_the_next_item_if_the_whole_page_of_the_place_was_removed() {
    let total = |number, things: &[u64]| numbered(number, 16, things);
    let server = script([
        numbered(1, 20, &[1, 2, 3, 4]),
        numbered(2, 20, &[5, 6, 7, 8]),
        numbered(3, 20, &[9, 10, 11, 12]),
        total(3, &[13, 14, 15, 16]),
        total(4, &[17, 18, 19, 20]),
    ])
    .await;
    let mut list = things(&server);
    some(&mut list, 12).await;
    let mut again = things(&server).resume(&kept(&list.checkpoint()));
    assert_eq!(all(&mut again).await, (13..=20).collect::<Vec<_>>());
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn does_not_search_an_emptied_list() {
    let server = script([
        numbered(1, 12, &[1, 2, 3, 4]),
        numbered(2, 12, &[5, 6, 7, 8]),
        page([], r#","pageNumber":2,"pageCount":0,"total":0,"pageSize":4"#),
    ])
    .await;
    let mut list = things(&server);
    some(&mut list, 8).await;
    let mut again = things(&server).resume(&kept(&list.checkpoint()));
    assert_eq!(all(&mut again).await, [0; 0]);
    assert_ne!(again.report().verdict(), Verdict::Complete);
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn searches_a_list_that_began_in_the_middle_by_the_requested_page_size() {
    let counts = |number: u64, total: u64| {
        let count = total.div_ceil(4);
        format!(r#","pageNumber":{number},"pageCount":{count},"total":{total}"#)
    };
    let server = script([
        page(5..=8, &counts(2, 16)),
        // 1 to 5 are gone.
        page(10..=13, &counts(2, 11)),
        page(6..=9, &counts(1, 11)),
        page(10..=13, &counts(2, 11)),
        page(14..=16, &counts(3, 11)),
    ])
    .await;
    let list = || {
        let client = client(&server);
        crate::Things::new(&client).things().page_number(2).paginate().page_size(4)
    };
    let mut begun = list();
    assert_eq!(some(&mut begun, 4).await, [5, 6, 7, 8]);
    let mut again = list().resume(&kept(&begun.checkpoint()));
    assert_eq!(all(&mut again).await, (9..=16).collect::<Vec<_>>());
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn recognizes_extracted_pages_by_their_text_after_starting_over() {
    let pages =
        || [page(1..=2, r#","after":"a""#), page(3..=4, r#","after":"b""#), page(5..=5, "")];
    for (read, is_refused, is_complete) in [
        (2, false, true),
        // Within a page, the text is compared; between two pages, nothing can be.
        (3, true, true),
        (2, true, false),
    ] {
        let [first, second, third] = pages();
        let begun = [first, second].into_iter().take(read - 1);
        let refused = is_refused.then(|| Answer::json(400, "{}"));
        let rest: Vec<Answer> = match is_refused {
            true => pages().into_iter().collect(),
            false => pages().into_iter().skip(1).take(1).chain([third]).collect(),
        };
        let server = script(begun.chain(refused).chain(rest)).await;
        let list = || {
            let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
            let spec = ListSpec::new(Scheme::AfterField, "");
            Paginator::with_extractor(&client(&server), request, spec, |response| {
                let body: serde_json::Value = serde_json::from_slice(response.body())?;
                let items = body["entities"].as_array().cloned().unwrap_or_default();
                let next = body["after"].as_str().map(str::to_owned);
                Ok(genesys_cloud_core::ExtractedPage::new(items).with_next(next))
            })
        };
        let mut begun = list();
        for _ in 0..read {
            begun.try_next().await.expect("an item").expect("no end");
        }
        let checkpoint = kept(&begun.checkpoint());
        let mut again = list().on_stale(OnStale::Restart).resume(&checkpoint);
        let mut count = read;
        while again.try_next().await.expect("an item").is_some() {
            count += 1;
        }
        assert_eq!(count, 5, "{read}");
        let verdict = again.report().verdict();
        assert_eq!(verdict == Verdict::Complete, is_complete, "{read} {is_refused}");
    }
}

#[tokio::test]
async fn counts_a_page_read_again_once() {
    let with_null = |ids: [&str; 4], total: u64| {
        let items = ids.map(|id| match id {
            "" => "null".to_owned(),
            id => format!(r#"{{"id":"{id}"}}"#),
        });
        let items = items.join(",");
        let counts = format!(r#""pageNumber":2,"pageCount":3,"total":{total},"pageSize":4"#);
        Answer::json(200, &format!(r#"{{"entities":[{items}],{counts}}}"#))
    };
    let server = script([
        numbered(1, 12, &[1, 2, 3, 4]),
        with_null(["5", "6", "", "8"], 12),
        numbered(3, 11, &[10, 11, 12]),
        // 5 and 6 are gone, 4 has moved down, and 9 up.
        with_null(["4", "", "8", "9"], 11),
        numbered(3, 11, &[10, 11, 12]),
    ])
    .await;
    let mut list = things(&server).dedupe_by("id");
    assert_eq!(all(&mut list).await, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);
    let report = list.report();
    assert_eq!((report.pages, report.read_again), (3, 1));
    assert_eq!((report.nulls, report.duplicates), (1, 0));
}

#[tokio::test]
async fn the_page_size_of_the_request_may_differ_on_resume() {
    let server = crate::list(9, 4).await;
    let list = |size| crate::Things::new(&client(&server)).things().page_size(size).paginate();
    let mut begun = list(4);
    some(&mut begun, 4).await;
    let mut again = list(3).resume(&kept(&begun.checkpoint()));
    assert_eq!(all(&mut again).await, [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn rows_without_ids_may_repeat_once() {
    let rows = |n: u64, next: &str| {
        Answer::json(200, &format!(r#"{{"entities":[{{"n":{n}}}],"after":"{next}"}}"#))
    };
    let server = script([
        rows(1, "a"),
        rows(2, "b"),
        rows(3, "c"),
        rows(4, "d"),
        rows(4, "e"),
        Answer::json(200, r#"{"entities":[{"n":5}]}"#),
    ])
    .await;
    let mut list = after(&server);
    let mut count = 0;
    while list.try_next().await.expect("a row").is_some() {
        count += 1;
    }
    assert_eq!(count, 6);
}

#[tokio::test]
async fn counts_items_repeated_from_the_page_before_the_checkpoint() {
    let server = script([page(1..=4, r#","after":"a""#), page(3..=6, "")]).await;
    let mut begun = after(&server);
    some(&mut begun, 4).await;
    let mut again = after(&server).resume(&kept(&begun.checkpoint()));
    assert_eq!(all(&mut again).await, [3, 4, 5, 6]);
    assert_eq!(again.report().duplicates, 2);
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}
