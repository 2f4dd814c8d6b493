//! Decodes the JSON text of records into a record batch.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use genesys_cloud_core::{Fault, OnBadValue};
use serde_json::value::RawValue;

use crate::column::{Column, Context, Stop};
use crate::error::Error;
use crate::reject::{Changes, Rejection};
use crate::scanner::Scanner;
use crate::schema::RecordSchema;
use crate::shape::Shape;

/// The most bytes of JSON in a batch: offsets have 32 bits.
const MOST_BYTES: usize = i32::MAX as usize;

/// The most values of one record, nulls included.
const MOST_CELLS: usize = 1 << 24;

/// The most names of fields without a column.
const MOST_UNKNOWN: usize = 20;

/// The memory of a value, nulls included.
const CELL: usize = 8;

/// Decodes the JSON text of records, one by one, into a [`RecordBatch`].
///
/// The text is read once, straight into the columns; fields without a column are skipped. Values are read in every form
/// that the API sends, like those of the bindings: `25.0`, `1e3` and `"25"` are integers, and dates and times have many
/// forms. Text columns take other values as their JSON text. Of duplicate fields the last one counts.
///
/// ```
/// use genesys_cloud_arrow::{Decoder, RecordSchema};
/// use genesys_cloud_catalogue::Catalogue;
/// use genesys_cloud_core::serde_json::value::RawValue;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let catalogue = Catalogue::embedded();
/// let queues = catalogue.operation("routing.queues").expect("an operation of the API");
/// let mut decoder = Decoder::new(RecordSchema::of(catalogue, queues)?);
/// decoder.push(&RawValue::from_string(r#"{"name": "Support", "memberCount": "7"}"#.to_owned())?)?;
/// let batch = decoder.finish()?;
/// assert_eq!(batch.num_rows(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Decoder {
    schema: RecordSchema,
    root: Column,
    /// The number of columns.
    leaves: usize,
    rows: usize,
    /// The number of records that were decoded or skipped, over all batches.
    records: u64,
    /// The length of the JSON texts of the batch.
    bytes: usize,
    context: Context,
    /// How many values were changed to fit, over all batches: in total, and by the path of their field.
    changes: Changes,
    changed_fields: BTreeMap<Arc<str>, Changes>,
}

impl Decoder {
    /// Creates a decoder that fails on bad values.
    pub fn new(schema: RecordSchema) -> Self {
        let root = Column::new("", &Shape::Struct(schema.fields().to_vec()));
        let context = Context {
            on_bad_value: OnBadValue::Fail,
            faults: Vec::new(),
            changes: Vec::new(),
            cells: 0,
            most_cells: 0,
        };
        let leaves = schema.columns();
        Self {
            schema,
            root,
            leaves,
            rows: 0,
            records: 0,
            bytes: 0,
            context,
            changes: Changes::default(),
            changed_fields: BTreeMap::new(),
        }
    }

    /// Sets what happens to values that do not fit their column.
    pub fn on_bad_value(mut self, on_bad_value: OnBadValue) -> Self {
        self.context.on_bad_value = on_bad_value;
        self
    }

    pub(crate) fn policy(&self) -> OnBadValue {
        self.context.on_bad_value
    }

    /// The number of records so far, decoded or skipped, which is the position of the next one.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Returns the schema.
    pub fn schema(&self) -> &RecordSchema {
        &self.schema
    }

    /// Returns the number of rows of the batch so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the approximate memory of the batch so far, in bytes.
    pub fn size(&self) -> usize {
        self.bytes + CELL * self.context.cells
    }

    /// Returns how many values were changed to fit, over all batches.
    pub fn changes(&self) -> Changes {
        self.changes
    }

    /// Returns how many values were changed to fit, over all batches, by the path of their field with names of the API.
    pub fn changed_fields(&self) -> impl Iterator<Item = (&str, Changes)> {
        self.changed_fields.iter().map(|(path, changes)| (&**path, *changes))
    }

    /// Returns the names of fields of the records that have no column, in order. At most 20, without the fields of
    /// nested objects.
    pub fn unknown_fields(&self) -> BTreeSet<String> {
        self.root.unknown_fields().take(MOST_UNKNOWN).collect()
    }

    /// Adds a record. Returns what was wrong with it, if it was skipped or has nulls instead of bad values.
    ///
    /// # Errors
    /// If a value does not fit and [`OnBadValue::Fail`] is set, or the batch would be larger than 2 GiB. The batch is as
    /// before, and the decoder can be used.
    pub fn push(&mut self, record: &RawValue) -> Result<Option<Rejection>, Error> {
        self.push_with(record.get().len(), |this| this.read(record.get()))
    }

