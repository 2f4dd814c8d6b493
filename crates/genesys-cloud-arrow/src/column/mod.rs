//! Columns that are being filled from JSON.

mod finish;
mod keys;
mod map;
mod scalar;
mod texts;

use std::sync::Arc;

use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder};
use genesys_cloud_core::{Fault, OnBadValue};
use serde_json::value::RawValue;

use self::keys::Keys;
use self::map::Map;
use self::scalar::Changed;
use self::texts::{Texts, pad_offsets, truncate_offsets};
use crate::reject::Change;
use crate::scanner::{Invalid, Scanner};
use crate::shape::{FieldShape, Shape};

/// The most faults that are named of one record.
const MOST_FAULTS: usize = 20;

/// A column, and those within it.
///
/// Rows without a value are only added before the next value or at the end, so an absent field costs nothing. A column
/// may therefore have fewer rows than the one around it, or, while a record is being read, one more.
pub(crate) struct Column {
    /// The path of the field, with names of the API.
    path: Arc<str>,
    leaves: usize,
    nulls: NullBufferBuilder,
    values: Values,
}

enum Values {
    Text(Texts),
    Json(Texts),
    Boolean(BooleanBufferBuilder),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Double(Vec<f64>),
    Timestamp(Vec<i64>),
    LocalTimestamp(Vec<i64>),
    Date(Vec<i32>),
    Struct(Keys, Vec<Column>),
    List(Vec<i32>, Box<Column>),
    Map(Map),
}

/// What is known while a record is being read.
pub(crate) struct Context {
    pub(crate) on_bad_value: OnBadValue,
    pub(crate) faults: Vec<Fault>,
    /// The changed values of the record, each with the path of its field.
    pub(crate) changes: Vec<(Arc<str>, Change)>,
    /// The number of values of the batch so far, nulls included.
    pub(crate) cells: usize,
    /// The number of values at which a record is refused: an empty object of three bytes may have hundreds.
    pub(crate) most_cells: usize,
}

/// Why a record is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is not JSON.
    Invalid,
    /// A value does not fit, and must not become null: the last fault.
    Refused,
}

/// Why a value is not added.
enum Flaw {
    Stop(Stop),
    /// It does not fit. The value may be read in part.
    Unfit(String),
}

impl From<Invalid> for Stop {
    fn from(_: Invalid) -> Self {
        Self::Invalid
    }
}

impl From<Invalid> for Flaw {
    fn from(_: Invalid) -> Self {
        Self::Stop(Stop::Invalid)
    }
}

impl From<Stop> for Flaw {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl Context {
    /// Counts the values of an element of a list or map.
    fn count(&mut self, leaves: usize) -> Result<(), Flaw> {
        self.cells += leaves;
        match self.cells <= self.most_cells {
            true => Ok(()),
            false => Err(Flaw::Unfit("too many elements".to_owned())),
        }
    }

    fn fault(&mut self, field: &str, reason: String) {
        // The record itself has no path.
        let field = Some(field).filter(|field| !field.is_empty());
        let is_new = || self.faults.iter().all(|known| known.field.as_deref() != field);
        if self.faults.len() < MOST_FAULTS && is_new() {
            self.faults.push(Fault { field: field.map(str::to_owned), reason });
        }
    }
}

impl Column {
    pub(crate) fn new(path: &str, shape: &Shape) -> Self {
        let values = match shape {
            Shape::Text => Values::Text(Texts::new()),
            Shape::Json => Values::Json(Texts::new()),
            Shape::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            Shape::Int32 => Values::Int32(Vec::new()),
            Shape::Int64 => Values::Int64(Vec::new()),
            Shape::Double => Values::Double(Vec::new()),
            Shape::Timestamp => Values::Timestamp(Vec::new()),
            Shape::LocalTimestamp => Values::LocalTimestamp(Vec::new()),
            Shape::Date => Values::Date(Vec::new()),
            Shape::Struct(fields) => {
                let keys = Keys::new(fields.iter().map(|field| &*field.api));
                Values::Struct(keys, Self::of_fields(path, fields))
            }
            Shape::List(element) => Values::List(vec![0], Box::new(Self::new(path, element))),
            Shape::Map(value) => Values::Map(Map::new(Self::new(path, value))),
        };
        let nulls = NullBufferBuilder::new(0);
        Self { path: path.into(), leaves: shape.leaves(), nulls, values }
    }

