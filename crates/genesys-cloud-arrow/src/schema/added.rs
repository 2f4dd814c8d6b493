//! Columns that are not in the document.

use std::collections::HashSet;

use arrow_schema::{DataType, Field, TimeUnit};

use super::names::{snake_case, unique};
use super::{Names, SchemaError};
use crate::shape::{DESCRIPTION, FieldShape, Shape, is_json};

/// Returns the fields of added columns, whose names are those in the record.
pub(super) fn fields(
    known: &[FieldShape],
    added: impl IntoIterator<Item = Field>,
    names: Names,
) -> Result<Vec<FieldShape>, SchemaError> {
    let mut in_record: HashSet<&str> = known.iter().map(|field| &*field.api).collect();
    let mut in_schema: HashSet<String> = known.iter().map(|field| field.name.clone()).collect();
    let added: Vec<Field> = added.into_iter().collect();
    let mut fields = Vec::with_capacity(added.len());
    for field in &added {
        let api = field.name();
        if !in_record.insert(api) {
            return Err(SchemaError::Repeated { path: api.clone() });
        }
        let name = match names {
            Names::Api => api.clone(),
            Names::Snake => snake_case(api),
        };
        fields.push(FieldShape {
            api: api.clone(),
            name: unique(name, &mut in_schema),
            description: field.metadata().get(DESCRIPTION).cloned(),
            shape: shape(field)?,
        });
    }
    Ok(fields)
}

fn shape(field: &Field) -> Result<Shape, SchemaError> {
    Ok(match field.data_type() {
        DataType::Utf8 if is_json(field) => Shape::Json,
        DataType::Utf8 => Shape::Text,
        DataType::Boolean => Shape::Boolean,
        DataType::Int32 => Shape::Int32,
        DataType::Int64 => Shape::Int64,
        DataType::Float64 => Shape::Double,
        DataType::Date32 => Shape::Date,
        DataType::Timestamp(TimeUnit::Microsecond, None) => Shape::LocalTimestamp,
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => {
            Shape::Timestamp
        }
        other => {
            let (name, data_type) = (field.name().clone(), other.clone());
            return Err(SchemaError::Unsupported { name, data_type });
        }
    })
}
