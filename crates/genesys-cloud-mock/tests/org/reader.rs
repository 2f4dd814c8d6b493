//! A client that reads lists according to the facts about the service, and knows neither the fake org nor the
//! SDK.

use std::collections::HashSet;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::Compression;
use flate2::write::GzEncoder;
use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation};
use genesys_cloud_mock::{Expected, MockOrg, Scheme};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::client::Client;

/// The result of reading a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadList {
    pub(crate) keys: Vec<String>,
    pub(crate) end: End,
    pub(crate) requests: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    /// The list never ends, or points to another host.
    Broken,
}

/// A request for a page.
struct Request {
    path: String,
    query: Vec<(String, String)>,
    body: Value,
}

/// The action after a page.
enum Step {
    Stop(End),
    Go,
}

/// More consecutive empty pages than this count as a list that never ends.
const EMPTY_PAGES: usize = 5;

/// Every operation with a list that a client can read, and its scheme.
pub(crate) fn lists() -> impl Iterator<Item = (&'static Operation, Scheme)> {
    let catalogue = Catalogue::embedded();
    catalogue.operations().filter_map(|operation| {
        let scheme = Scheme::of(catalogue, operation)?;
        let is_submit = matches!(scheme, Scheme::JobSelectsPage | Scheme::JobSetsPageSize);
        // The document gives this one the response of a single message.
        let is_single = operation.id == "getChatsUserMessages";
        (!is_submit && !is_single).then_some((operation, scheme))
    })
}

pub(crate) async fn read_list(
    org: &MockOrg,
    client: &mut Client,
    (operation, scheme): (&Operation, Scheme),
    size: u64,
) -> ReadList {
    let mut request = Request::first(operation, scheme, size);
    let mut read = ReadList { keys: Vec::new(), end: End::Done, requests: 0 };
    let (mut previous, mut seen, mut empty) = (Vec::new(), HashSet::new(), 0);
    loop {
        read.requests += 1;
        assert!(read.requests < 200, "{} never ends", operation.id);
        let (method, uri) = (operation.method.as_str(), request.uri());
        let body = match operation.body {
            Some(_) => request.body.to_string(),
            None => String::new(),
        };
        let Some(response) = client.try_send(method, &uri, body.into()).await else {
            *client = Client::of(org).await;
            continue;
        };
        let is_good = (200..300).contains(&response.status);
        assert!(is_good, "{} {uri}: {} {:?}", operation.id, response.status, response.bytes);
        let page = response.json();
        let items = items(&page);
        let keys: Vec<_> = items.iter().map(Expected::key).collect();
        if !keys.is_empty() && keys == previous {
            read.end = End::Broken;
            return read;
        }
        empty = if keys.is_empty() { empty + 1 } else { 0 };
        read.keys.extend(keys.iter().cloned());
        match request.step(operation, scheme, size, &page, items, &mut seen, org) {
            _ if empty > EMPTY_PAGES => {
                read.end = End::Broken;
                return read;
            }
            Step::Stop(end) => {
                read.end = end;
                return read;
            }
            Step::Go => previous = keys,
        }
    }
}

impl Request {
    fn first(operation: &Operation, scheme: Scheme, size: u64) -> Self {
        let mut path = operation.path.replace(['{', '}'], "");
        for parameter in operation.parameters_in(Location::Path) {
            if parameter.kind == Kind::Integer {
                path = path.replace(&parameter.name, "1");
            }
        }
        let mut query = Vec::new();
        let sizes = ["pageSize", "limit", "maxResults"];
        let size_name = sizes.into_iter().find(|name| operation.parameter(name).is_some());
        for parameter in operation.parameters_in(Location::Query) {
            let value = match parameter.name.as_str() {
                "count" if scheme == Scheme::ScimStartIndex => size.to_string(),
                "q64" => q64(&json!({ "pageSize": size, "query": [] })),
                name if Some(name) == size_name => size.to_string(),
                "name" if parameter.required => "*".to_owned(),
                _ if parameter.required && parameter.kind == Kind::Boolean => "true".to_owned(),
                _ if parameter.required => "1".to_owned(),
                _ => continue,
            };
            query.push((parameter.name.clone(), value));
        }
        let body = match scheme {
            Scheme::BodyPagingTotalHits => {
                json!({ "paging": { "pageSize": size, "pageNumber": 1 } })
            }
            _ => json!({ "pageSize": size }),
        };
        Self { path, query, body }
    }

    fn uri(&self) -> String {
        let pairs: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        match pairs.is_empty() {
            true => self.path.clone(),
            false => format!("{}?{}", self.path, pairs.join("&")),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.query.retain(|(key, _)| key != name);
        self.query.push((name.to_owned(), value.to_owned()));
    }

    fn get(&self, name: &str) -> Option<u64> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        value.parse().ok()
    }

