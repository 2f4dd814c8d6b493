//! Files behind presigned URLs, on a separate port that refuses tokens.

use std::collections::HashMap;
use std::io::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use serde_json::json;

use super::results::{FileFormat, JobResults};
use super::run::{Plan, Run};
use super::scenario::JobScenario;
use crate::clock::Clock;
use crate::connection::ResponseBody;
use crate::identity::Identity;
use crate::lies::{Effect, Lies, ResponseKind, html};
use crate::media::{self, Media};
use crate::query::Query;
use crate::response::CannedResponse;
use crate::rng::{hash, mix};
use crate::timestamp::Timestamp;

/// The path of download addresses on the host of the apps.
const APPS: &str = "platform/api/v2/downloads/";

/// Does not resolve, and is not https.
const FOREIGN: &str = "http://files.example.invalid";

/// How long a URL of a media file is valid.
const LINK_LIFETIME: Duration = Duration::from_secs(900);

/// A file, and the state of its downloads.
#[derive(Debug)]
pub(crate) struct File {
    name: String,
    body: Bytes,
    kind: &'static str,
    scenario: JobScenario,
    /// The operation that submitted its job, by index in the table of endpoints.
    submit: usize,
    /// The number of links issued.
    links: AtomicU64,
    tries: AtomicU64,
}

/// The files of an org, and the uploads that it expects.
#[derive(Debug)]
pub(crate) struct Store {
    base: OnceLock<String>,
    files: Mutex<HashMap<String, Arc<File>>>,
    /// Jobs that wait for an upload, by its path.
    uploads: Mutex<HashMap<String, Arc<Run>>>,
    /// When a response last linked to a media file, by its name.
    media: Mutex<HashMap<String, Timestamp>>,
    clock: Clock,
    lies: Arc<Lies>,
}

impl Store {
    pub(crate) fn new(clock: Clock, lies: Arc<Lies>) -> Self {
        Self {
            base: OnceLock::new(),
            files: Mutex::default(),
            uploads: Mutex::default(),
            media: Mutex::default(),
            clock,
            lies,
        }
    }

    /// Sets the base URL of the files, once it is known.
    pub(crate) fn set_base(&self, base: String) {
        let _ = self.base.set(base);
    }

    pub(crate) fn base(&self) -> &str {
        self.base.get().map_or("", String::as_str)
    }

    pub(crate) fn add(&self, file: File) -> Arc<File> {
        let file = Arc::new(file);
        lock(&self.files).insert(file.name.clone(), Arc::clone(&file));
        file
    }

    pub(crate) fn file(&self, name: &str) -> Option<Arc<File>> {
        lock(&self.files).get(name).cloned()
    }

    /// Issues a new presigned URL for a file.
    pub(crate) fn link(&self, file: &File) -> String {
        let number = file.links.fetch_add(1, Ordering::Relaxed);
        let is_foreign = file.scenario == JobScenario::ForeignLink;
        let base = if is_foreign { FOREIGN } else { self.base() };
        let signature = file.signature(number);
        format!("{base}/{}?X-Amz-Expires=900&X-Amz-Signature={signature:016x}", file.name)
    }

    /// Issues a URL for the upload that a job waits for.
    pub(crate) fn upload_link(&self, run: &Arc<Run>) -> String {
        let name = format!("uploads/{}", run.id);
        lock(&self.uploads).insert(name.clone(), Arc::clone(run));
        format!("{}/{name}?X-Amz-Expires=900&X-Amz-Signature={:016x}", self.base(), hash(&name))
    }

    /// Links a response to its media files. The links are valid for 15 minutes from now.
    pub(crate) fn link_media(&self, mut response: CannedResponse) -> CannedResponse {
        let Ok(text) = std::str::from_utf8(&response.body) else { return response };
        let (mut issued, now) = (lock(&self.media), self.clock.now());
        let on_link = |name: &str| {
            issued.insert(name.to_owned(), now);
        };
        if let Some(linked) = media::resolve(text, self.base(), on_link) {
            response.body = linked.into();
        }
        response
    }

