//! Arrow arrays as JSON, written independently of the decoder.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Field};
use genesys_cloud_arrow::{arrow_array, arrow_schema};
use genesys_cloud_core::chrono::{DateTime, NaiveDate, TimeDelta};
use genesys_cloud_core::serde_json::{self, Map, Value, json};

/// Returns the rows of a batch. Nulls are left out of objects.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Value> {
    let all: ArrayRef = Arc::new(StructArray::from(batch.clone()));
    let field = Field::new("row", all.data_type().clone(), true);
    (0..batch.num_rows()).map(|row| value(&all, &field, row)).collect()
}

fn is_json(field: &Field) -> bool {
    field.metadata().get("ARROW:extension:name").is_some_and(|name| name == "arrow.json")
}

fn value(array: &ArrayRef, field: &Field, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match field.data_type() {
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            match is_json(field) {
                true => serde_json::from_str(text).expect("JSON"),
                false => text.into(),
            }
        }
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            DateTime::from_timestamp_micros(micros).expect("a time").to_rfc3339().into()
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            (NaiveDate::default() + TimeDelta::days(days.into())).to_string().into()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            let values = columns
                .map(|(column, field)| (field.name().clone(), value(column, field, row)))
                .filter(|(_, value)| !value.is_null());
            Value::Object(values.collect())
        }
        DataType::List(element) => {
            let list = array.as_list::<i32>().value(row);
            (0..list.len()).map(|at| value(&list, element, at)).collect()
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(fields) = entries.data_type() else { panic!("{entries}") };
            let map = array.as_map().value(row);
            let keys = map.column(0).as_string::<i32>();
            let entry =
                |at: usize| (keys.value(at).to_owned(), value(map.column(1), &fields[1], at));
            Value::Object((0..map.len()).map(entry).collect())
        }
        other => panic!("{other}"),
    }
}

/// Returns what a row must have for a record: the fields of the schema, with times in one form.
pub(crate) fn expected(record: &Value, fields: &[Arc<Field>]) -> Value {
    let mut object = Map::new();
    for field in fields {
        let value = record.get(field.name()).map_or(Value::Null, |it| expected_value(it, field));
        if !value.is_null() {
            object.insert(field.name().clone(), value);
        }
    }
    Value::Object(object)
}

pub(crate) fn expected_value(value: &Value, field: &Field) -> Value {
    match (field.data_type(), value) {
        (_, Value::Null) => Value::Null,
        (DataType::Utf8, _) if is_json(field) => value.clone(),
        (DataType::Utf8, Value::String(_)) => value.clone(),
        (DataType::Utf8, other) => other.to_string().into(),
        (DataType::Float64, number) => json!(number.as_f64().expect("a number")),
        (DataType::Timestamp(..), Value::String(text)) => {
            let time = DateTime::parse_from_rfc3339(text)
                .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")));
            time.unwrap_or_else(|_| panic!("{text}")).to_utc().to_rfc3339().into()
        }
        (DataType::Struct(fields), record) => expected(record, fields),
        (DataType::List(element), Value::Array(list)) => {
            list.iter().map(|it| expected_value(it, element)).collect()
        }
        (DataType::Map(entries, _), Value::Object(map)) => {
            let DataType::Struct(fields) = entries.data_type() else { panic!("{entries}") };
            let entry =
                |(key, value): (&String, &Value)| (key.clone(), expected_value(value, &fields[1]));
            Value::Object(map.iter().map(entry).collect())
        }
        _ => value.clone(),
    }
}
