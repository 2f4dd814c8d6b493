//! Files that may hold personal data: their owner alone may read them, and none is opened through a symbolic link.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Opens a file for reading and writing. Its content stays as it is. It is created if it is missing and `create` says
/// so.
pub(crate) fn open(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false);
    let file = owner_only(&mut options).open(path).map_err(explained)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file; remove it"));
    }
    // It may be there with other permissions. Whoever may write it and does not own it can't change them.
    let _ = restrict(&file);
    Ok(file)
}

/// Replaces a file atomically: a crash leaves the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let is_first = !path.exists();
    let new = beside(path);
    let write = || {
        let mut file = create_new(&new, owner_only)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| {
        // What could not be written is of no use, and takes room.
        let _ = fs::remove_file(&new);
    })?;
    // Without an old one, the name itself must last. This takes a while, so it is not done each time.
    if is_first { sync_folder(path) } else { Ok(()) }
}

/// Gives a finished file its name, and the permissions of the file that it replaces, or of any new file.
pub(crate) fn publish(part: &Path, path: &Path) -> io::Result<()> {
    if let Some(permissions) = permissions_for(path) {
        fs::set_permissions(part, permissions)?;
    }
    fs::rename(part, path)?;
    sync_folder(path)
}

/// Gives a file another name, for good. It stays readable by its owner alone.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

/// Creates a file. One that a process left there when it was killed is removed first.
fn create_new(
    path: &Path,
    restricted: impl Fn(&mut OpenOptions) -> &mut OpenOptions,
) -> io::Result<File> {
    let create = || restricted(OpenOptions::new().write(true).create_new(true)).open(path);
    match create() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create()
        }
        created => created,
    }
}

/// The name of a file while it is written.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW)
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

/// The permissions of the file of this name. Where there is none: those that a new file gets.
#[cfg(unix)]
fn permissions_for(path: &Path) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = match fs::metadata(path) {
        Ok(there) => there.permissions().mode(),
        // The mask for new files can't be read without changing it, so a new file shows it.
        Err(_) => {
            let probe = beside(path);
            let made = create_new(&probe, |options| options).ok()?;
            let mode = made.metadata().ok().map(|it| it.permissions().mode());
            let _ = fs::remove_file(&probe);
            mode?
        }
    };
    Some(Permissions::from_mode(mode & 0o777))
}

#[cfg(not(unix))]
fn permissions_for(_: &Path) -> Option<Permissions> {
    None
}

/// Makes it durable that a file has its name.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Other systems have no way to.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).expect("a file").permissions().mode() & 0o777
    }

    #[test]
    fn a_symbolic_link_is_never_written_through() {
        let folder = tempfile::tempdir().expect("a folder");
        let (victim, path) = (folder.path().join("victim"), folder.path().join("a"));
        fs::write(&victim, "precious").expect("a file");
        symlink(&victim, &path).expect("a link");
        symlink(&victim, folder.path().join("a.new")).expect("a link");
        let error = open(&path, true).expect_err("a link");
        assert!(error.to_string().contains("symbolic link"), "{error}");
        replace(&path, b"new").expect("replaced");
        assert_eq!(fs::read(&path).expect("a file"), b"new");
        assert!(!path.is_symlink());
        assert_eq!(fs::read(&victim).expect("a file"), b"precious");
        symlink(&victim, folder.path().join("b.new")).expect("a link");
        publish(&path, &folder.path().join("b")).expect("published");
        assert_eq!(fs::read(&victim).expect("a file"), b"precious");
    }

    #[test]
    fn only_what_is_finished_may_be_read_by_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
        fs::write(&a, "").expect("a file");
        let usual = mode(&a);
        fs::set_permissions(&a, Permissions::from_mode(0o666)).expect("permissions");
        open(&a, false).expect("opened");
        assert_eq!(mode(&a), 0o600);
        replace(&b, b"state").expect("replaced");
        assert_eq!(mode(&b), 0o600);
        publish(&a, &c).expect("published");
        assert_eq!(mode(&c), usual);
        fs::set_permissions(&c, Permissions::from_mode(0o640)).expect("permissions");
        publish(&b, &c).expect("published");
        assert_eq!(mode(&c), 0o640);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
