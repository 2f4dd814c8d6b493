//! Reads the records of a table, and stages them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{
    Client, Interval, OnRefused, Paginator, RawItem, ReadOptions, Request, Scheme, Verdict,
    Windows, lenient,
};
use serde_json::value::RawValue;

use crate::canonical;
use crate::error::TableError;
use crate::plan::{Parents, RangePlan, Table};
use crate::range::{self, ChunkRead, DayRange};
use crate::report::TableReport;
use crate::row::{ParentRead, Place, Row, Scope, key_of, with_parent};
use crate::state::TableState;
use crate::target::TableWriter;

/// Maximum size of a page in bytes. A larger page is read in smaller ones.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// Maximum number of records and of bytes that are held before they are staged.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// Default length of a window if the API document has no maximum.
pub(crate) const SPAN: Duration = Duration::from_hours(31 * 24);

/// How far before the latest known change a list that sorts by time of change is read again: its records may become
/// visible out of order.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// What was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The verdict on what was read.
    pub(crate) verdict: Verdict,
    /// What was read, if that is less than the verdict is about.
    pub(crate) part: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) chunks: Vec<ChunkRead>,
    /// The latest time of change.
    pub(crate) latest: Option<DateTime<Utc>>,
    /// Whether a list that sorts by time of change was compared completely, and was sorted.
    pub(crate) is_sorted: bool,
    /// Whether records may have moved to a page that had been read, and so were not read at all.
    pub(crate) may_have_shifted: bool,
}

impl Reading {
    fn of_list(verdict: Verdict) -> Self {
        let scope = if verdict == Verdict::Complete { Scope::List } else { Scope::Nothing };
        Self {
            verdict,
            part: None,
            scope,
            chunks: Vec::new(),
            latest: None,
            is_sorted: false,
            may_have_shifted: false,
        }
    }
}

