//! Checkpoints in files.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::store::{CheckpointStore, MAX_STATE_SIZE, StoreError, StoreFuture};
use crate::private_file;
use crate::runtime;

/// Encodes what is not allowed in file names on every system.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A store in a directory, with a file for each key.
///
/// A state is written to a temporary file, synced, and renamed over the old one, so that a crash of the process or the
/// machine leaves either the old state or the new one. Files are readable only by their owner, and symbolic links are
/// not followed.
///
/// The first use of a key locks it until this store and all its clones are dropped or the process ends. Another
/// store, in this process or another, gets a conflict that names the process ([`StoreError::is_conflict`]). The lock
/// file remains. File locks work on local disks; on network disks they depend on the server.
///
/// Uses the blocking threads of the current Tokio runtime.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    files: Files,
    keys: Mutex<HashMap<String, Arc<Key>>>,
}

#[derive(Debug)]
enum Files {
    /// One file for each key, in this directory.
    In(PathBuf),
    /// A single file.
    One(PathBuf),
}

/// A locked key.
struct Key {
    path: PathBuf,
    /// Unlocked on drop.
    _lock: Option<File>,
    requested: AtomicU64,
    /// The number of the last change that was made. A change whose future was dropped may still be running when the
    /// next one is requested.
    done: Mutex<u64>,
}

impl FileStore {
    /// Creates a store in this directory, which is created on first use.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::of(Files::In(directory.into()))
    }

    /// Creates a store with a single file, whatever the key. It takes no lock: the caller must keep other writers out.
    /// The directory of the file must exist.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Files::One(path.into()))
    }

    fn of(files: Files) -> Self {
        Self(Arc::new(Inner { files, keys: Mutex::default() }))
    }

    /// Returns the path of a key's file.
    pub fn path(&self, key: &str) -> PathBuf {
        match &self.0.files {
            Files::In(directory) => {
                directory.join(format!("{}.json", utf8_percent_encode(key, ENCODED)))
            }
            Files::One(path) => path.clone(),
        }
    }

    /// Runs `change` with a key on a blocking thread.
    async fn run<R: Send + 'static>(
        &self,
        key: &str,
        change: impl FnOnce(&Key) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, StoreError> {
        let (store, key) = (self.clone(), key.to_owned());
        let runtime = runtime::current(None)
            .map_err(|error| StoreError::new(error.to_string()).with_source(error))?;
        let done = runtime.spawn_blocking(move || change(&*store.key(&key)?)).await;
        done.unwrap_or_else(|error| Err(StoreError::new(format!("a thread failed: {error}"))))
    }

    /// Returns a key, locking it on first use if it is in a directory.
    fn key(&self, key: &str) -> Result<Arc<Key>, StoreError> {
        let mut keys = lock(&self.0.keys);
        if let Some(key) = keys.get(key) {
            return Ok(key.clone());
        }
        let path = self.path(key);
        let file = match &self.0.files {
            Files::In(directory) => Some(locked(directory, &path)?),
            Files::One(_) => None,
        };
        private_file::sweep(&path);
        let (requested, done) = (AtomicU64::new(0), Mutex::new(0));
        let held = Arc::new(Key { path, _lock: file, requested, done });
        keys.insert(key.to_owned(), held.clone());
        Ok(held)
    }
}

/// Locks the file of a key.
fn locked(directory: &Path, path: &Path) -> Result<File, StoreError> {
    let failed = |error: io::Error| failed("lock", path, &error);
    fs::create_dir_all(directory).map_err(failed)?;
    let mut file = private_file::open(&path.with_extension("lock"), true).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.take(64).read_to_string(&mut holder);
            return Err(StoreError::conflict(match holder.trim() {
                "" => format!("{} is in use by another process", path.display()),
                pid => format!("{} is in use by process {pid}", path.display()),
            }));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let pid = std::process::id().to_string();
    // Only for the message above.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
    Ok(file)
}

fn read(path: &Path) -> Result<Option<String>, StoreError> {
    let unreadable = |why: String| {
        StoreError::unreadable(format!(
            "{} is not a saved state: {why}; remove it, or choose another location",
            path.display()
        ))
    };
    match private_file::read(path, MAX_STATE_SIZE) {
        Ok(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|_| unreadable("it is not text".to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(unreadable(error.to_string()))
        }
        Err(error) => Err(failed("read", path, &error)),
    }
}

impl CheckpointStore for FileStore {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(self.run(key, |key| {
            let _no_change = lock(&key.done);
            read(&key.path)
        }))
    }

    fn save<'a>(&'a mut self, key: &'a str, text: &'a str) -> StoreFuture<'a, ()> {
        let text = text.to_owned();
        Box::pin(
            self.change(key, "write", move |path| private_file::replace(path, text.as_bytes())),
        )
    }

    fn clear<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.change(key, "remove", private_file::remove))
    }

    fn location(&self, key: &str) -> String {
        self.path(key).display().to_string()
    }
}

impl FileStore {
    /// Changes the file of a key, unless a later change has already been made.
    async fn change(
        &self,
        key: &str,
        doing: &'static str,
        change: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        // Numbered in the order in which changes are requested.
        let known = lock(&self.0.keys).get(key).cloned();
        let number = known.map(|key| key.requested.fetch_add(1, Ordering::Relaxed) + 1);
        self.run(key, move |key| {
            let number =
                number.unwrap_or_else(|| key.requested.fetch_add(1, Ordering::Relaxed) + 1);
            let mut done = lock(&key.done);
            if *done < number {
                change(&key.path).map_err(|error| failed(doing, &key.path, &error))?;
                *done = number;
            }
            Ok(())
        })
        .await
    }
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::from_io(format!("can't {doing} {}: {error}", path.display()), error)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileStore").field(&self.0.files).finish()
    }
}
