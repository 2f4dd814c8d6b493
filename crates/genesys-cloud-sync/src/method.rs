//! How the changes of a table are found.

use std::fmt;

use genesys_cloud_catalogue::{Kind, Location, Operation as Entry, Parameter, Schema};
use genesys_cloud_core::Request;
use genesys_cloud_sinks::properties;

/// How a sync finds the changes of a table. It follows from the API document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// The operation takes a time range: the part since the last run is read, and the last days again.
    TimeRange,
    /// The operation sorts by time of change: the list is read until a record that the last run had seen. A complete
    /// comparison is made from time to time, because this finds no deletes.
    Modified,
    /// The list is read completely, and each record is compared with its row by a hash.
    Comparison,
}

impl Method {
    /// Returns a short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeRange => "time range",
            Self::Modified => "time of change",
            Self::Comparison => "comparison",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The parameters that sort a list by time of change, the latest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SortByChange {
    by: (String, String),
    order: (String, String),
    /// The field of the record with the time of change.
    pub(crate) field: String,
}

impl SortByChange {
    /// Finds the parameters, if the document has them and the record has the field.
    pub(crate) fn of(entry: &Entry, item: Option<&Schema>) -> Option<Self> {
        if entry.method != "GET" {
            return None;
        }
        let query = |name: &str| entry.parameters_in(Location::Query).find(|it| it.name == name);
        let (by, order) = (query("sortBy")?, query("sortOrder")?);
        let is_change =
            |value: &&str| matches!(&*value.to_lowercase(), "datemodified" | "modifieddate");
        let value = values(by).find(is_change)?;
        let descending = values(order).find(|value| value.to_lowercase().starts_with("desc"))?;
        let is_field = |name: &str| name.eq_ignore_ascii_case(value);
        let (field, _) = properties(item?).iter().find(|(name, schema)| {
            is_field(name)
                && schema.kind == Some(Kind::String)
                && schema.format.as_deref() == Some("date-time")
        })?;
        Some(Self {
            by: (by.name.clone(), value.to_owned()),
            order: (order.name.clone(), descending.to_owned()),
            field: field.clone(),
        })
    }

    /// Returns whether a request has another order.
    pub(crate) fn is_overridden_in(&self, request: &Request) -> bool {
        request.query(&self.by.0).is_some() || request.query(&self.order.0).is_some()
    }

    pub(crate) fn set(&self, request: &mut Request) {
        for (name, value) in [&self.by, &self.order] {
            request.set_query(name.clone(), value.clone());
        }
    }
}

fn values(parameter: &Parameter) -> impl Iterator<Item = &str> {
    parameter.values.iter().filter_map(|value| value.as_str())
}

#[cfg(test)]
mod tests {
    use genesys_cloud_catalogue::Catalogue;
    use genesys_cloud_core::specs;

    use super::*;

    #[test]
    fn lists_that_sort_by_time_of_change_are_found_in_the_document() {
        let catalogue = Catalogue::embedded();
        let sorted = catalogue.operations().filter_map(|entry| {
            let kind = specs::kind(catalogue, entry).ok()?;
            let item = specs::record(catalogue, entry, &kind).map(|item| catalogue.resolve(item));
            SortByChange::of(entry, item).map(|sort| format!("{} {}", entry.id, sort.field))
        });
        let sorted: Vec<String> = sorted.collect();
        for list in [
            "getScripts modifiedDate",
            "getGuides dateModified",
            "getLearningAssignments dateModified",
            "getRoutingSmsPhonenumbers dateModified",
        ] {
            assert!(sorted.iter().any(|it| it == list), "{list} {sorted:?}");
        }
        assert!(!sorted.iter().any(|it| it.starts_with("getRoutingQueues ")));
    }
}
