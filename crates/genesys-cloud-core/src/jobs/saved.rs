//! Saves a job as plain data, and loads it.

use super::run::Run;
use super::spec::{Completion, JobSpec};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::request::Request;
use crate::saved_job::{Org, SavedJob};

impl SavedJob {
    pub(super) fn of(run: &Run) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let repeated = *run.family.done_when() == Completion::Not202;
        Self {
            org: Org::Known(run.client.identity()),
            family: run.family.name().to_owned(),
            operation: run.request.operation().id().to_owned(),
            id: run.id.clone(),
            submitted: run.submitted,
            expires: run.expires(),
            asked_until: run.asked_until,
            path: run.request.path_values().map(owned).collect(),
            // The submit is sent again only where it is polled by.
            query: run.request.query_pairs().filter(|_| repeated).map(owned).collect(),
        }
    }

    /// The job, if it is one that this operation submitted.
    pub(super) fn run(
        self,
        client: &Client,
        operation: Operation,
        family: JobSpec,
    ) -> Result<Run, Error> {
        let mismatch = |why: String| Error::job(ErrorKind::JobMismatch, &operation, why);
        if self.operation != operation.id() || self.family != family.name() {
            let (saved, of) = (self.operation, self.family);
            let error = mismatch(format!("the saved job is of {saved} (family {of})"));
            return Err(error.advise("load it through that operation"));
        }
        if let Some(difference) = self.difference(client) {
            let why = format!("the saved job belongs to another organization: {difference}");
            let advice = "load it with a client of the organization that it was submitted in";
            return Err(mismatch(why).advise(advice));
        }
        let mut request = Request::new(operation);
        for (name, value) in self.path {
            request.set_path(name, value);
        }
        for (name, value) in self.query {
            request.add_query(name, value);
        }
        let (id, submitted, expires) = (self.id, self.submitted, self.expires);
        let mut run = Run::from_static(client.clone(), family, request, id, submitted, expires);
        run.asked_until = self.asked_until;
        Ok(run)
    }
}
