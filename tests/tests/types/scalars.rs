//! Numbers, dates and enums.

use chrono::{DateTime, NaiveDate, Utc};
use genesys_cloud::OpenEnum as _;
use genesys_cloud::types::{
    Education, Queue, QueueScoringMethod, RoutingRule, RoutingStatus, RoutingStatusStatus,
    ServiceLevel,
};
use serde_json::json;

use crate::{read, refused, there_and_back};

fn member_count(number: &str) -> String {
    format!(r#"{{"memberCount":{number}}}"#)
}

#[test]
fn reads_integers_in_every_notation() {
    for (number, value) in [
        ("0", 0),
        ("-0", 0),
        ("25", 25),
        ("-25", -25),
        ("25.0", 25),
        ("-25.000", -25),
        ("2.5e1", 25),
        ("25E0", 25),
        // Beyond 32 bits despite the document, up to the last 64-bit integer.
        ("4294967296", 4_294_967_296),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        // As text, even where several integers are the same double.
        ("9007199254740991.0", 9_007_199_254_740_991),
        ("9007199254740993.0", 9_007_199_254_740_993),
        (r#""12""#, 12),
        (r#""-1.2e1""#, -12),
        (r#""9007199254740993.0""#, 9_007_199_254_740_993),
    ] {
        let queue: Queue = read(&member_count(number));
        assert_eq!(queue.member_count, Some(value), "{number}");
    }
}

#[test]
fn rejects_numbers_that_are_not_64_bit_integers() {
    for number in [
        "2.5",
        "-0.1",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1e19",
        // These are integers as doubles.
        "1.0000000000000000001",
        "9007199254740993.5",
        "1e300",
        r#""x""#,
        r#""""#,
        r#""2.5""#,
    ] {
        let error = refused::<Queue>(&member_count(number));
        assert!(error.starts_with("memberCount: invalid "), "{number}: {error}");
        assert!(error.contains("expected a 64-bit integer"), "{number}: {error}");
    }
}

#[test]
fn reads_integers_as_floats() {
    let level: ServiceLevel = read(r#"{"percentage":1,"durationMs":20000.0}"#);
    assert_eq!((level.percentage, level.duration_ms), (Some(1.0), Some(20_000)));
    let rule: RoutingRule = read(r#"{"waitSeconds":0.30000000000000004}"#);
    assert_eq!(rule.wait_seconds, Some(0.300_000_000_000_000_04));
    assert_eq!(
        serde_json::to_string(&rule).expect("JSON"),
        r#"{"waitSeconds":0.30000000000000004}"#
    );
}

/// The shortest text of a double reads as that double, and so do longer ones.
#[test]
fn writes_doubles_as_they_were_read() {
    let mut bits: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..10_000 {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        let number = (bits >> 11) as f64 / (1_u64 << 43) as f64;
        let rule: RoutingRule = read(&format!(r#"{{"waitSeconds":{number:?}}}"#));
        assert_eq!(rule.wait_seconds, Some(number));
        let written = serde_json::to_string(&rule).expect("JSON");
        assert_eq!(read::<RoutingRule>(&written).wait_seconds, Some(number), "{written}");
    }
    let rule: RoutingRule = read(r#"{"waitSeconds":31.245270191439438}"#);
    assert_eq!(
        serde_json::to_string(&rule).expect("JSON"),
        r#"{"waitSeconds":31.245270191439438}"#
    );
}

#[test]
fn reads_quoted_numbers_and_booleans() {
    let level: ServiceLevel = read(r#"{"percentage":"0.8"}"#);
    assert_eq!(level.percentage, Some(0.8));
    let queue: Queue = read(r#"{"autoAnswerOnly":"true","suppressInQueueCallRecording":"False"}"#);
    assert_eq!(queue.auto_answer_only, Some(true));
    assert_eq!(queue.suppress_in_queue_call_recording, Some(false));
    for json in [
        r#"{"percentage":"half"}"#,
        r#"{"percentage":""}"#,
        // No double has this value.
        r#"{"percentage":9007199254740993}"#,
    ] {
        let error = refused::<ServiceLevel>(json);
        assert!(error.contains("expected a number that a double can hold"), "{error}");
    }
}

#[test]
fn reads_date_times_in_every_format_and_writes_one() {
    for (text, written) in [
        ("2024-05-01T12:30:00.000Z", "2024-05-01T12:30:00.000Z"),
        ("2024-05-01T12:30:00Z", "2024-05-01T12:30:00.000Z"),
        ("2024-05-01T14:30:00.000+0200", "2024-05-01T12:30:00.000Z"),
        ("2024-05-01T08:30:00-04:00", "2024-05-01T12:30:00.000Z"),
        ("2024-05-01T12:30:00.123", "2024-05-01T12:30:00.123Z"),
        ("2024-05-01 12:30:00", "2024-05-01T12:30:00.000Z"),
        ("2024-05-01T12:30", "2024-05-01T12:30:00.000Z"),
        ("2024-05-01", "2024-05-01T00:00:00.000Z"),
        ("2024-05-01T12:30:00.123456Z", "2024-05-01T12:30:00.123456Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("2024-05-01 12:30:00.000+0000", "2024-05-01T12:30:00.000Z"),
        // Java writes this for its last millisecond.
        ("+292278994-08-17T07:12:55.807Z", "+292278994-08-17T07:12:55.807Z"),
    ] {
        let json = json!({ "dateCreated": text }).to_string();
        assert_eq!(there_and_back::<Queue>(&json), json!({ "dateCreated": written }), "{text}");
    }
    let instant: DateTime<Utc> = "2024-05-01T12:30:00Z".parse().expect("an instant");
    for millis in ["1714566600000", "1714566600000.0", r#""1714566600000""#] {
        let queue: Queue = read(&format!(r#"{{"dateCreated":{millis}}}"#));
        assert_eq!(queue.date_created, Some(instant), "milliseconds since 1970: {millis}");
    }
    let queue: Queue = read(r#"{"dateCreated":9223372036854775807}"#);
    assert_eq!(queue.date_created, Some(DateTime::<Utc>::MAX_UTC), "as late as can be");
}

#[test]
fn rejects_invalid_dates() {
    for text in ["", "soon", "2024-02-30T00:00:00Z", "24:00", "2024-05-01T12:30:00+99:00"] {
        let error = refused::<Queue>(&json!({ "dateCreated": text }).to_string());
        assert!(error.contains("expected a date-time such as 2024-05-01T12:30:00.000Z"), "{error}");
    }
}

#[test]
fn reads_calendar_days_without_a_time_zone() {
    let day = NaiveDate::from_ymd_opt(2024, 5, 1);
    for text in [
        json!("2024-05-01"),
        json!("2024-05-01T23:30:00.000-07:00"),
        json!("2024-05-01T23:30:00.000-0700"),
        json!("2024-05-01 12:30"),
        json!("2024-05-01T00:00:00Z"),
        json!(1_714_566_600_000_i64),
        json!(1_714_566_600_000.0),
    ] {
        let education: Education = read(&json!({ "dateStart": text }).to_string());
        assert_eq!(education.date_start, day, "{text}");
        assert_eq!(
            serde_json::to_value(education).expect("JSON"),
            json!({ "dateStart": "2024-05-01" })
        );
    }
}

#[test]
fn an_enum_keeps_an_unknown_value() {
    for (text, status) in [
        ("IDLE", RoutingStatusStatus::Idle),
        ("idle", RoutingStatusStatus::Unrecognized("idle".to_owned())),
        ("ON_BREAK \u{fc}\"", RoutingStatusStatus::Unrecognized("ON_BREAK ü\"".to_owned())),
        ("", RoutingStatusStatus::Unrecognized(String::new())),
    ] {
        let json = json!({ "status": text });
        let read: RoutingStatus = read(&json.to_string());
        assert_eq!(read.status, Some(status));
        assert_eq!(serde_json::to_value(read).expect("JSON"), json);
    }
}

#[test]
fn enum_values_compare_by_their_text() {
    let unrecognized = RoutingStatusStatus::Unrecognized("IDLE".to_owned());
    assert_eq!(unrecognized, RoutingStatusStatus::Idle);
    assert_ne!(unrecognized, RoutingStatusStatus::OffQueue);
    assert_eq!(RoutingStatusStatus::from("IDLE"), RoutingStatusStatus::Idle);
    assert_eq!(format!("{:>6}|", RoutingStatusStatus::Idle), "  IDLE|");
    assert_eq!(QueueScoringMethod::VALUES, ["TimestampAndPriority", "PriorityOnly"]);
    for value in QueueScoringMethod::VALUES {
        assert_eq!(QueueScoringMethod::from(*value).as_str(), *value);
    }
}
