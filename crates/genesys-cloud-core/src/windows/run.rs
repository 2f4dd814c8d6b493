//! Reads the pieces of a range, and splits those that the API does not give as a whole.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Context, Poll};
use std::time::Duration;

use super::plan::{PieceState, Plan, Unsplit};
use super::point::{Origin, PiecePoint, RangePoint};
use super::report::WindowsReport;
use crate::dedupe::RecentIds;
use crate::error::Error;
use crate::interval::{Interval, in_words};
use crate::jobs::JobSettings;
use crate::paging::{End, OnStale, Page, Paginator, Reason, Verdict};
use crate::saved_job::SavedJob;
use crate::split_errors::SplitReason;

/// Makes the list of what an interval holds.
pub(super) type Make<T> = Box<dyn Fn(Interval) -> Paginator<T> + Send>;

/// Tells whether an error means that a piece is too large.
pub(super) type SplitWhen = Box<dyn Fn(&Error) -> bool + Send>;

/// As the caller wants it.
pub(super) struct Settings {
    pub(super) range: Interval,
    pub(super) span: Duration,
    pub(super) overlap: Duration,
    /// No piece is split into ones that are shorter.
    pub(super) minimum: Duration,
    /// How many pieces are read at a time.
    pub(super) concurrency: usize,
    pub(super) page_size: Option<u64>,
    pub(super) max_page_bytes: Option<usize>,
    pub(super) prefetch: usize,
    /// The path of the id in an item.
    pub(super) id: Option<String>,
    pub(super) remember: Option<usize>,
    pub(super) split_when: Option<SplitWhen>,
    /// How many ids a checkpoint takes in.
    pub(super) keep: Option<usize>,
    pub(super) on_stale: OnStale,
    pub(super) job: JobSettings,
    /// Where to go on.
    pub(super) resumed: Option<Origin>,
}

pub(super) struct Run<T> {
    pub(super) make: Make<T>,
    pub(super) settings: Settings,
    /// `None` until it has begun.
    plan: Option<Plan>,
    known: RecentIds,
    /// The pieces that are being read, in order. The first is the one whose items are handed out.
    lists: VecDeque<Reading<T>>,
    /// The most that a piece may say that it holds, where that is known.
    most: Option<u64>,
    report: WindowsReport,
    /// The page whose items are being handed out. It is of the first piece.
    page: Option<HandedPage>,
    /// Where the pieces go on that had begun in an earlier run, until they do.
    points: BTreeMap<usize, PiecePoint>,
}

/// A page whose items are being handed out.
struct HandedPage {
    /// How many items it has, those left out among them.
    items: usize,
    /// The places of those that are not left out, with their ids. `None` if all are handed out and have none.
    new: Option<Vec<(usize, Option<u128>)>>,
    /// How many have been handed out.
    handed_out: usize,
}

impl HandedPage {
    /// How many items of the page stand before the next that is handed out.
    fn place(&self) -> usize {
        match &self.new {
            None => self.handed_out,
            Some(new) if self.handed_out >= new.len() => self.items,
            Some(new) => self.handed_out.checked_sub(1).map_or(0, |last| new[last].0 + 1),
        }
    }

    /// The items that are not handed out yet, by their ids.
    fn rest(&self) -> &[(usize, Option<u128>)] {
        self.new.as_deref().and_then(|new| new.get(self.handed_out..)).unwrap_or_default()
    }

    /// How many of those have no id.
    fn rest_without_id(&self) -> u64 {
        self.rest().iter().filter(|(_, id)| id.is_none()).count() as u64
    }
}

/// A piece that is being read.
struct Reading<T> {
    /// Which of the plan.
    piece: usize,
    interval: Interval,
    list: Paginator<T>,
    /// What is to be handed out next, once this is the first.
    came: Option<Came<T>>,
    /// Whether items of it have been handed out.
    handed_out: bool,
    /// How many of those had no id.
    without_id: u64,
}

enum Came<T> {
    Page(Box<Page<T>>),
    Error(Error),
    /// Its job, or its data, was waited for as long as may be, before anything of it was due.
    TooEarly,
    End,
}

