//! All lies. What a client must do follows from the known behavior of the service and its document.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::deed::{Deed, Page, html};
use super::row::{Due, Lists, Moment, On, Row};
use super::subject::ListSubject;
use crate::api::{Api, Endpoint};
use crate::available::is_dated;
use crate::connection::ConnectionFault;
use crate::jobs::{Family, JobScenario};
use crate::paging::Ask;
use crate::reply::CannedReply;
use crate::scenario::Scenario;

use Due::{Error, NotRepeated, Read, Recovered, Refused, Told, Unknown, Whole};
use Moment::{
    AllPages, File, FirstPage, FromThirdPage, LaterStatus, LinkingPages, Results, SecondPage,
    Status, Submit, WhileStopped,
};

const EACH: &[Moment] = &[FirstPage, SecondPage];

/// What a client must do if a lie occurs every time, and if it occurs once.
struct Dues(Option<Due>, Option<Due>);

const fn always(due: Due) -> Dues {
    Dues(Some(due), None)
}

const fn once(due: Due) -> Dues {
    Dues(None, Some(due))
}

const fn either(always: Due, once: Due) -> Dues {
    Dues(Some(always), Some(once))
}

const fn row(
    name: &'static str,
    says: &'static str,
    moments: &'static [Moment],
    on: On,
    deed: Deed,
    dues: Dues,
) -> Row {
    let Dues(always, once) = dues;
    Row { name, says, moments, on, deed, always, once }
}

const fn lists(applies: fn(&ListSubject) -> bool) -> On {
    On::List(Lists { applies, scenario: Scenario::ManyPages, halves: None })
}

/// Lists in this scenario.
const fn lists_as(scenario: Scenario, applies: fn(&ListSubject) -> bool) -> On {
    On::List(Lists { applies, scenario, halves: None })
}

/// Lists of eight pages, so that every page within a jump exists.
const fn long_lists(applies: fn(&ListSubject) -> bool) -> On {
    On::List(Lists { applies, scenario: Scenario::ManyPages, halves: Some(16) })
}

const fn jobs(applies: fn(&Family) -> bool) -> On {
    On::Job(applies, JobScenario::Slow)
}

const fn files(applies: fn(&Family) -> bool) -> On {
    On::Job(applies, JobScenario::Download)
}

