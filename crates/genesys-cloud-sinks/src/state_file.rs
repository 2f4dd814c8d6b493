//! The state of an export in a file.

use std::path::{Path, PathBuf};

use genesys_cloud_core::{CheckpointStore, FileStore, StoreError, StoreFuture};

use crate::work_folder;

/// Keeps the state of an export in a file, without a lock: the output has one.
///
/// Creates the hidden folder beside an output, and removes it once it is empty.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    store: FileStore,
}

impl StateFile {
    /// Creates a store at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { store: FileStore::file(path.clone()), path }
    }

    /// Creates a store in the hidden folder beside this output.
    pub fn beside(out: &Path) -> Self {
        Self::new(work_folder::path(out, work_folder::STATE))
    }
}

impl CheckpointStore for StateFile {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        self.store.load(key)
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            work_folder::make_folder(&self.path).map_err(|error| {
                let path = self.path.display();
                StoreError::from_io(format!("can't write {path}: {error}"), &error)
            })?;
            self.store.save(key, text).await
        })
    }

    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let cleared = self.store.clear(key).await;
            work_folder::remove_folder(&self.path);
            cleared
        })
    }

    fn location(&self, key: &str) -> String {
        self.store.location(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn removes_the_folder_with_the_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("q.jsonl");
        let mut state = StateFile::beside(&out);
        assert_eq!(state.load("q").await.expect("nothing"), None);
        assert!(!folder.path().join(work_folder::FOLDER).exists());
        state.save("q", "1").await.expect("saved");
        assert!(state.location("q").ends_with(".genesys-cloud/q.jsonl.state.json"));
        let mut again = StateFile::beside(&out);
        assert_eq!(again.load("q").await.expect("loaded").as_deref(), Some("1"));
        again.clear("q").await.expect("removed");
        assert!(!folder.path().join(work_folder::FOLDER).exists());
    }
}
