//! How an operation pages, as data: what differs from one operation to another of a [`Scheme`].

mod cap;
mod page_size;
mod place;

use std::borrow::Cow;
use std::time::Duration;

use super::scheme::{Advance, Scheme};
use super::search::Search;

pub use self::cap::Cap;
pub(super) use self::cap::Most;
pub use self::page_size::PageSize;
pub use self::place::{NextToken, ParamLocation};

type Text = Cow<'static, str>;

/// How an operation pages: what generated code knows of it, or a tool has read from a catalogue.
///
/// Only what differs from the usual of its [`Scheme`] need be said.
///
/// ```
/// use genesys_cloud_core::{Cap, ListSpec, PageSize, ParamLocation, Scheme, NextToken};
///
/// let spec = ListSpec::new(Scheme::PageNumber, "entities")
///     .with_page_size(PageSize::integer("pageSize").at_most(100))
///     .with_cap(Cap::items(1000));
/// assert_eq!(spec.items(), "entities");
///
/// // A response of `{"items": [..], "pagination": {"next": "a token"}}`
/// let spec = ListSpec::new(Scheme::ContinuationToken, "items")
///     .with_token_in(ParamLocation::query("pageToken"))
///     .with_token_out(NextToken::field("pagination.next"));
/// assert_eq!(spec.scheme().name(), "ContinuationToken");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSpec {
    scheme: Scheme,
    items: Text,
    page_size: Option<PageSize>,
    token_in: Option<ParamLocation>,
    token_out: Option<NextToken>,
    cap: Option<Cap>,
    jobs: Option<Text>,
    token_lifetime: Option<Duration>,
    /// Further fields that a response may have, beside those that pages usually have; names joined by spaces.
    fields: Option<Text>,
    /// Whether every item is a JSON object.
    objects: bool,
    /// Whether a 204 is an empty list.
    no_content: bool,
    /// Whether `{}` is an empty page.
    empty_object: bool,
}

/// Fields by which a response is recognized as a page, whatever the operation.
const PAGE_FIELDS: [&str; 19] = [
    "pageNumber",
    "pageCount",
    "pageSize",
    "total",
    "nextUri",
    "previousUri",
    "firstUri",
    "lastUri",
    "selfUri",
    "cursor",
    "cursors",
    "after",
    "before",
    "nextPage",
    "previousPage",
    "totalHits",
    "totalResults",
    "itemsPerPage",
    "startIndex",
];

/// Parameters by which lists of the API choose a page.
const POSITIONS: [&str; 9] = [
    "pageNumber",
    "after",
    "before",
    "cursor",
    "nextPage",
    "previousPage",
    "startIndex",
    "afterSourceType",
    "afterSourceId",
];

/// Those of them that count from 1.
const COUNTED: [&str; 2] = ["pageNumber", "startIndex"];

impl ListSpec {
    /// A list whose items stand at `items` in the response: the names of the fields that lead there,
    /// joined by dots (`entities`, `results.entities`), or `[]` where the response is the list itself.
    ///
    /// A page that lacks the field is empty: the API leaves it out where it has nothing to list. But an object
    /// with neither this field nor any other that pages have (see [`with_fields`](Self::with_fields)) is an error.
    /// What no path describes, [`Paginator::with_extractor`](crate::Paginator::with_extractor) reads.
    pub fn new(scheme: Scheme, items: impl Into<Cow<'static, str>>) -> Self {
        Self {
            scheme,
            items: items.into(),
            page_size: None,
            token_in: None,
            token_out: None,
            cap: None,
            jobs: None,
            token_lifetime: None,
            fields: None,
            objects: false,
            no_content: false,
            empty_object: false,
        }
    }

