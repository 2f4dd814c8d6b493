//! Errors of lists, jobs, time ranges and checkpoints.

use std::time::Duration;

use genesys_cloud_core::{
    Checkpoint, Client, Error, FileStore, Interval, ListSpec, Paginator, Scheme, StoreError, group,
    job, job_family, operation, paged, record,
};
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::{Case, client, queues, serve};

record! {
    pub struct Thing {
        pub id: Option<String> = "id",
    }
}

record! {
    pub struct Query {
        pub interval: Option<String> = "interval",
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
    pub JOBS = "jobs";
    id: field "jobId",
    status: "getJob" Get "/jobs/{jobId}" (id "jobId"),
    done: state "state" {
        succeeded: ["FULFILLED"],
        failed: ["FAILED"],
        cancelled: ["CANCELLED"],
        expired: ["EXPIRED"],
        held: ["READY"],
    },
    results: list "getJobResults" Get "/jobs/{jobId}/results" (id "jobId")
        CursorField { items: ["things"], page_size: "pageSize" as integer },
    availability: "getAvailability" Get "/availability" "dataAvailabilityDate" for body "interval",
    note: "upload a file",
}

operation! {
    /// Submits a job.
    Things.jobs -> PostJobs -> Submitted;
    "postJobs" Post "/jobs"
    body: Query;
}

job! { PostJobs -> Thing; "postJobs" Post "/jobs" JOBS, interval: body "interval", span: 31 days, id: "id" }

operation! {
    /// Submits another kind of job.
    Things.others -> PostOthers -> Submitted;
    "postOthers" Post "/others"
}

job! { PostOthers -> Thing; "postOthers" Post "/others" JOBS }

job_family! {
    /// Jobs whose end is announced by a notification.
    pub NOTIFIED = "notified";
    id: field "operationId",
    done: state "status" { succeeded: ["Complete"] },
    results: reply [items "result"],
    at_once: true,
    topic: "v2.things.{id}",
}

operation! {
    /// Submits a job without a status operation.
    Things.notified -> PostNotified -> Submitted;
    "postNotified" Post "/notified"
}

job! { PostNotified -> Thing; "postNotified" Post "/notified" NOTIFIED }

operation! {
    /// Lists things in an interval.
    Things.query -> PostQuery -> Vec<Thing>;
    "postQuery" Post "/query"
    body: Query;
}

paged! {
    PostQuery -> Thing;
    BodyPagingTotalHits {
        items: ["things"],
        page_size: body "paging.pageSize" as integer, maximum: 5,
    }
    interval: body "interval", id: "id"
}

const DAY: &str = "2026-05-01T00:00:00Z/2026-05-02T00:00:00Z";

fn query() -> Query {
    Query { interval: Some(DAY.to_owned()), ..Query::default() }
}

pub(crate) async fn cases() -> Vec<Case> {
    let mut cases = lists().await;
    cases.extend(jobs().await);
    cases.extend(checkpoints().await);
    cases
}

fn built(server: &Server) -> Client {
    client(server).build().expect("a client")
}

async fn lists() -> Vec<Case> {
    async fn list(scheme: Scheme, answer: fn() -> Answer) -> Error {
        let server = serve(answer).await;
        let client = client(&server).max_page_items(2).build().expect("a client");
        let spec = ListSpec::new(scheme, "entities");
        let mut list = Paginator::<Value>::from_request(&client, queues(), spec);
        loop {
            match list.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(error) => return error,
            }
        }
    }
    let next = || {
        let uri = "https://evil.example/api/v2/routing/queues?after=x";
        Answer::json(200, &format!(r#"{{"entities":[{{"id":"a"}}],"nextUri":"{uri}"}}"#))
    };
    type Listed = (&'static str, Scheme, fn() -> Answer);
    let cases: [Listed; 3] = [
        ("not a page", Scheme::PageNumber, || Answer::json(200, r#"{"name":"a"}"#)),
        ("too many items", Scheme::PageNumber, || Answer::json(200, r#"{"entities":[1,2,3]}"#)),
        ("link to another host", Scheme::AfterInNextUri, next),
    ];
    let mut found = Vec::new();
    for (situation, scheme, answer) in cases {
        found.push((situation, list(scheme, answer).await));
    }
    let refusing =
        serve(|| Answer::json(400, r#"{"message":"The interval may not exceed 1 day."}"#)).await;
    let range: Interval = DAY.parse().expect("an interval");
    let windows = Things::new(&built(&refusing)).query(Query::default()).windows(range);
    let mut windows =
        windows.span(Duration::from_hours(24)).split_down_to(Duration::from_hours(24));
    found.push(("window too large", windows.try_next().await.expect_err("too large")));
    found
}

async fn jobs() -> Vec<Case> {
    async fn ended(state: &'static str) -> Error {
        let server = Server::start(move |request| match request.target.as_str() {
            "/jobs" => Answer::json(202, r#"{"jobId":"j1"}"#),
            _ => Answer::json(
                200,
                &format!(r#"{{"state":"{state}","errorMessage":"too much data"}}"#),
            ),
        })
        .await;
        let job = Things::new(&built(&server)).jobs(query()).submit().await.expect("a job");
        let mut job = job.deadline(Duration::from_secs(1));
        match job.wait().await {
            Err(error) => error,
            Ok(_) => job.results().try_next().await.expect_err("no results"),
        }
    }
    let no_id = serve(|| Answer::json(202, "{}")).await;
    let no_id = Things::new(&built(&no_id)).jobs(query()).submit().await;
    let server = serve(|| Answer::json(202, r#"{"jobId":"j1"}"#)).await;
    let job = Things::new(&built(&server)).jobs(query()).submit().await.expect("a job");
    let notified =
        serve(|| Answer::json(202, r#"{"status":"Processing","operationId":"o2"}"#)).await;
    let mut notified = Things::new(&built(&notified)).notified().paginate();
    let late = || Answer::json(200, r#"{"dataAvailabilityDate":"2026-05-01T06:00:00Z"}"#);
    let late = serve(late).await;
    let late = Things::new(&built(&late)).jobs(query()).submit().wait_for_data(Duration::ZERO);
    vec![
        ("job failed", ended("FAILED").await),
        ("job cancelled", ended("CANCELLED").await),
        ("job expired", ended("EXPIRED").await),
        ("job still running", ended("RUNNING").await),
        ("job awaiting input", ended("READY").await),
        ("job without id", no_id.map(drop).expect_err("no id")),
        ("job without status", notified.try_next().await.expect_err("no status")),
        (
            "saved job of another operation",
            PostOthers::load(&built(&server), job.save()).map(drop).expect_err("another operation"),
        ),
        ("data not available yet", late.await.map(drop).expect_err("no data")),
    ]
}

async fn checkpoints() -> Vec<Case> {
    let server = Server::start(|request| match request.target.contains("after=") {
        true => Answer::json(400, r#"{"message":"no such token"}"#),
        false => Answer::json(200, r#"{"entities":[{"id":"a"}],"after":"t1"}"#),
    })
    .await;
    let client = built(&server);
    let list = |name: &str| {
        let mut request = queues();
        request.set_query("name", name);
        let spec = ListSpec::new(Scheme::AfterField, "entities");
        Paginator::<Value>::from_request(&client, request, spec)
    };
    let mut first = list("a");
    first.try_next().await.expect("an item");
    let checkpoint: Checkpoint = first.checkpoint();
    let directory = tempfile::tempdir().expect("a directory");
    let open = || list("a").checkpointed(FileStore::new(directory.path()), "queues", 1);
    let mut writer = open();
    writer.try_next().await.expect("a batch");
    vec![
        ("checkpoint of another call", {
            list("b").resume(&checkpoint).try_next().await.expect_err("another call")
        }),
        ("stale checkpoint", list("a").resume(&checkpoint).try_next().await.expect_err("stale")),
        ("checkpoint store", StoreError::new("disk full").into()),
        ("checkpoint in use", open().try_next().await.map(drop).expect_err("in use")),
    ]
}
