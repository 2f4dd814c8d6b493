//! Files that the API names by a URL, as streams of bytes.

mod coding;
mod html;
mod link;
mod transfer;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures::TryStreamExt;
use futures::future::BoxFuture;
use futures::stream::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use self::coding::{Coding, Decoder};
use self::html::Sniff;
use self::link::Link;
use self::transfer::Transfer;
use crate::client::Client;
use crate::error::Error;
use crate::operation::{Method, Operation};
use crate::response::ResponseHead;
use crate::runtime;

/// A file that the API named by a URL, as a stream of its bytes; [`AsyncRead`] reads it too.
///
/// Presigned URLs are fetched without the bearer token, over https alone, and a redirect of theirs is not
/// followed. One that leads to the API itself is fetched with it, and the presigned URL that it redirects to
/// without. Nothing of the file is kept, and nothing is sent before the first bytes are asked for. A file that
/// the API itself holds comes as a whole, up to the client's [`max_body`](crate::ClientBuilder::max_body).
///
/// Where the transfer breaks off, it goes on from there by `Range`, provided that the server can tell that
/// the file is the same (`ETag` or `Last-Modified`). The length is checked against the one that the server
/// declared. A `Content-Encoding` of gzip or deflate is decoded, unless the name (`.gz`) or type (`application/gzip`)
/// of the file says that it is a compressed file. A download URL on the apps host
/// (`https://apps.mypurecloud.ie/platform/api/v2/downloads/..`) is mapped to the API host.
///
/// # Errors
/// When the URL is refused, the file is unavailable, has changed, or is an HTML page instead of data
/// ([`ErrorKind::Download`](crate::ErrorKind::Download)), or the
/// transfer failed five times in a row without a byte ([`Error::is_transport`], or
/// [`ErrorKind::Download`](crate::ErrorKind::Download) with the [status](Error::status) of the answer). A server that
/// asks for a pause of more than a minute is not waited for. After an error the stream can be used on: the next poll
/// goes on from the same byte. A presigned URL that has expired is not asked for anew here:
/// [`Job::downloads`](crate::Job::downloads) does.
///
/// ```no_run
/// # async fn example(client: genesys_cloud_core::Client, url: &str)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// use genesys_cloud_core::Download;
/// use tokio::io::AsyncReadExt;
///
/// let mut report = String::new();
/// Download::new(&client, url)?.read_to_string(&mut report).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is downloaded before bytes are asked for"]
pub struct Download {
    host: String,
    /// `None` while it is running.
    transfer: Option<Box<Transfer>>,
    running: Option<Running>,
    head: Option<ResponseHead>,
    length: Option<u64>,
    received: u64,
    /// Received bytes that are not decoded yet.
    encoded: Bytes,
    decoder: Option<Decoder>,
    sniff: Sniff,
    /// A permanent error, returned by every further poll.
    broken: Option<Error>,
    all_has_come: bool,
    /// What has been received and not been read yet, for `AsyncRead`.
    rest: Bytes,
    ended: bool,
}

/// The number of bytes decoded per step. The output can be a thousand times larger.
const PART: usize = 4 << 10;

type Running = BoxFuture<'static, (Box<Transfer>, Result<Option<Bytes>, Error>)>;

impl Download {
    /// The file at a URL that a reply of the API named, such as `downloadUrl`.
    ///
    /// # Errors
    /// When the URL is not one that may be fetched ([`ErrorKind::Download`](crate::ErrorKind::Download)): it is none, is not https, or holds a
    /// user name or password. `http` is for loopback, where the API is there too.
    pub fn new(client: &impl AsRef<Client>, url: &str) -> Result<Self, Error> {
        let client = client.as_ref();
        let link = Self::link(client, None, url)?;
        // The path of a presigned URL may be personal data, and its query is a secret.
        let shown = client.secrets().redact(&link.shown()).into_owned();
        let operation = Operation::new("download", Method::Get, shown);
        Ok(Self::of(client, operation, link, html::is_name_of_data(url)))
    }

    /// A results file. Errors name the operation that returned its URL.
    pub(crate) fn open(client: &Client, operation: &Operation, url: &str) -> Result<Self, Error> {
        let link = Self::link(client, Some(operation), url)?;
        Ok(Self::of(client, operation.clone(), link, true))
    }

    fn link(client: &Client, operation: Option<&Operation>, url: &str) -> Result<Link, Error> {
        Link::parse(url, client.api()).map_err(|why| {
            Error::file(operation, format!("the URL of the file is not fetched: {why}"))
        })
    }

