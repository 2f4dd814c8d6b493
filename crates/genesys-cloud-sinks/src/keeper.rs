//! Where the state of an export is kept until it is whole.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use genesys_cloud_core::private_file as private;

use super::{SinkError, SinkFuture};
use crate::aside;

/// The largest state that is saved and loaded, in bytes: that of an upload holds the records that fill no part yet.
/// Redis takes no longer text.
pub const LARGEST_STATE: u64 = 512 << 20;

/// Keeps the state of one export: how far it is in the list and in its output, as a text.
///
/// What was saved must be there once the future is ready, whatever happens then. The next takes its place as a
/// whole.
pub trait Keeper: Send {
    /// What was saved last, if anything was.
    fn load(&mut self) -> SinkFuture<'_, Option<String>>;

    /// Saves it in the place of what is there.
    fn save<'a>(&'a mut self, state: &'a str) -> SinkFuture<'a>;

    /// Forgets it.
    fn clear(&mut self) -> SinkFuture<'_>;

    /// Forgets it, where the export that has saved it is discarded to start over. An error where that would do harm.
    fn discard(&mut self) -> SinkFuture<'_> {
        self.clear()
    }

    /// Where it is kept, for people.
    fn place(&self) -> String;
}

/// A file.
pub struct FileKeeper(PathBuf);

impl FileKeeper {
    /// The file of this path.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The file beside this output.
    pub fn beside(out: &Path) -> Self {
        Self(aside::path(out, aside::STATE))
    }

    fn read(&self) -> Result<Option<String>, SinkError> {
        private::sweep(&self.0);
        match private::read(&self.0, LARGEST_STATE) {
            Ok(text) => as_text(text, &self.place()).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                Err(no_state(&self.place(), &error.to_string()))
            }
            Err(error) => {
                Err(SinkError::of_io(format!("can't read {}: {error}", self.place()), &error))
            }
        }
    }

    fn write(&self, state: &str) -> Result<(), SinkError> {
        let made = aside::make_folder(&self.0);
        made.and_then(|()| private::replace(&self.0, state.as_bytes())).map_err(|error| {
            SinkError::of_io(format!("can't write {}: {error}", self.place()), &error)
        })
    }

    fn remove(&self) -> Result<(), SinkError> {
        let removed = private::remove(&self.0);
        aside::remove_folder(&self.0);
        removed.map_err(|error| {
            SinkError::of_io(format!("can't remove {}: {error}", self.place()), &error)
        })
    }
}

/// Refuses what is too large to be a state, before it is read.
pub(super) fn check_size(bytes: u64, place: &str) -> Result<(), SinkError> {
    match bytes <= LARGEST_STATE {
        true => Ok(()),
        false => Err(no_state(place, &format!("it has {bytes} bytes"))),
    }
}

/// The text of a state.
pub(super) fn as_text(bytes: Vec<u8>, place: &str) -> Result<String, SinkError> {
    String::from_utf8(bytes).map_err(|_| no_state(place, "it is not text"))
}

fn no_state(place: &str, why: &str) -> SinkError {
    SinkError::mismatch(format!(
        "{place} is not the state of an export: {why}. Remove it, or choose another place"
    ))
}

impl Keeper for FileKeeper {
    fn load(&mut self) -> SinkFuture<'_, Option<String>> {
        let read = self.read();
        Box::pin(async { read })
    }

    fn save<'a>(&'a mut self, state: &'a str) -> SinkFuture<'a> {
        let written = self.write(state);
        Box::pin(async { written })
    }

    fn clear(&mut self) -> SinkFuture<'_> {
        let removed = self.remove();
        Box::pin(async { removed })
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }
}
