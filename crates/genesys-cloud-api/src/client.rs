//! The client, with a method for each API group that is switched on.

use genesys_cloud_core as core;
use genesys_cloud_core::{ClientBuilder, Error};

/// A client of one Genesys Cloud org. Cloning it is cheap; all clones share one access token.
///
/// It has a method for each API group whose feature is on, such as `client.routing()`.
#[derive(Clone, Debug)]
pub struct Client {
    core: core::Client,
}

impl Client {
    /// A client set up from the environment: see [`ClientBuilder::from_env`].
    ///
    /// # Errors
    /// When a variable is missing or wrong; the message names it and the valid choices.
    pub fn from_env() -> Result<Self, Error> {
        core::Client::from_env().map(Self::from)
    }

    /// A client set up in code.
    pub fn builder() -> ClientBuilder<Self> {
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

    /// The client without the groups, for calls of operations that the bindings do not know.
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
