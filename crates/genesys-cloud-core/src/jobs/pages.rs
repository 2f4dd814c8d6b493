//! Results of which each page is a job of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::family::{Family, Results};
use super::open::{page, ready};
use super::run::Run;
use super::settings::JobSettings;
use super::tally::Tally;
use crate::client::Client;
use crate::error::{Error, JobEnd};
use crate::reply::RawReply;
use crate::request::Request;

/// The jobs of pages that have been submitted and not read yet, by what was submitted. A call that is given up
/// on the way leaves its job here.
pub(super) struct PageJobs {
    slots: Mutex<HashMap<Submitted, Slot>>,
    tally: Tally,
    settings: JobSettings,
}

/// A job, once it has been submitted.
type Slot = Arc<tokio::sync::Mutex<Option<Run>>>;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Submitted {
    target: String,
    body: Option<Bytes>,
}

impl PageJobs {
    pub(super) fn new(tally: Tally, settings: JobSettings) -> Self {
        Self { slots: Mutex::default(), tally, settings }
    }

    pub(super) async fn page(
        &self,
        client: Client,
        request: Request,
        family: Family,
    ) -> Result<RawReply, Error> {
        let submitted = Submitted { target: request.target()?, body: request.body().cloned() };
        let slot = self.lock().entry(submitted.clone()).or_default().clone();
        let mut run = slot.lock().await;
        let run = match &mut *run {
            Some(run) => run,
            none => {
                let mut run = Run::submit(client, request, family, self.tally.clone()).await?;
                self.settings.apply(&mut run);
                none.insert(run)
            }
        };
        let page = results_page(run, &self.settings).await;
        // A job that came to nothing is submitted anew; any other is gone on with.
        if page.as_ref().err().is_none_or(Error::is_job_failed) {
            self.lock().remove(&submitted);
        }
        page
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Submitted, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn results_page(run: &mut Run, settings: &JobSettings) -> Result<RawReply, Error> {
    let status = run.wait().await?;
    run.check_expiry(&status)?;
    let Results::List(call, listing) = run.family.results() else {
        let operation = run.operation();
        let why = "no operation lists the results".to_owned();
        return Err(Error::job(JobEnd::NotPollable, operation, why));
    };
    ready(page(run, &settings.changed(run.ask(call))).await?, Some(listing.items()))
}
