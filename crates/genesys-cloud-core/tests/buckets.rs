//! The bucket store.

use std::sync::Arc;
use std::time::Duration;

use genesys_cloud_core::{CheckpointStore as _, ObjectCheckpoints};
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use object_store::{ObjectStore, ObjectStoreExt as _};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn two_writers_conflict() {
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut first = ObjectCheckpoints::new(bucket.clone(), "exports");
    let mut second = ObjectCheckpoints::new(bucket, "exports");
    for store in [&mut first, &mut second] {
        assert_eq!(store.load("a").await.expect("nothing"), None);
    }
    first.save("a", "1").await.expect("saved");
    first.save("a", "2").await.expect("saved");
    let error = second.save("a", "3").await.expect_err("changed by another");
    assert!(error.is_conflict(), "{error}");
    // The state of the other writer remains and can be loaded.
    assert_eq!(second.load("a").await.expect("loaded").as_deref(), Some("2"));
    second.save("a", "3").await.expect("saved");
    let error = first.save("a", "4").await.expect_err("changed by another");
    assert!(error.is_conflict(), "{error}");
    // Another key is another object.
    first.save("b/c", "5").await.expect("saved");
    second.clear("a").await.expect("cleared");
    second.clear("a").await.expect("cleared");
    assert_eq!(second.load("a").await.expect("nothing"), None);
    second.save("a", "6").await.expect("saved");
}

/// The save may have been made although its future was dropped.
#[tokio::test(start_paused = true)]
async fn a_dropped_save_is_not_a_conflict() {
    for is_own in [true, false] {
        let slow = ThrottleConfig { wait_put_per_call: SECOND, ..ThrottleConfig::default() };
        let bucket: Arc<dyn ObjectStore> = Arc::new(ThrottledStore::new(InMemory::new(), slow));
        let mut first = ObjectCheckpoints::new(bucket.clone(), "exports");
        first.load("a").await.expect("nothing");
        first.save("a", "1").await.expect("saved");
        let save = first.save("a", "2");
        tokio::time::timeout(SECOND / 2, save).await.expect_err("dropped on its way");
        // As if the save had been made.
        let mut other = ObjectCheckpoints::new(bucket, "exports");
        other.load("a").await.expect("loaded");
        other.save("a", if is_own { "2" } else { "another" }).await.expect("saved");
        match (is_own, first.save("a", "3").await) {
            (true, Ok(())) => {
                first.save("a", "4").await.expect("saved");
                assert_eq!(first.load("a").await.expect("loaded").as_deref(), Some("4"));
            }
            (false, Err(error)) => assert!(error.is_conflict(), "{error}"),
            (_, saved) => panic!("{is_own}: {saved:?}"),
        }
    }
}

#[tokio::test]
async fn rejects_objects_that_are_not_a_state() {
    let bucket = Arc::new(InMemory::new());
    let mut store = ObjectCheckpoints::new(bucket.clone(), "exports");
    bucket.put(&store.path("a"), b"\xff".to_vec().into()).await.expect("put");
    let error = store.load("a").await.expect_err("not text");
    assert!(error.is_unreadable(), "{error}");
    assert!(error.to_string().contains("exports/a.json is not a saved state"), "{error}");
}

#[tokio::test]
async fn a_store_of_one_object_ignores_the_key() {
    let bucket: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut store = ObjectCheckpoints::object(bucket.clone(), "a/state.json");
    store.save("any", "1").await.expect("saved");
    assert_eq!(store.load("other").await.expect("loaded").as_deref(), Some("1"));
    assert_eq!(store.location("any"), "a/state.json");
    let mut second = ObjectCheckpoints::object(bucket, "a/state.json");
    second.save("any", "2").await.expect_err("it has not loaded the state");
    second.load("any").await.expect("loaded");
    second.save("any", "2").await.expect("saved");
}
