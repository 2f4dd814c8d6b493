use std::collections::BTreeSet;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_mock::{ExpectedOutcome, Lie, MockOrg};

#[tokio::test]
async fn every_lie_applies_to_some_operation() {
    let org = MockOrg::start().await.expect("an org");
    let operations = Catalogue::embedded().operations();
    let used: BTreeSet<Lie> =
        operations.flat_map(|operation| org.lies(&operation.id).expect("lies")).collect();
    let unused: Vec<Lie> = Lie::all().filter(|lie| !used.contains(lie)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[tokio::test]
async fn a_lie_replaces_a_page_until_it_is_stopped() {
    let org = MockOrg::start().await.expect("an org");
    let lies = org.lies("getRoutingQueues").expect("lies");
    let null = lies.iter().find(|lie| lie.to_string() == "Null on page 1").expect("a lie");
    assert_eq!(null.expected(), ExpectedOutcome::Error);
    org.lie("getRoutingQueues", *null).expect("a supported lie");
    let mut client = crate::client::Client::of(&org).await;
    assert_eq!(client.get("/api/v2/routing/queues").await.bytes, "null");
    assert_eq!(org.lies_sent(), 1);
    assert_eq!(org.unsent("getRoutingQueues").expect("a list").len(), 35);
    org.stop_lying();
    client.get("/api/v2/routing/queues").await;
    assert_eq!(org.unsent("getRoutingQueues").expect("a list").len(), 25);
}
