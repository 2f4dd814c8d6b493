//! Where numbered pages begin: page N of size S begins with item (N - 1) * S, as long as S stays the same.

use super::cursor::Cursor;
use super::cursor_state::{PageInfo, Position};
use super::scheme::Advance;

/// Number of times that the page size may change in one list.
pub(super) const MOST_CHANGES: u32 = 3;

/// Where a list continues after the API changed the page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Realignment {
    /// The old page size, as far as known.
    pub(super) before: u64,
    /// The new page size.
    pub(super) size: u64,
    /// The page with the last item read, in pages of the new size.
    pub(super) page: u64,
    /// Items of that page read before.
    pub(super) skip: u64,
}

/// Detects from a page that the page size has changed. `read` is the number of its items read in an earlier run.
///
/// The response states its size, or a page larger than all before shows it. A last page may state its own length as the
/// page size.
pub(super) fn realignment(cursor: &Cursor, page: &PageInfo, read: u64) -> Option<Realignment> {
    let (Advance::Numbers { linked }, Position::Number(number)) =
        (cursor.advances_by(), &cursor.at.due)
    else {
        return None;
    };
    let (before, position, size) = match (cursor.at.grid, page.page_size) {
        (Some(grid), Some(size)) if size != grid => {
            (grid, number.saturating_sub(1).saturating_mul(grid), size)
        }
        (Some(grid), None) if page.items > grid => {
            (grid, number.saturating_sub(1).saturating_mul(grid), page.items)
        }
        (None, None) if cursor.at.largest > 0 && page.items > cursor.at.largest => {
            (cursor.at.largest, cursor.at.before?, page.items)
        }
        _ => return None,
    };
    let position = position.saturating_add(read);
    let up_to = position.saturating_add(page.items);
    let is_last = match page.total {
        Some(total) => up_to >= total,
        None => match page.page_count {
            Some(count) => count <= *number,
            None => linked && page.token.is_none(),
        },
    };
    if position == 0 || (size == page.items && size < before && read == 0 && is_last) {
        return None;
    }
    let page = (position - 1) / size + 1;
    Some(Realignment { before, size, page, skip: position - (page - 1) * size })
}

