//! Where the bearer token comes from: given, or from a login that is shared by all clones of a client.

mod login;

use std::fmt;

use http::HeaderValue;
use tokio::time::Instant;

pub(crate) use self::login::Login;
use crate::error::Error;
use crate::operation::Operation;
use crate::redact::Secrets;

/// A bearer token, ready to be sent.
#[derive(Clone)]
pub(crate) struct Token {
    authorization: HeaderValue,
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
        Some(Self { authorization, serial: 0, renew_at: None, ends_at: None })
    }

    /// The value of the `Authorization` header, marked as sensitive.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// Which token of its client it is: a higher number is that of a later one.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Has the token removed from what is shown.
    pub(crate) fn remember_in(&self, secrets: &Secrets) {
        let authorization = self.authorization.to_str().unwrap_or_default();
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
    /// From the caller, who also renews it.
    Ready(Token),
    /// By logging in with client credentials.
    Login(Box<Login>),
}

impl Auth {
    /// The token to send now.
    pub(crate) async fn token(&self) -> Result<Token, Error> {
        match self {
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
            Self::Ready(_) => Ok(false),
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
            Self::Ready(_) => None,
            Self::Login(login) => Some(login.client_id()),
        }
    }

    /// What can be done about a 401 that stays.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Ready(_) => {
                "the access token was refused: it may have ended or be of another region; client \
                 credentials renew theirs by themselves"
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
            Self::Ready(_) => f.write_str("AccessToken"),
            Self::Login(login) => {
                f.debug_tuple("ClientCredentials").field(&login.client_id()).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_marked_so_that_it_is_neither_shown_nor_indexed() {
        let token = Token::new("the-token").expect("a token").authorization();
        assert!(token.is_sensitive());
        assert_eq!(format!("{token:?}"), "Sensitive");
        assert!(
            Token::new("").is_none() && Token::new("a b").is_none() && Token::new("ä").is_none()
        );
    }
}
