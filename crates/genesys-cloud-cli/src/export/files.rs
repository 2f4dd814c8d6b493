//! Jobs whose results are files, such as CSV: downloads the files and writes them unchanged.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use genesys_cloud_catalogue::Operation as Entry;
use genesys_cloud_core::private_file as private;
use genesys_cloud_core::{Client, Download, Job, JobSpec, JobState, SavedJob};
use genesys_cloud_sinks::work_folder;
use genesys_cloud_sinks::{FileRunLog, FileSink, RunLog, open_part};
use serde_json::Value;

use super::source::Source;
use crate::failure::{Exit, Failure, Lost};

/// An event of a job whose results are files.
pub(super) enum FileEvent {
    /// The job was submitted or is resumed.
    Job(SavedJob),
    /// The job is done. `is_partial`: some of its work failed.
    Ready { files: usize, is_partial: bool },
    /// Part of the files.
    Part(FilePart),
}

/// Part of the files of a job.
pub(super) enum FilePart {
    /// This number of files follows.
    Count(usize),
    /// Bytes of the current file.
    Bytes(Bytes),
    /// The current file is complete.
    End,
}

/// The next step of a reader.
enum Step {
    Submit,
    Load(SavedJob),
    Wait(Box<Job<Value>>),
    Download(Box<Download>, std::vec::IntoIter<Download>),
    End,
}

/// Submits a job, or resumes a saved one, waits for it and downloads its files. Waiting for the next event is
/// cancel-safe.
pub(super) fn events(
    client: &Client,
    source: &Source,
    family: &JobSpec,
    saved: Option<SavedJob>,
) -> BoxStream<'static, Result<FileEvent, Failure>> {
    let (client, request, family) = (client.clone(), source.request.clone(), family.clone());
    let (entry, deadline) = (source.entry, source.reading.deadline);
    let begin = move |job: Job<Value>| match deadline {
        Some(deadline) => job.deadline(deadline),
        None => job,
    };
    let next = move |step: Step| {
        let (client, request, family) = (client.clone(), request.clone(), family.clone());
        async move {
            let failed = |error| Failure::of_call(&error, Some(entry));
            let done = match step {
                Step::Submit => Job::submit(&client, request, family)
                    .await
                    .map(|job| started(begin(job)))
                    .map_err(failed),
                Step::Load(saved) => {
                    let job = Job::load(&client, request.operation().clone(), family, saved);
                    job.map(|job| started(begin(job))).map_err(failed)
                }
                Step::Wait(job) => wait(*job, &client, entry).await,
                Step::Download(download, rest) => next_bytes(*download, rest, entry).await,
                Step::End => return None,
            };
            Some(match done {
                Ok((event, step)) => (Ok(event), step),
                Err(failure) => (Err(failure), Step::End),
            })
        }
    };
    stream::unfold(saved.map_or(Step::Submit, Step::Load), next).boxed()
}

fn started(job: Job<Value>) -> (FileEvent, Step) {
    (FileEvent::Job(job.save()), Step::Wait(Box::new(job)))
}

/// Waits until the job is done.
async fn wait(
    mut job: Job<Value>,
    client: &Client,
    entry: &Entry,
) -> Result<(FileEvent, Step), Failure> {
    let downloads = job.downloads().await;
    let downloads = downloads.map_err(|error| Failure::of_call(&error, Some(entry)))?;
    let is_partial = job.status().is_some_and(|it| it.state() == JobState::PartlySucceeded);
    let files = downloads.len();
    let mut rest = downloads.into_iter();
    match rest.next() {
        Some(first) => {
            let step = Step::Download(Box::new(first), rest);
            Ok((FileEvent::Ready { files, is_partial }, step))
        }
        None => {
            let id = job.id().unwrap_or_default();
            let text = format!("job {id} at {} is done but has no result files", client.api_url());
            Err(Failure::new(Exit::Job, text).losing(Lost::Job))
        }
    }
}

async fn next_bytes(
    mut download: Download,
    mut rest: std::vec::IntoIter<Download>,
    entry: &Entry,
) -> Result<(FileEvent, Step), Failure> {
    let bytes = download.try_next().await;
    let bytes = bytes.map_err(|error| Failure::of_call(&error, Some(entry)))?;
    Ok(match bytes {
        Some(bytes) => {
            (FileEvent::Part(FilePart::Bytes(bytes)), Step::Download(Box::new(download), rest))
        }
        None => {
            let step = rest.next().map_or(Step::End, |next| Step::Download(Box::new(next), rest));
            (FileEvent::Part(FilePart::End), step)
        }
    })
}

/// The files of an export, staged in the folder `.genesys-cloud` until all are complete.
pub(super) struct FileTarget {
    out: PathBuf,
    runs: FileRunLog,
    /// The staged file of the output, locked against other exports.
    lock: Option<File>,
    /// Number of files.
    count: usize,
    current: Option<Staged>,
    written: Vec<(PathBuf, u64)>,
    is_whole: bool,
}

/// A file that is being written.
struct Staged {
    path: PathBuf,
    /// `None` for the locked file.
    file: Option<File>,
    bytes: u64,
}

