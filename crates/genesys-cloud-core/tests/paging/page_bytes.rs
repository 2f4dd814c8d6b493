//! Pages above the byte limit are read as smaller pages, without losing or repeating items.

use std::ops::RangeInclusive;

use genesys_cloud_core::{
    ListSpec, Method, Operation, PageSize, Paginator, Report, Request, Scheme, Verdict,
};

use crate::server::{Answer, Received, Server};
use crate::{Thing, all, asked, client, ids, query};

const TOTAL: u64 = 250;

/// Enough for a page of all records if they are narrow, and for 20, but not 50, wide ones.
const BOUND: usize = 4000;

/// A way of paging, on the client and on the server.
#[derive(Clone)]
struct Way {
    spec: ListSpec,
    /// The further fields of a page of this size that begins after `at` items.
    envelope: fn(size: u64, at: u64) -> String,
    /// The number of items before the requested page.
    at: fn(&Received, size: u64) -> u64,
}

fn next(size: u64, at: u64) -> Option<u64> {
    Some(at + size).filter(|next| *next < TOTAL)
}

fn by_number(scheme: Scheme) -> Way {
    Way {
        spec: sized(scheme, PageSize::integer("pageSize").usually(500)),
        envelope: |size, at| {
            let (number, count) = (at / size + 1, TOTAL.div_ceil(size));
            let next = next(size, at)
                .map(|_| format!(r#","nextUri":"/things?pageNumber={}""#, number + 1));
            format!(
                r#","pageNumber":{number},"pageCount":{count},"total":{TOTAL},"pageSize":{size}{}"#,
                next.unwrap_or_default()
            )
        },
        at: |request, size| (query(request, "pageNumber").expect("a number") - 1) * size,
    }
}

fn by_token() -> Way {
    Way {
        spec: sized(Scheme::AfterField, PageSize::integer("pageSize").usually(500)),
        envelope: |size, at| {
            next(size, at).map_or(String::new(), |next| format!(r#","after":"{next}""#))
        },
        at: |request, _| query(request, "after").unwrap_or(0),
    }
}

fn by_index() -> Way {
    Way {
        spec: sized(Scheme::ScimStartIndex, PageSize::integer("pageSize").usually(500)),
        envelope: |size, at| {
            let (first, items) = (at + 1, size.min(TOTAL - at));
            format!(r#","startIndex":{first},"itemsPerPage":{items},"totalResults":{TOTAL}"#)
        },
        at: |request, _| query(request, "startIndex").map_or(0, |index| index - 1),
    }
}

fn ways() -> Vec<Way> {
    vec![
        by_number(Scheme::PageNumber),
        by_number(Scheme::PageNumberNoTotal),
        by_token(),
        by_index(),
    ]
}

fn sized(scheme: Scheme, page_size: PageSize) -> ListSpec {
    ListSpec::new(scheme, "entities").with_page_size(page_size)
}

/// Serves the things `1..=250`, of which these are wide.
async fn serve(way: &Way, wide: RangeInclusive<u64>) -> Server {
    let way = way.clone();
    Server::start(move |request| {
        let size = query(request, "pageSize").expect("a page size");
        body(&way, &wide, size, (way.at)(request, size))
    })
    .await
}

fn body(way: &Way, wide: &RangeInclusive<u64>, size: u64, at: u64) -> Answer {
    let pad = "x".repeat(100);
    let things = (at + 1..=(at + size).min(TOTAL)).map(|thing| match wide.contains(&thing) {
        true => format!(r#"{{"id":"{thing}","pad":"{pad}"}}"#),
        false => format!(r#"{{"id":"{thing}"}}"#),
    });
    let things = things.collect::<Vec<_>>().join(",");
    Answer::json(200, &format!(r#"{{"entities":[{things}]{}}}"#, (way.envelope)(size, at)))
}

fn things(server: &Server, spec: &ListSpec) -> Paginator<Thing> {
    let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    Paginator::from_request(&client(server), request, spec.clone())
}

/// The requested page sizes, each with the number of consecutive requests.
fn sizes(server: &Server) -> Vec<(u64, usize)> {
    let mut sizes: Vec<(u64, usize)> = Vec::new();
    for request in server.received() {
        let size = query(&request, "pageSize").expect("a page size");
        match sizes.last_mut() {
            Some((last, count)) if *last == size => *count += 1,
            _ => sizes.push((size, 1)),
        }
    }
    sizes
}

async fn reads_all(mut things: Paginator<Thing>) -> Report {
    assert_eq!(all(&mut things).await, (1..=TOTAL).collect::<Vec<_>>());
    assert_eq!(things.report().verdict(), Verdict::Complete);
    things.report().clone()
}

#[tokio::test]
async fn requests_smaller_pages_until_they_fit() {
    for way in ways() {
        let server = serve(&way, 1..=TOTAL).await;
        let report = reads_all(things(&server, &way.spec).max_page_bytes(BOUND)).await;
        assert_eq!(sizes(&server), [(500, 1), (100, 1), (20, 13)], "{:?}", way.spec);
        assert_eq!((report.pages, report.requests, report.retries), (13, 15, 0));
        assert_eq!(report.page_size_requested, Some(20));

        // The size stays without a limit, and if the pages fit.
        for (wide, bound) in [(1..=TOTAL, usize::MAX), (0..=0, BOUND)] {
            let server = serve(&way, wide).await;
            reads_all(things(&server, &way.spec).max_page_bytes(bound)).await;
            assert_eq!(sizes(&server), [(500, 1)]);
        }
    }
}

#[tokio::test]
async fn continues_within_the_list_in_smaller_pages() {
    for way in ways() {
        for prefetch in [0, 3] {
            let server = serve(&way, 120..=170).await;
            let list = things(&server, &way.spec).page_size(50).max_page_bytes(BOUND);
            reads_all(list.prefetch(prefetch)).await;
            if prefetch == 0 {
                assert_eq!(sizes(&server), [(50, 3), (10, 15)]);
            }
        }
    }
}

#[tokio::test]
async fn resumes_at_any_place() {
    // The limit of the interrupted run, which may have had none.
    for (way, bound) in ways().into_iter().flat_map(|way| [(way.clone(), BOUND), (way, usize::MAX)])
    {
        let server = serve(&way, 120..=170).await;
        let list = |bound| things(&server, &way.spec).max_page_bytes(bound);
        for place in (0..=TOTAL).step_by(17) {
            let mut first = list(bound).page_size(50);
            let mut found = Vec::new();
            for _ in 0..place {
                found.push(first.try_next().await.expect("a thing").expect("no end"));
            }
            let checkpoint = first.checkpoint();
            for page_size in [None, Some(50)] {
                let mut rest = list(BOUND).resume(&checkpoint);
                if let Some(items) = page_size {
                    rest = rest.page_size(items);
                }
                let rest_of_it = all(&mut rest).await;
                let context = format!("{:?} {bound} {place} {page_size:?}", way.spec);
                assert_eq!(rest_of_it, (place + 1..=TOTAL).collect::<Vec<_>>(), "{context}");
                assert_eq!(rest.report().verdict(), Verdict::Complete, "{context}");
                assert_eq!(rest.report().items, TOTAL, "{context}");
            }
            assert_eq!(ids(found), (1..=place).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn resumes_between_two_page_sizes() {
    for way in ways() {
        let (served, mut fails) = (way.clone(), true);
        let server = Server::start(move |request| {
            let size = query(request, "pageSize").expect("a page size");
            match size == 10 && std::mem::take(&mut fails) {
                true => Answer::json(503, "{}"),
                false => body(&served, &(120..=170), size, (served.at)(request, size)),
            }
        })
        .await;
        let list = || things(&server, &way.spec).max_page_bytes(BOUND);
        let mut first = list().page_size(50);
        while first.try_next().await.is_ok_and(|thing| thing.is_some()) {}
        let mut rest = list().resume(&first.checkpoint());
        // The page from 101 on, with 31 wide records, is the first one too large.
        let from = first.report().items + 1;
        assert_eq!(from, 101);
        assert_eq!(all(&mut rest).await, (from..=TOTAL).collect::<Vec<_>>());
        assert_eq!(rest.report().verdict(), Verdict::Complete);
        // The list that failed continues too.
        assert_eq!(all(&mut first).await, (from..=TOTAL).collect::<Vec<_>>());
        assert_eq!(first.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test]
async fn reads_large_pages_if_the_api_ignores_the_page_size() {
    let way = by_number(Scheme::PageNumber);
    let served = way.clone();
    let server =
        Server::start(move |request| body(&served, &(120..=170), 50, (served.at)(request, 50)))
            .await;
    let report = reads_all(things(&server, &way.spec).page_size(50).max_page_bytes(BOUND)).await;
    assert_eq!(report.page_size_granted, Some(50));
}

#[tokio::test]
async fn reads_pages_of_the_minimum_size_whole() {
    let mut way = by_number(Scheme::PageNumber);
    way.spec = sized(Scheme::PageNumber, PageSize::integer("pageSize").usually(500).at_least(50));
    let server = serve(&way, 1..=TOTAL).await;
    reads_all(things(&server, &way.spec).max_page_bytes(BOUND)).await;
    assert_eq!(sizes(&server), [(500, 1), (100, 1), (50, 5)]);
}

#[tokio::test]
async fn reads_pages_whole_if_another_size_would_shift_items() {
    // Without a stated page size, only the first page is known to begin at the same item in any size.
    let mut unstated = by_number(Scheme::PageNumber);
    unstated.envelope = |_, _| format!(r#","total":{TOTAL}"#);
    // A link that contains the size.
    let mut linked = by_token();
    linked.spec = sized(Scheme::PageSizeOnlyNextUri, PageSize::integer("pageSize"));
    linked.envelope = |size, at| {
        let next = next(size, at)
            .map(|next| format!(r#","nextUri":"/things?pageSize={size}&after={next}""#));
        next.unwrap_or_default()
    };
    for way in [unstated, linked] {
        let server = serve(&way, 120..=170).await;
        reads_all(things(&server, &way.spec).page_size(50).max_page_bytes(BOUND)).await;
        assert_eq!(sizes(&server), [(50, 5)], "{:?}", asked(&server));
    }
    // Smaller pages would read fewer items within the page limit of the caller.
    let way = by_number(Scheme::PageNumber);
    let server = serve(&way, 120..=170).await;
    let list = things(&server, &way.spec).page_size(50).max_page_bytes(BOUND);
    reads_all(list.max_pages(5)).await;
    assert_eq!(sizes(&server), [(50, 5)]);
}
