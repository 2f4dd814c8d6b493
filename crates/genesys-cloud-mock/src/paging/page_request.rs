use std::borrow::Cow;

use genesys_cloud_catalogue::{Catalogue, Location, Operation};
use serde_json::{Map, Value};

use crate::fingerprint::fingerprint;
use crate::journal::RecordedRequest;
use crate::paging::{PageSelector, search};
use crate::query::Query;
use crate::response::CannedResponse;
use crate::rng::{hash, mix};

/// The names of the page size parameter, preferred first.
const SIZES: [&str; 4] = ["pageSize", "limit", "maxResults", "count"];

/// How a request selects a page.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) position: Position,
    pub(crate) size: Option<u64>,
    /// The query parameter for the page size.
    pub(crate) size_name: Option<&'static str>,
    /// The query parameters for the token.
    pub(crate) token_names: Vec<&'static str>,
    /// Whether the query takes `after`, with any meaning.
    pub(crate) has_after: bool,
    /// The search that the request encodes, or its body.
    pub(crate) search: Map<String, Value>,
    /// A hash of everything that determines the list, without the page.
    pub(crate) binding: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Counted from 1.
    Number(u64),
    /// `None` for the first page.
    Token(Option<String>),
    /// The number of records before it.
    Index(u64),
    /// After the record with this id; `None` for the first page.
    After(Option<String>),
    /// Before the record with this id.
    Before(String),
}

/// The largest page or record number that the service accepts.
const LARGEST: u64 = i32::MAX as u64;

/// The type in a composite token.
pub(crate) const SOURCE_TYPE: &str = "FLOW";

impl PageRequest {
    pub(crate) fn of(
        selector: PageSelector,
        operation: &Operation,
        request: &RecordedRequest,
    ) -> Result<Self, CannedResponse> {
        let given = Given::of(operation, request);
        let search = match selector {
            PageSelector::Search => decode_search(&given)?,
            _ => given.body.clone(),
        };
        let token_names = given.token_names(selector);
        let position = match selector {
            PageSelector::Search => {
                Position::Number(number_of(search.get("pageNumber"))?.unwrap_or(1))
            }
            PageSelector::Paging => Position::Number(given.paging("pageNumber")?.unwrap_or(1)),
            PageSelector::Number => Position::Number(given.number("pageNumber")?.unwrap_or(1)),
            PageSelector::Index => {
                Position::Index(given.number("startIndex")?.unwrap_or(1).saturating_sub(1))
            }
            PageSelector::Token(_) => Position::Token(given.text(token_names[0])),
            PageSelector::Pair([kind, id]) => Position::Token(given.pair(kind, id)?),
            PageSelector::Neighbor => match (given.text("before"), given.text("after")) {
                (Some(id), None) => Position::Before(id),
                (_, after) => Position::After(after),
            },
            PageSelector::First | PageSelector::Whole => Position::Number(1),
        };
        let size_name = SIZES.into_iter().find(|name| given.takes_in_query(name));
        let size = match selector {
            PageSelector::Search => number_of(search.get("pageSize"))?,
            PageSelector::Paging => given.paging("pageSize")?,
            _ => match SIZES.into_iter().find(|name| given.has(name)) {
                Some(name) => given.number(name)?,
                None => None,
            },
        };
        let binding = given.binding(&token_names);
        let in_query = |name: &&str| !given.takes_in_body(name);
        let token_names = token_names.into_iter().filter(in_query).collect();
        let has_after = given.takes_in_query("after");
        Ok(Self { position, size, size_name, token_names, has_after, search, binding })
    }

    /// The request for an unpaged list.
    pub(crate) fn whole() -> Self {
        Self {
            position: Position::Token(None),
            size: None,
            size_name: None,
            token_names: Vec::new(),
            has_after: false,
            search: Map::new(),
            binding: 0,
        }
    }

    /// Whether a request can set the page size.
    pub(crate) fn takes_size(operation: &Operation) -> bool {
        SIZES.iter().any(|name| takes_in_query(operation, name) || takes_in_body(operation, name))
    }
}

fn takes_in_query(operation: &Operation, name: &str) -> bool {
    operation.parameters_in(Location::Query).any(|parameter| parameter.name == name)
}

fn takes_in_body(operation: &Operation, name: &str) -> bool {
    let catalogue = Catalogue::embedded();
    let body = operation.body.as_ref().map(|body| catalogue.resolve(&body.schema));
    body.is_some_and(|body| body.property(name).is_some())
}

