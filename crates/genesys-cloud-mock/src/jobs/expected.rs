use bytes::Bytes;

/// What a client must get out of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpectedJob {
    /// The keys ([`Expected::key`](crate::Expected::key)) of its results, in order; of a CSV file the
    /// ids of its rows. Empty if a file is no list of records, and if the request alone names
    /// the record.
    pub records: Vec<String>,
    /// Its files, byte for byte.
    pub files: Vec<Bytes>,
    /// What the service says of a failure, where the reply has a place for it.
    pub message: Option<String>,
    /// The state in which the job waits until the client uploads a file or lets it go on.
    pub held: Option<String>,
    /// How it ends.
    pub end: JobEnd,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobEnd {
    /// It is done.
    Succeeded,
    /// It is done, and some of its work failed.
    PartlySucceeded,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was done, and its results are gone.
    Expired,
    /// It is done, and there is no way to fetch its file.
    Undeliverable,
    /// Only a notification tells.
    Untold,
}

impl JobEnd {
    /// Whether the service has done its part.
    pub(crate) fn is_done(self) -> bool {
        self.has_results() || self == Self::Undeliverable
    }

    /// Whether there are results to get.
    pub(crate) fn has_results(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartlySucceeded)
    }
}
