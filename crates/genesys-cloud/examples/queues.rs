//! Lists the queues with a given prefix and says whether the list is complete.
//!
//! `cargo run -p genesys-cloud --example queues -- Support`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::Verdict;
use genesys_cloud::test_util::mock::MockOrg;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let fake = MockOrg::builder().list("getRoutingQueues", 1_200);
    let (client, _fake) = support::connect(fake).await?;
    let prefix = std::env::args().nth(1).unwrap_or_else(|| "Support".to_owned());

    let mut queues = client.routing().queues().name(format!("{prefix}*")).paginate().prefetch(2);
    while let Some(queue) = queues.try_next().await? {
        println!("{}\t{}", queue.id.unwrap_or_default(), queue.name.unwrap_or_default());
    }

    let report = queues.report();
    eprintln!("{} queues, pages read: {}", report.items, report.pages);
    match report.verdict() {
        Verdict::Complete => Ok(()),
        incomplete => Err(incomplete.to_string().into()),
    }
}
