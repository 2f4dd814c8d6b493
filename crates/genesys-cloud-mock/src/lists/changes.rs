//! Records that are inserted or deleted at the start of a list.

use super::Lists;
use crate::api::{Endpoint, SuccessBody};
use crate::journal::RecordedRequest;
use crate::paging::{PageRequest, PageSelector, Position};
use crate::scenario::Scenario;
use std::sync::PoisonError;

/// The changes of a list since it was set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListChanges {
    /// The numbers of the inserted records that still exist, newest first.
    inserted: Vec<u64>,
    /// How many records were ever inserted.
    made: u64,
    /// How many of the original records were deleted.
    deleted: u64,
    /// How many records were appended.
    added: u64,
}

/// The distance of appended records from the end of the original list.
const APPENDED_OFFSET: u64 = 1 << 12;

impl ListChanges {
    /// The current number of records, given the original number.
    pub(crate) fn total(&self, total: u64) -> u64 {
        total.saturating_sub(self.deleted) + self.inserted.len() as u64 + self.added
    }

    /// Maps a current position to a position in the original list; inserted records come after its end.
    pub(crate) fn index(&self, position: u64, total: u64) -> u64 {
        let inserted = self.inserted.len() as u64;
        match self.inserted.iter().rev().nth(position as usize) {
            Some(number) => total + number,
            None => match position - inserted + self.deleted {
                index if index >= total => index + APPENDED_OFFSET,
                index => index,
            },
        }
    }
}

impl Lists {
    /// Inserts a record at the start.
    pub(crate) fn insert_record(&self, endpoint: &'static Endpoint) {
        self.record_change(endpoint, |changes| {
            changes.inserted.push(changes.made);
            changes.made += 1;
        });
    }

    /// Deletes the first record.
    pub(crate) fn delete_record(&self, endpoint: &'static Endpoint) {
        self.record_change(endpoint, |changes| {
            if changes.inserted.pop().is_none() {
                changes.deleted += 1;
            }
        });
    }

    /// Deletes this many records at the start, and appends as many.
    pub(crate) fn shift(&self, endpoint: &'static Endpoint, records: u64) {
        self.record_change(endpoint, |changes| {
            changes.deleted += records;
            changes.added += records;
        });
    }

    fn record_change(&self, endpoint: &'static Endpoint, change: impl FnOnce(&mut ListChanges)) {
        let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
        change(changes.entry(&endpoint.operation.id).or_default());
        self.cache.clear();
    }

    /// Returns the changes of a list, if any.
    pub(crate) fn changes_of(&self, endpoint: &Endpoint) -> Option<ListChanges> {
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        changes.get(endpoint.operation.id.as_str()).cloned()
    }

    /// Returns whether a request has a page token, and whether it is for a list that is paged by number or
    /// index, where insertions and deletions move later records.
    pub(crate) fn request_traits(
        &self,
        endpoint: &'static Endpoint,
        request: &RecordedRequest,
    ) -> (bool, bool) {
        let Some(selector) = endpoint.scheme.map(PageSelector::of) else { return (false, false) };
        if !matches!(endpoint.success_response().body, SuccessBody::Listing(_)) {
            return (false, false);
        }
        let has_token = selector.is_linked()
            && PageRequest::of(selector, endpoint.operation, request).is_ok_and(|page_request| {
                matches!(page_request.position, Position::Token(Some(_)))
            });
        let is_counted = matches!(
            selector,
            PageSelector::Number
                | PageSelector::Paging
                | PageSelector::Search
                | PageSelector::Index
        );
        let moves_anyway = self.active_scenario(endpoint).is_some_and(|active| {
            matches!(active.scenario, Scenario::RecordAdded | Scenario::RecordRemoved)
        });
        let is_dated = self.timeline(endpoint).is_some();
        (has_token, is_counted && !moves_anyway && !is_dated)
    }
}
