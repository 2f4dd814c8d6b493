//! The results of jobs as lists, wherever the API puts them.

use std::time::Duration;

use futures::StreamExt as _;
use genesys_cloud_core::{
    Client, Completion, ErrorKind, FileForm, JobId, JobOperation, JobSpec, JobState, ListSpec,
    Method, Operation, Paginator, Reason, Request, ResultLocation, Results, Scheme, Verdict,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::server::{Answer, Gate, Server};
use crate::{Query, all, asked, client, ids, json, listed, script, things, with_states};

fn page(ids: &[&str], cursor: Option<&str>) -> Answer {
    let things: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let cursor = cursor.map(|cursor| format!(r#","cursor":"{cursor}""#)).unwrap_or_default();
    json(&format!(r#"{{"things":[{}]{cursor}}}"#, things.join(",")))
}

#[tokio::test(start_paused = true)]
async fn reads_pages_by_cursor() {
    let mut answers = with_states(&["QUEUED", "FULFILLED"]);
    answers.extend([page(&["a", "b"], Some("c1")), page(&["c"], Some("c2")), page(&["d"], None)]);
    let server = script(answers).await;
    let mut results = listed(&server).paginate().page_size(7);
    assert_eq!(all(&mut results).await, ["a", "b", "c", "d"]);
    assert_eq!(results.report().verdict(), Verdict::Complete);
    // Including the submit and two polls.
    assert_eq!((results.report().pages, results.report().requests), (3, 6));
    assert_eq!(
        asked(&server)[3..],
        [
            "GET /shops/s1/jobs/j1/results?pageSize=7",
            "GET /shops/s1/jobs/j1/results?pageSize=7&cursor=c1",
            "GET /shops/s1/jobs/j1/results?pageSize=7&cursor=c2",
        ]
    );
}

/// The submit, the polls, and the page requests, for each kind of results.
#[tokio::test(start_paused = true)]
async fn counts_all_calls_of_a_job() {
    let calls = |server: &Server, results: &Paginator<crate::Thing>| {
        let (report, received) = (results.report(), server.received().len() as u64);
        assert_eq!(report.requests + report.retries, received, "{report:?}");
        (report.pages, received)
    };
    // In the status, after an error that is retried and one that is returned.
    let server = script([
        json(r#"{"job":{"id":"j1"}}"#),
        json(r#"{"job":{"status":"Running"}}"#),
        Answer::json(503, "{}"),
        Answer::json(403, "{}"),
        json(r#"{"job":{"status":"Complete"},"result":{"entities":[{"id":"a"}]}}"#),
    ])
    .await;
    let mut results = things(&server).inline().paginate();
    results.try_next().await.expect_err("no permission");
    assert_eq!(all(&mut results).await, ["a"]);
    assert_eq!(calls(&server, &results), (1, 5));

    // In pages of the status operation.
    let server = script([
        json(r#"{"executionId":"j1"}"#),
        json(r#"{"queryStatus":"Running"}"#),
        json(r#"{"queryStatus":"Complete"}"#),
        json(r#"{"queryStatus":"Complete","results":[{"id":"a"}],"cursors":{"after":"x"}}"#),
        json(r#"{"queryStatus":"Complete","results":[{"id":"b"}]}"#),
    ])
    .await;
    let mut results = things(&server).usage().paginate();
    assert_eq!(all(&mut results).await, ["a", "b"]);
    assert_eq!(calls(&server, &results), (2, 5));

    // A job for each page.
    let page = |ids: &str, number| {
        json(&format!(r#"{{"entities":[{ids}],"pageNumber":{number},"pageCount":2,"total":3}}"#))
    };
    let server = script([
        json(r#"{"id":"j1"}"#),
        json(r#"{"state":"Succeeded"}"#),
        page(r#"{"id":"a"},{"id":"b"}"#, 1),
        json(r#"{"id":"j2"}"#),
        json(r#"{"state":"Running"}"#),
        json(r#"{"state":"Succeeded"}"#),
        page(r#"{"id":"c"}"#, 2),
    ])
    .await;
    let mut results = things(&server).pages(Query::default()).paginate();
    assert_eq!(all(&mut results).await, ["a", "b", "c"]);
    assert_eq!(calls(&server, &results), (2, 7));

    // The calls of the handle are not counted for the list.
    let mut answers = with_states(&["QUEUED", "FULFILLED"]);
    answers.extend([self::page(&["a"], Some("c1")), self::page(&["b"], None)]);
    let server = script(answers).await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.wait().await.expect("done");
    let mut results = job.results();
    assert_eq!(all(&mut results).await, ["a", "b"]);
    assert_eq!((results.report().requests, server.received().len()), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn continues_after_an_error() {
    let server = script([
        Answer::json(429, "{}"),
        json(r#"{"jobId":"j1"}"#),
        Answer::json(403, "{}"),
        json(r#"{"state":"FULFILLED"}"#),
        Answer::json(500, "{}"),
        page(&["a"], Some("c1")),
        Answer::json(500, "{}"),
        page(&["b"], None),
    ])
    .await;
    let mut results = listed(&server).paginate();
    let mut found = Vec::new();
    let mut errors = Vec::new();
    while let Some(result) = results.next().await {
        match result {
            Ok(thing) => found.push(thing),
            Err(error) => errors.extend(error.status()),
        }
    }
    assert_eq!(ids(found), ["a", "b"]);
    assert_eq!(errors, [429, 403, 500, 500]);
    let submits = asked(&server).iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(submits, 2);
}

#[tokio::test(start_paused = true)]
async fn does_not_resubmit_if_the_outcome_is_unknown() {
    for reply in [
        || json("{}"),
        || json(""),
        || json("<html>"),
        || json("{").closing_at(9),
        || Answer::json(202, "{").stalling_at(9),
        || json("").closing_at(9),
        || Answer::new(408, ""),
        || Answer::new(502, "<html>"),
        || Answer::json(503, "{}").header("retry-after", "1"),
        || Answer::json(504, "{"),
    ] {
        let server = script([reply(), json(r#"{"jobId":"j1"}"#)]).await;
        // With and without retries, with a list and with a handle.
        let client = Client::builder().api_url(server.url()).access_token("a-token");
        let client = client.timeout(Duration::from_secs(30)).build().expect("a client");
        let things = crate::Things::new(&client);
        let mut results = things.listed("s1", Query::default()).paginate();
        let first = results.try_next().await.expect_err("no id");
        let again = results.try_next().await.expect_err("no id");
        assert!(first.is_outcome_unknown() && again.is_outcome_unknown(), "{first}");
        assert_eq!(first.to_string(), again.to_string());
        let told = "the job may exist and is not submitted again automatically; its id, which \
                    GET /shops/{shopId}/jobs/{jobId} (getThingsJob) needs, is unknown";
        assert!(first.to_string().contains(told), "{first}");
        assert_eq!(asked(&server), ["POST /shops/s1/jobs"], "{first}");

        let server = script([reply()]).await;
        let error = listed_by(&server).submit().await.expect_err("no id");
        assert!(error.is_outcome_unknown() && error.to_string().contains(told), "{error}");
        assert_eq!(asked(&server), ["POST /shops/s1/jobs"], "{error}");
    }
}

fn listed_by(server: &Server) -> crate::PostListed {
    let client = Client::builder().api_url(server.url()).access_token("a-token").max_retries(0);
    let client = client.timeout(Duration::from_secs(30)).max_rate_limit_wait(Duration::ZERO);
    crate::Things::new(&client.build().expect("a client")).listed("s1", Query::default())
}

#[tokio::test(start_paused = true)]
async fn resubmits_after_a_rejected_submit() {
    for reply in [
        || Answer::json(429, "{}"),
        || Answer::json(400, "{}"),
        || Answer::json(403, "{}"),
        || Answer::json(500, "{}"),
    ] {
        let mut answers = vec![reply()];
        answers.extend(with_states(&["FULFILLED"]));
        answers.push(page(&["a"], None));
        let server = script(answers).await;
        let mut results = listed_by(&server).paginate();
        let error = results.try_next().await.expect_err("a refusal");
        assert!(!error.is_outcome_unknown(), "{error}");
        assert_eq!(all(&mut results).await, ["a"]);
    }
}

#[tokio::test]
async fn resubmits_an_operation_that_only_reads() {
    let server = script([json("[").closing_at(9), json(r#"[{"id":"a"}]"#)]).await;
    let mut results = things(&server).media("t1").paginate();
    assert!(results.try_next().await.expect_err("half a reply").is_transport());
    assert_eq!(all(&mut results).await, ["a"]);
}

#[tokio::test]
async fn submits_nothing_before_the_first_poll() {
    let server = script([]).await;
    drop(listed(&server).paginate());
    assert!(listed(&server).paginate().limit(0).next().await.is_none());
    drop(listed(&server).submit());
    assert!(server.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_is_an_error_each_time() {
    let server = script(with_states(&["FAILED"])).await;
    let mut results = listed(&server).paginate();
    for _ in 0..2 {
        assert!(results.try_next().await.expect_err("no results").is_job_without_result());
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn partial_success_is_truncated() {
    let mut answers = with_states(&["PARTIAL"]);
    answers.push(page(&["a"], None));
    let server = script(answers).await;
    let mut results = listed(&server).paginate();
    assert_eq!(all(&mut results).await, ["a"]);
    assert_eq!(results.report().verdict(), Verdict::Truncated(Reason::PartlySucceeded));
}

#[tokio::test(start_paused = true)]
async fn does_not_request_expired_results() {
    let server = script([
        json(r#"{"jobId":"j1"}"#),
        json(r#"{"state":"FULFILLED","expirationDate":"2026-05-01T10:00:00Z"}"#)
            .header("date", "Fri, 01 May 2026 10:00:01 GMT"),
    ])
    .await;
    let error = listed(&server).paginate().try_next().await.expect_err("no results");
    assert_eq!(error.kind(), ErrorKind::JobExpired);
    let text = error.to_string();
    assert!(
        text.contains(
            "the results of job j1 were deleted at 2026-05-01 10:00:00 UTC; submit it again"
        ),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn results_can_expire_before_they_are_read() {
    let server = script([
        json(r#"{"jobId":"j1"}"#),
        json(r#"{"state":"FULFILLED","expirationDate":"2026-05-02T10:00:00Z"}"#)
            .header("date", "Fri, 01 May 2026 10:00:00 GMT"),
        page(&["a"], None),
    ])
    .await;
    let mut job = listed(&server).submit().await.expect("a job");
    job.wait().await.expect("a status");
    tokio::time::advance(Duration::from_hours(23)).await;
    assert_eq!(all(&mut job.results()).await, ["a"]);
    tokio::time::advance(Duration::from_hours(2)).await;
    let error = job.results().try_next().await.expect_err("no results");
    assert_eq!(error.kind(), ErrorKind::JobExpired, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn results_that_are_gone_are_expired() {
    let mut answers = with_states(&["FULFILLED"]);
    answers.extend([page(&["a"], Some("c1")), Answer::json(404, "{}")]);
    let server = script(answers).await;
    let mut results = listed(&server).paginate();
    assert_eq!(
        results.try_next().await.expect("a thing").expect("a thing").id.as_deref(),
        Some("a")
    );
    let error = results.try_next().await.expect_err("no results");
    assert_eq!(error.kind(), ErrorKind::JobExpired);
    let text = error.to_string();
    assert!(text.ends_with("the results of job j1 are gone; submit it again"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn results_that_are_not_ready_are_an_error() {
    let mut answers = with_states(&["FULFILLED"]);
    answers.extend([Answer::json(202, "{}"), page(&["a"], None)]);
    let server = script(answers).await;
    let mut results = listed(&server).paginate();
    assert_eq!(results.try_next().await.expect_err("no page").kind(), ErrorKind::Paging);
    assert_eq!(all(&mut results).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn expiry_is_by_the_clock_of_the_server() {
    let server = script([
        json(r#"{"jobId":"j1"}"#),
        json(r#"{"state":"FULFILLED","expirationDate":"2020-05-01T10:00:00Z"}"#)
            .header("date", "Fri, 01 May 2020 09:59:59 GMT"),
        page(&["a"], None),
    ])
    .await;
    assert_eq!(all(&mut listed(&server).paginate()).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn reads_results_in_the_status() {
    let server = script([
        Answer::json(202, r#"{"job":{"id":"j1","status":"Processing"}}"#),
        json(r#"{"job":{"status":"Processing"}}"#),
        // The job is done whatever the HTTP status.
        Answer::json(
            202,
            r#"{"job":{"status":"Complete"},"result":{"entities":[{"id":"a"},{"id":"b"}]}}"#,
        ),
    ])
    .await;
    let mut results = things(&server).inline().paginate();
    assert_eq!(all(&mut results).await, ["a", "b"]);
    assert_eq!(results.report().verdict(), Verdict::Complete);
    assert_eq!(asked(&server), ["POST /inline", "GET /inline/j1", "GET /inline/j1"]);
}

#[tokio::test(start_paused = true)]
async fn polls_again_if_the_results_in_the_status_can_not_be_read() {
    let done =
        |result: &str| json(&format!(r#"{{"job":{{"status":"Complete"}},"result":{result}}}"#));
    let server = script([
        Answer::json(202, r#"{"job":{"id":"j1","status":"Processing"}}"#),
        done(r#"{"entities":[{"id":[]}]}"#),
        done(r#"{"entities":[{"id":{}}]}"#),
        Answer::json(503, "{}"),
        done(r#"{"entities":[{"id":"a"},{"id":"b"}]}"#),
    ])
    .await;
    let mut results = things(&server).inline().paginate();
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("no id");
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    }
    assert_eq!(all(&mut results).await, ["a", "b"]);
    assert_eq!(results.report().verdict(), Verdict::Complete);
    assert_eq!(asked(&server)[1..], ["GET /inline/j1"; 4]);
}

#[tokio::test]
async fn unreadable_results_without_a_job_are_kept() {
    let body = r#"{"result":{"entities":[{"id":["a"]}]}}"#;
    let server = script([json(body)]).await;
    let mut results = things(&server).inline().paginate();
    for _ in 0..2 {
        assert_eq!(results.try_next().await.expect_err("no id").kind(), ErrorKind::Decode);
    }
    // They can still be read in another way.
    let mut raw = results.items_as::<Box<RawValue>>();
    assert_eq!(raw.try_next().await.expect("a thing").expect("a thing").get(), r#"{"id":["a"]}"#);
    assert_eq!(asked(&server), ["POST /inline"]);
}

#[tokio::test]
async fn reads_results_of_the_submit() {
    let body = r#"{"job":{"status":"complete"},"result":{"entities":[{"id":"a"}]}}"#;
    let server = script([json(body), json(body)]).await;
    assert_eq!(all(&mut things(&server).inline().paginate()).await, ["a"]);
    let mut job = things(&server).inline().submit().await.expect("a job");
    assert_eq!(job.id(), None);
    assert!(job.wait().await.expect("a status").is_final());
    assert_eq!(all(&mut job.results()).await, ["a"]);
    assert_eq!(all(&mut job.results()).await, ["a"]);
}

#[tokio::test]
async fn reads_results_instead_of_a_job() {
    let server = script([json(r#"{"result":{"entities":[{"id":"a"}]}}"#)]).await;
    assert_eq!(all(&mut things(&server).inline().paginate()).await, ["a"]);
    assert_eq!(asked(&server), ["POST /inline"]);
}

#[tokio::test]
async fn a_single_result_is_a_list_of_one() {
    let body = r#"{"job":{"status":"Complete"},"result":{"entities":{"id":"a"}}}"#;
    let server = script([json(body), json(body)]).await;
    assert_eq!(all(&mut things(&server).inline().paginate()).await, ["a"]);
    let mut raw = things(&server).inline().paginate().items_as::<Box<RawValue>>();
    assert_eq!(raw.try_next().await.expect("a thing").expect("a thing").get(), r#"{"id":"a"}"#);
}

#[tokio::test]
async fn an_empty_list_is_complete() {
    for results in [
        r#""result":{"entities":[]}"#,
        r#""result":{"entities":[]},"downloadUrls":null"#,
        r#""downloadUrls":[]"#,
    ] {
        let body = format!(r#"{{"job":{{"status":"Complete"}},{results}}}"#);
        let server = script([json(&body)]).await;
        let mut results = things(&server).inline().paginate();
        assert_eq!(all(&mut results).await, [""; 0], "{body}");
        assert_eq!(results.report().verdict(), Verdict::Complete);
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_status_without_list_or_file_is_an_error_and_polled_again() {
    let without = || json(r#"{"job":{"id":"j1","status":"Complete"},"result":null}"#);
    let done = r#"{"job":{"status":"Complete"},"result":{"entities":[{"id":"a"}]}}"#;
    let server = script([without(), without(), json(done)]).await;
    let mut results = things(&server).inline().paginate();
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("no results");
        assert!(error.kind() == ErrorKind::Paging && error.is_transient(), "{error}");
        let told = "has neither `result.entities` nor `downloadUrls`";
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(all(&mut results).await, ["a"]);
    assert_eq!(asked(&server), ["POST /inline", "GET /inline/j1", "GET /inline/j1"]);
}

#[tokio::test(start_paused = true)]
async fn an_absent_list_in_a_recognized_status_is_empty_and_unknown() {
    let results = |server: &Server, results: Results| {
        let status = Operation::new("getJob", Method::Get, "/jobs/{jobId}");
        let family = JobSpec::new("things")
            .with_id(JobId::Field("id".into()))
            .with_status(JobOperation::new(status).with_id("jobId".into()))
            .with_done_when(Completion::State("state".into()))
            .with_states(vec![("DONE".into(), JobState::Succeeded)].into())
            .with_results(results);
        let submit = Request::new(Operation::new("postJobs", Method::Post, "/jobs"));
        Paginator::<Value>::from_job(&client(server), submit, family)
    };
    let done = || script([json(r#"{"id":"j1"}"#), json(r#"{"state":"DONE"}"#)]);
    let items = Results::Response(vec![ResultLocation::Items("results".into())].into());
    let mut list = results(&done().await, items);
    assert_eq!(list.try_next().await.expect("no error"), None);
    assert_eq!(list.report().verdict(), Verdict::Unknown(Reason::NoList { pages: 1 }));
    let files = ResultLocation::Files("downloadUrl".into(), FileForm::Json("[]".into()));
    let server = done().await;
    let mut list = results(&server, Results::Response(vec![files].into()));
    let error = list.try_next().await.expect_err("no file").to_string();
    assert!(error.contains("its status has no `downloadUrl`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_body_is_not_a_result() {
    for body in ["", "null", "{}", r#"{"message":"boom","status":500}"#] {
        let server = script([Answer::new(202, ""), json(body), json(r#"[{"id":"a"}]"#)]).await;
        let mut results = things(&server).media("t1").paginate();
        let error = results.try_next().await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert_eq!(all(&mut results).await, ["a"], "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_body_is_not_a_status() {
    let server = script([
        json(r#"{"jobId":"j1"}"#),
        json(r#"{"message":"boom","code":"c","status":429}"#),
        json(r#"{"state":"FULFILLED"}"#),
        page(&["a"], None),
    ])
    .await;
    assert_eq!(all(&mut listed(&server).paginate()).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn reads_results_that_the_status_operation_lists() {
    let server = Server::start(|request| match request.target.as_str() {
        "/usage" => json(r#"{"executionId":"e1"}"#),
        "/usage/e1/results" => {
            json(r#"{"queryStatus":"Complete","results":[{"id":"a"}],"cursors":{"after":"t"}}"#)
        }
        "/usage/e1/results?after=t" => json(r#"{"results":[{"id":"b"}]}"#),
        other => panic!("{other}"),
    })
    .await;
    assert_eq!(all(&mut things(&server).usage().paginate()).await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn submits_a_job_for_each_page() {
    let mut jobs = 0;
    let server = Server::start(move |request| {
        let number = |text: &str, name: &str| -> Option<usize> {
            let (_, rest) = text.split_once(&format!("\"{name}\":"))?;
            rest.split([',', '}']).next()?.parse().ok()
        };
        if request.method == "POST" {
            jobs += 1;
            let (page, size) =
                (number(&request.body, "pageNumber"), number(&request.body, "pageSize"));
            assert_eq!((page, size), (Some(jobs), Some(2)), "{}", request.body);
            return json(&format!(r#"{{"id":"j{jobs}","state":"Queued"}}"#));
        }
        if !request.target.ends_with("/results") {
            return json(r#"{"state":"Succeeded"}"#);
        }
        let page = request.target[8..9].parse::<usize>().expect("a page");
        let entities = ["a", "b", "c", "d", "e"].chunks(2).nth(page - 1).expect("a page");
        let entities: Vec<String> =
            entities.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
        json(&format!(
            r#"{{"entities":[{}],"pageNumber":{page},"pageSize":2,"pageCount":3,"total":5}}"#,
            entities.join(","),
        ))
    })
    .await;
    let mut results = things(&server).pages(Query::default()).paginate();
    assert_eq!(all(&mut results).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(results.report().verdict(), Verdict::Complete);
    assert_eq!(asked(&server).iter().filter(|line| *line == "POST /pages").count(), 3);
}

#[tokio::test(start_paused = true)]
async fn does_not_resubmit_a_page_whose_poll_failed() {
    let page = r#"{"entities":[{"id":"a"}],"pageNumber":1,"pageCount":1}"#;
    let server = script([
        json(r#"{"id":"j1"}"#),
        Answer::json(403, "{}"),
        json(r#"{"state":"Succeeded"}"#),
        Answer::json(403, "{}"),
        json(page),
    ])
    .await;
    let mut results = things(&server).pages(Query::default()).paginate();
    for _ in 0..2 {
        assert_eq!(results.try_next().await.expect_err("a refusal").kind(), ErrorKind::Forbidden);
    }
    assert_eq!(all(&mut results).await, ["a"]);
}

const PAGES_DONE: &str = r#"{"state":"Succeeded"}"#;

/// The API no longer has the job of a page, or its results.
#[tokio::test(start_paused = true)]
async fn a_page_whose_job_is_gone_is_an_error() {
    for status in [404, 410] {
        for answers in [
            vec![json(r#"{"state":"Running"}"#), Answer::json(status, "{}")],
            vec![json(PAGES_DONE), Answer::json(status, "{}")],
        ] {
            let answers = std::iter::once(json(r#"{"id":"j1"}"#)).chain(answers);
            let server = script(answers).await;
            let mut results = things(&server).pages(Query::default()).paginate();
            let first = results.try_next().await.expect_err("no job").to_string();
            let again = results.try_next().await.expect_err("no job").to_string();
            assert_eq!((first, server.received().len()), (again, 3));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn resubmits_a_page_whose_job_is_gone_once_if_it_only_reads() {
    let results = |server: &Server| {
        let submit = Operation::new("postPages", Method::Post, "/pages").reads();
        Paginator::<Value>::from_job(&client(server), Request::new(submit), crate::PAGES)
    };
    let server = script([
        json(r#"{"id":"j1"}"#),
        json(r#"{"state":"Running"}"#),
        Answer::json(404, "{}"),
        json(r#"{"id":"j2"}"#),
        json(PAGES_DONE),
        json(r#"{"entities":[{"id":"a"}],"pageNumber":1,"pageCount":1,"total":1}"#),
    ])
    .await;
    let things = results(&server);
    assert_eq!(things.pages().try_next().await.expect("a page").expect("a page").items().len(), 1);
    assert_eq!(asked(&server).iter().filter(|line| **line == "POST /pages").count(), 2);

    let server = Server::start(|request| match request.target.as_str() {
        "/pages" => json(r#"{"id":"j1"}"#),
        target if target.ends_with("/results") => Answer::json(410, "{}"),
        _ => json(PAGES_DONE),
    })
    .await;
    let error = results(&server).try_next().await.expect_err("no results");
    assert_eq!(error.kind(), ErrorKind::JobExpired, "{error}");
    assert_eq!(asked(&server).iter().filter(|line| **line == "POST /pages").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_unusable_results_again_without_resubmitting() {
    for fault in ["", "null", "<html>", r#"{"message":"boom","status":500}"#] {
        let server = script([
            json(r#"{"id":"j1"}"#),
            json(PAGES_DONE),
            json(fault),
            json(r#"{"entities":[{"id":"a"}],"pageNumber":1,"pageCount":1,"total":1}"#),
        ])
        .await;
        let retrying = Client::builder().api_url(server.url()).access_token("a-token");
        let retrying = crate::Things::new(&retrying.build().expect("a client"));
        let mut results = retrying.pages(Query::default()).paginate();
        assert_eq!(all(&mut results).await, ["a"], "{fault}");

        let server = script([Answer::new(202, ""), json(fault), json(r#"[{"id":"a"}]"#)]).await;
        let retrying = Client::builder().api_url(server.url()).access_token("a-token");
        let retrying = crate::Things::new(&retrying.build().expect("a client"));
        assert_eq!(all(&mut retrying.media("t1").paginate()).await, ["a"], "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn does_not_resubmit_a_page_whose_submit_is_lost() {
    let server = script([Answer::json(504, "{}"), json(r#"{"id":"j1"}"#)]).await;
    let mut results = things(&server).pages(Query::default()).paginate();
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("no job");
        assert!(error.is_outcome_unknown(), "{error}");
    }
    assert_eq!(server.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_handle_reads_only_its_page() {
    let server = script([
        json(r#"{"id":"j1"}"#),
        json(r#"{"state":"Succeeded"}"#),
        json(r#"{"entities":[{"id":"a"}],"pageNumber":1,"pageCount":3,"total":3}"#),
    ])
    .await;
    let job = things(&server).pages(Query::default()).submit().await.expect("a job");
    let mut results = job.results();
    assert_eq!(all(&mut results).await, ["a"]);
    let reason = Reason::TotalDiffers { read: 1, total: 3 };
    assert_eq!(results.report().verdict(), Verdict::Truncated(reason));
}

#[tokio::test(start_paused = true)]
async fn repeats_the_submit_until_it_is_done() {
    let server =
        script([Answer::new(202, ""), Answer::new(202, ""), json(r#"[{"id":"a"},{"id":"b"}]"#)])
            .await;
    let mut media = things(&server).media("t/1").format("WAV").paginate();
    assert_eq!(all(&mut media).await, ["a", "b"]);
    assert_eq!(asked(&server), ["GET /media/t%2F1?format=WAV"; 3]);
}

#[tokio::test]
async fn a_job_with_a_notification_can_not_be_polled() {
    let server = script([
        json(r#"{"status":"Complete","operationId":"o1","result":[{"id":"a"}]}"#),
        Answer::json(202, r#"{"status":"Processing","operationId":"o2"}"#),
        json(r#"{"status":"Error","operationId":"o3","errorMessage":"no"}"#),
    ])
    .await;
    assert_eq!(all(&mut things(&server).notified().paginate()).await, ["a"]);
    let mut results = things(&server).notified().paginate();
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("nothing to poll");
        assert!(error.kind() == ErrorKind::JobNotPollable && !error.is_job_without_result());
        assert_eq!(
            error.to_string(),
            "POST /notified (postNotified): the API reports the end of job o2 only by \
             notification; subscribe to the topic v2.things.{id}"
        );
    }
    let error = things(&server).notified().paginate().try_next().await.expect_err("a failure");
    assert!(error.is_job_without_result(), "{error}");
}

#[tokio::test]
async fn a_job_without_status_can_not_be_polled() {
    let server = script([
        json(r#"{"id":"a","status":"Complete"}"#),
        json(r#"{"id":"b","status":"InProgress"}"#),
    ])
    .await;
    let untold = things(&server).untold().submit().await.expect("a job");
    assert_eq!(all(&mut untold.results()).await, ["a"]);
    let mut untold = things(&server).untold().submit().await.expect("a job");
    let error = untold.wait().await.expect_err("nothing to poll");
    assert_eq!(error.kind(), ErrorKind::JobNotPollable);
    assert_eq!(
        error.to_string(),
        "POST /untold (postUntold): the API has no operation for the status of job b; read the thing"
    );
}

#[tokio::test]
async fn finds_the_id_in_a_header() {
    let accepted = |url: &str| Answer::new(202, "").header("location", url);
    let done = || json(r#"{"id":"s1","statusCode":"COMPLETE"}"#);
    for url in ["https://api.example/status/s1", "/status/s1/?x=y", "s1"] {
        let server = script([accepted(url), done()]).await;
        let mut job = things(&server).deleted("t").submit().await.expect("a job");
        assert_eq!(job.id(), Some("s1"), "{url}");
        job.wait().await.expect("a status");
        assert_eq!(asked(&server), ["DELETE /things/t", "GET /status/s1"]);
    }
    let server = script([Answer::new(202, "")]).await;
    let mut job = things(&server).deleted("t").submit().await.expect("it was accepted");
    assert_eq!(job.id(), None);
    job.wait().await.expect_err("nothing to ask for");
    assert_eq!(asked(&server), ["DELETE /things/t"]);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_with_a_body_is_a_page_with_a_cursor() {
    let mut answers = with_states(&["FULFILLED"]);
    let redirect = |cursor: &str| {
        let body =
            format!(r#"{{"id":"x","downloadUrl":"http://evil.example/f?sig=hunter2"{cursor}}}"#);
        Answer::json(302, &body).header("location", "http://evil.example/f?sig=hunter2")
    };
    answers.extend((1..=25).map(|n| redirect(&format!(r#","cursor":"c{n}""#))));
    answers.extend([page(&["a"], Some("c")), redirect("")]);
    let server = script(answers).await;
    let job = listed(&server).submit().await.expect("a job");
    let results = job.results_with(|request| {
        request.set_query("allowRedirect", true);
    });
    let mut pages = results.pages();
    let (mut items, mut files) = (Vec::new(), 0);
    while let Some(page) = pages.try_next().await.expect("a page") {
        if let Some(file) = page.download() {
            assert_eq!(page.status(), 302);
            let error = file.expect_err("a URL that is not https");
            assert_eq!(error.kind(), ErrorKind::Download);
            assert!(!format!("{page:?}{error:?}").contains("hunter2"));
            files += 1;
        }
        items.extend(page);
    }
    assert_eq!((ids(items), files), (vec!["a".to_owned()], 26));
    assert_eq!(pages.report().verdict(), Verdict::Unknown(Reason::InFiles { pages: 26 }));
    let asked = asked(&server);
    assert_eq!(asked[2], "GET /shops/s1/jobs/j1/results?allowRedirect=true&pageSize=100");
    assert_eq!(asked[3], "GET /shops/s1/jobs/j1/results?allowRedirect=true&pageSize=100&cursor=c1");
}

#[tokio::test(start_paused = true)]
async fn requests_results_with_the_query_of_the_spec() {
    let call = |path: &'static str| {
        JobOperation::new(Operation::from_static("get", Method::Get, path)).with_id("jobId".into())
    };
    let query = vec![("expand".into(), "x".into()), ("expand".into(), "y".into())];
    let family = JobSpec::new("things")
        .with_id(JobId::Field("jobId".into()))
        .with_status(call("/jobs/{jobId}"))
        .with_done_when(Completion::State("state".into()))
        .with_states(vec![("FULFILLED".into(), JobState::Succeeded)].into())
        .with_results(Results::List(
            call("/jobs/{jobId}/results").with_query(query.into()),
            ListSpec::new(Scheme::CursorField, "things"),
        ));
    let mut answers = with_states(&["FULFILLED"]);
    answers.extend([page(&["a"], Some("c")), page(&["b"], None)]);
    let server = script(answers).await;
    let submit = Request::new(Operation::from_static("post", Method::Post, "/jobs"));
    let mut results = Paginator::<Value>::from_job(&client(&server), submit, family);
    while results.try_next().await.expect("a page").is_some() {}
    let asked = asked(&server);
    assert_eq!(asked[1], "GET /jobs/j1", "the status is asked for without");
    assert_eq!(
        asked[2..],
        [
            "GET /jobs/j1/results?expand=x&expand=y",
            "GET /jobs/j1/results?expand=x&expand=y&cursor=c",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_redirect_without_a_file_url_is_an_error() {
    let mut answers = with_states(&["FULFILLED"]);
    let body = r#"{"id":"x","cursor":"c1"}"#;
    answers.push(Answer::json(302, body).header("location", "http://evil.example/f?sig=hunter2"));
    answers.extend([Answer::json(302, "{}"), Answer::json(302, "{}")]);
    let server = script(answers).await;
    let mut pages = listed(&server).paginate().pages();
    let page = pages.try_next().await.expect("a page").expect("a page");
    assert_eq!(
        page.download().expect("a file").expect_err("not https").kind(),
        ErrorKind::Download
    );
    for _ in 0..2 {
        let error = pages.try_next().await.expect_err("neither items nor a file");
        assert_eq!(error.kind(), ErrorKind::Paging, "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn items_in_a_file_are_not_skipped() {
    let redirect = || Answer::json(302, r#"{"downloadUrl":"https://f.example/f","cursor":"c1"}"#);
    let mut answers = with_states(&["FULFILLED"]);
    answers.extend([redirect(), redirect()]);
    let server = script(answers).await;
    let mut results = listed(&server).paginate();
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("a file");
        assert_eq!(error.kind(), ErrorKind::Paging);
        assert!(error.to_string().contains("read the list with `pages`"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn applies_limit_and_prefetch() {
    let mut answers = with_states(&["FULFILLED"]);
    answers.extend([page(&["a", "b"], Some("c1")), page(&["c"], Some("c2"))]);
    let server = script(answers).await;
    let mut results = listed(&server).paginate().prefetch(3).limit(3);
    assert_eq!(all(&mut results).await, ["a", "b", "c"]);
    assert_eq!(results.report().verdict(), Verdict::Truncated(Reason::Limit));
}

#[tokio::test(start_paused = true)]
async fn a_single_response_that_is_not_ready_is_not_empty() {
    let call = |path: &'static str| {
        JobOperation::new(Operation::from_static("get", Method::Get, path)).with_id("jobId".into())
    };
    let family = JobSpec::new("things")
        .with_id(JobId::Field("jobId".into()))
        .with_status(call("/jobs/{jobId}"))
        .with_done_when(Completion::State("state".into()))
        .with_states(vec![("FULFILLED".into(), JobState::Succeeded)].into())
        .with_results(Results::List(
            call("/jobs/{jobId}/result"),
            ListSpec::new(Scheme::UnpagedEntities, "entities"),
        ));
    let mut answers = with_states(&["FULFILLED"]);
    answers.extend([
        Answer::new(202, ""),
        Answer::json(202, r#"{"id":"j1"}"#),
        Answer::json(202, r#"{"entities":[1,2]}"#),
    ]);
    let server = script(answers).await;
    let submit = Request::new(Operation::from_static("post", Method::Post, "/jobs"));
    let mut results = Paginator::<Value>::from_job(&client(&server), submit, family);
    for _ in 0..2 {
        let error = results.try_next().await.expect_err("no results yet");
        assert_eq!(error.kind(), ErrorKind::Paging, "{error:?}");
        assert!(error.to_string().contains("the results are not ready"), "{error}");
    }
    assert_eq!(results.try_next().await.expect("an item"), Some(Value::from(1)));
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_job_that_is_not_ready_is_not_the_end() {
    let server = script([
        json(r#"{"id":"j1"}"#),
        json(r#"{"state":"Succeeded"}"#),
        Answer::new(202, ""),
        json(r#"{"entities":[{"id":"a"}],"pageNumber":1,"pageCount":1}"#),
    ])
    .await;
    let mut results = things(&server).pages(Query::default()).paginate();
    assert_eq!(results.try_next().await.expect_err("no page yet").kind(), ErrorKind::Paging);
    assert_eq!(all(&mut results).await, ["a"]);
    assert_eq!(asked(&server).iter().filter(|line| *line == "POST /pages").count(), 1);
}

/// Large results are in a file, next to an empty list.
#[tokio::test]
async fn an_empty_list_does_not_hide_a_file() {
    let files = script([json(r#"{"data":[{"id":"a"}]}"#)]).await;
    let url = format!("{}/f", files.url());
    for (result, expected) in
        [(format!(r#"[],"downloadUrls":["{url}"]"#), vec!["a"]), ("[]".to_owned(), vec![])]
    {
        let (list, rest) = result.split_once(',').unwrap_or((&result, ""));
        let rest = if rest.is_empty() { String::new() } else { format!(",{rest}") };
        let body =
            format!(r#"{{"job":{{"status":"Complete"}},"result":{{"entities":{list}}}{rest}}}"#);
        let server = script([json(&body)]).await;
        assert_eq!(all(&mut things(&server).inline().paginate()).await, expected, "{body}");
    }
}

#[test]
fn does_not_resubmit_a_page_whose_future_was_dropped() {
    let runtime = || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(1).enable_all().build().expect("a runtime")
    };
    let (serving, gate) = (runtime(), Gate::new());
    let (opener, mut jobs) = (gate.clone(), 0);
    let server = serving.block_on(Server::start(move |request| {
        let page = request.target.get(8..9).unwrap_or_default();
        match (request.method.as_str(), request.target.ends_with("/results")) {
            ("POST", _) => {
                jobs += 1;
                json(&format!(r#"{{"id":"j{jobs}"}}"#))
            }
            (_, true) => json(&format!(
                r#"{{"entities":[{{"id":"{page}"}}],"pageNumber":{page},"pageCount":2}}"#
            )),
            (_, false) if page == "1" => json(r#"{"state":"Succeeded"}"#),
            (_, false) => json(r#"{"state":"Succeeded"}"#).behind(&gate),
        }
    }));
    let mut results = things(&server).pages(Query::default()).paginate().prefetch(1);
    let first = runtime();
    first.block_on(async {
        results.try_next().await.expect("a thing").expect("no end");
        server.has_received(5).await;
    });
    // The job of the second page is submitted and not done.
    drop(first);
    opener.open();
    assert_eq!(runtime().block_on(all(&mut results)), ["2"]);
    assert_eq!(asked(&server).iter().filter(|line| *line == "POST /pages").count(), 2);
}
