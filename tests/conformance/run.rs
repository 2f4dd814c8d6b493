//! One list in one scenario.

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
enum Way {
    Plain,
    /// With pages asked for ahead.
    Ahead,
    /// Each `next` is dropped once while it waits, and asked again.
    Dropped,
}

/// Drives a list through all scenarios that apply to it.
pub(crate) async fn all(list: &List, table: &mut Table) {
    // What is asked for ahead may reach an org after its reader is gone: it has an org of its own.
    let (org, client) = org().await;
    let (ahead_org, ahead_client) = self::org().await;
    let operation = Catalogue::embedded().operation(list.operation).expect("an operation");
    let scheme = Scheme::of(Catalogue::embedded(), operation);
    let tells = Tells::of(operation, scheme);
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
        let ways: &[Way] = match is_dropped {
            true => &[Way::Plain, Way::Ahead, Way::Dropped],
            false => &[Way::Plain, Way::Ahead],
        };
        for &way in ways {
            let (org, client) = match way {
                Way::Ahead => (&ahead_org, &ahead_client),
                _ => (&org, &client),
            };
            org.reset();
            org.scenario(list.operation, scenario).expect("a scenario that applies");
            let truth = org.expected(list.operation).expect("a list");
            let page_size =
                org.nearest_page_size(list.operation, Scenario::PAGE_SIZE).expect("a list");
            let run = drive((list.open)(client), page_size, way);
            let result = match tokio::time::timeout(Duration::from_secs(30), run).await {
                Ok(read) => {
                    let requests = org.requests();
                    let page_size = page_size as usize;
                    let case = Case { scenario, scheme, tells, way, page_size, truth: &truth };
                    let result = case.check(&read, &requests, &plain);
                    if way == Way::Plain {
                        plain = requests;
                    }
                    result
                }
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

async fn org() -> (MockOrg, Client) {
    let org = MockOrg::start().await.expect("an org");
    let client = Client::builder().api_url(org.url()).access_token(org.access_token());
    // A call that failed is seen by the paginator, and asked for again there.
    let client = client.max_retries(0).build().expect("a client");
    (org, client)
}

/// What came of reading a list.
struct Outcome {
    keys: Vec<String>,
    errors: Vec<Error>,
    verdict: Verdict,
    requests: u64,
    items: u64,
    /// Pages that were read again since the list had become shorter.
    again: u64,
}

/// So often may a list go on after an error.
const PATIENCE: usize = 3;

async fn drive(list: Box<dyn Read>, page_size: u64, way: Way) -> Outcome {
    let mut list = list.page_size(page_size);
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
    Outcome { keys, errors, verdict, requests, items, again: report.read_again }
}

/// What is due.
struct Case<'a> {
    scenario: Scenario,
    scheme: Option<Scheme>,
    tells: Tells,
    way: Way,
    page_size: usize,
    truth: &'a Expected,
}

/// What the reply of an operation tells of the list, by the API document.
#[derive(Clone, Copy)]
struct Tells {
    counts: bool,
    links: bool,
    /// Each page has, or has not, the token of the next.
    by_token: bool,
}

impl Tells {
    fn of(operation: &Operation, scheme: Option<Scheme>) -> Self {
        let catalogue = Catalogue::embedded();
        let reply = operation.reply().map(|reply| catalogue.resolve(reply));
        let nested = reply.and_then(|reply| reply.property("results"));
        let envelopes = [reply, nested.map(|results| catalogue.resolve(results))];
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
    /// Whether the connection ends once.
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
        let (came, due) = (&read.keys, &self.truth.records);
        if !self.truth.is_met_by(came) {
            let differs = came.iter().zip(due).position(|(came, due)| came != due);
            let (came, due) = (came.len(), due.len());
            let differs = differs.unwrap_or(came.min(due));
            return Err(format!(
                "{came} items came where {due} are due, and differ from item {differs} on; errors: [{errors}]"
            ));
        }
        let as_due = match self.truth.end {
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
        let moved = !self.truth.repeated.is_empty() || !self.truth.missed.is_empty();
        match (self.truth.end, verdict) {
            (ExpectedEnd::Broken | ExpectedEnd::Truncated, _) => {
                matches!(verdict, Verdict::Truncated(_))
            }
            // Where nothing is counted, a record that is gone leaves no trace.
            (_, Verdict::Complete) => !moved || !self.tells.counts,
            // One window of time is never known to be all of the list.
            (_, Verdict::Unknown(Reason::OneWindow)) => {
                self.scheme == Some(Scheme::DateWindowHomonym)
            }
            (_, Verdict::Unknown(_)) => {
                matches!(self.scenario, Scenario::TotalTooLow | Scenario::TotalTooHigh) || moved
            }
            (_, Verdict::Drifted(_)) => match self.scenario {
                Scenario::RecordAdded | Scenario::RecordRemoved => true,
                // Where nothing tells the size of a page, a short one may be one of another size.
                Scenario::ShortPage => !self.tells.counts && !self.tells.links,
                _ => false,
            },
            _ => false,
        }
    }

    /// Each page is asked for once, and again only after its connection ended or where records have moved;
    /// ahead of time no other pages are asked for than in time.
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
        // Those that come again without anyone being able to tell.
        let repeated = read.keys.len().saturating_sub(self.truth.records.len());
        let pages = self.pages() + repeated / self.page_size;
        if self.way == Way::Ahead && self.truth.end == ExpectedEnd::Broken {
            // What is asked for beyond a broken page is dropped.
            return Ok(());
        }
        if different.len() != pages {
            return Err(format!("{} pages were asked for where {pages} are due", different.len()));
        }
        // A page that may have what has moved, and the one at which that is noticed.
        let noticed = self.scenario == Scenario::RecordRemoved && !self.truth.missed.is_empty();
        // Where the counts promise records, an empty page is looked at twice.
        let is_doubted = matches!(self.scenario, Scenario::EmptyPage | Scenario::TotalTooHigh);
        if read.again > u64::from((noticed || is_doubted) && self.tells.counts) {
            return Err(format!("{} pages were read again", read.again));
        }
        if read.again > 0 && self.way == Way::Ahead {
            // What had been asked for by then is dropped, sent or not.
            return Ok(());
        }
        let each = if is_doubted { 1 } else { 2 };
        let again = usize::from(self.is_cut()) + each * read.again as usize;
        if requests.len() != pages + again || read.requests != requests.len() as u64 {
            return Err(format!(
                "{} requests came and the report counts {}, where {} are due",
                requests.len(),
                read.requests,
                pages + again,
            ));
        }
        if self.way != Way::Plain && different != in_time {
            return Err("other pages were asked for than in time".to_owned());
        }
        Ok(())
    }

    /// How many pages a reader has to ask for.
    fn pages(&self) -> usize {
        let in_pages = |size: usize| self.truth.records.len().div_ceil(size).max(1);
        if !self.scheme.is_some_and(Scheme::is_paged) || self.scheme == Some(Scheme::LimitOnly) {
            return 1;
        }
        let told = match self.scenario {
            // The empty page leads on, or is the end.
            Scenario::EmptyPage | Scenario::EmptyLastPage => in_pages(self.page_size) + 1,
            Scenario::EndlessEmptyPages => 21,
            // The third is the second again.
            Scenario::IdenticalPage => 3,
            Scenario::CappedPageSize => in_pages(self.page_size.div_ceil(2)),
            _ => in_pages(self.page_size),
        };
        // Where no page says that it is the last, or the counts promise one more, an empty page is the end.
        let is_said = match self.scenario {
            _ if self.tells.by_token => true,
            Scenario::TotalTooHigh => false,
            Scenario::MissingTotal => self.tells.links,
            _ => self.tells.links || self.tells.counts,
        };
        let is_known = self.truth.records.is_empty() || self.truth.end == ExpectedEnd::Broken;
        told + usize::from(!is_said && !is_known)
    }
}