#[rustfmt::skip]
pub(super) const TABLE: &[Row] = &[
    // Responses that are not the requested page.
    row("ErrorMessage", "a gateway timeout as an object", EACH, lists(|it| !it.has("errorMessage")), Deed::Instead(timed_out), either(Error, Told)),
    row("ErrorBody500", "an error of status 500 with status 200", EACH, lists(any), Deed::Instead(|| error_body(500, "internal.server.error")), either(Error, Recovered)),
    row("ErrorBody429", "an error of status 429 with status 200", EACH, lists(any), Deed::Instead(|| error_body(429, "too.many.requests")), either(Error, Recovered)),
    row("ErrorBody400", "an error of status 400 with status 200", EACH, lists(any), Deed::Instead(|| error_body(400, "bad.request")), always(Error)),
    row("Null", "null", EACH, lists(any), Deed::Instead(|| json(&Value::Null)), either(Error, Told)),
    row("NoContent", "status 204", EACH, lists(any), Deed::Instead(|| CannedReply::empty(204)), either(Error, Told)),
    row("EmptyObject", "an empty object", EACH, lists(|it| !it.leaves_out_nothing()), Deed::Instead(|| json(&json!({}))), either(Error, Told)),
    row("EmptyObjectMidway", "an empty object where the count promises records", &[SecondPage], lists(|it| it.leaves_out_nothing() && it.is_on_grid() && it.listing.counts()), Deed::Instead(|| json(&json!({}))), either(Told, Told)),
    row("EmptyObjectOfNone", "an empty object for an empty list", &[FirstPage], lists_as(Scenario::EmptyList, ListSubject::leaves_out_nothing), Deed::Instead(|| json(&json!({}))), always(Whole)),
    row("OtherKey", "the list under another name", EACH, lists(ListSubject::is_in_object), Deed::Page(rename), either(Told, Told)),
    row("OtherKeyUncounted", "the list under another name, where nothing is counted", &[LinkingPages], lists(|it| it.ask.is_linked() && it.is_in_object() && !it.listing.counts()), Deed::Page(rename), always(Unknown)),
    row("OtherKeyCounted", "the list under another name, where records are counted", &[LinkingPages], lists(|it| it.ask.is_linked() && it.is_in_object() && it.listing.counts()), Deed::Page(rename), always(Told)),
    row("TwoLists", "the list twice in one object, empty the second time", EACH, lists(ListSubject::is_in_object), Deed::Twice, either(Error, Told)),
    row("OtherPage", "a page with the number of another one", EACH, lists(|it| it.can_shift() && it.listing.numbers()), Deed::Around(|page| page.add(&["pageNumber", "startIndex"], 46)), either(Error, Told)),
    row("KeyLeftOut", "an empty page without the list, but with a token", &[SecondPage], lists_as(Scenario::EmptyPage, |it| it.ask.is_linked() && it.is_in_object()), Deed::Around(leave_out), always(Whole)),
    // Items that are not records.
    row("Holes", "null in place of a record", &[AllPages], lists(|it| it.listing.has_records()), Deed::Hole, always(Whole)),
    row("ScalarItem", "a number among the records", EACH, lists(|it| it.listing.has_records()), Deed::Page(|page| put(page, json!(5))), either(Error, Told)),
    row("ListItem", "a list among the records", EACH, lists(|it| it.listing.has_records()), Deed::Page(|page| put(page, json!([]))), either(Error, Told)),
    // Responses that succeed on retry.
    row("EmptyBody", "status 200 without a body", EACH, lists(any), Deed::Bytes(|_| Bytes::new()), either(Error, Recovered)),
    row("Html", "an HTML page with status 200", EACH, lists(any), Deed::Instead(|| html(200, "Welcome")), either(Error, Recovered)),
    row("CutShort", "JSON that ends in the middle", EACH, lists(any), Deed::Bytes(half), either(Error, Recovered)),
    row("RequestTimeout", "status 408 of a gateway", EACH, lists(any), Deed::Instead(|| html(408, "Request Timeout")), either(Error, Recovered)),
    row("FractionOfSeconds", "a 429 with `Retry-After: 3.0`", EACH, lists(any), Deed::Instead(limited), once(Recovered)),
    row("EndlessError", "a 503 whose body does not end", EACH, lists(any), Deed::InsteadStalled(|| CannedReply::error(503, "service.unavailable", "Service Unavailable")), once(Recovered)),
    row("EndlessRefusal", "a 404 whose body does not end", EACH, lists(any), Deed::InsteadStalled(CannedReply::not_found), always(Error)),
    row("Cdn", "a 403 of a CDN, with an HTML page", EACH, lists(any), Deed::Instead(|| html(403, "Request blocked")), always(Error)),
    // Inconsistent counts and pages.
    row("LargerPages", "twice as many records per page", &[FromThirdPage, WhileStopped], long_lists(|it| it.is_on_grid() && it.listing.sizes()), Deed::PageSize { times: 2, part: 1 }, always(Told)),
    row("SmallerPages", "half as many records per page", &[FromThirdPage, WhileStopped], long_lists(|it| it.is_on_grid() && it.listing.sizes()), Deed::PageSize { times: 1, part: 2 }, always(Told)),
    row("LargerTotal", "a higher total on the second page", &[SecondPage], lists(|it| it.is_paged() && it.listing.counts()), Deed::Around(|page| page.add(TOTALS, 3)), always(Told)),
    row("SmallerTotal", "a lower total on the second page", &[SecondPage], lists(|it| it.is_paged() && it.listing.counts()), Deed::Around(|page| page.add(TOTALS, -3)), always(Told)),
    row("Shifted", "five records deleted at the start, and five appended", &[WhileStopped], long_lists(ListSubject::can_shift), Deed::Shift(5), always(Told)),
    row("Inclusive", "pages that begin with the record that they should follow", &[AllPages], lists(|it| it.ask == Ask::Neighbour), Deed::Inclusive, always(Whole)),
    row("EqualPages", "a second page with the records of the first, and another token", &[SecondPage], lists(|it| it.ask.is_linked() && !it.listing.has_id()), Deed::EqualPages, always(Read)),
    row("AnotherOrg", "another org answers", &[WhileStopped], long_lists(ListSubject::is_paged), Deed::AnotherOrg, always(Refused)),
    // Jobs.
    row("SubmitReset", "a job is accepted, but the connection is reset before the response", &[Submit], jobs(is_submitted_once), Deed::Connection(ConnectionFault::CutBeforeReply), once(NotRepeated)),
    row("SubmitCut", "a job is accepted, but the response ends in the middle", &[Submit], jobs(is_submitted_once), Deed::Connection(ConnectionFault::CutInBody), once(NotRepeated)),
    row("SubmitStalled", "a job is accepted, but the response does not end", &[Submit], jobs(is_submitted_once), Deed::Connection(ConnectionFault::StalledBody), once(NotRepeated)),
    row("SubmitBadGateway", "a job is accepted, but a gateway returns 502", &[Submit], jobs(is_submitted_once), Deed::Instead(|| html(502, "502 Bad Gateway")), once(NotRepeated)),
    row("SubmitTimeout", "a job is accepted, but a gateway returns 504", &[Submit], jobs(is_submitted_once), Deed::Instead(|| CannedReply::error(504, "request.timeout", "The request timed out.")), once(NotRepeated)),
    row("SubmitHtml", "a job is accepted, but a gateway returns 200 with an HTML page", &[Submit], jobs(is_submitted_once), Deed::Instead(|| html(200, "Welcome")), once(NotRepeated)),
    row("StatusHtml", "an HTML page with status 200", &[Status, LaterStatus], jobs(Family::is_pollable), Deed::Instead(|| html(200, "Welcome")), once(Recovered)),
    row("StatusEmpty", "status 200 without a body", &[Status], jobs(Family::is_pollable), Deed::Bytes(|_| Bytes::new()), once(Recovered)),
    row("StatusTimeout", "status 408 of a gateway", &[Status], jobs(Family::is_pollable), Deed::Instead(|| html(408, "Request Timeout")), once(Recovered)),
    row("StatusErrorBody", "an error of status 500 with status 200", &[Status], jobs(Family::is_pollable), Deed::Instead(|| error_body(500, "internal.server.error")), once(Recovered)),
    row("JobForgotten", "a 404 for a job that was running", &[LaterStatus], jobs(Family::is_pollable), Deed::Instead(CannedReply::not_found), always(Error)),
    row("NoResults", "a job that is done, but without its results", &[Results], jobs(|it| it.shows_results() && it.listed_by(Api::embedded()).is_none()), Deed::NoResults, always(Told)),
    row("DataNotYet", "results that state that data of the interval is not yet available", &[Results], jobs(has_dated_results), Deed::Antedate { in_results: true }, always(Unknown)),
    row("DataNotYetUnsaid", "the same, stated only by the operation for it", &[Results], jobs(has_dated_results), Deed::Antedate { in_results: false }, always(Unknown)),
    row("NoUrl", "null in place of the URL of a file", &[Results], files(Family::has_files), Deed::Links(|links, _| spoil(links, &Value::Null)), always(Error)),
    row("EmptyUrl", "an empty string in place of the URL of a file", &[Results], files(Family::has_files), Deed::Links(|links, _| spoil(links, &json!(""))), always(Error)),
    row("ObjectUrl", "an object in place of the URL of a file", &[Results], files(Family::has_files), Deed::Links(|links, _| spoil(links, &json!({}))), always(Error)),
    row("NullAmongUrls", "null among the URLs of files", &[Results], files(Family::has_url_list), Deed::Links(|links, _| among(links, Value::Null)), always(Error)),
    row("EmptyAmongUrls", "an empty string among the URLs of files", &[Results], files(Family::has_url_list), Deed::Links(|links, _| among(links, json!(""))), always(Error)),
    row("ObjectAmongUrls", "an object among the URLs of files", &[Results], files(Family::has_url_list), Deed::Links(|links, _| among(links, json!({}))), always(Error)),
    row("AppsHost", "a download URL on the host of the apps, which returns HTML", &[Results], files(Family::has_plain_urls), Deed::Links(lead_to_apps), always(Error)),
    row("FileHtml", "an HTML page in place of a file", &[File], files(Family::has_files), Deed::Instead(|| html(200, "Sign in")), either(Error, Told)),
    row("FileNull", "null as a file of records", &[File], files(Family::has_record_files), Deed::Contents(|| json(&Value::Null)), always(Error)),
    row("FileEmptyObject", "an empty object as a file of records", &[File], files(Family::has_record_files), Deed::Contents(|| json(&json!({}))), always(Error)),
    row("FileDataNull", "null under `data` as a file of records", &[File], files(Family::has_record_files), Deed::Contents(|| json(&json!({ "data": null }))), always(Error)),
    row("FileErrorBody", "an error as a file of records", &[File], files(Family::has_record_files), Deed::Contents(|| json(&json!({ "message": "boom", "status": 500 }))), always(Error)),
    row("FileErrorMessage", "a timeout as a file of records", &[File], files(Family::has_record_files), Deed::Contents(timed_out), always(Error)),
    row("FileEncoded", "a file that is compressed in transit", &[File], files(Family::has_text_files), Deed::Encoded, always(Whole)),
];

const TOTALS: &[&str] = &["total", "totalHits", "totalResults"];

fn any(_: &ListSubject) -> bool {
    true
}

fn json(body: &Value) -> CannedReply {
    CannedReply::json(200, body)
}

fn timed_out() -> CannedReply {
    json(&json!({ "errorMessage": "Task timed out after 30.00 seconds" }))
}

fn error_body(status: u16, code: &str) -> CannedReply {
    CannedReply { status: 200, ..CannedReply::error(status, code, "It did not work.") }
}

fn limited() -> CannedReply {
    CannedReply::error(429, "too.many.requests", "Rate limit exceeded the maximum.")
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
fn has_dated_results(family: &Family) -> bool {
    is_dated(family.listed_by(Api::embedded()).and_then(Endpoint::schema))
}

/// A GET may be repeated, whatever it starts.
fn is_submitted_once(family: &Family) -> bool {
    let submit = Api::embedded().endpoint(family.submit);
    !family.repeats() && submit.operation.method != "GET"
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

fn lead_to_apps(links: &mut Value, files: &str) {
    spoil(links, &json!(format!("{files}/platform/api/v2/downloads/0a1b2c3d")));
}
