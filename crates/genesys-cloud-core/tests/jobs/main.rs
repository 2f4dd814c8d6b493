//! Jobs against a scripted server on loopback.

#![allow(missing_docs, reason = "the bindings are made as generated code makes them")]

mod deadline;
mod files;
mod handle;
mod polling;
mod results;
mod resume;
#[allow(dead_code, reason = "shared with the tests of the client")]
#[path = "../client/server.rs"]
mod server;

use std::collections::VecDeque;
use std::time::Duration;

use genesys_cloud_core::{Client, Paginator, group, job, job_family, operation, record};

use crate::server::{Answer, Server};

record! {
    pub struct Thing {
        pub id: Option<String> = "id",
    }
}

record! {
    pub struct Query {
        pub name: Option<String> = "name",
        pub page_number: Option<i64> = "pageNumber",
        pub page_size: Option<i64> = "pageSize",
    }
}

record! {
    pub struct Submitted {
        pub id: Option<String> = "id",
    }
}

group! {
    /// Things.
    pub struct Things;
}

job_family! {
/// Jobs with a list of results.
    pub LISTED = "listed";
    id: field "jobId",
    status: "getThingsJob" Get "/shops/{shopId}/jobs/{jobId}" (id "jobId"),
    done: state "state" {
        succeeded: ["FULFILLED"],
        partly_succeeded: ["PARTIAL"],
        failed: ["FAILED"],
        cancelled: ["CANCELLED"],
        expired: ["EXPIRED"],
        held: ["READY"],
    },
    results: list "getThingsJobResults" Get "/shops/{shopId}/jobs/{jobId}/results" (id "jobId")
        CursorField { items: ["things"], page_size: "pageSize" as integer },
    cancel: "deleteThingsJob" Delete "/shops/{shopId}/jobs/{jobId}" (id "jobId"),
    redirects: "downloadUrl",
    note: "set its state to PROCESSING",
}

operation! {
/// Searches for things.
    Things.listed -> PostListed -> Submitted;
    "postListed" Post "/shops/{shopId}/jobs"
    path { shop_id: String = "shopId", }
    body: Query;
}

job! { PostListed -> Thing; "postListed" Post "/shops/{shopId}/jobs" LISTED }

job_family! {
/// Jobs with results in the status, or in files that it names.
    pub INLINE = "inline";
    id: field "job.id",
    status: "getInlineJob" Get "/inline/{jobId}" (id "jobId"),
    done: state "job.status" { succeeded: ["Complete"], failed: ["Error"] },
    results: reply [items "result.entities", json "downloadUrls" "data"],
    at_once: true,
    lifetime: 24 hours,
}

operation! {
/// Searches for things; the response can have the results.
    Things.inline -> PostInline -> Submitted;
    "postInline" Post "/inline"
}

job! { PostInline -> Thing; "postInline" Post "/inline" INLINE }

job_family! {
/// Jobs whose status operation lists the results.
    pub USAGE = "usage";
    id: field "executionId",
    status: "getUsage" Get "/usage/{executionId}/results" (id "executionId"),
    done: state "queryStatus" { succeeded: ["Complete"], failed: ["Failed"] },
    results: status CursorsObject {
        items: ["results"],
        token_in: query "after",
    },
}

operation! {
/// Queries the usage.
    Things.usage -> PostUsage -> Submitted;
    "postUsage" Post "/usage"
}

job! { PostUsage -> Thing; "postUsage" Post "/usage" USAGE }

job_family! {
    /// A job for each page.
    pub PAGES = "pages";
    id: field "id",
    status: "getPagesJob" Get "/pages/{jobId}" (id "jobId"),
    done: state "state" { succeeded: ["Succeeded"], failed: ["Failed"] },
    results: list "getPagesJobResults" Get "/pages/{jobId}/results" (id "jobId") JobSelectsPage {
        items: ["entities"],
        page_size: body "pageSize" as integer, maximum: 2,
    },
}

operation! {
/// Searches for one page of things.
    Things.pages -> PostPages -> Submitted;
    "postPages" Post "/pages"
    body: Query;
}

job! { PostPages -> Thing; "postPages" Post "/pages" PAGES }

job_family! {
/// The submit is repeated until it no longer answers 202.
    pub MEDIA = "media";
    id: nowhere,
    done: not_202,
    results: reply [items "[]"],
}

