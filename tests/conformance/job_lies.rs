//! One job while the org lies.

use std::collections::BTreeMap;

use genesys_cloud::endpoint::JobSpec;
use genesys_cloud::{Client, Verdict};
use genesys_cloud_mock::{Due, JobPace, JobScenario, Lie, MockOrg, Moment};

use crate::job::Submit;
use crate::job_case::{Case, is_bytes, is_whole, kind, required};
use crate::job_run::{Driver, FOREVER, Outcome, POLLS, Way};
use crate::lies::{Clients, client_of, in_time};
use crate::table::Table;

/// Of each kind of result so many submits hear each lie.
const SUBMITS: usize = 3;

/// A job that hears a lie.
pub(crate) struct Hearing {
    submit: &'static Submit,
    family: JobSpec,
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

/// Which job hears which lie: of each kind of result some, or all if only some are to be driven.
pub(crate) async fn hearings(submits: &[&'static Submit], all: bool) -> Vec<Hearing> {
    let (org, _) = org().await;
    let client = client_of(&org);
    let mut hearings: BTreeMap<(String, Lie), Vec<Hearing>> = BTreeMap::new();
    for submit in submits {
        let Ok(job) = (submit.submit)(&client).await else { continue };
        let family = job.spec().clone();
        let kind = kind(&family);
        for lie in org.lies(submit.operation).unwrap_or_default() {
            if hears(&family, lie) {
                let hearing = Hearing { submit, family: family.clone(), kind: kind.clone(), lie };
                hearings.entry((kind.clone(), lie)).or_default().push(hearing);
            }
        }
    }
    let some = hearings.into_values().enumerate().flat_map(|(number, mut hearings)| {
        let of = hearings.len();
        hearings.rotate_left((number * SUBMITS) % of);
        hearings.truncate(if all { of } else { SUBMITS });
        hearings
    });
    some.collect()
}

/// Whether what the lie is about is looked at, and not left to the caller.
fn hears(family: &JobSpec, lie: Lie) -> bool {
    let is_of_files = matches!(lie.moment(), Moment::Results | Moment::File);
    let is_left = is_whole(family) || is_bytes(family) && lie.is_about_contents();
    // A reply that is the result as it is has no list that is looked into.
    let is_inside = is_whole(family) && lie.name() == "TwoLists";
    !(is_inside || is_of_files && is_left) && required(family).is_empty()
}

/// Lets the jobs of a submit hear a lie.
pub(crate) async fn hear(
    (org, clients): &(MockOrg, Clients),
    hearing: &Hearing,
    table: &mut Table,
) {
    let Hearing { submit, family, kind, lie } = hearing;
    let ways: &[Way] = match family.is_job_per_page() {
        true => &[Way::Paginate],
        false => &[Way::Paginate, Way::Saved],
    };
    for &way in ways {
        org.reset();
        let result =
            in_time(*lie, one((org, clients.hearing(*lie)), (submit, family), *lie, way)).await;
        table.requests += org.request_count();
        let result = result.map_err(|why| format!("{way:?}: {why}"));
        table.note(kind, &lie.to_string(), submit.operation, result);
    }
}

async fn one(
    (org, client): (&MockOrg, &Client),
    (submit, family): (&Submit, &JobSpec),
    lie: Lie,
    way: Way,
) -> Result<(), String> {
    let operation = submit.operation;
    let text = |error: genesys_cloud_mock::Error| error.to_string();
    // Where the status lists jobs, others are few: it is read each time.
    if let Some(status) = family.status().filter(|status| status.list().is_some()) {
        org.set_list(status.operation().id(), 3).map_err(text)?;
    }
    org.lie(operation, lie).map_err(text)?;
    org.job_pace(operation, JobPace::Polls(POLLS)).map_err(text)?;
    let truth = org.expected_job(operation).map_err(text)?;
    let driver = Driver { submit, family, org, client, truth: &truth };
    let outcome = driver.drive(way).await;
    if org.lies_told() == 0 {
        return Err("the lie was not told".to_owned());
    }
    let scenario = JobScenario::Quick;
    let case = Case { operation, family, scenario, way, polls: POLLS, truth: &truth, whole: None };
    let submits = org.requests_for(operation).len();
    check(lie, &case, &outcome, submits).map_err(|why| {
        let errors: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
        format!("{why}; {} items; errors: [{}]", outcome.keys.len(), errors.join("; "))
    })?;
    match org.downloads().iter().any(|request| request.bearer) {
        true => Err("a file was asked for with the token".to_owned()),
        false => Ok(()),
    }
}

fn check(lie: Lie, case: &Case<'_>, outcome: &Outcome, submits: usize) -> Result<(), String> {
    if let Some(why) = outcome.wrong.first() {
        return Err(why.clone());
    }
    let is_complete = outcome.verdict == Some(Verdict::Complete);
    let may_pass = lie.is_once() && lie.due() != Due::NotRepeated;
    if is_complete && !outcome.errors.is_empty() && !may_pass {
        return Err("complete after an error".to_owned());
    }
    let good = || case.check_errors(&outcome.errors).and_then(|()| case.check_items(outcome));
    match lie.due() {
        Due::Whole | Due::Recovered => good(),
        Due::Error => check_error(outcome),
        Due::NotRepeated if submits != 1 => Err(format!("it was submitted {submits} times")),
        Due::NotRepeated if outcome.errors.is_empty() => good(),
        Due::NotRepeated if outcome.errors.iter().any(|it| it.is_outcome_unknown()) => Ok(()),
        Due::NotRepeated => Err("the error does not say that the outcome is unknown".to_owned()),
        Due::Unknown => match outcome.verdict {
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
