//! Lists queues from a program without an async runtime.
//!
//! `cargo run -p genesys-cloud --example blocking`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::blocking;
use genesys_cloud::test_util::mock::MockOrg;

fn main() -> Result<(), Box<dyn Error>> {
    // Only the fake org needs a runtime of the program; with a real one, this is `Client::from_env()?`.
    let runtime = tokio::runtime::Runtime::new()?;
    let fake = MockOrg::builder().list("getRoutingQueues", 1_200);
    let (client, _fake) = runtime.block_on(support::connect(fake))?;

    let mut queues = blocking::iter(client.routing().queues().name("Support*").paginate());
    let mut largest = None;
    for queue in queues.by_ref() {
        let queue = queue?;
        largest = largest.max(Some((queue.member_count, queue.id)));
    }
    let report = queues.get_ref().report();
    println!("{}: {} queues", report.verdict(), report.items);

    if let Some((Some(members), Some(id))) = largest {
        let queue = blocking::wait(client.routing().queue(&id))?.into_value();
        println!("the largest is {:?} with {members} members", queue.name.unwrap_or_default());
    }
    Ok(())
}
