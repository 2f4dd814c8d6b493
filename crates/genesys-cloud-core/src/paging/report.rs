//! What has been read of a list, and what that is worth.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use super::step::End;

/// What a paginator has read so far: a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Pages that were read.
    pub pages: u64,
    /// Items that were handed out.
    pub items: u64,
    /// Calls that were made, those that failed among them: for pages, and of a job also its submit and those
    /// that asked how it stands. The transfer of a file is none.
    pub requests: u64,
    /// How often the client repeated a call by itself, after a rate limit or a fault that passed.
    pub retries: u64,
    /// How long calls waited for their turn within the rate limit, and before they were repeated, in all.
    pub waited: Duration,
    /// How many items the list holds, as the first page that says so has it.
    pub first_total: Option<u64>,
    /// How many items the list holds, as the last page that says so has it.
    pub last_total: Option<u64>,
    /// The page size that was asked for, in items. `None` if it was left to the API.
    pub page_size_asked: Option<u64>,
    /// The page size that was wanted, in items, where less was asked for because only that fills the pages up to
    /// the cap of the list.
    pub page_size_clamped_from: Option<u64>,
    /// The page size that the API granted, in items, as the last page that says so has it.
    pub page_size_granted: Option<u64>,
    /// Items that came twice, as far as that is noticed: the first ones of a page that are, byte by
    /// byte, the last ones of the page before. Records that are added to a list while it is read by page
    /// number do that to it. They were handed out, or, with [`dedupe_by`](crate::Paginator::dedupe_by), by
    /// which all of them are noticed that it remembers, left out. (What windows share,
    /// [`IdOrDateWindow`](crate::Scheme::IdOrDateWindow), is handed out once, and not counted.)
    pub duplicates: u64,
    /// How many pages were read once more: because the list had become shorter, so that records may have moved
    /// from the next page to them; because the API changed the size of pages; or because they were empty though
    /// the counts promised items. Records that were new on them were yielded.
    pub read_again: u64,
    /// How many of the items were `null`. They are left out, and count for the totals.
    pub nulls: u64,
    /// When the first page was requested. A list that was resumed keeps the time of its first run.
    pub began: Option<DateTime<Utc>>,
    /// When the list was resumed last. `None` where it was read in one run. Its first part is as old as
    /// [`began`](Self::began).
    pub resumed: Option<DateTime<Utc>>,
    /// Up to when the data was complete that the list is made from, as the API said last
    /// (`dataAvailabilityDate`).
    pub available_until: Option<DateTime<Utc>>,
    /// Why no further page is read. `None` while there may be more.
    pub end: Option<End>,
    /// How many items the list holds, as the last page has it that says otherwise than the first.
    pub(super) other_total: Option<u64>,
    /// Items that were read, those that are not handed out yet among them.
    pub(super) read: u64,
    /// Whether the list was read from its beginning.
    pub(super) whole: bool,
    /// Whether some of the work of the job failed whose results these are.
    pub(super) partial: bool,
    /// Whether the page at which it was gone on with was not the one that it had been.
    pub(super) moved: bool,
    /// How many pages had their items in files, which were not read.
    pub(super) in_files: u64,
    /// The end of the interval that was asked for, where its data becomes available with a delay.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// How many pages led to another one and did not have the list, and whether any did.
    pub(super) without_list: u64,
    pub(super) has_list: bool,
    /// How many pages had a list under a name that is not known, and not their own.
    pub(super) other_lists: u64,
    /// The fields that came in place of the list.
    pub(super) other_fields: Vec<String>,
    /// What the verdict is to be, in unit tests.
    #[cfg(feature = "test-util")]
    pub(super) stated: Option<Verdict>,
}

impl Report {
    /// How many pages came without their list, in a way that it may have another name.
    fn lacks_list(&self) -> u64 {
        if self.has_list { self.other_lists } else { self.without_list.max(self.other_lists) }
    }

    /// The fields that came in place of the list, where the verdict is [`Reason::NoList`]: the names of the first
    /// such page, eight at most.
    pub fn fields_instead(&self) -> &[String] {
        if self.lacks_list() > 0 { &self.other_fields } else { &[] }
    }

