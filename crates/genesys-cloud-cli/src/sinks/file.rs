//! A file that gets its name once it is whole.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::body::Body;
use super::format::Format;
use super::{Sink, SinkError, Written};
use crate::columns::Columns;

/// Writes records to a file.
///
/// Until it is whole, its name ends in `.part`. At a commit it remembers its length, to which it is cut back
/// when an export goes on.
pub struct FileSink {
    path: PathBuf,
    body: Body,
    file: Option<File>,
    length: u64,
    /// Whether it has its name.
    is_whole: bool,
}

impl FileSink {
    /// A sink for a file of this path and format. A file that is there is replaced once this one is whole.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        let body = Body::new(format);
        Self { path: path.into(), body, file: None, length: 0, is_whole: false }
    }

    /// Where the records are until the file is whole.
    pub fn part(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        name.into()
    }

    fn open(&mut self, columns: &Columns, committed: Option<&Value>) -> Result<(), SinkError> {
        let part = Self::part(&self.path);
        if self.path.is_dir() {
            return Err(SinkError::new(format!("{} is a folder", self.path.display())));
        }
        let cant = |error| SinkError::new(format!("can't write {}: {error}", part.display()));
        let known = committed.and_then(|state| state.get("length")).and_then(Value::as_u64);
        if let Some(known) = known {
            self.body
                .go_on(columns, committed.and_then(|it| it.get("form")).unwrap_or(&Value::Null))?;
            // An export that was killed right after it had named its file is whole, but does not know it.
            let whole = committed.and_then(|it| it.get("whole")).and_then(Value::as_u64);
            let whole = whole.unwrap_or(known);
            let is_named = fs::metadata(&self.path).is_ok_and(|it| it.len() == whole);
            if !part.exists() && is_named {
                fs::rename(&self.path, &part).map_err(cant)?;
            }
        }
        let mut file = File::options()
            .create(known.is_none())
            .truncate(false)
            .read(true)
            .write(true)
            .open(&part)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound if known.is_some() => SinkError::new(format!(
                    "{} is gone, and the export can't be gone on with; --restart starts over",
                    part.display()
                )),
                _ => cant(error),
            })?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(SinkError::new(format!("another export writes {}", part.display())));
        }
        self.length = known.unwrap_or(0);
        let there = file.metadata().map_err(cant)?.len();
        if there < self.length {
            return Err(SinkError::new(format!(
                "{} has {there} bytes, and had {} when the export was last saved; it can't be gone on with; --restart \
                 starts over",
                part.display(),
                self.length
            )));
        }
        if there != self.length {
            file.set_len(self.length).map_err(cant)?;
        }
        file.seek(SeekFrom::Start(self.length)).map_err(cant)?;
        self.file = Some(file);
        if known.is_some() {
            return Ok(());
        }
        let head = self.body.begin(columns)?;
        self.append(&head)
    }

    fn append(&mut self, part: &[u8]) -> Result<(), SinkError> {
        let Some(file) = &mut self.file else { return Err(SinkError::new("the file is not open")) };
        file.write_all(part).map_err(|error| {
            SinkError::new(format!("can't write {}: {error}", self.path.display()))
        })?;
        self.length += part.len() as u64;
        Ok(())
    }

    fn encode(&mut self, batch: &[Box<RawValue>]) -> Result<(), SinkError> {
        for piece in self.body.pieces(batch) {
            let part = self.body.records(piece)?;
            self.append(&part)?;
        }
        Ok(())
    }

    fn settle(&mut self, is_last: bool) -> Result<Option<Value>, SinkError> {
        let Some((part, form)) = self.body.commit(is_last)? else { return Ok(None) };
        self.append(&part)?;
        // It must be on the disk before it is said to be.
        self.sync()?;
        let mut state = json!({ "length": self.length });
        if !form.is_null() {
            state["form"] = form;
            // With what comes in the end.
            state["whole"] = (self.length + self.body.end()?.len() as u64).into();
        }
        Ok(Some(state))
    }

    fn sync(&self) -> Result<(), SinkError> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data().map_err(|error| {
            SinkError::new(format!("can't write {}: {error}", self.path.display()))
        })
    }

    fn close(&mut self, is_whole: bool) -> Result<(), SinkError> {
        if is_whole {
            let end = self.body.end()?;
            self.append(&end)?;
        }
        self.sync()?;
        self.file = None;
        if is_whole {
            fs::rename(Self::part(&self.path), &self.path).map_err(|error| {
                SinkError::new(format!("can't name the file {}: {error}", self.path.display()))
            })?;
            self.is_whole = true;
        }
        Ok(())
    }
}

