//! Writes a family as data, for tools that run jobs by name.

use std::borrow::Cow;

use anyhow::Result;
use serde::Serialize;

use super::emit::results_tag;
use super::{At, Available, Done, Family, Id, Results, State, id_parameter, path_on_job};
use crate::document::Operation;
use crate::tags::{Cap, PageReply, PageSize, Place, Scheme, Tag, TokenOut};

/// A family on one line of `families.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    id: &'a Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Call<'a>>,
    done: &'a Done,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    states: Vec<(State, Vec<&'a str>)>,
    results: Found<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirects: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<&'a Available>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    at_once: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// An operation on a job: its path where the submit has other names for the parameters, the path parameter
/// that takes the job's id, and where a list of jobs stands.
#[derive(Serialize)]
struct Call<'a> {
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Found<'a> {
    List(Call<'a>, Listing<'a>),
    Status(Listing<'a>),
    Reply(&'a [At]),
    Nothing,
}

/// How the results are listed, in the words of a tag.
#[derive(Serialize)]
struct Listing<'a> {
    scheme: Scheme,
    items: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: &'a Option<PageSize>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    token_in: &'a [Place],
    #[serde(skip_serializing_if = "Option::is_none")]
    token_out: &'a Option<TokenOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: &'a Option<Cap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: &'a Option<String>,
    #[serde(flatten)]
    reply: Cow<'a, PageReply>,
}

/// A family as a line of JSON. `find` gives an operation and its tag by operationId.
pub fn line<'a>(
    family: &'a Family,
    find: impl Fn(&str) -> Result<(&'a Operation, &'a Tag)>,
) -> Result<String> {
    let submits: Vec<&Operation> =
        family.submits.iter().map(|id| find(id).map(|(it, _)| it)).collect::<Result<_>>()?;
    let call = |id: &str, list| -> Result<Call<'a>> {
        let (operation, _) = find(id)?;
        let path = Some(path_on_job(&submits, operation)).filter(|path| *path != operation.path);
        Ok(Call { operation: &operation.id, path, id: id_parameter(&submits, operation)?, list })
    };
    let results = match &family.results {
        Results::List(id) => {
            let (_, tag) = find(id)?;
            let by = submits.first().map(|it| find(&it.id)).transpose()?;
            Found::List(call(id, None)?, listing(tag, by.map(|(_, tag)| tag)))
        }
        Results::Status => {
            let id = family.status.as_ref().or(family.submits.first());
            let id = id.map(String::as_str).unwrap_or_default();
            Found::Status(listing(find(id)?.1, None))
        }
        Results::Reply(places) => Found::Reply(places),
        Results::Nothing => Found::Nothing,
    };
    let named = |state: State| {
        let names = family.states.iter().filter(move |(_, it)| *it == state);
        (state, names.map(|(name, _)| name.as_str()).collect::<Vec<_>>())
    };
    let states = State::ALL.into_iter().filter(|state| *state != State::Pending).map(named);
    let line = Line {
        name: &family.name,
        id: &family.id,
        status: family.status.as_ref().map(|id| call(id, family.list.as_deref())).transpose()?,
        done: &family.done,
        states: states.filter(|(_, names)| !names.is_empty()).collect(),
        results,
        cancel: family.cancel.as_ref().map(|id| call(id, None)).transpose()?,
        redirects: family.redirects.as_deref(),
        available: family.available.as_ref(),
        at_once: family.at_once,
        hours: family.hours,
        topic: family.topic.as_deref(),
        note: family.note.as_deref(),
    };
    Ok(serde_json::to_string(&line)?)
}

/// What `emit` writes as a listing.
fn listing<'a>(tag: &'a Tag, submit: Option<&'a Tag>) -> Listing<'a> {
    let (by, scheme, items) = results_tag(tag, submit);
    let Some(Tag { page_size, token_in, token_out, cap, jobs, .. }) = by else {
        let (none, token_in) = (&None, &[]);
        let (token_out, cap, jobs) = (&None, &None, &None);
        // Whatever the result is, it is the one item of a list.
        let reply = Cow::Owned(PageReply { values: true, ..PageReply::default() });
        return Listing { scheme, items, page_size: none, token_in, token_out, cap, jobs, reply };
    };
    let reply = Cow::Borrowed(&tag.reply);
    Listing { scheme, items, page_size, token_in, token_out, cap, jobs, reply }
}
