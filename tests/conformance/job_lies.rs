//! Reads one job while the org lies.

use std::collections::BTreeMap;

use genesys_cloud::endpoint::JobSpec;
use genesys_cloud::{Client, Verdict};
use genesys_cloud_mock::{ExpectedOutcome, JobPace, JobScenario, Lie, MockOrg, Trigger};

use crate::job::Submit;
use crate::job_case::{Case, is_bytes, is_whole, kind, required};
use crate::job_run::{Driver, FOREVER, Mode, Outcome, POLLS};
use crate::lies::{Clients, client_of, in_time};
use crate::table::Table;

/// How many submits of each kind of result are run with each lie.
const SUBMITS: usize = 3;

/// A job and a lie about it.
pub(crate) struct LieCase {
    submit: &'static Submit,
    spec: JobSpec,
    kind: String,
    lie: Lie,
}

pub(crate) async fn org() -> (MockOrg, Clients) {
    let life = 1_000 * FOREVER;
    let org = MockOrg::builder().job_lifetime(life).token_lifetime(life);
    let org = org.start().await.expect("an org");
    let clients = Clients::of(&org);
    (org, clients)
}

/// Combines jobs and lies: a few jobs of each kind of result, or all.
pub(crate) async fn cases(submits: &[&'static Submit], all: bool) -> Vec<LieCase> {
    let (org, _) = org().await;
    let client = client_of(&org);
    let mut cases: BTreeMap<(String, Lie), Vec<LieCase>> = BTreeMap::new();
    for submit in submits {
        let Ok(job) = (submit.submit)(&client).await else { continue };
        let spec = job.spec().clone();
        let kind = kind(&spec);
        for lie in org.lies(submit.operation).unwrap_or_default() {
            if applies(&spec, lie) {
                let case = LieCase { submit, spec: spec.clone(), kind: kind.clone(), lie };
                cases.entry((kind.clone(), lie)).or_default().push(case);
            }
        }
    }
    let some = cases.into_values().enumerate().flat_map(|(number, mut cases)| {
        let of = cases.len();
        cases.rotate_left((number * SUBMITS) % of);
        cases.truncate(if all { of } else { SUBMITS });
        cases
    });
    some.collect()
}

/// Whether the client checks what the lie is about, instead of leaving it to the caller.
fn applies(spec: &JobSpec, lie: Lie) -> bool {
    let is_of_files = matches!(lie.trigger(), Trigger::Results | Trigger::File);
    let is_left = is_whole(spec) || is_bytes(spec) && lie.is_about_contents();
    // The client does not inspect a response that is itself the result.
    let is_inside = is_whole(spec) && lie.name() == "TwoLists";
    !(is_inside || is_of_files && is_left) && required(spec).is_empty()
}

/// Runs the jobs of a submit with a lie.
pub(crate) async fn run((org, clients): &(MockOrg, Clients), case: &LieCase, table: &mut Table) {
    let LieCase { submit, spec, kind, lie } = case;
    let modes: &[Mode] = match spec.is_job_per_page() {
        true => &[Mode::Paginate],
        false => &[Mode::Paginate, Mode::Saved],
    };
    for &mode in modes {
        org.reset();
        let result =
            in_time(*lie, one((org, clients.for_lie(*lie)), (submit, spec), *lie, mode)).await;
        table.requests += org.request_count();
        let result = result.map_err(|why| format!("{mode:?}: {why}"));
        table.note(kind, &lie.to_string(), submit.operation, result);
    }
}

async fn one(
    (org, client): (&MockOrg, &Client),
    (submit, spec): (&Submit, &JobSpec),
    lie: Lie,
    mode: Mode,
) -> Result<(), String> {
    let operation = submit.operation;
    let text = |error: genesys_cloud_mock::Error| error.to_string();
    // Where the status lists jobs, the list is short, because every poll reads it.
    if let Some(status) = spec.status().filter(|status| status.list().is_some()) {
        org.set_list(status.operation().id(), 3).map_err(text)?;
    }
    org.lie(operation, lie).map_err(text)?;
    org.job_pace(operation, JobPace::Polls(POLLS)).map_err(text)?;
    let expected = org.expected_job(operation).map_err(text)?;
    let driver = Driver { submit, spec, org, client, expected: &expected };
    let outcome = driver.drive(mode).await;
    if org.lies_sent() == 0 {
        return Err("the org did not lie".to_owned());
    }
    let scenario = JobScenario::Quick;
    let case =
        Case { operation, spec, scenario, mode, polls: POLLS, expected: &expected, whole: None };
    let submits = org.requests_for(operation).len();
    check(lie, &case, &outcome, submits).map_err(|why| {
        let errors: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
        format!("{why}; {} items; errors: [{}]", outcome.keys.len(), errors.join("; "))
    })?;
    match org.downloads().iter().any(|request| request.bearer) {
        true => Err("a file was requested with the token".to_owned()),
        false => Ok(()),
    }
}

fn check(lie: Lie, case: &Case<'_>, outcome: &Outcome, submits: usize) -> Result<(), String> {
    if let Some(why) = outcome.wrong.first() {
        return Err(why.clone());
    }
    let is_complete = outcome.verdict == Some(Verdict::Complete);
    let may_pass = lie.is_once() && lie.expected() != ExpectedOutcome::NotRepeated;
    if is_complete && !outcome.errors.is_empty() && !may_pass {
        return Err("complete after an error".to_owned());
    }
    let good = || case.check_errors(&outcome.errors).and_then(|()| case.check_items(outcome));
    match lie.expected() {
        ExpectedOutcome::Complete | ExpectedOutcome::Recovered => good(),
        ExpectedOutcome::Error => check_error(outcome),
        ExpectedOutcome::NotRepeated if submits != 1 => {
            Err(format!("the job was submitted {submits} times"))
        }
        ExpectedOutcome::NotRepeated if outcome.errors.is_empty() => good(),
        ExpectedOutcome::NotRepeated if outcome.errors.iter().any(|it| it.is_outcome_unknown()) => {
            Ok(())
        }
        ExpectedOutcome::NotRepeated => {
            Err("the error does not say that the outcome is unknown".to_owned())
        }
        ExpectedOutcome::Unknown => match outcome.verdict {
            Some(Verdict::Unknown(_)) if outcome.errors.is_empty() => Ok(()),
            verdict => Err(format!("the verdict is {verdict:?}")),
        },
        _ if is_complete => case.check_items(outcome),
        _ => Ok(()),
    }
}

fn check_error(outcome: &Outcome) -> Result<(), String> {
    match outcome.errors.is_empty() {
        true => Err(format!("no error; the verdict is {:?}", outcome.verdict)),
        false => Ok(()),
    }
}
