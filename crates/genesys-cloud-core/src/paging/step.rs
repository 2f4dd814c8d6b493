//! Whether a list goes on after a page, and where: a pure function of what the pages said.

use std::fmt;

use super::listing::Scheme;
use crate::request::Request;

const PAGE_NUMBER: &str = "pageNumber";

/// Which page is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// The page of this number, from 1.
    Number(u64),
}

impl Position {
    /// The page that the caller of a request has set, or else the first.
    fn set_on(request: &mut Request, scheme: Scheme) -> Self {
        match scheme {
            Scheme::PageNumber => match request.query(PAGE_NUMBER).map(str::parse) {
                None => Self::Number(1),
                Some(Ok(number @ 1..)) => Self::Number(number),
                Some(_) => {
                    request.fault(format!("`{PAGE_NUMBER}` must be a number from 1"));
                    Self::Number(1)
                }
            },
        }
    }

    /// Makes a request ask for this page.
    pub(super) fn write_to(&self, request: &mut Request) {
        match self {
            Self::Number(number) => request.set_query(PAGE_NUMBER, number.to_string()),
        };
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "page {number}"),
        }
    }
}

/// What a page says: about itself, and about the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// How many items it holds.
    pub(super) items: u64,
    pub(super) page_number: Option<u64>,
    pub(super) page_count: Option<u64>,
    pub(super) page_size: Option<u64>,
    pub(super) total: Option<u64>,
    /// Whether there is a `nextUri`.
    pub(super) next_uri: bool,
    /// Differs where the items do. `None` of an empty page: all of them are alike.
    pub(super) fingerprint: Option<u64>,
}

/// Where a list stands between two pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    scheme: Scheme,
    /// The page that is due.
    due: Position,
    /// How many items of the list stand before it, where that can be told.
    before: Option<u64>,
    /// What the page before it said, if one has been read.
    previous: Option<Facts>,
}

impl Walk {
    /// At the page where a request begins.
    pub(super) fn start(request: &mut Request, scheme: Scheme) -> Self {
        let due = Position::set_on(request, scheme);
        let before = (due == Position::Number(1)).then_some(0);
        Self { scheme, due, before, previous: None }
    }

    /// The page that is due.
    pub(super) fn due(&self) -> &Position {
        &self.due
    }

    /// Its number, from 1.
    pub(super) fn page_number(&self) -> u64 {
        match self.due {
            Position::Number(number) => number,
        }
    }
}

/// What follows from a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more.
    Continue(Walk),
    /// There is no more.
    Done(End),
    /// The page can't be the one that was due.
    Broken(Contradiction),
}

/// Why no further page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The last page was read, as the API counts pages or items.
    LastPage,
    /// The pages were linked, and the last one read links to no next one.
    NoNextPage,
    /// An empty page came, and no more had been promised.
    EmptyPage,
    /// An empty page came although the API's own counts promise more: the counts are wrong, or items
    /// are missing.
    Shortfall,
    /// As many items were read as [`limit`](crate::Paginator::limit) allows.
    Limit,
    /// As many pages were read as [`max_pages`](crate::Paginator::max_pages) allows.
    MaxPages,
    /// A page came that can't be the one that was due, which was told as an error.
    Contradiction,
}

/// Why a page can't be the one that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// It says so itself.
    WrongPage { due: u64, got: u64 },
    /// Its items are, byte by byte, those of the page before.
    Repeated { due: Position },
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPage { due, got } => {
                write!(f, "the API was asked for page {due} and answered with page {got}")
            }
            Self::Repeated { due } => {
                write!(f, "{due} holds the very items of the page before")
            }
        }
    }
}

/// What follows from a page, given where the list stood when it was due.
pub(super) fn step(walk: &Walk, page: &Facts) -> Step {
    match (walk.scheme, &walk.due) {
        (Scheme::PageNumber, Position::Number(number)) => by_page_number(walk, *number, page),
    }
}

/// A short page says nothing here: the API caps page sizes and hides items without a word.
fn by_page_number(walk: &Walk, number: u64, page: &Facts) -> Step {
    let previous = walk.previous.as_ref();
    let before = walk.before.or_else(|| Some((number - 1).saturating_mul(page.page_size?)));
    let seen = before.map(|before| before.saturating_add(page.items));

    if page.items == 0 {
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
    if page.fingerprint.is_some()
        && page.fingerprint == previous.and_then(|previous| previous.fingerprint)
    {
        return Step::Broken(Contradiction::Repeated { due: walk.due.clone() });
    }

    // Counts may lie. Whatever says that there is more is believed, and so are counts that are at odds
    // with each other: where they are wrong, the cost is one request that finds an empty page.
    let says_more = page.next_uri || page.page_count.is_some_and(|count| count > number);
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
        if pages_read || items_read {
            return Step::Done(End::LastPage);
        }
        if previous.is_some_and(|previous| previous.next_uri) {
            return Step::Done(End::NoNextPage);
        }
    }
    Step::Continue(Walk {
        scheme: walk.scheme,
        due: Position::Number(number.saturating_add(1)),
        before: seen,
        previous: Some(page.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};

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
            Self { next_uri: true, ..self }
        }

        fn like(self, fingerprint: u64) -> Self {
            Self { fingerprint: Some(fingerprint), ..self }
        }
    }

    fn walk(page_number: Option<&str>) -> Walk {
        let mut request = Request::new(Operation::known("getThings", Method::Get, "/things"));
        if let Some(number) = page_number {
            request.set_query(PAGE_NUMBER, number);
        }
        Walk::start(&mut request, Scheme::PageNumber)
    }

    /// What follows from the last of these pages, all pages before it having been followed by another.
    fn after(mut walk: Walk, pages: &[Facts]) -> Step {
        let (last, before) = pages.split_last().expect("a page");
        for page in before {
            match step(&walk, page) {
                Step::Continue(next) => walk = next,
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
                    assert_eq!(next.due, Position::Number(pages.len() as u64 + 1), "{name}");
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
        let repeated = |due| Step::Broken(Contradiction::Repeated { due: Position::Number(due) });
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
}
