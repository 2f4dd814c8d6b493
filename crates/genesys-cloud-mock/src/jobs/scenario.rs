use std::time::Duration;

use super::expected::JobEnd;
use super::results::FileFormat;
use super::spec::{Completion, JobSpec};
use crate::api::{Api, Endpoint, SuccessBody};
use crate::scheme::Scheme;

/// How the jobs of an operation run, for [`MockOrg::job_scenario`](crate::MockOrg::job_scenario).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobScenario {
    /// Done at the first poll. The default.
    Quick,
    /// Passes through its states during three polls.
    Slow,
    /// Fails, with an error message if the response has a field for it.
    FailsWithMessage,
    /// Succeeds, but its results have expired: they return 404, and the status reports it from the second time
    /// on.
    Expires,
    /// Is cancelled by someone else.
    CancelledElsewhere,
    /// Passes through a state that the document doesn't have.
    UnknownState,
    /// Succeeds, except that some of its work failed.
    PartlySucceeds,
    /// The first poll returns 503, and the second 429 with a `Retry-After` of one second.
    TransientErrors,
    /// Has its results on four pages, or in three files.
    ResultsInManyPages,
    /// Has no results.
    EmptyResult,
    /// The response to the submit has the results.
    InlineAtOnce,
    /// Every page of its results is a redirect to a file; the body has the cursor of the next page.
    RedirectWithBody,
    /// Has its results in a file, where the response could contain them.
    Download,
    /// The file is compressed with gzip.
    GzipDownload,
    /// The download ends in the middle of the file; the next one may continue there.
    DroppedDownload,
    /// The download ends in the middle of the file; the next one starts from the beginning.
    DownloadWithoutRange,
    /// Every download ends in the middle of the file.
    ShortDownload,
    /// The URL of the file has expired; the next status has a new one.
    ExpiredLink,
    /// The URL of the file points to another host, and is not https.
    ForeignLink,
}

/// How long a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobPace {
    /// Running for this many polls; the next one finds it done.
    Polls(u32),
    /// Running for this long, on the Tokio clock.
    Time(Duration),
}

impl JobScenario {
    /// All scenarios.
    pub const ALL: [Self; 19] = [
        Self::Quick,
        Self::Slow,
        Self::FailsWithMessage,
        Self::Expires,
        Self::CancelledElsewhere,
        Self::UnknownState,
        Self::PartlySucceeds,
        Self::TransientErrors,
        Self::ResultsInManyPages,
        Self::EmptyResult,
        Self::InlineAtOnce,
        Self::RedirectWithBody,
        Self::Download,
        Self::GzipDownload,
        Self::DroppedDownload,
        Self::DownloadWithoutRange,
        Self::ShortDownload,
        Self::ExpiredLink,
        Self::ForeignLink,
    ];

    /// Whether it is about files.
    pub(crate) fn is_download(self) -> bool {
        matches!(
            self,
            Self::Download
                | Self::GzipDownload
                | Self::DroppedDownload
                | Self::DownloadWithoutRange
                | Self::ShortDownload
                | Self::ExpiredLink
                | Self::ForeignLink
        )
    }

    /// How long a job runs by default.
    pub(crate) fn pace(self) -> JobPace {
        JobPace::Polls(match self {
            Self::Quick | Self::InlineAtOnce => 0,
            Self::Slow | Self::TransientErrors => 3,
            Self::UnknownState => 2,
            _ => 1,
        })
    }

    pub(crate) fn end(self) -> JobEnd {
        match self {
            Self::FailsWithMessage => JobEnd::Failed,
            Self::Expires => JobEnd::Expired,
            Self::CancelledElsewhere => JobEnd::Cancelled,
            Self::PartlySucceeds => JobEnd::PartlySucceeded,
            Self::ShortDownload | Self::ForeignLink => JobEnd::Undeliverable,
            _ => JobEnd::Succeeded,
        }
    }

    /// Whether the jobs of a spec support the scenario.
    pub(crate) fn applies(self, api: &Api, spec: &JobSpec) -> bool {
        let (states, output) = (&spec.states, &spec.output);
        let submit = api.endpoint(spec.submit);
        let is_polled = spec.is_pollable();
        let links = output.in_status.links.filter(|_| is_polled);
        match self {
            Self::Quick => true,
            Self::Slow | Self::TransientErrors => is_polled,
            Self::FailsWithMessage => is_polled && states.failed.is_some(),
            Self::Expires => is_polled && states.expired.is_some(),
            Self::CancelledElsewhere => is_polled && states.cancelled.is_some(),
            Self::PartlySucceeds => is_polled && states.partly.is_some(),
            Self::UnknownState => spec.state_path().is_some() && states.succeeded.is_some(),
            Self::ResultsInManyPages => {
                let is_paged = |endpoint: &Endpoint| endpoint.scheme.is_some_and(Scheme::is_paged);
                let by_page = submit.scheme == Some(Scheme::JobSelectsPage);
                let listed = spec.listed_by(api);
                listed.is_some_and(|it| by_page || is_paged(it))
                    || is_polled && output.has_many_files()
            }
            Self::EmptyResult => {
                let in_list = output.in_status.inline.as_ref().is_some_and(|it| it.is_list());
                is_polled && (spec.listed_by(api).is_some() || in_list)
            }
            Self::InlineAtOnce => {
                let location = &output.in_submit;
                let has =
                    |status| submit.operation.replies.iter().any(|it| it.status == Some(status));
                let either = has(200) && has(202) || !is_polled;
                either
                    && spec.completion != Completion::Accepted
                    && (location.inline.is_some() || location.links.is_some())
            }
            Self::RedirectWithBody => spec.results.is_some_and(|results| {
                let replies = &api.endpoint(results).operation.replies;
                replies.iter().any(|response| matches!(response.status, Some(300..400)))
            }),
            Self::GzipDownload => links.is_some() && output.format == FileFormat::Json,
            _ => links.is_some(),
        }
    }
}

impl JobSpec {
    /// The operation that lists its results, if one does.
    pub(crate) fn listed_by<'a>(&self, api: &'a Api) -> Option<&'a Endpoint> {
        let endpoint = match (self.results, &self.completion) {
            (_, Completion::InList(_)) => None,
            (Some(results), _) => Some(results),
            (None, _) => self.status,
        };
        let endpoint = endpoint.map(|index| api.endpoint(index));
        endpoint.filter(|it| matches!(it.success_response().body, SuccessBody::Listing(_)))
    }
}
