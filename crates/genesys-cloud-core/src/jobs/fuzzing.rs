//! Fuzz targets: job statuses and result files.

#![allow(clippy::expect_used, missing_docs, unreachable_pub)]

use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use super::item_scanner::ItemScanner;
use super::spec::{Completion, JobOperation, JobSpec, JobState};
use super::status::{JobStatus, is_further_on};
use crate::json_path::JsonText;
use crate::operation::{Method, Operation};
use crate::response::fuzzing::response;
use crate::saved_job::SavedJob;

/// The largest item of a file, in bytes.
const MAX_ITEM: usize = 1 << 12;

fn spec(choice: u8) -> JobSpec {
    let status =
        JobOperation::new(Operation::from_static("getJob", Method::Get, "/api/v2/things/jobs"));
    let spec = JobSpec::new("things").with_status(status.clone()).with_states(
        vec![("Done".into(), JobState::Succeeded), ("Error".into(), JobState::Failed)].into(),
    );
    match choice % 6 {
        0 => spec.with_done_when(Completion::State("status".into())),
        1 => spec.with_done_when(Completion::State("job.status".into())),
        2 => spec.with_done_when(Completion::Field("result.url".into())),
        3 => spec.with_done_when(Completion::Since("exportTimestamp".into())),
        4 => spec.with_done_when(Completion::State("[]".into())),
        _ => spec.with_status(status.with_list("entities".into())),
    }
}

/// Input: one byte that selects the job spec, one that selects the status, and the body.
pub fn job(data: &[u8]) {
    let [choice, status, body @ ..] = data else { return };
    let status =
        [StatusCode::OK, StatusCode::ACCEPTED, StatusCode::CREATED][usize::from(*status) % 3];
    let response = response(status, HeaderMap::new(), body);
    let submitted = chrono::DateTime::from_timestamp(1_780_000_000, 0).expect("a time");
    if let Ok(status) = JobStatus::read(&spec(*choice), response.clone(), Some("1"), submitted) {
        let _ = (status.has_expired(), format!("{status:?}"));
    }
    let _ = is_further_on(&response, "entities", Some("1"), 1);
    if let Ok(fields) = JsonText::of(&response) {
        for path in ["results.downloadUrls", "downloadUrl", "a.b.c", "[]"] {
            assert!(fields.texts(path).iter().all(|text| !text.trim().is_empty()));
        }
    }
    // A saved job survives a round trip.
    if let Ok(job) = serde_json::from_slice::<SavedJob>(body) {
        let text = serde_json::to_string(&job).expect("a saved job");
        assert_eq!(serde_json::from_str::<SavedJob>(&text).expect("a saved job"), job);
    }
}

/// Input: one byte that selects the path of the items, one for the size of the parts, and the text of the file.
pub fn file(data: &[u8]) {
    let [choice, size, text @ ..] = data else { return };
    let path = ["[]", "data", "a.data"][usize::from(*choice) % 3];
    let whole = items(path, text, text.len().max(1));
    assert_eq!(
        items(path, text, usize::from(*size).max(1)),
        whole,
        "the size of the parts changes nothing"
    );
    if let (Some(read), Ok(known), "[]") =
        (whole, serde_json::from_slice::<Vec<&RawValue>>(text), path)
    {
        let known: Vec<_> = known.iter().map(|item| item.get().as_bytes()).collect();
        assert_eq!(read, known);
    }
}

/// The items of a file read in parts of `size`. `None` if it is malformed.
fn items(path: &str, text: &[u8], size: usize) -> Option<Vec<Vec<u8>>> {
    let mut scanner = ItemScanner::new(path, MAX_ITEM);
    let mut items = Vec::new();
    for part in text.chunks(size) {
        scanner.read(part, |item| items.push(item.to_vec())).ok()?;
    }
    scanner.end(|item| items.push(item.to_vec())).ok()?;
    Some(items)
}
