use super::lie::{Lie, Target};
use super::list_traits::ListTraits;
use super::{Effect, ListLie};
use crate::api::{Endpoint, SuccessBody};
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
        Ok(Lie::all().filter(|lie| self.lying_endpoint(endpoint, *lie).is_some()).collect())
    }

    /// Makes an operation lie from now on. An operation has one lie at a time. Its list or job gets the length
    /// that the lie needs and behaves well otherwise, as [`MockOrg::expected`] and [`MockOrg::expected_job`]
    /// describe.
    ///
    /// # Errors
    /// If the API has no such operation, or it does not support this lie.
    pub fn lie(&self, operation: &str, lie: Lie) -> Result<(), Error> {
        let endpoint = self.service().endpoint(operation)?;
        let liar = self.lying_endpoint(endpoint, lie);
        let liar = liar.ok_or_else(|| Error::other_lie(operation, lie))?;
        let is_job = liar.index != endpoint.index;
        match lie.row().target {
            Target::List(list) if !is_job => self.service().lists().prepare_for_lie(liar, list)?,
            Target::List(_) => {
                let many = self.job_scenario(operation, JobScenario::ResultsInManyPages);
                many.or_else(|_| self.job_scenario(operation, JobScenario::Quick))?;
            }
            Target::Job(_, scenario) => {
                self.job_scenario(operation, scenario)
                    .or_else(|_| self.job_scenario(operation, JobScenario::Quick))?;
            }
        }
        self.service().lies().set(liar.index, lie);
        Ok(())
    }

    /// Triggers the lie of an operation that takes effect between two reads
    /// ([`Trigger::WhileStopped`](crate::Trigger::WhileStopped)).
    ///
    /// # Errors
    /// If the API has no such operation.
    pub fn lie_while_stopped(&self, operation: &str) -> Result<(), Error> {
        let endpoint = self.service().endpoint(operation)?;
        let lie = self.service().lies().activate(endpoint.index);
        if let Some(Effect::Shift(records)) = lie.map(|lie| &lie.row().effect) {
            self.service().lists().shift(endpoint, *records);
        }
        Ok(())
    }

    /// Ends all lies. Lists and jobs stay as they are.
    pub fn stop_lying(&self) {
        self.service().lies().stop();
    }

    /// Returns how many lies were sent since the last [`MockOrg::reset`].
    pub fn lies_sent(&self) -> u64 {
        self.service().lies().occurrences()
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
    fn lying_endpoint(&self, endpoint: &'static Endpoint, lie: Lie) -> Option<&'static Endpoint> {
        let api = self.service().api();
        let spec = api.job_specs().of_submit(endpoint.index);
        match lie.row().target {
            Target::Job(applies, _) => spec.filter(|spec| applies(spec)).map(|_| endpoint),
            Target::List(list) => {
                let listed_by = match spec {
                    // The list of a job can only have the usual scenario.
                    Some(spec) => {
                        // Where each page is a job, only the jobs know its length.
                        let by_page = endpoint.scheme == Some(Scheme::JobSelectsPage);
                        let depends = by_page && matches!(lie.row().effect, Effect::NullItem);
                        spec.listed_by(api).filter(|_| list.is_usual() && !depends)?
                    }
                    None => endpoint,
                };
                let SuccessBody::Listing(listing) = &listed_by.success_response().body else {
                    return None;
                };
                let traits = ListTraits::of(listed_by, listing);
                let has_trigger = match lie.trigger() {
                    super::Trigger::FirstPage | super::Trigger::AllPages => true,
                    _ => traits.is_paged(),
                };
                let supports_lie = self.service().lists().supports_lie(listed_by, list);
                (has_trigger && supports_lie && (list.applies)(&traits)).then_some(listed_by)
            }
        }
    }
}

impl ListLie {
    fn is_usual(self) -> bool {
        self.scenario == crate::Scenario::ManyPages && self.halves.is_none()
    }
}
