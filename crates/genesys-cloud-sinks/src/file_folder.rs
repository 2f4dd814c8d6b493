//! A folder of whole files, such as recordings, with a journal of them.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use genesys_cloud_core::private_file as private;

#[cfg(feature = "buckets")]
use crate::bucket::{BucketFiles, BucketFolder, BucketUpload};
use crate::checksum::random_id;
use crate::error::SinkError;
use crate::watch::Watch;
use crate::work_folder;

/// Name of the journal in a local folder.
const JOURNAL: &str = "manifest.jsonl";

/// Prefix and suffix of a file that is not complete.
const PART: (&str, &str) = ("file-", ".part");

/// A folder of whole files: a local one, or the objects of a bucket under one prefix.
///
/// Each file appears under its name when it is complete.
#[derive(Clone)]
pub struct FileFolder {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Local(PathBuf),
    #[cfg(feature = "buckets")]
    Bucket {
        files: BucketFiles,
        url: String,
    },
}

/// The journal of a folder, with a line of text for each file: `manifest.jsonl` in a local folder, and numbered objects
/// `manifest/00000001.jsonl` in a bucket, where an object can't be extended.
pub struct Journal {
    log: Log,
}

enum Log {
    Local {
        path: PathBuf,
        file: File,
    },
    #[cfg(feature = "buckets")]
    Bucket {
        files: BucketFiles,
        next: u64,
    },
}

/// A file that has no name yet. Dropping it discards a local file.
pub struct NewFile {
    form: NewForm,
}

enum NewForm {
    Local(LocalFile),
    #[cfg(feature = "buckets")]
    Bucket(Box<BucketUpload>),
}

struct LocalFile {
    part: PathBuf,
    path: PathBuf,
    file: File,
    is_published: bool,
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if !self.is_published {
            // What is left is removed by the next export.
            let _ = private::remove(&self.part);
        }
    }
}

impl FileFolder {
    /// A local folder.
    pub fn local(folder: impl Into<PathBuf>) -> Self {
        Self { place: Place::Local(folder.into()) }
    }

    /// A folder in a bucket, with the settings and credentials in the environment. Makes no call.
    ///
    /// # Errors
    /// If the environment lacks the settings to reach the bucket.
    #[cfg(feature = "buckets")]
    pub fn bucket(folder: &BucketFolder) -> Result<Self, SinkError> {
        let files = BucketFiles::new(folder)?;
        Ok(Self { place: Place::Bucket { files, url: folder.to_string() } })
    }

    /// Sets the watch, which interrupts waits for a bucket.
    #[cfg_attr(not(feature = "buckets"), allow(unused_variables))]
    pub fn watch(&mut self, watch: Watch) {
        match &mut self.place {
            Place::Local(_) => {}
            #[cfg(feature = "buckets")]
            Place::Bucket { files, .. } => files.watch(watch),
        }
    }

    /// Opens the journal and passes each of its lines to `line`. A local folder is created, and locked until the journal is
    /// dropped.
    ///
    /// A last line without an end was being written when the process was killed, and is removed.
    ///
    /// # Errors
    /// If the folder can't be read or written, or another export writes to it.
    pub async fn open(&self, mut line: impl FnMut(&str)) -> Result<Journal, SinkError> {
        let log = match &self.place {
            Place::Local(folder) => {
                let file = open_local(folder, &mut line)?;
                Log::Local { path: folder.join(JOURNAL), file }
            }
            #[cfg(feature = "buckets")]
            Place::Bucket { files, .. } => {
                let mut next = 1;
                while let Some(bytes) = files.read(&segment(next)).await? {
                    String::from_utf8_lossy(&bytes).lines().for_each(&mut line);
                    next += 1;
                }
                Log::Bucket { files: files.clone(), next }
            }
        };
        Ok(Journal { log })
    }

