//! Arrow arrays from filled columns.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BooleanArray, ListArray, MapArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};

use super::texts::{Texts, take_offsets};
use super::{Column, Values};

impl Column {
    /// Returns the first `len` rows as an array, and starts over.
    pub(crate) fn finish(
        &mut self,
        len: usize,
        data_type: &DataType,
    ) -> Result<ArrayRef, ArrowError> {
        self.go_to(len);
        let nulls = self.nulls.finish();
        Ok(match (&mut self.values, data_type) {
            (Values::Text(texts) | Values::Json(texts), _) => Arc::new(strings(texts, nulls)?),
            (Values::Boolean(flags), _) => Arc::new(BooleanArray::new(flags.finish(), nulls)),
            (Values::Int32(values), _) => primitive::<Int32Type>(values, nulls, data_type)?,
            (Values::Int64(values), _) => primitive::<Int64Type>(values, nulls, data_type)?,
            (Values::Double(values), _) => primitive::<Float64Type>(values, nulls, data_type)?,
            (Values::Timestamp(values) | Values::LocalTimestamp(values), _) => {
                primitive::<TimestampMicrosecondType>(values, nulls, data_type)?
            }
            (Values::Date(values), _) => primitive::<Date32Type>(values, nulls, data_type)?,
            (Values::Struct(_, columns), DataType::Struct(fields)) => {
                let arrays = arrays(columns, len, fields)?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, len)?)
            }
            (Values::List(offsets, element), DataType::List(field)) => {
                let (offsets, count) = ends(take_offsets(offsets));
                let values = element.finish(count, field.data_type())?;
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?)
            }
            (Values::Map(map), DataType::Map(field, is_sorted)) => {
                let (offsets, count) = ends(map.take_offsets());
                let DataType::Struct(fields) = field.data_type() else { return Err(mismatch()) };
                let value = fields.get(1).ok_or_else(mismatch)?;
                let keys = Arc::new(strings(&mut map.keys, None)?);
                let values = map.values.finish(count, value.data_type())?;
                let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
                let field = Arc::clone(field);
                Arc::new(MapArray::try_new(field, offsets, entries, nulls, *is_sorted)?)
            }
            _ => return Err(mismatch()),
        })
    }

    /// Returns the columns of a struct as arrays of `len` rows, and starts over.
    pub(crate) fn finish_fields(
        &mut self,
        len: usize,
        fields: &Fields,
    ) -> Result<Vec<ArrayRef>, ArrowError> {
        let Values::Struct(_, columns) = &mut self.values else { return Err(mismatch()) };
        self.nulls.finish();
        arrays(columns, len, fields)
    }
}

fn arrays(
    columns: &mut [Column],
    len: usize,
    fields: &Fields,
) -> Result<Vec<ArrayRef>, ArrowError> {
    let array = |(column, field): (&mut Column, &Arc<Field>)| column.finish(len, field.data_type());
    columns.iter_mut().zip(fields).map(array).collect()
}

fn strings(texts: &mut Texts, nulls: Option<NullBuffer>) -> Result<StringArray, ArrowError> {
    let (offsets, bytes) = texts.take();
    StringArray::try_new(OffsetBuffer::new(offsets.into()), Buffer::from_vec(bytes), nulls)
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> Result<ArrayRef, ArrowError> {
    let next = Vec::with_capacity(values.len());
    let values = ScalarBuffer::from(std::mem::replace(values, next));
    let array = PrimitiveArray::<T>::try_new(values, nulls)?;
    Ok(Arc::new(array.with_data_type(data_type.clone())))
}

/// Returns the offsets, and the number of elements.
fn ends(offsets: Vec<i32>) -> (OffsetBuffer<i32>, usize) {
    let count = offsets.last().map_or(0, |end| *end as usize);
    (OffsetBuffer::new(offsets.into()), count)
}

/// Both come from the same shape.
fn mismatch() -> ArrowError {
    ArrowError::SchemaError("a column has another type than its field".to_owned())
}
