use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use std::io::Write as _;

use crate::connection::ConnectionFault;
use crate::response::CannedResponse;

/// The effect of a lie on a response or a list.
pub(crate) enum Effect {
    /// Sends another response.
    Instead(fn() -> CannedResponse),
    /// Sends other file contents.
    Contents(fn() -> CannedResponse),
    /// Sends another response, whose body never ends.
    InsteadStalled(fn() -> CannedResponse),
    /// Changes the body, whatever it is.
    Bytes(fn(&[u8]) -> Bytes),
    /// Makes the page unusable.
    Page(fn(&mut Page)),
    /// Changes the page, but keeps its records.
    Around(fn(&mut Page)),
    /// Replaces the second item of the page with null.
    NullItem,
    /// Repeats the key of the list with an empty list.
    Twice,
    /// Breaks the connection.
    Connection(ConnectionFault),
    /// Removes the results from the response.
    NoResults,
    /// Changes the field with the file URLs, given the base URL of the files.
    Links(fn(&mut Value, &str)),
    /// Compresses the file in transit.
    Encoded,
    /// Multiplies the page size by `times` and divides it by `part`.
    PageSize { times: u64, part: u64 },
    /// Deletes this many records at the start, and appends as many.
    Shift(u64),
    /// Fills the second page with the records of the first.
    EqualPages,
    /// Begins a page with the record that it should follow.
    Inclusive,
    /// Claims that data is available up to an early date only: in the results, or only in the response of the
    /// operation for it.
    Backdate { in_results: bool },
    /// Another org answers.
    AnotherOrg,
}

/// A page as JSON, and the path of its list.
pub(crate) struct Page {
    pub(crate) body: Value,
    pub(crate) path: &'static [String],
}

impl Page {
    /// The object around the list, and the key of the list.
    pub(crate) fn around(&mut self) -> Option<(&mut Map<String, Value>, &'static str)> {
        let (name, outer) = self.path.split_last()?;
        let around = outer.iter().try_fold(&mut self.body, |at, name| at.get_mut(name))?;
        Some((around.as_object_mut()?, name))
    }

    pub(crate) fn items(&mut self) -> Option<&mut Vec<Value>> {
        let path = self.path;
        path.iter().try_fold(&mut self.body, |at, name| at.get_mut(name))?.as_array_mut()
    }

    /// Adds to a number in the response, or in the object around the list.
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

impl Effect {
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

    /// The effect on the connection, if any.
    pub(crate) fn connection(&self) -> Option<ConnectionFault> {
        match self {
            Self::Connection(fault) => Some(*fault),
            Self::InsteadStalled(_) => Some(ConnectionFault::StalledBody),
            _ => None,
        }
    }

    /// Applies the effect to a response. `path` is the path of its list, if it is a page.
    pub(crate) fn change(
        &self,
        mut response: CannedResponse,
        path: &'static [String],
    ) -> CannedResponse {
        let edit = |response: &CannedResponse, change: &dyn Fn(&mut Page)| {
            let body = serde_json::from_slice(&response.body).unwrap_or_default();
            let mut page = Page { body, path };
            change(&mut page);
            Bytes::from(page.body.to_string())
        };
        match self {
            Self::Instead(instead) | Self::Contents(instead) | Self::InsteadStalled(instead) => {
                return instead();
            }
            Self::Bytes(change) => response.body = change(&response.body),
            Self::Page(change) | Self::Around(change) => response.body = edit(&response, change),
            Self::NullItem => {
                let change = |page: &mut Page| {
                    let items = page.items();
                    if let Some(item) = items.and_then(|items| items.get_mut(NULL_INDEX as usize)) {
                        *item = Value::Null;
                    }
                };
                response.body = edit(&response, &change);
            }
            Self::Twice => {
                // A map can't have a key twice, so it goes in under another name.
                const OTHER: &str = "zz second list";
                let change = |page: &mut Page| {
                    if let Some((around, _)) = page.around() {
                        around.insert(OTHER.to_owned(), json!([]));
                    }
                };
                let body = edit(&response, &change);
                let name = path.last().map_or("", String::as_str);
                let text = String::from_utf8_lossy(&body).replace(OTHER, name);
                response.body = text.into();
            }
            Self::Encoded => {
                response.body = gzip(&response.body);
                return response.header(CONTENT_ENCODING.as_str(), "gzip");
            }
            _ => {}
        }
        response
    }
}

/// The position on a page of the item that is null.
pub(crate) const NULL_INDEX: u64 = 1;

pub(crate) fn gzip(bytes: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory can't fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default().into()
}

pub(crate) fn html(status: u16, title: &str) -> CannedResponse {
    let body = format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    );
    CannedResponse { status, headers: Vec::new(), body: body.into() }
        .header(CONTENT_TYPE.as_str(), "text/html; charset=utf-8")
}
