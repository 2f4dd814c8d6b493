//! The sink of records and their child tables.

use std::collections::HashMap;

use genesys_cloud_core::{CheckpointStore, Fault, OnBadValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::ChildTables;
use super::outputs::{Outputs, Rows, Separate};
use super::splitter::{MOST_ROWS, Split, Unsplit};
use crate::columns::Columns;
use crate::error::SinkError;
use crate::reject::{Rejected, Unfit};
use crate::run_log::RunLog;
use crate::saved::{from_saved, to_saved};
use crate::sink::{Sink, SinkFuture, TableCount};
use crate::watch::Watch;

/// Rows are written once they have this many bytes of JSON.
const MOST_BYTES: usize = 2 << 20;

/// Writes records to one output, and the elements of their lists to outputs of child tables.
///
/// A commit is one of all outputs. They are published together: for a database in one transaction; for files one after
/// the other, that of the records last, and the next run finishes what a kill has interrupted.
pub struct SplitSink {
    tables: ChildTables,
    outputs: Box<dyn Outputs>,
    on_bad_value: OnBadValue,
    rejected: Vec<Rejected>,
    /// Number of records so far, including skipped ones.
    records: u64,
    /// Number of rows in each child table.
    rows: Vec<u64>,
}

/// The state of a commit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Committed {
    records: u64,
    rows: Vec<u64>,
    outputs: Value,
}

/// Rows of all tables to write. Those of the records are the first.
struct Pending {
    tables: Vec<PendingRows>,
    bytes: usize,
}

#[derive(Default)]
struct PendingRows {
    rows: Vec<PendingRow>,
}

struct PendingRow {
    json: Box<RawValue>,
    /// Its record: the index in the batch, and the number in the export.
    at: usize,
    record: u64,
    /// The table of its parent, and the index there.
    parent: Option<(usize, usize)>,
    fate: Fate,
}

/// What happens to a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Written,
    /// The output has no place for it.
    Skipped,
    /// Its record is skipped, with all of its rows.
    RecordSkipped,
}

impl SplitSink {
    /// Creates a sink from one for the records and one for each child table, in the order of [`ChildTables::all`].
    pub fn new(
        tables: ChildTables,
        records: Box<dyn Sink>,
        children: impl IntoIterator<Item = Box<dyn Sink>>,
    ) -> Self {
        let sinks = std::iter::once(records).chain(children);
        Self::of(tables, Box::new(Separate::new(sinks)))
    }

    pub(crate) fn of(tables: ChildTables, outputs: Box<dyn Outputs>) -> Self {
        let rows = vec![0; tables.all().len()];
        let (on_bad_value, rejected) = (OnBadValue::Fail, Vec::new());
        Self { tables, outputs, on_bad_value, rejected, records: 0, rows }
    }

    async fn start(
        &mut self,
        columns: &Columns,
        committed: Option<&Value>,
    ) -> Result<(), SinkError> {
        let committed: Option<Committed> = committed.map(from_saved).transpose()?;
        if let Some(committed) = &committed {
            if committed.rows.len() != self.rows.len() {
                return Err(SinkError::mismatch(
                    "the saved state of the output has other tables; start over with --restart",
                ));
            }
            self.records = committed.records;
            self.rows.clone_from(&committed.rows);
        }
        let children = self.tables.all().iter().map(|table| table.columns());
        let columns = std::iter::once(columns).chain(children).collect();
        self.outputs.open(columns, committed.as_ref().map(|it| &it.outputs)).await
    }

    async fn write_batch(&mut self, batch: &[Box<RawValue>]) -> Result<(), SinkError> {
        let mut pending = Pending::new(self.rows.len() + 1);
        for (at, record) in batch.iter().enumerate() {
            self.records += 1;
            let Some(split) = self.split(record)? else { continue };
            pending.add(split, at, self.records);
            if pending.bytes >= MOST_BYTES {
                self.put(&mut pending, batch).await?;
            }
        }
        self.put(&mut pending, batch).await
    }

