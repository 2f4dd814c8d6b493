//! The columns of records.

use std::fmt;

#[cfg(feature = "parquet")]
use genesys_cloud_arrow::RecordSchema;
use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

/// The columns of a table, in the order of the API document or of the selection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    columns: Vec<Column>,
    chosen: bool,
    /// Paths of the fields that differ in each export, whatever the record.
    of_export: Vec<String>,
    #[cfg(feature = "parquet")]
    types: Option<RecordSchema>,
}

/// A column of a table: a field of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The path of the field, with dots between names, such as `division.name`.
    pub path: String,
    /// The type of its values.
    pub kind: ColumnKind,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Strings.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Date-times.
    DateTime,
    /// Dates.
    Date,
    /// Lists, maps and objects, as JSON.
    Json,
    /// JSON whose text is kept as the API sent it, including spaces and the order of fields.
    JsonText,
}

impl Columns {
    /// Returns the columns. Empty if the API document does not describe the records.
    pub fn all(&self) -> &[Column] {
        &self.columns
    }

    /// Returns whether the user has selected the columns.
    pub fn are_chosen(&self) -> bool {
        self.chosen
    }

    /// Sets the schema of the records, for Parquet. Its columns replace these: a column for each field of the records,
    /// with real nested types.
    #[cfg(feature = "parquet")]
    #[must_use]
    pub fn with_types(self, schema: RecordSchema) -> Self {
        Self { types: Some(schema), ..self }
    }

    /// Returns the schema of the records, if set.
    #[cfg(feature = "parquet")]
    pub fn types(&self) -> Option<&RecordSchema> {
        self.types.as_ref()
    }

    /// Returns all fields in the API document, including those of nested objects. Deeper objects are one JSON column.
    pub fn of(item: Option<&Schema>) -> Self {
        let mut columns = Vec::new();
        if let Some(item) = item {
            for (name, schema) in properties(item) {
                let nested = properties(schema);
                if nested.is_empty() {
                    columns.push(Column { path: name.clone(), kind: kind(schema) });
                }
                for (inner, schema) in nested {
                    columns.push(Column { path: format!("{name}.{inner}"), kind: kind(schema) });
                }
            }
        }
        Self { columns, ..Self::default() }
    }

    /// Adds columns before all others, for fields that the export adds to each record. Selected columns stay as they
    /// are: the selection may name these fields.
    #[must_use]
    pub fn after(mut self, added: &[Column]) -> Self {
        if !self.chosen {
            self.columns.splice(0..0, added.iter().cloned());
        }
        self
    }

    /// Adds columns after all others, for fields that the export adds to each record. Leaves out those that are selected.
    #[must_use]
    pub fn followed_by(mut self, added: &[Column]) -> Self {
        for column in added {
            if !self.columns.iter().any(|known| known.path == column.path) {
                self.columns.push(column.clone());
            }
        }
        self
    }

    /// Marks fields that differ in each export, such as its time. A record that differs from its row only in these is
    /// unchanged, and an upsert leaves the row as it is.
    #[must_use]
    pub fn of_export(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.of_export.extend(paths);
        self
    }

    /// Returns whether a field differs in each export, whatever the record.
    pub fn is_of_export(&self, path: &str) -> bool {
        self.of_export.iter().any(|known| known == path)
    }

    /// Selects fields, in this order.
    ///
    /// # Errors
    /// If a name is empty or repeated. If `unchecked` is false and the API document describes the record: if it does not
    /// have the field.
    pub fn chosen(
        fields: &[String],
        item: Option<&Schema>,
        unchecked: bool,
    ) -> Result<Self, FieldError> {
        Self::chosen_with(fields, &[], item, unchecked)
    }

    /// Selects fields, in this order. They may be among `added`, the fields that the export adds to each record.
    ///
    /// # Errors
    /// As [`chosen`](Self::chosen).
    pub fn chosen_with(
        fields: &[String],
        added: &[Column],
        item: Option<&Schema>,
        unchecked: bool,
    ) -> Result<Self, FieldError> {
        let mut columns: Vec<Column> = Vec::new();
        for path in fields {
            if path.is_empty() {
                return Err(FieldError::Empty);
            }
            if columns.iter().any(|known| known.path == *path) {
                return Err(FieldError::Repeated { path: path.clone() });
            }
            if let Some(added) = added.iter().find(|added| added.path == *path) {
                columns.push(added.clone());
                continue;
            }
            let kind = match item {
                Some(item) if !unchecked => {
                    let found = find(item, path).map_err(|error| error.with_known(added))?;
                    found.map_or(ColumnKind::Json, kind)
                }
                _ => ColumnKind::Json,
            };
            columns.push(Column { path: path.clone(), kind });
        }
        Ok(Self { columns, chosen: true, ..Self::default() })
    }
}

/// Why a field can't be a column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// The name is empty.
    Empty,
    /// The field is selected twice.
    Repeated {
        /// The path of the field.
        path: String,
    },
    /// The path enters a list.
    InList {
        /// The path of the list.
        list: String,
        /// The name that follows.
        name: String,
    },
    /// Records do not have the field.
    Unknown {
        /// The path of the field.
        path: String,
        /// The unknown name in the path.
        name: String,
        /// The path before that name, empty or with a dot at its end.
        parent: String,
        /// The known names.
        known: Vec<String>,
    },
}

