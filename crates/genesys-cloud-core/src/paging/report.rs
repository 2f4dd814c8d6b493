//! What was read of a list, and whether it is the whole list.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::step::End;

/// A snapshot of what a paginator has read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Pages read.
    pub pages: u64,
    /// Items yielded.
    pub items: u64,
    /// Calls made, including those that failed: page requests, and for a job also the submit and status requests.
    /// Downloads of files are not counted.
    pub requests: u64,
    /// Attempts beyond the first of each call, after a rate limit or a transient fault.
    pub retries: u64,
    /// Total time that calls spent waiting for the rate limiter and before retries.
    pub waited: Duration,
    /// Total number of items, according to the first page that states it.
    pub first_total: Option<u64>,
    /// Total number of items, according to the last page that states it.
    pub last_total: Option<u64>,
    /// Requested page size, in items. `None` if it was left to the API.
    pub page_size_requested: Option<u64>,
    /// Page size before it was reduced so that pages end exactly at the cap of the list. `None` if it was not reduced.
    pub page_size_clamped_from: Option<u64>,
    /// Page size that the API granted, in items, according to the last page that states it.
    pub page_size_granted: Option<u64>,
    /// Duplicates found: items at the start of a page that are byte for byte the last items of the previous page. They
    /// occur when records are added to a list while it is read by page number, and are yielded. With
    /// [`dedupe_by`](crate::Paginator::dedupe_by), all items whose id is remembered count, and are not yielded.
    /// Items that two windows of [`IdOrDateWindow`](crate::Scheme::IdOrDateWindow) share are yielded once and do not
    /// count.
    pub duplicates: u64,
    /// Pages requested a second time: because the list became shorter, so that records may have moved to them from the
    /// next page; because the API changed the page size; or because they were empty although the counts promise
    /// items. New records on them were yielded.
    pub read_again: u64,
    /// Items that were `null`. They are not yielded, but count toward the totals.
    pub nulls: u64,
    /// Time of the first page request. A resumed list keeps the time of its first run.
    pub began: Option<DateTime<Utc>>,
    /// Time of the last resume. `None` if the list was read in one run. Its first part is as old as
    /// [`began`](Self::began).
    pub resumed: Option<DateTime<Utc>>,
    /// Time up to which the underlying data was complete, as last reported by the API (`dataAvailabilityDate`).
    pub available_until: Option<DateTime<Utc>>,
    /// Why no further page is read. `None` while there may be more.
    pub end: Option<End>,
    /// The last total that differs from the first.
    pub(super) other_total: Option<u64>,
    /// Items read, yielded or not.
    pub(super) read: u64,
    /// Whether the list was read from its beginning.
    pub(super) whole: bool,
    /// Whether the job that produced these results failed in part.
    pub(super) partial: bool,
    /// Whether the page at which the list resumed had changed.
    pub(super) moved: bool,
    /// Pages whose items are in files, which were not read.
    pub(super) in_files: u64,
    /// Whether the API has an operation that reports how far the data is available.
    pub(super) reports_availability: bool,
    /// The end of the requested interval, if its data becomes available with a delay.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// Pages with a next page that lack the list.
    pub(super) without_list: u64,
    /// Whether a page with a next page has the list.
    pub(super) has_list: bool,
    /// Pages with a list under an unknown name instead.
    pub(super) other_lists: u64,
    /// The fields found in place of the list.
    pub(super) other_fields: Vec<String>,
    /// The verdict set by a unit test.
    #[cfg(feature = "test-util")]
    pub(super) stated: Option<Verdict>,
}

impl Report {
    /// Number of pages whose list may have another name.
    fn lacks_list(&self) -> u64 {
        if self.has_list { self.other_lists } else { self.without_list.max(self.other_lists) }
    }

    /// Returns the fields found in place of the list if the verdict is [`Reason::NoList`]: up to eight names, from the
    /// first such page.
    pub fn fields_instead(&self) -> &[String] {
        if self.lacks_list() > 0 { &self.other_fields } else { &[] }
    }

