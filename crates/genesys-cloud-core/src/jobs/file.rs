//! The items of result files, as pages.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::stream;

use super::item_scanner::{ItemScanner, Malformed};
use super::poller::Poller;
use super::results::{FilePages, links};
use super::spec::FileForm;
use crate::download::Download;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::response::{RawResponse, ResponseHead};

/// A page is delivered when it has this many items or bytes. It can exceed them by the items in one [`PART`].
const PAGE_ITEMS: usize = 100;
const PAGE_BYTES: usize = 1 << 20;

/// How much of a file is decompressed or scanned at once, in bytes. It can be a thousand times as much decompressed.
const PART: usize = 4 << 10;

/// The first bytes of gzip (RFC 1952, 2.3.1). No JSON begins with them.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Files that are read one after the other.
pub(super) struct Files {
    poller: Poller,
    operation: Operation,
    links: Vec<String>,
    /// The index of the next file.
    next: usize,
    form: FileForm,
    file: Option<File>,
    page: Page,
}

/// A file of JSON that is being read.
struct File {
    download: Download,
    /// Whether its URL was renewed since the last bytes arrived.
    is_link_new: bool,
    /// Downloaded and not decompressed yet.
    part: Bytes,
    /// Decompressed and not scanned yet.
    plain: Bytes,
    /// Whether the download is complete.
    is_downloaded: bool,
    /// The first bytes, until there are enough to recognize gzip.
    head: Vec<u8>,
    text: Option<Text>,
    scanner: ItemScanner,
    broken: Option<Malformed>,
}

enum Text {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

/// A page that is being filled: the JSON of a list, without the bracket that closes it.
#[derive(Default)]
struct Page {
    list: Vec<u8>,
    items: usize,
}

impl Page {
    fn add(&mut self, item: &[u8]) {
        self.list.push(if self.items == 0 { b'[' } else { b',' });
        self.list.extend_from_slice(item);
        self.items += 1;
    }

    fn is_full(&self) -> bool {
        self.items >= PAGE_ITEMS || self.list.len() >= PAGE_BYTES
    }

    fn take(&mut self) -> Bytes {
        let mut page = std::mem::take(self);
        page.list.push(b']');
        page.list.into()
    }
}

impl Files {
    pub(super) fn new(poller: Poller, links: Vec<String>, form: FileForm) -> Self {
        let operation = poller.operation().clone();
        Self { poller, operation, links, next: 0, form, file: None, page: Page::default() }
    }

    /// A stream of their pages. It continues after an error.
    pub(super) fn pages(self) -> FilePages {
        Box::pin(stream::unfold(self, |mut files| async move {
            let mut page = files.page().await;
            if page.as_ref().is_err_and(is_refused) {
                page = match files.renew_link().await {
                    Ok(true) => files.page().await,
                    Ok(false) => page,
                    Err(error) => Err(error),
                };
                page = page.map_err(|error| match is_refused(&error) {
                    true => error.advise(
                        "its URL was renewed without success: the results may have been deleted",
                    ),
                    false => error,
                });
            }
            Some((page.transpose()?, files))
        }))
    }

    /// Polls the job for a new URL of the file, unless that was just done. After an error the next call tries again.
    async fn renew_link(&mut self) -> Result<bool, Error> {
        let Some(file) = self.file.as_mut().filter(|file| !file.is_link_new) else {
            return Ok(false);
        };
        self.poller.forget_links();
        let status = self.poller.wait().await?;
        let links = links(&self.poller.spec, &status)?;
        file.is_link_new = true;
        // In a different order, one file would be read twice and another not at all.
        let are_same = links.len() == self.links.len()
            && self.links.iter().zip(&links).all(|(old, new)| is_same_file(old, new));
        if !are_same && (links.len(), self.links.len()) != (1, 1) {
            return Ok(false);
        }
        self.links = links;
        let link = self.next.checked_sub(1).and_then(|at| self.links.get(at));
        Ok(link.is_some_and(|link| file.download.renew(&self.poller.client, link).is_ok()))
    }

