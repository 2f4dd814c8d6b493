use std::sync::atomic::{AtomicBool, Ordering};

use crate::connection::ConnectionFault;
use crate::listing::Listing;
use crate::paging::Ask;

/// How a list behaves while a client reads it, for
/// [`MockOrg::scenario`](crate::MockOrg::scenario).
///
/// The sizes below are in pages of the size the scenario was set with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scenario {
    /// Three pages and a half, and nothing goes wrong.
    ManyPages,
    /// Half a page.
    OnePage,
    /// No records.
    EmptyList,
    /// Three pages, all full.
    LastPageFull,
    /// The second page has only half of its records; the third goes on where it ends.
    ShortPage,
    /// The second page is empty, and more follow.
    EmptyPage,
    /// After the first page all are empty, each with a new token for another.
    EndlessEmptyPages,
    /// After the last record comes an empty page, which is the last one.
    EmptyLastPage,
    /// The last page has an empty string where a token or the URI of a next page would be.
    EmptyToken,
    /// The second page hands out the token it was asked for with.
    RepeatedToken,
    /// The third page hands out the token of the second.
    TokenCycle,
    /// Whatever page is wanted, from the third on it is the second again.
    IdenticalPage,
    /// The counts speak of one page, although there are more.
    TotalTooLow,
    /// The counts speak of one page more than there is.
    TotalTooHigh,
    /// The reply has no counts.
    MissingTotal,
    /// A record appears before all others once the first page was read.
    RecordAdded,
    /// The first record goes away once the first page was read.
    RecordRemoved,
    /// The URI of the next page is a path, as the service sends it.
    RelativeUri,
    /// The URI of the next page begins with the address of the org.
    AbsoluteUri,
    /// Tokens have characters that a URI must encode, and the URI of the next page has
    /// parameters no one asked for, one of them twice.
    EncodedUri,
    /// The URI of the next page leads to another host.
    ForeignUri,
    /// Two pages and a half, of which the service hands out half a page at a time.
    CappedPageSize,
    /// The connection ends in the middle of the second page, or the only one; the next try
    /// succeeds.
    DroppedConnection,
    /// The connection ends before the reply of the second page, or the only one; the next try
    /// succeeds.
    ConnectionReset,
}

impl Scenario {
    /// Every scenario there is.
    pub const ALL: [Self; 24] = [
        Self::ManyPages,
        Self::OnePage,
        Self::EmptyList,
        Self::LastPageFull,
        Self::ShortPage,
        Self::EmptyPage,
        Self::EndlessEmptyPages,
        Self::EmptyLastPage,
        Self::EmptyToken,
        Self::RepeatedToken,
        Self::TokenCycle,
        Self::IdenticalPage,
        Self::TotalTooLow,
        Self::TotalTooHigh,
        Self::MissingTotal,
        Self::RecordAdded,
        Self::RecordRemoved,
        Self::RelativeUri,
        Self::AbsoluteUri,
        Self::EncodedUri,
        Self::ForeignUri,
        Self::CappedPageSize,
        Self::DroppedConnection,
        Self::ConnectionReset,
    ];

    /// The page size of a scenario that was set with no other.
    pub const PAGE_SIZE: u64 = 10;

