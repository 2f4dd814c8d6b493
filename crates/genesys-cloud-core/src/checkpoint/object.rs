//! Checkpoints in a bucket.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion,
};

use super::store::{CheckpointStore, StoreFuture};
use super::{Checkpoint, text};
use crate::digest::wide_digest;
use crate::error::Error;

/// Keeps checkpoints as JSON objects in a bucket, one for each key: S3, Google Cloud Storage, Azure and what
/// else the crate `object_store` knows.
///
/// A checkpoint replaces the one that this store loaded or saved before, and no other: where another writer
/// has come between, saving is an error ([`ErrorKind::CheckpointInUse`](crate::ErrorKind::CheckpointInUse)), and what
/// the other one saved stays. That takes a store with conditional writes ([`PutMode::Update`]), as those of the large
/// clouds are; the file system of `object_store` is none.
///
/// A save whose outcome is not known, since it was dropped or failed on the way, is known again by its text: the
/// next one replaces it.
#[derive(Clone)]
pub struct ObjectCheckpoints(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    known: Mutex<HashMap<Path, Known>>,
}

/// What is known of an object.
#[derive(Clone, Default)]
struct Known {
    /// The version that was loaded or saved last. `None` where there was nothing.
    version: Option<UpdateVersion>,
    /// The hashes of the texts that were to be saved since, without it being known whether they were.
    attempts: Vec<u128>,
}

impl Known {
    const fn of(version: Option<UpdateVersion>) -> Self {
        Self { version, attempts: Vec::new() }
    }
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

    fn known(&self) -> MutexGuard<'_, HashMap<Path, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a text in the place of the version that is known. `None` if another one is there.
    async fn put(&self, path: &Path, text: &Bytes) -> Result<Option<()>, Error> {
        let mode = {
            let mut known = self.known();
            let known = known.entry(path.clone()).or_default();
            known.attempts.push(wide_digest_of(text));
            known.version.clone().map_or(PutMode::Create, PutMode::Update)
        };
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.0.store.put_opts(path, text.clone().into(), options).await {
            Ok(put) => {
                let version = UpdateVersion { e_tag: put.e_tag, version: put.version };
                self.known().insert(path.clone(), Known::of(Some(version)));
                Ok(Some(()))
            }
            Err(
                StoreError::AlreadyExists { .. }
                | StoreError::Precondition { .. }
                | StoreError::NotFound { .. },
            ) => Ok(None),
            Err(error) => Err(Error::checkpoint_store(error)),
        }
    }

    /// Whether what is there was written by a save of this store whose outcome was not known. It is from then on.
    async fn wrote(&self, path: &Path) -> Result<bool, Error> {
        let found = match self.0.store.get(path).await {
            Ok(found) if !text::is_too_long(found.meta.size) => found,
            Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(Error::checkpoint_store(error)),
        };
        let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
        let bytes = found.bytes().await.map_err(Error::checkpoint_store)?;
        let mut known = self.known();
        let Some(known) = known.get_mut(path) else { return Ok(false) };
        let is_own = known.attempts.contains(&wide_digest_of(&bytes));
        if is_own {
            known.version = Some(UpdateVersion { e_tag, version });
        }
        Ok(is_own)
    }
}

fn wide_digest_of(text: &[u8]) -> u128 {
    wide_digest(&String::from_utf8_lossy(text))
}

impl CheckpointStore for ObjectCheckpoints {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>> {
        Box::pin(async move {
            let path = self.path(key);
            let found = match self.0.store.get(&path).await {
                Ok(found) => found,
                Err(StoreError::NotFound { .. }) => {
                    self.known().insert(path, Known::of(None));
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
            self.known().insert(path, Known::of(Some(UpdateVersion { e_tag, version })));
            Ok(Some(checkpoint))
        })
    }

    fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let path = self.path(key);
            let text = Bytes::from(text::write(checkpoint)?);
            let is_saved = self.put(&path, &text).await?.is_some()
                || (self.wrote(&path).await? && self.put(&path, &text).await?.is_some());
            match is_saved {
                true => Ok(()),
                false => {
                    let why = format!("{path} was changed by another writer");
                    Err(Error::checkpoint_in_use(why))
                }
            }
        })
    }

    fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let path = self.path(key);
            match self.0.store.delete(&path).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => {
                    self.known().insert(path, Known::of(None));
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
