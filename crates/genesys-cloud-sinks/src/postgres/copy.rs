//! Copies batches into the staging table, and handles rows that the database refuses.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio_postgres::Error;

use super::PostgresSink;
use super::copy_text::Rows;
use super::sql_errors::is_untranslatable;
use crate::reject::{Rejected, tolerated};
use crate::{SinkError, SinkFuture};
use genesys_cloud_core::{Fault, OnBadValue};

/// The rows of a batch.
struct Batch<'a> {
    records: &'a [Box<RawValue>],
    /// The number of the record of each row, if the staging table gets it.
    numbers: &'a [u64],
    /// All original rows, and the end of each.
    all: Bytes,
    ends: Vec<usize>,
    /// The index of the record of each row.
    sources: Vec<usize>,
    /// Rows encoded again, without an invalid value.
    changed: BTreeMap<usize, Bytes>,
    /// Rejected records by index, and their columns set to null.
    rejected: BTreeMap<usize, (Rejected, Vec<usize>)>,
}

impl Batch<'_> {
    /// Returns the rows of a range.
    fn rows(&self, range: &Range<usize>) -> Bytes {
        if range.len() == 1
            && let Some(changed) = self.changed.get(&range.start)
        {
            return changed.clone();
        }
        let end = |rows: usize| rows.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.all.slice(end(range.start)..end(range.end))
    }
}

/// A row that the database refuses.
pub(super) struct Refused {
    /// Index among the rows sent.
    pub(super) row: usize,
    /// Index of the column.
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

/// Adds the row of a record, followed by its number if there is one.
fn add(
    rows: &mut Rows,
    (record, number): (&RawValue, Option<&u64>),
    nulls: &[usize],
    out: &mut Vec<u8>,
) -> Result<(), SinkError> {
    rows.add(record, nulls, out)?;
    if let Some(number) = number {
        // Replaces the end of the line.
        out.pop();
        out.extend_from_slice(format!("\t{number}\n").as_bytes());
    }
    Ok(())
}

impl PostgresSink {
    /// Writes a batch to the staging table. `numbers`: those of the records, in a family of tables.
    pub(super) async fn copy(
        &mut self,
        records: &[Box<RawValue>],
        numbers: &[u64],
    ) -> Result<(), SinkError> {
        if records.is_empty() {
            return Ok(());
        }
        if self.is_whole {
            return Err(SinkError::mismatch("the records have already been moved to the table"));
        }
        let batch = self.batch(records, numbers)?;
        if let Err(error) = self.session().await?.begin().await {
            if !self.can_reconnect() {
                return Err(error);
            }
            self.reconnect(error, None).await?;
            self.session().await?.begin().await?;
        }
        if self.on_bad_value != OnBadValue::Fail {
            return self.copy_tolerantly(batch).await;
        }
        self.keep_pending(&batch.all);
        let (Some(session), Some(copy)) = (&mut self.session, &self.copy) else {
            return Err(SinkError::new("the table is not open"));
        };
        let error = match session.copy(copy, batch.all).await {
            Ok(rows) => return self.count(rows, records.len()),
            Err(error) => self.unfit(error, records).await,
        };
        if !self.can_reconnect() {
            return Err(error);
        }
        self.reconnect(error, None).await?;
        self.count(records.len() as u64, records.len())
    }

