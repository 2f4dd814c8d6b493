//! The cursor through a list: where it stands, and where it has been.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::cursor_state::{CursorState, PageInfo, Position, Token};
use super::cycle_detector::CycleDetector;
use super::list_spec::{ListSpec, Most, NextToken, ParamLocation};
use super::list_url::ListUrl;
use super::scheme::{Advance, SequenceUnit};
use super::search::Search;
use crate::request::Request;

/// A list that is being read, between two pages.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    pub(super) spec: ListSpec,
    /// Set where the source gives its pages in its own sequence.
    pub(super) sequence: Option<SequenceUnit>,
    /// Where links must lead.
    pub(super) home: Option<ListUrl>,
    /// How far the API lets this list be read.
    cap: Option<Most>,
    /// The page that is due, and what was before it.
    pub(super) at: CursorState,
    /// The tokens and links that pages were asked for by.
    asked_for: CycleDetector,
    /// The fingerprints of the pages before.
    read: CycleDetector,
    /// The number of the page that a search asks for first, where it can be read.
    first_search_page: Option<u64>,
}

impl Cursor {
    /// At the page where a request begins.
    pub(super) fn start(request: &mut Request, spec: &ListSpec, api_url: &str) -> Self {
        let advance = spec.scheme().spec().advance;
        let mut asked_for = CycleDetector::default();
        refuse_other_positions(request, spec);
        let search = match (advance, spec.token_in()) {
            (Advance::Tokens { counted: true }, [place]) => {
                value_on(request, place).and_then(|search| Search::decode(&search))
            }
            _ => None,
        };
        if let Some(search) = &search {
            refuse_other_positions_in(search, request, spec);
        }
        let (due, before) = match advance {
            Advance::Numbers { .. } | Advance::StartIndex => {
                let number =
                    spec.token_in().first().map_or(1, |place| first_number(request, place));
                let at = Position::Number(number);
                let items = if advance == Advance::StartIndex { number - 1 } else { 0 };
                (at, (number == 1 || advance == Advance::StartIndex).then_some(items))
            }
            Advance::Tokens { .. } | Advance::Window => {
                let values = spec.token_in().iter().map(|place| value_on(request, place));
                let values: Option<Vec<Token>> =
                    values.map(|value| value.map(Token::Text)).collect();
                let begun = values.filter(|values| !values.is_empty()).map(Position::Token);
                if let Some(begun) = &begun {
                    asked_for.insert(hash(begun));
                }
                (Position::Start, begun.is_none().then_some(0))
            }
            Advance::Once(_) | Advance::Sequence(_) => (Position::Start, Some(0)),
        };
        Self {
            home: request.target().ok().and_then(|target| ListUrl::new(api_url, &target)),
            cap: spec.cap().filter(|cap| cap.holds_for(request)).map(|cap| cap.most),
            spec: spec.clone(),
            sequence: None,
            at: CursorState { before, ..CursorState::beginning(due) },
            asked_for,
            read: CycleDetector::default(),
            first_search_page: search.and_then(|search| search.page()),
        }
    }

    /// Goes back to the page where the request of the list begins. What has been counted stays.
    pub(super) fn restart(&mut self, request: &mut Request, api_url: &str) {
        let spec = self.spec.clone();
        self.set_out(request, &spec, api_url);
    }

    /// Goes to the page where a request begins, with what has been counted so far and the same page size.
    pub(super) fn set_out(&mut self, request: &mut Request, spec: &ListSpec, api_url: &str) {
        let CursorState { counted, page_size, .. } = self.at;
        *self = Self::start(request, spec, api_url);
        (self.at.counted, self.at.page_size) = (counted, page_size);
    }

    /// The number of the page that a search asks for first, where it can be read.
    pub(super) const fn first_search_page(&self) -> Option<u64> {
        self.first_search_page
    }

    /// How many items each page is requested to hold.
    pub(super) fn set_page_size(&mut self, items: Option<u64>) {
        self.at.page_size = items;
    }

    /// The page that is due.
    pub(super) fn due(&self) -> &Position {
        &self.at.due
    }

