//! What a target needs to know about a table.

use genesys_cloud_sinks::Columns;

use crate::deletes::Deletes;

/// The form of a table of the replica.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableSchema {
    /// The name of the table.
    pub name: String,
    /// The fields of the records, with those of the parent first.
    pub columns: Columns,
    /// The paths of the fields that identify a row.
    pub key: Vec<String>,
    /// Whether earlier versions of rows are kept, with `_valid_from`, `_valid_to` and `_is_current`.
    pub history: bool,
    /// What happens to rows of deleted records.
    pub deletes: Deletes,
    /// The kind of [`Place`](crate::Place) that all rows have.
    pub places: PlaceKind,
    /// A checksum of what is read. Rows read with another definition are never deleted.
    pub definition: String,
}

/// A kind of [`Place`](crate::Place).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceKind {
    /// A list.
    List,
    /// The list of a parent.
    Parent,
    /// Days.
    Days,
}
