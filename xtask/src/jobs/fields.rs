//! Finds the fields of responses that matter for jobs: id, state, results.

use anyhow::{Result, bail};

use super::{JobState, ResultLocation};
use crate::document::{Document, Kind, Operation, Schema};

/// Fields with the id of a job, the likeliest first.
const IDS: [&str; 4] = ["id", "jobId", "executionId", "job.id"];

/// Fields with the state of a job.
const STATES: [&str; 8] = [
    "status",
    "state",
    "queryStatus",
    "queryState",
    "jobState",
    "jobStatus",
    "job.status",
    "job.state",
];

/// Fields with URLs of result files, in lower case; those with several URLs first.
const URLS: [&str; 9] = [
    "downloadurls",
    "resultsurls",
    "resulturls",
    "downloadurl",
    "downloaduri",
    "fileurl",
    "resultsurl",
    "resulturl",
    "signedurl",
];

/// Returns the schema at a path: names joined by dots, through the elements of lists; `[]` is the schema itself.
pub(super) fn at<'a>(document: &'a Document, schema: &'a Schema, path: &str) -> Option<&'a Schema> {
    let mut schema = schema;
    for name in path.split('.').filter(|name| *name != "[]") {
        let mut owner = document.resolve(schema);
        while let Kind::List(items) = &owner.kind {
            owner = document.resolve(items);
        }
        schema = owner.property(name)?;
    }
    Some(schema)
}

/// Returns the schema of the items at a path: the elements of a list, or the value itself.
pub(super) fn items<'a>(
    document: &'a Document,
    schema: &'a Schema,
    path: &str,
) -> Option<&'a Schema> {
    let found = at(document, schema, path)?;
    match &document.resolve(found).kind {
        Kind::List(items) => Some(items),
        _ => Some(found),
    }
}

/// Returns the schema of one job in a response that may list several.
pub(super) fn entry<'a>(
    document: &'a Document,
    reply: &'a Schema,
    list: Option<&str>,
) -> Option<&'a Schema> {
    match list {
        Some(list) => items(document, reply, list),
        None => Some(reply),
    }
}

/// Finds the id of a job in a response.
pub(super) fn id(document: &Document, reply: &Schema) -> Option<&'static str> {
    IDS.into_iter().find(|path| at(document, reply, path).is_some())
}

/// Returns the states that a field may have.
pub(super) fn states(document: &Document, reply: &Schema, path: &str) -> Option<Vec<String>> {
    match &document.resolve(at(document, reply, path)?).kind {
        Kind::Enum(values) => Some(values.clone()),
        _ => None,
    }
}

/// Finds the state of a job in a response: an enum with a value that means success.
pub(super) fn state(
    document: &Document,
    reply: &Schema,
    meaning: impl Fn(&str) -> JobState,
) -> Option<&'static str> {
    STATES.into_iter().find(|path| {
        let states = states(document, reply, path).unwrap_or_default();
        states.iter().any(|state| meaning(state) == JobState::Succeeded)
    })
}

/// Finds the URL of the file in a redirect that replaces a page of results.
pub(super) fn redirect(document: &Document, results: &Operation) -> Option<String> {
    let redirects = results.replies.iter().filter(|reply| !reply.is_success());
    let mut bodies = redirects.filter_map(|reply| reply.schema.as_ref());
    bodies.find_map(|body| urls(document, document.resolve(body)).next())
}

/// The fields of an object with URLs of files, the likeliest first.
fn urls<'a>(document: &'a Document, object: &'a Schema) -> impl Iterator<Item = String> + 'a {
    URLS.into_iter().filter_map(|known| {
        let (name, field) =
            object.properties().iter().find(|(name, _)| name.eq_ignore_ascii_case(known))?;
        let kind = match &document.resolve(field).kind {
            Kind::List(items) => &document.resolve(items).kind,
            kind => kind,
        };
        matches!(kind, Kind::Text { .. }).then(|| name.clone())
    })
}

/// Finds the results in the response that reports the end of a job: in its only field named for results, in files whose
/// URLs it has, or else the response is the result.
pub(super) fn results(document: &Document, reply: &Schema) -> Result<Vec<ResultLocation>> {
    let object = document.resolve(reply);
    let is_value =
        |schema: &Schema| matches!(document.resolve(schema).kind, Kind::Object(_) | Kind::List(_));
    let inline: Vec<_> = object
        .properties()
        .iter()
        .filter(|(name, field)| {
            let named = ["result", "results", "entities"].contains(&name.as_str())
                || ["Result", "Results"].iter().any(|end| name.ends_with(end));
            named && is_value(field)
        })
        .collect();
    // `entities` is the name of lists in this API, whatever the other fields are.
    let inline = match &inline[..] {
        [] => None,
        [one] => Some(*one),
        many => match many.iter().find(|(name, _)| name == "entities") {
            Some(entities) => Some(*entities),
            None => {
                let names: Vec<&str> = many.iter().map(|(name, _)| name.as_str()).collect();
                bail!("can't infer which of the fields {} has the results", names.join(", "));
            }
        },
    };
    let urls = urls(document, object);
    let Some((name, field)) = inline else {
        let places: Vec<ResultLocation> = urls.map(ResultLocation::Bytes).collect();
        return Ok(if places.is_empty() {
            vec![ResultLocation::Items("[]".to_owned())]
        } else {
            places
        });
    };
    // If a result is too large, a file has the content of the field.
    let (path, in_file) = match list_within(document, field) {
        Some(list) => (format!("{name}.{list}"), list),
        None => (name.clone(), "[]".to_owned()),
    };
    let files = urls.map(|url| ResultLocation::Json(url, in_file.clone()));
    Ok(std::iter::once(ResultLocation::Items(path)).chain(files).collect())
}

/// Finds the list in an object that wraps one.
fn list_within(document: &Document, schema: &Schema) -> Option<String> {
    let properties = document.resolve(schema).properties();
    let is_list = |schema: &Schema| matches!(document.resolve(schema).kind, Kind::List(_));
    let only = match properties {
        [only] => Some(only),
        _ => properties.iter().find(|(name, _)| name == "entities"),
    };
    only.filter(|(_, field)| is_list(field)).map(|(name, _)| name.clone())
}
