//! The measured figures and their targets.

use std::fmt;

use genesys_cloud_mock::RateLimitHeaders;

use crate::case::{Case, Clients, Limit, RESERVE, Sample};

/// The minimum share to use of what the reserve leaves.
const SHARE: f64 = 0.98;

pub struct Figures {
    case: Case,
    passed: u64,
    /// The share of what the limit allowed.
    raw: f64,
    /// The share of what the limit allowed, minus the reserve.
    share: f64,
    /// The same from the second minute on, when the initial content of a bucket is used up.
    later: f64,
    refused: u64,
    /// The most 429s in a minute.
    refused_at_most: u64,
}

impl Figures {
    pub const HEAD: &str = "\
        | calls/s | limit | clients | headers | calls | share | share minus reserve | target | from the \
        second minute on | 429s | max per minute | target | |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

    pub const LEGEND: &str = "\
        A limit allows 60 times its rate in each window of a minute, or in a bucket that is refilled by the \
        same number per minute. The shares are: of all calls allowed; of all calls allowed minus the reserve \
        (10 calls of each window, or of a bucket in total, which the client leaves to others); and the \
        latter from the second minute on, when the initial content of a bucket is used up.";

    pub fn of(case: &Case, samples: &[Sample]) -> Self {
        let last = samples.last().copied().unwrap_or_default();
        let first = samples.first().copied().unwrap_or_default();
        let (minutes, allowed) = (samples.len() as u64, case.allowed());
        let (all, reserved, later) = match case.limit {
            Limit::Window => {
                (allowed * minutes, RESERVE * minutes, (allowed - RESERVE) * (minutes - 1))
            }
            Limit::Bucket => (allowed * (minutes + 1), RESERVE, allowed * (minutes - 1)),
        };
        let mut before = 0;
        let by_minute = samples.iter().map(|sample| {
            sample.refused - std::mem::replace(&mut before, sample.refused)
        });
        Self {
            case: *case,
            passed: last.passed,
            raw: last.passed as f64 / all as f64,
            share: last.passed as f64 / (all - reserved) as f64,
            later: (last.passed - first.passed) as f64 / later as f64,
            refused: last.refused,
            refused_at_most: by_minute.max().unwrap_or_default(),
        }
    }

    /// The maximum number of 429s in a minute; `None` for a limit without headers, which the client can only find by
    /// hitting it.
    fn most_refused(&self) -> Option<u64> {
        match (self.case.headers, self.case.clients) {
            (RateLimitHeaders::None, _) => None,
            (_, Clients::One) => Some(0),
            (_, Clients::Two) => Some(1),
        }
    }

    pub fn is_missed(&self) -> bool {
        let refused = self.most_refused().is_some_and(|most| self.refused_at_most > most);
        self.share < SHARE || self.later < SHARE || refused
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        write!(
            f,
            "{}| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.case,
            self.passed,
            percent(self.raw),
            percent(self.share),
            percent(SHARE),
            percent(self.later),
            self.refused,
            self.refused_at_most,
            self.most_refused().map_or_else(String::new, |most| most.to_string()),
            if self.is_missed() { "MISSED" } else { "met" },
        )
    }
}
