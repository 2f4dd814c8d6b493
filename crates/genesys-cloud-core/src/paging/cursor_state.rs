//! The state of a list between two pages, and the info of a page.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Number;

use super::progress::Counted;
use crate::page_identity::Edges;

/// Which page to request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// The first page of the caller's request.
    Start,
    /// The page with this number, or the page that begins at this index, from 1.
    Number(u64),
    /// The page with this token: one value for each location in the request.
    Token(Vec<Token>),
    /// The page of a link with this query.
    Link(Vec<(String, String)>),
}

/// The token or link to the next page, as found in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text(String),
    /// An integer, which stays one in a body.
    Number(Number),
    /// Anything else, with which no page can be requested.
    Odd,
}

impl Token {
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Odd => Cow::Borrowed(""),
        }
    }
}

/// The state of a list between two pages, sufficient to continue in this process or another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CursorState {
    /// The page that is due.
    pub(super) due: Position,
    /// Pages read before it.
    pub(super) pages: u64,
    /// Counts up to it, over all runs.
    pub(super) counted: Counted,
    /// The requested page size. `None` if it is left to the API.
    pub(super) page_size: Option<u64>,
    /// Items of the list before it, if known.
    pub(super) before: Option<u64>,
    /// The info of the previous page, if one has been read.
    pub(super) previous: Option<PageInfo>,
    /// The largest number of items on a page so far.
    pub(super) largest: u64,
    /// Number of consecutive empty pages just before.
    pub(super) empty: u64,
    /// Number of consecutive pages just before whose items have no ids and equal those of an earlier page.
    pub(super) alike: u64,
    /// Items that each numbered page covers, as last stated by a response.
    pub(super) grid: Option<u64>,
    /// Whether the due page was requested before and was empty although the counts promise items.
    pub(super) is_second_look: bool,
}

impl CursorState {
    /// The state before the first page.
    pub(super) const fn beginning(due: Position) -> Self {
        Self {
            due,
            pages: 0,
            counted: Counted { pages: 0, nulls: 0 },
            page_size: None,
            before: None,
            previous: None,
            largest: 0,
            empty: 0,
            alike: 0,
            grid: None,
            is_second_look: false,
        }
    }
}

/// What a page says about itself and about the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageInfo {
    /// Items, including nulls.
    pub(super) items: u64,
    /// Nulls among the items.
    pub(super) nulls: u64,
    /// Whether it has the field with the list, even if null.
    pub(super) has_list: bool,
    /// Time up to which the data of the list is complete.
    pub(super) available_until: Option<DateTime<Utc>>,
    /// Whether none of its items has an id. Determined only when needed.
    pub(super) has_no_ids: bool,
    pub(super) page_number: Option<u64>,
    pub(super) page_count: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) start_index: Option<u64>,
    pub(super) total: Option<u64>,
    /// The token or link to the next page.
    pub(super) token: Option<Token>,
    /// A hash of the items. `None` for an empty page.
    pub(super) fingerprint: Option<u64>,
    pub(super) edges: Option<Edges>,
    /// Whether its items are in a file instead of the page.
    pub(super) is_in_file: bool,
}

impl PageInfo {
    /// Number of items that are not null.
    pub(super) const fn records(&self) -> u64 {
        self.items - self.nulls
    }

    /// Drops zeros from numbers that count from 1: some services use zero for an unknown value.
    pub(super) fn without_zeros(mut self) -> Self {
        for count in [&mut self.page_number, &mut self.page_size, &mut self.start_index] {
            *count = count.filter(|count| *count > 0);
        }
        self
    }
}
