//! Where an export goes, as the command line says it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::arguments::Export;
use crate::failure::Failure;
use crate::sinks::{FileKeeper, FileSink, Format, Keeper, Sink, StreamSink};
#[cfg(feature = "postgres")]
use crate::sinks::{PostgresSink, Target};

/// Where the records go.
#[derive(Clone, Debug, Default)]
pub(crate) enum Output {
    #[default]
    Stream,
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<Target>),
    #[cfg(not(feature = "postgres"))]
    NoPostgres,
}

impl Output {
    /// The format that its name ends in.
    pub(super) fn format(&self) -> Option<Format> {
        match self {
            Self::Stream => None,
            Self::File(path) => Format::of_path(path),
            _ => None,
        }
    }

    /// Whether it can't do without columns, whatever the format.
    pub(super) fn is_table(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
            _ => false,
        }
    }

    /// Why the state of an export is kept nowhere else.
    pub(super) fn keeps_no_state(&self) -> Option<&'static str> {
        match self {
            Self::Stream => Some("an export to standard output can't be gone on with"),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Some("PostgreSQL has the state beside the records"),
            _ => None,
        }
    }

    /// Chooses the table, where it is a database.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables))]
    pub(super) fn choose_table(&mut self, usual: &str, export: &Export) -> Result<(), Failure> {
        let options = &export.table;
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(target) => {
                if export.format.is_some() {
                    return Err(Failure::usage("--format: a table of a database has none"));
                }
                let name = options.table.as_deref().unwrap_or(usual);
                target.table(name).map_err(Failure::usage)?;
                target.options(options.create_table, options.upsert.clone());
                target.check().map_err(Failure::usage)
            }
            #[cfg(not(feature = "postgres"))]
            Self::NoPostgres => Err(Failure::usage("--out: this build lacks the feature postgres")),
            _ => match (&options.table, &options.upsert, options.create_table) {
                (None, None, false) => Ok(()),
                _ => Err(Failure::usage("--table, --create-table and --upsert are for a database")
                    .advise("--out postgres://user@host/database")),
            },
        }
    }

    /// Refuses what can't be written, as far as that shows without writing.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::File(path) => check_file(path),
            _ => Ok(()),
        }
    }

    /// What writes there.
    pub(super) fn sink(&self, format: Format) -> Box<dyn Sink> {
        match self {
            Self::Stream => Box::new(StreamSink::new(std::io::stdout(), format)),
            Self::File(path) => Box::new(FileSink::new(path, format)),
            #[cfg(feature = "postgres")]
            Self::Postgres(target) => Box::new(PostgresSink::new((**target).clone())),
            #[cfg(not(feature = "postgres"))]
            Self::NoPostgres => Box::new(StreamSink::new(std::io::sink(), format)),
        }
    }

    /// What keeps its state, unless the sink does.
    pub(super) fn keeper(&self) -> Option<Box<dyn Keeper>> {
        match self {
            Self::File(path) => Some(Box::new(FileKeeper::beside(path))),
            _ => None,
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
            #[cfg(feature = "postgres")]
            url if is_postgres(url) => Self::Postgres(Box::new(Target::new(url))),
            #[cfg(not(feature = "postgres"))]
            url if is_postgres(url) => Self::NoPostgres,
            path => Self::File(path.into()),
        })
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Without what is secret.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(target) => target.fmt(f),
            #[cfg(not(feature = "postgres"))]
            Self::NoPostgres => f.write_str("PostgreSQL"),
        }
    }
}
