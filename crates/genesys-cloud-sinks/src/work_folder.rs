//! The hidden folder beside an output, for staged records, state and report.
//!
//! pandas, pyarrow datasets and Spark ignore names that start with a dot or an underscore. A DuckDB glob, such as
//! `users/*`, matches such files, but not folders.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::checksum::Checksum;

/// The name of the folder, also in the keys of a bucket.
pub const FOLDER: &str = ".genesys-cloud";

/// The suffix of a staged output.
pub const PART: &str = ".part";
/// The suffix of a state.
pub const STATE: &str = ".state.json";
/// The suffix of a report.
pub const REPORT: &str = ".report.json";
/// The suffix of a rejects file.
pub const REJECTS: &str = ".rejects.jsonl";
/// The suffix of the folder with the reports of all runs.
pub const RUNS: &str = ".runs";

/// Returns the path of a file that belongs to this output, with this suffix.
///
/// File systems such as those of macOS and Windows do not distinguish `Q.csv` from `q.csv`, or two encodings of `é`.
/// Such outputs must not share files, so their names get a checksum.
pub fn path(out: &Path, end: &str) -> PathBuf {
    let mut name = out.file_name().map(OsString::from).unwrap_or_default();
    let is_distinct = |byte: &u8| byte.is_ascii() && !byte.is_ascii_uppercase() && *byte != b'~';
    if !name.as_encoded_bytes().iter().all(is_distinct) {
        let sum = Checksum::of(name.as_encoded_bytes());
        name.push(format!("~{}", &sum[..8]));
    }
    name.push(end);
    out.with_file_name(FOLDER).join(name)
}

/// Returns the key, or the URL, of an object that belongs to this one.
#[cfg(feature = "buckets")]
pub fn key(out: &str, end: &str) -> String {
    match out.rsplit_once('/') {
        Some((before, name)) => format!("{before}/{FOLDER}/{name}{end}"),
        None => format!("{FOLDER}/{out}{end}"),
    }
}

/// Creates the parent of `path` if it is such a hidden folder.
///
/// # Errors
/// If it can't be created, or is not a folder.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = folder(path) else { return Ok(()) };
    make_subfolder(folder)
}

/// Creates a folder in an existing one.
///
/// # Errors
/// If it can't be created, or is not a folder.
pub(crate) fn make_subfolder(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::other(format!("{} is not a folder; remove it", folder.display()))),
        Err(_) => match fs::create_dir(folder) {
            // Another export may create it at the same time.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        },
    }
}

/// Removes the parent of `path` if it is such a hidden folder and empty.
pub fn remove_folder(path: &Path) {
    if let Some(folder) = folder(path) {
        // Fails if the folder is in use.
        let _ = fs::remove_dir(folder);
    }
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| folder.file_name().is_some_and(|name| name == FOLDER))
}

/// Returns files that an earlier release left beside this output, where readers of the folder may take them for data.
pub fn left_by_earlier_release(out: &Path) -> Vec<PathBuf> {
    let beside = |end: &&str| {
        let mut path = out.as_os_str().to_owned();
        path.push(end);
        PathBuf::from(path)
    };
    [PART, STATE, REPORT].iter().map(beside).filter(|path| path.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_hidden_beside_the_output() {
        for (out, state) in [
            ("users/1.parquet", "users/.genesys-cloud/1.parquet.state.json"),
            ("/data/q", "/data/.genesys-cloud/q.state.json"),
            ("q.jsonl", ".genesys-cloud/q.jsonl.state.json"),
        ] {
            assert_eq!(path(Path::new(out), STATE), Path::new(state));
            #[cfg(feature = "buckets")]
            assert_eq!(key(out, STATE), state);
        }
    }

    #[test]
    fn names_that_a_file_system_may_not_distinguish_share_no_files() {
        let names = ["q.csv", "Q.csv", "q.CSV", "Q.CSV", "\u{e9}.csv", "e\u{301}.csv", "q.csv~0"];
        let ends = [PART, STATE, REPORT, REJECTS, RUNS];
        let mut folded: Vec<String> = Vec::new();
        for name in names {
            for end in ends {
                let path = path(Path::new(name), end).to_string_lossy().to_lowercase();
                assert!(path.ends_with(end), "{path}");
                folded.push(path.replace("e\u{301}", "\u{e9}"));
            }
        }
        folded.sort();
        folded.dedup();
        assert_eq!(folded.len(), names.len() * ends.len(), "{folded:?}");
        // The name does not depend on how the path is written.
        assert_eq!(
            path(Path::new("Q.csv"), PART),
            path(Path::new("./Q.csv"), PART).strip_prefix(".").expect(".")
        );
    }

    #[test]
    fn removes_the_folder_once_it_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("q.jsonl");
        let part = path(&out, PART);
        make_folder(&part).expect("made");
        make_folder(&part).expect("it exists");
        fs::write(&part, "").expect("a file");
        remove_folder(&part);
        assert!(part.exists());
        fs::remove_file(&part).expect("removed");
        remove_folder(&part);
        assert!(!folder.path().join(FOLDER).exists());
        // Other folders are neither created nor removed.
        let other = folder.path().join("other/q.jsonl.part");
        make_folder(&other).expect("nothing to do");
        assert!(!folder.path().join("other").exists());
        fs::write(folder.path().join(FOLDER), "").expect("a file");
        let error = make_folder(&part).expect_err("it is a file");
        assert!(error.to_string().contains("is not a folder"), "{error}");
    }
}
