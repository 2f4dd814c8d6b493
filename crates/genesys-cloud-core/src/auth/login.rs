//! Logins shared by all calls, and renewal of the token.

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
use crate::retry::{MAX_PAUSE, Next, Reason, Retries};
use crate::wait::{Wait, WaitObserver, WaitReason};

/// An operation that rejects new tokens gets no new login for this long. The time doubles, up to the maximum.
const INITIAL_SUSPENSION: Duration = Duration::from_secs(60);
const MAX_SUSPENSION: Duration = Duration::from_secs(3_600);

/// Maximum number of suspended operations, since programs may generate operationIds.
const MAX_SUSPENDED: usize = 256;

/// The login of a client and its token. Dropping it cancels a renewal in progress.
pub(crate) struct Login {
    shared: Arc<Shared>,
    /// Operations that reject every token, with the time until which they trigger no login. The API answers some calls
    /// with 401 for other reasons than the token.
    suspended: Mutex<HashMap<String, Suspension>>,
}

/// The source of tokens, and the state of the login.
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
    /// Number of tokens so far.
    tokens: u64,
    /// The login in progress. It is dropped when all of its callers are.
    login: Option<WeakShared<LoggingIn>>,
    /// When a failed login may be retried. Kept when the caller that made it is dropped.
    due: Option<Instant>,
    /// Number of consecutive failed renewals.
    failures: u32,
    /// End of a pause that the login host asked for, if it is longer than calls wait, and the error.
    closed: Option<(Instant, Arc<Error>)>,
    /// The background renewal, if one is running.
    renewal: Option<AbortHandle>,
}

/// A login that several callers wait for.
type LoggingIn = BoxFuture<'static, Result<Token, Failed>>;

/// A failed login, shared by its callers.
#[derive(Clone)]
struct Failed {
    error: Arc<Error>,
    /// Whether it was a single attempt while the old token was still valid.
    was_renewal: bool,
    /// Whether a retry may help.
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
            // Another call may already have a newer token.
            let state = self.shared.state();
            let other = |token: &Token| !token.is_expired() && token.serial != refused.serial;
            return Ok(state.token.as_ref().is_some_and(other));
        }
        self.token(Some(refused)).await.map(|_| true)
    }

    pub(super) fn suspend(&self, operation: &Operation) {
        let mut suspended = self.suspended();
        let now = Instant::now();
        let length = match suspended.get(operation.id()) {
            // Concurrent failures count as one.
            Some(Suspension { until, .. }) if now < *until => return,
            Some(Suspension { length, .. }) => (*length * 2).min(MAX_SUSPENSION),
            None => INITIAL_SUSPENSION,
        };
        if suspended.len() >= MAX_SUSPENDED {
            suspended.clear();
        }
        suspended.insert(operation.id().to_owned(), Suspension { until: now + length, length });
        tracing::warn!(
            operation = operation.id(),
            seconds = length.as_secs(),
            "a new token was rejected too; suspending logins for this operation"
        );
    }

    /// Records that an operation accepted a token.
    pub(super) fn accepted(&self, operation: &Operation) {
        self.suspended().remove(operation.id());
    }

    pub(super) fn source(&self) -> &TokenSource {
        &self.shared.source
    }

    fn suspended(&self) -> MutexGuard<'_, HashMap<String, Suspension>> {
        self.suspended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current token, unless it is `refused`. A token that expires soon is renewed in the background and used
    /// until then. Without a token, all callers wait for one login and share its failure: separate retries would exceed
    /// the rate limit of the login host.
    pub(super) async fn token(&self, refused: Option<&Token>) -> Result<Token, Error> {
        loop {
            let login = {
                let mut state = self.shared.state();
                let is_gone = |token: &Token| {
                    token.is_expired()
                        || refused.is_some_and(|refused| refused.serial == token.serial)
                };
                if state.token.as_ref().is_some_and(is_gone) {
                    state.token = None;
                }
                match state.token.clone() {
                    Some(token) => {
                        if token.needs_renewal() {
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
                // The token expired during its renewal. A login that calls wait for is retried more often.
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
    /// A poisoned lock is safe to use: the state is consistent whenever the lock is released.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the login in progress, or starts one. A renewal makes a single attempt.
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
                            let wait = error.retry_after().map(|wait| wait.min(MAX_PAUSE));
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

    /// Starts a background renewal, unless one is running.
    fn renew_in_background(self: &Arc<Self>, state: &mut State) {
        if state.renewal.as_ref().is_some_and(|renewal| !renewal.is_finished()) {
            return;
        }
        // Calls run in a runtime. If that one has ended, the next call starts a renewal.
        let Ok(runtime) = Handle::try_current() else { return };
        let this = self.clone();
        state.renewal =
            Some(runtime.spawn(async move { this.renew_until_due().await }).abort_handle());
    }

    /// Retries the renewal until the token expires. After that, calls log in.
    async fn renew_until_due(self: Arc<Self>) {
        let Some(expires_at) = self.state().token.as_ref().and_then(|token| token.expires_at)
        else {
            return;
        };
        loop {
            let due = self.state().due.filter(|due| *due > Instant::now());
            if let Some(due) = due {
                tokio::time::sleep_until(due.min(expires_at)).await;
            }
            let login = {
                let mut state = self.state();
                if !state
                    .token
                    .as_ref()
                    .is_some_and(|token| token.needs_renewal() && !token.is_expired())
                {
                    return;
                }
                self.login(&mut state, true)
            };
            let Err(failed) = login.await else { return };
            tracing::warn!(
                host = self.source.name(),
                error = %failed.error.kind(),
                status = failed.error.status(),
                "token renewal failed; using the token until it expires"
            );
            if !failed.may_pass {
                if let Some(token) = &mut self.state().token {
                    token.renew_at = token.expires_at;
                }
                return;
            }
        }
    }

    /// Logs in and retries temporary failures, unless it is a renewal. Errors come with the next step.
    async fn log_in(&self, is_renewal: bool) -> Result<Token, (Error, Next)> {
        let mut attempts = self.retries.begin(true);
        loop {
            let due = self.state().due.filter(|due| *due > Instant::now());
            if let Some(due) = due {
                let expected = Some(due - Instant::now());
                let reason = WaitReason::Login;
                self.wait_observer.notify(&Wait { operation: LOGIN.id(), reason, expected });
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
