//! The state of an export in a bucket.

use std::error::Error as _;
use std::fmt;

use genesys_cloud_core::{CheckpointStore, ObjectCheckpoints, StoreError, StoreFuture};

use super::object::{BucketUrl, Object};
use crate::error::SinkError;
use crate::watch::{Watch, unless_stopped};
use crate::work_folder;

/// Keeps the state of an export in an object, with the settings and credentials in the environment.
///
/// It replaces only a version that it has read or written, so that a second export to the same output is detected.
pub struct BucketStore {
    object: Object,
    store: ObjectCheckpoints,
}

impl BucketStore {
    /// Creates a store at this URL.
    ///
    /// # Errors
    /// If the environment lacks the settings to reach the bucket.
    pub fn new(url: &BucketUrl) -> Result<Self, SinkError> {
        url.open().map(Self::of)
    }

    /// Creates a store in the hidden folder beside this output.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn beside(url: &BucketUrl) -> Result<Self, SinkError> {
        url.open()?.aside(work_folder::STATE).map(Self::of)
    }

    fn of(object: Object) -> Self {
        let store = Self::store(&object);
        Self { object, store }
    }

    fn store(object: &Object) -> ObjectCheckpoints {
        // On servers without conditional writes, the user has turned them off.
        ObjectCheckpoints::object(object.shared(), object.path.clone()).overwriting()
    }

    /// Sets the watch, which interrupts waits for the bucket.
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.object.watch = Some(watch);
        self
    }
}

/// Waits for the bucket, and describes its errors.
async fn wait<T>(object: &Object, doing: &str, work: StoreFuture<'_, T>) -> Result<T, StoreError> {
    let Some(done) = unless_stopped(object.watch.as_ref(), work).await else {
        return Err(StoreError::stopped(format!("stopped while waiting for {}", object.url)));
    };
    done.map_err(|error| {
        if error.is_conflict() {
            return StoreError::conflict(format!(
                "{} was changed by another export to the same output; only one can continue",
                object.url
            ));
        }
        if error.is_unreadable() {
            return StoreError::unreadable(format!("{}: {error}", object.url));
        }
        match error.source().and_then(|it| it.downcast_ref::<object_store::Error>()) {
            Some(cause) => object.cant(doing, cause).into(),
            None => error,
        }
    })
}

impl CheckpointStore for BucketStore {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(wait(&self.object, "read", self.store.load(key)))
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(wait(&self.object, "write", self.store.save(key, text)))
    }

    fn clear<'a>(&'a mut self, _: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async {
            self.object
                .wait(self.object.delete())
                .await
                .map_err(|error| StoreError::from(self.object.cant("remove", &error)))?;
            // Forget the version of the deleted object.
            self.store = Self::store(&self.object);
            Ok(())
        })
    }

    fn location(&self, _: &str) -> String {
        self.object.url.clone()
    }
}

impl fmt::Debug for BucketStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BucketStore").field(&self.object.url).finish()
    }
}
