//! Checkpoints in a bucket.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error as ObjectError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutResult,
    UpdateVersion,
};

use super::store::{CheckpointStore, MAX_STATE_SIZE, StoreError, StoreFuture};
use crate::digest::wide_digest;

/// A store in a bucket, with an object for each key: S3, Google Cloud Storage, Azure, and others that the crate
/// `object_store` supports.
///
/// A state replaces only the one that this store last loaded or saved. If another writer has changed it, saving is a
/// conflict ([`StoreError::is_conflict`]), and the other state remains. This requires conditional writes
/// ([`PutMode::Update`]), which the large clouds support and the file system of `object_store` does not.
///
/// If a save was dropped or failed with an unknown outcome, its state is recognized by its text, and the next save
/// replaces it.
///
/// The constructors take types of `object_store` 0.13 and require the feature `object_store_0_13`. A later version will
/// have a separate feature.
#[derive(Clone)]
pub struct ObjectCheckpoints(Arc<Inner>);

struct Inner {
    store: Arc<dyn ObjectStore>,
    objects: Objects,
    /// Whether to write without a condition if the bucket does not support one.
    may_overwrite: bool,
    known: Mutex<HashMap<Path, Known>>,
}

#[derive(Debug)]
enum Objects {
    /// One object for each key, under this prefix.
    Under(Path),
    /// A single object.
    One(Path),
}

/// The known state of an object.
#[derive(Clone, Default)]
struct Known {
    /// The version that was last loaded or saved. `None` if there was no object.
    version: Option<UpdateVersion>,
    /// Hashes of the texts of later saves whose outcome is unknown.
    attempts: Vec<u128>,
}

impl Known {
    const fn of(version: Option<UpdateVersion>) -> Self {
        Self { version, attempts: Vec::new() }
    }
}

impl ObjectCheckpoints {
    /// Creates a store under this prefix, such as `exports/checkpoints`.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: impl Into<Path>) -> Self {
        Self::of(store, Objects::Under(prefix.into()))
    }

    /// Creates a store with a single object, whatever the key.
    pub fn object(store: Arc<dyn ObjectStore>, path: impl Into<Path>) -> Self {
        Self::of(store, Objects::One(path.into()))
    }

    fn of(store: Arc<dyn ObjectStore>, objects: Objects) -> Self {
        let known = Mutex::default();
        Self(Arc::new(Inner { store, objects, may_overwrite: false, known }))
    }

    /// Writes without a condition if the bucket does not support conditional writes, so that two writers can go
    /// unnoticed. By default, saving to such a bucket fails.
    #[must_use]
    pub fn overwriting(self) -> Self {
        let Inner { store, objects, .. } = &*self.0;
        let objects = match objects {
            Objects::Under(prefix) => Objects::Under(prefix.clone()),
            Objects::One(path) => Objects::One(path.clone()),
        };
        let known = Mutex::new(self.known().clone());
        Self(Arc::new(Inner { store: store.clone(), objects, may_overwrite: true, known }))
    }

    /// Returns the path of a key's object.
    pub fn path(&self, key: &str) -> Path {
        match &self.0.objects {
            Objects::Under(prefix) => prefix.clone().join(format!("{key}.json")),
            Objects::One(path) => path.clone(),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Path, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the known version with a text. `None` if the object has another version.
    async fn put(&self, path: &Path, text: &Bytes) -> Result<Option<()>, StoreError> {
        let mode = {
            let mut known = self.known();
            let known = known.entry(path.clone()).or_default();
            known.attempts.push(digest_of(text));
            known.version.clone().map_or(PutMode::Create, PutMode::Update)
        };
        let put = match self.put_as(path, text, mode).await {
            Err(ObjectError::NotImplemented { .. }) if self.0.may_overwrite => {
                self.put_as(path, text, PutMode::Overwrite).await
            }
            put => put,
        };
        match put {
            Ok(put) => {
                let version = UpdateVersion { e_tag: put.e_tag, version: put.version };
                self.known().insert(path.clone(), Known::of(Some(version)));
                Ok(Some(()))
            }
            Err(ObjectError::AlreadyExists { .. } | ObjectError::Precondition { .. }) => Ok(None),
            Err(error) => Err(failed("write", path, error)),
        }
    }

    async fn put_as(
        &self,
        path: &Path,
        text: &Bytes,
        mode: PutMode,
    ) -> Result<PutResult, ObjectError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        self.0.store.put_opts(path, text.clone().into(), options).await
    }

    /// Whether the object was written by a save of this store whose outcome was unknown. If so, it becomes the known
    /// version.
    async fn is_own_write(&self, path: &Path) -> Result<bool, StoreError> {
        let found = match self.0.store.get(path).await {
            Ok(found) if found.meta.size <= MAX_STATE_SIZE => found,
            Ok(_) => return Ok(false),
            Err(error) if is_missing(&error) => return Ok(false),
            Err(error) => return Err(failed("read", path, error)),
        };
        let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
        let bytes = found.bytes().await.map_err(|error| failed("read", path, error))?;
        let mut known = self.known();
        let Some(known) = known.get_mut(path) else { return Ok(false) };
        let is_own = known.attempts.contains(&digest_of(&bytes));
        if is_own {
            known.version = Some(UpdateVersion { e_tag, version });
        }
        Ok(is_own)
    }
}

