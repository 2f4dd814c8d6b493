use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::client::OrgIdentity;

fn cut(whole: Interval, span: Duration, overlap: Duration) -> Result<Plan, String> {
    let parts = [("the field `name` of the body".to_owned(), u64::MAX)].into();
    let org = OrgIdentity::of("https://api.example.com");
    let subject = RequestFingerprint { org, operation: "postQuery".to_owned(), spec: 7, parts };
    Plan::new(Arc::new(subject), whole, span, overlap)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// Minutes after midnight.
fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(19_844) + TimeDelta::minutes(minute)
}

fn range(start: i64, end: i64) -> Interval {
    Interval::new(at(start), at(end))
}

/// The windows in minutes after midnight.
fn windows(plan: &Plan) -> Vec<(i64, i64)> {
    let minute = |time: DateTime<Utc>| (time - at(0)).num_minutes();
    let windows = plan.windows().iter();
    windows
        .map(|window| (minute(window.interval().start()), minute(window.interval().end())))
        .collect()
}

#[test]
fn cuts_a_range_into_windows() {
    for (whole, span, overlap, expected) in [
        ((0, 0), 10, 0, vec![]),
        ((0, 7), 10, 0, vec![(0, 7)]),
        ((0, 10), 10, 0, vec![(0, 10)]),
        ((0, 11), 10, 0, vec![(0, 10), (10, 11)]),
        ((5, 35), 10, 0, vec![(5, 15), (15, 25), (25, 35)]),
        // The overlap counts towards the span, and never extends beyond the range.
        ((0, 25), 10, 3, vec![(0, 10), (7, 17), (14, 24), (21, 25)]),
        ((0, 10), 10, 3, vec![(0, 10)]),
        ((0, 17), 10, 3, vec![(0, 10), (7, 17)]),
        ((0, 12), 10, 9, vec![(0, 10), (1, 11), (2, 12)]),
    ] {
        let plan = cut(range(whole.0, whole.1), minutes(span), minutes(overlap));
        assert_eq!(windows(&plan.expect("a plan")), expected, "{whole:?} {span} {overlap}");
    }
}

