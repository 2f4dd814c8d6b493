//! The items of files, as pages.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::stream;

use super::items::{Malformed, Splitter};
use super::results::{FilePages, links};
use super::run::Run;
use super::spec::FileForm;
use crate::download::Download;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::response::{RawResponse, ResponseHead};

/// A page is handed out once it has so many items, or so many bytes of them. It has whatever came with
/// them in one [`PART`].
const PAGE_ITEMS: usize = 100;
const PAGE_BYTES: usize = 1 << 20;

/// How much of a file is decompressed or read at once, in bytes: decompressed, it may be a thousand times as
/// much.
const PART: usize = 4 << 10;

/// gzip begins with these, and no JSON does (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Files whose items are read one file after the other.
pub(super) struct Files {
    run: Run,
    operation: Operation,
    links: Vec<String>,
    /// Which of them is next.
    next: usize,
    form: FileForm,
    file: Option<File>,
    page: Page,
}

/// One file of JSON, as far as it has been read.
struct File {
    download: Download,
    /// Whether its URL was asked for again since the last bytes came.
    is_link_new: bool,
    /// What has come and not been read yet.
    part: Bytes,
    /// What it is decompressed, as far as that has not been read.
    plain: Bytes,
    /// Whether all of it has come.
    has_come: bool,
    /// The first bytes, until it is known whether they are gzip.
    begun: Vec<u8>,
    text: Option<Text>,
    splitter: Splitter,
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
    pub(super) fn new(run: Run, links: Vec<String>, form: FileForm) -> Self {
        let operation = run.operation().clone();
        Self { run, operation, links, next: 0, form, file: None, page: Page::default() }
    }

    /// Their pages. After an error it goes on where it was.
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
                        "the job was asked for its URL again, in vain: its results may have been deleted",
                    ),
                    false => error,
                });
            }
            Some((page.transpose()?, files))
        }))
    }

    /// Asks the job for the URL of the file again, unless it is new already. An error leaves it to be asked for.
    async fn renew_link(&mut self) -> Result<bool, Error> {
        let Some(file) = self.file.as_mut().filter(|file| !file.is_link_new) else {
            return Ok(false);
        };
        self.run.forget_links();
        let status = self.run.wait().await?;
        let links = links(&self.run.family, &status)?;
        file.is_link_new = true;
        // In another order, one file would be read twice, and another not at all.
        let are_same = links.len() == self.links.len()
            && self.links.iter().zip(&links).all(|(old, new)| is_same_file(old, new));
        if !are_same && (links.len(), self.links.len()) != (1, 1) {
            return Ok(false);
        }
        self.links = links;
        let link = self.next.checked_sub(1).and_then(|at| self.links.get(at));
        Ok(link.is_some_and(|link| file.download.renew(&self.run.client, link).is_ok()))
    }

    async fn page(&mut self) -> Result<Option<RawResponse>, Error> {
        loop {
            let file = match &mut self.file {
                Some(file) => file,
                none => {
                    let Some(link) = self.links.get(self.next) else { return Ok(None) };
                    let download = Download::open(&self.run.client, &self.operation, link)?;
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
                        has_come: false,
                        begun: Vec::new(),
                        text: None,
                        splitter: Splitter::new(path, self.run.client.max_body()),
                        broken: None,
                    })
                }
            };
            if self.form == FileForm::Bytes {
                match file.download.try_next().await? {
                    Some(bytes) => {
                        file.is_link_new = false;
                        return Ok(Some(reply(&self.operation, file, bytes)));
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
                    // What came before is handed out first.
                    if self.page.items == 0 {
                        continue;
                    }
                    false
                }
            };
            let page = (self.page.items > 0).then(|| self.page.take());
            let page = page.map(|page| reply(&self.operation, file, page));
            if ended {
                self.file = None;
            }
            if page.is_some() {
                return Ok(page);
            }
        }
    }
}

/// Whether a file was refused, which is how it is told that its URL has expired. Credentials that the API does
/// not accept are something else.
fn is_refused(error: &Error) -> bool {
    matches!(error.status(), Some(400 | 401 | 403 | 404 | 410))
        && error.kind() != ErrorKind::Authentication
}

/// Whether two URLs differ in their queries at most, as those of one file do that were signed at two times.
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
    /// Reads until a page is full, or the file ends.
    async fn fill(&mut self, page: &mut Page) -> Result<bool, Failure> {
        loop {
            while self.advance(page)? {
                if page.is_full() {
                    return Ok(false);
                }
            }
            if self.has_come {
                let splitter = std::mem::replace(&mut self.splitter, Splitter::new("[]", 0));
                splitter.end(|item| page.add(item))?;
                return Ok(true);
            }
            match self.download.try_next().await.map_err(Failure::Call)? {
                Some(part) => (self.part, self.is_link_new) = (part, false),
                None => {
                    self.has_come = true;
                    self.finish()?;
                }
            }
        }
    }

    /// Reads a little of what has come. `false` where nothing is left of it.
    fn advance(&mut self, page: &mut Page) -> Result<bool, Malformed> {
        if !self.plain.is_empty() {
            let plain = self.plain.split_to(self.plain.len().min(PART));
            self.splitter.read(&plain, |item| page.add(item))?;
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
                self.begun.extend_from_slice(&part);
                if self.begun.len() < GZIP.len() {
                    return Ok(());
                }
                self.text = Some(match self.begun.starts_with(&GZIP) {
                    true => Text::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
                    false => Text::Plain,
                });
                let begun = std::mem::take(&mut self.begun);
                self.decompress(begun.into())
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

    /// Sets out to read what is left once all of it has come.
    fn finish(&mut self) -> Result<(), Malformed> {
        match &mut self.text {
            None => self.plain = std::mem::take(&mut self.begun).into(),
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
        Malformed::Gzip => "is not the gzip that it begins as".to_owned(),
        Malformed::At(at) => format!("is not JSON, at about byte {at}"),
        Malformed::NoItems(at) => format!("has no list where the items should be, at byte {at}"),
        Malformed::TooLarge => "has an item that is larger than the client's `max_body`".to_owned(),
        Malformed::Unfinished => "ends in the middle".to_owned(),
        Malformed::Empty => "is empty, where JSON was expected".to_owned(),
        Malformed::Missing => "has no list where the items should be".to_owned(),
        Malformed::NotItems => "is an error body or an empty object instead of results".to_owned(),
    };
    Error::file(Some(operation), format!("{which} {why}"))
        .advise("submit the job again, or take the file as it is by `Job::downloads`")
}

/// A page as the reply that it would be.
fn reply(operation: &Operation, file: &File, body: Bytes) -> RawResponse {
    let head = file
        .download
        .head()
        .cloned()
        .unwrap_or_else(|| ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()));
    RawResponse { operation: operation.clone(), head, body }
}
