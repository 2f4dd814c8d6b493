//! One list while the org lies.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use genesys_cloud::{Client, Error, Reason, Verdict};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_mock::{Due, Lie, MockOrg, Moment, RecordedRequest, Scenario, Scheme};

use tokio::time::{Instant, timeout};

use crate::job_run::FOREVER;
use crate::list::{List, Read};
use crate::table::Table;

/// How often a client may repeat a call.
pub(crate) const RETRIES: u32 = 2;

/// So often may a list go on after an error.
const PATIENCE: usize = 2;

/// Of each scheme so many lists hear each lie, others for each of them.
const LISTS: usize = 4;

/// So long a client waits for a reply that does not come, by a clock that moves on whenever nothing else does.
const TIMEOUT: Duration = Duration::from_secs(1_000);

/// How a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    /// With pages asked for ahead.
    Ahead,
    /// With a stop after so many items.
    Stopped(usize),
}

/// A list that hears a lie.
pub(crate) struct Hearing {
    list: &'static List,
    scheme: String,
    lie: Lie,
}

/// Which list hears which lie: of each scheme some, or all if only some are to be driven.
pub(crate) async fn hearings(lists: &[&'static List], all: bool) -> Vec<Hearing> {
    let org = MockOrg::start().await.expect("an org");
    let mut hearings: BTreeMap<(String, Lie), Vec<&'static List>> = BTreeMap::new();
    for list in lists {
        let operation = Catalogue::embedded().operation(list.operation).expect("an operation");
        let scheme = Scheme::of(Catalogue::embedded(), operation);
        let name = scheme.map_or("none".to_owned(), |scheme| format!("{scheme:?}"));
        let lies = org.lies(list.operation).unwrap_or_default();
        for lie in lies.into_iter().filter(|lie| !lie.is_about_jobs()) {
            hearings.entry((name.clone(), lie)).or_default().push(list);
        }
    }
    let some = hearings.into_iter().enumerate().flat_map(|(number, ((scheme, lie), lists))| {
        let count = if all { lists.len() } else { lists.len().min(LISTS) };
        let of = lists.len();
        let place = move |turn: usize| (number * LISTS + turn * of / count) % of;
        (0..count)
            .map(move |turn| Hearing { list: lists[place(turn)], scheme: scheme.clone(), lie })
            .collect::<Vec<_>>()
    });
    some.collect()
}

/// The orgs that a thread uses, and clients of each.
pub(crate) struct Orgs {
    org: (MockOrg, Clients),
    other: (MockOrg, Clients),
}

/// Calls that fail in the end use up how often a client may repeat others.
pub(crate) struct Clients {
    of_lasting: Client,
    of_passing: Client,
}

impl Clients {
    pub(crate) fn of(org: &MockOrg) -> Self {
        Self { of_lasting: client_of(org), of_passing: client_of(org) }
    }

    pub(crate) fn hearing(&self, lie: Lie) -> &Client {
        match lie.due() {
            Due::Recovered => &self.of_passing,
            _ => &self.of_lasting,
        }
    }
}

impl Orgs {
    pub(crate) async fn start() -> Self {
        Self { org: org(1).await, other: org(2).await }
    }
}

async fn org(seed: u64) -> (MockOrg, Clients) {
    let org = MockOrg::builder().seed(seed).token_lifetime(1_000 * FOREVER);
    let org = org.start().await.expect("an org");
    let clients = Clients::of(&org);
    (org, clients)
}

pub(crate) fn client_of(org: &MockOrg) -> Client {
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    let client = client.max_retries(RETRIES).max_rate_limit_wait(Duration::from_mins(1));
    let client = client.timeout(2 * TIMEOUT).connect_timeout(TIMEOUT).read_timeout(TIMEOUT);
    client.build().expect("a client")
}

/// Lets a list hear a lie in all ways in which it may be read.
pub(crate) async fn hear(orgs: &Orgs, hearing: &Hearing, table: &mut Table) {
    let Hearing { list, scheme, lie } = hearing;
    let page_size = orgs.org.0.nearest_page_size(list.operation, Scenario::PAGE_SIZE);
    let page = page_size.expect("a list") as usize;
    let ways: &[Way] = match lie.moment() {
        Moment::WhileStopped => &[Way::Stopped(3 * page), Way::Stopped(3 * page - 5)],
        _ => &[Way::Plain, Way::Ahead],
    };
    for &way in ways {
        let (org, other) = (&orgs.org.0, &orgs.other.0);
        org.reset();
        other.reset();
        let result = in_time(*lie, one(orgs, list, *lie, way, page)).await;
        table.requests += org.request_count() + other.request_count();
        let result = result.map_err(|why| format!("{way:?}: {why}"));
        table.note(scheme, &lie.to_string(), list.operation, result);
    }
}

/// What comes of a run, unless it takes longer than the lie accounts for.
pub(crate) async fn in_time(
    lie: Lie,
    run: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let begin = Instant::now();
    let result = timeout(FOREVER / 2, run).await.map_err(|_| "it hangs".to_owned())?;
    match begin.elapsed() {
        // Who hears all of a reply must not wait for its timeout.
        passed if passed >= TIMEOUT && matches!(lie.due(), Due::Recovered | Due::Whole) => {
            result.and_then(|()| Err(format!("it takes {} s", passed.as_secs())))
        }
        _ => result,
    }
}

/// What came of reading a list.
#[derive(Default)]
struct Outcome {
    keys: Vec<String>,
    errors: Vec<Error>,
    verdict: Option<Verdict>,
}

async fn one(orgs: &Orgs, list: &List, lie: Lie, way: Way, page: usize) -> Result<(), String> {
    let (org, clients) = &orgs.org;
    let client = clients.hearing(lie);
    let text = |error: genesys_cloud_mock::Error| error.to_string();
    org.lie(list.operation, lie).map_err(text)?;
    let before = org.expected(list.operation).map_err(text)?.records;
    let open = |client: &Client| (list.open)(client).page_size(page as u64);
    let mut outcome = Outcome::default();
    let requests = match way {
        Way::Plain => {
            read(open(client), usize::MAX, &mut outcome).await;
            org.requests()
        }
        Way::Ahead => {
            read(open(client).prefetch(2), usize::MAX, &mut outcome).await;
            org.requests()
        }
        Way::Stopped(after) => {
            let list_read = read(open(client), after, &mut outcome).await;
            if outcome.keys.len() != after || !outcome.errors.is_empty() {
                return Err(format!("{} items came before the stop", outcome.keys.len()));
            }
            let saved = list_read.checkpoint();
            drop(list_read);
            org.lie_while_stopped(list.operation).map_err(text)?;
            let (now, clients) = if lie.is_another_org() { &orgs.other } else { &orgs.org };
            let sent = now.requests().len();
            read(open(clients.hearing(lie)).resume(&saved), usize::MAX, &mut outcome).await;
            now.requests().split_off(sent)
        }
    };
    if org.lies_told() == 0 {
        return Err("the lie was not told".to_owned());
    }
    let after = org.expected(list.operation).map_err(text)?.records;
    let unsent = org.unsent(list.operation).map_err(text)?;
    let case = Case { lie, way, page, before, after, unsent, requests };
    case.check(&outcome).map_err(|why| {
        let errors: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
        format!("{why}; {} items; errors: [{}]", outcome.keys.len(), errors.join("; "))
    })
}

/// Reads up to so many items more.
async fn read(mut list: Box<dyn Read>, most: usize, outcome: &mut Outcome) -> Box<dyn Read> {
    let due = outcome.keys.len().saturating_add(most);
    while outcome.keys.len() < due && outcome.errors.len() < PATIENCE {
        match list.next().await {
            Some(Ok(key)) => outcome.keys.push(key),
            Some(Err(error)) => outcome.errors.push(error),
            None => break,
        }
    }
    outcome.verdict = Some(list.report().verdict());
    list
}

/// A lie that was told, and what there was to get.
struct Case {
    lie: Lie,
    way: Way,
    /// How many items a page has.
    page: usize,
    /// The records of the list at first, and at the end.
    before: Vec<String>,
    after: Vec<String>,
    /// Records that no reply has had.
    unsent: Vec<String>,
    requests: Vec<RecordedRequest>,
}

impl Case {
    fn check(&self, outcome: &Outcome) -> Result<(), String> {
        let is_complete = outcome.verdict == Some(Verdict::Complete);
        if is_complete {
            self.check_whole(&outcome.keys).map_err(|why| format!("complete, but {why}"))?;
        }
        // What was told once may be asked for again by whoever reads.
        if is_complete && !outcome.errors.is_empty() && !self.lie.is_once() {
            return Err("complete after an error".to_owned());
        }
        let told_as_permission =
            |error: &Error| error.to_string().contains("grants the permission");
        if outcome.errors.iter().any(told_as_permission) {
            return Err("it is told as a missing permission".to_owned());
        }
        let known: HashSet<&String> = self.before.iter().chain(&self.after).collect();
        if outcome.keys.iter().any(|key| !known.contains(key)) {
            return Err("items came that are not in the list".to_owned());
        }
        let due = self.after.len();
        match self.lie.due() {
            Due::Error => self.check_error(outcome),
            Due::Refused => match (&outcome.errors[..], self.requests.len()) {
                ([], _) => Err("no error".to_owned()),
                (_, 0) => Ok(()),
                (_, sent) => Err(format!("{sent} requests were sent")),
            },
            Due::Whole | Due::Recovered => self.check_good(outcome),
            Due::Read if outcome.errors.is_empty() && outcome.keys == self.after => Ok(()),
            Due::Read => Err(format!("{} items came where {due} are due", outcome.keys.len())),
            Due::Unknown => match outcome.verdict {
                Some(Verdict::Unknown(_)) if outcome.errors.is_empty() => Ok(()),
                _ => Err(format!("the verdict is {:?}", outcome.verdict)),
            },
            _ => Ok(()),
        }
    }

    /// All that was there all the time came once.
    fn check_whole(&self, keys: &[String]) -> Result<(), String> {
        let stayed = self.stayed();
        let came: HashSet<&String> = keys.iter().collect();
        let missing = stayed.iter().filter(|key| !came.contains(*key)).count();
        let unsent = self.unsent.iter().filter(|key| stayed.contains(key)).count();
        // Of records without an id, some may be equal.
        let doubled = keys.len().saturating_sub(self.before.len().max(self.after.len()));
        match missing + unsent + doubled {
            0 => Ok(()),
            _ => Err(format!(
                "{missing} items are missing, {unsent} were never sent, {doubled} came twice"
            )),
        }
    }

    fn stayed(&self) -> Vec<&String> {
        let after: HashSet<&String> = self.after.iter().collect();
        self.before.iter().filter(|key| after.contains(key)).collect()
    }

    /// What came is the beginning of the list, and ends with the page before.
    fn check_error(&self, outcome: &Outcome) -> Result<(), String> {
        if outcome.errors.is_empty() {
            return Err(format!("no error; the verdict is {:?}", outcome.verdict));
        }
        let pages = usize::from(self.lie.moment() == Moment::SecondPage);
        let came = &outcome.keys;
        if came.len() > pages * self.page || !self.before.starts_with(came) {
            return Err("other items came than those before the lie".to_owned());
        }
        let most = pages + outcome.errors.len() * (1 + RETRIES as usize);
        match self.requests.len() {
            sent if sent > most && self.way == Way::Plain => {
                Err(format!("{sent} requests were sent where {most} do"))
            }
            _ => Ok(()),
        }
    }

    fn check_good(&self, outcome: &Outcome) -> Result<(), String> {
        if !outcome.errors.is_empty() || outcome.keys != self.after {
            let due = self.after.len();
            return Err(format!("{} items came where {due} are due", outcome.keys.len()));
        }
        match outcome.verdict {
            // One window of time is never known to be all of the list.
            Some(Verdict::Complete | Verdict::Unknown(Reason::OneWindow)) => {}
            verdict => return Err(format!("the verdict is {verdict:?}")),
        }
        // A page more, if none says that it is the last, and each lie once more.
        let most = outcome.keys.len() / self.page + 3;
        match self.requests.len() {
            sent if sent > most && self.way == Way::Plain => {
                Err(format!("{sent} requests were sent where {most} do"))
            }
            _ => Ok(()),
        }
    }
}
