//! What is fuzzed: functions of bytes as they may come from outside, which panic where what the rest of the
//! crate relies on does not hold. Not for use outside this workspace.

#![allow(missing_docs)]

use http::{HeaderMap, StatusCode};

pub use crate::checkpoint::fuzzing::checkpoint;
pub use crate::jobs::fuzzing::{file, job};
pub use crate::paging::fuzzing::{link, list, page};
pub use crate::rate_limit::fuzzing::headers;

use crate::error::Error;
use crate::response::fuzzing::reply;

/// What comes back in place of what was asked for: a byte that says with which status, and a body.
pub fn error_response(data: &[u8]) {
    let Some((status, body)) = data.split_first() else { return };
    let statuses = [400, 401, 403, 404, 429, 500, 502, 302];
    let Ok(status) = StatusCode::from_u16(statuses[usize::from(*status) % statuses.len()]) else {
        return;
    };
    let error = Error::refused(&reply(status, HeaderMap::new(), body));
    assert_eq!(error.status(), Some(status.as_u16()));
    assert_eq!(error.is_rate_limited(), status == 429);
    // An excerpt, and not all that a proxy has to say.
    assert!(error.to_string().len() < 20_000, "the message is short");
    let _ = format!("{error:?} {:?}", error.refusal());
}
