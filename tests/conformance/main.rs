//! Runs every list and every job of the API, by its generated call, in every scenario that it supports, and
//! checks the items, the requests and the report. Runs every list with parents as a tree, too.
//!
//! `cargo test -p genesys-cloud-conformance` prints the tables. With `-- getUsers`, only operations whose id
//! contains it are run, with `-- --lies`, only lies, and with `-- --trees`, only trees.

#![allow(clippy::print_stdout)] // The tables are the result.

mod job;
mod job_case;
mod job_lies;
mod job_run;
mod lies;
mod list;
mod lists;
mod run;
mod submits;
mod table;
mod trees;

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use job::Submit;
use list::List;
use table::Table;
use tokio::runtime;
use trees::Tree;

fn main() -> ExitCode {
    // Other options of the test harness are ignored.
    let has = |option: &str| std::env::args().any(|it| it == option);
    let (lies_alone, trees_alone) = (has("--lies"), has("--trees"));
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let is_wanted = |operation: &str| {
        wanted.is_empty() || wanted.iter().any(|part| operation.contains(part.as_str()))
    };
    let all = !wanted.is_empty();
    let lists: Vec<&List> = lists::LISTS.iter().filter(|it| is_wanted(it.operation)).collect();
    let submits = submits::SUBMITS.iter().filter(|it| is_wanted(it.operation));
    let submits: Vec<&Submit> = submits.collect();
    let trees = trees::all(is_wanted);
    let (lists, submits) = if trees_alone { (Vec::new(), Vec::new()) } else { (lists, submits) };
    let mut passed = !lists.is_empty() || !submits.is_empty() || !trees.is_empty();
    let mut drive = |what: String, drive: &dyn Fn() -> Table, as_matrix: bool| {
        let begin = Instant::now();
        let table = drive();
        match as_matrix {
            true => print!("{}", table.as_matrix()),
            false => print!("{table}"),
        }
        println!("{what} in {:.1} s\n", begin.elapsed().as_secs_f64());
        passed &= !table.has_failed();
    };
    if !lists.is_empty() && !lies_alone {
        drive(format!("{} lists", lists.len()), &|| drive_lists(&lists), false);
    }
    if !lists.is_empty() {
        drive("lies of lists".to_owned(), &|| lie_to_lists(&lists, all), false);
    }
    if !trees.is_empty() && !lies_alone {
        drive(format!("{} trees", trees.len()), &|| drive_trees(&trees), false);
    }
    if !submits.is_empty() && !lies_alone {
        drive(format!("{} submits of jobs", submits.len()), &|| drive_jobs(&submits), true);
    }
    if !submits.is_empty() {
        drive("lies about jobs".to_owned(), &|| lie_about_jobs(&submits, all), false);
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn drive_lists(lists: &[&'static List]) -> Table {
    let next = AtomicUsize::new(0);
    in_turns(async || {
        let mut table = Table::default();
        while let Some(list) = lists.get(next.fetch_add(1, Ordering::Relaxed)) {
            run::all(list, &mut table).await;
        }
        table
    })
}

fn drive_trees(trees: &[Tree]) -> Table {
    let next = AtomicUsize::new(0);
    in_turns(async || {
        let (orgs, mut table) = (trees::Orgs::start().await, Table::default());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(tree) = trees.get(number) else { return table };
            trees::run(&orgs, number, tree, &mut table).await;
        }
    })
}

/// Runs `work` three times concurrently, on a real clock.
fn in_turns(work: impl AsyncFn() -> Table) -> Table {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (mut table, other, third) = tokio::join!(work(), work(), work());
        table.add(other);
        table.add(third);
        table
    })
}

fn drive_jobs(submits: &[&'static Submit]) -> Table {
    let next = AtomicUsize::new(0);
    in_two_threads(async || {
        let mut table = Table::default();
        while let Some(submit) = submits.get(next.fetch_add(1, Ordering::Relaxed)) {
            job_run::all(submit, &mut table).await;
        }
        table
    })
}

fn lie_to_lists(lists: &[&'static List], all: bool) -> Table {
    let cases = by_paused_clock(lies::cases(lists, all));
    let next = AtomicUsize::new(0);
    in_two_threads(async || {
        let mut table = Table::of_lies();
        let orgs = lies::Orgs::start().await;
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            lies::run(&orgs, case, &mut table).await;
        }
        table
    })
}

fn lie_about_jobs(submits: &[&'static Submit], all: bool) -> Table {
    let cases = by_paused_clock(job_lies::cases(submits, all));
    let next = AtomicUsize::new(0);
    in_two_threads(async || {
        let mut table = Table::of_lies();
        let org = job_lies::org().await;
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            job_lies::run(&org, case, &mut table).await;
        }
        table
    })
}

/// Runs `work` on a paused clock, which advances whenever nothing else happens.
fn by_paused_clock<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(work)
}

/// Runs `work` in two threads, each with its own clock.
fn in_two_threads(work: impl AsyncFn() -> Table + Sync) -> Table {
    let worker = || by_paused_clock(work());
    std::thread::scope(|threads| {
        let other = threads.spawn(worker);
        let mut table = worker();
        table.add(other.join().expect("a table"));
        table
    })
}
