//! Stores for checkpoints and other states.

use std::fmt;
use std::pin::Pin;

use crate::error::Error;
use crate::private_file;

/// The longest text that a store saves and loads, in bytes.
pub const MAX_STATE_SIZE: u64 = 512 << 20;

/// The future that a [`CheckpointStore`] returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps the states of lists and exports as text under keys. Implemented by [`FileStore`](crate::FileStore), by
/// `ObjectCheckpoints` for buckets (feature `object_store_0_13`), and by stores of the crate `genesys-cloud-sinks`.
///
/// Implementations must guarantee:
/// - A save is durable and atomic. When the future completes, the text survives a crash; an interrupted save leaves the
///   old text or the new one.
/// - A store replaces and removes only what it has loaded or saved itself. If another writer has changed the text, or
///   another process has locked the key, that is a [conflict](StoreError::conflict).
///
/// ```
/// use std::collections::HashMap;
///
/// use genesys_cloud_core::{CheckpointStore, StoreFuture};
///
/// /// A store for tests.
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
    /// Loads the text of a key. `None` if there is none.
    ///
    /// # Errors
    /// If the store can't be read, or another process has locked the key ([conflict](StoreError::conflict)).
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>>;

    /// Saves a text under a key.
    ///
    /// # Errors
    /// If the store can't be written, or another writer has changed the text ([conflict](StoreError::conflict)),
    /// which then remains.
    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()>;

    /// Removes the text under a key, if there is one.
    ///
    /// # Errors
    /// Those of [`save`](Self::save).
    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()>;

    /// Returns where the text of a key is, for messages.
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

/// An error of a [`CheckpointStore`].
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
    text: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Permanent,
    Unavailable,
    Conflict,
    Unreadable,
    Stopped,
}

impl StoreError {
    /// Creates a permanent error. The text says what failed and why.
    pub fn new(text: impl Into<String>) -> Self {
        Self::of(Kind::Permanent, text)
    }

    /// Creates a transient error: the store can't be reached.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::of(Kind::Unavailable, text)
    }

    /// Creates an error from an I/O error, which decides whether it is transient. The text says what failed and why.
    pub fn from_io(text: impl Into<String>, error: &std::io::Error) -> Self {
        match private_file::is_transient(error) {
            true => Self::unavailable(text),
            false => Self::new(text),
        }
    }

    /// Creates a conflict: another writer uses the key or has changed its text.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::of(Kind::Conflict, text)
    }

    /// Creates the error for stored data that is not a saved text.
    pub fn unreadable(text: impl Into<String>) -> Self {
        Self::of(Kind::Unreadable, text)
    }

    /// Creates the error for an operation that the user has stopped.
    pub fn stopped(text: impl Into<String>) -> Self {
        Self::of(Kind::Stopped, text)
    }

    fn of(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    /// Adds the cause. The text should not repeat it.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Returns whether the error is transient: the store can't be reached.
    pub fn is_unavailable(&self) -> bool {
        self.kind == Kind::Unavailable
    }

    /// Returns whether another writer uses the key or has changed its text.
    pub fn is_conflict(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// Returns whether the stored data is not a saved text.
    pub fn is_unreadable(&self) -> bool {
        self.kind == Kind::Unreadable
    }

    /// Returns whether the user has stopped the operation.
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
        // An error of this crate is passed through.
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
