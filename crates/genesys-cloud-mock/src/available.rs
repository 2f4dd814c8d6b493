//! Data that becomes available with a delay: jobs find what is available when they are submitted, and their results
//! have the date up to which that is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use genesys_cloud_catalogue::Schema;
use serde_json::Value;

use crate::error::Error;
use crate::org::MockOrg;
use crate::reply::CannedReply;
use crate::timestamp::Timestamp;

/// The field of replies with the date up to which data is available.
const FIELD: &str = "dataAvailabilityDate";

/// Before any interval that is asked for.
const EARLY: &str = "2000-01-01T00:00:00Z";

/// Up to when data is available.
#[derive(Debug, Default)]
pub(crate) struct Available(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` if all of it is.
    until: Option<Timestamp>,
    /// The date that stands for all of it: the same in each reply, as two pages may have to be alike.
    all: Option<Timestamp>,
    /// What it was when a job was submitted, by the id of the job.
    of_jobs: HashMap<String, Timestamp>,
}

impl State {
    fn date(&mut self, now: Timestamp) -> Timestamp {
        self.until.unwrap_or_else(|| *self.all.get_or_insert(now))
    }
}

impl Available {
    pub(crate) fn set(&self, until: Timestamp) {
        self.state().until = Some(until);
    }

    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.state().until
    }

    /// Notes what a job finds that is submitted now.
    pub(crate) fn note(&self, job: &str, now: Timestamp) {
        let mut state = self.state();
        let until = state.date(now);
        state.of_jobs.insert(job.to_owned(), until);
    }

    /// Puts the date into a reply that has a field for it: for a job, the date when that was submitted.
    pub(crate) fn tell(
        &self,
        reply: CannedReply,
        schema: Option<&Schema>,
        job: Option<&str>,
        now: Timestamp,
    ) -> CannedReply {
        if reply.status >= 300 || !is_dated(schema) {
            return reply;
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&reply.body) else {
            return reply;
        };
        let mut state = self.state();
        let of_job = job.and_then(|job| state.of_jobs.get(job)).copied();
        let until = of_job.unwrap_or_else(|| state.date(now));
        fields.insert(FIELD.to_owned(), until.text().into());
        CannedReply { body: Value::Object(fields).to_string().into(), ..reply }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether replies of this schema have the date.
pub(crate) fn is_dated(schema: Option<&Schema>) -> bool {
    schema.is_some_and(|schema| schema.property(FIELD).is_some())
}

/// A reply that has the date with an early one, or without it.
pub(crate) fn antedate(reply: CannedReply, has_date: bool) -> CannedReply {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&reply.body) else {
        return reply;
    };
    match has_date {
        true => fields.insert(FIELD.to_owned(), EARLY.into()),
        false => fields.remove(FIELD),
    };
    CannedReply { body: Value::Object(fields).to_string().into(), ..reply }
}

impl MockOrg {
    /// Sets up to when the data is available that jobs search, a date-time such as `2026-01-01T00:00Z`. All of it is
    /// until this is called.
    ///
    /// Jobs that are submitted from now on find no later record of a list with a
    /// [timeline](MockOrg::timeline). Their results have the date, as do the replies of the operations for it
    /// (`../jobs/availability`).
    ///
    /// # Errors
    /// If the date-time can't be read.
    pub fn set_data_available_until(&self, until: &str) -> Result<(), Error> {
        let until = Timestamp::parse(until).ok_or_else(|| Error::time(until))?;
        self.service().available().set(until);
        Ok(())
    }
}
