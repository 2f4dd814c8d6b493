//! The status of a job.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::spec::{Completion, JobSpec, JobState};
use crate::error::{Error, excerpt};
use crate::json_path::JsonText;
use crate::response::{DecodeError, RawResponse};

/// Where services put the error message. The first that exists is used.
const MESSAGES: [&str; 20] = [
    "errorMessage",
    "error.message",
    "error.errorMessage",
    "error.description",
    "error.userMessage",
    "errorInfo.message",
    "errorInformation.errorMessage",
    "errorInformation.message",
    "errorBody.message",
    "errorDetails.message",
    "errors.message",
    "errors.errorMessage",
    "failureReason.message",
    "failureReason",
    "importStatusResult.error",
    "messages.text",
    "message",
    "error",
    "statusDetails",
    "errorCode",
];

/// The status of a job.
#[derive(Clone)]
pub struct JobStatus {
    state: JobState,
    name: Option<String>,
    message: Option<String>,
    expires: Option<DateTime<Utc>>,
    response: RawResponse,
    /// When it was received.
    received: Instant,
}

impl JobStatus {
    /// Reads the status of the job with this id from a response.
    pub(super) fn read(
        spec: &JobSpec,
        mut response: RawResponse,
        id: Option<&str>,
        submitted: DateTime<Utc>,
    ) -> Result<Self, Error> {
        if let Some(list) = spec.status().and_then(|status| status.list()) {
            let element =
                entry(&response, list, id).map_err(|error| Error::decode(&response, &error))?;
            response.body = element.into();
        }
        let received = Instant::now();
        let lifetime = spec
            .lifetime()
            .and_then(|lifetime| submitted.checked_add_signed(TimeDelta::from_std(lifetime).ok()?));
        if *spec.done_when() == Completion::Not202 {
            let state =
                if response.status() == 202 { JobState::Pending } else { JobState::Succeeded };
            return Ok(Self {
                state,
                name: None,
                message: None,
                expires: lifetime,
                response,
                received,
            });
        }
        let fields = JsonText::of(&response).map_err(|error| Error::decode(&response, &error))?;
        let done = |done| if done { JobState::Succeeded } else { JobState::Pending };
        let (state, name) = match spec.done_when() {
            Completion::State(path) => {
                let name = fields.text(path);
                (name.as_deref().map_or(JobState::Pending, |name| spec.state(name)), name)
            }
            Completion::Field(path) => (done(fields.json(path).is_some()), None),
            Completion::Since(path) => {
                (done(fields.instant(path).is_some_and(|at| at >= submitted)), None)
            }
            Completion::Not202 => (JobState::Pending, None),
        };
        if state == JobState::Pending && fields.is_error() {
            let why = "the API returned an error body instead of the job status".to_owned();
            return Err(Error::not_a_page(&response, why));
        }
        let failing =
            !matches!(state, JobState::Pending | JobState::AwaitingInput | JobState::Succeeded);
        let message = failing
            .then(|| MESSAGES.iter().find_map(|path| fields.text(path)))
            .flatten()
            .map(|message| excerpt(&response.head.secrets.redact(&message)));
        let expires = fields.instant("expirationDate").or(lifetime);
        Ok(Self { state, name, message, expires, response, received })
    }

    /// The status of a job that was done before it had a state.
    pub(super) fn done(self) -> Self {
        Self { state: JobState::Succeeded, ..self }
    }

    /// Returns the meaning of its state.
    pub const fn state(&self) -> JobState {
        self.state
    }

    /// Returns the state as the API names it, such as `FULFILLED`. `None` if it has no name, or if jobs of this kind
    /// are recognized as done by something else.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the API's message about why the job, or a part of it, failed: the beginning, on one line. `None` for a
    /// job that did not fail.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns whether the job has ended: the state will not change again.
    pub const fn is_final(&self) -> bool {
        self.state.is_final()
    }

