//! A file that is published once it is complete.

use std::fs::{self, File};
use std::io::{ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::body::Body;
use super::format::Format;
use super::{OnBadValue, Rejected, Sink, SinkError, SinkFuture};
use crate::checksum::Checksum;
use crate::columns::Columns;
use crate::run_log::{FileRunLog, RunLog};
use crate::saved::{from_saved, to_saved};
use crate::work_folder;
use genesys_cloud_core::private_file as private;

/// Writes records to a file.
///
/// Until the file is complete, it is in the folder `.genesys-cloud` beside its path, and only its owner may read it. A
/// commit returns its length and checksum. A resumed export verifies that the file starts with the committed bytes, and
/// truncates the rest.
pub struct FileSink {
    path: PathBuf,
    body: Body,
    written: Open,
    runs: FileRunLog,
    /// Whether the file is published.
    is_whole: bool,
}

/// An open file, and the length and checksum of its content.
struct Open {
    file: Option<File>,
    length: u64,
    sum: Checksum,
}

impl Open {
    fn append(&mut self, part: &[u8]) -> std::io::Result<()> {
        let Some(file) = &mut self.file else { return Err(ErrorKind::NotConnected.into()) };
        file.write_all(part)?;
        self.length += part.len() as u64;
        self.sum.add(part);
        Ok(())
    }
}

/// The state of a commit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    length: u64,
    /// Checksum of the first `length` bytes.
    sum: String,
    /// Length of the complete file.
    whole: u64,
    form: Value,
}

impl FileSink {
    /// Creates a sink for a file. An existing file is replaced once this one is complete.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        let written = Open { file: None, length: 0, sum: Checksum::new() };
        let path = path.into();
        let runs = FileRunLog::beside(&path);
        Self { path, body: Body::new(format), written, runs, is_whole: false }
    }

    /// Returns the path of the file until it is complete.
    pub fn part(path: &Path) -> PathBuf {
        work_folder::path(path, work_folder::PART)
    }

    fn start(&mut self, columns: &Columns, committed: Option<&Value>) -> Result<(), SinkError> {
        if self.path.is_dir() {
            return Err(SinkError::new(format!("{} is a folder", self.path.display())));
        }
        let Some(committed) = committed else {
            let mut file = open_part(&Self::part(&self.path), true)?;
            file.set_len(0).and_then(|()| file.rewind()).map_err(|error| self.cant(&error))?;
            self.written.file = Some(file);
            let head = self.body.begin(columns)?;
            return self.append(&head);
        };
        let committed: Committed = from_saved(committed)?;
        self.body.resume(columns, &committed.form)?;
        let (mut file, sum) = self.reopen(&committed)?;
        // Records after the commit are written again.
        file.set_len(committed.length)
            .and_then(|()| file.seek(SeekFrom::Start(committed.length)))
            .map_err(|error| self.cant(&error))?;
        self.written = Open { file: Some(file), length: committed.length, sum };
        Ok(())
    }

    /// Opens and verifies the committed file.
    fn reopen(&self, committed: &Committed) -> Result<(File, Checksum), SinkError> {
        let part = Self::part(&self.path);
        // The export may have been killed right after publishing the file.
        let named =
            !part.exists() && fs::metadata(&self.path).is_ok_and(|it| it.len() == committed.whole);
        if named {
            let file = File::open(&self.path).map_err(|error| self.cant(&error))?;
            check(file, &self.path, committed)?;
            work_folder::make_folder(&part)
                .and_then(|()| fs::rename(&self.path, &part))
                .map_err(|error| self.cant(&error))?;
        }
        let file = open_part(&part, false)?;
        check(file, &part, committed)
    }

    fn cant(&self, error: &std::io::Error) -> SinkError {
        unwritable(&Self::part(&self.path), error)
    }

    fn append(&mut self, part: &[u8]) -> Result<(), SinkError> {
        self.written.append(part).map_err(|error| self.cant(&error))
    }

    fn encode(&mut self, batch: &[Box<RawValue>]) -> Result<(), SinkError> {
        let Self { body, written, path, .. } = self;
        let cant = |error| unwritable(&Self::part(path), &error);
        body.records(batch, |part| written.append(part).map_err(cant))
    }

    fn commit_written(&mut self, is_last: bool) -> Result<Option<Value>, SinkError> {
        let (part, form) = self.body.commit(is_last)?;
        self.append(&part)?;
        let Some(form) = form else { return Ok(None) };
        // The bytes must be durable before the state says so.
        self.sync()?;
        let (length, sum) = (self.written.length, self.written.sum.text());
        let whole = self.body.whole_length(length, is_last)?;
        to_saved(&Committed { length, sum, whole, form }).map(Some)
    }

    fn sync(&self) -> Result<(), SinkError> {
        let Some(file) = &self.written.file else { return Ok(()) };
        file.sync_data().map_err(|error| self.cant(&error))
    }

    fn close(&mut self, is_whole: bool) -> Result<(), SinkError> {
        if is_whole {
            let rest = self.body.flush()?;
            self.append(&rest)?;
            let end = self.body.end()?;
            self.append(&end)?;
        }
        self.sync()?;
        self.written.file = None;
        if is_whole {
            private::publish(&Self::part(&self.path), &self.path)
                .map_err(|error| unwritable(&self.path, &error))?;
            self.is_whole = true;
            work_folder::remove_folder(&Self::part(&self.path));
        }
        Ok(())
    }
}