    /// Splits a record. `None` if it is skipped.
    fn split(&mut self, record: &RawValue) -> Result<Option<Split>, SinkError> {
        let (split, faults) = match self.tables.splitter.split(record) {
            Ok(mut split) => {
                let faults = std::mem::take(&mut split.faults);
                (Some(split), faults)
            }
            Err(Unsplit::Invalid(why)) => {
                return Err(SinkError::new(format!("can't read a record: {why}")));
            }
            Err(Unsplit::TooManyRows) => {
                let reason = format!("the record has more than {MOST_ROWS} rows of child tables");
                (None, vec![Fault { field: None, reason }])
            }
        };
        let Some(first) = faults.first() else { return Ok(split) };
        if self.on_bad_value == OnBadValue::Fail {
            let what = match &first.field {
                Some(field) => format!("`{field}` is {}", first.reason),
                None => first.reason.clone(),
            };
            let text = format!(
                "record {}{}: {what}; add --on-bad-value null or skip",
                self.records,
                self.named(record)
            );
            return Err(SinkError::of_value(text, Unfit { column: None, fault: first.clone() }));
        }
        let split = split.filter(|_| self.on_bad_value == OnBadValue::Null);
        let (record, is_skipped) = (record.to_owned(), split.is_none());
        self.rejected.push(Rejected { record, faults, is_skipped, table: None });
        Ok(split)
    }

    /// Names a record by its key, for messages.
    fn named(&self, record: &RawValue) -> String {
        let Ok(record) = serde_json::from_str::<HashMap<String, &RawValue>>(record.get()) else {
            return String::new();
        };
        let values = self.tables.key().iter().filter_map(|key| {
            let value = record.get(key)?.get();
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            (value.len() <= 64).then(|| format!("{key} {value}"))
        });
        let values: Vec<String> = values.collect();
        if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) }
    }

    /// Writes rows, those of parents first: a row whose parent is skipped has no place either.
    async fn put(
        &mut self,
        pending: &mut Pending,
        batch: &[Box<RawValue>],
    ) -> Result<(), SinkError> {
        for table in 0..pending.tables.len() {
            self.follow_parents(pending, table);
            let of_table = &mut pending.tables[table].rows;
            let (mut rows, mut places) =
                (Rows { json: Vec::new(), records: Vec::new() }, Vec::new());
            let left = of_table.iter_mut().enumerate();
            for (at, row) in left.filter(|(_, row)| row.fate == Fate::Written) {
                rows.json.push(std::mem::take(&mut row.json));
                rows.records.push(row.record);
                places.push(at);
            }
            if rows.json.is_empty() {
                continue;
            }
            let path = table.checked_sub(1).map(|at| self.tables.all()[at].path().to_owned());
            self.outputs.write(table, &rows).await.map_err(|error| match &path {
                None => error,
                Some(path) => error.reworded(|text| format!("child table {path}: {text}")),
            })?;
            let mut skipped = 0;
            for mut rejected in self.outputs.rejected(table) {
                // Rows with the same text are refused alike.
                let text = rejected.record.get();
                if let Some(at) = rows.json.iter().position(|json| json.get() == text) {
                    let row = &mut of_table[places[at]];
                    if table == 0 {
                        // With its lists.
                        rejected.record = batch[row.at].clone();
                    }
                    if rejected.is_skipped {
                        row.fate = Fate::Skipped;
                    }
                    rows.json[at] = Box::default();
                }
                skipped += u64::from(rejected.is_skipped);
                rejected.table.clone_from(&path);
                self.rejected.push(rejected);
            }
            if let Some(count) = table.checked_sub(1).map(|at| &mut self.rows[at]) {
                *count += rows.json.len() as u64 - skipped;
            }
        }
        *pending = Pending::new(pending.tables.len());
        Ok(())
    }

    /// Skips the rows whose parent is skipped. Those of a skipped record are in the rejects file with their record; the
    /// others need a line of their own.
    fn follow_parents(&mut self, pending: &mut Pending, table: usize) {
        let (before, rest) = pending.tables.split_at_mut(table);
        let Some(of_table) = rest.first_mut() else { return };
        for row in &mut of_table.rows {
            let Some((parent_table, at)) = row.parent else { continue };
            let parent = before[parent_table].rows[at].fate;
            row.fate = match (parent, parent_table) {
                (Fate::Written, _) => Fate::Written,
                (Fate::Skipped, 0) | (Fate::RecordSkipped, _) => Fate::RecordSkipped,
                (Fate::Skipped, _) => {
                    let path = |table: usize| self.tables.all()[table - 1].path().to_owned();
                    let reason = format!("its row of {} is skipped", path(parent_table));
                    let faults = vec![Fault { field: None, reason }];
                    let (record, table) = (row.json.clone(), Some(path(table)));
                    self.rejected.push(Rejected { record, faults, is_skipped: true, table });
                    Fate::Skipped
                }
            };
        }
    }

    async fn commit_all(&mut self, is_last: bool) -> Result<Option<Value>, SinkError> {
        let Some(outputs) = self.outputs.commit(is_last).await? else { return Ok(None) };
        to_saved(&Committed { records: self.records, rows: self.rows.clone(), outputs }).map(Some)
    }
}

