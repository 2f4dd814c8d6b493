//! The log of the runs that wrote to an output.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use genesys_cloud_core::private_file as private;

use crate::error::SinkError;
use crate::work_folder;

/// The suffix of an entry in a folder or bucket.
pub(crate) const ENTRY: &str = ".json";

/// Maximum length of the ID of a run, in bytes.
const LONGEST_ID: usize = 64;

/// Maximum size of an entry to read, in bytes.
pub(crate) const LARGEST_ENTRY: u64 = 16 << 20;

/// The log of an output: an entry for each run, also of those that failed. Nothing removes entries.
pub trait RunLog: Send {
    /// Adds the run with this ID, or replaces its entry. IDs consist of ASCII letters, digits and hyphens, and their
    /// order is that of the runs. The report is a JSON object.
    ///
    /// # Errors
    /// If the log can't be written.
    fn put<'a>(&'a mut self, id: &'a str, report: &'a str) -> BoxFuture<'a, Result<(), SinkError>>;

    /// Returns the last runs, the latest first.
    ///
    /// # Errors
    /// If the log can't be read. A missing log has no runs.
    fn last(&mut self, count: usize) -> BoxFuture<'_, Result<Vec<LoggedRun>, SinkError>>;
}

/// A run of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRun {
    /// The ID of the run.
    pub id: String,
    /// The report as it was written, unless someone has changed it. `None` if it is not text or too large.
    pub report: Option<String>,
}

/// Returns whether this may be the ID of a run, so that it can be part of a name.
pub(crate) fn is_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(is_plain)
}

/// Fails unless this may be the ID of a run.
pub(crate) fn check_id(id: &str) -> Result<(), SinkError> {
    match is_id(id) {
        true => Ok(()),
        false => Err(SinkError::new(format!("`{id}` is not the ID of a run"))),
    }
}

/// Selects the latest IDs, the latest first.
pub(crate) fn latest(mut ids: Vec<String>, count: usize) -> Vec<String> {
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.truncate(count);
    ids
}

/// The log of a file, in the folder `.genesys-cloud` beside it: a file for each run, named by its ID.
#[derive(Clone, Debug)]
pub struct FileRunLog {
    folder: PathBuf,
}

impl FileRunLog {
    /// Returns the log of the output at this path.
    pub fn beside(out: &Path) -> Self {
        Self { folder: work_folder::path(out, work_folder::RUNS) }
    }

    fn write(&self, id: &str, report: &str) -> Result<(), SinkError> {
        check_id(id)?;
        let path = self.folder.join(format!("{id}{ENTRY}"));
        let made = work_folder::make_folder(&self.folder)
            .and_then(|()| work_folder::make_subfolder(&self.folder));
        made.and_then(|()| private::replace(&path, report.as_bytes())).map_err(|error| {
            SinkError::from_io(format!("can't write {}: {error}", path.display()), &error)
        })
    }

    fn read(&self, count: usize) -> Result<Vec<LoggedRun>, SinkError> {
        let cant = |path: &Path, error: &std::io::Error| {
            SinkError::from_io(format!("can't read {}: {error}", path.display()), error)
        };
        let names = match fs::read_dir(&self.folder) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cant(&self.folder, &error)),
        };
        let mut ids = Vec::new();
        for name in names {
            let name = name.map_err(|error| cant(&self.folder, &error))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(ENTRY));
            ids.extend(id.filter(|id| is_id(id)).map(str::to_owned));
        }
        let read = |id: String| {
            let path = self.folder.join(format!("{id}{ENTRY}"));
            let report = match private::read(&path, LARGEST_ENTRY) {
                Ok(bytes) => String::from_utf8(bytes).ok(),
                Err(error) if error.kind() == ErrorKind::FileTooLarge => None,
                Err(error) => return Err(cant(&path, &error)),
            };
            Ok(LoggedRun { id, report })
        };
        latest(ids, count).into_iter().map(read).collect()
    }
}

impl RunLog for FileRunLog {
    fn put<'a>(&'a mut self, id: &'a str, report: &'a str) -> BoxFuture<'a, Result<(), SinkError>> {
        let written = self.write(id, report);
        Box::pin(async { written })
    }

    fn last(&mut self, count: usize) -> BoxFuture<'_, Result<Vec<LoggedRun>, SinkError>> {
        let read = self.read(count);
        Box::pin(async { read })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<T>(done: BoxFuture<'_, Result<T, SinkError>>) -> Result<T, SinkError> {
        futures::FutureExt::now_or_never(done).expect("a ready future")
    }

    #[test]
    fn returns_the_last_runs_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("q.jsonl");
        let mut log = FileRunLog::beside(&out);
        assert_eq!(now(log.last(5)).expect("no runs"), []);
        for (id, report) in [("20260501T1-b", "1"), ("20260502T1-a", "2"), ("20260501T1-b", "3")] {
            now(log.put(id, report)).expect("written");
        }
        let folder = folder.path().join(".genesys-cloud/q.jsonl.runs");
        fs::write(folder.join("notes.txt"), "").expect("a file of the user");
        fs::write(folder.join("20260503T1-c.json"), b"\xff").expect("a damaged file");
        let run = |id: &str, report: Option<&str>| LoggedRun {
            id: id.to_owned(),
            report: report.map(str::to_owned),
        };
        let all = [
            run("20260503T1-c", None),
            run("20260502T1-a", Some("2")),
            run("20260501T1-b", Some("3")),
        ];
        assert_eq!(now(log.last(5)).expect("all"), all);
        assert_eq!(now(log.last(2)).expect("two"), all[..2]);
        assert_eq!(now(FileRunLog::beside(Path::new("other.jsonl")).last(1)).expect("none"), []);
    }

    #[test]
    fn an_id_can_not_leave_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = FileRunLog::beside(&folder.path().join("q.jsonl"));
        for id in ["", "../x", "a/b", "a.b", "é", &"x".repeat(65)] {
            now(log.put(id, "{}")).expect_err("not an ID");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn does_not_follow_a_link_in_the_place_of_the_folder() {
        let (folder, other) =
            (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        let out = folder.path().join("q.jsonl");
        fs::create_dir(folder.path().join(".genesys-cloud")).expect("a folder");
        let link = folder.path().join(".genesys-cloud/q.jsonl.runs");
        std::os::unix::fs::symlink(other.path(), link).expect("a link");
        let error = now(FileRunLog::beside(&out).put("1", "{}")).expect_err("a link");
        assert!(error.to_string().contains("is not a folder"), "{error}");
        assert_eq!(fs::read_dir(other.path()).expect("the folder").count(), 0);
    }
}
