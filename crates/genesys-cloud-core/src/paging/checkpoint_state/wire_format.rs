//! The stored form of a place in a list.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::ListPoint;
use crate::call_counter::Calls;
use crate::digest::hex;
use crate::paging::End;
use crate::paging::cursor_state::{CursorState, PageInfo, Position, Token};
use crate::paging::item_hashes::KEPT;
use crate::paging::progress::{Counted, Lists, Progress, Totals};
use crate::paging::request_fingerprint::RequestFingerprint;
use crate::paging::stored_counts::{MAX_COUNT, read_hash, written};
use crate::saved_job::SavedJob;

pub(crate) use self::record::ListForm;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod record {
    use chrono::{DateTime, Utc};
    use serde_json::Value;

    use crate::paging::FingerprintForm;

    crate::record! {
        /// A place in a list. New fields do not need a new version.
        pub struct ListForm {
            pub call: Option<FingerprintForm> = "call",
            pub scheme: Option<String> = "scheme",
            pub number: Option<i64> = "number",
            pub token: Option<Vec<Value>> = "token",
            pub link: Option<Vec<Vec<String>>> = "link",
            pub offset: Option<i64> = "offset",
            pub known: Option<Vec<String>> = "known",
            pub overlap: Option<String> = "overlap",
            pub ids: Option<String> = "ids",
            pub page: Option<String> = "page",
            pub pages_before: Option<i64> = "pagesBefore",
            pub items_before: Option<i64> = "itemsBefore",
            pub largest: Option<i64> = "largestPage",
            pub empty: Option<i64> = "emptyPages",
            pub alike: Option<i64> = "alikePages",
            pub grid: Option<i64> = "grid",
            pub previous: Option<PageForm> = "previousPage",
            pub report: Option<ReportForm> = "report",
            pub end: Option<String> = "end",
            pub job: Option<Value> = "job",
            pub lost: Option<bool> = "lostSubmit",
        }
    }

    crate::record! {
        /// What a page says about itself.
        pub struct PageForm {
            pub items: Option<i64> = "items",
            pub nulls: Option<i64> = "nulls",
            pub number: Option<i64> = "number",
            pub count: Option<i64> = "count",
            pub size: Option<i64> = "size",
            pub start: Option<i64> = "start",
            pub total: Option<i64> = "total",
            pub linked: Option<bool> = "linked",
            pub in_file: Option<bool> = "inFile",
            pub fingerprint: Option<String> = "fingerprint",
        }
    }

    crate::record! {
        /// Counts up to the place.
        pub struct ReportForm {
            pub pages: Option<i64> = "pages",
            pub items: Option<i64> = "items",
            pub requests: Option<i64> = "requests",
            pub retries: Option<i64> = "retries",
            pub waited: Option<i64> = "waitedMilliseconds",
            pub first_total: Option<i64> = "firstTotal",
            pub last_total: Option<i64> = "lastTotal",
            pub other_total: Option<i64> = "otherTotal",
            pub page_size_requested: Option<i64> = "pageSizeRequested",
            pub page_size_clamped_from: Option<i64> = "pageSizeClampedFrom",
            pub page_size_granted: Option<i64> = "pageSizeGranted",
            pub duplicates: Option<i64> = "duplicates",
            pub read_again: Option<i64> = "readAgain",
            pub in_files: Option<i64> = "pagesInFiles",
            pub whole: Option<bool> = "fromBeginning",
            pub partial: Option<bool> = "partial",
            pub moved: Option<bool> = "moved",
            pub nulls: Option<i64> = "nulls",
            pub began: Option<DateTime<Utc>> = "began",
            pub resumed: Option<DateTime<Utc>> = "resumed",
            pub available_until: Option<DateTime<Utc>> = "availableUntil",
            pub reports_availability: Option<bool> = "reportsAvailability",
            pub asked_until: Option<DateTime<Utc>> = "askedUntil",
            pub without_list: Option<i64> = "pagesWithoutList",
            pub has_list: Option<bool> = "hasList",
            pub other_lists: Option<i64> = "otherLists",
            pub other_fields: Option<Vec<String>> = "fieldsInstead",
        }
    }
}

