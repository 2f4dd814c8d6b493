//! Batches of records on their way into the staging table, and what becomes of rows that the database refuses.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio_postgres::Error;

use super::PostgresSink;
use super::sql_errors::is_untranslatable;
use crate::reject::{Fault, OnBadValue, Rejected, tolerated};
use crate::{SinkError, SinkFuture};

/// The rows of a batch.
struct Batch<'a> {
    records: &'a [Box<RawValue>],
    /// All rows as they are first sent, and where each of them ends.
    all: Bytes,
    ends: Vec<usize>,
    /// Which record each row is of.
    places: Vec<usize>,
    /// Rows that were made anew, without a value that does not fit.
    changed: BTreeMap<usize, Bytes>,
    /// What is rejected, by the index of the record, and the columns that are null in it.
    rejected: BTreeMap<usize, (Rejected, Vec<usize>)>,
}

impl Batch<'_> {
    /// The rows of a range.
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
    /// Its index among the rows that were sent.
    pub(super) row: usize,
    /// The index of its column.
    pub(super) column: Option<usize>,
    pub(super) reason: String,
}

impl PostgresSink {
    /// Writes a batch to the staging table.
    pub(super) async fn copy(&mut self, records: &[Box<RawValue>]) -> Result<(), SinkError> {
        if records.is_empty() {
            return Ok(());
        }
        if self.is_whole {
            return Err(SinkError::mismatch("the records have been moved to their table already"));
        }
        let batch = self.batch(records)?;
        if let Err(error) = self.session().await?.begin().await {
            if !self.can_revive() {
                return Err(error);
            }
            self.revive(error, None).await?;
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
        if !self.can_revive() {
            return Err(error);
        }
        self.revive(error, None).await?;
        self.count(records.len() as u64, records.len())
    }

    /// Makes the rows of records.
    fn batch<'a>(&mut self, records: &'a [Box<RawValue>]) -> Result<Batch<'a>, SinkError> {
        let mut all = Vec::with_capacity(records.iter().map(|record| record.get().len()).sum());
        let (mut ends, mut places) = (Vec::new(), Vec::new());
        let mut rejected = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            if let Err(error) = self.rows.add(record, &[], &mut all) {
                let (rows, out) = (&mut self.rows, &mut all);
                let mut without = Vec::new();
                let again = |nulls: &[usize]| {
                    nulls.clone_into(&mut without);
                    rows.add(record, nulls, out)
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
            places.push(at);
        }
        let (all, changed) = (Bytes::from(all), BTreeMap::new());
        Ok(Batch { records, all, ends, places, changed, rejected })
    }

    /// Writes the rows that the database takes. Each time that it refuses one, those before it are sent again: COPY takes
    /// all or none.
    async fn copy_tolerantly(&mut self, mut batch: Batch<'_>) -> Result<(), SinkError> {
        let mut left: Vec<Range<usize>> = std::iter::once(0..batch.places.len()).collect();
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
                batch.places[range.clone()].iter().map(|at| &*batch.records[*at]).collect();
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

    /// Makes a row that was refused anew, without the value. `false` if it is left out instead.
    fn change(
        &mut self,
        batch: &mut Batch<'_>,
        row: usize,
        refused: Refused,
    ) -> Result<bool, SinkError> {
        let at = batch.places[row];
        let record = &batch.records[at];
        let none = || {
            let rejected =
                Rejected { record: record.clone(), faults: Vec::new(), is_skipped: false };
            (rejected, Vec::new())
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
        self.rows.add(record, nulls, &mut changed)?;
        batch.changed.insert(row, changed.into());
        Ok(true)
    }

    fn count(&mut self, rows: u64, sent: usize) -> Result<(), SinkError> {
        if rows == sent as u64 {
            self.written += rows;
            return Ok(());
        }
        Err(SinkError::new(format!("the database has taken {rows} records of {sent}")))
    }

    /// Which of these records the database refuses. `None` if the error is of something else.
    async fn refused(
        &mut self,
        error: &Error,
        records: &[&RawValue],
    ) -> Result<Option<Refused>, SinkError> {
        let Some(found) = self.refused_row(error) else { return Ok(None) };
        let (row, column, reason) = found;
        let hint = row.filter(|row| *row < records.len());
        if is_untranslatable(error) && column.is_none() {
            // The line is that of the text that was converted at once, which may begin before that of the character.
            let order = hint.into_iter().chain(0..records.len());
            for row in order {
                if let Some(column) = self.untranslatable(records[row]).await? {
                    return Ok(Some(Refused { row, column: Some(column), reason }));
                }
            }
        }
        Ok(hint.map(|row| Refused { row, column, reason }))
    }

    /// The first column of a record that has a text that the database can't hold.
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
