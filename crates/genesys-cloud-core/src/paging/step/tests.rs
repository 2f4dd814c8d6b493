use base64::Engine as _;

use super::*;
use crate::operation::{Method, Operation};
use crate::page_identity::Edges;
use crate::paging::list_spec::{Cap, ListSpec, NextToken};
use crate::paging::scheme::Scheme;
use crate::request::Request;

/// A page with this many items, which differ from those of other pages unless the test sets a fingerprint.
fn page(items: u64) -> PageInfo {
    PageInfo { items, ..PageInfo::default() }
}

impl PageInfo {
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
        Self { token: Some(Token::Text("/things".to_owned())), ..self }
    }

    fn like(self, fingerprint: u64) -> Self {
        Self { fingerprint: Some(fingerprint), ..self }
    }
}

fn request() -> Request {
    Request::new(Operation::from_static("getThings", Method::Get, "/things"))
}

fn begin(spec: &ListSpec) -> Cursor {
    Cursor::start(&mut request(), spec, "https://api.mypurecloud.ie")
}

fn cursor(page_number: Option<&str>) -> Cursor {
    let mut request = request();
    if let Some(number) = page_number {
        request.set_query("pageNumber", number);
    }
    let spec = ListSpec::new(Scheme::PageNumber, "entities");
    Cursor::start(&mut request, &spec, "https://api.mypurecloud.ie")
}

/// The step after the last of these pages. All earlier ones must be followed by another.
fn after(mut cursor: Cursor, pages: &[PageInfo]) -> Step {
    let (last, before) = pages.split_last().expect("a page");
    for page in before {
        match look(&mut cursor, page) {
            Step::Continue(next) => drop(cursor.advance(page.clone(), next)),
            other => panic!("{other:?} after {page:?}"),
        }
    }
    look(&mut cursor, last)
}

/// The step after a page. If it is requested again, it is the same.
fn look(cursor: &mut Cursor, page: &PageInfo) -> Step {
    match step(cursor, page) {
        Step::LookAgain => {
            cursor.at.is_second_look = true;
            step(cursor, page)
        }
        other => other,
    }
}

#[test]
fn requests_an_empty_page_again_if_the_counts_promise_items() {
    let empty = |page: PageInfo| step(&cursor(None), &page) == Step::LookAgain;
    assert!(empty(page(0).number(1).of(3)));
    assert!(empty(page(0).number(1).of(1).total(5)));
    assert!(!empty(page(0).number(1).of(1).total(0)));
    // A link alone does not count.
    assert!(!empty(page(0).number(1).linked()));
    let index = begin(&of("ScimStartIndex"));
    assert_eq!(step(&index, &page(0).total(5)), Step::LookAgain);
    assert_eq!(step(&index, &page(0).total(0)), done(End::EmptyPage));
    let search = begin(&of("Q64Search"));
    assert_eq!(step(&search, &page(0).number(1).of(3)), Step::LookAgain);
    // A page that was empty twice is believed.
    let mut again = cursor(None);
    again.at.is_second_look = true;
    assert_eq!(step(&again, &page(0).number(1).of(1).total(5)), done(End::Shortfall));
}

#[test]
fn a_search_begins_at_its_page_number() {
    let wrong = |due, got| Step::Broken(Contradiction::WrongPage { due, got });
    let first = page(10).number(47).of(5).total(47);
    assert_eq!(step(&begin(&of("Q64Search")), &first), wrong(1, 47));
    // `{"pageNumber":3}`, compressed. Another first page is not the requested one.
    let mut request = request();
    request.set_query("q64", "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMq4FALZItUIQAAAA");
    let cursor = Cursor::start(&mut request, &of("Q64Search"), "https://api.mypurecloud.ie");
    assert_eq!(cursor.first_search_page(), Some(3));
    assert_eq!(step(&cursor, &page(10).number(1).of(5)), wrong(3, 1));
    assert_eq!(step(&cursor, &page(10).number(5).of(5)), wrong(3, 5));
}

