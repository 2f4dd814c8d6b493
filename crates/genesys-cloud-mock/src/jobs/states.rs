use genesys_cloud_catalogue::Schema;

use super::truth::JobEnd;

/// What the services call the ends of a job, in small letters.
const SUCCEEDED: [&str; 10] = [
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
];
const PARTLY: [&str; 4] = [
    "completedwitherrors",
    "partialcompleted",
    "completed_with_partial_results",
    "importpartialcompleted",
];
const FAILED: [&str; 9] = [
    "failed",
    "failure",
    "error",
    "internalerror",
    "importfailed",
    "validationfailed",
    "incomplete",
    "rollbackfailed",
    "rollbackcomplete",
];
const CANCELLED: [&str; 4] = ["cancelled", "canceled", "aborted", "terminated"];
const EXPIRED: [&str; 1] = ["expired"];
/// States in which the caller has to do something.
const HELD: [&str; 3] = ["waitingforupload", "uploading", "ready"];
/// States that a job which runs as it should doesn't go through.
const ASIDE: [&str; 13] = [
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
        Self {
            held: first(&HELD),
            succeeded: first(&SUCCEEDED),
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
    fn states_are_told_by_their_words() {
        let names = "FULFILLED PENDING READY PROCESSING CANCELLED FAILED EXPIRED";
        let states = States::sort(names.split(' '));
        assert_eq!(states.pending, ["PENDING", "PROCESSING"]);
        assert_eq!((states.held, states.succeeded), (Some("READY"), Some("FULFILLED")));
        assert_eq!((states.failed, states.cancelled), (Some("FAILED"), Some("CANCELLED")));
        assert_eq!((states.expired, states.partly), (Some("EXPIRED"), None));
    }
}