impl FileTarget {
    /// Creates a target at this path. Several files are numbered.
    pub(super) fn new(out: &Path) -> Self {
        Self {
            out: out.to_owned(),
            runs: FileRunLog::beside(out),
            lock: None,
            count: 1,
            current: None,
            written: Vec::new(),
            is_whole: false,
        }
    }

    /// Locks the output.
    pub(super) fn open(&mut self) -> Result<(), Failure> {
        self.lock = Some(open_part(&FileSink::part(&self.out), true)?);
        Ok(())
    }

    /// Adds the next part.
    pub(super) fn add(&mut self, part: &FilePart) -> Result<(), Failure> {
        match part {
            FilePart::Count(count) => self.count = *count,
            FilePart::Bytes(bytes) => self.write(bytes)?,
            FilePart::End => self.end_file()?,
        }
        Ok(())
    }

    /// Adds bytes to the current file.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.begin_file()?;
        let (Some(staged), lock) = (&mut self.current, &mut self.lock) else { return Ok(()) };
        let part = FileSink::part(&staged.path);
        let Some(file) = staged.file.as_mut().or(lock.as_mut()) else {
            return Err(Failure::output(format!("{} is not open", part.display())));
        };
        file.write_all(bytes).map_err(|error| unwritable(&part, &error))?;
        staged.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Ends the current file.
    fn end_file(&mut self) -> Result<(), Failure> {
        self.begin_file()?;
        let Some(staged) = self.current.take() else { return Ok(()) };
        let part = FileSink::part(&staged.path);
        if let Some(file) = staged.file.as_ref().or(self.lock.as_ref()) {
            file.sync_data().map_err(|error| unwritable(&part, &error))?;
        }
        self.written.push((staged.path, staged.bytes));
        Ok(())
    }

    /// Opens the next file, unless one is open. Truncates what an earlier run wrote.
    fn begin_file(&mut self) -> Result<(), Failure> {
        if self.current.is_some() {
            return Ok(());
        }
        let path = match self.count {
            1 => self.out.clone(),
            _ => numbered(&self.out, self.written.len() + 1),
        };
        let part = FileSink::part(&path);
        let mut file = match self.count {
            1 => None,
            _ => Some(open_part(&part, true)?),
        };
        if let Some(file) = file.as_mut().or(self.lock.as_mut()) {
            let emptied = file.set_len(0).and_then(|()| file.rewind());
            emptied.map_err(|error| unwritable(&part, &error))?;
        }
        self.current = Some(Staged { path, file, bytes: 0 });
        Ok(())
    }

    /// Publishes complete files. Leaves incomplete ones to another run.
    pub(super) fn finish(&mut self, is_whole: bool) -> Result<(), Failure> {
        if is_whole {
            for (path, _) in &self.written {
                private::publish(&FileSink::part(path), path)
                    .map_err(|error| unwritable(path, &error))?;
            }
            if self.count > 1 {
                // With several files, this one is only a lock.
                fs::remove_file(FileSink::part(&self.out))
                    .map_err(|error| unwritable(&self.out, &error))?;
            }
            self.is_whole = true;
            self.lock = None;
            work_folder::remove_folder(&FileSink::part(&self.out));
        }
        Ok(())
    }

    /// Writes the report beside the output, and returns its path.
    pub(super) fn report(&self, report: &str) -> Result<Option<String>, Failure> {
        let path = work_folder::path(&self.out, work_folder::REPORT);
        write_report(&path, report).map(|()| Some(path.display().to_string()))
    }

    /// Returns the log of all runs that wrote to the output.
    pub(super) fn run_log(&mut self) -> &mut dyn RunLog {
        &mut self.runs
    }

    /// Returns the paths and sizes of the complete files.
    pub(super) fn paths(&self) -> impl Iterator<Item = (PathBuf, u64)> + '_ {
        self.written.iter().map(|(path, bytes)| match self.is_whole {
            true => (path.clone(), *bytes),
            false => (FileSink::part(path), *bytes),
        })
    }

    /// Returns the paths of the complete files as text.
    pub(super) fn location(&self) -> Option<String> {
        let paths: Vec<String> = self.paths().map(|(path, _)| path.display().to_string()).collect();
        (!paths.is_empty()).then(|| paths.join("\n"))
    }
}

/// Writes a report to a file.
pub(super) fn write_report(path: &Path, report: &str) -> Result<(), Failure> {
    let written = work_folder::make_folder(path);
    written.and_then(|()| private::replace(path, report.as_bytes())).map_err(|error| {
        Failure::from_io(format!("can't write the report {}: {error}", path.display()), &error)
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::from_io(format!("can't write {}: {error}", path.display()), error)
}

/// Adds a number to a file name, such as `data-2.zip` for `data.zip`.
fn numbered(out: &Path, number: usize) -> PathBuf {
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(end) = out.extension() {
        name.push(".");
        name.push(end);
    }
    out.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_several_files() {
        for (out, second) in [("a/data.zip", "a/data-2.zip"), ("data", "data-2")] {
            assert_eq!(numbered(Path::new(out), 2), Path::new(second));
        }
    }
}
