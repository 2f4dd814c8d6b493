//! The parents of a list that is read once for each of them.

use genesys_cloud_catalogue::{Catalogue, Location, Operation as Entry, Parameter, Schema};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{RawItem, Request, lenient};
use genesys_cloud_sinks::{Column, ColumnKind, Columns, properties};

use super::document::Section;
use super::error::{Wrong, unknown};
use super::parameters;
use super::table::{item, operation, readable, rust_name};
use crate::canonical;

/// The list of parents, and the parameters that each of them sets.
#[derive(Clone, Debug)]
pub(crate) struct Parents {
    pub(crate) entry: &'static Entry,
    pub(crate) kind: OperationKind,
    pub(crate) request: Request,
    pub(crate) bindings: Vec<Binding>,
}

/// A parameter that a parent sets.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    parameter: String,
    location: Location,
    /// The path of the field of the parent.
    pub(crate) field: String,
    /// The field that records get.
    pub(crate) column: Column,
}

impl Parents {
    /// Returns the columns that records get.
    pub(crate) fn columns(&self) -> Vec<Column> {
        self.bindings.iter().map(|binding| binding.column.clone()).collect()
    }

    /// Returns the values of a parent as JSON. `None` if it lacks one.
    pub(crate) fn values(&self, parent: &RawItem) -> Option<Vec<String>> {
        let json = parent.json().ok()?.get();
        let values = self.bindings.iter().map(|binding| {
            let pointer = format!("/{}", binding.field.replace('.', "/"));
            canonical::scalar(lenient::at(json, &pointer)?)
        });
        values.collect()
    }

    /// Sets the parameters of a list to the values of a parent. Without values, sending the request fails.
    pub(crate) fn bind(&self, request: &mut Request, values: Option<&[String]>) {
        for (at, Binding { parameter, location, .. }) in self.bindings.iter().enumerate() {
            let json = values.and_then(|values| values.get(at));
            let text = json.map(|json| match lenient::text(json, false) {
                Some((text, _)) => text.into_owned(),
                None => json.clone(),
            });
            match (location, text) {
                (Location::Query, Some(text)) => {
                    request.set_query(parameter.clone(), text);
                }
                (Location::Header, Some(text)) => {
                    request.set_header(parameter, text);
                }
                (_, text) => {
                    request.set_path(parameter.clone(), text.unwrap_or_default());
                }
            }
        }
    }
}

/// Reads `for_each` of a table. The inner `None` if there were faults.
pub(super) fn parents(
    section: &Section<'_>,
    entry: &'static Entry,
    item_of_child: Option<&Schema>,
) -> Option<Option<Parents>> {
    let Some((name, span)) = section.text("for_each") else {
        for key in ["for_each_params", "bind"] {
            if section.get(key).is_some() {
                let wrong = Wrong::new(format!("`{key}` needs `for_each`"));
                section.fault(section.place(key), wrong);
            }
        }
        return section.get("for_each").map(|_| None);
    };
    Some(read(section, (name, span), entry, item_of_child))
}

fn read(
    section: &Section<'_>,
    (name, span): (&str, std::ops::Range<usize>),
    entry: &'static Entry,
    item_of_child: Option<&Schema>,
) -> Option<Parents> {
    let parent = operation(name).map_err(|wrong| section.fault(span.clone(), wrong)).ok()?;
    let kind = readable(parent).map_err(|wrong| section.fault(span.clone(), wrong)).ok()?;
    if !matches!(kind, OperationKind::List(_)) {
        let text = format!("`for_each` takes a list, but {} submits a job", rust_name(parent));
        section.fault(span, Wrong::new(text));
        return None;
    }
    let request =
        parameters::request(section, ("for_each_params", None), (parent, &kind), (&[], None));
    let item = item(parent, &kind);
    let mut bindings = Vec::new();
    let mut is_valid = true;
    for parameter in to_bind(section, entry) {
        match field(section, (parameter, entry), (parent, item), span.clone()) {
            Some((field, column_kind)) => bindings.push(Binding {
                parameter: parameter.name.clone(),
                location: parameter.location,
                field,
                column: Column { path: column(parameter, item_of_child), kind: column_kind },
            }),
            None => is_valid = false,
        }
    }
    for (key, _) in section.section("bind").iter().flat_map(|bind| bind.keys.iter()) {
        if entry.parameter(key.get_ref()).is_none() {
            let names: Vec<String> = entry.parameters.iter().map(|it| it.name.clone()).collect();
            let text = format!("{} has no parameter `{}`", entry.id, key.get_ref());
            section.fault(key.span(), unknown(text, key.get_ref(), &names));
            is_valid = false;
        }
    }
    if bindings.is_empty() && is_valid {
        let text = format!("{} has no path parameter that `for_each` could set", rust_name(entry));
        let advice = "name the parameter: `bind = { PARAMETER = \"FIELD\" }`";
        section.fault(span, Wrong::new(text).advise(advice));
        return None;
    }
    let request = request.filter(|_| is_valid)?;
    Some(Parents { entry: parent, kind, request, bindings })
}

