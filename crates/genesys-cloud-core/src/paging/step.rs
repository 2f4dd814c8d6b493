//! Decides whether and where a list continues after a page: a pure function of the page info.

use std::fmt;

use super::cursor::Cursor;
use super::cursor_state::{PageInfo, Position, Token};
use super::list_url::LinkError;
use super::scheme::{Advance, Once};

/// Number of consecutive empty pages with a next page after which a list is an error. Genesys's CLI gives up after 3;
/// a filter over a large partition can produce more.
const EMPTY_PAGES: u64 = 20;

/// Number of consecutive pages that may repeat earlier items without ids. More mean that the API ignores the token, and
/// the list would never end.
const ALIKE_PAGES: u64 = 3;

/// What to do after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Request the page at this position.
    Continue(Position),
    /// The list ends here.
    Done(End),
    /// The page cannot be the one that was due.
    Broken(Contradiction),
    /// The page may be the one that was due, but the next one cannot be requested.
    Stuck(Contradiction),
    /// Request the page again: it is empty although the counts promise items.
    LookAgain,
}

/// Why no further page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The API's counts say that the last page was read.
    LastPage,
    /// The last page has no link or token for a next one.
    NoNextPage,
    /// A page was empty, and the counts promise no more items.
    EmptyPage,
    /// A page was empty, or had no next page, although the API's own counts promise more: the counts are wrong, or
    /// items are missing.
    Shortfall,
    /// The operation returns its list in a single response.
    SingleResponse,
    /// The operation returns a single response, and it has as many items as were requested: there may be more.
    FullResponse,
    /// The operation returns a single response, which names a next one, but has no parameter to request it.
    NotFollowed,
    /// The operation returns only one window of time of its list.
    OneWindow,
    /// The list is longer than the API allows to be read.
    Cap,
    /// [`limit`](crate::Paginator::limit) was reached.
    Limit,
    /// [`max_pages`](crate::Paginator::max_pages) was reached.
    MaxPages,
    /// A page could not be the one that was due, or its token or link could not be used. The paginator returned an
    /// error.
    Contradiction,
}

/// Why a page cannot be the one that was due, or why the next one cannot be requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// It states another page number.
    WrongPage { due: u64, got: u64 },
    /// It states another start index.
    WrongStart { due: u64, got: u64 },
    /// Its items are byte for byte those of the previous page.
    Repeated { due: u64 },
    /// Its items are byte for byte those of an earlier page.
    ReadBefore { due: u64 },
    /// Its token or link was used before.
    Cycle { page: u64 },
    /// Its link to the next page must not be followed.
    Link { page: u64, why: LinkError },
    /// Its link to the next page lacks a parameter.
    Lacks { page: u64, parameter: String },
    /// Its token is neither a string nor an integer.
    OddToken { page: u64, field: String },
    /// Its last item lacks the key by which the next page is requested.
    NoKey { page: u64, key: String },
    /// Too many pages in a row were empty.
    Empty { pages: u64 },
    /// The page size changed too often to know where the page begins.
    Resized { due: u64, size: u64, before: u64 },
}

impl Contradiction {
    /// What the caller can do.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::WrongPage { .. }
            | Self::WrongStart { .. }
            | Self::Repeated { .. }
            | Self::ReadBefore { .. } => {
                "start over; the list may have changed, or the API ignores the page parameter"
            }
            Self::Cycle { .. } => "start over, or split the list by a filter",
            Self::Link { why: LinkError::Host, .. } => "check the region or URL of the client",
            Self::Link { .. } => "report the response with its correlation id",
            Self::Lacks { .. } | Self::OddToken { .. } | Self::NoKey { .. } => {
                "the operation does not page as its `ListSpec` says; report it, or write a `ListSpec`"
            }
            Self::Empty { .. } => "narrow the filter, or request larger pages",
            Self::Resized { .. } => "set a `page_size` that the API grants for every page",
        }
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPage { due, got } => {
                write!(f, "requested page {due}, but the API returned page {got}")
            }
            Self::WrongStart { due, got } => {
                write!(f, "requested items from index {due}, but the API returned them from {got}")
            }
            Self::Repeated { due } => {
                write!(f, "page {due} repeats the items of the previous page")
            }
            Self::ReadBefore { due } => {
                write!(f, "page {due} repeats the items of an earlier page")
            }
            Self::Cycle { page } => {
                write!(f, "the token or link of page {page} points to a page that was already read")
            }
            Self::Link { page, why } => {
                write!(f, "the next-page link of page {page} {why} and was not followed")
            }
            Self::Lacks { page, parameter } => {
                write!(f, "the next-page link of page {page} has no `{parameter}`")
            }
            Self::OddToken { page, field } => {
                write!(f, "`{field}` of page {page} is neither a string nor an integer")
            }
            Self::NoKey { page, key } => write!(
                f,
                "the last item of page {page} has no `{key}`, which is needed to request the next page"
            ),
            Self::Resized { due, size, before } => {
                write!(
                    f,
                    "the API changed the page size from {before} to {size} at page {due}, after several \
                     earlier changes"
                )
            }
            Self::Empty { pages } => {
                write!(f, "{pages} pages in a row are empty, each with a next page")
            }
        }
    }
}