    /// The same for generated code, which knows all of it when it is compiled.
    #[doc(hidden)]
    #[expect(clippy::too_many_arguments, reason = "a macro states all of them at once")]
    pub const fn from_static(
        scheme: Scheme,
        items: &'static str,
        page_size: Option<PageSize>,
        token_in: Option<ParamLocation>,
        token_out: Option<NextToken>,
        cap: Option<Cap>,
        jobs: Option<&'static str>,
        fields: Option<&'static str>,
    ) -> Self {
        const fn borrowed(text: Option<&'static str>) -> Option<Text> {
            match text {
                Some(text) => Some(Cow::Borrowed(text)),
                None => None,
            }
        }
        Self {
            scheme,
            items: Cow::Borrowed(items),
            page_size,
            token_in,
            token_out,
            cap,
            jobs: borrowed(jobs),
            token_lifetime: None,
            fields: borrowed(fields),
            objects: true,
            no_content: false,
            empty_object: false,
        }
    }

    /// The same of one whose items are not all objects.
    #[doc(hidden)]
    pub const fn known_of_values(mut self, values: bool) -> Self {
        self.objects = !values;
        self
    }

    /// The same of one that answers 204 where it has nothing to list.
    #[doc(hidden)]
    pub const fn known_no_content(mut self, no_content: bool) -> Self {
        self.no_content = no_content;
        self
    }

    /// The same of one whose tokens are good for so long.
    #[doc(hidden)]
    pub const fn known_for_hours(mut self, hours: u64) -> Self {
        self.token_lifetime = Some(Duration::from_secs(3600 * hours));
        self
    }

    /// Names the parameter that sets how many items a page holds.
    #[must_use]
    pub fn with_page_size(mut self, page_size: PageSize) -> Self {
        self.page_size = Some(page_size);
        self
    }

    /// Says where the number or token of a page goes, in the place of where the scheme has it.
    #[must_use]
    pub fn with_token_in(mut self, place: ParamLocation) -> Self {
        self.token_in = Some(place);
        self
    }

    /// Says how long the token of a page is good for: a checkpoint that is older is told to be stale before
    /// anything is sent ([`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint)).
    #[must_use]
    pub const fn with_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// How long the token of a page is good for, where that is known.
    pub const fn token_lifetime(&self) -> Option<Duration> {
        self.token_lifetime
    }

    /// Says where a response has what leads to the next page, in the place of where the scheme has it.
    #[must_use]
    pub fn with_token_out(mut self, token_out: NextToken) -> Self {
        self.token_out = Some(token_out);
        self
    }

    /// Says how far the API lets the list be read.
    #[must_use]
    pub fn with_cap(mut self, cap: Cap) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Names the path that runs the same query as a job, for the error of a response that says 202.
    #[must_use]
    pub fn with_jobs(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.jobs = Some(path.into());
        self
    }

