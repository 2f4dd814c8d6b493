//! All lies. What a client must do follows from the known behavior of the service and its document.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::effect::{Effect, Page, html};
use super::lie::{ExpectedOutcome, ListLie, Row, Target, Trigger};
use super::list_traits::ListTraits;
use crate::api::{Api, Endpoint};
use crate::availability::is_dated;
use crate::connection::ConnectionFault;
use crate::jobs::{JobScenario, JobSpec};
use crate::paging::PageSelector;
use crate::response::CannedResponse;
use crate::scenario::Scenario;

use ExpectedOutcome::{
    AllRecords, Complete, Error, NotRepeated, Recovered, Refused, Reported, Unknown,
};
use Trigger::{
    AllPages, File, FirstPage, FromThirdPage, LaterStatus, LinkingPages, Results, SecondPage,
    Status, Submit, WhileStopped,
};

const EACH: &[Trigger] = &[FirstPage, SecondPage];

/// What a client must do if a lie occurs every time, and if it occurs once.
struct Outcomes(Option<ExpectedOutcome>, Option<ExpectedOutcome>);

const fn always(outcome: ExpectedOutcome) -> Outcomes {
    Outcomes(Some(outcome), None)
}

const fn once(outcome: ExpectedOutcome) -> Outcomes {
    Outcomes(None, Some(outcome))
}

const fn either(always: ExpectedOutcome, once: ExpectedOutcome) -> Outcomes {
    Outcomes(Some(always), Some(once))
}

const fn row(
    name: &'static str,
    description: &'static str,
    triggers: &'static [Trigger],
    target: Target,
    effect: Effect,
    outcomes: Outcomes,
) -> Row {
    let Outcomes(always, once) = outcomes;
    Row { name, description, triggers, target, effect, always, once }
}

const fn lists(applies: fn(&ListTraits) -> bool) -> Target {
    Target::List(ListLie { applies, scenario: Scenario::ManyPages, halves: None })
}

/// Lists in this scenario.
const fn lists_as(scenario: Scenario, applies: fn(&ListTraits) -> bool) -> Target {
    Target::List(ListLie { applies, scenario, halves: None })
}

/// Lists of eight pages, so that every page within a jump exists.
const fn long_lists(applies: fn(&ListTraits) -> bool) -> Target {
    Target::List(ListLie { applies, scenario: Scenario::ManyPages, halves: Some(16) })
}

const fn jobs(applies: fn(&JobSpec) -> bool) -> Target {
    Target::Job(applies, JobScenario::Slow)
}

