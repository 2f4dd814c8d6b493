//! Seeded lives of a changing org, replicated several times under faults, lies and kills.
//!
//! After a run that calls itself exact, the replica equals the org row by row. After any other run it has no false
//! delete and no invented row. `SYNC_SEEDS=0..1000` runs other seeds than a few dozen.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use genesys_cloud_core::Client;
use genesys_cloud_mock::{Call, CannedResponse, Fault, FaultKind, FaultPlan, MockOrg, OrgTimeline};
use genesys_cloud_sync::{Memory, MemoryRow, RunReport};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::flaky::Flaky;
use crate::org::{HOUR, builder, by, json as parsed, live, run_of};

/// Seeds without `SYNC_SEEDS`.
const SEEDS: Range<u64> = 0..24;

/// Runs per life.
const RUNS: u64 = 6;

const QUEUES: &str = "/api/v2/routing/queues";
const CODES: &str = "/api/v2/routing/wrapupcodes";
const JOBS: &str = "postAnalyticsConversationsDetailsJobs";

/// The tables of a life. The last days of the range are read again for as long as data can be late.
const PLAN: &str = "
[tables.queues]
read = 'routing.queues'
params = { pageSize = 10 }
max_deletes = 100
history = true

[tables.codes]
read = 'routing.wrapupcodes'
params = { pageSize = 10 }
deletes = 'remove'

[tables.members]
read = 'routing.queue_members'
for_each = 'routing.queues'
max_deletes = 100

[tables.calls]
read = 'analytics.conversations_details_jobs'
since = 2026-05-01
lookback = '3 days'
history = true
";

const TABLES: [&str; 4] = ["queues", "codes", "members", "calls"];

const HISTORY: [&str; 2] = ["queues", "calls"];

/// A seeded choice.
struct Choice(u64);

impl Choice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    fn is(&mut self, one_in: u64) -> bool {
        self.next(one_in) == 0
    }
}

/// What a run meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Faults,
    Lie,
    /// The run is dropped when it has made this many calls.
    Kill(u64),
    /// The target fails before it applies a table, or after.
    Apply {
        is_after: bool,
    },
    /// The org changes when the run has made this many calls.
    Drift(u64),
}

/// One life: an org, its replica, and what was true at each exact run.
struct Life {
    seed: u64,
    org: MockOrg,
    client: Client,
    clock: Clock,
    memory: Memory,
    liar: Liar,
    data_delay: TimeDelta,
    /// What each table with history had after each run that changed it.
    versions: Vec<(&'static str, DateTime<Utc>, BTreeMap<String, Value>)>,
    /// Tables that were compared with the org row by row.
    exact: u64,
}

impl Life {
    async fn start(seed: u64, choice: &mut Choice) -> Self {
        let (liar, delay) = (Liar::default(), choice.next(5) as u32);
        let timeline = OrgTimeline::new("2026-05-01T00:00:00Z")
            .changes_per_day(choice.next(20))
            .events_per_day(20)
            .late_by(Duration::from_secs(choice.next(86_400)))
            .data_delay(HOUR * delay);
        let org = MockOrg::builder()
            .seed(seed)
            .timeline(timeline)
            .fault(liar.clone())
            .list("getRoutingQueues", 5 + choice.next(20))
            .list("getRoutingWrapupcodes", choice.next(40))
            .list("getRoutingQueueMembers", choice.next(12))
            .start()
            .await
            .expect("an org");
        org.advance(HOUR * choice.next(48) as u32);
        let clock = Clock::new();
        let client = builder(&org).on_wait(clock.hook()).build().expect("a client");
        let (memory, data_delay) = (Memory::new(), TimeDelta::hours(delay.into()));
        Self { seed, org, client, clock, memory, liar, data_delay, versions: Vec::new(), exact: 0 }
    }

    fn trouble(choice: &mut Choice) -> Trouble {
        match choice.next(9) {
            0 | 1 => Trouble::Faults,
            2 | 3 => Trouble::Lie,
            4 => Trouble::Kill(1 + choice.next(60)),
            5 => Trouble::Apply { is_after: choice.is(2) },
            6 => Trouble::Drift(1 + choice.next(30)),
            _ => Trouble::None,
        }
    }

