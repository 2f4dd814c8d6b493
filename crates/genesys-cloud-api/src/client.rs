//! The client, with a method for each API group that is switched on.

use genesys_cloud_core as core;
use genesys_cloud_core::{Error, OrgIdentity, RateLimit, RawResponse, Request};

/// Sets up a [`Client`].
pub type ClientBuilder = core::ClientBuilder<Client>;

/// A client of one Genesys Cloud org. Cloning it is cheap; all clones share one access token.
///
/// It has a method for each API group whose feature is on, such as `client.routing()`.
#[derive(Clone, Debug)]
pub struct Client {
    core: core::Client,
}

impl Client {
    /// A client set up from the environment: see
    /// [`ClientBuilder::from_env`](genesys_cloud_core::ClientBuilder::from_env).
    ///
    /// # Errors
    /// When a variable is missing or wrong; the message names it and the valid choices.
    pub fn from_env() -> Result<Self, Error> {
        core::Client::from_env().map(Self::from)
    }

    /// A client set up in code.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client of a fake org, for tests.
    ///
    /// # Panics
    /// If this machine can't make any client.
    #[cfg(feature = "test-util")]
    pub fn of(org: &genesys_cloud_mock::MockOrg) -> Self {
        Self::builder()
            .api_url(org.url())
            .login_url(org.url())
            .credentials(org.client_id(), org.client_secret())
            .build()
            .expect("a client of the fake org")
    }

    /// Starts from environment variables, to set more in code: see [`ClientBuilder::from_env`].
    pub fn builder_from_env() -> ClientBuilder {
        ClientBuilder::from_env()
    }

    /// Sends a request of any operation and returns the reply as it came. See
    /// [`core::Client::execute`](genesys_cloud_core::Client::execute).
    ///
    /// # Errors
    /// When the request can't be sent, login fails, no reply comes, or the operation does not accept the status of the
    /// reply.
    pub async fn execute(&self, request: &Request) -> Result<RawResponse, Error> {
        self.core.execute(request).await
    }

    /// The state of the rate limit of the token, as of the last reply. `None` before that.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.core.rate_limit()
    }

    /// The URL of the API that calls go to, such as `https://api.mypurecloud.ie`.
    pub fn api_url(&self) -> &str {
        self.core.api_url()
    }

    /// What is known about the organization that this client calls. Sends nothing.
    ///
    /// The id of the organization, and the id of the OAuth client of an access token, are known after
    /// [`identify`](Self::identify).
    pub fn identity(&self) -> OrgIdentity {
        self.core.identity()
    }

    /// Asks the API for the organization and the OAuth client of the token, once.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn identify(&self) -> Result<OrgIdentity, Error> {
        self.core.identify().await
    }

    /// The client without the methods of the groups.
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
