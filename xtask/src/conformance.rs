//! Writes the calls of the conformance run: one for each list and each submit of a job, with its required arguments.

use std::fmt::Write as _;

use crate::emit::{self, HEADER};
use crate::jobs::Family;
use crate::model::{Argument, Bound, JobResult, Model};
use crate::progenitor::RustType;

/// Returns the source of the table of lists.
pub fn lists(model: &Model) -> String {
    let mut text = format!(
        "{HEADER}//! A call of every list of the API, with its required arguments.\n\n\
         #[allow(unused_imports)]\nuse genesys_cloud::types;\n\nuse crate::list::{{List, SEARCH, open}};\n\n\
         #[rustfmt::skip]\n#[allow(deprecated)]\npub(crate) const LISTS: &[List] = &[\n"
    );
    for (group, bound) in model.operations().filter(|(_, bound)| bound.paginates()) {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "    List {{ operation: {:?}, open: |client| open(client.{}().{}({}).paginate()) }},",
            bound.operation.id,
            group.name,
            bound.method,
            arguments(bound, body).join(", "),
        );
    }
    text + "];\n"
}

/// Returns the source of the table of submits.
pub fn submits(model: &Model) -> String {
    let mut text = format!(
        "{HEADER}//! A call of every operation that submits a job, with its required arguments.\n\n\
         #[allow(unused_imports)]\nuse genesys_cloud::types;\n\nuse crate::job::{{Submit, submit}};\n\n\
         #[rustfmt::skip]\n#[allow(deprecated)]\npub(crate) const SUBMITS: &[Submit] = &[\n"
    );
    for (group, bound) in model.operations() {
        let form = match &bound.job {
            Some(JobResult::Items(_)) => "items",
            Some(JobResult::Bytes) => "bytes",
            None => continue,
        };
        let family = model.families.place(&bound.operation.id).map(|(family, _)| family);
        let body = |kind: &RustType| body_with_interval(kind, family);
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "    submit!({form} {:?} {} {} {}({})),",
            bound.operation.id,
            group.name,
            bound.call,
            bound.method,
            arguments(bound, body).join(", "),
        );
    }
    text + "];\n"
}

fn arguments(bound: &Bound, body: impl Fn(&RustType) -> String) -> Vec<String> {
    let single = bound.path.iter().chain(&bound.required).map(value);
    let each = bound.required_each.iter().map(|argument| format!("[{}]", value(argument)));
    let headers = bound.required_header.iter().map(value);
    let body = bound.body.iter().filter(|(_, required)| *required).map(|(kind, _)| body(kind));
    single.chain(each).chain(headers).chain(body).collect()
}

/// A value that the fake org accepts for an argument.
fn value(argument: &Argument) -> String {
    match &argument.kind {
        RustType::Boolean => "true",
        RustType::Integer => "1",
        RustType::Number => "1.0",
        RustType::DateTime => "chrono::DateTime::UNIX_EPOCH",
        RustType::Date => "chrono::NaiveDate::default()",
        RustType::LocalDateTime => "chrono::NaiveDateTime::default()",
        // As a filter, this matches all records.
        _ if argument.wire == "name" => "\"*\"",
        _ if argument.wire == "q64" => "SEARCH",
        _ => "\"a\"",
    }
    .to_owned()
}

/// The body of a submit. It has an interval if the data becomes available with a delay: the end of the interval decides
/// whether all data was available.
fn body_with_interval(kind: &RustType, family: Option<&Family>) -> String {
    let interval = family.and_then(|family| family.available.as_ref()).map(|it| &it.interval.name);
    match (kind, interval) {
        (RustType::Named(_), Some(name)) => {
            let kind = emit::rust(kind, "types::");
            let interval = "2024-05-01T00:00Z/2024-05-02T00:00Z";
            format!("{kind} {{ {name}: Some({interval:?}.into()), ..Default::default() }}")
        }
        _ => body(kind),
    }
}

fn body(kind: &RustType) -> String {
    let body = match kind {
        RustType::Value => "serde_json::json!({}).into()",
        _ => "Default::default()",
    };
    body.to_owned()
}
