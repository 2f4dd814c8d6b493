//! What standard output and standard error are connected to.

/// Whether a terminal of this kind (`TERM`) takes the sequences that move the cursor.
pub(crate) fn moves_cursor() -> bool {
    !cfg!(unix) || std::env::var_os("TERM").is_some_and(|kind| kind != "dumb" && !kind.is_empty())
}

/// Whether standard output was closed when the program began, as by `>&-`, so that everything written there vanishes.
///
/// By now, the standard library has opened the null device in its place, for reading and writing. A shell opens it
/// for writing alone where it is asked to (`> /dev/null`).
#[cfg(unix)]
pub(crate) fn stdout_was_closed() -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};
    let out = std::io::stdout();
    let (Ok(there), Ok(null), Ok(flags)) = (fstat(&out), stat("/dev/null"), fcntl_getfl(&out))
    else {
        return false;
    };
    let is_null = (there.st_rdev, there.st_mode) == (null.st_rdev, null.st_mode);
    is_null && flags & OFlags::RWMODE == OFlags::RDWR
}

#[cfg(not(unix))]
pub(crate) fn stdout_was_closed() -> bool {
    false
}
