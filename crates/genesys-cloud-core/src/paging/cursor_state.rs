//! Where a list stands, and what its pages say.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Number;

use super::progress::Counted;
use crate::page_identity::Edges;

/// Which page is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Where the request begins as the caller made it.
    Start,
    /// The page of this number, or that which begins with the item of this number, from 1.
    Number(u64),
    /// The page of this token: one value for each place that it goes to.
    Token(Vec<Token>),
    /// The page of a link with this query.
    Link(Vec<(String, String)>),
}

/// What leads from one page to the next, as it stands in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text(String),
    /// An integer, which goes into a body as one.
    Number(Number),
    /// Something else, by which no page can be asked for.
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

/// Where a list stands between two pages: what is needed to go on from there, in this process or another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CursorState {
    /// The page that is due.
    pub(super) due: Position,
    /// How many pages have been read before it.
    pub(super) pages: u64,
    /// What was counted up to it, in all runs.
    pub(super) counted: Counted,
    /// How many items each page is requested to hold. `None` if that is left to the API.
    pub(super) page_size: Option<u64>,
    /// How many items of the list stand before it, where that can be told.
    pub(super) before: Option<u64>,
    /// What the page before it said, if one has been read.
    pub(super) previous: Option<PageInfo>,
    /// The most items that a page has held.
    pub(super) largest: u64,
    /// How many of the pages just before were empty.
    pub(super) empty: u64,
    /// How many of the pages just before had items without ids that a page further back had too.
    pub(super) alike: u64,
    /// How many items each numbered page covers, as the responses have said so far.
    pub(super) grid: Option<u64>,
    /// Whether the page that is due was empty when it was asked for, though more had been promised.
    pub(super) is_second_look: bool,
}

impl CursorState {
    /// Before the first page that is read.
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

/// What a page says: about itself, and about the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageInfo {
    /// How many items it holds, nulls among them.
    pub(super) items: u64,
    /// How many of them are null.
    pub(super) nulls: u64,
    /// Whether it has the field with the list, be it null.
    pub(super) has_list: bool,
    /// Up to when the data is complete that the list is made from, as the response says.
    pub(super) available_until: Option<DateTime<Utc>>,
    /// Whether none of its items has an id. Found out only where it matters.
    pub(super) has_no_ids: bool,
    pub(super) page_number: Option<u64>,
    pub(super) page_count: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) start_index: Option<u64>,
    pub(super) total: Option<u64>,
    /// What leads to the next page: a token, or a link.
    pub(super) token: Option<Token>,
    /// Differs where the items do. `None` of an empty page: all of them are alike.
    pub(super) fingerprint: Option<u64>,
    pub(super) edges: Option<Edges>,
    /// Whether its items stand in a file, and none in it.
    pub(super) is_in_file: bool,
}

impl PageInfo {
    /// How many items it holds that are not null.
    pub(super) const fn records(&self) -> u64 {
        self.items - self.nulls
    }

    /// The same without what is counted from 1 and said to be 0, which is how some services write that
    /// they have nothing to say.
    pub(super) fn without_zeros(mut self) -> Self {
        for count in [&mut self.page_number, &mut self.page_size, &mut self.start_index] {
            *count = count.filter(|count| *count > 0);
        }
        self
    }
}
