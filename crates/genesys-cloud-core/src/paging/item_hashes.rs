//! Hashes of the items of a page, for finding the position again on resume.

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;

use super::raw::LARGE_PAGE;
use crate::digest::digest;
use crate::json_path::JsonText;
use crate::page_identity::fingerprint_of_body;

/// How many of the items yielded last are remembered.
pub(super) const KEPT: usize = 16;

/// The body of the last page. It is hashed only if a checkpoint is taken.
pub(super) struct PageText {
    body: Bytes,
    item_hashes: OnceLock<Option<Box<[u64]>>>,
    /// Length and fingerprint of the body, once it has been dropped.
    dropped: Option<(u64, u64)>,
}

impl PageText {
    pub(super) const fn new(body: Bytes) -> Self {
        Self { body, item_hashes: OnceLock::new(), dropped: None }
    }

    /// Prepares for a checkpoint: a large body is hashed now and dropped, so that it is not in memory together with the
    /// next page.
    pub(super) fn for_checkpoint(mut self, path: &str) -> Self {
        if self.body.len() >= LARGE_PAGE {
            self.item_hashes(path);
            self.dropped = Some((self.len(), self.fingerprint()));
            self.body = Bytes::new();
        }
        self
    }

    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Length of the body in bytes.
    pub(super) fn len(&self) -> u64 {
        self.dropped.map_or(self.body.len() as u64, |(length, _)| length)
    }

    /// Hash of the whole body.
    pub(super) fn fingerprint(&self) -> u64 {
        self.dropped.map_or_else(|| fingerprint_of_body(&self.body), |(_, print)| print)
    }

    /// A hash for each item of the list at a path: of its id, or else of its text. `None` if the body has no such list,
    /// as with an extractor.
    pub(super) fn item_hashes(&self, path: &str) -> Option<&[u64]> {
        let item_hashes = self.item_hashes.get_or_init(|| {
            let list = JsonText::of_body(&self.body).ok()?.list(path)?;
            let mark = |item: JsonText<'_>| {
                let id = item.text("id");
                digest(id.as_deref().unwrap_or_else(|| item.json_text().trim_ascii()))
            };
            Some(list.into_iter().filter(|item| !item.is_null()).map(mark).collect())
        });
        item_hashes.as_deref()
    }

    /// Whether the body has a list at a path in which no item has a field `id`. Fields such as `queueId` identify
    /// something else.
    pub(super) fn has_no_ids(&self, path: &str) -> bool {
        let list = JsonText::of_body(&self.body).ok().and_then(|body| body.list(path));
        list.is_some_and(|list| list.iter().all(|item| item.text("id").is_none()))
    }
}

/// Where a page continues whose first items were yielded before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Number of items to skip.
    pub(super) from: usize,
    /// Number of items after those that equal the items yielded last, in order.
    pub(super) repeated: usize,
    /// Whether the page has changed.
    pub(super) moved: bool,
}

