//! Files that may contain personal data or give access to it: checkpoints, states, reports, saved jobs, partial outputs.
//!
//! One policy applies to all of them: only the owner may read a file (mode 0600 on Unix), symbolic links are not
//! followed, and files are replaced atomically. For that, a temporary file with a random name is created in the same
//! directory, written, synced and renamed, and the directory is synced. After a crash, either the old or the new file
//! exists.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use tempfile::{Builder, NamedTempFile};

/// Older temporary files were left by killed processes: none takes that long to write.
const LEFT: Duration = Duration::from_secs(3_600);

/// Number of random characters in the name of a temporary file.
const RANDOM: usize = 16;

/// Opens a file for reading and writing, and restricts it to its owner. Keeps its content. With `create`, creates a
/// missing file.
///
/// # Errors
/// If it cannot be opened, is a symbolic link, or is not a regular file.
pub fn open(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    let file = regular(owner_only(&mut options).open(path).map_err(explained)?)?;
    // An existing file may have other permissions, which a writer who does not own it cannot change.
    let _ = restrict(&file);
    Ok(file)
}

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// If it cannot be read, is a symbolic link, is not a regular file, or is larger ([`ErrorKind::FileTooLarge`]).
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    let file = regular(owner_only(options.read(true)).open(path).map_err(explained)?)?;
    let too_large = |length: u64| {
        let why = format!("it has {length} bytes, more than the maximum of {most}");
        Err(io::Error::new(ErrorKind::FileTooLarge, why))
    };
    let length = file.metadata()?.len();
    if length > most {
        return too_large(length);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // The file may grow while it is read.
    match file.take(most.saturating_add(1)).read_to_end(&mut bytes)? as u64 {
        read if read > most => too_large(read),
        _ => Ok(bytes),
    }
}

/// Replaces a file atomically.
///
/// # Errors
/// If the file cannot be written. The old one is unchanged.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_beside(path, |_| ())?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(path)
}

/// Renames a finished file, and gives it the permissions of the file that it replaces, or those of any new file.
///
/// # Errors
/// If it cannot be renamed.
pub fn publish(part: &Path, path: &Path) -> io::Result<()> {
    if let Some(permissions) = permissions_for(path) {
        let mut options = OpenOptions::new();
        let file = owner_only(options.read(true)).open(part).map_err(explained)?;
        file.set_permissions(permissions)?;
    }
    fs::rename(part, path)?;
    sync_folder(path)?;
    match folder_of(part) == folder_of(path) {
        true => Ok(()),
        false => sync_folder(part),
    }
}

/// Renames a file durably. It stays readable only by its owner.
///
/// # Errors
/// If it cannot be renamed.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

/// Removes a file, if it exists.
///
/// # Errors
/// If it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Err(_) => Ok(()),
        Ok(()) => sync_folder(path),
    }
}

/// Removes temporary files for a path that killed processes left more than an hour ago.
pub fn sweep(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let prefix = format!(".{}.", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder_of(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let random = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".tmp"));
        let is_ours = random
            .is_some_and(|it| it.len() == RANDOM && it.bytes().all(|b| b.is_ascii_alphanumeric()));
        let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        if is_ours && age().is_some_and(|age| age > LEFT) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether an error of the system may be temporary, such as an unreachable file server or a file in use. A full disk is
/// not.
pub fn is_transient(error: &io::Error) -> bool {
    use ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::TimedOut
            | Kind::Interrupted
            | Kind::WouldBlock
            | Kind::ResourceBusy
            | Kind::ExecutableFileBusy
            | Kind::StaleNetworkFileHandle
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::NotConnected
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::UnexpectedEof
    )
}

/// Creates a temporary file in the directory of `path`, readable only by its owner. It is removed unless persisted.
fn create_beside(
    path: &Path,
    change: impl FnOnce(&mut Builder<'_, '_>),
) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it has no file name"))?;
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp").rand_bytes(RANDOM);
    change(&mut builder);
    builder.tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn regular(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a regular file; remove it")),
    }
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Do not wait for the other end of a pipe.
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

/// Other systems have no such modes.
#[cfg(not(unix))]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn explained(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ELOOP) => {
            io::Error::other("it is a symbolic link, which is not followed; remove it")
        }
        _ => error,
    }
}

#[cfg(not(unix))]
fn explained(error: io::Error) -> io::Error {
    error
}