    /// The number of the page that is due, from 1: that by which it is asked for, or else how many there
    /// have been.
    pub(super) fn page_number(&self) -> u64 {
        match (self.advances_by(), &self.at.due) {
            (Advance::Numbers { .. }, Position::Number(number)) => *number,
            _ => self.at.pages + 1,
        }
    }

    /// Whether nothing of the list stands before this page, which was due.
    pub(super) fn is_beginning(&self, page: &PageInfo) -> bool {
        self.at.pages == 0 && self.items_before(page) == Some(0)
    }

    /// Whether the page that is due begins with the same item whatever the size of the pages.
    pub(super) fn starts_alike_in_any_size(&self) -> bool {
        !matches!(
            (self.advances_by(), &self.at.due),
            (Advance::Numbers { .. }, Position::Number(2..))
        )
    }

    /// How many items the API lets be read, where it is known.
    pub(super) fn cap_in_items(&self) -> Option<u64> {
        match self.cap? {
            Most::Items(items) => Some(items),
            Most::Pages(_) => None,
        }
    }

    /// Whether the API limits the number of pages, whatever their size.
    pub(super) const fn is_capped_in_pages(&self) -> bool {
        matches!(self.cap, Some(Most::Pages(_)))
    }

    /// The largest page size, up to this one, with which numbered pages end where the cap is: a page that
    /// goes beyond is refused as a whole.
    pub(super) fn page_size_up_to_cap(&self, size: u64) -> u64 {
        match (self.cap, self.advances_by()) {
            (Some(Most::Items(most @ 1..)), Advance::Numbers { .. }) => {
                // Down to the half: smaller pages would cost more than the rest up to the cap is worth.
                let size = size.min(most);
                (size.div_ceil(2)..=size).rev().find(|size| most % size == 0).unwrap_or(size)
            }
            _ => size,
        }
    }

    /// Makes a request ask for the page at a position.
    pub(super) fn write(&self, position: &Position, request: &mut Request) {
        match position {
            Position::Start => {}
            Position::Number(number) => {
                for place in self.spec.token_in() {
                    set_number(request, place, *number, false);
                }
            }
            Position::Token(values) => {
                for (place, value) in self.spec.token_in().iter().zip(values) {
                    match (place.is_in_body(), value) {
                        (false, _) => request.set_query(place.name().to_owned(), &*value.text()),
                        (true, Token::Number(number)) => {
                            request.set_body_field(&place.pointer(), number)
                        }
                        (true, _) => request.set_body_field(&place.pointer(), &*value.text()),
                    };
                }
            }
            // Parameters that the link leaves out stay: a filter must hold for all pages.
            Position::Link(query) => {
                let mut set: HashSet<&str> = HashSet::new();
                for (name, value) in query {
                    if set.insert(name) {
                        request.set_query(name.clone(), value);
                    } else {
                        request.add_query(name.clone(), value);
                    }
                }
            }
        }
    }

