use genesys_cloud_catalogue::Schema;

use super::expected::JobEnd;

/// What the services call the ends of a job, in small letters.
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
/// States in which the caller has to do something.
const HELD: [&str; 4] = ["waitingforupload", "uploadpending", "uploading", READY];
/// It waits to be let go, or it is done where no other word says that.
const READY: &str = "ready";
/// States that a job which runs as it should doesn't go through.
const ASIDE: [&str; 19] = [
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

/// The states of a family in the spelling of the document, by what they mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct States {
    /// In the order a job goes through them.
    pub(crate) pending: Vec<&'static str>,
    pub(crate) held: Option<&'static str>,
    pub(crate) succeeded: Option<&'static str>,
    pub(crate) partly: Option<&'static str>,
    pub(crate) failed: Option<&'static str>,
    pub(crate) cancelled: Option<&'static str>,
    pub(crate) expired: Option<&'static str>,
}

impl States {
    /// The states a field may have; `None` if none of them is the end of a job that went well.
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
            if [&SUCCEEDED[..], &PARTLY, &FAILED, &CANCELLED, &EXPIRED, &HELD].iter().any(is_end) {
                ends.push((name, word));
            } else if !ASIDE.contains(&word.as_str()) {
                pending.push(name);
            }
        }
        // Of several the commonest word.
        let first = |words: &[&str]| {
            let name = |wanted| ends.iter().find(|(_, word)| word == wanted).map(|(name, _)| *name);
            words.iter().find_map(name)
        };
        let succeeded = first(&SUCCEEDED).or(first(&[READY]));
        let mut held = first(&HELD).filter(|held| succeeded != Some(*held));
        if pending.is_empty() {
            // What waits for a file, and runs in the same state once it is there.
            pending.extend(held.take());
        }
        Self {
            held,
            succeeded,
            partly: first(&PARTLY),
            failed: first(&FAILED),
            cancelled: first(&CANCELLED),
            expired: first(&EXPIRED),
            pending,
        }
    }

    /// The name of an end, if the family has it.
    pub(crate) fn end(&self, end: JobEnd) -> Option<&'static str> {
        match end {
            JobEnd::Succeeded | JobEnd::Undeliverable => self.succeeded,
            JobEnd::PartlySucceeded => self.partly,
            JobEnd::Failed => self.failed,
            JobEnd::Cancelled => self.cancelled,
            JobEnd::Expired => self.expired,
            JobEnd::Untold => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_waits_may_be_the_end_or_all_there_is_before_it() {
        let states = States::sort(["UploadPending", "Unpacking", "Error", "Ready"].into_iter());
        assert_eq!((states.held, states.succeeded), (Some("UploadPending"), Some("Ready")));
        assert_eq!(states.pending, ["Unpacking"]);
        let states = States::sort(["uploading", "valid", "invalid"].into_iter());
        assert_eq!((states.held, states.succeeded), (None, Some("valid")));
        assert_eq!((states.pending, states.failed), (vec!["uploading"], Some("invalid")));
    }

    #[test]
    fn states_are_told_by_their_words() {
        let names = "FULFILLED PENDING READY PROCESSING CANCELLED FAILED EXPIRED";
        let states = States::sort(names.split(' '));
        assert_eq!(states.pending, ["PENDING", "PROCESSING"]);
        assert_eq!((states.held, states.succeeded), (Some("READY"), Some("FULFILLED")));
        assert_eq!((states.failed, states.cancelled), (Some("FAILED"), Some("CANCELLED")));
        assert_eq!((states.expired, states.partly), (Some("EXPIRED"), None));
    }
}
