//! How jobs run.

use serde::{Deserialize, Serialize};

use super::list::{ListTag, ParamLocation};

/// How the jobs of some operations run. Operations are named by operationId.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobFamily {
    /// The name of the family.
    pub name: String,
    /// Where the id of the job is.
    pub id: JobId,
    /// The operation that returns the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<JobOperation>,
    /// How the status shows that a job is done.
    pub done: Completion,
    /// The names of states by meaning. A name that is not listed means pending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<(JobState, Vec<String>)>,
    /// Where the results are.
    pub results: JobResults,
    /// The operation that cancels a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<JobOperation>,
    /// The field with the URL of a file, in a redirect that replaces a page of results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirects: Option<String>,
    /// The operation that reports how far the data is available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Availability>,
    /// Whether the response to the submit may hold the results.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_once: bool,
    /// How many hours a job and its results are kept, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u64>,
    /// The notification topic that reports the end of a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// A note for callers, without a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An operation on a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOperation {
    /// Its operationId.
    pub operation: String,
    /// Its path, if the submit has other names for the same parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The path parameter that takes the id of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The path of the list with the job, if the response lists several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
}

/// The operation that reports how far the data of a job is available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// Its operationId.
    pub operation: String,
    /// The field of its response with the date.
    pub field: String,
    /// The interval parameter of the submit.
    pub interval: ParamLocation,
}

/// Where the id of a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobId {
    /// A field of the response to the submit.
    Field(String),
    /// A path parameter of the submit.
    Path(String),
    /// A header of the response to the submit.
    Header(String),
    /// There is no id.
    Nowhere,
}

/// How the status shows that a job is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// The field at this path has one of the final states.
    State(String),
    /// The field at this path is present.
    Field(String),
    /// The date at this path is not before the submit.
    Since(String),
    /// The HTTP status is not 202.
    #[serde(rename = "not_202")]
    Not202,
}

/// What a state means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Running or queued.
    Pending,
    /// Waiting for another call.
    #[serde(rename = "held")]
    AwaitingInput,
    /// Done.
    Succeeded,
    /// Done, with partial results.
    PartlySucceeded,
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Done, but the results have expired.
    Expired,
}

/// Where the results of a job are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobResults {
    /// An operation lists them.
    List(JobOperation, ListTag),
    /// The status lists them in pages.
    Status(ListTag),
    /// The response that reports the end of the job has them, at the first of these places that exists.
    Reply(Vec<ResultLocation>),
    /// There are no results.
    Nothing,
}

/// Where a response has results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultLocation {
    /// The path of the items, or of a single item.
    Items(String),
    /// The path of the URLs of JSON files, and the path of the items in them.
    Json(String, String),
    /// The path of the URLs of other files.
    Bytes(String),
}

/// The role of an operation in its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Submits a job.
    Submit,
    /// Returns the status.
    Status,
    /// Lists the results.
    Results,
    /// Cancels a job.
    Cancel,
    /// May be needed between the submit and the end of a job.
    Phase,
}

impl JobState {
    /// All meanings.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::AwaitingInput,
        Self::Succeeded,
        Self::PartlySucceeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::AwaitingInput => "held",
            Self::Succeeded => "succeeded",
            Self::PartlySucceeded => "partly_succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl Role {
    /// All roles, in the order in which they are listed.
    pub const ALL: [Self; 5] =
        [Self::Submit, Self::Status, Self::Results, Self::Cancel, Self::Phase];

    /// The name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Status => "status",
            Self::Results => "results",
            Self::Cancel => "cancel",
            Self::Phase => "phase",
        }
    }
}
