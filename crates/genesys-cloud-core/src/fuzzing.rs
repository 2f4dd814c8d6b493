//! Fuzz targets: functions of untrusted bytes that panic if an assumption of this crate is violated. Not for use outside
//! this workspace.

#![allow(missing_docs)]

use http::{HeaderMap, StatusCode};

pub use crate::checkpoint::fuzzing::checkpoint;
pub use crate::jobs::fuzzing::{file, job};
pub use crate::paging::fuzzing::{link, list, page};
pub use crate::rate_limit::fuzzing::headers;

use crate::error::Error;
use crate::response::fuzzing::response;

/// Input: a byte that selects the status of an error response, and its body.
pub fn error_response(data: &[u8]) {
    let Some((status, body)) = data.split_first() else { return };
    let statuses = [400, 401, 403, 404, 429, 500, 502, 302];
    let Ok(status) = StatusCode::from_u16(statuses[usize::from(*status) % statuses.len()]) else {
        return;
    };
    let error = Error::refused(&response(status, HeaderMap::new(), body));
    assert_eq!(error.status(), Some(status.as_u16()));
    assert_eq!(error.is_rate_limited(), status == 429);
    // The message is an excerpt of the body.
    assert!(error.to_string().len() < 20_000, "the message is short");
    let _ = format!("{error:?} {:?}", error.refusal());
}
