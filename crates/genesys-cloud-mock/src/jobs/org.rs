use crate::api::{Endpoint, SuccessBody};
use crate::error::Error;
use crate::jobs::{ExpectedJob, JobPace, JobScenario};
use crate::journal::RecordedRequest;
use crate::org::MockOrg;
use crate::timeline::{Interval, Timeline};

/// # Jobs
impl MockOrg {
    /// Returns the operationIds of all operations that submit jobs.
    pub fn job_operations(&self) -> Vec<&'static str> {
        let api = self.service().api();
        let job_specs = api.job_specs().all().iter();
        job_specs.map(|spec| api.endpoint(spec.submit).operation.id.as_str()).collect()
    }

    /// Sets the scenario of the jobs that an operation submits from now on.
    ///
    /// # Errors
    /// If the API has no such operation, it submits no jobs, or they do not support the scenario.
    pub fn job_scenario(&self, submit: &str, scenario: JobScenario) -> Result<(), Error> {
        let service = self.service();
        service.jobs().plan(service.lists(), service.endpoint(submit)?, scenario)
    }

    /// Returns the scenarios that the jobs of an operation support.
    ///
    /// # Errors
    /// If the API has no such operation, or it submits no jobs.
    pub fn job_scenarios(&self, submit: &str) -> Result<Vec<JobScenario>, Error> {
        self.service().jobs().scenarios(self.service().endpoint(submit)?)
    }

    /// Sets how long the jobs that an operation submits from now on run.
    ///
    /// # Errors
    /// If the API has no such operation, or it submits no jobs.
    pub fn job_pace(&self, submit: &str, pace: JobPace) -> Result<(), Error> {
        self.service().jobs().pace(self.service().endpoint(submit)?, pace)
    }

    /// Sets the number of results of the jobs of an operation, if the results are a list. If another operation
    /// lists the results, this sets the length of that list, as [`MockOrg::set_list`] does.
    ///
    /// # Errors
    /// If the API has no such operation, or it submits no jobs.
    pub fn set_job_records(&self, submit: &str, count: u64) -> Result<(), Error> {
        let service = self.service();
        service.jobs().set_records(service.lists(), service.endpoint(submit)?, count)
    }

    /// Releases submitted jobs that wait for the client, as if it had uploaded the file or called the operation
    /// that continues them.
    ///
    /// # Errors
    /// If the API has no such operation, or it submits no jobs.
    pub fn release_jobs(&self, submit: &str) -> Result<(), Error> {
        let jobs = self.service().jobs();
        let spec = jobs.spec(self.service().endpoint(submit)?)?;
        jobs.runs_of(spec).iter().for_each(|run| run.release());
        Ok(())
    }

    /// Returns what a client must read from a job that is submitted now.
    ///
    /// # Errors
    /// If the API has no such operation, or it submits no jobs.
    pub fn expected_job(&self, submit: &str) -> Result<ExpectedJob, Error> {
        let service = self.service();
        service.jobs().expected(service.lists(), service.endpoint(submit)?)
    }

    /// Spreads the records of a list over a time range; a query returns those in its `interval`. For an
    /// operation that submits jobs, the list is their results. [`MockOrg::set_list`] or
    /// [`MockOrg::set_job_records`] sets the number of records.
    ///
    /// # Errors
    /// If the API has no such operation, it takes no interval or has no list, or the times of the timeline
    /// can't be parsed.
    pub fn timeline(&self, operation: &str, timeline: Timeline) -> Result<(), Error> {
        let endpoint = self.service().endpoint(operation)?;
        if !timeline.is_valid() || !Interval::is_taken(endpoint.operation) {
            return Err(Error::timeline(&endpoint.operation.id));
        }
        self.service().lists().set_timeline(self.dated(endpoint)?, timeline);
        Ok(())
    }

    /// Returns the [keys](crate::Expected::key) of the records in an interval (`<start>/<end>`) of a list with
    /// a timeline, in order.
    ///
    /// # Errors
    /// If the API has no such operation, its list has no timeline, or the interval can't be parsed.
    pub fn expected_within(&self, operation: &str, interval: &str) -> Result<Vec<String>, Error> {
        let endpoint = self.service().endpoint(operation)?;
        let interval = Interval::parse(interval);
        let interval = interval.ok_or_else(|| Error::timeline(&endpoint.operation.id))?;
        self.service().lists().keys_within(self.dated(endpoint)?, interval)
    }

    /// The operation that lists the records of a query or the results of a job.
    fn dated(&self, endpoint: &'static Endpoint) -> Result<&'static Endpoint, Error> {
        let api = self.service().api();
        match api.job_specs().of_submit(endpoint.index) {
            Some(spec) => {
                let listed_by = spec.listed_by(api);
                listed_by.ok_or_else(|| Error::not_a_list(&endpoint.operation.id))
            }
            None => match endpoint.success_response().body {
                SuccessBody::Listing(_) => Ok(endpoint),
                _ => Err(Error::not_a_list(&endpoint.operation.id)),
            },
        }
    }

    /// Returns the base URL of files behind presigned URLs: `http://127.0.0.1:<another port>`. Requests with a
    /// token are refused there.
    pub fn files_url(&self) -> String {
        format!("http://{}", self.files().address())
    }

    /// Returns the requests for files received, and uploads, oldest first. Only the last 10,000 are kept.
    pub fn downloads(&self) -> Vec<RecordedRequest> {
        self.service().downloads().requests()
    }
}
