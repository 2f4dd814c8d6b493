//! Logins with client credentials, and the renewal of the token that they give.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, WeakShared};
use http::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use url::Url;

use super::Token;
use crate::base_url::BaseUrl;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::operation::{Method, Operation};
use crate::reply::{DecodeError, RawReply};
use crate::retry::{LONGEST_CLOSURE, Next, Reason, Retries};
use crate::wait::{Herald, Wait, WaitReason};

/// The first call within this time before the end of a token has it renewed, or within a tenth of its life if that is
/// shorter: an OAuth client can be set to lives of five minutes to two days. It leaves time to try again.
const MARGIN: Duration = Duration::from_secs(300);

/// An operation that refuses new tokens too gets no new one for this long, then for twice as long.
const FIRST_SUSPENSION: Duration = Duration::from_secs(60);
const LONGEST_SUSPENSION: Duration = Duration::from_secs(3_600);

/// Of no more operations it is kept: their names may be made up by the caller.
const MOST_SUSPENDED: usize = 256;

const LOGIN: Operation = Operation::known("login", Method::Post, "/oauth/token");

/// A login with client credentials, and the token it gave. Dropping it ends a renewal that is under way.
pub(crate) struct Login {
    shared: Arc<Shared>,
    /// Operations that are refused whatever the token, for which no login is made until then. The API
    /// answers 401 to some calls for other reasons than the token.
    suspended: Mutex<HashMap<String, Suspension>>,
}

/// The credentials, and the state of the login.
struct Shared {
    exchange: Exchange,
    url: Url,
    client_id: String,
    client_secret: SecretString,
    retries: Arc<Retries>,
    herald: Herald,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
struct Suspension {
    until: Instant,
    length: Duration,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// How many tokens there have been.
    tokens: u64,
    /// The login that is under way. It belongs to those who wait for it: if all of them are dropped, so is it.
    login: Option<WeakShared<LoggingIn>>,
    /// When the next login is due, if one has failed that may be repeated. It outlives the caller that made it.
    due: Option<Instant>,
    /// How many renewals have failed in a row.
    failures: u32,
    /// Until when the login host wants no login, if that is longer than calls wait, and what it said.
    closed: Option<(Instant, Arc<Error>)>,
    /// The task that renews the token, for as long as it runs.
    renewal: Option<AbortHandle>,
}

/// A login that several callers wait for.
type LoggingIn = BoxFuture<'static, Result<Token, Failed>>;

/// A login that failed, for each of those who waited for it.
#[derive(Clone)]
struct Failed {
    error: Arc<Error>,
    /// Whether it was a single attempt while the old token was good.
    was_renewal: bool,
    /// Whether another attempt may help.
    may_pass: bool,
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
        let url = base.join(LOGIN.path())?;
        let state = Mutex::default();
        let shared = Shared { exchange, url, client_id, client_secret, retries, herald, state };
        Ok(Self { shared: Arc::new(shared), suspended: Mutex::default() })
    }

    pub(super) async fn renew(
        &self,
        refused: &Token,
        operation: &Operation,
    ) -> Result<bool, Error> {
        let suspension = self.suspended().get(operation.id()).copied();
        if suspension.is_some_and(|suspension| Instant::now() < suspension.until) {
            // A token that others have got meanwhile costs nothing.
            let state = self.shared.state();
            let other = |token: &Token| !token.is_over() && token.serial != refused.serial;
            return Ok(state.token.as_ref().is_some_and(other));
        }
        self.token(Some(refused)).await.map(|_| true)
    }

    pub(super) fn suspend(&self, operation: &Operation) {
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

    /// An operation was done, with whatever token.
    pub(super) fn accepted(&self, operation: &Operation) {
        self.suspended().remove(operation.id());
    }

    pub(super) fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    fn suspended(&self) -> MutexGuard<'_, HashMap<String, Suspension>> {
        self.suspended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token to send now, other than the one that was refused. One that is about to end is renewed in the background, and used meanwhile. Without one,
    /// all callers wait for the same login, and share its failure: if each of them tried again, they would only run
    /// into the rate limit of the login host.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, Error> {
        loop {
            let login = {
                let mut state = self.shared.state();
                let is_gone = |token: &Token| {
                    token.is_over() || refused.is_some_and(|refused| refused.serial == token.serial)
                };
                if state.token.as_ref().is_some_and(is_gone) {
                    state.token = None;
                }
                match state.token.clone() {
                    Some(token) => {
                        if token.is_due() {
                            self.shared.renew_in_background(&mut state);
                        }
                        return Ok(token);
                    }
                    None => {
                        let now = Instant::now();
                        let closed = state.closed.as_ref().filter(|(until, _)| *until > now);
                        if let Some((until, error)) = closed {
                            return Err(self.shared.retries.held_back(error, *until - now));
                        }
                        self.shared.login(&mut state, false)
                    }
                }
            };
            match login.await {
                Ok(token) => return Ok(token),
                // The token ended while it was being renewed. A login that calls wait for is tried more often.
                Err(failed) if failed.was_renewal => {}
                Err(failed) => return Err(failed.error.share()),
            }
        }
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        if let Some(renewal) = self.shared.state().renewal.take() {
            renewal.abort();
        }
    }
}

