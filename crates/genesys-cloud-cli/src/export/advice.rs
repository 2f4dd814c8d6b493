//! What to do after an export that did not come to its end: one function says it, from what is left of the export and
//! how it ended.

use crate::exit::Exit;
use crate::failure::Lost;

/// What another run can do with what this one has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Resume it.
    Resume,
    /// Continue behind what is written, with a list or a job of its own.
    ReadAnew,
    /// Start over.
    Restart,
}

impl Next {
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Resume => &["--resume"],
            Self::ReadAnew => &["--resume", "--on-stale", "restart"],
            Self::Restart => &["--restart"],
        }
    }
}

/// What is left of an export.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// Whether a state is saved. None ever is of an export to standard output.
    pub(super) is_saved: bool,
    /// Whether records are written.
    pub(super) has_records: bool,
    /// Whether the state has jobs.
    pub(super) has_jobs: bool,
    /// Whether it is of a range of time.
    pub(super) is_range: bool,
}

/// How an export ended that is not complete.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    Stopped,
    /// The list was read to its end, and has this verdict.
    Incomplete {
        verdict: &'static str,
        is_in_doubt: bool,
    },
    Failed {
        exit: Exit,
        lost: Option<Lost>,
    },
}

/// Something to do: what it is for, and the command for it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) text: &'static str,
    pub(super) command: String,
}

/// What another run can do. `None` if nothing is left that one could resume.
pub(super) fn next(left: Left, lost: Option<Lost>) -> Option<Next> {
    if !left.is_saved {
        return None;
    }
    Some(match lost {
        None => Next::Resume,
        // Where the state has no job, the next run submits one: for a page, or a piece of a range.
        Some(Lost::Job) if !left.has_jobs => Next::Resume,
        // They are those of other pieces, which may come to nothing too.
        Some(Lost::Job) if left.is_range => Next::ReadAnew,
        Some(Lost::Place) if left.has_records => Next::ReadAnew,
        Some(Lost::Submit) => Next::ReadAnew,
        Some(Lost::Job | Lost::Place | Lost::Status | Lost::Fit) => Next::Restart,
    })
}

/// What to do, the most likely first. `program`: the words of the command that has ended.
pub(super) fn advice(left: Left, ended: Ended, program: &[String]) -> Vec<Advice> {
    let lost = match ended {
        Ended::Failed { lost, .. } => lost,
        _ => None,
    };
    let Some(next) = next(left, lost) else { return Vec::new() };
    let of = |text, next| Advice { text, command: command(program, next) };
    match (ended, next) {
        // A command that is wrong is so the next time, unless what is wrong is the state.
        (Ended::Failed { exit: Exit::Usage, lost }, _) if lost != Some(Lost::Fit) => Vec::new(),
        (Ended::Failed { lost: Some(Lost::Submit), .. }, next) => {
            vec![of("to submit another job, once you know that there is none", next)]
        }
        (Ended::Failed { .. } | Ended::Stopped, Next::Resume) => vec![of("to resume", next)],
        (Ended::Failed { lost: Some(Lost::Place), .. }, Next::ReadAnew) => vec![
            of("to read the list again and leave out what is written", next),
            of("to start over", Next::Restart),
        ],
        (Ended::Failed { .. } | Ended::Stopped, Next::ReadAnew) => vec![of("to resume", next)],
        (Ended::Failed { .. } | Ended::Stopped, Next::Restart) => {
            vec![of("it can't be resumed; to start over", next)]
        }
        (Ended::Incomplete { verdict, is_in_doubt }, next) => {
            let again = is_in_doubt.then(|| of("to read the page in doubt again", next));
            let mut accept = of("to accept it as it is", next);
            accept.command += &format!(" --accept {verdict}");
            let anew = (verdict == "drifted")
                .then(|| of("to read it again from the beginning", Next::Restart));
            again.into_iter().chain([accept]).chain(anew).collect()
        }
    }
}

/// The words of this program's command.
pub(super) fn program() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The command that goes on with this one. Passwords are left out; it begins with the variables that take them.
pub(super) fn command(program: &[String], next: Next) -> String {
    let mut words: Vec<String> = with_options(program, next.options());
    let mut variables: Vec<&str> = Vec::new();
    for word in &mut words {
        if let Some((plain, variable)) = without_password(word) {
            *word = plain;
            variables.extend((!variables.contains(&variable)).then_some(variable));
        }
    }
    if let Some(program) = words.first_mut() {
        // As it is found by its name.
        *program = "genesys-cloud".to_owned();
    }
    let variables = variables.iter().map(|name| format!("{name}=.."));
    variables.chain(words.iter().map(|word| quoted(word))).collect::<Vec<_>>().join(" ")
}

/// The words of a command with these options in the place of those that say how an export begins.
fn with_options(words: &[String], options: &[&str]) -> Vec<String> {
    // It does by itself what is to be done.
    if words.iter().any(|word| word == "--resume-or-restart") {
        return words.to_vec();
    }
    let sets_stale = options.contains(&"--on-stale");
    let (mut kept, mut is_value) = (Vec::new(), false);
    for word in words {
        if std::mem::take(&mut is_value) || sets_stale && word.starts_with("--on-stale=") {
            continue;
        }
        match &word[..] {
            "--resume" | "--restart" => {}
            "--on-stale" if sets_stale => is_value = true,
            _ => kept.push(word.clone()),
        }
    }
    kept.extend(options.iter().map(|&option| option.to_owned()));
    kept
}

