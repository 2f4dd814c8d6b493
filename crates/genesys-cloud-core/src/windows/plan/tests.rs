use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// So many minutes after midnight.
fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(19_844) + TimeDelta::minutes(minute)
}

fn range(start: i64, end: i64) -> Interval {
    Interval::new(at(start), at(end))
}

/// The pieces in minutes after midnight.
fn pieces(plan: &Plan) -> Vec<(i64, i64)> {
    let minute = |time: DateTime<Utc>| (time - at(0)).num_minutes();
    let pieces = plan.pieces().iter();
    pieces.map(|piece| (minute(piece.interval().start()), minute(piece.interval().end()))).collect()
}

#[test]
fn ranges_are_cut() {
    for (whole, span, overlap, expected) in [
        ((0, 0), 10, 0, vec![]),
        ((0, 7), 10, 0, vec![(0, 7)]),
        ((0, 10), 10, 0, vec![(0, 10)]),
        ((0, 11), 10, 0, vec![(0, 10), (10, 11)]),
        ((5, 35), 10, 0, vec![(5, 15), (15, 25), (25, 35)]),
        // The overlap counts towards the span, and none is before the range or after it.
        ((0, 25), 10, 3, vec![(0, 10), (7, 17), (14, 24), (21, 25)]),
        ((0, 10), 10, 3, vec![(0, 10)]),
        ((0, 17), 10, 3, vec![(0, 10), (7, 17)]),
        ((0, 12), 10, 9, vec![(0, 10), (1, 11), (2, 12)]),
    ] {
        let plan = Plan::new(range(whole.0, whole.1), minutes(span), minutes(overlap));
        assert_eq!(pieces(&plan.expect("a plan")), expected, "{whole:?} {span} {overlap}");
    }
}

