//! Describes how a family of jobs runs.

use std::borrow::Cow;
use std::time::Duration;

use crate::operation::Operation;
use crate::paging::{ListSpec, ParamLocation, Scheme};

type Text = Cow<'static, str>;

/// Describes how a family of jobs runs: how to submit, poll and cancel them, and where their results are. Generated
/// code contains these, and tools can build them from a catalogue.
///
/// Paths are field names joined by dots (`job.status`). A path through a list applies to each element. `[]` is the
/// whole response.
///
/// ```
/// use genesys_cloud_core::{
///     Completion, JobSpec, JobOperation, JobId, JobState, ListSpec, Method, Operation, Results, Scheme,
/// };
///
/// let status = Operation::from_static("getJob", Method::Get, "/api/v2/things/jobs/{jobId}");
/// let results = Operation::from_static("getResults", Method::Get, "/api/v2/things/jobs/{jobId}/results");
/// let spec = JobSpec::new("things")
///     .with_id(JobId::Field("jobId".into()))
///     .with_status(JobOperation::new(status).with_id("jobId".into()))
///     .with_done_when(Completion::State("state".into()))
///     .with_states(vec![
///         ("FULFILLED".into(), JobState::Succeeded),
///         ("FAILED".into(), JobState::Failed),
///     ].into())
///     .with_results(Results::List(
///         JobOperation::new(results).with_id("jobId".into()),
///         ListSpec::new(Scheme::CursorField, "things"),
///     ));
/// assert_eq!(spec.state("fulfilled"), JobState::Succeeded);
/// assert_eq!(spec.state("A_NEW_STATE"), JobState::Pending);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    name: Text,
    id: JobId,
    status: Option<JobOperation>,
    done_when: Completion,
    states: Cow<'static, [(Text, JobState)]>,
    results: Results,
    cancel: Option<JobOperation>,
    at_once: bool,
    redirects: Option<Text>,
    lifetime: Option<Duration>,
    topic: Option<Text>,
    note: Option<Text>,
    availability: Option<Availability>,
}

/// Replaces a value in a `const fn`, where nothing can be dropped.
const fn put<T>(slot: &mut T, value: T) {
    std::mem::forget(std::mem::replace(slot, value));
}

