//! How the jobs of an operation run, as data.

use std::borrow::Cow;
use std::time::Duration;

use crate::operation::Operation;
use crate::paging::{ListSpec, ParamLocation, Scheme};

type Text = Cow<'static, str>;

/// How the jobs of some operations run: what generated code knows of it, or a tool has read from a
/// catalogue.
///
/// Paths are the names of fields joined by dots (`job.status`); where a list is on the way, the path goes
/// through each of its elements. `[]` is the reply itself.
///
/// ```
/// use genesys_cloud_core::{
///     Completion, JobSpec, JobOperation, JobId, JobState, ListSpec, Method, Operation, Results, Scheme,
/// };
///
/// let status = Operation::from_static("getJob", Method::Get, "/api/v2/things/jobs/{jobId}");
/// let results = Operation::from_static("getResults", Method::Get, "/api/v2/things/jobs/{jobId}/results");
/// let family = JobSpec::new("things")
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
/// assert_eq!(family.state("fulfilled"), JobState::Succeeded);
/// assert_eq!(family.state("A_NEW_STATE"), JobState::Pending);
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

/// Puts a value in the place of another one in a constant, where nothing may be dropped.
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
    /// A family of this name, of which nothing else is known: it can't be polled, and has no results.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::from_static("") }
    }

    /// The same for generated code, which knows all of it when it is compiled.
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
        /// Says where the id of a job stands.
        with_id(id: JobId);
        /// Names the operation that tells how a job stands.
        with_status(status: JobOperation) as Some;
        /// Says how the status tells that a job is done.
        with_done_when(done_when: Completion);
        /// Says what the API's names of states mean. Names that are left out mean
        /// [`Pending`](JobState::Pending).
        with_states(states: Cow<'static, [(Cow<'static, str>, JobState)]>);
        /// Says where the results are.
        with_results(results: Results);
        /// Names the operation that cancels a job.
        with_cancel(cancel: JobOperation) as Some;
        /// Says that the reply to the submit has the form of the status, and may hold the results already.
        with_results_at_once(at_once: bool);
        /// Says that the operation which lists the results may answer with a redirect whose body is a page
        /// without items, and names the field that holds the URL of the file where the items are.
        with_redirects(redirects: Cow<'static, str>) as Some;
        /// Says how long a job and its results are kept, counted from the submit, where the status does not
        /// tell by `expirationDate`.
        with_lifetime(lifetime: Duration) as Some;
        /// Names the notification topic that tells of a job's end.
        with_topic(topic: Cow<'static, str>) as Some;
        /// Says in words what is peculiar: phases, what a held job waits for, limits.
        with_note(note: Cow<'static, str>) as Some;
        /// Names the operation that reports how far the data is available that jobs search.
        with_availability(availability: Availability) as Some;
    }

    /// The name by which catalogues and saved jobs refer to the family.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the id of a job stands.
    pub const fn id(&self) -> &JobId {
        &self.id
    }

    /// The operation that tells how a job stands.
    pub const fn status(&self) -> Option<&JobOperation> {
        self.status.as_ref()
    }

    /// How the status tells that a job is done.
    pub const fn done_when(&self) -> &Completion {
        &self.done_when
    }

    /// The names of the states that are not pending, and what they mean.
    pub fn states(&self) -> &[(Cow<'static, str>, JobState)] {
        &self.states
    }

    /// Where the results are.
    pub const fn results(&self) -> &Results {
        &self.results
    }

    /// The operation that cancels a job.
    pub const fn cancel(&self) -> Option<&JobOperation> {
        self.cancel.as_ref()
    }

    /// Whether the reply to the submit may hold the results already.
    pub const fn results_at_once(&self) -> bool {
        self.at_once
    }

    /// The field with the URL of a file, in a redirect that stands for a page of results.
    pub fn redirects(&self) -> Option<&str> {
        self.redirects.as_deref()
    }

    /// How long a job and its results are kept, where the status does not tell.
    pub const fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// The notification topic that tells of a job's end.
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }

    /// What is peculiar, in words.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The operation that reports how far the data is available that jobs search.
    pub const fn availability(&self) -> Option<&Availability> {
        self.availability.as_ref()
    }

    /// Whether the submit names the page that is wanted, so that each page is a job of its own.
    pub fn is_job_per_page(&self) -> bool {
        matches!(&self.results, Results::List(_, listing) if listing.scheme() == Scheme::JobSelectsPage)
    }

    /// Whether a job can be asked how it stands.
    pub const fn is_pollable(&self) -> bool {
        self.status.is_some() || matches!(self.done_when, Completion::Not202)
    }

    /// What a state that the API names means. Upper and lower case are alike; a name that is not known
    /// means [`Pending`](JobState::Pending).
    pub fn state(&self, name: &str) -> JobState {
        let known = self.states.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        known.map_or(JobState::Pending, |(_, state)| *state)
    }
}

/// The operation that reports how far the data is available that a job searches.
///
/// ```
/// use genesys_cloud_core::{Availability, JobSpec, Method, Operation, ParamLocation};
///
/// let path = "/api/v2/things/jobs/availability";
/// let operation = Operation::new("getThingsJobsAvailability", Method::Get, path);
/// let family = JobSpec::new("things").with_availability(Availability::new(
///     operation,
///     "dataAvailabilityDate".into(),
///     ParamLocation::body("interval"),
/// ));
/// assert_eq!(family.availability().map(Availability::field), Some("dataAvailabilityDate"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    operation: Operation,
    field: Text,
    interval: ParamLocation,
}

