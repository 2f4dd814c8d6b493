//! Documentation of the operations that submit jobs.

use super::{Completion, Family, JobState, ResultLocation, Results};

/// Returns the paragraphs on the jobs of a submit. `by_page`: a job fetches the one page that its submit selects.
pub fn docs(family: &Family, by_page: bool) -> Vec<String> {
    let mut docs = vec![run(family)];
    if by_page {
        docs.push("Each job fetches one page: `paginate` submits one per page.".to_owned());
    }
    let held = family.states.iter().filter(|(_, state)| *state == JobState::AwaitingInput);
    let held: Vec<String> = held.map(|(name, _)| format!("`{name}`")).collect();
    if !held.is_empty() {
        docs.push(format!("The job waits for the caller in the state {}.", held.join(" or ")));
    }
    if family.available.is_some() {
        docs.push(
            "Recent data becomes available with a delay: the report has the date up to which it was complete, and \
             `wait_for_data` waits for it."
                .to_owned(),
        );
    }
    if let Some(topic) = &family.topic {
        let also = if family.status.is_some() { " also" } else { "" };
        docs.push(format!("The notification topic `{topic}`{also} reports its end."));
    }
    docs.extend(family.note.iter().map(|note| format!("Note: {note}.")));
    docs
}

/// Describes `paginate` and `submit`.
fn run(family: &Family) -> String {
    if family.done == Completion::Not202 {
        return "Returns 202 until the work is done: `paginate` repeats the call until then and streams the result. \
                `submit` returns a handle."
            .to_owned();
    }
    if family.status.is_none() {
        return "Submits a job whose end no operation reports: `paginate` streams results that the response already has, \
                or fails with an error that says where to look. `submit` returns a handle."
            .to_owned();
    }
    let all = |is: fn(&ResultLocation) -> bool| match &family.results {
        Results::Reply(places) => places.iter().all(is),
        _ => false,
    };
    let results = if family.results == Results::Nothing {
        "yields no items"
    } else if all(|place| matches!(place, ResultLocation::Bytes(_))) {
        "streams the bytes of its files"
    } else if all(|place| *place == ResultLocation::Items("[]".to_owned())) {
        "yields its final status"
    } else {
        "streams its results"
    };
    format!("Submits a job: `paginate` waits for it and {results}. `submit` returns a handle.")
}
