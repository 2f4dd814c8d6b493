//! Limits that some operations have of their own, as far as 429s have told of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pacer::{Closure, Delay, Pacer, SlowStart};
use crate::error::ErrorLimit;
use crate::wait::WaitReason;

/// The limits on all calls of a token or a user, by their keys
/// (<https://developer.genesys.cloud/organization/organization/limits#platform-api>, as users quote it).
const OF_TOKEN: [&str; 4] = [
    "client.credentials.token.rate.per.minute",
    "org.app.user.rate.per.minute",
    "org.user.rate.per.minute",
    "token.rate.per.minute",
];

/// Names come from outside: no more are kept, and no longer ones.
const MOST_FAMILIES: usize = 256;
const LONGEST_NAME: usize = 200;

/// An operation belongs to as many of them at most.
const MOST_PER_OPERATION: usize = 4;

/// Whether the limit of this key counts all calls, whatever they are.
pub(super) fn limits_token(key: &str) -> bool {
    OF_TOKEN.contains(&key)
}

/// The limits that operations have of their own. An operation may have several, and share them.
#[derive(Debug, Default)]
pub(super) struct OperationLimits {
    by_name: HashMap<Arc<str>, SharedLimit>,
    of_operation: HashMap<String, Vec<Arc<str>>>,
}

#[derive(Debug, Default)]
struct SharedLimit {
    gate: SlowStart,
    /// Where the API has told how many calls it allows.
    rate: Option<Rate>,
}

#[derive(Debug)]
struct Rate {
    pace: Pacer,
    spacing: Duration,
}

impl OperationLimits {
    pub(super) fn is_empty(&self) -> bool {
        self.of_operation.is_empty()
    }

    /// Whether an operation has limits of its own.
    pub(super) fn has(&self, operation: &str) -> bool {
        self.of_operation.contains_key(operation)
    }

    fn of(&self, operation: &str) -> impl Iterator<Item = &SharedLimit> {
        let names = self.of_operation.get(operation).into_iter().flatten();
        names.filter_map(|name| self.by_name.get(name))
    }

    fn each_of(&mut self, operation: &str, mut change: impl FnMut(&mut SharedLimit)) {
        for name in self.of_operation.get(operation).into_iter().flatten() {
            if let Some(family) = self.by_name.get_mut(name) {
                change(family);
            }
        }
    }

    /// What keeps the calls of an operation from going.
    pub(super) fn obstacle(&self, operation: &str, now: Instant) -> Option<Delay<WaitReason>> {
        let waits = self.of(operation).filter_map(|family| {
            let rate = || family.rate.as_ref()?.pace.wait(now);
            family.gate.wait(now).or_else(rate)
        });
        let until = waits.max()?;
        Some(Delay { until: Some(until), reason: WaitReason::Endpoint })
    }

    /// Whether calls of an operation are refused rather than held: for how long, and why.
    pub(super) fn closed(&self, operation: &str, now: Instant) -> Option<(Duration, &Closure)> {
        self.of(operation)
            .filter_map(|family| family.gate.closed(now))
            .max_by_key(|(time, _)| *time)
    }

    /// The time between two calls of an operation that its own limits come to.
    pub(super) fn spacing(&self, operation: &str) -> Duration {
        let rates = self.of(operation).filter_map(|family| family.rate.as_ref());
        rates.map(|rate| rate.spacing).max().unwrap_or_default()
    }

    /// Whether two operations have a limit in common.
    pub(super) fn share(&self, one: &str, other: &str) -> bool {
        let names = |operation| self.of_operation.get(operation).into_iter().flatten();
        one == other || names(one).any(|name| names(other).any(|it| it == name))
    }

    pub(super) fn take(&mut self, operation: &str, now: Instant) {
        self.each_of(operation, |family| {
            family.gate.take(now);
            if let Some(rate) = &mut family.rate {
                rate.pace.take(rate.spacing, now);
            }
        });
    }

    pub(super) fn back(&mut self, operation: &str, sent_at: Instant, was_allowed: bool) {
        self.each_of(operation, |family| family.gate.back(sent_at, was_allowed));
        if was_allowed {
            self.forget_open(operation);
        }
    }

