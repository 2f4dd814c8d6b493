//! Data that becomes available with a delay. A job finds the data available when it was submitted, and its
//! results state the date up to which data was available.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use genesys_cloud_catalogue::Schema;
use serde_json::Value;

use crate::error::Error;
use crate::org::MockOrg;
use crate::response::CannedResponse;
use crate::timestamp::Timestamp;

/// The field of a response that holds the date up to which data is available.
const FIELD: &str = "dataAvailabilityDate";

/// Earlier than any interval that a test requests.
const EARLY: &str = "2000-01-01T00:00:00Z";

/// The date up to which data is available.
#[derive(Debug, Default)]
pub(crate) struct Availability(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// `None` if all data is available.
    until: Option<Timestamp>,
    /// The date reported while all data is available. It is the same in every response, because two pages may
    /// have to be equal.
    all: Option<Timestamp>,
    /// How far the data lags behind the clock, if it does.
    delay: Option<Duration>,
    /// The date at the time each job was submitted, by job id.
    of_jobs: HashMap<String, Timestamp>,
}

impl State {
    fn date(&mut self, now: Timestamp) -> Timestamp {
        let delayed = self.delay.map(|delay| now.before(delay));
        self.until.or(delayed).unwrap_or_else(|| *self.all.get_or_insert(now))
    }
}

impl Availability {
    pub(crate) fn set(&self, until: Timestamp) {
        self.state().until = Some(until);
    }

    /// Lets the data lag behind the clock.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.state().delay = Some(delay);
    }

    /// The date, unless all data is available.
    pub(crate) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let state = self.state();
        state.until.or(state.delay.map(|delay| now.before(delay)))
    }

    /// Records the date for a job that is submitted now.
    pub(crate) fn note(&self, job: &str, now: Timestamp) {
        let mut state = self.state();
        let until = state.date(now);
        state.of_jobs.insert(job.to_owned(), until);
    }

    /// Adds the date to a response whose schema has the field. For a job, it is the date at the time of its
    /// submit.
    pub(crate) fn add_date(
        &self,
        response: CannedResponse,
        schema: Option<&Schema>,
        job: Option<&str>,
        now: Timestamp,
    ) -> CannedResponse {
        if response.status >= 300 || !is_dated(schema) {
            return response;
        }
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(&response.body) else {
            return response;
        };
        let mut state = self.state();
        let of_job = job.and_then(|job| state.of_jobs.get(job)).copied();
        let until = of_job.unwrap_or_else(|| state.date(now));
        fields.insert(FIELD.to_owned(), until.text().into());
        CannedResponse { body: Value::Object(fields).to_string().into(), ..response }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether responses of this schema have the date.
pub(crate) fn is_dated(schema: Option<&Schema>) -> bool {
    schema.is_some_and(|schema| schema.property(FIELD).is_some())
}

/// Returns the response with an early date, or without the date if `has_date` is false.
pub(crate) fn backdate(response: CannedResponse, has_date: bool) -> CannedResponse {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&response.body) else {
        return response;
    };
    match has_date {
        true => fields.insert(FIELD.to_owned(), EARLY.into()),
        false => fields.remove(FIELD),
    };
    CannedResponse { body: Value::Object(fields).to_string().into(), ..response }
}

impl MockOrg {
    /// Sets the date up to which data is available to jobs, such as `2026-01-01T00:00Z`. All data is available
    /// by default.
    ///
    /// Jobs submitted from now on find no later records in a list with a [timeline](MockOrg::timeline). Their
    /// results state the date, as do the availability operations (`../jobs/availability`).
    ///
    /// # Errors
    /// If the date-time can't be parsed.
    pub fn set_data_available_until(&self, until: &str) -> Result<(), Error> {
        let until = Timestamp::parse(until).ok_or_else(|| Error::time(until))?;
        self.service().availability().set(until);
        Ok(())
    }
}