/// Whether the bucket exists but the object does not.
fn is_missing(error: &ObjectError) -> bool {
    let ObjectError::NotFound { source, .. } = error else { return false };
    let text = source.to_string();
    !["NoSuchBucket", "ContainerNotFound"].iter().any(|code| text.contains(code))
}

fn digest_of(text: &[u8]) -> u128 {
    wide_digest(&String::from_utf8_lossy(text))
}

/// Buckets do not say whether an error is transient, so it counts as such.
fn failed(doing: &str, path: &Path, error: ObjectError) -> StoreError {
    StoreError::unavailable(format!("can't {doing} {path}")).with_source(error)
}

impl CheckpointStore for ObjectCheckpoints {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(async move {
            let path = self.path(key);
            let found = match self.0.store.get(&path).await {
                Ok(found) => found,
                Err(error) if is_missing(&error) => {
                    self.known().insert(path, Known::of(None));
                    return Ok(None);
                }
                Err(error) => return Err(failed("read", &path, error)),
            };
            let unreadable = |why: String| {
                let advice = "remove it, or choose another location";
                StoreError::unreadable(format!("{path} is not a saved state: {why}; {advice}"))
            };
            if found.meta.size > MAX_STATE_SIZE {
                return Err(unreadable(format!("it has {} bytes", found.meta.size)));
            }
            let (e_tag, version) = (found.meta.e_tag.clone(), found.meta.version.clone());
            let bytes = found.bytes().await.map_err(|error| failed("read", &path, error))?;
            let text = String::from_utf8(bytes.into());
            let text = text.map_err(|_| unreadable("it is not text".to_owned()))?;
            self.known().insert(path, Known::of(Some(UpdateVersion { e_tag, version })));
            Ok(Some(text))
        })
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let path = self.path(key);
            let text = Bytes::copy_from_slice(text.as_bytes());
            let is_saved = self.put(&path, &text).await?.is_some()
                || (self.is_own_write(&path).await? && self.put(&path, &text).await?.is_some());
            match is_saved {
                true => Ok(()),
                false => Err(StoreError::conflict(format!("{path} was changed by another writer"))),
            }
        })
    }

    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let path = self.path(key);
            match self.0.store.delete(&path).await {
                Err(error) if !is_missing(&error) => Err(failed("remove", &path, error)),
                _ => {
                    self.known().insert(path, Known::of(None));
                    Ok(())
                }
            }
        })
    }

    fn location(&self, key: &str) -> String {
        self.path(key).to_string()
    }
}

impl fmt::Debug for ObjectCheckpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectCheckpoints").field(&self.0.objects).finish()
    }
}
