//! Each scheme in normal use and with its traps: exact items and exact requests.

use futures::StreamExt as _;
use genesys_cloud_core::{
    Cap, End, ErrorKind, ListSpec, Method, NextToken, Operation, PageSize, Paginator,
    ParamLocation, Reason, Report, Request, Scheme, Verdict, operation, paged,
};

use crate::server::{Answer, Server};
use crate::{Thing, ThingListing, Things, all, client, entities, ids, query, script, things};

/// The result of reading a list to its end.
struct Walked {
    found: Vec<u64>,
    errors: Vec<String>,
    /// One line per request: the target after `/things`, and the body.
    asked: Vec<String>,
    report: Report,
}

/// Reads a list with these bodies as pages. `HOST` in them is replaced by the host of the server.
async fn walk(request: Request, spec: ListSpec, bodies: &[&str]) -> Walked {
    let mut bodies: Vec<String> = bodies.iter().rev().map(|body| (*body).to_owned()).collect();
    let server = Server::start(move |request| {
        let host = request.header("host").expect("a host");
        Answer::json(200, &bodies.pop().expect("no further request").replace("HOST", host))
    })
    .await;
    let mut things = Paginator::<Thing>::from_request(&client(&server), request, spec);
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    while let Some(thing) = things.next().await {
        match thing {
            Ok(thing) => found.push(thing),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
                errors.push(error.to_string());
            }
        }
    }
    let asked = server.received().into_iter();
    let asked =
        asked.map(|asked| format!("{} {}", asked.target.replace("/things", ""), asked.body));
    Walked {
        found: ids(found),
        errors,
        asked: asked.map(|line| line.trim().to_owned()).collect(),
        report: things.report().clone(),
    }
}

fn get() -> Request {
    Request::new(Operation::from_static("getThings", Method::Get, "/things"))
}

fn post(body: &str) -> Request {
    let mut request = Request::new(Operation::from_static("postThings", Method::Post, "/things"));
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    request.set_body(&body);
    request
}

fn of(scheme: Scheme, items: &'static str) -> ListSpec {
    ListSpec::new(scheme, items)
}

fn sized(scheme: Scheme) -> ListSpec {
    of(scheme, "entities").with_page_size(PageSize::text("pageSize").at_most(9))
}

