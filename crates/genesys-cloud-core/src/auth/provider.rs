//! Access tokens provided by the program.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

/// The future returned by [`TokenProvider::token`].
pub type TokenFuture<'a> = Pin<
    Box<
        dyn Future<Output = Result<AccessToken, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'a,
    >,
>;

/// Gets access tokens from another source, such as a vault or an OAuth flow with a user. See
/// [`ClientBuilder::token_provider`](crate::ClientBuilder::token_provider).
///
/// The client caches the token and shares it among all calls. It renews the token in the background before it expires,
/// and requests a new one if the API answers 401.
///
/// ```
/// use std::time::Duration;
///
/// use genesys_cloud_core::{AccessToken, Client, TokenFuture, TokenProvider};
///
/// struct Vault;
///
/// impl TokenProvider for Vault {
///     fn token(&self) -> TokenFuture<'_> {
///         Box::pin(async {
///             let token = std::fs::read_to_string("/run/secrets/genesys-token")?;
///             Ok(AccessToken::new(token.trim()).expires_in(Duration::from_secs(3_600)))
///         })
///     }
/// }
///
/// # fn main() -> Result<(), genesys_cloud_core::Error> {
/// let builder = Client::builder().region("eu-west-1").token_provider(Vault);
/// let client: Client = builder.build()?;
/// # Ok(())
/// # }
/// ```
pub trait TokenProvider: Send + Sync {
    /// Gets a token. The client's [`timeout`](crate::ClientBuilder::timeout) applies.
    ///
    /// # Errors
    /// If no token is available. The calls that need it fail with
    /// [`ErrorKind::Authentication`](crate::ErrorKind::Authentication) and this error as the source. The client does not
    /// retry: retry in the provider where that helps.
    fn token(&self) -> TokenFuture<'_>;
}

/// A function that returns a future.
impl<F, Given> TokenProvider for F
where
    F: Fn() -> Given + Send + Sync,
    Given: Future<Output = Result<AccessToken, Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
{
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(self())
    }
}

/// An access token of a [`TokenProvider`].
#[derive(Clone)]
pub struct AccessToken {
    secret: SecretString,
    expires_in: Option<Duration>,
}

impl AccessToken {
    /// Creates a token that is used until the API rejects it.
    pub fn new(token: impl Into<String>) -> Self {
        Self { secret: SecretString::from(token.into()), expires_in: None }
    }

    /// Sets how long the token is valid, counted from when it was requested.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.expires_in = Some(time);
        self
    }

    pub(super) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    pub(super) const fn lifetime(&self) -> Option<Duration> {
        self.expires_in
    }
}

/// Omits the token.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
