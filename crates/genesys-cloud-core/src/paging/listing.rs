//! How an operation pages, as data: what differs from one operation to another of a [`Scheme`].

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::scheme::{Motion, Scheme};
use super::search::Search;
use crate::request::Request;

type Text = Cow<'static, str>;

/// How an operation pages: what generated code knows of it, or a tool has read from a catalogue.
///
/// Only what differs from the usual of its [`Scheme`] need be said.
///
/// ```
/// use genesys_cloud_core::{Cap, Listing, PageSize, Place, Scheme, TokenOut};
///
/// let listing = Listing::new(Scheme::PageNumber, "entities")
///     .with_page_size(PageSize::integer("pageSize").at_most(100))
///     .with_cap(Cap::items(1000));
/// assert_eq!(listing.items(), "entities");
///
/// // A reply of `{"items": [..], "pagination": {"next": "a token"}}`
/// let listing = Listing::new(Scheme::ContinuationToken, "items")
///     .with_token_in(Place::query("pageToken"))
///     .with_token_out(TokenOut::field("pagination.next"));
/// assert_eq!(listing.scheme().name(), "ContinuationToken");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    scheme: Scheme,
    items: Text,
    page_size: Option<PageSize>,
    token_in: Option<Place>,
    token_out: Option<TokenOut>,
    cap: Option<Cap>,
    jobs: Option<Text>,
    token_lifetime: Option<Duration>,
    /// Further fields that a reply may have, beside those that pages usually have; names joined by spaces.
    fields: Option<Text>,
    /// Whether every item is a JSON object.
    objects: bool,
    /// Whether a 204 is an empty list.
    no_content: bool,
    /// Whether `{}` is an empty page.
    empty_object: bool,
}

/// Fields by which a reply is recognized as a page, whatever the operation.
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

impl Listing {
    /// A list whose items stand at `items` in the reply: the names of the fields that lead there,
    /// joined by dots (`entities`, `results.entities`), or `[]` where the reply is the list itself.
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
    pub const fn known(
        scheme: Scheme,
        items: &'static str,
        page_size: Option<PageSize>,
        token_in: Option<Place>,
        token_out: Option<TokenOut>,
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
    pub fn with_token_in(mut self, place: Place) -> Self {
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

    /// Says where a reply has what leads to the next page, in the place of where the scheme has it.
    #[must_use]
    pub fn with_token_out(mut self, token_out: TokenOut) -> Self {
        self.token_out = Some(token_out);
        self
    }

    /// Says how far the API lets the list be read.
    #[must_use]
    pub fn with_cap(mut self, cap: Cap) -> Self {
        self.cap = Some(cap);
        self
    }

    /// Names the path that runs the same query as a job, for the error of a reply that says 202.
    #[must_use]
    pub fn with_jobs(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.jobs = Some(path.into());
        self
    }

    /// Names further fields of a reply, by which it is recognized as a page.
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

    /// Further fields of a reply, their names joined by spaces: see [`with_fields`](Self::with_fields).
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

    /// Whether a reply with this field is a page.
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

    /// Where the items stand in the reply; see [`new`](Self::new).
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

    /// Whether one reply is all there is to be had.
    pub(crate) const fn is_one_reply(&self) -> bool {
        matches!(self.scheme.way().motion, Motion::Once(_))
    }

    /// Where the number or token of a page goes: one place, or several for a token of several parts.
    pub fn token_in(&self) -> &[Place] {
        match &self.token_in {
            Some(place) => std::slice::from_ref(place),
            None => self.scheme.way().token_in,
        }
    }

    /// Where a reply has what leads to the next page.
    pub fn token_out(&self) -> Option<&TokenOut> {
        self.token_out.as_ref().or(self.scheme.way().token_out.as_ref())
    }
}

/// A place in a request: a query parameter, or a field of the body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    name: Text,
    in_body: bool,
}

impl Place {
    /// The query parameter of this name.
    pub const fn query(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), in_body: false }
    }

    /// The field of the body at this path: names joined by dots, such as `paging.pageNumber`.
    pub const fn body(path: &'static str) -> Self {
        Self { name: Cow::Borrowed(path), in_body: true }
    }

    /// A place that is known at run time only.
    pub fn new(name: impl Into<Cow<'static, str>>, in_body: bool) -> Self {
        Self { name: name.into(), in_body }
    }

    /// The name of the parameter, or the path of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a field of the body.
    pub const fn is_in_body(&self) -> bool {
        self.in_body
    }

    /// Writes a text there.
    pub(crate) fn write(&self, request: &mut Request, text: &str) {
        match self.in_body {
            false => request.set_query(self.name.clone(), text),
            true => request.set_body_field(&self.pointer(), text),
        };
    }

    /// The path as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        format!("/{}", self.name.replace('~', "~0").replace('/', "~1").replace('.', "/"))
    }
}