    /// Whether the page at which the list ended may be at fault: when it is read again, more may be on it.
    pub(super) fn is_in_doubt(&self) -> bool {
        use Reason::{Shortfall, TotalDiffers};
        let (Verdict::Unknown(reason) | Verdict::Truncated(reason)) = self.verdict() else {
            return false;
        };
        matches!(reason, Shortfall | TotalDiffers { .. })
    }

    /// Whether what was read is the list. Before its end that is
    /// [`Unknown`](Verdict::Unknown): [`Unfinished`](Reason::Unfinished).
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
            End::FullReply => more(Reason::FullReply),
            End::NotFollowed => more(Reason::NotFollowed),
            End::Contradiction => more(Reason::Contradiction),
            End::LastPage
            | End::NoNextPage
            | End::EmptyPage
            | End::Shortfall
            | End::OneReply
            | End::OneWindow => self.verdict_on_whole(end),
        }
    }

    /// The same with this verdict, for unit tests.
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
            // It may be again what it was at first.
            let other = if first == last { self.other_total.unwrap_or(last) } else { last };
            // Counts that are all too low count something else, such as the items of their own page.
            if first != other && (first.max(other) >= self.read + self.nulls || self.read_again > 0)
            {
                return Verdict::Drifted(Reason::TotalChanged { first, last: other });
            }
            let read = self.read + self.nulls;
            if self.whole && last != read {
                let reason = Reason::TotalDiffers { read, total: last };
                return match end {
                    End::OneReply if read < last => Verdict::Truncated(reason),
                    _ => Verdict::Unknown(reason),
                };
            }
        }
        if self.lacks_list() > 0 {
            return Verdict::Unknown(Reason::NoList { pages: self.lacks_list() });
        }
        if let (Some(until), Some(asked)) = (self.available_until, self.asked_until)
            && until < asked
        {
            return Verdict::Unknown(Reason::NotAvailableYet { until });
        }
        match end {
            End::Shortfall => Verdict::Unknown(Reason::Shortfall),
            End::OneWindow => Verdict::Unknown(Reason::OneWindow),
            _ => Verdict::Complete,
        }
    }
}

/// Whether what a paginator has read is the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// All of it, as far as the API tells: from where the request begins, which is usually the first
    /// item, to the end.
    Complete,
    /// Not all of it.
    Truncated(Reason),
    /// It changed while it was read: records may be missing, or have come twice.
    Drifted(Reason),
    /// What the API says does not fit together, or does not suffice to tell.
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
    /// Not all of its pages have been read yet.
    Unfinished,
    /// [`limit`](crate::Paginator::limit) was reached.
    Limit,
    /// [`max_pages`](crate::Paginator::max_pages) was reached.
    MaxPages,
    /// The API does not let the list be read any further.
    Cap,
    /// The operation gives one response, and it was full.
    FullReply,
    /// The response leads to a further one for which the operation has no parameter.
    NotFollowed,
    /// A page contradicted the ones before, or led nowhere.
    Contradiction,
    /// The list broke off where the API's counts had promised more.
    Shortfall,
    /// The operation gives one window of time of its list.
    OneWindow,
    /// The job whose results these are did part of its work.
    PartlySucceeded,
    /// The items of some pages stand in files of their own.
    InFiles {
        /// How many pages.
        pages: u64,
    },
    /// The API's count of items changed.
    TotalChanged {
        /// The count of the first page that told one.
        first: u64,
        /// The count of the last page that told one, or that told another one than the first.
        last: u64,
    },
    /// The API's count of items is another than that of the items that came.
    TotalDiffers {
        /// How many items came.
        read: u64,
        /// How many there are, as the API says.
        total: u64,
    },
    /// No page that led to another one had the list, or a page had one under another name instead.
    /// [`Report::fields_instead`] has the names that did come.
    NoList {
        /// How many pages.
        pages: u64,
    },
    /// Items moved between pages while the list was read or stopped, or the API changed the size of pages, and
    /// where it was joined again could not be proved.
    Moved,
    /// Items came twice.
    Duplicates {
        /// How many of them.
        items: u64,
    },
    /// Part of a range of time was read again from its start, because it was split or its job was rerun, after items
    /// of it had been delivered that cannot be recognized by an id: they were delivered again.
    ReadAnew {
        /// How many items that may be.
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
    /// The data was not available up to the end of the interval that was asked for.
    NotAvailableYet {
        /// Up to when it was available.
        until: DateTime<Utc>,
    },
}

