//! How an engine goes on with a list that was read before in part, and how far it has come itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Engine, Last};
use crate::error::{Error, ErrorKind};
use crate::jobs::Family;
use crate::options::OnStale;
use crate::paging::grid::{MOST_CHANGES, Realignment, realignment};
use crate::paging::listing::{PageSize, Place};
use crate::paging::marks::{Joined, PageText, join};
use crate::paging::picked::Overlap;
use crate::paging::point::{Handed, ListPoint, is_end_of_list};
use crate::paging::progress::{Counted, Progress};
use crate::paging::scheme::Motion;
use crate::paging::standing::{Facts, Position, Standing};
use crate::paging::step::{Contradiction, End};
use crate::paging::subject::Subject;
use crate::reply::RawReply;
use crate::saved_job::SavedJob;
use crate::split_errors::is_too_large;

/// How far clocks may be apart: a job is not taken to be gone before this time is over too.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// A place that the list is to go on from.
#[derive(Clone)]
pub(super) struct Resumption {
    pub(super) point: ListPoint,
    /// When it was made; `None` for a piece of a range.
    made: Option<DateTime<Utc>>,
    pub(super) stage: Stage,
    /// How much is still to be left out of what comes.
    pub(super) left: u64,
    pub(super) over: Over,
    /// Whether pages before it are looked through for what was handed out last.
    has_looked_back: bool,
    /// Where the list stood when a page of another size came, to be read on from if the last items are not found.
    resized_at: Option<Standing>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing has been done.
    Set,
    /// It is of the same call, and its report is taken over.
    Checked,
    /// The page in which it is, or a job, is gone on with, and nothing has come of it.
    Entered,
    /// The list begins anew, since the API no longer knows the place.
    Restarted,
    /// Pages come.
    Reading,
}

/// Of what so much is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Items of the first page that comes.
    Page,
    /// Items, however many pages they come in.
    Items,
    /// Bytes, however many items they come in.
    Bytes,
}

impl Resumption {
    /// To be kept where the list is set up anew before it has begun.
    pub(super) fn anew(mut self) -> Self {
        (self.stage, self.has_looked_back) = (Stage::Set, false);
        self
    }
}

impl Engine {
    /// Has the list go on from a place.
    pub(in crate::paging) fn resume(
        &mut self,
        point: Option<ListPoint>,
        made: Option<DateTime<Utc>>,
    ) {
        match point {
            Some(point) => {
                let (stage, left, over) = (Stage::Set, 0, Over::Page);
                let (has_looked_back, resized_at) = (false, None);
                let resumption =
                    Resumption { point, made, stage, left, over, has_looked_back, resized_at };
                self.resumption = Some(Box::new(resumption));
            }
            None => self.refused = Some("it is of a range of time"),
        }
    }

    /// The ids of items that were handed out before the place to go on from.
    pub(in crate::paging) fn resumed_ids(&self) -> &[u64] {
        self.resumption.as_ref().map_or(&[], |resumption| &resumption.point.ids)
    }

    /// How the job runs whose results are listed.
    pub(in crate::paging) fn family(&self) -> Option<&Family> {
        self.job.as_ref().map(|job| job.opening.family())
    }

    /// The job whose results are listed, once it has been submitted.
    pub(in crate::paging) fn saved_job(&self) -> Option<SavedJob> {
        self.job.as_ref().and_then(|job| job.opening.saved())
    }

    /// What is listed.
    pub(in crate::paging) fn subject(&self) -> Arc<Subject> {
        let org = self.client.identity();
        let known = self.subject.get_or_init(|| {
            Arc::new({
                let org = org.clone();
                match &self.job {
                    None => {
                        let listing = self.listing();
                        Subject::new(&self.request, org, listing, &places(listing))
                    }
                    Some(job) => {
                        let (request, listing) =
                            (job.opening.subject(&self.options.job), job.opening.listing());
                        let names_page = job.opening.is_job_per_page();
                        let without = if names_page { places(&listing) } else { Vec::new() };
                        let subject = Subject::new(&request, org, &listing, &without);
                        let subject =
                            subject.with("the family of the job", job.opening.family().name());
                        match job.opening.handle() {
                            Some(id) => subject.with("the job", &id),
                            None => subject,
                        }
                    }
                }
            })
        });
        // More of it may have become known since.
        match known.org == org {
            true => known.clone(),
            false => Arc::new(Subject { org, ..(**known).clone() }),
        }
    }

