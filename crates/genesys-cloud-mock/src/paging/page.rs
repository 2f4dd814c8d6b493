use std::fmt;

use crate::paging::page_request::{PageRequest, SOURCE_TYPE};
use crate::paging::{PageOffset, PageSelector, Tokens, search};
use crate::query::{Query, encode};
use crate::scenario::Scenario;
use crate::shape::Shape;
use crate::timeline::Spread;

/// A filter time of change requests, in milliseconds.
const FILTER_TIME: &str = "1704067200000";

/// Writes the records of a list that change over time.
pub(crate) trait WriteRecord: fmt::Debug + Send {
    /// Writes the record at an index as JSON.
    fn write(&self, out: &mut Vec<u8>, shape: &Shape, index: u64, list_path: &str);
}

/// One page of a list: its records, and what the response states about this and other pages.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) selector: PageSelector,
    pub(crate) offset: PageOffset,
    pub(crate) size: u64,
    /// The number of records on all pages.
    pub(crate) total: u64,
    /// The number of pages.
    pub(crate) count: u64,
    /// The positions of the records on this page.
    pub(crate) indexes: Vec<u64>,
    /// Where the next page begins.
    pub(crate) next: Option<PageOffset>,
    pub(crate) scenario: Option<Scenario>,
    /// The times of the records, if the list has a timeline.
    pub(crate) times: Option<Spread<'a>>,
    /// Writes the records, if they change over time.
    pub(crate) entities: Option<Box<dyn WriteRecord>>,
    pub(crate) tokens: Tokens,
    pub(crate) page_request: &'a PageRequest,
    pub(crate) path: &'a str,
    pub(crate) query: Query<'a>,
    /// The base URL of the org.
    pub(crate) base: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbor {
    Own,
    First,
    Previous,
    Next,
    Last,
}

/// Where a page is and what follows, regardless of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) offset: PageOffset,
    /// The maximum number of records from there.
    pub(crate) take: u64,
    pub(crate) count: u64,
    pub(crate) next: Option<PageOffset>,
}

impl Window {
    pub(crate) fn of(
        selector: PageSelector,
        offset: PageOffset,
        size: u64,
        total: u64,
        scenario: Option<Scenario>,
    ) -> Self {
        match selector {
            PageSelector::Whole => {
                Self { offset: PageOffset::FIRST, take: total, count: 1, next: None }
            }
            PageSelector::First => {
                // The response may say that there is more, but no parameter selects it.
                let next = (size < total).then_some(PageOffset { ordinal: 1, start: size });
                Self { offset: PageOffset::FIRST, take: size, count: total.div_ceil(size), next }
            }
            _ if selector.is_linked() => Self::linked(offset, size, total, scenario),
            _ => Self::counted(selector, offset, size, total, scenario),
        }
    }

    /// A page selected by number or index.
    fn counted(
        selector: PageSelector,
        offset: PageOffset,
        size: u64,
        total: u64,
        scenario: Option<Scenario>,
    ) -> Self {
        let gap = scenario.map_or(0, |it| it.gap(size));
        let is_identical = scenario == Some(Scenario::IdenticalPage);
        let by_number =
            matches!(selector, PageSelector::Number | PageSelector::Search | PageSelector::Paging);
        let ordinal = match offset.ordinal {
            ordinal if is_identical => ordinal.min(1),
            ordinal => ordinal,
        };
        let held_back = if ordinal > 1 { gap } else { 0 };
        let start = match by_number {
            true => ordinal.saturating_mul(size).saturating_sub(held_back),
            false if is_identical => offset.start.min(size),
            false => offset.start,
        };
        let take = if ordinal == 1 { size - gap } else { size };
        // An empty list has no pages, and a list that fits on the first page has no second.
        let gap = if total > size { gap } else { 0 };
        let count = (total + gap).div_ceil(size.max(1));
        let next = PageOffset { ordinal: ordinal + 1, start: start.saturating_add(take) };
        let has_next = ordinal + 1 < count;
        Self { offset: PageOffset { ordinal, start }, take, count, next: has_next.then_some(next) }
    }

    /// A page selected by token.
    fn linked(offset: PageOffset, size: u64, total: u64, scenario: Option<Scenario>) -> Self {
        let gap = scenario.map_or(0, |it| it.gap(size));
        let start = match scenario {
            Some(Scenario::IdenticalPage) => offset.start.min(size),
            _ => offset.start,
        };
        let take = match (scenario, offset.ordinal) {
            (Some(Scenario::EndlessEmptyPages), 1..) => 0,
            (_, 1) => size - gap,
            _ => size,
        };
        let end = start.saturating_add(take).min(total);
        let following = PageOffset { ordinal: offset.ordinal + 1, start: end };
        let next = match (scenario, offset.ordinal) {
            (Some(Scenario::EndlessEmptyPages | Scenario::IdenticalPage), 1..) => Some(following),
            (Some(Scenario::RepeatedToken), 1) => Some(offset),
            (Some(Scenario::TokenCycle), 2) => Some(PageOffset { ordinal: 1, start: size }),
            (Some(Scenario::EmptyLastPage), _) if start < total => Some(following),
            _ => (end < total).then_some(following),
        };
        Self {
            offset: PageOffset { ordinal: offset.ordinal, start },
            take,
            count: total.div_ceil(size),
            next,
        }
    }
}

