//! Where the bearer token comes from: given, or from a login that is shared by all clones of a client.

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

/// The first call within this time before the end of a token has it renewed, or within a tenth of its life if that is
/// shorter: an OAuth client can be set to lives of five minutes to two days. It leaves time to try again.
const MARGIN: Duration = Duration::from_secs(300);

/// A bearer token, ready to be sent.
#[derive(Clone)]
pub(crate) struct Token {
    /// `None` for a client without authentication.
    authorization: Option<HeaderValue>,
    /// Counts the tokens of a client. Two logins may well be answered with the same text.
    serial: u64,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Token {
    /// A token of unknown life. `None` if it is empty or has a character that no token has.
    pub(crate) fn new(secret: &str) -> Option<Self> {
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {secret}")).ok()?;
        authorization.set_sensitive(true);
        Some(Self { authorization: Some(authorization), ..Self::NONE })
    }

    /// No token at all.
    const NONE: Self = Self { authorization: None, serial: 0, renew_at: None, ends_at: None };

    /// The same token with this life, from when it was asked for. Without one, or with none left, it is used until the
    /// API refuses it.
    fn living(self, asked_at: Instant, life: Option<Duration>) -> Self {
        let Some(life) = life.filter(|life| !life.is_zero()) else { return self };
        let margin = MARGIN.min(life / 10);
        let renew_at = asked_at.checked_add(life - margin);
        Self { renew_at, ends_at: asked_at.checked_add(life), ..self }
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        self.authorization.clone()
    }

    /// Which token of its client it is: a higher number is that of a later one.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Has the token removed from what is shown.
    pub(crate) fn remember_in(&self, secrets: &Secrets) {
        let authorization = self.authorization.as_ref().and_then(|it| it.to_str().ok());
        let authorization = authorization.unwrap_or_default();
        secrets.add_token(authorization.trim_start_matches("Bearer "));
    }

    fn is_over(&self) -> bool {
        self.ends_at.is_some_and(|at| at <= Instant::now())
    }

    fn is_due(&self) -> bool {
        self.renew_at.is_some_and(|at| at <= Instant::now())
    }
}

/// How a client gets its token.
pub(crate) enum Auth {
    /// No authentication.
    None,
    /// From the caller, who also renews it.
    Ready(Token),
    /// By logging in.
    Login(Box<Login>),
}

impl Auth {
    /// The token to send now.
    pub(crate) async fn token(&self) -> Result<Token, Error> {
        match self {
            Self::None => Ok(Token::NONE),
            Self::Ready(token) => Ok(token.clone()),
            Self::Login(login) => login.token(None).await,
        }
    }

    /// Whether there is another token than this one, which the API refused to an operation: logs in if
    /// that is needed, and may help.
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

    /// An operation was refused with a new token as well.
    pub(crate) fn refused_again(&self, operation: &Operation) {
        if let Self::Login(login) = self {
            login.suspend(operation);
        }
    }

    /// An operation was done, with whatever token.
    pub(crate) fn accepted(&self, operation: &Operation) {
        if let Self::Login(login) = self {
            login.accepted(operation);
        }
    }

    /// The OAuth client id used to log in. `None` for an access token.
    pub(crate) fn client_id(&self) -> Option<&str> {
        match self {
            Self::None | Self::Ready(_) => None,
            Self::Login(login) => login.source().client_id(),
        }
    }

    /// What can be done about a 401 that stays.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::None => "the client was built with `no_auth`, and the operation needs a token",
            Self::Ready(_) => {
                "the access token was refused: it may have ended or be of another region; client \
                 credentials renew theirs by themselves"
            }
            Self::Login(login) if login.source().client_id().is_none() => {
                "the token was refused, and so was a new one: check the token provider, and that the API URL is of \
                 the region of its tokens"
            }
            Self::Login(_) => {
                "the token was refused, and so was a new one: check that the API URL and the login \
                 URL are of the same region"
            }
        }
    }
}

/// Shows no secret.
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
    fn a_token_is_marked_so_that_it_is_neither_shown_nor_indexed() {
        let token = Token::new("the-token").and_then(|it| it.authorization()).expect("a token");
        assert!(token.is_sensitive());
        assert_eq!(format!("{token:?}"), "Sensitive");
        assert!(
            Token::new("").is_none() && Token::new("a b").is_none() && Token::new("ä").is_none()
        );
    }
}
