//! What is read of jobs, whatever comes.

#![allow(clippy::expect_used, missing_docs, unreachable_pub)]

use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use super::items::Splitter;
use super::spec::{Completion, JobOperation, JobSpec, JobState};
use super::status::{JobStatus, is_further_on};
use crate::json_path::JsonText;
use crate::operation::{Method, Operation};
use crate::response::fuzzing::response;
use crate::saved_job::SavedJob;

/// The largest item of a file, in bytes.
const MOST: usize = 1 << 12;

fn family(choice: u8) -> JobSpec {
    let status =
        JobOperation::new(Operation::from_static("getJob", Method::Get, "/api/v2/things/jobs"));
    let family = JobSpec::new("things").with_status(status.clone()).with_states(
        vec![("Done".into(), JobState::Succeeded), ("Error".into(), JobState::Failed)].into(),
    );
    match choice % 6 {
        0 => family.with_done_when(Completion::State("status".into())),
        1 => family.with_done_when(Completion::State("job.status".into())),
        2 => family.with_done_when(Completion::Field("result.url".into())),
        3 => family.with_done_when(Completion::Since("exportTimestamp".into())),
        4 => family.with_done_when(Completion::State("[]".into())),
        _ => family.with_status(status.with_list("entities".into())),
    }
}

/// How a job stands: a byte that says of what family, one that says with what status, and a body.
pub fn job(data: &[u8]) {
    let [choice, status, body @ ..] = data else { return };
    let status =
        [StatusCode::OK, StatusCode::ACCEPTED, StatusCode::CREATED][usize::from(*status) % 3];
    let response = response(status, HeaderMap::new(), body);
    let submitted = chrono::DateTime::from_timestamp(1_780_000_000, 0).expect("a time");
    if let Ok(status) = JobStatus::read(&family(*choice), response.clone(), Some("1"), submitted) {
        let _ = (status.has_expired(), format!("{status:?}"));
    }
    let _ = is_further_on(&response, "entities", Some("1"), 1);
    if let Ok(fields) = JsonText::of(&response) {
        for path in ["results.downloadUrls", "downloadUrl", "a.b.c", "[]"] {
            assert!(fields.texts(path).iter().all(|text| !text.trim().is_empty()));
        }
    }
    // A job that was kept is read back as it was.
    if let Ok(job) = serde_json::from_slice::<SavedJob>(body) {
        let text = serde_json::to_string(&job).expect("it can be kept");
        assert_eq!(serde_json::from_str::<SavedJob>(&text).expect("what was written"), job);
    }
}

/// A file of results: a byte that says where its items are, one that says in parts of what size it comes,
/// and its text.
pub fn file(data: &[u8]) {
    let [choice, size, text @ ..] = data else { return };
    let path = ["[]", "data", "a.data"][usize::from(*choice) % 3];
    let whole = items(path, text, text.len().max(1));
    assert_eq!(items(path, text, usize::from(*size).max(1)), whole, "parts change nothing");
    if let (Some(read), Ok(known), "[]") =
        (whole, serde_json::from_slice::<Vec<&RawValue>>(text), path)
    {
        let known: Vec<_> = known.iter().map(|item| item.get().as_bytes()).collect();
        assert_eq!(read, known);
    }
}

/// The items of a file that comes in parts of this size. `None` if it is malformed.
fn items(path: &str, text: &[u8], size: usize) -> Option<Vec<Vec<u8>>> {
    let mut splitter = Splitter::new(path, MOST);
    let mut items = Vec::new();
    for part in text.chunks(size) {
        splitter.read(part, |item| items.push(item.to_vec())).ok()?;
    }
    splitter.end(|item| items.push(item.to_vec())).ok()?;
    Some(items)
}
