//! Why there is no such schema.

use std::fmt;

use arrow_schema::DataType;
use genesys_cloud_core::specs;

/// Why a list or a selection of fields has no schema.
#[derive(Debug)]
#[non_exhaustive]
pub enum SchemaError {
    /// The entry of the operation in the catalogue is malformed.
    Catalogue(specs::Error),
    /// The operation does not list.
    NoList {
        /// The operationId.
        operation: String,
    },
    /// No field is selected, or the path of a field is empty.
    Empty,
    /// The field is selected, or added, twice.
    Repeated {
        /// The path of the field.
        path: String,
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
    /// The path enters a value without fields, such as a map or JSON text.
    NoFields {
        /// The path of the field.
        path: String,
        /// The path of the value.
        parent: String,
    },
    /// The field is not a list.
    NoElements {
        /// The path of the field.
        path: String,
    },
    /// The records are not objects, so that no field can be added.
    NoRecord,
    /// An added column has a type that records do not have.
    Unsupported {
        /// The name of the column.
        name: String,
        /// Its type.
        data_type: DataType,
    },
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalogue(source) => source.fmt(f),
            Self::NoList { operation } => write!(f, "`{operation}` does not return a list"),
            Self::Empty => f.write_str("empty field name"),
            Self::Repeated { path } => write!(f, "`{path}` is given twice"),
            Self::Unknown { path, .. } => write!(f, "records have no field `{path}`"),
            Self::NoElements { path } => write!(f, "`{path}` is not a list"),
            Self::NoRecord => f.write_str("the records are not objects and have no fields"),
            Self::Unsupported { name, data_type } => {
                write!(f, "`{name}`: a column of a record can't have the type {data_type}")
            }
            Self::NoFields { parent, .. } => {
                write!(f, "`{parent}` has no fields of its own; select the whole value")
            }
        }
    }
}

impl std::error::Error for SchemaError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its own message is the message of this error.
            Self::Catalogue(source) => std::error::Error::source(source),
            _ => None,
        }
    }
}
