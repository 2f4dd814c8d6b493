//! Maps.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use genesys_cloud_core::lenient;

use super::texts::{Texts, take_offsets, truncate_offsets};
use super::{Column, Context, Flaw};
use crate::reject::Change;
use crate::scanner::{Invalid, Scanner};

/// From this number of entries on, duplicate keys are looked for with a set.
const MANY: usize = 8;

/// Keys and values, and where the entries of each row end.
pub(super) struct Map {
    pub(super) offsets: Vec<i32>,
    pub(super) keys: Texts,
    pub(super) values: Box<Column>,
}

impl Map {
    pub(super) fn new(values: Column) -> Self {
        Self { offsets: vec![0], keys: Texts::new(), values: Box::new(values) }
    }

    /// Reads the rest of an object, after its brace, into a new row.
    pub(super) fn read(
        &mut self,
        json: &mut Scanner<'_>,
        context: &mut Context,
        path: &Arc<str>,
    ) -> Result<(), Flaw> {
        let (start, first) = (*json, self.keys.len());
        let (changes, faults) = (context.changes.len(), context.faults.len());
        self.entries(json, (context, path), |_| true)?;
        if self.has_duplicates(first) {
            // Of duplicate keys, the last one counts.
            let keys: Vec<Vec<u8>> = self.keys.since(first).map(<[u8]>::to_vec).collect();
            let last: HashMap<&[u8], usize> =
                keys.iter().enumerate().map(|(at, key)| (&key[..], at)).collect();
            self.keys.truncate(first);
            self.values.truncate(first);
            context.changes.truncate(changes);
            context.faults.truncate(faults);
            *json = start;
            let is_last = |at: usize| keys.get(at).is_some_and(|key| last[&key[..]] == at);
            self.entries(json, (context, path), is_last)?;
        }
        self.offsets.push(i32::try_from(self.keys.len()).map_err(|_| Invalid)?);
        Ok(())
    }

    /// Reads the entries whose index is wanted.
    fn entries(
        &mut self,
        json: &mut Scanner<'_>,
        (context, path): (&mut Context, &Arc<str>),
        is_wanted: impl Fn(usize) -> bool,
    ) -> Result<(), Flaw> {
        if json.take(b'}') {
            return Ok(());
        }
        for at in 0.. {
            json.peek();
            let (key, _) = json.string()?;
            json.expect(b':')?;
            if is_wanted(at) {
                context.count(1 + self.values.leaves)?;
                let (key, is_replaced) = lenient::text(key, false).ok_or(Invalid)?;
                if is_replaced {
                    context.changes.push((Arc::clone(path), Change::Replaced));
                }
                let row = self.keys.len();
                self.keys.push(&key);
                self.values.read(json, row, context)?;
            } else {
                json.value()?;
            }
            if !json.take(b',') {
                break;
            }
        }
        Ok(json.expect(b'}')?)
    }

    fn has_duplicates(&self, first: usize) -> bool {
        let count = self.keys.len() - first;
        if count >= MANY {
            let mut known = HashSet::with_capacity(count);
            return self.keys.since(first).any(|key| !known.insert(key));
        }
        let duplicates = |(at, key)| self.keys.since(first).take(at).any(|other| other == key);
        self.keys.since(first).enumerate().any(duplicates)
    }

    pub(super) fn truncate(&mut self, row: usize) {
        let entries = truncate_offsets(&mut self.offsets, row);
        self.keys.truncate(entries);
        self.values.truncate(entries);
    }

    pub(super) fn take_offsets(&mut self) -> Vec<i32> {
        take_offsets(&mut self.offsets)
    }
}
