use base64::Engine as _;

use super::*;

#[test]
fn a_spec_from_a_catalogue_equals_that_in_generated_code() {
    const KNOWN: ListSpec = ListSpec::from_static(
        Scheme::CursorsObject,
        "results.entities",
        Some(PageSize::text("paging.pageSize").in_body().at_most(200)),
        Some(ParamLocation::body("token")),
        Some(NextToken::named_in_link("pagination.next", "t")),
        Some(Cap::items(1000).known_where_query("state", "inactive")),
        Some("/jobs"),
        Some("took job"),
    );
    let scheme = Scheme::named("CursorsObject").expect("a scheme");
    let read = ListSpec::new(scheme, "results.entities".to_owned())
        .with_page_size(PageSize::new("paging.pageSize".to_owned(), true).in_body().at_most(200))
        .with_token_in(ParamLocation::new("token".to_owned(), true))
        .with_token_out(
            NextToken::in_link("").named("t".to_owned()).at("pagination.next".to_owned()),
        )
        .with_cap(Cap::items(1000).where_query("state", "inactive"))
        .with_jobs("/jobs".to_owned())
        .with_fields(["took", "job"])
        .with_objects();
    assert_eq!(read, KNOWN);
}

#[test]
fn a_page_is_recognized_by_its_fields_and_not_by_those_of_errors() {
    let spec = ListSpec::new(Scheme::AfterField, "entities").with_fields(["took", "facets"]);
    for name in ["nextUri", "total", "selfUri", "took", "facets"] {
        assert!(spec.is_page_field(name), "{name}");
    }
    for name in ["message", "status", "code", "errors", "errorMessage", "limit", "too", ""] {
        assert!(!spec.is_page_field(name), "{name}");
    }
}

#[test]
fn knows_the_parameters_that_select_a_page() {
    for (scheme, chooses, filters) in [
        (Scheme::PageNumber, &["pageNumber", "after", "cursor", "nextPage"][..], &["name"][..]),
        (Scheme::AfterInNextUri, &["after", "before", "pageNumber"], &["pageSize", "limit"]),
        (Scheme::IdOrDateWindow, &["after", "before"], &["maxResults"]),
        (Scheme::UnpagedWithEnvelope, &["pageNumber"], &["expand"]),
        (Scheme::DateWindowHomonym, &["pageNumber"], &["after", "before"]),
        (Scheme::ContinuationToken, &["continuation_token"], &["after", "before"]),
    ] {
        let spec = ListSpec::new(scheme, "entities");
        for name in chooses {
            assert!(spec.chooses_page(name), "{scheme:?} {name}");
        }
        for name in filters {
            assert!(!spec.chooses_page(name), "{scheme:?} {name}");
        }
    }
}

#[test]
fn recognizes_the_first_page_if_the_value_shows_it() {
    let search = |json: &str| base64::prelude::BASE64_STANDARD.encode(json);
    let (first, later) = (search(r#"{"pageNumber":1,"types":[]}"#), search(r#"{"pageNumber":2}"#));
    let after = search(r#"{"pageNumber":1,"after":"x"}"#);
    for (scheme, name, value, expected) in [
        (Scheme::PageNumber, "pageNumber", "1", Some(true)),
        (Scheme::PageNumber, "pageNumber", "2", Some(false)),
        (Scheme::PageNumber, "pageNumber", "x", Some(false)),
        (Scheme::BodyPagingTotalHits, "paging.pageNumber", "1", Some(true)),
        (Scheme::ScimStartIndex, "startIndex", "2", Some(false)),
        (Scheme::AfterField, "after", "1", None),
        (Scheme::Q64Search, "q64", &first, Some(true)),
        (Scheme::Q64Search, "q64", &later, Some(false)),
        (Scheme::Q64Search, "q64", &after, Some(false)),
        (Scheme::Q64Search, "q64", "a token", None),
        (Scheme::AfterField, "q64", &later, None),
    ] {
        let spec = ListSpec::new(scheme, "entities");
        assert_eq!(spec.chooses_first_page(name, value), expected, "{scheme:?} {value}");
    }
}

#[test]
fn displays_a_cap() {
    assert_eq!(Cap::pages(5).to_string(), "5 pages");
    let cap = Cap::items(1000).where_query("state", "inactive");
    assert_eq!(cap.to_string(), "1000 items where state=inactive");
}
