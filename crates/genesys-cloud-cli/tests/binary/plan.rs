//! `export --plan`.

use genesys_cloud_mock::MockOrg;
use tempfile::tempdir;

use crate::run;

const SCAN: &str = "getExternalcontactsScanContacts";

#[tokio::test]
async fn a_plan_estimates_and_writes_nothing() {
    let org = MockOrg::builder()
        .list("getRoutingQueues", 50_000)
        .list(SCAN, 1_000)
        .calls_per_minute(300)
        .start()
        .await
        .unwrap();
    let folder = tempdir().unwrap();
    for (arguments, parts) in [
        (
            &["routing.queues", "--out", "q.jsonl", "--page-size", "100"][..],
            &[
                "routing.queues, GET /api/v2/routing/queues (getRoutingQueues)",
                "scheme      PageNumber",
                "records     50,000",
                "pages       500 of 100",
                "calls       500",
                "of 300 calls left",
                " s, by the rate limit",
            ][..],
        ),
        (&["routing.queues"], &["records     50,000", "pages       100 of 500", "calls       100"]),
        (&["routing.queues", "--limit", "750"], &["records     750", "pages       2 of 500"]),
        (&["routing.queues", "--page-size", "10"], &["pages       5,000 of 10", "at least 16 min"]),
        // Pages with tokens and without counts.
        (
            &[SCAN],
            &[
                "scheme      CursorsObject",
                "records     not reported by the API; the first page has 200",
                "calls       1 per 200 records",
                "1 min per 60,000 records",
            ],
        ),
        (&[SCAN, "--limit", "500"], &["records     at most 500", "calls       at least 3"]),
        (&["oauth.clients"], &["pages       1", "calls       1\n", "no wait for the rate limit"]),
        (
            &["analytics.conversations_details_jobs", "--interval", "2024-01-01/2025-01-01"],
            &[
                "scheme      a job of the family analytics-conversations-details",
                "in 12 windows of 31d",
                "by conversationId",
                "calls       at least 36",
                "calls left",
                "the run time of a job is not known",
            ],
        ),
        (
            &["analytics.conversations_details_jobs", "--body", "b.json"],
            &[
                "pages       not known before the job is done",
                "calls       at least 3",
                "calls left",
            ],
        ),
        (
            &[
                "analytics.conversations_details_query",
                "--interval",
                "2024-01-01/2024-01-31",
                "--window",
                "1h",
            ],
            &[
                "BodyPagingTotalHits",
                "in 720 windows of 1h",
                "calls       at least 720",
                " min, by the rate limit",
            ],
        ),
    ] {
        std::fs::write(folder.path().join("b.json"), "{}").unwrap();
        let plan = [&["export"], arguments, &["--plan"]].concat();
        let plan = run(Some(&org), folder.path(), &plan).await;
        for part in parts {
            assert!(plan.done().contains(part), "{arguments:?} {part}: {}", plan.out);
        }
    }
    // Only the first page of a list is read. No job is submitted.
    assert_eq!(org.requests_for("getRoutingQueues").len(), 4);
    assert_eq!(org.requests_for("postAnalyticsConversationsDetailsJobs").len(), 0);
    assert_eq!(org.requests_for("postAnalyticsConversationsDetailsQuery").len(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "b.json alone");
}
