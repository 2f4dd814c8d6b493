//! What is read: any list of the API, a tree of lists, or a job, according to the catalogue and the bindings.

use std::sync::Arc;

use genesys_cloud_catalogue::tags::{Place as Part, TagKind, TokenForm};
use genesys_cloud_catalogue::{Catalogue, Kind, Location, Operation as Known};
use genesys_cloud_core::{
    Availability, Client, Completion, FileForm, JobId, JobOperation, JobSpec, JobState, ListSpec,
    Method, NextToken, Operation, PageSize, Paginator, ParamLocation, Request, ResultLocation,
    Results, Scheme,
};
use genesys_cloud_mock::{JobScenario, Lie, MockOrg, Scenario};
use serde_json::{Value, json};

/// A search of `{"pageNumber":1,"pageSize":10}` as the API takes it: gzip in base64.
const SEARCH: &str = "H4sIAAAAAAACA6tWKkhMT/UrzU1KLVKyMtQBc4Mzq1KBHINaAEDkRzseAAAA";

/// The query parameters that select a page, in any scheme.
const STARTS: [&str; 6] = ["pageNumber", "startIndex", "before", "after", "cursor", "nextPage"];

/// A list of the API.
pub(crate) struct List {
    pub(crate) operation: &'static str,
    pub(crate) is_paged: bool,
    /// Whether the API limits how far it can be read.
    pub(crate) is_capped: bool,
    pub(crate) scheme: Scheme,
    /// The scenarios that it supports.
    pub(crate) scenarios: Vec<Scenario>,
    /// The lies that the org supports for it.
    pub(crate) lies: Vec<Lie>,
    listing: ListSpec,
    request: Request,
}

/// All lists, grouped by scheme, so that rare schemes are read as often as others.
fn lists(org: &MockOrg) -> Vec<Vec<List>> {
    let mut schemes: Vec<Vec<List>> = Vec::new();
    for mut list in Catalogue::embedded().operations().filter_map(List::of) {
        // Lists that the fake org does not recognize are skipped.
        let Ok(scenarios) = org.scenarios(list.operation) else { continue };
        list.scenarios = scenarios;
        list.lies = org.lies(list.operation).unwrap_or_default();
        list.lies.retain(|lie| !lie.is_about_jobs());
        match schemes.iter_mut().find(|known| known[0].scheme == list.scheme) {
            Some(known) => known.push(list),
            None => schemes.push(vec![list]),
        }
    }
    schemes
}

impl List {
    fn of(known: &'static Known) -> Option<Self> {
        let tag = known.tag().ok().flatten()?;
        if !tag.is_list() {
            return None;
        }
        let list = tag.list;
        let scheme = Scheme::named(list.scheme?.name())?;
        let mut listing = ListSpec::new(scheme, list.items?);
        if let Some(size) = list.page_size {
            let known = PageSize::new(size.name, size.text);
            let is_body = size.place == Part::Body;
            listing = listing.with_page_size(if is_body { known.in_body() } else { known });
        }
        if let [one] = &list.token_in[..] {
            listing = listing
                .with_token_in(ParamLocation::new(one.name.clone(), one.place == Part::Body));
        }
        let out = list.token_out.and_then(|out| match out.form {
            TokenForm::Field => Some(NextToken::field("").at(out.path)),
            TokenForm::InLink => Some(NextToken::in_link("").at(out.path)),
            TokenForm::Link => Some(NextToken::link("").at(out.path)),
            // The default of the scheme.
            TokenForm::LastItem | TokenForm::Mark => None,
        });
        if let Some(out) = out {
            listing = listing.with_token_out(out);
        }
        if !list.reply.fields.is_empty() {
            listing = listing.with_fields(&list.reply.fields);
        }
        if !list.reply.values {
            listing = listing.with_objects();
        }
        Some(Self {
            operation: &known.id,
            is_paged: tag.kind == TagKind::Paged,
            is_capped: list.cap.is_some(),
            scheme,
            scenarios: Vec::new(),
            lies: Vec::new(),
            listing,
            request: request(known, tag.reads)?,
        })
    }

    pub(crate) fn open(&self, client: &Client) -> Paginator<Value> {
        Paginator::from_request(client, self.request.clone(), self.listing.clone())
    }

