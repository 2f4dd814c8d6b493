//! Lists queues from a program without an async runtime.
//!
//! `cargo run --example blocking --features blocking,test-util`

#![allow(clippy::print_stdout)]

use std::error::Error;

use genesys_cloud::test_util::mock::MockOrg;
use genesys_cloud::{Client, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    // A fake org on this machine, with a runtime to run on; `Client::from_env()` connects to a real one.
    let runtime = tokio::runtime::Runtime::new()?;
    let org = runtime.block_on(MockOrg::builder().list("getRoutingQueues", 1_200).start())?;
    let client = Client::of(&org);

    let mut queues = blocking::iter(client.routing().queues().name("Support*").paginate());
    let mut first = None;
    for queue in queues.by_ref() {
        first = first.or(queue?.id);
    }
    let report = queues.get_ref().report();
    println!("{} queues, {}", report.items, report.verdict());

    if let Some(id) = first {
        let queue = blocking::wait(client.routing().queue(&id))?;
        println!("the first is {:?}", queue.value().name);
    }
    Ok(())
}
