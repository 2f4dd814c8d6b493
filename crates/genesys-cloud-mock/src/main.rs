//! Runs a fake Genesys Cloud org on loopback until it is interrupted.

#![allow(clippy::print_stdout, reason = "the output is meant for a shell")]

use std::error::Error;

use clap::Parser;
use genesys_cloud_mock::{BehaviorOptions, MockOrg};

/// Run a fake Genesys Cloud org on loopback until interrupted
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Port to listen on; 0 for any free port
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Seed of all generated data
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Length of a list, such as getRoutingQueues=2500; repeat for further lists
    #[arg(long, value_name = "OPERATION=COUNT", value_parser = list)]
    list: Vec<(String, u64)>,

    /// Length of every other paged list
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    default_count: u64,

    /// Size of the page cache, in MiB
    #[arg(long, value_name = "MEGABYTES", default_value_t = 0)]
    page_cache: usize,

    /// Calls that a token may make per minute; the service allows 300
    #[arg(long, value_name = "CALLS", default_value_t = 1_000_000)]
    calls_per_minute: u64,

    #[command(flatten)]
    behavior: BehaviorOptions,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut builder = MockOrg::builder()
        .port(options.port)
        .seed(options.seed)
        .default_count(options.default_count)
        .page_cache(options.page_cache << 20)
        .calls_per_minute(options.calls_per_minute);
    for (operation, count) in options.list {
        builder = builder.list(operation, count);
    }
    let org = options.behavior.apply(builder).start().await?;
    println!("export GENESYS_CLOUD_API_URL={}", org.url());
    println!("export GENESYS_CLOUD_LOGIN_URL={}", org.url());
    println!("export GENESYS_CLOUD_CLIENT_ID={}", org.client_id());
    println!("export GENESYS_CLOUD_CLIENT_SECRET={}", org.client_secret());
    tokio::signal::ctrl_c().await?;
    org.shutdown().await;
    Ok(())
}

fn list(text: &str) -> Result<(String, u64), String> {
    let (operation, count) = text.rsplit_once('=').ok_or("expected OPERATION=COUNT")?;
    let count = count.parse().map_err(|error| format!("invalid count: {error}"))?;
    Ok((operation.to_owned(), count))
}
