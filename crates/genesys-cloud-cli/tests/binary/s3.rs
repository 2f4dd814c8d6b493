//! A server with the parts of the S3 API, and of the XML API of Google Cloud Storage, that exports use.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LAST_MODIFIED};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The generation of an object at Google: the number in its ETag.
const GENERATION: HeaderName = HeaderName::from_static("x-goog-generation");
const IF_GENERATION: HeaderName = HeaderName::from_static("x-goog-if-generation-match");

/// Whether to refuse a request, by its method, path and query.
type Refuses = Box<dyn Fn(&Method, &str) -> bool + Send>;

/// The server, with one bucket named `bucket`.
pub(crate) struct S3 {
    url: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    objects: HashMap<String, Object>,
    uploads: HashMap<String, Upload>,
    refuses: Option<Refuses>,
    count: u64,
    requests: Vec<String>,
}

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    e_tag: String,
}

struct Upload {
    key: String,
    parts: BTreeMap<u32, Object>,
}

const SERVICE_ACCOUNT: &str = r#"{"private_key": "not-to-be-shown", "private_key_id": "key", "client_email": "me", "disable_oauth": true}"#;

impl S3 {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let served = inner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                let respond = service_fn(move |request| {
                    let served = served.clone();
                    async move { Ok::<_, Infallible>(respond(&served, request).await) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
                // A killed client closes the connection.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self { url, inner }
    }

    /// The variables that select this server.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT", self.url.clone()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "not-to-be-shown".to_owned()),
            ("GOOGLE_BASE_URL", self.url.clone()),
            ("GOOGLE_ALLOW_HTTP", "true".to_owned()),
            // Like fakes of Google Cloud Storage, without login and token.
            ("GOOGLE_SERVICE_ACCOUNT_KEY", SERVICE_ACCOUNT.to_owned()),
        ]
    }

    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.inner.lock().unwrap().objects.get(key).map(|object| object.bytes.clone())
    }

    /// The keys of all objects, except those of the run log.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.inner.lock().unwrap().objects.keys().cloned().collect();
        keys.retain(|key| !key.contains(".runs/"));
        keys.sort();
        keys
    }

    /// Puts an object, as another program would.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        self.inner.lock().unwrap().put(key.to_owned(), bytes.to_vec());
    }

    /// The number of unfinished uploads.
    pub(crate) fn uploads(&self) -> usize {
        self.inner.lock().unwrap().uploads.len()
    }

    /// Removes unfinished uploads.
    pub(crate) fn forget_uploads(&self) {
        self.inner.lock().unwrap().uploads.clear();
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.inner.lock().unwrap().requests.clone()
    }

    /// Responds to these requests with 403 from now on.
    pub(crate) fn refuse(&self, refuses: impl Fn(&Method, &str) -> bool + Send + 'static) {
        self.inner.lock().unwrap().refuses = Some(Box::new(refuses));
    }

    pub(crate) fn refuse_nothing(&self) {
        self.inner.lock().unwrap().refuses = None;
    }
}

impl Inner {
    fn e_tag(&mut self) -> String {
        self.count += 1;
        format!("\"{}\"", self.count)
    }

    fn put(&mut self, key: String, bytes: Vec<u8>) -> String {
        let e_tag = self.e_tag();
        self.objects.insert(key, Object { bytes, e_tag: e_tag.clone() });
        e_tag
    }
}

type Reply = Response<Full<Bytes>>;