impl Sink for FileSink {
    fn begin<'a>(&'a mut self, columns: &'a Columns, committed: Option<&'a Value>) -> Written<'a> {
        let begun = self.open(columns, committed);
        Box::pin(async { begun })
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> Written<'a> {
        let written = self.encode(batch);
        Box::pin(async { written })
    }

    fn commit(&mut self) -> Written<'_, Option<Value>> {
        let settled = self.settle(false);
        Box::pin(async { settled })
    }

    fn commit_last(&mut self) -> Written<'_, Option<Value>> {
        let settled = self.settle(true);
        Box::pin(async { settled })
    }

    fn finish(&mut self, is_whole: bool) -> Written<'_> {
        let closed = self.close(is_whole);
        Box::pin(async { closed })
    }

    fn report<'a>(&'a mut self, report: &'a str) -> Written<'a, Option<String>> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".report.json");
        let path = PathBuf::from(name);
        // The one of the last run stays where there is no room for another.
        let new = path.with_extension("json.new");
        let written = fs::write(&new, report).and_then(|()| fs::rename(&new, &path));
        let written = written.map_err(|error| {
            // What could not be written is of no use.
            let _ = fs::remove_file(&new);
            SinkError::new(format!("can't write {}: {error}", path.display()))
        });
        Box::pin(async move { written.map(|()| Some(path.display().to_string())) })
    }

    fn place(&self) -> Option<String> {
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

    fn now<T>(written: Written<'_, T>) -> Result<T, SinkError> {
        futures::FutureExt::now_or_never(written).expect("nothing is waited for")
    }

    #[test]
    fn what_came_after_the_last_commit_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.jsonl", "a.jsonl.gz"] {
            let path = folder.path().join(name);
            let format = Format::of_path(&path).expect("a format");
            let columns = Columns::default();
            let mut sink = FileSink::new(&path, format);
            now(sink.begin(&columns, None)).expect("begun");
            now(sink.write(&batch(0..3))).expect("written");
            let state = now(sink.commit()).expect("committed").expect("a state");
            now(sink.write(&batch(3..9))).expect("written");
            let mut other = FileSink::new(&path, format);
            assert!(now(other.begin(&columns, None)).is_err(), "it is in use");
            drop(sink);

            let mut sink = FileSink::new(&path, format);
            now(sink.begin(&columns, Some(&state))).expect("begun");
            now(sink.write(&batch(3..5))).expect("written");
            assert!(!path.exists(), "it is not whole yet");
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
    fn a_file_that_was_named_before_that_was_known_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet"] {
            let path = folder.path().join(name);
            let Some(format) = Format::of_path(&path) else { continue };
            let columns = Columns::chosen(&["n".to_owned()], None, false).expect("columns");
            let mut sink = FileSink::new(&path, format);
            now(sink.begin(&columns, None)).expect("begun");
            now(sink.write(&batch(0..3))).expect("written");
            let state = now(sink.commit_last()).expect("committed").expect("a state");
            now(sink.finish(true)).expect("finished");
            let bytes = fs::read(&path).expect("a file");

            let mut sink = FileSink::new(&path, format);
            now(sink.begin(&columns, Some(&state))).expect("begun");
            now(sink.write(&[])).expect("written");
            now(sink.commit_last()).expect("committed");
            now(sink.finish(true)).expect("finished");
            assert_eq!(fs::read(&path).expect("a file"), bytes, "{name}");
        }
    }

    #[test]
    fn a_file_that_has_lost_something_is_not_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let mut sink = FileSink::new(&path, Format::default());
        let state = json!({ "length": 5 });
        let error = now(sink.begin(&Columns::default(), Some(&state))).expect_err("gone");
        assert!(error.to_string().contains("a.jsonl.part is gone"), "{error}");
        assert!(!FileSink::part(&path).exists());
        fs::write(FileSink::part(&path), "{}").expect("a file");
        let error = now(sink.begin(&Columns::default(), Some(&state))).expect_err("too short");
        assert!(error.to_string().contains("has 2 bytes, and had 5"), "{error}");
    }
}
