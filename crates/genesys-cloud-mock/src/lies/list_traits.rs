use genesys_cloud_catalogue::{Catalogue, Schema};

use crate::api::Endpoint;
use crate::listing::Listing;
use crate::paging::PageSelector;

/// The properties of a list that decide which lies apply to it.
pub(crate) struct ListTraits {
    pub(crate) selector: PageSelector,
    pub(crate) listing: &'static Listing,
    response: Option<&'static Schema>,
}

impl ListTraits {
    pub(crate) fn of(endpoint: &Endpoint, listing: &'static Listing) -> Self {
        let selector = endpoint.scheme.map_or(PageSelector::Whole, PageSelector::of);
        Self { selector, listing, response: endpoint.schema() }
    }

    /// Whether all its pages can be requested.
    pub(crate) fn is_paged(&self) -> bool {
        !matches!(self.selector, PageSelector::Whole | PageSelector::First)
    }

    /// Whether the response is an object with the list in one of its fields.
    pub(crate) fn is_in_object(&self) -> bool {
        !self.listing.path().is_empty()
    }

    /// Whether the document has this field in the response, or in the object around the list.
    pub(crate) fn has(&self, name: &str) -> bool {
        let Some(response) = self.response else { return false };
        let nested = match self.listing.path() {
            [outer, _] => response.property(outer).map(|it| Catalogue::embedded().resolve(it)),
            _ => None,
        };
        [Some(response), nested].into_iter().flatten().any(|it| it.property(name).is_some())
    }

    /// Whether the service returns `{}` for an empty page, as the details queries of analytics do.
    pub(crate) fn leaves_out_nothing(&self) -> bool {
        self.selector == PageSelector::Paging
    }

    /// Whether pages have numbers, so that their positions depend on the page size.
    pub(crate) fn is_on_grid(&self) -> bool {
        matches!(self.selector, PageSelector::Number | PageSelector::Paging | PageSelector::Search)
    }

    /// Whether pages have numbers or indexes, so that a change at the start moves later records.
    pub(crate) fn can_shift(&self) -> bool {
        self.is_on_grid() || self.selector == PageSelector::Index
    }
}
