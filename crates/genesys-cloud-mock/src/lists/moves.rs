//! Records that come and go before all others.

use super::Lists;
use crate::api::{AnswerBody, Endpoint};
use crate::journal::RecordedRequest;
use crate::paging::{Ask, PageRequest, Position};
use crate::scenario::Scenario;
use std::sync::PoisonError;

/// What has become of a list, in front.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moves {
    /// The numbers of the records that were inserted, the last one first, and are still there.
    inserted: Vec<u64>,
    /// How many were ever inserted.
    made: u64,
    /// How many of those that were there from the start are gone.
    deleted: u64,
    /// How many were added behind all others.
    added: u64,
}

/// So far behind the end of the start are the places of those that were added behind.
const BEHIND: u64 = 1 << 12;

impl Moves {
    /// How many records there are, of so many at the start.
    pub(crate) fn total(&self, total: u64) -> u64 {
        total.saturating_sub(self.deleted) + self.inserted.len() as u64 + self.added
    }

    /// The place in the list of the start of what stands at a position now; of one that was inserted, a
    /// place behind its end.
    pub(crate) fn index(&self, position: u64, total: u64) -> u64 {
        let inserted = self.inserted.len() as u64;
        match self.inserted.iter().rev().nth(position as usize) {
            Some(number) => total + number,
            None => match position - inserted + self.deleted {
                place if place >= total => place + BEHIND,
                place => place,
            },
        }
    }
}

impl Lists {
    /// A record appears before all others.
    pub(crate) fn insert_record(&self, endpoint: &'static Endpoint) {
        self.moved(endpoint, |moves| {
            moves.inserted.push(moves.made);
            moves.made += 1;
        });
    }

    /// The first record goes away.
    pub(crate) fn delete_record(&self, endpoint: &'static Endpoint) {
        self.moved(endpoint, |moves| {
            if moves.inserted.pop().is_none() {
                moves.deleted += 1;
            }
        });
    }

    /// So many records go away in front, and as many are added behind.
    pub(crate) fn shift(&self, endpoint: &'static Endpoint, records: u64) {
        self.moved(endpoint, |moves| {
            moves.deleted += records;
            moves.added += records;
        });
    }

    fn moved(&self, endpoint: &'static Endpoint, change: impl FnOnce(&mut Moves)) {
        let mut moves = self.moves.write().unwrap_or_else(PoisonError::into_inner);
        change(moves.entry(&endpoint.operation.id).or_default());
        self.cache.clear();
    }

    /// What has become of a list, if anything.
    pub(crate) fn moves_of(&self, endpoint: &Endpoint) -> Option<Moves> {
        let moves = self.moves.read().unwrap_or_else(PoisonError::into_inner);
        moves.get(endpoint.operation.id.as_str()).cloned()
    }

    /// Whether a request asks for a page by its token, and whether it is for a list whose pages or
    /// records are counted, so that they move with what goes before them.
    pub(crate) fn traits_of(
        &self,
        endpoint: &'static Endpoint,
        request: &RecordedRequest,
    ) -> (bool, bool) {
        let Some(ask) = endpoint.scheme.map(Ask::of) else { return (false, false) };
        if !matches!(endpoint.answer().body, AnswerBody::Listing(_)) {
            return (false, false);
        }
        let has_token = ask.is_linked()
            && PageRequest::of(ask, endpoint.operation, request).is_ok_and(|page_request| {
                matches!(page_request.position, Position::Token(Some(_)))
            });
        let is_counted = matches!(ask, Ask::Number | Ask::Paging | Ask::Search | Ask::Index);
        let moves_anyway = self.stage_of(endpoint).is_some_and(|stage| {
            matches!(stage.scenario, Scenario::RecordAdded | Scenario::RecordRemoved)
        });
        let is_dated = self.timeline(endpoint).is_some();
        (has_token, is_counted && !moves_anyway && !is_dated)
    }
}
