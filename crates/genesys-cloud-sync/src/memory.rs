//! A target in memory, for tests.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::deletes::Deletes;
use crate::range::DayRange;
use crate::report::TableReport;
use crate::row::{ParentRead, Place, Row, Scope};
use crate::schema::TableSchema;
use crate::state::TableState;
use crate::target::{
    Changes, Difference, TableWriter, Target, TargetError, TargetFuture, TargetSession,
};

/// A target in memory, for tests of plans and of programs. Clones share the tables.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    store: Arc<Mutex<Store>>,
}

#[derive(Debug, Default)]
struct Store {
    tables: BTreeMap<String, StoredTable>,
    reports: Vec<TableReport>,
    locked_by: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct StoredTable {
    state: Option<TableState>,
    rows: Vec<MemoryRow>,
}

/// A row of a table in [`Memory`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemoryRow {
    /// The key and the record.
    pub row: Row,
    /// The run that wrote it.
    pub run: String,
    /// The time of that run.
    pub loaded_at: DateTime<Utc>,
    /// The time of the run that found the record deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// In a table with history: when this version was first seen.
    pub valid_from: DateTime<Utc>,
    /// In a table with history: when another version, or the delete, was seen.
    pub valid_to: Option<DateTime<Utc>>,
}

impl MemoryRow {
    /// Returns whether this is the current version of a record that is not deleted.
    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none() && self.valid_to.is_none()
    }

    /// Returns the record as JSON text.
    pub fn record(&self) -> &str {
        self.row.record.get()
    }
}

impl Memory {
    /// Creates a target without tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all rows of a table, with earlier versions and marked deletes. Empty if there is no such table.
    pub fn rows(&self, table: &str) -> Vec<MemoryRow> {
        self.locked().tables.get(table).map(|table| table.rows.clone()).unwrap_or_default()
    }

    /// Returns the state of a table.
    pub fn state(&self, table: &str) -> Option<TableState> {
        self.locked().tables.get(table)?.state.clone()
    }

    /// Returns the stored reports, the oldest first.
    pub fn reports(&self) -> Vec<TableReport> {
        self.locked().reports.clone()
    }

    /// A poisoned lock is usable: a table is only replaced as a whole.
    fn locked(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Memory {
    fn open<'a>(&'a self, run: &'a str) -> TargetFuture<'a, Box<dyn TargetSession>> {
        let mut store = self.locked();
        let opened: Result<Box<dyn TargetSession>, _> = match &store.locked_by {
            Some(_) => Err(TargetError::taken("another sync is writing to this target")),
            None => {
                store.locked_by = Some(run.to_owned());
                Ok(Box::new(Session { memory: self.clone() }))
            }
        };
        Box::pin(async { opened })
    }
}

struct Session {
    memory: Memory,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.memory.locked().locked_by = None;
    }
}

impl TargetSession for Session {
    fn begin<'a>(&'a self, schema: &'a TableSchema) -> TargetFuture<'a, Box<dyn TableWriter>> {
        let state = self.memory.state(&schema.name);
        let writer: Box<dyn TableWriter> = Box::new(Writer {
            memory: self.memory.clone(),
            schema: schema.clone(),
            state,
            staged: HashMap::new(),
            parents: HashMap::new(),
            duplicates: 0,
        });
        Box::pin(async { Ok(writer) })
    }

    fn close(self: Box<Self>) -> TargetFuture<'static> {
        Box::pin(async { Ok(()) })
    }
}

struct Writer {
    memory: Memory,
    schema: TableSchema,
    state: Option<TableState>,
    staged: HashMap<String, Row>,
    /// The parents that were read, and whether their lists are complete.
    parents: HashMap<Arc<str>, bool>,
    duplicates: u64,
}

impl Writer {
    fn is_in(&self, scope: &Scope, row: &Row) -> bool {
        match (scope, &row.place) {
            (Scope::List, _) => true,
            (Scope::Parents { has_all_parents }, Place::Parent(parent)) => {
                self.parents.get(parent).copied().unwrap_or(*has_all_parents)
            }
            (Scope::Days(read), Place::Days(days)) => read.iter().any(|read| read.includes(*days)),
            _ => false,
        }
    }

