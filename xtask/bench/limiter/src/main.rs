//! Calls rate-limited fake orgs as fast as the client allows, and prints the share of the limit that was used and how
//! often it was hit.
//!
//! It runs in real time: on a paused clock, responses would take no time. The first argument is the duration in
//! minutes, the second the latency of responses in milliseconds. All cases run concurrently, each with its own org;
//! they need little CPU.

mod case;
mod figures;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use genesys_cloud_mock::RateLimitHeaders;
use tokio::task::JoinSet;

use crate::case::{Case, Clients, Limit};
use crate::figures::Figures;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let minutes = arguments.next().map_or(Ok(5), |minutes| minutes.parse())?;
    let latency = arguments.next().map_or(Ok(50), |latency| latency.parse())?;
    let mut running = JoinSet::new();
    for (number, case) in cases().into_iter().enumerate() {
        let run = case.run(minutes, Duration::from_millis(latency));
        running.spawn(async move { run.await.map(|samples| (number, case, samples)) });
    }
    let mut done = Vec::new();
    while let Some(run) = running.join_next().await {
        done.push(run??);
    }
    done.sort_by_key(|(number, ..)| *number);

    println!("{minutes} minutes, replies after {latency} ms.\n\n{}", Figures::HEAD);
    let mut missed = 0;
    for (_, case, samples) in &done {
        let figures = Figures::of(case, samples);
        missed += usize::from(figures.is_missed());
        println!("{figures}");
    }
    println!("\n{}", Figures::LEGEND);
    Ok(match missed {
        0 => {
            println!("\nAll targets are met.");
            ExitCode::SUCCESS
        }
        missed => {
            println!("\nCases that miss a target: {missed}.");
            ExitCode::FAILURE
        }
    })
}

/// The cases: first what the API does, then what a gateway may do.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let limits = [Limit::Window, Limit::Bucket];
    for rate in [5, 50, 300] {
        for limit in limits {
            for clients in [Clients::One, Clients::Two] {
                cases.push(Case { rate, limit, clients, headers: RateLimitHeaders::Inin });
            }
        }
    }
    for headers in [RateLimitHeaders::Gateway, RateLimitHeaders::None] {
        for rate in [5, 50] {
            for limit in limits {
                cases.push(Case { rate, limit, clients: Clients::One, headers });
            }
        }
    }
    cases
}