/// Whether the page size may have changed unnoticed: the previous page was shorter than others, this one has items, and
/// responses state neither a page size nor a total. Either items were hidden on that page, or pages became smaller,
/// which repeats items.
pub(super) fn may_have_shrunk(cursor: &Cursor, page: &PageInfo) -> bool {
    let Some(previous) = &cursor.at.previous else { return false };
    let is_short = previous.items > 0 && previous.items < cursor.at.largest;
    let is_stated = cursor.at.grid.is_some() || page.page_size.is_some() || page.total.is_some();
    matches!(cursor.advances_by(), Advance::Numbers { .. })
        && is_short
        && page.items > 0
        && !is_stated
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::cursor_state::Token;
    use crate::paging::list_spec::ListSpec;
    use crate::paging::scheme::Scheme;
    use crate::request::Request;

    fn cursor(number: u64, grid: Option<u64>, largest: u64, before: Option<u64>) -> Cursor {
        let spec = ListSpec::new(Scheme::PageNumber, "entities");
        let mut request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
        let mut cursor = Cursor::start(&mut request, &spec, "https://api.mypurecloud.ie");
        cursor.at.due = Position::Number(number);
        (cursor.at.grid, cursor.at.largest, cursor.at.before) = (grid, largest, before);
        cursor
    }

    fn page(items: u64, size: Option<u64>, total: Option<u64>) -> PageInfo {
        PageInfo { items, page_size: size, total, ..PageInfo::default() }
    }

    #[test]
    fn continues_after_the_last_item_read() {
        let joined = |cursor: &Cursor, page: &PageInfo, read| {
            realignment(cursor, page, read).map(|it| (it.page, it.skip, it.size))
        };
        for (name, cursor, page, read, expected) in [
            ("same size", cursor(3, Some(50), 50, Some(100)), page(50, Some(50), None), 0, None),
            (
                "larger",
                cursor(3, Some(50), 50, Some(100)),
                page(100, Some(100), None),
                0,
                Some((1, 100, 100)),
            ),
            (
                "smaller",
                cursor(3, Some(100), 100, Some(200)),
                page(50, Some(50), Some(900)),
                0,
                Some((4, 50, 50)),
            ),
            ("first page", cursor(1, None, 0, Some(0)), page(50, Some(50), None), 0, None),
            (
                "after hidden items",
                cursor(3, Some(50), 50, Some(93)),
                page(80, Some(80), None),
                0,
                Some((2, 20, 80)),
            ),
            (
                "larger, in a resumed run",
                cursor(3, Some(50), 50, Some(100)),
                page(100, Some(100), None),
                50,
                Some((2, 50, 100)),
            ),
            (
                "in the middle of the first page",
                cursor(1, Some(50), 50, Some(0)),
                page(20, Some(20), None),
                30,
                Some((2, 10, 20)),
            ),
            (
                "no size stated, as large as before",
                cursor(3, None, 50, Some(100)),
                page(50, None, None),
                0,
                None,
            ),
            (
                "no size stated, shorter",
                cursor(3, None, 50, Some(100)),
                page(9, None, None),
                0,
                None,
            ),
            (
                "no size stated, larger",
                cursor(3, None, 50, Some(100)),
                page(100, None, None),
                0,
                Some((1, 100, 100)),
            ),
            (
                "size no longer stated, larger",
                cursor(3, Some(50), 50, Some(100)),
                page(60, None, None),
                0,
                Some((2, 40, 60)),
            ),
            (
                "size stated for the first time",
                cursor(3, None, 50, Some(100)),
                page(50, Some(50), None),
                0,
                None,
            ),
            (
                "last page that states its own length",
                cursor(2, Some(25), 25, Some(25)),
                page(1, Some(1), Some(26)),
                0,
                None,
            ),
            (
                "middle page that states its own length",
                cursor(2, Some(25), 25, Some(25)),
                page(20, Some(20), Some(99)),
                0,
                Some((2, 5, 20)),
            ),
            (
                "beyond the end by now",
                cursor(6, Some(10), 10, Some(50)),
                page(0, Some(20), None),
                10,
                Some((3, 20, 20)),
            ),
            ("empty", cursor(3, Some(50), 50, Some(100)), page(0, None, None), 0, None),
            // The size of a last page is its length only if it is shorter than earlier pages.
            (
                "last, smaller, and not its length",
                cursor(3, Some(50), 50, Some(100)),
                page(5, Some(20), Some(105)),
                0,
                Some((5, 20, 20)),
            ),
            (
                "last, larger, and its length",
                cursor(3, Some(50), 50, Some(100)),
                page(60, Some(60), Some(160)),
                0,
                Some((2, 40, 60)),
            ),
        ] {
            assert_eq!(joined(&cursor, &page, read), expected, "{name}");
        }
    }

    #[test]
    fn a_last_page_may_state_its_own_length() {
        let own = |page_count, token: bool| PageInfo {
            page_count,
            token: token.then(|| Token::Text("/next".to_owned())),
            ..page(5, Some(5), None)
        };
        let counted = cursor(2, Some(25), 25, Some(25));
        let mut linked = cursor(2, Some(25), 25, Some(25));
        linked.spec = ListSpec::new(Scheme::PageNumberNoTotal, "entities");
        for (name, cursor, page, is_last) in [
            ("last by count", &counted, own(Some(2), false), true),
            ("not last by count", &counted, own(Some(3), false), false),
            ("no link, in a list that does not end by links", &counted, own(None, false), false),
            ("no link", &linked, own(None, false), true),
            ("with a link", &linked, own(None, true), false),
        ] {
            assert_eq!(realignment(cursor, &page, 0).is_none(), is_last, "{name}");
        }
        // Not if part of it was read in an earlier run, which had another size.
        assert!(realignment(&counted, &own(Some(2), false), 3).is_some());
    }

    #[test]
    fn a_size_that_is_no_longer_stated_is_assumed_unchanged() {
        let cursor = cursor(3, Some(50), 50, Some(100));
        for items in [1, 49, 50] {
            assert_eq!(realignment(&cursor, &page(items, None, None), 0), None, "{items}");
        }
    }

    #[test]
    fn a_short_page_in_the_middle_is_in_doubt_without_counts() {
        let after = |previous: u64, largest| {
            let mut cursor = cursor(3, None, largest, Some(100));
            cursor.at.previous = Some(page(previous, None, None));
            cursor
        };
        assert!(may_have_shrunk(&after(9, 50), &page(50, None, None)));
        let mut sized = after(9, 50);
        sized.at.grid = Some(50);
        for (name, cursor, page) in [
            ("after a full page", after(50, 50), page(9, None, None)),
            ("after an empty page", after(0, 50), page(9, None, None)),
            ("at the end", after(9, 50), page(0, None, None)),
            ("with a stated size", after(9, 50), page(50, Some(50), None)),
            ("with a total", after(9, 50), page(50, None, Some(99))),
            ("on the first page", cursor(1, None, 0, Some(0)), page(50, None, None)),
            ("with a size stated before", sized, page(50, None, None)),
        ] {
            assert!(!may_have_shrunk(&cursor, &page), "{name}");
        }
    }

    #[test]
    fn lists_without_page_numbers_are_not_realigned() {
        let spec = ListSpec::new(Scheme::CursorField, "results");
        let mut request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
        let mut cursor = Cursor::start(&mut request, &spec, "https://api.mypurecloud.ie");
        (cursor.at.grid, cursor.at.largest) = (Some(50), 50);
        assert_eq!(realignment(&cursor, &page(100, Some(100), None), 0), None);
    }
}
