//! Responses, errors, pages and lists made from values, for unit tests of programs that use this SDK.
//!
//! - [`ResponseTemplate`] becomes a [`Response`] or an [`Error`] in the same way as a response of the API.
//! - [`Response::new`] and [`Page::from_items`](crate::Page::from_items) wrap values of a test.
//! - [`Paginator::from_items`] and [`Paginator::from_pages`] list the items of a test. They use the code of real lists:
//!   report, verdict, checkpoint, `limit`, `batches` and errors behave the same.
//! - [`client`] returns a client whose calls are answered by a function. It sends nothing, does not log in and never
//!   waits.
//!
//! To test against a whole API, use the fake org in `genesys-cloud-mock`.
//!
//! ```
//! use genesys_cloud_core::test_util::ResponseTemplate;
//! use genesys_cloud_core::{Error, Paginator};
//! use serde_json::{Value, json};
//!
//! /// The code under test.
//! async fn names(mut users: Paginator<Value>) -> Result<Vec<String>, Error> {
//!     let mut names = Vec::new();
//!     while let Some(user) = users.try_next().await? {
//!         names.extend(user["name"].as_str().map(str::to_owned));
//!     }
//!     Ok(names)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let users = Paginator::from_items([json!({"name": "Ada"}), json!({"name": "Alan"})]);
//! assert_eq!(names(users).await.expect("two users"), ["Ada", "Alan"]);
//!
//! let error = ResponseTemplate::new(403).set_body_json(json!({"code": "missing.permissions"}));
//! let users = Paginator::from_pages([Err(error.into_error("getUsers"))]);
//! assert_eq!(names(users).await.expect_err("refused").status(), Some(403));
//! # }
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::client::Client;
use crate::error::Error;
use crate::operation::{Method, Operation};
use crate::paging::{ListSpec, NextToken, Paginator, ParamLocation, Scheme};
use crate::pipeline::Responder;
use crate::request::Request;
use crate::response::{Decode, RawResponse, Response, ResponseHead};

/// A response of the API, to be converted to a [`Response`] or an [`Error`].
///
/// ```
/// use std::time::Duration;
///
/// use genesys_cloud_core::test_util::ResponseTemplate;
/// use serde_json::json;
///
/// let busy = ResponseTemplate::new(429)
///     .insert_header("retry-after", "7")
///     .set_body_json(json!({"message": "Rate limit exceeded", "code": "too.many.requests"}));
/// let error = busy.into_error("getRoutingQueues");
/// assert!(error.is_rate_limited());
/// assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
/// ```
#[derive(Clone, Debug)]
pub struct ResponseTemplate {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl ResponseTemplate {
    /// Creates a response with this HTTP status and no body.
    ///
    /// # Panics
    /// If the status is not from 100 to 999.
    pub fn new(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("an HTTP status is from 100 to 999");
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Sets a header.
    ///
    /// # Panics
    /// If the name or the value is invalid.
    #[must_use]
    pub fn insert_header(mut self, name: &str, value: &str) -> Self {
        let name = name.parse::<HeaderName>().expect("a name of a header");
        let value = value.parse::<HeaderValue>().expect("a value of a header");
        self.headers.insert(name, value);
        self
    }

    /// Sets a JSON body.
    ///
    /// # Panics
    /// If the value cannot be serialized.
    #[must_use]
    pub fn set_body_json(self, body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body).expect("a value that can be serialized");
        let body = Self { body: body.into(), ..self };
        body.insert_header("content-type", "application/json")
    }

    /// Sets a text body.
    #[must_use]
    pub fn set_body_string(mut self, body: impl Into<String>) -> Self {
        self.body = body.into().into();
        self
    }

    /// Returns the result of a call that gets this response.
    ///
    /// # Errors
    /// Those of a call: the status is not 2xx, or the body cannot be decoded.
    pub fn into_response<T: Decode>(self, operation: &str) -> Result<Response<T>, Error> {
        self.raw(&named(operation)).accepted()?.decode()
    }

    /// Returns the error of a call of this operation that gets this response.
    pub fn into_error(self, operation: &str) -> Error {
        Error::refused(&self.raw(&named(operation)))
    }

