//! The output of an export: its sink and the store of its state.

use std::path::{Path, PathBuf};

use genesys_cloud_core::CheckpointStore;
#[cfg(feature = "postgres")]
use genesys_cloud_sinks::PostgresSink;
use genesys_cloud_sinks::work_folder;
#[cfg(feature = "buckets")]
use genesys_cloud_sinks::{BucketSink, BucketStore, PART_SIZE};
use genesys_cloud_sinks::{
    ChildTables, FileSink, Format, Sink, SplitSink, StateFile, StreamSink, Watch,
};

use super::child_tables;
use crate::failure::Failure;
use crate::locations::{Destination, Folder};
use crate::settings::ExportSettings;
use crate::terminal;

/// The output of an export.
#[derive(Clone)]
pub(super) struct Output {
    pub(super) destination: Destination,
    /// The outputs of child tables that are not in a database.
    children: Vec<Destination>,
    #[cfg(feature = "buckets")]
    part_size: u64,
}

impl Output {
    pub(super) fn new(settings: &ExportSettings) -> Self {
        Self {
            destination: settings.destination.clone(),
            children: Vec::new(),
            #[cfg(feature = "buckets")]
            part_size: settings.form.part_size.unwrap_or(PART_SIZE),
        }
    }

    /// Returns the output to another destination.
    pub(super) fn to(&self, destination: Destination) -> Self {
        Self { destination, ..self.clone() }
    }

