//! The command `describe`: shows an operation or a type.

use std::io::Write;

use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation as Entry, Parameter};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{FileForm, JobOperation, JobSpec, ListSpec, ResultLocation, Results};

use super::definition::{self, Subject};
use super::fields::fields;
use super::{description, template};
use crate::capabilities;
use crate::failure::{Exit, Failure, permissions};
use crate::record;
use crate::resolve;
use crate::times::days;

/// How to describe an operation or a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
    /// A request body with all fields.
    BodyTemplate,
}

/// Describes an operation, or a type by its name in the API document.
pub(crate) fn describe(name: &str, form: Form) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    match (definition::subject(name)?, form) {
        (Subject::Operation(entry), Form::Text) => write(&mut out, entry)?,
        (Subject::Operation(entry), Form::Json) => {
            writeln!(out, "{:#}", description::operation(entry)?)?;
        }
        (Subject::Operation(entry), Form::BodyTemplate) => {
            let body = entry.body.as_ref().ok_or_else(|| {
                Failure::usage(format!("--body-template: {} takes no body", entry.id))
            })?;
            writeln!(out, "{}", template::body(&body.schema))?;
        }
        (Subject::Type(name, schema), Form::Text) => definition::write(&mut out, name, schema)?,
        (Subject::Type(name, schema), Form::Json) => {
            writeln!(out, "{:#}", description::definition(name, schema))?;
        }
        (Subject::Type(_, schema), Form::BodyTemplate) => {
            writeln!(out, "{}", template::body(schema))?;
        }
    }
    Ok(Exit::Complete)
}

fn write(out: &mut dyn Write, entry: &Entry) -> Result<(), Failure> {
    let kind = specs::kind(Catalogue::embedded(), entry);
    let kind = kind.map_err(|error| Failure::usage(error.to_string()))?;
    writeln!(out, "{}", resolve::rust_name(entry))?;
    writeln!(out, "{} {} ({})", entry.method, entry.path, entry.id)?;
    if let Some(summary) = &entry.summary {
        writeln!(out, "{summary}")?;
    }
    for (is, text) in
        [(entry.deprecated, "deprecated"), (entry.preview, "preview: may change without notice")]
    {
        if is {
            writeln!(out, "{text}")?;
        }
    }
    if let Some(needed) = permissions(entry) {
        writeln!(out, "\nRequires {needed}")?;
    }
    write_kind(out, &kind)?;
    parameters(out, entry, &kind)?;
    if let Some(body) = &entry.body {
        let required = match body.required {
            true if interval_suffices(entry, &kind)? => ", required unless --interval is given",
            true => ", required",
            false => "",
        };
        writeln!(out, "\nBody (--body file.json{required})")?;
        fields(out, &body.schema)?;
    }
    parents(out, entry, &kind)?;
    interval(out, entry, &kind)?;
    let (title, schema) = match record::item(entry, &kind) {
        Some(item) => ("Fields of a record", Some(item)),
        None => ("Response", entry.reply()),
    };
    if let Some(schema) = schema {
        writeln!(out, "\n{title}")?;
        fields(out, schema)?;
    }
    Ok(())
}

/// Writes which lists have the values of the path parameters.
fn parents(out: &mut dyn Write, entry: &Entry, kind: &OperationKind) -> Result<(), Failure> {
    if matches!(kind, OperationKind::Single | OperationKind::Accepted) {
        return Ok(());
    }
    let tag = entry.tag().map_err(|error| Failure::usage(error.to_string()))?;
    let known = tag.into_iter().flat_map(|tag| tag.parents);
    let known: Vec<_> = known.filter_map(|it| Some((it.parameter, it.list?))).collect();
    if known.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nParents (--for-each reads the list for each of them)")?;
    for (parameter, list) in known {
        let name = resolve::operation(&list.operation).map(resolve::rust_name)?;
        writeln!(out, "  {parameter} = {name}.{}", list.field)?;
    }
    Ok(())
}

/// Marks a parameter that an export sets.
const SET_BY_EXPORT: &str = "set by `export`";

