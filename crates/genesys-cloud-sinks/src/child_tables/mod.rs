//! Child tables: the elements of nested lists as rows, with the keys of their parents.

mod lists;
mod names;
mod outputs;
mod scanner;
mod sink;
mod splitter;

use std::collections::BTreeSet;
use std::fmt;

#[cfg(feature = "parquet")]
use genesys_cloud_arrow::{Names, SchemaError};
use genesys_cloud_catalogue::{Catalogue, Schema};

pub use self::lists::lists;
#[cfg(feature = "postgres")]
pub(crate) use self::outputs::{Outputs, Rows};
pub use self::sink::SplitSink;
use self::splitter::{Splitter, Table};
use crate::columns::{Column, ColumnKind, Columns, FieldError, kind, properties};

/// The field of an element that is not an object.
const VALUE: &str = "value";

/// The child tables of records: one for each list on the given paths.
///
/// A row of a child table has the key of its record, then for each list on its path the ID of the element, if the API
/// document has one, and its position from 0. Its own fields follow, without lists that are child tables themselves. An
/// element that is not an object is in the field `value`.
///
/// ```
/// use genesys_cloud_catalogue::Catalogue;
/// use genesys_cloud_sinks::{ChildTables, Columns};
///
/// let conversation = Catalogue::embedded().definition("AnalyticsConversation").unwrap();
/// let key = Columns::chosen(&["conversationId".to_owned()], Some(conversation), false)?;
/// let paths = ["participants.sessions".to_owned()];
/// let tables = ChildTables::new(conversation, "AnalyticsConversation", key.all(), &paths)?;
/// let names: Vec<&str> = tables.all().iter().map(|table| table.path()).collect();
/// assert_eq!(names, ["participants", "participants.sessions"]);
/// let columns = tables.all()[1].columns().all().iter().map(|column| column.path.as_str());
/// let keys = ["conversationId", "participantId", "participantIndex", "sessionIndex"];
/// assert_eq!(columns.take(4).collect::<Vec<_>>(), keys);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChildTables {
    tables: Vec<ChildTable>,
    splitter: Splitter,
    /// Paths of the fields that the record has the key in.
    key: Vec<String>,
    /// The schema of the record without lists that are child tables.
    record: Schema,
}

/// A child table.
#[derive(Clone, Debug)]
pub struct ChildTable {
    path: String,
    keys: Vec<Column>,
    /// Number of keys that are of the record.
    of_record: usize,
    identity: Vec<Column>,
    columns: Columns,
    /// The selected fields, with the keys; empty for all.
    fields: Vec<String>,
    /// The schema of the elements, without lists that are child tables.
    element: Schema,
    is_of_objects: bool,
}

impl ChildTable {
    /// Returns the path of the list, such as `participants.sessions`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the columns: the keys, then the fields of the elements.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns the columns that identify a row: the key of the record, and the position in each list.
    pub fn identity(&self) -> &[Column] {
        &self.identity
    }

    /// Returns the columns with the key of the record.
    pub fn record_key(&self) -> &[Column] {
        &self.keys[..self.of_record]
    }
}

/// Why a path can't become a child table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExplodeError {
    /// The path is empty.
    Empty,
    /// The path does not end at a list, or enters a value that has no fields.
    NotAList {
        /// The path to that value.
        path: String,
        /// What it is instead, such as `a map`.
        found: &'static str,
    },
    /// Records do not have the field.
    Unknown {
        /// The path.
        path: String,
        /// The unknown name in the path.
        name: String,
        /// The path before that name, empty or with a dot at its end.
        parent: String,
        /// The known names.
        known: Vec<String>,
    },
}

impl fmt::Display for ExplodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty path"),
            Self::NotAList { path, found } => write!(f, "`{path}` is {found}, not a list"),
            Self::Unknown { path, .. } => write!(f, "records have no list `{path}`"),
        }
    }
}

impl std::error::Error for ExplodeError {}

