//! The types of columns, as a tree.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// The key of a field's metadata with the comment of the API document.
pub(crate) const DESCRIPTION: &str = "description";

/// The key of a field's metadata with the name in the API, if the column has another one.
pub(crate) const API_NAME: &str = "genesys_cloud.name";

/// The Arrow extension type of JSON text.
const JSON: &str = "arrow.json";

/// A field of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldShape {
    /// The name in the API.
    pub(crate) api: String,
    /// The name of the column.
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) shape: Shape,
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Text,
    /// Any value, as JSON text.
    Json,
    Boolean,
    Int32,
    Int64,
    Double,
    /// A point in time.
    Timestamp,
    /// A date and time of day without a zone.
    LocalTimestamp,
    Date,
    Struct(Vec<FieldShape>),
    List(Box<Shape>),
    Map(Box<Shape>),
}

impl Shape {
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::LocalTimestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Date => DataType::Date32,
            Self::Struct(fields) => DataType::Struct(arrow_fields(fields)),
            Self::List(element) => DataType::List(Arc::new(element.field("item"))),
            Self::Map(value) => {
                let entry = [Field::new("key", DataType::Utf8, false), value.field("value")];
                let entry = DataType::Struct(Fields::from_iter(entry));
                DataType::Map(Arc::new(Field::new("entries", entry, false)), false)
            }
        }
    }

    /// Returns a nullable field of this type.
    fn field(&self, name: &str) -> Field {
        let field = Field::new(name, self.data_type(), true);
        match self {
            Self::Json => field.with_metadata(HashMap::from([
                (EXTENSION_TYPE_NAME_KEY.to_owned(), JSON.to_owned()),
                (EXTENSION_TYPE_METADATA_KEY.to_owned(), String::new()),
            ])),
            _ => field,
        }
    }

    /// The number of columns without the structs around them.
    pub(crate) fn leaves(&self) -> usize {
        self.leaves_to(usize::MAX)
    }

    /// The number of columns if everything deeper than `depth` is JSON text.
    pub(crate) fn leaves_to(&self, depth: usize) -> usize {
        let Some(below) = depth.checked_sub(1) else { return 1 };
        match self {
            Self::Struct(fields) => fields.iter().map(|it| it.shape.leaves_to(below)).sum(),
            Self::List(element) => element.leaves_to(below),
            Self::Map(value) => 1 + value.leaves_to(below),
            _ => 1,
        }
    }

    /// The number of structs, lists and maps within each other, and one for the innermost value.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Struct(fields) => {
                1 + fields.iter().map(|it| it.shape.depth()).max().unwrap_or_default()
            }
            Self::List(inner) | Self::Map(inner) => 1 + inner.depth(),
            _ => 1,
        }
    }

    /// Replaces everything deeper than `depth` by JSON text.
    pub(crate) fn cut(&mut self, depth: usize) {
        match self {
            Self::Struct(_) | Self::List(_) | Self::Map(_) if depth <= 1 => *self = Self::Json,
            Self::Struct(fields) => fields.iter_mut().for_each(|it| it.shape.cut(depth - 1)),
            Self::List(inner) | Self::Map(inner) => inner.cut(depth - 1),
            _ => {}
        }
    }
}

/// Returns whether a field is JSON text.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION_TYPE_NAME_KEY).is_some_and(|name| name == JSON)
}

/// Returns the fields of a struct or a schema.
pub(crate) fn arrow_fields(fields: &[FieldShape]) -> Fields {
    let field = |shape: &FieldShape| {
        let mut field = shape.shape.field(&shape.name);
        let mut metadata = field.metadata().clone();
        if let Some(description) = &shape.description {
            metadata.insert(DESCRIPTION.to_owned(), description.clone());
        }
        if shape.api != shape.name {
            metadata.insert(API_NAME.to_owned(), shape.api.clone());
        }
        field.set_metadata(metadata);
        field
    };
    fields.iter().map(field).collect()
}