macro_rules! setters {
    ($($(#[$meta:meta])* $setter:ident($field:ident: $value:ty) $(as $wrap:ident)?;)*) => {
        $(
            $(#[$meta])*
            #[must_use]
            pub const fn $setter(mut self, $field: $value) -> Self {
                put(&mut self.$field, setters!(@ $($wrap)? $field));
                self
            }
        )*
    };
    (@ $field:ident) => { $field };
    (@ $wrap:ident $field:ident) => { $wrap($field) };
}

impl JobSpec {
    /// Creates the spec of a family with this name. Without further settings its jobs can't be polled and have no
    /// results.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::from_static("") }
    }

    /// Like [`new`](Self::new), for constants in generated code.
    pub const fn from_static(name: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            id: JobId::Nowhere,
            status: None,
            done_when: Completion::State(Cow::Borrowed("status")),
            states: Cow::Borrowed(&[]),
            results: Results::Nothing,
            cancel: None,
            at_once: false,
            redirects: None,
            lifetime: None,
            topic: None,
            note: None,
            availability: None,
        }
    }

    setters! {
        /// Sets where the id of a job is.
        with_id(id: JobId);
        /// Sets the status operation.
        with_status(status: JobOperation) as Some;
        /// Sets how the status shows that a job is done.
        with_done_when(done_when: Completion);
        /// Sets the meanings of the API's state names. All others mean [`Pending`](JobState::Pending).
        with_states(states: Cow<'static, [(Cow<'static, str>, JobState)]>);
        /// Sets where the results are.
        with_results(results: Results);
        /// Sets the operation that cancels a job.
        with_cancel(cancel: JobOperation) as Some;
        /// Sets whether the response to the submit is a status that can already contain the results.
        with_results_at_once(at_once: bool);
        /// Sets the field with the URL of a file, if the operation that lists the results can respond with a redirect
        /// instead of items. The items are in that file.
        with_redirects(redirects: Cow<'static, str>) as Some;
        /// Sets how long a job and its results are kept after the submit. An `expirationDate` in the status takes
        /// precedence.
        with_lifetime(lifetime: Duration) as Some;
        /// Sets the notification topic that announces the end of a job.
        with_topic(topic: Cow<'static, str>) as Some;
        /// Sets a note on peculiarities: phases, the input that a job waits for, limits.
        with_note(note: Cow<'static, str>) as Some;
        /// Sets the operation that reports up to which time the searched data is available.
        with_availability(availability: Availability) as Some;
    }

    /// Returns the name of the family in catalogues and saved jobs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the id of a job is.
    pub const fn id(&self) -> &JobId {
        &self.id
    }

    /// Returns the status operation.
    pub const fn status(&self) -> Option<&JobOperation> {
        self.status.as_ref()
    }

    /// Returns how the status shows that a job is done.
    pub const fn done_when(&self) -> &Completion {
        &self.done_when
    }

    /// Returns the state names that do not mean [`Pending`](JobState::Pending), with their meanings.
    pub fn states(&self) -> &[(Cow<'static, str>, JobState)] {
        &self.states
    }

    /// Returns where the results are.
    pub const fn results(&self) -> &Results {
        &self.results
    }

    /// Returns the operation that cancels a job.
    pub const fn cancel(&self) -> Option<&JobOperation> {
        self.cancel.as_ref()
    }

    /// Returns whether the response to the submit can already contain the results.
    pub const fn results_at_once(&self) -> bool {
        self.at_once
    }

    /// Returns the field with the URL of a file in a redirect that replaces a page of results.
    pub fn redirects(&self) -> Option<&str> {
        self.redirects.as_deref()
    }

    /// Returns how long a job and its results are kept after the submit, if the status does not say.
    pub const fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// Returns the notification topic that announces the end of a job.
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }

    /// Returns the note on peculiarities.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Returns the operation that reports up to which time the searched data is available.
    pub const fn availability(&self) -> Option<&Availability> {
        self.availability.as_ref()
    }

    /// Returns whether the submit selects a page of the list, so that each page needs a separate job.
    pub fn is_job_per_page(&self) -> bool {
        matches!(&self.results, Results::List(_, list_spec) if list_spec.scheme() == Scheme::JobSelectsPage)
    }

    /// Returns whether the status of a job can be requested.
    pub const fn is_pollable(&self) -> bool {
        self.status.is_some() || matches!(self.done_when, Completion::Not202)
    }

    /// Returns the meaning of a state name, ignoring case. An unknown name means [`Pending`](JobState::Pending).
    pub fn state(&self, name: &str) -> JobState {
        let known = self.states.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        known.map_or(JobState::Pending, |(_, state)| *state)
    }
}

/// The operation that reports up to which time the data that a job searches is available.
///
/// ```
/// use genesys_cloud_core::{Availability, JobSpec, Method, Operation, ParamLocation};
///
/// let path = "/api/v2/things/jobs/availability";
/// let operation = Operation::new("getThingsJobsAvailability", Method::Get, path);
/// let spec = JobSpec::new("things").with_availability(Availability::new(
///     operation,
///     "dataAvailabilityDate".into(),
///     ParamLocation::body("interval"),
/// ));
/// assert_eq!(spec.availability().map(Availability::field), Some("dataAvailabilityDate"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    operation: Operation,
    field: Text,
    interval: ParamLocation,
}

impl Availability {
    /// Creates it from an operation without parameters, the path of the date-time in its response, and where a submit
    /// has the interval to search.
    pub const fn new(
        operation: Operation,
        field: Cow<'static, str>,
        interval: ParamLocation,
    ) -> Self {
        Self { operation, field, interval }
    }

    /// Returns the operation.
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Returns the path of the date-time in its response.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns where a submit has the interval to search.
    pub const fn interval(&self) -> &ParamLocation {
        &self.interval
    }
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// Not done. Unknown state names mean this too.
    Pending,
    /// Waiting for the caller, for example to upload a file.
    AwaitingInput,
    /// Done.
    Succeeded,
    /// Done, but some of the work failed.
    PartlySucceeded,
    /// Ended without a result.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Deleted, or its results were.
    Expired,
}

impl JobState {
    /// Returns whether the job has ended: the state will not change again.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::AwaitingInput)
    }

    /// Returns whether a job in this state has results.
    pub const fn has_results(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlySucceeded)
    }
}

