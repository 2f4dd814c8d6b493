//! Records that come twice.

use crate::org::{Event, Org};
use crate::server::Answer;
use crate::{all, daily, long};

/// Three days with one event in the middle of each, and one over all of them.
fn days() -> Org {
    let single = (0..3).map(|id| Event { id, from: 12 + 24 * id as i64, to: 12 + 24 * id as i64 });
    Org::of(single.chain([Event { id: 9, from: 20, to: 60 }]).collect())
}

#[tokio::test]
async fn records_in_several_pieces_come_once() {
    let server = days().serve().await;
    let mut some = daily(&server, 0, 72);
    assert_eq!(all(&mut some).await, [0, 9, 1, 2]);
    assert_eq!(some.report().duplicates, 2);

    let mut some = daily(&server, 0, 72).keep_duplicates();
    assert_eq!(all(&mut some).await, [0, 9, 1, 9, 2, 9]);
    assert_eq!((some.report().duplicates, some.report().items), (0, 6));
}

#[tokio::test]
async fn what_overlaps_comes_once() {
    let server = Org::hourly(72).serve().await;
    let mut some = daily(&server, 0, 72).overlap(long(4)).concurrency(3);
    assert_eq!(all(&mut some).await, (0..72).collect::<Vec<_>>());
    // Of three borders.
    assert_eq!((some.report().pieces, some.report().duplicates), (4, 12));
}

#[tokio::test]
async fn ids_are_remembered_in_bounded_memory() {
    let server = days().serve().await;
    let mut some = daily(&server, 0, 72).remember(1);
    assert_eq!(all(&mut some).await, [0, 9, 1, 2]);
    assert_eq!(some.report().ids_forgotten, 2);

    // Too few, where more come in between.
    let server = Org::hourly(72).serve().await;
    let mut some = daily(&server, 0, 72).overlap(long(10)).remember(4);
    let report = {
        all(&mut some).await;
        some.report()
    };
    assert!(report.items > 72 && report.ids_forgotten > 0, "{report:?}");
}

#[tokio::test]
async fn records_without_an_id_come_each_time() {
    let page = r#"{"events":[{"id":"1"},{"name":"n"},{"name":"n"}],"totalHits":3}"#;
    let server = Org::hourly(0).serve_but(move |_, _| Some(Answer::json(200, page))).await;
    let mut some = daily(&server, 0, 48).dedupe_by("id");
    let mut found = 0;
    while some.try_next().await.expect("an event").is_some() {
        found += 1;
    }
    let report = some.report();
    assert_eq!((found, report.without_id, report.duplicates), (5, 4, 1));
}