    /// Opens the list with these values of its path parameters.
    pub(crate) fn open_at<'a>(
        &self,
        client: &Client,
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Paginator<Value> {
        let mut request = self.request.clone();
        for (name, value) in values {
            request.set_path(name.to_owned(), value);
        }
        Paginator::from_request(client, request, self.listing.clone())
    }

    /// The parameters of its request that can select a page.
    pub(crate) fn starts(&self) -> Vec<&'static str> {
        let known = Catalogue::embedded().operation(self.operation);
        let is_taken = |name: &&str| {
            let parameter = known.and_then(|known| known.parameter(name));
            parameter.is_some_and(|it| it.location == Location::Query && !it.required)
        };
        STARTS.into_iter().filter(is_taken).collect()
    }

    /// Opens the list with such a parameter.
    pub(crate) fn open_with(&self, client: &Client, name: &str, value: &str) -> Paginator<Value> {
        let mut request = self.request.clone();
        request.set_query(name.to_owned(), value);
        Paginator::from_request(client, request, self.listing.clone())
    }
}

/// Builds a request with the required parameters.
fn request(known: &'static Known, reads: bool) -> Option<Request> {
    let method = match known.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        _ => return None,
    };
    let operation = Operation::from_static(&known.id, method, &known.path);
    let mut request = Request::new(if reads { operation.reads() } else { operation });
    for parameter in &known.parameters {
        let value = match parameter.kind {
            Kind::Boolean => "true",
            Kind::Integer | Kind::Number => "1",
            // As a filter, this matches all records.
            _ if parameter.name == "name" => "*",
            _ if parameter.name == "q64" => SEARCH,
            _ => "a",
        };
        match parameter.location {
            Location::Path => request.set_path(parameter.name.as_str(), value),
            Location::Query if parameter.required => {
                request.set_query(parameter.name.as_str(), value)
            }
            _ => &mut request,
        };
    }
    if known.body.is_some() {
        request.set_body(&json!({}));
    }
    Some(request)
}

/// Scenarios in which jobs have results.
const JOB_SCENARIOS: [JobScenario; 12] = [
    JobScenario::Quick,
    JobScenario::Slow,
    JobScenario::UnknownState,
    JobScenario::TransientErrors,
    JobScenario::ResultsInManyPages,
    JobScenario::EmptyResult,
    JobScenario::InlineAtOnce,
    JobScenario::Download,
    JobScenario::GzipDownload,
    JobScenario::DroppedDownload,
    JobScenario::DownloadWithoutRange,
    JobScenario::ExpiredLink,
];

/// An operation that submits jobs, one for each kind of result.
#[derive(Clone)]
pub(crate) struct Submit {
    pub(crate) operation: &'static str,
    /// The supported scenarios in which jobs have results.
    pub(crate) scenarios: Vec<JobScenario>,
    /// The lies that the org supports for its jobs.
    pub(crate) lies: Vec<Lie>,
    path: &'static str,
    spec: fn() -> JobSpec,
}