const fn files(applies: fn(&JobSpec) -> bool) -> Target {
    Target::Job(applies, JobScenario::Download)
}

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // Responses that are not the requested page.
    row("ErrorMessage", "a gateway timeout as an object", EACH, lists(|it| !it.has("errorMessage")), Effect::Instead(timed_out), either(Error, Reported)),
    row("ErrorBody500", "an error of status 500 with status 200", EACH, lists(any), Effect::Instead(|| error_body(500, "internal.server.error")), either(Error, Recovered)),
    row("ErrorBody429", "an error of status 429 with status 200", EACH, lists(any), Effect::Instead(|| error_body(429, "too.many.requests")), either(Error, Recovered)),
    row("ErrorBody400", "an error of status 400 with status 200", EACH, lists(any), Effect::Instead(|| error_body(400, "bad.request")), always(Error)),
    row("Null", "null", EACH, lists(any), Effect::Instead(|| json(&Value::Null)), either(Error, Reported)),
    row("NoContent", "status 204", EACH, lists(any), Effect::Instead(|| CannedResponse::empty(204)), either(Error, Reported)),
    row("EmptyObject", "an empty object", EACH, lists(|it| !it.leaves_out_nothing()), Effect::Instead(|| json(&json!({}))), either(Error, Reported)),
    row("EmptyObjectMidway", "an empty object where the count promises records", &[SecondPage], lists(|it| it.leaves_out_nothing() && it.is_on_grid() && it.listing.counts()), Effect::Instead(|| json(&json!({}))), either(Reported, Reported)),
    row("EmptyObjectOfNone", "an empty object for an empty list", &[FirstPage], lists_as(Scenario::EmptyList, ListTraits::leaves_out_nothing), Effect::Instead(|| json(&json!({}))), always(Complete)),
    row("OtherKey", "the list under another name", EACH, lists(ListTraits::is_in_object), Effect::Page(rename), either(Reported, Reported)),
    row("OtherKeyUncounted", "the list under another name, where nothing is counted", &[LinkingPages], lists(|it| it.selector.is_linked() && it.is_in_object() && !it.listing.counts()), Effect::Page(rename), always(Unknown)),
    row("OtherKeyCounted", "the list under another name, where records are counted", &[LinkingPages], lists(|it| it.selector.is_linked() && it.is_in_object() && it.listing.counts()), Effect::Page(rename), always(Reported)),
    row("TwoLists", "the list twice in one object, empty the second time", EACH, lists(ListTraits::is_in_object), Effect::Twice, either(Error, Reported)),
    row("OtherPage", "a page with the number of another one", EACH, lists(|it| it.can_shift() && it.listing.numbers()), Effect::Around(|page| page.add(&["pageNumber", "startIndex"], 46)), either(Error, Reported)),
    row("KeyLeftOut", "an empty page without the list, but with a token", &[SecondPage], lists_as(Scenario::EmptyPage, |it| it.selector.is_linked() && it.is_in_object()), Effect::Around(leave_out), always(Complete)),
    // Items that are not records.
    row("Holes", "null in place of a record", &[AllPages], lists(|it| it.listing.has_records()), Effect::NullItem, always(Complete)),
    row("ScalarItem", "a number among the records", EACH, lists(|it| it.listing.has_records()), Effect::Page(|page| put(page, json!(5))), either(Error, Reported)),
    row("ListItem", "a list among the records", EACH, lists(|it| it.listing.has_records()), Effect::Page(|page| put(page, json!([]))), either(Error, Reported)),
    // Responses that succeed on retry.
    row("EmptyBody", "status 200 without a body", EACH, lists(any), Effect::Bytes(|_| Bytes::new()), either(Error, Recovered)),
    row("Html", "an HTML page with status 200", EACH, lists(any), Effect::Instead(|| html(200, "Welcome")), either(Error, Recovered)),
    row("CutShort", "JSON that ends in the middle", EACH, lists(any), Effect::Bytes(half), either(Error, Recovered)),
    row("RequestTimeout", "status 408 of a gateway", EACH, lists(any), Effect::Instead(|| html(408, "Request Timeout")), either(Error, Recovered)),
    row("FractionOfSeconds", "a 429 with `Retry-After: 3.0`", EACH, lists(any), Effect::Instead(limited), once(Recovered)),
    row("EndlessError", "a 503 whose body does not end", EACH, lists(any), Effect::InsteadStalled(|| CannedResponse::error(503, "service.unavailable", "Service Unavailable")), once(Recovered)),
    row("EndlessRefusal", "a 404 whose body does not end", EACH, lists(any), Effect::InsteadStalled(CannedResponse::not_found), always(Error)),
    row("Cdn", "a 403 of a CDN, with an HTML page", EACH, lists(any), Effect::Instead(|| html(403, "Request blocked")), always(Error)),
    // Inconsistent counts and pages.
    row("LargerPages", "twice as many records per page", &[FromThirdPage, WhileStopped], long_lists(|it| it.is_on_grid() && it.listing.sizes()), Effect::PageSize { times: 2, part: 1 }, always(Reported)),
    row("SmallerPages", "half as many records per page", &[FromThirdPage, WhileStopped], long_lists(|it| it.is_on_grid() && it.listing.sizes()), Effect::PageSize { times: 1, part: 2 }, always(Reported)),
    row("LargerTotal", "a higher total on the second page", &[SecondPage], lists(|it| it.is_paged() && it.listing.counts()), Effect::Around(|page| page.add(TOTALS, 3)), always(Reported)),
    row("SmallerTotal", "a lower total on the second page", &[SecondPage], lists(|it| it.is_paged() && it.listing.counts()), Effect::Around(|page| page.add(TOTALS, -3)), always(Reported)),
    row("Shifted", "five records deleted at the start, and five appended", &[WhileStopped], long_lists(ListTraits::can_shift), Effect::Shift(5), always(Reported)),
    row("Inclusive", "pages that begin with the record that they should follow", &[AllPages], lists(|it| it.selector == PageSelector::Neighbor), Effect::Inclusive, always(Complete)),
    row("EqualPages", "a second page with the records of the first, and another token", &[SecondPage], lists(|it| it.selector.is_linked() && !it.listing.has_id()), Effect::EqualPages, always(AllRecords)),
    row("AnotherOrg", "another org answers", &[WhileStopped], long_lists(ListTraits::is_paged), Effect::AnotherOrg, always(Refused)),
    // Jobs.
    row("SubmitReset", "a job is accepted, but the connection is reset before the response", &[Submit], jobs(is_submitted_once), Effect::Connection(ConnectionFault::CutBeforeResponse), once(NotRepeated)),
    row("SubmitCut", "a job is accepted, but the response ends in the middle", &[Submit], jobs(is_submitted_once), Effect::Connection(ConnectionFault::CutInBody), once(NotRepeated)),
    row("SubmitStalled", "a job is accepted, but the response does not end", &[Submit], jobs(is_submitted_once), Effect::Connection(ConnectionFault::StalledBody), once(NotRepeated)),
    row("SubmitBadGateway", "a job is accepted, but a gateway returns 502", &[Submit], jobs(is_submitted_once), Effect::Instead(|| html(502, "502 Bad Gateway")), once(NotRepeated)),
    row("SubmitTimeout", "a job is accepted, but a gateway returns 504", &[Submit], jobs(is_submitted_once), Effect::Instead(|| CannedResponse::error(504, "request.timeout", "The request timed out.")), once(NotRepeated)),
    row("SubmitHtml", "a job is accepted, but a gateway returns 200 with an HTML page", &[Submit], jobs(is_submitted_once), Effect::Instead(|| html(200, "Welcome")), once(NotRepeated)),
    row("StatusHtml", "an HTML page with status 200", &[Status, LaterStatus], jobs(JobSpec::is_pollable), Effect::Instead(|| html(200, "Welcome")), once(Recovered)),
    row("StatusEmpty", "status 200 without a body", &[Status], jobs(JobSpec::is_pollable), Effect::Bytes(|_| Bytes::new()), once(Recovered)),
    row("StatusTimeout", "status 408 of a gateway", &[Status], jobs(JobSpec::is_pollable), Effect::Instead(|| html(408, "Request Timeout")), once(Recovered)),
    row("StatusErrorBody", "an error of status 500 with status 200", &[Status], jobs(JobSpec::is_pollable), Effect::Instead(|| error_body(500, "internal.server.error")), once(Recovered)),
    row("JobForgotten", "a 404 for a job that was running", &[LaterStatus], jobs(JobSpec::is_pollable), Effect::Instead(CannedResponse::not_found), always(Error)),
    row("NoResults", "a job that is done, but without its results", &[Results], jobs(|it| it.shows_results() && it.listed_by(Api::embedded()).is_none()), Effect::NoResults, always(Reported)),
    row("DataNotYet", "results that state that data of the interval is not yet available", &[Results], jobs(has_dated_results), Effect::Backdate { in_results: true }, always(Unknown)),
    row("DataNotYetUnsaid", "the same, stated only by the operation for it", &[Results], jobs(has_dated_results), Effect::Backdate { in_results: false }, always(Unknown)),
    row("NoUrl", "null in place of the URL of a file", &[Results], files(JobSpec::has_files), Effect::Links(|links, _| spoil(links, &Value::Null)), always(Error)),
    row("EmptyUrl", "an empty string in place of the URL of a file", &[Results], files(JobSpec::has_files), Effect::Links(|links, _| spoil(links, &json!(""))), always(Error)),
    row("ObjectUrl", "an object in place of the URL of a file", &[Results], files(JobSpec::has_files), Effect::Links(|links, _| spoil(links, &json!({}))), always(Error)),
    row("NullAmongUrls", "null among the URLs of files", &[Results], files(JobSpec::has_url_list), Effect::Links(|links, _| among(links, Value::Null)), always(Error)),
    row("EmptyAmongUrls", "an empty string among the URLs of files", &[Results], files(JobSpec::has_url_list), Effect::Links(|links, _| among(links, json!(""))), always(Error)),
    row("ObjectAmongUrls", "an object among the URLs of files", &[Results], files(JobSpec::has_url_list), Effect::Links(|links, _| among(links, json!({}))), always(Error)),
    row("AppsHost", "a download URL on the host of the apps, which returns HTML", &[Results], files(JobSpec::has_plain_urls), Effect::Links(link_to_apps), always(Error)),
    row("FileHtml", "an HTML page in place of a file", &[File], files(JobSpec::has_files), Effect::Instead(|| html(200, "Sign in")), either(Error, Reported)),
    row("FileNull", "null as a file of records", &[File], files(JobSpec::has_record_files), Effect::Contents(|| json(&Value::Null)), always(Error)),
    row("FileEmptyObject", "an empty object as a file of records", &[File], files(JobSpec::has_record_files), Effect::Contents(|| json(&json!({}))), always(Error)),
    row("FileDataNull", "null under `data` as a file of records", &[File], files(JobSpec::has_record_files), Effect::Contents(|| json(&json!({ "data": null }))), always(Error)),
    row("FileErrorBody", "an error as a file of records", &[File], files(JobSpec::has_record_files), Effect::Contents(|| json(&json!({ "message": "boom", "status": 500 }))), always(Error)),
    row("FileErrorMessage", "a timeout as a file of records", &[File], files(JobSpec::has_record_files), Effect::Contents(timed_out), always(Error)),
    row("FileEncoded", "a file that is compressed in transit", &[File], files(JobSpec::has_text_files), Effect::Encoded, always(Complete)),
];

