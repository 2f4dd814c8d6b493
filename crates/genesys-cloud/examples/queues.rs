//! Lists queues by name and says whether the list is complete.
//!
//! `cargo run --example queues --features test-util`

#![allow(clippy::print_stdout)]

use std::error::Error;

use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::{Client, Verdict};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A fake org on this machine; `Client::from_env()` connects to a real one.
    let org = MockOrg::builder().list("getRoutingQueues", 1_200).start().await?;
    let client = Client::of(&org);

    let mut queues = client.routing().queues().name("Support*").paginate().prefetch(2);
    while let Some(queue) = queues.try_next().await? {
        println!("{} {:?}", queue.id.unwrap_or_default(), queue.name.unwrap_or_default());
    }
    let report = queues.report();
    match report.verdict() {
        Verdict::Complete => println!("{} queues in {} pages", report.items, report.pages),
        other => println!("not known to be complete: {other}"),
    }
    Ok(())
}
