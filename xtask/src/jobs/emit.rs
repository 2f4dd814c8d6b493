//! Writes a family as Rust source.

use std::fmt::Write as _;

use anyhow::Result;

use super::{
    Completion, Family, JobId, JobState, ResultLocation, Results, id_parameter, path_on_job,
};
use crate::document::Operation;
use crate::emit::{listing, verb};
use crate::tags::{Decision, ListTag, Scheme};

/// The name of a family's constant in generated code.
pub fn constant(family: &str) -> String {
    family.replace('-', "_").to_ascii_uppercase()
}

/// Returns a family as `job_family!`. `find` returns an operation and its tag by operationId.
pub fn family<'a>(
    family: &Family,
    find: impl Fn(&str) -> Result<(&'a Operation, &'a Decision)>,
) -> Result<String> {
    let submits: Vec<&Operation> =
        family.submits.iter().map(|id| find(id).map(|(it, _)| it)).collect::<Result<_>>()?;
    let call = |id: &str, list: Option<&str>| -> Result<String> {
        let (operation, _) = find(id)?;
        let id = id_parameter(&submits, operation)?.map(|name| format!("id {name:?}"));
        let list = list.map(|path| format!("list {path:?}"));
        let words: Vec<String> = id.into_iter().chain(list).collect();
        Ok(format!(
            "{:?} {} {:?} ({})",
            operation.id,
            verb(operation.method),
            path_on_job(&submits, operation),
            words.join(" ")
        ))
    };
    let mut facts = vec![format!(
        "id: {}",
        match &family.id {
            JobId::Field(path) => format!("field {path:?}"),
            JobId::Path(name) => format!("path {name:?}"),
            JobId::Header(name) => format!("header {name:?}"),
            JobId::Nowhere => "nowhere".to_owned(),
        }
    )];
    if let Some(status) = &family.status {
        facts.push(format!("status: {}", call(status, family.list.as_deref())?));
    }
    facts.push(format!(
        "done: {}",
        match &family.done {
            Completion::State(path) => format!("state {path:?} {}", states(family)),
            Completion::Field(path) => format!("field {path:?}"),
            Completion::Since(path) => format!("since {path:?}"),
            Completion::Not202 => "not_202".to_owned(),
        }
    ));
    facts.push(format!(
        "results: {}",
        match &family.results {
            Results::List(id) => {
                let (_, tag) = find(id)?;
                let by = submits.first().map(|it| find(&it.id)).transpose()?;
                format!(
                    "list {}\n        {}",
                    call(id, None)?,
                    results(tag, by.map(|(_, tag)| tag))
                )
            }
            Results::Status => {
                let id = family.status.as_ref().or(family.submits.first());
                let tag = id.map(|id| find(id)).transpose()?.map(|(_, tag)| tag);
                format!("status {}", tag.map(|tag| results(tag, None)).unwrap_or_default())
            }
            Results::Reply(places) => {
                let places: Vec<String> = places.iter().map(place).collect();
                format!("reply [{}]", places.join(", "))
            }
            Results::Nothing => "nothing".to_owned(),
        }
    ));
    if let Some(cancel) = &family.cancel {
        facts.push(format!("cancel: {}", call(cancel, None)?));
    }
    facts.extend(family.redirects.iter().map(|path| format!("redirects: {path:?}")));
    if let Some(available) = &family.available {
        let (operation, _) = find(&available.operation)?;
        let interval = &available.interval;
        facts.push(format!(
            "availability: {:?} {} {:?} {:?} for {} {:?}",
            operation.id,
            verb(operation.method),
            operation.path,
            available.field,
            interval.place.as_str(),
            interval.name,
        ));
    }
    if family.at_once {
        facts.push("at_once: true".to_owned());
    }
    facts.extend(family.hours.map(|hours| format!("lifetime: {hours} hours")));
    facts.extend(family.topic.iter().map(|topic| format!("topic: {topic:?}")));
    facts.extend(family.note.iter().map(|note| format!("note: {note:?}")));
    let mut text = format!("job_family! {{\n    {} = {:?};\n", constant(&family.name), family.name);
    for fact in facts {
        // Writing to a string can't fail.
        let _ = writeln!(text, "    {fact},");
    }
    text.push_str("}\n");
    Ok(text)
}

/// The states that are not pending.
fn states(family: &Family) -> String {
    let named =
        JobState::ALL.into_iter().filter(|state| *state != JobState::Pending).filter_map(|state| {
            let names: Vec<String> = family
                .states
                .iter()
                .filter(|(_, it)| *it == state)
                .map(|(name, _)| format!("{name:?}"))
                .collect();
            (!names.is_empty()).then(|| format!("{}: [{}]", state.as_str(), names.join(", ")))
        });
    format!("{{ {} }}", named.collect::<Vec<_>>().join(", "))
}

/// The list spec of the results, as the macros take it.
fn results(tag: &Decision, submit: Option<&Decision>) -> String {
    match results_tag(tag, submit) {
        (Some(by), scheme, items) => listing(by, scheme, items, &tag.list.reply),
        (None, scheme, _) => format!("{} {{ items: [], values: true }}", scheme.name()),
    }
}

/// How the results are listed: the tag, the scheme and the path of the items. If the submit selects the page, its tag
/// has the parameters; a response that is not a list is a single item.
pub(super) fn results_tag<'a>(
    tag: &'a Decision,
    submit: Option<&'a Decision>,
) -> (Option<&'a ListTag>, Scheme, &'a str) {
    let items = tag.list.items.as_deref().filter(|_| tag.lists()).unwrap_or("[]");
    match submit {
        Some(submit) if submit.list.scheme == Some(Scheme::JobSelectsPage) => {
            (Some(&submit.list), Scheme::JobSelectsPage, items)
        }
        _ if tag.lists() => {
            (Some(&tag.list), tag.list.scheme.unwrap_or(Scheme::UnpagedOtherArray), items)
        }
        _ => (None, Scheme::UnpagedOtherArray, "[]"),
    }
}

fn place(at: &ResultLocation) -> String {
    match at {
        ResultLocation::Items(path) => format!("items {path:?}"),
        ResultLocation::Json(urls, items) => format!("json {urls:?} {items:?}"),
        ResultLocation::Bytes(urls) => format!("bytes {urls:?}"),
    }
}
