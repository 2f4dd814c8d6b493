//! The file store.

use genesys_cloud_core::{CheckpointStore as _, ErrorKind, FileStore, MAX_STATE_SIZE};

use crate::{client, list, serve};

#[tokio::test]
async fn the_next_store_loads_what_was_saved() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("not/there/yet");
    for key in ["queues", "../a key/of:any\\form", ""] {
        let mut store = FileStore::new(&path);
        assert_eq!(store.load(key).await.expect("nothing"), None);
        for text in ["1", "2"] {
            store.save(key, text).await.expect("saved");
            assert_eq!(store.load(key).await.expect("loaded").as_deref(), Some(text));
        }
        drop(store);
        let mut store = FileStore::new(&path);
        assert_eq!(store.load(key).await.expect("loaded").as_deref(), Some("2"));
        assert_eq!(store.path(key).parent(), Some(&*path));
        assert_eq!(store.location(key), store.path(key).display().to_string());
        store.clear(key).await.expect("cleared");
        store.clear(key).await.expect("cleared");
        assert_eq!(store.load(key).await.expect("nothing"), None);
    }
}

#[tokio::test]
async fn locks_a_key_for_one_writer() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut first = FileStore::new(directory.path());
    let mut clone = first.clone();
    first.load("a").await.expect("nothing");
    let mut second = FileStore::new(directory.path());
    for error in [
        second.load("a").await.expect_err("in use"),
        second.save("a", "x").await.expect_err("in use"),
        second.clear("a").await.expect_err("in use"),
    ] {
        assert!(error.is_conflict(), "{error}");
        let pid = std::process::id().to_string();
        assert!(error.to_string().contains(&format!("in use by process {pid}")), "{error}");
    }
    second.load("b").await.expect("another key");
    drop(first);
    clone.save("a", "x").await.expect("a clone has it too");
    drop(clone);
    assert_eq!(second.load("a").await.expect("loaded").as_deref(), Some("x"));
}

#[tokio::test]
async fn a_store_of_one_file_makes_no_lock_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state.json");
    let mut first = FileStore::file(&path);
    assert_eq!(first.load("a").await.expect("nothing"), None);
    first.save("a", "1").await.expect("saved");
    let mut second = FileStore::file(&path);
    assert_eq!(second.load("another key").await.expect("loaded").as_deref(), Some("1"));
    let files = || std::fs::read_dir(directory.path()).expect("a directory").count();
    assert_eq!(files(), 1);
    second.clear("a").await.expect("cleared");
    assert_eq!((first.load("a").await.expect("nothing"), files()), (None, 0));
    let mut nowhere = FileStore::file(path.join("not/there"));
    nowhere.save("a", "1").await.expect_err("no directory");
}

#[tokio::test]
async fn ignores_temporary_files_of_an_interrupted_writer() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = FileStore::new(directory.path());
    store.save("a", "x").await.expect("saved");
    let beside = store.path("a").with_extension("new");
    assert!(!beside.exists());
    std::fs::write(&beside, "{\"version\":1,\"ma").expect("written");
    assert_eq!(store.load("a").await.expect("loaded").as_deref(), Some("x"));
    store.save("a", "x").await.expect("saved");
}

#[tokio::test]
async fn rejects_files_that_are_not_a_state() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = FileStore::new(directory.path());
    std::fs::write(store.path("a"), b"\xff").expect("written");
    let error = store.load("a").await.expect_err("not text");
    assert!(error.is_unreadable(), "{error}");
    assert!(error.to_string().contains("a.json is not a saved state: it is not text"), "{error}");
    let file = std::fs::File::create(store.path("a")).expect("a file");
    file.set_len(MAX_STATE_SIZE + 1).expect("a length");
    let error = store.load("a").await.expect_err("too large");
    assert!(
        error.is_unreadable() && error.to_string().contains("it has 536870913 bytes"),
        "{error}"
    );
    // A file instead of the directory.
    let mut nowhere = FileStore::new(store.path("a"));
    let error = nowhere.load("a").await.expect_err("no directory");
    assert!(!error.is_unreadable() && !error.is_conflict(), "{error}");
}

#[tokio::test]
async fn rejects_a_state_that_is_not_a_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = serve(1).await;
    for text in ["", "{", "{}", r#"{"version":99}"#] {
        let store = FileStore::new(directory.path());
        std::fs::write(store.path("a"), text).expect("written");
        let mut batches = list(&client(&server)).checkpointed(store, "a", 1);
        let error = batches.load().await.map(drop).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{error}");
        let text = format!("{error:#}");
        assert!(text.contains("can't read") && text.contains("a.json"), "{text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_readable_only_by_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().expect("a directory");
    let mut store = FileStore::new(directory.path());
    store.save("a", "x").await.expect("saved");
    let mode = std::fs::metadata(store.path("a")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// It would replace one that can be loaded.
#[tokio::test]
async fn does_not_save_a_checkpoint_that_is_too_long_to_load() {
    const MAX_LENGTH: usize = 64 << 20;
    let directory = tempfile::tempdir().expect("a directory");
    let server = serve(1).await;
    let batches = || list(&client(&server)).checkpointed(FileStore::new(directory.path()), "a", 1);
    let commit = async |note: String| {
        let mut batches = batches();
        let batch = batches.try_next().await.expect("a page").expect("a batch");
        batch.commit_with(note).await
    };
    let error = commit("x".repeat(MAX_LENGTH)).await.expect_err("too long");
    assert_eq!(error.kind(), ErrorKind::CheckpointStore, "{error}");
    let text = format!("{error:#}");
    assert!(text.contains("at most 67108864 can be loaded; keep fewer ids with"), "{text}");
    let path = FileStore::new(directory.path()).path("a");
    assert!(!path.exists());
    // One with the maximum length is saved and loaded.
    commit("x".repeat(MAX_LENGTH - (8 << 10))).await.expect("saved");
    let length = std::fs::metadata(&path).expect("a file").len();
    assert!(length <= MAX_LENGTH as u64 && length > (MAX_LENGTH - (8 << 10)) as u64, "{length}");
    let mut again = batches();
    let loaded = again.load().await.expect("loaded").expect("a checkpoint");
    assert_eq!(loaded.note().map(str::len), Some(MAX_LENGTH - (8 << 10)));
}