#[test]
fn refuses_a_search_that_selects_a_page_in_another_way() {
    let refused = |json: &str| {
        let mut request = request();
        request.set_query("q64", base64::prelude::BASE64_STANDARD.encode(json));
        Cursor::start(&mut request, &of("Q64Search"), "https://api.mypurecloud.ie");
        request.target().err().map(|error| error.to_string())
    };
    for json in ["{}", r#"{"pageNumber":3,"sortBy":"name"}"#, r#"{"cursor":null}"#] {
        assert_eq!(refused(json), None, "{json}");
    }
    for (json, why) in [
        (r#"{"pageNumber":0}"#, "`pageNumber` of the search must be a number from 1"),
        (r#"{"after":"x"}"#, "`after` of the search would skip or repeat records"),
        (r#"{"pageNumber":1,"startIndex":26}"#, "`startIndex` of the search would skip"),
    ] {
        let refused = refused(json).expect("refused");
        assert!(refused.contains(why), "{json}: {refused}");
    }
}

#[test]
fn rows_without_ids_may_be_equal_on_pages_with_different_tokens() {
    let alike = |token_text: &str| PageInfo { has_no_ids: true, ..token(9, token_text).like(1) };
    let pages: Vec<PageInfo> = (1..ALIKE_PAGES).map(|page| alike(&format!("t{page}"))).collect();
    assert_eq!(after(begin(&of("CursorField")), &pages), asks_for(&["t2"]));
    let more = [&pages[..], &[alike("t3")]].concat();
    let found = after(begin(&of("CursorField")), &more);
    assert_eq!(found, Step::Broken(Contradiction::Repeated { due: 3 }));
    // With page numbers, the API may ignore the parameter.
    let found = after(begin(&of("PageNumberNoEnvelope")), &[alike(""), alike("")]);
    assert_eq!(found, Step::Broken(Contradiction::Repeated { due: 2 }));
}

#[test]
fn refuses_parameters_that_select_a_page_in_another_way() {
    for (scheme, name, refused) in [
        ("PageNumber", "pageNumber", None),
        ("PageNumber", "cursor", Some("or set where to begin with `pageNumber`")),
        ("AfterInNextUri", "after", None),
        ("AfterInNextUri", "before", Some("or set where to begin with `after`")),
        ("IdOrDateWindow", "before", Some("or set where to begin with `after`")),
        ("UnpagedWithEnvelope", "pageNumber", Some("remove it")),
        ("DateWindowHomonym", "before", None),
        ("ContinuationToken", "before", None),
    ] {
        let mut request = request();
        request.set_query(name, "1");
        Cursor::start(&mut request, &of(scheme), "https://api.mypurecloud.ie");
        let why = request.target().err().map(|error| error.to_string()).unwrap_or_default();
        match refused {
            None => assert_eq!(why, "", "{scheme} {name}"),
            Some(advice) => assert!(why.contains(advice) && why.contains(name), "{why}"),
        }
    }
}

#[test]
fn numbered_lists_end_as_their_counts_and_links_say() {
    use End::*;
    #[rustfmt::skip]
    let table: &[(&str, &[PageInfo], Option<End>)] = &[
        // Consistent counts.
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
        ("link missing", &[page(25).number(1).linked(), page(25).number(2)], Some(NoNextPage)),
        ("no count at all", &[page(25).number(1)], None),
        ("no count, then {}", &[page(25).number(1), page(0)], Some(EmptyPage)),
        ("total not reached", &[page(25).number(1).total(30)], None),
        ("total reached", &[page(25).number(1).total(30), page(5).number(2).total(30)], Some(LastPage)),
        ("no page number", &[page(25).like(1).of(2), page(25).like(2).of(2)], Some(LastPage)),
        // Wrong counts.
        ("count too low, linked", &[page(25).number(1).of(1).linked()], None),
        ("count exceeded", &[page(25).number(1).of(1).linked(), page(25).number(2).of(1)], Some(NoNextPage)),
        ("count zero", &[page(25).number(1).of(0)], None),
        ("count for another size", &[page(100).number(1).of(1).sized(100).total(250)], None),
        ("count too high", &[page(25).number(1).of(9).total(25), page(0)], Some(EmptyPage)),
        ("count too high, no total", &[page(25).number(1).of(9), page(0)], Some(Shortfall)),
        ("total too high", &[page(25).number(1).of(2).total(99), page(0).number(2)], Some(Shortfall)),
        ("count, no items", &[page(0).number(1).of(5)], None),
        ("total, no items", &[page(0).number(1).of(1).total(5)], Some(Shortfall)),
        ("total zero past the end", &[page(25).number(1).of(9).total(99), page(0).of(0).total(0)], Some(Shortfall)),
        ("total too low", &[page(25).number(1).of(2).total(3)], None),
        ("last page sized to itself", &[page(25).number(1).of(2).sized(25).total(26), page(1).number(2).of(2).sized(1).total(26)], Some(LastPage)),
        ("total exceeded", &[page(25).number(1).of(2).total(30), page(25).number(2).of(2).total(30)], None),
        ("total exceeded, link missing", &[page(25).number(1).total(3).linked(), page(25).number(2).total(3)], Some(NoNextPage)),
        ("link missing too early", &[page(25).number(1).of(3).linked(), page(25).number(2).of(3)], None),
        ("huge counts", &[page(25).number(1).of(u64::MAX).sized(u64::MAX).total(u64::MAX)], None),
    ];
    for (name, pages, end) in table {
        match (after(cursor(None), pages), end) {
            (Step::Done(found), Some(end)) => assert_eq!(found, *end, "{name}"),
            (Step::Continue(next), None) => {
                assert_eq!(next, Position::Number(pages.len() as u64 + 1), "{name}");
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn counts_apply_to_a_list_that_begins_in_the_middle() {
    let middle = page(25).number(4).sized(25).total(100);
    assert_eq!(after(cursor(Some("4")), &[middle]), Step::Done(End::LastPage));
    let beyond = page(0).number(9).of(4).total(100);
    assert_eq!(after(cursor(Some("9")), &[beyond]), Step::Done(End::EmptyPage));
}

#[test]
fn a_page_that_cannot_be_the_due_one_is_an_error() {
    let first = page(25).number(1).of(3);
    let wrong = |due, got| Step::Broken(Contradiction::WrongPage { due, got });
    let repeated = |due| Step::Broken(Contradiction::Repeated { due });
    let table = [
        ("page 1 again", vec![first.clone(), first.clone()], wrong(2, 1)),
        ("a page skipped", vec![first.clone(), page(25).number(3).of(3)], wrong(2, 3)),
        ("another first page", vec![page(25).number(2)], wrong(1, 2)),
        ("same items", vec![first.clone(), page(25).number(2).of(3).like(1)], repeated(2)),
        (
            "same items, same total",
            vec![first.clone().total(75), page(25).number(2).of(3).total(75).like(1)],
            repeated(2),
        ),
        ("same items, last page", vec![first, page(25).number(2).of(2).like(1)], repeated(2)),
    ];
    for (name, pages, broken) in table {
        assert_eq!(after(cursor(None), &pages), broken, "{name}");
    }
}

#[test]
fn a_page_is_compared_with_all_earlier_ones() {
    let pages = [
        page(9).number(1).of(4),
        page(9).number(2).of(4),
        page(0),
        page(9).number(3).of(4).like(1),
    ];
    assert_eq!(
        after(cursor(None), &[pages[0].clone(), pages[1].clone(), pages[3].clone()]),
        Step::Broken(Contradiction::ReadBefore { due: 3 })
    );
    // Empty pages are not compared.
    let pages = [page(1).number(1).of(3), page(0).number(1)];
    assert_eq!(after(cursor(None), &pages), Step::Done(End::Shortfall));
}

#[test]
fn a_cycle_of_pages_without_counts_is_an_error() {
    for scheme in ["PageNumberNoEnvelope", "BodyPagingTotalHits", "ScimStartIndex"] {
        let circle = [page(9).like(1), page(9).like(2), page(9).like(1)];
        let found = after(begin(&of(scheme)), &circle);
        assert_eq!(found, Step::Broken(Contradiction::ReadBefore { due: 3 }), "{scheme}");
    }
    // New tokens that return the same two pages.
    let circle = [token(9, "a").like(1), token(9, "b").like(2), token(9, "c").like(1)];
    let found = after(begin(&of("CursorField")), &circle);
    assert_eq!(found, Step::Broken(Contradiction::ReadBefore { due: 3 }));
}

/// A page with this token, or without one if it is empty.
fn token(items: u64, token: &str) -> PageInfo {
    let token = (!token.is_empty()).then(|| Token::Text(token.to_owned()));
    PageInfo { token, ..page(items) }
}

fn of(scheme: &str) -> ListSpec {
    ListSpec::new(Scheme::named(scheme).expect("a scheme"), "entities")
}

fn asks_for(values: &[&str]) -> Step {
    let values = values.iter().map(|value| Token::Text((*value).to_owned())).collect();
    Step::Continue(Position::Token(values))
}

fn asks_for_number(number: u64) -> Step {
    Step::Continue(Position::Number(number))
}

/// Checks the step after the last of the pages of each case.
fn check(scheme: &str, table: &[(&str, &[PageInfo], Step)]) {
    for (name, pages, expected) in table {
        assert_eq!(after(begin(&of(scheme)), pages), *expected, "{scheme}: {name}");
    }
}

const fn done(end: End) -> Step {
    Step::Done(end)
}

const CYCLE_2: Step = Step::Stuck(Contradiction::Cycle { page: 2 });

#[test]
fn numbered_lists_of_other_schemes() {
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
                "the page number is ignored",
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
            ("all items read", &[page(7).total(7)], done(End::LastPage)),
            ("nothing (`{}`)", &[page(100).total(100).like(1)], done(End::LastPage)),
            ("no total", &[page(100)], asks_for_number(2)),
            ("no total, nothing (`{}`)", &[page(100), page(0)], done(End::EmptyPage)),
            ("fewer than the total", &[page(100).total(250), page(0)], done(End::Shortfall)),
        ],
    );
}

#[test]
fn skips_empty_numbered_pages_while_counts_or_links_promise_more() {
    let empty = || page(0).number(1).of(3).linked();
    assert_eq!(after(cursor(None), &[empty()]), asks_for_number(2));
    assert_eq!(after(cursor(None), &[page(0).number(1).linked()]), asks_for_number(2));
    for (empty, end) in [
        (page(0).number(2).of(2), End::EmptyPage),
        (page(0).number(2).of(2).linked(), End::Shortfall),
        (page(0).number(2).of(2).total(9).linked(), End::EmptyPage),
        (page(0).number(2).of(2).total(3).linked(), End::Shortfall),
    ] {
        assert_eq!(after(cursor(None), &[page(9).number(1).linked(), empty]), done(end));
    }
    let endless: Vec<PageInfo> =
        (1..=EMPTY_PAGES).map(|number| page(0).number(number).linked()).collect();
    let stuck = Step::Stuck(Contradiction::Empty { pages: EMPTY_PAGES });
    assert_eq!(after(cursor(None), &endless), stuck);

    let counted: Vec<PageInfo> =
        (1..=EMPTY_PAGES).map(|number| page(0).number(number).of(99)).collect();
    assert_eq!(after(cursor(None), &counted[..1]), asks_for_number(2));
    assert_eq!(after(cursor(None), &counted), done(End::Shortfall));
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
                ("no token on the first page", &[page(9)], done(End::NoNextPage)),
                (
                    "no token, wrong counts",
                    &[page(9).number(1).of(3).total(99)],
                    done(End::NoNextPage),
                ),
                (
                    "a token, wrong counts",
                    &[token(9, "a").number(1).of(1).total(9)],
                    asks_for(&["a"]),
                ),
                ("a short page", &[token(9, "a"), token(1, "b")], asks_for(&["b"])),
                ("an empty page", &[token(9, "a"), token(0, "b")], asks_for(&["b"])),
                (
                    "a malformed token",
                    &[PageInfo { token: Some(Token::Odd), ..page(9) }],
                    Step::Stuck(Contradiction::OddToken {
                        page: 1,
                        field: of(scheme).token_out().expect("a field").path().to_owned(),
                    }),
                ),
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
fn the_token_of_the_first_request_may_not_repeat() {
    let mut request = request();
    request.set_query("after", "a");
    let cursor = Cursor::start(&mut request, &of("AfterField"), "https://api.mypurecloud.ie");
    assert!(!cursor.is_beginning(&page(9)));
    assert_eq!(after(cursor, &[token(9, "a")]), Step::Stuck(Contradiction::Cycle { page: 1 }));
}

#[test]
fn skips_empty_pages_up_to_a_bound() {
    let empty: Vec<PageInfo> = (1..=EMPTY_PAGES).map(|n| token(0, &format!("t{n}"))).collect();
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
        let refused = |why| Step::Stuck(Contradiction::Link { page: 1, why });
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
                    "a server that appends to the query",
                    &[link(&format!("{name}=old&{name}=new"))],
                    asks_for(&["new"]),
                ),
                ("no link", &[with("a"), page(9)], done(End::NoNextPage)),
                ("an empty token", &[with("")], done(End::NoNextPage)),
                (
                    "an empty page",
                    &[with("a"), PageInfo { items: 0, ..with("b") }],
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
                    refused(LinkError::Host),
                ),
                (
                    "another path",
                    &[token(9, &format!("/others?{name}=a"))],
                    refused(LinkError::Path),
                ),
            ],
        );
    }
    let lacks = |parameter: &str| {
        Step::Stuck(Contradiction::Lacks { page: 1, parameter: parameter.to_owned() })
    };
    check(
        "CompositeAfterInNextUri",
        &[
            (
                "both",
                &[token(9, "/things?afterSourceType=FLOW&afterSourceId=a")],
                asks_for(&["FLOW", "a"]),
            ),
            ("type alone", &[token(9, "/things?afterSourceType=FLOW")], lacks("afterSourceId")),
            (
                "type alone, empty id",
                &[token(9, "/things?afterSourceType=FLOW&afterSourceId=")],
                lacks("afterSourceId"),
            ),
            (
                "id alone, empty type",
                &[token(9, "/things?afterSourceType=&afterSourceId=a")],
                lacks("afterSourceType"),
            ),
            (
                "both empty",
                &[token(9, "/things?afterSourceType=&afterSourceId=")],
                done(End::NoNextPage),
            ),
            ("no link", &[page(9)], done(End::NoNextPage)),
        ],
    );
    let renamed = of("AfterInNextUri").with_token_out(NextToken::named_in_link("next", "from"));
    assert_eq!(after(begin(&renamed), &[token(9, "/things?from=a")]), asks_for(&["a"]));
}

#[test]
fn follows_links_as_they_are() {
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
                Step::Stuck(Contradiction::Link { page: 1, why: LinkError::Host }),
            ),
        ],
    );
}

