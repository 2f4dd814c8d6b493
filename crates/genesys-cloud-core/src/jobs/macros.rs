//! The macros with which generated code describes jobs.

/// Defines a constant [`JobSpec`](crate::JobSpec), which several operations can share.
///
/// ```text
/// job_family! {
///     pub(crate) THINGS = "things";
///     id: field "job.id",
///     status: "getThingsJob" Get "/api/v2/things/jobs/{jobId}" (id "jobId"),
///     done: state "job.status" {
///         succeeded: ["Complete"],
///         failed: ["Error", "Failed"],
///     },
///     results: list "getThingsJobResults" Get "/api/v2/things/jobs/{jobId}/results" (id "jobId")
///         CursorField { items: ["things"], page_size: "pageSize" as integer },
///     cancel: "deleteThingsJob" Delete "/api/v2/things/jobs/{jobId}" (id "jobId"),
///     redirects: "downloadUrl",
///     availability: "getThingsJobsAvailability" Get "/api/v2/things/jobs/availability" "dataUntil"
///         for body "interval",
///     at_once: true,
///     lifetime: 24 hours,
///     topic: "v2.users.{id}.things",
///     note: "at most two run at once",
/// }
/// ```
///
/// - `id` is `field` (in the response to the submit), `path` (a path parameter of the submit), `header` (the end of a
///   URL in a header of the response) or `nowhere`.
/// - `status` and `cancel` name the path parameter for the id, or nothing (`()`). A status operation that lists jobs
///   has `list "entities"` after the `id`.
/// - `done` is `state` with the names that do not mean pending (`held`, `succeeded`, `partly_succeeded`, `failed`,
///   `cancelled`, `expired`), `field "path"`, `since "path"` or `not_202`.
/// - `results` is `list` with an operation and a list spec as in `paged!`, `status` with a list spec only,
///   `reply [items "path", json "urls" "items", bytes "urls"]` in order of preference, or `nothing`.
/// - `availability` is the operation that reports how far data is available, with the path of the date in its response,
///   and where the submit has the interval.
///
/// Paths are names joined by dots; `[]` is the whole response. `id`, `done` and `results` are required. The order is
/// fixed.
#[doc(hidden)]
#[macro_export]
macro_rules! job_family {
    (
        $(#[$meta:meta])*
        $vis:vis $spec:ident = $name:literal;
        id: $id_at:ident $($id_path:literal)?,
        $(status: $status_id:literal $status_verb:ident $status_path:literal
            ($($status_key:ident $status_value:literal)*),)?
        done: $done:ident $($done_path:literal)? $({ $($state:ident: [$($state_name:literal),* $(,)?]),* $(,)? })?,
        results: $results:ident
            $($results_id:literal $results_verb:ident $results_path:literal
                ($($results_key:ident $results_value:literal)*))?
            $($scheme:ident { $($listing:tt)* })?
            $([$($form:ident $form_path:literal $($form_items:literal)?),* $(,)?])?
        $(, cancel: $cancel_id:literal $cancel_verb:ident $cancel_path:literal
            ($($cancel_key:ident $cancel_value:literal)*))?
        $(, redirects: $redirects:literal)?
        $(, availability: $availability_id:literal $availability_verb:ident $availability_path:literal
            $availability_field:literal for $availability_place:ident $availability_interval:literal)?
        $(, at_once: $at_once:literal)?
        $(, lifetime: $hours:literal hours)?
        $(, topic: $topic:literal)?
        $(, note: $note:literal)?
        $(,)?
    ) => {
        $(#[$meta])*
        $vis const $spec: $crate::JobSpec = {
            const STATES: &[(::std::borrow::Cow<'static, str>, $crate::JobState)] = &[
                $($($((
                    ::std::borrow::Cow::Borrowed($state_name),
                    $crate::job_family!(@state $state),
                ),)*)*)?
            ];
            $crate::JobSpec::from_static($name)
                .with_id($crate::job_family!(@id $id_at $($id_path)?))
                $(.with_status($crate::job_family!(@call
                    $status_id $status_verb $status_path $($status_key $status_value)*
                )))?
                .with_done_when($crate::job_family!(@done $done $($done_path)?))
                .with_states(::std::borrow::Cow::Borrowed(STATES))
                .with_results($crate::job_family!(@results $results
                    $({ $results_id $results_verb $results_path $($results_key $results_value)* })?
                    $($scheme { $($listing)* })?
                    $([$($form $form_path $($form_items)?,)*])?
                ))
                $(.with_cancel($crate::job_family!(@call
                    $cancel_id $cancel_verb $cancel_path $($cancel_key $cancel_value)*
                )))?
                $(.with_redirects(::std::borrow::Cow::Borrowed($redirects)))?
                $(.with_availability($crate::Availability::new(
                    $crate::Operation::from_static(
                        $availability_id,
                        $crate::Method::$availability_verb,
                        $availability_path,
                    ),
                    ::std::borrow::Cow::Borrowed($availability_field),
                    $crate::ParamLocation::$availability_place($availability_interval),
                )))?
                $(.with_results_at_once($at_once))?
                $(.with_lifetime(::core::time::Duration::from_secs(3600 * $hours)))?
                $(.with_topic(::std::borrow::Cow::Borrowed($topic)))?
                $(.with_note(::std::borrow::Cow::Borrowed($note)))?
        };
    };

    (@id field $path:literal) => { $crate::JobId::Field(::std::borrow::Cow::Borrowed($path)) };
    (@id path $name:literal) => { $crate::JobId::Path(::std::borrow::Cow::Borrowed($name)) };
    (@id header $name:literal) => { $crate::JobId::Header(::std::borrow::Cow::Borrowed($name)) };
    (@id nowhere) => { $crate::JobId::Nowhere };

    (@done state $path:literal) => { $crate::Completion::State(::std::borrow::Cow::Borrowed($path)) };
    (@done field $path:literal) => { $crate::Completion::Field(::std::borrow::Cow::Borrowed($path)) };
    (@done since $path:literal) => { $crate::Completion::Since(::std::borrow::Cow::Borrowed($path)) };
    (@done not_202) => { $crate::Completion::Not202 };

    (@state held) => { $crate::JobState::AwaitingInput };
    (@state succeeded) => { $crate::JobState::Succeeded };
    (@state partly_succeeded) => { $crate::JobState::PartlySucceeded };
    (@state failed) => { $crate::JobState::Failed };
    (@state cancelled) => { $crate::JobState::Cancelled };
    (@state expired) => { $crate::JobState::Expired };

    (@call $id:literal $verb:ident $path:literal $($rest:tt)*) => {
        $crate::job_family!(@with
            $crate::JobOperation::new($crate::Operation::from_static($id, $crate::Method::$verb, $path));
            $($rest)*
        )
    };
    (@with $call:expr;) => { $call };
    (@with $call:expr; id $name:literal $($rest:tt)*) => {
        $crate::job_family!(@with $call.with_id(::std::borrow::Cow::Borrowed($name)); $($rest)*)
    };
    (@with $call:expr; list $path:literal $($rest:tt)*) => {
        $crate::job_family!(@with $call.with_list(::std::borrow::Cow::Borrowed($path)); $($rest)*)
    };

    (@results list { $($call:tt)* } $scheme:ident { $($listing:tt)* }) => {
        $crate::Results::List(
            $crate::job_family!(@call $($call)*),
            $crate::paged!(@spec $scheme { $($listing)* }),
        )
    };
    (@results status $scheme:ident { $($listing:tt)* }) => {
        $crate::Results::Status($crate::paged!(@spec $scheme { $($listing)* }))
    };
    (@results reply [$($form:ident $path:literal $($items:literal)?,)*]) => {{
        const PLACES: &[$crate::ResultLocation] = &[
            $($crate::job_family!(@place $form $path $($items)?),)*
        ];
        $crate::Results::Response(::std::borrow::Cow::Borrowed(PLACES))
    }};
    (@results nothing) => { $crate::Results::Nothing };

    (@place items $path:literal) => {
        $crate::ResultLocation::Items(::std::borrow::Cow::Borrowed($path))
    };
    (@place json $path:literal $items:literal) => {
        $crate::ResultLocation::Files(
            ::std::borrow::Cow::Borrowed($path),
            $crate::FileForm::Json(::std::borrow::Cow::Borrowed($items)),
        )
    };
    (@place bytes $path:literal) => {
        $crate::ResultLocation::Files(::std::borrow::Cow::Borrowed($path), $crate::FileForm::Bytes)
    };
}

/// Adds `submit`, `paginate` and `load` to the call of an operation that submits jobs.
///
/// ```text
/// job! { PostThingsJobs -> types::Thing; "postThingsJobs" Post "/api/v2/things/jobs" THINGS }
/// ```
///
/// The operation is that of the call, and `THINGS` a constant defined by `job_family!`. The item type is `bytes` if the
/// results are files that are returned as bytes. If the location of an interval follows, as in `paged!`, the call also
/// gets the method `windows`:
///
/// ```text
/// job! {
///     PostThingsJobs -> types::Thing; "postThingsJobs" Post "/api/v2/things/jobs" THINGS,
///     interval: body "interval", span: 31 days, id: "thingId"
/// }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! job {
    (
        $call:ident -> bytes; $id:literal $verb:ident $path:literal $spec:path
        $(, $($interval:tt)*)?
    ) => {
        $crate::job!(@ $call $crate::generated::Bytes;
            submit_for_bytes bytes load_for_bytes; $id $verb $path $spec);
        $($crate::job!(@windows job_windows_for_bytes
            $call $crate::generated::Bytes; $spec, $($interval)*);)?
    };
    (
        $call:ident -> $item:ty; $id:literal $verb:ident $path:literal $spec:path
        $(, $($interval:tt)*)?
    ) => {
        $crate::job!(@ $call $item; submit results load; $id $verb $path $spec);
        $($crate::job!(@windows job_windows $call $item; $spec, $($interval)*);)?
    };
    (
        @windows $windows:ident $call:ident $item:ty; $spec:path,
        interval: $place:ident $interval:literal
        $(, span: $days:literal days)? $(, id: $key:literal)? $(,)?
    ) => {
        impl $call {
            /// Reads a time range of any length in windows that the API accepts, with a job for each window. The range
            /// replaces the interval of the call. Nothing is sent before the first poll.
            #[inline]
            pub fn windows(
                self,
                range: impl ::core::convert::Into<$crate::Interval>,
            ) -> $crate::Windows<$item> {
                $crate::generated::$windows(
                    self.0,
                    $spec,
                    $crate::ParamLocation::$place($interval),
                    $crate::generated::IntervalFacts {
                        days: $crate::paged!(@some $($days)?),
                        id: $crate::paged!(@some $($key)?),
                    },
                    range.into(),
                )
            }
        }
    };
    (
        @ $call:ident $item:ty; $submit:ident $results:ident $load:ident;
        $id:literal $verb:ident $path:literal $spec:path
    ) => {
        impl $call {
            /// Submits the job and returns its handle, to wait for, save or cancel it. Nothing is sent before the
            /// future is awaited.
            #[inline]
            pub fn submit(self) -> $crate::Submitting<$item> {
                $crate::generated::$submit(self.0, $spec)
            }

            /// Returns the results of the job as a stream of items. The stream submits the job, waits until it is done,
            /// and reads its results. Nothing is sent before the first poll.
            #[inline]
            pub fn paginate(self) -> $crate::Paginator<$item> {
                $crate::generated::$results(self.0, $spec)
            }

            /// Loads a job that was submitted by this operation and saved. Sends nothing.
            ///
            /// # Errors
            /// [`ErrorKind::JobMismatch`](genesys_cloud_core::ErrorKind::JobMismatch) if it was submitted by another
            /// operation, or in another organization than the client's.
            #[inline]
            pub fn load(
                client: &impl ::core::convert::AsRef<$crate::Client>,
                saved: $crate::SavedJob,
            ) -> ::core::result::Result<$crate::Job<$item>, $crate::Error> {
                const OPERATION: $crate::Operation =
                    $crate::Operation::from_static($id, $crate::Method::$verb, $path);
                $crate::generated::$load(client.as_ref(), OPERATION, $spec, saved)
            }
        }

        impl $crate::Paged for $call {
            type Item = $item;

            #[inline]
            fn paginate(self) -> $crate::Paginator<$item> {
                self.paginate()
            }
        }
    };
}
