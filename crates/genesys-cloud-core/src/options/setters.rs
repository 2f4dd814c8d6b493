//! The setters of the options, written once for all types that have them.

/// The setters of [`ReadOptions`](crate::ReadOptions), for a type with a method `options_mut`.
macro_rules! read_option_setters {
    () => {
        /// Asks for pages of this many items. A size that the operation is known not to allow is an error before
        /// anything is sent. The API may silently grant less: [`Report::page_size_granted`](crate::Report::page_size_granted)
        /// shows it.
        ///
        /// Default: what is set on the request, or else the most that the operation is known to allow, or else 100 (25
        /// for SCIM). If the list is read from its beginning, never more than its [`limit`](Self::limit).
        pub fn page_size(mut self, items: usize) -> Self {
            self.options_mut().page_size = Some(items as u64);
            self
        }

        /// Ends after this many items. Of a range of time, that is over all of its windows. The verdict then is
        /// [`Truncated`](crate::Verdict::Truncated), unless the list ended with that item.
        pub fn limit(mut self, items: usize) -> Self {
            self.options_mut().limit = Some(items as u64);
            self
        }

        /// Ends after this many pages. Of a range of time, that is over all of its windows.
        pub fn max_pages(mut self, pages: usize) -> Self {
            self.options_mut().max_pages = Some(pages as u64);
            self
        }

        /// Limits the size of a page in bytes: the items of a larger page are read in smaller ones, to bound memory.
        /// Default: a page may be as large as the client's [`max_body`](crate::ClientBuilder::max_body).
        ///
        /// A larger page is dropped before it has been read to its end, and the list continues from the same place with
        /// about a fifth of the page size, down to the least that the operation takes. The rest of the list keeps that
        /// size: see [`Report::page_size_asked`](crate::Report::page_size_asked). The page is read whole, up to
        /// `max_body`, where the list can't continue in another size: where the size can't be set or is part of a link,
        /// where the replies of numbered pages do not say their size, where the number of pages is limited (by the API
        /// or by [`max_pages`](Self::max_pages)), and where each page is a job.
        pub fn max_page_bytes(mut self, bytes: usize) -> Self {
            self.options_mut().max_page_bytes = Some(bytes);
            self
        }

        /// Fetches up to this many pages before they are due, and holds them until they are. They are read as tasks of
        /// the Tokio runtime, so that they arrive while items are processed; dropping the list cancels them. Of a range
        /// of time, each window that is being read has this many.
        ///
        /// Items and errors come in the same order as without. Where pages have numbers and a reply has said how many
        /// there are, that many are fetched at once; otherwise, since each page leads to the next, only one is. None is
        /// fetched beyond the last page, the [`limit`](Self::limit) or [`max_pages`](Self::max_pages), and never more
        /// than 256 ahead, or than 16 MiB by the size of the page read last.
        pub fn prefetch(mut self, pages: usize) -> Self {
            self.options_mut().prefetch = Some(pages);
            self
        }

        /// Drops items whose id has come before, and counts them as duplicates. `path` is the path of the id in an item:
        /// names joined by dots, such as `id`. An item without an id is always delivered.
        ///
        /// Records that are added to a list while it is read by page number push others to the next page, where
        /// they come again. In a range of time, a record comes in each window that it touches. Name no id if each window
        /// has its own part of a record, such as what a user did in it: parts would be lost. Default of a range: the id
        /// that the operation is known to have, which usually is none.
        pub fn dedupe_by(mut self, path: impl Into<String>) -> Self {
            self.options_mut().dedupe_by = Some(path.into());
            self
        }

        /// Remembers at least this many ids for [`dedupe_by`](Self::dedupe_by), those of the items that were delivered
        /// last, and twice as many at most. Each takes about 40 bytes. Default: 500,000.
        pub fn remember(mut self, ids: usize) -> Self {
            self.options_mut().remember = Some(ids);
            self
        }

        /// Keeps this many of the remembered ids in a checkpoint, those of the items that were delivered last, as hashes
        /// of 64 bits: 16 bytes of text each. After a resume, an item that comes again is dropped if its id is among
        /// them. Default: 10,000.
        pub fn remember_in_checkpoint(mut self, ids: usize) -> Self {
            self.options_mut().remember_in_checkpoint = Some(ids);
            self
        }

        /// What happens if the API no longer knows the place, or the job, that a checkpoint refers to. Default: an
        /// error.
        pub fn on_stale(mut self, then: $crate::OnStale) -> Self {
            self.options_mut().on_stale = Some(then);
            self
        }

        /// How long the job of a list is waited for before its first page. Default: one hour. See
        /// [`Job::deadline`](crate::Job::deadline). After the error that it was not done by then
        /// ([`ErrorKind::JobUnfinished`](crate::ErrorKind::JobUnfinished)), the next poll continues to wait. Lists without
        /// a job ignore it.
        pub fn job_deadline(mut self, deadline: ::std::time::Duration) -> Self {
            self.options_mut().job.deadline = Some(deadline);
            self
        }

        /// How often the job of a list is polled. Lists without a job ignore it.
        pub fn job_schedule(mut self, schedule: $crate::Schedule) -> Self {
            self.options_mut().job.schedule = Some(schedule);
            self
        }

        /// For the results of a job over data that becomes available with a delay: waits until the data of the whole
        /// interval is available, at most this long, before the job is submitted. Of a range of time, the limit is for
        /// all windows together, and starts when the first of them has to wait.
        ///
        /// The operation that reports how far the data is available is polled with growing pauses. If the data is not
        /// available in time, the list fails ([`ErrorKind::DataUnavailable`](crate::ErrorKind::DataUnavailable)); the
        /// next poll checks once more. If the API has no such operation, the job is rejected
        /// ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest)). Lists without a job ignore it.
        pub fn wait_for_data(mut self, deadline: ::std::time::Duration) -> Self {
            self.options_mut().job.data = Some($crate::options::DataWait::new(deadline));
            self
        }

        /// Changes the request that lists the results of a job, for parameters such as `expand`. If no operation lists
        /// them, nothing is changed. A checkpoint is of the same parameters only.
        ///
        /// ```no_run
        /// # fn example(results: genesys_cloud_core::Paginator<serde_json::Value>) {
        /// let expanded = results.results_with(|request| {
        ///     request.add_query("expand", "user");
        /// });
        /// # }
        /// ```
        pub fn results_with(
            mut self,
            change: impl Fn(&mut $crate::Request) + Send + Sync + 'static,
        ) -> Self {
            self.options_mut().job.results = Some(::std::sync::Arc::new(change));
            self
        }
    };
}

pub(crate) use read_option_setters;
