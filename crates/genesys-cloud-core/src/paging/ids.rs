//! By what records are known again that came before.

use super::listing::Listing;
use crate::digest::wide_digest;
use crate::jobs::Fields;
use crate::reply::RawReply;

/// The ids of the items of a page, each as a hash, from the body once more. `None` of an item in which there
/// is nothing at the path, and of all items where they are not where the listing has them.
pub(super) fn ids(
    reply: &RawReply,
    listing: &Listing,
    path: &str,
    items: usize,
) -> Vec<Option<u128>> {
    let list = Fields::of(reply).ok().and_then(|body| body.list(listing.items()));
    let list = list.into_iter().flatten().filter(|item| !item.is_null());
    let found = list.map(|item| item.text(path).map(|id| wide_digest(&id)));
    let found: Vec<_> = found.collect();
    if found.len() == items { found } else { vec![None; items] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::paging::Scheme;
    use crate::reply::Head;

    #[test]
    fn ids_are_found_by_their_path() {
        let id = |id: &str| Some(wide_digest(id));
        for (body, list, path, items, expected) in [
            (r#"[{"id":"a"},{"id":7}]"#, "[]", "id", 2, vec![id("a"), id("7")]),
            (r#"{"list":[{"id":"a"},{},{"id":""}]}"#, "list", "id", 3, vec![id("a"), None, None]),
            (r#"{"a":{"b":[{"c":{"id":"x"}}]}}"#, "a.b", "c.id", 1, vec![id("x")]),
            (r#"{"list":["a","b"]}"#, "list", "id", 2, vec![None, None]),
            (r#"{"list":["a","b"]}"#, "list", "[]", 2, vec![id("a"), id("b")]),
            // Not where it should be, or not as many as were read.
            (r#"{"list":null}"#, "list", "id", 0, vec![]),
            (r#"{"list":[{"id":"a"}]}"#, "other", "id", 1, vec![None]),
            ("soon", "list", "id", 1, vec![None]),
        ] {
            let reply = RawReply {
                operation: Operation::known("getThings", Method::Get, "/things"),
                head: Head::new(http::StatusCode::OK, http::HeaderMap::new()),
                body: body.as_bytes().into(),
            };
            let listing = Listing::new(Scheme::AfterField, list);
            assert_eq!(ids(&reply, &listing, path, items), expected, "{body}");
        }
    }
}
