use super::row::{Lie, On};
use super::subject::ListSubject;
use super::{Deed, ListLie};
use crate::api::{AnswerBody, Endpoint};
use crate::error::Error;
use crate::jobs::JobScenario;
use crate::org::MockOrg;
use crate::scheme::Scheme;

/// # Lies
impl MockOrg {
    /// Returns every lie that an operation supports: those of lists if it lists records, and those of jobs if
    /// it submits them. If another operation lists the results of the jobs, its list lies are included.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn lies(&self, operation: &str) -> Result<Vec<Lie>, Error> {
        let endpoint = self.service().endpoint(operation)?;
        Ok(Lie::all().filter(|lie| self.subject(endpoint, *lie).is_some()).collect())
    }

    /// Makes an operation lie from now on. An operation has one lie at a time. Its list or job gets the length
    /// that the lie needs and behaves well otherwise, as [`MockOrg::expected`] and [`MockOrg::expected_job`]
    /// describe.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not support this lie.
    pub fn lie(&self, operation: &str, lie: Lie) -> Result<(), Error> {
        let endpoint = self.service().endpoint(operation)?;
        let subject = self.subject(endpoint, lie);
        let subject = subject.ok_or_else(|| Error::other_lie(operation, lie))?;
        let is_job = subject.place != endpoint.place;
        match lie.row().on {
            On::List(list) if !is_job => self.service().lists().stage_lie(subject, list)?,
            On::List(_) => {
                let many = self.job_scenario(operation, JobScenario::ResultsInManyPages);
                many.or_else(|_| self.job_scenario(operation, JobScenario::Quick))?;
            }
            On::Job(_, scenario) => {
                self.job_scenario(operation, scenario)
                    .or_else(|_| self.job_scenario(operation, JobScenario::Quick))?;
            }
        }
        self.service().lies().tell(subject.place, lie);
        Ok(())
    }

    /// Triggers the lie of an operation that takes effect between two reads
    /// ([`Moment::WhileStopped`](crate::Moment::WhileStopped)).
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn lie_while_stopped(&self, operation: &str) -> Result<(), Error> {
        let endpoint = self.service().endpoint(operation)?;
        let lie = self.service().lies().begin(endpoint.place);
        if let Some(Deed::Shift(records)) = lie.map(|lie| &lie.row().deed) {
            self.service().lists().shift(endpoint, *records);
        }
        Ok(())
    }

    /// Ends all lies. Lists and jobs stay as they are.
    pub fn stop_lying(&self) {
        self.service().lies().stop();
    }

    /// Returns how many lies were sent since the last [`MockOrg::reset`].
    pub fn lies_told(&self) -> u64 {
        self.service().lies().told()
    }

    /// Returns the records of a list, by [key](crate::Expected::key), that no usable response has contained
    /// since the last [`MockOrg::reset`]. While there are any, no client can have the whole list.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not return a list.
    pub fn unsent(&self, operation: &str) -> Result<Vec<String>, Error> {
        self.service().lists().unsent(self.service().endpoint(operation)?)
    }

    /// The operation that sends the lie: itself, or the one that lists the results of its jobs.
    fn subject(&self, endpoint: &'static Endpoint, lie: Lie) -> Option<&'static Endpoint> {
        let api = self.service().api();
        let family = api.families().of_submit(endpoint.place);
        match lie.row().on {
            On::Job(applies, _) => family.filter(|family| applies(family)).map(|_| endpoint),
            On::List(list) => {
                let listed_by = match family {
                    // The list of a job can only have the usual scenario.
                    Some(family) => {
                        // Where each page is a job, only the jobs know its length.
                        let by_page = endpoint.scheme == Some(Scheme::JobSelectsPage);
                        let depends = by_page && matches!(lie.row().deed, Deed::Hole);
                        family.listed_by(api).filter(|_| list.is_usual() && !depends)?
                    }
                    None => endpoint,
                };
                let AnswerBody::Listing(listing) = &listed_by.answer().body else { return None };
                let subject = ListSubject::of(listed_by, listing);
                let has_moment = match lie.moment() {
                    super::Moment::FirstPage | super::Moment::AllPages => true,
                    _ => subject.is_paged(),
                };
                let can_stage = self.service().lists().can_stage(listed_by, list);
                (has_moment && can_stage && (list.applies)(&subject)).then_some(listed_by)
            }
        }
    }
}

impl ListLie {
    fn is_usual(self) -> bool {
        self.scenario == crate::Scenario::ManyPages && self.halves.is_none()
    }
}
