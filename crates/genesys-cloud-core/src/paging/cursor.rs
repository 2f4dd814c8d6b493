//! The position in a list, and the pages visited before.

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
    /// Set if the source delivers pages in its own sequence.
    pub(super) sequence: Option<SequenceUnit>,
    /// The URL to which links must point.
    pub(super) home: Option<ListUrl>,
    /// The cap that applies to this request.
    cap: Option<Most>,
    /// The page that is due, and what is known of those before it.
    pub(super) at: CursorState,
    /// The tokens and links of pages requested so far.
    asked_for: CycleDetector,
    /// The fingerprints of pages read so far.
    read: CycleDetector,
    /// The page number that a search requests first, if it can be decoded.
    first_search_page: Option<u64>,
}

impl Cursor {
    /// Starts at the first page of a request.
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

    /// Goes back to the first page of the request, keeping the counts.
    pub(super) fn restart(&mut self, request: &mut Request, api_url: &str) {
        let spec = self.spec.clone();
        self.set_out(request, &spec, api_url);
    }

    /// Goes to the first page of another request, keeping the counts and the page size.
    pub(super) fn set_out(&mut self, request: &mut Request, spec: &ListSpec, api_url: &str) {
        let CursorState { counted, page_size, .. } = self.at;
        *self = Self::start(request, spec, api_url);
        (self.at.counted, self.at.page_size) = (counted, page_size);
    }

    /// The page number that a search requests first, if it can be decoded.
    pub(super) const fn first_search_page(&self) -> Option<u64> {
        self.first_search_page
    }

    /// Sets the page size to request.
    pub(super) fn set_page_size(&mut self, items: Option<u64>) {
        self.at.page_size = items;
    }

    /// The position of the due page.
    pub(super) fn due(&self) -> &Position {
        &self.at.due
    }

    /// The number of the due page, from 1: the requested page number, or else its position in reading order.
    pub(super) fn page_number(&self) -> u64 {
        match (self.advances_by(), &self.at.due) {
            (Advance::Numbers { .. }, Position::Number(number)) => *number,
            _ => self.at.pages + 1,
        }
    }

    /// Whether this page, which was due, is the first of the list.
    pub(super) fn is_beginning(&self, page: &PageInfo) -> bool {
        self.at.pages == 0 && self.items_before(page) == Some(0)
    }

    /// Whether the due page begins with the same item for any page size.
    pub(super) fn starts_alike_in_any_size(&self) -> bool {
        !matches!(
            (self.advances_by(), &self.at.due),
            (Advance::Numbers { .. }, Position::Number(2..))
        )
    }

    /// The cap in items, if known.
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

    /// The largest page size up to this one for which numbered pages end exactly at the cap: the API refuses a page
    /// that reaches beyond it.
    pub(super) fn page_size_up_to_cap(&self, size: u64) -> u64 {
        match (self.cap, self.advances_by()) {
            (Some(Most::Items(most @ 1..)), Advance::Numbers { .. }) => {
                // Not below half: smaller pages would cost more than the items up to the cap are worth.
                let size = size.min(most);
                (size.div_ceil(2)..=size).rev().find(|size| most % size == 0).unwrap_or(size)
            }
            _ => size,
        }
    }

    /// Sets the parameters of a request to the page at a position.
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
            // Parameters missing from the link stay: a filter must apply to all pages.
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

    /// The pages that can be requested now, beginning with the due one. The others are numbered pages up to the API's
    /// page count.
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

    /// The least number of items that a page is known to have.
    pub(super) fn items_per_page(&self) -> u64 {
        let stated = self.at.previous.as_ref().and_then(|previous| previous.page_size);
        stated.or(self.at.page_size).unwrap_or(1).max(self.at.largest).max(1)
    }

    /// Whether a page was requested at this position.
    pub(super) fn has_asked_for(&self, position: &Position) -> bool {
        self.asked_for.contains(hash(position))
    }

    /// Whether a page with the same items was read before.
    pub(super) fn has_read(&self, page: &PageInfo) -> bool {
        page.fingerprint.is_some_and(|fingerprint| self.read.contains(fingerprint))
    }

    /// Number of items at the start of a page that a window shares with the previous one, if it includes its bound.
    pub(super) fn shared_by(&self, page: &PageInfo) -> u64 {
        if self.advances_by() == Advance::Window { self.repeated_by(page) } else { 0 }
    }

