//! Job specs.

use std::borrow::Cow;
use std::time::Duration;

use genesys_cloud_catalogue::tags::{self, JobResults};
use genesys_cloud_catalogue::{Catalogue, Operation as Entry};

use super::list::{list_spec, location};
use super::{Error, method};
use crate::jobs::{
    Availability, Completion, FileForm, JobId, JobOperation, JobSpec, JobState, ResultLocation,
    Results,
};
use crate::operation::Operation;

/// Returns the spec of a job family.
///
/// # Errors
/// If the catalogue lacks the family, or one of its operations.
pub fn job_spec(catalogue: &Catalogue, name: &str) -> Result<JobSpec, Error> {
    let tag = catalogue
        .family(name)
        .ok_or_else(|| Error::new(format!("the catalogue has no family `{name}`")))?;
    let states = tag.states.iter().flat_map(|(meaning, names)| {
        names.iter().map(|name| (Cow::Owned(name.clone()), state(*meaning)))
    });
    let results = match &tag.results {
        JobResults::List(by, list) => Results::List(call(catalogue, by)?, list_spec(list)?),
        JobResults::Status(list) => Results::Status(list_spec(list)?),
        JobResults::Reply(locations) => {
            Results::Response(locations.iter().map(results_at).collect())
        }
        JobResults::Nothing => Results::Nothing,
    };
    let mut spec = JobSpec::new(tag.name.clone())
        .with_id(id(&tag.id))
        .with_done_when(done_when(&tag.done))
        .with_states(states.collect())
        .with_results(results);
    if let Some(status) = &tag.status {
        spec = spec.with_status(call(catalogue, status)?);
    }
    if let Some(cancel) = &tag.cancel {
        spec = spec.with_cancel(call(catalogue, cancel)?);
    }
    if let Some(redirects) = &tag.redirects {
        spec = spec.with_redirects(redirects.clone().into());
    }
    if let Some(known) = &tag.available {
        let entry = entry(catalogue, &known.operation)?;
        let operation = Operation::new(entry.id.clone(), method(entry)?, entry.path.clone());
        let (field, interval) = (known.field.clone().into(), location(&known.interval));
        spec = spec.with_availability(Availability::new(operation, field, interval));
    }
    if tag.at_once {
        spec = spec.with_results_at_once(true);
    }
    if let Some(hours) = tag.hours {
        spec = spec.with_lifetime(Duration::from_secs(3600 * hours));
    }
    if let Some(topic) = &tag.topic {
        spec = spec.with_topic(topic.clone().into());
    }
    if let Some(note) = &tag.note {
        spec = spec.with_note(note.clone().into());
    }
    Ok(spec)
}

fn entry<'a>(catalogue: &'a Catalogue, id: &str) -> Result<&'a Entry, Error> {
    let entry = catalogue.operation(id);
    entry.ok_or_else(|| Error::new(format!("the catalogue has no operation `{id}`")))
}

fn call(catalogue: &Catalogue, tag: &tags::JobOperation) -> Result<JobOperation, Error> {
    let entry = entry(catalogue, &tag.operation)?;
    let path = tag.path.clone().unwrap_or_else(|| entry.path.clone());
    let mut call = JobOperation::new(Operation::new(entry.id.clone(), method(entry)?, path));
    if let Some(id) = &tag.id {
        call = call.with_id(id.clone().into());
    }
    if let Some(list) = &tag.list {
        call = call.with_list(list.clone().into());
    }
    Ok(call)
}

fn id(tag: &tags::JobId) -> JobId {
    match tag {
        tags::JobId::Field(path) => JobId::Field(path.clone().into()),
        tags::JobId::Path(name) => JobId::Path(name.clone().into()),
        tags::JobId::Header(name) => JobId::Header(name.clone().into()),
        tags::JobId::Nowhere => JobId::Nowhere,
    }
}

fn done_when(tag: &tags::Completion) -> Completion {
    match tag {
        tags::Completion::State(path) => Completion::State(path.clone().into()),
        tags::Completion::Field(path) => Completion::Field(path.clone().into()),
        tags::Completion::Since(path) => Completion::Since(path.clone().into()),
        tags::Completion::Not202 => Completion::Not202,
    }
}

fn state(tag: tags::JobState) -> JobState {
    match tag {
        tags::JobState::Pending => JobState::Pending,
        tags::JobState::AwaitingInput => JobState::AwaitingInput,
        tags::JobState::Succeeded => JobState::Succeeded,
        tags::JobState::PartlySucceeded => JobState::PartlySucceeded,
        tags::JobState::Failed => JobState::Failed,
        tags::JobState::Cancelled => JobState::Cancelled,
        tags::JobState::Expired => JobState::Expired,
    }
}

fn results_at(tag: &tags::ResultLocation) -> ResultLocation {
    match tag {
        tags::ResultLocation::Items(path) => ResultLocation::Items(path.clone().into()),
        tags::ResultLocation::Json(urls, items) => {
            ResultLocation::Files(urls.clone().into(), FileForm::Json(items.clone().into()))
        }
        tags::ResultLocation::Bytes(urls) => {
            ResultLocation::Files(urls.clone().into(), FileForm::Bytes)
        }
    }
}
