//! Where the state of an export is kept until it is whole.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{SinkError, Written};

/// Keeps the state of one export: how far it is in the list and in its output, as a text.
///
/// What was saved must be there once the future is ready, whatever happens then. The next takes its place as a
/// whole.
pub trait Keeper: Send {
    /// What was saved last, if anything was.
    fn load(&mut self) -> Written<'_, Option<String>>;

    /// Saves it in the place of what is there.
    fn save<'a>(&'a mut self, state: &'a str) -> Written<'a>;

    /// Forgets it.
    fn clear(&mut self) -> Written<'_>;

    /// Where it is kept, for people.
    fn place(&self) -> String;
}

/// A file.
pub(crate) struct FileKeeper(PathBuf);

impl FileKeeper {
    /// The file of this path.
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The file beside this output.
    pub(crate) fn beside(out: &Path) -> Self {
        let mut name = out.as_os_str().to_owned();
        name.push(".state.json");
        Self(name.into())
    }

    fn read(&self) -> Result<Option<String>, SinkError> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SinkError::new(format!("can't read {}: {error}", self.place()))),
        }
    }

    fn write(&self, state: &str) -> Result<(), SinkError> {
        let mut new = self.0.as_os_str().to_owned();
        new.push(".new");
        let save = || {
            let mut file = File::create(&new)?;
            file.write_all(state.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.0)
        };
        save().map_err(|error| SinkError::new(format!("can't write {}: {error}", self.place())))
    }

    fn remove(&self) -> Result<(), SinkError> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(SinkError::new(format!("can't remove {}: {error}", self.place())))
            }
            _ => Ok(()),
        }
    }
}

impl Keeper for FileKeeper {
    fn load(&mut self) -> Written<'_, Option<String>> {
        let read = self.read();
        Box::pin(async { read })
    }

    fn save<'a>(&'a mut self, state: &'a str) -> Written<'a> {
        let written = self.write(state);
        Box::pin(async { written })
    }

    fn clear(&mut self) -> Written<'_> {
        let removed = self.remove();
        Box::pin(async { removed })
    }

    fn place(&self) -> String {
        self.0.display().to_string()
    }
}