    /// Number of items at the start of a page that are byte for byte the last items of the previous page.
    pub(super) fn repeated_by(&self, page: &PageInfo) -> u64 {
        let edges = self.at.previous.as_ref().and_then(|previous| previous.edges.as_ref());
        edges.zip(page.edges.as_ref()).map_or(0, |(before, after)| before.shared_with(after))
    }

    /// Moves from a page to the position determined by [`step`](super::step). Returns the state when the page was due.
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
        let stated = page.page_size.filter(|_| !is_empty);
        let next = CursorState {
            due,
            pages: self.at.pages + 1,
            counted: self.at.counted,
            page_size: self.at.page_size,
            before,
            largest: self.at.largest.max(page.items),
            empty: if is_empty { self.at.empty + 1 } else { 0 },
            alike,
            grid: stated.or(self.at.grid),
            is_second_look: false,
            previous: Some(page),
        };
        std::mem::replace(&mut self.at, next)
    }

    /// Resumes at a state saved before. Returns `false` and changes nothing if the list cannot have such a state.
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

    /// Number of items of the list up to the end of a page.
    pub(super) fn items_up_to(&self, page: &PageInfo) -> Option<u64> {
        self.items_before(page).map(|before| before.saturating_add(page.items))
    }

    /// Number of items of the list before a page, which was due.
    fn items_before(&self, page: &PageInfo) -> Option<u64> {
        match (self.at.before, self.advances_by(), &self.at.due) {
            (None, Advance::Numbers { .. }, Position::Number(number)) => {
                Some((number - 1).saturating_mul(page.page_size?))
            }
            // The token that the request begins with is the search itself.
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
                let stated = page.and_then(|page| page.page_size);
                let stated = stated.max(previous.and_then(|previous| previous.page_size));
                let size = stated.or(self.at.page_size).unwrap_or(self.at.largest);
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

/// Refuses parameters that select a page in another way than the list is read.
fn refuse_other_positions(request: &mut Request, spec: &ListSpec) {
    let is_own = |name: &str| spec.token_in().iter().any(|place| place.name() == name);
    let mut queries = request.query_pairs().map(|(name, _)| name);
    let other = queries.find(|name| spec.chooses_page(name) && !is_own(name)).map(str::to_owned);
    drop(queries);
    if let Some(other) = other {
        let own: Vec<&str> = spec.token_in().iter().map(ParamLocation::name).collect();
        let advice = match &own[..] {
            [] => "remove it".to_owned(),
            own => format!("remove it, or set where to begin with `{}`", own.join("` and `")),
        };
        request.fault(format!("`{other}` would skip or repeat records of the list; {advice}"));
    }
}

/// Refuses such parameters in a search, except its page number, at which reading begins.
fn refuse_other_positions_in(search: &Search, request: &mut Request, spec: &ListSpec) {
    if search.page().is_none() {
        request.fault("`pageNumber` of the search must be a number from 1".to_owned());
    }
    let chooses = |name: &str| name != "pageNumber" && spec.chooses_page(name);
    if let Some((other, _)) = search.fields().find(|(name, _)| chooses(name)) {
        request.fault(format!(
            "`{other}` of the search would skip or repeat records of the list; remove it"
        ));
    }
}

/// Sets a number at a location of a request.
pub(super) fn set_number(request: &mut Request, place: &ParamLocation, number: u64, as_text: bool) {
    match (place.is_in_body(), as_text) {
        (false, _) => request.set_query(place.name().to_owned(), number.to_string()),
        (true, false) => request.set_body_field(&place.pointer(), number),
        (true, true) => request.set_body_field(&place.pointer(), number.to_string()),
    };
}

/// The value at a location of a request, as text.
pub(super) fn value_on(request: &Request, place: &ParamLocation) -> Option<String> {
    if !place.is_in_body() {
        return request.query(place.name()).map(str::to_owned);
    }
    let value = request.body_field(&place.pointer())?;
    Some(serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()))
}

/// The number set on a request by the caller, or else 1.
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
        // A number and its text request the same page.
        Position::Token(values) => values.iter().for_each(|value| value.text().hash(&mut hasher)),
        Position::Link(query) => query.hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
