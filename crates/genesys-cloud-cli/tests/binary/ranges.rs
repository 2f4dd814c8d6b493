//! Relative time ranges.

use genesys_cloud_core::Interval;
use genesys_cloud_mock::{MockOrg, Scenario};
use serde_json::Value;
use tempfile::tempdir;

use crate::{report, run};

const AUDITS: &str = "postAuditsQuery";
const DETAILS: &str = "postAnalyticsConversationsDetailsQuery";

fn interval(report: &Value) -> Interval {
    report["interval"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_day_is_one_of_the_time_zone() {
    let org = MockOrg::start().await.unwrap();
    let folder = tempdir().unwrap();
    let out = folder.path().join("c.jsonl");
    for (range, zone, expected) in [
        ("2026-05-03/P1D", None, "2026-05-03T00:00:00Z/2026-05-04T00:00:00Z"),
        ("2026-05-03/P1D", Some("Europe/Berlin"), "2026-05-02T22:00:00Z/2026-05-03T22:00:00Z"),
        ("2026-03-29/P1D", Some("Europe/Berlin"), "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"),
        ("2026-10-25/P1D", Some("Europe/Berlin"), "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z"),
    ] {
        let mut words = vec!["export", DETAILS, "--interval", range, "--out", "c.jsonl"];
        words.extend(zone.into_iter().flat_map(|zone| ["--time-zone", zone]));
        run(Some(&org), folder.path(), &words).await.done();
        assert_eq!(interval(&report(&out)).to_string(), expected, "{range}");
        let asked = org.requests_for(DETAILS);
        let body: Value = serde_json::from_slice(&asked.last().unwrap().body).unwrap();
        assert_eq!(body["interval"], expected);
    }
    let words =
        ["export", DETAILS, "--interval", "yesterday", "--time-zone", "Europe/Berlin", "--out"];
    let words: Vec<&str> = words.into_iter().chain(["y.jsonl"]).collect();
    let exported = run(Some(&org), folder.path(), &words).await;
    exported.done();
    let yesterday = interval(&report(&folder.path().join("y.jsonl")));
    let said = format!("--interval yesterday is {yesterday} (Europe/Berlin)\n");
    assert!(exported.err.starts_with(&said), "{}", exported.err);
    assert!((23..=25).contains(&(yesterday.length().as_secs() / 3_600)), "{yesterday}");
}

#[tokio::test]
async fn a_resumed_export_has_the_interval_of_the_interrupted_run() {
    let org = MockOrg::builder().list(AUDITS, 60).start().await.unwrap();
    org.scenario(DETAILS, Scenario::RecordAdded).unwrap();
    let folder = tempdir().unwrap();
    let out = folder.path().join("c.jsonl");
    let export = async |options: &[&str]| {
        let words = ["export", DETAILS, "--interval", "-2d/now", "--out", "c.jsonl"];
        let words: Vec<&str> = words.into_iter().chain(options.iter().copied()).collect();
        run(Some(&org), folder.path(), &words).await
    };
    let first = export(&[]).await;
    assert_ne!(first.code, Some(0), "incomplete, so that its state stays: {}", first.err);
    let begun = interval(&report(&out));
    assert!(!first.err.contains("as in the interrupted run"), "{}", first.err);
    org.reset();
    let resumed = export(&["--resume"]).await;
    let said = format!("--interval -2d/now is {begun} (UTC), as in the interrupted run\n");
    assert!(resumed.err.starts_with(&said), "{}", resumed.err);
    assert_eq!(interval(&report(&out)), begun);
    // Another range is another export.
    let restarted = export(&["--restart"]).await;
    let later = interval(&report(&out));
    assert!(later.end() > begun.end(), "{}", restarted.err);
}

#[tokio::test]
async fn a_resume_with_another_range_is_refused() {
    let org = MockOrg::start().await.unwrap();
    org.scenario(DETAILS, Scenario::RecordAdded).unwrap();
    let folder = tempdir().unwrap();
    let export = async |options: &[&str]| {
        let words: Vec<&str> =
            ["export", DETAILS, "--out", "c.jsonl"].iter().chain(options).copied().collect();
        run(Some(&org), folder.path(), &words).await
    };
    let first = export(&["--interval", "yesterday"]).await;
    assert_ne!(first.code, Some(0), "{}", first.err);
    for other in [
        &["--interval", "-1d/now", "--resume"][..],
        &["--interval", "yesterday", "--time-zone", "Asia/Tokyo", "--resume"],
    ] {
        let refused = export(other).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("--restart"), "{}", refused.err);
    }
}