    /// Whether the last page may be at fault, so that reading it again may find more items.
    pub(super) fn is_in_doubt(&self) -> bool {
        use Reason::{Shortfall, TotalDiffers};
        let (Verdict::Unknown(reason) | Verdict::Truncated(reason)) = self.verdict() else {
            return false;
        };
        matches!(reason, Shortfall | TotalDiffers { .. })
    }

    /// Returns whether what was read is the whole list. Before the end of the list, that is
    /// [`Unknown`](Verdict::Unknown) with [`Unfinished`](Reason::Unfinished).
    pub fn verdict(&self) -> Verdict {
        #[cfg(feature = "test-util")]
        if let Some(stated) = self.stated {
            return stated;
        }
        let Some(end) = self.end else { return Verdict::Unknown(Reason::Unfinished) };
        let more = |reason| Verdict::Truncated(reason);
        match end {
            End::Limit => more(Reason::Limit),
            End::MaxPages => more(Reason::MaxPages),
            End::Cap => more(Reason::Cap),
            End::FullResponse => more(Reason::FullResponse),
            End::NotFollowed => more(Reason::NotFollowed),
            End::Contradiction => more(Reason::Contradiction),
            End::LastPage
            | End::NoNextPage
            | End::EmptyPage
            | End::Shortfall
            | End::SingleResponse
            | End::OneWindow => self.verdict_on_whole(end),
        }
    }

    /// Sets the verdict, for unit tests.
    ///
    /// ```
    /// use genesys_cloud_core::{Reason, Report, Verdict};
    ///
    /// let report = Report::default().with_verdict(Verdict::Truncated(Reason::Cap));
    /// assert_eq!(report.verdict(), Verdict::Truncated(Reason::Cap));
    /// ```
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_verdict(mut self, verdict: Verdict) -> Self {
        self.stated = Some(verdict);
        self
    }

    fn verdict_on_whole(&self, end: End) -> Verdict {
        if self.partial {
            return Verdict::Truncated(Reason::PartlySucceeded);
        }
        if self.in_files > 0 {
            return Verdict::Unknown(Reason::InFiles { pages: self.in_files });
        }
        if self.moved {
            return Verdict::Drifted(Reason::Moved);
        }
        if self.duplicates > 0 {
            return Verdict::Drifted(Reason::Duplicates { items: self.duplicates });
        }
        if let (Some(first), Some(last)) = (self.first_total, self.last_total) {
            // The total may have changed and changed back.
            let other = if first == last { self.other_total.unwrap_or(last) } else { last };
            // Totals below the number of items read count something else, such as the items of their page.
            if first != other && (first.max(other) >= self.read + self.nulls || self.read_again > 0)
            {
                return Verdict::Drifted(Reason::TotalChanged { first, last: other });
            }
            let read = self.read + self.nulls;
            if self.whole && last != read {
                let reason = Reason::TotalDiffers { read, total: last };
                return match end {
                    End::SingleResponse if read < last => Verdict::Truncated(reason),
                    _ => Verdict::Unknown(reason),
                };
            }
        }
        if self.lacks_list() > 0 {
            return Verdict::Unknown(Reason::NoList { pages: self.lacks_list() });
        }
        match (self.available_until, self.asked_until) {
            (Some(until), Some(asked)) if until < asked => {
                return Verdict::Unknown(Reason::NotAvailableYet { until });
            }
            (None, _) if self.reports_availability => {
                return Verdict::Unknown(Reason::AvailabilityUnknown);
            }
            _ => {}
        }
        match end {
            End::Shortfall => Verdict::Unknown(Reason::Shortfall),
            End::OneWindow => Verdict::Unknown(Reason::OneWindow),
            _ => Verdict::Complete,
        }
    }
}

/// Whether what a paginator has read is the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// All items were read, from where the request begins, usually the first item, to the end that the API reports.
    Complete,
    /// Some items were not read.
    Truncated(Reason),
    /// The list changed while it was read: records may be missing or duplicated.
    Drifted(Reason),
    /// The API's responses contradict each other, or do not say enough.
    Unknown(Reason),
}