/// Where a reply has what leads to the next page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenOut {
    field: Text,
    form: TokenForm,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum TokenForm {
    Bare,
    Link,
    /// The token is a parameter of a link: of this name, or of the one that it goes to.
    InLink(Option<Text>),
}

impl TokenOut {
    /// A field that is the token, a text or an integer: names joined by dots, such as `cursors.after`.
    /// Where it is missing, `null`, `false` or empty, the page is the last; anything else is an error.
    pub const fn field(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::Bare }
    }

    /// A field that links to the next page. The link is followed as a whole.
    pub const fn link(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::Link }
    }

    /// A field that links to the next page. The token is taken out of the link's query, where it has
    /// the name of the parameter that it goes to.
    pub const fn in_link(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::InLink(None) }
    }

    /// The same, where the token has a name of its own in the link.
    pub const fn named_in_link(path: &'static str, parameter: &'static str) -> Self {
        let parameter = Some(Cow::Borrowed(parameter));
        Self { field: Cow::Borrowed(path), form: TokenForm::InLink(parameter) }
    }

    /// The same form at a path that is known at run time only.
    #[must_use]
    pub fn at(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.field = path.into();
        self
    }

    /// The same link, in whose query the token has a name that is known at run time only.
    #[must_use]
    pub fn named(mut self, parameter: impl Into<Cow<'static, str>>) -> Self {
        self.form = TokenForm::InLink(Some(parameter.into()));
        self
    }

    /// The path of the field.
    pub fn path(&self) -> &str {
        &self.field
    }

    /// Whether the field is a link that is followed as a whole.
    pub(super) fn is_whole_link(&self) -> bool {
        self.form == TokenForm::Link
    }

    /// The name that the token for a place has in the link. `None` where the field is no link.
    pub(super) fn name_in_link<'a>(&'a self, place: &'a Place) -> Option<&'a str> {
        match &self.form {
            TokenForm::InLink(name) => Some(name.as_deref().unwrap_or(place.name())),
            TokenForm::Bare | TokenForm::Link => None,
        }
    }
}

/// How far the API lets a list be read. What lies beyond is not asked for: the API would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    pub(super) most: Most,
    condition: Option<(Text, Text)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Most {
    Pages(u64),
    Items(u64),
}

impl Cap {
    /// So many pages, counted from the first of the list.
    pub const fn pages(most: u64) -> Self {
        Self { most: Most::Pages(most), condition: None }
    }

    /// So many items, counted from the first of the list: page number times page size, where pages
    /// have numbers.
    pub const fn items(most: u64) -> Self {
        Self { most: Most::Items(most), condition: None }
    }

    /// Holds only where a query parameter has this value, as for `users?state=inactive`.
    #[must_use]
    pub fn where_query(
        self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { condition: Some((name.into(), value.into())), ..self }
    }

