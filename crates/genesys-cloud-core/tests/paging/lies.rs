//! Responses that lie, contradict each other, or have unexpected content.

use futures::StreamExt as _;
use genesys_cloud_core::{
    Cap, End, ErrorKind, ListSpec, Method, NextToken, Operation, PageSize, Paginator, Reason,
    Request, Scheme, Verdict,
};

use crate::server::{Answer, Gate, Server};
use crate::{Thing, all, asked, client, end, ids, list, page, query, script, things};

fn over(server: &Server, spec: ListSpec) -> Paginator<Thing> {
    let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    Paginator::from_request(&client(server), request, spec)
}

fn of(scheme: Scheme) -> ListSpec {
    ListSpec::new(scheme, "entities")
}

#[tokio::test]
async fn counts_of_zero_are_ignored() {
    let zeros = r#","pageSize":0,"pageNumber":0,"total":0,"pageCount":0"#;
    let server = script([page(1..=2, zeros), page(3..=3, zeros), page([], zeros)]).await;
    let mut some = things(&server);
    assert_eq!(all(&mut some).await, [1, 2, 3]);
    assert_eq!(end(&some), Some(End::EmptyPage));
    let report = some.report();
    assert_eq!(report.verdict(), Verdict::Unknown(Reason::TotalDiffers { read: 3, total: 0 }));
    assert_eq!(report.page_size_granted, None);
}

#[tokio::test]
async fn accepts_counts_in_any_format_and_of_any_size() {
    for counts in [
        r#""pageNumber":"1","pageCount":"1","total":"2""#,
        r#""pageNumber":1.0,"pageCount":1.0,"total":2e0"#,
        r#""pageNumber":-1,"pageCount":1,"total":2"#,
        r#""pageNumber":null,"pageCount":1,"total":1e30"#,
        r#""pageNumber":1e30,"pageCount":1,"total":{"value":2}"#,
        r#""pageNumber":[1],"pageCount":1,"pageSize":18446744073709551615"#,
    ] {
        let server = script([page(1..=2, &format!(",{counts}"))]).await;
        let mut some = things(&server);
        assert_eq!(all(&mut some).await, [1, 2], "{counts}");
        assert_eq!(some.report().verdict(), Verdict::Complete, "{counts}");
    }
}

