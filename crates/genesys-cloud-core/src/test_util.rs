//! Replies, errors, pages and lists made from values, for unit tests of code that uses this SDK.
//!
//! - [`ResponseTemplate`] is a reply of the API, made into a [`Response`] or an [`Error`] exactly as one from the
//!   network is.
//! - [`Response::new`] and [`Page::from_items`](crate::Page::from_items) hold values of a test.
//! - [`Paginator::from_items`] and [`Paginator::from_pages`] are lists with the items of a test. They run on the
//!   engine of real lists: report, verdict, checkpoint, `limit`, `chunks` and errors behave the same.
//! - [`client`] is a client whose replies come from a function. Nothing is sent, no login is made and no time
//!   passes.
//!
//! For a whole API to test against, use the fake org of `genesys-cloud-mock`.
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

/// A reply of the API, to be made into a [`Response`] or an [`Error`].
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
    /// A reply with this HTTP status and without a body.
    ///
    /// # Panics
    /// If the status is not from 100 to 999.
    pub fn new(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("an HTTP status is from 100 to 999");
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// The same with a header.
    ///
    /// # Panics
    /// If the name or the value is not valid in HTTP.
    #[must_use]
    pub fn insert_header(mut self, name: &str, value: &str) -> Self {
        let name = name.parse::<HeaderName>().expect("a name of a header");
        let value = value.parse::<HeaderValue>().expect("a value of a header");
        self.headers.insert(name, value);
        self
    }

    /// The same with a JSON body.
    ///
    /// # Panics
    /// If the value can't be serialized.
    #[must_use]
    pub fn set_body_json(self, body: impl Serialize) -> Self {
        let body = serde_json::to_vec(&body).expect("a value that can be serialized");
        let body = Self { body: body.into(), ..self };
        body.insert_header("content-type", "application/json")
    }

    /// The same with a text as its body.
    #[must_use]
    pub fn set_body_string(mut self, body: impl Into<String>) -> Self {
        self.body = body.into().into();
        self
    }

    /// What a call returns for this reply.
    ///
    /// # Errors
    /// Those of a call: the status is not 2xx, or the body is not what the operation returns.
    pub fn into_reply<T: Decode>(self, operation: &str) -> Result<Response<T>, Error> {
        self.raw(&named(operation)).accepted()?.decode()
    }

    /// The error that a call of this operation fails with for this reply.
    pub fn into_error(self, operation: &str) -> Error {
        Error::refused(&self.raw(&named(operation)))
    }

    fn raw(self, operation: &Operation) -> RawResponse {
        let mut head = ResponseHead::new(self.status, self.headers);
        head.course.attempts = 1;
        RawResponse { operation: operation.clone(), head, body: self.body }
    }
}

fn named(operation: &str) -> Operation {
    Operation::new(operation.to_owned(), Method::Get, "/api/v2/test")
}

/// A client whose replies come from a function. A status that the operation does not accept becomes an error, as
/// it does for a reply of the API; nothing is retried.
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
/// If this machine can't make any client.
pub fn client(
    respond: impl Fn(&Request) -> Result<ResponseTemplate, Error> + Send + Sync + 'static,
) -> Client {
    let responder: Responder = Arc::new(move |request| {
        request.target()?;
        respond(request)?.raw(request.operation()).accepted()
    });
    // Port 1 of this machine: no request gets there.
    let builder = Client::builder().api_url("http://127.0.0.1:1").access_token("test");
    builder.build().expect("a client for tests").with_responder(responder)
}

impl<T> Response<T> {
    /// A reply of status 200 with this value. [`ResponseTemplate::into_reply`] makes others.
    ///
    /// ```
    /// use genesys_cloud_core::Response;
    ///
    /// let reply = Response::new("Ada");
    /// assert_eq!((reply.status(), reply.value()), (200, &"Ada"));
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
    /// A list of these items, in one page.
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

    /// A list of these pages. Where there is an error in place of a page, it is returned once; the next poll reads
    /// the page after it. The list ends after the last page.
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
                items.map_err(|error| Error::config(format!("an item for a test: {error}")))
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

/// The pages of a list for a test.
#[derive(Debug, Default)]
struct Script {
    /// Each page with the errors that come before it.
    pages: Vec<(Mutex<VecDeque<Error>>, Vec<Value>)>,
    /// Errors for which there is no further page.
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
