//! Numbered lists that change while they are read or between two runs.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use genesys_cloud_core::{Checkpoint, ErrorKind, Verdict};

use crate::server::{Answer, Server};
use crate::{all, page, query, things};

/// A list in pages of four that a test can change.
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
async fn finds_items_that_moved_to_earlier_pages_between_two_runs() {
    for (read, then, rest, calls) in [
        // Removed in front: later items have moved to the previous page or further.
        (4, (3..=12).collect::<Vec<_>>(), (5..=12).collect::<Vec<_>>(), 1 + 3),
        (5, (4..=12).collect(), (6..=12).collect(), 2 + 4),
        (8, (7..=12).collect(), (9..=12).collect(), 2 + 3),
        // Removed at the end: nothing has moved.
        (4, (1..=10).collect(), (5..=10).collect(), 1 + 3),
        (5, (1..=10).collect(), (6..=10).collect(), 2 + 2),
        // All yielded items were removed.
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
async fn a_checkpoint_within_a_page_read_again_skips_the_same_items() {
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
async fn drops_duplicates_across_runs() {
    let list = List::new(1..=6);
    let server = list.serve().await;
    let mut first = things(&server).dedupe_by("id");
    for _ in 0..2 {
        first.try_next().await.expect("a thing");
    }
    let checkpoint = kept(&first.checkpoint());
    // Items that were read but not yielded are not remembered.
    list.set([3, 2, 4, 1, 5, 6]);
    let mut again = things(&server).resume(&checkpoint).dedupe_by("id");
    let mut rest = all(&mut again).await;
    rest.sort_unstable();
    assert!(!rest.contains(&1) && !rest.contains(&2), "{rest:?}");
    assert!(rest.ends_with(&[4, 5, 6]), "{rest:?}");
    assert!(matches!(again.report().verdict(), Verdict::Drifted(_)));
}

#[tokio::test]
async fn continues_when_the_list_grows_by_exactly_one_page() {
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

/// A list of a hundred things. `sizes` returns the page size for each request.
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
async fn a_changed_page_size_loses_and_repeats_nothing() {
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
async fn a_smaller_page_size_that_is_not_stated_is_not_complete() {
    // Only the repeated items show it.
    for says_total in [true, false] {
        let server = resizing(|request| if request < 2 { 20 } else { 10 }, false, says_total).await;
        let mut list = things(&server).page_size(50);
        let found = all(&mut list).await;
        assert_ne!(found, (1..=100).collect::<Vec<_>>());
        assert_ne!(list.report().verdict(), Verdict::Complete, "{says_total}");
    }
}

#[tokio::test]
async fn a_page_size_changed_between_two_runs_loses_and_repeats_nothing() {
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
async fn a_changed_page_size_without_a_page_count_loses_nothing() {
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
            // The pages before the change, the one that showed it, and the rest from the last item read.
            let read = (before * change).min(100);
            let rest =
                if read < 100 { 1 + 100_u64.div_ceil(after) - (read - 1) / after } else { 0 };
            assert_eq!(server.received().len() as u64, read.div_ceil(before) + rest, "{what}");
        }
    }
}

#[tokio::test]
async fn a_last_page_that_states_its_length_as_page_size_is_recognized() {
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
    // Page 5 of five would begin after the items read, and is empty: page 3 is read again.
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_page_size_that_changes_together_with_the_list_is_drift() {
    let sized = |number: u64, size: u64, things: std::ops::RangeInclusive<u64>| {
        page(things, &format!(r#","pageNumber":{number},"pageSize":{size}"#))
    };
    let server = crate::script([
        sized(1, 4, 1..=4),
        sized(2, 4, 5..=8),
        sized(3, 8, 31..=38),
        // The page that should have 5 to 8.
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
    // Each change costs one request to realign.
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
async fn smaller_pages_that_no_longer_state_their_size_are_read_to_the_end() {
    // With the old size, page 5 would be the last one.
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
async fn does_not_prefetch_past_the_end_after_a_change_of_size() {
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
    // Ten pages of the old size, one to realign, and three of the five of the new size.
    assert_eq!(list.report().requests, 10 + 1 + 3);
}

#[tokio::test]
async fn a_page_size_changed_while_a_page_is_read_again_loses_and_repeats_nothing() {
    for (before, after) in [(4, 8), (8, 4), (10, 15), (15, 4)] {
        for removed in 1..=3 {
            for change in 1..=3 {
                let mut requests = 0;
                let server = Server::start(move |request| {
                    let number = query(request, "pageNumber").expect("a number");
                    let first = if requests < change { 1 } else { 1 + removed };
                    // The next request finds fewer things, the one after it is for the previous page.
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
async fn a_last_page_read_again_may_state_its_length_as_page_size() {
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
