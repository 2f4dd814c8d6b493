//! A simulated API with a rate limit.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::head;
use crate::response::ResponseHead;

/// A deterministic random number generator.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns one of `0..=most` (SplitMix64).
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % (most + 1)
    }
}

/// The limit of the API.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// Fixed windows; each starts with the first call after the end of the last.
    Windows { allowed: u64, length: Duration },
    /// A token bucket.
    Bucket { capacity: u64, per_second: u64 },
}

/// How the time to the reset is rounded to seconds.
#[derive(Clone, Copy)]
pub(super) enum Rounding {
    Up,
    UpAndOne,
    Down,
    /// The headers are missing.
    Unreported,
}

pub(super) struct Service {
    limit: Limit,
    rounding: Rounding,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Accepted calls by window.
    used: Vec<u64>,
    refused: u64,
    start: Option<Instant>,
    /// The used part of a bucket, and when that was measured.
    level: f64,
    at: Option<Instant>,
}

impl Service {
    pub(super) fn new(limit: Limit, rounding: Rounding) -> Self {
        Self { limit, rounding, state: Mutex::default() }
    }

    pub(super) fn used(&self) -> Vec<u64> {
        self.state().used.clone()
    }

    pub(super) fn refused(&self) -> u64 {
        self.state().refused
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while it is held")
    }

    /// Answers a call that arrives now.
    pub(super) fn answer(&self) -> ResponseHead {
        let now = Instant::now();
        let state = &mut *self.state();
        let (count, allowed, left) = match self.limit {
            Limit::Windows { allowed, length } => {
                if state.start.is_none_or(|start| now >= start + length) {
                    state.start = Some(now);
                    state.used.push(0);
                }
                let used = state.used.last_mut().expect("a window");
                *used += 1;
                (*used, allowed, state.start.expect("a window") + length - now)
            }
            Limit::Bucket { capacity, per_second } => {
                let passed = state.at.map_or(0.0, |at| (now - at).as_secs_f64());
                state.level = (state.level - passed * per_second as f64).max(0.0) + 1.0;
                state.at = Some(now);
                if state.used.is_empty() {
                    state.used.push(0);
                }
                state.used[0] += 1;
                let full = Duration::from_secs_f64(state.level / per_second as f64);
                (state.level.ceil() as u64, capacity, full)
            }
        };
        let up = left.as_millis().div_ceil(1_000) as u64;
        let reset = match self.rounding {
            Rounding::Up | Rounding::Unreported => up,
            Rounding::UpAndOne => up + 1,
            Rounding::Down => left.as_secs(),
        };
        let mut headers = vec![
            ("inin-ratelimit-count", count),
            ("inin-ratelimit-allowed", allowed),
            ("inin-ratelimit-reset", reset),
        ];
        if matches!(self.rounding, Rounding::Unreported) {
            headers.clear();
        }
        if count <= allowed {
            return head(200, &headers);
        }
        state.refused += 1;
        *state.used.last_mut().expect("a window") -= 1;
        state.level -= 1.0;
        headers.push(("retry-after", up.max(1)));
        head(429, &headers)
    }
}