    async fn page(&mut self) -> Result<Option<RawResponse>, Error> {
        loop {
            let file = match &mut self.file {
                Some(file) => file,
                none => {
                    let Some(link) = self.links.get(self.next) else { return Ok(None) };
                    let download = Download::open(&self.poller.client, &self.operation, link)?;
                    self.next += 1;
                    let path = match &self.form {
                        FileForm::Json(path) => path,
                        FileForm::Bytes => "[]",
                    };
                    none.insert(File {
                        download,
                        is_link_new: false,
                        part: Bytes::new(),
                        plain: Bytes::new(),
                        is_downloaded: false,
                        head: Vec::new(),
                        text: None,
                        scanner: ItemScanner::new(path, self.poller.client.max_body()),
                        broken: None,
                    })
                }
            };
            if self.form == FileForm::Bytes {
                match file.download.try_next().await? {
                    Some(bytes) => {
                        file.is_link_new = false;
                        return Ok(Some(response(&self.operation, file, bytes)));
                    }
                    None => self.file = None,
                }
                continue;
            }
            if let Some(why) = file.broken {
                let which = match self.links.len() {
                    1 => "the file of results".to_owned(),
                    count => format!("file {} of {count} with results", self.next),
                };
                return Err(malformed(&self.operation, &which, why));
            }
            let ended = match file.fill(&mut self.page).await {
                Ok(ended) => ended,
                Err(Failure::Call(error)) => return Err(error),
                Err(Failure::Malformed(why)) => {
                    file.broken = Some(why);
                    // The items before the error are delivered first.
                    if self.page.items == 0 {
                        continue;
                    }
                    false
                }
            };
            let page = (self.page.items > 0).then(|| self.page.take());
            let page = page.map(|page| response(&self.operation, file, page));
            if ended {
                self.file = None;
            }
            if page.is_some() {
                return Ok(page);
            }
        }
    }
}

/// Whether the request for a file was rejected, as happens when its URL has expired. Credentials that the API rejects
/// are a different error.
fn is_refused(error: &Error) -> bool {
    matches!(error.status(), Some(400 | 401 | 403 | 404 | 410))
        && error.kind() != ErrorKind::Authentication
}

/// Whether two URLs differ at most in their queries, like those of one file signed at two times.
fn is_same_file(one: &str, other: &str) -> bool {
    let path = |url: &str| url.split(['?', '#']).next().map(str::to_owned);
    path(one.trim()) == path(other.trim())
}

enum Failure {
    Call(Error),
    Malformed(Malformed),
}

impl From<Malformed> for Failure {
    fn from(why: Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl File {
    /// Reads until the page is full or the file ends. Returns whether it ended.
    async fn fill(&mut self, page: &mut Page) -> Result<bool, Failure> {
        loop {
            while self.advance(page)? {
                if page.is_full() {
                    return Ok(false);
                }
            }
            if self.is_downloaded {
                let scanner = std::mem::replace(&mut self.scanner, ItemScanner::new("[]", 0));
                scanner.end(|item| page.add(item))?;
                return Ok(true);
            }
            match self.download.try_next().await.map_err(Failure::Call)? {
                Some(part) => (self.part, self.is_link_new) = (part, false),
                None => {
                    self.is_downloaded = true;
                    self.finish()?;
                }
            }
        }
    }

    /// Scans or decompresses one part of what was downloaded. Returns false if nothing is left.
    fn advance(&mut self, page: &mut Page) -> Result<bool, Malformed> {
        if !self.plain.is_empty() {
            let plain = self.plain.split_to(self.plain.len().min(PART));
            self.scanner.read(&plain, |item| page.add(item))?;
            return Ok(true);
        }
        if self.part.is_empty() {
            return Ok(false);
        }
        let part = self.part.split_to(self.part.len().min(PART));
        self.decompress(part)?;
        Ok(true)
    }

    fn decompress(&mut self, part: Bytes) -> Result<(), Malformed> {
        match &mut self.text {
            None => {
                self.head.extend_from_slice(&part);
                if self.head.len() < GZIP.len() {
                    return Ok(());
                }
                self.text = Some(match self.head.starts_with(&GZIP) {
                    true => Text::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
                    false => Text::Plain,
                });
                let head = std::mem::take(&mut self.head);
                self.decompress(head.into())
            }
            Some(Text::Plain) => {
                self.plain = part;
                Ok(())
            }
            Some(Text::Gzip(gzip)) => {
                gzip.write_all(&part).map_err(|_| Malformed::Gzip)?;
                self.plain = std::mem::take(gzip.get_mut()).into();
                Ok(())
            }
        }
    }

    /// Decompresses the rest when the download is complete.
    fn finish(&mut self) -> Result<(), Malformed> {
        match &mut self.text {
            None => self.plain = std::mem::take(&mut self.head).into(),
            Some(Text::Plain) => {}
            Some(Text::Gzip(gzip)) => {
                gzip.try_finish().map_err(|_| Malformed::Unfinished)?;
                self.plain = std::mem::take(gzip.get_mut()).into();
            }
        }
        Ok(())
    }
}

fn malformed(operation: &Operation, which: &str, why: Malformed) -> Error {
    let why = match why {
        Malformed::Gzip => "begins like gzip, but is not gzip".to_owned(),
        Malformed::At(at) => format!("is not JSON at about byte {at}"),
        Malformed::NoItems(at) => format!("has no list where the items should be, at byte {at}"),
        Malformed::TooLarge => "has an item larger than the client's `max_body`".to_owned(),
        Malformed::Unfinished => "ends in the middle".to_owned(),
        Malformed::Empty => "is empty".to_owned(),
        Malformed::Missing => "has no list where the items should be".to_owned(),
        Malformed::NotItems => "is an error body or an empty object instead of results".to_owned(),
    };
    Error::file(Some(operation), format!("{which} {why}"))
        .advise("submit the job again, or download the file with `Job::downloads`")
}

/// A page as a response.
fn response(operation: &Operation, file: &File, body: Bytes) -> RawResponse {
    let head = file
        .download
        .head()
        .cloned()
        .unwrap_or_else(|| ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()));
    RawResponse { operation: operation.clone(), head, body }
}
