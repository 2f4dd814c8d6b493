//! Resuming a list: the effects of the transitions of [`Resume`] on cursor, source and counts.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Last, PageFetcher, Phase};
use crate::error::{Error, ErrorKind};
use crate::options::OnStale;
use crate::paging::checkpoint_state::ListPoint;
use crate::paging::cursor_state::Position;
use crate::paging::progress::Progress;
use crate::paging::resume::{Entry, Resume, ResumePoint, Stage};
use crate::paging::selection::Overlap;
use crate::split_errors::is_too_large;

/// Allowance for clock skew before the results of a job are considered deleted.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

impl PageFetcher {
    /// Resumes the list at a place.
    pub(in crate::paging) fn resume_at(
        &mut self,
        point: Option<ListPoint>,
        saved: Option<DateTime<Utc>>,
    ) {
        self.resume = Resume::given(point, saved);
    }

    /// The ids of items delivered before the place to resume at.
    pub(in crate::paging) fn resumed_ids(&self) -> &[u64] {
        self.resume.point().map_or(&[], |point| &point.ids)
    }

    /// Checks the place to resume at, if any. Sends nothing.
    pub(super) fn check_resume(&mut self) -> Result<(), Error> {
        let mismatch = |why: &str| Error::checkpoint_mismatch(self.request.operation(), why);
        let place = match &self.resume {
            Resume::Pending(place, Stage::Given) => place.clone(),
            Resume::Refused(why) => return Err(mismatch(why)),
            _ => return Ok(()),
        };
        let point = &place.point;
        if let Some(difference) = point.subject.difference(&self.identity()) {
            return Err(mismatch(&difference));
        }
        if point.is_lost && self.on_stale() == OnStale::Fail {
            let why =
                "a job was submitted before and its response was lost; the job may be running";
            let error = Error::stale_checkpoint(self.operation(), why.to_owned(), None);
            return Err(error.outcome_unknown(
                "look for the job; to submit another one, set `on_stale` to `OnStale::Restart`",
            ));
        }
        let items = point.delivered();
        if let Some(limit) = self.options.limit.filter(|limit| *limit < items) {
            let why = format!("{items} items were read, more than the limit of {limit}");
            return Err(mismatch(&why));
        }
        // A list that was read to its end no longer needs its job.
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

    /// Continues the counts of the place.
    fn take_over(&mut self, point: &ListPoint) {
        self.progress = Progress {
            resumed: Some(Utc::now()).filter(|_| !point.has_ended()),
            asked_until: point.progress.asked_until.or(self.progress.asked_until),
            reports_availability: point.progress.reports_availability
                || self.progress.reports_availability,
            ..point.progress.clone()
        };
        if let Some(end) = point.end {
            self.phase = Phase::Ended(end);
        }
        (self.cursor.at.counted, self.cursor.at.page_size) = (point.at.counted, point.at.page_size);
    }

    /// Why the token of the next page has expired, if it has.
    fn token_expired(&self, place: &ResumePoint) -> Option<String> {
        let is_by_token = matches!(place.point.at.due, Position::Token(_) | Position::Link(_));
        let lifetime = self.spec().token_lifetime().filter(|_| is_by_token)?;
        let expired = place.saved?.checked_add_signed(TimeDelta::from_std(lifetime).ok()?)?;
        (expired < Utc::now() && !place.point.has_ended()).then(|| {
            let hours = lifetime.as_secs() / 3600;
            format!(
                "tokens of this list are valid for {hours} hours; this one expired at {expired}"
            )
        })
    }

    /// Moves the cursor to the place, once the source is open.
    pub(super) fn enter_place(&mut self) -> Result<(), Error> {
        let Some(entry) = self.resume.enter(self.cursor.sequence) else { return Ok(()) };
        let Some(point) = self.resume.point() else { return Ok(()) };
        if entry == Entry::AtPlace {
            if !self.cursor.resume(point.at.clone()) {
                let why = "its page does not fit the way in which the operation pages";
                self.resume.reopen();
                return Err(Error::checkpoint_mismatch(self.operation(), why));
            }
            if !point.overlap.is_empty() {
                let overlap = Overlap::new(&point.overlap);
                self.rereads.overlap = Some((overlap, self.cursor.at.clone()));
            }
        }
        // Pages of another size hold other items. A different size is requested only if the place can be found again:
        // if responses state their size, or the place is between two pages.
        let can_resize = match self.is_numbered() {
            true => self.cursor.at.grid.is_some(),
            false => point.offset == 0,
        };
        if self.cursor.at.page_size.is_some() && !(can_resize && self.options.page_size.is_some()) {
            self.is_page_size_settled = true;
        }
        Ok(())
    }

    /// Converts an error to a stale checkpoint if it is one. Returns `None` if the list starts over instead.
    pub(super) fn unless_stale(&mut self, error: Error) -> Option<Error> {
        let Some(place) = self.resume.place() else { return Some(error) };
        let is_entered = matches!(self.resume, Resume::Pending(_, Stage::Entered(_)))
            || self.resume.reads_elsewhere();
        let is_of_page =
            is_entered && self.is_led_by_token() && error.is_refused_by(&[400, 404, 410]);
        let is_of_job = place.point.job.is_some()
            && (is_entered || matches!(self.resume, Resume::Pending(_, Stage::Checked)))
            && (error.is_refused_by(&[404, 410])
                || error.kind() == ErrorKind::JobExpired
                // For a window of a range, `Windows` submits another job.
                || (error.is_job_without_result() && place.saved.is_some()));
        // A result that is too large stays too large when read from the beginning.
        if (!is_of_page && !is_of_job) || is_too_large(&error) {
            return Some(error);
        }
        if self.on_stale() == OnStale::Restart && self.restart() {
            let operation = self.operation().id();
            tracing::warn!(operation, %error, "stale checkpoint; starting over");
            return None;
        }
        let why = match error.is_job_without_result() {
            true => "the job of the checkpoint has no results".to_owned(),
            false => {
                let what = if is_of_page { "the page" } else { "the job" };
                format!("the API no longer has {what} of the checkpoint")
            }
        };
        Some(Error::stale_checkpoint(self.operation(), why, Some(error)))
    }

    /// Starts the list over, skipping what was delivered. Returns `false` if the source cannot.
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

/// Why the results of the job are gone, if they are.
fn job_expired(place: &ResumePoint) -> Option<String> {
    let job = place.point.job.as_ref().filter(|_| !place.point.has_ended())?;
    let expires = job.expires()?;
    let is_over = expires.checked_add_signed(CLOCKS_DIFFER).is_some_and(|at| at < Utc::now());
    is_over.then(|| format!("the results of the job were deleted at {expires}"))
}