impl Reason {
    /// By name and counts, to be kept in a file.
    pub(crate) fn written(self) -> (&'static str, Vec<u64>) {
        match self {
            Self::Unfinished => ("unfinished", vec![]),
            Self::Limit => ("limit", vec![]),
            Self::MaxPages => ("maxPages", vec![]),
            Self::Cap => ("cap", vec![]),
            Self::FullReply => ("fullReply", vec![]),
            Self::NotFollowed => ("notFollowed", vec![]),
            Self::Contradiction => ("contradiction", vec![]),
            Self::Shortfall => ("shortfall", vec![]),
            Self::OneWindow => ("oneWindow", vec![]),
            Self::PartlySucceeded => ("partlySucceeded", vec![]),
            Self::Moved => ("moved", vec![]),
            Self::InFiles { pages } => ("inFiles", vec![pages]),
            Self::NoList { pages } => ("noList", vec![pages]),
            Self::TotalChanged { first, last } => ("totalChanged", vec![first, last]),
            Self::TotalDiffers { read, total } => ("totalDiffers", vec![read, total]),
            Self::Duplicates { items } => ("duplicates", vec![items]),
            Self::ReadAnew { items } => ("readAnew", vec![items]),
            Self::ParentsNotFound { parents } => ("parentsNotFound", vec![parents]),
            Self::ParentsForbidden { parents } => ("parentsForbidden", vec![parents]),
            Self::NotAvailableYet { until } => {
                ("notAvailableYet", vec![u64::try_from(until.timestamp_millis()).unwrap_or(0)])
            }
        }
    }

    /// As [`written`](Self::written) gave it.
    pub(crate) fn read(name: &str, counts: &[u64]) -> Option<Self> {
        let plain = [
            Self::Unfinished,
            Self::Limit,
            Self::MaxPages,
            Self::Cap,
            Self::FullReply,
            Self::NotFollowed,
            Self::Contradiction,
            Self::Shortfall,
            Self::OneWindow,
            Self::PartlySucceeded,
            Self::Moved,
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
            ("readAnew", [items]) => Some(Self::ReadAnew { items: *items }),
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
            Self::Unfinished => "the list has not been read to its end",
            Self::Limit => "the limit of items was reached",
            Self::MaxPages => "the limit of pages was reached",
            Self::Cap => "the API does not let the list be read any further",
            Self::FullReply => "the operation gives one response, and it was full",
            Self::NotFollowed => "the response leads to a further one that can't be asked for",
            Self::Contradiction => "a page contradicted the ones before, or led nowhere",
            Self::Shortfall => "the list broke off where more had been promised",
            Self::OneWindow => "the operation gives one window of time of the list",
            Self::PartlySucceeded => "the job did part of its work",
            Self::Moved => "items moved between pages, so that some may be missing or repeated",
            Self::NoList { pages } => {
                return write!(f, "{pages} pages came without the list: it may have another name");
            }
            Self::InFiles { pages } => {
                return write!(f, "the items of {pages} pages stand in files of their own");
            }
            Self::TotalChanged { first, last } => {
                return write!(f, "the count of items changed from {first} to {last}");
            }
            Self::TotalDiffers { read, total } => {
                return write!(f, "{read} items came where the API counts {total}");
            }
            Self::Duplicates { items } => return write!(f, "{items} items came twice"),
            Self::ReadAnew { items } => {
                return write!(
                    f,
                    "part of the range was read again, and {items} of its items may be repeated"
                );
            }
            Self::ParentsNotFound { parents } => {
                return write!(f, "{parents} parents were not found");
            }
            Self::ParentsForbidden { parents } => {
                return write!(f, "the lists of {parents} parents were forbidden");
            }
            Self::NotAvailableYet { until } => {
                let until = until.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                return write!(f, "the data was available only up to {until}");
            }
        })
    }
}

#[cfg(test)]
mod tests;