operation! {
    /// Media of a thing.
    Things.media -> GetMedia -> Vec<Thing>;
    "getMedia" Get "/media/{thingId}"
    path { thing_id: String = "thingId", }
    query { format: String = "format", }
}

job! { GetMedia -> Thing; "getMedia" Get "/media/{thingId}" MEDIA }

job_family! {
/// A file of bytes; its time shows that it is done.
    pub EXPORT = "export";
    id: nowhere,
    status: "getExport" Get "/lists/{listId}/export" (),
    done: since "exportTimestamp",
    results: reply [bytes "uri"],
}

operation! {
    /// Exports a list.
    Things.export -> PostExport -> Submitted;
    "postExport" Post "/lists/{listId}/export"
    path { list_id: String = "listId", }
}

job! { PostExport -> bytes; "postExport" Post "/lists/{listId}/export" EXPORT }

job_family! {
/// A notification announces the end, unless it is done at once.
    pub NOTIFIED = "notified";
    id: field "operationId",
    done: state "status" { succeeded: ["Complete"], failed: ["Error"] },
    results: reply [items "result"],
    at_once: true,
    topic: "v2.things.{id}",
}

operation! {
    /// Makes things.
    Things.notified -> PostNotified -> Submitted;
    "postNotified" Post "/notified"
}

job! { PostNotified -> Thing; "postNotified" Post "/notified" NOTIFIED }

job_family! {
/// Nothing announces the end, unless it is done at once.
    pub UNTOLD = "untold";
    id: field "id",
    done: state "status" { succeeded: ["Complete"] },
    results: reply [items "[]"],
    at_once: true,
    note: "read the thing",
}

operation! {
    /// Publishes things.
    Things.untold -> PostUntold -> Submitted;
    "postUntold" Post "/untold"
}

job! { PostUntold -> Thing; "postUntold" Post "/untold" UNTOLD }

job_family! {
/// The id is in a header of the response to the submit.
    pub DELETED = "deleted";
    id: header "Location",
    status: "getStatus" Get "/status/{statusId}" (id "statusId"),
    done: state "statusCode" { succeeded: ["COMPLETE"] },
    results: reply [items "[]"],
}

operation! {
    /// Deletes a thing.
    Things.deleted -> DeleteThing -> ();
    "deleteThing" Delete "/things/{thingId}"
    path { thing_id: String = "thingId", }
}

job! { DeleteThing -> Thing; "deleteThing" Delete "/things/{thingId}" DELETED }

/// Longer than any test. The paused clock advances whenever the runtime is idle.
const AGES: Duration = Duration::from_secs(100_000_000);

fn client(server: &Server) -> Client {
    let client = Client::builder().api_url(server.url()).access_token("a-token");
    // Only the jobs retry.
    let client = client.max_retries(0).max_rate_limit_wait(Duration::ZERO);
    client.timeout(AGES).connect_timeout(AGES).read_timeout(AGES).build().expect("a client")
}

fn things(server: &Server) -> Things {
    Things::new(&client(server))
}

fn listed(server: &Server) -> PostListed {
    things(server).listed("s1", Query { name: Some("n".to_owned()), ..Query::default() })
}

/// A server that answers with these responses in order.
async fn script(answers: impl IntoIterator<Item = Answer>) -> Server {
    let mut answers: VecDeque<Answer> = answers.into_iter().collect();
    Server::start(move |_| answers.pop_front().expect("no further request")).await
}

fn json(body: &str) -> Answer {
    Answer::json(200, body)
}

/// The responses to the submit of a job and to its polls.
fn with_states(states: &[&str]) -> Vec<Answer> {
    let submitted = Answer::json(202, r#"{"jobId":"j1"}"#);
    let status = |state: &&str| json(&format!(r#"{{"state":"{state}"}}"#));
    std::iter::once(submitted).chain(states.iter().map(status)).collect()
}

/// The requests, one line each.
fn asked(server: &Server) -> Vec<String> {
    let received = server.received().into_iter();
    received.map(|request| format!("{} {}", request.method, request.target)).collect()
}

fn ids(things: impl IntoIterator<Item = Thing>) -> Vec<String> {
    things.into_iter().map(|thing| thing.id.expect("an id")).collect()
}

/// Reads to the end, without errors.
async fn all(things: &mut Paginator<Thing>) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(thing) = things.try_next().await.expect("a thing") {
        found.push(thing);
    }
    ids(found)
}