    /// Adds a record by the values of its columns, in the order of the schema. See [`push`](Self::push).
    ///
    /// # Errors
    /// Those of [`push`](Self::push).
    pub fn push_values(
        &mut self,
        values: &[Option<&RawValue>],
    ) -> Result<Option<Rejection>, Error> {
        let length = values.iter().flatten().map(|value| value.get().len()).sum();
        self.push_with(length, |this| this.read_values(values))
    }

    /// Adds a record of this length, if it can be read.
    fn push_with(
        &mut self,
        length: usize,
        read: impl FnOnce(&mut Self) -> bool,
    ) -> Result<Option<Rejection>, Error> {
        let bytes = self.bytes.saturating_add(length);
        if bytes > MOST_BYTES {
            return Err(Error::full(self.records));
        }
        let cells = self.context.cells;
        self.context.cells += self.leaves;
        self.context.most_cells = self.context.cells + MOST_CELLS;
        let is_whole = read(self);
        let faults = std::mem::take(&mut self.context.faults);
        if is_whole {
            self.rows += 1;
            self.bytes = bytes;
            self.records += 1;
            self.count_changes();
            let rejection = Rejection { faults, is_skipped: false };
            return Ok(Some(rejection).filter(|it| !it.faults.is_empty()));
        }
        self.root.truncate(self.rows);
        self.context.changes.clear();
        self.context.cells = cells;
        if self.context.on_bad_value == OnBadValue::Fail {
            return Err(Error::bad_value(self.records, faults.into_iter().next()));
        }
        self.records += 1;
        Ok(Some(Rejection { faults, is_skipped: true }))
    }

    /// Adds a record from bytes, which are first checked to be JSON. See [`push`](Self::push).
    ///
    /// # Errors
    /// Those of [`push`](Self::push). Bytes that are not JSON are a bad value.
    pub fn push_slice(&mut self, record: &[u8]) -> Result<Option<Rejection>, Error> {
        // `null` stands for bytes that are not JSON: neither is a record.
        let record = serde_json::from_slice::<&RawValue>(record);
        self.push(record.unwrap_or(RawValue::NULL))
    }

    /// Returns the rows as a batch, and starts the next one.
    ///
    /// # Errors
    /// Never for rows of this decoder; Arrow checks its arrays when they are created.
    pub fn finish(&mut self) -> Result<RecordBatch, Error> {
        let schema = self.schema.arrow();
        let rows = std::mem::take(&mut self.rows);
        (self.bytes, self.context.cells) = (0, 0);
        let columns = self.root.finish_fields(rows, schema.fields()).map_err(Error::arrow)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(Error::arrow)
    }

    /// Counts the changed values of a record.
    fn count_changes(&mut self) {
        for (path, change) in self.context.changes.drain(..) {
            self.changes.add(change);
            self.changed_fields.entry(path).or_default().add(change);
        }
    }

    /// Reads the values of the columns into the next row. Otherwise there is a fault, and columns may have some of them.
    fn read_values(&mut self, values: &[Option<&RawValue>]) -> bool {
        let read = self.root.read_each(values, self.rows, &mut self.context);
        if read.is_err() && self.context.faults.is_empty() {
            let reason = "the record is not valid JSON".to_owned();
            self.context.faults.push(Fault { field: None, reason });
        }
        read.is_ok()
    }

    /// Reads a record into the next row. Otherwise there is a fault, and columns may have parts of the record.
    fn read(&mut self, json: &str) -> bool {
        let mut scanner = Scanner::new(json);
        let context = &mut self.context;
        let stop = match self.schema.is_object() {
            true => self.root.read(&mut scanner, self.rows, context),
            false => self.root.read_only_field(&mut scanner, self.rows, context),
        };
        let is_read = !self.schema.is_object() || self.root.has(self.rows);
        let reason = match stop {
            Ok(()) if scanner.peek() != 0 => "the record is not valid JSON",
            Ok(()) if is_read => return true,
            Ok(()) => "the record is not an object",
            Err(Stop::Invalid) => "the record is not valid JSON",
            Err(Stop::Refused) => return false,
        };
        if context.faults.is_empty() {
            context.faults.push(Fault { field: None, reason: reason.to_owned() });
        }
        false
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("rows", &self.rows).finish_non_exhaustive()
    }
}
