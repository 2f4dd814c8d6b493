//! Downloads of files whose URL the API returns.

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

/// A file whose URL the API returned, as a stream of bytes. It also implements [`AsyncRead`].
///
/// Presigned URLs are fetched over HTTPS without the bearer token, and their redirects are not followed. A URL of the API
/// itself is fetched with the token, and a presigned URL that it redirects to without. Nothing is sent before the first
/// poll, and the file is not buffered. The exception is a file that the API serves itself: it is read as a whole, up
/// to the client's [`max_body`](crate::ClientBuilder::max_body).
///
/// An interrupted transfer resumes with `Range`, if the server can show that the file is unchanged (`ETag` or
/// `Last-Modified`). The length is checked against the declared one. A `Content-Encoding` of gzip or deflate is decoded,
/// unless the name (`.gz`) or type (`application/gzip`) is that of a compressed file. A download URL on the apps host
/// (`https://apps.mypurecloud.ie/platform/api/v2/downloads/..`) is mapped to the API host.
///
/// # Errors
/// [`ErrorKind::Download`](crate::ErrorKind::Download) if the URL is rejected, or the file is unavailable, has changed,
/// or is an HTML page instead of data. After five failures in a row without a byte, the last one is returned: a network
/// error ([`Error::is_transport`]), or [`ErrorKind::Download`](crate::ErrorKind::Download) with the
/// [status](Error::status) of the response. The stream does not wait for a server that asks for a pause of more than a
/// minute. After an error, the next poll resumes at the same byte. An expired presigned URL is not renewed, unlike by
/// [`Job::downloads`](crate::Job::downloads).
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
#[must_use = "nothing is downloaded until the stream is polled"]
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
    /// Received bytes not read yet, for `AsyncRead`.
    rest: Bytes,
    ended: bool,
}

/// Number of bytes decoded per step. The output can be a thousand times larger.
const PART: usize = 4 << 10;

type Running = BoxFuture<'static, (Box<Transfer>, Result<Option<Bytes>, Error>)>;

impl Download {
    /// Creates a download of a URL in a response of the API, such as `downloadUrl`.
    ///
    /// # Errors
    /// If the URL must not be fetched ([`ErrorKind::Download`](crate::ErrorKind::Download)): it is invalid, is not
    /// `https`, or contains a user name or password. `http` is allowed on this machine if the API is there too.
    pub fn new(client: &impl AsRef<Client>, url: &str) -> Result<Self, Error> {
        let client = client.as_ref();
        let link = Self::link(client, None, url)?;
        // The path of a presigned URL may contain personal data, and its query is secret.
        let shown = client.secrets().redact(&link.shown()).into_owned();
        let operation = Operation::new("download", Method::Get, shown);
        Ok(Self::of(client, operation, link, html::is_name_of_data(url)))
    }

    /// A result file. Errors name the operation that returned its URL.
    pub(crate) fn open(client: &Client, operation: &Operation, url: &str) -> Result<Self, Error> {
        let link = Self::link(client, Some(operation), url)?;
        Ok(Self::of(client, operation.clone(), link, true))
    }

    fn link(client: &Client, operation: Option<&Operation>, url: &str) -> Result<Link, Error> {
        Link::parse(url, client.api()).map_err(|why| {
            Error::file(operation, format!("the URL of the file was rejected: {why}"))
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

    /// Continues with another URL of the same file.
    pub(crate) fn renew(&mut self, client: &Client, url: &str) -> Result<(), &'static str> {
        let link = Link::parse(url, client.api())?;
        self.host = link.host();
        let transfer = self.transfer.as_mut().ok_or("it is running")?;
        transfer.renew(link);
        Ok(())
    }

    /// Returns the next bytes, or `None` at the end.
    ///
    /// # Errors
    /// See [`Download`]. The next call resumes at the same byte.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// Returns the size of the file in bytes, once the first bytes have arrived. `None` if the server does not declare
    /// it, or declares the size of an encoded transfer.
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Returns the number of bytes returned so far, after decoding.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Returns the `Content-Type` of the file, once the first bytes have arrived.
    pub fn content_type(&self) -> Option<&str> {
        self.head.as_ref()?.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()
    }

    /// Returns the `Content-Encoding` of the returned bytes, once the first have arrived. `None` if it was decoded.
    pub fn content_encoding(&self) -> Option<&str> {
        if !matches!(self.decoder, None | Some(Decoder::Identity)) {
            return None;
        }
        self.head.as_ref()?.headers.get(http::header::CONTENT_ENCODING)?.to_str().ok()
    }

    /// Status and headers of the first response.
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
    /// Decodes the next part of the received bytes. Returns no bytes while the start of the file is inspected.
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

/// No field is pinned.
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

/// Prints only the host of the URL, since its query is secret.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("host", &self.host)
            .field("received", &self.received)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