impl FieldError {
    /// Adds the fields that the export adds to the known names.
    fn with_known(mut self, added: &[Column]) -> Self {
        if let Self::Unknown { parent, known, .. } = &mut self
            && parent.is_empty()
        {
            known.splice(0..0, added.iter().map(|column| column.path.clone()));
        }
        self
    }
}

impl FieldError {
    /// Returns the error for a field within this one.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        match &mut self {
            Self::Empty => {}
            Self::Repeated { path } => *path = format!("{outer}.{path}"),
            Self::InList { list, .. } => *list = format!("{outer}.{list}"),
            Self::Unknown { path, parent, .. } => {
                *path = format!("{outer}.{path}");
                *parent = format!("{outer}.{parent}");
            }
        }
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty field name"),
            Self::Repeated { path } => write!(f, "`{path}` is given twice"),
            Self::InList { list, name } => {
                write!(f, "`{list}` is a list and has no field `{name}`")
            }
            Self::Unknown { path, .. } => write!(f, "records have no field `{path}`"),
        }
    }
}

impl std::error::Error for FieldError {}

/// Finds the field at a path of a record. `None` if the API document does not describe that part of the record.
///
/// # Errors
/// If the API document describes the record without this field.
pub fn find<'a>(item: &'a Schema, path: &str) -> Result<Option<&'a Schema>, FieldError> {
    let mut schema = item;
    let (mut walked, mut rest) = (String::new(), path);
    while !rest.is_empty() {
        let known = properties(schema);
        // A name may contain dots.
        let is_next = |name: &&(String, Schema)| {
            rest.strip_prefix(&*name.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let next = known.iter().filter(is_next).max_by_key(|(name, _)| name.len());
        let name = match next {
            Some((name, _)) => &rest[..name.len()],
            None => rest.split('.').next().unwrap_or_default(),
        };
        if Catalogue::embedded().resolve(schema).items.is_some() {
            let list = walked.trim_end_matches('.').to_owned();
            return Err(FieldError::InList { list, name: name.to_owned() });
        }
        if known.is_empty() {
            return Ok(None);
        }
        let Some((_, found)) = next else {
            return Err(FieldError::Unknown {
                path: path.to_owned(),
                name: name.to_owned(),
                parent: walked,
                known: known.iter().map(|(name, _)| name.clone()).collect(),
            });
        };
        walked = format!("{walked}{name}.");
        rest = rest[name.len()..].trim_start_matches('.');
        schema = found;
    }
    Ok(Some(schema))
}

/// Returns the fields of an object. Empty for other schemas.
pub fn properties(schema: &Schema) -> &[(String, Schema)] {
    &Catalogue::embedded().resolve(schema).properties
}

pub(crate) fn kind(schema: &Schema) -> ColumnKind {
    let schema = Catalogue::embedded().resolve(schema);
    match (schema.kind, schema.format.as_deref()) {
        (Some(Kind::Boolean), _) => ColumnKind::Boolean,
        (Some(Kind::Integer), _) => ColumnKind::Integer,
        (Some(Kind::Number), _) => ColumnKind::Number,
        (Some(Kind::String), Some("date-time")) => ColumnKind::DateTime,
        (Some(Kind::String), Some("date")) => ColumnKind::Date,
        (Some(Kind::String), _) => ColumnKind::Text,
        _ => ColumnKind::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Option<&'static Schema> {
        Catalogue::embedded().definition("Queue")
    }

    #[test]
    fn nested_objects_are_dotted_columns_and_deeper_objects_json() {
        let columns = Columns::of(queue());
        let kind_of =
            |path: &str| columns.all().iter().find(|it| it.path == path).map(|it| it.kind);
        for (path, kind) in [
            ("id", Some(ColumnKind::Text)),
            ("memberCount", Some(ColumnKind::Integer)),
            ("dateCreated", Some(ColumnKind::DateTime)),
            ("division", None),
            ("division.name", Some(ColumnKind::Text)),
            ("mediaSettings.call", Some(ColumnKind::Json)),
            ("routingRules", Some(ColumnKind::Json)),
            ("autoAnswerOnly", Some(ColumnKind::Boolean)),
        ] {
            assert_eq!(kind_of(path), kind, "{path}");
        }
        assert_eq!(columns.all()[0].path, "id");
    }

    #[test]
    fn rejects_unknown_and_repeated_fields() {
        let chosen = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            Columns::chosen(&fields, queue(), false)
        };
        let columns =
            chosen(&["name", "mediaSettings.call.alertingTimeoutSeconds"]).expect("columns");
        assert_eq!(columns.all()[1].kind, ColumnKind::Integer);
        let error = chosen(&["division.nam"]).expect_err("no such field");
        let FieldError::Unknown { path, name, parent, known } = error else {
            panic!("{error}");
        };
        assert_eq!((&*path, &*name, &*parent), ("division.nam", "nam", "division."));
        assert!(known.iter().any(|it| it == "name"), "{known:?}");
        for (fields, text) in [
            (&["id", "id"][..], "`id` is given twice"),
            (&[""], "empty field name"),
            (&["memberGroups.x"], "`memberGroups` is a list and has no field `x`"),
        ] {
            assert_eq!(chosen(fields).expect_err("refused").to_string(), text);
        }
    }
}
