//! Checkpoints in files.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::store::{CheckpointStore, StoreFuture};
use super::{Checkpoint, text};
use crate::error::Error;
use crate::private_file;
use crate::runtime;

/// What may stand in the name of a file everywhere.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Keeps checkpoints as JSON files in a directory, one for each key.
///
/// A checkpoint is written beside the old one, made durable, and then put in its place, so that whatever stops
/// the process or the machine, the old one or the new one is there as a whole. Files are readable for their
/// owner alone, and symbolic links are not followed.
///
/// From its first use on, a key belongs to this store and its clones until the last of them is dropped or the
/// process ends, however it does: another one, in this process or another, gets an error that names the
/// process ([`ErrorKind::CheckpointInUse`](crate::ErrorKind::CheckpointInUse)). The lock is a file that stays. Locks
/// of files hold on local disks; on network disks it depends on the server.
///
/// It uses the blocking threads of the Tokio runtime that it is called in.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    directory: PathBuf,
    keys: Mutex<HashMap<String, Arc<Key>>>,
}

/// A key that belongs to this store.
struct Key {
    path: PathBuf,
    /// Held for as long as this is there.
    _lock: File,
    begun: AtomicU64,
    /// The number of the change that was made last. A change whose caller has gone may still be on its way
    /// when the next one comes.
    done: Mutex<u64>,
}

impl FileStore {
    /// A store in this directory, which is made when it is first used.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Inner { directory: directory.into(), keys: Mutex::default() }))
    }

    /// Where the checkpoint of a key is.
    pub fn path(&self, key: &str) -> PathBuf {
        self.0.directory.join(format!("{}.json", utf8_percent_encode(key, ENCODED)))
    }

    /// Does something with a key on a thread of its own.
    async fn on<R: Send + 'static>(
        &self,
        key: &str,
        change: impl FnOnce(&Key) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let (store, key) = (self.clone(), key.to_owned());
        let done = runtime::current(None)?.spawn_blocking(move || change(&*store.key(&key)?)).await;
        done.unwrap_or_else(|error| Err(Error::checkpoint_store(error)))
    }

    /// Takes the lock of a key, unless this store has it.
    fn key(&self, key: &str) -> Result<Arc<Key>, Error> {
        let mut keys = lock(&self.0.keys);
        if let Some(key) = keys.get(key) {
            return Ok(key.clone());
        }
        let path = self.path(key);
        let failed = |error| failed("could not be locked", &path, error);
        fs::create_dir_all(&self.0.directory).map_err(failed)?;
        let mut file = private_file::open(&path.with_extension("lock"), true).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.take(64).read_to_string(&mut holder);
                return Err(Error::checkpoint_in_use(match holder.trim() {
                    "" => format!("{} is in use by another process", path.display()),
                    pid => format!("{} is in use by process {pid}", path.display()),
                }));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let pid = std::process::id().to_string();
        private_file::sweep(&path);
        // Told to others; the lock holds without.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(pid.as_bytes()));
        let (begun, done) = (AtomicU64::new(0), Mutex::new(0));
        let held = Arc::new(Key { path, _lock: file, begun, done });
        keys.insert(key.to_owned(), held.clone());
        Ok(held)
    }
}

impl CheckpointStore for FileStore {
    fn load<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<Checkpoint>> {
        Box::pin(self.on(key, |key| {
            let _no_change = lock(&key.done);
            let failed = |error| failed("could not be read", &key.path, error);
            match private_file::read(&key.path, text::enough()) {
                Ok(bytes) => {
                    text::read(&bytes).map(Some).map_err(|why| failed(io::Error::other(why)))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    Err(failed(io::Error::other(text::too_long())))
                }
                Err(error) => Err(failed(error)),
            }
        }))
    }

    fn save<'a>(&'a self, key: &'a str, checkpoint: &'a Checkpoint) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let text = text::write(checkpoint)?;
            self.change(key, move |path| private_file::replace(path, &text)).await
        })
    }

    fn clear<'a>(&'a self, key: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(self.change(key, private_file::remove))
    }
}

impl FileStore {
    /// Changes the file of a key, unless a later change has been made by then.
    async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        // Changes are counted in the order in which they are asked for.
        let known = lock(&self.0.keys).get(key).cloned();
        let number = known.map(|key| key.begun.fetch_add(1, Ordering::Relaxed) + 1);
        self.on(key, move |key| {
            let number = number.unwrap_or_else(|| key.begun.fetch_add(1, Ordering::Relaxed) + 1);
            let mut done = lock(&key.done);
            if *done < number {
                change(&key.path)
                    .map_err(|error| failed("could not be written", &key.path, error))?;
                *done = number;
            }
            Ok(())
        })
        .await
    }
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::checkpoint_store(io::Error::new(
        error.kind(),
        format!("{} {what}: {error}", path.display()),
    ))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileStore").field(&self.0.directory).finish()
    }
}
