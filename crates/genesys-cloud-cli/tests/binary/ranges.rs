//! Relative time ranges.

use genesys_cloud_core::Interval;
use genesys_cloud_mock::MockOrg;
use serde_json::Value;
use tempfile::tempdir;

use crate::resume::killed;
use crate::{keys, read, report, run};

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
        assert_eq!(asked(&org), expected);
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
    let org = MockOrg::builder().list(DETAILS, 300).start().await.unwrap();
    let folder = tempdir().unwrap();
    let out = folder.path().join("c.jsonl");
    let export = ["export", DETAILS, "--interval", "-2d/now", "--out", "c.jsonl", "--batch", "20"];
    assert!(killed(&org, folder.path(), &export, "saved", 2).await);
    let begun = asked(&org);
    // Another range is another export, even if it has the same words in another zone.
    for other in
        [&["--interval", "-1d/now"][..], &["--interval", "-2d/now", "--time-zone", "Asia/Tokyo"]]
    {
        let words = [&["export", DETAILS, "--out", "c.jsonl", "--resume"][..], other].concat();
        let refused = run(Some(&org), folder.path(), &words).await;
        assert_eq!(refused.code, Some(2), "{}", refused.err);
        assert!(refused.err.contains("--restart"), "{}", refused.err);
    }
    let resumed = run(Some(&org), folder.path(), &[&export[..], &["--resume"]].concat()).await;
    resumed.done();
    let said = format!("--interval -2d/now is {begun} (UTC), as in the interrupted run\n");
    assert!(resumed.err.starts_with(&said), "{}", resumed.err);
    assert_eq!(report(&out)["interval"], begun);
    let mut found = keys(&read(&out));
    let mut truth = org.expected(DETAILS).unwrap().records;
    found.sort();
    truth.sort();
    assert_eq!(found, truth);
}

#[tokio::test]
async fn a_restarted_export_has_a_new_interval() {
    let org = MockOrg::builder().list(DETAILS, 300).start().await.unwrap();
    let folder = tempdir().unwrap();
    let export = ["export", DETAILS, "--interval", "-2d/now", "--out", "c.jsonl", "--batch", "20"];
    for restart in [&["--restart"][..], &["--resume-or-restart", "--max-age", "0s"]] {
        assert!(killed(&org, folder.path(), &export, "saved", 2).await);
        let begun: Interval = asked(&org).parse().unwrap();
        let done = run(Some(&org), folder.path(), &[&export[..], restart].concat()).await;
        done.done();
        let later = report(&folder.path().join("c.jsonl"));
        let later: Interval = later["interval"].as_str().unwrap().parse().unwrap();
        assert!(later.end() > begun.end(), "{}", done.err);
        std::fs::remove_file(folder.path().join("c.jsonl")).unwrap();
    }
}

#[tokio::test]
async fn a_list_of_lists_resumes_with_the_interval_of_its_parents() {
    let org = MockOrg::builder().list(DETAILS, 40).start().await.unwrap();
    let folder = tempdir().unwrap();
    let mut words = vec!["export", "getConversationRecordings", "--for-each", DETAILS];
    words.extend(["--bind", "conversationId=conversationId", "--interval", "-2d/now"]);
    words.extend(["--out", "r.jsonl", "--batch", "5"]);
    assert!(killed(&org, folder.path(), &words, "saved", 2).await);
    let begun = asked(&org);
    words.push("--resume");
    let resumed = run(Some(&org), folder.path(), &words).await;
    resumed.done();
    let said = format!("--interval -2d/now is {begun} (UTC), as in the interrupted run\n");
    assert!(resumed.err.starts_with(&said), "{}", resumed.err);
    assert_eq!(report(&folder.path().join("r.jsonl"))["interval"], begun);
}

/// The interval of the last request.
fn asked(org: &MockOrg) -> String {
    let asked = org.requests_for(DETAILS);
    let body: Value = serde_json::from_slice(&asked.last().unwrap().body).unwrap();
    body["interval"].as_str().unwrap().to_owned()
}