/// Marks the parameter that --interval sets.
const BY_INTERVAL: &str = "or --interval";

/// Writes how the operation runs.
fn write_kind(out: &mut dyn Write, kind: &OperationKind) -> Result<(), Failure> {
    match kind {
        OperationKind::Single => writeln!(out, "\nA single call")?,
        OperationKind::Accepted => {
            writeln!(out, "\nA single call that starts work whose status can't be queried")?
        }
        OperationKind::List(listing) => {
            writeln!(
                out,
                "\nA list with the scheme {}, records at {}",
                listing.scheme().name(),
                listing.items()
            )?;
            sizes(out, listing)?;
        }
        OperationKind::Job(family) => {
            writeln!(out, "\nA job ({})", family.name())?;
            results(out, family)?;
            if let Some(lifetime) = family.lifetime() {
                writeln!(out, "The API keeps the job for {} hours", lifetime.as_secs() / 3600)?;
            }
            if let Some(data) = family.availability() {
                let operation = data.operation();
                writeln!(
                    out,
                    "Recent data becomes available with a delay ({operation}); --wait-for-data waits for it"
                )?;
            }
            if let Some(note) = family.note() {
                writeln!(out, "Note: {note}")?;
            }
        }
    }
    Ok(())
}

fn sizes(out: &mut dyn Write, listing: &ListSpec) -> Result<(), Failure> {
    if let Some(size) = listing.page_size() {
        let name = size.name();
        match (size.minimum(), size.maximum(), size.usual()) {
            (Some(least), Some(most), _) => writeln!(out, "Page size: {least} to {most} ({name})")?,
            (None, Some(most), _) => writeln!(out, "Page size: up to {most} ({name})")?,
            (_, None, Some(usual)) => {
                writeln!(out, "Page size: {usual} by default; no maximum is documented ({name})")?;
            }
            (_, None, None) => writeln!(out, "Page size: no maximum is documented ({name})")?,
        }
    }
    if let Some(cap) = listing.cap() {
        writeln!(out, "The API returns no more than {cap}")?;
    }
    if let Some(jobs) = listing.jobs() {
        writeln!(out, "{jobs} runs the same query as a job")?;
    }
    Ok(())
}

fn results(out: &mut dyn Write, family: &JobSpec) -> Result<(), Failure> {
    if !family.is_pollable() && *family.results() != Results::Nothing {
        let topic = family.topic().map(|it| format!(" of the topic {it}")).unwrap_or_default();
        let immediate = match family.results_at_once() {
            true => "in the response to the submit if available immediately; otherwise ",
            false => "",
        };
        writeln!(out, "Results: {immediate}in a notification{topic}, which an export can't read")?;
        return Ok(());
    }
    match family.results() {
        Results::List(call, listing) => {
            writeln!(
                out,
                "Results: {}, with the scheme {}, records at {}",
                call.operation(),
                listing.scheme().name(),
                listing.items()
            )?;
            results_parameters(out, call, listing)?;
            sizes(out, listing)?;
        }
        Results::Status(listing) => {
            writeln!(out, "Results: in the status, records at {}", listing.items())?;
        }
        Results::Response(places) => {
            for place in &places[..] {
                match place {
                    ResultLocation::Items(path) => {
                        writeln!(out, "Results: in the status, at {path}")?
                    }
                    ResultLocation::Files(path, FileForm::Json(items)) => {
                        writeln!(
                            out,
                            "Results: in JSON files named at {path}, records at {items}"
                        )?;
                    }
                    ResultLocation::Files(path, _) => {
                        writeln!(out, "Results: files named at {path}")?
                    }
                    _ => {}
                }
            }
        }
        _ => writeln!(out, "No results")?,
    }
    Ok(())
}

