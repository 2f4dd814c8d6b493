//! Drives every list and every job of the API, by its generated call, through every way that it can behave,
//! and checks the items that come, the requests that are made, and what the report says of them.
//!
//! `cargo test -p genesys-cloud-conformance` prints the tables; with `-- getUsers` only the operations
//! whose id has that in it are driven.

#![allow(clippy::print_stdout)] // The tables are the result.

mod job;
mod job_case;
mod job_run;
mod list;
mod lists;
mod run;
mod submits;
mod table;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use job::Submit;
use list::List;
use table::Table;
use tokio::runtime;

fn main() -> ExitCode {
    // Options of the test harness, which this is not, are left aside.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let is_wanted = |operation: &str| {
        wanted.is_empty() || wanted.iter().any(|part| operation.contains(part.as_str()))
    };
    let lists: Vec<&List> = lists::LISTS.iter().filter(|it| is_wanted(it.operation)).collect();
    let submits = submits::SUBMITS.iter().filter(|it| is_wanted(it.operation));
    let submits: Vec<&Submit> = submits.collect();
    let mut passed = !lists.is_empty() || !submits.is_empty();
    if !lists.is_empty() {
        let begin = Instant::now();
        let table = drive_lists(&lists);
        print!("{table}");
        println!("{} lists in {:.1} s\n", lists.len(), begin.elapsed().as_secs_f64());
        passed &= table.failures().is_empty();
    }
    if !submits.is_empty() {
        let begin = Instant::now();
        let table = drive_jobs(&submits);
        print!("{}", table.as_matrix());
        println!("{} submits of jobs in {:.1} s", submits.len(), begin.elapsed().as_secs_f64());
        passed &= table.failures().is_empty();
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn drive_lists(lists: &[&'static List]) -> Table {
    let next = AtomicUsize::new(0);
    let worker = || async {
        let mut table = Table::default();
        while let Some(list) = lists.get(next.fetch_add(1, Ordering::Relaxed)) {
            run::all(list, &mut table).await;
        }
        table
    };
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (mut table, other, third) = tokio::join!(worker(), worker(), worker());
        table.add(other);
        table.add(third);
        table
    })
}

/// Two at a time, each by a clock of its own, which moves on whenever nothing else does.
fn drive_jobs(submits: &[&'static Submit]) -> Table {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut runtime = runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut table = Table::default();
            while let Some(submit) = submits.get(next.fetch_add(1, Ordering::Relaxed)) {
                job_run::all(submit, &mut table).await;
            }
            table
        })
    };
    std::thread::scope(|threads| {
        let other = threads.spawn(worker);
        let mut table = worker();
        table.add(other.join().expect("a table"));
        table
    })
}
