//! The meanings of state names.

use super::JobState;

/// Names with one meaning in the whole API, in lower case. Any other name means that the job is not done.
const WORDS: &[(&str, JobState)] = &[
    ("fulfilled", JobState::Succeeded),
    ("succeeded", JobState::Succeeded),
    ("complete", JobState::Succeeded),
    ("completed", JobState::Succeeded),
    ("success", JobState::Succeeded),
    ("finished", JobState::Succeeded),
    ("importcompleted", JobState::Succeeded),
    ("completedwitherrors", JobState::PartlySucceeded),
    ("partialcompleted", JobState::PartlySucceeded),
    ("completed_with_partial_results", JobState::PartlySucceeded),
    ("importpartialcompleted", JobState::PartlySucceeded),
    ("failed", JobState::Failed),
    ("error", JobState::Failed),
    ("failure", JobState::Failed),
    ("importfailed", JobState::Failed),
    ("validationfailed", JobState::Failed),
    ("internalerror", JobState::Failed),
    ("incomplete", JobState::Failed),
    ("rollbackfailed", JobState::Failed),
    ("rollbackcomplete", JobState::Failed),
    ("cancelled", JobState::Cancelled),
    ("canceled", JobState::Cancelled),
    ("aborted", JobState::Cancelled),
    ("terminated", JobState::Cancelled),
    ("expired", JobState::Expired),
];

pub(super) fn meaning(name: &str) -> JobState {
    let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
    known.map_or(JobState::Pending, |(_, state)| *state)
}

/// Returns every name with a meaning, for a status whose states the document does not list.
pub(super) fn all() -> impl Iterator<Item = (String, JobState)> {
    WORDS.iter().map(|(word, state)| ((*word).to_owned(), *state))
}
