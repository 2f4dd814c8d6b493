//! The parameters and the body of a list, checked against the API document.

use chrono::{DateTime, NaiveDate};
use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation as Entry, Parameter, Schema};
use genesys_cloud_core::specs::{self, OperationKind};
use genesys_cloud_core::{ListSpec, Request, Results};
use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::document::{Section, json};
use super::error::{Wrong, unknown};

/// Maximum depth to which a body is checked.
const DEEPEST: usize = 32;

/// Builds the request of a list. `bound` are the parameters that parents set, `interval` the one for the time range.
/// `None` if there were faults.
pub(super) fn request(
    section: &Section<'_>,
    (params_key, body_key): (&str, Option<&str>),
    (entry, kind): (&Entry, &OperationKind),
    (bound, interval): (&[String], Option<&str>),
) -> Option<Request> {
    let operation = match specs::operation(entry) {
        Ok(operation) => operation,
        Err(error) => {
            section.fault_here(Wrong::new(error.to_string()));
            return None;
        }
    };
    let mut request = Request::new(operation);
    let mut is_valid = true;
    let given = section.section(params_key);
    for (name, value) in given.iter().flat_map(|given| given.keys.iter()) {
        if let Err(wrong) = set(&mut request, (entry, kind), (name.get_ref(), value), interval) {
            section.fault(value.span(), wrong);
            is_valid = false;
        }
    }
    let is_given = |name: &str| given.is_some_and(|given| given.get(name).is_some());
    for name in bound.iter().filter(|name| is_given(name)) {
        let text = format!("`{name}` is set by `for_each`; omit it here");
        section.fault(section.place(params_key), Wrong::new(text));
        is_valid = false;
    }
    for parameter in entry.parameters.iter().filter(|it| it.required && !is_given(&it.name)) {
        let name = &parameter.name;
        if !bound.contains(name) && interval != Some(name) {
            let text = format!("{} requires the parameter `{name}`", entry.id);
            section.fault(
                section.place(params_key),
                Wrong::new(text).advise(format!("add `{params_key}.{name}`")),
            );
            is_valid = false;
        }
    }
    let body = body_key.and_then(|key| Some((key, section.get(key)?)));
    match (&entry.body, body) {
        (Some(known), Some((key, value))) => {
            let body = json(value.get_ref());
            let mut faults = Vec::new();
            if let Some(name) = interval.filter(|name| body.get(name).is_some()) {
                faults.push(Wrong::new(format!("`{name}` is set by `since`; omit it here")));
            }
            check_body(&known.schema, &body, (key, DEEPEST), &mut faults);
            is_valid &= faults.is_empty();
            faults.into_iter().for_each(|wrong| section.fault(value.span(), wrong));
            request.set_body(&body);
        }
        (None, Some((key, value))) => {
            let text = format!("{} takes no body", entry.id);
            section.fault(value.span(), Wrong::new(text).advise(format!("omit `{key}`")));
            is_valid = false;
        }
        (Some(known), None) if known.required && interval.is_none() => {
            let text = format!("{} requires a body", entry.id);
            section.fault_here(Wrong::new(text).advise("add `body`"));
            is_valid = false;
        }
        (_, None) => {}
    }
    is_valid.then_some(request)
}