const TOTALS: &[&str] = &["total", "totalHits", "totalResults"];

fn any(_: &ListTraits) -> bool {
    true
}

fn json(body: &Value) -> CannedResponse {
    CannedResponse::json(200, body)
}

fn timed_out() -> CannedResponse {
    json(&json!({ "errorMessage": "Task timed out after 30.00 seconds" }))
}

fn error_body(status: u16, code: &str) -> CannedResponse {
    CannedResponse { status: 200, ..CannedResponse::error(status, code, "It did not work.") }
}

fn limited() -> CannedResponse {
    CannedResponse::error(429, "too.many.requests", "Rate limit exceeded the maximum.")
        .header(RETRY_AFTER.as_str(), "3.0")
}

fn half(body: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&body[..body.len() / 2])
}

fn rename(page: &mut Page) {
    if let Some((around, name)) = page.around()
        && let Some(list) = around.remove(name)
    {
        around.insert(format!("{name}V2"), list);
    }
}

fn leave_out(page: &mut Page) {
    if let Some((around, name)) = page.around() {
        around.remove(name);
    }
}

fn put(page: &mut Page, item: Value) {
    if let Some(items) = page.items() {
        let place = items.len().min(1);
        items.insert(place, item);
    }
}

/// Whether its results state the date up to which data was available.
fn has_dated_results(spec: &JobSpec) -> bool {
    is_dated(spec.listed_by(Api::embedded()).and_then(Endpoint::schema))
}

/// A GET may be repeated, whatever it starts.
fn is_submitted_once(spec: &JobSpec) -> bool {
    let submit = Api::embedded().endpoint(spec.submit);
    !spec.repeats() && submit.operation.method != "GET"
}

/// Replaces all URLs.
fn spoil(links: &mut Value, other: &Value) {
    match links {
        Value::Array(links) => links.iter_mut().for_each(|link| *link = other.clone()),
        link => *link = other.clone(),
    }
}

fn among(links: &mut Value, other: Value) {
    if let Value::Array(links) = links {
        links.push(other);
    }
}

fn link_to_apps(links: &mut Value, files: &str) {
    spoil(links, &json!(format!("{files}/platform/api/v2/downloads/0a1b2c3d")));
}
