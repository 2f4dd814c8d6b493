//! How lists are paged: what all operations of a scheme share stands in one table of [`SchemeSpec`]s.

use super::list_spec::{NextToken, ParamLocation};

/// How lists of one scheme move from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// Pages are counted from 1.
    Numbers {
        /// Whether a page that links to no next one is the last, whatever its counts say.
        linked: bool,
    },
    /// Items are counted from 1, and a page is asked for by its first.
    StartIndex,
    /// Each page has what leads to the next.
    Tokens {
        /// Whether the last page links on too, so that the count of pages alone tells the end.
        counted: bool,
    },
    /// The next page begins at the last item of the one before.
    Window,
    /// One response is all there is to be had.
    Once(Once),
    /// The source gives one page after another, and says when there are no more.
    Sequence(SequenceUnit),
}

/// What is counted in a list that comes in sequence, to find a place in it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceUnit {
    Items,
    /// Of bytes that are cut anywhere.
    Bytes,
}

/// What one response says of the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// It is the whole list.
    Whole,
    /// It is the whole list unless it holds as much as was asked for.
    UnlessFull,
    /// It is one window of time of a list.
    Window,
}

/// What the operations of a scheme share.
#[derive(Debug)]
pub(super) struct SchemeSpec {
    name: &'static str,
    pub(super) advance: Advance,
    pub(super) token_in: &'static [ParamLocation],
    pub(super) token_out: Option<NextToken>,
}

const fn spec(
    name: &'static str,
    advance: Advance,
    token_in: &'static [ParamLocation],
    token_out: Option<NextToken>,
) -> SchemeSpec {
    SchemeSpec { name, advance, token_in, token_out }
}

