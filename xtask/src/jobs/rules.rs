//! The rules that find families by the paths of their operations.

use std::collections::BTreeSet;

use super::table::Entry;
use super::{Completion, JobId, Results, Sources, fields};
use crate::document::{Method, Operation};

/// What the path of a submit ends with.
const ENDS: [&str; 4] = ["jobs", "exports", "imports", "batchrequests"];

/// The families of each `POST X` where X ends as submits do, or with `query` where `X/{id}/results` is:
/// `GET X/{id}` tells the status, `GET X/{id}/results` lists the results and `DELETE X/{id}` cancels. What
/// the parameter is called does not matter.
pub(super) fn by_path(sources: &Sources<'_>) -> Vec<(String, Entry)> {
    let document = sources.document;
    let posts = document.operations.iter().filter(|it| it.method == Method::Post);
    let families = posts.filter_map(|submit| {
        let path = &submit.path;
        let below = |method, end: &str| document.below(method, path, end);
        let results = below(Method::Get, "/results");
        let is_submit = ENDS.iter().any(|end| path.ends_with(end))
            || (path.ends_with("/query") && results.is_some());
        if !is_submit {
            return None;
        }
        let (status, results) = match below(Method::Get, "") {
            Some(status) => (Some(status), results),
            // The results tell by themselves whether they are complete.
            None => (results, None),
        };
        let entry = Entry {
            submits: vec![submit.id.clone()],
            status: Some(status?.id.clone()),
            results: results.map(|it| Results::List(it.id.clone())),
            cancel: below(Method::Delete, "").map(|it| it.id.clone()),
            ..Entry::default()
        };
        Some((name(path), entry))
    });
    families.collect()
}

/// The families of each GET that may answer 202: it is sent again until it answers otherwise.
pub(super) fn repeated(sources: &Sources<'_>, members: &BTreeSet<String>) -> Vec<(String, Entry)> {
    let operations = &sources.document.operations;
    let gets = operations.iter().filter(|it| it.method == Method::Get && !members.contains(&it.id));
    let waits = gets.filter(|it| {
        it.replies.iter().any(|reply| reply.status == Some(202))
            && it.replies.iter().any(|reply| reply.status == Some(200) && reply.schema.is_some())
    });
    waits
        .map(|get| {
            let entry = Entry {
                submits: vec![get.id.clone()],
                id: Some(JobId::Nowhere),
                done: Some(Completion::Not202),
                ..Entry::default()
            };
            (name(&get.path), entry)
        })
        .collect()
}

/// On which evidence an operation of no family accepts work, without a way to ask how it stands.
pub(super) fn accepted(operation: &Operation) -> Option<&'static str> {
    if operation.method.is_read() {
        return None;
    }
    let accepts = |it: &&crate::document::Reply| it.status == Some(202);
    let mut replies = operation.replies.iter().filter(|reply| reply.is_success()).peekable();
    if replies.peek().is_some() && replies.all(|reply| reply.status == Some(202)) {
        return Some("its one reply is 202");
    }
    let bare = operation.replies.iter().find(accepts).is_some_and(|reply| reply.schema.is_none());
    bare.then_some("it may answer 202 without a body")
}

/// On which evidence an operation that is of no family starts a job all the same.
pub(super) fn hands_out_a_job(sources: &Sources<'_>, operation: &Operation) -> Option<String> {
    let waits = operation.replies.iter().any(|reply| reply.status == Some(202));
    if operation.method.is_read() && !waits {
        return None;
    }
    if operation.method == Method::Post && ENDS.iter().any(|end| operation.path.ends_with(end)) {
        return Some("its path is that of a submit".to_owned());
    }
    let paged = sources.tag(&operation.id)?;
    if paged.kind == crate::tags::TagKind::Job {
        return Some("it pages as a submit does".to_owned());
    }
    let reply = operation.reply_schema()?;
    let ids = ["jobId", "executionId", "operationId", "job.id"];
    let id = ids.into_iter().find(|path| fields::at(sources.document, reply, path).is_some())?;
    Some(format!("its reply has `{id}`"))
}

/// The name of a family: the words of the path, without those that all have. Of `things/jobs` and
/// `things/{id}/jobs` the second keeps its last word.
fn name(path: &str) -> String {
    let of_one = path.ends_with('}');
    let words = path.split('/').filter(|word| !word.is_empty() && !word.starts_with('{'));
    let mut words: Vec<&str> = words.collect();
    if words.first() == Some(&"api") {
        words.drain(..2.min(words.len()));
    }
    if words.len() > 1 && path.ends_with("/jobs") && !path.ends_with("}/jobs") {
        words.pop();
    }
    let mut name = words.join("-");
    if of_one {
        name.push_str("-by-id");
    }
    name
}