    /// Whether a list can behave like this at all: one without tokens can't repeat one.
    pub(crate) fn applies(self, list: &Traits<'_>) -> bool {
        let (ask, listing) = (list.ask, list.listing);
        let is_paged = !matches!(ask, Ask::Whole | Ask::First);
        let by_number = matches!(ask, Ask::Number | Ask::Search);
        match self {
            Self::OnePage | Self::EmptyList | Self::DroppedConnection | Self::ConnectionReset => {
                true
            }
            Self::ManyPages
            | Self::LastPageFull
            | Self::IdenticalPage
            | Self::RecordAdded
            | Self::RecordRemoved => is_paged,
            // Who counts hits by page size skips those that were held back.
            Self::ShortPage => is_paged && ask != Ask::Paging,
            // Where a reply tells nothing, an empty page is the end.
            Self::EmptyPage => {
                ask.is_linked() || by_number && (listing.counts() || listing.links())
            }
            Self::EndlessEmptyPages
            | Self::EmptyLastPage
            | Self::RepeatedToken
            | Self::TokenCycle => ask.is_linked(),
            Self::EmptyToken => ask.is_linked() || ask == Ask::Number && listing.links(),
            // Nothing but a link can say that there is more than the counts speak of.
            Self::TotalTooLow => {
                let goes_on = ask.is_linked() || ask == Ask::Number && list.number_in_query;
                listing.counts() && listing.links() && goes_on
            }
            Self::TotalTooHigh | Self::MissingTotal => is_paged && listing.counts(),
            Self::RelativeUri | Self::AbsoluteUri | Self::EncodedUri => {
                listing.links() && (ask.is_linked() || ask == Ask::Number && list.number_in_query)
            }
            Self::ForeignUri => ask.is_linked() && listing.links() && !listing.has_token(),
            Self::CappedPageSize => is_paged && ask != Ask::Paging && list.takes_size,
        }
    }

    /// How many records the list has.
    fn records(self, page_size: u64) -> u64 {
        match self {
            Self::EmptyList => 0,
            Self::OnePage => page_size.div_ceil(2),
            Self::LastPageFull | Self::EmptyLastPage => 3 * page_size,
            // At half the page size this makes five pages, as many as any list has.
            Self::CappedPageSize => 2 * page_size + page_size.div_ceil(2),
            _ => 3 * page_size + page_size.div_ceil(2),
        }
    }

    /// How many records the second page is short of.
    pub(crate) fn hole(self, size: u64) -> u64 {
        match self {
            // Rounded down, so that the half page at the end makes up for it.
            Self::ShortPage => size / 2,
            Self::EmptyPage => size,
            _ => 0,
        }
    }

    /// How many records there are from the second page on, of so many at first.
    pub(crate) fn moved(self, total: u64) -> u64 {
        match self {
            Self::RecordAdded => total + 1,
            Self::RecordRemoved => total.saturating_sub(1),
            _ => total,
        }
    }

    /// What stands at a position from the second page on: its place in the list of the first.
    pub(crate) fn moved_index(self, position: u64, total: u64) -> u64 {
        match self {
            Self::RecordAdded => position.checked_sub(1).unwrap_or(total),
            Self::RecordRemoved => position + 1,
            _ => position,
        }
    }
}

/// What decides which scenarios a list can go through.
pub(crate) struct Traits<'a> {
    pub(crate) ask: Ask,
    pub(crate) listing: &'a Listing,
    pub(crate) takes_size: bool,
    pub(crate) number_in_query: bool,
}

/// A scenario on a list.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) scenario: Scenario,
    pub(crate) page_size: u64,
    pub(crate) records: u64,
    /// Whether the connection has been cut already.
    cut: AtomicBool,
}

impl Stage {
    pub(crate) fn new(scenario: Scenario, page_size: u64) -> Self {
        // With one record a page, a list that moves can't be told from one that repeats a page.
        let page_size = page_size.max(2);
        let records = scenario.records(page_size);
        Self { scenario, page_size, records, cut: AtomicBool::new(false) }
    }

    /// The same with another number of records, in halves of a page.
    pub(crate) fn of_halves(self, halves: u64) -> Self {
        Self { records: halves * self.page_size / 2, ..self }
    }

    /// The most records on a page, if the scenario is about that.
    pub(crate) fn page_size_limit(&self) -> Option<u64> {
        (self.scenario == Scenario::CappedPageSize).then_some(self.page_size.div_ceil(2))
    }

    /// What happens to the connection of a reply; once only.
    pub(crate) fn connection_fault(&self, ask: Ask, ordinal: u64) -> Option<ConnectionFault> {
        let fault = match self.scenario {
            Scenario::DroppedConnection => ConnectionFault::CutInBody,
            Scenario::ConnectionReset => ConnectionFault::CutBeforeReply,
            _ => return None,
        };
        let is_single = matches!(ask, Ask::Whole | Ask::First);
        let is_due = ordinal == 1 || is_single;
        (is_due && !self.cut.swap(true, Ordering::Relaxed)).then_some(fault)
    }
}
