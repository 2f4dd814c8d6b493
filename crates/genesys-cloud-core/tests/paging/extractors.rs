//! Endpoints that the bindings do not know, and extractors for responses that no path describes.

use futures::TryStreamExt as _;
use genesys_cloud_core::{
    DecodeError, End, ErrorKind, ExtractedPage, ListSpec, Method, NextToken, Operation, PageSize,
    Paginator, ParamLocation, Reason, Request, Scheme, Verdict,
};
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::{client, script};

fn get() -> Request {
    Request::new(Operation::new("getNames", Method::Get, "/names"))
}

fn targets(server: &Server) -> Vec<String> {
    server.received().into_iter().map(|request| request.target).collect()
}

/// Continues after the last name if the response says that there are more.
fn after_the_last(
    response: &genesys_cloud_core::RawResponse,
) -> Result<ExtractedPage<String>, DecodeError> {
    let page: Value = serde_json::from_slice(response.body())?;
    let names: Vec<String> = serde_json::from_value(page["names"].clone())?;
    let more = page["more"].as_bool().ok_or_else(|| DecodeError::new("`more` is missing"))?;
    let next = names.last().filter(|_| more).cloned();
    Ok(ExtractedPage::new(names).with_next(next))
}

#[tokio::test]
async fn an_extractor_can_use_a_flag() {
    for prefetch in [0, 2] {
        let server = script([
            Answer::json(200, r#"{"names":["a","b"],"more":true}"#),
            Answer::json(200, r#"{"names":["c"]}"#),
            Answer::json(200, r#"{"names":["c"],"more":false}"#),
        ])
        .await;
        let spec = ListSpec::new(Scheme::ContinuationToken, "names")
            .with_page_size(PageSize::integer("count").at_most(2))
            .with_token_in(ParamLocation::query("from"));
        let list = Paginator::with_extractor(&client(&server), get(), spec, after_the_last);
        let mut names = list.prefetch(prefetch);
        assert_eq!(names.try_next().await.expect("a name").as_deref(), Some("a"));
        assert_eq!(names.try_next().await.expect("a name").as_deref(), Some("b"));
        let error = names.try_next().await.expect_err("a page without `more`");
        assert!(
            error.kind() == ErrorKind::Decode
                && error.to_string().contains("page 2: `more` is missing"),
            "{error}"
        );
        assert_eq!(names.try_next().await.expect("a name").as_deref(), Some("c"));
        assert_eq!(names.try_next().await.expect("the end"), None);
        assert_eq!(names.report().verdict(), Verdict::Complete);
        let asked = ["/names?count=2", "/names?count=2&from=b", "/names?count=2&from=b"];
        assert_eq!(targets(&server), asked);
    }
}

/// Lines of text, and a `Link` header.
fn lines(response: &genesys_cloud_core::RawResponse) -> Result<ExtractedPage<String>, DecodeError> {
    let link = response.headers().get("link").map(|link| link.to_str().expect("text"));
    let next = link.and_then(|link| link.strip_prefix('<')?.split_once('>'));
    let lines = response.text().lines().map(str::to_owned).collect();
    Ok(ExtractedPage::new(lines).with_next(next.map(|(link, _)| link.to_owned())).with_total(3))
}

#[tokio::test]
async fn an_extractor_can_use_a_header_and_a_text_body() {
    let spec = || {
        ListSpec::new(Scheme::ContinuationToken, "[]")
            .with_token_in(ParamLocation::query("page"))
            .with_token_out(NextToken::link("Link"))
    };
    let next = |link: &str| Answer::new(200, "a\nb").header("link", format!("<{link}>; rel=next"));
    let server = script([next("/names?page=2&page=x"), Answer::new(200, "c")]).await;
    let mut names = Paginator::with_extractor(&client(&server), get(), spec(), lines);
    let found: Vec<String> = (&mut names).try_collect().await.expect("all names");
    assert_eq!(found, ["a", "b", "c"]);
    assert_eq!(targets(&server), ["/names", "/names?page=2&page=x"]);
    assert_eq!(names.report().verdict(), Verdict::Complete);

    // Links and pages are checked as usual.
    let server = script([next("https://evil.example/names?page=2")]).await;
    let mut names = Paginator::with_extractor(&client(&server), get(), spec(), lines);
    let error = (&mut names).try_collect::<Vec<_>>().await.expect_err("a foreign link");
    assert!(error.to_string().contains("points to another host"), "{error}");
    assert_eq!(names.report().end, Some(End::Contradiction));

    let server = script([next("/names?page=2"), next("/names?page=3")]).await;
    let mut names = Paginator::with_extractor(&client(&server), get(), spec(), lines);
    let error = (&mut names).try_collect::<Vec<_>>().await.expect_err("the same page");
    assert!(error.to_string().contains("page 2 repeats the items"), "{error}");
}

#[tokio::test]
async fn an_extractor_can_count_pages() {
    let server = Server::start(|request| {
        let number = crate::query(request, "pageNumber").expect("a page number");
        Answer::new(if number == 3 { 204 } else { 200 }, format!("{number}"))
    })
    .await;
    let spec = || ListSpec::new(Scheme::PageNumber, "[]").with_no_content();
    for (page_count, end, found) in [
        (Some(2), End::LastPage, vec!["1", "2"]),
        (None, End::EmptyPage, vec!["1", "2"]),
        (Some(4), End::Shortfall, vec!["1", "2"]),
    ] {
        let extract = move |response: &genesys_cloud_core::RawResponse| {
            let page = ExtractedPage::new(vec![response.text().into_owned()]);
            Ok(page.with_page_count(page_count).with_page_number(0).with_page_size(None))
        };
        let list = Paginator::with_extractor(&client(&server), get(), spec(), extract);
        let mut names = list.prefetch(2);
        let names_found: Vec<String> = (&mut names).try_collect().await.expect("all names");
        assert_eq!(
            (names_found, names.report().end),
            (found.into_iter().map(str::to_owned).collect(), Some(end))
        );
    }
}

#[tokio::test]
async fn an_integer_token_stays_an_integer_in_a_body() {
    let server = script([
        Answer::json(200, r#"{"rows":[1,2],"next":{"offset":2}}"#),
        Answer::json(200, r#"{"rows":[3],"next":{}}"#),
    ])
    .await;
    let mut request = Request::new(Operation::new("postRows", Method::Post, "/rows"));
    request.set_body(&serde_json::json!({"filter": "x"}));
    let spec = ListSpec::new(Scheme::ContinuationToken, "rows")
        .with_token_in(ParamLocation::body("page.offset"))
        .with_token_out(NextToken::field("next.offset"));
    let rows = Paginator::<u64>::from_request(&client(&server), request, spec);
    assert_eq!(rows.try_collect::<Vec<_>>().await.expect("all rows"), [1, 2, 3]);
    let bodies: Vec<String> = server.received().into_iter().map(|asked| asked.body).collect();
    assert_eq!(bodies, [r#"{"filter":"x"}"#, r#"{"filter":"x","page":{"offset":2}}"#]);
}

#[tokio::test]
async fn a_malformed_token_is_an_error_after_the_items_of_its_page() {
    for (next, fails) in [
        (r#""pagination":{"next":{"href":"/rows"}}"#, true),
        (r#""pagination":["t"]"#, true),
        (r#""pagination":{"next":1e30}"#, true),
        (r#""pagination":{"next":true}"#, true),
        (r#""pagination":{"next":false}"#, false),
        (r#""pagination":{"next":"  "}"#, false),
        (r#""pagination":[]"#, false),
        (r#""pagination":null"#, false),
        (r#""other":1"#, false),
    ] {
        let server = script([Answer::json(200, &format!(r#"{{"rows":[1],{next}}}"#))]).await;
        let spec = ListSpec::new(Scheme::ContinuationToken, "rows")
            .with_token_out(NextToken::field("pagination.next"));
        let mut rows = Paginator::<u64>::from_request(&client(&server), get(), spec);
        assert_eq!(rows.try_next().await.expect("a row"), Some(1), "{next}");
        match rows.try_next().await {
            Ok(end) => {
                assert!(end.is_none() && !fails, "{next}");
                assert_eq!(rows.report().verdict(), Verdict::Complete, "{next}");
            }
            Err(error) => {
                let why = "`pagination.next` of page 1 is neither a string nor an integer";
                assert!(
                    fails && error.kind() == ErrorKind::Paging && error.to_string().contains(why),
                    "{error}"
                );
                let truncated = Verdict::Truncated(Reason::Contradiction);
                assert_eq!(rows.report().verdict(), truncated, "{next}");
            }
        }
    }
}