impl<'a> Page<'a> {
    /// The only page of an unpaged list.
    pub(crate) fn whole(page_request: &'a PageRequest, indexes: Vec<u64>) -> Self {
        let total = indexes.len() as u64;
        Self {
            selector: PageSelector::Whole,
            offset: PageOffset::FIRST,
            size: total,
            total,
            count: 1,
            indexes,
            next: None,
            scenario: None,
            times: None,
            entities: None,
            tokens: Tokens::new(0, false),
            page_request,
            path: "",
            query: Query::new(""),
            base: "",
        }
    }
}

impl Page<'_> {
    /// Its number, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.offset.ordinal + 1
    }

    /// The total that the response states, if any.
    pub(crate) fn stated_total(&self) -> Option<u64> {
        match self.scenario {
            Some(Scenario::MissingTotal) => None,
            Some(Scenario::TotalTooLow) => Some(self.total.min(self.size)),
            Some(Scenario::TotalTooHigh) => Some(self.total + self.size),
            _ => Some(self.total),
        }
    }

    /// The page count that the response states, if any.
    pub(crate) fn stated_count(&self) -> Option<u64> {
        match self.scenario {
            Some(Scenario::MissingTotal) => None,
            Some(Scenario::TotalTooLow) => Some(self.count.min(1)),
            Some(Scenario::TotalTooHigh) => Some(self.count + 1),
            _ => Some(self.count),
        }
    }

    /// The token of the next page, or an empty string if that is how the list ends.
    pub(crate) fn token(&self) -> Option<String> {
        if !self.selector.is_linked() {
            return None;
        }
        let token = self.next_token();
        token.or_else(|| self.ends_with_empty_text().then(String::new))
    }

    /// Returns the URI of a neighboring page.
    pub(crate) fn uri(&self, neighbor: Neighbor) -> Option<String> {
        if neighbor == Neighbor::Next {
            let uri = self.next_query().map(|query| self.next_uri(&query));
            return uri.or_else(|| self.ends_with_empty_text().then(String::new));
        }
        let query = match self.selector {
            PageSelector::Number => {
                self.query.replace(&self.number_query(self.neighbor(neighbor)?))
            }
            _ if neighbor == Neighbor::Own => self.query.text().to_owned(),
            _ if neighbor == Neighbor::Previous || self.selector.is_linked() => return None,
            _ => String::new(),
        };
        Some(with_query(self.path, &query))
    }

    /// Returns the URI of a neighboring page of the search. According to the service, there always is one.
    pub(crate) fn search_uri(&self, neighbor: Neighbor) -> String {
        let number = match neighbor {
            Neighbor::Previous => (self.number() - 1).max(1),
            Neighbor::Next => self.number() + 1,
            _ => self.number(),
        };
        let mut search = self.page_request.search.clone();
        search.insert("pageNumber".to_owned(), number.into());
        search.insert("pageSize".to_owned(), self.size.into());
        format!("{}?q64={}", self.path, encode(&search::encode(&search)))
    }

    fn next_token(&self) -> Option<String> {
        self.next.map(|offset| self.tokens.write(offset))
    }

    fn ends_with_empty_text(&self) -> bool {
        self.next.is_none() && self.scenario == Some(Scenario::EmptyToken)
    }

    /// The number of a neighboring page, if it exists.
    fn neighbor(&self, neighbor: Neighbor) -> Option<u64> {
        match neighbor {
            Neighbor::Own => Some(self.number()),
            Neighbor::First => Some(1),
            Neighbor::Previous => Some(self.number() - 1).filter(|&number| number > 0),
            Neighbor::Next => self.next.map(|_| self.number() + 1),
            Neighbor::Last => Some(self.count.max(1)),
        }
    }

    fn next_query(&self) -> Option<String> {
        let mut changes = match self.selector {
            PageSelector::Number => self.number_query(self.neighbor(Neighbor::Next)?),
            // A filter time, which the service advances forever.
            PageSelector::Whole if self.page_request.has_after => {
                vec![("after", FILTER_TIME.to_owned())]
            }
            // The envelope of an unpaged list: the URI returns the same list.
            PageSelector::Whole => self.number_query(2),
            _ => self.token_query(self.next_token()?),
        };
        if self.scenario == Some(Scenario::EncodedUri) {
            let odd = [("x", "\u{e9}/+&= %"), ("part", "1"), ("part", "2")];
            changes.extend(odd.map(|(name, value)| (name, value.to_owned())));
        }
        Some(self.query.replace(&changes))
    }

    fn number_query(&self, number: u64) -> Vec<(&'static str, String)> {
        vec![("pageSize", self.size.to_string()), ("pageNumber", number.to_string())]
    }

    fn token_query(&self, token: String) -> Vec<(&'static str, String)> {
        let size = self.page_request.size_name.map(|name| (name, self.size.to_string()));
        let mut changes = Vec::from_iter(size);
        match self.page_request.token_names[..] {
            [kind, id] => changes.extend([(kind, SOURCE_TYPE.to_owned()), (id, token)]),
            [name] => changes.push((name, token)),
            // The token goes into the body. What the service puts into the URI is not known; nothing uses it.
            _ => changes.push(("after", token)),
        }
        changes
    }

    fn next_uri(&self, query: &str) -> String {
        let uri = with_query(self.path, query);
        match self.scenario {
            Some(Scenario::AbsoluteUri) => format!("{}{uri}", self.base),
            Some(Scenario::ForeignUri) => format!("http://foreign.invalid{uri}"),
            _ => uri,
        }
    }
}

fn with_query(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
