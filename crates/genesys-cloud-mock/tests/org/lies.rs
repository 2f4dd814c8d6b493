use std::collections::BTreeSet;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_mock::{Due, Lie, MockOrg};

#[tokio::test]
async fn every_lie_can_be_told_by_some_operation() {
    let org = MockOrg::start().await.expect("an org");
    let operations = Catalogue::embedded().operations();
    let told: BTreeSet<Lie> =
        operations.flat_map(|operation| org.lies(&operation.id).expect("lies")).collect();
    let untold: Vec<Lie> = Lie::all().filter(|lie| !told.contains(lie)).collect();
    assert!(untold.is_empty(), "{untold:?}");
}

#[tokio::test]
async fn a_lie_takes_the_place_of_a_page_until_it_ends() {
    let org = MockOrg::start().await.expect("an org");
    let lies = org.lies("getRoutingQueues").expect("lies");
    let null = lies.iter().find(|lie| lie.to_string() == "Null on page 1").expect("a lie");
    assert_eq!(null.due(), Due::Error);
    org.lie("getRoutingQueues", *null).expect("a lie that it can tell");
    let mut client = crate::client::Client::of(&org).await;
    assert_eq!(client.get("/api/v2/routing/queues").await.bytes, "null");
    assert_eq!(org.lies_told(), 1);
    assert_eq!(org.unsent("getRoutingQueues").expect("a list").len(), 35);
    org.stop_lying();
    client.get("/api/v2/routing/queues").await;
    assert_eq!(org.unsent("getRoutingQueues").expect("a list").len(), 25);
}