    /// Returns when the job and its results are deleted: the `expirationDate` of the status, or else the known lifetime
    /// of such jobs, counted from the submit.
    pub const fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }

    /// The current time by the server's clock, or by ours if the response had no date.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let then = self.response.head.date().zip(TimeDelta::from_std(self.received.elapsed()).ok());
        let now = then.and_then(|(date, since)| date.checked_add_signed(since));
        now.unwrap_or_else(Utc::now)
    }

    /// Whether the results have been deleted by now.
    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= self.now())
    }

    /// Decodes the response, as its type in the bindings or any other.
    ///
    /// # Errors
    /// If it is not the JSON of an `S`.
    pub fn json<S: DeserializeOwned>(&self) -> Result<S, Error> {
        self.response.json()
    }

    /// Returns the response. If the operation lists jobs, the body is only the element of this job. It may contain
    /// presigned URLs, which are secrets: anyone who has one can read the file.
    pub const fn response(&self) -> &RawResponse {
        &self.response
    }
}

/// Whether this page of a list of jobs lacks the job, and there are further pages.
pub(super) fn is_further_on(
    response: &RawResponse,
    list: &str,
    id: Option<&str>,
    page: u64,
) -> bool {
    let count = JsonText::of(response).ok().and_then(|fields| fields.text("pageCount"));
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    page < count && entry(response, list, id).is_ok_and(|entry| entry == "null")
}

/// The JSON text of the element with this id, or `null`.
fn entry(response: &RawResponse, list: &str, id: Option<&str>) -> Result<String, DecodeError> {
    let fields = JsonText::of(response)?;
    let list = fields.json(list).and_then(|list| JsonText::elements(JsonText::text_of(list)));
    let mut elements = list.into_iter().flatten();
    let element = elements.find(|element| element.text("id").as_deref() == id && id.is_some());
    Ok(element.map_or("null", JsonText::json_text).to_owned())
}