    /// The same for generated code.
    #[doc(hidden)]
    pub const fn known_where_query(self, name: &'static str, value: &'static str) -> Self {
        let most = self.most;
        // What a constant is made from must not need to be dropped.
        std::mem::forget(self);
        Self { most, condition: Some((Cow::Borrowed(name), Cow::Borrowed(value))) }
    }

    pub(super) fn holds_for(&self, request: &Request) -> bool {
        let condition = self.condition.as_ref();
        condition.is_none_or(|(name, value)| request.query(name) == Some(value))
    }
}

/// `1000 items`, `5 pages where state=inactive`
impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Most::Pages(most) => write!(f, "{most} pages")?,
            Most::Items(most) => write!(f, "{most} items")?,
        }
        match &self.condition {
            Some((name, value)) => write!(f, " where {name}={value}"),
            None => Ok(()),
        }
    }
}

/// The parameter that sets how many items a page holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    place: Place,
    text: bool,
    usual: Option<u64>,
    maximum: Option<u64>,
    minimum: Option<u64>,
}

impl PageSize {
    /// A query parameter that the API document gives as an integer.
    pub const fn integer(name: &'static str) -> Self {
        Self { place: Place::query(name), text: false, usual: None, maximum: None, minimum: None }
    }

    /// A query parameter that the API document gives as text. In a query the two are written alike.
    pub const fn text(name: &'static str) -> Self {
        Self { place: Place::query(name), text: true, usual: None, maximum: None, minimum: None }
    }

    /// A query parameter whose name and form are known at run time only.
    pub fn new(name: impl Into<Cow<'static, str>>, text: bool) -> Self {
        Self { place: Place::new(name, false), text, usual: None, maximum: None, minimum: None }
    }

    /// The same as a field of the body, its name being a path such as `paging.pageSize`.
    #[must_use]
    pub const fn in_body(mut self) -> Self {
        self.place.in_body = true;
        self
    }

    /// The value to send unless the caller sets one. It is one that the API is known to grant, where no maximum
    /// is known.
    #[must_use]
    pub const fn usually(mut self, items: u64) -> Self {
        self.usual = Some(items);
        self
    }

