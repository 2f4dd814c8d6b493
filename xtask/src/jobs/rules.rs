//! Rules that find families by the paths of their operations.

use std::collections::BTreeSet;

use super::table::Entry;
use super::{Completion, JobId, Results, Sources, fields};
use crate::document::{Method, Operation};

/// The last segments of the path of a submit.
const ENDS: [&str; 4] = ["jobs", "exports", "imports", "batchrequests"];

/// Finds a family for each `POST X` where X ends like a submit, or with `query` if `X/{id}/results` exists:
/// `GET X/{id}` returns the status, `GET X/{id}/results` lists the results and `DELETE X/{id}` cancels. The name of the
/// parameter does not matter.
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
            // The results show whether they are complete.
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

/// Finds a family for each GET that may return 202: it is repeated until it returns something else.
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

/// The evidence that an operation without a family accepts work, with no status to poll.
pub(super) fn accepted(operation: &Operation) -> Option<&'static str> {
    if operation.method.is_read() {
        return None;
    }
    let accepts = |it: &&crate::document::Reply| it.status == Some(202);
    let mut replies = operation.replies.iter().filter(|reply| reply.is_success()).peekable();
    if replies.peek().is_some() && replies.all(|reply| reply.status == Some(202)) {
        return Some("its only response is 202");
    }
    let bare = operation.replies.iter().find(accepts).is_some_and(|reply| reply.schema.is_none());
    bare.then_some("it may return 202 without a body")
}

/// The evidence that an operation without a family starts a job.
pub(super) fn starts_a_job(sources: &Sources<'_>, operation: &Operation) -> Option<String> {
    let waits = operation.replies.iter().any(|reply| reply.status == Some(202));
    if operation.method.is_read() && !waits {
        return None;
    }
    if operation.method == Method::Post && ENDS.iter().any(|end| operation.path.ends_with(end)) {
        return Some("its path is that of a submit".to_owned());
    }
    let paged = sources.tag(&operation.id)?;
    if paged.kind == crate::tags::TagKind::Job {
        return Some("it pages like a submit".to_owned());
    }
    let reply = operation.reply_schema()?;
    let ids = ["jobId", "executionId", "operationId", "job.id"];
    let id = ids.into_iter().find(|path| fields::at(sources.document, reply, path).is_some())?;
    Some(format!("its response has `{id}`"))
}

/// Names a family after the words of its path, without those that all paths have. `things/{id}/jobs` keeps its last
/// word, to differ from `things/jobs`.
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
