//! Where an export goes: what writes there, and where its state is kept.

use std::path::{Path, PathBuf};

use genesys_cloud_core::CheckpointStore;
#[cfg(feature = "postgres")]
use genesys_cloud_sinks::PostgresSink;
use genesys_cloud_sinks::work_folder;
#[cfg(feature = "buckets")]
use genesys_cloud_sinks::{BucketSink, BucketStore, PART_SIZE};
use genesys_cloud_sinks::{FileSink, Format, Sink, StateFile, StreamSink, Watch};

use crate::failure::Failure;
use crate::locations::Destination;
use crate::settings::ExportSettings;
use crate::terminal;

/// Where an export goes.
pub(super) struct Output {
    pub(super) destination: Destination,
    #[cfg(feature = "buckets")]
    part_size: u64,
}

impl Output {
    pub(super) fn new(settings: &ExportSettings) -> Self {
        Self {
            destination: settings.destination.clone(),
            #[cfg(feature = "buckets")]
            part_size: settings.form.part_size.unwrap_or(PART_SIZE),
        }
    }

    /// The destination, without secrets. `None` for standard output.
    pub(super) fn text(&self) -> Option<String> {
        match &self.destination {
            Destination::Stdout => None,
            destination => Some(destination.to_string()),
        }
    }

    /// The file, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.destination {
            Destination::File(path) => Some(path),
            _ => None,
        }
    }

    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.destination, Destination::Stdout)
    }

    /// The name of what is written, whose end says the format.
    pub(super) fn name(&self) -> Option<&Path> {
        match &self.destination {
            Destination::Stdout => None,
            Destination::File(path) => Some(path),
            #[cfg(feature = "buckets")]
            Destination::Bucket(url) => Some(Path::new(url.name())),
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => None,
        }
    }

    /// Whether it can't do without columns, whatever the format.
    pub(super) fn is_table(&self) -> bool {
        match &self.destination {
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => true,
            _ => false,
        }
    }

    /// Why the state of an export is kept nowhere else.
    pub(super) fn keeps_no_state(&self) -> Option<&'static str> {
        match &self.destination {
            Destination::Stdout => Some("an export to standard output can't be resumed"),
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => Some("PostgreSQL has the state beside the records"),
            _ => None,
        }
    }

    /// Chooses the table, where it is a database.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables))]
    pub(super) fn choose_table(
        &mut self,
        usual: &str,
        settings: &ExportSettings,
    ) -> Result<(), Failure> {
        let options = &settings.table;
        match &mut self.destination {
            #[cfg(feature = "postgres")]
            Destination::Postgres(target) => {
                if settings.form.format.is_some() || settings.form.row_group.is_some() {
                    return Err(Failure::usage(
                        "--format is for files, not for a table of a database",
                    ));
                }
                let name = options.name.as_deref().unwrap_or(usual);
                target.table(name).map_err(Failure::usage)?;
                target.options(options.create, options.upsert.clone());
                target.check().map_err(Failure::usage)
            }
            _ => match (&options.name, &options.upsert, options.create) {
                (None, None, false) => Ok(()),
                _ => Err(Failure::usage("--table, --create-table and --upsert are for a database")
                    .advise("--out postgres://user@host/database")),
            },
        }
    }

    /// Refuses what can't be written, as far as that shows without writing.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.destination {
            Destination::File(path) => check_file(path),
            _ => Ok(()),
        }
    }

    /// What an earlier release left, whose names were others: the state of an interrupted export is refused,
    /// and everything else is to be noted.
    pub(super) async fn earlier_release(&self, is_restart: bool) -> Result<Vec<String>, Failure> {
        let mut left = Vec::new();
        match &self.destination {
            Destination::File(out) => {
                left = work_folder::left_by_earlier_release(out);
            }
            #[cfg(feature = "buckets")]
            Destination::Bucket(url) => {
                let state = format!("{url}{}", work_folder::STATE);
                let mut store = match state.parse() {
                    Ok(url) => BucketStore::new(&url)?,
                    Err(_) => return Ok(Vec::new()),
                };
                if store.load(&state).await?.is_some() {
                    left.push(state.into());
                }
            }
            _ => {}
        }
        let is_state = |path: &&PathBuf| path.to_string_lossy().ends_with(work_folder::STATE);
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
    pub(super) fn sink(&self, format: Format) -> Result<Box<dyn Sink>, Failure> {
        Ok(match &self.destination {
            Destination::Stdout => Box::new(StreamSink::new(terminal::data(), format)),
            Destination::File(path) => Box::new(FileSink::new(path, format)),
            #[cfg(feature = "buckets")]
            Destination::Bucket(url) => {
                let sink = BucketSink::new(url, format)?;
                Box::new(sink.part_size(self.part_size))
            }
            #[cfg(feature = "postgres")]
            Destination::Postgres(target) => Box::new(PostgresSink::new((**target).clone())),
        })
    }

    /// The store of its state, unless the sink is it.
    #[cfg_attr(not(feature = "buckets"), expect(unused_variables))]
    pub(super) fn store(&self, watch: &Watch) -> Result<Option<Box<dyn CheckpointStore>>, Failure> {
        Ok(match &self.destination {
            Destination::Stdout => None,
            Destination::File(path) => Some(Box::new(StateFile::beside(path))),
            #[cfg(feature = "buckets")]
            Destination::Bucket(url) => {
                Some(Box::new(BucketStore::beside(url)?.watch(watch.clone())))
            }
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => None,
        })
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
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(cant("it is a folder".to_owned())),
        // A device or a pipe would be replaced.
        Ok(there) if !there.is_file() => {
            Err(cant("not a regular file; leave out --out and redirect standard output".to_owned()))
        }
        _ => Ok(()),
    }
}
