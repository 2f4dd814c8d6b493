//! Lists in batches: what was committed does not come again, what was not does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use genesys_cloud_core::{
    Checkpoint, CheckpointStore, Client, DoneWhen, Error, Family, FileStore, JobCall, JobId,
    JobState, Listing, Method, Operation, Paginator, Request, Results, Scheme, StoreFuture,
    Verdict,
};

use crate::{client, ids, list, serve};

/// Fails where it is told to.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    texts: HashMap<String, String>,
    fails: bool,
    saves: u64,
}

impl CheckpointStore for Memory {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>> {
        Box::pin(async move {
            let text = self.0.lock().expect("no panic").texts.get(key).cloned();
            text.map(|text| serde_json::from_str(&text))
                .transpose()
                .map_err(Error::checkpoint_store)
        })
    }

    fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let mut kept = self.0.lock().expect("no panic");
            if kept.fails {
                return Err(Error::checkpoint_store("full"));
            }
            kept.saves += 1;
            let text = serde_json::to_string(checkpoint).map_err(Error::checkpoint_store)?;
            kept.texts.insert(key.to_owned(), text);
            Ok(())
        })
    }

    fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.0.lock().expect("no panic").texts.remove(key);
            Ok(())
        })
    }
}

/// One run that ends after so many commits, and leaves the next batch as it is.
async fn run(
    client: &Client,
    store: &Memory,
    every: usize,
    commits: usize,
) -> (Vec<u64>, Option<Vec<u64>>) {
    let mut batches = list(client).checkpointed(store.clone(), "things", every);
    let mut found = Vec::new();
    for _ in 0..commits {
        let Some(batch) = batches.next().await.expect("a batch") else { return (found, None) };
        found.extend(ids(batch.items()));
        batch.commit().await.expect("saved");
    }
    let left = batches.next().await.expect("a batch");
    (found, Some(left.map_or(Vec::new(), |batch| ids(batch.items()))))
}