    /// With `is_data`, an HTML page is an error.
    fn of(client: &Client, operation: Operation, link: Link, is_data: bool) -> Self {
        Self {
            host: link.host(),
            transfer: Some(Box::new(Transfer::new(client.clone(), operation, link, is_data))),
            running: None,
            head: None,
            length: None,
            received: 0,
            encoded: Bytes::new(),
            decoder: None,
            sniff: Sniff::new(is_data),
            broken: None,
            all_has_come: false,
            rest: Bytes::new(),
            ended: false,
        }
    }

    /// Goes on by another URL of the same file.
    pub(crate) fn renew(&mut self, client: &Client, url: &str) -> Result<(), &'static str> {
        let link = Link::parse(url, client.api())?;
        self.host = link.host();
        let transfer = self.transfer.as_mut().ok_or("it is running")?;
        transfer.renew(link);
        Ok(())
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// When they can't be had. The next call goes on from the same byte.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// The size of the file in bytes, once the first bytes were received. `None` if the server does not declare it, or
    /// declares the size of an encoded transfer.
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The number of bytes returned so far, after decoding.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The `Content-Type` of the file, once its first bytes have come.
    pub fn content_type(&self) -> Option<&str> {
        self.head.as_ref()?.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()
    }

    /// The `Content-Encoding` of the returned bytes, once the first were received. `None` if it was decoded.
    pub fn content_encoding(&self) -> Option<&str> {
        if !matches!(self.decoder, None | Some(Decoder::Identity)) {
            return None;
        }
        self.head.as_ref()?.headers.get(http::header::CONTENT_ENCODING)?.to_str().ok()
    }

    /// Status and headers of the first reply, once there is one.
    pub(crate) const fn head(&self) -> Option<&ResponseHead> {
        self.head.as_ref()
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut this.rest))));
        }
        loop {
            if let Some(error) = &this.broken {
                return Poll::Ready(Some(Err(error.share())));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            if !this.encoded.is_empty() || this.all_has_come {
                match this.decode() {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => {
                        this.received += bytes.len() as u64;
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    Err(error) => this.broken = Some(error),
                }
                continue;
            }
            if let Some(mut transfer) = this.transfer.take() {
                this.running = Some(Box::pin(async move {
                    let bytes = transfer.bytes().await;
                    (transfer, bytes)
                }));
            }
            if let Err(error) = runtime::current(None) {
                return Poll::Ready(Some(Err(error)));
            }
            let Some(running) = &mut this.running else { return Poll::Ready(None) };
            let (transfer, bytes) = ready!(running.as_mut().poll(cx));
            this.running = None;
            if this.head.is_none() {
                this.head = transfer.head().cloned();
            }
            let is_plain = matches!(transfer.coding(), Coding::Identity | Coding::Other(_));
            this.length = transfer.length().filter(|_| is_plain);
            match bytes {
                Ok(bytes) => {
                    this.decoder.get_or_insert_with(|| Decoder::new(transfer.coding()));
                    this.all_has_come = bytes.is_none();
                    this.encoded = bytes.unwrap_or_default();
                }
                Err(error) => {
                    this.transfer = Some(transfer);
                    return Poll::Ready(Some(Err(error)));
                }
            }
            this.transfer = Some(transfer);
        }
    }
}

impl Download {
    /// Decodes the next part of the received bytes. Returns nothing while the start of the file is inspected.
    fn decode(&mut self) -> Result<Bytes, Error> {
        let Some(transfer) = &self.transfer else { return Ok(Bytes::new()) };
        let decoder = self.decoder.get_or_insert(Decoder::Identity);
        let not_encoded = |_| transfer.not_encoded();
        let mut decoded = Bytes::new();
        if !self.encoded.is_empty() {
            let whole = self.encoded.len();
            let part = if matches!(decoder, Decoder::Identity) { whole } else { whole.min(PART) };
            decoded = decoder.decode(self.encoded.split_to(part)).map_err(not_encoded)?;
        } else if self.all_has_come {
            decoded = decoder.finish().map_err(not_encoded)?;
            self.ended = true;
        }
        self.sniff.pass(decoded, self.ended).ok_or_else(|| transfer.html())
    }
}

/// Nothing is pinned.
impl Unpin for Download {}

impl AsyncRead for Download {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(self.as_mut().poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest[..length]);
        self.rest.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// Shows the host, and nothing else of the URL: its query is a secret.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("host", &self.host)
            .field("received", &self.received)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
