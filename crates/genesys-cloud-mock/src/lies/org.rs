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
    /// Every lie that an operation can tell: those of lists if it lists records, and those of jobs if it submits
    /// one. Where an operation lists the results of its jobs, the lies of that list are among them.
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn lies(&self, operation: &str) -> Result<Vec<Lie>, Error> {
        let endpoint = self.service().endpoint(operation)?;
        Ok(Lie::all().filter(|lie| self.subject(endpoint, *lie).is_some()).collect())
    }

    /// Lets an operation lie from now on, in one way at a time. Its list, or its job, is as long as that needs, and
    /// behaves well otherwise: [`MockOrg::expected`] and [`MockOrg::expected_job`] say what there is to get.
    ///
    /// # Errors
    /// If the API has no such operation, or it can't tell this lie.
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

    /// Lets happen what the lie of an operation lets happen while nobody reads
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

    /// Tells the truth from now on. Lists and jobs stay as they are.
    pub fn stop_lying(&self) {
        self.service().lies().stop();
    }

    /// How many lies were told since the last [`MockOrg::reset`].
    pub fn lies_told(&self) -> u64 {
        self.service().lies().told()
    }

    /// The records of a list, by their [keys](crate::Expected::key), that no usable reply has had since the last
    /// [`MockOrg::reset`]. As long as there are some, no client can have the whole list.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not answer with a list.
    pub fn unsent(&self, operation: &str) -> Result<Vec<String>, Error> {
        self.service().lists().unsent(self.service().endpoint(operation)?)
    }

    /// Where an operation tells a lie: itself, or the operation that lists the results of its jobs.
    fn subject(&self, endpoint: &'static Endpoint, lie: Lie) -> Option<&'static Endpoint> {
        let api = self.service().api();
        let family = api.families().of_submit(endpoint.place);
        match lie.row().on {
            On::Job(applies, _) => family.filter(|family| applies(family)).map(|_| endpoint),
            On::List(list) => {
                let listed_by = match family {
                    // Of a job no other list can be staged than a usual one.
                    Some(family) => {
                        // Where each page is a job, only the jobs know how long it is.
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
