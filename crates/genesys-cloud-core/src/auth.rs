//! Where the bearer token comes from: given, or from a login that is shared by all clones of a client.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use http::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::operation::{Method, Operation};
use crate::reply::{DecodeError, RawReply};
use crate::retry::{Next, Retries};
use crate::wait::{Herald, Wait, WaitReason};

/// A token is renewed this long before its end, or a tenth of its life before if that is shorter: an
/// OAuth client can be set to lives of five minutes to two days.
const MARGIN: Duration = Duration::from_secs(60);

/// An operation that refuses new tokens too gets no new one for this long, then for twice as long.
const FIRST_SUSPENSION: Duration = Duration::from_secs(60);
const LONGEST_SUSPENSION: Duration = Duration::from_secs(3_600);

/// Of no more operations it is kept: their names may be made up by the caller.
const MOST_SUSPENDED: usize = 256;

const LOGIN: Operation = Operation::known("login", Method::Post, "/oauth/token");

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

    /// Blanks the token in a reply.
    pub(crate) fn blank_in(&self, reply: &mut RawReply) {
        let authorization = self.authorization.to_str().unwrap_or_default();
        reply.blank(authorization.trim_start_matches("Bearer "));
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
            login.suspended().remove(operation.id());
        }
    }

    /// The OAuth client id used to log in. `None` for an access token.
    pub(crate) fn client_id(&self) -> Option<&str> {
        match self {
            Self::Ready(_) => None,
            Self::Login(login) => Some(&login.client_id),
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
                f.debug_tuple("ClientCredentials").field(&login.client_id).finish()
            }
        }
    }
}

/// A login with client credentials, and the token it gave.
pub(crate) struct Login {
    exchange: Exchange,
    url: Url,
    client_id: String,
    client_secret: SecretString,
    /// Locked by the one caller that logs in; the others wait for it. If that caller is dropped the lock
    /// opens, and the next one finds no token and logs in itself.
    state: Mutex<State>,
    /// How many logins have ended. It tells a caller that one did while it waited for the lock.
    ended: AtomicU64,
    retries: Arc<Retries>,
    herald: Herald,
    /// Operations that are refused whatever the token, for which no login is made until then. The API
    /// answers 401 to some calls for other reasons than the token.
    suspended: std::sync::Mutex<HashMap<String, Suspension>>,
}

#[derive(Clone, Copy)]
struct Suspension {
    until: Instant,
    length: Duration,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// Why the last login failed, if it did.
    failure: Option<Error>,
    /// When the next attempt is due, if one has failed that may be repeated. It outlives the caller that
    /// made it.
    due: Option<Instant>,
}

impl Login {
    pub(crate) fn new(
        exchange: Exchange,
        base: &BaseUrl,
        client_id: String,
        client_secret: SecretString,
        retries: Arc<Retries>,
        herald: Herald,
    ) -> Result<Self, String> {
        Ok(Self {
            exchange,
            url: base.join(LOGIN.path())?,
            client_id,
            client_secret,
            state: Mutex::default(),
            ended: AtomicU64::new(0),
            retries,
            herald,
            suspended: std::sync::Mutex::default(),
        })
    }

    async fn renew(&self, refused: &Token, operation: &Operation) -> Result<bool, Error> {
        let suspension = self.suspended().get(operation.id()).copied();
        if suspension.is_some_and(|suspension| Instant::now() < suspension.until) {
            // A token that others have got meanwhile costs nothing.
            let state = self.state.lock().await;
            let other = |token: &Token| !token.is_over() && token.serial != refused.serial;
            return Ok(state.token.as_ref().is_some_and(other));
        }
        self.token(Some(refused)).await.map(|_| true)
    }

    fn suspend(&self, operation: &Operation) {
        let mut suspended = self.suspended();
        let now = Instant::now();
        let length = match suspended.get(operation.id()) {
            // Several calls that failed together are one failure.
            Some(Suspension { until, .. }) if now < *until => return,
            Some(Suspension { length, .. }) => (*length * 2).min(LONGEST_SUSPENSION),
            None => FIRST_SUSPENSION,
        };
        if suspended.len() >= MOST_SUSPENDED {
            suspended.clear();
        }
        suspended.insert(operation.id().to_owned(), Suspension { until: now + length, length });
        tracing::warn!(
            operation = operation.id(),
            seconds = length.as_secs(),
            "answered 401 to a new token as well; no login is made for it for a while"
        );
    }

