//! The client and its settings.

mod builder;
mod hooks;
mod identity;

pub use builder::ClientBuilder;
pub(crate) use hooks::Hooks;
pub use hooks::{CallEnded, RequestHead};
pub(crate) use identity::Learned;
pub use identity::OrgIdentity;

use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::operation::Operation;
use crate::pipeline::Pipeline;
use crate::rate_limit::RateLimit;
use crate::redact::Secrets;
use crate::request::Request;
use crate::response::{CallStats, RawResponse};

/// A client of the Genesys Cloud Platform API.
///
/// Clones are cheap and share connections, token and rate limit. The first call logs in. During the last five minutes of
/// a token's life (or the last tenth, if that is shorter), calls keep using it and renew it in the background. If the
/// API rejects the token, a call logs in again, once. Dropping the last clone ends the background work.
///
/// Calls wait for their turn, so that the client stays within its rate limit, which it learns from responses. Calls that
/// fail temporarily are retried if that is safe. See [`ClientBuilder`] for the settings.
#[derive(Clone)]
pub struct Client(Arc<Pipeline>);

impl Client {
    /// Creates a client from environment variables; see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    /// If variables are missing or invalid; the error lists all of them.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// Returns a builder to configure a client in code.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Returns a builder that starts from environment variables; see [`ClientBuilder::from_env`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), genesys_cloud_core::Error> {
    /// use genesys_cloud_core::Client;
    ///
    /// let client = Client::builder_from_env().max_retries(2).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder_from_env() -> ClientBuilder {
        ClientBuilder::from_env()
    }

    /// Sends a request and returns the raw response.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), genesys_cloud_core::Error> {
    /// use genesys_cloud_core::{Client, Method, Operation, Request};
    ///
    /// let client = Client::from_env()?;
    /// let mut request = Request::new(Operation::new("getUser", Method::Get, "/api/v2/users/{userId}"));
    /// request.set_path("userId", "me").add_query("expand", "groups");
    /// let me: serde_json::Value = client.execute(&request).await?.json()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the request is invalid, the login fails, no response arrives, or the operation does not accept the status of
    /// the response.
    pub async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        self.0.execute(request).await
    }

    /// Retries a read after a successful but unusable response, described by `error`. `repeated` is the number of
    /// retries so far.
    ///
    /// The result counts only the attempts and waits of this call.
    ///
    /// # Errors
    /// Returns `error`, with all attempts counted, if the operation is not repeatable, the retries are used up, or the
    /// fault is permanent. Otherwise returns the errors of [`execute`](Self::execute).
    pub(crate) async fn execute_again(
        &self,
        request: &Request,
        repeated: u32,
        error: Error,
    ) -> Result<RawResponse, Error> {
        let error = error.repeated(repeated);
        self.0.execute_again(request, repeated, error, CallStats::default()).await
    }

    /// Waits before a read is retried in a different way; see [`execute_again`](Self::execute_again).
    ///
    /// # Errors
    /// Returns `error` if the read must not be retried.
    pub(crate) async fn wait_to_repeat(
        &self,
        operation: &Operation,
        repeated: u32,
        error: Error,
    ) -> Result<(), Error> {
        self.0.wait_to_repeat(operation, repeated, error.repeated(repeated)).await
    }

    /// Like [`execute_again`](Self::execute_again), but the result also counts the attempts and waits of `error`.
    pub(crate) async fn execute_on(
        &self,
        request: &Request,
        repeated: u32,
        error: Error,
    ) -> Result<RawResponse, Error> {
        let so_far = error.stats();
        self.0.execute_again(request, repeated, error, so_far).await
    }

    /// The connections for a file on another host. They never carry a token.
    pub(crate) fn files(&self, url: &Url) -> Result<&reqwest::Client, Error> {
        self.0.files.to(url).map_err(Error::config)
    }

    /// The credentials of this client, which are redacted from messages.
    pub(crate) fn secrets(&self) -> &Secrets {
        self.0.http_client.secrets()
    }

    /// Records that a response was usable after `repeated` that were not.
    pub(crate) fn usable_after(&self, repeated: u32) {
        self.0.retries.usable_after(repeated);
    }

    pub(crate) fn api(&self) -> &BaseUrl {
        &self.0.api
    }

    /// Maximum size of a response in bytes.
    pub(crate) fn max_body(&self) -> usize {
        self.0.http_client.max_body()
    }

    /// Maximum number of items per page.
    pub(crate) fn max_page_items(&self) -> usize {
        self.0.max_page_items
    }

    /// Returns this new client with a function that answers its calls.
    #[cfg(feature = "test-util")]
    pub(crate) fn with_responder(mut self, responder: crate::pipeline::Responder) -> Self {
        if let Some(pipeline) = Arc::get_mut(&mut self.0) {
            pipeline.responder = Some(responder);
        }
        self
    }

    /// Returns the state of the token's rate limit, from the last response that reported it. `None` before that.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.rate_limiter.current()
    }

    /// Returns the base URL of the API, such as `https://api.mypurecloud.ie`.
    pub fn api_url(&self) -> &str {
        self.0.api.as_str()
    }
}

/// For functions that accept a client or a type made from one.
impl AsRef<Self> for Client {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Shows no secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api_url", &self.api_url())
            .field("auth", &self.0.auth)
            .finish_non_exhaustive()
    }
}