/// Writes the parameters of the operation that lists the results, except those that the job or the export sets.
fn results_parameters(
    out: &mut dyn Write,
    call: &JobOperation,
    listing: &ListSpec,
) -> Result<(), Failure> {
    let entry = resolve::operation(call.operation().id())?;
    let is_set = |name: &str| {
        listing.chooses_page(name) || listing.page_size().is_some_and(|size| size.name() == name)
    };
    let names: Vec<String> = entry
        .parameters_in(Location::Query)
        .filter(|it| !is_set(&it.name))
        .map(|it| if it.required { format!("{} (required)", it.name) } else { it.name.clone() })
        .collect();
    if !names.is_empty() {
        writeln!(
            out,
            "Parameters of that operation (--results-param name=value): {}",
            names.join(", ")
        )?;
    }
    Ok(())
}

fn parameters(out: &mut dyn Write, entry: &Entry, kind: &OperationKind) -> Result<(), Failure> {
    if entry.parameters.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nParameters (--param name=value)")?;
    let interval = capabilities::interval(kind, entry);
    let interval = interval.map_err(|error| Failure::usage(error.to_string()))?;
    let width = entry.parameters.iter().map(|it| it.name.len()).max().unwrap_or(0);
    for parameter in &entry.parameters {
        let mut facts = vec![kind_of(parameter)];
        match parameter.location {
            Location::Path => facts.push("in the path".to_owned()),
            Location::Header => facts.push("a header".to_owned()),
            _ if capabilities::chooses_page(kind, entry, &parameter.name) => {
                facts.push(SET_BY_EXPORT.to_owned());
            }
            _ if interval.as_ref().is_some_and(|it| it.place.name() == parameter.name) => {
                facts.push(BY_INTERVAL.to_owned());
            }
            _ if parameter.required => facts.push("required".to_owned()),
            _ => {}
        }
        if let Some(default) = &parameter.default {
            facts.push(format!("default {default}"));
        }
        if let Some(most) = parameter.maximum {
            facts.push(format!("at most {most}"));
        }
        let listed = parameter.items.as_ref().map_or(&parameter.values, |items| &items.values);
        let values: Vec<&str> = listed.iter().filter_map(|value| value.as_str()).collect();
        if !values.is_empty() {
            facts.push(format!("one of {}", values.join(", ")));
        }
        writeln!(out, "  {:width$}  {}", parameter.name, facts.join("; "))?;
    }
    Ok(())
}

fn kind_of(parameter: &Parameter) -> String {
    let one = |kind, format| crate::parameters::takes(kind, format).to_owned();
    match &parameter.items {
        Some(items) if parameter.kind == Kind::Array => {
            format!("{}, may be repeated", one(items.kind, items.format.as_deref()))
        }
        _ => one(Some(parameter.kind), parameter.format.as_deref()),
    }
}

/// Returns whether the interval is the only required field of the body.
fn interval_suffices(entry: &Entry, kind: &OperationKind) -> Result<bool, Failure> {
    let known =
        capabilities::interval(kind, entry).map_err(|error| Failure::usage(error.to_string()))?;
    let (Some(known), Some(body)) = (known, &entry.body) else { return Ok(false) };
    let required = &Catalogue::embedded().resolve(&body.schema).required;
    Ok(known.place.is_in_body() && required.iter().all(|name| name == known.place.name()))
}