    fn of_fields(path: &str, fields: &[FieldShape]) -> Vec<Self> {
        let column = |field: &FieldShape| match path {
            "" => Self::new(&field.api, &field.shape),
            path => Self::new(&format!("{path}.{}", field.api), &field.shape),
        };
        fields.iter().map(column).collect()
    }

    /// Reads a value into a row. A value that was read into this row before is replaced: of duplicate fields, the last
    /// one counts.
    ///
    /// After an error the columns within may have parts of the row; see [`truncate`](Self::truncate).
    #[inline]
    pub(crate) fn read(
        &mut self,
        json: &mut Scanner<'_>,
        row: usize,
        context: &mut Context,
    ) -> Result<(), Stop> {
        if json.null() {
            if self.nulls.len() > row {
                self.truncate(row);
            }
            return Ok(());
        }
        let (start, cells, changes) = (*json, context.cells, context.changes.len());
        match self.push(json, row, context) {
            Ok(()) => Ok(()),
            Err(Flaw::Stop(stop)) => Err(stop),
            Err(Flaw::Unfit(reason)) => {
                context.fault(&self.path, reason);
                if context.on_bad_value != OnBadValue::Null {
                    return Err(Stop::Refused);
                }
                self.truncate(row);
                context.cells = cells;
                context.changes.truncate(changes);
                *json = start;
                json.value()?;
                Ok(())
            }
        }
    }

    /// Reads a value into the only field of this struct.
    pub(crate) fn read_only_field(
        &mut self,
        json: &mut Scanner<'_>,
        row: usize,
        context: &mut Context,
    ) -> Result<(), Stop> {
        match &mut self.values {
            Values::Struct(_, columns) => {
                columns.iter_mut().try_for_each(|column| column.read(json, row, context))
            }
            _ => Ok(()),
        }
    }

    /// Reads a value into each field of this struct.
    pub(crate) fn read_each(
        &mut self,
        values: &[Option<&RawValue>],
        row: usize,
        context: &mut Context,
    ) -> Result<(), Stop> {
        let Values::Struct(_, columns) = &mut self.values else { return Err(Stop::Invalid) };
        for (column, value) in columns.iter_mut().zip(values) {
            if let Some(value) = value {
                column.read(&mut Scanner::new(value.get()), row, context)?;
            }
        }
        Ok(())
    }

    /// The names in this struct that have no column.
    pub(crate) fn unknown_fields(&self) -> impl Iterator<Item = String> {
        let keys = match &self.values {
            Values::Struct(keys, _) => Some(keys),
            _ => None,
        };
        keys.into_iter().flat_map(Keys::unknown)
    }

    /// Whether a row has a value.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.nulls.len() > row
    }

