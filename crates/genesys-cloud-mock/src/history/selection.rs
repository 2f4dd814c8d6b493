//! Filters and orders that the document defines for a list.

use std::cmp::Ordering;
use std::sync::Arc;

use genesys_cloud_catalogue::{Location, Operation};
use serde_json::{Map, Value};

use super::record::EntityWriter;
use super::search::Search;
use crate::journal::RecordedRequest;
use crate::name::NameFilter;
use crate::paging::decode_search;
use crate::query::Query;
use crate::response::CannedResponse;
use crate::shape::Shape;

/// The records that a request selects, and their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    filters: Vec<Filter>,
    search: Search,
    /// The field to sort by, and whether in descending order.
    sort: Option<(String, bool)>,
}

/// A condition on one field.
#[derive(Debug, Clone, PartialEq)]
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
    pub(crate) fn of(
        operation: &Operation,
        request: &RecordedRequest,
    ) -> Result<Self, CannedResponse> {
        let mut selection = Self::of_query(operation, Query::new(&request.query))?;
        if operation.method == "POST" && operation.path.ends_with("/search") {
            selection.add(&serde_json::from_slice(&request.body).unwrap_or_default())?;
        }
        Ok(selection)
    }

    /// The selection of the query of a request.
    pub(crate) fn of_query(
        operation: &Operation,
        query: Query<'_>,
    ) -> Result<Self, CannedResponse> {
        let mut selection = Self::of_parameters(operation, query);
        let takes_search = operation.parameters_in(Location::Query).any(|it| it.name == "q64");
        let search = query.get("q64").filter(|_| takes_search);
        if let Some(search) = search.and_then(|q64| decode_search(&q64)) {
            selection.add(&search)?;
        }
        Ok(selection)
    }

    /// Adds the criteria and the order of a search.
    fn add(&mut self, search: &Map<String, Value>) -> Result<(), CannedResponse> {
        self.search = Search::of(search)?;
        let first = search.get("sort").and_then(|sort| sort.get(0)).and_then(Value::as_object);
        let order = first.unwrap_or(search);
        let text = |name: &str| order.get(name).and_then(Value::as_str);
        let descends = text("sortOrder").is_some_and(is_descending);
        self.sort = text("sortBy").map(|field| (field.to_owned(), descends)).or(self.sort.take());
        Ok(())
    }

    /// The selection by the parameters of a request, other than a search.
    fn of_parameters(operation: &Operation, query: Query<'_>) -> Self {
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
            let mut values: Vec<_> = values.filter(|value| !value.is_empty()).collect();
            // Only users have a state by default: they are active.
            let default = operation.parameter(name).and_then(|it| it.default.as_ref()?.as_str());
            if let Some(default) = default.filter(|_| name == "state" && values.is_empty()) {
                values.push(default.to_ascii_lowercase());
            }
            // "any" is the value that switches a filter off.
            if !values.is_empty() && !values.iter().any(|value| value == "any") {
                filters.push(Filter::OneOf(pointer, values));
            }
        }
        let descends = value("sortOrder").is_some_and(|order| is_descending(&order));
        let by = value("sortBy").map(|field| field.into_owned());
        let sort = by.or_else(|| value("sortOrder").map(|_| "name".to_owned()));
        let sort = sort.map(|field| (field, descends));
        Self { filters, search: Search::default(), sort }
    }

    /// Whether all records pass, in their order.
    pub(super) fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.search.is_empty() && self.sort.is_none()
    }

    /// The positions of the selected records, in the requested order.
    pub(crate) fn apply(&self, shape: &Shape, writer: &EntityWriter) -> Arc<Vec<u64>> {
        if self.is_empty() {
            return Arc::clone(&writer.positions);
        }
        let records = writer.positions.iter().map(|&index| (index, writer.value(shape, index)));
        let mut records: Vec<_> = records
            .filter(|(_, record)| {
                self.filters.iter().all(|filter| filter.accepts(record))
                    && self.search.accepts(record)
            })
            .map(|(index, record)| (self.key(&record), index))
            .collect();
        if let Some((_, descends)) = &self.sort {
            records.sort_by(|(one, _), (other, _)| {
                let order = compare(one, other);
                if *descends { order.reverse() } else { order }
            });
        }
        Arc::new(records.into_iter().map(|(_, index)| index).collect())
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

fn is_descending(order: &str) -> bool {
    order.to_ascii_lowercase().starts_with("desc")
}

/// Numbers by size, texts without case; missing values first.
pub(super) fn compare(one: &Value, other: &Value) -> Ordering {
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
