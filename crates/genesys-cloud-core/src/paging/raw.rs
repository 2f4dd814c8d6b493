//! Items as the JSON text that the API sent.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::list_spec::ListSpec;
use super::read::{Page, borrowed, serde};
use crate::response::{DecodeError, RawResponse};

/// Size in bytes from which the items of a page are not copied out of its body, which would hold them in memory twice.
pub(super) const LARGE_PAGE: usize = 8 << 20;

/// An item of a list as the JSON text that the API sent.
///
/// The items of a page of 8 MiB or more share the memory of its body until they are taken by
/// [`into_json`](Self::into_json), so that such a page is held in memory only once. See
/// [`Paginator::raw`](crate::Paginator::raw).
pub struct RawItem(Text);

enum Text {
    Own(Box<RawValue>),
    /// A part of a body that was read as JSON.
    Shared(Bytes),
}

impl RawItem {
    /// Borrows the JSON text of the item, without a copy.
    ///
    /// # Errors
    /// Never fails for an item yielded by a paginator, since its text was parsed before.
    pub fn json(&self) -> Result<&RawValue, DecodeError> {
        match &self.0 {
            Text::Own(json) => Ok(json),
            Text::Shared(text) => Ok(serde_json::from_slice(text)?),
        }
    }

    /// Returns the JSON text of the item.
    ///
    /// # Errors
    /// Never fails for an item yielded by a paginator, since its text was parsed before.
    pub fn into_json(self) -> Result<Box<RawValue>, DecodeError> {
        match self.0 {
            Text::Own(json) => Ok(json),
            Text::Shared(text) => Ok(serde_json::from_slice::<&RawValue>(&text)?.to_owned()),
        }
    }
}

impl fmt::Debug for RawItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Records may be long and contain personal data.
        f.debug_struct("RawItem").finish_non_exhaustive()
    }
}

/// Reads the items of a page as JSON text.
pub(crate) fn raw(response: &RawResponse, spec: &ListSpec, most: usize) -> Page<RawItem> {
    let body = response.body();
    if body.len() >= LARGE_PAGE
        && let Ok((items, info)) = borrowed(response, spec, most)
    {
        let shared = |item: &RawValue| RawItem(Text::Shared(body.slice_ref(item.get().as_bytes())));
        return Ok((items.into_iter().map(shared).collect(), info));
    }
    // A body that fails here may still be read leniently, or fails in the same way.
    let (items, info) = serde::<Box<RawValue>>(response, spec, most)?;
    Ok((items.into_iter().map(|item| RawItem(Text::Own(item))).collect(), info))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::Scheme;
    use crate::response::ResponseHead;

    fn response(body: String) -> RawResponse {
        RawResponse {
            operation: Operation::from_static("getThings", Method::Get, "/things"),
            head: ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()),
            body: body.into(),
        }
    }

    #[test]
    fn items_of_a_large_page_share_its_body() {
        let spec = ListSpec::new(Scheme::PageNumber, "entities").with_objects();
        let long = "x".repeat(LARGE_PAGE);
        for (text, is_shared) in [("short", false), (&*long, true)] {
            let item = format!("{{\"id\": \"{text}\", \"n\":1.50}}");
            let response = response(format!("{{\"entities\":[null, {item} ,{{}}],\"total\":3}}"));
            let (items, info) = raw(&response, &spec, 10).expect("a page");
            assert_eq!((info.items, info.nulls, info.total), (3, 1, Some(3)));
            let body = response.body().as_ptr_range();
            let mut texts = Vec::new();
            for item in items {
                if let Text::Shared(text) = &item.0 {
                    assert!(body.contains(&text.as_ptr()));
                }
                assert_eq!(matches!(item.0, Text::Shared(_)), is_shared);
                let borrowed = item.json().expect("JSON").get().to_owned();
                texts.push(item.into_json().expect("JSON").get().to_owned());
                assert_eq!(texts.last(), Some(&borrowed));
            }
            assert_eq!(texts, [item, "{}".to_owned()]);
        }
        let scalars = format!("{{\"entities\":[1,\"{long}\"]}}");
        raw(&response(scalars), &spec, 10).expect_err("no objects");
    }
}
