//! Reads one list while the org lies.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use genesys_cloud::{Client, Error, Reason, Verdict};
use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_mock::{
    ExpectedOutcome, Lie, MockOrg, RecordedRequest, Scenario, Scheme, Trigger,
};

use tokio::time::{Instant, timeout};

use crate::job_run::FOREVER;
use crate::list::{List, Read};
use crate::table::Table;

/// The number of retries of a client.
pub(crate) const RETRIES: u32 = 2;

/// How many errors a reader accepts.
const PATIENCE: usize = 2;

/// How many lists of each scheme are run with each lie; different lists for each lie.
const LISTS: usize = 4;

/// How long a client waits for a response, on a clock that advances whenever nothing else happens.
const TIMEOUT: Duration = Duration::from_secs(1_000);

/// How a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    /// With prefetch.
    Ahead,
    /// With a stop after this many items.
    Stopped(usize),
}

/// A list and a lie about it.
pub(crate) struct LieCase {
    list: &'static List,
    scheme: String,
    lie: Lie,
}

/// Combines lists and lies: a few lists of each scheme, or all.
pub(crate) async fn cases(lists: &[&'static List], all: bool) -> Vec<LieCase> {
    let org = MockOrg::start().await.expect("an org");
    let mut cases: BTreeMap<(String, Lie), Vec<&'static List>> = BTreeMap::new();
    for list in lists {
        let operation = Catalogue::embedded().operation(list.operation).expect("an operation");
        let scheme = Scheme::of(Catalogue::embedded(), operation);
        let name = scheme.map_or("none".to_owned(), |scheme| format!("{scheme:?}"));
        let lies = org.lies(list.operation).unwrap_or_default();
        for lie in lies.into_iter().filter(|lie| !lie.is_about_jobs()) {
            cases.entry((name.clone(), lie)).or_default().push(list);
        }
    }
    let some = cases.into_iter().enumerate().flat_map(|(number, ((scheme, lie), lists))| {
        let count = if all { lists.len() } else { lists.len().min(LISTS) };
        let of = lists.len();
        let place = move |turn: usize| (number * LISTS + turn * of / count) % of;
        (0..count)
            .map(move |turn| LieCase { list: lists[place(turn)], scheme: scheme.clone(), lie })
            .collect::<Vec<_>>()
    });
    some.collect()
}

/// The orgs of a thread, and their clients.
pub(crate) struct Orgs {
    org: (MockOrg, Clients),
    other: (MockOrg, Clients),
}

/// Separate clients, because calls that finally fail use up the retry budget of others.
pub(crate) struct Clients {
    for_failures: Client,
    for_retries: Client,
}

impl Clients {
    pub(crate) fn of(org: &MockOrg) -> Self {
        Self { for_failures: client_of(org), for_retries: client_of(org) }
    }

    pub(crate) fn for_lie(&self, lie: Lie) -> &Client {
        match lie.expected() {
            ExpectedOutcome::Recovered => &self.for_retries,
            _ => &self.for_failures,
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

/// Runs a list with a lie, in all modes.
pub(crate) async fn run(orgs: &Orgs, case: &LieCase, table: &mut Table) {
    let LieCase { list, scheme, lie } = case;
    let page_size = orgs.org.0.nearest_page_size(list.operation, Scenario::PAGE_SIZE);
    let page = page_size.expect("a list") as usize;
    let modes: &[Mode] = match lie.trigger() {
        Trigger::WhileStopped => &[Mode::Stopped(3 * page), Mode::Stopped(3 * page - 5)],
        _ => &[Mode::Plain, Mode::Ahead],
    };
    for &mode in modes {
        let (org, other) = (&orgs.org.0, &orgs.other.0);
        org.reset();
        other.reset();
        let result = in_time(*lie, one(orgs, list, *lie, mode, page)).await;
        table.requests += org.request_count() + other.request_count();
        let result = result.map_err(|why| format!("{mode:?}: {why}"));
        table.note(scheme, &lie.to_string(), list.operation, result);
    }
}

/// Executes a run, and fails if it takes longer than the lie explains.
pub(crate) async fn in_time(
    lie: Lie,
    run: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let begin = Instant::now();
    let result = timeout(FOREVER / 2, run).await.map_err(|_| "the run hangs".to_owned())?;
    match begin.elapsed() {
        // A client that has received the whole response must not wait for its timeout.
        passed
            if passed >= TIMEOUT
                && matches!(
                    lie.expected(),
                    ExpectedOutcome::Recovered | ExpectedOutcome::Complete
                ) =>
        {
            result.and_then(|()| Err(format!("the run takes {} s", passed.as_secs())))
        }
        _ => result,
    }
}

/// The outcome of reading a list.
#[derive(Default)]
struct Outcome {
    keys: Vec<String>,
    errors: Vec<Error>,
    verdict: Option<Verdict>,
}

async fn one(orgs: &Orgs, list: &List, lie: Lie, mode: Mode, page: usize) -> Result<(), String> {
    let (org, clients) = &orgs.org;
    let client = clients.for_lie(lie);
    let text = |error: genesys_cloud_mock::Error| error.to_string();
    org.lie(list.operation, lie).map_err(text)?;
    let before = org.expected(list.operation).map_err(text)?.records;
    let open = |client: &Client| (list.open)(client).page_size(page as u64);
    let mut outcome = Outcome::default();
    let requests = match mode {
        Mode::Plain => {
            read(open(client), usize::MAX, &mut outcome).await;
            org.requests()
        }
        Mode::Ahead => {
            read(open(client).prefetch(2), usize::MAX, &mut outcome).await;
            org.requests()
        }
        Mode::Stopped(after) => {
            let list_read = read(open(client), after, &mut outcome).await;
            if outcome.keys.len() != after || !outcome.errors.is_empty() {
                return Err(format!("{} items before the stop", outcome.keys.len()));
            }
            let saved = list_read.checkpoint();
            drop(list_read);
            org.lie_while_stopped(list.operation).map_err(text)?;
            let (now, clients) = if lie.is_another_org() { &orgs.other } else { &orgs.org };
            let sent = now.requests().len();
            read(open(clients.for_lie(lie)).resume(&saved), usize::MAX, &mut outcome).await;
            now.requests().split_off(sent)
        }
    };
    if org.lies_sent() == 0 {
        return Err("the org did not lie".to_owned());
    }
    let after = org.expected(list.operation).map_err(text)?.records;
    let unsent = org.unsent(list.operation).map_err(text)?;
    let case = Case { lie, mode, page, before, after, unsent, requests };
    case.check(&outcome).map_err(|why| {
        let errors: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
        format!("{why}; {} items; errors: [{}]", outcome.keys.len(), errors.join("; "))
    })
}

/// Reads up to `most` further items.
async fn read(mut list: Box<dyn Read>, most: usize, outcome: &mut Outcome) -> Box<dyn Read> {
    let expected = outcome.keys.len().saturating_add(most);
    while outcome.keys.len() < expected && outcome.errors.len() < PATIENCE {
        match list.next().await {
            Some(Ok(key)) => outcome.keys.push(key),
            Some(Err(error)) => outcome.errors.push(error),
            None => break,
        }
    }
    outcome.verdict = Some(list.report().verdict());
    list
}

/// A lie, and the records that existed.
struct Case {
    lie: Lie,
    mode: Mode,
    /// The number of items per page.
    page: usize,
    /// The records of the list at the start and at the end.
    before: Vec<String>,
    after: Vec<String>,
    /// Records that no response contained.
    unsent: Vec<String>,
    requests: Vec<RecordedRequest>,
}

impl Case {
    fn check(&self, outcome: &Outcome) -> Result<(), String> {
        let is_complete = outcome.verdict == Some(Verdict::Complete);
        if is_complete {
            self.check_whole(&outcome.keys).map_err(|why| format!("complete, but {why}"))?;
        }
        // The reader may retry after a lie that occurs once.
        if is_complete && !outcome.errors.is_empty() && !self.lie.is_once() {
            return Err("complete after an error".to_owned());
        }
        let suggests_permission =
            |error: &Error| error.to_string().contains("grants the permission");
        if outcome.errors.iter().any(suggests_permission) {
            return Err("the error suggests a missing permission".to_owned());
        }
        let known: HashSet<&String> = self.before.iter().chain(&self.after).collect();
        if outcome.keys.iter().any(|key| !known.contains(key)) {
            return Err("some items are not in the list".to_owned());
        }
        let expected = self.after.len();
        match self.lie.expected() {
            ExpectedOutcome::Error => self.check_error(outcome),
            ExpectedOutcome::Refused => match (&outcome.errors[..], self.requests.len()) {
                ([], _) => Err("no error".to_owned()),
                (_, 0) => Ok(()),
                (_, sent) => Err(format!("{sent} requests were sent")),
            },
            ExpectedOutcome::Complete | ExpectedOutcome::Recovered => self.check_good(outcome),
            ExpectedOutcome::AllRecords
                if outcome.errors.is_empty() && outcome.keys == self.after =>
            {
                Ok(())
            }
            ExpectedOutcome::AllRecords => {
                Err(format!("{} items instead of {expected}", outcome.keys.len()))
            }
            ExpectedOutcome::Unknown => match outcome.verdict {
                Some(Verdict::Unknown(_)) if outcome.errors.is_empty() => Ok(()),
                _ => Err(format!("the verdict is {:?}", outcome.verdict)),
            },
            _ => Ok(()),
        }
    }

    /// All records that existed throughout arrived once.
    fn check_whole(&self, keys: &[String]) -> Result<(), String> {
        let stayed = self.stayed();
        let items: HashSet<&String> = keys.iter().collect();
        let missing = stayed.iter().filter(|key| !items.contains(*key)).count();
        let unsent = self.unsent.iter().filter(|key| stayed.contains(key)).count();
        // Records without an id may be equal.
        let doubled = keys.len().saturating_sub(self.before.len().max(self.after.len()));
        match missing + unsent + doubled {
            0 => Ok(()),
            _ => Err(format!(
                "{missing} items are missing, {unsent} were never sent, {doubled} are repeated"
            )),
        }
    }

    fn stayed(&self) -> Vec<&String> {
        let after: HashSet<&String> = self.after.iter().collect();
        self.before.iter().filter(|key| after.contains(key)).collect()
    }

    /// The items are the start of the list, up to the page before the lie.
    fn check_error(&self, outcome: &Outcome) -> Result<(), String> {
        if outcome.errors.is_empty() {
            return Err(format!("no error; the verdict is {:?}", outcome.verdict));
        }
        let pages = usize::from(self.lie.trigger() == Trigger::SecondPage);
        let items = &outcome.keys;
        if items.len() > pages * self.page || !self.before.starts_with(items) {
            return Err("the items differ from those before the lie".to_owned());
        }
        let most = pages + outcome.errors.len() * (1 + RETRIES as usize);
        match self.requests.len() {
            sent if sent > most && self.mode == Mode::Plain => {
                Err(format!("{sent} requests, where {most} are enough"))
            }
            _ => Ok(()),
        }
    }

    fn check_good(&self, outcome: &Outcome) -> Result<(), String> {
        if !outcome.errors.is_empty() || outcome.keys != self.after {
            let expected = self.after.len();
            return Err(format!("{} items instead of {expected}", outcome.keys.len()));
        }
        match outcome.verdict {
            // One time window is never known to be the whole list.
            Some(Verdict::Complete | Verdict::Unknown(Reason::OneWindow)) => {}
            verdict => return Err(format!("the verdict is {verdict:?}")),
        }
        // One page more if none says that it is the last, and one retry of the lie.
        let most = outcome.keys.len() / self.page + 3;
        match self.requests.len() {
            sent if sent > most && self.mode == Mode::Plain => {
                Err(format!("{sent} requests, where {most} are enough"))
            }
            _ => Ok(()),
        }
    }
}