#[test]
fn rejects_ranges_that_can_not_be_cut() {
    for (whole, span, overlap, why) in [
        ((1, 0), minutes(1), minutes(0), "ends before it begins"),
        ((0, 9), minutes(1), minutes(1), "must be longer than the overlap"),
        ((0, 9), minutes(1), minutes(2), "must be longer than the overlap"),
        ((0, 9), Duration::ZERO, Duration::ZERO, "must be longer than the overlap"),
        ((0, 9), Duration::from_micros(1), Duration::ZERO, "must be longer than the overlap"),
        ((0, 200_000), minutes(2), Duration::ZERO, "more than 100000 windows"),
    ] {
        let error = cut(range(whole.0, whole.1), span, overlap).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
    let ages = Interval::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let plan = cut(ages, Duration::MAX, Duration::ZERO).expect("a plan");
    assert_eq!(plan.windows().len(), 1);
}

#[test]
fn splits_a_window_into_halves() {
    for (whole, overlap, minimum, expected) in [
        ((0, 8), 0, 1, Some([(0, 4), (4, 8)])),
        ((0, 8), 0, 4, Some([(0, 4), (4, 8)])),
        ((0, 8), 0, 5, None),
        ((0, 8), 1, 1, Some([(0, 4), (3, 8)])),
        // The halves are shorter however long the overlap is.
        ((0, 8), 99, 1, Some([(0, 4), (2, 8)])),
        ((0, 0), 0, 0, None),
    ] {
        let mut plan =
            cut(range(whole.0, whole.1), minutes(100), minutes(overlap)).expect("a plan");
        let split = plan.split(0, minutes(minimum));
        assert_eq!(split.is_ok(), expected.is_some(), "{whole:?} {minimum}");
        let expected = expected.map_or(vec![whole], Vec::from);
        let expected = if whole.0 == whole.1 { vec![] } else { expected };
        assert_eq!(windows(&plan), expected, "{whole:?} {overlap} {minimum}");
    }
}

const DAY: i64 = 86_400_000;

#[test]
fn halves_begin_at_whole_days_hours_minutes_or_seconds_if_possible() {
    for (millis, minimum, middle) in [
        (10_000, 1, Some(5_000)),
        (11_000, 1, Some(5_000)),
        (11_000, 5_500, Some(5_500)),
        (1_500, 1, Some(750)),
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
fn the_next_window_is_the_first_todo() {
    let mut plan = cut(range(0, 40), minutes(10), minutes(0)).expect("a plan");
    assert_eq!(plan.operation(), "postQuery");
    assert_eq!(plan.next(), Some(0));
    plan.set(0, WindowState::Running);
    plan.set(1, WindowState::Running);
    assert_eq!(plan.next(), Some(2));
    plan.set(0, WindowState::Done);
    plan.split(1, minutes(1)).expect("halves");
    assert_eq!(windows(&plan), [(0, 10), (10, 15), (15, 20), (20, 30), (30, 40)]);
    assert_eq!((plan.next(), plan.windows_done(), plan.is_done()), (Some(1), 1, false));

    // A running window starts over.
    plan.set(1, WindowState::Running);
    plan.reset();
    assert_eq!((plan.next(), plan.windows_done()), (Some(1), 1));

    let alone = plan.only(0);
    assert_eq!((windows(&alone), alone.next()), (vec![(0, 10)], Some(0)));
    assert_eq!((plan.only(9).windows().len(), alone.range()), (0, plan.range()));
    for window in 1..5 {
        plan.set(window, WindowState::Done);
    }
    assert_eq!((plan.next(), plan.is_done()), (None, true));
}

#[test]
fn halves_are_shorter_than_the_whole_down_to_a_millisecond() {
    let mut plan = cut(
        Interval::new(at(0), at(0) + TimeDelta::milliseconds(2)),
        minutes(1),
        Duration::from_millis(1),
    )
    .expect("a plan");
    plan.split(0, Duration::ZERO).expect("halves");
    let lengths = plan.windows().iter().map(|window| window.interval().length().as_millis());
    assert_eq!(lengths.collect::<Vec<_>>(), [1, 1]);
    assert_eq!(kept(&plan), plan);
    assert_eq!(plan.split(0, Duration::ZERO), Err(Unsplit::TooShort));
}

#[test]
fn a_plan_never_has_more_than_100000_windows() {
    let most = MAX_WINDOWS as usize;
    let mut plan = cut(range(0, 2 * most as i64 - 2), minutes(2), minutes(0)).expect("a plan");
    assert_eq!(plan.windows().len(), most - 1);
    assert!(plan.split_all(minutes(2), minutes(1), |_| false).is_empty());
    plan.split(0, minutes(1)).expect("halves");
    assert_eq!(plan.split(5, minutes(1)), Err(Unsplit::TooMany));
    assert_eq!(plan.windows().len(), most);
    assert_eq!(kept(&plan), plan);
    // Half as many can all be split.
    let mut plan = cut(range(0, most as i64), minutes(2), minutes(0)).expect("a plan");
    assert_eq!(plan.split_all(minutes(2), minutes(1), |_| false).len(), most / 2);
    assert_eq!(plan.windows().len(), most);
}

fn kept(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).expect("a text")).expect("a plan")
}

#[test]
fn serializes_equal_windows_as_one_run() {
    let mut plan = cut(range(0, 30), minutes(20), minutes(1)).expect("a plan");
    plan.set(0, WindowState::Running);
    assert_eq!(
        serde_json::to_string(&plan).expect("a text"),
        r#"{"version":2,"call":{"org":{"baseUrl":"https://api.example.com"},"operation":"postQuery","listing":"0000000000000007","parameters":{"the field `name` of the body":"ffffffffffffffff"}},"start":"2024-05-01T00:00:00.000Z","end":"2024-05-01T00:30:00.000Z","overlapMilliseconds":60000,"windows":[{"from":0,"span":1200000,"state":"running"},{"from":1140000,"span":660000,"state":"todo"}]}"#
    );
    let runs = |plan: &Plan| {
        let value = serde_json::to_value(plan).expect("JSON");
        value["windows"].as_array().expect("runs").len()
    };
    // A year in windows of ten minutes, half of them done.
    let mut plan = cut(range(0, 365 * 24 * 60), minutes(10), minutes(0)).expect("a plan");
    for window in 0..26_000 {
        plan.set(window, WindowState::Done);
    }
    plan.set(26_000, WindowState::Running);
    assert_eq!((plan.windows().len(), runs(&plan)), (52_560, 3));
    assert!(serde_json::to_string(&plan).expect("a text").len() < 600);
    assert_eq!(kept(&plan), plan);
    plan.split(40_000, minutes(1)).expect("halves");
    assert_eq!(runs(&plan), 5);
    assert_eq!(kept(&plan), plan);
}

#[test]
fn every_plan_survives_a_round_trip() {
    let ages = Interval::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for (whole, span, overlap) in [
        (range(0, 0), minutes(1), minutes(0)),
        (range(0, 100), minutes(10), minutes(9)),
        (range(0, 100), minutes(30), Duration::from_micros(1500)),
        (range(0, 100), minutes(100), minutes(99)),
        (range(0, 100), Duration::MAX, Duration::MAX - minutes(1)),
        (ages, Duration::MAX, Duration::ZERO),
    ] {
        let mut plan = cut(whole, span, overlap).expect("a plan");
        let mut numbers = 1_u64;
        for step in 0..40 {
            assert_eq!(kept(&plan), plan, "{whole} {step}");
            let windows = plan.windows().len();
            assert_eq!(kept(&plan.only(step % (windows + 1))), plan.only(step % (windows + 1)));
            numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
            let window = (numbers >> 33) as usize % windows.max(1);
            let state = [WindowState::Todo, WindowState::Running, WindowState::Done][step % 3];
            plan.set(window, state);
            // A window that is too short is fine here.
            let _ = plan.split(window, Duration::ZERO);
        }
        assert!(plan.windows().len() > 30 || whole.length().is_zero(), "{whole}");
    }
}

#[test]
fn rejects_malformed_plans() {
    let mut plan = cut(range(0, 30), minutes(10), minutes(0)).expect("a plan");
    plan.set(0, WindowState::Done);
    let text = serde_json::to_string(&plan).expect("a text");
    for (from, to, why) in [
        (r#""version":2"#, r#""version":1"#, "unsupported plan version 1; expected 2"),
        ("todo", "paused", "a window in an unknown state"),
        (r#""operation":"postQuery","#, "", "its call has no `operation`"),
        (r#""org":{"baseUrl":"https://api.example.com"},"#, "", "its call has no `org`"),
        ("ffffffffffffffff", "soon", "a malformed hash"),
        (r#"Milliseconds":0"#, r#"Milliseconds":-1"#, "a negative overlap"),
        // A gap in the middle, a gap at the end, and windows that intersect without an overlap.
        (r#"{"from":600000"#, r#"{"from":600001"#, "outside its range"),
        (
            r#""span":600000,"state":"done"},{"from":600000,"span":600000,"#,
            r#""span":600000,"state":"done"},{"from":700000,"span":500000,"step":600000,"#,
            "leave out 2024-05-01T00:10:00Z/2024-05-01T00:11:40Z",
        ),
        (r#""count":2"#, r#""count":1"#, "leave out 2024-05-01T00:20:00Z/2024-05-01T00:30:00Z"),
        (r#"{"from":600000"#, r#"{"from":500000"#, "its window 2024-05-01T00:08:20Z"),
        // Before the range, after it, and empty.
        (r#"{"from":0"#, r#"{"from":-1"#, "outside its range"),
        (r#""count":2"#, r#""count":3"#, "outside its range"),
        (r#""count":2"#, r#""count":0"#, "outside its range"),
        (r#""count":2"#, r#""count":-9223372036854775808"#, "outside its range"),
        (r#""count":2"#, r#""count":9223372036854775807"#, "more than 100000 windows"),
        // One too many, with the window before it.
        (r#""count":2"#, r#""count":100000"#, "more than 100000 windows"),
        (r#""span":600000,"state":"done""#, r#""span":0,"state":"done""#, "outside its range"),
        (r#""count":2"#, r#""count":2,"step":-600000"#, "outside its range"),
        (r#""count":2"#, r#""count":2,"step":0"#, "outside its range"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let error = serde_json::from_str::<Plan>(&changed).expect_err(why);
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
}

#[test]
fn a_window_of_one_millisecond_survives_a_round_trip() {
    let whole = Interval::new(at(0), at(20) + TimeDelta::milliseconds(1));
    let plan = cut(whole, minutes(10), minutes(0)).expect("a plan");
    let text = serde_json::to_string(&plan).expect("a text");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan").windows(), plan.windows());

    let all_short = Interval::new(at(0), at(0) + TimeDelta::milliseconds(3));
    let plan = cut(all_short, Duration::from_millis(1), minutes(0)).expect("a plan");
    let text = serde_json::to_string(&plan).expect("a text");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("a plan").windows(), plan.windows());
}
