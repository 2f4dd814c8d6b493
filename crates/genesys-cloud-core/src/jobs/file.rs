//! The items of files, as pages.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::stream;

use super::family::FileForm;
use super::items::{Malformed, Splitter};
use super::open::{Feed, links};
use super::run::Run;
use crate::download::Download;
use crate::error::Error;
use crate::operation::Operation;
use crate::reply::{Head, RawReply};

/// A page is handed out once it has so many items, or so many bytes of them. It has whatever came with
/// them in one part.
const PAGE_ITEMS: usize = 100;
const PAGE_BYTES: usize = 1 << 20;

/// How much of a file is taken at once, in bytes: it may be a thousand times as much when decompressed.
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
    pub(super) fn feed(self) -> Feed {
        Box::pin(stream::unfold(self, |mut files| async move {
            let mut page = files.page().await;
            if let Err(error) = &page
                && files.renew_link(error).await
            {
                page = files.page().await;
            }
            Some((page.transpose()?, files))
        }))
    }

    /// Asks the job for the URL of the file again, if it was refused, which is how one that has expired is
    /// told.
    async fn renew_link(&mut self, error: &Error) -> bool {
        let Some(file) = &mut self.file else { return false };
        if !matches!(error.status(), Some(400 | 401 | 403 | 404 | 410)) || file.is_link_new {
            return false;
        }
        file.is_link_new = true;
        self.run.forget_links();
        let Ok(status) = self.run.wait().await else { return false };
        let Ok(links) = links(&self.run.family, &status) else { return false };
        if links.len() != self.links.len() {
            return false;
        }
        self.links = links;
        let link = self.next.checked_sub(1).and_then(|at| self.links.get(at));
        link.is_some_and(|link| file.download.renew(&self.run.client, link).is_ok())
    }

    async fn page(&mut self) -> Result<Option<RawReply>, Error> {
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
                return Err(malformed(&self.operation, why));
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
            while !self.part.is_empty() {
                let part = self.part.split_to(self.part.len().min(PART));
                self.read(&part, page)?;
                if page.is_full() {
                    return Ok(false);
                }
            }
            match self.download.try_next().await.map_err(Failure::Call)? {
                Some(part) => (self.part, self.is_link_new) = (part, false),
                None => {
                    self.end(page)?;
                    return Ok(true);
                }
            }
        }
    }

    fn read(&mut self, part: &[u8], page: &mut Page) -> Result<(), Malformed> {
        match &mut self.text {
            None => {
                self.begun.extend_from_slice(part);
                if self.begun.len() < GZIP.len() {
                    return Ok(());
                }
                self.text = Some(match self.begun.starts_with(&GZIP) {
                    true => Text::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
                    false => Text::Plain,
                });
                let begun = std::mem::take(&mut self.begun);
                self.read(&begun, page)
            }
            Some(Text::Plain) => self.splitter.read(part, |item| page.add(item)),
            Some(Text::Gzip(gzip)) => {
                let written = gzip.write_all(part);
                written.map_err(|_| Malformed::Gzip)?;
                let text = std::mem::take(gzip.get_mut());
                self.splitter.read(&text, |item| page.add(item))
            }
        }
    }

    fn end(&mut self, page: &mut Page) -> Result<(), Malformed> {
        match &mut self.text {
            None => self.splitter.read(&self.begun, |item| page.add(item))?,
            Some(Text::Plain) => {}
            Some(Text::Gzip(gzip)) => {
                gzip.try_finish().map_err(|_| Malformed::Unfinished)?;
                let text = std::mem::take(gzip.get_mut());
                self.splitter.read(&text, |item| page.add(item))?;
            }
        }
        let splitter = std::mem::replace(&mut self.splitter, Splitter::new("[]", 0));
        splitter.end(|item| page.add(item))
    }
}

fn malformed(operation: &Operation, why: Malformed) -> Error {
    Error::file(
        operation,
        match why {
            Malformed::Gzip => "a file of results is not the gzip that it begins as".to_owned(),
            Malformed::At(at) => format!("a file of results is not JSON, at about byte {at}"),
            Malformed::NoItems(at) => {
                format!("a file of results has no list where the items should be, at byte {at}")
            }
            Malformed::TooLarge => {
                "an item in a file of results is larger than `max_body`".to_owned()
            }
            Malformed::Unfinished => "a file of results ends in the middle".to_owned(),
        },
    )
}

/// A page as the reply that it would be.
fn reply(operation: &Operation, file: &File, body: Bytes) -> RawReply {
    let head = file
        .download
        .head()
        .cloned()
        .unwrap_or_else(|| Head::new(http::StatusCode::OK, http::HeaderMap::new()));
    RawReply { operation: operation.clone(), head, body }
}