    /// The pages that can be asked for by now, that which is due first. Beyond it only those that have a
    /// number which the API has counted.
    pub(super) fn ahead(&self) -> impl Iterator<Item = Position> + '_ {
        let further = match (self.advances_by(), &self.at.due, &self.at.previous) {
            (Advance::Numbers { .. }, Position::Number(due), Some(previous)) => {
                Some(due.saturating_add(1)..=previous.page_count.unwrap_or(0))
            }
            _ => None,
        };
        let further = further.into_iter().flatten().map(Position::Number);
        let further = further.take_while(|at| !self.is_beyond_cap(at, None));
        std::iter::once(self.at.due.clone()).chain(further)
    }

    /// At least how many items a page holds, as far as that is known.
    pub(super) fn items_per_page(&self) -> u64 {
        let told = self.at.previous.as_ref().and_then(|previous| previous.page_size);
        told.or(self.at.page_size).unwrap_or(1).max(self.at.largest).max(1)
    }

    /// Whether a page was asked for by this position.
    pub(super) fn has_asked_for(&self, position: &Position) -> bool {
        self.asked_for.contains(hash(position))
    }

    /// Whether a page that was read holds the very items of this one.
    pub(super) fn has_read(&self, page: &PageInfo) -> bool {
        page.fingerprint.is_some_and(|fingerprint| self.read.contains(fingerprint))
    }

    /// How many of the first items of a page belong to the one before: those that a window shares with
    /// it, where it holds its own bound.
    pub(super) fn shared_by(&self, page: &PageInfo) -> u64 {
        if self.advances_by() == Advance::Window { self.repeated_by(page) } else { 0 }
    }

    /// How many of the items of a page are, byte by byte, the last ones of the page before.
    pub(super) fn repeated_by(&self, page: &PageInfo) -> u64 {
        let edges = self.at.previous.as_ref().and_then(|previous| previous.edges.as_ref());
        edges.zip(page.edges.as_ref()).map_or(0, |(before, after)| before.shared_with(after))
    }

    /// Moves on from a page to the position that [`step`](super::step) found. Gives where the list stood
    /// when that page was due.
    pub(super) fn advance(&mut self, page: PageInfo, due: Position) -> CursorState {
        let before = match &due {
            Position::Number(index) if self.advances_by() == Advance::StartIndex => Some(index - 1),
            _ => self.items_up_to(&page),
        };
        if matches!(due, Position::Token(_) | Position::Link(_)) {
            self.asked_for.insert(hash(&due));
        }
        if let Some(fingerprint) = page.fingerprint {
            self.read.insert(fingerprint);
        }
        let is_empty = page.items == 0 && !page.is_in_file;
        let alike = if page.has_no_ids { self.at.alike + 1 } else { 0 };
        let told = page.page_size.filter(|_| !is_empty);
        let next = CursorState {
            due,
            pages: self.at.pages + 1,
            counted: self.at.counted,
            page_size: self.at.page_size,
            before,
            largest: self.at.largest.max(page.items),
            empty: if is_empty { self.at.empty + 1 } else { 0 },
            alike,
            grid: told.or(self.at.grid),
            is_second_look: false,
            previous: Some(page),
        };
        std::mem::replace(&mut self.at, next)
    }

    /// Goes on from where a list of this kind stood before. `false`, and nothing is changed, where none of
    /// this kind can stand there.
    pub(super) fn resume(&mut self, at: CursorState) -> bool {
        let fits = match (self.advances_by(), &at.due) {
            (Advance::Numbers { .. } | Advance::StartIndex, Position::Number(number)) => {
                *number > 0
            }
            (Advance::Tokens { .. } | Advance::Window, Position::Token(values)) => {
                values.len() == self.spec.token_in().len() && !values.contains(&Token::Odd)
            }
            (Advance::Tokens { .. }, Position::Link(_)) => {
                self.spec.token_out().is_some_and(NextToken::is_whole_link)
            }
            (Advance::Tokens { .. } | Advance::Window | Advance::Once(_), Position::Start) => true,
            _ => false,
        };
        if fits {
            if matches!(at.due, Position::Token(_) | Position::Link(_)) {
                self.asked_for.insert(hash(&at.due));
            }
            if let Some(fingerprint) = at.previous.as_ref().and_then(|page| page.fingerprint) {
                self.read.insert(fingerprint);
            }
            self.at = at;
        }
        fits
    }

    pub(super) fn advances_by(&self) -> Advance {
        self.sequence.map_or(self.spec.scheme().spec().advance, Advance::Sequence)
    }

    /// How many items of the list stand up to the end of a page.
    pub(super) fn items_up_to(&self, page: &PageInfo) -> Option<u64> {
        self.items_before(page).map(|before| before.saturating_add(page.items))
    }

    /// How many items of the list stand before a page, which is due.
    fn items_before(&self, page: &PageInfo) -> Option<u64> {
        match (self.at.before, self.advances_by(), &self.at.due) {
            (None, Advance::Numbers { .. }, Position::Number(number)) => {
                Some((number - 1).saturating_mul(page.page_size?))
            }
            // The request has a token from the beginning: it is the search.
            (None, Advance::Tokens { counted: true }, Position::Start) => {
                page.page_number.filter(|number| *number == 1).map(|_| 0)
            }
            (before, ..) => before,
        }
    }

    pub(super) fn is_beyond_cap(&self, next: &Position, page: Option<&PageInfo>) -> bool {
        match (self.cap, self.advances_by(), next) {
            (None, ..) => false,
            (Some(Most::Pages(most)), Advance::Numbers { .. }, Position::Number(number)) => {
                *number > most
            }
            (Some(Most::Pages(most)), ..) => self.at.pages + 1 >= most,
            (Some(Most::Items(most)), Advance::Numbers { .. }, Position::Number(number)) => {
                let previous = self.at.previous.as_ref();
                let told = page.and_then(|page| page.page_size);
                let told = told.max(previous.and_then(|previous| previous.page_size));
                let size = told.or(self.at.page_size).unwrap_or(self.at.largest);
                number.saturating_mul(size) > most
            }
            (Some(Most::Items(most)), Advance::StartIndex, Position::Number(index)) => {
                *index > most
            }
            (Some(Most::Items(most)), ..) => {
                page.and_then(|page| self.items_up_to(page)).is_some_and(|items| items >= most)
            }
        }
    }
}

