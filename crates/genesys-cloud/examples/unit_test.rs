//! Code with unit tests: against the fake org over HTTP, and against replies from a function.
//!
//! `cargo test -p genesys-cloud --example unit_test`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::{Client, Error as ApiError};

/// The names of the queues without members: the code under test.
async fn unstaffed(client: &Client) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    let mut queues = client.routing().queues().paginate();
    while let Some(queue) = queues.try_next().await? {
        if queue.member_count == Some(0) {
            names.extend(queue.name);
        }
    }
    Ok(names)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getRoutingQueues", 700);
    let (client, _fake) = support::connect(fake).await?;
    println!("{} queues without members", unstaffed(&client).await?.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use genesys_cloud::test_util::mock::{CannedResponse, PageOverride};
    use genesys_cloud::test_util::{self, ResponseTemplate};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn finds_queues_without_members() {
        let client = test_util::client(|_| {
            let queues = json!({"total": 2, "pageCount": 1, "pageNumber": 1, "entities": [
                {"name": "Sales", "memberCount": 3}, {"name": "Night", "memberCount": 0},
            ]});
            Ok(ResponseTemplate::new(200).set_body_json(queues))
        });
        assert_eq!(unstaffed(&client).await.expect("a list"), ["Night"]);
    }

    #[tokio::test]
    async fn reads_every_page_and_survives_a_rate_limit() {
        let org = MockOrg::builder().list("getRoutingQueues", 1_200).start().await.expect("an org");
        org.respond_next("getRoutingQueues", CannedResponse::rate_limited(0))
            .expect("an operation");
        let empty = PageOverride::edit(|page| page["entities"][7]["memberCount"] = 0.into());
        org.override_page("getRoutingQueues", 3, empty).expect("a list with numbered pages");
        let names = unstaffed(&Client::of(&org)).await.expect("a list");
        assert!(!names.is_empty());
        assert_eq!(org.requests_for("getRoutingQueues").len(), 4);
    }

    #[tokio::test]
    async fn reports_a_missing_permission() {
        let org = MockOrg::start().await.expect("an org");
        let denied = CannedResponse::error(403, "missing.permissions", "routing:queue:view");
        org.respond_next("getRoutingQueues", denied).expect("an operation");
        let error = unstaffed(&Client::of(&org)).await.expect_err("a missing permission");
        assert_eq!(error.status(), Some(403));
    }
}
