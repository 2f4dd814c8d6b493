//! Exit codes, their meaning, and what a script should do next. One table is the source of `--help`, the
//! guide and the tests.

use genesys_cloud_core::{Error, ErrorKind, Verdict};

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done. An exported list is complete, or as long as `--limit` allowed.
    Complete = 0,
    /// Any other error, such as a response that does not match the API document.
    Failed = 1,
    /// The command is invalid, or the state that `--resume` found does not match.
    Usage = 2,
    /// The list is longer than the API returns, or files of `--download` could not be fetched.
    Truncated = 3,
    /// The list changed while it was read.
    Drifted = 4,
    /// The API does not report enough to know whether the list is complete.
    Unknown = 5,
    /// The credentials are missing or not accepted.
    Auth = 6,
    /// The API refused the call: a missing permission, an unknown ID, a conflict.
    Refused = 7,
    /// The API can't be reached, has a server error, or asks for too long a wait.
    Unavailable = 8,
    /// The output or the location of the state can't be reached now.
    OutputUnavailable = 9,
    /// The job failed or was cancelled, or its results can't be read.
    Job = 10,
    /// The output or the location of the state refuses the records.
    OutputRefused = 11,
    /// The job is still running, or its data is not available yet.
    Pending = 12,
    /// Stopped by Ctrl-C or a signal. An export has saved its progress.
    Interrupted = 130,
}

/// What a script should do after an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// Retry: the same command may succeed later.
    Retry,
    /// Alert a person: the same command fails again until something has changed.
    Alert,
    /// Leave it to the person who interrupted the command, and may resume it.
    Resume,
}

impl Then {
    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::Retry => "retry later",
            Self::Alert => "needs attention",
            Self::Resume => "resume",
        }
    }
}

/// An exit code.
pub(crate) struct Row {
    pub(crate) code: u8,
    /// The name in events and reports. `None` if the program was killed, so that it wrote neither.
    pub(crate) name: Option<&'static str>,
    pub(crate) meaning: &'static str,
    pub(crate) then: Then,
}

const fn row(exit: Exit, name: &'static str, meaning: &'static str, then: Then) -> Row {
    Row { code: exit as u8, name: Some(name), meaning, then }
}

const fn killed(code: u8, meaning: &'static str) -> Row {
    Row { code, name: None, meaning, then: Then::Retry }
}

/// All exit codes.
pub(crate) const ROWS: [Row; 16] = [
    row(
        Exit::Complete,
        "complete",
        "done; an exported list is complete or as long as --limit allows; also if the reader of standard output \
         exits early, as in `| head`",
        Then::Nothing,
    ),
    row(
        Exit::Failed,
        "failed",
        "any other error, such as a response that can't be read",
        Then::Alert,
    ),
    row(
        Exit::Usage,
        "usage",
        "the command is invalid, or the state that --resume found does not match; nothing was sent",
        Then::Alert,
    ),
    row(
        Exit::Truncated,
        "truncated",
        "the API does not return the whole list, or files of --download are missing",
        Then::Alert,
    ),
    row(Exit::Drifted, "drifted", "the list changed while it was read", Then::Alert),
    row(
        Exit::Unknown,
        "unknown",
        "the API does not report enough to know if the list is complete",
        Then::Alert,
    ),
    row(Exit::Auth, "auth", "credentials are missing or not accepted", Then::Alert),
    row(Exit::Refused, "refused", "the API refused the call", Then::Alert),
    row(
        Exit::Unavailable,
        "unavailable",
        "the API can't be reached, has a server error, or asks for too long a wait",
        Then::Retry,
    ),
    row(
        Exit::OutputUnavailable,
        "output-unavailable",
        "the output or the location of the state can't be reached, or another export is writing to it",
        Then::Retry,
    ),
    row(
        Exit::Job,
        "job",
        "the job failed or was cancelled, or its results can't be read",
        Then::Alert,
    ),
    row(
        Exit::OutputRefused,
        "output-refused",
        "the output refuses the records: no such column, no permission, no space left",
        Then::Alert,
    ),
    row(
        Exit::Pending,
        "pending",
        "the job is still running, or its data is not available yet",
        Then::Retry,
    ),
    row(
        Exit::Interrupted,
        "interrupted",
        "stopped by Ctrl-C, SIGTERM or SIGHUP; an export has saved its progress",
        Then::Resume,
    ),
    killed(137, "killed by SIGKILL, for example when out of memory; reported by the shell"),
    killed(143, "killed by SIGTERM before it could handle the signal; reported by the shell"),
];