use self::record::{PageForm, ReportForm};

/// The ends that are stored. The others are ends of a paginator, not of its list: another paginator can continue.
const ENDS: [(&str, End); 9] = [
    ("lastPage", End::LastPage),
    ("noNextPage", End::NoNextPage),
    ("emptyPage", End::EmptyPage),
    ("shortfall", End::Shortfall),
    ("singleResponse", End::SingleResponse),
    ("fullResponse", End::FullResponse),
    ("notFollowed", End::NotFollowed),
    ("oneWindow", End::OneWindow),
    ("cap", End::Cap),
];

/// Whether this end is the end of the list itself.
pub(in crate::paging) fn is_end_of_list(end: End) -> bool {
    ENDS.iter().any(|(_, known)| *known == end)
}

fn read(count: Option<i64>, name: &str) -> Result<u64, String> {
    Ok(read_if(count, name)?.unwrap_or(0))
}

fn read_if(count: Option<i64>, name: &str) -> Result<Option<u64>, String> {
    match count {
        None => Ok(None),
        Some(count @ 0..=MAX_COUNT) => Ok(u64::try_from(count).ok()),
        Some(_) => Err(format!("`{name}` is not a valid count")),
    }
}

/// Concatenates hashes.
fn write_hashes(hashes: &[u64]) -> Option<String> {
    let text = hashes.iter().map(|hash| hex(*hash)).collect::<String>();
    Some(text).filter(|text| !text.is_empty())
}

/// Parses concatenated hashes.
fn read_hashes(text: &str) -> Result<Vec<u64>, String> {
    let (hashes, rest) = text.as_bytes().as_chunks::<16>();
    let malformed = || "it has a malformed hash".to_owned();
    let hash = |hash: &[u8; 16]| std::str::from_utf8(hash).map_or(Err(malformed()), read_hash);
    if rest.is_empty() { hashes.iter().map(hash).collect() } else { Err(malformed()) }
}

impl ListPoint {
    pub(crate) fn form(&self) -> ListForm {
        let Self { subject, scheme, at, offset, known, overlap, ids, page, .. } = self;
        let Self { progress, end, job, is_lost, .. } = self;
        let mut form = ListForm {
            call: Some(subject.form()),
            scheme: Some(scheme.clone()),
            offset: written(*offset).filter(|offset| *offset > 0),
            known: Some(known.iter().map(|mark| hex(*mark)).collect()),
            overlap: write_hashes(overlap),
            ids: write_hashes(ids),
            page: page.map(hex),
            pages_before: written(at.pages),
            items_before: at.before.and_then(written),
            largest: written(at.largest),
            empty: written(at.empty).filter(|empty| *empty > 0),
            alike: written(at.alike).filter(|alike| *alike > 0),
            grid: at.grid.and_then(written),
            previous: at.previous.as_ref().map(PageForm::of),
            report: Some(ReportForm::of(progress, at)),
            end: end.and_then(|end| {
                ENDS.iter().find(|(_, known)| *known == end).map(|(name, _)| (*name).to_owned())
            }),
            job: job.as_ref().and_then(|job| serde_json::to_value(job).ok()),
            lost: Some(*is_lost).filter(|is_lost| *is_lost),
            ..ListForm::default()
        };
        match &at.due {
            Position::Start => {}
            Position::Number(number) => form.number = written(*number),
            Position::Token(values) => {
                form.token = Some(
                    values
                        .iter()
                        .map(|value| match value {
                            Token::Text(text) => Value::from(text.as_str()),
                            Token::Number(number) => Value::Number(number.clone()),
                            Token::Odd => Value::Null,
                        })
                        .collect(),
                );
            }
            Position::Link(query) => {
                form.link = Some(
                    query.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect(),
                );
            }
        }
        form
    }

