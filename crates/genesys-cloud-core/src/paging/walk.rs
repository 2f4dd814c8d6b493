//! Where a list stands between two pages.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Number, Value};

use super::fingerprint::Edges;
use super::link::Home;
use super::listing::{Listing, Most, Motion, Place};
use super::seen::Seen;
use crate::request::Request;

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

/// What leads from one page to the next, as it stands in a reply.
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

/// What a page says: about itself, and about the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// How many items it holds.
    pub(super) items: u64,
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

impl Facts {
    /// The same without what is counted from 1 and said to be 0, which is how some services write that
    /// they have nothing to say.
    pub(super) fn without_zeros(mut self) -> Self {
        for count in [&mut self.page_number, &mut self.page_size, &mut self.start_index] {
            *count = count.filter(|count| *count > 0);
        }
        self
    }
}

/// Where a list stands between two pages.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) listing: Listing,
    /// Where links must lead.
    pub(super) home: Option<Home>,
    /// How far the API lets this list be read.
    cap: Option<Most>,
    /// The page that is due.
    pub(super) due: Position,
    /// How many pages have been read before it.
    pub(super) pages: u64,
    /// How many items of the list stand before it, where that can be told.
    before: Option<u64>,
    /// What the page before it said, if one has been read.
    pub(super) previous: Option<Facts>,
    /// The most items that a page has held.
    pub(super) largest: u64,
    /// How many of the pages just before were empty.
    pub(super) empty: u64,
    /// The tokens and links that pages were asked for by.
    asked_for: Seen,
    /// The fingerprints of the pages before.
    read: Seen,
    /// How many items each page is asked to hold.
    pub(super) page_size: Option<u64>,
}

impl Walk {
    /// At the page where a request begins.
    pub(super) fn start(request: &mut Request, listing: &Listing, api_url: &str) -> Self {
        let motion = listing.scheme().way().motion;
        let mut asked_for = Seen::default();
        let (due, before) = match motion {
            Motion::Numbers { .. } | Motion::StartIndex => {
                let number =
                    listing.token_in().first().map_or(1, |place| first_number(request, place));
                let at = Position::Number(number);
                let items = if motion == Motion::StartIndex { number - 1 } else { 0 };
                (at, (number == 1 || motion == Motion::StartIndex).then_some(items))
            }
            Motion::Tokens { .. } | Motion::Window => {
                let values = listing.token_in().iter().map(|place| value_on(request, place));
                let values: Option<Vec<Token>> =
                    values.map(|value| value.map(Token::Text)).collect();
                let begun = values.filter(|values| !values.is_empty()).map(Position::Token);
                if let Some(begun) = &begun {
                    asked_for.insert(hash(begun));
                }
                (Position::Start, begun.is_none().then_some(0))
            }
            Motion::Once(_) => (Position::Start, Some(0)),
        };
        Self {
            home: request.target().ok().and_then(|target| Home::new(api_url, &target)),
            cap: listing.cap().filter(|cap| cap.holds_for(request)).map(|cap| cap.most),
            listing: listing.clone(),
            due,
            pages: 0,
            before,
            previous: None,
            largest: 0,
            empty: 0,
            asked_for,
            read: Seen::default(),
            page_size: None,
        }
    }

    /// How many items each page will be asked to hold.
    pub(super) fn set_page_size(&mut self, items: Option<u64>) {
        self.page_size = items;
    }

    /// The page that is due.
    pub(super) fn due(&self) -> &Position {
        &self.due
    }

    /// The number of the page that is due, from 1: that by which it is asked for, or else how many there
    /// have been.
    pub(super) fn page_number(&self) -> u64 {
        match (self.motion(), &self.due) {
            (Motion::Numbers { .. }, Position::Number(number)) => *number,
            _ => self.pages + 1,
        }
    }

    /// Whether nothing of the list stands before this page, which was due.
    pub(super) fn is_beginning(&self, page: &Facts) -> bool {
        self.pages == 0 && self.items_before(page) == Some(0)
    }

    /// Whether the page that is due begins with the same item whatever the size of the pages.
    pub(super) fn starts_alike_in_any_size(&self) -> bool {
        !matches!((self.motion(), &self.due), (Motion::Numbers { .. }, Position::Number(2..)))
    }

    /// How many items the API lets be read, where it is known.
    pub(super) fn cap_in_items(&self) -> Option<u64> {
        match self.cap? {
            Most::Items(items) => Some(items),
            Most::Pages(_) => None,
        }
    }

