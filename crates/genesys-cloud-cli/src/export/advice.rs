//! What to run after an incomplete export: one function decides, from what remains of the export and how it ended.

use crate::exit::Exit;
use crate::failure::Lost;
use crate::invocation::Invocation;

/// How another run can continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuation {
    /// Resume it.
    Resume,
    /// Resume after the written records, with a new list or job.
    Reread,
    /// Start over.
    Restart,
}

impl Continuation {
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Resume => &["--resume"],
            Self::Reread => &["--resume", "--on-stale", "restart"],
            Self::Restart => &["--restart"],
        }
    }
}

/// What remains of an export for another run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remainder {
    /// Whether a state is saved; never for an export to standard output.
    pub(super) is_saved: bool,
    /// Whether records are written.
    pub(super) has_records: bool,
    /// Whether the state contains jobs.
    pub(super) has_jobs: bool,
    /// Whether it has a time range.
    pub(super) is_range: bool,
}

/// How an incomplete export ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    Stopped,
    /// The list was read to its end, with this verdict.
    Incomplete {
        verdict: &'static str,
        is_in_doubt: bool,
    },
    Failed {
        exit: Exit,
        lost: Option<Lost>,
    },
}

/// A command to run, and its purpose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) text: &'static str,
    pub(super) command: String,
}

/// Returns how another run can continue. `None` if there is nothing to resume.
pub(super) fn next(left: Remainder, lost: Option<Lost>) -> Option<Continuation> {
    if !left.is_saved {
        return None;
    }
    Some(match lost {
        None => Continuation::Resume,
        // If the state contains no job, the next run submits one: for a page, or for a window.
        Some(Lost::Job) if !left.has_jobs => Continuation::Resume,
        // These are jobs of other windows, which may fail too.
        Some(Lost::Job) if left.is_range => Continuation::Reread,
        Some(Lost::Place) if left.has_records => Continuation::Reread,
        Some(Lost::Submit) => Continuation::Reread,
        Some(Lost::Job | Lost::Place | Lost::Status | Lost::Fit) => Continuation::Restart,
    })
}

