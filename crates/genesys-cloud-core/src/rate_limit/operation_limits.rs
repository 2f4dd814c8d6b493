//! Limits of single operations, learned from 429s.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pacer::{Delay, FailFast, Pacer, SlowStart};
use crate::error::ErrorLimit;
use crate::wait::WaitReason;

/// Keys of the limits on all calls of a token or a user
/// (<https://developer.genesys.cloud/organization/organization/limits#platform-api>, as quoted by users).
const TOKEN_KEYS: [&str; 4] = [
    "client.credentials.token.rate.per.minute",
    "org.app.user.rate.per.minute",
    "org.user.rate.per.minute",
    "token.rate.per.minute",
];

/// Bounds on names and their number, since they come from responses.
const MAX_LIMITS: usize = 256;
const MAX_NAME_LEN: usize = 200;

/// Maximum number of limits per operation.
const MAX_PER_OPERATION: usize = 4;

/// Whether the limit of this key counts all calls of the token.
pub(super) fn limits_token(key: &str) -> bool {
    TOKEN_KEYS.contains(&key)
}

/// The limits of single operations. An operation may have several, and operations may share one.
#[derive(Debug, Default)]
pub(super) struct OperationLimits {
    by_name: HashMap<Arc<str>, SharedLimit>,
    of_operation: HashMap<String, Vec<Arc<str>>>,
}

#[derive(Debug, Default)]
struct SharedLimit {
    slow_start: SlowStart,
    /// Set if the API reports the number of calls allowed.
    rate: Option<Rate>,
}

#[derive(Debug)]
struct Rate {
    pacer: Pacer,
    spacing: Duration,
}

impl OperationLimits {
    pub(super) fn is_empty(&self) -> bool {
        self.of_operation.is_empty()
    }

    /// Whether an operation has its own limit.
    pub(super) fn has(&self, operation: &str) -> bool {
        self.of_operation.contains_key(operation)
    }

    fn of(&self, operation: &str) -> impl Iterator<Item = &SharedLimit> {
        let names = self.of_operation.get(operation).into_iter().flatten();
        names.filter_map(|name| self.by_name.get(name))
    }

    fn each_of(&mut self, operation: &str, mut change: impl FnMut(&mut SharedLimit)) {
        for name in self.of_operation.get(operation).into_iter().flatten() {
            if let Some(shared) = self.by_name.get_mut(name) {
                change(shared);
            }
        }
    }

    /// Returns the delay that applies to an operation.
    pub(super) fn delay(&self, operation: &str, now: Instant) -> Option<Delay<WaitReason>> {
        let waits = self.of(operation).filter_map(|shared| {
            let rate = || shared.rate.as_ref()?.pacer.wait(now);
            shared.slow_start.wait(now).or_else(rate)
        });
        let until = waits.max()?;
        Some(Delay { until: Some(until), reason: WaitReason::OperationLimit })
    }

    /// Returns how long calls of an operation fail instead of waiting, and the reason.
    pub(super) fn closed(&self, operation: &str, now: Instant) -> Option<(Duration, &FailFast)> {
        self.of(operation)
            .filter_map(|shared| shared.slow_start.closed(now))
            .max_by_key(|(time, _)| *time)
    }

    /// Returns the time between two calls of an operation under its own limits.
    pub(super) fn spacing(&self, operation: &str) -> Duration {
        let rates = self.of(operation).filter_map(|shared| shared.rate.as_ref());
        rates.map(|rate| rate.spacing).max().unwrap_or_default()
    }

    /// Whether two operations share a limit.
    pub(super) fn share(&self, one: &str, other: &str) -> bool {
        let names = |operation| self.of_operation.get(operation).into_iter().flatten();
        one == other || names(one).any(|name| names(other).any(|it| it == name))
    }

    pub(super) fn take(&mut self, operation: &str, now: Instant) {
        self.each_of(operation, |shared| {
            shared.slow_start.take(now);
            if let Some(rate) = &mut shared.rate {
                rate.pacer.take(rate.spacing, now);
            }
        });
    }

    pub(super) fn completed(&mut self, operation: &str, sent_at: Instant, was_allowed: bool) {
        self.each_of(operation, |shared| shared.slow_start.completed(sent_at, was_allowed));
        if was_allowed {
            self.forget_open(operation);
        }
    }

    /// Drops limits without a rate once calls pass again.
    fn forget_open(&mut self, operation: &str) {
        let Some(names) = self.of_operation.get_mut(operation) else { return };
        names.retain(|name| match self.by_name.get(name) {
            Some(shared) if shared.rate.is_some() || !shared.slow_start.is_open() => true,
            _ => {
                self.by_name.remove(name);
                false
            }
        });
        if names.is_empty() {
            self.of_operation.remove(operation);
        }
    }

