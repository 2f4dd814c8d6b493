//! The client, with a method for each enabled API group.

use genesys_cloud_core as core;
use genesys_cloud_core::{Error, OrgIdentity, RateLimit, RawResponse, Request};

/// Builds a [`Client`].
pub type ClientBuilder = core::ClientBuilder<Client>;

/// A client of one Genesys Cloud organization. It has a method for each enabled API group, such as `client.routing()`.
///
/// Clones are cheap and share connections, access token and rate limiter. See
/// [`core::Client`](genesys_cloud_core::Client) for logins, retries and rate limits, and [`ClientBuilder`] for the
/// settings.
#[derive(Clone, Debug)]
pub struct Client {
    core: core::Client,
}

impl Client {
    /// Creates a client from environment variables. See
    /// [`ClientBuilder::from_env`](genesys_cloud_core::ClientBuilder::from_env).
    ///
    /// # Errors
    /// If a variable is missing or invalid; the message names it and the valid values.
    pub fn from_env() -> Result<Self, Error> {
        core::Client::from_env().map(Self::from)
    }

    /// Returns a builder with the default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Creates a client for a fake org, for tests.
    ///
    /// # Panics
    /// If no HTTP client can be created on this machine.
    #[cfg(feature = "test-util")]
    pub fn of(org: &genesys_cloud_mock::MockOrg) -> Self {
        Self::builder()
            .api_url(org.url())
            .login_url(org.url())
            .credentials(org.client_id(), org.client_secret())
            .build()
            .expect("a client of the fake org")
    }

    /// Returns a builder with the settings of the environment variables. See [`ClientBuilder::from_env`].
    pub fn builder_from_env() -> ClientBuilder {
        ClientBuilder::from_env()
    }

    /// Sends a request of any operation and returns the raw response. See
    /// [`core::Client::execute`](genesys_cloud_core::Client::execute).
    ///
    /// # Errors
    /// If the request can't be sent, the login fails, no response arrives, or the operation does not accept the
    /// status of the response.
    pub async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        self.core.execute(request).await
    }

    /// Returns the state of the token's rate limit from the last response that reported it. `None` before that.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.core.rate_limit()
    }

    /// Returns the base URL of the API, such as `https://api.mypurecloud.ie`.
    pub fn api_url(&self) -> &str {
        self.core.api_url()
    }

    /// Returns what is known about the organization that this client calls. Sends nothing.
    ///
    /// The organization id, and the OAuth client id of an access token, are known after a call of
    /// [`identify`](Self::identify) on this client or a clone.
    pub fn identity(&self) -> OrgIdentity {
        self.core.identity()
    }

    /// Requests the organization and OAuth client of the token, and returns the identity. The result is cached for all
    /// clones of the client.
    ///
    /// If the API answers 401, 403 or 404, both stay unknown, which is not an error.
    ///
    /// # Errors
    /// If the call fails for another reason, or the login fails.
    pub async fn identify(&self) -> Result<OrgIdentity, Error> {
        self.core.identify().await
    }

    /// Returns the client without the methods of the groups.
    pub fn core(&self) -> &core::Client {
        &self.core
    }
}

impl AsRef<core::Client> for Client {
    fn as_ref(&self) -> &core::Client {
        &self.core
    }
}

impl From<core::Client> for Client {
    fn from(core: core::Client) -> Self {
        Self { core }
    }
}