/// Sets one parameter.
fn set(
    request: &mut Request,
    (entry, kind): (&Entry, &OperationKind),
    (name, value): (&str, &Spanned<DeValue<'_>>),
    interval: Option<&str>,
) -> Result<(), Wrong> {
    let Some(parameter) = entry.parameter(name) else {
        let names: Vec<String> = entry.parameters.iter().map(|it| it.name.clone()).collect();
        let text = format!("{} has no parameter `{name}`", entry.id);
        return Err(unknown(text, name, &names));
    };
    if interval == Some(name) {
        return Err(Wrong::new(format!("`{name}` is set by `since`; omit it here")));
    }
    if !parameter.required && pages(kind).is_some_and(|list| list.chooses_page(name)) {
        let text = format!("`{name}` selects a page, but a sync reads all pages");
        return Err(Wrong::new(text).advise("omit it"));
    }
    let is_list = parameter.kind == Kind::Array;
    let values = match value.get_ref() {
        DeValue::Array(items) if is_list => items.iter().map(Spanned::get_ref).collect(),
        value => vec![value],
    };
    for value in values {
        let text = match json(value) {
            Value::String(text) => text,
            Value::Array(_) | Value::Object(_) | Value::Null => {
                return Err(Wrong::new(format!("`{name}` takes {}", takes(parameter))));
            }
            other => other.to_string(),
        };
        check(parameter, &text)?;
        match parameter.location {
            Location::Path => request.set_path(name.to_owned(), text),
            Location::Header => request.set_header(name, text),
            _ if is_list && parameter.collection_format.as_deref() != Some("multi") => {
                let joined = match request.query(name) {
                    Some(before) => format!("{before},{text}"),
                    None => text,
                };
                request.set_query(name.to_owned(), joined)
            }
            _ if is_list => request.add_query(name.to_owned(), text),
            _ => request.set_query(name.to_owned(), text),
        };
    }
    Ok(())
}

/// Returns the list whose page a request of the operation itself selects.
pub(super) fn pages(kind: &OperationKind) -> Option<&ListSpec> {
    match kind {
        OperationKind::List(list) => Some(list),
        OperationKind::Job(family) => match family.results() {
            Results::List(_, list) if family.is_job_per_page() => Some(list),
            _ => None,
        },
        OperationKind::Single | OperationKind::Accepted => None,
    }
}

/// Checks a value against its parameter.
fn check(parameter: &Parameter, value: &str) -> Result<(), Wrong> {
    let name = &parameter.name;
    let fits = match (kind(parameter), format(parameter)) {
        (Some(Kind::Integer), Some("int32")) => value.parse::<i32>().is_ok(),
        (Some(Kind::Integer), _) => value.parse::<i64>().is_ok(),
        (Some(Kind::Number), _) => value.parse::<f64>().is_ok_and(f64::is_finite),
        (Some(Kind::Boolean), _) => matches!(value, "true" | "false"),
        (_, Some("date" | "date-time")) => {
            DateTime::parse_from_rfc3339(value).is_ok() || value.parse::<NaiveDate>().is_ok()
        }
        _ => true,
    };
    if !fits {
        return Err(Wrong::new(format!("`{name}` takes {}, not `{value}`", takes(parameter))));
    }
    if value.is_empty() && parameter.location == Location::Path {
        return Err(Wrong::new(format!("`{name}` must not be empty")));
    }
    let listed = parameter.items.as_ref().map_or(&parameter.values, |items| &items.values);
    let listed: Vec<String> =
        listed.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    match listed.is_empty() || listed.iter().any(|known| known == value) {
        true => Ok(()),
        false => Err(unknown(format!("`{name}` has no value `{value}`"), value, &listed)),
    }
}

fn kind(parameter: &Parameter) -> Option<Kind> {
    match &parameter.items {
        Some(items) => items.kind,
        None => Some(parameter.kind),
    }
}

fn format(parameter: &Parameter) -> Option<&str> {
    match &parameter.items {
        Some(items) => items.format.as_deref(),
        None => parameter.format.as_deref(),
    }
}

fn takes(parameter: &Parameter) -> &'static str {
    match (kind(parameter), format(parameter)) {
        (Some(Kind::Integer), _) => "an integer",
        (Some(Kind::Number), _) => "a number",
        (Some(Kind::Boolean), _) => "true or false",
        (_, Some("date")) => "a date such as 2026-01-01",
        (_, Some("date-time")) => "a date-time such as 2026-01-01T12:00:00Z",
        _ => "a string",
    }
}

/// Notes fields that the document does not have, or has with another type.
fn check_body(schema: &Schema, body: &Value, (path, depth): (&str, usize), out: &mut Vec<Wrong>) {
    let schema = Catalogue::embedded().resolve(schema);
    let wanted = match (schema.kind, body) {
        (Some(Kind::Array), Value::Array(_)) | (_, Value::Null) => None,
        (Some(Kind::Array), _) => Some("a list"),
        (Some(Kind::Boolean), body) if !body.is_boolean() => Some("true or false"),
        (Some(Kind::Integer), body) if !body.is_i64() => Some("an integer"),
        (Some(Kind::Number), body) if !body.is_number() => Some("a number"),
        (Some(Kind::String), body) if !body.is_string() => Some("a string"),
        _ => None,
    };
    if let Some(wanted) = wanted {
        out.push(Wrong::new(format!("`{path}` takes {wanted}")));
        return;
    }
    if depth == 0 {
        return;
    }
    if let (Value::Array(items), Some(schema)) = (body, schema.items.as_deref()) {
        for (at, item) in items.iter().enumerate() {
            check_body(schema, item, (&format!("{path}[{at}]"), depth - 1), out);
        }
    }
    for (name, value) in body.as_object().into_iter().flatten() {
        let inner = format!("{path}.{name}");
        match (schema.property(name), schema.additional_properties.as_deref()) {
            (Some(schema), _) | (None, Some(schema)) => {
                check_body(schema, value, (&inner, depth - 1), out);
            }
            // A schema without properties allows any value.
            (None, None) if schema.properties.is_empty() => {}
            (None, None) => {
                let names: Vec<String> =
                    schema.properties.iter().map(|(name, _)| name.clone()).collect();
                out.push(unknown(format!("`{path}` has no field `{name}`"), name, &names));
            }
        }
    }
}