impl<T> Run<T> {
    pub(super) fn new(make: Make<T>, settings: Settings) -> Self {
        Self {
            make,
            settings,
            plan: None,
            known: RecentIds::new(),
            lists: VecDeque::new(),
            most: None,
            report: WindowsReport::default(),
            page: None,
            points: BTreeMap::new(),
        }
    }

    pub(super) fn report(&self) -> WindowsReport {
        let mut report = self.report;
        let lists = self.lists.iter().map(|reading| reading.list.report());
        for list in lists.chain(self.points.values().map(|point| point.list.report())) {
            report.add(list);
            report.take_in(list);
        }
        if let Some(plan) = &self.plan {
            (report.pieces, report.pieces_done) = (plan.pieces().len() as u64, plan.done());
        }
        report.ids_forgotten = self.known.forgotten;
        report
    }

    /// How far it has come; before it has begun, how it will begin.
    pub(super) fn plan(&self) -> Result<Plan, Error> {
        if let Some(plan) = &self.plan {
            return Ok(plan.clone());
        }
        let whole = self.list(self.settings.range);
        let operation = whole.request().operation();
        let subject = whole.subject();
        let refused = |why: String| Error::invalid_request(operation, why);
        let mismatch = |why: &str| Error::checkpoint_mismatch(operation, why);
        let has_date = whole.family().is_some_and(|family| family.availability().is_some());
        if self.settings.job.data.is_some() && !has_date {
            let why = "`wait_for_data` can't be used: the API does not report how far its data is available";
            return Err(refused(why.to_owned()));
        }
        let mut plan = match &self.settings.resumed {
            Some(Origin::Point(None)) => {
                return Err(mismatch("it is of one list, and not of a range of time"));
            }
            Some(Origin::Point(Some(point))) => {
                if let Some(difference) = point.plan.subject.difference(&subject) {
                    return Err(mismatch(&difference));
                }
                let mut plan = point.plan.clone();
                // Those that ended without being whole are not read again.
                point.lists.keys().for_each(|piece| plan.set(*piece, PieceState::Todo));
                plan.subject = subject;
                return Ok(plan);
            }
            Some(Origin::Plan(plan)) => {
                if let Some(difference) = plan.subject.difference(&subject) {
                    return Err(refused(format!("the plan is of another call: {difference}")));
                }
                let mut plan = plan.clone();
                plan.subject = subject;
                plan
            }
            None => {
                let Settings { range, span, overlap, .. } = self.settings;
                Plan::new(subject, range, span, overlap).map_err(refused)?
            }
        };
        plan.reset();
        Ok(plan)
    }

    /// The jobs that were submitted for the pieces that are being read.
    pub(super) fn jobs(&self) -> Vec<SavedJob> {
        let points = self.points.values().filter_map(|point| point.list.job.clone());
        self.lists.iter().filter_map(|reading| reading.list.saved_job()).chain(points).collect()
    }

    /// An earlier place, which knows the jobs that were submitted since.
    pub(super) fn knowing(&self, earlier: &RangePoint) -> Result<RangePoint, Error> {
        Ok(earlier.knowing(&self.point()?, |piece| self.list(piece).point_after(0)))
    }

    /// How far the items have been handed out.
    pub(super) fn point(&self) -> Result<RangePoint, Error> {
        if let (None, Some(Origin::Point(Some(point)))) = (&self.plan, &self.settings.resumed) {
            return Ok((**point).clone());
        }
        let plan = self.plan()?;
        let mut report = self.report;
        let mut lists = self.points.clone();
        for (at, reading) in self.lists.iter().enumerate() {
            let page = self.page.as_ref().filter(|_| at == 0);
            let list = reading.list.point_after(page.map_or(0, HandedPage::place));
            let without_id = reading.without_id - page.map_or(0, HandedPage::rest_without_id);
            lists.insert(reading.piece, PiecePoint { list, without_id });
        }
        let rest = self.page.as_ref().map_or(&[][..], HandedPage::rest);
        if let Some(page) = &self.page {
            // They are counted when the page is read again.
            report.without_id -= page.rest_without_id();
            report.duplicates -= match &page.new {
                Some(_) => (page.items - page.place() - rest.len()) as u64,
                None => 0,
            };
        }
        let (known, forgotten) = self.known.for_checkpoint(rest.iter().filter_map(|(_, id)| *id));
        // As they are written.
        report.waited =
            Duration::from_millis(u64::try_from(report.waited.as_millis()).unwrap_or(0));
        (report.pieces, report.pieces_done, report.ids_forgotten) = (0, 0, 0);
        Ok(RangePoint { plan, lists, known, forgotten, most: self.most, report })
    }

