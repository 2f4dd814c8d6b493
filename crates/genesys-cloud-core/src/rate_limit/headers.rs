//! Rate limit headers of responses.

use std::time::Duration;

use http::HeaderMap;

use crate::response::ResponseHead;

/// Assumed if the headers do not state the end of the window. This is the API's window.
pub(super) const USUAL_WINDOW: Duration = Duration::from_secs(60);

/// Upper bound for the time to a reset, so that a wrong header cannot stop a client for days. After this time, the next
/// response is read.
const LONGEST_WINDOW: Duration = Duration::from_secs(300);

/// A reset at or above this value is a Unix timestamp rather than a number of seconds.
const DATE_FROM: u64 = 1_000_000_000;

/// The usage of a token in the current window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowHeaders {
    /// Calls allowed per window. `None` if the API reports only the remaining calls.
    pub(crate) allowed: Option<u64>,
    pub(crate) usage: Usage,
    /// Time until the window ends, usually rounded up to seconds.
    pub(crate) resets_in: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Calls made in the window, including this one.
    Used(u64),
    /// Calls left.
    Left(u64),
}

impl WindowHeaders {
    /// Reads `inin-ratelimit-count`, `-allowed` and `-reset`, which the API sends, or else `X-RateLimit-Limit`,
    /// `-Remaining` and `-Reset`, which gateways send. `None` if they are missing or invalid.
    pub(crate) fn of(head: &ResponseHead) -> Option<Self> {
        let headers = &head.headers;
        if let (Some(allowed @ 1..), Some(used)) =
            (number(headers, "inin-ratelimit-allowed"), number(headers, "inin-ratelimit-count"))
        {
            let resets_in = resets_in(head, "inin-ratelimit-reset");
            return Some(Self { allowed: Some(allowed), usage: Usage::Used(used), resets_in });
        }
        let left = number(headers, "x-ratelimit-remaining")?;
        let allowed = number(headers, "x-ratelimit-limit").filter(|allowed| *allowed > 0);
        let resets_in = resets_in(head, "x-ratelimit-reset");
        Some(Self { allowed, usage: Usage::Left(left), resets_in })
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let value: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (value.is_finite() && value >= 0.0).then_some(value.ceil() as u64)
}

fn resets_in(head: &ResponseHead, name: &str) -> Duration {
    let Some(seconds) = number(&head.headers, name) else { return USUAL_WINDOW };
    let seconds = match seconds {
        DATE_FROM.. => seconds.saturating_sub(u64::try_from(head.now().timestamp()).unwrap_or(0)),
        _ => seconds,
    };
    Duration::from_secs(seconds).min(LONGEST_WINDOW)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, StatusCode};

    use super::*;

    fn of(headers: &[(&str, &str)]) -> Option<(Option<u64>, Usage, u64)> {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::try_from(*name).expect("a name");
                (name, HeaderValue::try_from(*value).expect("a value"))
            })
            .collect();
        let standing = WindowHeaders::of(&ResponseHead::new(StatusCode::OK, headers))?;
        Some((standing.allowed, standing.usage, standing.resets_in.as_secs()))
    }

    #[test]
    fn reads_valid_headers_and_ignores_invalid_ones() {
        const COUNT: &str = "inin-ratelimit-count";
        const ALLOWED: &str = "inin-ratelimit-allowed";
        const RESET: &str = "inin-ratelimit-reset";
        const LIMIT: &str = "X-RateLimit-Limit";
        const REMAINING: &str = "X-RateLimit-Remaining";
        const X_RESET: &str = "X-RateLimit-Reset";
        let used = |allowed, used, reset| Some((Some(allowed), Usage::Used(used), reset));
        for (headers, expected) in [
            (&[(COUNT, "1"), (ALLOWED, "180"), (RESET, "61")][..], used(180, 1, 61)),
            (&[(COUNT, " 1 "), (ALLOWED, "300")], used(300, 1, 60)),
            (&[(COUNT, "301"), (ALLOWED, "300"), (RESET, "0.4")], used(300, 301, 1)),
            (&[(COUNT, "1"), (ALLOWED, "300"), (RESET, "-1")], used(300, 1, 60)),
            (&[(COUNT, "1"), (ALLOWED, "300"), (RESET, "1e300")], used(300, 1, 300)),
            (&[(COUNT, "1"), (ALLOWED, "300"), (RESET, "999999999")], used(300, 1, 300)),
            (
                &[(COUNT, "99999999999999999999"), (ALLOWED, "300"), (RESET, "1")],
                used(300, u64::MAX, 1),
            ),
            (&[(COUNT, "1"), (ALLOWED, "0"), (RESET, "1")], None),
            (&[(COUNT, "1"), (ALLOWED, "nan")], None),
            (&[(COUNT, "one"), (ALLOWED, "300")], None),
            (&[(ALLOWED, "300"), (RESET, "1")], None),
            (
                &[(LIMIT, "100"), (REMAINING, "40"), (X_RESET, "7")],
                Some((Some(100), Usage::Left(40), 7)),
            ),
            (&[(REMAINING, "40")], Some((None, Usage::Left(40), 60))),
            (&[(LIMIT, "0"), (REMAINING, "40")], Some((None, Usage::Left(40), 60))),
            (&[(LIMIT, "100, 100;w=60"), (REMAINING, "40")], Some((None, Usage::Left(40), 60))),
            (
                &[
                    (REMAINING, "0"),
                    (X_RESET, "1445412510"),
                    ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
                ],
                Some((None, Usage::Left(0), 30)),
            ),
            (&[(REMAINING, "0"), (X_RESET, "1445412480")], Some((None, Usage::Left(0), 0))),
            (&[(LIMIT, "100"), (X_RESET, "7")], None),
            (&[(REMAINING, "1"), (COUNT, "2"), (ALLOWED, "3"), (RESET, "4")], used(3, 2, 4)),
            (&[], None),
        ] {
            assert_eq!(of(headers), expected, "{headers:?}");
        }
    }
}