/// Reads one table.
pub(crate) struct Reader<'a> {
    pub(crate) client: &'a Client,
    pub(crate) table: &'a Table,
    pub(crate) writer: &'a mut dyn TableWriter,
    pub(crate) report: &'a mut TableReport,
    batch: Vec<Row>,
    bytes: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        (client, table): (&'a Client, &'a Table),
        writer: &'a mut dyn TableWriter,
        report: &'a mut TableReport,
    ) -> Self {
        Self { client, table, writer, report, batch: Vec::new(), bytes: 0 }
    }

    /// Reads what the method of the table requires. `is_full`: everything, as in the first run.
    pub(crate) async fn read(
        &mut self,
        state: Option<&TableState>,
        is_full: bool,
        now: DateTime<Utc>,
    ) -> Result<Reading, TableError> {
        let table = self.table;
        let reading = match (&table.range, &table.parents) {
            (Some(range), _) => self.read_range(range, state.filter(|_| !is_full), now).await?,
            (None, Some(parents)) => self.read_tree(parents).await?,
            (None, None) if table.sort.is_some() => {
                self.read_sorted(state.filter(|_| !is_full), now).await?
            }
            (None, None) => self.read_list().await?,
        };
        self.flush().await?;
        Ok(reading)
    }

    async fn read_list(&mut self) -> Result<Reading, TableError> {
        let mut list = make(self.client, &self.table.kind)(self.table.request.clone());
        list = list.with_options(&options());
        let read = async {
            while let Some(item) = list.try_next().await? {
                self.add(text(&item), Place::List).await?;
            }
            Ok(())
        };
        let read: Result<(), TableError> = read.await;
        let report = list.report();
        self.report.add_calls(report.requests, report.retries, report.waited);
        let may_have_shifted = report.pages > 1 && can_shift(&self.table.kind);
        read.map(|()| Reading { may_have_shifted, ..Reading::of_list(report.verdict()) })
    }

    /// Reads a list that sorts by time of change, up to a record that the last run had seen.
    ///
    /// If the list turns out not to be sorted, it is read completely.
    async fn read_sorted(
        &mut self,
        state: Option<&TableState>,
        now: DateTime<Utc>,
    ) -> Result<Reading, TableError> {
        let Some(sort) = &self.table.sort else { return self.read_list().await };
        let mut request = self.table.request.clone();
        sort.set(&mut request);
        let every = TimeDelta::from_std(self.table.full_every).unwrap_or(TimeDelta::MAX);
        let is_recent = |compared| now.signed_duration_since(compared) < every;
        let known = state.filter(|state| state.compared.is_some_and(is_recent));
        let known = known.and_then(|state| state.watermark?.checked_sub_signed(OVERLAP));
        let pointer = format!("/{}", sort.field);
        let mut list = make(self.client, &self.table.kind)(request).with_options(&options());
        let (mut is_sorted, mut is_known) = (true, false);
        let (mut latest, mut last, mut is_undated) = (None, None, false);
        let read = async {
            while let Some(item) = list.try_next().await? {
                let json = text(&item);
                let changed = lenient::at(json, &pointer).and_then(lenient::instant);
                let changed = changed.map(|read| read.value);
                // Records that never changed may have no time, and are then the last.
                is_undated |= changed.is_none();
                is_sorted &= changed
                    .is_none_or(|changed| !is_undated && last.is_none_or(|last| changed <= last));
                last = changed.or(last);
                // A time in the future would hide later changes.
                latest = latest.max(changed.filter(|changed| *changed <= now));
                if is_sorted && known.is_some_and(|known| changed < Some(known)) {
                    is_known = true;
                    return Ok(());
                }
                self.add(json, Place::List).await?;
            }
            Ok(())
        };
        let read: Result<(), TableError> = read.await;
        let report = list.report();
        self.report.add_calls(report.requests, report.retries, report.waited);
        read?;
        if !is_known {
            let may_have_shifted = report.pages > 1 && can_shift(&self.table.kind);
            let reading = Reading::of_list(report.verdict());
            return Ok(Reading { latest, is_sorted, may_have_shifted, ..reading });
        }
        let since = known.map(|known| lenient::instant_text(&known)).unwrap_or_default();
        Ok(Reading {
            verdict: Verdict::Complete,
            part: Some(format!("changes since {since}")),
            scope: Scope::Nothing,
            chunks: Vec::new(),
            latest,
            is_sorted,
            may_have_shifted: false,
        })
    }

    /// Reads the part of a time range that is new, and the last days again.
    async fn read_range(
        &mut self,
        plan: &RangePlan,
        state: Option<&TableState>,
        now: DateTime<Utc>,
    ) -> Result<Reading, TableError> {
        let until = match self.available_until().await? {
            Some(available) => available.min(now),
            None => now,
        };
        // An earlier start than that of the last run begins anew.
        let state = state.filter(|state| state.since.is_some_and(|since| since <= plan.since));
        let watermark = state.and_then(|state| state.watermark);
        let mut chunks = Vec::new();
        for interval in range::chunks(plan.since, watermark, plan.lookback, until) {
            let verdict = self.read_chunk(plan, interval).await?;
            chunks.push(ChunkRead { interval, verdict });
        }
        let verdicts = chunks.iter().map(|chunk| chunk.verdict);
        let verdict = verdicts.fold(Verdict::Complete, |worst, verdict| match worst {
            Verdict::Complete => verdict,
            worst => worst,
        });
        let scope = match range::complete_days(&chunks) {
            days if days.is_empty() => Scope::Nothing,
            days => Scope::Days(days),
        };
        let (from, to) = match (chunks.last(), chunks.first()) {
            (Some(first), Some(last)) => (first.interval.start(), last.interval.end()),
            _ => (until, until),
        };
        let part = match chunks.is_empty() {
            true => "no new data".to_owned(),
            false => Interval::new(from, to).to_string(),
        };
        let may_have_shifted = can_shift(&self.table.kind);
        let reading = Reading { verdict, scope, ..Reading::of_list(verdict) };
        Ok(Reading { part: Some(part), chunks, may_have_shifted, ..reading })
    }

    async fn read_chunk(
        &mut self,
        plan: &RangePlan,
        interval: Interval,
    ) -> Result<Verdict, TableError> {
        let (place, request) = (plan.place.clone(), self.table.request.clone());
        let list = make(self.client, &self.table.kind);
        let windows = Windows::new(interval, move |window: Interval| {
            let mut request = request.clone();
            match place.is_in_body() {
                true => request.set_body_field(
                    &format!("/{}", place.name().replace('.', "/")),
                    window.to_string(),
                ),
                false => request.set_query(place.name().to_owned(), window.to_string()),
            };
            list(request)
        });
        let mut windows = windows.span(plan.span.unwrap_or(SPAN)).with_options(&options());
        windows = match &plan.id {
            Some(id) => windows.dedupe_by(id.clone()),
            None => windows.keep_duplicates(),
        };
        let days = DayRange::touched_by(interval);
        let read = async {
            while let Some(item) = windows.try_next().await? {
                self.add(text(&item), Place::Days(days)).await?;
            }
            Ok(())
        };
        let read: Result<(), TableError> = read.await;
        let report = windows.report();
        self.report.add_calls(report.requests, report.retries, report.waited);
        read.map(|()| report.verdict())
    }

    /// Asks how far the data of a job is available. `None` if the API does not say.
    async fn available_until(&mut self) -> Result<Option<DateTime<Utc>>, TableError> {
        let OperationKind::Job(family) = &self.table.kind else { return Ok(None) };
        let Some(availability) = family.availability() else { return Ok(None) };
        let response = self.client.execute(&Request::new(availability.operation().clone())).await?;
        let attempts = u64::from(response.attempts());
        self.report.add_calls(1, attempts.saturating_sub(1), response.waited());
        let pointer = format!("/{}", availability.field().replace('.', "/"));
        let body = response.text();
        let until = lenient::at(&body, &pointer).and_then(lenient::instant);
        match until {
            Some(until) => Ok(Some(until.value)),
            None => Err(TableError::Definition(format!(
                "{} does not say up to which time data is available",
                availability.operation().id()
            ))),
        }
    }

    /// Reads the list of each parent.
    async fn read_tree(&mut self, parents: &Parents) -> Result<Reading, TableError> {
        let mut outer = make(self.client, &parents.kind)(parents.request.clone());
        outer = outer.with_options(&options());
        // A parent that is read twice would have its list read twice.
        if let [only] = &parents.bindings[..] {
            outer = outer.dedupe_by(only.field.clone());
        }
        let list = make(self.client, &self.table.kind);
        let (request, bound) = (self.table.request.clone(), parents.clone());
        let ended: Arc<Mutex<Vec<ParentRead>>> = Arc::default();
        let (sender, bound_by_end) = (Arc::clone(&ended), parents.clone());
        let mut tree = outer
            .nest(move |parent: &RawItem| {
                let mut request = request.clone();
                bound.bind(&mut request, bound.values(parent).as_deref());
                list(request).with_options(&options())
            })
            .on_not_found(OnRefused::Skip)
            .on_forbidden(OnRefused::Skip)
            .on_list_end(move |parent, verdict| {
                let key = parent_key(&bound_by_end.values(parent).unwrap_or_default());
                let is_complete = verdict == Verdict::Complete;
                sender
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(ParentRead { key, is_complete });
            });
        let taken = || std::mem::take(&mut *ended.lock().unwrap_or_else(PoisonError::into_inner));
        let names: Vec<String> = parents.columns().into_iter().map(|column| column.path).collect();
        let mut last: Option<(Arc<RawItem>, Vec<String>, Arc<str>)> = None;
        let read = async {
            while let Some(found) = tree.try_next().await? {
                let is_same =
                    last.as_ref().is_some_and(|(last, ..)| Arc::ptr_eq(last, &found.parent));
                if !is_same {
                    let values = parents.values(&found.parent).unwrap_or_default();
                    let key = parent_key(&values);
                    last = Some((Arc::clone(&found.parent), values, key));
                    let ended = taken();
                    if !ended.is_empty() {
                        self.writer.stage_parents(ended).await?;
                    }
                }
                let Some((_, values, key)) = &last else { continue };
                let record = with_parent(text(&found.item), &names, values);
                self.add(&record, Place::Parent(Arc::clone(key))).await?;
            }
            Ok(())
        };
        let read: Result<(), TableError> = read.await;
        let report = tree.report();
        self.report.add_calls(report.requests, report.retries, report.waited);
        read?;
        self.writer.stage_parents(taken()).await?;
        let has_all_parents = report.outer == Some(Verdict::Complete);
        let scope = Scope::Parents { has_all_parents };
        // More pages than those of one for each list.
        let has_pages = report.pages > report.parents + 1;
        let may_have_shifted =
            has_pages && (can_shift(&parents.kind) || can_shift(&self.table.kind));
        Ok(Reading { scope, may_have_shifted, ..Reading::of_list(report.verdict()) })
    }

    /// Adds a record to the batch.
    async fn add(&mut self, record: &str, place: Place) -> Result<(), TableError> {
        let Some(key) = key_of(record, &self.table.key) else {
            self.report.without_key += 1;
            return Ok(());
        };
        let hash = canonical::hash(record);
        let json = RawValue::from_string(record.to_owned());
        // The text was parsed before.
        let Ok(record) = json else {
            self.report.without_key += 1;
            return Ok(());
        };
        self.bytes += record.get().len();
        self.batch.push(Row { key, hash, place, record });
        match self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    async fn flush(&mut self) -> Result<(), TableError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let rejected = self.writer.stage(std::mem::take(&mut self.batch)).await?;
        self.report.rejected += rejected;
        Ok(())
    }
}

