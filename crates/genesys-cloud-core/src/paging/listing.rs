//! How an operation pages, as data.

use std::borrow::Cow;

/// How an operation pages: what generated code knows of it, or a tool has read from a catalogue.
///
/// ```
/// use genesys_cloud_core::{Listing, PageSize, Scheme};
///
/// let listing = Listing::new(Scheme::PageNumber, "entities")
///     .with_page_size(PageSize::integer("pageSize").at_most(500));
/// assert_eq!(listing.items(), "entities");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    scheme: Scheme,
    items: Cow<'static, str>,
    page_size: Option<PageSize>,
}

impl Listing {
    /// A list whose items stand at `items` in the reply: the names of the fields that lead there,
    /// joined by dots (`entities`, `results.entities`), or `[]` where the reply is the list itself.
    pub fn new(scheme: Scheme, items: impl Into<Cow<'static, str>>) -> Self {
        Self { scheme, items: items.into(), page_size: None }
    }

    /// The same for generated code, which knows all of it when it is compiled.
    pub const fn known(scheme: Scheme, items: &'static str, page_size: Option<PageSize>) -> Self {
        Self { scheme, items: Cow::Borrowed(items), page_size }
    }

    /// Names the parameter that sets how many items a page holds.
    #[must_use]
    pub fn with_page_size(mut self, page_size: PageSize) -> Self {
        self.page_size = Some(page_size);
        self
    }

    /// The way of paging.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Where the items stand in the reply; see [`new`](Self::new).
    pub fn items(&self) -> &str {
        &self.items
    }

    /// The parameter that sets how many items a page holds.
    pub const fn page_size(&self) -> Option<&PageSize> {
        self.page_size.as_ref()
    }
}

/// A way of paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// The query parameter `pageNumber` counts pages from 1. The reply repeats it, and tells the end by
    /// `pageCount`, by a `nextUri` that is missing, or by an empty page.
    PageNumber,
}

impl Scheme {
    const ALL: [Self; 1] = [Self::PageNumber];

    /// The scheme of this name, such as `PageNumber`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// The name by which tags and catalogues refer to the scheme.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PageNumber => "PageNumber",
        }
    }
}

/// The parameter that sets how many items a page holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    name: Cow<'static, str>,
    text: bool,
    maximum: Option<u64>,
}

impl PageSize {
    /// A parameter that the API document gives as an integer.
    pub const fn integer(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), text: false, maximum: None }
    }

    /// A parameter that the API document gives as text. In a query the two are written alike.
    pub const fn text(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), text: true, maximum: None }
    }

    /// A parameter whose name and form are known at run time only.
    pub fn new(name: impl Into<Cow<'static, str>>, text: bool) -> Self {
        Self { name: name.into(), text, maximum: None }
    }

    /// The largest value that the operation is known to allow.
    #[must_use]
    pub const fn at_most(mut self, maximum: u64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// The name of the parameter, such as `pageSize`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the API document gives it as text.
    pub const fn is_text(&self) -> bool {
        self.text
    }

    /// The largest value that the operation is known to allow.
    pub const fn maximum(&self) -> Option<u64> {
        self.maximum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_a_catalogue_equals_that_of_generated_code() {
        const KNOWN: Listing = Listing::known(
            Scheme::PageNumber,
            "results.entities",
            Some(PageSize::text("pageSize").at_most(200)),
        );
        let scheme = Scheme::named("PageNumber").expect("a scheme");
        let read = Listing::new(scheme, "results.entities".to_owned())
            .with_page_size(PageSize::new("pageSize".to_owned(), true).at_most(200));
        assert_eq!(read, KNOWN);
        assert_eq!(Scheme::named("pagenumber"), None);
    }
}
