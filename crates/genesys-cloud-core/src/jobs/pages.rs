//! Results of which each page is a job of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::end::GONE;
use super::results::{page, ready};
use super::run::{Run, how_to_look};
use super::spec::{JobSpec, Results};
use crate::call_counter::CallCounter;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::json_path::JsonText;
use crate::options::JobOptions;
use crate::request::Request;
use crate::response::RawResponse;

/// The jobs of pages that have been submitted and not read yet, by what was submitted. A call that is given up
/// on the way leaves its job here.
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
    Running(Box<Run>),
    /// The API has or may have a job that can't be resumed.
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
        family: JobSpec,
    ) -> Result<RawResponse, Error> {
        let submitted = Submitted { target: request.target()?, body: request.body().cloned() };
        let slot = self.lock().entry(submitted.clone()).or_default().clone();
        let mut slot = slot.lock().await;
        let reads = request.operation().is_repeatable();
        let mut is_first = true;
        let page = loop {
            let run = self.run(&mut slot, &client, &request, &family).await?;
            let page = results_page(run, &self.options).await;
            let Some(error) = page.as_ref().err().filter(|error| is_gone(error)) else {
                break page;
            };
            // Only a job that reads can be submitted again without harm.
            match reads {
                true if is_first => (*slot, is_first) = (Slot::Empty, false),
                true => break page,
                false => {
                    *slot = Slot::Lost(error.share());
                    return page;
                }
            }
        };
        // A job that came to nothing is submitted anew; any other is gone on with.
        if page.as_ref().err().is_none_or(|error| error.is_job_without_result() || is_gone(error)) {
            *slot = Slot::Empty;
            self.lock().remove(&submitted);
        }
        page
    }

    /// Returns the job of a page, submitting it if there is none.
    async fn run<'a>(
        &self,
        slot: &'a mut Slot,
        client: &Client,
        request: &Request,
        family: &JobSpec,
    ) -> Result<&'a mut Run, Error> {
        let reads = request.operation().is_repeatable();
        match slot {
            Slot::Lost(error) => return Err(error.share()),
            Slot::Submitting if !reads => return Err(given_up(request, family)),
            Slot::Running(_) => {}
            Slot::Empty | Slot::Submitting => {
                *slot = Slot::Submitting;
                let (client, request) = (client.clone(), request.clone());
                let run = Run::submit(client, request, family.clone(), self.calls.clone()).await;
                *slot = match run {
                    Ok(mut run) => {
                        run.apply(&self.options);
                        Slot::Running(Box::new(run))
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
            Slot::Running(run) => Ok(run),
            Slot::Empty | Slot::Submitting | Slot::Lost(_) => Err(given_up(request, family)),
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

/// The error for a submit that was abandoned before its reply.
fn given_up(request: &Request, family: &JobSpec) -> Error {
    let why = "the submit of the job was abandoned before its reply arrived".to_owned();
    Error::job(ErrorKind::JobNotPollable, request.operation(), why)
        .outcome_unknown(how_to_look(family))
}

async fn results_page(run: &mut Run, options: &JobOptions) -> Result<RawResponse, Error> {
    let status = run.wait().await?;
    run.check_expiry(&status)?;
    let Results::List(call, listing) = run.family.results() else {
        let operation = run.operation();
        let why = "no operation lists the results".to_owned();
        return Err(Error::job(ErrorKind::JobNotPollable, operation, why));
    };
    let request = options.changed(run.ask(call));
    let mut retries = 0;
    loop {
        let reply = page(run, &request).await?;
        // Repeated here, because the list could only submit the page again.
        let Some(error) = unusable(&reply) else {
            run.client.usable_after(retries);
            return ready(reply, Some(listing.items()));
        };
        run.client.wait_to_repeat(request.operation(), retries, error).await?;
        retries += 1;
    }
}

/// The error for a reply that is not a page, whatever the list.
fn unusable(reply: &RawResponse) -> Option<Error> {
    match JsonText::of(reply) {
        Err(error) => Some(Error::decode(reply, &error)),
        Ok(fields) if fields.is_null() || fields.is_error() => {
            let why = "the API returned no page of the results".to_owned();
            Some(Error::not_a_page(reply, why))
        }
        Ok(_) => None,
    }
}
