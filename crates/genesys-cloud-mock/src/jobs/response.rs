//! Writes the state of a job into responses.

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use serde_json::{Map, Value, json};

use super::expected::JobEnd;
use super::rules::STATES;
use super::run::JobStatus;
use super::spec::field;
use super::states::States;

/// Why a job failed.
pub(crate) const FAILURE: &str = "The query failed due to an internal error.";
/// A state missing from the document.
pub(crate) const UNKNOWN_STATE: &str = "NewerThanTheDocument";

/// Where a service reports an error, most likely field first.
const FAILURES: [&str; 13] = [
    "errorMessage",
    "error",
    "errorInfo",
    "errorInformation",
    "errorBody",
    "errors",
    "failureReason",
    "statusDetails",
    "importStatusResult.error",
    "messages",
    "message",
    "errorDetails",
    "errorCode",
];

/// The message field of an error object.
const TEXTS: [&str; 4] = ["message", "errorMessage", "userMessage", "text"];

/// A response about a job, and its schema.
pub(crate) struct JobResponse {
    pub(crate) body: Value,
    pub(crate) schema: &'static Schema,
}

impl JobResponse {
    pub(crate) fn has(&self, path: &str) -> bool {
        self.field(path).is_some()
    }

    fn field(&self, path: &str) -> Option<&'static Schema> {
        field(Catalogue::embedded(), self.schema, path)
    }

    /// Sets the value at a path of field names.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut place = &mut self.body;
        for name in path.split('.').filter(|name| !name.is_empty()) {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[name];
        }
        *place = value.into();
    }

    /// Sets the value at a path if the document has the field.
    pub(crate) fn set_known(&mut self, path: &str, value: impl Into<Value>) {
        if self.has(path) {
            self.set(path, value);
        }
    }

    pub(crate) fn remove(&mut self, path: &str) {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let parents = parent.split('.').filter(|name| !name.is_empty());
        let parent = parents.into_iter().try_fold(&mut self.body, |at, name| at.get_mut(name));
        if let Some(Value::Object(fields)) = parent {
            fields.remove(name);
        }
    }

    /// Sets every field that has states of the job.
    pub(crate) fn set_status(
        &mut self,
        job_status: JobStatus,
        states: &States,
        path: Option<&str>,
    ) {
        let around = ["", "job.", "result."];
        let fields = around.iter().flat_map(|it| STATES.map(|name| format!("{it}{name}")));
        for name in fields.collect::<Vec<_>>() {
            let Some(schema) = self.field(&name) else { continue };
            if let Some(own) = States::of(schema, &[]) {
                let known = |state: &&str| schema.values.iter().any(|value| value == state);
                let state = state(job_status, states).filter(known);
                self.put_state(&name, state.or_else(|| self::state(job_status, &own)));
            }
        }
        // If the response is the state itself, the document doesn't list the states.
        if let Some(path) = path.filter(|path| path.is_empty()) {
            self.put_state(path, state(job_status, states));
        }
        self.set_known("complete", matches!(job_status, JobStatus::Ended(_)));
        self.fail(job_status == JobStatus::Ended(JobEnd::Failed));
    }

    fn put_state(&mut self, path: &str, state: Option<&str>) {
        match state {
            Some(state) => self.set(path, state),
            None => self.remove(path),
        }
    }

    /// Sets the error of a failed job, and removes all other error fields.
    fn fail(&mut self, failed: bool) {
        for path in FAILURES {
            if self.has(path) {
                self.remove(path);
            }
        }
        if let Some((path, error)) = failed.then(|| failure(self.schema)).flatten() {
            self.set(path, error);
        }
    }
}

/// The name of a job status among these states.
fn state(job_status: JobStatus, states: &States) -> Option<&'static str> {
    match job_status {
        JobStatus::Unknown => Some(UNKNOWN_STATE),
        JobStatus::Ended(end) => states.end(end),
        JobStatus::Pending(state) => {
            let own =
                |name: &&str| states.pending.contains(name) || states.awaiting_input == Some(*name);
            state.filter(own).or(states.pending.first().copied()).or(states.awaiting_input)
        }
    }
}

/// The field for the error of a failed job, and its value.
pub(crate) fn failure(schema: &'static Schema) -> Option<(&'static str, Value)> {
    let catalogue = Catalogue::embedded();
    FAILURES
        .into_iter()
        .find_map(|path| Some((path, error(catalogue, field(catalogue, schema, path)?)?)))
}

fn error(catalogue: &'static Catalogue, schema: &'static Schema) -> Option<Value> {
    match schema.kind {
        Some(Kind::String) => Some(FAILURE.into()),
        Some(Kind::Array) => {
            let item = catalogue.resolve(schema.items.as_deref()?);
            error(catalogue, item).map(|error| json!([error]))
        }
        _ => {
            let name = TEXTS.into_iter().find(|name| schema.property(name).is_some())?;
            Some(json!({ name: FAILURE }))
        }
    }
}