    /// Encodes records as rows.
    fn batch<'a>(
        &mut self,
        records: &'a [Box<RawValue>],
        numbers: &'a [u64],
    ) -> Result<Batch<'a>, SinkError> {
        let mut all = Vec::with_capacity(records.iter().map(|record| record.get().len()).sum());
        let (mut ends, mut sources) = (Vec::new(), Vec::new());
        let mut rejected = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            let number = numbers.get(at);
            if let Err(error) = add(&mut self.rows, (record, number), &[], &mut all) {
                let (rows, out) = (&mut self.rows, &mut all);
                let mut without = Vec::new();
                let again = |nulls: &[usize]| {
                    nulls.clone_into(&mut without);
                    add(rows, (record, number), nulls, out)
                };
                let tolerated = tolerated(self.on_bad_value, record, error, again);
                let found = tolerated.map_err(|error| {
                    error.reworded(|text| format!("{}: {text}", self.which(Some(at), records)))
                })?;
                let is_skipped = found.is_skipped;
                rejected.insert(at, (found, without));
                if is_skipped {
                    continue;
                }
            }
            ends.push(all.len());
            sources.push(at);
        }
        let (all, changed) = (Bytes::from(all), BTreeMap::new());
        Ok(Batch { records, numbers, all, ends, sources, changed, rejected })
    }

    /// Writes the rows that the database accepts. After each refused row, it sends the rows before it again, because COPY
    /// accepts all rows or none.
    async fn copy_tolerantly(&mut self, mut batch: Batch<'_>) -> Result<(), SinkError> {
        let mut left: Vec<Range<usize>> = std::iter::once(0..batch.sources.len()).collect();
        while let Some(range) = left.pop() {
            if range.is_empty() {
                continue;
            }
            let (Some(session), Some(copy)) = (&mut self.session, &self.copy) else {
                return Err(SinkError::new("the table is not open"));
            };
            let sent = batch.rows(&range);
            let error = match session.try_copy(copy, sent.clone()).await? {
                Ok(rows) => {
                    self.keep_pending(&sent);
                    self.count(rows, range.len())?;
                    continue;
                }
                Err(error) => error,
            };
            let records: Vec<&RawValue> =
                batch.sources[range.clone()].iter().map(|at| &*batch.records[*at]).collect();
            let Some(refused) = self.refused(&error, &records).await? else {
                return Err(self.unfit(error, batch.records).await);
            };
            let row = range.start + refused.row;
            left.push(row + 1..range.end);
            if self.change(&mut batch, row, refused)? {
                left.push(row..row + 1);
            }
            left.push(range.start..row);
        }
        self.rejected.extend(batch.rejected.into_values().map(|(rejected, _)| rejected));
        Ok(())
    }

    /// Encodes a refused row again, without the value. Returns false to skip it instead.
    fn change(
        &mut self,
        batch: &mut Batch<'_>,
        row: usize,
        refused: Refused,
    ) -> Result<bool, SinkError> {
        let at = batch.sources[row];
        let record = &batch.records[at];
        let none = || {
            let (record, faults) = (record.clone(), Vec::new());
            (Rejected { record, faults, is_skipped: false, table: None }, Vec::new())
        };
        let (rejected, nulls) = batch.rejected.entry(at).or_insert_with(none);
        let field = refused.column.map(|column| self.fields[column].path.clone());
        rejected.faults.push(Fault { field, reason: refused.reason });
        let column = refused.column.filter(|it| !nulls.contains(it));
        let (OnBadValue::Null, Some(column)) = (self.on_bad_value, column) else {
            rejected.is_skipped = true;
            return Ok(false);
        };
        nulls.push(column);
        let mut changed = Vec::new();
        add(&mut self.rows, (record, batch.numbers.get(at)), nulls, &mut changed)?;
        batch.changed.insert(row, changed.into());
        Ok(true)
    }

    fn count(&mut self, rows: u64, sent: usize) -> Result<(), SinkError> {
        if rows == sent as u64 {
            self.written += rows;
            return Ok(());
        }
        Err(SinkError::new(format!("the database accepted only {rows} of {sent} records")))
    }

    /// Finds the record that the database refuses. `None` if the error has another cause.
    async fn refused(
        &mut self,
        error: &Error,
        records: &[&RawValue],
    ) -> Result<Option<Refused>, SinkError> {
        let Some(found) = self.refused_row(error) else { return Ok(None) };
        let (row, column, reason) = found;
        let hint = row.filter(|row| *row < records.len());
        if is_untranslatable(error) && column.is_none() {
            // The reported line is where the converted block starts, which may precede the line of the character.
            let order = hint.into_iter().chain(0..records.len());
            for row in order {
                if let Some(column) = self.untranslatable(records[row]).await? {
                    return Ok(Some(Refused { row, column: Some(column), reason }));
                }
            }
        }
        Ok(hint.map(|row| Refused { row, column, reason }))
    }

    /// Finds the first column of a record with a string that the database can't store.
    pub(super) fn untranslatable<'a>(
        &'a mut self,
        record: &'a RawValue,
    ) -> SinkFuture<'a, Option<usize>> {
        Box::pin(async move {
            for (column, text) in self.rows.beyond_ascii(record) {
                let Some(session) = &mut self.session else { return Ok(None) };
                if !session.can_hold(&text).await? {
                    return Ok(Some(column));
                }
            }
            Ok(None)
        })
    }
}