    /// Answers a request for a media file.
    fn respond_with_media(
        &self,
        name: &str,
        (body, kind): (Bytes, &'static str),
        head: &Parts,
    ) -> CannedResponse {
        let issued = lock(&self.media).get(name).copied();
        let signature = Query::new(head.uri.query().unwrap_or_default()).get("X-Amz-Signature");
        let is_signed = signature.is_some_and(|it| it == media::signature(name));
        match issued.filter(|_| is_signed) {
            None => refusal(403, "SignatureDoesNotMatch", "The signature does not match."),
            Some(issued) if self.clock.since(issued) > LINK_LIFETIME => {
                refusal(403, "AccessDenied", "Request has expired")
            }
            Some(_) => match ranged(&body, &head.headers, true) {
                Ok((response, _)) => response.header(CONTENT_TYPE.as_str(), kind),
                Err(refusal) => refusal,
            },
        }
    }

    /// Answers a request on the port of the files.
    pub(crate) fn respond(&self, head: &Parts) -> Response<ResponseBody> {
        if head.headers.contains_key(AUTHORIZATION) {
            let message = "Only one auth mechanism allowed.";
            return refusal(400, "InvalidArgument", message).into_response();
        }
        let name = head.uri.path().trim_start_matches('/');
        if name.starts_with(APPS) {
            // The host of the apps answers like this without a session.
            return html(200, "Sign in").into_response();
        }
        if head.method == Method::PUT {
            let run = lock(&self.uploads).get(name).cloned();
            return match run {
                Some(run) => {
                    run.release();
                    CannedResponse::empty(200).into_response()
                }
                None => refusal(403, "AccessDenied", "Access Denied").into_response(),
            };
        }
        if let Some(media) = Media::file(name).filter(|_| head.method == Method::GET) {
            return self.respond_with_media(name, media, head).into_response();
        }
        let Some(file) = self.file(name).filter(|_| head.method == Method::GET) else {
            return refusal(404, "NoSuchKey", "The specified key does not exist.").into_response();
        };
        match file.check(head.uri.query().unwrap_or_default()) {
            Ok(()) => {
                let effect = self.lies.next_effect(file.submit, ResponseKind::File);
                file.respond(&head.headers, effect)
            }
            Err(refusal) => refusal.into_response(),
        }
    }
}

impl File {
    pub(crate) fn new(name: String, (body, kind): (Bytes, &'static str), run: &Run) -> Self {
        let (scenario, submit) = (run.plan.scenario, run.spec.submit);
        let (links, tries) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { name, body, kind, scenario, submit, links, tries }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self, number: u64) -> u64 {
        mix(hash(&self.name) ^ number)
    }

    /// Refuses a URL that was not issued or has expired.
    fn check(&self, query: &str) -> Result<(), CannedResponse> {
        let signature = Query::new(query).get("X-Amz-Signature");
        let number = (0..self.links.load(Ordering::Relaxed)).find(|number| {
            Some(format!("{:016x}", self.signature(*number)).as_str()) == signature.as_deref()
        });
        match number {
            None => Err(refusal(403, "SignatureDoesNotMatch", "The signature does not match.")),
            Some(0) if self.scenario == JobScenario::ExpiredLink => {
                Err(refusal(403, "AccessDenied", "Request has expired"))
            }
            Some(_) => Ok(()),
        }
    }

    fn respond(&self, headers: &HeaderMap, lie: Option<&Effect>) -> Response<ResponseBody> {
        let is_first = self.tries.fetch_add(1, Ordering::Relaxed) == 0;
        let takes_range = self.scenario != JobScenario::DownloadWithoutRange;
        let (mut response, start) = match ranged(&self.body, headers, takes_range) {
            Ok((response, start)) => (response.header(CONTENT_TYPE.as_str(), self.kind), start),
            Err(refusal) => return refusal.into_response(),
        };
        if let Some(effect) = lie {
            let kind =
                response.headers.iter().find(|(name, _)| name == CONTENT_TYPE.as_str()).cloned();
            response = effect.change(response, &[]);
            let has_kind = response.headers.iter().any(|(name, _)| name == CONTENT_TYPE.as_str());
            response.headers.extend(kind.filter(|_| !has_kind));
        }
        let response = response.into_response();
        let middle = self.body.len() / 2;
        match self.scenario {
            JobScenario::DroppedDownload | JobScenario::DownloadWithoutRange if is_first => {
                response.map(|body| body.cut_after(middle.saturating_sub(start)))
            }
            JobScenario::ShortDownload => {
                response.map(|body| body.cut_after(middle.saturating_sub(start)))
            }
            _ => response,
        }
    }
}

/// The whole file or the requested part of it, and where that starts; or a refusal.
fn ranged(
    body: &Bytes,
    headers: &HeaderMap,
    takes_range: bool,
) -> Result<(CannedResponse, usize), CannedResponse> {
    let etag = format!("\"{:016x}\"", hash(&String::from_utf8_lossy(body)));
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_same = text(IF_RANGE).is_none_or(|tag| tag == etag);
    let range = text(RANGE).filter(|_| takes_range && is_same);
    let length = body.len();
    let whole = CannedResponse { status: 200, headers: Vec::new(), body: body.clone() };
    let (response, start) = match range.and_then(|range| parse_range(range, length)) {
        None => (whole, 0),
        Some(range) if range.is_empty() => {
            let response = refusal(416, "InvalidRange", "The range is not satisfiable.");
            return Err(response.header(CONTENT_RANGE.as_str(), &format!("bytes */{length}")));
        }
        Some(range) => {
            let (first, last) = (range.start, range.end - 1);
            let response = CannedResponse { status: 206, body: body.slice(range), ..whole };
            let content_range = format!("bytes {first}-{last}/{length}");
            (response.header(CONTENT_RANGE.as_str(), &content_range), first)
        }
    };
    let response = response.header(ETAG.as_str(), &etag);
    Ok(match takes_range {
        true => (response.header(ACCEPT_RANGES.as_str(), "bytes"), start),
        false => (response, start),
    })
}

/// The requested bytes, empty if the range is past the end. `None` if the header is not understood, so that the
/// whole file is sent.
fn parse_range(range: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let last: usize = last.parse().ok()?;
        return Some(length.saturating_sub(last)..length);
    }
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() { length } else { last.parse::<usize>().ok()?.saturating_add(1) };
    Some(first.min(length)..last.min(length))
}

fn refusal(status: u16, code: &str, message: &str) -> CannedResponse {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    CannedResponse { status, headers: Vec::new(), body: body.into() }
        .header(CONTENT_TYPE.as_str(), "application/xml")
}

/// The files of a job with their content types. `list` identifies the records.
pub(crate) fn contents(output: &JobResults, plan: &Plan, list: u64) -> Vec<(Bytes, &'static str)> {
    let count = plan.count();
    let is_many = output.has_many_files() && plan.scenario == JobScenario::ResultsInManyPages;
    let parts = if is_many { 3 } else { 1 };
    let part = |number: u64| number * count / parts;
    (0..parts)
        .map(|number| {
            let places = part(number)..part(number + 1);
            let json = || output.json(list, places.clone());
            match output.format {
                FileFormat::Json if plan.scenario == JobScenario::GzipDownload => {
                    (gzip(&json()), "application/gzip")
                }
                FileFormat::Json => (json().into(), "application/json"),
                FileFormat::Csv => (csv(list, places).into(), "text/csv"),
                FileFormat::Archive => (archive(list).into(), "application/zip"),
            }
        })
        .collect()
}

impl JobResults {
    /// The JSON file with the results at these positions.
    fn json(&self, list: u64, places: Range<u64>) -> String {
        match self.content() {
            Some(content) => content.write(list, places).to_string(),
            None => {
                let record = |index: u64| {
                    let id = Identity::new(list, index).id().to_string();
                    json!({ "id": id, "name": format!("Record {index}") })
                };
                places.map(record).collect::<serde_json::Value>().to_string()
            }
        }
    }

    /// The keys of the first `count` results.
    pub(crate) fn keys(&self, list: u64, count: u64, in_file: bool) -> Vec<String> {
        let ids = || (0..count).map(|index| Identity::new(list, index).id().to_string()).collect();
        match (self.content(), self.format) {
            (_, FileFormat::Archive) if in_file => Vec::new(),
            (_, FileFormat::Csv) if in_file => ids(),
            (Some(content), _) => content.keys(list, count),
            (None, _) if in_file => ids(),
            (None, _) => Vec::new(),
        }
    }
}

fn gzip(text: &str) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _ = gzip.write_all(text.as_bytes());
    gzip.finish().unwrap_or_default().into()
}

fn csv(list: u64, places: Range<u64>) -> String {
    let row = |index| format!("{},\"Row {index}, of many\"\r\n", Identity::new(list, index).id());
    std::iter::once("id,name\r\n".to_owned()).chain(places.map(row)).collect()
}

/// Unreadable bytes that begin like a zip archive.
fn archive(list: u64) -> Vec<u8> {
    let noise = (0..512).flat_map(|word| mix(list ^ word).to_le_bytes());
    b"PK\x03\x04".iter().copied().chain(noise).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