impl Shared {
    /// What is in it is whole whenever the lock is let go.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The login that is under way, or a new one. A renewal is a single attempt.
    fn login(
        self: &Arc<Self>,
        state: &mut State,
        is_renewal: bool,
    ) -> futures::future::Shared<LoggingIn> {
        if let Some(login) = state.login.as_ref().and_then(WeakShared::upgrade) {
            return login;
        }
        let this = self.clone();
        let login = async move {
            let outcome = this.log_in(is_renewal).await;
            let mut state = this.state();
            state.login = None;
            match outcome {
                Ok(token) => {
                    state.tokens += 1;
                    let token = Token { serial: state.tokens, ..token };
                    (state.token, state.due) = (Some(token.clone()), None);
                    (state.failures, state.closed) = (0, None);
                    Ok(token)
                }
                Err((error, next)) => {
                    let now = Instant::now();
                    let error = Arc::new(error);
                    let wait = match next {
                        Next::Again(wait) => Some(wait),
                        Next::GiveUp(Reason::Wait { .. }) if error.is_rate_limited() => {
                            let wait = error.retry_after().map(|wait| wait.min(LONGEST_CLOSURE));
                            let until = wait.and_then(|wait| now.checked_add(wait));
                            state.closed = until.map(|until| (until, error.clone()));
                            None
                        }
                        Next::GiveUp(_) => None,
                    };
                    state.due = wait.and_then(|wait| now.checked_add(wait));
                    state.failures = state.failures.saturating_add(1);
                    Err(Failed { error, was_renewal: is_renewal, may_pass: wait.is_some() })
                }
            }
        };
        let login = login.boxed().shared();
        state.login = login.downgrade();
        login
    }

    /// Starts to renew the token, unless that is being done.
    fn renew_in_background(self: &Arc<Self>, state: &mut State) {
        if state.renewal.as_ref().is_some_and(|renewal| !renewal.is_finished()) {
            return;
        }
        // Calls are made within a runtime. If this is another one, the next call renews it.
        let Ok(runtime) = Handle::try_current() else { return };
        let this = self.clone();
        state.renewal =
            Some(runtime.spawn(async move { this.renew_until_due().await }).abort_handle());
    }

    /// Tries to renew the token until it has ended. Whoever needs a token after that logs in.
    async fn renew_until_due(self: Arc<Self>) {
        let Some(ends_at) = self.state().token.as_ref().and_then(|token| token.ends_at) else {
            return;
        };
        loop {
            let due = self.state().due.filter(|due| *due > Instant::now());
            if let Some(due) = due {
                tokio::time::sleep_until(due.min(ends_at)).await;
            }
            let login = {
                let mut state = self.state();
                if !state.token.as_ref().is_some_and(|token| token.is_due() && !token.is_over()) {
                    return;
                }
                self.login(&mut state, true)
            };
            let Err(failed) = login.await else { return };
            tracing::warn!(
                host = self.url.authority(),
                error = %failed.error.cause(),
                status = failed.error.status(),
                "renewal failed; the token is used to its end"
            );
            if !failed.may_pass {
                if let Some(token) = &mut self.state().token {
                    token.renew_at = token.ends_at;
                }
                return;
            }
        }
    }

    /// Logs in, and tries again after failures that may pass, unless it is a renewal. With an error comes what is to be
    /// done next.
    async fn log_in(&self, is_renewal: bool) -> Result<Token, (Error, Next)> {
        let mut attempts = self.retries.begin(true);
        loop {
            let due = self.state().due.filter(|due| *due > Instant::now());
            if let Some(due) = due {
                let expected = Some(due - Instant::now());
                let reason = WaitReason::Login;
                self.herald.tell(&Wait { operation: LOGIN.id(), reason, expected });
                tokio::time::sleep_until(due).await;
            }
            self.state().due = None;
            attempts.begun();
            let error = match self.attempt().await {
                Ok(token) => {
                    attempts.answered();
                    return Ok(token);
                }
                Err(error) => error,
            };
            let next = match is_renewal {
                true => attempts.after_renewal(&error, self.state().failures),
                false => attempts.after(&error),
            };
            match next {
                Next::Again(after) if !is_renewal => {
                    self.state().due = Instant::now().checked_add(after);
                }
                next => return Err((error, next)),
            }
        }
    }

    async fn attempt(&self) -> Result<Token, Error> {
        let asked_at = Instant::now();
        let secret = self.client_secret.expose_secret();
        let outcome = async {
            let request = self
                .exchange
                .request(LOGIN.method(), self.url.clone())?
                .basic_auth(&self.client_id, Some(secret))
                .header(ACCEPT, "application/json")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body("grant_type=client_credentials");
            let reply = self.exchange.send(&LOGIN, request, None).await?.accepted()?;
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
        token.remember_in(self.exchange.secrets());
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
    let token = Token {
        renew_at: asked_at.checked_add(life - margin),
        ends_at: asked_at.checked_add(life),
        ..token
    };
    match token.is_over() {
        true => Err(DecodeError::new("its `access_token` had ended before the reply came")),
        false => Ok(token),
    }
}

fn seconds(json: &Value) -> Option<Duration> {
    let seconds = json.as_f64().or_else(|| json.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
