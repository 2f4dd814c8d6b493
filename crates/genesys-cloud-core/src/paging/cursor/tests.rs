use super::*;
use crate::operation::{Method, Operation};
use crate::paging::list_spec::Cap;
use crate::paging::scheme::Scheme;

fn begin(scheme: Scheme, query: &[(&'static str, &str)]) -> Cursor {
    begin_capped(ListSpec::new(scheme, "entities"), query)
}

fn begin_capped(spec: ListSpec, query: &[(&'static str, &str)]) -> Cursor {
    let mut request = Request::new(Operation::from_static("getThings", Method::Get, "/things"));
    for (name, value) in query {
        request.set_query(*name, *value);
    }
    Cursor::start(&mut request, &spec, "https://api.mypurecloud.ie")
}

fn page(items: u64) -> PageInfo {
    PageInfo { items, ..PageInfo::default() }
}

#[test]
fn knows_the_items_before_the_first_page_if_items_are_counted() {
    for (scheme, name, value, before, page_number) in [
        (Scheme::PageNumber, "pageNumber", "1", Some(0), 1),
        // The page size is not known yet.
        (Scheme::PageNumber, "pageNumber", "5", None, 5),
        (Scheme::ScimStartIndex, "startIndex", "1", Some(0), 1),
        (Scheme::ScimStartIndex, "startIndex", "26", Some(25), 1),
        (Scheme::CursorField, "cursor", "x", None, 1),
        (Scheme::CursorField, "name", "x", Some(0), 1),
    ] {
        let cursor = begin(scheme, &[(name, value)]);
        assert_eq!(
            (cursor.at.before, cursor.page_number()),
            (before, page_number),
            "{name}={value}"
        );
    }
}

#[test]
fn a_page_by_start_index_reaches_as_far_as_requested() {
    let mut cursor = begin(Scheme::ScimStartIndex, &[]);
    // 22 of its items are hidden.
    cursor.advance(page(3), Position::Number(26));
    assert_eq!(cursor.at.before, Some(25));
    assert_eq!(cursor.items_up_to(&page(25)), Some(50));
}

#[test]
fn a_cap_of_items_ends_a_list_by_index() {
    let spec = ListSpec::new(Scheme::ScimStartIndex, "entities").with_cap(Cap::items(50));
    let cursor = begin_capped(spec, &[]);
    for (index, is_beyond) in [(1, false), (50, false), (51, true), (52, true)] {
        assert_eq!(cursor.is_beyond_cap(&Position::Number(index), None), is_beyond, "{index}");
    }
}

#[test]
fn a_cap_counts_items_or_pages() {
    let capped =
        |cap| begin_capped(ListSpec::new(Scheme::PageNumber, "entities").with_cap(cap), &[]);
    assert_eq!(capped(Cap::items(1000)).cap_in_items(), Some(1000));
    assert_eq!(capped(Cap::pages(5)).cap_in_items(), None);
    assert_eq!(begin(Scheme::PageNumber, &[]).cap_in_items(), None);
}

#[test]
fn a_list_resumes_only_at_a_position_of_its_scheme() {
    let text = |text: &str| Token::Text(text.to_owned());
    let link = || Position::Link(vec![("a".to_owned(), "b".to_owned())]);
    for (scheme, due, fits) in [
        (Scheme::PageNumber, Position::Number(1), true),
        (Scheme::PageNumber, Position::Number(0), false),
        (Scheme::PageNumber, Position::Start, false),
        (Scheme::ScimStartIndex, Position::Number(26), true),
        (Scheme::ScimStartIndex, Position::Number(0), false),
        (Scheme::CursorField, Position::Token(vec![text("a")]), true),
        (Scheme::CursorField, Position::Token(vec![]), false),
        (Scheme::CursorField, Position::Token(vec![text("a"), text("b")]), false),
        (Scheme::CursorField, Position::Token(vec![Token::Odd]), false),
        (Scheme::CursorField, Position::Start, true),
        (Scheme::CursorField, Position::Number(2), false),
        (Scheme::CursorField, link(), false),
        (Scheme::PageSizeOnlyNextUri, link(), true),
        (Scheme::UnpagedEntities, Position::Start, true),
        (Scheme::UnpagedEntities, Position::Number(1), false),
    ] {
        let mut cursor = begin(scheme, &[]);
        let before = cursor.at.clone();
        let state = CursorState { pages: 7, ..CursorState::beginning(due.clone()) };
        assert_eq!(cursor.resume(state.clone()), fits, "{scheme:?} {due:?}");
        assert_eq!(cursor.at, if fits { state } else { before }, "{scheme:?} {due:?}");
    }
}
