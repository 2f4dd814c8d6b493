//! How a list is entered at a checkpoint: what the transitions of [`Resume`] mean for cursor, source and counts.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Last, PageFetcher, Phase};
use crate::error::{Error, ErrorKind};
use crate::options::OnStale;
use crate::paging::checkpoint_state::ListPoint;
use crate::paging::cursor_state::Position;
use crate::paging::progress::Progress;
use crate::paging::resume::{Entry, Resume, ResumePoint};
use crate::paging::selection::Overlap;
use crate::split_errors::is_too_large;

/// How far clocks may be apart: a job is not taken to be gone before this time is over too.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

impl PageFetcher {
    /// Has the list continue from a place.
    pub(in crate::paging) fn resume_at(
        &mut self,
        point: Option<ListPoint>,
        saved: Option<DateTime<Utc>>,
    ) {
        self.resume = Resume::given(point, saved);
    }

    /// The ids of items that were delivered before the place to continue from.
    pub(in crate::paging) fn resumed_ids(&self) -> &[u64] {
        self.resume.point().map_or(&[], |point| &point.ids)
    }

    /// Checks the place to continue from, if there is one. Nothing is sent.
    pub(super) fn check_resume(&mut self) -> Result<(), Error> {
        let mismatch = |why: &str| Error::checkpoint_mismatch(self.request.operation(), why);
        let place = match &self.resume {
            Resume::Given(place) => place.clone(),
            Resume::Refused(why) => return Err(mismatch(why)),
            _ => return Ok(()),
        };
        let point = &place.point;
        if let Some(difference) = point.subject.difference(&self.identity()) {
            return Err(mismatch(&difference));
        }
        if point.is_lost && self.on_stale() == OnStale::Fail {
            let why = "a job was submitted before, and its response was lost: it may be running";
            let error = Error::stale_checkpoint(self.operation(), why.to_owned(), None);
            return Err(error.outcome_unknown(
                "look for the job, and set `on_stale` to `OnStale::Restart` to submit another one",
            ));
        }
        let items = point.delivered();
        if let Some(limit) = self.options.limit.filter(|limit| *limit < items) {
            let why = format!("{items} items were read, more than the limit of {limit}");
            return Err(mismatch(&why));
        }
        // What has been read to its end needs no job any more.
        if let Some(saved) = point.job.as_ref().filter(|_| !point.has_ended())
            && let Err(why) = self.source.resume(saved)
        {
            return Err(Error::checkpoint_mismatch(self.operation(), &why));
        }
        match job_expired(&place).or_else(|| self.token_expired(&place)) {
            None => self.resume.check(),
            Some(why) => {
                if self.on_stale() == OnStale::Fail || !self.restart() {
                    return Err(Error::stale_checkpoint(self.operation(), why, None));
                }
            }
        }
        self.take_over(&place.point);
        Ok(())
    }

    fn on_stale(&self) -> OnStale {
        self.options.on_stale.unwrap_or_default()
    }

    /// Takes over what was counted up to the place.
    fn take_over(&mut self, point: &ListPoint) {
        self.progress = Progress {
            resumed: Some(Utc::now()).filter(|_| !point.has_ended()),
            asked_until: point.progress.asked_until.or(self.progress.asked_until),
            ..point.progress.clone()
        };
        if let Some(end) = point.end {
            self.phase = Phase::Ended(end);
        }
        (self.cursor.at.counted, self.cursor.at.page_size) = (point.at.counted, point.at.page_size);
    }

    /// Why the token of the page to go on with is no longer good, if that is known.
    fn token_expired(&self, place: &ResumePoint) -> Option<String> {
        let is_by_token = matches!(place.point.at.due, Position::Token(_) | Position::Link(_));
        let lifetime = self.spec().token_lifetime().filter(|_| is_by_token)?;
        let expired = place.saved?.checked_add_signed(TimeDelta::from_std(lifetime).ok()?)?;
        (expired < Utc::now() && !place.point.has_ended()).then(|| {
            let hours = lifetime.as_secs() / 3600;
            format!(
                "the API keeps the place in this list for {hours} hours, which ended at {expired}"
            )
        })
    }

    /// Goes to the place, now that it is known how the list is read.
    pub(super) fn enter_place(&mut self) -> Result<(), Error> {
        let Some(entry) = self.resume.enter(self.cursor.sequence) else { return Ok(()) };
        let Some(point) = self.resume.point() else { return Ok(()) };
        if entry == Entry::AtPlace {
            if !self.cursor.resume(point.at.clone()) {
                let why = "a list of its kind has no such page";
                self.resume.reopen();
                return Err(Error::checkpoint_mismatch(self.operation(), why));
            }
            if !point.overlap.is_empty() {
                let overlap = Overlap::new(&point.overlap);
                self.rereads.overlap = Some((overlap, self.cursor.at.clone()));
            }
        }
        // Pages of another size hold other items. Another size than before is requested only where the list can be
        // joined again in it: where responses say their size, or the place is between two pages.
        let can_resize = match self.is_numbered() {
            true => self.cursor.at.grid.is_some(),
            false => point.offset == 0,
        };
        if self.cursor.at.page_size.is_some() && !(can_resize && self.options.page_size.is_some()) {
            self.is_page_size_settled = true;
        }
        Ok(())
    }

    /// An error as the caller gets it, or `None` if the list is read from its beginning instead.
    pub(super) fn unless_stale(&mut self, error: Error) -> Option<Error> {
        let Some(place) = self.resume.place() else { return Some(error) };
        let is_entered =
            matches!(self.resume, Resume::Entered(..)) || self.resume.reads_elsewhere();
        let is_of_page =
            is_entered && self.is_led_by_token() && error.is_refused_by(&[400, 404, 410]);
        let is_of_job = place.point.job.is_some()
            && (is_entered || matches!(self.resume, Resume::Checked(_)))
            && (error.is_refused_by(&[404, 410])
                || error.kind() == ErrorKind::JobExpired
                // A range submits another job for its piece by itself.
                || (error.is_job_without_result() && place.saved.is_some()));
        // What is refused for its size is refused wherever it is read from.
        if (!is_of_page && !is_of_job) || is_too_large(&error) {
            return Some(error);
        }
        if self.on_stale() == OnStale::Restart && self.restart() {
            let operation = self.operation().id();
            tracing::warn!(operation, %error, "the checkpoint is stale: the list is read anew");
            return None;
        }
        let why = match error.is_job_without_result() {
            true => "the checkpoint leads to a job without results".to_owned(),
            false => {
                let what = if is_of_page { "the page" } else { "the job" };
                format!("the API no longer knows {what} that the checkpoint leads to")
            }
        };
        Some(Error::stale_checkpoint(self.operation(), why, Some(error)))
    }

    /// Sets out to read the list from its beginning, without what was delivered. `false` where that can't be
    /// done.
    fn restart(&mut self) -> bool {
        if !self.source.restart() {
            return false;
        }
        self.cursor.restart(&mut self.request, self.client.api_url());
        self.queue.clear();
        self.last = Last::None;
        self.resume.restart();
        true
    }
}

/// Why the results of the job are gone, if that is known.
fn job_expired(place: &ResumePoint) -> Option<String> {
    let job = place.point.job.as_ref().filter(|_| !place.point.has_ended())?;
    let expires = job.expires()?;
    let is_over = expires.checked_add_signed(CLOCKS_DIFFER).is_some_and(|at| at < Utc::now());
    is_over.then(|| format!("the results of the job were deleted at {expires}"))
}