/// Finds the place in a page from the hashes of its items, the hashes of the items yielded last, and the number of
/// items of the page that were yielded.
///
/// The place is after the item yielded last, wherever that is now, or else after the one before it, and so on. If the
/// page has none of them, the place is where it was.
pub(super) fn realign(item_hashes: &[u64], known: &[u64], yielded: usize) -> Alignment {
    if yielded == 0 {
        let fits = |count: &usize| known.ends_with(&item_hashes[..*count]);
        let repeated = (1..=known.len().min(item_hashes.len())).rev().find(fits);
        return Alignment { repeated: repeated.unwrap_or(0), ..Alignment::default() };
    }
    for (back, mark) in known.iter().rev().enumerate() {
        let expected = (yielded - 1).checked_sub(back);
        let places = (0..item_hashes.len()).filter(|place| item_hashes[*place] == *mark);
        let distance = |place: &usize| expected.map_or(*place + 1, |at| at.abs_diff(*place));
        let Some(place) = places.min_by_key(distance) else { continue };
        // The items after it may be new, since those that were there have changed or are gone.
        let moved = back > 0 || Some(place) != expected;
        return Alignment { from: place + 1, repeated: 0, moved };
    }
    Alignment { from: yielded.min(item_hashes.len()), repeated: 0, moved: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_hashed_by_their_id_or_else_their_text() {
        let text = |body: &'static str| PageText::new(Bytes::from_static(body.as_bytes()));
        let item_hashes = |body, path| text(body).item_hashes(path).map(<[u64]>::to_vec);
        let of = |texts: &[&str]| Some(texts.iter().map(|text| digest(text)).collect::<Vec<_>>());
        for (body, path, expected) in [
            (r#"[{"id":"a","n":1},{"n":2},"b",7]"#, "[]", of(&["a", r#"{"n":2}"#, "\"b\"", "7"])),
            (r#"{"list":[{"id":"a"}]}"#, "list", of(&["a"])),
            (r#"{"list":[null,{"id":"a"},null]}"#, "list", of(&["a"])),
            (r#"{"list":[]}"#, "list", of(&[])),
            (r#"{"list":null}"#, "list", None),
            ("not JSON", "list", None),
        ] {
            assert_eq!(item_hashes(body, path), expected, "{body}");
        }
        assert_ne!(text("[1]").fingerprint(), text("[2]").fingerprint());
        assert_eq!(text(r#"["é"]"#).len(), 6);
    }

    #[test]
    fn a_large_page_keeps_its_hashes_without_its_body() {
        let body = Bytes::from(format!("[{{\"id\":\"a\"}},\"{}\"]", "x".repeat(LARGE_PAGE)));
        let whole = PageText::new(body.clone());
        let kept = PageText::new(body).for_checkpoint("[]");
        assert!(kept.body.is_empty());
        assert_eq!(kept.item_hashes("[]"), whole.item_hashes("[]"));
        assert_eq!((kept.len(), kept.fingerprint()), (whole.len(), whole.fingerprint()));
    }

    #[test]
    fn rows_without_ids_are_recognized() {
        let text = |body: &'static str| PageText::new(Bytes::from_static(body.as_bytes()));
        for (body, has_no_ids) in [
            (r#"{"list":[{"group":{"queueId":"q"},"data":[]}]}"#, true),
            (r#"{"list":["a","b"]}"#, true),
            (r#"{"list":[{"id":"a"}]}"#, false),
            (r#"{"list":[{"n":1},{"conversationId":"c"}]}"#, true),
            (r#"{"list":[{"n":1},{"id":"a"}]}"#, false),
            (r#"{"other":[]}"#, false),
        ] {
            assert_eq!(text(body).has_no_ids("list"), has_no_ids, "{body}");
        }
    }

    #[test]
    fn a_page_continues_after_the_items_yielded() {
        let realign = |page: &[u64], known: &[u64], yielded: usize| {
            let Alignment { from, repeated, moved } = realign(page, known, yielded);
            (from, repeated, moved)
        };
        // The same page, at each of its items.
        for yielded in 1..=4 {
            let page = [1, 2, 3, 4];
            assert_eq!(realign(&page, &page[..yielded], yielded), (yielded, 0, false));
        }
        for (page, known, yielded, expected) in [
            // Records were added in front, or removed.
            (&[9, 1, 2, 3][..], &[1, 2][..], 2, (3, 0, true)),
            (&[2, 3, 4, 5], &[1, 2], 2, (1, 0, true)),
            // The last one was removed or replaced: the item in its place may be new.
            (&[1, 3, 4, 5], &[1, 2], 2, (1, 0, true)),
            (&[0, 1, 3, 4], &[1, 2], 2, (2, 0, true)),
            // None is left.
            (&[7, 8, 9], &[1, 2], 2, (2, 0, true)),
            (&[7], &[1, 2], 2, (1, 0, true)),
            (&[], &[1, 2], 2, (0, 0, true)),
            (&[7, 8, 9], &[], 2, (2, 0, true)),
            // Equal items: the one at the old place.
            (&[1, 1, 1, 1], &[1, 1], 2, (2, 0, false)),
            // More hashes are known than the page had items.
            (&[4, 5, 6], &[1, 2, 3, 4], 1, (1, 0, false)),
            (&[3, 4, 5], &[1, 2, 3, 4], 1, (2, 0, true)),
            // A page of which nothing was yielded, and the items that it repeats.
            (&[5, 6], &[3, 4], 0, (0, 0, false)),
            (&[4, 5, 6], &[3, 4], 0, (0, 1, false)),
            (&[3, 4, 5], &[2, 3, 4], 0, (0, 2, false)),
            (&[3, 5], &[3, 4], 0, (0, 0, false)),
            (&[], &[3, 4], 0, (0, 0, false)),
        ] {
            assert_eq!(realign(page, known, yielded), expected, "{page:?} {known:?}");
        }
    }
}