    pub(crate) fn of_form(form: ListForm) -> Result<Self, String> {
        let lacks = |name: &str| format!("it has no `{name}`");
        let due = match (form.number, form.token, form.link) {
            (None, None, None) => Position::Start,
            (number @ Some(1..=MAX_COUNT), None, None) => Position::Number(read(number, "number")?),
            (None, Some(values), None) => Position::Token(
                values
                    .into_iter()
                    .map(|value| match value {
                        Value::String(text) => Ok(Token::Text(text)),
                        Value::Number(number) if number.is_i64() || number.is_u64() => {
                            Ok(Token::Number(number))
                        }
                        _ => Err("its token is neither a string nor an integer".to_owned()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            (None, None, Some(query)) => Position::Link(
                query
                    .into_iter()
                    .map(|pair| {
                        let pair = <[String; 2]>::try_from(pair);
                        pair.map(|[name, value]| (name, value)).map_err(|_| {
                            "its link has a parameter that is not a name and a value".to_owned()
                        })
                    })
                    .collect::<Result<_, _>>()?,
            ),
            _ => return Err("it must name exactly one page".to_owned()),
        };
        let report = form.report.unwrap_or_default();
        let end = match form.end {
            None => None,
            Some(name) => {
                let end = ENDS.iter().find(|(known, _)| *known == name);
                Some(end.ok_or("its list has an unknown end")?.1)
            }
        };
        let known = form.known.unwrap_or_default();
        let known = known[known.len().saturating_sub(KEPT)..].iter();
        Ok(Self {
            subject: Arc::new(RequestFingerprint::of_form(
                form.call.ok_or_else(|| lacks("call"))?,
            )?),
            scheme: form.scheme.unwrap_or_default(),
            at: CursorState {
                due,
                counted: Counted {
                    pages: read(report.pages, "pages")?,
                    nulls: read(report.nulls, "nulls")?,
                },
                page_size: read_if(report.page_size_requested, "pageSizeRequested")?
                    .filter(|size| *size > 0),
                pages: read(form.pages_before, "pagesBefore")?,
                before: read_if(form.items_before, "itemsBefore")?,
                previous: form.previous.map(PageForm::read).transpose()?,
                largest: read(form.largest, "largestPage")?,
                empty: read(form.empty, "emptyPages")?,
                alike: read(form.alike, "alikePages")?,
                grid: read_if(form.grid, "grid")?.filter(|grid| *grid > 0),
                is_second_look: false,
            },
            offset: read(form.offset, "offset")?,
            known: known.map(|mark| read_hash(mark)).collect::<Result<_, _>>()?,
            overlap: read_hashes(&form.overlap.unwrap_or_default())?,
            ids: read_hashes(&form.ids.unwrap_or_default())?,
            page: form.page.map(|hash| read_hash(&hash)).transpose()?,
            progress: report.read()?,
            end,
            is_lost: form.lost.unwrap_or_default(),
            job: match form.job {
                None | Some(Value::Null) => None,
                Some(job) => Some(
                    serde_json::from_value::<SavedJob>(job).map_err(|error| error.to_string())?,
                ),
            },
        })
    }
}

impl PageForm {
    fn of(page: &PageInfo) -> Self {
        Self {
            items: written(page.items),
            nulls: written(page.nulls).filter(|nulls| *nulls > 0),
            number: page.page_number.and_then(written),
            count: page.page_count.and_then(written),
            size: page.page_size.and_then(written),
            start: page.start_index.and_then(written),
            total: page.total.and_then(written),
            linked: Some(page.token.is_some()).filter(|linked| *linked),
            in_file: Some(page.is_in_file).filter(|in_file| *in_file),
            fingerprint: page.fingerprint.map(hex),
            ..Self::default()
        }
    }

    fn read(self) -> Result<PageInfo, String> {
        let items = read(self.items, "items")?;
        Ok(PageInfo {
            items,
            nulls: read(self.nulls, "nulls")?.min(items),
            has_list: true,
            available_until: None,
            has_no_ids: false,
            page_number: read_if(self.number, "number")?,
            page_count: read_if(self.count, "count")?,
            page_size: read_if(self.size, "size")?,
            start_index: read_if(self.start, "start")?,
            total: read_if(self.total, "total")?,
            // Its value is no longer needed, only that there was one.
            token: self.linked.filter(|linked| *linked).map(|_| Token::Odd),
            fingerprint: self.fingerprint.map(|hash| read_hash(&hash)).transpose()?,
            edges: None,
            is_in_file: self.in_file.unwrap_or_default(),
        })
    }
}

impl ReportForm {
    fn of(progress: &Progress, at: &CursorState) -> Self {
        let flag = |flag: bool| Some(flag).filter(|flag| *flag);
        let Progress { calls, totals, lists, .. } = progress;
        Self {
            pages: written(at.counted.pages),
            items: written(progress.delivered),
            requests: written(calls.requests),
            retries: written(calls.retries),
            waited: i64::try_from(calls.waited.as_millis()).ok(),
            first_total: totals.first.and_then(written),
            last_total: totals.last.and_then(written),
            other_total: totals.other.and_then(written),
            page_size_requested: at.page_size.and_then(written),
            page_size_clamped_from: progress.page_size_clamped_from.and_then(written),
            page_size_granted: progress.page_size_granted.and_then(written),
            duplicates: written(progress.duplicates),
            read_again: written(progress.read_again),
            in_files: written(progress.in_files),
            whole: flag(progress.whole),
            partial: flag(progress.partial),
            moved: flag(progress.moved),
            nulls: written(at.counted.nulls).filter(|nulls| *nulls > 0),
            began: progress.began,
            resumed: progress.resumed,
            available_until: progress.available_until,
            reports_availability: flag(progress.reports_availability),
            asked_until: progress.asked_until,
            without_list: written(lists.without).filter(|pages| *pages > 0),
            has_list: flag(lists.has_list),
            other_lists: written(lists.other).filter(|pages| *pages > 0),
            other_fields: Some(lists.other_fields.clone()).filter(|names| !names.is_empty()),
            ..Self::default()
        }
    }

    fn read(self) -> Result<Progress, String> {
        let items = read(self.items, "items")?;
        Ok(Progress {
            read: items,
            delivered: items,
            duplicates: read(self.duplicates, "duplicates")?,
            read_again: read(self.read_again, "readAgain")?,
            calls: Calls {
                requests: read(self.requests, "requests")?,
                retries: read(self.retries, "retries")?,
                waited: Duration::from_millis(read(self.waited, "waitedMilliseconds")?),
            },
            totals: Totals {
                first: read_if(self.first_total, "firstTotal")?,
                last: read_if(self.last_total, "lastTotal")?,
                other: read_if(self.other_total, "otherTotal")?,
            },
            page_size_clamped_from: read_if(self.page_size_clamped_from, "pageSizeClampedFrom")?,
            page_size_granted: read_if(self.page_size_granted, "pageSizeGranted")?,
            began: self.began,
            resumed: self.resumed,
            available_until: self.available_until,
            reports_availability: self.reports_availability.unwrap_or_default(),
            asked_until: self.asked_until,
            whole: self.whole.unwrap_or_default(),
            partial: self.partial.unwrap_or_default(),
            moved: self.moved.unwrap_or_default(),
            in_files: read(self.in_files, "pagesInFiles")?,
            lists: Lists {
                has_list: self.has_list.unwrap_or_default(),
                without: read(self.without_list, "pagesWithoutList")?,
                other: read(self.other_lists, "otherLists")?,
                other_fields: self.other_fields.unwrap_or_default(),
            },
        })
    }
}
