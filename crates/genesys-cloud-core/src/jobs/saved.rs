//! Saves a job as data, and loads it.

use super::poller::Poller;
use super::spec::{Completion, JobSpec};
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::request::Request;
use crate::saved_job::{Org, SavedJob};

impl SavedJob {
    pub(super) fn of(poller: &Poller) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let repeated = *poller.spec.done_when() == Completion::Not202;
        Self {
            org: Org::Known(poller.client.identity()),
            family: poller.spec.name().to_owned(),
            operation: poller.request.operation().id().to_owned(),
            id: poller.id.clone(),
            submitted: poller.submitted,
            expires: poller.expires(),
            asked_until: poller.asked_until,
            path: poller.request.path_values().map(owned).collect(),
            // Only needed if the submit is repeated to poll.
            query: poller.request.query_pairs().filter(|_| repeated).map(owned).collect(),
        }
    }

    /// The job, if this operation submitted it.
    pub(super) fn poller(
        self,
        client: &Client,
        operation: Operation,
        spec: JobSpec,
    ) -> Result<Poller, Error> {
        let mismatch = |why: String| Error::job(ErrorKind::JobMismatch, &operation, why);
        if self.operation != operation.id() || self.family != spec.name() {
            let (saved, of) = (self.operation, self.family);
            let error = mismatch(format!("the saved job is of {saved} (family {of})"));
            return Err(error.advise("load it with that operation"));
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
        let mut poller =
            Poller::for_submitted(client.clone(), spec, request, id, submitted, expires);
        poller.asked_until = self.asked_until;
        Ok(poller)
    }
}
