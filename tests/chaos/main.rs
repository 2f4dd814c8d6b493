//! Reads lists, trees of lists and jobs of a fake org while requests fail at random. Nothing may be lost or repeated, the
//! client must not send more requests than the faults require, and every error must have a fault that explains
//! it. Where the org lies, nothing may be lost silently.
//!
//! Each run is determined by its seed. `cargo xtask chaos` executes many, or repeats one.

#![allow(clippy::print_stdout, reason = "the figures are the result")]

mod check;
mod choice;
mod clock;
mod lie;
mod rng;
mod run;
mod start;
mod subject;
mod tally;
mod tree;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use genesys_cloud_mock::MockOrg;
use tokio::runtime::{Builder, Runtime};

use crate::choice::Choice;
use crate::subject::Subjects;
use crate::tally::Tally;

/// The maximum real time of a run.
const LONGEST: Duration = Duration::from_secs(120);

thread_local! {
    /// The panics of this thread, including those in tasks.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Options {
    runs: u64,
    /// The seed of the first run; later runs increment it.
    seed: u64,
    threads: u64,
    /// No run starts after this time.
    end: Option<Instant>,
}

impl Options {
    /// Ignores arguments of the test harness.
    fn of(arguments: impl Iterator<Item = String>) -> Self {
        let mut options = Self { runs: 100, seed: 1, threads: 2, end: None };
        let mut arguments = arguments.skip_while(|it| !it.starts_with("--"));
        while let Some(name) = arguments.next() {
            let mut number = || arguments.next().and_then(|it| it.parse::<u64>().ok());
            match name.as_str() {
                "--runs" => options.runs = number().unwrap_or(options.runs),
                "--seed" => options.seed = number().unwrap_or(options.seed),
                "--threads" => options.threads = number().unwrap_or(2).max(1),
                "--minutes" => {
                    let minutes = Duration::from_secs(60 * number().unwrap_or(1));
                    (options.end, options.runs) = (Some(Instant::now() + minutes), u64::MAX);
                }
                _ => {}
            }
        }
        options
    }
}

/// The current run of a thread: its seed and start.
type Doing = Mutex<Option<(u64, Instant)>>;

fn main() -> ExitCode {
    let options = Options::of(std::env::args().skip(1));
    let begin = Instant::now();
    std::panic::set_hook(Box::new(|panic| {
        PANICS.with_borrow_mut(|panics| panics.push(panic.to_string()));
    }));
    let subjects = match subjects() {
        Ok(subjects) => subjects,
        Err(why) => {
            println!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let next = AtomicU64::new(0);
    let threads = options.threads.min(options.runs);
    let doing: Vec<Doing> = (0..threads).map(|_| Mutex::new(None)).collect();
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let work = |doing| {
            scope.spawn({
                let (options, subjects, next) = (&options, &subjects, &next);
                move || work(options, subjects, next, doing)
            })
        };
        let workers: Vec<_> = doing.iter().map(work).collect();
        while !workers.iter().all(|worker| worker.is_finished()) {
            std::thread::park_timeout(Duration::from_millis(50));
            let mut at_work = doing.iter().filter_map(|doing| *doing.lock().ok()?);
            if let Some((seed, _)) = at_work.find(|(_, since)| since.elapsed() > LONGEST) {
                println!("FAILED seed {seed}: the run does not end\n{}", again(seed));
                std::process::exit(1);
            }
        }
        for worker in workers {
            if let Ok(part) = worker.join() {
                tally.join(part);
            }
        }
    });
    println!("{tally}, in {:.1} s from seed {}", begin.elapsed().as_secs_f64(), options.seed);
    if tally.failures.is_empty() && tally.runs > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(options: &Options, subjects: &Subjects, next: &AtomicU64, doing: &Doing) -> Tally {
    let mut tally = Tally::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= options.runs || options.end.is_some_and(|end| Instant::now() >= end) {
            return tally;
        }
        let seed = options.seed.wrapping_add(number);
        let set = |what| {
            if let Ok(mut doing) = doing.lock() {
                *doing = what;
            }
        };
        set(Some((seed, Instant::now())));
        let choice = Choice::of(seed, subjects);
        if options.runs == 1 {
            println!("seed {seed}: {choice}");
        }
        let result = run(&choice, &mut tally);
        set(None);
        tally.runs += 1;
        if let Err(why) = result {
            println!("FAILED seed {seed}: {why}\n    {choice}\n{}", again(seed));
            tally.failures.push(why);
        }
    }
}

fn runtime() -> Result<Runtime, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())
}

/// Everything that can be read, according to the fake org.
fn subjects() -> Result<Subjects, String> {
    let org = MockOrg::start();
    let org = runtime()?.block_on(org).map_err(|error| error.to_string())?;
    Ok(Subjects::of(&org))
}

fn run(choice: &Choice<'_>, tally: &mut Tally) -> Result<(), String> {
    let runtime = runtime()?;
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(check::check(choice, tally))));
    drop(runtime);
    let panics = PANICS.take();
    match result {
        Ok(result) if panics.is_empty() => result,
        _ => Err(format!("panic: {}", panics.join("; "))),
    }
}

fn again(seed: u64) -> String {
    format!("    to repeat: cargo xtask chaos --runs 1 --seed {seed}")
}
