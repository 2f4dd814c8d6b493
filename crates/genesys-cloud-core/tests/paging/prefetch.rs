//! Prefetching pages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use genesys_cloud_core::{Client, End, ListSpec, Method, Operation, Paginator, Request, Scheme};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::server::{Answer, Gate, Server};
use crate::{Thing, all, asked, client, end, list, page, query, things};

#[tokio::test]
async fn yields_items_in_order_without_needless_requests() {
    for prefetch in [1, 3, 8, 100] {
        let server = list(1000, 100).await;
        let mut some = things(&server).prefetch(prefetch);
        assert_eq!(all(&mut some).await, (1..=1000).collect::<Vec<_>>(), "{prefetch}");
        assert_eq!(end(&some), Some(End::LastPage));
        let mut asked = asked(&server);
        // The first page has the page count.
        assert_eq!(asked[0], "pageSize=100&pageNumber=1");
        asked.sort_by_key(String::len);
        asked[..9].sort();
        let expected: Vec<String> =
            (1..=10).map(|number| format!("pageSize=100&pageNumber={number}")).collect();
        assert_eq!(asked, expected, "{prefetch}");
        assert_eq!(some.report().requests, 10);
    }
}

#[tokio::test]
async fn responses_may_arrive_in_any_order() {
    // Page 2 arrives after page 4 has been requested.
    let gate = Gate::new();
    let opener = gate.clone();
    let server = Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a page number");
        if number == 4 {
            opener.open();
        }
        let answer = page([number], &format!(r#","pageNumber":{number},"pageCount":4"#));
        if number == 2 { answer.behind(&gate) } else { answer }
    })
    .await;
    assert_eq!(all(&mut things(&server).prefetch(3)).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn prefetches_as_many_pages_as_allowed_without_being_polled() {
    let server = list(1000, 10).await;
    let mut some = things(&server).page_size(10).prefetch(3);
    for _ in 0..10 {
        some.try_next().await.expect("a thing").expect("no end");
    }
    server.has_received(4).await;
    assert_eq!(some.report().requests, 4);
    some.try_next().await.expect("a thing").expect("no end");
    server.has_received(5).await;
    assert_eq!(some.report().requests, 5);
}

#[tokio::test]
async fn does_not_prefetch_beyond_the_limits() {
    for (limit, max_pages, requests) in [(250, 99, 3), (300, 99, 3), (301, 99, 4), (999, 2, 2)] {
        let server = list(1000, 100).await;
        let mut some = things(&server).prefetch(8).limit(limit).max_pages(max_pages);
        let found = all(&mut some).await;
        assert_eq!(found.len(), limit.min(max_pages * 100));
        assert_eq!(some.report().requests, requests, "{limit} {max_pages}");
        assert_eq!(asked(&server).len() as u64, requests, "{limit} {max_pages}");
    }
}

#[tokio::test]
async fn prefetches_one_page_with_tokens() {
    let server = Server::start(|request| {
        let number = query(request, "after").unwrap_or(1);
        let next = if number < 5 { format!(r#","after":"{}""#, number + 1) } else { String::new() };
        page([number], &next)
    })
    .await;
    let request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    let spec = ListSpec::new(Scheme::AfterField, "entities");
    let mut some = Paginator::<Thing>::from_request(&client(&server), request, spec).prefetch(8);
    some.try_next().await.expect("a thing").expect("no end");
    server.has_received(2).await;
    assert_eq!(some.report().requests, 2);
    assert_eq!(all(&mut some).await, [2, 3, 4, 5]);
    assert_eq!(asked(&server), ["/things", "after=2", "after=3", "after=4", "after=5"]);
}

#[tokio::test]
async fn returns_errors_in_order_and_requests_only_their_page_again() {
    let failed = Arc::new(Mutex::new(false));
    let server = Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a page number");
        let mut failed = failed.lock().expect("no panic");
        if number == 3 && !std::mem::replace(&mut *failed, true) {
            return Answer::json(404, "{}");
        }
        page([number], &format!(r#","pageNumber":{number},"pageCount":6"#))
    })
    .await;
    let mut some = things(&server).prefetch(8);
    let mut seen = Vec::new();
    while let Some(thing) = some.next().await {
        seen.push(match thing {
            Ok(thing) => thing.id.unwrap_or_default(),
            Err(error) => format!("{:?}", error.status()),
        });
    }
    assert_eq!(seen, ["1", "2", "Some(404)", "3", "4", "5", "6"]);
    assert_eq!(asked(&server).len(), 7);
}

#[tokio::test]
async fn ends_at_an_empty_page_before_the_page_count() {
    // The page count is too high: page 3 is empty, and the request for page 4 is dropped.
    let gate = Gate::new();
    let server = Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a page number");
        match number {
            1 | 2 => page([number], &format!(r#","pageNumber":{number},"pageCount":4"#)),
            3 => page([], ""),
            _ => page([], "").behind(&gate),
        }
    })
    .await;
    let mut some = things(&server).prefetch(8);
    assert_eq!(all(&mut some).await, [1, 2]);
    assert_eq!(end(&some), Some(End::Shortfall));
}

/// Answers page 1 of 9. Reports other requests, and when their connections are closed.
async fn unanswering() -> (String, mpsc::UnboundedReceiver<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (events, log) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let events = events.clone();
            tokio::spawn(async move {
                let (mut buffer, mut request) = ([0; 4096], Vec::new());
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    request.extend_from_slice(&buffer[..read]);
                    if !request.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let asked = String::from_utf8_lossy(&std::mem::take(&mut request)).into_owned();
                    if !asked.contains("pageNumber=1 ") {
                        let _ = events.send("asked");
                        continue;
                    }
                    let body = r#"{"entities":[{"id":"1"}],"pageNumber":1,"pageCount":9}"#;
                    let response =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    stream.write_all(response.as_bytes()).await.expect("a reader");
                }
                let _ = events.send("closed");
            });
        }
    });
    (url, log)
}

