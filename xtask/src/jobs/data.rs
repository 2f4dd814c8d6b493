//! A family as data, for tools that run jobs by name.

use anyhow::Result;
use genesys_cloud_catalogue::tags::{JobFamily, JobOperation, JobResults, ListTag, PageResponse};

use super::emit::results_tag;
use super::{Family, JobState, Results, id_parameter, path_on_job};
use crate::document::Operation;
use crate::tags::Decision;

/// Returns a family as a line of `families.jsonl`. `find` returns an operation and its tag by operationId.
pub fn line<'a>(
    family: &Family,
    find: impl Fn(&str) -> Result<(&'a Operation, &'a Decision)>,
) -> Result<String> {
    let submits: Vec<&Operation> =
        family.submits.iter().map(|id| find(id).map(|(it, _)| it)).collect::<Result<_>>()?;
    let call = |id: &str, list: Option<&String>| -> Result<JobOperation> {
        let (operation, _) = find(id)?;
        let path = Some(path_on_job(&submits, operation)).filter(|path| *path != operation.path);
        Ok(JobOperation {
            operation: operation.id.clone(),
            path,
            id: id_parameter(&submits, operation)?,
            list: list.cloned(),
        })
    };
    let results = match &family.results {
        Results::List(id) => {
            let (_, tag) = find(id)?;
            let by = submits.first().map(|it| find(&it.id)).transpose()?;
            JobResults::List(call(id, None)?, list(tag, by.map(|(_, tag)| tag)))
        }
        Results::Status => {
            let id = family.status.as_ref().or(family.submits.first());
            let id = id.map(String::as_str).unwrap_or_default();
            JobResults::Status(list(find(id)?.1, None))
        }
        Results::Reply(locations) => JobResults::Reply(locations.clone()),
        Results::Nothing => JobResults::Nothing,
    };
    let named = |state: JobState| {
        let names = family.states.iter().filter(move |(_, it)| *it == state);
        (state, names.map(|(name, _)| name.clone()).collect::<Vec<_>>())
    };
    let states = JobState::ALL.into_iter().filter(|state| *state != JobState::Pending).map(named);
    let data = JobFamily {
        name: family.name.clone(),
        id: family.id.clone(),
        status: family.status.as_ref().map(|id| call(id, family.list.as_ref())).transpose()?,
        done: family.done.clone(),
        states: states.filter(|(_, names)| !names.is_empty()).collect(),
        results,
        cancel: family.cancel.as_ref().map(|id| call(id, None)).transpose()?,
        redirects: family.redirects.clone(),
        available: family.available.clone(),
        at_once: family.at_once,
        hours: family.hours,
        topic: family.topic.clone(),
        note: family.note.clone(),
    };
    Ok(serde_json::to_string(&data)?)
}

/// The list spec of the results, as in `emit`.
fn list(tag: &Decision, submit: Option<&Decision>) -> ListTag {
    let (by, scheme, items) = results_tag(tag, submit);
    let (scheme, items) = (Some(scheme), Some(items.to_owned()));
    match by {
        Some(by) => ListTag { scheme, items, reply: tag.list.reply.clone(), ..by.clone() },
        // The result is the only item of a list.
        None => {
            let reply = PageResponse { values: true, ..PageResponse::default() };
            ListTag { scheme, items, reply, ..ListTag::default() }
        }
    }
}
