//! Fuzz target: the limiter with arbitrary rate limit headers.

#![allow(clippy::expect_used, missing_docs, unreachable_pub)]

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::headers::WindowHeaders;
use super::limiter::{Caps, Limiter, Outcome, Turn};
use super::pacer::FailFast;
use crate::error::{Error, ErrorLimit};
use crate::response::ResponseHead;
use crate::retry::MAX_PAUSE;

const OPERATIONS: [&str; 2] = ["getThings", "postThings"];

/// A call fails if the API asks for a longer wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(180);

/// The longest delay: the longest window, plus the time between two calls under the slowest limit that is paced.
const LONGEST_WAIT: Duration = Duration::from_secs(300 + 60);

/// Bound on successive delays of one call.
const LOOKS: usize = 100;

/// Input: responses, separated by zero bytes. Each begins with a line of numbers: status, milliseconds since the one
/// before, and how many further calls are tried meanwhile. Headers follow, one per line, and `limit: key value` for a
/// limit named in the body.
pub fn headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let caps = Caps { reserve: 10, spacing: None, concurrent: 64 };
    let mut calls = Calls { limiter: Limiter::new(caps), now: Instant::now(), sent: Vec::new() };
    for (number, answer) in text.split('\0').take(64).enumerate() {
        let mut lines = answer.lines();
        let mut numbers = lines.next().unwrap_or_default().split(' ').map(str::parse);
        let mut number_or = |usual: u32| numbers.next().and_then(Result::ok).unwrap_or(usual);
        let status = u16::try_from(number_or(200)).ok().map(StatusCode::from_u16);
        let Some(Ok(status)) = status else { return };
        let passed = Duration::from_millis(number_or(100).into());
        let further = number_or(0);
        calls.go(OPERATIONS[number % 2]);
        for further in 0..further.min(70) {
            calls.try_to_go(OPERATIONS[further as usize % 2]);
        }
        calls.now += passed;
        let (head, limit) = head(status, lines);
        calls.completed(number, &head, limit.as_ref());
    }
    calls.end();
}

fn head<'a>(
    status: StatusCode,
    lines: impl Iterator<Item = &'a str>,
) -> (ResponseHead, Option<ErrorLimit>) {
    let mut headers = HeaderMap::new();
    let mut limit = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let Some((key, value)) = value.trim().split_once(' ').filter(|_| name == "limit") {
            let named = limit.get_or_insert_with(ErrorLimit::default);
            (named.key, named.value) = (Some(key.to_owned()), Some(value.to_owned()));
        } else if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name), HeaderValue::try_from(value.trim()))
        {
            headers.append(name, value);
        }
    }
    let head = ResponseHead::new(status, headers);
    let _ = (head.date(), head.correlation_id(), head.url_end("location"), head.location());
    (head, limit)
}

struct Calls {
    limiter: Limiter,
    now: Instant,
    /// Calls in flight.
    sent: Vec<(&'static str, Instant)>,
}

impl Calls {
    /// Sends a call after all its delays, unless it waits for other calls in flight.
    fn go(&mut self, operation: &'static str) {
        let ticket = self.limiter.ticket();
        self.limiter.join(ticket, operation);
        for _ in 0..LOOKS {
            match self.limiter.poll(ticket, operation, self.now) {
                Turn::Go => return self.sent.push((operation, self.now)),
                Turn::Wait { until: Some(until), .. } => {
                    assert!(until > self.now, "a delay ends in the past");
                    assert!(until <= self.now + LONGEST_WAIT, "{:?}", until - self.now);
                    self.now = until;
                }
                Turn::Wait { until: None, .. } => {
                    assert!(!self.sent.is_empty(), "waits for calls in flight, but there are none");
                    return self.limiter.leave(ticket, operation);
                }
                Turn::Refused { remaining } => {
                    assert!(remaining > LONGEST_PAUSE && remaining <= MAX_PAUSE);
                    self.now += remaining - LONGEST_PAUSE;
                }
            }
        }
        assert!(!self.sent.is_empty(), "a call waits forever");
        self.limiter.leave(ticket, operation);
    }

    fn try_to_go(&mut self, operation: &'static str) {
        let ticket = self.limiter.ticket();
        self.limiter.join(ticket, operation);
        match self.limiter.poll(ticket, operation, self.now) {
            Turn::Go => self.sent.push((operation, self.now)),
            Turn::Wait { .. } | Turn::Refused { .. } => self.limiter.leave(ticket, operation),
        }
    }

    /// Ends one of the calls.
    fn completed(&mut self, number: usize, head: &ResponseHead, limit: Option<&ErrorLimit>) {
        if self.sent.is_empty() {
            return;
        }
        let (operation, sent_at) = self.sent.swap_remove(number % self.sent.len());
        let (serial, headers) = (1 + number as u64 / 16, WindowHeaders::of(head));
        let fail_fast =
            FailFast { error: Arc::new(Error::config(String::new())), max_wait: LONGEST_PAUSE };
        let outcome = match head.status.as_u16() {
            401 => Outcome::Unauthorized,
            408 => Outcome::Unanswered,
            429 => {
                let pause = head.retry_after().unwrap_or(Duration::from_secs(1));
                let fail_fast = Some(&fail_fast).filter(|_| pause > LONGEST_PAUSE);
                let pause = Some(pause.min(MAX_PAUSE));
                Outcome::Limited { serial, headers, pause, fail_fast, limit }
            }
            _ => Outcome::Answered { serial, headers },
        };
        self.limiter.settle(operation, sent_at, &outcome, self.now);
        let _ = self.limiter.awake(self.now);
    }

    /// Drops all calls in flight; then one more can be sent.
    fn end(mut self) {
        for (operation, sent_at) in std::mem::take(&mut self.sent) {
            self.limiter.settle(operation, sent_at, &Outcome::Unanswered, self.now);
        }
        self.go(OPERATIONS[0]);
        assert_eq!(self.sent.len(), 1);
    }
}