const SUBMITS: [Submit; 5] = [
    Submit {
        operation: "postAnalyticsConversationsDetailsJobs",
        scenarios: Vec::new(),
        lies: Vec::new(),
        path: "/api/v2/analytics/conversations/details/jobs",
        spec: || {
            let path = "/api/v2/analytics/conversations/details/jobs/{jobId}";
            let results = "/api/v2/analytics/conversations/details/jobs/{jobId}/results";
            spec("jobId", "state", &["FULFILLED"], ("getAnalyticsConversationsDetailsJob", path))
                .with_results(Results::List(
                    call("getAnalyticsConversationsDetailsJobResults", results),
                    ListSpec::new(Scheme::CursorField, "conversations")
                        .with_objects()
                        .with_page_size(PageSize::integer("pageSize")),
                ))
                .with_availability(Availability::new(
                    Operation::from_static(
                        "getAnalyticsConversationsDetailsJobsAvailability",
                        Method::Get,
                        "/api/v2/analytics/conversations/details/jobs/availability",
                    ),
                    "dataAvailabilityDate".into(),
                    ParamLocation::body("interval"),
                ))
        },
    },
    Submit {
        operation: "postAuditsQuery",
        scenarios: Vec::new(),
        lies: Vec::new(),
        path: "/api/v2/audits/query",
        spec: || {
            let path = "/api/v2/audits/query/{jobId}";
            let results = "/api/v2/audits/query/{jobId}/results";
            spec("id", "state", &["Succeeded"], ("getAuditsQueryTransactionId", path))
                .with_results(Results::List(
                    call("getAuditsQueryTransactionIdResults", results),
                    ListSpec::new(Scheme::CursorField, "entities")
                        .with_objects()
                        .with_page_size(PageSize::integer("pageSize")),
                ))
                .with_results_at_once(true)
        },
    },
    Submit {
        operation: "postTaskmanagementWorkitemsQueryJobs",
        scenarios: Vec::new(),
        lies: Vec::new(),
        path: "/api/v2/taskmanagement/workitems/query/jobs",
        spec: || {
            let path = "/api/v2/taskmanagement/workitems/query/jobs/{jobId}";
            let results = "/api/v2/taskmanagement/workitems/query/jobs/{jobId}/results";
            spec("id", "state", &["Succeeded"], ("getTaskmanagementWorkitemsQueryJob", path))
                .with_results(Results::List(
                    call("getTaskmanagementWorkitemsQueryJobResults", results),
                    ListSpec::new(Scheme::JobSelectsPage, "entities")
                        .with_objects()
                        .with_page_size(PageSize::integer("pageSize").in_body()),
                ))
                .with_results_at_once(true)
        },
    },
    Submit {
        operation: "postUsageQuery",
        scenarios: Vec::new(),
        lies: Vec::new(),
        path: "/api/v2/usage/query",
        spec: || {
            let path = "/api/v2/usage/query/{jobId}/results";
            let status = ("getUsageQueryExecutionIdResults", path);
            spec("executionId", "queryStatus", &["Complete"], status).with_results(
                Results::Response(vec![ResultLocation::Items("results".into())].into()),
            )
        },
    },
    Submit {
        operation: "postWorkforcemanagementAdherenceExplanationsQuery",
        scenarios: Vec::new(),
        lies: Vec::new(),
        path: "/api/v2/workforcemanagement/adherence/explanations/query",
        spec: || {
            let path = "/api/v2/workforcemanagement/adherence/explanations/jobs/{jobId}";
            let status = ("getWorkforcemanagementAdherenceExplanationsJob", path);
            let places = vec![
                ResultLocation::Items("result.entities".into()),
                ResultLocation::Files("downloadUrl".into(), FileForm::Json("entities".into())),
            ];
            spec("job.id", "status", &["Complete"], status)
                .with_results(Results::Response(places.into()))
                .with_results_at_once(true)
        },
    },
];

/// The operations with the scenarios and lies that they support.
fn submits(org: &MockOrg) -> Vec<Submit> {
    let known = |submit: &Submit| {
        let can = org.job_scenarios(submit.operation).unwrap_or_default();
        let scenarios = JOB_SCENARIOS.into_iter().filter(|scenario| can.contains(scenario));
        let mut lies = org.lies(submit.operation).unwrap_or_default();
        // For results in a status, the job spec can't require objects.
        let is_of_items = |lie: &Lie| matches!(lie.name(), "ScalarItem" | "ListItem");
        lies.retain(|lie| submit.is_listed() || !is_of_items(lie));
        // A fault may hide the only response that reports it, and the page is valid without it.
        lies.retain(|lie| lie.name() != "DataNotYetUnsaid");
        Submit { scenarios: scenarios.collect(), lies, ..submit.clone() }
    };
    SUBMITS.iter().map(known).collect()
}

impl Submit {
    /// Whether an operation lists the results.
    pub(crate) fn is_listed(&self) -> bool {
        matches!((self.spec)().results(), Results::List(..))
    }

    /// How the results are delivered.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.spec)().results() {
            Results::List(_, listing) => listing.scheme().name(),
            _ => "in the status",
        }
    }

    pub(crate) fn open(&self, client: &Client) -> Paginator<Value> {
        let operation = Operation::from_static(self.operation, Method::Post, self.path);
        let mut request = Request::new(operation);
        let spec = (self.spec)();
        request.set_body(&match spec.availability() {
            Some(_) => json!({ "interval": "2024-05-01T00:00Z/2024-05-02T00:00Z" }),
            None => json!({}),
        });
        Paginator::from_job(client, request, spec)
    }
}

