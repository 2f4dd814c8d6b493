use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::expected::{ExpectedJob, JobEnd};
use super::files::{File, Store, contents};
use super::response::failure;
use super::results::{CONTENTS, Content};
use super::run::{Plan, Run};
use super::scenario::{JobPace, JobScenario};
use super::spec::{Completion, JobSpec, JobSpecs};
use crate::api::{Api, Endpoint, SuccessBody};
use crate::clock::Clock;
use crate::error::Error;
use crate::identity::Id;
use crate::lies::Lies;
use crate::lists::Lists;
use crate::rng::mix;
use crate::scenario::Scenario;

/// The jobs of an org, and how jobs of each operation are to run.
#[derive(Debug)]
pub(crate) struct Jobs {
    api: &'static Api,
    seed: u64,
    lifetime: Duration,
    pub(super) clock: Clock,
    /// By the operationId of the submit.
    plans: Mutex<HashMap<&'static str, Plan>>,
    /// By id, or by path if the job has no id.
    runs: Mutex<HashMap<String, Arc<Run>>>,
    submitted: AtomicU64,
    pub(crate) store: Store,
}

impl Jobs {
    pub(crate) fn new(
        api: &'static Api,
        seed: u64,
        lifetime: Duration,
        clock: Clock,
        lies: Arc<Lies>,
    ) -> Self {
        Self {
            api,
            seed,
            lifetime,
            clock: clock.clone(),
            plans: Mutex::default(),
            runs: Mutex::default(),
            submitted: AtomicU64::new(0),
            store: Store::new(clock, lies),
        }
    }

