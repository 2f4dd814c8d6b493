//! The macros through which generated code states how the jobs of an operation run.

/// Makes a constant [`JobSpec`](crate::JobSpec), which the jobs of several operations may share.
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
/// `id` is `field` (of the submit's reply), `path` (a path parameter of the submit), `header` (a URL in the
/// reply's head that ends in it) or `nowhere`; `status`
/// may have a `list "entities"` after the `id`, where it lists jobs; both may be left out (`()`). `done` is
/// `state` with the names that are not pending (`held`, `succeeded`, `partly_succeeded`, `failed`,
/// `cancelled`, `expired`), `field "path"`, `since "path"` or `not_202`. `results` is `list` with an
/// operation and a listing as in `paged!`, `status` with a listing alone,
/// `reply [items "path", json "urls" "items", bytes "urls"]` in the order of preference, or `nothing`.
/// `availability` is the operation that reports how far the data is available, with the path of the date in its
/// reply, and where the submit has the interval that it searches. Paths
/// are names joined by dots, and `[]` is the reply itself. After `id`, all is optional but `done` and
/// `results`; the order is this one.
#[doc(hidden)]
#[macro_export]
macro_rules! job_family {
    (
        $(#[$meta:meta])*
        $vis:vis $family:ident = $name:literal;
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
        $vis const $family: $crate::JobSpec = {
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

/// Gives the call of an operation that submits jobs its `submit`, `paginate` and `load`.
///
/// ```text
/// job! { PostThingsJobs -> types::Thing; "postThingsJobs" Post "/api/v2/things/jobs" THINGS }
/// ```
///
/// The operation is that of the call, and `THINGS` a constant made by `job_family!`. The type of the items
/// is `bytes` where the results are files that are returned as bytes. Where the submit takes an interval
/// may follow, for a method `windows` too, as in `paged!`:
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
        $call:ident -> bytes; $id:literal $verb:ident $path:literal $family:path
        $(, $($interval:tt)*)?
    ) => {
        $crate::job!(@ $call $crate::generated::Bytes;
            submit_for_bytes bytes load_for_bytes; $id $verb $path $family);
        $($crate::job!(@windows job_windows_for_bytes
            $call $crate::generated::Bytes; $family, $($interval)*);)?
    };
    (
        $call:ident -> $item:ty; $id:literal $verb:ident $path:literal $family:path
        $(, $($interval:tt)*)?
    ) => {
        $crate::job!(@ $call $item; submit results load; $id $verb $path $family);
        $($crate::job!(@windows job_windows $call $item; $family, $($interval)*);)?
    };
    (
        @windows $windows:ident $call:ident $item:ty; $family:path,
        interval: $place:ident $interval:literal
        $(, span: $days:literal days)? $(, id: $key:literal)? $(,)?
    ) => {
        impl $call {
            /// Submits a job for each piece of a range of time, however long, that the API allows, and reads
            /// the results of one after the other. The range takes the place of an interval that the call
            /// has. Nothing is sent before the first item is asked for.
            #[inline]
            pub fn windows(
                self,
                range: impl ::core::convert::Into<$crate::Interval>,
            ) -> $crate::Windows<$item> {
                $crate::generated::$windows(
                    self.0,
                    $family,
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
        $id:literal $verb:ident $path:literal $family:path
    ) => {
        impl $call {
            /// Submits the job, to be waited for, saved or cancelled. Nothing is sent before this is
            /// awaited.
            #[inline]
            pub fn submit(self) -> $crate::Submitting<$item> {
                $crate::generated::$submit(self.0, $family)
            }

            /// Submits the job, waits until it is done, and reads its results as a stream of items. Nothing
            /// is sent before the first item is asked for.
            #[inline]
            pub fn paginate(self) -> $crate::Paginator<$item> {
                $crate::generated::$results(self.0, $family)
            }

            /// A job that was submitted by this operation and saved. Nothing is sent.
            ///
            /// # Errors
            /// When what was saved is of another operation, or of another organization than that of the client
            /// ([`ErrorKind::JobMismatch`]($crate::ErrorKind::JobMismatch)).
            #[inline]
            pub fn load(
                client: &impl ::core::convert::AsRef<$crate::Client>,
                saved: $crate::SavedJob,
            ) -> ::core::result::Result<$crate::Job<$item>, $crate::Error> {
                const OPERATION: $crate::Operation =
                    $crate::Operation::from_static($id, $crate::Method::$verb, $path);
                $crate::generated::$load(client.as_ref(), OPERATION, $family, saved)
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
