//! Whether a list goes on after a page, and where: a pure function of what the pages said.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::link::{Astray, Home};
use super::listing::{Listing, Most, Motion, Once, Place};
use super::read::Edges;
use crate::request::Request;

/// How many empty pages in a row are passed over where each of them leads to a next one. Genesys's CLI
/// gives up after 3; a filter over a large partition can yield more, and giving up is an error here.
const EMPTY_PAGES: u64 = 20;

/// Which page is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Position {
    /// Where the request begins as the caller made it.
    Start,
    /// The page of this number, or that which begins with the item of this number, from 1.
    Number(u64),
    /// The page of this token: one value for each place that it goes to.
    Token(Vec<String>),
    /// The page of a link with this query.
    Link(Vec<(String, String)>),
}

/// What a page says: about itself, and about the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// How many items it holds.
    pub(super) items: u64,
    pub(super) page_number: Option<u64>,
    pub(super) page_count: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) start_index: Option<u64>,
    pub(super) total: Option<u64>,
    /// What leads to the next page: a token, or a link.
    pub(super) token: Option<String>,
    /// Differs where the items do. `None` of an empty page: all of them are alike.
    pub(super) fingerprint: Option<u64>,
    pub(super) edges: Option<Edges>,
}

/// Where a list stands between two pages.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    listing: Listing,
    /// Where links must lead.
    home: Option<Home>,
    /// How far the API lets this list be read.
    cap: Option<Most>,
    /// The page that is due.
    due: Position,
    /// How many pages have been read before it.
    pages: u64,
    /// How many items of the list stand before it, where that can be told.
    before: Option<u64>,
    /// What the page before it said, if one has been read.
    previous: Option<Facts>,
    /// The most items that a page has held.
    largest: u64,
    /// How many of the pages just before were empty.
    empty: u64,
    /// Hashes of the tokens that pages were asked for by.
    asked_for: HashSet<u64>,
    /// How many items each page is asked to hold.
    page_size: Option<u64>,
}

impl Walk {
    /// At the page where a request begins.
    pub(super) fn start(request: &mut Request, listing: &Listing, api_url: &str) -> Self {
        let motion = listing.scheme().way().motion;
        let mut asked_for = HashSet::new();
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
                let values: Option<Vec<String>> = values.collect();
                let begun = values.filter(|values| !values.is_empty()).map(Position::Token);
                asked_for.extend(begun.as_ref().map(hash));
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

    /// Whether nothing of the list stands before the page that is due.
    pub(super) fn is_at_beginning(&self) -> bool {
        self.before == Some(0) && self.pages == 0
    }

    /// Whether the page that is due begins with the same item whatever the size of the pages.
    pub(super) fn starts_alike_in_any_size(&self) -> bool {
        !matches!((self.motion(), &self.due), (Motion::Numbers { .. }, Position::Number(2..)))
    }

    /// The largest page size, up to this one, with which numbered pages end where the cap is: a page that
    /// goes beyond is refused as a whole.
    pub(super) fn page_size_up_to_cap(&self, size: u64) -> u64 {
        match (self.cap, self.motion()) {
            (Some(Most::Items(most @ 1..)), Motion::Numbers { .. }) => {
                (1..=size.min(most)).rev().find(|size| most % size == 0).unwrap_or(1)
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
                    if place.is_in_body() {
                        request.set_body_field(&place.pointer(), value.as_str());
                    } else {
                        request.set_query(place.name().to_owned(), value);
                    }
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
        self.due = due;
        self.pages += 1;
        self.largest = self.largest.max(page.items);
        self.empty = if page.items == 0 { self.empty + 1 } else { 0 };
        self.previous = Some(page);
    }

    fn motion(&self) -> Motion {
        self.listing.scheme().way().motion
    }

    /// How many items of the list stand up to the end of a page.
    fn items_up_to(&self, page: &Facts) -> Option<u64> {
        let before = match (self.before, self.motion(), &self.due) {
            (None, Motion::Numbers { .. }, Position::Number(number)) => {
                Some((number - 1).saturating_mul(page.page_size?))
            }
            (before, ..) => before,
        };
        before.map(|before| before.saturating_add(page.items))
    }

    fn is_beyond_cap(&self, next: &Position, page: Option<&Facts>) -> bool {
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
    position.hash(&mut hasher);
    hasher.finish()
}

/// What follows from a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more, at this position.
    Continue(Position),
    /// There is no more, or no more to be had.
    Done(End),
    /// The page can't be the one that was due.
    Broken(Contradiction),
    /// The page may well be the one that was due, but there is no way on from it.
    Stuck(Contradiction),
}

/// Why no further page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The last page was read, as the API counts pages or items.
    LastPage,
    /// The last page read leads to no next one: it has no link, or no token.
    NoNextPage,
    /// An empty page came, and no more had been promised.
    EmptyPage,
    /// An empty page came although the API's own counts promise more: the counts are wrong, or items
    /// are missing.
    Shortfall,
    /// The operation gives its list in one reply.
    OneReply,
    /// The operation gives one reply, and it holds as many items as were asked for: there may be more.
    FullReply,
    /// The operation gives one reply, and it leads to a further one for which the operation has no
    /// parameter.
    NotFollowed,
    /// The operation gives one window of time of its list.
    OneWindow,
    /// The API does not let the list be read any further.
    Cap,
    /// As many items were read as [`limit`](crate::Paginator::limit) allows.
    Limit,
    /// As many pages were read as [`max_pages`](crate::Paginator::max_pages) allows.
    MaxPages,
    /// A page came that can't be the one that was due, or that leads nowhere, which was told as an
    /// error.
    Contradiction,
}

/// Why a page can't be the one that was due, or why there is no way on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// It says so itself.
    WrongPage { due: u64, got: u64 },
    /// It begins with another item, as it says itself.
    WrongStart { due: u64, got: u64 },
    /// Its items are, byte by byte, those of the page before.
    Repeated { due: u64 },
    /// What leads on from it leads to a page that was read before.
    Cycle { page: u64 },
    /// Its link to the next page is not followed.
    Link { page: u64, why: Astray },
    /// Its link to the next page lacks a parameter.
    Lacks { page: u64, parameter: String },
    /// Its last item lacks what the next page is asked for by.
    NoKey { page: u64, key: String },
    /// It is one of too many empty ones.
    Empty { pages: u64 },
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPage { due, got } => {
                write!(f, "the API was asked for page {due} and answered with page {got}")
            }
            Self::WrongStart { due, got } => {
                write!(
                    f,
                    "the API was asked for items from {due} on and answered with those from {got} on"
                )
            }
            Self::Repeated { due } => {
                write!(f, "page {due} holds the very items of the page before")
            }
            Self::Cycle { page } => {
                write!(f, "page {page} leads to a page that was read before")
            }
            Self::Link { page, why } => {
                write!(f, "the link of page {page} to the next one {why}, and was not followed")
            }
            Self::Lacks { page, parameter } => {
                write!(f, "the link of page {page} to the next one has no `{parameter}`")
            }
            Self::NoKey { page, key } => write!(
                f,
                "the last item of page {page} has no `{key}`, by which the next page is asked for"
            ),
            Self::Empty { pages } => {
                write!(f, "{pages} empty pages came in a row, each of which leads to a next one")
            }
        }
    }
}

