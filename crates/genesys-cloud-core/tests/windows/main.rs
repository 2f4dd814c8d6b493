//! Ranges of time that are read in windows, against a scripted server on loopback.

#![allow(missing_docs, reason = "the bindings are made as generated code makes them")]

mod available;
mod batches;
mod duplicates;
mod jobs;
mod limits;
#[allow(dead_code, reason = "shared with the tests of checkpoints")]
#[path = "../checkpoint/memory.rs"]
mod memory;
mod model;
mod numbers;
mod org;
mod planning;
mod recovery;
mod resume;
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
    /// Events that last for some time, so that several intervals may hold the same.
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
    /// Events of which it is known how many are listed, and for how long, but not how they are told apart.
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
    /// Results that an operation lists.
    pub JOBS = "jobs";
    id: field "jobId",
    status: "getJob" Get "/jobs/{jobId}" (id "jobId"),
    done: state "state" { succeeded: ["FULFILLED"], failed: ["FAILED"], expired: ["EXPIRED"] },
    results: list "getJobResults" Get "/jobs/{jobId}/results" (id "jobId")
        CursorField { items: ["events"], page_size: "pageSize" as integer, maximum: 5 },
    redirects: "downloadUrl",
}

operation! {
    /// Looks for events.
    Events.jobs -> PostJobs -> Submitted;
    "postJobs" Post "/jobs"
    body: Query;
}

job! { PostJobs -> Event; "postJobs" Post "/jobs" JOBS, interval: body "interval", span: 31 days, id: "id" }

job_family! {
    /// Of data that is taken in with a delay.
    pub DELAYED = "delayed";
    id: field "jobId",
    status: "getJob" Get "/jobs/{jobId}" (id "jobId"),
    done: state "state" { succeeded: ["FULFILLED"], failed: ["FAILED"], expired: ["EXPIRED"] },
    results: list "getJobResults" Get "/jobs/{jobId}/results" (id "jobId")
        CursorField { items: ["events"], page_size: "pageSize" as integer, maximum: 5 },
    availability: "getAvailability" Get "/availability" "dataAvailabilityDate" for body "interval",
}

operation! {
    /// Looks for events that are taken in with a delay.
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

/// Far longer than any test: while the clock is paused, it moves on whenever nothing else does.
const AGES: Duration = Duration::from_secs(100_000_000);

fn events(server: &Server) -> Events {
    Events::new(&client(server))
}

fn client(server: &Server) -> Client {
    let client = Client::builder().api_url(server.url()).access_token("a-token");
    let client = client.timeout(AGES).connect_timeout(AGES).read_timeout(AGES);
    client.build().expect("a client")
}

/// So many hours after the first of May.
fn hour(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(19_844) + TimeDelta::hours(hour)
}

fn hours(start: i64, end: i64) -> Interval {
    Interval::new(hour(start), hour(end))
}

const fn long(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// The events of these hours by a query, in windows of a day.
fn daily(server: &Server, start: i64, end: i64) -> Windows<Event> {
    events(server).query(Query::default()).windows(hours(start, end)).span(long(24))
}

fn ids(events: impl IntoIterator<Item = Event>) -> Vec<u64> {
    let id = |event: Event| event.id.expect("an id").parse().expect("a number");
    events.into_iter().map(id).collect()
}

/// Reads everything, which must go without an error.
async fn all(events: &mut Windows<Event>) -> Vec<u64> {
    let mut found = Vec::new();
    while let Some(event) = events.try_next().await.expect("an event") {
        found.push(event);
    }
    ids(found)
}
