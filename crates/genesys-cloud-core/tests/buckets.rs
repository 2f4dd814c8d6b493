//! Checkpoints in a bucket: two writers notice each other.

use std::sync::Arc;
use std::time::Duration;

use genesys_cloud_core::{
    Checkpoint, CheckpointStore as _, Client, ErrorKind, Listing, Method, ObjectCheckpoints,
    Operation, Paginator, Request, Scheme,
};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use serde_json::Value;

const SECOND: Duration = Duration::from_secs(1);

fn checkpoint(note: &str) -> Checkpoint {
    let client = Client::builder().api_url("http://127.0.0.1:9").access_token("a-token").build();
    let operation = Operation::known("getThings", Method::Get, "/things");
    let listing = Listing::new(Scheme::PageNumber, "entities");
    let list =
        Paginator::<Value>::over(&client.expect("a client"), Request::new(operation), listing);
    list.checkpoint().with_note(note.to_owned())
}

#[tokio::test]
async fn two_writers_notice_each_other() {
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let first = ObjectCheckpoints::new(bucket.clone(), "exports");
    let second = ObjectCheckpoints::new(bucket, "exports");
    for store in [&first, &second] {
        assert_eq!(store.load("a").await.expect("nothing"), None);
    }
    first.save("a", &checkpoint("1")).await.expect("saved");
    first.save("a", &checkpoint("2")).await.expect("saved");
    let error = second.save("a", &checkpoint("3")).await.expect_err("changed by another");
    assert_eq!(error.kind(), ErrorKind::CheckpointInUse, "{error}");
    // What the other one saved is there, and can be gone on with.
    let found = second.load("a").await.expect("loaded").expect("a checkpoint");
    assert_eq!(found.note(), Some("2"));
    second.save("a", &checkpoint("3")).await.expect("saved");
    let error = first.save("a", &checkpoint("4")).await.expect_err("changed by another");
    assert_eq!(error.kind(), ErrorKind::CheckpointInUse, "{error}");
    // Another key is another object.
    first.save("b/c", &checkpoint("5")).await.expect("saved");
    second.clear("a").await.expect("cleared");
    second.clear("a").await.expect("cleared");
    assert_eq!(second.load("a").await.expect("nothing"), None);
    second.save("a", &checkpoint("6")).await.expect("saved");
}

/// A save may have been made although its caller was gone before it said so.
#[tokio::test(start_paused = true)]
async fn a_save_that_was_dropped_is_not_taken_for_that_of_another_writer() {
    for is_own in [true, false] {
        let slow = ThrottleConfig { wait_put_per_call: SECOND, ..ThrottleConfig::default() };
        let bucket: Arc<dyn ObjectStore> = Arc::new(ThrottledStore::new(InMemory::new(), slow));
        let first = ObjectCheckpoints::new(bucket.clone(), "exports");
        first.load("a").await.expect("nothing");
        first.save("a", &checkpoint("1")).await.expect("saved");
        let dropped = checkpoint("2");
        let save = first.save("a", &dropped);
        tokio::time::timeout(SECOND / 2, save).await.expect_err("dropped on its way");
        // As if it had arrived: the same text.
        let other = ObjectCheckpoints::new(bucket, "exports");
        other.load("a").await.expect("loaded");
        let landed = if is_own { dropped } else { checkpoint("another") };
        other.save("a", &landed).await.expect("saved");
        match (is_own, first.save("a", &checkpoint("3")).await) {
            (true, Ok(())) => {
                first.save("a", &checkpoint("4")).await.expect("saved");
                let found = first.load("a").await.expect("loaded").expect("a checkpoint");
                assert_eq!(found.note(), Some("4"));
            }
            (false, Err(error)) => assert_eq!(error.kind(), ErrorKind::CheckpointInUse, "{error}"),
            (_, saved) => panic!("{is_own}: {saved:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_checkpoint_is_told() {
    let bucket = Arc::new(InMemory::new());
    let store = ObjectCheckpoints::new(bucket.clone(), "exports");
    bucket
        .put_opts(&store.path("a"), "{}".into(), object_store::PutOptions::default())
        .await
        .expect("put");
    let error = store.load("a").await.expect_err("no checkpoint");
    assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{error}");
    assert!(format!("{error:#}").contains("exports/a.json could not be read"), "{error}");
}