/// What follows from a page, given where the list stood when it was due.
pub(super) fn step(walk: &Walk, page: &Facts) -> Step {
    let step = match (walk.motion(), &walk.due) {
        (Motion::Numbers { linked }, Position::Number(number)) => {
            by_page_number(walk, *number, page, linked)
        }
        (Motion::StartIndex, Position::Number(index)) => by_start_index(walk, *index, page),
        (Motion::Window, _) => by_window(walk, page),
        (Motion::Once(once), _) => by_one_reply(walk, once, page),
        (Motion::Tokens { counted: true }, _) => by_counted_token(walk, page),
        (Motion::Tokens { .. } | Motion::Numbers { .. } | Motion::StartIndex, _) => {
            by_token(walk, page)
        }
    };
    match step {
        Step::Continue(next) if walk.is_beyond_cap(&next, Some(page)) => Step::Done(End::Cap),
        step => step,
    }
}

/// A short page says nothing here: the API caps page sizes and hides items without a word.
fn by_page_number(walk: &Walk, number: u64, page: &Facts, linked: bool) -> Step {
    let previous = walk.previous.as_ref();
    let seen = walk.items_up_to(page);
    let next_uri = page.token.is_some();
    let next = || Step::Continue(Position::Number(number.saturating_add(1)));

    if page.items == 0 {
        // All that it holds may be hidden from the caller.
        if next_uri && (linked || page.page_count.is_some_and(|count| count > number)) {
            return if walk.empty + 1 < EMPTY_PAGES { next() } else { too_many_empty(walk) };
        }
        // Past the end the API may leave its counts out (`{}`), or count nothing.
        let total = page.total.max(previous.and_then(|previous| previous.total));
        let promised = match (total, seen) {
            (Some(total), Some(seen)) => total > seen,
            _ => previous
                .and_then(|previous| previous.page_count)
                .is_some_and(|count| count >= number),
        };
        return Step::Done(if promised { End::Shortfall } else { End::EmptyPage });
    }
    if let Some(got) = page.page_number.filter(|got| *got != number) {
        return Step::Broken(Contradiction::WrongPage { due: number, got });
    }
    if let Some(broken) = repeated(walk, page) {
        return broken;
    }
    if linked && !next_uri {
        return Step::Done(End::NoNextPage);
    }

    // Counts may lie. Whatever says that there is more is believed, and so are counts that are at odds
    // with each other: where they are wrong, the cost is one request that finds an empty page.
    let says_more = next_uri || page.page_count.is_some_and(|count| count > number);
    if !says_more {
        // A last page may give its own length as the page size.
        let size = page.page_size.max(previous.and_then(|previous| previous.page_size));
        // How many items the counted pages have room for: too few if they were counted with a larger
        // size than the one that was granted.
        let room = size.map(|size| number.saturating_mul(size));
        let total_fits = page.total.is_none_or(|total| {
            seen.is_none_or(|seen| seen <= total) && room.is_none_or(|room| room >= total)
        });
        let pages_read = page.page_count == Some(number) && total_fits;
        let items_read = page.total.is_some() && page.total == seen;
        // Where no size is told: pages hold at least as many items as the largest did.
        let largest = walk.largest.max(page.items);
        let room_read = page.page_count.is_none()
            && total_fits
            && page.total.is_some_and(|total| number.saturating_mul(largest) >= total);
        if pages_read || items_read || room_read {
            return Step::Done(End::LastPage);
        }
        if previous.is_some_and(|previous| previous.token.is_some()) {
            return Step::Done(End::NoNextPage);
        }
    }
    next()
}

