//! Checkpoints in files.

use genesys_cloud_core::{Checkpoint, CheckpointStore as _, ErrorKind, FileStore};

use crate::{client, list, serve};

async fn checkpoint(note: &str) -> Checkpoint {
    let server = serve(1).await;
    list(&client(&server)).checkpoint().with_note(note.to_owned())
}

#[tokio::test]
async fn what_was_saved_is_loaded_by_the_next_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("not/there/yet");
    for key in ["queues", "../a key/of:any\\form", ""] {
        let store = FileStore::new(&path);
        assert_eq!(store.load(key).await.expect("nothing"), None);
        for note in ["1", "2"] {
            let saved = checkpoint(note).await;
            store.save(key, &saved).await.expect("saved");
            assert_eq!(store.load(key).await.expect("loaded"), Some(saved));
        }
        drop(store);
        let store = FileStore::new(&path);
        let found = store.load(key).await.expect("loaded").expect("a checkpoint");
        assert_eq!(found.note(), Some("2"));
        assert_eq!(store.path(key).parent(), Some(&*path));
        store.clear(key).await.expect("cleared");
        store.clear(key).await.expect("cleared");
        assert_eq!(store.load(key).await.expect("nothing"), None);
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_writer() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = FileStore::new(directory.path());
    let clone = first.clone();
    first.load("a").await.expect("nothing");
    let second = FileStore::new(directory.path());
    let saved = checkpoint("x").await;
    for error in [
        second.load("a").await.expect_err("in use"),
        second.save("a", &saved).await.expect_err("in use"),
        second.clear("a").await.expect_err("in use"),
    ] {
        assert_eq!(error.kind(), ErrorKind::CheckpointInUse, "{error}");
        let pid = std::process::id().to_string();
        assert!(error.to_string().contains(&format!("in use by process {pid}")), "{error}");
    }
    second.load("b").await.expect("another key");
    drop(first);
    clone.save("a", &saved).await.expect("a clone has it too");
    drop(clone);
    assert_eq!(second.load("a").await.expect("loaded"), Some(saved));
}

#[tokio::test]
async fn what_a_writer_that_was_stopped_left_is_passed_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = FileStore::new(directory.path());
    let saved = checkpoint("x").await;
    store.save("a", &saved).await.expect("saved");
    let beside = store.path("a").with_extension("new");
    assert!(!beside.exists());
    std::fs::write(&beside, "{\"version\":1,\"ma").expect("written");
    assert_eq!(store.load("a").await.expect("loaded"), Some(saved.clone()));
    store.save("a", &saved).await.expect("saved");
}

#[tokio::test]
async fn what_can_not_be_read_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = FileStore::new(directory.path());
    for text in ["", "{", "{}", r#"{"version":99}"#] {
        std::fs::write(store.path("a"), text).expect("written");
        let error = store.load("a").await.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{error}");
        assert!(format!("{error:#}").contains("a.json could not be read"), "{error}");
    }
    // A file where the directory should be.
    let nowhere = FileStore::new(store.path("a"));
    assert_eq!(
        nowhere.load("a").await.expect_err("no directory").kind(),
        ErrorKind::CheckpointStore
    );
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().expect("a directory");
    let store = FileStore::new(directory.path());
    store.save("a", &checkpoint("x").await).await.expect("saved");
    let mode = std::fs::metadata(store.path("a")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn what_would_be_too_long_to_load_is_not_saved() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = FileStore::new(directory.path());
    let small = checkpoint("x").await;
    store.save("a", &small).await.expect("saved");
    let error = store.save("a", &checkpoint(&"x".repeat(64 << 20)).await).await;
    let error = error.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{error}");
    let text = format!("{error:#}");
    assert!(text.contains("only 67108864 can be loaded; keep fewer ids by"), "{text}");
    // The one before is there, and so is one that is just short enough.
    assert_eq!(store.load("a").await.expect("loaded"), Some(small.clone()));
    let others = serde_json::to_string(&small).expect("JSON").len() - 1;
    let largest = checkpoint(&"x".repeat((64 << 20) - others)).await;
    let length = serde_json::to_string(&largest).expect("JSON").len();
    assert!(length <= 64 << 20 && length > (64 << 20) - 100, "{length}");
    store.save("a", &largest).await.expect("saved");
    assert_eq!(store.load("a").await.expect("loaded"), Some(largest));
}