async fn respond(served: &Mutex<Inner>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return error(400, "IncompleteBody") };
    let body = body.to_bytes();
    let mut inner = served.lock().unwrap();
    let target = head.uri.path_and_query().unwrap().to_string();
    inner.requests.push(format!("{} {target}", head.method));
    let signature = head.headers.get("authorization").map(|it| it.to_str().unwrap());
    if !signature.is_some_and(|it| {
        it.starts_with("AWS4-HMAC-SHA256 Credential=key/")
    }) && !target.contains("X-Amz-Credential=key%2F")
        // The client of Google Cloud Storage encodes slashes, and does not log in to such an account.
        && !head.uri.path().contains("%2F")
    {
        return error(403, "SignatureDoesNotMatch");
    }
    if inner.refuses.as_ref().is_some_and(|refuses| refuses(&head.method, &target)) {
        return error(403, "AccessDenied");
    }
    let path = percent_encoding::percent_decode_str(head.uri.path()).decode_utf8().unwrap();
    if path.trim_end_matches('/') == "/bucket" && target.contains("list-type=2") {
        return list(&inner, &target);
    }
    let Some(key) = path.strip_prefix("/bucket/").map(str::to_owned) else {
        return error(404, "NoSuchBucket");
    };
    let query: HashMap<&str, &str> = head
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let header = |name| head.headers.get(name).map(|it| it.to_str().unwrap());
    match (&head.method, query.get("uploadId").copied()) {
        (&Method::PUT, Some(id)) => {
            let e_tag = inner.e_tag();
            let Some(upload) = inner.uploads.get_mut(id) else { return error(404, "NoSuchUpload") };
            let part = Object { bytes: body.to_vec(), e_tag: e_tag.clone() };
            upload.parts.insert(query["partNumber"].parse().unwrap(), part);
            tagged(&e_tag)
        }
        (&Method::POST, Some(id)) => complete(&mut inner, id, &body),
        (&Method::DELETE, Some(id)) => match inner.uploads.remove(id) {
            Some(_) => empty(204),
            None => error(404, "NoSuchUpload"),
        },
        (&Method::POST, None) if query.contains_key("uploads") => {
            inner.count += 1;
            let id = format!("upload{}", inner.count);
            let xml = format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            inner.uploads.insert(id, Upload { key, parts: BTreeMap::new() });
            Response::new(xml.into())
        }
        (&Method::PUT, None) => {
            let there = inner.objects.get(&key).map(|object| object.e_tag.as_str());
            // Generation 0 means that the object does not exist.
            let generation = there.map_or("0", |e_tag| e_tag.trim_matches('"'));
            if header(IF_NONE_MATCH) == Some("*") && there.is_some()
                || header(IF_MATCH).is_some_and(|e_tag| there != Some(e_tag))
                || header(IF_GENERATION).is_some_and(|it| generation != it)
            {
                return error(412, "PreconditionFailed");
            }
            tagged(&inner.put(key, body.to_vec()))
        }
        (&Method::GET | &Method::HEAD, None) => match inner.objects.get(&key) {
            None => error(404, "NoSuchKey"),
            Some(object) => Response::builder()
                .header(ETAG, &object.e_tag)
                .header(GENERATION, object.e_tag.trim_matches('"'))
                .header(LAST_MODIFIED, "Wed, 01 May 2024 12:00:00 GMT")
                .header(CONTENT_LENGTH, object.bytes.len())
                .body(match head.method {
                    Method::GET => object.bytes.clone().into(),
                    _ => Full::default(),
                })
                .unwrap(),
        },
        // Like some servers, does not support deleting several objects.
        (&Method::DELETE, None) => {
            inner.objects.remove(&key);
            empty(204)
        }
        _ => error(400, "InvalidRequest"),
    }
}

/// Lists the objects with a prefix, at most two at a time.
fn list(inner: &Inner, target: &str) -> Reply {
    let (_, query) = target.split_once('?').unwrap();
    let field = |name: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        percent_encoding::percent_decode_str(pair.unwrap_or_default()).decode_utf8().unwrap()
    };
    let (prefix, after) = (field("prefix"), field("continuation-token"));
    let mut keys: Vec<&String> = inner.objects.keys().collect();
    keys.retain(|key| key.starts_with(&*prefix) && ***key > *after);
    keys.sort();
    let mut xml = "<ListBucketResult>".to_owned();
    for key in keys.iter().take(2) {
        let (size, e_tag) = (inner.objects[*key].bytes.len(), &inner.objects[*key].e_tag);
        xml += &format!(
            "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>{e_tag}</ETag>\
             <LastModified>2024-05-01T12:00:00.000Z</LastModified></Contents>"
        );
    }
    if keys.len() > 2 {
        xml += &format!("<NextContinuationToken>{}</NextContinuationToken>", keys[1]);
    }
    Response::new(format!("{xml}</ListBucketResult>").into())
}

/// Completes an upload. The named parts must be those that were uploaded.
fn complete(inner: &mut Inner, id: &str, body: &[u8]) -> Reply {
    let Some(upload) = inner.uploads.get(id) else { return error(404, "NoSuchUpload") };
    let body = String::from_utf8_lossy(body).replace("&quot;", "\"");
    let mut parts = Vec::new();
    for part in body.split("<Part>").skip(1) {
        let field = |name: &str| {
            let (_, rest) = part.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let number: u32 = field("PartNumber").parse().unwrap();
        match upload.parts.get(&number) {
            Some(part) if part.e_tag == field("ETag") => parts.push(part.bytes.clone()),
            _ => return error(400, "InvalidPart"),
        }
    }
    // Like the strictest servers.
    if parts.windows(2).any(|pair| pair[0].len() < 5 << 20 || pair[0].len() != parts[0].len()) {
        return error(400, "EntityTooSmall");
    }
    let key = upload.key.clone();
    inner.uploads.remove(id);
    let e_tag = inner.put(key, parts.concat());
    let e_tag = e_tag.trim_matches('"');
    Response::new(
        format!(
            "<CompleteMultipartUploadResult><ETag>{e_tag}</ETag></CompleteMultipartUploadResult>"
        )
        .into(),
    )
}

fn tagged(e_tag: &str) -> Reply {
    let builder = Response::builder().header(ETAG, e_tag);
    builder.header(GENERATION, e_tag.trim_matches('"')).body(Full::default()).unwrap()
}

fn empty(status: u16) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::from_u16(status).unwrap();
    reply
}

fn error(status: u16, code: &str) -> Reply {
    let text = match code {
        "AccessDenied" => "Access Denied",
        other => other,
    };
    let mut reply = empty(status);
    *reply.body_mut() =
        format!("<Error><Code>{code}</Code><Message>{text}</Message></Error>").into();
    reply
}
