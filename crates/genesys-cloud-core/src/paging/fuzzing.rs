//! Pages and what leads on from them, whatever they hold.

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
use crate::response::fuzzing::reply;
use crate::wire::mended;

const PATH: &str = "/api/v2/things";

/// A client of the API, and one behind a gateway that adds to the path.
const APIS: [&str; 2] = ["https://api.mypurecloud.ie", "https://gw.example.com/cloud"];

/// More items than a page of the inputs has.
const MOST_ITEMS: usize = 10_000;

/// More pages than any list goes on for where all of them are the same.
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

/// The spec that the first byte chooses, and the rest of the data.
fn spec(data: &[u8]) -> Option<(ListSpec, &[u8])> {
    let (choice, rest) = data.split_first()?;
    let choice = usize::from(*choice);
    let items = ["entities", "results.entities", "[]"][choice / Scheme::ALL.len() % 3];
    Some((ListSpec::new(Scheme::ALL[choice % Scheme::ALL.len()], items), rest))
}

/// A page: a byte that chooses how it is read, and its body.
pub fn page(data: &[u8]) {
    let Some((spec, body)) = spec(data) else { return };
    let response = reply(StatusCode::OK, HeaderMap::new(), body);
    let any = serde::<Value>(&response, &spec, MOST_ITEMS);
    if let Ok((items, info)) = &any {
        assert_eq!(info.records(), items.len() as u64);
        let json = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        assert!(serde_json::from_slice::<IgnoredAny>(json).is_ok(), "no page is had from no JSON");
        let again = serde::<Value>(&response, &spec, MOST_ITEMS).expect("it was read before");
        assert_eq!(*info, again.1, "the same page says the same");
        if let Some(edges) = &info.edges {
            assert!(edges.shared_with(edges) <= info.items, "no more than all are shared");
        }
    }
    // An item that is no `Thing` is an error; a page of things is the same page. Where half of a surrogate pair stands
    // in what one of them does not read, they read different texts.
    let is_mended = |text| matches!(mended(text, false), Cow::Owned(_));
    if std::str::from_utf8(body).is_ok_and(is_mended) {
        return;
    }
    if let (Ok((_, any)), Ok((_, things))) = (&any, wire::<Thing>(&response, &spec, MOST_ITEMS)) {
        assert_eq!(*any, things);
    }
    let _ = bytes(&response, &spec, MOST_ITEMS).map(|(items, _)| assert_eq!(items.len(), 1));
}

/// A list: a byte that chooses how it is read, one that says of what cap, and bodies with a zero byte
/// between them. The last one comes for ever.
pub fn walk(data: &[u8]) {
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
    let mut walk = Cursor::start(&mut request.clone(), &spec, api);
    let bodies: Vec<&[u8]> = bodies.split(|byte| *byte == 0).collect();
    let last = bodies.last().copied().unwrap_or_default();
    for body in bodies.into_iter().chain(std::iter::repeat_n(last, PAGES)) {
        let response = reply(StatusCode::OK, HeaderMap::new(), body);
        let Ok((_, info)) = serde::<IgnoredAny>(&response, &spec, MOST_ITEMS) else { return };
        let next = match step(&walk, &info) {
            Step::Continue(next) => next,
            Step::LookAgain => {
                assert!(!walk.at.is_second_look, "a page is asked for twice at most");
                walk.at.is_second_look = true;
                continue;
            }
            Step::Done(_) => return,
            Step::Broken(why) | Step::Stuck(why) => {
                let _ = (why.to_string(), why.advice());
                return;
            }
        };
        assert_ne!(next, *walk.due(), "a page leads to another one");
        assert_ne!(next, Position::Start, "no page leads to the beginning");
        let mut request = request.clone();
        walk.write(&next, &mut request);
        // What makes no request is told when it is to be sent.
        if let Some(Ok(url)) = request.target().ok().map(|target| base.join(&target)) {
            is_at_home(&url, api);
        }
        walk.advance(info, next);
        assert!(walk.ahead().take(8).count() > 0, "the page that is due can be asked for");
        let _ = (walk.page_number(), walk.items_per_page(), walk.page_size_up_to_cap(100));
    }
    panic!("pages that are all the same end a list");
}

/// A link to a next page, as text.
pub fn link(data: &[u8]) {
    let Ok(link) = std::str::from_utf8(data) else { return };
    for api in APIS {
        let home = ListUrl::new(api, &format!("{PATH}?pageSize=100")).expect("a URL");
        if home.query_of(link).is_ok() {
            // It is asked for by its query alone; that it led there shows that it was meant so.
            let url = Url::parse(&format!("{api}{PATH}")).expect("a URL").join(link.trim());
            let url = url.expect("it was read before");
            assert_eq!(url.origin(), Url::parse(api).expect("a URL").origin(), "{link}");
            assert!(url.username().is_empty() && url.password().is_none(), "{link}");
        }
    }
}

/// Whether a request goes where those of the list do.
fn is_at_home(url: &Url, api: &str) {
    let home = Url::parse(&format!("{api}{PATH}")).expect("a URL");
    assert_eq!(url.origin(), home.origin());
    assert_eq!(url.path(), home.path());
}
