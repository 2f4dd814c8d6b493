//! Runs one list in one scenario.

use std::collections::HashSet;
use std::time::Duration;

use futures::FutureExt as _;
use genesys_cloud::{Client, Error, ErrorKind, Reason, Verdict};
use genesys_cloud_catalogue::{Catalogue, Operation};
use genesys_cloud_mock::{Expected, ExpectedEnd, MockOrg, RecordedRequest, Scenario, Scheme};

use crate::list::{List, Read};
use crate::table::Table;

/// How a list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    /// With prefetch.
    Ahead,
    /// Each `next` is dropped once while pending, and called again.
    Dropped,
}

/// Runs a list in all scenarios that it supports.
pub(crate) async fn all(list: &List, table: &mut Table) {
    // Prefetched requests may arrive after the reader is gone, so they have a separate org.
    let (org, client) = org().await;
    let (ahead_org, ahead_client) = self::org().await;
    let operation = Catalogue::embedded().operation(list.operation).expect("an operation");
    let scheme = Scheme::of(Catalogue::embedded(), operation);
    let traits = ResponseTraits::of(operation, scheme);
    let name = scheme.map_or("none".to_owned(), |scheme| format!("{scheme:?}"));
    let scenarios = match org.scenarios(list.operation) {
        Ok(scenarios) => scenarios,
        Err(why) => return table.note(&name, "none", list.operation, Err(why.to_string())),
    };
    for scenario in scenarios {
        let mut plain = Vec::new();
        let is_dropped = matches!(
            scenario,
            Scenario::ManyPages | Scenario::ShortPage | Scenario::EmptyPage | Scenario::TotalTooLow
        );
        let modes: &[Mode] = match is_dropped {
            true => &[Mode::Plain, Mode::Ahead, Mode::Dropped],
            false => &[Mode::Plain, Mode::Ahead],
        };
        for &mode in modes {
            let (org, client) = match mode {
                Mode::Ahead => (&ahead_org, &ahead_client),
                _ => (&org, &client),
            };
            org.reset();
            org.scenario(list.operation, scenario).expect("a scenario that applies");
            let expected = org.expected(list.operation).expect("a list");
            let page_size =
                org.nearest_page_size(list.operation, Scenario::PAGE_SIZE).expect("a list");
            let run = drive((list.open)(client), page_size, mode);
            let result = match tokio::time::timeout(Duration::from_secs(30), run).await {
                Ok(read) => {
                    let requests = org.requests();
                    let page_size = page_size as usize;
                    let case =
                        Case { scenario, scheme, traits, mode, page_size, expected: &expected };
                    let result = case.check(&read, &requests, &plain);
                    if mode == Mode::Plain {
                        plain = requests;
                    }
                    result
                }
                Err(_) => Err("the run hangs".to_owned()),
            };
            table.requests += org.request_count();
            let scenario = match mode {
                Mode::Plain => format!("{scenario:?}"),
                mode => format!("{scenario:?}, {mode:?}"),
            };
            table.note(&name, &scenario, list.operation, result);
        }
    }
}

async fn org() -> (MockOrg, Client) {
    let org = MockOrg::start().await.expect("an org");
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    // The paginator sees failed calls, and repeats them.
    let client = client.max_retries(0).build().expect("a client");
    (org, client)
}

/// The outcome of reading a list.
struct Outcome {
    keys: Vec<String>,
    errors: Vec<Error>,
    verdict: Verdict,
    requests: u64,
    items: u64,
    /// Pages that were read again because the list had become shorter.
    again: u64,
}

/// How many errors a reader accepts.
const PATIENCE: usize = 3;