    /// A limit without a rate is not worth remembering once calls pass again.
    fn forget_open(&mut self, operation: &str) {
        let Some(names) = self.of_operation.get_mut(operation) else { return };
        names.retain(|name| match self.by_name.get(name) {
            Some(family) if family.rate.is_some() || !family.gate.is_open() => true,
            _ => {
                self.by_name.remove(name);
                false
            }
        });
        if names.is_empty() {
            self.of_operation.remove(operation);
        }
    }

    /// No call that has this limit goes before then. Without one, it is taken to be the operation's own.
    pub(super) fn shut(
        &mut self,
        operation: &str,
        limit: Option<&ErrorLimit>,
        until: Instant,
        closure: Option<&Closure>,
    ) {
        let name = limit.and_then(name).unwrap_or_else(|| format!("operation {operation}").into());
        if self.by_name.len().max(self.of_operation.len()) >= MOST_FAMILIES {
            // They are learnt again where they matter.
            *self = Self::default();
        }
        let names = self.of_operation.entry(operation.to_owned()).or_default();
        if !names.contains(&name) {
            names.truncate(MOST_PER_OPERATION - 1);
            names.insert(0, name.clone());
        }
        let family = self.by_name.entry(name).or_default();
        family.gate.shut(until, closure);
        if let Some((spacing, burst)) = limit.and_then(rate) {
            let early = spacing.saturating_mul(burst);
            family.rate = Some(Rate { pace: Pacer::new(until + early, early), spacing });
        }
    }
}

fn name(limit: &ErrorLimit) -> Option<Arc<str>> {
    let key = limit.key.as_deref()?;
    let namespace = limit.namespace.as_deref().unwrap_or_default();
    let name = format!("limit {namespace} {key}");
    (name.len() <= LONGEST_NAME).then(|| name.into())
}

/// The time between two calls that a limit comes to, and how many calls may go without it: together they
/// are no more than the limit in any window. Limits of longer windows than a minute are not spread over
/// it: a day's calls may all be wanted in its first hour.
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
    fn a_rate_is_read_from_the_name_and_the_value_of_a_limit() {
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
    fn a_rate_holds_in_every_window() {
        for allowed in [1, 2, 3, 5, 10, 30, 100, 1000] {
            let start = Instant::now();
            let mut families = OperationLimits::default();
            let operation = "putThings";
            let limit = limit("things.rate.per.minute", &allowed.to_string());
            families.shut(operation, Some(&limit), start, None);
            let mut sent = Vec::new();
            let mut now = start;
            while now < start + Duration::from_secs(300) {
                match families.obstacle("putThings", now) {
                    Some(obstacle) => now = obstacle.until.expect("a time"),
                    None => {
                        families.take("putThings", now);
                        families.back("putThings", now, true);
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
    fn what_comes_from_outside_takes_no_more_than_its_room() {
        let now = Instant::now();
        let mut families = OperationLimits::default();
        for number in 0..10_000 {
            let operation = format!("operation{}", number % 700);
            let limit = limit(&format!("limit{number}.per.minute"), "100");
            families.shut(&operation, Some(&limit), now, None);
            assert!(families.by_name.len() <= MOST_FAMILIES);
            assert!(families.of_operation.len() <= MOST_FAMILIES);
            assert!(families.of_operation.values().all(|names| names.len() <= MOST_PER_OPERATION));
        }
        let endless = limit(&"x".repeat(1_000_000), "100");
        families.shut("getThings", Some(&endless), now, None);
        assert!(families.by_name.keys().all(|name| name.len() < 1000));
    }

    #[test]
    fn a_limit_without_a_rate_is_forgotten_once_calls_pass() {
        let now = Instant::now();
        let mut families = OperationLimits::default();
        families.shut("getThings", None, now, None);
        assert!(families.has("getThings") && !families.has("getOthers"));
        for _ in 0..6 {
            families.take("getThings", now);
            families.back("getThings", now, true);
        }
        assert!(families.is_empty() && families.by_name.is_empty());
    }
}
