//! The options for reading lists, jobs and time ranges.

mod job;
mod setters;

pub(crate) use job::{DataWait, JobOptions, later};
pub(crate) use setters::read_option_setters;

/// Options for reading lists and time ranges.
///
/// [`Paginator`](crate::Paginator) and [`Windows`](crate::Windows) have the same setters. Use this type to share
/// options between several lists, with [`Paginator::with_options`](crate::Paginator::with_options) and
/// [`Windows::with_options`](crate::Windows::with_options).
///
/// ```
/// use genesys_cloud_core::ReadOptions;
///
/// let options = ReadOptions::new().page_size(100).limit(10_000).dedupe_by("id");
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until they are applied to a list"]
pub struct ReadOptions {
    pub(crate) page_size: Option<u64>,
    pub(crate) limit: Option<u64>,
    pub(crate) max_pages: Option<u64>,
    pub(crate) max_page_bytes: Option<usize>,
    pub(crate) prefetch: Option<usize>,
    /// The path of the id in an item.
    pub(crate) dedupe_by: Option<String>,
    /// How many ids are remembered to recognize duplicates.
    pub(crate) remember: Option<usize>,
    /// How many of them a checkpoint keeps.
    pub(crate) remember_in_checkpoint: Option<usize>,
    pub(crate) on_stale: Option<OnStale>,
    pub(crate) job: JobOptions,
}

impl ReadOptions {
    /// Creates options with nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    read_option_setters!();

    fn options_mut(&mut self) -> &mut Self {
        self
    }

    /// Applies the options that are set in `other`.
    pub(crate) fn override_with(&mut self, other: &Self) {
        let Self {
            page_size,
            limit,
            max_pages,
            max_page_bytes,
            prefetch,
            dedupe_by,
            remember,
            remember_in_checkpoint,
            on_stale,
            job,
        } = other;
        self.page_size = page_size.or(self.page_size);
        self.limit = limit.or(self.limit);
        self.max_pages = max_pages.or(self.max_pages);
        self.max_page_bytes = max_page_bytes.or(self.max_page_bytes);
        self.prefetch = prefetch.or(self.prefetch);
        self.dedupe_by = dedupe_by.clone().or(self.dedupe_by.take());
        self.remember = remember.or(self.remember);
        self.remember_in_checkpoint = remember_in_checkpoint.or(self.remember_in_checkpoint);
        self.on_stale = on_stale.or(self.on_stale);
        self.job.override_with(job);
    }

    /// The options for one window of a range, without those that apply to the whole range.
    pub(crate) fn for_window(&self) -> Self {
        Self { limit: None, max_pages: None, dedupe_by: None, ..self.clone() }
    }
}

/// What to do if the API no longer knows the page token or job of a checkpoint; see
/// [`Paginator::on_stale`](crate::Paginator::on_stale).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnStale {
    /// Fail with [`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint).
    #[default]
    Fail,
    /// Read the list again from its start, and skip as many items as had been yielded.
    ///
    /// This is only correct if the order has not changed. The last items yielded are compared: if they are not at the
    /// same position, the verdict is [`Drifted`](crate::Verdict::Drifted), and items may be missing or duplicated.
    Restart,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::schedule::Schedule;

    #[test]
    fn options_that_are_set_override() {
        let all = ReadOptions::new()
            .page_size(1)
            .limit(2)
            .max_pages(3)
            .max_page_bytes(4)
            .prefetch(5)
            .dedupe_by("id")
            .remember(6)
            .remember_in_checkpoint(7)
            .on_stale(OnStale::Restart)
            .job_deadline(Duration::from_secs(8))
            .job_schedule(Schedule::new())
            .wait_for_data(Duration::from_secs(9))
            .results_with(|request| {
                request.add_query("expand", "user");
            });
        // All options are set, so that none is forgotten here.
        let text = format!("{all:?}");
        assert!(!text.contains("None"), "{text}");
        let mut other = ReadOptions::new();
        other.override_with(&all);
        assert_eq!(format!("{other:?}"), text);
        other.override_with(&ReadOptions::new());
        assert_eq!(format!("{other:?}"), text, "unset options override nothing");
        assert!(other.job.results.is_some());
        other.override_with(&ReadOptions::new().limit(20));
        assert_eq!((other.limit, other.page_size), (Some(20), Some(1)));
    }
}
