use std::sync::atomic::{AtomicBool, Ordering};

use crate::connection::ConnectionFault;
use crate::listing::Listing;
use crate::paging::PageSelector;

/// How a list behaves while a client reads it, for [`MockOrg::scenario`](crate::MockOrg::scenario).
///
/// Lengths are in pages of the page size of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scenario {
    /// Three and a half pages, without any problem.
    ManyPages,
    /// Half a page.
    OnePage,
    /// No records.
    EmptyList,
    /// Three full pages.
    LastPageFull,
    /// The second page has half of its records; the third continues where it ends.
    ShortPage,
    /// The second page is empty, and more follow.
    EmptyPage,
    /// All pages after the first are empty, each with a new token.
    EndlessEmptyPages,
    /// The last page is empty and follows the last record.
    EmptyLastPage,
    /// The last page has an empty string in place of the token or next URI.
    EmptyToken,
    /// The second page returns the token that requested it.
    RepeatedToken,
    /// The third page returns the token of the second.
    TokenCycle,
    /// All pages from the third on equal the second.
    IdenticalPage,
    /// The counts state one page, although there are more.
    TotalTooLow,
    /// The counts state one page too many.
    TotalTooHigh,
    /// The response has no counts.
    MissingTotal,
    /// A record is inserted at the start after the first page has been read.
    RecordAdded,
    /// The first record is deleted after the first page has been read.
    RecordRemoved,
    /// The next URI is a path, as the service sends it.
    RelativeUri,
    /// The next URI is absolute, with the address of the org.
    AbsoluteUri,
    /// Tokens have characters that a URI must encode, and the next URI has parameters that the client did not
    /// send, one of them twice.
    EncodedUri,
    /// The next URI points to another host.
    ForeignUri,
    /// Two and a half pages, of which the service returns half a page at a time.
    CappedPageSize,
    /// The connection closes in the middle of the second or only page; the retry succeeds.
    DroppedConnection,
    /// The connection is reset before the response of the second or only page; the retry succeeds.
    ConnectionReset,
}

impl Scenario {
    /// All scenarios.
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

    /// The default page size of a scenario.
    pub const PAGE_SIZE: u64 = 10;

    /// Whether a list supports the scenario: a list without tokens can't repeat one, for example.
    pub(crate) fn applies(self, list: &Traits<'_>) -> bool {
        let (selector, listing) = (list.selector, list.listing);
        let is_paged = !matches!(selector, PageSelector::Whole | PageSelector::First);
        let by_number = matches!(selector, PageSelector::Number | PageSelector::Search);
        match self {
            Self::OnePage | Self::EmptyList | Self::DroppedConnection | Self::ConnectionReset => {
                true
            }
            Self::ManyPages
            | Self::LastPageFull
            | Self::IdenticalPage
            | Self::RecordAdded
            | Self::RecordRemoved => is_paged,
            // A client that counts hits by page size would skip the missing ones.
            Self::ShortPage => is_paged && selector != PageSelector::Paging,
            // If a response has neither counts nor a link, an empty page is the end.
            Self::EmptyPage => {
                selector.is_linked() || by_number && (listing.counts() || listing.links())
            }
            Self::EndlessEmptyPages
            | Self::EmptyLastPage
            | Self::RepeatedToken
            | Self::TokenCycle => selector.is_linked(),
            Self::EmptyToken => {
                selector.is_linked() || selector == PageSelector::Number && listing.links()
            }
            // Only a link can show that there is more than the counts state.
            Self::TotalTooLow => {
                let goes_on = selector.is_linked()
                    || selector == PageSelector::Number && list.number_in_query;
                listing.counts() && listing.links() && goes_on
            }
            Self::TotalTooHigh | Self::MissingTotal => is_paged && listing.counts(),
            Self::RelativeUri | Self::AbsoluteUri | Self::EncodedUri => {
                listing.links()
                    && (selector.is_linked()
                        || selector == PageSelector::Number && list.number_in_query)
            }
            Self::ForeignUri => selector.is_linked() && listing.links() && !listing.has_token(),
            Self::CappedPageSize => is_paged && selector != PageSelector::Paging && list.takes_size,
        }
    }

    /// The number of records in the list.
    fn records(self, page_size: u64) -> u64 {
        match self {
            Self::EmptyList => 0,
            Self::OnePage => page_size.div_ceil(2),
            Self::LastPageFull | Self::EmptyLastPage => 3 * page_size,
            // At half the page size this is five pages, the maximum of all scenarios.
            Self::CappedPageSize => 2 * page_size + page_size.div_ceil(2),
            _ => 3 * page_size + page_size.div_ceil(2),
        }
    }

    /// The number of records missing from the second page.
    pub(crate) fn gap(self, size: u64) -> u64 {
        match self {
            // Rounded down, so that the half page at the end compensates for it.
            Self::ShortPage => size / 2,
            Self::EmptyPage => size,
            _ => 0,
        }
    }

    /// The number of records from the second page on, given the original number.
    pub(crate) fn moved(self, total: u64) -> u64 {
        match self {
            Self::RecordAdded => total + 1,
            Self::RecordRemoved => total.saturating_sub(1),
            _ => total,
        }
    }

    /// Maps a position, from the second page on, to a position in the original list.
    pub(crate) fn moved_index(self, position: u64, total: u64) -> u64 {
        match self {
            Self::RecordAdded => position.checked_sub(1).unwrap_or(total),
            Self::RecordRemoved => position + 1,
            _ => position,
        }
    }
}

/// The properties of a list that decide which scenarios it supports.
pub(crate) struct Traits<'a> {
    pub(crate) selector: PageSelector,
    pub(crate) listing: &'a Listing,
    pub(crate) takes_size: bool,
    pub(crate) number_in_query: bool,
}

/// A scenario and its state.
#[derive(Debug)]
pub(crate) struct ActiveScenario {
    pub(crate) scenario: Scenario,
    pub(crate) page_size: u64,
    pub(crate) records: u64,
    /// Whether the connection has been cut already.
    cut: AtomicBool,
}

impl ActiveScenario {
    pub(crate) fn new(scenario: Scenario, page_size: u64) -> Self {
        // With one record per page, a list that moves looks like one that repeats a page.
        let page_size = page_size.max(2);
        let records = scenario.records(page_size);
        Self { scenario, page_size, records, cut: AtomicBool::new(false) }
    }

    /// Sets the number of records, in half pages.
    pub(crate) fn of_halves(self, halves: u64) -> Self {
        Self { records: halves * self.page_size / 2, ..self }
    }

    /// The maximum page size, if the scenario has one.
    pub(crate) fn page_size_limit(&self) -> Option<u64> {
        (self.scenario == Scenario::CappedPageSize).then_some(self.page_size.div_ceil(2))
    }

    /// What happens to the connection of a response, once.
    pub(crate) fn connection_fault(
        &self,
        selector: PageSelector,
        ordinal: u64,
    ) -> Option<ConnectionFault> {
        let fault = match self.scenario {
            Scenario::DroppedConnection => ConnectionFault::CutInBody,
            Scenario::ConnectionReset => ConnectionFault::CutBeforeResponse,
            _ => return None,
        };
        let is_single = matches!(selector, PageSelector::Whole | PageSelector::First);
        let is_due = ordinal == 1 || is_single;
        (is_due && !self.cut.swap(true, Ordering::Relaxed)).then_some(fault)
    }
}
