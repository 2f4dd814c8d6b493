//! Derives from the document which operations submit jobs, and how these run.

use std::collections::{HashMap, HashSet};

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};

use super::family::{Family, IdPlace, Told, field};
use super::results::JobResults;
use super::states::States;
use super::table::{Asked, Named, Row, TABLE, Word};
use crate::api::Endpoint;
use crate::classify::ItemPlace;

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
        let route = |(place, endpoint): (usize, &Endpoint)| {
            (route(&endpoint.operation.method, &endpoint.operation.path), place)
        };
        Self { catalogue, endpoints, routes: endpoints.iter().enumerate().map(route).collect() }
    }

    pub(crate) fn families(&self) -> Vec<Family> {
        let rows = TABLE.iter().flat_map(|row| {
            row.submits.iter().filter_map(move |submit| {
                let (method, path) = submit.split_once(' ')?;
                Some((self.find(method, path)?, Some(row)))
            })
        });
        let rows: Vec<_> = rows.collect();
        let known: HashSet<_> = rows.iter().map(|(submit, _)| *submit).collect();
        let others = (0..self.endpoints.len()).filter(|place| {
            self.endpoints[*place].operation.method == "POST"
                && !known.contains(place)
                && self.submits(*place)
        });
        let rows = rows.iter().copied().chain(others.map(|place| (place, None)));
        rows.filter_map(|(submit, row)| self.family(submit, row)).collect()
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

    fn family(&self, submit: usize, row: Option<&Row>) -> Option<Family> {
        let path = self.path(submit);
        let asked = row.map_or(&Asked::Below, |row| &row.status);
        let word = row.map_or(Word::State, |row| row.told);
        let named = row.map_or(Named::ByRule, |row| row.result);
        let below = |rest: &str| self.find("GET", &format!("{path}{rest}"));
        let (status, status_path) = match asked {
            Asked::Below => (below("/{}"), format!("{path}/{{}}")),
            Asked::At(path) => (self.find("GET", path), (*path).to_owned()),
            Asked::Same => (below(""), path.to_owned()),
            Asked::Nowhere => (None, String::new()),
        };
        if status.is_none() && !matches!(asked, Asked::Nowhere) {
            return None;
        }
        let reply = self.reply(submit);
        let told_by = match status {
            Some(status) if matches!(word, Word::InList) => self.element(status)?,
            Some(status) => self.reply(status)?,
            None => reply?,
        };
        let (told, states) = self.told(told_by, status.is_some(), row)?;
        let results = ["results", "result"].iter().find_map(|end| {
            self.find("GET", &format!("{status_path}/{end}")).filter(|_| status.is_some())
        });
        // DELETE at the path of a GET deletes the resource, and cancels nothing.
        let is_get = self.endpoints[submit].operation.method == "GET";
        let cancel = status.filter(|_| !matches!(asked, Asked::Same) || !is_get);
        let held = states.held.is_some();
        Some(Family {
            submit,
            status,
            results,
            cancel: cancel.and_then(|_| self.find("DELETE", &status_path)),
            release: self.find("PUT", &status_path).filter(|_| held),
            id: self.id(reply, row)?,
            output: JobResults::of(
                self.catalogue,
                path,
                (told_by, reply),
                named,
                results.is_some(),
            ),
            told,
            states,
        })
    }

    /// The schema of the success response of an operation.
    fn reply(&self, endpoint: usize) -> Option<&'static Schema> {
        let replies = self.endpoints[endpoint].operation.replies.iter();
        let mut bodies = replies
            .filter(|reply| reply.status.is_none_or(|status| (200..300).contains(&status)))
            .filter_map(|reply| reply.schema.as_ref());
        bodies.next().map(|schema| self.catalogue.resolve(schema))
    }

    /// The schema of a job in a list of jobs.
    fn element(&self, endpoint: usize) -> Option<&'static Schema> {
        let reply = self.reply(endpoint)?;
        match ItemPlace::of(self.catalogue, reply)? {
            ItemPlace::Field(name, None) => {
                let item = field(self.catalogue, reply, name)?.items.as_deref()?;
                Some(self.catalogue.resolve(item))
            }
            _ => None,
        }
    }

    fn id(&self, reply: Option<&'static Schema>, row: Option<&Row>) -> Option<IdPlace> {
        if let Some(place) = row.and_then(|row| row.id) {
            return Some(place);
        }
        let has = |path: &&&'static str| field(self.catalogue, reply?, path).map(|_| **path);
        IDS.iter().find_map(|path| has(&path)).map(IdPlace::Field)
    }

    fn told(
        &self,
        status: &'static Schema,
        is_polled: bool,
        row: Option<&Row>,
    ) -> Option<(Told, States)> {
        let without = row.map_or(&[][..], |row| row.without);
        let states = |path: &str| States::of(field(self.catalogue, status, path)?, without);
        let paths = STATES.iter().flat_map(|name| [(*name).to_owned(), format!("job.{name}")]);
        let found = paths.filter_map(|path| states(&path).map(|states| (path, states))).next();
        if !is_polled {
            return Some((Told::Never, found.map(|(_, states)| states).unwrap_or_default()));
        }
        match row.map_or(Word::State, |row| row.told) {
            Word::State => {}
            Word::InList => return found.map(|(path, states)| (Told::InList(path), states)),
            Word::Field(name) => return Some((Told::Field(name), States::default())),
            Word::Since(name) => return Some((Told::Since(name), States::default())),
            Word::Accepted => return Some((Told::Accepted, States::default())),
            Word::States(names) => {
                let is_bare = status.kind == Some(Kind::String);
                let path = if is_bare { "" } else { "status" };
                return Some((Told::State(path.to_owned()), States::sort(names.iter().copied())));
            }
        }
        if let Some((path, states)) = found {
            return Some((Told::State(path), states));
        }
        let name = RESULTS.into_iter().find(|name| status.property(name).is_some())?;
        Some((Told::Field(name), States::default()))
    }
}

fn route(method: &str, path: &str) -> String {
    let segments = path.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}