#[tokio::test]
async fn dropping_the_paginator_cancels_requests_in_flight() {
    let (url, mut log) = unanswering().await;
    let client = Client::builder().api_url(url).access_token("t").build().expect("a client");
    let mut some = crate::Things::new(&client).things().paginate().prefetch(3);
    some.try_next().await.expect("a thing").expect("no end");
    for _ in 0..3 {
        assert_eq!(log.recv().await, Some("asked"));
    }
    drop(some);
    for _ in 0..3 {
        // Sooner than the timeouts of the client.
        let closed = tokio::time::timeout(Duration::from_secs(20), log.recv()).await;
        assert_eq!(closed, Ok(Some("closed")));
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

#[test]
fn requests_pages_again_if_their_runtime_shut_down() {
    let serving = runtime();
    let gate = Gate::new();
    let opener = gate.clone();
    let server = serving.block_on(Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a page number");
        let answer = page([number], r#","pageCount":4"#);
        if number == 1 { answer } else { answer.behind(&gate) }
    }));
    let mut some = things(&server).prefetch(3);
    let first = runtime();
    first.block_on(async {
        some.try_next().await.expect("a thing").expect("no end");
        server.has_received(4).await;
    });
    drop(first);
    opener.open();
    assert_eq!(runtime().block_on(all(&mut some)), [2, 3, 4]);
}

#[test]
fn a_poll_during_shutdown_of_the_runtime_returns() {
    let serving = runtime();
    let server = serving.block_on(list(3, 1));
    let mut some = things(&server).prefetch(3);
    let gone = runtime();
    let handle = gone.handle().clone();
    gone.shutdown_background();
    // A poll while the runtime shuts down. If it did not return, the shutdown would wait forever.
    let polled = std::thread::spawn(move || {
        let _entered = handle.enter();
        let _ = some.next().now_or_never();
        some
    });
    // Tokio panics if a timer is polled without its runtime. Panicking and returning are both fine.
    let _ = polled.join();
}

#[tokio::test]
async fn requests_the_next_page_before_decoding_one() {
    let server = Server::start(|request| {
        let number = query(request, "pageNumber").expect("a page number");
        let answer = page([number], &format!(r#","pageNumber":{number},"pageCount":4"#));
        // A malformed page, which cannot decide what to request next.
        if number == 2 { Answer::json(200, "{") } else { answer }
    })
    .await;
    let mut some = things(&server).prefetch(1);
    some.try_next().await.expect("a thing").expect("no end");
    some.try_next().await.expect_err("no page");
    server.has_received(3).await;
    assert_eq!(some.report().requests, 3);
}
