//! Bearer tokens: given by the program, or from a login that all clones of a client share.

mod credentials;
mod login;
mod provider;

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

pub(crate) use self::credentials::{LOGIN_PATH, TokenSource};
pub(crate) use self::login::Login;
pub use self::provider::{AccessToken, TokenFuture, TokenProvider};
use crate::error::Error;
use crate::operation::Operation;
use crate::redact::Secrets;

/// A call renews the token during this time before it expires, or during the last tenth of its lifetime if that is
/// shorter: lifetimes of OAuth clients range from five minutes to two days. This leaves time for retries.
const MARGIN: Duration = Duration::from_secs(300);

/// A bearer token.
#[derive(Clone)]
pub(crate) struct Token {
    /// `None` for a client without authentication.
    authorization: Option<HeaderValue>,
    /// Number of the token within its client. Two logins may return the same token.
    serial: u64,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

impl Token {
    /// Creates a token of unknown lifetime. `None` if it is empty or has an invalid character.
    pub(crate) fn new(secret: &str) -> Option<Self> {
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {secret}")).ok()?;
        authorization.set_sensitive(true);
        Some(Self { authorization: Some(authorization), ..Self::NONE })
    }

    /// No token.
    const NONE: Self = Self { authorization: None, serial: 0, renew_at: None, expires_at: None };

    /// Sets the lifetime, counted from when the token was requested. If it is unknown or zero, the token is used until
    /// the API rejects it.
    fn with_lifetime(self, requested_at: Instant, lifetime: Option<Duration>) -> Self {
        let Some(lifetime) = lifetime.filter(|lifetime| !lifetime.is_zero()) else { return self };
        let margin = MARGIN.min(lifetime / 10);
        let renew_at = requested_at.checked_add(lifetime - margin);
        Self { renew_at, expires_at: requested_at.checked_add(lifetime), ..self }
    }

    /// Returns the value of the `Authorization` header, marked as sensitive.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.clone()
    }

    /// Returns the serial number of the token; later tokens have higher numbers.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Adds the token to the secrets to redact.
    pub(crate) fn add_to(&self, secrets: &Secrets) {
        let authorization = self.authorization.as_ref().and_then(|it| it.to_str().ok());
        let authorization = authorization.unwrap_or_default();
        secrets.add_token(authorization.trim_start_matches("Bearer "));
    }

    fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|at| at <= Instant::now())
    }

    fn needs_renewal(&self) -> bool {
        self.renew_at.is_some_and(|at| at <= Instant::now())
    }
}

/// The authentication of a client.
pub(crate) enum Auth {
    /// No authentication.
    None,
    /// A token from the program, which also renews it.
    Ready(Token),
    /// Tokens from logins or from the program's provider.
    Login(Box<Login>),
}

impl Auth {
    /// Returns the current token.
    pub(crate) async fn token(&self) -> Result<Token, Error> {
        match self {
            Self::None => Ok(Token::NONE),
            Self::Ready(token) => Ok(token.clone()),
            Self::Login(login) => login.token(None).await,
        }
    }

    /// Gets a new token after the API rejected one. Returns whether a different token is available.
    pub(crate) async fn renew(
        &self,
        refused: &Token,
        operation: &Operation,
    ) -> Result<bool, Error> {
        match self {
            Self::None | Self::Ready(_) => Ok(false),
            Self::Login(login) => login.renew(refused, operation).await,
        }
    }

    /// Records that an operation rejected the new token too.
    pub(crate) fn refused_again(&self, operation: &Operation) {
        if let Self::Login(login) = self {
            login.suspend(operation);
        }
    }

    /// Records that an operation accepted a token.
    pub(crate) fn accepted(&self, operation: &Operation) {
        if let Self::Login(login) = self {
            login.accepted(operation);
        }
    }

    /// Returns the OAuth client id used to log in. `None` for an access token.
    pub(crate) fn client_id(&self) -> Option<&str> {
        match self {
            Self::None | Self::Ready(_) => None,
            Self::Login(login) => login.source().client_id(),
        }
    }

    /// Returns advice for a 401 that a new token did not fix.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::None => "the operation needs a token, but the client was built with `no_auth`",
            Self::Ready(_) => {
                "the access token was rejected: it may have expired or belong to another region; client \
                 credentials renew their token automatically"
            }
            Self::Login(login) if login.source().client_id().is_none() => {
                "the token and its replacement were rejected: check the token provider, and that the API URL is in the \
                 region of its tokens"
            }
            Self::Login(_) => {
                "the token and its replacement were rejected: check that the API URL and the login URL are in the \
                 same region"
            }
        }
    }
}

/// Omits secrets.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("NoAuth"),
            Self::Ready(_) => f.write_str("AccessToken"),
            Self::Login(login) => match login.source().client_id() {
                Some(id) => f.debug_tuple("ClientCredentials").field(&id).finish(),
                None => f.write_str("TokenProvider"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorization_header_is_sensitive() {
        let token = Token::new("the-token").and_then(|it| it.authorization()).expect("a token");
        assert!(token.is_sensitive());
        assert_eq!(format!("{token:?}"), "Sensitive");
        assert!(
            Token::new("").is_none() && Token::new("a b").is_none() && Token::new("ä").is_none()
        );
    }
}
