//! Checkpoints in a bucket.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::path::Path;
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion,
};

use super::store::{CheckpointStore, StoreFuture};
use super::{Checkpoint, text};
use crate::error::Error;

/// Keeps checkpoints as JSON objects in a bucket, one for each key: S3, Google Cloud Storage, Azure and what
/// else the crate `object_store` knows.
///
/// A checkpoint replaces the one that this store loaded or saved before, and no other: where another writer
/// has come between, saving is an error ([`Error::is_checkpoint_in_use`]), and what the other one saved stays.
/// That takes a store with conditional writes ([`PutMode::Update`]), as those of the large clouds are; the
/// file system of `object_store` is none.
///
/// A save that was interrupted is an error of this kind too where it had been done: load again.
#[derive(Clone)]
pub struct ObjectCheckpoints(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The versions that were loaded or saved last. `None` where there was nothing.
    known: Mutex<HashMap<Path, Option<UpdateVersion>>>,
}

impl ObjectCheckpoints {
    /// Checkpoints under this prefix, such as `exports/checkpoints`.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: impl Into<Path>) -> Self {
        Self(Arc::new(Inner { store, prefix: prefix.into(), known: Mutex::default() }))
    }

    /// Where the checkpoint of a key is.
    pub fn path(&self, key: &str) -> Path {
        self.0.prefix.clone().join(format!("{key}.json"))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Path, Option<UpdateVersion>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CheckpointStore for ObjectCheckpoints {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>> {
        Box::pin(async move {
            let path = self.path(key);
            let found = match self.0.store.get(&path).await {
                Ok(found) => found,
                Err(StoreError::NotFound { .. }) => {
                    self.known().insert(path, None);
                    return Ok(None);
                }
                Err(error) => return Err(Error::checkpoint_store(error)),
            };
            let unread = |why| Error::checkpoint_store(format!("{path} could not be read: {why}"));
            if text::is_too_long(found.meta.size) {
                return Err(unread(text::too_long()));
            }
            let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
            let bytes = found.bytes().await.map_err(Error::checkpoint_store)?;
            let checkpoint = text::read(&bytes).map_err(unread)?;
            self.known().insert(path, Some(UpdateVersion { e_tag, version }));
            Ok(Some(checkpoint))
        })
    }

    fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let path = self.path(key);
            let text = text::write(checkpoint)?;
            let mode = match self.known().get(&path).cloned().flatten() {
                Some(version) => PutMode::Update(version),
                None => PutMode::Create,
            };
            let options = PutOptions { mode, ..PutOptions::default() };
            match self.0.store.put_opts(&path, text.into(), options).await {
                Ok(put) => {
                    let version = UpdateVersion { e_tag: put.e_tag, version: put.version };
                    self.known().insert(path, Some(version));
                    Ok(())
                }
                Err(
                    StoreError::AlreadyExists { .. }
                    | StoreError::Precondition { .. }
                    | StoreError::NotFound { .. },
                ) => Err(Error::checkpoint_in_use(format!("{path} was changed by another writer"))),
                Err(error) => Err(Error::checkpoint_store(error)),
            }
        })
    }

    fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let path = self.path(key);
            match self.0.store.delete(&path).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => {
                    self.known().insert(path, None);
                    Ok(())
                }
                Err(error) => Err(Error::checkpoint_store(error)),
            }
        })
    }
}

impl fmt::Debug for ObjectCheckpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectCheckpoints").field(&self.0.prefix.as_ref()).finish()
    }
}
