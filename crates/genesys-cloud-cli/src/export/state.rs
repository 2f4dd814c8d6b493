//! What is saved of an export that is not whole yet.

use genesys_cloud_core::Checkpoint;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Job;
use crate::failure::Failure;

/// What is written, and all that is read.
const VERSION: u64 = 1;

/// How far an export is: in the list, and in its output. Both belong to the same record.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    version: u64,
    /// What decides how a record is written.
    shape: Shape,
    pub(super) checkpoint: Checkpoint,
    pub(super) sink: Value,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Shape {
    format: String,
    fields: Vec<String>,
    #[serde(default)]
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
    pub(super) fn new(job: &Job<'_>, checkpoint: Checkpoint, sink: Value) -> Self {
        Self { version: VERSION, shape: Shape::of(job), checkpoint, sink }
    }

    /// Reads what an export has left at `place`, if it is one that can be gone on with by this one.
    pub(super) fn read(text: &str, place: &str, job: &Job<'_>) -> Result<Self, Failure> {
        let restart = "--restart throws away what it has left, and starts over";
        let odd = |why: String| Failure::usage(format!("{place}: {why}")).advise(restart);
        let value: Value = serde_json::from_str(text)
            .map_err(|error| odd(format!("it is not what an export saves: {error}")))?;
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            version => {
                let version = version.map_or("none".to_owned(), |it| it.to_string());
                return Err(odd(format!("it was saved by another release (version {version})")));
            }
        }
        let state: Self = serde_json::from_value(value).map_err(|error| odd(error.to_string()))?;
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
        Ok(state)
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        serde_json::to_string(self)
            .map_err(|error| Failure::output(format!("the state can't be written: {error}")))
    }
}

/// What the sink had committed, whatever else there is to say about the state.
pub(super) fn committed(text: &str) -> Option<Value> {
    let mut state: Value = serde_json::from_str(text).ok()?;
    state.get_mut("sink").map(Value::take)
}

/// The command that goes on with this one.
pub(super) fn command() -> String {
    let mut words: Vec<String> = std::env::args().filter(|word| word != "--restart").collect();
    if let Some(program) = words.first_mut() {
        // As it is found by its name.
        *program = "genesys-cloud".to_owned();
    }
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
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
