//! One list in one scenario.

use std::collections::HashSet;
use std::time::Duration;

use futures::FutureExt as _;
use genesys_cloud::{Client, Error, Verdict};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_mock::{MockOrg, RecordedRequest, Scenario, Scheme, Truth, TruthEnd};

use crate::list::{List, Read};
use crate::table::Table;

/// How a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    /// With pages asked for ahead.
    Ahead,
    /// Each `next` is dropped once while it waits, and asked again.
    Dropped,
}

/// Drives a list through all scenarios that apply to it.
pub(crate) async fn all(list: &List, table: &mut Table) {
    let org = MockOrg::start().await.expect("an org");
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let client = client.build().expect("a client");
    let operation = Catalogue::embedded().operation(list.operation).expect("an operation");
    let scheme = Scheme::of(Catalogue::embedded(), operation);
    let name = scheme.map_or("none".to_owned(), |scheme| format!("{scheme:?}"));
    let scenarios = match org.scenarios(list.operation) {
        Ok(scenarios) => scenarios,
        Err(why) => return table.note(&name, "none", list.operation, Err(why.to_string())),
    };
    for scenario in scenarios {
        let ways: &[Way] = match scenario {
            Scenario::ManyPages | Scenario::ShortPage => &[Way::Plain, Way::Ahead, Way::Dropped],
            _ => &[Way::Plain, Way::Ahead],
        };
        for way in ways {
            org.reset();
            org.scenario(list.operation, scenario).expect("a scenario that applies");
            let truth = org.truth(list.operation).expect("a list");
            let run = drive((list.open)(&client), *way);
            let result = match tokio::time::timeout(Duration::from_secs(30), run).await {
                Ok(read) => check(&read, &truth, scenario, scheme, *way, &org.requests()),
                Err(_) => Err("it hangs".to_owned()),
            };
            table.requests += org.request_count();
            let scenario = match way {
                Way::Plain => format!("{scenario:?}"),
                way => format!("{scenario:?}, {way:?}"),
            };
            table.note(&name, &scenario, list.operation, result);
        }
    }
}

/// What came of reading a list.
struct Outcome {
    keys: Vec<String>,
    errors: Vec<Error>,
    verdict: Verdict,
    requests: u64,
    items: u64,
}

/// So often may a list go on after an error.
const PATIENCE: usize = 3;

async fn drive(list: Box<dyn Read>, way: Way) -> Outcome {
    let mut list = list.page_size(Scenario::PAGE_SIZE);
    if way == Way::Ahead {
        list = list.prefetch(2);
    }
    let (mut keys, mut errors) = (Vec::new(), Vec::new());
    loop {
        let at_once = match way {
            Way::Dropped => list.next().now_or_never(),
            _ => None,
        };
        let next = match at_once {
            Some(next) => next,
            None => list.next().await,
        };
        match next {
            Some(Ok(key)) => keys.push(key),
            Some(Err(error)) => errors.push(error),
            None => break,
        }
        if errors.len() > PATIENCE {
            break;
        }
    }
    let report = list.report();
    let (verdict, requests, items) = (report.verdict(), report.requests, report.items);
    Outcome { keys, errors, verdict, requests, items }
}

fn check(
    read: &Outcome,
    truth: &Truth,
    scenario: Scenario,
    scheme: Option<Scheme>,
    way: Way,
    requests: &[RecordedRequest],
) -> Result<(), String> {
    let errors = || read.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if read.keys != truth.records {
        return Err(format!(
            "{} items came where {} are due, or not in order; {}",
            read.keys.len(),
            truth.records.len(),
            errors(),
        ));
    }
    let cut = matches!(scenario, Scenario::DroppedConnection | Scenario::ConnectionReset);
    let expected = match truth.end {
        TruthEnd::Broken => read.errors.len() == 1 && read.errors[0].is_paging(),
        _ if cut => read.errors.len() == 1 && !read.errors[0].is_paging(),
        _ => read.errors.is_empty(),
    };
    if !expected {
        return Err(format!("errors: [{}]", errors()));
    }
    check_verdict(read, truth, scenario)?;
    if read.items != read.keys.len() as u64 {
        return Err(format!("the report counts {} items", read.items));
    }
    check_requests(read, truth, scenario, scheme, way, requests)
}

fn check_verdict(read: &Outcome, truth: &Truth, scenario: Scenario) -> Result<(), String> {
    let moved = !truth.repeated.is_empty() || !truth.missed.is_empty();
    let fits = match (truth.end, read.verdict) {
        (TruthEnd::Broken | TruthEnd::Truncated, verdict) => {
            matches!(verdict, Verdict::Truncated(_))
        }
        // Where the counts lie, or a list moves, it can't be known.
        (TruthEnd::Complete, Verdict::Complete) => true,
        (TruthEnd::Complete, _) => {
            moved
                || matches!(
                    scenario,
                    Scenario::TotalTooLow
                        | Scenario::TotalTooHigh
                        | Scenario::RecordAdded
                        | Scenario::RecordRemoved
                )
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("the verdict is {}", read.verdict)) }
}

fn check_requests(
    read: &Outcome,
    truth: &Truth,
    scenario: Scenario,
    scheme: Option<Scheme>,
    way: Way,
    requests: &[RecordedRequest],
) -> Result<(), String> {
    let _ = (truth, scheme, way);
    if read.requests != requests.len() as u64 {
        return Err(format!(
            "{} requests came, the report counts {}",
            requests.len(),
            read.requests
        ));
    }
    let distinct: HashSet<_> =
        requests.iter().map(|it| (&it.method, &it.path, &it.query, &it.body)).collect();
    let again =
        usize::from(matches!(scenario, Scenario::DroppedConnection | Scenario::ConnectionReset));
    if distinct.len() + again != requests.len() {
        return Err(format!("of {} requests, {} differ", requests.len(), distinct.len()));
    }
    Ok(())
}