    /// Blocks the calls under this limit until then. An unnamed limit is taken to be the operation's own.
    pub(super) fn close(
        &mut self,
        operation: &str,
        limit: Option<&ErrorLimit>,
        until: Instant,
        fail_fast: Option<&FailFast>,
    ) {
        let name = limit.and_then(name).unwrap_or_else(|| format!("operation {operation}").into());
        if self.by_name.len().max(self.of_operation.len()) >= MAX_LIMITS {
            // Limits that still matter are learned again.
            *self = Self::default();
        }
        let names = self.of_operation.entry(operation.to_owned()).or_default();
        if !names.contains(&name) {
            names.truncate(MAX_PER_OPERATION - 1);
            names.insert(0, name.clone());
        }
        let shared = self.by_name.entry(name).or_default();
        shared.slow_start.close(until, fail_fast);
        if let Some((spacing, burst)) = limit.and_then(rate) {
            let early = spacing.saturating_mul(burst);
            shared.rate = Some(Rate { pacer: Pacer::new(until + early, early), spacing });
        }
    }
}

fn name(limit: &ErrorLimit) -> Option<Arc<str>> {
    let key = limit.key.as_deref()?;
    let namespace = limit.namespace.as_deref().unwrap_or_default();
    let name = format!("limit {namespace} {key}");
    (name.len() <= MAX_NAME_LEN).then(|| name.into())
}

/// Returns the time between two calls under a limit, and the number of calls that may go without it. Together they
/// never exceed the limit in any window. Limits per hour or day are not paced: a program may want a day's calls in the
/// first hour.
fn rate(limit: &ErrorLimit) -> Option<(Duration, u32)> {
    let key = limit.key.as_deref()?;
    let window = match key.rsplit('.').next()? {
        "minute" => Duration::from_secs(60),
        "second" => Duration::from_secs(1),
        _ => return None,
    };
    let allowed: u32 = limit.value.as_deref()?.trim().parse().ok()?;
    let burst = allowed / 10;
    let spacing = window / allowed.checked_sub(burst + 1)?.max(1);
    Some((spacing, burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(key: &str, value: &str) -> ErrorLimit {
        let mut limit = ErrorLimit::default();
        (limit.key, limit.value) = (Some(key.to_owned()), Some(value.to_owned()));
        limit
    }

    #[test]
    fn reads_a_rate_from_the_key_and_value_of_a_limit() {
        let ms = Duration::from_millis;
        for (key, value, expected) in [
            ("ivrs.update.rate.per.minute", "100", Some((ms(60_000) / 89, 10))),
            ("things.rate.per.second", "5", Some((ms(250), 0))),
            ("things.rate.per.minute", "2", Some((ms(60_000), 0))),
            ("things.rate.per.minute", "1", Some((ms(60_000), 0))),
            ("things.rate.per.minute", "0", None),
            ("things.rate.per.minute", "-1", None),
            ("things.rate.per.minute", "many", None),
            ("things.rate.per.minute", "99999999999999999999", None),
            ("things.rate.per.day", "100", None),
            ("things.max", "100", None),
            ("", "", None),
        ] {
            assert_eq!(rate(&limit(key, value)), expected, "{key} {value}");
        }
    }

    #[test]
    fn the_rate_is_kept_in_every_window() {
        for allowed in [1, 2, 3, 5, 10, 30, 100, 1000] {
            let start = Instant::now();
            let mut operation_limits = OperationLimits::default();
            let operation = "putThings";
            let limit = limit("things.rate.per.minute", &allowed.to_string());
            operation_limits.close(operation, Some(&limit), start, None);
            let mut sent = Vec::new();
            let mut now = start;
            while now < start + Duration::from_secs(300) {
                match operation_limits.delay("putThings", now) {
                    Some(delay) => now = delay.until.expect("a time"),
                    None => {
                        operation_limits.take("putThings", now);
                        operation_limits.completed("putThings", now, true);
                        sent.push(now);
                    }
                }
            }
            let most = (0..sent.len())
                .map(|first| {
                    let end = sent[first] + Duration::from_secs(60);
                    sent[first..].iter().take_while(|at| **at < end).count()
                })
                .max();
            assert!(most <= Some(allowed), "{most:?} of {allowed}");
            assert!(sent.len() + 5 >= allowed * 5 * 8 / 10, "{} of {allowed} x 5", sent.len());
        }
    }

    #[test]
    fn limits_from_responses_use_bounded_memory() {
        let now = Instant::now();
        let mut operation_limits = OperationLimits::default();
        for number in 0..10_000 {
            let operation = format!("operation{}", number % 700);
            let limit = limit(&format!("limit{number}.per.minute"), "100");
            operation_limits.close(&operation, Some(&limit), now, None);
            assert!(operation_limits.by_name.len() <= MAX_LIMITS);
            assert!(operation_limits.of_operation.len() <= MAX_LIMITS);
            assert!(
                operation_limits
                    .of_operation
                    .values()
                    .all(|names| names.len() <= MAX_PER_OPERATION)
            );
        }
        let endless = limit(&"x".repeat(1_000_000), "100");
        operation_limits.close("getThings", Some(&endless), now, None);
        assert!(operation_limits.by_name.keys().all(|name| name.len() < 1000));
    }

    #[test]
    fn forgets_a_limit_without_a_rate_once_calls_pass() {
        let now = Instant::now();
        let mut operation_limits = OperationLimits::default();
        operation_limits.close("getThings", None, now, None);
        assert!(operation_limits.has("getThings") && !operation_limits.has("getOthers"));
        for _ in 0..6 {
            operation_limits.take("getThings", now);
            operation_limits.completed("getThings", now, true);
        }
        assert!(operation_limits.is_empty() && operation_limits.by_name.is_empty());
    }
}