/// Returns the permissions of an existing file, or else those of a new file.
#[cfg(unix)]
fn permissions_for(path: &Path) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let existing = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
    let mode = match existing {
        Some(existing) => existing.permissions().mode(),
        // The umask cannot be read without changing it, so create a file to see its effect.
        None => {
            let usual = Permissions::from_mode(0o666);
            let probe = create_beside(path, |it| {
                it.permissions(usual);
            })
            .ok()?;
            probe.as_file().metadata().ok()?.permissions().mode()
        }
    };
    Some(Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn permissions_for(_: &Path) -> Option<Permissions> {
    None
}

/// Makes a rename or removal durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Not supported on other systems.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::time::SystemTime;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("a file").permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn never_follows_a_symbolic_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let [victim, path, other] = ["victim", "a", "b"].map(|name| folder.path().join(name));
        fs::write(&victim, "precious").expect("a file");
        symlink(&victim, &path).expect("a link");
        for error in [
            open(&path, true).map(drop).expect_err("a link"),
            open(&path, false).map(drop).expect_err("a link"),
            read(&path, 100).map(drop).expect_err("a link"),
            publish(&path, &other).expect_err("a link"),
        ] {
            assert!(error.to_string().contains("symbolic link"), "{error}");
        }
        replace(&path, b"new").expect("replaced");
        assert_eq!(read(&path, 100).expect("a file"), b"new");
        assert!(!path.is_symlink());
        symlink(&victim, &other).expect("a link");
        publish(&path, &other).expect("published");
        assert!(!other.is_symlink());
        assert_ne!(mode(&other), 0o777, "the mode of the link");
        assert_eq!(fs::read(&victim).expect("a file"), b"precious");
        symlink(&victim, &path).expect("a link");
        remove(&path).expect("removed");
        remove(&path).expect("already removed");
        assert_eq!(names(folder.path()), ["b", "victim"]);
    }

    #[test]
    fn only_published_files_are_readable_by_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        fs::write(&a, "").expect("a file");
        let usual = mode(&a);
        fs::set_permissions(&a, Permissions::from_mode(0o666)).expect("permissions");
        open(&a, false).expect("opened");
        assert_eq!(mode(&a), 0o600);
        fs::write(&b, "").expect("a file");
        fs::set_permissions(&b, Permissions::from_mode(0o666)).expect("permissions");
        replace(&b, b"state").expect("replaced");
        assert_eq!(mode(&b), 0o600);
        publish(&a, &c).expect("published");
        assert_eq!(mode(&c), usual);
        fs::set_permissions(&c, Permissions::from_mode(0o640)).expect("permissions");
        publish(&b, &c).expect("published");
        assert_eq!(mode(&c), 0o640);
        assert_eq!(names(folder.path()), ["c"]);
    }

    #[test]
    fn rejects_directories_and_large_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        assert_eq!(read(&path, 1).expect_err("missing").kind(), ErrorKind::NotFound);
        replace(&path, b"abc").expect("replaced");
        assert_eq!(read(&path, 3).expect("a file"), b"abc");
        assert_eq!(read(&path, 2).expect_err("too large").kind(), ErrorKind::FileTooLarge);
        fs::create_dir(folder.path().join("b")).expect("a folder");
        assert!(read(&folder.path().join("b"), 9).is_err());
        assert!(replace(&folder.path().join("b"), b"").is_err());
        assert!(replace(&folder.path().join("no/c"), b"").is_err());
        assert!(replace(Path::new("/"), b"").is_err());
        assert_eq!(names(folder.path()), ["a", "b"], "no temporary files are left");
    }

    #[test]
    fn removes_files_left_by_killed_processes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.json");
        let long_ago = SystemTime::now() - LEFT - Duration::from_secs(1);
        for (name, time) in [
            (".a.json.0123456789abcdef.tmp", long_ago),
            (".a.json.AbCdEfGhIjKlMnOp.tmp", long_ago),
            (".a.json.fedcba9876543210.tmp", SystemTime::now()),
            (".a.json.mine.tmp", long_ago),
            (".b.json.0123456789abcdef.tmp", long_ago),
        ] {
            let file = File::create(folder.path().join(name)).expect("a file");
            file.set_modified(time).expect("a time");
        }
        sweep(&path);
        let left =
            [".a.json.fedcba9876543210.tmp", ".a.json.mine.tmp", ".b.json.0123456789abcdef.tmp"];
        assert_eq!(names(folder.path()), left);
    }
}
