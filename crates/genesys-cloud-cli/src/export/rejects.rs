//! The rejects file: records that the output can't hold unchanged.

use std::fs::{self, File};
use std::io::{ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use genesys_cloud_core::private_file as private;
use genesys_cloud_sinks::checksum::Checksum;
use genesys_cloud_sinks::work_folder;
use genesys_cloud_sinks::{OnBadValue, Rejected, open_part};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::plan::{Plan, Records};
use crate::failure::Failure;
use crate::reporter::grouped;

/// Writes rejected records, one JSON object per line.
///
/// Until the export is complete, the file name ends in `.part`. Each commit of the output saves its length and
/// checksum. On resume, later records are cut off, because they are read again.
pub(super) struct Rejects {
    operation: String,
    path: Option<PathBuf>,
    open: Option<Open>,
    nulled: u64,
    skipped: u64,
}

struct Open {
    path: PathBuf,
    file: File,
    length: u64,
    sum: Checksum,
    is_synced: bool,
    /// Whether `--rejects` names it, so that it is kept even if empty.
    is_named: bool,
}

/// The saved state of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Committed {
    path: PathBuf,
    length: u64,
    /// Checksum of the first `length` bytes.
    sum: String,
    nulled: u64,
    skipped: u64,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    operation: &'a str,
    /// The child table, if the record is a row of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a str>,
    /// `null` or `skip`.
    action: &'static str,
    /// The first invalid value.
    field: Option<&'a str>,
    reason: &'a str,
    /// The other invalid values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<More<'a>>,
    record: &'a RawValue,
}

#[derive(Serialize)]
struct More<'a> {
    field: Option<&'a str>,
    reason: &'a str,
}

/// Returns the rejects file of an export, if any.
fn location(plan: &Plan, records: &Records) -> Result<Option<PathBuf>, Failure> {
    let out = plan.output.file();
    if records.on_bad_value == OnBadValue::Fail {
        return match records.rejects {
            Some(_) => Err(Failure::usage("`--rejects` needs `--on-bad-value null` or `skip`")),
            None => Ok(None),
        };
    }
    let path = match (&records.rejects, out) {
        (Some(path), _) => path.clone(),
        (None, Some(out)) => work_folder::path(out, work_folder::REJECTS),
        (None, _) => {
            return Err(Failure::usage("`--on-bad-value` needs a file for the rejected records")
                .advise("add `--rejects rejects.jsonl`"));
        }
    };
    let is_output = out.is_some_and(|out| out == path);
    if is_output || path.is_dir() {
        let what = if is_output { "the output" } else { "a folder" };
        return Err(Failure::usage(format!("--rejects: {} is {what}", path.display())));
    }
    Ok(Some(path))
}

impl Rejects {
    /// Returns no file.
    pub(super) fn none(plan: &Plan) -> Self {
        let operation = plan.source.entry.id.clone();
        Self { operation, path: None, open: None, nulled: 0, skipped: 0 }
    }

    /// Opens the file, empty or as of a commit.
    pub(super) fn open(
        plan: &Plan,
        records: &Records,
        saved: Option<&Committed>,
    ) -> Result<Self, Failure> {
        let operation = plan.source.entry.id.clone();
        let path = location(plan, records)?;
        let saved = saved.filter(|saved| saved.length > 0 || path.as_ref() == Some(&saved.path));
        if let (Some(saved), Some(path)) = (saved, &path)
            && saved.path != *path
        {
            return Err(Failure::usage(format!(
                "the interrupted export writes rejected records to {}, not to {}",
                saved.path.display(),
                path.display()
            )));
        }
        let Some(path) = path.or_else(|| saved.map(|saved| saved.path.clone())) else {
            return Ok(Self::none(plan));
        };
        let is_named = records.rejects.is_some();
        let known = Some(path.clone());
        let open = match saved {
            None => Open::create(path, is_named)?,
            Some(saved) => Open::resume(path, saved, is_named)?,
        };
        let (nulled, skipped) = saved.map_or((0, 0), |saved| (saved.nulled, saved.skipped));
        Ok(Self { operation, path: known, open: Some(open), nulled, skipped })
    }

    /// Adds records.
    pub(super) fn add(&mut self, rejected: &[Rejected]) -> Result<(), Failure> {
        let Some(open) = self.open.as_mut().filter(|_| !rejected.is_empty()) else { return Ok(()) };
        let mut lines = Vec::new();
        for it in rejected {
            let mut faults = it.faults.iter();
            let first = faults.next();
            let mut record = Vec::with_capacity(it.record.get().len());
            genesys_cloud_sinks::one_line(it.record.get(), &mut record);
            let record: Box<RawValue> = serde_json::from_slice(&record)
                .map_err(|error| Failure::output(format!("can't write a record: {error}")))?;
            let line = Line {
                operation: &self.operation,
                table: it.table.as_deref(),
                action: if it.is_skipped { "skip" } else { "null" },
                field: first.and_then(|fault| fault.field.as_deref()),
                reason: first.map_or("", |fault| &fault.reason),
                more: faults
                    .map(|it| More { field: it.field.as_deref(), reason: &it.reason })
                    .collect(),
                record: &record,
            };
            serde_json::to_writer(&mut lines, &line)
                .map_err(|error| Failure::output(format!("can't write a record: {error}")))?;
            lines.push(b'\n');
            match it.is_skipped {
                true => self.skipped += 1,
                false => self.nulled += 1,
            }
        }
        open.append(&lines)
    }