    fn suspended(&self) -> MutexGuard<'_, HashMap<String, Suspension>> {
        self.suspended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn token(&self, refused: Option<&Token>) -> Result<Token, Error> {
        let ended_before = self.ended.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        let is_gone = |token: &Token| {
            token.is_over() || refused.is_some_and(|refused| refused.serial == token.serial)
        };
        match &state.token {
            Some(token) if is_gone(token) => state.token = None,
            Some(token) if !token.is_due() => return Ok(token.clone()),
            _ => {}
        }
        let ended = self.ended.load(Ordering::Acquire);
        if ended != ended_before
            && let Some(failure) = &state.failure
        {
            // Others waited for the same login. If each of them tried again, they would only run
            // into the limit that the login host has of its own.
            return Err(failure.share());
        }
        let outcome = self.log_in(&mut state).await;
        self.ended.store(ended + 1, Ordering::Release);
        match (outcome, &mut state.token) {
            (Ok(token), _) => {
                let token = Token { serial: ended + 1, ..token };
                *state = State { token: Some(token.clone()), failure: None, due: None };
                Ok(token)
            }
            (Err(_), Some(token)) => {
                tracing::warn!(
                    host = self.url.authority(),
                    "renewal failed; the token is used to its end"
                );
                token.renew_at = token.ends_at;
                Ok(token.clone())
            }
            (Err(error), None) => {
                state.failure = Some(error.share());
                Err(error)
            }
        }
    }

    /// Logs in, and tries again after failures that may pass, unless there is a token to go on with.
    async fn log_in(&self, state: &mut State) -> Result<Token, Error> {
        let mut attempts = self.retries.begin(true);
        loop {
            if let Some(due) = state.due.filter(|due| *due > Instant::now()) {
                let expected = Some(due - Instant::now());
                let reason = WaitReason::Login;
                self.herald.tell(&Wait { operation: LOGIN.id(), reason, expected });
                tokio::time::sleep_until(due).await;
            }
            state.due = None;
            let error = match self.attempt().await {
                Ok(token) => {
                    attempts.answered();
                    return Ok(token);
                }
                Err(error) if state.token.is_some() => return Err(error),
                Err(error) => error,
            };
            match attempts.after(&error) {
                Next::Again(after) => state.due = Instant::now().checked_add(after),
                Next::GiveUp(_) => return Err(error),
            }
        }
    }

    async fn attempt(&self) -> Result<Token, Error> {
        let asked_at = Instant::now();
        let secret = self.client_secret.expose_secret();
        let request = self
            .exchange
            .request(LOGIN.method(), self.url.clone())
            .basic_auth(&self.client_id, Some(secret))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let outcome = async {
            let mut reply = self.exchange.send(&LOGIN, request).await?;
            if !LOGIN.accepts(reply.status()) {
                reply.blank(secret);
            }
            let reply = reply.accepted()?;
            token_of(&reply, asked_at).map_err(|error| {
                Error::decode(&reply, &error)
                    .advise("check that the login URL is that of a login host")
            })
        };
        let token = outcome.await.map_err(|error| {
            let error = error.at_login(self.url.authority());
            if error.is_rate_limited() {
                error.advise("logins have a rate limit of their own: share one client, and wait a minute")
            } else if error.is_auth() {
                error.advise(
                    "check the client id (GENESYS_CLOUD_CLIENT_ID) and secret \
                     (GENESYS_CLOUD_CLIENT_SECRET), that the OAuth client has the grant type Client \
                     Credentials, and that its organization is in this region",
                )
            } else {
                error
            }
        })?;
        tracing::debug!(host = self.url.authority(), "logged in");
        Ok(token)
    }
}

/// The token that a login was answered with.
fn token_of(reply: &RawReply, asked_at: Instant) -> Result<Token, DecodeError> {
    let grant: Value = serde_json::from_slice(reply.body())?;
    let token = grant["access_token"].as_str().and_then(Token::new);
    let token = token.ok_or_else(|| DecodeError::new("it has no usable `access_token`"))?;
    // A token whose life is not told is used until the API refuses it. So is one of no life at all: a clock
    // is wrong, and a new token for every call would not be better.
    let life = seconds(&grant["expires_in"]).filter(|life| !life.is_zero());
    let Some(life) = life else { return Ok(token) };
    let margin = MARGIN.min(life / 10);
    Ok(Token {
        renew_at: asked_at.checked_add(life - margin),
        ends_at: asked_at.checked_add(life),
        ..token
    })
}

fn seconds(json: &Value) -> Option<Duration> {
    let seconds = json.as_f64().or_else(|| json.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
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

    #[test]
    fn a_life_is_read_as_a_number_or_as_text() {
        for (json, expected) in [
            ("86400", Some(86_400.0)),
            ("\"300\"", Some(300.0)),
            ("0.5", Some(0.5)),
            ("0", Some(0.0)),
            ("-1", None),
            ("1e300", None),
            ("null", None),
            ("\"soon\"", None),
        ] {
            let json = serde_json::from_str(json).expect("JSON");
            assert_eq!(seconds(&json), expected.map(Duration::from_secs_f64), "{json}");
        }
    }
}
