use bytes::Bytes;

/// What a client must read from a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedJob {
    /// The [keys](crate::Expected::key) of its results, in order; for a CSV file, the ids of its rows. Empty if
    /// a file is not a list of records, or if only the request identifies the record.
    pub records: Vec<String>,
    /// Its files, byte for byte.
    pub files: Vec<Bytes>,
    /// The error message, if the response has a field for it.
    pub message: Option<String>,
    /// The state in which the job waits for an upload or another action of the client.
    pub awaiting_input: Option<String>,
    /// How it ends.
    pub end: JobEnd,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobEnd {
    /// Succeeded.
    Succeeded,
    /// Succeeded, except that some of its work failed.
    PartlySucceeded,
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Succeeded, but its results have expired.
    Expired,
    /// Succeeded, but its file can't be downloaded.
    Undeliverable,
    /// Reported only by a notification.
    NotificationOnly,
}

impl JobEnd {
    /// Whether the service has finished the job.
    pub(crate) fn is_done(self) -> bool {
        self.has_results() || self == Self::Undeliverable
    }

    /// Whether the job has results.
    pub(crate) fn has_results(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlySucceeded)
    }
}