    /// Returns whether a file in the journal can still be complete. In a bucket, that is not checked.
    pub fn has(&self, name: &str, bytes: u64) -> bool {
        match &self.place {
            Place::Local(folder) => {
                fs::metadata(folder.join(name)).is_ok_and(|it| it.is_file() && it.len() == bytes)
            }
            #[cfg(feature = "buckets")]
            Place::Bucket { .. } => true,
        }
    }

    /// Starts a file. `name` must be a plain file name of ASCII letters, digits, `.`, `-`, `_` and `~`.
    ///
    /// # Errors
    /// If the name is another, or the file can't be created.
    pub fn create(&self, name: &str) -> Result<NewFile, SinkError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_plain) {
            return Err(SinkError::new(format!("{name:?} is not a plain file name")));
        }
        let form = match &self.place {
            Place::Local(folder) => {
                let path = folder.join(name);
                let part = format!("{}{}{}", PART.0, random_id(), PART.1);
                let part = folder.join(work_folder::FOLDER).join(part);
                let made =
                    work_folder::make_folder(&part).and_then(|()| private::open(&part, true));
                let file = made.map_err(|error| unwritable(&path, &error))?;
                NewForm::Local(LocalFile { part, path, file, is_published: false })
            }
            #[cfg(feature = "buckets")]
            Place::Bucket { files, .. } => NewForm::Bucket(Box::new(files.upload(name)?)),
        };
        Ok(NewFile { form })
    }

    /// Returns the location of the journal as text.
    pub fn journal(&self) -> String {
        match &self.place {
            Place::Local(folder) => folder.join(JOURNAL).display().to_string(),
            #[cfg(feature = "buckets")]
            Place::Bucket { url, .. } => format!("{url}manifest/"),
        }
    }
}

impl Journal {
    /// Adds lines, each with its end, and makes them durable.
    ///
    /// # Errors
    /// If they can't be written, or in a bucket if another export has written to the journal.
    pub async fn append(&mut self, lines: String) -> Result<(), SinkError> {
        match &mut self.log {
            Log::Local { path, file } => {
                let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
                written.map_err(|error| unwritable(path, &error))
            }
            #[cfg(feature = "buckets")]
            Log::Bucket { files, next } => {
                files.create(&segment(*next), lines.into_bytes()).await?;
                *next += 1;
                Ok(())
            }
        }
    }

    /// Returns how many files to collect for one [`append`](Self::append): after a kill, they are fetched again.
    pub fn lines_at_a_time(&self) -> usize {
        match &self.log {
            Log::Local { .. } => 1,
            #[cfg(feature = "buckets")]
            Log::Bucket { .. } => 100,
        }
    }
}

impl NewFile {
    /// Adds bytes.
    ///
    /// # Errors
    /// If they can't be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        match &mut self.form {
            NewForm::Local(it) => {
                it.file.write_all(bytes).map_err(|error| unwritable(&it.path, &error))
            }
            #[cfg(feature = "buckets")]
            NewForm::Bucket(upload) => upload.write(bytes).await,
        }
    }

    /// Makes the complete file appear, in place of an earlier one.
    ///
    /// # Errors
    /// If it can't be published.
    pub async fn publish(self) -> Result<(), SinkError> {
        match self.form {
            NewForm::Local(mut it) => {
                let done = it.file.sync_data().and_then(|()| private::publish(&it.part, &it.path));
                done.map_err(|error| unwritable(&it.path, &error))?;
                it.is_published = true;
                Ok(())
            }
            #[cfg(feature = "buckets")]
            NewForm::Bucket(upload) => upload.publish().await,
        }
    }

    /// Discards the file.
    pub async fn discard(self) {
        match self.form {
            NewForm::Local(_) => {}
            #[cfg(feature = "buckets")]
            NewForm::Bucket(upload) => upload.discard().await,
        }
    }
}

/// Returns the name of a part of the journal in a bucket.
#[cfg(feature = "buckets")]
fn segment(number: u64) -> String {
    format!("manifest/{number:08}.jsonl")
}