    /// How far the list has been read, given how far the page that was read last has been handed out, and how
    /// many items have been in all. By what the items of that page are known again is not in it yet.
    pub(in crate::paging) fn point(
        &self,
        handed: Handed,
        items: u64,
        text: Option<&PageText>,
    ) -> ListPoint {
        if let Some(resumption) = &self.resumption {
            return resumption.point.clone();
        }
        let mut progress = Progress { read: items, delivered: items, ..self.progress.clone() };
        // As it is written.
        let waited = &mut progress.calls.waited;
        *waited = Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(0));
        // A page in doubt is looked at again.
        let is_in_doubt = || progress.report(&self.walk.at, self.end).is_in_doubt();
        let is_last = |end: &End| is_end_of_list(*end) && handed.is_all() && !is_in_doubt();
        let end = self.end.filter(is_last);
        // What a window shares with the one before is found only where that has been read, and the last items of a
        // counted page show whether the next one still begins where it did.
        let reads_last_again =
            matches!(self.walk.motion(), Motion::Window | Motion::Numbers { .. }) && handed.of > 0;
        // Which items of the page were handed out before, where it is one that is read again.
        let overlap = || self.overlapped.as_ref().map(Overlap::marks).unwrap_or_default();
        let (mut at, offset, overlap) = match &self.last {
            // The page that is read again was handed out before.
            _ if let Some((_, found_at)) = &self.overlap => (found_at.kept(), 0, Vec::new()),
            // Another page may have what comes next, as files are cut anew each time.
            last if self.is_fed() => {
                let (at_hand, counted) = match last {
                    Last::Passed(at) if !handed.is_all() => {
                        (text.map_or(0, PageText::len), at.counted)
                    }
                    _ => (0, self.walk.at.counted),
                };
                let bytes = self.fed.saturating_sub(at_hand);
                let offset = if self.is_fed_bytes() { bytes } else { items };
                let at = Standing { counted, ..Standing::beginning(Position::Start) };
                (at, offset, Vec::new())
            }
            Last::Passed(at) if !handed.is_all() || reads_last_again => {
                (at.kept(), handed.items as u64, overlap())
            }
            Last::Unmoved { before } if end.is_none() => {
                let at = Standing { counted: *before, ..self.walk.at.kept() };
                (at, handed.items as u64, overlap())
            }
            Last::None | Last::Passed(_) | Last::Unmoved { .. } => {
                (self.walk.at.kept(), 0, Vec::new())
            }
        };
        at.page_size = self.walk.at.page_size;
        // The first page says only in itself how many items it covers.
        at.grid = at.grid.or(progress.page_size_granted);
        ListPoint {
            subject: self.subject(),
            scheme: self.walk.listing.scheme().name().to_owned(),
            at,
            offset,
            known: Vec::new(),
            overlap,
            ids: Vec::new(),
            page: None,
            progress,
            end,
            job: self.job.as_ref().and_then(|job| job.opening.saved()),
            is_lost: self.job.as_ref().is_some_and(|job| job.opening.is_lost()),
        }
    }

    /// Checks the place to go on from, if there is one. Nothing is sent.
    pub(super) fn check_resumption(&mut self) -> Result<(), Error> {
        if let Some(why) = self.refused {
            return Err(Error::checkpoint_mismatch(self.operation(), why));
        }
        let Some(resumption) = &self.resumption else { return Ok(()) };
        if resumption.stage != Stage::Set {
            return Ok(());
        }
        let operation = self.operation().clone();
        let mismatch = |why: &str| Error::checkpoint_mismatch(&operation, why);
        let point = &resumption.point;
        if let Some(difference) = point.subject.difference(&self.subject()) {
            return Err(mismatch(&difference));
        }
        if point.is_lost && self.options.on_stale.unwrap_or_default() == OnStale::Fail {
            let why = "a job was submitted before, and its reply was lost: it may be running";
            let error = Error::stale_checkpoint(&operation, why.to_owned(), None);
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
        let saved = point.job.clone().filter(|_| !point.has_ended());
        if let (Some(job), Some(saved)) = (&mut self.job, &saved) {
            if let Err(why) = job.opening.resume(saved) {
                return Err(mismatch(&why));
            }
            let expires = saved.expires().and_then(|at| at.checked_add_signed(CLOCKS_DIFFER));
            if let Some(expires) =
                saved.expires().filter(|_| expires.is_some_and(|at| at < Utc::now()))
            {
                let why = format!("the results of the job were deleted at {expires}");
                if self.options.on_stale.unwrap_or_default() == OnStale::Fail || !self.restart() {
                    return Err(Error::stale_checkpoint(self.operation(), why, None));
                }
                self.take_over();
                return Ok(());
            }
        }
        if let Some(why) = self.token_expired() {
            if self.options.on_stale.unwrap_or_default() == OnStale::Fail || !self.restart() {
                return Err(Error::stale_checkpoint(self.operation(), why, None));
            }
            self.take_over();
            return Ok(());
        }
        self.take_over();
        if let Some(resumption) = &mut self.resumption {
            resumption.stage = Stage::Checked;
        }
        Ok(())
    }

    /// Takes over what was counted up to the place.
    fn take_over(&mut self) {
        let Some(Resumption { point, .. }) = self.resumption.as_deref() else { return };
        self.progress = Progress {
            resumed: Some(Utc::now()).filter(|_| !point.has_ended()),
            asked_until: point.progress.asked_until.or(self.progress.asked_until),
            ..point.progress.clone()
        };
        self.end = point.end;
        (self.walk.at.counted, self.walk.at.page_size) = (point.at.counted, point.at.page_size);
    }

    /// Why the token of the page to go on with is no longer good, if that is known.
    fn token_expired(&self) -> Option<String> {
        let resumption = self.resumption.as_ref()?;
        let is_by_token = matches!(resumption.point.at.due, Position::Token(_) | Position::Link(_));
        let lifetime = self.listing().token_lifetime().filter(|_| is_by_token)?;
        let has_ended = resumption.point.has_ended();
        let expired = resumption.made?.checked_add_signed(TimeDelta::from_std(lifetime).ok()?)?;
        (expired < Utc::now() && !has_ended).then(|| {
            let hours = lifetime.as_secs() / 3600;
            format!(
                "the API keeps the place in this list for {hours} hours, which ended at {expired}"
            )
        })
    }

    /// Goes to the place, now that it is known how the list is read.
    pub(super) fn enter_resumption(&mut self) -> Result<(), Error> {
        let (is_fed, is_fed_bytes) = (self.is_fed(), self.is_fed_bytes());
        let Some(resumption) = &mut self.resumption else { return Ok(()) };
        let point = &resumption.point;
        let offset = point.offset;
        match resumption.stage {
            Stage::Checked if is_fed => resumption.left = point.offset,
            Stage::Checked => {
                if !self.walk.resume(point.at.clone()) {
                    let why = "a list of its kind has no such page";
                    return Err(Error::checkpoint_mismatch(self.request.operation(), why));
                }
                resumption.left = point.offset;
                if !point.overlap.is_empty() {
                    let overlap = Overlap::new(&point.overlap);
                    self.overlap = Some((overlap, self.walk.at.clone()));
                }
            }
            Stage::Restarted => resumption.left = point.delivered(),
            Stage::Set | Stage::Entered | Stage::Reading => return Ok(()),
        }
        resumption.over = match resumption.stage {
            _ if is_fed_bytes => Over::Bytes,
            Stage::Checked if !is_fed => Over::Page,
            _ => Over::Items,
        };
        if is_fed_bytes {
            resumption.left = point.offset;
        }
        let restarted = resumption.stage == Stage::Restarted;
        resumption.stage = if restarted { Stage::Reading } else { Stage::Entered };
        // Pages of another size hold other items. Another size than before is asked for only where the list can be
        // joined again in it: where replies say their size, or the place is between two pages.
        let by_number = matches!(self.walk.motion(), Motion::Numbers { .. });
        let can_resize = if by_number { self.walk.at.grid.is_some() } else { offset == 0 };
        if self.walk.at.page_size.is_some() && !(can_resize && self.options.page_size.is_some()) {
            self.is_page_size_settled = true;
        }
        Ok(())
    }

    /// Has the place gone to once more, after the results of the job have been opened anew.
    pub(super) fn enter_again(&mut self) {
        if let Some(resumption) = &mut self.resumption
            && resumption.stage == Stage::Entered
        {
            resumption.stage = Stage::Checked;
        }
    }

    /// An error as it is to be told, or `None` if the list is read from its beginning instead.
    pub(super) fn unless_stale(&mut self, error: Error) -> Option<Error> {
        let Some(resumption) = &self.resumption else { return Some(error) };
        let is_of_page = resumption.stage == Stage::Entered
            && !self.is_fed()
            && matches!(self.walk.due(), Position::Token(_) | Position::Link(_))
            && error.is_refused_by(&[400, 404, 410]);
        let is_of_job = resumption.point.job.is_some()
            && matches!(resumption.stage, Stage::Checked | Stage::Entered)
            && (error.is_refused_by(&[404, 410])
                || error.kind() == ErrorKind::JobExpired
                // A range submits another job for its piece by itself.
                || (error.is_job_without_result() && resumption.made.is_some()));
        // What is refused for its size is refused wherever it is read from.
        if (!is_of_page && !is_of_job) || is_too_large(&error) {
            return Some(error);
        }
        if self.options.on_stale.unwrap_or_default() == OnStale::Restart && self.restart() {
            let operation = self.request.operation().id();
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

    /// Sets out to read the list from its beginning, without what was handed out. `false` where that can't be
    /// done.
    fn restart(&mut self) -> bool {
        if let Some(job) = &mut self.job {
            if !job.opening.restart() {
                return false;
            }
            (job.is_open, job.caller, job.feed) = (false, None, None);
            self.request = job.opening.request().clone();
            self.walk.listing = job.opening.listing();
        }
        let listing = self.walk.listing.clone();
        self.walk.set_out(&mut self.request, &listing, self.client.api_url());
        self.calls.clear();
        self.last = Last::None;
        if let Some(resumption) = &mut self.resumption {
            resumption.stage = Stage::Restarted;
        }
        true
    }

    /// Whether the page that came is another one than that at which the list was left.
    pub(super) fn reads_elsewhere(&self) -> bool {
        let resumption = self.resumption.as_ref();
        resumption.is_some_and(|it| it.has_looked_back || it.resized_at.is_some())
    }

    /// Goes to the page with the last item read, where a page shows that the API has changed the size of pages, and
    /// back if that item is not on it. Whether another page than this one is to be read.
    pub(super) fn realigns(
        &mut self,
        page: &Facts,
        before: Option<&PageText>,
        text: &PageText,
    ) -> Result<bool, Contradiction> {
        if self.is_fed() {
            return Ok(false);
        }
        if self.has_lost_its_place(page, text) {
            return Ok(true);
        }
        let read = match &self.resumption {
            // The items of a page that is read again.
            None => self.overlap.as_ref().map_or(0, |(overlap, _)| overlap.marks().len() as u64),
            Some(it) if it.stage == Stage::Entered && it.over == Over::Page => it.left,
            Some(_) => return Ok(false),
        };
        let Some(Realignment { before: size_before, size, page: number, skip }) =
            realignment(&self.walk, page, read)
        else {
            return Ok(false);
        };
        let due = self.page_number();
        self.resized += 1;
        if self.resized > MOST_CHANGES {
            return Err(Contradiction::Resized { due, size, before: size_before });
        }
        let mut point = match self.resumption.take() {
            Some(resumption) => resumption.point,
            None => {
                let items = before.and_then(|text| text.marks(self.listing().items()));
                let count = items.map_or(0, <[u64]>::len);
                let handed = Handed { items: count, of: count };
                let mut point = self.point(handed, self.progress.delivered, before);
                if let Some(text) = before {
                    point.know(text, self.listing().items(), handed);
                }
                point
            }
        };
        let operation = self.request.operation().id();
        tracing::info!(operation, page = due, size, "the API changed the page size: joining again");
        // A page that was being read again is counted when it has been.
        let counted = if self.overlap.is_some() { self.walk.at.counted } else { point.at.counted };
        let page_size = self.walk.at.page_size;
        let resized_at = std::mem::replace(
            &mut self.walk.at,
            Standing {
                counted,
                page_size,
                due: Position::Number(number),
                before: Some((number - 1).saturating_mul(size)),
                largest: size,
                grid: Some(size),
                previous: None,
                ..point.at
            },
        );
        (point.at, point.offset) = (self.walk.at.clone(), skip);
        self.progress.read_again += 1;
        point.progress.read_again = self.progress.read_again;
        self.resumption = Some(Box::new(Resumption {
            point,
            made: None,
            stage: Stage::Entered,
            left: skip,
            over: Over::Page,
            has_looked_back: false,
            resized_at: Some(resized_at),
        }));
        self.last = Last::None;
        self.calls.clear();
        Ok(true)
    }

    /// Whether none of the last items read are on the page that is to have them in the new size. The list then is
    /// read on from where it was. If there is no such page, that size was the length of a last page; else some
    /// items may be missing or repeated.
    fn has_lost_its_place(&mut self, page: &Facts, text: &PageText) -> bool {
        let Some(resumption) = &mut self.resumption else { return false };
        let Some(resized_at) = resumption.resized_at.take() else { return false };
        let marks = text.marks(self.walk.listing.items()).unwrap_or_default();
        if marks.iter().any(|mark| resumption.point.known.contains(mark)) {
            resumption.resized_at = Some(resized_at);
            return false;
        }
        let grid = page.page_size.or(self.walk.at.grid);
        self.walk.at = Standing { grid, largest: self.walk.at.largest, ..resized_at };
        self.progress.moved |= page.items > 0;
        self.resumption = None;
        self.calls.clear();
        true
    }

    /// Goes back by a page where the list has become shorter since it was left, and this one has none of the
    /// items that were handed out last: they, and what followed them, stand further in front by now.
    pub(super) fn looks_back(&mut self, page: &Facts, text: &PageText) -> bool {
        let Some(resumption) = &mut self.resumption else { return false };
        let point = &resumption.point;
        let (Motion::Numbers { .. }, Position::Number(number), Position::Number(begun)) =
            (self.walk.listing.scheme().way().motion, &self.walk.at.due, &point.at.due)
        else {
            return false;
        };
        let gone = point.progress.totals.last.zip(page.total.filter(|total| *total > 0));
        let gone = gone.map_or(0, |(before, now)| before.saturating_sub(now));
        let marks = text.marks(self.walk.listing.items()).unwrap_or_default();
        let is_found = marks.iter().any(|mark| point.known.contains(mark));
        let is_entered = resumption.stage == Stage::Entered && resumption.over == Over::Page;
        if !is_entered || gone == 0 || is_found || point.known.is_empty() {
            return false;
        }
        let previous = point.at.previous.as_ref();
        let sizes = [point.progress.page_size_granted, point.at.page_size];
        let size = sizes.into_iter().flatten().next().unwrap_or(point.at.largest).max(1);
        // Where the item stands at the furthest that was to come next.
        let before = point.at.before.unwrap_or((begun - 1).saturating_mul(size));
        let first = (before + point.offset).saturating_sub(gone);
        if *number <= first / size + 1 {
            // All of them are gone. What comes next stands here at the earliest: rather twice than not at all.
            if *number == first / size + 1 {
                resumption.left = first % size;
            }
            self.progress.moved = true;
            return false;
        }
        let (operation, due) = (self.request.operation().id(), number - 1);
        tracing::info!(operation, page = due, "the list has become shorter: it is looked for here");
        resumption.left = previous.map_or(size, |previous| previous.items);
        resumption.has_looked_back = true;
        self.walk.at = Standing {
            due: Position::Number(due),
            pages: self.walk.at.pages.saturating_sub(1),
            page_size: self.walk.at.page_size,
            counted: Counted {
                pages: self.walk.at.counted.pages.saturating_sub(1),
                ..point.at.counted
            },
            before: point.at.before.map(|_| (due - 1).saturating_mul(size)),
            previous: None,
            ..point.at.clone()
        };
        self.progress.read_again += 1;
        self.calls.clear();
        true
    }

    /// Whether all of the items of a page, so many, were handed out before and the page counted, in a list of which
    /// items are left out however many pages they come in.
    pub(super) fn has_counted(&self, items: usize) -> bool {
        self.resumption.as_ref().is_some_and(|resumption| {
            let left = resumption.left;
            resumption.over == Over::Items && left > 0 && left >= items as u64
        })
    }

    /// Which items of a page are left out because they were handed out before.
    pub(super) fn join(&mut self, items: usize, text: &PageText) -> Joined {
        let Some(mut resumption) = self.resumption.take() else { return Joined::default() };
        let left = usize::try_from(resumption.left).unwrap_or(usize::MAX);
        if resumption.over == Over::Bytes {
            return Joined::default();
        }
        if resumption.over == Over::Items && left > items {
            resumption.left -= items as u64;
            resumption.stage = Stage::Reading;
            self.resumption = Some(resumption);
            return Joined { from: items, ..Joined::default() };
        }
        let point = &resumption.point;
        let marks = text.marks(self.listing().items()).filter(|marks| marks.len() == items);
        match marks {
            Some(marks) if !point.known.is_empty() || left == 0 => join(marks, &point.known, left),
            _ => {
                let is_other = point.page.is_some_and(|page| page != text.fingerprint());
                // Of a list that is read anew, nothing tells that its order is the same.
                let moved = left > items || is_other || (left > 0 && point.page.is_none());
                Joined { from: left.min(items), repeated: 0, moved }
            }
        }
    }

    /// Leaves out the bytes that were handed out before. `None` where none are left.
    pub(super) fn without_known_bytes(&mut self, mut reply: RawReply) -> Option<RawReply> {
        self.fed += reply.body.len() as u64;
        let Some(resumption) = &mut self.resumption else { return Some(reply) };
        if resumption.over != Over::Bytes {
            return Some(reply);
        }
        let length = reply.body.len() as u64;
        resumption.stage = Stage::Reading;
        if resumption.left > 0 && resumption.left >= length {
            resumption.left -= length;
            reply.body = Bytes::new();
            return None;
        }
        // Shorter than the body.
        reply.body = reply.body.slice(usize::try_from(resumption.left).unwrap_or(0)..);
        resumption.left = 0;
        Some(reply)
    }

    /// Notes the end of what feeds the list.
    pub(super) fn end_of_feed(&mut self) {
        let missing = self.resumption.take().is_some_and(|resumption| resumption.left > 0);
        self.progress.moved |= missing;
    }
}

/// Where a list has what leads from page to page.
fn places(listing: &crate::paging::Listing) -> Vec<&Place> {
    let size = listing.page_size().map(PageSize::place);
    listing.token_in().iter().chain(size).collect()
}