#[test]
fn searches_end_by_their_page_count() {
    let next = |number: u64, count| {
        token(9, &format!("/things?q64=page{}", number + 1)).number(number).of(count)
    };
    check(
        "Q64Search",
        &[
            ("more", &[next(1, 3)], asks_for(&["page2"])),
            ("last, linked", &[next(1, 2), next(2, 2)], done(End::LastPage)),
            ("only, linked", &[next(1, 1).total(99)], done(End::LastPage)),
            ("none, linked", &[PageInfo { items: 0, ..next(1, 0) }], done(End::EmptyPage)),
            ("empty before the end", &[PageInfo { items: 0, ..next(1, 3) }], asks_for(&["page2"])),
            (
                "page 1 again",
                &[next(1, 3), next(1, 3)],
                Step::Broken(Contradiction::WrongPage { due: 2, got: 1 }),
            ),
            ("no count, empty", &[token(0, "/things?q64=b")], done(End::EmptyPage)),
            ("last, not linked", &[next(1, 2), page(9).number(2).of(2)], done(End::LastPage)),
            ("count zero", &[next(1, 0)], asks_for(&["page2"])),
            ("more, not linked", &[page(9).number(1).of(3)], done(End::Shortfall)),
            ("no count, not linked", &[page(9).number(1)], done(End::NoNextPage)),
            ("no counts", &[token(9, "/things?q64=b")], asks_for(&["b"])),
            (
                "total not reached",
                &[token(9, "/things?q64=b").number(1).total(30)],
                asks_for(&["b"]),
            ),
            ("total reached", &[token(9, "/things?q64=b").number(1).total(9)], done(End::LastPage)),
        ],
    );
    // The first page may have any number.
    assert_eq!(after(begin(&of("Q64Search")), &[next(4, 5)]), asks_for(&["page5"]));
}

