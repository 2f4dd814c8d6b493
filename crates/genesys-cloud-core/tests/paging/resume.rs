//! Interrupted lists resume without losing or repeating items.

use std::time::Duration;

use genesys_cloud_core::{
    Checkpoint, Client, End, ErrorKind, ListSpec, Method, NextToken, OnStale, Operation, PageSize,
    Paginator, ParamLocation, Reason, Request, Scheme, Verdict,
};
use serde_json::json;

use crate::server::{Answer, Received, Server};
use crate::{Thing, all, asked, client, entities, list, page, query, script, things};

/// A way of paging, on the client and on the server.
#[derive(Clone)]
struct Way {
    spec: ListSpec,
    post: bool,
    /// The further fields of the page that begins after `at` items.
    envelope: fn(next: Option<u64>, total: u64, size: u64, at: u64) -> String,
    /// The number of items before the requested page.
    asked: fn(&Received, size: u64) -> u64,
}

const SIZE: u64 = 4;

fn text(request: &Received, name: &str) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
    let pointer = format!("/{}", name.replace('.', "/"));
    let in_body = body.pointer(&pointer).map(|value| value.to_string().replace('"', ""));
    in_body.and_then(|value| value.parse().ok()).or_else(|| query(request, name))
}

fn ways() -> Vec<Way> {
    let of = |scheme: Scheme| {
        ListSpec::new(scheme, "entities")
            .with_page_size(PageSize::integer("pageSize").at_most(SIZE))
    };
    let number: fn(Option<u64>, u64, u64, u64) -> String = |_, total, size, at| {
        let (number, count) = (at / size + 1, total.div_ceil(size));
        format!(r#","pageNumber":{number},"pageCount":{count},"total":{total},"pageSize":{size}"#)
    };
    let after: fn(Option<u64>, u64, u64, u64) -> String = |next, _, _, _| {
        next.map_or(String::new(), |next| format!(r#","after":"{next}","cursor":{next}"#))
    };
    let link: fn(Option<u64>, u64, u64, u64) -> String = |next, _, _, _| {
        let next = next.map(|next| format!(r#","nextUri":"/things?cursor={next}&after={next}""#));
        next.unwrap_or_default()
    };
    let by_number: fn(&Received, u64) -> u64 = |request, size| {
        let number = text(request, "pageNumber").or_else(|| text(request, "paging.pageNumber"));
        (number.expect("a number") - 1) * size
    };
    let by_token: fn(&Received, u64) -> u64 =
        |request, _| text(request, "after").or_else(|| text(request, "cursor")).unwrap_or(0);
    let none: fn(Option<u64>, u64, u64, u64) -> String = |_, _, _, _| String::new();
    let way = |spec, post, envelope, asked| Way { spec, post, envelope, asked };
    vec![
        way(of(Scheme::PageNumber), false, number, by_number),
        way(of(Scheme::PageNumberNoEnvelope), false, none, by_number),
        way(of(Scheme::BodyPageNumber), true, number, by_number),
        way(
            ListSpec::new(Scheme::BodyPagingTotalHits, "entities")
                .with_page_size(PageSize::integer("paging.pageSize").in_body().at_most(SIZE)),
            true,
            |_, total, _, _| format!(r#","totalHits":{total}"#),
            by_number,
        ),
        way(of(Scheme::AfterField), false, after, by_token),
        way(of(Scheme::AfterInNextUri), false, link, by_token),
        way(of(Scheme::CursorInNextUri), false, link, by_token),
        way(of(Scheme::PageSizeOnlyNextUri), false, link, by_token),
        way(of(Scheme::BodyAfter), true, after, by_token),
        // A token that is a number.
        way(of(Scheme::BodyCursor), true, after, by_token),
        way(
            of(Scheme::ContinuationToken)
                .with_token_in(ParamLocation::query("after"))
                .with_token_out(NextToken::field("after")),
            false,
            after,
            by_token,
        ),
        way(
            of(Scheme::ScimStartIndex).with_page_size(PageSize::integer("count").at_most(SIZE)),
            false,
            |_, total, size, at| {
                format!(r#","totalResults":{total},"itemsPerPage":{size},"startIndex":{}"#, at + 1)
            },
            |request, _| query(request, "startIndex").expect("an index") - 1,
        ),
        way(
            of(Scheme::Q64Search),
            false,
            |next, total, size, at| {
                let (number, count) = (at / size + 1, total.div_ceil(size).max(1));
                let next = next.unwrap_or(total);
                format!(
                    r#","pageNumber":{number},"pageCount":{count},"nextPage":"/things?q64={next}""#
                )
            },
            |request, _| query(request, "q64").unwrap_or(0),
        ),
        Way {
            spec: of(Scheme::IdOrDateWindow),
            post: false,
            envelope: none,
            asked: |request, _| query(request, "after").map_or(0, |id| id - 1),
        },
        way(of(Scheme::UnpagedEntities), false, none, |_, _| 0),
    ]
}

impl Way {
    async fn serve(&self, total: u64) -> Server {
        let way = self.clone();
        Server::start(move |request| {
            let size = if way.spec.scheme() == Scheme::UnpagedEntities { total } else { SIZE };
            let at = (way.asked)(request, size);
            // A window includes its bound, except for the last one.
            let is_last = request.target.contains("after=") && at + 1 == total;
            let is_window = way.spec.scheme() == Scheme::IdOrDateWindow;
            let at = if is_window && is_last { total } else { at };
            let end = (at + size).min(total);
            let next = (end < total).then_some(end);
            page(at + 1..end + 1, &(way.envelope)(next, total, size, at))
        })
        .await
    }

    fn list(&self, client: &Client, expand: &str) -> Paginator<Thing> {
        let method = if self.post { Method::Post } else { Method::Get };
        let operation = Operation::from_static("getThings", method, "/things").reads();
        let mut request = Request::new(operation);
        request.set_query("expand", expand);
        if self.post {
            request.set_body(&json!({"filter": "secret"}));
        }
        Paginator::from_request(client, request, self.spec.clone())
    }
}

/// A checkpoint read back from its stored text.
fn kept(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    assert!(!text.contains("secret"), "{text}");
    let read: Checkpoint = serde_json::from_str(&text).expect("a checkpoint");
    assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    assert_eq!(read, *checkpoint);
    read
}

/// The place in a checkpoint, without its time.
fn place(checkpoint: &Checkpoint) -> serde_json::Value {
    serde_json::to_value(checkpoint).expect("JSON")["list"].take()
}

async fn some(things: &mut Paginator<Thing>, most: u64) -> Vec<u64> {
    let mut found = Vec::new();
    while (found.len() as u64) < most
        && let Some(thing) = things.try_next().await.expect("a thing")
    {
        found.push(thing);
    }
    crate::ids(found)
}

#[tokio::test]
async fn lists_of_every_scheme_resume_at_the_next_item() {
    for way in ways() {
        let scheme = way.spec.scheme().name();
        for total in [0, 1, 2 * SIZE, 3 * SIZE + 2] {
            let server = way.serve(total).await;
            let client = client(&server);
            let expected: Vec<u64> = (1..=total).collect();
            let pages = pages_of(&way, &client).await;
            for stride in [1, 3, SIZE, SIZE + 1, total + 1] {
                for prefetch in [0, 2] {
                    let (mut found, mut checkpoint) = (Vec::new(), None::<Checkpoint>);
                    let report = loop {
                        let mut things = way.list(&client, "x").prefetch(prefetch);
                        if let Some(checkpoint) = &checkpoint {
                            things = things.resume(&kept(checkpoint));
                            assert_eq!(place(&things.checkpoint()), place(checkpoint));
                        }
                        found.extend(some(&mut things, stride).await);
                        let next = things.checkpoint();
                        assert_eq!(next.items(), found.len() as u64);
                        if things.report().end.is_some() && next.is_complete() {
                            break things.report().clone();
                        }
                        checkpoint = Some(next);
                    };
                    let what =
                        format!("{scheme} of {total} in steps of {stride}, {prefetch} ahead");
                    assert_eq!(found, expected, "{what}");
                    assert_eq!(report.items, total, "{what}");
                    assert_eq!(report.verdict(), Verdict::Complete, "{what}");
                    assert_eq!(report.duplicates, 0, "{what}");
                    assert_eq!(report.pages, pages, "{what}");
                }
            }
        }
    }
}

async fn pages_of(way: &Way, client: &Client) -> u64 {
    let mut things = way.list(client, "x");
    all(&mut things).await;
    things.report().pages
}

#[tokio::test]
async fn a_complete_list_is_not_requested_again() {
    let server = list(5, 2).await;
    let mut first = things(&server);
    assert_eq!(all(&mut first).await, [1, 2, 3, 4, 5]);
    let checkpoint = kept(&first.checkpoint());
    assert!(checkpoint.is_complete());
    let calls = server.received().len();
    let mut again = things(&server).resume(&checkpoint);
    assert_eq!(all(&mut again).await, [0; 0]);
    let mut report = first.report().clone();
    report.waited = again.report().waited;
    assert_eq!((again.report(), server.received().len()), (report, calls));
    assert_eq!(again.report().verdict(), Verdict::Complete);
}

#[tokio::test]
async fn a_limit_counts_from_the_beginning_and_can_be_raised() {
    let server = list(20, 4).await;
    for (limits, expected, ends) in [
        ([6, 6], 6, End::Limit),
        ([6, 7], 7, End::Limit),
        ([6, 8], 8, End::Limit),
        ([8, 13], 13, End::Limit),
        ([6, 100], 20, End::LastPage),
    ] {
        let mut first = things(&server).page_size(4).limit(limits[0]);
        let mut found = all(&mut first).await;
        let checkpoint = kept(&first.checkpoint());
        assert!(!checkpoint.is_complete());
        let mut second = things(&server).limit(limits[1]).resume(&checkpoint);
        found.extend(all(&mut second).await);
        assert_eq!(found, (1..=expected).collect::<Vec<_>>(), "{limits:?}");
        assert_eq!((second.report().end, second.report().items), (Some(ends), expected));
        // The page size of the first run.
        assert_eq!(second.report().page_size_requested, Some(4));
    }
    let mut first = things(&server).page_size(4).limit(6);
    assert_eq!(all(&mut first).await.len(), 6);
    let calls = asked(&server).len();
    let error = things(&server).limit(5).resume(&kept(&first.checkpoint())).try_next().await;
    let error = error.expect_err("more than the limit").to_string();
    assert!(error.contains("6 items were read, more than the limit of 5"), "{error}");
    assert_eq!(asked(&server).len(), calls);
    let mut first = things(&server).page_size(4).max_pages(2);
    assert_eq!(all(&mut first).await.len(), 8);
    let mut second = things(&server).max_pages(3).resume(&first.checkpoint());
    assert_eq!(all(&mut second).await, [9, 10, 11, 12]);
}

#[tokio::test]
async fn pages_and_batches_resume_after_the_items_yielded() {
    let server = list(11, 3).await;
    for size in 1..=12 {
        let (mut found, mut checkpoint) = (Vec::new(), None::<Checkpoint>);
        loop {
            let list = things(&server).page_size(3);
            let list = match &checkpoint {
                Some(checkpoint) => list.resume(&kept(checkpoint)),
                None => list,
            };
            let mut batches = list.batches(size);
            let Some(batch) = batches.try_next().await.expect("a batch") else { break };
            found.extend(crate::ids(batch));
            checkpoint = Some(batches.checkpoint());
        }
        assert_eq!(found, (1..=11).collect::<Vec<_>>(), "{size}");
    }

    let mut list = things(&server).page_size(3);
    let mut found = some(&mut list, 2).await;
    let mut pages = list.pages();
    // The rest of the first page, and the second.
    let before = pages.checkpoint();
    for _ in 0..2 {
        let page = pages.try_next().await.expect("a page").expect("no end");
        found.extend(crate::ids(page));
    }
    let after = pages.checkpoint();
    assert_eq!((before.items(), after.items()), (2, 6));
    let rest = all(&mut things(&server).resume(&before)).await;
    assert_eq!(rest, (3..=11).collect::<Vec<_>>());
    found.extend(all(&mut things(&server).resume(&after)).await);
    assert_eq!(found, (1..=11).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_checkpoint_within_a_batch_is_before_the_batch() {
    let gate = crate::server::Gate::new();
    let (first, second) = (r#","pageNumber":1,"pageCount":3"#, r#","pageNumber":2,"pageCount":3"#);
    let server = script([
        page(1..=2, first),
        page(3..=4, second).behind(&gate),
        page(1..=2, first),
        page(3..=4, second),
    ])
    .await;
    let mut batches = things(&server).batches(4);
    tokio::select! {
        _ = batches.try_next() => panic!("a batch came through a closed gate"),
        () = server.has_received(2) => {}
    }
    let checkpoint = kept(&batches.checkpoint());
    assert_eq!(checkpoint.items(), 0);
    drop(batches);
    gate.open();
    let mut batches = things(&server).max_pages(2).resume(&checkpoint).batches(4);
    assert_eq!(
        crate::ids(batches.try_next().await.expect("a batch").expect("items")),
        [1, 2, 3, 4]
    );
}

#[tokio::test]
async fn an_error_does_not_change_the_place() {
    let server = script([
        page(1..=2, r#","pageNumber":1,"pageCount":2"#),
        Answer::json(500, "{}"),
        Answer::json(404, "{}"),
        page(1..=2, r#","pageNumber":1,"pageCount":2"#),
        page(3..=3, r#","pageNumber":2,"pageCount":2"#),
    ])
    .await;
    let mut first = things(&server);
    assert_eq!(some(&mut first, 2).await, [1, 2]);
    first.try_next().await.expect_err("a 500");
    let mut second = things(&server).resume(&kept(&first.checkpoint()));
    // A page number does not expire.
    let error = second.try_next().await.expect_err("a 404");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let mut third = things(&server).resume(&kept(&second.checkpoint()));
    assert_eq!(all(&mut third).await, [3]);
    assert_eq!(third.report().verdict(), Verdict::Complete);
}

#[tokio::test]
async fn refuses_the_checkpoint_of_another_call_before_anything_is_sent() {
    let way = &ways()[4];
    let server = way.serve(9).await;
    let client = client(&server);
    let mut first = way.list(&client, "secret");
    some(&mut first, 5).await;
    let (checkpoint, calls) = (kept(&first.checkpoint()), server.received().len());
    let elsewhere = ListSpec::new(Scheme::AfterField, "other");
    let operation = Operation::from_static("getThings", Method::Get, "/things").reads();
    let mut request = Request::new(operation);
    request.set_query("expand", "secret");
    let other = |id: &'static str| Request::new(Operation::from_static(id, Method::Get, "/things"));
    for (mut things, why) in [
        (way.list(&client, "other"), "the query parameter `expand` has changed"),
        (
            Paginator::from_request(&client, other("getThings"), way.spec.clone()),
            "the query parameter `expand` is no longer set",
        ),
        (
            Paginator::from_request(&client, other("getOther"), way.spec.clone()),
            "it belongs to getThings",
        ),
        (
            Paginator::from_request(&client, request, elsewhere),
            "the operation paged in another way",
        ),
    ] {
        things = things.resume(&checkpoint);
        for _ in 0..2 {
            let error = things.try_next().await.expect_err(why);
            assert_eq!(error.kind(), ErrorKind::CheckpointMismatch, "{error}");
            let text = error.to_string();
            assert!(text.contains(why) && text.contains("was not sent"), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
        assert_eq!(place(&things.checkpoint()), place(&checkpoint));
    }
    assert_eq!(server.received().len(), calls);
}

#[tokio::test]
async fn finds_records_that_moved_between_two_runs() {
    let moved = Verdict::Drifted(Reason::Moved);
    let envelope = r#","pageNumber":1,"pageCount":2"#;
    // The first page had the things 1 to 4, of which two were yielded.
    for (first, found, verdict) in [
        (vec![1, 2, 3, 4], vec![3, 4, 9], Verdict::Complete),
        // Added in front, removed in front, the last one removed or replaced.
        (vec![7, 1, 2, 3], vec![3, 9], moved),
        (vec![2, 3, 4, 5], vec![3, 4, 5, 9], moved),
        (vec![1, 3, 4, 5], vec![3, 4, 5, 9], moved),
        (vec![7, 8, 5, 6], vec![5, 6, 9], moved),
    ] {
        let server = script([
            page(1..=4, envelope),
            page(first.clone(), envelope),
            page(9..=9, r#","pageNumber":2,"pageCount":2"#),
        ])
        .await;
        let mut list = things(&server);
        assert_eq!(some(&mut list, 2).await, [1, 2]);
        let mut again = things(&server).resume(&kept(&list.checkpoint()));
        assert_eq!(all(&mut again).await, found, "{first:?}");
        assert_eq!(again.report().verdict(), verdict, "{first:?}");
    }
    // Between two pages, duplicates are counted as in a single run.
    for (first, second, found, verdict) in [
        (
            vec![1, 2, 3, 4],
            vec![4, 5],
            vec![4, 5],
            Verdict::Drifted(Reason::Duplicates { items: 1 }),
        ),
        (vec![1, 2, 3, 4], vec![5], vec![5], Verdict::Complete),
        // Records were deleted in front and added at the end between the runs.
        (vec![3, 4, 5, 6], vec![7, 8], vec![5, 6, 7, 8], moved),
        (vec![5, 6, 7, 8], vec![9, 10], vec![9, 10], moved),
    ] {
        let second = page(second, r#","pageNumber":2,"pageCount":2"#);
        let server = script([page(1..=4, envelope), page(first, envelope), second]).await;
        let mut list = things(&server);
        assert_eq!(some(&mut list, 4).await, [1, 2, 3, 4]);
        let mut again = things(&server).resume(&kept(&list.checkpoint()));
        assert_eq!(all(&mut again).await, found);
        assert_eq!(again.report().verdict(), verdict);
    }
}

#[tokio::test]
async fn an_expired_token_is_an_error_or_the_list_starts_over() {
    let (a, b) = (r#","after":"a""#, r#","after":"b""#);
    let spec = || ListSpec::new(Scheme::AfterField, "entities");
    let request = || Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    for status in [400, 404, 410] {
        let server = script([
            page(1..=2, a),
            page(3..=4, b),
            Answer::json(status, r#"{"message":"no such token"}"#),
            Answer::json(status, "{}"),
            page(1..=2, r#","after":"c""#),
            page(3..=4, r#","after":"d""#),
            page(5..=5, ""),
        ])
        .await;
        let client = client(&server);
        let list = || Paginator::<Thing>::from_request(&client, request(), spec());
        let mut first = list();
        assert_eq!(some(&mut first, 3).await, [1, 2, 3]);
        let checkpoint = kept(&first.checkpoint());

        let mut stale = list().resume(&checkpoint);
        let error = stale.try_next().await.expect_err("stale");
        assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
        assert_eq!(error.status(), Some(status));
        assert!(error.to_string().contains("start over"), "{error}");
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.contains("no such token"), "{cause}");

        let mut restarted = list().on_stale(OnStale::Restart).resume(&checkpoint);
        assert_eq!(all(&mut restarted).await, [4, 5]);
        assert_eq!(restarted.report().verdict(), Verdict::Complete);
        assert_eq!(restarted.report().items, 5);
    }
}

#[tokio::test]
async fn a_token_past_its_lifetime_is_an_error_before_anything_is_sent() {
    let day = Duration::from_hours(24);
    let spec = || ListSpec::new(Scheme::AfterField, "entities").with_token_lifetime(day);
    let request = || Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    let first = || page(1..=2, r#","after":"a""#);
    let server = script([first(), page(3..=4, ""), first(), page(3..=4, "")]).await;
    let client = client(&server);
    let list = || Paginator::<Thing>::from_request(&client, request(), spec());
    let mut begun = list();
    assert_eq!(some(&mut begun, 2).await, [1, 2]);
    let checkpoint = begun.checkpoint();
    assert_eq!(all(&mut list().resume(&checkpoint)).await, [3, 4]);

    let mut old = serde_json::to_value(&checkpoint).expect("JSON");
    old["made"] = serde_json::Value::from("2026-05-01T00:00:00Z");
    let old: Checkpoint = serde_json::from_value(old).expect("a checkpoint");
    let error = list().resume(&old).try_next().await.expect_err("stale");
    assert_eq!(error.kind(), ErrorKind::StaleCheckpoint, "{error}");
    assert!(error.to_string().contains("for 24 hours"), "{error}");
    assert_eq!(server.received().len(), 2);
    assert_eq!(all(&mut list().on_stale(OnStale::Restart).resume(&old)).await, [3, 4]);
}

#[tokio::test]
async fn a_list_that_starts_over_in_another_order_is_drift() {
    let list = |server: &Server| {
        let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
        Paginator::<Thing>::from_request(
            &client(server),
            request,
            ListSpec::new(Scheme::AfterField, "entities"),
        )
    };
    for (second, found) in [
        // Another item in place of the last one.
        (vec![page([1, 2], r#","after":"c""#), page([7, 4, 5], "")], vec![4, 5]),
        // Fewer items than were yielded.
        (vec![page([1, 2], "")], vec![]),
    ] {
        let first = [
            page(1..=2, r#","after":"a""#),
            page(3..=4, r#","after":"b""#),
            Answer::json(400, "{}"),
        ];
        let server = script(first.into_iter().chain(second)).await;
        let mut begun = list(&server);
        assert_eq!(some(&mut begun, 3).await, [1, 2, 3]);
        let checkpoint = kept(&begun.checkpoint());
        let mut restarted = list(&server).on_stale(OnStale::Restart).resume(&checkpoint);
        assert_eq!(all(&mut restarted).await, found);
        assert_eq!(restarted.report().verdict(), Verdict::Drifted(Reason::Moved));
    }
}

#[tokio::test]
async fn detects_repeated_tokens_and_pages_across_runs() {
    let spec = || ListSpec::new(Scheme::AfterField, "entities");
    let request = || Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    // The same token again, and the same page again.
    for (last, why) in [
        (page(3..=4, r#","after":"a""#), "points to a page that was already read"),
        (page(1..=2, r#","after":"b""#), "repeats the items of the previous page"),
    ] {
        let server = script([page(1..=2, r#","after":"a""#), last]).await;
        let client = client(&server);
        let mut first = Paginator::<Thing>::from_request(&client, request(), spec());
        assert_eq!(some(&mut first, 2).await, [1, 2]);
        let checkpoint = kept(&first.checkpoint());
        let mut again =
            Paginator::<Thing>::from_request(&client, request(), spec()).resume(&checkpoint);
        let error = loop {
            match again.try_next().await {
                Ok(thing) => assert!(thing.is_some()),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn recognizes_extracted_pages_by_their_text() {
    let envelope = r#","pageNumber":1,"pageCount":2"#;
    let moved = Verdict::Drifted(Reason::Moved);
    for (read, second, verdict) in [
        (1, 1..=4, Verdict::Complete),
        (1, 2..=5, moved),
        // All of the first page.
        (4, 1..=4, Verdict::Complete),
        (4, 2..=5, moved),
    ] {
        let server = script([page(1..=4, envelope), page(second, envelope), page(9..=9, "")]).await;
        let list = || {
            let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
            let spec = ListSpec::new(Scheme::PageNumber, "");
            Paginator::with_extractor(&client(&server), request, spec, |response| {
                let body: serde_json::Value = serde_json::from_slice(response.body())?;
                let items = body["entities"].as_array().cloned().unwrap_or_default();
                Ok(genesys_cloud_core::ExtractedPage::new(items).with_page_count(2))
            })
        };
        let mut first = list();
        for _ in 0..read {
            first.try_next().await.expect("an item").expect("no end");
        }
        let mut again = list().resume(&kept(&first.checkpoint()));
        let mut count = 0;
        while again.try_next().await.expect("an item").is_some() {
            count += 1;
        }
        assert_eq!((count, again.report().verdict()), (5 - read, verdict), "{read}");
    }
}

#[test]
fn refuses_malformed_checkpoints() {
    let call = r#""call":{"org":{"baseUrl":"https://a"},"operation":"getThings","listing":"0000000000000000"}"#;
    let list = format!(r#""list":{{{call}}}"#);
    let with = |field: &str| {
        format!(r#"{{"version":3,"made":"2026-05-01T00:00:00Z","list":{{{call},{field}}}}}"#)
    };
    serde_json::from_str::<Checkpoint>(&with(r#""later":[1]"#)).expect("a checkpoint");
    for (text, why) in [
        ("{}".to_owned(), "it has no version"),
        ("[]".to_owned(), "it has no version"),
        (
            format!(r#"{{"version":4,"list":7,{list}}}"#),
            "unsupported checkpoint version 4 (of a later release); expected 3",
        ),
        (format!(r#"{{"version":2,{list}}}"#), "unsupported checkpoint version 2; expected 3"),
        (format!(r#"{{"version":3,{list}}}"#), "`made`"),
        (
            r#"{"version":3,"made":"2026-05-01T00:00:00Z"}"#.to_owned(),
            "it must have one of `list`, `range` and `tree`",
        ),
        (with(r#""number":0"#), "must name exactly one page"),
        (with(r#""number":1,"token":["a"]"#), "must name exactly one page"),
        (with(r#""token":[{}]"#), "its token is neither"),
        (with(r#""link":[["a"]]"#), "not a name and a value"),
        (with(r#""offset":-1"#), "`offset` is not a valid count"),
        (with(r#""offset":9223372036854775807"#), "`offset` is not a valid count"),
        (with(r#""known":["xyz"]"#), "a malformed hash"),
        (with(r#""end":"soon""#), "an unknown end"),
        (with(r#""call":{"operation":"getThings"}"#), "its call has no `org`"),
        (with(r#""job":{"version":9}"#), "version 9"),
    ] {
        let error = serde_json::from_str::<Checkpoint>(&text).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// A modified checkpoint is refused, or used for requests of the same call only.
#[tokio::test]
async fn a_modified_checkpoint_does_no_harm() {
    let server = list(9, 3).await;
    let mut first = things(&server).page_size(3);
    some(&mut first, 4).await;
    let text = serde_json::to_string(&first.checkpoint()).expect("JSON");
    let most = 1_u64 << 53;
    for (from, to) in [
        (r#""number":2"#, format!(r#""number":{most}"#)),
        (r#""baseUrl":"http://"#, r#""baseUrl":"https://"#.to_owned()),
        (r#""number":2"#, r#""token":["a"]"#.to_owned()),
        (r#""number":2"#, r#""link":[["pageNumber","2"],["x","y"]]"#.to_owned()),
        (r#""offset":1"#, format!(r#""offset":{most}"#)),
        (r#""items":4"#, format!(r#""items":{most}"#)),
        (r#""pagesBefore":1"#, format!(r#""pagesBefore":{most}"#)),
        (r#""itemsBefore":3"#, format!(r#""itemsBefore":{most}"#)),
        (r#""largestPage":3"#, format!(r#""largestPage":{most}"#)),
        (r#""pageSizeRequested":3"#, format!(r#""pageSizeRequested":{most}"#)),
        (r#""pages":1"#, format!(r#""pages":{most}"#)),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let checkpoint = serde_json::from_str(&text.replacen(from, &to, 1)).expect("a checkpoint");
        let mut again = things(&server).resume(&checkpoint).prefetch(2);
        while let Ok(Some(_)) = again.try_next().await {}
    }
    let asked = asked(&server);
    assert!(asked.iter().all(|target| !target.contains("x=y")), "{asked:?}");
    assert_eq!(entities([1]), r#"{"id":"1"}"#);
}

#[tokio::test]
async fn a_checkpoint_belongs_to_the_organization_once_it_is_known() {
    let server = Server::start(|request| match request.target.as_str() {
        "/api/v2/tokens/me" => {
            let is_first = request.header("authorization") == Some("Bearer first");
            let organization = if is_first { "org-1" } else { "org-2" };
            Answer::json(200, &json!({"organization": {"id": organization}}).to_string())
        }
        _ => page(1..=4, r#","pageNumber":1,"pageCount":1,"total":4,"pageSize":4"#),
    })
    .await;
    let with_token = |token: &str| {
        let builder = Client::builder().api_url(server.url()).access_token(token);
        builder.build().expect("a client")
    };
    let (first, second) = (with_token("first"), with_token("second"));
    let list = |client: &Client| crate::Things::new(client).things().paginate();
    let mut begun = list(&first);
    begun.try_next().await.expect("a thing");
    begun.checkpoint();
    first.identify().await.expect("an identity");
    second.identify().await.expect("an identity");
    let later = begun.checkpoint();
    assert_eq!(all(&mut list(&first).resume(&later)).await, [2, 3, 4]);
    let error = list(&second).resume(&later).try_next().await.expect_err("another organization");
    assert!(
        error.kind() == ErrorKind::CheckpointMismatch && error.to_string().contains("org-1"),
        "{error}"
    );
}
