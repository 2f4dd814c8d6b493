//! Properties of the terminal and of standard output.

/// Returns whether the terminal (`TERM`) understands the sequences that move the cursor.
pub(crate) fn moves_cursor() -> bool {
    !cfg!(unix) || std::env::var_os("TERM").is_some_and(|kind| kind != "dumb" && !kind.is_empty())
}

/// Returns whether standard output was closed at start, as by `>&-`, so that everything written to it is lost.
///
/// In that case, the standard library has opened the null device as standard output, for reading and writing. A shell
/// opens it only for writing (`> /dev/null`).
#[cfg(unix)]
pub(crate) fn stdout_was_closed() -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fstat, stat};
    let out = std::io::stdout();
    let (Ok(stdout), Ok(null), Ok(flags)) = (fstat(&out), stat("/dev/null"), fcntl_getfl(&out))
    else {
        return false;
    };
    let is_null = (stdout.st_rdev, stdout.st_mode) == (null.st_rdev, null.st_mode);
    is_null && flags & OFlags::RWMODE == OFlags::RDWR
}

#[cfg(not(unix))]
pub(crate) fn stdout_was_closed() -> bool {
    false
}