/// Opens and locks the journal of a local folder, and removes files that were never complete.
fn open_local(folder: &Path, line: &mut impl FnMut(&str)) -> Result<File, SinkError> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let path = folder.join(JOURNAL);
    let mut file = private::open(&path, true).map_err(|error| unwritable(&path, &error))?;
    if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        let why = format!("another export is writing to {}", folder.display());
        return Err(SinkError::unavailable(why));
    }
    let cant =
        |error| SinkError::from_io(format!("can't read {}: {error}", path.display()), &error);
    let (mut reader, mut text, mut length) = (BufReader::new(&file), Vec::new(), 0);
    loop {
        text.clear();
        let read = reader.read_until(b'\n', &mut text).map_err(cant)?;
        let Some(whole) = text.strip_suffix(b"\n") else { break };
        length += read as u64;
        line(&String::from_utf8_lossy(whole));
    }
    file.set_len(length)
        .and_then(|()| file.seek(SeekFrom::End(0)))
        .map_err(|error| unwritable(&path, &error))?;
    let parts = match fs::read_dir(folder.join(work_folder::FOLDER)) {
        Ok(entries) => entries.flatten().collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unwritable(folder, &error)),
    };
    for part in parts {
        let name = part.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PART.0) && name.ends_with(PART.1) {
            // A file that can't be removed is not in the way.
            let _ = private::remove(&part.path());
        }
    }
    Ok(file)
}

fn unwritable(path: &Path, error: &std::io::Error) -> SinkError {
    SinkError::from_io(format!("can't write {}: {error}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn now<T>(work: impl Future<Output = Result<T, SinkError>>) -> Result<T, SinkError> {
        work.now_or_never().expect("a local file")
    }

    fn opened(folder: &Path) -> (FileFolder, Journal, Vec<String>) {
        let (files, mut lines) = (FileFolder::local(folder), Vec::new());
        let journal = now(files.open(|line| lines.push(line.to_owned()))).expect("opened");
        (files, journal, lines)
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("media");
        let (files, _journal, _) = opened(&folder);
        let path = folder.join("a.wav");
        let mut file = files.create("a.wav").expect("a file");
        now(file.write(b"RI")).expect("written");
        assert!(!path.exists());
        drop(file);
        let mut file = files.create("a.wav").expect("a file");
        now(file.write(b"RIFF")).expect("written");
        now(file.publish()).expect("published");
        assert_eq!(fs::read(&path).expect("a file"), b"RIFF");
        assert!(files.has("a.wav", 4) && !files.has("a.wav", 3) && !files.has("b.wav", 4));
        let left = fs::read_dir(folder.join(work_folder::FOLDER)).expect("a folder").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_name_is_not_a_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, _journal, _) = opened(folder.path());
        for name in ["", "..", "../a", "a/b", "/a", ".hidden", "a\\b", "a:b", "a b", "\u{e9}"] {
            assert!(files.create(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_journal_loses_only_a_line_that_was_being_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let (files, mut journal, lines) = opened(folder.path());
        assert!(lines.is_empty());
        now(journal.append("1\n2\n".to_owned())).expect("written");
        let error = now(files.open(|_| ())).map(drop).expect_err("locked");
        assert!(error.is_transient(), "{error}");
        drop(journal);
        let path = folder.path().join(JOURNAL);
        fs::write(&path, "1\n2\n3").expect("a torn line");
        let part = folder.path().join(work_folder::FOLDER).join("file-1.part");
        fs::create_dir(part.parent().expect("a folder")).expect("made");
        fs::write(&part, "").expect("a part");
        let (_, mut journal, lines) = opened(folder.path());
        assert_eq!(lines, ["1", "2"]);
        assert!(!part.exists());
        now(journal.append("4\n".to_owned())).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "1\n2\n4\n");
    }
}