#[test]
fn what_can_not_be_cut_is_told() {
    for (whole, span, overlap, why) in [
        ((1, 0), minutes(1), minutes(0), "ends before it begins"),
        ((0, 9), minutes(1), minutes(1), "must be longer than the overlap"),
        ((0, 9), minutes(1), minutes(2), "must be longer than the overlap"),
        ((0, 9), Duration::ZERO, Duration::ZERO, "must be longer than the overlap"),
        ((0, 9), Duration::from_micros(1), Duration::ZERO, "must be longer than the overlap"),
        ((0, 200_000), minutes(2), Duration::ZERO, "more than 100000 pieces"),
    ] {
        let error = Plan::new(range(whole.0, whole.1), span, overlap).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
    let ages = Interval::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let plan = Plan::new(ages, Duration::MAX, Duration::ZERO).expect("a plan");
    assert_eq!(plan.pieces().len(), 1);
}

#[test]
fn pieces_are_split_in_halves() {
    for (whole, overlap, minimum, expected) in [
        ((0, 8), 0, 1, Some([(0, 4), (4, 8)])),
        ((0, 8), 0, 4, Some([(0, 4), (4, 8)])),
        ((0, 8), 0, 5, None),
        ((0, 8), 1, 1, Some([(0, 4), (3, 8)])),
        // However long the overlap, the halves are shorter.
        ((0, 8), 99, 1, Some([(0, 4), (2, 8)])),
        ((0, 0), 0, 0, None),
    ] {
        let mut plan =
            Plan::new(range(whole.0, whole.1), minutes(100), minutes(overlap)).expect("a plan");
        let split = plan.split(0, minutes(minimum));
        assert_eq!(split.is_some(), expected.is_some(), "{whole:?} {minimum}");
        let expected = expected.map_or(vec![whole], Vec::from);
        let expected = if whole.0 == whole.1 { vec![] } else { expected };
        assert_eq!(pieces(&plan), expected, "{whole:?} {overlap} {minimum}");
    }
}

const DAY: i64 = 86_400_000;

#[test]
fn halves_begin_at_whole_seconds_where_they_can() {
    for (millis, minimum, middle) in [
        (10_000, 1, Some(5_000)),
        (11_000, 1, Some(5_000)),
        (11_000, 5_500, Some(5_500)),
        (1_500, 1, Some(750)),
        // At whole days, hours and minutes too.
        (31 * DAY, 1, Some(15 * DAY)),
        (3 * DAY, 1, Some(DAY)),
        (3 * DAY, DAY as u64 * 3 / 2, Some(DAY * 3 / 2)),
        (DAY, 1, Some(DAY / 2)),
        (DAY / 8, 1, Some(DAY / 24)),
        (90_000 * 2 + 10_000, 1, Some(60_000)),
        (2, 1, Some(1)),
        (3, 0, Some(1)),
        (1, 0, None),
    ] {
        let whole = Interval::new(at(0), at(0) + TimeDelta::milliseconds(millis));
        let halves = halves(whole, Duration::ZERO, Duration::from_millis(minimum));
        let found = halves.map(|[first, second]| {
            assert_eq!(first.end(), second.start());
            (first.end() - at(0)).num_milliseconds()
        });
        assert_eq!(found, middle, "{millis}");
    }
}

#[test]
fn pieces_are_gone_through_in_order() {
    let mut plan = Plan::new(range(0, 40), minutes(10), minutes(0)).expect("a plan");
    assert_eq!(plan.next(), Some(0));
    plan.set(0, PieceState::Running);
    plan.set(1, PieceState::Running);
    assert_eq!(plan.next(), Some(2));
    plan.set(0, PieceState::Done);
    plan.split(1, minutes(1)).expect("halves");
    assert_eq!(pieces(&plan), [(0, 10), (10, 15), (15, 20), (20, 30), (30, 40)]);
    assert_eq!((plan.next(), plan.done(), plan.is_done()), (Some(1), 1, false));

    // What was begun is begun again.
    plan.set(1, PieceState::Running);
    plan.reset();
    assert_eq!((plan.next(), plan.done()), (Some(1), 1));

    let alone = plan.only(0);
    assert_eq!((pieces(&alone), alone.next()), (vec![(0, 10)], Some(0)));
    assert_eq!((plan.only(9).pieces().len(), alone.range()), (0, plan.range()));
    for piece in 1..5 {
        plan.set(piece, PieceState::Done);
    }
    assert_eq!((plan.next(), plan.is_done()), (None, true));
}

#[test]
fn plans_are_written_and_read() {
    let mut plan = Plan::new(range(0, 30), minutes(20), minutes(1)).expect("a plan");
    (plan.operation, plan.fingerprint) = ("postQuery".to_owned(), u64::MAX);
    plan.set(0, PieceState::Running);
    let text = serde_json::to_string(&plan).expect("a text");
    assert_eq!(
        text,
        r#"{"version":1,"operation":"postQuery","fingerprint":"ffffffffffffffff","start":"2024-05-01T00:00:00.000Z","end":"2024-05-01T00:30:00.000Z","overlapMilliseconds":60000,"pieces":[{"start":"2024-05-01T00:00:00.000Z","end":"2024-05-01T00:20:00.000Z","state":"running"},{"start":"2024-05-01T00:19:00.000Z","end":"2024-05-01T00:30:00.000Z","state":"todo"}]}"#
    );
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan"), plan);
    for (from, to, why) in [
        (r#""version":1"#, r#""version":2"#, "a plan of version 2; only version 1 is known"),
        ("todo", "paused", "a piece of an unknown state"),
        (r#""operation":"postQuery","#, "", "missing field `operation`"),
        ("ffffffffffffffff", "soon", "invalid digit"),
        (r#":60000"#, ":-1", "an overlap that is less than none"),
        // Reversed, before and after the range, and not in order.
        (r#"00:20:00.000Z","state"#, r#"00:00:00.000Z","state"#, "is out of place"),
        (r#"[{"start":"2024-05-01"#, r#"[{"start":"2024-04-30"#, "is out of place"),
        (r#"00:30:00.000Z","state"#, r#"00:31:00.000Z","state"#, "is out of place"),
        (r#"00:20:00.000Z","state"#, r#"00:30:00.000Z","state"#, "is out of place"),
    ] {
        let error = serde_json::from_str::<Plan>(&text.replace(from, to)).expect_err(why);
        assert!(error.to_string().contains(why), "{error}");
    }
}