/// Returns whether a record can move between the pages of a list: a page is then a number of records from the start, and
/// not those after a token. If one record is deleted and another added between two pages, no count shows it.
fn can_shift(kind: &OperationKind) -> bool {
    let OperationKind::List(list) = kind else { return false };
    matches!(
        list.scheme(),
        Scheme::PageNumber
            | Scheme::PageNumberNoTotal
            | Scheme::PageNumberNoEnvelope
            | Scheme::BodyPageNumber
            | Scheme::BodyPageNumberNested
            | Scheme::BodyPagingTotalHits
            | Scheme::Q64Search
            | Scheme::ScimStartIndex
    )
}

pub(crate) fn options() -> ReadOptions {
    ReadOptions::new().max_page_bytes(MAX_PAGE_BYTES)
}

/// Returns the text of an item. Empty, which has no key, if it can't be read.
fn text(item: &RawItem) -> &str {
    item.json().map(RawValue::get).unwrap_or_default()
}

fn parent_key(values: &[String]) -> Arc<str> {
    format!("[{}]", values.join(",")).into()
}

/// Returns a function that makes the list of a request.
pub(crate) fn make(
    client: &Client,
    kind: &OperationKind,
) -> impl Fn(Request) -> Paginator<RawItem> + Send + 'static {
    let (client, kind) = (client.clone(), kind.clone());
    move |request| match &kind {
        OperationKind::Job(family) => {
            Paginator::raw_from_job(&client, request, family.as_ref().clone())
        }
        OperationKind::List(list) => Paginator::raw(&client, request, list.as_ref().clone()),
        OperationKind::Single | OperationKind::Accepted => {
            unreachable!("a plan has lists and jobs only")
        }
    }
}