/// The parameters of a request, as far as the operation takes them.
struct Given<'a> {
    operation: &'a Operation,
    path: &'a str,
    query: Query<'a>,
    body: Map<String, Value>,
}

impl<'a> Given<'a> {
    fn of(operation: &'a Operation, request: &'a RecordedRequest) -> Self {
        let body = match operation.body {
            Some(_) => serde_json::from_slice(&request.body).unwrap_or_default(),
            None => Map::new(),
        };
        Self { operation, path: &request.path, query: Query::new(&request.query), body }
    }

    fn takes_in_query(&self, name: &str) -> bool {
        takes_in_query(self.operation, name)
    }

    fn takes_in_body(&self, name: &str) -> bool {
        takes_in_body(self.operation, name)
    }

    /// Whether the operation takes the parameter and the request has it.
    fn has(&self, name: &str) -> bool {
        self.takes_in_query(name) && self.query.get(name).is_some()
            || self.takes_in_body(name) && self.body.contains_key(name)
    }

    fn token_names(&self, selector: PageSelector) -> Vec<&'static str> {
        match selector {
            PageSelector::Token(names) => {
                let takes = |name: &&str| self.takes_in_query(name) || self.takes_in_body(name);
                let name = names.iter().copied().find(takes);
                vec![name.unwrap_or(names[0])]
            }
            PageSelector::Pair(names) => names.to_vec(),
            _ => Vec::new(),
        }
    }

    /// Returns a non-empty string.
    fn text(&self, name: &str) -> Option<String> {
        let text = match self.takes_in_body(name) {
            true => self.body.get(name)?.as_str().map(str::to_owned),
            false => self.query.get(name).map(Cow::into_owned),
        };
        text.filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Result<Option<u64>, CannedResponse> {
        if self.takes_in_body(name) {
            return number_of(self.body.get(name));
        }
        self.query.get(name).map(|text| parse(&text)).transpose()
    }

    /// `paging` requires both fields.
    fn paging(&self, name: &str) -> Result<Option<u64>, CannedResponse> {
        let Some(paging) = self.body.get("paging").filter(|paging| !paging.is_null()) else {
            return Ok(None);
        };
        match number_of(paging.get(name))? {
            None => Err(CannedResponse::bad_request(&format!("paging.{name} is required."))),
            number => Ok(number),
        }
    }

    fn pair(&self, kind: &str, id: &str) -> Result<Option<String>, CannedResponse> {
        match (self.text(kind), self.text(id)) {
            (None, None) => Ok(None),
            (Some(given), Some(token)) if given == SOURCE_TYPE => Ok(Some(token)),
            _ => Err(CannedResponse::bad_request(&format!("{kind} and {id} do not fit."))),
        }
    }

    fn binding(&self, token_names: &[&str]) -> u64 {
        let is_page = |name: &str| SIZES.contains(&name) || token_names.contains(&name);
        let filters =
            self.query.pairs().filter(|(name, _)| self.takes_in_query(name) && !is_page(name));
        // The order of filters does not matter.
        let query = filters.map(|(name, value)| mix(hash(&name) ^ hash(&value).rotate_left(1)));
        let body = self.body.iter().filter(|(name, _)| !is_page(name));
        let body = body.map(|(name, value)| mix(hash(name) ^ fingerprint(value).rotate_left(1)));
        query.chain(body).fold(hash(self.path), u64::wrapping_add)
    }
}

fn decode_search(given: &Given<'_>) -> Result<Map<String, Value>, CannedResponse> {
    let q64 = given.query.get("q64").unwrap_or_default();
    search::decode(&q64)
        .ok_or_else(|| CannedResponse::bad_request("q64 is not base64 of a compressed search."))
}

fn number_of(value: Option<&Value>) -> Result<Option<u64>, CannedResponse> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => parse(text).map(Some),
        Some(value) => match value.as_u64().filter(|number| *number <= LARGEST) {
            Some(0) => Err(CannedResponse::bad_request("A page must be at least 1.")),
            Some(number) => Ok(Some(number)),
            None => Err(invalid(&value.to_string())),
        },
    }
}

fn parse(text: &str) -> Result<u64, CannedResponse> {
    text.parse().ok().filter(|number| *number <= LARGEST).ok_or_else(|| invalid(text))
}

fn invalid(value: &str) -> CannedResponse {
    let message = format!("Value [{value}] is not valid for field type [integer].");
    CannedResponse::error(400, "invalid.value", &message)
}
