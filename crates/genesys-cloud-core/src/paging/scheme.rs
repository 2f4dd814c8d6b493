//! The ways in which lists page: one table of [`SchemeSpec`]s.

use super::list_spec::{NextToken, ParamLocation};

/// How lists of a scheme move from page to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// Page numbers from 1.
    Numbers {
        /// Whether a page without a link to the next is the last, whatever its counts say.
        linked: bool,
    },
    /// The index of the first item of the page, from 1.
    StartIndex,
    /// A token or link on each page for the next.
    Tokens {
        /// Whether the last page has a token too, so that only the page count shows the end.
        counted: bool,
    },
    /// The last item of the page: the next page begins there.
    Window,
    /// A single response.
    Once(Once),
    /// The source delivers its pages in sequence and decides when there are no more.
    Sequence(SequenceUnit),
}

/// The unit by which a place in a sequence is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceUnit {
    Items,
    /// Bytes, in chunks of any length.
    Bytes,
}

/// What a single response is of the whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    /// The whole list.
    Whole,
    /// The whole list, unless it has as many items as were requested.
    UnlessFull,
    /// One window of time of the list.
    Window,
}

/// What all operations of a scheme have in common.
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
        /// A way of paging, or of returning a list in one response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Scheme {
            $($(#[$meta])* $scheme,)*
        }

        impl Scheme {
            pub(super) const ALL: &[Self] = &[$(Self::$scheme),*];

            /// Indexed by variant.
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
    /// The query parameter `pageNumber` counts pages from 1. The response echoes it. The list ends by `pageCount`, by a
    /// missing `nextUri`, or with an empty page.
    PageNumber: NUMBERS, [ParamLocation::query("pageNumber")], field("nextUri");
    /// Like [`PageNumber`](Self::PageNumber), without counts: the last page has no `nextUri`.
    PageNumberNoTotal: Advance::Numbers { linked: true }, [ParamLocation::query("pageNumber")], field("nextUri");
    /// Like [`PageNumber`](Self::PageNumber), but the response has only items: an empty page ends the list.
    PageNumberNoEnvelope: NUMBERS, [ParamLocation::query("pageNumber")], NONE;
    /// The query parameter `after` is taken from `nextUri`.
    AfterInNextUri: TOKENS, [ParamLocation::query("after")], in_link("nextUri");
    /// The query parameter `after` is taken from the field `after`.
    AfterField: TOKENS, [ParamLocation::query("after")], field("after");
    /// The query parameter `cursor` is taken from the field `cursors.after`.
    CursorsObject: TOKENS, [ParamLocation::query("cursor")], field("cursors.after");
    /// The query parameter `cursor` is taken from the field `cursor`.
    CursorField: TOKENS, [ParamLocation::query("cursor")], field("cursor");
    /// The query parameter `cursor` is taken from `nextUri`.
    CursorInNextUri: TOKENS, [ParamLocation::query("cursor")], in_link("nextUri");
    /// The query parameter `nextPage`, a key, is taken from `nextUri`.
    NextPageInNextUri: TOKENS, [ParamLocation::query("nextPage")], in_link("nextUri");
    /// The query parameters `afterSourceType` and `afterSourceId` are taken from `nextUri`.
    CompositeAfterInNextUri: TOKENS, [ParamLocation::query("afterSourceType"), ParamLocation::query("afterSourceId")], in_link("nextUri");
    /// The field `pageNumber` of the body counts pages from 1.
    BodyPageNumber: NUMBERS, [ParamLocation::body("pageNumber")], field("nextUri");
    /// Like [`BodyPageNumber`](Self::BodyPageNumber), with the counts below `results` in the response.
    BodyPageNumberNested: NUMBERS, [ParamLocation::body("pageNumber")], field("results.nextUri");
    /// The field `paging.pageNumber` of the body counts pages from 1, and the list ends by `totalHits`.
    BodyPagingTotalHits: NUMBERS, [ParamLocation::body("paging.pageNumber")], NONE;
    /// The field `pageNumber` of the body counts pages from 1, and the body submits a job: each page is the result of a
    /// separate job.
    JobSelectsPage: NUMBERS, [ParamLocation::body("pageNumber")], NONE;
    /// The field `after` of the body is taken from the field `after` of the response.
    BodyAfter: TOKENS, [ParamLocation::body("after")], field("after");
    /// The field `cursor` of the body is taken from the field `cursor` of the response.
    BodyCursor: TOKENS, [ParamLocation::body("cursor")], field("cursor");
    /// The query parameter `q64`, which contains the whole query, is taken from `nextPage`. The last page has one too:
    /// the list ends by `pageCount`.
    Q64Search: Advance::Tokens { counted: true }, [ParamLocation::query("q64")], in_link("nextPage");
    /// The query parameter `startIndex` counts items from 1, as in SCIM (RFC 7644, 3.4.2.4).
    ScimStartIndex: Advance::StartIndex, [ParamLocation::query("startIndex")], NONE;
    /// The next page is requested by the last item of the previous one: its `id` goes into the query parameter `after`,
    /// unless the [`ListSpec`](crate::ListSpec) says otherwise. An empty page ends the list. If a page begins with the
    /// last items of the previous one, they are yielded once.
    IdOrDateWindow: Advance::Window, [ParamLocation::query("after")], field("id");
    /// The request has a page size but no page parameter: `nextUri` is followed as it is.
    PageSizeOnlyNextUri: TOKENS, [], Some(NextToken::link("nextUri"));
    /// The request has a page size, and no second page can be requested.
    LimitOnly: Advance::Once(Once::UnlessFull), [], NONE;
    /// A single response. It may have a `nextUri`, but the operation does not document that it accepts it: it is not
    /// followed, and the report says so.
    NextUriOnlyEnvelope: WHOLE, [], Some(NextToken::link("nextUri"));
    /// A single response. It may have `cursors`, but the operation has no parameter for them.
    CursorsOnlyEnvelope: WHOLE, [], field("cursors.after");
    /// A single response. Its `nextUri` never ends: it names earlier and earlier windows of time.
    DateWindowHomonym: Advance::Once(Once::Window), [], NONE;
    /// A single response with the fields of a page. Its `nextUri` returns the same response again.
    UnpagedWithEnvelope: WHOLE, [], NONE;
    /// A single response with the items in `entities`.
    UnpagedEntities: WHOLE, [], NONE;
    /// A single response, which is the list itself.
    UnpagedBareArray: WHOLE, [], NONE;
    /// A single response to a POST.
    UnpagedPostResults: WHOLE, [], NONE;
    /// A single response with the items in another field.
    UnpagedOtherArray: WHOLE, [], NONE;
    /// A single response in SCIM's format.
    UnpagedScimEnvelope: WHOLE, [], NONE;
    /// Each response has a token for the next request: the field and query parameter `continuation_token`, unless the
    /// [`ListSpec`](crate::ListSpec) says otherwise. The list ends when the token is missing or empty.
    ContinuationToken: TOKENS, [ParamLocation::query("continuation_token")], field("continuation_token");
}

impl Scheme {
    /// Returns the scheme with this name, such as `PageNumber`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name)
    }

    /// Returns the name of the scheme in tags and catalogues.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    pub(super) const fn spec(self) -> &'static SchemeSpec {
        &Self::SPECS[self as usize]
    }

    /// Default page size if the operation's maximum is unknown.
    pub(super) const fn usual_page_size(self) -> u64 {
        match self {
            // Above it, the API may answer 429 (parameter `count` in the API document).
            Self::ScimStartIndex => 25,
            _ => 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_found_by_its_name() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.name(), format!("{scheme:?}"));
            assert_eq!(Scheme::named(scheme.name()), Some(*scheme));
        }
        assert_eq!(Scheme::named("pagenumber"), None);
    }
}
