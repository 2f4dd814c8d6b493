//! The form of a row of the table of jobs.

use super::spec::IdLocation;

/// An exception to the rules.
pub(crate) struct Row {
    /// Methods and paths.
    pub(crate) submits: &'static [&'static str],
    pub(crate) status: StatusRule,
    pub(crate) id: Option<IdLocation>,
    pub(crate) completion: CompletionRule,
    /// The field with the result, where the rule finds none or the wrong one.
    pub(crate) result: ResultField,
    /// States of another phase of the job.
    pub(crate) without: &'static [&'static str],
}

/// The path of the status.
pub(crate) enum StatusRule {
    /// By rule: below the path of the submit.
    Below,
    /// At this path.
    At(&'static str),
    /// At the path of the submit.
    Same,
    /// Nowhere.
    Nowhere,
}

/// How the status shows completion.
#[derive(Clone, Copy)]
pub(crate) enum CompletionRule {
    /// By rule: by its state.
    State,
    Field(&'static str),
    Since(&'static str),
    InList,
    Accepted,
    /// By one of these states, whatever the document says.
    States(&'static [&'static str]),
}

#[derive(Clone, Copy)]
pub(crate) enum ResultField {
    ByRule,
    None,
    At(&'static str),
    /// This field, and no URL.
    Only(&'static str),
    /// The URL of a file.
    Link(&'static str),
}

pub(super) const RULE: Row = Row {
    submits: &[],
    status: StatusRule::Below,
    id: None,
    completion: CompletionRule::State,
    result: ResultField::ByRule,
    without: &[],
};