    fn push(
        &mut self,
        json: &mut Scanner<'_>,
        row: usize,
        context: &mut Context,
    ) -> Result<(), Flaw> {
        if self.nulls.len() != row {
            self.go_to(row);
        }
        let mut change = None;
        match &mut self.values {
            Values::Text(texts) => change = scalar::text(json, texts)?,
            Values::Json(texts) => change = scalar::json(json.value()?, texts),
            Values::Boolean(flags) => flags.append(scalar::flag(json.value()?)?),
            Values::Int32(numbers) => numbers.push(scalar::int32(json.value()?)?),
            Values::Int64(numbers) => numbers.push(scalar::int64(json.value()?)?),
            Values::Double(numbers) => numbers.push(scalar::double(json.value()?)?),
            Values::Timestamp(times) => push(scalar::instant(json.value()?)?, times, &mut change),
            Values::LocalTimestamp(times) => {
                push(scalar::local(json.value()?)?, times, &mut change);
            }
            Values::Date(days) => push(scalar::date(json.value()?)?, days, &mut change),
            Values::Struct(keys, columns) => {
                scalar::open(json, b'{', "an object")?;
                read_fields(keys, columns, json, row, context)?;
            }
            Values::List(offsets, element) => {
                scalar::open(json, b'[', "a list")?;
                let mut next = offsets.last().map_or(0, |end| *end as usize);
                if !json.take(b']') {
                    loop {
                        context.count(element.leaves)?;
                        element.read(json, next, context)?;
                        next += 1;
                        if !json.take(b',') {
                            json.expect(b']')?;
                            break;
                        }
                    }
                }
                offsets.push(i32::try_from(next).map_err(|_| Stop::Invalid)?);
            }
            Values::Map(map) => {
                scalar::open(json, b'{', "an object")?;
                map.read(json, context, &self.path)?;
            }
        }
        if let Some(change) = change {
            context.changes.push((Arc::clone(&self.path), change));
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Adds nulls up to a row, or removes it.
    #[cold]
    fn go_to(&mut self, row: usize) {
        match row.checked_sub(self.nulls.len()) {
            Some(count) => self.pad(count),
            None => self.truncate(row),
        }
    }

    fn pad(&mut self, count: usize) {
        self.nulls.append_n_nulls(count);
        match &mut self.values {
            Values::Text(texts) | Values::Json(texts) => texts.pad(count),
            Values::Boolean(flags) => flags.advance(count),
            Values::Int32(numbers) | Values::Date(numbers) => {
                numbers.resize(numbers.len() + count, 0);
            }
            Values::Int64(numbers)
            | Values::Timestamp(numbers)
            | Values::LocalTimestamp(numbers) => numbers.resize(numbers.len() + count, 0),
            Values::Double(numbers) => numbers.resize(numbers.len() + count, 0.0),
            Values::Struct(..) => {}
            Values::List(offsets, _) => pad_offsets(offsets, count),
            Values::Map(map) => pad_offsets(&mut map.offsets, count),
        }
    }

    /// Removes all rows from `row` on, also from columns that were left with a part of it.
    pub(crate) fn truncate(&mut self, row: usize) {
        if self.nulls.len() > row {
            self.nulls.truncate(row);
        }
        match &mut self.values {
            Values::Text(texts) | Values::Json(texts) => texts.truncate(row),
            Values::Boolean(flags) if flags.len() > row => flags.truncate(row),
            Values::Boolean(_) => {}
            Values::Int32(numbers) | Values::Date(numbers) => numbers.truncate(row),
            Values::Int64(numbers)
            | Values::Timestamp(numbers)
            | Values::LocalTimestamp(numbers) => numbers.truncate(row),
            Values::Double(numbers) => numbers.truncate(row),
            Values::Struct(_, columns) => columns.iter_mut().for_each(|it| it.truncate(row)),
            Values::List(offsets, element) => element.truncate(truncate_offsets(offsets, row)),
            Values::Map(map) => map.truncate(row),
        }
    }
}

#[inline]
fn push<T>((value, changed): Changed<T>, values: &mut Vec<T>, change: &mut Option<Change>) {
    values.push(value);
    *change = changed;
}

/// Reads the rest of an object, after its brace.
fn read_fields(
    keys: &mut Keys,
    columns: &mut [Column],
    json: &mut Scanner<'_>,
    row: usize,
    context: &mut Context,
) -> Result<(), Stop> {
    if json.take(b'}') {
        return Ok(());
    }
    let mut last = 0;
    loop {
        match keys.take(json, &mut last)?.and_then(|at| columns.get_mut(at)) {
            Some(column) => column.read(json, row, context)?,
            None => drop(json.value()?),
        }
        if !json.take(b',') {
            return Ok(json.expect(b'}')?);
        }
    }
}
