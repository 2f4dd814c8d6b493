//! Filters and orders that the document defines for a list.

use std::cmp::Ordering;

use genesys_cloud_catalogue::{Location, Operation};
use serde_json::Value;

use super::record::EntityWriter;
use crate::journal::RecordedRequest;
use crate::name::NameFilter;
use crate::query::Query;
use crate::shape::Shape;

/// The records that a request selects, and their order.
#[derive(Debug)]
pub(crate) struct Selection {
    filters: Vec<Filter>,
    /// The field to sort by, and whether in descending order.
    sort: Option<(String, bool)>,
}

/// A condition on one field.
#[derive(Debug)]
enum Filter {
    Name(NameFilter),
    /// The value of the field is one of these, ignoring case.
    OneOf(&'static str, Vec<String>),
}

/// The parameters that select by the value of a field: parameter, and JSON pointer.
const FIELDS: [(&str, &str); 6] = [
    ("id", "/id"),
    ("ids", "/id"),
    ("state", "/state"),
    ("divisionId", "/division/id"),
    ("divisionIds", "/division/id"),
    ("enabled", "/enabled"),
];

impl Selection {
    /// The selection of a request, as far as the operation defines the parameters.
    pub(crate) fn of(operation: &Operation, request: &RecordedRequest) -> Self {
        Self::of_query(operation, Query::new(&request.query))
    }

    /// The selection of the query of a request.
    pub(crate) fn of_query(operation: &Operation, query: Query<'_>) -> Self {
        let is_defined =
            |name: &str| operation.parameters_in(Location::Query).any(|it| it.name == name);
        let value = |name: &str| query.get(name).filter(|_| is_defined(name));
        let mut filters = Vec::new();
        if let Some(name) = value("name") {
            filters.push(Filter::Name(NameFilter::new(&name)));
        }
        for (name, pointer) in FIELDS.into_iter().filter(|(name, _)| is_defined(name)) {
            // Several values are repeated parameters, or separated by commas.
            let values = query.pairs().filter(|(given, _)| given == name);
            let values = values.flat_map(|(_, value)| {
                value.split(',').map(str::to_ascii_lowercase).collect::<Vec<_>>()
            });
            let values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
            // "any" is the value that switches a filter off.
            if !values.is_empty() && !values.iter().any(|value| value == "any") {
                filters.push(Filter::OneOf(pointer, values));
            }
        }
        let descends = value("sortOrder").is_some_and(|order| {
            let order = order.to_ascii_lowercase();
            order.starts_with("desc")
        });
        let by = value("sortBy").map(|field| field.into_owned());
        let sort = by.or_else(|| value("sortOrder").map(|_| "name".to_owned()));
        Self { filters, sort: sort.map(|field| (field, descends)) }
    }

    /// Whether all records pass, in their order.
    fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.sort.is_none()
    }

    /// The positions of the selected records, in the requested order.
    pub(crate) fn apply(&self, shape: &Shape, writer: &EntityWriter) -> Vec<u64> {
        let alive = &writer.positions;
        if self.is_empty() {
            return alive.to_vec();
        }
        let records = alive.iter().map(|&index| (index, writer.value(shape, index)));
        let mut records: Vec<_> = records
            .filter(|(_, record)| self.filters.iter().all(|filter| filter.accepts(record)))
            .map(|(index, record)| (self.key(&record), index))
            .collect();
        if let Some((_, descends)) = &self.sort {
            records.sort_by(|(one, _), (other, _)| {
                let order = compare(one, other);
                if *descends { order.reverse() } else { order }
            });
        }
        records.into_iter().map(|(_, index)| index).collect()
    }

    /// The value that determines the place of a record.
    fn key(&self, record: &Value) -> Value {
        let Some((field, _)) = &self.sort else { return Value::Null };
        record.pointer(&format!("/{}", field.replace('.', "/"))).cloned().unwrap_or_default()
    }
}

impl Filter {
    fn accepts(&self, record: &Value) -> bool {
        match self {
            Self::Name(filter) => {
                record["name"].as_str().is_some_and(|name| filter.accepts(name.as_bytes()))
            }
            Self::OneOf(pointer, values) => match record.pointer(pointer) {
                Some(Value::String(text)) => values.contains(&text.to_ascii_lowercase()),
                Some(value) => values.contains(&value.to_string()),
                None => false,
            },
        }
    }
}

/// Numbers by size, texts without case; missing values first.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one.as_f64().partial_cmp(&other.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => one.to_lowercase().cmp(&other.to_lowercase()),
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (one, other) => one.to_string().cmp(&other.to_string()),
    }
}