#[test]
fn start_indexes() {
    let from = |start: u64, items: u64| PageInfo {
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
            ("a total too low", &[from(1, 25).total(3)], asks_for_number(26)),
            ("no total", &[from(1, 25)], asks_for_number(26)),
            ("no total, empty", &[from(1, 25), page(0)], done(End::EmptyPage)),
            ("no items", &[page(0).total(0)], done(End::EmptyPage)),
            (
                "fewer than the total",
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
                &[from(1, 25).total(60), PageInfo { fingerprint: Some(1), ..from(26, 25) }],
                Step::Broken(Contradiction::Repeated { due: 2 }),
            ),
        ],
    );
}

#[test]
fn a_start_index_advances_at_most_by_the_requested_size() {
    let mut cursor = begin(&of("ScimStartIndex"));
    cursor.set_page_size(Some(25));
    for size in [25, 1000, u64::MAX] {
        let page = page(9).sized(size).total(60);
        assert_eq!(step(&cursor, &page), asks_for_number(26), "{size}");
    }
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
                "a window that includes its bound",
                &[token(9, "m9"), token(1, "m9")],
                done(End::LastPage),
            ),
            (
                "a malformed key",
                &[PageInfo { token: Some(Token::Odd), ..page(9) }],
                Step::Stuck(Contradiction::NoKey { page: 1, key: "id".to_owned() }),
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
fn a_window_with_only_its_bound_ends_the_list_if_it_has_room_for_more() {
    let bound = |size: Option<u64>| {
        let mut cursor = begin(&of("IdOrDateWindow"));
        cursor.set_page_size(size);
        let edges = Edges::of(r#"{"entities":[{"id":"m9"}]}"#);
        let page = PageInfo { edges, ..token(1, "m9").like(1) };
        after(cursor, &[page.clone(), page])
    };
    assert_eq!(bound(None), done(End::LastPage));
    assert_eq!(bound(Some(2)), done(End::LastPage));
    // In windows of one item, the bound takes the place of the next item.
    assert_eq!(bound(Some(1)), Step::Broken(Contradiction::Repeated { due: 2 }));
}

#[test]
fn a_page_with_items_resets_the_bound_on_empty_pages() {
    let mut cursor = begin(&of("CursorField"));
    cursor.at.empty = EMPTY_PAGES - 1;
    assert_eq!(step(&cursor, &token(9, "a")), asks_for(&["a"]));
    let in_file = PageInfo { is_in_file: true, ..token(0, "a") };
    assert_eq!(step(&cursor, &in_file), asks_for(&["a"]));
    let stuck = Step::Stuck(Contradiction::Empty { pages: EMPTY_PAGES });
    assert_eq!(step(&cursor, &token(0, "a")), stuck);
}

#[test]
fn contradictions_have_advice() {
    let text = || "x".to_owned();
    for (why, advice) in [
        (Contradiction::WrongPage { due: 2, got: 1 }, "start over"),
        (Contradiction::WrongStart { due: 26, got: 1 }, "start over"),
        (Contradiction::Repeated { due: 2 }, "start over"),
        (Contradiction::ReadBefore { due: 3 }, "start over"),
        (Contradiction::Cycle { page: 2 }, "split the list by a filter"),
        (Contradiction::Link { page: 1, why: LinkError::Host }, "check the region or URL"),
        (
            Contradiction::Link { page: 1, why: LinkError::NoUrl },
            "report the response with its correlation id",
        ),
        (Contradiction::Lacks { page: 1, parameter: text() }, "write a `ListSpec`"),
        (Contradiction::OddToken { page: 1, field: text() }, "write a `ListSpec`"),
        (Contradiction::NoKey { page: 1, key: text() }, "write a `ListSpec`"),
        (Contradiction::Empty { pages: 20 }, "narrow the filter"),
        (Contradiction::Resized { due: 2, size: 50, before: 25 }, "set a `page_size`"),
    ] {
        assert!(why.advice().contains(advice), "{why}: {}", why.advice());
    }
}

#[test]
fn single_responses() {
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
                ("items", &[page(9).number(1).of(3).total(27)], done(End::SingleResponse)),
                ("one of one", &[page(9).number(1).of(1)], done(End::SingleResponse)),
                ("one of three", &[page(9).number(1).of(3)], done(End::NotFollowed)),
                ("no items", &[page(0)], done(End::SingleResponse)),
            ],
        );
    }
    for scheme in ["NextUriOnlyEnvelope", "CursorsOnlyEnvelope"] {
        check(
            scheme,
            &[
                ("whole", &[page(9)], done(End::SingleResponse)),
                ("more", &[token(9, "/things?x=y")], done(End::NotFollowed)),
            ],
        );
    }
    check(
        "DateWindowHomonym",
        &[
            ("items", &[page(9)], done(End::OneWindow)),
            ("no items", &[page(0)], done(End::SingleResponse)),
        ],
    );
    let mut asked = begin(&of("LimitOnly"));
    asked.set_page_size(Some(9));
    assert_eq!(step(&asked, &page(9)), done(End::FullResponse));
    assert_eq!(step(&asked, &page(8)), done(End::SingleResponse));
    assert_eq!(step(&begin(&of("LimitOnly")), &page(8)), done(End::FullResponse));
}

