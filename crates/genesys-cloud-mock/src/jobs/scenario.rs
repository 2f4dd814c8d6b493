use std::time::Duration;

use super::expected::JobEnd;
use super::family::{Family, Told};
use super::results::Form;
use crate::api::{AnswerBody, Api, Endpoint};
use crate::scheme::Scheme;

/// How the jobs of an operation run, for [`MockOrg::job_scenario`](crate::MockOrg::job_scenario).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobScenario {
    /// It is done when its status is first asked for. Jobs run like this without a scenario.
    Quick,
    /// It goes through its states, three polls long.
    Slow,
    /// It fails, and says why where the reply has a place for that.
    FailsWithMessage,
    /// It is done, and by then its results have expired: they answer 404, and the status says so
    /// from the second time on.
    Expires,
    /// Someone else cancels it.
    CancelledElsewhere,
    /// It goes through a state the document doesn't know.
    UnknownState,
    /// It is done, and some of its work failed.
    PartlySucceeds,
    /// The first poll is answered 503 and the second 429, which asks for a pause of one second.
    TransientErrors,
    /// Its results come on four pages, or in three files.
    ResultsInManyPages,
    /// It has no results.
    EmptyResult,
    /// The reply to the submit has the results.
    InlineAtOnce,
    /// Every page of its results is a redirect to a file; the body has the cursor of the next.
    RedirectWithBody,
    /// Its results come as a file, where they could stand in the reply.
    Download,
    /// The file is compressed by gzip.
    GzipDownload,
    /// The download ends in the middle of the file; the next try may go on from there.
    DroppedDownload,
    /// The same, where every try begins at the start of the file.
    DownloadWithoutRange,
    /// No try gets beyond the middle of the file.
    ShortDownload,
    /// The URL of the file has expired; the status has a new one when it is asked for again.
    ExpiredLink,
    /// The URL of the file leads to another host, and is not https.
    ForeignLink,
}

/// How long a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobPace {
    /// So many polls find it running; the next finds it done.
    Polls(u32),
    /// So long, by the clock of tokio.
    Time(Duration),
}

impl JobScenario {
    /// Every scenario there is.
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

    /// How long a job runs if a test doesn't say it.
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

    /// Whether the jobs of a family can run like this at all.
    pub(crate) fn applies(self, api: &Api, family: &Family) -> bool {
        let (states, output) = (&family.states, &family.output);
        let submit = api.endpoint(family.submit);
        let is_polled = family.is_pollable();
        let links = output.in_status.links.filter(|_| is_polled);
        match self {
            Self::Quick => true,
            Self::Slow | Self::TransientErrors => is_polled,
            Self::FailsWithMessage => is_polled && states.failed.is_some(),
            Self::Expires => is_polled && states.expired.is_some(),
            Self::CancelledElsewhere => is_polled && states.cancelled.is_some(),
            Self::PartlySucceeds => is_polled && states.partly.is_some(),
            Self::UnknownState => family.state_path().is_some() && states.succeeded.is_some(),
            Self::ResultsInManyPages => {
                let is_paged = |endpoint: &Endpoint| endpoint.scheme.is_some_and(Scheme::is_paged);
                let by_page = submit.scheme == Some(Scheme::JobSelectsPage);
                let listed = family.listed_by(api);
                listed.is_some_and(|it| by_page || is_paged(it))
                    || is_polled && output.has_many_files()
            }
            Self::EmptyResult => {
                let in_list = output.in_status.inline.as_ref().is_some_and(|it| it.is_list());
                is_polled && (family.listed_by(api).is_some() || in_list)
            }
            Self::InlineAtOnce => {
                let place = &output.in_submit;
                let has =
                    |status| submit.operation.replies.iter().any(|it| it.status == Some(status));
                let either = has(200) && has(202) || !is_polled;
                either
                    && family.told != Told::Accepted
                    && (place.inline.is_some() || place.links.is_some())
            }
            Self::RedirectWithBody => family.results.is_some_and(|results| {
                let replies = &api.endpoint(results).operation.replies;
                replies.iter().any(|reply| matches!(reply.status, Some(300..400)))
            }),
            Self::GzipDownload => links.is_some() && output.form == Form::Json,
            _ => links.is_some(),
        }
    }
}

impl Family {
    /// The operation that pages its results, if one does.
    pub(crate) fn listed_by<'a>(&self, api: &'a Api) -> Option<&'a Endpoint> {
        let endpoint = match (self.results, &self.told) {
            (_, Told::InList(_)) => None,
            (Some(results), _) => Some(results),
            (None, _) => self.status,
        };
        let endpoint = endpoint.map(|place| api.endpoint(place));
        endpoint.filter(|it| matches!(it.answer().body, AnswerBody::Listing(_)))
    }
}
