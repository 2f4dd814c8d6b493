//! Counts, hashes and verdicts as a checkpoint stores them, the same for lists, ranges and trees.

use super::report::{Reason, Verdict};
use crate::digest::from_hex;

/// The largest count that is accepted, so that sums can't overflow.
pub(crate) const MAX_COUNT: i64 = 1 << 53;

/// Returns a count as it is stored.
pub(crate) fn written(count: u64) -> Option<i64> {
    Some(i64::try_from(count).unwrap_or(MAX_COUNT).min(MAX_COUNT))
}

/// Reads a stored count; 0 if there is none.
pub(crate) fn read(count: Option<i64>) -> Result<u64, String> {
    match count.unwrap_or(0) {
        count @ 0..=MAX_COUNT => u64::try_from(count).map_err(|error| error.to_string()),
        _ => Err("it has a malformed count".to_owned()),
    }
}

/// Reads a stored hash.
pub(crate) fn read_hash(text: &str) -> Result<u64, String> {
    from_hex(text).ok_or_else(|| "it has a malformed hash".to_owned())
}

/// The fields of a form that store a verdict other than [`Verdict::Complete`].
pub(crate) struct StoredVerdict {
    pub(crate) worst: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) counts: Option<Vec<i64>>,
}

impl StoredVerdict {
    pub(crate) fn of(verdict: Option<Verdict>) -> Self {
        let (worst, reason) = match verdict {
            None | Some(Verdict::Complete) => (None, None),
            Some(Verdict::Truncated(reason)) => (Some("truncated"), Some(reason)),
            Some(Verdict::Drifted(reason)) => (Some("drifted"), Some(reason)),
            Some(Verdict::Unknown(reason)) => (Some("unknown"), Some(reason)),
        };
        let (reason, counts) = reason.map(Reason::written).unzip();
        Self {
            worst: worst.map(str::to_owned),
            reason: reason.map(str::to_owned),
            counts: counts.map(|counts| counts.into_iter().filter_map(written).collect()),
        }
    }

    pub(crate) fn read(self) -> Result<Option<Verdict>, String> {
        let reason = || {
            let counts = self.counts.iter().flatten().map(|count| read(Some(*count)));
            let counts: Vec<u64> = counts.collect::<Result<_, _>>()?;
            let reason = self.reason.as_deref().and_then(|name| Reason::read(name, &counts));
            reason.ok_or_else(|| "it has an unknown reason".to_owned())
        };
        Ok(match self.worst.as_deref() {
            None => None,
            Some("truncated") => Some(Verdict::Truncated(reason()?)),
            Some("drifted") => Some(Verdict::Drifted(reason()?)),
            Some("unknown") => Some(Verdict::Unknown(reason()?)),
            Some(_) => return Err("it has an unknown verdict".to_owned()),
        })
    }
}
