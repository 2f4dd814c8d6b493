use std::collections::{HashMap, HashSet};

use genesys_cloud_catalogue::{Catalogue, Schema};

use crate::api::Endpoint;
use crate::jobs::results::{Content, FileFormat, JobResults, Links};
use crate::jobs::rules::Finder;
use crate::jobs::states::States;

/// How the jobs that one operation submits run.
#[derive(Debug)]
pub(crate) struct JobSpec {
    /// This and the following fields are indexes in the table of endpoints.
    pub(crate) submit: usize,
    pub(crate) status: Option<usize>,
    pub(crate) results: Option<usize>,
    pub(crate) cancel: Option<usize>,
    /// The operation that a client calls when the job waits for it.
    pub(crate) release: Option<usize>,
    pub(crate) id: IdLocation,
    pub(crate) completion: Completion,
    pub(crate) states: States,
    /// The results, if the status or the response to the submit contains them.
    pub(crate) output: JobResults,
}

/// Where the id of a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdLocation {
    /// In the response to the submit, at this path.
    Field(&'static str),
    /// The last parameter in the path of the submit.
    Path,
    /// At the end of the `location` header.
    Location,
    /// Nowhere: each path has one job.
    Nowhere,
}

/// How the status shows the progress of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Completion {
    /// A state at this path; an empty path if the response is the state.
    State(String),
    /// This field appears once the job is done.
    Field(&'static str),
    /// This field has a time after the submit.
    Since(&'static str),
    /// A list of jobs has the state, at this path of the job.
    InList(String),
    /// The submit returns 202 until the job is done.
    Accepted,
    /// Only notifications show it.
    Never,
}

/// The role of an operation in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Status,
    Results,
    Cancel,
    Release,
}

impl JobSpec {
    pub(crate) fn role(&self, endpoint: usize) -> Option<Role> {
        let is = |index: Option<usize>| index == Some(endpoint);
        if is(self.status) {
            Some(Role::Status)
        } else if is(self.results) {
            Some(Role::Results)
        } else if is(self.cancel) {
            Some(Role::Cancel)
        } else if is(self.release) {
            Some(Role::Release)
        } else {
            None
        }
    }

    /// Whether the job can be polled.
    pub(crate) fn is_pollable(&self) -> bool {
        self.completion != Completion::Never
    }

    /// Whether the status has the results in one of its fields, or links to files.
    pub(crate) fn shows_results(&self) -> bool {
        let location = &self.output.in_status;
        let is_part = location.inline.as_ref().is_none_or(|inline| !inline.path.is_empty());
        let shows = location.inline.is_some() || location.links.is_some();
        self.is_pollable() && is_part && shows
    }

    fn links(&self) -> Option<Links> {
        self.output.in_status.links.filter(|_| self.is_pollable())
    }

    /// Whether the results may be files.
    pub(crate) fn has_files(&self) -> bool {
        self.links().is_some()
    }

    /// Whether the status has a list of file URLs.
    pub(crate) fn has_url_list(&self) -> bool {
        self.links().is_some_and(|links| links.is_list)
    }

    /// Whether the status has plain file URLs.
    pub(crate) fn has_plain_urls(&self) -> bool {
        self.links().is_some_and(|links| !links.is_entity)
    }

    /// Whether its files are JSON records.
    pub(crate) fn has_record_files(&self) -> bool {
        let is_one = matches!(self.output.content(), Some(Content::One(_)));
        self.has_files() && self.output.format == FileFormat::Json && !is_one
    }

    /// Whether its files are text.
    pub(crate) fn has_text_files(&self) -> bool {
        self.has_files() && self.output.format != FileFormat::Archive
    }

    /// Whether jobs are only accessible by an id that the submit returned.
    fn issues_ids(&self) -> bool {
        let is_asked_by_id = matches!(
            self.completion,
            Completion::State(_) | Completion::Field(_) | Completion::Since(_)
        );
        is_asked_by_id && matches!(self.id, IdLocation::Field(_) | IdLocation::Location)
    }

    /// The path of the state in the status.
    pub(crate) fn state_path(&self) -> Option<&str> {
        match &self.completion {
            Completion::State(path) | Completion::InList(path) => Some(path),
            _ => None,
        }
    }
}

/// All job specs of the document.
#[derive(Debug)]
pub(crate) struct JobSpecs {
    job_specs: Vec<JobSpec>,
    /// By the index of the submit.
    submits: HashMap<usize, usize>,
    /// By the index of an operation that lists jobs.
    lists: HashMap<usize, usize>,
    /// The indexes of operations that accept only ids of submitted jobs.
    by_id: HashSet<usize>,
}