/// Returns the parameters that parents set: those in the path that are not given, and those in `bind`.
fn to_bind<'e>(section: &Section<'_>, entry: &'e Entry) -> Vec<&'e Parameter> {
    let has = |key: &str, name: &str| {
        let inner = section.get(key).and_then(|value| value.get_ref().as_table());
        inner.is_some_and(|keys| keys.get(name).is_some())
    };
    let is_open = |it: &&Parameter| {
        has("bind", &it.name) || it.location == Location::Path && !has("params", &it.name)
    };
    entry.parameters.iter().filter(is_open).collect()
}

/// Returns the field of the parents that a parameter is set to, and the type of its values.
fn field(
    section: &Section<'_>,
    (parameter, entry): (&Parameter, &Entry),
    (parent, item): (&'static Entry, Option<&'static Schema>),
    span: std::ops::Range<usize>,
) -> Option<(String, ColumnKind)> {
    let name = &parameter.name;
    let bind = section.section("bind");
    let (field, span) = match bind.as_ref().and_then(|bind| bind.text(name)) {
        Some((field, span)) => (field.to_owned(), span),
        None if bind.as_ref().is_some_and(|bind| bind.get(name).is_some()) => return None,
        None => {
            let tag = entry.tag().ok().flatten();
            let known = tag.into_iter().flat_map(|tag| tag.parents);
            let known = known.filter(|it| it.parameter == *name).find_map(|it| it.list);
            match known {
                Some(list) if list.operation == parent.id => (list.field, span),
                known => {
                    let text = format!(
                        "the records of {} are not known to have the `{name}` of {}",
                        rust_name(parent),
                        rust_name(entry)
                    );
                    let list = known.and_then(|it| Catalogue::embedded().operation(&it.operation));
                    let advice = match list {
                        Some(list) => format!("use `for_each = \"{}\"`", rust_name(list)),
                        None => format!("name the field: `bind = {{ {name} = \"FIELD\" }}`"),
                    };
                    section.fault(span, Wrong::new(text).advise(advice));
                    return None;
                }
            }
        }
    };
    match Columns::chosen(std::slice::from_ref(&field), item, false) {
        Ok(columns) => {
            let kind = columns.all().first().map(|column| column.kind);
            Some((field, kind.filter(|it| *it != ColumnKind::Json).unwrap_or(ColumnKind::Text)))
        }
        Err(error) => {
            let text = format!("`bind.{name}`: {error}");
            let names: Vec<String> =
                item.into_iter().flat_map(properties).map(|(name, _)| name.clone()).collect();
            section.fault(span, unknown(text, &field, &names));
            None
        }
    }
}

/// Returns the name of the field that records get: that of the parameter, unless records have a field of that name.
fn column(parameter: &Parameter, item: Option<&Schema>) -> String {
    let name = &parameter.name;
    let is_taken = item.is_some_and(|item| properties(item).iter().any(|(known, _)| known == name));
    let mut letters = name.chars();
    match (is_taken, letters.next()) {
        (true, Some(first)) => format!("parent{}{}", first.to_uppercase(), letters.as_str()),
        _ => name.clone(),
    }
}