fn by_start_index(walk: &Walk, index: u64, page: &Facts) -> Step {
    let previous = walk.previous.as_ref();
    if page.items == 0 {
        let total = page.total.max(previous.and_then(|previous| previous.total));
        let promised = total.is_some_and(|total| total >= index);
        return Step::Done(if promised { End::Shortfall } else { End::EmptyPage });
    }
    if let Some(got) = page.start_index.filter(|got| *got != index) {
        return Step::Broken(Contradiction::WrongStart { due: index, got });
    }
    if let Some(broken) = repeated(walk, page) {
        return broken;
    }
    // A size of 0 would lead to the same page again.
    let next = index.saturating_add(page.page_size.unwrap_or(0).max(page.items));
    if page.total.is_some_and(|total| next > total) {
        return Step::Done(End::LastPage);
    }
    Step::Continue(Position::Number(next))
}

/// Counts say nothing here: what leads on is believed, and nothing else.
fn by_token(walk: &Walk, page: &Facts) -> Step {
    if let Some(broken) = repeated(walk, page) {
        return broken;
    }
    let next = match next_by_token(walk, page) {
        Ok(Some(next)) => next,
        Ok(None) => return Step::Done(End::NoNextPage),
        Err(why) => return Step::Stuck(why),
    };
    if walk.asked_for.contains(&hash(&next)) {
        return Step::Stuck(Contradiction::Cycle { page: walk.page_number() });
    }
    if page.items == 0 && walk.empty + 1 >= EMPTY_PAGES {
        return too_many_empty(walk);
    }
    Step::Continue(next)
}

/// The token of a search holds the whole query, the number of its page too, and the last page has one as
/// well (developer.genesys.cloud/organization/search/reusable-searches).
fn by_counted_token(walk: &Walk, page: &Facts) -> Step {
    let previous = walk.previous.as_ref().and_then(|previous| previous.page_number);
    let due = previous.map_or(walk.page_number(), |number| number.saturating_add(1));
    let number = page.page_number.unwrap_or(due);
    let no_more = match page.page_count {
        Some(count) => number >= count,
        None => page.items == 0 || (page.total.is_some() && page.total == walk.items_up_to(page)),
    };
    if page.items == 0 && no_more {
        return Step::Done(End::EmptyPage);
    }
    if previous.is_some() && number != due {
        return Step::Broken(Contradiction::WrongPage { due, got: number });
    }
    match by_token(walk, page) {
        Step::Continue(_) | Step::Stuck(_) if no_more => Step::Done(End::LastPage),
        step => step,
    }
}

/// What the next page is asked for by.
fn next_by_token(walk: &Walk, page: &Facts) -> Result<Option<Position>, Contradiction> {
    let (Some(token), Some(out)) = (&page.token, walk.listing.token_out()) else { return Ok(None) };
    let number = walk.page_number();
    let query = || {
        let home = walk.home.as_ref().ok_or(Astray::NoUrl);
        home.and_then(|home| home.query_of(token))
            .map_err(|why| Contradiction::Link { page: number, why })
    };
    if out.is_whole_link() {
        return query().map(|query| Some(Position::Link(query)));
    }
    let mut values = Vec::new();
    let mut linked = None;
    for place in walk.listing.token_in() {
        let Some(name) = out.name_in_link(place) else {
            values.push(token.clone());
            continue;
        };
        let query = match &mut linked {
            Some(query) => query,
            none => none.insert(query()?),
        };
        // A server that adds to the query it was sent puts the new value last.
        match query.iter().rfind(|(known, _)| known == name) {
            Some((_, value)) if value.is_empty() => return Ok(None),
            Some((_, value)) => values.push(value.clone()),
            None => {
                return Err(Contradiction::Lacks { page: number, parameter: name.to_owned() });
            }
        }
    }
    Ok(Some(Position::Token(values)))
}

/// The next page is asked for by the last item of this one.
fn by_window(walk: &Walk, page: &Facts) -> Step {
    if page.items == 0 {
        return Step::Done(End::EmptyPage);
    }
    if let Some(broken) = repeated(walk, page) {
        return broken;
    }
    let Some(key) = &page.token else {
        let key = walk.listing.token_out().map_or("", |out| out.path()).to_owned();
        return Step::Stuck(Contradiction::NoKey { page: walk.page_number(), key });
    };
    let next = Position::Token(vec![key.clone()]);
    if !walk.asked_for.contains(&hash(&next)) {
        Step::Continue(next)
    } else if page.items == 1 {
        // A window that holds its own bound: nothing but the item that it was asked for by.
        Step::Done(End::LastPage)
    } else {
        Step::Stuck(Contradiction::Cycle { page: walk.page_number() })
    }
}

