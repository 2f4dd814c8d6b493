//! Records as columns of a table.

use std::fmt;

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

/// The columns of a table of records, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    chosen: bool,
}

/// A column of a table: a field of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The names of the fields that lead there, joined by dots, such as `division.name`.
    pub path: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Texts.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Points in time, in the form that the API has them.
    DateTime,
    /// Dates.
    Date,
    /// Lists, maps and objects, as JSON.
    Json,
}

impl Columns {
    /// The columns. None, if nothing is known of the records.
    pub fn all(&self) -> &[Column] {
        &self.columns
    }

    /// Whether the user has named them.
    pub fn are_chosen(&self) -> bool {
        self.chosen
    }

    /// All fields that the API document has of a record: those of each nested object too, and what these hold as JSON.
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
        Self { columns, chosen: false }
    }

    /// The fields that a user has named, in that order.
    ///
    /// # Errors
    /// When a name is empty or repeated, or is not a field of the record, if the document describes it and `unchecked`
    /// is false.
    pub fn chosen(
        fields: &[String],
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
            let kind = match item {
                Some(item) if !unchecked => find(item, path)?.map_or(ColumnKind::Json, kind),
                _ => ColumnKind::Json,
            };
            columns.push(Column { path: path.clone(), kind });
        }
        Ok(Self { columns, chosen: true })
    }
}

/// Why a field can't be a column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// Its name is empty.
    Empty,
    /// It is named twice.
    Repeated {
        /// The path of the field.
        path: String,
    },
    /// Its path leads into a list.
    InList {
        /// The path of the list.
        list: String,
        /// The name that follows.
        name: String,
    },
    /// Records have no such field.
    Unknown {
        /// The path of the field.
        path: String,
        /// The name in it that is unknown.
        name: String,
        /// The path before that name, with a dot at its end, or nothing.
        parent: String,
        /// The names of the fields that are there.
        known: Vec<String>,
    },
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name is empty"),
            Self::Repeated { path } => write!(f, "`{path}` is there twice"),
            Self::InList { list, name } => write!(f, "`{list}` is a list, and has no `{name}`"),
            Self::Unknown { path, .. } => write!(f, "records have no field `{path}`"),
        }
    }
}

impl std::error::Error for FieldError {}

/// The field at a path of a record; `None` in what the document does not describe.
///
/// # Errors
/// When the document describes the record, and it has no such field.
pub fn find<'a>(item: &'a Schema, path: &str) -> Result<Option<&'a Schema>, FieldError> {
    let mut schema = item;
    let (mut walked, mut rest) = (String::new(), path);
    while !rest.is_empty() {
        let known = properties(schema);
        // A name may have dots itself.
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

/// The fields of an object, if the schema is one.
pub fn properties(schema: &Schema) -> &[(String, Schema)] {
    &Catalogue::embedded().resolve(schema).properties
}

fn kind(schema: &Schema) -> ColumnKind {
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
    fn nested_objects_are_dotted_columns_and_deeper_ones_json() {
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
    fn fields_are_checked() {
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
            (&["id", "id"][..], "`id` is there twice"),
            (&[""], "a name is empty"),
            (&["memberGroups.x"], "`memberGroups` is a list, and has no `x`"),
        ] {
            assert_eq!(chosen(fields).expect_err("refused").to_string(), text);
        }
    }
}