impl Verdict {
    /// The worse of two verdicts: truncated, then drifted, then unknown. The first one if they are equally bad.
    pub(crate) const fn worse(self, other: Self) -> Self {
        const fn rank(verdict: Verdict) -> u8 {
            match verdict {
                Verdict::Complete => 0,
                Verdict::Unknown(_) => 1,
                Verdict::Drifted(_) => 2,
                Verdict::Truncated(_) => 3,
            }
        }
        if rank(other) > rank(self) { other } else { self }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Truncated(reason) => write!(f, "truncated: {reason}"),
            Self::Drifted(reason) => write!(f, "drifted: {reason}"),
            Self::Unknown(reason) => write!(f, "unknown: {reason}"),
        }
    }
}

/// Why a list is not known to have been read completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The end of the list has not been reached.
    Unfinished,
    /// [`limit`](crate::Paginator::limit) was reached.
    Limit,
    /// [`max_pages`](crate::Paginator::max_pages) was reached.
    MaxPages,
    /// The list is longer than the API allows to be read.
    Cap,
    /// The operation returns a single response, and it was full.
    FullResponse,
    /// The response names a next one, but the operation has no parameter to request it.
    NotFollowed,
    /// A page contradicted earlier pages, or its token or link could not be used.
    Contradiction,
    /// The list ended although the API's counts promise more items.
    Shortfall,
    /// The operation returns only one window of time of its list.
    OneWindow,
    /// The job succeeded only in part.
    PartlySucceeded,
    /// The items of some pages are in separate files.
    InFiles {
        /// How many pages.
        pages: u64,
    },
    /// The total number of items changed.
    TotalChanged {
        /// The first total that the API stated.
        first: u64,
        /// The last total, or the last one that differs from the first.
        last: u64,
    },
    /// The API's total differs from the number of items read.
    TotalDiffers {
        /// Items read.
        read: u64,
        /// The API's total.
        total: u64,
    },
    /// No page before the last had the list, or a page had a list under another name instead.
    /// [`Report::fields_instead`] returns the names found.
    NoList {
        /// How many pages.
        pages: u64,
    },
    /// Items moved between pages while the list was being read or was interrupted, or the API changed the page size,
    /// and the position could not be recovered with certainty.
    Moved,
    /// Items were read twice.
    Duplicates {
        /// How many of them.
        items: u64,
    },
    /// Part of a time range was read again from its start, because it was split or its job was rerun. Items without
    /// an id that were yielded before may have been yielded again.
    ReadAgain {
        /// The largest possible number of such items.
        items: u64,
    },
    /// The lists of some parents were skipped, because the API answered 404 or 410: see [`Nested`](crate::Nested).
    ParentsNotFound {
        /// How many parents.
        parents: u64,
    },
    /// The lists of some parents were skipped, because the API answered 403: see [`Nested`](crate::Nested).
    ParentsForbidden {
        /// How many parents.
        parents: u64,
    },
    /// The data was not available up to the end of the requested interval.
    NotAvailableYet {
        /// Time up to which it was available.
        until: DateTime<Utc>,
    },
    /// The API has an operation that reports how far the data is available, but it failed, and the results did not
    /// say either: the end of the requested interval may be missing.
    AvailabilityUnknown,
}

impl Reason {
    /// Name and counts, as stored in a checkpoint.
    pub(crate) fn written(self) -> (&'static str, Vec<u64>) {
        match self {
            Self::Unfinished => ("unfinished", vec![]),
            Self::Limit => ("limit", vec![]),
            Self::MaxPages => ("maxPages", vec![]),
            Self::Cap => ("cap", vec![]),
            Self::FullResponse => ("fullResponse", vec![]),
            Self::NotFollowed => ("notFollowed", vec![]),
            Self::Contradiction => ("contradiction", vec![]),
            Self::Shortfall => ("shortfall", vec![]),
            Self::OneWindow => ("oneWindow", vec![]),
            Self::PartlySucceeded => ("partlySucceeded", vec![]),
            Self::Moved => ("moved", vec![]),
            Self::AvailabilityUnknown => ("availabilityUnknown", vec![]),
            Self::InFiles { pages } => ("inFiles", vec![pages]),
            Self::NoList { pages } => ("noList", vec![pages]),
            Self::TotalChanged { first, last } => ("totalChanged", vec![first, last]),
            Self::TotalDiffers { read, total } => ("totalDiffers", vec![read, total]),
            Self::Duplicates { items } => ("duplicates", vec![items]),
            Self::ReadAgain { items } => ("readAgain", vec![items]),
            Self::ParentsNotFound { parents } => ("parentsNotFound", vec![parents]),
            Self::ParentsForbidden { parents } => ("parentsForbidden", vec![parents]),
            Self::NotAvailableYet { until } => {
                ("notAvailableYet", vec![u64::try_from(until.timestamp_millis()).unwrap_or(0)])
            }
        }
    }