/// Refuses parameters that choose a page in another way than the list is read by.
fn refuse_other_positions(request: &mut Request, spec: &ListSpec) {
    let is_own = |name: &str| spec.token_in().iter().any(|place| place.name() == name);
    let mut queries = request.query_pairs().map(|(name, _)| name);
    let other = queries.find(|name| spec.chooses_page(name) && !is_own(name)).map(str::to_owned);
    drop(queries);
    if let Some(other) = other {
        let own: Vec<&str> = spec.token_in().iter().map(ParamLocation::name).collect();
        let advice = match &own[..] {
            [] => "leave it out".to_owned(),
            own => format!("leave it out, or begin elsewhere by `{}`", own.join("` and `")),
        };
        request.fault(format!("`{other}` would skip or repeat records of the list: {advice}"));
    }
}

/// The same in a search. The number of its page says where reading begins.
fn refuse_other_positions_in(search: &Search, request: &mut Request, spec: &ListSpec) {
    if search.page().is_none() {
        request.fault("`pageNumber` of the search must be a number from 1".to_owned());
    }
    let chooses = |name: &str| name != "pageNumber" && spec.chooses_page(name);
    if let Some((other, _)) = search.fields().find(|(name, _)| chooses(name)) {
        request.fault(format!(
            "`{other}` of the search would skip or repeat records of the list: leave it out"
        ));
    }
}

/// Sets a number in a place of a request.
pub(super) fn set_number(request: &mut Request, place: &ParamLocation, number: u64, as_text: bool) {
    match (place.is_in_body(), as_text) {
        (false, _) => request.set_query(place.name().to_owned(), number.to_string()),
        (true, false) => request.set_body_field(&place.pointer(), number),
        (true, true) => request.set_body_field(&place.pointer(), number.to_string()),
    };
}

/// What stands in a place of a request, as text.
pub(super) fn value_on(request: &Request, place: &ParamLocation) -> Option<String> {
    if !place.is_in_body() {
        return request.query(place.name()).map(str::to_owned);
    }
    let value = request.body_field(&place.pointer())?;
    Some(serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()))
}

/// The number that the caller of a request has set, or else 1.
fn first_number(request: &mut Request, place: &ParamLocation) -> u64 {
    match value_on(request, place).map(|value| value.parse()) {
        None => 1,
        Some(Ok(number @ 1..)) => number,
        Some(_) => {
            request.fault(format!("`{}` must be a number from 1", place.name()));
            1
        }
    }
}

fn hash(position: &Position) -> u64 {
    let mut hasher = DefaultHasher::new();
    match position {
        Position::Start => {}
        Position::Number(number) => number.hash(&mut hasher),
        // A number and its text ask for the same page.
        Position::Token(values) => values.iter().for_each(|value| value.text().hash(&mut hasher)),
        Position::Link(query) => query.hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