#[test]
fn caps() {
    let capped = |scheme: &str, cap: Cap, size: u64| {
        let mut cursor = begin(&of(scheme).with_cap(cap));
        cursor.set_page_size(Some(size));
        cursor
    };
    let first = page(100).number(1).of(30);
    let second = page(100).number(2).of(30);
    for (cursor, pages, expected) in [
        (capped("PageNumber", Cap::pages(2), 100), vec![&first], asks_for_number(2)),
        (capped("PageNumber", Cap::pages(2), 100), vec![&first, &second], done(End::Cap)),
        (capped("PageNumber", Cap::items(200), 100), vec![&first], asks_for_number(2)),
        (capped("PageNumber", Cap::items(200), 100), vec![&first, &second], done(End::Cap)),
        (capped("PageNumber", Cap::items(199), 100), vec![&first], done(End::Cap)),
        // The granted page size counts, if stated.
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
        // A list that ends exactly at its cap is complete.
        (
            capped("PageNumber", Cap::pages(1), 100),
            vec![&page(7).number(1).of(1)],
            done(End::LastPage),
        ),
        // A cap for another parameter value.
        (
            capped("PageNumber", Cap::pages(1).where_query("state", "inactive"), 100),
            vec![&first],
            asks_for_number(2),
        ),
    ] {
        let pages: Vec<PageInfo> = pages.into_iter().cloned().collect();
        assert_eq!(after(cursor, &pages), expected, "{pages:?}");
    }
    for (size, cap, fits) in [
        (100, 1000, 100),
        (300, 1000, 250),
        (500, 100, 100),
        (7, 10, 5),
        // A prime number.
        (100, 9973, 100),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let cursor = begin(&of("PageNumber").with_cap(Cap::items(cap)));
        assert_eq!(cursor.page_size_up_to_cap(size), fits);
    }
}

