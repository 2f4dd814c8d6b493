use std::fmt;

use super::deed::Deed;
use super::subject::ListSubject;
use super::table::TABLE;
use crate::jobs::Family;
use crate::jobs::JobScenario;
use crate::scenario::Scenario;

/// One way in which the org lies, at one point of a list or a job, for [`MockOrg::lie`](crate::MockOrg::lie).
///
/// [`MockOrg::lies`](crate::MockOrg::lies) returns those that an operation supports, and [`Lie::due`] what a
/// client must make of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lie {
    row: usize,
    moment: Moment,
    is_once: bool,
}

/// When a lie occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Moment {
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
pub enum Due {
    /// An error, without any record of the affected page.
    Error,
    /// Legal: all records, without an error, and the list is complete.
    Whole,
    /// Legal, but ambiguous: all records, without an error, with any verdict.
    Read,
    /// All records after a retry.
    Recovered,
    /// The list can be read to its end, but must not be called complete.
    Unknown,
    /// Nothing is lost silently: an error, a verdict other than complete, or all records.
    Told,
    /// An error before any request is sent.
    Refused,
    /// No second submit, since the first may have been accepted: an error, or the results of that job if its id
    /// is known without the response.
    NotRepeated,
}

/// A row of the table of lies.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) moments: &'static [Moment],
    pub(crate) on: On,
    pub(crate) deed: Deed,
    /// What a client must do if the lie occurs every time.
    pub(crate) always: Option<Due>,
    /// What a client must do if the lie occurs once.
    pub(crate) once: Option<Due>,
}

/// The target of a lie.
pub(crate) enum On {
    List(Lists),
    Job(fn(&Family) -> bool, JobScenario),
}

/// The lists that a lie applies to, and how they behave otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Lists {
    pub(crate) applies: fn(&ListSubject) -> bool,
    /// The scenario of the list, if it has pages.
    pub(crate) scenario: Scenario,
    /// The length of the list in half pages, if not that of the scenario.
    pub(crate) halves: Option<u64>,
}

/// The kind of response being sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Site {
    Page { ordinal: u64, links: bool },
    Submit,
    Status { is_first: bool },
    Results,
    File,
}

impl Lie {
    /// Returns every lie.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().enumerate().flat_map(|(place, row)| {
            let moments = row.moments.iter();
            moments.flat_map(move |&moment| {
                let often = [(false, row.always), (true, row.once)];
                let often = often.into_iter().filter(|(_, due)| due.is_some());
                often.map(move |(is_once, _)| Self { row: place, moment, is_once })
            })
        })
    }

    pub(crate) fn row(self) -> &'static Row {
        &TABLE[self.row]
    }

    /// The name, which is the same at all points.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Describes the lie.
    pub fn what(self) -> &'static str {
        self.row().says
    }

    /// When the lie occurs.
    pub fn moment(self) -> Moment {
        self.moment
    }

    /// Whether the lie occurs only once.
    pub fn is_once(self) -> bool {
        self.is_once
    }

    /// What a client must make of the lie.
    pub fn due(self) -> Due {
        let row = self.row();
        let due = if self.is_once { row.once } else { row.always };
        // `all` yields only those that have one.
        due.unwrap_or(Due::Told)
    }

    /// Whether another org answers from then on; the caller has to arrange that.
    pub fn is_another_org(self) -> bool {
        matches!(self.row().deed, Deed::AnotherOrg)
    }

    /// Whether it is about jobs and not about lists.
    pub fn is_about_jobs(self) -> bool {
        matches!(self.row().on, On::Job(..))
    }

    /// Whether it is about the contents of a file and not about its delivery.
    pub fn is_about_contents(self) -> bool {
        matches!(self.row().deed, Deed::Contents(_))
    }

    /// Whether the lie occurs in this response.
    pub(crate) fn is_at(self, site: Site) -> bool {
        match (self.moment, site) {
            (Moment::FirstPage, Site::Page { ordinal, .. }) => ordinal == 0,
            (Moment::SecondPage, Site::Page { ordinal, .. }) => ordinal == 1,
            (Moment::FromThirdPage, Site::Page { ordinal, .. }) => ordinal >= 2,
            (Moment::LinkingPages, Site::Page { links, .. }) => links,
            (Moment::AllPages | Moment::WhileStopped, Site::Page { .. })
            | (Moment::Submit, Site::Submit)
            | (Moment::Status, Site::Status { .. })
            | (Moment::Results, Site::Results)
            | (Moment::File, Site::File) => true,
            (Moment::LaterStatus, Site::Status { is_first }) => !is_first,
            _ => false,
        }
    }
}

/// The name and when the lie occurs.
impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let once = if self.is_once { " once" } else { "" };
        let when = match self.moment {
            Moment::FirstPage => " on page 1",
            Moment::SecondPage => " on page 2",
            Moment::LinkingPages => " on pages that link",
            Moment::AllPages | Moment::FromThirdPage => "",
            Moment::WhileStopped => " while stopped",
            Moment::Submit | Moment::Results | Moment::File => "",
            Moment::Status | Moment::LaterStatus => " in the status",
        };
        write!(f, "{}{when}{once}", self.name())
    }
}

impl fmt::Debug for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lie({self})")
    }
}