impl Exit {
    /// The exit code of a list that was read to its end.
    pub fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Complete => Self::Complete,
            Verdict::Truncated(_) => Self::Truncated,
            Verdict::Drifted(_) => Self::Drifted,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn of_error(error: &Error) -> Self {
        match error.kind() {
            // A retry might repeat the effect of the call.
            _ if error.is_outcome_unknown() => Self::Failed,
            ErrorKind::InvalidRequest | ErrorKind::JobMismatch | ErrorKind::CheckpointMismatch => {
                Self::Usage
            }
            ErrorKind::Config | ErrorKind::Authentication => Self::Auth,
            ErrorKind::JobUnfinished | ErrorKind::DataUnavailable => Self::Pending,
            ErrorKind::JobFailed
            | ErrorKind::JobCancelled
            | ErrorKind::JobExpired
            | ErrorKind::JobAwaitingInput
            | ErrorKind::JobNotPollable => Self::Job,
            ErrorKind::Server => Self::Unavailable,
            _ if error.is_transient() => Self::Unavailable,
            ErrorKind::WindowTooLarge => Self::Refused,
            _ if error.status().is_some_and(|status| (400..500).contains(&status)) => Self::Refused,
            _ => Self::Failed,
        }
    }

    fn row(self) -> &'static Row {
        // Each exit has a row: see the test.
        ROWS.iter().find(|row| row.code == self as u8).unwrap_or(&ROWS[1])
    }

    /// The name in events and reports.
    pub fn name(self) -> &'static str {
        self.row().name.unwrap_or_default()
    }

    /// What a script should do next.
    pub(crate) fn then(self) -> Then {
        self.row().then
    }
}

/// Maximum width of a line of `--help`.
const WIDTH: usize = 100;

/// The table for `--help`.
pub(crate) fn help() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for Row { code, meaning, then, .. } in &ROWS {
        let then = match then {
            Then::Nothing => String::new(),
            then => format!(" ({})", then.words()),
        };
        let mut line = format!("  {code:>3} ");
        for word in format!("{meaning}{then}").split(' ') {
            if line.len() + 1 + word.len() > WIDTH {
                text += &line;
                text.push('\n');
                line = " ".repeat("  130 ".len());
            }
            line.push(' ');
            line += word;
        }
        text += &line;
        text.push('\n');
    }
    text
}

/// The table for the guide.
#[cfg(test)]
fn markdown() -> String {
    use std::fmt::Write as _;

    let mut text = "| exit code | name | meaning | then |\n| --- | --- | --- | --- |\n".to_owned();
    for Row { code, name, meaning, then } in &ROWS {
        let name = name.map_or("-".to_owned(), |name| format!("`{name}`"));
        let meaning = meaning.replace("| head", "\\| head");
        let _ = writeln!(text, "| {code} | {name} | {meaning} | {} |", then.words());
    }
    text
}

/// Every exit.
#[cfg(test)]
pub(crate) const ALL: [Exit; 14] = [
    Exit::Complete,
    Exit::Failed,
    Exit::Usage,
    Exit::Truncated,
    Exit::Drifted,
    Exit::Unknown,
    Exit::Auth,
    Exit::Refused,
    Exit::Unavailable,
    Exit::OutputUnavailable,
    Exit::Job,
    Exit::OutputRefused,
    Exit::Pending,
    Exit::Interrupted,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exit_has_one_row() {
        let codes: Vec<u8> = ROWS.iter().map(|row| row.code).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
        let named: Vec<u8> =
            ROWS.iter().filter(|row| row.name.is_some()).map(|it| it.code).collect();
        assert_eq!(named, ALL.map(|exit| exit as u8));
        assert_eq!(Exit::OutputRefused.name(), "output-refused");
        assert_eq!((Exit::Pending.then(), Exit::Job.then()), (Then::Retry, Then::Alert));
    }

    #[test]
    fn the_guide_has_the_table() {
        let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guide/src/command.md");
        let guide = std::fs::read_to_string(guide).expect("the chapter").replace("\r\n", "\n");
        let table = markdown();
        assert!(
            guide.contains(&table),
            "replace the table of exit codes in guide/src/command.md:\n{table}"
        );
    }
}
