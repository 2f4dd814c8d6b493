use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use std::io::Write as _;

use crate::connection::ConnectionFault;
use crate::reply::CannedReply;

/// What a lie does to a reply, or to a list.
pub(crate) enum Deed {
    /// Another reply comes.
    Instead(fn() -> CannedReply),
    /// A file comes that holds something else.
    Contents(fn() -> CannedReply),
    /// Another reply comes, and its body never ends.
    InsteadStalled(fn() -> CannedReply),
    /// The body is changed, whatever it is.
    Bytes(fn(&[u8]) -> Bytes),
    /// The page is changed so that it is of no use.
    Page(fn(&mut Page)),
    /// The page is changed, and its records are still there.
    Around(fn(&mut Page)),
    /// The second item of the page is null.
    Hole,
    /// The page has its list twice in one object, the second time empty.
    Twice,
    /// The reply does not arrive.
    Connection(ConnectionFault),
    /// The results are left out of the reply that should have them.
    NoResults,
    /// The field with the URLs of the files is changed; the address of the files comes with it.
    Links(fn(&mut Value, &str)),
    /// The file is compressed in transit.
    Encoded,
    /// Pages have this many times as many records, or are divided by so many.
    PageSize { times: u64, part: u64 },
    /// So many records go away in front, and as many are added behind.
    Shift(u64),
    /// The second page has the same records as the first.
    EqualPages,
    /// The page after a record begins with that record.
    Inclusive,
    /// The data of a job is available up to an early date: its results say so, or only the operation for it does.
    Antedate { in_results: bool },
    /// Another org answers.
    AnotherOrg,
}

/// A page as JSON, and where its list is.
pub(crate) struct Page {
    pub(crate) body: Value,
    pub(crate) path: &'static [String],
}

impl Page {
    /// The object around the list, and the list's name in it.
    pub(crate) fn around(&mut self) -> Option<(&mut Map<String, Value>, &'static str)> {
        let (name, outer) = self.path.split_last()?;
        let around = outer.iter().try_fold(&mut self.body, |at, name| at.get_mut(name))?;
        Some((around.as_object_mut()?, name))
    }

    pub(crate) fn items(&mut self) -> Option<&mut Vec<Value>> {
        let path = self.path;
        path.iter().try_fold(&mut self.body, |at, name| at.get_mut(name))?.as_array_mut()
    }

    /// Changes a number in the reply, or in the object around the list.
    pub(crate) fn add(&mut self, names: &[&str], difference: i64) {
        let add = |fields: &mut Map<String, Value>| {
            for name in names {
                if let Some(number) = fields.get(*name).and_then(Value::as_i64) {
                    fields.insert((*name).to_owned(), (number + difference).max(0).into());
                }
            }
        };
        if let Some((around, _)) = self.around() {
            add(around);
        }
        if let (2.., Some(fields)) = (self.path.len(), self.body.as_object_mut()) {
            add(fields);
        }
    }
}

impl Deed {
    /// Whether the records of the page still arrive.
    pub(crate) fn is_usable(&self) -> bool {
        !matches!(
            self,
            Self::Instead(_)
                | Self::InsteadStalled(_)
                | Self::Bytes(_)
                | Self::Page(_)
                | Self::Twice
                | Self::Connection(_)
        )
    }

    /// What becomes of the connection.
    pub(crate) fn connection(&self) -> Option<ConnectionFault> {
        match self {
            Self::Connection(fault) => Some(*fault),
            Self::InsteadStalled(_) => Some(ConnectionFault::StalledBody),
            _ => None,
        }
    }

    /// What becomes of a reply. `path` says where its list is, if it is a page.
    pub(crate) fn change(&self, mut reply: CannedReply, path: &'static [String]) -> CannedReply {
        let edit = |reply: &CannedReply, change: &dyn Fn(&mut Page)| {
            let body = serde_json::from_slice(&reply.body).unwrap_or_default();
            let mut page = Page { body, path };
            change(&mut page);
            Bytes::from(page.body.to_string())
        };
        match self {
            Self::Instead(instead) | Self::Contents(instead) | Self::InsteadStalled(instead) => {
                return instead();
            }
            Self::Bytes(change) => reply.body = change(&reply.body),
            Self::Page(change) | Self::Around(change) => reply.body = edit(&reply, change),
            Self::Hole => {
                let change = |page: &mut Page| {
                    let items = page.items();
                    if let Some(item) = items.and_then(|items| items.get_mut(HOLE as usize)) {
                        *item = Value::Null;
                    }
                };
                reply.body = edit(&reply, &change);
            }
            Self::Twice => {
                // No map can hold it: it goes in by another name.
                const OTHER: &str = "zz second list";
                let change = |page: &mut Page| {
                    if let Some((around, _)) = page.around() {
                        around.insert(OTHER.to_owned(), json!([]));
                    }
                };
                let body = edit(&reply, &change);
                let name = path.last().map_or("", String::as_str);
                let text = String::from_utf8_lossy(&body).replace(OTHER, name);
                reply.body = text.into();
            }
            Self::Encoded => {
                reply.body = gzip(&reply.body);
                return reply.header(CONTENT_ENCODING.as_str(), "gzip");
            }
            _ => {}
        }
        reply
    }
}

/// The place on a page of the item that is null.
pub(crate) const HOLE: u64 = 1;

pub(crate) fn gzip(bytes: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default().into()
}

pub(crate) fn html(status: u16, title: &str) -> CannedReply {
    let body = format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    );
    CannedReply { status, headers: Vec::new(), body: body.into() }
        .header(CONTENT_TYPE.as_str(), "text/html; charset=utf-8")
}
