//! Where an export keeps what is not its output: records of a list that is not complete yet, state and report.
//!
//! They are in a hidden folder beside the output. pandas, pyarrow datasets and Spark leave out names that begin with a
//! dot or an underscore; a glob of DuckDB, such as `users/*`, takes such files all the same, but no folders.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::checksum::Checksum;

/// The name of the folder, also among the keys of a bucket.
pub const FOLDER: &str = ".genesys-cloud";

/// The end of the name of an output that is not whole yet.
pub const PART: &str = ".part";
/// The end of the name of a state.
pub const STATE: &str = ".state.json";
/// The end of the name of a report.
pub const REPORT: &str = ".report.json";
/// The end of the name of the file of rejected records.
pub const REJECTS: &str = ".rejects.jsonl";

/// The path of what belongs to this output, by the end of its name.
///
/// File systems such as those of macOS and Windows do not distinguish `Q.csv` and `q.csv`, nor two spellings of `é`. What
/// belongs to such outputs must not be shared, so their names get a suffix.
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

/// The same for the key of an object, or its URL.
#[cfg(feature = "buckets")]
pub fn key(out: &str, end: &str) -> String {
    match out.rsplit_once('/') {
        Some((before, name)) => format!("{before}/{FOLDER}/{name}{end}"),
        None => format!("{FOLDER}/{out}{end}"),
    }
}

/// Creates the folder of a path, if that is such a folder.
///
/// # Errors
/// When it can't be created, or is something else than a folder.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = folder(path) else { return Ok(()) };
    match fs::symlink_metadata(folder) {
        Ok(there) if there.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::other(format!("{} is not a folder; remove it", folder.display()))),
        Err(_) => match fs::create_dir(folder) {
            // Another export has created it in the meantime.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        },
    }
}

/// Removes the folder of a path, if it is such a folder, and empty.
pub fn remove_folder(path: &Path) {
    if let Some(folder) = folder(path) {
        // One that is in use stays.
        let _ = fs::remove_dir(folder);
    }
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| folder.file_name().is_some_and(|name| name == FOLDER))
}

/// What earlier releases left beside this output, where readers of the folder take it for data.
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
    fn it_is_in_a_hidden_folder_beside_the_output() {
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
    fn names_that_a_file_system_may_not_distinguish_share_nothing() {
        let names = ["q.csv", "Q.csv", "q.CSV", "Q.CSV", "\u{e9}.csv", "e\u{301}.csv", "q.csv~0"];
        let ends = [PART, STATE, REPORT, REJECTS];
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
        // Of an output of one spelling, the name is the same every time.
        assert_eq!(
            path(Path::new("Q.csv"), PART),
            path(Path::new("./Q.csv"), PART).strip_prefix(".").expect(".")
        );
    }

    #[test]
    fn the_folder_is_there_as_long_as_it_is_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("q.jsonl");
        let part = path(&out, PART);
        make_folder(&part).expect("made");
        make_folder(&part).expect("it is there");
        fs::write(&part, "").expect("a file");
        remove_folder(&part);
        assert!(part.exists());
        fs::remove_file(&part).expect("removed");
        remove_folder(&part);
        assert!(!folder.path().join(FOLDER).exists());
        // Any other folder is not ours to make or to remove.
        let other = folder.path().join("other/q.jsonl.part");
        make_folder(&other).expect("nothing to do");
        assert!(!folder.path().join("other").exists());
        fs::write(folder.path().join(FOLDER), "").expect("a file");
        let error = make_folder(&part).expect_err("it is a file");
        assert!(error.to_string().contains("is not a folder"), "{error}");
    }
}
