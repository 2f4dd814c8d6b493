//! The client, and how it is set up.

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
/// Clones are cheap and share connections, token and rate limit. The first call logs in. Calls in the last five minutes of
/// a token (in the last tenth of its life, if that is shorter) have it renewed in the background, and use it until it
/// ends. If the API refuses it, a call logs in once more.
///
/// Dropping the last clone ends the background work.
///
/// Calls wait for their turn, so that the rate limit is kept: the client learns it from the answers. What
/// fails in a way that may pass is repeated where that does no harm. [`ClientBuilder`] has the settings.
#[derive(Clone)]
pub struct Client(Arc<Pipeline>);

impl Client {
    /// A client set up from environment variables, as [`ClientBuilder::from_env`] reads them.
    ///
    /// # Errors
    /// When variables are missing or wrong; the error names them all.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// Sets up a client in code.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Starts from environment variables, as [`ClientBuilder::from_env`] reads them, to set more in code.
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

    /// Sends a request and gives the reply as it came.
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
    /// When the request can't be sent, no login or no reply comes about, or the operation does not accept
    /// the status of the reply.
    pub async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        self.0.execute(request).await
    }

    /// Sends a read again after a successful but unusable reply, which `error` describes. `repeated` is how often that
    /// was done before.
    ///
    /// The result counts only the attempts and waits of this call.
    ///
    /// # Errors
    /// `error` itself, with all attempts counted, if the operation is not repeatable, the retries are used up, or the
    /// fault is permanent. Otherwise those of [`execute`](Self::execute).
    pub(crate) async fn execute_again(
        &self,
        request: &Request,
        repeated: u32,
        error: Error,
    ) -> Result<RawResponse, Error> {
        let error = error.repeated(repeated);
        self.0.execute_again(request, repeated, error, CallStats::default()).await
    }

    /// Waits before a read is sent again in another way, as [`execute_again`](Self::execute_again) does.
    ///
    /// # Errors
    /// The given one where it is not to be sent again.
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
        let so_far = error.course();
        self.0.execute_again(request, repeated, error, so_far).await
    }

    /// The connections for a file at a host that is not the API's. Nothing that they send is authorized.
    pub(crate) fn files(&self, url: &Url) -> Result<&reqwest::Client, Error> {
        self.0.files.to(url).map_err(Error::config)
    }

    /// The credentials of this client, to be removed from what is shown.
    pub(crate) fn secrets(&self) -> &Secrets {
        self.0.http_client.secrets()
    }

    /// A reply could be used after this many that could not.
    pub(crate) fn usable_after(&self, repeated: u32) {
        self.0.retries.usable_after(repeated);
    }

    pub(crate) fn api(&self) -> &BaseUrl {
        &self.0.api
    }

    /// The most bytes that a reply may have.
    pub(crate) fn max_body(&self) -> usize {
        self.0.http_client.max_body()
    }

    /// How many items a page may hold.
    pub(crate) fn max_page_items(&self) -> usize {
        self.0.max_page_items
    }

    /// A new client whose calls are answered by a function.
    #[cfg(feature = "test-util")]
    pub(crate) fn with_responder(mut self, responder: crate::pipeline::Responder) -> Self {
        if let Some(transport) = Arc::get_mut(&mut self.0) {
            transport.responder = Some(responder);
        }
        self
    }

    /// Where the token stands in its rate limit, as the last answer told. `None` before that.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.rate_limiter.standing()
    }

    /// The URL of the API that calls go to, such as `https://api.mypurecloud.ie`.
    pub fn api_url(&self) -> &str {
        self.0.api.as_str()
    }
}

/// For what takes this client, or one that is made from it.
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
