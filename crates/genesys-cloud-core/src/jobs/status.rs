//! How a job stands, as a reply says it.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::spec::{Completion, JobSpec, JobState};
use crate::error::{Error, excerpt};
use crate::json_path::JsonText;
use crate::response::{DecodeError, RawResponse};

/// Where services put what went wrong. The first that is there is taken.
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

/// How a job stands.
#[derive(Clone)]
pub struct JobStatus {
    state: JobState,
    name: Option<String>,
    message: Option<String>,
    expires: Option<DateTime<Utc>>,
    reply: RawResponse,
    /// When it came.
    came: Instant,
}

impl JobStatus {
    /// Reads a reply that tells how the job with this id stands, which was submitted then.
    pub(super) fn read(
        family: &JobSpec,
        mut reply: RawResponse,
        id: Option<&str>,
        submitted: DateTime<Utc>,
    ) -> Result<Self, Error> {
        if let Some(list) = family.status().and_then(|status| status.list()) {
            let element = entry(&reply, list, id).map_err(|error| Error::decode(&reply, &error))?;
            reply.body = element.into();
        }
        let came = Instant::now();
        let lifetime = family
            .lifetime()
            .and_then(|lifetime| submitted.checked_add_signed(TimeDelta::from_std(lifetime).ok()?));
        if *family.done_when() == Completion::Not202 {
            let state = if reply.status() == 202 { JobState::Pending } else { JobState::Succeeded };
            return Ok(Self { state, name: None, message: None, expires: lifetime, reply, came });
        }
        let fields = JsonText::of(&reply).map_err(|error| Error::decode(&reply, &error))?;
        let done = |done| if done { JobState::Succeeded } else { JobState::Pending };
        let (state, name) = match family.done_when() {
            Completion::State(path) => {
                let name = fields.text(path);
                (name.as_deref().map_or(JobState::Pending, |name| family.state(name)), name)
            }
            Completion::Field(path) => (done(fields.json(path).is_some()), None),
            Completion::Since(path) => {
                (done(fields.instant(path).is_some_and(|at| at >= submitted)), None)
            }
            Completion::Not202 => (JobState::Pending, None),
        };
        if state == JobState::Pending && fields.is_error() {
            let why = "the API returned an error body instead of the job status".to_owned();
            return Err(Error::not_a_page(&reply, why));
        }
        let failing =
            !matches!(state, JobState::Pending | JobState::AwaitingInput | JobState::Succeeded);
        let message = failing
            .then(|| MESSAGES.iter().find_map(|path| fields.text(path)))
            .flatten()
            .map(|message| excerpt(&reply.head.secrets.redact(&message)));
        let expires = fields.instant("expirationDate").or(lifetime);
        Ok(Self { state, name, message, expires, reply, came })
    }

    /// The same of a job that was done before its state was told.
    pub(super) fn done(self) -> Self {
        Self { state: JobState::Succeeded, ..self }
    }

    /// What its state means.
    pub const fn state(&self) -> JobState {
        self.state
    }

    /// The state as the API names it, such as `FULFILLED`. `None` where it names none, or jobs of this kind are
    /// known to be done by something else.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Why it, or a part of its work, came to no result, as the API says it: the beginning, on one line. `None`
    /// of a job that did not fail.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether it won't change by itself any more.
    pub const fn is_final(&self) -> bool {
        self.state.is_final()
    }

    /// When the job and its results are deleted, as the server says it: its `expirationDate`, or else so long
    /// after the submit as its kind is known to be kept.
    pub const fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires
    }

    /// What time it is by the server's clock, or by ours where the reply did not tell.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let then = self.reply.head.date().zip(TimeDelta::from_std(self.came.elapsed()).ok());
        let now = then.and_then(|(date, since)| date.checked_add_signed(since));
        now.unwrap_or_else(Utc::now)
    }

    /// Whether the results are gone by now.
    pub(super) fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= self.now())
    }

    /// The reply read as its type in the bindings, or as one of your own.
    ///
    /// # Errors
    /// When it is not the JSON of an `S`.
    pub fn json<S: DeserializeOwned>(&self) -> Result<S, Error> {
        self.reply.json()
    }

    /// The reply as it came. Of one that lists jobs, the body is the element that is this job's. It may hold
    /// presigned URLs, which are secrets: whoever has one can read the file.
    pub const fn reply(&self) -> &RawResponse {
        &self.reply
    }
}

/// Whether a list of jobs does not have this one on its page of this number, and has further pages.
pub(super) fn is_further_on(reply: &RawResponse, list: &str, id: Option<&str>, page: u64) -> bool {
    let count = JsonText::of(reply).ok().and_then(|fields| fields.text("pageCount"));
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    page < count && entry(reply, list, id).is_ok_and(|entry| entry == "null")
}

