//! Parquet: row groups, followed by page indexes and a footer with their positions.

mod metadata;
mod row_groups;
mod rows;
#[cfg(test)]
mod tests;

use genesys_cloud_arrow::{Error, Names};
use parquet::errors::ParquetError;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::row_groups::RowGroups;
use self::rows::Rows;
use super::losses::Losses;
use crate::columns::Columns;
use crate::encode::Encode;
use crate::error::SinkError;
use crate::{OnBadValue, Rejected};

/// The first and last bytes of a file.
const MAGIC: &[u8] = b"PAR1";

/// A row group ends after the batch that reaches this number of encoded bytes. While it is written, memory holds it
/// twice.
const MOST_BYTES: usize = 32 << 20;

/// The limit for rows of more than 64 KiB: their page is large, too.
const MOST_WIDE_BYTES: usize = 4 << 20;
const WIDE: usize = 64 << 10;

/// A row group ends after the batch that reaches this number of bytes of JSON, which are read again after a kill.
const MOST_JSON: usize = 64 << 20;

/// Rows are encoded in batches of this number of records, or bytes of JSON and of the columns.
const BATCH: (usize, usize) = (4096, 4 << 20);

/// Writes a column for each field, with the type in the API document.
///
/// Each row group is a commit, which saves the metadata of all row groups so far.
pub(super) struct Parquet {
    /// Minimum number of records per row group.
    row_group: usize,
    names: Names,
    on_bad_value: OnBadValue,
    table: Option<Table>,
}

/// An open table.
struct Table {
    rows: Rows,
    groups: RowGroups,
    /// Changed values of earlier runs.
    earlier: Losses,
    /// Bytes of JSON in the open row group.
    json: usize,
}

impl Parquet {
    pub(super) fn new(row_group: usize, names: Names) -> Self {
        Self { row_group, names, on_bad_value: OnBadValue::Fail, table: None }
    }

    fn open(&mut self, columns: &Columns) -> Result<&mut Table, SinkError> {
        let rows = Rows::new(columns, self.names, self.on_bad_value)?;
        let groups = RowGroups::new(rows.schema())?;
        Ok(self.table.insert(Table { rows, groups, earlier: Losses::of_any_field(), json: 0 }))
    }

    fn table(&mut self) -> Result<&mut Table, SinkError> {
        self.table.as_mut().ok_or_else(not_open)
    }
}

impl Table {
    /// Returns whether rows are not in a finished row group.
    fn has_rows(&self) -> bool {
        self.rows.len() + self.groups.open_rows() > 0
    }

    /// Encodes the decoded rows.
    fn encode(&mut self) -> Result<(), SinkError> {
        match self.rows.len() {
            0 => Ok(()),
            _ => self.groups.write(&self.rows.take()?),
        }
    }

    /// Returns whether the row group is large enough, after encoding what is needed to know.
    fn is_full(&mut self, row_group: usize) -> Result<bool, SinkError> {
        if self.rows.size() > self.rows.len().saturating_mul(WIDE) {
            self.encode()?;
        }
        let (rows, bytes) = (self.groups.open_rows(), self.groups.open_bytes());
        let is_wide = bytes > rows.saturating_mul(WIDE);
        let most = if is_wide { MOST_WIDE_BYTES } else { MOST_BYTES };
        Ok(rows + self.rows.len() >= row_group || bytes >= most || self.json >= MOST_JSON)
    }

    /// Writes the rows as a row group.
    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        self.encode()?;
        self.json = 0;
        let bytes = self.groups.finish()?;
        match out.is_empty() {
            true => *out = bytes,
            false => out.extend_from_slice(&bytes),
        }
        Ok(())
    }

    fn losses(&self) -> Losses {
        let mut losses = self.earlier.clone();
        self.rows.changes().for_each(|(field, changes)| losses.add_changes(field, changes));
        losses
    }
}

impl Encode for Parquet {
    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.on_bad_value = on_bad_value;
    }

    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError> {
        self.open(columns)?;
        out.extend_from_slice(MAGIC);
        Ok(())
    }

    fn resume(&mut self, columns: &Columns, state: &Value) -> Result<(), SinkError> {
        let table = self.open(columns)?;
        table.earlier.resume(state.get("losses").unwrap_or(&Value::Null))?;
        table.groups.resume(state.get("groups").unwrap_or(&Value::Null))
    }

    fn record(
        &mut self,
        record: &RawValue,
        _: &mut Vec<u8>,
    ) -> Result<Option<Rejected>, SinkError> {
        let table = self.table()?;
        let rejection = table.rows.push(record).map_err(|error| unfit(record, &error))?;
        table.json += record.get().len();
        if table.rows.len() >= BATCH.0 || table.rows.size() >= BATCH.1 {
            table.encode()?;
        }
        Ok(rejection.map(|it| Rejected {
            record: record.to_owned(),
            faults: it.faults,
            is_skipped: it.is_skipped,
            table: None,
        }))
    }

    fn end_batch(&mut self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let row_group = self.row_group;
        let table = self.table()?;
        match table.has_rows() && table.is_full(row_group)? {
            true => table.flush(out),
            false => Ok(()),
        }
    }

    fn commit(&mut self, is_last: bool, out: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        let table = self.table()?;
        if table.has_rows() {
            if !is_last {
                return Ok(None);
            }
            table.flush(out)?;
        }
        Ok(Some(json!({ "groups": table.groups.saved(), "losses": table.losses().saved() })))
    }

    fn end(&self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        out.extend(self.table.as_ref().ok_or_else(not_open)?.groups.footer()?);
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        let Some(table) = &self.table else { return Vec::new() };
        let mut notes = table.rows.notes();
        notes.extend(table.losses().notes());
        notes
    }
}

/// Creates the error of a record that does not fit.
fn unfit(record: &RawValue, error: &Error) -> SinkError {
    let (Some(fault), Some(index)) = (error.fault(), error.record()) else {
        return SinkError::new(format!("can't write a record: {error}"));
    };
    let record = named(record, index.saturating_add(1));
    let advice = match &fault.field {
        Some(_) => {
            "--on-bad-value null or skip, or --fields with --unchecked to write fields as JSON"
        }
        None => "--on-bad-value skip",
    };
    SinkError::new(format!("{record}: {fault}; use {advice}"))
}

/// Names a record by number and ID, without its content.
fn named(record: &RawValue, number: u64) -> String {
    let known: Option<Value> = serde_json::from_str(record.get()).ok();
    match known.as_ref().and_then(|known| known.get("id")?.as_str()) {
        Some(id) => format!("record {number} of this run (id {id})"),
        _ => format!("record {number} of this run"),
    }
}

fn not_open() -> SinkError {
    SinkError::new("the table is not open")
}

fn failed(error: ParquetError) -> SinkError {
    SinkError::new(format!("can't write Parquet: {error}"))
}
