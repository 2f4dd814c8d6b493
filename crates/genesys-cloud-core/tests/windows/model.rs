//! Ranges that are read in any way while anything goes wrong, each run by a seed, compared with what the org has.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{ErrorKind, OnStale, Verdict, Windows};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::numbers::Numbers;
use crate::org::{Event as Happened, Org};
use crate::server::{Answer, Server};
use crate::{Event, Events, Query, events, hours, ids, long};

/// How a range is read.
#[derive(Clone, Copy, Debug)]
struct Way {
    by: By,
    start: i64,
    end: i64,
    span: i64,
    overlap: i64,
    /// Whether records are told apart.
    by_id: bool,
    /// Whether it is stopped now and then, and gone on with from its checkpoint.
    stops: bool,
    drops: bool,
    faults: bool,
    prefetch: bool,
}

/// Through what it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Query,
    Jobs,
    /// Of which it is known how many are listed, and that longer intervals than a week are refused.
    List,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// Jobs that have to be submitted once more.
    resubmitted: u64,
    /// Errors that reach the caller.
    errors: u64,
}

/// What is answered in the place of the org's answer, if anything is.
fn fault(
    numbers: &mut Numbers,
    request: &crate::server::Received,
    faults: &mut Faults,
) -> Option<Answer> {
    let is_submit = request.target == "/jobs";
    let is_status = request.target.starts_with("/jobs/") && !request.target.contains("results");
    let kind = if numbers.once_in(8) { numbers.next(6) } else { return None };
    match kind {
        // The client repeats it by itself.
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
            // A GET whose reply cannot be read is sent again.
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
    way: Way,
}

fn scene(numbers: &mut Numbers) -> Scene {
    let by = [By::Query, By::Jobs, By::List][numbers.next(3) as usize];
    let by_id = by != By::List && !numbers.once_in(4);
    let lasting = by_id && numbers.once_in(2);
    let (start, length) = (numbers.next(200), 1 + numbers.next(300));
    let happened = (0..numbers.next(120).unsigned_abs()).map(|id| {
        let from = start - 40 + numbers.next(length.unsigned_abs() + 80);
        let lasts = if lasting && numbers.once_in(3) { numbers.next(40) } else { 0 };
        Happened { id, from, to: from + lasts }
    });
    let happened: Vec<Happened> = happened.collect();
    // Without ids, a window can't be split once some of it has been handed out.
    let cap = match by {
        By::List => 20,
        By::Query | By::Jobs if by_id => 20 + numbers.next(60) as usize,
        By::Query | By::Jobs => 100_000,
    };
    let states = [&["FULFILLED"][..], &["QUEUED", "PENDING", "FULFILLED"], &["NEW", "FULFILLED"]];
    let org = Org {
        cap,
        counts: by == By::List || numbers.once_in(2),
        longest: [31 * 24, 31 * 24, 7 * 24, 40][numbers.next(4) as usize],
        states: states[numbers.next(3) as usize].to_vec(),
        ..Org::of(happened)
    };
    let span = 10 + numbers.next(300);
    let end = start + length;
    let mut expected: Vec<u64> =
        org.events.iter().filter(|event| event.is_in(start, end)).map(|event| event.id).collect();
    expected.sort_unstable();
    let way = Way {
        by,
        start,
        end,
        span,
        overlap: if by_id { numbers.next(10) } else { 0 },
        by_id,
        stops: numbers.once_in(2),
        drops: numbers.once_in(2),
        faults: numbers.once_in(2),
        prefetch: numbers.once_in(3),
    };
    Scene { org, expected, way }
}

fn range(api: &Events, way: Way, numbers: &mut Numbers) -> Windows<Event> {
    let query = Query::default();
    let hours = hours(way.start, way.end);
    let windows = match way.by {
        By::Query => api.query(query).windows(hours),
        By::Jobs => api.jobs(query).windows(hours),
        By::List => api.listed().windows(hours),
    };
    let windows = windows
        .span(long(way.span.unsigned_abs()))
        .overlap(long(way.overlap.unsigned_abs()))
        .concurrency(1 + numbers.next(4) as usize)
        .prefetch(if way.prefetch { numbers.next(3) as usize } else { 0 });
    if way.by_id { windows } else { windows.keep_duplicates() }
}

/// By way of its text, as it is kept.
fn kept<T: Serialize + DeserializeOwned + PartialEq + Debug>(whole: &T) -> T {
    let text = serde_json::to_string(whole).expect("JSON");
    let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read, *whole, "{text}");
    read
}

