//! Data that the org takes in with a delay: jobs that look through it find what has been taken in by then, and tell
//! up to when that is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use genesys_cloud_catalogue::Schema;
use serde_json::Value;

use crate::error::Error;
use crate::moment::Moment;
use crate::org::MockOrg;
use crate::reply::CannedReply;

/// The field of replies that tells up to when data has been taken in.
const FIELD: &str = "dataAvailabilityDate";

/// Up to when data has been taken in.
#[derive(Debug, Default)]
pub(crate) struct Available(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// All of it, unless a test says otherwise.
    until: Option<Moment>,
    /// What it was when a job was submitted, by the id of the job.
    of_jobs: HashMap<String, Moment>,
}

impl Available {
    pub(crate) fn set(&self, until: Moment) {
        self.state().until = Some(until);
    }

    pub(crate) fn until(&self) -> Option<Moment> {
        self.state().until
    }

    /// Notes what a job finds that is submitted now.
    pub(crate) fn note(&self, job: &str, now: Moment) {
        let mut state = self.state();
        let until = state.until.unwrap_or(now);
        state.of_jobs.insert(job.to_owned(), until);
    }

    /// Has a reply tell it, if the document has a field for that: of a job, what it was when that was submitted.
    pub(crate) fn tell(
        &self,
        reply: CannedReply,
        schema: Option<&Schema>,
        job: Option<&str>,
        now: Moment,
    ) -> CannedReply {
        if reply.status >= 300 || schema.is_none_or(|schema| schema.property(FIELD).is_none()) {
            return reply;
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&reply.body) else {
            return reply;
        };
        let state = self.state();
        let of_job = job.and_then(|job| state.of_jobs.get(job)).copied();
        let until = of_job.or(state.until).unwrap_or(now);
        fields.insert(FIELD.to_owned(), until.text().into());
        CannedReply { body: Value::Object(fields).to_string().into(), ..reply }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MockOrg {
    /// Sets up to when the org has taken in the data that jobs look through, a date-time such as
    /// `2026-01-01T00:00Z`; all of it before this is called.
    ///
    /// Jobs that are submitted from now on find no later record of a list with a
    /// [timeline](MockOrg::timeline), and their results tell the date, as do the operations for it
    /// (`../jobs/availability`).
    ///
    /// # Errors
    /// If the date-time can't be read.
    pub fn set_data_available_until(&self, until: &str) -> Result<(), Error> {
        let until = Moment::parse(until).ok_or_else(|| Error::time(until))?;
        self.service().available().set(until);
        Ok(())
    }
}