/// The element with this id, as its JSON text; a null where it is not there.
fn entry(reply: &RawResponse, list: &str, id: Option<&str>) -> Result<String, DecodeError> {
    let fields = JsonText::of(reply)?;
    let list = fields.json(list).and_then(|list| JsonText::elements(JsonText::text_of(list)));
    let mut elements = list.into_iter().flatten();
    let element = elements.find(|element| element.text("id").as_deref() == id && id.is_some());
    Ok(element.map_or("null", JsonText::json_text).to_owned())
}

/// Leaves the reply's body out: it may be personal data, and hold URLs that are secrets.
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

    fn family() -> JobSpec {
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

    fn read(family: &JobSpec, status: u16, body: &str) -> Result<JobStatus, Error> {
        let status = http::StatusCode::from_u16(status).expect("a status");
        let head = ResponseHead::new(status, http::HeaderMap::new());
        let operation = Operation::from_static("getJob", Method::Get, "/jobs");
        let reply = RawResponse { operation, head, body: body.to_owned().into() };
        let submitted = "2026-05-01T10:00:00Z".parse().expect("an instant");
        JobStatus::read(family, reply, Some("j1"), submitted)
    }

    #[test]
    fn states_by_where_they_stand() {
        let nested = || family().with_done_when(Completion::State("job.status".into()));
        let bare = || family().with_done_when(Completion::State("[]".into()));
        let field = || family().with_done_when(Completion::Field("result".into()));
        let since = || family().with_done_when(Completion::Since("exportTimestamp".into()));
        let repeated = || family().with_done_when(Completion::Not202);
        let status = JobOperation::new(Operation::from_static("getJobs", Method::Get, "/jobs"));
        let listed = || family().with_status(status.clone().with_list("entities".into()));
        for (family, status, body, state) in [
            (family(), 200, r#"{"status":"complete"}"#, JobState::Succeeded),
            (family(), 202, r#"{"status":"Complete"}"#, JobState::Succeeded),
            (family(), 200, r#"{"status":"Processing"}"#, JobState::Pending),
            (family(), 200, r#"{"status":"Ready"}"#, JobState::AwaitingInput),
            (family(), 200, r#"{"status":null}"#, JobState::Pending),
            (family(), 200, "{}", JobState::Pending),
            (family(), 202, "", JobState::Pending),
            (nested(), 200, r#"{"job":{"status":"Error"}}"#, JobState::Failed),
            (nested(), 200, r#"{"status":"Error","job":{}}"#, JobState::Pending),
            (bare(), 200, r#""Complete""#, JobState::Succeeded),
            (field(), 200, r#"{"result":{}}"#, JobState::Succeeded),
            (field(), 200, r#"{"result":null}"#, JobState::Pending),
            (since(), 200, r#"{"exportTimestamp":"2026-05-01T10:00:01Z"}"#, JobState::Succeeded),
            (since(), 200, r#"{"exportTimestamp":"2026-05-01T09:59:59Z"}"#, JobState::Pending),
            (since(), 200, "{}", JobState::Pending),
            (repeated(), 202, "", JobState::Pending),
            (repeated(), 200, "ID3 not JSON", JobState::Succeeded),
            (
                listed(),
                200,
                r#"{"entities":[{"id":"j0","status":"Error"},{"id":"j1","status":"Complete"}]}"#,
                JobState::Succeeded,
            ),
            (listed(), 200, r#"{"entities":[{"id":"j0","status":"Error"}]}"#, JobState::Pending),
        ] {
            let status = read(&family, status, body).expect(body);
            assert_eq!(status.state(), state, "{body}");
        }
        assert!(read(&family(), 200, "<html>").expect_err("no JSON").kind() == ErrorKind::Decode);
        for (body, may_pass) in [
            (r#"{"message":"boom","code":"c","status":500}"#, true),
            (r#"{"errorMessage":"Task timed out after 30.00 seconds"}"#, true),
            (r#"{"message":"boom","code":"c","status":404}"#, false),
        ] {
            let error = read(&family(), 200, body).expect_err(body);
            assert_eq!(
                (error.kind() == ErrorKind::Paging, error.is_transient()),
                (true, may_pass),
                "{body}"
            );
        }
    }

    #[test]
    fn messages_of_those_that_failed() {
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
            let status = read(&family(), 200, body).expect(body);
            assert_eq!(status.message(), message, "{body}");
        }
    }

    #[test]
    fn expiry_by_the_reply_or_else_by_the_family() {
        let body = r#"{"status":"Complete","expirationDate":"2026-05-02T00:00:00Z"}"#;
        let daily = family().with_lifetime(std::time::Duration::from_secs(86_400));
        for (family, body, expires) in [
            (family(), body, Some("2026-05-02T00:00:00+00:00")),
            (family(), "{}", None),
            (daily.clone(), body, Some("2026-05-02T00:00:00+00:00")),
            (daily, "{}", Some("2026-05-02T10:00:00+00:00")),
        ] {
            let status = read(&family, 200, body).expect(body);
            assert_eq!(status.expires().map(|at| at.to_rfc3339()).as_deref(), expires);
        }
    }
}
