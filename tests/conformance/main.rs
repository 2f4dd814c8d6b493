//! Drives every list of the API, by its generated call, through every way that a list can behave, and
//! checks the items that come, the requests that are made, and what the report says of them.
//!
//! `cargo test -p genesys-cloud-conformance` prints the table; with `-- getUsers` only the operations
//! whose id has that in it are driven.

#![allow(clippy::print_stdout)] // The table is the result.

mod list;
mod lists;
mod run;
mod table;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use list::List;
use table::Table;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    // Options of the test harness, which this is not, are left aside.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let is_wanted =
        |it: &&List| wanted.is_empty() || wanted.iter().any(|part| it.operation.contains(part));
    let lists: Vec<&'static List> = lists::LISTS.iter().filter(is_wanted).collect();
    let begin = Instant::now();
    let next = AtomicUsize::new(0);
    let worker = || async {
        let mut table = Table::default();
        while let Some(list) = lists.get(next.fetch_add(1, Ordering::Relaxed)) {
            run::all(list, &mut table).await;
        }
        table
    };
    let (mut table, other, third) = tokio::join!(worker(), worker(), worker());
    table.add(other);
    table.add(third);
    print!("{table}");
    println!("{} operations in {:.1} s", lists.len(), begin.elapsed().as_secs_f64());
    if table.failures().is_empty() && !lists.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
