//! Up to when the service has taken in the data that a job looks through.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use tokio::time::Instant;

use super::family::{Availability, Family};
use super::fields::Fields;
use super::run::later;
use super::tally::Tally;
use crate::client::Client;
use crate::error::Error;
use crate::operation::Operation;
use crate::request::Request;
use crate::windows::Interval;

/// The pauses before the API is asked again, from the first one on: each is twice the one before.
const FIRST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_mins(5);

/// How long data is waited for, from when that begins. Clones wait together.
#[derive(Clone, Debug)]
pub(crate) struct DataWait {
    allowed: Duration,
    end: Arc<OnceLock<Instant>>,
}

impl DataWait {
    pub(crate) fn new(allowed: Duration) -> Self {
        Self { allowed, end: Arc::default() }
    }

    /// When it ends. It begins now, unless it has begun.
    fn end(&self) -> Instant {
        *self.end.get_or_init(|| later(Instant::now(), self.allowed))
    }
}

impl Family {
    /// The end of the interval that a submit asks for, if its data is taken in with a delay.
    pub(crate) fn asked_until(&self, submit: &Request) -> Option<DateTime<Utc>> {
        let place = self.availability()?.interval();
        let text = match place.is_in_body() {
            false => {
                let mut values = submit.query_pairs().filter(|(name, _)| *name == place.name());
                values.next()?.1.to_owned()
            }
            true => {
                let body: Value = serde_json::from_slice(submit.body()?).ok()?;
                let at = |value: &Value| value.as_str().map(str::to_owned);
                place
                    .name()
                    .split('.')
                    .try_fold(&body, |within, name| within.get(name))
                    .and_then(at)?
            }
        };
        text.parse::<Interval>().ok().map(|interval| interval.end())
    }
}

/// Waits until the service has taken in the data that a submit asks for.
pub(super) async fn wait_for_data(
    client: Client,
    family: Family,
    submit: Request,
    tally: Tally,
    wait: DataWait,
) -> Result<(), Error> {
    let refused = |why: &str| {
        let why = format!("`wait_for_data` can't be used: {why}");
        Err(Error::invalid_request(submit.operation(), why))
    };
    let Some(availability) = family.availability() else {
        return refused("no operation tells up to when its data is available");
    };
    let Some(wanted) = family.asked_until(&submit) else {
        return refused("the call has no interval that can be read");
    };
    let end = wait.end();
    let mut pause = FIRST;
    loop {
        let until = ask(&client, availability, &tally).await?;
        if until >= wanted {
            return Ok(());
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
    tally: &Tally,
) -> Result<DateTime<Utc>, Error> {
    let request = Request::new(availability.operation().clone());
    let reply = tally.execute(client, &request).await?;
    let fields = Fields::of(&reply).map_err(|error| Error::decode(&reply, &error))?;
    fields.instant(availability.field()).ok_or_else(|| {
        let why = format!("it has no date-time in `{}`", availability.field());
        Error::decode(&reply, &crate::reply::DecodeError::new(why))
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
        "its data is available up to {until}, and is wanted up to {wanted}; it was waited for {seconds} s"
    );
    Error::data_unavailable(operation, why)
        .advise("try again later, or choose an interval that ends earlier")
}
