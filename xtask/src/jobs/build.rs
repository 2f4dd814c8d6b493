//! Builds a family from its entry, and infers what the entry does not state.

use anyhow::{Context as _, Result, bail};

use super::table::Entry;
use super::{
    Availability, Completion, Family, Found, JobId, JobState, ResultLocation, Results, Sources,
    fields, id_parameter, words,
};
use crate::document::{Document, Operation, Schema};
use crate::tags::{ParamLocation, TagKind};

pub(super) fn family(sources: &Sources<'_>, name: &str, entry: &Entry) -> Result<Family> {
    let document = sources.document;
    let operations = |ids: &[String]| -> Result<Vec<&Operation>> {
        ids.iter().map(|id| sources.operation(id)).collect()
    };
    let submits = operations(&entry.submits)?;
    operations(&entry.phases)?;
    let status = entry.status.as_ref().map(|id| sources.operation(id)).transpose()?;
    let place = submits.first().copied().or(status).map(Operation::place).unwrap_or_default();
    let source = status.or(submits.first().copied());
    let reply = source
        .and_then(Operation::reply_schema)
        .and_then(|reply| fields::entry(document, reply, entry.list.as_deref()));

    let done = match (&entry.done, reply) {
        (Some(done), _) => done.clone(),
        (None, Some(reply)) => match fields::state(document, reply, |name| meaning(entry, name)) {
            Some(path) => Completion::State(path.to_owned()),
            None => bail!("{place}: can't infer where the status has the state of the job"),
        },
        (None, None) => bail!("{place}: the document does not describe the status of the job"),
    };
    let states = match (&done, reply) {
        (Completion::State(path), Some(reply)) => states(document, reply, path, entry)
            .with_context(|| format!("{place}: the states of the job"))?,
        _ => Vec::new(),
    };
    let needs_id = match status {
        Some(status) => id_parameter(&submits, status)?.is_some() || entry.list.is_some(),
        None => false,
    };
    let id = match &entry.id {
        Some(id) => id.clone(),
        None => {
            let found: Option<Vec<&str>> = submits
                .iter()
                .map(|it| it.reply_schema().and_then(|reply| fields::id(document, reply)))
                .collect();
            match found.as_deref() {
                Some([first, rest @ ..]) if rest.iter().all(|other| other == first) => {
                    JobId::Field((*first).to_owned())
                }
                _ if !needs_id || submits.is_empty() => JobId::Nowhere,
                _ => bail!("{place}: can't infer where the response has the id of the job"),
            }
        }
    };
    let id = if needs_id || status.is_none() || entry.id.is_some() { id } else { JobId::Nowhere };
    let paged = source.and_then(|it| sources.tag(&it.id)).filter(|tag| tag.kind == TagKind::Paged);
    let results = match (&entry.results, reply) {
        (Some(results), _) => results.clone(),
        (None, _) if paged.is_some() && entry.list.is_none() => Results::Status,
        (None, Some(_)) if done == Completion::Not202 => {
            let listed = source.and_then(|it| sources.tag(&it.id)).filter(|tag| tag.lists());
            let items = listed.and_then(|tag| tag.list.items.clone()).unwrap_or("[]".to_owned());
            Results::Reply(vec![ResultLocation::Items(items)])
        }
        (None, Some(reply)) => Results::Reply(
            fields::results(document, reply).with_context(|| format!("{place}: the results"))?,
        ),
        (None, None) => Results::Nothing,
    };
    let at_once = entry
        .at_once
        .unwrap_or_else(|| may_have_results_at_once(document, &submits, status, &done, &results));
    let redirects = match &results {
        Results::List(id) => fields::redirect(document, sources.operation(id)?),
        Results::Status | Results::Reply(_) | Results::Nothing => None,
    };
    let found = match &entry.reason {
        None => Found::ByRule,
        Some(_) if entry.changes => Found::Changed,
        Some(_) => Found::ByTable,
    };
    let family = Family {
        name: name.to_owned(),
        found,
        reason: entry.reason.clone(),
        submits: entry.submits.clone(),
        id,
        status: entry.status.clone(),
        list: entry.list.clone(),
        done,
        states,
        results,
        cancel: entry.cancel.clone(),
        phases: entry.phases.clone(),
        redirects: entry.redirects.clone().or(redirects),
        available: available(sources, &entry.submits),
        at_once,
        hours: entry.hours,
        topic: entry.topic.clone(),
        note: entry.note.clone(),
    };
    check(sources, &family, &submits, reply).with_context(|| place)?;
    Ok(family)
}

