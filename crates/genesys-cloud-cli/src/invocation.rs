//! The command line as it was entered, for advice on what to run next.

use std::borrow::Cow;
use std::ffi::OsString;

/// The words of the command line.
#[derive(Clone, Debug)]
pub(crate) struct Invocation(Vec<String>);

impl Invocation {
    /// Creates an invocation from the words, with the program name first.
    pub(crate) fn new(words: &[OsString]) -> Self {
        Self(words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// Returns the same command as a shell line, with `--resume` and similar options replaced by `options`. Passwords
    /// are omitted; the line starts with the variables for them.
    pub(crate) fn with_options(&self, options: &[&str]) -> String {
        let mut words = replaced(&self.0, options);
        let mut variables: Vec<&str> = Vec::new();
        for word in &mut words {
            if let Some((plain, variable)) = without_password(word) {
                *word = plain;
                variables.extend((!variables.contains(&variable)).then_some(variable));
            }
        }
        if let Some(program) = words.first_mut() {
            // Not the path of the binary: a shell finds the program by name.
            *program = "genesys-cloud".to_owned();
        }
        let variables = variables.iter().map(|name| format!("{name}=.."));
        variables.chain(words.iter().map(|word| quoted(word))).collect::<Vec<_>>().join(" ")
    }
}

/// Replaces the options that select how an export starts.
fn replaced(words: &[String], options: &[&str]) -> Vec<String> {
    // This option covers both cases.
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

/// Removes the password from a URL. Returns the rest and the variable for the password, or `None` if the word has no
/// password.
fn without_password(word: &str) -> Option<(String, &'static str)> {
    let (before, url) = word.split_once("://")?;
    let variable = match before {
        it if it.ends_with("redis") || it.ends_with("rediss") => "REDISCLI_AUTH",
        _ => "PGPASSWORD",
    };
    // A password may contain any character, even one that should be encoded.
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

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    // Only NUL can't be quoted, and an argument never contains it.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_the_command_for_a_shell() {
        let words =
            ["/usr/bin/genesys-cloud", "export", "a", "-p", "name=it's a b", "", "--restart"];
        let line = Invocation::new(&words.map(OsString::from)).with_options(&["--resume"]);
        let expected = ["genesys-cloud", "export", "a", "-p", "name=it's a b", "", "--resume"];
        assert_eq!(shlex::split(&line).expect("words"), expected);
        let words = ["x", "export", "-o", "postgres://u:secret@host/db"].map(OsString::from);
        let line = Invocation::new(&words).with_options(&["--resume"]);
        assert_eq!(line, "PGPASSWORD=.. genesys-cloud export -o postgres://u@host/db --resume");
    }

    #[test]
    fn omits_passwords() {
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
    fn replaces_the_options_that_select_how_an_export_starts() {
        const RESUME: &[&str] = &["--resume"];
        const REREAD: &[&str] = &["--resume", "--on-stale", "restart"];
        const RESTART: &[&str] = &["--restart"];
        for (given, options, expected) in [
            ("export a", RESUME, "export a --resume"),
            ("export a --restart -o b", RESUME, "export a -o b --resume"),
            ("export a --resume --on-stale fail", RESUME, "export a --on-stale fail --resume"),
            ("export --on-stale fail --resume a", REREAD, "export a --resume --on-stale restart"),
            ("export a --on-stale=fail", REREAD, "export a --resume --on-stale restart"),
            ("export a --resume", RESTART, "export a --restart"),
            ("export a --resume-or-restart", RESUME, "export a --resume-or-restart"),
            ("export a --resume-or-restart", RESTART, "export a --resume-or-restart"),
        ] {
            let words: Vec<String> = given.split(' ').map(str::to_owned).collect();
            assert_eq!(replaced(&words, options).join(" "), expected);
        }
    }
}