    pub(crate) fn job_specs(&self) -> &'static JobSpecs {
        self.api.job_specs()
    }

    pub(crate) fn spec(&self, endpoint: &Endpoint) -> Result<&'static JobSpec, Error> {
        let spec = self.job_specs().of_submit(endpoint.index);
        spec.ok_or_else(|| Error::not_a_job(&endpoint.operation.id))
    }

    /// Sets the scenario of the jobs of an operation.
    pub(crate) fn plan(
        &self,
        lists: &Lists,
        endpoint: &'static Endpoint,
        scenario: JobScenario,
    ) -> Result<(), Error> {
        let spec = self.spec(endpoint)?;
        if !scenario.applies(self.api, spec) {
            return Err(Error::other_job_scenario(&endpoint.operation.id, scenario));
        }
        if let Some(listed_by) = spec.listed_by(self.api) {
            let list_scenario = match scenario {
                JobScenario::ResultsInManyPages | JobScenario::RedirectWithBody => {
                    Some(Scenario::ManyPages)
                }
                JobScenario::EmptyResult => Some(Scenario::EmptyList),
                _ => None,
            };
            lists.set_job_scenario(listed_by, list_scenario);
        }
        self.change(endpoint, |plan| plan.scenario = scenario);
        Ok(())
    }

    pub(crate) fn pace(&self, endpoint: &'static Endpoint, pace: JobPace) -> Result<(), Error> {
        self.spec(endpoint)?;
        self.change(endpoint, |plan| plan.pace = Some(pace));
        Ok(())
    }

    /// Sets the number of results of a job.
    pub(crate) fn set_records(
        &self,
        lists: &Lists,
        endpoint: &'static Endpoint,
        records: u64,
    ) -> Result<(), Error> {
        if let Some(listed_by) = self.spec(endpoint)?.listed_by(self.api) {
            return lists.set_size_for_job(listed_by, records);
        }
        self.change(endpoint, |plan| plan.records = Some(records));
        Ok(())
    }

    fn change(&self, endpoint: &'static Endpoint, change: impl FnOnce(&mut Plan)) {
        let mut plans = lock(&self.plans);
        let plan = plans.entry(&endpoint.operation.id).or_insert(Plan::DEFAULT);
        change(plan);
        plan.is_set = true;
        drop(plans);
        // A repeated request belongs to the previous plan.
        let is_new = |run: &Run| run.spec.submit != endpoint.index || !run.spec.repeats();
        lock(&self.runs).retain(|_, run| is_new(run));
    }

    pub(crate) fn scenarios(&self, endpoint: &Endpoint) -> Result<Vec<JobScenario>, Error> {
        let spec = self.spec(endpoint)?;
        let applies = |scenario: &JobScenario| scenario.applies(self.api, spec);
        Ok(JobScenario::ALL.into_iter().filter(applies).collect())
    }

    pub(crate) fn forget_plans(&self) {
        lock(&self.plans).clear();
    }

    pub(super) fn plan_of(&self, endpoint: &Endpoint) -> Plan {
        lock(&self.plans).get(endpoint.operation.id.as_str()).copied().unwrap_or(Plan::DEFAULT)
    }

    pub(crate) fn expected(
        &self,
        lists: &Lists,
        endpoint: &Endpoint,
    ) -> Result<ExpectedJob, Error> {
        let spec = self.spec(endpoint)?;
        let plan = self.plan_of(endpoint);
        let end = match plan.scenario {
            JobScenario::InlineAtOnce => JobEnd::Succeeded,
            _ if !spec.is_pollable() => JobEnd::NotificationOnly,
            scenario => scenario.end(),
        };
        let schema = spec.status.map(|status| self.api.endpoint(status)).and_then(Endpoint::schema);
        let failed = end == JobEnd::Failed;
        let mut expected = ExpectedJob {
            records: Vec::new(),
            files: Vec::new(),
            message: schema
                .filter(|_| failed)
                .and_then(failure)
                .map(|_| super::response::FAILURE.into()),
            awaiting_input: spec.states.awaiting_input.map(str::to_owned),
            end,
        };
        if !end.has_results() {
            return Ok(expected);
        }
        let list = lists.list(endpoint);
        let listed_by = spec.listed_by(self.api);
        let is_immediate = plan.scenario == JobScenario::InlineAtOnce;
        if self.is_in_file(spec, &plan) {
            let contents = contents(&spec.output, &plan, list);
            expected.files = contents.into_iter().map(|(body, _)| body).collect();
            expected.records = spec.output.keys(list, plan.count(), true);
        } else if is_immediate {
            let inline = spec.output.in_submit.inline.as_ref();
            expected.records = inline.map_or(Vec::new(), |it| it.content.keys(list, plan.count()));
        } else if let Some(listed_by) = listed_by {
            expected.records = lists.expected(listed_by)?.records;
        } else if let Some(results) = spec.results {
            let results = self.api.endpoint(results);
            if let SuccessBody::Record(shape) = &results.success_response().body {
                expected.records = Content::key_of_one(shape, lists.list(results)).into();
            }
        } else {
            expected.records = spec.output.keys(list, plan.count(), false);
        }
        Ok(expected)
    }

    /// Whether the results are files.
    pub(super) fn is_in_file(&self, spec: &JobSpec, plan: &Plan) -> bool {
        let is_immediate = plan.scenario == JobScenario::InlineAtOnce;
        let location = if is_immediate { &spec.output.in_submit } else { &spec.output.in_status };
        let wanted =
            plan.scenario.is_download() || plan.scenario == JobScenario::ResultsInManyPages;
        match (&location.inline, location.links) {
            (_, None) => false,
            (None, Some(_)) => true,
            // The document describes the contents of files, which are never part of the response.
            (Some(inline), Some(_)) => CONTENTS.contains(&inline.path.as_str()) || wanted,
        }
    }

    pub(super) fn new_id(&self) -> String {
        let number = self.submitted.fetch_add(1, Ordering::Relaxed);
        Id::random(mix(self.seed ^ 0x6a6f_6273) ^ number).to_string()
    }

    pub(super) fn start(&self, key: String, spec: &'static JobSpec, id: String) -> Arc<Run> {
        let plan = self.plan_of(self.api.endpoint(spec.submit));
        let run = Arc::new(Run::new((spec, id), plan, self.lifetime, self.clock.clone()));
        lock(&self.runs).insert(key, Arc::clone(&run));
        run
    }

    pub(super) fn run(&self, key: &str) -> Option<Arc<Run>> {
        lock(&self.runs).get(key).cloned()
    }

    pub(super) fn forget(&self, key: &str) {
        lock(&self.runs).remove(key);
    }

    /// All jobs of a spec, in the order of their submits.
    pub(super) fn runs_of(&self, spec: &JobSpec) -> Vec<Arc<Run>> {
        let mut runs: Vec<_> = lock(&self.runs)
            .values()
            .filter(|run| run.spec.submit == spec.submit)
            .cloned()
            .collect();
        runs.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        runs
    }

    /// The files of a job, created on first use.
    pub(super) fn files<'a>(&self, run: &'a Run, list: u64) -> &'a [Arc<File>] {
        run.files.get_or_init(|| {
            let contents = contents(&run.spec.output, &run.plan, list);
            let file = |(number, content): (usize, _)| {
                let name = format!("results/{}-{number}", run.id);
                self.store.add(File::new(name, content, run))
            };
            contents.into_iter().enumerate().map(file).collect()
        })
    }
}

impl JobSpec {
    /// Whether the submit is repeated until the job is done.
    pub(crate) fn repeats(&self) -> bool {
        self.completion == Completion::Accepted
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