fn spec(
    id: &'static str,
    state: &'static str,
    done: &[&'static str],
    status: (&'static str, &'static str),
) -> JobSpec {
    let states = done.iter().map(|name| ((*name).into(), JobState::Succeeded));
    // Some jobs report that they have expired, long after their end.
    let states = states.chain([("EXPIRED".into(), JobState::Expired)]);
    JobSpec::from_static("chaos")
        .with_id(JobId::Field(id.into()))
        .with_status(call(status.0, status.1))
        .with_done_when(Completion::State(state.into()))
        .with_states(states.collect())
}

fn call(id: &'static str, path: &'static str) -> JobOperation {
    JobOperation::new(Operation::from_static(id, Method::Get, path)).with_id("jobId".into())
}

/// A list whose path parameters come from other lists.
pub(crate) struct Tree {
    /// The lists, outermost first.
    lists: Vec<List>,
    /// How the records of each list but the last supply a path parameter.
    links: Vec<Link>,
}

/// A path parameter, and the field of a record that supplies it.
pub(crate) struct Link {
    parameter: String,
    field: String,
}

impl Link {
    /// The value of a record, if it has one.
    pub(crate) fn value(&self, record: &Value) -> Option<String> {
        match self.field.split('.').fold(record, |value, name| &value[name]) {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// The trees of up to three lists that need no path parameter besides those of their parents.
fn trees(org: &MockOrg) -> Vec<Arc<Tree>> {
    let catalogue = Catalogue::embedded();
    let of = |known: &'static Known| {
        let parents = known.tag().ok()??.parents;
        let (mut lists, mut links): (Vec<List>, Vec<Link>) = (Vec::new(), Vec::new());
        for parent in parents {
            let source = parent.list?;
            lists.push(List::of(catalogue.operation(&source.operation)?)?);
            links.push(Link { parameter: parent.parameter, field: source.field });
        }
        lists.push(List::of(known)?);
        let is_bound = |at: usize, name: &str| links[..at].iter().any(|it| it.parameter == name);
        let is_chain = lists.iter().enumerate().all(|(at, list)| {
            let entry = catalogue.operation(list.operation);
            let mut parameters = entry.into_iter().flat_map(|it| &it.parameters);
            parameters.all(|it| it.location != Location::Path || is_bound(at, &it.name))
        });
        let is_known = lists.iter().all(|list| org.scenarios(list.operation).is_ok());
        let is_tree = (1..=2).contains(&links.len()) && is_chain && is_known;
        is_tree.then(|| Arc::new(Tree { lists, links }))
    };
    catalogue.operations().filter_map(of).collect()
}

impl Tree {
    pub(crate) fn lists(&self) -> impl Iterator<Item = &List> + Clone {
        self.lists.iter()
    }

    /// The lists of parents, and how their records supply a path parameter.
    pub(crate) fn parents(&self) -> impl Iterator<Item = (&List, &Link)> {
        self.lists.iter().zip(&self.links)
    }

    /// The list itself.
    pub(crate) fn child(&self) -> &List {
        &self.lists[self.links.len()]
    }

    /// How many lists of parents there are.
    pub(crate) fn depth(&self) -> usize {
        self.links.len()
    }

    /// The values of the path parameters that these records supply, outermost first.
    pub(crate) fn values(&self, records: &[&Value]) -> Vec<String> {
        let links = self.links.iter().zip(records);
        links.map(|(link, record)| link.value(record).unwrap_or_default()).collect()
    }

    /// Opens the list at a level with these values.
    pub(crate) fn open(
        &self,
        level: usize,
        client: &Client,
        values: &[String],
    ) -> Paginator<Value> {
        let names = self.links.iter().map(|link| link.parameter.as_str());
        self.lists[level].open_at(client, names.zip(values.iter().map(String::as_str)))
    }

    /// The path of a list with these values.
    pub(crate) fn path(&self, list: &List, values: &[String]) -> String {
        let path = Catalogue::embedded().operation(list.operation).map_or("", |it| &it.path);
        self.links.iter().zip(values).fold(path.to_owned(), |path, (link, value)| {
            path.replace(&format!("{{{}}}", link.parameter), value)
        })
    }
}

/// Everything that can be read.
pub(crate) struct Subjects {
    pub(crate) schemes: Vec<Vec<List>>,
    pub(crate) submits: Vec<Submit>,
    pub(crate) trees: Vec<Arc<Tree>>,
}

impl Subjects {
    pub(crate) fn of(org: &MockOrg) -> Self {
        Self { schemes: lists(org), submits: submits(org), trees: trees(org) }
    }
}