/// The operation that reports how far the data of a family is available, if all submits share it.
fn available(sources: &Sources<'_>, submits: &[String]) -> Option<Availability> {
    let mut found = submits.iter().map(|submit| {
        let tag = sources.tag(submit)?;
        let operation = tag.availability.clone()?;
        let field = sources.tag(&operation)?.available.clone()?;
        let interval = tag.interval.as_ref()?;
        let interval = ParamLocation { name: interval.name.clone(), place: interval.place };
        Some(Availability { operation, field, interval })
    });
    let first = found.next()??;
    found.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// The meaning of a state: as stated, or else by its name.
fn meaning(entry: &Entry, name: &str) -> JobState {
    let mut states = entry.states.iter();
    let stated = states.find(|(_, names)| names.iter().any(|it| it == name));
    stated.map_or_else(|| words::meaning(name), |(state, _)| *state)
}

/// The meaning of each state.
fn states(
    document: &Document,
    reply: &Schema,
    path: &str,
    entry: &Entry,
) -> Result<Vec<(String, JobState)>> {
    let states: Vec<(String, JobState)> = match fields::states(document, reply, path) {
        Some(names) => {
            let unknown = entry.states.values().flatten().find(|name| !names.contains(name));
            if let Some(unknown) = unknown {
                bail!("unknown state `{unknown}`; expected one of {}", names.join(", "));
            }
            names.iter().map(|name| (name.clone(), meaning(entry, name))).collect()
        }
        None if entry.states.is_empty() => words::all().collect(),
        None => {
            let states = entry.states.iter();
            states.flat_map(|(state, names)| names.iter().map(|it| (it.clone(), *state))).collect()
        }
    };
    if !states.iter().any(|(_, state)| *state == JobState::Succeeded) {
        let names: Vec<&str> = states.iter().map(|(name, _)| name.as_str()).collect();
        bail!("none of the states {} means success", names.join(", "));
    }
    Ok(states)
}

/// Whether the response to the submit has the type of the status, or a field for the results.
fn may_have_results_at_once(
    document: &Document,
    submits: &[&Operation],
    status: Option<&Operation>,
    done: &Completion,
    results: &Results,
) -> bool {
    let replies: Vec<&Schema> = submits.iter().filter_map(|it| it.reply_schema()).collect();
    let has_status = |reply: &&Schema| match (status.and_then(Operation::reply_schema), done) {
        (Some(status), _) => reply.kind == status.kind,
        (None, Completion::State(path)) => fields::at(document, reply, path).is_some(),
        (None, _) => false,
    };
    let has_results = |reply: &&Schema| match results {
        Results::Reply(places) => places.iter().any(|place| match place {
            ResultLocation::Items(path) => {
                path != "[]" && fields::at(document, reply, path).is_some()
            }
            ResultLocation::Json(..) | ResultLocation::Bytes(_) => false,
        }),
        _ => false,
    };
    // A field that is present once a job is done may be present and empty before it starts.
    let has_state = matches!(done, Completion::State(_));
    has_state
        && !replies.is_empty()
        && (replies.iter().any(has_results) || replies.iter().all(has_status))
}

/// Fails if a family names fields or parameters that its operations lack.
fn check(
    sources: &Sources<'_>,
    family: &Family,
    submits: &[&Operation],
    reply: Option<&Schema>,
) -> Result<()> {
    let document = sources.document;
    let replies: Vec<&Schema> = submits.iter().filter_map(|it| it.reply_schema()).collect();
    let in_status =
        |path: &str| reply.is_some_and(|reply| fields::at(document, reply, path).is_some());
    let has = |path: &str| {
        in_status(path) || replies.iter().any(|reply| fields::at(document, reply, path).is_some())
    };
    match &family.done {
        Completion::State(path) | Completion::Field(path) | Completion::Since(path)
            if !in_status(path) =>
        {
            bail!("the status has no field `{path}`");
        }
        _ => {}
    }
    for submit in submits {
        match &family.id {
            JobId::Field(path) => {
                let found = submit.reply_schema().and_then(|it| fields::at(document, it, path));
                if found.is_none() {
                    bail!("the response of {} has no field `{path}`", submit.place());
                }
            }
            JobId::Path(name) if !submit.path.contains(&format!("{{{name}}}")) => {
                bail!("the path of {} has no parameter `{name}`", submit.place());
            }
            _ => {}
        }
        super::item(sources, family, submit)?;
    }
    if let Results::Reply(places) = &family.results {
        for place in places {
            let (ResultLocation::Items(path)
            | ResultLocation::Json(path, _)
            | ResultLocation::Bytes(path)) = place;
            if !has(path) {
                bail!("no response has a field `{path}`");
            }
        }
    }
    let results = match &family.results {
        Results::List(id) => Some(id),
        _ => None,
    };
    for id in family.status.iter().chain(results).chain(&family.cancel) {
        if !submits.is_empty() {
            id_parameter(submits, sources.operation(id)?)?;
        }
    }
    Ok(())
}
