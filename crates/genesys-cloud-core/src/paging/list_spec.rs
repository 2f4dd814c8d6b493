//! How an operation lists, as data: what differs between operations of the same [`Scheme`].

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

/// Describes how an operation lists: its [`Scheme`] and where it differs from the scheme's defaults.
///
/// Generated code contains the specs of all operations of the API document; write one for an endpoint that the
/// bindings do not know.
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
    /// Fields of a page besides those in [`PAGE_FIELDS`]; names joined by spaces.
    fields: Option<Text>,
    /// Whether every item is a JSON object.
    objects: bool,
    /// Whether a 204 is an empty list.
    no_content: bool,
    /// Whether `{}` is an empty page.
    empty_object: bool,
}

/// Fields by which a response of any operation is recognized as a page.
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

/// Parameters by which lists of the API select a page.
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

/// Those of [`POSITIONS`] that count from 1.
const COUNTED: [&str; 2] = ["pageNumber", "startIndex"];

impl ListSpec {
    /// Creates the spec of a list with its items at the path `items` in the response: field names joined by dots
    /// (`entities`, `results.entities`), or `[]` if the response is the list itself.
    ///
    /// A page without this field is empty, since the API leaves it out when it has nothing to list. An object with
    /// neither this field nor any other field of pages (see [`with_fields`](Self::with_fields)) is an error. For
    /// responses that no path describes, use [`Paginator::with_extractor`](crate::Paginator::with_extractor).
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

    /// A spec in generated code.
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

    /// Sets whether items may be values other than objects, in generated code.
    #[doc(hidden)]
    pub const fn known_of_values(mut self, values: bool) -> Self {
        self.objects = !values;
        self
    }

    /// Sets whether a 204 is an empty list, in generated code.
    #[doc(hidden)]
    pub const fn known_no_content(mut self, no_content: bool) -> Self {
        self.no_content = no_content;
        self
    }

    /// Sets how long tokens are valid, in generated code.
    #[doc(hidden)]
    pub const fn known_for_hours(mut self, hours: u64) -> Self {
        self.token_lifetime = Some(Duration::from_secs(3600 * hours));
        self
    }

    /// Sets the parameter for the number of items per page.
    #[must_use]
    pub fn with_page_size(mut self, page_size: PageSize) -> Self {
        self.page_size = Some(page_size);
        self
    }

    /// Sets where the request has the page number or token, instead of the scheme's default.
    #[must_use]
    pub fn with_token_in(mut self, place: ParamLocation) -> Self {
        self.token_in = Some(place);
        self
    }