/// Writes how a long time range is read.
fn interval(out: &mut dyn Write, entry: &Entry, kind: &OperationKind) -> Result<(), Failure> {
    let known =
        capabilities::interval(kind, entry).map_err(|error| Failure::usage(error.to_string()))?;
    let Some(known) = known else { return Ok(()) };
    let place = if known.place.is_in_body() { "of the body" } else { "of the query" };
    writeln!(out, "\nTime range (--interval start/end sets `{}` {place})", known.place.name())?;
    match known.span {
        Some(span) => {
            writeln!(out, "  read in windows of {}, the longest that the API allows", days(span))?
        }
        None => writeln!(
            out,
            "  read in windows of 31 days, or --window; the API does not document a maximum"
        )?,
    }
    if let Some(id) = &known.id {
        writeln!(out, "  drops duplicates across windows by {id}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Cli, Command};
    use crate::export;
    use crate::parameters;
    use crate::settings::ExportSettings;

    /// A valid value: some page sizes have a minimum of 10.
    fn example(parameter: &Parameter) -> String {
        match parameters::example(parameter) {
            one if one == "1" && parameter.name != "pageNumber" => "10".to_owned(),
            other => other,
        }
    }

    /// The command line with every option that the description mentions.
    fn offered(entry: &Entry, text: &str, folder: &Path) -> Vec<String> {
        let mut words: Vec<String> =
            ["genesys-cloud", "export", &entry.id].map(str::to_owned).into();
        let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
        let mut section = "";
        let mut fields = Vec::new();
        let is_offered = |text: &str, part: &str| text.contains(part);
        for line in text.lines() {
            if line.starts_with("Results: ") || !line.starts_with("  ") {
                section = line;
            }
            let name = line.split_whitespace().next().unwrap_or_default();
            if section.starts_with("Parameters") && line.starts_with("  ") {
                let parameter = entry.parameter(name).unwrap_or_else(|| panic!("{name} in {text}"));
                if !is_offered(line, SET_BY_EXPORT) && !is_offered(line, BY_INTERVAL) {
                    add("--param", format!("{name}={}", example(parameter)));
                }
            }
            if let Some((_, names)) = line.split_once("(--results-param name=value): ") {
                let call = text.split_once("Results: ").and_then(|(_, it)| it.split_once(" ("));
                let listed = call.and_then(|(_, it)| it.split_once(')')).map(|(id, _)| id);
                let listed = resolve::operation(listed.unwrap_or_default()).expect("an operation");
                for name in names.split(", ").map(|it| it.trim_end_matches(" (required)")) {
                    let parameter = listed.parameter(name).expect("a parameter");
                    add("--results-param", format!("{name}={}", example(parameter)));
                }
            }
            if line.starts_with("Body (--body") && !is_offered(line, "unless --interval") {
                let schema = &entry.body.as_ref().expect("a body").schema;
                let name = match Catalogue::embedded().resolve(schema).kind {
                    Some(Kind::Array) => "list.json",
                    Some(Kind::String) => "text.json",
                    _ => "object.json",
                };
                add("--body", folder.join(name).display().to_string());
            }
            if line.starts_with("Time range (--interval") {
                add("--interval", "2024-05-01/2024-05-08".to_owned());
            }
            if is_offered(line, "--wait-for-data") {
                add("--wait-for-data", "1h".to_owned());
            }
            if section == "Fields of a record" && line.starts_with("  ") && name != "JSON" {
                fields.push(name);
            }
        }
        if !fields.is_empty() {
            add("--fields", fields.join(","));
        }
        add("--out", "q.jsonl".to_owned());
        words
    }

    #[test]
    fn export_accepts_everything_that_describe_shows() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, body) in [("object.json", "{}"), ("list.json", "[]"), ("text.json", "\"\"")] {
            std::fs::write(folder.path().join(name), body).expect("a file");
        }
        let (mut exported, mut refused) = (0, Vec::new());
        for entry in Catalogue::embedded().operations() {
            let kind = specs::kind(Catalogue::embedded(), entry).expect("a kind");
            let mut text = Vec::new();
            write(&mut text, entry).expect("a description");
            let text = String::from_utf8(text).expect("text");
            if matches!(kind, OperationKind::Single | OperationKind::Accepted) {
                for option in ["--interval", "--results-param", "--wait-for-data", SET_BY_EXPORT] {
                    assert!(!text.contains(option), "{text}");
                }
                continue;
            }
            let words = offered(entry, &text, folder.path());
            let cli =
                Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            let Command::Export(options) = cli.command else { panic!("{words:?}") };
            match export::check(ExportSettings::resolve(*options).expect("settings")) {
                Ok(()) => exported += 1,
                // The description says so, too.
                Err(error) if error.to_string().contains("its jobs have no results") => {}
                Err(error) => refused.push(format!("{}: {error}", words[1..].join(" "))),
            }
        }
        assert!(refused.is_empty(), "{} refused\n{}", refused.len(), refused.join("\n"));
        assert!(exported > 900, "{exported}");
    }
}
