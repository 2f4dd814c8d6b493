//! Where an export goes, as the command line says it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::failure::Failure;
use crate::sinks::{FileKeeper, FileSink, Format, Keeper, Sink, StreamSink};

/// Where the records go.
#[derive(Clone, Debug, Default)]
pub(crate) enum Output {
    #[default]
    Stream,
    File(PathBuf),
}

impl Output {
    /// The format that its name ends in.
    pub(super) fn format(&self) -> Option<Format> {
        match self {
            Self::Stream => None,
            Self::File(path) => Format::of_path(path),
        }
    }

    /// Refuses what can't be written, as far as that shows without writing.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Stream => Ok(()),
            Self::File(path) => check_file(path),
        }
    }

    /// What writes there.
    pub(super) fn sink(&self, format: Format) -> Box<dyn Sink> {
        match self {
            Self::Stream => Box::new(StreamSink::new(std::io::stdout(), format)),
            Self::File(path) => Box::new(FileSink::new(path, format)),
        }
    }

    /// What keeps its state, unless the sink does.
    pub(super) fn keeper(&self) -> Option<Box<dyn Keeper>> {
        match self {
            Self::Stream => None,
            Self::File(path) => Some(Box::new(FileKeeper::beside(path))),
        }
    }
}

fn check_file(path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let cant = |why: String| Failure::output(format!("can't write {}: {why}", path.display()));
    if !folder.is_dir() {
        return Err(cant(format!("there is no folder {}", folder.display())));
    }
    match path.is_dir() {
        true => Err(cant("it is a folder".to_owned())),
        false => Ok(()),
    }
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "-" => Self::Stream,
            path => Self::File(path.into()),
        })
    }
}

/// Without what is secret.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