    /// Sets how long a page token is valid. Resuming from an older checkpoint fails before anything is sent
    /// ([`ErrorKind::StaleCheckpoint`](crate::ErrorKind::StaleCheckpoint)).
    #[must_use]
    pub const fn with_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Some(lifetime);
        self
    }

    /// Returns how long a page token is valid, if known.
    pub const fn token_lifetime(&self) -> Option<Duration> {
        self.token_lifetime
    }

    /// Sets where the response has the token or link for the next page, instead of the scheme's default.
    #[must_use]
    pub fn with_token_out(mut self, token_out: NextToken) -> Self {
        self.token_out = Some(token_out);
        self
    }

    /// Sets how much of the list the API allows to be read.
    #[must_use]
    pub fn with_cap(mut self, cap: Cap) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Sets the path that runs the same query as a job. The error for a 202 names it.
    #[must_use]
    pub fn with_jobs(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.jobs = Some(path.into());
        self
    }

    /// Adds names of fields by which a response is recognized as a page.
    ///
    /// A page has its list, its token, a count such as `total`, a link such as `nextUri`, or one of these fields. An
    /// object with none of them is an error ([`ErrorKind::Paging`](crate::ErrorKind::Paging)) and not an empty page,
    /// because gateways and services send error objects with status 200. Do not add fields that error objects have,
    /// such as `message` and `status`.
    #[must_use]
    pub fn with_fields<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.fields = Some(Cow::Owned(names.join(" ")));
        self
    }

    /// Requires every item to be a JSON object. Other values, except `null`, are an error.
    #[must_use]
    pub const fn with_objects(mut self) -> Self {
        self.objects = true;
        self
    }

    /// Treats a 204 as an empty list. Otherwise, and always after a token, a 204 is an error.
    #[must_use]
    pub const fn with_no_content(mut self) -> Self {
        self.no_content = true;
        self
    }

    /// Treats `{}` as an empty page. Otherwise an object without fields is an error.
    #[must_use]
    pub const fn with_empty_object(mut self) -> Self {
        self.empty_object = true;
        self
    }

    /// Returns the names set by [`with_fields`](Self::with_fields), joined by spaces.
    pub fn fields(&self) -> Option<&str> {
        self.fields.as_deref()
    }

    /// Returns whether every item must be a JSON object.
    pub const fn has_objects(&self) -> bool {
        self.objects
    }

    /// Returns whether a 204 is an empty list.
    pub const fn allows_no_content(&self) -> bool {
        self.no_content
    }

    /// Returns whether `{}` is an empty page. The details queries of analytics return it past the end and if nothing
    /// matches.
    pub const fn allows_empty_object(&self) -> bool {
        self.empty_object || matches!(self.scheme, Scheme::BodyPagingTotalHits)
    }

    /// Whether an object with this field is a page.
    pub(super) fn is_page_field(&self, name: &str) -> bool {
        PAGE_FIELDS.contains(&name)
            || self.fields.as_ref().is_some_and(|fields| fields.split(' ').any(|it| it == name))
    }

    /// Returns whether this query parameter or body field selects a page of the list.
    ///
    /// The one by which the list is read ([`token_in`](Self::token_in)) sets where reading begins. Any other is refused
    /// before anything is sent: `before` would lose and repeat records of a list that is read by `after`.
    pub fn chooses_page(&self, name: &str) -> bool {
        if self.token_in().iter().any(|place| place.name() == name) {
            return true;
        }
        match self.scheme {
            // These are dates here, and select changes.
            Scheme::DateWindowHomonym => {
                !matches!(name, "after" | "before") && POSITIONS.contains(&name)
            }
            // For other APIs, whose parameters are unknown.
            Scheme::ContinuationToken => false,
            _ => POSITIONS.contains(&name),
        }
    }

    /// Returns whether the value of a parameter or field that [selects a page](Self::chooses_page) selects the first
    /// one. `None` if the value does not show it: a cursor may be of any page.
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

    /// Returns the way of paging.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the path of the items in the response; see [`new`](Self::new).
    pub fn items(&self) -> &str {
        &self.items
    }

    pub(super) fn items_path(&self) -> Cow<'static, str> {
        self.items.clone()
    }

    /// Returns the parameter for the number of items per page.
    pub const fn page_size(&self) -> Option<&PageSize> {
        self.page_size.as_ref()
    }

    /// Returns how much of the list the API allows to be read.
    pub const fn cap(&self) -> Option<&Cap> {
        self.cap.as_ref()
    }

    /// Returns the path that runs the same query as a job.
    pub fn jobs(&self) -> Option<&str> {
        self.jobs.as_deref()
    }

    /// Whether the operation returns a single response.
    pub(crate) const fn is_single_response(&self) -> bool {
        matches!(self.scheme.spec().advance, Advance::Once(_))
    }

    /// Returns where the request has the page number or token: one location, or several for a token of several parts.
    pub fn token_in(&self) -> &[ParamLocation] {
        match &self.token_in {
            Some(place) => std::slice::from_ref(place),
            None => self.scheme.spec().token_in,
        }
    }

    /// Returns where the response has the token or link for the next page.
    pub fn token_out(&self) -> Option<&NextToken> {
        self.token_out.as_ref().or(self.scheme.spec().token_out.as_ref())
    }
}

#[cfg(test)]
mod tests;
