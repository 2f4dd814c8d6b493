use std::fmt;

use super::effect::Effect;
use super::list_traits::ListTraits;
use super::table::TABLE;
use crate::jobs::JobScenario;
use crate::jobs::JobSpec;
use crate::scenario::Scenario;

/// One way in which the org lies, at one point of a list or a job, for [`MockOrg::lie`](crate::MockOrg::lie).
///
/// [`MockOrg::lies`](crate::MockOrg::lies) returns those that an operation supports, and [`Lie::expected`] what a
/// client must make of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lie {
    row: usize,
    trigger: Trigger,
    is_once: bool,
}

/// When a lie occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// On the first page of a list, or in the only response.
    FirstPage,
    /// On the second page.
    SecondPage,
    /// On all pages that link to another.
    LinkingPages,
    /// On all pages.
    AllPages,
    /// On all pages after the second.
    FromThirdPage,
    /// Between two reads, by [`MockOrg::lie_while_stopped`](crate::MockOrg::lie_while_stopped).
    WhileStopped,
    /// In the response to the submit of an accepted job.
    Submit,
    /// In the status of a job.
    Status,
    /// In the status of a job that was polled before.
    LaterStatus,
    /// In the status of a job that is done, with its results.
    Results,
    /// In a result file.
    File,
}

/// What a client must make of a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExpectedOutcome {
    /// An error, without any record of the affected page.
    Error,
    /// Legal: all records, without an error, and the list is complete.
    Complete,
    /// Legal, but ambiguous: all records, without an error, with any verdict.
    AllRecords,
    /// All records after a retry.
    Recovered,
    /// The list can be read to its end, but must not be called complete.
    Unknown,
    /// Nothing is lost silently: an error, a verdict other than complete, or all records.
    Reported,
    /// An error before any request is sent.
    Refused,
    /// No second submit, since the first may have been accepted: an error, or the results of that job if its id
    /// is known without the response.
    NotRepeated,
}

/// A row of the table of lies.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) triggers: &'static [Trigger],
    pub(crate) target: Target,
    pub(crate) effect: Effect,
    /// What a client must do if the lie occurs every time.
    pub(crate) always: Option<ExpectedOutcome>,
    /// What a client must do if the lie occurs once.
    pub(crate) once: Option<ExpectedOutcome>,
}

/// The target of a lie.
pub(crate) enum Target {
    List(ListLie),
    Job(fn(&JobSpec) -> bool, JobScenario),
}

/// The lists that a lie applies to, and how they behave otherwise.
#[derive(Clone, Copy)]
pub(crate) struct ListLie {
    pub(crate) applies: fn(&ListTraits) -> bool,
    /// The scenario of the list, if it has pages.
    pub(crate) scenario: Scenario,
    /// The length of the list in half pages, if not that of the scenario.
    pub(crate) halves: Option<u64>,
}

/// The kind of response being sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ResponseKind {
    Page { ordinal: u64, links: bool },
    Submit,
    Status { is_first: bool },
    Results,
    File,
}

impl Lie {
    /// Returns every lie.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().enumerate().flat_map(|(index, row)| {
            let triggers = row.triggers.iter();
            triggers.flat_map(move |&trigger| {
                let variants = [(false, row.always), (true, row.once)];
                let variants = variants.into_iter().filter(|(_, outcome)| outcome.is_some());
                variants.map(move |(is_once, _)| Self { row: index, trigger, is_once })
            })
        })
    }

    pub(crate) fn row(self) -> &'static Row {
        &TABLE[self.row]
    }

    /// Returns the name, which is the same at all points.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns a description of the lie.
    pub fn description(self) -> &'static str {
        self.row().description
    }

    /// Returns when the lie occurs.
    pub fn trigger(self) -> Trigger {
        self.trigger
    }

    /// Returns whether the lie occurs only once.
    pub fn is_once(self) -> bool {
        self.is_once
    }

    /// Returns what a client must make of the lie.
    pub fn expected(self) -> ExpectedOutcome {
        let row = self.row();
        let outcome = if self.is_once { row.once } else { row.always };
        // `all` yields only those that have one.
        outcome.unwrap_or(ExpectedOutcome::Reported)
    }

    /// Returns whether another org answers from then on. The caller has to arrange that.
    pub fn is_another_org(self) -> bool {
        matches!(self.row().effect, Effect::AnotherOrg)
    }

    /// Returns whether it is about jobs rather than lists.
    pub fn is_about_jobs(self) -> bool {
        matches!(self.row().target, Target::Job(..))
    }

    /// Returns whether it is about the contents of a file rather than its delivery.
    pub fn is_about_contents(self) -> bool {
        matches!(self.row().effect, Effect::Contents(_))
    }

    /// Whether the lie occurs in this response.
    pub(crate) fn occurs_in(self, response_kind: ResponseKind) -> bool {
        match (self.trigger, response_kind) {
            (Trigger::FirstPage, ResponseKind::Page { ordinal, .. }) => ordinal == 0,
            (Trigger::SecondPage, ResponseKind::Page { ordinal, .. }) => ordinal == 1,
            (Trigger::FromThirdPage, ResponseKind::Page { ordinal, .. }) => ordinal >= 2,
            (Trigger::LinkingPages, ResponseKind::Page { links, .. }) => links,
            (Trigger::AllPages | Trigger::WhileStopped, ResponseKind::Page { .. })
            | (Trigger::Submit, ResponseKind::Submit)
            | (Trigger::Status, ResponseKind::Status { .. })
            | (Trigger::Results, ResponseKind::Results)
            | (Trigger::File, ResponseKind::File) => true,
            (Trigger::LaterStatus, ResponseKind::Status { is_first }) => !is_first,
            _ => false,
        }
    }
}

/// The name and when the lie occurs.
impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let once = if self.is_once { " once" } else { "" };
        let when = match self.trigger {
            Trigger::FirstPage => " on page 1",
            Trigger::SecondPage => " on page 2",
            Trigger::LinkingPages => " on pages that link",
            Trigger::AllPages | Trigger::FromThirdPage => "",
            Trigger::WhileStopped => " while stopped",
            Trigger::Submit | Trigger::Results | Trigger::File => "",
            Trigger::Status | Trigger::LaterStatus => " in the status",
        };
        write!(f, "{}{when}{once}", self.name())
    }
}

impl fmt::Debug for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lie({self})")
    }
}