async fn run(seed: u64) {
    let mut numbers = Numbers(seed);
    let Scene { org, expected, way } = scene(&mut numbers);
    let faults = Arc::new(Mutex::new(Faults::default()));
    let (noted, mut luck) = (faults.clone(), Numbers(seed ^ 0xFFFF));
    let server = org
        .serve_but(move |_, request| {
            let mut faults = noted.lock().expect("no panic");
            if way.faults { fault(&mut luck, request, &mut faults) } else { None }
        })
        .await;
    let api = events(&server);
    let mut windows = range(&api, way, &mut numbers);
    let (mut found, mut errors) = (Vec::new(), 0);
    let what = |windows: &Windows<Event>| format!("{seed}: {way:?} {:?}", windows.report());
    for step in 0.. {
        assert!(step < 5_000, "no end: {}", what(&windows));
        // Whatever it is like, it can be kept.
        let (checkpoint, plan) = (windows.checkpoint(), windows.plan());
        let checkpoint = kept(&checkpoint.expect("a checkpoint"));
        kept(&plan.expect("a plan"));
        if way.stops && numbers.once_in(9) {
            assert_eq!(checkpoint.items(), found.len() as u64, "{}", what(&windows));
            windows = range(&api, way, &mut numbers).resume(&checkpoint);
        }
        let next = if way.drops && numbers.once_in(3) {
            let soon = Duration::from_millis(numbers.next(3).unsigned_abs());
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
                    // It is not made again until the caller has looked.
                    let again = windows.next().await.expect("an error").expect_err("the same");
                    assert!(again.is_outcome_unknown(), "{again}");
                    let checkpoint = kept(&windows.checkpoint().expect("a checkpoint"));
                    windows = range(&api, way, &mut numbers)
                        .resume(&checkpoint)
                        .on_stale(OnStale::Restart);
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
    if !way.stops {
        assert_eq!(errors, faults.errors, "{}", what(&windows));
        check_calls(&server, way, &faults, &what(&windows));
        if !way.prefetch {
            let received = server.received().len() as u64;
            assert_eq!(report.requests + report.repeated, received, "{}", what(&windows));
        }
    } else if way.by_id {
        // Without ids, a job that fails once some of it has been handed out fails until it is asked anew.
        assert!(errors <= faults.errors, "{}", what(&windows));
    }
    if !way.faults {
        // Each window alone has its part, in any order.
        let mut alone = Vec::new();
        for window in (0..plan.windows().len()).rev() {
            let mut windows = range(&api, way, &mut numbers).resume(kept(&plan.only(window)));
            alone.extend(crate::all(&mut windows).await);
        }
        alone.sort_unstable();
        if way.by_id {
            alone.dedup();
        }
        assert_eq!(alone, expected, "{}", what(&windows));
    }
}

/// That no job was submitted twice for nothing.
fn check_calls(server: &Server, way: Way, faults: &Faults, what: &str) {
    if way.by != By::Jobs || way.faults {
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
async fn each_record_comes_once_whatever_goes_wrong() {
    let mut failed = Vec::new();
    for seed in seeds() {
        if tokio::spawn(run(seed)).await.is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
}

/// Those of the runs that are made. Others by `WINDOWS_SEEDS=80..5000`.
fn seeds() -> std::ops::Range<u64> {
    let wanted = std::env::var("WINDOWS_SEEDS").ok();
    let wanted = wanted.as_deref().and_then(|seeds| seeds.split_once(".."));
    let number = |text: &str| text.parse().expect("a number");
    wanted.map_or(0..80, |(first, end)| number(first)..number(end))
}