/// Opens and locks the staged file of an output, without changing its content.
///
/// # Errors
/// If it can't be opened, is missing and `create` is false, or another export has it open.
pub fn open_part(part: &Path, create: bool) -> Result<File, SinkError> {
    let made = if create { work_folder::make_folder(part) } else { Ok(()) };
    let file = made.and_then(|()| private::open(part, create)).map_err(|error| match error.kind() {
        ErrorKind::NotFound if !create => SinkError::mismatch(format!(
            "{} is missing, so the export can't be resumed; restore the file, or start over with --restart",
            part.display()
        )),
        _ => unwritable(part, &error),
    })?;
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => {
            Err(SinkError::unavailable(format!("another export is writing to {}", part.display())))
        }
        _ => Ok(file),
    }
}

/// Verifies that a file starts with the committed bytes.
fn check(
    mut file: File,
    path: &Path,
    committed: &Committed,
) -> Result<(File, Checksum), SinkError> {
    let Committed { length, sum, .. } = committed;
    let wrong = |what: String| {
        SinkError::mismatch(format!(
            "{} is not the file that the state describes: {what}; restore the file, or start over with --restart",
            path.display()
        ))
    };
    let cant =
        |error| SinkError::from_io(format!("can't read {}: {error}", path.display()), &error);
    let found = file.metadata().map_err(cant)?.len();
    if found < *length {
        return Err(wrong(format!("it has {found} bytes, but {length} were written")));
    }
    let found = Checksum::of_beginning(&mut file, *length).map_err(cant)?;
    match found.text() == *sum {
        true => Ok((file, found)),
        false => Err(wrong(format!("its first {length} bytes have changed"))),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> SinkError {
    SinkError::from_io(format!("can't write {}: {error}", path.display()), error)
}

impl Sink for FileSink {
    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.body.on_bad_value(on_bad_value);
    }

    fn rejected(&mut self) -> Vec<Rejected> {
        self.body.rejected()
    }

    fn open<'a>(
        &'a mut self,
        columns: &'a Columns,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a> {
        let begun = self.start(columns, committed);
        Box::pin(async { begun })
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
        let written = self.encode(batch);
        Box::pin(async { written })
    }

    fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
        let settled = self.commit_written(false);
        Box::pin(async { settled })
    }

    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        let settled = self.commit_written(true);
        Box::pin(async { settled })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        let closed = self.close(is_whole);
        Box::pin(async { closed })
    }

    fn report<'a>(&'a mut self, report: &'a str) -> SinkFuture<'a, Option<String>> {
        let path = work_folder::path(&self.path, work_folder::REPORT);
        // If the disk is full, the report of the last run stays.
        let written = work_folder::make_folder(&path);
        let written = written.and_then(|()| private::replace(&path, report.as_bytes()));
        let written = written.map_err(|error| unwritable(&path, &error));
        Box::pin(async move { written.map(|()| Some(path.display().to_string())) })
    }

    fn run_log(&mut self) -> Option<&mut dyn RunLog> {
        Some(&mut self.runs)
    }

    fn location(&self) -> Option<String> {
        let path = match self.is_whole {
            true => self.path.clone(),
            false => Self::part(&self.path),
        };
        Some(path.display().to_string())
    }

    fn notes(&self) -> Vec<String> {
        self.body.notes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: std::ops::Range<u32>) -> Vec<Box<RawValue>> {
        records.map(|n| RawValue::from_string(format!("{{\"n\":{n}}}")).expect("JSON")).collect()
    }

    fn now<T>(written: SinkFuture<'_, T>) -> Result<T, SinkError> {
        futures::FutureExt::now_or_never(written).expect("a ready future")
    }

    #[test]
    fn discards_what_follows_the_last_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.jsonl", "a.jsonl.gz"] {
            let path = folder.path().join(name);
            let format = Format::from_path(&path).expect("a format");
            let columns = Columns::default();
            let mut sink = FileSink::new(&path, format);
            now(sink.open(&columns, None)).expect("begun");
            now(sink.write(&batch(0..3))).expect("written");
            let state = now(sink.commit()).expect("committed").expect("a state");
            now(sink.write(&batch(3..9))).expect("written");
            let mut other = FileSink::new(&path, format);
            assert!(now(other.open(&columns, None)).is_err(), "it is locked");
            drop(sink);

            let mut sink = FileSink::new(&path, format);
            now(sink.open(&columns, Some(&state))).expect("begun");
            now(sink.write(&batch(3..5))).expect("written");
            assert!(!path.exists(), "it is not complete yet");
            now(sink.finish(true)).expect("finished");
            assert!(!FileSink::part(&path).exists());
            let bytes = fs::read(&path).expect("a file");
            let text = match name.ends_with("gz") {
                false => String::from_utf8(bytes).expect("text"),
                true => {
                    let mut text = String::new();
                    let mut reader = flate2::read::MultiGzDecoder::new(&bytes[..]);
                    std::io::Read::read_to_string(&mut reader, &mut text).expect("text");
                    text
                }
            };
            assert_eq!(text, "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n{\"n\":4}\n");
        }
    }

    #[test]
    fn resumes_a_file_that_was_published_before_the_kill() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet"] {
            let path = folder.path().join(name);
            let Some(format) = Format::from_path(&path) else { continue };
            let columns = Columns::chosen(&["n".to_owned()], None, false).expect("columns");
            let mut sink = FileSink::new(&path, format);
            now(sink.open(&columns, None)).expect("begun");
            now(sink.write(&batch(0..3))).expect("written");
            let state = now(sink.commit_last()).expect("committed").expect("a state");
            now(sink.finish(true)).expect("finished");
            let bytes = fs::read(&path).expect("a file");

            let mut sink = FileSink::new(&path, format);
            now(sink.open(&columns, Some(&state))).expect("begun");
            now(sink.write(&[])).expect("written");
            now(sink.commit_last()).expect("committed");
            now(sink.finish(true)).expect("finished");
            assert_eq!(fs::read(&path).expect("a file"), bytes, "{name}");
        }
    }

    #[test]
    fn rejects_and_keeps_a_file_that_differs_from_the_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let part = FileSink::part(&path);
        let mut sink = FileSink::new(&path, Format::default());
        now(sink.open(&Columns::default(), None)).expect("begun");
        now(sink.write(&batch(0..3))).expect("written");
        let state = now(sink.commit()).expect("committed").expect("a state");
        drop(sink);
        let whole = fs::read(&part).expect("a file");
        let begin = |state: &Value| {
            let mut sink = FileSink::new(&path, Format::default());
            now(sink.open(&Columns::default(), Some(state)))
        };
        let mut longer = whole.clone();
        longer.extend_from_slice(b"written after the commit");
        let mut other = longer.clone();
        other[3] ^= 1;
        for (there, why) in [
            (&whole[..5], "it has 5 bytes, but 24 were written"),
            (&other[..], "its first 24 bytes have changed"),
        ] {
            fs::write(&part, there).expect("a file");
            let error = begin(&state).expect_err("another file");
            assert!(error.is_mismatch() && error.to_string().contains(why), "{error}");
            assert_eq!(fs::read(&part).expect("a file"), there);
        }
        fs::write(&part, &longer).expect("a file");
        for (field, value) in [
            ("length", Value::Null),
            ("length", (-1).into()),
            ("length", 24.5.into()),
            ("length", "24".into()),
            ("checksum", Value::Null),
            ("whole", Value::Null),
            ("more", 1.into()),
        ] {
            let mut odd = state.clone();
            odd[field] = value;
            let error = begin(&odd).expect_err("no state");
            assert!(error.is_mismatch(), "{odd}: {error}");
            assert_eq!(fs::read(&part).expect("a file"), longer, "{odd}");
        }
        assert!(begin(&Value::Null).is_err() && begin(&Value::from(24)).is_err());
        assert_eq!(fs::read(&part).expect("a file"), longer);
        begin(&state).expect("resumed");
        assert_eq!(fs::read(&part).expect("a file"), whole);
        fs::remove_file(&part).expect("removed");
        let error = begin(&state).expect_err("missing");
        assert!(error.to_string().contains(".genesys-cloud/a.jsonl.part is missing"), "{error}");
        assert!(!part.exists());
        // Same length, different content.
        fs::write(&path, &other[..24]).expect("a file");
        begin(&state).expect_err("another file");
        assert_eq!(fs::read(&path).expect("a file"), other[..24]);
    }
}
