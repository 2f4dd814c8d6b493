//! What is saved of an export that is not whole yet.

use std::time::Duration;

use chrono::{DateTime, Utc};
use genesys_cloud_core::{Checkpoint, OrgIdentity, SavedJob, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{reason, word};
use super::seal::{seal, unseal};
use super::{Job, rejects};
use crate::failure::Failure;
use crate::screen::grouped;
use crate::sum::random_id;
use crate::times::{age, span};

/// What is written, and all that is read.
const VERSION: u64 = 2;

/// What can be done about a state that is refused.
pub(super) const RESTART: &str = "--restart discards the earlier run and starts over";

/// How many resumptions are remembered, the latest.
const MOST_RESUMPTIONS: usize = 100;

/// How far an export is: in the list, and in its output. Both belong to the same record.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) run: Run,
    /// What decides how a record is written.
    shape: Shape,
    /// What there is to say of the list if nothing more is read.
    pub(super) verdict: Told,
    pub(super) checkpoint: Checkpoint,
    pub(super) sink: Value,
    /// Where the file of rejected records was by then, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rejects: Option<rejects::Committed>,
}

/// A verdict in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    pub(super) word: String,
    pub(super) reason: Option<String>,
}

impl Told {
    pub(super) fn of(verdict: &Verdict) -> Self {
        Self { word: word(verdict).to_owned(), reason: reason(verdict) }
    }
}

/// Which export it is, and when it was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Run {
    /// Random, and the same when it is resumed.
    pub(super) id: String,
    /// Whose records they are: all orgs of a region have the same host.
    org: OrgIdentity,
    began: DateTime<Utc>,
    resumed: Vec<DateTime<Utc>>,
}

impl Run {
    /// An export of this org that begins now.
    pub(super) fn new(org: OrgIdentity) -> Self {
        Self { id: random_id(), org, began: Utc::now(), resumed: Vec::new() }
    }

    /// Refuses to add records of another org.
    pub(super) fn check_org(&self, org: &OrgIdentity) -> Result<(), Failure> {
        match self.org.difference(org) {
            None => Ok(()),
            Some(why) => Err(Failure::usage(format!(
                "the export that was stopped is of another org, or may be: {why}"
            ))
            .advise("--resume takes the same API URL and OAuth client")
            .advise(RESTART)),
        }
    }

    /// Whose records they are.
    pub(super) fn org(&self) -> &OrgIdentity {
        &self.org
    }

    /// Whether it is known to be of this org.
    pub(super) fn is_of(&self, org: &OrgIdentity) -> bool {
        self.org.difference(org).is_none()
    }

    /// The same, resumed now.
    pub(super) fn resumed_now(mut self) -> Self {
        if self.resumed.len() >= MOST_RESUMPTIONS {
            self.resumed.remove(0);
        }
        self.resumed.push(Utc::now());
        self
    }

    pub(super) fn began(&self) -> String {
        instant(self.began)
    }

    /// When it was resumed, the first time first.
    pub(super) fn resumptions(&self) -> Vec<String> {
        self.resumed.iter().copied().map(instant).collect()
    }

    /// Refuses to add what is read now to what was read longer ago than this.
    pub(super) fn check_age(&self, most: Option<Duration>) -> Result<(), Failure> {
        let Some(most) = most else { return Ok(()) };
        let is = (Utc::now() - self.began).to_std().unwrap_or_default();
        if is <= most {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the export that was stopped began {} ago, at {}, and --max-age allows {}",
            age(is),
            self.began(),
            span(most)
        ))
        .advise("--restart instead of --resume discards the earlier run and starts over"))
    }
}

fn instant(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[derive(PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    format: String,
    fields: Vec<String>,
    results: Vec<(String, String)>,
}

impl Shape {
    fn of(job: &Job<'_>) -> Self {
        Self {
            format: job.format.to_string(),
            fields: job.export.fields.clone(),
            results: job.export.results_params.clone(),
        }
    }
}

impl State {
    pub(super) fn new(
        job: &Job<'_>,
        run: &Run,
        checkpoint: Checkpoint,
        (sink, rejects): (Value, Option<rejects::Committed>),
        verdict: &Verdict,
    ) -> Self {
        let (shape, verdict) = (Shape::of(job), Told::of(verdict));
        Self { run: run.clone(), shape, verdict, checkpoint, sink, rejects }
    }

    /// Reads the state at `place`, if this export can resume it. `is_done`: the output is finished, so that nothing
    /// more will be read.
    pub(super) fn read(
        text: &str,
        place: &str,
        job: &Job<'_>,
        is_done: bool,
    ) -> Result<Self, Failure> {
        let odd = |why: String| Failure::usage(format!("{place}: {why}")).advise(RESTART);
        let state: Self = unseal(VERSION, text).map_err(odd)?;
        if state.checkpoint.operation() != job.entry.id {
            let operation = state.checkpoint.operation();
            return Err(odd(format!(
                "the export that was stopped is of {operation}, not of {}",
                job.entry.id
            )));
        }
        if state.shape != Shape::of(job) {
            return Err(odd(
                "the export that was stopped has another format or other fields, or --results-param"
                    .to_owned()
            ));
        }
        if is_done {
            return Ok(state);
        }
        if let Some(limit) = job.export.limit.filter(|limit| state.checkpoint.items() > *limit) {
            let saved = grouped(state.checkpoint.items());
            return Err(Failure::usage(format!(
                "{place}: {saved} records are written already, more than --limit {limit}"
            ))
            .advise("leave --limit out, or allow as many")
            .advise(RESTART));
        }
        // A list that was read to its end has no second half.
        if !state.checkpoint.is_complete() {
            state.run.check_age(job.export.max_age)?;
        }
        Ok(state)
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        seal(VERSION, self)
    }

    /// The jobs that the export has submitted, and not read to their end.
    fn jobs(&self) -> Vec<SavedJob> {
        self.checkpoint.jobs().into_iter().cloned().collect()
    }
}

/// An export that is discarded.
pub(super) struct Discarded {
    pub(super) run: Run,
    pub(super) jobs: Vec<SavedJob>,
    /// The last commit of its sink.
    pub(super) sink: Value,
}

/// The export that has left this state, to be discarded. `None` if the state can't be relied on.
pub(super) fn discarded(text: &str) -> Option<Discarded> {
    let state: State = unseal(VERSION, text).ok()?;
    let jobs = state.jobs();
    Some(Discarded { run: state.run, jobs, sink: state.sink })
}

/// What another run can do with what this one has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on with it.
    Resume,
    /// Go on behind what is written, with a list or a job of its own.
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

/// The command that goes on with this one. Passwords are left out; it begins with the variables that take them.
pub(super) fn command(next: Next) -> String {
    let mut words: Vec<String> = with_options(std::env::args(), next.options());
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
fn with_options(words: impl Iterator<Item = String>, options: &[&str]) -> Vec<String> {
    let sets_stale = options.contains(&"--on-stale");
    let (mut kept, mut is_value) = (Vec::new(), false);
    for word in words {
        if std::mem::take(&mut is_value) || sets_stale && word.starts_with("--on-stale=") {
            continue;
        }
        match &word[..] {
            "--resume" | "--restart" => {}
            "--on-stale" if sets_stale => is_value = true,
            _ => kept.push(word),
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
        ] {
            let words = given.split(' ').map(str::to_owned);
            assert_eq!(with_options(words, next.options()).join(" "), expected);
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
