//! Availability of the data that a job searches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::Instant;

use super::poller::Poller;
use super::spec::{Availability, JobSpec};
use crate::call_counter::CallCounter;
use crate::client::Client;
use crate::error::Error;
use crate::interval::Interval;
use crate::json_path::JsonText;
use crate::operation::Operation;
use crate::options::{DataWait, later};
use crate::request::Request;
use crate::response::{DecodeError, RawResponse};

/// The first and the longest pause between availability requests. Each is twice the previous one.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const MAX_PAUSE: Duration = Duration::from_mins(5);

/// The time up to which data is available, from the availability operation, for results that lack it.
#[derive(Clone, Default)]
pub(crate) struct DataDate(Arc<Mutex<DateState>>);

#[derive(Clone, Copy, Default)]
struct DateState {
    until: Option<DateTime<Utc>>,
    is_requested: bool,
}

impl DataDate {
    pub(crate) fn get(&self) -> Option<DateTime<Utc>> {
        self.lock().until
    }

    pub(super) fn note(&self, until: DateTime<Utc>) {
        *self.lock() = DateState { until: Some(until), is_requested: true };
    }

    /// Requests it once, if a page of results lacks it. If that fails, the page is still returned.
    pub(super) async fn learn(&self, poller: &Poller, page: &RawResponse) {
        let Some(availability) = poller.spec.availability() else { return };
        let has_date = |fields: JsonText<'_>| fields.instant(availability.field()).is_some();
        if JsonText::of(page).is_ok_and(has_date)
            || std::mem::replace(&mut self.lock().is_requested, true)
        {
            return;
        }
        match request_date(&poller.client, availability, &poller.calls).await {
            Ok(until) => self.note(until),
            Err(error) => {
                let operation = availability.operation().id();
                tracing::warn!(operation, %error, "data availability unknown");
            }
        }
    }

    /// A poisoned lock is usable: the value is only replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, DateState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobSpec {
    /// The end of the interval of a submit, if the data becomes available with a delay.
    pub(crate) fn asked_until(&self, submit: &Request) -> Option<DateTime<Utc>> {
        let place = self.availability()?.interval();
        let text = match place.is_in_body() {
            false => {
                let mut values = submit.query_pairs().filter(|(name, _)| *name == place.name());
                values.next()?.1.to_owned()
            }
            true => serde_json::from_str(submit.body_field(&place.pointer())?).ok()?,
        };
        text.parse::<Interval>().ok().map(|interval| interval.end())
    }
}

/// Waits until the data for the interval of a submit is available. Returns the time up to which it is.
pub(super) async fn wait_for_data(
    client: &Client,
    spec: &JobSpec,
    submit: &Request,
    calls: &CallCounter,
    wait: &DataWait,
) -> Result<DateTime<Utc>, Error> {
    let invalid = |why: &str| {
        let why = format!("`wait_for_data` can't be used: {why}");
        Err(Error::invalid_request(submit.operation(), why))
    };
    let Some(availability) = spec.availability() else {
        return invalid("the API does not report how far its data is available");
    };
    let Some(wanted) = spec.asked_until(submit) else {
        return invalid("the call has no valid interval");
    };
    let end = wait.end();
    let mut pause = FIRST_PAUSE;
    loop {
        let until = request_date(client, availability, calls).await?;
        if until >= wanted {
            return Ok(until);
        }
        let now = Instant::now();
        if now >= end {
            return Err(deadline_passed(submit.operation(), until, wanted, wait.allowed));
        }
        let text = until.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        tracing::info!(family = spec.name(), until = text, "waiting for data");
        tokio::time::sleep_until(end.min(later(now, pause))).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

async fn request_date(
    client: &Client,
    availability: &Availability,
    calls: &CallCounter,
) -> Result<DateTime<Utc>, Error> {
    let request = Request::new(availability.operation().clone());
    let response = calls.execute(client, &request).await?;
    let fields = JsonText::of(&response).map_err(|error| Error::decode(&response, &error))?;
    fields.instant(availability.field()).ok_or_else(|| {
        let why = format!("it has no date-time in `{}`", availability.field());
        Error::decode(&response, &DecodeError::new(why))
    })
}

fn deadline_passed(
    operation: &Operation,
    until: DateTime<Utc>,
    wanted: DateTime<Utc>,
    allowed: Duration,
) -> Error {
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let (until, wanted) = (text(until), text(wanted));
    let seconds = allowed.as_secs();
    let why = format!(
        "the data is available up to {until}, but the interval ends at {wanted}; waited for {seconds} s"
    );
    Error::data_unavailable(operation, why)
        .advise("try again later, or choose an interval that ends earlier")
}
