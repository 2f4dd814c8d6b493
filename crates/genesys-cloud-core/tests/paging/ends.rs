//! Where lists begin and end.

use futures::StreamExt as _;
use futures::stream::FusedStream as _;
use genesys_cloud_core::{End, ErrorKind};

use crate::server::{Answer, Server};
use crate::{all, asked, end, ids, list, page, script, things};

#[tokio::test]
async fn reads_all_pages() {
    let server = list(250, 100).await;
    let mut things = things(&server);
    assert_eq!(all(&mut things).await, (1..=250).collect::<Vec<_>>());
    assert_eq!(
        asked(&server),
        ["pageSize=100&pageNumber=1", "pageSize=100&pageNumber=2", "pageSize=100&pageNumber=3"]
    );
    let report = things.report();
    assert_eq!((report.pages, report.items, report.requests), (3, 250, 3));
    assert_eq!((report.first_total, report.last_total), (Some(250), Some(250)));
    assert_eq!((report.page_size_requested, report.page_size_granted), (Some(100), Some(100)));
    assert_eq!(report.end, Some(End::LastPage));
}

#[tokio::test]
async fn reads_one_page_or_an_empty_list() {
    let server = list(7, 100).await;
    assert_eq!(all(&mut things(&server)).await.len(), 7);
    assert_eq!(asked(&server).len(), 1);

    for body in [r#"{"pageNumber":1}"#, r#"{"entities":[],"pageNumber":1,"total":0,"pageCount":0}"#]
    {
        let server = script([Answer::json(200, body)]).await;
        let mut things = things(&server);
        assert!(all(&mut things).await.is_empty());
        assert_eq!(end(&things), Some(End::EmptyPage), "{body}");
    }
}

#[tokio::test]
async fn requests_no_page_after_a_full_last_page() {
    let server = list(200, 100).await;
    assert_eq!(all(&mut things(&server)).await.len(), 200);
    assert_eq!(asked(&server).len(), 2);
}

#[tokio::test]
async fn a_short_page_is_not_the_end() {
    let server = script([
        page(1..=100, r#","pageNumber":1,"pageCount":3"#),
        page(101..=103, r#","pageNumber":2,"pageCount":3"#),
        page(201..=210, r#","pageNumber":3,"pageCount":3"#),
    ])
    .await;
    assert_eq!(all(&mut things(&server)).await.len(), 113);
}

#[tokio::test]
async fn a_silently_capped_page_size_loses_nothing() {
    let server = list(60, 25).await;
    let mut things = things(&server);
    assert_eq!(all(&mut things).await, (1..=60).collect::<Vec<_>>());
    assert_eq!(asked(&server).last().map(String::as_str), Some("pageSize=100&pageNumber=3"));
    let report = things.report();
    assert_eq!((report.page_size_requested, report.page_size_granted), (Some(100), Some(25)));
}

#[tokio::test]
async fn follows_links_if_counts_are_missing_or_too_low() {
    for counts in ["", r#","total":1,"pageCount":1"#] {
        let next = format!(r#"{counts},"nextUri":"/things""#);
        let server = script([page(1..=2, &next), page(3..=4, &next), page(5..=5, counts)]).await;
        let mut things = things(&server);
        assert_eq!(all(&mut things).await, [1, 2, 3, 4, 5], "{counts}");
        assert_eq!(end(&things), Some(End::NoNextPage), "{counts}");
    }
}

#[tokio::test]
async fn an_empty_page_ends_a_list_without_counts() {
    let server = script([page(1..=2, ""), page(3..=4, ""), page([], "")]).await;
    let mut things = things(&server);
    assert_eq!(all(&mut things).await, [1, 2, 3, 4]);
    assert_eq!(end(&things), Some(End::EmptyPage));
}

#[tokio::test]
async fn reports_a_shortfall() {
    let server =
        script([page(1..=2, r#","pageNumber":1,"pageCount":9,"total":18"#), page([], "")]).await;
    let mut things = things(&server);
    assert_eq!(all(&mut things).await, [1, 2]);
    assert_eq!(end(&things), Some(End::Shortfall));
    assert_eq!(things.report().last_total, Some(18));
}

#[tokio::test]
async fn a_repeated_page_ends_the_list_with_an_error() {
    let first = r#","pageNumber":1,"pageCount":3"#;
    let second = r#","pageNumber":2,"pageCount":3,"nextUri":"/things""#;
    for (again, message) in [
        // The API ignores the page number.
        (first, "requested page 2, but the API returned page 1"),
        // It echoes the page number but returns another page.
        (second, "page 2 repeats the items of the previous page"),
    ] {
        let server = script([page(1..=2, first), page(1..=2, again)]).await;
        let mut things = things(&server);
        let mut found = Vec::new();
        let error = loop {
            match things.next().await.expect("an item or an error") {
                Ok(thing) => found.push(thing),
                Err(error) => break error,
            }
        };
        assert_eq!(ids(found), [1, 2]);
        assert!(
            error.kind() == ErrorKind::Paging && error.to_string().contains(message),
            "{error}"
        );
        assert_eq!(end(&things), Some(End::Contradiction));
        assert!(things.next().await.is_none());
        assert_eq!(asked(&server).len(), 2);
    }
}

#[tokio::test]
async fn sends_nothing_before_the_first_poll() {
    let server = list(3, 100).await;
    drop(things(&server));
    drop(things(&server).page_size(2).batches(2));
    assert_eq!(asked(&server), [""; 0]);
}

#[tokio::test]
async fn remains_ended() {
    let server = list(3, 100).await;
    let mut things = things(&server);
    assert!(!things.is_terminated());
    assert_eq!(all(&mut things).await.len(), 3);
    assert!(things.is_terminated());
    for _ in 0..3 {
        assert!(things.next().await.is_none());
    }
    assert_eq!(asked(&server).len(), 1);
}

#[tokio::test]
async fn begins_at_the_page_set_by_the_caller() {
    let server = list(60, 20).await;
    let things = crate::Things::new(&crate::client(&server)).things();
    let mut things = things.name("Support*").page_number(3).page_size(20).paginate();
    assert_eq!(all(&mut things).await, (41..=60).collect::<Vec<_>>());
    assert_eq!(asked(&server), ["name=Support%2A&pageSize=20&pageNumber=3"]);
}

#[tokio::test]
async fn refuses_page_number_zero_before_anything_is_sent() {
    let server = Server::start(|_| unreachable!("nothing is sent")).await;
    let mut things = crate::Things::new(&crate::client(&server)).things().page_number(0).paginate();
    let error = things.try_next().await.expect_err("an error");
    assert!(
        error.kind() == ErrorKind::InvalidRequest && error.to_string().contains("`pageNumber`"),
        "{error}"
    );
}
