//! Limits on how deep a client may page into some lists.

use crate::query::Query;
use crate::response::CannedResponse;

/// The unit of a cap.
enum Bound {
    /// Page number.
    Pages(u64),
    /// Records up to the end of the page.
    Records(u64),
}

struct Cap {
    /// Method and start of the path of the operation.
    route: &'static str,
    /// A query parameter and value that the cap depends on.
    when: Option<(&'static str, &'static str)>,
    bound: Bound,
    message: &'static str,
}

const CAPS: &[Cap] = &[
    Cap {
        route: "POST /api/v2/analytics/conversations/details/query",
        when: None,
        bound: Bound::Records(100_000),
        message: "Pagination may not exceed 100000 results. Tip: use the jobs endpoint, or query in \
                  smaller intervals.",
    },
    Cap {
        route: "GET /api/v2/externalcontacts/contacts",
        when: None,
        bound: Bound::Records(1_000),
        message: EXTERNAL_CONTACTS,
    },
    Cap {
        route: "GET /api/v2/externalcontacts/organizations",
        when: None,
        bound: Bound::Records(1_000),
        message: EXTERNAL_CONTACTS,
    },
    Cap {
        route: "GET /api/v2/routing/queues/divisionviews",
        when: None,
        bound: Bound::Pages(5),
        message: "The page number may not exceed 5.",
    },
    Cap {
        route: "GET /api/v2/users",
        when: Some(("state", "inactive")),
        bound: Bound::Records(10_000),
        message: "Pagination may not exceed 10000 results.",
    },
];

const EXTERNAL_CONTACTS: &str = "Page number times page size may not exceed 1000.";

/// Returns the refusal of a page that is too deep in a list.
pub(crate) fn refusal(
    method: &str,
    path: &str,
    query: Query<'_>,
    number: u64,
    size: u64,
) -> Option<CannedResponse> {
    let cap = CAPS.iter().find(|cap| cap.covers(method, path, query))?;
    let exceeds = match cap.bound {
        Bound::Pages(most) => number > most,
        Bound::Records(most) => number.saturating_mul(size) > most,
    };
    exceeds.then(|| CannedResponse::bad_request(cap.message))
}

impl Cap {
    fn covers(&self, method: &str, path: &str, query: Query<'_>) -> bool {
        let Some((verb, route)) = self.route.split_once(' ') else { return false };
        let rest = path.strip_prefix(route).filter(|_| verb == method);
        // The cap on contacts and organizations includes their sublists.
        let hangs_below = |rest: &str| rest.starts_with("/{") && self.message == EXTERNAL_CONTACTS;
        rest.is_some_and(|rest| rest.is_empty() || hangs_below(rest))
            && self.when.is_none_or(|(name, value)| query.get(name).as_deref() == Some(value))
    }
}