    /// Makes one run, and checks the replica.
    async fn live_on(&mut self, choice: &mut Choice) {
        let (trouble, at_start) = (Self::trouble(choice), self.org.now());
        let before: BTreeMap<&str, BTreeMap<String, Value>> =
            TABLES.map(|table| (table, live(&self.memory, table))).into();
        match trouble {
            Trouble::Faults => {
                let kinds = [
                    FaultKind::ServiceUnavailable,
                    FaultKind::ResetBeforeResponse,
                    FaultKind::CutInBody,
                    FaultKind::MalformedJson,
                    FaultKind::Unauthorized,
                    FaultKind::InternalError,
                    FaultKind::RateLimitedUntil,
                    FaultKind::HtmlPage,
                ];
                let mut plan = FaultPlan::seeded(choice.next(u64::MAX));
                for _ in 0..2 {
                    let kind = kinds[choice.next(kinds.len() as u64) as usize];
                    plan = plan.rate(kind, 0.05 * (1 + choice.next(3)) as f64);
                }
                self.org.inject(plan);
            }
            Trouble::Lie => {
                let kind = choice.next(LIES);
                // Nothing counts the members, so that a page without some of them can't be noticed.
                let is_of_queues = matches!(kind, 7 | 8) || choice.is(2);
                let operation =
                    if is_of_queues { "getRoutingQueues" } else { "getRoutingQueueMembers" };
                let (after, times) = (choice.next(6), 1 + choice.next(3));
                self.liar.set(Some(Lie { operation, kind, after, times }));
            }
            _ => {}
        }
        let is_full = choice.is(5);
        let run = run_of(&self.org, &self.client, PLAN).full(is_full).allow_deletes(choice.is(2));
        let (org, memory) = (&self.org, &self.memory);
        let attempt = async {
            match trouble {
                Trouble::Kill(calls) => tokio::select! {
                    report = run.run(memory) => Some(report.expect("a run")),
                    () = requests(org, calls) => None,
                },
                Trouble::Drift(calls) => {
                    let drifting = async {
                        requests(org, calls).await;
                        org.advance(6 * HOUR);
                        std::future::pending::<()>().await;
                    };
                    tokio::select! {
                        report = run.run(memory) => Some(report.expect("a run")),
                        () = drifting => None,
                    }
                }
                Trouble::Apply { is_after } => {
                    let fails = 1 + choice.next(4);
                    let target = Flaky { memory: memory.clone(), fails, is_after };
                    Some(run.run(&target).await.expect("a run"))
                }
                _ => Some(run.run(memory).await.expect("a run")),
            }
        };
        let report = self.clock.during(org, attempt).await;
        self.org.inject(FaultPlan::new());
        self.liar.set(None);
        let context = format!("seed {}, {trouble:?} at {}: {report:?}", self.seed, self.org.now());
        self.check(&before, report.as_ref(), &at_start, &context);
    }

    /// Makes a run without trouble, after which the replica equals the org.
    async fn finish(&mut self, choice: &mut Choice) {
        let run = run_of(&self.org, &self.client, PLAN).full(choice.is(2)).allow_deletes(true);
        let report = self.clock.during(&self.org, run.run(&self.memory)).await.expect("a run");
        assert!(report.is_complete(), "seed {}: {report:?}", self.seed);
        let now = self.org.now();
        for table in TABLES {
            assert_eq!(live(&self.memory, table), self.truth(table, &now), "{table} {}", self.seed);
        }
    }

    /// Checks what the replica has after a run that met some trouble.
    fn check(
        &mut self,
        before: &BTreeMap<&str, BTreeMap<String, Value>>,
        report: Option<&RunReport>,
        at_start: &str,
        context: &str,
    ) {
        let now = self.org.now();
        let has_moved = now != at_start;
        for table in TABLES {
            let replica = live(&self.memory, table);
            let report = report.and_then(|run| run.tables.iter().find(|it| it.table == table));
            let truth = self.truth(table, &now);
            let earlier = if has_moved { &self.truth(table, at_start) } else { &truth };
            let context = format!("{table}, {context}");
            // Nothing was invented: every row is a record of the org, or was there before.
            for (key, record) in &replica {
                let is_old = before[table].get(key) == Some(record);
                let is_true = truth.get(key) == Some(record) || earlier.get(key) == Some(record);
                assert!(is_old || is_true, "an invented row {key}: {record}\n{context}");
            }
            // Nothing that exists was deleted.
            for key in before[table].keys().filter(|key| !replica.contains_key(*key)) {
                let exists = truth.contains_key(key) && earlier.contains_key(key);
                assert!(!exists, "a false delete of {key}\n{context}");
            }
            let Some(report) = report else { continue };
            if let Some(watermark) = report.watermark_after {
                let available = now_of(&now) - self.data_delay;
                assert!(watermark <= available, "past the available data\n{context}");
            }
            if report.is_complete && !has_moved {
                self.exact += 1;
                let (rows, records): (Vec<_>, Vec<_>) =
                    (replica.keys().collect(), truth.keys().collect());
                assert_eq!(rows, records, "{context}");
                assert_eq!(replica, truth, "{context}");
            }
            if report.error.is_none() && HISTORY.contains(&table) {
                self.versions.push((table, report.time, replica));
            }
        }
    }

