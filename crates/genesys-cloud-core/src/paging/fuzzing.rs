//! Fuzz targets: pages, lists and links with arbitrary content.

#![allow(clippy::expect_used, missing_docs, unreachable_pub)]

use std::borrow::Cow;

use http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;
use url::Url;

use super::cursor::Cursor;
use super::cursor_state::Position;
use super::list_spec::{Cap, ListSpec};
use super::list_url::ListUrl;
use super::read::{bytes, serde, wire};
use super::scheme::Scheme;
use super::step::{Step, step};
use crate::base_url::BaseUrl;
use crate::operation::{Method, Operation};
use crate::request::Request;
use crate::response::fuzzing::response;
use crate::wire::mended;

const PATH: &str = "/api/v2/things";

/// The URL of the API, and one of a gateway that adds a path prefix.
const APIS: [&str; 2] = ["https://api.mypurecloud.ie", "https://gw.example.com/cloud"];

/// More items than any page of the inputs has.
const MOST_ITEMS: usize = 10_000;

/// More pages than any list of equal pages has.
const PAGES: usize = 40;

crate::record! {
    /// One field of each kind.
    pub struct Thing {
        pub id: Option<String> = "id",
        pub count: Option<i64> = "count",
        pub share: Option<f64> = "share",
        pub on: Option<bool> = "on",
        pub at: Option<chrono::DateTime<chrono::Utc>> = "at",
        pub day: Option<chrono::NaiveDate> = "day",
        pub tags: Option<Vec<String>> = "tags",
        pub by_name: Option<std::collections::BTreeMap<String, i64>> = "byName",
        pub any: Option<Value> = "any",
        pub inner: Option<Box<Thing>> = "inner",
    }
}

/// The spec selected by the first byte, and the rest of the data.
fn spec(data: &[u8]) -> Option<(ListSpec, &[u8])> {
    let (choice, rest) = data.split_first()?;
    let choice = usize::from(*choice);
    let items = ["entities", "results.entities", "[]"][choice / Scheme::ALL.len() % 3];
    Some((ListSpec::new(Scheme::ALL[choice % Scheme::ALL.len()], items), rest))
}

/// Decodes a page: a byte that selects the spec, then the body.
pub fn page(data: &[u8]) {
    let Some((spec, body)) = spec(data) else { return };
    let response = response(StatusCode::OK, HeaderMap::new(), body);
    let any = serde::<Value>(&response, &spec, MOST_ITEMS);
    if let Ok((items, info)) = &any {
        assert_eq!(info.records(), items.len() as u64);
        let json = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        assert!(serde_json::from_slice::<IgnoredAny>(json).is_ok(), "a page is JSON");
        let again = serde::<Value>(&response, &spec, MOST_ITEMS).expect("a page, as before");
        assert_eq!(*info, again.1, "decoding is deterministic");
        if let Some(edges) = &info.edges {
            assert!(edges.shared_with(edges) <= info.items, "at most all items are shared");
        }
    }
    // An item that is not a `Thing` is an error; otherwise the page info is the same. With an unpaired surrogate in a
    // part that one of them skips, they decode different texts.
    let is_mended = |text| matches!(mended(text, false), Cow::Owned(_));
    if std::str::from_utf8(body).is_ok_and(is_mended) {
        return;
    }
    if let (Ok((_, any)), Ok((_, things))) = (&any, wire::<Thing>(&response, &spec, MOST_ITEMS)) {
        assert_eq!(*any, things);
    }
    let _ = bytes(&response, &spec, MOST_ITEMS).map(|(items, _)| assert_eq!(items.len(), 1));
}

/// Reads a list: a byte that selects the spec, one that selects the cap, then bodies separated by zero bytes. The last
/// body repeats forever.
pub fn list(data: &[u8]) {
    let Some((spec, data)) = spec(data) else { return };
    let Some((cap, bodies)) = data.split_first() else { return };
    let spec = match cap {
        0..100 => spec,
        100..200 => spec.with_cap(Cap::items(u64::from(*cap) * 10)),
        _ => spec.with_cap(Cap::pages(u64::from(*cap) % 8)),
    };
    let api = APIS[usize::from(*cap) % APIS.len()];
    let base = BaseUrl::parse(api, &Default::default()).expect("a URL");
    let request = Request::new(Operation::from_static("getThings", Method::Get, PATH));
    let mut cursor = Cursor::start(&mut request.clone(), &spec, api);
    let bodies: Vec<&[u8]> = bodies.split(|byte| *byte == 0).collect();
    let last = bodies.last().copied().unwrap_or_default();
    for body in bodies.into_iter().chain(std::iter::repeat_n(last, PAGES)) {
        let response = response(StatusCode::OK, HeaderMap::new(), body);
        let Ok((_, info)) = serde::<IgnoredAny>(&response, &spec, MOST_ITEMS) else { return };
        let next = match step(&cursor, &info) {
            Step::Continue(next) => next,
            Step::LookAgain => {
                assert!(!cursor.at.is_second_look, "a page is requested at most twice");
                cursor.at.is_second_look = true;
                continue;
            }
            Step::Done(_) => return,
            Step::Broken(why) | Step::Stuck(why) => {
                let _ = (why.to_string(), why.advice());
                return;
            }
        };
        assert_ne!(next, *cursor.due(), "the next page is another one");
        assert_ne!(next, Position::Start, "no page points to the beginning");
        let mut request = request.clone();
        cursor.write(&next, &mut request);
        // An invalid request is an error when it is sent.
        if let Some(Ok(url)) = request.target().ok().map(|target| base.join(&target)) {
            is_at_home(&url, api);
        }
        cursor.advance(info, next);
        assert!(cursor.ahead().take(8).count() > 0, "the due page can be requested");
        let _ = (cursor.page_number(), cursor.items_per_page(), cursor.page_size_up_to_cap(100));
    }
    panic!("a list of equal pages must end");
}

/// Resolves a link to a next page.
pub fn link(data: &[u8]) {
    let Ok(link) = std::str::from_utf8(data) else { return };
    for api in APIS {
        let home = ListUrl::new(api, &format!("{PATH}?pageSize=100")).expect("a URL");
        if home.query_of(link).is_ok() {
            // Only its query is used, but it must point to the list.
            let url = Url::parse(&format!("{api}{PATH}")).expect("a URL").join(link.trim());
            let url = url.expect("a URL, as before");
            assert_eq!(url.origin(), Url::parse(api).expect("a URL").origin(), "{link}");
            assert!(url.username().is_empty() && url.password().is_none(), "{link}");
        }
    }
}

/// Asserts that a request goes to the list.
fn is_at_home(url: &Url, api: &str) {
    let home = Url::parse(&format!("{api}{PATH}")).expect("a URL");
    assert_eq!(url.origin(), home.origin());
    assert_eq!(url.path(), home.path());
}