/// Returns what to run, the most likely command first. `invocation`: the command that has ended.
pub(super) fn advice(left: Remainder, ended: Ended, invocation: &Invocation) -> Vec<Advice> {
    let lost = match ended {
        Ended::Failed { lost, .. } => lost,
        _ => None,
    };
    let Some(next) = next(left, lost) else { return Vec::new() };
    let of = |text, next: Continuation| Advice {
        text,
        command: invocation.with_options(next.options()),
    };
    match (ended, next) {
        // An invalid command stays invalid, unless the error is in the state.
        (Ended::Failed { exit: Exit::Usage, lost }, _) if lost != Some(Lost::Fit) => Vec::new(),
        (Ended::Failed { lost: Some(Lost::Submit), .. }, next) => {
            vec![of("once you know that no job was submitted, to submit one", next)]
        }
        (Ended::Failed { .. } | Ended::Stopped, Continuation::Resume) => {
            vec![of("to resume", next)]
        }
        (Ended::Failed { lost: Some(Lost::Place), .. }, Continuation::Reread) => vec![
            of("to read the list again and skip the written records", next),
            of("to start over", Continuation::Restart),
        ],
        (Ended::Failed { .. } | Ended::Stopped, Continuation::Reread) => {
            vec![of("to resume", next)]
        }
        (Ended::Failed { .. } | Ended::Stopped, Continuation::Restart) => {
            vec![of("can't be resumed; to start over", next)]
        }
        (Ended::Incomplete { verdict, is_in_doubt }, next) => {
            let again = is_in_doubt.then(|| of("to read the page in doubt again", next));
            let mut accept = of("to accept the result", next);
            accept.command += &format!(" --accept {verdict}");
            let restart = (verdict == "drifted")
                .then(|| of("to read the list again from the start", Continuation::Restart));
            again.into_iter().chain([accept]).chain(restart).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::ALL as ALL_EXITS;

    const LOST: [Option<Lost>; 6] = [
        None,
        Some(Lost::Job),
        Some(Lost::Place),
        Some(Lost::Status),
        Some(Lost::Submit),
        Some(Lost::Fit),
    ];

    fn invocation(words: &[&str]) -> Invocation {
        Invocation::new(&words.iter().map(Into::into).collect::<Vec<_>>())
    }

    fn lefts() -> impl Iterator<Item = Remainder> {
        (0..16).map(|bits| Remainder {
            is_saved: bits & 1 != 0,
            has_records: bits & 2 != 0,
            has_jobs: bits & 4 != 0,
            is_range: bits & 8 != 0,
        })
    }

    /// Returns whether a run with these options can make progress.
    fn works(left: Remainder, lost: Option<Lost>, options: &str) -> bool {
        let continues = options.contains("--resume");
        match lost {
            _ if !left.is_saved => false,
            // A state that does not match, or a job that can't be polled, blocks until it is discarded.
            Some(Lost::Fit | Lost::Status) => !continues,
            // The same job fails again, unless another is submitted.
            Some(Lost::Job) if left.has_jobs => {
                !continues || options.contains("--on-stale restart")
            }
            Some(Lost::Place | Lost::Submit) => {
                !continues || options.contains("--on-stale restart")
            }
            _ => true,
        }
    }

    #[test]
    fn never_advises_a_command_that_can_not_work() {
        let program = invocation(&["genesys-cloud", "export", "a", "-o", "b"]);
        let mut count = 0;
        for left in lefts() {
            let failed = ALL_EXITS
                .iter()
                .flat_map(|exit| LOST.map(|lost| Ended::Failed { exit: *exit, lost }).into_iter());
            let incomplete = ["truncated", "drifted", "unknown"].into_iter().flat_map(|verdict| {
                [true, false].map(|is_in_doubt| Ended::Incomplete { verdict, is_in_doubt })
            });
            for ended in failed.chain(incomplete).chain([Ended::Stopped]) {
                let lost = if let Ended::Failed { lost, .. } = ended { lost } else { None };
                let found = advice(left, ended, &program);
                for it in &found {
                    let options = it.command.strip_prefix("genesys-cloud export a -o b ");
                    let options = options.expect("the options come last");
                    assert!(works(left, lost, options), "{left:?} {ended:?}: {it:?}");
                    count += 1;
                }
                assert!(left.is_saved || found.is_empty(), "{left:?} {ended:?}: {found:?}");
                // Everything else has advice.
                let is_wrong = matches!(ended, Ended::Failed { exit: Exit::Usage, .. });
                assert!(!left.is_saved || is_wrong || !found.is_empty(), "{left:?} {ended:?}");
            }
        }
        assert!(count > 500, "{count}");
    }

    #[test]
    fn advises_by_how_the_export_ended() {
        let program = invocation(&["genesys-cloud", "export", "a"]);
        let left =
            Remainder { is_saved: true, has_records: true, has_jobs: false, is_range: false };
        for (ended, expected) in [
            (Ended::Stopped, &["to resume: --resume"][..]),
            (
                Ended::Incomplete { verdict: "drifted", is_in_doubt: false },
                &[
                    "to accept the result: --resume --accept drifted",
                    "to read the list again from the start: --restart",
                ],
            ),
            (
                Ended::Incomplete { verdict: "unknown", is_in_doubt: true },
                &[
                    "to read the page in doubt again: --resume",
                    "to accept the result: --resume --accept unknown",
                ],
            ),
            (Ended::Failed { exit: Exit::Usage, lost: None }, &[]),
            (
                Ended::Failed { exit: Exit::Usage, lost: Some(Lost::Fit) },
                &["can't be resumed; to start over: --restart"],
            ),
        ] {
            let found = advice(left, ended, &program).into_iter().map(|it| {
                format!("{}: {}", it.text, it.command.replace("genesys-cloud export a ", ""))
            });
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }
}