#[tokio::test]
async fn compares_totals_past_the_end_and_of_single_pages() {
    let counted = |things: std::ops::RangeInclusive<u64>, number, total| {
        page(things, &format!(r#","pageNumber":{number},"total":{total},"pageCount":9"#))
    };
    let nothing = || page([], r#","pageNumber":3,"total":0,"pageCount":0"#);
    for (pages, verdict) in [
        // A total of zero past the end is ignored.
        ([counted(1..=2, 1, 4), counted(3..=4, 2, 4), nothing()], Verdict::Complete),
        (
            [counted(1..=2, 1, 6), counted(3..=4, 2, 6), nothing()],
            Verdict::Unknown(Reason::TotalDiffers { read: 4, total: 6 }),
        ),
        (
            [counted(1..=2, 1, 3), counted(3..=4, 2, 4), nothing()],
            Verdict::Drifted(Reason::TotalChanged { first: 3, last: 4 }),
        ),
    ] {
        let server = script(pages).await;
        let mut some = things(&server);
        assert_eq!(all(&mut some).await, [1, 2, 3, 4]);
        assert_eq!(some.report().verdict(), verdict, "{:?}", some.report());
    }
    // A total of the page only: nothing was added or removed.
    let server =
        script([page(1..=2, r#","after":"a","total":2"#), page(3..=3, r#","total":1"#)]).await;
    let mut some = over(&server, of(Scheme::AfterField));
    assert_eq!(all(&mut some).await, [1, 2, 3]);
    let differs = Reason::TotalDiffers { read: 3, total: 1 };
    assert_eq!(some.report().verdict(), Verdict::Unknown(differs));
}

#[tokio::test]
async fn an_empty_first_page_of_many_is_not_an_empty_list() {
    let server = script([
        page([], r#","pageNumber":1,"pageCount":2"#),
        page([], r#","pageNumber":1,"pageCount":2"#),
        page(1..=2, r#","pageNumber":2,"pageCount":2"#),
    ])
    .await;
    let mut some = things(&server);
    assert_eq!(all(&mut some).await, [1, 2]);
    // It is requested again before it is believed.
    assert_eq!(some.report().read_again, 1);
    assert_eq!(some.report().verdict(), Verdict::Complete);
}

#[tokio::test]
async fn a_single_response_of_many_pages_is_truncated() {
    for (counts, verdict) in [
        (r#","pageNumber":1,"pageCount":3"#, Verdict::Truncated(Reason::NotFollowed)),
        (r#","pageNumber":1,"pageCount":1"#, Verdict::Complete),
        (r#","pageCount":0"#, Verdict::Complete),
        (r#","pageCount":3,"total":2"#, Verdict::Complete),
    ] {
        let server = script([page(1..=2, counts)]).await;
        let mut some = over(&server, of(Scheme::UnpagedWithEnvelope));
        assert_eq!(all(&mut some).await, [1, 2]);
        assert_eq!(some.report().verdict(), verdict, "{counts}");
    }
}

#[tokio::test]
async fn a_search_that_ends_early_is_not_complete() {
    let search = |counts: &'static str| async move {
        let server = script([page(1..=2, counts)]).await;
        let mut request = Request::new(Operation::from_static("search", Method::Get, "/things"));
        request.set_query("q64", "p1");
        let mut some = Paginator::from_request(&client(&server), request, of(Scheme::Q64Search));
        all(&mut some).await;
        some.report().verdict()
    };
    let next = r#","pageNumber":1,"pageCount":1,"total":3,"nextPage":"/things?q64=p2""#;
    let differs = Reason::TotalDiffers { read: 2, total: 3 };
    assert_eq!(search(next).await, Verdict::Unknown(differs));
    // The second of two pages: the first was not read.
    let second = r#","pageNumber":2,"pageCount":2,"total":4,"nextPage":"/things?q64=p3""#;
    assert_eq!(search(second).await, Verdict::Complete);
    let unlinked = r#","pageNumber":1,"pageCount":2"#;
    assert_eq!(search(unlinked).await, Verdict::Unknown(Reason::Shortfall));
}

#[tokio::test]
async fn yields_items_shared_by_two_windows_once() {
    let dated = |things: &[(u64, u64)]| {
        let things: Vec<String> =
            things.iter().map(|(id, day)| format!(r#"{{"id":"{id}","day":{day}}}"#)).collect();
        Answer::json(200, &format!(r#"{{"entities":[{}]}}"#, things.join(",")))
    };
    let by_day = || {
        of(Scheme::IdOrDateWindow)
            .with_page_size(PageSize::integer("limit").at_most(3))
            .with_token_out(NextToken::field("day"))
    };
    let windows = || {
        [
            dated(&[(1, 9), (2, 8), (3, 8)]),
            dated(&[(2, 8), (3, 8), (4, 7)]),
            dated(&[(4, 7), (5, 6), (6, 6)]),
            dated(&[(5, 6), (6, 6)]),
        ]
    };
    for prefetch in [0, 2] {
        let server = script(windows()).await;
        let mut some = over(&server, by_day()).prefetch(prefetch);
        assert_eq!(all(&mut some).await, [1, 2, 3, 4, 5, 6]);
        assert_eq!(some.report().items, 6);
        assert_eq!(some.report().verdict(), Verdict::Complete);
        assert_eq!(
            asked(&server),
            ["limit=3", "limit=3&after=8", "limit=3&after=7", "limit=3&after=6"]
        );
    }
    let server = script(windows().into_iter().take(3)).await;
    let mut pages = over(&server, by_day()).limit(5).pages();
    for expected in [vec![1, 2, 3], vec![4]] {
        let page = pages.try_next().await.expect("a page").expect("no end");
        assert_eq!(ids(page), expected);
    }
    // More things of one day than fit into a window.
    let server = script([dated(&[(1, 9), (2, 8), (3, 8)]), dated(&[(2, 8), (3, 8), (4, 8)])]).await;
    let mut some = over(&server, by_day());
    for _ in 0..4 {
        some.try_next().await.expect("a thing").expect("no end");
    }
    let error = some.try_next().await.expect_err("a cycle");
    assert!(error.to_string().contains("points to a page that was already read"), "{error}");
}

#[tokio::test]
async fn a_cycle_of_pages_with_new_tokens_is_an_error() {
    let mut number = 0;
    let server = Server::start(move |_| {
        number += 1;
        page([number % 3], &format!(r#","after":"t{number}""#))
    })
    .await;
    let mut some = over(&server, of(Scheme::AfterField));
    for _ in 0..3 {
        some.try_next().await.expect("a thing").expect("no end");
    }
    let error = some.try_next().await.expect_err("a page again");
    assert!(error.to_string().contains("page 4 repeats the items of an earlier page"), "{error}");
    assert!(some.next().await.is_none());
}

#[tokio::test]
async fn yields_all_items_of_a_page_larger_than_requested() {
    let server = script([
        page(1..=5, r#","pageNumber":1,"pageCount":2,"pageSize":5"#),
        page(6..=7, r#","pageNumber":2,"pageCount":2,"pageSize":5"#),
    ])
    .await;
    let mut some = things(&server).page_size(2);
    assert_eq!(all(&mut some).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(some.report().page_size_granted, Some(5));
}

#[tokio::test]
async fn continues_after_a_page_that_is_nested_too_deeply() {
    let deep = "[".repeat(100_000);
    let first = r#","pageNumber":1,"pageCount":1"#;
    for at in [
        format!(r#"{{"entities":{deep}"#),
        format!(r#"{{"entities":[{{"id":{deep}"#),
        format!(r#"{{"nextUri":{deep}"#),
        format!(r#"{{"total":{deep}"#),
        format!(r#"{{"other":{deep}"#),
        r#"{"a":"#.repeat(100_000),
        deep.clone(),
    ] {
        let server = script([Answer::json(200, &at), page(1..=2, first)]).await;
        let mut some = things(&server);
        assert_eq!(some.try_next().await.expect_err("no page").kind(), ErrorKind::Decode);
        assert_eq!(all(&mut some).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_list_that_ends_exactly_at_its_cap_is_complete() {
    let spec = || {
        let size = PageSize::integer("pageSize").at_most(100);
        of(Scheme::PageNumber).with_page_size(size).with_cap(Cap::items(200))
    };
    for (total, verdict) in
        [(199, Verdict::Complete), (200, Verdict::Complete), (201, Verdict::Truncated(Reason::Cap))]
    {
        for prefetch in [0, 8] {
            let server = list(total, 100).await;
            let mut some = over(&server, spec()).prefetch(prefetch);
            assert_eq!(all(&mut some).await.len() as u64, total.min(200));
            assert_eq!(some.report().verdict(), verdict, "{total}");
            assert_eq!(asked(&server).len(), 2, "{total}");
        }
    }
}

#[tokio::test]
async fn prefetches_a_bounded_number_of_pages() {
    let gate = Gate::new();
    let opener = gate.clone();
    let server = Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a page number");
        let answer = match number {
            1 | 2 => page([number], r#","pageCount":18446744073709551615"#),
            _ => page([], ""),
        };
        if number == 1 { answer } else { answer.behind(&gate) }
    })
    .await;
    let mut some = things(&server).prefetch(usize::MAX);
    some.try_next().await.expect("a thing").expect("no end");
    assert_eq!(some.report().requests, 257);
    opener.open();
    assert_eq!(all(&mut some).await, [2]);
    assert_eq!(end(&some), Some(End::Shortfall));
}

#[tokio::test]
async fn a_list_that_changes_while_pages_are_prefetched_is_drift() {
    // The page count on the first page, and on all others.
    for (first, others, verdict) in [
        (3_u64, 5_u64, Reason::TotalChanged { first: 3, last: 5 }),
        (5, 3, Reason::TotalChanged { first: 5, last: 3 }),
    ] {
        let server = Server::start(move |request| {
            let number = query(request, "pageNumber").expect("a page number");
            let count = if number == 1 { first } else { others };
            let things = (number <= count).then_some(number);
            page(things, &format!(r#","pageNumber":{number},"pageCount":{count},"total":{count}"#))
        })
        .await;
        let mut some = things(&server).prefetch(8);
        assert_eq!(all(&mut some).await, (1..=others).collect::<Vec<_>>());
        assert_eq!(some.report().verdict(), Verdict::Drifted(verdict));
        // The first page was read again, and so were the prefetched pages.
        let again = u64::from(others < first);
        assert_eq!(some.report().read_again, again);
        assert_eq!(server.received().len() as u64, first.max(others) * (1 + again));
    }
}

#[tokio::test]
async fn a_list_under_another_name_is_not_complete() {
    let renamed = |things: std::ops::RangeInclusive<u64>, envelope: &str| {
        Answer::json(200, &format!(r#"{{"newEntities":[{}]{envelope}}}"#, crate::entities(things)))
    };
    let unknown = |pages| Verdict::Unknown(Reason::NoList { pages });
    let (a, b) = (r#","after":"a""#, r#","after":"b""#);
    for (pages, found, verdict) in [
        // On every page, on a middle one, and on the last one.
        (
            vec![renamed(1..=2, a), renamed(3..=4, b), renamed(5..=6, r#","selfUri":"/s""#)],
            vec![],
            unknown(3),
        ),
        (vec![page(1..=2, a), renamed(3..=4, b), page(5..=6, "")], vec![1, 2, 5, 6], unknown(1)),
        (vec![page(1..=2, a), renamed(3..=4, r#","selfUri":"/s""#)], vec![1, 2], unknown(1)),
        // Left out for an empty page, which is legal on some pages but not on all.
        (
            vec![page(1..=2, a), Answer::json(200, r#"{"after":"b"}"#), page(5..=6, "")],
            vec![1, 2, 5, 6],
            Verdict::Complete,
        ),
        (vec![Answer::json(200, r#"{"after":"a"}"#), page(5..=6, "")], vec![5, 6], unknown(1)),
    ] {
        let server = script(pages).await;
        let mut list = over(&server, of(Scheme::AfterField));
        assert_eq!(all(&mut list).await, found);
        assert_eq!(list.report().verdict(), verdict);
        let names = list.report().fields_instead().to_vec();
        assert_eq!(names.is_empty(), verdict == Verdict::Complete, "{names:?}");
    }
}

/// The error of a second page with this body, after which the same page is requested again.
async fn second(body: &str, status: u16) -> genesys_cloud_core::Error {
    let server =
        script([page(1..=2, r#","after":"a""#), Answer::json(status, body), page(3..=4, "")]).await;
    let mut list = over(&server, of(Scheme::AfterField));
    assert_eq!(list.try_next().await.expect("a thing").and_then(|it| it.id).as_deref(), Some("1"));
    list.try_next().await.expect("another thing");
    let error = list.try_next().await.expect_err(body);
    assert!(!matches!(list.report().verdict(), Verdict::Complete), "{body}");
    // The next poll requests the same page.
    assert_eq!(all(&mut list).await, [3, 4], "{body}");
    assert_eq!(list.report().verdict(), Verdict::Complete, "{body}");
    error
}

#[tokio::test]
async fn responses_that_are_not_pages_are_errors_and_never_the_end() {
    for (body, status) in [
        (r#"{"errorMessage":"Task timed out after 30.00 seconds"}"#, 200),
        (r#"{"message":"m","code":"c","status":429}"#, 200),
        (r#"{"message":"m","code":"c","status":400}"#, 200),
        ("null", 200),
        ("{}", 200),
        ("", 204),
        (r#"{"other":[]}"#, 200),
    ] {
        let error = second(body, status).await;
        assert!(
            error.kind() == ErrorKind::Paging && error.to_string().contains("page 2 is not a page"),
            "{error}"
        );
    }
    for body in [r#"{"entities":[{"id":"3"}],"entities":[]}"#, "<html>", r#"{"entities":[5]}"#] {
        assert_eq!(second(body, 200).await.kind(), ErrorKind::Decode, "{body}");
    }
}

#[tokio::test]
async fn drops_nulls_and_counts_them_toward_the_total() {
    let body = r#"{"entities":[null,{"id":"1"},null],"total":3,"pageNumber":1,"pageCount":1}"#;
    let server = script([Answer::json(200, body)]).await;
    let mut list = things(&server);
    assert_eq!(all(&mut list).await, [1]);
    let report = list.report();
    assert_eq!((report.items, report.nulls, report.verdict()), (1, 2, Verdict::Complete));
}

#[tokio::test]
async fn reads_a_doubtful_empty_page_again_on_resume() {
    let counts = |number: u64| format!(r#","pageNumber":{number},"pageCount":2,"total":4"#);
    let server = script([
        page(1..=2, &counts(1)),
        page([], &counts(2)),
        page([], &counts(2)),
        // A second run, in which it is still empty, then a third.
        page([], &counts(2)),
        page([], &counts(2)),
        page(3..=4, &counts(2)),
    ])
    .await;
    let mut first = things(&server);
    assert_eq!(all(&mut first).await, [1, 2]);
    let differs = Verdict::Unknown(Reason::TotalDiffers { read: 2, total: 4 });
    assert_eq!(first.report().verdict(), differs);
    let checkpoint = first.checkpoint();
    assert!(!checkpoint.is_complete());
    let mut second = things(&server).resume(&checkpoint);
    assert_eq!(all(&mut second).await, [0; 0]);
    assert_eq!(second.report().verdict(), differs);
    let mut third = things(&server).resume(&second.checkpoint());
    assert_eq!(all(&mut third).await, [3, 4]);
    assert_eq!(third.report().verdict(), Verdict::Complete);
}

#[tokio::test]
async fn a_window_may_have_only_its_bound() {
    let server = script([page([7], ""), page([7], "")]).await;
    let mut list = over(&server, of(Scheme::IdOrDateWindow));
    assert_eq!(all(&mut list).await, [7]);
    assert_eq!(list.report().verdict(), Verdict::Complete);
}
