//! The state of an export in a bucket.

use object_store::{
    Error as StoreError, ObjectStoreExt as _, PutMode, PutOptions, PutResult, UpdateVersion,
};

use super::place::{BucketUrl, Object, is_missing};
use crate::aside;
use crate::keeper::{as_text, check_size};
use crate::{Keeper, SinkError, SinkFuture};

/// Keeps the state in an object. It replaces what it has read or written itself, and nothing else: two exports
/// to the same place do not go unnoticed.
pub struct BucketKeeper {
    object: Object,
    /// The version that was read or written last.
    known: Option<UpdateVersion>,
}

impl BucketKeeper {
    /// A state in the object of this URL.
    ///
    /// # Errors
    /// When the environment does not say how to reach the bucket.
    pub fn new(url: &BucketUrl) -> Result<Self, SinkError> {
        url.open().map(|object| Self { object, known: None })
    }

    /// The state of an export to this URL, in the hidden folder beside it.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn beside(url: &BucketUrl) -> Result<Self, SinkError> {
        let object = url.open()?.aside(aside::STATE)?;
        Ok(Self { object, known: None })
    }

    async fn read(&mut self) -> Result<Option<String>, SinkError> {
        let cant = |error| self.object.cant("read", &error);
        let found = match self.object.store.get(&self.object.path).await {
            Ok(found) => found,
            Err(error) if is_missing(&error) => {
                self.known = None;
                return Ok(None);
            }
            Err(error) => return Err(cant(error)),
        };
        check_size(found.meta.size, &self.object.url)?;
        let version =
            UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let text = found.bytes().await.map_err(cant)?;
        let text = as_text(text.into(), &self.object.url)?;
        self.known = Some(version);
        Ok(Some(text))
    }

    async fn write(&mut self, state: &str) -> Result<(), SinkError> {
        let mode = match self.known.clone() {
            Some(version) => PutMode::Update(version),
            None => PutMode::Create,
        };
        let put = match self.put(state, mode).await {
            // So the user has said that this server can't do it.
            Err(StoreError::NotImplemented { .. }) => self.put(state, PutMode::Overwrite).await,
            put => put,
        };
        match put {
            Ok(put) => {
                self.known = Some(UpdateVersion { e_tag: put.e_tag, version: put.version });
                Ok(())
            }
            Err(
                error @ (StoreError::AlreadyExists { .. }
                | StoreError::Precondition { .. }
                | StoreError::NotFound { .. }),
            ) => {
                // It may have been written by an attempt whose answer was lost.
                if self.read().await?.as_deref() == Some(state) {
                    return Ok(());
                }
                self.known = None;
                Err(match error {
                    StoreError::NotFound { .. } => self.object.cant("write", &error),
                    _ => SinkError::taken(format!(
                        "{} was changed by another export to the same place; only one can go on",
                        self.object.url
                    )),
                })
            }
            Err(error) => Err(self.object.cant("write", &error)),
        }
    }

    async fn put(&self, state: &str, mode: PutMode) -> Result<PutResult, StoreError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        let state = state.to_owned().into_bytes();
        self.object.store.put_opts(&self.object.path, state.into(), options).await
    }

    async fn remove(&mut self) -> Result<(), SinkError> {
        match self.object.store.delete(&self.object.path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => {
                self.known = None;
                Ok(())
            }
            Err(error) => Err(self.object.cant("remove", &error)),
        }
    }
}

impl Keeper for BucketKeeper {
    fn load(&mut self) -> SinkFuture<'_, Option<String>> {
        Box::pin(self.read())
    }

    fn save<'a>(&'a mut self, state: &'a str) -> SinkFuture<'a> {
        Box::pin(self.write(state))
    }

    fn clear(&mut self) -> SinkFuture<'_> {
        Box::pin(self.remove())
    }

    fn place(&self) -> String {
        self.object.url.clone()
    }
}
