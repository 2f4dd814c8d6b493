//! Streams queues from a fake org on this machine: `cargo xtask demo`.

#![allow(clippy::print_stdout)] // The output is the demo.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use genesys_cloud::Client;
use genesys_cloud_mock::MockOrg;

const QUEUES: u64 = 5_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let org = MockOrg::builder()
        .list("getRoutingQueues", QUEUES)
        .latency(Duration::from_millis(20))
        .start()
        .await?;
    println!("A fake Genesys Cloud org with {QUEUES} queues listens on {}", org.url());

    let client = Client::builder()
        .api_url(org.url())
        .login_url(org.url())
        .credentials(org.client_id(), org.client_secret())
        .build()?;

    println!("client.routing().queues().paginate()");
    let start = Instant::now();
    let mut queues = client.routing().queues().paginate();
    let mut count = 0;
    while let Some(queue) = queues.try_next().await? {
        count += 1;
        if count <= 3 {
            println!(
                "  {} {:?}: {} members, in division {:?}, changed {}",
                queue.id.unwrap_or_default(),
                queue.name.unwrap_or_default(),
                queue.member_count.unwrap_or_default(),
                queue.division.and_then(|division| division.name).unwrap_or_default(),
                queue.date_modified.unwrap_or_default(),
            );
        }
        if stderr().is_terminal() && count % 100 == 0 {
            let total = queues.report().last_total.unwrap_or_default();
            eprint!("\r  {count} of {total} queues");
            stderr().flush()?;
        }
    }
    let elapsed = start.elapsed();
    if stderr().is_terminal() {
        eprintln!();
    }

    let report = queues.report();
    println!(
        "{}: {count} typed queues in {} pages of {}, {} requests and {} login, {:.2} s",
        report.verdict(),
        report.pages,
        report.page_size_granted.unwrap_or_default(),
        report.requests,
        org.logins(),
        elapsed.as_secs_f64(),
    );

    println!("client.routing().queues().name(\"Support*\").paginate().limit(3)");
    let mut support = client.routing().queues().name("Support*").paginate().limit(3);
    while let Some(queue) = support.try_next().await? {
        println!("  {} {:?}", queue.id.unwrap_or_default(), queue.name.unwrap_or_default());
    }
    org.shutdown().await;

    println!("\nNext:");
    println!(
        "  cargo run -p genesys-cloud --example queues    the same, from your org or a fake one"
    );
    println!("  cargo test --workspace                         all tests, on this machine only");
    println!("  guide/src/getting-started.md                   your first program");
    Ok(())
}
