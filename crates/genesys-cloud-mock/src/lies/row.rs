use std::fmt;

use super::deed::Deed;
use super::subject::ListSubject;
use super::table::TABLE;
use crate::jobs::Family;
use crate::jobs::JobScenario;
use crate::scenario::Scenario;

/// One way in which the org lies, at one moment of a list or a job, for [`MockOrg::lie`](crate::MockOrg::lie).
///
/// All of them are rows of one table; [`MockOrg::lies`](crate::MockOrg::lies) has those that an operation can tell.
/// What a client must make of a lie is said by [`Lie::due`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lie {
    row: usize,
    moment: Moment,
    is_once: bool,
}

/// When a lie is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Moment {
    /// On the first page of a list, or in the only reply.
    FirstPage,
    /// On the second page.
    SecondPage,
    /// On all pages that link to another.
    LinkingPages,
    /// On all pages.
    AllPages,
    /// On all pages behind the second.
    FromThirdPage,
    /// While nobody reads the list: [`MockOrg::lie_while_stopped`](crate::MockOrg::lie_while_stopped).
    WhileStopped,
    /// In the reply to the submit of a job, which has been accepted.
    Submit,
    /// When it is asked how a job stands.
    Status,
    /// When it is asked how a job stands that has been found running before.
    LaterStatus,
    /// When it is told that a job is done, and where its results are.
    Results,
    /// In a file with results of a job.
    File,
}

/// What a client must make of a lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Due {
    /// An error; no record of the page in question is handed out.
    Error,
    /// It is legal: all records come, without an error, and the list is complete.
    Whole,
    /// It is legal, and looks like something that is not: all records come, without an error, whatever the verdict.
    Read,
    /// The same request is sent again, and then all is well.
    Recovered,
    /// The list can be read to its end, and is never called complete.
    Unknown,
    /// Nothing is lost in silence: an error, a verdict other than complete, or all records after all.
    Told,
    /// An error before any request is sent.
    Refused,
    /// No second submit, since the first one may have been accepted: an error, or the results of that one where
    /// its id is known without the reply.
    NotRepeated,
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) moments: &'static [Moment],
    pub(crate) on: On,
    pub(crate) deed: Deed,
    /// What is due if it is told each time.
    pub(crate) always: Option<Due>,
    /// What is due if it is told once.
    pub(crate) once: Option<Due>,
}

/// What a lie is told about.
pub(crate) enum On {
    List(Lists),
    Job(fn(&Family) -> bool, JobScenario),
}

/// Of which lists it is told, and what they are like.
#[derive(Clone, Copy)]
pub(crate) struct Lists {
    pub(crate) applies: fn(&ListSubject) -> bool,
    /// How the list behaves otherwise, if it has pages.
    pub(crate) scenario: Scenario,
    /// How long it is in halves of a page, if that is not as the scenario has it.
    pub(crate) halves: Option<u64>,
}

/// What is being answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Site {
    Page { ordinal: u64, links: bool },
    Submit,
    Status { is_first: bool },
    Results,
    File,
}

impl Lie {
    /// Every lie there is.
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

    /// Its name, the same for all moments.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What the org does.
    pub fn what(self) -> &'static str {
        self.row().says
    }

    /// When it is told.
    pub fn moment(self) -> Moment {
        self.moment
    }

    /// Whether it is told once, and the truth from then on.
    pub fn is_once(self) -> bool {
        self.is_once
    }

    /// What a client must make of it.
    pub fn due(self) -> Due {
        let row = self.row();
        let due = if self.is_once { row.once } else { row.always };
        // Those that are there have one.
        due.unwrap_or(Due::Told)
    }

    /// Whether it is another org that answers from then on; who reads has to see to that.
    pub fn is_another_org(self) -> bool {
        matches!(self.row().deed, Deed::AnotherOrg)
    }

    /// Whether it is told of jobs alone, and not of lists.
    pub fn is_about_jobs(self) -> bool {
        matches!(self.row().on, On::Job(..))
    }

    /// Whether it is about what a file holds, and not about whether one came.
    pub fn is_about_contents(self) -> bool {
        matches!(self.row().deed, Deed::Contents(_))
    }

    /// Whether this is the reply in which it is told.
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

/// Its name and when it is told.
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
