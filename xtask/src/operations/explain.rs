//! `cargo xtask operations --explain`: the tag of an operation, and the evidence for it.

use std::io::Write;

use anyhow::{Result, bail};

use super::jobs::{facts, members};
use super::{cap_text, interval_text, item_name, reads, token_in_text, token_out_text};
use crate::document::Document;
use crate::jobs::Role;
use crate::model::{Tagged, TaggedOperation};
use crate::tags::{size_limits, size_type};

/// Prints what is known about an operation, given by operationId, by method and path, or by Rust name
/// (`routing.queues`).
pub fn explain(
    document: &Document,
    tagged: &Tagged<'_>,
    name: &str,
    out: &mut impl Write,
) -> Result<()> {
    let found = find(&tagged.operations, name)?;
    let TaggedOperation { operation, tag, group, method } = found;
    let mut line = |label: &str, text: String| writeln!(out, "{label:<12}{text}");
    line("operation", operation.place())?;
    line("rust", format!("{group}.{method}"))?;
    let scheme = tag.list.scheme.map(|scheme| format!(", {}", scheme.name())).unwrap_or_default();
    line("tag", format!("{}{scheme}", tag.kind.as_str()))?;
    line("rule", tag.because.rule.to_owned())?;
    for evidence in &tag.because.evidence {
        line("evidence", evidence.clone())?;
    }
    for exception in &tag.because.exceptions {
        line("exception", exception.clone())?;
    }
    if let Some(single) = tag.because.single {
        line("not a list", single.to_owned())?;
    }
    if reads(operation, tag) {
        line("repeatable", "yes, read-only".to_owned())?;
    }
    if let Some(items) = &tag.list.items {
        let kind = item_name(document, operation, items).unwrap_or("?".to_owned());
        line("items", format!("{items}: {kind}"))?;
    }
    let page_size = tag.list.page_size.as_ref().map(|size| {
        let facts: Vec<String> =
            std::iter::once(size_type(size).to_owned()).chain(size_limits(size)).collect();
        format!("{} {} ({})", size.place.as_str(), size.name, facts.join(", "))
    });
    let known = [
        ("page size", page_size),
        ("token in", token_in_text(tag)),
        ("token out", token_out_text(tag)),
        ("cap", tag.list.cap.as_ref().map(cap_text)),
        ("tokens", tag.list.token_hours.map(|hours| format!("valid for {hours} hours"))),
        ("interval", tag.interval.as_ref().map(interval_text)),
        ("data up to", tag.available.as_ref().map(|field| format!("response {field}"))),
        ("available", tag.availability.clone()),
        ("as a job", tag.list.jobs.clone().map(|path| format!("POST {path}"))),
    ];
    for (label, text) in known {
        if let Some(text) = text {
            line(label, text)?;
        }
    }
    for (parent, rule) in tag.parents.iter().zip(&tag.because.parents) {
        let text = match (&parent.list, &parent.reason) {
            (Some(list), _) => format!("{} of {}", list.field, list.operation),
            (None, reason) => format!("none: {}", reason.as_deref().unwrap_or("unknown")),
        };
        line("parent", format!("{}: {text} ({rule})", parent.parameter))?;
    }
    for (family, role) in tagged.families.places(&operation.id) {
        line("family", format!("{}: {}", family.name, role.as_str()))?;
        let reason = family.reason.clone().unwrap_or("found by rule".to_owned());
        line("", reason)?;
        if role == Role::Submit {
            let members = members(family).filter(|(label, _)| *label != role.as_str());
            for (label, text) in members.chain(facts(family)) {
                line("", format!("{}: {text}", label.replace('_', " ")))?;
            }
        }
    }
    Ok(())
}

fn find<'a, 'b>(
    operations: &'b [TaggedOperation<'a>],
    name: &str,
) -> Result<&'b TaggedOperation<'a>> {
    let name = name.trim();
    let names = |it: &TaggedOperation<'_>| {
        [it.operation.id.clone(), it.operation.route(), format!("{}.{}", it.group, it.method)]
    };
    // Two names may differ only in case.
    let same = |other: &String| other == name;
    let alike = |other: &String| other.eq_ignore_ascii_case(name);
    let found = operations.iter().find(|it| names(it).iter().any(same));
    let found = found.or_else(|| operations.iter().find(|it| names(it).iter().any(alike)));
    if let Some(found) = found {
        return Ok(found);
    }
    let all = operations.iter().flat_map(|it| names(it).into_iter());
    let mut near: Vec<(f64, String)> = all
        .map(|other| (strsim::jaro_winkler(&other.to_lowercase(), &name.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness > 0.85)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<String> =
        near.into_iter().take(3).map(|(_, other)| format!("`{other}`")).collect();
    let hint = match &near[..] {
        [] => "use an operationId, a method and path, or a Rust name".to_owned(),
        near => format!("did you mean {}?", near.join(" or ")),
    };
    bail!("the document has no operation `{name}`; {hint}")
}