    /// Returns the folder, if the output is one.
    pub(super) fn folder(&self) -> Option<&Folder> {
        match &self.destination {
            Destination::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    /// Returns the destination without secrets. `None` for standard output.
    pub(super) fn text(&self) -> Option<String> {
        match &self.destination {
            Destination::Stdout => None,
            destination => Some(destination.to_string()),
        }
    }

    /// Returns the path if the output is a file.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.destination {
            Destination::File(path) => Some(path),
            _ => None,
        }
    }

    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.destination, Destination::Stdout)
    }

    /// Returns the name whose extension selects the format.
    pub(super) fn name(&self) -> Option<&Path> {
        match &self.destination {
            Destination::Stdout | Destination::Folder(_) => None,
            Destination::File(path) => Some(path),
            #[cfg(feature = "buckets")]
            Destination::Bucket(url) => Some(Path::new(url.name())),
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => None,
        }
    }

    /// Returns whether the output is a database table, which needs columns.
    pub(super) fn is_table(&self) -> bool {
        match &self.destination {
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => true,
            _ => false,
        }
    }

    /// Returns why `--state` can't be used.
    pub(super) fn keeps_no_state(&self) -> Option<&'static str> {
        match &self.destination {
            Destination::Stdout => Some("an export to standard output can't be resumed"),
            Destination::Folder(_) => Some("the state of an export to a folder is in the folder"),
            #[cfg(feature = "postgres")]
            Destination::Postgres(_) => {
                Some("the state of an export to PostgreSQL is in the database")
            }
            _ => None,
        }
    }

    /// Sets the table of a database, or rejects the options for one.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables))]
    pub(super) fn choose_table(
        &mut self,
        usual: &str,
        settings: &ExportSettings,
        key: Vec<String>,
    ) -> Result<(), Failure> {
        let options = &settings.table;
        match &mut self.destination {
            #[cfg(feature = "postgres")]
            Destination::Postgres(target) => {
                let format = settings.form.format.map(|_| "--format");
                if let Some(option) = format.or(settings.form.option_of_parquet()) {
                    return Err(Failure::usage(format!(
                        "`{option}` can't be used with a database table"
                    )));
                }
                let name = options.name.as_deref().unwrap_or(usual);
                target.table(name).map_err(Failure::usage)?;
                target.options(options.create, key);
                target.add_columns(options.add_columns);
                target.check().map_err(Failure::usage)
            }
            _ => match (&options.name, &options.upsert, options.create || options.add_columns) {
                (None, None, false) => Ok(()),
                _ => Err(Failure::usage(
                    "`--table`, `--create-table`, `--add-columns` and `--upsert` need a database",
                )
                .advise("add `--out postgres://user@host/database`")),
            },
        }
    }

    /// Adds the outputs of child tables.
    pub(super) fn add_children(&mut self, tables: &ChildTables) -> Result<(), Failure> {
        #[cfg(feature = "postgres")]
        if let Destination::Postgres(target) = &self.destination {
            let mut names = Vec::new();
            for table in tables.all() {
                let name = target.child(table.path()).map_err(Failure::usage)?.to_string();
                if names.contains(&name) {
                    return Err(Failure::usage(format!(
                        "--explode: two child tables would be {name}"
                    )));
                }
                names.push(name);
            }
            return Ok(());
        }
        for table in tables.all() {
            let child = child_tables::beside(&self.destination, table.path())?;
            let text = child.to_string();
            if self.children.iter().any(|it| it.to_string() == text) {
                return Err(Failure::usage(format!("--explode: two child tables would be {text}")));
            }
            self.children.push(child);
        }
        Ok(())
    }

    /// Checks that the output can be written, as far as possible without writing.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let all = std::iter::once(&self.destination).chain(&self.children);
        let mut files = all.filter_map(|it| match it {
            Destination::File(path) => Some(path),
            _ => None,
        });
        files.try_for_each(|path| check_file(path))
    }

    /// Looks for files of an earlier release, which used other names. Fails for the state of an interrupted export, and
    /// returns a note for every other file.
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
                "{} is the state of an earlier release, which this release can't resume",
                state.display()
            ))
            .advise("finish the export with the earlier release, or remove the file"));
        }
        let note = |path: PathBuf| {
            format!(
                "{} is a leftover of an earlier release; remove it, or readers of the folder may take it for data",
                path.display()
            )
        };
        Ok(left.into_iter().map(note).collect())
    }

    /// Creates the sink.
    pub(super) fn sink(
        &self,
        format: Format,
        tables: Option<&ChildTables>,
    ) -> Result<Box<dyn Sink>, Failure> {
        #[cfg(feature = "postgres")]
        if let (Destination::Postgres(target), Some(tables)) = (&self.destination, tables) {
            let sink = SplitSink::of_database(tables.clone(), (**target).clone())?;
            return Ok(Box::new(sink));
        }
        let records = self.sink_of(&self.destination, format)?;
        let Some(tables) = tables else { return Ok(records) };
        let children = self.children.iter().map(|child| self.sink_of(child, format));
        let children = children.collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(SplitSink::new(tables.clone(), records, children)))
    }

    fn sink_of(&self, destination: &Destination, format: Format) -> Result<Box<dyn Sink>, Failure> {
        Ok(match destination {
            Destination::Stdout => Box::new(StreamSink::new(terminal::data(), format)),
            Destination::File(path) => Box::new(FileSink::new(path, format)),
            // Each window has a sink.
            Destination::Folder(folder) => {
                return Err(Failure::output(format!("{folder} is a folder")));
            }
            #[cfg(feature = "buckets")]
            Destination::Bucket(url) => {
                let sink = BucketSink::new(url, format)?;
                Box::new(sink.part_size(self.part_size))
            }
            #[cfg(feature = "postgres")]
            Destination::Postgres(target) => Box::new(PostgresSink::new((**target).clone())),
        })
    }

    /// Creates the store of the state, unless the sink keeps it.
    #[cfg_attr(not(feature = "buckets"), expect(unused_variables))]
    pub(super) fn store(&self, watch: &Watch) -> Result<Option<Box<dyn CheckpointStore>>, Failure> {
        Ok(match &self.destination {
            Destination::Stdout | Destination::Folder(_) => None,
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
        return Err(cant(format!("no such folder: {}", folder.display())));
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(cant("it is a folder".to_owned()).advise(format!(
            "name a file in it, or write {}/ for one file per window of a time range",
            path.display()
        ))),
        // Publishing the output would replace a device or a pipe.
        Ok(found) if !found.is_file() => {
            Err(cant("not a regular file; redirect standard output instead of --out".to_owned()))
        }
        _ => Ok(()),
    }
}