async fn drive(list: Box<dyn Read>, page_size: u64, mode: Mode) -> Outcome {
    let mut list = list.page_size(page_size);
    if mode == Mode::Ahead {
        list = list.prefetch(2);
    }
    let (mut keys, mut errors) = (Vec::new(), Vec::new());
    loop {
        let at_once = match mode {
            Mode::Dropped => list.next().now_or_never(),
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
    Outcome { keys, errors, verdict, requests, items, again: report.read_again }
}

/// A scenario, and what is expected.
struct Case<'a> {
    scenario: Scenario,
    scheme: Option<Scheme>,
    traits: ResponseTraits,
    mode: Mode,
    page_size: usize,
    expected: &'a Expected,
}

/// What a response states about its list, according to the API document.
#[derive(Clone, Copy)]
struct ResponseTraits {
    counts: bool,
    links: bool,
    /// The token of the next page, or its absence.
    by_token: bool,
}

impl ResponseTraits {
    fn of(operation: &Operation, scheme: Option<Scheme>) -> Self {
        let catalogue = Catalogue::embedded();
        let response = operation.reply().map(|response| catalogue.resolve(response));
        let nested = response.and_then(|response| response.property("results"));
        let envelopes = [response, nested.map(|results| catalogue.resolve(results))];
        let has = |names: &[&str]| {
            let mut envelopes = envelopes.iter().flatten();
            envelopes.any(|envelope| names.iter().any(|name| envelope.property(name).is_some()))
        };
        let by_number = matches!(
            scheme,
            Some(
                Scheme::PageNumber
                    | Scheme::PageNumberNoTotal
                    | Scheme::PageNumberNoEnvelope
                    | Scheme::BodyPageNumber
                    | Scheme::BodyPageNumberNested
                    | Scheme::BodyPagingTotalHits
                    | Scheme::Q64Search
                    | Scheme::ScimStartIndex
                    | Scheme::IdOrDateWindow
            )
        );
        Self {
            counts: has(&["pageCount", "total", "totalHits", "totalResults"]),
            links: has(&["nextUri"]),
            by_token: !by_number,
        }
    }
}

impl Case<'_> {
    /// Whether the connection breaks once.
    fn is_cut(&self) -> bool {
        matches!(self.scenario, Scenario::DroppedConnection | Scenario::ConnectionReset)
    }

    fn check(
        &self,
        read: &Outcome,
        requests: &[RecordedRequest],
        plain: &[RecordedRequest],
    ) -> Result<(), String> {
        let errors: Vec<String> = read.errors.iter().map(ToString::to_string).collect();
        let errors = errors.join("; ");
        let (items, expected) = (&read.keys, &self.expected.records);
        if !self.expected.is_met_by(items) {
            let differs = items.iter().zip(expected).position(|(item, expected)| item != expected);
            let (items, expected) = (items.len(), expected.len());
            let differs = differs.unwrap_or(items.min(expected));
            return Err(format!(
                "{items} items instead of {expected}; the first difference is at item {differs}; errors: [{errors}]"
            ));
        }
        let as_due = match self.expected.end {
            ExpectedEnd::Broken => {
                read.errors.len() == 1 && read.errors[0].kind() == ErrorKind::Paging
            }
            _ if self.is_cut() => {
                read.errors.len() == 1 && read.errors[0].kind() != ErrorKind::Paging
            }
            _ => read.errors.is_empty(),
        };
        if !as_due {
            return Err(format!("errors: [{errors}]"));
        }
        if !self.allows(read.verdict) {
            return Err(format!("the verdict is {}", read.verdict));
        }
        if read.items != read.keys.len() as u64 {
            return Err(format!("the report counts {} items", read.items));
        }
        self.check_requests(read, requests, plain)
    }

    fn allows(&self, verdict: Verdict) -> bool {
        let moved = !self.expected.repeated.is_empty() || !self.expected.missed.is_empty();
        match (self.expected.end, verdict) {
            (ExpectedEnd::Broken | ExpectedEnd::Truncated, _) => {
                matches!(verdict, Verdict::Truncated(_))
            }
            // Without counts, a deleted record leaves no trace.
            (_, Verdict::Complete) => !moved || !self.traits.counts,
            // One time window is never known to be the whole list.
            (_, Verdict::Unknown(Reason::OneWindow)) => {
                self.scheme == Some(Scheme::DateWindowHomonym)
            }
            (_, Verdict::Unknown(_)) => {
                matches!(self.scenario, Scenario::TotalTooLow | Scenario::TotalTooHigh) || moved
            }
            (_, Verdict::Drifted(_)) => match self.scenario {
                Scenario::RecordAdded | Scenario::RecordRemoved => true,
                // Without a stated page size, a short page may have another size.
                Scenario::ShortPage => !self.traits.counts && !self.traits.links,
                _ => false,
            },
            _ => false,
        }
    }

    /// Each page is requested once, and again only after its connection broke or where records have moved.
    /// Prefetch requests no other pages.
    fn check_requests(
        &self,
        read: &Outcome,
        requests: &[RecordedRequest],
        plain: &[RecordedRequest],
    ) -> Result<(), String> {
        let of = |requests: &[RecordedRequest]| -> HashSet<(String, String, String, Vec<u8>)> {
            let requests = requests.iter();
            requests
                .map(|it| (it.method.clone(), it.path.clone(), it.query.clone(), it.body.to_vec()))
                .collect()
        };
        let (different, in_time) = (of(requests), of(plain));
        // Repetitions that a client can't detect.
        let repeated = read.keys.len().saturating_sub(self.expected.records.len());
        let pages = self.pages() + repeated / self.page_size;
        if self.mode == Mode::Ahead && self.expected.end == ExpectedEnd::Broken {
            // Pages prefetched beyond a broken one are dropped.
            return Ok(());
        }
        if different.len() != pages {
            return Err(format!("{} pages were requested instead of {pages}", different.len()));
        }
        // A page that may have moved records, and the one that shows it.
        let noticed = self.scenario == Scenario::RecordRemoved && !self.expected.missed.is_empty();
        // Where the counts promise records, an empty page is requested twice.
        let is_doubted = matches!(self.scenario, Scenario::EmptyPage | Scenario::TotalTooHigh);
        if read.again > u64::from((noticed || is_doubted) && self.traits.counts) {
            return Err(format!("{} pages were read again", read.again));
        }
        if read.again > 0 && self.mode == Mode::Ahead {
            // Pages prefetched by then are dropped, whether sent or not.
            return Ok(());
        }
        let each = if is_doubted { 1 } else { 2 };
        let again = usize::from(self.is_cut()) + each * read.again as usize;
        if requests.len() != pages + again || read.requests != requests.len() as u64 {
            return Err(format!(
                "{} requests, and {} in the report, instead of {}",
                requests.len(),
                read.requests,
                pages + again,
            ));
        }
        if self.mode != Mode::Plain && different != in_time {
            return Err("prefetch requested other pages".to_owned());
        }
        Ok(())
    }

    /// How many pages a reader has to request.
    fn pages(&self) -> usize {
        let in_pages = |size: usize| self.expected.records.len().div_ceil(size).max(1);
        if !self.scheme.is_some_and(Scheme::is_paged) || self.scheme == Some(Scheme::LimitOnly) {
            return 1;
        }
        let pages = match self.scenario {
            // The empty page links to the next, or is the end.
            Scenario::EmptyPage | Scenario::EmptyLastPage => in_pages(self.page_size) + 1,
            Scenario::EndlessEmptyPages => 21,
            // The third page equals the second.
            Scenario::IdenticalPage => 3,
            Scenario::CappedPageSize => in_pages(self.page_size.div_ceil(2)),
            _ => in_pages(self.page_size),
        };
        // If no page says that it is the last, or the counts promise one more, an empty page is the end.
        let is_stated = match self.scenario {
            _ if self.traits.by_token => true,
            Scenario::TotalTooHigh => false,
            Scenario::MissingTotal => self.traits.links,
            _ => self.traits.links || self.traits.counts,
        };
        let is_known = self.expected.records.is_empty() || self.expected.end == ExpectedEnd::Broken;
        pages + usize::from(!is_stated && !is_known)
    }
}