    /// Parses what [`written`](Self::written) returned.
    pub(crate) fn read(name: &str, counts: &[u64]) -> Option<Self> {
        let plain = [
            Self::Unfinished,
            Self::Limit,
            Self::MaxPages,
            Self::Cap,
            Self::FullResponse,
            Self::NotFollowed,
            Self::Contradiction,
            Self::Shortfall,
            Self::OneWindow,
            Self::PartlySucceeded,
            Self::Moved,
            Self::AvailabilityUnknown,
        ];
        match (name, counts) {
            ("inFiles", [pages]) => Some(Self::InFiles { pages: *pages }),
            ("noList", [pages]) => Some(Self::NoList { pages: *pages }),
            ("totalChanged", [first, last]) => {
                Some(Self::TotalChanged { first: *first, last: *last })
            }
            ("totalDiffers", [read, total]) => {
                Some(Self::TotalDiffers { read: *read, total: *total })
            }
            ("duplicates", [items]) => Some(Self::Duplicates { items: *items }),
            ("readAgain", [items]) => Some(Self::ReadAgain { items: *items }),
            ("parentsNotFound", [parents]) => Some(Self::ParentsNotFound { parents: *parents }),
            ("parentsForbidden", [parents]) => Some(Self::ParentsForbidden { parents: *parents }),
            ("notAvailableYet", [until]) => {
                let until = DateTime::from_timestamp_millis(i64::try_from(*until).ok()?)?;
                Some(Self::NotAvailableYet { until })
            }
            _ => plain.into_iter().find(|reason| reason.written().0 == name),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unfinished => "the end of the list was not reached",
            Self::Limit => "the item limit was reached",
            Self::MaxPages => "the page limit was reached",
            Self::Cap => "the list is longer than the API allows to be read",
            Self::FullResponse => "the operation returns a single response, and it was full",
            Self::NotFollowed => "there is a next page, but the operation has no parameter to request it",
            Self::Contradiction => "a page contradicted earlier pages, or its token or link could not be used",
            Self::Shortfall => "the list ended although the API's counts promise more items",
            Self::OneWindow => "the operation returns only one window of time of the list",
            Self::PartlySucceeded => "the job succeeded only in part",
            Self::Moved => "items moved between pages; some may be missing or duplicated",
            Self::AvailabilityUnknown => {
                "the API did not report how far the data is available; the end of the interval may be missing"
            }
            Self::NoList { pages } => {
                return write!(f, "no list in {}; it may have another name", counted(*pages, "page"));
            }
            Self::InFiles { pages } => {
                return write!(f, "the items of {} are in separate files", counted(*pages, "page"));
            }
            Self::TotalChanged { first, last } => {
                return write!(f, "the total changed from {first} to {last} items");
            }
            Self::TotalDiffers { read, total } => {
                return write!(f, "read {read} items, but the API counts {total}");
            }
            Self::Duplicates { items } => return write!(f, "{} read twice", counted(*items, "item")),
            Self::ReadAgain { items } => {
                let items = counted(*items, "item");
                return write!(f, "part of the range was read again; up to {items} may be duplicated");
            }
            Self::ParentsNotFound { parents } => {
                return write!(f, "{} not found", counted(*parents, "parent"));
            }
            Self::ParentsForbidden { parents } => {
                return write!(f, "access to {} was forbidden", counted(*parents, "list"));
            }
            Self::NotAvailableYet { until } => {
                let until = until.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                return write!(f, "the data was available only up to {until}");
            }
        })
    }
}

/// Formats a number with its noun: `1 page`, `2 pages`.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests;