/// A word with a URL that has a password, without it, and the variable that has its place. `None` if there is
/// none to leave out.
fn without_password(word: &str) -> Option<(String, &'static str)> {
    let (before, url) = word.split_once("://")?;
    let variable = match before {
        it if it.ends_with("redis") || it.ends_with("rediss") => "REDISCLI_AUTH",
        _ => "PGPASSWORD",
    };
    // A password may have any sign in it, whether it should or not.
    let (address, query) = match url.split_once('?') {
        Some((address, query)) if address.contains('@') || !query.contains('@') => {
            (address, Some(query))
        }
        _ => (url, None),
    };
    let plain = match address.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some(("", _)) => host.to_owned(),
            Some((user, _)) => format!("{user}@{host}"),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    };
    let query = query.map(|query| {
        let kept = query.split('&').filter(|part| !part.starts_with("password="));
        kept.collect::<Vec<_>>().join("&")
    });
    let plain = match query.as_deref() {
        None | Some("") => format!("{before}://{plain}"),
        Some(query) => format!("{before}://{plain}?{query}"),
    };
    (plain != word).then_some((plain, variable))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:=,@%+".contains(it);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
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

    fn lefts() -> impl Iterator<Item = Left> {
        (0..16).map(|bits| Left {
            is_saved: bits & 1 != 0,
            has_records: bits & 2 != 0,
            has_jobs: bits & 4 != 0,
            is_range: bits & 8 != 0,
        })
    }

    /// Whether a run with these options can do anything with what is left.
    fn works(left: Left, lost: Option<Lost>, options: &str) -> bool {
        let continues = options.contains("--resume");
        match lost {
            _ if !left.is_saved => false,
            // A state that does not fit, or a job that can't be asked for, is in the way until it is discarded.
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
    fn nothing_is_advised_that_can_not_work() {
        let program = ["genesys-cloud", "export", "a", "-o", "b"].map(str::to_owned);
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
                // Something can be done about everything else.
                let is_wrong = matches!(ended, Ended::Failed { exit: Exit::Usage, .. });
                assert!(!left.is_saved || is_wrong || !found.is_empty(), "{left:?} {ended:?}");
            }
        }
        assert!(count > 500, "{count}");
    }

    #[test]
    fn what_is_advised() {
        let program = ["genesys-cloud", "export", "a"].map(str::to_owned);
        let left = Left { is_saved: true, has_records: true, has_jobs: false, is_range: false };
        for (ended, expected) in [
            (Ended::Stopped, &["to resume: --resume"][..]),
            (
                Ended::Incomplete { verdict: "drifted", is_in_doubt: false },
                &[
                    "to accept it as it is: --resume --accept drifted",
                    "to read it again from the beginning: --restart",
                ],
            ),
            (
                Ended::Incomplete { verdict: "unknown", is_in_doubt: true },
                &[
                    "to read the page in doubt again: --resume",
                    "to accept it as it is: --resume --accept unknown",
                ],
            ),
            (Ended::Failed { exit: Exit::Usage, lost: None }, &[]),
            (
                Ended::Failed { exit: Exit::Usage, lost: Some(Lost::Fit) },
                &["it can't be resumed; to start over: --restart"],
            ),
        ] {
            let found = advice(left, ended, &program).into_iter().map(|it| {
                format!("{}: {}", it.text, it.command.replace("genesys-cloud export a ", ""))
            });
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn passwords_are_left_out() {
        for (word, plain) in [
            ("postgres://u:secret@host:5432/db?a=b", "postgres://u@host:5432/db?a=b"),
            ("--out=postgres://u:secret@host/db", "--out=postgres://u@host/db"),
            ("postgres://u:se@cr/et@host/db", "postgres://u@host/db"),
            ("postgres://u:se?cret@host/db", "postgres://u@host/db"),
            ("postgres://u@host/db?password=secret&a=b", "postgres://u@host/db?a=b"),
            ("redis://:secret@host/0", "redis://host/0"),
            ("rediss://u:secret@host/0", "rediss://u@host/0"),
        ] {
            let found = without_password(word).expect(word);
            let variable = if word.starts_with("redis") { "REDISCLI_AUTH" } else { "PGPASSWORD" };
            assert_eq!(found, (plain.to_owned(), variable));
        }
        for word in
            ["postgres://u@host:5432/db", "redis://host/0", "s3://bucket/key", "a@b:c", "q.jsonl"]
        {
            assert_eq!(without_password(word), None);
        }
    }

    #[test]
    fn options_take_the_place_of_those_that_were_given() {
        for (given, next, expected) in [
            ("export a", Next::Resume, "export a --resume"),
            ("export a --restart -o b", Next::Resume, "export a -o b --resume"),
            (
                "export a --resume --on-stale fail",
                Next::Resume,
                "export a --on-stale fail --resume",
            ),
            (
                "export --on-stale fail --resume a",
                Next::ReadAnew,
                "export a --resume --on-stale restart",
            ),
            ("export a --on-stale=fail", Next::ReadAnew, "export a --resume --on-stale restart"),
            ("export a --resume", Next::Restart, "export a --restart"),
            ("export a --resume-or-restart", Next::Resume, "export a --resume-or-restart"),
            ("export a --resume-or-restart", Next::Restart, "export a --resume-or-restart"),
        ] {
            let words: Vec<String> = given.split(' ').map(str::to_owned).collect();
            assert_eq!(with_options(&words, next.options()).join(" "), expected);
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, text) in [
            ("--param", "--param"),
            ("name=a b", "'name=a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("GET /api/v2/users", "'GET /api/v2/users'"),
            ("2024-05-01/2024-06-01", "2024-05-01/2024-06-01"),
        ] {
            assert_eq!(quoted(word), text);
        }
    }
}
