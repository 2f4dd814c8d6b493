//! Where checkpoints are kept.

use std::fmt;
use std::pin::Pin;

use crate::error::Error;
use crate::private_file;

/// The longest text that a store saves and loads, in bytes.
pub const LARGEST_STATE: u64 = 512 << 20;

/// What a [`CheckpointStore`] returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps the state of a list or an export as a text, each under a key: [`FileStore`](crate::FileStore), with the
/// feature `object_store_0_13` the `ObjectCheckpoints` of any bucket, those of the crate `genesys-cloud-sinks`, or one
/// of your own.
///
/// What was saved must be there once the future is ready, whatever happens then. The next text replaces it as a whole:
/// a save that is interrupted leaves the old one or the new one.
///
/// A store replaces and removes what it has loaded or saved itself, and nothing else. If another writer has changed it
/// in between, that is a [conflict](StoreError::conflict). So is a key that another process has locked.
///
/// ```
/// use std::collections::HashMap;
///
/// use genesys_cloud_core::{CheckpointStore, StoreFuture};
///
/// /// For tests.
/// #[derive(Default)]
/// struct Memory(HashMap<String, String>);
///
/// impl CheckpointStore for Memory {
///     fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
///         Box::pin(async move { Ok(self.0.get(key).cloned()) })
///     }
///
///     fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
///         Box::pin(async move {
///             self.0.insert(key.to_owned(), text.to_owned());
///             Ok(())
///         })
///     }
///
///     fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
///         Box::pin(async move {
///             self.0.remove(key);
///             Ok(())
///         })
///     }
///
///     fn location(&self, key: &str) -> String {
///         format!("{key} in memory")
///     }
/// }
/// ```
pub trait CheckpointStore: Send + Sync {
    /// The text that was saved last under a key. `None` if there is none, or it was removed.
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>>;

    /// Saves a text under a key.
    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()>;

    /// Removes the text under a key, if there is one.
    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()>;

    /// Where the text of a key is, for people.
    fn location(&self, key: &str) -> String;
}

impl<S: CheckpointStore + ?Sized> CheckpointStore for Box<S> {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        (**self).load(key)
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        (**self).save(key, text)
    }

    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
        (**self).clear(key)
    }

    fn location(&self, key: &str) -> String {
        (**self).location(key)
    }
}

/// Why a [`CheckpointStore`] failed.
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
    text: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refused,
    Unavailable,
    Conflict,
    Unreadable,
    Stopped,
}

impl StoreError {
    /// The store refuses it, and will do so again. The text says what could not be done, and why.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of(Kind::Refused, text)
    }

    /// The store can't be reached now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::of(Kind::Unavailable, text)
    }

    /// An error of the system, which may pass or not. The text says what could not be done, and why.
    pub fn from_io(text: impl Into<String>, error: &std::io::Error) -> Self {
        match private_file::is_transient(error) {
            true => Self::unavailable(text),
            false => Self::new(text),
        }
    }

    /// Another writer uses the key, or has changed what is there.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::of(Kind::Conflict, text)
    }

    /// What is there can't be a text that was saved.
    pub fn unreadable(text: impl Into<String>) -> Self {
        Self::of(Kind::Unreadable, text)
    }

    /// The user has stopped it.
    pub fn stopped(text: impl Into<String>) -> Self {
        Self::of(Kind::Stopped, text)
    }

    fn of(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    /// The same with its cause, which the text does not repeat.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Whether the same may succeed later.
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Whether another writer uses the key, or has changed what is there.
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// Whether what is there can't be a text that was saved.
    pub fn is_unreadable(&self) -> bool {
        self.kind == Kind::Unreadable
    }

    /// Whether the user has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.kind == Kind::Stopped
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|it| it as _)
    }
}

impl From<StoreError> for Error {
    fn from(mut error: StoreError) -> Self {
        // One of this crate says best what it is.
        match error.source.take().map(|source| source.downcast::<Self>()) {
            Some(Ok(own)) => return *own,
            Some(Err(other)) => error.source = Some(other),
            None => {}
        }
        match error.kind {
            Kind::Conflict => Self::checkpoint_in_use(error.to_string()),
            _ => Self::checkpoint_store(error),
        }
    }
}