#[tokio::test]
async fn each_run_begins_after_the_last_commit() {
    let server = serve(22).await;
    let client = client(&server);
    for every in [1, 3, 4, 9, 22, 30] {
        for commits in [1, 2] {
            let store = Memory::default();
            let (mut found, mut left) = (Vec::new(), Vec::new());
            loop {
                let (committed, next) = run(&client, &store, every, commits).await;
                // What was left comes first.
                let is_first = left.iter().zip(&committed).all(|(one, other)| one == other);
                assert!(is_first, "{left:?} {committed:?}");
                found.extend(committed);
                match next {
                    Some(next) => left = next,
                    None => break,
                }
            }
            assert_eq!(found, (1..=22).collect::<Vec<_>>(), "{every} {commits}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_done_stays_done_until_it_is_cleared() {
    for (total, every) in [(10, 5), (10, 4), (0, 4)] {
        let server = serve(total).await;
        let client = client(&server);
        let store = Memory::default();
        let everything = async || {
            let mut batches = list(&client).checkpointed(store.clone(), "things", every);
            let mut found = Vec::new();
            while let Some(batch) = batches.next().await.expect("a batch") {
                found.extend(ids(batch.items()));
                batch.commit_with(format!("{} bytes", found.len())).await.expect("saved");
            }
            assert!(batches.saved().expect("a checkpoint").is_complete());
            assert_eq!(batches.list().report().verdict(), Verdict::Complete);
            assert_eq!(batches.list().report().items, total);
            let note = (total > 0).then(|| "10 bytes".to_owned());
            assert_eq!(batches.saved().and_then(Checkpoint::note).map(str::to_owned), note);
            (found, batches)
        };
        let (found, _) = everything().await;
        assert_eq!(found, (1..=total).collect::<Vec<_>>());
        let (calls, saves) = (server.received().len(), store.0.lock().expect("no panic").saves);
        let (found, batches) = everything().await;
        assert_eq!((found, server.received().len()), (vec![], calls));
        assert_eq!(store.0.lock().expect("no panic").saves, saves);
        batches.clear().await.expect("cleared");
        let (found, _) = everything().await;
        assert_eq!(found, (1..=total).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_batch_that_was_not_committed_comes_again() {
    let server = serve(10).await;
    let store = Memory::default();
    let mut batches = list(&client(&server)).checkpointed(store.clone(), "things", 3);
    assert_eq!(batches.load().await.expect("nothing"), None);
    for _ in 0..2 {
        let batch = batches.next().await.expect("a batch").expect("items");
        assert_eq!(ids(batch.items()), [1, 2, 3]);
    }
    store.0.lock().expect("no panic").fails = true;
    let batch = batches.next().await.expect("a batch").expect("items");
    let error = batch.commit().await.expect_err("full");
    assert!(error.is_checkpoint_store() && error.to_string().contains("full"), "{error}");
    store.0.lock().expect("no panic").fails = false;
    let batch = batches.next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [1, 2, 3]);
    batch.commit().await.expect("saved");
    let batch = batches.next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [4, 5, 6]);
    let text = store.0.lock().expect("no panic").texts["things"].clone();
    let saved: Checkpoint = serde_json::from_str(&text).expect("a checkpoint");
    assert_eq!((saved.items(), saved.is_complete()), (3, false));
}

#[tokio::test]
async fn two_runs_at_a_time_notice_each_other() {
    let server = serve(10).await;
    let client = client(&server);
    let directory = tempfile::tempdir().expect("a directory");
    let run = || list(&client).checkpointed(FileStore::new(directory.path()), "things", 3);
    let mut first = run();
    let batch = first.next().await.expect("a batch").expect("items");
    let error = run().next().await.expect_err("in use");
    assert!(error.is_checkpoint_in_use(), "{error}");
    batch.commit().await.expect("saved");
    drop(first);
    let mut second = run();
    let batch = second.next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [4, 5, 6]);
}

#[tokio::test]
async fn a_checkpoint_of_another_call_is_not_overwritten() {
    let (server, store) = (serve(10).await, Memory::default());
    run(&client(&server), &store, 3, 1).await;
    let operation = Operation::known("getOther", Method::Get, "/other");
    let listing = Listing::new(Scheme::PageNumber, "entities");
    let request = Request::new(operation);
    let other = Paginator::<serde_json::Value>::over(&client(&server), request, listing);
    let mut batches = other.checkpointed(store.clone(), "things", 3);
    for _ in 0..2 {
        let error = batches.next().await.expect_err("another call");
        assert!(error.is_checkpoint_mismatch(), "{error}");
    }
    assert_eq!(store.0.lock().expect("no panic").saves, 1);
}

#[tokio::test]
async fn a_job_is_noted_as_soon_as_it_is_submitted() {
    let gate = crate::server::Gate::new();
    let waits = gate.clone();
    let mut polls = 0;
    let server = crate::server::Server::start(move |request| {
        let answer = |body: &str| crate::server::Answer::json(200, body);
        match (request.method.as_str(), request.target.as_str()) {
            ("POST", "/jobs") => answer(r#"{"id":"j1"}"#),
            (_, "/jobs/j1") => {
                polls += 1;
                match polls {
                    1 => answer(r#"{"state":"RUNNING"}"#).behind(&waits),
                    _ => answer(r#"{"state":"DONE"}"#),
                }
            }
            (_, "/jobs/j1/results") => answer(r#"{"things":[{"id":"1"}]}"#),
            other => panic!("{other:?}"),
        }
    })
    .await;
    let client = client(&server);
    let list = || {
        let call = |id, path| {
            JobCall::new(Operation::known(id, Method::Get, path)).with_id("jobId".into())
        };
        let listing = Listing::new(Scheme::CursorField, "things");
        let family = Family::new("things")
            .with_id(JobId::Field("id".into()))
            .with_status(call("getJob", "/jobs/{jobId}"))
            .with_done_when(DoneWhen::State("state".into()))
            .with_states(vec![("DONE".into(), JobState::Succeeded)].into())
            .with_results(Results::List(call("getResults", "/jobs/{jobId}/results"), listing));
        let request = Request::new(Operation::known("postJobs", Method::Post, "/jobs"));
        Paginator::<serde_json::Value>::over_job(&client, request, family)
    };
    let store = Memory::default();
    let mut first = list().checkpointed(store.clone(), "things", 3);
    tokio::select! {
        _ = first.next() => panic!("a batch came through a closed gate"),
        () = server.has_received(2) => {}
    }
    drop(first);
    gate.open();
    let mut second = list().checkpointed(store, "things", 3);
    let saved = second.load().await.expect("loaded").expect("a checkpoint");
    assert_eq!(saved.job().and_then(|job| job.id()), Some("j1"));
    let batch = second.next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [1]);
    batch.commit().await.expect("saved");
    assert!(second.next().await.expect("the end").is_none());
    let submits = server.received().into_iter().filter(|request| request.method == "POST");
    assert_eq!(submits.count(), 1);
}
