//! The setters of the options, defined once for all types that have them.

/// Defines the setters of [`ReadOptions`](crate::ReadOptions) for a type with a method `options_mut`.
macro_rules! read_option_setters {
    () => {
        /// Sets the requested number of items per page. A size outside the known limits of the operation is an error
        /// before anything is sent. The API may return smaller pages without notice; see
        /// [`Report::page_size_granted`](crate::Report::page_size_granted).
        ///
        /// Default: the size set on the request, or else the known maximum of the operation, or else 100 (25 for
        /// SCIM); for a list that is read from its start, at most its [`limit`](Self::limit).
        pub fn page_size(mut self, items: usize) -> Self {
            self.options_mut().page_size = Some(items as u64);
            self
        }

        /// Stops after this many items; for a time range, over all windows. The verdict is then
        /// [`Truncated`](crate::Verdict::Truncated), unless the list ends with that item.
        pub fn limit(mut self, items: usize) -> Self {
            self.options_mut().limit = Some(items as u64);
            self
        }

        /// Stops after this many pages; for a time range, over all windows.
        pub fn max_pages(mut self, pages: usize) -> Self {
            self.options_mut().max_pages = Some(pages as u64);
            self
        }

        /// Limits the size of a page in bytes, to bound memory: the items of a larger page are read in smaller pages.
        /// Default: the client's [`max_body`](crate::ClientBuilder::max_body).
        ///
        /// A larger page is abandoned while it is being received. The list continues from the same position with
        /// about a fifth of the page size, down to the known minimum of the operation, and keeps that size; see
        /// [`Report::page_size_requested`](crate::Report::page_size_requested).
        ///
        /// The limit does not apply, and pages can be as large as `max_body`, if the page size can't change within
        /// the list: if it can't be set or is part of a link, if responses with page numbers do not contain the page
        /// size, if the number of pages is limited (by the API or by [`max_pages`](Self::max_pages)), or if each page
        /// is a job.
        pub fn max_page_bytes(mut self, bytes: usize) -> Self {
            self.options_mut().max_page_bytes = Some(bytes);
            self
        }

        /// Fetches up to this many pages ahead, as Tokio tasks, while items are processed. Dropping the list cancels
        /// them. For a time range, this applies to each window that is being read.
        ///
        /// The order of items and errors does not change. Pages with numbers are fetched in parallel if a response has
        /// contained their count; otherwise each page is needed to request the next, and only one is fetched ahead.
        /// Nothing is fetched beyond the last page, the [`limit`](Self::limit) or [`max_pages`](Self::max_pages), nor
        /// more than 256 pages ahead, nor more than 16 MiB as estimated from the last page.
        pub fn prefetch(mut self, pages: usize) -> Self {
            self.options_mut().prefetch = Some(pages);
            self
        }

        /// Drops items whose id was seen before, and counts them as duplicates. `path` is the path of the id in an
        /// item: names joined by dots, such as `id`. An item without an id is always yielded.
        ///
        /// Duplicates appear in lists with page numbers, when new records push others to the next page. In a time
        /// range, a record appears in each window that it touches. Do not set this if each window has a different
        /// part of a record, such as what a user did in it: parts would be lost.
        ///
        /// Default: none for a list; for a time range, the id that is known of the operation, if any.
        pub fn dedupe_by(mut self, path: impl Into<String>) -> Self {
            self.options_mut().dedupe_by = Some(path.into());
            self
        }

        /// Sets how many ids to remember for [`dedupe_by`](Self::dedupe_by): at least this many of the last items
        /// yielded, and at most twice as many. Each takes about 40 bytes. Default: 500,000.
        pub fn remember(mut self, ids: usize) -> Self {
            self.options_mut().remember = Some(ids);
            self
        }

        /// Sets how many of the remembered ids a checkpoint keeps, to recognize duplicates after a resume. They are
        /// the ids of the last items yielded, as hashes of 64 bits: 16 bytes of text each. Default: 10,000.
        pub fn remember_in_checkpoint(mut self, ids: usize) -> Self {
            self.options_mut().remember_in_checkpoint = Some(ids);
            self
        }

        /// Sets what to do if the API no longer knows the page token or the job of a checkpoint. Default: fail.
        pub fn on_stale(mut self, then: $crate::OnStale) -> Self {
            self.options_mut().on_stale = Some(then);
            self
        }

        /// Sets how long to wait for the job of a list before its first page. Default: one hour. See
        /// [`Job::deadline`](crate::Job::deadline). After the deadline error
        /// ([`ErrorKind::JobUnfinished`](crate::ErrorKind::JobUnfinished)), the next poll continues to wait. Lists
        /// without a job ignore it.
        pub fn job_deadline(mut self, deadline: ::std::time::Duration) -> Self {
            self.options_mut().job.deadline = Some(deadline);
            self
        }

        /// Sets how often the job of a list is polled. Lists without a job ignore it.
        pub fn job_schedule(mut self, schedule: $crate::Schedule) -> Self {
            self.options_mut().job.schedule = Some(schedule);
            self
        }

        /// Waits until the data of the whole interval is available before submitting a job, at most for `deadline`. For
        /// jobs over data that becomes available with a delay. For a time range, the deadline applies to all windows
        /// together, and starts when the first of them has to wait.
        ///
        /// The operation that reports how far the data is available is polled with growing pauses. If the data is not
        /// available in time, the list fails ([`ErrorKind::DataUnavailable`](crate::ErrorKind::DataUnavailable)), and
        /// the next poll checks once more. If the API has no such operation, the list fails without submitting the
        /// job ([`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest)). Lists without a job ignore this
        /// option.
        pub fn wait_for_data(mut self, deadline: ::std::time::Duration) -> Self {
            self.options_mut().job.data = Some($crate::options::DataWait::new(deadline));
            self
        }

        /// Changes the request that lists the results of a job, for parameters such as `expand`. Has no effect if no
        /// operation lists the results. A checkpoint can only be resumed with the same parameters.
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
