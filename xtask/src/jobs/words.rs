//! What the names of states mean.

use super::State;

/// Names that the API uses for one meaning each, in lower case. Any other name means that the job is not
/// done.
const WORDS: &[(&str, State)] = &[
    ("fulfilled", State::Succeeded),
    ("succeeded", State::Succeeded),
    ("complete", State::Succeeded),
    ("completed", State::Succeeded),
    ("success", State::Succeeded),
    ("finished", State::Succeeded),
    ("importcompleted", State::Succeeded),
    ("completedwitherrors", State::PartlySucceeded),
    ("partialcompleted", State::PartlySucceeded),
    ("completed_with_partial_results", State::PartlySucceeded),
    ("importpartialcompleted", State::PartlySucceeded),
    ("failed", State::Failed),
    ("error", State::Failed),
    ("failure", State::Failed),
    ("importfailed", State::Failed),
    ("validationfailed", State::Failed),
    ("internalerror", State::Failed),
    ("incomplete", State::Failed),
    ("rollbackfailed", State::Failed),
    ("rollbackcomplete", State::Failed),
    ("cancelled", State::Cancelled),
    ("canceled", State::Cancelled),
    ("aborted", State::Cancelled),
    ("terminated", State::Cancelled),
    ("expired", State::Expired),
];

pub(super) fn meaning(name: &str) -> State {
    let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
    known.map_or(State::Pending, |(_, state)| *state)
}

/// Every name that has a meaning, for a status whose states the document does not list.
pub(super) fn all() -> impl Iterator<Item = (String, State)> {
    WORDS.iter().map(|(word, state)| ((*word).to_owned(), *state))
}