    /// The largest value that the operation is known to allow.
    #[must_use]
    pub const fn at_most(mut self, maximum: u64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// The smallest value that the operation is known to allow.
    #[must_use]
    pub const fn at_least(mut self, minimum: u64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    /// The name of the parameter, such as `pageSize`.
    pub fn name(&self) -> &str {
        self.place.name()
    }

    /// Where it goes.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Whether the API document gives it as text.
    pub const fn is_text(&self) -> bool {
        self.text
    }

    /// The value to send unless the caller sets one: one that the API is known to grant, where that is not the
    /// maximum.
    pub const fn usual(&self) -> Option<u64> {
        self.usual
    }

    /// The largest value that the operation is known to allow.
    pub const fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// The smallest value that the operation is known to allow.
    pub const fn minimum(&self) -> Option<u64> {
        self.minimum
    }

    /// Why the operation does not take pages of so many items, and what it takes instead.
    pub(super) fn refusal(&self, items: u64) -> Option<(String, String)> {
        let name = self.name();
        let least = self.minimum.unwrap_or(1).max(1);
        if items < least {
            let why = format!("{name} must be at least {least}, not {items}");
            return Some((why, format!("set a `page_size` of at least {least}")));
        }
        let most = self.maximum.filter(|most| items > *most)?;
        let why = format!("{name} must be at most {most}, not {items}");
        Some((
            why,
            format!("set a `page_size` of at most {most}, or none to get the largest pages"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn a_tag_of_a_catalogue_equals_that_of_generated_code() {
        const KNOWN: Listing = Listing::known(
            Scheme::CursorsObject,
            "results.entities",
            Some(PageSize::text("paging.pageSize").in_body().at_most(200)),
            Some(Place::body("token")),
            Some(TokenOut::named_in_link("pagination.next", "t")),
            Some(Cap::items(1000).known_where_query("state", "inactive")),
            Some("/jobs"),
            Some("took job"),
        );
        let scheme = Scheme::named("CursorsObject").expect("a scheme");
        let read = Listing::new(scheme, "results.entities".to_owned())
            .with_page_size(
                PageSize::new("paging.pageSize".to_owned(), true).in_body().at_most(200),
            )
            .with_token_in(Place::new("token".to_owned(), true))
            .with_token_out(
                TokenOut::in_link("").named("t".to_owned()).at("pagination.next".to_owned()),
            )
            .with_cap(Cap::items(1000).where_query("state", "inactive"))
            .with_jobs("/jobs".to_owned())
            .with_fields(["took", "job"])
            .with_objects();
        assert_eq!(read, KNOWN);
    }

    #[test]
    fn a_page_is_recognized_by_its_fields_and_not_by_those_of_errors() {
        let listing = Listing::new(Scheme::AfterField, "entities").with_fields(["took", "facets"]);
        for name in ["nextUri", "total", "selfUri", "took", "facets"] {
            assert!(listing.is_page_field(name), "{name}");
        }
        for name in ["message", "status", "code", "errors", "errorMessage", "limit", "too", ""] {
            assert!(!listing.is_page_field(name), "{name}");
        }
    }

    #[test]
    fn one_rule_tells_which_parameters_choose_a_page() {
        for (scheme, chooses, filters) in [
            (Scheme::PageNumber, &["pageNumber", "after", "cursor", "nextPage"][..], &["name"][..]),
            (Scheme::AfterInNextUri, &["after", "before", "pageNumber"], &["pageSize", "limit"]),
            (Scheme::IdOrDateWindow, &["after", "before"], &["maxResults"]),
            (Scheme::UnpagedWithEnvelope, &["pageNumber"], &["expand"]),
            (Scheme::DateWindowHomonym, &["pageNumber"], &["after", "before"]),
            (Scheme::ContinuationToken, &["continuation_token"], &["after", "before"]),
        ] {
            let listing = Listing::new(scheme, "entities");
            for name in chooses {
                assert!(listing.chooses_page(name), "{scheme:?} {name}");
            }
            for name in filters {
                assert!(!listing.chooses_page(name), "{scheme:?} {name}");
            }
        }
    }

    #[test]
    fn the_first_page_is_recognized_where_a_value_shows_it() {
        let search = |json: &str| base64::prelude::BASE64_STANDARD.encode(json);
        let (first, later) =
            (search(r#"{"pageNumber":1,"types":[]}"#), search(r#"{"pageNumber":2}"#));
        let after = search(r#"{"pageNumber":1,"after":"x"}"#);
        for (scheme, name, value, expected) in [
            (Scheme::PageNumber, "pageNumber", "1", Some(true)),
            (Scheme::PageNumber, "pageNumber", "2", Some(false)),
            (Scheme::PageNumber, "pageNumber", "x", Some(false)),
            (Scheme::BodyPagingTotalHits, "paging.pageNumber", "1", Some(true)),
            (Scheme::ScimStartIndex, "startIndex", "2", Some(false)),
            (Scheme::AfterField, "after", "1", None),
            (Scheme::Q64Search, "q64", &first, Some(true)),
            (Scheme::Q64Search, "q64", &later, Some(false)),
            (Scheme::Q64Search, "q64", &after, Some(false)),
            (Scheme::Q64Search, "q64", "a token", None),
            (Scheme::AfterField, "q64", &later, None),
        ] {
            let listing = Listing::new(scheme, "entities");
            assert_eq!(listing.chooses_first_page(name, value), expected, "{scheme:?} {value}");
        }
    }

    #[test]
    fn a_cap_in_words() {
        assert_eq!(Cap::pages(5).to_string(), "5 pages");
        let cap = Cap::items(1000).where_query("state", "inactive");
        assert_eq!(cap.to_string(), "1000 items where state=inactive");
    }
}