    /// Makes added records durable, and returns the state to resume from.
    pub(super) fn commit(&mut self) -> Result<Option<Committed>, Failure> {
        let Some(open) = &mut self.open else { return Ok(None) };
        open.sync()?;
        Ok(Some(Committed {
            path: open.path.clone(),
            length: open.length,
            sum: open.sum.text(),
            nulled: self.nulled,
            skipped: self.skipped,
        }))
    }

    /// Publishes the file, after the output. Removes an empty one that `--rejects` does not name.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.sync()?;
        let part = part(&open.path);
        let done = match open.length > 0 || open.is_named {
            true => private::rename(&part, &open.path),
            false => {
                // The file of an earlier run describes an output that was replaced.
                remove(&open.path).and_then(|()| remove(&part))
            }
        };
        done.map_err(|error| cant(&open.path, &error))
    }

    /// Removes an unfinished file.
    pub(super) fn discard(&mut self) {
        if let Some(open) = self.open.take() {
            // The next run truncates it anyway.
            let _ = remove(&part(&open.path));
        }
    }

    /// Returns the number of skipped records.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the number of records written with null instead of a value.
    pub(super) fn nulled(&self) -> u64 {
        self.nulled
    }

    /// Returns the facts for the report.
    pub(super) fn facts(&self, is_whole: bool) -> Value {
        let path = self.path.as_ref().filter(|_| self.skipped + self.nulled > 0);
        let path = path.map(|path| if is_whole { path.clone() } else { part(path) });
        json!({ "skipped": self.skipped, "nulled": self.nulled, "file": path })
    }

    /// Returns the facts as a note.
    pub(super) fn note(&self, facts: &Value) -> Option<String> {
        let (skipped, nulled) = (self.skipped, self.nulled);
        let what = match (skipped, nulled) {
            (0, 0) => return None,
            (skipped, 0) => format!("{} skipped", grouped(skipped)),
            (0, nulled) => format!("{} written with null", grouped(nulled)),
            (skipped, nulled) => {
                format!("{} skipped, {} written with null", grouped(skipped), grouped(nulled))
            }
        };
        let all = grouped(skipped + nulled);
        let file = facts.get("file").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{all} records rejected: {what}; see {file}"))
    }
}

impl Open {
    fn create(path: PathBuf, is_named: bool) -> Result<Self, Failure> {
        let part = part(&path);
        work_folder::make_folder(&part).map_err(|error| cant(&path, &error))?;
        let mut file = open_part(&part, true)?;
        let emptied = file.set_len(0).and_then(|()| file.rewind());
        emptied.map_err(|error| cant(&path, &error))?;
        Ok(Self { path, file, length: 0, sum: Checksum::new(), is_synced: false, is_named })
    }

    /// Verifies the committed part of a file, and cuts off the rest.
    fn resume(path: PathBuf, saved: &Committed, is_named: bool) -> Result<Self, Failure> {
        let part = part(&path);
        // The export may have been killed right after publishing the file.
        if !part.exists() && fs::metadata(&path).is_ok_and(|it| it.len() == saved.length) {
            private::rename(&path, &part).map_err(|error| cant(&path, &error))?;
        }
        if saved.length == 0 {
            return Self::create(path, is_named);
        }
        let mut file = open_part(&part, false)?;
        let length = file.metadata().map_err(|error| cant(&path, &error))?.len();
        let sum = Checksum::of_beginning(&mut file, saved.length.min(length))
            .map_err(|error| cant(&path, &error))?;
        if length < saved.length || sum.text() != saved.sum {
            return Err(Failure::usage(format!(
                "{} does not start with the rejected records that the state describes; restore the file, or start \
                 over with --restart",
                part.display()
            )));
        }
        let cut = file.set_len(saved.length);
        cut.and_then(|()| file.seek(SeekFrom::Start(saved.length)))
            .map_err(|error| cant(&path, &error))?;
        Ok(Self { path, file, length: saved.length, sum, is_synced: false, is_named })
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), Failure> {
        self.file.write_all(lines).map_err(|error| cant(&self.path, &error))?;
        self.length += lines.len() as u64;
        self.sum.add(lines);
        self.is_synced = false;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if !self.is_synced {
            self.file.sync_data().map_err(|error| cant(&self.path, &error))?;
            self.is_synced = true;
        }
        Ok(())
    }
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(work_folder::PART);
    name.into()
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn cant(path: &Path, error: &std::io::Error) -> Failure {
    Failure::from_io(format!("can't write rejected records to {}: {error}", path.display()), error)
}
