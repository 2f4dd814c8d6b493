//! What a table remembers from run to run.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The state of a table. The target saves it in the transaction of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableState {
    /// A checksum of what is read.
    pub definition: String,
    /// The run that saved the state.
    pub run: String,
    /// The time of that run.
    pub time: DateTime<Utc>,
    /// The time up to which a time range is completely known, or the latest time of change that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<DateTime<Utc>>,
    /// The first day of the time range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<NaiveDate>,
    /// The time of the last complete comparison of a list that sorts by time of change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<DateTime<Utc>>,
}

impl TableState {
    /// Creates the state of a run.
    pub(crate) fn new(definition: String, run: &str, time: DateTime<Utc>) -> Self {
        let run = run.to_owned();
        Self { definition, run, time, watermark: None, since: None, compared: None }
    }
}
