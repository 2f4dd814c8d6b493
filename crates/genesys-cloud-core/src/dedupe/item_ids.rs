//! The ids of the items of a page.

use crate::digest::wide_digest;
use crate::json_path::JsonText;
use crate::response::RawResponse;

/// Returns the hashes of the ids at `path` of the items of a page. `list` is the path of the items, `items` their
/// number.
///
/// An item without a value at `path` has no id. If the number of items at `list` differs from `items`, none has an id.
pub(crate) fn item_ids(
    response: &RawResponse,
    list: &str,
    path: &str,
    items: usize,
) -> Vec<Option<u128>> {
    let list = JsonText::of(response).ok().and_then(|body| body.list(list));
    let list = list.into_iter().flatten().filter(|item| !item.is_null());
    let found = list.map(|item| item.text(path).map(|id| wide_digest(&id)));
    let found: Vec<_> = found.collect();
    if found.len() == items { found } else { vec![None; items] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Method, Operation};
    use crate::response::ResponseHead;

    #[test]
    fn finds_ids_by_path() {
        let id = |id: &str| Some(wide_digest(id));
        for (body, list, path, items, expected) in [
            (r#"[{"id":"a"},{"id":7}]"#, "[]", "id", 2, vec![id("a"), id("7")]),
            (r#"{"list":[{"id":"a"},{},{"id":""}]}"#, "list", "id", 3, vec![id("a"), None, None]),
            (r#"{"a":{"b":[{"c":{"id":"x"}}]}}"#, "a.b", "c.id", 1, vec![id("x")]),
            (r#"{"list":["a","b"]}"#, "list", "id", 2, vec![None, None]),
            (r#"{"list":["a","b"]}"#, "list", "[]", 2, vec![id("a"), id("b")]),
            // Not at the path, or a different number of items.
            (r#"{"list":null}"#, "list", "id", 0, vec![]),
            (r#"{"list":[{"id":"a"}]}"#, "other", "id", 1, vec![None]),
            ("soon", "list", "id", 1, vec![None]),
        ] {
            let response = RawResponse {
                operation: Operation::from_static("getThings", Method::Get, "/things"),
                head: ResponseHead::new(http::StatusCode::OK, http::HeaderMap::new()),
                body: body.as_bytes().into(),
            };
            assert_eq!(item_ids(&response, list, path, items), expected, "{body}");
        }
    }
}
