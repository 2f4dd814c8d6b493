//! Verdicts as text, for reports, events and states.

use genesys_cloud_core::Verdict;
use serde::{Deserialize, Serialize};

/// A verdict as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictText {
    pub(super) word: String,
    pub(super) reason: Option<String>,
}

impl VerdictText {
    pub(super) fn new(verdict: &Verdict) -> Self {
        Self { word: word(verdict).to_owned(), reason: reason(verdict) }
    }
}

pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => "complete",
        Verdict::Truncated(_) => "truncated",
        Verdict::Drifted(_) => "drifted",
        // `Verdict` is non-exhaustive.
        _ => "unknown",
    }
}

pub(super) fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Truncated(reason) | Verdict::Drifted(reason) | Verdict::Unknown(reason) => {
            Some(reason.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use genesys_cloud_core::Reason;

    use super::*;

    #[test]
    fn formats_verdict_and_reason() {
        assert_eq!((word(&Verdict::Complete), reason(&Verdict::Complete)), ("complete", None));
        let limit = VerdictText::new(&Verdict::Truncated(Reason::Limit));
        assert_eq!(limit.word, "truncated");
        assert_eq!(limit.reason, Some(Reason::Limit.to_string()));
    }
}