    #[allow(clippy::too_many_arguments, reason = "everything that a step depends on")]
    fn step(
        &mut self,
        operation: &Operation,
        scheme: Scheme,
        size: u64,
        page: &Value,
        items: &[Value],
        seen: &mut HashSet<String>,
        org: &MockOrg,
    ) -> Step {
        let text =
            |path: &str| page.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        let number = |path: &str| page.pointer(path).and_then(Value::as_u64);
        let in_body = operation.parameter("pageNumber").is_none();
        match scheme {
            Scheme::PageNumber
            | Scheme::PageNumberNoTotal
            | Scheme::PageNumberNoEnvelope
            | Scheme::BodyPageNumber
            | Scheme::BodyPageNumberNested => {
                let current = match in_body {
                    true => self.body["pageNumber"].as_u64(),
                    false => self.get("pageNumber"),
                };
                let current = current.unwrap_or(1);
                let nested = if scheme == Scheme::BodyPageNumberNested { "/results" } else { "" };
                let next_uri = text(&format!("{nested}/nextUri"));
                let count = number(&format!("{nested}/pageCount"));
                let more = match (next_uri, count) {
                    (Some(_), _) => true,
                    (None, Some(count)) => current < count,
                    (None, None) => !items.is_empty(),
                };
                if !more {
                    return Step::Stop(End::Done);
                }
                match in_body {
                    true => self.body["pageNumber"] = (current + 1).into(),
                    false => self.set("pageNumber", &(current + 1).to_string()),
                }
                Step::Go
            }
            Scheme::BodyPagingTotalHits => {
                let current = self.body["paging"]["pageNumber"].as_u64().unwrap_or(1);
                let all_seen = number("/totalHits").is_some_and(|hits| current * size >= hits);
                if items.is_empty() || all_seen {
                    return Step::Stop(End::Done);
                }
                self.body["paging"]["pageNumber"] = (current + 1).into();
                Step::Go
            }
            Scheme::Q64Search => {
                let current = number("/pageNumber").unwrap_or(1);
                let next = text("/nextPage").expect("there always is a next page");
                let is_last = match number("/pageCount") {
                    Some(count) => current >= count,
                    None => items.is_empty(),
                };
                if is_last {
                    return Step::Stop(End::Done);
                }
                self.follow(next);
                Step::Go
            }
            Scheme::ScimStartIndex => {
                let start = number("/startIndex").expect("a start");
                let end = start + number("/itemsPerPage").expect("a number of items");
                let all_seen = number("/totalResults").is_some_and(|total| end > total);
                if all_seen || items.is_empty() {
                    return Step::Stop(End::Done);
                }
                self.set("startIndex", &end.to_string());
                Step::Go
            }
            Scheme::IdOrDateWindow => match items.last() {
                None => Step::Stop(End::Done),
                Some(item) => {
                    self.set("after", item["id"].as_str().expect("an id"));
                    Step::Go
                }
            },
            Scheme::AfterField => self.token("after", text("/after"), seen),
            Scheme::CursorField => self.token("cursor", text("/cursor"), seen),
            Scheme::CursorsObject => {
                let name =
                    ["cursor", "after"].into_iter().find(|it| operation.parameter(it).is_some());
                self.token(name.expect("a token"), text("/cursors/after"), seen)
            }
            Scheme::BodyAfter => self.body_token("after", text("/after"), seen),
            Scheme::BodyCursor => self.body_token("cursor", text("/cursor"), seen),
            Scheme::AfterInNextUri
            | Scheme::CursorInNextUri
            | Scheme::NextPageInNextUri
            | Scheme::CompositeAfterInNextUri
            | Scheme::PageSizeOnlyNextUri => {
                let Some(uri) = text("/nextUri") else { return Step::Stop(End::Done) };
                let own = uri.strip_prefix(&org.url()).unwrap_or(uri);
                if !own.starts_with('/') || !seen.insert(own.to_owned()) {
                    return Step::Stop(End::Broken);
                }
                self.follow(own);
                Step::Go
            }
            _ => Step::Stop(End::Done),
        }
    }

    fn token(&mut self, name: &str, token: Option<&str>, seen: &mut HashSet<String>) -> Step {
        let Some(token) = token else { return Step::Stop(End::Done) };
        self.set(name, token);
        if seen.insert(token.to_owned()) { Step::Go } else { Step::Stop(End::Broken) }
    }

    fn body_token(&mut self, name: &str, token: Option<&str>, seen: &mut HashSet<String>) -> Step {
        let Some(token) = token else { return Step::Stop(End::Done) };
        self.body[name] = token.into();
        if seen.insert(token.to_owned()) { Step::Go } else { Step::Stop(End::Broken) }
    }

    fn follow(&mut self, uri: &str) {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        self.path = path.to_owned();
        self.query = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    }
}

/// The list of a page, in any of the known fields.
pub(crate) fn items(page: &Value) -> &[Value] {
    let places = [
        "",
        "/entities",
        "/conversations",
        "/userDetails",
        "/results",
        "/results/entities",
        "/Resources",
        "/data",
        "/items",
        "/values",
        "/resources",
        "/users",
        "/messages",
    ];
    let lists = places.into_iter().filter_map(|place| page.pointer(place)?.as_array());
    lists.map(Vec::as_slice).next().unwrap_or_default()
}

/// Encodes a search like the service.
pub(crate) fn q64(search: &Value) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut gzip, search.to_string().as_bytes()).expect("memory");
    BASE64_STANDARD.encode(gzip.finish().expect("memory"))
}
