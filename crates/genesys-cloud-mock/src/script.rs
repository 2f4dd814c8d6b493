use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use genesys_cloud_catalogue::Operation;
use serde_json::Value;

use crate::connection::ConnectionFault;
use crate::journal::RecordedRequest;
use crate::response::CannedResponse;

/// A custom fault.
///
/// For each request with a valid token, the org consults all faults in the order in which they were added.
///
/// ```
/// use genesys_cloud_mock::{Call, CannedResponse, Fault, MockOrg};
///
/// // Writes fail.
/// struct ReadOnly;
///
/// impl Fault for ReadOnly {
///     fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
///         let writes = call.request.method != "GET";
///         writes.then(|| CannedResponse::error(503, "service.unavailable", "Service Unavailable"))
///     }
/// }
///
/// let org = MockOrg::builder().fault(ReadOnly);
/// ```
pub trait Fault: Send + Sync + 'static {
    /// Returns a response to send instead of the org's own, or `None` to let the request pass.
    fn before(&self, call: &Call<'_>) -> Option<CannedResponse> {
        let _ = call;
        None
    }

    /// Returns what happens to the connection, or `None` to keep it.
    fn connection(&self, call: &Call<'_>) -> Option<ConnectionFault> {
        let _ = call;
        None
    }

    /// Changes the org's response.
    fn after(&self, call: &Call<'_>, response: CannedResponse) -> CannedResponse {
        let _ = call;
        response
    }
}

/// A request for an operation of the API.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The operation that is called.
    pub operation: &'a Operation,
    /// The request as received.
    pub request: &'a RecordedRequest,
}

/// A replacement for one page of a list.
#[derive(Clone)]
pub struct PageOverride(pub(crate) Substitute);

#[derive(Clone)]
pub(crate) enum Substitute {
    Json(Value),
    SameAs(u64),
    Edit(Arc<dyn Fn(&mut Value) + Send + Sync>),
}

impl PageOverride {
    /// Returns this body.
    pub fn json(page: Value) -> Self {
        Self(Substitute::Json(page))
    }

    /// Returns another page of the same list.
    pub fn same_as(page_number: u64) -> Self {
        Self(Substitute::SameAs(page_number))
    }

    /// Returns the page after `change`.
    ///
    /// ```
    /// use genesys_cloud_mock::PageOverride;
    ///
    /// let empty = PageOverride::edit(|page| page["entities"] = serde_json::json!([]));
    /// let wrong_count = PageOverride::edit(|page| page["pageCount"] = 1.into());
    /// ```
    pub fn edit(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self(Substitute::Edit(Arc::new(change)))
    }
}

impl fmt::Debug for PageOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Substitute::Json(page) => f.debug_tuple("Json").field(page).finish(),
            Substitute::SameAs(number) => f.debug_tuple("SameAs").field(number).finish(),
            Substitute::Edit(_) => f.write_str("Edit(..)"),
        }
    }
}

/// The responses and faults that a test has scripted, by operationId.
#[derive(Debug, Default)]
pub(crate) struct Script {
    responses: HashMap<&'static str, VecDeque<CannedResponse>>,
    connections: HashMap<&'static str, VecDeque<ConnectionFault>>,
    pages: HashMap<(&'static str, u64), PageOverride>,
}

impl Script {
    pub(crate) fn push_response(&mut self, operation: &'static str, response: CannedResponse) {
        self.responses.entry(operation).or_default().push_back(response);
    }

    pub(crate) fn next_response(&mut self, operation: &str) -> Option<CannedResponse> {
        self.responses.get_mut(operation)?.pop_front()
    }

    pub(crate) fn push_connection_fault(
        &mut self,
        operation: &'static str,
        fault: ConnectionFault,
    ) {
        self.connections.entry(operation).or_default().push_back(fault);
    }

    pub(crate) fn next_connection_fault(&mut self, operation: &str) -> Option<ConnectionFault> {
        self.connections.get_mut(operation)?.pop_front()
    }

    pub(crate) fn set_page(&mut self, operation: &'static str, number: u64, page: PageOverride) {
        self.pages.insert((operation, number), page);
    }

    pub(crate) fn page(&self, operation: &'static str, number: u64) -> Option<PageOverride> {
        self.pages.get(&(operation, number)).cloned()
    }
}
