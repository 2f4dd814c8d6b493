//! The SDK as seen by its user, over real HTTP with a fake org.

mod calls;
mod entities;
mod limits;
mod login;
mod paging;
mod recovery;
mod responses;
mod secrets;
#[path = "../../../crates/genesys-cloud-core/tests/client/waits.rs"]
mod waits;
mod windows;

use std::time::Duration;

use genesys_cloud::Client;
use genesys_cloud::types::Queue;
use genesys_cloud_mock::{MockOrg, RecordedRequest};

const QUEUES: &str = "getRoutingQueues";

/// An org with this many queues, and a client that logs in there.
async fn queues(count: u64) -> (MockOrg, Client) {
    let org = MockOrg::builder().list(QUEUES, count).start().await.expect("an org");
    let client = logging_in(&org);
    (org, client)
}

fn logging_in(org: &MockOrg) -> Client {
    Client::builder()
        .api_url(org.url())
        .login_url(org.url())
        .credentials(org.client_id(), org.client_secret())
        .build()
        .expect("a client")
}

/// A client without retries: every failure is visible.
fn repeating_nothing(org: &MockOrg) -> Client {
    let builder = Client::builder().api_url(org.url()).access_token(org.access_token());
    builder.max_retries(0).max_rate_limit_wait(Duration::ZERO).build().expect("a client")
}

/// An org, and a client that already has a token: the org receives only the calls of a test.
async fn org() -> (MockOrg, Client) {
    let org = MockOrg::start().await.expect("an org");
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let client = client.build().expect("a client");
    (org, client)
}

/// The only request received.
fn only_request(org: &MockOrg) -> RecordedRequest {
    let [request] = org.requests().try_into().expect("one request");
    request
}

/// The position of a queue in the list of the org, whose queues are named `Support Queue 0001`, `Sales Queue
/// 0002` and so on.
fn place(queue: &Queue) -> u64 {
    let name = queue.name.as_deref().expect("a name");
    let (_, number) = name.rsplit_once(' ').expect("words");
    number.parse().expect("a number")
}

fn places<'a>(queues: impl IntoIterator<Item = &'a Queue>) -> Vec<u64> {
    queues.into_iter().map(place).collect()
}

/// The pages of queues that were requested, in order.
fn pages_requested(org: &MockOrg) -> Vec<u64> {
    let page = |request: &RecordedRequest| {
        let mut pairs = request.query.split('&');
        let number = pairs.find_map(|pair| pair.strip_prefix("pageNumber=")).expect("a page");
        number.parse().expect("a number")
    };
    org.requests_for(QUEUES).iter().map(page).collect()
}
