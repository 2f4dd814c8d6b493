//! Derives from the document which operations submit jobs, and how these run.

use std::collections::{HashMap, HashSet};

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

use super::results::JobResults;
use super::row::{CompletionRule, ResultField, Row, StatusRule};
use super::spec::{Completion, IdLocation, JobSpec, field};
use super::states::States;
use super::table::TABLE;
use crate::api::Endpoint;
use crate::classify::ItemLocation;

/// The ends of paths of submits.
const SUBMITS: [&str; 4] = ["jobs", "exports", "imports", "batchrequests"];

/// Where the response to a submit has the job id, most likely field first.
const IDS: [&str; 5] = ["job.id", "jobId", "executionId", "id", "operationId"];

/// Where a response has the state of a job.
pub(crate) const STATES: [&str; 10] = [
    "state",
    "status",
    "queryState",
    "queryStatus",
    "jobState",
    "jobStatus",
    "actionStatus",
    "statusCode",
    "trainingStatus",
    "importStatusResult.status",
];

/// The field that appears in a status without a state.
const RESULTS: [&str; 2] = ["results", "files"];

/// Finds the job specs of a document.
pub(crate) struct Finder<'a> {
    catalogue: &'static Catalogue,
    endpoints: &'a [Endpoint],
    /// By method and path, without the names of path parameters.
    routes: HashMap<String, usize>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(catalogue: &'static Catalogue, endpoints: &'a [Endpoint]) -> Self {
        let route = |(index, endpoint): (usize, &Endpoint)| {
            (route(&endpoint.operation.method, &endpoint.operation.path), index)
        };
        Self { catalogue, endpoints, routes: endpoints.iter().enumerate().map(route).collect() }
    }

    pub(crate) fn job_specs(&self) -> Vec<JobSpec> {
        let rows = TABLE.iter().flat_map(|row| {
            row.submits.iter().filter_map(move |submit| {
                let (method, path) = submit.split_once(' ')?;
                Some((self.find(method, path)?, Some(row)))
            })
        });
        let rows: Vec<_> = rows.collect();
        let known: HashSet<_> = rows.iter().map(|(submit, _)| *submit).collect();
        let others = (0..self.endpoints.len()).filter(|index| {
            self.endpoints[*index].operation.method == "POST"
                && !known.contains(index)
                && self.submits(*index)
        });
        let rows = rows.iter().copied().chain(others.map(|index| (index, None)));
        rows.filter_map(|(submit, row)| self.spec(submit, row)).collect()
    }

    fn find(&self, method: &str, path: &str) -> Option<usize> {
        self.routes.get(&route(method, path)).copied()
    }

    fn path(&self, endpoint: usize) -> &'static str {
        &self.endpoints[endpoint].operation.path
    }

    /// Whether operations below the path show that the operation submits jobs.
    fn submits(&self, endpoint: usize) -> bool {
        let path = self.path(endpoint);
        let below = |rest: &str| self.find("GET", &format!("{path}{rest}")).is_some();
        SUBMITS.iter().any(|end| path.ends_with(end)) && below("/{}")
            || path.ends_with("/query") && below("/{}") && below("/{}/results")
    }

    fn spec(&self, submit: usize, row: Option<&Row>) -> Option<JobSpec> {
        let path = self.path(submit);
        let status_rule = row.map_or(&StatusRule::Below, |row| &row.status);
        let rule = row.map_or(CompletionRule::State, |row| row.completion);
        let result_field = row.map_or(ResultField::ByRule, |row| row.result);
        let below = |rest: &str| self.find("GET", &format!("{path}{rest}"));
        let (status, status_path) = match status_rule {
            StatusRule::Below => (below("/{}"), format!("{path}/{{}}")),
            StatusRule::At(path) => (self.find("GET", path), (*path).to_owned()),
            StatusRule::Same => (below(""), path.to_owned()),
            StatusRule::Nowhere => (None, String::new()),
        };
        if status.is_none() && !matches!(status_rule, StatusRule::Nowhere) {
            return None;
        }
        let response = self.response(submit);
        let status_schema = match status {
            Some(status) if matches!(rule, CompletionRule::InList) => self.element(status)?,
            Some(status) => self.response(status)?,
            None => response?,
        };
        let (completion, states) = self.completion(status_schema, status.is_some(), row)?;
        let results = ["results", "result"].iter().find_map(|end| {
            self.find("GET", &format!("{status_path}/{end}")).filter(|_| status.is_some())
        });
        // DELETE at the path of a GET deletes the resource, and cancels nothing.
        let is_get = self.endpoints[submit].operation.method == "GET";
        let cancel = status.filter(|_| !matches!(status_rule, StatusRule::Same) || !is_get);
        let awaiting_input = states.awaiting_input.is_some();
        Some(JobSpec {
            submit,
            status,
            results,
            cancel: cancel.and_then(|_| self.find("DELETE", &status_path)),
            release: self.find("PUT", &status_path).filter(|_| awaiting_input),
            id: self.id(response, row)?,
            output: JobResults::of(
                self.catalogue,
                path,
                (status_schema, response),
                result_field,
                results.is_some(),
            ),
            completion,
            states,
        })
    }

    /// The schema of the success response of an operation.
    fn response(&self, endpoint: usize) -> Option<&'static Schema> {
        let replies = self.endpoints[endpoint].operation.replies.iter();
        let mut bodies = replies
            .filter(|response| response.status.is_none_or(|status| (200..300).contains(&status)))
            .filter_map(|response| response.schema.as_ref());
        bodies.next().map(|schema| self.catalogue.resolve(schema))
    }

    /// The schema of a job in a list of jobs.
    fn element(&self, endpoint: usize) -> Option<&'static Schema> {
        let response = self.response(endpoint)?;
        match ItemLocation::of(self.catalogue, response)? {
            ItemLocation::Field(name, None) => {
                let item = field(self.catalogue, response, name)?.items.as_deref()?;
                Some(self.catalogue.resolve(item))
            }
            _ => None,
        }
    }

    fn id(&self, response: Option<&'static Schema>, row: Option<&Row>) -> Option<IdLocation> {
        if let Some(location) = row.and_then(|row| row.id) {
            return Some(location);
        }
        let has = |path: &&&'static str| field(self.catalogue, response?, path).map(|_| **path);
        IDS.iter().find_map(|path| has(&path)).map(IdLocation::Field)
    }

    fn completion(
        &self,
        status: &'static Schema,
        is_polled: bool,
        row: Option<&Row>,
    ) -> Option<(Completion, States)> {
        let without = row.map_or(&[][..], |row| row.without);
        let states = |path: &str| States::of(field(self.catalogue, status, path)?, without);
        let paths = STATES.iter().flat_map(|name| [(*name).to_owned(), format!("job.{name}")]);
        let found = paths.filter_map(|path| states(&path).map(|states| (path, states))).next();
        if !is_polled {
            return Some((Completion::Never, found.map(|(_, states)| states).unwrap_or_default()));
        }
        match row.map_or(CompletionRule::State, |row| row.completion) {
            CompletionRule::State => {}
            CompletionRule::InList => {
                return found.map(|(path, states)| (Completion::InList(path), states));
            }
            CompletionRule::Field(name) => {
                return Some((Completion::Field(name), States::default()));
            }
            CompletionRule::Since(name) => {
                return Some((Completion::Since(name), States::default()));
            }
            CompletionRule::Accepted => return Some((Completion::Accepted, States::default())),
            CompletionRule::States(names) => {
                let is_bare = status.kind == Some(Kind::String);
                let path = if is_bare { "" } else { "status" };
                return Some((
                    Completion::State(path.to_owned()),
                    States::sort(names.iter().copied()),
                ));
            }
        }
        if let Some((path, states)) = found {
            return Some((Completion::State(path), states));
        }
        let name = RESULTS.into_iter().find(|name| status.property(name).is_some())?;
        Some((Completion::Field(name), States::default()))
    }
}

fn route(method: &str, path: &str) -> String {
    let segments = path.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}