    /// The records of a table that the org has at a time.
    fn truth(&self, table: &str, time: &str) -> BTreeMap<String, Value> {
        let list = |path: &str| self.org.expected_at(path, time).expect("records");
        match table {
            "queues" => by("id", list(QUEUES)),
            "codes" => by("id", list(CODES)),
            "members" => {
                let queues = list(QUEUES).into_iter().map(|queue| queue["id"].clone());
                let members = queues.flat_map(|queue| {
                    let id = queue.as_str().expect("an ID").to_owned();
                    list(&format!("{QUEUES}/{id}/members")).into_iter().map(move |mut member| {
                        member["queueId"] = queue.clone();
                        (format!("[{queue},{}]", member["id"]), member)
                    })
                });
                members.collect()
            }
            _ => {
                let until = now_of(time) - self.data_delay;
                let until = until.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
                let interval = format!("2026-05-01T00:00:00Z/{until}");
                match until.as_str() > "2026-05-01T00:00:00Z" {
                    true => {
                        let events = self.org.expected_events_at(JOBS, &interval, time);
                        by("conversationId", events.expect("events"))
                    }
                    false => BTreeMap::new(),
                }
            }
        }
    }

    /// Checks that the history of each table has the rows that it had after each run.
    fn check_history(&self) {
        for (table, time, replica) in &self.versions {
            let rows = self.memory.rows(table);
            let at = rows.iter().filter(|row| is_valid_at(row, *time));
            let at: BTreeMap<String, Value> =
                at.map(|row| (row.row.key.clone(), parsed(row.record()))).collect();
            assert_eq!(&at, replica, "{table} at {time}, seed {}", self.seed);
        }
    }
}

/// Waits until the org has received this many more requests.
async fn requests(org: &MockOrg, calls: u64) {
    let before = org.request_count();
    while org.request_count() < before + calls {
        tokio::task::yield_now().await;
    }
}

fn is_valid_at(row: &MemoryRow, time: DateTime<Utc>) -> bool {
    row.valid_from <= time && row.valid_to.is_none_or(|to| time < to)
}

fn now_of(time: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(time).expect("a time").to_utc()
}

/// Changes responses of the lists of queues and of members.
#[derive(Clone, Default)]
struct Liar(Arc<Mutex<Option<Lie>>>);

/// A lie about the pages of an operation, from the request with this number on.
#[derive(Debug, Clone)]
struct Lie {
    operation: &'static str,
    kind: u64,
    after: u64,
    times: u64,
}

impl Liar {
    fn set(&self, lie: Option<Lie>) {
        *self.0.lock().expect("the lie") = lie;
    }
}

impl Fault for Liar {
    fn after(&self, call: &Call<'_>, response: CannedResponse) -> CannedResponse {
        let mut lie = self.0.lock().expect("the lie");
        let Some(lie) = lie.as_mut().filter(|lie| lie.operation == call.operation.id) else {
            return response;
        };
        if lie.after > 0 || lie.times == 0 {
            lie.after = lie.after.saturating_sub(1);
            return response;
        }
        lie.times -= 1;
        let Ok(mut page) = serde_json::from_slice::<Value>(&response.body) else { return response };
        let records = page["entities"].as_array().cloned().unwrap_or_default();
        match lie.kind {
            0 => return CannedResponse::json(200, &json!({})),
            1 => return CannedResponse::json(200, &Value::Null),
            2 => return CannedResponse::empty(204),
            3 => return CannedResponse::error(200, "bad.request", "Bad Request"),
            4 => return CannedResponse::error(404, "not.found", "Not Found"),
            5 => return CannedResponse::error(403, "not.authorized", "Forbidden"),
            6 => return CannedResponse { body: "<html>Sign in</html>".into(), ..response },
            // Truncated pages.
            7 => page["entities"] = json!([]),
            8 => page["entities"] = records.into_iter().skip(1).collect(),
            // Records under another name, repeated, or none.
            9 => {
                page["items"] = page["entities"].take();
                page.as_object_mut().expect("a page").remove("entities");
            }
            10 => page["entities"] = records.iter().chain(&records).cloned().collect(),
            11 => page["entities"] = json!([5, "x", null]),
            // Records without a key.
            12 => {
                for record in page["entities"].as_array_mut().into_iter().flatten().take(1) {
                    record.as_object_mut().map(|record| record.remove("id"));
                }
            }
            13 => page["pageNumber"] = 46.into(),
            _ => page["total"] = 999.into(),
        }
        CannedResponse::json(200, &page)
    }
}

/// Kinds of lies.
const LIES: u64 = 15;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SYNC_SEEDS") else { return SEEDS };
    let (from, to) = text.split_once("..").expect("SYNC_SEEDS=FROM..TO");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[tokio::test]
async fn a_replica_is_exact_or_has_no_false_delete_and_no_invented_row() {
    let (mut exact, mut lives) = (0, 0);
    for seed in seeds() {
        let mut choice = Choice(seed);
        let mut life = Life::start(seed, &mut choice).await;
        for _ in 0..RUNS {
            life.live_on(&mut choice).await;
            life.org.advance(HOUR * (1 + choice.next(40)) as u32);
        }
        // The last run meets no trouble, so it repairs whatever the others left.
        life.finish(&mut choice).await;
        life.check_history();
        exact += life.exact;
        lives += 1;
    }
    eprintln!("{lives} lives, {exact} exact tables");
    assert!(exact > 4 * lives, "too few runs were exact: {exact} in {lives} lives");
}