    /// Names further fields of a response, by which it is recognized as a page.
    ///
    /// A page has its list, its token, a count such as `total`, a link such as `nextUri`, or one of these. An
    /// object with none of them is an error ([`ErrorKind::Paging`](crate::ErrorKind::Paging)) rather than an empty
    /// page: gateways and services answer with an error object and status 200. Names that error objects have
    /// too, such as `message` and `status`, never count.
    #[must_use]
    pub fn with_fields<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.fields = Some(Cow::Owned(names.join(" ")));
        self
    }

    /// Says that every item is a JSON object: anything else among the items, except `null`, is an error.
    #[must_use]
    pub const fn with_objects(mut self) -> Self {
        self.objects = true;
        self
    }

    /// Says that the operation answers 204 where it has nothing to list. Otherwise a 204 is an error, and so it is
    /// where a token leads to it.
    #[must_use]
    pub const fn with_no_content(mut self) -> Self {
        self.no_content = true;
        self
    }

    /// Says that `{}` is an empty page. Otherwise an object without fields is an error.
    #[must_use]
    pub const fn with_empty_object(mut self) -> Self {
        self.empty_object = true;
        self
    }

    /// Further fields of a response, their names joined by spaces: see [`with_fields`](Self::with_fields).
    pub fn fields(&self) -> Option<&str> {
        self.fields.as_deref()
    }

    /// Whether every item is a JSON object.
    pub const fn has_objects(&self) -> bool {
        self.objects
    }

    /// Whether a 204 is an empty list.
    pub const fn allows_no_content(&self) -> bool {
        self.no_content
    }

    /// Whether `{}` is an empty page. The details queries of analytics answer it on a page past the end and where
    /// nothing matches.
    pub const fn allows_empty_object(&self) -> bool {
        self.empty_object || matches!(self.scheme, Scheme::BodyPagingTotalHits)
    }

    /// Whether a response with this field is a page.
    pub(super) fn is_page_field(&self, name: &str) -> bool {
        PAGE_FIELDS.contains(&name)
            || self.fields.as_ref().is_some_and(|fields| fields.split(' ').any(|it| it == name))
    }

    /// Whether this parameter of a query, or field of a body, chooses a page of the list.
    ///
    /// One that the list is read by ([`token_in`](Self::token_in)) says where reading begins. Any other one is
    /// refused before anything is sent: with `before`, a list that is read by `after` would lose and repeat
    /// records.
    pub fn chooses_page(&self, name: &str) -> bool {
        if self.token_in().iter().any(|place| place.name() == name) {
            return true;
        }
        match self.scheme {
            // They are dates here, by which changes are selected.
            Scheme::DateWindowHomonym => {
                !matches!(name, "after" | "before") && POSITIONS.contains(&name)
            }
            // Of other APIs; what their parameters mean is not known.
            Scheme::ContinuationToken => false,
            _ => POSITIONS.contains(&name),
        }
    }

    /// Whether the value of a parameter, or of a field, that [chooses a page](Self::chooses_page) chooses the first
    /// one. `None` if that can't be told from the value: a cursor may be of any page.
    pub fn chooses_first_page(&self, name: &str, value: &str) -> Option<bool> {
        if COUNTED.contains(&name.rsplit('.').next().unwrap_or(name)) {
            return Some(value.parse() == Ok(1));
        }
        let is_search = self.scheme == Scheme::Q64Search;
        if !is_search || self.token_in().iter().all(|place| place.name() != name) {
            return None;
        }
        let search = Search::decode(value)?;
        let mut others = search.fields().filter(|(name, _)| *name != "pageNumber");
        let is_first = search.page() == Some(1) && !others.any(|(name, _)| self.chooses_page(name));
        Some(is_first)
    }

    /// The way of paging.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Where the items stand in the response; see [`new`](Self::new).
    pub fn items(&self) -> &str {
        &self.items
    }

    pub(super) fn items_path(&self) -> Cow<'static, str> {
        self.items.clone()
    }

    /// The parameter that sets how many items a page holds.
    pub const fn page_size(&self) -> Option<&PageSize> {
        self.page_size.as_ref()
    }

    /// How far the API lets the list be read.
    pub const fn cap(&self) -> Option<&Cap> {
        self.cap.as_ref()
    }

    /// The path that runs the same query as a job.
    pub fn jobs(&self) -> Option<&str> {
        self.jobs.as_deref()
    }

    /// Whether one response is all there is to be had.
    pub(crate) const fn is_one_reply(&self) -> bool {
        matches!(self.scheme.spec().advance, Advance::Once(_))
    }

    /// Where the number or token of a page goes: one place, or several for a token of several parts.
    pub fn token_in(&self) -> &[ParamLocation] {
        match &self.token_in {
            Some(place) => std::slice::from_ref(place),
            None => self.scheme.spec().token_in,
        }
    }

    /// Where a response has what leads to the next page.
    pub fn token_out(&self) -> Option<&NextToken> {
        self.token_out.as_ref().or(self.scheme.spec().token_out.as_ref())
    }
}

#[cfg(test)]
mod tests;