fn by_one_reply(walk: &Walk, once: Once, page: &Facts) -> Step {
    let size = walk.page_size.or(page.page_size);
    Step::Done(match once {
        _ if page.items == 0 && page.token.is_none() => End::OneReply,
        Once::Whole if page.token.is_some() => End::NotFollowed,
        Once::Whole => End::OneReply,
        Once::UnlessFull if size.is_none_or(|size| page.items >= size) => End::FullReply,
        Once::UnlessFull => End::OneReply,
        Once::Window => End::OneWindow,
    })
}

fn repeated(walk: &Walk, page: &Facts) -> Option<Step> {
    let previous = walk.previous.as_ref().and_then(|previous| previous.fingerprint);
    (page.fingerprint.is_some() && page.fingerprint == previous)
        .then(|| Step::Broken(Contradiction::Repeated { due: walk.page_number() }))
}

fn too_many_empty(walk: &Walk) -> Step {
    Step::Stuck(Contradiction::Empty { pages: walk.empty + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::listing::{Cap, Scheme, TokenOut};

    /// A page of so many items, all of them unlike those of other pages unless said otherwise.
    fn page(items: u64) -> Facts {
        Facts { items, ..Facts::default() }
    }

    impl Facts {
        fn number(self, number: u64) -> Self {
            Self { page_number: Some(number), fingerprint: Some(number), ..self }
        }

        fn of(self, page_count: u64) -> Self {
            Self { page_count: Some(page_count), ..self }
        }

        fn sized(self, page_size: u64) -> Self {
            Self { page_size: Some(page_size), ..self }
        }

        fn total(self, total: u64) -> Self {
            Self { total: Some(total), ..self }
        }

        fn linked(self) -> Self {
            Self { token: Some("/things".to_owned()), ..self }
        }

        fn like(self, fingerprint: u64) -> Self {
            Self { fingerprint: Some(fingerprint), ..self }
        }
    }

    fn request() -> Request {
        Request::new(Operation::known("getThings", Method::Get, "/things"))
    }

    fn begin(listing: &Listing) -> Walk {
        Walk::start(&mut request(), listing, "https://api.mypurecloud.ie")
    }

    fn walk(page_number: Option<&str>) -> Walk {
        let mut request = request();
        if let Some(number) = page_number {
            request.set_query("pageNumber", number);
        }
        let listing = Listing::new(Scheme::PageNumber, "entities");
        Walk::start(&mut request, &listing, "https://api.mypurecloud.ie")
    }

    /// What follows from the last of these pages, all pages before it having been followed by another.
    fn after(mut walk: Walk, pages: &[Facts]) -> Step {
        let (last, before) = pages.split_last().expect("a page");
        for page in before {
            match step(&walk, page) {
                Step::Continue(next) => walk.advance(page.clone(), next),
                other => panic!("{other:?} after {page:?}"),
            }
        }
        step(&walk, last)
    }

    #[test]
    fn the_end_by_page_number() {
        use End::*;
        #[rustfmt::skip]
        let table: &[(&str, &[Facts], Option<End>)] = &[
            // What is usual.
            ("more pages", &[page(25).number(1).of(3)], None),
            ("last page", &[page(25).number(1).of(2), page(25).number(2).of(2)], Some(LastPage)),
            ("only page", &[page(7).number(1).of(1).total(7)], Some(LastPage)),
            ("last page full", &[page(25).number(1).of(1).sized(25).total(25)], Some(LastPage)),
            ("no items", &[page(0).number(1).of(0).total(0)], Some(EmptyPage)),
            ("no items, one page", &[page(0).number(1).of(1).total(0)], Some(EmptyPage)),
            ("no items, page 0", &[page(0).number(0).of(0).total(0)], Some(EmptyPage)),
            // `{}`
            ("nothing", &[page(0)], Some(EmptyPage)),
            // A short page is not the end.
            ("short page", &[page(3).number(1).of(3).sized(25)], None),
            ("short page, linked", &[page(3).number(1).linked()], None),
            ("capped size", &[page(100).number(1).of(3).sized(100).total(250)], None),
            // Without a count of pages.
            ("linked", &[page(25).number(1).linked()], None),
            ("link gone", &[page(25).number(1).linked(), page(25).number(2)], Some(NoNextPage)),
            ("no count at all", &[page(25).number(1)], None),
            ("no count, then {}", &[page(25).number(1), page(0)], Some(EmptyPage)),
            ("total not reached", &[page(25).number(1).total(30)], None),
            ("total reached", &[page(25).number(1).total(30), page(5).number(2).total(30)], Some(LastPage)),
            ("no page number", &[page(25).like(1).of(2), page(25).like(2).of(2)], Some(LastPage)),
            // Counts that lie.
            ("count too low, linked", &[page(25).number(1).of(1).linked()], None),
            ("count exceeded", &[page(25).number(1).of(1).linked(), page(25).number(2).of(1)], Some(NoNextPage)),
            ("count zero", &[page(25).number(1).of(0)], None),
            ("count for another size", &[page(100).number(1).of(1).sized(100).total(250)], None),
            ("count too high", &[page(25).number(1).of(9).total(25), page(0)], Some(EmptyPage)),
            ("count too high, no total", &[page(25).number(1).of(9), page(0)], Some(Shortfall)),
            ("total too high", &[page(25).number(1).of(2).total(99), page(0).number(2)], Some(Shortfall)),
            ("total, no items", &[page(0).number(1).of(1).total(5)], Some(Shortfall)),
            ("total zero past the end", &[page(25).number(1).of(9).total(99), page(0).of(0).total(0)], Some(Shortfall)),
            ("total too low", &[page(25).number(1).of(2).total(3)], None),
            ("last page sized to itself", &[page(25).number(1).of(2).sized(25).total(26), page(1).number(2).of(2).sized(1).total(26)], Some(LastPage)),
            ("total exceeded", &[page(25).number(1).of(2).total(30), page(25).number(2).of(2).total(30)], None),
            ("total exceeded, link gone", &[page(25).number(1).total(3).linked(), page(25).number(2).total(3)], Some(NoNextPage)),
            ("link gone too early", &[page(25).number(1).of(3).linked(), page(25).number(2).of(3)], None),
            ("counts beyond reason", &[page(25).number(1).of(u64::MAX).sized(u64::MAX).total(u64::MAX)], None),
        ];
        for (name, pages, end) in table {
            match (after(walk(None), pages), end) {
                (Step::Done(found), Some(end)) => assert_eq!(found, *end, "{name}"),
                (Step::Continue(next), None) => {
                    assert_eq!(next, Position::Number(pages.len() as u64 + 1), "{name}");
                }
                (found, _) => panic!("{name}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_list_is_counted_from_where_it_begins() {
        let middle = page(25).number(4).sized(25).total(100);
        assert_eq!(after(walk(Some("4")), &[middle]), Step::Done(End::LastPage));
        let beyond = page(0).number(9).of(4).total(100);
        assert_eq!(after(walk(Some("9")), &[beyond]), Step::Done(End::EmptyPage));
    }

    #[test]
    fn a_page_that_can_not_be_the_one_due_breaks_the_walk() {
        let first = page(25).number(1).of(3);
        let wrong = |due, got| Step::Broken(Contradiction::WrongPage { due, got });
        let repeated = |due| Step::Broken(Contradiction::Repeated { due });
        let table = [
            ("page 1 again", vec![first.clone(), first.clone()], wrong(2, 1)),
            ("a page skipped", vec![first.clone(), page(25).number(3).of(3)], wrong(2, 3)),
            ("another first page", vec![page(25).number(2)], wrong(1, 2)),
            ("same items", vec![first.clone(), page(25).number(2).of(3).like(1)], repeated(2)),
            ("same items, last page", vec![first, page(25).number(2).of(2).like(1)], repeated(2)),
        ];
        for (name, pages, broken) in table {
            assert_eq!(after(walk(None), &pages), broken, "{name}");
        }
    }

    #[test]
    fn a_page_is_compared_with_the_one_before_only() {
        let pages =
            [page(1).number(1).of(3), page(1).number(2).of(3), page(1).number(3).of(3).like(1)];
        assert_eq!(after(walk(None), &pages), Step::Done(End::LastPage));
        // Without items there is nothing to compare.
        let pages = [page(1).number(1).of(3), page(0).number(1)];
        assert_eq!(after(walk(None), &pages), Step::Done(End::Shortfall));
    }

    /// A page with this token.
    fn token(items: u64, token: &str) -> Facts {
        Facts { token: (!token.is_empty()).then(|| token.to_owned()), ..page(items) }
    }

    fn of(scheme: &str) -> Listing {
        Listing::new(Scheme::named(scheme).expect("a scheme"), "entities")
    }

    fn asks_for(values: &[&str]) -> Step {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Step::Continue(Position::Token(values))
    }

    fn asks_for_number(number: u64) -> Step {
        Step::Continue(Position::Number(number))
    }

    /// For each scheme: pages, and what follows from the last of them.
    fn check(scheme: &str, table: &[(&str, &[Facts], Step)]) {
        for (name, pages, expected) in table {
            assert_eq!(after(begin(&of(scheme)), pages), *expected, "{scheme}: {name}");
        }
    }

    const fn done(end: End) -> Step {
        Step::Done(end)
    }

    const CYCLE_2: Step = Step::Stuck(Contradiction::Cycle { page: 2 });

    #[test]
    fn page_numbers_of_other_forms() {
        check(
            "PageNumberNoTotal",
            &[
                ("linked", &[token(25, "/things")], asks_for_number(2)),
                ("not linked", &[page(25)], done(End::NoNextPage)),
                ("not linked, total too high", &[page(25).total(99)], done(End::NoNextPage)),
                ("linked, total too low", &[token(25, "/things").total(3)], asks_for_number(2)),
                ("empty, linked", &[token(0, "/things")], asks_for_number(2)),
                ("empty", &[page(0)], done(End::EmptyPage)),
            ],
        );
        check(
            "PageNumberNoEnvelope",
            &[
                ("items", &[page(3)], asks_for_number(2)),
                ("no more", &[page(3).like(1), page(3).like(2), page(0)], done(End::EmptyPage)),
                (
                    "the page number is passed over",
                    &[page(3).like(1), page(3).like(1)],
                    Step::Broken(Contradiction::Repeated { due: 2 }),
                ),
            ],
        );
        for scheme in ["BodyPageNumber", "BodyPageNumberNested"] {
            check(
                scheme,
                &[
                    ("more", &[page(25).number(1).of(2)], asks_for_number(2)),
                    ("last", &[page(9).number(1).of(1).total(9)], done(End::LastPage)),
                    ("no counts", &[page(25).number(1).sized(25)], asks_for_number(2)),
                    ("no counts, empty", &[page(25).number(1), page(0)], done(End::EmptyPage)),
                ],
            );
        }
        check(
            "BodyPagingTotalHits",
            &[
                ("more", &[page(100).total(250)], asks_for_number(2)),
                (
                    "short page",
                    &[page(100).total(250).like(1), page(3).total(250).like(2)],
                    asks_for_number(3),
                ),
                (
                    "pages have room for all",
                    &[page(100).total(150).like(1), page(40).total(150).like(2)],
                    done(End::LastPage),
                ),
                ("all came", &[page(7).total(7)], done(End::LastPage)),
                ("nothing (`{}`)", &[page(100).total(100).like(1)], done(End::LastPage)),
                ("no total", &[page(100)], asks_for_number(2)),
                ("no total, nothing (`{}`)", &[page(100), page(0)], done(End::EmptyPage)),
                ("less than promised", &[page(100).total(250), page(0)], done(End::Shortfall)),
            ],
        );
    }

    #[test]
    fn empty_pages_of_a_numbered_list_are_passed_over_where_all_says_that_there_is_more() {
        let empty = || page(0).number(1).of(3).linked();
        assert_eq!(after(walk(None), &[empty()]), asks_for_number(2));
        assert_eq!(after(walk(None), &[page(0).number(1).of(3)]), done(End::EmptyPage));
        assert_eq!(after(walk(None), &[page(0).number(1).linked()]), done(End::EmptyPage));
    }

    #[test]
    fn tokens_in_fields() {
        let schemes = [
            "AfterField",
            "CursorsObject",
            "CursorField",
            "BodyAfter",
            "BodyCursor",
            "ContinuationToken",
        ];
        for scheme in schemes {
            check(
                scheme,
                &[
                    ("a token", &[token(9, "a")], asks_for(&["a"])),
                    ("no token", &[token(9, "a"), page(9)], done(End::NoNextPage)),
                    ("no token at once", &[page(9)], done(End::NoNextPage)),
                    (
                        "no token, counts that lie",
                        &[page(9).number(1).of(3).total(99)],
                        done(End::NoNextPage),
                    ),
                    (
                        "a token, counts that lie",
                        &[token(9, "a").number(1).of(1).total(9)],
                        asks_for(&["a"]),
                    ),
                    ("a short page", &[token(9, "a"), token(1, "b")], asks_for(&["b"])),
                    ("an empty page", &[token(9, "a"), token(0, "b")], asks_for(&["b"])),
                    ("an empty page, no token", &[token(9, "a"), page(0)], done(End::NoNextPage)),
                    ("the same token", &[token(9, "a"), token(9, "a")], CYCLE_2),
                    (
                        "a cycle of two",
                        &[token(9, "a"), token(9, "b"), token(9, "a")],
                        Step::Stuck(Contradiction::Cycle { page: 3 }),
                    ),
                    (
                        "the same page under another token",
                        &[token(9, "a").like(1), token(9, "b").like(1)],
                        Step::Broken(Contradiction::Repeated { due: 2 }),
                    ),
                ],
            );
        }
    }

    #[test]
    fn a_token_that_the_caller_began_with_does_not_come_again() {
        let mut request = request();
        request.set_query("after", "a");
        let walk = Walk::start(&mut request, &of("AfterField"), "https://api.mypurecloud.ie");
        assert!(!walk.is_at_beginning());
        assert_eq!(after(walk, &[token(9, "a")]), Step::Stuck(Contradiction::Cycle { page: 1 }));
    }

    #[test]
    fn empty_pages_are_passed_over_up_to_a_bound() {
        let empty: Vec<Facts> = (1..=EMPTY_PAGES).map(|n| token(0, &format!("t{n}"))).collect();
        let stuck = Step::Stuck(Contradiction::Empty { pages: EMPTY_PAGES });
        assert_eq!(after(begin(&of("AfterField")), &empty), stuck);
        let mut interrupted = empty;
        interrupted.insert(3, token(1, "one"));
        assert!(matches!(after(begin(&of("AfterField")), &interrupted), Step::Continue(_)));
    }

    #[test]
    fn tokens_in_links() {
        for (scheme, name) in [
            ("AfterInNextUri", "after"),
            ("CursorInNextUri", "cursor"),
            ("NextPageInNextUri", "nextPage"),
        ] {
            let link = |query: &str| token(9, &format!("/things?{query}"));
            let with = |value: &str| link(&format!("x=1&x=2&{name}={value}&pageSize=9"));
            let astray = |why| Step::Stuck(Contradiction::Link { page: 1, why });
            check(
                scheme,
                &[
                    ("a token", &[with("a")], asks_for(&["a"])),
                    ("an encoded token", &[with("a%2Fb%3D%3D%25")], asks_for(&["a/b==%"])),
                    (
                        "an absolute link",
                        &[token(9, &format!("https://api.mypurecloud.ie/things?{name}=a"))],
                        asks_for(&["a"]),
                    ),
                    (
                        "a server that adds",
                        &[link(&format!("{name}=old&{name}=new"))],
                        asks_for(&["new"]),
                    ),
                    ("no link", &[with("a"), page(9)], done(End::NoNextPage)),
                    ("an empty token", &[with("")], done(End::NoNextPage)),
                    (
                        "an empty page",
                        &[with("a"), Facts { items: 0, ..with("b") }],
                        asks_for(&["b"]),
                    ),
                    ("the same token", &[with("a"), with("a")], CYCLE_2),
                    (
                        "no token",
                        &[link("x=1")],
                        Step::Stuck(Contradiction::Lacks { page: 1, parameter: name.to_owned() }),
                    ),
                    (
                        "a foreign host",
                        &[token(9, &format!("https://evil.example/things?{name}=a"))],
                        astray(Astray::Host),
                    ),
                    (
                        "another path",
                        &[token(9, &format!("/others?{name}=a"))],
                        astray(Astray::Path),
                    ),
                ],
            );
        }
        check(
            "CompositeAfterInNextUri",
            &[
                (
                    "both",
                    &[token(9, "/things?afterSourceType=FLOW&afterSourceId=a")],
                    asks_for(&["FLOW", "a"]),
                ),
                (
                    "one alone",
                    &[token(9, "/things?afterSourceType=FLOW")],
                    Step::Stuck(Contradiction::Lacks {
                        page: 1,
                        parameter: "afterSourceId".to_owned(),
                    }),
                ),
                ("no link", &[page(9)], done(End::NoNextPage)),
            ],
        );
        let renamed = of("AfterInNextUri").with_token_out(TokenOut::named_in_link("next", "from"));
        assert_eq!(after(begin(&renamed), &[token(9, "/things?from=a")]), asks_for(&["a"]));
    }

    #[test]
    fn links_that_are_followed_as_a_whole() {
        let follows = |name: &str, value: &str| {
            Step::Continue(Position::Link(vec![(name.to_owned(), value.to_owned())]))
        };
        check(
            "PageSizeOnlyNextUri",
            &[
                ("a link", &[token(9, "/things?any=a%20b")], follows("any", "a b")),
                ("no link", &[page(9)], done(End::NoNextPage)),
                ("the same link", &[token(9, "/things?any=a"), token(9, "/things?any=a")], CYCLE_2),
                (
                    "a foreign host",
                    &[token(9, "//evil.example/things?any=a")],
                    Step::Stuck(Contradiction::Link { page: 1, why: Astray::Host }),
                ),
            ],
        );
    }

    #[test]
    fn searches_end_by_their_count_of_pages() {
        let next = |number: u64, count| {
            token(9, &format!("/things?q64=page{}", number + 1)).number(number).of(count)
        };
        check(
            "Q64Search",
            &[
                ("more", &[next(1, 3)], asks_for(&["page2"])),
                ("last, linked on", &[next(1, 2), next(2, 2)], done(End::LastPage)),
                ("only, linked on", &[next(1, 1).total(99)], done(End::LastPage)),
                ("none, linked on", &[Facts { items: 0, ..next(1, 0) }], done(End::EmptyPage)),
                ("empty before the end", &[Facts { items: 0, ..next(1, 3) }], asks_for(&["page2"])),
                (
                    "page 1 again",
                    &[next(1, 3), next(1, 3)],
                    Step::Broken(Contradiction::WrongPage { due: 2, got: 1 }),
                ),
                ("no count, empty", &[token(0, "/things?q64=b")], done(End::EmptyPage)),
            ],
        );
        // It may begin at any page.
        assert_eq!(after(begin(&of("Q64Search")), &[next(4, 5)]), asks_for(&["page5"]));
    }

    #[test]
    fn start_indexes() {
        let from = |start: u64, items: u64| Facts {
            start_index: Some(start),
            fingerprint: Some(start),
            ..page(items).sized(items)
        };
        check(
            "ScimStartIndex",
            &[
                ("more", &[from(1, 25).total(60)], asks_for_number(26)),
                ("last", &[from(1, 25).total(30), from(26, 5).total(30)], done(End::LastPage)),
                ("last, full", &[from(1, 25).total(25)], done(End::LastPage)),
                ("a size of zero", &[from(1, 25).sized(0).total(60)], asks_for_number(26)),
                ("a short page", &[from(1, 3).sized(25).total(60)], asks_for_number(26)),
                ("no total", &[from(1, 25)], asks_for_number(26)),
                ("no total, empty", &[from(1, 25), page(0)], done(End::EmptyPage)),
                ("no items", &[page(0).total(0)], done(End::EmptyPage)),
                (
                    "less than promised",
                    &[from(1, 25).total(60), page(0).total(60)],
                    done(End::Shortfall),
                ),
                (
                    "the first page again",
                    &[from(1, 25).total(60), from(1, 25).total(60)],
                    Step::Broken(Contradiction::WrongStart { due: 26, got: 1 }),
                ),
                (
                    "the same items again",
                    &[from(1, 25).total(60), Facts { fingerprint: Some(1), ..from(26, 25) }],
                    Step::Broken(Contradiction::Repeated { due: 2 }),
                ),
            ],
        );
    }

    #[test]
    fn windows_end_with_an_empty_page() {
        check(
            "IdOrDateWindow",
            &[
                ("more", &[token(9, "m9")], asks_for(&["m9"])),
                ("a short page", &[token(9, "m9"), token(1, "m10")], asks_for(&["m10"])),
                ("no more", &[token(9, "m9"), page(0)], done(End::EmptyPage)),
                (
                    "a window that holds its bound",
                    &[token(9, "m9"), token(1, "m9")],
                    done(End::LastPage),
                ),
                ("the same last item", &[token(9, "m9").like(1), token(9, "m9").like(2)], CYCLE_2),
                (
                    "items without an id",
                    &[page(9)],
                    Step::Stuck(Contradiction::NoKey { page: 1, key: "id".to_owned() }),
                ),
            ],
        );
    }

    #[test]
    fn one_reply() {
        for scheme in [
            "UnpagedWithEnvelope",
            "UnpagedEntities",
            "UnpagedBareArray",
            "UnpagedPostResults",
            "UnpagedOtherArray",
            "UnpagedScimEnvelope",
        ] {
            check(
                scheme,
                &[
                    ("items", &[page(9).number(1).of(3).total(27)], done(End::OneReply)),
                    ("no items", &[page(0)], done(End::OneReply)),
                ],
            );
        }
        for scheme in ["NextUriOnlyEnvelope", "CursorsOnlyEnvelope"] {
            check(
                scheme,
                &[
                    ("whole", &[page(9)], done(End::OneReply)),
                    ("more", &[token(9, "/things?x=y")], done(End::NotFollowed)),
                ],
            );
        }
        check(
            "DateWindowHomonym",
            &[
                ("items", &[page(9)], done(End::OneWindow)),
                ("no items", &[page(0)], done(End::OneReply)),
            ],
        );
        let mut asked = begin(&of("LimitOnly"));
        asked.set_page_size(Some(9));
        assert_eq!(step(&asked, &page(9)), done(End::FullReply));
        assert_eq!(step(&asked, &page(8)), done(End::OneReply));
        assert_eq!(step(&begin(&of("LimitOnly")), &page(8)), done(End::FullReply));
    }

    #[test]
    fn caps() {
        let capped = |scheme: &str, cap: Cap, size: u64| {
            let mut walk = begin(&of(scheme).with_cap(cap));
            walk.set_page_size(Some(size));
            walk
        };
        let first = page(100).number(1).of(30);
        let second = page(100).number(2).of(30);
        for (walk, pages, expected) in [
            (capped("PageNumber", Cap::pages(2), 100), vec![&first], asks_for_number(2)),
            (capped("PageNumber", Cap::pages(2), 100), vec![&first, &second], done(End::Cap)),
            (capped("PageNumber", Cap::items(200), 100), vec![&first], asks_for_number(2)),
            (capped("PageNumber", Cap::items(200), 100), vec![&first, &second], done(End::Cap)),
            (capped("PageNumber", Cap::items(199), 100), vec![&first], done(End::Cap)),
            // What was granted counts, where it is told.
            (
                capped("PageNumber", Cap::items(60), 100),
                vec![&page(25).number(1).of(30).sized(25)],
                asks_for_number(2),
            ),
            (capped("CursorField", Cap::items(200), 100), vec![&token(100, "a")], asks_for(&["a"])),
            (
                capped("CursorField", Cap::items(200), 100),
                vec![&token(100, "a"), &token(100, "b")],
                done(End::Cap),
            ),
            (capped("CursorField", Cap::pages(1), 100), vec![&token(100, "a")], done(End::Cap)),
            // A list that ends where its cap is is whole.
            (
                capped("PageNumber", Cap::pages(1), 100),
                vec![&page(7).number(1).of(1)],
                done(End::LastPage),
            ),
            // One that holds for other parameters.
            (
                capped("PageNumber", Cap::pages(1).where_query("state", "inactive"), 100),
                vec![&first],
                asks_for_number(2),
            ),
        ] {
            let pages: Vec<Facts> = pages.into_iter().cloned().collect();
            assert_eq!(after(walk, &pages), expected, "{pages:?}");
        }
        for (size, cap, fits) in [(100, 1000, 100), (300, 1000, 250), (500, 100, 100), (7, 10, 5)] {
            let walk = begin(&of("PageNumber").with_cap(Cap::items(cap)));
            assert_eq!(walk.page_size_up_to_cap(size), fits);
        }
    }

    #[test]
    fn pages_that_can_be_asked_for_ahead() {
        let ahead = |scheme: &str, page: &Facts| {
            let mut walk = begin(&of(scheme).with_cap(Cap::pages(5)));
            let Step::Continue(next) = step(&walk, page) else { panic!("an end") };
            walk.advance(page.clone(), next);
            walk.ahead().skip(1).take(9).collect::<Vec<_>>()
        };
        let numbers = |numbers: std::ops::RangeInclusive<u64>| {
            numbers.map(Position::Number).collect::<Vec<_>>()
        };
        assert_eq!(ahead("PageNumber", &page(9).number(1).of(4)), numbers(3..=4));
        assert_eq!(ahead("PageNumber", &page(9).number(1).of(99)), numbers(3..=5));
        assert_eq!(ahead("PageNumber", &page(9).number(1).linked()), []);
        assert_eq!(ahead("CursorField", &token(9, "a").of(9)), []);
        assert_eq!(ahead("ScimStartIndex", &page(9).of(9).total(99)), []);
    }
}