/// Where the id of a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobId {
    /// In the response to the submit, at this path.
    Field(Cow<'static, str>),
    /// In the path of the submit, as this parameter.
    Path(Cow<'static, str>),
    /// In this header of the response to the submit: the last segment of the URL.
    Header(Cow<'static, str>),
    /// It has no id: the path of the submit identifies the job.
    Nowhere,
}

/// How the status shows that a job is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completion {
    /// By the state name at this path.
    State(Cow<'static, str>),
    /// By the presence of the field at this path.
    Field(Cow<'static, str>),
    /// By a date-time at this path that is not before the submit.
    Since(Cow<'static, str>),
    /// By a status other than 202: the submit is repeated until then.
    Not202,
}

/// An operation on a job.
///
/// Its path parameters are filled with the job's id and, by name, with those of the submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOperation {
    pub(super) operation: Operation,
    pub(super) id: Option<Text>,
    pub(super) within: Option<Text>,
    pub(super) query: Cow<'static, [(Text, Text)]>,
}

impl JobOperation {
    /// Creates it from an operation whose path does not contain the job's id.
    pub const fn new(operation: Operation) -> Self {
        Self { operation, id: None, within: None, query: Cow::Borrowed(&[]) }
    }

    setters! {
        /// Sets the path parameter for the job's id.
        with_id(id: Cow<'static, str>) as Some;
        /// Sets the path of the list in the response, for an operation that lists jobs. The job is the element with its
        /// `id`.
        with_list(within: Cow<'static, str>) as Some;
        /// Adds query parameters to its requests, such as those that the operation requires.
        with_query(query: Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]>);
    }

    /// Returns the operation.
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Returns the path parameter for the job's id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the query parameters of its requests.
    pub fn query(&self) -> &[(Cow<'static, str>, Cow<'static, str>)] {
        &self.query
    }

    /// Returns the path of the list in the response, if the operation lists jobs.
    pub fn list(&self) -> Option<&str> {
        self.within.as_deref()
    }
}

/// Where the results of a job are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Results {
    /// A separate operation lists them.
    List(JobOperation, ListSpec),
    /// The status operation lists them.
    Status(ListSpec),
    /// They are in the final status, or in files that it names: at the first of these locations that has something.
    Response(Cow<'static, [ResultLocation]>),
    /// There are none.
    Nothing,
}

/// A location of results in the final status of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultLocation {
    /// A list of items, or one item, at this path.
    Items(Cow<'static, str>),
    /// Files whose URLs are at this path: one URL, or a list.
    Files(Cow<'static, str>, FileForm),
}

/// The format of a result file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileForm {
    /// JSON, plain or gzip, with the items at this path.
    Json(Cow<'static, str>),
    /// Anything else, such as CSV. It is returned as bytes.
    Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Method;

    const STATES: &[(Text, JobState)] = &[
        (Cow::Borrowed("Succeeded"), JobState::Succeeded),
        (Cow::Borrowed("COMPLETED_WITH_PARTIAL_RESULTS"), JobState::PartlySucceeded),
        (Cow::Borrowed("Error"), JobState::Failed),
        (Cow::Borrowed("Canceled"), JobState::Cancelled),
        (Cow::Borrowed("EXPIRED"), JobState::Expired),
        (Cow::Borrowed("READY"), JobState::AwaitingInput),
    ];
    const PLACES: &[ResultLocation] = &[
        ResultLocation::Items(Cow::Borrowed("entities")),
        ResultLocation::Files(
            Cow::Borrowed("downloadUrls"),
            FileForm::Json(Cow::Borrowed("entities")),
        ),
    ];
    const STATUS: Operation =
        Operation::from_static("getThingsJob", Method::Get, "/api/v2/things/jobs/{jobId}");
    const KNOWN: JobSpec = JobSpec::from_static("things")
        .with_id(JobId::Field(Cow::Borrowed("job.id")))
        .with_status(JobOperation::new(STATUS).with_id(Cow::Borrowed("jobId")))
        .with_done_when(Completion::State(Cow::Borrowed("job.status")))
        .with_states(Cow::Borrowed(STATES))
        .with_results(Results::Response(Cow::Borrowed(PLACES)))
        .with_results_at_once(true)
        .with_lifetime(Duration::from_secs(86_400))
        .with_note(Cow::Borrowed("at most two run at once"));

    #[test]
    fn a_spec_built_at_run_time_equals_a_constant() {
        let states = STATES.iter().map(|(name, state)| (name.to_string().into(), *state));
        let read = JobSpec::new("things".to_owned())
            .with_id(JobId::Field("job.id".to_owned().into()))
            .with_status(JobOperation::new(STATUS).with_id("jobId".to_owned().into()))
            .with_done_when(Completion::State("job.status".to_owned().into()))
            .with_states(states.collect())
            .with_results(Results::Response(PLACES.to_vec().into()))
            .with_results_at_once(true)
            .with_lifetime(Duration::from_secs(86_400))
            .with_note("at most two run at once".to_owned().into());
        assert_eq!(read, KNOWN);
    }

    #[test]
    fn states_have_a_meaning() {
        for (name, state) in [
            ("Succeeded", JobState::Succeeded),
            ("SUCCEEDED", JobState::Succeeded),
            (" succeeded\n", JobState::Succeeded),
            ("Completed_With_Partial_Results", JobState::PartlySucceeded),
            ("ERROR", JobState::Failed),
            ("canceled", JobState::Cancelled),
            ("Expired", JobState::Expired),
            ("Ready", JobState::AwaitingInput),
            ("Running", JobState::Pending),
            // A name of another family, and a prefix of a known name.
            ("FULFILLED", JobState::Pending),
            ("Succeed", JobState::Pending),
            ("", JobState::Pending),
        ] {
            assert_eq!(KNOWN.state(name), state, "{name}");
        }
        for (state, is_final, has_results) in [
            (JobState::Pending, false, false),
            (JobState::AwaitingInput, false, false),
            (JobState::Succeeded, true, true),
            (JobState::PartlySucceeded, true, true),
            (JobState::Failed, true, false),
            (JobState::Cancelled, true, false),
            (JobState::Expired, true, false),
        ] {
            assert_eq!((state.is_final(), state.has_results()), (is_final, has_results));
        }
    }
}