    fn difference(&self, scope: &Scope) -> Difference {
        let mut found = Difference { duplicates: self.duplicates, ..Difference::default() };
        let mut known = HashSet::new();
        for stored in self.memory.rows(&self.schema.name).iter().filter(|row| row.is_live()) {
            let staged = self.staged.get(&stored.row.key);
            known.insert(stored.row.key.clone());
            match staged {
                Some(staged) if staged.hash == stored.row.hash => found.unchanged += 1,
                Some(_) => found.changed += 1,
                None => {}
            }
            if self.is_in(scope, &stored.row) {
                found.existing += 1;
                found.missing += u64::from(staged.is_none());
            }
        }
        found.inserted = self.staged.keys().filter(|key| !known.contains(*key)).count() as u64;
        found
    }

    /// Returns the rows after the changes.
    fn changed(&self, rows: Vec<MemoryRow>, changes: &Changes<'_>) -> Vec<MemoryRow> {
        let (time, history) = (changes.time, self.schema.history);
        let new = |row: &Row| MemoryRow {
            row: row.clone(),
            run: changes.run.to_owned(),
            loaded_at: time,
            deleted_at: None,
            valid_from: time,
            valid_to: None,
        };
        let mut after = Vec::with_capacity(rows.len());
        let mut current = HashSet::new();
        for mut stored in rows {
            let is_live = stored.is_live();
            match self.staged.get(&stored.row.key) {
                Some(staged) if is_live && staged.hash == stored.row.hash => {
                    stored.row.place = joined(&stored.row.place, &staged.place);
                    current.insert(staged.key.clone());
                }
                Some(_) if history && is_live => stored.valid_to = Some(time),
                Some(staged) if !history => {
                    let place = joined(&stored.row.place, &staged.place);
                    stored = new(staged);
                    stored.row.place = place;
                    current.insert(staged.key.clone());
                }
                None if is_live
                    && changes.has_deletes
                    && self.is_in(changes.scope, &stored.row) =>
                {
                    if self.schema.deletes == Deletes::Remove {
                        continue;
                    }
                    stored.deleted_at = Some(time);
                    stored.valid_to = history.then_some(time);
                }
                _ => {}
            }
            after.push(stored);
        }
        let mut added: Vec<&Row> =
            self.staged.values().filter(|row| !current.contains(&row.key)).collect();
        added.sort_by(|one, other| one.key.cmp(&other.key));
        after.extend(added.into_iter().map(new));
        after
    }
}

/// The place of a row whose record was read again.
fn joined(before: &Place, now: &Place) -> Place {
    match (before, now) {
        (Place::Days(before), Place::Days(now)) => Place::Days(DayRange::with(*before, *now)),
        (_, now) => now.clone(),
    }
}

impl TableWriter for Writer {
    fn state(&self) -> Option<&TableState> {
        self.state.as_ref()
    }

    fn stage(&mut self, rows: Vec<Row>) -> TargetFuture<'_, u64> {
        for mut row in rows {
            if let Some(earlier) = self.staged.get(&row.key) {
                self.duplicates += u64::from(earlier.hash != row.hash);
                row.place = joined(&earlier.place, &row.place);
            }
            self.staged.insert(row.key.clone(), row);
        }
        Box::pin(async { Ok(0) })
    }

    fn stage_parents(&mut self, parents: Vec<ParentRead>) -> TargetFuture<'_> {
        for ParentRead { key, is_complete } in parents {
            self.parents.insert(key, is_complete);
        }
        Box::pin(async { Ok(()) })
    }

    fn compare<'a>(&'a mut self, scope: &'a Scope) -> TargetFuture<'a, Difference> {
        let found = self.difference(scope);
        Box::pin(async move { Ok(found) })
    }

    fn apply<'a>(&'a mut self, changes: &'a Changes<'a>) -> TargetFuture<'a> {
        let memory = self.memory.clone();
        let rows = self.changed(memory.rows(&self.schema.name), changes);
        let mut store = memory.locked();
        let table = store.tables.entry(self.schema.name.clone()).or_default();
        let applied = match table.state == self.state {
            true => {
                *table = StoredTable { state: Some(changes.state.clone()), rows };
                store.reports.push(changes.report.clone());
                Ok(())
            }
            false => Err(TargetError::taken("another sync has changed the table")),
        };
        drop(store);
        Box::pin(async { applied })
    }
}