/// Omits the body of the response: it may contain personal data and secret URLs.
impl fmt::Debug for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobStatus")
            .field("state", &self.state)
            .field("name", &self.name)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::jobs::{JobId, JobOperation};
    use crate::operation::{Method, Operation};
    use crate::response::ResponseHead;

    fn spec() -> JobSpec {
        JobSpec::new("things")
            .with_id(JobId::Field("id".into()))
            .with_status(JobOperation::new(Operation::from_static("getJob", Method::Get, "/jobs")))
            .with_states(
                vec![
                    ("Complete".into(), JobState::Succeeded),
                    ("Error".into(), JobState::Failed),
                    ("READY".into(), JobState::AwaitingInput),
                ]
                .into(),
            )
    }

    fn read(spec: &JobSpec, status: u16, body: &str) -> Result<JobStatus, Error> {
        let status = http::StatusCode::from_u16(status).expect("a status");
        let head = ResponseHead::new(status, http::HeaderMap::new());
        let operation = Operation::from_static("getJob", Method::Get, "/jobs");
        let response = RawResponse { operation, head, body: body.to_owned().into() };
        let submitted = "2026-05-01T10:00:00Z".parse().expect("an instant");
        JobStatus::read(spec, response, Some("j1"), submitted)
    }

    #[test]
    fn reads_the_state_as_the_spec_says() {
        let nested = || spec().with_done_when(Completion::State("job.status".into()));
        let bare = || spec().with_done_when(Completion::State("[]".into()));
        let field = || spec().with_done_when(Completion::Field("result".into()));
        let since = || spec().with_done_when(Completion::Since("exportTimestamp".into()));
        let not_202 = || spec().with_done_when(Completion::Not202);
        let status = JobOperation::new(Operation::from_static("getJobs", Method::Get, "/jobs"));
        let listed = || spec().with_status(status.clone().with_list("entities".into()));
        for (spec, status, body, state) in [
            (spec(), 200, r#"{"status":"complete"}"#, JobState::Succeeded),
            (spec(), 202, r#"{"status":"Complete"}"#, JobState::Succeeded),
            (spec(), 200, r#"{"status":"Processing"}"#, JobState::Pending),
            (spec(), 200, r#"{"status":"Ready"}"#, JobState::AwaitingInput),
            (spec(), 200, r#"{"status":null}"#, JobState::Pending),
            (spec(), 200, "{}", JobState::Pending),
            (spec(), 202, "", JobState::Pending),
            (nested(), 200, r#"{"job":{"status":"Error"}}"#, JobState::Failed),
            (nested(), 200, r#"{"status":"Error","job":{}}"#, JobState::Pending),
            (bare(), 200, r#""Complete""#, JobState::Succeeded),
            (field(), 200, r#"{"result":{}}"#, JobState::Succeeded),
            (field(), 200, r#"{"result":null}"#, JobState::Pending),
            (since(), 200, r#"{"exportTimestamp":"2026-05-01T10:00:01Z"}"#, JobState::Succeeded),
            (since(), 200, r#"{"exportTimestamp":"2026-05-01T09:59:59Z"}"#, JobState::Pending),
            (since(), 200, "{}", JobState::Pending),
            (not_202(), 202, "", JobState::Pending),
            (not_202(), 200, "ID3 not JSON", JobState::Succeeded),
            (
                listed(),
                200,
                r#"{"entities":[{"id":"j0","status":"Error"},{"id":"j1","status":"Complete"}]}"#,
                JobState::Succeeded,
            ),
            (listed(), 200, r#"{"entities":[{"id":"j0","status":"Error"}]}"#, JobState::Pending),
        ] {
            let status = read(&spec, status, body).expect(body);
            assert_eq!(status.state(), state, "{body}");
        }
        assert!(read(&spec(), 200, "<html>").expect_err("no JSON").kind() == ErrorKind::Decode);
        for (body, may_recover) in [
            (r#"{"message":"boom","code":"c","status":500}"#, true),
            (r#"{"errorMessage":"Task timed out after 30.00 seconds"}"#, true),
            (r#"{"message":"boom","code":"c","status":404}"#, false),
        ] {
            let error = read(&spec(), 200, body).expect_err(body);
            assert_eq!(
                (error.kind() == ErrorKind::Paging, error.is_transient()),
                (true, may_recover),
                "{body}"
            );
        }
    }

    #[test]
    fn finds_the_message_of_a_failed_job() {
        for (body, message) in [
            (r#"{"status":"Error","errorMessage":"too  big\n"}"#, Some("too big")),
            (r#"{"status":"Error","error":{"message":"too big"}}"#, Some("too big")),
            (r#"{"status":"Error","error":"too big"}"#, Some("too big")),
            (r#"{"status":"Error","errors":[{},{"message":"too big"}]}"#, Some("too big")),
            (r#"{"status":"Error","error":{"errorMessage":"too big"}}"#, Some("too big")),
            (r#"{"status":"Error","failureReason":{"message":"too big"}}"#, Some("too big")),
            (r#"{"status":"Error","messages":[{"text":"too big"}]}"#, Some("too big")),
            (r#"{"status":"Error","errorInfo":{"code":"c"},"errorCode":"big"}"#, Some("big")),
            (r#"{"status":"Error"}"#, None),
            (r#"{"status":"Complete","message":"all is well"}"#, None),
        ] {
            let status = read(&spec(), 200, body).expect(body);
            assert_eq!(status.message(), message, "{body}");
        }
    }

    #[test]
    fn expiry_comes_from_the_response_or_else_from_the_spec() {
        let body = r#"{"status":"Complete","expirationDate":"2026-05-02T00:00:00Z"}"#;
        let daily = spec().with_lifetime(std::time::Duration::from_secs(86_400));
        for (spec, body, expires) in [
            (spec(), body, Some("2026-05-02T00:00:00+00:00")),
            (spec(), "{}", None),
            (daily.clone(), body, Some("2026-05-02T00:00:00+00:00")),
            (daily, "{}", Some("2026-05-02T10:00:00+00:00")),
        ] {
            let status = read(&spec, 200, body).expect(body);
            assert_eq!(status.expires().map(|at| at.to_rfc3339()).as_deref(), expires);
        }
    }
}