impl JobSpecs {
    pub(crate) fn find(catalogue: &'static Catalogue, endpoints: &[Endpoint]) -> Self {
        let job_specs = Finder::new(catalogue, endpoints).job_specs();
        let by_submit = |(index, spec): (usize, &JobSpec)| (spec.submit, index);
        let submits = job_specs.iter().enumerate().map(by_submit).collect();
        let lists = job_specs.iter().enumerate().filter_map(|(index, spec)| {
            matches!(spec.completion, Completion::InList(_)).then_some((spec.status?, index))
        });
        let lists = lists.collect();
        let by_id = job_specs.iter().filter(|spec| spec.issues_ids());
        let by_id = by_id.flat_map(|spec| [spec.status, spec.results, spec.cancel]);
        let by_id = by_id.flatten().collect();
        Self { job_specs, submits, lists, by_id }
    }

    pub(crate) fn all(&self) -> &[JobSpec] {
        &self.job_specs
    }

    /// The spec of the jobs that an operation submits.
    pub(crate) fn of_submit(&self, endpoint: usize) -> Option<&JobSpec> {
        self.submits.get(&endpoint).map(|&index| &self.job_specs[index])
    }

    /// The spec of the jobs that an operation lists with their status.
    pub(crate) fn of_list(&self, endpoint: usize) -> Option<&JobSpec> {
        self.lists.get(&endpoint).map(|&index| &self.job_specs[index])
    }

    /// Whether an operation accepts only ids of submitted jobs.
    pub(crate) fn is_by_id(&self, endpoint: usize) -> bool {
        self.by_id.contains(&endpoint)
    }
}

/// The schema at a dotted path of field names.
pub(crate) fn field<'a>(
    catalogue: &'a Catalogue,
    schema: &'a Schema,
    path: &str,
) -> Option<&'a Schema> {
    let names = path.split('.').filter(|name| !name.is_empty());
    names.into_iter().try_fold(catalogue.resolve(schema), |schema, name| {
        schema.property(name).map(|field| catalogue.resolve(field))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::Api;

    /// Counts the specs of each kind in the embedded document. A new document may change a number; a change of
    /// the rules should not.
    #[test]
    fn finds_every_job_of_the_document() {
        let api = Api::embedded();
        let mut counts = BTreeMap::new();
        for spec in api.job_specs().all() {
            let location = &spec.output.in_status;
            let kind = match spec.completion {
                Completion::Accepted => "same URL",
                Completion::Never => "notification",
                _ if spec.results.is_some() => "operation",
                _ if spec.listed_by(api).is_some() => "status lists",
                _ => match (&location.inline, location.links) {
                    (Some(_), Some(_)) => "inline or file",
                    (Some(_), None) => "inline",
                    (None, Some(_)) => "file",
                    (None, None) => "nothing",
                },
            };
            *counts.entry(kind).or_insert(0) += 1;
        }
        let expected = [
            ("file", 23),
            ("inline", 12),
            ("inline or file", 25),
            ("nothing", 52),
            ("notification", 26),
            ("operation", 35),
            ("same URL", 9),
            ("status lists", 17),
        ];
        assert_eq!(counts, BTreeMap::from(expected));
    }

    #[test]
    fn only_operations_on_a_submitted_job_are_by_id() {
        let api = Api::embedded();
        for &index in &api.job_specs().by_id {
            let path = &api.endpoint(index).operation.path;
            let of_job = path.trim_end_matches("/results").trim_end_matches("/result");
            assert!(of_job.ends_with('}'), "{path}");
        }
        let is_by_id = |route: &str| {
            let endpoint = api.find(route).unwrap_or_else(|| panic!("{route}"));
            api.job_specs().is_by_id(endpoint.index)
        };
        for route in [
            "GET /api/v2/analytics/conversations/details/jobs/{jobId}",
            "DELETE /api/v2/analytics/conversations/details/jobs/{jobId}",
            "GET /api/v2/analytics/conversations/details/jobs/{jobId}/results",
            "GET /api/v2/contentmanagement/status/{statusId}",
            "GET /api/v2/recording/jobs/{jobId}",
            "GET /api/v2/usage/query/{executionId}/results",
        ] {
            assert!(is_by_id(route), "{route}");
        }
        for route in [
            "GET /api/v2/languageunderstanding/miners/{minerId}",
            "GET /api/v2/conversations/{conversationId}/recordings/{recordingId}",
            "GET /api/v2/outbound/contactlists/{contactListId}/export",
            "GET /api/v2/analytics/reporting/exports",
        ] {
            assert!(!is_by_id(route), "{route}");
        }
    }

    #[test]
    fn the_document_has_every_submit_of_the_table() {
        let job_specs = Api::embedded().job_specs();
        let rows = crate::jobs::table::TABLE.iter().flat_map(|row| row.submits);
        for submit in rows {
            let endpoint = Api::embedded().find(submit).unwrap_or_else(|| panic!("{submit}"));
            assert!(job_specs.of_submit(endpoint.index).is_some(), "{submit}");
        }
    }
}
