//! What the documentation of a submit says of its jobs.

use super::{Completion, Family, JobState, ResultLocation, Results};

/// The sentences for an operation that submits jobs of a family, each a paragraph. `by_page` is whether a job
/// fetches the one page that its submit names.
pub fn docs(family: &Family, by_page: bool) -> Vec<String> {
    let mut docs = vec![run(family)];
    if by_page {
        docs.push("A job fetches one page: `paginate` submits one for each.".to_owned());
    }
    let held = family.states.iter().filter(|(_, state)| *state == JobState::AwaitingInput);
    let held: Vec<String> = held.map(|(name, _)| format!("`{name}`")).collect();
    if !held.is_empty() {
        docs.push(format!("It waits for the caller in the state {}.", held.join(" or ")));
    }
    if family.available.is_some() {
        docs.push(
            "Recent data becomes available with a delay: the report has the date up to which it was complete, and \
             `wait_for_data` waits for it."
                .to_owned(),
        );
    }
    if let Some(topic) = &family.topic {
        let too = if family.status.is_some() { " too" } else { "" };
        docs.push(format!("The notification topic `{topic}` tells its end{too}."));
    }
    docs.extend(family.note.iter().map(|note| format!("Note: {note}.")));
    docs
}

/// What `paginate` and `submit` do.
fn run(family: &Family) -> String {
    if family.done == Completion::Not202 {
        return "It answers 202 until it is done: `paginate` sends it again until then, and streams what it \
                answers. `submit` returns a handle."
            .to_owned();
    }
    if family.status.is_none() {
        return "Submits a job whose end no operation tells: `paginate` streams what the reply has at once, or \
                ends with an error that says where to look. `submit` returns a handle."
            .to_owned();
    }
    let all = |is: fn(&ResultLocation) -> bool| match &family.results {
        Results::Reply(places) => places.iter().all(is),
        _ => false,
    };
    let results = if family.results == Results::Nothing {
        "has no items"
    } else if all(|place| matches!(place, ResultLocation::Bytes(_))) {
        "streams the bytes of its files"
    } else if all(|place| *place == ResultLocation::Items("[]".to_owned())) {
        "yields the status that tells its end"
    } else {
        "streams its results"
    };
    format!(
        "Submits a job: `paginate` waits until it is done and {results}. `submit` returns a handle."
    )
}
