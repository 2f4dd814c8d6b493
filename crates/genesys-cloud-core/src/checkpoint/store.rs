//! Where checkpoints are kept.

use std::pin::Pin;
use std::sync::Arc;

use super::Checkpoint;
use crate::error::Error;

/// What a [`CheckpointStore`] returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Keeps checkpoints, each under a key: [`FileStore`](crate::FileStore), with the feature `object_store` the
/// `ObjectCheckpoints` of any bucket, or one of your own.
///
/// What was saved must be there when the future is ready, whatever happens then, and be replaced by the next
/// as a whole: one that was interrupted leaves the old or the new. Two writers of one key must not go
/// unnoticed.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Mutex;
///
/// use genesys_cloud_core::{Checkpoint, CheckpointStore, Error, StoreFuture};
///
/// /// For tests.
/// #[derive(Default)]
/// struct Memory(Mutex<HashMap<String, String>>);
///
/// impl CheckpointStore for Memory {
///     fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>> {
///         Box::pin(async move {
///             let text = self.0.lock().unwrap().get(key).cloned();
///             text.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::checkpoint_store)
///         })
///     }
///
///     fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()> {
///         Box::pin(async move {
///             let text = serde_json::to_string(checkpoint).map_err(Error::checkpoint_store)?;
///             self.0.lock().unwrap().insert(key.to_owned(), text);
///             Ok(())
///         })
///     }
///
///     fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
///         Box::pin(async move {
///             self.0.lock().unwrap().remove(key);
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait CheckpointStore: Send + Sync {
    /// What was saved last under a key. `None` if nothing was, or it was cleared.
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>>;

    /// Saves a checkpoint in the place of what is there under its key.
    fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()>;

    /// Removes what is there under a key, if anything is.
    fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()>;
}

impl<S: CheckpointStore + ?Sized> CheckpointStore for Arc<S> {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>> {
        (**self).load(key)
    }

    fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()> {
        (**self).save(key, checkpoint)
    }

    fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        (**self).clear(key)
    }
}