    fn raw(self, operation: &Operation) -> RawResponse {
        let mut head = ResponseHead::new(self.status, self.headers);
        head.stats.attempts = 1;
        RawResponse { operation: operation.clone(), head, body: self.body }
    }
}

fn named(operation: &str) -> Operation {
    Operation::new(operation.to_owned(), Method::Get, "/api/v2/test")
}

/// Returns a client whose calls are answered by a function. As with a real response, a status that the operation does
/// not accept becomes an error. Nothing is retried.
///
/// ```
/// use genesys_cloud_core::test_util::{self, ResponseTemplate};
/// use genesys_cloud_core::{Method, Operation, Request};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), genesys_cloud_core::Error> {
/// let client = test_util::client(|request| {
///     Ok(match request.operation().id() {
///         "getUsersMe" => ResponseTemplate::new(200).set_body_json(json!({"name": "Ada"})),
///         _ => ResponseTemplate::new(404),
///     })
/// });
/// let me = Request::new(Operation::new("getUsersMe", Method::Get, "/api/v2/users/me"));
/// assert_eq!(client.execute(&me).await?.json::<Value>()?["name"], "Ada");
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If no client can be built on this machine.
pub fn client(
    respond: impl Fn(&Request) -> Result<ResponseTemplate, Error> + Send + Sync + 'static,
) -> Client {
    let responder: Responder = Arc::new(move |request| {
        request.target()?;
        respond(request)?.raw(request.operation()).accepted()
    });
    // Nothing listens on port 1.
    let builder = Client::builder().api_url("http://127.0.0.1:1").access_token("test");
    builder.build().expect("a client for tests").with_responder(responder)
}

impl<T> Response<T> {
    /// Creates a response with status 200 and this value. For others, see [`ResponseTemplate::into_response`].
    ///
    /// ```
    /// use genesys_cloud_core::Response;
    ///
    /// let response = Response::new("Ada");
    /// assert_eq!((response.status(), response.value()), (200, &"Ada"));
    /// ```
    pub fn new(value: T) -> Self {
        let head = ResponseTemplate::new(200).raw(&named("test")).head;
        Self::from_parts(value, head)
    }
}

impl<T> Paginator<T>
where
    T: Serialize + DeserializeOwned + 'static,
{
    /// Creates a list with one page of these items.
    ///
    /// ```
    /// use genesys_cloud_core::{Paginator, Verdict};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), genesys_cloud_core::Error> {
    /// let mut numbers = Paginator::from_items([1, 2, 3]);
    /// assert_eq!(numbers.try_next().await?, Some(1));
    /// while numbers.try_next().await?.is_some() {}
    /// assert_eq!(numbers.report().verdict(), Verdict::Complete);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_items(items: impl IntoIterator<Item = T>) -> Self {
        Self::from_pages([Ok(items.into_iter().collect())])
    }

    /// Creates a list of these pages. An error in place of a page is returned once; the next poll reads the page after
    /// it. The list ends after the last page.
    ///
    /// ```
    /// use genesys_cloud_core::Paginator;
    /// use genesys_cloud_core::test_util::ResponseTemplate;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), genesys_cloud_core::Error> {
    /// let outage = ResponseTemplate::new(503).into_error("getNumbers");
    /// let mut numbers = Paginator::from_pages([Ok(vec![1, 2]), Err(outage), Ok(vec![3])]);
    /// assert_eq!(numbers.try_next().await?, Some(1));
    /// assert_eq!(numbers.try_next().await?, Some(2));
    /// assert!(numbers.try_next().await.is_err());
    /// assert_eq!(numbers.try_next().await?, Some(3));
    /// assert_eq!(numbers.try_next().await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_pages(pages: impl IntoIterator<Item = Result<Vec<T>, Error>>) -> Self {
        let mut script = Script::default();
        for page in pages {
            let items = page.and_then(|items| {
                let items = items.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
                items.map_err(|error| {
                    Error::config(format!("an item cannot be serialized: {error}"))
                })
            });
            script.push(items);
        }
        let client = client(move |request| script.respond(request));
        let operation = Operation::new("test", Method::Get, "/api/v2/test");
        let listing = ListSpec::new(Scheme::ContinuationToken, "entities")
            .with_token_in(ParamLocation::query(TOKEN))
            .with_token_out(NextToken::field(NEXT));
        Self::from_request(&client, Request::new(operation), listing)
    }
}

const TOKEN: &str = "pageToken";
const NEXT: &str = "nextPageToken";

/// The pages of a test list.
#[derive(Debug, Default)]
struct Script {
    /// Each page, with the errors before it.
    pages: Vec<(Mutex<VecDeque<Error>>, Vec<Value>)>,
    /// Errors after the last page.
    rest: Mutex<VecDeque<Error>>,
}

impl Script {
    fn push(&mut self, page: Result<Vec<Value>, Error>) {
        match page {
            Ok(items) => self.pages.push((std::mem::take(&mut self.rest), items)),
            Err(error) => {
                self.rest.get_mut().unwrap_or_else(PoisonError::into_inner).push_back(error);
            }
        }
    }

    fn respond(&self, request: &Request) -> Result<ResponseTemplate, Error> {
        let page = request.query(TOKEN).and_then(|token| token.parse().ok()).unwrap_or(0_usize);
        let none = Vec::new();
        let (errors, items) = match self.pages.get(page) {
            Some((errors, items)) => (errors, items),
            None => (&self.rest, &none),
        };
        if let Some(error) = errors.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Err(error);
        }
        let mut body = json!({ "entities": items });
        let ends_in_error = || !self.rest.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        if page + 1 < self.pages.len() || (page + 1 == self.pages.len() && ends_in_error()) {
            body[NEXT] = (page + 1).to_string().into();
        }
        Ok(ResponseTemplate::new(200).set_body_json(body))
    }
}
