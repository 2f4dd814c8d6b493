//! Lists by page number that change while nobody reads them.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use genesys_cloud_core::{Checkpoint, ErrorKind, Verdict};

use crate::server::{Answer, Server};
use crate::{all, page, query, things};

/// A list in pages of four that can be changed.
#[derive(Clone)]
struct List(Arc<Mutex<Vec<u64>>>);

impl List {
    fn new(things: impl IntoIterator<Item = u64>) -> Self {
        Self(Arc::new(Mutex::new(things.into_iter().collect())))
    }

    fn set(&self, things: impl IntoIterator<Item = u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = things.into_iter().collect();
    }

    async fn serve(&self) -> Server {
        let list = self.0.clone();
        Server::start(move |request| {
            let list = list.lock().unwrap_or_else(PoisonError::into_inner);
            let number = query(request, "pageNumber").expect("a number");
            let (total, count) = (list.len(), list.len().div_ceil(4));
            let things = list.chunks(4).nth(number as usize - 1).unwrap_or_default();
            let counts = format!(r#""pageNumber":{number},"pageCount":{count},"total":{total}"#);
            Answer::json_of(things, &counts)
        })
        .await
    }
}

impl Answer {
    fn json_of(things: &[u64], counts: &str) -> Self {
        page(things.iter().copied(), &format!(r#",{counts},"pageSize":4"#))
    }
}

fn kept(checkpoint: &Checkpoint) -> Checkpoint {
    let text = serde_json::to_string(checkpoint).expect("JSON");
    let read = serde_json::from_str(&text).expect("a checkpoint");
    assert_eq!(*checkpoint, read);
    read
}

#[tokio::test]
async fn what_moved_up_meanwhile_is_found_in_the_pages_before() {
    for (read, then, rest, calls) in [
        // In front: what follows has moved to the page before, or to one further in front.
        (4, (3..=12).collect::<Vec<_>>(), (5..=12).collect::<Vec<_>>(), 1 + 3),
        (5, (4..=12).collect(), (6..=12).collect(), 2 + 4),
        (8, (7..=12).collect(), (9..=12).collect(), 2 + 3),
        // Behind: it stands where it did.
        (4, (1..=10).collect(), (5..=10).collect(), 1 + 3),
        (5, (1..=10).collect(), (6..=10).collect(), 2 + 2),
        // All that was handed out.
        (4, (5..=12).collect(), (5..=12).collect(), 1 + 2),
        (6, (7..=12).collect(), (7..=12).collect(), 2 + 3),
    ] {
        let list = List::new(1..=12);
        let server = list.serve().await;
        let mut first = things(&server);
        for _ in 0..read {
            first.try_next().await.expect("a thing");
        }
        list.set(then.clone());
        let mut again = things(&server).resume(&kept(&first.checkpoint()));
        assert_eq!(all(&mut again).await, rest, "{read} {then:?}");
        let report = again.report();
        assert!(matches!(report.verdict(), Verdict::Drifted(_)), "{read} {then:?}");
        assert_eq!(report.items, (read + rest.len()) as u64, "{read} {then:?}");
        assert_eq!(server.received().len(), calls, "{read} {then:?}");
    }
}

#[tokio::test]
async fn what_is_left_out_of_a_page_that_is_read_again_stays_so() {
    let list = List::new(1..=12);
    let server = list.serve().await;
    let mut first = things(&server);
    for _ in 0..4 {
        first.try_next().await.expect("a thing");
    }
    // The first page is read again, for the 20 and the 21.
    list.set([20, 3, 21, 4, 5, 6, 7, 8, 9, 10]);
    first.try_next().await.expect("a thing");
    assert_eq!(first.report().read_again, 1);
    let mut again = things(&server).resume(&kept(&first.checkpoint()));
    assert_eq!(all(&mut again).await, [21, 5, 6, 7, 8, 9, 10]);
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn what_comes_twice_is_left_out_across_a_break() {
    let list = List::new(1..=6);
    let server = list.serve().await;
    let mut first = things(&server).dedupe_by("id");
    for _ in 0..2 {
        first.try_next().await.expect("a thing");
    }
    let checkpoint = kept(&first.checkpoint());
    // Those that are at hand and were not handed out are not known.
    list.set([3, 2, 4, 1, 5, 6]);
    let mut again = things(&server).resume(&checkpoint).dedupe_by("id");
    let mut rest = all(&mut again).await;
    rest.sort_unstable();
    assert!(!rest.contains(&1) && !rest.contains(&2), "{rest:?}");
    assert!(rest.ends_with(&[4, 5, 6]), "{rest:?}");
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn a_list_that_grows_by_just_a_page_goes_on() {
    let list = List::new(1..=8);
    let server = list.serve().await;
    let mut things = things(&server).dedupe_by("id");
    for _ in 0..4 {
        things.try_next().await.expect("a thing");
    }
    list.set((21..=24).chain(1..=8));
    assert_eq!(all(&mut things).await, [5, 6, 7, 8]);
    assert!(matches!(things.report().verdict(), Verdict::Drifted(_)));
}

/// A list of a hundred things whose pages the API cuts in the size that `sizes` says for each request.
async fn resizing(
    sizes: impl Fn(usize) -> u64 + Send + 'static,
    says_size: bool,
    says_total: bool,
) -> Server {
    let mut requests = 0;
    Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a number");
        let size = sizes(requests);
        requests += 1;
        let first = (number - 1) * size + 1;
        let mut envelope = format!(r#","pageNumber":{number}"#);
        if says_size {
            envelope += &format!(r#","pageSize":{size}"#);
        }
        if says_total {
            envelope += &format!(r#","total":100,"pageCount":{}"#, 100_u64.div_ceil(size));
        }
        page((first..first + size).filter(|thing| *thing <= 100), &envelope)
    })
    .await
}

#[tokio::test]
async fn a_page_size_that_the_api_changes_loses_and_repeats_nothing() {
    for says_size in [true, false] {
        for says_total in [true, false] {
            for (before, after) in [(10, 20), (20, 10), (10, 25), (7, 9), (30, 4)] {
                if !says_size && after < before {
                    continue;
                }
                for change in 1..4 {
                    let sizes = move |request| if request < change { before } else { after };
                    let server = resizing(sizes, says_size, says_total).await;
                    let mut list = things(&server).page_size(50);
                    let what = format!("{before} {after} {change} {says_size} {says_total}");
                    assert_eq!(all(&mut list).await, (1..=100).collect::<Vec<_>>(), "{what}");
                    assert_eq!(list.report().verdict(), Verdict::Complete, "{what}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_page_size_that_is_smaller_and_not_told_is_not_called_complete() {
    // Nothing but the items themselves shows it: they come again.
    for says_total in [true, false] {
        let server = resizing(|request| if request < 2 { 20 } else { 10 }, false, says_total).await;
        let mut list = things(&server).page_size(50);
        let found = all(&mut list).await;
        assert_ne!(found, (1..=100).collect::<Vec<_>>());
        assert_ne!(list.report().verdict(), Verdict::Complete, "{says_total}");
    }
}

#[tokio::test]
async fn a_page_size_that_changes_between_two_runs_loses_and_repeats_nothing() {
    for (before, after) in [(10, 20), (20, 10), (7, 9), (30, 4)] {
        for read in [1, 6, 7, 20, 27, 30, 60] {
            let size = Arc::new(AtomicU64::new(before));
            let now = size.clone();
            let server = resizing(move |_| now.load(Ordering::Relaxed), true, true).await;
            let mut list = things(&server).page_size(50);
            let mut found = Vec::new();
            for _ in 0..read {
                found.push(list.try_next().await.expect("a thing").expect("another one"));
            }
            let mut found = crate::ids(found);
            size.store(after, Ordering::Relaxed);
            let mut again = things(&server).page_size(50).resume(&kept(&list.checkpoint()));
            found.extend(all(&mut again).await);
            assert_eq!(found, (1..=100).collect::<Vec<_>>(), "{before} {after} {read}");
            assert_eq!(again.report().verdict(), Verdict::Complete, "{before} {after} {read}");
        }
    }
}

#[tokio::test]
async fn a_page_size_that_changes_where_only_the_total_is_counted_loses_nothing() {
    for (before, after) in [(10, 20), (20, 10), (10, 25), (30, 4), (25, 10)] {
        for change in 1..4 {
            let mut requests = 0;
            let server = Server::start(move |request| {
                let number = query(request, "pageNumber").expect("a number");
                let size = if requests < change { before } else { after };
                requests += 1;
                let first = (number - 1) * size + 1;
                let counts = format!(r#","pageNumber":{number},"pageSize":{size},"total":100"#);
                page((first..first + size).filter(|thing| *thing <= 100), &counts)
            });
            let server = server.await;
            let mut list = things(&server).page_size(50);
            let what = format!("{before} {after} {change}");
            assert_eq!(all(&mut list).await, (1..=100).collect::<Vec<_>>(), "{what}");
            assert_eq!(list.report().verdict(), Verdict::Complete, "{what}");
            // Those before the change, the one that showed it, and what is left from the last item read.
            let read = (before * change).min(100);
            let rest =
                if read < 100 { 1 + 100_u64.div_ceil(after) - (read - 1) / after } else { 0 };
            assert_eq!(server.received().len() as u64, read.div_ceil(before) + rest, "{what}");
        }
    }
}

#[tokio::test]
async fn a_last_page_that_gives_its_length_for_its_size_is_recognized_by_what_follows() {
    let server = Server::start(|request| {
        let number = query(request, "pageNumber").expect("a number");
        let things: Vec<u64> = (1..=25).skip((number as usize - 1) * 10).take(10).collect();
        let envelope = format!(r#","pageNumber":{number},"pageSize":{}"#, things.len());
        page(things, &envelope)
    })
    .await;
    let mut list = things(&server).page_size(50);
    assert_eq!(all(&mut list).await, (1..=25).collect::<Vec<_>>());
    assert_eq!(list.report().verdict(), Verdict::Complete);
    // Page 5 of five would begin behind the items read, and is empty: page 3 is read once more.
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_page_size_that_changes_with_the_list_is_not_called_complete() {
    let sized = |number: u64, size: u64, things: std::ops::RangeInclusive<u64>| {
        page(things, &format!(r#","pageNumber":{number},"pageSize":{size}"#))
    };
    let server = crate::script([
        sized(1, 4, 1..=4),
        sized(2, 4, 5..=8),
        sized(3, 8, 31..=38),
        // The page that is to have 5 to 8.
        sized(1, 8, 21..=28),
        sized(3, 8, 31..=38),
        sized(4, 8, 39..=40),
        page([], r#","pageNumber":5"#),
    ])
    .await;
    let mut list = things(&server).page_size(50);
    let rest = all(&mut list).await;
    assert_eq!(rest, (1..=8).chain(31..=40).collect::<Vec<_>>());
    assert!(matches!(list.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn a_page_size_may_change_three_times() {
    const SIZES: [u64; 7] = [10, 20, 20, 10, 10, 20, 20];
    let sizes = |request: usize| SIZES.get(request).copied().unwrap_or(20);
    let server = resizing(sizes, true, true).await;
    let mut list = things(&server).page_size(50);
    assert_eq!(all(&mut list).await, (1..=100).collect::<Vec<_>>());
    assert_eq!(list.report().verdict(), Verdict::Complete);
    // Each change costs a request for the page where the list is joined again.
    assert_eq!(list.report().read_again, 3);
}

#[tokio::test]
async fn a_page_size_that_keeps_changing_is_an_error() {
    let server = resizing(|request| if request % 2 == 0 { 10 } else { 20 }, true, false).await;
    let mut list = things(&server).page_size(50);
    let error = loop {
        match list.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("an end: {:?}", list.report()),
            Err(error) => break error,
        }
    };
    assert!(
        error.kind() == ErrorKind::Paging && error.to_string().contains("changed the page size"),
        "{error}"
    );
    assert_ne!(list.report().verdict(), Verdict::Complete);
}

#[tokio::test]
async fn pages_that_became_smaller_and_no_longer_say_so_are_read_to_the_end() {
    // By the size that pages had, page 5 would be the last one.
    for has_moved in [false, true] {
        let mut requests = 0;
        let server = Server::start(move |request| {
            let number = query(request, "pageNumber").expect("a number");
            requests += 1;
            let size = if requests < 3 { 20 } else { 10 };
            let other = if has_moved && requests > 3 { 1000 } else { 0 };
            let first = (number - 1) * size + 1;
            let things = (first..first + size).filter(|thing| *thing <= 100);
            let says_size = match requests {
                ..=3 => format!(r#","pageSize":{size}"#),
                _ => String::new(),
            };
            let counts = format!(r#","pageNumber":{number},"total":100{says_size}"#);
            page(things.map(|thing| thing + other), &counts)
        })
        .await;
        let mut list = things(&server).page_size(50);
        let rest: Vec<u64> = if has_moved { (1021..=1080).collect() } else { (41..=100).collect() };
        let expected: Vec<u64> = (1..=40).chain(rest).collect();
        assert_eq!(all(&mut list).await, expected, "{has_moved}");
        let is_complete = list.report().verdict() == Verdict::Complete;
        assert_eq!(is_complete, !has_moved);
    }
}

#[tokio::test]
async fn pages_past_the_end_are_not_requested_ahead_after_a_change_of_size() {
    let mut small = HashSet::new();
    let server = Server::start(move |request| {
        let number = query(request, "pageNumber").expect("a number");
        let size = if number < 4 && small.insert(number) { 10 } else { 20 };
        let first = (number - 1) * size + 1;
        let count = 100_u64.div_ceil(size);
        let counts =
            format!(r#","pageNumber":{number},"pageSize":{size},"total":100,"pageCount":{count}"#);
        page((first..first + size).filter(|thing| *thing <= 100), &counts)
    })
    .await;
    let mut list = things(&server).page_size(50).prefetch(8);
    assert_eq!(all(&mut list).await, (1..=100).collect::<Vec<_>>());
    // Ten pages of the first size, the one where the list is joined again, and three of the five in the new size.
    assert_eq!(list.report().requests, 10 + 1 + 3);
}

#[tokio::test]
async fn a_size_that_changes_as_a_page_is_read_again_loses_and_repeats_nothing() {
    for (before, after) in [(4, 8), (8, 4), (10, 15), (15, 4)] {
        for removed in 1..=3 {
            for change in 1..=3 {
                let mut requests = 0;
                let server = Server::start(move |request| {
                    let number = query(request, "pageNumber").expect("a number");
                    let first = if requests < change { 1 } else { 1 + removed };
                    // The first request after that finds fewer things, the second is for the page before.
                    let size = if requests <= change { before } else { after };
                    requests += 1;
                    let total: u64 = 101 - first;
                    let count = total.div_ceil(size);
                    let counts = format!(
                        r#","pageNumber":{number},"pageSize":{size},"total":{total},"pageCount":{count}"#
                    );
                    let from = first + (number - 1) * size;
                    page((from..from + size).filter(|thing| *thing <= 100), &counts)
                })
                .await;
                let mut list = things(&server).page_size(50);
                let what = format!("{before} {after}, {removed} after {change}");
                assert_eq!(all(&mut list).await, (1..=100).collect::<Vec<_>>(), "{what}");
                assert!(matches!(list.report().verdict(), Verdict::Drifted(_)), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_last_page_that_is_read_again_may_give_its_length_for_its_size() {
    for removed in 1..=3 {
        let mut requests = 0;
        let server = Server::start(move |request| {
            let number = query(request, "pageNumber").expect("a number");
            let first = if requests < 2 { 1 } else { 1 + removed };
            requests += 1;
            let total = 10 - first;
            let from = first + (number - 1) * 4;
            let things: Vec<u64> = (from..from + 4).filter(|thing| *thing < 10).collect();
            let size = things.len();
            let counts = format!(r#","pageNumber":{number},"pageSize":{size},"total":{total}"#);
            page(things, &counts)
        })
        .await;
        let mut list = things(&server).page_size(50);
        assert_eq!(all(&mut list).await, (1..=9).collect::<Vec<_>>(), "{removed}");
        assert!(matches!(list.report().verdict(), Verdict::Drifted(_)), "{removed}");
    }
}
