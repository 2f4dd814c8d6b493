//! The manifest of a folder of downloaded files: which are complete, and which failed.

use std::collections::{HashMap, HashSet};

use genesys_cloud_sinks::checksum::Checksum;
use genesys_cloud_sinks::{FileFolder, Journal, SinkError, Watch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// A line of the manifest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The fields that identify the record, and their values.
    pub(super) key: Map<String, Value>,
    /// ID of the record, if it has one.
    pub(super) record: Option<String>,
    /// Where the URL is in the record.
    pub(super) field: String,
    /// The URL without its query, which may be a secret. `None` if it has a password, or is not a URL.
    pub(super) url: Option<String>,
    pub(super) status: Status,
    /// Name of the file without its extension.
    pub(super) name: String,
    pub(super) file: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) error: Option<String>,
    pub(super) time: String,
    /// ID of the export.
    pub(super) run: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Done,
    Failed,
}

/// The complete files of a folder, and what this export has done.
pub(super) struct Manifest {
    pub(super) folder: FileFolder,
    journal: Journal,
    run: String,
    /// The complete files, by a hash of their name: size and extension.
    done: HashMap<u128, (u64, u16)>,
    extensions: Vec<String>,
    /// Whose file has a name, by a hash of the name: a hash of the record.
    owners: HashMap<u128, u128>,
    /// Names that this process has come across.
    met: HashSet<u128>,
    /// Files of this export that could not be fetched.
    failed: HashSet<u128>,
    /// Lines that are not written yet.
    lines: Vec<String>,
}

/// What is known of a file before it is fetched.
pub(super) enum Known {
    Nothing,
    /// It is complete. Carries whether this export has come across it before.
    Done {
        is_repeated: bool,
    },
    /// A file of another record has the same name.
    Taken,
}

fn hash(text: &str) -> u128 {
    u128::from_str_radix(&Checksum::of(text.as_bytes()), 16).unwrap_or_default()
}

impl Manifest {
    /// Opens the folder and reads its manifest. `run`: the ID of the export.
    pub(super) async fn open(
        mut folder: FileFolder,
        run: &str,
        watch: Watch,
    ) -> Result<Self, Failure> {
        folder.watch(watch);
        let mut entries = Entries::default();
        let mut damaged = None;
        let mut number = 0_u64;
        let journal = folder
            .open(|line| {
                number += 1;
                match serde_json::from_str::<Entry>(line) {
                    Ok(entry) => entries.add(&entry, run),
                    Err(error) => {
                        damaged.get_or_insert((number, error));
                    }
                }
            })
            .await?;
        if let Some((line, error)) = damaged {
            let journal = folder.journal();
            return Err(Failure::usage(format!("{journal}: line {line} is damaged: {error}"))
                .advise("restore it, or remove it to download all files again"));
        }
        let Entries { done, extensions, owners, failed } = entries;
        let (run, lines, met) = (run.to_owned(), Vec::new(), HashSet::new());
        Ok(Self { folder, journal, run, done, extensions, owners, met, failed, lines })
    }

    /// Looks up a file. `owner` identifies its record.
    pub(super) fn look_up(&mut self, name: &str, owner: &str) -> Known {
        let (key, owner) = (hash(name), hash(owner));
        if *self.owners.entry(key).or_insert(owner) != owner {
            return Known::Taken;
        }
        let is_repeated = !self.met.insert(key);
        let is_complete = self.done.get(&key).is_some_and(|(bytes, extension)| {
            let end = self.extensions.get(usize::from(*extension)).map_or("", String::as_str);
            self.folder.has(&format!("{name}.{end}"), *bytes)
        });
        match is_complete {
            true => Known::Done { is_repeated },
            false => Known::Nothing,
        }
    }

    /// Adds a line.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), Failure> {
        let mut entries = Entries {
            done: std::mem::take(&mut self.done),
            extensions: std::mem::take(&mut self.extensions),
            owners: std::mem::take(&mut self.owners),
            failed: std::mem::take(&mut self.failed),
        };
        entries.add(entry, &self.run);
        Entries {
            done: self.done,
            extensions: self.extensions,
            owners: self.owners,
            failed: self.failed,
        } = entries;
        let line = serde_json::to_string(entry)
            .map_err(|error| Failure::output(format!("can't write the manifest: {error}")))?;
        self.lines.push(line + "\n");
        Ok(())
    }

    /// Writes the lines.
    pub(super) async fn flush(&mut self) -> Result<(), SinkError> {
        match self.lines.is_empty() {
            true => Ok(()),
            false => self.journal.append(std::mem::take(&mut self.lines).concat()).await,
        }
    }

    /// Writes the lines if there are enough of them.
    pub(super) async fn flush_if_due(&mut self) -> Result<(), SinkError> {
        match self.lines.len() < self.journal.lines_at_a_time() {
            true => Ok(()),
            false => self.flush().await,
        }
    }

    /// Returns the number of files of this export, in all of its runs, that could not be fetched.
    pub(super) fn failed(&self) -> u64 {
        self.failed.len() as u64
    }
}

#[derive(Default)]
struct Entries {
    done: HashMap<u128, (u64, u16)>,
    extensions: Vec<String>,
    owners: HashMap<u128, u128>,
    failed: HashSet<u128>,
}

impl Entries {
    fn add(&mut self, entry: &Entry, run: &str) {
        let key = hash(&entry.name);
        let owner = entry.record.as_deref().unwrap_or_default();
        let claim = hash(&format!("{}\0{owner}", entry.name));
        if let (Status::Done, Some(record)) = (entry.status, &entry.record) {
            self.owners.entry(key).or_insert_with(|| hash(record));
        }
        let end = entry.file.as_ref().and_then(|file| file.rsplit_once('.')).map(|(_, end)| end);
        match (entry.status, entry.bytes, end) {
            (Status::Done, Some(bytes), Some(end)) => {
                let known = self.extensions.iter().position(|it| it == end);
                let at = known.unwrap_or_else(|| {
                    self.extensions.push(end.to_owned());
                    self.extensions.len() - 1
                });
                // A manifest with more extensions only causes files to be fetched again.
                if let Ok(at) = u16::try_from(at) {
                    self.done.insert(key, (bytes, at));
                }
                self.failed.remove(&claim);
            }
            _ if entry.run == run => {
                self.failed.insert(claim);
            }
            _ => {}
        }
    }
}
