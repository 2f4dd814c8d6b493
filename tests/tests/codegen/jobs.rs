//! Job families are derived from paths and schemas, and from stated exceptions.

use std::fmt::Write as _;

use insta::assert_snapshot;
use xtask::codegen::{self, Stages};
use xtask::exceptions::Exceptions;
use xtask::flatten::flatten;
use xtask::jobs::Role;
use xtask::model::Tagged;
use xtask::operations;
use xtask::tags::TagKind;

use crate::document;

/// Reads a document with the stated families.
fn with_tagged<T>(text: &str, jobs: &str, strict: bool, read: impl FnOnce(&Tagged<'_>) -> T) -> T {
    match tagged(text, jobs, strict, read) {
        Ok(found) => found,
        Err(error) => panic!("{error:#}"),
    }
}

fn tagged<T>(
    text: &str,
    jobs: &str,
    strict: bool,
    read: impl FnOnce(&Tagged<'_>) -> T,
) -> anyhow::Result<T> {
    let (mut document, _) = codegen::read(text, false)?;
    flatten(&mut document);
    let exceptions = Exceptions::parse(jobs, "", "")?;
    Ok(read(&Tagged::of(&document, &exceptions, strict)?))
}

fn listed(text: &str, jobs: &str) -> String {
    with_tagged(text, jobs, true, |tagged| {
        let mut text = Vec::new();
        operations::jobs(tagged, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    })
}

/// One family of each kind.
#[test]
fn lists_families() {
    assert_snapshot!(listed(&document("jobs.json"), &document("jobs.toml")), @r"
depots-audits
  submit            POST /api/v2/depots/audits (postDepotsAudits)
  status            GET /api/v2/depots/audits (getDepotsAudits)
  id                field id
  listed in         entities
  done              state status
  pending           OPEN
  succeeded         CLOSED
  result            status is the result
  by table          audits are listed, and have states of their own
depots-delete
  submit            DELETE /api/v2/depots/{depotId} (deleteDepot)
  status            GET /api/v2/depots/status/{statusId} (getDepotsStatus)
  id                header Location
  done              state statusCode
  pending           INPROGRESS
  succeeded         COMPLETE
  result            status is the result
  kept              24 h
  by table          the reply has no body
depots-exports
  submit            POST /api/v2/depots/exports (postDepotsExports)
  status            GET /api/v2/depots/exports/{exportId} (getDepotsExport)
  phase             PATCH /api/v2/depots/{depotId} (patchDepot)
  id                field id
  done              state status
  pending           RUNNING
  held              WAITING
  succeeded         SUCCEEDED
  result            download URLs: bytes at resultsUrls, or bytes at downloadURI
  at once           the response to the submit may have the result
  note              say where it may go
  changed           an export waits for a place
depots-media
  submit            GET /api/v2/depots/{depotId}/media (getDepotMedia)
  id                none
  done              when the status is not 202
  result            poll the same URL
depots-moves
  submit            POST /api/v2/depots/moves/jobs (postDepotsMovesJobs)
  status            GET /api/v2/depots/moves/jobs/{jobId} (getDepotsMovesJob)
  id                field job.id
  done              state status
  pending           Processing
  succeeded         Complete
  partly_succeeded  CompletedWithErrors
  failed            Error
  cancelled         Canceled
  result            inline path or download URLs: result.moves, or JSON at downloadUrl (items in moves)
  at once           the response to the submit may have the result
depots-plan
  submit            POST /api/v2/depots/{depotId}/plan (postDepotPlan)
  submit            PUT /api/v2/depots/{depotId}/plan (putDepotPlan)
  id                field operationId
  done              state status
  pending           Processing
  succeeded         Complete
  result            notification only: result
  at once           the response to the submit may have the result
  topic             v2.depots.{id}.plan
  by table          only a notification tells the end
depots-reports
  submit            POST /api/v2/depots/{depotId}/reports/jobs (postDepotReportsJobs)
  status            GET /api/v2/depots/{depotId}/reports/jobs/{reportJobId} (getDepotReportsJob)
  results           GET /api/v2/depots/{depotId}/reports/jobs/{reportJobId}/results (getDepotReportsJobResults)
  cancel            DELETE /api/v2/depots/{depotId}/reports/jobs/{reportJobId} (deleteDepotReportsJob)
  id                field jobId
  done              state state
  pending           QUEUED
  succeeded         FULFILLED
  failed            FAILED
  expired           EXPIRED
  result            results operation
  redirects         downloadUrl
  listed by         CursorField, items in results
depots-search
  submit            POST /api/v2/depots/search/jobs (postDepotsSearchJobs)
  status            GET /api/v2/depots/search/jobs/{jobId} (getDepotsSearchJob)
  results           GET /api/v2/depots/search/jobs/{jobId}/results (getDepotsSearchJobResults)
  id                field id
  done              state state
  pending           Queued
  succeeded         Succeeded
  failed            Failed
  result            results operation
  at once           the response to the submit may have the result
  listed by         UnpagedEntities, items in entities
depots-usage-query
  submit            POST /api/v2/depots/usage/query (postDepotsUsageQuery)
  status            GET /api/v2/depots/usage/query/{executionId}/results (getDepotsUsageQueryResults)
  id                field executionId
  done              state queryStatus
  pending           Running
  succeeded         Complete
  result            status lists results
  listed by         CursorsObject, items in results

9 families with 10 submits: 6 with 6 by rule (1 changed by the table), 3 with 4 by table
0 operations accept work without a status to poll
");
}

#[test]
fn operations_know_their_family() {
    let places = with_tagged(&document("jobs.json"), &document("jobs.toml"), true, |tagged| {
        let mut text = String::new();
        for it in &tagged.operations {
            let family = it.tag.family.as_deref().unwrap_or("-");
            let role = it.tag.role.map_or("-", Role::as_str);
            let kind = it.tag.kind.as_str();
            writeln!(text, "{} {kind} {family} {role} {}", it.operation.id, it.method).unwrap();
        }
        text
    });
    assert_snapshot!(places, @r"
getDepotsAudits paged depots-audits status audits
postDepotsAudits job depots-audits submit post_audits
postDepotsExports job depots-exports submit post_exports
getDepotsExport single depots-exports status export
postDepotsMovesJobs job depots-moves submit moves_jobs
getDepotsMovesJob single depots-moves status moves_job
postDepotsSearchJobs job depots-search submit search_jobs
getDepotsSearchJob single depots-search status search_job
getDepotsSearchJobResults list depots-search results search_job_results
getDepotsStatus single depots-delete status status
postDepotsUsageQuery job depots-usage-query submit usage_query
getDepotsUsageQueryResults paged depots-usage-query status usage_query_results
patchDepot single depots-exports phase patch_depot
deleteDepot job depots-delete submit delete_depot
getDepotMedia job depots-media submit depot_media
postDepotPlan job depots-plan submit post_depot_plan
putDepotPlan job depots-plan submit put_depot_plan
postDepotReportsJobs job depots-reports submit depot_reports_jobs
getDepotReportsJob single depots-reports status depot_reports_job
deleteDepotReportsJob single depots-reports cancel delete_depot_reports_job
getDepotReportsJobResults paged depots-reports results depot_reports_job_results
");
}

#[test]
fn explains_a_member() {
    let text = document("jobs.json");
    let (document, _) = codegen::read(&text, false).unwrap();
    let explained = |name: &str| {
        with_tagged(&text, &crate::document("jobs.toml"), true, |tagged| {
            let mut text = Vec::new();
            operations::explain(&document, tagged, name, &mut text).unwrap();
            String::from_utf8(text).unwrap()
        })
    };
    assert_snapshot!(explained("getDepotReportsJobResults"), @r"
operation   GET /api/v2/depots/{depotId}/reports/jobs/{reportJobId}/results (getDepotReportsJobResults)
rust        depots.depot_reports_job_results
tag         paged, CursorField
rule        query `cursor`
evidence    query: pageSize, cursor
evidence    response: cursor
evidence    response: list in results
repeatable  yes, read-only
items       results: Report
page size   query pageSize (integer)
token in    query cursor
token out   field cursor
parent      depotId: none: these are the results of a job, which its submit reads (it belongs to a job)
parent      reportJobId: none: these are the results of a job, which its submit reads (it belongs to a job)
family      depots-reports: results
            found by rule
");
    assert_snapshot!(explained("deleteDepot"), @r"
operation   DELETE /api/v2/depots/{depotId} (deleteDepot)
rust        depots.delete_depot
tag         job
rule        neither GET nor POST: it changes data
family      depots-delete: submit
            the reply has no body
            status: getDepotsStatus
            id: header Location
            done: state statusCode
            pending: INPROGRESS
            succeeded: COMPLETE
            result: status is the result
            kept: 24 h
");
    assert_snapshot!(explained("patchDepot"), @r"
operation   PATCH /api/v2/depots/{depotId} (patchDepot)
rust        depots.patch_depot
tag         single
rule        neither GET nor POST: it changes data
family      depots-exports: phase
            an export waits for a place
");
}

#[test]
fn compares_families() {
    let text = document("jobs.json");
    let differences = |new: &str| {
        let read = |text: &str| {
            let (mut document, _) = codegen::read(text, false).unwrap();
            flatten(&mut document);
            document
        };
        let (old, new) = (read(&text), read(new));
        let exceptions = Exceptions::default();
        let tagged = |document| Tagged::of(document, &exceptions, false).unwrap();
        let mut text = Vec::new();
        operations::diff((&old, &tagged(&old)), (&new, &tagged(&new)), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    assert_snapshot!(differences(&text.replace("\"EXPIRED\"", "\"STALE\", \"ABORTED\"")), @r"
changed family (3)
  depots-reports: cancelled: none -> ABORTED
  depots-reports: expired: EXPIRED -> none
  depots-reports: pending: QUEUED -> QUEUED, STALE
");
    assert_snapshot!(differences(&text.replace("/api/v2/depots/exports/{exportId}", "/v1/depots/gone/{exportId}")), @r"
added (1)
  GET /v1/depots/gone/{exportId}: single
removed (1)
  GET /api/v2/depots/exports/{exportId}: single
changed tag or scheme (1)
  POST /api/v2/depots/exports: job -> single
changed role in a family (1)
  POST /api/v2/depots/exports: depots-exports: submit -> none
changed family (1)
  depots-exports: removed
");
}

/// A submit and its status: the fields of their responses, and the values of the status enum.
fn pair(path: &str, submitted: &str, status: &str) -> String {
    format!(
        r#"{{ "swagger": "2.0", "paths": {{
            "{path}": {{ "post": {{ "operationId": "submit",
                "responses": {{ "200": {{ "schema": {{ "properties": {{ {submitted} }} }} }} }} }} }},
            "{path}/{{anyId}}": {{ "get": {{ "operationId": "status",
                "parameters": [{{ "name": "anyId", "in": "path", "required": true, "type": "string" }}],
                "responses": {{ "200": {{ "schema": {{ "properties": {{ {status} }} }} }} }} }} }}
        }} }}"#
    )
}

const ID: &str = r#""id": { "type": "string" }"#;

fn state(name: &str) -> String {
    format!(r#""{name}": {{ "type": "string", "enum": ["Queued", "Complete"] }}"#)
}

/// Describes the only family of a document, or why there is none.
fn found(text: &str) -> String {
    with_tagged(text, "", false, |tagged| match &tagged.families.families[..] {
        [family] => {
            format!("{} {:?} {:?} {:?}", family.name, family.id, family.done, family.results)
        }
        [] => tagged.families.notes.join("; "),
        _ => panic!("several families"),
    })
}

#[test]
fn recognizes_submits_by_their_path() {
    for (path, name) in [
        ("/api/v2/things/jobs", "things"),
        ("/api/v2/things/{thingId}/jobs", "things-jobs"),
        ("/api/v2/things/publishjobs", "things-publishjobs"),
        ("/api/v2/things/exports", "things-exports"),
        ("/api/v2/things/imports", "things-imports"),
        ("/api/v2/things/batchrequests", "things-batchrequests"),
    ] {
        let text = pair(path, ID, &state("status"));
        let text = match path.contains('{') {
            true => text.replace(
                r#""parameters": ["#,
                r#""parameters": [{ "name": "thingId", "in": "path", "required": true, "type": "string" }, "#,
            ).replace(
                r#""operationId": "submit","#,
                r#""operationId": "submit", "parameters": [{ "name": "thingId", "in": "path", "required": true, "type": "string" }],"#,
            ),
            false => text,
        };
        assert!(found(&text).starts_with(&format!("{name} ")), "{path}: {}", found(&text));
    }
    for path in ["/api/v2/things", "/api/v2/things/query", "/api/v2/jobs/things"] {
        assert_eq!(found(&pair(path, ID, &state("status"))), "", "{path}");
    }
}

/// Operations below the path of a submit belong to it, whatever their parameters are called.
#[test]
fn parameters_may_have_other_names() {
    let parameter = |name: &str| {
        format!(r#"{{ "name": "{name}", "in": "path", "required": true, "type": "string" }}"#)
    };
    let operation = |id: &str, parameters: &[&str], fields: &str| {
        let parameters: Vec<String> = parameters.iter().map(|name| parameter(name)).collect();
        format!(
            r#"{{ "operationId": "{id}", "parameters": [{}],
                "responses": {{ "200": {{ "schema": {{ "properties": {{ {fields} }} }} }} }} }}"#,
            parameters.join(", "),
        )
    };
    let text = format!(
        r#"{{ "swagger": "2.0", "paths": {{
            "/things/{{thingId}}/jobs": {{ "post": {} }},
            "/things/{{thingId}}/jobs/{{jobId}}": {{ "get": {} }},
            "/things/{{thing}}/jobs/{{job}}/results": {{ "get": {} }}
        }} }}"#,
        operation("submit", &["thingId"], ID),
        operation("status", &["thingId", "jobId"], &state("status")),
        operation("results", &["thing", "job"], r#""text": { "type": "string" }"#),
    );
    with_tagged(&text, "", true, |tagged| {
        let [family] = &tagged.families.families[..] else { panic!("not one family") };
        let find = |id: &str| {
            let mut operations = tagged.operations.iter();
            let found = operations.find(|it| it.operation.id == id).unwrap();
            Ok((found.operation, &found.tag))
        };
        // Values are passed by name, so the path has the names of the submit.
        let source = xtask::jobs::source(family, find).unwrap();
        let line =
            r#"results: list "results" Get "/things/{thingId}/jobs/{job}/results" (id "job")"#;
        assert!(source.contains(line), "{source}");
        let data = xtask::jobs::line(family, find).unwrap();
        let call =
            r#"{"operation":"results","path":"/things/{thingId}/jobs/{job}/results","id":"job"}"#;
        assert!(data.contains(call), "{data}");
    });
}

/// A GET at the path of a submit plus `/availability` reports the availability of its data, if its response has
/// a date-time for it and the submit has an interval.
#[test]
fn finds_the_availability_operation() {
    let document = |availability: &str, path: &str, interval: &str, field: &str, format: &str| {
        format!(
            r#"{{ "swagger": "2.0", "paths": {{
                "/x/jobs": {{ "post": {{ "operationId": "submit",
                    "parameters": [{{ "name": "body", "in": "body", "schema": {{ "properties": {{ "{interval}": {{ "type": "string" }} }} }} }}],
                    "responses": {{ "200": {{ "schema": {{ "properties": {{ {ID} }} }} }} }} }} }},
                "{path}": {{ "get": {{ "operationId": "{availability}",
                    "responses": {{ "200": {{ "schema": {{ "properties": {{ "{field}": {{ "type": "string", "format": "{format}" }} }} }} }} }} }} }},
                "/x/jobs/{{jobId}}": {{ "get": {{ "operationId": "status",
                    "parameters": [{{ "name": "jobId", "in": "path", "required": true, "type": "string" }}],
                    "responses": {{ "200": {{ "schema": {{ "properties": {{ {} }} }} }} }} }} }}
            }} }}"#,
            state("status"),
        )
    };
    let field = "dataAvailabilityDate";
    let text = document("reports", "/x/jobs/availability", "interval", field, "date-time");
    with_tagged(&text, "", true, |tagged| {
        let [family] = &tagged.families.families[..] else { panic!("not one family") };
        let find = |id: &str| {
            let mut operations = tagged.operations.iter();
            let found = operations.find(|it| it.operation.id == id).unwrap();
            Ok((found.operation, &found.tag))
        };
        let source = xtask::jobs::source(family, find).unwrap();
        let line = r#"availability: "reports" Get "/x/jobs/availability" "dataAvailabilityDate" for body "interval","#;
        assert!(source.contains(line), "{source}");
        let data = xtask::jobs::line(family, find).unwrap();
        let available = r#""available":{"operation":"reports","field":"dataAvailabilityDate","interval":{"name":"interval","place":"body"}}"#;
        assert!(data.contains(available), "{data}");
        let (_, submit) = find("submit").unwrap();
        assert_eq!(submit.availability.as_deref(), Some("reports"));
        let (_, reports) = find("reports").unwrap();
        assert_eq!(
            (reports.available.as_deref(), reports.availability.as_deref()),
            (Some(field), None)
        );
    });
    for text in [
        document("reports", "/x/availability", "interval", field, "date-time"),
        document("reports", "/x/jobs/availability", "range", field, "date-time"),
        document("reports", "/x/jobs/availability", "interval", "date", "date-time"),
        document("reports", "/x/jobs/availability", "interval", field, "uuid"),
    ] {
        with_tagged(&text, "", true, |tagged| {
            let [family] = &tagged.families.families[..] else { panic!("not one family") };
            assert_eq!(family.available, None, "{text}");
        });
    }
}

#[test]
fn two_families_of_the_document_report_availability() {
    let workspace = crate::workspace();
    let text = std::fs::read_to_string(workspace.join("openapi/genesys-cloud.json")).unwrap();
    let (mut document, _) = codegen::read(&text, true).unwrap();
    flatten(&mut document);
    let exceptions = codegen::exceptions(&workspace).unwrap();
    let tagged = Tagged::of(&document, &exceptions, true).unwrap();
    let told = tagged.operations.iter().filter(|it| it.tag.available.is_some());
    let told: Vec<&str> = told.map(|it| it.operation.path.as_str()).collect();
    assert_eq!(
        told,
        [
            "/api/v2/analytics/conversations/details/jobs/availability",
            "/api/v2/analytics/conversations/details/jobs/{jobId}/results",
            "/api/v2/analytics/users/details/jobs/availability",
            "/api/v2/analytics/users/details/jobs/{jobId}/results",
        ]
    );
    let families = tagged.families.families.iter().filter(|it| it.available.is_some());
    let names: Vec<&str> = families.map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["analytics-conversations-details", "analytics-users-details"]);
}

