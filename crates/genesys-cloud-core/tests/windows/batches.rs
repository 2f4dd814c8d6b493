//! Batches of ranges of jobs: no job id and no item is lost when a future is dropped or a run ends.

use std::time::Duration;

use genesys_cloud_core::{Checkpoint, Checkpointed, ErrorKind, Windows};

use crate::memory::{Memory, unless_dropped};
use crate::org::Org;
use crate::server::Server;
use crate::{Event, Events, Query, events, hours, long};

const HOURS: i64 = 60;

/// How a run is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The future is dropped, and the next batch is requested.
    Drop,
    /// The process ends, and another one resumes from the store.
    Stop,
}

/// Two and a half days of events by jobs, in batches that end within a day.
fn batches(api: &Events, store: &Memory, concurrency: usize) -> Checkpointed<Windows<Event>> {
    let query = Query::default();
    let range = api.jobs(query).windows(hours(0, HOURS)).span(long(24)).concurrency(concurrency);
    range.split_down_to(Duration::from_mins(1)).checkpointed(store.clone(), "events", 7)
}

fn ids(events: &[Event]) -> Vec<u64> {
    let id = |event: &Event| event.id.as_ref().expect("an id").parse().expect("a number");
    events.iter().map(id).collect()
}

fn job_ids(checkpoint: Option<&Checkpoint>) -> Vec<String> {
    let jobs = checkpoint.into_iter().flat_map(Checkpoint::jobs);
    jobs.filter_map(|job| job.id().map(str::to_owned)).collect()
}

fn submits(server: &Server) -> usize {
    server.received().iter().filter(|request| request.method == "POST").count()
}

/// Reads all batches, interrupted once, at the pending poll number `at`. Returns the number of pending polls.
async fn run(api: &Events, store: &Memory, concurrency: usize, at: usize, then: Then) -> usize {
    let mut batches = batches(api, store, concurrency);
    let (mut found, mut pending) = (Vec::new(), 0);
    let what = format!("{concurrency} {at} {then:?}");
    loop {
        let is_dropped = match unless_dropped(batches.try_next(), &mut pending, at).await {
            Some(Ok(Some(batch))) => {
                let items = ids(batch.items());
                let committed = unless_dropped(batch.commit(), &mut pending, at).await;
                match &committed {
                    // The batch is delivered again.
                    Some(Err(error)) => {
                        assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{what}: {error}")
                    }
                    Some(Ok(())) | None => found.extend(items),
                }
                committed.is_none()
            }
            Some(Ok(None)) => break,
            Some(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{what}: {error}");
                false
            }
            None => true,
        };
        if !is_dropped {
            continue;
        }
        let saved = store.checkpoint("events");
        if !store.kept().is_saving {
            let known = batches.list().checkpoint().expect("a checkpoint");
            let (known, saved) = (job_ids(Some(&known)), job_ids(saved.as_ref()));
            assert!(known.iter().all(|id| saved.contains(id)), "{what}: {known:?} {saved:?}");
        }
        if then == Then::Stop {
            found.truncate(saved.map_or(0, |saved| saved.items() as usize));
            batches = self::batches(api, store, concurrency);
        }
    }
    assert_eq!(found, (0..HOURS as u64).collect::<Vec<_>>(), "{what}");
    let saved = store.checkpoint("events").expect("a checkpoint");
    assert_eq!((saved.items(), saved.is_complete()), (HOURS as u64, true), "{what}");
    pending
}

#[tokio::test(start_paused = true)]
async fn loses_no_job_and_no_item_wherever_a_run_is_interrupted() {
    for (concurrency, cap) in [(1, 100_000), (2, 100_000), (2, 15)] {
        // Windows above the cap are split after some of their items were delivered.
        let org = || Org { cap, states: vec!["QUEUED", "FULFILLED"], ..Org::hourly(HOURS) };
        let whole = org().serve().await;
        let polls = run(&events(&whole), &Memory::default(), concurrency, 0, Then::Drop).await;
        let usual = submits(&whole);
        assert!(usual >= 3 && polls > 20, "{usual} {polls}");
        for then in [Then::Drop, Then::Stop] {
            let (mut again, mut runs) = (0, 0);
            // Splits take many polls.
            for at in (1..=polls).step_by(if cap == 15 { 4 } else { 1 }) {
                let server = org().serve().await;
                run(&events(&server), &Memory::default(), concurrency, at, then).await;
                let more = submits(&server) - usual;
                let most = if then == Then::Drop { 0 } else { concurrency };
                assert!(more <= most, "{concurrency} {at} {then:?}: {more}");
                (again, runs) = (again + more, runs + 1);
            }
            // Only if the id had not arrived, or was being saved.
            assert!(again <= 4 * usual, "{concurrency} {cap} {then:?}: {again} in {runs} runs");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_save_is_repeated() {
    for concurrency in [1, 2] {
        let server = Org::hourly(HOURS).serve().await;
        let store = Memory::default();
        run(&events(&server), &store, concurrency, 0, Then::Drop).await;
        let saves = store.kept().saves;
        // Nine batches and three jobs, two of which may be saved together.
        assert!(saves >= 10, "{saves}");
        for after in [false, true] {
            for at in 0..saves {
                let server = Org::hourly(HOURS).serve().await;
                let store = Memory::default();
                store.kept().fails_once = Some((at, after));
                run(&events(&server), &store, concurrency, 0, Then::Drop).await;
                assert_eq!((submits(&server), store.kept().saves), (3, saves + 1), "{at}");
            }
        }
    }
}