impl Availability {
    /// An operation without parameters, the path of the date-time in its reply, and where a submit has the
    /// interval that its job searches.
    pub const fn new(
        operation: Operation,
        field: Cow<'static, str>,
        interval: ParamLocation,
    ) -> Self {
        Self { operation, field, interval }
    }

    /// The operation.
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The path of the date-time in its reply.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Where a submit has the interval that its job searches.
    pub const fn interval(&self) -> &ParamLocation {
        &self.interval
    }
}

/// What a state of a job means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// It is not done. A state whose name is not known means this too.
    Pending,
    /// It goes on when the caller has done something, such as uploaded a file.
    AwaitingInput,
    /// It is done.
    Succeeded,
    /// It is done, and some of its work failed.
    PartlySucceeded,
    /// It came to no result.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It, or its results, are gone.
    Expired,
}

impl JobState {
    /// Whether it won't change by itself any more.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::AwaitingInput)
    }

    /// Whether there are results.
    pub const fn has_results(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlySucceeded)
    }
}

/// Where the id of a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobId {
    /// In the reply to the submit, at this path.
    Field(Cow<'static, str>),
    /// In the path of the submit, as this parameter.
    Path(Cow<'static, str>),
    /// In this header of the reply to the submit: the last segment of the URL there.
    Header(Cow<'static, str>),
    /// It has none: there is one job for what the path of the submit names.
    Nowhere,
}

/// How the status tells that a job is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completion {
    /// By the name of a state at this path.
    State(Cow<'static, str>),
    /// By a field that is there once it is done.
    Field(Cow<'static, str>),
    /// By a date-time that is not earlier than the submit.
    Since(Cow<'static, str>),
    /// The submit is sent again, until it no longer answers 202.
    Not202,
}

/// An operation on a job.
///
/// Its path parameters are those of the submit, by name, beside the one that takes the job's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOperation {
    pub(super) operation: Operation,
    pub(super) id: Option<Text>,
    pub(super) within: Option<Text>,
    pub(super) query: Cow<'static, [(Text, Text)]>,
}

impl JobOperation {
    /// An operation whose path does not have the job's id.
    pub const fn new(operation: Operation) -> Self {
        Self { operation, id: None, within: None, query: Cow::Borrowed(&[]) }
    }

    setters! {
        /// Names the path parameter that takes the job's id.
        with_id(id: Cow<'static, str>) as Some;
        /// Says that the operation lists jobs, and where the list stands in its reply. The job is the
        /// element whose `id` is its.
        with_list(within: Cow<'static, str>) as Some;
        /// Adds query parameters to its requests, such as those that an operation requires beside the job's id.
        with_query(query: Cow<'static, [(Cow<'static, str>, Cow<'static, str>)]>);
    }

    /// The operation.
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The path parameter that takes the job's id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The query parameters that its requests have.
    pub fn query(&self) -> &[(Cow<'static, str>, Cow<'static, str>)] {
        &self.query
    }

    /// Where the list of jobs stands in the reply, if the operation lists them.
    pub fn list(&self) -> Option<&str> {
        self.within.as_deref()
    }
}

/// Where the results of a job are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Results {
    /// An operation of its own lists them.
    List(JobOperation, ListSpec),
    /// The operation that tells the status lists them.
    Status(ListSpec),
    /// The reply that tells that the job is done holds them, or names the files that do: at the first of
    /// these places where something is.
    Response(Cow<'static, [ResultLocation]>),
    /// There are none.
    Nothing,
}

/// Where results are, in the reply that tells that a job is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResultLocation {
    /// At this path: a list of items, or one item.
    Items(Cow<'static, str>),
    /// In files whose URLs stand at this path: one, or a list of them.
    Files(Cow<'static, str>, FileForm),
}

/// What a file of results holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileForm {
    /// JSON, plain or gzip, with the items at this path.
    Json(Cow<'static, str>),
    /// Anything else, such as CSV: it is handed out as bytes.
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
    fn a_family_of_a_catalogue_equals_that_of_generated_code() {
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
    fn states_by_meaning() {
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
            // Another family's word, and a part of one.
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
