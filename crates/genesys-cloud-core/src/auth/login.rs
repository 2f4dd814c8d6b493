//! Logins that are shared by all calls, and the renewal of the token that they give.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, WeakShared};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Token;
use super::credentials::{LOGIN, TokenSource};
use crate::error::Error;
use crate::http_client::HttpClient;
use crate::operation::Operation;
use crate::retry::{LONGEST_CLOSURE, Next, Reason, Retries};
use crate::wait::{Wait, WaitObserver, WaitReason};

/// An operation that refuses new tokens too gets no new one for this long, then for twice as long.
const FIRST_SUSPENSION: Duration = Duration::from_secs(60);
const LONGEST_SUSPENSION: Duration = Duration::from_secs(3_600);

/// Of no more operations it is kept: their names may be made up by the caller.
const MOST_SUSPENDED: usize = 256;

/// The login of a client, and the token it gave. Dropping it ends a renewal that is under way.
pub(crate) struct Login {
    shared: Arc<Shared>,
    /// Operations that are refused whatever the token, for which no login is made until then. The API
    /// answers 401 to some calls for other reasons than the token.
    suspended: Mutex<HashMap<String, Suspension>>,
}

/// Where tokens come from, and the state of the login.
struct Shared {
    http_client: HttpClient,
    source: TokenSource,
    retries: Arc<Retries>,
    wait_observer: WaitObserver,
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
        http_client: HttpClient,
        source: TokenSource,
        retries: Arc<Retries>,
        wait_observer: WaitObserver,
    ) -> Self {
        let state = Mutex::default();
        let shared = Shared { http_client, source, retries, wait_observer, state };
        Self { shared: Arc::new(shared), suspended: Mutex::default() }
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

    pub(super) fn source(&self) -> &TokenSource {
        &self.shared.source
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
                host = self.source.name(),
                error = %failed.error.kind(),
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
                self.wait_observer.tell(&Wait { operation: LOGIN.id(), reason, expected });
                tokio::time::sleep_until(due).await;
            }
            self.state().due = None;
            attempts.begun();
            let error = match self.source.request(&self.http_client).await {
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
}
