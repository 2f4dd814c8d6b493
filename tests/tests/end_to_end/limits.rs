//! Rate limits and faults that the default settings handle. All waits end immediately.

use std::time::Duration;

use genesys_cloud::types::CreateQueueRequest;
use genesys_cloud::{Client, ClientBuilder, Verdict};
use genesys_cloud_mock::{CannedResponse, ConnectionFault, MockOrg};

use crate::waits::skipping;
use crate::{QUEUES, pages_requested, place};

fn client(org: &MockOrg) -> Client {
    let builder: ClientBuilder = Client::builder();
    let builder = builder.api_url(org.url()).login_url(org.url());
    let builder = builder.credentials(org.client_id(), org.client_secret());
    builder.on_wait(skipping()).build().expect("a client")
}

#[tokio::test]
async fn reads_more_pages_than_a_minute_allows_without_a_429() {
    for (allowed, pages) in [(300, 700), (30, 100), (3, 9), (1, 3)] {
        let org = MockOrg::builder().list(QUEUES, pages * 5).calls_per_minute(allowed);
        let org = org.start().await.expect("an org");
        let client = client(&org);
        let mut queues = client.routing().queues().paginate().page_size(5);
        let mut read = Vec::new();
        while let Some(queue) = queues.try_next().await.expect("no error") {
            read.push(place(&queue));
        }
        assert_eq!(read, Vec::from_iter(1..=pages * 5));
        assert_eq!(queues.report().verdict(), Verdict::Complete);
        // A refused call would occur twice.
        assert_eq!(pages_requested(&org), Vec::from_iter(1..=pages), "{allowed} a minute");
    }
}

#[tokio::test]
async fn reads_a_list_despite_faults() {
    let org = MockOrg::builder().list(QUEUES, 60).start().await.expect("an org");
    let mut queues = client(&org).routing().queues().paginate().page_size(5);
    let faults = [
        CannedResponse::rate_limited(42),
        CannedResponse::error(503, "service.unavailable", "Service Unavailable"),
        CannedResponse { status: 502, headers: vec![], body: "<html>bad gateway</html>".into() },
        CannedResponse::error(504, "authentication.request.timeout", "Timeout"),
        CannedResponse::error(500, "architect.database.throughput.exceeded", "Database too busy."),
        CannedResponse::unauthorized(),
    ];
    let mut faults = faults.into_iter();
    let mut cuts = [ConnectionFault::CutBeforeResponse, ConnectionFault::CutInBody].into_iter();
    let mut read = Vec::new();
    while let Some(queue) = queues.try_next().await.expect("no error") {
        read.push(place(&queue));
        if read.len() % 5 != 1 {
            continue;
        }
        if let Some(fault) = faults.next() {
            org.respond_next(QUEUES, fault).expect("an operation");
        } else if let Some(cut) = cuts.next() {
            org.cut_next(QUEUES, cut).expect("an operation");
        }
    }
    assert_eq!(read, Vec::from_iter(1..=60));
    assert_eq!(queues.report().verdict(), Verdict::Complete);
    // One additional request per fault.
    assert_eq!(pages_requested(&org).len(), 12 + 8);
    assert_eq!(org.logins(), 2);
}

#[tokio::test]
async fn retries_a_create_only_after_a_rate_limit() {
    const POST: &str = "postRoutingQueues";
    let org = MockOrg::start().await.expect("an org");
    let client = client(&org);
    let create = async || {
        let name = Some("Support".to_owned());
        let queue = CreateQueueRequest { name, ..Default::default() };
        client.routing().post_queues(queue).send().await
    };
    org.respond_next(POST, CannedResponse::rate_limited(5)).expect("an operation");
    let response = create().await.expect("a queue");
    assert_eq!(response.attempts(), 2);
    // The wait begins when the response has been read, slightly later than the reference time.
    assert!(response.waited() >= Duration::from_millis(4_900), "{:?}", response.waited());

    let unavailable = CannedResponse::error(503, "service.unavailable", "Service Unavailable");
    org.respond_next(POST, unavailable).expect("an operation");
    assert_eq!(create().await.expect_err("an error").attempts(), 1);
    org.cut_next(POST, ConnectionFault::CutBeforeResponse).expect("an operation");
    assert_eq!(create().await.expect_err("an error").attempts(), 1);
    assert_eq!(org.requests_for(POST).len(), 4);
}