    /// Takes over what an earlier run had read.
    fn go_on(&mut self) {
        if let Some(Origin::Point(Some(point))) = self.settings.resumed.take() {
            let RangePoint { lists, known, forgotten, most, report, .. } = *point;
            self.known.resume(&known, forgotten);
            (self.points, self.most, self.report) = (lists, most, report);
        }
    }

    fn list(&self, interval: Interval) -> Paginator<T> {
        let mut list = (self.make)(interval).prefetch(self.settings.prefetch);
        if let Some(items) = self.settings.page_size {
            list = list.page_size(items);
        }
        if let Some(bytes) = self.settings.max_page_bytes {
            list = list.max_page_bytes(bytes);
        }
        let list = list.with_job_settings(&self.settings.job);
        list.with_ids(self.settings.id.as_deref()).on_stale(self.settings.on_stale)
    }

    /// The next page, without the items that have been handed out.
    pub(super) fn poll_page(
        &mut self,
        cx: &mut Context<'_>,
        with_items: bool,
    ) -> Poll<Option<Result<Page<T>, Error>>> {
        if self.plan.is_none() {
            match self.plan() {
                Ok(plan) => self.plan = Some(plan),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            if let Some(most) = self.settings.remember {
                self.known.remember(most);
            }
            if let Some(ids) = self.settings.keep {
                self.known.keep(ids);
            }
            self.go_on();
        }
        // All of the page that came last has been handed out.
        if let (Some(page), Some(head)) = (self.page.take(), self.lists.front_mut()) {
            head.list.handed_out(page.items);
        }
        loop {
            self.open_lists();
            if self.lists.is_empty() {
                self.report.ended = true;
                return Poll::Ready(None);
            }
            if self.poll_lists(cx, with_items) {
                continue;
            }
            let Some(head) = self.lists.front_mut() else { continue };
            match head.came.take() {
                None | Some(Came::TooEarly) => return Poll::Pending,
                Some(Came::Page(page)) => {
                    head.handed_out |= !page.items().is_empty();
                    return Poll::Ready(Some(Ok(self.without_known(*page))));
                }
                Some(Came::Error(error)) => {
                    // A submit whose outcome is unknown is not made again: the job may be running.
                    if error.is_job_failed() && (!head.handed_out || self.settings.id.is_some()) {
                        // That job comes to nothing: the next poll runs another, as it only reads.
                        let interval = head.interval;
                        let anew = self.list(interval);
                        self.judge_anew(0);
                        if let Some(head) = self.lists.front_mut() {
                            self.report.add(head.list.report());
                            (head.list, head.without_id) = (anew, 0);
                        }
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                Some(Came::End) => self.close_head(),
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.report.ended
    }

    /// Begins pieces, in order, as many as may be read at a time.
    fn open_lists(&mut self) {
        while self.lists.len() < self.settings.concurrency.max(1) {
            let Some(plan) = &mut self.plan else { return };
            let Some(piece) = plan.next() else { return };
            plan.set(piece, PieceState::Running);
            let interval = plan.pieces()[piece].interval();
            let mut list = self.list(interval);
            let (mut handed_out, mut without_id) = (false, 0);
            if let Some(point) = self.points.remove(&piece) {
                handed_out = point.list.report().items > 0;
                without_id = point.without_id;
                list = list.resume_at(point.list);
            }
            if let Some(cap) = list.cap_in_items() {
                self.most = Some(self.most.map_or(cap, |most| most.min(cap)));
            }
            let reading = Reading { piece, interval, list, came: None, handed_out, without_id };
            let at = self.lists.partition_point(|other| other.piece < piece);
            self.lists.insert(at, reading);
        }
    }

    /// Has all pieces that are being read go on, each by a page at most. Whether one was split.
    fn poll_lists(&mut self, cx: &mut Context<'_>, with_items: bool) -> bool {
        for at in 0..self.lists.len() {
            let reading = &mut self.lists[at];
            if at == 0 && matches!(reading.came, Some(Came::TooEarly)) {
                reading.came = None;
            }
            if reading.came.is_some() {
                continue;
            }
            let came = match reading.list.poll_next_page(cx, with_items) {
                Poll::Pending => continue,
                Poll::Ready(Some(Ok(page))) => Came::Page(Box::new(page)),
                Poll::Ready(Some(Err(error)))
                    if at > 0 && (error.is_job_unfinished() || error.is_data_unavailable()) =>
                {
                    Came::TooEarly
                }
                Poll::Ready(Some(Err(error))) => Came::Error(error),
                Poll::Ready(None) => Came::End,
            };
            let came = match self.refusal(at, &came) {
                Some(refusal) => match self.split(at, refusal, came) {
                    Ok(()) => return true,
                    Err(came) => came,
                },
                None => came,
            };
            self.lists[at].came = Some(came);
        }
        false
    }

    /// Whether what came means that the piece is too large.
    fn refusal(&self, at: usize, came: &Came<T>) -> Option<SplitReason> {
        let report = self.lists[at].list.report();
        match came {
            // Told by its first page, before it is read for nothing.
            Came::Page(page) if report.pages == 1 => {
                let too_many = page.total()? > self.most?;
                too_many.then_some(SplitReason::TooMany)
            }
            Came::Page(_) | Came::TooEarly => None,
            Came::Error(error) => SplitReason::of(error).or_else(|| {
                let split_when = self.settings.split_when.as_ref()?;
                split_when(error).then_some(SplitReason::TooMany)
            }),
            Came::End => (report.end == Some(End::Cap)).then_some(SplitReason::TooMany),
        }
    }

    /// Has a piece read in halves. Gives back what is to be handed out where that can't be done.
    fn split(&mut self, at: usize, refusal: SplitReason, came: Came<T>) -> Result<(), Came<T>> {
        let Some(plan) = &mut self.plan else { return Err(came) };
        let Reading { piece, interval, ref list, handed_out, .. } = self.lists[at];
        if let (Came::Error(error), read @ 1..) = (&came, list.items_read())
            && SplitReason::of(error) == Some(SplitReason::TooMany)
        {
            // No other piece is read further than this one was.
            self.most = Some(self.most.map_or(read, |most| most.min(read)));
        }
        let whole = if handed_out && self.settings.id.is_none() {
            Err(Whole::HandedOut)
        } else {
            plan.split(piece, self.settings.minimum).map_err(Whole::Unsplit)
        };
        if let Err(whole) = whole {
            let operation = list.request().operation();
            let error = |cause| {
                Error::piece(operation, self.settings.why_whole(interval, refusal, whole), cause)
                    .advise(whole.advice())
            };
            return Err(match came {
                // It can be read up to where the API stops.
                Came::Page(page) => Came::Page(page),
                Came::Error(cause) => Came::Error(error(Some(cause))),
                Came::End | Came::TooEarly => Came::Error(error(None)),
            });
        }
        let operation = list.request().operation().id();
        tracing::info!(operation, piece = %interval, ?refusal, "piece split");
        self.report.splits += 1;
        self.report.add(list.report());
        self.judge_anew(at);
        self.lists.remove(at);
        self.move_on(piece);
        if refusal == SplitReason::TooLong {
            self.split_longer_than(interval.length());
        }
        Ok(())
    }

    /// Judges that a piece is read again from its start. Items that were delivered are left out if their ids are
    /// remembered; the others are delivered again.
    fn judge_anew(&mut self, at: usize) {
        let Some(Reading { list, handed_out: true, without_id, .. }) = self.lists.get(at) else {
            return;
        };
        // What is remembered are the items that were handed out last, which is those of this piece first.
        let with_id = list.report().items.saturating_sub(*without_id);
        let items = with_id.saturating_sub(self.known.count()) + without_id;
        if items > 0 {
            self.report.judge(Verdict::Drifted(Reason::ReadAnew { items }));
        }
    }

    /// Splits all pieces of this length or more that have not begun: they would be refused as well.
    fn split_longer_than(&mut self, length: Duration) {
        let Some(plan) = &mut self.plan else { return };
        // One that had begun in an earlier run may have a job, and goes on with it.
        let points = std::mem::take(&mut self.points);
        let split =
            plan.split_all(length, self.settings.minimum, |piece| points.contains_key(&piece));
        self.report.splits += split.len() as u64;
        let before = |piece: usize| split.partition_point(|at| *at < piece);
        self.points = points.into_iter().map(|(at, point)| (at + before(at), point)).collect();
        for reading in &mut self.lists {
            reading.piece += before(reading.piece);
        }
    }

    /// A piece has become two.
    fn move_on(&mut self, split: usize) {
        let points = std::mem::take(&mut self.points).into_iter();
        self.points = points.map(|(at, point)| (at + usize::from(at > split), point)).collect();
        for reading in &mut self.lists {
            if reading.piece > split {
                reading.piece += 1;
            }
        }
    }

    /// Leaves out what has been handed out.
    fn without_known(&mut self, mut page: Page<T>) -> Page<T> {
        let mut handed = HandedPage { items: page.items().len(), new: None, handed_out: 0 };
        if self.settings.id.is_some() {
            let (known, report) = (&mut self.known, &mut self.report);
            let before = report.without_id;
            let (mut new, mut place) = (Vec::with_capacity(handed.items), 0);
            page.retain_by_id(|id| {
                let is_new = id.is_none_or(|id| known.note(id));
                report.without_id += u64::from(id.is_none());
                report.duplicates += u64::from(!is_new);
                if is_new {
                    new.push((place, id));
                }
                place += 1;
                is_new
            });
            handed.new = Some(new);
            if let Some(head) = self.lists.front_mut() {
                head.without_id += report.without_id - before;
            }
        }
        self.page = Some(handed);
        page
    }

    /// Counts items that are handed out.
    pub(super) fn handed_out(&mut self, items: usize) {
        self.report.items += items as u64;
        if let Some(page) = &mut self.page {
            page.handed_out += items;
        }
    }

    /// Ends the first piece.
    fn close_head(&mut self) {
        let Some(head) = self.lists.pop_front() else { return };
        let report = head.list.report();
        self.report.add(report);
        self.report.take_in(report);
        self.report.judge(report.verdict());
        if let (Some(plan), false) =
            (&mut self.plan, matches!(report.verdict(), Verdict::Truncated(_)))
        {
            plan.set(head.piece, PieceState::Done);
        }
    }
}

/// Why a piece is not split.
#[derive(Clone, Copy)]
enum Whole {
    /// Items of it have been handed out that can't be told apart from those of its halves.
    HandedOut,
    Unsplit(Unsplit),
}

impl Whole {
    const fn advice(self) -> &'static str {
        match self {
            Self::HandedOut => {
                "choose a shorter `span`, or name the id of the items by `dedupe_by`"
            }
            Self::Unsplit(Unsplit::TooShort) => {
                "narrow the query, or allow shorter pieces by `split_down_to`"
            }
            Self::Unsplit(Unsplit::TooMany) => "narrow the query, or read a shorter range",
        }
    }
}

impl Settings {
    /// Why a piece can't be had.
    fn why_whole(&self, piece: Interval, refusal: SplitReason, whole: Whole) -> String {
        let what = match refusal {
            SplitReason::TooMany => "holds more than the API lists",
            SplitReason::TooLong => "is longer than the API takes",
        };
        let but = match whole {
            Whole::HandedOut => "some of its items had been handed out".to_owned(),
            Whole::Unsplit(Unsplit::TooShort) => {
                format!("no piece shorter than {} may be made", in_words(self.minimum))
            }
            Whole::Unsplit(Unsplit::TooMany) => "the range has too many pieces already".to_owned(),
        };
        format!("{piece} {what}, and was not split: {but}")
    }
}
