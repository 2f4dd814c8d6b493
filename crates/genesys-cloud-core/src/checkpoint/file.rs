//! Checkpoints in files.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::store::{CheckpointStore, LARGEST_STATE, StoreError, StoreFuture};
use crate::private_file;
use crate::runtime;

/// What may stand in the name of a file everywhere.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Keeps states in files of a directory, one for each key.
///
/// A state is written beside the old one, made durable, and then put in its place, so that whatever stops
/// the process or the machine, the old one or the new one is there as a whole. Files are readable for their
/// owner alone, and symbolic links are not followed.
///
/// From its first use on, a key belongs to this store and its clones until the last of them is dropped or the
/// process ends, however it does: another one, in this process or another, gets an error that names the
/// process ([`StoreError::is_conflict`]). The lock is a file that stays. Locks of files hold on local disks;
/// on network disks it depends on the server.
///
/// It uses the blocking threads of the Tokio runtime that it is called in.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    files: Files,
    keys: Mutex<HashMap<String, Arc<Key>>>,
}

#[derive(Debug)]
enum Files {
    /// One for each key, in this directory.
    In(PathBuf),
    /// This one.
    One(PathBuf),
}

/// A key that belongs to this store.
struct Key {
    path: PathBuf,
    /// Held for as long as this is there.
    _lock: Option<File>,
    begun: AtomicU64,
    /// The number of the change that was made last. A change whose caller has gone may still be on its way
    /// when the next one comes.
    done: Mutex<u64>,
}

impl FileStore {
    /// A store in this directory, which is made when it is first used.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::of(Files::In(directory.into()))
    }

    /// A store of this one file, whatever the key, for a caller that keeps other writers out: it takes no lock. The
    /// directory of the file must be there.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Files::One(path.into()))
    }

    fn of(files: Files) -> Self {
        Self(Arc::new(Inner { files, keys: Mutex::default() }))
    }

    /// The file of a key.
    pub fn path(&self, key: &str) -> PathBuf {
        match &self.0.files {
            Files::In(directory) => {
                directory.join(format!("{}.json", utf8_percent_encode(key, ENCODED)))
            }
            Files::One(path) => path.clone(),
        }
    }

    /// Does something with a key on a thread of its own.
    async fn on<R: Send + 'static>(
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

    /// A key of this store, locked where that is the store's part.
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
        let (begun, done) = (AtomicU64::new(0), Mutex::new(0));
        let held = Arc::new(Key { path, _lock: file, begun, done });
        keys.insert(key.to_owned(), held.clone());
        Ok(held)
    }
}

/// Takes the lock of a file.
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
    // For the message above; the lock holds without it.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
    Ok(file)
}

fn read(path: &Path) -> Result<Option<String>, StoreError> {
    let odd = |why: String| {
        StoreError::unreadable(format!(
            "{} is not a saved state: {why}. Remove it, or choose another location",
            path.display()
        ))
    };
    match private_file::read(path, LARGEST_STATE) {
        Ok(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|_| odd("it is not text".to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(odd(error.to_string())),
        Err(error) => Err(failed("read", path, &error)),
    }
}

impl CheckpointStore for FileStore {
    fn load<'a>(&'a mut self, key: &'a str) -> StoreFuture<'a, Option<String>> {
        Box::pin(self.on(key, |key| {
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
    /// Changes the file of a key, unless a later change has been made by then.
    async fn change(
        &self,
        key: &str,
        doing: &'static str,
        change: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), StoreError> {
        // Changes are counted in the order in which they are asked for.
        let known = lock(&self.0.keys).get(key).cloned();
        let number = known.map(|key| key.begun.fetch_add(1, Ordering::Relaxed) + 1);
        self.on(key, move |key| {
            let number = number.unwrap_or_else(|| key.begun.fetch_add(1, Ordering::Relaxed) + 1);
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
