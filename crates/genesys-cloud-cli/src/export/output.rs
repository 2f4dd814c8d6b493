//! Where an export goes, as the command line says it.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::arguments::Export;
use crate::aside;
use crate::failure::Failure;
#[cfg(feature = "buckets")]
use crate::sinks::{BucketKeeper, BucketSink, BucketUrl, PART_SIZE};
use crate::sinks::{FileKeeper, FileSink, Format, Keeper, Sink, StreamSink};
#[cfg(feature = "postgres")]
use crate::sinks::{PostgresSink, Target};
use crate::terminal;

/// Where the records go.
#[derive(Clone, Debug, Default)]
pub(crate) enum Output {
    #[default]
    Stream,
    File(PathBuf),
    #[cfg(feature = "buckets")]
    Bucket(BucketUrl),
    #[cfg(feature = "postgres")]
    Postgres(Box<Target>),
    /// Nothing, for this reason. The text that was given may hold a password, and is not to be told.
    Refused(String),
}

impl Output {
    /// The name of what is written, whose end says the format.
    pub(super) fn name(&self) -> Option<&Path> {
        match self {
            Self::Stream => None,
            Self::File(path) => Some(path),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => Some(Path::new(url.name())),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
            Self::Refused(_) => None,
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
            Self::Stream => Some("an export to standard output can't be resumed"),
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
                if export.format.is_some() || export.row_group.is_some() {
                    return Err(Failure::usage("--format: a table of a database has none"));
                }
                let name = options.table.as_deref().unwrap_or(usual);
                target.table(name).map_err(Failure::usage)?;
                target.options(options.create_table, options.upsert.clone());
                target.check().map_err(Failure::usage)
            }
            Self::Refused(why) => Err(refused(why)),
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

    /// What an earlier release left, whose names were others: the state of an export that was stopped is refused,
    /// and everything else is to be noted.
    pub(super) async fn earlier_release(&self, is_restart: bool) -> Result<Vec<String>, Failure> {
        let mut left = Vec::new();
        match self {
            Self::File(out) => {
                left = aside::left_by_earlier_release(out);
            }
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => {
                let state = format!("{url}{}", aside::STATE);
                let mut keeper = match state.parse() {
                    Ok(url) => BucketKeeper::new(&url).map_err(super::unwritten)?,
                    Err(_) => return Ok(Vec::new()),
                };
                if keeper.load().await.map_err(super::unwritten)?.is_some() {
                    left.push(state.into());
                }
            }
            _ => {}
        }
        let is_state = |path: &&PathBuf| path.to_string_lossy().ends_with(aside::STATE);
        if let (Some(state), false) = (left.iter().find(is_state), is_restart) {
            return Err(Failure::usage(format!(
                "{} is the state of an export by an earlier release, which this one can't resume",
                state.display()
            ))
            .advise("finish that export with the earlier release, or remove the file"));
        }
        let note = |path: PathBuf| {
            format!(
                "{} was left by an earlier release; remove it, since readers of the folder take it for data",
                path.display()
            )
        };
        Ok(left.into_iter().map(note).collect())
    }

    /// What writes there.
    #[cfg_attr(not(feature = "buckets"), allow(unused_variables))]
    pub(super) fn sink(&self, format: Format, export: &Export) -> Result<Box<dyn Sink>, Failure> {
        Ok(match self {
            Self::Stream => Box::new(StreamSink::new(terminal::data(), format)),
            Self::File(path) => Box::new(FileSink::new(path, format)),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => {
                let sink = BucketSink::new(url, format).map_err(super::unwritten)?;
                Box::new(sink.part_size(export.part_size.unwrap_or(PART_SIZE)))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(target) => Box::new(PostgresSink::new((**target).clone())),
            Self::Refused(why) => return Err(refused(why)),
        })
    }

    /// What keeps its state, unless the sink does.
    pub(super) fn keeper(&self) -> Result<Option<Box<dyn Keeper>>, Failure> {
        Ok(match self {
            Self::Stream => None,
            Self::File(path) => Some(Box::new(FileKeeper::beside(path))),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => {
                Some(Box::new(BucketKeeper::beside(url).map_err(super::unwritten)?))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
            Self::Refused(why) => return Err(refused(why)),
        })
    }
}

fn refused(why: &str) -> Failure {
    Failure::usage(format!("--out: {why}"))
}

/// A file by the name that the user gave. Where that is a link, it is the file that it leads to, which is to be
/// replaced and not the link.
fn file(text: &str) -> Output {
    let path = PathBuf::from(text);
    match path.is_symlink() {
        true => Output::File(std::fs::canonicalize(&path).unwrap_or(path)),
        false => Output::File(path),
    }
}

/// Why a text that is no URL is none of a file either: it may be a URL that was mistyped, with a password.
pub(super) fn mistyped(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty".to_owned());
    }
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = ["postgres", "postgresql", "redis", "rediss", "s3", "gs", "az", "abfs", "abfss"];
    if let Some(scheme) = scheme.filter(|scheme| known.contains(&scheme.as_str())) {
        return Some(format!("write it as {scheme}://.., or ./{scheme}:.. if it is a file"));
    }
    text.contains("password=").then(|| "a database is named by a URL, postgres://..".to_owned())
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
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(cant("it is a folder".to_owned())),
        // A device or a pipe would be replaced.
        Ok(there) if !there.is_file() => {
            Err(cant("it is no regular file; leave --out away and redirect".to_owned()))
        }
        _ => Ok(()),
    }
}

impl FromStr for Output {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(match text {
                "-" => Self::Stream,
                text => mistyped(text).map_or_else(|| file(text), Self::Refused),
            });
        };
        Ok(match scheme {
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Self::Postgres(Box::new(Target::new(text))),
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => {
                Self::Refused("this build lacks the feature postgres".to_owned())
            }
            #[cfg(feature = "buckets")]
            scheme if BucketUrl::is_scheme(scheme) => {
                text.parse().map_or_else(Self::Refused, Self::Bucket)
            }
            _ => Self::Refused(format!("no output has a URL of the scheme `{scheme}`")),
        })
    }
}

/// Without what is secret.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str("standard output"),
            Self::File(path) => path.display().fmt(f),
            #[cfg(feature = "buckets")]
            Self::Bucket(url) => url.fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(target) => target.fmt(f),
            Self::Refused(_) => f.write_str("nothing"),
        }
    }
}
