//! The state of an export in a bucket.

use std::error::Error as _;
use std::fmt;

use genesys_cloud_core::{CheckpointStore, ObjectCheckpoints, StoreError, StoreFuture};

use super::place::{BucketUrl, Object};
use crate::error::SinkError;
use crate::watch::{Watch, unless_stopped};
use crate::work_folder;

/// Keeps the state of an export in an object of a bucket, by the settings and credentials of the environment. It replaces
/// what it has read or written itself, and nothing else: two exports to the same place do not go unnoticed.
pub struct BucketStore {
    object: Object,
    store: ObjectCheckpoints,
}

impl BucketStore {
    /// The object of this URL.
    ///
    /// # Errors
    /// When the environment does not say how to reach the bucket.
    pub fn new(url: &BucketUrl) -> Result<Self, SinkError> {
        url.open().map(Self::of)
    }

    /// The state of an export to this URL, in the hidden folder beside it.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn beside(url: &BucketUrl) -> Result<Self, SinkError> {
        url.open()?.aside(work_folder::STATE).map(Self::of)
    }

    fn of(object: Object) -> Self {
        let store = Self::store(&object);
        Self { object, store }
    }

    fn store(object: &Object) -> ObjectCheckpoints {
        // Where a server has no conditional writes, the user has said so.
        ObjectCheckpoints::object(object.shared(), object.path.clone()).overwriting()
    }

    /// Lets the user stop a wait for the bucket.
    #[must_use]
    pub fn watch(mut self, watch: Watch) -> Self {
        self.object.watch = Some(watch);
        self
    }
}

/// Waits for the bucket, and explains its errors.
async fn wait<T>(object: &Object, doing: &str, work: StoreFuture<'_, T>) -> Result<T, StoreError> {
    let Some(done) = unless_stopped(object.watch.as_ref(), work).await else {
        return Err(StoreError::stopped(format!("stopped while {} was waited for", object.url)));
    };
    done.map_err(|error| {
        if error.is_conflict() {
            return StoreError::conflict(format!(
                "{} was changed by another export to the same place; only one can go on",
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
            // Nothing is there as far as it knows.
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