/// A list that becomes a child table.
struct List<'a> {
    path: String,
    /// The table of its parent: 0 for the record.
    parent: usize,
    /// The names from the parent.
    names: Vec<String>,
    element: &'a Schema,
}

impl List<'_> {
    fn is_within(&self, other: &Self) -> bool {
        self.path == other.path
            || self.path.strip_prefix(&other.path).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl ChildTables {
    /// Makes a child table of each list on the paths: `participants` and `participants.sessions` for
    /// `participants.sessions`. `item` is the schema of the records and `of` its name; the fields `key` identify a record.
    ///
    /// # Errors
    /// If a path does not end at a list of the API document.
    pub fn new(
        item: &Schema,
        of: &str,
        key: &[Column],
        paths: &[String],
    ) -> Result<Self, ExplodeError> {
        let lists = found(item, paths)?;
        let is_field_of = |list: &List<'_>, name: &str| {
            properties(list.element).iter().any(|(known, _)| known == name)
        };
        let mut known = BTreeSet::new();
        let mut record = Table::default();
        let mut of_record = Vec::new();
        for (slot, column) in key.iter().enumerate() {
            let name = if column.path == "id" { names::id_of(of) } else { column.path.clone() };
            let is_field = |name: &str| lists.iter().any(|list| is_field_of(list, name));
            let path = names::key(name, &mut known, is_field);
            record.node(&lists::names(item, &column.path)).key = Some(slot);
            record.keys.push(splitter::name(&path));
            of_record.push(Column { path, kind: column.kind });
        }
        let mut tables = vec![record];
        // The keys that the children of each table have, and those of them that identify a row.
        let mut inherited = vec![(of_record.clone(), of_record.clone())];
        let mut children = Vec::new();
        for (at, list) in lists.iter().enumerate() {
            let is_field = |with: bool| {
                let below = lists.iter().filter(move |it| it.is_within(list));
                let below = below.filter(move |it| with || it.path != list.path);
                move |name: &str| below.clone().any(|it| is_field_of(it, name))
            };
            let singular = names::singular(list.names.last().map_or("", String::as_str));
            let (mut of_children, mut identity) = inherited[list.parent].clone();
            let mut known = of_children.iter().map(|key| key.path.clone()).collect();
            let index = names::key(format!("{singular}Index"), &mut known, is_field(true));
            let mut table = Table::of_elements(&index);
            let index = Column { path: index, kind: ColumnKind::Integer };
            let mut keys = of_children.clone();
            keys.push(index.clone());
            identity.push(index.clone());
            if let Some((name, schema)) = lists::id(list.element, &singular) {
                // The elements have the field; the rows of their lists get it as a key.
                let path = names::key(format!("{singular}Id"), &mut known, is_field(false));
                table.node(std::slice::from_ref(name)).key = Some(0);
                table.keys.push(splitter::name(&path));
                of_children.push(Column { path, kind: kind(schema) });
            }
            of_children.push(index);
            for key in &keys {
                // The document has no such field; a record may.
                table.node(std::slice::from_ref(&key.path)).is_hidden = true;
            }
            inherited.push((of_children, identity.clone()));
            tables.push(table);
            tables[list.parent].node(&list.names).list = Some(at + 1);
            let of_record = of_record.len();
            let element = lists::without(list.element, names_of(&lists, at + 1));
            let is_of_objects = !properties(list.element).is_empty();
            let columns = match is_of_objects {
                true => Columns::of(Some(&element)),
                false => Columns::default().after(&[value(&element)]),
            };
            let (path, columns, fields) = (list.path.clone(), columns.after(&keys), Vec::new());
            children.push(ChildTable {
                path,
                keys,
                of_record,
                identity,
                columns,
                fields,
                element,
                is_of_objects,
            });
        }
        let paths = children.iter().map(|child| child.path.clone()).collect();
        Ok(Self {
            splitter: Splitter::new(tables, paths),
            key: key.iter().map(|column| column.path.clone()).collect(),
            record: lists::without(item, names_of(&lists, 0)),
            tables: children,
        })
    }

    /// Returns the tables. A table comes after that of its parents.
    pub fn all(&self) -> &[ChildTable] {
        &self.tables
    }

    /// Returns the paths of the fields that identify a record.
    pub fn key(&self) -> &[String] {
        &self.key
    }

    /// Returns the schema of the records without the lists that are child tables.
    pub fn record(&self) -> &Schema {
        &self.record
    }

    /// Selects fields of child tables by their whole path, such as `participants.purpose`, and returns the other fields.
    /// A table without selected fields keeps all; keys are always kept.
    ///
    /// # Errors
    /// As [`Columns::chosen`], with the whole path.
    pub fn choose(
        &mut self,
        fields: &[String],
        unchecked: bool,
    ) -> Result<Vec<String>, FieldError> {
        let mut others = Vec::new();
        let mut chosen: Vec<Vec<String>> = vec![Vec::new(); self.tables.len()];
        for field in fields {
            if self.tables.iter().any(|table| table.path == *field) {
                // The whole list, which is all fields of the table.
                continue;
            }
            let inner = |(at, table): (usize, &ChildTable)| {
                Some((at, field.strip_prefix(&table.path)?.strip_prefix('.')?))
            };
            let found = self.tables.iter().enumerate().filter_map(inner);
            match found.min_by_key(|(_, inner)| inner.len()) {
                Some((at, inner)) => chosen[at].push(inner.to_owned()),
                None => others.push(field.clone()),
            }
        }
        let tables = self.tables.iter_mut().zip(chosen);
        for (table, fields) in tables.filter(|(_, fields)| !fields.is_empty()) {
            let mut added = table.keys.clone();
            let element = Some(&table.element).filter(|_| table.is_of_objects);
            if element.is_none() {
                added.push(value(&table.element));
            }
            let keys = table.keys.iter().map(|key| key.path.clone());
            table.fields = keys.chain(fields).collect();
            table.columns = Columns::chosen_with(&table.fields, &added, element, unchecked)
                .map_err(|error| error.within(&table.path))?;
        }
        Ok(others)
    }

    /// Gives the columns of child tables the nested types of the document, for Parquet.
    ///
    /// # Errors
    /// If a selected field has no type.
    #[cfg(feature = "parquet")]
    pub fn with_types(&mut self, names: Names) -> Result<(), SchemaError> {
        for table in self.tables.iter_mut().filter(|table| table.is_of_objects) {
            let element = Some(&table.element);
            table.columns = Columns::typed(&table.fields, (&table.keys, &[]), element, names)?;
        }
        Ok(())
    }
}

/// Returns the lists on the paths, each after its parent.
fn found<'a>(item: &'a Schema, paths: &[String]) -> Result<Vec<List<'a>>, ExplodeError> {
    let mut found: Vec<List<'_>> = Vec::new();
    for path in paths {
        let (mut parent, mut whole) = (0, String::new());
        for step in lists::steps(item, path)? {
            if !whole.is_empty() {
                whole.push('.');
            }
            whole += &step.names.join(".");
            let known = found.iter().position(|list| list.path == whole);
            let at = known.unwrap_or_else(|| {
                let (names, element) = (step.names, Catalogue::embedded().resolve(step.element));
                found.push(List { path: whole.clone(), parent, names, element });
                found.len() - 1
            });
            parent = at + 1;
        }
    }
    Ok(found)
}

/// Returns the names, within a table, of the lists that are tables themselves.
fn names_of<'a>(lists: &'a [List<'_>], table: usize) -> impl Iterator<Item = &'a [String]> {
    lists.iter().filter(move |list| list.parent == table).map(|list| &list.names[..])
}

/// Returns the column of elements that are not objects.
fn value(element: &Schema) -> Column {
    Column { path: VALUE.to_owned(), kind: kind(element) }
}

#[cfg(test)]
mod tests;
