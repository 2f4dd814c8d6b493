//! A fake org that changes over time, its client, and what a replica has.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use genesys_cloud_core::{Client, ClientBuilder};
use genesys_cloud_mock::{MockOrg, OrgTimeline};
use genesys_cloud_sync::{Memory, Plan, Replicator, RunReport, Target, TargetError};
use serde_json::Value;

pub(crate) const START: &str = "2026-05-01T00:00:00Z";
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Starts an org with few records per list.
pub(crate) async fn start(seed: u64, changes_per_day: u64) -> MockOrg {
    let timeline = OrgTimeline::new(START)
        .changes_per_day(changes_per_day)
        .events_per_day(24)
        .late_by(20 * HOUR)
        .data_delay(2 * HOUR);
    let org = MockOrg::builder().seed(seed).timeline(timeline).default_count(30);
    org.list("getRoutingQueueMembers", 7).start().await.expect("an org")
}

pub(crate) fn client(org: &MockOrg) -> Client {
    builder(org).build().expect("a client")
}

pub(crate) fn builder(org: &MockOrg) -> ClientBuilder {
    Client::builder()
        .credentials(org.client_id(), org.client_secret())
        .api_url(org.url())
        .login_url(org.url())
}

pub(crate) fn now(org: &MockOrg) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&org.now()).expect("a time").to_utc()
}

pub(crate) fn plan(text: &str) -> Plan {
    Plan::parse("plan.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// A run whose clock is that of the org.
pub(crate) fn run_of(org: &MockOrg, client: &Client, plan: &str) -> Replicator {
    let time = now(org);
    Replicator::new(client.clone(), self::plan(plan)).clock(move || time)
}

pub(crate) async fn run(
    org: &MockOrg,
    plan: &str,
    target: &dyn Target,
) -> Result<RunReport, TargetError> {
    run_of(org, &client(org), plan).run(target).await
}

/// The live records of a table by key.
pub(crate) fn live(memory: &Memory, table: &str) -> BTreeMap<String, Value> {
    let rows = memory.rows(table);
    let live: Vec<_> = rows.iter().filter(|row| row.is_live()).collect();
    let records: BTreeMap<String, Value> =
        live.iter().map(|row| (row.row.key.clone(), json(row.record()))).collect();
    assert_eq!(records.len(), live.len(), "two live rows of {table} have the same key");
    records
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Records by the value of their field.
pub(crate) fn by(field: &str, records: Vec<Value>) -> BTreeMap<String, Value> {
    records.into_iter().map(|record| (format!("[{}]", record[field]), record)).collect()
}
