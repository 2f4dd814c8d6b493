//! Time ranges read in windows, against a scripted server on loopback.

#![allow(missing_docs, reason = "the bindings are written like generated code")]

mod available;
mod batches;
mod duplicates;
mod jobs;
mod limits;
#[allow(dead_code, reason = "shared with the tests of checkpoints")]
#[path = "../checkpoint/memory.rs"]
mod memory;
mod model;
mod org;
mod planning;
mod recovery;
mod resume;
mod rng;
#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;
mod splits;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use genesys_cloud_core::{
    Client, Interval, Windows, group, job, job_family, operation, paged, record,
};

use crate::server::Server;

record! {
    pub struct Event {
        pub id: Option<String> = "id",
    }
}

record! {
    pub struct Query {
        pub interval: Option<String> = "interval",
        pub name: Option<String> = "name",
    }
}

record! {
    pub struct Submitted {
        pub id: Option<String> = "id",
    }
}

group! {
    /// Events.
    pub struct Events;
}

operation! {
/// Events with a duration, which can be in several intervals.
    Events.query -> PostQuery -> Vec<Event>;
    "postQuery" Post "/query"
    body: Query;
}

paged! {
    PostQuery -> Event;
    BodyPagingTotalHits {
        items: ["events"],
        page_size: body "paging.pageSize" as integer, maximum: 5,
    }
    interval: body "interval", id: "id"
}

operation! {
/// Events with a known cap and longest interval, but no known id.
    Events.listed -> GetEvents -> Vec<Event>;
    "getEvents" Get "/events"
    query { interval: String = "interval", name: String = "name", }
}

paged! {
    GetEvents -> Event;
    PageNumber { items: ["events"], page_size: "pageSize" as integer, maximum: 5, cap: items(20) }
    interval: query "interval", span: 7 days
}

job_family! {
/// Jobs with a list of results.
    pub JOBS = "jobs";
    id: field "jobId",
    status: "getJob" Get "/jobs/{jobId}" (id "jobId"),
    done: state "state" { succeeded: ["FULFILLED"], failed: ["FAILED"], expired: ["EXPIRED"] },
    results: list "getJobResults" Get "/jobs/{jobId}/results" (id "jobId")
        CursorField { items: ["events"], page_size: "pageSize" as integer, maximum: 5 },
    redirects: "downloadUrl",
}

operation! {
/// Searches for events.
    Events.jobs -> PostJobs -> Submitted;
    "postJobs" Post "/jobs"
    body: Query;
}

job! { PostJobs -> Event; "postJobs" Post "/jobs" JOBS, interval: body "interval", span: 31 days, id: "id" }

job_family! {
/// Jobs over data that becomes available with a delay.
    pub DELAYED = "delayed";
    id: field "jobId",
    status: "getJob" Get "/jobs/{jobId}" (id "jobId"),
    done: state "state" { succeeded: ["FULFILLED"], failed: ["FAILED"], expired: ["EXPIRED"] },
    results: list "getJobResults" Get "/jobs/{jobId}/results" (id "jobId")
        CursorField { items: ["events"], page_size: "pageSize" as integer, maximum: 5 },
    availability: "getAvailability" Get "/availability" "dataAvailabilityDate" for body "interval",
}

operation! {
/// Searches for events that become available with a delay.
    Events.delayed -> PostDelayed -> Submitted;
    "postDelayed" Post "/jobs"
    body: Query;
}

job! {
    PostDelayed -> Event; "postDelayed" Post "/jobs" DELAYED,
    interval: body "interval", span: 31 days, id: "id"
}

job_family! {
    /// A file of bytes.
    pub EXPORT = "export";
    id: nowhere,
    done: not_202,
    results: reply [bytes "uri"],
}

operation! {
    /// Exports events.
    Events.export -> PostExport -> Submitted;
    "postExport" Post "/export"
    body: Query;
}

job! { PostExport -> bytes; "postExport" Post "/export" EXPORT, interval: body "interval" }

/// Longer than any test. The paused clock advances whenever the runtime is idle.
const AGES: Duration = Duration::from_secs(100_000_000);

fn events(server: &Server) -> Events {
    Events::new(&client(server))
}

fn client(server: &Server) -> Client {
    let client = Client::builder().api_url(server.url()).access_token("a-token");
    let client = client.timeout(AGES).connect_timeout(AGES).read_timeout(AGES);
    client.build().expect("a client")
}

/// Hours after May 1, 2024.
fn hour(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(19_844) + TimeDelta::hours(hour)
}

fn hours(start: i64, end: i64) -> Interval {
    Interval::new(hour(start), hour(end))
}

const fn long(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// Queries events in windows of one day.
fn daily(server: &Server, start: i64, end: i64) -> Windows<Event> {
    events(server).query(Query::default()).windows(hours(start, end)).span(long(24))
}

fn ids(events: impl IntoIterator<Item = Event>) -> Vec<u64> {
    let id = |event: Event| event.id.expect("an id").parse().expect("a number");
    events.into_iter().map(id).collect()
}

/// Reads to the end, without errors.
async fn all(events: &mut Windows<Event>) -> Vec<u64> {
    let mut found = Vec::new();
    while let Some(event) = events.try_next().await.expect("an event") {
        found.push(event);
    }
    ids(found)
}