#[test]
fn recognizes_ids_and_states_by_name() {
    for (submitted, path) in [
        (r#""id": {}, "jobId": {}"#, "id"),
        (r#""jobId": {}"#, "jobId"),
        (r#""executionId": {}"#, "executionId"),
        (r#""job": { "properties": { "id": {} } }"#, "job.id"),
    ] {
        let text = pair("/x/jobs", submitted, &state("status"));
        let expected = format!("x Field({path:?}) State(\"status\") ");
        assert!(found(&text).starts_with(&expected), "{submitted}: {}", found(&text));
    }
    for name in ["status", "state", "queryStatus", "queryState", "jobState", "jobStatus"] {
        let expected = format!("x Field(\"id\") State({name:?}) ");
        assert!(found(&pair("/x/jobs", ID, &state(name))).starts_with(&expected), "{name}");
    }
    let nested = format!(r#""job": {{ "properties": {{ {} }} }}"#, state("status"));
    let found_nested = found(&pair("/x/jobs", ID, &nested));
    assert!(found_nested.starts_with("x Field(\"id\") State(\"job.status\") "), "{found_nested}");
    // The state of an entity is not that of a job.
    let both = format!(
        r#""state": {{ "type": "string", "enum": ["active", "deleted"] }}, {}"#,
        state("jobState")
    );
    let found_both = found(&pair("/x/jobs", ID, &both));
    assert!(found_both.starts_with("x Field(\"id\") State(\"jobState\") "), "{found_both}");
    assert_snapshot!(found(&pair("/x/jobs", ID, r#""state": { "type": "string" }"#)), @"POST /x/jobs (submit): can't infer where the status has the state of the job");
    assert_snapshot!(found(&pair("/x/jobs", r#""name": {}"#, &state("state"))), @"POST /x/jobs (submit): can't infer where the response has the id of the job");
}

#[test]
fn recognizes_results_by_name() {
    let list = r#"{ "type": "array", "items": { "properties": { "id": {} } } }"#;
    let text = r#"{ "type": "string" }"#;
    let texts = r#"{ "type": "array", "items": { "type": "string" } }"#;
    for (fields, results) in [
        (String::new(), r#"Reply([Items("[]")])"#),
        (format!(r#""entities": {list}"#), r#"Reply([Items("entities")])"#),
        (
            format!(r#""entities": {list}, "deniedResults": {list}"#),
            r#"Reply([Items("entities")])"#,
        ),
        (
            format!(r#""searchResult": {{ "properties": {{ "weeks": {list} }} }}"#),
            r#"Reply([Items("searchResult.weeks")])"#,
        ),
        (
            format!(r#""result": {{ "properties": {{ "a": {list}, "b": {list} }} }}"#),
            r#"Reply([Items("result")])"#,
        ),
        (format!(r#""results": {text}"#), r#"Reply([Items("[]")])"#),
        (format!(r#""downloadURI": {text}"#), r#"Reply([Bytes("downloadURI")])"#),
        (format!(r#""fileUrl": {text}"#), r#"Reply([Bytes("fileUrl")])"#),
        (
            format!(r#""resultsUrl": {text}, "resultsUrls": {texts}"#),
            r#"Reply([Bytes("resultsUrls"), Bytes("resultsUrl")])"#,
        ),
        (format!(r#""uploadUrl": {text}"#), r#"Reply([Items("[]")])"#),
        (
            format!(
                r#""downloadUrls": {texts}, "result": {{ "properties": {{ "entities": {list}, "n": {text} }} }}"#
            ),
            r#"Reply([Items("result.entities"), Json("downloadUrls", "entities")])"#,
        ),
    ] {
        let status = [state("status"), fields].into_iter().filter(|it| !it.is_empty());
        let status = status.collect::<Vec<_>>().join(", ");
        let found = found(&pair("/x/jobs", ID, &status));
        assert!(found.ends_with(&format!(" {results}")), "{status}: {found}");
    }
    let two = format!(r#"{}, "aResult": {list}, "bResult": {list}"#, state("status"));
    assert_snapshot!(found(&pair("/x/jobs", ID, &two)), @"POST /x/jobs (submit): the results: can't infer which of the fields aResult, bResult has the results");
}

/// Accepted work is not polled.
#[test]
fn recognizes_accepted_work() {
    let kind = |method: &str, replies: &str| {
        let text = format!(
            r#"{{ "swagger": "2.0", "paths": {{ "/x": {{ "{method}": {{ "operationId": "x", "responses": {{ {replies} }} }} }} }} }}"#
        );
        with_tagged(&text, "", true, |tagged| tagged.operations[0].tag.kind)
    };
    let some = r#"{ "schema": { "properties": { "name": { "type": "string" } } } }"#;
    for (method, replies, expected) in [
        ("post", r#""202": {}"#.to_owned(), TagKind::Accepted),
        ("patch", format!(r#""202": {some}"#), TagKind::Accepted),
        ("put", format!(r#""200": {some}, "202": {{}}"#), TagKind::Accepted),
        ("put", format!(r#""200": {some}, "202": {some}"#), TagKind::Single),
        ("get", r#""202": {}"#.to_owned(), TagKind::Single),
        ("get", format!(r#""200": {some}, "202": {{}}"#), TagKind::Job),
        ("delete", r#""204": {}"#.to_owned(), TagKind::Single),
    ] {
        assert_eq!(kind(method, &replies), expected, "{method} {replies}");
    }
}

/// Every submit of the pinned document is covered.
#[test]
fn rejects_submits_without_a_rule() {
    let refusal = |text: &str| tagged(text, "", true, |_| ()).unwrap_err().to_string();
    assert_snapshot!(refusal(&pair("/x/jobs", ID, r#""state": { "type": "string" }"#)), @"POST /x/jobs (submit): can't infer where the status has the state of the job; describe the family in openapi/operations.toml under [families.x], with a reason");
    let lonely = |submitted: &str| pair("/x", submitted, ID).replace("/x/{anyId}", "/y/{anyId}");
    assert_snapshot!(refusal(&lonely(r#""operationId": {}"#)), @"POST /x (submit): its response has `operationId`, but it has no family; add [families.<name>], [accepted.submit] or [not_jobs.submit] to openapi/operations.toml, with a reason");
    assert_snapshot!(refusal(&lonely(r#""id": {}"#).replace("\"/x\"", "\"/x/jobs\"")), @"POST /x/jobs (submit): its path is that of a submit, but it has no family; add [families.<name>], [accepted.submit] or [not_jobs.submit] to openapi/operations.toml, with a reason");
}

#[test]
fn rejects_wrong_or_stale_families() {
    let text = document("jobs.json");
    let stated = document("jobs.toml");
    let refusal = |toml: &str| {
        format!("{:#}", tagged(&text, &format!("{stated}\n{toml}"), true, |_| ()).unwrap_err())
    };
    assert_snapshot!(refusal("[families.depots-search]\nnote = 'It is slow.'"), @"openapi/operations.toml: [families.depots-search] has no reason");
    assert_snapshot!(refusal("[families.gone]\nreason = 'It was here.'"), @"openapi/operations.toml: [families.gone] has no submits, and rules find no family of this name; remove the entry");
    assert_snapshot!(refusal("[families.gone]\nsubmits = ['postGone']\nreason = 'It was here.'"), @"openapi/operations.toml: [families.gone] names `postGone`, which is not in the document");
    assert_snapshot!(refusal("[families.Depots]\nsubmits = ['patchDepot']\nreason = 'Why not.'"), @"openapi/operations.toml: `Depots` is not a family name: use lower case letters, digits and `-`");
    assert_snapshot!(refusal("[families.depots-again]\nsubmits = ['deleteDepot']\nreason = 'Twice.'"), @"openapi/operations.toml: two families have the submit `deleteDepot`");
    assert_snapshot!(refusal("[families.depots-moves]\nid = { field = 'job.id' }\nreason = 'Rules say so.'"), @"openapi/operations.toml: the rules already find the `id` of [families.depots-moves]; remove it");
    assert_snapshot!(refusal("[families.depots-moves]\nid = { field = 'id' }\nreason = 'It has none.'"), @"openapi/operations.toml: [families.depots-moves]: POST /api/v2/depots/moves/jobs (postDepotsMovesJobs): the response of POST /api/v2/depots/moves/jobs (postDepotsMovesJobs) has no field `id`");
    assert_snapshot!(refusal("[families.depots-moves]\ndone = { field = 'end' }\nreason = 'It has none.'"), @"openapi/operations.toml: [families.depots-moves]: POST /api/v2/depots/moves/jobs (postDepotsMovesJobs): the status has no field `end`");
    assert_snapshot!(refusal("[families.depots-moves]\nresults = { reply = [{ bytes = 'url' }] }\nreason = 'It has none.'"), @"openapi/operations.toml: [families.depots-moves]: POST /api/v2/depots/moves/jobs (postDepotsMovesJobs): no response has a field `url`");
    assert_snapshot!(refusal("[families.depots-moves]\nstates = { failed = ['Broken'] }\nreason = 'It has none.'"), @"openapi/operations.toml: [families.depots-moves]: POST /api/v2/depots/moves/jobs (postDepotsMovesJobs): the states of the job: unknown state `Broken`; expected one of Processing, Complete, CompletedWithErrors, Canceled, Error");
    assert_snapshot!(refusal("[families.moved]\nsubmits = ['postDepotsMovesJobs']\nstatus = 'getDepotsMovesJob'\nreason = 'Rules say so.'"), @"openapi/operations.toml: the rules already find what [families.moved] states; remove the entry");
    assert_snapshot!(refusal("[families.moved]\nsubmits = ['postDepotsMovesJobs']\nstatus = 'getDepotReportsJob'\nreason = 'Too many ids.'"), @"openapi/operations.toml: [families.moved]: GET /api/v2/depots/{depotId}/reports/jobs/{reportJobId} (getDepotReportsJob): can't infer the value of `reportJobId` from POST /api/v2/depots/moves/jobs (postDepotsMovesJobs)");
    assert_snapshot!(refusal("[accepted.patchDepots]\nreason = 'It is.'"), @"openapi/operations.toml: [accepted.patchDepots] matches no operation of the document; remove the entry");
    assert_snapshot!(refusal("[accepted.patchDepot]\nreason = 'Rules say so.'"), @"openapi/operations.toml: [accepted.patchDepot] belongs to the family `depots-exports`; remove the entry");
    assert_snapshot!(refusal("[not_jobs.patchDepot]\nreason = 'It looks like none.'"), @"openapi/operations.toml: [not_jobs.patchDepot] is for an operation that does not look like a submit; remove the entry");
}

/// For another document, only the stated families that apply are used.
#[test]
fn another_document_uses_only_its_own_families() {
    let text = document("jobs.json").replace("getDepotsAudits", "listDepotsAudits");
    let (names, notes) = with_tagged(&text, &document("jobs.toml"), false, |tagged| {
        let names = tagged.families.families.iter().map(|family| family.name.clone());
        (names.collect::<Vec<_>>().join(" "), tagged.families.notes.clone())
    });
    assert!(names.contains("depots-plan") && !names.contains("depots-audits"), "{names}");
    assert_eq!(notes, [""; 0]);
    let generated = codegen::generate(
        codegen::read(&text, false).unwrap().0,
        &Exceptions::default(),
        false,
        &mut Stages::quiet(),
    );
    assert!(generated.is_ok());
}