    /// The largest page size, up to this one, with which numbered pages end where the cap is: a page that
    /// goes beyond is refused as a whole.
    pub(super) fn page_size_up_to_cap(&self, size: u64) -> u64 {
        match (self.cap, self.motion()) {
            (Some(Most::Items(most @ 1..)), Motion::Numbers { .. }) => {
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
                for place in self.listing.token_in() {
                    set_number(request, place, *number, false);
                }
            }
            Position::Token(values) => {
                for (place, value) in self.listing.token_in().iter().zip(values) {
                    match (place.is_in_body(), value) {
                        (false, _) => request.set_query(place.name().to_owned(), &*value.text()),
                        (true, Token::Number(number)) => {
                            request.set_body_field(&place.pointer(), Value::Number(number.clone()))
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
        let further = match (self.motion(), &self.due, &self.previous) {
            (Motion::Numbers { .. }, Position::Number(due), Some(previous)) => {
                Some(due.saturating_add(1)..=previous.page_count.unwrap_or(0))
            }
            _ => None,
        };
        let further = further.into_iter().flatten().map(Position::Number);
        let further = further.take_while(|at| !self.is_beyond_cap(at, None));
        std::iter::once(self.due.clone()).chain(further)
    }

    /// At least how many items a page holds, as far as that is known.
    pub(super) fn items_per_page(&self) -> u64 {
        let told = self.previous.as_ref().and_then(|previous| previous.page_size);
        told.or(self.page_size).unwrap_or(1).max(self.largest).max(1)
    }

    /// Whether a page was asked for by this position.
    pub(super) fn has_asked_for(&self, position: &Position) -> bool {
        self.asked_for.contains(hash(position))
    }

    /// Whether a page that was read holds the very items of this one.
    pub(super) fn has_read(&self, page: &Facts) -> bool {
        page.fingerprint.is_some_and(|fingerprint| self.read.contains(fingerprint))
    }

    /// How many of the first items of a page belong to the one before: those that a window shares with
    /// it, where it holds its own bound.
    pub(super) fn shared_by(&self, page: &Facts) -> u64 {
        if self.motion() == Motion::Window { self.repeated_by(page) } else { 0 }
    }

    /// How many of the items of a page are, byte by byte, the last ones of the page before.
    pub(super) fn repeated_by(&self, page: &Facts) -> u64 {
        let edges = self.previous.as_ref().and_then(|previous| previous.edges.as_ref());
        edges.zip(page.edges.as_ref()).map_or(0, |(before, after)| before.shared_with(after))
    }

    /// Moves on from a page to the position that [`step`] found.
    pub(super) fn advance(&mut self, page: Facts, due: Position) {
        self.before = match &due {
            Position::Number(index) if self.motion() == Motion::StartIndex => Some(index - 1),
            _ => self.items_up_to(&page),
        };
        if matches!(due, Position::Token(_) | Position::Link(_)) {
            self.asked_for.insert(hash(&due));
        }
        if let Some(fingerprint) = page.fingerprint {
            self.read.insert(fingerprint);
        }
        self.due = due;
        self.pages += 1;
        self.largest = self.largest.max(page.items);
        let is_empty = page.items == 0 && !page.is_in_file;
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        self.previous = Some(page);
    }

    pub(super) fn motion(&self) -> Motion {
        self.listing.scheme().way().motion
    }

    /// How many items of the list stand up to the end of a page.
    pub(super) fn items_up_to(&self, page: &Facts) -> Option<u64> {
        self.items_before(page).map(|before| before.saturating_add(page.items))
    }

    /// How many items of the list stand before a page, which is due.
    fn items_before(&self, page: &Facts) -> Option<u64> {
        match (self.before, self.motion(), &self.due) {
            (None, Motion::Numbers { .. }, Position::Number(number)) => {
                Some((number - 1).saturating_mul(page.page_size?))
            }
            // The request has a token from the beginning: it is the search.
            (None, Motion::Tokens { counted: true }, Position::Start) => {
                page.page_number.filter(|number| *number == 1).map(|_| 0)
            }
            (before, ..) => before,
        }
    }

    pub(super) fn is_beyond_cap(&self, next: &Position, page: Option<&Facts>) -> bool {
        match (self.cap, self.motion(), next) {
            (None, ..) => false,
            (Some(Most::Pages(most)), Motion::Numbers { .. }, Position::Number(number)) => {
                *number > most
            }
            (Some(Most::Pages(most)), ..) => self.pages + 1 >= most,
            (Some(Most::Items(most)), Motion::Numbers { .. }, Position::Number(number)) => {
                let previous = self.previous.as_ref();
                let told = page.and_then(|page| page.page_size);
                let told = told.max(previous.and_then(|previous| previous.page_size));
                let size = told.or(self.page_size).unwrap_or(self.largest);
                number.saturating_mul(size) > most
            }
            (Some(Most::Items(most)), Motion::StartIndex, Position::Number(index)) => *index > most,
            (Some(Most::Items(most)), ..) => {
                page.and_then(|page| self.items_up_to(page)).is_some_and(|items| items >= most)
            }
        }
    }
}

/// Sets a number in a place of a request.
pub(super) fn set_number(request: &mut Request, place: &Place, number: u64, as_text: bool) {
    match (place.is_in_body(), as_text) {
        (false, _) => request.set_query(place.name().to_owned(), number.to_string()),
        (true, false) => request.set_body_field(&place.pointer(), number),
        (true, true) => request.set_body_field(&place.pointer(), number.to_string()),
    };
}

/// What stands in a place of a request, as text.
pub(super) fn value_on(request: &Request, place: &Place) -> Option<String> {
    if !place.is_in_body() {
        return request.query(place.name()).map(str::to_owned);
    }
    Some(match request.body_field(&place.pointer())? {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    })
}

/// The number that the caller of a request has set, or else 1.
fn first_number(request: &mut Request, place: &Place) -> u64 {
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