#[test]
fn pages_that_can_be_requested_ahead() {
    let ahead = |scheme: &str, page: &PageInfo| {
        let mut cursor = begin(&of(scheme).with_cap(Cap::pages(5)));
        let Step::Continue(next) = step(&cursor, page) else { panic!("an end") };
        cursor.advance(page.clone(), next);
        cursor.ahead().skip(1).take(9).collect::<Vec<_>>()
    };
    let numbers =
        |numbers: std::ops::RangeInclusive<u64>| numbers.map(Position::Number).collect::<Vec<_>>();
    assert_eq!(ahead("PageNumber", &page(9).number(1).of(4)), numbers(3..=4));
    assert_eq!(ahead("PageNumber", &page(9).number(1).of(99)), numbers(3..=5));
    assert_eq!(ahead("PageNumber", &page(9).number(1).linked()), []);
    assert_eq!(ahead("CursorField", &token(9, "a").of(9)), []);
    assert_eq!(ahead("ScimStartIndex", &page(9).of(9).total(99)), []);
}

/// Whatever pages say, no page is requested twice, and a list of equal pages ends.
#[test]
fn no_responses_make_a_list_endless() {
    let mut state = 1_u64;
    let mut pick = |choices: u64| {
        // Multiplier and increment: D. E. Knuth, MMIX.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % choices
    };
    let tokens =
        ["a", "b", "/things?after=a&cursor=a&q64=a&nextPage=a", "/things?x", "//evil.example"];
    for scheme in Scheme::ALL {
        for cap in [None, Some(Cap::pages(3)), Some(Cap::items(5)), Some(Cap::items(0))] {
            for _ in 0..200 {
                let mut spec = ListSpec::new(*scheme, "entities");
                if let Some(cap) = &cap {
                    spec = spec.with_cap(cap.clone());
                }
                let mut cursor = begin(&spec);
                cursor.set_page_size([None, Some(1), Some(9)][pick(3) as usize]);
                let mut asked_for = vec![cursor.due().clone()];
                let mut next_fingerprint = 0;
                loop {
                    let mut count = || match pick(8) {
                        0 => Some(0),
                        1 => Some(1),
                        2 => Some(2),
                        3 => Some(u64::MAX),
                        _ => None,
                    };
                    let mut page = PageInfo {
                        page_number: count(),
                        page_count: count(),
                        page_size: count(),
                        start_index: count(),
                        total: count(),
                        ..PageInfo::default()
                    }
                    .without_zeros();
                    page.items = [0, 1, 9][pick(3) as usize];
                    if page.items > 0 {
                        next_fingerprint += 1;
                        // Occasionally an earlier page.
                        page.fingerprint =
                            Some(if pick(9) == 0 { pick(5) } else { next_fingerprint });
                    }
                    page.token = match pick(9) {
                        0 => None,
                        1 => Some(Token::Odd),
                        2 => Some(Token::Number(pick(99).into())),
                        _ => Some(Token::Text(tokens[pick(5) as usize].to_owned())),
                    };
                    match step(&cursor, &page) {
                        Step::Continue(next) => {
                            assert!(!asked_for.contains(&next), "{scheme:?}: {next:?}");
                            asked_for.push(next.clone());
                            cursor.advance(page, next);
                        }
                        Step::LookAgain => cursor.at.is_second_look = true,
                        Step::Done(_) | Step::Broken(_) | Step::Stuck(_) => break,
                    }
                    let ahead = cursor.ahead().take(9).collect::<Vec<_>>();
                    assert_eq!(ahead.first(), Some(cursor.due()));
                    assert!(asked_for.len() < 10_000, "{scheme:?}");
                }
            }
        }
    }
}
