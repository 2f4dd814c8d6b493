//! Where a secret is, if not in the environment.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::SecretString;

use crate::failure::Failure;

/// Maximum size of a secret.
const MOST: u64 = 64 * 1024;

/// Where a secret is.
#[derive(Clone, Debug)]
pub(crate) enum SecretSource {
    Text(SecretString),
    /// A file that only its owner can read.
    File(PathBuf),
    /// A command that prints it, as words.
    Command(Vec<String>),
}

impl SecretSource {
    /// Reads the secret, which may run a command and wait for it.
    pub(crate) fn read(&self) -> Result<SecretString, Failure> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::File(path) => of_file(path),
            Self::Command(words) => of_command(words),
        }
    }
}

fn of_file(path: &Path) -> Result<SecretString, Failure> {
    let name = path.display();
    let refused = |error: std::io::Error| Failure::usage(format!("can't read {name}: {error}"));
    let file = File::open(path).map_err(refused)?;
    // Check the file that was opened: another could take its place.
    if !is_private(&file.metadata().map_err(refused)?) {
        let path = path.to_string_lossy();
        let path = shlex::try_quote(&path).unwrap_or_default();
        return Err(Failure::usage(format!("{name}: other users can read this secret"))
            .advise(format!("run chmod 600 {path}")));
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(refused)?;
    first_line(bytes).ok_or_else(|| Failure::usage(format!("{name} has no secret")))
}

fn of_command(words: &[String]) -> Result<SecretString, Failure> {
    let (program, arguments) = words.split_first().map_or(("", words), |(it, rest)| (it, rest));
    // Arguments may be confidential, so errors only name the program.
    let failed = |why: &str| Failure::usage(format!("`client_secret_command`: `{program}` {why}"));
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(&format!("can't be run: {error}")))?;
    if !done.status.success() {
        return Err(failed(&format!("failed with {}", done.status)));
    }
    first_line(done.stdout).ok_or_else(|| failed("printed no secret"))
}

/// Returns the first line, without surrounding spaces. `None` if it is empty or not text.
fn first_line(bytes: Vec<u8>) -> Option<SecretString> {
    let text = String::from_utf8(bytes).ok()?;
    let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty())?;
    Some(line.to_owned().into())
}

/// Returns whether only its owner can use a file. Windows has no such mode.
pub(crate) fn is_private(file: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        file.mode() & 0o077 == 0
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn command(words: &[&str]) -> Result<String, String> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        read(&SecretSource::Command(words))
    }

    fn read(source: &SecretSource) -> Result<String, String> {
        let secret = source.read().map_err(|failure| failure.to_string())?;
        Ok(secret.expose_secret().to_owned())
    }

    #[test]
    fn reads_the_first_line_that_a_command_prints() {
        assert_eq!(command(&["printf", "hidden\\nuser: me\\n"]).as_deref(), Ok("hidden"));
        for (words, part) in [
            (&["false", "SECRET"][..], "`false` failed with exit status: 1"),
            (&["true", "SECRET"], "`true` printed no secret"),
            (&["./no/such/program", "SECRET"], "`./no/such/program` can't be run"),
            (&["printf", "\\377SECRET"], "`printf` printed no secret"),
        ] {
            let why = command(words).expect_err("an error");
            assert!(why.contains(part) && !why.contains("SECRET"), "{why}");
        }
    }

    #[test]
    fn reads_only_a_private_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, "hidden\n").expect("a file");
        for (mode, is_read) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).expect("a mode");
            let found = read(&SecretSource::File(path.clone()));
            assert_eq!(found.as_deref().ok(), is_read.then_some("hidden"), "{mode:o}");
        }
        let missing = read(&SecretSource::File(folder.path().join("none"))).expect_err("missing");
        assert!(missing.contains("can't read"), "{missing}");
    }
}