macro_rules! schemes {
    ($($(#[$meta:meta])* $scheme:ident: $advance:expr, [$($in:expr),*], $out:expr;)*) => {
        /// A way of paging, or of not paging.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Scheme {
            $($(#[$meta])* $scheme,)*
        }

        impl Scheme {
            pub(super) const ALL: &[Self] = &[$(Self::$scheme),*];

            /// In the order of the variants.
            const SPECS: &[SchemeSpec] = &[$({
                const IN: &[ParamLocation] = &[$($in),*];
                spec(stringify!($scheme), $advance, IN, $out)
            }),*];
        }
    };
}

const NUMBERS: Advance = Advance::Numbers { linked: false };
const TOKENS: Advance = Advance::Tokens { counted: false };
const WHOLE: Advance = Advance::Once(Once::Whole);
const NONE: Option<NextToken> = None;

const fn field(path: &'static str) -> Option<NextToken> {
    Some(NextToken::field(path))
}

const fn in_link(field: &'static str) -> Option<NextToken> {
    Some(NextToken::in_link(field))
}

schemes! {
    /// The query parameter `pageNumber` counts pages from 1. The response repeats it, and tells the end by
    /// `pageCount`, by a `nextUri` that is missing, or by an empty page.
    PageNumber: NUMBERS, [ParamLocation::query("pageNumber")], field("nextUri");
    /// As [`PageNumber`](Self::PageNumber), but with no count of any kind: the last page has no `nextUri`.
    PageNumberNoTotal: Advance::Numbers { linked: true }, [ParamLocation::query("pageNumber")], field("nextUri");
    /// As [`PageNumber`](Self::PageNumber), but a response says nothing of the list: an empty page ends it.
    PageNumberNoEnvelope: NUMBERS, [ParamLocation::query("pageNumber")], NONE;
    /// The query parameter `after` is taken out of `nextUri`.
    AfterInNextUri: TOKENS, [ParamLocation::query("after")], in_link("nextUri");
    /// The query parameter `after` stands in the field `after`.
    AfterField: TOKENS, [ParamLocation::query("after")], field("after");
    /// The query parameter `cursor` stands in the field `cursors.after`.
    CursorsObject: TOKENS, [ParamLocation::query("cursor")], field("cursors.after");
    /// The query parameter `cursor` stands in the field `cursor`.
    CursorField: TOKENS, [ParamLocation::query("cursor")], field("cursor");
    /// The query parameter `cursor` is taken out of `nextUri`.
    CursorInNextUri: TOKENS, [ParamLocation::query("cursor")], in_link("nextUri");
    /// The query parameter `nextPage`, which is a key, is taken out of `nextUri`.
    NextPageInNextUri: TOKENS, [ParamLocation::query("nextPage")], in_link("nextUri");
    /// The query parameters `afterSourceType` and `afterSourceId` are taken out of `nextUri`.
    CompositeAfterInNextUri: TOKENS, [ParamLocation::query("afterSourceType"), ParamLocation::query("afterSourceId")], in_link("nextUri");
    /// The field `pageNumber` of the body counts pages from 1.
    BodyPageNumber: NUMBERS, [ParamLocation::body("pageNumber")], field("nextUri");
    /// As [`BodyPageNumber`](Self::BodyPageNumber), with the counts below `results` in the response.
    BodyPageNumberNested: NUMBERS, [ParamLocation::body("pageNumber")], field("results.nextUri");
    /// The field `paging.pageNumber` of the body counts pages from 1, and `totalHits` tells the end.
    BodyPagingTotalHits: NUMBERS, [ParamLocation::body("paging.pageNumber")], NONE;
    /// The field `pageNumber` of the body counts pages from 1, and the body submits a job: each page is the
    /// result of a job of its own.
    JobSelectsPage: NUMBERS, [ParamLocation::body("pageNumber")], NONE;
    /// The field `after` of the body stands in the field `after` of the response.
    BodyAfter: TOKENS, [ParamLocation::body("after")], field("after");
    /// The field `cursor` of the body stands in the field `cursor` of the response.
    BodyCursor: TOKENS, [ParamLocation::body("cursor")], field("cursor");
    /// The query parameter `q64`, which holds the whole query, is taken out of `nextPage`. Every page has
    /// one, the last too: `pageCount` tells the end.
    Q64Search: Advance::Tokens { counted: true }, [ParamLocation::query("q64")], in_link("nextPage");
    /// The query parameter `startIndex` counts items from 1, as SCIM has it (RFC 7644, 3.4.2.4).
    ScimStartIndex: Advance::StartIndex, [ParamLocation::query("startIndex")], NONE;
    /// The next page is asked for by the last item of the one before: its `id` goes into the query
    /// parameter `after`, unless the spec says otherwise. An empty page ends the list. Where a page
    /// begins with the last items of the one before, they are handed out once.
    IdOrDateWindow: Advance::Window, [ParamLocation::query("after")], field("id");
    /// The request has a page size and nothing to page by: `nextUri` is followed as a whole.
    PageSizeOnlyNextUri: TOKENS, [], Some(NextToken::link("nextUri"));
    /// The request has a page size, and there is no way to a second page.
    LimitOnly: Advance::Once(Once::UnlessFull), [], NONE;
    /// One response. It may have a `nextUri`, which the operation does not document to accept: it is not
    /// followed, and the report says so.
    NextUriOnlyEnvelope: WHOLE, [], Some(NextToken::link("nextUri"));
    /// One response. It may have `cursors`, which the operation has no parameter for.
    CursorsOnlyEnvelope: WHOLE, [], field("cursors.after");
    /// One response. Its `nextUri` never ends: it leads to earlier and earlier windows of time.
    DateWindowHomonym: Advance::Once(Once::Window), [], NONE;
    /// One response, with the page fields of a paged one. Its `nextUri` leads to the same response again.
    UnpagedWithEnvelope: WHOLE, [], NONE;
    /// One response, its items under `entities`.
    UnpagedEntities: WHOLE, [], NONE;
    /// One response, which is the list itself.
    UnpagedBareArray: WHOLE, [], NONE;
    /// One response to a POST.
    UnpagedPostResults: WHOLE, [], NONE;
    /// One response, its items under another name.
    UnpagedOtherArray: WHOLE, [], NONE;
    /// One response in the form of SCIM.
    UnpagedScimEnvelope: WHOLE, [], NONE;
    /// Each response has a token that the next request is to send: of the query parameter and the field
    /// `continuation_token`, unless the spec says otherwise. Without a token, or with an empty one,
    /// it is the last.
    ContinuationToken: TOKENS, [ParamLocation::query("continuation_token")], field("continuation_token");
}

impl Scheme {
    /// The scheme of this name, such as `PageNumber`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name)
    }

    /// The name by which tags and catalogues refer to the scheme.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    pub(super) const fn spec(self) -> &'static SchemeSpec {
        &Self::SPECS[self as usize]
    }

    /// How many items a page is to hold where nobody has said, and the operation's maximum is not known.
    pub(super) const fn usual_page_size(self) -> u64 {
        match self {
            // Beyond it the API may answer 429 (parameter `count` in the API document).
            Self::ScimStartIndex => 25,
            _ => 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_has_its_name() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.name(), format!("{scheme:?}"));
            assert_eq!(Scheme::named(scheme.name()), Some(*scheme));
        }
        assert_eq!(Scheme::named("pagenumber"), None);
    }
}
