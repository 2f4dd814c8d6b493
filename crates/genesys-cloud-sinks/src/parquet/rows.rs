//! Rows that are decoded from records.

use genesys_cloud_arrow::arrow_array::RecordBatch;
use genesys_cloud_arrow::arrow_schema::SchemaRef;
use genesys_cloud_arrow::{Changes, Decoder, Error, Names, RecordSchema, Rejection, SchemaOptions};
use serde_json::value::RawValue;

use crate::OnBadValue;
use crate::columns::Columns;
use crate::error::SinkError;
use crate::projection::{Projection, unknown_note};
use crate::typed_columns::field;

/// Decodes records, either whole, or the values that a projection selects.
pub(super) struct Rows {
    decoder: Decoder,
    /// Finds the values of columns that have a path. `None` if the schema is nested, like the records.
    projection: Option<Projection>,
    /// Whether to note fields without a column.
    is_watching: bool,
}

impl Rows {
    pub(super) fn new(
        columns: &Columns,
        names: Names,
        on_bad_value: OnBadValue,
    ) -> Result<Self, SinkError> {
        let is_watching = !columns.are_chosen();
        let (schema, projection) = match columns.types() {
            Some(schema) => (schema.clone(), None),
            None => {
                let paths = columns.all().iter().map(|column| column.path.as_str());
                (flat(columns, names)?, Some(Projection::new(paths, is_watching)))
            }
        };
        let decoder = Decoder::new(schema).on_bad_value(on_bad_value);
        Ok(Self { decoder, projection, is_watching })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.decoder.schema().arrow().clone()
    }

    /// Decodes a record into the next row.
    pub(super) fn push(&mut self, record: &RawValue) -> Result<Option<Rejection>, Error> {
        let projection = self.projection.as_mut().filter(|_| record.get().starts_with('{'));
        match projection.map(|projection| projection.select(record)) {
            Some(Ok(found)) => self.decoder.push_values(&found),
            // The decoder says what is wrong with it.
            Some(Err(_)) => self.decoder.push(RawValue::NULL),
            None => self.decoder.push(record),
        }
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.decoder.rows()
    }

    /// Returns the approximate memory of the rows.
    pub(super) fn size(&self) -> usize {
        self.decoder.size()
    }

    /// Returns and removes the rows.
    pub(super) fn take(&mut self) -> Result<RecordBatch, SinkError> {
        self.decoder.finish().map_err(|error| SinkError::new(format!("can't write rows: {error}")))
    }

    /// Returns how many values were changed to fit, by field.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, Changes)> {
        self.decoder.changed_fields()
    }

    /// Returns a note about fields without a column.
    pub(super) fn notes(&self) -> Vec<String> {
        match &self.projection {
            Some(projection) => projection.notes(),
            None if self.is_watching => {
                let unknown = self.decoder.unknown_fields();
                unknown_note(unknown.iter().map(String::as_str)).into_iter().collect()
            }
            None => Vec::new(),
        }
    }
}

/// Returns a schema with a column for each path.
fn flat(columns: &Columns, names: Names) -> Result<RecordSchema, SinkError> {
    let options = SchemaOptions::new().names(names);
    RecordSchema::of_columns(columns.all().iter().map(field), &options)
        .map_err(|error| SinkError::new(format!("the columns have no schema: {error}")))
}