/// A page of these things, with further fields.
fn page(things: impl IntoIterator<Item = u64>, envelope: &str) -> String {
    format!(r#"{{"entities":[{}]{envelope}}}"#, entities(things))
}

/// Expects a list of two pages with the things 1 to 3.
async fn expect(
    request: Request,
    spec: ListSpec,
    first: &str,
    second: &str,
    asked: &[&str],
) -> Report {
    let scheme = spec.scheme().name();
    let walked = walk(request, spec, &[first, second]).await;
    assert_eq!(walked.errors, [""; 0], "{scheme}");
    assert_eq!(walked.found, [1, 2, 3], "{scheme}");
    assert_eq!(walked.asked, asked, "{scheme}");
    assert_eq!(walked.report.verdict(), Verdict::Complete, "{scheme}: {:?}", walked.report);
    walked.report
}

#[tokio::test]
async fn page_numbers() {
    let asked = ["?pageSize=9&pageNumber=1", "?pageSize=9&pageNumber=2"];
    let linked = page(1..=2, r#","pageNumber":1,"pageSize":2,"nextUri":"/elsewhere""#);
    let last = page(3..=3, r#","pageNumber":2,"pageSize":2"#);
    expect(get(), sized(Scheme::PageNumberNoTotal), &linked, &last, &asked).await;

    let bare = walk(
        get(),
        sized(Scheme::PageNumberNoEnvelope),
        &[&page(1..=2, ""), &page(3..=3, ""), &page([], "")],
    )
    .await;
    assert_eq!((bare.found, bare.asked.len()), (vec![1, 2, 3], 3));
    assert_eq!(bare.report.verdict(), Verdict::Complete);
}

#[tokio::test]
async fn page_numbers_in_the_body() {
    let body = || PageSize::integer("pageSize").in_body().at_most(9);
    expect(
        post(r#"{"filter":"x"}"#),
        of(Scheme::BodyPageNumber, "entities").with_page_size(body()),
        &page(1..=2, r#","pageNumber":1,"pageCount":2,"total":3,"nextPage":"/things""#),
        &page(3..=3, r#","pageNumber":2,"pageCount":2,"total":3,"nextPage":"/things""#),
        &[
            r#"{"filter":"x","pageSize":9,"pageNumber":1}"#,
            r#"{"filter":"x","pageSize":9,"pageNumber":2}"#,
        ],
    )
    .await;
    expect(
        post(r#"{"pageSize":5}"#),
        of(Scheme::BodyPageNumberNested, "results.entities").with_page_size(body()),
        &format!(r#"{{"results":{}}}"#, page(1..=2, r#","pageNumber":1,"pageCount":2"#)),
        &format!(r#"{{"results":{}}}"#, page(3..=3, r#","pageNumber":2,"pageCount":2"#)),
        &[r#"{"pageSize":5,"pageNumber":1}"#, r#"{"pageSize":5,"pageNumber":2}"#],
    )
    .await;
    let details = || {
        let size = PageSize::integer("paging.pageSize").in_body().at_most(100);
        of(Scheme::BodyPagingTotalHits, "conversations").with_page_size(size)
    };
    let found = |things, rest: &str| format!(r#"{{"conversations":[{}]{rest}}}"#, entities(things));
    let asked = [
        r#"{"interval":"i","paging":{"pageSize":100,"pageNumber":1}}"#,
        r#"{"interval":"i","paging":{"pageSize":100,"pageNumber":2}}"#,
    ];
    expect(
        post(r#"{"interval":"i"}"#),
        details(),
        &found(vec![1, 2], r#","totalHits":3"#),
        &found(vec![3], r#","totalHits":3"#),
        &asked,
    )
    .await;
    // Without a total, a page past the end is `{}`.
    let walked =
        walk(post(r#"{"interval":"i"}"#), details(), &[&found(vec![1, 2, 3], ""), "{}"]).await;
    assert_eq!((walked.found, walked.report.end), (vec![1, 2, 3], Some(End::EmptyPage)));
    assert_eq!(walked.asked, asked);
}

#[tokio::test]
async fn begins_at_the_page_number_in_the_body() {
    let walked = walk(
        post(r#"{"pageSize":2,"pageNumber":2}"#),
        of(Scheme::BodyPageNumber, "entities"),
        &[&page(3..=3, r#","pageNumber":2,"pageCount":2"#)],
    )
    .await;
    assert_eq!((walked.found, walked.asked.len()), (vec![3], 1));
}

#[tokio::test]
async fn tokens_in_fields() {
    for (scheme, out, place) in [
        (Scheme::AfterField, r#","after":"t/1=""#, "after"),
        (Scheme::CursorsObject, r#","cursors":{"after":"t/1=","before":"b"}"#, "cursor"),
        (Scheme::CursorField, r#","cursor":"t/1=""#, "cursor"),
        (Scheme::ContinuationToken, r#","continuation_token":"t/1=""#, "continuation_token"),
    ] {
        // The last page has an empty token, or none.
        let empty = out.replace("t/1=", "");
        for last in [empty.as_str(), "", r#","nextUri":null"#] {
            let first = page(1..=2, out);
            let asked = ["?pageSize=9", &format!("?pageSize=9&{place}=t%2F1%3D")];
            expect(get(), sized(scheme), &first, &page(3..=3, last), &asked).await;
        }
    }
    for (scheme, field) in [(Scheme::BodyAfter, "after"), (Scheme::BodyCursor, "cursor")] {
        expect(
            post(r#"{"filter":"x"}"#),
            of(scheme, "entities"),
            &page(1..=2, &format!(r#","{field}":"t1""#)),
            &page(3..=3, ""),
            &[r#"{"filter":"x"}"#, &format!(r#"{{"filter":"x","{field}":"t1"}}"#)],
        )
        .await;
    }
}

#[tokio::test]
async fn tokens_in_links() {
    let mut request = get();
    request.add_query("id", "a b").add_query("id", "c");
    for (scheme, name) in [
        (Scheme::AfterInNextUri, "after"),
        (Scheme::CursorInNextUri, "cursor"),
        (Scheme::NextPageInNextUri, "nextPage"),
    ] {
        for host in ["", "http://HOST"] {
            let link = format!(
                r#","total":1,"nextUri":"{host}/things?id=a+b&id=c&{name}=t%2F1%3D%25&pageSize=2""#
            );
            let asked = [
                "?id=a%20b&id=c&pageSize=9",
                &format!("?id=a%20b&id=c&pageSize=9&{name}=t%2F1%3D%25"),
            ];
            let walked =
                walk(request.clone(), sized(scheme), &[&page(1..=2, &link), &page(3..=3, "")])
                    .await;
            assert_eq!(
                (walked.found, walked.asked.as_slice()),
                (vec![1, 2, 3], &asked.map(str::to_owned)[..])
            );
        }
    }
    expect(
        get(),
        sized(Scheme::CompositeAfterInNextUri),
        &page(1..=2, r#","nextUri":"/things?afterSourceId=1&afterSourceType=FLOW""#),
        &page(3..=3, ""),
        &["?pageSize=9", "?pageSize=9&afterSourceType=FLOW&afterSourceId=1"],
    )
    .await;
}

#[tokio::test]
async fn follows_a_link_as_it_is() {
    let mut request = get();
    request.set_query("state", "on");
    expect(
        request,
        sized(Scheme::PageSizeOnlyNextUri),
        &page(1..=2, r#","nextUri":"http://HOST/things?pageSize=2&a=x%2By&a=z""#),
        &page(3..=3, ""),
        &["?state=on&pageSize=9", "?state=on&pageSize=2&a=x%2By&a=z"],
    )
    .await;
}

#[tokio::test]
async fn searches_end_although_their_last_page_has_a_link() {
    let mut request = get();
    request.set_query("q64", "p1");
    let results = |things, number, next| {
        let things = entities(things);
        format!(
            r#"{{"results":[{things}],"pageNumber":{number},"pageCount":2,"total":3,
                "nextPage":"/things?q64={next}","previousPage":"/things?q64=p0"}}"#
        )
    };
    let (first, second) = (results(vec![1, 2], 1, "p2%3D"), results(vec![3], 2, "p3"));
    let asked = ["?q64=p1", "?q64=p2%3D"];
    expect(request, of(Scheme::Q64Search, "results"), &first, &second, &asked).await;
}

#[tokio::test]
async fn start_indexes() {
    let resources = |things, start, size| {
        let things = entities(things);
        format!(
            r#"{{"Resources":[{things}],"startIndex":{start},"itemsPerPage":{size},"totalResults":3}}"#
        )
    };
    let spec =
        || of(Scheme::ScimStartIndex, "Resources").with_page_size(PageSize::integer("count"));
    for size in [2, 0] {
        expect(
            get(),
            spec(),
            &resources(vec![1, 2], 1, size),
            &resources(vec![3], 3, 1),
            &["?count=25&startIndex=1", "?count=25&startIndex=3"],
        )
        .await;
    }
}

#[tokio::test]
async fn windows() {
    let spec = of(Scheme::IdOrDateWindow, "entities").with_page_size(PageSize::text("limit"));
    let walked = walk(get(), spec, &[&page(1..=2, ""), &page(3..=3, ""), &page([], "")]).await;
    assert_eq!(walked.found, [1, 2, 3]);
    assert_eq!(walked.asked, ["?limit=100", "?limit=100&after=2", "?limit=100&after=3"]);
    assert_eq!(walked.report.verdict(), Verdict::Complete);

    let by_date = of(Scheme::IdOrDateWindow, "entities")
        .with_token_in(ParamLocation::query("before"))
        .with_token_out(NextToken::field("created"));
    let walked = walk(get(), by_date, &[r#"{"entities":[{"id":"1"}]}"#]).await;
    assert_eq!(walked.found, [1]);
    assert!(
        walked.errors[0].contains("the last item of page 1 has no `created`"),
        "{:?}",
        walked.errors
    );
}

#[tokio::test]
async fn reads_a_single_response_only() {
    let envelope = r#","pageNumber":1,"pageCount":3,"total":2,"nextUri":"/things?pageNumber=2""#;
    let body = page(1..=2, envelope);
    for scheme in [Scheme::UnpagedWithEnvelope, Scheme::UnpagedEntities, Scheme::UnpagedOtherArray]
    {
        let walked = walk(get(), of(scheme, "entities"), &[&body]).await;
        assert_eq!((walked.found, walked.asked.len()), (vec![1, 2], 1), "{scheme:?}");
        assert_eq!(walked.report.verdict(), Verdict::Complete, "{scheme:?}");
    }
    let walked = walk(get(), of(Scheme::UnpagedBareArray, "[]"), &[r#"[{"id":"1"}]"#]).await;
    assert_eq!((walked.found, walked.report.verdict()), (vec![1], Verdict::Complete));

    let short = page(1..=2, r#","total":9"#);
    let differs = Reason::TotalDiffers { read: 2, total: 9 };
    let cursors = page(1..=2, r#","cursors":{"after":"x"}"#);
    let full = || sized(Scheme::LimitOnly).with_page_size(PageSize::integer("limit").at_most(2));
    for (spec, body, verdict) in [
        (of(Scheme::UnpagedEntities, "entities"), &short, Verdict::Truncated(differs)),
        (
            of(Scheme::NextUriOnlyEnvelope, "entities"),
            &body,
            Verdict::Truncated(Reason::NotFollowed),
        ),
        (
            of(Scheme::CursorsOnlyEnvelope, "entities"),
            &cursors,
            Verdict::Truncated(Reason::NotFollowed),
        ),
        (of(Scheme::CursorsOnlyEnvelope, "entities"), &body, Verdict::Complete),
        (of(Scheme::DateWindowHomonym, "entities"), &body, Verdict::Unknown(Reason::OneWindow)),
        (full(), &body, Verdict::Truncated(Reason::FullResponse)),
        (sized(Scheme::LimitOnly), &body, Verdict::Complete),
    ] {
        let walked = walk(get(), spec.clone(), &[body]).await;
        assert_eq!((walked.found, walked.asked.len()), (vec![1, 2], 1), "{spec:?}");
        assert_eq!(walked.report.verdict(), verdict, "{spec:?}");
    }
}

#[tokio::test]
async fn reads_items_and_tokens_from_fields_of_any_name() {
    let spec = of(Scheme::ContinuationToken, "data.items")
        .with_page_size(PageSize::integer("page.size").in_body().at_most(2))
        .with_token_in(ParamLocation::body("page.token"))
        .with_token_out(NextToken::field("data.pagination.next"));
    expect(
        post("{}"),
        spec,
        &format!(
            r#"{{"data":{{"items":[{}],"pagination":{{"next":"t1","total":3}}}}}}"#,
            entities(1..=2)
        ),
        &format!(r#"{{"data":{{"pagination":{{"total":3}},"items":[{}]}}}}"#, entities(3..=3)),
        &[r#"{"page":{"size":2}}"#, r#"{"page":{"size":2,"token":"t1"}}"#],
    )
    .await;
}

#[tokio::test]
async fn skips_empty_pages_with_a_token() {
    let walked = walk(
        get(),
        sized(Scheme::AfterField),
        &[
            &page([], r#","after":"a""#),
            &page(1..=1, r#","after":"b""#),
            &page([], r#","after":"c""#),
            &page([], ""),
        ],
    )
    .await;
    assert_eq!((walked.found, walked.asked.len()), (vec![1], 4));
    assert_eq!(walked.report.verdict(), Verdict::Complete);

    let endless: Vec<String> = (0..20).map(|n| page([], &format!(r#","after":"t{n}""#))).collect();
    let endless: Vec<&str> = endless.iter().map(String::as_str).collect();
    let walked = walk(get(), sized(Scheme::AfterField), &endless).await;
    assert!(walked.errors[0].contains("20 pages in a row are empty"), "{:?}", walked.errors);
    assert_eq!(walked.report.verdict(), Verdict::Truncated(Reason::Contradiction));
}

#[tokio::test]
async fn a_cycle_ends_with_an_error_after_the_last_new_page() {
    let after = |things: [u64; 1], token: &str| page(things, &format!(r#","after":"{token}""#));
    for (pages, found, message) in [
        (
            vec![after([1], "a"), after([2], "a")],
            vec![1, 2],
            "page 2 points to a page that was already read",
        ),
        (
            vec![after([1], "a"), after([2], "b"), after([3], "a")],
            vec![1, 2, 3],
            "page 3 points to a page that was already read",
        ),
        (
            vec![after([1], "a"), after([1], "b")],
            vec![1],
            "page 2 repeats the items of the previous page",
        ),
    ] {
        let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
        let walked = walk(get(), sized(Scheme::AfterField), &pages).await;
        assert_eq!(walked.found, found);
        assert_eq!(walked.errors.len(), 1, "{message}");
        assert!(walked.errors[0].contains(message), "{:?}", walked.errors);
        assert_eq!(walked.asked.len(), pages.len(), "{message}");
        assert_eq!(walked.report.end, Some(End::Contradiction));
    }
}

#[tokio::test]
async fn pages_and_batches_return_the_error_last_too() {
    let cycle = || [page(1..=2, r#","after":"a""#), page(3..=3, r#","after":"a""#)];
    let answers = cycle().into_iter().chain(cycle()).map(|body| Answer::json(200, &body));
    let server = script(answers).await;
    let list =
        || Paginator::<Thing>::from_request(&client(&server), get(), sized(Scheme::AfterField));
    let mut pages = list().prefetch(2).pages();
    assert_eq!(ids(pages.try_next().await.expect("a page").expect("no end")), [1, 2]);
    assert_eq!(ids(pages.try_next().await.expect("a page").expect("no end")), [3]);
    assert!(pages.try_next().await.is_err());
    assert!(pages.next().await.is_none());
    let mut batches = list().batches(5);
    assert_eq!(ids(batches.try_next().await.expect("a batch").expect("no end")), [1, 2, 3]);
    assert!(batches.try_next().await.is_err());
    assert!(batches.next().await.is_none());
}

#[tokio::test]
async fn links_to_other_places_are_errors_and_not_followed() {
    for (link, message) in [
        ("https://evil.example/things?after=x", "points to another host"),
        ("//evil.example/things?after=x", "points to another host"),
        ("http://[HOST/things?after=x", "is not a URL"),
        ("https://HOST/things?after=x", "points to another host"),
        ("http://user:secret@HOST/things?after=x", "contains a user name or password"),
        ("/others?after=x", "points to another path"),
        ("/things?before=x", "has no `after`"),
    ] {
        for scheme in [Scheme::AfterInNextUri, Scheme::PageSizeOnlyNextUri] {
            if scheme == Scheme::PageSizeOnlyNextUri && link.contains("before") {
                continue;
            }
            let first = page(1..=2, &format!(r#","nextUri":"{link}""#));
            let walked = walk(get(), sized(scheme), &[&first]).await;
            assert_eq!((walked.found, walked.asked.len()), (vec![1, 2], 1), "{link}");
            assert!(walked.errors[0].contains(message), "{link}: {:?}", walked.errors);
            assert!(!walked.errors[0].contains("evil") && !walked.errors[0].contains("secret"));
        }
    }
}

#[tokio::test]
async fn a_limit_ends_the_list_before_a_bad_link() {
    let server =
        script([Answer::json(200, &page(1..=2, r#","nextUri":"//evil.example/things?after=x""#))])
            .await;
    let mut some =
        Paginator::<Thing>::from_request(&client(&server), get(), sized(Scheme::AfterInNextUri))
            .limit(2);
    assert_eq!(all(&mut some).await, [1, 2]);
    assert_eq!(some.report().verdict(), Verdict::Truncated(Reason::Limit));
}

#[tokio::test]
async fn reports_caps_and_requests_nothing_beyond_them() {
    let numbered = |things: [u64; 2], number| {
        page(things, &format!(r#","pageNumber":{number},"pageCount":9,"pageSize":2"#))
    };
    let size = || PageSize::integer("pageSize").at_most(3);
    for cap in [Cap::pages(2), Cap::items(4)] {
        let spec = sized(Scheme::PageNumber).with_page_size(size()).with_cap(cap);
        let walked = walk(get(), spec, &[&numbered([1, 2], 1), &numbered([3, 4], 2)]).await;
        assert_eq!((walked.found, walked.report.end), (vec![1, 2, 3, 4], Some(End::Cap)));
        assert_eq!(walked.report.verdict(), Verdict::Truncated(Reason::Cap));
    }
    // Pages of 3 would end at 3 of 4 items.
    let spec = sized(Scheme::PageNumber).with_page_size(size()).with_cap(Cap::items(4));
    let walked = walk(get(), spec, &[&numbered([1, 2], 1), &numbered([3, 4], 2)]).await;
    assert_eq!(walked.asked, ["?pageSize=2&pageNumber=1", "?pageSize=2&pageNumber=2"]);
    assert_eq!(walked.report.page_size_clamped_from, Some(3));

    let mut request = get();
    request.set_query("state", "inactive");
    let spec = sized(Scheme::PageNumber).with_cap(Cap::pages(1).where_query("state", "inactive"));
    let walked = walk(request, spec.clone(), &[&numbered([1, 2], 1)]).await;
    assert_eq!(walked.report.end, Some(End::Cap));
    let last = page(3..=3, r#","pageNumber":2,"pageCount":2"#);
    let walked = walk(get(), spec, &[&numbered([1, 2], 1), &last]).await;
    assert_eq!(walked.report.end, Some(End::LastPage));
}

#[tokio::test]
async fn reports_duplicates_in_a_list_that_changes() {
    let numbered = |things: &[u64], number, total| {
        let envelope = format!(r#","pageNumber":{number},"pageCount":2,"total":{total}"#);
        page(things.iter().copied(), &envelope)
    };
    for (first, second, verdict, duplicates) in [
        (
            &[1, 2][..],
            numbered(&[2, 3], 2, 4),
            Verdict::Drifted(Reason::Duplicates { items: 1 }),
            1,
        ),
        (
            &[1, 2, 3],
            numbered(&[2, 3, 4], 2, 6),
            Verdict::Drifted(Reason::Duplicates { items: 2 }),
            2,
        ),
        (&[1, 2], numbered(&[3, 4], 2, 4), Verdict::Complete, 0),
    ] {
        let first = numbered(first, 1, 4);
        let walked = walk(get(), sized(Scheme::PageNumber), &[&first, &second]).await;
        assert_eq!(walked.report.duplicates, duplicates, "{second}");
        assert_eq!(walked.report.verdict(), verdict, "{second}");
    }
}

/// A list in pages of two that changes: its things from the given request on.
async fn moving(changes: Vec<(usize, Vec<u64>)>) -> Server {
    let mut requests = 0;
    Server::start(move |request| {
        requests += 1;
        let now = changes.iter().rfind(|(from, _)| *from <= requests);
        let now = now.map_or(&[][..], |(_, now)| now);
        let number = query(request, "pageNumber").expect("a number");
        let (total, pages) = (now.len(), now.len().div_ceil(2));
        let things = now.chunks(2).nth(number as usize - 1).unwrap_or_default();
        let envelope = format!(r#","pageNumber":{number},"pageCount":{pages},"total":{total}"#);
        Answer::json(200, &page(things.iter().copied(), &envelope))
    })
    .await
}

#[tokio::test]
async fn finds_items_that_moved_to_an_earlier_page() {
    let six = || (1..=6).collect::<Vec<_>>();
    for (changes, expected, again) in [
        // One of the first page is removed after that was read.
        (vec![(1, six()), (2, vec![1, 3, 4, 5, 6])], six(), 1),
        // The whole last page.
        (vec![(1, vec![1, 2, 3, 4]), (2, vec![3, 4])], vec![1, 2, 3, 4], 1),
        // One, and later another.
        (vec![(1, six()), (2, vec![2, 3, 4, 5, 6]), (4, vec![3, 4, 5, 6])], six(), 2),
        // One that has not been read yet.
        (vec![(1, vec![1, 2, 3, 4, 5]), (2, vec![1, 2, 3, 5])], vec![1, 2, 3, 5], 1),
        // All.
        (vec![(1, vec![1, 2, 3, 4]), (2, vec![])], vec![1, 2], 0),
    ] {
        let what = format!("{changes:?}");
        let server = moving(changes).await;
        let mut some = things(&server).page_size(2);
        assert_eq!(all(&mut some).await, expected, "{what}");
        let report = some.report();
        assert_eq!((report.read_again, report.items), (again, expected.len() as u64), "{what}");
        let verdict = report.verdict();
        assert!(matches!(verdict, Verdict::Drifted(_) | Verdict::Unknown(_)), "{what}: {verdict}");
    }
}

#[tokio::test]
async fn drops_duplicates_by_id() {
    // Records are added in front.
    let changes = || {
        let more = vec![8, 9, 1, 2, 3, 4];
        vec![(1, vec![1, 2, 3, 4]), (2, vec![9, 1, 2, 3, 4]), (3, more)]
    };
    let server = moving(changes()).await;
    let mut some = things(&server).page_size(2).dedupe_by("id");
    assert_eq!(all(&mut some).await, [1, 2, 3, 4]);
    assert_eq!(some.report().duplicates, 2);
    assert!(matches!(some.report().verdict(), Verdict::Drifted(_)));
    // Dropped items do not count toward the limit.
    let server = moving(changes()).await;
    let mut some = things(&server).page_size(2).dedupe_by("id").limit(3);
    assert_eq!(all(&mut some).await, [1, 2, 3]);
    assert_eq!(some.report().verdict(), Verdict::Truncated(Reason::Limit));
}

#[tokio::test]
async fn a_limit_below_the_page_size_is_not_reported_as_clamped() {
    let server = crate::list(3, 100).await;
    let mut some = things(&server).limit(2);
    assert_eq!(some.report().verdict(), Verdict::Unknown(Reason::Unfinished));
    all(&mut some).await;
    let report = some.report();
    assert_eq!((report.page_size_requested, report.page_size_clamped_from), (Some(2), None));
}

operation! {
    /// Lists things with every option of `paged!`.
    Things.odd -> GetOdd -> ThingListing;
    "getOdd" Get "/odd"
    query {
        state: String = "state",
    }
}

paged! {
    GetOdd -> Thing;
    AfterInNextUri {
        items: ["entities"],
        page_size: body "paging.size" as text, maximum: 5,
        token_in: body "from",
        token_out: in_link "links.next" "after",
        cap: pages(2) where "state" = "on",
        jobs: "/odd/jobs",
    }
}

operation! {
    /// Lists things without a setter.
    Things.plain -> PostPlain -> ThingListing;
    "postPlain" Post "/plain"
    body: Thing;
}

paged! {
    PostPlain -> Thing;
    UnpagedPostResults { items: ["results"], jobs: "/plain/jobs" }
}

#[tokio::test]
async fn follows_the_spec_of_generated_code() {
    let next = r#","links":{"next":"/odd?after=t"}"#;
    let server = Server::start(move |_| Answer::json(200, &page([1], next))).await;
    let api = Things::new(&client(&server));
    let mut odd = api.odd().state("on").paginate();
    let first = odd.try_next().await.expect("a thing");
    assert!(first.is_some());
    let received = server.received();
    assert_eq!(
        (received[0].target.as_str(), received[0].body.as_str()),
        ("/odd?state=on", r#"{"paging":{"size":"5"}}"#)
    );
    let error = odd.try_next().await.expect_err("the same page again");
    assert!(error.to_string().contains("page 2 repeats the items"), "{error}");
    assert_eq!(server.received()[1].body, r#"{"paging":{"size":"5"},"from":"t"}"#);
}

#[tokio::test]
async fn the_error_for_a_202_names_the_jobs_path() {
    let server = script([Answer::json(202, "{}")]).await;
    let mut plain = Things::new(&client(&server)).plain(Thing::default()).paginate();
    let error = plain.try_next().await.expect_err("no page");
    assert!(
        error.to_string().contains("answered 202; run it as a job: POST /plain/jobs"),
        "{error}"
    );
}
