//! Logs what the client does when requests fail: retries, waits and the calls that they belong to.
//!
//! `cargo run -p genesys-cloud --example retries`

#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;

use genesys_cloud::test_util::mock::{CannedResponse, ConnectionFault, MockOrg};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The client logs retries and waits of a second or more at INFO, calls that failed at WARN, and all calls at DEBUG.
    // Spans follow OpenTelemetry's conventions for HTTP; they hold no tokens, ids or query values.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .without_time()
        .with_writer(std::io::stdout)
        .init();

    let (client, fake) = support::connect(MockOrg::builder().list("getRoutingQueues", 900)).await?;
    if let Some(org) = &fake {
        let busy = CannedResponse::error(503, "service.unavailable", "Service Unavailable");
        org.respond_next("getRoutingQueues", busy)?;
        org.respond_next("getRoutingQueues", CannedResponse::rate_limited(1))?;
        org.cut_next("getRoutingQueue", ConnectionFault::CutBeforeResponse)?;
    }

    let mut queues = client.routing().queues().paginate();
    let mut last = None;
    while let Some(queue) = queues.try_next().await? {
        last = queue.id;
    }
    let report = queues.report();
    println!("{}: {} queues, {} retries", report.verdict(), report.items, report.retries);

    if let Some(id) = last {
        let reply = client.routing().queue(&id).await?;
        println!(
            "one queue: {} attempts, waited {} ms",
            reply.attempts(),
            reply.waited().as_millis()
        );
    }
    Ok(())
}
