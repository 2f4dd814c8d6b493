//! How far the data is available that a job searches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::Instant;

use super::run::Run;
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

/// The pauses before the API is asked again, from the first one on: each is twice the one before.
const FIRST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_mins(5);

/// The date up to which data is available, as the operation for it reports, for results that do not have it.
#[derive(Clone, Default)]
pub(crate) struct DataDate(Arc<Mutex<Told>>);

#[derive(Clone, Copy, Default)]
struct Told {
    until: Option<DateTime<Utc>>,
    is_asked: bool,
}

impl DataDate {
    pub(crate) fn get(&self) -> Option<DateTime<Utc>> {
        self.lock().until
    }

    pub(super) fn note(&self, until: DateTime<Utc>) {
        *self.lock() = Told { until: Some(until), is_asked: true };
    }

    /// Asks for it once, if a page of results does not have it. The page is fine even if this fails.
    pub(super) async fn learn(&self, run: &Run, page: &RawResponse) {
        let Some(availability) = run.family.availability() else { return };
        let tells = |fields: JsonText<'_>| fields.instant(availability.field()).is_some();
        if JsonText::of(page).is_ok_and(tells) || std::mem::replace(&mut self.lock().is_asked, true)
        {
            return;
        }
        match ask(&run.client, availability, &run.calls).await {
            Ok(until) => self.note(until),
            Err(error) => {
                let operation = availability.operation().id();
                tracing::warn!(operation, %error, "availability of data not known");
            }
        }
    }

    /// What is in it is replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobSpec {
    /// The end of the interval that a submit asks for, if its data becomes available with a delay.
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

/// Waits until the data is available that a submit asks for. Gives the date up to which it is.
pub(super) async fn wait_for_data(
    client: &Client,
    family: &JobSpec,
    submit: &Request,
    calls: &CallCounter,
    wait: &DataWait,
) -> Result<DateTime<Utc>, Error> {
    let refused = |why: &str| {
        let why = format!("`wait_for_data` can't be used: {why}");
        Err(Error::invalid_request(submit.operation(), why))
    };
    let Some(availability) = family.availability() else {
        return refused("the API does not report how far its data is available");
    };
    let Some(wanted) = family.asked_until(submit) else {
        return refused("the call has no valid interval");
    };
    let end = wait.end();
    let mut pause = FIRST;
    loop {
        let until = ask(client, availability, calls).await?;
        if until >= wanted {
            return Ok(until);
        }
        let now = Instant::now();
        if now >= end {
            return Err(late(submit.operation(), until, wanted, wait.allowed));
        }
        let text = until.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        tracing::info!(family = family.name(), until = text, "data waited for");
        tokio::time::sleep_until(end.min(later(now, pause))).await;
        pause = (pause * 2).min(LONGEST);
    }
}

async fn ask(
    client: &Client,
    availability: &Availability,
    calls: &CallCounter,
) -> Result<DateTime<Utc>, Error> {
    let request = Request::new(availability.operation().clone());
    let reply = calls.execute(client, &request).await?;
    let fields = JsonText::of(&reply).map_err(|error| Error::decode(&reply, &error))?;
    fields.instant(availability.field()).ok_or_else(|| {
        let why = format!("it has no date-time in `{}`", availability.field());
        Error::decode(&reply, &DecodeError::new(why))
    })
}

fn late(
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