/// Decides what to do after a page, given the cursor when it was due.
pub(super) fn step(cursor: &Cursor, page: &PageInfo) -> Step {
    let step = match (cursor.advances_by(), &cursor.at.due) {
        (Advance::Numbers { linked }, Position::Number(number)) => {
            by_page_number(cursor, *number, page, linked)
        }
        (Advance::StartIndex, Position::Number(index)) => by_start_index(cursor, *index, page),
        (Advance::Window, _) => by_window(cursor, page),
        (Advance::Once(once), _) => by_single_response(cursor, once, page),
        // The source decides when the list ends.
        (Advance::Sequence(_), due) => return Step::Continue(due.clone()),
        (Advance::Tokens { counted: true }, _) => by_counted_token(cursor, page),
        (Advance::Tokens { .. } | Advance::Numbers { .. } | Advance::StartIndex, _) => {
            by_token(cursor, page)
        }
    };
    match step {
        Step::Continue(next) if cursor.is_beyond_cap(&next, Some(page)) => Step::Done(End::Cap),
        // The page number cannot grow any further.
        Step::Continue(next) if next == cursor.at.due => Step::Done(End::LastPage),
        step => step,
    }
}

/// A short page is not the end: the API silently caps page sizes and hides items.
fn by_page_number(cursor: &Cursor, number: u64, page: &PageInfo, linked: bool) -> Step {
    let previous = cursor.at.previous.as_ref();
    let seen = cursor.items_up_to(page);
    let next_uri = page.token.is_some();
    let next = || Step::Continue(Position::Number(number.saturating_add(1)));

    if page.items == 0 {
        // All of its items may be hidden from the caller.
        let counts_more = page.page_count.is_some_and(|count| count > number);
        let links_on = next_uri && (linked || page.page_count.is_none());
        let totals_more = page.total.zip(seen).is_some_and(|(total, seen)| total > seen);
        if (counts_more || totals_more) && !cursor.at.is_second_look {
            return Step::LookAgain;
        }
        if counts_more || links_on {
            return match cursor.at.empty + 1 < EMPTY_PAGES {
                true => next(),
                false if next_uri => too_many_empty(cursor),
                false => Step::Done(End::Shortfall),
            };
        }
        // Past the end, the API may leave out its counts (`{}`) or state zero.
        let total = page.total.max(previous.and_then(|previous| previous.total));
        let counted = page.page_count.is_some_and(|count| count > number)
            || previous
                .and_then(|previous| previous.page_count)
                .is_some_and(|count| count >= number);
        let promised = match (total, seen) {
            (Some(total), Some(seen)) => total > seen || (total < seen && next_uri),
            _ => next_uri || counted,
        };
        return Step::Done(if promised { End::Shortfall } else { End::EmptyPage });
    }
    if let Some(got) = page.page_number.filter(|got| *got != number) {
        return Step::Broken(Contradiction::WrongPage { due: number, got });
    }
    if let Some(broken) = repeated(cursor, page) {
        return broken;
    }
    if linked && !next_uri {
        return Step::Done(End::NoNextPage);
    }

    // Counts may be wrong. Anything that says that there is more is believed, and so are counts that contradict each
    // other: at worst, one request finds an empty page.
    let says_more = next_uri || page.page_count.is_some_and(|count| count > number);
    if !says_more {
        // A last page may give its own length as the page size.
        let size = page.page_size.max(previous.and_then(|previous| previous.page_size));
        // The items that the counted pages have room for. Too few if the API counted with a larger page size than it
        // granted.
        let room = size.map(|size| number.saturating_mul(size));
        let total_fits = page.total.is_none_or(|total| {
            seen.is_none_or(|seen| seen <= total) && room.is_none_or(|room| room >= total)
        });
        let pages_read = page.page_count == Some(number) && total_fits;
        let items_read = page.total.is_some() && page.total == seen;
        // Without a stated size, pages hold at least as many items as the largest one.
        let largest = cursor.at.largest.max(page.items);
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

fn by_start_index(cursor: &Cursor, index: u64, page: &PageInfo) -> Step {
    let previous = cursor.at.previous.as_ref();
    if page.items == 0 {
        let total = page.total.max(previous.and_then(|previous| previous.total));
        let promised = total.is_some_and(|total| total >= index);
        return match promised {
            true if !cursor.at.is_second_look => Step::LookAgain,
            true => Step::Done(End::Shortfall),
            false => Step::Done(End::EmptyPage),
        };
    }
    if let Some(got) = page.start_index.filter(|got| *got != index) {
        return Step::Broken(Contradiction::WrongStart { due: index, got });
    }
    if let Some(broken) = repeated(cursor, page) {
        return broken;
    }
    // Hidden items make a page reach further than its item count, but not further than requested.
    let size = page.page_size.min(cursor.at.page_size.or(page.page_size));
    let next = index.saturating_add(size.unwrap_or(0).max(page.items));
    // A total below the number of items is wrong and does not end the list.
    let last = index.saturating_add(page.items - 1);
    if page.total.is_some_and(|total| next > total && last <= total) {
        return Step::Done(End::LastPage);
    }
    Step::Continue(Position::Number(next))
}

/// Only the token decides; counts are ignored.
fn by_token(cursor: &Cursor, page: &PageInfo) -> Step {
    if let Some(broken) = repeated(cursor, page) {
        return broken;
    }
    let next = match next_by_token(cursor, page) {
        Ok(Some(next)) => next,
        Ok(None) => return Step::Done(End::NoNextPage),
        Err(why) => return Step::Stuck(why),
    };
    if cursor.has_asked_for(&next) {
        return Step::Stuck(Contradiction::Cycle { page: cursor.page_number() });
    }
    if page.items == 0 && !page.is_in_file && cursor.at.empty + 1 >= EMPTY_PAGES {
        return too_many_empty(cursor);
    }
    Step::Continue(next)
}

/// The token of a search contains the whole query, including the page number, and the last page has one too
/// (developer.genesys.cloud/organization/search/reusable-searches).
fn by_counted_token(cursor: &Cursor, page: &PageInfo) -> Step {
    let previous = cursor.at.previous.as_ref().and_then(|previous| previous.page_number);
    // The first page has the number requested by the search, if that can be decoded.
    let expected = previous.map(|number| number.saturating_add(1)).or(cursor.first_search_page());
    let due = expected.unwrap_or(cursor.page_number());
    let number = page.page_number.unwrap_or(due);
    // A count of zero pages on a page with items is wrong.
    let page_count = page.page_count.filter(|count| *count > 0 || page.items == 0);
    let no_more = match page_count {
        Some(count) => number >= count,
        None => page.items == 0 || (page.total.is_some() && page.total == cursor.items_up_to(page)),
    };
    if page.items == 0 && no_more {
        return Step::Done(End::EmptyPage);
    }
    let is_beyond = page_count.is_some_and(|count| number > count);
    if (expected.is_some() && number != due) || (previous.is_none() && is_beyond) {
        return Step::Broken(Contradiction::WrongPage { due, got: number });
    }
    if page.items == 0 && page_count.is_some() && !cursor.at.is_second_look {
        return Step::LookAgain;
    }
    match by_token(cursor, page) {
        Step::Continue(_) | Step::Stuck(_) if no_more => Step::Done(End::LastPage),
        Step::Done(End::NoNextPage) if page_count.is_some() => {
            Step::Done(if no_more { End::LastPage } else { End::Shortfall })
        }
        step => step,
    }
}

/// The position of the next page, by its token or link.
fn next_by_token(cursor: &Cursor, page: &PageInfo) -> Result<Option<Position>, Contradiction> {
    let (Some(token), Some(out)) = (&page.token, cursor.spec.token_out()) else {
        return Ok(None);
    };
    let number = cursor.page_number();
    if *token == Token::Odd {
        return Err(Contradiction::OddToken { page: number, field: out.path().to_owned() });
    }
    let places = cursor.spec.token_in();
    let names: Vec<&str> = places.iter().filter_map(|place| out.name_in_link(place)).collect();
    if names.is_empty() && !out.is_whole_link() {
        return Ok(Some(Position::Token(vec![token.clone(); places.len()])));
    }
    let query = cursor.home.as_ref().ok_or(LinkError::NoUrl);
    let query = query
        .and_then(|home| home.query_of(&token.text()))
        .map_err(|why| Contradiction::Link { page: number, why })?;
    if out.is_whole_link() {
        return Ok(Some(Position::Link(query)));
    }
    // A server that appends to the query of the request puts the new value last.
    let value = |name: &str| query.iter().rfind(|(known, _)| known == name).map(|(_, value)| value);
    if names.iter().all(|name| value(name).is_some_and(String::is_empty)) {
        return Ok(None);
    }
    let values = names.iter().map(|name| match value(name) {
        Some(value) if !value.is_empty() => Ok(Token::Text(value.clone())),
        _ => Err(Contradiction::Lacks { page: number, parameter: (*name).to_owned() }),
    });
    values.collect::<Result<_, _>>().map(|values| Some(Position::Token(values)))
}

/// The next page is requested by the last item of this one.
fn by_window(cursor: &Cursor, page: &PageInfo) -> Step {
    if page.items == 0 {
        return Step::Done(End::EmptyPage);
    }
    // A window may include its own bound. If it has nothing else, the previous page ended with the last item.
    let is_bound_alone = page.items == 1 && cursor.shared_by(page) == 1;
    let has_room = cursor.at.page_size.is_none_or(|size| size > 1);
    if is_bound_alone && has_room {
        return Step::Done(End::LastPage);
    }
    if let Some(broken) = repeated(cursor, page) {
        return broken;
    }
    let Some(key) = page.token.as_ref().filter(|key| **key != Token::Odd) else {
        let key = cursor.spec.token_out().map_or("", |out| out.path()).to_owned();
        return Step::Stuck(Contradiction::NoKey { page: cursor.page_number(), key });
    };
    let next = Position::Token(vec![key.clone()]);
    if !cursor.has_asked_for(&next) {
        Step::Continue(next)
    } else if page.items == 1 || page.items == cursor.shared_by(page) {
        // Nothing but items of the previous page, up to the bound.
        Step::Done(End::LastPage)
    } else {
        Step::Stuck(Contradiction::Cycle { page: cursor.page_number() })
    }
}

fn by_single_response(cursor: &Cursor, once: Once, page: &PageInfo) -> Step {
    let size = cursor.at.page_size.or(page.page_size);
    Step::Done(match once {
        _ if page.items == 0 && page.token.is_none() => End::SingleResponse,
        Once::Whole if page.token.is_some() => End::NotFollowed,
        // A total is more reliable, if stated.
        Once::Whole
            if page.total.is_none() && page.page_count > Some(page.page_number.unwrap_or(1)) =>
        {
            End::NotFollowed
        }
        Once::Whole => End::SingleResponse,
        Once::UnlessFull if size.is_none_or(|size| page.items >= size) => End::FullResponse,
        Once::UnlessFull => End::SingleResponse,
        Once::Window => End::OneWindow,
    })
}

fn repeated(cursor: &Cursor, page: &PageInfo) -> Option<Step> {
    if !cursor.has_read(page) || has_grown(cursor, page) {
        return None;
    }
    // Rows without ids may be equal on two pages with different tokens.
    let is_by_token = matches!(cursor.advances_by(), Advance::Tokens { .. });
    if is_by_token && page.has_no_ids && cursor.at.alike + 1 < ALIKE_PAGES {
        return None;
    }
    let due = cursor.page_number();
    let previous = cursor.at.previous.as_ref().and_then(|previous| previous.fingerprint);
    Some(Step::Broken(if page.fingerprint == previous {
        Contradiction::Repeated { due }
    } else {
        Contradiction::ReadBefore { due }
    }))
}

/// Whether the list has grown since the previous page. If exactly one page of items was added, the same items appear
/// again.
fn has_grown(cursor: &Cursor, page: &PageInfo) -> bool {
    let by_number = matches!(cursor.advances_by(), Advance::Numbers { .. } | Advance::StartIndex);
    let previous = cursor.at.previous.as_ref().and_then(|previous| previous.total);
    by_number && previous.is_some_and(|total| page.total > Some(total))
}

fn too_many_empty(cursor: &Cursor) -> Step {
    Step::Stuck(Contradiction::Empty { pages: cursor.at.empty + 1 })
}

#[cfg(test)]
mod tests;
