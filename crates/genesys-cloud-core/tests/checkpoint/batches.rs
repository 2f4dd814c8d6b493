//! Lists in batches: only uncommitted items are delivered again.

use genesys_cloud_core::{
    Checkpoint, Client, Completion, ErrorKind, FileStore, JobId, JobOperation, JobSpec, JobState,
    ListSpec, Method, Operation, Paginator, Request, Results, Scheme, Verdict,
};

use crate::memory::{Memory, unless_dropped};
use crate::{client, ids, list, serve};

/// A run that ends after this many commits, without committing the next batch.
async fn run(
    client: &Client,
    store: &Memory,
    every: usize,
    commits: usize,
) -> (Vec<u64>, Option<Vec<u64>>) {
    let mut batches = list(client).checkpointed(store.clone(), "things", every);
    let mut found = Vec::new();
    for _ in 0..commits {
        let Some(batch) = batches.try_next().await.expect("a batch") else { return (found, None) };
        found.extend(ids(batch.items()));
        batch.commit().await.expect("saved");
    }
    let left = batches.try_next().await.expect("a batch");
    (found, Some(left.map_or(Vec::new(), |batch| ids(batch.items()))))
}

#[tokio::test]
async fn each_run_starts_after_the_last_commit() {
    let server = serve(22).await;
    let client = client(&server);
    for every in [1, 3, 4, 9, 22, 30] {
        for commits in [1, 2] {
            let store = Memory::default();
            let (mut found, mut left) = (Vec::new(), Vec::new());
            loop {
                let (committed, next) = run(&client, &store, every, commits).await;
                // The uncommitted batch is delivered first.
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
async fn a_complete_list_stays_complete_until_it_is_cleared() {
    for (total, every) in [(10, 5), (10, 4), (0, 4)] {
        let server = serve(total).await;
        let client = client(&server);
        let store = Memory::default();
        let everything = async || {
            let mut batches = list(&client).checkpointed(store.clone(), "things", every);
            let mut found = Vec::new();
            while let Some(batch) = batches.try_next().await.expect("a batch") {
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
        let (calls, saves) = (server.received().len(), store.kept().saves);
        let (found, batches) = everything().await;
        assert_eq!((found, server.received().len()), (vec![], calls));
        assert_eq!(store.kept().saves, saves);
        batches.clear().await.expect("cleared");
        let (found, _) = everything().await;
        assert_eq!(found, (1..=total).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn returns_an_uncommitted_batch_again() {
    let server = serve(10).await;
    let store = Memory::default();
    let mut batches = list(&client(&server)).checkpointed(store.clone(), "things", 3);
    assert_eq!(batches.load().await.expect("nothing"), None);
    for _ in 0..2 {
        let batch = batches.try_next().await.expect("a batch").expect("items");
        assert_eq!(ids(batch.items()), [1, 2, 3]);
    }
    store.kept().fails = true;
    let batch = batches.try_next().await.expect("a batch").expect("items");
    let error = batch.commit().await.expect_err("full");
    assert!(
        error.kind() == ErrorKind::CheckpointStore && format!("{error:#}").contains("full"),
        "{error}"
    );
    store.kept().fails = false;
    let batch = batches.try_next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [1, 2, 3]);
    batch.commit().await.expect("saved");
    let batch = batches.try_next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [4, 5, 6]);
    let text = store.kept().texts["things"].clone();
    let saved: Checkpoint = serde_json::from_str(&text).expect("a checkpoint");
    assert_eq!((saved.items(), saved.is_complete()), (3, false));
}

#[tokio::test]
async fn two_concurrent_runs_conflict() {
    let server = serve(10).await;
    let client = client(&server);
    let directory = tempfile::tempdir().expect("a directory");
    let run = || list(&client).checkpointed(FileStore::new(directory.path()), "things", 3);
    let mut first = run();
    let batch = first.try_next().await.expect("a batch").expect("items");
    let error = run().try_next().await.expect_err("in use");
    assert_eq!(error.kind(), ErrorKind::CheckpointInUse, "{error}");
    batch.commit().await.expect("saved");
    drop(first);
    let mut second = run();
    let batch = second.try_next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [4, 5, 6]);
}

#[tokio::test]
async fn does_not_overwrite_a_checkpoint_of_another_call() {
    let (server, store) = (serve(10).await, Memory::default());
    run(&client(&server), &store, 3, 1).await;
    let operation = Operation::from_static("getOther", Method::Get, "/other");
    let listing = ListSpec::new(Scheme::PageNumber, "entities");
    let request = Request::new(operation);
    let other = Paginator::<serde_json::Value>::from_request(&client(&server), request, listing);
    let mut batches = other.checkpointed(store.clone(), "things", 3);
    for _ in 0..2 {
        let error = batches.try_next().await.expect_err("another call");
        assert_eq!(error.kind(), ErrorKind::CheckpointMismatch, "{error}");
    }
    assert_eq!(store.kept().saves, 1);
}

#[tokio::test]
async fn saves_a_job_as_soon_as_it_is_submitted() {
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
            JobOperation::new(Operation::from_static(id, Method::Get, path)).with_id("jobId".into())
        };
        let listing = ListSpec::new(Scheme::CursorField, "things");
        let family = JobSpec::new("things")
            .with_id(JobId::Field("id".into()))
            .with_status(call("getJob", "/jobs/{jobId}"))
            .with_done_when(Completion::State("state".into()))
            .with_states(vec![("DONE".into(), JobState::Succeeded)].into())
            .with_results(Results::List(call("getResults", "/jobs/{jobId}/results"), listing));
        let request = Request::new(Operation::from_static("postJobs", Method::Post, "/jobs"));
        Paginator::<serde_json::Value>::from_job(&client, request, family)
    };
    let store = Memory::default();
    let mut first = list().checkpointed(store.clone(), "things", 3);
    tokio::select! {
        _ = first.try_next() => panic!("a batch came through a closed gate"),
        () = server.has_received(2) => {}
    }
    drop(first);
    gate.open();
    let mut second = list().checkpointed(store, "things", 3);
    let saved = second.load().await.expect("loaded").expect("a checkpoint");
    assert_eq!(saved.job().and_then(|job| job.id()), Some("j1"));
    let batch = second.try_next().await.expect("a batch").expect("items");
    assert_eq!(ids(batch.items()), [1]);
    batch.commit().await.expect("saved");
    assert!(second.try_next().await.expect("the end").is_none());
    let submits = server.received().into_iter().filter(|request| request.method == "POST");
    assert_eq!(submits.count(), 1);
}

/// Reads a list of 22 items up to a limit, with one interruption: the future is dropped and `try_next` called again, or
/// the run ends and another one starts.
async fn with_one_drop(
    client: &Client,
    limit: Option<usize>,
    drop_at: usize,
    is_stopped: bool,
) -> (Vec<u64>, usize, Memory) {
    let store = Memory::default();
    let begin = || {
        let list = match limit {
            Some(limit) => list(client).limit(limit),
            None => list(client),
        };
        list.checkpointed(store.clone(), "things", 3)
    };
    let (mut batches, mut found, mut pending) = (begin(), Vec::new(), 0);
    loop {
        match unless_dropped(batches.try_next(), &mut pending, drop_at).await {
            Some(Ok(Some(batch))) => {
                found.extend(ids(batch.items()));
                let committed = unless_dropped(batch.commit(), &mut pending, drop_at).await;
                if let Some(committed) = committed {
                    committed.expect("saved");
                    continue;
                }
            }
            Some(Ok(None)) => return (found, pending, store),
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
        if is_stopped {
            // Uncommitted items are delivered again.
            let items = store.checkpoint("things").map_or(0, |checkpoint| checkpoint.items());
            found.truncate(items as usize);
            batches = begin();
        }
    }
}

#[tokio::test]
async fn delivers_each_item_once_wherever_a_run_is_interrupted() {
    let server = serve(22).await;
    let client = client(&server);
    for limit in [None, Some(10), Some(12), Some(22)] {
        let expected: Vec<u64> = (1..=limit.unwrap_or(22) as u64).collect();
        let (found, polls, store) = with_one_drop(&client, limit, 0, false).await;
        assert_eq!(found, expected);
        let saved = store.checkpoint("things");
        for is_stopped in [false, true] {
            for drop_at in 1..=polls {
                let what = format!("{limit:?} {drop_at} {is_stopped}");
                let (found, _, store) = with_one_drop(&client, limit, drop_at, is_stopped).await;
                assert_eq!(found, expected, "{what}");
                let place = |checkpoint: Option<Checkpoint>| {
                    checkpoint.map(|checkpoint| (checkpoint.items(), checkpoint.is_complete()))
                };
                assert_eq!(place(store.checkpoint("things")), place(saved.clone()), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn the_limit_counts_from_the_start_of_the_list_in_every_run() {
    let server = serve(22).await;
    let client = client(&server);
    for (first, then, in_all) in [(10, 10, 10), (10, 14, 14), (3, 22, 22)] {
        let store = Memory::default();
        let mut found = Vec::new();
        for limit in [first, then] {
            let mut batches = list(&client).limit(limit).checkpointed(store.clone(), "things", 4);
            while let Some(batch) = batches.try_next().await.expect("a batch") {
                found.extend(ids(batch.items()));
                batch.commit().await.expect("saved");
            }
        }
        assert_eq!(found, (1..=in_all).collect::<Vec<_>>(), "{first} {then}");
    }
}

#[tokio::test]
async fn repeats_a_failed_save() {
    let server = serve(22).await;
    let client = client(&server);
    let (_, _, store) = with_one_drop(&client, None, 0, false).await;
    let saves = store.kept().saves;
    for after in [false, true] {
        for at in 0..saves {
            let store = Memory::default();
            store.kept().fails_once = Some((at, after));
            let mut batches = list(&client).checkpointed(store.clone(), "things", 3);
            let (mut found, mut failed) = (Vec::new(), 0);
            loop {
                let batch = match batches.try_next().await {
                    Ok(Some(batch)) => batch,
                    Ok(None) => break,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{error}");
                        failed += 1;
                        continue;
                    }
                };
                let items = ids(batch.items());
                match batch.commit().await {
                    Ok(()) => found.extend(items),
                    // The batch is returned again.
                    Err(_) => failed += 1,
                }
            }
            assert_eq!((found, failed), ((1..=22).collect(), 1), "{at}");
            let saved = store.checkpoint("things").expect("a checkpoint");
            assert_eq!((saved.items(), saved.is_complete()), (22, true), "{at}");
        }
    }
}
