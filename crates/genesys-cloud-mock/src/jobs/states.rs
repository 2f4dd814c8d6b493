use genesys_cloud_catalogue::Schema;

use super::expected::JobEnd;

/// The names of final states, in lower case.
const SUCCEEDED: [&str; 13] = [
    "fulfilled",
    "succeeded",
    "success",
    "complete",
    "completed",
    "finished",
    "uploaded",
    "operational",
    "importcompleted",
    "parsecompleted",
    "miningcompleted",
    "trained",
    "valid",
];
const PARTLY: [&str; 4] = [
    "completedwitherrors",
    "partialcompleted",
    "completed_with_partial_results",
    "importpartialcompleted",
];
const FAILED: [&str; 12] = [
    "failed",
    "failure",
    "error",
    "internalerror",
    "importfailed",
    "validationfailed",
    "incomplete",
    "rollbackfailed",
    "rollbackcomplete",
    "exception",
    "invalid",
    "miningerror",
];
const CANCELLED: [&str; 4] = ["cancelled", "canceled", "aborted", "terminated"];
const EXPIRED: [&str; 1] = ["expired"];
/// States that wait for the client.
const AWAITING_INPUT: [&str; 4] = ["waitingforupload", "uploadpending", "uploading", READY];
/// Waits to be started, or done if no other state means that.
const READY: &str = "ready";
/// States that a normal job does not pass through.
const SIDE_STATES: [&str; 19] = [
    "unknown",
    "none",
    "idle",
    "scheduled",
    "locked",
    "unlocked",
    "abortrequested",
    "cancelling",
    "canceling",
    "purged",
    "purgepending",
    "active",
    "inactive",
    "delete",
    "deleted",
    "notstarted",
    "partialfailure",
    "throttled",
    "untrained",
];

/// The states of a job spec by meaning, in the spelling of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct States {
    /// In the order of a job.
    pub(crate) pending: Vec<&'static str>,
    pub(crate) awaiting_input: Option<&'static str>,
    pub(crate) succeeded: Option<&'static str>,
    pub(crate) partly: Option<&'static str>,
    pub(crate) failed: Option<&'static str>,
    pub(crate) cancelled: Option<&'static str>,
    pub(crate) expired: Option<&'static str>,
}

impl States {
    /// The states of a field, or `None` if none of them is a successful end.
    pub(crate) fn of(field: &'static Schema, without: &[&str]) -> Option<Self> {
        let names = field.values.iter().filter_map(|value| value.as_str());
        let states = Self::sort(names.filter(|name| !without.contains(name)));
        states.succeeded.is_some().then_some(states)
    }

    pub(crate) fn sort(names: impl Iterator<Item = &'static str>) -> Self {
        let (mut pending, mut ends) = (Vec::new(), Vec::new());
        for name in names {
            let word = name.to_ascii_lowercase();
            let is_end = |words: &&[&str]| words.contains(&word.as_str());
            if [&SUCCEEDED[..], &PARTLY, &FAILED, &CANCELLED, &EXPIRED, &AWAITING_INPUT]
                .iter()
                .any(is_end)
            {
                ends.push((name, word));
            } else if !SIDE_STATES.contains(&word.as_str()) {
                pending.push(name);
            }
        }
        // The most common word takes precedence.
        let first = |words: &[&str]| {
            let name = |wanted| ends.iter().find(|(_, word)| word == wanted).map(|(name, _)| *name);
            words.iter().find_map(name)
        };
        let succeeded = first(&SUCCEEDED).or(first(&[READY]));
        let mut awaiting_input =
            first(&AWAITING_INPUT).filter(|awaiting_input| succeeded != Some(*awaiting_input));
        if pending.is_empty() {
            // A job that waits for a file, and stays in the same state while it runs.
            pending.extend(awaiting_input.take());
        }
        Self {
            awaiting_input,
            succeeded,
            partly: first(&PARTLY),
            failed: first(&FAILED),
            cancelled: first(&CANCELLED),
            expired: first(&EXPIRED),
            pending,
        }
    }

    /// The name of a final state, if it exists.
    pub(crate) fn end(&self, end: JobEnd) -> Option<&'static str> {
        match end {
            JobEnd::Succeeded | JobEnd::Undeliverable => self.succeeded,
            JobEnd::PartlySucceeded => self.partly,
            JobEnd::Failed => self.failed,
            JobEnd::Cancelled => self.cancelled,
            JobEnd::Expired => self.expired,
            JobEnd::NotificationOnly => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_state_may_be_final_or_the_only_pending_one() {
        let states = States::sort(["UploadPending", "Unpacking", "Error", "Ready"].into_iter());
        assert_eq!(
            (states.awaiting_input, states.succeeded),
            (Some("UploadPending"), Some("Ready"))
        );
        assert_eq!(states.pending, ["Unpacking"]);
        let states = States::sort(["uploading", "valid", "invalid"].into_iter());
        assert_eq!((states.awaiting_input, states.succeeded), (None, Some("valid")));
        assert_eq!((states.pending, states.failed), (vec!["uploading"], Some("invalid")));
    }

    #[test]
    fn sorts_states_by_name() {
        let names = "FULFILLED PENDING READY PROCESSING CANCELLED FAILED EXPIRED";
        let states = States::sort(names.split(' '));
        assert_eq!(states.pending, ["PENDING", "PROCESSING"]);
        assert_eq!((states.awaiting_input, states.succeeded), (Some("READY"), Some("FULFILLED")));
        assert_eq!((states.failed, states.cancelled), (Some("FAILED"), Some("CANCELLED")));
        assert_eq!((states.expired, states.partly), (Some("EXPIRED"), None));
    }
}
