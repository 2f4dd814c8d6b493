//! Compares random runs with random faults, one for each seed, with the events of the org.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{ErrorKind, OnStale, Verdict, Windows};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::org::{Event as Happened, Org};
use crate::rng::Rng;
use crate::server::{Answer, Server};
use crate::{Event, Events, Query, events, hours, ids, long};

/// The random choices of a run.
#[derive(Clone, Copy, Debug)]
struct Setup {
    by: By,
    start: i64,
    end: i64,
    span: i64,
    overlap: i64,
    /// Whether duplicates are dropped by id.
    by_id: bool,
    /// Whether it is sometimes resumed from its checkpoint.
    stops: bool,
    drops: bool,
    faults: bool,
    prefetch: bool,
}

/// The operation that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Query,
    Jobs,
    /// With a known cap, and a longest interval of a week.
    List,
}

/// Counts of injected faults.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// Jobs that must be submitted again.
    resubmitted: u64,
    /// Errors that reach the caller.
    errors: u64,
}

/// An injected response, or `None` to let the org answer.
fn fault(rng: &mut Rng, request: &crate::server::Received, faults: &mut Faults) -> Option<Answer> {
    let is_submit = request.target == "/jobs";
    let is_status = request.target.starts_with("/jobs/") && !request.target.contains("results");
    let kind = if rng.once_in(8) { rng.next(6) } else { return None };
    match kind {
        // The client retries it.
        0 | 1 => return Some(Answer::json(429, "{}").header("retry-after", "1")),
        2 if is_status => {
            faults.resubmitted += 1;
            faults.errors += 1;
            return Some(Answer::json(200, r#"{"state":"FAILED","errorMessage":"Out of luck"}"#));
        }
        3 if is_submit => {
            faults.resubmitted += 1;
            faults.errors += 1;
            return Some(Answer::json(202, "{}"));
        }
        4 if !is_submit => {
            // A GET is retried if its response can't be read.
            faults.errors += u64::from(request.method == "POST");
            return Some(Answer::json(200, "<html>"));
        }
        _ => {}
    }
    faults.errors += 1;
    Some(Answer::json(403, "{}"))
}

struct Scene {
    org: Org,
    expected: Vec<u64>,
    setup: Setup,
}

fn scene(rng: &mut Rng) -> Scene {
    let by = [By::Query, By::Jobs, By::List][rng.next(3) as usize];
    let by_id = by != By::List && !rng.once_in(4);
    let lasting = by_id && rng.once_in(2);
    let (start, length) = (rng.next(200), 1 + rng.next(300));
    let happened = (0..rng.next(120).unsigned_abs()).map(|id| {
        let from = start - 40 + rng.next(length.unsigned_abs() + 80);
        let lasts = if lasting && rng.once_in(3) { rng.next(40) } else { 0 };
        Happened { id, from, to: from + lasts }
    });
    let happened: Vec<Happened> = happened.collect();
    // Without ids, a partly delivered window can't be split.
    let cap = match by {
        By::List => 20,
        By::Query | By::Jobs if by_id => 20 + rng.next(60) as usize,
        By::Query | By::Jobs => 100_000,
    };
    let states = [&["FULFILLED"][..], &["QUEUED", "PENDING", "FULFILLED"], &["NEW", "FULFILLED"]];
    let org = Org {
        cap,
        counts: by == By::List || rng.once_in(2),
        longest: [31 * 24, 31 * 24, 7 * 24, 40][rng.next(4) as usize],
        states: states[rng.next(3) as usize].to_vec(),
        ..Org::of(happened)
    };
    let span = 10 + rng.next(300);
    let end = start + length;
    let mut expected: Vec<u64> =
        org.events.iter().filter(|event| event.is_in(start, end)).map(|event| event.id).collect();
    expected.sort_unstable();
    let setup = Setup {
        by,
        start,
        end,
        span,
        overlap: if by_id { rng.next(10) } else { 0 },
        by_id,
        stops: rng.once_in(2),
        drops: rng.once_in(2),
        faults: rng.once_in(2),
        prefetch: rng.once_in(3),
    };
    Scene { org, expected, setup }
}

fn range(api: &Events, setup: Setup, rng: &mut Rng) -> Windows<Event> {
    let query = Query::default();
    let hours = hours(setup.start, setup.end);
    let windows = match setup.by {
        By::Query => api.query(query).windows(hours),
        By::Jobs => api.jobs(query).windows(hours),
        By::List => api.listed().windows(hours),
    };
    let windows = windows
        .span(long(setup.span.unsigned_abs()))
        .overlap(long(setup.overlap.unsigned_abs()))
        .concurrency(1 + rng.next(4) as usize)
        .prefetch(if setup.prefetch { rng.next(3) as usize } else { 0 });
    if setup.by_id { windows } else { windows.keep_duplicates() }
}

/// Serializes and deserializes it.
fn reloaded<T: Serialize + DeserializeOwned + PartialEq + Debug>(whole: &T) -> T {
    let text = serde_json::to_string(whole).expect("JSON");
    let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read, *whole, "{text}");
    read
}

async fn run(seed: u64) {
    let mut rng = Rng(seed);
    let Scene { org, expected, setup } = scene(&mut rng);
    let faults = Arc::new(Mutex::new(Faults::default()));
    let (noted, mut luck) = (faults.clone(), Rng(seed ^ 0xFFFF));
    let server = org
        .serve_but(move |_, request| {
            let mut faults = noted.lock().expect("no panic");
            if setup.faults { fault(&mut luck, request, &mut faults) } else { None }
        })
        .await;
    let api = events(&server);
    let mut windows = range(&api, setup, &mut rng);
    let (mut found, mut errors) = (Vec::new(), 0);
    let what = |windows: &Windows<Event>| format!("{seed}: {setup:?} {:?}", windows.report());
    for step in 0.. {
        assert!(step < 5_000, "no end: {}", what(&windows));
        // Any state can be saved.
        let (checkpoint, plan) = (windows.checkpoint(), windows.plan());
        let checkpoint = reloaded(&checkpoint.expect("a checkpoint"));
        reloaded(&plan.expect("a plan"));
        if setup.stops && rng.once_in(9) {
            assert_eq!(checkpoint.items(), found.len() as u64, "{}", what(&windows));
            windows = range(&api, setup, &mut rng).resume(&checkpoint);
        }
        let next = if setup.drops && rng.once_in(3) {
            let soon = Duration::from_millis(rng.next(3).unsigned_abs());
            match tokio::time::timeout(soon, windows.next()).await {
                Ok(next) => next,
                Err(_) => continue,
            }
        } else {
            windows.next().await
        };
        match next {
            Some(Ok(event)) => found.push(event),
            Some(Err(error)) => {
                assert!(
                    error.kind() != ErrorKind::WindowTooLarge
                        && error.kind() != ErrorKind::StaleCheckpoint
                        && error.kind() != ErrorKind::CheckpointMismatch,
                    "{error}: {}",
                    what(&windows)
                );
                errors += 1;
                if error.is_outcome_unknown() {
                    // The job is not resubmitted until the caller allows it.
                    let again = windows.next().await.expect("an error").expect_err("the same");
                    assert!(again.is_outcome_unknown(), "{again}");
                    let checkpoint = reloaded(&windows.checkpoint().expect("a checkpoint"));
                    windows =
                        range(&api, setup, &mut rng).resume(&checkpoint).on_stale(OnStale::Restart);
                }
            }
            None => break,
        }
    }
    let mut found = ids(found);
    found.sort_unstable();
    assert_eq!(found, expected, "{}", what(&windows));
    let report = windows.report();
    assert_eq!(report.verdict(), Verdict::Complete, "{}", what(&windows));
    assert_eq!(report.items, expected.len() as u64, "{}", what(&windows));
    assert_eq!(report.windows_done, report.windows, "{}", what(&windows));
    assert_eq!(report.ids_forgotten, 0, "{}", what(&windows));
    let plan = windows.plan().expect("a plan");
    assert!(plan.is_done());
    let faults = *faults.lock().expect("no panic");
    if !setup.stops {
        assert_eq!(errors, faults.errors, "{}", what(&windows));
        check_calls(&server, setup, &faults, &what(&windows));
        if !setup.prefetch {
            let received = server.received().len() as u64;
            assert_eq!(report.requests + report.retries, received, "{}", what(&windows));
        }
    } else if setup.by_id {
        // Without ids, a partly delivered job that fails keeps failing.
        assert!(errors <= faults.errors, "{}", what(&windows));
    }
    if !setup.faults {
        // The windows can be read alone, in any order.
        let mut alone = Vec::new();
        for window in (0..plan.windows().len()).rev() {
            let mut windows = range(&api, setup, &mut rng).resume(reloaded(&plan.only(window)));
            alone.extend(crate::all(&mut windows).await);
        }
        alone.sort_unstable();
        if setup.by_id {
            alone.dedup();
        }
        assert_eq!(alone, expected, "{}", what(&windows));
    }
}

/// Checks that no job was submitted twice.
fn check_calls(server: &Server, setup: Setup, faults: &Faults, what: &str) {
    if setup.by != By::Jobs || setup.faults {
        return;
    }
    let mut bodies: Vec<String> = server
        .received()
        .into_iter()
        .filter(|request| request.method == "POST")
        .map(|request| request.body)
        .collect();
    let submits = bodies.len();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(submits, bodies.len(), "{faults:?} {what}");
}

#[tokio::test(start_paused = true)]
async fn delivers_each_record_once_despite_random_faults() {
    let mut failed = Vec::new();
    for seed in seeds() {
        if tokio::spawn(run(seed)).await.is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
}

/// The seeds to run. `WINDOWS_SEEDS=80..5000` selects others.
fn seeds() -> std::ops::Range<u64> {
    let wanted = std::env::var("WINDOWS_SEEDS").ok();
    let wanted = wanted.as_deref().and_then(|seeds| seeds.split_once(".."));
    let number = |text: &str| text.parse().expect("a number");
    wanted.map_or(0..80, |(first, end)| number(first)..number(end))
}