impl Pending {
    fn new(tables: usize) -> Self {
        Self { tables: (0..tables).map(|_| PendingRows::default()).collect(), bytes: 0 }
    }

    fn add(&mut self, split: Split, at: usize, record: u64) {
        let Split { record: json, rows, .. } = split;
        let root = self.push(0, json, (at, record), None);
        // The place of each row in its table.
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(rows.len());
        for row in rows {
            let parent = row.parent.map_or((0, root), |parent| places[parent]);
            let place = self.push(row.table, row.json, (at, record), Some(parent));
            places.push((row.table, place));
        }
    }

    fn push(
        &mut self,
        table: usize,
        json: Box<RawValue>,
        (at, record): (usize, u64),
        parent: Option<(usize, usize)>,
    ) -> usize {
        self.bytes += json.get().len();
        let rows = &mut self.tables[table].rows;
        rows.push(PendingRow { json, at, record, parent, fate: Fate::Written });
        rows.len() - 1
    }
}

impl Sink for SplitSink {
    fn identify(&mut self, run: &str) {
        self.outputs.identify(run);
    }

    fn watch(&mut self, watch: Watch) {
        self.outputs.watch(watch);
    }

    fn open<'a>(
        &'a mut self,
        columns: &'a Columns,
        committed: Option<&'a Value>,
    ) -> SinkFuture<'a> {
        Box::pin(self.start(columns, committed))
    }

    fn write<'a>(&'a mut self, batch: &'a [Box<RawValue>]) -> SinkFuture<'a> {
        Box::pin(self.write_batch(batch))
    }

    fn on_bad_value(&mut self, on_bad_value: OnBadValue) {
        self.on_bad_value = on_bad_value;
        self.outputs.on_bad_value(on_bad_value);
    }

    fn rejected(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.rejected)
    }

    fn commit(&mut self) -> SinkFuture<'_, Option<Value>> {
        Box::pin(self.commit_all(false))
    }

    fn commit_last(&mut self) -> SinkFuture<'_, Option<Value>> {
        Box::pin(self.commit_all(true))
    }

    fn discard<'a>(&'a mut self, committed: &'a Value) -> SinkFuture<'a> {
        Box::pin(async move {
            match from_saved::<Committed>(committed) {
                Ok(committed) => self.outputs.discard(&committed.outputs).await,
                Err(_) => Ok(()),
            }
        })
    }

    fn finish(&mut self, is_whole: bool) -> SinkFuture<'_> {
        self.outputs.finish(is_whole)
    }

    fn is_done(&self) -> bool {
        self.outputs.is_done()
    }

    fn store(&mut self) -> Option<&mut dyn CheckpointStore> {
        self.outputs.store()
    }

    fn restart(&mut self) -> SinkFuture<'_> {
        self.outputs.restart()
    }

    fn report<'a>(&'a mut self, report: &'a str) -> SinkFuture<'a, Option<String>> {
        self.outputs.first_mut().report(report)
    }

    fn run_log(&mut self) -> Option<&mut dyn RunLog> {
        self.outputs.first_mut().run_log()
    }

    fn location(&self) -> Option<String> {
        self.outputs.first().location()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.outputs.first().counts()
    }

    fn tables(&self) -> Vec<TableCount> {
        let tables = self.tables.all().iter().zip(&self.rows).enumerate();
        let count = |(at, (table, rows)): (usize, (&super::ChildTable, &u64))| TableCount {
            path: table.path().to_owned(),
            rows: *rows,
            location: self.outputs.location(at + 1),
        };
        tables.map(count).collect()
    }

    fn notes(&self) -> Vec<String> {
        let of_table = |(at, table): (usize, &super::ChildTable)| {
            let notes = self.outputs.notes(at + 1).into_iter();
            let path = table.path().to_owned();
            notes.map(move |note| format!("{path}: {note}"))
        };
        let mut notes = self.outputs.notes(0);
        notes.extend(self.tables.all().iter().enumerate().flat_map(of_table));
        notes
    }
}

#[cfg(test)]
mod tests;
