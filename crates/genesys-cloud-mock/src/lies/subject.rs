use genesys_cloud_catalogue::{Catalogue, Schema};

use crate::api::Endpoint;
use crate::listing::Listing;
use crate::paging::Ask;

/// A list, as far as it decides which lies can be told of it.
pub(crate) struct ListSubject {
    pub(crate) ask: Ask,
    pub(crate) listing: &'static Listing,
    reply: Option<&'static Schema>,
}

impl ListSubject {
    pub(crate) fn of(endpoint: &Endpoint, listing: &'static Listing) -> Self {
        let ask = endpoint.scheme.map_or(Ask::Whole, Ask::of);
        Self { ask, listing, reply: endpoint.schema() }
    }

    /// Whether it comes in pages that can all be asked for.
    pub(crate) fn is_paged(&self) -> bool {
        !matches!(self.ask, Ask::Whole | Ask::First)
    }

    /// Whether the reply is an object with the list in one of its fields.
    pub(crate) fn is_in_object(&self) -> bool {
        !self.listing.path().is_empty()
    }

    /// Whether the document has this field of the reply, or of the object around the list.
    pub(crate) fn has(&self, name: &str) -> bool {
        let Some(reply) = self.reply else { return false };
        let nested = match self.listing.path() {
            [outer, _] => reply.property(outer).map(|it| Catalogue::embedded().resolve(it)),
            _ => None,
        };
        [Some(reply), nested].into_iter().flatten().any(|it| it.property(name).is_some())
    }

    /// Whether the service answers `{}` where there is nothing to list, as the details queries of analytics do.
    pub(crate) fn leaves_out_nothing(&self) -> bool {
        self.ask == Ask::Paging
    }

    /// Whether pages are counted, so that where one begins follows from its size.
    pub(crate) fn is_on_grid(&self) -> bool {
        matches!(self.ask, Ask::Number | Ask::Paging | Ask::Search)
    }

    /// The same, or records are: what comes or goes in front moves what is behind.
    pub(crate) fn can_shift(&self) -> bool {
        self.is_on_grid() || self.ask == Ask::Index
    }
}
