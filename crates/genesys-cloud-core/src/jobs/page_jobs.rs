//! Results with one job for each page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::errors::GONE;
use super::poller::{Poller, how_to_check};
use super::results::{page, ready};
use super::spec::{JobSpec, Results};
use crate::call_counter::CallCounter;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::json_path::JsonText;
use crate::options::JobOptions;
use crate::request::Request;
use crate::response::RawResponse;

/// The jobs of pages that have been submitted and not read yet, by submit. A call that is dropped leaves its job here.
pub(super) struct PageJobs {
    slots: Mutex<HashMap<Submitted, Arc<tokio::sync::Mutex<Slot>>>>,
    calls: CallCounter,
    options: JobOptions,
}

/// The job of a page.
#[derive(Default)]
enum Slot {
    /// Not submitted.
    #[default]
    Empty,
    /// The submit is in progress, or was abandoned.
    Submitting,
    Running(Box<Poller>),
    /// The API has, or may have, a job that can't be resumed.
    Lost(Error),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Submitted {
    target: String,
    body: Option<Bytes>,
}

impl PageJobs {
    pub(super) fn new(calls: CallCounter, options: JobOptions) -> Self {
        Self { slots: Mutex::default(), calls, options }
    }

    pub(super) async fn page(
        &self,
        client: Client,
        request: Request,
        spec: JobSpec,
    ) -> Result<RawResponse, Error> {
        let submitted = Submitted { target: request.target()?, body: request.body().cloned() };
        let slot = self.lock().entry(submitted.clone()).or_default().clone();
        let mut slot = slot.lock().await;
        let reads = request.operation().is_repeatable();
        let mut is_first = true;
        let page = loop {
            let poller = self.poller(&mut slot, &client, &request, &spec).await?;
            let page = results_page(poller, &self.options).await;
            let Some(error) = page.as_ref().err().filter(|error| is_gone(error)) else {
                break page;
            };
            // Only a job that reads can safely be submitted again.
            match reads {
                true if is_first => (*slot, is_first) = (Slot::Empty, false),
                true => break page,
                false => {
                    *slot = Slot::Lost(error.share());
                    return page;
                }
            }
        };
        // A job that failed is submitted again by the next call; any other continues.
        if page.as_ref().err().is_none_or(|error| error.is_job_without_result() || is_gone(error)) {
            *slot = Slot::Empty;
            self.lock().remove(&submitted);
        }
        page
    }

    /// Returns the job of a page, submitting it if there is none.
    async fn poller<'a>(
        &self,
        slot: &'a mut Slot,
        client: &Client,
        request: &Request,
        spec: &JobSpec,
    ) -> Result<&'a mut Poller, Error> {
        let reads = request.operation().is_repeatable();
        match slot {
            Slot::Lost(error) => return Err(error.share()),
            Slot::Submitting if !reads => return Err(abandoned(request, spec)),
            Slot::Running(_) => {}
            Slot::Empty | Slot::Submitting => {
                *slot = Slot::Submitting;
                let (client, request) = (client.clone(), request.clone());
                let poller =
                    Poller::submit(client, request, spec.clone(), self.calls.clone()).await;
                *slot = match poller {
                    Ok(mut poller) => {
                        poller.apply(&self.options);
                        Slot::Running(Box::new(poller))
                    }
                    Err(error) => {
                        let is_lost = error.is_outcome_unknown();
                        *slot = if is_lost { Slot::Lost(error.share()) } else { Slot::Empty };
                        return Err(error);
                    }
                };
            }
        }
        match slot {
            Slot::Running(poller) => Ok(poller),
            Slot::Empty | Slot::Submitting | Slot::Lost(_) => Err(abandoned(request, spec)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Submitted, Arc<tokio::sync::Mutex<Slot>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the API no longer has the job or its results.
fn is_gone(error: &Error) -> bool {
    error.is_refused_by(&GONE) || error.kind() == ErrorKind::JobExpired
}

/// The error for a submit that was abandoned before its response.
fn abandoned(request: &Request, spec: &JobSpec) -> Error {
    let why = "the submit of the job was abandoned before its response arrived".to_owned();
    Error::job(ErrorKind::JobNotPollable, request.operation(), why)
        .outcome_unknown(how_to_check(spec))
}

async fn results_page(poller: &mut Poller, options: &JobOptions) -> Result<RawResponse, Error> {
    let status = poller.wait().await?;
    poller.check_expiry(&status)?;
    let Results::List(call, list_spec) = poller.spec.results() else {
        let operation = poller.operation();
        let why = "no operation lists the results".to_owned();
        return Err(Error::job(ErrorKind::JobNotPollable, operation, why));
    };
    let request = options.changed(poller.ask(call));
    let mut retries = 0;
    loop {
        let response = page(poller, &request).await?;
        // Retried here: the list would submit another job.
        let Some(error) = unusable(&response) else {
            poller.client.usable_after(retries);
            return ready(response, Some(list_spec.items()));
        };
        poller.client.wait_to_repeat(request.operation(), retries, error).await?;
        retries += 1;
    }
}

/// The error for a response that can't be a page of any list.
fn unusable(response: &RawResponse) -> Option<Error> {
    match JsonText::of(response) {
        Err(error) => Some(Error::decode(response, &error)),
        Ok(fields) if fields.is_null() || fields.is_error() => {
            let why = "the API returned no page of the results".to_owned();
            Some(Error::not_a_page(response, why))
        }
        Ok(_) => None,
    }
}
